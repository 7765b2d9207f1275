//! Signatures against the official SDK's, and events against the documented ones. The network is in `tests/it`.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{callback, errors, sign};
use crate::{
    analysis::{Sentiment, Speaker},
    exchange::Trouble,
    news::told::{analysis, status},
    signature::flips::fails_by_one_bit,
    voice::*,
};

const TOLD: &str = include_str!("fixtures/post-call-transcription.json");
const ID: &str = "conv_01jz";

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    secret: String,
    body: String,
    header: String,
    at_unix_s: i64,
    tolerance_s: i64,
}

fn vectors() -> Vec<Vector> {
    let file: Vectors = serde_json::from_str(include_str!("fixtures/signature-vectors.json")).expect("the vectors are JSON");
    assert_eq!(file.vectors.len(), 1);
    file.vectors
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a moment")
}

fn passes(secret: &str, body: &[u8], header: &[u8], now: DateTime<Utc>) -> bool {
    let Ok(value) = HeaderValue::from_bytes(header) else { return false };
    let headers = HeaderMap::from_iter([(sign::HEADER.parse().expect("a name"), value)]);
    let request = CallbackRequest { method: &Method::POST, url: "https://b.example/hook", headers: &headers, body };
    sign::verify(secret, &request, now).is_ok()
}

#[test]
fn every_vector_that_the_official_sdk_accepts_passes_until_it_is_too_old() {
    for vector in vectors() {
        let passes = |now| passes(&vector.secret, vector.body.as_bytes(), vector.header.as_bytes(), now);
        let now = at(vector.at_unix_s);
        assert_eq!(sign::signature(&vector.secret, vector.body.as_bytes(), now), vector.header);
        let age = TimeDelta::seconds(vector.tolerance_s);
        assert!(passes(now) && passes(now + age) && passes(now - TimeDelta::minutes(5)));
        assert!(!passes(now + age + TimeDelta::seconds(1)));
        assert!(!passes(now - TimeDelta::minutes(5) - TimeDelta::seconds(1)), "from the future");
    }
}

#[test]
fn one_flipped_bit_anywhere_fails() {
    for vector in vectors() {
        let passes = |secret: &str, body: &[u8], header: &[u8]| passes(secret, body, header, at(vector.at_unix_s));
        fails_by_one_bit(&vector.secret, vector.body.as_bytes(), vector.header.as_bytes(), passes);
    }
}

#[test]
fn a_header_of_another_shape_is_refused() {
    let vector = vectors().remove(0);
    let digest = vector.header.split_once(",v0=").expect("a digest").1;
    let stamp = vector.at_unix_s;
    for header in [
        String::new(),
        format!("t={stamp}"),
        format!("v0={digest},t={stamp}"),
        format!("t=+{stamp},v0={digest}"),
        format!("t={stamp},v0={}", digest.to_uppercase()),
        format!("t={stamp},v0={digest},v0={digest}"),
        format!("t={stamp},v1={digest}"),
    ] {
        assert!(!passes(&vector.secret, vector.body.as_bytes(), header.as_bytes(), at(stamp)), "{header}");
    }
}

fn news(body: &Value) -> Vec<Callback> {
    callback::parse(body.to_string().as_bytes()).expect("an event")
}

fn told() -> Value {
    serde_json::from_str(TOLD).expect("the fixture is JSON")
}

