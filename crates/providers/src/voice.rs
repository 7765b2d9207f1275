//! What we ask of any telephone provider, and the canonical words for what it answers.
//! The words of one provider (status names, error codes, form fields) stay in its own folder.

use std::{collections::BTreeMap, fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{id::CallId, phone::Phone};
use secrecy::SecretString;

use crate::engine::{Agents, Knowledge, Numbers, RemoteAgent, Speech, Staff, Voices};
pub use crate::news::*;

/// One account at one provider. Implementations keep no state about calls, so any worker may ask about any call.
#[async_trait]
pub trait VoiceProvider: Send + Sync {
    /// Asks for one call, once: never repeats the request, whatever happens. See [`Answer`].
    async fn originate(&self, call: &Originate) -> Answer;
    /// The call as the provider knows it now; `None` when it knows no such call.
    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError>;
    /// The calls to and from these numbers in a span of time, newest first, all pages: how a lost answer is reconciled.
    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError>;
    /// Every call of the account that began in a span of time, the end not included: what the nightly audit compares.
    /// A provider without such a list says so.
    async fn list(&self, _since: DateTime<Utc>, _until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        Err(ProviderError::Malformed("this provider does not list calls".to_owned()))
    }
    /// Ends a call in whatever state it is. A call that is already over is a success.
    async fn hang_up(&self, id: &ProviderCallId) -> Result<(), ProviderError>;
    /// Do the credentials work, and what does the account look like?
    async fn check(&self) -> Result<AccountInfo, ProviderError>;
    /// Has the account tell us about calls at this address, where that is not said with each call or agent. Returns what
    /// callbacks will be signed with, where the provider makes that up; nothing where there is nothing to do.
    async fn listen(&self, _url: &str) -> Result<Option<SecretString>, ProviderError> {
        Ok(None)
    }
    /// Everything the provider can tell of a call now, as the news its callbacks would have brought: what they lost is made
    /// good by it. Nothing when it knows no such call.
    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        Ok(self.fetch(id).await?.map(|seen| CallbackKind::Status(Box::new(seen))).into_iter().collect())
    }
    /// The sound of a recording, up to [`crate::http::RECORDING_BYTES_MAX`].
    async fn recording(&self, _recording: &Recording) -> Result<Sound, ProviderError> {
        Err(ProviderError::Unsupported("this provider gives no recordings"))
    }
    /// Was this request made by the provider, for this account, unchanged, and not too long before `now`? Works on the raw
    /// bytes, in constant time.
    fn verify(&self, request: &CallbackRequest<'_>, now: DateTime<Utc>) -> Result<(), BadSignature>;
    /// Reads what one request tells, which is at least one thing. The first one's event id names the whole request. May look
    /// at the URL and the body only: headers are not kept. Values we do not know become [`CallbackKind::Unknown`] or
    /// [`ProviderStatus::Unrecognised`].
    fn parse(&self, request: &CallbackRequest<'_>) -> Result<Vec<Callback>, Malformed>;
    /// Reads the question "somebody calls your number, what shall they hear?"; answer with [`VoiceProvider::reply`].
    /// The default is for providers that take no calls.
    fn parse_inbound(&self, request: &CallbackRequest<'_>) -> Result<Incoming, Malformed> {
        let _ = request;
        Err(Malformed("this provider takes no inbound calls".to_owned()))
    }
    /// The HTTP body a callback is answered with.
    fn reply(&self, reply: &Reply) -> ReplyBody;
    /// Conversational agents kept at the provider.
    fn agents(&self) -> Option<&dyn Agents> {
        None
    }
    /// Those who talk where they are only listed: people, and agents made elsewhere.
    fn staff(&self) -> Option<&dyn Staff> {
        None
    }
    /// Documents that such agents know.
    fn knowledge(&self) -> Option<&dyn Knowledge> {
        None
    }
    fn numbers(&self) -> Option<&dyn Numbers> {
        None
    }
    fn voices(&self) -> Option<&dyn Voices> {
        None
    }
    /// Text into sound.
    fn speech(&self) -> Option<&dyn Speech> {
        None
    }
}

/// A call to place. Committed as an intent before it gets here, so nothing in it may be decided later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Originate {
    pub call: CallId,
    pub to: Phone,
    pub from: Phone,
    /// The provider's id of our number, where it wants that instead.
    pub from_id: Option<String>,
    /// What is said by a provider that reads texts out.
    pub script: Script,
    /// Public URL that is asked what to say once somebody has picked up, and answers with [`Reply::Talk`]: then `script` is not
    /// sent. For a script that is only known then, because making its sound takes a while.
    pub script_url: Option<String>,
    /// Who talks at a provider that holds the conversation itself.
    pub agent: Option<RemoteAgent>,
    /// What that agent knows of this person, such as `first_name`.
    pub variables: BTreeMap<String, String>,
    /// How long the phone may ring.
    pub ring_seconds_max: u32,
    /// How long the talk may last; the hold on credits covers exactly this.
    pub talk_seconds_max: u32,
    pub record: bool,
    pub machine_detection: bool,
    /// Public URL for status, machine detection and recording callbacks, where a call may have its own. Should carry the call's
    /// id, because a callback may arrive before the answer to this request.
    pub callback_url: String,
    /// Public URL that receives pressed keys and answers with [`VoiceProvider::reply`].
    pub gather_url: String,
}

/// What is said, in order. Texts are final: variables are filled in, and the opt-out hint is part of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    pub greeting: String,
    pub main: String,
    pub closing: String,
    /// BCP 47, like `en-US` or `ar-AE`.
    pub language: String,
    /// The provider's name of a voice; its default when absent.
    pub voice: Option<String>,
    /// Where the texts are to be had as sound. Played instead of read out.
    pub audio: Option<ScriptAudio>,
    /// When set, keys are listened for while the greeting and main text are said. Any key goes to `gather_url`;
    /// which one means opt-out is judged there, by comparing with this.
    pub opt_out_digit: Option<char>,
}

