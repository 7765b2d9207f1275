//! Texts into sound, by the voices of a company's own accounts: scripts of calls where the telephone provider would read them
//! out in a voice of its own, and previews. What was said once is kept and not paid for again. Whatever speaks takes the
//! network, so nothing here may be called within a transaction.

mod files;
#[cfg(test)]
mod tests;

use crate::actor::Actor;
use crate::calls;
use crate::config::Config;
use crate::db::{Db, Tx};
use crate::dialer::{self, Gateway, Network};
use crate::error::Result;
use crate::gateways;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::try_join_all;
use model::accounts::Permission;
use model::agents::{AgentForm, ScriptPart, Spoken, VoiceList, VoiceRow};
use model::gateways::ProviderKind;
use model::id::{CallId, CompanyId, GatewayId};
use providers::{Script, SoundFormat, Utterance};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

/// Longest text: a whole script with its names filled in.
const TEXT_CHARS_MAX: usize = 2_000;
/// Requests of this process under way at once; accounts allow few.
const REQUESTS_MAX: usize = 8;
/// Voices of one account shown.
const VOICES_MAX: usize = 200;
/// How long somebody who has picked up may hear nothing, because their script is not spoken yet. Then it is read out.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a phone rings at most: later nobody needs it.
const RINGS: Duration = Duration::from_secs(60);
/// How long after a call its script may be heard by its links.
pub(crate) const HEARD_AFTER: TimeDelta = TimeDelta::hours(1);

/// A voice of one of the company's accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    pub gateway: GatewayId,
    pub id: String,
}

impl Voice {
    /// The voice that an agent was given, if any.
    pub(crate) fn of(agent: &AgentForm) -> Option<Self> {
        let gateway = agent.voice_gateway?;
        (!agent.voice_id.is_empty()).then(|| Self { gateway, id: agent.voice_id.clone() })
    }

    fn says(&self, text: &str, language: &str) -> Utterance {
        let language = Some(language.to_owned()).filter(|tag| !tag.is_empty());
        Utterance { text: text.trim().to_owned(), voice: self.id.clone(), language, format: SoundFormat::Mp3 }
    }
}

/// The file with an utterance, spoken by an account of the company unless that was done before.
///
/// # Errors
/// `Invalid` for a text that is empty or too long; `NotFound` for another company's account; `Conflict` or `Unavailable` from
/// the provider.
pub async fn speak(db: &Db, network: &Network, company: CompanyId, gateway: GatewayId, said: &Utterance) -> Result<PathBuf> {
    Ok(spoken(db, network, company, gateway, said).await?.1)
}

/// The same, with the name it is kept under.
async fn spoken(
    db: &Db,
    network: &Network,
    company: CompanyId,
    gateway: GatewayId,
    said: &Utterance,
) -> Result<(String, PathBuf)> {
    if said.text.trim().is_empty() {
        return Err(model::Error::field("text", "There is nothing to say.").into());
    }
    if said.text.chars().count() > TEXT_CHARS_MAX {
        return Err(model::Error::field("text", format!("Say at most {TEXT_CHARS_MAX} characters at once.")).into());
    }
    let mut tx = db.begin(&Actor::engine(company)).await?;
    speaking(&mut tx, gateway).await?;
    let gateway = dialer::gateway_for_reading(&mut tx, gateway).await?;
    tx.commit().await?;
    let key = files::key(&gateway, said);
    let path = files::path(db.config(), company, &key);
    if !is_kept(&path).await {
        // Whoever wants the same waits, and finds it.
        let turn = turn(&path);
        let _turn = turn.lock().await;
        if !is_kept(&path).await {
            say(db, network, &gateway, said, &path).await?;
        }
    }
    Ok((key, path))
}

async fn is_kept(path: &Path) -> bool {
    tokio::fs::try_exists(path).await.unwrap_or(false)
}

