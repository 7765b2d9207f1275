//! What a provider may offer beside calls: agents that hold conversations, what they know, numbers, voices, speech.
//! A screen asks an adapter for each (`voice.agents()`, …) and shows it only where there is one.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use model::phone::Phone;
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    signature,
    voice::{ProviderError, Sound},
};

/// An agent at the provider, and which of its versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteAgent {
    pub id: String,
    /// In the provider's words; the newest published one when absent.
    pub version: Option<String>,
}

impl RemoteAgent {
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), version: None }
    }
}

/// Agents kept at the provider.
#[async_trait]
pub trait Agents: Send + Sync {
    /// Makes a new one. Not for calls before [`Agents::publish`].
    async fn create(&self, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError>;
    /// Changes one, in a new version where the provider has versions.
    async fn update(&self, id: &str, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError>;
    /// Makes a version the one that calls get. A provider without versions has nothing to do.
    async fn publish(&self, agent: &RemoteAgent) -> Result<(), ProviderError>;
    /// As it is at the provider now; `None` when it is gone. Right after [`Agents::create`] or [`Agents::update`] this is what
    /// was asked for, so a later difference in [`AgentSpec::fingerprint`] means that somebody changed it there.
    async fn read(&self, agent: &RemoteAgent) -> Result<Option<AgentSeen>, ProviderError>;
    /// One that is gone already is a success.
    async fn remove(&self, id: &str) -> Result<(), ProviderError>;
}

/// An agent as it should be at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AgentSpec {
    pub name: String,
    /// What it is for and how it behaves. `{{name}}` stands for a variable.
    pub prompt: String,
    /// Said first; the agent waits for the person when empty.
    pub greeting: String,
    /// BCP 47.
    pub language: String,
    /// The provider's id of a voice; its default when absent.
    pub voice: Option<String>,
    /// The provider's name of a language model; its default when absent.
    pub model: Option<String>,
    /// What to leave on a machine; it is hung up on when absent.
    pub voicemail: Option<String>,
    pub talk_seconds_max: u32,
    pub ring_seconds_max: u32,
    /// Ids of documents, see [`Knowledge`].
    pub knowledge: Vec<String>,
    /// What is said to somebody who does not want to be called again, before the agent ends the call by the tool
    /// [`crate::analysis::OPT_OUT`]. Without it the agent has no such tool.
    pub opt_out: Option<String>,
    /// What to find out, beside [`crate::analysis::OPT_OUT`] and [`crate::analysis::KEYWORDS`], which are always asked for.
    pub fields: Vec<Field>,
    /// For variables that a call does not name.
    pub variables: BTreeMap<String, String>,
    /// Public URL for callbacks about its calls.
    pub callback_url: String,
}

impl AgentSpec {
    /// Equal for equal agents, and only for them.
    pub fn fingerprint(&self) -> String {
        let json = serde_json::to_vec(self).expect("a spec is texts and numbers");
        signature::hex(&Sha256::digest(json)[..16])
    }
}

/// Something to find out in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Letters, digits and `_`.
    pub name: String,
    pub description: String,
    pub kind: FieldKind,
}

/// What its value is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum FieldKind {
    Text,
    Number,
    YesNo,
    OneOf(Vec<String>),
}

/// An agent as the provider shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSeen {
    /// With its version, where there are versions.
    pub agent: RemoteAgent,
    pub is_published: bool,
    pub spec: AgentSpec,
}

/// Who can talk in a call where agents are made in the provider's own portal, and only listed here.
#[async_trait]
pub trait Staff: Send + Sync {
    async fn list(&self) -> Result<Vec<Colleague>, ProviderError>;
}

/// A person, or an AI agent, as the provider lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// For [`RemoteAgent::id`].
    pub id: String,
    pub name: String,
    /// Is it set up to make calls?
    pub may_call: bool,
    /// And free to do so at this moment, as far as the provider says?
    pub can_call_now: bool,
}

/// Documents that agents know.
#[async_trait]
pub trait Knowledge: Send + Sync {
    /// Hands a document over; returns the provider's id of it, for [`AgentSpec::knowledge`].
    async fn put(&self, document: &Document) -> Result<String, ProviderError>;
    /// How far the provider is with it; `None` when it is gone.
    async fn state(&self, id: &str) -> Result<Option<DocumentState>, ProviderError>;
    /// One that is gone already is a success.
    async fn remove(&self, id: &str) -> Result<(), ProviderError>;
}

/// Something to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub name: String,
    pub content: Content,
}

/// The largest document that is handed over.
pub const DOCUMENT_BYTES_MAX: usize = 20 * 1024 * 1024;

