//! May we call this person now? Pure: everything that was read goes in, one decision with its reason comes out.

use super::window::{Opening, midnight, opening};
use crate::zones;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use model::enrollments::{EnrollmentStatus, Reason};
use model::time::Hours;

/// A number on another call is looked at again after this.
const BUSY_SECONDS: i64 = 30;

/// What the decision is made from.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub now: DateTime<Utc>,
    pub suppressed: bool,
    pub archived: bool,
    pub attempts: i32,
    pub attempts_max: i32,
    /// When this contact was called before, in any campaign, in the last days.
    pub called_at: &'a [DateTime<Utc>],
    pub per_day_max: i32,
    /// Campaign hours ∩ company hours ∩ law.
    pub hours: &'a Hours,
    pub zones: &'a [Tz],
    /// Another call to the same number is under way.
    pub number_busy: bool,
    /// How many times faster this campaign's network lives (1 outside the sandbox).
    pub speed: i32,
}

/// The decision, with the reason that is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Dial,
    /// Not now; look again at `until`.
    Wait {
        reason: Reason,
        detail: String,
        until: DateTime<Utc>,
    },
    /// Never in this campaign.
    Stop {
        status: EnrollmentStatus,
        reason: Reason,
        detail: String,
    },
}

/// The checks of engine.md §4, in their order.
pub fn decide(f: &Facts<'_>) -> Decision {
    let stop = |status, reason: Reason, detail: &str| Decision::Stop { status, reason, detail: detail.to_owned() };
    if f.suppressed {
        return stop(EnrollmentStatus::OptedOut, Reason::Suppressed, "This number asked not to be called.");
    }
    if f.archived {
        return stop(EnrollmentStatus::Cancelled, Reason::Archived, "");
    }
    if f.attempts >= f.attempts_max {
        return stop(EnrollmentStatus::Failed, Reason::AttemptsUsed, &format!("{} of {}", f.attempts, f.attempts_max));
    }
    let until = match opening(f.now, f.hours, f.zones) {
        Opening::Now { until } => until,
        Opening::At(until) => {
            return Decision::Wait { reason: Reason::OutsideHours, detail: local_times(f), until };
        }
        Opening::Never if f.zones.is_empty() => {
            return stop(EnrollmentStatus::Skipped, Reason::NeverOpen, "The zone is not known. State one on the contact.");
        }
        Opening::Never => {
            let places: Vec<_> = f.zones.iter().take(3).map(|z| zones::city(*z)).collect();
            return stop(
                EnrollmentStatus::Skipped,
                Reason::NeverOpen,
                &format!("May be in {}. State a zone.", places.join(", ")),
            );
        }
    };
    if let Some(tomorrow) = day_cap(f) {
        // The next local day may begin at night: the window then decides again.
        return Decision::Wait { reason: Reason::DayCap, detail: format!("{} a day", f.per_day_max), until: tomorrow };
    }
    if f.number_busy {
        let wait = TimeDelta::milliseconds(BUSY_SECONDS * 1000 / i64::from(f.speed.max(1)));
        return Decision::Wait { reason: Reason::Busy, detail: String::new(), until: (f.now + wait).min(until) };
    }
    Decision::Dial
}

/// When the contact's cap for the local day is used up, the first instant of the next local day.
fn day_cap(f: &Facts<'_>) -> Option<DateTime<Utc>> {
    let zone = *f.zones.first()?;
    let today = f.now.with_timezone(&zone).date_naive();
    let used = f.called_at.iter().filter(|at| at.with_timezone(&zone).date_naive() == today).count();
    (i32::try_from(used).unwrap_or(i32::MAX) >= f.per_day_max).then(|| start_of_next_day(f.now, zone))
}

/// The first instant of the local day after `now`.
pub fn start_of_next_day(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    midnight(today.succ_opt().unwrap_or(today), zone)
}

/// The first instant of the local day that `now` is in.
pub fn start_of_day(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    midnight(now.with_timezone(&zone).date_naive(), zone)
}

/// `20:05 in New York`
fn local_times(f: &Facts<'_>) -> String {
    let mut shown: Vec<_> =
        f.zones.iter().map(|z| format!("{} in {}", f.now.with_timezone(z).format("%H:%M"), zones::city(*z))).collect();
    let more = shown.len().saturating_sub(2);
    shown.truncate(2);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialer::window::legal_hours;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }

    fn facts<'a>(hours: &'a Hours, zones: &'a [Tz], called_at: &'a [DateTime<Utc>]) -> Facts<'a> {
        Facts {
            now: at("2026-11-23T15:00:00Z"),
            suppressed: false,
            archived: false,
            attempts: 0,
            attempts_max: 6,
            called_at,
            per_day_max: 3,
            hours,
            zones,
            number_busy: false,
            speed: 1,
        }
    }

    #[test]
    fn suppression_comes_before_everything() {
        let hours = legal_hours();
        let f = Facts { suppressed: true, archived: true, attempts: 9, ..facts(&hours, &[], &[]) };
        assert!(matches!(decide(&f), Decision::Stop { status: EnrollmentStatus::OptedOut, reason: Reason::Suppressed, .. }));
    }

    #[test]
    fn outside_hours_names_the_local_time_and_the_next_opening() {
        let hours = legal_hours();
        let f = Facts { now: at("2026-11-24T02:05:00Z"), ..facts(&hours, &[Tz::America__New_York], &[]) };
        let Decision::Wait { reason, detail, until } = decide(&f) else { panic!("waits") };
        assert_eq!((reason, detail.as_str(), until), (Reason::OutsideHours, "21:05 in New York", at("2026-11-24T13:00:00Z")));
    }

    #[test]
    fn the_cap_of_the_day_counts_the_contacts_own_day() {
        let hours = legal_hours();
        let ny = [Tz::America__New_York];
        // 04:30 UTC is still yesterday in New York.
        let called = [at("2026-11-23T04:30:00Z"), at("2026-11-23T13:30:00Z"), at("2026-11-23T14:00:00Z")];
        assert_eq!(decide(&facts(&hours, &ny, &called)), Decision::Dial);
        let called = [at("2026-11-23T05:30:00Z"), at("2026-11-23T13:30:00Z"), at("2026-11-23T14:00:00Z")];
        let Decision::Wait { reason, until, .. } = decide(&facts(&hours, &ny, &called)) else { panic!("waits") };
        assert_eq!((reason, until), (Reason::DayCap, at("2026-11-24T05:00:00Z")));
    }

    #[test]
    fn an_unknown_zone_is_never_guessed() {
        let hours = legal_hours();
        assert!(matches!(decide(&facts(&hours, &[], &[])), Decision::Stop { reason: Reason::NeverOpen, .. }));
    }

    #[test]
    fn the_next_day_begins_at_local_midnight_even_when_the_clock_changes() {
        let ny = Tz::America__New_York;
        assert_eq!(start_of_next_day(at("2026-03-08T12:00:00Z"), ny), at("2026-03-09T04:00:00Z"));
        assert_eq!(start_of_next_day(at("2026-11-01T12:00:00Z"), ny), at("2026-11-02T05:00:00Z"));
        assert_eq!(start_of_next_day(at("2026-11-23T18:29:00Z"), Tz::Asia__Kolkata), at("2026-11-23T18:30:00Z"));
    }
}
