//! The SQL of imports themselves: how far they are, what was wrong in their files, and which rows were there before.

use super::rows::Refused;
use crate::db::Tx;
use crate::error::Result;
use model::id::ImportId;
use model::imports::{Counts, ImportKind, ImportStatus, Mapping, PROBLEMS_MAX, Problem, Undone};
use model::page::Paging;
use model::time::Timestamp;
use sheets::Table;
use sqlx::QueryBuilder;
use sqlx::types::Json;

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: ImportId,
    pub kind: ImportKind,
    pub status: ImportStatus,
    pub file_name: String,
    pub file_bytes: i64,
    pub encoding: String,
    pub delimiter: String,
    pub headers: Json<Vec<String>>,
    pub samples: Json<Vec<Vec<String>>>,
    pub mapping: Json<Mapping>,
    pub segment: String,
    pub mapping_name: Option<String>,
    pub undone: Json<Undone>,
    pub checked: Json<Counts>,
    pub done: Json<Counts>,
    pub bytes_done: i64,
    pub lines_done: i64,
    pub failure: Option<String>,
    pub phase: i32,
    pub created_at: Timestamp,
    pub phase_started_at: Option<Timestamp>,
    pub phase_ended_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "select id, kind, status, file_name, file_bytes, encoding, delimiter, headers, samples, mapping, segment, mapping_name, undone,
    checked, done, bytes_done, lines_done, failure, phase, created_at, phase_started_at, phase_ended_at, finished_at from imports";

pub(super) struct Upload<'a> {
    pub id: ImportId,
    pub kind: ImportKind,
    pub file_name: &'a str,
    pub file_bytes: i64,
    pub table: &'a Table,
    pub mapping: &'a Mapping,
    pub mapping_name: Option<&'a str>,
}

pub(super) async fn insert(tx: &mut Tx, upload: &Upload<'_>) -> Result<()> {
    let (now, by, table) = (tx.now(), tx.actor().name().to_owned(), upload.table);
    sqlx::query(
        "insert into imports (id, kind, status, file_name, file_bytes, encoding, delimiter, headers, samples, mapping, mapping_name,
             checked, done, created_by, created_at)
         values ($1, $2, 'pending', $3, $4, $5, $6, $7, $8, $9, $13, $10, $10, $11, $12)",
    )
    .bind(upload.id)
    .bind(upload.kind)
    .bind(upload.file_name)
    .bind(upload.file_bytes)
    .bind(table.encoding)
    .bind(char::from(table.delimiter).to_string())
    .bind(Json(&table.headers))
    .bind(Json(&table.samples))
    .bind(Json(upload.mapping))
    .bind(Json(Counts::default()))
    .bind(by)
    .bind(now)
    .bind(upload.mapping_name)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut Tx, id: ImportId) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where id = ").push_bind(id);
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

/// Nobody else moves this import until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, id: ImportId) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where id = ").push_bind(id).push(" for update");
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

pub(super) async fn list(tx: &mut Tx, status: Option<ImportStatus>, paging: Paging) -> Result<(Vec<Stored>, i64)> {
    let total = sqlx::query_scalar("select count(*) from imports where $1::text is null or status = $1")
        .bind(status)
        .fetch_one(tx.conn())
        .await?;
    let mut sql = QueryBuilder::new(COLUMNS);
    if let Some(status) = status {
        sql.push(" where status = ").push_bind(status);
    }
    sql.push(" order by created_at desc, id desc limit ").push_bind(paging.limit());
    sql.push(" offset ").push_bind(paging.offset());
    Ok((sql.build_query_as().fetch_all(tx.conn()).await?, total))
}

/// Begins the dry run from the first byte; what an earlier one left is gone. Returns the number of the phase.
pub(super) async fn begin_check(tx: &mut Tx, id: ImportId, mapping: &Mapping, segment: &str) -> Result<i32> {
    forget_keys(tx, id).await?;
    sqlx::query("delete from import_problems where import_id = $1 and dry_run").bind(id).execute(tx.conn()).await?;
    let now = tx.now();
    let phase = sqlx::query_scalar(
        "update imports set status = 'validating', mapping = $2, segment = $3, checked = $4, bytes_done = 0, lines_done = 0,
             phase = phase + 1, phase_started_at = $5, phase_ended_at = null
         where id = $1 returning phase",
    )
    .bind(id)
    .bind(Json(mapping))
    .bind(segment)
    .bind(Json(Counts::default()))
    .bind(now)
    .fetch_one(tx.conn())
    .await?;
    Ok(phase)
}

/// Begins the run from the first byte. Returns the number of the phase.
pub(super) async fn begin_run(tx: &mut Tx, id: ImportId) -> Result<i32> {
    let now = tx.now();
    let phase = sqlx::query_scalar(
        "update imports set status = 'running', done = $2, bytes_done = 0, lines_done = 0, phase = phase + 1,
             phase_started_at = $3, phase_ended_at = null
         where id = $1 returning phase",
    )
    .bind(id)
    .bind(Json(Counts::default()))
    .bind(now)
    .fetch_one(tx.conn())
    .await?;
    Ok(phase)
}

