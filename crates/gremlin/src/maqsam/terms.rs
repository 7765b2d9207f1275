//! The call as Maqsam shows it, and the "Notify" webhook about it. There is no signature and no price; what was said comes
//! minutes after the end.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::portal::{Format, Method, Notify};
use crate::{
    call::{Call, Direction, Status},
    callbacks::UNKNOWN_STATUS,
    callee::Pickup,
    conversation::{Conversation, Segment, Sentiment, Who},
    network::Network,
    speaker::{Bill, Body, Message, Moment, Patience, Speaker},
};

/// The tag by which people of the account note that somebody does not want to be called again.
const OPT_OUT_TAG: &str = "do_not_call";
/// When transcript, summary and recording are there, after the end.
const ANALYSIS_SECONDS: f64 = 120.0;
/// What an agent does after a call.
const WRAP_UP_SECONDS: u64 = 7;

/// Who talks, and where the account wants to be told.
#[derive(Debug)]
pub struct Terms {
    pub agent: Value,
    pub name: Value,
    pub notify: Option<Notify>,
}

impl Speaker for Terms {
    fn provider(&self) -> &'static str {
        "maqsam"
    }

    /// The reference. The call's number is another, see [`number`].
    fn new_id(&self, network: &Network, serial: u64) -> String {
        network.new_sid("", &format!("maqsam {serial}"))
    }

    fn tell(&self, _network: &Network, call: &Call, moment: Moment) -> Vec<Message> {
        let (Some(notify), Moment::Answered | Moment::Ended) = (&self.notify, moment) else { return Vec::new() };
        let shown = resource(call);
        // What the webhook carries: not the reference.
        let names = [
            "id",
            "caller",
            "callee",
            "callerNumber",
            "calleeNumber",
            "state",
            "direction",
            "timestamp",
            "duration",
            "handlingTime",
            "agents",
        ];
        let event = shown["state"].as_str().unwrap_or_default().to_owned();
        let method = if notify.method == Method::Get { "GET" } else { "POST" };
        let body = if notify.method == Method::Post && notify.format == Format::Json {
            Body::Json(names.iter().map(|name| ((*name).to_owned(), shown[*name].clone())).collect())
        } else {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Body::Form(names.iter().map(|name| ((*name).to_owned(), text(&shown[*name]))).collect())
        };
        vec![Message { url: notify.url.clone(), method: method.to_owned(), event, body }]
    }

    /// A forged one does not know the secret that the customer put into the URL or a header.
    fn seal(&self, network: &Network, _account: &str, message: &Message, forged: bool) -> RequestBuilder {
        let url = match message.url.split_once('?') {
            Some((path, _)) if forged => path,
            _ => &message.url,
        };
        let header = self.notify.as_ref().and_then(|notify| notify.header.as_ref()).filter(|_| !forged);
        let request = match (&message.body, message.method.as_str()) {
            (Body::Form(form), "GET") => network.client.get(url).query(form),
            (Body::Form(form), _) => network.client.post(url).form(form),
            (Body::Json(body), _) => network.client.post(url).json(body),
        };
        header.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn garble(&self, message: &mut Message) -> bool {
        match &mut message.body {
            Body::Json(body) => body["state"] = UNKNOWN_STATUS.into(),
            Body::Form(form) => {
                for (_, value) in form.iter_mut().filter(|(name, _)| name == "state") {
                    UNKNOWN_STATUS.clone_into(value);
                }
            }
        }
        true
    }

    fn patience(&self) -> Patience {
        Patience::OnceUnconnected
    }

    fn bill(&self, _seconds: u64) -> Bill {
        Bill { micros: 0, after_seconds: 0.0 }
    }

    fn analysis_seconds(&self) -> Option<f64> {
        Some(ANALYSIS_SECONDS)
    }
}

/// The number by which lists, webhooks and recordings know a call. Grows, and differs between two runs.
pub fn number(call: &Call) -> i64 {
    call.created_at.timestamp_millis() * 1000 + i64::try_from(call.serial % 1000).unwrap_or_default()
}

