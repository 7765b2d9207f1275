//! Rule packs: calling-hour law as data. What a pack says and how its hours are written; which packs hold for
//! whom, and what they make of a moment, is decided in `services`.

use crate::time::{DAY_MINUTES, Hours, Window, common};
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

words! {
    /// How sure a source makes us.
    pub enum Confidence {
        Primary = "primary", "Read in the law";
        Secondary = "secondary", "From guides";
        /// A source that says something less strict; kept, and not followed.
        Conflicting = "conflicting", "Sources differ";
    }
}

words! {
    /// What a person must have agreed to before an AI voice calls.
    pub enum Consent {
        Express = "express", "Express consent";
        Written = "written", "Written consent";
    }
}

/// The rules of one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// `US`, `US-FL`, or `*` for every country without a pack.
    pub jurisdiction: String,
    pub title: String,
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One rule, with whatever it limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For people.
    pub text: String,
    /// First local day it holds.
    #[serde(default)]
    pub from: Option<NaiveDate>,
    /// First local day it no longer holds.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    #[serde(default)]
    pub hours: Option<Week>,
    #[serde(default)]
    pub cap: Option<Cap>,
    #[serde(default)]
    pub consent: Option<Consent>,
    /// The strictest first.
    pub sources: Vec<Source>,
}

/// At most `calls` in any `hours` that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    pub calls: u16,
    pub hours: u16,
    /// Only calls that nobody answered count.
    #[serde(default)]
    pub unanswered: bool,
}

/// Where a rule is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub cite: String,
    pub confidence: Confidence,
    #[serde(default)]
    pub url: Option<String>,
}

/// Open hours of a week, and of public holidays when they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Week {
    pub days: Hours,
    /// `None`: a holiday is a day like others.
    pub holidays: Option<Vec<Window>>,
}

impl Rule {
    /// Whether it holds on a local day.
    pub fn is_in_force(&self, on: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= on) && self.until.is_none_or(|until| on < until)
    }
    /// What a decision cites.
    pub fn cite(&self) -> &str {
        self.sources.first().map_or("", |source| &source.cite)
    }
}

impl Pack {
    /// The weakest confidence among the rules' first sources, or that sources differ.
    pub fn confidence(&self) -> Confidence {
        self.rules.iter().flat_map(|rule| &rule.sources).map(|source| source.confidence).max().unwrap_or(Confidence::Secondary)
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The text is not hours of a week.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not like \"mon-fri 09:00-18:00\", \"holidays closed\" or \"holidays 13:00-21:00\"")]
pub struct BadWeek(String);

impl TryFrom<Vec<String>> for Week {
    type Error = BadWeek;
    /// `["mon-sat 08:00-20:00", "holidays closed"]`; a day that is not named is closed.
    fn try_from(lines: Vec<String>) -> Result<Self, BadWeek> {
        let mut week = Self { days: Hours(Default::default()), holidays: None };
        for line in lines {
            week.read(&line).ok_or(BadWeek(line))?;
        }
        Ok(week)
    }
}

impl Week {
    fn read(&mut self, line: &str) -> Option<()> {
        let (days, hours) = line.split_once(' ')?;
        if days == "holidays" {
            let windows = self.holidays.get_or_insert_default();
            if hours != "closed" {
                windows.push(window(hours)?);
            }
            return Some(());
        }
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let index = |name: &str| DAYS.iter().position(|day| *day == name);
        let (first, last, window) = (index(first)?, index(last)?, window(hours)?);
        for day in self.days.0.get_mut(first..=last)? {
            day.push(window);
        }
        self.days.is_valid().then_some(())
    }

    /// What is open on a day.
    pub fn on(&self, weekday: usize, is_holiday: bool) -> &[Window] {
        match &self.holidays {
            Some(windows) if is_holiday => windows,
            _ => &self.days.0[weekday],
        }
    }

    /// What two rules allow together, as people read it: holidays are those that either names.
    pub fn intersect(&self, other: &Self) -> Self {
        let holidays = match (&self.holidays, &other.holidays) {
            (Some(these), Some(those)) => Some(common(these, those)),
            (one, None) | (None, one) => one.clone(),
        };
        Self { days: self.days.intersect(&other.days), holidays }
    }

    /// `Mon–Sat 08:00–20:00`, one per line of hours.
    pub fn labels(&self) -> Vec<String> {
        Vec::from(self.clone())
            .into_iter()
            .map(|line| {
                let mut letters = line.replace('-', "–");
                letters[..1].make_ascii_uppercase();
                for day in DAYS {
                    let capital = format!("{}{}", day[..1].to_ascii_uppercase(), &day[1..]);
                    letters = letters.replace(day, &capital);
                }
                letters
            })
            .collect()
    }
}

fn window(text: &str) -> Option<Window> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60).then_some(hour.checked_mul(60)? + minute).filter(|m| *m <= DAY_MINUTES)
    };
    let (start, end) = text.split_once('-')?;
    Window::try_new(minute(start)?, minute(end)?)
}

impl From<Week> for Vec<String> {
    fn from(week: Week) -> Self {
        let hours = |w: &Window| w.label().replace('–', "-");
        let mut lines = Vec::new();
        let mut first = 0;
        while first < 7 {
            let last = (first..7).take_while(|day| week.days.0[*day] == week.days.0[first]).last().unwrap_or(first);
            let days = if first == last { DAYS[first].to_owned() } else { format!("{}-{}", DAYS[first], DAYS[last]) };
            lines.extend(week.days.0[first].iter().map(|w| format!("{days} {}", hours(w))));
            first = last + 1;
        }
        match week.holidays.as_deref() {
            Some([]) => lines.push("holidays closed".to_owned()),
            Some(windows) => lines.extend(windows.iter().map(|w| format!("holidays {}", hours(w)))),
            None => {}
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(lines: &[&str]) -> Result<Week, BadWeek> {
        Week::try_from(lines.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn of_two_rules_people_read_what_both_allow() {
        let daily = week(&["mon-sun 08:00-21:00"]).expect("lawful");
        let no_sunday = week(&["mon-sat 00:00-24:00", "holidays closed"]).expect("lawful");
        assert_eq!(daily.intersect(&no_sunday).labels(), ["Mon–Sat 08:00–21:00", "Holidays closed"]);
    }

    #[test]
    fn hours_are_written_back_as_they_were_read() {
        let lines = ["mon-sat 08:00-20:00", "sun 12:00-21:00", "holidays 13:00-21:00"];
        let read = week(&lines).expect("lawful");
        assert_eq!(Vec::from(read.clone()), lines);
        assert_eq!(read.on(6, false), [Window { start_minute: 720, end_minute: 1260 }]);
        assert_eq!(read.on(0, true), [Window { start_minute: 780, end_minute: 1260 }]);
        let closed = week(&["mon-fri 09:00-17:00", "holidays closed"]).expect("lawful");
        assert_eq!(closed.labels(), ["Mon–Fri 09:00–17:00", "Holidays closed"]);
        assert!(closed.on(5, false).is_empty() && closed.on(0, true).is_empty());
    }

    #[test]
    fn hours_that_are_not_hours_are_refused_by_name() {
        for bad in
            ["mon", "mon-fri", "fri-mon 09:00-10:00", "mon 10:00-09:00", "mon 09:60-10:00", "mon 09:00-24:01", "day 09:00-10:00"]
        {
            assert_eq!(week(&[bad]), Err(BadWeek(bad.to_owned())));
        }
        assert!(week(&["mon 09:00-12:00", "mon 11:00-13:00"]).is_err(), "windows of a day are apart");
    }
}
