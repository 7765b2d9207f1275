//! Gateways: a company's accounts at telephone providers, and the forms that connect them.

use crate::error::{Check, Result};
use crate::id::{GatewayId, NumberId};
use crate::time::Moment;
use crate::words;
use std::collections::BTreeMap;

words! {
    /// The providers we can place calls through, each with its own wire protocol. A new one starts as a variant here and
    /// follows the compiler.
    pub enum ProviderKind {
        Twilio = "twilio", "Twilio";
        Retell = "retell", "Retell AI";
        Vapi = "vapi", "Vapi";
        ElevenLabs = "elevenlabs", "ElevenLabs";
        Maqsam = "maqsam", "Maqsam";
    }
}

impl ProviderKind {
    /// Does the provider hold conversations with agents of its own, instead of reading texts out? Then a call names an agent,
    /// callbacks come to one address for all calls, and what was said is told afterwards.
    pub const fn is_conversational(self) -> bool {
        match self {
            Self::Twilio => false,
            Self::Retell | Self::Vapi | Self::ElevenLabs | Self::Maqsam => true,
        }
    }

    /// Are its agents made here and kept there? Otherwise they are made in the provider's own portal and only named here.
    pub const fn keeps_agents(self) -> bool {
        match self {
            Self::Retell | Self::Vapi | Self::ElevenLabs => true,
            Self::Twilio | Self::Maqsam => false,
        }
    }

    /// Does it turn texts into sound, in voices to choose from?
    pub const fn speaks(self) -> bool {
        match self {
            Self::ElevenLabs => true,
            Self::Twilio | Self::Retell | Self::Vapi | Self::Maqsam => false,
        }
    }

    /// Must its calls be asked for? Then nothing that proves where it comes from is sent to us.
    pub const fn is_polled(self) -> bool {
        match self {
            Self::Twilio | Self::Retell | Self::Vapi | Self::ElevenLabs => false,
            Self::Maqsam => true,
        }
    }

    /// Does a call end by itself after the longest time it was given? Where it does not, a call may cost more than was held.
    pub const fn keeps_talk_limit(self) -> bool {
        match self {
            Self::Twilio | Self::Retell | Self::Vapi | Self::ElevenLabs => true,
            Self::Maqsam => false,
        }
    }

    /// Can it be asked to end a call that is on?
    pub const fn hangs_up(self) -> bool {
        match self {
            Self::Twilio | Self::Retell | Self::Vapi => true,
            Self::ElevenLabs | Self::Maqsam => false,
        }
    }

    /// Does it list the numbers of an account? They may be typed in all the same, unless calls name them by its ids.
    pub const fn lists_numbers(self) -> bool {
        matches!(self, Self::Twilio | Self::Retell | Self::Vapi | Self::ElevenLabs)
    }

    /// Must a call name a number by the provider's id of it?
    pub const fn dials_by_number_id(self) -> bool {
        matches!(self, Self::Vapi | Self::ElevenLabs)
    }

    /// What the account is called there; empty where the key alone says who we are.
    pub const fn account_label(self) -> &'static str {
        match self {
            Self::Twilio => "Account SID",
            Self::Retell | Self::Vapi | Self::ElevenLabs => "",
            Self::Maqsam => "Access key id",
        }
    }

    /// What the secret is called there.
    pub const fn secret_label(self) -> &'static str {
        match self {
            Self::Twilio => "Auth token",
            Self::Retell | Self::ElevenLabs => "API key",
            Self::Vapi => "Private API key",
            Self::Maqsam => "Access secret",
        }
    }

    /// Settings that only this provider has, with what they decide. docs/providers has a page for each provider.
    pub const fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Twilio | Self::Retell | Self::ElevenLabs => &[],
            Self::Vapi => &[
                ("webhook_credential", "Id of a Custom Credential by which Vapi signs its messages."),
                ("webhook_age_seconds_max", "How old a signed message may be; 300 unless set."),
            ],
            Self::Maqsam => &[
                ("agent", "Who talks: the e-mail address of an agent of the account."),
                ("check_agent", "Look before each call whether the agent can call: yes or no."),
                ("create_path", "Where calls are asked for; /v3/calls unless set."),
                ("plus", "Send numbers with their plus: yes or no."),
                ("send_caller", "Send our number along: yes or no."),
                ("match_caller", "Trust the number that a listed call shows: yes or no."),
                ("duration", "talk or total."),
                ("segment_times", "seconds or milliseconds."),
                ("summary_language", "Which language of a summary is kept."),
                ("opt_out_tag", "The tag that means “do not call me again”."),
                ("webhook_parameter", "The parameter that carries the webhook secret."),
                ("webhook_header", "A header that carries it instead."),
            ],
        }
    }
}

