//! The SQL of leads.

use crate::db::Tx;
use crate::error::Result;
use crate::phones::prefix_end;
use chrono::NaiveDate;
use model::id::{CallId, ContactId, LeadId, UserId};
use model::leads::{COLUMN_MAX, LeadFilter, LeadStatus};
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};
use std::collections::HashMap;

/// A lead with the person it is about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Stored {
    pub id: LeadId,
    pub contact_id: ContactId,
    pub name: String,
    pub phone: Phone,
    /// Of somebody in a campaign that whoever asks can see.
    pub theirs: bool,
    pub status: LeadStatus,
    pub intent: i16,
    pub urgency: i16,
    pub budget: i16,
    pub fit: i16,
    pub engagement: i16,
    pub reasons: Json<Vec<String>>,
    pub owner_id: Option<UserId>,
    pub owner_name: String,
    pub next_action: String,
    pub follow_up_on: Option<NaiveDate>,
    pub notes: String,
    pub source_call_id: Option<CallId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub archived: bool,
}

const COLUMNS: &str =
    "select l.id, l.contact_id, c.name, c.phone, l.status, l.intent, l.urgency, l.budget, l.fit, l.engagement, l.reasons, l.owner_id,
    l.owner_name, l.next_action, l.follow_up_on, l.notes, l.source_call_id, l.created_at, l.updated_at,
    l.archived_at is not null as archived, exists (select 1 from enrollments e where e.contact_id = c.id) as theirs
    from leads l join contacts c on c.id = l.contact_id";

/// What a filter needs to be told by whoever knows the day and the company.
pub(super) struct Search {
    /// The numbers that the search may be the start of; without them it is the start of a name.
    pub starts: Vec<String>,
    /// The last day to follow up.
    pub due_by: Option<NaiveDate>,
}

pub(super) async fn list(tx: &mut Tx, filter: &LeadFilter, search: &Search) -> Result<(Vec<Stored>, i64)> {
    rows(tx, filter, search, filter.status, filter.paging.limit(), filter.paging.offset()).await
}

pub(super) async fn column(tx: &mut Tx, filter: &LeadFilter, search: &Search, status: LeadStatus) -> Result<(Vec<Stored>, i64)> {
    rows(tx, filter, search, Some(status), COLUMN_MAX, 0).await
}

async fn rows(
    tx: &mut Tx,
    filter: &LeadFilter,
    search: &Search,
    status: Option<LeadStatus>,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Stored>, i64)> {
    let mut count = QueryBuilder::new("select count(*) from leads l");
    matching(&mut count, filter, search, status);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let mut sql = QueryBuilder::new(COLUMNS);
    matching(&mut sql, filter, search, status);
    sql.push(" order by l.score desc, l.id desc limit ").push_bind(limit).push(" offset ").push_bind(offset);
    Ok((sql.build_query_as().fetch_all(tx.conn()).await?, total))
}

fn matching(sql: &mut QueryBuilder<Postgres>, filter: &LeadFilter, search: &Search, status: Option<LeadStatus>) {
    sql.push(" where l.archived_at is null");
    let name = filter.search.trim().to_lowercase();
    if !search.starts.is_empty() {
        sql.push(" and l.contact_id in (select p.id from contacts p where false");
        for start in &search.starts {
            sql.push(" or (p.phone ~>=~ ").push_bind(start.clone());
            sql.push(" and p.phone ~<~ ").push_bind(prefix_end(start)).push(")");
        }
        sql.push(")");
    } else if !name.is_empty() {
        sql.push(" and l.contact_id in (select p.id from contacts p where p.name_lower ~>=~ ").push_bind(name.clone());
        sql.push(" and p.name_lower ~<~ ").push_bind(prefix_end(&name)).push(")");
    }
    if let Some(status) = status {
        sql.push(" and l.status = ").push_bind(status);
    }
    if let Some(owner) = filter.owner {
        sql.push(" and l.owner_id = ").push_bind(owner);
    }
    let (min, max) = filter.scores();
    if let Some(min) = min {
        sql.push(" and l.score >= ").push_bind(min);
    }
    if let Some(max) = max {
        sql.push(" and l.score <= ").push_bind(max);
    }
    if let Some(day) = search.due_by {
        sql.push(" and l.status in ('new', 'contacted', 'qualified') and l.follow_up_on <= ").push_bind(day);
    }
}

