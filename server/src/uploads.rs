//! Files in. Imports are streamed to `services::imports` without being held in memory: as a raw body by the Import
//! dialog, or as a multipart form by browsers without JavaScript. What agents know is small.

use crate::answers::Refused;
use crate::caller::SignedIn;
use app::agents::knowledge::AddDocument;
use app::clients::brand::ChooseColor;
use app::imports::detail::RunImport;
use axum::Json;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures::{Stream, TryStream, TryStreamExt};
use http::header;
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
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

/// What a table is called that was pasted.
const PASTED: &str = "pasted.tsv";
/// How many times its greatest length is read of a small file before its sender is cut off.
const READ_ON: usize = 8;
/// Bytes of a form that may wait to be understood: between its parts stand a boundary and a few names, and nothing longer.
const UNREAD_MAX: usize = 1024 * 1024;

/// A form that is handed to its reader piece by piece. The reader keeps what it cannot place, and would keep a form without a
/// boundary to its end.
pub struct Form {
    parts: Multipart,
    /// Bytes handed out since something of it was read; see [`read`].
    pub unread: Arc<AtomicUsize>,
}

impl Form {
    /// Of a request that says that it sends one; the error is for people.
    pub async fn of(request: Request) -> Result<Self, String> {
        let (head, body) = request.into_parts();
        let unread = Arc::new(AtomicUsize::new(0));
        let pieces = Pieces { body: body.into_data_stream(), rests: false, unread: unread.clone() };
        let request = Request::from_parts(head, Body::from_stream(pieces));
        let parts = Multipart::from_request(request, &()).await.map_err(|e| e.to_string())?;
        Ok(Self { parts, unread })
    }

    /// The next of its parts.
    pub async fn next(&mut self) -> Result<Option<Field<'_>>, String> {
        let field = self.parts.next_field().await.map_err(|e| e.body_text())?;
        self.unread.store(0, Ordering::Relaxed);
        Ok(field)
    }
}

/// Pieces of a file that say that they were read.
pub fn read<S: TryStream>(unread: &Arc<AtomicUsize>, pieces: S) -> impl Stream<Item = Result<S::Ok, S::Error>> + use<S> {
    let unread = unread.clone();
    pieces.inspect_ok(move |_| unread.store(0, Ordering::Relaxed))
}

/// The bytes of a form, one piece at a time, and only as long as they are read.
struct Pieces {
    body: BodyDataStream,
    rests: bool,
    unread: Arc<AtomicUsize>,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The reader takes all that is ready before it looks at any of it.
        if std::mem::take(&mut self.rests) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.unread.load(Ordering::Relaxed) > UNREAD_MAX {
            return Poll::Ready(Some(Err(io::Error::other("This form has no parts."))));
        }
        let piece = ready!(Pin::new(&mut self.body).poll_next(cx));
        if let Some(Ok(bytes)) = &piece {
            self.rests = true;
            self.unread.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        Poll::Ready(piece.map(|piece| piece.map_err(io::Error::other)))
    }
}

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

/// `POST /imports/upload-form` with fields `kind` (optional, before the others), `file`, and `text` for a table that is pasted instead;
/// leads to the import's page, or back to the form with the problem.
pub async fn form(State(db): State<Db>, SignedIn(caller): SignedIn, request: Request) -> Result<Redirect, Refused> {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (is_page, mut kind) = (accepts.contains("text/html"), ImportKind::Contacts);
    match take_in(&db, &caller.actor, request, &mut kind).await {
        Ok(id) => Ok(Redirect::to(&format!("/imports/{id}"))),
        Err(error) if is_page => led_back(&format!("/imports/new?kind={}", kind.as_str()), RunImport::PATH, error),
        Err(error) => Err(error.into()),
    }
}

async fn take_in(db: &Db, actor: &Actor, request: Request, kind: &mut ImportKind) -> Result<ImportId, Error> {
    let broken = |e: String| Error::field("file", e);
    let mut form = Form::of(request).await.map_err(broken)?;
    let unread = form.unread.clone();
    while let Some(field) = form.next().await.map_err(broken)? {
        let name = match (field.name(), field.file_name()) {
            (Some("kind"), _) => {
                let text = field.text().await.map_err(|e| Error::field("kind", e.to_string()))?;
                *kind = text.parse().map_err(|_| Error::field("kind", "Choose what to import."))?;
                continue;
            }
            (Some("file"), Some(name)) if !name.is_empty() => name.to_owned(),
            (Some("text"), None) => PASTED.to_owned(),
            _ => continue,
        };
        let pieces = read(&unread, field.map_err(io::Error::other));
        return Ok(imports::upload(db, actor, *kind, &name, pieces).await?);
    }
    Err(Error::field("file", "Choose a file."))
}

