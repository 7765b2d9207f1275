//! From the news of a recording to a file of our own, past dead links and days of trouble.

use crate::actor::SystemTask;
use crate::calls;
use crate::campaigns;
use crate::dialer::Network;
use crate::recordings::CopyRecording;
use crate::testing::room::Room;
use chrono::TimeDelta;
use model::calls::{Outcome, RecordingKeeping, RecordingRow};
use model::id::{CallId, CampaignId};
use providers::scripted::{self, Script};
use providers::{Answer, CallbackKind, ProviderCallId, ProviderError, Recording, Refusal, RefusalKind, Sound};
use std::sync::{Arc, Mutex};

const ID: &str = "RE1";
const OLD: &str = "https://recordings.example.com/old";
const NEW: &str = "https://recordings.example.com/new";

fn recording(url: &str) -> Recording {
    Recording { id: ID.to_owned(), url: Some(url.to_owned()), seconds: Some(30), ready: true, raw_status: String::new() }
}

/// Somebody who gives the sound under one link, and tells of one when asked.
#[derive(Default)]
struct Keeper {
    opens: Option<&'static str>,
    tells: Option<&'static str>,
    is_away: bool,
    asked: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Script for Keeper {
    async fn recording(&self, recording: &Recording) -> Result<Sound, ProviderError> {
        let url = recording.url.clone().unwrap_or_default();
        self.asked.lock().expect("unpoisoned").push(url.clone());
        if self.is_away {
            return Err(ProviderError::Unreachable("nobody is there".to_owned()));
        }
        if self.opens == Some(url.as_str()) {
            return Ok(Sound { content_type: "audio/wav".to_owned(), bytes: b"RIFF".to_vec() });
        }
        let kind = RefusalKind::Configuration;
        let refusal = Refusal { kind, code: "403".to_owned(), message: "Request has expired".to_owned(), retry_after: None };
        Err(ProviderError::Refused(refusal))
    }
    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        assert_eq!(id.as_str(), "CA1");
        Ok(self.tells.map(|url| CallbackKind::Recording(recording(url))).into_iter().collect())
    }
}

impl Room {
    /// A call that is over, of a campaign that records or does not.
    async fn over(&self, record: bool) -> (CampaignId, CallId) {
        let campaign = self.world.launched(&self.acme, 1, |form| form.record = record).await;
        let dial = self.plan(campaign).await.dials.remove(0);
        self.record(&dial, Answer::Placed(ProviderCallId::new("CA1"))).await;
        self.end(dial.call, Outcome::Completed).await;
        (campaign, dial.call)
    }

    async fn recordings(&self, call: CallId) -> Vec<RecordingRow> {
        calls::load(&mut self.world.tx(&self.acme).await, call).await.expect("call").recordings
    }

    async fn told(&self, call: CallId) -> Vec<RecordingRow> {
        let news = scripted::news(ProviderCallId::new("CA1"), CallbackKind::Recording(recording(OLD)));
        self.world.callback(self.acme.company, call, news).await.expect("applied");
        self.recordings(call).await
    }

    /// Whatever copies wait, by this keeper; and whether the first wants to be tried again soon.
    async fn copy(&self, keeper: Keeper) -> (Vec<String>, bool) {
        let job = self.world.jobs::<CopyRecording>(self.acme.company).await.expect("jobs").remove(0);
        let keeper = Arc::new(keeper);
        let again = job.copy(&self.world.db, &Network::scripted(keeper.clone())).await.is_err();
        (keeper.asked.lock().expect("unpoisoned").clone(), again)
    }

    async fn night(&self) -> usize {
        let before = self.world.jobs::<CopyRecording>(self.acme.company).await.expect("jobs").len();
        let mut tx = self.world.db.begin_system(SystemTask::Check).await.expect("begin");
        super::super::retry_all(&mut tx).await.expect("asked for");
        tx.commit().await.expect("commit");
        self.world.jobs::<CopyRecording>(self.acme.company).await.expect("jobs").len() - before
    }
}

#[tokio::test]
async fn whether_a_call_is_recorded_is_what_it_was_placed_with() {
    for was in [true, false] {
        let room = Room::new().await;
        let (campaign, call) = room.over(was).await;
        let mut tx = room.world.tx(&room.acme).await;
        let mut form = campaigns::load(&mut tx, campaign).await.expect("campaign").form;
        form.record = !was;
        campaigns::edit(&mut tx, campaign, &form).await.expect("changed");
        tx.commit().await.expect("commit");
        assert_eq!(room.told(call).await.len(), usize::from(was), "the campaign records now: {}", !was);
    }
}

