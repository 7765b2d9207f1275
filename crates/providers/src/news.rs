//! What a provider posts to us, and what it is answered with.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use model::{id::CallId, phone::Phone};
use reqwest::{Method, header::HeaderMap};

use crate::{
    analysis::Analysis,
    engine::RemoteAgent,
    voice::{AnsweredBy, Observed, ProviderCallId, Script},
};

/// An HTTP request that claims to come from the provider, exactly as received.
#[derive(Debug, Clone, Copy)]
pub struct CallbackRequest<'a> {
    pub method: &'a Method,
    /// The URL as the provider knows it: configured public base + path + query. Never rebuilt from `Host`.
    pub url: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The request is not authentic. Says nothing more, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct BadSignature;

/// The request is authentic but cannot be read as any callback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed callback: {0}")]
pub struct Malformed(pub String);

/// News about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub id: ProviderCallId,
    /// Our id, where the provider carries it along; else it is in the URL.
    pub call: Option<CallId>,
    /// Same news, same id: the key that the inbox is unique on (within one gateway).
    pub event_id: String,
    /// The provider's clock, when it said so.
    pub at: Option<DateTime<Utc>>,
    /// The provider's order of events of this call, when it said so.
    pub sequence: Option<i64>,
    pub kind: CallbackKind,
}

/// What the news is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackKind {
    Status(Box<Observed>),
    /// Keys pressed; answer with [`crate::VoiceProvider::reply`].
    Digits(String),
    MachineDetected(AnsweredBy),
    Recording(Recording),
    /// What was said, and what it came to. Comes after the end.
    Analysis(Box<Analysis>),
    /// Authentic, about this call, and of no kind that we know. Record it.
    Unknown(String),
}

/// Somebody calls one of our numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// A provider that asks before it has an id gives one to the question; the call's own comes with its callbacks.
    pub id: ProviderCallId,
    /// `None` when the number is hidden or no telephone number.
    pub from: Option<Phone>,
    /// The number they called.
    pub to: Phone,
}

/// A recording at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    pub id: String,
    /// Needs the account's credentials; copy the sound, never hand this out.
    pub url: Option<String>,
    pub seconds: Option<i64>,
    pub ready: bool,
    pub raw_status: String,
}

/// Sound, as the provider keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// What to answer a callback with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// We have it.
    Acknowledge,
    /// After a key: say this, then end the call.
    SayAndHangUp { text: String, language: String, voice: Option<String> },
    /// Take the call: say the script, and send keys to this URL.
    Talk { script: Script, gather_url: String },
    /// Take the call: let this agent talk, and carry our id along.
    Connect { call: CallId, agent: RemoteAgent, variables: BTreeMap<String, String> },
    /// Do not take the call.
    Decline,
}

/// The answer's body, to be sent with status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyBody {
    pub content_type: &'static str,
    pub body: String,
}

/// What news tells, for the tests of those who read it.
#[cfg(test)]
pub mod told {
    use super::{Analysis, Callback, CallbackKind, Observed};

    /// The status, which comes first.
    pub fn status(callbacks: &[Callback]) -> &Observed {
        match &callbacks[0].kind {
            CallbackKind::Status(seen) => seen,
            other => panic!("not a status: {other:?}"),
        }
    }

    pub fn analysis(callbacks: &[Callback]) -> &Analysis {
        let found =
            callbacks.iter().find_map(|one| if let CallbackKind::Analysis(found) = &one.kind { Some(found) } else { None });
        found.expect("an analysis")
    }
}
