//! How often somebody may ask: so many requests in a span, counted from the first of them.
//!
//! Each process counts; where `REDIS_URL` names a Redis or Valkey, that counts for all of them, and what it says holds. While it
//! is away every process goes on with its own count.

use crate::limits::{self, Limit};
use chrono::TimeDelta;
use model::Error;
use model::time::Timestamp;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::ExposeSecret;
use services::Config;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Askers remembered in this process.
const KEPT_MAX: usize = 50_000;

/// Counts per limit and asker.
#[derive(Clone)]
pub struct Rates(Arc<Inner>);

struct Inner {
    here: Mutex<HashMap<(&'static str, String), Span>>,
    shared: Option<Shared>,
}

/// One asker's span.
#[derive(Clone, Copy)]
struct Span {
    ends: Timestamp,
    used: u32,
}

/// What a request found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub is_allowed: bool,
    pub remaining: u32,
    /// Until the next span begins.
    pub reset_seconds: u32,
}

impl Rates {
    /// Counts in this process, and in the Redis that the configuration names. It is connected to when the first request comes.
    pub fn new(config: &Config, redis_rest: Duration) -> Self {
        let shared = config.redis_url.as_ref().map(|url| Shared::new(url.expose_secret(), redis_rest));
        Self(Arc::new(Inner { here: Mutex::default(), shared }))
    }

    /// Counts one request of `who`.
    pub async fn take(&self, limit: &Limit, who: &str, now: Timestamp) -> Taken {
        // Counted here in any case: where Redis goes away, this is what is left.
        let here = self.take_here(limit, who, now);
        match &self.0.shared {
            Some(shared) => shared.take(limit, who).await.unwrap_or(here),
            None => here,
        }
    }

    /// The same, as an answer.
    ///
    /// # Errors
    /// `RateLimited` when `who` has used the span up.
    pub async fn admit(&self, limit: &Limit, who: &str, now: Timestamp) -> Result<(), Error> {
        let taken = self.take(limit, who, now).await;
        if taken.is_allowed { Ok(()) } else { Err(Error::RateLimited { retry_seconds: taken.reset_seconds }) }
    }

    /// Why limits are not shared although they should be.
    pub fn trouble(&self) -> Option<&'static str> {
        let shared = self.0.shared.as_ref()?;
        shared.is_away().then_some("Redis does not answer: each process counts requests for itself")
    }

    fn take_here(&self, limit: &Limit, who: &str, now: Timestamp) -> Taken {
        let mut here = self.0.here.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (limit.name, who.to_owned());
        if here.len() >= KEPT_MAX && !here.contains_key(&key) {
            here.retain(|_, span| span.ends > now);
            // So many at once are an attack from everywhere: whoever forgets them forgets the others too, and keeps its memory.
            if here.len() >= KEPT_MAX {
                tracing::warn!("too many askers to remember");
                here.clear();
            }
        }
        let fresh = Span { ends: now + TimeDelta::seconds(limit.seconds.into()), used: 0 };
        let span = here.entry(key).or_insert(fresh);
        if span.ends <= now {
            *span = fresh;
        }
        span.used = span.used.saturating_add(1);
        Taken::new(limit, span.used, (span.ends - now).num_seconds())
    }
}

impl Taken {
    /// Of the `nth` request in a span that ends in so many seconds.
    fn new(limit: &Limit, nth: u32, seconds: i64) -> Self {
        let reset_seconds = u32::try_from(seconds).unwrap_or(limit.seconds).max(1);
        Self { is_allowed: nth <= limit.max, remaining: limit.max.saturating_sub(nth), reset_seconds }
    }
}

/// The count of all processes.
struct Shared {
    /// None when the address cannot be read.
    redis: Option<ConnectionManager>,
    rest: Duration,
    /// Until when it is not asked again, because it did not answer.
    away_until: Mutex<Option<Instant>>,
}

