//! Calls over REST: read one, list, stop; and the sound behind a recording's link.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, terms};
use crate::{call::Call, life::Command, network::Network, sound, tone};

const PAGE_SIZE_DEFAULT: usize = 50;
const PAGE_SIZE_MAX: usize = 1000;
/// What a listed call does not carry.
const NOT_LISTED: [&str; 3] = ["transcript", "transcript_object", "transcript_with_tool_calls"];

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

/// Runs `f` on this account's call at Retell.
fn with_own<R>(network: &Network, me: &str, id: &str, f: impl FnOnce(&mut Call) -> R) -> Result<R, Refusal> {
    let own = |call: &mut Call| (call.order.account == me && call.order.terms::<terms::Terms>().is_some()).then(|| f(call));
    network.with_call(id, own).flatten().ok_or_else(Refusal::missing)
}

pub async fn fetch(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    with_own(&network, &me, &id, |call| Json(terms::resource(call, &network.public_url)))
}

pub async fn stop(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    with_own(&network, &me, &id, |call| {
        if call.status.is_ended() {
            return Err(Refusal::bad("Call has already ended."));
        }
        if call.command(Command::HangUp) { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::too_many()) }
    })?
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    filter_criteria: Map<String, Value>,
    limit: Option<usize>,
    pagination_key: Option<String>,
}

/// Newest first, without transcripts.
pub async fn list(State(network): Net, Extension(Owner(me)): Me, Json(wanted): Json<Wanted>) -> Result<Json<Value>, Refusal> {
    let limit = wanted.limit.unwrap_or(PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX);
    let before = wanted.pagination_key.as_deref().map(|key| key.parse::<u64>().map_err(|_| Refusal::bad("bad pagination_key")));
    let before = before.transpose()?;
    let state = network.state();
    let mut items = Vec::new();
    let mut last = None;
    for call in state.newest(before).filter(|call| call.order.account == me && call.order.terms::<terms::Terms>().is_some()) {
        let mut resource = terms::resource(call, &network.public_url);
        if !matches(&resource, &wanted.filter_criteria)? {
            continue;
        }
        if items.len() == limit {
            return Ok(Json(json!({ "items": items, "has_more": true, "pagination_key": last })));
        }
        if let Some(resource) = resource.as_object_mut() {
            resource.retain(|name, _| !NOT_LISTED.contains(&name.as_str()));
        }
        items.push(resource);
        last = Some(call.serial.to_string());
    }
    Ok(Json(json!({ "items": items, "has_more": false })))
}

/// The filters that are played; another one is refused, as no filter is worse than none.
fn matches(call: &Value, criteria: &Map<String, Value>) -> Result<bool, Refusal> {
    for (name, filter) in criteria {
        let fits = match (name.as_str(), filter["op"].as_str()) {
            ("to_number" | "from_number" | "call_id", Some("eq")) => call[name] == filter["value"],
            ("start_timestamp" | "end_timestamp", Some("bt")) => call[name].as_i64().is_some_and(|at| {
                let bound = |n: usize| filter["value"][n].as_i64();
                bound(0).is_some_and(|from| from <= at) && bound(1).is_some_and(|to| at <= to)
            }),
            _ => return Err(Refusal::bad(format!("This filter is not played: {name}."))),
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whoever knows the link may hear it.
pub async fn recording(State(network): Net, Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let id = file.strip_suffix(".wav").ok_or_else(Refusal::missing)?;
    let seconds = {
        let state = network.state();
        let call = state.newest(None).find(|call| call.recording_id.as_deref() == Some(id)).ok_or_else(Refusal::missing)?;
        call.duration.unwrap_or_default()
    };
    Ok(sound::serve(tone::wav(u32::try_from(seconds).unwrap_or(u32::MAX), 1), &headers))
}
