//! What people agreed to.

use super::instant;
use crate::api::Api;
use crate::api::door::{Asked, Who, Write};
use crate::api::envelope::{Answer, Done, Refusal, done};
use http::StatusCode;
use model::accounts::Permission;
use model::consents::{ConsentForm, ConsentRow};
use serde::{Deserialize, Serialize};
use services::consents;
use std::str::FromStr;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, record))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ConsentQuery {
    /// The whole number.
    #[serde(default)]
    phone: String,
}

#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"phones": ["+12025550143"], "purpose": "marketing", "standing": "written", "source": "web_form",
    "wording": "form v3", "evidence": "https://example.com/forms/7", "ip": "203.0.113.7", "on": "2026-11-03"}))]
struct ConsentBody {
    /// 1,000 at most.
    #[serde(default)]
    phones: Vec<String>,
    /// `marketing` or `service`.
    #[serde(default)]
    purpose: String,
    /// `express`, `written`, or `withdrawn`: that puts the number on the do-not-call list.
    #[serde(default)]
    standing: String,
    /// `web_form`, `paper`, `call`, `message`, `import` or `other`.
    #[serde(default)]
    source: String,
    /// Which words they saw or heard.
    #[serde(default)]
    wording: String,
    /// Where the proof is.
    #[serde(default)]
    evidence: String,
    #[serde(default)]
    ip: String,
    /// The day they said so, like `2026-11-03`; without one it is now.
    #[serde(default)]
    on: String,
}

impl ConsentBody {
    fn form(self) -> Result<ConsentForm, Refusal> {
        fn word<T: FromStr>(text: &str, field: &str) -> Result<T, Refusal> {
            text.parse().map_err(|_| Refusal::Told(model::Error::field(field, "Use one of the words that the reference names.")))
        }
        Ok(ConsentForm {
            purpose: word(&self.purpose, "purpose")?,
            standing: word(&self.standing, "standing")?,
            source: word(&self.source, "source")?,
            phones: self.phones.join("\n"),
            wording: self.wording,
            evidence: self.evidence,
            ip: self.ip,
            on: self.on,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConsentView {
    id: String,
    phone: String,
    /// `marketing` or `service`.
    purpose: String,
    /// `express`, `written` or `withdrawn`.
    standing: String,
    source: String,
    wording: String,
    evidence: String,
    ip: Option<String>,
    /// When the person said so.
    at: String,
    recorded_at: String,
    by: String,
}

#[derive(Serialize, ToSchema)]
struct Consents {
    /// The newest first; the newest of each purpose holds.
    items: Vec<ConsentView>,
}

#[derive(Serialize, ToSchema)]
struct Recorded {
    ids: Vec<String>,
}

impl From<ConsentRow> for ConsentView {
    fn from(row: ConsentRow) -> Self {
        Self {
            id: row.id.to_string(),
            phone: row.phone,
            purpose: row.purpose.to_string(),
            standing: row.standing.to_string(),
            source: row.source.to_string(),
            wording: row.wording,
            evidence: row.evidence,
            ip: row.ip,
            at: instant(row.at.at),
            recorded_at: instant(row.recorded_at.at),
            by: row.by,
        }
    }
}

/// What a number agreed to
#[utoipa::path(get, path = "/consents", operation_id = "listConsents", tag = "contacts", params(ConsentQuery),
    responses((status = 200, body = Done<Consents>)))]
async fn list(who: Who, Asked(query): Asked<ConsentQuery>) -> Answer {
    let mut tx = who.begin().await?;
    let items = consents::of(&mut tx, &query.phone).await?.into_iter().map(ConsentView::from).collect();
    done(Consents { items }, "")
}

/// Record a consent, or that it was taken back
#[utoipa::path(post, path = "/consents", operation_id = "recordConsent", tag = "contacts", request_body = ConsentBody,
    responses((status = 201, body = Done<Recorded>)))]
async fn record(write: Write<ConsentBody>) -> Answer {
    let (mut w, body) = write.begin().await?;
    // Before the words are read: who may not is told that, and nothing else.
    w.tx.require(Permission::ManageContacts)?;
    let ids = consents::record(&mut w.tx, &body.form()?).await?;
    let ids = ids.into_iter().map(|id| id.to_string()).collect();
    w.answer(StatusCode::CREATED, Recorded { ids }, "Recorded").await
}
