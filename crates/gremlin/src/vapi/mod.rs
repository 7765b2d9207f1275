//! Vapi's REST API: routes, the key, errors. Resources are in the files beside this one; what its calls tell is in `terms`, and
//! how a call looks in `show`.

mod assets;
mod assistants;
mod calls;
mod create;
pub mod inbound;
mod show;
pub mod sign;
pub mod terms;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::{DOCUMENT_BYTES_MAX, admission::Unadmitted, clock, faults::FaultKind, keys, network::Network};

/// Whose key the request carries.
#[derive(Debug, Clone)]
pub struct Owner(pub String);

pub fn routes(network: &Arc<Network>) -> Router<Arc<Network>> {
    let api = Router::new()
        .route("/assistant", post(assistants::create))
        .route("/assistant/{id}", get(assistants::fetch).patch(assistants::update).delete(assistants::remove))
        .route("/call", get(calls::list).post(create::create))
        .route("/call/{id}", get(calls::fetch))
        .route("/call/{id}/mono-recording", get(calls::recording_link))
        .route("/file", post(assets::upload).layer(DefaultBodyLimit::max(DOCUMENT_BYTES_MAX)))
        .route("/file/{id}", get(assets::file).delete(assets::remove_file))
        .route("/phone-number", get(assets::list_numbers).post(assets::import_number))
        .route("/phone-number/{id}", patch(assets::update_number))
        .route("/credential", post(assets::create_credential))
        .layer(middleware::from_fn_with_state(Arc::clone(network), guard));
    // Whoever knows these links may use them, for as long as they live.
    Router::new()
        .route("/vapi/recordings/{file}", get(calls::recording))
        .route("/vapi/control/{id}", post(calls::control))
        .merge(api)
}

/// An error as Vapi writes it.
#[derive(Debug, Clone)]
pub struct Refusal(StatusCode, Value);

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<Value>) -> Self {
        Self(status, message.into())
    }
    pub fn bad(message: impl Into<Value>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
    pub fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }
    pub fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
    }
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
    fn down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
    }
}

impl From<Unadmitted> for Refusal {
    fn from(why: Unadmitted) -> Self {
        match why {
            Unadmitted::Broken => Self::internal(),
            Unadmitted::TooMany => Self::too_many(),
            Unadmitted::Full => Self::bad("Over Concurrency Limit."),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        let body = json!({ "message": message, "error": status.canonical_reason(), "statusCode": status.as_u16() });
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, 1.into());
        }
        response
    }
}

/// The key, and the fault that takes the whole API down.
async fn guard(State(network): State<Arc<Network>>, mut request: Request, next: Next) -> Response {
    let Some(account) = keys::bearer(request.headers()).and_then(|key| network.account_of(key)) else {
        let why = "Invalid Key. Hint, you may be using the public key instead of the private key, or vice versa.";
        return Refusal::new(StatusCode::UNAUTHORIZED, why).into_response();
    };
    if network.strikes(FaultKind::Down, &account, "").is_some() {
        return Refusal::down().into_response();
    }
    request.extensions_mut().insert(Owner(account));
    next.run(request).await
}

/// A UUID that no other run of this program gives.
pub fn uuid(network: &Network, about: &str) -> String {
    shaped(&network.new_sid("XX", &format!("vapi {about}"))[2..])
}

/// One for something new.
fn new_id(network: &Network, about: &str) -> String {
    uuid(network, &format!("{about} {}", clock::now().timestamp_nanos_opt().unwrap_or_default()))
}

/// 32 hexadecimal digits as a UUID of version 4.
fn shaped(digits: &str) -> String {
    let d = digits.to_lowercase();
    format!("{}-{}-4{}-8{}-{}", &d[..8], &d[8..12], &d[13..16], &d[17..20], &d[20..32])
}

/// The organisation that an account is, the same in every run.
pub fn organisation(account: &str) -> String {
    shaped(&crate::token_for("organisation", account))
}

pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What everything that is kept begins with.
fn kept(id: &str, account: &str) -> Value {
    let now = stamp(clock::now());
    json!({ "id": id, "orgId": organisation(account), "createdAt": now, "updatedAt": now })
}

/// Puts the fields of a request over those that are there; null takes one away.
fn merge(document: &mut Value, changes: serde_json::Map<String, Value>) {
    if let Some(fields) = document.as_object_mut() {
        for (name, value) in changes {
            if value.is_null() {
                fields.remove(&name);
            } else {
                fields.insert(name, value);
            }
        }
        fields.insert("updatedAt".to_owned(), stamp(clock::now()).into());
    }
}
