//! What was spoken, below the data directory: one folder for each company, each file named by what it says and how. And the
//! links that open them: signed over what they open, so that no session is needed and none can be guessed.
//! Every node that answers calls must see the same directory.

use crate::config::Config;
use crate::db::Db;
use crate::dialer::Gateway;
use crate::{links, recordings};
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use model::agents::ScriptPart;
use model::id::{CallId, CompanyId};
use providers::{ScriptAudio, SoundFormat, Utterance};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// How long the link of a preview opens.
const OPEN: TimeDelta = TimeDelta::hours(2);
/// Names are spoken in it: what was said is forgotten after this time, and said anew when it is wanted again.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
const ENDING: &str = ".mp3";

/// What names an utterance: any difference that can be heard makes another name. The same voice at a sandbox is another one.
pub(super) fn key(gateway: &Gateway, said: &Utterance) -> String {
    let format = match said.format {
        SoundFormat::Mp3 => "mp3",
        SoundFormat::Ulaw => "ulaw",
    };
    let (kind, account) = (gateway.kind.as_str(), &gateway.account);
    let language = said.language.as_deref().unwrap_or_default();
    let mut words = vec!["speech 1", kind, &account.base_url, &said.voice, language, format, &said.text];
    words.extend(account.options.iter().flat_map(|(name, value)| [name.as_str(), value]));
    let mut hash = Sha256::new();
    for word in words {
        // Each with its length, so that nothing moves unseen from one to the next.
        hash.update((word.len() as u64).to_be_bytes());
        hash.update(word);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folder(config: &Config, company: CompanyId) -> PathBuf {
    config.data_dir.join("speech").join(company.uuid().simple().to_string())
}

pub(super) fn path(config: &Config, company: CompanyId, key: &str) -> PathBuf {
    folder(config, company).join(format!("{key}{ENDING}"))
}

/// Writes what was spoken, whole or not at all; two nodes that do it at once write the same.
pub(super) async fn keep(db: &Db, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft: Uuid = db.id(db.clock().now());
    recordings::write_whole(path, &path.with_extension(format!("{}.part", draft.simple())), bytes).await
}

/// Removes what is older than it may be, drafts of the dead too. Returns how many files.
pub(super) fn forget(config: &Config, now: SystemTime) -> anyhow::Result<usize> {
    let root = config.data_dir.join("speech");
    if !root.exists() {
        return Ok(0);
    }
    let mut forgotten = 0;
    for company in std::fs::read_dir(&root).context("the data directory cannot be read")? {
        for file in std::fs::read_dir(company?.path())? {
            let file = file?;
            if now.duration_since(file.metadata()?.modified()?).is_ok_and(|age| age > KEPT) {
                std::fs::remove_file(file.path())?;
                forgotten += 1;
            }
        }
    }
    Ok(forgotten)
}

/// The address that plays a preview, for a while.
pub(super) fn link(config: &Config, company: CompanyId, key: &str, now: DateTime<Utc>) -> String {
    let until = (now + OPEN).timestamp() / 3600 * 3600 + 3600;
    let signature = links::sign(config, &preview(company, key, until));
    format!("/speech/{company}/{key}{ENDING}?until={until}&signature={signature}")
}

fn preview(company: CompanyId, key: &str, until: i64) -> String {
    format!("speech\n{company}\n{key}\n{until}")
}

/// What the link of a preview opens: `name` is the key with its ending. `None` for a link that we did not make, or whose time
/// is over.
pub(super) fn open(
    config: &Config,
    company: CompanyId,
    name: &str,
    until: i64,
    signature: &str,
    now: DateTime<Utc>,
) -> Option<PathBuf> {
    let key = name.strip_suffix(ENDING)?;
    let is_ours = links::is_signed(config, &preview(company, key, until), signature);
    (is_ours && now.timestamp() <= until).then(|| path(config, company, key))
}

/// The addresses under which a provider finds the texts of a call.
pub(super) fn audio(config: &Config, company: CompanyId, call: CallId) -> ScriptAudio {
    let url = |part: ScriptPart| {
        let signature = links::sign(config, &of_call(company, call, part));
        format!("{}/speech/{company}/{call}/{part}{ENDING}?signature={signature}", config.public_url)
    };
    ScriptAudio { greeting: url(ScriptPart::Greeting), main: url(ScriptPart::Main), closing: url(ScriptPart::Closing) }
}

fn of_call(company: CompanyId, call: CallId, part: ScriptPart) -> String {
    format!("speech of call\n{company}\n{call}\n{part}")
}

/// The part of a call's script that a link opens: `name` is its word with the ending.
pub(super) fn part(config: &Config, company: CompanyId, call: CallId, name: &str, signature: &str) -> Option<ScriptPart> {
    let part = name.strip_suffix(ENDING)?.parse().ok()?;
    links::is_signed(config, &of_call(company, call, part), signature).then_some(part)
}
