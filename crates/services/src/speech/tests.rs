//! Texts are spoken once, kept under what they say and how, and heard by those who have a link of ours.

use super::*;
use crate::testing::{Someone, World, agent_form};
use crate::{Error, agents};
use model::accounts::Role;
use model::gateways::GatewayForm;
use model::id::AgentId;
use providers::scripted::{Script as Play, Scripted};
use providers::{ProviderError, ScriptAudio, Sound, Spoken as Answered};
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// Somebody who speaks, and counts how often.
struct Speaker {
    requests: AtomicUsize,
    content_type: &'static str,
}

#[async_trait::async_trait]
impl providers::Speech for Speaker {
    async fn speak(&self, said: &Utterance) -> Result<Answered, ProviderError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if said.text.contains("mute") {
            return Err(ProviderError::Unreachable("no line".to_owned()));
        }
        // Others come meanwhile.
        tokio::task::yield_now().await;
        let sound = Sound { content_type: self.content_type.to_owned(), bytes: said.text.clone().into_bytes() };
        Ok(Answered { sound, characters: None, took: None })
    }
}

impl Play for Speaker {
    fn speech(&self) -> Option<&dyn providers::Speech> {
        Some(self)
    }
}

/// A company with an account that speaks.
struct Stage {
    w: World,
    acme: Someone,
    gateway: GatewayId,
    speaker: Arc<Speaker>,
    network: Network,
}

impl Stage {
    async fn new() -> Self {
        Self::answering("audio/mpeg").await
    }

    async fn answering(content_type: &'static str) -> Self {
        let w = World::new().await;
        let acme = w.company("acme").await;
        let gateway = connect(&w, &acme, ProviderKind::ElevenLabs).await;
        let speaker = Arc::new(Speaker { requests: AtomicUsize::new(0), content_type });
        let network = Network::Scripted(Arc::new(Scripted(speaker.clone())));
        Self { w, acme, gateway, speaker, network }
    }

    async fn speak(&self, text: &str) -> Result<PathBuf> {
        speak(&self.w.db, &self.network, self.acme.company, self.gateway, &said(text)).await
    }

    fn requests(&self) -> usize {
        self.speaker.requests.load(Ordering::SeqCst)
    }

    fn voice(&self) -> Voice {
        Voice { gateway: self.gateway, id: "voice".to_owned() }
    }
}

async fn connect(w: &World, of: &Someone, kind: ProviderKind) -> GatewayId {
    let mut tx = w.tx(of).await;
    let form = GatewayForm { name: "Voices".into(), kind, concurrency_max: 5, calls_per_second: 1, ..GatewayForm::default() };
    let id = gateways::create(&mut tx, &form).await.expect("connected");
    tx.commit().await.expect("commit");
    id
}

fn said(text: &str) -> Utterance {
    Voice { gateway: GatewayId::from(Uuid::nil()), id: "voice".to_owned() }.says(text, "en-US")
}

fn told(error: Option<Error>) -> model::Error {
    match error {
        Some(Error::Told(told)) => told,
        other => panic!("not told: {other:?}"),
    }
}

#[tokio::test]
async fn what_was_said_once_is_not_said_again_by_however_many() {
    let stage = Stage::new().await;
    let (first, second) = tokio::join!(stage.speak("Hello Ada"), stage.speak(" Hello Ada "));
    let path = first.expect("spoken");
    assert_eq!(path, second.expect("spoken"));
    assert_eq!(path, stage.speak("Hello Ada").await.expect("kept"));
    assert_eq!(stage.requests(), 1);
    assert_eq!(std::fs::read(&path).expect("a file"), b"Hello Ada");
    let folder = std::fs::read_dir(path.parent().expect("a folder")).expect("a folder");
    assert_eq!(folder.count(), 1, "no draft stays behind");
    stage.speak("Hello Ben").await.expect("spoken");
    assert_eq!(stage.requests(), 2);
}

