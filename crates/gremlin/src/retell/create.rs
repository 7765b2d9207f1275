//! `POST /v2/create-phone-call`: reading the request as strictly as Retell does, and the faults of creation.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, agents, assets, terms};
use crate::{
    call::{Direction, Order, Plan, reference_in},
    conversation::{Brief, fill},
    documents::Documents,
    network::Network,
    numbers::{self, Fixed},
};

const RING_MS_DEFAULT: u64 = 30_000;
const TALK_MS_DEFAULT: u64 = 3_600_000;

pub async fn create(
    State(network): State<Arc<Network>>,
    Extension(Owner(me)): Extension<Owner>,
    Json(request): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let order = read_order(&network, &me, &request)?;
    let id = network.admit(order).await?;
    let created = network.with_call(&id, |call| terms::resource(call, &network.public_url)).ok_or_else(Refusal::missing)?;
    Ok((StatusCode::CREATED, Json(created)))
}

fn read_order(network: &Network, me: &str, request: &Map<String, Value>) -> Result<Order, Refusal> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let number = |name: &str| {
        let given = text(name).ok_or_else(|| Refusal::bad(format!("{name} is required.")))?;
        if numbers::is_e164(given) { Ok(given) } else { Err(Refusal::bad(format!("{name} must be in E.164 format."))) }
    };
    let (to, from) = (number("to_number")?, number("from_number")?);
    if numbers::fixed(to) == Some(Fixed::Invalid) {
        return Err(Refusal::bad("to_number is not a valid phone number."));
    }
    let state = network.state();
    let bound = || outbound_agent(&state.documents, me, from);
    let (agent, version) = match text("override_agent_id") {
        Some(id) => (id.to_owned(), version(request.get("override_agent_version"))),
        None => bound().ok_or_else(|| Refusal::bad("No outbound agent is set for from_number."))?,
    };
    let overrides = request.get("agent_override").map(|groups| &groups["agent"]);
    let told = Told {
        direction: Direction::Outbound,
        to,
        from,
        variables: request.get("retell_llm_dynamic_variables"),
        metadata: request.get("metadata"),
    };
    order(&state.documents, me, &agent, version, overrides, &told).ok_or_else(Refusal::missing)
}

/// What a call is told beside its agent.
pub struct Told<'a> {
    pub direction: Direction,
    pub to: &'a str,
    pub from: &'a str,
    pub variables: Option<&'a Value>,
    pub metadata: Option<&'a Value>,
}

/// The order of a call with this agent; `None` when there is no such agent.
pub fn order(
    documents: &Documents,
    me: &str,
    agent: &str,
    version: Option<usize>,
    overrides: Option<&Value>,
    told: &Told<'_>,
) -> Option<Order> {
    let mut agent = agents::for_a_call(documents, me, agent, version)?.clone();
    let llm = agents::llm_of(documents, me, &agent)?;
    for (name, value) in overrides.and_then(Value::as_object).into_iter().flatten() {
        agent[name] = value.clone();
    }
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for source in [Some(&llm["default_dynamic_variables"]), told.variables].into_iter().flatten() {
        // What is no text is not filled in, as the documentation has it.
        let texts = source.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
        variables.extend(texts.map(|(name, value)| (name.clone(), value.to_owned())));
    }
    let said = |value: &Value| fill(value.as_str().unwrap_or_default(), &variables);
    let opt_out = llm["general_tools"].as_array().into_iter().flatten().find(|tool| tool["name"] == terms::OPT_OUT_TOOL);
    let brief = Brief {
        prompt: said(&llm["general_prompt"]),
        greeting: said(&llm["begin_message"]),
        voicemail: agent["voicemail_option"]["action"]["text"].as_str().map(|text| fill(text, &variables)),
        opt_out: opt_out.map(|tool| said(&tool["execution_message_description"])),
    };
    let seconds = |name: &str, default: u64| agent[name].as_u64().unwrap_or(default) as f64 / 1000.0;
    Some(Order {
        account: me.to_owned(),
        direction: told.direction,
        to: told.to.to_owned(),
        from: told.from.to_owned(),
        reference: told.metadata.and_then(reference_in),
        plan: Plan::Converse(brief),
        ring_seconds_max: seconds("ring_duration_ms", RING_MS_DEFAULT),
        talk_seconds_max: seconds("max_call_duration_ms", TALK_MS_DEFAULT),
        detects: agent["voicemail_option"].is_object(),
        records: agent["data_storage_setting"] != "basic_attributes_only",
        speaker: Arc::new(terms::Terms {
            agent,
            metadata: told.metadata.cloned(),
            variables: json!(told.variables.cloned().unwrap_or_else(|| json!({}))),
        }),
    })
}

/// A number; tags are not played.
pub fn version(value: Option<&Value>) -> Option<usize> {
    usize::try_from(value?.as_u64()?).ok()
}

fn outbound_agent(documents: &Documents, me: &str, from: &str) -> Option<(String, Option<usize>)> {
    let bound = &documents.get(me, assets::NUMBERS, from)?["outbound_agents"][0];
    Some((bound["agent_id"].as_str()?.to_owned(), version(Some(&bound["agent_version"]))))
}
