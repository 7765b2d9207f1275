//! The people (and AI agents) of an account: made in the portal, only listed over the API, 100 at a time.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::{Owner, Refusal};
use crate::{documents::Documents, network::Network};

/// Where the portal keeps them.
pub const SHELF: &str = "maqsam/staff";
pub const PAGE_SIZE: usize = 100;

type Net = State<Arc<Network>>;

/// Who is there as long as nobody has set the account up: one who can call, one who may not, one who is away.
fn default_staff() -> Vec<Value> {
    let one = |n: u32, name: &str, email: &str, may_call: bool, state: &str| {
        json!({ "identifier": format!("agent-{n}"), "name": name, "email": email, "active": true, "groups": ["Sales"],
                "outgoingEnabled": may_call, "state": state })
    };
    vec![
        one(1, "Noor", "noor@example.com", true, "available"),
        one(2, "Sami", "sami@example.com", false, "available"),
        one(3, "Lina", "lina@example.com", true, "offline"),
    ]
}

/// Everybody of an account.
pub fn all(documents: &Documents, account: &str) -> Vec<Value> {
    let own = documents.get(account, SHELF, "all").and_then(Value::as_array).cloned();
    own.unwrap_or_else(default_staff)
}

/// One of them, by e-mail address.
pub fn find(documents: &Documents, account: &str, email: &str) -> Option<Value> {
    all(documents, account).into_iter().find(|one| one["email"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(email)))
}

/// Why no call can start with them.
pub fn obstacle(agent: &Value) -> Option<&'static str> {
    match agent {
        one if one["active"] != true => Some("Agent is not active"),
        one if one["outgoingEnabled"] != true => Some("Agent is not allowed to make outgoing calls"),
        one if one["state"] != "available" => Some("Agent is not online"),
        _ => None,
    }
}

pub async fn first(network: Net, owner: Extension<Owner>) -> Result<Json<Value>, Refusal> {
    page(network, owner, Path(1)).await
}

/// Pages 0 and 1 are the same.
pub async fn page(
    State(network): Net,
    Extension(Owner(me)): Extension<Owner>,
    Path(page): Path<usize>,
) -> Result<Json<Value>, Refusal> {
    let everybody = all(&network.state().documents, &me);
    let shown: Vec<Value> = everybody.into_iter().skip(page.saturating_sub(1) * PAGE_SIZE).take(PAGE_SIZE).collect();
    Ok(Json(json!({ "result": "success", "message": shown })))
}