/// A public URL for each text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptAudio {
    pub greeting: String,
    pub main: String,
    pub closing: String,
}

/// The script does not fit into one request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the script takes {length} characters with its markup; the provider allows {length_max}")]
pub struct ScriptTooLong {
    pub length: usize,
    pub length_max: usize,
}

/// What became of the request to place a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The provider has the call.
    Placed(ProviderCallId),
    /// The provider certainly did not take it, or no byte of the request left us.
    Refused(Refusal),
    /// It may be ringing. Never redial: look it up.
    Unknown { why: String },
}

/// A definite no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// The provider's code, or ours (`unreachable`, `script_too_long`).
    pub code: String,
    /// For the log and the campaign's event list, not for callers.
    pub message: String,
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// What to do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// This number will never work: stop the enrollment.
    Permanent,
    /// Busy or broken for now: back off, not counted as an attempt.
    Transient,
    /// Ours to repair (key, caller id, URL): pause the campaign with the reason.
    Configuration,
}

/// The provider's own id of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderCallId(String);

impl ProviderCallId {
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderCallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which calls to look for. Both ends of the span are included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    pub to: Phone,
    pub from: Phone,
    /// Where the provider keeps our id beside its calls, only those of this one are wanted, and those without any.
    pub call: Option<CallId>,
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

impl LookUp {
    /// Is this call among those looked for, as far as the provider tells?
    pub fn wants(&self, seen: &Observed) -> bool {
        let same = |ours: &Phone, theirs: &Option<Phone>| theirs.as_ref().is_none_or(|phone| phone == ours);
        let at = seen.started_at.or(seen.created_at);
        same(&self.to, &seen.to)
            && same(&self.from, &seen.from)
            && self.call.is_none_or(|call| seen.call.is_none_or(|theirs| theirs == call))
            && at.is_none_or(|at| (self.since..=self.until).contains(&at))
    }
}

/// A call as the provider shows it, by listing, fetching or callback. Absent means "not said", never "zero".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub id: ProviderCallId,
    /// Our id, where the provider keeps it beside its own.
    pub call: Option<CallId>,
    pub status: ProviderStatus,
    /// The provider's word, kept beside ours.
    pub raw_status: String,
    /// The provider's reason, such as a SIP code.
    pub raw_reason: Option<String>,
    /// It failed by the platform's own fault (it was full, it broke down), as far as the provider says so: that tells nothing of
    /// the person, and is no attempt of theirs to count. Whoever keeps the count may call again, after a while and not for ever;
    /// `services` counts such calls all the same, because some of them rang.
    /// Somebody may have picked up all the same: then `answered_at` is set, and calling again is a matter of manners. Only ever true of [`Outcome::Failed`].
    pub platform_fault: bool,
    pub answered_by: Option<AnsweredBy>,
    pub created_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// What is billed; use this, never the difference of two moments.
    pub talk_seconds: Option<i64>,
    /// What the provider charges us, positive, in millionths of `currency`. Comes late.
    pub price_micros: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    pub from: Option<Phone>,
    pub to: Option<Phone>,
}

