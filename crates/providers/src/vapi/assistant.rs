//! One agent as Vapi writes it, and back. Vapi has no place for some of what we say of an agent (a long name, the exact
//! language, values for variables that a call does not name): our own words are kept in the assistant's metadata, and count as
//! long as they say the same as what Vapi acts on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{TALK_SECONDS, ringing, wire};
use crate::{
    analysis::{KEYWORDS, OPT_OUT},
    engine::{AgentSeen, AgentSpec, Field, FieldKind, RemoteAgent},
};

/// For a spec without a voice or model, and the provider of one that names none (`provider/name`).
const VOICE: (&str, &str) = ("vapi", "Elliot");
const MODEL: (&str, &str) = ("openai", "gpt-4.1");
/// The messages we ask for.
const MESSAGES: [&str; 3] = ["status-update", "end-of-call-report", "tool-calls"];
const NAME_CHARS_MAX: usize = 40;
/// Under which our own words are kept.
const OURS: &str = "belfry";
const TRANSCRIBER_MODEL: &str = "nova-3";
/// What the transcriber understands (vapi.json, `DeepgramTranscriber`); another language goes under its nearest relative, or as
/// many.
const LANGUAGES: &[&str] = &[
    "ar", "az", "ba", "be", "bg", "bn", "br", "bs", "ca", "cs", "da", "da-DK", "de", "de-CH", "el", "en", "en-AU", "en-CA",
    "en-GB", "en-IE", "en-IN", "en-NZ", "en-US", "es", "es-419", "et", "eu", "fa", "fi", "fr", "fr-CA", "ha", "haw", "he", "hi",
    "hr", "hu", "id", "is", "it", "ja", "jw", "kn", "ko", "ko-KR", "ln", "lt", "lv", "mk", "mr", "ms", "nl", "nl-BE", "no", "pl",
    "pt", "pt-BR", "pt-PT", "ro", "ru", "sk", "sl", "sn", "so", "sr", "su", "sv", "sv-SE", "ta", "te", "th", "th-TH", "tl", "tr",
    "tt", "uk", "ur", "vi", "yo", "zh", "zh-CN", "zh-HK", "zh-TW",
];
const MANY_LANGUAGES: &str = "multi";

/// What Vapi has no place for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Ours {
    name: String,
    language: String,
    /// In order; Vapi's is a map.
    fields: Vec<String>,
    variables: BTreeMap<String, String>,
}

/// An assistant as it is created, changed and fetched.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Assistant {
    pub id: String,
    latest_version: Option<String>,
    name: Option<String>,
    first_message: Option<String>,
    voicemail_message: Option<String>,
    max_duration_seconds: Option<f64>,
    transcriber: Value,
    model: Value,
    voice: Value,
    transport_configurations: Vec<Value>,
    analysis_plan: Value,
    server: Value,
    metadata: Value,
}

impl Assistant {
    pub fn named(&self) -> RemoteAgent {
        RemoteAgent { id: self.id.clone(), version: self.latest_version.clone() }
    }