impl Shared {
    fn new(url: &str, rest: Duration) -> Self {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(limits::REDIS))
            .set_response_timeout(Some(limits::REDIS))
            .set_number_of_retries(0);
        let redis = redis::Client::open(url).and_then(|client| ConnectionManager::new_lazy_with_config(client, config));
        // The error could repeat the address, and a password is in it.
        let redis = redis.inspect_err(|_| tracing::error!("REDIS_URL cannot be used")).ok();
        Self { redis, rest, away_until: Mutex::new(None) }
    }

    /// Nothing when Redis does not answer, or did not a moment ago.
    async fn take(&self, limit: &Limit, who: &str) -> Option<Taken> {
        if self.away_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let mut redis = self.redis.clone()?;
        let key = format!("belfry:{}:{who}", limit.name);
        let mut ask = redis::pipe();
        ask.atomic().cmd("SET").arg(&key).arg(0).arg("EX").arg(limit.seconds).arg("NX").ignore();
        ask.cmd("INCR").arg(&key).cmd("TTL").arg(&key);
        let answer = tokio::time::timeout(limits::REDIS, ask.query_async::<(u32, i64)>(&mut redis)).await;
        match answer {
            Ok(Ok((nth, seconds))) => {
                if self.set_away(None).is_some() {
                    tracing::info!("Redis answers again: limits are shared");
                }
                Some(Taken::new(limit, nth, seconds))
            }
            Ok(Err(error)) => self.gone(&error.to_string()),
            Err(_) => self.gone("it did not answer in time"),
        }
    }

    fn gone(&self, why: &str) -> Option<Taken> {
        if self.set_away(Some(Instant::now() + self.rest)).is_none() {
            tracing::warn!(why, "Redis does not answer: each process counts requests for itself");
        }
        None
    }

    fn is_away(&self) -> bool {
        self.redis.is_none() || self.away_until().is_some()
    }

    fn away_until(&self) -> Option<Instant> {
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_away(&self, until: Option<Instant>) -> Option<Instant> {
        std::mem::replace(&mut *self.away_until.lock().unwrap_or_else(PoisonError::into_inner), until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Limit = Limit { name: "few", max: 2, seconds: 60 };
    const MORE: Limit = Limit { name: "more", max: 3, seconds: 10 };

    fn here() -> Rates {
        Rates(Arc::new(Inner { here: Mutex::default(), shared: None }))
    }

    #[test]
    fn a_span_begins_with_its_first_request_and_each_asker_and_limit_has_its_own() {
        let (rates, noon) = (here(), Timestamp::UNIX_EPOCH);
        let at = |seconds| noon + TimeDelta::seconds(seconds);
        let taken = |limit, who, seconds| {
            let Taken { is_allowed, remaining, reset_seconds } = rates.take_here(limit, who, at(seconds));
            (is_allowed, remaining, reset_seconds)
        };
        assert_eq!(taken(&FEW, "a", 0), (true, 1, 60));
        assert_eq!(taken(&FEW, "a", 20), (true, 0, 40));
        assert_eq!(taken(&FEW, "a", 59), (false, 0, 1));
        assert_eq!(taken(&FEW, "b", 59), (true, 1, 60));
        assert_eq!(taken(&MORE, "a", 59), (true, 2, 10));
        assert_eq!(taken(&FEW, "a", 60), (true, 1, 60));
    }

    #[test]
    fn an_attack_from_everywhere_takes_no_more_memory_than_there_is_for_it() {
        let (rates, now) = (here(), Timestamp::UNIX_EPOCH);
        for n in 0..KEPT_MAX {
            rates.take_here(&FEW, &n.to_string(), now);
        }
        assert!(rates.take_here(&FEW, "0", now).is_allowed);
        assert!(!rates.take_here(&FEW, "0", now).is_allowed, "they are remembered");
        rates.take_here(&MORE, "late", now + TimeDelta::seconds(60));
        assert_eq!(rates.0.here.lock().expect("a lock").len(), 1, "those whose span is over are forgotten");
        for n in 0..=KEPT_MAX {
            rates.take_here(&MORE, &n.to_string(), now + TimeDelta::seconds(61));
        }
        assert!(rates.0.here.lock().expect("a lock").len() <= KEPT_MAX);
    }
}
