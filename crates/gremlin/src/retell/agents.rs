//! Agents and the language models behind them, with versions: a published one is frozen, a draft is made from it.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Owner, Refusal};
use crate::{clock, documents::Documents, network::Network};

/// Each document on these shelves is an array of versions; the place in it is the version.
pub const AGENTS: &str = "retell/agents";
const LLMS: &str = "retell/llms";

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;
type Done = Result<Json<Value>, Refusal>;

#[derive(Deserialize)]
pub struct Version {
    version: Option<usize>,
}

#[derive(Deserialize)]
pub struct BaseVersion {
    base_version: usize,
}

/// One version; the newest when none is named.
fn version_of<'a>(documents: &'a Documents, account: &str, shelf: &str, id: &str, version: Option<usize>) -> Option<&'a Value> {
    let versions = documents.get(account, shelf, id)?.as_array()?;
    version.map_or(versions.last(), |version| versions.get(version))
}

/// The version that a call gets: the one asked for, else the newest that is published, else the newest.
pub fn for_a_call<'a>(documents: &'a Documents, account: &str, id: &str, version: Option<usize>) -> Option<&'a Value> {
    let published = || {
        let versions = documents.get(account, AGENTS, id)?.as_array()?;
        versions.iter().rev().find(|agent| agent["is_published"] == true)
    };
    let named = version.is_some().then(|| version_of(documents, account, AGENTS, id, version));
    named.unwrap_or_else(|| published().or_else(|| version_of(documents, account, AGENTS, id, None)))
}

/// The language model behind a version of an agent.
pub fn llm_of<'a>(documents: &'a Documents, account: &str, agent: &Value) -> Option<&'a Value> {
    let engine = &agent["response_engine"];
    let version = engine["version"].as_u64().and_then(|version| usize::try_from(version).ok());
    version_of(documents, account, LLMS, engine["llm_id"].as_str()?, version)
}

/// Puts the fields of a request over those that are there.
fn merge(document: &mut Value, changes: Map<String, Value>) {
    for (name, value) in changes {
        document[name] = value;
    }
    document["last_modification_timestamp"] = clock::now().timestamp_millis().into();
}

fn create_in(network: &Network, account: &str, shelf: &str, id: (&str, &str), fields: Map<String, Value>) -> Done {
    let mut document = json!({ id.0: id.1, "version": 0, "is_published": false });
    merge(&mut document, fields);
    if network.state().documents.put(account, shelf, id.1, json!([document])) {
        Ok(Json(document))
    } else {
        Err(Refusal::too_many())
    }
}

fn update_in(
    network: &Network,
    account: &str,
    shelf: &str,
    id: &str,
    version: Option<usize>,
    fields: Map<String, Value>,
) -> Done {
    let mut state = network.state();
    let versions = state.documents.get_mut(account, shelf, id).and_then(Value::as_array_mut).ok_or_else(Refusal::missing)?;
    let at = version.unwrap_or(versions.len() - 1);
    let document = versions.get_mut(at).ok_or_else(Refusal::missing)?;
    if document["is_published"] == true {
        return Err(Refusal::bad("Cannot update a published version."));
    }
    merge(document, fields);
    Ok(Json(document.clone()))
}

fn get_from(network: &Network, account: &str, shelf: &str, id: &str, version: Option<usize>) -> Done {
    version_of(&network.state().documents, account, shelf, id, version).cloned().map(Json).ok_or_else(Refusal::missing)
}

fn delete_from(network: &Network, account: &str, shelf: &str, id: &str) -> Result<StatusCode, Refusal> {
    network.state().documents.remove(account, shelf, id).map(|_| StatusCode::NO_CONTENT).ok_or_else(Refusal::missing)
}

fn new_id(network: &Network, prefix: &str) -> String {
    let serial = network.new_sid("XX", &format!("{prefix}{}", clock::now().timestamp_nanos_opt().unwrap_or_default()));
    format!("{prefix}_{}", serial[2..].to_lowercase())
}

pub async fn create_llm(
    State(network): Net,
    Extension(Owner(me)): Me,
    Json(fields): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    if fields.get("model").is_some_and(Value::is_string) && fields.get("s2s_model").is_some_and(Value::is_string) {
        return Err(Refusal::bad("Only one of model and s2s_model can be set."));
    }
    let id = new_id(&network, "llm");
    Ok((StatusCode::CREATED, create_in(&network, &me, LLMS, ("llm_id", &id), fields)?))
}

