//! Numbers, voices, and what is left of the plan.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Owner, Refusal, agents::AGENTS, new_id};
use crate::{
    network::{Network, State as Kept},
    numbers,
};

pub const NUMBERS: &str = "elevenlabs/numbers";
/// Characters that were spoken, under the name "characters".
const USAGE: &str = "elevenlabs/usage";
/// What everybody may use.
pub const CHARACTERS_MAX: u64 = 100_000;
/// Id, name, gender, language, accent.
const VOICES: [(&str, &str, &str, &str, &str); 4] = [
    ("cjVigY5qzO86Huf0OWal", "Eric", "male", "en", "en-US"),
    ("EXAVITQu4vr4xnSDxMaL", "Sarah", "female", "en", "en-GB"),
    ("JBFqnCBsd6RMkjVDRZzb", "George", "male", "en", "en-GB"),
    ("a1KZUXKFVFDOb33I1uqr", "Salma", "female", "ar", "ar-EG"),
];

type Net = State<Arc<Network>>;
type Me = Extension<Owner>;

/// A number as it is shown, with the name of its agent.
fn shown(state: &Kept, me: &str, number: &Value) -> Value {
    let mut shown = number.clone();
    let agent = shown.as_object_mut().and_then(|fields| fields.remove("agent_id"));
    let agent = agent.and_then(|id| state.documents.get(me, AGENTS, id.as_str()?));
    let named = agent.map(|agent| json!({ "agent_id": agent["agent_id"], "agent_name": agent["name"] }));
    shown["assigned_agent"] = named.unwrap_or_default();
    shown
}

pub async fn import(
    State(network): Net,
    Extension(Owner(me)): Me,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Json<Value>, Refusal> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::field(name, "Field required"));
    let phone = text("phone_number")?;
    if !numbers::is_e164(phone) {
        return Err(Refusal::field("phone_number", "must be in E.164 format"));
    }
    let provider = fields.get("provider").and_then(Value::as_str).unwrap_or("twilio");
    let id = new_id(&network, "phnum", phone);
    let mut number = json!({
        "phone_number_id": id, "phone_number": phone, "label": text("label")?, "provider": provider,
        "supports_inbound": true, "supports_outbound": true, "agent_id": fields.get("agent_id"),
    });
    match provider {
        "twilio" => drop((text("sid")?, text("token")?)),
        "sip_trunk" => number["livekit_stack"] = "standard".into(),
        _ => return Err(Refusal::field("provider", "is not played")),
    }
    if network.state().documents.put(&me, NUMBERS, &id, number) {
        Ok(Json(json!({ "phone_number_id": id })))
    } else {
        Err(Refusal::too_many())
    }
}

pub async fn numbers(State(network): Net, Extension(Owner(me)): Me) -> Json<Vec<Value>> {
    let state = network.state();
    Json(state.documents.list(&me, NUMBERS).map(|(_, number)| shown(&state, &me, number)).collect())
}

pub async fn bind(
    State(network): Net,
    Extension(Owner(me)): Me,
    Path(id): Path<String>,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Json<Value>, Refusal> {
    let mut state = network.state();
    if let Some(agent) = fields.get("agent_id").and_then(Value::as_str) {
        state.documents.get(&me, AGENTS, agent).ok_or_else(|| Refusal::missing("agent"))?;
    }
    let number = state.documents.get_mut(&me, NUMBERS, &id).ok_or_else(|| Refusal::missing("phone_number"))?;
    for name in ["agent_id", "label"] {
        if let Some(value) = fields.get(name) {
            number[name] = value.clone();
        }
    }
    let number = number.clone();
    Ok(Json(shown(&state, &me, &number)))
}

#[derive(Deserialize)]
pub struct Wanted {
    page_size: Option<usize>,
    next_page_token: Option<String>,
}

pub async fn voices(Query(wanted): Query<Wanted>) -> Json<Value> {
    let from: usize = wanted.next_page_token.and_then(|token| token.parse().ok()).unwrap_or_default();
    let size = wanted.page_size.unwrap_or(10).clamp(1, 100);
    let voice = |(id, name, gender, language, locale): &(&str, &str, &str, &str, &str)| {
        json!({
            "voice_id": id, "name": name, "category": "premade", "labels": { "gender": gender, "language": language },
            "preview_url": format!("https://storage.example.com/{id}.mp3"), "available_for_tiers": [],
            "high_quality_base_model_ids": ["eleven_flash_v2_5"],
            "verified_languages": [{ "language": language, "model_id": "eleven_flash_v2_5", "locale": locale }],
        })
    };
    let page: Vec<Value> = VOICES.iter().skip(from).take(size).map(voice).collect();
    let next = from + page.len();
    let more = next < VOICES.len();
    let token = more.then(|| next.to_string());
    Json(json!({ "voices": page, "has_more": more, "total_count": VOICES.len(), "next_page_token": token }))
}

pub fn is_voice(id: &str) -> bool {
    VOICES.iter().any(|(own, ..)| *own == id)
}

fn used(state: &Kept, me: &str) -> u64 {
    state.documents.get(me, USAGE, "characters").and_then(Value::as_u64).unwrap_or_default()
}

/// Takes so many characters off the plan; false when it does not have them.
pub fn use_characters(network: &Network, me: &str, count: u64) -> bool {
    let mut state = network.state();
    let total = used(&state, me) + count;
    total <= CHARACTERS_MAX && state.documents.put(me, USAGE, "characters", total.into())
}

pub async fn subscription(State(network): Net, Extension(Owner(me)): Me) -> Json<Value> {
    Json(json!({
        "tier": "creator", "status": "active", "character_count": used(&network.state(), &me), "character_limit": CHARACTERS_MAX,
        "max_character_limit_extension": null, "max_credit_limit_extension": 0, "can_extend_character_limit": false,
        "allowed_to_extend_character_limit": false, "next_character_count_reset_unix": null, "voice_slots_used": 0,
        "professional_voice_slots_used": 0, "professional_voice_slots_used_in_workspace": 0, "voice_limit": 30,
        "voice_add_edit_counter": 0, "professional_voice_limit": 1, "can_extend_voice_limit": false,
        "can_use_instant_voice_cloning": true, "can_use_professional_voice_cloning": true,
        "current_overage": { "amount": "0", "currency": "usd" }, "open_invoices": [], "has_open_invoices": false,
    }))
}
