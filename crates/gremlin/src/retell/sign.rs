//! Retell's signature of a webhook. Source: retell-sdk 5.66.1 `lib/webhook_auth`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::chance;

/// The value of `x-retell-signature` for a body, at a moment in milliseconds.
pub fn signature(api_key: &str, body: &[u8], at_ms: i64) -> String {
    let stamp = at_ms.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(api_key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac.update(stamp.as_bytes());
    format!("v={stamp},d={}", chance::hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// Made with retell-sdk 5.66.1 `Retell.sign` (2026-11-21).
    #[test]
    fn a_signature_equals_that_of_the_official_sdk() {
        let body = concat!(
            r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","#,
            r#""data":{"object":{"id":"pi_1","object":"payment_intent"}},"unicode":"مرحبا é 😀"}"#
        );
        assert_eq!(
            signature("key_test_retell", body.as_bytes(), 1_760_000_000_123),
            "v=1760000000123,d=481bee97fda840a60097dce4fccd80d0c03b74dc95b4e0a444c337cc9f7cb0c9"
        );
    }
}
