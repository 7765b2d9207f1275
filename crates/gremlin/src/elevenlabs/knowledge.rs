//! Documents that agents know: texts, addresses, files. What is in them is not kept.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{HeaderMap, header},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Owner, Refusal, agents::AGENTS, new_id};
use crate::{clock, network::Network};

pub const DOCUMENTS: &str = "elevenlabs/documents";

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;
type Done = Result<Json<Value>, Refusal>;

/// Keeps a document with what only its kind has.
fn add(network: &Network, me: &str, kind: &str, name: &str, size: usize, own: (&str, &str)) -> Done {
    let id = new_id(network, "doc", name);
    let now = clock::now().timestamp();
    let mut document = json!({
        "id": id, "name": name, "type": kind, "supported_usages": ["prompt", "auto"], "extracted_inner_html": "",
        "metadata": { "created_at_unix_secs": now, "last_updated_at_unix_secs": now, "size_bytes": size },
        "access_info": { "is_creator": true, "creator_name": "gremlin", "creator_email": "gremlin@example.com", "role": "admin" },
    });
    if !own.0.is_empty() {
        document[own.0] = own.1.into();
    }
    if network.state().documents.put(me, DOCUMENTS, &id, document) {
        Ok(Json(json!({ "id": id, "name": name })))
    } else {
        Err(Refusal::too_many())
    }
}

#[derive(Deserialize)]
pub struct Text {
    text: String,
    name: Option<String>,
}

pub async fn text(State(network): Net, Extension(Owner(me)): Me, Json(new): Json<Text>) -> Done {
    if new.text.trim().is_empty() {
        return Err(Refusal::field("text", "must not be empty"));
    }
    add(&network, &me, "text", new.name.as_deref().unwrap_or("Text"), new.text.len(), ("", ""))
}

#[derive(Deserialize)]
pub struct Address {
    url: String,
    name: Option<String>,
}

pub async fn url(State(network): Net, Extension(Owner(me)): Me, Json(new): Json<Address>) -> Done {
    if url::Url::parse(&new.url).is_err() {
        return Err(Refusal::field("url", "must be an address"));
    }
    add(&network, &me, "url", new.name.as_deref().unwrap_or(&new.url), 0, ("url", &new.url))
}

/// Takes the form as it is and looks for the names.
pub async fn file(State(network): Net, Extension(Owner(me)): Me, headers: HeaderMap, body: axum::body::Bytes) -> Done {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let after = |mark: &str, end: &str| text.split(mark).nth(1).and_then(|rest| rest.split(end).next()).map(str::to_owned);
    let file = after("name=\"file\"; filename=\"", "\"").filter(|_| kind.starts_with("multipart/form-data"));
    let file = file.ok_or_else(|| Refusal::field("file", "Field required"))?;
    let name = after("name=\"name\"\r\n\r\n", "\r\n").unwrap_or_else(|| file.clone());
    add(&network, &me, "file", &name, body.len(), ("filename", &file))
}

pub async fn fetch(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Done {
    network.state().documents.get(&me, DOCUMENTS, &id).cloned().map(Json).ok_or_else(|| Refusal::missing("document"))
}

#[derive(Deserialize)]
pub struct Deletion {
    #[serde(default)]
    force: bool,
}

/// One that an agent knows is kept, unless it is taken from them by force.
pub async fn remove(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>, Query(how): Query<Deletion>) -> Done {
    let mut state = network.state();
    let known = |agent: &Value| {
        let all = agent["conversation_config"]["agent"]["prompt"]["knowledge_base"].as_array();
        all.into_iter().flatten().any(|known| known["id"] == id)
    };
    if !how.force && state.documents.list(&me, AGENTS).any(|(_, agent)| known(agent)) {
        return Err(Refusal::bad("document_in_use", "Document is used by agents."));
    }
    state.documents.remove(&me, DOCUMENTS, &id).map(|_| Json(Value::Null)).ok_or_else(|| Refusal::missing("document"))
}
