//! One call over REST: read, end or redirect, delete; and the Call resource's JSON.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Refusal, create::Form, terms};
use crate::{
    call::{Call, Status},
    chance, clock,
    life::Command,
    network::Network,
    numbers,
};

/// The word of the REST resource, which does not know "initiated".
pub const fn word(status: Status) -> &'static str {
    match status {
        Status::Initiated => Status::Queued.word(),
        other => other.word(),
    }
}

/// The Call resource, field for field of twilio-oai `api.v2010.account.call`.
pub fn resource(call: &Call) -> Value {
    let order = &call.order;
    let base = format!("/2010-04-01/Accounts/{}/Calls/{}", order.account, call.id);
    let moment = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(clock::rfc2822);
    // Empty for busy, failed, unanswered, or ongoing calls.
    let duration = call.duration.filter(|seconds| *seconds > 0).map(|seconds| seconds.to_string());
    json!({
        "sid": call.id,
        "account_sid": order.account,
        "parent_call_sid": null,
        "to": order.to,
        "to_formatted": numbers::formatted(&order.to),
        "from": order.from,
        "from_formatted": numbers::formatted(&order.from),
        "phone_number_sid": chance::sid("PN", 0, &[&order.account, &order.from]),
        "status": word(call.status),
        "start_time": moment(call.started_at),
        "end_time": moment(call.ended_at),
        "duration": duration,
        "price": call.price_micros.map(|micros| format!("-{}.{:05}", micros / 1_000_000, micros % 1_000_000 / 10)),
        "price_unit": "USD",
        "direction": terms::direction(order.direction),
        "answered_by": terms::verdict(call),
        "api_version": "2010-04-01",
        "forwarded_from": null,
        "group_sid": null,
        "caller_name": null,
        "queue_time": "0",
        "trunk_sid": null,
        "date_created": clock::rfc2822(call.created_at),
        "date_updated": clock::rfc2822(call.updated_at),
        "uri": format!("{base}.json"),
        "subresource_uris": { "recordings": format!("{base}/Recordings.json") },
    })
}

type Located = (State<Arc<Network>>, Path<(String, String)>);

/// Runs `f` on the call of this account that the path names.
pub fn with_own<R>(network: &Network, account: &str, file: &str, f: impl FnOnce(&mut Call) -> R) -> Result<R, Refusal> {
    let sid = file.strip_suffix(".json").unwrap_or(file);
    let own = |call: &mut Call| (call.order.account == account).then(|| f(call));
    network.with_call(sid, own).flatten().ok_or(Refusal::NOT_FOUND)
}

pub async fn fetch((State(network), Path((account, file))): Located) -> Result<Json<Value>, Refusal> {
    with_own(&network, &account, &file, |call| Json(resource(call)))
}

/// `Status=completed` ends it, `Status=canceled` only before an answer, `Url` or `Twiml` redirect it.
pub async fn update(located: Located, body: String) -> Result<Json<Value>, Refusal> {
    let (State(network), Path((account, file))) = located;
    let form = Form::read(&body);
    let command = match form.get("Status") {
        Some("completed") => Some(Command::HangUp),
        Some("canceled") => Some(Command::Cancel),
        Some(_) => return Err(Refusal::bad(21218, "Invalid Status")),
        None => form.source()?.map(Command::Redirect),
    };
    with_own(&network, &account, &file, |call| {
        if call.status.is_ended() {
            return Err(Refusal::bad(21220, "Call is not in-progress. Cannot redirect."));
        }
        if let Some(command) = command
            && !call.command(command)
        {
            return Err(Refusal::TOO_MANY);
        }
        Ok(Json(resource(call)))
    })?
}

pub async fn delete((State(network), Path((account, file))): Located) -> Result<StatusCode, Refusal> {
    let (sid, ended) = with_own(&network, &account, &file, |call| (call.id.clone(), call.status.is_ended()))?;
    if !ended {
        return Err(Refusal::bad(20409, "Cannot delete a call that is in progress"));
    }
    network.state().forget(&sid);
    Ok(StatusCode::NO_CONTENT)
}
