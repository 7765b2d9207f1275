//! Imports: a file is uploaded, its columns are mapped, a dry run counts, a run brings it in. Later kinds
//! reuse all of it. The work happens in `jobs`, chunk by chunk; here are the verbs that start and stop it.

mod encoding;
mod files;
mod intake;
pub mod jobs;
mod records;
mod repo;
mod rows;
#[cfg(test)]
mod tests;

use crate::actor::Actor;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::events::notice;
use futures::Stream;
use model::accounts::Permission;
use model::error::Check;
use model::events::{EventKind, Topic};
use model::id::ImportId;
use model::imports::{Import, ImportFilter, ImportKind, ImportStatus, Mapping, Problem};
use model::page::{Page, Paging};
use std::fmt::Display;

/// Longest file name that is kept.
const FILE_NAME_MAX: usize = 200;
/// Longest segment name.
const SEGMENT_MAX: usize = 60;

/// Stores a file as it comes in and reads its head. Nothing stays behind when it is refused.
///
/// # Errors
/// `Forbidden` without `ImportContacts`; `Invalid` on field `file` when it is no table that can be read.
pub async fn upload<S, B, E>(db: &Db, actor: &Actor, kind: ImportKind, file_name: &str, stream: S) -> Result<ImportId>
where
    S: Stream<Item = std::result::Result<B, E>>,
    B: AsRef<[u8]>,
    E: Display,
{
    let mut tx = db.begin(actor).await?;
    tx.require(Permission::ImportContacts)?;
    let id: ImportId = tx.id();
    // An upload may take minutes: no transaction waits for it.
    drop(tx);
    let stored = files::store(&files::path(db.config(), id), stream).await?;
    let mut tx = db.begin(actor).await?;
    let upload = repo::Upload {
        id,
        kind,
        file_name: &plain_name(file_name),
        file_bytes: i64::try_from(stored.bytes).unwrap_or(i64::MAX),
        table: &stored.table,
    };
    repo::insert(&mut tx, &upload).await?;
    notice(&mut tx, Topic::Imports).await?;
    tx.commit().await?;
    stored.keep();
    Ok(id)
}

/// One import.
///
/// # Errors
/// `Forbidden` without `ImportContacts` (samples show whole numbers); `NotFound`.
pub async fn load(tx: &mut Tx, id: ImportId) -> Result<Import> {
    tx.require(Permission::ImportContacts)?;
    let import = repo::find(tx, id).await?.ok_or_else(missing)?;
    Ok(shown(tx, import))
}

/// The newest imports first.
///
/// # Errors
/// `Forbidden` without `ImportContacts`.
pub async fn list(tx: &mut Tx, filter: &ImportFilter) -> Result<Page<Import>> {
    tx.require(Permission::ImportContacts)?;
    let (rows, total) = repo::list(tx, filter.status, filter.paging).await?;
    let items = rows.into_iter().map(|r| shown(tx, r)).collect();
    Ok(Page::new(items, total, filter.paging))
}

/// Starts the dry run with this mapping. `segment` is for rows that name none.
///
/// # Errors
/// `Forbidden`; `NotFound`; `Invalid` when the mapping lacks a column; `Conflict` while running or after the end.
pub async fn check(tx: &mut Tx, id: ImportId, mapping: &Mapping, segment: &str) -> Result<()> {
    tx.require(Permission::ImportContacts)?;
    let import = repo::lock(tx, id).await?.ok_or_else(missing)?;
    if !matches!(import.status, ImportStatus::Pending | ImportStatus::Checked) {
        return Err(model::Error::conflict(format!("This import is {}; its columns are fixed.", word(import.status))).into());
    }
    mapping.check(import.kind)?;
    Check::new()
        .need(mapping.0.len() == import.headers.len(), "mapping", "The mapping does not fit the columns of this file.")
        .need(segment.chars().count() <= SEGMENT_MAX, "segment", "Use at most 60 characters.")
        .done()?;
    let phase = repo::begin_check(tx, id, mapping, segment.trim()).await?;
    let company = tx.actor().company();
    tx.enqueue(&jobs::CheckImport { company, import: id, phase, from: 0 }).await?;
    notice(tx, Topic::Imports).await
}

