//! Rehearsal: a campaign played on a virtual clock against a modelled phone network. Here: the numbers of the
//! model, with their sources, and the report. The playing happens in `services::rehearsal`.

use crate::companies::CONCURRENCY_MAX;
use crate::credits::Credits;
use crate::enrollments::Reason;
use crate::error::{Check, Result};
use crate::id::ContactId;
use crate::time::Moment;
use crate::words;

/// Most times one rehearsal plays a campaign.
pub const RUNS_MAX: i32 = 100;
/// How often it plays unless told otherwise.
pub const RUNS: i32 = 20;

/// How the modelled phones behave. Shares are per thousand.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Assumptions {
    /// Calls that a person answers, by hour of the local day.
    pub connected_permille: [i32; 24],
    /// Of answered calls, those a machine takes.
    pub voicemail_permille: i32,
    /// Of all calls.
    pub busy_permille: i32,
    pub rejected_permille: i32,
    pub failed_permille: i32,
    /// How long it rings until a person answers, on average.
    pub answer_seconds: i32,
    /// How long a person talks, on average.
    pub talk_seconds: i32,
    /// How long a message on a machine takes, on average.
    pub voicemail_seconds: i32,
}

impl Default for Assumptions {
    /// Levels: 18–22 % of calls to verified mobiles connect; machines and screening are 30 % of what is answered
    /// (dialfyne.com, vozah.com; livekit/agents #3643, see rules.md §5.8); talk as in the planner of §5.7. The shape
    /// over the day and the shares of busy, rejected and failed calls are ours: replace them by what you know.
    fn default() -> Self {
        let shape = |hour: usize| match hour {
            8 | 9 => 170,
            10 | 11 => 200,
            12 | 13 => 180,
            14 | 15 => 190,
            16 | 17 => 215,
            18..=20 => 220,
            _ => 150,
        };
        Self {
            connected_permille: std::array::from_fn(shape),
            voicemail_permille: 300,
            busy_permille: 40,
            rejected_permille: 50,
            failed_permille: 20,
            answer_seconds: 12,
            talk_seconds: 100,
            voicemail_seconds: 25,
        }
    }
}

impl Assumptions {
    /// Calls per thousand that a machine takes in this hour.
    pub fn machine_permille(&self, hour: usize) -> i32 {
        self.connected_permille[hour % 24] * self.voicemail_permille / (1000 - self.voicemail_permille).max(1)
    }

    /// All field problems at once.
    ///
    /// # Errors
    /// `Invalid` with a message per field.
    pub fn check(&self) -> Result<()> {
        let mut check = Check::new();
        check
            .need((0..=900).contains(&self.voicemail_permille), "voicemail_permille", "Choose 0 to 90 %.")
            .need((1..=60).contains(&self.answer_seconds), "answer_seconds", "Choose 1 to 60 seconds.")
            .need((1..=3_600).contains(&self.talk_seconds), "talk_seconds", "Choose 1 second to an hour.")
            .need((0..=600).contains(&self.voicemail_seconds), "voicemail_seconds", "Choose 0 to 600 seconds.");
        for (field, share) in [
            ("busy_permille", self.busy_permille),
            ("rejected_permille", self.rejected_permille),
            ("failed_permille", self.failed_permille),
        ] {
            check.need((0..=1000).contains(&share), field, "Choose 0 to 100 %.");
        }
        let lost = i64::from(self.busy_permille) + i64::from(self.rejected_permille) + i64::from(self.failed_permille);
        let possible = (0..24).all(|hour| {
            (0..=1000).contains(&self.connected_permille[hour])
                && i64::from(self.connected_permille[hour]) + i64::from(self.machine_permille(hour)) + lost <= 1000
        });
        check.need(possible, "connected_permille", "The shares of one hour add up to more than all calls.");
        check.done()
    }

    /// Calls an hour that `lines` at once allow: `C · 3600 / (p · handling + (1 − p) · ring)` (rules.md §5.7), with the
    /// shares of midday.
    pub fn calls_per_hour(&self, lines: i32, ring_seconds_max: i32) -> i64 {
        let share = |permille: i32| i64::from(permille.max(0));
        let (person, machine) = (share(self.connected_permille[12]), share(self.machine_permille(12)));
        let rest = (1000 - person - machine).max(0);
        let ring = i64::from(ring_seconds_max);
        let busy = person * i64::from(self.answer_seconds + self.talk_seconds)
            + machine * (ring + i64::from(self.voicemail_seconds))
            + rest * ring;
        i64::from(lines) * 3_600_000 / busy.max(1)
    }
}

words! {
    /// Where the numbers come from.
    pub enum Source {
        Norms = "norms", "Published norms";
        Own = "own", "Your last 90 days";
    }
}

/// What a rehearsal starts from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Given {
    pub assumptions: Assumptions,
    pub source: Source,
    /// Own calls that were looked at.
    pub calls: i64,
    /// Calls at once that company, gateway and campaign allow together.
    pub concurrency_max: i32,
    /// Seconds a phone may ring.
    pub ring_seconds_max: i32,
}

