//! ElevenLabs: one workspace, spoken to over its REST API. It holds conversations with agents kept there, and it reads texts out.
//! Here are calls; words and shapes are in `wire` and `errors`, callbacks in `callback` and `sign`, agents in `agents` and `collection`, documents, numbers and
//! voices in `assets`, texts into sound in `speech`, the webhooks of the workspace in `webhooks`. Facts and their sources:
//! docs/providers/elevenlabs.md.
//!
//! `secret` is the API key, and enough for voices and speech. `webhook_secret` is what the workspace's webhook was made with;
//! without it no callback is believed. The account's `id` is not used. Options, all of them for speech and each with a default of
//! ElevenLabs: `speech_model`, `speech_stability`, `speech_similarity`, `speech_style` (0 to 1), `speech_speed` (0.7 to 1.2),
//! `speech_speaker_boost` (`true` or `false`).

mod agents;
mod assets;
mod callback;
mod collection;
mod errors;
pub mod sign;
mod speech;
#[cfg(test)]
mod tests;
mod webhooks;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use model::id::CallId;
use reqwest::{Client, Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::{
    Account,
    api::{Api, Dialect},
    engine::{Agents, Knowledge, Numbers, Speech, Voices},
    exchange::{self, configuration},
    voice::*,
};

/// ElevenLabs' public service. Workspaces with data residency have hosts of their own.
pub const BASE_URL: &str = "https://api.elevenlabs.io";
/// Where our id of a call is kept among its dynamic variables.
pub const CALL_KEY: &str = "belfry_call";
/// Before the id of a number that is reached by SIP: such a number has a door of its own for calls.
const TRUNK: &str = "sip_trunk:";
/// Limits that ElevenLabs accepts, in seconds.
const RING_SECONDS: std::ops::RangeInclusive<u32> = 1..=999;
/// Items per page of a list, the most there may be.
const PAGE_SIZE: u32 = 100;
/// Pages read for one question.
const PAGES_MAX: usize = 200;
/// Conversations looked at one by one for one question: a list does not say who was called.
const DETAILS_MAX: usize = 500;

/// One ElevenLabs workspace.
#[derive(Debug)]
pub struct ElevenLabs {
    api: Api,
}

impl ElevenLabs {
    pub fn new(account: Account, client: Client) -> Self {
        let authorize = |request: RequestBuilder, account: &Account| request.header("xi-api-key", account.secret.expose_secret());
        Self { api: Api::new(account, client, Dialect { authorize, refuse: errors::refusal, is_missing: errors::is_missing }) }
    }

    async fn conversation(&self, id: &str) -> Result<Option<wire::Conversation>, ProviderError> {
        self.api.find_by_id("/v1/convai/conversations", id).await
    }

    /// What began in this span, all pages, with a second to spare at both ends: moments are whole seconds here.
    async fn summaries(
        &self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
        call: Option<CallId>,
    ) -> Result<Vec<wire::Summary>, ProviderError> {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut request = self.api.request(Method::GET, "/v1/convai/conversations").query(&[
                ("page_size", PAGE_SIZE.to_string()),
                ("call_start_after_unix", (since.timestamp() - 1).to_string()),
                ("call_start_before_unix", (until.timestamp() + 1).to_string()),
            ]);
            if let Some(call) = call {
                request = request.query(&[("user_id", call.to_string())]);
            }
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let page: wire::Page = self.api.ask(request).await?;
            found.extend(page.conversations);
            cursor = page.next_cursor.filter(|_| page.has_more);
            if cursor.is_none() {
                return Ok(found);
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX))
    }

    /// Those of them that are looked for, each asked for by itself.
    async fn wanted(&self, summaries: Vec<wire::Summary>, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        let outbound: Vec<_> = summaries.into_iter().filter(wire::Summary::may_be_outbound).collect();
        if outbound.len() > DETAILS_MAX {
            return Err(ProviderError::TooMany(DETAILS_MAX));
        }
        let mut found = Vec::new();
        for summary in outbound {
            let seen = self.conversation(&summary.conversation_id).await?.map(|conversation| conversation.observed());
            found.extend(seen.filter(|seen| look.wants(seen)));
        }
        Ok(found)
    }
}

#[async_trait]
impl VoiceProvider for ElevenLabs {
    async fn originate(&self, call: &Originate) -> Answer {
        let (path, body) = match create(call) {
            Ok(request) => request,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let placed = self.api.send::<errors::Placed>(Method::POST, path, &body).await;
        exchange::answer(call, placed.and_then(errors::Placed::id))
    }

    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        Ok(self.conversation(id.as_str()).await?.map(|conversation| conversation.observed()))
    }

