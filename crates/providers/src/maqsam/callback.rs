//! The "Notify" webhook. Maqsam signs nothing, so the one proof of where a request comes from is a secret of ours that its owner
//! put into the URL (or a header) in the portal. What it says is a hint: [`crate::VoiceProvider::report`] tells the same from the
//! API. It may be a form, JSON or a GET (edge 33); a shape that we cannot read is kept, because refusing it would bring it no
//! better.

use reqwest::Method;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::{Options, wire};
use crate::{
    signature::{hex, same, single_header},
    voice::{BadSignature, Callback, CallbackKind, CallbackRequest, ProviderCallId},
};

/// A shorter secret could be guessed.
pub const SECRET_CHARS_MIN: usize = 16;
/// How much of a callback of unknown shape is kept.
const RAW_CHARS_MAX: usize = 2_000;

/// Does the request carry the secret, once, where the account says?
pub fn verify(secret: &str, options: &Options, request: &CallbackRequest<'_>) -> Result<(), BadSignature> {
    if secret.chars().count() < SECRET_CHARS_MIN {
        return Err(BadSignature);
    }
    if let Some(name) = &options.webhook_header {
        return same(secret, single_header(request, name)?);
    }
    let pairs = query(request.url);
    let mut given = pairs.iter().filter(|(name, _)| *name == options.webhook_parameter);
    match (given.next(), given.next()) {
        (Some((_, value)), None) => same(secret, value),
        _ => Err(BadSignature),
    }
}

/// What one request tells. Never fails: see above.
pub fn parse(request: &CallbackRequest<'_>, options: &Options) -> Callback {
    let raw = if request.method == Method::GET { bare(request.url, options).into_bytes() } else { request.body.to_vec() };
    let hash = hex(&Sha256::digest(&raw)[..8]);
    let fields = fields(request, options);
    let call = fields.and_then(|fields| serde_json::from_value::<wire::Call>(Value::Object(fields)).ok());
    let Some(call) = call.filter(wire::Call::has_id) else {
        let kept: String = String::from_utf8_lossy(&raw).chars().take(RAW_CHARS_MAX).collect();
        return Callback {
            id: ProviderCallId::new("unknown"),
            call: None,
            event_id: format!("unknown:{hash}"),
            at: None,
            sequence: None,
            kind: CallbackKind::Unknown(kept),
        };
    };
    let id = call.provider_id();
    Callback {
        event_id: format!("{id}:{}:{hash}", call.state()),
        call: None,
        at: None,
        sequence: None,
        kind: CallbackKind::Status(Box::new(call.observed(options))),
        id,
    }
}

/// The fields of a call, wherever they are: in the URL of a GET, in JSON, or in a form.
fn fields(request: &CallbackRequest<'_>, options: &Options) -> Option<Map<String, Value>> {
    let pairs = if request.method == Method::GET {
        query(request.url)
    } else if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(request.body) {
        return Some(fields);
    } else {
        form_urlencoded::parse(request.body).into_owned().collect()
    };
    let mut fields = Map::new();
    for (name, text) in pairs.into_iter().filter(|(name, _)| *name != options.webhook_parameter) {
        // A list comes as its JSON.
        let value = if name == "agents" { serde_json::from_str(&text).unwrap_or(Value::Null) } else { Value::String(text) };
        if fields.insert(name, value).is_some() {
            return None;
        }
    }
    Some(fields)
}

/// The URL without the secret, for what is kept and hashed.
fn bare(url: &str, options: &Options) -> String {
    let mut kept = form_urlencoded::Serializer::new(String::new());
    kept.extend_pairs(query(url).into_iter().filter(|(name, _)| *name != options.webhook_parameter));
    kept.finish()
}

fn query(url: &str) -> Vec<(String, String)> {
    let text = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
