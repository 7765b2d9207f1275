//! Agents at Retell: a voice agent, and the language model with its prompt behind it, both with versions that go together. A
//! published version is frozen; changing it begins with a draft made from it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{RING_MS, Retell, TALK_MS, milliseconds};
use crate::{
    analysis::{KEYWORDS, OPT_OUT},
    engine::{AgentSeen, AgentSpec, Agents, Field, FieldKind, RemoteAgent},
    exchange::{self, Trouble},
    voice::ProviderError,
};

/// For a spec without a voice or model.
const VOICE: &str = "11labs-Adrian";
const MODEL: &str = "gpt-4.1";
/// The events we ask for.
const EVENTS: [&str; 3] = ["call_started", "call_ended", "call_analyzed"];
/// The tool that ends a call for any other reason.
const END_CALL: &str = "end_call";
/// What Retell speaks (retell.json, `Language`); another language goes under its nearest relative, or as many.
const LANGUAGES: &[&str] = &[
    "en-US", "en-IN", "en-GB", "en-AU", "en-NZ", "de-DE", "es-ES", "es-419", "hi-IN", "fr-FR", "fr-CA", "ja-JP", "pt-PT",
    "pt-BR", "zh-CN", "ru-RU", "it-IT", "ko-KR", "nl-NL", "nl-BE", "pl-PL", "tr-TR", "vi-VN", "ro-RO", "bg-BG", "ca-ES", "th-TH",
    "da-DK", "fi-FI", "el-GR", "hu-HU", "id-ID", "no-NO", "sk-SK", "sv-SE", "lt-LT", "lv-LV", "cs-CZ", "ms-MY", "af-ZA", "ar-SA",
    "az-AZ", "bs-BA", "cy-GB", "fa-IR", "fil-PH", "gl-ES", "he-IL", "hr-HR", "hy-AM", "is-IS", "kk-KZ", "kn-IN", "mk-MK",
    "mr-IN", "ne-NP", "sl-SI", "sr-RS", "sw-KE", "ta-IN", "ur-IN", "yue-CN", "uk-UA",
];
const MANY_LANGUAGES: &str = "multi";

#[derive(Debug, Deserialize)]
struct Agent {
    agent_id: String,
    #[serde(default)]
    version: u64,
    #[serde(default)]
    is_published: bool,
    response_engine: Engine,
    agent_name: Option<String>,
    voice_id: Option<String>,
    language: Option<Value>,
    webhook_url: Option<String>,
    voicemail_option: Option<Voicemail>,
    max_call_duration_ms: Option<u64>,
    ring_duration_ms: Option<u64>,
    post_call_analysis_data: Option<Vec<Asked>>,
}

#[derive(Debug, Deserialize)]
struct Engine {
    llm_id: Option<String>,
    version: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Voicemail {
    action: VoicemailAction,
}

#[derive(Debug, Deserialize)]
struct VoicemailAction {
    text: Option<String>,
}

/// Something that is found out after a call.
#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    choices: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Llm {
    llm_id: String,
    version: Option<u64>,
    model: Option<String>,
    general_prompt: Option<String>,
    begin_message: Option<String>,
    knowledge_base_ids: Option<Vec<String>>,
    general_tools: Option<Vec<Tool>>,
    default_dynamic_variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    name: Option<String>,
    execution_message_description: Option<String>,
}

impl Retell {
    async fn agent(&self, id: &str, version: Option<&str>) -> Result<Option<Agent>, ProviderError> {
        if !exchange::is_id(id) {
            return Ok(None);
        }
        self.api.find(&format!("/get-agent/{id}{}", version_query(version))).await
    }

    /// A version of the agent that may be changed: the newest, or a draft made of it.
    async fn draft(&self, id: &str) -> Result<Agent, ProviderError> {
        let newest = self.agent(id, None).await?.ok_or_else(|| ProviderError::Malformed(format!("no agent {id} at Retell")))?;
        if !newest.is_published {
            return Ok(newest);
        }
        let body = json!({ "base_version": newest.version });
        Ok(self.api.send(Method::POST, &format!("/create-agent-version/{id}"), &body).await?)
    }
}

