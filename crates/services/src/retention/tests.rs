//! What is too old is gone by the morning after, and nothing else is.

use super::*;
use crate::testing::room::Room;
use crate::{calls, check, companies, recordings};
use model::calls::{Outcome, RecordingKeeping};
use model::id::{CallId, RecordingId};
use providers::{Analysis, Answer, CallbackKind, ProviderCallId, Segment, Speaker, scripted};
use std::path::{Path, PathBuf};

impl Room {
    /// A call that is over, with its words, and its sound on disk.
    async fn spoken(&self) -> (CallId, PathBuf) {
        let campaign = self.world.launched(&self.acme, 1, |form| form.record = true).await;
        let dial = self.plan(campaign).await.dials.remove(0);
        self.record(&dial, Answer::Placed(ProviderCallId::new("CA1"))).await;
        self.end(dial.call, Outcome::Completed).await;
        let said = Segment { speaker: Speaker::Person, text: "The blue one.".to_owned(), start_ms: None, end_ms: None };
        let analysis = Analysis { transcript: vec![said], summary: Some("Blue.".to_owned()), ..Analysis::default() };
        let told = scripted::news(ProviderCallId::new("CA1"), CallbackKind::Analysis(Box::new(analysis)));
        self.world.callback(self.acme.company, dial.call, told).await.expect("applied");
        let sound =
            providers::Recording { id: "RE1".to_owned(), url: None, seconds: Some(3), ready: true, raw_status: String::new() };
        let told = scripted::news(ProviderCallId::new("CA1"), CallbackKind::Recording(sound));
        self.world.callback(self.acme.company, dial.call, told).await.expect("applied");
        let mut tx = self.world.tx(&self.acme).await;
        let id: RecordingId =
            sqlx::query_scalar("update recordings set keeping = 'kept', content_type = 'audio/wav', bytes = 4 returning id")
                .fetch_one(tx.conn())
                .await
                .expect("kept");
        tx.commit().await.expect("commit");
        let (config, company) = (self.world.db.config(), self.acme.company);
        let folder = config.data_dir.join("recordings").join(company.uuid().simple().to_string());
        let path = folder.join(format!("{}.wav", id.uuid().simple()));
        recordings::write_whole(&path, &path.with_extension("part"), b"RIFF").await.expect("written");
        (dial.call, path)
    }

    async fn keep(&self, recordings_days: Option<i32>, transcripts_days: Option<i32>) {
        let mut tx = self.world.tx(&self.acme).await;
        companies::save_retention(&mut tx, &Retention { recordings_days, transcripts_days }).await.expect("saved");
        tx.commit().await.expect("commit");
    }

    /// Whether the words, and the sound, of a call are still there.
    async fn left(&self, call: CallId, file: &Path) -> (bool, bool) {
        let call = calls::load(&mut self.world.tx(&self.acme).await, call).await.expect("call");
        let has_words = call.transcript.iter().any(|turn| turn.text == "The blue one.");
        assert_eq!(has_words, call.summary == "Blue.");
        let has_link = call.recordings[0].link.is_some();
        assert_eq!(has_link, call.recordings[0].keeping == RecordingKeeping::Kept);
        assert_eq!(has_link, file.exists(), "the row and the disk agree");
        (has_words, has_link)
    }
}

#[tokio::test]
async fn each_kind_goes_after_its_own_days_and_the_call_stays() {
    let room = Room::new().await;
    let (call, file) = room.spoken().await;
    room.keep(Some(7), Some(30)).await;
    for (days, left) in [(6, (true, true)), (2, (true, false)), (21, (true, false)), (2, (false, false))] {
        room.world.clock.advance(TimeDelta::days(days));
        obey(&room.world.db).await.expect("obeyed");
        assert_eq!(room.left(call, &file).await, left);
    }
    obey(&room.world.db).await.expect("twice is once");
    assert_eq!(check::run(&room.world.db).await.expect("checked").violations, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_setting_everything_is_kept_and_another_companys_setting_is_its_own() {
    let room = Room::new().await;
    let (call, file) = room.spoken().await;
    let birch = room.world.company("birch").await;
    let mut tx = room.world.tx(&birch).await;
    let strict = Retention { recordings_days: Some(1), transcripts_days: Some(1) };
    companies::save_retention(&mut tx, &strict).await.expect("saved");
    tx.commit().await.expect("commit");
    room.world.clock.advance(TimeDelta::days(4_000));
    obey(&room.world.db).await.expect("obeyed");
    assert_eq!(room.left(call, &file).await, (true, true));
}

#[tokio::test]
async fn a_sound_whose_file_is_gone_already_is_still_forgotten() {
    let room = Room::new().await;
    let (call, file) = room.spoken().await;
    room.keep(Some(1), None).await;
    std::fs::remove_file(&file).expect("removed");
    room.world.clock.advance(TimeDelta::days(2));
    obey(&room.world.db).await.expect("obeyed");
    assert_eq!(room.left(call, &file).await, (true, false));
}
