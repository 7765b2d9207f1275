//! What is too old is gone by the morning after, and nothing else is.

use super::*;
use crate::testing::room::Room;
use crate::{calls, check, companies, recordings};
use model::calls::{Outcome, RecordingKeeping};
use model::companies::Privacy;
use model::contacts::ContactForm;
use model::enrollments::{EnrollmentStatus, Reason};
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
        companies::save_retention(&mut tx, &Retention { recordings_days, transcripts_days, ..Retention::default() })
            .await
            .expect("saved");
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
    let strict = Retention { recordings_days: Some(1), transcripts_days: Some(1), calls_days: Some(1), contacts_days: Some(1) };
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

impl Room {
    async fn keep_people(&self, calls_days: Option<i32>, contacts_days: Option<i32>) {
        let mut tx = self.world.tx(&self.acme).await;
        companies::save_retention(&mut tx, &Retention { calls_days, contacts_days, ..Retention::default() })
            .await
            .expect("saved");
        tx.commit().await.expect("commit");
    }

    /// Where in the database a text still stands, table and column.
    async fn found(&self, text: &str) -> Vec<String> {
        crate::testing::found(&self.world, text).await
    }
}

#[tokio::test]
async fn a_call_is_forgotten_with_its_words_and_its_sound_and_its_cost_stays() {
    let room = Room::new().await;
    let (call, file) = room.spoken().await;
    let phone = crate::testing::phone(0);
    let before = calls::load(&mut room.world.tx(&room.acme).await, call).await.expect("call");
    room.keep_people(Some(30), None).await;
    room.world.clock.advance(TimeDelta::days(29));
    obey(&room.world.db).await.expect("obeyed");
    assert_eq!(room.left(call, &file).await, (true, true));
    room.world.clock.advance(TimeDelta::days(2));
    for _ in 0..2 {
        obey(&room.world.db).await.expect("twice is once");
    }
    assert_eq!(room.left(call, &file).await, (false, false));
    let after = calls::load(&mut room.world.tx(&room.acme).await, call).await.expect("call");
    assert!(after.row.phone.starts_with("+999") && after.provider_call_id.is_none(), "{}", after.row.phone);
    assert_eq!((after.row.cost, after.row.state, after.held), (before.row.cost, before.row.state, before.held));
    assert_eq!(room.found(&phone).await, ["contacts.phone", "contacts.phone_raw"], "the contact has its own days");
    assert!(room.found("The blue one.").await.is_empty() && room.found("Blue.").await.is_empty());
    assert_eq!(check::run(&room.world.db).await.expect("checked").violations, Vec::<String>::new());
}

#[tokio::test]
async fn people_whom_nobody_called_or_changed_for_long_are_forgotten_and_others_are_not() {
    let room = Room::new().await;
    let (call, _) = room.spoken().await;
    // Two more: one waits for a call, one is changed later.
    let waiting = room.world.launched(&room.acme, 0, |_| {}).await;
    let mut tx = room.world.tx(&room.acme).await;
    let form = |name: &str, phone: &str| ContactForm { name: name.to_owned(), phone: phone.to_owned(), ..ContactForm::default() };
    let busy = crate::contacts::create(&mut tx, &form("Bea", "+12125550177")).await.expect("contact");
    let fresh = crate::contacts::create(&mut tx, &form("Cy", "+12125550178")).await.expect("contact");
    sqlx::query(
        "insert into enrollments (id, campaign_id, contact_id, status, next_attempt_at, created_at, updated_at)
         values ($1, $2, $3, 'queued', $4, $4, $4)",
    )
    .bind(uuid::Uuid::from_u128(7))
    .bind(waiting)
    .bind(busy)
    .bind(room.world.clock.now() + TimeDelta::days(1))
    .execute(tx.conn())
    .await
    .expect("waits");
    sqlx::query("update campaign_stats set contacts = contacts + 1 where campaign_id = $1")
        .bind(waiting)
        .execute(tx.conn())
        .await
        .expect("counted");
    tx.commit().await.expect("commit");
    // Nobody waits for the first person any more, in either campaign.
    let mut tx = room.world.tx(&room.acme).await;
    let number = model::phone::Phone::parse(&crate::testing::phone(0)).expect("E.164");
    crate::suppressions::withdraw(&mut tx, std::slice::from_ref(&number), EnrollmentStatus::Expired, Reason::CampaignOver)
        .await
        .expect("over");
    tx.commit().await.expect("commit");
    room.keep_people(None, Some(100)).await;
    room.world.clock.advance(TimeDelta::days(101));
    let mut tx = room.world.tx(&room.acme).await;
    crate::contacts::edit(&mut tx, fresh, &form("Cyrus", "+12125550178")).await.expect("changed");
    tx.commit().await.expect("commit");
    for _ in 0..2 {
        obey(&room.world.db).await.expect("twice is once");
    }
    assert!(room.found("Person 0").await.is_empty(), "{:?}", room.found("Person 0").await);
    assert!(room.found(&crate::testing::phone(0)).await.is_empty(), "{:?}", room.found(&crate::testing::phone(0)).await);
    assert!(!room.found("Bea").await.is_empty() && !room.found("Cyrus").await.is_empty());
    let kept = calls::load(&mut room.world.tx(&room.acme).await, call).await.expect("the call stays");
    assert_eq!(kept.row.contact_name, "Forgotten");
    assert!(kept.row.cost.is_some());
    assert_eq!(check::run(&room.world.db).await.expect("checked").violations, Vec::<String>::new());
}

