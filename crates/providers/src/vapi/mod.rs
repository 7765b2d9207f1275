//! Vapi: one organisation, spoken to over its REST API. Vapi holds the conversation itself, with an assistant kept there.
//! Here are calls; words and shapes are in `wire` and `reasons`, server messages in `callback` and `sign`, assistants in `agents`
//! and `assistant`, the rest of what is kept at Vapi in `assets`. Facts and their sources: docs/providers/vapi.md.
//!
//! The account's `id` is not used; `secret` is the private API key. `webhook_secret` proves that a server message is Vapi's, and
//! nothing is set up at Vapi without it. Options:
//! - `webhook_credential`: id of a Custom Credential (HMAC, with that secret) by which Vapi signs its messages. Without it they
//!   carry the secret itself in `X-Vapi-Secret`.
//! - `webhook_age_seconds_max`: how old a signed message may be; 300 unless set.

mod agents;
mod assets;
mod assistant;
mod callback;
mod reasons;
pub mod sign;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    Account,
    api::{Api, Dialect},
    engine::{Agents, Knowledge, Numbers},
    exchange::{self, Found, Trouble, configuration},
    voice::*,
};

/// Vapi's public service.
pub const BASE_URL: &str = "https://api.vapi.ai";
/// Where our id of a call is kept in its metadata, and the number it is made from, which Vapi shows by an id only.
pub const CALL_KEY: &str = "belfry_call";
pub const FROM_KEY: &str = "belfry_from";
/// Limits that Vapi accepts, in seconds.
const RING_SECONDS: std::ops::RangeInclusive<u32> = 1..=600;
const TALK_SECONDS: std::ops::RangeInclusive<u32> = 10..=43_200;
/// Items per page of a list. Each carries its whole conversation, and a page has to fit into one answer.
const PAGE_SIZE: usize = 25;
/// Pages read for one question. Calls cannot be asked for by number, so a busy quarter of an hour fills some.
const PAGES_MAX: usize = 160;
/// Unless the option says otherwise.
const WEBHOOK_AGE_SECONDS_MAX: i64 = 300;
/// What marks a recording's id, after the call's.
const RECORDING: &str = ":mono";

/// One organisation at Vapi.
#[derive(Debug)]
pub struct Vapi {
    api: Api,
}

impl Vapi {
    pub fn new(account: Account, client: Client) -> Self {
        let authorize = |request: RequestBuilder, account: &Account| request.bearer_auth(account.secret.expose_secret());
        Self {
            api: Api::new(
                account,
                client,
                Dialect { authorize, refuse: wire::refusal, is_missing: |trouble| trouble.is_refused("http_404") },
            ),
        }
    }

    /// All calls created in a span of time, both ends included, newest first. The next page begins where the last one ended,
    /// by time: two calls may share a millisecond, so that moment is asked for again.
    async fn calls(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (mut found, mut known, mut until) = (Vec::new(), BTreeSet::new(), until);
        for _ in 0..PAGES_MAX {
            let query = [
                ("createdAtGe", stamp(since)),
                // Cut off at the millisecond, the end would leave out what came within it.
                ("createdAtLe", stamp(until + TimeDelta::milliseconds(1))),
                ("limit", PAGE_SIZE.to_string()),
            ];
            let page: Vec<wire::Call> = self.api.ask(self.api.request(Method::GET, "/call").query(&query)).await?;
            let full = page.len() >= PAGE_SIZE;
            let fresh: Vec<Observed> =
                page.iter().filter(|call| known.insert(call.id.clone())).map(wire::Call::observed).collect();
            let oldest = fresh.iter().filter_map(|seen| seen.created_at).min();
            found.extend(fresh);
            match oldest {
                _ if !full => return Ok(found),
                Some(oldest) => until = oldest,
                None => break,
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX))
    }

    /// Where Vapi sends its messages, and how it says who it is.
    fn server(&self, url: &str) -> Result<Value, ProviderError> {
        let secret = self.api.account.webhook_secret.as_ref().map(|secret| secret.expose_secret());
        let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
            let why = "Vapi's messages cannot be trusted without a webhook secret: set one in the gateway.";
            return Err(ProviderError::Refused(configuration("no_webhook_secret", why)));
        };
        let mut server = json!({
            "url": url,
            "timeoutSeconds": 20,
            // Nothing is sent again unless asked for.
            "backoffPlan": { "type": "exponential", "maxRetries": 5, "baseDelaySeconds": 1 },
        });
        match self.api.account.options.get("webhook_credential") {
            Some(credential) => server["credentialId"] = credential.as_str().into(),
            None => server["headers"] = json!({ sign::SECRET: secret }),
        }
        Ok(server)
    }
}

#[async_trait]
impl VoiceProvider for Vapi {
    async fn originate(&self, call: &Originate) -> Answer {
        let body = match create_body(call) {
            Ok(body) => body,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let created = self.api.send::<wire::Call>(Method::POST, "/call", &body).await;
        // A batch would be answered with 201 and its errors (edge 26); one call is one id.
        let id = |call: wire::Call| if exchange::is_id(&call.id) { Ok(ProviderCallId::new(call.id)) } else { Err(call.id) };
        exchange::answer(call, created.map(id))
    }

    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        let call: Option<wire::Call> = self.api.find_by_id("/call", id.as_str()).await?;
        Ok(call.map(|call| call.observed()))
    }

