//! Agents. A change holds at once: there are no drafts.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, knowledge, new_id, webhooks};
use crate::{
    clock,
    network::{Network, State as Kept},
};

pub const AGENTS: &str = "elevenlabs/agents";
/// What a change replaces whole.
const MAPS: [&str; 2] = ["data_collection", "dynamic_variable_placeholders"];
/// Models that speak English alone.
const ENGLISH: [&str; 2] = ["eleven_turbo_v2", "eleven_flash_v2"];

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

/// Puts the fields of a request over those that are there, at every depth.
fn merge(document: &mut Value, changes: Map<String, Value>) {
    for (name, change) in changes {
        match (document.get_mut(&name), change) {
            (Some(Value::Object(_)), Value::Object(change)) if !MAPS.contains(&name.as_str()) => {
                merge(&mut document[name.as_str()], change);
            }
            (_, change) => document[name.as_str()] = change,
        }
    }
}

/// What ElevenLabs refuses: a voice model that does not go with the language, and ids of things that are not there.
fn check(state: &Kept, me: &str, agent: &Value) -> Result<(), Refusal> {
    let config = &agent["conversation_config"];
    let language = config["agent"]["language"].as_str().unwrap_or("en");
    if let Some(model) = config["tts"]["model_id"].as_str() {
        let english = ENGLISH.contains(&model);
        if english != (language == "en") {
            let whom = if english {
                "Non-english Agents must use turbo or flash v2_5."
            } else {
                "English Agents must use turbo or flash v2."
            };
            return Err(Refusal::bad("invalid_agent_config", whom));
        }
    }
    for known in config["agent"]["prompt"]["knowledge_base"].as_array().into_iter().flatten() {
        let id = known["id"].as_str().unwrap_or_default();
        state.documents.get(me, knowledge::DOCUMENTS, id).ok_or_else(|| Refusal::missing("document"))?;
    }
    match agent["platform_settings"]["workspace_overrides"]["webhooks"]["post_call_webhook_id"].as_str() {
        Some(id) if state.documents.get(me, webhooks::WEBHOOKS, id).is_none() => Err(Refusal::missing("webhook")),
        _ => Ok(()),
    }
}

pub async fn create(
    State(network): Net,
    Extension(Owner(me)): Me,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Json<Value>, Refusal> {
    if !fields.get("conversation_config").is_some_and(Value::is_object) {
        return Err(Refusal::field("conversation_config", "Field required"));
    }
    let id = new_id(&network, "agent", "");
    let now = clock::now().timestamp();
    let mut agent = json!({
        "agent_id": id, "name": "New agent", "tags": [], "platform_settings": {},
        "metadata": { "created_at_unix_secs": now, "updated_at_unix_secs": now },
    });
    merge(&mut agent, fields);
    let mut state = network.state();
    check(&state, &me, &agent)?;
    if state.documents.put(&me, AGENTS, &id, agent) { Ok(Json(json!({ "agent_id": id }))) } else { Err(Refusal::too_many()) }
}

pub async fn fetch(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    network.state().documents.get(&me, AGENTS, &id).cloned().map(Json).ok_or_else(|| Refusal::missing("agent"))
}

pub async fn update(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Json<Value>, Refusal> {
    let mut state = network.state();
    let mut agent = state.documents.get(&me, AGENTS, &id).cloned().ok_or_else(|| Refusal::missing("agent"))?;
    merge(&mut agent, fields);
    agent["metadata"]["updated_at_unix_secs"] = clock::now().timestamp().into();
    check(&state, &me, &agent)?;
    state.documents.put(&me, AGENTS, &id, agent.clone());
    Ok(Json(agent))
}

pub async fn remove(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let removed = network.state().documents.remove(&me, AGENTS, &id);
    removed.map(|_| StatusCode::OK).ok_or_else(|| Refusal::missing("agent"))
}
