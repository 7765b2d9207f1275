//! The event record as a file.

use crate::answers::Refused;
use crate::caller::SignedIn;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use model::events::EventFilter;
use serde::Deserialize;
use services::{Db, events};

/// The filter of the page, as it stands in its address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    kind: String,
    subject: String,
    who: String,
    from: String,
    to: String,
}

/// `GET /events/export`
pub async fn export(State(db): State<Db>, SignedIn(caller): SignedIn, Query(asked): Query<Asked>) -> Result<Response, Refused> {
    let Asked { kind, subject, who, from, to } = asked;
    let subject = Some(subject).filter(|subject| !subject.is_empty());
    let filter = EventFilter { kind: kind.parse().ok(), subject, who, from, to, ..EventFilter::default() };
    let mut tx = db.begin(&caller.actor).await?;
    let file = events::export(&mut tx, &filter).await?;
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"events.csv\"")];
    Ok((headers, file).into_response())
}
