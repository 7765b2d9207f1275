//! Agents at ElevenLabs. There is no draft: whatever is changed holds from the next call on, so nothing is left to publish.
//! What an agent of ours is and one of theirs has no place for (the exact language, the ring time, the order of fields) is kept
//! in its tags.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    ElevenLabs,
    collection::{Asked, collected, is_own},
    sign,
    wire::{END_CALL_TOOL, VOICEMAIL_TOOL},
};
use crate::{
    engine::{AgentSeen, AgentSpec, Agents, Field, RemoteAgent},
    exchange::configuration,
    voice::ProviderError,
};

/// For a spec without a voice or model.
const VOICE: &str = "cjVigY5qzO86Huf0OWal";
const MODEL: &str = "gemini-2.5-flash";
/// How agents sound: one model is for English alone, and the other is not taken for English.
const SPEECH_ENGLISH: &str = "eleven_flash_v2";
const SPEECH: &str = "eleven_flash_v2_5";
/// The events we ask for: not the sound, which would come whole in one request (edge 20) and can be fetched.
const EVENTS: [&str; 2] = ["transcript", "call_initiation_failure"];
const LANGUAGE: &str = "belfry:language=";
const RING: &str = "belfry:ring=";
const FIELDS: &str = "belfry:fields=";
const END_CALL: &str = "End the call when everything is said, or when the person wants to end it.";
/// Stands before what is said to somebody who does not want to be called again.
const GOODBYE: &str = " When the person says that they do not want to be called again, in whatever words, end the call at once \
    with the reason \"opt_out\" and with exactly this message: ";

#[derive(Debug, Deserialize)]
struct Created {
    agent_id: String,
}

#[derive(Debug, Deserialize)]
struct Agent {
    agent_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    conversation_config: Config,
    #[serde(default)]
    platform_settings: Platform,
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(default)]
    agent: Person,
    #[serde(default)]
    tts: Tts,
    #[serde(default)]
    conversation: Limits,
}

#[derive(Debug, Default, Deserialize)]
struct Person {
    #[serde(default)]
    first_message: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    prompt: Prompt,
    #[serde(default)]
    dynamic_variables: Placeholders,
}

