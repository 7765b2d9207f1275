//! Messages against the documented one. The network is in `tests/it`.

mod signatures;

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{callback, reasons, wire};
use crate::{
    analysis::{Sentiment, Speaker},
    news::told::{analysis, status},
    voice::*,
};

const REPORT: &str = include_str!("../fixtures/end-of-call-report.json");
const ID: &str = "019a9046-1c2d-4e3f-8a4b-5c6d7e8f9a0b";

fn news(body: &Value) -> Vec<Callback> {
    callback::parse(body.to_string().as_bytes()).expect("a message")
}

fn report() -> Value {
    serde_json::from_str(REPORT).expect("the fixture is JSON")
}

/// A status message about the same call.
fn update(status: &str, more: Value) -> Value {
    let report = report();
    let mut message = json!({ "type": "status-update", "timestamp": 1_762_000_064_000_i64, "status": status });
    for name in ["call", "customer", "phoneNumber"] {
        message[name] = report["message"][name].clone();
    }
    for (name, value) in more.as_object().expect("an object") {
        message[name] = value.clone();
    }
    json!({ "message": message })
}

/// What a call comes to that ended for this reason, talked or not.
fn ended(reason: &str, talked: bool) -> ProviderStatus {
    let mut body = update("ended", json!({ "endedReason": reason }));
    if talked {
        body["message"]["call"]["startedAt"] = "2025-11-01T12:26:40.000Z".into();
    }
    status(&news(&body)).status
}

#[test]
fn a_report_tells_status_recording_and_analysis() {
    let all = news(&report());
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| one.id.as_str() == ID && one.call.is_some()));
    assert_eq!(all[0].at.map(|at| at.timestamp_millis()), Some(1_762_000_070_123));
    let seen = status(&all);
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    assert_eq!((seen.raw_status.as_str(), seen.raw_reason.as_deref()), ("ended", Some("customer-ended-call")));
    assert_eq!((seen.talk_seconds, seen.price_micros, seen.currency.as_deref()), (Some(65), Some(71_200), Some("USD")));
    assert_eq!(seen.answered_at.map(|at| at.timestamp()), Some(1_762_000_000));
    let text = |phone: &Option<model::phone::Phone>| phone.as_ref().map(ToString::to_string);
    assert_eq!((text(&seen.from).as_deref(), text(&seen.to).as_deref()), (Some("+12137771234"), Some("+12137771235")));
    let CallbackKind::Recording(recording) = &all[1].kind else { panic!("no recording") };
    assert_eq!((recording.id.as_str(), recording.seconds), (format!("{ID}:mono").as_str(), Some(65)));
    let found = analysis(&all);
    let said: Vec<_> = found.transcript.iter().map(|one| (one.speaker, one.text.as_str(), one.start_ms, one.end_ms)).collect();
    assert_eq!(
        said,
        [
            (Speaker::Agent, "hi", Some(700), Some(1_300)),
            (Speaker::Person, "stop it", Some(2_250), Some(2_876)),
            (Speaker::Event, "opt_out", Some(3_000), None),
        ]
    );
    assert_eq!(
        (found.summary.as_deref(), found.successful, found.voicemail),
        (Some("They come on Monday."), Some(true), Some(false))
    );
    assert_eq!((found.sentiment, found.opted_out), (Some(Sentiment::Positive), Some(true)), "the tool was called");
    assert_eq!(found.keywords, ["bread", "cake"]);
    assert_eq!(found.fields.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(), ["age=7", "day=Monday"]);
}

#[test]
fn a_transcript_without_messages_and_outputs_of_the_newer_kind_are_read() {
    let mut body = report();
    let message = &mut body["message"];
    message["artifact"]["messages"] = json!([17, { "role": 1 }]);
    message["analysis"] = json!({ "successEvaluation": "7" });
    message["artifact"]["structuredOutputs"] = json!({
        "a1": { "name": "day", "result": "Tuesday" }, "a2": { "name": "belfry_voicemail", "result": true }, "a3": 4,
    });
    let all = news(&body);
    let found = analysis(&all);
    let said: Vec<_> = found.transcript.iter().map(|one| (one.speaker, one.text.as_str(), one.start_ms)).collect();
    assert_eq!(said, [(Speaker::Agent, "hi", None), (Speaker::Person, "stop it", None)]);
    assert_eq!((found.successful, found.voicemail), (None, Some(true)));
    assert_eq!(found.fields.get("day").map(String::as_str), Some("Tuesday"));
}

