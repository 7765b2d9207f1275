//! Twilio Programmable Voice, API 2010-04-01: one account, spoken to over its REST API.
//! Here are the requests and what their failures mean; words are in `wire`, callbacks in `callback` and `sign`,
//! XML in `twiml`. Facts and their sources: docs/providers.md, twilio/twilio-oai.

mod callback;
mod numbers;
pub mod sign;
#[cfg(test)]
mod tests;
pub mod twiml;
mod wire;

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;

use crate::{
    Account,
    engine::Numbers,
    exchange::{self, Trouble, configuration},
    money,
    voice::*,
};

/// Twilio's public service.
pub const BASE_URL: &str = "https://api.twilio.com";
/// Ring time Twilio accepts.
pub const RING_SECONDS: std::ops::RangeInclusive<u32> = 5..=600;
/// Calls per page of a list; Twilio's most is 1,000.
const PAGE_SIZE: u32 = 200;
/// Pages read for one look-up. Two numbers within a few minutes fill one.
const PAGES_MAX: usize = 20;
/// The events we ask for; unnamed ones are not sent.
const STATUS_EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];
/// "Call is not in-progress. Cannot redirect": it is over already, which is what we wanted.
const NOT_IN_PROGRESS: &str = "21220";

/// One Twilio account.
pub struct Twilio {
    base_url: String,
    account: Account,
    client: Client,
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").field("base_url", &self.base_url).field("account", &self.account).finish_non_exhaustive()
    }
}

impl Twilio {
    pub fn new(account: Account, client: Client) -> Self {
        Self { base_url: account.base().to_owned(), account, client }
    }

    fn account_url(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}", self.base_url, self.account.id)
    }

    fn call_url(&self, id: &ProviderCallId) -> String {
        format!("{}/Calls/{id}.json", self.account_url())
    }

    /// A mistyped account id would end up in the path of the URL.
    fn check_account(&self) -> Result<(), Refusal> {
        if wire::is_sid(&self.account.id, "AC") {
            return Ok(());
        }
        Err(configuration("bad_account_sid", "The account SID must be AC and 32 hexadecimal digits."))
    }

    fn with_credentials(&self, request: RequestBuilder) -> Result<RequestBuilder, Trouble> {
        self.check_account().map_err(Trouble::Refused)?;
        Ok(request.basic_auth(&self.account.id, Some(self.account.secret.expose_secret())))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        exchange::ask(self.with_credentials(request)?, wire::refusal).await
    }

    /// All pages of one list request.
    async fn pages(&self, query: &[(&str, String)]) -> Result<Vec<Observed>, ProviderError> {
        let mut request = self.client.get(format!("{}/Calls.json", self.account_url())).query(query);
        let mut found = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: wire::CallPage = self.send(request).await.map_err(ProviderError::from)?;
            found.extend(page.calls.into_iter().map(wire::CallResource::observed));
            match self.next_page(page.next_page_uri)? {
                Some(next) => request = next,
                None => return Ok(found),
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX))
    }

    /// The page that a list names as its next.
    fn next_page(&self, uri: Option<String>) -> Result<Option<RequestBuilder>, ProviderError> {
        let Some(next) = uri.filter(|next| !next.is_empty()) else { return Ok(None) };
        // Only ever below our own base: an absolute address could take the credentials elsewhere.
        if !next.starts_with('/') || next.starts_with("//") {
            return Err(ProviderError::Malformed("next_page_uri is not a path".into()));
        }
        Ok(Some(self.client.get(format!("{}{next}", self.base_url))))
    }
}

