//! Server messages signed by a Custom Credential of kind HMAC with its defaults: `x-signature` is the hexadecimal
//! HMAC-SHA256(secret, `x-timestamp` + "." + raw body). Source: @vapi-ai/server-sdk 2.0.1 `HmacAuthenticationPlan`, which has no
//! verifier; the vectors in `fixtures/signature-vectors.json` follow from that definition. Assistants without a credential send
//! the secret itself, in `X-Vapi-Secret` or as a bearer.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    signature::{fresh, hmac_sha256, same, single_header},
    voice::{BadSignature, CallbackRequest},
};

pub const SIGNATURE: &str = "x-signature";
pub const TIMESTAMP: &str = "x-timestamp";
pub const SECRET: &str = "X-Vapi-Secret";
/// Seconds reach this in the year 5138, milliseconds passed it in 1973.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// The signature of a body, with the time as its header says it.
pub fn signature(secret: &str, body: &[u8], stamp: &str) -> String {
    hmac_sha256(secret, &[stamp.as_bytes(), b".", body])
}

/// Checks a request against the secret. One that is signed stands or falls by its signature alone.
pub fn verify(secret: &str, request: &CallbackRequest<'_>, now: DateTime<Utc>, age_max: TimeDelta) -> Result<(), BadSignature> {
    if secret.is_empty() {
        return Err(BadSignature);
    }
    if request.headers.contains_key(SIGNATURE) {
        let (claimed, stamp) = (single_header(request, SIGNATURE)?, single_header(request, TIMESTAMP)?);
        same(&signature(secret, request.body, stamp), claimed)?;
        return fresh(moment(stamp), now, age_max);
    }
    if request.headers.contains_key(SECRET) {
        return same(secret, single_header(request, SECRET)?);
    }
    same(secret, single_header(request, "authorization")?.strip_prefix("Bearer ").ok_or(BadSignature)?)
}

/// The unit is not documented: seconds or milliseconds.
fn moment(stamp: &str) -> Option<DateTime<Utc>> {
    let number: i64 = stamp.parse().ok()?;
    if number >= MILLISECONDS_FROM { DateTime::from_timestamp_millis(number) } else { DateTime::from_timestamp(number, 0) }
}
