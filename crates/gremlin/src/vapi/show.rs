//! A call as Vapi shows it. What is not known yet is left out; what was said and what it cost are known with the report.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    organisation, stamp,
    terms::{OPT_OUT_TOOL, Terms},
};
use crate::{
    call::{Call, Direction, Ending, Plan, Status},
    conversation::{Conversation, Segment, Sentiment, Who},
};

pub fn resource(call: &Call, public_url: &str) -> Value {
    let Some(terms) = call.order.terms::<Terms>() else { return Value::Null };
    let kind = if call.order.direction == Direction::Outbound { "outboundPhoneCall" } else { "inboundPhoneCall" };
    let mut shown = json!({
        "id": call.id,
        "orgId": organisation(&call.order.account),
        "type": kind,
        "phoneCallTransport": "pstn",
        "createdAt": stamp(call.created_at),
        "updatedAt": stamp(call.updated_at),
        "status": status(call.status),
        "assistantId": terms.assistant_id,
        "assistantOverrides": terms.overrides,
        "phoneNumberId": terms.number["id"],
        "customer": terms.customer,
    });
    if let Some(version) = &terms.version {
        shown["assistantVersion"] = version.as_str().into();
    }
    if !call.status.is_ended() {
        if terms.is_controlled() {
            shown["monitor"] = json!({ "controlUrl": format!("{public_url}/vapi/control/{}", call.id) });
        }
        if let Some(at) = call.answered_at {
            shown["startedAt"] = stamp(at).into();
        }
        return shown;
    }
    if let Some(ending) = call.ending {
        shown["endedReason"] = reason(ending, call.sip).into();
    }
    if let Some(at) = call.ended_at {
        shown["endedAt"] = stamp(at).into();
        if call.answered_at.is_some() {
            shown["startedAt"] = stamp(started_at(call, at)).into();
        }
    }
    if call.analyzed {
        for (name, value) in [("artifact", artifact(call, public_url)), ("analysis", analysis(call, &terms.assistant))] {
            shown[name] = value;
        }
        bill(call, &mut shown);
    }
    shown
}

/// In virtual time: Vapi tells no duration, so that the moments have to be as far apart as the talk was long.
fn started_at(call: &Call, ended_at: DateTime<Utc>) -> DateTime<Utc> {
    ended_at - TimeDelta::seconds(call.duration.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or_default())
}

pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Queued | Status::Initiated => "queued",
        Status::Ringing => "ringing",
        Status::InProgress => "in-progress",
        Status::Completed | Status::Busy | Status::NoAnswer | Status::Failed | Status::Canceled => "ended",
    }
}

pub const fn reason(ending: Ending, sip: Option<u16>) -> &'static str {
    match ending {
        Ending::Callee => "customer-ended-call",
        Ending::Agent => "assistant-ended-call",
        Ending::Order => "manually-canceled",
        Ending::Limit => "exceeded-max-duration",
        Ending::Machine => "voicemail",
        Ending::Busy => "customer-busy",
        Ending::NoAnswer => "customer-did-not-answer",
        Ending::Unreachable if matches!(sip, Some(404)) => "twilio-reported-customer-misdialed",
        Ending::Unreachable => "twilio-failed-to-connect-call",
    }
}

/// A number as messages show it.
pub fn number(kept: &Value) -> Value {
    let mut shown = json!({});
    for name in ["provider", "number", "name", "twilioAccountSid", "credentialId"] {
        if let Some(value) = kept.get(name) {
            shown[name] = value.clone();
        }
    }
    shown
}

pub fn tool_call() -> Value {
    json!({ "id": "call_1", "type": "function", "function": { "name": OPT_OUT_TOOL, "arguments": "{}" } })
}

