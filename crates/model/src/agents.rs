//! AI voice agents and the templates they are made from.

use crate::companies::CompanyType;
use crate::error::{Check, Result};
use crate::id::{AgentId, DocumentId, GatewayId, TemplateId};
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
    /// Name or id of a voice where the provider holds the conversation itself; its default when empty or unknown there.
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

words! {
    /// Where what a document says comes from.
    pub enum DocumentKind {
        Text = "text", "Text";
        File = "file", "File";
        /// The provider reads it; we never do.
        Page = "page", "Web page";
    }
}

/// Documents of one agent.
pub const DOCUMENTS_MAX: usize = 50;
/// Characters of a text that is typed.
pub const TYPED_MAX: usize = 100_000;
/// Bytes of a file.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Characters of an address.
const ADDRESS_MAX: usize = 2_000;
/// What files are taken, with what they are called on the wire.
pub const DOCUMENT_FILES: [(&str, &str); 3] = [("txt", "text/plain"), ("md", "text/markdown"), ("csv", "text/csv")];

/// Something an agent shall know: a text, or the address of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewDocument {
    pub name: String,
    pub text: String,
    pub address: String,
}

impl NewDocument {
    /// All field problems at once.
    pub fn check(&self) -> Result<()> {
        let (text, address) = (self.text.trim(), self.address.trim());
        let mut check = Check::new();
        check.text(&self.name, "name", "a name", 80);
        check.need(text.is_empty() != address.is_empty(), "text", "Enter a text or the address of a page, not both.");
        check.need(text.chars().count() <= TYPED_MAX, "text", &format!("Use at most {TYPED_MAX} characters, or a file."));
        let is_page = ["https://", "http://"].iter().any(|scheme| {
            let rest = address.strip_prefix(scheme).unwrap_or_default();
            rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('.'))
        });
        let fits = address.chars().count() <= ADDRESS_MAX && !address.contains(|c: char| c.is_whitespace() || c.is_control());
        check.need(address.is_empty() || is_page && fits, "address", "Enter an address like https://example.com/prices.").done()
    }

    /// What kind it is of.
    pub fn kind(&self) -> DocumentKind {
        if self.address.trim().is_empty() { DocumentKind::Text } else { DocumentKind::Page }
    }
}

/// The content type of a file by its name.
///
/// # Errors
/// `Invalid` for a file that is no text.
pub fn document_type(file_name: &str) -> Result<&'static str> {
    let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let known = DOCUMENT_FILES.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind);
    known.ok_or_else(|| {
        let why = "Text files are taken: TXT, Markdown and CSV. Save a PDF or Word file as text first.";
        crate::Error::field("file", why)
    })
}

/// A document in an agent's list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DocumentRow {
    pub id: DocumentId,
    pub name: String,
    pub kind: DocumentKind,
    /// Of its text; of a page, of its address.
    pub bytes: i64,
    /// The address of a page.
    pub address: Option<String>,
    /// It is part of the version that calls get.
    pub published: bool,
    /// It is not, in the next version.
    pub removed: bool,
}

/// What an agent knows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AgentKnowledge {
    pub agent_name: String,
    pub documents: Vec<DocumentRow>,
    /// May whoever looks change it?
    pub editable: bool,
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
    fn a_document_is_a_text_or_the_address_of_a_page() {
        let new = |name: &str, text: &str, address: &str| NewDocument {
            name: name.to_owned(),
            text: text.to_owned(),
            address: address.to_owned(),
        };
        let most = "ä".repeat(TYPED_MAX);
        for good in [
            new("Prices", "Bread costs three.", ""),
            new("Prices", "", " https://bakery.example/prices?of=bread "),
            new(&"n".repeat(80), &most, ""),
        ] {
            assert_eq!(good.check(), Ok(()), "{}", good.name);
        }
        assert_eq!(new("a", "", "https://a.example").kind(), DocumentKind::Page);
        for (bad, field) in [
            (new("", "Bread", ""), "name"),
            (new("Prices", " ", ""), "text"),
            (new("Prices", "Bread", "https://a.example"), "text"),
            (new("Prices", &format!("{most}a"), ""), "text"),
            (new("Prices", "", "ftp://a.example"), "address"),
            (new("Prices", "", "https://localhost"), "address"),
            (new("Prices", "", "https://a.example/a b"), "address"),
            (new("Prices", "", &format!("https://a.example/{}", "a".repeat(ADDRESS_MAX))), "address"),
        ] {
            let Err(crate::Error::Invalid { fields }) = bad.check() else { panic!("{bad:?}") };
            assert!(fields.contains_key(field), "{fields:?}");
        }
    }

    #[test]
    fn text_files_are_known_by_their_names() {
        assert_eq!(document_type("Prices.of.Bread.CSV"), Ok("text/csv"));
        for bad in ["prices.pdf", "prices.docx", "prices", "txt"] {
            assert!(document_type(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn variables_are_filled_and_unknown_ones_left_out() {
        let value = |v: &str| (v == "name").then(|| "Maya".to_owned());
        assert_eq!(fill("Hi {{ name }}, {{nope}}bye", value), "Hi Maya, bye");
        assert_eq!(fill("{{name", value), "{{name");
        assert_eq!(fill("plain", value), "plain");
    }
}
