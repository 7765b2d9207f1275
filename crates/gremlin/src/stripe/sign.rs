//! `Stripe-Signature`, written from Stripe's description and on its own, so that it can judge our verifier.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::chance::hex;

/// `t=<seconds>,v1=<hex(HMAC-SHA256(secret, "<seconds>.<body>"))>`; the secret is used as it stands, with its `whsec_`.
pub fn signature(secret: &str, body: &[u8], seconds: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("t={seconds},v1={}", hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// Made with stripe-node 23.1.0 `webhooks.generateTestHeaderString` (2026-11-21).
    #[test]
    fn a_signature_equals_that_of_the_official_sdk() {
        let body = r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent"}},"unicode":"مرحبا é 😀"}"#;
        assert_eq!(
            signature("whsec_test_secret", body.as_bytes(), 1_760_000_000),
            "t=1760000000,v1=5dcde6fdf4250e61ab7c0d1113b1133f790c1a0d32075f5f8af889d1ca174475"
        );
        assert_ne!(signature("test_secret", body.as_bytes(), 1), signature("whsec_test_secret", body.as_bytes(), 1));
    }
}
