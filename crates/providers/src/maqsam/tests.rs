//! Words, shapes and the secret of the webhook. The network is in `tests/it`.

use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

use super::{Options, callback, wire};
use crate::{
    analysis::{Analysis, Sentiment, Speaker},
    signature::flips::{flipped, flipped_texts},
    voice::*,
};

const NOTIFY: &str = include_str!("fixtures/notify.txt");
const SECRET: &str = "0123456789abcdefghij";
const URL: &str = "https://b.example/hooks/maqsam/gtw_1?n=a%20b&token=0123456789abcdefghij";

fn options(pairs: &[(&str, &str)]) -> Options {
    Options::read(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn call(json: Value) -> wire::Call {
    serde_json::from_value(json).expect("a call")
}

fn observed(json: Value) -> Observed {
    call(json).observed(&Options::default())
}

fn analysis(json: Value, options: &Options) -> Analysis {
    call(json).analysis(options)
}

fn told(method: &Method, url: &str, body: &[u8]) -> Callback {
    let request = CallbackRequest { method, url, headers: &HeaderMap::new(), body };
    callback::parse(&request, &Options::default())
}

fn passes(secret: &str, options: &Options, url: &str, headers: &HeaderMap) -> bool {
    let request = CallbackRequest { method: &Method::POST, url, headers, body: NOTIFY.trim().as_bytes() };
    callback::verify(secret, options, &request).is_ok()
}

#[test]
fn every_state_has_its_status() {
    use Outcome::{Busy, Completed, Failed, NoAnswer};
    use ProviderStatus::{Answered, Dialing, Ended, InProgress, Unrecognised};
    for (word, status) in [
        ("in_progress", InProgress),
        ("answered", Answered),
        ("completed", Ended(Completed)),
        ("serviced", Ended(Completed)),
        ("ended", Ended(Completed)),
        ("no_answer", Ended(NoAnswer)),
        ("abandoned", Ended(NoAnswer)),
        ("dropped", Ended(NoAnswer)),
        ("busy", Ended(Busy)),
        ("failed", Ended(Failed)),
        ("blocked", Ended(Failed)),
        ("No-Answer", Ended(NoAnswer)),
        ("", Dialing),
        ("hyperspace", Unrecognised),
    ] {
        let seen = observed(json!({ "id": 1, "state": word }));
        assert_eq!((seen.status, seen.raw_status.as_str()), (status, word));
    }
    assert_eq!(observed(json!({ "id": 1 })).status, Dialing, "a call that was created has no state");
    assert_eq!(observed(json!({ "id": 1, "state": { "odd": true } })).status, Dialing);
    let slice: Value = serde_json::from_str(include_str!("fixtures/openapi.json")).expect("JSON");
    for word in slice["components"]["schemas"]["State"]["enum"].as_array().expect("a list") {
        assert_ne!(observed(json!({ "id": 1, "state": word })).status, Unrecognised, "{word}");
    }
}

#[test]
fn seconds_are_seconds_and_numbers_get_their_plus() {
    let seen = observed(json!({
        "id": 812_345, "referenceId": "R-7", "state": "completed", "timestamp": 1_758_900_000, "duration": 64,
        "ringingTime": 9, "handlingTime": 71, "callerNumber": "9621234567", "calleeNumber": 9_621_234_566_i64,
    }));
    assert_eq!(seen.id.as_str(), "v3-ref-R-7");
    assert_eq!(seen.created_at, DateTime::from_timestamp(1_758_900_000, 0));
    assert_eq!((seen.started_at, seen.answered_at, seen.ended_at), (None, None, None), "which of them it is nobody said");
    assert_eq!((seen.talk_seconds, seen.price_micros), (Some(64), None));
    let text = |phone: Option<model::phone::Phone>| phone.map(|phone| phone.to_string());
    assert_eq!((text(seen.from).as_deref(), text(seen.to).as_deref()), (Some("+9621234567"), Some("+9621234566")));
    let named = observed(
        json!({ "id": 1, "callerNumber": "Noor", "calleeNumber": "+9621234566", "state": "in_progress", "duration": 3 }),
    );
    assert_eq!((named.from, named.talk_seconds), (None, None), "not over yet");
    assert_eq!(text(named.to).as_deref(), Some("+9621234566"));
}

#[test]
fn a_duration_that_counts_ringing_is_put_right_by_a_setting() {
    let json = json!({ "id": 1, "state": "completed", "duration": 64, "ringingTime": 9, "waitingTime": "5" });
    let talked = |options: &Options| call(json.clone()).observed(options).talk_seconds;
    assert_eq!(talked(&Options::default()), Some(64));
    assert_eq!(talked(&options(&[("duration", "total")])), Some(50));
    let short = json!({ "id": 1, "state": "completed", "duration": 4, "ringingTime": 9 });
    assert_eq!(call(short).observed(&options(&[("duration", "total")])).talk_seconds, Some(0));
}

#[test]
fn options_have_the_documented_defaults_and_bad_ones_count_as_these() {
    let plain = Options::default();
    assert!(plain.check_agent && plain.send_caller && !plain.plus && !plain.match_caller && !plain.duration_is_total);
    assert_eq!((plain.create_path.as_str(), plain.webhook_parameter.as_str()), ("/v3/calls", "token"));
    assert_eq!((plain.agent.as_deref(), plain.webhook_header.as_deref()), (None, None));
    let bad = options(&[
        ("check_agent", "maybe"),
        ("create_path", "@evil.example/"),
        ("agent", " "),
        ("duration", "long"),
        ("segment_times", "days"),
        ("unheard_of", "x"),
    ]);
    assert_eq!(bad, plain);
    for path in ["v2/calls", "/v2/calls?x=1", "/v2/calls#", "//x@y"] {
        assert_eq!(options(&[("create_path", path)]).create_path, "/v3/calls", "{path}");
    }
    assert_eq!(
        options(&[("create_path", "/v2/calls"), ("plus", "yes")]),
        Options { create_path: "/v2/calls".into(), plus: true, ..plain }
    );
    let documented = include_str!("../../../../docs/providers/maqsam.md");
    for line in include_str!("options.rs").lines().filter_map(|line| line.trim().strip_prefix("/// `")) {
        let name = line.split('`').next().expect("a name");
        assert!(documented.contains(&format!("| `{name}` |")), "{name} is not documented");
    }
}

#[test]
fn what_was_said_is_read_from_turns_or_from_lines() {
    let turns = json!([
        { "speaker": "agent", "startTime": 0.5, "endTime": 2, "content": "Hello." },
        { "speaker": "Customer", "startTime": "2.4", "endTime": "3", "content": "مرحبا" },
        { "speaker": "supervisor", "content": "I take over." },
        { "speaker": "agent", "content": " " },
    ]);
    let said = |found: &Analysis| {
        found.transcript.iter().map(|one| (one.speaker, one.text.clone(), one.start_ms, one.end_ms)).collect::<Vec<_>>()
    };
    let read = analysis(json!({ "id": 1, "segments": turns, "transcription": "agent: other" }), &Options::default());
    assert_eq!(
        said(&read),
        [
            (Speaker::Agent, "Hello.".to_owned(), Some(500), Some(2_000)),
            (Speaker::Person, "مرحبا".to_owned(), Some(2_400), Some(3_000)),
            (Speaker::Colleague, "I take over.".to_owned(), None, None),
        ]
    );
    let milliseconds = options(&[("segment_times", "milliseconds")]);
    assert_eq!(analysis(json!({ "segments": turns }), &milliseconds).transcript[0].end_ms, Some(2));
    let lines = "agent: Hello: you?\nhow are you\n\nCustomer: Fine.\nagent:";
    let read = analysis(json!({ "id": 1, "transcription": lines, "segments": [] }), &Options::default());
    assert_eq!(
        said(&read),
        [(Speaker::Agent, "Hello: you? how are you".to_owned(), None, None), (Speaker::Person, "Fine.".to_owned(), None, None),]
    );
}

#[test]
fn a_judgement_is_read_field_by_field() {
    let json = json!({ "id": 1, "summary": { "ar": "ملخص", "en": "Fine." }, "sentiment": "Negative",
                       "tags": ["Do_Not_Call", "VIP"], "autoTags": [{ "name": "vip" }, "price", 7, null] });
    let found = analysis(json.clone(), &Options::default());
    assert_eq!(
        (found.summary.as_deref(), found.sentiment, found.opted_out),
        (Some("Fine."), Some(Sentiment::Negative), Some(true))
    );
    assert_eq!(found.keywords, ["vip", "price", "7"]);
    assert_eq!((found.successful, found.voicemail), (None, None), "nobody says so");
    let other = options(&[("opt_out_tag", "VIP"), ("summary_language", "ar")]);
    let found = analysis(json, &other);
    assert_eq!((found.summary.as_deref(), found.opted_out), (Some("ملخص"), Some(true)));
    let plain = analysis(json!({ "id": 1, "summary": "Plain.", "sentiment": "ecstatic", "tags": "none" }), &other);
    assert_eq!((plain.summary.as_deref(), plain.sentiment, plain.opted_out), (Some("Plain."), None, None));
    assert_eq!(analysis(json!({ "id": 1, "summary": { "fr": "Bien." } }), &other).summary.as_deref(), Some("Bien."));
    assert!(analysis(json!({ "id": 1, "state": "completed", "tags": [], "summary": "" }), &other).is_empty());
}

#[test]
fn one_call_is_found_wherever_the_answer_has_it() {
    let call = json!({ "id": 7, "referenceId": "r", "state": "busy" });
    for answer in [
        call.clone(),
        json!({ "message": call }),
        json!({ "result": "success", "message": [call] }),
        json!({ "message": "success", "call": call }),
    ] {
        let one: wire::One = serde_json::from_value(answer.clone()).expect("any JSON");
        assert_eq!(one.call().expect("a call").provider_id().as_str(), "v3-ref-r", "{answer}");
    }
    let numbered = || serde_json::from_value::<wire::Call>(json!({ "id": 7 })).expect("a call");
    assert_eq!(numbered().known_as(Some("r")).provider_id().as_str(), "v3-ref-r", "the reference that it was asked by");
    assert_eq!(numbered().known_as(None).provider_id().as_str(), "v3-id-7");
    for answer in [json!({}), json!([]), json!(null), json!({ "message": "success" }), json!({ "message": [] })] {
        let one: wire::One = serde_json::from_value(answer.clone()).expect("any JSON");
        assert!(one.call().is_none(), "{answer}");
    }
}

#[test]
fn a_success_is_either_word_and_a_reference_in_either_place() {
    let id = |json: Value| serde_json::from_value::<wire::Created>(json).expect("an object").id();
    let ok = Ok(ProviderCallId::new("v3-ref-a.b-7"));
    assert_eq!(id(json!({ "result": "success", "call": { "referenceId": "a.b-7" } })), ok);
    assert_eq!(id(json!({ "message": "success", "referenceId": "a.b-7" })), ok);
    assert_eq!(id(json!({ "message": "success", "referenceId": 7 })), Ok(ProviderCallId::new("v3-ref-7")));
    for bad in [
        json!({}),
        json!({ "result": "success" }),
        json!({ "referenceId": "a" }),
        json!({ "result": "failure", "referenceId": "a" }),
        json!({ "result": "success", "referenceId": "a/b" }),
        json!({ "result": "success", "referenceId": ".." }),
        json!({ "result": "success", "referenceId": "x".repeat(101) }),
    ] {
        assert!(id(bad.clone()).is_err(), "{bad}");
    }
}

/// providers.md §13, edge 34: an id that another version gave does not open in this one, so it is never asked for.
#[test]
fn edge_34_the_version_of_the_api_is_kept_with_the_id() {
    let read = |id: &str| wire::read_id(&ProviderCallId::new(id)).is_some();
    assert!(read("v3-ref-a.b-7") && read("v3-id-812345"));
    for other in
        ["812345", "a.b-7", "v2-id-812345", "v3-id-", "v3-id-12a", "v3-ref-", "v3-ref-a/b", "v3-ref-..", "v3-ref-a?b", "v3-ref-é"]
    {
        assert!(!read(other), "{other}");
    }
}

/// providers.md §13, edge 33.
#[test]
fn edge_33_a_webhook_may_be_a_form_json_or_a_get_and_any_shape_is_kept() {
    let form = NOTIFY.trim();
    let as_form = told(&Method::POST, URL, form.as_bytes());
    let CallbackKind::Status(seen) = &as_form.kind else { panic!("not a status: {as_form:?}") };
    assert_eq!(as_form.id.as_str(), "v3-id-812345");
    assert_eq!((seen.status, seen.talk_seconds), (ProviderStatus::Ended(Outcome::Completed), Some(64)));
    assert_eq!(seen.to.as_ref().map(|to| to.as_str()), Some("+9621234566"));

    let mut json: BTreeMap<String, Value> =
        url::form_urlencoded::parse(form.as_bytes()).into_owned().map(|(name, text)| (name, Value::from(text))).collect();
    let agents = json["agents"].clone();
    json.insert("agents".into(), serde_json::from_str(agents.as_str().expect("a text")).expect("JSON"));
    json.insert("id".into(), 812_345.into());
    let as_json = told(&Method::POST, URL, json!(json).to_string().as_bytes());
    let as_get = told(&Method::GET, &format!("{URL}&{form}"), b"");
    for other in [&as_json, &as_get] {
        assert_eq!((&other.kind, &other.id), (&as_form.kind, &as_form.id));
    }
    // The same news has the same name; another state is other news.
    assert_eq!(told(&Method::POST, "", form.as_bytes()).event_id, as_form.event_id);
    assert_ne!(told(&Method::POST, "", form.replace("completed", "busy").as_bytes()).event_id, as_form.event_id);

    for strange in [
        "",
        "{}",
        "[]",
        "<call/>",
        "id=",
        "state=completed",
        "id=../x",
        "id=1&id=2",
        r#"{"id":{"$oid":"x"}}"#,
        r#"{"call":{"id":1}}"#,
    ] {
        let told = told(&Method::POST, URL, strange.as_bytes());
        assert!(matches!(&told.kind, CallbackKind::Unknown(raw) if raw == strange), "{strange}: {told:?}");
        assert!(told.event_id.starts_with("unknown:"));
    }
    let probe = told(&Method::GET, URL, b"");
    assert!(matches!(&probe.kind, CallbackKind::Unknown(raw) if raw == "n=a+b"), "the secret is not kept: {probe:?}");
}

#[test]
fn one_flipped_bit_in_the_secret_fails_wherever_it_is() {
    let (plain, none) = (Options::default(), HeaderMap::new());
    assert!(passes(SECRET, &plain, URL, &none));
    let from = URL.find("token=").expect("a parameter");
    let (before, parameter) = URL.split_at(from);
    for url in flipped_texts(parameter).map(|changed| format!("{before}{changed}")) {
        assert!(!passes(SECRET, &plain, &url, &none), "{url}");
    }
    let by_header = options(&[("webhook_header", "x-belfry-token")]);
    let with = |values: &[&[u8]]| {
        let name = || "x-belfry-token".parse::<reqwest::header::HeaderName>().expect("a name");
        values.iter().filter_map(|value| Some((name(), HeaderValue::from_bytes(value).ok()?))).collect::<Vec<_>>()
    };
    let passes_by_header = |values: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for (name, value) in with(values) {
            headers.append(name, value);
        }
        passes(SECRET, &by_header, URL, &headers)
    };
    assert!(passes_by_header(&[SECRET.as_bytes()]));
    assert!(!passes_by_header(&[]), "the URL does not count then");
    assert!(!passes_by_header(&[SECRET.as_bytes(), SECRET.as_bytes()]), "two are as bad as none");
    for changed in flipped(SECRET.as_bytes()) {
        assert!(!passes_by_header(&[&changed]), "{changed:?}");
    }
}

#[test]
fn a_secret_that_could_be_guessed_or_is_given_twice_is_none() {
    let (plain, none) = (Options::default(), HeaderMap::new());
    let short = "x".repeat(callback::SECRET_CHARS_MIN - 1);
    assert!(!passes(&short, &plain, &format!("https://b.example/?token={short}"), &none));
    let enough = format!("{short}x");
    assert!(passes(&enough, &plain, &format!("https://b.example/?token={enough}"), &none));
    assert!(!passes("", &plain, "https://b.example/?token=", &none));
    assert!(!passes(SECRET, &plain, &format!("{URL}&token={SECRET}"), &none));
    assert!(!passes(SECRET, &plain, &URL.replace("?n=a%20b&", "#"), &none), "a fragment is never sent");
    let other = options(&[("webhook_parameter", "key")]);
    assert!(!passes(SECRET, &other, URL, &none) && passes(SECRET, &other, &URL.replace("token=", "key="), &none));
}

#[test]
fn refusals_are_sorted_by_what_to_do_about_them() {
    use RefusalKind::{Configuration, Permanent, Transient};
    let refused = |status: u16, message: &str| {
        let body = json!({ "error": true, "message": message }).to_string();
        wire::refusal(status, body.as_bytes(), None).map(|refusal| refusal.kind)
    };
    for (status, message, kind) in [
        (400, "Phone number is invalid", Permanent),
        (400, "Agent is not online", Transient),
        (400, "Agent is busy", Transient),
        (400, "Agent not found", Configuration),
        (400, "Caller is invalid", Configuration),
        (401, "Unauthorized", Configuration),
        (403, "API access is not enabled", Configuration),
        (404, "Not Found", Configuration),
        (429, "Too many requests", Transient),
        (503, "Service unavailable", Transient),
    ] {
        assert_eq!(refused(status, message), Some(kind), "{status} {message}");
    }
    assert_eq!(refused(500, "Something went wrong"), None, "it may have been dialed");
    assert_eq!(wire::refusal(502, b"<html>bad gateway</html>", None), None);
    assert_eq!(wire::refusal(302, b"", None), None);
    let recording =
        |status: u16| wire::recording_refusal(status, br#"{"error":true,"message":"x"}"#, None).map(|one| (one.kind, one.code));
    assert_eq!(recording(400), Some((Transient, "recording_not_ready".to_owned())));
    assert_eq!(recording(404), Some((Configuration, "http_404".to_owned())));
}

#[test]
fn an_agent_must_be_set_up_and_there() {
    let obstacle = |json: Value| {
        let agent: wire::Agent = serde_json::from_value(json).expect("an agent");
        agent.obstacle().map(|refusal| (refusal.kind, refusal.code))
    };
    let agent = |active: bool, may: bool, state: Value| json!({ "email": "a@b.c", "name": "A", "active": active, "outgoingEnabled": may, "state": state });
    assert_eq!(obstacle(agent(true, true, json!("available"))), None);
    assert_eq!(obstacle(agent(true, true, Value::Null)), None, "not every account tells a state");
    let (kind, code) = (RefusalKind::Configuration, "agent_may_not_call".to_owned());
    assert_eq!(obstacle(agent(false, true, json!("available"))), Some((kind, code.clone())));
    assert_eq!(obstacle(agent(true, false, json!("available"))), Some((kind, code)));
    assert_eq!(obstacle(agent(true, true, json!("offline"))), Some((RefusalKind::Transient, "agent_unavailable".to_owned())));
    for good in ["a@b.c", "Noor.H+x@example.com"] {
        assert!(wire::is_email(good), "{good}");
    }
    for bad in ["", "a", "@", "a@", "@b", "a@b@c", "a b@c.d", "a@b\n.c", &format!("{}@b.c", "x".repeat(251))] {
        assert!(!wire::is_email(bad), "{bad}");
    }
}

proptest! {
    /// Whatever arrives, reading it ends.
    #[test]
    fn any_bytes_are_read(body in any::<Vec<u8>>(), url in "\\PC*") {
        let told = told(&Method::POST, &url, &body);
        prop_assert!(!told.event_id.is_empty());
        prop_assert!(!passes(SECRET, &Options::default(), &url, &HeaderMap::new()));
    }

    /// Whatever is in the places of a call, reading it ends.
    #[test]
    fn any_numbers_are_read(at in any::<i64>(), duration in any::<f64>(), ringing in any::<i64>(), start in any::<f64>()) {
        let call = call(json!({ "id": at, "state": "completed", "timestamp": at, "duration": duration, "ringingTime": ringing,
                                "segments": [{ "speaker": "agent", "content": "x", "startTime": start }] }));
        let total = options(&[("duration", "total")]);
        prop_assert!(call.news(&total).iter().all(|one| !matches!(one, CallbackKind::Status(seen) if seen.talk_seconds < Some(0) && seen.talk_seconds.is_some())));
    }
}