#[async_trait]
impl Agents for Retell {
    async fn create(&self, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        let llm: Llm = self.api.send(Method::POST, "/create-retell-llm", &llm_body(spec)).await?;
        let mut body = agent_body(spec);
        body["response_engine"] = engine(&llm.llm_id, llm.version);
        let agent: Result<Agent, Trouble> = self.api.send(Method::POST, "/create-agent", &body).await;
        match agent {
            Ok(agent) => Ok(agent.named()),
            Err(trouble) => {
                // Nobody would ever find the model again. That it stays behind is no reason to hide the first trouble.
                if let Err(error) = self.api.delete_by_id("/delete-retell-llm", &llm.llm_id).await {
                    tracing::warn!(llm = llm.llm_id, %error, "a language model without an agent stays at Retell");
                }
                Err(trouble.into())
            }
        }
    }

    async fn update(&self, id: &str, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        let draft = self.draft(id).await?;
        let llm = draft.llm()?;
        let version = draft.response_engine.version.map(|version| version.to_string());
        let path = format!("/update-retell-llm/{llm}{}", version_query(version.as_deref()));
        let _: Value = self.api.send(Method::PATCH, &path, &llm_body(spec)).await?;
        let path = format!("/update-agent/{id}?version={}", draft.version);
        let agent: Agent = self.api.send(Method::PATCH, &path, &agent_body(spec)).await?;
        Ok(agent.named())
    }

