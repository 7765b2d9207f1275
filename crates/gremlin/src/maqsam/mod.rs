//! Maqsam's REST API: routes, credentials, errors. Its words are known from integrators' code only (providers.md §2), so what is
//! played here is our reading of them, as strict as that allows. The portal, where people set the account up, is in `portal`.

mod calls;
mod create;
pub mod portal;
mod staff;
pub mod terms;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use crate::{admission::Unadmitted, faults::FaultKind, keys, network::Network, numbers};

/// Whose key the request carries.
#[derive(Debug, Clone)]
pub struct Owner(pub String);

pub fn routes(network: &Arc<Network>) -> Router<Arc<Network>> {
    let api = Router::new()
        .route("/v1/agents", get(staff::first))
        .route("/v1/agents/page/{page}", get(staff::page))
        .route("/v2/calls", post(create::create))
        .route("/v3/calls", get(calls::list).post(create::create))
        .route("/v3/calls/id/{id}", get(calls::by_id))
        .route("/v3/calls/reference_id/{reference}", get(calls::by_reference))
        .route("/v1/recording/{id}", get(calls::recording))
        .layer(middleware::from_fn_with_state(Arc::clone(network), guard));
    portal::routes().merge(api)
}

/// An error as Maqsam writes it.
#[derive(Debug, Clone)]
pub struct Refusal(StatusCode, &'static str);

impl Refusal {
    pub const INTERNAL: Self = Self(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong");
    pub const TOO_MANY: Self = Self(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
    const UNAUTHORIZED: Self = Self(StatusCode::UNAUTHORIZED, "Unauthorized");
    const DOWN: Self = Self(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable");

    pub const fn bad(message: &'static str) -> Self {
        Self(StatusCode::BAD_REQUEST, message)
    }
    pub const fn missing(message: &'static str) -> Self {
        Self(StatusCode::NOT_FOUND, message)
    }
}

impl From<Unadmitted> for Refusal {
    fn from(why: Unadmitted) -> Self {
        match why {
            Unadmitted::Broken => Self::INTERNAL,
            Unadmitted::TooMany | Unadmitted::Full => Self::TOO_MANY,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        let mut response = (status, Json(json!({ "error": true, "message": message }))).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, 1.into());
        }
        response
    }
}

/// Credentials, and the fault that takes the whole API down.
async fn guard(State(network): State<Arc<Network>>, mut request: Request, next: Next) -> Response {
    let given = keys::basic(request.headers()).filter(|(account, _)| numbers::is_account(account));
    let Some((account, _)) = given.filter(|(account, secret)| network.token(account) == *secret) else {
        return Refusal::UNAUTHORIZED.into_response();
    };
    if network.strikes(FaultKind::Down, &account, "").is_some() {
        return Refusal::DOWN.into_response();
    }
    request.extensions_mut().insert(Owner(account));
    next.run(request).await
}
