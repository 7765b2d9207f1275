//! When may a phone ring? Pure: hours, zones and a moment in; an opening out. Evaluated on instants, so a
//! day with 23 or 25 hours needs no special case.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use model::time::{DAY_MINUTES, Hours, Window};

/// How far ahead an opening is looked for.
pub const HORIZON_DAYS: u64 = 15;

/// The floor under every company's hours: 08:00–21:00 at the called party, 47 CFR 64.1200(c)(1) and 16 CFR
/// 310.4(c). Companies may tighten it and never loosen it. State and country packs come on top of it.
pub fn legal_hours() -> Hours {
    Hours::weekly(0, 6, Window { start_minute: 8 * 60, end_minute: 21 * 60 })
}

/// Whether now is inside, and if not, when it will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Open now, until this instant.
    Now { until: DateTime<Utc> },
    /// Closed now; opens at this instant.
    At(DateTime<Utc>),
    /// No opening within the horizon in every zone at once, or no zone is known.
    Never,
}

/// The opening of `hours` that holds in *every* one of `zones`.
pub fn opening(now: DateTime<Utc>, hours: &Hours, zones: &[Tz]) -> Opening {
    let Some((first, rest)) = zones.split_first() else { return Opening::Never };
    let mut open = intervals(now, hours, *first);
    for zone in rest {
        open = intersect(&open, &intervals(now, hours, *zone));
    }
    match open.into_iter().find(|(_, end)| *end > now) {
        Some((start, until)) if start <= now => Opening::Now { until },
        Some((start, _)) => Opening::At(start),
        None => Opening::Never,
    }
}

/// Half-open UTC intervals, in order, from yesterday (a day that began earlier elsewhere) to the horizon.
fn intervals(now: DateTime<Utc>, hours: &Hours, zone: Tz) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let today = now.with_timezone(&zone).date_naive();
    let mut out: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for ahead in 0..=HORIZON_DAYS + 1 {
        let Some(day) = today.checked_sub_days(Days::new(1)).and_then(|d| d.checked_add_days(Days::new(ahead))) else { continue };
        let weekday = chrono::Datelike::weekday(&day).num_days_from_monday() as usize;
        for w in &hours.0[weekday] {
            let (start, end) = (instant(day, w.start_minute, zone, false), instant(day, w.end_minute, zone, true));
            match out.last_mut() {
                // Windows that touch are one: midnight does not interrupt a window that goes on.
                Some(last) if last.1 >= start => last.1 = last.1.max(end),
                _ if start < end => out.push((start, end)),
                _ => {}
            }
        }
    }
    out
}

/// A local minute as an instant. In a gap the first instant after it; of two, the earlier for a start and the
/// later for an end would widen the window, so it is the other way round: strict on both sides.
fn instant(day: NaiveDate, minute: u16, zone: Tz, is_end: bool) -> DateTime<Utc> {
    let (day, minute) = if minute == DAY_MINUTES { (day.succ_opt().unwrap_or(day), 0) } else { (day, minute) };
    let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0).unwrap_or(NaiveTime::MIN);
    let mut local = day.and_time(time);
    loop {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(at) => return at.with_timezone(&Utc),
            LocalResult::Ambiguous(early, late) => return if is_end { early } else { late }.with_timezone(&Utc),
            LocalResult::None => local += TimeDelta::minutes(1),
        }
    }
}

/// The first instant of a local day.
pub fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    instant(day, 0, zone, false)
}

