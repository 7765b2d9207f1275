//! Two lists of calls, side by side. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use model::calls::Outcome;
use model::id::CallId;
use model::phone::Phone;
use providers::{Observed, ProviderStatus};
use std::collections::HashMap;
use std::fmt;

/// A call near midnight may be on the other day's list at the provider.
pub(super) const EDGE: TimeDelta = TimeDelta::minutes(10);

/// A call as we know it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Ours {
    pub id: CallId,
    pub provider_call_id: Option<String>,
    pub phone: Phone,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<Outcome>,
    pub talk_seconds: i64,
    pub provider_cost_micros: Option<i64>,
}

/// Something the lists do not agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The provider has a call that is none of ours.
    Ghost { id: String, to: Option<Phone> },
    /// We have a call that the provider does not know.
    Missing { call: CallId, id: String },
    /// We gave a call up, and it was there.
    WrittenOff { call: CallId, seen: Box<Observed> },
    /// The provider counted another length.
    Talk { call: CallId, ours: i64, seen: Box<Observed> },
    /// The provider charges something else than it said before.
    Cost { call: CallId, ours: i64, seen: Box<Observed> },
    /// The provider ended it, and we have not heard of it.
    Open { call: CallId, seen: Box<Observed> },
}

impl Finding {
    /// What the provider knows better, for the call's one door.
    pub fn correction(self) -> Option<(CallId, Observed)> {
        match self {
            Self::Ghost { .. } | Self::Missing { .. } => None,
            Self::WrittenOff { call, seen }
            | Self::Talk { call, seen, .. }
            | Self::Cost { call, seen, .. }
            | Self::Open { call, seen } => Some((call, *seen)),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ghost { id, to } => {
                let to = to.as_ref().map_or_else(|| "an unknown number".to_owned(), Phone::masked);
                write!(f, "{id} to {to} is at the provider and none of ours")
            }
            Self::Missing { call, id } => write!(f, "{call} is {id} to us, and the provider does not know it"),
            Self::WrittenOff { call, seen } => write!(f, "{call} was given up, and was {} at the provider", seen.id),
            Self::Talk { call, ours, seen } => {
                write!(f, "{call} lasted {ours} s for us and {} s for the provider", seen.talk_seconds.unwrap_or(0))
            }
            Self::Cost { call, ours, seen } => {
                write!(f, "{call} cost us {ours} and now {} millionths", seen.price_micros.unwrap_or(0))
            }
            Self::Open { call, seen } => write!(f, "{call} is over at the provider ({}) and was open here", seen.raw_status),
        }
    }
}

/// Everything the lists do not agree on, for calls that began within `span`.
pub fn compare(ours: &[Ours], theirs: &[Observed], span: (DateTime<Utc>, DateTime<Utc>)) -> Vec<Finding> {
    let by_id: HashMap<&str, &Ours> = ours.iter().filter_map(|o| Some((o.provider_call_id.as_deref()?, o))).collect();
    let seen: HashMap<&str, &Observed> = theirs.iter().map(|t| (t.id.as_str(), t)).collect();
    let mut given_up: Vec<&Ours> = ours.iter().filter(|o| o.provider_call_id.is_none() && o.outcome.is_some()).collect();
    let mut out = Vec::new();
    for (id, o) in &by_id {
        if !seen.contains_key(id) && (span.0 + EDGE..span.1 - EDGE).contains(&o.created_at) {
            out.push(Finding::Missing { call: o.id, id: (*id).to_owned() });
        }
    }
    for t in theirs {
        match by_id.get(t.id.as_str()) {
            Some(o) => out.extend(differs(o, t)),
            None => {
                let twin = given_up.iter().position(|o| is_near(o, t));
                out.push(match twin.map(|at| given_up.swap_remove(at)) {
                    Some(o) => Finding::WrittenOff { call: o.id, seen: Box::new(t.clone()) },
                    None => Finding::Ghost { id: t.id.to_string(), to: t.to.clone() },
                });
            }
        }
    }
    out.sort_by_key(ToString::to_string);
    out
}

fn differs(o: &Ours, t: &Observed) -> Option<Finding> {
    let seen = || Box::new(t.clone());
    let over = matches!(t.status, ProviderStatus::Ended(_));
    if over && o.ended_at.is_none() {
        return Some(Finding::Open { call: o.id, seen: seen() });
    }
    if over && t.talk_seconds.is_some_and(|s| s != o.talk_seconds) {
        return Some(Finding::Talk { call: o.id, ours: o.talk_seconds, seen: seen() });
    }
    let cost = o.provider_cost_micros.zip(t.price_micros).filter(|(ours, theirs)| ours != theirs);
    cost.map(|(ours, _)| Finding::Cost { call: o.id, ours, seen: seen() })
}

/// Whether a call we gave up may be this one: the same number, begun within minutes after the intent.
fn is_near(o: &Ours, t: &Observed) -> bool {
    let began = t.started_at.or(t.created_at);
    t.to.as_ref() == Some(&o.phone) && began.is_some_and(|at| (o.created_at - EDGE..o.created_at + EDGE).contains(&at))
}
