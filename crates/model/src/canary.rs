//! Canary launch: a few people are called first, and what comes of it decides whether the others are. Pure.

use crate::credits::Credits;
use crate::error::Check;
use crate::time::Moment;
use crate::words;

/// How many people are called first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(remote = "Self", tag = "kind", content = "n", rename_all = "snake_case")]
pub enum CanarySize {
    People(i32),
    Percent(i32),
}

/// [`CanarySize`] on our own wire.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "CanarySize")]
enum Packed {
    People(i32),
    Percent(i32),
}

crate::wire::two_forms!(CanarySize, Packed);

impl CanarySize {
    /// Of so many enrolled: at least one, never more than all.
    pub fn people(self, enrolled: i64) -> i64 {
        let wanted = match self {
            Self::People(n) => i64::from(n),
            Self::Percent(n) => (enrolled * i64::from(n) + 99) / 100,
        };
        wanted.max(1).min(enrolled)
    }
}

/// What must hold for the campaign to go on. Shares are per thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Guardrails {
    /// Nothing is judged on fewer finished calls.
    pub calls_min: i32,
    /// Of finished calls, those a person answered.
    pub answered_permille_min: Option<i32>,
    /// Of calls a person answered, those in which they asked not to be called again.
    pub opted_out_permille_max: Option<i32>,
    /// Of answered calls, those a machine took.
    pub voicemail_permille_max: Option<i32>,
    /// Credits per call that a person answered.
    pub cost_per_connect_max: Option<Credits>,
}

/// A campaign's own setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Canary {
    pub size: CanarySize,
    pub guardrails: Guardrails,
    /// After it passed, every further `calls_min` finished calls are judged the same way.
    pub stays_on: bool,
}

impl Default for Canary {
    fn default() -> Self {
        Self {
            size: CanarySize::People(100),
            guardrails: Guardrails {
                calls_min: 50,
                answered_permille_min: Some(100),
                opted_out_permille_max: Some(50),
                voicemail_permille_max: None,
                cost_per_connect_max: None,
            },
            stays_on: false,
        }
    }
}

impl Canary {
    /// Adds its field problems to those of the form it is part of.
    pub fn check(&self, check: &mut Check) {
        let g = &self.guardrails;
        let size = match self.size {
            CanarySize::People(n) => (1..=100_000).contains(&n),
            CanarySize::Percent(n) => (1..=100).contains(&n),
        };
        let share = |value: Option<i32>| value.is_none_or(|n| (0..=1000).contains(&n));
        let rails = [g.answered_permille_min, g.opted_out_permille_max, g.voicemail_permille_max];
        check
            .need(size, "canary_size", "Choose 1 to 100,000 people, or 1 to 100 %.")
            .need((1..=10_000).contains(&g.calls_min), "canary_calls_min", "Judge after 1 to 10,000 calls.")
            .need(share(g.answered_permille_min), "canary_answered_min", "Choose 0 to 100 %.")
            .need(share(g.opted_out_permille_max), "canary_opted_out_max", "Choose 0 to 100 %.")
            .need(share(g.voicemail_permille_max), "canary_voicemail_max", "Choose 0 to 100 %.")
            .need(
                g.cost_per_connect_max.is_none_or(|c| c > Credits::ZERO),
                "canary_cost_max",
                "Choose a cost above zero, or leave it empty.",
            )
            .need(
                g.cost_per_connect_max.is_some() || rails.iter().any(Option::is_some),
                "canary_answered_min",
                "Set at least one guardrail.",
            );
    }
}

words! {
    /// Where a canary is.
    pub enum CanaryState {
        Running = "running", "Canary running";
        Passed = "passed", "Canary passed";
        Failed = "failed", "Canary failed";
        /// It failed, and somebody went on anyway.
        Overruled = "overruled", "Went on anyway";
    }
}

/// What is judged: counts of finished calls, of the canary or of one window after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Figures {
    pub calls: i64,
    pub connected: i64,
    pub voicemail: i64,
    pub opted_out: i64,
    pub spent: Credits,
}

/// What a judgement says, in words with figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Too few calls; so many more are needed.
    NotYet {
        missing: i64,
    },
    Pass(String),
    Fail(String),
}

/// Judges figures by guardrails. A limit that is met exactly holds.
pub fn judge(rails: &Guardrails, f: &Figures) -> Verdict {
    let missing = i64::from(rails.calls_min) - f.calls;
    if missing > 0 { Verdict::NotYet { missing } } else { judge_now(rails, f) }
}

