//! Whom we ask: the telephone providers, behind one trait, each speaking its own wire protocol.
//! No database and no tenancy here: an adapter knows one account at one provider and nothing else.
//! What a call means to a campaign is decided in `services`; a fake network to talk to is `gremlin`.

pub mod analysis;
mod api;
pub mod conformance;
pub mod elevenlabs;
pub mod engine;
pub mod exchange;
pub mod guard;
pub mod http;
pub mod mail;
pub mod maqsam;
pub mod money;
pub mod multipart;
mod news;
pub mod outgoing;
pub mod retell;
pub mod scripted;
pub mod signature;
pub mod twilio;
pub mod vapi;
pub mod voice;

use std::{collections::BTreeMap, sync::Arc};

pub use model::gateways::ProviderKind;
pub use reqwest::{
    Client, Method,
    header::{HeaderMap, HeaderValue},
};
pub use secrecy::{ExposeSecret, SecretString};

pub use analysis::{Analysis, Segment, Sentiment, Speaker};
pub use engine::*;
pub use voice::*;

/// Where a provider's public service lives, used when a gateway names no other address.
pub const fn base_url(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Twilio => twilio::BASE_URL,
        ProviderKind::Retell => retell::BASE_URL,
        ProviderKind::Vapi => vapi::BASE_URL,
        ProviderKind::ElevenLabs => elevenlabs::BASE_URL,
        ProviderKind::Maqsam => maqsam::BASE_URL,
    }
}

/// Refuses a script that the provider could not take, before anything is dialed.
pub fn check_script(kind: ProviderKind, script: &Script) -> Result<(), ScriptTooLong> {
    match kind {
        ProviderKind::Twilio => twilio::twiml::check(script),
        // Nothing is read out.
        ProviderKind::Retell | ProviderKind::Vapi | ProviderKind::ElevenLabs | ProviderKind::Maqsam => Ok(()),
    }
}

/// A company's account at a provider, as the adapter needs it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Scheme, host and port, without the API's own path; see [`base_url`].
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
