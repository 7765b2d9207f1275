//! The signatures of links that open something by themselves, without a session. Whoever makes a link says in words what it
//! opens; no two kinds of link begin with the same word.

use crate::config::Config;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

/// The signature over what a link opens.
pub(crate) fn sign(config: &Config, what: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(over(config, what).finalize().into_bytes())
}

/// Did we sign this?
pub(crate) fn is_signed(config: &Config, what: &str, signature: &str) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(signature).is_ok_and(|given| over(config, what).verify_slice(&given).is_ok())
}

fn over(config: &Config, what: &str) -> Hmac<Sha256> {
    let key = config.secret_key.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(what.as_bytes());
    mac
}
