//! What a call at ElevenLabs was ordered with, the conversation as ElevenLabs shows it, and the webhooks about it.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{sign::signature, webhooks::Target};
use crate::{
    call::{Call, Direction, Ending, Status},
    callbacks::UNKNOWN_STATUS,
    clock,
    conversation::{Conversation, Segment, Sentiment, Who},
    network::Network,
    speaker::{Bill, Body, Message, Moment, Patience, Speaker},
    tone,
};

/// A typical price per begun minute, in millionths of a dollar, and what it is in credits.
const PRICE_PER_MINUTE_MICROS: u64 = 100_000;
const CREDIT_MICROS: u64 = 200;
/// When the analysis is there, after the end.
const ANALYSIS_SECONDS: f64 = 5.0;
/// More tries of a webhook that was not taken, where somebody switched them on.
const REPEATS: u32 = 3;
const REPEAT_WAIT: Duration = Duration::from_millis(200);

/// The agent as it was when the call was placed, and what came along.
#[derive(Debug)]
pub struct Terms {
    pub agent: Value,
    pub number: Value,
    /// `conversation_initiation_client_data`.
    pub told: Value,
    pub webhook: Option<Target>,
}

impl Speaker for Terms {
    fn provider(&self) -> &'static str {
        "elevenlabs"
    }

    fn new_id(&self, network: &Network, serial: u64) -> String {
        format!("conv_{}", &network.new_sid("CA", &serial.to_string())[2..30])
    }

    /// One event when nobody was reached, and one when everything is known of a talk; the sound by itself, to who asked for it.
    fn tell(&self, network: &Network, call: &Call, moment: Moment) -> Vec<Message> {
        let Some(target) = &self.webhook else { return Vec::new() };
        let all: Vec<(&str, &str, Value)> = match (moment, call.answered_at) {
            (Moment::Ended, None) => {
                vec![("call_initiation_failure", "call_initiation_failure", failure(network, call, self))]
            }
            (Moment::Analyzed, Some(_)) => {
                vec![("transcript", "post_call_transcription", resource(network, call)), ("audio", "post_call_audio", json!({}))]
            }
            _ => Vec::new(),
        };
        let wanted = all.into_iter().filter(|(event, ..)| target.events.iter().any(|one| one == event));
        let message = |(_, kind, mut data): (&str, &str, Value)| {
            if kind == "post_call_audio" {
                let sound = tone::mp3(call.duration.unwrap_or_default() as f64);
                data = json!({ "agent_id": self.agent["agent_id"], "conversation_id": call.id, "full_audio": BASE64_STANDARD.encode(sound) });
            }
            let body = json!({ "type": kind, "event_timestamp": clock::now().timestamp(), "data": data });
            Message { url: target.url.clone(), method: "POST".to_owned(), event: kind.to_owned(), body: Body::Json(body) }
        };
        wanted.map(message).collect()
    }

    fn seal(&self, network: &Network, account: &str, message: &Message, forged: bool) -> RequestBuilder {
        let Body::Json(body) = &message.body else { unreachable!("ElevenLabs' messages are JSON") };
        let bytes = body.to_string().into_bytes();
        let secret = if forged { "forged".to_owned() } else { crate::webhook_secret(&network.token(account)) };
        let signed = signature(&secret, &bytes, network.signing_time(account).timestamp());
        let request = network.client.post(&message.url).header("content-type", "application/json");
        request.header("elevenlabs-signature", signed).body(bytes)
    }

    fn garble(&self, message: &mut Message) -> bool {
        let Body::Json(body) = &mut message.body else { return false };
        let name = match body["type"].as_str() {
            Some("post_call_transcription") => "status",
            Some("call_initiation_failure") => "failure_reason",
            _ => return false,
        };
        body["data"][name] = UNKNOWN_STATUS.into();
        true
    }

    /// Sent once: what is not taken is gone.
    fn patience(&self) -> Patience {
        let repeats = self.webhook.as_ref().is_some_and(|target| target.repeats);
        Patience::Repeats { times: if repeats { REPEATS } else { 0 }, wait: REPEAT_WAIT }
    }

    fn bill(&self, seconds: u64) -> Bill {
        Bill { micros: seconds.div_ceil(60) * PRICE_PER_MINUTE_MICROS, after_seconds: 0.0 }
    }

    fn analysis_seconds(&self) -> Option<f64> {
        Some(ANALYSIS_SECONDS)
    }
}

