//! The claim transaction on a real database: who is dialed, who is not and why, and what it costs.

use super::{plan, record};
use crate::credits;
use crate::testing::phone;
use crate::testing::room::Room;
use crate::{campaigns, enrollments, suppressions};
use chrono::TimeDelta;
use model::campaigns::{Action, Status};
use model::credits::Credits;
use model::enrollments::{EnrollmentFilter, EnrollmentRow, EnrollmentStatus, Reason};
use model::id::CampaignId;
use model::page::Paging;
use providers::{Answer, Refusal, RefusalKind};
use std::collections::HashSet;
use tokio::task::JoinSet;

mod company;
mod edges;
mod late;
mod looping;
mod shares;
mod together;

impl Room {
    async fn people(&self, campaign: CampaignId) -> Vec<EnrollmentRow> {
        let mut tx = self.world.tx(&self.acme).await;
        let filter = EnrollmentFilter { campaign, status: None, paging: Paging::new(1, 100) };
        enrollments::list(&mut tx, &filter).await.expect("people").items
    }

    async fn status(&self, campaign: CampaignId) -> (Status, Option<String>) {
        let mut tx = self.world.tx(&self.acme).await;
        let c = campaigns::load(&mut tx, campaign).await.expect("campaign");
        (c.status, c.pause_reason.or(c.parked.map(|(why, _)| why.label().to_owned())))
    }
}

fn refused(kind: RefusalKind) -> Answer {
    Answer::Refused(Refusal { kind, code: "1".to_owned(), message: "no".to_owned(), retry_after: None })
}

#[tokio::test]
async fn a_turn_takes_slots_and_holds_the_longest_call_for_each() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 5, |form| form.concurrency_max = 3).await;
    assert_eq!(room.plan(campaign).await.dials.len(), 3);
    assert_eq!(room.plan(campaign).await.dials.len(), 0, "every line is busy");
    let mut tx = room.world.tx(&room.acme).await;
    let wallet = credits::wallet(&mut tx).await.expect("wallet");
    assert_eq!(wallet.held, Credits::whole(6), "three calls of two minutes");
    drop(tx);
    assert_eq!(room.status(campaign).await.1.as_deref(), Some("All lines are busy."));
    room.holds().await;
}

#[tokio::test]
async fn workers_in_parallel_take_every_person_once_and_never_more_than_the_cap() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 12, |form| form.concurrency_max = 7).await;
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let (db, engine, worker) = (room.world.db.clone(), room.world.engine(room.acme.company), room.lease.worker);
        workers.spawn(async move {
            let mut tx = db.begin(&engine).await.expect("begin");
            let turn = plan(&mut tx, campaign, worker).await.expect("planned");
            tx.commit().await.expect("commit");
            turn.dials
        });
    }
    let dials: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    let numbers: HashSet<_> = dials.iter().map(|d| d.originate.to.clone()).collect();
    assert_eq!((dials.len(), numbers.len()), (7, 7));
    room.holds().await;
}

#[tokio::test]
async fn a_plan_that_is_not_committed_leaves_nothing_behind() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    assert_eq!(plan(&mut tx, campaign, room.lease.worker).await.expect("planned").dials.len(), 2);
    drop(tx);
    assert!(room.people(campaign).await.iter().all(|p| p.status == EnrollmentStatus::Queued && p.attempts == 0));
    room.holds().await;
}

#[tokio::test]
async fn outside_the_legal_window_nobody_is_dialed_and_everybody_knows_why() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    // 21:00 in New York.
    room.world.clock.set("2026-11-24T02:00:00Z".parse().expect("a moment"));
    assert_eq!(room.plan(campaign).await.dials.len(), 0);
    for person in room.people(campaign).await {
        assert_eq!(
            (person.reason, person.reason_detail.as_str()),
            (Some(Reason::OutsideHours), "21:00 in New York: United States, federal stops at 21:00 (47 CFR 64.1200(c)(1))")
        );
        assert_eq!(person.next_attempt_at.expect("a moment").iso(), "2026-11-24T08:00:00-05:00");
    }
    room.plan(campaign).await;
    assert_eq!(
        room.world.next_moment(room.acme.company).await.expect("next"),
        Some("2026-11-24T13:00:00Z".parse().expect("a moment"))
    );
    room.world.clock.set("2026-11-24T13:00:00Z".parse().expect("a moment"));
    assert_eq!(room.plan(campaign).await.dials.len(), 2);
}

#[tokio::test]
async fn whoever_opted_out_after_the_launch_is_not_dialed() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 3, |_| {}).await;
    let mut tx = room.world.tx(&room.acme).await;
    suppressions::add(&mut tx, &phone(1), "asked").await.expect("added");
    tx.commit().await.expect("commit");
    let dialed: HashSet<_> = room.plan(campaign).await.dials.iter().map(|d| d.originate.to.to_string()).collect();
    assert_eq!(dialed, HashSet::from([phone(0), phone(2)]));
    let out: Vec<_> = room.people(campaign).await.into_iter().filter(|p| p.status == EnrollmentStatus::OptedOut).collect();
    assert_eq!(out.len(), 1);
    room.holds().await;
}

