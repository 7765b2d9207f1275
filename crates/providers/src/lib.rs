//! Whom we ask: the telephone providers, behind one trait, each speaking its own wire protocol.
//! No database and no tenancy here: an adapter knows one account at one provider and nothing else.
//! What a call means to a campaign is decided in `services`; a fake network to talk to is `gremlin`.

pub mod analysis;
pub mod elevenlabs;
pub mod engine;
pub mod exchange;
pub mod http;
pub mod mail;
pub mod maqsam;
pub mod money;
pub mod multipart;
mod news;
pub mod retell;
pub mod scripted;
pub mod signature;
pub mod twilio;
pub mod vapi;
pub mod voice;

use std::{collections::BTreeMap, sync::Arc};

pub use reqwest::{
    Client, Method,
    header::{HeaderMap, HeaderValue},
};
pub use secrecy::{ExposeSecret, SecretString};

pub use analysis::{Analysis, Segment, Sentiment, Speaker};
pub use engine::*;
pub use voice::*;

/// The providers we can place calls through. A new one starts as a variant here and follows the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    Twilio,
    Retell,
    Vapi,
    ElevenLabs,
    Maqsam,
}

impl ProviderKind {
    /// Every kind, for settings screens and for the contract suite.
    pub const ALL: &[Self] = &[Self::Twilio, Self::Retell, Self::Vapi, Self::ElevenLabs, Self::Maqsam];

    /// The word kept in tables, URLs and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Retell => "retell",
            Self::Vapi => "vapi",
            Self::ElevenLabs => "elevenlabs",
            Self::Maqsam => "maqsam",
        }
    }

    /// Where the provider's public service lives, used when a gateway names no other address.
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Twilio => twilio::BASE_URL,
            Self::Retell => retell::BASE_URL,
            Self::Vapi => vapi::BASE_URL,
            Self::ElevenLabs => elevenlabs::BASE_URL,
            Self::Maqsam => maqsam::BASE_URL,
        }
    }

    /// Does the provider hold conversations with agents of its own, instead of reading texts out? Then a call names an agent,
    /// callbacks come to one address for all calls, and an [`Analysis`] follows. Whether such agents can be made from here is what
    /// [`VoiceProvider::agents`] says; whether they are at least listed, [`VoiceProvider::staff`].
    pub const fn is_conversational(self) -> bool {
        match self {
            Self::Twilio => false,
            Self::Retell | Self::Vapi | Self::ElevenLabs | Self::Maqsam => true,
        }
    }

    /// Must its calls be asked for? Then nothing that proves where it comes from is sent to us, and [`VoiceProvider::list`] and
    /// [`VoiceProvider::report`] are how news comes.
    pub const fn is_polled(self) -> bool {
        match self {
            Self::Twilio | Self::Retell | Self::Vapi | Self::ElevenLabs => false,
            Self::Maqsam => true,
        }
    }

    /// Does a call end by itself after [`Originate::talk_seconds_max`]? Where it does not, a call may cost more than was held.
    pub const fn keeps_talk_limit(self) -> bool {
        match self {
            Self::Twilio | Self::Retell | Self::Vapi | Self::ElevenLabs => true,
            Self::Maqsam => false,
        }
    }

    /// Refuses a script that the provider could not take, before anything is dialed.
    pub fn check_script(self, script: &Script) -> Result<(), ScriptTooLong> {
        match self {
            Self::Twilio => twilio::twiml::check(script),
            // Nothing is read out.
            Self::Retell | Self::Vapi | Self::ElevenLabs | Self::Maqsam => Ok(()),
        }
    }
}

impl std::fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no provider of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown provider {0:?}")]
pub struct UnknownProvider(pub String);

impl std::str::FromStr for ProviderKind {
    type Err = UnknownProvider;
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownProvider(text.to_owned()))
    }
}

/// A company's account at a provider, as the adapter needs it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Scheme, host and port, without the API's own path; see [`ProviderKind::base_url`].
    pub base_url: String,
    /// The account's id or the public half of its key; empty where the secret alone says who we are.
    pub id: String,
    pub secret: SecretString,
    /// What callbacks are signed with, where that is not `secret`.
    pub webhook_secret: Option<SecretString>,
    /// What only one provider asks for, under the names that its adapter documents. No secrets.
    pub options: BTreeMap<String, String>,
}

impl Account {
    /// One without a secret for callbacks and without options.
    pub fn new(base_url: impl Into<String>, id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        Self { base_url: base_url.into(), id: id.into(), secret: secret.into(), webhook_secret: None, options: BTreeMap::new() }
    }

    /// The address without a slash at its end.
    fn base(&self) -> &str {
        self.base_url.trim_end_matches('/')
    }
}

/// The adapter for one account. Cheap: share one [`http::client`] between all of them.
pub fn connect(kind: ProviderKind, account: Account, client: Client) -> Arc<dyn VoiceProvider> {
    match kind {
        ProviderKind::Twilio => Arc::new(twilio::Twilio::new(account, client)),
        ProviderKind::Retell => Arc::new(retell::Retell::new(account, client)),
        ProviderKind::Vapi => Arc::new(vapi::Vapi::new(account, client)),
        ProviderKind::ElevenLabs => Arc::new(elevenlabs::ElevenLabs::new(account, client)),
        ProviderKind::Maqsam => Arc::new(maqsam::Maqsam::new(account, client)),
    }
}
