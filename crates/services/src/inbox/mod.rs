//! Provider callbacks: verified on the raw bytes, stored once, acknowledged after the commit, and applied by
//! the worker. A callback that comes twice is stored once; one that cannot be applied yet waits.

#[cfg(test)]
mod tests;

use crate::actor::{Actor, SystemTask};
use crate::calls;
use crate::db::{Db, SystemTx};
use crate::dialer::{GATEWAY_COLUMNS, Gateway, Network, StoredGateway};
use crate::error::{Error, Result};
use model::id::{CallId, CompanyId, GatewayId, InboxId};
use providers::{CallbackKind, HeaderMap, HeaderValue, Method, Reply};
/// What a door hands over and gets back; the adapters behind it are no business of a door.
pub use providers::{CallbackRequest, ReplyBody};

/// The channel that wakes the worker.
pub const CHANNEL: &str = "inbox";
/// Callbacks applied per turn.
const BATCH_MAX: i64 = 200;
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

/// Whose gateway a request is for. It is not to be trusted before the gateway's own key has verified it.
///
/// # Errors
/// `UnknownGateway`, or a database that is away.
pub(crate) async fn route(db: &Db, gateway: GatewayId) -> Result<(CompanyId, Gateway), Refused> {
    let mut tx = db.begin_system(SystemTask::RouteCallback).await?;
    let found = find_gateway(&mut tx, gateway).await?;
    tx.commit().await?;
    Ok(found)
}

async fn find_gateway(tx: &mut SystemTx, gateway: GatewayId) -> Result<(CompanyId, Gateway), Refused> {
    #[derive(sqlx::FromRow)]
    struct Routed {
        company_id: CompanyId,
        #[sqlx(flatten)]
        gateway: StoredGateway,
    }
    let mut sql = sqlx::QueryBuilder::new(format!("select company_id, {GATEWAY_COLUMNS} from gateways where id = "));
    sql.push_bind(gateway);
    let routed: Option<Routed> = sql.build_query_as().fetch_optional(tx.conn()).await?;
    let Some(Routed { company_id, gateway: stored }) = routed else { return Err(Refused::UnknownGateway) };
    Ok((company_id, stored.into_gateway(tx.config())))
}

/// Verifies, stores and commits; only then may the door acknowledge. Returns the body to answer with.
///
/// # Errors
/// See [`Refused`]; nothing is stored then.
pub async fn receive(db: &Db, gateway: GatewayId, request: CallbackRequest<'_>) -> Result<ReplyBody, Refused> {
    let mut tx = db.begin_system(SystemTask::RouteCallback).await?;
    let (company_id, routed) = find_gateway(&mut tx, gateway).await?;
    let provider = Network::shared().map_err(Error::from)?.provider(&routed);
    provider.verify(&request).map_err(|_| Refused::BadSignature)?;
    let callback = provider.parse(&request).map_err(|e| Refused::Malformed(e.to_string()))?;
    let (id, now): (InboxId, _) = (tx.id(), tx.now());
    sqlx::query(
        "insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint inbox_once do nothing",
    )
    .bind(company_id)
    .bind(id)
    .bind(gateway)
    .bind(&callback.event_id)
    .bind(request.url)
    .bind(request.body)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(tx.conn()).await?;
    tx.commit().await?;
    let goodbye = matches!(&callback.kind, CallbackKind::Digits(d) if d.contains(calls::OPT_OUT_DIGIT));
    Ok(provider.reply(&if goodbye {
        Reply::SayAndHangUp {
            text: "You will not be called again. Goodbye.".to_owned(),
            language: "en-US".to_owned(),
            voice: None,
        }
    } else {
        Reply::Acknowledge
    }))
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
    let callback = Network::shared()?
        .provider(&gateway)
        .parse(&request)
        .map_err(|e| anyhow::anyhow!("stored callback no longer parses: {e}"))?;
    calls::ingest(&mut tx, one.gateway_id, call_in(&one.url), callback).await?;
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
