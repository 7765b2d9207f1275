//! Many calls in one statement, holds without a campaign, and two connections that want the same thing at once.

use super::*;
use std::time::Duration;

/// `n` calls that may cost a credit each.
fn calls(tx: &mut Tx, n: usize) -> Vec<(CallId, Credits)> {
    (0..n).map(|_| (tx.id(), Credits::whole(1))).collect()
}

fn ended(holds: &[(CallId, Credits)], purse: Purse, cost: Credits) -> Vec<Settlement> {
    holds.iter().map(|&(call, held)| Settlement { call, purse, held, cost }).collect()
}

#[tokio::test]
async fn a_turn_holds_for_all_its_calls_or_for_none() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let campaign: CampaignId = tx.id();
    set_aside(&mut tx, campaign, 5, "launch").await.expect("reserved");
    let (six, five) = (calls(&mut tx, 6), calls(&mut tx, 5));
    assert_eq!(shortage(hold(&mut tx, Purse::Escrow(campaign), &six).await), (6_000, 5_000));
    assert_eq!(amounts(&mut tx).await, [15_000, 5_000, 0, 0]);
    assert_eq!(hold(&mut tx, Purse::Escrow(campaign), &five).await.expect("held"), 5);
    assert_eq!(hold(&mut tx, Purse::Escrow(campaign), &five).await.expect("known"), 0, "the same holds are made once");
    assert_eq!(amounts(&mut tx).await, [15_000, 0, 5_000, 0]);
    settle(&mut tx, &ended(&five, Purse::Escrow(campaign), Credits::ZERO)).await.expect("settled");
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_batch_of_ends_settles_each_call_by_its_own_bill() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (spring, fall): (CampaignId, CampaignId) = (tx.id(), tx.id());
    let mut all = Vec::new();
    for campaign in [spring, fall] {
        set_aside(&mut tx, campaign, 4, "launch").await.expect("reserved");
        let holds = calls(&mut tx, 4);
        hold(&mut tx, Purse::Escrow(campaign), &holds).await.expect("held");
        for (settlement, cost) in ended(&holds, Purse::Escrow(campaign), Credits::ZERO).into_iter().zip([0, 1, 1_000, 5_000]) {
            all.push(Settlement { cost: Credits(cost), ..settlement });
        }
    }
    assert_eq!(settle(&mut tx, &all).await.expect("settled"), 2 * (1 + 2 + 1 + 1), "captures and releases above zero");
    assert_eq!(amounts(&mut tx).await, [12_000, 2 * 1_999, 0, 2 * 2_001]);
    assert_eq!(settle(&mut tx, &all).await.expect("settled already"), 0);
    let rows: i64 =
        sqlx::query_scalar("select count(*) from balances where account = 'held'").fetch_one(tx.conn()).await.expect("n");
    assert_eq!(rows, 0, "a resolved hold leaves no row behind");
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn each_line_of_a_batch_says_what_was_available_after_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let moves = [(1, "a"), (2, "b"), (4, "c")].map(|(n, key)| grant(Credits::whole(n), key));
    assert_eq!(shift_in(&mut tx, moves.to_vec()).await.expect("granted"), 3);
    let balances: Vec<_> = movements(&mut tx).await.into_iter().map(|(_, _, balance)| balance).collect();
    assert_eq!(balances, [27_000, 23_000, 21_000, 20_000], "newest first");
    assert_eq!(shift_in(&mut tx, vec![grant(Credits(1), "c"), grant(Credits::whole(8), "d")]).await.expect("one is new"), 1);
    assert_eq!(amounts(&mut tx).await, [35_000, 0, 0, 0]);
}

#[tokio::test]
async fn a_call_without_a_campaign_holds_from_what_is_available() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let twenty_one = calls(&mut tx, 21);
    assert_eq!(shortage(hold(&mut tx, Purse::Available(None), &twenty_one).await), (21_000, 20_000));
    let two = calls(&mut tx, 2);
    assert_eq!(hold(&mut tx, Purse::Available(None), &two).await.expect("held"), 2);
    assert_eq!(amounts(&mut tx).await, [18_000, 0, 2_000, 0]);
    settle(&mut tx, &ended(&two, Purse::Available(None), Credits(300))).await.expect("settled");
    settle(&mut tx, &ended(&two, Purse::Available(None), Credits(900))).await.expect("once");
    assert_eq!(amounts(&mut tx).await, [19_400, 0, 0, 600]);
    use MovementKind as K;
    let kinds: Vec<_> = movements(&mut tx).await.into_iter().map(|(kind, _, balance)| (kind, balance)).collect();
    let story = [
        (K::ReleaseDirect, 19_400),
        (K::Capture, 18_700),
        (K::ReleaseDirect, 18_700),
        (K::Capture, 18_000),
        (K::HoldDirect, 18_000),
        (K::HoldDirect, 19_000),
        (K::Grant, 20_000),
    ];
    assert_eq!(kinds, story);
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn the_database_refuses_an_unlawful_pair() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for (kind, source, target) in
        [("hold", "available", "held"), ("release_direct", "held", "escrow"), ("capture", "available", "spent")]
    {
        let mut tx = w.tx(&acme).await;
        let (id, now): (MovementId, _) = (tx.id(), tx.now());
        let refused = sqlx::query(
            "insert into movements (id, kind, source, source_ref, target, target_ref, amount, key, note, who, at, balance)
             values ($1, $2, $3, $1, $4, $1, 1, 'x', '', 'x', $5, 0)",
        )
        .bind(id)
        .bind(kind)
        .bind(source)
        .bind(target)
        .bind(now)
        .execute(tx.conn())
        .await
        .expect_err("refused");
        assert_eq!(Error::from(refused).constraint(), Some("movements_lawful"), "{kind}");
    }
}

