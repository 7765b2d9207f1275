//! A carrier that misbehaves on purpose, deterministically by seed. It keeps its own count of what rang.

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::America::New_York;
use model::id::CallId;
use providers::scripted::{self, Script};
use providers::{
    Answer, Callback, CallbackKind, LookUp, Observed, Originate, Outcome, ProviderCallId, ProviderError, ProviderStatus, Refusal,
    RefusalKind,
};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What the carrier knows of one call it accepted.
struct Leg {
    ours: CallId,
    originate: Originate,
    placed_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    ended_at: DateTime<Utc>,
    outcome: Outcome,
    talk_seconds: i64,
    /// Moments and states it has not told yet.
    untold: Vec<(DateTime<Utc>, ProviderStatus)>,
    /// Every callback of this call is lost.
    mute: bool,
    digit: bool,
}

struct State {
    rng: StdRng,
    now: DateTime<Utc>,
    legs: Vec<(ProviderCallId, Leg)>,
    rings: HashMap<CallId, u32>,
    /// Calls that rang a number which was still on an earlier one.
    overlaps: Vec<CallId>,
    /// Moments at which a phone in New York rang and may not.
    unlawful: Vec<DateTime<Utc>>,
    /// The company's holiday, a local day.
    day_off: Option<NaiveDate>,
    /// Everything it was asked and told, in order.
    log: Vec<String>,
    faulty: bool,
}

pub struct Carrier(Mutex<State>);

impl Carrier {
    pub fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed ^ 0x00ca_221e_2000);
        Self(Mutex::new(State {
            rng,
            now: DateTime::UNIX_EPOCH,
            legs: Vec::new(),
            rings: HashMap::new(),
            overlaps: Vec::new(),
            unlawful: Vec::new(),
            day_off: None,
            log: Vec::new(),
            faulty: true,
        }))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn at(&self, now: DateTime<Utc>) {
        self.state().now = now;
    }

    /// From now on requests are answered and callbacks arrive.
    pub fn behave(&self) {
        self.state().faulty = false;
    }

    /// From now on no phone may ring on this day.
    pub fn day_off(&self, day: NaiveDate) {
        self.state().day_off = Some(day);
    }

    /// Calls of ours that rang more than once.
    pub fn rung_twice(&self) -> Vec<CallId> {
        self.state().rings.iter().filter(|(_, n)| **n > 1).map(|(id, _)| *id).collect()
    }

    /// Calls of ours that rang.
    pub fn rang(&self, call: CallId) -> bool {
        self.state().rings.contains_key(&call)
    }

    /// Calls that rang a number while an earlier call to it was under way.
    pub fn overlaps(&self) -> Vec<CallId> {
        self.state().overlaps.clone()
    }

    /// Moments at which a phone rang outside the hours of the law, or on the company's holiday. Every number here is in New York.
    pub fn unlawful(&self) -> Vec<DateTime<Utc>> {
        self.state().unlawful.clone()
    }

    /// Everything it was asked and told, in order.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// When something happens next.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.state().legs.iter().filter(|(_, l)| !l.mute).flat_map(|(_, l)| &l.untold).map(|(at, _)| *at).min()
    }

    /// What has happened and was not told: shuffled, some of it twice, some of it lost, some kept for later.
    pub fn callbacks(&self, rng: &mut StdRng, all: bool) -> Vec<(CallId, Callback)> {
        let mut state = self.state();
        let (now, mut out) = (state.now, Vec::new());
        for (id, leg) in &mut state.legs {
            if leg.digit && leg.answered_at.is_some_and(|at| at <= now) {
                leg.digit = false;
                let kind = CallbackKind::Digits("9".to_owned());
                out.push((leg.ours, scripted::news(id.clone(), kind)));
            }
            let (told, later): (Vec<_>, Vec<_>) =
                std::mem::take(&mut leg.untold).into_iter().partition(|(at, _)| *at <= now && (all || rng.random_bool(0.7)));
            leg.untold = later;
            for (_, status) in told.into_iter().filter(|_| !leg.mute) {
                let callback = callback(id, leg, status);
                let copies = if all { 1 } else { [1, 1, 1, 2, 0][rng.random_range(0..5)] };
                out.extend(std::iter::repeat_n((leg.ours, callback), copies));
            }
        }
        out.shuffle(rng);
        let told = out.iter().map(|(call, callback)| format!("{now} tells {call} {:?}", callback.kind));
        state.log.extend(told.collect::<Vec<_>>());
        out
    }
}

fn callback(id: &ProviderCallId, leg: &Leg, status: ProviderStatus) -> Callback {
    let kind = CallbackKind::Status(Box::new(observed(id, leg, status)));
    scripted::news(id.clone(), kind)
}

