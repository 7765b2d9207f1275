//! The company that asks.

use crate::api::Api;
use crate::api::door::Who;
use crate::api::envelope::{Answer, Done, done};
use serde::Serialize;
use services::companies;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(load))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CompanyView {
    id: String,
    name: String,
    company_type: String,
    time_zone: String,
    /// For numbers without a country code, two letters.
    default_region: String,
    /// Calls in flight at most.
    concurrency_max: i32,
}

/// The company
#[utoipa::path(get, path = "/company", operation_id = "company", tag = "company", responses((status = 200, body = Done<CompanyView>)))]
async fn load(who: Who) -> Answer {
    let mut tx = who.begin().await?;
    let settings = companies::settings(&mut tx).await?;
    let view = CompanyView {
        id: who.actor.company().to_string(),
        name: settings.name,
        company_type: settings.company_type.to_string(),
        time_zone: settings.time_zone,
        default_region: settings.default_region,
        concurrency_max: settings.concurrency_max,
    };
    done(view, "OK")
}
