//! SQL of rehearsals: everything a campaign would be played with, in one picture of the database, and the reports.

use super::network::Past;
use crate::db::Tx;
use crate::error::Result;
use crate::{campaigns, zones};
use chrono::TimeDelta;
use model::calls::Outcome;
use model::campaigns::Audience;
use model::contacts::ContactStatus;
use model::id::{CampaignId, ContactId, EnrollmentId, GatewayId, RehearsalId};
use model::phone::Phone;
use model::rehearsal::Rehearsal;
use model::time::Timestamp;
use sqlx::QueryBuilder;
use sqlx::types::Json;

/// How far back own calls teach something.
const OWN_DAYS: i64 = 90;
/// Own calls looked at, latest first.
const OWN_CALLS_MAX: i64 = 20_000;
/// Reports kept of one campaign.
const KEPT: i64 = 10;

/// From here on this transaction sees one moment of the database and writes nothing. Its first statement.
pub(super) async fn freeze(tx: &mut Tx) -> Result<()> {
    sqlx::query("set transaction isolation level repeatable read, read only").execute(tx.conn()).await?;
    Ok(())
}

/// A row of the list.
#[derive(sqlx::FromRow)]
pub(super) struct Listed {
    pub contact_id: ContactId,
    pub enrollment_id: Option<EnrollmentId>,
    pub name: String,
    pub phone: Phone,
    pub time_zone: Option<String>,
    pub contact_status: ContactStatus,
    pub suppressed: bool,
    pub calling: bool,
    pub attempts: i32,
    pub next_attempt_at: Option<Timestamp>,
}

/// What is appended to pick one in `one_in`, the same ones every time.
fn sampled(sql: &mut QueryBuilder<sqlx::Postgres>, one_in: i64) {
    if one_in > 1 {
        sql.push(" and hashtextextended(k.id::text, 0) % ").push_bind(one_in).push(" = 0");
    }
    sql.push(" order by k.id");
}

/// People a launch would meet, with those who must not be called.
pub(super) async fn audience(tx: &mut Tx, audience: &Audience, one_in: i64) -> Result<Vec<Listed>> {
    let mut sql = campaigns::repo::everyone_sql(
        "select k.id as contact_id, null::uuid as enrollment_id, k.name, k.phone, k.time_zone, k.status as contact_status, false as calling,
                exists (select 1 from suppressions s where s.phone = k.phone) as suppressed, 0 as attempts, null::timestamptz as next_attempt_at",
        audience,
    );
    sampled(&mut sql, one_in);
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

pub(super) async fn count_audience(tx: &mut Tx, audience: &Audience) -> Result<i64> {
    Ok(campaigns::repo::everyone_sql("select count(*)", audience).build_query_scalar().fetch_one(tx.conn()).await?)
}

/// Whoever of a launched campaign is not finished.
pub(super) async fn enrolled(tx: &mut Tx, campaign: CampaignId, one_in: i64) -> Result<Vec<Listed>> {
    let mut sql = QueryBuilder::new(
        "select k.id as contact_id, e.id as enrollment_id, k.name, k.phone, k.time_zone, k.status as contact_status,
                e.status = 'calling' as calling, exists (select 1 from suppressions s where s.phone = k.phone) as suppressed,
                e.attempts, e.next_attempt_at
         from enrollments e join contacts k on k.id = e.contact_id where e.status in ('queued', 'calling') and e.campaign_id = ",
    );
    sql.push_bind(campaign);
    sampled(&mut sql, one_in);
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

pub(super) async fn count_enrolled(tx: &mut Tx, campaign: CampaignId) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from enrollments where status in ('queued', 'calling') and campaign_id = $1")
        .bind(campaign)
        .fetch_one(tx.conn())
        .await?)
}

/// Attempts that count of people who are not finished.
pub(super) async fn attempts(tx: &mut Tx, campaign: CampaignId) -> Result<Vec<(EnrollmentId, Outcome, i64)>> {
    Ok(sqlx::query_as(
        "select c.enrollment_id, c.outcome, c.talk_seconds from calls c join enrollments e on e.id = c.enrollment_id
         where c.campaign_id = $1 and c.outcome is not null and c.counted and e.status in ('queued', 'calling')",
    )
    .bind(campaign)
    .fetch_all(tx.conn())
    .await?)
}

/// The gateway that was chosen, else the campaign's, else the one a launch would take: calls at once and per second.
pub(super) async fn gateway(tx: &mut Tx, campaign: CampaignId, chosen: Option<GatewayId>) -> Result<Option<(i32, i32)>> {
    Ok(sqlx::query_as(
        "select concurrency_max, calls_per_second from gateways where removed_at is null
         order by coalesce(id = $2, false) desc, coalesce(id = (select gateway_id from campaigns where id = $1), false) desc, created_at limit 1",
    )
    .bind(campaign)
    .bind(chosen)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn made_since(tx: &mut Tx, campaign: CampaignId, since: Timestamp) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from calls where campaign_id = $1 and created_at >= $2")
        .bind(campaign)
        .bind(since)
        .fetch_one(tx.conn())
        .await?)
}

#[derive(sqlx::FromRow)]
struct Ended {
    phone: Phone,
    time_zone: Option<String>,
    created_at: Timestamp,
    answered_at: Option<Timestamp>,
    outcome: Outcome,
    talk_seconds: i64,
    sandbox: bool,
}

/// The company's own latest calls.
pub(super) async fn own_calls(tx: &mut Tx) -> Result<Vec<Past>> {
    let since = tx.now() - TimeDelta::days(OWN_DAYS);
    let rows: Vec<Ended> = sqlx::query_as(
        "select c.phone, k.time_zone, c.created_at, c.answered_at, c.outcome, c.talk_seconds, g.sandbox
         from calls c join contacts k on k.id = c.contact_id join gateways g on g.id = c.gateway_id
         where c.settled_at is not null and c.counted and c.created_at >= $1 order by c.created_at desc limit $2",
    )
    .bind(since)
    .bind(OWN_CALLS_MAX)
    .fetch_all(tx.conn())
    .await?;
    let past = |c: Ended| Past {
        at: c.created_at,
        zone: zones::candidates(c.time_zone.as_deref(), &c.phone).first().copied(),
        outcome: c.outcome,
        talk_seconds: c.talk_seconds,
        // Simulated phones may be sped up: how long they ring teaches nothing.
        ring_seconds: c
            .answered_at
            .filter(|_| !c.sandbox)
            .map(|at| (at - c.created_at).num_seconds())
            .filter(|s| (1..=60).contains(s)),
    };
    Ok(rows.into_iter().map(past).collect())
}

/// Stores a report and lets the oldest go.
pub(super) async fn insert(tx: &mut Tx, id: RehearsalId, campaign: CampaignId, report: &Rehearsal) -> Result<()> {
    let now = tx.now();
    sqlx::query("insert into rehearsals (id, campaign_id, report, made_at) values ($1, $2, $3, $4)")
        .bind(id)
        .bind(campaign)
        .bind(Json(report))
        .bind(now)
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "delete from rehearsals where campaign_id = $1 and id not in
            (select id from rehearsals where campaign_id = $1 order by made_at desc, id desc limit $2)",
    )
    .bind(campaign)
    .bind(KEPT)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn latest(tx: &mut Tx, campaign: CampaignId) -> Result<Option<Rehearsal>> {
    let found: Option<Json<Rehearsal>> =
        sqlx::query_scalar("select report from rehearsals where campaign_id = $1 order by made_at desc, id desc limit 1")
            .bind(campaign)
            .fetch_optional(tx.conn())
            .await?;
    Ok(found.map(|report| report.0))
}
