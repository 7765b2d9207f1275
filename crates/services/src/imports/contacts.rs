//! Contacts from a file. A number that is known gets its empty fields filled in and keeps the others; what was filled in is noted, so
//! that it can be undone. Here is the SQL that does it, for a thousand rows at a time.

use super::rows::{Brought, Cells, Plan, Row};
use crate::contacts::read_form;
use crate::db::Tx;
use crate::error::Result;
use model::FieldErrors;
use model::contacts::{ContactForm, NewContact};
use model::id::{ContactId, ImportId};
use model::phone::Phone;
use serde_json::{Map, Value};
use sqlx::QueryBuilder;
use sqlx::types::Json;

impl Row for NewContact {
    fn read(cells: &Cells<'_>, plan: &Plan) -> std::result::Result<Self, FieldErrors> {
        let mut form = ContactForm {
            name: cells.text("name"),
            phone: cells.text("phone"),
            email: cells.text("email"),
            company: cells.text("company"),
            time_zone: cells.text("time_zone"),
            segment: cells.text("segment"),
            notes: cells.text("notes"),
        };
        if form.segment.is_empty() {
            form.segment.clone_from(&plan.segment);
        }
        read_form(&form, &plan.region)
    }

    fn key(&self) -> &str {
        self.phone.as_str()
    }

    async fn count_known(tx: &mut Tx, rows: &[(i64, Self)]) -> Result<i64> {
        let phones: Vec<&Phone> = rows.iter().map(|(_, c)| &c.phone).collect();
        Ok(sqlx::query_scalar("select count(*) from contacts where phone = any($1)").bind(phones).fetch_one(tx.conn()).await?)
    }

    async fn bring_in(tx: &mut Tx, import: ImportId, first: Vec<(i64, Self)>, _: Vec<(i64, Self)>) -> Result<Brought> {
        let all: Vec<&Self> = first.iter().map(|(_, row)| row).collect();
        let known = lock(tx, &all).await?;
        let is_known = |c: &&Self, known: &[Known]| known.binary_search_by(|k| k.phone.cmp(&c.phone)).is_ok();
        let new: Vec<&Self> = all.iter().copied().filter(|c| !is_known(c, &known)).collect();
        let created = insert(tx, import, &new).await?;
        let mut met: Vec<ContactId> = created.iter().map(|(id, _)| *id).collect();
        fill_in(tx, import, &known, &all).await?;
        met.extend(known.iter().map(|k| k.id));
        if created.len() < new.len() {
            // Somebody else added them since we looked.
            let made: std::collections::HashSet<&Phone> = created.iter().map(|(_, phone)| phone).collect();
            let missed: Vec<&Self> = new.into_iter().filter(|c| !made.contains(&c.phone)).collect();
            let known = lock(tx, &missed).await?;
            fill_in(tx, import, &known, &all).await?;
            met.extend(known.iter().map(|k| k.id));
        }
        sqlx::query(
            "insert into import_contacts (import_id, contact_id) select $1, contact_id from unnest($2::uuid[]) as contact_id",
        )
        .bind(import)
        .bind(met)
        .execute(tx.conn())
        .await?;
        Ok(Brought { created: created.len() as i64, ..Brought::default() })
    }
}

/// A contact that was there, with the fields that an import may fill in.
#[derive(sqlx::FromRow)]
struct Known {
    id: ContactId,
    phone: Phone,
    name: String,
    email: String,
    company: String,
    time_zone: Option<String>,
    segment: String,
    notes: String,
}

/// Fields that an import fills in, as columns.
const FIELDS: [&str; 6] = ["name", "email", "company", "time_zone", "segment", "notes"];

impl Known {
    fn fields(&self) -> [&str; 6] {
        let zone = self.time_zone.as_deref().unwrap_or_default();
        [&self.name, &self.email, &self.company, zone, &self.segment, &self.notes]
    }
}

fn fields(c: &NewContact) -> [&str; 6] {
    [&c.name, &c.email, &c.company, c.time_zone.as_deref().unwrap_or_default(), &c.segment, &c.notes]
}