#[derive(Debug, Default, Deserialize)]
struct Placeholders {
    #[serde(default)]
    dynamic_variable_placeholders: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Prompt {
    #[serde(default)]
    prompt: String,
    llm: Option<String>,
    #[serde(default)]
    built_in_tools: BuiltIn,
    #[serde(default)]
    knowledge_base: Vec<Known>,
}

#[derive(Debug, Deserialize)]
struct Known {
    id: String,
}

#[derive(Debug, Default, Deserialize)]
struct BuiltIn {
    end_call: Option<Tool>,
    voicemail_detection: Option<Tool>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    #[serde(default)]
    description: String,
    #[serde(default)]
    params: Value,
}

#[derive(Debug, Default, Deserialize)]
struct Tts {
    voice_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Limits {
    #[serde(default)]
    max_duration_seconds: u32,
}

#[derive(Debug, Default, Deserialize)]
struct Platform {
    #[serde(default)]
    data_collection: BTreeMap<String, Asked>,
    #[serde(default)]
    workspace_overrides: Overrides,
}

#[derive(Debug, Default, Deserialize)]
struct Overrides {
    conversation_initiation_client_data_webhook: Option<Value>,
    #[serde(default)]
    webhooks: Webhooks,
}

#[derive(Debug, Default, Deserialize)]
struct Webhooks {
    post_call_webhook_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Document {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

impl ElevenLabs {
    async fn agent(&self, id: &str) -> Result<Option<Agent>, ProviderError> {
        self.api.find_by_id("/v1/convai/agents", id).await
    }

    /// The agent as the body of a request. `inbound` is the question about calls that come in, as it stands.
    async fn body(&self, spec: &AgentSpec, inbound: Option<Value>) -> Result<Value, ProviderError> {
        let webhook = self.webhook_for(&spec.callback_url).await?;
        let mut knowledge = Vec::new();
        for id in &spec.knowledge {
            let known: Option<Document> = self.api.find_by_id("/v1/convai/knowledge-base", id).await?;
            let missing = || ProviderError::Refused(configuration("no_document", &format!("There is no document {id}.")));
            let Document { id, name, kind } = known.ok_or_else(missing)?;
            knowledge.push(json!({ "type": kind, "name": name, "id": id }));
        }
        let mut body = agent_body(spec, knowledge);
        body["platform_settings"]["overrides"] = overrides(inbound.is_some());
        body["platform_settings"]["workspace_overrides"] = workspace_overrides(&webhook, inbound);
        Ok(body)
    }

    /// Lets our address be asked before the agent takes a call, or nobody.
    pub(super) async fn ask_before(&self, agent: &str, url: Option<&str>) -> Result<(), ProviderError> {
        let found =
            self.agent(agent).await?.ok_or_else(|| ProviderError::Malformed(format!("no agent {agent} at ElevenLabs")))?;
        let inbound = match (url, &self.api.account.webhook_secret) {
            (None, _) => None,
            (Some(url), Some(secret)) => {
                let token = sign::question_token(secrecy::ExposeSecret::expose_secret(secret));
                Some(json!({ "url": url, "request_headers": { sign::QUESTION_HEADER: token } }))
            }
            (Some(_), None) => {
                let why = "Without the webhook's secret nobody could tell who asks.";
                return Err(ProviderError::Refused(configuration("no_webhook_secret", why)));
            }
        };
        let asks = inbound.is_some();
        let mut settings = json!({ "overrides": overrides(asks) });
        if let Some(webhook) = found.platform_settings.workspace_overrides.webhooks.post_call_webhook_id {
            settings["workspace_overrides"] = workspace_overrides(&webhook, inbound);
        } else {
            settings["workspace_overrides"] = json!({ INBOUND: inbound });
        }
        let path = format!("/v1/convai/agents/{agent}");
        let _: Value = self.api.send(Method::PATCH, &path, &json!({ "platform_settings": settings })).await?;
        Ok(())
    }
}

const INBOUND: &str = "conversation_initiation_client_data_webhook";

#[async_trait]
impl Agents for ElevenLabs {
    async fn create(&self, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        let body = self.body(spec, None).await?;
        let created: Created = self.api.send(Method::POST, "/v1/convai/agents/create", &body).await?;
        Ok(RemoteAgent::new(created.agent_id))
    }

    async fn update(&self, id: &str, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        let found = self.agent(id).await?.ok_or_else(|| ProviderError::Malformed(format!("no agent {id} at ElevenLabs")))?;
        let inbound = found.platform_settings.workspace_overrides.conversation_initiation_client_data_webhook;
        let body = self.body(spec, inbound).await?;
        let _: Value = self.api.send(Method::PATCH, &format!("/v1/convai/agents/{id}"), &body).await?;
        Ok(RemoteAgent::new(id))
    }

    /// It is already.
    async fn publish(&self, _agent: &RemoteAgent) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn read(&self, agent: &RemoteAgent) -> Result<Option<AgentSeen>, ProviderError> {
        let Some(found) = self.agent(&agent.id).await? else { return Ok(None) };
        let webhook = found.platform_settings.workspace_overrides.webhooks.post_call_webhook_id.as_deref();
        let callback_url = self.address_of(webhook).await?;
        Ok(Some(found.seen(callback_url)))
    }

    async fn remove(&self, id: &str) -> Result<(), ProviderError> {
        self.api.delete_by_id("/v1/convai/agents", id).await
    }
}

impl Agent {
    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix(name))
    }

