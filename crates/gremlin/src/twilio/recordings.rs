//! Recordings: lists, resources, and the sound itself with range requests.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::Refusal;
use crate::{
    clock,
    network::{Call, Network},
    tone,
};

/// Recordings in one list; there are no further pages.
const LIST_MAX: usize = 1000;

fn resource(call: &Call) -> Option<Value> {
    let sid = call.recording_sid.as_ref()?;
    let account = &call.order.account;
    Some(json!({
        "sid": sid,
        "account_sid": account,
        "call_sid": call.sid,
        "conference_sid": null,
        "status": "completed",
        "channels": call.order.recording.as_ref().map_or(1, |recording| recording.channels),
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
    page(&network, &account, |call| call.sid == sid)
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
        let own = |call: &&Call| call.order.account == account && call.recording_sid.as_deref() == Some(sid);
        let call = state.newest(None).find(own).ok_or(Refusal::NOT_FOUND)?;
        let channels = call.order.recording.as_ref().map_or(1, |recording| recording.channels);
        (resource(call), call.duration.unwrap_or_default(), channels)
    };
    let (resource, seconds, channels) = found;
    match kind {
        "json" => Ok(Json(resource).into_response()),
        "wav" => Ok(sound(tone::wav(u32::try_from(seconds).unwrap_or(u32::MAX), channels), &headers)),
        _ => Err(Refusal::NOT_FOUND),
    }
}

fn sound(file: Vec<u8>, headers: &HeaderMap) -> Response {
    let kind = [(header::CONTENT_TYPE, "audio/x-wav"), (header::ACCEPT_RANGES, "bytes")];
    let length = file.len();
    match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
        None => (kind, file).into_response(),
        Some(asked) => match range(asked, length) {
            Some((first, last)) => {
                let part = file[first..=last].to_vec();
                (StatusCode::PARTIAL_CONTENT, kind, [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))], part)
                    .into_response()
            }
            None => (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{length}"))]).into_response(),
        },
    }
}

/// First and last byte of a single range.
fn range(text: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", tail) => (length.saturating_sub(tail.parse().ok().filter(|n| *n > 0)?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.min(end)),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_read_as_http_says() {
        assert_eq!(range("bytes=0-9", 100), Some((0, 9)));
        assert_eq!(range("bytes=90-", 100), Some((90, 99)));
        assert_eq!(range("bytes=-10", 100), Some((90, 99)));
        assert_eq!(range("bytes=0-999", 100), Some((0, 99)));
        for bad in ["bytes=100-", "bytes=9-1", "bytes=-0", "items=0-1", "bytes=a-b", "bytes=0-1,3-4"] {
            assert_eq!(range(bad, 100), None, "{bad}");
        }
        assert_eq!(range("bytes=0-0", 0), None);
    }
}