/// What only one at a time may do in this process.
fn turn(path: &Path) -> Arc<tokio::sync::Mutex<()>> {
    type Turns = HashMap<PathBuf, Weak<tokio::sync::Mutex<()>>>;
    static TURNS: LazyLock<Mutex<Turns>> = LazyLock::new(Mutex::default);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.retain(|_, turn| turn.strong_count() > 0);
    if let Some(turn) = turns.get(path).and_then(Weak::upgrade) {
        return turn;
    }
    let turn = Arc::default();
    turns.insert(path.to_owned(), Arc::downgrade(&turn));
    turn
}

/// One request, and what came of it on disk.
async fn say(db: &Db, network: &Network, gateway: &Gateway, said: &Utterance, path: &Path) -> Result<()> {
    static REQUESTS: Semaphore = Semaphore::const_new(REQUESTS_MAX);
    let _request = REQUESTS.acquire().await.map_err(anyhow::Error::from)?;
    let provider = network.provider(gateway);
    let Some(speech) = provider.speech() else { return Err(mute(gateway.kind).into()) };
    let sound = speech.speak(said).await.map_err(|error| gateways::told(gateway.kind, error))?.sound;
    if sound.bytes.is_empty() || !sound.content_type.starts_with("audio/") {
        let why = format!("{} answered with something that is no sound.", gateway.kind.label());
        return Err(model::Error::conflict(why).into());
    }
    files::keep(db, path, &sound.bytes).await?;
    Ok(())
}

fn mute(kind: ProviderKind) -> model::Error {
    model::Error::conflict(format!("{} turns no texts into sound.", kind.label()))
}

/// An account of the company that speaks.
async fn speaking(tx: &mut Tx, gateway: GatewayId) -> Result<()> {
    let kind = gateways::kind(tx, gateway).await?.ok_or_else(|| model::Error::not_found("gateway"))?;
    if kind.speaks() { Ok(()) } else { Err(mute(kind).into()) }
}

/// Refuses a form with a voice of an account that is not the company's, or does not speak.
pub(crate) async fn check_voice(tx: &mut Tx, form: &AgentForm) -> Result<()> {
    let Some(gateway) = form.voice_gateway else { return Ok(()) };
    match gateways::kind(tx, gateway).await? {
        Some(kind) if kind.speaks() => Ok(()),
        _ => Err(model::Error::field("voice", "The account of this voice is not there any more. Choose another voice.").into()),
    }
}

/// Gives a call's script its sound, if all of it can be had in time. Otherwise it stays to be read out: the person on the line
/// hears what they must hear, in another voice.
pub(crate) async fn give_voice(db: &Db, network: &Network, company: CompanyId, call: CallId, voice: &Voice, script: &mut Script) {
    let speaking = {
        let (db, network, voice, script) = (db.clone(), network.clone(), voice.clone(), script.clone());
        // Goes on when nobody waits any more: what is paid for is kept, and the next caller hears it.
        tokio::spawn(async move { speak_all(&db, &network, company, &voice, &script).await })
    };
    match tokio::time::timeout(PATIENCE, speaking).await {
        Ok(Ok(Ok(()))) => script.audio = Some(files::audio(db.config(), company, call)),
        Ok(Ok(Err(error))) => tracing::warn!(%call, %error, "its voice does not speak; the script is read out"),
        Ok(Err(error)) => tracing::error!(%call, %error, "speaking went wrong; the script is read out"),
        Err(_) => tracing::warn!(%call, "its voice takes too long; the script is read out"),
    }
}

/// Speaks what will be wanted when somebody picks up, while the phone rings.
pub(crate) async fn warm(db: &Db, network: &Network, company: CompanyId, voice: &Voice, script: &Script) {
    match tokio::time::timeout(RINGS, speak_all(db, network, company, voice, script)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%company, %error, "a script is not spoken ahead"),
        Err(_) => tracing::warn!(%company, "a script is not spoken in time"),
    }
}

async fn speak_all(db: &Db, network: &Network, company: CompanyId, voice: &Voice, script: &Script) -> Result<()> {
    let texts = [&script.greeting, &script.main, &script.closing].into_iter().filter(|text| !text.trim().is_empty());
    let said: Vec<_> = texts.map(|text| voice.says(text, &script.language)).collect();
    try_join_all(said.iter().map(|said| speak(db, network, company, voice.gateway, said))).await?;
    Ok(())
}

