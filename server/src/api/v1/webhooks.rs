//! Where programs hear what happened: endpoints, what was sent there, and sending it again. docs/webhooks.md is for whoever listens.

use super::{Nothing, instant};
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, Write, named, word};
use crate::api::envelope::{Answer, Done, Listed, Refusal, done, done_text, json, listed};
use axum::extract::Path;
use chrono::DateTime;
use http::StatusCode;
use model::Error;
use model::accounts::Permission;
use model::id::{DeliveryId, EndpointId};
use model::webhooks::{Delivery, DeliveryFilter, DeliveryRow, EndpointForm, EndpointRow, EndpointState, NewEndpoint};
use serde::{Deserialize, Serialize};
use services::webhooks;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(load, edit, remove))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(replay_failed))
        .routes(routes!(delivery))
        .routes(routes!(replay))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WebhookView {
    id: String,
    url: String,
    description: String,
    events: Vec<String>,
    /// Only what concerns this campaign.
    campaign_id: Option<String>,
    full_phone_numbers: bool,
    /// Messages are made and sent.
    active: bool,
    /// `active`, `failing` (one message at a time is tried) or `off`.
    status: String,
    /// Why it was switched off, if nobody did.
    status_reason: String,
    failing_since: Option<String>,
    created_at: String,
    /// Until then the secret before the last rotation signs too.
    old_secret_until: Option<String>,
    /// Of the newest thousand messages.
    delivered: i64,
    failed: i64,
    waiting: i64,
}

impl From<EndpointRow> for WebhookView {
    fn from(row: EndpointRow) -> Self {
        Self {
            id: row.id.to_string(),
            url: row.url,
            description: row.description,
            events: row.events.iter().map(ToString::to_string).collect(),
            campaign_id: row.campaign.map(|(id, _)| id.to_string()),
            full_phone_numbers: row.full_numbers,
            active: row.state != EndpointState::Off,
            status: row.state.to_string(),
            status_reason: row.why,
            failing_since: row.failing_since.map(|m| instant(m.at)),
            created_at: instant(row.created_at.at),
            old_secret_until: row.old_until.map(|m| instant(m.at)),
            delivered: row.delivered,
            failed: row.failed,
            waiting: row.waiting,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"url": "https://example.com/belfry", "events": ["call.completed", "contact.opted_out"]}))]
struct WebhookBody {
    /// `https`, a public name, no port. Needed for a new one.
    url: Option<String>,
    description: Option<String>,
    /// `call.started`, `call.status.updated`, `call.completed`, `lead.qualified`, `campaign.status.changed`, `campaign.completed`,
    /// `contact.opted_out`, `contact.suppressed`, `import.completed`, `credits.low`; all of them when left out for a new one.
    events: Option<Vec<String>>,
    /// Only what concerns this campaign; empty for the whole company.
    campaign_id: Option<String>,
    /// Phone numbers whole instead of masked; when left out for a new one, whether the key has the scope `phones`.
    full_phone_numbers: Option<bool>,
    active: Option<bool>,
}

impl WebhookBody {
    /// What is left out stays as it is.
    fn over(self, mut form: EndpointForm) -> Result<EndpointForm, Refusal> {
        if let Some(events) = self.events {
            let words = events.iter().map(|event| word("events", event, "the events of the list"));
            form.events = words.collect::<Result<_, _>>()?;
        }
        Ok(EndpointForm {
            url: self.url.unwrap_or(form.url),
            description: self.description.unwrap_or(form.description),
            campaign: self.campaign_id.unwrap_or(form.campaign),
            full_numbers: self.full_phone_numbers.unwrap_or(form.full_numbers),
            enabled: self.active.unwrap_or(form.enabled),
            events: form.events,
        })
    }
}

#[derive(Serialize, ToSchema)]
struct WebhookSecret {
    id: String,
    /// `whsec_` and base64. Shown this once.
    secret: String,
}

impl From<NewEndpoint> for WebhookSecret {
    fn from(new: NewEndpoint) -> Self {
        Self { id: new.id.to_string(), secret: new.secret }
    }
}