    pub fn seen(self) -> AgentSeen {
        let ours: Ours = serde_json::from_value(self.metadata[OURS].clone()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let plain = |shown: &str| without_defaults(shown, &ours.variables);
        let tools = || self.model["tools"].as_array().into_iter().flatten();
        let opt_out = tools().find(|tool| tool["function"]["name"] == OPT_OUT);
        let known = tools().filter_map(|tool| tool["knowledgeBases"][0]["fileIds"].as_array()).flatten();
        let name = self.name.clone().unwrap_or_default();
        let heard = text(&self.transcriber["language"]);
        let ring = self.transport_configurations.iter().find_map(|one| one["timeout"].as_f64());
        let spec = AgentSpec {
            name: if short(&ours.name) == name { ours.name.clone() } else { name },
            prompt: plain(self.model["messages"][0]["content"].as_str().unwrap_or_default()),
            greeting: plain(self.first_message.as_deref().unwrap_or_default()),
            language: if language(&ours.language) == heard { ours.language.clone() } else { heard },
            voice: joined(&self.voice["provider"], &self.voice["voiceId"], VOICE),
            model: joined(&self.model["provider"], &self.model["model"], MODEL),
            voicemail: self.voicemail_message.as_deref().filter(|text| !text.is_empty()).map(plain),
            talk_seconds_max: self.max_duration_seconds.unwrap_or_default() as u32,
            ring_seconds_max: ring.unwrap_or_default() as u32,
            knowledge: known.map(text).collect(),
            opt_out: opt_out.map(|tool| plain(tool["messages"][0]["content"].as_str().unwrap_or_default())),
            fields: fields(&self.analysis_plan["structuredDataPlan"]["schema"]["properties"], &ours.fields),
            variables: ours.variables.clone(),
            callback_url: text(&self.server["url"]),
        };
        AgentSeen { agent: self.named(), is_published: true, spec }
    }
}

/// What Vapi is asked to keep. Every field is said, so that a change takes away what was there before.
pub fn body(spec: &AgentSpec, server: Value) -> Value {
    let filled = |text: &str| with_defaults(text, &spec.variables);
    let ours = Ours {
        name: spec.name.clone(),
        language: spec.language.clone(),
        fields: spec.fields.iter().map(|field| field.name.clone()).collect(),
        variables: spec.variables.clone(),
    };
    let (voice_provider, voice) = split(spec.voice.as_deref(), VOICE);
    let (model_provider, model) = split(spec.model.as_deref(), MODEL);
    json!({
        "name": short(&spec.name),
        "transcriber": { "provider": "deepgram", "model": TRANSCRIBER_MODEL, "language": language(&spec.language) },
        "model": {
            "provider": model_provider,
            "model": model,
            "messages": [{ "role": "system", "content": filled(&spec.prompt) }],
            "tools": tools(spec, &server),
        },
        "voice": { "provider": voice_provider, "voiceId": voice },
        "firstMessage": filled(&spec.greeting),
        "firstMessageMode": if spec.greeting.is_empty() { "assistant-waits-for-user" } else { "assistant-speaks-first" },
        "voicemailDetection": { "provider": "vapi" },
        // Empty, it hangs up on a machine.
        "voicemailMessage": filled(spec.voicemail.as_deref().unwrap_or_default()),
        "maxDurationSeconds": spec.talk_seconds_max.clamp(*TALK_SECONDS.start(), *TALK_SECONDS.end()),
        "transportConfigurations": ringing(spec.ring_seconds_max),
        "analysisPlan": {
            "summaryPlan": { "enabled": true },
            "successEvaluationPlan": { "enabled": true, "rubric": "PassFail" },
            "structuredDataPlan": { "enabled": true, "schema": { "type": "object", "properties": asked(spec) } },
        },
        "artifactPlan": { "recordingEnabled": true },
        // Without it a call cannot be hung up.
        "monitorPlan": { "controlEnabled": true },
        "serverMessages": MESSAGES,
        "server": server,
        "metadata": { OURS: ours },
    })
}

fn tools(spec: &AgentSpec, server: &Value) -> Vec<Value> {
    let mut tools = vec![json!({ "type": "endCall" })];
    if let Some(goodbye) = &spec.opt_out {
        tools.push(json!({
            "type": "function",
            // Nobody waits for our answer: it carries nothing.
            "async": true,
            "server": server,
            "function": {
                "name": OPT_OUT,
                "description": "Call this at once when the person says that they do not want to be called again, in whatever words.",
                "parameters": { "type": "object", "properties": {} },
            },
            "messages": [{
                "type": "request-complete",
                "content": with_defaults(goodbye, &spec.variables),
                "endCallAfterSpokenEnabled": true,
            }],
        }));
    }
    if !spec.knowledge.is_empty() {
        tools.push(json!({
            "type": "query",
            "knowledgeBases": [{
                "provider": "google",
                "name": "documents",
                "description": "Look here for whatever the person asks that the instructions do not say.",
                "fileIds": spec.knowledge,
            }],
        }));
    }
    tools
}

fn asked(spec: &AgentSpec) -> Map<String, Value> {
    let mut asked = Map::new();
    let mut ask = |name: &str, kind: &str, description: &str| {
        asked.insert(name.to_owned(), json!({ "type": kind, "description": description }));
    };
    ask(OPT_OUT, "boolean", "Did the person ask not to be called again?");
    ask(KEYWORDS, "string", "Up to five keywords of the conversation, separated by commas.");
    ask(wire::VOICEMAIL, "boolean", "Was it a machine, such as voicemail, that answered, and no person?");
    ask(wire::SENTIMENT, "string", "How did the person take the call?");
    asked[wire::SENTIMENT]["enum"] = json!(["positive", "neutral", "negative"]);
    for field in &spec.fields {
        let mut one = json!({ "description": field.description });
        one["type"] = match &field.kind {
            FieldKind::Text => "string".into(),
            FieldKind::Number => "number".into(),
            FieldKind::YesNo => "boolean".into(),
            FieldKind::OneOf(choices) => {
                one["enum"] = json!(choices);
                "string".into()
            }
        };
        asked.insert(field.name.clone(), one);
    }
    asked
}

/// The customer's own fields, in the order they had; those that somebody added at Vapi follow.
fn fields(properties: &Value, order: &[String]) -> Vec<Field> {
    let is_own = |name: &str| !matches!(name, OPT_OUT | KEYWORDS | wire::VOICEMAIL | wire::SENTIMENT);
    let Some(properties) = properties.as_object() else { return Vec::new() };
    let mut fields: Vec<Field> = properties
        .iter()
        .filter(|(name, _)| is_own(name))
        .map(|(name, one)| {
            let choices = one["enum"].as_array().map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            let kind = match (one["type"].as_str(), choices) {
                (_, Some(choices)) => FieldKind::OneOf(choices),
                (Some("number" | "integer"), None) => FieldKind::Number,
                (Some("boolean"), None) => FieldKind::YesNo,
                _ => FieldKind::Text,
            };
            Field { name: name.clone(), description: one["description"].as_str().unwrap_or_default().to_owned(), kind }
        })
        .collect();
    fields.sort_by_key(|field| order.iter().position(|name| *name == field.name).unwrap_or(usize::MAX));
    fields
}

/// A variable that a call does not name falls back to a value, in the words of Vapi's templates (LiquidJS).
fn with_defaults(text: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&bare(name), &defaulted(name, value)))
}

