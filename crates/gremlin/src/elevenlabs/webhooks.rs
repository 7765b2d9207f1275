//! The webhooks of a workspace: made once, named by agents, and switched off by themselves when nobody takes what they bring.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::{Owner, Refusal, agents::AGENTS, new_id, terms::Terms};
use crate::{
    clock,
    network::{Network, State as Kept},
};

pub const WEBHOOKS: &str = "elevenlabs/webhooks";
/// So many failures in a row, and nothing more is sent.
const FAILURES_MAX: usize = 10;

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

/// Where an agent's events go.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: String,
    pub url: String,
    pub events: Vec<String>,
    /// Does an event that was not taken come again? Not unless somebody switched it on.
    pub repeats: bool,
}

/// The webhook that an agent names, if it is on.
pub fn target(state: &Kept, me: &str, agent: &Value) -> Option<Target> {
    let settings = &agent["platform_settings"]["workspace_overrides"]["webhooks"];
    let id = settings["post_call_webhook_id"].as_str()?;
    let webhook = state.documents.get(me, WEBHOOKS, id)?;
    if webhook["is_disabled"] == true || is_auto_disabled(state, me, webhook) {
        return None;
    }
    let events = settings["events"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Some(Target {
        id: id.to_owned(),
        url: webhook["webhook_url"].as_str()?.to_owned(),
        events: events.map(str::to_owned).collect(),
        repeats: webhook["retry_enabled"] == true,
    })
}

/// Were the last so many deliveries since it was switched on all failures?
fn is_auto_disabled(state: &Kept, me: &str, webhook: &Value) -> bool {
    let mine = state.newest(None).filter(|call| call.order.account == me).filter(|call| {
        let target = call.order.terms::<Terms>().and_then(|terms| terms.webhook.as_ref());
        target.is_some_and(|target| webhook["webhook_id"] == *target.id)
    });
    let since = webhook["enabled_at_ms"].as_i64().unwrap_or_default();
    let sent = mine.flat_map(|call| call.deliveries.iter().rev()).filter(|sent| sent.at.timestamp_millis() > since);
    let sent = sent.filter(|sent| sent.note.as_deref() != Some("lost")).take(FAILURES_MAX);
    let failed = sent.take_while(|sent| !sent.status.is_some_and(|status| (200..300).contains(&status)));
    failed.count() == FAILURES_MAX
}

pub async fn create(State(network): Net, Extension(Owner(me)): Me, Json(fields): Json<Value>) -> Result<Json<Value>, Refusal> {
    let settings = &fields["settings"];
    let url = settings["webhook_url"].as_str().filter(|url| url.starts_with("http"));
    let url = url.ok_or_else(|| Refusal::field("settings", "webhook_url must be an address"))?;
    let id = new_id(&network, "webhook", url);
    let webhook = json!({
        "webhook_id": id, "name": settings["name"], "webhook_url": url, "is_disabled": false, "auth_type": "hmac",
        "created_at_unix": clock::now().timestamp(), "retry_enabled": false, "enabled_at_ms": 0,
    });
    if !network.state().documents.put(&me, WEBHOOKS, &id, webhook) {
        return Err(Refusal::too_many());
    }
    Ok(Json(json!({ "webhook_id": id, "webhook_secret": crate::webhook_secret(&network.token(&me)) })))
}

pub async fn list(State(network): Net, Extension(Owner(me)): Me) -> Json<Value> {
    let state = network.state();
    let named = |id: &str| {
        let is = |agent: &Value| agent["platform_settings"]["workspace_overrides"]["webhooks"]["post_call_webhook_id"] == id;
        state.documents.list(&me, AGENTS).any(|(_, agent)| is(agent))
    };
    let shown = |id: &str, webhook: &Value| {
        let mut shown = webhook.clone();
        if let Some(fields) = shown.as_object_mut() {
            fields.retain(|name, _| !matches!(name.as_str(), "retry_enabled" | "enabled_at_ms"));
        }
        shown["is_auto_disabled"] = is_auto_disabled(&state, &me, webhook).into();
        shown["usage"] = if named(id) { json!([{ "usage_type": "ConvAI Agent Settings" }]) } else { json!([]) };
        shown
    };
    Json(json!({ "webhooks": state.documents.list(&me, WEBHOOKS).map(|(id, one)| shown(id, one)).collect::<Vec<_>>() }))
}

pub async fn update(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Json(fields): Json<Value>,
) -> Result<Json<Value>, Refusal> {
    let mut state = network.state();
    let webhook = state.documents.get_mut(&me, WEBHOOKS, &id).ok_or_else(|| Refusal::missing("webhook"))?;
    for name in ["is_disabled", "name", "retry_enabled"] {
        if let Some(value) = fields.get(name) {
            webhook[name] = value.clone();
        }
    }
    if webhook["is_disabled"] == false {
        webhook["enabled_at_ms"] = clock::now().timestamp_millis().into();
    }
    Ok(Json(json!({ "status": "ok" })))
}
