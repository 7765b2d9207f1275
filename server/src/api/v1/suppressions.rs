//! The do-not-call list.

use super::{Nothing, instant};
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, Write, named};
use crate::api::envelope::{Answer, Done, Listed, listed};
use axum::extract::Path;
use http::StatusCode;
use model::id::SuppressionId;
use model::suppressions::{SuppressionFilter, SuppressionRow};
use serde::{Deserialize, Serialize};
use services::suppressions;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SuppressionQuery {
    /// The start of the number.
    search: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"phone": "+12025550143", "reason": "Asked by e-mail"}))]
struct SuppressionBody {
    phone: String,
    reason: String,
}

#[derive(Deserialize, ToSchema)]
struct Reason {
    /// Why the number may be called again; it is kept in the record.
    reason: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SuppressionView {
    id: String,
    /// Masked without the scope `phones`.
    phone: String,
    /// `dtmf`, `manual`, `keyword` or `import`.
    source: String,
    reason: String,
    by: Option<String>,
    created_at: String,
}

#[derive(Serialize, ToSchema)]
struct Added {
    id: String,
}

impl From<SuppressionRow> for SuppressionView {
    fn from(row: SuppressionRow) -> Self {
        Self {
            id: row.id.to_string(),
            phone: row.phone,
            source: row.source.to_string(),
            reason: row.reason,
            by: row.by,
            created_at: instant(row.created_at.at),
        }
    }
}

/// List suppressed numbers
#[utoipa::path(get, path = "/suppressions", operation_id = "listSuppressions", tag = "suppressions", params(SuppressionQuery),
    responses((status = 200, body = Listed<SuppressionView>)))]
async fn list(who: Who, Asked(query): Asked<SuppressionQuery>) -> Answer {
    let paging = Pages::new(query.page, query.limit).paging();
    let filter = SuppressionFilter { search: query.search.unwrap_or_default(), paging };
    let mut tx = who.begin().await?;
    listed(suppressions::list(&mut tx, &filter).await?.map(SuppressionView::from))
}

/// Suppress a number
#[utoipa::path(post, path = "/suppressions", operation_id = "suppress", tag = "suppressions", request_body = SuppressionBody,
    responses((status = 201, body = Done<Added>)))]
async fn add(write: Write<SuppressionBody>) -> Answer {
    let (mut w, body) = write.begin().await?;
    let id = suppressions::add(&mut w.tx, &body.phone, &body.reason).await?;
    w.answer(StatusCode::CREATED, Added { id: id.to_string() }, "Suppressed").await
}

/// Let a number be called again
#[utoipa::path(delete, path = "/suppressions/{id}", operation_id = "unsuppress", tag = "suppressions", params(("id" = String, Path)),
    request_body = Reason, responses((status = 200, body = Done<Nothing>)))]
async fn remove(Path(id): Path<String>, write: Write<Reason>) -> Answer {
    let id: SuppressionId = named("suppression", &id)?;
    let (mut w, body) = write.begin().await?;
    suppressions::remove(&mut w.tx, id, &body.reason).await?;
    w.answer(StatusCode::OK, Nothing {}, "Removed").await
}
