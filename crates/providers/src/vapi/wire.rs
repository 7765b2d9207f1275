//! Vapi's words and ours: the call, its statuses, what was said, errors. Pure: JSON in, canonical types out. Every enum of
//! theirs grows without notice, so all of them are texts here, and nothing fails on one that we do not know.

use chrono::{DateTime, Utc};
use model::{id::CallId, phone::Phone};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::{CALL_KEY, FROM_KEY, RECORDING, reasons};
use crate::{
    analysis::{Analysis, OPT_OUT, Segment, Sentiment, Speaker},
    exchange::refused,
    money::micros_of,
    voice::{AnsweredBy, CallbackKind, Observed, Outcome, ProviderCallId, ProviderStatus, Recording, Refusal, RefusalKind},
};

/// Costs come in dollars.
const DOLLAR_MICROS: i64 = 1_000_000;
/// What every assistant of ours is asked beside its own fields. Vapi judges neither by itself.
pub const SENTIMENT: &str = "belfry_sentiment";
pub const VOICEMAIL: &str = "belfry_voicemail";

/// The call, as it is created, fetched, listed and told.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Call {
    pub id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    pub status: Option<String>,
    ended_reason: Option<String>,
    created_at: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    cost: Option<Number>,
    cost_breakdown: Option<CostBreakdown>,
    costs: Option<Vec<Cost>>,
    analysis: Option<Judgement>,
    artifact: Option<Artifact>,
    monitor: Option<Monitor>,
    customer: Option<Party>,
    phone_number: Option<Party>,
    assistant_overrides: Option<Overrides>,
}

#[derive(Debug, Clone, Deserialize)]
struct CostBreakdown {
    total: Option<Number>,
}