    /// By our id first, which every call carries as its user. Were that filter to fail silently, a call that rang would look as
    /// if it had never been placed: so nothing found that way is believed only when nothing in the whole span is ours either.
    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        let look = LookUp { since: look.since - TimeDelta::seconds(1), ..look.clone() };
        if look.call.is_some() {
            let found = self.wanted(self.summaries(look.since, look.until, look.call).await?, &look).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.wanted(self.summaries(look.since, look.until, None).await?, &look).await
    }

    /// Without numbers, reasons and prices, which a list does not show.
    async fn list(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        let all = self.summaries(since, until, None).await?;
        let seen = all.iter().filter(|summary| summary.may_be_outbound()).map(wire::Summary::observed);
        Ok(seen.filter(|seen| seen.started_at.is_some_and(|at| since <= at && at < until)).collect())
    }

    /// There is no such request at ElevenLabs: the agent ends its calls, or the carrier does.
    async fn hang_up(&self, _id: &ProviderCallId) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("ElevenLabs cannot be asked to end a call that is on"))
    }

    async fn check(&self) -> Result<AccountInfo, ProviderError> {
        let plan: wire::Subscription = self.api.get("/v1/user/subscription").await?;
        let dead = self.dead_webhook().await?;
        let mut name = format!("ElevenLabs {}, {} of {} credits used", plan.tier, plan.character_count, plan.character_limit);
        if let Some(dead) = &dead {
            name.push_str(&format!("; the webhook {dead:?} is switched off: nothing will be heard of calls"));
        }
        Ok(AccountInfo {
            account: "workspace".to_owned(),
            name,
            active: plan.is_active() && dead.is_none(),
            balance_micros: None,
            currency: None,
        })
    }

    async fn listen(&self, url: &str) -> Result<Option<SecretString>, ProviderError> {
        self.make_webhook(url).await.map(Some)
    }

    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        Ok(self.conversation(id.as_str()).await?.map(|conversation| conversation.news()).unwrap_or_default())
    }

    async fn recording(&self, recording: &Recording) -> Result<Sound, ProviderError> {
        if !exchange::is_id(&recording.id) {
            return Err(ProviderError::Malformed("not an id of a conversation at ElevenLabs".into()));
        }
        let request = self.api.request(Method::GET, &format!("/v1/convai/conversations/{}/audio", recording.id));
        Ok(exchange::sound(request, errors::refusal).await?)
    }

    fn verify(&self, request: &CallbackRequest<'_>, now: DateTime<Utc>) -> Result<(), BadSignature> {
        let secret = self.api.account.webhook_secret.as_ref().ok_or(BadSignature)?.expose_secret();
        if request.headers.contains_key(sign::HEADER) {
            return sign::verify(secret, request, now);
        }
        // The question about a call that comes in is not signed; it carries what we gave it. That opens no other door.
        if callback::is_question(request.body) { sign::verify_question(secret, request) } else { Err(BadSignature) }
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

    fn speech(&self) -> Option<&dyn Speech> {
        Some(self)
    }
}

/// Where a call is asked for, and with what.
fn create(call: &Originate) -> Result<(&'static str, Value), Refusal> {
    let no_agent = || configuration("no_agent", "A call over ElevenLabs needs an agent that is published there.");
    let no_number = || configuration("no_number", "A call over ElevenLabs needs the id of a number that is imported there.");
    let agent = call.agent.as_ref().ok_or_else(no_agent)?;
    let number = call.from_id.as_deref().filter(|id| !id.is_empty()).ok_or_else(no_number)?;
    let (path, number) = match number.strip_prefix(TRUNK) {
        Some(bare) => ("/v1/convai/sip-trunk/outbound-call", bare),
        None => ("/v1/convai/twilio/outbound-call", number),
    };
    let mut told = initiation(call.call, &call.variables);
    told["conversation_config_override"] = json!({ "conversation": { "max_duration_seconds": call.talk_seconds_max } });
    let ring_seconds = call.ring_seconds_max.clamp(*RING_SECONDS.start(), *RING_SECONDS.end());
    let body = json!({
        "agent_id": agent.id,
        "agent_phone_number_id": number,
        "to_number": call.to.as_str(),
        "conversation_initiation_client_data": told,
        "telephony_call_config": { "ringing_timeout_secs": ring_seconds },
    });
    Ok((path, body))
}

/// What a conversation is told at its beginning: variables, and our id among them and as its user, by which it is found again.
fn initiation(call: CallId, variables: &std::collections::BTreeMap<String, String>) -> Value {
    let mut all = json!(variables);
    all[CALL_KEY] = call.to_string().into();
    json!({ "dynamic_variables": all, "user_id": call.to_string() })
}