#[async_trait]
impl VoiceProvider for Twilio {
    async fn originate(&self, call: &Originate) -> Answer {
        let form = match create_form(call) {
            Ok(form) => form,
            Err(too_long) => return Answer::Refused(configuration("script_too_long", &too_long.to_string())),
        };
        let request = self.client.post(format!("{}/Calls.json", self.account_url())).form(&form);
        let created = self.send::<wire::CallResource>(request).await.map(|call| call.sid);
        let id = |sid: String| if wire::is_sid(&sid, "CA") { Ok(ProviderCallId::new(sid)) } else { Err(sid) };
        exchange::answer(call, created.map(id))
    }

    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        if !wire::is_sid(id.as_str(), "CA") {
            return Ok(None);
        }
        match self.send::<wire::CallResource>(self.client.get(self.call_url(id))).await {
            Ok(call) => Ok(Some(call.observed())),
            Err(Trouble::Refused(refusal)) if matches!(refusal.code.as_str(), "20404" | "http_404") => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        let numbers = |more: &[(&'static str, String)]| {
            let mut query = vec![("To", look.to.to_string()), ("From", look.from.to_string())];
            query.push(("PageSize", PAGE_SIZE.to_string()));
            query.extend_from_slice(more);
            query
        };
        // Twilio keeps whole seconds; one more on each side loses nothing.
        let (since, until) = (look.since - TimeDelta::seconds(1), look.until + TimeDelta::seconds(1));
        let started = numbers(&[("StartTime>", instant(since)), ("StartTime<", instant(until))]);
        let mut found = self.pages(&started).await?;
        // A call that still waits in Twilio's own queue has no start, so the list above does not show it.
        let queued = self.pages(&numbers(&[("Status", "queued".into())])).await?;
        for call in queued {
            let in_span = call.created_at.is_none_or(|at| (since..=until).contains(&at));
            if in_span && !found.iter().any(|known| known.id == call.id) {
                found.push(call);
            }
        }
        found.sort_by_key(|call| std::cmp::Reverse(call.started_at.or(call.created_at)));
        Ok(found)
    }

    async fn list(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        let span = [
            ("StartTime>", instant(since)),
            ("StartTime<", instant(until - TimeDelta::seconds(1))),
            ("PageSize", PAGE_SIZE.to_string()),
        ];
        self.pages(&span).await
    }

    async fn hang_up(&self, id: &ProviderCallId) -> Result<(), ProviderError> {
        if !wire::is_sid(id.as_str(), "CA") {
            return Err(ProviderError::Malformed("not an id of a call at Twilio".into()));
        }
        // "completed" ends a call in any state; "canceled" would spare one that was answered meanwhile.
        let request = self.client.post(self.call_url(id)).form(&[("Status", "completed")]);
        match self.send::<wire::CallResource>(request).await {
            Ok(_) => Ok(()),
            Err(Trouble::Refused(refusal)) if refusal.code == NOT_IN_PROGRESS => Ok(()),
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn check(&self) -> Result<AccountInfo, ProviderError> {
        let account: wire::AccountResource = self.send(self.client.get(format!("{}.json", self.account_url()))).await?;
        // Some keys may not read the balance; that makes them no less good for calling.
        let balance =
            self.send::<wire::BalanceResource>(self.client.get(format!("{}/Balance.json", self.account_url()))).await.ok();
        Ok(AccountInfo {
            name: account.friendly_name.unwrap_or_else(|| account.sid.clone()),
            account: account.sid,
            active: account.status.as_deref() == Some("active"),
            balance_micros: balance.as_ref().and_then(|balance| money::micros(balance.balance.as_deref()?)),
            currency: balance.and_then(|balance| balance.currency),
        })
    }

    /// The call, and once it is over its recordings.
    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        let Some(seen) = self.fetch(id).await? else { return Ok(Vec::new()) };
        let mut news = Vec::new();
        if matches!(seen.status, ProviderStatus::Ended(_)) {
            let request = self.client.get(format!("{}/Calls/{id}/Recordings.json", self.account_url()));
            let page: wire::RecordingPage = self.send(request).await?;
            news.extend(page.recordings.into_iter().map(|one| CallbackKind::Recording(one.recording())));
        }
        news.insert(0, CallbackKind::Status(Box::new(seen)));
        Ok(news)
    }

    async fn recording(&self, recording: &Recording) -> Result<Sound, ProviderError> {
        if !wire::is_sid(&recording.id, "RE") {
            return Err(ProviderError::Malformed("not an id of a recording at Twilio".into()));
        }
        // By its id: a link could take the credentials elsewhere.
        let request = self.client.get(format!("{}/Recordings/{}.wav", self.account_url(), recording.id));
        Ok(exchange::sound(self.with_credentials(request)?, wire::refusal).await?)
    }

    /// Without regard to the time: the scheme has no clock.
    fn verify(&self, request: &CallbackRequest<'_>, _now: DateTime<Utc>) -> Result<(), BadSignature> {
        sign::verify(self.account.secret.expose_secret(), request)
    }

    fn parse(&self, request: &CallbackRequest<'_>) -> Result<Vec<Callback>, Malformed> {
        Ok(vec![callback::parse(request)?])
    }

    fn parse_inbound(&self, request: &CallbackRequest<'_>) -> Result<Incoming, Malformed> {
        callback::parse_inbound(request)
    }

    fn reply(&self, reply: &Reply) -> ReplyBody {
        ReplyBody { content_type: "text/xml; charset=utf-8", body: twiml::reply(reply) }
    }

    fn numbers(&self) -> Option<&dyn Numbers> {
        Some(self)
    }
}

/// The form of `POST Calls.json`. Events are repeated keys: one joined value would silence the call (edge 1).
fn create_form(call: &Originate) -> Result<Vec<(&'static str, String)>, ScriptTooLong> {
    let ring_seconds = call.ring_seconds_max.clamp(*RING_SECONDS.start(), *RING_SECONDS.end());
    let what = match &call.script_url {
        // Asked by POST, signed like every callback.
        Some(url) => ("Url", url.clone()),
        None => ("Twiml", twiml::outbound(&call.script, &call.gather_url)?),
    };
    let mut form = vec![
        ("To", call.to.to_string()),
        ("From", call.from.to_string()),
        what,
        ("Timeout", ring_seconds.to_string()),
        ("TimeLimit", call.talk_seconds_max.to_string()),
        ("StatusCallback", call.callback_url.clone()),
        ("StatusCallbackMethod", "POST".into()),
    ];
    form.extend(STATUS_EVENTS.map(|event| ("StatusCallbackEvent", event.to_owned())));
    if call.machine_detection {
        // In the background: waiting for the verdict would greet a person with seconds of silence.
        form.push(("MachineDetection", "Enable".into()));
        form.push(("AsyncAmd", "true".into()));
        form.push(("AsyncAmdStatusCallback", call.callback_url.clone()));
        form.push(("AsyncAmdStatusCallbackMethod", "POST".into()));
    }
    if call.record {
        form.push(("Record", "true".into()));
        form.push(("RecordingChannels", "dual".into()));
        form.push(("RecordingStatusCallback", call.callback_url.clone()));
        form.push(("RecordingStatusCallbackMethod", "POST".into()));
        form.extend(["completed", "absent"].map(|event| ("RecordingStatusCallbackEvent", event.to_owned())));
    }
    Ok(form)
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