/// The two are deliveries of their own; either may be lost or come first, and only the report knows what it cost and came to.
#[test]
fn edge_22_status_and_report_are_told_apart_and_only_the_report_has_cost_and_analysis() {
    let mut ended = update("ended", json!({ "endedReason": "customer-ended-call" }));
    ended["message"]["call"]["startedAt"] = "2025-11-01T12:26:40.000Z".into();
    ended["message"]["call"]["endedAt"] = "2025-11-01T12:27:44.500Z".into();
    ended["message"]["call"]["cost"] = json!(0);
    let (first, second) = (news(&ended), news(&report()));
    assert_eq!(first.len(), 1);
    let (told, reported) = (status(&first), status(&second));
    assert_eq!((told.status, told.talk_seconds), (reported.status, reported.talk_seconds));
    assert_eq!((told.price_micros, told.currency.as_deref()), (None, None), "a nought is no price yet");
    assert_eq!(reported.price_micros, Some(71_200));
    assert_ne!(first[0].event_id, second[0].event_id);
}

#[test]
fn edge_23_a_start_error_ends_a_call_that_never_rang() {
    for reason in [
        "call.start.error-subscription-frozen",
        "call.start.error-subscription-concurrency-limit-reached",
        "call.start.error-vapi-number-outbound-daily-limit",
        "call.start.error-get-assistant",
    ] {
        let all = news(&update("ended", json!({ "endedReason": reason })));
        assert_eq!(all.len(), 1, "no report will follow");
        let seen = status(&all);
        assert_eq!((seen.status, seen.raw_reason.as_deref()), (ProviderStatus::Ended(Outcome::Failed), Some(reason)));
        assert_eq!((seen.talk_seconds, seen.answered_at), (None, None));
    }
}

/// Whoever redials without counting knows it by the flag, and people by the reason, which is kept.
#[test]
fn edge_24_the_platform_s_own_faults_are_failures_that_say_so() {
    for reason in [
        "worker-shutdown",
        "call.in-progress.error-vapifault-worker-died",
        "call.start.error-vapifault-get-org",
        "call.start.error-subscription-concurrency-limit-reached",
    ] {
        let all = news(&update("ended", json!({ "endedReason": reason })));
        let seen = status(&all);
        assert_eq!((seen.status, seen.raw_reason.as_deref()), (ProviderStatus::Ended(Outcome::Failed), Some(reason)));
        assert_eq!((seen.price_micros, seen.platform_fault), (None, true));
        let early = news(&update("in-progress", json!({ "endedReason": reason })));
        assert!(!status(&early).platform_fault, "{reason}, before the end");
    }
    for reason in [
        "customer-busy",
        "twilio-failed-to-connect-call",
        "twilio-reported-customer-misdialed",
        "call.in-progress.error-providerfault-outbound-sip-503-service-unavailable",
        "call.start.error-subscription-insufficient-credits",
        "customer-ended-call",
        "beamed-up",
    ] {
        assert!(!status(&news(&update("ended", json!({ "endedReason": reason })))).platform_fault, "{reason}");
    }
}

