//! The keys of a real account, by the names under which docs/providers has them.

use std::collections::BTreeMap;

use model::phone::Phone;

use crate::{Account, ProviderKind};

/// Resolves nowhere (RFC 2606): callbacks to it are lost.
const NOWHERE: &str = "https://belfry.invalid/conformance";

/// An account, and what its checks need beside it.
pub struct Keys {
    pub account: Account,
    prefix: String,
    pub from: Option<Phone>,
    pub to: Option<Phone>,
    /// Who talks where agents are made elsewhere.
    pub agent: Option<String>,
    callback_url: Option<String>,
}

/// What each name ends in, and whether nothing can be checked without it.
pub fn names(kind: ProviderKind) -> &'static [(&'static str, bool)] {
    match kind {
        ProviderKind::Twilio => &[
            ("ACCOUNT", true),
            ("SECRET", true),
            ("FROM", false),
            ("TO", false),
            ("CALLBACK_URL", false),
            ("BASE_URL", false),
            ("OPTIONS", false),
        ],
        ProviderKind::Retell => &[
            ("SECRET", true),
            ("WEBHOOK_SECRET", false),
            ("FROM", false),
            ("TO", false),
            ("CALLBACK_URL", false),
            ("BASE_URL", false),
            ("OPTIONS", false),
        ],
        ProviderKind::Vapi | ProviderKind::ElevenLabs => &[
            ("SECRET", true),
            ("WEBHOOK_SECRET", false),
            ("CALLBACK_URL", false),
            ("FROM", false),
            ("TO", false),
            ("BASE_URL", false),
            ("OPTIONS", false),
        ],
        ProviderKind::Maqsam => &[
            ("ACCOUNT", true),
            ("SECRET", true),
            // There is no safe guess (edge 32).
            ("BASE_URL", true),
            ("FROM", false),
            ("TO", false),
            ("AGENT", false),
            ("OPTIONS", false),
        ],
    }
}

impl Keys {
    /// Those of a kind; else everything that keeps them from being used.
    pub fn read(kind: ProviderKind, env: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let prefix = format!("BELFRY_LIVE_{}", kind.as_str().to_uppercase());
        let text =
            |name: &str| env(&format!("{prefix}_{name}")).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let required = names(kind).iter().filter(|(_, required)| *required);
        let mut wrong: Vec<String> =
            required.filter(|(name, _)| text(name).is_none()).map(|(name, _)| unset(&prefix, name)).collect();
        let mut phone = |name: &str| match text(name).map(|text| Phone::parse(&text)) {
            Some(Err(_)) => {
                wrong.push(format!("{prefix}_{name} is no phone number"));
                None
            }
            Some(Ok(phone)) => Some(phone),
            None => None,
        };
        let (from, to) = (phone("FROM"), phone("TO"));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let base_url = text("BASE_URL").unwrap_or_else(|| crate::base_url(kind).to_owned());
        let mut account = Account::new(base_url, text("ACCOUNT").unwrap_or_default(), text("SECRET").unwrap_or_default());
        account.webhook_secret = text("WEBHOOK_SECRET").map(Into::into);
        account.options = options(&text("OPTIONS").unwrap_or_default());
        Ok(Self { account, from, to, agent: text("AGENT"), callback_url: text("CALLBACK_URL"), prefix })
    }

    /// What says that this one is missing.
    pub fn unset(&self, name: &str) -> String {
        unset(&self.prefix, name)
    }

    /// What keeps agents from being made.
    pub fn lacks_for_agents(&self, kind: ProviderKind) -> Option<String> {
        let missing = match kind {
            ProviderKind::Vapi if self.account.webhook_secret.is_none() => "WEBHOOK_SECRET",
            // An agent names a webhook of the workspace, which is found by its address.
            ProviderKind::ElevenLabs if self.callback_url.is_none() => "CALLBACK_URL",
            _ => return None,
        };
        Some(self.unset(missing))
    }

    pub fn callback_url(&self) -> &str {
        self.callback_url.as_deref().unwrap_or(NOWHERE)
    }
}

fn unset(prefix: &str, name: &str) -> String {
    format!("{prefix}_{name} is not set")
}

/// `name=value,name=value`.
fn options(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ProviderKind, given: &[(&str, &str)]) -> Result<Keys, Vec<String>> {
        Keys::read(kind, |name| given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |kind, given: &[(&str, &str)]| read(kind, given).err().unwrap_or_default();
        assert_eq!(
            missing(ProviderKind::Twilio, &[("BELFRY_LIVE_TWILIO_ACCOUNT", "AC1"), ("BELFRY_LIVE_TWILIO_TO", "12")]),
            ["BELFRY_LIVE_TWILIO_SECRET is not set", "BELFRY_LIVE_TWILIO_TO is no phone number"]
        );
        assert_eq!(missing(ProviderKind::Vapi, &[("BELFRY_LIVE_VAPI_SECRET", " ")]), ["BELFRY_LIVE_VAPI_SECRET is not set"]);
        assert_eq!(missing(ProviderKind::Maqsam, &[]).len(), 3, "an address of Maqsam is never guessed");
    }

    #[test]
    fn an_account_is_read_with_its_options() {
        let keys = read(
            ProviderKind::Vapi,
            &[
                ("BELFRY_LIVE_VAPI_SECRET", " key "),
                ("BELFRY_LIVE_VAPI_OPTIONS", "webhook_credential = 1,webhook_age_seconds_max=60"),
            ],
        )
        .unwrap_or_else(|missing| panic!("{missing:?}"));
        assert_eq!((keys.account.base_url.as_str(), keys.account.options.len()), ("https://api.vapi.ai", 2));
        assert_eq!(keys.account.options["webhook_credential"], "1");
        assert_eq!(keys.lacks_for_agents(ProviderKind::Vapi).as_deref(), Some("BELFRY_LIVE_VAPI_WEBHOOK_SECRET is not set"));
        assert_eq!(keys.callback_url(), NOWHERE);
    }
}