#[tokio::test]
async fn a_campaign_without_credits_pauses_itself_and_resumes_after_a_grant() {
    let room = Room::new().await;
    // The budget pays for exactly one longest call, and there is no more where it came from.
    let campaign = room.world.launched(&room.acme, 3, |form| form.budget = Some(Credits::whole(2))).await;
    let first = room.plan(campaign).await.dials;
    assert_eq!(first.len(), 1);
    assert_eq!(room.status(campaign).await, (Status::Active, Some("Credits are held by calls under way.".to_owned())));
    room.record(&first[0], refused(RefusalKind::Permanent)).await;
    let second = room.plan(campaign).await.dials;
    assert_eq!(second.len(), 1, "the released hold pays for the next call");
    let mut report = crate::calls::Report::state(model::calls::CallState::ended(model::calls::Outcome::Completed));
    report.talk_seconds = Some(90);
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    crate::calls::absorb(&mut tx, second[0].call, report).await.expect("absorbed");
    tx.commit().await.expect("commit");
    assert!(room.plan(campaign).await.dials.is_empty());
    assert_eq!(room.status(campaign).await, (Status::Paused, Some("The budget is used up.".to_owned())));
    room.holds().await;
    let mut tx = room.world.tx(&room.acme).await;
    let refusal = campaigns::act(&mut tx, campaign, Action::Resume).await.expect_err("nothing left");
    assert!(matches!(refusal, crate::Error::Told(model::Error::InsufficientCredits { .. })), "{refusal}");
}

#[tokio::test]
async fn the_reservation_extends_from_what_is_available() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 4, |form| form.concurrency_max = 4).await;
    // Four people are estimated at 4.8 credits; four longest calls hold 8.
    assert_eq!(room.plan(campaign).await.dials.len(), 4);
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(credits::wallet(&mut tx).await.expect("wallet").held, Credits::whole(8));
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn a_passing_refusal_backs_off_and_is_no_attempt() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    room.record(&dial, refused(RefusalKind::Transient)).await;
    let person = room.people(campaign).await.remove(0);
    assert_eq!((person.status, person.attempts), (EnrollmentStatus::Queued, 0));
    assert_eq!(person.next_attempt_at.expect("a moment").at, room.world.clock.now() + TimeDelta::seconds(60));
    room.holds().await;
}

#[tokio::test]
async fn a_refused_account_pauses_the_campaign_with_the_providers_words() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 2, |form| form.concurrency_max = 1).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    room.record(&dial, refused(RefusalKind::Configuration)).await;
    let (status, why) = room.status(campaign).await;
    assert_eq!(status, Status::Paused);
    assert!(why.is_some_and(|w| w.contains("refuses the account: no")));
    room.holds().await;
}

#[tokio::test]
async fn errors_in_a_row_open_the_breaker_and_one_probe_closes_it() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 6, |form| form.concurrency_max = 6).await;
    for dial in room.plan(campaign).await.dials.iter().take(5) {
        room.record(dial, refused(RefusalKind::Transient)).await;
    }
    assert!(room.plan(campaign).await.dials.is_empty());
    assert_eq!(room.status(campaign).await.1.as_deref(), Some("The provider has trouble; trying again soon."));
    room.world.clock.advance(TimeDelta::seconds(61));
    let probe = room.plan(campaign).await.dials;
    assert_eq!(probe.len(), 1, "half open: one probe");
    room.record(&probe[0], Answer::Placed(providers::ProviderCallId::new("CA1"))).await;
    assert!(room.plan(campaign).await.dials.len() > 1);
    room.holds().await;
}

#[tokio::test]
async fn the_daily_cap_of_a_campaign_parks_it_until_the_next_day() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 4, |form| form.calls_per_day_max = Some(2)).await;
    assert_eq!(room.plan(campaign).await.dials.len(), 2);
    assert!(room.plan(campaign).await.dials.is_empty());
    assert_eq!(room.status(campaign).await.1.as_deref(), Some("The calls for today are used."));
}

#[tokio::test]
async fn after_its_end_date_a_campaign_expires_whoever_waits_and_returns_its_credits() {
    let room = Room::new().await;
    let end = room.world.clock.now() + TimeDelta::hours(1);
    let campaign = room.world.launched(&room.acme, 3, |form| form.ends_at = Some(end)).await;
    room.world.clock.set(end);
    assert!(room.plan(campaign).await.dials.is_empty());
    assert_eq!(room.status(campaign).await.0, Status::Completed);
    assert!(room.people(campaign).await.iter().all(|p| p.status == EnrollmentStatus::Expired));
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(credits::wallet(&mut tx).await.expect("wallet").available, credits::WELCOME);
    drop(tx);
    room.holds().await;
}

#[tokio::test]
async fn refusals_and_turns_at_once_wait_for_each_other_and_do_not_deadlock() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 12, |form| form.concurrency_max = 12).await;
    let dials = room.plan(campaign).await.dials;
    let mut tasks = JoinSet::new();
    for dial in dials {
        let (db, engine, worker) = (room.world.db.clone(), room.world.engine(room.acme.company), room.lease.worker);
        tasks.spawn(async move {
            let mut tx = db.begin(&engine).await?;
            record(&mut tx, &dial, refused(RefusalKind::Transient)).await?;
            tx.commit().await?;
            let mut tx = db.begin(&engine).await?;
            plan(&mut tx, campaign, worker).await?;
            tx.commit().await
        });
    }
    let failed: Vec<crate::Error> = tasks.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
    room.holds().await;
}