impl Document {
    /// Is it small enough to be handed over?
    pub fn check(&self) -> Result<(), ProviderError> {
        let bytes = match &self.content {
            Content::Text(text) => text.len(),
            Content::Url(url) => url.len(),
            Content::File { bytes, .. } => bytes.len(),
        };
        if bytes <= DOCUMENT_BYTES_MAX { Ok(()) } else { Err(ProviderError::TooLarge(DOCUMENT_BYTES_MAX)) }
    }
}

/// Where the knowledge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Text(String),
    /// The provider reads it itself.
    Url(String),
    File {
        file_name: String,
        content_type: String,
        bytes: Vec<u8>,
    },
}

/// How far a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentState {
    Pending,
    Ready,
    Failed(String),
}

/// Telephone numbers that the provider calls from and answers.
#[async_trait]
pub trait Numbers: Send + Sync {
    async fn list(&self) -> Result<Vec<RemoteNumber>, ProviderError>;
    /// Makes a number of another carrier known to the provider. `Unsupported` where it is the carrier itself.
    async fn import(&self, number: &NumberImport) -> Result<RemoteNumber, ProviderError>;
    /// Who answers the number, or asks whom. Replaces what was set before.
    async fn bind(&self, id: &str, binding: &Binding) -> Result<(), ProviderError>;
}

/// A number as the provider shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteNumber {
    /// For [`crate::Originate::from_id`] and [`Numbers::bind`].
    pub id: String,
    pub phone: Phone,
    pub label: Option<String>,
    pub binding: Binding,
}

/// Who answers a number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binding {
    pub agent: Option<RemoteAgent>,
    /// Asked first when somebody calls, see [`crate::VoiceProvider::parse_inbound`]; for a provider that reads texts out, the
    /// only answer there is.
    pub inbound_url: Option<String>,
    /// Told how the calls to it end, where the answer to a call cannot say that.
    pub news_url: Option<String>,
}

/// A number of another carrier.
#[derive(Debug, Clone)]
pub struct NumberImport {
    pub phone: Phone,
    pub label: String,
    pub carrier: Carrier,
}

/// How the provider reaches the carrier.
#[derive(Debug, Clone)]
pub enum Carrier {
    Twilio { account_sid: String, auth_token: SecretString },
    Sip { address: String, username: Option<String>, password: Option<SecretString> },
}

/// Voices to choose from.
#[async_trait]
pub trait Voices: Send + Sync {
    async fn list(&self) -> Result<Vec<Voice>, ProviderError>;
}

/// One voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    pub id: String,
    pub name: String,
    /// BCP 47, as far as the provider says.
    pub languages: Vec<String>,
    pub gender: Option<String>,
    /// A sample to listen to, public.
    pub preview_url: Option<String>,
}

/// Text into sound.
#[async_trait]
pub trait Speech: Send + Sync {
    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, ProviderError>;
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    pub text: String,
    pub voice: String,
    /// BCP 47; the model guesses when absent.
    pub language: Option<String>,
    pub format: SoundFormat,
}

/// How sound is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoundFormat {
    Mp3,
    /// 8 kHz mu-law without a header, as telephones speak.
    Ulaw,
}

/// It, said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    pub sound: Sound,
    /// What the provider charges for, in its own unit.
    pub characters: Option<u64>,
    /// How long it took.
    pub took: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_handed_over_up_to_the_limit() {
        let document = |length: usize| Document { name: String::new(), content: Content::Text("a".repeat(length)) };
        assert_eq!(document(DOCUMENT_BYTES_MAX).check(), Ok(()));
        assert_eq!(document(DOCUMENT_BYTES_MAX + 1).check(), Err(ProviderError::TooLarge(DOCUMENT_BYTES_MAX)));
    }

    #[test]
    fn a_fingerprint_tells_any_difference() {
        let spec = AgentSpec { name: "Ravi".into(), prompt: "Be kind.".into(), ..AgentSpec::default() };
        assert_eq!(spec.fingerprint(), spec.clone().fingerprint());
        assert_ne!(spec.fingerprint(), AgentSpec { prompt: "Be kind".into(), ..spec.clone() }.fingerprint());
        assert_ne!(spec.fingerprint(), AgentSpec { voicemail: Some(String::new()), ..spec.clone() }.fingerprint());
        // What moves from one field to the next is a difference too.
        let left = AgentSpec { name: "ab".into(), prompt: "c".into(), ..AgentSpec::default() };
        let right = AgentSpec { name: "a".into(), prompt: "bc".into(), ..AgentSpec::default() };
        assert_ne!(left.fingerprint(), right.fingerprint());
    }
}
