//! How Vapi says that a message is its own: by a Custom Credential (HMAC with its defaults), or by headers it was told to send.
//! Source: @vapi-ai/server-sdk 2.0.1 `HmacAuthenticationPlan`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::chance;

/// The value of `x-signature` for a body, with the value of `x-timestamp`.
pub fn signature(secret: &str, body: &[u8], stamp: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(stamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    chance::hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// Made with Python's `hmac` from the definition (2026-11-21).
    #[test]
    fn a_signature_is_that_of_the_definition() {
        let body = r#"{"message":{"type":"status-update","status":"ended","unicode":"مرحبا é 😀"}}"#;
        assert_eq!(
            signature("vapi_test_secret", body.as_bytes(), "1760000000"),
            "9ca543d55aa9cc3e62ee817e65c148f78e3fc4ff5e36b11c4561a1cd5be28ce5"
        );
    }
}
