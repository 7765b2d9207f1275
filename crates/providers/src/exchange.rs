//! One request and what became of it, the same for every provider: not sent, lost, refused, unclear, or an answer.
//! What a refusal means is the adapter's to say. Nothing here repeats a request.

use std::time::Duration;

use reqwest::{
    RequestBuilder, Response,
    header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use tracing::{debug, warn};
use url::{Host, Url};

use crate::{
    http::{self, ReadError},
    voice::{Answer, Originate, ProviderCallId, ProviderError, Refusal, RefusalKind, Sound},
};

/// A `Retry-After` longer than this is taken as this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// How much of a foreign error text we keep.
const MESSAGE_CHARS_MAX: usize = 300;

/// Sorts an answer that is not a success, by status, body and `Retry-After`. `None` when it does not come from the provider
/// itself (a gateway's error page): then nobody can say whether the request got through.
pub type Refuse = fn(u16, &[u8], Option<&str>) -> Option<Refusal>;

/// A request that did not bring a readable success.
#[derive(Debug)]
pub enum Trouble {
    /// No byte was sent: DNS, connect or TLS failed, or the request could not be built.
    NotSent(String),
    /// Sent, and then silence.
    Lost(String),
    Refused(Refusal),
    /// The provider said something, but neither a success nor an error that we can read.
    Unclear(String),
    TooLarge(usize),
}

impl Trouble {
    /// Was it refused with this code?
    pub fn is_refused(&self, code: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code)
    }
}

impl From<Trouble> for ProviderError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotSent(why) | Trouble::Lost(why) => Self::Unreachable(why),
            Trouble::Refused(refusal) => Self::Refused(refusal),
            Trouble::Unclear(why) => Self::Malformed(why),
            Trouble::TooLarge(max) => Self::TooLarge(max),
        }
    }
}

/// Sends a request, with its credentials already on it; returns the body of a success.
pub async fn send(request: RequestBuilder, refuse: Refuse) -> Result<Vec<u8>, Trouble> {
    Ok(exchange(request, refuse, http::ANSWER_BYTES_MAX).await?.0.bytes)
}

/// Like [`send`], for a JSON answer.
pub async fn ask<T: DeserializeOwned>(request: RequestBuilder, refuse: Refuse) -> Result<T, Trouble> {
    let body = send(request, refuse).await?;
    serde_json::from_slice(&body).map_err(|error| Trouble::Unclear(format!("a success that cannot be read: {error}")))
}

/// Like [`send`], for a recording.
pub async fn sound(request: RequestBuilder, refuse: Refuse) -> Result<Sound, Trouble> {
    Ok(sound_with_headers(request, refuse).await?.0)
}

/// Like [`sound`], with what the provider says about it in the headers of its answer.
pub async fn sound_with_headers(request: RequestBuilder, refuse: Refuse) -> Result<(Sound, HeaderMap), Trouble> {
    exchange(request.timeout(http::TRANSFER_TIMEOUT), refuse, http::RECORDING_BYTES_MAX).await
}

/// What a provider has under an address.
#[derive(Debug)]
pub enum Found {
    Sound(Sound),
    /// A redirect, which nothing here follows: whether it may be is for [`is_public`] to say.
    Link(String),
}

/// Like [`sound`], for a provider that answers with the recording or with a link to it.
pub async fn sound_or_link(request: RequestBuilder, refuse: Refuse) -> Result<Found, Trouble> {
    let response = dispatch(request.timeout(http::TRANSFER_TIMEOUT)).await?;
    let link = response.headers().get(LOCATION).and_then(|link| link.to_str().ok());
    match link.filter(|_| response.status().is_redirection()) {
        Some(link) => Ok(Found::Link(link.to_owned())),
        None => Ok(Found::Sound(take(response, refuse, http::RECORDING_BYTES_MAX).await?.0)),
    }
}

async fn exchange(request: RequestBuilder, refuse: Refuse, bytes_max: usize) -> Result<(Sound, HeaderMap), Trouble> {
    take(dispatch(request).await?, refuse, bytes_max).await
}

async fn dispatch(request: RequestBuilder) -> Result<Response, Trouble> {
    request.send().await.map_err(|error| {
        // Without the URL: it may name the person called.
        let (unsent, why) = (error.is_connect() || error.is_builder(), describe(error.without_url()));
        if unsent { Trouble::NotSent(why) } else { Trouble::Lost(why) }
    })
}

