//! SQL of enrollments, and of the intents that the dialer makes from them.

use crate::campaigns::stats;
use crate::db::Tx;
use crate::dialer::eligible::{HISTORY_DAYS, Past};
use crate::dialer::{Live, Recent};
use crate::error::Result;
use chrono::TimeDelta;
use chrono_tz::Tz;
use model::accounts::Permission;
use model::calls::Outcome;
use model::contacts::{ContactCampaign, ContactStatus};
use model::credits::{Credits, Price};
use model::enrollments::{EnrollmentFilter, EnrollmentRow, EnrollmentStatus, Reason};
use model::id::{AgentId, CallId, CampaignId, ContactId, EnrollmentId, GatewayId, NumberId};
use model::page::Page;
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::{Postgres, QueryBuilder};
use std::collections::{BTreeMap, HashMap};
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

/// The zone each person's day is told in: the stated one, else the first their number may be in.
pub(crate) async fn zones_of(tx: &mut Tx, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Option<Tz>>> {
    let rows: Vec<(EnrollmentId, Option<String>, Phone)> = sqlx::query_as(
        "select e.id, c.time_zone, c.phone from enrollments e join contacts c on c.id = e.contact_id where e.id = any($1)",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    let zone = |stated: Option<String>, phone| crate::zones::candidates(stated.as_deref(), &phone).first().copied();
    Ok(rows.into_iter().map(|(id, stated, phone)| (id, zone(stated, phone))).collect())
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

/// Why somebody is not dialed now, and when they are looked at again.
#[derive(Debug)]
pub(crate) struct Wait {
    pub id: EnrollmentId,
    pub reason: Reason,
    pub detail: String,
    pub until: Timestamp,
}

/// Writes down who waits, and why.
pub(crate) async fn wait_all(tx: &mut Tx, waits: &[Wait]) -> Result<()> {
    if waits.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    sqlx::query(
        "update enrollments e set reason = n.reason, reason_detail = n.detail, next_attempt_at = n.until, updated_at = $5
         from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) as n (id, reason, detail, until)
         where e.id = any($1) and e.id = n.id",
    )
    .bind(waits.iter().map(|w| w.id).collect::<Vec<_>>())
    .bind(waits.iter().map(|w| w.reason).collect::<Vec<_>>())
    .bind(waits.iter().map(|w| w.detail.as_str()).collect::<Vec<_>>())
    .bind(waits.iter().map(|w| w.until).collect::<Vec<_>>())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The state an enrollment comes to.
#[derive(Debug)]
pub(crate) struct Change {
    pub campaign: CampaignId,
    pub id: EnrollmentId,
    pub status: EnrollmentStatus,
    /// When it is due; `None` when it is over.
    pub next: Option<Timestamp>,
    pub why: Option<(Reason, String)>,
}

/// Sets states and keeps the campaigns' counts of finished people right, whatever the states were before.
pub(crate) async fn set_all(tx: &mut Tx, changes: &[Change]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let ids: Vec<_> = changes.iter().map(|c| c.id).collect();
    let before: Vec<(EnrollmentId, EnrollmentStatus)> =
        sqlx::query_as("select id, status from enrollments where id = any($1) order by id for update")
            .bind(&ids)
            .fetch_all(tx.conn())
            .await?;
    sqlx::query(
        "update enrollments e set status = n.status, next_attempt_at = n.next, reason = n.reason, reason_detail = n.detail, updated_at = $6
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[]) as n (id, status, next, reason, detail)
         where e.id = any($1) and e.id = n.id",
    )
    .bind(&ids)
    .bind(changes.iter().map(|c| c.status).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.next).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.why.as_ref().map(|(reason, _)| *reason)).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.why.as_ref().map_or("", |(_, detail)| detail)).collect::<Vec<_>>())
    .bind(now)
    .execute(tx.conn())
    .await?;
    let before: HashMap<_, _> = before.into_iter().collect();
    let mut finished = BTreeMap::<CampaignId, i64>::new();
    for c in changes {
        let was_final = before.get(&c.id).is_some_and(|status| status.is_final());
        *finished.entry(c.campaign).or_default() += i64::from(c.status.is_final()) - i64::from(was_final);
    }
    for (campaign, by) in finished.into_iter().filter(|(_, by)| *by != 0) {
        stats::count_finished(tx, campaign, by).await?;
    }
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
    stats::count_finished(tx, campaign, i64::try_from(done.rows_affected()).unwrap_or(0)).await
}

/// When the next person of a campaign, or of its canary, is due.
pub(crate) async fn next_due(tx: &mut Tx, campaign: CampaignId, is_canary: bool) -> Result<Option<Timestamp>> {
    let among = if is_canary { " and canary" } else { "" };
    let mut sql = QueryBuilder::new("select min(next_attempt_at) from enrollments where status = 'queued' and campaign_id = ");
    sql.push_bind(campaign).push(among);
    Ok(sql.build_query_scalar().fetch_one(tx.conn()).await?)
}

