//! The chain: everything is sealed once, late commits too, and no change of what was sealed goes unnoticed, not
//! even a superuser's.

use super::*;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::str::FromStr;

/// Nothing more waits.
async fn sealed(w: &World) {
    while seal_all(&w.db).await.expect("sealed") {}
}

pub(super) async fn proof(w: &World, who: &Someone) -> model::credits::Proof {
    let mut tx = w.tx(who).await;
    verify(&mut tx).await.expect("verified")
}

/// SQL as a superuser would run it who wants nobody to notice: no trigger and no policy stands in the way.
pub(super) async fn tamper(w: &World, sql: &str) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "only the caller's environment knows a superuser")]
    let admin = std::env::var("ADMIN_DATABASE_URL").expect("ADMIN_DATABASE_URL: the chain is tested against a superuser");
    let name = PgConnectOptions::from_str(&w.owner_url()).expect("a URL");
    let options = PgConnectOptions::from_str(&admin).expect("a URL").database(name.get_database().expect("a name"));
    let mut c = options.connect().await.expect("connect");
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut c).await.expect("quiet");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut c).await.unwrap_or_else(|e| panic!("{sql}: {e}")).rows_affected()
}

/// Two companies with a few blocks each; returns the seqs of the first one's movements.
async fn two_chains(w: &World) -> ([Someone; 2], Vec<i64>) {
    let both = [w.company("acme").await, w.company("birch").await];
    for who in &both {
        for round in 0..3 {
            let mut tx = w.tx(who).await;
            let (campaign, call): (CampaignId, CallId) = (tx.id(), tx.id());
            set_aside(&mut tx, campaign, 3, &format!("round {round}")).await.expect("reserved");
            hold_one(&mut tx, campaign, call, Credits::whole(2)).await.expect("held");
            settle_one(&mut tx, campaign, call, Credits::whole(2), Credits(700)).await.expect("settled");
            tx.commit().await.expect("commit");
            sealed(w).await;
        }
    }
    let mut tx = w.tx(&both[0]).await;
    let seqs = sqlx::query_scalar("select seq from movements order by seq").fetch_all(tx.conn()).await.expect("seqs");
    (both, seqs)
}

#[tokio::test]
async fn every_movement_is_sealed_once_and_the_chain_holds() {
    let w = World::new().await;
    let ([acme, birch], seqs) = two_chains(&w).await;
    for who in [&acme, &birch] {
        let proof = proof(&w, who).await;
        assert_eq!(proof.problems, Vec::<String>::new());
        assert_eq!((proof.movements, proof.waiting), (13, 0), "a welcome and three rounds of four");
        assert!(proof.blocks >= 3);
        assert_eq!(proof.head.map(|h| h.len()), Some(64));
    }
    let mut tx = w.tx(&acme).await;
    let in_blocks: Vec<i64> =
        sqlx::query_scalar("select unnest(seqs) as seq from blocks order by seq").fetch_all(tx.conn()).await.expect("seqs");
    assert_eq!(in_blocks, seqs);
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_movement_that_commits_late_is_sealed_in_a_later_block() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut late = w.tx(&acme).await;
    assert!(give(&mut late, grant(Credits(1), "late")).await.expect("granted"));
    // Same company, other balance: this one has a higher number and commits first.
    let mut early = w.tx(&acme).await;
    let (id, at) = (early.id(), early.now());
    let outside = Shift { kind: MovementKind::Capture, ..grant(Credits(1), "early") };
    sqlx::query("insert into balances (account, ref, amount) values ('held', $1, 1)")
        .bind(Uuid::nil())
        .execute(early.conn())
        .await
        .expect("something to capture");
    assert_eq!(shift(early.conn(), at, "test", &[(id, outside)]).await.expect("captured"), 1);
    early.commit().await.expect("commit");
    sealed(&w).await;
    assert_eq!((proof(&w, &acme).await.movements, proof(&w, &acme).await.waiting), (2, 0), "the welcome and the early one");
    late.commit().await.expect("commit");
    assert_eq!(proof(&w, &acme).await.waiting, 1);
    sealed(&w).await;
    let after = proof(&w, &acme).await;
    assert_eq!((after.movements, after.waiting), (3, 0));
    assert!(after.problems.iter().all(|p| p.contains("held")), "only the credit from nowhere is a problem: {:?}", after.problems);
    let mut tx = w.tx(&acme).await;
    let order: Vec<Vec<i64>> =
        sqlx::query_scalar("select seqs from blocks order by height").fetch_all(tx.conn()).await.expect("blocks");
    assert!(order.concat().windows(2).any(|pair| pair[0] > pair[1]), "the late one has the lower number: {order:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sealers_at_once_seal_everything_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let (db, actor) = (w.db.clone(), acme.actor.clone());
        tasks.spawn(async move {
            for round in 0..5 {
                let mut tx = db.begin(&actor).await.expect("begin");
                give(&mut tx, grant(Credits(1), &format!("{n} {round}"))).await.expect("granted");
                tx.commit().await.expect("commit");
                seal_all(&db).await.expect("sealed");
            }
        });
    }
    tasks.join_all().await;
    sealed(&w).await;
    let proof = proof(&w, &acme).await;
    assert_eq!((proof.movements, proof.waiting, proof.problems), (41, 0, Vec::new()));
}

