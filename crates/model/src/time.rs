//! Moments and weekly hours. Zones are names here; turning them into offsets needs the zone database
//! and happens in `services`.

use chrono::{DateTime, Datelike, FixedOffset, Timelike, Utc};

/// An instant, UTC.
pub type Timestamp = DateTime<Utc>;
/// Minutes in a day; also the end of a window that lasts until midnight.
pub const DAY_MINUTES: u16 = 1440;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An instant together with the offset of the zone it is shown in, so that the server and the browser
/// print the same text without a zone database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Moment {
    pub at: Timestamp,
    pub offset_minutes: i16,
}

impl Moment {
    fn local(self) -> DateTime<FixedOffset> {
        let offset = FixedOffset::east_opt(i32::from(self.offset_minutes) * 60);
        self.at.with_timezone(&offset.unwrap_or_else(|| FixedOffset::east_opt(0).expect("zero is an offset")))
    }
    /// `Mon 23 Nov 09:00`
    pub fn short(self) -> String {
        let at = self.local();
        format!("{} {} {:02}:{:02}", at.weekday(), day(at), at.hour(), at.minute())
    }
    /// `23 Nov 2026, 09:00:05`
    pub fn long(self) -> String {
        format!("{}, {}", self.date(), self.clock())
    }
    /// `23 Nov 2026`
    pub fn date(self) -> String {
        let at = self.local();
        format!("{} {}", day(at), at.year())
    }
    /// `09:00:05`
    pub fn clock(self) -> String {
        let at = self.local();
        format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
    }
    /// `2026-11-23T09:00:05+05:30`, for `<time datetime>`.
    pub fn iso(self) -> String {
        self.local().to_rfc3339()
    }
}

/// `23 Nov`. By hand: chrono's patterns bring an interpreter for all of them into the browser.
fn day(at: DateTime<FixedOffset>) -> String {
    format!("{} {}", at.day(), MONTHS[at.month0() as usize])
}

/// Half-open local window `[start, end)`, minutes from midnight; never crosses midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    pub start_minute: u16,
    pub end_minute: u16,
}

impl Window {
    /// `None` unless `start < end ≤ 1440`.
    pub fn try_new(start_minute: u16, end_minute: u16) -> Option<Self> {
        (start_minute < end_minute && end_minute <= DAY_MINUTES).then_some(Self { start_minute, end_minute })
    }
    /// `09:00–17:30`
    pub fn label(self) -> String {
        let t = |m: u16| format!("{:02}:{:02}", m / 60, m % 60);
        format!("{}–{}", t(self.start_minute), t(self.end_minute))
    }
}

/// Open windows per weekday, Monday first; a day without windows is closed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hours(pub [Vec<Window>; 7]);

impl Hours {
    /// The same window on every day from `first` to `last` (Monday is 0).
    pub fn weekly(first: usize, last: usize, window: Window) -> Self {
        Self(std::array::from_fn(|day| if (first..=last).contains(&day) { vec![window] } else { vec![] }))
    }
    /// Monday to Friday nine to six, what a new company starts with.
    pub fn business() -> Self {
        Self::weekly(0, 4, Window { start_minute: 9 * 60, end_minute: 18 * 60 })
    }
    /// Every hour of every day: the neutral element when hours are intersected.
    pub fn always() -> Self {
        Self::weekly(0, 6, Window { start_minute: 0, end_minute: DAY_MINUTES })
    }
    /// Open minutes in a week.
    pub fn minutes(&self) -> u32 {
        self.0.iter().flatten().map(|w| u32::from(w.end_minute - w.start_minute)).sum()
    }
    /// Whether any window exists.
    pub fn is_open_ever(&self) -> bool {
        self.minutes() > 0
    }
    /// Each window is lawful and the windows of a day are in order and apart.
    pub fn is_valid(&self) -> bool {
        self.0.iter().all(|day| {
            day.iter().all(|w| Window::try_new(w.start_minute, w.end_minute).is_some())
                && day.windows(2).all(|pair| pair[0].end_minute <= pair[1].start_minute)
        })
    }
    /// Minutes open in both, day by day.
    pub fn intersect(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|day| common(&self.0[day], &other.0[day])))
    }
}

/// Minutes in both, in order.
pub(crate) fn common(these: &[Window], those: &[Window]) -> Vec<Window> {
    let mut out = Vec::new();
    for a in these {
        for b in those {
            out.extend(Window::try_new(a.start_minute.max(b.start_minute), a.end_minute.min(b.end_minute)));
        }
    }
    out.sort_by_key(|w: &Window| w.start_minute);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_moment_prints_in_its_own_offset() {
        let at = Utc.with_ymd_and_hms(2026, 11, 23, 18, 45, 5).single().expect("valid");
        let moment = Moment { at, offset_minutes: 330 };
        assert_eq!(moment.short(), "Tue 24 Nov 00:15");
        assert_eq!(moment.long(), "24 Nov 2026, 00:15:05");
        assert_eq!(moment.iso(), "2026-11-24T00:15:05+05:30");
    }

    #[test]
    fn hours_intersect_day_by_day_and_the_neutral_element_changes_nothing() {
        let business = Hours::business();
        assert_eq!(business.intersect(&Hours::always()), business);
        let late = Hours::weekly(4, 6, Window { start_minute: 17 * 60, end_minute: 20 * 60 });
        let both = business.intersect(&late);
        assert_eq!(both.0[4], vec![Window { start_minute: 1020, end_minute: 1080 }]);
        assert_eq!(both.minutes(), 60);
    }

    #[test]
    fn windows_that_overlap_or_cross_midnight_are_not_valid() {
        let w = |a, b| Window { start_minute: a, end_minute: b };
        let with = |day: Vec<Window>| Hours(std::array::from_fn(|i| if i == 0 { day.clone() } else { vec![] }));
        assert!(with(vec![w(0, 10), w(10, 1440)]).is_valid());
        assert!(!with(vec![w(0, 11), w(10, 20)]).is_valid());
        assert!(!with(vec![w(20, 10)]).is_valid());
        assert!(!with(vec![w(0, 1441)]).is_valid());
    }
}
