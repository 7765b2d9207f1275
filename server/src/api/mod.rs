//! The REST API for programs: `/api/v1`, and the same below `/api`. Each handler is a thin door on the verb that the screens use.
//!
//! No cookie is read, so no request of a browser carries rights that its page did not put there, and CSRF has no subject.

mod door;
mod envelope;
mod reference;
pub mod v1;

use crate::limits::Patience;
use crate::rates::Rates;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use envelope::Refusal;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use model::Error;
use services::Db;
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;

/// What handlers take apart.
#[derive(Clone)]
pub(crate) struct Api {
    db: Db,
    rates: Rates,
}

/// Every path of the API, at both addresses.
pub fn router<S: Clone + Send + Sync + 'static>(db: &Db, rates: &Rates, patience: Patience) -> Router<S> {
    let api = Api { db: db.clone(), rates: rates.clone() };
    let all = v1::documented(patience)
        .split_for_parts()
        .0
        .merge(v1::absent::router())
        .merge(reference::router())
        .fallback(async || Refusal::Told(Error::not_found("path")))
        .layer(from_fn_with_state(api.clone(), door::identify))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(api.clone(), dress));
    let all: Router<S> = all.with_state(api);
    Router::new().nest("/api/v1", all.clone()).nest("/api", all)
}

/// Puts every refusal into the words of the contract, whoever made it.
async fn dress(State(api): State<Api>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let refusal = match response.extensions_mut().remove::<Refusal>() {
        Some(refusal) => Some(refusal),
        None if response.status().is_success() || response.status().is_redirection() => None,
        None => Some(Refusal::of_status(response.status())),
    };
    let mut response = match refusal {
        Some(refusal) => refusal.dress(response, api.db.clock().now()),
        None => response,
    };
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The answer when a handler panicked. What it was stays in the log.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Refusal::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
