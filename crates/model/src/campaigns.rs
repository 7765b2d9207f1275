//! Campaigns: what they are made of, which moves are lawful, and what a launch needs.

use crate::calls::Direction;
use crate::canary::{Canary, CanaryView};
use crate::consents::Purpose;
use crate::credits::Credits;
use crate::error::{Check, Error, Result};
use crate::id::{AgentId, CampaignId, ContactId, GatewayId, ImportId, NumberId};
use crate::page::Paging;
use crate::time::{Hours, Moment, Timestamp};
use crate::words;

words! {
    /// Where a campaign is in its life. Moves only by [`Status::after`].
    pub enum Status {
        Draft = "draft", "Draft";
        Scheduled = "scheduled", "Scheduled";
        Active = "active", "Running";
        Paused = "paused", "Paused";
        Completed = "completed", "Completed";
        Cancelled = "cancelled", "Cancelled";
        Archived = "archived", "Archived";
    }
}

words! {
    /// What may be asked of a campaign.
    pub enum Action {
        Launch = "launch", "Launch";
        Schedule = "schedule", "Schedule";
        /// The engine starts a scheduled campaign when its time has come.
        Start = "start", "Start now";
        Pause = "pause", "Pause";
        Resume = "resume", "Resume";
        /// The engine completes a campaign that has nothing left to do.
        Complete = "complete", "Complete";
        Cancel = "cancel", "Cancel";
        Archive = "archive", "Archive";
    }
}

impl Status {
    /// The state after `action`, or why not.
    pub fn after(self, action: Action) -> Result<Self> {
        use {Action as A, Status as S};
        Ok(match (self, action) {
            (S::Draft, A::Launch) | (S::Scheduled, A::Start) | (S::Paused, A::Resume) => S::Active,
            (S::Draft, A::Schedule) => S::Scheduled,
            (S::Active, A::Pause) => S::Paused,
            (S::Active, A::Complete) => S::Completed,
            (S::Scheduled | S::Active | S::Paused, A::Cancel) => S::Cancelled,
            (S::Draft | S::Completed | S::Cancelled, A::Archive) => S::Archived,
            _ => {
                return Err(Error::conflict(format!(
                    "A campaign that is {} cannot {}.",
                    self.label().to_lowercase(),
                    action.as_str()
                )));
            }
        })
    }

    /// Every lawful action, in menu order.
    pub fn actions(self) -> Vec<Action> {
        Action::ALL.iter().copied().filter(|a| self.after(*a).is_ok()).collect()
    }

    /// Whether the campaign still holds or may take credits and calls.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Active | Self::Paused)
    }
}

words! {
    /// In which order waiting people are called.
    pub enum CallOrder {
        Fifo = "fifo", "First in, first called";
        Newest = "newest", "Newest first";
    }
}

/// How often and when to try again after one kind of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Retry {
    pub wait_minutes: i32,
    /// Retries after this outcome at most; 0 means never.
    pub times: i32,
}

/// The retry table. Sources of the defaults: engine.md §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Retries {
    pub busy: Retry,
    pub no_answer: Retry,
    pub voicemail: Retry,
    pub rejected: Retry,
    pub failed: Retry,
    /// Attempts per contact in this campaign, all outcomes together.
    pub attempts_max: i32,
    /// Attempts per contact and local day.
    pub attempts_per_day_max: i32,
}

impl Default for Retries {
    fn default() -> Self {
        let retry = |wait_minutes, times| Retry { wait_minutes, times };
        Self {
            busy: retry(20, 2),
            no_answer: retry(180, 3),
            voicemail: retry(60, 1),
            rejected: retry(1440, 1),
            failed: retry(5, 3),
            attempts_max: 6,
            attempts_per_day_max: 3,
        }
    }
}

/// Longest wait between two attempts: two weeks.
pub const WAIT_MINUTES_MAX: i32 = 14 * 1440;

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(remote = "Self", tag = "kind", rename_all = "snake_case")]
pub enum Audience {
    /// Every active contact.
    Everyone,
    /// Contacts of one segment.
    Segment { segment: String },
    /// Contacts that one import created or met.
    Import { import: ImportId },
    /// One person: a test call.
    Person { contact: ContactId },
}

