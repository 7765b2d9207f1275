//! Days on which a company does not call, or not the whole day. They tighten its hours like everything else that must be open.

use crate::error::{Check, Result};
use crate::time::{DAY_MINUTES, Window};
use crate::words;
use chrono::{Datelike, NaiveDate};

/// The most holidays one company may have.
pub const HOLIDAYS_MAX: usize = 200;
/// Longest name.
const NAME_MAX: usize = 80;

/// A day off, in the local calendar of whoever would be called.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holiday {
    /// The day; of a yearly one the first.
    pub on: NaiveDate,
    pub name: String,
    /// Comes back every year on the same day of the same month. The 29th of February is the 28th where there is none.
    pub yearly: bool,
    /// What is open all the same; nothing: the whole day is closed.
    pub open: Vec<Window>,
}

impl Holiday {
    /// Whether a local day is this holiday.
    pub fn falls_on(&self, day: NaiveDate) -> bool {
        if !self.yearly || day < self.on {
            return day == self.on;
        }
        let here = self.on.with_year(day.year()).or_else(|| NaiveDate::from_ymd_opt(day.year(), 2, 28));
        here == Some(day)
    }

    /// `The whole day`, `Until 12:00` or `From 13:00`: when it is closed.
    pub fn closed(&self) -> String {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        match self.open.as_slice() {
            [] => "The whole day".to_owned(),
            [open] if open.start_minute == 0 => format!("From {}", clock(open.end_minute)),
            [open, ..] => format!("Until {}", clock(open.start_minute)),
        }
    }
}

words! {
    /// How much of a holiday is closed.
    pub enum Closed {
        Day = "day", "The whole day";
        Until = "until", "Until an hour";
        From = "from", "From an hour on";
    }
}

/// What people enter about a holiday, as typed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HolidayForm {
    /// `2026-12-25`
    pub on: String,
    pub name: String,
    pub yearly: bool,
    pub closed: Closed,
    /// `12:30`; asked for only where not the whole day is closed.
    pub time: String,
}

impl HolidayForm {
    /// The holiday that was meant.
    ///
    /// # Errors
    /// `Invalid`, all field problems at once.
    pub fn read(&self) -> Result<Holiday> {
        let on = self.on.trim().parse::<NaiveDate>().ok();
        let open = match self.closed {
            Closed::Day => Some(Vec::new()),
            Closed::Until => minute(&self.time).and_then(|m| Window::try_new(m, DAY_MINUTES)).map(|open| vec![open]),
            Closed::From => minute(&self.time).and_then(|m| Window::try_new(0, m)).map(|open| vec![open]),
        };
        let mut check = Check::new();
        check.text(&self.name, "name", "what the day is called", NAME_MAX).need(on.is_some(), "on", "Choose a day.").need(
            open.as_ref().is_some_and(|open| open.first().is_none_or(|w| w.start_minute > 0 || w.end_minute < DAY_MINUTES)),
            "time",
            "Enter an hour of that day, like 12:30.",
        );
        check.done()?;
        let (on, open) = (on.unwrap_or_default(), open.unwrap_or_default());
        Ok(Holiday { on, name: self.name.trim().to_owned(), yearly: self.yearly, open })
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn form(on: &str, closed: Closed, time: &str) -> HolidayForm {
        HolidayForm { on: on.to_owned(), name: " Diwali ".to_owned(), yearly: false, closed, time: time.to_owned() }
    }

    #[test]
    fn a_holiday_falls_once_or_every_year_from_its_first_day_on() {
        let once = form("2026-11-08", Closed::Day, "").read().expect("lawful");
        let yearly = Holiday { yearly: true, ..once.clone() };
        assert!(once.falls_on(day("2026-11-08")) && !once.falls_on(day("2027-11-08")) && !once.falls_on(day("2026-11-09")));
        assert!(yearly.falls_on(day("2026-11-08")) && yearly.falls_on(day("2027-11-08")) && yearly.falls_on(day("2031-11-08")));
        assert!(!yearly.falls_on(day("2025-11-08")), "not before its first");
        assert_eq!(once.name, "Diwali");
    }

    #[test]
    fn a_leap_day_is_kept_on_the_28th_of_other_years() {
        let leap = Holiday { yearly: true, ..form("2028-02-29", Closed::Day, "").read().expect("lawful") };
        let falls: Vec<_> =
            day("2028-01-01").iter_days().take(366 * 4).filter(|d| leap.falls_on(*d)).map(|d| d.to_string()).collect();
        assert_eq!(falls, ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28"]);
    }

    #[test]
    fn what_is_closed_leaves_the_rest_of_the_day() {
        let read = |closed, time| form("2026-12-24", closed, time).read().expect("lawful");
        assert_eq!(read(Closed::Day, "").open, []);
        assert_eq!(read(Closed::Until, "12:00").open, [Window { start_minute: 720, end_minute: 1440 }]);
        assert_eq!(read(Closed::From, "13:30").open, [Window { start_minute: 0, end_minute: 810 }]);
        let told = [read(Closed::Day, ""), read(Closed::Until, "12:00"), read(Closed::From, "13:30")].map(|h| h.closed());
        assert_eq!(told, ["The whole day", "Until 12:00", "From 13:30"]);
    }

    #[test]
    fn what_is_no_day_no_name_or_no_hour_is_refused() {
        for (field, bad) in [
            ("on", form("tomorrow", Closed::Day, "")),
            ("on", form("2026-02-30", Closed::Day, "")),
            ("name", HolidayForm { name: " ".to_owned(), ..form("2026-12-24", Closed::Day, "") }),
            ("name", HolidayForm { name: "x".repeat(81), ..form("2026-12-24", Closed::Day, "") }),
            ("time", form("2026-12-24", Closed::Until, "")),
            ("time", form("2026-12-24", Closed::Until, "00:00")),
            ("time", form("2026-12-24", Closed::From, "00:00")),
            ("time", form("2026-12-24", Closed::From, "24:00")),
            ("time", form("2026-12-24", Closed::From, "12:60")),
        ] {
            assert!(bad.read().expect_err("refused").of_field(field).is_some(), "{bad:?}");
        }
    }
}
