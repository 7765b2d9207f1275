//! People with phones.

use crate::calls::CallRow;
use crate::enrollments::{EnrollmentStatus, Reason};
use crate::error::{Check, Result};
use crate::events::EventRow;
use crate::id::{CampaignId, ContactId, ImportId};
use crate::page::Paging;
use crate::phone::Phone;
use crate::suppressions::SuppressionRow;
use crate::time::Moment;
use crate::words;

words! {
    /// Whether a contact may be part of campaigns at all.
    pub enum ContactStatus {
        Active = "active", "Active";
        Archived = "archived", "Archived";
    }
}

/// What people may enter about a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ContactForm {
    pub name: String,
    /// As typed; the server reads it with the company's default region.
    pub phone: String,
    pub email: String,
    pub company: String,
    /// IANA name the person stated, or empty.
    pub time_zone: String,
    pub segment: String,
    pub notes: String,
}

impl ContactForm {
    /// All field problems at once. Phone and zone are looked up by the server.
    pub fn check(&self) -> Result<()> {
        Check::new()
            .text(&self.name, "name", "a name", 160)
            .text(&self.phone, "phone", "a phone number", 40)
            .need(
                self.email.is_empty() || crate::accounts::looks_like_email(&self.email),
                "email",
                "Enter an address like name@company.com.",
            )
            .need(self.company.chars().count() <= 160, "company", "Use at most 160 characters.")
            .need(self.segment.chars().count() <= 60, "segment", "Use at most 60 characters.")
            .need(self.notes.chars().count() <= 2_000, "notes", "Use at most 2,000 characters.")
            .done()
    }
}

/// A contact in a list or on its page. The phone is masked for roles that may not see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ContactRow {
    pub id: ContactId,
    pub name: String,
    pub phone: String,
    pub email: String,
    pub company: String,
    pub time_zone: String,
    pub segment: String,
    pub notes: String,
    pub status: ContactStatus,
    pub suppressed: bool,
    pub calls: i64,
    pub last_called_at: Option<Moment>,
    pub created_at: Moment,
}

/// A contact's place in one campaign.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ContactCampaign {
    pub id: CampaignId,
    pub name: String,
    pub status: EnrollmentStatus,
    pub attempts: i32,
    pub next_attempt_at: Option<Moment>,
    /// The last decision not to dial, and that decision in words.
    pub reason: Option<Reason>,
    pub reason_detail: String,
}

/// Something that happened with a contact.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Happening {
    Call(CallRow),
    Event(EventRow),
}

impl Happening {
    pub const fn at(&self) -> Moment {
        match self {
            Self::Call(call) => call.started_at,
            Self::Event(event) => event.at,
        }
    }
}

/// A contact with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Contact {
    pub row: ContactRow,
    /// Why the number is never called, when that is so and the role may see the list.
    pub suppression: Option<SuppressionRow>,
    /// The newest campaigns first.
    pub campaigns: Vec<ContactCampaign>,
    /// What else there is of them, as a text and where it is shown: their lead, their orders.
    pub links: Vec<(String, String)>,
    /// The newest first; calls and events as the role may see them.
    pub story: Vec<Happening>,
    /// Older happenings exist that are not here.
    pub is_cut: bool,
}

/// What the contacts list may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ContactFilter {
    /// Start of the name, or of the number when it starts with `+` or a digit.
    pub search: String,
    pub segment: String,
    pub import: Option<ImportId>,
    pub paging: Paging,
}

/// A checked contact, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    pub name: String,
    pub phone: Phone,
    pub phone_raw: String,
    pub email: String,
    pub company: String,
    pub time_zone: Option<String>,
    pub segment: String,
    pub notes: String,
}