/// Brings the file in as it was checked.
///
/// # Errors
/// `Forbidden`; `NotFound`; `Conflict` unless checked with at least one good row.
pub async fn run(tx: &mut Tx, id: ImportId) -> Result<()> {
    tx.require(Permission::ImportContacts)?;
    let import = repo::lock(tx, id).await?.ok_or_else(missing)?;
    if import.status != ImportStatus::Checked {
        return Err(model::Error::conflict(format!("This import is {}; only a checked one can run.", word(import.status))).into());
    }
    if import.checked.created + import.checked.merged == 0 {
        return Err(model::Error::conflict("No row of this file can be imported. See the problems.").into());
    }
    let phase = repo::begin_run(tx, id).await?;
    let company = tx.actor().company();
    tx.enqueue(&jobs::RunImport { company, import: id, phase, from: 0 }).await?;
    tx.record(EventKind::ImportStarted, Some(id.to_string()), import.file_name).await
}

/// Stops it. Rows that are in stay in.
///
/// # Errors
/// `Forbidden`; `NotFound`; `Conflict` after the end.
pub async fn cancel(tx: &mut Tx, id: ImportId) -> Result<()> {
    tx.require(Permission::ImportContacts)?;
    // Waits for the chunk under way.
    let import = repo::lock(tx, id).await?.ok_or_else(missing)?;
    if import.status.is_final() {
        return Err(model::Error::conflict(format!("This import is {} already.", word(import.status))).into());
    }
    repo::end_phase(tx, id, ImportStatus::Cancelled, None).await?;
    jobs::forget_file(tx, id).await?;
    tx.record(EventKind::ImportCancelled, Some(id.to_string()), import.file_name).await
}

/// Rows that could not be read: of the run once it began, else of the dry run.
///
/// # Errors
/// `Forbidden`; `NotFound`.
pub async fn problems(tx: &mut Tx, id: ImportId, paging: Paging) -> Result<Page<Problem>> {
    tx.require(Permission::ImportContacts)?;
    let import = repo::find(tx, id).await?.ok_or_else(missing)?;
    let has_run = import.status == ImportStatus::Running || import.done.rows > 0;
    let (items, total) = repo::problems(tx, id, !has_run, paging).await?;
    Ok(Page::new(items, total, paging))
}

fn missing() -> model::Error {
    model::Error::not_found("import")
}

fn word(status: ImportStatus) -> String {
    status.label().to_lowercase()
}

/// The last part of what the browser sent, without control characters.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let plain: String = last.trim().chars().filter(|c| !c.is_control()).take(FILE_NAME_MAX).collect();
    if plain.is_empty() { "upload.csv".to_owned() } else { plain }
}

fn shown(tx: &Tx, r: repo::Stored) -> Import {
    let ended = r.phase_ended_at.unwrap_or_else(|| tx.now());
    Import {
        id: r.id,
        kind: r.kind,
        file_name: r.file_name,
        file_bytes: r.file_bytes,
        status: r.status,
        headers: r.headers.0,
        samples: r.samples.0,
        mapping: r.mapping.0,
        encoding: r.encoding,
        delimiter: r.delimiter.chars().next().unwrap_or(','),
        checked: r.checked.0,
        done: r.done.0,
        bytes_done: r.bytes_done,
        failure: r.failure,
        segment: r.segment,
        created_at: tx.moment(r.created_at),
        finished_at: r.finished_at.map(|at| tx.moment(at)),
        seconds: r.phase_started_at.map_or(0, |at| (ended - at).num_seconds()),
    }
}
