//! When may a phone ring? Pure: hours, packs, zones and a moment in; an opening out. Evaluated on instants, so a
//! day with 23 or 25 hours needs no special case.

use crate::rules::{Place, holiday};
use crate::zones;
use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use model::holidays::Holiday;
use model::rules::{Pack, Rule, Week};
use model::time::{DAY_MINUTES, Hours, Window};

/// How far ahead an opening is looked for.
pub const HORIZON_DAYS: u64 = 15;
/// Looked at first: nearly everybody has an opening this near.
const NEAR_DAYS: u64 = 2;
/// [`HORIZON_DAYS`] as a span.
const HORIZON: TimeDelta = TimeDelta::days(HORIZON_DAYS as i64);

/// Everybody who must be open: the company, on its holidays too, the campaign if it has hours of its own, and every rule of
/// every pack in every zone of the place.
#[derive(Debug, Clone, Copy)]
pub struct Schedule<'a> {
    pub company: &'a Hours,
    /// The company's own, in the calendar of whoever would be called.
    pub holidays: &'a [Holiday],
    pub campaign: Option<&'a Hours>,
    pub place: &'a Place,
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

/// Half-open UTC intervals, in order and apart.
pub type Intervals = Vec<(DateTime<Utc>, DateTime<Utc>)>;

/// The opening of a schedule: what is open in *every* zone, for everybody.
pub fn opening(now: DateTime<Utc>, schedule: &Schedule<'_>) -> Opening {
    let Schedule { holidays, place, .. } = schedule;
    past_holidays(now, holidays, |holidays| look(now, &Schedule { holidays, ..*schedule }.limits(now), &place.zones))
}

/// Until when a schedule that is open now stays so; `None` when it is closed.
pub fn open_until(now: DateTime<Utc>, schedule: &Schedule<'_>) -> Option<DateTime<Utc>> {
    if let Opening::Now { until } = opening(now, schedule) { Some(until) } else { None }
}

/// Holidays end. Who is closed by nothing else for longer than we look ahead is looked at again at the end of it.
fn past_holidays(now: DateTime<Utc>, holidays: &[Holiday], look: impl Fn(&[Holiday]) -> Opening) -> Opening {
    match look(holidays) {
        Opening::Never if !holidays.is_empty() && look(&[]) != Opening::Never => Opening::At(now + HORIZON),
        opening => opening,
    }
}

/// A short look ahead answers nearly always; a long one is taken when it does not.
fn look(now: DateTime<Utc>, limits: &[Limit<'_>], zones: &[Tz]) -> Opening {
    match first(now, intervals(now, NEAR_DAYS, limits, zones)) {
        // What reaches the end of the view may go on behind it.
        Opening::Now { until } if until < now + TimeDelta::days(1) => Opening::Now { until },
        Opening::At(at) => Opening::At(at),
        _ => first(now, intervals(now, HORIZON_DAYS, limits, zones)),
    }
}

/// The opening of plain hours in one zone, but on holidays: when we answer, which no calling law limits.
pub fn answering(now: DateTime<Utc>, hours: &Hours, holidays: &[Holiday], zone: Tz) -> Opening {
    past_holidays(now, holidays, |holidays| {
        let limits: Vec<_> = std::iter::once(Limit::Company(hours)).chain(near(holidays, now)).collect();
        look(now, &limits, &[zone])
    })
}

/// Those of the holidays that fall into what we look at, anywhere on earth.
fn near(holidays: &[Holiday], now: DateTime<Utc>) -> impl Iterator<Item = Limit<'_>> {
    let first = (now - TimeDelta::days(2)).date_naive();
    let falls = move |holiday: &&Holiday| first.iter_days().take(HORIZON_DAYS as usize + 5).any(|day| holiday.falls_on(day));
    holidays.iter().filter(falls).map(Limit::Holiday)
}

fn first(now: DateTime<Utc>, open: Intervals) -> Opening {
    match open.into_iter().find(|(_, end)| *end > now) {
        Some((start, until)) if start <= now => Opening::Now { until },
        Some((start, _)) => Opening::At(start),
        None => Opening::Never,
    }
}

/// Who is closed now, where, and in whose words: of several, the one that opens last, for that one keeps us.
pub struct Closed {
    /// `20:05 in New York: Florida stops at 20:00`
    pub text: String,
    pub cite: Option<&'static str>,
}

