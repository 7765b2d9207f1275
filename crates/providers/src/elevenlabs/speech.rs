//! Text into sound, with nothing but a key.

use std::time::Instant;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ElevenLabs, errors};
use crate::{
    engine::{SoundFormat, Speech, Spoken, Utterance},
    exchange::{self, configuration},
    voice::ProviderError,
};

/// For texts in a language that the model finds out by itself, and for those that name one: the first takes no name.
const MODEL: &str = "eleven_multilingual_v2";
const MODEL_WITH_LANGUAGE: &str = "eleven_flash_v2_5";
/// What models that can be told a language have in their names.
const TOLD_LANGUAGE: [&str; 2] = ["v2_5", "v3"];
/// What was charged, under the names that have been seen.
const COST_HEADERS: [&str; 2] = ["character-cost", "x-character-count"];
/// Our options, ElevenLabs' names of them, and the values it takes.
const SETTINGS: [(&str, &str, std::ops::RangeInclusive<f64>); 4] = [
    ("speech_stability", "stability", 0.0..=1.0),
    ("speech_similarity", "similarity_boost", 0.0..=1.0),
    ("speech_style", "style", 0.0..=1.0),
    ("speech_speed", "speed", 0.7..=1.2),
];

#[async_trait]
impl Speech for ElevenLabs {
    async fn speak(&self, utterance: &Utterance) -> Result<Spoken, ProviderError> {
        if !exchange::is_id(&utterance.voice) {
            return Err(ProviderError::Refused(configuration("no_voice", "not an id of a voice at ElevenLabs")));
        }
        let format = match utterance.format {
            SoundFormat::Mp3 => "mp3_44100_128",
            SoundFormat::Ulaw => "ulaw_8000",
        };
        let request = self
            .api
            .request(Method::POST, &format!("/v1/text-to-speech/{}", utterance.voice))
            .query(&[("output_format", format)])
            .json(&self.speech_body(utterance)?);
        let asked_at = Instant::now();
        let (sound, headers) = exchange::sound_with_headers(request, errors::refusal).await?;
        let number = |name| headers.get(name).and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
        Ok(Spoken { sound, characters: COST_HEADERS.into_iter().find_map(number), took: Some(asked_at.elapsed()) })
    }
}

impl ElevenLabs {
    fn speech_body(&self, utterance: &Utterance) -> Result<Value, ProviderError> {
        let options = &self.api.account.options;
        let language = utterance.language.as_deref().and_then(|tag| tag.split('-').next()).filter(|code| !code.is_empty());
        let model = options.get("speech_model").map(String::as_str);
        let model = model.unwrap_or(if language.is_some() { MODEL_WITH_LANGUAGE } else { MODEL });
        let mut body = json!({ "text": utterance.text, "model_id": model });
        if let Some(code) = language.filter(|_| TOLD_LANGUAGE.iter().any(|word| model.contains(word))) {
            body["language_code"] = code.to_lowercase().into();
        }
        let wrong = |name: &str| ProviderError::Refused(configuration("bad_option", &format!("{name} is out of its limits")));
        for (option, name, limits) in SETTINGS {
            if let Some(text) = options.get(option) {
                let value: f64 = text.parse().map_err(|_| wrong(option))?;
                if !limits.contains(&value) {
                    return Err(wrong(option));
                }
                body["voice_settings"][name] = json!(value);
            }
        }
        if let Some(text) = options.get("speech_speaker_boost") {
            body["voice_settings"]["use_speaker_boost"] = text.parse::<bool>().map_err(|_| wrong("speech_speaker_boost"))?.into();
        }
        Ok(body)
    }
}
