//! Agents at Vapi: assistants. A change is a new version at once, and calls that name no version follow the newest; there is
//! nothing to publish. An organisation that Vapi has not moved to versions shows none.

use async_trait::async_trait;
use reqwest::Method;

use super::{Vapi, assistant, assistant::Assistant};
use crate::{
    engine::{AgentSeen, AgentSpec, Agents, RemoteAgent},
    exchange,
    voice::ProviderError,
};

const SHELF: &str = "/assistant";

fn gone() -> ProviderError {
    ProviderError::Malformed("no such assistant at Vapi".into())
}

#[async_trait]
impl Agents for Vapi {
    async fn create(&self, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        let body = assistant::body(spec, self.server(&spec.callback_url)?);
        let made: Assistant = self.api.send(Method::POST, SHELF, &body).await?;
        Ok(made.named())
    }

    async fn update(&self, id: &str, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        if !exchange::is_id(id) {
            return Err(gone());
        }
        let body = assistant::body(spec, self.server(&spec.callback_url)?);
        let changed: Assistant = self.api.send(Method::PATCH, &format!("{SHELF}/{id}"), &body).await?;
        Ok(changed.named())
    }

    /// Every version is public from the beginning: all there is to do is to see that the assistant is there.
    async fn publish(&self, agent: &RemoteAgent) -> Result<(), ProviderError> {
        let found: Option<Assistant> = self.api.find_by_id(SHELF, &agent.id).await?;
        found.map(|_| ()).ok_or_else(gone)
    }

    /// The newest version, whichever is named: Vapi shows no other.
    async fn read(&self, agent: &RemoteAgent) -> Result<Option<AgentSeen>, ProviderError> {
        let found: Option<Assistant> = self.api.find_by_id(SHELF, &agent.id).await?;
        Ok(found.map(Assistant::seen))
    }

    async fn remove(&self, id: &str) -> Result<(), ProviderError> {
        self.api.delete_by_id(SHELF, id).await
    }
}
