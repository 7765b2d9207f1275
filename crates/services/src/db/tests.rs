//! What is left on a pooled connection after a transaction: nothing that the next one could inherit.

use super::*;
use crate::testing::World;
use std::task::Poll;

/// Connections find back into their pool by themselves, and not at once.
async fn all_back(db: &Db) {
    while db.0.company.num_idle() < db.0.company.size() as usize {
        tokio::task::yield_now().await;
    }
}

/// Who a connection of the company pool is, and for which company, outside of any transaction.
async fn leftovers(db: &Db) -> Vec<(String, String)> {
    all_back(db).await;
    let mut held = Vec::new();
    // All of them at once, so that each is looked at.
    for _ in 0..db.0.company.size().max(1) {
        #[expect(clippy::disallowed_methods, reason = "looks at connections as the pool keeps them, between transactions")]
        held.push(db.0.company.acquire().await.expect("a connection"));
    }
    let mut seen = Vec::new();
    for connection in &mut held {
        let row = sqlx::query_as("select current_user::text, coalesce(current_setting('app.company', true), '')")
            .fetch_one(&mut **connection)
            .await;
        seen.push(row.expect("who am I"));
    }
    seen
}

#[tokio::test]
async fn no_role_and_no_company_outlives_its_transaction() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(w.tx(&acme).await);
    }
    let mut failed = open.pop().expect("four");
    sqlx::query("select 1/0").execute(failed.conn()).await.expect_err("a transaction that failed");
    drop(failed);
    drop(open.pop());
    for tx in open {
        tx.commit().await.expect("commit");
    }
    let seen = leftovers(&w.db).await;
    assert_eq!(seen.len(), 4, "the pool kept all of them");
    for connection in seen {
        assert_eq!(connection, ("belfry_app".to_owned(), String::new()));
    }
}

#[tokio::test]
async fn a_begin_that_nobody_waits_for_leaves_no_transaction_behind() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    w.tx(&acme).await.commit().await.expect("signed in");
    for polls in 1..=4 {
        all_back(&w.db).await;
        let mut beginning = Box::pin(w.db.begin(&acme.actor));
        let mut left = polls;
        std::future::poll_fn(|cx| {
            left -= 1;
            let over = beginning.as_mut().poll(cx).is_ready();
            if over || left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(beginning);
        for connection in leftovers(&w.db).await {
            assert_eq!(connection, ("belfry_app".to_owned(), String::new()), "given up after {polls} polls");
        }
    }
}

#[tokio::test]
async fn a_transaction_sees_its_own_company_and_the_moment_it_began() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    for company in [&acme, &birch, &acme] {
        let mut tx = w.tx(company).await;
        let seen: (String, Uuid) =
            sqlx::query_as("select current_user::text, app.company()").fetch_one(tx.conn()).await.expect("who am I");
        assert_eq!(seen, ("company".to_owned(), company.company.uuid()));
        let began = tx.now();
        w.clock.advance(chrono::TimeDelta::hours(1));
        assert_eq!(tx.now(), began);
    }
}

#[tokio::test]
async fn ids_are_in_the_order_of_their_moments_and_repeat_with_the_seed() {
    let (w, again) = (World::with_seed(5).await, World::with_seed(5).await);
    let mut both = Vec::new();
    for world in [&w, &again] {
        let mut ids: Vec<Uuid> = Vec::new();
        for _ in 0..3 {
            let mut tx = world.db.begin_system(SystemTask::Check).await.expect("begin");
            ids.push(tx.id());
            world.clock.advance(chrono::TimeDelta::milliseconds(1));
        }
        assert!(ids.is_sorted() && ids[0] != ids[1], "{ids:?}");
        both.push(ids);
    }
    assert_eq!(both[0], both[1]);
}