#[test]
fn a_transcription_tells_status_recording_and_what_it_came_to() {
    let mut body = told();
    let ours: model::id::CallId = model::id::CallId::from(uuid::Uuid::from_u128(7));
    body["data"]["conversation_initiation_client_data"]["dynamic_variables"]["belfry_call"] = ours.to_string().into();
    let all = news(&body);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| one.id.as_str() == ID && one.call == Some(ours)));
    let seen = status(&all);
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    assert_eq!((seen.talk_seconds, seen.price_micros, seen.currency.as_deref()), (Some(22), Some(71_200), Some("USD")));
    assert_eq!((seen.answered_at, seen.ended_at), (Some(at(1_739_537_275)), Some(at(1_739_537_297))));
    assert_eq!(seen.to.as_ref().map(ToString::to_string).as_deref(), Some("+12137771235"));
    assert!(matches!(&all[1].kind, CallbackKind::Recording(recording) if recording.id == ID && recording.ready));
    let analysis = analysis(&all);
    let said: Vec<_> = analysis.transcript.iter().map(|one| (one.speaker, one.start_ms)).collect();
    assert_eq!(said, [(Speaker::Agent, Some(0)), (Speaker::Person, Some(3_000)), (Speaker::Event, Some(6_000))]);
    assert_eq!(
        (analysis.sentiment, analysis.successful, analysis.voicemail),
        (Some(Sentiment::Negative), Some(false), Some(false))
    );
    assert_eq!((analysis.opted_out, analysis.keywords.join("|")), (Some(true), "price|bread".to_owned()));
    assert_eq!(analysis.fields.get("pick_up_day").map(String::as_str), Some("Friday"));
    assert_eq!(analysis.fields.len(), 1, "what only we ask for is no field of the customer");
}

/// The tool alone tells, before anything was judged.
#[test]
fn an_agent_that_ends_the_call_for_that_reason_has_heard_an_opt_out() {
    let mut body = told();
    body["data"]["analysis"] = Value::Null;
    assert_eq!(analysis(&news(&body)).opted_out, Some(true));
    body["data"]["transcript"][2]["tool_calls"][0]["params_as_json"] = r#"{"reason":"all said"}"#.into();
    assert_eq!(analysis(&news(&body)).opted_out, None);
}

#[test]
fn a_machine_shows_by_the_tool_the_feature_or_the_judgement() {
    for (pointer, value) in [
        ("/data/metadata/features_usage", json!({ "voicemail_detection": { "enabled": true, "used": true } })),
        ("/data/transcript/2/tool_calls/0/tool_name", json!("voicemail_detection")),
        ("/data/analysis/data_collection_results/belfry_machine/value", json!(true)),
    ] {
        let mut body = told();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("an object")[name] = value;
        assert_eq!(status(&news(&body)).status, ProviderStatus::Ended(Outcome::Voicemail), "{pointer}");
        assert_eq!(analysis(&news(&body)).voicemail, Some(true), "{pointer}");
    }
}

fn failure(reason: &str, metadata: Value) -> Value {
    json!({ "type": "call_initiation_failure", "event_timestamp": 1_759_931_652,
            "data": { "agent_id": "xyz", "conversation_id": ID, "failure_reason": reason, "metadata": metadata } })
}

#[test]
fn a_failure_is_read_by_its_word_then_by_the_carrier_s() {
    let twilio = |status: &str, sip: &str| {
        json!({ "type": "twilio", "body": { "CallSid": "CA1", "CallStatus": status,
        "SipResponseCode": sip, "To": "+14155550123", "From": "+12025550100", "CallDuration": "0" } })
    };
    let sip = |code: Value| {
        json!({ "type": "sip", "body": { "from_number": 14_155_550_123_u64, "to_number": "+12025550100",
        "sip_status_code": code, "error_reason": "INVITE failed", "sip_status": "x", "twirp_code": "unavailable" } })
    };
    for (reason, metadata, outcome) in [
        ("busy", twilio("busy", "487"), Outcome::Busy),
        ("no-answer", twilio("no-answer", "487"), Outcome::NoAnswer),
        ("unknown", twilio("failed", "404"), Outcome::Failed),
        ("unknown", twilio("busy", "486"), Outcome::Busy),
        ("unknown", twilio("canceled", "487"), Outcome::Canceled),
        ("busy", sip(json!(486)), Outcome::Busy),
        ("unknown", sip(json!(486)), Outcome::Busy),
        ("unknown", sip(json!("480")), Outcome::NoAnswer),
        ("unknown", sip(json!(503)), Outcome::Failed),
        ("hyperspace", Value::Null, Outcome::Failed),
        ("", json!({ "type": "pigeon" }), Outcome::Failed),
    ] {
        let all = news(&failure(reason, metadata.clone()));
        assert_eq!(status(&all).status, ProviderStatus::Ended(outcome), "{reason} {metadata}");
        assert_eq!((all.len(), all[0].call, status(&all).talk_seconds), (1, None, Some(0)));
    }
    let all = news(&failure("busy", twilio("busy", "487")));
    assert_eq!(status(&all).to.as_ref().map(ToString::to_string).as_deref(), Some("+14155550123"));
    assert_eq!(status(&all).raw_reason.as_deref(), Some("busy"));
    assert_eq!(status(&news(&failure("busy", sip(json!(486))))).to, None, "which end is which is not documented");
}

