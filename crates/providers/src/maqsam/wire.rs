//! Maqsam's words and ours: the call, its states, what was said, errors. Pure: JSON in, canonical types out. Since no
//! specification is known, every field may be missing, a number may be a text, and no word fails.

use chrono::{DateTime, Utc};
use model::phone::Phone;
use serde::Deserialize;
use serde_json::Value;

use super::Options;
use crate::{
    analysis::{Analysis, Segment, Sentiment, Speaker},
    engine::Colleague,
    exchange::{configuration, refused},
    voice::{CallbackKind, Observed, Outcome, ProviderCallId, ProviderStatus, Recording, Refusal, RefusalKind},
};

/// What a thing that is not there is refused with.
pub const NOT_FOUND: &str = "http_404";
/// A recording that will be there later.
pub const NOT_READY: &str = "recording_not_ready";
/// The version of the API that an id was given by is part of it: one of another version does not open there (edge 34).
const REFERENCE: &str = "v3-ref-";
const NUMBER: &str = "v3-id-";
const ID_CHARS_MAX: usize = 100;
const EMAIL_CHARS_MAX: usize = 254;

/// How a call is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Id<'a> {
    Reference(&'a str),
    Number(&'a str),
}

/// What an id of ours stands for; `None` when it is not of this version, or could not be part of a path.
pub fn read_id(id: &ProviderCallId) -> Option<Id<'_>> {
    let text = id.as_str();
    match (text.strip_prefix(REFERENCE), text.strip_prefix(NUMBER)) {
        (Some(reference), _) => is_reference(reference).then_some(Id::Reference(reference)),
        (_, Some(number)) => {
            let fine = (1..=ID_CHARS_MAX).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
            fine.then_some(Id::Number(number))
        }
        _ => None,
    }
}

/// What shape a reference has is not known: anything that is one segment of a path.
fn is_reference(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\?#%".contains(&byte))
        && !matches!(text, "." | "..")
}

/// Fit to name an agent?
pub fn is_email(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    text.len() <= EMAIL_CHARS_MAX && text.split_once('@').is_some_and(|(who, at)| plain(who) && plain(at) && !at.contains('@'))
}

/// The answer to click-to-call. Integrators look at either word for success and at either place for the reference.
#[derive(Debug, Deserialize)]
pub struct Created {
    #[serde(default)]
    result: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    call: Value,
    #[serde(default, rename = "referenceId")]
    reference: Value,
}

impl Created {
    /// Under the reference the call is known from the first moment; an error says what came instead.
    pub fn id(self) -> Result<ProviderCallId, String> {
        let reference = text(&self.call["referenceId"]).or(text(&self.reference)).unwrap_or_default();
        let success = self.result == "success" || self.message == "success";
        if success && is_reference(&reference) {
            Ok(ProviderCallId::new(format!("{REFERENCE}{reference}")))
        } else {
            Err(reference)
        }
    }
}

/// One page of a list. Without a list it is none.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    pub message: Vec<T>,
}

/// One call, wherever the answer has it: nobody wrote down where.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct One(Value);

impl One {
    pub fn call(mut self) -> Option<Call> {
        let whole = self.0.take();
        let places = [&whole["message"][0], &whole["message"], &whole["call"], &whole];
        let found = places.into_iter().find(|place| !place["id"].is_null() || !place["referenceId"].is_null())?;
        Call::deserialize(found).ok()
    }
}

/// A call, as it is fetched, listed and told.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    reference_id: Value,
    #[serde(default)]
    caller_number: Value,
    #[serde(default)]
    callee_number: Value,
    #[serde(default)]
    state: Value,
    #[serde(default)]
    timestamp: Value,
    #[serde(default)]
    duration: Value,
    #[serde(default)]
    ringing_time: Value,
    #[serde(default)]
    waiting_time: Value,
    #[serde(default)]
    summary: Value,
    #[serde(default)]
    transcription: Value,
    #[serde(default)]
    segments: Value,
    #[serde(default)]
    sentiment: Value,
    #[serde(default)]
    tags: Value,
    #[serde(default)]
    auto_tags: Value,
}

impl Call {
    pub fn has_id(&self) -> bool {
        read_id(&self.provider_id()).is_some()
    }

    /// The call that was asked for by this reference, whether or not it says so itself.
    pub fn known_as(mut self, reference: Option<&str>) -> Self {
        if let Some(reference) = reference {
            self.reference_id = reference.into();
        }
        self
    }

    /// By its reference where it has one, as it was placed; else by its number.
    pub fn provider_id(&self) -> ProviderCallId {
        let reference = text(&self.reference_id).map(|reference| format!("{REFERENCE}{reference}"));
        ProviderCallId::new(reference.unwrap_or_else(|| format!("{NUMBER}{}", text(&self.id).unwrap_or_default())))
    }

