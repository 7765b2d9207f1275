//! The webhooks of a workspace. An agent names one by its id, so the address of a callback is looked up among them. ElevenLabs
//! shows the secret of one once, to whoever makes it.

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::ElevenLabs;
use crate::{exchange::configuration, voice::ProviderError};

/// What a webhook is used for when conversations are told over it.
const USED_BY_AGENTS: &str = "ConvAI";

#[derive(Debug, Deserialize)]
struct All {
    #[serde(default = "Vec::new")]
    webhooks: Vec<Webhook>,
}

#[derive(Debug, Deserialize)]
struct Webhook {
    webhook_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    webhook_url: String,
    #[serde(default)]
    is_disabled: bool,
    #[serde(default)]
    is_auto_disabled: bool,
    usage: Option<Vec<Usage>>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    usage_type: String,
}

#[derive(Deserialize)]
struct Made {
    webhook_secret: String,
}

impl Webhook {
    fn is_dead(&self) -> bool {
        self.is_disabled || self.is_auto_disabled
    }
}

impl ElevenLabs {
    async fn webhooks(&self) -> Result<Vec<Webhook>, ProviderError> {
        let all: All = self.api.get("/v1/workspace/webhooks?include_usages=true").await?;
        Ok(all.webhooks)
    }

    /// Makes a webhook with this address; returns what it will be signed with, which ElevenLabs shows this once.
    pub(super) async fn make_webhook(&self, url: &str) -> Result<SecretString, ProviderError> {
        if self.webhooks().await?.iter().any(|one| one.webhook_url == url) {
            let why = format!("There is a webhook with this address at ElevenLabs already; give us its secret: {url}");
            return Err(ProviderError::Refused(configuration("webhook_exists", &why)));
        }
        let body = json!({ "settings": { "auth_type": "hmac", "name": "Belfry", "webhook_url": url } });
        let made: Made = self.api.send(Method::POST, "/v1/workspace/webhooks", &body).await?;
        Ok(made.webhook_secret.into())
    }

    /// The id of the webhook with this address.
    pub(super) async fn webhook_for(&self, url: &str) -> Result<String, ProviderError> {
        let found = self.webhooks().await?.into_iter().find(|one| one.webhook_url == url);
        let refused = |code, why: &str| ProviderError::Refused(configuration(code, &format!("{why}: {url}")));
        match found {
            None => Err(refused("no_webhook", "Make a webhook with this address at ElevenLabs, and give us its secret")),
            Some(dead) if dead.is_dead() => Err(refused("webhook_off", "Switch this webhook on again at ElevenLabs")),
            Some(webhook) => Ok(webhook.webhook_id),
        }
    }

    /// The address of a webhook; empty when there is none.
    pub(super) async fn address_of(&self, id: Option<&str>) -> Result<String, ProviderError> {
        let Some(id) = id else { return Ok(String::new()) };
        let found = self.webhooks().await?.into_iter().find(|one| one.webhook_id == id);
        Ok(found.map(|webhook| webhook.webhook_url).unwrap_or_default())
    }

    /// The name of one that agents use and that is switched off, by hand or after too many failures (edge 18). A key that may not
    /// ask, such as one for speech alone, is none the worse for it.
    pub(super) async fn dead_webhook(&self) -> Result<Option<String>, ProviderError> {
        let all = match self.webhooks().await {
            Ok(all) => all,
            Err(ProviderError::Refused(refusal)) if refusal.kind != crate::voice::RefusalKind::Transient => return Ok(None),
            Err(error) => return Err(error),
        };
        let used = |one: &Webhook| one.usage.iter().flatten().any(|usage| usage.usage_type.starts_with(USED_BY_AGENTS));
        Ok(all.into_iter().find(|one| one.is_dead() && used(one)).map(|one| one.name))
    }
}