#[test]
fn the_status_of_a_conversation_is_read_and_an_unknown_one_never_fails() {
    for (word, status_of) in [
        ("initiated", ProviderStatus::Dialing),
        ("in-progress", ProviderStatus::InProgress),
        ("processing", ProviderStatus::Ended(Outcome::Completed)),
        ("done", ProviderStatus::Ended(Outcome::Completed)),
        ("failed", ProviderStatus::Ended(Outcome::Failed)),
        ("hyperspace", ProviderStatus::Unrecognised),
    ] {
        let mut body = told();
        body["data"]["status"] = word.into();
        assert_eq!(status(&news(&body)).status, status_of, "{word}");
    }
    let mut body = told();
    body["data"]["status"] = "failed".into();
    for (reason, outcome) in [("busy", Outcome::Busy), ("no-answer", Outcome::NoAnswer), ("beamed up", Outcome::Failed)] {
        body["data"]["metadata"]["error"] = json!({ "code": 500, "reason": reason });
        assert_eq!(status(&news(&body)).status, ProviderStatus::Ended(outcome), "{reason}");
    }
    body["type"] = "post_call_dream".into();
    let all = news(&body);
    assert!(matches!(&all[0].kind, CallbackKind::Unknown(raw) if raw.contains("post_call_dream")));
}

/// Edges 13 and 24 of the others, as ElevenLabs shows them: nobody was reached, and that was not the person's doing.
#[test]
fn a_full_or_broken_platform_is_told_from_a_person_who_is_not_reached() {
    let fault = |word: &str, error: Value, reason: &str| {
        let mut body = told();
        body["data"]["status"] = word.into();
        body["data"]["metadata"] = json!({ "start_time_unix_secs": 1_739_537_297, "call_duration_secs": 0, "error": error,
                                           "termination_reason": reason });
        let all = news(&body);
        let seen = status(&all);
        assert!(!seen.platform_fault || seen.status == ProviderStatus::Ended(Outcome::Failed), "{seen:?}");
        seen.platform_fault
    };
    assert!(fault("failed", json!({ "code": 1011, "reason": "internal error" }), ""));
    assert!(fault("failed", json!({ "code": 429, "reason": "too_many_concurrent_requests" }), ""));
    assert!(fault("failed", Value::Null, "The system is busy: system_busy"));
    assert!(!fault("in-progress", json!({ "code": 1011 }), ""), "before the end");
    for reason in ["busy", "no-answer", "unknown", "voicemail", "This request exceeds your quota limit.", ""] {
        assert!(!fault("failed", json!({ "code": 500, "reason": reason }), ""), "{reason}");
        assert!(!fault("failed", Value::Null, reason), "{reason}");
    }
    assert!(!status(&news(&failure("unknown", Value::Null))).platform_fault, "an event about the carrier does not say so");
}

