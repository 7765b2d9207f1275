//! Twilio Programmable Voice, API 2010-04-01: one account, spoken to over its REST API.
//! Here are the requests and what their failures mean; words are in `wire`, callbacks in `callback` and `sign`,
//! XML in `twiml`. Facts and their sources: docs/providers.md, twilio/twilio-oai.

mod callback;
pub mod sign;
#[cfg(test)]
mod tests;
pub mod twiml;
mod wire;

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::{Client, RequestBuilder, header::RETRY_AFTER};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tracing::{debug, warn};

use crate::{Account, http, voice::*};

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

/// A request that did not bring a readable success.
enum Trouble {
    /// No byte was sent: DNS, connect or TLS failed, or the request could not be built.
    NotSent(String),
    /// Sent, and then silence.
    Lost(String),
    Refused(Refusal),
    /// Twilio said something, but neither a success nor an error that we can read.
    Unclear(String),
}

impl Twilio {
    pub fn new(account: Account, client: Client) -> Self {
        Self { base_url: account.base_url.trim_end_matches('/').to_owned(), account, client }
    }

    fn account_url(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}", self.base_url, self.account.account_sid)
    }

    fn call_url(&self, id: &ProviderCallId) -> String {
        format!("{}/Calls/{id}.json", self.account_url())
    }

    /// A mistyped account id would end up in the path of the URL.
    fn check_account(&self) -> Result<(), Refusal> {
        if wire::is_sid(&self.account.account_sid, "AC") {
            return Ok(());
        }
        Err(configuration("bad_account_sid", "The account SID must be AC and 32 hexadecimal digits."))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        self.check_account().map_err(Trouble::Refused)?;
        let response =
            request.basic_auth(&self.account.account_sid, Some(self.account.auth_token.expose_secret())).send().await.map_err(
                |error| {
                    // Without the URL: it names the person called.
                    let (unsent, why) = (error.is_connect() || error.is_builder(), describe(error.without_url()));
                    if unsent { Trouble::NotSent(why) } else { Trouble::Lost(why) }
                },
            )?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = http::read(response).await.map_err(|error| Trouble::Lost(describe(error)))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| Trouble::Unclear(format!("{status}: {error}")));
        }
        match wire::refusal(status.as_u16(), &body, retry_after.as_deref()) {
            Some(refusal) => Err(Trouble::Refused(refusal)),
            None => Err(Trouble::Unclear(format!("{status} without an error of Twilio"))),
        }
    }

    /// All pages of one list request.
    async fn pages(&self, query: &[(&str, String)]) -> Result<Vec<Observed>, ProviderError> {
        let mut request = self.client.get(format!("{}/Calls.json", self.account_url())).query(query);
        let mut found = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: wire::CallPage = self.send(request).await.map_err(ProviderError::from)?;
            found.extend(page.calls.into_iter().map(wire::CallResource::observed));
            let Some(next) = page.next_page_uri.filter(|next| !next.is_empty()) else { return Ok(found) };
            // Only ever below our own base: an absolute address could take the credentials elsewhere.
            if !next.starts_with('/') || next.starts_with("//") {
                return Err(ProviderError::Malformed("next_page_uri is not a path".into()));
            }
            request = self.client.get(format!("{}{next}", self.base_url));
        }
        Err(ProviderError::TooMany(PAGES_MAX))
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
        let answer = match self.send::<wire::CallResource>(request).await {
            Ok(created) if wire::is_sid(&created.sid, "CA") => Answer::Placed(ProviderCallId::new(created.sid)),
            Ok(created) => Answer::Unknown { why: format!("created with the strange id {:?}", created.sid) },
            Err(Trouble::Refused(refusal)) => Answer::Refused(refusal),
            Err(Trouble::NotSent(why)) => Answer::Refused(unreachable_provider(why)),
            Err(Trouble::Lost(why) | Trouble::Unclear(why)) => Answer::Unknown { why },
        };
        match &answer {
            Answer::Placed(id) => debug!(call = %call.call, provider_call = %id, "placed"),
            Answer::Refused(refusal) => warn!(call = %call.call, code = refusal.code, "refused"),
            Answer::Unknown { why } => warn!(call = %call.call, why, "unknown whether placed"),
        }
        answer
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
            balance_micros: balance.as_ref().and_then(|balance| wire::micros(balance.balance.as_deref()?)),
            currency: balance.and_then(|balance| balance.currency),
        })
    }

    fn verify(&self, request: &CallbackRequest<'_>) -> Result<(), BadSignature> {
        sign::verify(self.account.auth_token.expose_secret(), request)
    }

    fn parse(&self, request: &CallbackRequest<'_>) -> Result<Callback, Malformed> {
        callback::parse(request)
    }

    fn parse_inbound(&self, request: &CallbackRequest<'_>) -> Result<Incoming, Malformed> {
        callback::parse_inbound(request)
    }

    fn reply(&self, reply: &Reply) -> ReplyBody {
        ReplyBody { content_type: "text/xml; charset=utf-8", body: twiml::reply(reply) }
    }
}

/// The form of `POST Calls.json`. Events are repeated keys: one joined value would silence the call (edge 1).
fn create_form(call: &Originate) -> Result<Vec<(&'static str, String)>, ScriptTooLong> {
    let ring_seconds = call.ring_seconds_max.clamp(*RING_SECONDS.start(), *RING_SECONDS.end());
    let mut form = vec![
        ("To", call.to.to_string()),
        ("From", call.from.to_string()),
        ("Twiml", twiml::outbound(&call.script, &call.gather_url)?),
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

impl From<Trouble> for ProviderError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotSent(why) | Trouble::Lost(why) => Self::Unreachable(why),
            Trouble::Refused(refusal) => Self::Refused(refusal),
            Trouble::Unclear(why) => Self::Malformed(why),
        }
    }
}

fn configuration(code: &str, message: &str) -> Refusal {
    Refusal { kind: RefusalKind::Configuration, code: code.into(), message: message.into(), retry_after: None }
}

fn unreachable_provider(why: String) -> Refusal {
    Refusal { kind: RefusalKind::Transient, code: "unreachable".into(), message: why, retry_after: None }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The error with its causes: reqwest's own text says only "error sending request".
fn describe(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
