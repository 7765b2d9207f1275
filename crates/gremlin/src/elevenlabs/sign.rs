//! ElevenLabs' signature of a webhook. Source: elevenlabs-js 2.73.0 `webhooks.constructEvent`, which accepts it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::chance;

/// The value of `ElevenLabs-Signature` for a body, at a moment in seconds.
pub fn signature(secret: &str, body: &[u8], at_seconds: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{at_seconds}.").as_bytes());
    mac.update(body);
    format!("t={at_seconds},v0={}", chance::hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// Accepted by elevenlabs-js 2.73.0 `constructEvent` (2026-11-21).
    #[test]
    fn a_signature_equals_one_that_the_official_sdk_accepts() {
        let body = concat!(
            r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","#,
            r#""data":{"object":{"id":"pi_1","object":"payment_intent"}},"unicode":"مرحبا é 😀"}"#
        );
        assert_eq!(
            signature("wsec_test_eleven", body.as_bytes(), 1_760_000_000),
            "t=1760000000,v0=9fe8fd6573aeace820cb10d290565db51ef57e5c0b71260099150179ee6f4bad"
        );
    }
}