#[tokio::test]
async fn nothing_is_kept_of_what_failed() {
    let stage = Stage::new().await;
    let unavailable = model::Error::Unavailable { provider: "ElevenLabs".to_owned() };
    assert_eq!(told(stage.speak("mute").await.err()), unavailable);
    assert_eq!(told(stage.speak("mute").await.err()), unavailable);
    assert_eq!(stage.requests(), 2, "asked again");
    let odd = Stage::answering("text/html").await;
    assert!(matches!(told(odd.speak("Hello").await.err()), model::Error::Conflict { .. }));
    assert!(matches!(told(odd.speak("Hello").await.err()), model::Error::Conflict { .. }));
}

#[tokio::test]
async fn a_text_has_its_limits_and_an_account_its_company() {
    let stage = Stage::new().await;
    let db = &stage.w.db;
    stage.speak(&"a".repeat(TEXT_CHARS_MAX)).await.expect("at the limit");
    for bad in ["", " \n", &"a".repeat(TEXT_CHARS_MAX + 1)] {
        assert!(matches!(told(stage.speak(bad).await.err()), model::Error::Invalid { .. }), "{} characters", bad.len());
    }
    let other = stage.w.company("other").await;
    let theirs = speak(db, &stage.network, other.company, stage.gateway, &said("Hello")).await.err();
    assert_eq!(told(theirs), model::Error::not_found("gateway"));
    let twilio = connect(&stage.w, &stage.acme, ProviderKind::Twilio).await;
    let mute = speak(db, &stage.network, stage.acme.company, twilio, &said("Hello")).await.err();
    assert!(matches!(told(mute), model::Error::Conflict { .. }));
    assert_eq!(stage.requests(), 1);
}

#[tokio::test]
async fn any_difference_that_can_be_heard_makes_another_name() {
    let stage = Stage::new().await;
    let mut tx = stage.w.tx(&stage.acme).await;
    let gateway = dialer::gateway_for_reading(&mut tx, stage.gateway).await.expect("gateway");
    let mut other_kind = gateway.clone();
    other_kind.kind = ProviderKind::Vapi;
    let mut elsewhere = gateway.clone();
    elsewhere.account.base_url = "https://api.elevenlabs.io".to_owned();
    let mut slower = gateway.clone();
    slower.account.options.insert("speech_speed".to_owned(), "0.8".to_owned());
    let one = said("Hello");
    let names = [
        files::key(&gateway, &one),
        files::key(&other_kind, &one),
        files::key(&elsewhere, &one),
        files::key(&slower, &one),
        files::key(&gateway, &said("Hello.")),
        files::key(&gateway, &Utterance { voice: "another".into(), ..one.clone() }),
        files::key(&gateway, &Utterance { language: None, ..one.clone() }),
        files::key(&gateway, &Utterance { language: Some("en-GB".into()), ..one.clone() }),
        files::key(&gateway, &Utterance { format: SoundFormat::Ulaw, ..one.clone() }),
        // What moves from one word to the next.
        files::key(&gateway, &Utterance { voice: "voicee".into(), language: Some("n-US".into()), ..one.clone() }),
    ];
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len());
    assert_eq!(names[0], files::key(&gateway, &one.clone()), "the same is the same");
}

/// Company, name and proof of a link.
fn parts(link: &str) -> (CompanyId, String, i64, String) {
    let (path, query) = link.split_once('?').expect("a query");
    let mut path = path.trim_start_matches("/speech/").split('/');
    let (company, name) = (path.next().expect("a company"), path.next().expect("a name"));
    let (until, signature) = query.split_once("&signature=").expect("two parameters");
    let until = until.trim_start_matches("until=").parse().expect("a moment");
    (company.parse().expect("an id"), name.to_owned(), until, signature.to_owned())
}