impl Observed {
    /// A call of which nothing is known but its status.
    pub fn new(id: ProviderCallId, status: ProviderStatus, raw_status: impl Into<String>) -> Self {
        Self {
            id,
            call: None,
            status,
            raw_status: raw_status.into(),
            raw_reason: None,
            platform_fault: false,
            answered_by: None,
            created_at: None,
            started_at: None,
            answered_at: None,
            ended_at: None,
            talk_seconds: None,
            price_micros: None,
            currency: None,
            from: None,
            to: None,
        }
    }
}

/// Canonical progress of a call, see engine.md §1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderStatus {
    /// The provider has the call and may be waiting for its own rate limit.
    Dialing,
    Ringing,
    /// The moment of pick-up.
    Answered,
    InProgress,
    Ended(Outcome),
    /// A word we do not know: keep the status, record, alert.
    Unrecognised,
}

impl ProviderStatus {
    /// Place in the order of states; a lower one never overwrites a higher one. `None` for a word we do not know.
    pub const fn rank(self) -> Option<u8> {
        match self {
            Self::Dialing => Some(1),
            Self::Ringing => Some(2),
            Self::Answered => Some(3),
            Self::InProgress => Some(4),
            Self::Ended(_) => Some(9),
            Self::Unrecognised => None,
        }
    }
}

/// How a call ended, as far as a provider can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Completed,
    Voicemail,
    Busy,
    NoAnswer,
    Rejected,
    Failed,
    Canceled,
}

/// What picked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnsweredBy {
    Human,
    Voicemail,
    Fax,
    /// The detector could not tell; treated as a human.
    Unclear,
}

/// A question that was not answered. Placing a call has its own [`Answer`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    #[error("the provider refused: {0}")]
    Refused(Refusal),
    #[error("the provider could not be reached: {0}")]
    Unreachable(String),
    #[error("the provider's answer makes no sense: {0}")]
    Malformed(String),
    /// More pages than we are willing to read; ask for a shorter span.
    #[error("more than {0} pages match")]
    TooMany(usize),
    /// More bytes than we are willing to keep.
    #[error("more than {0} bytes")]
    TooLarge(usize),
    /// Whoever asks should have known; a screen does not offer it.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl ProviderError {
    /// Is asking again later likely to help without anybody changing a setting?
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.kind == RefusalKind::Transient,
            Self::Unreachable(_) => true,
            Self::Malformed(_) | Self::TooMany(_) | Self::TooLarge(_) | Self::Unsupported(_) => false,
        }
    }
}

/// What a credential check shows on the settings screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    pub account: String,
    pub name: String,
    /// May it place calls?
    pub active: bool,
    /// In millionths of `currency`.
    pub balance_micros: Option<i64>,
    pub currency: Option<String>,
}
