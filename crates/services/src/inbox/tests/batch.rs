//! Callbacks that come at the same moment: one commit, nobody waits for somebody who is gone, and nobody pays for another's
//! mistake. A transaction that has stored a callback and does not end keeps the commit of that callback waiting.

use super::*;
use crate::db::SystemTx;
use crate::gateways::keys;
use crate::inbox::batch::{ROWS_MAX, WAITING_MAX};
use crate::secrets::Purpose;
use futures::future::{Future, join_all};
use futures::poll;
use sqlx::postgres::PgListener;
use std::pin::Pin;
use std::task::Poll;

type Posted<'a> = Pin<Box<dyn Future<Output = Result<ReplyBody, Refused>> + 'a>>;

impl Line {
    /// A line whose gateway is remembered, so that a post goes straight to its commit.
    async fn used() -> Self {
        let line = Self::new().await;
        line.post(&digits(0)).await.expect("accepted");
        line
    }

    /// A post that has been begun: it commits, or it waits for who does.
    async fn begun(&self, n: u32) -> Posted<'_> {
        let mut post: Posted = Box::pin(async move { self.post(&digits(n)).await });
        assert!(poll!(post.as_mut()).is_pending());
        post
    }

    /// Until this is dropped, the commit of that callback waits.
    async fn blocked(&self, n: u32) -> SystemTx {
        let mut tx = self.world.db.begin_system(SystemTask::RouteCallback).await.expect("begin");
        let (id, now): (InboxId, _) = (tx.id(), tx.now());
        sqlx::query(
            "insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at)
             select company_id, $1, id, $2, '', '', $3 from gateways where id = $4",
        )
        .bind(id)
        .bind(format!("{}:digits:{n}", sid(1)))
        .bind(now)
        .bind(self.gateway)
        .execute(tx.conn())
        .await
        .expect("stored for now");
        tx
    }
}

fn digits(n: u32) -> String {
    format!("CallSid={}&Digits={n}", sid(1))
}

/// Rows, and the commits they came with.
async fn rows_and_commits(w: &World) -> (i64, i64) {
    let mut tx = w.db.begin_system(SystemTask::RouteCallback).await.expect("begin");
    let counted = sqlx::query_as("select count(*), count(distinct xmin::text) from inbox").fetch_one(tx.conn()).await;
    counted.expect("counted")
}

#[tokio::test]
async fn callbacks_of_several_companies_that_come_during_a_commit_share_the_next_one() {
    let line = Line::used().await;
    let w = &line.world;
    let birch = w.company("birch").await;
    let mut tx = w.tx(&birch).await;
    let theirs = crate::gateways::list(&mut tx).await.expect("gateways")[0].id;
    drop(tx);
    let (url, token) = (format!("{}/hooks/twilio/{theirs}", w.db.config().public_url), token_of(w, theirs).await);
    post(w, theirs, &url, &digits(0), &token).await.expect("birch's gateway is remembered as well");
    let before = rows_and_commits(w).await;
    let blocker = line.blocked(1).await;
    let mut posts = vec![line.begun(1).await];
    for n in 2..20 {
        posts.push(line.begun(n).await);
        let (body, url, token) = (digits(n), &url, &token);
        let mut other: Posted = Box::pin(async move { post(w, theirs, url, &body, token).await });
        assert!(poll!(other.as_mut()).is_pending());
        posts.push(other);
    }
    drop(blocker);
    for done in join_all(posts).await {
        done.expect("acknowledged");
    }
    let after = rows_and_commits(w).await;
    assert_eq!((after.0 - before.0, after.1 - before.1), (37, 2), "one commit for the first, one for all others");
    let mut tx = w.tx(&birch).await;
    let mine: i64 = sqlx::query_scalar("select count(*) from inbox").fetch_one(tx.conn()).await.expect("count");
    assert_eq!(mine, 19, "each is its own company's");
}

#[tokio::test]
async fn whoever_hangs_up_while_committing_leaves_nobody_behind() {
    let line = Line::used().await;
    let (first, last) = (line.blocked(1).await, line.blocked(4).await);
    let one = line.begun(1).await;
    let (mut two, three, four) = (line.begun(2).await, line.begun(3).await, line.begun(4).await);
    drop(first);
    one.await.expect("acknowledged");
    assert!(poll!(two.as_mut()).is_pending(), "it commits for all three, and four keeps it waiting");
    drop(two);
    drop(last);
    for done in join_all([three, four]).await {
        done.expect("acknowledged");
    }
    line.post(&digits(5)).await.expect("the next one finds the way free");
    assert_eq!(line.drain().await, 6, "what the one who hung up had begun is stored too: its connection was still at work");
}