#[derive(Debug, Clone, Deserialize)]
struct Cost {
    #[serde(rename = "type")]
    kind: Option<String>,
    minutes: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Judgement {
    summary: Option<String>,
    structured_data: Option<Value>,
    success_evaluation: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Artifact {
    messages: Option<Vec<Value>>,
    transcript: Option<String>,
    recording_url: Option<String>,
    recording: Option<Value>,
    presigned_mono_url: Option<String>,
    structured_outputs: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Monitor {
    control_url: Option<String>,
}

/// A customer, or a number of ours.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Party {
    number: Option<String>,
    twilio_phone_number: Option<String>,
    external_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Overrides {
    metadata: Option<Map<String, Value>>,
}

/// Something said, or something that happened.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Utterance {
    role: String,
    message: Option<String>,
    /// Milliseconds of the clock.
    time: Option<f64>,
    end_time: Option<f64>,
    seconds_from_start: Option<f64>,
    tool_calls: Vec<Value>,
}

impl Call {
    fn metadata(&self, name: &str) -> Option<&str> {
        self.assistant_overrides.as_ref()?.metadata.as_ref()?.get(name)?.as_str()
    }

    /// Our id, as we sent it along.
    pub fn ours(&self) -> Option<CallId> {
        let external = || self.customer.as_ref()?.external_id.as_deref();
        [self.metadata(CALL_KEY), external()].into_iter().flatten().find_map(|text| text.parse().ok())
    }

    /// The number at Vapi, ours.
    pub fn own_number(&self) -> Option<Phone> {
        let shown = self.phone_number.as_ref().and_then(|number| number.number.as_ref().or(number.twilio_phone_number.as_ref()));
        phone(self.metadata(FROM_KEY).or(shown.map(String::as_str)))
    }

    /// The person's number.
    pub fn other_number(&self) -> Option<Phone> {
        phone(self.customer.as_ref()?.number.as_deref())
    }

    pub fn control_url(&self) -> Option<&str> {
        self.monitor.as_ref()?.control_url.as_deref().filter(|url| !url.is_empty())
    }

    pub fn is_ended(&self) -> bool {
        matches!(self.status(), ProviderStatus::Ended(_))
    }

    pub fn observed(&self) -> Observed {
        let status = self.status();
        let started_at = moment(self.started_at.as_deref());
        let ended = self.is_ended();
        let talked = matches!(
            status,
            ProviderStatus::InProgress | ProviderStatus::Ended(Outcome::Completed | Outcome::Voicemail | Outcome::Failed)
        );
        let price_micros = self.price_micros().filter(|_| ended);
        let inbound = self.kind.as_deref() == Some("inboundPhoneCall");
        let (from, to) =
            if inbound { (self.other_number(), self.own_number()) } else { (self.own_number(), self.other_number()) };
        Observed {
            call: self.ours(),
            raw_reason: self.ended_reason.clone(),
            platform_fault: status == ProviderStatus::Ended(Outcome::Failed)
                && self.ended_reason.as_deref().is_some_and(reasons::is_platform_fault),
            answered_by: (status == ProviderStatus::Ended(Outcome::Voicemail)).then_some(AnsweredBy::Voicemail),
            created_at: moment(self.created_at.as_deref()),
            started_at,
            answered_at: started_at.filter(|_| talked),
            ended_at: moment(self.ended_at.as_deref()).filter(|_| ended),
            talk_seconds: self.talk_seconds(),
            price_micros,
            currency: price_micros.map(|_| "USD".to_owned()),
            from,
            to,
            ..Observed::new(ProviderCallId::new(&self.id), status, self.status.as_deref().unwrap_or_default())
        }
    }

    /// Everything it tells. What was said is told once it is said to the end.
    pub fn news(&self) -> Vec<CallbackKind> {
        let mut news = vec![CallbackKind::Status(Box::new(self.observed()))];
        if !self.is_ended() {
            return news;
        }
        if self.artifact.as_ref().is_some_and(Artifact::has_recording) {
            news.push(CallbackKind::Recording(Recording {
                id: format!("{}{RECORDING}", self.id),
                // The links that Vapi shows need a key or die soon; the recording is asked for by the call's id (edge 25).
                url: None,
                seconds: self.talk_seconds(),
                ready: true,
                raw_status: "completed".to_owned(),
            }));
        }
        let analysis = self.analysis();
        if !analysis.is_empty() {
            news.push(CallbackKind::Analysis(Box::new(analysis)));
        }
        news
    }

    fn status(&self) -> ProviderStatus {
        match self.status.as_deref().unwrap_or_default() {
            "scheduled" | "queued" => ProviderStatus::Dialing,
            "ringing" => ProviderStatus::Ringing,
            "in-progress" | "forwarding" => ProviderStatus::InProgress,
            "ended" => ProviderStatus::Ended(self.outcome()),
            // `not-found` and `deletion-failed` are about Vapi's memory of a call, not about the call.
            _ => ProviderStatus::Unrecognised,
        }
    }

    /// A reason we have not met ended a talk if there was one.
    fn outcome(&self) -> Outcome {
        let talked = self.started_at.is_some();
        let unknown = if talked { Outcome::Completed } else { Outcome::Failed };
        let outcome = reasons::outcome(self.ended_reason.as_deref().unwrap_or_default(), talked).unwrap_or(unknown);
        let machine = self.found(VOICEMAIL).and_then(Value::as_bool) == Some(true);
        if outcome == Outcome::Completed && machine { Outcome::Voicemail } else { outcome }
    }

    fn found(&self, name: &str) -> Option<&Value> {
        self.analysis.as_ref()?.structured_data.as_ref()?.get(name)
    }

    fn price_micros(&self) -> Option<i64> {
        let total = || self.cost_breakdown.as_ref()?.total.as_ref();
        micros_of(self.cost.as_ref().or_else(total)?, DOLLAR_MICROS)
    }

    /// What is billed, else the time between the two moments that it should match.
    fn talk_seconds(&self) -> Option<i64> {
        let ProviderStatus::Ended(outcome) = self.status() else { return None };
        let minutes = |kind: &str| {
            let cost = self.costs.iter().flatten().find(|cost| cost.kind.as_deref() == Some(kind))?;
            Some((cost.minutes? * 60_000.0).round() as i64)
        };
        let between = || {
            let (start, end) = (moment(self.started_at.as_deref())?, moment(self.ended_at.as_deref())?);
            let talked = matches!(outcome, Outcome::Completed | Outcome::Voicemail);
            talked.then(|| (end - start).num_milliseconds())
        };
        minutes("vapi").or_else(|| minutes("transport")).or_else(between).map(whole_seconds)
    }

    /// As far as there is one yet.
    fn analysis(&self) -> Analysis {
        let mut analysis = Analysis::default();
        if let Some(artifact) = &self.artifact {
            artifact.tell(&mut analysis);
        }
        if self.ended_reason.as_deref() == Some("voicemail") {
            analysis.voicemail = Some(true);
        }
        let Some(judged) = &self.analysis else { return analysis };
        analysis.summary = judged.summary.clone().filter(|text| !text.trim().is_empty());
        analysis.successful = judged.success_evaluation.as_ref().and_then(verdict);
        for (name, value) in judged.structured_data.iter().filter_map(Value::as_object).flatten() {
            note(&mut analysis, name, value);
        }
        analysis
    }
}

/// Puts one thing found out where it belongs.
fn note(analysis: &mut Analysis, name: &str, value: &Value) {
    match name {
        SENTIMENT => {
            analysis.sentiment = match value.as_str() {
                Some("positive") => Some(Sentiment::Positive),
                Some("neutral") => Some(Sentiment::Neutral),
                Some("negative") => Some(Sentiment::Negative),
                _ => analysis.sentiment,
            }
        }
        VOICEMAIL => analysis.voicemail = analysis.voicemail.max(value.as_bool()),
        _ => analysis.note(name, value),
    }
}

/// Passed or not; other scales are not read.
fn verdict(value: &Value) -> Option<bool> {
    match value.as_str().map(str::to_lowercase).as_deref() {
        Some("true" | "pass") => Some(true),
        Some("false" | "fail") => Some(false),
        _ => value.as_bool(),
    }
}

impl Artifact {
    fn has_recording(&self) -> bool {
        let mono = self.recording.as_ref().and_then(|recording| recording["mono"]["combinedUrl"].as_str());
        let links = [self.recording_url.as_deref(), self.presigned_mono_url.as_deref(), mono];
        links.into_iter().flatten().any(|link| !link.is_empty())
    }

    /// What was said, who called which tool, what was extracted.
    fn tell(&self, analysis: &mut Analysis) {
        for message in self.messages.iter().flatten() {
            // One that cannot be read is no reason to lose the others.
            let said: Utterance = serde_json::from_value(message.clone()).unwrap_or_default();
            if said.tools().any(|(name, _)| name == OPT_OUT) {
                analysis.opted_out = Some(true);
            }
            analysis.transcript.extend(said.segments());
        }
        if analysis.transcript.is_empty() {
            analysis.transcript.extend(self.transcript.iter().flat_map(|text| text.lines()).filter_map(line));
        }
        for output in self.structured_outputs.iter().flat_map(Map::values) {
            if let Some(name) = output["name"].as_str() {
                note(analysis, name, &output["result"]);
            }
        }
    }
}

/// One line of a transcript that is nothing but text.
fn line(text: &str) -> Option<Segment> {
    let (who, said) = text.split_once(": ")?;
    let speaker = match who {
        "AI" => Speaker::Agent,
        "User" => Speaker::Person,
        _ => return None,
    };
    Some(Segment { speaker, text: said.trim().to_owned(), start_ms: None, end_ms: None })
}

impl Utterance {
    /// Names and arguments.
    fn tools(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tool_calls.iter().filter_map(|call| {
            let function = &call["function"];
            Some((function["name"].as_str()?, function["arguments"].as_str().unwrap_or_default()))
        })
    }

    fn segments(&self) -> Vec<Segment> {
        let start_ms = milliseconds(self.seconds_from_start.map(|seconds| seconds * 1000.0));
        let length = self.end_time.zip(self.time).map(|(end, start)| (end - start).max(0.0));
        let end_ms = start_ms.zip(milliseconds(length)).map(|(start, length)| start.saturating_add(length));
        let segment = |speaker, text: String, end_ms| Segment { speaker, text, start_ms, end_ms };
        let said = self.message.as_deref().map(str::trim).filter(|text| !text.is_empty());
        match (self.role.as_str(), said) {
            ("bot" | "assistant", Some(text)) => vec![segment(Speaker::Agent, text.to_owned(), end_ms)],
            ("user", Some(text)) => vec![segment(Speaker::Person, text.to_owned(), end_ms)],
            ("tool_calls", _) => {
                let text = |(name, arguments): (&str, &str)| match arguments {
                    "" | "{}" => name.to_owned(),
                    arguments => format!("{name} {arguments}"),
                };
                self.tools().map(text).map(|text| segment(Speaker::Event, text, None)).collect()
            }
            // The prompt, and what tools answered.
            _ => Vec::new(),
        }
    }
}

fn milliseconds(number: Option<f64>) -> Option<i64> {
    number.filter(|number| number.is_finite()).map(|number| number.round() as i64)
}

/// The body of every error that Vapi itself wrote.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    #[serde(default)]
    message: Value,
}

/// Sorts an answer that is not a success; see [`crate::exchange::Refuse`]. There are no codes, so the HTTP status is one. An
/// internal error says nothing about the call: it may have been dialed.
pub fn refusal(http_status: u16, body: &[u8], retry_after: Option<&str>) -> Option<Refusal> {
    let message = match serde_json::from_slice::<ErrorBody>(body).map(|error| error.message) {
        Ok(Value::String(text)) => text,
        Ok(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    let about = message.to_lowercase();
    let kind = match http_status {
        // Limits are refused like mistakes are.
        400 | 402 if about.contains("concurren") => RefusalKind::Transient,
        400 if about.contains("customer.number") => RefusalKind::Permanent,
        429 | 503 => RefusalKind::Transient,
        400..=499 => RefusalKind::Configuration,
        _ => return None,
    };
    Some(refused(kind, format!("http_{http_status}"), &message, retry_after))
}

/// A begun second counts.
fn whole_seconds(ms: i64) -> i64 {
    (ms.max(0).saturating_add(999)) / 1000
}

fn moment(text: Option<&str>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text?).ok().map(|at| at.to_utc())
}

/// Hidden numbers and addresses are no phones; they are left out, not refused.
fn phone(text: Option<&str>) -> Option<Phone> {
    Phone::parse(text?.trim()).ok()
}
