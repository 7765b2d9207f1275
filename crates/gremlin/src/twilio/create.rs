//! `POST Calls.json`: reading the form as strictly as Twilio does, and the faults of creation.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{
    Refusal, calls,
    document::Source,
    terms::{Detection, Recording, Terms, reference},
    twiml,
};
use crate::{
    call::{Direction, Hook, Order, Plan},
    network::Network,
    numbers::{self, Fixed},
};

/// twilio-oai, CreateCallRequest.
const TWIML_CHARS_MAX: usize = 4000;
const RING_SECONDS_DEFAULT: f64 = 60.0;
const RING_SECONDS_MAX: f64 = 600.0;
/// Twilio's own limit of a call.
const TALK_SECONDS_MAX: f64 = 14_400.0;
const STATUS_EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// A form with repeated keys.
pub struct Form(HashMap<String, Vec<String>>);

impl Form {
    pub fn read(body: &str) -> Self {
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for (key, value) in form_urlencoded::parse(body.as_bytes()).into_owned() {
            fields.entry(key).or_default().push(value);
        }
        Self(fields)
    }
    pub fn get(&self, key: &str) -> Option<&str> {
        self.sent(key).filter(|value| !value.is_empty())
    }
    /// Also what was sent empty.
    pub fn sent(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.last().map(String::as_str)
    }
    fn all(&self, key: &str, default: &str) -> Vec<String> {
        self.0.get(key).cloned().unwrap_or_else(|| vec![default.to_owned()])
    }
    fn is_true(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }
    fn seconds(&self, key: &str, default: f64, max: f64) -> Result<f64, Refusal> {
        let Some(text) = self.get(key) else { return Ok(default) };
        let seconds: u32 = text.parse().map_err(|_| Refusal::bad(20001, "A number of seconds is not a number"))?;
        Ok(f64::from(seconds).clamp(1.0, max))
    }
    pub fn hook(&self, key: &str, method_key: &str) -> Result<Option<Hook>, Refusal> {
        let Some(url) = self.get(key) else { return Ok(None) };
        check_url(url)?;
        let method = self.get(method_key).unwrap_or("POST").to_ascii_uppercase();
        if !matches!(method.as_str(), "GET" | "POST") {
            return Err(Refusal::bad(21403, "The method must be GET or POST"));
        }
        Ok(Some(Hook { url: url.to_owned(), method }))
    }
    /// `Url` wins over `Twiml`, as the specification says.
    pub fn source(&self) -> Result<Option<Source>, Refusal> {
        if let Some(Hook { url, method }) = self.hook("Url", "Method")? {
            return Ok(Some(Source::Fetch { url, method, more: Vec::new() }));
        }
        let Some(text) = self.get("Twiml") else { return Ok(None) };
        if text.chars().count() > TWIML_CHARS_MAX || twiml::parse(text).is_err() {
            return Err(Refusal::bad(21218, "Twiml is too long or is not TwiML"));
        }
        Ok(Some(Source::Inline(text.to_owned())))
    }
}

fn check_url(url: &str) -> Result<(), Refusal> {
    let fine = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if fine { Ok(()) } else { Err(Refusal::bad(21205, "Url is not a valid URL")) }
}

fn read_order(account: &str, form: &Form) -> Result<Order, Refusal> {
    let to = form.get("To").ok_or(Refusal::bad(21201, "No 'To' number is specified"))?;
    let from = form.get("From").ok_or(Refusal::bad(21213, "No 'From' number is specified"))?;
    if !numbers::is_e164(to) || numbers::fixed(to) == Some(Fixed::Invalid) {
        return Err(Refusal::bad(21211, "The phone number you are attempting to call, 'To', is not valid."));
    }
    if !numbers::is_e164(from) {
        return Err(Refusal::bad(21212, "The source phone number provided, 'From', is not valid."));
    }
    let script = form.source()?.ok_or(Refusal::bad(21205, "Url parameter is required."))?;
    let detection = match form.get("MachineDetection") {
        None => None,
        Some(mode @ ("Enable" | "DetectMessageEnd")) => Some(Detection {
            callback: form.hook("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod")?,
            background: form.is_true("AsyncAmd"),
            message_end: mode == "DetectMessageEnd",
        }),
        Some(_) => return Err(Refusal::bad(20001, "MachineDetection must be Enable or DetectMessageEnd")),
    };
    let recording = if form.is_true("Record") {
        Some(Recording {
            channels: if form.get("RecordingChannels") == Some("dual") { 2 } else { 1 },
            callback: form.hook("RecordingStatusCallback", "RecordingStatusCallbackMethod")?,
            events: form.all("RecordingStatusCallbackEvent", "completed"),
        })
    } else {
        None
    };
    let status_callback = form.hook("StatusCallback", "StatusCallbackMethod")?;
    // One value with all four words in it is no event at all: a classic mistake (providers.md §13, edge 1).
    let events = form.all("StatusCallbackEvent", "completed").into_iter();
    let events = events.filter(|event| STATUS_EVENTS.contains(&event.as_str())).collect();
    Ok(Order {
        account: account.to_owned(),
        direction: Direction::Outbound,
        to: to.to_owned(),
        from: from.to_owned(),
        reference: reference(status_callback.as_ref()),
        plan: Plan::Document(script),
        ring_seconds_max: form.seconds("Timeout", RING_SECONDS_DEFAULT, RING_SECONDS_MAX)?,
        talk_seconds_max: form.seconds("TimeLimit", TALK_SECONDS_MAX, TALK_SECONDS_MAX)?,
        detects: detection.is_some(),
        records: recording.is_some(),
        speaker: Arc::new(Terms { status_callback, events, detection, recording, ..Terms::default() }),
    })
}

pub async fn create(
    State(network): State<Arc<Network>>,
    Path(account): Path<String>,
    body: String,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let order = read_order(&account, &Form::read(&body))?;
    let sid = network.admit(order).await?;
    let created = network.with_call(&sid, |call| calls::resource(call)).ok_or(Refusal::NOT_FOUND)?;
    Ok((StatusCode::CREATED, Json(created)))
}
