//! Between the model's hours (minutes, several windows a day) and the editor's rows (one window a day, as text).

use model::time::{DAY_MINUTES, Hours, Window};
use serde::{Deserialize, Serialize};

use crate::ui::DayHours;

/// The last minute an input of type `time` can say; it stands for midnight.
const LAST_MINUTE: u16 = DAY_MINUTES - 1;

/// One row of the form, as a browser sends it: an unchecked box is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayForm {
    pub open: bool,
    pub from: String,
    pub to: String,
}

fn clock(minute: u16) -> String {
    let minute = minute.min(LAST_MINUTE);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.get(..2)?.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// The rows of the editor. A day with several windows shows its span: the editor has one row a day.
pub fn rows(hours: &Hours) -> Vec<DayHours> {
    hours
        .0
        .iter()
        .map(|day| match (day.first(), day.last()) {
            (Some(first), Some(last)) => DayHours::open(clock(first.start_minute), clock(last.end_minute)),
            _ => DayHours::closed(),
        })
        .collect()
}

/// The hours of seven rows; `None` when a time cannot be read or ends before it starts.
pub fn hours(days: &[DayForm]) -> Option<Hours> {
    let mut out = Hours(Default::default());
    for (windows, day) in out.0.iter_mut().zip(days).filter(|(_, day)| day.open) {
        let end = minute(&day.to)?;
        windows.push(Window::try_new(minute(&day.from)?, if end == LAST_MINUTE { DAY_MINUTES } else { end })?);
    }
    (days.len() == out.0.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(hours: &Hours) -> Vec<DayForm> {
        rows(hours).into_iter().map(|day| DayForm { open: day.open, from: day.from, to: day.to }).collect()
    }

    #[test]
    fn hours_survive_the_form() {
        for week in [Hours::business(), Hours::always()] {
            assert_eq!(hours(&form(&week)), Some(week));
        }
    }

    #[test]
    fn a_day_that_ends_before_it_starts_is_no_hours() {
        let mut days = form(&Hours::business());
        days[0].to = "08:00".to_owned();
        assert_eq!(hours(&days), None);
        assert_eq!(hours(&days[1..]), None);
    }
}
