//! Twilio's REST API, version 2010-04-01: routes, credentials, errors. Resources are in the files beside this one.

mod account;
mod calls;
mod create;
pub mod document;
mod list;
mod recordings;
pub mod sign;
pub mod terms;
pub mod twiml;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use crate::{admission::Unadmitted, faults::FaultKind, keys, network::Network};

/// Everything below `/2010-04-01`.
pub fn routes(network: &Arc<Network>) -> Router<Arc<Network>> {
    Router::new()
        .route("/Accounts/{account}", get(account::fetch))
        .route("/Accounts/{account}/Balance.json", get(account::balance))
        .route("/Accounts/{account}/IncomingPhoneNumbers.json", get(account::numbers))
        .route("/Accounts/{account}/IncomingPhoneNumbers/{file}", get(account::number_of).post(account::update_number))
        .route("/Accounts/{account}/Calls.json", get(list::list).post(create::create))
        .route("/Accounts/{account}/Calls/{file}", get(calls::fetch).post(calls::update).delete(calls::delete))
        .route("/Accounts/{account}/Calls/{file}/Recordings.json", get(recordings::of_call))
        .route("/Accounts/{account}/Recordings.json", get(recordings::all))
        .route("/Accounts/{account}/Recordings/{file}", get(recordings::fetch))
        .fallback(|| async { Refusal::NOT_FOUND })
        .layer(middleware::from_fn_with_state(Arc::clone(network), guard))
}

/// An error as Twilio writes it.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    status: StatusCode,
    code: u32,
    message: &'static str,
    retry_after: Option<u32>,
}

impl Refusal {
    pub const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, 20404, "The requested resource was not found");
    pub const UNAUTHORIZED: Self = Self::new(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    pub const DOWN: Self = Self::new(StatusCode::SERVICE_UNAVAILABLE, 20503, "Service is unavailable");
    pub const INTERNAL: Self = Self::new(StatusCode::INTERNAL_SERVER_ERROR, 20500, "Internal server error");
    pub const TOO_MANY: Self =
        Self { retry_after: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, 20429, "Too Many Requests") };

    pub const fn new(status: StatusCode, code: u32, message: &'static str) -> Self {
        Self { status, code, message, retry_after: None }
    }
    /// A request that makes no sense.
    pub const fn bad(code: u32, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
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
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Credentials, and the fault that takes the whole API down.
async fn guard(State(network): State<Arc<Network>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let account =
        path.strip_prefix("/Accounts/").and_then(|rest| rest.split('/').next()).map(|part| part.trim_end_matches(".json"));
    let Some(account) = account.filter(|sid| is_sid(sid, "AC")) else { return Refusal::NOT_FOUND.into_response() };
    if network.strikes(FaultKind::Down, account, "").is_some() {
        return Refusal::DOWN.into_response();
    }
    let given = keys::basic(request.headers());
    if given.is_none_or(|(user, token)| user != account || token != network.token(account)) {
        return Refusal::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

pub fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