/// [`Audience`] on our own wire.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Audience")]
enum PackedAudience {
    Everyone,
    Segment { segment: String },
    Import { import: ImportId },
    Person { contact: ContactId },
}

crate::wire::two_forms!(Audience, PackedAudience);

/// Numbers one inbound campaign may answer.
pub const NUMBERS_MAX: usize = 50;
/// Characters of the text that callers hear when nobody can answer.
pub const FALLBACK_CHARS_MAX: usize = 500;

/// What the campaign dialog edits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CampaignForm {
    pub name: String,
    pub description: String,
    pub audience: Option<Audience>,
    pub agent: Option<AgentId>,
    /// `None`: the company's first.
    pub gateway: Option<GatewayId>,
    /// Takes new dials while the first one has trouble.
    pub fallback_gateway: Option<GatewayId>,
    /// `None`: as soon as it is launched.
    pub starts_at: Option<Timestamp>,
    /// `None`: when everyone is done.
    pub ends_at: Option<Timestamp>,
    /// `None`: the company's hours.
    pub hours: Option<Hours>,
    pub order: CallOrder,
    pub concurrency_max: i32,
    /// `None`: no daily cap.
    pub calls_per_day_max: Option<i32>,
    pub retries: Retries,
    pub record: bool,
    pub call_minutes_max: i32,
    /// Credits reserved at launch; `None`: the estimate.
    pub budget: Option<Credits>,
    /// `None`: everyone from the start.
    pub canary: Option<Canary>,
    /// Forms stored before there was a choice call people.
    #[serde(default = "outbound")]
    pub direction: Direction,
    /// What an inbound campaign answers.
    #[serde(default)]
    pub numbers: Vec<NumberId>,
    /// What callers hear when nobody can answer; empty: a sentence of ours.
    #[serde(default)]
    pub fallback_text: String,
}

const fn outbound() -> Direction {
    Direction::Outbound
}

impl Default for CampaignForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            audience: None,
            agent: None,
            gateway: None,
            fallback_gateway: None,
            starts_at: None,
            ends_at: None,
            hours: None,
            order: CallOrder::Fifo,
            concurrency_max: 5,
            calls_per_day_max: None,
            retries: Retries::default(),
            record: true,
            call_minutes_max: 5,
            budget: None,
            direction: Direction::Outbound,
            numbers: Vec::new(),
            fallback_text: String::new(),
            canary: None,
        }
    }
}

impl CampaignForm {
    /// It answers numbers and calls nobody.
    pub fn is_inbound(&self) -> bool {
        self.direction == Direction::Inbound
    }

    /// The form without what its direction has no use for, so that nothing hidden is stored or in force.
    #[must_use]
    pub fn relevant(self) -> Self {
        let name = self.name.trim().to_owned();
        if self.is_inbound() {
            Self {
                name,
                audience: None,
                gateway: None,
                fallback_gateway: None,
                starts_at: None,
                ends_at: None,
                calls_per_day_max: None,
                budget: None,
                canary: None,
                ..self
            }
        } else {
            Self { name, numbers: Vec::new(), fallback_text: String::new(), ..self }
        }
    }

