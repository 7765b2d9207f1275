//! Public holidays: rules that a year is put into, from `data/rules/holidays.toml`.

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};
use std::sync::LazyLock;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    holiday: Vec<Holiday>,
}

/// One day of every year.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Holiday {
    name: String,
    /// Jurisdictions; a day of `US` is one of `US-LA` too.
    r#in: Vec<String>,
    #[serde(default)]
    month: u32,
    #[serde(default)]
    day: u32,
    weekday: Option<Weekday>,
    /// Which of that weekday in the month; negative counts from the end.
    #[serde(default)]
    nth: i8,
    /// Days after Easter Sunday.
    easter: Option<i64>,
    /// Days after what the rest says.
    #[serde(default)]
    plus: i64,
    /// On a weekend the nearest weekday is closed too.
    #[serde(default)]
    observed: bool,
}

pub(super) static ALL: LazyLock<Vec<Holiday>> = LazyLock::new(|| {
    let text = include_str!("../../data/rules/holidays.toml");
    toml::from_str::<File>(text).expect("holidays are read by a test before they ship").holiday
});

/// The holiday a local day is in a jurisdiction, if it is one.
pub fn holiday(jurisdiction: &str, day: NaiveDate) -> Option<&'static str> {
    let here = |place: &String| place == jurisdiction || place == super::country(jurisdiction);
    // New Year's Day may be observed in the year before.
    let falls = |h: &&Holiday| (day.year()..=day.year() + 1).any(|year| h.falls(year).is_some_and(|falls| h.covers(falls, day)));
    ALL.iter().filter(|h| h.r#in.iter().any(here)).find(falls).map(|h| h.name.as_str())
}

impl Holiday {
    /// The day itself in a year; `None` when the rule names no day.
    pub(super) fn falls(&self, year: i32) -> Option<NaiveDate> {
        let day = match (self.easter, self.weekday) {
            (Some(after), _) => easter(year)? + TimeDelta::days(after),
            (None, Some(weekday)) if self.nth > 0 => {
                NaiveDate::from_weekday_of_month_opt(year, self.month, weekday, u8::try_from(self.nth).ok()?)?
            }
            (None, Some(weekday)) => {
                (1..=5).rev().find_map(|n| NaiveDate::from_weekday_of_month_opt(year, self.month, weekday, n))?
            }
            (None, None) => NaiveDate::from_ymd_opt(year, self.month, self.day)?,
        };
        Some(day + TimeDelta::days(self.plus))
    }

    fn covers(&self, falls: NaiveDate, day: NaiveDate) -> bool {
        let observed = match falls.weekday() {
            Weekday::Sat if self.observed => falls.checked_sub_days(Days::new(1)),
            Weekday::Sun if self.observed => falls.checked_add_days(Days::new(1)),
            _ => None,
        };
        falls == day || observed == Some(day)
    }
}

/// Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8).
fn easter(year: i32) -> Option<NaiveDate> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(n / 31).ok()?, u32::try_from(n % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn federal_holidays_of_2026_fall_on_the_days_of_the_official_calendar() {
        // opm.gov, 2026 holiday schedule. Independence Day is a Saturday: the Friday is closed too.
        let days = [
            "2026-01-01",
            "2026-01-19",
            "2026-02-16",
            "2026-05-25",
            "2026-06-19",
            "2026-07-03",
            "2026-07-04",
            "2026-09-07",
            "2026-10-12",
            "2026-11-11",
            "2026-11-26",
            "2026-12-25",
        ];
        let year = day("2026-01-01").iter_days().take(365);
        let found: Vec<_> = year.filter(|d| holiday("US", *d).is_some()).map(|d| d.to_string()).collect();
        assert_eq!(found, days);
    }

    #[test]
    fn easter_moves_as_published() {
        let sundays = ["2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2038-04-25"];
        for sunday in sundays.map(day) {
            assert_eq!(easter(sunday.year()), Some(sunday));
        }
        assert_eq!(holiday("US-LA", day("2026-02-17")), Some("Mardi Gras"));
        assert_eq!(holiday("US-LA", day("2026-04-03")), Some("Good Friday"));
        assert_eq!(holiday("US-TX", day("2026-04-03")), None);
    }

    #[test]
    fn a_new_year_on_saturday_closes_the_last_friday_of_the_old_one() {
        assert_eq!(holiday("US-AL", day("2027-12-31")), Some("New Year's Day"));
        assert_eq!(holiday("US-LA", day("2026-11-03")), Some("Election Day"));
        assert_eq!(holiday("GB", day("2026-12-25")), None, "no British rule asks for holidays");
    }
}
