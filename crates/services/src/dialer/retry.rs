//! What follows an ended call: done with this person, or again, and when. Pure.

use chrono::TimeDelta;
use model::calls::Outcome;
use model::campaigns::Retries;
use model::enrollments::EnrollmentStatus;

/// A conversation shorter than this was a hang-up (engine.md §4).
pub const HUNG_UP_SECONDS: i64 = 5;
/// An attempt that was written off is never repeated sooner, so that a request still under way cannot meet it.
pub const WRITTEN_OFF_MINUTES_MIN: i64 = 5;

/// How an attempt ended, as far as retries care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub outcome: Outcome,
    pub talk_seconds: i64,
    /// The provider refused for good (invalid or blocked number).
    pub permanent: bool,
    /// It may or may not have rung: written off, or unknown.
    pub uncertain: bool,
}

/// What this enrollment has behind it, this attempt included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct History {
    /// Attempts that count.
    pub attempts: i32,
    /// Attempts with the same retry rule.
    pub alike: i32,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Done(EnrollmentStatus),
    Again { wait: TimeDelta },
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
    let rule = match rule_of(ended.outcome, ended.talk_seconds) {
        Outcome::Completed => return Next::Done(EnrollmentStatus::Called),
        Outcome::Busy => retries.busy,
        Outcome::NoAnswer => retries.no_answer,
        Outcome::Voicemail => retries.voicemail,
        Outcome::Rejected => retries.rejected,
        Outcome::Failed | Outcome::Canceled | Outcome::Unknown => retries.failed,
    };
    if ended.permanent || history.alike > rule.times || history.attempts >= retries.attempts_max {
        return Next::Done(EnrollmentStatus::Failed);
    }
    let minutes = i64::from(rule.wait_minutes);
    Next::Again { wait: TimeDelta::minutes(if ended.uncertain { minutes.max(WRITTEN_OFF_MINUTES_MIN) } else { minutes }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: Outcome) -> Ended {
        Ended { outcome, talk_seconds: 60, permanent: false, uncertain: false }
    }

    #[test]
    fn the_retry_grid_of_the_defaults() {
        let mut out = String::new();
        for outcome in Outcome::ALL {
            let row: Vec<_> = (1..=4)
                .map(|n| match next(ended(*outcome), History { attempts: n, alike: n }, &Retries::default()) {
                    Next::Done(status) => status.to_string(),
                    Next::Again { wait } => format!("{} min", wait.num_minutes()),
                })
                .collect();
            out.push_str(&format!("{:10} {}\n", outcome.as_str(), row.join(" · ")));
        }
        insta::assert_snapshot!(out);
    }

    #[test]
    fn a_hang_up_in_the_first_seconds_is_a_rejection() {
        let short = Ended { talk_seconds: 4, ..ended(Outcome::Completed) };
        let first = History { attempts: 1, alike: 1 };
        assert_eq!(next(short, first, &Retries::default()), Next::Again { wait: TimeDelta::minutes(1440) });
        assert_eq!(next(Ended { talk_seconds: 5, ..short }, first, &Retries::default()), Next::Done(EnrollmentStatus::Called));
    }

    #[test]
    fn nothing_goes_on_beyond_the_attempts_of_the_campaign() {
        let history = History { attempts: 6, alike: 1 };
        assert_eq!(next(ended(Outcome::Busy), history, &Retries::default()), Next::Done(EnrollmentStatus::Failed));
    }

    #[test]
    fn an_attempt_that_may_have_rung_is_not_repeated_at_once() {
        let retries = Retries { failed: model::campaigns::Retry { wait_minutes: 1, times: 3 }, ..Retries::default() };
        let lost = Ended { uncertain: true, ..ended(Outcome::Failed) };
        assert_eq!(next(lost, History { attempts: 1, alike: 1 }, &retries), Next::Again { wait: TimeDelta::minutes(5) });
    }

    #[test]
    fn a_permanent_refusal_ends_it() {
        let refused = Ended { permanent: true, ..ended(Outcome::Failed) };
        assert_eq!(next(refused, History { attempts: 1, alike: 1 }, &Retries::default()), Next::Done(EnrollmentStatus::Failed));
    }
}