    /// Their word.
    pub fn state(&self) -> String {
        text(&self.state).unwrap_or_default()
    }

    /// When it began, rang and ended is left out: which of these `timestamp` is nobody said.
    pub fn observed(&self, options: &Options) -> Observed {
        let (state, status) = (self.state(), self.status());
        let ended = matches!(status, ProviderStatus::Ended(_));
        Observed {
            created_at: number(&self.timestamp).and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0)),
            talk_seconds: self.talk_seconds(options).filter(|_| ended),
            from: phone(&self.caller_number),
            to: phone(&self.callee_number),
            ..Observed::new(self.provider_id(), status, state)
        }
    }

    fn talk_seconds(&self, options: &Options) -> Option<i64> {
        let duration = number(&self.duration)?;
        let before = [&self.ringing_time, &self.waiting_time].into_iter().filter_map(number).fold(0, i64::saturating_add);
        let talk = if options.duration_is_total { duration.saturating_sub(before) } else { duration };
        Some(talk.max(0))
    }

    /// providers.md §0. A call that nobody has answered yet has no state.
    fn status(&self) -> ProviderStatus {
        let word = self.state().trim().to_lowercase().replace(['-', ' '], "_");
        match word.as_str() {
            "" => ProviderStatus::Dialing,
            "answered" => ProviderStatus::Answered,
            "in_progress" => ProviderStatus::InProgress,
            "completed" | "serviced" | "ended" => ProviderStatus::Ended(Outcome::Completed),
            "busy" => ProviderStatus::Ended(Outcome::Busy),
            "no_answer" | "abandoned" | "dropped" => ProviderStatus::Ended(Outcome::NoAnswer),
            "failed" | "blocked" => ProviderStatus::Ended(Outcome::Failed),
            _ => ProviderStatus::Unrecognised,
        }
    }

    /// Everything it tells. Whether there is a recording only asking for it tells.
    pub fn news(&self, options: &Options) -> Vec<CallbackKind> {
        let seen = self.observed(options);
        let talked = seen.talk_seconds.filter(|seconds| *seconds > 0 && seen.status == ProviderStatus::Ended(Outcome::Completed));
        let recording = talked.zip(text(&self.id)).map(|(seconds, id)| {
            CallbackKind::Recording(Recording { id, url: None, seconds: Some(seconds), ready: true, raw_status: String::new() })
        });
        let analysis = self.analysis(options);
        let analysis = (!analysis.is_empty()).then(|| CallbackKind::Analysis(Box::new(analysis)));
        [Some(CallbackKind::Status(Box::new(seen))), recording, analysis].into_iter().flatten().collect()
    }

    /// As far as there is one yet: it comes minutes after the end.
    pub fn analysis(&self, options: &Options) -> Analysis {
        let mut keywords: Vec<String> = [&self.tags, &self.auto_tags].into_iter().flat_map(names).collect();
        let mut seen = std::collections::HashSet::new();
        keywords.retain(|word| seen.insert(word.clone()));
        let opted_out = keywords.contains(&options.opt_out_tag).then_some(true);
        keywords.retain(|word| *word != options.opt_out_tag);
        let turns = turns(&self.segments, options.segment_unit_ms);
        Analysis {
            transcript: if turns.is_empty() { lines(&text(&self.transcription).unwrap_or_default()) } else { turns },
            summary: summary(&self.summary, &options.summary_language),
            sentiment: match text(&self.sentiment).unwrap_or_default().to_lowercase().as_str() {
                "positive" => Some(Sentiment::Positive),
                "neutral" => Some(Sentiment::Neutral),
                "negative" => Some(Sentiment::Negative),
                _ => None,
            },
            opted_out,
            keywords,
            ..Analysis::default()
        }
    }
}

/// Either a text, or one for each language.
fn summary(value: &Value, language: &str) -> Option<String> {
    let own = || text(&value[language]);
    text(value).or_else(own).or_else(|| value.as_object()?.values().find_map(text))
}

/// Tags are texts, or things with a name.
fn names(tags: &Value) -> impl Iterator<Item = String> {
    let all = tags.as_array().into_iter().flatten();
    all.filter_map(|tag| text(tag).or_else(|| text(&tag["name"]))).map(|tag| tag.to_lowercase())
}

fn speaker(word: &str) -> Option<Speaker> {
    match word.trim().to_lowercase().as_str() {
        "agent" => Some(Speaker::Agent),
        "customer" => Some(Speaker::Person),
        _ => None,
    }
}

