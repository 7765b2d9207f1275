//! Signatures against the official SDK's, and callbacks against captured ones. The network is in `tests/it`.

use proptest::prelude::*;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use serde_json::Value;

use super::{callback, sign};
use crate::{
    signature::flips::{flipped, flipped_texts},
    voice::*,
};

const SID: &str = "CA00000000000000000000000000008367";
const BUSY: &str = include_str!("fixtures/status-busy.txt");

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    auth_token: String,
    url: String,
    #[serde(default)]
    params: serde_json::Map<String, Value>,
    body: Option<String>,
    header: String,
}

fn vectors() -> Vec<Vector> {
    let file: Vectors = serde_json::from_str(include_str!("fixtures/signature-vectors.json")).expect("the vectors are JSON");
    assert_eq!(file.vectors.len(), 4);
    file.vectors
}

/// A request as it would have arrived.
struct Arrived {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Arrived {
    fn form(url: &str, signature: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8"));
        headers.insert(sign::HEADER, HeaderValue::from_str(signature).expect("a header"));
        Self { method: Method::POST, url: url.to_owned(), headers, body: body.into() }
    }
    fn of(vector: &Vector) -> Self {
        match &vector.body {
            Some(body) => {
                let mut arrived = Self::form(&vector.url, &vector.header, body.as_bytes());
                arrived.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                arrived
            }
            None => Self::form(&vector.url, &vector.header, vector.form()),
        }
    }
    fn request(&self) -> CallbackRequest<'_> {
        CallbackRequest { method: &self.method, url: &self.url, headers: &self.headers, body: &self.body }
    }
    fn passes(&self, token: &str) -> bool {
        sign::verify(token, &self.request()).is_ok()
    }
    fn parsed(&self) -> Result<Callback, Malformed> {
        callback::parse(&self.request())
    }
}

impl Vector {
    fn form(&self) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in &self.params {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for value in values {
                form.append_pair(key, value.as_str().expect("a text"));
            }
        }
        form.finish()
    }
}

#[test]
fn every_vector_of_the_official_sdk_passes() {
    for vector in vectors() {
        assert!(Arrived::of(&vector).passes(&vector.auth_token), "{}", vector.url);
    }
}

#[test]
fn one_flipped_bit_anywhere_fails() {
    for vector in vectors() {
        let good = Arrived::of(&vector);
        for token in flipped_texts(&vector.auth_token) {
            assert!(!good.passes(&token), "token {token:?}");
        }
        for url in flipped_texts(&vector.url) {
            let forged = Arrived { url, ..Arrived::of(&vector) };
            assert!(!forged.passes(&vector.auth_token), "url {}", forged.url);
        }
        for signature in flipped(vector.header.as_bytes()) {
            let Ok(value) = HeaderValue::from_bytes(&signature) else { continue };
            let mut forged = Arrived::of(&vector);
            forged.headers.insert(sign::HEADER, value);
            assert!(!forged.passes(&vector.auth_token), "signature {signature:?}");
        }
        for body in flipped(&good.body) {
            // `%2b` and `%2B` are the same text; the signature covers texts.
            let same_text = vector.body.is_none() && sign::decode_form(&body) == sign::decode_form(&good.body);
            let forged = Arrived { body, ..Arrived::of(&vector) };
            assert_eq!(forged.passes(&vector.auth_token), same_text, "body {:?}", String::from_utf8_lossy(&forged.body));
        }
    }
}

#[test]
fn a_port_may_be_signed_or_left_out_and_a_fragment_is_never_signed() {
    let signed = |url: &str, arrived: &str| {
        let signature = sign::signature("token", url, &[("A".into(), "1".into())]);
        Arrived::form(arrived, &signature, "A=1").passes("token")
    };
    assert!(signed("https://b.example/hook?x=1", "https://b.example:8443/hook?x=1"));
    assert!(signed("https://b.example:443/hook", "https://b.example/hook"));
    assert!(signed("http://b.example:80/hook", "http://b.example/hook"));
    assert!(signed("https://b.example/hook", "https://b.example/hook#rc=2&rp=all"));
    assert!(signed("http://[::1]:3000/hook", "http://[::1]:3000/hook"));
    assert!(signed("http://[::1]/hook", "http://[::1]:3000/hook"));
    assert!(!signed("https://b.example:8443/hook", "https://b.example/hook"));
    assert!(!signed("http://b.example/hook", "https://b.example/hook"));
    assert!(!signed("https://b.example/hook", "https://c.example/hook"));
}

