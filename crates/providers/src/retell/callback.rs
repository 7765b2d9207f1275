//! Reading what Retell posts to us, and writing what it wants to hear. Every event carries the whole call as it is then, so
//! status, recording and analysis are read from any of them; the order in which events arrive means nothing (edge 12).

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CALL_KEY, version_word, wire};
use crate::{
    signature::hex,
    voice::{Callback, CallbackKind, Incoming, Malformed, ProviderCallId, ProviderStatus, Reply},
};

/// How much of a callback of unknown kind is kept.
const RAW_CHARS_MAX: usize = 2_000;
/// The events that say nothing beyond the call they carry.
const KNOWN_EVENTS: &[&str] = &[
    "call_started",
    "call_ended",
    "call_analyzed",
    "transcript_updated",
    "transfer_started",
    "transfer_bridged",
    "transfer_cancelled",
    "transfer_ended",
];
/// Two questions about the same numbers within this time are one, asked again.
const QUESTION_MS: i64 = 60_000;

#[derive(Deserialize)]
struct Event {
    event: String,
    /// Milliseconds.
    event_timestamp: Option<i64>,
    call: Value,
}

/// The news of one request that has been verified.
pub fn parse(body: &[u8]) -> Result<Vec<Callback>, Malformed> {
    let Event { event, event_timestamp, call } = serde_json::from_slice(body).map_err(|why| Malformed(why.to_string()))?;
    // Of the call alone: a repeat may carry another time around it.
    let hash = hex(&Sha256::digest(call.to_string())[..8]);
    let raw: String = String::from_utf8_lossy(body).chars().take(RAW_CHARS_MAX).collect();
    let call: wire::Call = serde_json::from_value(call).map_err(|why| Malformed(why.to_string()))?;
    if call.call_id.is_empty() {
        return Err(Malformed("no call_id".into()));
    }
    let mut news = call.news();
    if event == "call_started"
        && let Some(CallbackKind::Status(seen)) = news.first_mut()
        && seen.status == ProviderStatus::InProgress
    {
        seen.status = ProviderStatus::Answered;
    }
    if !KNOWN_EVENTS.contains(&event.as_str()) {
        news.push(CallbackKind::Unknown(raw));
    }
    let named = |kind: CallbackKind| {
        let part = match kind {
            CallbackKind::Recording(_) => ":recording",
            CallbackKind::Analysis(_) => ":analysis",
            CallbackKind::Unknown(_) => ":unknown",
            _ => "",
        };
        Callback {
            id: ProviderCallId::new(&call.call_id),
            call: call.ours(),
            event_id: format!("{}:{event}:{hash}{part}", call.call_id),
            at: event_timestamp.and_then(chrono::DateTime::from_timestamp_millis),
            sequence: None,
            kind,
        }
    };
    Ok(news.into_iter().map(named).collect())
}

#[derive(Deserialize)]
struct Question {
    event_timestamp: Option<i64>,
    call_inbound: Caller,
}

#[derive(Deserialize)]
struct Caller {
    from_number: Option<String>,
    to_number: String,
}

/// "Somebody calls this number": Retell asks before the call exists, so the question has no call id.
pub fn parse_inbound(body: &[u8]) -> Result<Incoming, Malformed> {
    let question: Question = serde_json::from_slice(body).map_err(|why| Malformed(why.to_string()))?;
    let Caller { from_number, to_number } = question.call_inbound;
    let to = wire::phone(Some(&to_number)).ok_or_else(|| Malformed("to_number is no phone number".into()))?;
    let from = wire::phone(from_number.as_deref());
    let minute = question.event_timestamp.unwrap_or_default() / QUESTION_MS;
    let about = format!("{}:{to}:{minute}", from_number.unwrap_or_default());
    Ok(Incoming { id: ProviderCallId::new(format!("question_{}", hex(&Sha256::digest(about)[..16]))), from, to })
}

/// What Retell wants to hear. It reads no body but that of the question above.
pub fn reply(reply: &Reply) -> Value {
    match reply {
        Reply::Connect { call, agent, variables } => {
            let mut answer = json!({
                "override_agent_id": agent.id,
                "dynamic_variables": variables,
                "metadata": { CALL_KEY: call.to_string() },
            });
            if let Some(version) = &agent.version {
                answer["override_agent_version"] = version_word(version);
            }
            json!({ "call_inbound": answer })
        }
        Reply::Decline => json!({ "call_inbound": { "reject": true } }),
        // Texts are said by agents here: there is nothing to answer with.
        Reply::Acknowledge | Reply::SayAndHangUp { .. } | Reply::Talk { .. } => json!({}),
    }
}
