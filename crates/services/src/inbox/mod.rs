//! Provider callbacks: verified on the raw bytes, stored once, acknowledged after the commit, and applied by
//! the worker. A callback that comes twice is stored once; one that cannot be applied yet waits.

mod batch;
mod routes;
#[cfg(test)]
mod tests;

pub(crate) use routes::route;

use crate::actor::{Actor, SystemTask};
use crate::calls::{self, Batch};
use crate::db::{Db, Tx};
use crate::dialer::Network;
use crate::error::{Error, Result};
use anyhow::Context;
use batch::{Batches, Row};
use model::id::{CallId, CompanyId, GatewayId, InboxId};
use providers::{CallbackKind, HeaderMap, HeaderValue, Method, Reply};
/// What a door hands over and gets back; the adapters behind it are no business of a door.
pub use providers::{CallbackRequest, ReplyBody};
use routes::Routes;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

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
            url: route.without_secret(request.url),
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
        CallbackKind::Digits(digits) if digits.contains(calls::OPT_OUT_DIGIT) => {
            Reply::SayAndHangUp { text: calls::OPTED_OUT.to_owned(), language: "en-US".to_owned(), voice: None }
        }
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
    let mut by_company = BTreeMap::<CompanyId, Vec<Waiting>>::new();
    for one in waiting {
        by_company.entry(one.company_id).or_default().push(one);
    }
    let mut applied = 0;
    for (company, mut waiting) in by_company {
        while !waiting.is_empty() {
            match apply(db, company, &waiting).await {
                Ok(done) if done.applied > 0 || done.left.is_empty() => {
                    applied += done.applied;
                    waiting.retain(|one| done.left.contains(&one.id));
                }
                // One of them spoils it for the others, or only such as must go alone are left.
                _ => {
                    for one in waiting.drain(..) {
                        match apply(db, company, std::slice::from_ref(&one)).await {
                            Ok(done) => applied += done.applied,
                            Err(error) => note_failure(db, &one, &error).await?,
                        }
                    }
                }
            }
        }
    }
    Ok(applied)
}

/// What became of waiting callbacks.
struct Done {
    applied: usize,
    /// For another transaction: the second about the same call, and what takes locks that no other may have before.
    left: HashSet<InboxId>,
}

/// Callbacks of one company in one transaction, one for each call; those that another worker has are passed over.
async fn apply(db: &Db, company: CompanyId, waiting: &[Waiting]) -> Result<Done> {
    // Ends free slots and move the campaign's escrow and counters, which turns of the dialer wait for.
    let mut tx = db.begin_hot(&Actor::engine(company)).await?;
    match apply_in(&mut tx, waiting).await {
        Ok(done) => tx.commit().await.map(|()| done),
        Err(error) => {
            // Whoever tries them one by one must not find them locked.
            tx.roll_back().await?;
            Err(error)
        }
    }
}

async fn apply_in(tx: &mut Tx, waiting: &[Waiting]) -> Result<Done> {
    let ids: Vec<_> = waiting.iter().map(|one| one.id).collect();
    let mine: Vec<InboxId> =
        sqlx::query_scalar("select id from inbox where id = any($1) and handled_at is null order by id for update skip locked")
            .bind(ids)
            .fetch_all(tx.conn())
            .await?;
    let mine: HashSet<_> = mine.into_iter().collect();
    let mut providers = HashMap::new();
    let (mut news, mut done, mut left) = (Batch::default(), Vec::new(), HashSet::new());
    for one in waiting.iter().filter(|one| mine.contains(&one.id)) {
        let provider = match providers.entry(one.gateway_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let gateway = crate::dialer::gateway_for_reading(tx, one.gateway_id).await?;
                unknown.insert(Network::shared()?.provider(&gateway))
            }
        };
        let told = provider
            .parse(&one.request(&form_headers()))
            .map_err(|e| anyhow::anyhow!("stored callback no longer parses: {e}"))?;
        let first = told.first().context("a stored callback tells nothing")?;
        let call = calls::call_of(tx, one.gateway_id, call_in(&one.url), first).await?;
        if news.add(call, Some(one.gateway_id), told, waiting.len() == 1) {
            done.push(one.id);
        } else {
            left.insert(one.id);
        }
    }
    calls::ingest_all(tx, news).await?;
    let now = tx.now();
    // What HIPAA mode may not keep was in it.
    sqlx::query(
        "update inbox set handled_at = $2, error = null,
                body = case when (select o.hipaa from companies o where o.id = app.company()) then '' else body end
         where id = any($1)",
    )
    .bind(&done)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(Done { applied: done.len(), left })
}

impl Waiting {
    fn request<'a>(&'a self, headers: &'a HeaderMap) -> CallbackRequest<'a> {
        CallbackRequest { method: &Method::POST, url: &self.url, headers, body: &self.body }
    }
}

/// The headers that say how a stored body is read.
fn form_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers
}

/// Our call id, which we put into every callback address.
fn call_in(url: &str) -> Option<CallId> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("call=")).and_then(|id| id.parse().ok())
}

async fn note_failure(db: &Db, one: &Waiting, error: &Error) -> Result<()> {
    tracing::warn!(inbox = %one.id, %error, "callback not applied");
    let mut tx = db.begin(&Actor::engine(one.company_id)).await?;
    // Where one address hears of all calls of an account, some are none of ours: made in the provider's own portal.
    let hears_all = crate::dialer::gateway_for_reading(&mut tx, one.gateway_id).await?.kind.is_conversational();
    let is_a_stranger_s = hears_all && matches!(error, Error::Told(model::Error::NotFound { .. }));
    let now = tx.now();
    sqlx::query(
        "update inbox set tries = tries + 1, error = case when tries + 1 >= $3 and $5 then null else $2 end,
                handled_at = case when tries + 1 >= $3 then $4 end,
                body = case when tries + 1 >= $3 and (select o.hipaa from companies o where o.id = app.company()) then '' else body end
         where id = $1",
    )
    .bind(one.id)
    .bind(error.to_string())
    .bind(TRIES_MAX)
    .bind(now)
    .bind(is_a_stranger_s)
    .execute(tx.conn())
    .await?;
    tx.commit().await
}
