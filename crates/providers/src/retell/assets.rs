//! What else is kept at Retell: knowledge bases (one for each of our documents), numbers, voices.

use async_trait::async_trait;
use model::phone::Phone;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PAGES_MAX, Retell, version_word, wire};
use crate::{engine::*, http, multipart::Multipart, voice::ProviderError};

/// The longest name Retell takes is below 40 characters.
const NAME_CHARS_MAX: usize = 39;

#[derive(Debug, Deserialize)]
struct Base {
    knowledge_base_id: String,
    #[serde(default)]
    status: String,
}

#[async_trait]
impl Knowledge for Retell {
    async fn put(&self, document: &Document) -> Result<String, ProviderError> {
        document.check()?;
        let name: String = document.name.chars().take(NAME_CHARS_MAX).collect();
        let mut form = Multipart::default();
        form.text("knowledge_base_name", &name);
        match &document.content {
            Content::Text(text) => {
                form.text("knowledge_base_texts", &json!([{ "title": document.name, "text": text }]).to_string());
            }
            Content::Url(url) => form.text("knowledge_base_urls", &json!([url]).to_string()),
            Content::File { file_name, content_type, bytes } => {
                form.file("knowledge_base_files", file_name, content_type, bytes);
            }
        }
        let (content_type, body) = form.finish();
        let request = self
            .api
            .request(Method::POST, "/create-knowledge-base")
            .header("content-type", content_type)
            .body(body)
            .timeout(http::TRANSFER_TIMEOUT);
        let base: Base = self.api.ask(request).await?;
        Ok(base.knowledge_base_id)
    }

    async fn state(&self, id: &str) -> Result<Option<DocumentState>, ProviderError> {
        let base: Option<Base> = self.api.find_by_id("/get-knowledge-base", id).await?;
        Ok(base.map(|base| match base.status.as_str() {
            "complete" => DocumentState::Ready,
            "error" => DocumentState::Failed("Retell could not read it.".to_owned()),
            _ => DocumentState::Pending,
        }))
    }

    async fn remove(&self, id: &str) -> Result<(), ProviderError> {
        self.api.delete_by_id("/delete-knowledge-base", id).await
    }
}

#[derive(Debug, Deserialize)]
struct Number {
    phone_number: String,
    nickname: Option<String>,
    inbound_agents: Option<Vec<Weighted>>,
    inbound_webhook_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Weighted {
    agent_id: String,
    agent_version: Option<Value>,
}

impl Number {
    /// A number is named by itself.
    fn seen(self) -> Option<RemoteNumber> {
        let version = |version: Value| version.as_str().map(str::to_owned).unwrap_or_else(|| version.to_string());
        let agent = self.inbound_agents.into_iter().flatten().next();
        let agent = agent.map(|one| RemoteAgent { id: one.agent_id, version: one.agent_version.map(version) });
        Some(RemoteNumber {
            phone: Phone::parse(&self.phone_number).ok()?,
            id: self.phone_number,
            label: self.nickname,
            binding: Binding { agent, inbound_url: self.inbound_webhook_url, news_url: None },
        })
    }
}

#[async_trait]
impl Numbers for Retell {
    async fn list(&self) -> Result<Vec<RemoteNumber>, ProviderError> {
        let (mut found, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut request = self.api.request(Method::GET, "/v2/list-phone-numbers");
            if let Some(key) = &next {
                request = request.query(&[("pagination_key", key)]);
            }
            let page: wire::Page<Number> = self.api.ask(request).await?;
            found.extend(page.items.into_iter().filter_map(Number::seen));
            next = page.pagination_key.filter(|_| page.has_more);
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX))
    }

    /// By SIP: the carrier's trunk ends at `address`. Retell takes no credentials of Twilio.
    async fn import(&self, number: &NumberImport) -> Result<RemoteNumber, ProviderError> {
        let Carrier::Sip { address, username, password } = &number.carrier else {
            return Err(ProviderError::Unsupported(
                "Retell takes numbers by SIP: set up a trunk at the carrier and give its address",
            ));
        };
        let mut body = json!({
            "phone_number": number.phone.as_str(),
            "termination_uri": address,
            "nickname": number.label,
        });
        if let Some(username) = username {
            body["sip_trunk_auth_username"] = username.as_str().into();
        }
        if let Some(password) = password {
            body["sip_trunk_auth_password"] = password.expose_secret().into();
        }
        let made: Number = self.api.send(Method::POST, "/import-phone-number", &body).await?;
        made.seen().ok_or_else(|| ProviderError::Malformed("the number that was made is none".into()))
    }

    async fn bind(&self, id: &str, binding: &Binding) -> Result<(), ProviderError> {
        let phone = Phone::parse(id).map_err(|_| ProviderError::Malformed("numbers at Retell are named by themselves".into()))?;
        let agents = binding.agent.as_ref().map(|agent| {
            let mut weighted = json!({ "agent_id": agent.id, "weight": 1 });
            if let Some(version) = &agent.version {
                weighted["agent_version"] = version_word(version);
            }
            vec![weighted]
        });
        let body = json!({ "inbound_agents": agents, "inbound_webhook_url": binding.inbound_url });
        // A plus sign in a path would be read as one, but their own documentation escapes it.
        let path = format!("/update-phone-number/{}", phone.as_str().replace('+', "%2B"));
        let _: Value = self.api.send(Method::PATCH, &path, &body).await?;
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
struct Listed {
    voice_id: String,
    voice_name: String,
    gender: Option<String>,
    preview_audio_url: Option<String>,
}

#[async_trait]
impl Voices for Retell {
    /// Retell does not say which languages a voice speaks; most speak many.
    async fn list(&self) -> Result<Vec<Voice>, ProviderError> {
        let listed: Vec<Listed> = self.api.get("/list-voices").await?;
        let voice = |one: Listed| Voice {
            id: one.voice_id,
            name: one.voice_name,
            languages: Vec::new(),
            gender: one.gender,
            preview_url: one.preview_audio_url,
        };
        Ok(listed.into_iter().map(voice).collect())
    }
}