const ONCE: &str = "This is the only time the secret is shown.";

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// `waiting`, `delivered` or `failed`.
    status: Option<String>,
    event: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryView {
    /// What `webhook-id` says.
    id: String,
    webhook_id: String,
    event: String,
    /// `waiting`, `delivered` or `failed`.
    status: String,
    attempts: i32,
    /// The last status of yours, or why there was none.
    last_result: String,
    created_at: String,
    next_attempt_at: Option<String>,
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id.to_string(),
            webhook_id: row.endpoint.to_string(),
            event: row.event.to_string(),
            status: row.status.to_string(),
            attempts: row.attempts,
            last_result: row.last,
            created_at: instant(row.created_at.at),
            next_attempt_at: row.due_at.map(|m| instant(m.at)),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AttemptView {
    at: String,
    duration_ms: i32,
    /// Of the answer, if there was one.
    status: Option<i32>,
    /// Its first KiB.
    answer: String,
    /// Why it did not arrive.
    error: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryDetail {
    delivery: DeliveryView,
    /// What is sent, byte for byte.
    body: String,
    /// The newest first.
    attempts: Vec<AttemptView>,
}

impl From<Delivery> for DeliveryDetail {
    fn from(found: Delivery) -> Self {
        let attempts = found.attempts.into_iter().map(|a| AttemptView {
            at: instant(a.at.at),
            duration_ms: a.milliseconds,
            status: a.status,
            answer: a.answer,
            error: a.error,
        });
        Self { attempts: attempts.collect(), delivery: found.row.into(), body: found.body }
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"since": "2026-11-22T00:00:00Z"}))]
struct Since {
    /// RFC 3339.
    since: String,
}

#[derive(Serialize, ToSchema)]
struct Replayed {
    messages: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tested {
    delivery_id: String,
}

fn endpoint(id: &str) -> Result<EndpointId, Refusal> {
    named("endpoint", id)
}

/// List webhooks
#[utoipa::path(get, path = "/webhooks", operation_id = "listWebhooks", tag = "webhooks",
    responses((status = 200, body = Done<Vec<WebhookView>>)))]
async fn list(who: Who) -> Answer {
    let mut tx = who.begin().await?;
    done(webhooks::list(&mut tx).await?.into_iter().map(WebhookView::from).collect::<Vec<_>>(), "OK")
}

/// Make a webhook
///
/// Its secret is in this answer and nowhere else, so this takes no `Idempotency-Key`.
#[utoipa::path(post, path = "/webhooks", operation_id = "createWebhook", tag = "webhooks", request_body = WebhookBody,
    responses((status = 201, body = Done<WebhookSecret>)))]
async fn create(write: Write<WebhookBody>) -> Answer {
    let (who, body) = write.unkeyed()?;
    let form = EndpointForm { full_numbers: who.actor.may(Permission::ViewPhones), ..EndpointForm::default() };
    let new = webhooks::create(&who.db, &who.actor, &body.over(form)?).await?;
    Ok(json(StatusCode::CREATED, done_text(WebhookSecret::from(new), ONCE)?))
}

/// One webhook
#[utoipa::path(get, path = "/webhooks/{id}", operation_id = "webhook", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = Done<WebhookView>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let id = endpoint(&id)?;
    let mut tx = who.begin().await?;
    done(WebhookView::from(webhooks::load(&mut tx, id).await?), "OK")
}

/// Change a webhook
///
/// What is left out stays as it is. Sent again it changes nothing, so this takes no `Idempotency-Key`.
#[utoipa::path(put, path = "/webhooks/{id}", operation_id = "editWebhook", tag = "webhooks", params(("id" = String, Path)),
    request_body = WebhookBody, responses((status = 200, body = Done<WebhookView>)))]
