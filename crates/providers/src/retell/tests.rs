//! Signatures against the official SDK's, and events against the documented one. The network is in `tests/it`.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{callback, sign, wire};
use crate::{
    analysis::{Sentiment, Speaker},
    news::told::{analysis, status},
    signature::flips::fails_by_one_bit,
    voice::*,
};

const ENDED: &str = include_str!("fixtures/call-ended.json");
const ID: &str = "call_a4441234567890777c4a4a123e6";

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    api_key: String,
    body: String,
    header: String,
    at_unix_ms: i64,
    tolerance_ms: i64,
}

fn vectors() -> Vec<Vector> {
    let file: Vectors = serde_json::from_str(include_str!("fixtures/signature-vectors.json")).expect("the vectors are JSON");
    assert_eq!(file.vectors.len(), 1);
    file.vectors
}

impl Vector {
    fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.at_unix_ms).expect("a moment")
    }
}

fn passes(key: &str, body: &[u8], header: &[u8], now: DateTime<Utc>) -> bool {
    let Ok(value) = HeaderValue::from_bytes(header) else { return false };
    let headers = HeaderMap::from_iter([(sign::HEADER.parse().expect("a name"), value)]);
    let request = CallbackRequest { method: &Method::POST, url: "https://b.example/hook", headers: &headers, body };
    sign::verify(key, &request, now).is_ok()
}

#[test]
fn every_vector_of_the_official_sdk_passes_until_it_is_too_old() {
    for vector in vectors() {
        let passes = |now| passes(&vector.api_key, vector.body.as_bytes(), vector.header.as_bytes(), now);
        assert_eq!(sign::signature(&vector.api_key, vector.body.as_bytes(), vector.at()), vector.header);
        let age = TimeDelta::milliseconds(vector.tolerance_ms);
        assert!(passes(vector.at()) && passes(vector.at() + age));
        assert!(!passes(vector.at() + age + TimeDelta::milliseconds(1)));
        assert!(!passes(vector.at() - age - TimeDelta::milliseconds(1)));
    }
}

#[test]
fn one_flipped_bit_anywhere_fails() {
    for vector in vectors() {
        let passes = |key: &str, body: &[u8], header: &[u8]| passes(key, body, header, vector.at());
        fails_by_one_bit(&vector.api_key, vector.body.as_bytes(), vector.header.as_bytes(), passes);
    }
}

#[test]
fn a_header_of_another_shape_is_refused() {
    let vector = vectors().remove(0);
    let digest = vector.header.split_once(",d=").expect("a digest").1;
    let stamp = vector.at_unix_ms;
    for header in [
        String::new(),
        format!("v={stamp}"),
        format!("d={digest},v={stamp}"),
        format!("v=+{stamp},d={digest}"),
        format!("v={stamp},d={}", digest.to_uppercase()),
        format!("v={stamp},d={digest},d={digest}"),
        format!(" v={stamp},d={digest}x"),
    ] {
        assert!(!passes(&vector.api_key, vector.body.as_bytes(), header.as_bytes(), vector.at()), "{header}");
    }
    let mut headers = HeaderMap::new();
    let request = |headers: &HeaderMap| {
        let request = CallbackRequest { method: &Method::POST, url: "", headers, body: vector.body.as_bytes() };
        sign::verify(&vector.api_key, &request, vector.at()).is_ok()
    };
    assert!(!request(&headers));
    let value = HeaderValue::from_str(&vector.header).expect("a header");
    headers.append(sign::HEADER, value.clone());
    assert!(request(&headers));
    headers.append(sign::HEADER, value);
    assert!(!request(&headers), "two signatures");
}

fn news(body: &Value) -> Vec<Callback> {
    callback::parse(body.to_string().as_bytes()).expect("an event")
}

fn ended() -> Value {
    serde_json::from_str(ENDED).expect("the fixture is JSON")
}

