//! What comes in: who asks, by key or token and never by cookie; what they ask; and writes that may be sent twice.

use super::Api;
use super::envelope::{Answer, Refusal, done_text, json};
use crate::{caller, limits};
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::Error;
use model::features::Feature;
use model::page::Paging;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use services::accounts::{Caller, Client, tokens};
use services::actor::Actor;
use services::idempotency::{self, Answered};
use services::{Db, Tx, api_keys, features};
use std::str::FromStr;
use utoipa::IntoParams;
use uuid::Uuid;

/// How often a write with this header is done: once.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Who asks.
#[derive(Clone)]
pub struct Who {
    pub db: Db,
    pub actor: Actor,
    /// The key or session, for what is counted and remembered per program.
    id: Uuid,
    person: Option<Caller>,
}

impl Who {
    /// Opens the one transaction of a door, unless the company has no REST API.
    pub async fn begin(&self) -> Result<Tx, Refusal> {
        let mut tx = self.db.begin(&self.actor).await?;
        if features::has(&mut tx, Feature::RestApi).await? { Ok(tx) } else { Err(Refusal::Off(Feature::RestApi)) }
    }

    /// The person who signed in; a key is nobody.
    pub fn person(&self) -> Result<&Caller, Refusal> {
        self.person.as_ref().ok_or(Refusal::PeopleOnly)
    }
}

/// Finds out who asks, once per request, and counts it. Handlers that need somebody take [`Who`].
pub async fn identify(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let client = caller::client(&request);
    tracing::Span::current().record("ip", &client.ip);
    let (address, now) = (caller::counted_as(&client.ip), api.db.clock().now());
    if let Err(error) = api.rates.admit(&limits::PER_ADDRESS, &address, now).await {
        return Refusal::Told(error).into_response();
    }
    let found = match bearer(request.headers()) {
        None => Err(Refusal::Told(Error::Unauthenticated)),
        Some(bearer) => resolve(&api.db, bearer, &client).await,
    };
    let taken = match &found {
        Ok(who) => {
            caller::told(&who.actor);
            let company = who.actor.company().to_string();
            if let Err(error) = api.rates.admit(&limits::PER_COMPANY, &company, now).await {
                return Refusal::Told(error).into_response();
            }
            Some(api.rates.take(&limits::PER_KEY, &who.id.to_string(), now).await)
        }
        // Whoever guesses is counted by where they guess from.
        Err(Refusal::Unknown) => Some(api.rates.take(&limits::PER_KEY, &address, now).await),
        Err(_) => None,
    };
    request.extensions_mut().insert(Asker(found));
    let mut response = match &taken {
        Some(taken) if !taken.is_allowed => {
            Refusal::Told(Error::RateLimited { retry_seconds: taken.reset_seconds }).into_response()
        }
        _ => next.run(request).await,
    };
    if let Some(taken) = taken {
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(limits::PER_KEY.max));
        headers.insert(REMAINING, HeaderValue::from(taken.remaining));
        headers.insert(RESET, HeaderValue::from(taken.reset_seconds));
    }
    response
}

/// What [`identify`] found out.
#[derive(Clone)]
struct Asker(Result<Who, Refusal>);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Asker>().map_or(Err(Refusal::Told(Error::Unauthenticated)), |asker| asker.0.clone())
    }
}

/// The text after `Bearer`, whatever it is.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn resolve(db: &Db, bearer: &str, client: &Client) -> Result<Who, Refusal> {
    let db = db.clone();
    let (actor, id, person, barred) = if api_keys::is_key(bearer) {
        let holder = api_keys::resolve(&db, bearer, &client.ip).await?.ok_or(Refusal::Unknown)?;
        (holder.actor, holder.id.uuid(), None, holder.barred)
    } else {
        let caller = tokens::resolve(&db, bearer).await?.ok_or(Refusal::Unknown)?;
        (caller.actor.clone(), caller.session.uuid(), Some(caller.clone()), caller.barred)
    };
    match barred {
        Some(bar) => Err(Refusal::Barred(bar)),
        None => Ok(Who { db, actor, id, person }),
    }
}

