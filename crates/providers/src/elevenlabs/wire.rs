//! ElevenLabs' words and ours: the conversation, its statuses and reasons. Pure: JSON in, canonical types out. Every enum
//! of theirs grows without notice, so all of them are texts here, and nothing fails on one that we do not know.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use model::{id::CallId, phone::Phone};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::{CALL_KEY, callback, errors};
use crate::{
    analysis::{Analysis, OPT_OUT, Segment, Sentiment, Speaker},
    money::micros_of,
    voice::{AnsweredBy, CallbackKind, Observed, Outcome, ProviderCallId, ProviderStatus},
};

const DOLLAR_MICROS: i64 = 1_000_000;
/// Fields that every agent of ours asks for, beside those that every provider's do: ElevenLabs tells neither by itself.
pub const SENTIMENT: &str = "belfry_sentiment";
pub const MACHINE: &str = "belfry_machine";
/// The tool that is used when a machine answers.
pub const VOICEMAIL_TOOL: &str = "voicemail_detection";
/// The tool that ends a call; its reason may be [`OPT_OUT`].
pub const END_CALL_TOOL: &str = "end_call";

/// The conversation, as it is fetched and told.
#[derive(Debug, Clone, Deserialize)]
pub struct Conversation {
    #[serde(default)]
    conversation_id: String,
    #[serde(default)]
    status: String,
    user_id: Option<String>,
    transcript: Option<Vec<Turn>>,
    metadata: Option<Metadata>,
    analysis: Option<Judgement>,
    conversation_initiation_client_data: Option<Told>,
    has_audio: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
struct Told {
    dynamic_variables: Option<Map<String, Value>>,
}

/// Something said, or something that an agent did.
#[derive(Debug, Clone, Deserialize)]
struct Turn {
    #[serde(default)]
    role: String,
    message: Option<String>,
    time_in_call_secs: Option<f64>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Debug, Clone, Deserialize)]
struct ToolCall {
    #[serde(default)]
    tool_name: String,
    params_as_json: Option<String>,
}

impl ToolCall {
    /// The reason that was given for it.
    fn is_opt_out(&self) -> bool {
        let params = self.params_as_json.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let reason = params.as_ref().and_then(|params| params["reason"].as_str()).unwrap_or_default();
        self.tool_name == OPT_OUT || (self.tool_name == END_CALL_TOOL && reason.contains(OPT_OUT))
    }
}

#[derive(Debug, Clone, Deserialize, Default)]
struct Metadata {
    start_time_unix_secs: Option<f64>,
    accepted_time_unix_secs: Option<f64>,
    call_duration_secs: Option<f64>,
    cost_fiat: Option<Number>,
    phone_call: Option<PhoneCall>,
    #[serde(default)]
    termination_reason: Option<String>,
    error: Option<ErrorSeen>,
    features_usage: Option<Features>,
}

#[derive(Debug, Clone, Deserialize)]
struct PhoneCall {
    #[serde(default)]
    direction: String,
    #[serde(default)]
    agent_number: Value,
    #[serde(default)]
    external_number: Value,
}

