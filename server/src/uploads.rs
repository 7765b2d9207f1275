//! Files in, streamed to `services::imports` without being held in memory: as a raw body by the Import
//! dialog, or as a multipart form by browsers without JavaScript.

use crate::answers::Refused;
use crate::caller::SignedIn;
use axum::Json;
use axum::body::Body;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Query, State};
use axum::response::Redirect;
use futures::TryStreamExt;
use model::Error;
use model::id::ImportId;
use model::imports::ImportKind;
use serde::{Deserialize, Serialize};
use services::{Db, imports};
use std::io;

/// Which file and for what.
#[derive(Deserialize)]
pub struct Named {
    name: String,
    kind: ImportKind,
}

/// The import that was made.
#[derive(Serialize)]
pub struct Made {
    id: ImportId,
}

/// `POST /imports/upload?kind=…&name=…` with the file as the body.
pub async fn raw(
    State(db): State<Db>,
    SignedIn(caller): SignedIn,
    Query(named): Query<Named>,
    body: Body,
) -> Result<Json<Made>, Refused> {
    let bytes = body.into_data_stream().map_err(io::Error::other);
    let id = imports::upload(&db, &caller.actor, named.kind, &named.name, bytes).await?;
    Ok(Json(Made { id }))
}

/// `POST /imports/upload-form` with fields `kind` (optional, before the file) and `file`; leads to the import's page.
pub async fn form(
    State(db): State<Db>,
    SignedIn(caller): SignedIn,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Redirect, Refused> {
    let mut form = form.map_err(|e| Error::field("file", e.to_string()))?;
    let mut kind = ImportKind::Contacts;
    while let Some(field) = form.next_field().await.map_err(|e| Error::field("file", e.to_string()))? {
        match (field.name(), field.file_name().map(str::to_owned)) {
            (Some("kind"), _) => {
                let text = field.text().await.map_err(|e| Error::field("kind", e.to_string()))?;
                kind = text.parse().map_err(|_| Error::field("kind", "Choose what to import."))?;
            }
            (Some("file"), Some(name)) if !name.is_empty() => {
                let id = imports::upload(&db, &caller.actor, kind, &name, field.map_err(io::Error::other)).await?;
                return Ok(Redirect::to(&format!("/imports/{id}")));
            }
            _ => {}
        }
    }
    Err(Error::field("file", "Choose a file.").into())
}
