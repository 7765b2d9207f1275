//! What stops a turn besides the contact: pace, an agent that is gone, an enrollment that was dialed too often. And what
//! stops a look-up: another worker, or a call that outlives what it may.

use super::*;
use crate::calls;
use crate::dialer::{Network, due_checks, gateway, reconcile};
use async_trait::async_trait;
use providers::scripted::Script;
use providers::{LookUp, Observed, ProviderCallId, ProviderError, ProviderStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Changes what no screen can.
async fn force(room: &Room, sql: &'static str) {
    let mut tx = room.world.tx(&room.acme).await;
    sqlx::query(sql).execute(tx.conn()).await.expect("changed");
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn without_a_token_nobody_is_dialed_until_the_next_one() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 3, |_| {}).await;
    force(&room, "update gateways set tokens_milli = 0, calls_per_second = 2").await;
    assert_eq!(room.plan(campaign).await.dials.len(), 0);
    let mut tx = room.world.tx(&room.acme).await;
    let (parked, at): (Option<String>, Option<chrono::DateTime<chrono::Utc>>) =
        sqlx::query_as("select parked, runnable_at from campaigns").fetch_one(tx.conn()).await.expect("campaign");
    assert_eq!((parked.as_deref(), at), (Some("pace"), Some(tx.now() + TimeDelta::milliseconds(501))));
    drop(tx);
    room.world.clock.advance(TimeDelta::milliseconds(501));
    assert_eq!(room.plan(campaign).await.dials.len(), 1, "one token every half second");
    room.holds().await;
}

#[tokio::test]
async fn a_campaign_whose_agent_is_no_longer_published_pauses_and_says_so() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    force(&room, "update agents set status = 'draft'").await;
    assert_eq!(room.plan(campaign).await.dials.len(), 0);
    assert_eq!(room.status(campaign).await, (Status::Paused, Some("The agent is no longer published.".to_owned())));
    room.holds().await;
}

#[tokio::test]
async fn an_enrollment_is_not_dialed_for_ever_whatever_the_reason_of_its_failures() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    force(&room, "update enrollments set dials = 50 where id = (select id from enrollments order by id limit 1)").await;
    assert_eq!(room.plan(campaign).await.dials.len(), 1, "the other one");
    let people = room.people(campaign).await;
    let stopped: Vec<_> = people.iter().filter(|p| p.status == EnrollmentStatus::Failed).collect();
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0].reason, Some(Reason::AttemptsUsed));
    room.holds().await;
}

#[tokio::test]
async fn a_real_gateway_lives_at_the_speed_of_real_phones_and_at_its_providers_own_address() {
    let room = Room::new().await;
    force(&room, "update gateways set sandbox = false").await;
    let mut tx = room.world.tx(&room.acme).await;
    let id = crate::gateways::list(&mut tx).await.expect("gateways")[0].id;
    let gateway = gateway::load(&mut tx, id).await.expect("gateway");
    let mut config = tx.config().clone();
    config.sandbox_speed = 30;
    assert_eq!(
        (gateway.speed(&config), gateway.account.base_url.as_str()),
        (1, providers::base_url(model::gateways::ProviderKind::Twilio))
    );
}

/// Knows the call and says that it goes on.
struct Talking {
    asked: AtomicUsize,
    status: ProviderStatus,
}

impl Talking {
    fn seen(&self) -> Observed {
        Observed::new(ProviderCallId::new("CA1"), self.status, "in-progress")
    }
}

#[async_trait]
impl Script for Talking {
    async fn fetch(&self, _: &ProviderCallId) -> std::result::Result<Option<Observed>, ProviderError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(Some(self.seen()))
    }

    async fn find(&self, _: &LookUp) -> std::result::Result<Vec<Observed>, ProviderError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![self.seen()])
    }
}

#[tokio::test]
async fn two_workers_that_see_the_same_late_call_ask_once() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    room.record(&dial, Answer::Unknown { why: "no answer".to_owned() }).await;
    room.world.clock.advance(TimeDelta::minutes(2));
    let script = Arc::new(Talking { asked: AtomicUsize::new(0), status: ProviderStatus::InProgress });
    let network = Network::scripted(script.clone());
    let (late, _) = due_checks(&room.world.db).await.expect("due");
    for _ in 0..2 {
        reconcile(&room.world.db, &network, &late[0]).await.expect("looked up");
    }
    assert_eq!(script.asked.load(Ordering::SeqCst), 1);
    room.holds().await;
}

#[tokio::test]
async fn a_call_that_outlives_the_longest_it_may_be_is_asked_to_end_and_one_in_time_is_not() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |form| form.call_minutes_max = 1).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    room.record(&dial, Answer::Placed(ProviderCallId::new("CA1"))).await;
    let script = Arc::new(Talking { asked: AtomicUsize::new(0), status: ProviderStatus::InProgress });
    let network = Network::scripted(script.clone());
    // Twice the longest call, and a minute to ring: three minutes.
    let mut asked_to_end = Vec::new();
    for minute in 1..=12 {
        room.world.clock.advance(TimeDelta::minutes(1));
        let (late, _) = due_checks(&room.world.db).await.expect("due");
        for call in &late {
            reconcile(&room.world.db, &network, call).await.expect("looked up");
            let jobs = room.world.jobs::<calls::HangUp>(room.acme.company).await.expect("jobs").len();
            asked_to_end.push((minute, jobs > 0));
        }
    }
    assert!(asked_to_end.iter().any(|(minute, _)| *minute > 3), "it was looked up late enough: {asked_to_end:?}");
    for (minute, asked) in &asked_to_end {
        assert_eq!(*asked, *minute > 3, "in minute {minute} of {asked_to_end:?}");
    }
    room.holds().await;
}

#[tokio::test]
async fn a_worker_whose_lease_ran_out_writes_nothing_to_the_network() {
    use crate::dialer::{act, lease};
    use std::time::{Duration, Instant};
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    let script = Arc::new(Talking { asked: AtomicUsize::new(0), status: ProviderStatus::InProgress });
    // A request that begins now could outlive the lease.
    tokio::time::sleep(Duration::from_secs(lease::SECONDS) - providers::http::REQUEST_TIMEOUT).await;
    let answer = act(&Network::scripted(script.clone()), &room.lease, &dial, Instant::now()).await;
    assert!(matches!(&answer, Answer::Unknown { why } if why.contains("lease ended")), "{answer:?}");
    room.lease.confirm(&room.world.db).await.expect("confirmed");
    let answer = act(&Network::scripted(script), &room.lease, &dial, Instant::now()).await;
    assert!(matches!(&answer, Answer::Unknown { why } if why.contains("nobody answers")), "{answer:?}");
}