#[tokio::test]
async fn a_preview_plays_for_a_while_for_whoever_has_its_link() {
    let stage = Stage::new().await;
    let (db, config) = (&stage.w.db, stage.w.db.config());
    let wanted = Spoken { gateway: stage.gateway, voice: "voice".into(), language: "en-US".into(), text: "Hello Maya".into() };
    let link = preview(db, &stage.network, &stage.acme.actor, &wanted).await.expect("a link");
    let again = preview(db, &stage.network, &stage.acme.actor, &wanted).await.expect("a link");
    assert_eq!((&link, stage.requests()), (&again, 1), "the same sound, paid once");
    let (company, name, until, signature) = parts(&link);
    let now = db.clock().now();
    let path = open(config, company, &name, until, &signature, now).expect("opens");
    assert_eq!(std::fs::read(path).expect("a file"), b"Hello Maya");
    let other = stage.w.company("other").await;
    assert_eq!(open(config, other.company, &name, until, &signature, now), None, "another company's");
    assert_eq!(open(config, company, &name, until + 3600, &signature, now), None, "a longer time");
    assert_eq!(open(config, company, &name, until, &signature, now + TimeDelta::hours(4)), None, "its time is over");
    for bad in ["", ".mp3", "../../secret.mp3", &name.replace(".mp3", ".wav"), &format!("0{name}")] {
        assert_eq!(open(config, company, bad, until, &signature, now), None, "{bad}");
    }
    for at in 0..signature.len() {
        let mut bytes = signature.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(open(config, company, &name, until, &changed, now), None, "{changed}");
    }
    let viewer = stage.w.member(&stage.acme, Role::Viewer).await;
    let refused = preview(db, &stage.network, &viewer, &wanted).await.err();
    assert!(matches!(told(refused), model::Error::Forbidden { .. }));
    let refused = preview(db, &stage.network, &other.actor, &wanted).await.err();
    assert_eq!(told(refused), model::Error::not_found("gateway"));
}

/// A call of a campaign whose agent has this voice, planned; the agent and the intent.
async fn dialed(stage: &Stage, voice: &Voice) -> (AgentId, dialer::Dial) {
    let campaign = stage.w.launched(&stage.acme, 1, |_| {}).await;
    let mut tx = stage.w.tx(&stage.acme).await;
    let agent: AgentId = sqlx::query_scalar("select agent_id from campaigns where id = $1")
        .bind(campaign)
        .fetch_one(tx.conn())
        .await
        .expect("agent");
    let mut form = agents::load(&mut tx, agent).await.expect("agent").form;
    form.voice_gateway = Some(voice.gateway);
    form.voice_id = voice.id.clone();
    agents::edit(&mut tx, agent, &form).await.expect("edited");
    agents::publish(&mut tx, agent).await.expect("published");
    tx.commit().await.expect("commit");
    let mut tx = stage.w.tx(&stage.acme).await;
    let mut turn = dialer::plan(&mut tx, campaign, Uuid::nil()).await.expect("planned");
    tx.commit().await.expect("commit");
    (agent, turn.dials.remove(0))
}