/// How far the phase under way has come; its counts are those of the status.
pub(super) async fn save_progress(tx: &mut Tx, import: &Stored, counts: Counts, read: u64, lines: u64) -> Result<()> {
    sqlx::query(
        "update imports set checked = case when status = 'validating' then $2 else checked end,
             done = case when status = 'running' then $2 else done end,
             bytes_done = bytes_done + $3, lines_done = lines_done + $4
         where id = $1",
    )
    .bind(import.id)
    .bind(Json(counts))
    .bind(i64::try_from(read).unwrap_or(i64::MAX))
    .bind(i64::try_from(lines).unwrap_or(i64::MAX))
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends the phase; a final status ends the import.
pub(super) async fn end_phase(tx: &mut Tx, id: ImportId, status: ImportStatus, failure: Option<&str>) -> Result<()> {
    if status.is_final() {
        forget_keys(tx, id).await?;
    }
    let now = tx.now();
    sqlx::query(
        "update imports set status = $2, failure = $3, phase_ended_at = $4, finished_at = case when $5 then $4 else finished_at end
         where id = $1",
    )
    .bind(id)
    .bind(status)
    .bind(failure)
    .bind(now)
    .bind(status.is_final())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Begins taking out what was brought in. Returns the number of the phase.
pub(super) async fn begin_undo(tx: &mut Tx, id: ImportId) -> Result<i32> {
    let now = tx.now();
    let phase = sqlx::query_scalar(
        "update imports set status = 'undoing', undone = $2, phase = phase + 1, phase_started_at = $3,
             phase_ended_at = null
         where id = $1 returning phase",
    )
    .bind(id)
    .bind(Json(Undone::default()))
    .bind(now)
    .fetch_one(tx.conn())
    .await?;
    Ok(phase)
}

pub(super) async fn save_undone(tx: &mut Tx, id: ImportId, undone: Undone) -> Result<()> {
    sqlx::query("update imports set undone = $2 where id = $1").bind(id).bind(Json(undone)).execute(tx.conn()).await?;
    Ok(())
}

async fn forget_keys(tx: &mut Tx, id: ImportId) -> Result<()> {
    sqlx::query("delete from import_keys where import_id = $1").bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// Keeps problems up to the limit, and the rows that have them; the rest is only counted.
pub(super) async fn insert_problems(
    tx: &mut Tx,
    id: ImportId,
    dry_run: bool,
    problems: &[Problem],
    refused: &[Refused],
) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let of = |f: fn(&Problem) -> &str| problems.iter().map(f).collect::<Vec<_>>();
    // A row's cells stand with its first problem.
    let mut rows = refused.iter().peekable();
    let cells: Vec<_> = problems.iter().map(|p| rows.next_if(|row| row.line == p.line).map(|row| Json(&row.cells))).collect();
    sqlx::query(
        "insert into import_problems (import_id, dry_run, line, field, value, why, cells)
         select $1, $2, p.line, p.field, p.value, p.why, p.cells
         from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $8::jsonb[]) as p (line, field, value, why, cells)
         order by p.line, p.field
         limit greatest(0, $7 - (select count(*) from import_problems where import_id = $1 and dry_run = $2))",
    )
    .bind(id)
    .bind(dry_run)
    .bind(problems.iter().map(|p| p.line).collect::<Vec<_>>())
    .bind(of(|p| &p.field))
    .bind(of(|p| &p.value))
    .bind(of(|p| &p.why))
    .bind(PROBLEMS_MAX)
    .bind(cells)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A refused row with all that is wrong with it.
#[derive(sqlx::FromRow)]
pub(super) struct Rejected {
    pub line: i64,
    pub cells: Json<Vec<String>>,
    /// Field and reason, as often as there are problems.
    pub why: Json<Vec<(String, String)>>,
}

/// The next refused rows behind this line.
pub(super) async fn rejected(tx: &mut Tx, id: ImportId, dry_run: bool, after: i64, most: i64) -> Result<Vec<Rejected>> {
    Ok(sqlx::query_as(
        "select line, (array_agg(cells) filter (where cells is not null))[1] as cells,
             jsonb_agg(jsonb_build_array(field, why) order by field) as why
         from import_problems where import_id = $1 and dry_run = $2 and line > $3
         group by line having bool_or(cells is not null) order by line limit $4",
    )
    .bind(id)
    .bind(dry_run)
    .bind(after)
    .bind(most)
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn problems(tx: &mut Tx, id: ImportId, dry_run: bool, paging: Paging) -> Result<(Vec<Problem>, i64)> {
    let total = sqlx::query_scalar("select count(*) from import_problems where import_id = $1 and dry_run = $2")
        .bind(id)
        .bind(dry_run)
        .fetch_one(tx.conn())
        .await?;
    let rows: Vec<(i64, String, String, String)> = sqlx::query_as(
        "select line, field, value, why from import_problems where import_id = $1 and dry_run = $2
         order by line, field limit $3 offset $4",
    )
    .bind(id)
    .bind(dry_run)
    .bind(paging.limit())
    .bind(paging.offset())
    .fetch_all(tx.conn())
    .await?;
    Ok((rows.into_iter().map(|(line, field, value, why)| Problem { line, field, value, why }).collect(), total))
}

/// Notes in which lines the dry run met these keys; returns the lines of those it had not met before.
pub(super) async fn meet(tx: &mut Tx, id: ImportId, keys: &[&str], lines: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "insert into import_keys (import_id, key, line)
         select $1, n.key, n.line from unnest($2::text[], $3::bigint[]) as n (key, line) order by n.line
         on conflict (company_id, import_id, key) do nothing returning line",
    )
    .bind(id)
    .bind(keys)
    .bind(lines)
    .fetch_all(tx.conn())
    .await?)
}

/// Those of these lines in which the dry run met their key for the first time.
pub(super) async fn met(tx: &mut Tx, id: ImportId, keys: &[&str], lines: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "select n.line from unnest($2::text[], $3::bigint[]) as n (key, line)
         join import_keys k on k.import_id = $1 and k.key = n.key and k.line = n.line",
    )
    .bind(id)
    .bind(keys)
    .bind(lines)
    .fetch_all(tx.conn())
    .await?)
}
