//! The modelled phones: shares as stated, and what own calls teach.

use super::*;
use crate::rehearsal::network::{OWN_CALLS_MIN, Past, draw, learn};
use model::calls::Outcome;
use rand::SeedableRng;
use rand::rngs::StdRng;

fn past(outcome: Outcome, hour: i64, talk_seconds: i64) -> Past {
    let at = at("2026-11-23T05:00:00Z") + TimeDelta::hours(hour);
    Past { at, zone: Some(Tz::America__New_York), outcome, talk_seconds, ring_seconds: None }
}

#[test]
fn drawn_calls_have_the_shares_and_lengths_of_the_model() {
    let (mut luck, model) = (StdRng::seed_from_u64(1), Assumptions::default());
    let drawn: Vec<_> = (0..50_000).map(|_| draw(&mut luck, &model, 10, 30, 3_600)).collect();
    let permille = |outcome| drawn.iter().filter(|d| d.outcome == outcome).count() * 1000 / drawn.len();
    for (outcome, expected) in [
        (Outcome::Completed, 200),
        (Outcome::Voicemail, 85),
        (Outcome::Busy, 40),
        (Outcome::Rejected, 50),
        (Outcome::Failed, 20),
        (Outcome::NoAnswer, 605),
    ] {
        assert!(permille(outcome).abs_diff(expected) <= 8, "{outcome}: {}", permille(outcome));
    }
    let talks: Vec<i64> = drawn.iter().filter(|d| d.outcome == Outcome::Completed).map(|d| d.talk_seconds).collect();
    let mean = talks.iter().sum::<i64>() / talks.len() as i64;
    assert!((97..=103).contains(&mean), "{mean}");
    assert!(drawn.iter().all(|d| d.takes > TimeDelta::zero()));
    let short = draw(&mut luck, &Assumptions { connected_permille: [1000; 24], ..model }, 10, 30, 5);
    assert!(short.talk_seconds <= 5, "nobody talks longer than the longest call");
}

#[test]
fn few_own_calls_teach_nothing_and_many_teach_by_hour() {
    let few = vec![past(Outcome::Completed, 10, 60); OWN_CALLS_MIN - 1];
    assert_eq!(learn(&few), None);
    let mut calls = vec![past(Outcome::NoAnswer, 10, 0); 300];
    calls.extend(vec![past(Outcome::Completed, 10, 80); 100]);
    calls.extend(vec![past(Outcome::Completed, 15, 40); 60]);
    calls.extend(vec![past(Outcome::NoAnswer, 15, 0); 20]);
    calls.extend(vec![past(Outcome::Voicemail, 10, 20); 40]);
    let learned = learn(&calls).expect("enough");
    assert_eq!(learned.connected_permille[10], 227, "100 of 440");
    assert_eq!(learned.connected_permille[15], 750, "60 of 80");
    assert_eq!(learned.voicemail_permille, 200, "40 of 200 answered");
    assert_eq!((learned.talk_seconds, learned.voicemail_seconds), (65, 20));
    assert_eq!(learned.answer_seconds, Assumptions::default().answer_seconds, "nobody said how long it rang");
    assert_eq!(learned.check(), Ok(()));
}

#[test]
fn whatever_is_learned_can_be_played() {
    let everyone_answers = vec![past(Outcome::Completed, 10, 60); 600];
    assert_eq!(learn(&everyone_answers).expect("enough").check(), Ok(()));
    let machines = vec![past(Outcome::Voicemail, 10, 60); 600];
    assert_eq!(learn(&machines).expect("enough").check(), Ok(()));
    let mut mixed = vec![past(Outcome::Voicemail, 10, 60); 300];
    mixed.extend(vec![past(Outcome::Completed, 11, 60); 300]);
    assert_eq!(learn(&mixed).expect("enough").check(), Ok(()));
}
