//! Between the model's hours, in minutes, and the rows of the editor, as typed.

use model::time::{DAY_MINUTES, Hours, Window};

use crate::ui::{DayHours, Span};

/// The last minute an input of type `time` can say; it stands for midnight.
const LAST_MINUTE: u16 = DAY_MINUTES - 1;

fn clock(minute: u16) -> String {
    let minute = minute.min(LAST_MINUTE);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.get(..2)?.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// The rows of the editor.
pub fn rows(hours: &Hours) -> Vec<DayHours> {
    let row = |day: &Vec<Window>| match day.is_empty() {
        true => DayHours::closed(),
        false => DayHours::open(day.iter().map(|w| Span::new(clock(w.start_minute), clock(w.end_minute))).collect()),
    };
    hours.0.iter().map(row).collect()
}

/// The hours of seven rows; `None` when a time cannot be read, a window ends before it starts, or two overlap.
pub fn hours(days: &[DayHours]) -> Option<Hours> {
    let mut out = Hours(Default::default());
    for (windows, day) in out.0.iter_mut().zip(days).filter(|(_, day)| day.open) {
        for span in &day.windows {
            let end = minute(&span.to)?;
            windows.push(Window::try_new(minute(&span.from)?, if end == LAST_MINUTE { DAY_MINUTES } else { end })?);
        }
    }
    (days.len() == out.0.len() && out.is_valid()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_survive_the_form() {
        let mut split = Hours::business();
        split.0[4].push(Window { start_minute: 1_200, end_minute: DAY_MINUTES });
        for week in [Hours::business(), Hours::always(), split] {
            assert_eq!(hours(&rows(&week)), Some(week));
        }
    }

    #[test]
    fn a_day_that_ends_before_it_starts_or_overlaps_is_no_hours() {
        let good = rows(&Hours::business());
        for (from, to) in [("18:00", "09:00"), ("", "09:00"), ("17:00", "19:00")] {
            let mut days = good.clone();
            days[0].windows.push(Span::new(from, to));
            assert_eq!(hours(&days), None, "{from} to {to}");
        }
        assert_eq!(hours(&good[1..]), None);
    }
}
