//! `POST /v1/convai/…/outbound-call`: reading the request as strictly as ElevenLabs does, and the faults of creation.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Extension, Json, extract::State};
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, agents::AGENTS, assets::NUMBERS, terms, webhooks};
use crate::{
    call::{Direction, Order, Plan, reference_in},
    conversation::{Brief, fill},
    network::{Network, State as Kept},
    numbers::{self, Fixed},
};

const RING_SECONDS_DEFAULT: u64 = 60;
const TALK_SECONDS_DEFAULT: f64 = 600.0;
/// What our customers write before the goodbye of an agent that is told to call no more.
const GOODBYE: &str = "with exactly this message: ";

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;
type Placed = Result<Json<Value>, Refusal>;

pub async fn over_twilio(State(network): Net, Extension(Owner(me)): Me, Json(request): Json<Map<String, Value>>) -> Placed {
    place(&network, &me, &request, "twilio").await
}

pub async fn over_trunk(State(network): Net, Extension(Owner(me)): Me, Json(request): Json<Map<String, Value>>) -> Placed {
    place(&network, &me, &request, "sip_trunk").await
}

/// The answer to a request that was understood; without an id it is none.
fn answer(provider: &str, message: &str, id: Option<(String, String)>) -> Json<Value> {
    let sid = if provider == "twilio" { "callSid" } else { "sip_call_id" };
    let (conversation, call) = id.unzip();
    let success = conversation.is_some();
    Json(json!({ "success": success, "message": message, "conversation_id": conversation, sid: call }))
}

async fn place(network: &Arc<Network>, me: &str, request: &Map<String, Value>, provider: &str) -> Placed {
    let order = read_order(network, me, request, provider)?;
    // A number that the carrier does not know is a success over HTTP, and no call (providers.md §13, edge 16).
    if numbers::fixed(&order.to) == Some(Fixed::Invalid) {
        let why =
            format!("Unable to create record: The phone number you are attempting to call, 'To', {} is not valid.", order.to);
        return Ok(answer(provider, &why, None));
    }
    let id = network.admit(order).await?;
    let sid = terms::carrier_id(network, &id);
    Ok(answer(provider, "Success", Some((id, sid))))
}

fn read_order(network: &Network, me: &str, request: &Map<String, Value>, provider: &str) -> Result<Order, Refusal> {
    let text = |name: &str| request.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::field(name, "Field required"));
    let (agent, number, to) = (text("agent_id")?, text("agent_phone_number_id")?, text("to_number")?);
    if !numbers::is_e164(to) {
        return Err(Refusal::field("to_number", "must be in E.164 format"));
    }
    let ring = request.get("telephony_call_config").and_then(|config| config["ringing_timeout_secs"].as_u64());
    let told = request.get("conversation_initiation_client_data").cloned().unwrap_or_else(|| json!({}));
    let state = network.state();
    let number = state.documents.get(me, NUMBERS, number).filter(|number| number["provider"] == provider);
    let number = number.ok_or_else(|| Refusal::missing("phone_number"))?;
    let mut order = order(&state, me, agent, number, told)?;
    order.to = to.to_owned();
    order.from = number["phone_number"].as_str().unwrap_or_default().to_owned();
    order.ring_seconds_max = ring.unwrap_or(RING_SECONDS_DEFAULT).clamp(1, 999) as f64;
    Ok(order)
}

/// The order of a call with this agent over this number, without who calls whom.
pub fn order(state: &Kept, me: &str, agent: &str, number: &Value, told: Value) -> Result<Order, Refusal> {
    let agent = state.documents.get(me, AGENTS, agent).cloned().ok_or_else(|| Refusal::missing("agent"))?;
    let config = &agent["conversation_config"];
    let changed = &told["conversation_config_override"];
    for (group, name) in [("conversation", "max_duration_seconds"), ("agent", "first_message")] {
        let allowed = &agent["platform_settings"]["overrides"]["conversation_config_override"][group][name];
        if !changed[group][name].is_null() && *allowed != true {
            return Err(Refusal::bad("override_not_allowed", format!("Override for field '{name}' is not allowed by config.")));
        }
    }
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for source in [&config["agent"]["dynamic_variables"]["dynamic_variable_placeholders"], &told["dynamic_variables"]] {
        let texts = source.as_object().into_iter().flatten();
        variables
            .extend(texts.map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))));
    }
    let tools = &config["agent"]["prompt"]["built_in_tools"];
    let voicemail = &tools["voicemail_detection"]["params"]["voicemail_message"];
    let goodbye = tools["end_call"]["description"].as_str().and_then(|text| text.split_once(GOODBYE));
    let said = |value: &Value| value.as_str().map(|text| fill(text, &variables));
    let brief = Brief {
        prompt: said(&config["agent"]["prompt"]["prompt"]).unwrap_or_default(),
        greeting: said(&changed["agent"]["first_message"])
            .or_else(|| said(&config["agent"]["first_message"]))
            .unwrap_or_default(),
        voicemail: said(voicemail),
        opt_out: goodbye.map(|(_, goodbye)| fill(goodbye, &variables)),
    };
    let limit = |value: &Value| value["conversation"]["max_duration_seconds"].as_f64().filter(|seconds| *seconds >= 1.0);
    Ok(Order {
        account: me.to_owned(),
        direction: Direction::Outbound,
        to: String::new(),
        from: String::new(),
        reference: reference_in(&told["dynamic_variables"]),
        plan: Plan::Converse(brief),
        ring_seconds_max: RING_SECONDS_DEFAULT as f64,
        talk_seconds_max: limit(changed).or_else(|| limit(config)).unwrap_or(TALK_SECONDS_DEFAULT),
        detects: tools["voicemail_detection"].is_object(),
        records: true,
        speaker: Arc::new(terms::Terms { webhook: webhooks::target(state, me, &agent), number: number.clone(), agent, told }),
    })
}
