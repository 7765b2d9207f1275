//! SQL of enrollments, and of the intents that the dialer makes from them.

use crate::db::Tx;
use crate::dialer::eligible::{HISTORY_DAYS, Past};
use crate::dialer::{Live, Recent};
use crate::error::Result;
use chrono::TimeDelta;
use chrono_tz::Tz;
use model::accounts::Permission;
use model::calls::Outcome;
use model::contacts::ContactStatus;
use model::credits::{Credits, Price};
use model::enrollments::{EnrollmentFilter, EnrollmentRow, EnrollmentStatus, Reason};
use model::id::{AgentId, CallId, CampaignId, ContactId, EnrollmentId, GatewayId, NumberId};
use model::page::Page;
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::{Postgres, QueryBuilder};
use std::collections::HashMap;
use uuid::Uuid;

/// Numbers among `phones` that are on a call.
pub(crate) async fn live_phones(tx: &mut Tx, phones: &[Phone]) -> Result<Live> {
    let rows: Vec<Phone> = sqlx::query_scalar("select phone from calls where status <> 'ended' and phone = any($1)")
        .bind(phones)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().collect())
}

/// When each contact was called by us in the last days, in any campaign; refusals that rang nobody do not count.
pub(crate) async fn recent_calls(tx: &mut Tx, contacts: &[ContactId]) -> Result<Recent> {
    let since = tx.now() - TimeDelta::days(HISTORY_DAYS);
    let rows: Vec<(ContactId, Timestamp, Option<Outcome>)> = sqlx::query_as(
        "select contact_id, created_at, outcome from calls
         where contact_id = any($1) and created_at >= $2 and counted and enrollment_id is not null",
    )
    .bind(contacts)
    .bind(since)
    .fetch_all(tx.conn())
    .await?;
    let mut recent = Recent::new();
    for (contact, at, outcome) in rows {
        recent.entry(contact).or_default().push(Past { at, answered: outcome == Some(Outcome::Completed) });
    }
    Ok(recent)
}

