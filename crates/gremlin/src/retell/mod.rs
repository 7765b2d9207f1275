//! Retell AI's REST API: routes, the key, errors. Resources are in the files beside this one; what its calls tell is in `terms`.

mod agents;
mod assets;
mod calls;
mod create;
pub mod inbound;
pub mod sign;
pub mod terms;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post},
};
use serde_json::json;

use crate::{DOCUMENT_BYTES_MAX, admission::Unadmitted, faults::FaultKind, keys, network::Network};

/// Whose key the request carries.
#[derive(Debug, Clone)]
pub struct Owner(pub String);

pub fn routes(network: &Arc<Network>) -> Router<Arc<Network>> {
    let api = Router::new()
        .route("/create-retell-llm", post(agents::create_llm))
        .route("/get-retell-llm/{id}", get(agents::get_llm))
        .route("/update-retell-llm/{id}", patch(agents::update_llm))
        .route("/delete-retell-llm/{id}", delete(agents::delete_llm))
        .route("/create-agent", post(agents::create))
        .route("/get-agent/{id}", get(agents::fetch))
        .route("/get-agent-versions/{id}", get(agents::versions))
        .route("/update-agent/{id}", patch(agents::update))
        .route("/delete-agent/{id}", delete(agents::remove))
        .route("/create-agent-version/{id}", post(agents::create_version))
        .route("/publish-agent-version/{id}", post(agents::publish))
        .route("/create-knowledge-base", post(assets::create_base).layer(DefaultBodyLimit::max(DOCUMENT_BYTES_MAX)))
        .route("/get-knowledge-base/{id}", get(assets::get_base))
        .route("/delete-knowledge-base/{id}", delete(assets::delete_base))
        .route("/import-phone-number", post(assets::import_number))
        .route("/update-phone-number/{number}", patch(assets::update_number))
        .route("/v2/list-phone-numbers", get(assets::list_numbers))
        .route("/list-voices", get(assets::voices))
        .route("/get-concurrency", get(assets::concurrency))
        .route("/v2/create-phone-call", post(create::create))
        .route("/v2/get-call/{id}", get(calls::fetch))
        .route("/v2/stop-call/{id}", post(calls::stop))
        .route("/v3/list-calls", post(calls::list))
        .layer(middleware::from_fn_with_state(Arc::clone(network), guard));
    // The link of a recording is a secret by itself.
    Router::new().route("/retell/recordings/{file}", get(calls::recording)).merge(api)
}

/// An error as Retell writes it: no code, only a sentence.
#[derive(Debug, Clone)]
pub struct Refusal(StatusCode, String);

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self(status, message.into())
    }
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
    /// What the specification shows for things that are not there.
    pub fn missing() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Cannot find requested asset under given api key.")
    }
    pub fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Account rate limited, please throttle your requests.")
    }
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected server error occurred.")
    }
    fn down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service is unavailable.")
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
        let Self(status, message) = self;
        let mut response = (status, Json(json!({ "status": "error", "message": message }))).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, 1.into());
        }
        response
    }
}

/// The key, and the fault that takes the whole API down.
async fn guard(State(network): State<Arc<Network>>, mut request: Request, next: Next) -> Response {
    let Some(account) = keys::bearer(request.headers()).and_then(|key| network.account_of(key)) else {
        return Refusal::new(StatusCode::UNAUTHORIZED, "API key is missing or invalid.").into_response();
    };
    if network.strikes(FaultKind::Down, &account, "").is_some() {
        return Refusal::down().into_response();
    }
    request.extensions_mut().insert(Owner(account));
    next.run(request).await
}
