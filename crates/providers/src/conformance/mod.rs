//! Does a real account do what its adapter believes? A suite for an account whose keys are in the environment, careful with what it
//! leaves behind: it removes whatever it made, binds and buys nothing, and calls nobody unless it is told to. Started by
//! `cargo xtask conformance`; docs/providers/README.md says how to read it. The tests run it against gremlin for every kind, so
//! that it cannot rot. Nothing of the product uses it.

mod account;
mod call;
mod keep;
mod keys;

pub use keys::{Keys, names};

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{Client, ProviderKind, connect, voice::VoiceProvider};

/// Between two looks at what takes a while.
const POLL: Duration = Duration::from_secs(2);

/// Everything that is checked, in this order; each gets one line of the report.
pub const CHECKS: &[&str] = &[
    "credentials",
    "a wrong key",
    "voices",
    "numbers",
    "staff",
    "a call that nobody made",
    "recent calls",
    "a look-up of a lost answer",
    "agent: create",
    "agent: read",
    "agent: update",
    "agent: publish",
    "agent: remove",
    "document: put",
    "document: state",
    "document: remove",
    "speech",
    "call: place",
    "call: look up",
    "call: end",
    "call: report",
    "call: recording",
    "agent of the call: remove",
    "callbacks and their signatures",
    "calls in, and binding of numbers",
];

/// What is wanted of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub kind: ProviderKind,
    /// Ask a real account; else nothing is checked, and said to be so.
    pub live: bool,
    /// Place one real call too, and let a voice speak: both cost money.
    pub call: bool,
}

impl Wanted {
    /// `twilio --live --call`.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut kind, mut live, mut call) = (None, false, false);
        for argument in arguments {
            match argument.as_str() {
                "--live" => live = true,
                "--call" => call = true,
                name => kind = Some(name.parse::<ProviderKind>().map_err(|unknown| unknown.to_string())?),
            }
        }
        match kind {
            Some(_) if call && !live => Err("--call needs --live".to_owned()),
            Some(kind) => Ok(Self { kind, live, call }),
            None => Err("which provider?".to_owned()),
        }
    }
}

/// Time, which is not ours to take.
#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> DateTime<Utc>;
    async fn pause(&self, pause: Duration);
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    NotChecked,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// One of [`CHECKS`].
    pub check: &'static str,
    pub verdict: Verdict,
    /// What was seen, or why there is nothing to see.
    pub note: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::NotChecked => "not checked",
        };
        write!(f, "{verdict:<12} {:<33} {}", self.check, self.note)
    }
}

/// The lines so far; each is said as soon as it is known.
pub struct Report<'a> {
    say: &'a (dyn Fn(&Line) + Sync),
    lines: Vec<Line>,
    /// Something that was asked for by name could not be done.
    is_short: bool,
}

impl<'a> Report<'a> {
    fn new(say: &'a (dyn Fn(&Line) + Sync)) -> Self {
        Self { say, lines: Vec::new(), is_short: false }
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub fn count(&self, verdict: Verdict) -> usize {
        self.lines.iter().filter(|line| line.verdict == verdict).count()
    }

    /// 0 when all that was checked passed, 1 when something failed, 2 when nothing was checked, or not the call that was asked
    /// for: so that nobody takes that for a pass.
    pub fn exit_code(&self) -> u8 {
        match (self.count(Verdict::Failed), self.count(Verdict::Passed)) {
            (1.., _) => 1,
            (0, 0) => 2,
            (0, _) if self.is_short => 2,
            (0, _) => 0,
        }
    }

    fn write(&mut self, check: &'static str, verdict: Verdict, note: impl Into<String>) {
        let line = Line { check, verdict, note: note.into() };
        (self.say)(&line);
        self.lines.push(line);
    }

    fn passed(&mut self, check: &'static str, note: impl Into<String>) {
        self.write(check, Verdict::Passed, note);
    }

    fn failed(&mut self, check: &'static str, note: impl fmt::Display) {
        self.write(check, Verdict::Failed, note.to_string());
    }

    fn not_checked(&mut self, check: &'static str, note: impl Into<String>) {
        self.write(check, Verdict::NotChecked, note);
    }

    /// Passed, or failed, with what it says.
    fn judged(&mut self, check: &'static str, outcome: Result<String, String>) {
        match outcome {
            Ok(note) => self.passed(check, note),
            Err(note) => self.failed(check, note),
        }
    }

    /// Every check that begins so and has no line yet was not made.
    fn rest(&mut self, begins: &str, why: &str) {
        for check in CHECKS.iter().filter(|check| check.starts_with(begins)) {
            if self.lines.iter().all(|line| line.check != *check) {
                self.not_checked(check, why);
            }
        }
    }
}

/// What the checks share.
struct Site<'a> {
    kind: ProviderKind,
    keys: Keys,
    voice: Arc<dyn VoiceProvider>,
    client: Client,
    clock: &'a dyn Clock,
    call: bool,
}

/// Checks what is wanted, with the keys that `env` knows; says each line as it is known.
pub async fn run<'a>(
    wanted: Wanted,
    env: impl Fn(&str) -> Option<String>,
    client: Client,
    clock: &dyn Clock,
    say: &'a (dyn Fn(&Line) + Sync),
) -> Report<'a> {
    let mut report = Report::new(say);
    if !wanted.live {
        report.rest("", "needs a live account: see --live");
        return report;
    }
    let keys = match Keys::read(wanted.kind, env) {
        Ok(keys) => keys,
        Err(missing) => {
            report.rest("", &missing.join(", "));
            return report;
        }
    };
    let voice = connect(wanted.kind, keys.account.clone(), client.clone());
    let site = Site { kind: wanted.kind, keys, voice, client, clock, call: wanted.call };
    account::check(&site, &mut report).await;
    keep::agent(&site, &mut report).await;
    keep::document(&site, &mut report).await;
    account::speech(&site, &mut report).await;
    call::check(&site, &mut report).await;
    report.rest("callbacks", "they need a public address: follow the gateway's page and look at a call");
    report.rest("calls in", "would change the account: follow the gateway's page and call your number");
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Result<Wanted, String> {
        Wanted::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_wanted_is_read() {
        let kind = ProviderKind::Vapi;
        assert_eq!(wanted("vapi"), Ok(Wanted { kind, live: false, call: false }));
        assert_eq!(wanted("--live vapi --call"), Ok(Wanted { kind, live: true, call: true }));
        for bad in ["", "--live", "telegraph", "vapi --call", "vapi --lives"] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_exit_code_is_no_pass_by_mistake() {
        let code = |verdicts: &[Verdict], is_short: bool| {
            let mut report = Report::new(&|_| ());
            verdicts.iter().for_each(|verdict| report.write("credentials", *verdict, ""));
            report.is_short = is_short;
            report.exit_code()
        };
        use Verdict::{Failed, NotChecked, Passed};
        assert_eq!(code(&[Passed, NotChecked], false), 0);
        assert_eq!(code(&[Passed, Failed, NotChecked], false), 1);
        assert_eq!(code(&[Passed, Failed], true), 1);
        assert_eq!(code(&[NotChecked, NotChecked], false), 2);
        assert_eq!(code(&[Passed], true), 2);
    }
}
