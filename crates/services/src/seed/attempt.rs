//! How one call goes, when it is dialed at a given local time: who picks up, how long they talk, what is said.

use super::luck::Luck;
use super::talk::{Speakers, Talk, Talks};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Weekday};
use chrono_tz::Tz;
use model::calls::{AnsweredBy, Outcome};

/// Shares of all calls at an average hour, in thousandths; what people do not answer is shared out below.
const HUMAN: f64 = 370.0;
const VOICEMAIL: u32 = 260;
const NO_ANSWER: u32 = 290;
const BUSY: u32 = 60;
const FAILED: u32 = 20;
/// How likely people answer from 8 to 20 o'clock, against the average: little before noon, most after work.
const BY_HOUR: [f64; 13] = [0.72, 0.78, 0.86, 0.92, 1.0, 0.9, 0.86, 0.92, 1.06, 1.32, 1.42, 1.28, 1.0];
/// Seconds that phones ring when nobody answers.
const RING_SECONDS: i64 = 30;

/// One call, from the first ring to the end.
pub(super) struct Attempt {
    pub outcome: Outcome,
    pub answered_by: Option<AnsweredBy>,
    pub ring: TimeDelta,
    pub talk_seconds: i64,
    pub turns: Vec<(String, String)>,
    pub summary: String,
    pub is_stop: bool,
}

impl Attempt {
    pub fn draw(luck: &mut Luck, talks: &Talks, purpose: &str, who: &Speakers<'_>, local: DateTime<Tz>) -> Self {
        let silent = |outcome, ring: i64| Self {
            outcome,
            answered_by: None,
            ring: TimeDelta::milliseconds(ring),
            talk_seconds: 0,
            turns: Vec::new(),
            summary: String::new(),
            is_stop: false,
        };
        if luck.chance(answers(local)) {
            let Talk { seconds, turns, summary, is_stop } = talks.draw(luck, purpose, who);
            let ring = luck.between(3_000, 19_000);
            let met = silent(Outcome::Completed, ring);
            return Self { answered_by: Some(AnsweredBy::Human), talk_seconds: seconds, turns, summary, is_stop, ..met };
        }
        match luck.weighted(&[VOICEMAIL, NO_ANSWER, BUSY, FAILED]) {
            0 => {
                let ring = luck.between(18_000, 26_000);
                let machine = silent(Outcome::Voicemail, ring);
                let turns = vec![("agent".to_owned(), model::agents::fill(&who.scripts.voicemail, |slot| named(slot, who)))];
                Self {
                    answered_by: Some(AnsweredBy::Voicemail),
                    talk_seconds: luck.between(16, 41),
                    turns,
                    summary: "Left a message.".to_owned(),
                    ..machine
                }
            }
            1 => silent(Outcome::NoAnswer, RING_SECONDS * 1_000),
            2 => silent(Outcome::Busy, luck.between(900, 3_200)),
            _ => silent(Outcome::Failed, luck.between(400, 1_500)),
        }
    }

    /// The provider's word for the end.
    pub fn provider_status(&self) -> &'static str {
        match self.outcome {
            Outcome::NoAnswer => "no-answer",
            Outcome::Busy => "busy",
            Outcome::Failed => "failed",
            _ => "completed",
        }
    }

    pub fn is_answered(&self) -> bool {
        self.talk_seconds > 0
    }

    pub fn length(&self) -> TimeDelta {
        self.ring + TimeDelta::seconds(self.talk_seconds)
    }
}

fn named(slot: &str, who: &Speakers<'_>) -> Option<String> {
    match slot {
        "name" => Some(who.first.to_owned()),
        "company" => Some(who.company.to_owned()),
        "agent" => Some(who.agent.to_owned()),
        _ => None,
    }
}

/// The share of people who answer at this hour of this weekday.
fn answers(local: DateTime<Tz>) -> f64 {
    let hour = usize::try_from(local.hour().clamp(8, 20) - 8).unwrap_or(0);
    let day = match local.weekday() {
        Weekday::Mon => 0.94,
        Weekday::Sat => 1.08,
        Weekday::Sun => 1.04,
        _ => 1.0,
    };
    HUMAN / 1_000.0 * BY_HOUR[hour] * day
}

/// The local minute of a first call: more in the late afternoon, as people who plan campaigns do.
pub(super) fn minute_of_first_call(luck: &mut Luck) -> i64 {
    let hour = luck.weighted(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 11, 11, 7, 7, 9, 10, 11, 13, 13, 9]);
    i64::try_from(hour).unwrap_or(12) * 60 + luck.between(0, 59)
}