    /// What makes a draft unreadable. What a launch needs is more; see [`LaunchCheck`].
    pub fn check(&self) -> Result<()> {
        let mut check = Check::new();
        check
            .text(&self.name, "name", "a name", 120)
            .need(self.description.chars().count() <= 2_000, "description", "Use at most 2,000 characters.")
            .need(
                (1..=crate::companies::CONCURRENCY_MAX).contains(&self.concurrency_max),
                "concurrency_max",
                "Choose 1 to 1,000 calls at once.",
            )
            .need(
                self.calls_per_day_max.is_none_or(|n| n > 0),
                "calls_per_day_max",
                "Choose at least 1 call a day, or leave it empty.",
            )
            .need((1..=60).contains(&self.call_minutes_max), "call_minutes_max", "Allow 1 to 60 minutes.")
            .need(self.budget.is_none_or(|b| b > Credits::ZERO), "budget", "Choose a budget above zero, or leave it empty.")
            .need((1..=20).contains(&self.retries.attempts_max), "attempts_max", "Choose 1 to 20 attempts.")
            .need((1..=10).contains(&self.retries.attempts_per_day_max), "attempts_per_day_max", "Choose 1 to 10 attempts a day.")
            .need(
                self.hours.as_ref().is_none_or(|h| h.is_valid() && h.is_open_ever()),
                "hours",
                "Open at least one window that starts before it ends.",
            );
        check.need(
            self.fallback_gateway.is_none() || self.fallback_gateway != self.gateway,
            "fallback_gateway",
            "Choose another gateway than the first.",
        );
        check.need(self.numbers.len() <= NUMBERS_MAX, "numbers", "Answer at most 50 numbers.").need(
            self.fallback_text.chars().count() <= FALLBACK_CHARS_MAX,
            "fallback_text",
            "Use at most 500 characters.",
        );
        if let (Some(start), Some(end)) = (self.starts_at, self.ends_at) {
            check.need(start < end, "ends_at", "End after the start.");
        }
        if let Some(canary) = &self.canary {
            canary.check(&mut check);
        }
        let r = &self.retries;
        for (field, retry) in [
            ("busy", r.busy),
            ("no_answer", r.no_answer),
            ("voicemail", r.voicemail),
            ("rejected", r.rejected),
            ("failed", r.failed),
        ] {
            let lawful = (1..=WAIT_MINUTES_MAX).contains(&retry.wait_minutes) && (0..=20).contains(&retry.times);
            check.need(lawful, field, "Wait 1 minute to 14 days and retry at most 20 times.");
        }
        check.done()
    }
}

/// How many enrollments are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    pub contacts: i64,
    /// In a final state.
    pub finished: i64,
    pub calling: i64,
    pub calls: i64,
    /// Calls that a human answered.
    pub connected: i64,
    pub voicemail: i64,
    pub busy: i64,
    pub no_answer: i64,
    pub failed: i64,
    pub talk_seconds: i64,
    pub spent: Credits,
}

impl Progress {
    /// Finished contacts of all, 0 to 100.
    pub fn percent(&self) -> i64 {
        if self.contacts == 0 { 0 } else { self.finished * 100 / self.contacts }
    }
    /// Connected calls per thousand ended ones; `None` before the first.
    pub fn connect_permille(&self) -> Option<i64> {
        (self.calls > 0).then(|| self.connected * 1000 / self.calls)
    }
}

/// A campaign in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CampaignRow {
    pub id: CampaignId,
    pub name: String,
    pub agent_name: Option<String>,
    pub status: Status,
    /// Why it paused itself, if it did.
    pub pause_reason: Option<String>,
    pub progress: Progress,
    pub ends_at: Option<Moment>,
    pub updated_at: Moment,
}

words! {
    /// What an active campaign waits for; the label is a whole sentence.
    pub enum Parked {
        Lines = "lines", "All lines are busy.";
        Pace = "pace", "Pacing calls per second.";
        Provider = "provider", "The provider has trouble; trying again soon.";
        Today = "today", "The calls for today are used.";
        Due = "due", "Waiting for the next attempt that is due.";
        Calls = "calls", "Waiting for calls under way.";
        Credits = "credits", "Credits are held by calls under way.";
        Agent = "agent", "The agent is being published at the provider.";
        Trouble = "trouble", "Something went wrong on our side; trying again soon.";
    }
}

/// A campaign with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Campaign {
    pub id: CampaignId,
    pub status: Status,
    pub pause_reason: Option<String>,
    /// Counts saved edits; a call remembers the one it was made with.
    pub settings_version: i32,
    pub form: CampaignForm,
    pub agent_name: Option<String>,
    pub progress: Progress,
    /// Still in escrow.
    pub reserved: Credits,
    pub sandbox: bool,
    /// Once it was launched with one.
    pub canary: Option<CanaryView>,
    /// Why nothing is being dialed right now, and until when.
    pub parked: Option<(Parked, Option<Moment>)>,
    pub starts_at: Option<Moment>,
    pub ends_at: Option<Moment>,
    pub launched_at: Option<Moment>,
    pub finished_at: Option<Moment>,
    pub created_at: Moment,
}

/// Why a campaign calls nobody at this moment, or that it may.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CampaignWhy {
    /// What stands for or against any call, in the order the dialer asks.
    pub checks: Vec<crate::enrollments::Check>,
    /// People who wait, by the reason that was stored for them.
    pub waiting: Vec<Waiting>,
}

