//! Agents on screen: the gallery of those a company has, the templates they come from, and the editor.

pub mod detail;
mod editor;
pub mod kept;
#[cfg(feature = "ssr")]
pub mod knowledge;
pub mod list;
mod templates;
mod voice;

use model::agents::AgentStatus;

use crate::prelude::*;
use crate::ui::{Badge, Tone};

/// Languages an agent can be told to speak: BCP 47 tag and name.
pub const LANGUAGES: [(&str, &str); 9] = [
    ("en-US", "English, US"),
    ("en-GB", "English, UK"),
    ("en-IN", "English, India"),
    ("es-US", "Spanish, US"),
    ("es-ES", "Spanish, Spain"),
    ("fr-FR", "French"),
    ("de-DE", "German"),
    ("hi-IN", "Hindi"),
    ("ar-SA", "Arabic"),
];

/// The name of a language, or its tag when we have no name for it.
pub fn language(tag: &str) -> String {
    LANGUAGES.iter().find(|(known, _)| *known == tag).map_or(tag, |(_, name)| name).to_owned()
}

/// Which colour an agent's status has, everywhere.
pub const fn tone(status: AgentStatus) -> Tone {
    match status {
        AgentStatus::Draft => Tone::Warning,
        AgentStatus::Published => Tone::Success,
        AgentStatus::Archived => Tone::Neutral,
    }
}

/// The status of an agent, with its version once it has one.
#[component]
pub fn StatusBadge(#[prop(into)] status: Signal<AgentStatus>, #[prop(into)] version: Signal<i32>) -> impl IntoView {
    let label = move || match (status.get(), version.get()) {
        (status, 0) => status.label().to_owned(),
        (status, version) => format!("{} v{version}", status.label()),
    };
    view! { <Badge label=Signal::derive(label) tone=Signal::derive(move || tone(status.get()))/> }
}
