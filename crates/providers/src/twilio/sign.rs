//! `X-Twilio-Signature`: base64(HMAC-SHA1(auth token, URL + sorted form keys with their values)).
//! Source: twilio-node 6.2.0 `webhooks.js`; vectors made with it are in `fixtures/signature-vectors.json`.
//! The scheme has no clock, so repeats are the inbox's to catch.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, header::CONTENT_TYPE};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use crate::{
    signature::{hex, single_header},
    voice::{BadSignature, CallbackRequest},
};

/// The header that carries the signature.
pub const HEADER: &str = "x-twilio-signature";
/// The query parameter that carries the hash of a body that is not a form.
const BODY_HASH: &str = "bodySHA256";
const FORM: &str = "application/x-www-form-urlencoded";

/// The signature Twilio would send for this URL and form. A fragment is a connection setting and is not signed.
pub fn signature(auth_token: &str, url: &str, params: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = params.iter().collect();
    pairs.sort();
    pairs.dedup();
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(without_fragment(url).as_bytes());
    for (key, value) in pairs {
        mac.update(key.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// Checks a request against the token. Any part that the signature does not cover makes it false.
pub fn verify(auth_token: &str, request: &CallbackRequest<'_>) -> Result<(), BadSignature> {
    let claimed = single_header(request, HEADER)?;
    let params = signed_params(request)?;
    // Twilio signs some ports and leaves out others, so the official validators try both forms; so do we.
    let mut matched = subtle::Choice::from(0);
    for url in port_variants(without_fragment(request.url)) {
        matched |= signature(auth_token, &url, &params).as_bytes().ct_eq(claimed.as_bytes());
    }
    if bool::from(matched) { Ok(()) } else { Err(BadSignature) }
}

/// The form's pairs when they are signed themselves; nothing when the URL carries the body's hash, or without a body.
fn signed_params(request: &CallbackRequest<'_>) -> Result<Vec<(String, String)>, BadSignature> {
    if let Some(hash) = body_hash(request.url) {
        let actual = hex(&Sha256::digest(request.body));
        return if bool::from(actual.as_bytes().ct_eq(hash.as_bytes())) { Ok(Vec::new()) } else { Err(BadSignature) };
    }
    if request.body.is_empty() {
        return Ok(Vec::new());
    }
    // A body that nothing covers could be anybody's.
    if request.method != Method::POST || !is_form(request) {
        return Err(BadSignature);
    }
    decode_form(request.body).ok_or(BadSignature)
}

/// Splits a form into pairs, strictly: bytes that are no UTF-8 would all read as the same replacement
/// character, and so could be exchanged under a valid signature.
pub fn decode_form(body: &[u8]) -> Option<Vec<(String, String)>> {
    let pairs: Vec<_> = url::form_urlencoded::parse(body).into_owned().collect();
    let lossy = |text: &String| text.contains(char::REPLACEMENT_CHARACTER);
    if pairs.iter().any(|(key, value)| lossy(key) || lossy(value)) { None } else { Some(pairs) }
}

fn is_form(request: &CallbackRequest<'_>) -> bool {
    let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM))
}

fn body_hash(url: &str) -> Option<String> {
    let query = without_fragment(url).split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == BODY_HASH).map(|(_, value)| value.into_owned())
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

/// The URL as given, without its port, and with the scheme's default port. Built by cutting text, because a URL
/// library would normalise the path and query that the signature covers byte for byte.
fn port_variants(url: &str) -> Vec<String> {
    let mut variants = vec![url.to_owned()];
    let (Ok(parsed), Some((scheme, rest))) = (Url::parse(url), url.split_once("://")) else { return variants };
    let (Some(default), end) = (parsed.port_or_known_default(), rest.find(['/', '?']).unwrap_or(rest.len())) else {
        return variants;
    };
    let (authority, tail) = rest.split_at(end);
    let bare = authority
        .rsplit_once(':')
        .filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(authority, |(host, _)| host);
    variants.push(format!("{scheme}://{bare}{tail}"));
    if bare == authority {
        variants.push(format!("{scheme}://{bare}:{default}{tail}"));
    }
    variants
}
