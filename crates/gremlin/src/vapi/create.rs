//! `POST /call`: reading the request as strictly as Vapi does, and the faults of creation.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, assets, assistants, show, terms};
use crate::{
    call::{Direction, Order, Plan, reference_in},
    conversation::Brief,
    documents::Documents,
    network::Network,
    numbers::{self, Fixed},
};

const RING_SECONDS_DEFAULT: f64 = 60.0;
const TALK_SECONDS_DEFAULT: f64 = 600.0;

pub async fn create(
    State(network): State<Arc<Network>>,
    Extension(Owner(me)): Extension<Owner>,
    Json(request): Json<Map<String, Value>>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let order = read_order(&network, &me, &request)?;
    let id = network.admit(order).await?;
    let created = network.with_call(&id, |call| show::resource(call, &network.public_url)).ok_or_else(Refusal::missing)?;
    Ok((StatusCode::CREATED, Json(created)))
}

fn read_order(network: &Network, me: &str, request: &Map<String, Value>) -> Result<Order, Refusal> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let to = request.get("customer").and_then(|customer| customer["number"].as_str()).unwrap_or_default();
    if !numbers::is_e164(to) || numbers::fixed(to) == Some(Fixed::Invalid) {
        let why =
            "customer.number must be a valid phone number in the E.164 format. Hot tip, you may be missing the country code";
        return Err(Refusal::bad(json!([why])));
    }
    let state = network.state();
    let lacks = |what: &str| Refusal::bad(format!("Couldn't Start Call. `{what}` Does Not Exist."));
    let number = text("phoneNumberId").and_then(|id| state.documents.get(me, assets::NUMBERS, id));
    let number = number.ok_or_else(|| lacks("phoneNumberId"))?;
    let told = Told {
        direction: Direction::Outbound,
        id: None,
        assistant: text("assistantId").ok_or_else(|| lacks("assistantId"))?,
        version: text("assistantVersion"),
        overrides: request.get("assistantOverrides"),
        customer: request.get("customer").cloned().unwrap_or_default(),
        number,
    };
    order(&state.documents, me, told).ok_or_else(|| lacks("assistantId"))
}

/// What a call is told beside its assistant.
pub struct Told<'a> {
    pub direction: Direction,
    /// One that asked before it was a call has an id already.
    pub id: Option<String>,
    pub assistant: &'a str,
    pub version: Option<&'a str>,
    pub overrides: Option<&'a Value>,
    pub customer: Value,
    /// The customer's own, as it is kept.
    pub number: &'a Value,
}

/// The order of a call with this assistant; `None` when there is no such one.
pub fn order(documents: &Documents, me: &str, told: Told<'_>) -> Option<Order> {
    let mut assistant = assistants::version_of(documents, me, told.assistant, told.version)?.clone();
    let overrides = told.overrides.and_then(Value::as_object);
    for (name, value) in overrides.into_iter().flatten().filter(|(name, _)| !matches!(name.as_str(), "metadata")) {
        assistant[name] = value.clone();
    }
    let variables: BTreeMap<String, String> = overrides
        .and_then(|overrides| overrides.get("variableValues")?.as_object())
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let said = |value: &Value| liquid(value.as_str().unwrap_or_default(), &variables);
    let tools = assistant["model"]["tools"].as_array();
    let opt_out = tools.into_iter().flatten().find(|tool| tool["function"]["name"] == terms::OPT_OUT_TOOL);
    let waits = assistant["firstMessageMode"] == "assistant-waits-for-user";
    let brief = Brief {
        prompt: said(&assistant["model"]["messages"][0]["content"]),
        greeting: if waits { String::new() } else { said(&assistant["firstMessage"]) },
        voicemail: Some(said(&assistant["voicemailMessage"])).filter(|text| !text.is_empty()),
        opt_out: opt_out.map(|tool| said(&tool["messages"][0]["content"])),
    };
    let ours = told.number["number"].as_str()?.to_owned();
    let theirs = told.customer["number"].as_str()?.to_owned();
    let (from, to) = if told.direction == Direction::Outbound { (ours, theirs) } else { (theirs, ours) };
    Some(Order {
        account: me.to_owned(),
        direction: told.direction,
        to,
        from,
        reference: overrides.and_then(|overrides| overrides.get("metadata")).and_then(reference_in),
        plan: Plan::Converse(brief),
        ring_seconds_max: assistant["transportConfigurations"][0]["timeout"].as_f64().unwrap_or(RING_SECONDS_DEFAULT),
        talk_seconds_max: assistant["maxDurationSeconds"].as_f64().unwrap_or(TALK_SECONDS_DEFAULT),
        detects: assistant["voicemailDetection"].is_object(),
        records: assistant["artifactPlan"]["recordingEnabled"] != false,
        speaker: Arc::new(terms::Terms {
            id: told.id,
            assistant_id: told.assistant.to_owned(),
            version: told.version.map(str::to_owned),
            overrides: told.overrides.cloned().unwrap_or_else(|| json!({})),
            customer: told.customer,
            number: told.number.clone(),
            assistant,
        }),
    })
}

/// Fills a template: `{{name}}`, and `{{name | default: "text"}}` for a name without a value. Nothing else of Liquid is played.
pub fn liquid(template: &str, values: &BTreeMap<String, String>) -> String {
    let (mut filled, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((tag, behind)) = after.split_once("}}") else { break };
        filled.push_str(before);
        let (name, filter) = tag.split_once('|').unwrap_or((tag, ""));
        let default = filter.trim().strip_prefix("default:").map(|text| text.trim().trim_matches('"'));
        filled.push_str(values.get(name.trim()).map(String::as_str).or(default).unwrap_or_default());
        rest = behind;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_with_values_and_defaults() {
        let values = BTreeMap::from([("first_name".to_owned(), "Zoë".to_owned())]);
        let text = "Hello {{first_name}} {{ first_name | default: \"friend\" }} {{day | default: \"Monday\"}}{{none}} {x} {{open";
        assert_eq!(liquid(text, &values), "Hello Zoë Zoë Monday {x} {{open");
    }
}