#[derive(Debug, Clone, Deserialize)]
struct ErrorSeen {
    #[serde(default)]
    code: Value,
    reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Features {
    voicemail_detection: Option<Feature>,
}

#[derive(Debug, Clone, Deserialize)]
struct Feature {
    #[serde(default)]
    used: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Judgement {
    call_successful: Option<String>,
    transcript_summary: Option<String>,
    data_collection_results: Option<BTreeMap<String, Found>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Found {
    #[serde(default)]
    value: Value,
}

impl Conversation {
    /// Our id, as we sent it along.
    pub fn ours(&self) -> Option<CallId> {
        let told = self.conversation_initiation_client_data.as_ref().and_then(|told| told.dynamic_variables.as_ref());
        let variable = told.and_then(|variables| variables.get(CALL_KEY)).and_then(Value::as_str);
        [variable, self.user_id.as_deref()].into_iter().flatten().find_map(|text| text.parse().ok())
    }

    fn about(&self) -> Metadata {
        self.metadata.clone().unwrap_or_default()
    }

    pub fn observed(&self) -> Observed {
        let about = self.about();
        let status = self.status();
        let ended = matches!(status, ProviderStatus::Ended(_));
        let started_at = moment(about.start_time_unix_secs);
        let seconds = about.call_duration_secs.map(whole_seconds);
        let talked = seconds.is_some_and(|seconds| seconds > 0);
        let answered_at = moment(about.accepted_time_unix_secs).or(started_at.filter(|_| talked));
        let length = TimeDelta::try_seconds(seconds.unwrap_or_default()).unwrap_or_default();
        let ended_at = answered_at.or(started_at).and_then(|at| at.checked_add_signed(length));
        let price_micros = about.cost_fiat.as_ref().and_then(|dollars| micros_of(dollars, DOLLAR_MICROS));
        let (from, to) = about.phone_call.as_ref().map(PhoneCall::ends).unwrap_or_default();
        Observed {
            call: self.ours(),
            raw_reason: about.reason(),
            platform_fault: status == ProviderStatus::Ended(Outcome::Failed) && about.is_platform_fault(),
            answered_by: (status == ProviderStatus::Ended(Outcome::Voicemail)).then_some(AnsweredBy::Voicemail),
            started_at,
            answered_at,
            ended_at: ended_at.filter(|_| ended),
            talk_seconds: seconds.filter(|_| ended),
            price_micros: price_micros.filter(|_| ended),
            currency: price_micros.filter(|_| ended).map(|_| "USD".to_owned()),
            from,
            to,
            ..Observed::new(ProviderCallId::new(&self.conversation_id), status, &self.status)
        }
    }

    /// Everything it tells.
    pub fn news(&self) -> Vec<CallbackKind> {
        let seen = self.observed();
        let recorded = self.has_audio == Some(true) && matches!(seen.status, ProviderStatus::Ended(_));
        let recording = recorded.then(|| CallbackKind::Recording(callback::recording(&self.conversation_id, seen.talk_seconds)));
        let analysis = self.analysis();
        let analysis = (!analysis.is_empty()).then(|| CallbackKind::Analysis(Box::new(analysis)));
        [Some(CallbackKind::Status(Box::new(seen))), recording, analysis].into_iter().flatten().collect()
    }

    /// `processing` is over already, and waits to be judged.
    fn status(&self) -> ProviderStatus {
        match self.status.as_str() {
            "initiated" => ProviderStatus::Dialing,
            "in-progress" => ProviderStatus::InProgress,
            "processing" | "done" | "failed" => ProviderStatus::Ended(self.outcome()),
            _ => ProviderStatus::Unrecognised,
        }
    }

    fn outcome(&self) -> Outcome {
        let about = self.about();
        let talked = about.accepted_time_unix_secs.is_some() || about.call_duration_secs.is_some_and(|seconds| seconds > 0.0);
        if self.status != "failed" && talked {
            return if self.is_machine() { Outcome::Voicemail } else { Outcome::Completed };
        }
        if self.status == "failed" && about.is_platform_fault() {
            // "System busy" is not a person who is.
            return Outcome::Failed;
        }
        let code = about.error.as_ref().and_then(|error| whole(&error.code));
        let why = about.reason().and_then(|reason| outcome_of(&reason, None)).or_else(|| outcome_of("", code));
        why.unwrap_or(if self.status == "failed" { Outcome::Failed } else { Outcome::Completed })
    }

    /// Did the agent notice one, or whoever judged the conversation?
    fn is_machine(&self) -> bool {
        let about = self.about();
        let feature = about.features_usage.and_then(|features| features.voicemail_detection);
        feature.is_some_and(|feature| feature.used)
            || self.tool_calls().any(|call| call.tool_name == VOICEMAIL_TOOL)
            || self.found(MACHINE).is_some_and(|value| *value == Value::Bool(true) || *value == "true")
    }

    fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.transcript.iter().flatten().flat_map(|turn| turn.tool_calls.iter().flatten())
    }

    fn found(&self, name: &str) -> Option<&Value> {
        let found = self.analysis.as_ref()?.data_collection_results.as_ref()?;
        found.get(name).map(|found| &found.value)
    }

    /// As far as there is one yet.
    fn analysis(&self) -> Analysis {
        let transcript = self.transcript.iter().flatten().flat_map(Turn::segments).collect();
        let mut analysis = Analysis { transcript, ..Analysis::default() };
        if self.tool_calls().any(ToolCall::is_opt_out) {
            analysis.opted_out = Some(true);
        }
        let Some(judged) = &self.analysis else { return analysis };
        analysis.summary = judged.transcript_summary.clone().filter(|text| !text.trim().is_empty());
        analysis.successful = match judged.call_successful.as_deref() {
            Some("success") => Some(true),
            Some("failure") => Some(false),
            _ => None,
        };
        analysis.voicemail = Some(self.is_machine());
        analysis.sentiment = match self.found(SENTIMENT).and_then(Value::as_str) {
            Some("positive") => Some(Sentiment::Positive),
            Some("neutral") => Some(Sentiment::Neutral),
            Some("negative") => Some(Sentiment::Negative),
            _ => None,
        };
        let all = judged.data_collection_results.iter().flatten();
        for (name, found) in all.filter(|(name, _)| !matches!(name.as_str(), SENTIMENT | MACHINE)) {
            analysis.note(name, &found.value);
        }
        analysis
    }
}

impl Metadata {
    /// The carrier's or ElevenLabs' own words about the end.
    fn reason(&self) -> Option<String> {
        let error = self.error.as_ref().and_then(|error| error.reason.clone());
        error.or_else(|| self.termination_reason.clone()).filter(|reason| !reason.is_empty())
    }