/// The carrier's id of a call.
pub fn carrier_id(network: &Network, id: &str) -> String {
    network.new_sid("CA", id)
}

fn direction(call: &Call) -> &'static str {
    match call.order.direction {
        Direction::Outbound => "outbound",
        Direction::Inbound => "inbound",
    }
}

fn status(call: &Call) -> &'static str {
    match call.status {
        Status::Queued | Status::Initiated | Status::Ringing => "initiated",
        Status::InProgress => "in-progress",
        Status::Completed if call.analyzed => "done",
        Status::Completed => "processing",
        Status::Busy | Status::NoAnswer | Status::Failed | Status::Canceled => "failed",
    }
}

/// Why nobody was reached, in the three words that there are.
const fn failure_reason(status: Status) -> &'static str {
    match status {
        Status::Busy => "busy",
        Status::NoAnswer => "no-answer",
        _ => "unknown",
    }
}

const fn termination(ending: Ending) -> &'static str {
    match ending {
        Ending::Callee | Ending::Order => "Call ended by remote party",
        Ending::Agent => "end_call tool was called.",
        Ending::Limit => "Conversation exceeded maximum duration",
        Ending::Machine => "voicemail_detection tool was called.",
        Ending::Busy | Ending::NoAnswer | Ending::Unreachable => "",
    }
}

fn is_trunk(terms: &Terms) -> bool {
    terms.number["provider"] == "sip_trunk"
}

fn failure(network: &Network, call: &Call, terms: &Terms) -> Value {
    let reason = failure_reason(call.status);
    let sid = carrier_id(network, &call.id);
    let metadata = if is_trunk(terms) {
        let why = format!("INVITE failed: sip status: {}", call.sip.unwrap_or(500));
        json!({ "type": "sip", "body": { "from_number": call.order.to, "to_number": call.order.from, "sip_status_code": call.sip,
                "error_reason": why, "call_sid": sid, "sip_status": reason, "twirp_code": "unavailable" } })
    } else {
        json!({ "type": "twilio", "body": { "CallSid": sid, "CallStatus": call.status.word(), "To": call.order.to, "From": call.order.from,
                "SipResponseCode": call.sip.map(|code| code.to_string()), "SequenceNumber": "2", "CallDuration": "0" } })
    };
    json!({ "agent_id": terms.agent["agent_id"], "conversation_id": call.id, "failure_reason": reason, "metadata": metadata })
}

/// The conversation in a list.
pub fn summary(call: &Call) -> Value {
    let terms = call.order.terms::<Terms>();
    json!({
        "agent_id": terms.map(|terms| &terms.agent["agent_id"]),
        "agent_name": terms.map(|terms| &terms.agent["name"]),
        "conversation_id": call.id,
        "start_time_unix_secs": call.created_at.timestamp(),
        "call_duration_secs": call.duration.unwrap_or_default(),
        "message_count": call.conversation.as_ref().map_or(0, |conversation| conversation.segments.len()),
        "status": status(call),
        "termination_reason": call.ending.map_or("", termination),
        "call_successful": successful(call),
        "direction": direction(call),
    })
}

