//! The tenant, its type and its settings.

use crate::campaigns::{CampaignForm, Retries};
use crate::error::{Check, Result};
use crate::id::CompanyId;
use crate::time::Hours;
use crate::words;

words! {
    /// Selects templates and default dispositions.
    pub enum CompanyType {
        Ecommerce = "ecommerce", "E-commerce";
        Healthcare = "healthcare", "Healthcare";
        RealEstate = "real_estate", "Real estate";
        Generic = "generic", "Something else";
    }
}

/// The most calls a company may have in flight.
pub const CONCURRENCY_MAX: i32 = 1_000;

/// What an administrator may change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Settings {
    pub name: String,
    pub company_type: CompanyType,
    /// IANA name; times on screen are in this zone.
    pub time_zone: String,
    /// Region for numbers written without a country code, ISO 3166-1 alpha-2, like `US`.
    pub default_region: String,
    /// Calls are placed only inside these hours, in the contact's own zone.
    pub hours: Hours,
    /// Calls in flight at most.
    pub concurrency_max: i32,
    /// Seconds a phone may ring.
    pub ring_seconds_max: i32,
    /// Minutes a call may last; also what is held before dialing.
    pub call_minutes_max: i32,
}

impl Settings {
    /// All field problems at once. The zone and the region are looked up by the server.
    pub fn check(&self) -> Result<()> {
        Check::new()
            .text(&self.name, "name", "the company's name", 120)
            .need(
                self.hours.is_valid() && self.hours.is_open_ever(),
                "hours",
                "Open at least one window. Each starts before its end, and no two of a day overlap.",
            )
            .need((1..=CONCURRENCY_MAX).contains(&self.concurrency_max), "concurrency_max", "Choose 1 to 1,000 calls at once.")
            .need((10..=120).contains(&self.ring_seconds_max), "ring_seconds_max", "Ring 10 to 120 seconds.")
            .need((1..=60).contains(&self.call_minutes_max), "call_minutes_max", "Allow 1 to 60 minutes.")
            .need(self.default_region.len() == 2, "default_region", "Use the two letters of a country.")
            .done()
    }
}

/// What a company asks beyond the law. It can only tighten: the law holds besides, whatever is set here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Compliance {
    /// Attempts per contact in any seven days, over all campaigns.
    pub attempts_per_week_max: i32,
    /// Attempts per contact for ever, over all campaigns; `None`: no limit.
    pub attempts_ever_max: Option<i32>,
    /// Countries that may be called, two letters each; empty: those with a rule pack, and the company's own.
    pub countries: Vec<String>,
}

/// The most attempts a company may allow itself per contact in seven days.
pub const ATTEMPTS_PER_WEEK_MAX: i32 = 30;
/// More countries than there are.
const COUNTRIES_MAX: usize = 250;

impl Default for Compliance {
    fn default() -> Self {
        Self { attempts_per_week_max: 10, attempts_ever_max: None, countries: Vec::new() }
    }
}

impl Compliance {
    /// All field problems at once. Whether a country exists is looked up by the server.
    pub fn check(&self) -> Result<()> {
        Check::new()
            .need(
                (1..=ATTEMPTS_PER_WEEK_MAX).contains(&self.attempts_per_week_max),
                "attempts_per_week_max",
                "Choose 1 to 30 attempts in seven days.",
            )
            .need(
                self.attempts_ever_max.is_none_or(|n| (1..=1_000).contains(&n)),
                "attempts_ever_max",
                "Choose 1 to 1,000 attempts, or leave it empty.",
            )
            .need(self.countries.len() <= COUNTRIES_MAX, "countries", "There are fewer countries than that.")
            .done()
    }
}

/// What new campaigns and agents start from. Each can be changed there; what was made before stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Defaults {
    /// Attempts per person.
    pub attempts_max: i32,
    /// Attempts per person and day.
    pub attempts_per_day_max: i32,
    /// Minutes a call may last.
    pub call_minutes_max: i32,
    /// Whether calls are recorded.
    pub record: bool,
    /// What an agent speaks that comes from no template; BCP 47 like `en-US`.
    pub language: String,
}

impl Default for Defaults {
    fn default() -> Self {
        let CampaignForm { retries, record, call_minutes_max, .. } = CampaignForm::default();
        let Retries { attempts_max, attempts_per_day_max, .. } = retries;
        Self { attempts_max, attempts_per_day_max, call_minutes_max, record, language: "en-US".to_owned() }
    }
}

impl Defaults {
    /// All field problems at once; the bounds are those of a campaign and an agent.
    pub fn check(&self) -> Result<()> {
        Check::new()
            .need((1..=20).contains(&self.attempts_max), "attempts_max", "Choose 1 to 20 attempts.")
            .need((1..=10).contains(&self.attempts_per_day_max), "attempts_per_day_max", "Choose 1 to 10 attempts a day.")
            .need((1..=60).contains(&self.call_minutes_max), "call_minutes_max", "Allow 1 to 60 minutes.")
            .need((2..=12).contains(&self.language.len()), "language", "Choose a language.")
            .done()
    }
}

/// Days after a call for which its traces are kept; `None`: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Our copies of the sound. What the provider keeps is up to its own settings.
    pub recordings_days: Option<i32>,
    /// What was said, the summary and what was found out.
    pub transcripts_days: Option<i32>,
    /// The number that was called, keys, steps and the provider's name for the call; its words and its sound go with them. What
    /// it cost and how it ended stays.
    pub calls_days: Option<i32>,
    /// Name, number and everything else about a person nobody called, and nobody changed, for so long.
    pub contacts_days: Option<i32>,
}

impl Retention {
    /// What a company starts with that promises the rights of the GDPR and has not said how long it keeps something.
    pub const GDPR: Self =
        Self { recordings_days: Some(90), transcripts_days: Some(180), calls_days: Some(1_095), contacts_days: Some(1_095) };

    /// This, and where it says nothing what `other` says.
    pub fn or(self, other: Self) -> Self {
        Self {
            recordings_days: self.recordings_days.or(other.recordings_days),
            transcripts_days: self.transcripts_days.or(other.transcripts_days),
            calls_days: self.calls_days.or(other.calls_days),
            contacts_days: self.contacts_days.or(other.contacts_days),
        }
    }
}

/// What a company promised about the people it calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Privacy {
    /// Calls may be about health: no recording and no transcript is kept, asked for or told, and no number, name or text of a
    /// person leaves in webhooks.
    pub hipaa: bool,
    /// Everything about people has a number of days.
    pub gdpr: bool,
}

/// The longest retention that is a number: ten years.
pub const RETENTION_DAYS_MAX: i32 = 3_650;

impl Retention {
    /// All field problems at once. Under `gdpr` nothing is kept for ever.
    pub fn check(&self, gdpr: bool) -> Result<()> {
        let lawful = |days: Option<i32>| days.is_none_or(|days| (1..=RETENTION_DAYS_MAX).contains(&days));
        const WHY: &str = "Choose 1 to 3,650 days, or leave it empty.";
        const GDPR: &str = "GDPR mode keeps nothing for ever. Choose 1 to 3,650 days.";
        let mut check = Check::new();
        for (field, days) in [
            ("recordings_days", self.recordings_days),
            ("transcripts_days", self.transcripts_days),
            ("calls_days", self.calls_days),
            ("contacts_days", self.contacts_days),
        ] {
            check.need(!gdpr || days.is_some(), field, GDPR).need(lawful(days), field, WHY);
        }
        check.done()
    }
}

/// A company as its members see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CompanyRow {
    pub id: CompanyId,
    pub name: String,
    pub company_type: CompanyType,
}
