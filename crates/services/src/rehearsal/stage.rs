//! Everything a rehearsal plays with: the people, the rules, the lines and the credits, read once. Owned and free of
//! the database, so that it can be played off the async threads.

use super::network;
use crate::companies::Own;
use crate::dialer::eligible::{self, Decision, Facts, decide};
use crate::dialer::retry::{DayPart, DayParts, Ended, History, Next, next, rule_of};
use crate::dialer::window::Schedule;
use crate::rules::{self, Place};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use model::calls::Outcome;
use model::campaigns::{CallOrder, Retries};
use model::consents::Asked;
use model::credits::{Credits, Price};
use model::id::ContactId;
use model::rehearsal::Assumptions;
use model::rules::Consent;
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
    /// The places that occur. People behind one gate are let through at the same moments.
    pub gates: Vec<Place>,
    /// The company's hours, and those of the campaign if it has some.
    pub hours: Hours,
    pub campaign_hours: Option<Hours>,
    /// What the company asks beyond the law, and its own country.
    pub own: Own,
    /// What the campaign asks for before a call.
    pub asked: Asked,
    pub home: String,
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
    /// How they agreed to calls of this campaign's purpose, as it is on record.
    pub consent: Option<Consent>,
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
    pub calls: Vec<eligible::Past>,
    /// Calls before those, of a list that has a limit for ever.
    pub calls_before: i64,
}

impl Past {
    /// An attempt ended.
    pub fn count(&mut self, outcome: Outcome, talk_seconds: i64) {
        let alike = &mut self.alike[rule_of(outcome, talk_seconds) as usize];
        *alike = alike.saturating_add(1);
    }
}

/// Zones and jurisdictions: places that agree in both are one.
type Alike = (Vec<Tz>, Option<String>, Vec<&'static str>);

/// Gives every place its number.
#[derive(Debug, Default)]
pub(super) struct Gates {
    known: HashMap<Alike, usize>,
    pub all: Vec<Place>,
}

impl Gates {
    pub fn number(&mut self, place: Place) -> usize {
        let packs = place.packs.iter().map(|pack| pack.jurisdiction.as_str()).collect();
        let all = &mut self.all;
        *self.known.entry((place.zones.clone(), place.country.clone(), packs)).or_insert_with(|| {
            all.push(place);
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
        let place = &self.gates[person.gate];
        decide(&Facts {
            now,
            due_at: now,
            suppressed: person.suppressed,
            archived: person.archived,
            consent: Asked { given: person.consent, ..self.asked },
            enabled: rules::is_enabled(&self.own.limits, &self.home, place),
            attempts: past.attempts,
            attempts_max: self.retries.attempts_max,
            calls: &past.calls,
            calls_ever: past.calls_before + i64::try_from(past.calls.len()).unwrap_or(i64::MAX),
            per_day_max: self.retries.attempts_per_day_max,
            per_week_max: self.own.limits.attempts_per_week_max,
            ever_max: self.own.limits.attempts_ever_max,
            schedule: Schedule {
                company: &self.hours,
                holidays: &self.own.holidays,
                campaign: self.campaign_hours.as_ref(),
                place,
            },
            // Numbers are unique in a company; calls of its other campaigns are not played.
            number_busy: false,
            speed: 1,
        })
    }

    /// What follows an ended call? The dialer's own answer; the attempt is already counted.
    pub fn next(&self, person: &Person, past: &Past, outcome: Outcome, talk_seconds: i64, at: DateTime<Utc>) -> Next {
        let rule = rule_of(outcome, talk_seconds);
        let zone = self.gates[person.gate].zones.first().copied();
        let part = |call: &eligible::Past| zone.and_then(|zone| DayPart::at(call.at, zone));
        let tried = past.calls.iter().fold(DayParts::default(), |tried, call| tried.with(part(call)));
        let history = History { attempts: past.attempts, alike: i32::from(past.alike[rule as usize]), tried };
        let ended = Ended { outcome, talk_seconds, permanent: false, uncertain: false, at, zone };
        next(ended, history, &self.retries)
    }

    /// The hour of the day where this person is; UTC when nobody knows.
    pub fn hour(&self, person: &Person, now: DateTime<Utc>) -> usize {
        network::local_hour(now, self.gates[person.gate].zones.first().copied().unwrap_or(Tz::UTC))
    }
}
