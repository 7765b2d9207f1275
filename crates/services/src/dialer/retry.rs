//! What follows an ended call: done with this person, or again, and when. Pure.

use super::window::instant;
use chrono::{DateTime, Days, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use model::calls::Outcome;
use model::campaigns::Retries;
use model::enrollments::EnrollmentStatus;

/// A conversation shorter than this was a hang-up (engine.md §4).
pub const HUNG_UP_SECONDS: i64 = 5;
/// An attempt that was written off is never repeated sooner, so that a request still under way cannot meet it.
pub const WRITTEN_OFF_MINUTES_MIN: i64 = 5;

/// A part of somebody's day. Who did not answer in one may in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayPart {
    Morning,
    Midday,
    Afternoon,
    Evening,
}

impl DayPart {
    pub const ALL: [Self; 4] = [Self::Morning, Self::Midday, Self::Afternoon, Self::Evening];

    /// First minute, and the first that no longer belongs to it. The night between belongs to none.
    const fn minutes(self) -> (u16, u16) {
        match self {
            Self::Morning => (8 * 60, 11 * 60),
            Self::Midday => (11 * 60, 14 * 60),
            Self::Afternoon => (14 * 60, 17 * 60),
            Self::Evening => (17 * 60, 21 * 60),
        }
    }

    /// The part of the local day that a moment is in.
    pub fn at(moment: DateTime<Utc>, zone: Tz) -> Option<Self> {
        let local = moment.with_timezone(&zone);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
        Self::ALL.into_iter().find(|part| (part.minutes().0..part.minutes().1).contains(&minute))
    }
}

/// A set of parts of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayParts(u8);

impl DayParts {
    /// With one more.
    #[must_use]
    pub fn with(self, part: Option<DayPart>) -> Self {
        Self(part.map_or(self.0, |part| self.0 | 1 << part as u8))
    }
    fn has(self, part: DayPart) -> bool {
        self.0 & (1 << part as u8) != 0
    }
    fn is_all(self) -> bool {
        DayPart::ALL.into_iter().all(|part| self.has(part))
    }
}

/// How an attempt ended, as far as retries care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub outcome: Outcome,
    pub talk_seconds: i64,
    /// The provider refused for good (invalid or blocked number).
    pub permanent: bool,
    /// It may or may not have rung: written off, or unknown.
    pub uncertain: bool,
    pub at: DateTime<Utc>,
    /// The contact's own zone; without one parts of the day cannot be told apart.
    pub zone: Option<Tz>,
}

/// What this enrollment has behind it, this attempt included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct History {
    /// Attempts that count.
    pub attempts: i32,
    /// Attempts with the same retry rule.
    pub alike: i32,
    /// Parts of the day in which it was tried.
    pub tried: DayParts,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Done(EnrollmentStatus),
    /// Due again this long after the end. The decision at dial time moves it into a lawful window.
    Again {
        wait: TimeDelta,
    },
}

/// The rule an outcome falls under; hang-ups in the first seconds are rejections.
pub fn rule_of(outcome: Outcome, talk_seconds: i64) -> Outcome {
    match outcome {
        Outcome::Completed if talk_seconds < HUNG_UP_SECONDS => Outcome::Rejected,
        Outcome::Canceled => Outcome::Failed,
        Outcome::Unknown => Outcome::NoAnswer,
        other => other,
    }
}

/// Decides what follows.
pub fn next(ended: Ended, history: History, retries: &Retries) -> Next {
    let rule = rule_of(ended.outcome, ended.talk_seconds);
    let retry = match rule {
        Outcome::Completed => return Next::Done(EnrollmentStatus::Called),
        Outcome::Busy => retries.busy,
        Outcome::NoAnswer => retries.no_answer,
        Outcome::Voicemail => retries.voicemail,
        Outcome::Rejected => retries.rejected,
        Outcome::Failed | Outcome::Canceled | Outcome::Unknown => retries.failed,
    };
    if ended.permanent || history.alike > retry.times || history.attempts >= retries.attempts_max {
        return Next::Done(EnrollmentStatus::Failed);
    }
    let minutes = i64::from(retry.wait_minutes);
    let wait = TimeDelta::minutes(if ended.uncertain { minutes.max(WRITTEN_OFF_MINUTES_MIN) } else { minutes });
    let Some(zone) = ended.zone else { return Next::Again { wait } };
    let now_in = DayParts::default().with(DayPart::at(ended.at, zone));
    let avoid = match rule {
        // The first time the plain wait; then a part of the day that was not tried yet, while there is one.
        Outcome::NoAnswer if history.alike > 1 => {
            let tried = DayParts(history.tried.0 | now_in.0);
            if tried.is_all() { now_in } else { tried }
        }
        Outcome::Voicemail => now_in,
        _ => return Next::Again { wait },
    };
    Next::Again { wait: in_another_part(ended.at + wait, zone, avoid) - ended.at }
}