/// The conversation as ElevenLabs shows it.
pub fn resource(network: &Network, call: &Call) -> Value {
    let Some(terms) = call.order.terms::<Terms>() else { return Value::Null };
    let outbound = call.order.direction == Direction::Outbound;
    let (ours, theirs) = if outbound { (&call.order.from, &call.order.to) } else { (&call.order.to, &call.order.from) };
    let mut phone = json!({
        "type": if is_trunk(terms) { "sip_trunking" } else { "twilio" },
        "direction": direction(call),
        "phone_number_id": terms.number["phone_number_id"],
        "agent_number": ours,
        "external_number": theirs,
        "call_sid": carrier_id(network, &call.id),
    });
    if !is_trunk(terms) {
        phone["stream_sid"] = network.new_sid("MZ", &call.id).into();
    }
    let ended = call.status.is_ended();
    let unreached = ended && call.answered_at.is_none();
    let error = unreached.then(|| json!({ "code": call.sip.unwrap_or(500), "reason": failure_reason(call.status) }));
    let detects = call.order.detects;
    let machine = matches!(call.ending, Some(Ending::Machine));
    let price = call.price_micros.filter(|_| ended);
    json!({
        "agent_id": terms.agent["agent_id"],
        "agent_name": terms.agent["name"],
        "conversation_id": call.id,
        "status": status(call),
        "user_id": terms.told["user_id"],
        "has_audio": call.recording_id.is_some(),
        "has_user_audio": call.recording_id.is_some(),
        "has_response_audio": call.recording_id.is_some(),
        "has_auxiliary_audio": false,
        "transcript": if ended { transcript(call) } else { json!([]) },
        "metadata": {
            "start_time_unix_secs": call.created_at.timestamp(),
            "accepted_time_unix_secs": call.answered_at.map(|at| at.timestamp()),
            "call_duration_secs": call.duration.unwrap_or_default(),
            "cost": price.map(|micros| micros / CREDIT_MICROS),
            "cost_fiat": price.map(|micros| micros as f64 / 1e6),
            "authorization_method": "authorization_header",
            "phone_call": phone,
            "termination_reason": call.ending.map_or("", termination),
            "error": error,
            "features_usage": { "voicemail_detection": { "enabled": detects, "used": machine } },
            "conversation_initiation_source": terms.number["provider"],
        },
        "analysis": call.conversation.as_ref().filter(|_| call.analyzed).map(|talk| analysis(call, talk, &terms.agent)),
        "conversation_initiation_client_data": {
            "conversation_config_override": terms.told.get("conversation_config_override").cloned().unwrap_or_else(|| json!({})),
            "dynamic_variables": terms.told.get("dynamic_variables").cloned().unwrap_or_else(|| json!({})),
        },
    })
}

/// What was said, and the tools that ended it.
fn transcript(call: &Call) -> Value {
    let Some(conversation) = &call.conversation else { return json!([]) };
    let turn = |segment: &Segment| {
        let role = if segment.who == Who::Agent { "agent" } else { "user" };
        json!({ "role": role, "message": segment.text, "tool_calls": [], "tool_results": [], "time_in_call_secs": segment.start as u64 })
    };
    let mut turns: Vec<Value> = conversation.segments.iter().map(turn).collect();
    let tool = match call.ending {
        Some(Ending::Machine) => Some(("voicemail_detection", json!({ "reason": "A machine announced itself." }))),
        Some(Ending::Agent) if conversation.opted_out => {
            Some(("end_call", json!({ "reason": "opt_out", "message": conversation.segments.last().map(|last| &last.text) })))
        }
        Some(Ending::Agent) => Some(("end_call", json!({ "reason": "Everything was said." }))),
        _ => None,
    };
    if let Some((name, params)) = tool {
        let called = json!([{ "type": "system", "request_id": "tool_1", "tool_name": name, "params_as_json": params.to_string(),
                              "tool_has_been_called": true }]);
        turns.push(json!({ "role": "agent", "message": null, "tool_calls": called, "tool_results": [],
                           "time_in_call_secs": call.duration.unwrap_or_default() }));
    }
    turns.into()
}

fn successful(call: &Call) -> &'static str {
    match &call.conversation {
        Some(conversation) if call.analyzed && conversation.successful => "success",
        Some(_) if call.analyzed => "failure",
        _ => "unknown",
    }
}

fn analysis(call: &Call, conversation: &Conversation, agent: &Value) -> Value {
    let sentiment = match conversation.sentiment {
        Sentiment::Positive => "positive",
        Sentiment::Neutral => "neutral",
        Sentiment::Negative => "negative",
    };
    let mut found = json!({});
    for (name, asked) in agent["platform_settings"]["data_collection"].as_object().into_iter().flatten() {
        let value: Value = match (name.as_str(), asked["type"].as_str()) {
            ("opt_out", _) => conversation.opted_out.into(),
            ("keywords", _) => conversation.keywords.join(", ").into(),
            ("belfry_sentiment", _) if conversation.voicemail => Value::Null,
            ("belfry_sentiment", _) => sentiment.into(),
            ("belfry_machine", _) => conversation.voicemail.into(),
            (_, Some("boolean")) => conversation.successful.into(),
            (_, Some("number" | "integer")) => conversation.segments.len().into(),
            _ if asked["enum"].is_array() => asked["enum"][0].clone(),
            _ => conversation.summary.clone().into(),
        };
        found[name] = json!({ "data_collection_id": name, "value": value, "rationale": "It was said so." });
    }
    json!({
        "evaluation_criteria_results": {},
        "data_collection_results": found,
        "call_successful": successful(call),
        "transcript_summary": conversation.summary,
    })
}