/// Whatever the superuser does, one of the sentences that the customer reads says so; the other company's ledger
/// stays clean, and the checker agrees.
async fn is_found(forge: impl Fn(&[i64]) -> String, says: &str) {
    let w = World::new().await;
    let ([acme, birch], seqs) = two_chains(&w).await;
    let sql = forge(&seqs).replace("{acme}", &acme.company.uuid().to_string());
    assert!(tamper(&w, &sql).await > 0, "{sql} touched something");
    let problems = proof(&w, &acme).await.problems;
    assert!(problems.iter().any(|p| p.contains(says)), "{sql}: {problems:?} should say {says:?}");
    assert_eq!(proof(&w, &birch).await.problems, Vec::<String>::new(), "{sql}");
    let report = check::run(&w.db).await.expect("checked");
    assert!(report.violations.iter().any(|v| v.contains(says)), "{sql}: {:?}", report.violations);
}

#[tokio::test]
async fn a_changed_movement_is_found_whatever_was_changed() {
    let changes = [
        "amount = amount + 1",
        "note = 'Something else'",
        "who = 'Somebody else'",
        "at = at + interval '1 microsecond'",
        "balance = balance + 1",
        "key = key || '!'",
        "campaign_id = company_id",
        "call_id = null",
        "id = company_id",
        "kind = 'reserve', source = 'available', target = 'escrow'",
        "source_ref = company_id",
        "target_ref = company_id",
    ];
    for change in changes {
        is_found(|seqs| format!("update movements set {change} where seq = {}", seqs[3]), "was changed after it was sealed")
            .await;
    }
}

#[tokio::test]
async fn a_deleted_movement_is_found() {
    is_found(|seqs| format!("delete from movements where seq = {}", seqs[5]), "is gone").await;
}

#[tokio::test]
async fn an_inserted_movement_is_found() {
    let columns = "company_id, kind, source, source_ref, target, target_ref, amount, note, who, at, balance";
    let sql = format!(
        "insert into movements (id, key, {columns}) select company_id, 'forged', {columns} from movements
         where company_id = '{{acme}}' and kind = 'grant'; update balances set amount = amount + 20000
         where company_id = '{{acme}}' and account = 'available'"
    );
    is_found(|_| sql.clone(), "never sealed").await;
}

#[tokio::test]
async fn two_swapped_movements_are_found() {
    let swap = |seqs: &[i64]| {
        let (a, b) = (seqs[1], seqs[5]);
        format!(
            "update movements set seq = -1 where seq = {a}; update movements set seq = {a} where seq = {b}; update movements set seq = {b} where seq = -1"
        )
    };
    // The identity column refuses ordinary updates; a superuser lifts that first.
    let sql = move |seqs: &[i64]| format!("alter table movements alter seq drop identity; {}", swap(seqs));
    is_found(sql, "was changed after it was sealed").await;
}

#[tokio::test]
async fn a_changed_or_deleted_block_is_found() {
    is_found(|_| "delete from blocks where company_id = '{acme}' and height = 2".to_owned(), "does not follow").await;
    is_found(|_| "delete from blocks where company_id = '{acme}' and height = 1".to_owned(), "does not follow").await;
    is_found(|_| "update blocks set previous = hash where company_id = '{acme}' and height = 2".to_owned(), "does not continue")
        .await;
    is_found(|_| "update blocks set seqs = seqs[2:] where company_id = '{acme}' and height = 2".to_owned(), "never sealed").await;
    let twice = "update blocks set seqs = seqs || (select seqs from blocks where company_id = '{acme}' and height = 1)
                 where company_id = '{acme}' and height = 3";
    is_found(|_| twice.to_owned(), "sealed 2 times").await;
}

#[tokio::test]
async fn a_block_whose_hash_was_made_to_fit_breaks_the_next_one() {
    let forge = "update blocks set hash = sha256(hash) where company_id = '{acme}' and height = 2";
    is_found(|_| forge.to_owned(), "Block 3 does not continue block 2").await;
}

#[tokio::test]
async fn nobody_but_a_superuser_rewrites_blocks() {
    let w = World::new().await;
    let ([acme, _], _) = two_chains(&w).await;
    for sql in ["update blocks set height = height + 100", "delete from blocks"] {
        let mut tx = w.tx(&acme).await;
        let refused = sqlx::raw_sql(sql).execute(tx.conn()).await.expect_err("refused");
        assert!(refused.to_string().contains("permission denied"), "{sql}: {refused}");
        let mut tx = w.db.begin_system(crate::SystemTask::Seal).await.expect("begin");
        let refused = sqlx::raw_sql(sql).execute(tx.conn()).await.expect_err("refused");
        assert!(refused.to_string().contains("insert-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_worker_that_does_not_seal_is_found() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.db.begin_system(crate::SystemTask::Lease).await.expect("begin");
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    sqlx::query("insert into workers (id, started_at, lease_until) values ($1, $2, $3)")
        .bind(id)
        .bind(now)
        .bind(now + TimeDelta::minutes(5))
        .execute(tx.conn())
        .await
        .expect("a worker");
    tx.commit().await.expect("commit");
    sealed(&w).await;
    let mut tx = w.tx(&acme).await;
    give(&mut tx, bonus()).await.expect("granted");
    tx.commit().await.expect("commit");
    w.clock.advance(TimeDelta::seconds(10));
    nothing_is_wrong(&w).await;
    w.clock.advance(TimeDelta::seconds(1));
    let report = check::run(&w.db).await.expect("checked");
    assert_eq!(report.violations.len(), 1, "{:?}", report.violations);
    sealed(&w).await;
    nothing_is_wrong(&w).await;
}
