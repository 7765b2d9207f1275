//! May we call this person now? Pure: everything that was read goes in, one decision with its reason comes out. The
//! same table of checks answers the dialer (the first that blocks) and people (all of them, with their texts).

use super::window::{Opening, Schedule, closed, midnight, opening};
use crate::zones;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use model::consents::Asked;
use model::enrollments::{EnrollmentStatus, Reason};
use model::rules::{Consent, Rule};

/// A number on another call is looked at again after this.
const BUSY_SECONDS: i64 = 30;
/// Hours of a week for caps: any seven days that follow each other.
const WEEK_HOURS: u16 = 168;
/// How far back calls matter: the longest cap of any pack, and a local day besides.
pub const HISTORY_DAYS: i64 = 8;

/// A call this contact had before, in any campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    pub at: DateTime<Utc>,
    /// A person answered.
    pub answered: bool,
}

/// What the decision is made from.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub now: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub suppressed: bool,
    pub archived: bool,
    /// Who asks for a consent, and what is on record.
    pub consent: Asked,
    /// The company calls this number's country at all.
    pub enabled: bool,
    pub attempts: i32,
    pub attempts_max: i32,
    /// The contact's calls of the last [`HISTORY_DAYS`].
    pub calls: &'a [Past],
    /// All the contact's calls, ever. Need not be known without `ever_max`.
    pub calls_ever: i64,
    pub per_day_max: i32,
    pub per_week_max: i32,
    pub ever_max: Option<i32>,
    /// Company hours, campaign hours, and the law of every place the contact may be in.
    pub schedule: Schedule<'a>,
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

/// What one check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub title: &'static str,
    pub text: String,
    /// Where the rule that blocks is written.
    pub cite: Option<&'static str>,
    /// `None`: this check lets the call pass.
    pub block: Option<Decision>,
}

/// Why a check does not let a call pass.
struct Block {
    reason: Reason,
    text: String,
    cite: Option<&'static str>,
    then: Then,
}

enum Then {
    Wait(DateTime<Utc>),
    Stop(EnrollmentStatus),
}

impl Block {
    fn stop(status: EnrollmentStatus, reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), cite: None, then: Then::Stop(status) }
    }
    fn wait(reason: Reason, text: impl Into<String>, until: DateTime<Utc>) -> Self {
        Self { reason, text: text.into(), cite: None, then: Then::Wait(until) }
    }
    fn decision(&self) -> Decision {
        let (reason, detail) =
            (self.reason, self.cite.map_or_else(|| self.text.clone(), |cite| format!("{} ({cite})", self.text)));
        match self.then {
            Then::Wait(until) => Decision::Wait { reason, detail, until },
            Then::Stop(status) => Decision::Stop { status, reason, detail },
        }
    }
}