#[test]
fn a_body_that_nothing_covers_is_refused() {
    let url = "https://b.example/hook";
    let signature = sign::signature("token", url, &[]);
    let mut arrived = Arrived::form(url, &signature, "");
    assert!(arrived.passes("token"), "an empty post is signed by its URL alone");
    arrived.body = br#"{"CallStatus":"completed"}"#.to_vec();
    arrived.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    assert!(!arrived.passes("token"));
    arrived.headers.remove(CONTENT_TYPE);
    assert!(!arrived.passes("token"));
    arrived.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    arrived.method = Method::GET;
    assert!(!arrived.passes("token"));
}

#[test]
fn two_signatures_or_none_are_refused() {
    let vector = vectors().remove(0);
    let mut arrived = Arrived::of(&vector);
    arrived.headers.append(sign::HEADER, HeaderValue::from_static("x"));
    assert!(!arrived.passes(&vector.auth_token));
    arrived.headers.remove(sign::HEADER);
    assert!(!arrived.passes(&vector.auth_token));
}

#[test]
fn texts_that_are_not_utf8_cannot_be_exchanged() {
    let signature = sign::signature("token", "https://b.example/", &[("A".into(), "\u{fffd}".into())]);
    assert!(!Arrived::form("https://b.example/", &signature, "A=%FF").passes("token"));
}

proptest! {
    /// gremlin signs by its own code; what it signs we accept, and nothing else.
    #[test]
    fn gremlin_and_we_agree_on_every_form(
        pairs in proptest::collection::vec(("[a-zA-Z\u{0}-\u{7f}é😀م]{0,6}", "[ -~é😀م]{0,12}"), 0..6),
        token in "[0-9a-f]{32}",
        path in "[a-z/]{0,12}",
    ) {
        let url = format!("https://b.example/{path}?call=cal_1");
        let signature = gremlin::sign::signature(&token, &url, &pairs);
        prop_assert_eq!(&signature, &sign::signature(&token, &url, &pairs));
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&pairs);
        let arrived = Arrived::form(&url, &signature, form.finish());
        prop_assert!(arrived.passes(&token));
        prop_assert!(!arrived.passes("another token"));
    }

    /// Whatever arrives, reading it ends.
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let arrived = Arrived::form("https://b.example/", "", body);
        arrived.parsed().ok();
        prop_assert!(!arrived.passes("token") || arrived.body.is_empty());
    }
}

fn news(form: &str) -> Callback {
    Arrived::form("https://b.example/hook?call=cal_1", "", form).parsed().expect("a callback")
}

fn status(form: &str) -> Observed {
    match news(form).kind {
        CallbackKind::Status(observed) => *observed,
        other => panic!("not a status: {other:?}"),
    }
}

/// providers.md §13, edge 8.
#[test]
fn busy_is_busy_whatever_the_sip_code_says() {
    let callback = news(BUSY);
    assert_eq!(callback.id.as_str(), SID);
    assert_eq!(callback.event_id, format!("{SID}:2:busy"));
    assert_eq!(callback.sequence, Some(2));
    assert_eq!(callback.at.map(|at| at.to_rfc3339()), Some("2025-10-08T13:54:12+00:00".into()));
    let seen = status(BUSY);
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Busy));
    assert_eq!((seen.raw_status.as_str(), seen.raw_reason.as_deref()), ("busy", Some("sip 487")));
    assert_eq!((seen.talk_seconds, seen.ended_at), (Some(0), callback.at));
    assert_eq!(seen.to.map(|to| to.to_string()).as_deref(), Some("+441111111111"));
}