    /// Was ElevenLabs full or broken? There is no list of its words: those are meant by which it refuses a request for load, and the
    /// code by which its side of a conversation says "internal error" (RFC 6455).
    fn is_platform_fault(&self) -> bool {
        const INTERNAL_ERROR: i64 = 1011;
        let code = self.error.as_ref().and_then(|error| whole(&error.code));
        code == Some(INTERNAL_ERROR) || self.reason().is_some_and(|reason| errors::is_about_load(&reason))
    }
}

impl PhoneCall {
    /// Who called whom.
    fn ends(&self) -> (Option<Phone>, Option<Phone>) {
        let (ours, theirs) = (phone(&self.agent_number), phone(&self.external_number));
        if self.direction == "inbound" { (theirs, ours) } else { (ours, theirs) }
    }
}

impl Turn {
    fn segments(&self) -> Vec<Segment> {
        let start_ms = self.time_in_call_secs.filter(|s| s.is_finite()).map(|s| (s * 1000.0).round() as i64);
        let segment = |speaker, text: String| Segment { speaker, text, start_ms, end_ms: None };
        let speaker = if self.role == "agent" { Speaker::Agent } else { Speaker::Person };
        let said = self.message.clone().filter(|text| !text.trim().is_empty()).map(|text| segment(speaker, text));
        let done = self.tool_calls.iter().flatten().map(|call| {
            let params = call.params_as_json.as_deref().filter(|text| !matches!(*text, "" | "{}")).unwrap_or_default();
            segment(Speaker::Event, format!("{} {params}", call.tool_name).trim_end().to_owned())
        });
        said.into_iter().chain(done).collect()
    }
}

/// How a call ended that reached nobody, by words and codes of SIP; `None` when they do not tell.
pub fn outcome_of(reason: &str, sip: Option<i64>) -> Option<Outcome> {
    let reason = reason.to_lowercase().replace(['-', '_'], " ");
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    match sip {
        _ if says(&["busy"]) => Some(Outcome::Busy),
        _ if says(&["no answer", "not answer", "unanswered"]) => Some(Outcome::NoAnswer),
        _ if says(&["voicemail"]) => Some(Outcome::Voicemail),
        _ if says(&["cancel"]) => Some(Outcome::Canceled),
        Some(486 | 600 | 603) => Some(Outcome::Busy),
        Some(408 | 480 | 487) => Some(Outcome::NoAnswer),
        _ => None,
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub struct Page {
    #[serde(default = "Vec::new")]
    pub conversations: Vec<Summary>,
    pub next_cursor: Option<String>,
    #[serde(default)]
    pub has_more: bool,
}

/// A conversation in a list.
#[derive(Debug, Deserialize)]
pub struct Summary {
    pub conversation_id: String,
    #[serde(default)]
    status: String,
    direction: Option<String>,
    start_time_unix_secs: Option<f64>,
    call_duration_secs: Option<f64>,
    termination_reason: Option<String>,
}

impl Summary {
    /// Everything but what certainly came in.
    pub fn may_be_outbound(&self) -> bool {
        self.direction.as_deref() != Some("inbound")
    }

    pub fn observed(&self) -> Observed {
        let (duration, began) = (self.call_duration_secs, self.start_time_unix_secs);
        Conversation {
            conversation_id: self.conversation_id.clone(),
            status: self.status.clone(),
            user_id: None,
            transcript: None,
            analysis: None,
            conversation_initiation_client_data: None,
            has_audio: None,
            metadata: Some(Metadata {
                start_time_unix_secs: began,
                call_duration_secs: duration,
                termination_reason: self.termination_reason.clone(),
                ..Metadata::default()
            }),
        }
        .observed()
    }
}

#[derive(Debug, Deserialize)]
pub struct Subscription {
    #[serde(default)]
    pub tier: String,
    #[serde(default)]
    pub character_count: i64,
    #[serde(default)]
    pub character_limit: i64,
    #[serde(default)]
    status: String,
}

impl Subscription {
    /// A status that we do not know is no reason to stop.
    pub fn is_active(&self) -> bool {
        !matches!(self.status.as_str(), "incomplete" | "past_due" | "free_disabled")
    }
}

/// A begun second counts.
fn whole_seconds(seconds: f64) -> i64 {
    seconds.max(0.0).ceil() as i64
}

fn moment(seconds: Option<f64>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds? as i64, 0)
}

/// A whole number, written as one or as a text.
pub fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|number| number as i64)).or_else(|| value.as_str()?.trim().parse().ok())
}

/// Written as a text, or as a number without its plus. Hidden numbers are no phones; they are left out, not refused.
pub fn phone(value: &Value) -> Option<Phone> {
    let text = value.as_str().map(|text| text.trim().to_owned()).or_else(|| value.as_u64().map(|number| format!("+{number}")))?;
    Phone::parse(&text).ok()
}