/// Why a schedule is not open now; `None` when it is.
pub fn closed(now: DateTime<Utc>, schedule: &Schedule<'_>) -> Option<Closed> {
    let mut last: Option<(DateTime<Utc>, Limit<'_>, Tz)> = None;
    for zone in &schedule.place.zones {
        for limit in schedule.limits(now) {
            let opens = match look(now, &[limit], &[*zone]) {
                Opening::Now { .. } => continue,
                Opening::At(at) => at,
                Opening::Never => DateTime::<Utc>::MAX_UTC,
            };
            // Limits are in order from ours to the law's: among equals the law is named.
            if last.as_ref().is_none_or(|(latest, _, _)| opens >= *latest) {
                last = Some((opens, limit, *zone));
            }
        }
    }
    let (_, limit, zone) = last?;
    let local = now.with_timezone(&zone);
    let text =
        format!("{} in {}: {}", local.format("%H:%M"), zones::city(zone), limit.says(local.date_naive(), minute_of(&local)));
    Some(Closed { text, cite: limit.cite() })
}

fn minute_of(local: &DateTime<Tz>) -> u16 {
    u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0)
}

/// One of those who must be open.
#[derive(Debug, Clone, Copy)]
enum Limit<'a> {
    Company(&'a Hours),
    Holiday(&'a Holiday),
    Campaign(&'a Hours),
    Law(&'static Pack, &'static Rule, &'static Week),
}

impl<'a> Schedule<'a> {
    fn limits(&self, now: DateTime<Utc>) -> Vec<Limit<'a>> {
        let law = self
            .place
            .packs
            .iter()
            .copied()
            .flat_map(|pack| pack.rules.iter().filter_map(move |rule| Some(Limit::Law(pack, rule, rule.hours.as_ref()?))));
        let hours = [Some(Limit::Company(self.company)), self.campaign.map(Limit::Campaign)];
        hours.into_iter().flatten().chain(near(self.holidays, now)).chain(law).collect()
    }
}

impl<'a> Limit<'a> {
    /// What is open on a local day; `None`: this does not limit the day.
    fn on(&self, day: NaiveDate) -> Option<&'a [Window]> {
        let weekday = day.weekday().num_days_from_monday() as usize;
        match self {
            Limit::Company(hours) | Limit::Campaign(hours) => Some(&hours.0[weekday]),
            Limit::Holiday(holiday) => holiday.falls_on(day).then_some(&holiday.open),
            Limit::Law(_, rule, _) if !rule.is_in_force(day) => None,
            Limit::Law(pack, _, week) => {
                let is_holiday = week.holidays.is_some() && holiday(&pack.jurisdiction, day).is_some();
                Some(week.on(weekday, is_holiday))
            }
        }
    }

    fn cite(&self) -> Option<&'static str> {
        if let Limit::Law(_, rule, _) = self { Some(rule.cite()) } else { None }
    }

    /// `Florida stops at 20:00`, for a closed minute of a day.
    fn says(&self, day: NaiveDate, minute: u16) -> String {
        let who = match self {
            Limit::Company(_) => "the company",
            Limit::Campaign(_) => "the campaign",
            Limit::Holiday(holiday) => return format!("company holiday: {}", holiday.name),
            Limit::Law(pack, _, _) => &pack.title,
        };
        let windows = self.on(day).unwrap_or_default();
        let clock = |m: u16| format!("{:02}:{:02}", m / 60, m % 60);
        if let Some(next) = windows.iter().find(|w| w.start_minute >= minute) {
            return format!("{who} starts at {}", clock(next.start_minute));
        }
        if let Some(over) = windows.last() {
            return format!("{who} stops at {}", clock(over.end_minute));
        }
        let holiday =
            if let Limit::Law(pack, _, Week { holidays: Some(_), .. }) = self { holiday(&pack.jurisdiction, day) } else { None };
        format!("{who} is closed on {}", holiday.map_or_else(|| format!("{}s", day.format("%A")), str::to_owned))
    }
}

