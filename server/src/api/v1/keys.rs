//! API keys, for people who signed in: no key makes keys.

use super::{Nothing, instant};
use crate::api::Api;
use crate::api::door::{Who, Write, named};
use crate::api::envelope::{Answer, Done, Refusal, done};
use axum::extract::Path;
use model::Error;
use model::api_keys::{ApiKeyForm, ApiKeyRow};
use model::id::ApiKeyId;
use serde::{Deserialize, Serialize};
use services::api_keys;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke)).routes(routes!(rotate))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    id: String,
    name: String,
    /// The beginning of the secret.
    prefix: String,
    scopes: Vec<String>,
    ip_allow_list: Vec<String>,
    /// `active`, `expired` or `revoked`.
    status: String,
    created_by: String,
    created_at: String,
    expires_at: Option<String>,
    /// Until then the secret before the last rotation works too.
    old_secret_until: Option<String>,
    /// To the minute.
    last_used_at: Option<String>,
}

impl From<ApiKeyRow> for KeyView {
    fn from(key: ApiKeyRow) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.hint,
            scopes: key.scopes.iter().map(ToString::to_string).collect(),
            ip_allow_list: key.addresses,
            status: key.state.to_string(),
            created_by: key.made_by,
            created_at: instant(key.created_at.at),
            expires_at: key.expires_at.map(|m| instant(m.at)),
            old_secret_until: key.old_until.map(|m| instant(m.at)),
            last_used_at: key.last_used_at.map(|m| instant(m.at)),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "CRM sync", "scopes": ["read", "contacts"], "ipAllowList": ["203.0.113.0/24"]}))]
struct KeyBody {
    name: String,
    /// `read`, `phones`, `recordings`, `wallet`, `contacts`, `campaigns`, `calling`, `agents`, `suppressions`.
    scopes: Vec<String>,
    /// Address ranges in CIDR notation; without any the key is taken from everywhere.
    #[serde(default)]
    ip_allow_list: Vec<String>,
    /// Days until it ends; without it, never.
    expires_in_days: Option<i64>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Rotation {
    /// For how long the old secret works on, 0 to 168; 24 when left out.
    overlap_hours: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct Secret {
    id: String,
    /// Shown this once.
    key: String,
}

/// List API keys
#[utoipa::path(get, path = "/auth/keys", operation_id = "listKeys", tag = "auth", responses((status = 200, body = Done<Vec<KeyView>>)))]
async fn list(who: Who) -> Answer {
    let mut tx = who.begin().await?;
    let keys = api_keys::list(&mut tx).await?;
    done(keys.into_iter().map(KeyView::from).collect::<Vec<_>>(), "OK")
}

/// Make an API key
///
/// Its secret is in this answer and nowhere else, so this takes no `Idempotency-Key`.
#[utoipa::path(post, path = "/auth/keys", operation_id = "createKey", tag = "auth", request_body = KeyBody,
    responses((status = 200, body = Done<Secret>)))]
async fn create(write: Write<KeyBody>) -> Answer {
    let (who, body) = write.unkeyed()?;
    let mut scopes = Vec::new();
    for word in &body.scopes {
        scopes.push(word.parse().map_err(|_| Refusal::from(Error::field("scopes", "Choose scopes of the list.")))?);
    }
    // Each range stands for itself: no text of one becomes two.
    if body.ip_allow_list.iter().any(|range| range.contains(',') || range.chars().any(char::is_whitespace)) {
        return Err(Error::field("ip_allow_list", "Write each range on its own.").into());
    }
    let form = ApiKeyForm {
        name: body.name,
        scopes,
        addresses: body.ip_allow_list.join(","),
        days: body.expires_in_days.map(|days| days.to_string()).unwrap_or_default(),
    };
    let mut tx = who.begin().await?;
    let key = api_keys::create(&mut tx, &form).await?;
    tx.commit().await?;
    done(Secret { id: key.id.to_string(), key: key.secret }, "This is the only time the key is shown.")
}

/// Give an API key a new secret
#[utoipa::path(post, path = "/auth/keys/{id}/rotate", operation_id = "rotateKey", tag = "auth", params(("id" = String, Path)),
    request_body = Rotation, responses((status = 200, body = Done<Secret>)))]
async fn rotate(Path(id): Path<String>, write: Write<Rotation>) -> Answer {
    let (who, body) = write.unkeyed()?;
    let id: ApiKeyId = named("key", &id)?;
    let mut tx = who.begin().await?;
    let key = api_keys::rotate(&mut tx, id, body.overlap_hours.unwrap_or(24)).await?;
    tx.commit().await?;
    done(Secret { id: key.id.to_string(), key: key.secret }, "This is the only time the key is shown.")
}

/// Revoke an API key
#[utoipa::path(delete, path = "/auth/keys/{id}", operation_id = "revokeKey", tag = "auth", params(("id" = String, Path)),
    responses((status = 200, body = Done<Nothing>)))]
async fn revoke(who: Who, Path(id): Path<String>) -> Answer {
    let id: ApiKeyId = named("key", &id)?;
    let mut tx = who.begin().await?;
    api_keys::revoke(&mut tx, id).await?;
    tx.commit().await?;
    done(Nothing {}, "Revoked")
}
