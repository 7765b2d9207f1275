//! What people agreed to: records with where they come from, and who asks for one before a call.

use crate::error::{Check, Result};
use crate::id::ConsentId;
use crate::rules::Consent;
use crate::time::Moment;
use crate::words;
use chrono::NaiveDate;

words! {
    /// What a call is about. Consent to one says nothing about the other.
    pub enum Purpose {
        Marketing = "marketing", "Marketing";
        Service = "service", "Service";
    }
}

words! {
    /// Where a consent was given.
    pub enum ConsentSource {
        WebForm = "web_form", "Web form";
        Paper = "paper", "On paper";
        Call = "call", "In a call";
        Message = "message", "By message";
        Import = "import", "From another system";
        Other = "other", "Elsewhere";
    }
}

words! {
    /// Before which calls a company wants a consent on record.
    pub enum ConsentPolicy {
        /// Whoever uploads a list answers for it.
        Listed = "listed", "None: you answer for your lists";
        Law = "law", "Where a rule pack asks for consent";
        Always = "always", "Before every call";
    }
}

words! {
    /// Whether a person agrees, or no longer does.
    pub enum Standing {
        Express = "express", "Given, in words or by a click";
        Written = "written", "Given, in writing";
        Withdrawn = "withdrawn", "Taken back";
    }
}

impl Standing {
    /// How it was given; `None`: it was taken back.
    pub const fn given(self) -> Option<Consent> {
        match self {
            Self::Express => Some(Consent::Express),
            Self::Written => Some(Consent::Written),
            Self::Withdrawn => None,
        }
    }
}

/// The most numbers one form may record a consent for.
pub const NUMBERS_MAX: usize = 1_000;

/// What people enter about a consent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentForm {
    /// One number, or one in each line.
    pub phones: String,
    pub purpose: Purpose,
    pub standing: Standing,
    pub source: ConsentSource,
    /// Which words they saw or heard, like `form v3`.
    pub wording: String,
    /// Where the proof is: a link, a file, a number of a form.
    pub evidence: String,
    /// The address it came from, where one is known.
    pub ip: String,
    /// `2026-11-03`; empty: now.
    pub on: String,
}

impl ConsentForm {
    /// All field problems at once. Numbers are read by the server.
    pub fn check(&self) -> Result<()> {
        let lines = self.phones.lines().filter(|line| !line.trim().is_empty()).count();
        let is_given = self.standing.given().is_some();
        let short = |text: &str| text.chars().count() <= 200;
        Check::new()
            .need(lines > 0, "phones", "Enter a number.")
            .need(lines <= NUMBERS_MAX, "phones", "Enter at most 1,000 numbers at once.")
            .need(!is_given || !self.wording.trim().is_empty(), "wording", "Say which words they agreed to, like: form v3.")
            .need(!is_given || !self.evidence.trim().is_empty(), "evidence", "Say where the proof is.")
            .need(short(&self.wording), "wording", "Use at most 200 characters.")
            .need(short(&self.evidence), "evidence", "Use at most 200 characters.")
            .need(
                self.ip.trim().is_empty() || self.ip.trim().parse::<std::net::IpAddr>().is_ok(),
                "ip",
                "Enter an IP address, or nothing.",
            )
            .need(
                self.on.trim().is_empty() || self.on.trim().parse::<NaiveDate>().is_ok(),
                "on",
                "Choose a day, or none for today.",
            )
            .done()
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentRow {
    pub id: ConsentId,
    /// Masked for roles that may not see numbers.
    pub phone: String,
    pub purpose: Purpose,
    pub standing: Standing,
    pub source: ConsentSource,
    pub wording: String,
    pub evidence: String,
    pub ip: Option<String>,
    /// When the person said so.
    pub at: Moment,
    pub recorded_at: Moment,
    pub by: String,
}

/// What is asked for before a call, and what is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub policy: ConsentPolicy,
    pub purpose: Purpose,
    /// The campaign asks whatever the company does.
    pub by_campaign: bool,
    /// How it was given; `None`: never, or it was taken back.
    pub given: Option<Consent>,
}

impl Default for Asked {
    fn default() -> Self {
        Self { policy: ConsentPolicy::Listed, purpose: Purpose::Marketing, by_campaign: false, given: None }
    }
}

impl Asked {
    /// What a call needs where the law wishes for `wish`; `None`: nothing on record. The law's "in writing" is about marketing.
    pub fn needed(&self, wish: Option<Consent>) -> Option<Consent> {
        let law = wish.map(|wish| if self.purpose == Purpose::Service { Consent::Express } else { wish });
        let any = law.or(Some(Consent::Express));
        match self.policy {
            _ if self.by_campaign => any,
            ConsentPolicy::Always => any,
            ConsentPolicy::Law => law,
            ConsentPolicy::Listed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_decides_what_is_needed() {
        use Consent::{Express, Written};
        let asked = |policy, purpose, by_campaign| Asked { policy, purpose, by_campaign, given: None };
        let (listed, law, always) = (ConsentPolicy::Listed, ConsentPolicy::Law, ConsentPolicy::Always);
        for (asked, wish, needed) in [
            (asked(listed, Purpose::Marketing, false), Some(Written), None),
            (asked(listed, Purpose::Marketing, true), Some(Written), Some(Written)),
            (asked(listed, Purpose::Marketing, true), None, Some(Express)),
            (asked(law, Purpose::Marketing, false), Some(Written), Some(Written)),
            (asked(law, Purpose::Service, false), Some(Written), Some(Express)),
            (asked(law, Purpose::Marketing, false), None, None),
            (asked(always, Purpose::Marketing, false), None, Some(Express)),
            (asked(always, Purpose::Marketing, false), Some(Written), Some(Written)),
        ] {
            assert_eq!(asked.needed(wish), needed, "{asked:?}");
        }
    }

    #[test]
    fn a_consent_without_words_or_proof_is_none_and_taking_one_back_needs_neither() {
        let given = ConsentForm {
            phones: "+12025550101\n\n+12025550102".to_owned(),
            purpose: Purpose::Marketing,
            standing: Standing::Written,
            source: ConsentSource::WebForm,
            wording: "form v3".to_owned(),
            evidence: "https://example.com/forms/7".to_owned(),
            ip: "2001:db8::1".to_owned(),
            on: "2026-11-03".to_owned(),
        };
        assert_eq!(given.check(), Ok(()));
        let bare = ConsentForm {
            wording: String::new(),
            evidence: String::new(),
            ip: String::new(),
            on: String::new(),
            ..given.clone()
        };
        assert!(bare.check().is_err());
        assert_eq!(ConsentForm { standing: Standing::Withdrawn, ..bare }.check(), Ok(()));
        for (field, bad) in [
            ("phones", ConsentForm { phones: " \n ".to_owned(), ..given.clone() }),
            ("phones", ConsentForm { phones: "+12025550101\n".repeat(NUMBERS_MAX + 1), ..given.clone() }),
            ("evidence", ConsentForm { evidence: "x".repeat(201), ..given.clone() }),
            ("ip", ConsentForm { ip: "300.1.1.1".to_owned(), ..given.clone() }),
            ("on", ConsentForm { on: "soon".to_owned(), ..given.clone() }),
        ] {
            assert!(bad.check().expect_err("refused").of_field(field).is_some(), "{field}");
        }
    }
}
