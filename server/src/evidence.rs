//! What is known about a number or a person, as files to take home.

use crate::answers::Refused;
use crate::caller::SignedIn;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use model::id::ContactId;
use serde::Deserialize;
use services::evidence::Written;
use services::{Db, contacts, evidence};

/// Which pack.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    phone: String,
    /// `pdf`; everything else is JSON.
    #[serde(default, rename = "as")]
    written: String,
}

/// `GET /evidence/pack`
pub async fn pack(State(db): State<Db>, SignedIn(caller): SignedIn, Query(asked): Query<Asked>) -> Result<Response, Refused> {
    let written = if asked.written == "pdf" { Written::Pdf } else { Written::Json };
    let mut tx = db.begin(&caller.actor).await?;
    let pack = evidence::take(&mut tx, &asked.phone, written).await?;
    tx.commit().await?;
    Ok(file(pack.content_type, &pack.name, pack.bytes))
}

/// Of whom everything is asked for.
#[derive(Deserialize)]
pub struct Person {
    #[serde(default)]
    contact: String,
}

/// `GET /erase/export`
pub async fn person(State(db): State<Db>, SignedIn(caller): SignedIn, Query(asked): Query<Person>) -> Result<Response, Refused> {
    let id: ContactId = asked.contact.parse().map_err(|_| services::Error::from(model::Error::not_found("contact")))?;
    let mut tx = db.begin(&caller.actor).await?;
    let bytes = contacts::export(&mut tx, id).await?;
    tx.commit().await?;
    Ok(file("application/json", &format!("{id}.json"), bytes))
}

fn file(content_type: &str, name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, bytes).into_response()
}