#[test]
fn every_reason_has_its_outcome() {
    use Outcome::*;
    for (outcome, all) in [
        (
            Completed,
            &[
                "customer-ended-call",
                "customer-ended-call-during-transfer",
                "assistant-ended-call",
                "assistant-ended-call-after-message-spoken",
                "assistant-said-end-call-phrase",
                "assistant-forwarded-call",
                "exceeded-max-duration",
                "silence-timed-out",
                "call.in-progress.twilio-completed-call",
                "call.in-progress.sip-completed-call",
                "vonage-completed",
                "call.ending.hook-executed-say",
                "manually-canceled",
            ][..],
        ),
        (Voicemail, &["voicemail"]),
        (Busy, &["customer-busy", "vonage-rejected"]),
        (
            NoAnswer,
            &[
                "customer-did-not-answer",
                "call.in-progress.error-providerfault-outbound-sip-408-request-timeout",
                "call.in-progress.error-providerfault-outbound-sip-480-temporarily-unavailable",
                "call.in-progress.error-assistant-did-not-receive-customer-audio",
            ],
        ),
        (Canceled, &["scheduled-call-deleted", "call-deleted"]),
        (
            Failed,
            &[
                "call.in-progress.error-providerfault-outbound-sip-503-service-unavailable",
                "phone-call-provider-closed-websocket",
                "twilio-reported-customer-misdialed",
                "twilio-failed-to-connect-call",
                "assistant-not-found",
                "pipeline-error-openai-llm-failed",
            ],
        ),
    ] {
        for reason in all {
            assert_eq!(ended(reason, true), ProviderStatus::Ended(outcome), "{reason}");
        }
    }
    assert_eq!(ended("manually-canceled", false), ProviderStatus::Ended(Canceled));
    let spec: Value = serde_json::from_str(include_str!("../fixtures/openapi.json")).expect("JSON");
    let published = spec["components"]["schemas"]["EndedReason"]["enum"].as_array().expect("a list");
    assert!(published.len() > 500);
    for reason in published {
        let reason = reason.as_str().expect("a word");
        assert!(reasons::outcome(reason, true).is_some(), "{reason} is not in the table");
    }
}

#[test]
fn words_that_we_do_not_know_are_kept_and_never_fail() {
    assert_eq!(ended("beamed-up", true), ProviderStatus::Ended(Outcome::Completed));
    assert_eq!(ended("beamed-up", false), ProviderStatus::Ended(Outcome::Failed));
    let all = news(&update("hyperspace", json!({})));
    assert_eq!((status(&all).status, status(&all).raw_status.as_str()), (ProviderStatus::Unrecognised, "hyperspace"));
    for word in ["not-found", "deletion-failed"] {
        assert_eq!(status(&news(&update(word, json!({})))).status, ProviderStatus::Unrecognised, "{word}");
    }
    let mut body = report();
    body["message"]["type"] = "call.dreamt-of".into();
    assert!(matches!(&news(&body).last().expect("news").kind, CallbackKind::Unknown(raw) if raw.contains("call.dreamt-of")));
}

#[test]
fn every_status_has_its_place() {
    for (word, expected) in [
        ("scheduled", ProviderStatus::Dialing),
        ("queued", ProviderStatus::Dialing),
        ("ringing", ProviderStatus::Ringing),
        ("in-progress", ProviderStatus::Answered),
        ("forwarding", ProviderStatus::InProgress),
    ] {
        assert_eq!(status(&news(&update(word, json!({})))).status, expected, "{word}");
    }
    // Whoever asks later sees that it goes on, not that it was picked up just now.
    let call: wire::Call = serde_json::from_value(json!({ "id": ID, "status": "in-progress" })).expect("a call");
    assert_eq!(call.observed().status, ProviderStatus::InProgress);
}

#[test]
fn every_message_type_is_read_and_has_ids_of_its_own() {
    let mut ids = HashSet::new();
    for kind in [
        "assistant.started",
        "call.deleted",
        "conversation-update",
        "end-of-call-report",
        "function-call",
        "hang",
        "language-change-detected",
        "model-output",
        "phone-call-control",
        "speech-update",
        "status-update",
        "tool-calls",
        "transcript",
        "transfer-destination-request",
        "transfer-update",
        "user-interrupted",
        "voice-input",
    ] {
        let mut body = update("ended", json!({ "type": kind, "endedReason": "customer-ended-call" }));
        let all = news(&body);
        assert!(!all.iter().any(|one| matches!(one.kind, CallbackKind::Unknown(_))), "{kind}");
        assert!(all.iter().all(|one| ids.insert(one.event_id.clone())), "{kind}");
        assert_eq!(news(&body)[0].event_id, all[0].event_id, "a repeat");
        body["message"]["timestamp"] = json!(1_762_000_099_000.5);
        assert_ne!(news(&body)[0].event_id, all[0].event_id, "{kind}: another moment");
    }
}

#[test]
fn a_message_without_a_status_claims_none() {
    let body = json!({ "message": { "type": "hang", "timestamp": 1, "call": { "id": ID } } });
    assert!(matches!(&news(&body)[..], [Callback { kind: CallbackKind::Unknown(_), .. }]));
}

