//! What a call at Retell was ordered with, the call as Retell shows it, and the webhooks about it.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::sign::signature;
use crate::{
    call::{Call, Direction, Ending, Status},
    callbacks::UNKNOWN_STATUS,
    clock,
    conversation::{Segment, Sentiment, Who},
    network::Network,
    speaker::{Bill, Body, Message, Moment, Patience, Speaker},
};

/// The tool of an agent by which it notes that somebody does not want to be called again.
pub const OPT_OUT_TOOL: &str = "opt_out";
/// A typical price per begun minute, in millionths of a dollar.
const PRICE_PER_MINUTE_MICROS: u64 = 70_000;
/// When the analysis is there, after the end.
const ANALYSIS_SECONDS: f64 = 5.0;
/// Three more tries of a webhook that was not taken.
const REPEATS: u32 = 3;
const REPEAT_WAIT: Duration = Duration::from_millis(200);
const EVENTS_DEFAULT: [&str; 3] = ["call_started", "call_ended", "call_analyzed"];

/// The agent as it was when the call was placed, and what came along.
#[derive(Debug)]
pub struct Terms {
    pub agent: Value,
    pub metadata: Option<Value>,
    pub variables: Value,
}

impl Speaker for Terms {
    fn provider(&self) -> &'static str {
        "retell"
    }

    fn new_id(&self, network: &Network, serial: u64) -> String {
        format!("call_{}", network.new_sid("CA", &serial.to_string())[2..29].to_lowercase())
    }

    /// There is no event for ringing, and none for an answer that never came (providers.md §13, edge 10).
    fn tell(&self, network: &Network, call: &Call, moment: Moment) -> Vec<Message> {
        let event = match moment {
            Moment::Answered => "call_started",
            Moment::Ended => "call_ended",
            Moment::Analyzed => "call_analyzed",
            _ => return Vec::new(),
        };
        let wanted = match self.agent["webhook_events"].as_array() {
            Some(events) => events.iter().any(|one| one == event),
            None => EVENTS_DEFAULT.contains(&event),
        };
        let Some(url) = self.agent["webhook_url"].as_str().filter(|url| wanted && !url.is_empty()) else { return Vec::new() };
        let body = json!({
            "event": event,
            "event_timestamp": clock::now().timestamp_millis(),
            "call": resource(call, &network.public_url),
        });
        vec![Message { url: url.to_owned(), method: "POST".to_owned(), event: event.to_owned(), body: Body::Json(body) }]
    }

    fn seal(&self, network: &Network, account: &str, message: &Message, forged: bool) -> RequestBuilder {
        let Body::Json(body) = &message.body else { unreachable!("Retell's messages are JSON") };
        sealed(network, account, &message.url, body, forged)
    }

    fn garble(&self, message: &mut Message) -> bool {
        let Body::Json(body) = &mut message.body else { return false };
        body["call"]["call_status"] = UNKNOWN_STATUS.into();
        true
    }

    fn patience(&self) -> Patience {
        Patience::Repeats { times: REPEATS, wait: REPEAT_WAIT }
    }

    fn bill(&self, seconds: u64) -> Bill {
        Bill { micros: seconds.div_ceil(60) * PRICE_PER_MINUTE_MICROS, after_seconds: 0.0 }
    }

    fn analysis_seconds(&self) -> Option<f64> {
        Some(ANALYSIS_SECONDS)
    }
}

/// A signed webhook.
pub fn sealed(network: &Network, account: &str, url: &str, body: &Value, forged: bool) -> RequestBuilder {
    let bytes = body.to_string().into_bytes();
    let key = if forged { "forged".to_owned() } else { network.key(account) };
    let signed = signature(&key, &bytes, network.signing_time(account).timestamp_millis());
    network.client.post(url).header("content-type", "application/json").header("x-retell-signature", signed).body(bytes)
}

/// The call as Retell shows it; what is not known yet is left out.
pub fn resource(call: &Call, public_url: &str) -> Value {
    let Some(terms) = call.order.terms::<Terms>() else { return Value::Null };
    let direction = if call.order.direction == Direction::Outbound { "outbound" } else { "inbound" };
    let mut shown = json!({
        "call_type": "phone_call",
        "call_id": call.id,
        "agent_id": terms.agent["agent_id"],
        "agent_name": terms.agent["agent_name"],
        "agent_version": terms.agent["version"],
        "call_status": status(call.status),
        "from_number": call.order.from,
        "to_number": call.order.to,
        "direction": direction,
        "retell_llm_dynamic_variables": terms.variables,
        "opt_in_signed_url": false,
    });
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown[name] = value;
        }
    };
    put("metadata", terms.metadata.clone());
    put("start_timestamp", call.answered_at.map(|at| at.timestamp_millis().into()));
    if !call.status.is_ended() {
        return shown;
    }
    put("end_timestamp", call.ended_at.map(|at| at.timestamp_millis().into()));
    put("disconnection_reason", call.ending.map(|ending| reason(ending, call.sip).into()));
    let talked = call.duration.filter(|seconds| *seconds > 0);
    put("duration_ms", talked.map(|seconds| (seconds * 1000).into()));
    put("recording_url", call.recording_id.as_ref().map(|id| format!("{public_url}/retell/recordings/{id}.wav").into()));
    put("call_cost", talked.and(call.price_micros).map(|micros| cost(micros, talked.unwrap_or_default())));
    if let Some(conversation) = &call.conversation {
        put("transcript", Some(conversation.segments.iter().map(line).collect::<String>().into()));
        put("transcript_object", Some(conversation.segments.iter().map(utterance).collect()));
        put("transcript_with_tool_calls", Some(with_tool_calls(call)));
    }
    put("call_analysis", call.analyzed.then(|| analysis(call, &terms.agent)));
    shown
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Queued | Status::Initiated | Status::Ringing => "registered",
        Status::InProgress => "ongoing",
        Status::Completed => "ended",
        Status::Busy | Status::NoAnswer | Status::Failed | Status::Canceled => "not_connected",
    }
}