/// Runs `second` while the transaction of `first` is open, lets it get as far as it can, and then ends `first`.
async fn one_waits_for_the_other(first_commits: bool) {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let campaign: CampaignId = tx.id();
    set_aside(&mut tx, campaign, 10, "launch").await.expect("reserved");
    let holds = calls(&mut tx, 3);
    hold(&mut tx, Purse::Escrow(campaign), &holds).await.expect("held");
    tx.commit().await.expect("commit");
    let mut first = w.tx(&acme).await;
    let bill = |cost: i64, holds: &[(CallId, Credits)]| ended(holds, Purse::Escrow(campaign), Credits(cost));
    assert_eq!(settle(&mut first, &bill(400, &holds[..2])).await.expect("settled"), 4);
    let (db, actor, theirs) = (w.db.clone(), acme.actor.clone(), bill(900, &holds[1..]));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut second = db.begin(&actor).await.expect("begin");
        let moved = settle(&mut second, &theirs).await.expect("settling what another settles is no error");
        second.commit().await.expect("commit");
        moved
    });
    // The second stands at the lock before the first goes on: Postgres says so, no clock does.
    let mut look = w.tx(&acme).await;
    let waits = "select exists (select 1 from pg_locks where not granted
        and pid in (select pid from pg_stat_activity where datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(look.conn()).await.expect("activity") {
        // What a transaction saw of other sessions stays as it was until it asks anew.
        sqlx::query("select pg_stat_clear_snapshot()").execute(look.conn()).await.expect("cleared");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(look);
    if first_commits {
        first.commit().await.expect("commit")
    } else {
        drop(first)
    }
    let moved = tasks.join_next().await.expect("a task").expect("it ended");
    let mut tx = w.tx(&acme).await;
    let expected = if first_commits { (2, [10_000, 8_300, 0, 1_700]) } else { (4, [10_000, 7_200, 1_000, 1_800]) };
    assert_eq!((moved, amounts(&mut tx).await), expected, "first commits: {first_commits}");
    let report = check::run(&w.db).await.expect("checked");
    // Without calls in the table, a hold that nobody resolved is the one thing to complain about.
    assert_eq!(report.violations.len(), usize::from(!first_commits), "{:?}", report.violations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_two_settle_at_once_is_settled_once_and_the_others_of_the_batch_too() {
    one_waits_for_the_other(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_first_of_two_gives_up_the_second_settles() {
    one_waits_for_the_other(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_turns_at_once_hold_and_settle_and_never_overdraw() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let campaign: CampaignId = tx.id();
    set_aside(&mut tx, campaign, 20, "launch").await.expect("reserved");
    tx.commit().await.expect("commit");
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let (db, actor) = (w.db.clone(), acme.actor.clone());
        tasks.spawn(async move {
            let mut refused = 0;
            for _ in 0..6 {
                let mut tx = db.begin(&actor).await.expect("begin");
                let holds = calls(&mut tx, 3);
                let purse = Purse::Escrow(campaign);
                match hold(&mut tx, purse, &holds).await {
                    Ok(moved) => assert_eq!(moved, 3),
                    Err(_) => {
                        refused += 1;
                        continue;
                    }
                }
                tx.commit().await.expect("commit");
                let mut tx = db.begin(&actor).await.expect("begin");
                let cost = Credits(i64::from(n) * 10);
                settle(&mut tx, &ended(&holds, purse, cost)).await.expect("settled");
                tx.commit().await.expect("commit");
            }
            refused
        });
    }
    tasks.join_all().await;
    let mut tx = w.tx(&acme).await;
    let [available, escrow, held, spent] = amounts(&mut tx).await;
    assert_eq!((available, held), (0, 0));
    assert_eq!(escrow + spent, 20_000);
    nothing_is_wrong(&w).await;
}
