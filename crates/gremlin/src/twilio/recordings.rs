//! Recordings: lists, resources, and the sound itself with range requests.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Refusal, terms::Terms};
use crate::{call::Call, clock, network::Network, sound, tone};

/// Recordings in one list; there are no further pages.
const LIST_MAX: usize = 1000;

fn resource(call: &Call) -> Option<Value> {
    let sid = call.recording_id.as_ref()?;
    let account = &call.order.account;
    Some(json!({
        "sid": sid,
        "account_sid": account,
        "call_sid": call.id,
        "conference_sid": null,
        "status": "completed",
        "channels": channels(call),
        "source": "OutboundAPI",
        "duration": call.duration.unwrap_or_default().to_string(),
        "start_time": call.started_at.map(clock::rfc2822),
        "date_created": call.ended_at.map(clock::rfc2822),
        "date_updated": call.ended_at.map(clock::rfc2822),
        "price": null,
        "price_unit": "USD",
        "error_code": null,
        "encryption_details": null,
        "api_version": "2010-04-01",
        "uri": format!("/2010-04-01/Accounts/{account}/Recordings/{sid}.json"),
    }))
}

fn channels(call: &Call) -> u16 {
    let recording = call.order.terms::<Terms>().and_then(|terms| terms.recording.as_ref());
    recording.map_or(1, |recording| recording.channels)
}

fn page(network: &Network, account: &str, wanted: impl Fn(&Call) -> bool) -> Json<Value> {
    let state = network.state();
    let own = state.newest(None).filter(|call| call.order.account == account && wanted(call));
    let recordings: Vec<Value> = own.filter_map(resource).take(LIST_MAX).collect();
    Json(json!({
        "recordings": recordings,
        "next_page_uri": null,
        "previous_page_uri": null,
        "page": 0,
        "page_size": LIST_MAX,
        "start": 0,
        "end": recordings.len().saturating_sub(1),
    }))
}

pub async fn all(State(network): State<Arc<Network>>, Path(account): Path<String>) -> Json<Value> {
    page(&network, &account, |_| true)
}

pub async fn of_call(State(network): State<Arc<Network>>, Path((account, sid)): Path<(String, String)>) -> Json<Value> {
    page(&network, &account, |call| call.id == sid)
}

/// `RE….json` is the resource; `RE….wav` and `RE…` are the sound.
pub async fn fetch(
    State(network): State<Arc<Network>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (sid, kind) = file.split_once('.').unwrap_or((&file, "wav"));
    let found = {
        let state = network.state();
        let own = |call: &&Call| call.order.account == account && call.recording_id.as_deref() == Some(sid);
        let call = state.newest(None).find(own).ok_or(Refusal::NOT_FOUND)?;
        (resource(call), call.duration.unwrap_or_default(), channels(call))
    };
    let (resource, seconds, channels) = found;
    match kind {
        "json" => Ok(Json(resource).into_response()),
        "wav" => Ok(sound::serve(tone::wav(u32::try_from(seconds).unwrap_or(u32::MAX), channels), &headers)),
        _ => Err(Refusal::NOT_FOUND),
    }
}