/// The file that a link in a call's script opens; `None` for a link that we did not make, or whose call is long over.
///
/// # Errors
/// As [`speak`].
pub async fn of_call(
    db: &Db,
    network: &Network,
    company: CompanyId,
    call: CallId,
    name: &str,
    signature: &str,
) -> Result<Option<PathBuf>> {
    let Some(part) = files::part(db.config(), company, call, name, signature) else { return Ok(None) };
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let since = tx.now() - HEARD_AFTER;
    let lines = calls::lines(&mut tx, call, since).await?;
    tx.commit().await?;
    let Some((voice, script)) = lines.and_then(|(agent, script)| Some((Voice::of(&agent)?, script))) else { return Ok(None) };
    let text = match part {
        ScriptPart::Greeting => &script.greeting,
        ScriptPart::Main => &script.main,
        ScriptPart::Closing => &script.closing,
        ScriptPart::Voicemail => return Ok(None),
    };
    speak(db, network, company, voice.gateway, &voice.says(text, &script.language)).await.map(Some)
}

/// The voices of the company's accounts.
///
/// # Errors
/// `Forbidden` without `ManageAgents`.
pub async fn voices(db: &Db, network: &Network, actor: &Actor) -> Result<VoiceList> {
    let mut tx = db.begin(actor).await?;
    tx.require(Permission::ManageAgents)?;
    let mut accounts = Vec::new();
    for row in gateways::list(&mut tx).await?.into_iter().filter(|row| row.kind.speaks()) {
        accounts.push((row.name, dialer::gateway_for_reading(&mut tx, row.id).await?));
    }
    tx.commit().await?;
    let mut list = VoiceList { speaks: !accounts.is_empty(), ..VoiceList::default() };
    for (name, gateway) in accounts {
        let provider = network.provider(&gateway);
        let Some(voices) = provider.voices() else { continue };
        match voices.list().await {
            Ok(all) => list.voices.extend(all.into_iter().take(VOICES_MAX).map(|voice| row(&gateway, voice))),
            Err(error) => list.problems.push(format!("{name}: {}", gateways::told(gateway.kind, error))),
        }
    }
    Ok(list)
}

fn row(gateway: &Gateway, voice: providers::Voice) -> VoiceRow {
    let about: Vec<_> = voice.gender.into_iter().chain(voice.languages).collect();
    VoiceRow { gateway: gateway.id, id: voice.id, name: voice.name, about: about.join(", ") }
}

/// Speaks a text for whoever edits agents, and returns a link that plays it.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; otherwise as [`speak`].
pub async fn preview(db: &Db, network: &Network, actor: &Actor, wanted: &Spoken) -> Result<String> {
    let mut tx = db.begin(actor).await?;
    tx.require(Permission::ManageAgents)?;
    speaking(&mut tx, wanted.gateway).await?;
    tx.commit().await?;
    let voice = Voice { gateway: wanted.gateway, id: wanted.voice.clone() };
    let said = voice.says(&wanted.text, &wanted.language);
    let (key, _) = spoken(db, network, actor.company(), wanted.gateway, &said).await?;
    Ok(files::link(db.config(), actor.company(), &key, db.clock().now()))
}

/// What the link of a preview opens; `None` for a link that we did not make, or whose time is over.
pub fn open(config: &Config, company: CompanyId, name: &str, until: i64, signature: &str, now: DateTime<Utc>) -> Option<PathBuf> {
    files::open(config, company, name, until, signature, now)
}

/// Removes what was spoken long ago.
///
/// # Errors
/// When the data directory cannot be read.
pub(crate) async fn forget(db: &Db) -> anyhow::Result<usize> {
    let (db, now) = (db.clone(), SystemTime::from(db.clock().now()));
    tokio::task::spawn_blocking(move || files::forget(db.config(), now)).await?
}
