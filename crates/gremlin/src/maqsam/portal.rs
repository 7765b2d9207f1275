//! What people set up in Maqsam's portal: who is there, and where the "Notify" webhook goes. The portal is no API of theirs, so
//! this one is part of gremlin's own control: `POST /control/maqsam`.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::staff;
use crate::{documents::Documents, network::Network, numbers};

/// Where the webhook is kept.
const SHELF: &str = "maqsam/notify";
/// People of one account.
const STAFF_MAX: usize = 1_000;

/// The "Notify" webhook. Nothing signs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notify {
    pub url: String,
    #[serde(default)]
    pub method: Method,
    #[serde(default)]
    pub format: Format,
    /// A header that goes along, where the account has one.
    pub header: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    #[default]
    Post,
}

/// Of a POST.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Form,
    Json,
}

#[derive(Deserialize)]
struct Setup {
    account: String,
    /// For calls placed from now on.
    notify: Option<Notify>,
    staff: Option<Vec<Value>>,
}

pub fn routes() -> Router<Arc<Network>> {
    Router::new().route("/control/maqsam", post(set))
}

async fn set(State(network): State<Arc<Network>>, Json(setup): Json<Setup>) -> Result<StatusCode, (StatusCode, &'static str)> {
    if !numbers::is_account(&setup.account) || setup.staff.as_ref().is_some_and(|all| all.len() > STAFF_MAX) {
        return Err((StatusCode::BAD_REQUEST, "account must be 1 to 64 letters, digits and _; staff 1,000 at most"));
    }
    let mut state = network.state();
    let mut kept = true;
    if let Some(notify) = setup.notify {
        if !url::Url::parse(&notify.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err((StatusCode::BAD_REQUEST, "a URL must begin with http:// or https://"));
        }
        kept &= state.documents.put(&setup.account, SHELF, "notify", serde_json::json!(notify));
    }
    if let Some(all) = setup.staff {
        kept &= state.documents.put(&setup.account, staff::SHELF, "all", all.into());
    }
    if kept { Ok(StatusCode::NO_CONTENT) } else { Err((StatusCode::CONFLICT, "too many documents")) }
}

/// Where calls of this account are told.
pub fn notify(documents: &Documents, account: &str) -> Option<Notify> {
    serde_json::from_value(documents.get(account, SHELF, "notify")?.clone()).ok()
}