/// Contacts with these numbers, by number; nobody changes them until the transaction ends.
async fn lock(tx: &mut Tx, of: &[&NewContact]) -> Result<Vec<Known>> {
    let phones: Vec<&Phone> = of.iter().map(|c| &c.phone).collect();
    let mut known: Vec<Known> = sqlx::query_as(
        "select id, phone, name, email, company, time_zone, segment, notes from contacts where phone = any($1)
         order by phone for no key update",
    )
    .bind(phones)
    .fetch_all(tx.conn())
    .await?;
    // In the order of bytes, which is not the database's.
    known.sort_by(|a, b| a.phone.cmp(&b.phone));
    Ok(known)
}

/// Rows go in by number, so that two imports of the same people wait for each other instead of locking up.
async fn insert(tx: &mut Tx, import: ImportId, contacts: &[&NewContact]) -> Result<Vec<(ContactId, Phone)>> {
    let ids: Vec<ContactId> = contacts.iter().map(|_| tx.id()).collect();
    let of = |f: fn(&NewContact) -> &str| contacts.iter().map(|c| f(c)).collect::<Vec<_>>();
    let now = tx.now();
    let rows = sqlx::query_as(
        "insert into contacts (id, name, phone, phone_raw, email, company, time_zone, segment, notes, import_id, created_at, updated_at)
         select n.id, n.name, n.phone, n.phone_raw, n.email, n.company, n.time_zone, n.segment, n.notes, $1, $2, $2
         from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
             as n (id, name, phone, phone_raw, email, company, time_zone, segment, notes)
         order by n.phone
         on conflict (company_id, phone) do nothing
         returning id, phone",
    )
    .bind(import)
    .bind(now)
    .bind(&ids)
    .bind(of(|c| &c.name))
    .bind(of(|c| c.phone.as_str()))
    .bind(of(|c| &c.phone_raw))
    .bind(of(|c| &c.email))
    .bind(of(|c| &c.company))
    .bind(contacts.iter().map(|c| c.time_zone.as_deref()).collect::<Vec<_>>())
    .bind(of(|c| &c.segment))
    .bind(of(|c| &c.notes))
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Fills in what is empty, and notes it.
async fn fill_in(tx: &mut Tx, import: ImportId, known: &[Known], rows: &[&NewContact]) -> Result<()> {
    let (mut ids, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let Ok(at) = known.binary_search_by(|k| k.phone.cmp(&row.phone)) else { continue };
        let (mut old, mut new) = (Map::new(), Map::new());
        for ((field, had), has) in FIELDS.into_iter().zip(known[at].fields()).zip(fields(row)) {
            if had.is_empty() && !has.is_empty() {
                let nothing = if field == "time_zone" { Value::Null } else { Value::from("") };
                old.insert(field.to_owned(), nothing);
                new.insert(field.to_owned(), Value::from(has));
            }
        }
        if !new.is_empty() {
            ids.push(known[at].id);
            before.push(Json(old));
            after.push(Json(new));
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    sqlx::query(
        "with noted as (
             insert into import_changes (import_id, subject_id, before, after)
             select $1, n.id, n.before, n.after from unnest($3::uuid[], $4::jsonb[], $5::jsonb[]) as n (id, before, after)
             returning subject_id, after
         )
         update contacts c set name = coalesce(n.after ->> 'name', c.name), email = coalesce(n.after ->> 'email', c.email),
             company = coalesce(n.after ->> 'company', c.company), time_zone = coalesce(n.after ->> 'time_zone', c.time_zone),
             segment = coalesce(n.after ->> 'segment', c.segment), notes = coalesce(n.after ->> 'notes', c.notes), updated_at = $2
         from noted n where c.id = n.subject_id",
    )
    .bind(import)
    .bind(now)
    .bind(ids)
    .bind(before)
    .bind(after)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Tables that use a contact, and their columns. Who stands in one of them stays when an import is undone; a test compares with the
/// catalog.
pub(super) const USES: &[(&str, &str)] = &[
    ("calls", "contact_id"),
    ("enrollments", "contact_id"),
    ("import_contacts", "contact_id"),
    ("leads", "contact_id"),
    ("orders", "contact_id"),
];

/// Notes the people that rows about something else are about: those who are new since this transaction began are the import's.
pub(super) async fn came_along(tx: &mut Tx, import: ImportId, contacts: &[ContactId]) -> Result<()> {
    let now = tx.now();
    sqlx::query("update contacts set import_id = $1 where id = any($2) and created_at = $3 and import_id is null")
        .bind(import)
        .bind(contacts)
        .bind(now)
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "insert into import_contacts (import_id, contact_id) select $1, contact_id from unnest($2::uuid[]) as contact_id
         on conflict (company_id, import_id, contact_id) do nothing",
    )
    .bind(import)
    .bind(contacts)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes out the next contacts that the import created and that nobody used or changed since; the others are not the import's any more.
/// Returns how many it looked at and how many it took out.
pub(super) async fn take_out(tx: &mut Tx, import: ImportId, most: i64) -> Result<(usize, i64)> {
    // Whoever is using one of them at this moment holds its row: what they wrote is seen by the next statement.
    let ids: Vec<ContactId> = sqlx::query_scalar("select id from contacts where import_id = $1 order by id limit $2 for update")
        .bind(import)
        .bind(most)
        .fetch_all(tx.conn())
        .await?;
    sqlx::query("delete from import_contacts where import_id = $1 and contact_id = any($2)")
        .bind(import)
        .bind(&ids)
        .execute(tx.conn())
        .await?;
    let mut sql = QueryBuilder::new("delete from contacts c where c.updated_at = c.created_at and c.id = any(");
    sql.push_bind(&ids).push(")");
    for (table, column) in USES {
        sql.push(" and not exists (select 1 from ").push(table).push(" u where u.").push(column).push(" = c.id)");
    }
    let gone = sql.build().execute(tx.conn()).await?.rows_affected();
    sqlx::query("update contacts set import_id = null where id = any($1)").bind(&ids).execute(tx.conn()).await?;
    Ok((ids.len(), i64::try_from(gone).unwrap_or(i64::MAX)))
}

/// Empties the next fields again that the import filled in, unless they were changed since. Returns how many contacts it looked at and
/// how many it changed.
pub(super) async fn restore(tx: &mut Tx, import: ImportId, most: i64) -> Result<(usize, i64)> {
    let changes: Vec<ContactId> =
        sqlx::query_scalar("select subject_id from import_changes where import_id = $1 order by subject_id limit $2")
            .bind(import)
            .bind(most)
            .fetch_all(tx.conn())
            .await?;
    let now = tx.now();
    let mut sql = QueryBuilder::new("update contacts c set updated_at = ");
    sql.push_bind(now);
    let is_as_left = |field: &str| format!("(n.after ? '{field}' and c.{field} is not distinct from n.after ->> '{field}')");
    for field in FIELDS {
        let same = is_as_left(field);
        sql.push(format!(", {field} = case when {same} then n.before ->> '{field}' else c.{field} end"));
    }
    sql.push(" from import_changes n where c.id = n.subject_id and n.import_id = ").push_bind(import);
    sql.push(" and n.subject_id = any(").push_bind(&changes).push(") and (");
    sql.push(FIELDS.map(is_as_left).join(" or ")).push(")");
    let restored = sql.build().execute(tx.conn()).await?.rows_affected();
    sqlx::query("delete from import_contacts where import_id = $1 and contact_id = any($2)")
        .bind(import)
        .bind(&changes)
        .execute(tx.conn())
        .await?;
    sqlx::query("delete from import_changes where import_id = $1 and subject_id = any($2)")
        .bind(import)
        .bind(&changes)
        .execute(tx.conn())
        .await?;
    Ok((changes.len(), i64::try_from(restored).unwrap_or(i64::MAX)))
}

/// Lets go of the contacts that the import met and left as they were.
pub(super) async fn let_go(tx: &mut Tx, import: ImportId) -> Result<()> {
    sqlx::query("delete from import_contacts where import_id = $1").bind(import).execute(tx.conn()).await?;
    Ok(())
}
