//! The SQL of contacts.

use crate::db::Tx;
use crate::error::Result;
use crate::phones::prefix_end;
use model::contacts::{ContactFilter, NewContact};
use model::id::{CallId, ContactId};
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::{Postgres, QueryBuilder};

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: ContactId,
    pub name: String,
    pub phone: Phone,
    pub phone_raw: String,
    pub email: String,
    pub company: String,
    pub time_zone: Option<String>,
    pub segment: String,
    pub notes: String,
    pub archived: bool,
    pub forgotten: bool,
    /// In a campaign that whoever asks can see.
    pub theirs: bool,
    pub suppressed: bool,
    pub calls: i32,
    pub last_called_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

const COLUMNS: &str =
    "select c.id, c.name, c.phone, c.phone_raw, c.email, c.company, c.time_zone, c.segment, c.notes, c.status = 'archived' as archived,
    c.forgotten_at is not null as forgotten, exists (select 1 from enrollments e where e.contact_id = c.id) as theirs,
    c.calls, c.last_called_at, c.created_at, exists (select 1 from suppressions s where s.phone = c.phone) as suppressed
    from contacts c";

/// `starts`: the numbers the search may be the start of; without them it is the start of a name.
pub(super) async fn list(tx: &mut Tx, filter: &ContactFilter, starts: &[String]) -> Result<(Vec<Stored>, i64)> {
    let only_theirs = tx.actor().handles_only().is_some();
    let mut count = QueryBuilder::new("select count(*) from contacts c");
    matching(&mut count, filter, starts, only_theirs);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let mut sql = QueryBuilder::new(COLUMNS);
    matching(&mut sql, filter, starts, only_theirs);
    sql.push(" order by c.created_at desc, c.id desc limit ").push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    Ok((sql.build_query_as().fetch_all(tx.conn()).await?, total))
}

fn matching(sql: &mut QueryBuilder<Postgres>, filter: &ContactFilter, starts: &[String], only_theirs: bool) {
    sql.push(" where c.status = 'active'");
    let name = filter.search.trim().to_lowercase();
    if !starts.is_empty() {
        sql.push(" and (false");
        for start in starts {
            sql.push(" or (c.phone ~>=~ ").push_bind(start.clone());
            sql.push(" and c.phone ~<~ ").push_bind(prefix_end(start)).push(")");
        }
        sql.push(")");
        if only_theirs {
            // Else whoever searches digit by digit reads a number that they see masked.
            sql.push(" and exists (select 1 from enrollments e where e.contact_id = c.id)");
        }
    } else if !name.is_empty() {
        sql.push(" and c.name_lower ~>=~ ").push_bind(name.clone());
        sql.push(" and c.name_lower ~<~ ").push_bind(prefix_end(&name));
    }
    if !filter.segment.is_empty() {
        sql.push(" and c.segment = ").push_bind(filter.segment.clone());
    }
    if let Some(import) = filter.import {
        sql.push(" and exists (select 1 from import_contacts m where m.contact_id = c.id and m.import_id = ")
            .push_bind(import)
            .push(")");
    }
}

/// How Postgres would look for them, for the test that a search uses an index below row security.
#[cfg(test)]
pub(super) async fn explain(tx: &mut Tx, filter: &ContactFilter, starts: &[String]) -> Result<String> {
    let mut sql = QueryBuilder::new("explain (costs off) select c.id from contacts c");
    matching(&mut sql, filter, starts, false);
    let lines: Vec<String> = sql.build_query_scalar().fetch_all(tx.conn()).await?;
    Ok(lines.join("\n"))
}

pub(super) async fn find(tx: &mut Tx, id: ContactId) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where c.id = ").push_bind(id);
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

#[derive(sqlx::FromRow)]
pub(super) struct Locked {
    pub phone: Phone,
    pub calls: i32,
}

pub(super) async fn lock(tx: &mut Tx, id: ContactId) -> Result<Option<Locked>> {
    let row =
        sqlx::query_as("select phone, calls from contacts where id = $1 for update").bind(id).fetch_optional(tx.conn()).await?;
    Ok(row)
}

