//! Recordings, played back in ranges by whoever has a signed link: see `services::recordings`.

use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::id::CompanyId;
use serde::Deserialize;
use services::{Db, recordings};
use tower::ServiceExt;
use tower_http::services::ServeFile;

/// The proof behind a link.
#[derive(Deserialize)]
pub struct Proof {
    until: i64,
    signature: String,
}

/// `GET /recordings/{company}/{id}.{ending}?until=…&signature=…`
pub async fn play(
    State(db): State<Db>,
    Path((company, name)): Path<(CompanyId, String)>,
    Query(proof): Query<Proof>,
    request: Request,
) -> Response {
    let opened = recordings::open(db.config(), company, &name, proof.until, &proof.signature, db.clock().now());
    let Some(opened) = opened else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(mime) = opened.content_type.parse() else { return StatusCode::NOT_FOUND.into_response() };
    let mut answer = match ServeFile::new_with_mime(opened.path, &mime).oneshot(request).await {
        Ok(answer) => answer.into_response(),
        Err(never) => match never {},
    };
    // People speak in it: for this browser only.
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    answer
}
