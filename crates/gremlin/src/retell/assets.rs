//! Knowledge bases, numbers, voices, and how many calls may run at once.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};
use serde_json::{Map, Value, json};

use super::{Owner, Refusal};
use crate::{clock, network::Network, numbers};

pub const NUMBERS: &str = "retell/numbers";
const BASES: &str = "retell/bases";
const NAME_CHARS_MAX: usize = 39;
/// What everybody has without paying.
const CONCURRENCY: u64 = 20;

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

/// Takes the form as it is and looks for the name; what the document says is not kept. It is read at once, which is sooner than
/// at Retell: the first look still says "in progress".
pub async fn create_base(
    State(network): Net,
    Extension(Owner(me)): Me,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return Err(Refusal::bad("Invalid request format, please check API reference."));
    }
    let text = String::from_utf8_lossy(&body);
    let name = text.split("name=\"knowledge_base_name\"\r\n\r\n").nth(1).and_then(|rest| rest.split("\r\n").next());
    let name = name.filter(|name| (1..=NAME_CHARS_MAX).contains(&name.chars().count()));
    let name = name.ok_or_else(|| Refusal::bad("knowledge_base_name must have 1 to 39 characters."))?;
    let id = format!("knowledge_base_{}", &network.new_sid("XX", &format!("{name}{}", clock::now()))[2..18]);
    let base = json!({ "knowledge_base_id": id, "knowledge_base_name": name, "status": "in_progress" });
    if network.state().documents.put(&me, BASES, &id, base.clone()) {
        Ok((StatusCode::CREATED, Json(base)))
    } else {
        Err(Refusal::too_many())
    }
}

pub async fn get_base(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let mut state = network.state();
    let base = state.documents.get_mut(&me, BASES, &id).ok_or_else(Refusal::missing)?;
    let shown = base.clone();
    base["status"] = "complete".into();
    Ok(Json(shown))
}

pub async fn delete_base(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    network.state().documents.remove(&me, BASES, &id).map(|_| StatusCode::NO_CONTENT).ok_or_else(Refusal::missing)
}

pub async fn import_number(
    State(network): Net,
    Extension(Owner(me)): Me,
    Json(fields): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let phone = fields.get("phone_number").and_then(Value::as_str).filter(|phone| numbers::is_e164(phone));
    let phone = phone.ok_or_else(|| Refusal::bad("phone_number must be in E.164 format."))?.to_owned();
    let uri = fields.get("termination_uri").filter(|uri| uri.is_string());
    let uri = uri.ok_or_else(|| Refusal::bad("termination_uri is required."))?;
    let trunk = json!({ "termination_uri": uri, "auth_username": fields.get("sip_trunk_auth_username"), "transport": "TCP" });
    let mut number = json!({
        "phone_number": phone,
        "phone_number_type": "custom",
        "phone_number_pretty": numbers::formatted(&phone),
        "sip_outbound_trunk_config": trunk,
    });
    for name in ["nickname", "inbound_agents", "outbound_agents", "inbound_webhook_url"] {
        if let Some(value) = fields.get(name) {
            number[name] = value.clone();
        }
    }
    number["last_modification_timestamp"] = clock::now().timestamp_millis().into();
    if network.state().documents.put(&me, NUMBERS, &phone, number.clone()) {
        Ok((StatusCode::CREATED, Json(number)))
    } else {
        Err(Refusal::too_many())
    }
}

pub async fn update_number(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(phone): Path<String>,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Json<Value>, Refusal> {
    let mut state = network.state();
    let number = state.documents.get_mut(&me, NUMBERS, &phone).ok_or_else(Refusal::missing)?;
    for (name, value) in fields {
        number[name] = value;
    }
    number["last_modification_timestamp"] = clock::now().timestamp_millis().into();
    Ok(Json(number.clone()))
}

/// All on one page.
pub async fn list_numbers(State(network): Net, Extension(Owner(me)): Me) -> Json<Value> {
    let state = network.state();
    let items: Vec<&Value> = state.documents.list(&me, NUMBERS).map(|(_, number)| number).collect();
    Json(json!({ "items": items, "has_more": false }))
}

pub async fn voices() -> Json<Value> {
    let voice = |id: &str, name: &str, provider: &str, gender: &str| json!({ "voice_id": id, "voice_name": name, "provider": provider, "gender": gender, "accent": "American", "age": "Young" });
    Json(json!([
        voice("11labs-Adrian", "Adrian", "elevenlabs", "male"),
        voice("11labs-Myra", "Myra", "elevenlabs", "female"),
        voice("openai-Alloy", "Alloy", "openai", "female"),
    ]))
}

pub async fn concurrency(State(network): Net, Extension(Owner(me)): Me) -> Json<Value> {
    let state = network.state();
    let live = state.newest(None).filter(|call| call.order.account == me && !call.status.is_ended()).count();
    Json(json!({
        "current_concurrency": live,
        "concurrency_limit": CONCURRENCY,
        "base_concurrency": CONCURRENCY,
        "purchased_concurrency": 0,
        "concurrency_purchase_limit": 100,
        "remaining_purchase_limit": 100,
        "concurrency_burst_enabled": false,
    }))
}
