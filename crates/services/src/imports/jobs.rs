//! The dry run, the run and its undoing, chunk by chunk. A chunk is one transaction that also stores how far the file is
//! read, so a killed run goes on at exactly that byte and nothing is counted twice.

use super::leads::NewLead;
use super::orders::OrderItem;
use super::rows::{Brought, Plan, Row, Rows};
use super::suppressions::NewSuppression;
use super::{contacts, files, leads, orders, repo};
use crate::actor::Actor;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::events::notice;
use crate::jobs::Job;
use crate::webhooks::Told;
use crate::{notices, phones, suppressions};
use model::contacts::NewContact;
use model::events::{EventKind, Topic};
use model::id::{CompanyId, ImportId};
use model::imports::{Counts, ImportKind, ImportStatus, Problem, Undone};
use model::notices::NoticeKind;
use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

/// Rows per transaction.
pub(super) const CHUNK_ROWS: usize = 1_000;
/// Rows that are taken out per transaction.
pub(super) const UNDO_ROWS: i64 = 1_000;
/// A job hands over to the next after this long, well before its time is up.
const HAND_OVER: Duration = Duration::from_secs(40);
/// With the default waits these are over an hour: an import outlives a database restart.
const ATTEMPTS_MAX: i32 = 12;

/// Where a job begins: `from` only makes the keys of successive jobs differ.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct CheckImport {
    pub company: CompanyId,
    pub import: ImportId,
    pub phase: i32,
    pub from: i64,
}

/// The same for the run.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RunImport {
    pub company: CompanyId,
    pub import: ImportId,
    pub phase: i32,
    pub from: i64,
}

/// Takes out again what an import brought in.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct UndoImport {
    pub company: CompanyId,
    pub import: ImportId,
    pub phase: i32,
    /// Only makes the keys of successive jobs differ.
    pub turn: i32,
}

/// Removes the file of an import that is over.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct ForgetFile {
    pub company: CompanyId,
    pub import: ImportId,
}

impl Job for CheckImport {
    const QUEUE: &'static str = "check_import";
    const ATTEMPTS_MAX: i32 = ATTEMPTS_MAX;

