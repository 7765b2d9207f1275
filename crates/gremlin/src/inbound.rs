//! People who call the customer: the numbers that are set up to answer, and the control API that makes somebody call.
//! What follows is `life`: the number's voice URL is asked while the call rings, and its document is obeyed.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    call::{Direction, Hook, Number, Order, Plan},
    callee::{Callee, Character, Pickup, Press, Quirks},
    elevenlabs,
    network::Network,
    numbers, retell,
    twilio::{document::Source, is_sid, terms},
    vapi,
};

/// How long a caller talks unless told otherwise.
const TALK_SECONDS: f64 = 45.0;
const TALK_SECONDS_MAX: f64 = 14_400.0;
/// When a caller who presses a key does so.
const PRESS_SECONDS: f64 = 4.0;
const URL_CHARS_MAX: usize = 2_000;

type Net = State<Arc<Network>>;
type Refused = (StatusCode, &'static str);

pub fn routes() -> Router<Arc<Network>> {
    Router::new().route("/control/numbers", get(list).post(set)).route("/control/inbound", axum::routing::post(call))
}

async fn list(State(network): Net) -> Json<Vec<Value>> {
    let state = network.state();
    let view = |((account, phone), number): (&(String, String), &Number)| {
        json!({ "account": account, "phone": phone, "voice_url": number.voice.as_ref().map(|hook| &hook.url),
                "status_callback": number.status_callback.as_ref().map(|hook| &hook.url) })
    };
    Json(state.numbers().map(view).collect())
}

#[derive(Deserialize)]
struct NewNumber {
    account: String,
    phone: String,
    voice_url: String,
    status_callback: Option<String>,
}

/// Sets a number up, as its owner would at the provider.
async fn set(State(network): Net, Json(new): Json<NewNumber>) -> Result<StatusCode, Refused> {
    if !is_sid(&new.account, "AC") || !numbers::is_e164(&new.phone) {
        return Err((StatusCode::BAD_REQUEST, "account must be AC and 32 hexadecimal digits, phone E.164"));
    }
    let status_callback = new.status_callback.as_deref().map(hook).transpose()?;
    let number = Number { voice: Some(hook(&new.voice_url)?), status_callback };
    if network.set_number(new.account, new.phone, number) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err((StatusCode::CONFLICT, "too many numbers are set up"))
    }
}

fn hook(url: &str) -> Result<Hook, Refused> {
    let fine = url.len() <= URL_CHARS_MAX
        && url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if fine { Ok(Hook::post(url)) } else { Err((StatusCode::BAD_REQUEST, "a URL must begin with http:// or https://")) }
}

#[derive(Deserialize)]
struct NewCaller {
    /// Twilio when absent.
    provider: Option<String>,
    account: String,
    /// The person who calls, and the customer's number they call.
    from: String,
    to: String,
    /// How long they stay on the line, if they are let.
    talk_seconds: Option<f64>,
    /// A key they press after a few seconds.
    press: Option<char>,
}

/// Somebody calls a number that is set up.
async fn call(State(network): Net, Json(new): Json<NewCaller>) -> Result<(StatusCode, Json<Value>), Refused> {
    let order = match new.provider.as_deref() {
        None | Some("twilio") => order(&network, &new)?,
        Some("retell") => retell::inbound::order(&network, &new.account, &new.from, &new.to).await.map_err(untaken)?,
        Some("vapi") => vapi::inbound::order(&network, &new.account, &new.from, &new.to).await.map_err(untaken)?,
        Some("elevenlabs") => elevenlabs::inbound::order(&network, &new.account, &new.from, &new.to).await.map_err(untaken)?,
        Some(_) => return Err((StatusCode::BAD_REQUEST, "no such provider")),
    };
    let talk = new.talk_seconds.unwrap_or(TALK_SECONDS).clamp(1.0, TALK_SECONDS_MAX);
    let callee = Callee {
        // They would go on listening for longer than they stay: it is they who hang up.
        pickup: Pickup::Human { ring: 0.0, talk: talk * 2.0, leaves: Some(talk) },
        character: Character::Interested,
        press: new.press.map(|digit| Press { digit, after: PRESS_SECONDS }),
        quirks: Quirks::default(),
    };
    let attempt = network.next_attempt(&new.account, &new.to);
    match network.place(order, callee, attempt) {
        Ok(sid) => Ok((StatusCode::CREATED, Json(json!({ "sid": sid })))),
        Err(_) => Err((StatusCode::TOO_MANY_REQUESTS, "too many calls are under way")),
    }
}

fn untaken(why: anyhow::Error) -> Refused {
    tracing::info!(%why, "nobody takes the call");
    (StatusCode::NOT_FOUND, "nobody takes this call")
}

fn order(network: &Network, new: &NewCaller) -> Result<Order, Refused> {
    if !numbers::is_e164(&new.from) || new.press.is_some_and(|key| !"0123456789*#".contains(key)) {
        return Err((StatusCode::BAD_REQUEST, "from must be E.164, press one key of a telephone"));
    }
    let number = network.number(&new.account, &new.to).ok_or((StatusCode::NOT_FOUND, "this number is not set up"))?;
    let voice = number.voice.ok_or((StatusCode::NOT_FOUND, "this number has no voice URL"))?;
    let reference = terms::reference(number.status_callback.as_ref());
    // Of a number's calls Twilio tells only the end.
    let told =
        terms::Terms { status_callback: number.status_callback, events: vec!["completed".to_owned()], ..terms::Terms::default() };
    Ok(Order {
        account: new.account.clone(),
        direction: Direction::Inbound,
        to: new.to.clone(),
        from: new.from.clone(),
        reference,
        speaker: Arc::new(told),
        plan: Plan::Document(Source::Fetch { url: voice.url, method: voice.method, more: Vec::new() }),
        ring_seconds_max: 0.0,
        talk_seconds_max: TALK_SECONDS_MAX,
        detects: false,
        records: false,
    })
}
