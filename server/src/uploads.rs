//! Files in. Imports are streamed to `services::imports` without being held in memory: as a raw body by the Import
//! dialog, or as a multipart form by browsers without JavaScript. What agents know is small.

use crate::answers::Refused;
use crate::caller::SignedIn;
use app::agents::knowledge::AddDocument;
use app::clients::brand::ChooseColor;
use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, Query, State};
use axum::response::Redirect;
use futures::TryStreamExt;
use leptos::server_fn::ServerFn;
use leptos::server_fn::error::ServerFnUrlError;
use model::Error;
use model::agents::DOCUMENT_BYTES_MAX;
use model::clients::LOGO_BYTES_MAX;
use model::id::{AgentId, ImportId};
use model::imports::ImportKind;
use serde::{Deserialize, Serialize};
use services::{Actor, Db, imports};
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

/// `POST /agents/documents` with fields `agent` and `file`; leads back to what the agent knows, with the problem if there is one.
pub async fn document(
    State(db): State<Db>,
    SignedIn(caller): SignedIn,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Redirect, Refused> {
    let mut agent = None::<AgentId>;
    let answer = keep_document(&db, &caller.actor, form, &mut agent).await;
    let page = match agent {
        Some(agent) => format!("/knowledge?agent={agent}"),
        None => return Err(answer.err().unwrap_or(Error::not_found("agent")).into()),
    };
    match answer {
        Ok(()) => Ok(Redirect::to(&page)),
        Err(error) => led_back(&page, AddDocument::PATH, error),
    }
}

/// `POST /clients/logo` with a field `file`; leads back to how clients see the company, with the problem if there is one.
pub async fn logo(
    State(db): State<Db>,
    SignedIn(caller): SignedIn,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Redirect, Refused> {
    match keep_logo(&db, &caller.actor, form).await {
        Ok(()) => Ok(Redirect::to("/clients/brand")),
        Err(error) => led_back("/clients/brand", ChooseColor::PATH, error),
    }
}

async fn keep_logo(db: &Db, actor: &Actor, form: Result<Multipart, MultipartRejection>) -> Result<(), Error> {
    let broken = |e: String| Error::field("file", e);
    let mut form = form.map_err(|e| broken(e.to_string()))?;
    while let Some(field) = form.next_field().await.map_err(|e| broken(e.to_string()))? {
        if field.name() == Some("file") && field.file_name().is_some_and(|name| !name.is_empty()) {
            let bytes = at_most(field, LOGO_BYTES_MAX).await?;
            let mut tx = db.begin(actor).await?;
            services::clients::brands::choose_logo(&mut tx, &bytes).await?;
            return Ok(tx.commit().await?);
        }
    }
    Err(Error::field("file", "Choose a file."))
}

/// A small file; one byte more than fits is enough to be refused.
async fn at_most(mut field: Field<'_>, most: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|e| Error::field("file", e.to_string()))? {
        let room = most + 1 - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    Ok(bytes)
}

/// As Leptos leads back from a form of the same page that was refused.
fn led_back(page: &str, path: &str, error: Error) -> Result<Redirect, Refused> {
    let told = ServerFnUrlError::new(path, error).to_url(&format!("http://page{page}"));
    let told = told.map_err(|e| Error::field("file", e.to_string()))?;
    Ok(Redirect::to(&format!("{}?{}", told.path(), told.query().unwrap_or_default())))
}

async fn keep_document(
    db: &Db,
    actor: &Actor,
    form: Result<Multipart, MultipartRejection>,
    agent: &mut Option<AgentId>,
) -> Result<(), Error> {
    let broken = |e: String| Error::field("file", e);
    let mut form = form.map_err(|e| broken(e.to_string()))?;
    while let Some(field) = form.next_field().await.map_err(|e| broken(e.to_string()))? {
        match (field.name(), field.file_name().map(str::to_owned)) {
            (Some("agent"), _) => *agent = field.text().await.map_err(|e| broken(e.to_string()))?.parse().ok(),
            (Some("file"), Some(name)) if !name.is_empty() => {
                let agent = agent.ok_or(Error::not_found("agent"))?;
                let bytes = at_most(field, DOCUMENT_BYTES_MAX).await?;
                let mut tx = db.begin(actor).await?;
                services::agents::knowledge::add_file(&mut tx, agent, &name, &bytes).await?;
                return Ok(tx.commit().await?);
            }
            _ => {}
        }
    }
    Err(Error::field("file", "Choose a file."))
}
