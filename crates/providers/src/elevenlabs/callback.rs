//! Reading what ElevenLabs posts to us, and writing what it wants to hear. One event tells the whole conversation, once it has
//! been judged; another one that nobody was reached; a third carries the sound, which is fetched instead.

use model::phone::Phone;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{initiation, wire};
use crate::{
    signature::hex,
    voice::{Callback, CallbackKind, Incoming, Malformed, Observed, Outcome, ProviderCallId, ProviderStatus, Recording, Reply},
};

/// How much of a callback of unknown kind is kept.
const RAW_CHARS_MAX: usize = 2_000;

/// What every event has. The sound of a whole call may stand beside it, and is not even looked at.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    /// Seconds, as a number or as a text (edge 21).
    event_timestamp: Option<Value>,
    data: Who,
}

#[derive(Deserialize)]
struct Who {
    conversation_id: String,
}

#[derive(Deserialize)]
struct With<T> {
    data: T,
}

/// Nobody was reached.
#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    failure_reason: String,
    metadata: Option<Carrier>,
}

/// What the carrier said, in its own words.
#[derive(Deserialize)]
struct Carrier {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    body: Value,
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|why| Malformed(why.to_string()))
}

/// The news of one request that has been verified.
pub fn parse(body: &[u8]) -> Result<Vec<Callback>, Malformed> {
    let Head { kind: event, event_timestamp, data: Who { conversation_id } } = read(body)?;
    if conversation_id.is_empty() {
        return Err(Malformed("no conversation_id".into()));
    }
    let seconds = event_timestamp.as_ref().and_then(wire::whole);
    let (call, news) = match event.as_str() {
        "post_call_transcription" => {
            let conversation = read::<With<wire::Conversation>>(body)?.data;
            (conversation.ours(), conversation.news())
        }
        "post_call_audio" => (None, vec![CallbackKind::Recording(recording(&conversation_id, None))]),
        "call_initiation_failure" => {
            let failure = read::<With<Failure>>(body)?.data;
            (None, vec![CallbackKind::Status(Box::new(failure.observed(&conversation_id)))])
        }
        _ => (None, vec![CallbackKind::Unknown(String::from_utf8_lossy(body).chars().take(RAW_CHARS_MAX).collect())]),
    };
    let stamp = seconds.map_or_else(|| hex(&Sha256::digest(body)[..8]), |seconds| seconds.to_string());
    let named = |kind: CallbackKind| {
        let part = match kind {
            CallbackKind::Recording(_) => ":recording",
            CallbackKind::Analysis(_) => ":analysis",
            _ => "",
        };
        Callback {
            id: ProviderCallId::new(&conversation_id),
            call,
            event_id: format!("{conversation_id}:{event}:{stamp}{part}"),
            at: seconds.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0)),
            sequence: None,
            kind,
        }
    };
    Ok(news.into_iter().map(named).collect())
}

/// The sound of a conversation, which is fetched by the conversation's id.
pub fn recording(conversation_id: &str, seconds: Option<i64>) -> Recording {
    Recording { id: conversation_id.to_owned(), url: None, seconds, ready: true, raw_status: "done".to_owned() }
}

impl Failure {
    fn observed(&self, conversation_id: &str) -> Observed {
        let carrier = self.metadata.as_ref();
        let said = |name: &str| carrier.map(|carrier| &carrier.body[name]).unwrap_or(&Value::Null);
        let code = ["SipResponseCode", "sip_status_code"].iter().find_map(|name| wire::whole(said(name)));
        let word = said("CallStatus").as_str().unwrap_or_default();
        let outcome = wire::outcome_of(&self.failure_reason, None).or_else(|| wire::outcome_of(word, code));
        let status = ProviderStatus::Ended(outcome.unwrap_or(Outcome::Failed));
        // Which end the numbers of a trunk name is not to be read off the documentation.
        let twilio = carrier.is_some_and(|carrier| carrier.kind == "twilio");
        let phone = |name: &str| wire::phone(said(name)).filter(|_| twilio);
        Observed {
            raw_reason: Some(self.failure_reason.clone()).filter(|reason| !reason.is_empty()),
            talk_seconds: Some(0),
            from: phone("From"),
            to: phone("To"),
            ..Observed::new(ProviderCallId::new(conversation_id), status, "call_initiation_failure")
        }
    }
}

/// "Somebody calls this number": asked while the line is still connecting.
#[derive(Deserialize)]
struct Question {
    caller_id: Option<String>,
    called_number: String,
    call_sid: Option<String>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    data: Option<Value>,
}

/// Is it a question, and nothing that could pass for an event?
pub fn is_question(body: &[u8]) -> bool {
    read::<Question>(body).is_ok_and(|question| question.kind.is_none() && question.data.is_none())
}

pub fn parse_inbound(body: &[u8]) -> Result<Incoming, Malformed> {
    let Question { caller_id, called_number, call_sid, .. } = read(body)?;
    let to = Phone::parse(called_number.trim()).map_err(|_| Malformed("called_number is no phone number".into()))?;
    let from = caller_id.as_deref().and_then(|text| Phone::parse(text.trim()).ok());
    // The conversation does not exist yet; the carrier's id of the call does.
    let sid = call_sid.unwrap_or_default();
    let about = if sid.is_empty() { hex(&Sha256::digest(body)[..16]) } else { sid };
    Ok(Incoming { id: ProviderCallId::new(format!("question_{about}")), from, to })
}

/// What ElevenLabs wants to hear. It reads no body but that of the question above, and cannot be told to hang up: who is not to
/// be taken hears nothing for a second.
pub fn reply(reply: &Reply) -> Value {
    let mut told = match reply {
        Reply::Connect { call, variables, .. } => initiation(*call, variables),
        Reply::Decline => json!({
            "dynamic_variables": {},
            "conversation_config_override": { "agent": { "first_message": "" }, "conversation": { "max_duration_seconds": 1 } },
        }),
        Reply::Acknowledge | Reply::SayAndHangUp { .. } | Reply::Talk { .. } => return json!({}),
    };
    told["type"] = "conversation_initiation_client_data".into();
    told
}
