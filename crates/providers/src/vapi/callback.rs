//! Reading what Vapi posts to us, and writing what it wants to hear. A message carries the call as it was when the message was
//! made, and beside it what is new; the message's own fields count. Status and report are told apart, either may be lost or
//! come first, and only the report knows the cost (providers.md §13, edge 22).

use serde::Deserialize;
use serde_json::{Map, Number, Value, json};
use sha2::{Digest, Sha256};

use super::{CALL_KEY, wire};
use crate::{
    analysis::{Analysis, OPT_OUT},
    signature::hex,
    voice::{Callback, CallbackKind, Incoming, Malformed, ProviderCallId, ProviderStatus, Reply},
};

/// How much of a message of unknown kind is kept.
const RAW_CHARS_MAX: usize = 2_000;
const STATUS: &str = "status-update";
const REPORT: &str = "end-of-call-report";
const TOOLS: &str = "tool-calls";
/// Messages that say nothing beyond the call they carry. Our assistants do not ask for them; others' may.
const KNOWN_TYPES: &[&str] = &[
    STATUS,
    REPORT,
    TOOLS,
    "assistant-request",
    "assistant.started",
    "assistant.speechStarted",
    "call.artifact.upload",
    "call.delete.failed",
    "call.deleted",
    "call.endpointing.request",
    "conversation-update",
    "function-call",
    "handoff-destination-request",
    "hang",
    "knowledge-base-request",
    "language-change-detected",
    "language-changed",
    "model-output",
    "phone-call-control",
    "speech-update",
    "transcript",
    "transcript[transcriptType=\"final\"]",
    "transfer-destination-request",
    "transfer-update",
    "user-interrupted",
    "voice-input",
    "voice-request",
];
/// Said to whoever calls a number that takes no calls now.
const DECLINED: &str = "This number takes no calls at the moment. Goodbye.";

#[derive(Deserialize)]
struct Envelope {
    message: Value,
}

/// What a message says beside the call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    timestamp: Option<Number>,
    call: Option<Map<String, Value>>,
    #[serde(default)]
    tool_call_list: Vec<Value>,
}

impl Message {
    fn calls_opt_out(&self) -> bool {
        self.tool_call_list.iter().any(|tool| tool["function"]["name"] == OPT_OUT)
    }
}

fn read(body: &[u8]) -> Result<(Message, wire::Call, Value), Malformed> {
    let Envelope { message: raw } = serde_json::from_slice(body).map_err(|why| Malformed(why.to_string()))?;
    let message: Message = serde_json::from_value(raw.clone()).map_err(|why| Malformed(why.to_string()))?;
    let mut call = message.call.clone().unwrap_or_default();
    const NEWER: [&str; 10] =
        ["status", "endedReason", "startedAt", "endedAt", "cost", "costBreakdown", "costs", "analysis", "artifact", "customer"];
    let own = NEWER.iter().chain(&["phoneNumber"]).filter_map(|name| Some((*name, raw.get(*name)?)));
    call.extend(own.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value.clone())));
    if message.kind == REPORT {
        call.insert("status".to_owned(), "ended".into());
    }
    let call: wire::Call = serde_json::from_value(Value::Object(call)).map_err(|why| Malformed(why.to_string()))?;
    Ok((message, call, raw))
}

/// The news of one request that has been verified.
pub fn parse(body: &[u8]) -> Result<Vec<Callback>, Malformed> {
    let (message, call, raw) = read(body)?;
    if call.id.is_empty() {
        return Err(Malformed("no id of a call".into()));
    }
    let kind = message.kind.as_str();
    let mut news = call.news();
    if let Some(CallbackKind::Status(seen)) = news.first_mut() {
        if kind == STATUS && seen.raw_status == "in-progress" {
            seen.status = ProviderStatus::Answered;
        }
        if kind != REPORT {
            // Not counted yet, or not to the end.
            (seen.price_micros, seen.currency) = (None, None);
        }
    }
    if kind == TOOLS && message.calls_opt_out() {
        news.push(CallbackKind::Analysis(Box::new(Analysis { opted_out: Some(true), ..Analysis::default() })));
    }
    let raw_text = || String::from_utf8_lossy(body).chars().take(RAW_CHARS_MAX).collect();
    if !KNOWN_TYPES.contains(&kind) {
        news.push(CallbackKind::Unknown(raw_text()));
    }
    if call.status.is_none() && kind != STATUS {
        // What has no status says nothing of it, which is not the same as a status that we do not know.
        news.retain(|one| !matches!(one, CallbackKind::Status(_)));
    }
    if news.is_empty() {
        news.push(CallbackKind::Unknown(raw_text()));
    }
    let at = message.timestamp.as_ref().and_then(Number::as_f64).map(|ms| ms as i64);
    // A repeat has the time of the first; two messages of other kinds may share one.
    let which = match (kind, at) {
        (STATUS, Some(at)) => format!("{}:{at}", call.status.as_deref().unwrap_or_default()),
        (REPORT, Some(at)) => at.to_string(),
        _ => hex(&Sha256::digest(raw.to_string())[..8]),
    };
    let named = |one: CallbackKind| {
        let part = match one {
            CallbackKind::Recording(_) => ":recording",
            CallbackKind::Analysis(_) => ":analysis",
            CallbackKind::Unknown(_) => ":unknown",
            _ => "",
        };
        Callback {
            id: ProviderCallId::new(&call.id),
            call: call.ours(),
            event_id: format!("{}:{kind}:{which}{part}", call.id),
            at: at.and_then(chrono::DateTime::from_timestamp_millis),
            sequence: None,
            kind: one,
        }
    };
    Ok(news.into_iter().map(named).collect())
}

/// "Somebody calls this number, who shall talk?"
pub fn parse_inbound(body: &[u8]) -> Result<Incoming, Malformed> {
    let (message, call, _) = read(body)?;
    if message.kind != "assistant-request" || call.id.is_empty() {
        return Err(Malformed("no question who shall talk".into()));
    }
    let to = call.own_number().ok_or_else(|| Malformed("the number that was called is no phone number".into()))?;
    Ok(Incoming { id: ProviderCallId::new(&call.id), from: call.other_number(), to })
}

/// What Vapi wants to hear. It reads no body but that of the question above: our tools are asynchronous.
pub fn reply(reply: &Reply) -> Value {
    match reply {
        // No version can be named here: the newest talks.
        Reply::Connect { call, agent, variables } => json!({
            "assistantId": agent.id,
            "assistantOverrides": { "variableValues": variables, "metadata": { CALL_KEY: call.to_string() } },
        }),
        Reply::Decline => json!({ "error": DECLINED }),
        // Texts are said by assistants here: there is nothing to answer with.
        Reply::Acknowledge | Reply::SayAndHangUp { .. } | Reply::Talk { .. } => json!({}),
    }
}