/// Turns with their times. A speaker that we do not know is a colleague: somebody who is neither of the two.
fn turns(segments: &Value, unit_ms: f64) -> Vec<Segment> {
    let ms = |value: &Value| value.as_f64().or_else(|| text(value)?.parse().ok()).filter(|n: &f64| n.is_finite());
    let turn = |one: &Value| {
        Some(Segment {
            speaker: speaker(&text(&one["speaker"]).unwrap_or_default()).unwrap_or(Speaker::Colleague),
            text: text(&one["content"])?,
            start_ms: ms(&one["startTime"]).map(|at| (at * unit_ms).round() as i64),
            end_ms: ms(&one["endTime"]).map(|at| (at * unit_ms).round() as i64),
        })
    };
    segments.as_array().into_iter().flatten().filter_map(turn).collect()
}

/// `agent: …` and `customer: …`; a line without either goes on where the last one stopped.
fn lines(transcription: &str) -> Vec<Segment> {
    let mut all: Vec<Segment> = Vec::new();
    for line in transcription.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let said = line.split_once(':').and_then(|(who, what)| Some((speaker(who)?, what.trim())));
        match (said, all.last_mut()) {
            (Some((speaker, what)), _) => {
                all.push(Segment { speaker, text: what.to_owned(), start_ms: None, end_ms: None });
            }
            (None, Some(last)) => last.text = format!("{} {line}", last.text).trim().to_owned(),
            (None, None) => {
                all.push(Segment { speaker: Speaker::Colleague, text: line.to_owned(), start_ms: None, end_ms: None })
            }
        }
    }
    all.retain(|one| !one.text.is_empty());
    all
}

/// Somebody of the account: a person, or an AI agent.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    #[serde(default)]
    pub email: String,
    name: Option<String>,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    outgoing_enabled: bool,
    /// Told by some accounts only.
    state: Option<String>,
}

impl Agent {
    pub fn is(&self, email: &str) -> bool {
        self.email.eq_ignore_ascii_case(email)
    }

    /// Is it set up to make calls?
    pub fn may_call(&self) -> bool {
        self.active && self.outgoing_enabled
    }

    fn is_available(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state.eq_ignore_ascii_case("available"))
    }

    /// Why no call can start with them now.
    pub fn obstacle(&self) -> Option<Refusal> {
        if !self.may_call() {
            return Some(configuration("agent_may_not_call", "The agent is not active, or not enabled for outgoing calls."));
        }
        let why = || refused(RefusalKind::Transient, "agent_unavailable", "The agent is not available.", None);
        (!self.is_available()).then(why)
    }

    pub fn colleague(self) -> Colleague {
        let can_call_now = self.may_call() && self.is_available();
        Colleague { may_call: self.may_call(), can_call_now, name: self.name.unwrap_or_default(), id: self.email }
    }
}

/// The body of an error. `error` is true where Maqsam itself wrote it.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: bool,
    #[serde(default)]
    message: Value,
}

/// Sorts an answer that is not a success; see [`crate::exchange::Refuse`]. There are no codes, so the HTTP status is one. An
/// internal error says nothing about the call: it may have been dialed.
pub fn refusal(http_status: u16, body: &[u8], retry_after: Option<&str>) -> Option<Refusal> {
    let error = serde_json::from_slice::<ErrorBody>(body).ok().filter(|error| error.error);
    let message = match error {
        Some(error) => text(&error.message).unwrap_or_else(|| error.message.to_string()),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let word = message.to_lowercase();
    let says = |words: &[&str]| words.iter().all(|one| word.contains(one));
    let kind = match http_status {
        400 | 422 if says(&["phone", "invalid"]) => RefusalKind::Permanent,
        // Somebody who is away, or talks to somebody else.
        400 | 409 | 422 if says(&["agent"]) && ["online", "available", "busy"].iter().any(|one| says(&[one])) => {
            RefusalKind::Transient
        }
        429 | 503 => RefusalKind::Transient,
        400..=499 => RefusalKind::Configuration,
        _ => return None,
    };
    Some(refused(kind, format!("http_{http_status}"), &message, retry_after))
}

/// Like [`refusal`], for a recording: 400 means that it is not there yet.
pub fn recording_refusal(http_status: u16, body: &[u8], retry_after: Option<&str>) -> Option<Refusal> {
    let refusal = refusal(http_status, body, retry_after)?;
    if http_status != 400 {
        return Some(refusal);
    }
    Some(Refusal { kind: RefusalKind::Transient, code: NOT_READY.to_owned(), ..refusal })
}

/// A text with something in it, or a whole number as one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, whether it is a number or a text; a fraction of a second began.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64().or_else(|| other.as_f64().map(|n| n.ceil() as i64)),
    }
}

/// Digits with the country's code, with or without a plus. Names and extensions are no phones; they are left out.
fn phone(value: &Value) -> Option<Phone> {
    let text = text(value)?;
    Phone::parse(&format!("+{}", text.trim_start_matches('+'))).ok()
}
