//! How often one program may ask: so many requests in an hour, counted from its first.

use crate::limits;
use model::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Programs remembered before those whose hour is over are forgotten.
const KEPT_MAX: usize = 50_000;
const HOUR_SECONDS: i64 = 3_600;

/// Counts per program, in this process.
#[derive(Default)]
pub struct Rates {
    hours: Mutex<HashMap<String, Hour>>,
}

/// One program's hour.
struct Hour {
    since: Timestamp,
    used: u32,
}

/// What a request found.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    pub is_allowed: bool,
    pub remaining: u32,
    /// Until the next hour begins.
    pub reset_seconds: u32,
}

impl Rates {
    /// Counts one request of `who`.
    pub fn take(&self, who: &str, now: Timestamp) -> Taken {
        let mut hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |hour: &Hour| (now - hour.since).num_seconds() >= HOUR_SECONDS;
        if hours.len() >= KEPT_MAX && !hours.contains_key(who) {
            hours.retain(|_, hour| !is_over(hour));
        }
        let hour = hours.entry(who.to_owned()).or_insert(Hour { since: now, used: 0 });
        if is_over(hour) {
            *hour = Hour { since: now, used: 0 };
        }
        Taken::of(&mut hour.used, HOUR_SECONDS - (now - hour.since).num_seconds())
    }
}

impl Taken {
    /// Counts on, and no further than the limit.
    fn of(used: &mut u32, reset_seconds: i64) -> Self {
        let is_allowed = *used < limits::API_PER_HOUR;
        *used += u32::from(is_allowed);
        let reset_seconds = u32::try_from(reset_seconds).unwrap_or(0).max(1);
        Self { is_allowed, remaining: limits::API_PER_HOUR - *used, reset_seconds }
    }
}
