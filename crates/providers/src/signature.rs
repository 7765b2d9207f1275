//! What the signatures of callbacks have in common: one header, HMAC-SHA256, constant time, a clock.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::voice::{BadSignature, CallbackRequest};

/// How far a provider's clock may be ahead of ours.
pub const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// The one value of a header; two are as bad as none.
pub fn single_header<'a>(request: &CallbackRequest<'a>, name: &str) -> Result<&'a str, BadSignature> {
    let mut values = request.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| BadSignature),
        _ => Err(BadSignature),
    }
}

/// HMAC-SHA256 of these parts one after another, in lower-case hexadecimal.
pub fn hmac_sha256(key: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    hex(&mac.finalize().into_bytes())
}

/// Equal? Takes as long for a near miss as for a wild one.
pub fn same(expected: &str, claimed: &str) -> Result<(), BadSignature> {
    if bool::from(expected.as_bytes().ct_eq(claimed.as_bytes())) { Ok(()) } else { Err(BadSignature) }
}

/// Was it signed at most `age_max` ago, and not in the future beyond [`AHEAD_MAX`]?
pub fn fresh(signed_at: Option<DateTime<Utc>>, now: DateTime<Utc>, age_max: TimeDelta) -> Result<(), BadSignature> {
    let age = now - signed_at.ok_or(BadSignature)?;
    if (-AHEAD_MAX..=age_max).contains(&age) { Ok(()) } else { Err(BadSignature) }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// For the tests of every signature: nothing that differs by one bit may pass.
#[cfg(test)]
pub mod flips {
    /// These bytes, each time with another bit flipped.
    pub fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        (0..bytes.len() * 8).map(|n| {
            let mut copy = bytes.to_vec();
            copy[n / 8] ^= 1 << (n % 8);
            copy
        })
    }

    /// Like [`flipped`], where it is still a text.
    pub fn flipped_texts(text: &str) -> impl Iterator<Item = String> {
        flipped(text.as_bytes()).filter_map(|bytes| String::from_utf8(bytes).ok())
    }

    /// A secret, a body and a header that pass together, and no longer with one bit of any of them flipped.
    pub fn fails_by_one_bit(secret: &str, body: &[u8], header: &[u8], passes: impl Fn(&str, &[u8], &[u8]) -> bool) {
        assert!(passes(secret, body, header), "unchanged");
        for changed in flipped_texts(secret) {
            assert!(!passes(&changed, body, header), "secret {changed:?}");
        }
        for changed in flipped(body) {
            assert!(!passes(secret, &changed, header), "body {:?}", String::from_utf8_lossy(&changed));
        }
        for changed in flipped(header) {
            assert!(!passes(secret, body, &changed), "header {:?}", String::from_utf8_lossy(&changed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_signature_is_none() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let (limit, tick) = (TimeDelta::minutes(5), TimeDelta::milliseconds(1));
        assert!(fresh(Some(now - limit), now, limit).is_ok());
        assert!(fresh(Some(now - limit - tick), now, limit).is_err());
        assert!(fresh(Some(now + AHEAD_MAX), now, limit).is_ok());
        assert!(fresh(Some(now + AHEAD_MAX + tick), now, limit).is_err());
        assert!(fresh(None, now, limit).is_err());
    }

    /// RFC 4231, test case 2.
    #[test]
    fn the_hash_is_hmac_sha256() {
        let hash = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hmac_sha256("Jefe", &[b"what do ya want ", b"for nothing?"]), hash);
        assert!(same(hash, hash).is_ok() && same(hash, &hash[1..]).is_err() && same(hash, "").is_err());
    }
}
