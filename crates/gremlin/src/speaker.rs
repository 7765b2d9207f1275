//! How one protocol tells of its calls. A provider's folder implements [`Speaker`] on what it keeps of an order; when
//! something happens to a call, `life` asks it for messages, and `callbacks` sends them, with whatever goes wrong.

use std::{any::Any, time::Duration};

use reqwest::RequestBuilder;
use serde_json::Value;

use crate::{call::Call, network::Network};

/// Something that happens to a call, about which a customer may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Initiated,
    Ringing,
    Answered,
    /// The detector knows what picked up.
    Detected,
    Ended,
    /// The recording is ready, or there is none.
    Recorded,
    /// The conversation has been judged.
    Analyzed,
}

/// What one protocol says about one call, and how. Holds what the call was ordered with.
pub trait Speaker: Any + Send + Sync {
    /// The provider's word.
    fn provider(&self) -> &'static str;

    /// An id for the n-th call of this run, in the shape of the protocol.
    fn new_id(&self, network: &Network, serial: u64) -> String;

    /// What is posted at this moment, if anybody asked. Called under the network's lock: may not take it again.
    fn tell(&self, network: &Network, call: &Call, moment: Moment) -> Vec<Message>;

    /// The request that carries a message, signed for this account; with a wrong signature when `forged`.
    fn seal(&self, network: &Network, account: &str, message: &Message, forged: bool) -> RequestBuilder;

    /// Puts a status into a message that nobody has heard of; false when it names none.
    fn garble(&self, message: &mut Message) -> bool;

    fn patience(&self) -> Patience;

    /// What so many seconds of talk cost, and when that is known after the end.
    fn bill(&self, seconds: u64) -> Bill;

    /// How long after the end the conversation is judged. `None` for a protocol without conversations.
    fn analysis_seconds(&self) -> Option<f64> {
        None
    }
}

/// What is posted, before faults and signature.
#[derive(Debug, Clone)]
pub struct Message {
    pub url: String,
    pub method: String,
    /// For the control page.
    pub event: String,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub enum Body {
    Form(Vec<(String, String)>),
    Json(Value),
}

impl Body {
    /// Makes it larger by a field that nobody has heard of.
    pub fn pad(&mut self, bytes: usize) {
        let padding = "x".repeat(bytes);
        match self {
            Self::Form(form) => form.push(("Padding".to_owned(), padding)),
            Self::Json(json) => json["padding"] = padding.into(),
        }
    }
}

/// How often a message is repeated that was not taken.
#[derive(Debug, Clone, Copy)]
pub enum Patience {
    /// Once, and only when no connection could be made.
    OnceUnconnected,
    /// So many times more, after this wait each time, unless the answer is a 2xx. Real time.
    Repeats { times: u32, wait: Duration },
}

/// A price in millionths of a dollar.
#[derive(Debug, Clone, Copy)]
pub struct Bill {
    pub micros: u64,
    pub after_seconds: f64,
}
