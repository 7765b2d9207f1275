//! The person behind a number: do they pick up, how long do they talk, which key do they press.
//! Pure: the same seed, number, attempt and day give the same person.

use chrono::{DateTime, Utc};

use crate::{
    chance::Dice,
    numbers::{self, Fixed},
};

/// What will happen when this number is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Callee {
    pub pickup: Pickup,
    /// How they take a conversation.
    pub character: Character,
    /// The key they press, or the moment at which they say "stop calling me".
    pub press: Option<Press>,
    pub quirks: Quirks,
}

/// Seconds are virtual.
#[derive(Debug, Clone, PartialEq)]
pub enum Pickup {
    /// `talk` is how long the conversation lasts if the script lets it; `leaves` when they put the phone down by themselves.
    Human {
        ring: f64,
        talk: f64,
        leaves: Option<f64>,
    },
    /// The machine cuts off after `records`.
    Machine {
        ring: f64,
        records: f64,
    },
    /// Rings until a person at the control page decides.
    Person,
    /// Rings until the caller gives up.
    NoAnswer,
    Busy {
        ring: f64,
    },
    /// The network cannot deliver the call, with this SIP code.
    Failed {
        sip: u16,
    },
}

/// How a person takes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Character {
    Interested,
    Busy,
    Refuses,
    OptsOut,
}

/// A key, and when it is pressed, counted from pick-up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Press {
    pub digit: char,
    pub after: f64,
}

/// What goes wrong around this call, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    pub never_answer_request: bool,
    pub lose_callbacks: bool,
    pub messy_callbacks: bool,
    pub late_detection: bool,
}

/// Shares at an average hour, in percent; what is left over rings on without an answer.
const HUMAN: f64 = 37.0;
const VOICEMAIL: f64 = 26.0;
const BUSY: f64 = 6.0;
const FAILED: f64 = 2.0;
/// Of the people who answer.
const OPTS_OUT: f64 = 0.02;
const HANGS_UP_EARLY: f64 = 0.12;
/// In percent of those who neither opt out nor hang up; the others refuse.
const INTERESTED: f64 = 55.0;
const BUSY_NOW: f64 = 25.0;
const TALK_MEDIAN: f64 = 70.0;
const TALK_SIGMA: f64 = 0.75;
const TALK_SECONDS: (f64, f64) = (20.0, 360.0);
/// Longer than any limit a test sets.
const LONG_TALK_SECONDS: f64 = 600.0;
/// How likely people answer, by their local hour, against the average of the day.
const ANSWER_CURVE: [f64; 24] = [
    0.4, 0.3, 0.3, 0.3, 0.3, 0.4, 0.5, 0.7, 0.85, 0.95, 1.05, 1.05, 0.9, 0.9, 1.0, 1.05, 1.1, 1.2, 1.25, 1.15, 1.0, 0.8, 0.6, 0.5,
];

impl Callee {
    /// Who answers the `attempt`-th request (from 1) to this number.
    pub fn draw(seed: u64, to: &str, attempt: u32, now: DateTime<Utc>) -> Self {
        let day = now.format("%Y-%m-%d").to_string();
        let mut dice = Dice::new(seed, &["callee", to, &attempt.to_string(), &day]);
        match numbers::fixed(to) {
            Some(fixed) => Self::fixed(fixed, attempt, &mut dice),
            None => {
                let callee = Self::by_chance(numbers::local_hour(to, now), &mut dice);
                let mood = Dice::new(seed, &["character", to, &attempt.to_string(), &day]).between(0.0, 100.0);
                Self { character: callee.character(mood), ..callee }
            }
        }
    }

    /// Leaves it to a person at the control page; what goes wrong around the call stays.
    pub fn by_hand(self) -> Self {
        Self { pickup: Pickup::Person, press: None, ..self }
    }

    /// `mood` is from 0 to 100.
    fn character(&self, mood: f64) -> Character {
        let leaves_early = matches!(self.pickup, Pickup::Human { leaves: Some(_), .. });
        match mood {
            _ if self.press.is_some() => Character::OptsOut,
            _ if leaves_early => Character::Busy,
            mood if mood < INTERESTED => Character::Interested,
            mood if mood < INTERESTED + BUSY_NOW => Character::Busy,
            _ => Character::Refuses,
        }
    }

    fn fixed(fixed: Fixed, attempt: u32, dice: &mut Dice) -> Self {
        let mut callee = Self::from(human(dice));
        match fixed {
            Fixed::Human | Fixed::Invalid | Fixed::TooManyOnce | Fixed::ErrorOnce => {}
            Fixed::Busy => callee.pickup = Pickup::Busy { ring: 1.5 },
            Fixed::BusyOnce if attempt == 1 => callee.pickup = Pickup::Busy { ring: 1.5 },
            Fixed::BusyOnce => {}
            Fixed::NoAnswer => callee.pickup = Pickup::NoAnswer,
            Fixed::Voicemail => callee.pickup = machine(dice),
            Fixed::OptsOut => {
                callee.press = Some(Press { digit: '9', after: 4.0 });
                callee.character = Character::OptsOut;
            }
            Fixed::SilentAccept => callee.quirks.never_answer_request = true,
            Fixed::LostCallbacks => callee.quirks.lose_callbacks = true,
            Fixed::MessyCallbacks => callee.quirks.messy_callbacks = true,
            Fixed::HangsUp => {
                callee.pickup = Pickup::Human { ring: 5.0, talk: 2.0, leaves: Some(2.0) };
                callee.character = Character::Busy;
            }
            Fixed::LongTalk => callee.pickup = Pickup::Human { ring: 5.0, talk: LONG_TALK_SECONDS, leaves: None },
            Fixed::LateDetection => {
                callee.pickup = machine(dice);
                callee.quirks.late_detection = true;
            }
        }
        callee
    }

