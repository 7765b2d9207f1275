//! What a call is, whatever protocol it was ordered in: who calls whom, how far it has come, how it ended.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::{
    callee::Callee,
    conversation::{Brief, Conversation, Segment},
    handset::Hand,
    life::Command,
    speaker::Speaker,
    twilio::document::Source,
};

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Queued,
    Initiated,
    Ringing,
    InProgress,
    Completed,
    Busy,
    NoAnswer,
    Failed,
    Canceled,
}

impl Status {
    /// The word on our own page, which happens to be Twilio's.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled)
    }
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The customer called somebody, over the API.
    Outbound,
    /// Somebody called the customer.
    Inbound,
}

impl Direction {
    /// The word on our own page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// Who or what ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The callee put the phone down.
    Callee,
    /// What was to be said has been said.
    Agent,
    /// The customer asked for it.
    Order,
    /// The longest it may last.
    Limit,
    /// A machine, and it was hung up on or left a message.
    Machine,
    Busy,
    NoAnswer,
    /// The network could not deliver it.
    Unreachable,
}

/// What picked up, when somebody listened for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Human,
    Machine,
}

/// How a number answers calls.
#[derive(Debug, Clone, Default)]
pub struct Number {
    pub voice: Option<Hook>,
    pub status_callback: Option<Hook>,
}

/// What was asked for when the call was created.
pub struct Order {
    pub account: String,
    pub direction: Direction,
    pub to: String,
    pub from: String,
    /// Our caller's own id of the call, by which rings are counted.
    pub reference: Option<String>,
    /// The protocol it was ordered in, with what was asked for in its words.
    pub speaker: Arc<dyn Speaker>,
    pub plan: Plan,
    pub ring_seconds_max: f64,
    pub talk_seconds_max: f64,
    /// Is it to be found out what picked up?
    pub detects: bool,
    pub records: bool,
}

impl Order {
    /// What was asked for in the words of the protocol `T`; `None` when it was ordered in another one.
    pub fn terms<T: Speaker>(&self) -> Option<&T> {
        (&*self.speaker as &dyn std::any::Any).downcast_ref()
    }
}

/// Our caller's own id of a call in what it sent along: the first text that looks like one.
pub fn reference_in(metadata: &serde_json::Value) -> Option<String> {
    metadata.as_object()?.values().filter_map(|value| value.as_str()).find(|text| text.starts_with("cal_")).map(str::to_owned)
}

/// What happens once somebody has picked up.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Obey a document, and whichever follows it.
    Document(Source),
    /// Hold a conversation.
    Converse(Brief),
}

/// An address we post to.
#[derive(Debug, Clone)]
pub struct Hook {
    pub url: String,
    pub method: String,
}

impl Hook {
    pub fn post(url: &str) -> Self {
        Self { url: url.to_owned(), method: "POST".to_owned() }
    }
}

/// One call, as far as it has come.
pub struct Call {
    /// In the shape of the protocol it was ordered in.
    pub id: String,
    pub serial: u64,
    pub order: Arc<Order>,
    pub callee: Callee,
    pub attempt: u32,
    pub status: Status,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Virtual seconds of talk.
    pub duration: Option<u64>,
    pub ending: Option<Ending>,
    /// What the customer is charged, in millionths of a dollar, once that is known.
    pub price_micros: Option<u64>,
    pub verdict: Option<Verdict>,
    pub sip: Option<u16>,
    pub recording_id: Option<String>,
    /// What was said, as far as it has come; `None` where a document is obeyed.
    pub conversation: Option<Conversation>,
    /// What was heard of a document that was obeyed while a person held the call.
    pub heard: Vec<Segment>,
    /// How far a person has come with it; `None` where the callee is scripted.
    pub hand: Option<Hand>,
    /// Has the conversation been judged?
    pub analyzed: bool,
    /// Has everything been sent that there was to tell?
    pub over: bool,
    /// How often the phone really rang. More than once would be a bug of ours, so it is counted, not assumed.
    pub rang: u32,
    pub deliveries: Vec<Delivery>,
    pub commands: mpsc::Sender<Command>,
}

/// What became of one callback.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    pub event: String,
    pub at: DateTime<Utc>,
    pub status: Option<u16>,
    pub note: Option<String>,
}

impl Call {
    /// Hands an order to the call; false when it no longer listens.
    pub fn command(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }
}
