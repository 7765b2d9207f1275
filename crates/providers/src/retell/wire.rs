//! Retell's words and ours: the call, its statuses and reasons, errors. Pure: JSON in, canonical types out. Every enum of theirs
//! grows without notice, so all of them are texts here, and nothing fails on one that we do not know.

use chrono::{DateTime, Utc};
use model::{id::CallId, phone::Phone};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::CALL_KEY;
use crate::{
    analysis::{Analysis, OPT_OUT, Segment, Sentiment, Speaker},
    exchange::{Trouble, refused},
    money::micros_of,
    voice::{AnsweredBy, CallbackKind, Observed, Outcome, ProviderCallId, ProviderStatus, Recording, Refusal, RefusalKind},
};

/// Costs come in cents.
const CENT_MICROS: i64 = 10_000;
/// What the specification answers with when the thing asked for is not there.
const MISSING: &str = "cannot find";

/// The call, as it is created, fetched, listed and told.
#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    #[serde(default)]
    pub call_id: String,
    #[serde(default)]
    pub call_status: String,
    from_number: Option<String>,
    to_number: Option<String>,
    metadata: Option<Map<String, Value>>,
    start_timestamp: Option<i64>,
    end_timestamp: Option<i64>,
    duration_ms: Option<i64>,
    disconnection_reason: Option<String>,
    recording_url: Option<String>,
    transcript_object: Option<Vec<Utterance>>,
    transcript_with_tool_calls: Option<Vec<Utterance>>,
    call_analysis: Option<CallAnalysis>,
    call_cost: Option<Cost>,
}

/// Something said, or something that happened.
#[derive(Debug, Clone, Deserialize)]
struct Utterance {
    #[serde(default)]
    role: String,
    content: Option<String>,
    #[serde(default)]
    words: Vec<Word>,
    name: Option<String>,
    arguments: Option<String>,
    digit: Option<String>,
}

/// Seconds since the pick-up.
#[derive(Debug, Clone, Deserialize)]
struct Word {
    start: Option<f64>,
    end: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
struct CallAnalysis {
    call_summary: Option<String>,
    in_voicemail: Option<bool>,
    user_sentiment: Option<String>,
    call_successful: Option<bool>,
    custom_analysis_data: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Cost {
    combined_cost: Option<Number>,
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
    pub pagination_key: Option<String>,
    #[serde(default)]
    pub has_more: bool,
}

#[derive(Debug, Deserialize)]
pub struct Concurrency {
    #[serde(default)]
    pub current_concurrency: u32,
    #[serde(default)]
    pub concurrency_limit: u32,
}

impl Call {
    /// Our id, as we sent it along.
    pub fn ours(&self) -> Option<CallId> {
        self.metadata.as_ref()?.get(CALL_KEY)?.as_str()?.parse().ok()
    }

    pub fn observed(&self) -> Observed {
        let status = self.status();
        let started_at = moment(self.start_timestamp);
        let ended = matches!(status, ProviderStatus::Ended(_));
        let cost = self.call_cost.as_ref().and_then(|cost| cost.combined_cost.as_ref());
        let price_micros = cost.and_then(|cents| micros_of(cents, CENT_MICROS));
        let answered_by = (status == ProviderStatus::Ended(Outcome::Voicemail)).then_some(AnsweredBy::Voicemail);
        Observed {
            call: self.ours(),
            raw_reason: self.disconnection_reason.clone(),
            platform_fault: status == ProviderStatus::Ended(Outcome::Failed) && self.is_platform_fault(),
            answered_by,
            started_at,
            // The clock starts when somebody picks up.
            answered_at: started_at,
            ended_at: moment(self.end_timestamp).filter(|_| ended),
            talk_seconds: self.duration_ms.map(whole_seconds).filter(|_| ended),
            price_micros,
            currency: price_micros.map(|_| "USD".to_owned()),
            from: phone(self.from_number.as_deref()),
            to: phone(self.to_number.as_deref()),
            ..Observed::new(ProviderCallId::new(&self.call_id), status, &self.call_status)
        }
    }

    /// Everything it tells.
    pub fn news(&self) -> Vec<CallbackKind> {
        let recording = self.recording_url.as_ref().filter(|url| !url.is_empty()).map(|url| {
            CallbackKind::Recording(Recording {
                id: format!("{}:recording", self.call_id),
                url: Some(url.clone()),
                seconds: self.duration_ms.map(whole_seconds),
                ready: true,
                raw_status: "completed".to_owned(),
            })
        });
        let analysis = self.analysis();
        let analysis = (!analysis.is_empty()).then(|| CallbackKind::Analysis(Box::new(analysis)));
        let status = CallbackKind::Status(Box::new(self.observed()));
        [Some(status), recording, analysis].into_iter().flatten().collect()
    }

    fn status(&self) -> ProviderStatus {
        match self.call_status.as_str() {
            "registered" => ProviderStatus::Dialing,
            "ongoing" => ProviderStatus::InProgress,
            "ended" | "not_connected" | "error" => ProviderStatus::Ended(self.outcome()),
            _ => ProviderStatus::Unrecognised,
        }
    }

