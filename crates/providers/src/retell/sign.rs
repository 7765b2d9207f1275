//! `x-retell-signature: v=<unix ms>,d=<hex>`, where d = HMAC-SHA256(API key, raw body + v), at most five minutes old.
//! Source: retell-sdk 5.66.1 `lib/webhook_auth`; a vector made with it is in `fixtures/signature-vectors.json`.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    signature::{fresh, hmac_sha256, same, single_header},
    voice::{BadSignature, CallbackRequest},
};

/// The header that carries the signature.
pub const HEADER: &str = "x-retell-signature";
/// The SDK's own limit.
const AGE_MAX: TimeDelta = TimeDelta::minutes(5);

/// The header's value for a body signed at this moment.
pub fn signature(api_key: &str, body: &[u8], at: DateTime<Utc>) -> String {
    let stamp = at.timestamp_millis().to_string();
    format!("v={stamp},d={}", hmac_sha256(api_key, &[body, stamp.as_bytes()]))
}

/// Checks a request against the key.
pub fn verify(api_key: &str, request: &CallbackRequest<'_>, now: DateTime<Utc>) -> Result<(), BadSignature> {
    let claimed = single_header(request, HEADER)?;
    let (stamp, digest) = claimed.strip_prefix("v=").and_then(|rest| rest.split_once(",d=")).ok_or(BadSignature)?;
    // Digits only: "+1" would be the same number under another text.
    if !stamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadSignature);
    }
    same(&hmac_sha256(api_key, &[request.body, stamp.as_bytes()]), digest)?;
    fresh(stamp.parse().ok().and_then(DateTime::from_timestamp_millis), now, AGE_MAX)
}
