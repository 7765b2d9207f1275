//! What the makers of tests and demos use: what really rang, faults, accounts, a page to look at.
//! None of this is part of any provider's protocol.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Html,
    routing::{delete, get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    call::{Call, Direction, Verdict},
    faults::Fault,
    network::Network,
    numbers,
};

/// Calls in one answer of `/control/calls`.
const CALLS_SHOWN_DEFAULT: usize = 200;
const CALLS_SHOWN_MAX: usize = 100_000;
/// An auth token set by hand.
const TOKEN_CHARS_MAX: usize = 128;

type Net = State<Arc<Network>>;

pub fn routes() -> Router<Arc<Network>> {
    Router::new()
        .route("/", get(|| async { Html(include_str!("control.html")) }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/control/calls", get(calls))
        .route("/control/rings", get(rings))
        .route("/control/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/control/faults/{id}", delete(remove_fault))
        .route("/control/accounts", post(set_account))
        .route("/control/reset", post(reset))
}

#[derive(Deserialize)]
struct Wanted {
    account: Option<String>,
    to: Option<String>,
    call: Option<String>,
    #[serde(default)]
    live: bool,
    /// Only those that ring, or rang, for a person.
    #[serde(default)]
    held: bool,
    limit: Option<usize>,
}

async fn calls(State(network): Net, Query(wanted): Query<Wanted>) -> Json<Value> {
    let state = network.state();
    let matches = |call: &&Call| {
        wanted.account.as_ref().is_none_or(|account| *account == call.order.account)
            && wanted.to.as_ref().is_none_or(|to| *to == call.order.to)
            && wanted.call.as_ref().is_none_or(|id| call.order.reference.as_ref() == Some(id))
            && !(wanted.live && call.status.is_ended())
            && !(wanted.held && call.hand.is_none())
    };
    let limit = wanted.limit.unwrap_or(CALLS_SHOWN_DEFAULT).min(CALLS_SHOWN_MAX);
    let calls: Vec<Value> = state.newest(None).filter(matches).take(limit).map(view).collect();
    Json(json!({ "live": state.live(), "kept": state.len(), "speed": network.settings.speed, "calls": calls }))
}

fn view(call: &Call) -> Value {
    json!({
        "sid": call.id,
        "provider": call.order.speaker.provider(),
        "account": call.order.account,
        "direction": call.order.direction.word(),
        "to": call.order.to,
        "from": call.order.from,
        "call": call.order.reference,
        "status": call.status.word(),
        "hand": call.hand,
        "attempt": call.attempt,
        "rang": call.rang,
        "answered_by": call.verdict.map(|verdict| if verdict == Verdict::Human { "human" } else { "machine" }),
        "duration": call.duration,
        "time_limit": call.order.talk_seconds_max,
        "price_micros": call.price_micros,
        "created_at": call.created_at,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "over": call.over,
        "callbacks": call.deliveries,
    })
}

/// Requests that were taken, and phones that rang.
#[derive(Default, Clone, Serialize)]
struct Count {
    dialed: u32,
    rang: u32,
}

impl Count {
    fn add(&mut self, call: &Call) {
        self.dialed += 1;
        self.rang += call.rang;
    }
}

/// Per account and number, and per id that the customer gave the call: nothing may ring twice for one id.
async fn rings(State(network): Net) -> Json<Value> {
    let state = network.state();
    let mut total = Count::default();
    let mut by_to: BTreeMap<(String, String), Count> = BTreeMap::new();
    let mut by_call: BTreeMap<String, Count> = BTreeMap::new();
    for call in state.newest(None).filter(|call| call.order.direction == Direction::Outbound) {
        total.add(call);
        by_to.entry((call.order.account.clone(), call.order.to.clone())).or_default().add(call);
        if let Some(id) = &call.order.reference {
            by_call.entry(id.clone()).or_default().add(call);
        }
    }
    let twice: Vec<&String> = by_call.iter().filter(|(_, count)| count.dialed > 1 || count.rang > 1).map(|(id, _)| id).collect();
    let by_to: Vec<Value> = by_to
        .iter()
        .map(|((account, to), count)| json!({ "account": account, "to": to, "dialed": count.dialed, "rang": count.rang }))
        .collect();
    Json(json!({ "total": total, "twice": twice, "by_call": by_call, "by_to": by_to }))
}

async fn faults(State(network): Net) -> Json<Vec<Fault>> {
    Json(network.state().faults.list().to_vec())
}

async fn add_fault(
    State(network): Net,
    Json(fault): Json<Fault>,
) -> Result<(StatusCode, Json<Value>), (StatusCode, &'static str)> {
    if !(0.0..=1.0).contains(&fault.probability) {
        return Err((StatusCode::BAD_REQUEST, "probability is from 0 to 1"));
    }
    match network.state().faults.add(fault) {
        Some(id) => Ok((StatusCode::CREATED, Json(json!({ "id": id })))),
        None => Err((StatusCode::CONFLICT, "too many faults are on")),
    }
}

async fn clear_faults(State(network): Net) -> StatusCode {
    network.state().faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(network): Net, Path(id): Path<u64>) -> StatusCode {
    if network.state().faults.remove(id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

#[derive(Deserialize)]
struct NewAccount {
    sid: String,
    token: String,
}

async fn set_account(State(network): Net, Json(account): Json<NewAccount>) -> Result<StatusCode, (StatusCode, &'static str)> {
    if !numbers::is_account(&account.sid) || account.token.is_empty() || account.token.len() > TOKEN_CHARS_MAX {
        return Err((StatusCode::BAD_REQUEST, "sid must be 1 to 64 letters, digits and _, token 1 to 128 characters"));
    }
    if network.set_token(account.sid, account.token) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err((StatusCode::CONFLICT, "too many accounts"))
    }
}

/// Forgets calls, counts and faults; calls under way stop.
async fn reset(State(network): Net) -> StatusCode {
    network.state().reset();
    StatusCode::NO_CONTENT
}
