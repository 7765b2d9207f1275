//! The sealer as a worker runs it, a backlog of more than one block, and a ledger that is wrong all over.

use super::chain::{proof, tamper};
use super::*;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longer than a round takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn wait_until_sealed(w: &World, who: &Someone) {
    let sealed = async {
        while proof(w, who).await.waiting > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(PATIENCE, sealed).await.is_ok(), "never sealed");
}

#[tokio::test]
async fn a_sealer_seals_what_comes_survives_without_a_database_and_stops_when_told() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let stop = CancellationToken::new();
    let process = w.another_process(2, None);
    #[expect(clippy::disallowed_methods, reason = "the test waits for its end")]
    let sealer = tokio::spawn(keep_sealing(process.clone(), stop.clone()));
    wait_until_sealed(&w, &acme).await;
    w.top_up(acme.company, Credits::whole(5)).await.expect("topped up");
    wait_until_sealed(&w, &acme).await;
    process.close().await;
    w.top_up(acme.company, Credits::whole(5)).await.expect("topped up");
    sleep(Duration::from_millis(700)).await;
    assert!(!sealer.is_finished(), "the database may come back");
    assert_eq!(proof(&w, &acme).await.waiting, 1);
    stop.cancel();
    timeout(PATIENCE, sealer).await.expect("it stops").expect("it does not panic");
}

#[tokio::test]
async fn a_backlog_of_more_than_a_block_is_sealed_in_several_rounds_without_a_pause() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    while seal_all(&w.db).await.expect("sealed") {}
    let mut tx = w.tx(&acme).await;
    let now = tx.now();
    sqlx::query(
        "insert into movements (id, kind, source, source_ref, target, target_ref, amount, key, note, who, at, balance)
         select md5(n::text)::uuid, 'grant', source, source_ref, target, target_ref, 1, 'many ' || n, 'Many', who, $1, 1
         from movements, generate_series(1, 5001) n where key = 'welcome'",
    )
    .bind(now)
    .execute(tx.conn())
    .await
    .expect("many");
    tx.commit().await.expect("commit");
    let stop = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "the test waits for its end")]
    let sealer = tokio::spawn(keep_sealing(w.db.clone(), stop.clone()));
    wait_until_sealed(&w, &acme).await;
    stop.cancel();
    timeout(PATIENCE, sealer).await.expect("it stops").expect("it does not panic");
    assert_eq!(proof(&w, &acme).await.blocks, 3, "the welcome, five thousand, and the last one");
}

#[tokio::test]
async fn a_ledger_that_is_wrong_all_over_is_not_listed_to_its_end() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for _ in 0..25 {
        w.top_up(acme.company, Credits::whole(1)).await.expect("topped up");
        while seal_all(&w.db).await.expect("sealed") {}
    }
    assert_eq!(proof(&w, &acme).await.problems, Vec::<String>::new());
    assert!(tamper(&w, "update movements set note = 'Gift'").await > 25);
    assert_eq!(proof(&w, &acme).await.problems.len(), 20);
}

#[tokio::test]
async fn a_hold_that_was_never_made_cannot_be_settled_and_nothing_is_extended_by_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (campaign, call): (CampaignId, CallId) = (tx.id(), tx.id());
    set_aside(&mut tx, campaign, 3, "launch").await.expect("reserved");
    let before = amounts(&mut tx).await;
    let missing = settle_one(&mut tx, campaign, call, Credits::whole(2), Credits::whole(1)).await;
    assert!(matches!(missing, Err(Error::Told(model::Error::InsufficientCredits { .. }))), "{missing:?}");
    assert_eq!(extend(&mut tx, campaign, Credits::ZERO, Credits::ZERO).await.expect("nothing"), Credits::ZERO);
    assert_eq!(amounts(&mut tx).await, before);
}