/// Calls about to be committed, and what they have in common.
pub(crate) struct Intents<'a> {
    pub campaign: CampaignId,
    pub agent: AgentId,
    pub agent_version: i32,
    pub settings_version: i32,
    pub gateway: GatewayId,
    pub seconds_max: i32,
    pub worker: Uuid,
    /// When they are looked up if no answer was recorded.
    pub check_at: Timestamp,
    pub calls: Vec<Intent<'a>>,
}

/// A call about to be committed.
pub(crate) struct Intent<'a> {
    pub call: CallId,
    pub enrollment: EnrollmentId,
    pub contact: ContactId,
    pub attempt: i32,
    pub phone: &'a Phone,
    /// Which of our numbers it comes from.
    pub number: NumberId,
    pub from: &'a Phone,
    pub price: Price,
    pub held: Credits,
    /// What allowed it, for whoever asks later: the rule packs with their version, and until when the window is open.
    pub rules: &'a str,
    pub open_until: Option<Timestamp>,
}

/// Inserts calls as `dialing` intents and marks their enrollments as calling.
pub(crate) async fn insert_intents(tx: &mut Tx, i: &Intents<'_>) -> Result<()> {
    if i.calls.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let calls: Vec<_> = i.calls.iter().map(|c| c.call).collect();
    let people: Vec<_> = i.calls.iter().map(|c| c.enrollment).collect();
    let contacts: Vec<_> = i.calls.iter().map(|c| c.contact).collect();
    sqlx::query(
        "insert into calls (id, enrollment_id, contact_id, attempt_no, phone, number_id, from_phone, per_minute, initial_seconds,
                step_seconds, held, rules, open_until, status, campaign_id, agent_id, agent_version, settings_version, gateway_id, call_seconds_max,
                worker_id, check_at, created_at)
         select n.*, 'dialing', $14, $15, $16, $17, $18, $19, $20, $21, $22
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[],
                $10::bigint[], $11::bigint[], $12::text[], $13::timestamptz[]) as n",
    )
    .bind(&calls)
    .bind(&people)
    .bind(&contacts)
    .bind(i.calls.iter().map(|c| c.attempt).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.phone.clone()).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.number).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.from.clone()).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.price.per_minute).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.price.initial_seconds).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.price.step_seconds).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.held.0).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.rules).collect::<Vec<_>>())
    .bind(i.calls.iter().map(|c| c.open_until).collect::<Vec<_>>())
    .bind(i.campaign)
    .bind(i.agent)
    .bind(i.agent_version)
    .bind(i.settings_version)
    .bind(i.gateway)
    .bind(i.seconds_max)
    .bind(i.worker)
    .bind(i.check_at)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "update enrollments e set status = 'calling', attempts = attempts + 1, dials = dials + 1, next_attempt_at = null, reason = null,
                reason_detail = '', last_call_id = n.call, updated_at = $3
         from unnest($1::uuid[], $2::uuid[]) as n (id, call) where e.id = any($1) and e.id = n.id",
    )
    .bind(&people)
    .bind(&calls)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "with called as (select id from contacts where id = any($1) order by id for no key update)
         update contacts c set calls = calls + 1, last_called_at = $2 from called where c.id = any($1) and c.id = called.id",
    )
    .bind(&contacts)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes attempts back that were not the contacts' doing.
pub(crate) async fn uncount_attempts(tx: &mut Tx, ids: &[EnrollmentId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query("update enrollments set attempts = attempts - 1 where id = any($1)").bind(ids).execute(tx.conn()).await?;
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

#[derive(sqlx::FromRow)]
struct OfContact {
    campaign_id: CampaignId,
    name: String,
    status: EnrollmentStatus,
    attempts: i32,
    next_attempt_at: Option<Timestamp>,
    reason: Option<Reason>,
    reason_detail: String,
}

pub(super) async fn of_contact(tx: &mut Tx, contact: ContactId, at_most: i64) -> Result<Vec<ContactCampaign>> {
    let rows: Vec<OfContact> = sqlx::query_as(
        "select e.campaign_id, m.name, e.status, e.attempts, e.next_attempt_at, e.reason, e.reason_detail
         from enrollments e join campaigns m on m.id = e.campaign_id
         where e.contact_id = $1 order by e.created_at desc, e.id desc limit $2",
    )
    .bind(contact)
    .bind(at_most)
    .fetch_all(tx.conn())
    .await?;
    let shown = |r: OfContact| ContactCampaign {
        id: r.campaign_id,
        name: r.name,
        status: r.status,
        attempts: r.attempts,
        next_attempt_at: r.next_attempt_at.map(|at| tx.moment(at)),
        reason: r.reason,
        reason_detail: r.reason_detail,
    };
    Ok(rows.into_iter().map(shown).collect())
}