struct Check {
    title: &'static str,
    blocks: fn(&Facts<'_>) -> Option<Block>,
    /// What people read when it does not block.
    passes: fn(&Facts<'_>) -> String,
}

/// The check that only tells where nobody asks for a record.
pub const CONSENT: &str = "Consent";
/// How its text ends then.
pub const UP_TO_YOU: &str = "you answer for your list";

/// The checks of engine.md §4, in their order. What is about the campaign as a whole (running, its daily cap, slots,
/// credits) is asked once per turn before and after them.
const CHECKS: &[Check] = &[
    Check { title: "Next attempt due", blocks: not_due, passes: |_| String::new() },
    Check { title: "Not on a do-not-call list", blocks: suppressed, passes: |_| String::new() },
    Check { title: "Contact active", blocks: archived, passes: |_| String::new() },
    Check { title: CONSENT, blocks: no_consent, passes: consent },
    Check { title: "Country enabled", blocks: disabled, passes: |f| f.schedule.place.country.clone().unwrap_or_default() },
    Check {
        title: "Attempts in this campaign",
        blocks: attempts,
        passes: |f| format!("{} of {} used", f.attempts, f.attempts_max),
    },
    Check { title: "Attempts today", blocks: day_cap, passes: |f| format!("{} of {} used", today(f), f.per_day_max) },
    Check { title: "Attempts this week", blocks: week_cap, passes: |f| format!("{} of {} used", this_week(f), f.per_week_max) },
    Check { title: "Attempts ever", blocks: ever_cap, passes: ever },
    Check { title: "Attempts the law allows", blocks: law_cap, passes: law_caps },
    Check { title: "Local hours", blocks: hours, passes: open_until },
    Check { title: "Not on another call", blocks: busy, passes: |_| String::new() },
];

/// May this person be called now? The first check that blocks decides.
pub fn decide(f: &Facts<'_>) -> Decision {
    CHECKS.iter().find_map(|check| (check.blocks)(f)).map_or(Decision::Dial, |block| block.decision())
}

/// Every check with what it says now, for people.
pub fn findings(f: &Facts<'_>) -> Vec<Finding> {
    let one = |check: &Check| match (check.blocks)(f) {
        Some(block) => Finding { title: check.title, cite: block.cite, block: Some(block.decision()), text: block.text },
        None => Finding { title: check.title, text: (check.passes)(f), cite: None, block: None },
    };
    CHECKS.iter().map(one).collect()
}

fn not_due(f: &Facts<'_>) -> Option<Block> {
    (f.due_at > f.now).then(|| Block::wait(Reason::NotDue, "", f.due_at))
}

fn suppressed(f: &Facts<'_>) -> Option<Block> {
    f.suppressed.then(|| Block::stop(EnrollmentStatus::OptedOut, Reason::Suppressed, "This number asked not to be called."))
}

fn archived(f: &Facts<'_>) -> Option<Block> {
    f.archived.then(|| Block::stop(EnrollmentStatus::Cancelled, Reason::Archived, ""))
}

/// The strictest consent that a rule in force wishes for, and where it is written.
fn wish(f: &Facts<'_>) -> Option<(Consent, &'static str)> {
    let wishes = in_force(f).filter_map(|(_, rule)| Some((rule.consent?, rule.cite())));
    wishes.max_by_key(|(consent, _)| *consent)
}

/// Where a record is asked for, by the law, the company or the campaign, nobody is called without one.
fn no_consent(f: &Facts<'_>) -> Option<Block> {
    let wish = wish(f);
    let needed = f.consent.needed(wish.map(|(wish, _)| wish)).filter(|needed| f.consent.given < Some(*needed))?;
    let (purpose, on_record) =
        (f.consent.purpose.label().to_lowercase(), f.consent.given.map_or("none", Consent::label).to_lowercase());
    let text = format!("{} to {purpose} calls is needed; on record: {on_record}.", needed.label());
    let stop = Block::stop(EnrollmentStatus::Skipped, Reason::NoConsent, text);
    Some(Block { cite: wish.filter(|(wish, _)| f.consent.needed(Some(*wish)) == Some(needed)).map(|(_, cite)| cite), ..stop })
}

fn consent(f: &Facts<'_>) -> String {
    match (f.consent.given, wish(f)) {
        (Some(given), _) => format!("{} to {} calls is on record", given.label(), f.consent.purpose.label().to_lowercase()),
        (None, Some((wish, cite))) => format!("{} is needed ({cite}); {UP_TO_YOU}", wish.label()),
        (None, None) => String::new(),
    }
}

fn disabled(f: &Facts<'_>) -> Option<Block> {
    let country = || f.schedule.place.country.as_deref().unwrap_or("an unknown country");
    let text = || format!("Calls to {} are not enabled in your settings.", country());
    (!f.enabled).then(|| Block::stop(EnrollmentStatus::Skipped, Reason::Destination, text()))
}

fn attempts(f: &Facts<'_>) -> Option<Block> {
    let used = || Block::stop(EnrollmentStatus::Failed, Reason::AttemptsUsed, format!("{} of {}", f.attempts, f.attempts_max));
    (f.attempts >= f.attempts_max).then(used)
}

/// When the contact's cap for the local day is used up, it waits for the first opening of the next local day.
fn day_cap(f: &Facts<'_>) -> Option<Block> {
    let zone = *f.schedule.place.zones.first()?;
    let wait = || Block::wait(Reason::DayCap, format!("{} a day", f.per_day_max), opens_from(f, start_of_next_day(f.now, zone)));
    (today(f) >= usize::try_from(f.per_day_max).unwrap_or(0)).then(wait)
}

fn today(f: &Facts<'_>) -> usize {
    let Some(zone) = f.schedule.place.zones.first() else { return 0 };
    let day = |at: DateTime<Utc>| at.with_timezone(zone).date_naive();
    f.calls.iter().filter(|call| day(call.at) == day(f.now)).count()
}

fn week_cap(f: &Facts<'_>) -> Option<Block> {
    let free = free_at(f, usize::try_from(f.per_week_max).unwrap_or(0), WEEK_HOURS, false)?;
    Some(Block::wait(Reason::WeekCap, format!("{} in seven days", f.per_week_max), opens_from(f, free)))
}

fn this_week(f: &Facts<'_>) -> usize {
    within(f, WEEK_HOURS, false).count()
}

fn ever_cap(f: &Facts<'_>) -> Option<Block> {
    let max = f.ever_max.filter(|max| f.calls_ever >= i64::from(*max))?;
    Some(Block::stop(
        EnrollmentStatus::Skipped,
        Reason::LifetimeCap,
        format!("Called {} times; your limit is {max}.", f.calls_ever),
    ))
}

fn ever(f: &Facts<'_>) -> String {
    f.ever_max.map_or_else(|| "no limit of your own".to_owned(), |max| format!("{} of {max} used", f.calls_ever))
}

/// Caps of the packs in force; of several that are used up, the one that lasts longest.
fn law_cap(f: &Facts<'_>) -> Option<Block> {
    let used = law(f).filter_map(|(title, cap, cite)| {
        let free = free_at(f, usize::from(cap.calls), cap.hours, cap.unanswered)?;
        let kind = if cap.unanswered { "unanswered calls" } else { "calls" };
        let text = format!("{title} allows {} {kind} in {} h", cap.calls, cap.hours);
        Some((free, text, cite))
    });
    let (free, text, cite) = used.max_by_key(|(free, ..)| *free)?;
    Some(Block { cite: Some(cite), ..Block::wait(Reason::LawCap, text, opens_from(f, free)) })
}

fn law_caps(f: &Facts<'_>) -> String {
    let used = |(title, cap, _): (&str, model::rules::Cap, _)| {
        format!("{title}: {} of {} in {} h", within(f, cap.hours, cap.unanswered).count(), cap.calls, cap.hours)
    };
    law(f).map(used).collect::<Vec<_>>().join(", ")
}

fn law<'a>(f: &'a Facts<'_>) -> impl Iterator<Item = (&'static str, model::rules::Cap, &'static str)> + 'a {
    in_force(f).filter_map(|(title, rule)| Some((title, rule.cap?, rule.cite())))
}

/// The rules of every pack that hold on this person's day, with the titles of their packs.
fn in_force<'a>(f: &'a Facts<'_>) -> impl Iterator<Item = (&'static str, &'static Rule)> + 'a {
    let zone = f.schedule.place.zones.first().copied().unwrap_or(Tz::UTC);
    let today = f.now.with_timezone(&zone).date_naive();
    let rules = f.schedule.place.packs.iter().copied().flat_map(|pack| pack.rules.iter().map(|rule| (pack.title.as_str(), rule)));
    rules.filter(move |(_, rule)| rule.is_in_force(today))
}

/// Calls of the last `hours`.
fn within<'a>(f: &'a Facts<'_>, hours: u16, unanswered: bool) -> impl Iterator<Item = DateTime<Utc>> + 'a {
    let since = f.now - TimeDelta::hours(i64::from(hours));
    f.calls.iter().filter(move |call| call.at > since && !(unanswered && call.answered)).map(|call| call.at)
}

/// When fewer than `calls` will lie within `hours`; `None` when that is so now.
fn free_at(f: &Facts<'_>, calls: usize, hours: u16, unanswered: bool) -> Option<DateTime<Utc>> {
    let mut times: Vec<_> = within(f, hours, unanswered).collect();
    times.sort_unstable();
    let last_that_counts = times.len().checked_sub(calls)?;
    // A cap of zero never frees; no pack and no form has one.
    times.get(last_that_counts).map(|at| *at + TimeDelta::hours(i64::from(hours)))
}

fn hours(f: &Facts<'_>) -> Option<Block> {
    let place = f.schedule.place;
    match opening(f.now, &f.schedule) {
        Opening::Now { .. } => None,
        Opening::At(until) => {
            let closed = closed(f.now, &f.schedule);
            let (text, cite) = closed.map_or_else(|| (String::new(), None), |c| (c.text, c.cite));
            Some(Block { cite, ..Block::wait(Reason::OutsideHours, text, until) })
        }
        Opening::Never if place.zones.is_empty() => {
            let text = "The zone is not known. State one on the contact.";
            Some(Block::stop(EnrollmentStatus::Skipped, Reason::NeverOpen, text))
        }
        Opening::Never => {
            let cities: Vec<_> = place.zones.iter().take(3).map(|z| zones::city(*z)).collect();
            let text = format!("May be in {}. State a zone.", cities.join(", "));
            Some(Block::stop(EnrollmentStatus::Skipped, Reason::NeverOpen, text))
        }
    }
}

fn open_until(f: &Facts<'_>) -> String {
    let (Opening::Now { until }, Some(zone)) = (opening(f.now, &f.schedule), f.schedule.place.zones.first()) else {
        return String::new();
    };
    format!("open until {} in {}", until.with_timezone(zone).format("%H:%M"), zones::city(*zone))
}

fn busy(f: &Facts<'_>) -> Option<Block> {
    let wait = || f.now + TimeDelta::milliseconds(BUSY_SECONDS * 1000 / i64::from(f.speed.max(1)));
    f.number_busy.then(|| Block::wait(Reason::Busy, "", wait()))
}

/// The next moment at or after `from` at which the schedule is open; `from` itself when it never is, so that the
/// decision then says so.
/// `from`, or the next moment after it at which calling hours are open.
pub fn opens_from(f: &Facts<'_>, from: DateTime<Utc>) -> DateTime<Utc> {
    if let Opening::At(at) = opening(from, &f.schedule) { at } else { from }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Place;
    use model::phone::Phone;
    use model::time::{Hours, Window};
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }
    fn place(phone: &str) -> Place {
        Place::of(None, &Phone::parse(phone).expect("E.164"))
    }
    fn unanswered(times: &[&str]) -> Vec<Past> {
        times.iter().map(|t| Past { at: at(t), answered: false }).collect()
    }

    /// Monday, ten in New York; everybody is open as long as the law lets them.
    fn facts<'a>(place: &'a Place, hours: &'a Hours, calls: &'a [Past]) -> Facts<'a> {
        let now = at("2026-11-23T15:00:00Z");
        Facts {
            now,
            due_at: now,
            suppressed: false,
            archived: false,
            consent: Asked::default(),
            enabled: true,
            attempts: 0,
            attempts_max: 6,
            calls,
            calls_ever: 0,
            per_day_max: 3,
            per_week_max: 10,
            ever_max: None,
            schedule: Schedule { company: hours, holidays: &[], campaign: None, place },
            number_busy: false,
            speed: 1,
        }
    }

    /// `reason · detail · until`
    fn told(decision: &Decision) -> String {
        match decision {
            Decision::Dial => "dial".to_owned(),
            Decision::Wait { reason, detail, until } => format!("{reason} · {detail} · {}", until.format("%a %d %H:%M")),
            Decision::Stop { status, reason, detail } => format!("{status} · {reason} · {detail}"),
        }
    }

    #[test]
    fn checks_come_in_the_order_of_the_engine_and_the_first_that_blocks_is_the_reason() {
        let (always, miami) = (Hours::always(), place("+13055550100"));
        let calls = unanswered(&["2026-11-23T13:10:00Z", "2026-11-23T14:00:00Z", "2026-11-23T14:30:00Z"]);
        let mut f = Facts {
            now: at("2026-11-24T01:05:00Z"),
            due_at: at("2026-11-24T02:00:00Z"),
            suppressed: true,
            archived: true,
            enabled: false,
            attempts: 9,
            per_week_max: 3,
            calls_ever: 5,
            ever_max: Some(5),
            number_busy: true,
            ..facts(&miami, &always, &calls)
        };
        let mut out = String::new();
        let mut next = |f: &Facts<'_>| out.push_str(&format!("{}\n", told(&decide(f))));
        next(&f);
        f.due_at = f.now;
        next(&f);
        f.suppressed = false;
        next(&f);
        f.archived = false;
        next(&f);
        f.enabled = true;
        next(&f);
        f.attempts = 0;
        next(&f);
        f.per_day_max = 4;
        next(&f);
        f.per_week_max = 10;
        next(&f);
        f.ever_max = None;
        next(&f);
        f.calls = &[];
        next(&f);
        f.now = at("2026-11-24T14:00:00Z");
        next(&f);
        f.number_busy = false;
        next(&f);
        insta::assert_snapshot!(out);
    }

    #[test]
    fn the_list_for_people_says_what_the_dialer_decides() {
        let (always, miami) = (Hours::always(), place("+13055550100"));
        let calls = unanswered(&["2026-11-23T13:10:00Z", "2026-11-23T14:00:00Z"]);
        let f = facts(&miami, &always, &calls);
        let line = |finding: Finding| {
            let mark = if finding.block.is_some() { "✗" } else { "✓" };
            format!("{mark} {}: {} {}\n", finding.title, finding.text, finding.cite.unwrap_or_default())
        };
        insta::assert_snapshot!(findings(&f).into_iter().map(line).collect::<String>());
    }

    #[test]
    fn the_cap_of_the_day_counts_the_contacts_own_day_and_waits_for_its_next_opening() {
        let (always, ny) = (Hours::always(), place("+12125550100"));
        // 04:30 UTC is still yesterday in New York.
        let calls = unanswered(&["2026-11-23T04:30:00Z", "2026-11-23T13:30:00Z", "2026-11-23T14:00:00Z"]);
        assert_eq!(decide(&facts(&ny, &always, &calls)), Decision::Dial);
        let calls = unanswered(&["2026-11-23T05:30:00Z", "2026-11-23T13:30:00Z", "2026-11-23T14:00:00Z"]);
        assert_eq!(told(&decide(&facts(&ny, &always, &calls))), "day_cap · 3 a day · Tue 24 13:00");
    }

    #[test]
    fn florida_allows_three_calls_in_any_24_hours_whatever_the_company_allows() {
        let (always, miami) = (Hours::always(), place("+13055550100"));
        let calls = unanswered(&["2026-11-22T16:10:00Z", "2026-11-22T20:00:00Z", "2026-11-23T14:00:00Z"]);
        let f = Facts { per_day_max: 10, ..facts(&miami, &always, &calls) };
        assert_eq!(told(&decide(&f)), "law_cap · Florida allows 3 calls in 24 h (Fla. Stat. 501.616(6)(b)) · Mon 23 16:10");
        assert_ne!(decide(&Facts { now: at("2026-11-23T16:09:59Z"), ..f.clone() }), Decision::Dial);
        assert_eq!(decide(&Facts { now: at("2026-11-23T16:10:00Z"), ..f.clone() }), Decision::Dial);
        let elsewhere = place("+12125550100");
        let schedule = Schedule { place: &elsewhere, ..f.schedule };
        assert_eq!(decide(&Facts { schedule, ..f }), Decision::Dial);
    }

    #[test]
    fn the_emirates_allow_one_unanswered_call_a_day_and_two_a_week() {
        let (always, dubai) = (Hours::always(), place("+971501234567"));
        let noon = at("2026-11-25T08:00:00Z");
        let calls = unanswered(&["2026-11-24T10:00:00Z"]);
        let f = Facts { now: noon, due_at: noon, ..facts(&dubai, &always, &calls) };
        let why =
            "law_cap · United Arab Emirates allows 1 unanswered calls in 24 h (Cabinet Resolution 56 of 2024) · Wed 25 10:00";
        assert_eq!(told(&decide(&f)), why);
        let answered: Vec<_> = calls.iter().map(|c| Past { answered: true, ..*c }).collect();
        assert_eq!(decide(&Facts { calls: &answered, ..f.clone() }), Decision::Dial);
        let twice = unanswered(&["2026-11-19T10:00:00Z", "2026-11-23T10:00:00Z"]);
        let why =
            "law_cap · United Arab Emirates allows 2 unanswered calls in 168 h (Cabinet Resolution 56 of 2024) · Thu 26 10:00";
        assert_eq!(told(&decide(&Facts { calls: &twice, ..f })), why);
    }

    #[test]
    fn an_unknown_zone_is_never_guessed() {
        let (always, nowhere) = (Hours::always(), Place::default());
        assert!(matches!(decide(&facts(&nowhere, &always, &[])), Decision::Stop { reason: Reason::NeverOpen, .. }));
    }

    #[test]
    fn the_next_day_begins_at_local_midnight_even_when_the_clock_changes() {
        let ny = Tz::America__New_York;
        assert_eq!(start_of_next_day(at("2026-03-08T12:00:00Z"), ny), at("2026-03-09T04:00:00Z"));
        assert_eq!(start_of_next_day(at("2026-11-01T12:00:00Z"), ny), at("2026-11-02T05:00:00Z"));
        assert_eq!(start_of_next_day(at("2026-11-23T18:29:00Z"), Tz::Asia__Kolkata), at("2026-11-23T18:30:00Z"));
    }

    proptest! {
        /// A company that is stricter in anything never dials when one that is not would wait.
        #[test]
        fn what_a_company_sets_only_shrinks_what_the_law_leaves(
            minutes in 0i64..(1440 * 60), past in proptest::collection::vec((1i64..(1440 * 9), any::<bool>()), 0..12),
            (start, len) in (0u16..1439, 1u16..1440), (day, week, ever) in (1i32..5, 1i32..12, 1i32..20), which in 0usize..4,
        ) {
            let place = place(["+13055550100", "+12125550100", "+971501234567", "+15045550100"][which]);
            let (always, own) = (Hours::always(), Hours::weekly(0, 5, Window { start_minute: start, end_minute: (start + len).min(1440) }));
            let now = at("2026-11-01T00:00:00Z") + TimeDelta::minutes(minutes);
            let calls: Vec<_> = past.iter().map(|(ago, answered)| Past { at: now - TimeDelta::minutes(*ago), answered: *answered }).collect();
            let law = Facts { now, due_at: now, per_day_max: i32::MAX, per_week_max: i32::MAX, ..facts(&place, &always, &calls) };
            let schedule = Schedule { company: &own, ..law.schedule };
            let ours = Facts { per_day_max: day, per_week_max: week, ever_max: Some(ever), calls_ever: 9, schedule, ..law.clone() };
            if decide(&ours) == Decision::Dial {
                prop_assert_eq!(decide(&law), Decision::Dial);
            }
            // A wait for the law ends when the law is satisfied: at that moment nothing of the law blocks.
            if let Decision::Wait { until, .. } = decide(&law) {
                prop_assert!(until > now);
                prop_assert_eq!(decide(&Facts { now: until, ..law }), Decision::Dial);
            }
        }
    }
}