#[tokio::test]
async fn a_call_asks_for_its_script_and_plays_it_by_links_of_its_own() {
    let stage = Stage::new().await;
    let (db, company) = (&stage.w.db, stage.acme.company);
    let (_, dial) = dialed(&stage, &stage.voice()).await;
    let asks = dial.originate.script_url.clone().expect("asked for when somebody picks up");
    assert!(asks.ends_with(&format!("/script?call={}", dial.call)), "{asks}");
    warm(db, &stage.network, company, &stage.voice(), &dial.originate.script).await;
    assert_eq!(stage.requests(), 2, "greeting and main; there is no closing");
    let mut tx = stage.w.tx(&stage.acme).await;
    let now = tx.now();
    let (_, mut script) = calls::lines(&mut tx, dial.call, now).await.expect("read").expect("under way");
    drop(tx);
    assert_eq!(script, dial.originate.script, "what was planned is what is said");
    give_voice(db, &stage.network, company, dial.call, &stage.voice(), &mut script).await;
    let ScriptAudio { greeting, main, .. } = script.audio.expect("sound");
    for (url, text) in [(&greeting, "Hello Person 0"), (&main, "Press 9 to stop.")] {
        let (path, signature) = url.split_once("?signature=").expect("a signature");
        let name = path.rsplit('/').next().expect("a name");
        let open = async |company, name: &str, signature: &str| {
            of_call(db, &stage.network, company, dial.call, name, signature).await.expect("no failure")
        };
        let file = open(company, name, signature).await.expect("opens");
        assert_eq!(std::fs::read(file).expect("a file"), text.as_bytes());
        assert_eq!(open(company, "closing.mp3", signature).await, None, "another part");
        assert_eq!(open(company, name, &signature[1..]).await, None, "another signature");
        assert_eq!(open(stage.w.company("other").await.company, name, signature).await, None, "another company");
    }
    assert_eq!(stage.requests(), 2, "all of it was there");
    // An hour after the end nobody listens any more.
    let mut tx = stage.w.tx(&stage.acme).await;
    sqlx::query("update calls set status = 'ended', outcome = 'completed', ended_at = $2 where id = $1")
        .bind(dial.call)
        .bind(now)
        .execute(tx.conn())
        .await
        .expect("ended");
    tx.commit().await.expect("commit");
    let (_, signature) = greeting.split_once("?signature=").expect("a signature");
    for (minutes, opens) in [(59, true), (2, false)] {
        stage.w.clock.advance(TimeDelta::minutes(minutes));
        let found = of_call(db, &stage.network, company, dial.call, "greeting.mp3", signature).await.expect("no failure");
        assert_eq!(found.is_some(), opens);
    }
}

#[tokio::test]
async fn a_script_that_cannot_be_spoken_is_read_out() {
    let stage = Stage::new().await;
    let (_, dial) = dialed(&stage, &stage.voice()).await;
    let mut script = dial.originate.script;
    script.main = "mute".to_owned();
    give_voice(&stage.w.db, &stage.network, stage.acme.company, dial.call, &stage.voice(), &mut script).await;
    assert_eq!(script.audio, None, "one call, one voice");
}

#[tokio::test]
async fn an_agent_takes_only_a_voice_that_the_company_has() {
    let stage = Stage::new().await;
    let other = stage.w.company("other").await;
    let theirs = connect(&stage.w, &other, ProviderKind::ElevenLabs).await;
    let twilio = connect(&stage.w, &stage.acme, ProviderKind::Twilio).await;
    let mut tx = stage.w.tx(&stage.acme).await;
    let with = |gateway| AgentForm { voice_gateway: Some(gateway), voice_id: "voice".to_owned(), ..agent_form() };
    for gateway in [theirs, twilio] {
        assert!(matches!(told(agents::create(&mut tx, &with(gateway)).await.err()), model::Error::Invalid { .. }));
    }
    agents::create(&mut tx, &with(stage.gateway)).await.expect("ours");
    let old = r#"{"name":"A","role":"B","persona":"","tone":"","language":"en-US","voice":"","scripts":{}}"#;
    let old: AgentForm = serde_json::from_str(old).expect("rows of before are read");
    assert_eq!(Voice::of(&old), None);
}

#[tokio::test]
async fn what_was_said_long_ago_is_forgotten() {
    let stage = Stage::new().await;
    let path = stage.speak("Hello Ada").await.expect("spoken");
    let (config, age) =
        (stage.w.db.config(), |days: u64| SystemTime::from(crate::Clock::System.now()) + Duration::from_secs(days * 86_400));
    files::forget(config, age(29)).expect("looked");
    assert!(path.exists());
    files::forget(config, age(31)).expect("looked");
    assert!(!path.exists());
}