/// How often each contact was ever called by us; refusals that rang nobody do not count.
pub(crate) async fn calls_ever(tx: &mut Tx, contacts: &[ContactId]) -> Result<HashMap<ContactId, i64>> {
    let rows: Vec<(ContactId, i64)> = sqlx::query_as(
        "select contact_id, count(*) from calls where contact_id = any($1) and counted and enrollment_id is not null group by contact_id",
    )
    .bind(contacts)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

/// The zone a person's day is told in: the stated one, else the first their number may be in.
pub(crate) async fn zone_of(tx: &mut Tx, id: EnrollmentId) -> Result<Option<Tz>> {
    let (stated, phone): (Option<String>, Phone) =
        sqlx::query_as("select c.time_zone, c.phone from enrollments e join contacts c on c.id = e.contact_id where e.id = $1")
            .bind(id)
            .fetch_one(tx.conn())
            .await?;
    Ok(crate::zones::candidates(stated.as_deref(), &phone).first().copied())
}

/// An enrollment with its contact, for the list of checks.
#[derive(sqlx::FromRow)]
pub(super) struct Explained {
    pub campaign_id: CampaignId,
    pub contact_id: ContactId,
    pub status: EnrollmentStatus,
    pub attempts: i32,
    pub next_attempt_at: Option<Timestamp>,
    pub name: String,
    pub phone: Phone,
    pub time_zone: Option<String>,
    pub contact_status: ContactStatus,
}

pub(super) async fn explained(tx: &mut Tx, id: EnrollmentId) -> Result<Option<Explained>> {
    Ok(sqlx::query_as(
        "select e.campaign_id, e.contact_id, e.status, e.attempts, e.next_attempt_at, c.name, c.phone, c.time_zone,
                c.status as contact_status
         from enrollments e join contacts c on c.id = e.contact_id where e.id = $1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// Writes down why an enrollment is not dialed now and when it is looked at again.
pub(crate) async fn wait(tx: &mut Tx, id: EnrollmentId, reason: Reason, detail: &str, until: Timestamp) -> Result<()> {
    let now = tx.now();
    sqlx::query("update enrollments set reason = $2, reason_detail = $3, next_attempt_at = $4, updated_at = $5 where id = $1")
        .bind(id)
        .bind(reason)
        .bind(detail)
        .bind(until)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Sets the state and keeps the campaign's count of finished people right, whatever the state was before.
pub(crate) async fn set(
    tx: &mut Tx,
    campaign: CampaignId,
    id: EnrollmentId,
    status: EnrollmentStatus,
    next: Option<Timestamp>,
    why: Option<(Reason, String)>,
) -> Result<()> {
    let now = tx.now();
    let before: EnrollmentStatus =
        sqlx::query_scalar("select status from enrollments where id = $1 for update").bind(id).fetch_one(tx.conn()).await?;
    let (reason, detail) = why.map_or((None, String::new()), |(r, d)| (Some(r), d));
    sqlx::query(
        "update enrollments set status = $2, next_attempt_at = $3, reason = $4, reason_detail = $5, updated_at = $6 where id = $1",
    )
    .bind(id)
    .bind(status)
    .bind(next)
    .bind(reason)
    .bind(detail)
    .bind(now)
    .execute(tx.conn())
    .await?;
    let by = i64::from(status.is_final()) - i64::from(before.is_final());
    if by != 0 {
        count_finished(tx, campaign, by).await?;
    }
    Ok(())
}

async fn count_finished(tx: &mut Tx, campaign: CampaignId, by: i64) -> Result<()> {
    sqlx::query("update campaign_stats set finished = finished + $2 where campaign_id = $1")
        .bind(campaign)
        .bind(by)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends everyone who still waits in a campaign.
pub(crate) async fn close_queued(tx: &mut Tx, campaign: CampaignId, status: EnrollmentStatus) -> Result<()> {
    let now = tx.now();
    let done = sqlx::query(
        "update enrollments set status = $2, next_attempt_at = null, reason = 'campaign_over', reason_detail = '', updated_at = $3
         where campaign_id = $1 and status = 'queued'",
    )
    .bind(campaign)
    .bind(status)
    .bind(now)
    .execute(tx.conn())
    .await?;
    count_finished(tx, campaign, i64::try_from(done.rows_affected()).unwrap_or(0)).await
}

/// When the next person of a campaign, or of its canary, is due.
pub(crate) async fn next_due(tx: &mut Tx, campaign: CampaignId, is_canary: bool) -> Result<Option<Timestamp>> {
    let among = if is_canary { " and canary" } else { "" };
    let mut sql = QueryBuilder::new("select min(next_attempt_at) from enrollments where status = 'queued' and campaign_id = ");
    sql.push_bind(campaign).push(among);
    Ok(sql.build_query_scalar().fetch_one(tx.conn()).await?)
}

/// A call about to be committed.
pub(crate) struct Intent<'a> {
    pub call: CallId,
    pub enrollment: EnrollmentId,
    pub campaign: CampaignId,
    pub contact: ContactId,
    pub agent: AgentId,
    pub agent_version: i32,
    pub settings_version: i32,
    pub gateway: GatewayId,
    pub attempt: i32,
    pub phone: &'a Phone,
    /// Which of our numbers it comes from.
    pub number: NumberId,
    pub from: &'a Phone,
    pub price: Price,
    pub seconds_max: i32,
    pub held: Credits,
    pub worker: Uuid,
    /// When it is looked up if no answer was recorded.
    pub check_at: Timestamp,
}

/// Inserts the call as a `dialing` intent and marks its enrollment as calling.
pub(crate) async fn insert_intent(tx: &mut Tx, i: &Intent<'_>) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into calls (id, enrollment_id, campaign_id, contact_id, agent_id, agent_version, settings_version, gateway_id, attempt_no,
                phone, from_phone, status, per_minute, initial_seconds, step_seconds, call_seconds_max, held, worker_id, check_at, created_at,
                number_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'dialing', $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(i.call)
    .bind(i.enrollment)
    .bind(i.campaign)
    .bind(i.contact)
    .bind(i.agent)
    .bind(i.agent_version)
    .bind(i.settings_version)
    .bind(i.gateway)
    .bind(i.attempt)
    .bind(i.phone)
    .bind(i.from)
    .bind(i.price.per_minute)
    .bind(i.price.initial_seconds)
    .bind(i.price.step_seconds)
    .bind(i.seconds_max)
    .bind(i.held)
    .bind(i.worker)
    .bind(i.check_at)
    .bind(now)
    .bind(i.number)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "update enrollments set status = 'calling', attempts = attempts + 1, dials = dials + 1, next_attempt_at = null, reason = null,
                reason_detail = '', last_call_id = $2, updated_at = $3 where id = $1",
    )
    .bind(i.enrollment)
    .bind(i.call)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query("update contacts set calls = calls + 1, last_called_at = $2 where id = $1")
        .bind(i.contact)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes an attempt back that was not the contact's doing.
pub(crate) async fn uncount_attempt(tx: &mut Tx, id: EnrollmentId) -> Result<()> {
    sqlx::query("update enrollments set attempts = attempts - 1 where id = $1").bind(id).execute(tx.conn()).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Listed {
    id: EnrollmentId,
    contact_id: ContactId,
    name: String,
    phone: Phone,
    status: EnrollmentStatus,
    attempts: i32,
    next_attempt_at: Option<Timestamp>,
    reason: Option<Reason>,
    reason_detail: String,
    last_call_id: Option<CallId>,
    updated_at: Timestamp,
}

pub(super) async fn list(tx: &mut Tx, filter: &EnrollmentFilter) -> Result<Page<EnrollmentRow>> {
    let matching = |sql: &mut QueryBuilder<Postgres>| {
        sql.push(" where e.campaign_id = ").push_bind(filter.campaign);
        if let Some(status) = filter.status {
            sql.push(" and e.status = ").push_bind(status);
        }
    };
    let mut count = QueryBuilder::new("select count(*) from enrollments e");
    matching(&mut count);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let mut sql = QueryBuilder::new(
        "select e.id, e.contact_id, c.name, c.phone, e.status, e.attempts, e.next_attempt_at, e.reason, e.reason_detail, e.last_call_id,
                e.updated_at
         from enrollments e join contacts c on c.id = e.contact_id",
    );
    matching(&mut sql);
    sql.push(" order by e.id limit ").push_bind(filter.paging.limit()).push(" offset ").push_bind(filter.paging.offset());
    let rows: Vec<Listed> = sql.build_query_as().fetch_all(tx.conn()).await?;
    let full = tx.actor().may(Permission::ViewPhones);
    let items = rows
        .into_iter()
        .map(|r| EnrollmentRow {
            id: r.id,
            contact: r.contact_id,
            name: r.name,
            phone: if full { r.phone.to_string() } else { r.phone.masked() },
            status: r.status,
            attempts: r.attempts,
            next_attempt_at: r.next_attempt_at.map(|at| tx.moment(at)),
            reason: r.reason,
            reason_detail: r.reason_detail,
            last_call: r.last_call_id,
            updated_at: tx.moment(r.updated_at),
        })
        .collect();
    Ok(Page::new(items, total, filter.paging))
}