/// The first moment from `from` on in a part of the day that is not to be avoided.
fn in_another_part(from: DateTime<Utc>, zone: Tz, avoid: DayParts) -> DateTime<Utc> {
    if DayPart::at(from, zone).is_some_and(|part| !avoid.has(part)) {
        return from;
    }
    let today = from.with_timezone(&zone).date_naive();
    let days = (0..=2).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
    let starts =
        days.flat_map(|day| DayPart::ALL.into_iter().map(move |part| (part, instant(day, part.minutes().0, zone, false))));
    starts.filter(|(part, start)| !avoid.has(*part) && *start >= from).map(|(_, start)| start).next().unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Monday, ten in New York.
    fn ended(outcome: Outcome) -> Ended {
        let at = "2026-11-23T15:00:00Z".parse().expect("a moment");
        Ended { outcome, talk_seconds: 60, permanent: false, uncertain: false, at, zone: None }
    }
    fn after(attempts: i32, alike: i32) -> History {
        History { attempts, alike, tried: DayParts::default() }
    }

    #[test]
    fn the_retry_grid_of_the_defaults() {
        let mut out = String::new();
        for outcome in Outcome::ALL {
            let row: Vec<_> = (1..=4)
                .map(|n| match next(ended(*outcome), after(n, n), &Retries::default()) {
                    Next::Done(status) => status.to_string(),
                    Next::Again { wait } => format!("{} min", wait.num_minutes()),
                })
                .collect();
            out.push_str(&format!("{:10} {}\n", outcome.as_str(), row.join(" · ")));
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn somebody_who_never_answers_is_tried_in_every_part_of_the_day() {
        let zone = Tz::America__New_York;
        let (mut out, mut history) = (String::new(), History::default());
        for outcome in [Outcome::NoAnswer, Outcome::Voicemail] {
            let mut at = ended(outcome).at;
            history = History { tried: DayParts::default(), ..history };
            for n in 1..=6 {
                history = History { attempts: n, alike: n, tried: history.tried.with(DayPart::at(at, zone)) };
                let retries =
                    Retries { no_answer: model::campaigns::Retry { wait_minutes: 180, times: 5 }, ..Retries::default() };
                out.push_str(&format!(
                    "{outcome} {n}: {} {:?}\n",
                    at.with_timezone(&zone).format("%a %H:%M"),
                    DayPart::at(at, zone)
                ));
                let Next::Again { wait } = next(Ended { at, zone: Some(zone), ..ended(outcome) }, history, &retries) else {
                    break;
                };
                at += wait;
            }
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_hang_up_in_the_first_seconds_is_a_rejection() {
        let short = Ended { talk_seconds: 4, ..ended(Outcome::Completed) };
        let first = after(1, 1);
        assert_eq!(next(short, first, &Retries::default()), Next::Again { wait: TimeDelta::minutes(1440) });
        assert_eq!(next(Ended { talk_seconds: 5, ..short }, first, &Retries::default()), Next::Done(EnrollmentStatus::Called));
    }

    #[test]
    fn nothing_goes_on_beyond_the_attempts_of_the_campaign() {
        assert_eq!(next(ended(Outcome::Busy), after(6, 1), &Retries::default()), Next::Done(EnrollmentStatus::Failed));
    }

    #[test]
    fn an_attempt_that_may_have_rung_is_not_repeated_at_once() {
        let retries = Retries { failed: model::campaigns::Retry { wait_minutes: 1, times: 3 }, ..Retries::default() };
        let lost = Ended { uncertain: true, ..ended(Outcome::Failed) };
        assert_eq!(next(lost, after(1, 1), &retries), Next::Again { wait: TimeDelta::minutes(5) });
    }

    #[test]
    fn a_permanent_refusal_ends_it() {
        let refused = Ended { permanent: true, ..ended(Outcome::Failed) };
        assert_eq!(next(refused, after(1, 1), &Retries::default()), Next::Done(EnrollmentStatus::Failed));
    }

    proptest! {
        #[test]
        fn a_retry_never_comes_before_its_wait_and_voicemail_never_in_the_same_part_of_the_day(
            seconds in 0i64..(86_400 * 400), zone in 0usize..chrono_tz::TZ_VARIANTS.len(), alike in 1i32..4, voicemail: bool, tried in 0u8..16,
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let at = "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().expect("a moment") + TimeDelta::seconds(seconds);
            let outcome = if voicemail { Outcome::Voicemail } else { Outcome::NoAnswer };
            let retries = Retries { voicemail: model::campaigns::Retry { wait_minutes: 60, times: 3 }, ..Retries::default() };
            let history = History { tried: DayParts(tried), ..after(alike, alike) };
            let Next::Again { wait } = next(Ended { at, zone: Some(zone), ..ended(outcome) }, history, &retries) else {
                return Err(TestCaseError::fail("three retries are allowed"));
            };
            let least = TimeDelta::minutes(if voicemail { 60 } else { 180 });
            prop_assert!(wait >= least && wait <= TimeDelta::hours(51));
            if voicemail {
                prop_assert!(DayPart::at(at + wait, zone).is_some() && DayPart::at(at + wait, zone) != DayPart::at(at, zone));
            }
        }
    }
}