pub async fn get_llm(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Query(query): Query<Version>,
) -> Done {
    get_from(&network, &me, LLMS, &id, query.version)
}

pub async fn update_llm(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Query(query): Query<Version>,
    Json(fields): Json<Map<String, Value>>,
) -> Done {
    update_in(&network, &me, LLMS, &id, query.version, fields)
}

pub async fn delete_llm(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    delete_from(&network, &me, LLMS, &id)
}

pub async fn create(
    State(network): Net,
    Extension(Owner(me)): Me,
    Json(fields): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let engine = fields.get("response_engine").cloned().unwrap_or_default();
    if llm_of(&network.state().documents, &me, &json!({ "response_engine": engine })).is_none() {
        return Err(Refusal::missing());
    }
    if !fields.get("voice_id").is_some_and(Value::is_string) {
        return Err(Refusal::bad("voice_id is required."));
    }
    let id = new_id(&network, "agent");
    Ok((StatusCode::CREATED, create_in(&network, &me, AGENTS, ("agent_id", &id), fields)?))
}

pub async fn fetch(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>, Query(query): Query<Version>) -> Done {
    get_from(&network, &me, AGENTS, &id, query.version)
}

/// Newest first.
pub async fn versions(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Done {
    let state = network.state();
    let all = state.documents.get(&me, AGENTS, &id).and_then(Value::as_array).ok_or_else(Refusal::missing)?;
    Ok(Json(all.iter().rev().cloned().collect()))
}

pub async fn update(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Query(query): Query<Version>,
    Json(fields): Json<Map<String, Value>>,
) -> Done {
    update_in(&network, &me, AGENTS, &id, query.version, fields)
}

pub async fn remove(State(network): Net, Extension(Owner(me)): Me, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    delete_from(&network, &me, AGENTS, &id)
}

/// A draft of the agent, and one of the language model with it.
pub async fn create_version(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Json(BaseVersion { base_version }): Json<BaseVersion>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let not_found = || Refusal::new(StatusCode::NOT_FOUND, "The requested resource was not found.");
    let mut state = network.state();
    let mut agent = version_of(&state.documents, &me, AGENTS, &id, Some(base_version)).cloned().ok_or_else(not_found)?;
    let mut llm = llm_of(&state.documents, &me, &agent).cloned().ok_or_else(not_found)?;
    let llm_id = llm["llm_id"].as_str().unwrap_or_default().to_owned();
    let mut add = |shelf: &str, id: &str, document: &mut Value| {
        let versions = state.documents.get_mut(&me, shelf, id).and_then(Value::as_array_mut)?;
        document["version"] = versions.len().into();
        document["is_published"] = false.into();
        versions.push(document.clone());
        Some(())
    };
    add(LLMS, &llm_id, &mut llm).ok_or_else(not_found)?;
    agent["base_version"] = base_version.into();
    agent["response_engine"]["version"] = llm["version"].clone();
    add(AGENTS, &id, &mut agent).ok_or_else(not_found)?;
    Ok((StatusCode::CREATED, Json(agent)))
}

#[derive(Deserialize)]
pub struct Publication {
    version: usize,
}

pub async fn publish(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Json(Publication { version }): Json<Publication>,
) -> Result<StatusCode, Refusal> {
    let mut state = network.state();
    let agent = version_of(&state.documents, &me, AGENTS, &id, Some(version)).cloned().ok_or_else(Refusal::missing)?;
    let llm = llm_of(&state.documents, &me, &agent).cloned().ok_or_else(Refusal::missing)?;
    for (shelf, id, version) in
        [(AGENTS, id.as_str(), Some(version)), (LLMS, llm["llm_id"].as_str().unwrap_or_default(), at(&llm["version"]))]
    {
        let versions = state.documents.get_mut(&me, shelf, id).and_then(Value::as_array_mut);
        if let (Some(versions), Some(at)) = (versions, version) {
            versions[at]["is_published"] = true.into();
        }
    }
    Ok(StatusCode::OK)
}

fn at(version: &Value) -> Option<usize> {
    usize::try_from(version.as_u64()?).ok()
}