/// The outcome of a call with this status and reason, answered or not.
fn outcome(status_word: &str, reason: &str, answered: bool) -> ProviderStatus {
    let mut body = ended();
    body["call"]["call_status"] = status_word.into();
    body["call"]["disconnection_reason"] = reason.into();
    if !answered {
        body["call"].as_object_mut().expect("an object").remove("start_timestamp");
    }
    status(&news(&body)).status
}

#[test]
fn an_end_tells_status_recording_and_what_was_said() {
    let all = news(&ended());
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| one.id.as_str() == ID && one.call.is_some()));
    assert_eq!(all[0].at.map(|at| at.timestamp_millis()), Some(1_703_302_429_001));
    let seen = status(&all);
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    assert_eq!((seen.raw_status.as_str(), seen.raw_reason.as_deref()), ("ended", Some("user_hangup")));
    assert_eq!((seen.talk_seconds, seen.price_micros, seen.currency.as_deref()), (Some(22), Some(125_000), Some("USD")));
    assert_eq!(seen.answered_at.map(|at| at.timestamp_millis()), Some(1_703_302_407_333));
    assert_eq!(seen.to.as_ref().map(|to| to.to_string()).as_deref(), Some("+12137771235"));
    let CallbackKind::Recording(recording) = &all[1].kind else { panic!("no recording") };
    assert!(recording.ready && recording.url.as_ref().is_some_and(|url| url.ends_with("recording.wav")));
    let said: Vec<_> =
        analysis(&all).transcript.iter().map(|one| (one.speaker, one.text.as_str(), one.start_ms, one.end_ms)).collect();
    assert_eq!(
        said,
        [
            (Speaker::Agent, "hi", Some(700), Some(1_300)),
            (Speaker::Person, "stop it", Some(2_250), Some(2_876)),
            (Speaker::Event, "opt_out", None, None),
            (Speaker::Event, "pressed 9", None, None),
            (Speaker::Colleague, "Who is it?", None, None),
        ]
    );
    assert_eq!(analysis(&all).opted_out, Some(true));
}

#[test]
fn a_judgement_is_read_field_by_field() {
    let mut body = ended();
    body["event"] = "call_analyzed".into();
    body["call"]["transcript_with_tool_calls"] = json!([]);
    body["call"]["call_analysis"] = json!({
        "call_summary": "Fine.", "in_voicemail": false, "user_sentiment": "Negative", "call_successful": true,
        "custom_analysis_data": { "opt_out": false, "keywords": "Bread, cake", "day": "Monday", "age": 7, "none": null },
    });
    let all = news(&body);
    let found = analysis(&all);
    assert_eq!((found.summary.as_deref(), found.successful, found.voicemail), (Some("Fine."), Some(true), Some(false)));
    assert_eq!((found.sentiment, found.opted_out), (Some(Sentiment::Negative), Some(false)));
    assert_eq!(found.keywords, ["bread", "cake"]);
    assert_eq!(found.fields.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(), ["age=7", "day=Monday"]);
    body["call"]["call_analysis"]["user_sentiment"] = "Ecstatic".into();
    assert_eq!(analysis(&news(&body)).sentiment, None);
}

#[test]
fn every_reason_has_its_outcome() {
    use Outcome::*;
    let table: &[(Outcome, &[&str])] = &[
        (
            Completed,
            &[
                "user_hangup",
                "agent_hangup",
                "call_transfer",
                "transfer_bridged",
                "transfer_cancelled",
                "inactivity",
                "max_duration_reached",
                "ivr_reached",
                "call_take_over",
                "manual_stopped",
            ],
        ),
        (Voicemail, &["voicemail_reached"]),
        (Busy, &["dial_busy"]),
        (Rejected, &["user_declined"]),
        (NoAnswer, &["dial_no_answer"]),
        (
            Failed,
            &[
                "invalid_destination",
                "scam_detected",
                "marked_as_spam",
                "telephony_provider_permission_denied",
                "no_valid_payment",
                "concurrency_limit_reached",
                "no_concurrency_fallback",
                "dial_failed",
                "telephony_provider_unavailable",
                "sip_routing_error",
                "registered_call_timeout",
                "error_llm_websocket_open",
                "error_no_audio_received",
                "error_asr",
                "error_retell",
                "error_unknown",
                "error_user_not_joined",
            ],
        ),
    ];
    for (expected, reasons) in table {
        for reason in *reasons {
            assert_eq!(outcome("ended", reason, true), ProviderStatus::Ended(*expected), "{reason}");
        }
    }
    let spec: Value = serde_json::from_str(include_str!("fixtures/openapi.json")).expect("JSON");
    for reason in spec["components"]["schemas"]["DisconnectionReason"]["enum"].as_array().expect("a list") {
        let reason = reason.as_str().expect("a word");
        assert!(
            table.iter().any(|(_, known)| known.contains(&reason)) || reason.starts_with("error"),
            "{reason} is not in the table"
        );
    }
    assert_eq!(outcome("not_connected", "manual_stopped", false), ProviderStatus::Ended(Canceled));
}

