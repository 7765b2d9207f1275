//! The picture of whoever opened a company, for the people of that company.

use crate::answers::Refused;
use crate::caller::SignedIn;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use services::Db;
use services::clients::brands;

/// `GET /brand/logo?v=…`; another version has another address.
pub async fn logo(State(db): State<Db>, SignedIn(caller): SignedIn) -> Result<Response, Refused> {
    let Some(logo) = brands::logo(&db, &caller).await? else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let kept = "private, max-age=86400".to_owned();
    Ok(([(header::CONTENT_TYPE, logo.content_type), (header::CACHE_CONTROL, kept)], logo.bytes).into_response())
}
