//! The telephone of whoever looks at the control page: with it on, calls to certain numbers ring for a person, who accepts or
//! declines, presses keys, says things and hangs up. What a call then makes of that is in `person`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    call::{Call, Plan, Status},
    clock::{self, Pace},
    conversation::{Segment, Who},
    life::Command,
    network::Network,
};

/// The ending of a number.
const DIGITS_MAX: usize = 15;
/// What a person says at once.
const SAY_CHARS_MAX: usize = 500;
const KEYS: &str = "0123456789*#";

type Net = State<Arc<Network>>;
type Refused = (StatusCode, &'static str);

pub fn routes() -> Router<Arc<Network>> {
    Router::new()
        .route("/control/handset", get(shown).put(set))
        .route("/control/calls/{id}", get(one))
        .route("/control/calls/{id}/deeds", post(act))
}

/// Whose calls ring here.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Handset {
    /// Calls to numbers that end like this; to all numbers when empty. Nobody's when absent.
    takes: Option<String>,
}

impl Handset {
    pub fn rings_for(&self, to: &str) -> bool {
        self.takes.as_deref().is_some_and(|ending| to.ends_with(ending))
    }
}

/// How far a person has come with a call that rings for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hand {
    Offered,
    Accepted,
    Declined,
    /// Nobody decided in time.
    Missed,
}

/// What a person does with a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Deed {
    Accept,
    Decline,
    Press { key: char },
    Say { text: String },
    HangUp,
}

async fn shown(State(network): Net) -> Json<Handset> {
    Json(network.state().handset.clone())
}

async fn set(State(network): Net, Json(handset): Json<Handset>) -> Result<Json<Handset>, Refused> {
    let fine = |ending: &String| ending.len() <= DIGITS_MAX && ending.bytes().all(|byte| byte.is_ascii_digit());
    if !handset.takes.as_ref().is_none_or(fine) {
        return Err((StatusCode::BAD_REQUEST, "takes must be at most 15 digits, or null"));
    }
    network.state().handset = handset.clone();
    Ok(Json(handset))
}

async fn one(State(network): Net, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let (person, scripted) = (network.person_pace(), network.pace);
    network
        .with_call(&id, |call| Json(view(call, if call.hand.is_some() { person } else { scripted })))
        .ok_or((StatusCode::NOT_FOUND, "no such call"))
}

/// A call as the handset shows it: with what was said so far.
fn view(call: &Call, pace: Pace) -> Value {
    let said: &[Segment] = call.conversation.as_ref().map_or(&call.heard, |conversation| &conversation.segments);
    let line = |segment: &Segment| {
        let who = if segment.who == Who::Agent { "agent" } else { "person" };
        json!({ "who": who, "text": segment.text, "at": segment.start })
    };
    json!({
        "sid": call.id,
        "provider": call.order.speaker.provider(),
        "from": call.order.from,
        "to": call.order.to,
        "status": call.status.word(),
        "hand": call.hand,
        "hears_keys": hears_keys(call),
        "talk_seconds": talk_seconds(call, pace),
        "said": said.iter().map(line).collect::<Vec<_>>(),
    })
}

/// So far, or in all.
fn talk_seconds(call: &Call, pace: Pace) -> Option<u64> {
    let so_far = |at: DateTime<Utc>| pace.seconds((clock::now() - at).to_std().unwrap_or_default()) as u64;
    call.duration.or_else(|| call.answered_at.map(so_far))
}

/// An agent that converses does not.
fn hears_keys(call: &Call) -> bool {
    matches!(call.order.plan, Plan::Document(_))
}

async fn act(State(network): Net, Path(id): Path<String>, Json(deed): Json<Deed>) -> Result<StatusCode, Refused> {
    match &deed {
        Deed::Press { key } if !KEYS.contains(*key) => return Err((StatusCode::BAD_REQUEST, "no such key")),
        Deed::Say { text } if text.trim().is_empty() || text.chars().count() > SAY_CHARS_MAX => {
            return Err((StatusCode::BAD_REQUEST, "text must be 1 to 500 characters"));
        }
        _ => {}
    }
    let done = network.with_call(&id, |call| take(call, deed)).ok_or((StatusCode::NOT_FOUND, "no such call"))?;
    done.map(|()| StatusCode::NO_CONTENT)
}

/// Decided here, under the lock, so that of two people who accept only one does.
fn take(call: &mut Call, deed: Deed) -> Result<(), Refused> {
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    let hand = call.hand.ok_or((CONFLICT, "nobody holds this call: it has a scripted callee"))?;
    let after = match (&deed, hand) {
        (Deed::Accept | Deed::Decline, Hand::Offered) if call.status != Status::Ringing => {
            return Err((CONFLICT, "this call does not ring"));
        }
        (Deed::Accept, Hand::Offered) => Hand::Accepted,
        (Deed::Decline, Hand::Offered) => Hand::Declined,
        (Deed::Accept | Deed::Decline, _) => return Err((CONFLICT, "somebody decided already, or it rang out")),
        (_, Hand::Accepted) if call.status.is_ended() => return Err((CONFLICT, "this call is over")),
        (Deed::Press { .. }, Hand::Accepted) if !hears_keys(call) => {
            return Err((CONFLICT, "the agent of this call hears no keys"));
        }
        (_, Hand::Accepted) => Hand::Accepted,
        _ => return Err((CONFLICT, "this call was not accepted")),
    };
    if !call.command(Command::Person(deed)) {
        return Err((StatusCode::TOO_MANY_REQUESTS, "too much at once"));
    }
    call.hand = Some(after);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rings_for_all_numbers_for_some_or_for_none() {
        let takes = |ending: Option<&str>, to| Handset { takes: ending.map(str::to_owned) }.rings_for(to);
        assert!(takes(Some(""), "+14155550123") && takes(Some("0123"), "+14155550123"));
        assert!(!takes(Some("0124"), "+14155550123") && !takes(None, "+14155550123"));
    }
}
