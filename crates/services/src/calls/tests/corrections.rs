//! Reports that come after the end, or without the provider's id: what they change, and what they may not.

use super::*;
use chrono::TimeDelta;

impl Room {
    async fn overruns(&self) -> (Credits, i64) {
        let mut tx = self.world.tx(&self.acme).await;
        let over = sqlx::query_scalar("select overrun from calls where id = $1").bind(self.call).fetch_one(tx.conn()).await;
        let told = sqlx::query_scalar("select count(*) from events where kind = 'call.overrun'").fetch_one(tx.conn()).await;
        (over.expect("overrun"), told.expect("events"))
    }
}

#[tokio::test]
async fn a_call_that_rings_before_the_provider_told_its_id_rings_all_the_same() {
    let room = Room::new().await;
    room.absorb(Report::state(CallState::live(CallStatus::Ringing))).await;
    room.absorb(Report::state(CallState::live(CallStatus::Ringing))).await;
    let mut tx = room.world.tx(&room.acme).await;
    let call = load(&mut tx, room.call).await.expect("call");
    assert_eq!(call.row.state, CallState::live(CallStatus::Ringing));
    assert_eq!(call.steps.iter().filter(|s| s.title == CallStatus::Ringing.label()).count(), 1, "told once");
}

#[tokio::test]
async fn an_overrun_is_told_once_however_often_the_call_is_corrected() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Completed, 30)).await;
    assert_eq!(room.overruns().await, (Credits::ZERO, 0));
    room.absorb(ended(Outcome::Completed, 200)).await;
    assert_eq!(room.overruns().await, (Credits::whole(3), 1), "four minutes were billed and one was paid");
    room.absorb(Report::state(CallState::NEW.answered_by(Some(AnsweredBy::Voicemail)))).await;
    assert_eq!(room.overruns().await, (Credits::whole(3), 1), "another correction, the same overrun");
    assert_eq!(room.spent().await, Credits::whole(1));
}

#[tokio::test]
async fn what_is_learned_of_an_earlier_call_does_not_end_the_person_who_is_on_a_later_one() {
    let room = Room::new().await;
    room.absorb(ended(Outcome::Busy, 0)).await;
    assert_eq!(room.person().await, EnrollmentStatus::Queued);
    room.world.clock.advance(TimeDelta::minutes(20));
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    let second = plan(&mut tx, room.campaign, uuid::Uuid::nil()).await.expect("planned").dials;
    tx.commit().await.expect("commit");
    assert_eq!((second.len(), room.person().await), (1, EnrollmentStatus::Calling));
    room.absorb(ended(Outcome::Completed, 30)).await;
    assert_eq!(room.progress().await.connected, 1, "it counts as what it was");
    assert_eq!(room.person().await, EnrollmentStatus::Calling, "and the second call goes on");
}
