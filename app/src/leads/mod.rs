//! Leads on screen: the list, the board, and one of them. Plain pages.

pub mod lead;
pub mod list;

use model::leads::LeadStatus;

use crate::ui::Tone;

pub(crate) const LIST: &str = "/leads";
pub(crate) const ONE: &str = "/leads/lead";

pub(crate) const fn tone(status: LeadStatus) -> Tone {
    match status {
        LeadStatus::New => Tone::Info,
        LeadStatus::Contacted => Tone::Primary,
        LeadStatus::Qualified | LeadStatus::Converted => Tone::Success,
        LeadStatus::Unqualified | LeadStatus::Lost => Tone::Neutral,
    }
}