    /// Publishing changed in 2026; where the new way does not exist the old one, which knows the newest version only, is tried.
    async fn publish(&self, agent: &RemoteAgent) -> Result<(), ProviderError> {
        let newest = match &agent.version {
            Some(version) => version.parse().ok(),
            None => self.agent(&agent.id, None).await?.map(|agent| agent.version),
        };
        let version: u64 = newest.ok_or_else(|| ProviderError::Malformed("no such version of the agent".into()))?;
        if !exchange::is_id(&agent.id) {
            return Err(ProviderError::Malformed("not an id of an agent at Retell".into()));
        }
        let request = self.api.request(Method::POST, &format!("/publish-agent-version/{}", agent.id));
        match self.api.tell(request.json(&json!({ "version": version }))).await {
            Ok(()) => Ok(()),
            Err(trouble) if trouble.is_refused("http_404") => {
                Ok(self.api.tell(self.api.request(Method::POST, &format!("/publish-agent/{}", agent.id))).await?)
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn read(&self, agent: &RemoteAgent) -> Result<Option<AgentSeen>, ProviderError> {
        let Some(found) = self.agent(&agent.id, agent.version.as_deref()).await? else { return Ok(None) };
        let version = found.response_engine.version.map(|version| version.to_string());
        let path = format!("/get-retell-llm/{}{}", found.llm()?, version_query(version.as_deref()));
        let llm: Option<Llm> = self.api.find(&path).await?;
        Ok(llm.map(|llm| found.seen(llm)))
    }

    async fn remove(&self, id: &str) -> Result<(), ProviderError> {
        let Some(agent) = self.agent(id, None).await? else { return Ok(()) };
        self.api.delete_by_id("/delete-agent", id).await?;
        self.api.delete_by_id("/delete-retell-llm", agent.llm()?).await
    }
}

impl Agent {
    fn named(&self) -> RemoteAgent {
        RemoteAgent { id: self.agent_id.clone(), version: Some(self.version.to_string()) }
    }

    fn llm(&self) -> Result<&str, ProviderError> {
        let id = self.response_engine.llm_id.as_deref().filter(|id| exchange::is_id(id));
        id.ok_or_else(|| ProviderError::Malformed("the agent at Retell has no language model of its own".into()))
    }

    fn seen(self, llm: Llm) -> AgentSeen {
        let tools = llm.general_tools.unwrap_or_default();
        let opt_out = tools.into_iter().find(|tool| tool.name.as_deref() == Some(OPT_OUT));
        let asked = self.post_call_analysis_data.iter().flatten();
        let seconds = |ms: Option<u64>| u32::try_from(ms.unwrap_or_default() / 1000).unwrap_or(u32::MAX);
        let language = self.language.as_ref().and_then(|language| language.as_str().or_else(|| language[0].as_str()));
        let agent = self.named();
        let spec = AgentSpec {
            fields: asked.filter(|one| !matches!(one.name.as_str(), OPT_OUT | KEYWORDS)).filter_map(Asked::field).collect(),
            talk_seconds_max: seconds(self.max_call_duration_ms),
            ring_seconds_max: seconds(self.ring_duration_ms),
            language: language.unwrap_or_default().to_owned(),
            name: self.agent_name.unwrap_or_default(),
            prompt: llm.general_prompt.unwrap_or_default(),
            greeting: llm.begin_message.unwrap_or_default(),
            voice: self.voice_id.filter(|voice| voice != VOICE),
            model: llm.model.filter(|model| model != MODEL),
            voicemail: self.voicemail_option.and_then(|option| option.action.text),
            knowledge: llm.knowledge_base_ids.unwrap_or_default(),
            opt_out: opt_out.map(|tool| tool.execution_message_description.unwrap_or_default()),
            variables: llm.default_dynamic_variables.unwrap_or_default(),
            callback_url: self.webhook_url.unwrap_or_default(),
        };
        AgentSeen { agent, is_published: self.is_published, spec }
    }
}

impl Asked {
    fn field(&self) -> Option<Field> {
        let kind = match self.kind.as_str() {
            "string" => FieldKind::Text,
            "number" => FieldKind::Number,
            "boolean" => FieldKind::YesNo,
            "enum" => FieldKind::OneOf(self.choices.clone()),
            // Presets of Retell, which everybody has.
            _ => return None,
        };
        Some(Field { name: self.name.clone(), description: self.description.clone(), kind })
    }
}

fn version_query(version: Option<&str>) -> String {
    version.filter(|version| exchange::is_id(version)).map(|version| format!("?version={version}")).unwrap_or_default()
}

fn engine(llm: &str, version: Option<u64>) -> Value {
    let mut engine = json!({ "type": "retell-llm", "llm_id": llm });
    if let Some(version) = version {
        engine["version"] = version.into();
    }
    engine
}

fn llm_body(spec: &AgentSpec) -> Value {
    let mut tools = vec![json!({
        "type": "end_call",
        "name": END_CALL,
        "description": "End the call when everything is said, or when the person wants to end it.",
    })];
    if let Some(goodbye) = &spec.opt_out {
        tools.push(json!({
            "type": "end_call",
            "name": OPT_OUT,
            "description": "Call this at once when the person says that they do not want to be called again, in whatever words.",
            "speak_during_execution": true,
            "execution_message_type": "static_text",
            "execution_message_description": goodbye,
        }));
    }
    json!({
        "model": spec.model.as_deref().unwrap_or(MODEL),
        "general_prompt": spec.prompt,
        "general_tools": tools,
        "start_speaker": if spec.greeting.is_empty() { "user" } else { "agent" },
        "begin_message": spec.greeting,
        "knowledge_base_ids": spec.knowledge,
        "default_dynamic_variables": spec.variables,
    })
}

/// Without the engine, which is set once.
fn agent_body(spec: &AgentSpec) -> Value {
    let voicemail = match &spec.voicemail {
        Some(text) => json!({ "type": "static_text", "text": text }),
        None => json!({ "type": "hangup" }),
    };
    let mut asked = vec![
        json!({ "type": "boolean", "name": OPT_OUT, "description": "Did the person ask not to be called again?" }),
        json!({ "type": "string", "name": KEYWORDS, "description": "Up to five keywords of the conversation, separated by commas." }),
    ];
    asked.extend(spec.fields.iter().map(asked_body));
    json!({
        "agent_name": spec.name,
        "voice_id": spec.voice.as_deref().unwrap_or(VOICE),
        "language": language(&spec.language),
        "webhook_url": spec.callback_url,
        "webhook_events": EVENTS,
        "voicemail_option": { "action": voicemail },
        "max_call_duration_ms": milliseconds(spec.talk_seconds_max, &TALK_MS),
        "ring_duration_ms": milliseconds(spec.ring_seconds_max, &RING_MS),
        "post_call_analysis_data": asked,
    })
}

fn asked_body(field: &Field) -> Value {
    let mut body = json!({ "name": field.name, "description": field.description });
    body["type"] = match &field.kind {
        FieldKind::Text => "string".into(),
        FieldKind::Number => "number".into(),
        FieldKind::YesNo => "boolean".into(),
        FieldKind::OneOf(choices) => {
            body["choices"] = json!(choices);
            "enum".into()
        }
    };
    body
}

/// Itself, its first relative in the list, or "many".
fn language(wanted: &str) -> &'static str {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_lowercase();
    let exact = LANGUAGES.iter().find(|known| known.eq_ignore_ascii_case(wanted));
    let related = || LANGUAGES.iter().find(|known| primary(known) == primary(wanted));
    exact.or_else(related).unwrap_or(&MANY_LANGUAGES)
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn a_language_goes_under_its_nearest_relative() {
        for (wanted, spoken) in
            [("en-GB", "en-GB"), ("EN-gb", "en-GB"), ("ar-AE", "ar-SA"), ("ar", "ar-SA"), ("eo", "multi"), ("", "multi")]
        {
            assert_eq!(language(wanted), spoken, "{wanted}");
        }
    }
}
