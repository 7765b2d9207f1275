//! Calls per second: a token bucket that holds one second's worth. Each gateway has one, and a company that set a rate.

use chrono::{DateTime, TimeDelta, Utc};

/// A bucket as it was when it was written down last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    pub per_second: i32,
    /// Thousandths of a call.
    pub tokens_milli: i64,
    pub at: DateTime<Utc>,
}

impl Bucket {
    /// Whole calls it allows now.
    pub fn tokens(&self, now: DateTime<Utc>) -> i64 {
        self.refilled(now) / 1000
    }

    fn refilled(&self, now: DateTime<Utc>) -> i64 {
        let rate = i64::from(self.per_second);
        let elapsed = (now - self.at).num_milliseconds().clamp(0, 1000);
        (self.tokens_milli + elapsed * rate).min(1000 * rate)
    }

    /// When the next token arrives.
    pub fn next_token(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let missing = (1000 - self.refilled(now)).max(0);
        now + TimeDelta::milliseconds(missing / i64::from(self.per_second) + 1)
    }

    /// What is left after `used` calls. A clock that steps back fills nothing twice.
    pub fn after(&self, used: i64, now: DateTime<Utc>) -> Self {
        Self { tokens_milli: self.refilled(now) - used * 1000, at: now.max(self.at), ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_fills_at_the_rate_and_holds_one_second() {
        let start = DateTime::UNIX_EPOCH;
        let empty = Bucket { per_second: 4, tokens_milli: 0, at: start };
        assert_eq!(empty.tokens(start), 0);
        assert_eq!(empty.tokens(start + TimeDelta::milliseconds(500)), 2);
        assert_eq!(empty.tokens(start + TimeDelta::hours(1)), 4);
        assert_eq!(empty.tokens(start - TimeDelta::hours(1)), 0, "a clock that steps back gives nothing");
        assert!(empty.tokens(empty.next_token(start)) >= 1);
        let late = start + TimeDelta::seconds(2);
        assert_eq!(empty.after(3, late).tokens(late), 1);
        assert_eq!(empty.after(0, late).after(0, start).at, late, "nor does it take back what was filled");
    }
}
