//! Reports into calls on a real database: once, twice, late, contradicting, beyond the hold.

use super::{Report, absorb, load};
use crate::dialer::lease::Lease;
use crate::dialer::plan;
use crate::testing::{Someone, World};
use crate::{campaigns, check, credits, enrollments};
use model::accounts::Role;
use model::calls::{AnsweredBy, CallFilter, CallState, CallStatus, Outcome};
use model::campaigns::{Action, Progress, Status};
use model::credits::Credits;
use model::enrollments::{EnrollmentFilter, EnrollmentStatus};
use model::id::{CallId, CampaignId};
use model::page::Paging;

mod analysis;
mod corrections;
mod inbound;
mod people;

struct Room {
    world: World,
    acme: Someone,
    campaign: CampaignId,
    call: CallId,
}

impl Room {
    /// One person, one call under way with two credits held.
    async fn new() -> Self {
        let world = World::new().await;
        let acme = world.company("acme").await;
        let campaign = world.launched(&acme, 1, |_| {}).await;
        let lease = Lease::init(&world.db).await.expect("lease");
        let mut tx = world.db.begin(&world.engine(acme.company)).await.expect("begin");
        let call = plan(&mut tx, campaign, lease.worker).await.expect("planned").dials.remove(0).call;
        tx.commit().await.expect("commit");
        Self { world, acme, campaign, call }
    }

    async fn absorb(&self, report: Report) {
        let mut tx = self.world.db.begin(&self.world.engine(self.acme.company)).await.expect("begin");
        absorb(&mut tx, self.call, report).await.expect("absorbed");
        tx.commit().await.expect("commit");
        assert_eq!(check::run(&self.world.db).await.expect("checked").violations, Vec::<String>::new());
    }

    async fn progress(&self) -> Progress {
        let mut tx = self.world.tx(&self.acme).await;
        campaigns::load(&mut tx, self.campaign).await.expect("campaign").progress
    }

    async fn person(&self) -> EnrollmentStatus {
        let mut tx = self.world.tx(&self.acme).await;
        let filter = EnrollmentFilter { campaign: self.campaign, status: None, paging: Paging::default() };
        enrollments::list(&mut tx, &filter).await.expect("people").items[0].status
    }

    async fn spent(&self) -> Credits {
        let mut tx = self.world.tx(&self.acme).await;
        credits::wallet(&mut tx).await.expect("wallet").spent
    }
}

fn ended(outcome: Outcome, talk: i64) -> Report {
    Report { talk_seconds: Some(talk), ..Report::state(CallState::ended(outcome)) }
}

#[tokio::test]
async fn an_end_is_settled_once_however_often_it_is_told() {
    let room = Room::new().await;
    for _ in 0..3 {
        room.absorb(ended(Outcome::Completed, 61)).await;
    }
    assert_eq!(room.spent().await, Credits::whole(2));
    assert_eq!((room.progress().await.calls, room.person().await), (1, EnrollmentStatus::Called));
}

#[tokio::test]
async fn news_from_before_the_end_changes_nothing_after_it() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Busy, 0)).await;
    room.absorb(Report::state(CallState::live(CallStatus::Ringing))).await;
    let mut tx = room.world.tx(&room.acme).await;
    let call = load(&mut tx, room.call).await.expect("call");
    assert_eq!(call.row.state, CallState::ended(Outcome::Busy));
    drop(tx);
    assert_eq!((room.spent().await, room.person().await), (Credits::ZERO, EnrollmentStatus::Queued));
}

#[tokio::test]
async fn late_machine_detection_recounts_the_call_and_queues_the_person_again() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Completed, 20)).await;
    assert_eq!((room.progress().await.connected, room.person().await), (1, EnrollmentStatus::Called));
    room.absorb(Report::state(CallState::NEW.answered_by(Some(AnsweredBy::Voicemail)))).await;
    let p = room.progress().await;
    assert_eq!((p.connected, p.voicemail, p.calls, p.finished), (0, 1, 1, 0));
    assert_eq!((room.person().await, room.spent().await), (EnrollmentStatus::Queued, Credits::whole(1)));
}

#[tokio::test]
async fn talk_beyond_the_hold_is_our_cost() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Completed, 200)).await;
    assert_eq!(room.spent().await, Credits::whole(2), "the hold and no more");
}

#[tokio::test]
async fn a_longer_talk_told_late_is_our_cost_too() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Completed, 30)).await;
    room.absorb(ended(Outcome::Completed, 90)).await;
    assert_eq!(room.spent().await, Credits::whole(1), "settled once");
    assert_eq!(room.progress().await.talk_seconds, 90);
}

#[tokio::test]
async fn an_unknown_gives_way_to_whatever_is_learned() {
    let room = Room::new().await;
    room.absorb(Report { uncertain: true, ..Report::state(CallState::ended(Outcome::Unknown)) }).await;
    room.absorb(ended(Outcome::Completed, 90)).await;
    let p = room.progress().await;
    assert_eq!((p.connected, p.failed, room.person().await), (1, 0, EnrollmentStatus::Called));
    assert_eq!(room.spent().await, Credits::ZERO, "its hold was released; a late bill is our cost");
}

#[tokio::test]
async fn a_call_that_ends_after_its_campaign_was_cancelled_gives_everything_back() {
    let room = Room::new().await;
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(campaigns::act(&mut tx, room.campaign, Action::Cancel).await.expect("cancelled"), Status::Cancelled);
    tx.commit().await.expect("commit");
    room.absorb(ended(Outcome::NoAnswer, 0)).await;
    let mut tx = room.world.tx(&room.acme).await;
    let wallet = credits::wallet(&mut tx).await.expect("wallet");
    assert_eq!((wallet.available, wallet.reserved, wallet.held), (credits::WELCOME, Credits::ZERO, Credits::ZERO));
    drop(tx);
    assert_eq!(room.person().await, EnrollmentStatus::Cancelled);
}

#[tokio::test]
async fn the_last_call_completes_the_campaign_and_the_ledger_adds_up() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Completed, 30)).await;
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    plan(&mut tx, room.campaign, uuid::Uuid::nil()).await.expect("planned");
    tx.commit().await.expect("commit");
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(campaigns::load(&mut tx, room.campaign).await.expect("campaign").status, Status::Completed);
    let wallet = credits::wallet(&mut tx).await.expect("wallet");
    assert_eq!((wallet.available, wallet.spent), (credits::WELCOME - Credits::whole(1), Credits::whole(1)));
}

#[tokio::test]
async fn another_company_sees_no_call_and_a_viewer_sees_no_number() {
    let room = Room::new().await;
    let other = room.world.company("other").await;
    let mut tx = room.world.tx(&other).await;
    assert!(matches!(load(&mut tx, room.call).await, Err(crate::Error::Told(model::Error::NotFound { .. }))));
    assert_eq!(super::list(&mut tx, &CallFilter::default()).await.expect("list").total, 0);
    drop(tx);
    let viewer = room.world.member(&room.acme, Role::Viewer).await;
    let mut tx = room.world.db.begin(&viewer).await.expect("begin");
    let seen = super::list(&mut tx, &CallFilter::default()).await.expect("list");
    assert_eq!((seen.total, seen.items[0].phone.contains('•')), (1, true));
    assert!(super::hang_up(&mut tx, room.call).await.is_err(), "a viewer may not hang up");
}
