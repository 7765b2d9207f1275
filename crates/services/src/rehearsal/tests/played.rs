//! The play: luck by seed, pace by formula, limits exactly.

use super::*;
use crate::rehearsal::report::{self, Head, report};
use chrono::Timelike;
use model::enrollments::Reason;
use model::rehearsal::{Effect, Ending, Limit, RehearsalForm, Spread};
use model::time::Moment;

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let stage = Stage { retries: Retries::default(), model: Assumptions::default(), ..stage(300) };
    assert_eq!(play(&stage, 7, 3, &[5]), play(&stage, 7, 3, &[5]));
    assert_ne!(play(&stage, 7, 3, &[5]), play(&stage, 7, 4, &[5]));
    assert_ne!(play(&stage, 7, 3, &[5]), play(&stage, 8, 3, &[5]));
}

#[test]
fn threads_do_not_change_the_order_or_the_result_of_runs() {
    let stage = stage(50);
    let all = report::play_all(&stage, 9, 6);
    let alone: Vec<_> = (1..6).map(|run| play(&stage, 9, run, &[])).collect();
    assert_eq!(all[1..], alone);
}

#[test]
fn calls_per_hour_agree_with_the_closed_form() {
    // C = 20, p = 0.2, handling 20 + 100 s, ring 25 s: 1,636 calls an hour (rules.md §5.7).
    let stage = stage(12_000);
    let expected = stage.model.calls_per_hour(20, 25);
    assert_eq!(expected, 1636);
    for run in 0..5 {
        let played = play(&stage, 1, run, &[]);
        // Without the first hour, in which all lines start at once, and the last, in which they run dry.
        let steady = &played.hours[1..6];
        let mean = steady.iter().map(|hour| hour.calls).sum::<i64>() / steady.len() as i64;
        assert!((mean - expected).abs() * 100 <= expected * 3, "{mean} against {expected}");
    }
}

#[test]
fn no_call_begins_outside_the_window_of_its_zone() {
    let mut stage = Stage { hours: office(), retries: Retries::default(), model: Assumptions::default(), ..stage(600) };
    stage.gates.push(gate(&[Tz::America__Los_Angeles]));
    stage.gates.push(gate(&[Tz::America__New_York, Tz::America__Los_Angeles]));
    for (n, person) in stage.people.iter_mut().enumerate() {
        person.gate = n % 3;
    }
    let played = told(&stage);
    let calls = calls(&played);
    assert!(calls.len() > 600, "{}", calls.len());
    for (who, began, _) in &calls {
        for zone in &stage.gates[stage.people[*who as usize].gate].zones {
            let local = began.with_timezone(zone);
            assert!((9..17).contains(&local.hour()), "{who} was called at {local}");
        }
    }
    assert!(calls.iter().any(|(_, began, _)| *began == at("2026-11-24T14:00:00Z")), "the next day begins on the stroke");
}

#[test]
fn lines_tokens_and_the_cap_of_a_day_hold_exactly() {
    let stage = Stage {
        lines: 7,
        calls_per_second: 2,
        calls_per_day_max: Some(150),
        made_today: 30,
        retries: Retries::default(),
        model: Assumptions::default(),
        ..stage(400)
    };
    let played = told(&stage);
    let calls = calls(&played);
    for (_, moment, _) in &calls {
        let live = calls.iter().filter(|(_, began, ended)| began <= moment && moment < ended).count();
        assert!(live <= 7, "{live} at once at {moment}");
        let second = calls.iter().filter(|(_, began, _)| began >= moment && *began < *moment + TimeDelta::seconds(1)).count();
        assert!(second <= 4, "{second} within a second; the bucket holds two and two come in");
    }
    let mut by_day = std::collections::BTreeMap::<_, i64>::new();
    for (_, began, _) in &calls {
        *by_day.entry(began.with_timezone(&Tz::America__New_York).date_naive()).or_default() += 1;
    }
    let counts: Vec<i64> = by_day.into_values().collect();
    assert_eq!(counts[0], 120, "thirty were made before it began");
    assert_eq!(counts[1], 150);
    assert!(counts.iter().all(|n| *n <= 150), "{counts:?}");
    assert!(calls.iter().any(|(_, moment, _)| calls.iter().filter(|(_, b, e)| b <= moment && moment < e).count() == 7));
}