async fn edit(Path(id): Path<String>, write: Write<WebhookBody>) -> Answer {
    let id = endpoint(&id)?;
    let (who, body) = write.unkeyed()?;
    let mut tx = who.begin().await?;
    let now = webhooks::load(&mut tx, id).await?;
    drop(tx);
    webhooks::update(&who.db, &who.actor, id, &body.over(now.form())?).await?;
    let mut tx = who.begin().await?;
    done(WebhookView::from(webhooks::load(&mut tx, id).await?), "Saved")
}

/// Remove a webhook
#[utoipa::path(delete, path = "/webhooks/{id}", operation_id = "deleteWebhook", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = Done<Nothing>)))]
async fn remove(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id = endpoint(&id)?;
    let (mut w, _) = write.begin().await?;
    webhooks::remove(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, Nothing {}, "Removed").await
}

/// Give a webhook a new secret
///
/// For 24 hours messages carry a signature of each.
#[utoipa::path(post, path = "/webhooks/{id}/rotate", operation_id = "rotateWebhook", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = Done<WebhookSecret>)))]
async fn rotate(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id = endpoint(&id)?;
    let (who, _) = write.unkeyed()?;
    let mut tx = who.begin().await?;
    let new = webhooks::rotate(&mut tx, id).await?;
    tx.commit().await?;
    done(WebhookSecret::from(new), ONCE)
}

/// Send a test
#[utoipa::path(post, path = "/webhooks/{id}/test", operation_id = "testWebhook", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = Done<Tested>)))]
async fn test(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id = endpoint(&id)?;
    let (mut w, _) = write.begin().await?;
    let delivery = webhooks::test(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, Tested { delivery_id: delivery.to_string() }, "On its way").await
}

/// List what was sent to a webhook, the newest first
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", operation_id = "listDeliveries", tag = "webhooks",
    params(("id" = String, Path), DeliveryQuery), responses((status = 200, body = Listed<DeliveryView>)))]
async fn deliveries(who: Who, Path(id): Path<String>, Asked(query): Asked<DeliveryQuery>) -> Answer {
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let filter = DeliveryFilter {
        endpoint: Some(endpoint(&id)?),
        status: said(&query.status).map(|text| word("status", &text, "waiting, delivered, failed")).transpose()?,
        event: said(&query.event).map(|text| word("event", &text, "the events of the list")).transpose()?,
        paging: Pages::new(query.page, query.limit).paging(),
    };
    let mut tx = who.begin().await?;
    listed(webhooks::deliveries(&mut tx, &filter).await?.map(DeliveryView::from))
}

/// Send again what did not arrive since a moment
#[utoipa::path(post, path = "/webhooks/{id}/replay", operation_id = "replayFailed", tag = "webhooks", params(("id" = String, Path)),
    request_body = Since, responses((status = 200, body = Done<Replayed>)))]
async fn replay_failed(Path(id): Path<String>, write: Write<Since>) -> Answer {
    let id = endpoint(&id)?;
    let (mut w, body) = write.begin().await?;
    let since = DateTime::parse_from_rfc3339(body.since.trim())
        .map_err(|_| Refusal::from(Error::field("since", "Write a moment like 2026-11-23T09:00:00Z.")))?;
    let messages = webhooks::replay_failed(&mut w.tx, id, since.to_utc()).await?;
    w.answer(StatusCode::OK, Replayed { messages }, "On their way").await
}

/// One message with its attempts
#[utoipa::path(get, path = "/webhooks/deliveries/{id}", operation_id = "delivery", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = Done<DeliveryDetail>)))]
async fn delivery(who: Who, Path(id): Path<String>) -> Answer {
    let id: DeliveryId = named("delivery", &id)?;
    let mut tx = who.begin().await?;
    done(DeliveryDetail::from(webhooks::delivery(&mut tx, id).await?), "OK")
}

/// Send a message again
#[utoipa::path(post, path = "/webhooks/deliveries/{id}/replay", operation_id = "replayDelivery", tag = "webhooks",
    params(("id" = String, Path)), responses((status = 200, body = Done<Nothing>)))]
async fn replay(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: DeliveryId = named("delivery", &id)?;
    let (mut w, _) = write.begin().await?;
    webhooks::replay(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, Nothing {}, "On its way").await
}
