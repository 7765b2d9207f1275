//! The SQL of endpoints and their log, inside one company.

use super::CHANNEL;
use crate::db::Tx;
use crate::error::Result;
use model::id::{CampaignId, DeliveryId, EndpointId};
use model::time::Timestamp;
use model::webhooks::{DeliveryFilter, DeliveryStatus, EndpointForm, WebhookEvent};
use sqlx::{Postgres, QueryBuilder};

/// Messages of an endpoint that are counted for its success.
const COUNTED: i64 = 1_000;
/// Attempts shown of a message: its schedule has ten, and it can be replayed.
const ATTEMPTS_MAX: i64 = 100;
/// Campaigns to choose from.
const CAMPAIGNS_MAX: i64 = 200;
/// Messages of a filter that are counted for its pages.
const TOTAL_MAX: i64 = 10_000;

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: EndpointId,
    pub url: String,
    pub description: String,
    pub events: Vec<WebhookEvent>,
    pub campaign_id: Option<CampaignId>,
    pub campaign_name: Option<String>,
    pub full_numbers: bool,
    pub created_at: Timestamp,
    pub old_until: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub disabled_why: String,
    pub delivered: i64,
    pub failed: i64,
    pub waiting: i64,
}

/// All of them, or one.
pub(super) async fn list(tx: &mut Tx, id: Option<EndpointId>) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as(
        "select e.id, e.url, e.description, e.events, e.campaign_id, c.name as campaign_name, e.full_numbers, e.created_at, e.old_until,
                e.failing_since, e.disabled_at, e.disabled_why, n.delivered, n.failed, n.waiting
         from endpoints e left join campaigns c on c.id = e.campaign_id
         cross join lateral (
            select count(*) filter (where status = 'delivered') as delivered, count(*) filter (where status = 'failed') as failed,
                count(*) filter (where status = 'waiting') as waiting
            from (select status from deliveries where endpoint_id = e.id order by created_at desc, id desc limit $2) d) n
         where e.removed_at is null and ($1::uuid is null or e.id = $1) order by e.created_at, e.id",
    )
    .bind(id)
    .bind(COUNTED)
    .fetch_all(tx.conn())
    .await?)
}

/// Locks the company, weaker than foreign keys wait for, and counts its endpoints.
pub(super) async fn lock_and_count(tx: &mut Tx) -> Result<i64> {
    sqlx::query("select 1 from companies where id = app.company() for no key update").execute(tx.conn()).await?;
    Ok(sqlx::query_scalar("select count(*) from endpoints where removed_at is null").fetch_one(tx.conn()).await?)
}

/// Campaigns to choose from, the newest first.
pub(super) async fn campaigns(tx: &mut Tx) -> Result<Vec<(CampaignId, String)>> {
    Ok(sqlx::query_as("select id, name from campaigns order by created_at desc, id desc limit $1")
        .bind(CAMPAIGNS_MAX)
        .fetch_all(tx.conn())
        .await?)
}

pub(super) async fn has_campaign(tx: &mut Tx, id: CampaignId) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from campaigns where id = $1)").bind(id).fetch_one(tx.conn()).await?)
}

pub(super) async fn insert(tx: &mut Tx, id: EndpointId, form: &EndpointForm, sealed: &[u8]) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into endpoints (id, url, description, events, campaign_id, full_numbers, secret_sealed, created_at, disabled_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, case when $9 then null else $8 end)",
    )
    .bind(id)
    .bind(form.url.trim())
    .bind(form.description.trim())
    .bind(&form.events)
    .bind(form.campaign())
    .bind(form.full_numbers)
    .bind(sealed)
    .bind(now)
    .bind(form.enabled)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// `false` when it is not there.
