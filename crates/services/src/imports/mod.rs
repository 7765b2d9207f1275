//! Imports: a file is uploaded, its columns are mapped, a dry run counts, a run brings it in, and an undo takes it out again. What a
//! row is depends on the kind (`contacts`, `suppressions`, `leads`, `orders`); all else is the same for all. The work happens in `jobs`, chunk by chunk;
//! here are the verbs that start and stop it. How files are read is `sheets`.

mod contacts;
mod files;
pub mod jobs;
mod leads;
mod mappings;
mod orders;
mod repo;
mod rows;
mod suppressions;
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
use sheets::guarded;
use std::fmt::Display;

/// Longest file name that is kept.
const FILE_NAME_MAX: usize = 200;
/// Longest segment name.
const SEGMENT_MAX: usize = 60;
/// Refused rows that are read at once for their file.
const REJECTED_PAGE: i64 = 1_000;

/// Stores a file as it comes in and reads its head. Nothing stays behind when it is refused.
///
/// # Errors
/// `Forbidden` without the permissions of the kind; `Invalid` on field `file` when it is no table that can be read.
pub async fn upload<S, B, E>(db: &Db, actor: &Actor, kind: ImportKind, file_name: &str, stream: S) -> Result<ImportId>
where
    S: Stream<Item = std::result::Result<B, E>>,
    B: AsRef<[u8]>,
    E: Display,
{
    let mut tx = db.begin(actor).await?;
    require(&tx, kind)?;
    let id: ImportId = tx.id();
    // An upload may take minutes: no transaction waits for it.
    drop(tx);
    let stored = files::store(&files::path(db.config(), id), stream).await?;
    let mut tx = db.begin(actor).await?;
    let (mapping, mapping_name) = mappings::guess(&mut tx, kind, &stored.table.headers).await?;
    let upload = repo::Upload {
        id,
        kind,
        file_name: &plain_name(file_name),
        file_bytes: i64::try_from(stored.bytes).unwrap_or(i64::MAX),
        table: &stored.table,
        mapping: &mapping,
        mapping_name: mapping_name.as_deref(),
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
    require(tx, import.kind)?;
    if !matches!(import.status, ImportStatus::Pending | ImportStatus::Checked) {
        return Err(model::Error::conflict(format!("This import is {}; its columns are fixed.", word(import.status))).into());
    }
    mapping.check(import.kind)?;
    Check::new()
        .need(mapping.0.len() == import.headers.len(), "mapping", "The mapping does not fit the columns of this file.")
        .need(segment.chars().count() <= SEGMENT_MAX, "segment", "Use at most 60 characters.")
        .done()?;
    mappings::keep(tx, id, import.kind, &import.file_name, &import.headers, mapping).await?;
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
    require(tx, import.kind)?;
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
    require(tx, import.kind)?;
    if import.status.is_final() {
        return Err(model::Error::conflict(format!("This import is {} already.", word(import.status))).into());
    }
    repo::end_phase(tx, id, ImportStatus::Cancelled, None).await?;
    jobs::forget_file(tx, id).await?;
    tx.record(EventKind::ImportCancelled, Some(id.to_string()), import.file_name).await
}

/// Takes out again what the import brought in, in the background. What it created and somebody uses by now stays, and is counted; what it
/// filled in is emptied again unless it was changed since. Numbers that only this import named go off the do-not-call list.
///
/// # Errors
/// `Forbidden`; `NotFound`; `Conflict` unless it is over and brought something in.
pub async fn undo(tx: &mut Tx, id: ImportId) -> Result<()> {
    tx.require(Permission::ImportContacts)?;
    let import = repo::lock(tx, id).await?.ok_or_else(missing)?;
    require(tx, import.kind)?;
    let (name, now) = (import.file_name.clone(), word(import.status));
    if !shown(tx, import).can_undo() {
        return Err(model::Error::conflict(format!("This import is {now}; there is nothing to undo.")).into());
    }
    let phase = repo::begin_undo(tx, id).await?;
    let company = tx.actor().company();
    tx.enqueue(&jobs::UndoImport { company, import: id, phase, turn: 0 }).await?;
    tx.record(EventKind::ImportUndone, Some(id.to_string()), format!("{name}: begun")).await
}

/// The refused rows as a CSV file: as they stood in the file, each with its line and what is wrong. Mended, it can be imported. Cells that
/// a spreadsheet would run begin with an apostrophe.
///
/// # Errors
/// `Forbidden`; `NotFound`.
pub async fn rejected(tx: &mut Tx, id: ImportId) -> Result<(String, String)> {
    tx.require(Permission::ImportContacts)?;
    let import = repo::find(tx, id).await?.ok_or_else(missing)?;
    let (is_dry, columns) = (!has_run(&import), import.headers.len());
    let label = |field: &str| import.kind.fields().iter().find(|f| f.name == field).map_or("", |f| f.label);
    let mut csv = csv::Writer::from_writer(Vec::new());
    let head = import.headers.iter().map(|header| guarded(header)).chain(["Line".into(), "Problem".into()]);
    csv.write_record(head.map(std::borrow::Cow::into_owned)).map_err(anyhow::Error::from)?;
    let mut after = 0;
    loop {
        let rows = repo::rejected(tx, id, is_dry, after, REJECTED_PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.line;
        for row in rows {
            let why: Vec<_> = row.why.iter().map(|(field, why)| format!("{}: {why}", label(field))).collect();
            let cells = (0..columns).map(|at| row.cells.get(at).map_or("".into(), |cell| guarded(cell)));
            let cells = cells.chain([row.line.to_string().into(), why.join(" ").into()]);
            csv.write_record(cells.map(std::borrow::Cow::into_owned)).map_err(anyhow::Error::from)?;
        }
    }
    let bytes = csv.into_inner().map_err(|e| anyhow::anyhow!("a CSV in memory: {e}"))?;
    let stem = import.file_name.rsplit_once('.').map_or(import.file_name.as_str(), |(stem, _)| stem);
    Ok((format!("{stem} refused.csv"), String::from_utf8(bytes).map_err(anyhow::Error::from)?))
}

/// Rows that could not be read: of the run once it began, else of the dry run.
///
/// # Errors
/// `Forbidden`; `NotFound`.
pub async fn problems(tx: &mut Tx, id: ImportId, paging: Paging) -> Result<Page<Problem>> {
    tx.require(Permission::ImportContacts)?;
    let import = repo::find(tx, id).await?.ok_or_else(missing)?;
    let (items, total) = repo::problems(tx, id, !has_run(&import), paging).await?;
    Ok(Page::new(items, total, paging))
}

fn has_run(import: &repo::Stored) -> bool {
    import.status == ImportStatus::Running || import.done.rows > 0
}

/// What a file does to a list needs what the list needs.
fn require(tx: &Tx, kind: ImportKind) -> Result<()> {
    kind.permissions().iter().try_for_each(|permission| tx.require(*permission))
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
        mapping_name: r.mapping_name,
        undone: r.undone.0,
        created_at: tx.moment(r.created_at),
        finished_at: r.finished_at.map(|at| tx.moment(at)),
        seconds: r.phase_started_at.map_or(0, |at| (ended - at).num_seconds()),
    }
}
