//! What an agent at ElevenLabs is asked to find out in a conversation: the fields of its spec, and four of ours.

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{MACHINE, SENTIMENT};
use crate::{
    analysis::{KEYWORDS, OPT_OUT},
    engine::{AgentSpec, Field, FieldKind},
};

/// Something that is found out after a call.
#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    description: String,
    #[serde(rename = "enum")]
    choices: Option<Vec<String>>,
}

impl Asked {
    pub fn field(&self, name: &str) -> Field {
        let kind = match (self.kind.as_str(), &self.choices) {
            ("boolean", _) => FieldKind::YesNo,
            ("number" | "integer", _) => FieldKind::Number,
            (_, Some(choices)) => FieldKind::OneOf(choices.clone()),
            _ => FieldKind::Text,
        };
        Field { name: name.to_owned(), description: self.description.clone(), kind }
    }
}

/// Is it one of ours?
pub fn is_own(name: &str) -> bool {
    matches!(name, OPT_OUT | KEYWORDS | SENTIMENT | MACHINE)
}

/// As the agent is told.
pub fn collected(spec: &AgentSpec) -> Value {
    let mut all = json!({
        OPT_OUT: { "type": "boolean", "description": "Did the person ask not to be called again?" },
        KEYWORDS: { "type": "string", "description": "Up to five keywords of the conversation, separated by commas." },
        SENTIMENT: { "type": "string", "description": "How did the person take the call?", "enum": ["positive", "neutral", "negative"] },
        MACHINE: { "type": "boolean", "description": "Did an answering machine or a voicemail take the call, and not a person?" },
    });
    for field in &spec.fields {
        let mut asked = json!({ "description": field.description });
        asked["type"] = match &field.kind {
            FieldKind::Text => "string".into(),
            FieldKind::Number => "number".into(),
            FieldKind::YesNo => "boolean".into(),
            FieldKind::OneOf(choices) => {
                asked["enum"] = json!(choices);
                "string".into()
            }
        };
        all[&field.name] = asked;
    }
    all
}
