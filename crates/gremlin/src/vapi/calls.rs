//! Calls over REST: read one, list, the way to a recording; and the two links that need no key, sound and control.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Owner, Refusal, show, terms::Terms};
use crate::{call::Call, life::Command, network::Network, sound, tone};

const PAGE_SIZE_DEFAULT: usize = 100;
const PAGE_SIZE_MAX: usize = 1000;

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

/// Runs `f` on this account's call at Vapi.
fn with_own<R>(network: &Network, me: &str, id: &str, f: impl FnOnce(&mut Call) -> R) -> Result<R, Refusal> {
    let own = |call: &mut Call| (call.order.account == me && call.order.terms::<Terms>().is_some()).then(|| f(call));
    network.with_call(id, own).flatten().ok_or_else(Refusal::missing)
}

pub async fn fetch(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    with_own(&network, &me, &id, |call| Json(show::resource(call, &network.public_url)))
}

/// What a list may be asked for; a filter that is not played is refused, as no filter is worse than none.
struct Wanted {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: usize,
}

impl Wanted {
    fn read(query: &BTreeMap<String, String>) -> Option<Self> {
        let mut wanted = Self { since: DateTime::<Utc>::MIN_UTC, until: DateTime::<Utc>::MAX_UTC, limit: PAGE_SIZE_DEFAULT };
        for (name, value) in query {
            match name.as_str() {
                "createdAtGe" => wanted.since = value.parse().ok()?,
                "createdAtLe" => wanted.until = value.parse().ok()?,
                "limit" => wanted.limit = value.parse::<usize>().ok().filter(|limit| *limit <= PAGE_SIZE_MAX)?,
                _ => return None,
            }
        }
        Some(wanted)
    }
}

/// Newest first.
pub async fn list(
    State(network): Net,
    Extension(Owner(me)): Me,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Vec<Value>>, Refusal> {
    let wanted = Wanted::read(&query).ok_or_else(|| Refusal::bad("This filter is not played."))?;
    let state = network.state();
    let own = state.newest(None).filter(|call| call.order.account == me && call.order.terms::<Terms>().is_some());
    let fitting = own.filter(|call| (wanted.since..=wanted.until).contains(&call.created_at)).take(wanted.limit);
    Ok(Json(fitting.map(|call| show::resource(call, &network.public_url)).collect()))
}

/// The way to the sound, for who has the key.
pub async fn recording_link(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = with_own(&network, &me, &id, |call| call.recording_id.clone())?.ok_or_else(Refusal::missing)?;
    let link = format!("{}/vapi/recordings/{id}.wav", network.public_url);
    Ok((StatusCode::FOUND, [(header::LOCATION, link)]).into_response())
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

/// Orders to a call that is on.
pub async fn control(State(network): Net, Path(id): Path<String>, Json(order): Json<Value>) -> Result<StatusCode, Refusal> {
    if order["type"] != "end-call" {
        return Err(Refusal::bad("This order is not played."));
    }
    let obeyed = network.with_call(&id, |call| {
        let live = !call.status.is_ended() && call.order.terms::<Terms>().is_some_and(Terms::is_controlled);
        live && call.command(Command::HangUp)
    });
    if obeyed == Some(true) { Ok(StatusCode::OK) } else { Err(Refusal::missing()) }
}
