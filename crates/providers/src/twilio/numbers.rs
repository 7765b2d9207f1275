//! The numbers of an account: listed, and pointed at us.

use async_trait::async_trait;
use serde::Deserialize;

use super::{PAGE_SIZE, PAGES_MAX, Twilio, wire};
use crate::{
    engine::{Binding, NumberImport, Numbers, RemoteNumber},
    exchange::configuration,
    voice::ProviderError,
};

/// `IncomingPhoneNumber`, as far as we read it.
#[derive(Debug, Deserialize)]
pub(super) struct NumberResource {
    sid: String,
    phone_number: Option<String>,
    friendly_name: Option<String>,
    voice_url: Option<String>,
    status_callback: Option<String>,
    voice_application_sid: Option<String>,
    trunk_sid: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NumberPage {
    incoming_phone_numbers: Vec<NumberResource>,
    next_page_uri: Option<String>,
}

impl NumberResource {
    /// `None` for what is no telephone number.
    fn seen(self) -> Option<RemoteNumber> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(RemoteNumber {
            phone: self.phone_number?.parse().ok()?,
            id: self.sid,
            label: some(self.friendly_name),
            binding: Binding { agent: None, inbound_url: some(self.voice_url), news_url: some(self.status_callback) },
        })
    }

    /// What answers in place of the voice URL, where something does.
    fn elsewhere(&self) -> Option<&'static str> {
        let is_set = |sid: &Option<String>| sid.as_ref().is_some_and(|sid| !sid.is_empty());
        if is_set(&self.trunk_sid) {
            Some("This number belongs to a SIP trunk at Twilio, which answers it. Take it off the trunk, and bind it again.")
        } else if is_set(&self.voice_application_sid) {
            Some("A TwiML app at Twilio answers this number. Set its voice configuration to a webhook, and bind it again.")
        } else {
            None
        }
    }
}

#[async_trait]
impl Numbers for Twilio {
    async fn list(&self) -> Result<Vec<RemoteNumber>, ProviderError> {
        let query = [("PageSize", PAGE_SIZE.to_string())];
        let mut request = self.client.get(format!("{}/IncomingPhoneNumbers.json", self.account_url())).query(&query);
        let mut found = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: NumberPage = self.send(request).await?;
            found.extend(page.incoming_phone_numbers.into_iter().filter_map(NumberResource::seen));
            match self.next_page(page.next_page_uri)? {
                Some(next) => request = next,
                None => return Ok(found),
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX))
    }

    /// Twilio is a carrier itself.
    async fn import(&self, _number: &NumberImport) -> Result<RemoteNumber, ProviderError> {
        Err(ProviderError::Unsupported("numbers are bought at Twilio or ported there, not imported"))
    }

    async fn bind(&self, id: &str, binding: &Binding) -> Result<(), ProviderError> {
        if !wire::is_sid(id, "PN") {
            return Err(ProviderError::Malformed("not an id of a number at Twilio".into()));
        }
        let form = [
            ("VoiceUrl", binding.inbound_url.as_deref().unwrap_or_default()),
            ("VoiceMethod", "POST"),
            ("StatusCallback", binding.news_url.as_deref().unwrap_or_default()),
            ("StatusCallbackMethod", "POST"),
        ];
        let request = self.client.post(format!("{}/IncomingPhoneNumbers/{id}.json", self.account_url())).form(&form);
        let changed: NumberResource = self.send(request).await?;
        match changed.elsewhere().filter(|_| binding.inbound_url.is_some()) {
            Some(why) => Err(ProviderError::Refused(configuration("answered_elsewhere", why))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(more: &str) -> NumberResource {
        serde_json::from_str(&format!(r#"{{"sid":"PN1","phone_number":"+12025550142"{more}}}"#)).expect("a number")
    }

    #[test]
    fn what_is_empty_is_not_set() {
        let seen = number(r#","friendly_name":"","voice_url":"","status_callback":null"#).seen().expect("a number");
        assert_eq!((seen.label, seen.binding), (None, Binding::default()));
        let seen = number(r#","voice_url":"https://b.example/voice","status_callback":"https://b.example""#).seen().expect("one");
        assert_eq!(seen.binding.inbound_url.as_deref(), Some("https://b.example/voice"));
        assert_eq!(seen.binding.news_url.as_deref(), Some("https://b.example"));
    }

    #[test]
    fn what_answers_in_our_place_is_told() {
        assert_eq!(number("").elsewhere(), None);
        assert_eq!(number(r#","trunk_sid":"","voice_application_sid":null"#).elsewhere(), None);
        assert!(number(r#","trunk_sid":"TK1""#).elsewhere().is_some_and(|why| why.contains("SIP trunk")));
        assert!(number(r#","voice_application_sid":"AP1""#).elsewhere().is_some_and(|why| why.contains("TwiML app")));
    }
}
