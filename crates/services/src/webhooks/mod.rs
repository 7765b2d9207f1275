//! Outgoing webhooks: where a company hears what happened, and the log of what it was told. A message is written in the commit of what
//! it tells, and sent by `post` at least once: whoever dies between sending and noting sends it again, under the same id.

pub mod post;
mod queue;
mod repo;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use queue::send;
pub(crate) use told::Told;

use crate::actor::{Actor, SystemTask};
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use crate::secrets::{self, Purpose};
use chrono::TimeDelta;
use model::Error;
use model::accounts::Permission;
use model::events::EventKind;
use model::id::{CompanyId, DeliveryId, EndpointId};
use model::page::Page;
use model::time::Timestamp;
use model::webhooks::{
    AttemptRow, Delivery, DeliveryFilter, DeliveryRow, ENDPOINTS_MAX, EndpointForm, EndpointPage, EndpointRow, EndpointState,
    NewEndpoint, OVERLAP_HOURS, REPLAY_MAX,
};
use providers::guard::Guard;
use providers::outgoing;

/// The channel that wakes whoever sends.
pub const CHANNEL: &str = "deliveries";
/// Messages are kept this long, whatever became of them.
const KEPT: TimeDelta = TimeDelta::days(30);

/// The endpoints of the company, the oldest first.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`.
pub async fn list(tx: &mut Tx) -> Result<Vec<EndpointRow>> {
    tx.require(Permission::ManageWebhooks)?;
    let rows = repo::list(tx, None).await?;
    Ok(rows.into_iter().map(|stored| row(tx, stored)).collect())
}

/// One endpoint.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound`.
pub async fn load(tx: &mut Tx, id: EndpointId) -> Result<EndpointRow> {
    tx.require(Permission::ManageWebhooks)?;
    let stored = repo::list(tx, Some(id)).await?.pop().ok_or_else(|| Error::not_found("endpoint"))?;
    Ok(row(tx, stored))
}

/// What the page of an endpoint needs, or of a new one.
///
/// # Errors
/// As [`load`].
pub async fn page(tx: &mut Tx, id: Option<EndpointId>) -> Result<EndpointPage> {
    tx.require(Permission::ManageWebhooks)?;
    let endpoint = match id {
        Some(id) => Some(load(tx, id).await?),
        None => None,
    };
    Ok(EndpointPage { endpoint, campaigns: repo::campaigns(tx).await? })
}

fn row(tx: &Tx, e: repo::Stored) -> EndpointRow {
    let state = match (e.disabled_at, e.failing_since) {
        (Some(_), _) => EndpointState::Off,
        (None, Some(_)) => EndpointState::Failing,
        (None, None) => EndpointState::Active,
    };
    EndpointRow {
        id: e.id,
        url: e.url,
        description: e.description,
        events: e.events,
        campaign: e.campaign_id.map(|id| (id, e.campaign_name.unwrap_or_default())),
        full_numbers: e.full_numbers,
        state,
        why: e.disabled_why,
        failing_since: e.failing_since.map(|at| tx.moment(at)),
        created_at: tx.moment(e.created_at),
        old_until: e.old_until.filter(|until| *until > tx.now()).map(|at| tx.moment(at)),
        delivered: e.delivered,
        failed: e.failed,
        waiting: e.waiting,
    }
}

/// Makes an endpoint. Its secret is in the answer and nowhere else.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `Invalid`, also for a name that leads nowhere public now and for whole numbers to somebody
/// who sees masked ones; `Conflict` beyond [`ENDPOINTS_MAX`].
pub async fn create(db: &Db, actor: &Actor, form: &EndpointForm) -> Result<NewEndpoint> {
    check(db, actor, form).await?;
    let mut tx = db.begin(actor).await?;
    check_campaign(&mut tx, form).await?;
    // Whoever makes one waits here for whoever else does, so that the limit holds.
    if repo::lock_and_count(&mut tx).await? >= ENDPOINTS_MAX {
        return Err(Error::conflict(format!("A company has at most {ENDPOINTS_MAX} endpoints. Remove one first.")).into());
    }
    let id: EndpointId = tx.id();
    let (secret, sealed) = new_secret(&tx, id)?;
    repo::insert(&mut tx, id, form, &sealed).await?;
    let text = format!("{} hears of {}", form.url.trim(), words(form));
    tx.record(EventKind::EndpointCreated, Some(id.to_string()), text).await?;
    tx.commit().await?;
    Ok(NewEndpoint { id, secret })
}