#[test]
fn a_campaign_without_credits_ends_by_credits_and_never_spends_more() {
    let stage = Stage { funds: Credits::whole(50), ..stage(2_000) };
    let played = play(&stage, 1, 0, &[]);
    assert_eq!(played.ending, Ending::Credits);
    // What is left does not hold one more longest call of ten credits.
    assert!(played.spent <= Credits::whole(50) && played.spent > Credits::whole(40), "{}", played.spent);
    assert!(played.held_back[Limit::Credits as usize] > 0, "near the end calls wait for what others still hold");
}

#[test]
fn the_end_date_stops_calls_and_names_whoever_was_not_reached() {
    let end = at("2026-11-23T16:00:00Z");
    let stage = Stage { ends_at: Some(end), ..stage(5_000) };
    let played = told(&stage);
    assert_eq!(played.ending, Ending::EndDate);
    assert!(calls(&played).iter().all(|(_, began, _)| *began < end));
    let left = played.skips[&(Effect::Skipped, Reason::CampaignOver, String::new())];
    assert_eq!(left + played.calls, 5_000);
}

#[test]
fn whoever_asked_not_to_be_called_is_skipped_with_the_reason() {
    let mut stage = stage(10);
    stage.people[3].suppressed = true;
    stage.gates.push(gate(&[]));
    stage.people[4].gate = 1;
    let played = told(&stage);
    assert_eq!(played.calls, 8);
    let rules: Vec<_> = played.skips.keys().map(|(effect, reason, _)| (*effect, *reason)).collect();
    assert_eq!(rules, [(Effect::Skipped, Reason::Suppressed), (Effect::Skipped, Reason::NeverOpen)]);
    assert_eq!(titles(&played.stories[3].1), [model::enrollments::EnrollmentStatus::OptedOut.label()]);
}

#[test]
fn retries_follow_the_campaigns_table() {
    let silent = Assumptions { connected_permille: [0; 24], ..plain() };
    let retries = Retries { no_answer: Retry { wait_minutes: 30, times: 2 }, ..Retries::default() };
    let played = told(&Stage { model: silent, retries, ..stage(1) });
    let calls = calls(&played);
    assert_eq!(calls.len(), 3, "the first and two more");
    assert_eq!(calls[1].1, calls[0].2 + minutes(30));
    assert_eq!((played.hours[0].calls, played.hours[0].retries), (2, 1));
    assert_eq!(played.ending, Ending::ListDone);
}

#[test]
fn the_cap_of_a_contacts_day_moves_the_rest_to_tomorrow() {
    let silent = Assumptions { connected_permille: [0; 24], ..plain() };
    let no_answer = Retry { wait_minutes: 10, times: 5 };
    let retries = Retries { no_answer, attempts_per_day_max: 2, attempts_max: 3, ..Retries::default() };
    let played = told(&Stage { model: silent, retries, hours: office(), ..stage(1) });
    let began: Vec<_> = calls(&played).into_iter().map(|(_, began, _)| began).collect();
    assert_eq!(began.len(), 3);
    assert_eq!(began[2], at("2026-11-24T14:00:00Z"), "the third waits for the next morning");
    assert_eq!(played.skips[&(Effect::Moved, Reason::DayCap, "2 a day".to_owned())], 1);
}

#[test]
fn a_sample_that_stands_for_all_comes_to_the_same() {
    let full = stage(6_000);
    let sample = Stage { one_in: 5, people: (0..1_200).map(|n| person(n, 0)).collect(), ..stage(0) };
    let near = |a: i64, b: i64| (a - b).abs() * 100 <= b * 8;
    let (full, sample) = (play(&full, 1, 0, &[]), play(&sample, 1, 0, &[]));
    assert_eq!(sample.calls * 5, full.calls);
    assert!(near(sample.spent.0, full.spent.0), "{} against {}", sample.spent, full.spent);
    let took = |played: &Played| (played.ended_at - at("2026-11-23T15:00:00Z")).num_minutes();
    assert!(near(took(&sample), took(&full)), "{} against {} minutes", took(&sample), took(&full));
}