async fn take(response: Response, refuse: Refuse, bytes_max: usize) -> Result<(Sound, HeaderMap), Trouble> {
    let status = response.status();
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (retry_after, content_type) = (text(RETRY_AFTER), text(CONTENT_TYPE));
    let headers = response.headers().clone();
    let body = http::read(response, bytes_max).await.map_err(|error| match error {
        ReadError::TooLarge(max) if status.is_success() && max == http::RECORDING_BYTES_MAX => Trouble::TooLarge(max),
        other => Trouble::Lost(describe(other)),
    })?;
    if status.is_success() {
        return Ok((Sound { content_type: content_type.unwrap_or_default(), bytes: body }, headers));
    }
    match refuse(status.as_u16(), &body, retry_after.as_deref()) {
        Some(refusal) => Err(Trouble::Refused(refusal)),
        None => Err(Trouble::Unclear(format!("{status} without an error of the provider"))),
    }
}

/// What became of the request to place a call, written to the log. `Ok` is the provider's id of the call, if it is one.
pub fn answer(call: &Originate, sent: Result<Result<ProviderCallId, String>, Trouble>) -> Answer {
    let answer = match sent {
        Ok(Ok(id)) => Answer::Placed(id),
        Ok(Err(strange)) => Answer::Unknown { why: format!("created with the strange id {strange:?}") },
        Err(Trouble::Refused(refusal)) => Answer::Refused(refusal),
        Err(Trouble::NotSent(why)) => Answer::Refused(refused(RefusalKind::Transient, "unreachable", &why, None)),
        Err(Trouble::Lost(why) | Trouble::Unclear(why)) => Answer::Unknown { why },
        Err(Trouble::TooLarge(max)) => Answer::Unknown { why: format!("an answer larger than {max} bytes") },
    };
    match &answer {
        Answer::Placed(id) => debug!(call = %call.call, provider_call = %id, "placed"),
        Answer::Refused(refusal) => warn!(call = %call.call, code = refusal.code, "refused"),
        Answer::Unknown { why } => warn!(call = %call.call, why, "unknown whether placed"),
    }
    answer
}

/// A refusal with its texts and times in bounds. `retry_after` is the header, in seconds.
pub fn refused(kind: RefusalKind, code: impl Into<String>, message: &str, retry_after: Option<&str>) -> Refusal {
    let seconds = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    Refusal {
        kind,
        code: code.into(),
        message: message.chars().take(MESSAGE_CHARS_MAX).collect(),
        retry_after: seconds.map(|wait| wait.min(RETRY_AFTER_MAX)),
    }
}

/// A refusal of ours, before anything is sent: a setting is wrong.
pub fn configuration(code: &str, message: &str) -> Refusal {
    refused(RefusalKind::Configuration, code, message, None)
}

/// May a link that the provider gave us be opened from inside our network? It was signed with a key that its account's owner
/// knows, so it may say anything: only public names over TLS, or the very host that we talk to anyway.
pub fn is_public(link: &str, base_url: &str) -> bool {
    let (Ok(link), Ok(base)) = (Url::parse(link), Url::parse(base_url)) else { return false };
    if link.origin() == base.origin() {
        return true;
    }
    let named = matches!(link.host(), Some(Host::Domain(name)) if name.contains('.') && !name.ends_with(".localhost")
        && !name.ends_with(".local") && !name.ends_with(".internal"));
    link.scheme() == "https" && named && link.port().is_none()
}

/// Is it fit to become one segment of a path?
pub fn is_id(text: &str) -> bool {
    const CHARS_MAX: usize = 100;
    (1..=CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The error with its causes: reqwest's own text says only "error sending request".
fn describe(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_into_our_own_network_are_not_opened() {
        let base = "https://api.example.com";
        for good in ["https://cdn.example.com/a.wav", "https://api.example.com/x?y=z", "https://bucket.s3.amazonaws.com/k"] {
            assert!(is_public(good, base), "{good}");
        }
        assert!(is_public("http://127.0.0.1:3010/recordings/1", "http://127.0.0.1:3010"), "the sandbox is its own host");
        for bad in [
            "http://cdn.example.com/a.wav",
            "https://127.0.0.1/a",
            "https://[::1]/a",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/a",
            "https://db.internal/a",
            "https://printer.local/a",
            "https://cdn.example.com:5432/a",
            "http://127.0.0.1:3011/recordings/1",
            "file:///etc/passwd",
            "ftp://example.com/a",
            "//example.com/a",
            "",
        ] {
            assert!(!is_public(bad, base), "{bad}");
            assert!(!is_public(bad, "http://127.0.0.1:3010"), "{bad}");
        }
    }

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        for good in ["call_a4441234567890777c4a4a123e6", "oBeDLoLOeuAbiuaMFXRtDOLriTJ5tSxD", "019a9046-1c2d"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "../x", "a/b", "a?b", "a#b", "a b", "é", &"x".repeat(101)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