#[test]
fn the_tool_that_notes_a_wish_is_heard_at_once() {
    let tool = |name: &str| json!({ "id": "c", "type": "function", "function": { "name": name, "arguments": "{}" } });
    let told = |tools: Value| news(&update("in-progress", json!({ "type": "tool-calls", "toolCallList": tools })));
    assert_eq!(analysis(&told(json!([tool("other"), tool("opt_out")]))).opted_out, Some(true));
    assert!(told(json!([tool("other"), 17])).iter().all(|one| !matches!(one.kind, CallbackKind::Analysis(_))));
}

#[test]
fn a_question_names_who_calls_and_whom() {
    let mut body = report();
    body["message"]["type"] = "assistant-request".into();
    let asked = |body: &Value| callback::parse_inbound(body.to_string().as_bytes());
    body["message"]["call"]["assistantOverrides"] = Value::Null;
    let question = asked(&body).expect("a question");
    assert_eq!(question.id.as_str(), ID);
    assert_eq!((question.to.as_str(), question.from.as_ref().map(|from| from.as_str())), ("+12137771234", Some("+12137771235")));
    body["message"]["customer"]["number"] = "anonymous".into();
    assert_eq!(asked(&body).expect("a question").from, None);
    body["message"]["phoneNumber"]["number"] = "none".into();
    assert!(asked(&body).is_err());
}

#[test]
fn what_names_no_call_is_malformed() {
    for bad in [
        "",
        "{}",
        "[]",
        r#"{"message":{}}"#,
        r#"{"message":{"type":"hang"}}"#,
        r#"{"message":{"type":"hang","call":{}}}"#,
        r#"{"message":{"type":1,"call":{"id":"c"}}}"#,
    ] {
        assert!(callback::parse(bad.as_bytes()).is_err(), "{bad}");
        assert!(callback::parse_inbound(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn refusals_are_sorted_by_what_to_do_about_them() {
    let refused = |status: u16, message: Value| {
        let body = json!({ "message": message, "error": "Bad Request", "statusCode": status }).to_string();
        wire::refusal(status, body.as_bytes(), None).map(|refusal| refusal.kind)
    };
    use RefusalKind::*;
    for (status, message, kind) in [
        (400, json!(["customer.number must be a valid phone number in the E.164 format"]), Permanent),
        (400, json!("Over Concurrency Limit."), Transient),
        (400, json!("Couldn't Start Call. `phoneNumberId` Does Not Exist."), Configuration),
        (400, json!(["assistantOverrides.name must be shorter than or equal to 40 characters"]), Configuration),
        (401, json!("Invalid Key."), Configuration),
        (402, json!("Wallet Balance Is Low."), Configuration),
        (404, json!("Not Found"), Configuration),
        (429, json!("Too Many Requests"), Transient),
        (503, json!("Service Unavailable"), Transient),
    ] {
        assert_eq!(refused(status, message.clone()), Some(kind), "{status} {message}");
    }
    assert_eq!(refused(500, json!("Internal Server Error")), None, "it may have been dialed");
    assert_eq!(wire::refusal(502, b"<html>bad gateway</html>", None), None);
    assert_eq!(wire::refusal(302, b"", None), None);
}

proptest! {
    /// Whatever arrives, reading it ends.
    #[test]
    fn any_bytes_are_read_or_refused(body in any::<Vec<u8>>()) {
        callback::parse(&body).ok();
        callback::parse_inbound(&body).ok();
    }

    /// Whatever is in the places of a call, reading it ends.
    #[test]
    fn any_numbers_are_read(at in any::<i64>(), minutes in any::<f64>(), cost in any::<f64>(), second in any::<f64>()) {
        let mut body = report();
        body["message"]["timestamp"] = at.into();
        body["message"]["costs"][1]["minutes"] = json!(minutes);
        body["message"]["cost"] = json!(cost);
        body["message"]["artifact"]["messages"][1]["secondsFromStart"] = json!(second);
        body["message"]["artifact"]["messages"][1]["endTime"] = json!(cost);
        callback::parse(body.to_string().as_bytes()).ok();
    }
}