    fn key(&self) -> Option<String> {
        Some(format!("{}:{}:{}", self.import, self.phase, self.from))
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        if let Some(from) = work(&db, self.company, self.import, self.phase, HAND_OVER).await? {
            let mut tx = db.begin(&Actor::engine(self.company)).await?;
            tx.enqueue(&Self { from, ..self }).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Job for RunImport {
    const QUEUE: &'static str = "run_import";
    const ATTEMPTS_MAX: i32 = ATTEMPTS_MAX;

    fn key(&self) -> Option<String> {
        Some(format!("{}:{}:{}", self.import, self.phase, self.from))
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        if let Some(from) = work(&db, self.company, self.import, self.phase, HAND_OVER).await? {
            let mut tx = db.begin(&Actor::engine(self.company)).await?;
            tx.enqueue(&Self { from, ..self }).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Job for UndoImport {
    const QUEUE: &'static str = "undo_import";
    const ATTEMPTS_MAX: i32 = ATTEMPTS_MAX;

    fn key(&self) -> Option<String> {
        Some(format!("{}:{}:{}", self.import, self.phase, self.turn))
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let started = Instant::now();
        while undo_step(&db, self.company, self.import, self.phase, UNDO_ROWS).await? {
            if started.elapsed() >= HAND_OVER {
                let mut tx = db.begin(&Actor::engine(self.company)).await?;
                tx.enqueue(&Self { turn: self.turn + 1, ..self }).await?;
                tx.commit().await?;
                break;
            }
        }
        Ok(())
    }
}

impl Job for ForgetFile {
    const QUEUE: &'static str = "forget_file";

    fn key(&self) -> Option<String> {
        Some(self.import.to_string())
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        let is_over = repo::find(&mut tx, self.import).await?.is_none_or(|i| i.status.is_final());
        if is_over {
            files::remove(&files::path(db.config(), self.import)).await?;
        }
        Ok(())
    }
}

/// Works through chunks for `time`. Returns the byte to go on at, or `None` when the phase is over.
///
/// # Errors
/// What may be gone at the next try. Anything else ends the import as failed.
async fn work(db: &Db, company: CompanyId, import: ImportId, phase: i32, time: Duration) -> anyhow::Result<Option<i64>> {
    let started = Instant::now();
    loop {
        match step(db, company, import, phase, CHUNK_ROWS).await {
            Ok(Some(_)) if started.elapsed() < time => {}
            Ok(next) => return Ok(next),
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => {
                tracing::error!(%import, %error, "import failed");
                let mut tx = db.begin(&Actor::engine(company)).await?;
                if under_way(&mut tx, import, phase).await?.is_some() {
                    fail(&mut tx, import, "Something went wrong on our side. Upload the file again; rows that are in stay in.")
                        .await?;
                }
                tx.commit().await?;
                return Ok(None);
            }
        }
    }
}

/// One chunk in a transaction of its own.
pub(super) async fn step(db: &Db, company: CompanyId, id: ImportId, phase: i32, rows_max: usize) -> Result<Option<i64>> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let next = chunk(&mut tx, id, phase, rows_max).await?;
    tx.commit().await?;
    Ok(next)
}

/// Reads and applies the next rows. Returns the byte to go on at, or `None` when there is nothing more to do.
pub(super) async fn chunk(tx: &mut Tx, id: ImportId, phase: i32, rows_max: usize) -> Result<Option<i64>> {
    let Some(import) = under_way(tx, id, phase).await? else { return Ok(None) };
    match import.kind {
        ImportKind::Contacts => pass::<NewContact>(tx, import, rows_max).await,
        ImportKind::Suppressions => pass::<NewSuppression>(tx, import, rows_max).await,
        ImportKind::Leads => pass::<NewLead>(tx, import, rows_max).await,
        ImportKind::Orders => pass::<OrderItem>(tx, import, rows_max).await,
    }
}

/// The same for one kind of rows.
async fn pass<R: Row + 'static>(tx: &mut Tx, import: repo::Stored, rows_max: usize) -> Result<Option<i64>> {
    let id = import.id;
    let delimiter = import.delimiter.bytes().next().unwrap_or(b',');
    let region = phones::region(tx).await?;
    let plan = Plan { mapping: import.mapping.0.clone(), segment: import.segment.clone(), region, delimiter };
    let path = files::path(tx.config(), id);
    let (from, lines) = (import.bytes_done.unsigned_abs(), import.lines_done.unsigned_abs());
    let read = tokio::task::spawn_blocking(move || {
        let block = files::read(&path, delimiter, from, lines, rows_max)?;
        let rows = plan.read::<R>(&block).map_err(io::Error::other)?;
        io::Result::Ok((block, rows))
    });
    let (block, rows) = match read.await.map_err(anyhow::Error::from)? {
        Ok(read) => read,
        Err(error) => {
            tracing::warn!(import = %id, %error, "an uploaded file cannot be read");
            let gone = error.kind() == io::ErrorKind::NotFound;
            fail(tx, id, if gone { "The uploaded file is gone. Upload it again." } else { "The uploaded file cannot be read." })
                .await?;
            return Ok(None);
        }
    };
    let is_last = block.lines.len() < rows_max;
    let counts = apply(tx, &import, rows).await?;
    repo::save_progress(tx, &import, counts, block.read, block.lines_read).await?;
    if is_last {
        finish(tx, &import, counts).await?;
    }
    notice(tx, Topic::Imports).await?;
    Ok((!is_last).then(|| import.bytes_done + i64::try_from(block.read).unwrap_or(i64::MAX)))
}

/// The import, locked, if this phase is still the one under way: it may be cancelled or begun anew.
async fn under_way(tx: &mut Tx, id: ImportId, phase: i32) -> Result<Option<repo::Stored>> {
    let runs = |i: &repo::Stored| i.phase == phase && matches!(i.status, ImportStatus::Validating | ImportStatus::Running);
    Ok(repo::lock(tx, id).await?.filter(runs))
}

/// Adds a chunk to the company, or only to the counts of a dry run.
async fn apply<R: Row>(tx: &mut Tx, import: &repo::Stored, rows: Rows<R>) -> Result<Counts> {
    let is_dry = import.status == ImportStatus::Validating;
    let Rows { rows, mut problems, mut refused } = rows;
    let mut counts = if is_dry { import.checked.0 } else { import.done.0 };
    counts.rows += rows.len() as i64 + refused.len() as i64;
    let (first, more) = parted(tx, import, rows, is_dry).await?;
    let mut heads = first.len() as i64;
    counts.duplicates += more.len() as i64;
    let brought = if is_dry {
        Brought { created: heads - R::count_known(tx, &first).await?, ..Brought::default() }
    } else {
        let lines: HashSet<i64> = first.iter().map(|(line, _)| *line).collect();
        let brought = R::bring_in(tx, import.id, first, more).await?;
        for (row, _) in &brought.refused {
            if lines.contains(&row.line) {
                heads -= 1;
            } else {
                counts.duplicates -= 1;
            }
        }
        brought
    };
    for (row, fields) in brought.refused {
        let problem = |(field, why)| Problem { line: row.line, field, value: String::new(), why };
        problems.extend(fields.into_iter().map(problem));
        refused.push(row);
    }
    problems.sort_by(|a, b| (a.line, &a.field).cmp(&(b.line, &b.field)));
    refused.sort_by_key(|row| row.line);
    repo::insert_problems(tx, import.id, is_dry, &problems, &refused).await?;
    counts.created += brought.created;
    counts.merged += heads - brought.created;
    counts.invalid += refused.len() as i64;
    Ok(counts)
}

/// Rows with their lines.
type Lines<R> = Vec<(i64, R)>;

/// The rows whose key the file did not have before, neither in this chunk nor in an earlier one, and the others. The dry run notes where
/// each key is first, and the run looks there.
async fn parted<R: Row>(tx: &mut Tx, import: &repo::Stored, rows: Lines<R>, is_dry: bool) -> Result<(Lines<R>, Lines<R>)> {
    let (lines, keys): (Vec<i64>, Vec<&str>) = rows.iter().map(|(line, row)| (*line, row.key())).unzip();
    let first =
        if is_dry { repo::meet(tx, import.id, &keys, &lines).await? } else { repo::met(tx, import.id, &keys, &lines).await? };
    let first: HashSet<i64> = first.into_iter().collect();
    Ok(rows.into_iter().partition(|(line, _)| first.contains(line)))
}

async fn finish(tx: &mut Tx, import: &repo::Stored, counts: Counts) -> Result<()> {
    if import.status == ImportStatus::Validating {
        return repo::end_phase(tx, import.id, ImportStatus::Checked, None).await;
    }
    repo::end_phase(tx, import.id, ImportStatus::Completed, None).await?;
    forget_file(tx, import.id).await?;
    let Counts { created, merged, duplicates, invalid, .. } = counts;
    tx.tell(Told::imported(import.id, &import.file_name, [created, merged, duplicates, invalid]));
    let result = format!("{created} created, {merged} merged, {duplicates} duplicates, {invalid} left out");
    tell(tx, import.id, &import.file_name, &result).await?;
    let text = format!("{}: {result}", import.file_name);
    tx.record(EventKind::ImportCompleted, Some(import.id.to_string()), text).await?;
    notice(tx, Topic::Contacts).await
}

/// Takes out the next rows in a transaction of their own: first what was filled in, then what was created. False when nothing is left.
pub(super) async fn undo_step(db: &Db, company: CompanyId, id: ImportId, phase: i32, most: i64) -> Result<bool> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let more = undo_chunk(&mut tx, id, phase, most).await?;
    tx.commit().await?;
    Ok(more)
}

pub(super) async fn undo_chunk(tx: &mut Tx, id: ImportId, phase: i32, most: i64) -> Result<bool> {
    let is_due = |i: &repo::Stored| i.phase == phase && i.status == ImportStatus::Undoing;
    let Some(import) = repo::lock(tx, id).await?.filter(is_due) else { return Ok(false) };
    let mut undone = import.undone.0;
    let (mut seen, removed) = match import.kind {
        ImportKind::Contacts => (0, 0),
        ImportKind::Suppressions => {
            let removed = suppressions::take_out(tx, id, most).await?;
            (usize::try_from(removed).unwrap_or(usize::MAX), removed)
        }
        ImportKind::Leads => leads::take_out(tx, id, most).await?,
        ImportKind::Orders => orders::take_out(tx, id, most).await?,
    };
    undone.removed += removed;
    // Contacts last: what came with them uses them.
    if seen == 0 {
        let (filled, restored) = contacts::restore(tx, id, most).await?;
        (seen, undone.restored) = (filled, undone.restored + restored);
    }
    if seen == 0 {
        let (people, removed) = contacts::take_out(tx, id, most).await?;
        seen = people;
        if import.kind == ImportKind::Contacts {
            undone.removed += removed;
        }
    }
    if seen == 0 {
        undone.kept = import.done.0.created - undone.removed;
    }
    repo::save_undone(tx, id, undone).await?;
    if seen == 0 {
        undo_finished(tx, &import, undone).await?;
    }
    notice(tx, Topic::Imports).await?;
    Ok(seen > 0)
}

async fn undo_finished(tx: &mut Tx, import: &repo::Stored, undone: Undone) -> Result<()> {
    contacts::let_go(tx, import.id).await?;
    notice(tx, Topic::Contacts).await?;
    repo::end_phase(tx, import.id, ImportStatus::Undone, None).await?;
    let Undone { removed, kept, restored } = undone;
    let result = format!("{removed} removed, {restored} restored, {kept} kept because they are used");
    let text = format!("{}: {result}", import.file_name);
    tx.record(EventKind::ImportUndone, Some(import.id.to_string()), text).await
}

async fn fail(tx: &mut Tx, id: ImportId, why: &str) -> Result<()> {
    if let Some(import) = repo::lock(tx, id).await? {
        tell(tx, id, &import.file_name, why).await?;
    }
    repo::end_phase(tx, id, ImportStatus::Failed, Some(why)).await?;
    forget_file(tx, id).await?;
    tx.record(EventKind::ImportFailed, Some(id.to_string()), why).await
}

/// Has the administrators told what came of a file.
async fn tell(tx: &mut Tx, id: ImportId, file: &str, result: &str) -> Result<()> {
    notices::tell(tx, NoticeKind::ImportDone, format!("/imports/{id}"), &[("file", file), ("result", result)]).await
}

pub(super) async fn forget_file(tx: &mut Tx, import: ImportId) -> Result<()> {
    let company = tx.actor().company();
    tx.enqueue(&ForgetFile { company, import }).await
}
