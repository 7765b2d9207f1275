//! Maqsam, a cloud call centre: one account, spoken to over its REST API. A person or an AI agent of the account talks; they are
//! made in Maqsam's portal and only named here, by e-mail address, as [`Originate::agent`]. Here are the requests; words and
//! shapes are in `wire`, the webhook in `callback`, settings in `options`. Facts, and how far each is known:
//! docs/providers/maqsam.md. **Nothing of it was ever checked against a live account.**
//!
//! What Maqsam does not do, so that nobody counts on it: it reads no script, takes no limit of a call's length, cannot be told to
//! hang up, detects no machine, tells no price, keeps no id of ours and signs nothing. News comes by asking: `report` and `list`.
//!
//! The account's `id` and `secret` are the access key id and the access secret. `webhook_secret` is a secret of ours in the URL
//! (or a header) of the "Notify" webhook; without one every callback is refused. Options: see [`Options`].

mod callback;
mod options;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    collections::HashSet,
    fmt,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret;
use url::Url;

use crate::{
    Account,
    engine::{Colleague, Staff},
    exchange::{self, Trouble, configuration},
    voice::*,
};
pub use options::Options;

/// One of the addresses that Maqsam is known to serve; which one is an account's own is for its owner to say (edge 32).
pub const BASE_URL: &str = "https://api.maqsam.com";
/// Carries our id of the call with the request, where their support (and gremlin) can find it. Nothing of theirs reads it.
pub const CALL_HEADER: &str = "x-request-id";
/// Pages read for one question: 100 items each, as far as that is known.
const PAGES_MAX: u32 = 50;
/// The agent is looked at before a call, on as many pages as this time allows: the call itself needs the rest of the lease.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);
/// Their moments are whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// One Maqsam account.
pub struct Maqsam {
    account: Account,
    options: Options,
    client: Client,
}

