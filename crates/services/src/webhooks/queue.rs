//! The SQL of messages on their way. It goes from endpoint to endpoint, whosever they are, so it runs as `system` and names the company.

use super::CHANNEL;
use super::told::{Show, Told};
use crate::db::SystemTx;
use crate::error::Result;
use crate::events::LIVE_CHANNEL;
use model::id::{CompanyId, DeliveryId, EndpointId};
use model::time::Timestamp;
use model::webhooks::DeliveryStatus;
use sqlx::PgConnection;

/// Writes messages to whoever wants to hear of it, and rings screens and the worker, in one statement. The id of a message is of
/// the moment of what it tells, and the same however often it is reckoned: a hash of that and of the endpoint.
pub(crate) async fn send(conn: &mut PgConnection, notices: &[String], told: &[Told], now: Timestamp) -> Result<()> {
    let bodies = |show| told.iter().map(|t| t.body(now, show)).collect::<Vec<_>>();
    sqlx::query(
        "with made as (
            insert into deliveries (id, endpoint_id, event, body, created_at, status, due_at)
            select overlay(md5(n.id::text || e.id::text) placing replace(left(n.id::text, 15), '-', '') from 1)::uuid, e.id, n.event,
                case when o.hipaa then n.bare when e.full_numbers then n.whole else n.masked end, $8, 'waiting', $8
            from unnest($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $10::text[]) as n (id, event, campaign, whole, masked, bare)
            cross join (select hipaa from companies where id = app.company()) o
            join endpoints e on n.event = any(e.events) and (e.campaign_id is null or e.campaign_id = n.campaign)
            where e.company_id = app.company() and e.disabled_at is null returning 1)
         select pg_notify(channel, notice) from (select $1::text as channel, unnest($2::text[]) as notice
            union all select $9, '' where exists (select 1 from made)) as bells",
    )
    .bind(LIVE_CHANNEL)
    .bind(notices)
    .bind(told.iter().map(|t| t.id).collect::<Vec<_>>())
    .bind(told.iter().map(|t| t.event).collect::<Vec<_>>())
    .bind(told.iter().map(|t| t.campaign).collect::<Vec<_>>())
    .bind(bodies(Show::Numbers))
    .bind(bodies(Show::Ends))
    .bind(now)
    .bind(CHANNEL)
    .bind(bodies(Show::Nobody))
    .execute(conn)
    .await?;
    Ok(())
}

/// A message that was taken, with what sending it takes.
#[derive(sqlx::FromRow, Debug)]
pub(super) struct Claimed {
    pub company_id: CompanyId,
    pub id: DeliveryId,
    pub endpoint_id: EndpointId,
    pub body: String,
    pub attempts: i32,
    pub step: i32,
    pub url: String,
    pub secret_sealed: Vec<u8>,
    pub old_secret_sealed: Option<Vec<u8>>,
    pub old_until: Option<Timestamp>,
    /// Its endpoint failed the last time.
    pub failing: bool,
}

/// How much an endpoint may have on its way, besides what it has.
pub(super) struct Room {
    pub endpoint: EndpointId,
    pub free: i32,
}

/// How much an endpoint of which nothing is known here may have on its way: one that answers, and one that does not.
pub(super) struct Rooms<'a> {
    pub known: &'a [Room],
    pub well: i32,
    pub failing: i32,
    pub all: i64,
}

/// Takes due messages, the oldest first and of each endpoint as many as it has room for; those of endpoints that fail come last.
/// They are due again at `until`, in case nobody says what became of them.
pub(super) async fn claim(conn: &mut PgConnection, rooms: &Rooms<'_>, now: Timestamp, until: Timestamp) -> Result<Vec<Claimed>> {
    Ok(sqlx::query_as(
        // From one endpoint with waiting messages to the next, without reading what each has.
        "with recursive waiting as (
            (select d.endpoint_id from deliveries d where d.due_at is not null order by d.endpoint_id limit 1)
            union all
            select (select d.endpoint_id from deliveries d where d.due_at is not null and d.endpoint_id > w.endpoint_id
                order by d.endpoint_id limit 1) from waiting w where w.endpoint_id is not null),
         mine as (
            select d.company_id, d.id from waiting w join endpoints e on e.id = w.endpoint_id and e.disabled_at is null
            left join unnest($1::uuid[], $2::int[]) as r (endpoint, free) on r.endpoint = e.id
            cross join lateral (
                select d.company_id, d.id, d.due_at from deliveries d where d.endpoint_id = e.id and d.due_at <= $3
                order by d.due_at, d.id limit coalesce(r.free, case when e.failing_since is null then $4 else $5 end)
                for update skip locked) d
            order by e.failing_since is not null, d.due_at limit $6)
         update deliveries d set due_at = $7, attempts = d.attempts + 1
         from mine m, endpoints e
         where d.company_id = m.company_id and d.id = m.id and e.company_id = d.company_id and e.id = d.endpoint_id
         returning d.company_id, d.id, d.endpoint_id, d.body, d.attempts, d.step, e.url, e.secret_sealed, e.old_secret_sealed,
            e.old_until, e.failing_since is not null as failing",
    )
    .bind(rooms.known.iter().map(|r| r.endpoint).collect::<Vec<_>>())
    .bind(rooms.known.iter().map(|r| r.free).collect::<Vec<_>>())
    .bind(now)
    .bind(rooms.well)
    .bind(rooms.failing)
    .bind(rooms.all)
    .bind(until)
    .fetch_all(conn)
    .await?)
}