fn observed(id: &ProviderCallId, leg: &Leg, status: ProviderStatus) -> Observed {
    let over = matches!(status, ProviderStatus::Ended(_));
    Observed {
        created_at: Some(leg.placed_at),
        started_at: Some(leg.placed_at),
        answered_at: leg.answered_at.filter(|_| over),
        ended_at: over.then_some(leg.ended_at),
        talk_seconds: over.then_some(leg.talk_seconds),
        from: Some(leg.originate.from.clone()),
        to: Some(leg.originate.to.clone()),
        ..Observed::new(id.clone(), status, format!("{status:?}"))
    }
}

impl State {
    fn ring(&mut self, call: &Originate) -> ProviderCallId {
        *self.rings.entry(call.call).or_default() += 1;
        // A second of grace: the commit of the intent is the moment of dialing, and the request follows within a second.
        let lawful = |at: DateTime<Utc>| {
            let local = at.with_timezone(&New_York);
            (8..21).contains(&local.hour()) && self.day_off != Some(local.date_naive())
        };
        if !lawful(self.now) && !lawful(self.now - TimeDelta::seconds(1)) {
            self.unlawful.push(self.now);
        }
        if self.legs.iter().any(|(_, leg)| leg.originate.to == call.to && leg.ended_at > self.now) {
            self.overlaps.push(call.call);
        }
        let id = ProviderCallId::new(format!("CA{:032x}", self.rng.random::<u128>()));
        let rung = self.now + TimeDelta::seconds(self.rng.random_range(1..5));
        let picked = rung + TimeDelta::seconds(self.rng.random_range(3..20));
        let outcomes =
            [Outcome::Completed, Outcome::Completed, Outcome::Voicemail, Outcome::NoAnswer, Outcome::Busy, Outcome::Failed];
        let outcome = outcomes[self.rng.random_range(0..outcomes.len())];
        let answered = matches!(outcome, Outcome::Completed | Outcome::Voicemail);
        // Now and then a provider bills longer than it was told it may.
        let longest = i64::from(call.talk_seconds_max) + if self.rng.random_bool(0.05) { 70 } else { 0 };
        let talk_seconds = if answered { self.rng.random_range(1..=longest) } else { 0 };
        let ended_at = picked + TimeDelta::seconds(talk_seconds);
        let mut untold = vec![(rung, ProviderStatus::Ringing)];
        if answered {
            untold.push((picked, ProviderStatus::InProgress));
        }
        untold.push((ended_at, ProviderStatus::Ended(outcome)));
        let leg = Leg {
            ours: call.call,
            originate: call.clone(),
            placed_at: self.now,
            answered_at: answered.then_some(picked),
            ended_at,
            outcome,
            talk_seconds,
            untold,
            mute: self.faulty && self.rng.random_bool(0.2),
            digit: answered && self.rng.random_bool(0.05),
        };
        self.legs.push((id.clone(), leg));
        id
    }

    fn seen(&self, id: &ProviderCallId, leg: &Leg) -> Observed {
        let status = match () {
            () if leg.ended_at <= self.now => ProviderStatus::Ended(leg.outcome),
            () if leg.answered_at.is_some_and(|at| at <= self.now) => ProviderStatus::InProgress,
            () => ProviderStatus::Ringing,
        };
        observed(id, leg, status)
    }
}

#[async_trait::async_trait]
impl Script for Carrier {
    async fn originate(&self, call: &Originate) -> Answer {
        let mut state = self.state();
        let fate = if state.faulty { state.rng.random_range(0..100) } else { 100 };
        let line = format!("{} asked for {} to {}, fate {fate}", state.now, call.call, call.to);
        state.log.push(line);
        match fate {
            0..6 => Answer::Unknown { why: "lost before it arrived".to_owned() },
            6..14 => {
                state.ring(call);
                Answer::Unknown { why: "accepted, and the answer was lost".to_owned() }
            }
            14..20 => Answer::Refused(Refusal {
                kind: RefusalKind::Transient,
                code: "20429".to_owned(),
                message: "Too many requests".to_owned(),
                retry_after: None,
            }),
            22..24 => Answer::Refused(Refusal {
                kind: RefusalKind::Transient,
                code: "503".to_owned(),
                message: "Service unavailable".to_owned(),
                retry_after: Some(Duration::from_secs(7)),
            }),
            20..22 => Answer::Refused(Refusal {
                kind: RefusalKind::Permanent,
                code: "21211".to_owned(),
                message: "Invalid number".to_owned(),
                retry_after: None,
            }),
            _ => Answer::Placed(state.ring(call)),
        }
    }

    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        let mut state = self.state();
        if state.faulty && state.rng.random_bool(0.2) {
            return Err(ProviderError::Unreachable("no route".to_owned()));
        }
        Ok(state.legs.iter().find(|(known, _)| known == id).map(|(id, leg)| state.seen(id, leg)))
    }

    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        let mut state = self.state();
        if state.faulty && state.rng.random_bool(0.2) {
            return Err(ProviderError::Unreachable("no route".to_owned()));
        }
        let matches = |leg: &Leg| leg.originate.to == look.to && (look.since..=look.until).contains(&leg.placed_at);
        Ok(state.legs.iter().filter(|(_, leg)| matches(leg)).map(|(id, leg)| state.seen(id, leg)).collect())
    }
}