pub(super) async fn insert(tx: &mut Tx, id: ContactId, contact: &NewContact) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into contacts (id, name, phone, phone_raw, email, company, time_zone, segment, notes, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
    )
    .bind(id)
    .bind(&contact.name)
    .bind(&contact.phone)
    .bind(&contact.phone_raw)
    .bind(&contact.email)
    .bind(&contact.company)
    .bind(&contact.time_zone)
    .bind(&contact.segment)
    .bind(&contact.notes)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn revive(tx: &mut Tx, contact: &NewContact) -> Result<Option<ContactId>> {
    let now = tx.now();
    let id = sqlx::query_scalar(
        "update contacts set status = 'active', name = $1, phone_raw = $3, email = $4, company = $5, time_zone = $6, segment = $7,
             notes = $8, updated_at = $9
         where phone = $2 and status = 'archived' returning id",
    )
    .bind(&contact.name)
    .bind(&contact.phone)
    .bind(&contact.phone_raw)
    .bind(&contact.email)
    .bind(&contact.company)
    .bind(&contact.time_zone)
    .bind(&contact.segment)
    .bind(&contact.notes)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn update(tx: &mut Tx, id: ContactId, contact: &NewContact) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update contacts set name = $2, phone = $3, phone_raw = $4, email = $5, company = $6, time_zone = $7, segment = $8, notes = $9,
             updated_at = $10
         where id = $1",
    )
    .bind(id)
    .bind(&contact.name)
    .bind(&contact.phone)
    .bind(&contact.phone_raw)
    .bind(&contact.email)
    .bind(&contact.company)
    .bind(&contact.time_zone)
    .bind(&contact.segment)
    .bind(&contact.notes)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether it was active until now.