/// People of a campaign who wait for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Waiting {
    /// `None`: due, and next in line.
    pub reason: Option<crate::enrollments::Reason>,
    pub people: i64,
    /// When the first of them is looked at again.
    pub next: Option<Moment>,
}

words! {
    /// The columns the campaigns list can be sorted by.
    pub enum CampaignSort {
        Updated = "updated", "Last change";
        Name = "name", "Name";
        Status = "status", "Status";
        Contacts = "contacts", "Contacts";
        Progress = "progress", "Progress";
    }
}

/// What the campaigns list may ask for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct CampaignFilter {
    pub search: String,
    pub status: Option<Status>,
    pub direction: Option<Direction>,
    pub sort: CampaignSort,
    pub descending: bool,
    pub paging: Paging,
}

impl Default for CampaignFilter {
    fn default() -> Self {
        Self {
            search: String::new(),
            status: None,
            direction: None,
            sort: CampaignSort::Updated,
            descending: true,
            paging: Paging::default(),
        }
    }
}

/// One line of the pre-launch check.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckItem {
    pub title: String,
    pub detail: String,
    pub ok: bool,
    /// Where to mend it.
    pub fix_href: Option<String>,
}

/// What stands between a draft and its first call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LaunchCheck {
    pub items: Vec<CheckItem>,
    /// People who would be enrolled.
    pub contacts: i64,
    /// Expected cost.
    pub estimate: Credits,
    /// What launching sets aside.
    pub reserve: Credits,
    pub available: Credits,
    /// When the first phone would ring, if any window opens within two weeks.
    pub first_call: Option<Moment>,
}

impl LaunchCheck {
    /// Nothing is missing.
    pub fn is_ready(&self) -> bool {
        self.items.iter().all(|i| i.ok)
    }
}

/// What a campaign calls about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PurposeRow {
    pub id: CampaignId,
    pub name: String,
    pub purpose: Purpose,
    /// Only people whose consent is on record are called, whatever the company asks.
    pub needs_consent: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_of_moves() {
        let mut out = String::new();
        for s in Status::ALL {
            let moves: Vec<_> = s.actions().into_iter().map(|a| format!("{a} → {}", s.after(a).expect("lawful"))).collect();
            out.push_str(&format!("{:10} {}\n", s.as_str(), moves.join(", ")));
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn an_unlawful_move_says_why() {
        let why = Status::Completed.after(Action::Resume).expect_err("unlawful").to_string();
        assert_eq!(why, "A campaign that is completed cannot resume.");
    }

    #[test]
    fn a_form_stored_before_there_were_directions_calls_people() {
        let mut old = serde_json::to_value(CampaignForm { name: "Spring".into(), ..CampaignForm::default() }).expect("JSON");
        for field in ["direction", "numbers", "fallback_text"] {
            old.as_object_mut().expect("an object").remove(field).expect("a new field");
        }
        let form: CampaignForm = serde_json::from_value(old).expect("an old form");
        assert_eq!(form, CampaignForm { name: "Spring".into(), ..CampaignForm::default() });
    }

    #[test]
    fn what_a_direction_has_no_use_for_is_not_kept() {
        let both = CampaignForm {
            name: " Desk ".into(),
            audience: Some(Audience::Everyone),
            budget: Some(Credits::whole(5)),
            numbers: vec![uuid::Uuid::nil().into()],
            fallback_text: "Closed.".into(),
            ..CampaignForm::default()
        };
        let inbound = CampaignForm { direction: Direction::Inbound, ..both.clone() }.relevant();
        assert_eq!((inbound.name.as_str(), inbound.audience, inbound.budget, inbound.numbers.len()), ("Desk", None, None, 1));
        let outbound = both.relevant();
        assert_eq!(
            (outbound.audience, outbound.numbers, outbound.fallback_text),
            (Some(Audience::Everyone), vec![], String::new())
        );
    }

    #[test]
    fn the_default_form_lacks_only_its_name() {
        let problem = CampaignForm::default().check().expect_err("no name");
        assert!(matches!(problem, Error::Invalid { ref fields } if fields.len() == 1 && fields.contains_key("name")));
        assert!(CampaignForm { name: "Spring".into(), ..CampaignForm::default() }.check().is_ok());
    }
}