impl fmt::Debug for Maqsam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maqsam").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Maqsam {
    pub fn new(account: Account, client: Client) -> Self {
        Self { options: Options::read(&account.options), account, client }
    }

    /// A request with the key on it. The path begins with a slash.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.account.base());
        self.client.request(method, url).basic_auth(&self.account.id, Some(self.account.secret.expose_secret()))
    }

    /// One that names a thing by a text of theirs, whatever is in it.
    fn request_for(&self, path: &str, id: &str) -> Option<RequestBuilder> {
        let mut url = Url::parse(&format!("{}{path}", self.account.base())).ok()?;
        url.path_segments_mut().ok()?.push(id);
        let (user, secret) = (&self.account.id, self.account.secret.expose_secret());
        Some(self.client.get(url).basic_auth(user, Some(secret)))
    }

    async fn call(&self, id: &ProviderCallId) -> Result<Option<wire::Call>, ProviderError> {
        let (request, reference) = match wire::read_id(id) {
            Some(wire::Id::Reference(reference)) => (self.request_for("/v3/calls/reference_id", reference), Some(reference)),
            Some(wire::Id::Number(number)) => (self.request_for("/v3/calls/id", number), None),
            None => (None, None),
        };
        let Some(request) = request else { return Ok(None) };
        match exchange::ask::<wire::One>(request, wire::refusal).await {
            Ok(one) => match one.call() {
                Some(call) => Ok(Some(call.known_as(reference))),
                None => Err(ProviderError::Malformed("an answer without a call".into())),
            },
            Err(trouble) if trouble.is_refused(wire::NOT_FOUND) => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// All pages of calls from one moment to another. Pages 0 and 1 are the same, so counting begins at 1. Whether a page holds
    /// 100 is not certain: the end is a page that brings nothing new. New calls push old ones to the next page meanwhile, which
    /// brings some twice and loses none.
    async fn pages(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<wire::Call>, ProviderError> {
        let (mut known, mut found) = (HashSet::new(), Vec::new());
        for page in 1..=PAGES_MAX {
            let query = [
                ("page", page.to_string()),
                ("start_time", (since - SECOND).timestamp().to_string()),
                ("end_time", (until + SECOND).timestamp().to_string()),
            ];
            let request = self.request(Method::GET, "/v3/calls").query(&query);
            let page: wire::Page<wire::Call> = exchange::ask(request, wire::refusal).await?;
            let before = found.len();
            found.extend(page.message.into_iter().filter(|call| known.insert(call.provider_id())));
            if found.len() == before {
                return Ok(found);
            }
        }
        Err(ProviderError::TooMany(PAGES_MAX as usize))
    }

    /// One page of the account's people.
    async fn staff_page(&self, page: u32, deadline: Option<Instant>) -> Result<Vec<wire::Agent>, Trouble> {
        let path = if page <= 1 { "/v1/agents".to_owned() } else { format!("/v1/agents/page/{page}") };
        let mut request = self.request(Method::GET, &path);
        if let Some(deadline) = deadline {
            request = request.timeout(deadline.saturating_duration_since(Instant::now()));
        }
        let page: wire::Page<wire::Agent> = exchange::ask(request, wire::refusal).await?;
        Ok(page.message)
    }

    /// Everybody, or those up to the one wanted.
    async fn staff_until(&self, wanted: Option<&str>, deadline: Option<Instant>) -> Result<Vec<wire::Agent>, Trouble> {
        let (mut known, mut found) = (HashSet::new(), Vec::new());
        for page in 1..=PAGES_MAX {
            let (before, page) = (found.len(), self.staff_page(page, deadline).await?);
            found.extend(page.into_iter().filter(|agent| known.insert(agent.email.to_lowercase())));
            if found.len() == before || wanted.is_some_and(|email| found.iter().any(|agent| agent.is(email))) {
                break;
            }
        }
        Ok(found)
    }

    /// Why this agent cannot call now. Only a clear answer keeps a call back: the request itself will tell better than silence.
    async fn obstacle(&self, email: &str) -> Option<Refusal> {
        match self.staff_until(Some(email), Some(Instant::now() + LOOK_TIMEOUT)).await {
            Ok(all) => match all.iter().find(|agent| agent.is(email)) {
                Some(agent) => agent.obstacle(),
                None => Some(configuration("unknown_agent", "Maqsam knows no agent with this e-mail address.")),
            },
            Err(Trouble::Refused(refusal)) => Some(refusal),
            Err(_) => None,
        }
    }

    /// The form of click-to-call.
    fn form<'a>(&self, call: &'a Originate, email: &'a str) -> Vec<(&'static str, &'a str)> {
        let number = |phone: &'a model::phone::Phone| if self.options.plus { phone.as_str() } else { phone.digits() };
        let mut form = vec![("email", email), ("phone", number(&call.to))];
        if self.options.send_caller {
            form.push(("caller", number(&call.from)));
        }
        form
    }
}

#[async_trait]
impl VoiceProvider for Maqsam {
    async fn originate(&self, call: &Originate) -> Answer {
        let email = call.agent.as_ref().map(|agent| agent.id.as_str()).or(self.options.agent.as_deref());
        let Some(email) = email.filter(|email| wire::is_email(email)) else {
            let why = "A call over Maqsam needs the e-mail address of the agent who talks.";
            return Answer::Refused(configuration("no_agent", why));
        };
        if self.options.check_agent
            && let Some(refusal) = self.obstacle(email).await
        {
            return Answer::Refused(refusal);
        }
        let request = self.request(Method::POST, &self.options.create_path).form(&self.form(call, email));
        let request = request.header(CALL_HEADER, call.call.to_string());
        let created = exchange::ask::<wire::Created>(request, wire::refusal).await;
        exchange::answer(call, created.map(wire::Created::id))
    }

    /// A webhook knows a call by its number only: asked for by that, it comes back under the reference it was placed with.
    async fn fetch(&self, id: &ProviderCallId) -> Result<Option<Observed>, ProviderError> {
        Ok(self.call(id).await?.map(|call| call.observed(&self.options)))
    }

    /// Asks by time alone and compares the numbers here: were a filter to fail silently, a call that rang would look as if it
    /// had never been placed. For the same reason a call from another number of ours counts, unless the account says that
    /// `callerNumber` is to be trusted, and a call of another agent: whose calls a list names, and how, is less certain still.
    /// How soon the list shows a call is not known.
    async fn find(&self, look: &LookUp) -> Result<Vec<Observed>, ProviderError> {
        // A call of the first second is listed as of its beginning.
        let wide = LookUp { since: look.since - SECOND, until: look.until + SECOND, ..look.clone() };
        let calls = self.pages(wide.since, wide.until).await?;
        let wants = |seen: &Observed| {
            let trusted = if self.options.match_caller { seen.from.clone() } else { None };
            wide.wants(&Observed { from: trusted, ..seen.clone() })
        };
        Ok(calls.iter().map(|call| call.observed(&self.options)).filter(wants).collect())
    }

    async fn list(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<Observed>, ProviderError> {
        let calls = self.pages(since, until).await?;
        let inside = |seen: &Observed| seen.created_at.is_none_or(|at| (since..until).contains(&at));
        Ok(calls.iter().map(|call| call.observed(&self.options)).filter(inside).collect())
    }

    async fn hang_up(&self, _id: &ProviderCallId) -> Result<(), ProviderError> {
        Err(ProviderError::Unsupported("Maqsam cannot be told to end a call"))
    }

    /// The people of the account are what any key may read.
    async fn check(&self) -> Result<AccountInfo, ProviderError> {
        let all = self.staff_until(None, None).await?;
        let able = all.iter().filter(|agent| agent.may_call()).count();
        Ok(AccountInfo {
            account: self.account.id.clone(),
            name: format!("Maqsam, {able} of {} agents may call", all.len()),
            active: able > 0,
            balance_micros: None,
            currency: None,
        })
    }

    async fn report(&self, id: &ProviderCallId) -> Result<Vec<CallbackKind>, ProviderError> {
        Ok(self.call(id).await?.map(|call| call.news(&self.options)).unwrap_or_default())
    }

    /// By the number of the call. Not there right after the end, which is a transient refusal: ask again.
    async fn recording(&self, recording: &Recording) -> Result<Sound, ProviderError> {
        let is_number = !recording.id.is_empty() && recording.id.bytes().all(|byte| byte.is_ascii_digit());
        let request = self.request_for("/v1/recording", &recording.id).filter(|_| is_number);
        let request = request.ok_or_else(|| ProviderError::Malformed("not a number of a call at Maqsam".into()))?;
        Ok(exchange::sound(request, wire::recording_refusal).await?)
    }

    fn verify(&self, request: &CallbackRequest<'_>, _now: DateTime<Utc>) -> Result<(), BadSignature> {
        let secret = self.account.webhook_secret.as_ref().ok_or(BadSignature)?;
        callback::verify(secret.expose_secret(), &self.options, request)
    }

    fn parse(&self, request: &CallbackRequest<'_>) -> Result<Vec<Callback>, Malformed> {
        Ok(vec![callback::parse(request, &self.options)])
    }

    /// Nobody reads it.
    fn reply(&self, _reply: &Reply) -> ReplyBody {
        ReplyBody { content_type: "application/json", body: "{}".to_owned() }
    }

    fn staff(&self) -> Option<&dyn Staff> {
        Some(self)
    }
}

#[async_trait]
impl Staff for Maqsam {
    async fn list(&self) -> Result<Vec<Colleague>, ProviderError> {
        Ok(self.staff_until(None, None).await?.into_iter().map(wire::Agent::colleague).collect())
    }
}
