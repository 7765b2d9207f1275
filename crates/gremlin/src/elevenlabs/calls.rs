//! Conversations over REST: read one, list, hear. There is no way to end one.

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
use crate::{call::Call, network::Network, sound, tone};

const PAGE_SIZE_DEFAULT: usize = 30;
const PAGE_SIZE_MAX: usize = 100;

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

/// Runs `f` on this account's conversation.
fn with_own<R>(network: &Network, me: &str, id: &str, f: impl FnOnce(&mut Call) -> R) -> Result<R, Refusal> {
    let own = |call: &mut Call| (call.order.account == me && call.order.terms::<terms::Terms>().is_some()).then(|| f(call));
    network.with_call(id, own).flatten().ok_or_else(|| Refusal::missing("conversation"))
}

pub async fn fetch(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    with_own(&network, &me, &id, |call| Json(terms::resource(&network, call)))
}

#[derive(Deserialize)]
pub struct Wanted {
    page_size: Option<usize>,
    cursor: Option<String>,
    user_id: Option<String>,
    call_start_after_unix: Option<i64>,
    call_start_before_unix: Option<i64>,
}

/// Newest first, without who was called and what was said.
pub async fn list(State(network): Net, Extension(Owner(me)): Me, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Refusal> {
    let limit = wanted.page_size.unwrap_or(PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX);
    let before = wanted.cursor.as_deref().map(|cursor| cursor.parse::<u64>());
    let before = before.transpose().map_err(|_| Refusal::bad("invalid_cursor", "This cursor is none."))?;
    let fits = |call: &Call, terms: &terms::Terms| {
        let began = call.created_at.timestamp();
        wanted.user_id.as_ref().is_none_or(|user| terms.told["user_id"] == **user)
            && wanted.call_start_after_unix.is_none_or(|after| after <= began)
            && wanted.call_start_before_unix.is_none_or(|before| began <= before)
    };
    let state = network.state();
    let mut found = Vec::new();
    let mut last = None;
    for call in state.newest(before).filter(|call| call.order.account == me) {
        if !call.order.terms::<terms::Terms>().is_some_and(|terms| fits(call, terms)) {
            continue;
        }
        if found.len() == limit {
            return Ok(Json(json!({ "conversations": found, "has_more": true, "next_cursor": last })));
        }
        found.push(terms::summary(call));
        last = Some(call.serial.to_string());
    }
    Ok(Json(json!({ "conversations": found, "has_more": false, "next_cursor": null })))
}

pub async fn audio(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seconds = with_own(&network, &me, &id, |call| call.recording_id.as_ref().and(call.duration))?;
    let seconds = seconds.ok_or_else(|| Refusal::missing("audio"))?;
    Ok(sound::serve(tone::wav(u32::try_from(seconds).unwrap_or(u32::MAX), 1), &headers))
}
