//! Assistants. Every change is a version, and the newest is the one that is shown.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, kept, merge, new_id};
use crate::{documents::Documents, network::Network};

/// Each document on this shelf is an array of versions; the first is `v1`.
const ASSISTANTS: &str = "vapi/assistants";
const NAME_CHARS_MAX: usize = 40;
const MESSAGE_CHARS_MAX: usize = 1_000;

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;
type Fields = Json<Map<String, Value>>;
type Done = Result<Json<Value>, Refusal>;

/// The newest version, or the one with this label.
pub fn version_of<'a>(documents: &'a Documents, account: &str, id: &str, label: Option<&str>) -> Option<&'a Value> {
    let versions = documents.get(account, ASSISTANTS, id)?.as_array()?;
    match label {
        Some(label) => versions.iter().find(|one| one["latestVersion"] == label),
        None => versions.last(),
    }
}

/// As strict as Vapi is about what it would have to act on.
fn check(fields: &Map<String, Value>) -> Result<(), Refusal> {
    let mut wrong = Vec::new();
    let length = |name: &str| fields.get(name).and_then(Value::as_str).map_or(0, |text| text.chars().count());
    if length("name") > NAME_CHARS_MAX {
        wrong.push(format!("name must be shorter than or equal to {NAME_CHARS_MAX} characters"));
    }
    if length("voicemailMessage") > MESSAGE_CHARS_MAX {
        wrong.push(format!("voicemailMessage must be shorter than or equal to {MESSAGE_CHARS_MAX} characters"));
    }
    if fields.get("maxDurationSeconds").and_then(Value::as_f64).is_some_and(|seconds| !(10.0..=43_200.0).contains(&seconds)) {
        wrong.push("maxDurationSeconds must not be less than 10 and not be greater than 43200".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::bad(json!(wrong))) }
}

pub async fn create(
    State(network): Net,
    Extension(Owner(me)): Me,
    Json(fields): Fields,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    check(&fields)?;
    let id = new_id(&network, "assistant");
    let mut assistant = kept(&id, &me);
    merge(&mut assistant, fields);
    assistant["latestVersion"] = "v1".into();
    if network.state().documents.put(&me, ASSISTANTS, &id, json!([assistant])) {
        Ok((StatusCode::CREATED, Json(assistant)))
    } else {
        Err(Refusal::too_many())
    }
}

pub async fn fetch(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Done {
    version_of(&network.state().documents, &me, &id, None).cloned().map(Json).ok_or_else(Refusal::missing)
}

pub async fn update(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>, Json(fields): Fields) -> Done {
    check(&fields)?;
    let mut state = network.state();
    let versions = state.documents.get_mut(&me, ASSISTANTS, &id).and_then(Value::as_array_mut).ok_or_else(Refusal::missing)?;
    let mut next = versions.last().cloned().ok_or_else(Refusal::missing)?;
    merge(&mut next, fields);
    next["latestVersion"] = format!("v{}", versions.len() + 1).into();
    versions.push(next.clone());
    Ok(Json(next))
}

pub async fn remove(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Done {
    let gone = network.state().documents.remove(&me, ASSISTANTS, &id).ok_or_else(Refusal::missing)?;
    gone.as_array().and_then(|versions| versions.last().cloned()).map(Json).ok_or_else(Refusal::missing)
}