/// The same on however few calls: when no more will come.
pub fn judge_now(rails: &Guardrails, f: &Figures) -> Verdict {
    let answered = f.connected + f.voicemail;
    let mut broken = Vec::new();
    // Compared by multiplication: nothing is rounded on the way to a decision.
    if let Some(min) = rails.answered_permille_min.filter(|min| f.connected * 1000 < i64::from(*min) * f.calls) {
        broken.push(format!(
            "{} of calls were answered by a person, at least {} are wanted",
            share(f.connected, f.calls),
            permille(min)
        ));
    }
    if let Some(max) = rails.opted_out_permille_max.filter(|max| f.opted_out * 1000 > i64::from(*max) * f.connected) {
        broken.push(format!(
            "{} of {} people reached opted out, at most {} are accepted",
            f.opted_out,
            f.connected,
            permille(max)
        ));
    }
    if let Some(max) = rails.voicemail_permille_max.filter(|max| f.voicemail * 1000 > i64::from(*max) * answered) {
        broken.push(format!(
            "{} of answered calls met a machine, at most {} are accepted",
            share(f.voicemail, answered),
            permille(max)
        ));
    }
    if let Some(max) = rails.cost_per_connect_max.filter(|max| f.spent.0 > max.0 * f.connected) {
        broken.push(match f.connected {
            0 => format!("{} credits were spent and nobody was reached, at most {max} a person are accepted", f.spent),
            n => format!("a person reached cost {} credits, at most {max} are accepted", Credits((f.spent.0 + n - 1) / n)),
        });
    }
    let after = format!("After {} calls", f.calls);
    if broken.is_empty() {
        return Verdict::Pass(format!("{after} every guardrail holds: {} answered by a person.", share(f.connected, f.calls)));
    }
    Verdict::Fail(format!("{after} {}.", broken.join("; ")))
}

fn share(part: i64, whole: i64) -> String {
    if whole == 0 { "none".to_owned() } else { permille(i32::try_from(part * 1000 / whole).unwrap_or(i32::MAX)) }
}

fn permille(n: i32) -> String {
    format!("{}.{} %", n / 10, n % 10)
}

/// A canary as its campaign's page shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CanaryView {
    pub state: CanaryState,
    pub people: i64,
    /// The last judgement.
    pub why: String,
    pub judged_at: Option<Moment>,
    /// What will be judged next, so far.
    pub figures: Figures,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rails() -> Guardrails {
        Guardrails {
            calls_min: 100,
            answered_permille_min: Some(150),
            opted_out_permille_max: Some(50),
            voicemail_permille_max: Some(500),
            cost_per_connect_max: Some(Credits::whole(5)),
        }
    }

    fn good() -> Figures {
        Figures { calls: 100, connected: 20, voicemail: 20, opted_out: 1, spent: Credits::whole(100) }
    }

    fn failed(f: Figures) -> String {
        match judge(&rails(), &f) {
            Verdict::Fail(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_judged_too_early_and_limits_met_exactly_hold() {
        assert_eq!(judge(&rails(), &Figures { calls: 99, connected: 0, ..good() }), Verdict::NotYet { missing: 1 });
        assert!(
            matches!(judge(&rails(), &good()), Verdict::Pass(_)),
            "5 % opted out, half machines, 5 credits: all at the limit"
        );
        assert!(matches!(
            judge(&rails(), &Figures { connected: 15, opted_out: 0, voicemail: 0, spent: Credits::ZERO, ..good() }),
            Verdict::Pass(_)
        ));
    }

    #[test]
    fn each_broken_guardrail_is_named_with_its_figures() {
        let lines = [
            failed(Figures { connected: 14, opted_out: 0, voicemail: 0, spent: Credits::ZERO, ..good() }),
            failed(Figures { opted_out: 2, ..good() }),
            failed(Figures { voicemail: 21, ..good() }),
            failed(Figures { spent: Credits(100_001), ..good() }),
            failed(Figures { connected: 0, voicemail: 0, opted_out: 0, ..good() }),
            failed(Figures { connected: 1, opted_out: 1, ..good() }),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn without_guardrails_nothing_fails() {
        let none = Guardrails {
            calls_min: 1,
            answered_permille_min: None,
            opted_out_permille_max: None,
            voicemail_permille_max: None,
            cost_per_connect_max: None,
        };
        assert!(matches!(judge(&none, &Figures { calls: 1, opted_out: 1, ..Figures::default() }), Verdict::Pass(_)));
    }

    #[test]
    fn a_canary_has_somebody_and_never_more_than_everybody() {
        assert_eq!(CanarySize::People(100).people(40), 40);
        assert_eq!(CanarySize::Percent(1).people(40), 1);
        assert_eq!(CanarySize::Percent(10).people(41), 5);
        assert_eq!(CanarySize::Percent(100).people(41), 41);
    }
}
