//! Signatures against the vectors of the definition, and the secret where nothing is signed.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::Deserialize;

use crate::{
    signature::flips::{fails_by_one_bit, flipped},
    vapi::sign,
    voice::CallbackRequest,
};

const AGE_MAX: TimeDelta = TimeDelta::minutes(5);

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    secret: String,
    body: String,
    timestamp: String,
    signature: String,
    at_unix_ms: i64,
    tolerance_ms: i64,
}

fn vectors() -> Vec<Vector> {
    let file: Vectors = serde_json::from_str(include_str!("../fixtures/signature-vectors.json")).expect("the vectors are JSON");
    assert_eq!(file.vectors.len(), 3);
    file.vectors
}

impl Vector {
    fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.at_unix_ms).expect("a moment")
    }
    fn headers(&self) -> Vec<(&'static str, Vec<u8>)> {
        vec![(sign::SIGNATURE, self.signature.clone().into()), (sign::TIMESTAMP, self.timestamp.clone().into())]
    }
}

fn passes(secret: &str, body: &[u8], headers: &[(&'static str, Vec<u8>)], now: DateTime<Utc>) -> bool {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let Ok(value) = HeaderValue::from_bytes(value) else { return false };
        all.append(name.to_lowercase().parse::<HeaderName>().expect("a name"), value);
    }
    let request = CallbackRequest { method: &Method::POST, url: "https://b.example/hook", headers: &all, body };
    sign::verify(secret, &request, now, AGE_MAX).is_ok()
}

#[test]
fn every_vector_passes_until_it_is_too_old() {
    for vector in vectors() {
        let passes = |now| passes(&vector.secret, vector.body.as_bytes(), &vector.headers(), now);
        assert_eq!(sign::signature(&vector.secret, vector.body.as_bytes(), &vector.timestamp), vector.signature);
        let age = TimeDelta::milliseconds(vector.tolerance_ms);
        assert!(passes(vector.at()) && passes(vector.at() + age));
        assert!(!passes(vector.at() + age + TimeDelta::milliseconds(1)));
        assert!(!passes(vector.at() - age - TimeDelta::milliseconds(1)));
    }
}

#[test]
fn one_flipped_bit_anywhere_fails() {
    for vector in vectors() {
        let stamp = |value: &[u8]| (sign::TIMESTAMP, value.to_vec());
        let body = vector.body.as_bytes();
        fails_by_one_bit(&vector.secret, body, vector.signature.as_bytes(), |secret, body, signature| {
            let headers = [(sign::SIGNATURE, signature.to_vec()), stamp(vector.timestamp.as_bytes())];
            passes(secret, body, &headers, vector.at())
        });
        for changed in flipped(vector.timestamp.as_bytes()) {
            let headers = [(sign::SIGNATURE, vector.signature.clone().into()), stamp(&changed)];
            assert!(!passes(&vector.secret, body, &headers, vector.at()), "{headers:?}");
        }
    }
}

#[test]
fn a_signed_message_stands_or_falls_by_its_signature() {
    let vector = vectors().remove(0);
    let check = |headers: &[(&'static str, Vec<u8>)]| passes(&vector.secret, vector.body.as_bytes(), headers, vector.at());
    let [signature, timestamp] = <[_; 2]>::try_from(vector.headers()).expect("two");
    let secret = (sign::SECRET, vector.secret.clone().into_bytes());
    assert!(check(&[signature.clone(), timestamp.clone()]));
    assert!(!check(std::slice::from_ref(&signature)), "without a time");
    assert!(!check(&[signature.clone(), signature.clone(), timestamp.clone()]), "two signatures");
    assert!(!check(&[signature, timestamp.clone(), timestamp.clone()]), "two times");
    let wrong = (sign::SIGNATURE, b"0".repeat(64));
    assert!(!check(&[wrong, timestamp, secret]), "the secret does not make up for a wrong signature");
}

#[test]
fn without_a_signature_the_secret_itself_is_asked_for() {
    let now = DateTime::UNIX_EPOCH;
    let check = |secret: &str, headers: &[(&'static str, Vec<u8>)]| passes(secret, b"any", headers, now);
    let header = |value: &[u8]| vec![(sign::SECRET, value.to_vec())];
    assert!(check("s3cret", &header(b"s3cret")));
    assert!(check("s3cret", &[("authorization", b"Bearer s3cret".to_vec())]));
    for wrong in flipped(b"s3cret").chain([b"".to_vec(), b"s3cre".to_vec(), b"s3cret1".to_vec()]) {
        assert!(!check("s3cret", &header(&wrong)), "{wrong:?}");
        assert!(!check("s3cret", &[("authorization", [b"Bearer ", wrong.as_slice()].concat())]), "{wrong:?}");
    }
    assert!(!check("s3cret", &[]) && !check("s3cret", &[("authorization", b"s3cret".to_vec())]));
    assert!(!check("s3cret", &[header(b"s3cret"), header(b"s3cret")].concat()), "two secrets");
    assert!(!check("", &[]) && !check("", &header(b"")), "an account without a secret trusts nobody");
}

proptest! {
    /// gremlin signs by its own code; what it signs we accept, and nothing else.
    #[test]
    fn gremlin_and_we_agree_on_every_body(body in any::<Vec<u8>>(), secret in "[0-9a-f]{16}", ms in 100_000_000_000i64..4_000_000_000_000) {
        let stamp = ms.to_string();
        let signature = gremlin::sign_vapi(&secret, &body, &stamp);
        let at = DateTime::from_timestamp_millis(ms).expect("a moment");
        prop_assert_eq!(&signature, &sign::signature(&secret, &body, &stamp));
        let headers = [(sign::SIGNATURE, signature.into_bytes()), (sign::TIMESTAMP, stamp.into_bytes())];
        prop_assert!(passes(&secret, &body, &headers, at));
        prop_assert!(!passes("another secret", &body, &headers, at));
    }
}