#[tokio::test]
async fn a_link_that_died_is_asked_for_anew() {
    let room = Room::new().await;
    let (_, call) = room.over(true).await;
    assert_eq!(room.told(call).await[0].keeping, RecordingKeeping::Waiting);
    let (asked, again) = room.copy(Keeper { opens: Some(NEW), tells: Some(NEW), ..Keeper::default() }).await;
    assert_eq!((asked, again), (vec![OLD.to_owned(), NEW.to_owned()], false));
    let row = room.recordings(call).await.remove(0);
    assert!(row.keeping == RecordingKeeping::Kept && row.link.is_some(), "{row:?}");
    let (asked, _) = room.copy(Keeper::default()).await;
    assert_eq!(asked, Vec::<String>::new(), "what is kept is not copied again");
}

#[tokio::test]
async fn what_cannot_be_copied_says_why_and_is_tried_every_night_until_it_is_given_up() {
    let room = Room::new().await;
    let (_, call) = room.over(true).await;
    room.told(call).await;
    // Nobody is there: soon again. The link is refused, and there is no other: tonight.
    let (_, again) = room.copy(Keeper { is_away: true, ..Keeper::default() }).await;
    assert!(again);
    let (asked, again) = room.copy(Keeper { tells: Some(OLD), ..Keeper::default() }).await;
    assert_eq!((asked.len(), again), (1, false));
    let row = room.recordings(call).await.remove(0);
    assert!(row.keeping == RecordingKeeping::Failed && row.problem.contains("Request has expired"), "{row:?}");
    assert_eq!(room.night().await, 0, "a copy of this hour may be under way");
    room.world.clock.advance(TimeDelta::hours(12));
    assert_eq!(room.night().await, 1);
    room.world.clock.advance(TimeDelta::days(14));
    assert_eq!(room.night().await, 0);
    let row = room.recordings(call).await.remove(0);
    assert_eq!(row.keeping, RecordingKeeping::Lost);
    assert!(row.problem.starts_with("given up after 14 days: ") && row.problem.contains("Request has expired"), "{row:?}");
}

#[tokio::test]
async fn a_copy_whose_worker_died_every_time_is_not_forgotten() {
    let room = Room::new().await;
    let (_, call) = room.over(true).await;
    assert_eq!(room.told(call).await[0].keeping, RecordingKeeping::Waiting);
    room.world.clock.advance(TimeDelta::hours(12));
    assert_eq!(room.night().await, 1);
    let (_, again) = room.copy(Keeper { opens: Some(OLD), ..Keeper::default() }).await;
    assert!(!again);
    assert_eq!(room.recordings(call).await[0].keeping, RecordingKeeping::Kept);
}

#[tokio::test]
async fn a_company_without_copies_has_none_and_says_why() {
    let room = Room::new().await;
    let (_, waiting) = room.over(true).await;
    assert_eq!(room.told(waiting).await[0].keeping, RecordingKeeping::Waiting);
    let home = room.world.company("platform").await;
    let root = room.world.member(&home, model::accounts::Role::SuperAdmin).await;
    crate::features::set(&room.world.db, &root, room.acme.company, model::features::Feature::RecordingCopies, Some(false))
        .await
        .expect("decided");
    // What waited when it was turned off is not copied any more.
    assert_eq!(room.copy(Keeper { opens: Some(OLD), ..Keeper::default() }).await, (vec![], false));
    let why = "copies of recordings are off for this company";
    let kept = room.recordings(waiting).await.remove(0);
    assert_eq!((kept.keeping, kept.problem.as_str(), kept.link), (RecordingKeeping::Lost, why, None));
    let mut news = recording(NEW);
    news.id = "RE2".to_owned();
    let news = scripted::news(ProviderCallId::new("CA1"), CallbackKind::Recording(news));
    room.world.callback(room.acme.company, waiting, news).await.expect("applied");
    let told = room.recordings(waiting).await;
    assert!(told.len() == 2 && told.iter().all(|row| row.keeping == RecordingKeeping::Lost && row.problem == why), "{told:?}");
    assert_eq!(room.world.jobs::<CopyRecording>(room.acme.company).await.expect("jobs").len(), 1, "no other job was made");
}
