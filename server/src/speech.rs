//! What was spoken, played back to providers that call for us and to those who listen to a preview: see `services::speech`.
//! Its links carry their proof.

use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::id::{CallId, CompanyId};
use serde::Deserialize;
use services::dialer::Network;
use services::{Db, speech};
use std::path::PathBuf;
use tower::ServiceExt;
use tower_http::services::ServeFile;

/// The proof behind the link of a preview.
#[derive(Deserialize)]
pub struct Proof {
    until: i64,
    signature: String,
}

/// The proof behind a link in the script of a call.
#[derive(Deserialize)]
pub struct Signed {
    signature: String,
}

/// `GET /speech/{company}/{key}.mp3?until=…&signature=…`
pub async fn preview(
    State(db): State<Db>,
    Path((company, name)): Path<(CompanyId, String)>,
    Query(proof): Query<Proof>,
    request: Request,
) -> Response {
    match speech::open(db.config(), company, &name, proof.until, &proof.signature, db.clock().now()) {
        Some(path) => play(path, request).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET /speech/{company}/{call}/{part}.mp3?signature=…`
pub async fn of_call(
    State(db): State<Db>,
    Path((company, call, name)): Path<(CompanyId, CallId, String)>,
    Query(proof): Query<Signed>,
    request: Request,
) -> Response {
    let Ok(network) = Network::shared() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match speech::of_call(&db, &network, company, call, &name, &proof.signature).await.map_err(model::Error::from) {
        Ok(Some(path)) => play(path, request).await,
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            // Whoever asks is a machine in the middle of a call: the reason is for us.
            tracing::warn!(%company, %call, %error, "a script is not spoken");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn play(path: PathBuf, request: Request) -> Response {
    const MP3: HeaderValue = HeaderValue::from_static("audio/mpeg");
    let mut answer = match ServeFile::new(path).oneshot(request).await {
        Ok(answer) => answer.into_response(),
        Err(never) => match never {},
    };
    let headers = answer.headers_mut();
    if headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, MP3);
    }
    // Names are said in it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    answer
}