/// What the rehearsal dialog edits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RehearsalForm {
    pub assumptions: Assumptions,
    pub runs: i32,
    /// The same seed and the same list give the same report.
    pub seed: u32,
    /// Calls at once to try instead of the campaign's own; never beyond company and gateway.
    pub concurrency_max: Option<i32>,
}

impl Default for RehearsalForm {
    fn default() -> Self {
        Self { assumptions: Assumptions::default(), runs: RUNS, seed: 1, concurrency_max: None }
    }
}

impl RehearsalForm {
    /// All field problems at once.
    ///
    /// # Errors
    /// `Invalid` with a message per field.
    pub fn check(&self) -> Result<()> {
        self.assumptions.check()?;
        Check::new()
            .need((1..=RUNS_MAX).contains(&self.runs), "runs", "Play 1 to 100 times.")
            .need(
                self.concurrency_max.is_none_or(|n| (1..=CONCURRENCY_MAX).contains(&n)),
                "concurrency_max",
                "Choose 1 to 1,000 calls at once.",
            )
            .done()
    }
}

words! {
    /// What ends a run.
    pub enum Ending {
        ListDone = "list_done", "Everyone is done";
        Credits = "credits", "Out of credits";
        EndDate = "end_date", "The end date comes";
        Horizon = "horizon", "Not done within 90 days";
    }
}

words! {
    /// What keeps the next call from being placed.
    pub enum Limit {
        Lines = "lines", "Calls at once";
        Retries = "retries", "Waiting for retry times";
        DayCap = "day_cap", "Calls a day";
        Pace = "pace", "Calls per second";
        Credits = "credits", "Credits held by calls";
        Hours = "hours", "Outside calling hours";
    }
}

words! {
    /// What a rule does to a person.
    pub enum Effect {
        Skipped = "skipped", "Skipped";
        Moved = "moved", "Moved";
    }
}

/// P10, P50 and P90 of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spread<T> {
    pub low: T,
    pub middle: T,
    pub high: T,
}

impl<T> Spread<T> {
    /// The same spread of something else.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Spread<U> {
        Spread { low: f(self.low), middle: f(self.middle), high: f(self.high) }
    }
}

/// One hour of the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HourRow {
    pub at: Moment,
    pub calls: Spread<i64>,
    /// Medians of their own.
    pub retries: i64,
    pub connected: i64,
}

/// People a rule keeps from being called, or moves to a later hour. The median of the runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SkipRow {
    pub effect: Effect,
    pub reason: Reason,
    /// The rule in words.
    pub detail: String,
    pub people: i64,
}

/// One moment in one person's story.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoryStep {
    pub at: Moment,
    pub title: String,
    pub detail: String,
}

/// What happened to one person in one of the runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Story {
    pub contact: ContactId,
    pub name: String,
    pub steps: Vec<StoryStep>,
}

/// The report. Nobody was called for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rehearsal {
    pub at: Moment,
    pub by: String,
    pub form: RehearsalForm,
    /// How often it was played: fewer times than asked for very long lists.
    pub runs: i32,
    /// On the list, finished ones not counted.
    pub people: i64,
    /// One in so many was played, and stands for the others; 1 unless the list is very long.
    pub one_in: i64,
    pub concurrency_max: i32,
    pub starts: Moment,
    pub finishes: Spread<Moment>,
    pub calls: Spread<i64>,
    /// Calls that a person answers.
    pub connected: Spread<i64>,
    pub cost: Spread<Credits>,
    /// What the campaign may spend at most: its budget, or what is reserved and available.
    pub funds: Credits,
    /// Runs by what ended them, most frequent first.
    pub endings: Vec<(Ending, i32)>,
    pub hours: Vec<HourRow>,
    pub skips: Vec<SkipRow>,
    /// Share of the open time that each limit held the next call back, per thousand.
    pub limits: Vec<(Limit, i64)>,
    /// Some people, in the first of the runs.
    pub stories: Vec<Story>,
    /// How long the computer took.
    pub took_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_norms_are_lawful_and_shares_above_all_calls_are_not() {
        assert_eq!(RehearsalForm::default().check(), Ok(()));
        let too_much = Assumptions { connected_permille: [700; 24], ..Assumptions::default() };
        assert!(too_much.check().is_err(), "with the machines it is a thousand, and busy comes on top");
        let form = RehearsalForm { runs: RUNS_MAX + 1, ..RehearsalForm::default() };
        assert!(form.check().is_err());
    }

    #[test]
    fn the_planners_example_of_the_rules_comes_out() {
        // C = 20, p = 0.2, handling 120 s, ring 25 s: 1,636 calls an hour.
        let example = Assumptions {
            connected_permille: [200; 24],
            voicemail_permille: 0,
            answer_seconds: 20,
            talk_seconds: 100,
            ..Assumptions::default()
        };
        assert_eq!(example.calls_per_hour(20, 25), 1636);
    }
}