#[tokio::test]
async fn whoever_hangs_up_before_their_turn_hands_it_on() {
    let line = Line::used().await;
    let blocker = line.blocked(1).await;
    let one = line.begun(1).await;
    let (two, three) = (line.begun(2).await, line.begun(3).await);
    drop(one); // two is asked to lead, and is gone before it hears of it
    drop(two);
    three.await.expect("acknowledged");
    drop(blocker);
    line.post(&digits(4)).await.expect("the next one finds the way free");
}

#[tokio::test]
async fn a_callback_that_postgres_refuses_fails_alone() {
    let line = Line::used().await;
    // No index takes a key of this size, and nothing in it repeats.
    let id: String = (0..4_000_u64).map(|n| format!("{:08x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)).collect();
    let too_long = format!("CallSid={}&RecordingStatus=completed&RecordingSid={id}", sid(1));
    let alone = line.post(&too_long).await;
    assert!(matches!(alone, Err(Refused::Inside(Error::Db(_)))), "{alone:?}");
    let blocker = line.blocked(1).await;
    let mut posts = vec![line.begun(1).await];
    for n in 2..30 {
        posts.push(line.begun(n).await);
        if n == 17 {
            let mut bad: Posted = Box::pin(line.post(&too_long));
            assert!(poll!(bad.as_mut()).is_pending());
            posts.push(bad);
        }
    }
    drop(blocker);
    let refused: Vec<_> =
        join_all(posts).await.into_iter().enumerate().filter_map(|(n, done)| done.err().map(|e| (n, e))).collect();
    assert!(matches!(refused.as_slice(), [(17, Refused::Inside(Error::Db(_)))]), "{refused:?}");
    assert_eq!(stored(&line.world).await, 30);
}

#[tokio::test]
async fn text_that_no_database_can_hold_is_malformed() {
    let line = Line::used().await;
    let refusal = line.post(&format!("CallSid={}&RecordingStatus=completed&RecordingSid=RE%00", sid(1))).await;
    assert!(matches!(refusal, Err(Refused::Malformed(_))), "{refusal:?}");
}

#[tokio::test]
async fn too_many_who_wait_are_asked_to_come_again() {
    let line = Line::used().await;
    let blocker = line.blocked(1).await;
    let mut posts = vec![line.begun(1).await];
    let most = u32::try_from(WAITING_MAX).expect("small");
    for n in 0..most {
        posts.push(line.begun(n + 2).await);
    }
    let refusal = line.post(&digits(most + 2)).await;
    assert!(matches!(refusal, Err(Refused::Inside(Error::Told(model::Error::Unavailable { .. })))), "{refusal:?}");
    drop(blocker);
    for done in join_all(posts).await {
        done.expect("acknowledged");
    }
    let commits = 2 + WAITING_MAX.div_ceil(ROWS_MAX);
    let expected = (i64::from(most) + 2, i64::try_from(commits).expect("small"));
    assert_eq!(rows_and_commits(&line.world).await, expected);
}

#[tokio::test]
async fn a_changed_key_counts_at_once_although_the_old_one_is_remembered() {
    let line = Line::used().await;
    let mut tx = line.world.db.begin_system(SystemTask::RouteCallback).await.expect("begin");
    let sealed = keys::seal(&line.world.db, Purpose::GatewayKey, line.acme.company, line.gateway, "new").expect("sealed");
    sqlx::query("update gateways set secret_sealed = $2, keys_version = keys_version + 1 where id = $1")
        .bind(line.gateway)
        .bind(sealed)
        .execute(tx.conn())
        .await
        .expect("set");
    tx.commit().await.expect("commit");
    let old = line.post(&digits(1)).await;
    assert!(matches!(old, Err(Refused::BadSignature)), "{old:?}");
    let new = post(&line.world, line.gateway, &line.url(), &digits(1), "new").await;
    new.expect("signed with the new key");
    let old = line.post(&digits(2)).await;
    assert!(matches!(old, Err(Refused::BadSignature)), "{old:?}");
    assert_eq!(stored(&line.world).await, 2);
}

#[tokio::test]
async fn a_connection_that_died_while_nobody_used_it_is_replaced() {
    let line = Line::used().await;
    let ended: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where usename = session_user and datname = current_database() and pid <> pg_backend_pid()",
    )
    .fetch_all(line.world.db.system_pool())
    .await
    .expect("its own sessions");
    assert!(!ended.is_empty() && ended.iter().all(|ended| *ended), "{ended:?}");
    line.post(&digits(1)).await.expect("acknowledged");
    assert_eq!(stored(&line.world).await, 2);
}

#[tokio::test]
async fn a_stored_callback_rings_the_bell() {
    let line = Line::used().await;
    let mut bell = PgListener::connect_with(line.world.db.system_pool()).await.expect("connected");
    bell.listen(CHANNEL).await.expect("listens");
    let mut rung = Box::pin(bell.recv());
    assert!(matches!(poll!(rung.as_mut()), Poll::Pending));
    line.post(&digits(1)).await.expect("acknowledged");
    assert_eq!(rung.await.expect("rung").channel(), CHANNEL);
}
