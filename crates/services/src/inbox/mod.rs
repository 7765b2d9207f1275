//! Provider callbacks: verified on the raw bytes, stored once, acknowledged after the commit, and applied by
//! the worker. A callback that comes twice is stored once; one that cannot be applied yet waits.

mod batch;
mod routes;
#[cfg(test)]
mod tests;

pub(crate) use routes::route;

use crate::actor::{Actor, SystemTask};
use crate::calls;
use crate::db::Db;
use crate::dialer::Network;
use crate::error::{Error, Result};
use batch::{Batches, Row};
use model::id::{CallId, CompanyId, GatewayId, InboxId};
use providers::{CallbackKind, HeaderMap, HeaderValue, Method, Reply};
/// What a door hands over and gets back; the adapters behind it are no business of a door.
pub use providers::{CallbackRequest, ReplyBody};
use routes::Routes;

/// The channel that wakes the worker.
pub const CHANNEL: &str = "inbox";
/// Callbacks applied per turn.
const BATCH_MAX: i64 = 200;
/// Times that a callback's gateway is looked up while its key changes.
const LOOK_UPS_MAX: usize = 3;
/// Tries before a callback is given up and kept with its error.
const TRIES_MAX: i32 = 8;

/// Why a callback was refused; the door answers with the status.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// 404
    #[error("no such gateway")]
    UnknownGateway,
    /// 403
    #[error("the signature does not match")]
    BadSignature,
    /// 400
    #[error("not a callback: {0}")]
    Malformed(String),
    /// 503
    #[error(transparent)]
    Inside(#[from] Error),
}

impl From<sqlx::Error> for Refused {
    fn from(e: sqlx::Error) -> Self {
        Self::Inside(e.into())
    }
}

/// Where callbacks come in: what is remembered of gateways, and those who wait for their commit.
#[derive(Default)]
pub(crate) struct Desk {
    routes: Routes,
    batches: Batches,
}

impl Desk {
    /// Signs off from Postgres.
    pub(crate) async fn close(&self) {
        self.batches.close().await;
    }
}

/// Verifies, stores and commits, together with whoever comes at the same moment; only then may the door acknowledge. Returns
/// the body to answer with.
///
/// # Errors
/// See [`Refused`]; nothing is stored then.
pub async fn receive(db: &Db, gateway: GatewayId, request: CallbackRequest<'_>) -> Result<ReplyBody, Refused> {
    let Desk { routes, batches } = db.desk();
    let mut remembered = routes.remembered(gateway);
    for _ in 0..LOOK_UPS_MAX {
        let route = match remembered.take().filter(|route| route.provider.verify(&request, db.clock().now()).is_ok()) {
            Some(route) => route,
            None => {
                let route = routes.look_up(db, gateway).await?;
                route.provider.verify(&request, db.clock().now()).map_err(|_| Refused::BadSignature)?;
                route
            }
        };
        let news = route.provider.parse(&request).map_err(|e| Refused::Malformed(e.to_string()))?;
        let Some(callback) = news.into_iter().next() else { return Err(Refused::Malformed("it tells nothing".to_owned())) };
        if callback.event_id.contains('\0') {
            return Err(Refused::Malformed("a NUL in what names the event".to_owned()));
        }
        let now = db.clock().now();
        let row = Row {
            id: db.id(now),
            gateway,
            route: route.clone(),
            event_id: callback.event_id,
            url: request.url.to_owned(),
            body: request.body.to_vec(),
            received_at: now,
        };
        if batches.store(db, row).await? {
            return Ok(route.provider.reply(&reply_to(&callback.kind)));
        }
        // The gateway has another key than a moment ago, or is gone.
    }
    Err(Refused::BadSignature)
}

/// Signs in ahead of the first callback, which then need not wait for it.
///
/// # Errors
/// When the database is away.
pub async fn warm(db: &Db) -> Result<()> {
    db.desk().batches.warm(db).await
}

fn reply_to(kind: &CallbackKind) -> Reply {
    match kind {
        CallbackKind::Digits(digits) if digits.contains(calls::OPT_OUT_DIGIT) => Reply::SayAndHangUp {
            text: "You will not be called again. Goodbye.".to_owned(),
            language: "en-US".to_owned(),
            voice: None,
        },
        _ => Reply::Acknowledge,
    }
}

#[derive(sqlx::FromRow)]
struct Waiting {
    company_id: CompanyId,
    id: InboxId,
    gateway_id: GatewayId,
    url: String,
    body: Vec<u8>,
}

/// Applies waiting callbacks; returns how many were applied. Any number of workers may do this at once.
///
/// # Errors
/// When the database is away.
pub async fn drain(db: &Db) -> Result<usize> {
    let mut tx = db.begin_system(SystemTask::FindWork).await?;
    let now = tx.now();
    // A failed one waits a little longer each time, so that it does not stand in front of others.
    let waiting: Vec<Waiting> = sqlx::query_as(
        "select company_id, id, gateway_id, url, body from inbox
         where handled_at is null and received_at + make_interval(secs => tries * tries) <= $1 order by received_at, id limit $2",
    )
    .bind(now)
    .bind(BATCH_MAX)
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    let mut applied = 0;
    for one in waiting {
        match apply(db, &one).await {
            Ok(true) => applied += 1,
            Ok(false) => {}
            Err(e) => note_failure(db, &one, &e).await?,
        }
    }
    Ok(applied)
}

/// One callback in one transaction; `false` when another worker has it.
async fn apply(db: &Db, one: &Waiting) -> Result<bool> {
    // An end frees slots and moves the campaign's escrow and counters, which turns of the dialer wait for.
    let mut tx = db.begin_hot(&Actor::engine(one.company_id)).await?;
    let mine: Option<InboxId> =
        sqlx::query_scalar("select id from inbox where id = $1 and handled_at is null for update skip locked")
            .bind(one.id)
            .fetch_optional(tx.conn())
            .await?;
    if mine.is_none() {
        return Ok(false);
    }
    let gateway = crate::dialer::gateway_for_reading(&mut tx, one.gateway_id).await?;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    let request = CallbackRequest { method: &Method::POST, url: &one.url, headers: &headers, body: &one.body };
    let news = Network::shared()?
        .provider(&gateway)
        .parse(&request)
        .map_err(|e| anyhow::anyhow!("stored callback no longer parses: {e}"))?;
    for callback in news {
        calls::ingest(&mut tx, one.gateway_id, call_in(&one.url).or(callback.call), callback).await?;
    }
    let now = tx.now();
    sqlx::query("update inbox set handled_at = $2, error = null where id = $1").bind(one.id).bind(now).execute(tx.conn()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Our call id, which we put into every callback address.
fn call_in(url: &str) -> Option<CallId> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("call=")).and_then(|id| id.parse().ok())
}

async fn note_failure(db: &Db, one: &Waiting, error: &Error) -> Result<()> {
    tracing::warn!(inbox = %one.id, %error, "callback not applied");
    let mut tx = db.begin(&Actor::engine(one.company_id)).await?;
    let now = tx.now();
    sqlx::query(
        "update inbox set tries = tries + 1, error = $2, handled_at = case when tries + 1 >= $3 then $4 end where id = $1",
    )
    .bind(one.id)
    .bind(error.to_string())
    .bind(TRIES_MAX)
    .bind(now)
    .execute(tx.conn())
    .await?;
    tx.commit().await
}
