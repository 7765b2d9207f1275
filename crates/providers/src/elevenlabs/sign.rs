//! `ElevenLabs-Signature: t=<unix seconds>,v0=<hex>`, where v0 = HMAC-SHA256(webhook secret, t + "." + raw body), at most thirty
//! minutes old. Source: elevenlabs-js 2.73.0 `webhooks.constructEvent`; a vector that it accepts is in
//! `fixtures/signature-vectors.json`. The question about a call that comes in is not signed at all; it carries a header of ours.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    signature::{fresh, hmac_sha256, same, single_header},
    voice::{BadSignature, CallbackRequest},
};

/// The header that carries the signature.
pub const HEADER: &str = "elevenlabs-signature";
/// The header that ElevenLabs is told to send along with its questions.
pub const QUESTION_HEADER: &str = "x-belfry-token";
/// The SDK's own limit.
const AGE_MAX: TimeDelta = TimeDelta::minutes(30);
/// What the token of a question is made of, beside the secret.
const QUESTION: &[u8] = b"belfry: who shall take this call?";

/// The header's value for a body signed at this moment.
pub fn signature(secret: &str, body: &[u8], at: DateTime<Utc>) -> String {
    let stamp = at.timestamp().to_string();
    format!("t={stamp},v0={}", hmac_sha256(secret, &[stamp.as_bytes(), b".", body]))
}

/// Checks a request against the secret.
pub fn verify(secret: &str, request: &CallbackRequest<'_>, now: DateTime<Utc>) -> Result<(), BadSignature> {
    let claimed = single_header(request, HEADER)?;
    let (stamp, digest) = claimed.strip_prefix("t=").and_then(|rest| rest.split_once(",v0=")).ok_or(BadSignature)?;
    // Digits only: "+1" would be the same number under another text.
    if !stamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadSignature);
    }
    same(&hmac_sha256(secret, &[stamp.as_bytes(), b".", request.body]), digest)?;
    fresh(stamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)), now, AGE_MAX)
}

/// The token that a question carries. Tells nothing of the secret, and signs no body.
pub fn question_token(secret: &str) -> String {
    hmac_sha256(secret, &[QUESTION])
}

/// Checks the token of a question.
pub fn verify_question(secret: &str, request: &CallbackRequest<'_>) -> Result<(), BadSignature> {
    same(&question_token(secret), single_header(request, QUESTION_HEADER)?)
}
