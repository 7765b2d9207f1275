//! ElevenLabs' REST API: routes, the key, errors. Resources are in the files beside this one; what its calls tell is in `terms`.
//! Every webhook of an account has the same secret, [`crate::webhook_secret_for`] it; at ElevenLabs each has its own.

mod agents;
mod assets;
mod calls;
mod create;
pub mod inbound;
mod knowledge;
pub mod sign;
mod speech;
pub mod terms;
mod webhooks;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use serde_json::{Value, json};

use crate::{DOCUMENT_BYTES_MAX, admission::Unadmitted, clock, faults::FaultKind, network::Network};

/// Whose key the request carries.
#[derive(Debug, Clone)]
pub struct Owner(pub String);

pub fn routes(network: &Arc<Network>) -> Router<Arc<Network>> {
    Router::new()
        .route("/v1/user/subscription", get(assets::subscription))
        .route("/v2/voices", get(assets::voices))
        .route("/v1/text-to-speech/{voice}", post(speech::speak))
        .route("/v1/workspace/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/v1/workspace/webhooks/{id}", patch(webhooks::update))
        .route("/v1/convai/agents/create", post(agents::create))
        .route("/v1/convai/agents/{id}", get(agents::fetch).patch(agents::update).delete(agents::remove))
        .route("/v1/convai/knowledge-base/text", post(knowledge::text).layer(DefaultBodyLimit::max(DOCUMENT_BYTES_MAX)))
        .route("/v1/convai/knowledge-base/url", post(knowledge::url))
        .route("/v1/convai/knowledge-base/file", post(knowledge::file).layer(DefaultBodyLimit::max(DOCUMENT_BYTES_MAX)))
        .route("/v1/convai/knowledge-base/{id}", get(knowledge::fetch).delete(knowledge::remove))
        .route("/v1/convai/phone-numbers", get(assets::numbers).post(assets::import))
        .route("/v1/convai/phone-numbers/{id}", patch(assets::bind))
        .route("/v1/convai/twilio/outbound-call", post(create::over_twilio))
        .route("/v1/convai/sip-trunk/outbound-call", post(create::over_trunk))
        .route("/v1/convai/conversations", get(calls::list))
        .route("/v1/convai/conversations/{id}", get(calls::fetch))
        .route("/v1/convai/conversations/{id}/audio", get(calls::audio))
        .layer(middleware::from_fn_with_state(Arc::clone(network), guard))
}

/// An error as ElevenLabs writes it: a text, a word with a sentence, or a list of what is wrong where.
#[derive(Debug, Clone)]
pub struct Refusal(StatusCode, Value);

impl Refusal {
    pub fn new(status: StatusCode, word: &str, message: impl Into<String>) -> Self {
        Self(status, json!({ "status": word, "message": message.into() }))
    }
    pub fn bad(word: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, word, message)
    }
    /// A field of the body that cannot be.
    pub fn field(name: &str, message: &str) -> Self {
        let wrong = json!([{ "loc": ["body", name], "msg": message, "type": "value_error" }]);
        Self(StatusCode::UNPROCESSABLE_ENTITY, wrong)
    }
    pub fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, &format!("{what}_not_found"), format!("There is no such {what}."))
    }
    pub fn too_many() -> Self {
        let message = "Too many concurrent requests. Your current subscription is associated with a maximum of 10.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_concurrent_requests", message)
    }
    pub fn internal() -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error".into())
    }
    fn down() -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable".into())
    }
}

impl From<Unadmitted> for Refusal {
    fn from(why: Unadmitted) -> Self {
        match why {
            Unadmitted::Broken => Self::internal(),
            Unadmitted::TooMany | Unadmitted::Full => Self::too_many(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        let mut response = (status, Json(json!({ "detail": detail }))).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, 1.into());
        }
        response
    }
}

/// The key, and the fault that takes the whole API down.
async fn guard(State(network): State<Arc<Network>>, mut request: Request, next: Next) -> Response {
    let key = request.headers().get("xi-api-key").and_then(|value| value.to_str().ok());
    let Some(account) = key.and_then(|key| network.account_of(key)) else {
        return Refusal::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "Invalid API key").into_response();
    };
    if network.strikes(FaultKind::Down, &account, "").is_some() {
        return Refusal::down().into_response();
    }
    request.extensions_mut().insert(Owner(account));
    next.run(request).await
}

/// An id in the shape of theirs.
fn new_id(network: &Network, prefix: &str, about: &str) -> String {
    let serial = network.new_sid("XX", &format!("{prefix}{about}{}", clock::now().timestamp_nanos_opt().unwrap_or_default()));
    format!("{prefix}_{}", &serial[2..30])
}