/// `GET /imports/{id}/refused`: the rows that were refused, with the reasons, to be mended.
pub async fn refused(State(db): State<Db>, SignedIn(caller): SignedIn, Path(id): Path<String>) -> Result<Response, Refused> {
    let id: ImportId = id.parse().map_err(|_| Error::not_found("import"))?;
    let mut tx = db.begin(&caller.actor).await?;
    let (name, file) = imports::rejected(&mut tx, id).await?;
    // The name is a stranger's: what could end the quoted text or the header is left out, and letters beyond ASCII.
    let name: String = name.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '/') || *c == ' ').collect();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, file).into_response())
}

/// `POST /agents/documents` with fields `agent` and `file`; leads back to what the agent knows, with the problem if there is one.
pub async fn document(State(db): State<Db>, SignedIn(caller): SignedIn, request: Request) -> Result<Redirect, Refused> {
    let mut agent = None::<AgentId>;
    let answer = keep_document(&db, &caller.actor, request, &mut agent).await;
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
pub async fn logo(State(db): State<Db>, SignedIn(caller): SignedIn, request: Request) -> Result<Redirect, Refused> {
    match keep_logo(&db, &caller.actor, request).await {
        Ok(()) => Ok(Redirect::to("/clients/brand")),
        Err(error) => led_back("/clients/brand", ChooseColor::PATH, error),
    }
}

async fn keep_logo(db: &Db, actor: &Actor, request: Request) -> Result<(), Error> {
    let broken = |e: String| Error::field("file", e);
    let mut form = Form::of(request).await.map_err(broken)?;
    let unread = form.unread.clone();
    while let Some(field) = form.next().await.map_err(broken)? {
        if field.name() == Some("file") && field.file_name().is_some_and(|name| !name.is_empty()) {
            let bytes = at_most(&unread, field, LOGO_BYTES_MAX).await?;
            let mut tx = db.begin(actor).await?;
            services::clients::brands::choose_logo(&mut tx, &bytes).await?;
            return Ok(tx.commit().await?);
        }
    }
    Err(Error::field("file", "Choose a file."))
}

/// A small file; one byte more than fits is enough to be refused. What a browser still sends is read for a while: it listens to the
/// answer only then.
async fn at_most(unread: &AtomicUsize, mut field: Field<'_>, most: usize) -> Result<Vec<u8>, Error> {
    let (mut bytes, mut sent) = (Vec::new(), 0);
    while let Some(piece) = field.chunk().await.map_err(|e| Error::field("file", e.to_string()))? {
        unread.store(0, Ordering::Relaxed);
        let room = most + 1 - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        sent += piece.len();
        if sent > READ_ON * most {
            break;
        }
    }
    Ok(bytes)
}

/// As Leptos leads back from a form of the same page that was refused.
fn led_back(page: &str, path: &str, error: Error) -> Result<Redirect, Refused> {
    let told = ServerFnUrlError::new(path, error).to_url(&format!("http://page{page}"));
    let told = told.map_err(|e| Error::field("file", e.to_string()))?;
    Ok(Redirect::to(&format!("{}?{}", told.path(), told.query().unwrap_or_default())))
}

async fn keep_document(db: &Db, actor: &Actor, request: Request, agent: &mut Option<AgentId>) -> Result<(), Error> {
    let broken = |e: String| Error::field("file", e);
    let mut form = Form::of(request).await.map_err(broken)?;
    let unread = form.unread.clone();
    while let Some(field) = form.next().await.map_err(broken)? {
        match (field.name(), field.file_name().map(str::to_owned)) {
            (Some("agent"), _) => *agent = field.text().await.map_err(|e| broken(e.to_string()))?.parse().ok(),
            (Some("file"), Some(name)) if !name.is_empty() => {
                let agent = agent.ok_or(Error::not_found("agent"))?;
                let bytes = at_most(&unread, field, DOCUMENT_BYTES_MAX).await?;
                let mut tx = db.begin(actor).await?;
                services::agents::knowledge::add_file(&mut tx, agent, &name, &bytes).await?;
                return Ok(tx.commit().await?);
            }
            _ => {}
        }
    }
    Err(Error::field("file", "Choose a file."))
}
