//! What ElevenLabs says when something was not done: its errors, and the answer to the request for a call, which is a success over
//! HTTP even when there is no call.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    exchange::{self, Trouble, refused},
    voice::{ProviderCallId, Refusal, RefusalKind},
};

/// The answer to the request for a call, which is 200 even when there is none (edge 16).
#[derive(Debug, Deserialize)]
pub struct Placed {
    success: bool,
    #[serde(default)]
    message: String,
    conversation_id: Option<String>,
    #[serde(rename = "callSid")]
    call_sid: Option<String>,
    sip_call_id: Option<String>,
}

impl Placed {
    /// The id of a call that was placed. A failure that names any call may ring all the same.
    pub fn id(self) -> Result<Result<ProviderCallId, String>, Trouble> {
        let other = self.call_sid.or(self.sip_call_id);
        match (self.success, self.conversation_id) {
            (true, Some(id)) if exchange::is_id(&id) => Ok(Ok(ProviderCallId::new(id))),
            (false, None) if other.is_none() => Err(Trouble::Refused(not_placed(&self.message))),
            (_, id) => Ok(Err(id.or(other).unwrap_or_default())),
        }
    }
}

fn not_placed(message: &str) -> Refusal {
    let kind = match () {
        () if is_about_destination(message) => RefusalKind::Permanent,
        () if is_about_load(message) => RefusalKind::Transient,
        () => RefusalKind::Configuration,
    };
    refused(kind, "not_placed", message, None)
}

/// The body of every error that ElevenLabs itself wrote: a text, an object with a word, or a list of what is wrong where.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    detail: Value,
}

/// Sorts an answer that is not a success; see [`crate::exchange::Refuse`]. An internal error says nothing about the call: it may
/// have been dialed.
pub fn refusal(http_status: u16, body: &[u8], retry_after: Option<&str>) -> Option<Refusal> {
    let detail = serde_json::from_slice::<ErrorBody>(body).ok().map(|error| error.detail);
    let (word, message) = match &detail {
        Some(Value::String(text)) => (None, text.clone()),
        Some(Value::Array(all)) => (None, all.iter().map(field_error).collect::<Vec<_>>().join("; ")),
        Some(detail) => {
            let word = detail["status"].as_str().or_else(|| detail["code"].as_str());
            (word, detail["message"].as_str().map_or_else(|| detail.to_string(), str::to_owned))
        }
        None => (None, String::from_utf8_lossy(body).into_owned()),
    };
    let code = word.map_or_else(|| format!("http_{http_status}"), str::to_owned);
    let kind = match http_status {
        400..=499 if http_status == 429 || word.is_some_and(is_about_load) => RefusalKind::Transient,
        400 | 422 if is_about_destination(&message) => RefusalKind::Permanent,
        400..=499 => RefusalKind::Configuration,
        503 if detail.is_some() => RefusalKind::Transient,
        _ => return None,
    };
    Some(refused(kind, code, &message, retry_after))
}

/// `body.to_number: field required`.
fn field_error(one: &Value) -> String {
    let place = one["loc"].as_array().into_iter().flatten();
    let place: Vec<String> = place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    format!("{}: {}", place.join("."), one["msg"].as_str().unwrap_or_default())
}

/// Those about the number called name the field or its carrier's code; those about ours name the other.
fn is_about_destination(message: &str) -> bool {
    let message = message.to_lowercase();
    ["to_number", "to number", "'to'", "destination", "21211"].iter().any(|word| message.contains(word))
        && !["from_number", "from number", "agent_phone_number"].iter().any(|word| message.contains(word))
}

/// Does it say that there was too much to do?
pub fn is_about_load(message: &str) -> bool {
    let message = message.to_lowercase().replace('_', " ");
    ["too many", "system busy", "concurren", "rate limit"].iter().any(|word| message.contains(word))
}

/// Does it say that there is no such thing?
pub fn is_missing(trouble: &Trouble) -> bool {
    let Trouble::Refused(refusal) = trouble else { return false };
    refusal.code == "http_404" || refusal.code.ends_with("not_found")
}
