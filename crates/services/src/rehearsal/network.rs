//! The modelled phone network: what one call comes to, and what a company's own calls teach about it. Pure; the
//! numbers are [`Assumptions`].

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use model::calls::Outcome;
use model::rehearsal::Assumptions;
use rand::RngExt;
use rand::rngs::StdRng;

/// Own calls that teach more than published norms.
pub(super) const OWN_CALLS_MIN: usize = 500;
/// Own calls in one hour of the day before that hour counts by itself.
const HOUR_CALLS_MIN: i64 = 50;
/// How widely people's talk differs: the spread of a log-normal distribution.
const TALK_SIGMA: f64 = 0.6;
/// A refusal by the network takes this long.
const FAILED_SECONDS: f64 = 1.0;
/// A busy tone is heard this long.
const BUSY_SECONDS: f64 = 2.0;
/// A person looks at the phone this long before declining.
const REJECTED_SECONDS: f64 = 6.0;
/// A machine takes over this long before a phone would stop ringing.
const MACHINE_EARLY_SECONDS: f64 = 3.0;

/// What one modelled call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drawn {
    pub outcome: Outcome,
    pub talk_seconds: i64,
    /// From dialing to the end: how long it takes a line.
    pub takes: TimeDelta,
}

/// Draws one call placed in this hour of the callee's day.
pub(super) fn draw(luck: &mut StdRng, model: &Assumptions, hour: usize, ring_max: i64, talk_max: i64) -> Drawn {
    let mut roll = luck.random_range(0..1000);
    let mut is = |permille: i32| {
        let hit = (0..permille).contains(&roll);
        roll -= permille;
        hit
    };
    let ring_max = ring_max as f64;
    if is(model.connected_permille[hour % 24]) {
        let ring = (f64::from(model.answer_seconds) * luck.random_range(0.5..1.5)).min(ring_max);
        return answered(Outcome::Completed, ring, talk(luck, model.talk_seconds), talk_max);
    }
    if is(model.machine_permille(hour)) {
        let ring = (ring_max - MACHINE_EARLY_SECONDS).max(1.0);
        return answered(Outcome::Voicemail, ring, talk(luck, model.voicemail_seconds), talk_max);
    }
    let (outcome, seconds) = if is(model.busy_permille) {
        (Outcome::Busy, BUSY_SECONDS)
    } else if is(model.rejected_permille) {
        (Outcome::Rejected, REJECTED_SECONDS)
    } else if is(model.failed_permille) {
        (Outcome::Failed, FAILED_SECONDS)
    } else {
        (Outcome::NoAnswer, ring_max)
    };
    Drawn { outcome, talk_seconds: 0, takes: millis(seconds) }
}

fn answered(outcome: Outcome, ring: f64, talk: f64, talk_max: i64) -> Drawn {
    let talk_seconds = (talk.round() as i64).clamp(1, talk_max.max(1));
    Drawn { outcome, talk_seconds, takes: millis(ring) + TimeDelta::seconds(talk_seconds) }
}

fn millis(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds * 1000.0) as i64)
}

/// Log-normal around its mean, by Box and Muller.
fn talk(luck: &mut StdRng, mean: i32) -> f64 {
    let (u, v): (f64, f64) = (luck.random_range(f64::EPSILON..1.0), luck.random_range(0.0..std::f64::consts::TAU));
    let normal = (-2.0 * u.ln()).sqrt() * v.cos();
    f64::from(mean) * (TALK_SIGMA * normal - TALK_SIGMA * TALK_SIGMA / 2.0).exp()
}

/// One of the company's own ended calls.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub at: DateTime<Utc>,
    /// Where the phone is, if that is known.
    pub zone: Option<Tz>,
    pub outcome: Outcome,
    pub talk_seconds: i64,
    /// How long it rang before somebody answered; `None` when not answered, or on a network of simulated phones.
    pub ring_seconds: Option<i64>,
}

/// What own calls teach, once there are enough of them. An hour with few calls keeps the shape of the norms at
/// the company's own level.
pub(super) fn learn(calls: &[Past]) -> Option<Assumptions> {
    if calls.len() < OWN_CALLS_MIN {
        return None;
    }
    let norms = Assumptions::default();
    let total = calls.len() as i64;
    let count = |outcome: Outcome| calls.iter().filter(|c| c.outcome == outcome).count() as i64;
    let permille = |part: i64, of: i64| i32::try_from(part * 1000 / of.max(1)).unwrap_or(0);
    let mean = |values: &mut dyn Iterator<Item = i64>, otherwise: i32| {
        let (sum, n) = values.fold((0, 0), |(sum, n), value| (sum + value, n + 1));
        if n == 0 { otherwise } else { i32::try_from(sum / n).unwrap_or(otherwise).max(1) }
    };
    let talked = |outcome: Outcome, otherwise: i32| {
        mean(&mut calls.iter().filter(|c| c.outcome == outcome && c.talk_seconds > 0).map(|c| c.talk_seconds), otherwise)
    };
    let (connected, machine) = (count(Outcome::Completed), count(Outcome::Voicemail));
    let mut hours = [(0_i64, 0_i64); 24];
    for call in calls {
        let Some(zone) = call.zone else { continue };
        let hour = &mut hours[local_hour(call.at, zone)];
        hour.0 += 1;
        hour.1 += i64::from(call.outcome == Outcome::Completed);
    }
    // What the norms would have connected at the hours the company called, to put their shape on its level.
    let expected: i64 = hours.iter().zip(norms.connected_permille).map(|((n, _), share)| n * i64::from(share)).sum();
    let by_hour = |hour: usize| match hours[hour] {
        (n, met) if n >= HOUR_CALLS_MIN => permille(met, n),
        _ if expected == 0 => permille(connected, total),
        _ => i32::try_from(i64::from(norms.connected_permille[hour]) * connected * 1000 / expected).unwrap_or(1000),
    };
    let mut learned = Assumptions {
        connected_permille: std::array::from_fn(by_hour),
        voicemail_permille: permille(machine, connected + machine).min(900),
        busy_permille: permille(count(Outcome::Busy), total),
        rejected_permille: permille(count(Outcome::Rejected), total),
        failed_permille: permille(count(Outcome::Failed) + count(Outcome::Canceled), total),
        answer_seconds: mean(&mut calls.iter().filter_map(|c| c.ring_seconds), norms.answer_seconds).min(60),
        talk_seconds: talked(Outcome::Completed, norms.talk_seconds).min(3_600),
        voicemail_seconds: talked(Outcome::Voicemail, norms.voicemail_seconds).min(600),
    };
    // An hour that was lucky must still leave room for what is not answered.
    let lost = learned.busy_permille + learned.rejected_permille + learned.failed_permille;
    let room = (1000 - lost).max(0) * (1000 - learned.voicemail_permille) / 1000;
    learned.connected_permille = learned.connected_permille.map(|share| share.clamp(0, room));
    Some(learned)
}

/// The hour of the day where the phone is.
pub(super) fn local_hour(at: DateTime<Utc>, zone: Tz) -> usize {
    at.with_timezone(&zone).hour() as usize
}
