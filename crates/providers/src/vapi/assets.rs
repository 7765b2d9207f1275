//! What else is kept at Vapi: files (one for each of our documents) and numbers.

use async_trait::async_trait;
use model::phone::Phone;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Vapi;
use crate::{engine::*, exchange, http, multipart::Multipart, voice::ProviderError};

const FILES: &str = "/file";
const NUMBERS: &str = "/phone-number";
const NAME_CHARS_MAX: usize = 40;
/// The most that Vapi lists at once, and more numbers than anybody has there.
const NUMBERS_MAX: usize = 1_000;
/// Who shall talk if the one who is asked does not say: kept beside the address that is asked, as an assistant of the number's
/// own would keep Vapi from asking.
const AGENT_HEADER: &str = "X-Belfry-Agent";

#[derive(Debug, Deserialize)]
struct File {
    id: String,
    status: Option<String>,
}

#[async_trait]
impl Knowledge for Vapi {
    async fn put(&self, document: &Document) -> Result<String, ProviderError> {
        document.check()?;
        let mut form = Multipart::default();
        match &document.content {
            Content::Text(text) => form.file("file", &format!("{}.txt", document.name), "text/plain", text.as_bytes()),
            Content::File { file_name, content_type, bytes } => form.file("file", file_name, content_type, bytes),
            Content::Url(_) => return Err(ProviderError::Unsupported("Vapi reads no pages: hand their text over")),
        }
        let (content_type, body) = form.finish();
        let request =
            self.api.request(Method::POST, FILES).header("content-type", content_type).body(body).timeout(http::TRANSFER_TIMEOUT);
        let file: File = self.api.ask(request).await?;
        Ok(file.id)
    }

    async fn state(&self, id: &str) -> Result<Option<DocumentState>, ProviderError> {
        let file: Option<File> = self.api.find_by_id(FILES, id).await?;
        Ok(file.map(|file| match file.status.as_deref() {
            Some("done") => DocumentState::Ready,
            Some("failed") => DocumentState::Failed("Vapi could not read it.".to_owned()),
            _ => DocumentState::Pending,
        }))
    }

    async fn remove(&self, id: &str) -> Result<(), ProviderError> {
        self.api.delete_by_id(FILES, id).await
    }
}

/// A number as Vapi shows it; some are SIP addresses and have none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    id: String,
    pub org_id: Option<String>,
    number: Option<String>,
    name: Option<String>,
    assistant_id: Option<String>,
    server: Option<Value>,
}

impl Number {
    fn seen(self) -> Option<RemoteNumber> {
        let server = self.server.unwrap_or_default();
        let kept = || server["headers"][AGENT_HEADER].as_str().map(str::to_owned);
        Some(RemoteNumber {
            phone: Phone::parse(&self.number?).ok()?,
            id: self.id,
            label: self.name,
            binding: Binding {
                agent: self.assistant_id.or_else(kept).map(RemoteAgent::new),
                inbound_url: server["url"].as_str().map(str::to_owned),
                news_url: None,
            },
        })
    }
}

#[derive(Debug, Deserialize)]
struct Credential {
    id: String,
}

impl Vapi {
    pub async fn all_numbers(&self) -> Result<Vec<Number>, ProviderError> {
        let request = self.api.request(Method::GET, NUMBERS).query(&[("limit", NUMBERS_MAX)]);
        let all: Vec<Number> = self.api.ask(request).await?;
        if all.len() >= NUMBERS_MAX { Err(ProviderError::TooMany(1)) } else { Ok(all) }
    }

    /// The trunk by which Vapi reaches a carrier; the published specification leaves this path out, the guide has it.
    async fn trunk(&self, address: &str, login: Option<(&str, &str)>) -> Result<String, ProviderError> {
        let is_ip = address.parse::<std::net::Ipv4Addr>().is_ok();
        let mut body = json!({
            "provider": "byo-sip-trunk",
            "name": shortened(&format!("Belfry {address}")),
            // Calls in can come from a fixed address only.
            "gateways": [{ "ip": address, "inboundEnabled": is_ip }],
            "outboundLeadingPlusEnabled": true,
        });
        if let Some((username, password)) = login {
            body["outboundAuthenticationPlan"] = json!({ "authUsername": username, "authPassword": password });
        }
        let made: Credential = self.api.send(Method::POST, "/credential", &body).await?;
        Ok(made.id)
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

#[async_trait]
impl Numbers for Vapi {
    async fn list(&self) -> Result<Vec<RemoteNumber>, ProviderError> {
        Ok(self.all_numbers().await?.into_iter().filter_map(Number::seen).collect())
    }

    async fn import(&self, number: &NumberImport) -> Result<RemoteNumber, ProviderError> {
        let mut body = json!({ "number": number.phone.as_str(), "name": shortened(&number.label) });
        match &number.carrier {
            Carrier::Twilio { account_sid, auth_token } => {
                body["provider"] = "twilio".into();
                body["twilioAccountSid"] = account_sid.as_str().into();
                body["twilioAuthToken"] = auth_token.expose_secret().into();
            }
            Carrier::Sip { address, username, password } => {
                let password = password.as_ref().map_or("", |password| password.expose_secret());
                let login = username.as_deref().map(|username| (username, password));
                body["provider"] = "byo-phone-number".into();
                body["credentialId"] = self.trunk(address, login).await?.into();
            }
        }
        let made: Number = self.api.send(Method::POST, NUMBERS, &body).await?;
        made.seen().ok_or_else(|| ProviderError::Malformed("the number that was made is none".into()))
    }

    /// An assistant of the number's own answers it without a question, so there is one only where nobody is to be asked.
    async fn bind(&self, id: &str, binding: &Binding) -> Result<(), ProviderError> {
        if !exchange::is_id(id) {
            return Err(ProviderError::Malformed("not an id of a number at Vapi".into()));
        }
        let agent = binding.agent.as_ref().map(|agent| agent.id.as_str());
        let body = match &binding.inbound_url {
            Some(url) => {
                let mut server = self.server(url)?;
                if let Some(agent) = agent {
                    server["headers"][AGENT_HEADER] = agent.into();
                }
                json!({ "assistantId": null, "server": server })
            }
            None => json!({ "assistantId": agent, "server": null }),
        };
        let _: Value = self.api.send(Method::PATCH, &format!("{NUMBERS}/{id}"), &body).await?;
        Ok(())
    }
}
