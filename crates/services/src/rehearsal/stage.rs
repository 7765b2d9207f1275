//! Everything a rehearsal plays with: the people, the rules, the lines and the credits, read once. Owned and free of
//! the database, so that it can be played off the async threads.

use super::network;
use crate::dialer::eligible::{Decision, Facts, decide};
use crate::dialer::retry::{Ended, History, Next, next, rule_of};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use model::calls::Outcome;
use model::campaigns::{CallOrder, Retries};
use model::credits::{Credits, Price};
use model::id::ContactId;
use model::rehearsal::Assumptions;
use model::time::Hours;
use std::collections::HashMap;

/// A campaign that takes longer is not played to its end.
pub(super) const HORIZON_DAYS: i64 = 90;
/// Outcomes there are: a person's attempts are counted by the retry rule they fall under.
const OUTCOMES: usize = Outcome::ALL.len();

/// One campaign, ready to be played.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// When it begins: now, or at its start.
    pub starts_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    pub people: Vec<Person>,
    /// The sets of zones that occur. People behind one gate are let through at the same moments.
    pub gates: Vec<Vec<Tz>>,
    pub hours: Hours,
    pub retries: Retries,
    pub order: CallOrder,
    pub lines: usize,
    pub calls_per_second: i64,
    pub calls_per_day_max: Option<i64>,
    pub made_today: i64,
    /// The company's own, in which its days begin.
    pub zone: Tz,
    pub price: Price,
    /// What the campaign may spend.
    pub funds: Credits,
    pub talk_seconds_max: i64,
    pub ring_seconds_max: i64,
    /// Each person stands for so many.
    pub one_in: i64,
    pub model: Assumptions,
}

/// One contact on the list.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub contact: ContactId,
    pub name: String,
    /// Index into [`Stage::gates`].
    pub gate: usize,
    pub suppressed: bool,
    pub archived: bool,
    /// A call to them is under way when the rehearsal begins.
    pub calling: bool,
    pub due: DateTime<Utc>,
    pub past: Past,
}

/// What a person has behind them; grows while it is played.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    pub attempts: i32,
    pub alike: [u8; OUTCOMES],
    pub called_at: Vec<DateTime<Utc>>,
}

impl Past {
    /// An attempt ended.
    pub fn count(&mut self, outcome: Outcome, talk_seconds: i64) {
        let alike = &mut self.alike[rule_of(outcome, talk_seconds) as usize];
        *alike = alike.saturating_add(1);
    }
}

/// Gives every set of zones its number.
#[derive(Debug, Default)]
pub(super) struct Gates {
    known: HashMap<Vec<Tz>, usize>,
    pub all: Vec<Vec<Tz>>,
}

impl Gates {
    pub fn number(&mut self, zones: Vec<Tz>) -> usize {
        let all = &mut self.all;
        *self.known.entry(zones).or_insert_with_key(|zones| {
            all.push(zones.clone());
            all.len() - 1
        })
    }
}

impl Stage {
    /// What a call of the longest length costs: held while it lasts.
    pub fn hold(&self) -> i64 {
        self.price.cost(self.talk_seconds_max).0 * self.one_in
    }

    /// What a call costs everyone it stands for.
    pub fn cost(&self, talk_seconds: i64) -> i64 {
        self.price.cost(talk_seconds.min(self.talk_seconds_max)).0 * self.one_in
    }

    pub fn horizon(&self) -> DateTime<Utc> {
        self.starts_at + TimeDelta::days(HORIZON_DAYS)
    }

    /// May this person be called now? The dialer's own answer.
    pub fn decide(&self, person: &Person, past: &Past, now: DateTime<Utc>) -> Decision {
        decide(&Facts {
            now,
            suppressed: person.suppressed,
            archived: person.archived,
            attempts: past.attempts,
            attempts_max: self.retries.attempts_max,
            called_at: &past.called_at,
            per_day_max: self.retries.attempts_per_day_max,
            hours: &self.hours,
            zones: &self.gates[person.gate],
            // Numbers are unique in a company; calls of its other campaigns are not played.
            number_busy: false,
            speed: 1,
        })
    }

    /// What follows an ended call? The dialer's own answer; the attempt is already counted.
    pub fn next(&self, past: &Past, outcome: Outcome, talk_seconds: i64) -> Next {
        let rule = rule_of(outcome, talk_seconds);
        let history = History { attempts: past.attempts, alike: i32::from(past.alike[rule as usize]) };
        let ended = Ended { outcome, talk_seconds, permanent: false, uncertain: false };
        next(ended, history, &self.retries)
    }

    /// The hour of the day where this person is; UTC when nobody knows.
    pub fn hour(&self, person: &Person, now: DateTime<Utc>) -> usize {
        network::local_hour(now, self.gates[person.gate].first().copied().unwrap_or(Tz::UTC))
    }
}