/// providers.md §13, edge 13: it exists and it ended, so that is how it arrives.
#[test]
fn edge_13_a_concurrency_limit_is_an_end_with_a_reason() {
    assert_eq!(outcome("error", "concurrency_limit_reached", false), ProviderStatus::Ended(Outcome::Failed));
    let mut body = ended();
    body["call"] = json!({ "call_id": ID, "call_status": "error", "disconnection_reason": "concurrency_limit_reached" });
    let all = news(&body);
    assert_eq!(status(&all).raw_reason.as_deref(), Some("concurrency_limit_reached"));
    assert_eq!((all.len(), all[0].call), (1, None), "metadata is left out when unset");
}

/// Nobody was reached, and that was not the person's doing: whoever counts attempts can tell.
#[test]
fn edge_13_a_full_or_broken_platform_is_told_from_a_number_that_fails() {
    let fault = |word: &str, reason: &str| {
        let mut body = ended();
        body["call"] = json!({ "call_id": ID, "call_status": word, "disconnection_reason": reason });
        status(&news(&body)).platform_fault
    };
    for reason in ["concurrency_limit_reached", "no_concurrency_fallback", "registered_call_timeout", "error_retell", "error_asr"]
    {
        assert!(fault("error", reason), "{reason}");
        assert!(!fault("ongoing", reason), "{reason}, before the end");
    }
    assert!(fault("not_connected", "telephony_provider_unavailable"));
    for (word, reason) in [
        ("not_connected", "dial_failed"),
        ("not_connected", "dial_busy"),
        ("not_connected", "invalid_destination"),
        ("error", "no_valid_payment"),
        ("error", "error_llm_websocket_open"),
        ("error", "beamed_up"),
        ("ended", "user_hangup"),
        ("ended", ""),
    ] {
        assert!(!fault(word, reason), "{reason}");
    }
}

#[test]
fn words_that_we_do_not_know_are_kept_and_never_fail() {
    assert_eq!(outcome("ended", "beamed_up", true), ProviderStatus::Ended(Outcome::Completed));
    assert_eq!(outcome("ended", "beamed_up", false), ProviderStatus::Ended(Outcome::Failed));
    assert_eq!(outcome("error", "error_of_a_new_kind", true), ProviderStatus::Ended(Outcome::Failed));
    assert_eq!(outcome("hyperspace", "", true), ProviderStatus::Unrecognised);
    let mut body = ended();
    body["event"] = "call_dreamt_of".into();
    let all = news(&body);
    assert_eq!(all.len(), 4);
    assert!(matches!(&all[3].kind, CallbackKind::Unknown(raw) if raw.contains("call_dreamt_of")));
}