/// A gateway as lists and choices show it. Keys never leave the server.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GatewayRow {
    pub id: GatewayId,
    pub name: String,
    pub kind: ProviderKind,
    /// Rings simulated phones only.
    pub sandbox: bool,
    /// Its numbers.
    pub numbers: i64,
    pub concurrency_max: i32,
    pub calls_per_second: i32,
    /// No call is placed before this moment: the provider had trouble.
    pub open_until: Option<Moment>,
}

/// A gateway with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gateway {
    pub row: GatewayRow,
    /// As typed, or empty: the provider's public address, or the sandbox's.
    pub base_url: String,
    pub account: String,
    /// The last characters of the key, behind dots.
    pub secret: String,
    pub has_webhook_secret: bool,
    pub options: Vec<(String, String)>,
    /// Where the provider sends news about calls.
    pub news_url: String,
    /// Whom it asks when somebody calls.
    pub calls_in_url: String,
    /// It is still being set up at the provider.
    pub is_pending: bool,
    /// Why it could not be set up there.
    pub problem: String,
    /// Published agents, who may make a test call.
    pub callers: Vec<(crate::id::AgentId, String)>,
    /// Agents kept there, newest first.
    pub agents: Vec<KeptAgent>,
}

words! {
    /// How an agent of ours stands at a provider.
    pub enum Keeping {
        Pending = "pending", "Being published";
        Ready = "ready", "Published";
        Failed = "failed", "Not published";
    }
}

/// One of our agents, kept at a gateway's provider.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeptAgent {
    pub agent: crate::id::AgentId,
    pub agent_name: String,
    pub gateway: GatewayId,
    pub gateway_name: String,
    pub kind: ProviderKind,
    pub keeping: Keeping,
    /// Our version that is there; 0 before the first.
    pub version: i32,
    /// Our newest version.
    pub newest: i32,
    /// The provider's id and version of it.
    pub remote: String,
    /// Why it is not there.
    pub problem: String,
    /// Somebody changed it there since we published it.
    pub drifted: bool,
    pub at: Option<Moment>,
}

/// Calls at once and a second, when nothing else is said.
pub const CONCURRENCY: i32 = 10;
pub const CALLS_PER_SECOND: i32 = 1;

/// What people may set on a gateway. An empty key leaves the one that is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct GatewayForm {
    pub name: String,
    pub kind: ProviderKind,
    /// Simulated phones; the account is made up for it.
    pub sandbox: bool,
    pub base_url: String,
    pub account: String,
    pub secret: String,
    pub webhook_secret: String,
    /// Lines of `name = value`.
    pub options: String,
    pub concurrency_max: i32,
    pub calls_per_second: i32,
}

impl Default for GatewayForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: ProviderKind::Twilio,
            sandbox: true,
            base_url: String::new(),
            account: String::new(),
            secret: String::new(),
            webhook_secret: String::new(),
            options: String::new(),
            concurrency_max: CONCURRENCY,
            calls_per_second: CALLS_PER_SECOND,
        }
    }
}

impl GatewayForm {
    /// All field problems at once. `is_new`: there is no key yet that an empty field could leave.
    pub fn check(&self, is_new: bool) -> Result<()> {
        let mut check = Check::new();
        check.text(&self.name, "name", "a name", 60);
        check.need((1..=1000).contains(&self.concurrency_max), "concurrency_max", "Enter 1 to 1000.");
        check.need((1..=100).contains(&self.calls_per_second), "calls_per_second", "Enter 1 to 100.");
        if !self.sandbox {
            let label = self.kind.account_label();
            check.need(label.is_empty() || !self.account.trim().is_empty(), "account", &format!("Enter the {label}."));
            let secret = format!("Enter the {}.", self.kind.secret_label());
            check.need(!is_new || !self.secret.trim().is_empty(), "secret", &secret);
        }
        for (field, text) in [("account", &self.account), ("secret", &self.secret), ("webhook_secret", &self.webhook_secret)] {
            let fits = text.len() <= 500 && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
            check.need(fits, field, "Use at most 500 plain characters.");
        }
        let secret = self.webhook_secret.trim();
        let is_plain = secret.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let fits = self.kind != ProviderKind::Maqsam || (secret.len() >= 16 && is_plain);
        check.need(secret.is_empty() || fits, "webhook_secret", "Use at least 16 letters and digits.");
        let url = self.base_url.trim();
        check.need(url.is_empty() || is_public_https(url), "base_url", "Enter an address like https://api.example.com.");
        if let Err(problem) = self.read_options() {
            check.need(false, "options", &problem);
        }
        check.done()
    }

