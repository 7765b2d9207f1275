//! Retell AI: one workspace, spoken to over its REST API. Retell holds the conversation itself, with an agent kept there.
//! Here are calls; words and shapes are in `wire`, callbacks in `callback` and `sign`, agents in `agents`, the rest of what is
//! kept at Retell in `assets`. Facts and their sources: docs/providers/retell.md.
//!
//! The account's `id` is not used. `webhook_secret` is the API key that carries the webhook badge, when that is another one than
//! `secret`. There are no options.

mod agents;
mod assets;
mod callback;
pub mod sign;
#[cfg(test)]
mod tests;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    Account,
    api::{Api, Dialect},
    engine::{Agents, Knowledge, Numbers, Voices},
    exchange::{self, Trouble, configuration},
    voice::*,
};

/// Retell's public service.
pub const BASE_URL: &str = "https://api.retellai.com";
/// Where our id of a call is kept in its metadata.
pub const CALL_KEY: &str = "belfry_call";
/// Limits that Retell accepts, in milliseconds.
const RING_MS: std::ops::RangeInclusive<u64> = 5_000..=300_000;
const TALK_MS: std::ops::RangeInclusive<u64> = 60_000..=7_200_000;
/// Items per page of a list; Retell's most is 1,000.
const PAGE_SIZE: u32 = 200;
/// Pages read for one question. Two numbers within a few minutes fill one.
const PAGES_MAX: usize = 20;

/// One Retell workspace.
#[derive(Debug)]
pub struct Retell {
    api: Api,
}

impl Retell {
    pub fn new(account: Account, client: Client) -> Self {
        let authorize = |request: RequestBuilder, account: &Account| request.bearer_auth(account.secret.expose_secret());
        Self { api: Api::new(account, client, Dialect { authorize, refuse: wire::refusal, is_missing: wire::is_missing }) }
    }

    async fn call(&self, id: &ProviderCallId) -> Result<Option<wire::Call>, ProviderError> {
        self.api.find_by_id("/v2/get-call", id.as_str()).await
    }

    /// All pages of a list of calls.
    async fn pages(&self, criteria: Value) -> Result<Vec<Observed>, ProviderError> {
        let mut body = json!({ "filter_criteria": criteria, "sort_order": "descending", "limit": PAGE_SIZE });
        let mut found = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: wire::Page<wire::Call> = self.api.send(Method::POST, "/v3/list-calls", &body).await?;
            found.extend(page.items.iter().map(wire::Call::observed));
            match page.pagination_key.filter(|_| page.has_more) {
                Some(key) => body["pagination_key"] = key.into(),
                None => return Ok(found),
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX))
    }
}

#[async_trait]
impl VoiceProvider for Retell {
    async fn originate(&self, call: &Originate) -> Answer {
        let Some(body) = create_body(call) else {
            return Answer::Refused(configuration("no_agent", "A call over Retell needs an agent that is published there."));
        };
        let created = self.api.send::<wire::Call>(Method::POST, "/v2/create-phone-call", &body).await;
        let id = |call: wire::Call| {
            if exchange::is_id(&call.call_id) { Ok(ProviderCallId::new(call.call_id)) } else { Err(call.call_id) }
        };
        exchange::answer(call, created.map(id))
    }

    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        Ok(self.call(id).await?.map(|call| call.observed()))
    }

    /// Asks by the numbers alone and compares our id here: were a filter on metadata to fail silently, a call that rang would
    /// look as if it had never been placed. How soon the list shows a call that has not been answered is not documented.
    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        let is = |phone: &model::phone::Phone| json!({ "type": "string", "op": "eq", "value": phone.as_str() });
        let mut found = self.pages(json!({ "to_number": is(&look.to), "from_number": is(&look.from) })).await?;
        found.retain(|seen| look.wants(seen));
        Ok(found)
    }

    /// Calls that were answered: the others have no beginning at Retell, and cost nothing.
    async fn list(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        let span = [since.timestamp_millis(), until.timestamp_millis() - 1];
        self.pages(json!({ "start_timestamp": { "type": "range", "op": "bt", "value": span } })).await
    }

    async fn hang_up(&self, id: &ProviderCallId) -> Result<(), ProviderError> {
        if !exchange::is_id(id.as_str()) {
            return Err(ProviderError::Malformed("not an id of a call at Retell".into()));
        }
        match self.api.tell(self.api.request(Method::POST, &format!("/v2/stop-call/{id}"))).await {
            Ok(()) => Ok(()),
            // What an ended call is refused with is not documented: look whether it is over.
            Err(Trouble::Refused(refusal)) if refusal.kind != RefusalKind::Transient => match self.fetch(id).await? {
                Some(Observed { status: ProviderStatus::Ended(_), .. }) => Ok(()),
                _ => Err(ProviderError::Refused(refusal)),
            },
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn check(&self) -> Result<AccountInfo, ProviderError> {
        let lines: wire::Concurrency = self.api.get("/get-concurrency").await?;
        Ok(AccountInfo {
            account: "workspace".to_owned(),
            name: format!("Retell, {} of {} calls at once", lines.current_concurrency, lines.concurrency_limit),
            active: lines.concurrency_limit > 0,
            balance_micros: None,
            currency: None,
        })
    }

    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        Ok(self.call(id).await?.map(|call| call.news()).unwrap_or_default())
    }

    /// By its link, which needs no key and may die ten minutes after the call (data_storage_setting basic_attributes_only).
    async fn recording(&self, recording: &Recording) -> Result<Sound, ProviderError> {
        let link = recording.url.as_deref().ok_or_else(|| ProviderError::Malformed("a recording without a link".into()))?;
        self.api.linked_sound(link).await
    }

    fn verify(&self, request: &CallbackRequest<'_>, now: DateTime<Utc>) -> Result<(), BadSignature> {
        let key = self.api.account.webhook_secret.as_ref().unwrap_or(&self.api.account.secret);
        sign::verify(key.expose_secret(), request, now)
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

    fn voices(&self) -> Option<&dyn Voices> {
        Some(self)
    }
}

/// The body of `create-phone-call`; `None` without an agent.
fn create_body(call: &Originate) -> Option<Value> {
    let agent = call.agent.as_ref()?;
    let mut settings = json!({
        "ring_duration_ms": milliseconds(call.ring_seconds_max, &RING_MS),
        "max_call_duration_ms": milliseconds(call.talk_seconds_max, &TALK_MS),
    });
    if !call.machine_detection {
        settings["voicemail_option"] = Value::Null;
    }
    let mut body = json!({
        "from_number": call.from.as_str(),
        "to_number": call.to.as_str(),
        "override_agent_id": agent.id,
        "agent_override": { "agent": settings },
        "metadata": { CALL_KEY: call.call.to_string() },
        // Texts, whatever they stand for: the schema takes anything, the product does not (edge 14).
        "retell_llm_dynamic_variables": call.variables,
    });
    if let Some(version) = &agent.version {
        body["override_agent_version"] = version_word(version);
    }
    Some(body)
}

/// A version is a number, or a tag.
fn version_word(version: &str) -> Value {
    version.parse::<u64>().map_or_else(|_| Value::from(version), Value::from)
}

fn milliseconds(seconds: u32, limits: &std::ops::RangeInclusive<u64>) -> u64 {
    (u64::from(seconds) * 1000).clamp(*limits.start(), *limits.end())
}
