//! Imports: looked at, checked, run and cancelled. They begin with `/contacts/upload`.

use super::instant;
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, Write, named};
use crate::api::envelope::{Answer, Done, Listed, done, listed};
use axum::extract::Path;
use http::StatusCode;
use model::id::ImportId;
use model::imports::{Counts, Import, ImportFilter, Mapping, Problem, Undone};
use serde::{Deserialize, Serialize};
use services::imports;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(load))
        .routes(routes!(problems))
        .routes(routes!(check))
        .routes(routes!(run))
        .routes(routes!(cancel))
        .routes(routes!(undo))
}

#[derive(Serialize, ToSchema)]
struct CountsView {
    rows: i64,
    created: i64,
    merged: i64,
    duplicates: i64,
    invalid: i64,
}

impl From<Counts> for CountsView {
    fn from(c: Counts) -> Self {
        Self { rows: c.rows, created: c.created, merged: c.merged, duplicates: c.duplicates, invalid: c.invalid }
    }
}

/// What undoing did.
#[derive(Serialize, ToSchema)]
struct UndoneView {
    /// Created by the import and taken out again.
    removed: i64,
    /// Created by the import and used by now: left in.
    kept: i64,
    /// Filled in by the import and as before again.
    restored: i64,
}

impl From<Undone> for UndoneView {
    fn from(u: Undone) -> Self {
        Self { removed: u.removed, kept: u.kept, restored: u.restored }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportView {
    id: String,
    /// `contacts`, `suppressions`, `leads` or `orders`.
    kind: String,
    file_name: String,
    file_bytes: i64,
    /// `pending`, `validating`, `checked`, `running`, `completed`, `failed`, `cancelled`, `undoing` or `undone`.
    status: String,
    /// Percent of the file.
    progress: i64,
    headers: Vec<String>,
    /// Per column of the file the field it goes into, or nothing.
    mapping: Vec<Option<String>>,
    segment: String,
    /// Of the dry run.
    checked: CountsView,
    /// Of the run.
    results: CountsView,
    undone: UndoneView,
    failure: Option<String>,
    created_at: String,
    finished_at: Option<String>,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        Self {
            progress: import.percent(),
            id: import.id.to_string(),
            kind: import.kind.to_string(),
            file_name: import.file_name,
            file_bytes: import.file_bytes,
            status: import.status.to_string(),
            headers: import.headers,
            mapping: import.mapping.0,
            segment: import.segment,
            checked: import.checked.into(),
            results: import.done.into(),
            undone: import.undone.into(),
            failure: import.failure,
            created_at: instant(import.created_at.at),
            finished_at: import.finished_at.map(|m| instant(m.at)),
        }
    }
}

#[derive(Deserialize, ToSchema)]
struct CheckBody {
    /// Per column of the file the field it goes into, or null; as guessed when left out.
    mapping: Option<Vec<Option<String>>>,
    /// For rows that name none.
    segment: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ProblemView {
    /// Counted from 1, the header included.
    line: i64,
    field: String,
    value: String,
    why: String,
}

impl From<Problem> for ProblemView {
    fn from(p: Problem) -> Self {
        Self { line: p.line, field: p.field, value: p.value, why: p.why }
    }
}

/// List imports
#[utoipa::path(get, path = "/imports", operation_id = "listImports", tag = "imports", params(Pages),
    responses((status = 200, body = Listed<ImportView>)))]
async fn list(who: Who, Asked(pages): Asked<Pages>) -> Answer {
    let mut tx = who.begin().await?;
    let filter = ImportFilter { status: None, paging: pages.paging() };
    listed(imports::list(&mut tx, &filter).await?.map(ImportView::from))
}

/// One import
#[utoipa::path(get, path = "/imports/{id}", operation_id = "import", tag = "imports", params(("id" = String, Path)),
    responses((status = 200, body = Done<ImportView>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let id: ImportId = named("import", &id)?;
    let mut tx = who.begin().await?;
    done(ImportView::from(imports::load(&mut tx, id).await?), "OK")
}

/// Rows that could not be read
#[utoipa::path(get, path = "/imports/{id}/problems", operation_id = "importProblems", tag = "imports",
    params(("id" = String, Path), Pages), responses((status = 200, body = Listed<ProblemView>)))]
async fn problems(who: Who, Path(id): Path<String>, Asked(pages): Asked<Pages>) -> Answer {
    let id: ImportId = named("import", &id)?;
    let mut tx = who.begin().await?;
    listed(imports::problems(&mut tx, id, pages.paging()).await?.map(ProblemView::from))
}

/// Start the dry run
#[utoipa::path(post, path = "/imports/{id}/check", operation_id = "checkImport", tag = "imports", params(("id" = String, Path)),
    request_body = CheckBody, responses((status = 200, body = Done<ImportView>)))]
async fn check(Path(id): Path<String>, write: Write<CheckBody>) -> Answer {
    let id: ImportId = named("import", &id)?;
    let (mut w, body) = write.begin().await?;
    let import = imports::load(&mut w.tx, id).await?;
    let mapping = body.mapping.map_or(import.mapping, Mapping);
    imports::check(&mut w.tx, id, &mapping, &body.segment.unwrap_or(import.segment)).await?;
    let import = imports::load(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, ImportView::from(import), "Being checked").await
}

/// Bring the file in
#[utoipa::path(post, path = "/imports/{id}/run", operation_id = "runImport", tag = "imports", params(("id" = String, Path)),
    responses((status = 200, body = Done<ImportView>)))]
async fn run(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: ImportId = named("import", &id)?;
    let (mut w, _) = write.begin().await?;
    imports::run(&mut w.tx, id).await?;
    let import = imports::load(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, ImportView::from(import), "Running").await
}

/// Stop an import
///
/// Rows that are in stay in.
#[utoipa::path(post, path = "/imports/{id}/cancel", operation_id = "cancelImport", tag = "imports", params(("id" = String, Path)),
    responses((status = 200, body = Done<ImportView>)))]
async fn cancel(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: ImportId = named("import", &id)?;
    let (mut w, _) = write.begin().await?;
    imports::cancel(&mut w.tx, id).await?;
    let import = imports::load(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, ImportView::from(import), "Cancelled").await
}

/// Undo an import
///
/// Takes out what it brought in, in the background. What is used by now stays, and is counted.
#[utoipa::path(post, path = "/imports/{id}/undo", operation_id = "undoImport", tag = "imports", params(("id" = String, Path)),
    responses((status = 200, body = Done<ImportView>)))]
async fn undo(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: ImportId = named("import", &id)?;
    let (mut w, _) = write.begin().await?;
    imports::undo(&mut w.tx, id).await?;
    let import = imports::load(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, ImportView::from(import), "Being undone").await
}