    /// The options by name.
    ///
    /// # Errors
    /// What is wrong with the first line that cannot be read.
    pub fn read_options(&self) -> Result<BTreeMap<String, String>, String> {
        let known = self.kind.options();
        let mut read = BTreeMap::new();
        for line in self.options.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once('=') else { return Err(format!("Write “{line}” as name = value.")) };
            let (name, value) = (name.trim(), value.trim());
            if !known.iter().any(|(known, _)| *known == name) {
                return Err(format!("{} has no setting “{name}”.", self.kind.label()));
            }
            if value.is_empty() || value.len() > 200 {
                return Err(format!("Give “{name}” a value of at most 200 characters."));
            }
            read.insert(name.to_owned(), value.to_owned());
        }
        Ok(read)
    }
}

/// An address of the public network, by its name: no key of ours is sent to a number, a port, or a name without a dot.
fn is_public_https(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|rest| is_public_name(rest.strip_suffix('/').unwrap_or(rest)))
}

/// A name of the public network, whatever it leads to: with a dot, no number, no port, and not one of those that only our own
/// configuration has.
pub(crate) fn is_public_name(host: &str) -> bool {
    let is_name = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_name)
        && last.bytes().all(|b| b.is_ascii_alphabetic())
        && !matches!(last, "local" | "internal" | "localhost")
}

/// What a look at the account showed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GatewayTest {
    /// Calls can be placed.
    pub ok: bool,
    /// One line each: the account, its balance, voices, numbers, people.
    pub lines: Vec<String>,
}

/// A number of the account, as the provider lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListedNumber {
    pub phone: String,
    pub label: String,
    /// Ours already.
    pub imported: Option<NumberId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: ProviderKind) -> GatewayForm {
        GatewayForm {
            name: "Main".into(),
            kind,
            sandbox: false,
            account: "AC1".into(),
            secret: "key".into(),
            ..GatewayForm::default()
        }
    }

    #[test]
    fn a_new_account_needs_its_keys_and_a_sandbox_none() {
        for kind in ProviderKind::ALL.iter().copied() {
            assert_eq!(form(kind).check(true), Ok(()), "{kind}");
            let bare = GatewayForm { account: String::new(), secret: String::new(), ..form(kind) };
            let problem = bare.check(true).expect_err("no key");
            assert!(problem.of_field("secret").is_some());
            assert_eq!(problem.of_field("account").is_some(), !kind.account_label().is_empty(), "{kind}");
            assert_eq!(GatewayForm { sandbox: true, ..bare }.check(true), Ok(()));
        }
        let kept = GatewayForm { secret: String::new(), ..form(ProviderKind::Retell) };
        assert_eq!(kept.check(false), Ok(()), "the key that is kept stays");
    }

    #[test]
    fn keys_are_sent_to_public_names_only() {
        for good in ["https://api.mq.maqsam.com", "https://api.maqsam.com/", "https://a-b.example"] {
            assert!(is_public_https(good), "{good}");
        }
        for bad in [
            "http://api.maqsam.com",
            "https://127.0.0.1",
            "https://10.0.0.1",
            "https://localhost",
            "https://db.internal",
            "https://a.local",
            "https://api.maqsam.com:8080",
            "https://user@api.maqsam.com",
            "https://api.maqsam.com/path",
            "https://[::1]",
            "https://2130706433",
            "https://a..b",
            "https://",
        ] {
            assert!(!is_public_https(bad), "{bad}");
        }
    }

    #[test]
    fn options_are_those_of_the_provider() {
        let read = |kind, options: &str| GatewayForm { options: options.into(), ..form(kind) }.read_options();
        let maqsam = read(ProviderKind::Maqsam, " agent = noor@example.com\n\nplus=no ").expect("read");
        assert_eq!(maqsam.get("agent").map(String::as_str), Some("noor@example.com"));
        assert_eq!(maqsam.len(), 2);
        for bad in ["agent", "agent =", "colour = red"] {
            assert!(read(ProviderKind::Maqsam, bad).is_err(), "{bad}");
        }
        assert!(read(ProviderKind::Retell, "agent = a").is_err());
    }
}