#[test]
fn a_call_under_way_keeps_its_line_and_its_credits_from_the_start() {
    let mut stage = Stage { lines: 1, ..stage(2) };
    stage.people[1].calling = true;
    let played = told(&stage);
    assert_eq!(played.calls, 1, "the call that was under way was not placed here");
    let (_, began, _) = calls(&played)[0];
    assert_eq!(began, played.stories[1].1[0].at, "the line is free when that call ends");
}

#[test]
fn percentiles_are_by_nearest_rank() {
    assert_eq!(report::spread((1..=20).collect()), Spread { low: 2, middle: 10, high: 18 });
    assert_eq!(report::spread(vec![5]), Spread { low: 5, middle: 5, high: 5 });
}

#[test]
fn long_lists_are_played_fewer_times() {
    assert_eq!(report::runs_of(1_000, 20), 20);
    assert_eq!(report::runs_of(10_000, 100), 20);
    assert_eq!(report::runs_of(usize::MAX, 20), 5);
    assert_eq!(report::runs_of(usize::MAX, 1), 1);
}

#[test]
fn the_report_adds_up() {
    let mut stage = Stage { hours: office(), lines: 3, retries: Retries::default(), model: Assumptions::default(), ..stage(500) };
    stage.people[9].suppressed = true;
    let runs = report::play_all(&stage, 1, 10);
    let head = Head { at: stage.starts_at, by: "Maya".into(), form: RehearsalForm::default(), people: 500, took_ms: 1 };
    let report = report(&stage, &runs, head, |at| Moment { at, offset_minutes: -300 });
    assert_eq!(report.endings, [(Ending::ListDone, 10)]);
    assert!(report.cost.low <= report.cost.middle && report.cost.middle <= report.cost.high);
    assert!(report.calls.low >= 499, "everyone but one is called at least once");
    let limits: Vec<_> = report.limits.iter().map(|(limit, _)| *limit).collect();
    assert!(limits.contains(&Limit::Lines) && limits.contains(&Limit::Retries), "{limits:?}");
    assert!(report.limits.iter().map(|(_, share)| share).sum::<i64>() <= 1000);
    assert_eq!((report.skips[0].reason, report.skips[0].people), (Reason::Suppressed, 1));
    assert!(report.skips.iter().any(|skip| skip.effect == Effect::Moved && skip.reason == Reason::OutsideHours));
    assert!(report.hours.iter().all(|hour| (9..17).contains(&(hour.at.at - TimeDelta::hours(5)).hour())));
    assert!(!report.stories.is_empty() && report.stories.iter().all(|story| !story.steps.is_empty()));
}

/// Prints how long a large list takes: `cargo nextest run -p services --release --run-ignored all ten_thousand --no-capture`
#[test]
#[ignore = "a measurement, not a check"]
fn ten_thousand_contacts_take_this_long() {
    let zones =
        [Tz::America__New_York, Tz::America__Chicago, Tz::America__Denver, Tz::America__Los_Angeles, Tz::America__Phoenix];
    let mut stage =
        Stage { lines: 200, hours: office(), retries: Retries::default(), model: Assumptions::default(), ..stage(10_000) };
    stage.gates = zones.iter().map(|zone| gate(&[*zone])).collect();
    for (n, person) in stage.people.iter_mut().enumerate() {
        person.gate = n % zones.len();
    }
    let runs = report::runs_of(stage.people.len(), model::rehearsal::RUNS);
    let started = std::time::Instant::now();
    let played = report::play_all(&stage, 1, runs);
    let calls: i64 = played.iter().map(|run| run.calls).sum();
    println!("10,000 contacts, {runs} runs, {calls} calls: {} ms", started.elapsed().as_millis());
}
