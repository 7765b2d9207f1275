//! Two clocks: the real one, for moments, and the sped-up one, for waits.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// Now, in real time.
#[expect(clippy::disallowed_methods, reason = "gremlin is the outside world; this is its only look at the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// As Twilio writes moments: `Wed, 08 Oct 2025 13:54:12 +0000`.
pub fn rfc2822(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Turns virtual seconds into real waits.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    speed: f64,
}

impl Pace {
    pub fn new(speed: f64) -> Self {
        Self { speed }
    }
    /// The real time that so many virtual seconds take.
    pub fn real(self, seconds: f64) -> Duration {
        Duration::from_secs_f64((seconds / self.speed).max(0.0))
    }
    /// The virtual seconds since a real instant.
    pub fn elapsed(self, since: Instant) -> f64 {
        self.seconds(since.elapsed())
    }
    /// The virtual seconds of a real time.
    pub fn seconds(self, real: Duration) -> f64 {
        real.as_secs_f64() * self.speed
    }
    pub async fn sleep(self, seconds: f64) {
        tokio::time::sleep(self.real(seconds)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_shrink_by_the_speed() {
        assert_eq!(Pace::new(60.0).real(30.0), Duration::from_millis(500));
        assert_eq!(Pace::new(1.0).real(-1.0), Duration::ZERO);
    }

    #[test]
    fn moments_look_like_twilios() {
        let at = DateTime::parse_from_rfc3339("2025-10-08T13:54:12.9Z").expect("a moment").to_utc();
        assert_eq!(rfc2822(at), "Wed, 08 Oct 2025 13:54:12 +0000");
    }
}
