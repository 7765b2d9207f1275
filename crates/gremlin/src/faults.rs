//! The menu of faults that tests and people switch on by `/control/faults`. Which one strikes is drawn from the seed.

use serde::{Deserialize, Serialize};

use crate::chance::Dice;

/// Padding of one callback.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Faults switched on at once.
pub const FAULTS_MAX: usize = 100;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A callback is sent twice.
    Duplicate,
    /// A callback waits for the one after it.
    Reorder,
    /// A callback is not sent.
    Drop,
    /// A callback waits `delay_ms` of real time.
    DelayMs,
    /// A callback carries a wrong signature.
    BadSignature,
    /// A callback carries a status nobody has heard of.
    UnknownStatus,
    /// Creating a call answers 500, and nothing is dialed.
    #[serde(rename = "error_500")]
    Error500,
    /// Creating a call answers 429 with `Retry-After`, and nothing is dialed.
    #[serde(rename = "error_429")]
    Error429,
    /// Creating a call is never answered, and the call is dialed.
    TimeoutAfterAccept,
    /// Every API request answers 503.
    Down,
    /// A call that was answered never ends by itself.
    Stuck,
    /// The price is not known at the end, and comes a while later.
    LateCost,
    /// A callback carries `bytes` of padding.
    Oversized,
    /// A callback is signed by a clock that is `delay_ms` behind.
    ClockSkew,
}

/// One fault as switched on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    #[serde(default)]
    pub id: u64,
    pub kind: FaultKind,
    #[serde(default = "certain")]
    pub probability: f64,
    /// How many more times it strikes; without an end when absent.
    #[serde(default)]
    pub count: Option<u32>,
    /// Only for numbers that begin like this.
    #[serde(default, alias = "to-prefix")]
    pub to_prefix: Option<String>,
    /// Only for this account.
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub delay_ms: u64,
    #[serde(default = "half_a_megabyte")]
    pub bytes: usize,
    #[serde(default)]
    pub struck: u64,
}

fn certain() -> f64 {
    1.0
}

fn half_a_megabyte() -> usize {
    512 * 1024
}

/// A fault that strikes.
#[derive(Debug, Clone, Copy)]
pub struct Strike {
    pub delay_ms: u64,
    pub bytes: usize,
}

/// The faults that are on.
#[derive(Debug, Default)]
pub struct Faults {
    list: Vec<Fault>,
    last_id: u64,
    draws: u64,
}

impl Faults {
    /// Switches one on; `None` when there are too many.
    pub fn add(&mut self, mut fault: Fault) -> Option<u64> {
        if self.list.len() >= FAULTS_MAX {
            return None;
        }
        self.last_id += 1;
        fault.id = self.last_id;
        fault.struck = 0;
        self.list.push(fault);
        Some(self.last_id)
    }
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.list.len();
        self.list.retain(|fault| fault.id != id);
        before != self.list.len()
    }
    pub fn clear(&mut self) {
        self.list.clear();
    }
    pub fn list(&self) -> &[Fault] {
        &self.list
    }

    /// Does a fault of this kind strike here? Uses up its count.
    pub fn strikes(&mut self, seed: u64, kind: FaultKind, account: &str, to: &str) -> Option<Strike> {
        for fault in &mut self.list {
            let meant = fault.kind == kind
                && fault.count != Some(0)
                && fault.to_prefix.as_deref().is_none_or(|prefix| to.starts_with(prefix))
                && fault.account.as_deref().is_none_or(|sid| sid == account);
            if !meant {
                continue;
            }
            self.draws += 1;
            let question = [fault.id.to_string(), self.draws.to_string()];
            if Dice::new(seed, &["fault", &question[0], &question[1]]).happens(fault.probability) {
                fault.struck += 1;
                fault.count = fault.count.map(|left| left - 1);
                return Some(Strike { delay_ms: fault.delay_ms, bytes: fault.bytes.min(BYTES_MAX) });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).expect("a fault")
    }

    #[test]
    fn a_counted_fault_strikes_so_often_and_only_where_it_is_meant() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"kind":"error_500","count":2,"to_prefix":"+1"}"#));
        let mut strike = |to| faults.strikes(1, FaultKind::Error500, "AC1", to).is_some();
        assert!(!strike("+44"));
        assert!(strike("+1") && strike("+1"));
        assert!(!strike("+1"));
    }

    #[test]
    fn a_probable_fault_strikes_its_share() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"kind":"drop","probability":0.1}"#));
        let struck = (0..5_000).filter(|_| faults.strikes(1, FaultKind::Drop, "AC1", "+1").is_some()).count();
        assert!((400..600).contains(&struck), "{struck}");
    }

    #[test]
    fn faults_are_bounded_and_can_be_switched_off() {
        let mut faults = Faults::default();
        for _ in 0..FAULTS_MAX {
            assert!(faults.add(fault(r#"{"kind":"down"}"#)).is_some());
        }
        assert!(faults.add(fault(r#"{"kind":"down"}"#)).is_none());
        assert!(faults.remove(1) && !faults.remove(1));
        faults.clear();
        assert!(faults.strikes(1, FaultKind::Down, "", "").is_none());
    }

    #[test]
    fn every_kind_has_the_name_of_the_menu() {
        let menu = [
            "duplicate",
            "reorder",
            "drop",
            "delay_ms",
            "bad_signature",
            "unknown_status",
            "error_500",
            "error_429",
            "timeout_after_accept",
            "down",
            "stuck",
            "late_cost",
            "oversized",
            "clock_skew",
        ];
        let page = include_str!("control.html");
        for name in menu {
            assert!(serde_json::from_str::<FaultKind>(&format!("\"{name}\"")).is_ok(), "{name}");
            assert!(page.contains(&format!("<option>{name}</option>")), "{name} is not on the control page");
        }
    }
}