/// Changes an endpoint. What waits for it goes to the new address. Switching it on again forgives what failed.
///
/// # Errors
/// As [`create`]; `NotFound`.
pub async fn update(db: &Db, actor: &Actor, id: EndpointId, form: &EndpointForm) -> Result<()> {
    check(db, actor, form).await?;
    let mut tx = db.begin(actor).await?;
    check_campaign(&mut tx, form).await?;
    if !repo::update(&mut tx, id, form).await? {
        return Err(Error::not_found("endpoint").into());
    }
    let state = if form.enabled { "on" } else { "off" };
    let text = format!("{} is {state} and hears of {}", form.url.trim(), words(form));
    tx.record(EventKind::EndpointChanged, Some(id.to_string()), text).await?;
    tx.commit().await
}

fn words(form: &EndpointForm) -> String {
    form.events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ")
}

async fn check(db: &Db, actor: &Actor, form: &EndpointForm) -> Result<()> {
    actor.require(Permission::ManageWebhooks)?;
    form.check(db.config().dev)?;
    if form.full_numbers && !actor.may(Permission::ViewPhones) {
        return Err(Error::field("full_numbers", "You see masked numbers, and may send no others.").into());
    }
    // Where the name leads is asked for every message again; here it is for whoever mistyped it.
    outgoing::reaches(&Guard::system(), form.url.trim()).await.map_err(|why| Error::field("url", why).into())
}

async fn check_campaign(tx: &mut Tx, form: &EndpointForm) -> Result<()> {
    match form.campaign() {
        Some(id) if !repo::has_campaign(tx, id).await? => Err(Error::field("campaign", "Choose a campaign of the list.").into()),
        _ => Ok(()),
    }
}

/// Gives an endpoint a new secret. For [`OVERLAP_HOURS`] messages carry signatures of both; one before that signs no more.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound`.
pub async fn rotate(tx: &mut Tx, id: EndpointId) -> Result<NewEndpoint> {
    tx.require(Permission::ManageWebhooks)?;
    let (secret, sealed) = new_secret(tx, id)?;
    let until = tx.now() + TimeDelta::hours(OVERLAP_HOURS);
    let url = repo::rotate(tx, id, &sealed, until).await?.ok_or_else(|| Error::not_found("endpoint"))?;
    let text = format!("{url} has a new secret; the old one signs too for {OVERLAP_HOURS} hours");
    tx.record(EventKind::EndpointRotated, Some(id.to_string()), text).await?;
    Ok(NewEndpoint { id, secret })
}

/// Removes an endpoint. What waits for it is not sent, and its secrets are gone; the log stays as long as any.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound`.
pub async fn remove(tx: &mut Tx, id: EndpointId) -> Result<()> {
    tx.require(Permission::ManageWebhooks)?;
    let url = repo::remove(tx, id).await?.ok_or_else(|| Error::not_found("endpoint"))?;
    tx.record(EventKind::EndpointRemoved, Some(id.to_string()), format!("{url} hears nothing any more")).await
}

/// Switches an endpoint off for a reason of ours.
async fn switch_off(db: &Db, company: CompanyId, id: EndpointId, why: &str) -> Result<()> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    if let Some(url) = repo::disable(&mut tx, id, why).await? {
        tx.record(EventKind::EndpointDisabled, Some(id.to_string()), format!("{url} was switched off: {why}")).await?;
    }
    tx.commit().await
}

/// The log, the newest first.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound` for an endpoint that is not the company's.
pub async fn deliveries(tx: &mut Tx, filter: &DeliveryFilter) -> Result<Page<DeliveryRow>> {
    tx.require(Permission::ManageWebhooks)?;
    if let Some(endpoint) = filter.endpoint {
        load(tx, endpoint).await?;
    }
    let total = repo::count(tx, filter).await?;
    let rows = repo::deliveries(tx, filter).await?;
    let items = rows.into_iter().map(|d| delivery_row(tx, d)).collect();
    Ok(Page::new(items, total, filter.paging))
}

fn delivery_row(tx: &Tx, d: repo::Sent) -> DeliveryRow {
    DeliveryRow {
        id: d.id,
        endpoint: d.endpoint_id,
        url: d.url,
        event: d.event,
        status: d.status,
        attempts: d.attempts,
        created_at: tx.moment(d.created_at),
        due_at: d.due_at.map(|at| tx.moment(at)),
        last: d.last,
    }
}