fn intersect(a: &[(DateTime<Utc>, DateTime<Utc>)], b: &[(DateTime<Utc>, DateTime<Utc>)]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        let (start, end) = (a[i].0.max(b[j].0), a[i].1.min(b[j].1));
        if start < end {
            out.push((start, end));
        }
        if a[i].1 < b[j].1 { i += 1 } else { j += 1 }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }
    fn nine_to_five() -> Hours {
        Hours::weekly(0, 4, Window { start_minute: 540, end_minute: 1020 })
    }

    #[test]
    fn a_window_is_half_open_in_the_contacts_zone() {
        let ny = [Tz::America__New_York];
        // Monday 2026-11-23; New York is UTC-5.
        let open = Opening::Now { until: at("2026-11-23T22:00:00Z") };
        assert_eq!(opening(at("2026-11-23T14:00:00Z"), &nine_to_five(), &ny), open);
        assert_eq!(opening(at("2026-11-23T13:59:59Z"), &nine_to_five(), &ny), Opening::At(at("2026-11-23T14:00:00Z")));
        assert_eq!(opening(at("2026-11-23T22:00:00Z"), &nine_to_five(), &ny), Opening::At(at("2026-11-24T14:00:00Z")));
        // Friday evening waits for Monday.
        assert_eq!(opening(at("2026-11-27T22:00:00Z"), &nine_to_five(), &ny), Opening::At(at("2026-11-30T14:00:00Z")));
    }

    #[test]
    fn several_candidate_zones_leave_only_what_is_open_in_all() {
        let both = [Tz::America__New_York, Tz::America__Los_Angeles];
        assert_eq!(opening(at("2026-11-23T15:00:00Z"), &nine_to_five(), &both), Opening::At(at("2026-11-23T17:00:00Z")));
        assert_eq!(
            opening(at("2026-11-23T17:00:00Z"), &nine_to_five(), &both),
            Opening::Now { until: at("2026-11-23T22:00:00Z") }
        );
        let never = [Tz::America__New_York, Tz::Asia__Tokyo];
        assert_eq!(opening(at("2026-11-23T15:00:00Z"), &nine_to_five(), &never), Opening::Never);
        assert_eq!(opening(at("2026-11-23T15:00:00Z"), &nine_to_five(), &[]), Opening::Never);
    }

    #[test]
    fn the_clock_change_moves_the_opening_with_the_wall_clock() {
        let ny = [Tz::America__New_York];
        // Clocks go forward on Sunday 2026-03-08 and back on Sunday 2026-11-01.
        assert_eq!(opening(at("2026-03-06T23:00:00Z"), &nine_to_five(), &ny), Opening::At(at("2026-03-09T13:00:00Z")));
        assert_eq!(opening(at("2026-10-30T22:00:00Z"), &nine_to_five(), &ny), Opening::At(at("2026-11-02T14:00:00Z")));
        // A window inside the hour that does not exist never opens that day.
        let gap = Hours::weekly(6, 6, Window { start_minute: 125, end_minute: 175 });
        assert_eq!(opening(at("2026-03-08T05:00:00Z"), &gap, &ny), Opening::At(at("2026-03-15T06:05:00Z")));
    }

    #[test]
    fn a_window_to_midnight_goes_on_into_the_next_day() {
        let always = Hours::always();
        let Opening::Now { until } = opening(at("2026-11-23T23:30:00Z"), &always, &[Tz::UTC]) else { panic!("open") };
        assert!(until > at("2026-11-30T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn whatever_the_hours_and_zones_nothing_is_open_outside_the_law_when_intersected(
            seconds in 0i64..(86_400 * 400), start in 0u16..1439, len in 1u16..1440, zone in 0usize..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let now = at("2026-01-01T00:00:00Z") + TimeDelta::seconds(seconds);
            let window = Window { start_minute: start, end_minute: (start + len).min(1440) };
            let hours = Hours::weekly(0, 6, window).intersect(&legal_hours());
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let moment = match opening(now, &hours, &[zone]) { Opening::Now { .. } => Some(now), Opening::At(t) => Some(t), Opening::Never => None };
            if let Some(moment) = moment {
                let local = chrono::Timelike::hour(&moment.with_timezone(&zone));
                prop_assert!((8..21).contains(&local), "{moment} is {local} h in {zone}");
            }
        }
    }
}