/// The query, read into a type of its own.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Error::field("query", NUL).into());
        }
        let asked = Query::<T>::try_from_uri(&parts.uri);
        asked.map(|query| Self(query.0)).map_err(|e| Error::field("query", e.body_text()).into())
    }
}

/// Which page of a list.
#[derive(Debug, Default, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Pages {
    /// Counted from 1; numbers out of range are brought into it.
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    /// Rows per page, at most 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Rows per page when the program does not say.
const PER_PAGE: u32 = 20;

impl Pages {
    pub fn new(page: Option<u32>, limit: Option<u32>) -> Self {
        Self { page, limit }
    }

    pub fn paging(&self) -> Paging {
        Paging::new(self.page.unwrap_or(1), self.limit.unwrap_or(PER_PAGE))
    }
}

/// The id in a path. A text that is no id is answered as an id of nothing.
pub fn named<I: FromStr>(what: &str, text: &str) -> Result<I, Refusal> {
    text.parse().map_err(|_| Error::not_found(what).into())
}

/// The text of a field that may say one of few words.
pub fn word<W: FromStr>(field: &str, text: &str, words: &str) -> Result<W, Refusal> {
    text.parse().map_err(|_| Error::field(field, format!("Choose one of: {words}.")).into())
}

const NUL: &str = "Leave out the character NUL.";

/// A write: who, and what they sent.
pub struct Write<T> {
    pub who: Who,
    pub body: T,
    request: Option<idempotency::Request>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Write<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let who = Who::from_request_parts(&mut parts, state).await?;
        let too_large = |_| Refusal::of_status(StatusCode::PAYLOAD_TOO_LARGE);
        let bytes = to_bytes(body, limits::FORM_BYTES_MAX).await.map_err(too_large)?;
        let request = match parts.headers.get(IDEMPOTENCY_KEY) {
            Some(key) => {
                let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
                let key = key.to_str().unwrap_or_default();
                Some(idempotency::Request::try_new(who.id, key, parts.method.as_str(), path, &bytes)?)
            }
            None => None,
        };
        Ok(Self { who, body: read(&bytes)?, request })
    }
}

/// Reads a body: JSON, or nothing where all fields may be left out.
pub fn read<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    let unreadable = |e: serde_json::Error| Error::field("body", e.to_string());
    let value: Value = if bytes.is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(bytes).map_err(unreadable)?
    };
    // Postgres keeps no NUL in a text.
    if has_nul(&value) {
        return Err(Error::field("body", NUL).into());
    }
    Ok(serde_json::from_value(value).map_err(unreadable)?)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A write under way.
pub struct Writing {
    pub tx: Tx,
    request: Option<idempotency::Request>,
}

impl<T> Write<T> {
    /// Opens the transaction. A request that came before is answered as it was, by way of the error.
    pub async fn begin(self) -> Result<(Writing, T), Refusal> {
        let mut tx = self.who.begin().await?;
        if let Some(request) = &self.request
            && let Some(answered) = idempotency::claim(&mut tx, request).await?
        {
            return Err(Refusal::Before(answered));
        }
        Ok((Writing { tx, request: self.request }, self.body))
    }

    /// For the few writes that are no one transaction, or whose answer must not be kept: they take no `Idempotency-Key`.
    pub fn unkeyed(self) -> Result<(Who, T), Refusal> {
        match self.request {
            Some(_) => Err(Error::field("Idempotency-Key", "This operation takes none.").into()),
            None => Ok((self.who, self.body)),
        }
    }
}

impl Writing {
    /// Keeps the answer, commits, and gives it.
    pub async fn answer<R: Serialize>(mut self, status: StatusCode, data: R, message: &str) -> Answer {
        let body = done_text(data, message)?;
        if let Some(request) = &self.request {
            let answered = Answered { status: status.as_u16(), body: body.clone() };
            idempotency::keep(&mut self.tx, request, &answered).await?;
        }
        self.tx.commit().await?;
        Ok(json(status, body))
    }
}