/// providers.md §13, edge 3.
#[test]
fn the_answer_is_reported_as_in_progress() {
    let seen = status(&format!(
        "CallSid={SID}&CallStatus=in-progress&SequenceNumber=2&Timestamp=Wed%2C+08+Oct+2025+13%3A54%3A12+%2B0000"
    ));
    assert_eq!(seen.status, ProviderStatus::Answered);
    assert!(seen.answered_at.is_some() && seen.ended_at.is_none());
}

/// providers.md §13, edge 7.
#[test]
fn a_machine_s_call_is_completed_and_the_detector_says_so_apart() {
    let seen = status(&format!("CallSid={SID}&CallStatus=completed&SequenceNumber=3&AnsweredBy=machine_start&CallDuration=21"));
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Voicemail));
    let verdict = news(&format!("CallSid={SID}&AccountSid=AC1&AnsweredBy=machine_end_beep&MachineDetectionDuration=3500"));
    assert_eq!(verdict.kind, CallbackKind::MachineDetected(AnsweredBy::Voicemail));
    assert_eq!(verdict.event_id, format!("{SID}:amd:machine_end_beep"));
}

#[test]
fn keys_and_recordings_are_told_apart_by_their_fields() {
    let keys = news(&format!("CallSid={SID}&CallStatus=in-progress&Digits=9&msg=Gather+End"));
    assert_eq!(keys.kind, CallbackKind::Digits("9".into()));
    let recording = news(&format!(
        "CallSid={SID}&RecordingSid=RE1&RecordingStatus=completed&RecordingDuration=12&RecordingUrl=https%3A%2F%2Fx%2FRE1"
    ));
    assert_eq!(recording.event_id, format!("{SID}:recording:RE1:completed"));
    assert_eq!(
        recording.kind,
        CallbackKind::Recording(Recording {
            id: "RE1".into(),
            url: Some("https://x/RE1".into()),
            seconds: Some(12),
            ready: true,
            raw_status: "completed".into()
        })
    );
    let absent = news(&format!("CallSid={SID}&RecordingSid=RE1&RecordingStatus=absent"));
    assert!(matches!(absent.kind, CallbackKind::Recording(Recording { ready: false, url: None, .. })));
}

#[test]
fn a_last_status_with_a_recording_is_still_a_status() {
    let form = format!(
        "CallSid={SID}&CallStatus=completed&SequenceNumber=3&RecordingSid=RE1&RecordingUrl=x&RecordingDuration=9&CallDuration=9"
    );
    assert_eq!(status(&form).talk_seconds, Some(9));
}

#[test]
fn unknown_statuses_and_kinds_are_recorded() {
    let seen = status(&format!("CallSid={SID}&CallStatus=hyperspace&SequenceNumber=4"));
    assert_eq!((seen.status, seen.raw_status.as_str()), (ProviderStatus::Unrecognised, "hyperspace"));
    let odd = news(&format!("CallSid={SID}&StreamEvent=stream-started"));
    assert!(matches!(&odd.kind, CallbackKind::Unknown(raw) if raw.contains("stream-started")));
    assert_ne!(odd.event_id, news(&format!("CallSid={SID}&StreamEvent=stream-stopped")).event_id);
}

#[test]
fn a_get_callback_is_read_from_its_url() {
    let arrived = Arrived {
        method: Method::GET,
        url: format!("https://b.example/hook?CallSid={SID}&CallStatus=ringing&SequenceNumber=1#rc=1"),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let callback = arrived.parsed().expect("a callback");
    assert!(matches!(callback.kind, CallbackKind::Status(seen) if seen.status == ProviderStatus::Ringing));
}

#[test]
fn what_names_no_call_is_malformed() {
    for bad in ["", "CallStatus=busy", "CallSid=", "CallSid=CA123&CallStatus=busy", "CallSid=%FF", "CallSid=../../x"] {
        assert!(Arrived::form("https://b.example/", "", bad).parsed().is_err(), "{bad}");
    }
    let crowded = format!("CallSid={SID}&{}", (0..200).map(|n| format!("F{n}=1&")).collect::<String>());
    assert!(Arrived::form("https://b.example/", "", crowded).parsed().is_err());
}
