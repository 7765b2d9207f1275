//! A telephone line that does what it is asked, counts what rang, and waits before and after each step, so that a crash can
//! fall between a request and its effect and between the effect and its answer.

use chrono::{DateTime, TimeDelta, Utc};
use model::id::CallId;
use model::phone::Phone;
use providers::scripted::{self, Script};
use providers::{
    Answer, Callback, CallbackKind, LookUp, Observed, Originate, Outcome, ProviderCallId, ProviderError, ProviderStatus, Refusal,
    RefusalKind,
};
use services::Clock;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::yield_now;

/// Every call is answered and lasts this long, which costs two credits.
const TALK_SECONDS: i64 = 61;

/// How requests are answered.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Takes,
    /// The first request for a number rings, and its answer is lost.
    LosesFirstAnswer,
    /// The first request for a number is refused.
    RefusesFirst(RefusalKind),
    Refuses(RefusalKind),
}

struct Leg {
    id: ProviderCallId,
    to: Phone,
    from: Phone,
    placed_at: DateTime<Utc>,
}

#[derive(Default)]
struct State {
    legs: Vec<Leg>,
    rings: BTreeMap<CallId, u32>,
    asked: HashSet<Phone>,
    /// Look-ups are not answered.
    deaf: bool,
}

pub struct Line {
    clock: Clock,
    manner: Manner,
    state: Mutex<State>,
}

impl Line {
    pub fn new(clock: &Clock, manner: Manner) -> Self {
        Self { clock: clock.clone(), manner, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn deafen(&self, deaf: bool) {
        self.state().deaf = deaf;
    }

    /// Calls of ours that rang more than once.
    pub fn rung_twice(&self) -> Vec<String> {
        self.state().rings.iter().filter(|(_, n)| **n > 1).map(|(call, n)| format!("{call} rang {n} times")).collect()
    }

    /// How often each number rang, whatever the attempt.
    pub fn rings(&self) -> Vec<String> {
        let mut by_phone: BTreeMap<String, u32> = BTreeMap::new();
        for leg in &self.state().legs {
            *by_phone.entry(leg.to.to_string()).or_default() += 1;
        }
        by_phone.into_iter().map(|(phone, n)| format!("rang {phone} {n}")).collect()
    }

    /// The callback that tells the end of the newest call.
    pub fn end_of_newest(&self) -> Callback {
        let state = self.state();
        let leg = state.legs.last().expect("something rang");
        let kind = CallbackKind::Status(Box::new(observed(leg, ProviderStatus::Ended(Outcome::Completed))));
        scripted::news(leg.id.clone(), kind)
    }

    /// The callback that tells that 9 was pressed in the newest call.
    pub fn opt_out_of_newest(&self) -> Callback {
        Callback { kind: CallbackKind::Digits("9".to_owned()), ..self.end_of_newest() }
    }

    fn seen(&self, leg: &Leg) -> Observed {
        let over = leg.placed_at + TimeDelta::seconds(TALK_SECONDS + 5) <= self.clock.now();
        observed(leg, if over { ProviderStatus::Ended(Outcome::Completed) } else { ProviderStatus::InProgress })
    }
}

fn observed(leg: &Leg, status: ProviderStatus) -> Observed {
    let over = matches!(status, ProviderStatus::Ended(_));
    Observed {
        created_at: Some(leg.placed_at),
        started_at: Some(leg.placed_at),
        answered_at: Some(leg.placed_at),
        ended_at: over.then(|| leg.placed_at + TimeDelta::seconds(TALK_SECONDS)),
        talk_seconds: over.then_some(TALK_SECONDS),
        from: Some(leg.from.clone()),
        to: Some(leg.to.clone()),
        ..Observed::new(leg.id.clone(), status, format!("{status:?}"))
    }
}

fn refusal(kind: RefusalKind) -> Answer {
    Answer::Refused(Refusal { kind, code: "20001".to_owned(), message: "Not now".to_owned(), retry_after: None })
}

impl State {
    fn ring(&mut self, call: &Originate, now: DateTime<Utc>) -> ProviderCallId {
        *self.rings.entry(call.call).or_default() += 1;
        let id = ProviderCallId::new(format!("CA{:032x}", self.legs.len() + 1));
        self.legs.push(Leg { id: id.clone(), to: call.to.clone(), from: call.from.clone(), placed_at: now });
        id
    }
}

#[async_trait::async_trait]
impl Script for Line {
    async fn originate(&self, call: &Originate) -> Answer {
        yield_now().await;
        let answer = {
            let mut state = self.state();
            let first = state.asked.insert(call.to.clone());
            match self.manner {
                Manner::Refuses(kind) => refusal(kind),
                Manner::RefusesFirst(kind) if first => refusal(kind),
                Manner::LosesFirstAnswer if first => {
                    state.ring(call, self.clock.now());
                    Answer::Unknown { why: "the answer was lost".to_owned() }
                }
                _ => Answer::Placed(state.ring(call, self.clock.now())),
            }
        };
        yield_now().await;
        answer
    }

    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        yield_now().await;
        let state = self.state();
        if state.deaf {
            return Err(ProviderError::Unreachable("no route".to_owned()));
        }
        Ok(state.legs.iter().find(|leg| leg.id == *id).map(|leg| self.seen(leg)))
    }

    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        yield_now().await;
        let state = self.state();
        if state.deaf {
            return Err(ProviderError::Unreachable("no route".to_owned()));
        }
        let matches = |leg: &&Leg| leg.to == look.to && (look.since..=look.until).contains(&leg.placed_at);
        Ok(state.legs.iter().filter(matches).map(|leg| self.seen(leg)).collect())
    }
}