    fn by_chance(hour: u32, dice: &mut Dice) -> Self {
        let answers = HUMAN * ANSWER_CURVE[hour as usize % ANSWER_CURVE.len()];
        let draw = dice.between(0.0, 100.0);
        let pickup = if draw < FAILED {
            return Self::from(Pickup::Failed { sip: if dice.happens(0.5) { 404 } else { 503 } });
        } else if draw < FAILED + BUSY {
            Pickup::Busy { ring: dice.between(0.5, 3.0) }
        } else if draw < FAILED + BUSY + VOICEMAIL {
            machine(dice)
        } else if draw < FAILED + BUSY + VOICEMAIL + answers {
            let mut person = human(dice);
            if let Pickup::Human { talk, leaves, .. } = &mut person
                && dice.happens(HANGS_UP_EARLY)
            {
                *leaves = Some(dice.between(2.0, *talk));
            }
            let press = dice.happens(OPTS_OUT).then(|| Press { digit: '9', after: dice.between(3.0, 15.0) });
            return Self { press, ..Self::from(person) };
        } else {
            Pickup::NoAnswer
        };
        Self::from(pickup)
    }
}

impl From<Pickup> for Callee {
    fn from(pickup: Pickup) -> Self {
        Self { pickup, character: Character::Interested, press: None, quirks: Quirks::default() }
    }
}

fn human(dice: &mut Dice) -> Pickup {
    let ring = dice.lognormal(9.0, 0.5, 3.0, 25.0);
    Pickup::Human { ring, talk: dice.lognormal(TALK_MEDIAN, TALK_SIGMA, TALK_SECONDS.0, TALK_SECONDS.1), leaves: None }
}

fn machine(dice: &mut Dice) -> Pickup {
    Pickup::Machine { ring: dice.between(14.0, 22.0), records: dice.between(20.0, 60.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-11-21T{hour:02}:00:00Z")).expect("a moment").to_utc()
    }

    #[test]
    fn the_same_attempt_meets_the_same_person_and_the_next_one_may_not() {
        let draw = |seed, attempt| Callee::draw(seed, "+447700900777", attempt, at(10));
        assert_eq!(draw(1, 1), draw(1, 1));
        assert!((2..20).any(|attempt| draw(1, attempt) != draw(1, 1)));
        assert!((2..20).any(|seed| draw(seed, 1) != draw(1, 1)));
    }

    #[test]
    fn the_shares_are_those_of_an_ordinary_day() {
        let mut counts = [0u32; 5];
        let mut opt_outs = 0;
        const CALLS: u32 = 20_000;
        for n in 0..CALLS {
            // Hour 14 in London, where the curve stands at 1.
            let callee = Callee::draw(7, &format!("+4477{n:08}"), 1, at(14));
            if numbers::fixed(&format!("+4477{n:08}")).is_some() {
                continue;
            }
            opt_outs += u32::from(callee.press.is_some());
            counts[match callee.pickup {
                Pickup::Human { .. } => 0,
                Pickup::Machine { .. } => 1,
                Pickup::NoAnswer => 2,
                Pickup::Busy { .. } => 3,
                Pickup::Failed { .. } => 4,
                Pickup::Person => unreachable!("nobody is drawn to be played by hand"),
            }] += 1;
        }
        let percent = counts.map(|count| f64::from(count) * 100.0 / f64::from(CALLS));
        for (share, expected) in percent.into_iter().zip([HUMAN, VOICEMAIL, 29.0, BUSY, FAILED]) {
            assert!((share - expected).abs() < 1.5, "{percent:?}");
        }
        let opt_out_share = f64::from(opt_outs) / f64::from(counts[0]);
        assert!((opt_out_share - OPTS_OUT).abs() < 0.01, "{opt_out_share}");
    }

    #[test]
    fn fewer_people_answer_at_night() {
        let humans = |hour| {
            let person = |n: &u32| matches!(Callee::draw(7, &format!("+4477{n:08}"), 1, at(hour)).pickup, Pickup::Human { .. });
            (1_000..3_000).filter(person).count()
        };
        assert!(humans(3) * 2 < humans(18));
    }

    #[test]
    fn busy_once_is_busy_once() {
        let pickup = |attempt| Callee::draw(1, "+14155550007", attempt, at(10)).pickup;
        assert!(matches!(pickup(1), Pickup::Busy { .. }));
        assert!(matches!(pickup(2), Pickup::Human { leaves: None, .. }));
    }
}