    /// providers.md §5. A reason we have not met ended a talk if there was one.
    fn outcome(&self) -> Outcome {
        let talked = self.start_timestamp.is_some();
        let reason = self.disconnection_reason.as_deref().unwrap_or_default();
        let outcome = match reason {
            "user_hangup"
            | "agent_hangup"
            | "call_transfer"
            | "transfer_bridged"
            | "transfer_cancelled"
            | "inactivity"
            | "max_duration_reached"
            | "ivr_reached"
            | "call_take_over" => Outcome::Completed,
            "voicemail_reached" => Outcome::Voicemail,
            "dial_busy" => Outcome::Busy,
            "user_declined" => Outcome::Rejected,
            "dial_no_answer" => Outcome::NoAnswer,
            "manual_stopped" if talked => Outcome::Completed,
            "manual_stopped" => Outcome::Canceled,
            "invalid_destination"
            | "scam_detected"
            | "marked_as_spam"
            | "telephony_provider_permission_denied"
            | "no_valid_payment"
            | "concurrency_limit_reached"
            | "no_concurrency_fallback"
            | "dial_failed"
            | "telephony_provider_unavailable"
            | "sip_routing_error"
            | "registered_call_timeout" => Outcome::Failed,
            error if error.starts_with("error") => Outcome::Failed,
            _ if talked && self.call_status == "ended" => Outcome::Completed,
            _ => Outcome::Failed,
        };
        let machine = self.call_analysis.as_ref().and_then(|analysis| analysis.in_voicemail) == Some(true);
        // Judged afterwards, where nothing listened for a machine (edge 11).
        if outcome == Outcome::Completed && machine { Outcome::Voicemail } else { outcome }
    }

    /// Was Retell full (edge 13) or broken? A failure to dial or to route may be the number's or the trunk's fault and is not meant;
    /// nor is the error of a language model that somebody runs himself.
    fn is_platform_fault(&self) -> bool {
        matches!(
            self.disconnection_reason.as_deref(),
            Some(
                "concurrency_limit_reached"
                    | "no_concurrency_fallback"
                    | "registered_call_timeout"
                    | "telephony_provider_unavailable"
                    | "error_retell"
                    | "error_asr"
            )
        )
    }

    /// As far as there is one yet.
    pub fn analysis(&self) -> Analysis {
        let utterances = self.transcript_with_tool_calls.as_ref().or(self.transcript_object.as_ref());
        let utterances = utterances.map(Vec::as_slice).unwrap_or_default();
        let mut analysis =
            Analysis { transcript: utterances.iter().filter_map(Utterance::segment).collect(), ..Analysis::default() };
        if utterances.iter().any(|one| one.role == "tool_call_invocation" && one.name.as_deref() == Some(OPT_OUT)) {
            analysis.opted_out = Some(true);
        }
        let Some(judged) = &self.call_analysis else { return analysis };
        analysis.summary = judged.call_summary.clone().filter(|text| !text.trim().is_empty());
        analysis.successful = judged.call_successful;
        analysis.voicemail = judged.in_voicemail;
        analysis.sentiment = match judged.user_sentiment.as_deref() {
            Some("Positive") => Some(Sentiment::Positive),
            Some("Neutral") => Some(Sentiment::Neutral),
            Some("Negative") => Some(Sentiment::Negative),
            _ => None,
        };
        for (name, value) in judged.custom_analysis_data.iter().flatten() {
            analysis.note(name, value);
        }
        analysis
    }
}

impl Utterance {
    fn segment(&self) -> Option<Segment> {
        let said = || self.content.clone().filter(|text| !text.trim().is_empty());
        let (speaker, text) = match self.role.as_str() {
            "agent" => (Speaker::Agent, said()?),
            "user" => (Speaker::Person, said()?),
            "transfer_target" => (Speaker::Colleague, said()?),
            "dtmf" => (Speaker::Event, format!("pressed {}", self.digit.as_deref()?)),
            "tool_call_invocation" => {
                let arguments = self.arguments.as_deref().filter(|text| !matches!(*text, "" | "{}")).unwrap_or_default();
                (Speaker::Event, format!("{} {arguments}", self.name.as_deref()?).trim_end().to_owned())
            }
            _ => return None,
        };
        let ms = |seconds: Option<f64>| seconds.filter(|s| s.is_finite()).map(|s| (s * 1000.0).round() as i64);
        let start_ms = ms(self.words.first().and_then(|word| word.start));
        Some(Segment { speaker, text, start_ms, end_ms: ms(self.words.last().and_then(|word| word.end)) })
    }
}

/// The body of every error that Retell itself wrote.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    status: String,
    #[serde(default)]
    message: Value,
}

/// Sorts an answer that is not a success; see [`crate::exchange::Refuse`]. There are no codes, so the HTTP status is one. An
/// internal error says nothing about the call: it may have been dialed.
pub fn refusal(http_status: u16, body: &[u8], retry_after: Option<&str>) -> Option<Refusal> {
    let error = serde_json::from_slice::<ErrorBody>(body).ok().filter(|error| error.status == "error");
    let message = match error.map(|error| error.message) {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let kind = match http_status {
        400 | 422 if is_about_destination(&message) => RefusalKind::Permanent,
        429 | 503 => RefusalKind::Transient,
        400..=499 => RefusalKind::Configuration,
        _ => return None,
    };
    Some(refused(kind, format!("http_{http_status}"), &message, retry_after))
}

/// Errors have no codes; those about the number called name the field, those about ours name the other.
fn is_about_destination(message: &str) -> bool {
    let message = message.to_lowercase();
    ["to_number", "to number", "destination"].iter().any(|word| message.contains(word))
        && !["from_number", "from number"].iter().any(|word| message.contains(word))
}

/// Does it say that there is no such thing?
pub fn is_missing(trouble: &Trouble) -> bool {
    let Trouble::Refused(refusal) = trouble else { return false };
    refusal.code == "http_404" || (refusal.code == "http_422" && refusal.message.to_lowercase().contains(MISSING))
}

/// A begun second counts.
fn whole_seconds(ms: i64) -> i64 {
    (ms.max(0).saturating_add(999)) / 1000
}

fn moment(ms: Option<i64>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms?)
}

/// Hidden numbers and addresses are no phones; they are left out, not refused.
pub fn phone(text: Option<&str>) -> Option<Phone> {
    Phone::parse(text?.trim()).ok()
}