/// How Postgres would look for them, for the test that a list uses an index below row security.
#[cfg(test)]
pub(super) async fn explain(tx: &mut Tx, filter: &LeadFilter) -> Result<String> {
    let mut sql = QueryBuilder::new("explain (costs off) select l.id from leads l");
    matching(&mut sql, filter, &Search { starts: Vec::new(), due_by: None }, filter.status);
    sql.push(" order by l.score desc, l.id desc limit 25");
    let lines: Vec<String> = sql.build_query_scalar().fetch_all(tx.conn()).await?;
    Ok(lines.join("\n"))
}

pub(super) async fn find(tx: &mut Tx, id: LeadId) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where l.id = ").push_bind(id);
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

pub(super) async fn lock(tx: &mut Tx, id: LeadId) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where l.id = ").push_bind(id).push(" for update of l");
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

pub(super) async fn living(tx: &mut Tx, contact: ContactId) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where l.archived_at is null and l.contact_id = ").push_bind(contact);
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

/// The call, unless it belongs to a campaign that somebody else handles.
pub(super) async fn seen_call(tx: &mut Tx, call: CallId) -> Result<Option<CallId>> {
    Ok(sqlx::query_scalar("select id from calls where id = $1").bind(call).fetch_optional(tx.conn()).await?)
}

/// The living leads of these contacts, locked, in the order of `contacts`. Who has none gets a new one with the id beside theirs.
pub(super) async fn meet(tx: &mut Tx, ids: &[LeadId], contacts: &[ContactId]) -> Result<Vec<Stored>> {
    let now = tx.now();
    sqlx::query(
        "insert into leads (id, contact_id, status, created_at, updated_at)
         select n.id, n.contact_id, 'new', $3, $3 from unnest($1::uuid[], $2::uuid[]) as n (id, contact_id) order by n.contact_id
         on conflict (company_id, contact_id) where archived_at is null do nothing",
    )
    .bind(ids)
    .bind(contacts)
    .bind(now)
    .execute(tx.conn())
    .await?;
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where l.archived_at is null and l.contact_id = any(").push_bind(contacts);
    sql.push(") order by l.contact_id for update of l");
    let leads: Vec<Stored> = sql.build_query_as().fetch_all(tx.conn()).await?;
    let mut leads: HashMap<_, _> = leads.into_iter().map(|lead| (lead.contact_id, lead)).collect();
    Ok(contacts.iter().filter_map(|contact| leads.remove(contact)).collect())
}

/// Writes leads that are locked.
pub(super) async fn save(tx: &mut Tx, leads: &[Stored]) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update leads l set status = n.status, intent = n.intent, urgency = n.urgency, budget = n.budget, fit = n.fit,
             engagement = n.engagement, reasons = n.reasons, owner_id = n.owner_id, owner_name = n.owner_name,
             next_action = n.next_action, follow_up_on = n.follow_up_on, notes = n.notes, source_call_id = n.source_call_id,
             updated_at = $15
         from unnest($1::uuid[], $2::text[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
             $8::jsonb[], $9::uuid[], $10::text[], $11::text[], $12::date[], $13::text[], $14::uuid[])
             as n (id, status, intent, urgency, budget, fit, engagement, reasons, owner_id, owner_name, next_action, follow_up_on,
                   notes, source_call_id)
         where l.id = n.id",
    )
    .bind(leads.iter().map(|lead| lead.id).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.status).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.intent).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.urgency).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.budget).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.fit).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.engagement).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.reasons.clone()).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.owner_id).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.owner_name.clone()).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.next_action.clone()).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.follow_up_on).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.notes.clone()).collect::<Vec<_>>())
    .bind(leads.iter().map(|lead| lead.source_call_id).collect::<Vec<_>>())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether it was in the lists until now.
pub(super) async fn archive(tx: &mut Tx, id: LeadId) -> Result<bool> {
    let now = tx.now();
    let done = sqlx::query("update leads set archived_at = $2, updated_at = $2 where id = $1 and archived_at is null")
        .bind(id)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}