const fn reason(ending: Ending, sip: Option<u16>) -> &'static str {
    match ending {
        Ending::Callee => "user_hangup",
        Ending::Agent => "agent_hangup",
        Ending::Order => "manual_stopped",
        Ending::Limit => "max_duration_reached",
        Ending::Machine => "voicemail_reached",
        Ending::Busy => "dial_busy",
        Ending::NoAnswer => "dial_no_answer",
        Ending::Unreachable if matches!(sip, Some(404)) => "invalid_destination",
        Ending::Unreachable => "dial_failed",
    }
}

/// In cents, with fractions.
fn cost(micros: u64, seconds: u64) -> Value {
    let cents = micros as f64 / 10_000.0;
    json!({
        "product_costs": [{ "product": "retell_platform", "unit_price": cents / seconds as f64, "cost": cents }],
        "total_duration_seconds": seconds,
        "total_duration_unit_price": cents / seconds as f64,
        "combined_cost": cents,
    })
}

fn line(segment: &Segment) -> String {
    let who = if segment.who == Who::Agent { "Agent" } else { "User" };
    format!("{who}: {}\n", segment.text)
}

/// Words share the time of their turn.
fn utterance(segment: &Segment) -> Value {
    let words: Vec<&str> = segment.text.split_whitespace().collect();
    let each = (segment.end - segment.start) / words.len().max(1) as f64;
    let at = |n: usize| ((segment.start + each * n as f64) * 1000.0).round() / 1000.0;
    let words: Vec<Value> =
        words.iter().enumerate().map(|(n, word)| json!({ "word": word, "start": at(n), "end": at(n + 1) })).collect();
    let role = if segment.who == Who::Agent { "agent" } else { "user" };
    json!({ "role": role, "content": segment.text, "words": words })
}

/// The transcript, with the tool called once the person has said that they want no more calls.
fn with_tool_calls(call: &Call) -> Value {
    let Some(conversation) = &call.conversation else { return json!([]) };
    let has_tool = matches!(&call.order.plan, crate::call::Plan::Converse(brief) if brief.opt_out.is_some());
    let mut all = Vec::new();
    for segment in &conversation.segments {
        all.push(utterance(segment));
        if has_tool && conversation.opt_out() == Some(segment) {
            all.push(
                json!({ "role": "tool_call_invocation", "tool_call_id": "tool_1", "name": OPT_OUT_TOOL, "arguments": "{}" }),
            );
        }
    }
    all.into()
}

fn analysis(call: &Call, agent: &Value) -> Value {
    let Some(conversation) = &call.conversation else {
        return json!({ "call_summary": "The call was not connected.", "in_voicemail": false, "user_sentiment": "Unknown",
                       "call_successful": false, "custom_analysis_data": {} });
    };
    let sentiment = match conversation.sentiment {
        _ if conversation.voicemail => "Unknown",
        Sentiment::Positive => "Positive",
        Sentiment::Neutral => "Neutral",
        Sentiment::Negative => "Negative",
    };
    let mut found = json!({});
    for asked in agent["post_call_analysis_data"].as_array().into_iter().flatten() {
        let Some(name) = asked["name"].as_str() else { continue };
        found[name] = match (name, asked["type"].as_str()) {
            (OPT_OUT_TOOL, _) => conversation.opted_out.into(),
            ("keywords", _) => conversation.keywords.join(", ").into(),
            (_, Some("boolean")) => conversation.successful.into(),
            (_, Some("number")) => conversation.segments.len().into(),
            (_, Some("enum")) => asked["choices"][0].clone(),
            (_, Some("string")) => conversation.summary.clone().into(),
            _ => continue,
        };
    }
    json!({
        "call_summary": conversation.summary,
        "in_voicemail": conversation.voicemail,
        "user_sentiment": sentiment,
        "call_successful": conversation.successful,
        "custom_analysis_data": found,
    })
}