    fn seen(self, callback_url: String) -> AgentSeen {
        let kept = self.tag(LANGUAGE).unwrap_or_default();
        let person = &self.conversation_config.agent;
        let language = if language(kept) == person.language { kept } else { &person.language }.to_owned();
        let order: Vec<&str> = self.tag(FIELDS).unwrap_or_default().split(',').collect();
        let asked = &self.platform_settings.data_collection;
        let mut fields: Vec<Field> = asked.iter().filter(|(name, _)| !is_own(name)).map(|(name, one)| one.field(name)).collect();
        fields.sort_by_key(|field| order.iter().position(|name| *name == field.name).unwrap_or(usize::MAX));
        let ring_seconds_max = self.tag(RING).and_then(|text| text.parse().ok()).unwrap_or_default();
        let Config { agent: person, tts, conversation } = self.conversation_config;
        let tools = person.prompt.built_in_tools;
        let goodbye = tools.end_call.as_ref().and_then(|tool| tool.description.split_once(GOODBYE));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let placeholders = person.dynamic_variables.dynamic_variable_placeholders;
        let spec = AgentSpec {
            name: self.name,
            prompt: person.prompt.prompt,
            greeting: person.first_message,
            language,
            voice: tts.voice_id.filter(|voice| voice != VOICE),
            model: person.prompt.llm.filter(|model| model != MODEL),
            voicemail: tools.voicemail_detection.and_then(|tool| tool.params["voicemail_message"].as_str().map(str::to_owned)),
            talk_seconds_max: conversation.max_duration_seconds,
            ring_seconds_max,
            knowledge: person.prompt.knowledge_base.into_iter().map(|known| known.id).collect(),
            opt_out: goodbye.map(|(_, goodbye)| goodbye.to_owned()),
            fields,
            variables: placeholders.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            callback_url,
        };
        AgentSeen { agent: RemoteAgent::new(self.agent_id), is_published: true, spec }
    }
}

/// What a call or an answer to our question may change: how long it lasts, and what is said first.
fn overrides(asks: bool) -> Value {
    json!({
        "conversation_config_override": {
            "conversation": { "max_duration_seconds": true },
            "agent": { "first_message": true },
        },
        "enable_conversation_initiation_client_data_from_webhook": asks,
    })
}

/// Whole, because it is not known whether a part of it would take the rest away.
fn workspace_overrides(webhook: &str, inbound: Option<Value>) -> Value {
    json!({ "webhooks": { "post_call_webhook_id": webhook, "events": EVENTS }, INBOUND: inbound })
}

/// Without what belongs to the workspace.
fn agent_body(spec: &AgentSpec, knowledge: Vec<Value>) -> Value {
    let language = language(&spec.language);
    let speech = if language == "en" { SPEECH_ENGLISH } else { SPEECH };
    let names: Vec<&str> = spec.fields.iter().map(|field| field.name.as_str()).collect();
    let goodbye = spec.opt_out.as_ref().map(|goodbye| format!("{GOODBYE}{goodbye}")).unwrap_or_default();
    let tool = |name: &str, description: String, params: Value| json!({ "type": "system", "name": name, "description": description, "params": params });
    json!({
        "name": spec.name,
        "tags": [
            format!("{LANGUAGE}{}", spec.language),
            format!("{RING}{}", spec.ring_seconds_max),
            format!("{FIELDS}{}", names.join(",")),
        ],
        "conversation_config": {
            "agent": {
                "first_message": spec.greeting,
                "language": language,
                "dynamic_variables": { "dynamic_variable_placeholders": spec.variables },
                "prompt": {
                    "prompt": spec.prompt,
                    "llm": spec.model.as_deref().unwrap_or(MODEL),
                    "knowledge_base": knowledge,
                    "built_in_tools": {
                        END_CALL_TOOL: tool(END_CALL_TOOL, format!("{END_CALL}{goodbye}"), json!({ "system_tool_type": END_CALL_TOOL })),
                        VOICEMAIL_TOOL: tool(VOICEMAIL_TOOL, String::new(), json!({
                            "system_tool_type": VOICEMAIL_TOOL,
                            "voicemail_message": spec.voicemail,
                        })),
                    },
                },
            },
            "tts": { "voice_id": spec.voice.as_deref().unwrap_or(VOICE), "model_id": speech },
            "conversation": { "max_duration_seconds": spec.talk_seconds_max },
        },
        "platform_settings": { "data_collection": collected(spec) },
    })
}

/// ElevenLabs' name of a language: the first part of the tag, except for the Portuguese of Brazil.
fn language(tag: &str) -> String {
    let tag = tag.to_lowercase();
    if tag == "pt-br" {
        return tag;
    }
    let primary = tag.split('-').next().unwrap_or_default();
    if primary.is_empty() { "en".to_owned() } else { primary.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn a_language_goes_by_its_first_part() {
        for (tag, name) in [("en-US", "en"), ("ar-AE", "ar"), ("PT-BR", "pt-br"), ("pt-PT", "pt"), ("", "en")] {
            assert_eq!(language(tag), name, "{tag}");
        }
    }
}