/// In dollars; nothing for a talk that is not counted yet.
fn bill(call: &Call, shown: &mut Value) {
    let Some(micros) = call.price_micros.or(call.answered_at.is_none().then_some(0)) else { return };
    let dollars = micros as f64 / 1_000_000.0;
    shown["cost"] = dollars.into();
    shown["costBreakdown"] = json!({
        "transport": dollars * 4.0 / 9.0,
        "stt": dollars / 9.0,
        "llm": dollars / 9.0,
        "tts": dollars / 9.0,
        "vapi": dollars * 2.0 / 9.0,
        "total": dollars,
    });
    if let Some(seconds) = call.duration.filter(|seconds| *seconds > 0) {
        let minutes = seconds as f64 / 60.0;
        shown["costs"] = json!([
            { "type": "transport", "provider": "twilio", "minutes": minutes, "cost": dollars * 4.0 / 9.0 },
            { "type": "vapi", "subType": "normal", "minutes": minutes, "cost": dollars * 2.0 / 9.0 },
        ]);
    }
}

fn artifact(call: &Call, public_url: &str) -> Value {
    let segments = call.conversation.iter().flat_map(|conversation| &conversation.segments);
    let line = |one: &Segment| format!("{}: {}\n", if one.who == Who::Agent { "AI" } else { "User" }, one.text);
    let mut artifact = json!({ "messages": messages(call), "transcript": segments.map(line).collect::<String>() });
    if call.recording_id.is_some() {
        // Not for downloading: whoever tries is shown nothing.
        let link = format!("{public_url}/vapi/storage/{}-mono.wav", call.id);
        artifact["recordingUrl"] = link.as_str().into();
        artifact["recording"] = json!({ "mono": { "combinedUrl": link } });
    }
    artifact
}

/// The prompt, what was said, and the tool called once the person has said that they want no more calls.
fn messages(call: &Call) -> Value {
    let (Some(conversation), Some(ended_at)) = (&call.conversation, call.ended_at) else { return json!([]) };
    let Plan::Converse(brief) = &call.order.plan else { return json!([]) };
    let began = started_at(call, ended_at).timestamp_millis();
    let at = |seconds: f64| began + (seconds * 1000.0).round() as i64;
    let mut all = vec![json!({ "role": "system", "message": brief.prompt, "time": began, "secondsFromStart": 0 })];
    for one in &conversation.segments {
        all.push(json!({
            "role": if one.who == Who::Agent { "bot" } else { "user" },
            "message": one.text,
            "time": at(one.start),
            "endTime": at(one.end),
            "secondsFromStart": one.start,
            "duration": at(one.end) - at(one.start),
        }));
        if brief.opt_out.is_some() && conversation.opt_out() == Some(one) {
            all.push(json!({ "role": "tool_calls", "toolCalls": [tool_call()], "message": "", "time": at(one.end),
                             "secondsFromStart": one.end }));
        }
    }
    all.into()
}

fn analysis(call: &Call, assistant: &Value) -> Value {
    let Some(conversation) = &call.conversation else { return json!({}) };
    let properties = &assistant["analysisPlan"]["structuredDataPlan"]["schema"]["properties"];
    let found: Value = properties
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, asked)| (name.clone(), answer(conversation, name, asked)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "summary": conversation.summary,
        "successEvaluation": conversation.successful.to_string(),
        "structuredData": found,
    })
}

/// What a model would say to one thing asked.
fn answer(conversation: &Conversation, name: &str, asked: &Value) -> Value {
    match (name, asked["type"].as_str()) {
        (OPT_OUT_TOOL, _) => conversation.opted_out.into(),
        ("keywords", _) => conversation.keywords.join(", ").into(),
        (name, _) if name.ends_with("voicemail") => conversation.voicemail.into(),
        (name, _) if name.ends_with("sentiment") => match conversation.sentiment {
            Sentiment::Positive => "positive".into(),
            Sentiment::Neutral => "neutral".into(),
            Sentiment::Negative => "negative".into(),
        },
        (_, Some("boolean")) => conversation.successful.into(),
        (_, Some("number")) => conversation.segments.len().into(),
        _ if asked["enum"].is_array() => asked["enum"][0].clone(),
        _ => conversation.summary.clone().into(),
    }
}
