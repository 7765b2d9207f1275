//! What else is kept at ElevenLabs: documents that agents know, numbers, voices.

use async_trait::async_trait;
use model::phone::Phone;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ElevenLabs, PAGE_SIZE, PAGES_MAX, TRUNK};
use crate::{
    engine::*,
    exchange::{self, configuration},
    multipart::Multipart,
    voice::ProviderError,
};

#[derive(Debug, Deserialize)]
struct Added {
    id: String,
}

#[async_trait]
impl Knowledge for ElevenLabs {
    async fn put(&self, document: &Document) -> Result<String, ProviderError> {
        let path = "/v1/convai/knowledge-base";
        let name = &document.name;
        let added: Added = match &document.content {
            Content::Text(text) => {
                self.api.send(Method::POST, &format!("{path}/text"), &json!({ "text": text, "name": name })).await?
            }
            Content::Url(url) => {
                self.api.send(Method::POST, &format!("{path}/url"), &json!({ "url": url, "name": name })).await?
            }
            Content::File { file_name, content_type, bytes } => {
                let mut form = Multipart::default();
                form.text("name", name);
                form.file("file", file_name, content_type, bytes);
                let (content_type, body) = form.finish();
                let request = self.api.request(Method::POST, &format!("{path}/file"));
                self.api.ask(request.header("content-type", content_type).body(body)).await?
            }
        };
        Ok(added.id)
    }

    /// A document is read when it is handed over. Agents of ours get it whole, so no index is waited for.
    async fn state(&self, id: &str) -> Result<Option<DocumentState>, ProviderError> {
        let found: Option<Added> = self.api.find_by_id("/v1/convai/knowledge-base", id).await?;
        Ok(found.map(|_| DocumentState::Ready))
    }

    /// One that an agent still knows is refused.
    async fn remove(&self, id: &str) -> Result<(), ProviderError> {
        self.api.delete_by_id("/v1/convai/knowledge-base", id).await
    }
}

#[derive(Debug, Deserialize)]
struct Number {
    phone_number_id: String,
    phone_number: String,
    label: Option<String>,
    #[serde(default)]
    provider: String,
    assigned_agent: Option<Assigned>,
}

#[derive(Debug, Deserialize)]
struct Assigned {
    agent_id: String,
}

#[derive(Debug, Deserialize)]
struct NumberMade {
    phone_number_id: String,
}

impl Number {
    /// Who is asked before a call is taken stands at the agent and not here.
    fn seen(self) -> Option<RemoteNumber> {
        let agent = self.assigned_agent.map(|agent| RemoteAgent::new(agent.agent_id));
        let trunk = if self.provider == "sip_trunk" { TRUNK } else { "" };
        Some(RemoteNumber {
            id: format!("{trunk}{}", self.phone_number_id),
            phone: Phone::parse(&self.phone_number).ok()?,
            label: self.label,
            binding: Binding { agent, ..Binding::default() },
        })
    }
}

#[async_trait]
impl Numbers for ElevenLabs {
    async fn list(&self) -> Result<Vec<RemoteNumber>, ProviderError> {
        let all: Vec<Number> = self.api.get("/v1/convai/phone-numbers").await?;
        Ok(all.into_iter().filter_map(Number::seen).collect())
    }

    async fn import(&self, number: &NumberImport) -> Result<RemoteNumber, ProviderError> {
        let mut body = json!({ "phone_number": number.phone.as_str(), "label": number.label });
        let trunk = match &number.carrier {
            Carrier::Twilio { account_sid, auth_token } => {
                body["provider"] = "twilio".into();
                body["sid"] = account_sid.as_str().into();
                body["token"] = auth_token.expose_secret().into();
                ""
            }
            Carrier::Sip { address, username, password } => {
                body["provider"] = "sip_trunk".into();
                body["outbound_trunk_config"] = json!({ "address": address });
                if let Some(username) = username {
                    let password = password.as_ref().map(|password| password.expose_secret());
                    let credentials = json!({ "username": username, "password": password });
                    body["outbound_trunk_config"]["credentials"] = credentials;
                }
                TRUNK
            }
        };
        let made: NumberMade = self.api.send(Method::POST, "/v1/convai/phone-numbers", &body).await?;
        Ok(RemoteNumber {
            id: format!("{trunk}{}", made.phone_number_id),
            phone: number.phone.clone(),
            label: Some(number.label.clone()),
            binding: Binding::default(),
        })
    }

    /// The number gets its agent, and the agent gets the address that is asked first: at ElevenLabs a question belongs to an agent,
    /// for all of its numbers, and cannot name another one.
    async fn bind(&self, id: &str, binding: &Binding) -> Result<(), ProviderError> {
        let bare = id.strip_prefix(TRUNK).unwrap_or(id);
        if !exchange::is_id(bare) {
            return Err(ProviderError::Malformed("not an id of a number at ElevenLabs".into()));
        }
        match &binding.agent {
            Some(agent) => self.ask_before(&agent.id, binding.inbound_url.as_deref()).await?,
            None if binding.inbound_url.is_some() => {
                let why = "A number at ElevenLabs asks nobody unless it has an agent.";
                return Err(ProviderError::Refused(configuration("no_agent", why)));
            }
            None => {}
        }
        let body = json!({ "agent_id": binding.agent.as_ref().map(|agent| &agent.id) });
        let _: Value = self.api.send(Method::PATCH, &format!("/v1/convai/phone-numbers/{bare}"), &body).await?;
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
struct VoicesPage {
    #[serde(default = "Vec::new")]
    voices: Vec<Listed>,
    #[serde(default)]
    has_more: bool,
    next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    voice_id: String,
    name: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, Option<String>>,
    preview_url: Option<String>,
    verified_languages: Option<Vec<Verified>>,
}

#[derive(Debug, Deserialize)]
struct Verified {
    #[serde(default)]
    language: String,
    locale: Option<String>,
}

impl Listed {
    fn seen(self) -> Voice {
        let label = |name: &str| self.labels.get(name).cloned().flatten();
        let verified = self.verified_languages.into_iter().flatten().map(|one| one.locale.unwrap_or(one.language));
        let mut languages: Vec<String> = verified.chain(label("language")).filter(|one| !one.is_empty()).collect();
        languages.sort();
        languages.dedup();
        Voice { gender: label("gender"), languages, id: self.voice_id, name: self.name, preview_url: self.preview_url }
    }
}

#[async_trait]
impl Voices for ElevenLabs {
    async fn list(&self) -> Result<Vec<Voice>, ProviderError> {
        let (mut found, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut request = self.api.request(Method::GET, "/v2/voices").query(&[("page_size", PAGE_SIZE)]);
            if let Some(token) = &next {
                request = request.query(&[("next_page_token", token)]);
            }
            let page: VoicesPage = self.api.ask(request).await?;
            found.extend(page.voices.into_iter().map(Listed::seen));
            next = page.next_page_token.filter(|_| page.has_more);
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX))
    }
}