#[test]
fn every_event_type_is_read_and_has_ids_of_its_own() {
    let mut ids = std::collections::HashSet::new();
    for event in [
        "call_started",
        "call_ended",
        "call_analyzed",
        "transcript_updated",
        "transfer_started",
        "transfer_bridged",
        "transfer_cancelled",
        "transfer_ended",
    ] {
        let mut body = ended();
        body["event"] = event.into();
        if event != "call_ended" && event != "call_analyzed" {
            body["call"]["call_status"] = "ongoing".into();
        }
        let all = news(&body);
        let expected = match event {
            "call_started" => ProviderStatus::Answered,
            "call_ended" | "call_analyzed" => ProviderStatus::Ended(Outcome::Completed),
            _ => ProviderStatus::InProgress,
        };
        assert_eq!(status(&all).status, expected, "{event}");
        assert!(all.iter().all(|one| ids.insert(one.event_id.clone())), "{event}");
        // Sent again a minute later, it is the same news; with another transcript it is not.
        body["event_timestamp"] = 1_703_302_489_001_i64.into();
        assert_eq!(news(&body)[0].event_id, all[0].event_id);
        body["call"]["transcript_with_tool_calls"] = json!([{ "role": "agent", "content": "more" }]);
        assert_ne!(news(&body)[0].event_id, all[0].event_id);
    }
}

#[test]
fn what_names_no_call_is_malformed() {
    for bad in [
        "",
        "{}",
        "[]",
        r#"{"event":"call_ended"}"#,
        r#"{"event":"call_ended","call":{}}"#,
        r#"{"event":1,"call":{"call_id":"c"}}"#,
    ] {
        assert!(callback::parse(bad.as_bytes()).is_err(), "{bad}");
        assert!(callback::parse_inbound(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn refusals_are_sorted_by_what_to_do_about_them() {
    let refused = |status: u16, message: &str| {
        let body = json!({ "status": "error", "message": message }).to_string();
        wire::refusal(status, body.as_bytes(), None).map(|refusal| refusal.kind)
    };
    use RefusalKind::*;
    for (status, message, kind) in [
        (400, "to_number is not a valid phone number.", Permanent),
        (422, "Invalid destination", Permanent),
        (400, "from_number cannot call this to_number", Configuration),
        (400, "Invalid request format, please check API reference.", Configuration),
        (401, "API key is missing or invalid.", Configuration),
        (402, "Trial has ended, please add payment method.", Configuration),
        (404, "The requested resource was not found.", Configuration),
        (429, "Account rate limited, please throttle your requests.", Transient),
        (503, "Service is unavailable.", Transient),
    ] {
        assert_eq!(refused(status, message), Some(kind), "{status} {message}");
    }
    assert_eq!(refused(500, "An unexpected server error occurred."), None, "it may have been dialed");
    assert_eq!(wire::refusal(502, b"<html>bad gateway</html>", None), None);
    assert_eq!(wire::refusal(302, b"", None), None);
}

proptest! {
    /// gremlin signs by its own code; what it signs we accept, and nothing else.
    #[test]
    fn gremlin_and_we_agree_on_every_body(body in any::<Vec<u8>>(), key in "key_[0-9a-f]{16}", ms in 0i64..4_000_000_000_000) {
        let header = gremlin::sign_retell(&key, &body, ms);
        let at = DateTime::from_timestamp_millis(ms).expect("a moment");
        prop_assert_eq!(&header, &sign::signature(&key, &body, at));
        prop_assert!(passes(&key, &body, header.as_bytes(), at));
        prop_assert!(!passes("another key", &body, header.as_bytes(), at));
    }

    /// Whatever arrives, reading it ends.
    #[test]
    fn any_bytes_are_read_or_refused(body in any::<Vec<u8>>()) {
        callback::parse(&body).ok();
        callback::parse_inbound(&body).ok();
    }

    /// Whatever is in the places of a call, reading it ends.
    #[test]
    fn any_numbers_are_read(start in any::<i64>(), duration in any::<i64>(), cost in any::<f64>(), word in any::<f64>()) {
        let mut body = ended();
        body["call"]["start_timestamp"] = start.into();
        body["call"]["duration_ms"] = duration.into();
        body["call"]["call_cost"]["combined_cost"] = json!(cost);
        body["call"]["transcript_with_tool_calls"][0]["words"][0]["start"] = json!(word);
        callback::parse(body.to_string().as_bytes()).ok();
    }
}