/// providers.md §13, edge 16: a success over HTTP, and no call, or one without an id.
#[test]
fn edge_16_success_false_is_a_refusal_and_an_id_that_is_missing_is_unknown() {
    let placed = |json: Value| serde_json::from_value::<errors::Placed>(json).expect("an answer").id();
    let kind = |message: &str| {
        let answer = json!({ "success": false, "message": message, "conversation_id": null, "callSid": null });
        match placed(answer) {
            Err(Trouble::Refused(refusal)) => refusal.kind,
            other => panic!("not refused: {other:?}"),
        }
    };
    assert_eq!(kind("The phone number you are attempting to call, 'To', +1 is not valid."), RefusalKind::Permanent);
    assert_eq!(kind("Too many concurrent calls"), RefusalKind::Transient);
    assert_eq!(kind("Account not authorized to call +961"), RefusalKind::Configuration);
    let good = placed(json!({ "success": true, "message": "", "conversation_id": ID, "callSid": "CA1" }));
    assert!(matches!(good, Ok(Ok(id)) if id.as_str() == ID));
    for (unclear, named) in [
        (json!({ "success": true, "message": "", "conversation_id": null, "callSid": "CA1" }), "CA1"),
        (json!({ "success": true, "message": "", "conversation_id": null, "sip_call_id": "S1" }), "S1"),
        (json!({ "success": false, "message": "", "conversation_id": null, "callSid": "CA1" }), "CA1"),
        (json!({ "success": false, "message": "", "conversation_id": ID, "callSid": null }), ID),
        (json!({ "success": true, "message": "", "conversation_id": null, "callSid": null }), ""),
    ] {
        assert!(matches!(placed(unclear.clone()), Ok(Err(id)) if id == named), "{unclear}");
    }
}

/// providers.md §13, edge 20: it holds the whole call, and we need none of it.
#[test]
fn edge_20_the_sound_of_a_whole_call_in_an_event_is_only_an_announcement() {
    let sound = "A".repeat(8 * 1024 * 1024);
    let body = json!({ "type": "post_call_audio", "event_timestamp": 1, "data": { "conversation_id": ID, "full_audio": sound } });
    let all = news(&body);
    let [Callback { kind: CallbackKind::Recording(recording), .. }] = all.as_slice() else { panic!("{}", all.len()) };
    assert_eq!((recording.id.as_str(), recording.url.as_ref(), recording.ready), (ID, None, true));
}

/// providers.md §13, edge 21.
#[test]
fn edge_21_moments_are_seconds_and_may_be_written_as_texts() {
    let mut body = told();
    let number = news(&body);
    assert_eq!(number[0].at, Some(at(1_739_537_297)));
    body["event_timestamp"] = "1739537297".into();
    assert_eq!(news(&body), number, "the same news, written otherwise");
    body["event_timestamp"] = 1_739_537_298.into();
    assert_ne!(news(&body)[0].event_id, number[0].event_id);
    body["event_timestamp"] = Value::Null;
    let without = news(&body);
    assert_eq!((without[0].at, news(&body) == without), (None, true));
}