pub(super) async fn update(tx: &mut Tx, id: EndpointId, form: &EndpointForm) -> Result<bool> {
    let now = tx.now();
    let done = sqlx::query(
        "update endpoints set url = $2, description = $3, events = $4, campaign_id = $5, full_numbers = $6,
                failing_since = case when $8 and disabled_at is not null then null else failing_since end,
                disabled_at = case when $8 then null else coalesce(disabled_at, $7) end,
                disabled_why = case when $8 then '' else disabled_why end
         where id = $1 and removed_at is null",
    )
    .bind(id)
    .bind(form.url.trim())
    .bind(form.description.trim())
    .bind(&form.events)
    .bind(form.campaign())
    .bind(form.full_numbers)
    .bind(now)
    .bind(form.enabled)
    .execute(tx.conn())
    .await?;
    if form.enabled {
        ring(tx).await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Its address, if it is there.
pub(super) async fn rotate(tx: &mut Tx, id: EndpointId, sealed: &[u8], until: Timestamp) -> Result<Option<String>> {
    Ok(sqlx::query_scalar(
        "update endpoints set old_secret_sealed = secret_sealed, old_until = $3, secret_sealed = $2
         where id = $1 and removed_at is null returning url",
    )
    .bind(id)
    .bind(sealed)
    .bind(until)
    .fetch_optional(tx.conn())
    .await?)
}

/// Its address, if it was there.
pub(super) async fn remove(tx: &mut Tx, id: EndpointId) -> Result<Option<String>> {
    let now = tx.now();
    Ok(sqlx::query_scalar(
        "update endpoints set removed_at = $2, disabled_at = coalesce(disabled_at, $2), secret_sealed = null,
                old_secret_sealed = null, old_until = null
         where id = $1 and removed_at is null returning url",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Its address, if it was on.
pub(super) async fn disable(tx: &mut Tx, id: EndpointId, why: &str) -> Result<Option<String>> {
    let now = tx.now();
    Ok(sqlx::query_scalar(
        "update endpoints set disabled_at = $2, disabled_why = $3 where id = $1 and disabled_at is null returning url",
    )
    .bind(id)
    .bind(now)
    .bind(why)
    .fetch_optional(tx.conn())
    .await?)
}

#[derive(sqlx::FromRow)]
pub(super) struct Sent {
    pub id: DeliveryId,
    pub endpoint_id: EndpointId,
    pub url: String,
    pub event: WebhookEvent,
    pub status: DeliveryStatus,
    pub attempts: i32,
    pub created_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub last: String,
}

const SENT: &str = "select d.id, d.endpoint_id, e.url, d.event, d.status, d.attempts, d.created_at, d.due_at, d.last";
const OF: &str = " from deliveries d join endpoints e on e.id = d.endpoint_id where true";

pub(super) async fn deliveries(tx: &mut Tx, filter: &DeliveryFilter) -> Result<Vec<Sent>> {
    let mut sql = QueryBuilder::new(SENT);
    sql.push(OF);
    matching(&mut sql, filter);
    sql.push(" order by d.created_at desc, d.id desc limit ").push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

pub(super) async fn count(tx: &mut Tx, filter: &DeliveryFilter) -> Result<i64> {
    let mut sql = QueryBuilder::new("select count(*) from (select 1");
    sql.push(OF);
    matching(&mut sql, filter);
    sql.push(" limit ").push_bind(TOTAL_MAX);
    sql.push(") counted");
    Ok(sql.build_query_scalar().fetch_one(tx.conn()).await?)
}

fn matching(sql: &mut QueryBuilder<Postgres>, filter: &DeliveryFilter) {
    if let Some(endpoint) = filter.endpoint {
        sql.push(" and d.endpoint_id = ").push_bind(endpoint);
    }
    if let Some(status) = filter.status {
        sql.push(" and d.status = ").push_bind(status);
    }
    if let Some(event) = filter.event {
        sql.push(" and d.event = ").push_bind(event);
    }
}

pub(super) async fn delivery(tx: &mut Tx, id: DeliveryId) -> Result<Option<(Sent, String)>> {
    let mut sql = QueryBuilder::new(SENT);
    sql.push(", d.body").push(OF).push(" and d.id = ").push_bind(id);
    let Some(row) = sql.build().fetch_optional(tx.conn()).await? else { return Ok(None) };
    let body = sqlx::Row::try_get(&row, "body")?;
    Ok(Some((sqlx::FromRow::from_row(&row)?, body)))
}

#[derive(sqlx::FromRow)]
pub(super) struct Attempt {
    pub at: Timestamp,
    pub milliseconds: i32,
    pub status: Option<i32>,
    pub answer: String,
    pub error: String,
}

pub(super) async fn attempts(tx: &mut Tx, id: DeliveryId) -> Result<Vec<Attempt>> {
    Ok(sqlx::query_as(
        "select at, milliseconds, status, answer, error from delivery_attempts where delivery_id = $1 order by no desc limit $2",
    )
    .bind(id)
    .bind(ATTEMPTS_MAX)
    .fetch_all(tx.conn())
    .await?)
}

/// A test, which nothing has to tell about.
pub(super) async fn insert_one(tx: &mut Tx, id: DeliveryId, endpoint: EndpointId, body: &str) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into deliveries (id, endpoint_id, event, body, created_at, status, due_at) values ($1, $2, $3, $4, $5, 'waiting', $5)",
    )
    .bind(id)
    .bind(endpoint)
    .bind(WebhookEvent::Test)
    .bind(body)
    .bind(now)
    .execute(tx.conn())
    .await?;
    ring(tx).await
}

pub(super) async fn replay(tx: &mut Tx, id: DeliveryId) -> Result<()> {
    let now = tx.now();
    sqlx::query("update deliveries set status = 'waiting', step = 0, due_at = $2 where id = $1")
        .bind(id)
        .bind(now)
        .execute(tx.conn())
        .await?;
    ring(tx).await
}

pub(super) async fn replay_failed(tx: &mut Tx, endpoint: EndpointId, since: Timestamp, limit: i64) -> Result<u64> {
    let now = tx.now();
    let done = sqlx::query(
        "update deliveries set status = 'waiting', step = 0, due_at = $3 where id in (
            select id from deliveries where endpoint_id = $1 and created_at >= $2 and status <> 'delivered' and step > 0
            order by created_at, id limit $4)",
    )
    .bind(endpoint)
    .bind(since)
    .bind(now)
    .bind(limit)
    .execute(tx.conn())
    .await?;
    ring(tx).await?;
    Ok(done.rows_affected())
}

/// Wakes whoever sends, when this transaction commits.
async fn ring(tx: &mut Tx) -> Result<()> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(tx.conn()).await?;
    Ok(())
}
