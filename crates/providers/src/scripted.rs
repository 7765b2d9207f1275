//! Providers for tests: what a test does not script is answered as by a provider that knows of no call.

use crate::{
    AccountInfo, Agents, Answer, BadSignature, Callback, CallbackKind, CallbackRequest, LookUp, Malformed, Observed, Originate,
    ProviderCallId, ProviderError, Recording, Reply, ReplyBody, Sound, Speech, VoiceProvider, Voices,
};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What a test's provider does when it is asked; see the methods of [`VoiceProvider`]. Callbacks do not come through it: a
/// test hands them over in person.
#[async_trait::async_trait]
pub trait Script: Send + Sync {
    async fn originate(&self, _call: &Originate) -> Answer {
        Answer::Unknown { why: "nobody answers here".to_owned() }
    }
    async fn fetch(&self, _id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        Ok(None)
    }
    async fn find(&self, _look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        Ok(Vec::new())
    }
    async fn list(&self, _since: DateTime<Utc>, _until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        Ok(Vec::new())
    }
    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        Ok(self.fetch(id).await?.map(|seen| CallbackKind::Status(Box::new(seen))).into_iter().collect())
    }
    async fn recording(&self, _recording: &Recording) -> Result<Sound, ProviderError> {
        Err(ProviderError::Unsupported("a script gives no recordings"))
    }
    fn speech(&self) -> Option<&dyn Speech> {
        None
    }
    fn voices(&self) -> Option<&dyn Voices> {
        None
    }
    fn agents(&self) -> Option<&dyn Agents> {
        None
    }
}

/// A callback that a test hands over in person.
pub fn news(id: ProviderCallId, kind: CallbackKind) -> Callback {
    Callback { id, call: None, event_id: String::new(), at: None, sequence: None, kind }
}

/// Makes a provider of a script.
pub struct Scripted<S>(pub Arc<S>);

#[async_trait::async_trait]
impl<S: Script> VoiceProvider for Scripted<S> {
    async fn originate(&self, call: &Originate) -> Answer {
        self.0.originate(call).await
    }
    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        self.0.fetch(id).await
    }
    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        self.0.find(look).await
    }
    async fn list(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        self.0.list(since, until).await
    }
    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        self.0.report(id).await
    }
    async fn recording(&self, recording: &Recording) -> Result<Sound, ProviderError> {
        self.0.recording(recording).await
    }
    async fn hang_up(&self, _: &ProviderCallId) -> Result<(), ProviderError> {
        Ok(())
    }
    async fn check(&self) -> Result<AccountInfo, ProviderError> {
        Err(ProviderError::Unreachable("a script has no account".to_owned()))
    }
    fn speech(&self) -> Option<&dyn Speech> {
        self.0.speech()
    }
    fn voices(&self) -> Option<&dyn Voices> {
        self.0.voices()
    }
    fn agents(&self) -> Option<&dyn Agents> {
        self.0.agents()
    }
    fn verify(&self, _: &CallbackRequest<'_>, _: DateTime<Utc>) -> Result<(), BadSignature> {
        Err(BadSignature)
    }
    fn parse(&self, _: &CallbackRequest<'_>) -> Result<Vec<Callback>, Malformed> {
        Err(Malformed("callbacks of a script are handed over in person".to_owned()))
    }
    fn reply(&self, _: &Reply) -> ReplyBody {
        ReplyBody { content_type: "text/plain", body: String::new() }
    }
}