#[test]
fn what_names_no_conversation_is_malformed() {
    for bad in [
        "",
        "{}",
        "[]",
        r#"{"type":"post_call_audio"}"#,
        r#"{"type":"x","data":{}}"#,
        r#"{"type":"x","data":{"conversation_id":""}}"#,
    ] {
        assert!(callback::parse(bad.as_bytes()).is_err(), "{bad}");
        assert!(callback::parse_inbound(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn refusals_are_sorted_by_what_to_do_about_them() {
    use RefusalKind::*;
    let refused = |status: u16, detail: Value| errors::refusal(status, json!({ "detail": detail }).to_string().as_bytes(), None);
    let word = |status: &str| json!({ "status": status, "message": "why" });
    for (status, detail, kind, code) in [
        (422, json!([{ "loc": ["body", "to_number"], "msg": "bad", "type": "value_error" }]), Permanent, "http_422"),
        (422, json!([{ "loc": ["body", "agent_id"], "msg": "bad", "type": "value_error" }]), Configuration, "http_422"),
        (401, word("invalid_api_key"), Configuration, "invalid_api_key"),
        (401, word("quota_exceeded"), Configuration, "quota_exceeded"),
        (400, word("voice_not_found"), Configuration, "voice_not_found"),
        (403, word("only_for_creator+"), Configuration, "only_for_creator+"),
        (429, word("too_many_concurrent_requests"), Transient, "too_many_concurrent_requests"),
        (429, word("system_busy"), Transient, "system_busy"),
        (429, json!("slow down"), Transient, "http_429"),
        (404, json!("Not Found"), Configuration, "http_404"),
        (503, json!("Service Unavailable"), Transient, "http_503"),
    ] {
        let refusal = refused(status, detail.clone()).expect("a refusal");
        assert_eq!((refusal.kind, refusal.code.as_str()), (kind, code), "{status} {detail}");
    }
    assert_eq!(refused(500, json!("Internal Server Error")), None, "it may have been dialed");
    assert_eq!(errors::refusal(503, b"<html>gateway</html>", None), None);
    assert_eq!(errors::refusal(302, b"", None), None);
}

/// A question is let in by its token, and nothing that could be an event is.
#[test]
fn a_question_s_token_opens_no_other_door() {
    let mut account = crate::Account::new("https://x.example", "", "key".to_owned());
    account.webhook_secret = Some("wsec_1".to_owned().into());
    let voice = |account: &crate::Account| {
        super::ElevenLabs::new(account.clone(), reqwest::Client::builder().no_proxy().build().expect("a client"))
    };
    let question = r#"{"caller_id":"+14155550177","agent_id":"a","called_number":"+12025550142","call_sid":"CA1"}"#;
    let verify = |account: &crate::Account, token: &str, body: &str| {
        let headers =
            HeaderMap::from_iter([(sign::QUESTION_HEADER.parse().expect("a name"), HeaderValue::from_str(token).expect("text"))]);
        let request = CallbackRequest { method: &Method::POST, url: "", headers: &headers, body: body.as_bytes() };
        voice(account).verify(&request, at(0)).is_ok()
    };
    rustls::crypto::ring::default_provider().install_default().ok();
    let token = sign::question_token("wsec_1");
    assert!(verify(&account, &token, question));
    assert!(!verify(&account, &sign::question_token("wsec_2"), question));
    assert!(!verify(&account, "", question));
    assert!(!verify(&account, &token, TOLD));
    let both = question.replace('}', r#","type":"post_call_audio","data":{"conversation_id":"c"}}"#);
    assert!(!verify(&account, &token, &both));
    account.webhook_secret = None;
    assert!(!verify(&account, &token, question), "without a secret nobody is believed");
}

proptest! {
    /// gremlin signs by its own code; what it signs we accept, and nothing else.
    #[test]
    fn gremlin_and_we_agree_on_every_body(body in any::<Vec<u8>>(), secret in "wsec_[0-9a-f]{16}", seconds in 0i64..4_000_000_000) {
        let header = gremlin::sign_elevenlabs(&secret, &body, seconds);
        prop_assert_eq!(&header, &sign::signature(&secret, &body, at(seconds)));
        prop_assert!(passes(&secret, &body, header.as_bytes(), at(seconds)));
        prop_assert!(!passes("another secret", &body, header.as_bytes(), at(seconds)));
    }

    /// Whatever arrives, reading it ends.
    #[test]
    fn any_bytes_are_read_or_refused(body in any::<Vec<u8>>()) {
        callback::parse(&body).ok();
        callback::parse_inbound(&body).ok();
    }

    /// Whatever is in the places of a conversation, reading it ends.
    #[test]
    fn any_numbers_are_read(start in any::<f64>(), duration in any::<f64>(), cost in any::<f64>(), said in any::<f64>()) {
        let mut body = told();
        body["data"]["metadata"]["start_time_unix_secs"] = json!(start);
        body["data"]["metadata"]["accepted_time_unix_secs"] = json!(start);
        body["data"]["metadata"]["call_duration_secs"] = json!(duration);
        body["data"]["metadata"]["cost_fiat"] = json!(cost);
        body["data"]["transcript"][0]["time_in_call_secs"] = json!(said);
        callback::parse(body.to_string().as_bytes()).ok();
    }
}
