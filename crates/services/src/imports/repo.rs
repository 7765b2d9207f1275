//! The SQL of imports: their rows, their problems, and the two set-based statements that a chunk is.

use super::intake::Table;
use crate::db::Tx;
use crate::error::Result;
use model::contacts::NewContact;
use model::id::{ContactId, ImportId};
use model::imports::{Counts, ImportKind, ImportStatus, Mapping, PROBLEMS_MAX, Problem};
use model::page::Paging;
use model::phone::Phone;
use model::time::Timestamp;
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
    "select id, kind, status, file_name, file_bytes, encoding, delimiter, headers, samples, mapping, segment, checked, done,
    bytes_done, lines_done, failure, phase, created_at, phase_started_at, phase_ended_at, finished_at from imports";

pub(super) struct Upload<'a> {
    pub id: ImportId,
    pub kind: ImportKind,
    pub file_name: &'a str,
    pub file_bytes: i64,
    pub table: &'a Table,
}

pub(super) async fn insert(tx: &mut Tx, upload: &Upload<'_>) -> Result<()> {
    let (now, by, table) = (tx.now(), tx.actor().name().to_owned(), upload.table);
    sqlx::query(
        "insert into imports (id, kind, status, file_name, file_bytes, encoding, delimiter, headers, samples, mapping, checked, done,
             created_by, created_at)
         values ($1, $2, 'pending', $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)",
    )
    .bind(upload.id)
    .bind(upload.kind)
    .bind(upload.file_name)
    .bind(upload.file_bytes)
    .bind(table.encoding)
    .bind(char::from(table.delimiter).to_string())
    .bind(Json(&table.headers))
    .bind(Json(&table.samples))
    .bind(Json(Mapping::guess(upload.kind, &table.headers)))
    .bind(Json(Counts::default()))
    .bind(by)
    .bind(now)
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
    forget_phones(tx, id).await?;
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
    forget_phones(tx, id).await?;
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

async fn forget_phones(tx: &mut Tx, id: ImportId) -> Result<()> {
    sqlx::query("delete from import_phones where import_id = $1").bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// Keeps problems up to the limit; the rest is only counted.
pub(super) async fn insert_problems(tx: &mut Tx, id: ImportId, dry_run: bool, problems: &[Problem]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let of = |f: fn(&Problem) -> &str| problems.iter().map(|p| f(p).to_owned()).collect::<Vec<_>>();
    sqlx::query(
        "insert into import_problems (import_id, dry_run, line, field, value, why)
         select $1, $2, p.line, p.field, p.value, p.why
         from unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) as p (line, field, value, why)
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
    .execute(tx.conn())
    .await?;
    Ok(())
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

/// Notes that the dry run met these numbers; returns those it had not met before.
pub(super) async fn meet(tx: &mut Tx, id: ImportId, phones: &[Phone]) -> Result<Vec<Phone>> {
    let new = sqlx::query_scalar(
        "insert into import_phones (import_id, phone) select $1, phone from unnest($2::text[]) as phone
         on conflict (company_id, import_id, phone) do nothing returning phone",
    )
    .bind(id)
    .bind(phones)
    .fetch_all(tx.conn())
    .await?;
    Ok(new)
}

/// How many of these numbers have a contact.
pub(super) async fn count_known(tx: &mut Tx, phones: &[Phone]) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from contacts where phone = any($1)").bind(phones).fetch_one(tx.conn()).await?)
}

/// Those of these numbers that the run has brought in already.
pub(super) async fn brought_in(tx: &mut Tx, id: ImportId, phones: &[Phone]) -> Result<Vec<Phone>> {
    let rows = sqlx::query_scalar(
        "select c.phone from contacts c join import_contacts m on m.contact_id = c.id where m.import_id = $1 and c.phone = any($2)",
    )
    .bind(id)
    .bind(phones)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Creates contacts; those whose number is known get their empty fields filled in. Returns how many were created.
///
/// Rows go in by number, so that two imports of the same people wait for each other instead of locking up.
pub(super) async fn upsert(tx: &mut Tx, import: ImportId, contacts: &[NewContact]) -> Result<i64> {
    let ids: Vec<ContactId> = contacts.iter().map(|_| tx.id()).collect();
    let of = |f: fn(&NewContact) -> &str| contacts.iter().map(|c| f(c).to_owned()).collect::<Vec<_>>();
    let now = tx.now();
    let rows: Vec<(ContactId, bool)> = sqlx::query_as(
        "insert into contacts as c (id, name, phone, phone_raw, email, company, time_zone, segment, notes, import_id, created_at, updated_at)
         select n.id, n.name, n.phone, n.phone_raw, n.email, n.company, n.time_zone, n.segment, n.notes, $1, $2, $2
         from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
             as n (id, name, phone, phone_raw, email, company, time_zone, segment, notes)
         order by n.phone
         on conflict (company_id, phone) do update set
             name = case when c.name = '' then excluded.name else c.name end,
             email = case when c.email = '' then excluded.email else c.email end,
             company = case when c.company = '' then excluded.company else c.company end,
             time_zone = coalesce(c.time_zone, excluded.time_zone),
             segment = case when c.segment = '' then excluded.segment else c.segment end,
             notes = case when c.notes = '' then excluded.notes else c.notes end,
             updated_at = excluded.updated_at
         returning id, xmax = 0",
    )
    .bind(import)
    .bind(now)
    .bind(&ids)
    .bind(of(|c| &c.name))
    .bind(of(|c| c.phone.as_str()))
    .bind(of(|c| &c.phone_raw))
    .bind(of(|c| &c.email))
    .bind(of(|c| &c.company))
    .bind(contacts.iter().map(|c| c.time_zone.clone()).collect::<Vec<_>>())
    .bind(of(|c| &c.segment))
    .bind(of(|c| &c.notes))
    .fetch_all(tx.conn())
    .await?;
    let met: Vec<ContactId> = rows.iter().map(|(id, _)| *id).collect();
    sqlx::query(
        "insert into import_contacts (import_id, contact_id) select $1, contact_id from unnest($2::uuid[]) as contact_id",
    )
    .bind(import)
    .bind(met)
    .execute(tx.conn())
    .await?;
    Ok(rows.iter().filter(|(_, created)| *created).count() as i64)
}