/// One message with its attempts.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound`.
pub async fn delivery(tx: &mut Tx, id: DeliveryId) -> Result<Delivery> {
    tx.require(Permission::ManageWebhooks)?;
    let (sent, body) = repo::delivery(tx, id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    let attempts = repo::attempts(tx, id).await?;
    let attempts = attempts
        .into_iter()
        .map(|a| AttemptRow {
            at: tx.moment(a.at),
            milliseconds: a.milliseconds,
            status: a.status,
            answer: a.answer,
            error: a.error,
        })
        .collect();
    Ok(Delivery { row: delivery_row(tx, sent), body, attempts })
}

/// Sends a test to one endpoint, whatever it chose to hear.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound`; `Conflict` for an endpoint that is off.
pub async fn test(tx: &mut Tx, id: EndpointId) -> Result<DeliveryId> {
    on(tx, id).await?;
    let (delivery, now): (DeliveryId, _) = (tx.id(), tx.now());
    repo::insert_one(tx, delivery, id, &Told::test().body(now, told::Show::Ends)).await?;
    Ok(delivery)
}

/// Sends a message again, under its id, and begins its schedule anew.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound`; `Conflict` for an endpoint that is off.
pub async fn replay(tx: &mut Tx, id: DeliveryId) -> Result<EndpointId> {
    tx.require(Permission::ManageWebhooks)?;
    let (sent, _) = repo::delivery(tx, id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    on(tx, sent.endpoint_id).await?;
    repo::replay(tx, id).await?;
    Ok(sent.endpoint_id)
}

/// Sends again what was made since `since` and has not arrived, at most [`REPLAY_MAX`] messages, the oldest first. Returns how many.
///
/// # Errors
/// `Forbidden` without `ManageWebhooks`; `NotFound`; `Conflict` for an endpoint that is off.
pub async fn replay_failed(tx: &mut Tx, id: EndpointId, since: Timestamp) -> Result<u64> {
    on(tx, id).await?;
    repo::replay_failed(tx, id, since, REPLAY_MAX).await
}

/// The moment that is so many hours before a transaction's own.
pub fn hours_ago(tx: &Tx, hours: u32) -> Timestamp {
    tx.now() - TimeDelta::hours(i64::from(hours))
}

async fn on(tx: &mut Tx, id: EndpointId) -> Result<()> {
    match load(tx, id).await?.state {
        EndpointState::Off => Err(Error::conflict("This endpoint is off. Switch it on first.").into()),
        EndpointState::Active | EndpointState::Failing => Ok(()),
    }
}

/// Forgets messages that are older than the log goes back, and endpoints that were removed before it begins.
pub(crate) async fn forget(tx: &mut SystemTx) -> Result<()> {
    let before = tx.now() - KEPT;
    queue::forget(tx, before).await
}

/// Seals anew what is sealed under another key than today's; see [`secrets::reseal`].
pub(crate) async fn reseal(db: &Db) -> Result<usize> {
    let mut tx = db.begin_system(SystemTask::Keys).await?;
    let mut done = 0;
    for mut e in queue::lock_sealed_otherwise(&mut tx, &secrets::current(db.config())).await? {
        let anew = |sealed: &[u8]| seal(db, e.company_id, e.id, &unseal(db, e.company_id, e.id, sealed)?);
        match (anew(&e.secret_sealed), e.old_secret_sealed.as_deref().map(anew).transpose()) {
            (Ok(secret), Ok(old)) => {
                (e.secret_sealed, e.old_secret_sealed) = (secret, old);
                queue::reseal(&mut tx, &e).await?;
                done += 1;
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(endpoint = %e.id, %error, "a secret of an endpoint cannot be read")
            }
        }
    }
    tx.commit().await?;
    Ok(done)
}

/// A new key, as people carry it and sealed.
fn new_secret(tx: &Tx, id: EndpointId) -> Result<(String, Vec<u8>)> {
    let key = tx.secret();
    Ok((outgoing::secret(&key), seal(tx.db(), tx.actor().company(), id, &key)?))
}

fn seal(db: &Db, company: CompanyId, id: EndpointId, key: &[u8]) -> Result<Vec<u8>> {
    secrets::seal(db, Purpose::EndpointSecret, &[company.uuid(), id.uuid()], key)
}

fn unseal(db: &Db, company: CompanyId, id: EndpointId, sealed: &[u8]) -> Result<Vec<u8>> {
    secrets::open(db.config(), Purpose::EndpointSecret, &[company.uuid(), id.uuid()], sealed)
}
