//! One contact in one campaign, and the stored answer to "why was this person called, or not?".

use crate::id::{CallId, CampaignId, ContactId, EnrollmentId};
use crate::page::Paging;
use crate::time::Moment;
use crate::words;

words! {
    /// Where an enrollment is. Everything from `Success` on is final.
    pub enum EnrollmentStatus {
        Queued = "queued", "Queued";
        Calling = "calling", "Calling";
        Success = "success", "Success";
        Called = "called", "Reached";
        Failed = "failed", "Not reached";
        OptedOut = "opted_out", "Opted out";
        Skipped = "skipped", "Skipped";
        Expired = "expired", "Expired";
        Cancelled = "cancelled", "Cancelled";
    }
}

impl EnrollmentStatus {
    /// Nothing will happen any more.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Calling)
    }
}

words! {
    /// Why an enrollment is not being dialed right now.
    pub enum Reason {
        NotDue = "not_due", "Waiting for its next attempt";
        Suppressed = "suppressed", "On the do-not-call list";
        AttemptsUsed = "attempts_used", "All attempts are used";
        DayCap = "day_cap", "Called often enough today";
        OutsideHours = "outside_hours", "Outside calling hours";
        NeverOpen = "never_open", "No hours in common with the contact's zone";
        WeekCap = "week_cap", "Called often enough this week";
        LifetimeCap = "lifetime_cap", "Called as often as you ever want";
        LawCap = "law_cap", "Called as often as the law allows";
        NoConsent = "no_consent", "No consent on record";
        Destination = "destination", "Country not enabled";
        CampaignDayCap = "campaign_day_cap", "The campaign's calls for today are used";
        Busy = "busy", "The same number is on a call";
        CampaignOver = "campaign_over", "The campaign is over";
        Archived = "archived", "The contact is archived";
    }
}

/// An enrollment in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EnrollmentRow {
    pub id: EnrollmentId,
    pub contact: ContactId,
    pub name: String,
    pub phone: String,
    pub status: EnrollmentStatus,
    pub attempts: i32,
    pub next_attempt_at: Option<Moment>,
    /// The last decision not to dial.
    pub reason: Option<Reason>,
    /// The decision in words, like `20:05 in New York; calls stop at 20:00`.
    pub reason_detail: String,
    pub last_call: Option<CallId>,
    pub updated_at: Moment,
}

words! {
    /// How a check stands to a call.
    pub enum Standing {
        Passes = "passes", "passes";
        /// Nothing that we can check; up to whoever calls.
        Noted = "noted", "is up to you";
        /// Time or the end of other calls will let it pass: all is as it was set.
        Waits = "waits", "waits";
        Against = "against", "stands against it";
    }
}

impl Standing {
    pub const fn lets_pass(self) -> bool {
        matches!(self, Self::Passes | Self::Noted)
    }
}

/// One answer to "may we call now?".
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Check {
    pub title: String,
    pub standing: Standing,
    /// What it found, in words; may be empty.
    pub text: String,
    /// Where the rule that stands against it is written.
    pub cite: Option<String>,
    /// When to look again; `None` when an event decides, or nothing will.
    pub until: Option<Moment>,
}

/// Why somebody is called now, or is not: every check in the engine's order, as it stands at this moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Why {
    pub name: String,
    pub phone: String,
    pub status: EnrollmentStatus,
    /// Titles of the rule packs that hold for this person.
    pub packs: Vec<String>,
    pub checks: Vec<Check>,
    /// When the check that decides will let a call pass and calling hours are open, if time alone decides.
    pub next: Option<Moment>,
}

impl Why {
    /// The check that decides: the first that does not let a call pass.
    pub fn verdict(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.standing.lets_pass())
    }
}

/// What the enrollments tab may ask for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EnrollmentFilter {
    pub campaign: CampaignId,
    pub status: Option<EnrollmentStatus>,
    pub paging: Paging,
}