    /// By the time of creation, and compared here: Vapi cannot be asked for a number. A call that waits in Vapi's queue starts
    /// later than the span, and is still the one.
    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        let mut found = self.calls(look.since, look.until).await?;
        found.retain(|seen| look.wants(&Observed { started_at: None, ..seen.clone() }));
        Ok(found)
    }

    async fn list(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        let mut found = self.calls(since, until).await?;
        found.retain(|seen| seen.created_at.is_none_or(|at| at < until));
        Ok(found)
    }

    /// Over the control URL that a call has while it is on. Deleting the call would erase what is known of it.
    async fn hang_up(&self, id: &ProviderCallId) -> Result<(), ProviderError> {
        let unknown = || ProviderError::Malformed("no such call at Vapi".into());
        let call: wire::Call = self.api.find_by_id("/call", id.as_str()).await?.ok_or_else(unknown)?;
        if call.is_ended() {
            return Ok(());
        }
        let link = call.control_url().ok_or_else(|| ProviderError::Malformed("Vapi gave the call no control URL".into()))?;
        let order = self.api.link(Method::POST, link, "control")?.json(&json!({ "type": "end-call" }));
        match self.api.tell(order).await {
            Ok(()) => Ok(()),
            // What an ended call is refused with is not documented: look whether it is over.
            Err(Trouble::Refused(refusal)) if refusal.kind != RefusalKind::Transient => match self.fetch(id).await? {
                Some(Observed { status: ProviderStatus::Ended(_), .. }) => Ok(()),
                _ => Err(ProviderError::Refused(refusal)),
            },
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// By the list of numbers: the key opens it, and calls need one. Vapi does not tell a balance.
    async fn check(&self) -> Result<AccountInfo, ProviderError> {
        let numbers = self.all_numbers().await?;
        let organisation = numbers.iter().find_map(|number| number.org_id.clone());
        Ok(AccountInfo {
            account: organisation.unwrap_or_else(|| "organisation".to_owned()),
            name: format!("Vapi, numbers: {}", numbers.len()),
            active: true,
            balance_micros: None,
            currency: None,
        })
    }

    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        let call: Option<wire::Call> = self.api.find_by_id("/call", id.as_str()).await?;
        Ok(call.map(|call| call.news()).unwrap_or_default())
    }

    /// With the key Vapi gives a link that lives for a short while, and that is opened without the key (edge 25).
    async fn recording(&self, recording: &Recording) -> Result<Sound, ProviderError> {
        let call = recording.id.strip_suffix(RECORDING).filter(|call| exchange::is_id(call));
        let call = call.ok_or_else(|| ProviderError::Malformed("not the id of a recording at Vapi".into()))?;
        let asked = self.api.request(Method::GET, &format!("/call/{call}/mono-recording"));
        match exchange::sound_or_link(asked, wire::refusal).await? {
            Found::Sound(sound) => Ok(sound),
            Found::Link(link) => self.api.linked_sound(&link).await,
        }
    }

    fn verify(&self, request: &CallbackRequest<'_>, now: DateTime<Utc>) -> Result<(), BadSignature> {
        let secret = self.api.account.webhook_secret.as_ref().map_or("", |secret| secret.expose_secret());
        let wanted = self.api.account.options.get("webhook_age_seconds_max").and_then(|seconds| seconds.parse::<u32>().ok());
        let age_max = TimeDelta::seconds(wanted.map_or(WEBHOOK_AGE_SECONDS_MAX, i64::from));
        sign::verify(secret, request, now, age_max)
    }

    fn parse(&self, request: &CallbackRequest<'_>) -> Result<Vec<Callback>, Malformed> {
        callback::parse(request.body)
    }

    fn parse_inbound(&self, request: &CallbackRequest<'_>) -> Result<Incoming, Malformed> {
        callback::parse_inbound(request.body)
    }

    fn reply(&self, reply: &Reply) -> ReplyBody {
        ReplyBody { content_type: "application/json", body: callback::reply(reply).to_string() }
    }

    fn agents(&self) -> Option<&dyn Agents> {
        Some(self)
    }

    fn knowledge(&self) -> Option<&dyn Knowledge> {
        Some(self)
    }

    fn numbers(&self) -> Option<&dyn Numbers> {
        Some(self)
    }
}

/// The body of `POST /call`, or what is missing for it.
fn create_body(call: &Originate) -> Result<Value, Refusal> {
    let agent = call.agent.as_ref().ok_or_else(|| configuration("no_agent", "A call over Vapi needs an assistant there."))?;
    let number = call.from_id.as_ref().ok_or_else(|| {
        configuration("no_number_id", "A call over Vapi needs the id that its number has there: import the number.")
    })?;
    let mut overrides = json!({
        "variableValues": call.variables,
        "metadata": { CALL_KEY: call.call.to_string(), FROM_KEY: call.from.as_str() },
        "maxDurationSeconds": call.talk_seconds_max.clamp(*TALK_SECONDS.start(), *TALK_SECONDS.end()),
        "transportConfigurations": ringing(call.ring_seconds_max),
        "artifactPlan": { "recordingEnabled": call.record },
    });
    if !call.machine_detection {
        overrides["voicemailDetection"] = "off".into();
    }
    let mut body = json!({
        "assistantId": agent.id,
        "phoneNumberId": number,
        "customer": { "number": call.to.as_str(), "externalId": call.call.to_string() },
        "assistantOverrides": overrides,
    });
    if let Some(version) = &agent.version {
        body["assistantVersion"] = version.as_str().into();
    }
    Ok(body)
}

/// How long a phone may ring: the only carrier that can be told is Twilio.
fn ringing(seconds: u32) -> Value {
    json!([{ "provider": "twilio", "timeout": seconds.clamp(*RING_SECONDS.start(), *RING_SECONDS.end()) }])
}