fn without_defaults(text: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&defaulted(name, value), &bare(name)))
}

fn bare(name: &str) -> String {
    format!("{{{{{name}}}}}")
}

/// There are no escapes in a template: what would end the text or the tag is left out.
fn defaulted(name: &str, value: &str) -> String {
    let value: String = value.chars().filter(|c| !"\"{}".contains(*c)).collect();
    format!("{{{{{name} | default: \"{value}\"}}}}")
}

fn short(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

fn split<'a>(wanted: Option<&'a str>, usual: (&'a str, &'a str)) -> (&'a str, &'a str) {
    wanted.map_or(usual, |wanted| wanted.split_once('/').unwrap_or((usual.0, wanted)))
}

/// The reverse of [`split`]; `None` for the usual one.
fn joined(provider: &Value, name: &Value, usual: (&str, &str)) -> Option<String> {
    match (provider.as_str()?, name.as_str()?) {
        both if both == usual => None,
        (provider, name) if provider == usual.0 => Some(name.to_owned()),
        (provider, name) => Some(format!("{provider}/{name}")),
    }
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
    use super::*;

    fn variables(value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("first_name".to_owned(), value.to_owned())])
    }

    #[test]
    fn a_variable_falls_back_to_its_default_in_vapi_s_words() {
        let plain = "Hello {{first_name}}, {{other}} {first_name}";
        let shown = with_defaults(plain, &variables("friend"));
        assert_eq!(shown, "Hello {{first_name | default: \"friend\"}}, {{other}} {first_name}");
        assert_eq!(without_defaults(&shown, &variables("friend")), plain);
        let wild = with_defaults(plain, &variables("a\"}} {{b"));
        assert!(wild.starts_with("Hello {{first_name | default: \"a b\"}}, {{other}}"), "{wild}");
        assert_eq!(without_defaults(&wild, &variables("a\"}} {{b")), plain);
    }

    #[test]
    fn a_language_goes_under_its_nearest_relative_and_reads_back_as_it_was() {
        for (wanted, heard) in [("en-GB", "en-GB"), ("ar-AE", "ar"), ("EN-us", "en-US"), ("eo", "multi"), ("", "multi")] {
            assert_eq!(language(wanted), heard, "{wanted}");
            let spec = AgentSpec { language: wanted.into(), ..AgentSpec::default() };
            let made: Assistant = serde_json::from_value(body(&spec, json!({}))).expect("an assistant");
            assert_eq!(made.seen().spec.language, wanted);
        }
    }

    #[test]
    fn what_somebody_changes_at_vapi_is_seen() {
        let spec = AgentSpec {
            name: "A name that is longer than the forty characters of Vapi".into(),
            prompt: "Be kind to {{first_name}}.".into(),
            language: "ar-AE".into(),
            voice: Some("11labs/burt".into()),
            model: Some("gpt-4o".into()),
            talk_seconds_max: 60,
            ring_seconds_max: 30,
            knowledge: vec!["f1".into(), "f2".into()],
            fields: vec![
                Field { name: "z".into(), description: "Z?".into(), kind: FieldKind::OneOf(vec!["a".into(), "b".into()]) },
                Field { name: "a".into(), description: "A?".into(), kind: FieldKind::Number },
            ],
            variables: variables("friend"),
            opt_out: Some(String::new()),
            ..AgentSpec::default()
        };
        let made = body(&spec, json!({ "url": "" }));
        let seen = |body: &Value| serde_json::from_value::<Assistant>(body.clone()).expect("an assistant").seen().spec;
        assert_eq!(seen(&made), spec);
        for (place, value) in [
            ("/name", json!("Another")),
            ("/transcriber/language", json!("en")),
            ("/model/messages/0/content", json!("Be rude.")),
            ("/model/model", json!("gpt-4.1")),
            ("/model/tools", json!([])),
            ("/voice/provider", json!("vapi")),
            ("/voicemailMessage", json!("Beep")),
            ("/maxDurationSeconds", json!(61)),
            ("/transportConfigurations/0/timeout", json!(31)),
            ("/analysisPlan/structuredDataPlan/schema/properties/more", json!({ "type": "string" })),
            ("/server/url", json!("https://elsewhere.example")),
        ] {
            let mut changed = made.clone();
            let (parent, name) = place.rsplit_once('/').expect("a pointer");
            match changed.pointer_mut(parent).expect("is there") {
                Value::Array(all) => all[name.parse::<usize>().expect("a place")] = value,
                one => one[name] = value,
            }
            assert_ne!(seen(&changed).fingerprint(), spec.fingerprint(), "{place}");
        }
    }
}