/// What is open in every zone, from yesterday (a day that began earlier elsewhere) to `days` ahead.
fn intervals(now: DateTime<Utc>, days: u64, limits: &[Limit<'_>], zones: &[Tz]) -> Intervals {
    let mut open: Option<Intervals> = None;
    for zone in zones {
        let today = now.with_timezone(zone).date_naive();
        let Some(yesterday) = today.checked_sub_days(Days::new(1)) else { return Vec::new() };
        let here = days_open(yesterday, days + 2, *zone, |day| windows(limits, day));
        open = Some(open.map_or_else(|| here.clone(), |others| intersect(&others, &here)));
    }
    open.unwrap_or_default()
}

/// The minutes of a local day that every limit leaves open.
fn windows(limits: &[Limit<'_>], day: NaiveDate) -> Vec<Window> {
    let mut open = vec![Window { start_minute: 0, end_minute: DAY_MINUTES }];
    for theirs in limits.iter().filter_map(|limit| limit.on(day)) {
        let both = |a: &Window, b: &Window| Window::try_new(a.start_minute.max(b.start_minute), a.end_minute.min(b.end_minute));
        open = open.iter().flat_map(|a| theirs.iter().filter_map(move |b| both(a, b))).collect();
    }
    open
}

/// The windows of local days as instants.
pub fn days_open(from: NaiveDate, days: u64, zone: Tz, windows: impl Fn(NaiveDate) -> Vec<Window>) -> Intervals {
    let mut out: Intervals = Vec::new();
    for day in (0..days).filter_map(|ahead| from.checked_add_days(Days::new(ahead))) {
        for w in windows(day) {
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
pub(super) fn instant(day: NaiveDate, minute: u16, zone: Tz, is_end: bool) -> DateTime<Utc> {
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

fn intersect(a: &Intervals, b: &Intervals) -> Intervals {
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
    use crate::rules;
    use model::phone::Phone;
    use proptest::prelude::*;

    /// The opening of hours alone, under no law.
    fn opening(now: DateTime<Utc>, hours: &Hours, zones: &[Tz]) -> Opening {
        let place = Place { zones: zones.to_vec(), ..Place::default() };
        super::opening(now, &Schedule { company: hours, holidays: &[], campaign: None, place: &place })
    }
    fn place(stated: Option<&str>, phone: &str) -> Place {
        Place::of(stated, &Phone::parse(phone).expect("E.164"))
    }

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

    /// Why nobody at `phone` may be called at that moment, and until when.
    fn why(now: &str, phone: &str) -> (String, Opening) {
        let (hours, place) = (Hours::always(), place(None, phone));
        let schedule = Schedule { company: &hours, holidays: &[], campaign: None, place: &place };
        let closed = closed(at(now), &schedule).expect("closed");
        (format!("{} ({})", closed.text, closed.cite.unwrap_or("ours")), super::opening(at(now), &schedule))
    }

    #[test]
    fn the_rule_that_closes_is_named_with_its_source_and_the_next_opening() {
        let (text, next) = why("2026-11-24T01:05:00Z", "+13055550100");
        assert_eq!(text, "20:05 in New York: Florida stops at 20:00 (Fla. Stat. 501.616(6)(a))");
        assert_eq!(next, Opening::At(at("2026-11-24T13:00:00Z")));
        let (text, next) = why("2026-11-22T15:00:00Z", "+12145550100");
        assert_eq!(text, "09:00 in Chicago: Texas starts at 12:00 (Call Desk rule table)");
        assert_eq!(next, Opening::At(at("2026-11-22T18:00:00Z")));
        let (text, next) = why("2026-11-22T18:00:00Z", "+15045550100");
        assert_eq!(text, "12:00 in Chicago: Louisiana is closed on Sundays (La. PSC General Order R-29617 § V(A)(2))");
        assert_eq!(next, Opening::At(at("2026-11-23T14:00:00Z")));
        let (text, next) = why("2026-11-26T18:00:00Z", "+15045550100");
        assert_eq!(text, "12:00 in Chicago: Louisiana is closed on Thanksgiving (La. PSC General Order R-29617 § V(A)(2))");
        assert_eq!(next, Opening::At(at("2026-11-28T14:00:00Z")), "the Friday after is a holiday too");
        let (text, _) = why("2026-11-23T15:00:00Z", "+971501234567");
        assert_eq!(text, "19:00 in Dubai: United Arab Emirates stops at 18:00 (Cabinet Resolution 56 of 2024)");
    }

    #[test]
    fn a_rule_holds_from_its_first_day_on() {
        let hours = Hours::always();
        let pittsburgh = place(None, "+14125550100");
        let schedule = Schedule { company: &hours, holidays: &[], campaign: None, place: &pittsburgh };
        // Sundays before and after 18 October 2026, at noon.
        assert!(matches!(super::opening(at("2026-10-11T16:00:00Z"), &schedule), Opening::Now { .. }));
        assert_eq!(super::opening(at("2026-10-18T16:00:00Z"), &schedule), Opening::At(at("2026-10-19T12:00:00Z")));
    }

    #[test]
    fn our_own_hours_are_named_when_they_are_what_keeps_us() {
        let (company, campaign) = (Hours::always(), nine_to_five());
        let miami = place(None, "+13055550100");
        let schedule = Schedule { company: &company, holidays: &[], campaign: Some(&campaign), place: &miami };
        let closed = closed(at("2026-11-24T01:05:00Z"), &schedule).expect("closed");
        assert_eq!((closed.text.as_str(), closed.cite), ("20:05 in New York: the campaign stops at 17:00", None));
    }

    fn holiday(on: &str, name: &str, open: &[(u16, u16)]) -> Holiday {
        let open = open.iter().map(|(start_minute, end_minute)| Window { start_minute: *start_minute, end_minute: *end_minute });
        Holiday { on: on.parse().expect("a day"), name: name.to_owned(), yearly: false, open: open.collect() }
    }

    #[test]
    fn a_company_holiday_closes_its_hours_and_is_named() {
        let (hours, place) = (nine_to_five(), place(None, "+12125550100"));
        // Tuesday is off, Wednesday until noon, Thursday from two on.
        let off = [
            holiday("2026-12-01", "Founders' Day", &[]),
            holiday("2026-12-02", "Stocktaking", &[(720, 1440)]),
            holiday("2026-12-03", "Party", &[(0, 840)]),
        ];
        let schedule = Schedule { company: &hours, holidays: &off, campaign: None, place: &place };
        let told = |now: &str| closed(at(now), &schedule).map(|closed| (closed.text, closed.cite));
        let opens = |now: &str| super::opening(at(now), &schedule);
        assert_eq!(opens("2026-11-30T20:00:00Z"), Opening::Now { until: at("2026-11-30T22:00:00Z") });
        assert_eq!(opens("2026-11-30T22:00:00Z"), Opening::At(at("2026-12-02T17:00:00Z")), "past the whole Tuesday");
        assert_eq!(told("2026-12-01T15:00:00Z"), Some(("10:00 in New York: company holiday: Founders' Day".to_owned(), None)));
        assert_eq!(told("2026-12-02T16:59:00Z"), Some(("11:59 in New York: company holiday: Stocktaking".to_owned(), None)));
        assert_eq!(told("2026-12-02T17:00:00Z"), None);
        assert_eq!(opens("2026-12-03T18:59:00Z"), Opening::Now { until: at("2026-12-03T19:00:00Z") });
        assert_eq!(told("2026-12-03T19:00:00Z"), Some(("14:00 in New York: company holiday: Party".to_owned(), None)));
        assert_eq!(opens("2026-12-03T19:00:00Z"), Opening::At(at("2026-12-04T14:00:00Z")));
    }

    #[test]
    fn a_holiday_is_the_day_of_whoever_would_be_called() {
        let (hours, off) = (Hours::always(), [holiday("2026-12-01", "Founders' Day", &[])]);
        let (auckland, honolulu) =
            (place(Some("Pacific/Auckland"), "+6421234567"), place(Some("Pacific/Honolulu"), "+18085550100"));
        let open = |now: &str, place: &Place| {
            matches!(
                super::opening(at(now), &Schedule { company: &hours, holidays: &off, campaign: None, place }),
                Opening::Now { .. }
            )
        };
        // Where it is the first of December, and where it is not yet, or no more.
        assert!(!open("2026-11-30T22:00:00Z", &auckland) && open("2026-11-30T22:00:00Z", &honolulu));
        assert!(open("2026-12-01T22:00:00Z", &auckland) && !open("2026-12-01T22:00:00Z", &honolulu));
    }

    #[test]
    fn holidays_that_last_longer_than_we_look_ahead_end_nobodys_campaign() {
        let (hours, place) = (nine_to_five(), place(None, "+12125550100"));
        let days = at("2026-12-01T00:00:00Z").date_naive().iter_days().take(40);
        let off: Vec<_> = days.map(|day| holiday(&day.to_string(), "Summer", &[])).collect();
        let schedule = Schedule { company: &hours, holidays: &off, campaign: None, place: &place };
        let now = at("2026-12-01T15:00:00Z");
        assert_eq!(super::opening(now, &schedule), Opening::At(now + HORIZON));
        assert!(closed(now, &schedule).is_some_and(|closed| closed.text.ends_with("company holiday: Summer")));
        let never = Schedule { company: &Hours(Default::default()), ..schedule };
        assert_eq!(super::opening(now, &never), Opening::Never, "what never opens never does");
        assert_eq!(answering(now, &hours, &off, Tz::UTC), Opening::At(now + HORIZON));
        assert!(matches!(answering(now, &hours, &off[1..], Tz::UTC), Opening::Now { .. }));
    }

    /// A number somewhere interesting, and a zone somebody may state.
    fn anybody() -> impl Strategy<Value = Place> {
        let phones = [
            "+13055550100",
            "+15045550100",
            "+12125550100",
            "+12085550100",
            "+18005550100",
            "+14165550100",
            "+442079460100",
            "+919812345678",
            "+971501234567",
            "+61255501234",
            "+8613800138000",
            "+18765550100",
        ];
        let stated = [
            None,
            Some("America/New_York"),
            Some("America/Los_Angeles"),
            Some("Asia/Kolkata"),
            Some("Europe/Dublin"),
            Some("UTC"),
        ];
        (0..phones.len(), 0..stated.len()).prop_map(move |(p, s)| place(stated[s], phones[p]))
    }

    proptest! {
        #[test]
        fn nothing_opens_outside_any_rule_of_any_pack_in_any_zone(
            place in anybody(), seconds in 0i64..(86_400 * 400), start in 0u16..1439, len in 1u16..1440,
        ) {
            let now = at("2026-01-01T00:00:00Z") + TimeDelta::seconds(seconds);
            let hours = Hours::weekly(0, 6, Window { start_minute: start, end_minute: (start + len).min(1440) });
            let schedule = Schedule { company: &hours, holidays: &[], campaign: None, place: &place };
            let moment = match super::opening(now, &schedule) { Opening::Now { .. } => now, Opening::At(t) => t, Opening::Never => return Ok(()) };
            for zone in &place.zones {
                let local = moment.with_timezone(zone);
                let (day, minute) = (local.date_naive(), minute_of(&local));
                let weekday = day.weekday().num_days_from_monday() as usize;
                prop_assert!(hours.0[weekday].iter().any(|w| (w.start_minute..w.end_minute).contains(&minute)));
                for (pack, rule) in place.packs.iter().flat_map(|p| p.rules.iter().map(move |r| (p, r))).filter(|(_, r)| r.is_in_force(day)) {
                    let Some(week) = &rule.hours else { continue };
                    let open = week.on(weekday, rules::holiday(&pack.jurisdiction, day).is_some());
                    prop_assert!(open.iter().any(|w| (w.start_minute..w.end_minute).contains(&minute)), "{local}: {}", rule.text);
                }
            }
            prop_assert!(closed(moment, &schedule).is_none(), "open, and still somebody is said to be closed");
        }

        #[test]
        fn hours_of_a_company_or_campaign_only_shrink_what_is_open(
            place in anybody(), seconds in 0i64..(86_400 * 400), start in 0u16..1439, len in 1u16..1440, of_campaign: bool,
        ) {
            let now = at("2026-01-01T00:00:00Z") + TimeDelta::seconds(seconds);
            let (always, own) = (Hours::always(), Hours::weekly(0, 6, Window { start_minute: start, end_minute: (start + len).min(1440) }));
            let law = Schedule { company: &always, holidays: &[], campaign: None, place: &place };
            let ours = if of_campaign { Schedule { campaign: Some(&own), ..law } } else { Schedule { company: &own, ..law } };
            match (super::opening(now, &law), super::opening(now, &ours)) {
                (Opening::Now { until: law }, Opening::Now { until: ours }) => prop_assert!(ours <= law),
                (Opening::At(law), Opening::At(ours)) => prop_assert!(ours >= law),
                (Opening::Never, ours) => prop_assert_eq!(ours, Opening::Never),
                (Opening::At(_), ours) => prop_assert_eq!(ours, Opening::Never),
                (Opening::Now { .. }, _) => {}
            }
        }
    }
}
