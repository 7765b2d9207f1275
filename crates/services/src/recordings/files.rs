//! Files of recordings below the data directory, one folder for each company, and the links that open them: signed over what
//! they open and until when, so that no session is needed and none can be guessed.
//! Every node that copies or plays recordings must see the same directory.

use crate::config::Config;
use crate::links;
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use model::id::{CompanyId, RecordingId};
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// How long a link opens: as long as somebody may sit before a page and listen.
const OPEN: TimeDelta = TimeDelta::hours(2);
/// Kinds of sound that we keep, with the ending of their files.
const KINDS: &[(&str, &str)] = &[("audio/wav", "wav"), ("audio/mpeg", "mp3"), ("audio/ogg", "ogg"), ("audio/mp4", "m4a")];

/// The ending for a content type as providers write it; `None` for what is no sound we know.
pub(super) fn ending(content_type: &str) -> Option<&'static str> {
    let word = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let word = match word.as_str() {
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "audio/wav",
        "audio/mp3" | "audio/mpeg3" => "audio/mpeg",
        other => other,
    };
    KINDS.iter().find(|(kind, _)| *kind == word).map(|(_, ending)| *ending)
}

fn path(config: &Config, company: CompanyId, id: RecordingId, ending: &str) -> PathBuf {
    let file = format!("{}.{ending}", id.uuid().simple());
    config.data_dir.join("recordings").join(company.uuid().simple().to_string()).join(file)
}

/// Writes a file whole or not at all; written twice it is the same.
pub(super) async fn keep(config: &Config, company: CompanyId, id: RecordingId, ending: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let path = path(config, company, id, ending);
    write_whole(&path, &path.with_extension("part"), bytes).await
}

/// Writes a file under the name of a draft, and gives it its own once it is whole and on disk.
pub(crate) async fn write_whole(path: &Path, draft: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().context("a sound's path has a folder")?;
    tokio::fs::create_dir_all(folder).await.context("the data directory cannot be written")?;
    let mut file = tokio::fs::File::create(draft).await.context("a sound cannot be stored")?;
    file.write_all(bytes).await.context("a sound cannot be stored")?;
    file.sync_all().await.context("a sound cannot be stored")?;
    tokio::fs::rename(draft, path).await.context("a sound cannot be stored")
}

/// Deletes a file, if it is there.
pub(super) async fn forget(config: &Config, company: CompanyId, id: RecordingId, ending: &str) -> anyhow::Result<()> {
    match tokio::fs::remove_file(path(config, company, id, ending)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("a sound cannot be deleted"),
        _ => Ok(()),
    }
}

/// The address that plays a recording, for a while.
pub(super) fn link(
    config: &Config,
    company: CompanyId,
    id: RecordingId,
    content_type: &str,
    now: DateTime<Utc>,
) -> Option<String> {
    let ending = ending(content_type)?;
    // Whole hours: the same link for everybody who looks meanwhile, so that a browser need not load it twice.
    let until = (now + OPEN).timestamp() / 3600 * 3600 + 3600;
    let signature = links::sign(config, &signed(company, id, ending, until));
    Some(format!("/recordings/{company}/{id}.{ending}?until={until}&signature={signature}"))
}

fn signed(company: CompanyId, id: RecordingId, ending: &str, until: i64) -> String {
    format!("recording\n{company}\n{id}\n{ending}\n{until}")
}

/// A recording that may be played.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    pub path: PathBuf,
    pub content_type: &'static str,
}

/// What a link opens: `name` is the id with its ending. `None` for a link that we did not make, or whose time is over.
pub fn open(config: &Config, company: CompanyId, name: &str, until: i64, signature: &str, now: DateTime<Utc>) -> Option<Opened> {
    let (id, ending) = name.split_once('.')?;
    let (id, (content_type, ending)) = (id.parse().ok()?, KINDS.iter().find(|(_, known)| *known == ending)?);
    let is_ours = links::is_signed(config, &signed(company, id, ending, until), signature);
    (is_ours && now.timestamp() <= until).then(|| Opened { path: path(config, company, id, ending), content_type })
}
