//! What people do with calls: hang up, filter the log; and reports that move no state but are kept.

use super::super::{HangUp, hang_up, list};
use super::*;
use crate::jobs::Job;
use model::calls::{CallRange, CallRow};
use providers::{CallbackKind, ProviderCallId, Recording, scripted};

impl Room {
    async fn steps(&self) -> Vec<(String, String)> {
        let mut tx = self.world.tx(&self.acme).await;
        let call = load(&mut tx, self.call).await.expect("call");
        call.steps.into_iter().map(|s| (s.title, s.detail)).collect()
    }

    async fn told(&self, kind: CallbackKind) {
        let callback = scripted::news(ProviderCallId::new("CA1"), kind);
        self.world.callback(self.acme.company, self.call, callback).await.expect("applied");
    }

    async fn found(&self, filter: CallFilter) -> Vec<CallRow> {
        let mut tx = self.world.tx(&self.acme).await;
        let page = list(&mut tx, &filter).await.expect("list");
        assert_eq!(usize::try_from(page.total).ok(), Some(page.items.len()), "the count is of the same calls");
        page.items
    }

    fn job(&self, opted_out: bool) -> HangUp {
        HangUp { company: self.acme.company, call: self.call, opted_out }
    }
}

fn ended() -> Report {
    Report { talk_seconds: Some(30), ..Report::state(CallState::ended(Outcome::Completed)) }
}

#[tokio::test]
async fn a_person_may_end_a_call_that_goes_on_and_no_other() {
    let room = Room::new().await;
    let mut tx = room.world.tx(&room.acme).await;
    hang_up(&mut tx, room.call).await.expect("asked");
    tx.commit().await.expect("commit");
    assert_eq!(room.world.jobs::<HangUp>(room.acme.company).await.expect("jobs").len(), 1);
    assert!(room.steps().await.iter().any(|(title, _)| title == "Hang-up asked for"));
    room.absorb(ended()).await;
    let mut tx = room.world.tx(&room.acme).await;
    let refusal = hang_up(&mut tx, room.call).await.expect_err("it is over");
    assert!(matches!(refusal, crate::Error::Told(model::Error::Conflict { .. })), "{refusal:?}");
}

#[tokio::test]
async fn a_hang_up_says_why_and_goes_to_the_provider_only_while_the_call_lives_there() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let room = Room::new().await;
    let told_why = |steps: &[(String, String)]| steps.iter().filter(|(title, _)| title == "Opted out").count();
    room.job(false).run(room.world.db.clone()).await.expect("the provider has not told its id: nobody to ask");
    assert_eq!(told_why(&room.steps().await), 0);
    room.job(true).run(room.world.db.clone()).await.expect("nobody to ask yet");
    assert_eq!(told_why(&room.steps().await), 1);
    let placed = Report { provider_call_id: Some("CA1".to_owned()), ..Report::state(CallState::NEW) };
    room.absorb(placed).await;
    // No provider listens where this gateway's is: the request goes out, fails, and will be tried again.
    room.job(false).run(room.world.db.clone()).await.expect_err("it was asked");
    room.absorb(ended()).await;
    room.job(true).run(room.world.db.clone()).await.expect("over: nobody is asked");
    assert_eq!(told_why(&room.steps().await), 1, "and nothing more is said");
}

#[tokio::test]
async fn the_log_shows_what_each_filter_says_and_nothing_else() {
    let room = Room::new().await;
    let mine = room.found(CallFilter::default()).await;
    let (contact, phone) = (mine[0].contact, mine[0].phone.clone());
    assert_eq!(mine.len(), 1);
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let nobody = |text: &str| text.to_owned();
    let all = CallFilter::default;
    let mut tx = room.world.tx(&room.acme).await;
    let other: CampaignId = tx.id();
    let stranger = tx.id();
    drop(tx);
    assert_eq!(room.found(CallFilter { live: true, ..all() }).await.len(), 1);
    assert_eq!(room.found(CallFilter { outcome: Some(Outcome::Completed), ..all() }).await.len(), 0, "not over yet");
    assert_eq!(room.found(CallFilter { campaign: Some(room.campaign), ..all() }).await.len(), 1);
    assert_eq!(room.found(CallFilter { campaign: Some(other), ..all() }).await.len(), 0);
    assert_eq!(room.found(CallFilter { contact, ..all() }).await.len(), 1);
    assert_eq!(room.found(CallFilter { contact: Some(stranger), ..all() }).await.len(), 0);
    assert_eq!(room.found(CallFilter { search: digits[..7].to_owned(), ..all() }).await.len(), 1, "the start of the number");
    assert_eq!(room.found(CallFilter { search: nobody("+1 999"), ..all() }).await.len(), 0);
    assert_eq!(room.found(CallFilter { search: nobody("no digits"), ..all() }).await.len(), 1, "no search");
    for range in [CallRange::Today, CallRange::Week, CallRange::Fortnight, CallRange::Month, CallRange::All] {
        assert_eq!(room.found(CallFilter { range, ..all() }).await.len(), 1, "{range:?}");
    }
    assert_eq!(room.found(CallFilter { range: CallRange::Yesterday, ..all() }).await.len(), 0);
    room.absorb(ended()).await;
    assert_eq!(room.found(CallFilter { live: true, ..all() }).await.len(), 0);
    assert_eq!(room.found(CallFilter { outcome: Some(Outcome::Completed), ..all() }).await.len(), 1);
    room.world.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(room.found(CallFilter { range: CallRange::Today, ..all() }).await.len(), 0);
    assert_eq!(room.found(CallFilter { range: CallRange::Yesterday, ..all() }).await.len(), 1);
}

#[tokio::test]
async fn a_machine_a_recording_and_what_nobody_understands_are_kept_on_the_call() {
    let room = Room::new().await;
    room.told(CallbackKind::MachineDetected(providers::AnsweredBy::Fax)).await;
    let recording =
        Recording { id: "RE1".to_owned(), url: None, seconds: Some(3), ready: true, raw_status: "completed".to_owned() };
    room.told(CallbackKind::Recording(recording)).await;
    room.told(CallbackKind::Unknown("CallStatus=teleported".to_owned())).await;
    room.told(CallbackKind::Digits("12".to_owned())).await;
    let steps = room.steps().await;
    for expected in [("Recording", "completed"), ("Unknown callback", "CallStatus=teleported"), ("Key pressed", "12")] {
        assert!(steps.iter().any(|(title, detail)| (title.as_str(), detail.as_str()) == expected), "{expected:?} in {steps:?}");
    }
    let call = room.found(CallFilter::default()).await.remove(0);
    assert_eq!((call.state.status, call.state.answered_by), (CallStatus::Dialing, Some(AnsweredBy::Fax)));
}
