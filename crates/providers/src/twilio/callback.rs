//! Reading what Twilio posts to us: call progress, machine detection, pressed keys, recordings.
//! Which kind it is follows from the fields present; the URL says nothing. Verification is in `sign`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use reqwest::Method;
use sha2::{Digest, Sha256};

use super::{sign, wire};
use crate::signature::hex;
use crate::voice::{
    AnsweredBy, Callback, CallbackKind, CallbackRequest, Incoming, Malformed, Observed, ProviderCallId, ProviderStatus, Recording,
};

/// More form fields than any callback has; Twilio sends about 30.
const FIELDS_MAX: usize = 200;
/// How much of a callback of unknown kind is kept.
const RAW_CHARS_MAX: usize = 2_000;

/// One callback, from a request that has been verified.
pub fn parse(request: &CallbackRequest<'_>) -> Result<Callback, Malformed> {
    let (raw, fields) = read(request)?;
    let sid = fields.sid()?;
    let (event, kind) = fields.kind(sid, raw);
    Ok(Callback {
        id: ProviderCallId::new(sid),
        call: None,
        event_id: format!("{sid}:{event}"),
        at: fields.at(),
        sequence: fields.get("SequenceNumber").and_then(|text| text.parse().ok()),
        kind,
    })
}

/// The request for a number's voice URL, verified too. A caller who hides their number has one of words
/// (`anonymous`, `restricted`), a `sip:` address, or +266696687, which spells ANONYMOUS.
pub fn parse_inbound(request: &CallbackRequest<'_>) -> Result<Incoming, Malformed> {
    const ANONYMOUS: &str = "+266696687";
    let (_, fields) = read(request)?;
    let id = ProviderCallId::new(fields.sid()?);
    if fields.get("Direction").is_some_and(|direction| direction != "inbound") {
        return Err(Malformed("the call is not an inbound one".into()));
    }
    let to = wire::phone(fields.owned("To")).ok_or_else(|| Malformed("To is no phone number".into()))?;
    let from = wire::phone(fields.owned("From")).filter(|phone| phone.as_str() != ANONYMOUS);
    Ok(Incoming { id, from, to })
}

/// The form of a request, as bytes and as fields.
fn read<'a>(request: &CallbackRequest<'a>) -> Result<(&'a [u8], Fields), Malformed> {
    let raw = match *request.method {
        Method::GET => {
            request.url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query).as_bytes()
        }
        _ => request.body,
    };
    let pairs = sign::decode_form(raw).ok_or_else(|| Malformed("the form is not UTF-8".into()))?;
    if pairs.len() > FIELDS_MAX {
        return Err(Malformed(format!("more than {FIELDS_MAX} fields")));
    }
    Ok((raw, Fields(pairs.into_iter().collect())))
}

struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Empty means absent: Twilio sends many fields without a value.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
    fn sid(&self) -> Result<&str, Malformed> {
        let sid = self.get("CallSid").ok_or_else(|| Malformed("no CallSid".into()))?;
        if wire::is_sid(sid, "CA") { Ok(sid) } else { Err(Malformed("CallSid is no call id".into())) }
    }
    fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
    fn at(&self) -> Option<DateTime<Utc>> {
        wire::moment(self.owned("Timestamp"))
    }
    fn detected(&self) -> Option<AnsweredBy> {
        self.get("AnsweredBy").map(wire::answered_by)
    }

    /// The kind, with the part of the event id that tells it from other news about the same call.
    fn kind(&self, sid: &str, raw: &[u8]) -> (String, CallbackKind) {
        if let Some(status) = self.get("RecordingStatus") {
            let id = self.get("RecordingSid").unwrap_or_default();
            return (format!("recording:{id}:{status}"), CallbackKind::Recording(self.recording(id, status)));
        }
        if let Some(digits) = self.get("Digits") {
            return (format!("digits:{digits}"), CallbackKind::Digits(digits.to_owned()));
        }
        // A status callback may carry AnsweredBy too; only the detector's own has no event source.
        let progress = self.get("SequenceNumber").is_some() || self.get("CallbackSource").is_some();
        if let (Some(by), false) = (self.get("AnsweredBy"), progress) {
            return (format!("amd:{by}"), CallbackKind::MachineDetected(wire::answered_by(by)));
        }
        if let (Some(status), true) = (self.get("CallStatus"), progress) {
            let sequence = self.get("SequenceNumber").unwrap_or("-");
            return (format!("{sequence}:{status}"), CallbackKind::Status(Box::new(self.observed(sid, status))));
        }
        let hash = hex(&Sha256::digest(raw)[..16]);
        let text = String::from_utf8_lossy(raw).chars().take(RAW_CHARS_MAX).collect();
        (format!("unknown:{hash}"), CallbackKind::Unknown(text))
    }

    fn observed(&self, sid: &str, word: &str) -> Observed {
        let answered_by = self.detected();
        // The event named "answered" is reported with the status "in-progress" (providers.md §13, edge 3).
        let status = match wire::status(word, answered_by) {
            ProviderStatus::InProgress => ProviderStatus::Answered,
            other => other,
        };
        let at = self.at();
        let ended = matches!(status, ProviderStatus::Ended(_));
        Observed {
            raw_reason: self.get("SipResponseCode").map(|code| format!("sip {code}")),
            answered_by,
            started_at: at.filter(|_| word == "initiated"),
            answered_at: at.filter(|_| status == ProviderStatus::Answered),
            ended_at: at.filter(|_| ended),
            talk_seconds: self.get("CallDuration").and_then(|text| text.parse().ok()),
            from: wire::phone(self.owned("From")),
            to: wire::phone(self.owned("To")),
            ..Observed::new(ProviderCallId::new(sid), status, word)
        }
    }

    fn recording(&self, id: &str, status: &str) -> Recording {
        Recording {
            id: id.to_owned(),
            url: self.owned("RecordingUrl"),
            seconds: self.get("RecordingDuration").and_then(|text| text.parse().ok()),
            ready: status == "completed",
            raw_status: status.to_owned(),
        }
    }
}