/// Is the recording there to be fetched? It comes with the text. `None` when there never will be one.
pub fn recorded(call: &Call) -> Option<bool> {
    call.recording_id.as_ref().map(|_| call.analyzed)
}

/// The call as it is listed and fetched. A call that nobody has answered yet has no state.
pub fn resource(call: &Call) -> Value {
    let Some(terms) = call.order.terms::<Terms>() else { return Value::Null };
    let digits = |phone: &str| phone.trim_start_matches('+').to_owned();
    let seconds = call.duration.unwrap_or_default();
    let direction = if call.order.direction == Direction::Outbound { "outbound" } else { "inbound" };
    let mut shown = json!({
        "id": number(call),
        "referenceId": call.id,
        "caller": terms.name,
        "callee": "",
        "callerNumber": digits(&call.order.from),
        "calleeNumber": digits(&call.order.to),
        "type": direction,
        "direction": direction,
        "timestamp": call.created_at.timestamp(),
        "duration": seconds,
        "ringingTime": ringing_seconds(call),
        "holdTime": 0,
        "waitingTime": 0,
        "handlingTime": if call.status.is_ended() { seconds + WRAP_UP_SECONDS } else { 0 },
        "agents": [terms.agent],
        "tags": [],
        "autoTags": [],
    });
    if let Some(state) = state(call.status) {
        shown["state"] = state.into();
    }
    if let Some(conversation) = call.conversation.as_ref().filter(|_| call.analyzed) {
        judge(&mut shown, conversation);
    }
    shown
}

const fn state(status: Status) -> Option<&'static str> {
    match status {
        Status::Queued | Status::Initiated | Status::Ringing => None,
        Status::InProgress => Some("in_progress"),
        Status::Completed => Some("completed"),
        Status::Busy => Some("busy"),
        Status::NoAnswer => Some("no_answer"),
        Status::Failed => Some("failed"),
        // Nobody can cancel over the API; in the portal somebody might.
        Status::Canceled => Some("dropped"),
    }
}

fn ringing_seconds(call: &Call) -> u64 {
    match call.callee.pickup {
        Pickup::Human { ring, .. } | Pickup::Machine { ring, .. } | Pickup::Busy { ring } => ring.round() as u64,
        Pickup::NoAnswer => call.order.ring_seconds_max as u64,
        Pickup::Failed { .. } => 0,
        Pickup::Person => {
            let until = call.answered_at.or(call.ended_at);
            let rang = call.started_at.zip(until).and_then(|(from, until)| (until - from).to_std().ok());
            rang.unwrap_or_default().as_secs()
        }
    }
}

/// What comes minutes later.
fn judge(shown: &mut Value, conversation: &Conversation) {
    let speaker = |segment: &Segment| if segment.who == Who::Agent { "agent" } else { "customer" };
    let lines: Vec<String> =
        conversation.segments.iter().map(|segment| format!("{}: {}", speaker(segment), segment.text)).collect();
    let rounded = |seconds: f64| (seconds * 100.0).round() / 100.0;
    let turn = |segment: &Segment| {
        json!({ "speaker": speaker(segment), "startTime": rounded(segment.start), "endTime": rounded(segment.end),
                "content": segment.text })
    };
    shown["transcription"] = lines.join("\n").into();
    shown["segments"] = conversation.segments.iter().map(turn).collect();
    shown["summary"] = json!({ "en": conversation.summary, "ar": "تحدث الموظف مع العميل عن الطلب." });
    shown["autoTags"] = json!(conversation.keywords);
    if conversation.voicemail {
        shown["tags"] = json!(["voicemail"]);
        return;
    }
    shown["sentiment"] = match conversation.sentiment {
        Sentiment::Positive => "positive",
        Sentiment::Neutral => "neutral",
        Sentiment::Negative => "negative",
    }
    .into();
    if conversation.opted_out {
        shown["tags"] = json!([OPT_OUT_TAG]);
    } else if conversation.successful {
        shown["tags"] = json!(["interested"]);
    }
}
