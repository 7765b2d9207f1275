//! What the first screen shows.

use crate::campaigns::CampaignRow;
use crate::credits::Credits;
use crate::words;

words! {
    /// The period of the dashboard; compared with the period of the same length before it.
    pub enum DashboardRange {
        Week = "week", "Week";
        Month = "month", "30 days";
        Total = "total", "Total";
    }
}

/// Sums over one period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    pub calls: i64,
    pub connected: i64,
    pub talk_seconds: i64,
    pub spent: Credits,
    /// Connected calls of at least 30 seconds.
    pub talked: i64,
    /// People reached.
    pub reached: i64,
}

impl Totals {
    /// Connected per thousand calls; `None` without calls.
    pub fn connect_permille(&self) -> Option<i64> {
        (self.calls > 0).then(|| self.connected * 1000 / self.calls)
    }
    /// Credits per connected call; `None` without one.
    pub fn cost_per_connect(&self) -> Option<Credits> {
        (self.connected > 0).then(|| Credits(self.spent.0 / self.connected))
    }
}

/// Ended calls of one local day, by outcome.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DayCalls {
    /// `2026-11-21`
    pub day: String,
    /// `21 Nov`
    pub label: String,
    pub connected: i64,
    pub voicemail: i64,
    pub no_answer: i64,
    pub busy: i64,
    pub failed: i64,
    pub spent: Credits,
    pub talk_seconds: i64,
}

/// Everything on the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dashboard {
    pub range: DashboardRange,
    /// `from 21 Oct to 19 Nov`
    pub scope: String,
    pub totals: Totals,
    /// `None` for the total range.
    pub before: Option<Totals>,
    pub days: Vec<DayCalls>,
    pub running: Vec<CampaignRow>,
    pub live_calls: i64,
    pub queued: i64,
    /// For the onboarding checklist.
    pub contacts: i64,
    pub agents: i64,
    pub campaigns: i64,
}
