//! Texts that ElevenLabs reads out, for whoever has nothing but a key.

use std::time::Duration;

use providers::*;
use serde_json::json;

use super::{
    elevenlabs::{paths, world},
    support::FAST,
};

const VOICE: &str = "EXAVITQu4vr4xnSDxMaL";

/// With a key and nothing else: no webhook, no agent, no number.
#[tokio::test]
async fn texts_are_read_out_for_whoever_has_a_key() {
    let world = world(FAST).await;
    let voice = world.connect(
        |account| {
            account.webhook_secret = None;
            let options = [("speech_stability", "0.4"), ("speech_speed", "1.1"), ("speech_speaker_boost", "false")];
            account.options.extend(options.map(|(name, value)| (name.to_owned(), value.to_owned())));
        },
        Duration::from_secs(10),
    );
    let speech = voice.speech().expect("speech");
    let say = |text: &str, language: Option<&str>, format| Utterance {
        text: text.to_owned(),
        voice: VOICE.to_owned(),
        language: language.map(str::to_owned),
        format,
    };
    let long = "Your order is ready. مرحبا 😀. ".repeat(5);
    let short = speech.speak(&say("Hello.", None, SoundFormat::Mp3)).await.expect("spoken");
    let longer = speech.speak(&say(&long, Some("ar-AE"), SoundFormat::Mp3)).await.expect("spoken");
    assert_eq!((short.sound.content_type.as_str(), &short.sound.bytes[..2]), ("audio/mpeg", &[0xff, 0xfb][..]));
    assert!(longer.sound.bytes.len() > 5 * short.sound.bytes.len(), "its length follows the text");
    assert_eq!((short.characters, longer.characters), (Some(6), Some(long.chars().count() as u64)));
    assert!(short.took.is_some());
    let telephone = speech.speak(&say("Hello.", None, SoundFormat::Ulaw)).await.expect("spoken");
    assert_eq!((telephone.sound.content_type.as_str(), telephone.sound.bytes.len()), ("audio/basic", 7_200));
    assert!(voice.check().await.expect("checked").name.contains(&format!("{} of 100000 credits", 12 + long.chars().count())));
    assert!(voice.voices().expect("voices").list().await.expect("listed").iter().any(|one| one.id == VOICE));
    let exchanges = world.judge();
    let path = format!("/v1/text-to-speech/{VOICE}");
    let sent = paths(&exchanges, "POST", &path);
    let settings = json!({ "stability": 0.4, "speed": 1.1, "use_speaker_boost": false });
    assert_eq!(sent[0].json(), json!({ "text": "Hello.", "model_id": "eleven_multilingual_v2", "voice_settings": settings }));
    assert_eq!((&sent[1].json()["model_id"], &sent[1].json()["language_code"]), (&json!("eleven_flash_v2_5"), &json!("ar")));
    assert_eq!(sent[2].query, [("output_format".to_owned(), "ulaw_8000".to_owned())]);

    let choice = |account: &mut Account| drop(account.options.insert("speech_model".into(), "eleven_multilingual_v2".into()));
    let voice = world.connect(choice, Duration::from_secs(10));
    let spoken = voice.speech().expect("speech").speak(&say("Hello.", Some("en-GB"), SoundFormat::Mp3)).await;
    assert!(spoken.is_ok(), "a model that takes no language is told none: {spoken:?}");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_with_the_reason() {
    let world = world(FAST).await;
    let speak = async |option: Option<(&str, &str)>, text: &str, voice: &str| {
        let change =
            |account: &mut Account| account.options.extend(option.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let adapter = world.connect(change, Duration::from_secs(10));
        let utterance = Utterance { text: text.to_owned(), voice: voice.to_owned(), language: None, format: SoundFormat::Mp3 };
        match adapter.speech().expect("speech").speak(&utterance).await {
            Err(ProviderError::Refused(refusal)) => refusal.code,
            other => panic!("not refused: {other:?}"),
        }
    };
    assert_eq!(speak(None, "Hello", "nobody").await, "voice_not_found");
    assert_eq!(speak(None, "Hello", "../secrets").await, "no_voice");
    assert_eq!(speak(None, " ", VOICE).await, "http_422");
    assert_eq!(speak(None, &"a".repeat(10_001), VOICE).await, "max_character_limit_exceeded");
    for wrong in [("speech_speed", "3"), ("speech_style", "much"), ("speech_speaker_boost", "maybe")] {
        assert_eq!(speak(Some(wrong), "Hello", VOICE).await, "bad_option", "{wrong:?}");
    }
    world.judge();
}