/// What became of a message that was sent.
#[derive(Debug)]
pub(super) struct Note {
    pub company: CompanyId,
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    /// Which of its attempts this was.
    pub no: i32,
    pub at: Timestamp,
    pub milliseconds: i32,
    pub http: Option<i32>,
    pub answer: String,
    pub error: String,
    pub status: DeliveryStatus,
    pub step: i32,
    pub due_at: Option<Timestamp>,
}

/// Writes them down, all in one statement. What another worker took over meanwhile keeps what that one says, but an arrival is an arrival.
pub(super) async fn note(
    conn: &mut PgConnection,
    notes: &[Note],
    well: &[EndpointId],
    failing: &[EndpointId],
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "with told as (select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::int[], $6::int[], $7::text[],
                $8::text[], $9::text[], $10::int[], $11::timestamptz[])
            as n (company, id, no, at, took, http, answer, error, status, step, due)),
         tried as (
            insert into delivery_attempts (company_id, delivery_id, no, at, milliseconds, status, answer, error)
            select n.company, n.id, n.no, n.at, n.took, n.http, n.answer, n.error from told n
            join deliveries d on d.company_id = n.company and d.id = n.id on conflict do nothing),
         recovered as (update endpoints set failing_since = null where id = any($12) and failing_since is not null),
         failed as (update endpoints set failing_since = $14 where id = any($13) and failing_since is null)
         update deliveries d set status = n.status, step = n.step, due_at = n.due,
            last = case when n.error = '' then n.http::text else n.error end
         from told n where d.company_id = n.company and d.id = n.id and d.status = 'waiting'
            and (d.attempts = n.no or n.status = 'delivered')",
    )
    .bind(notes.iter().map(|n| n.company).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.id).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.no).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.at).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.milliseconds).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.http).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.answer.as_str()).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.error.as_str()).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.status).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.step).collect::<Vec<_>>())
    .bind(notes.iter().map(|n| n.due_at).collect::<Vec<_>>())
    .bind(well)
    .bind(failing)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of these endpoints to which nothing has arrived since before that moment.
pub(super) async fn long_failing(
    conn: &mut PgConnection,
    endpoints: &[EndpointId],
    since: Timestamp,
) -> Result<Vec<(CompanyId, EndpointId)>> {
    Ok(sqlx::query_as("select company_id, id from endpoints where id = any($1) and failing_since <= $2 and disabled_at is null")
        .bind(endpoints)
        .bind(since)
        .fetch_all(conn)
        .await?)
}

/// Takes messages from the log, with their attempts, that were made before that moment, and endpoints that were removed before it:
/// by then nothing refers to them.
pub(super) async fn forget(tx: &mut SystemTx, before: Timestamp) -> Result<()> {
    sqlx::query("delete from deliveries where created_at < $1").bind(before).execute(tx.conn()).await?;
    sqlx::query(
        "delete from endpoints e where e.removed_at < $1 and not exists (select 1 from deliveries d
            where d.company_id = e.company_id and d.endpoint_id = e.id)",
    )
    .bind(before)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A seal of an endpoint, and the one before a rotation.
#[derive(sqlx::FromRow)]
pub(super) struct Sealed {
    pub company_id: CompanyId,
    pub id: EndpointId,
    pub secret_sealed: Vec<u8>,
    pub old_secret_sealed: Option<Vec<u8>>,
}

/// Endpoints with a seal that does not begin like this, locked.
pub(super) async fn lock_sealed_otherwise(tx: &mut SystemTx, current: &[u8]) -> Result<Vec<Sealed>> {
    Ok(sqlx::query_as(
        "select company_id, id, secret_sealed, old_secret_sealed from endpoints
         where substr(secret_sealed, 1, $2) <> $1 or substr(old_secret_sealed, 1, $2) <> $1 order by id for update",
    )
    .bind(current)
    .bind(i32::try_from(current.len()).unwrap_or(i32::MAX))
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn reseal(tx: &mut SystemTx, sealed: &Sealed) -> Result<()> {
    sqlx::query("update endpoints set secret_sealed = $3, old_secret_sealed = $4 where company_id = $1 and id = $2")
        .bind(sealed.company_id)
        .bind(sealed.id)
        .bind(&sealed.secret_sealed)
        .bind(&sealed.old_secret_sealed)
        .execute(tx.conn())
        .await?;
    Ok(())
}
