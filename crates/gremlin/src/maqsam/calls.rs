//! Calls over REST: by number, by reference, in pages; and their recordings.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Owner, Refusal, terms};
use crate::{call::Call, mp3, network::Network, sound};

const PAGE_SIZE: usize = 100;
const MISSING: Refusal = Refusal::missing("Call Not Found");

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

fn is_own(call: &Call, me: &str) -> bool {
    call.order.account == me && call.order.terms::<terms::Terms>().is_some()
}

/// Runs `f` on this account's call with this number.
fn numbered<R>(network: &Network, me: &str, id: &str, f: impl FnOnce(&Call) -> R) -> Option<R> {
    let number: i64 = id.parse().ok()?;
    let state = network.state();
    state.newest(None).find(|call| is_own(call, me) && terms::number(call) == number).map(f)
}

fn shown(call: &Call) -> Json<Value> {
    Json(json!({ "result": "success", "message": terms::resource(call) }))
}

pub async fn by_id(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    numbered(&network, &me, &id, shown).ok_or(MISSING)
}

pub async fn by_reference(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(reference): Path<String>,
) -> Result<Json<Value>, Refusal> {
    network.with_call(&reference, |call| is_own(call, &me).then(|| shown(call))).flatten().ok_or(MISSING)
}

#[derive(Deserialize)]
pub struct Wanted {
    page: Option<usize>,
    /// Seconds since 1970, both included.
    start_time: Option<i64>,
    end_time: Option<i64>,
    email: Option<String>,
    phone: Option<String>,
}

/// Newest first; pages 0 and 1 are the same. A page past the last one is empty.
pub async fn list(State(network): Net, Extension(Owner(me)): Me, Query(wanted): Query<Wanted>) -> Json<Value> {
    let matches = |call: &Value| {
        let at = call["timestamp"].as_i64().unwrap_or_default();
        wanted.start_time.is_none_or(|start| at >= start)
            && wanted.end_time.is_none_or(|end| at <= end)
            && wanted.email.as_ref().is_none_or(|email| call["agents"][0]["email"] == email.as_str())
            && wanted.phone.as_ref().is_none_or(|phone| [&call["callerNumber"], &call["calleeNumber"]].contains(&&json!(phone)))
    };
    let page = wanted.page.unwrap_or(1).max(1);
    let state = network.state();
    let own = state.newest(None).filter(|call| is_own(call, &me)).map(terms::resource).filter(matches);
    let calls: Vec<Value> = own.skip((page - 1) * PAGE_SIZE).take(PAGE_SIZE).collect();
    Json(json!({ "result": "success", "message": calls }))
}

/// By the number of the call. Not there right after the end.
pub async fn recording(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    const NONE: Refusal = Refusal::missing("Recording Not Found");
    let found = numbered(&network, &me, &id, |call| (terms::recorded(call), call.duration.unwrap_or_default()));
    match found.ok_or(NONE)? {
        (None, _) => Err(NONE),
        (Some(false), _) => Err(Refusal::bad("Recording is not ready yet")),
        (Some(true), seconds) => {
            Ok(sound::serve_as("audio/mpeg", mp3::silence(u32::try_from(seconds).unwrap_or(u32::MAX)), &headers))
        }
    }
}
