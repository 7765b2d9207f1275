//! AI voice agents and the templates they are made from.

use crate::companies::CompanyType;
use crate::error::{Check, Result};
use crate::id::{AgentId, GatewayId, TemplateId};
use crate::page::Paging;
use crate::time::Moment;
use crate::words;

words! {
    /// A campaign needs a published agent.
    pub enum AgentStatus {
        Draft = "draft", "Draft";
        Published = "published", "Published";
        Archived = "archived", "Archived";
    }
}

/// Longest script, so that a whole call fits into one TwiML answer (4,000 characters at Twilio).
pub const SCRIPT_MAX: usize = 1_000;

/// What the agent says. `{{name}}` and other variables are filled in per contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Scripts {
    pub greeting: String,
    pub main: String,
    pub voicemail: String,
    pub closing: String,
}

/// What people may edit on an agent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AgentForm {
    pub name: String,
    pub role: String,
    pub persona: String,
    pub tone: String,
    /// BCP 47 like `en-US`.
    pub language: String,
    /// What the voice is called, for people.
    pub voice: String,
    pub scripts: Scripts,
    /// The account whose voice speaks the scripts where the telephone provider would read them out; its own voice without one.
    #[serde(default)]
    pub voice_gateway: Option<GatewayId>,
    /// That account's id of the voice.
    #[serde(default)]
    pub voice_id: String,
}

impl AgentForm {
    /// All field problems at once.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::new();
        check.text(&self.name, "name", "a name", 80).text(&self.role, "role", "what the agent does", 120);
        check.text(&self.scripts.greeting, "greeting", "what the agent says first", SCRIPT_MAX);
        check.text(&self.scripts.main, "main", "the main script", SCRIPT_MAX);
        for (field, text, max) in [
            ("persona", &self.persona, 2_000),
            ("tone", &self.tone, 200),
            ("voice", &self.voice, 80),
            ("voice_id", &self.voice_id, 80),
            ("voicemail", &self.scripts.voicemail, SCRIPT_MAX),
            ("closing", &self.scripts.closing, SCRIPT_MAX),
        ] {
            check.need(text.chars().count() <= max, field, &format!("Use at most {max} characters."));
        }
        check.need((2..=12).contains(&self.language.len()), "language", "Choose a language.").done()
    }
}

words! {
    /// The texts of an agent, each spoken on its own.
    pub enum ScriptPart {
        Greeting = "greeting", "Greeting";
        Main = "main", "Main";
        Voicemail = "voicemail", "Voicemail";
        Closing = "closing", "Closing";
    }
}

/// A voice to choose, of an account of the company.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VoiceRow {
    pub gateway: GatewayId,
    pub id: String,
    pub name: String,
    /// Languages and gender, as far as the provider says.
    pub about: String,
}

/// The voices of a company's accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VoiceList {
    /// Whether any account can speak; without one there are no voices to choose.
    pub speaks: bool,
    pub voices: Vec<VoiceRow>,
    /// Accounts whose voices could not be listed, with the reason.
    pub problems: Vec<String>,
}

/// What a preview speaks: a text in which the variables are filled in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spoken {
    pub gateway: GatewayId,
    pub voice: String,
    /// BCP 47.
    pub language: String,
    pub text: String,
}

/// The variables a script may use, with a sample for previews.
pub const VARIABLES: &[(&str, &str)] = &[("name", "Maya"), ("company", "Harbor & Pine Realty"), ("agent", "Nora")];

/// Replaces `{{variable}}` by its value; an unknown variable is left out, so that nobody hears braces.
pub fn fill(script: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(start) = rest.find("{{") {
        let Some(len) = rest[start..].find("}}") else {
            break;
        };
        out.push_str(&rest[..start]);
        out.push_str(&value(rest[start + 2..start + len].trim()).unwrap_or_default());
        rest = &rest[start + len + 2..];
    }
    out.push_str(rest);
    out
}

/// An agent with everything its editor shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Agent {
    pub id: AgentId,
    pub status: AgentStatus,
    /// Counts published versions; a call remembers the one it was made with.
    pub version: i32,
    pub form: AgentForm,
    pub updated_at: Moment,
}

/// An agent in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AgentRow {
    pub id: AgentId,
    pub name: String,
    pub role: String,
    pub language: String,
    pub voice: String,
    pub status: AgentStatus,
    pub version: i32,
    pub calls: i64,
    /// Answered by a human, of all calls; `None` without calls.
    pub connect_permille: Option<i64>,
    pub updated_at: Moment,
}

/// What the agents list may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct AgentFilter {
    pub search: String,
    pub status: Option<AgentStatus>,
    pub paging: Paging,
}

/// A predefined agent. `use template` copies its form.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Template {
    pub id: TemplateId,
    pub company_type: CompanyType,
    pub summary: String,
    pub form: AgentForm,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_and_unknown_ones_left_out() {
        let value = |v: &str| (v == "name").then(|| "Maya".to_owned());
        assert_eq!(fill("Hi {{ name }}, {{nope}}bye", value), "Hi Maya, bye");
        assert_eq!(fill("{{name", value), "{{name");
        assert_eq!(fill("plain", value), "plain");
    }
}