#[tokio::test]
async fn hipaa_mode_takes_in_no_words_and_no_sound_and_removes_what_is_there() {
    let room = Room::new().await;
    let (call, file) = room.spoken().await;
    let mut tx = room.world.tx(&room.acme).await;
    companies::save_privacy(&mut tx, Privacy { hipaa: true, gdpr: false }).await.expect("saved");
    tx.commit().await.expect("commit");
    obey(&room.world.db).await.expect("obeyed");
    assert_eq!(room.left(call, &file).await, (true, true), "what ended in this very moment is not before it");
    room.world.clock.advance(TimeDelta::days(1));
    obey(&room.world.db).await.expect("obeyed");
    assert_eq!(room.left(call, &file).await, (false, false));
    // Another call, recorded by its campaign's form; the company's promise is stronger.
    let campaign = room.world.launched(&room.acme, 0, |form| form.record = true).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    assert!(!dial.originate.record, "nobody is asked to record it");
    room.record(&dial, Answer::Placed(ProviderCallId::new("CA2"))).await;
    room.end(dial.call, Outcome::Completed).await;
    let said = Segment { speaker: Speaker::Person, text: "My knee hurts.".to_owned(), start_ms: None, end_ms: None };
    let analysis = Analysis {
        transcript: vec![said],
        summary: Some("Knee.".to_owned()),
        keywords: vec!["knee".to_owned()],
        fields: [("complaint".to_owned(), "knee".to_owned())].into(),
        successful: Some(true),
        opted_out: Some(true),
        ..Analysis::default()
    };
    let id = ProviderCallId::new("CA2");
    let sound =
        providers::Recording { id: "RE2".to_owned(), url: None, seconds: Some(3), ready: true, raw_status: String::new() };
    for kind in [
        CallbackKind::Analysis(Box::new(analysis)),
        CallbackKind::Recording(sound),
        CallbackKind::Unknown("knee, still".to_owned()),
        CallbackKind::Digits("42".to_owned()),
    ] {
        room.world.callback(room.acme.company, dial.call, scripted::news(id.clone(), kind)).await.expect("applied");
    }
    let mut tx = room.world.tx(&room.acme).await;
    let call = calls::load(&mut tx, dial.call).await.expect("call");
    assert_eq!((call.successful, call.recordings.len(), call.digits.as_str()), (Some(true), 0, ""));
    assert!(call.transcript.is_empty() && call.summary.is_empty() && call.keywords.is_empty() && call.found.is_empty());
    let list = crate::suppressions::list(&mut tx, &Default::default()).await.expect("list");
    assert_eq!(list.total, 1, "who said no is obeyed all the same");
    drop(tx);
    for word in ["knee", "Knee", "hurts"] {
        assert!(room.found(word).await.is_empty(), "{word}: {:?}", room.found(word).await);
    }
    assert_eq!(check::run(&room.world.db).await.expect("checked").violations, Vec::<String>::new());
}
