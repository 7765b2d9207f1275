//! Rehearsals: the play by itself, on lists made here, and the verbs on a real database.

mod network;
mod played;
mod verbs;

use super::play::{Played, Step, play};
use super::stage::{Past, Person, Stage};
use crate::rules::Place;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use model::campaigns::{CallOrder, Retries, Retry};
use model::credits::{Credits, Price};
use model::rehearsal::Assumptions;
use model::time::{Hours, Window};
use uuid::Uuid;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

/// Nobody is ever busy, no machine answers, and nobody is tried twice.
fn plain() -> Assumptions {
    Assumptions {
        connected_permille: [200; 24],
        voicemail_permille: 0,
        busy_permille: 0,
        rejected_permille: 0,
        failed_permille: 0,
        answer_seconds: 20,
        talk_seconds: 100,
        voicemail_seconds: 30,
    }
}

fn once() -> Retries {
    let never = Retry { wait_minutes: 60, times: 0 };
    Retries { busy: never, no_answer: never, voicemail: never, rejected: never, failed: never, ..Retries::default() }
}

fn person(n: usize, gate: usize) -> Person {
    Person {
        contact: Uuid::from_u128(n as u128).into(),
        name: format!("Person {n}"),
        gate,
        suppressed: false,
        consent: None,
        archived: false,
        calling: false,
        due: at("2026-11-23T15:00:00Z"),
        past: Past::default(),
    }
}

/// Somewhere in these zones, under no law but the hours of the stage.
fn gate(zones: &[Tz]) -> Place {
    Place { zones: zones.to_vec(), country: Some("US".to_owned()), packs: Vec::new() }
}

/// `people` in New York from Monday 10:00 there, around the clock, with more credits than they can use.
fn stage(people: usize) -> Stage {
    Stage {
        starts_at: at("2026-11-23T15:00:00Z"),
        ends_at: None,
        people: (0..people).map(|n| person(n, 0)).collect(),
        gates: vec![gate(&[Tz::America__New_York])],
        hours: Hours::always(),
        campaign_hours: None,
        asked: model::consents::Asked::default(),
        own: crate::companies::Own {
            limits: model::companies::Compliance::default(),
            holidays: Vec::new(),
            hipaa: false,
            consent: model::consents::ConsentPolicy::Listed,
        },
        home: "US".to_owned(),
        retries: once(),
        order: CallOrder::Fifo,
        lines: 20,
        calls_per_second: 20,
        calls_per_day_max: None,
        made_today: 0,
        zone: Tz::America__New_York,
        price: Price::BASE,
        funds: Credits::whole(10_000_000),
        talk_seconds_max: 600,
        ring_seconds_max: 25,
        one_in: 1,
        model: plain(),
    }
}

/// Nine to five on weekdays.
fn office() -> Hours {
    Hours::weekly(0, 4, Window { start_minute: 540, end_minute: 1020 })
}

fn told(stage: &Stage) -> Played {
    let everyone: Vec<u32> = (0..stage.people.len() as u32).collect();
    play(stage, 1, 0, &everyone)
}

/// Every call of a run: whom, when it began, when it ended.
fn calls(played: &Played) -> Vec<(u32, DateTime<Utc>, DateTime<Utc>)> {
    let mut calls = Vec::new();
    for (who, steps) in &played.stories {
        for (n, step) in steps.iter().enumerate().filter(|(_, step)| step.title == "Called") {
            calls.push((*who, step.at, steps[n + 1].at));
        }
    }
    calls.sort_by_key(|(_, began, _)| *began);
    calls
}

fn titles(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.title.as_str()).collect()
}

fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}
