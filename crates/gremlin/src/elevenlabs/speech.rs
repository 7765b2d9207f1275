//! `POST /v1/text-to-speech/{voice}`: a tone as long as somebody would speak, in the format that was asked for.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Owner, Refusal, assets, new_id};
use crate::{conversation::speaking_seconds, network::Network, tone};

/// Of the model that takes the least.
const TEXT_CHARS_MAX: usize = 10_000;
const FORMAT: &str = "mp3_44100_128";

#[derive(Deserialize)]
pub struct Wanted {
    output_format: Option<String>,
}

pub async fn speak(
    State(network): State<Arc<Network>>,
    Extension(Owner(me)): Extension<Owner>,
    Path(voice): Path<String>,
    Query(wanted): Query<Wanted>,
    Json(fields): Json<Map<String, Value>>,
) -> Result<Response, Refusal> {
    let text = fields.get("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Refusal::field("text", "must not be empty"))?;
    let characters = text.chars().count();
    if characters > TEXT_CHARS_MAX {
        return Err(Refusal::bad("max_character_limit_exceeded", "This request exceeds the maximum of characters."));
    }
    if !assets::is_voice(&voice) {
        return Err(Refusal::missing("voice"));
    }
    let model = fields.get("model_id").and_then(Value::as_str).unwrap_or("eleven_multilingual_v2");
    if fields.contains_key("language_code") && model == "eleven_multilingual_v2" {
        return Err(Refusal::bad("unsupported_language", "Model 'eleven_multilingual_v2' does not support language_code."));
    }
    let seconds = speaking_seconds(text);
    let (kind, sound) = match wanted.output_format.as_deref().unwrap_or(FORMAT) {
        FORMAT => ("audio/mpeg", tone::mp3(seconds)),
        "ulaw_8000" => ("audio/basic", tone::ulaw(seconds)),
        "wav_8000" => ("audio/wav", tone::wav(seconds.ceil() as u32, 1)),
        other => return Err(Refusal::bad("unsupported_format", format!("{other} is not played."))),
    };
    if !assets::use_characters(&network, &me, characters as u64) {
        let why = "This request exceeds your quota.";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "quota_exceeded", why));
    }
    let cost = (HeaderName::from_static("character-cost"), characters.to_string());
    let request = (HeaderName::from_static("request-id"), new_id(&network, "req", &voice));
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), cost, request], sound).into_response())
}