pub(super) async fn archive(tx: &mut Tx, id: ContactId) -> Result<bool> {
    let now = tx.now();
    let done = sqlx::query("update contacts set status = 'archived', updated_at = $2 where id = $1 and status = 'active'")
        .bind(id)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn segments(tx: &mut Tx, limit: i64) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar(
        "select distinct segment from contacts where status = 'active' and segment <> '' order by segment limit $1",
    )
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// The id of whoever has this number, under the lock on the number that the caller holds.
pub(super) async fn find_or_insert_caller(tx: &mut Tx, id: ContactId, name: &str, phone: &Phone) -> Result<ContactId> {
    let now = tx.now();
    sqlx::query(
        "insert into contacts (id, name, phone, phone_raw, created_at, updated_at) values ($1, $2, $3, $3, $4, $4)
         on conflict on constraint contacts_phone_unique do nothing",
    )
    .bind(id)
    .bind(name)
    .bind(phone)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(sqlx::query_scalar("select id from contacts where phone = $1").bind(phone).fetch_one(tx.conn()).await?)
}

/// Locks every call of a contact, and those from their number that never found one; their ids.
pub(super) async fn lock_calls(tx: &mut Tx, id: ContactId, phone: &Phone) -> Result<Vec<CallId>> {
    Ok(sqlx::query_scalar("select id from calls where contact_id = $1 or phone = $2 order by id for update")
        .bind(id)
        .bind(phone)
        .fetch_all(tx.conn())
        .await?)
}

/// What is shorter is no name of anything: it would be found in too much.
const TELLING: usize = 7;

/// Empties or deletes what was kept on the way and may be about a contact: messages of providers, messages to endpoints, rows and
/// samples of files, reports of rehearsals, stored answers, findings of audits. They are found by ids, numbers and the address; what
/// was typed into fields (`words`) only where it is the whole of a field. It reads these tables whole, which is as seldom as people
/// ask for it.
pub(super) async fn sweep(tx: &mut Tx, words: &[String], id: ContactId, calls: &[CallId]) -> Result<()> {
    let theirs: Vec<String> =
        sqlx::query_scalar("select provider_call_id from calls where id = any($1) and provider_call_id is not null")
            .bind(calls)
            .fetch_all(tx.conn())
            .await?;
    let numbers = words.iter().filter(|word| word.starts_with('+') || word.contains('@')).cloned();
    // Forms write the plus sign of a number in another way.
    let bare = words.iter().filter_map(|word| word.strip_prefix('+').map(str::to_owned));
    let ids = calls.iter().map(ToString::to_string).chain([id.to_string()]);
    let named: Vec<String> = ids.chain(theirs).chain(numbers).chain(bare).filter(|word| word.len() >= TELLING).collect();
    for sql in [
        "update inbox i set body = '' where i.handled_at is not null and i.body <> '' and exists (select 1 from unnest($1::text[]) as n (word)
            where position(convert_to(n.word, 'UTF8') in i.body) > 0 or position(n.word in i.url) > 0)",
        "delete from deliveries d where exists (select 1 from unnest($1::text[]) as n (word) where position(n.word in d.body) > 0)",
        "delete from rehearsals r where exists (select 1 from unnest($1::text[]) as n (word) where position(n.word in r.report::text) > 0)",
        "delete from stored_answers a where exists (select 1 from unnest($1::text[]) as n (word) where position(n.word in a.body) > 0)",
        "update audits a set findings = (select coalesce(array_agg(f.line order by f.n), '{}') from unnest(a.findings) with ordinality as f (line, n)
                where not exists (select 1 from unnest($1::text[]) as n (word) where position(n.word in f.line) > 0))
            where exists (select 1 from unnest($1::text[]) as n (word) where position(n.word in a.findings::text) > 0)",
    ] {
        sqlx::query(sql).bind(&named).execute(tx.conn()).await?;
    }
    let typed: Vec<&String> = words.iter().filter(|word| !word.trim().is_empty()).collect();
    for sql in [
        "delete from import_problems where value = any($1)
            or exists (select 1 from jsonb_array_elements_text(cells) as cell where cell = any($1))",
        "delete from import_keys where key = any($1)",
        "update imports i set samples = '[]' where exists (select 1 from jsonb_array_elements(i.samples) as row (cells),
            jsonb_array_elements_text(row.cells) as cell where cell = any($1))",
    ] {
        sqlx::query(sql).bind(&typed).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Those of them whose number nobody had, in the order of numbers, in which everybody inserts several.
pub(super) async fn insert_new(tx: &mut Tx, ids: &[ContactId], people: &[NewContact]) -> Result<Vec<(ContactId, Phone)>> {
    let now = tx.now();
    let texts = |read: fn(&NewContact) -> &String| people.iter().map(|person| read(person).clone()).collect::<Vec<_>>();
    let phones: Vec<_> = people.iter().map(|person| person.phone.clone()).collect();
    let zones: Vec<_> = people.iter().map(|person| person.time_zone.clone()).collect();
    Ok(sqlx::query_as(
        "insert into contacts (id, name, phone, phone_raw, email, company, time_zone, segment, notes, created_at, updated_at)
         select n.*, $10, $10 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[], $9::text[]) as n (id, name, phone, phone_raw, email, company, time_zone, segment, notes)
         order by n.phone, n.id
         on conflict on constraint contacts_phone_unique do nothing returning id, phone",
    )
    .bind(ids)
    .bind(texts(|person| &person.name))
    .bind(phones)
    .bind(texts(|person| &person.phone_raw))
    .bind(texts(|person| &person.email))
    .bind(texts(|person| &person.company))
    .bind(zones)
    .bind(texts(|person| &person.segment))
    .bind(texts(|person| &person.notes))
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Who has these numbers, in the order of `phones`, of which each is somebody's.
pub(super) async fn with_phones(tx: &mut Tx, phones: &[Phone]) -> Result<Vec<ContactId>> {
    Ok(sqlx::query_scalar(
        "select c.id from unnest($1::text[]) with ordinality as n (phone, no) join contacts c on c.phone = n.phone order by n.no",
    )
    .bind(phones)
    .fetch_all(tx.conn())
    .await?)
}
