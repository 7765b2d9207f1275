//! Messages of ours to whoever a company names: signed as Standard Webhooks has it (standardwebhooks.com, version 1), sent once, never
//! led elsewhere, read a little. What becomes of one that did not arrive is not known here.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response};
use sha2::Sha256;
use url::{Host, Url};

use crate::guard::Guard;
use crate::http;

/// How every secret begins.
pub const SECRET_PREFIX: &str = "whsec_";
/// Time for a message, its answer included.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Time for looking a name up when it is entered.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// How much of an answer is read. What comes after it is nobody's.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How much of an answer is kept.
pub const KEPT_BYTES_MAX: usize = 1024;
/// Longest reason kept.
const ERROR_CHARS_MAX: usize = 300;

/// A message on its way.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    pub url: &'a str,
    /// The same each time it is sent.
    pub id: &'a str,
    pub at: DateTime<Utc>,
    pub body: &'a str,
    /// The keys it is signed with: one, or two after a rotation.
    pub keys: &'a [Vec<u8>],
}

/// What was heard of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub answer: String,
    /// Why it did not arrive; empty when it did.
    pub error: String,
    /// From the first look-up to the end of the answer.
    pub milliseconds: i32,
    /// The wait that was asked for, in seconds.
    pub retry_after: Option<u32>,
}

impl Heard {
    /// Whether it arrived: the endpoint says so with a status from 200 to 299.
    pub fn arrived(&self) -> bool {
        self.error.is_empty()
    }

    /// Nothing was sent.
    pub fn not_sent(why: impl Into<String>) -> Self {
        Self { error: why.into(), ..Self::default() }
    }
}

/// Sends messages. Cheap to clone; one keeps connections for all.
#[derive(Clone)]
pub struct Post(Client);

impl Post {
    /// Looks names up as this machine does.
    ///
    /// # Errors
    /// When there are no TLS roots.
    ///
    /// # Panics
    /// When no rustls crypto provider is installed in this process.
    pub fn init() -> reqwest::Result<Self> {
        Self::guarded(Guard::system())
    }

    /// Looks names up by `guard`.
    ///
    /// # Errors
    /// When there are no TLS roots.
    pub fn guarded(guard: Guard) -> reqwest::Result<Self> {
        Ok(Self(http::guarded(guard, TIMEOUT)?))
    }

    /// Sends it once.
    pub async fn send(&self, message: Message<'_>) -> Heard {
        let began = Instant::now();
        let mut heard = match name_of(message.url) {
            Ok(_) => self.exchange(message).await,
            Err(why) => Heard::not_sent(why),
        };
        heard.milliseconds = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        heard
    }

    async fn exchange(&self, message: Message<'_>) -> Heard {
        let seconds = message.at.timestamp();
        let signatures: Vec<_> = message.keys.iter().map(|key| sign(key, message.id, seconds, message.body)).collect();
        let request = self
            .0
            .post(message.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signatures.join(" "))
            .body(message.body.to_owned());
        match request.send().await {
            Ok(response) => read(response).await,
            // Without the address, which is told beside it.
            Err(error) => Heard::not_sent(reason(error.without_url())),
        }
    }
}

/// Whether a name leads somewhere public now. It is looked up again for every message.
///
/// # Errors
/// A sentence for whoever entered it.
pub async fn reaches(guard: &Guard, url: &str) -> Result<(), String> {
    let name = name_of(url)?;
    match tokio::time::timeout(LOOKUP_TIMEOUT, guard.addresses(&name)).await {
        Ok(Ok(found)) if !found.is_empty() => Ok(()),
        Ok(Err(error)) if error.is::<crate::guard::NotPublic>() => Err(format!("{name} does not lead to the public internet.")),
        _ => Err(format!("{name} was not found. Check the address.")),
    }
}

/// The name in an address. Numbers are refused, in whatever clothes: a client does not look them up, so nobody guards them.
fn name_of(url: &str) -> Result<String, String> {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => Ok(name.to_owned()),
        _ => Err("The address has no name.".to_owned()),
    }
}

/// A status is an answer, whatever comes after it: what is read besides is for people.
async fn read(mut response: Response) -> Heard {
    let status = response.status();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|text| text.trim().parse().ok());
    let (mut kept, mut seen) = (Vec::new(), 0);
    while seen < ANSWER_BYTES_MAX {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        seen += chunk.len();
        kept.extend_from_slice(&chunk[..chunk.len().min(KEPT_BYTES_MAX - kept.len())]);
    }
    // Postgres keeps no NUL in a text.
    let answer = String::from_utf8_lossy(&kept).replace('\0', "\u{fffd}");
    let error = match status {
        status if status.is_success() => String::new(),
        status if status.is_redirection() => format!("{status}: messages are not led elsewhere"),
        status => status.to_string(),
    };
    Heard { status: Some(status.as_u16()), answer, error, milliseconds: 0, retry_after }
}

/// The error with its causes, on one line.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    text.chars().filter(|c| !c.is_control()).take(ERROR_CHARS_MAX).collect()
}

/// One signature: `v1,` and HMAC-SHA256 of `id.seconds.body` in base64.
pub fn sign(key: &[u8], id: &str, seconds: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [id, ".", &seconds.to_string(), ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A key as people carry it.
pub fn secret(key: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// From the specification's own libraries (standard-webhooks/standard-webhooks, `sign` of each test suite).
    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret(&key), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }

    fn leading(to: &'static str) -> Guard {
        let ip: IpAddr = to.parse().expect("an address");
        Guard::asking(Arc::new(move |_| Box::pin(async move { Ok(vec![ip]) })))
    }

    #[tokio::test]
    async fn a_name_must_lead_somewhere_public_when_it_is_entered() {
        assert_eq!(reaches(&leading("8.8.8.8"), "https://example.com/x").await, Ok(()));
        let inside = reaches(&leading("10.0.0.1"), "https://example.com/x").await.expect_err("inside");
        assert_eq!(inside, "example.com does not lead to the public internet.");
        let nobody = Guard::asking(Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such host")) })));
        let lost = reaches(&nobody, "https://example.com/x").await.expect_err("nobody");
        assert_eq!(lost, "example.com was not found. Check the address.");
        assert!(reaches(&leading("8.8.8.8"), "https://0x7f.1/").await.is_err(), "a number in other clothes");
    }

    fn to(url: &str) -> Message<'_> {
        Message { url, id: "dlv_1", at: DateTime::UNIX_EPOCH, body: "{}", keys: &[] }
    }

    #[tokio::test]
    async fn a_name_that_was_bound_anew_gets_no_message() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let inside = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://hooks.example.com:{}/", inside.local_addr().expect("an address").port());
        let heard = Post::guarded(leading("127.0.0.1")).expect("a client").send(to(&url)).await;
        assert!(!heard.arrived() && heard.error.contains("has no public address"), "{heard:?}");
        let heard = Post::init().expect("a client").send(to("http://127.0.0.1:9/")).await;
        assert_eq!(heard.error, "The address has no name.");
    }

    /// What a receiver that says `answer` and closes makes of a message.
    async fn heard_of(answer: Vec<u8>) -> Heard {
        rustls::crypto::ring::default_provider().install_default().ok();
        let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://localhost:{}/", receiver.local_addr().expect("an address").port());
        let guard = leading("127.0.0.1");
        let post = Post::guarded(guard).expect("a client");
        let answering = async {
            let (mut stream, _) = receiver.accept().await.expect("it comes");
            let _ = stream.read(&mut [0; 4096]).await.expect("it speaks");
            // Whoever has heard enough hangs up.
            let _ = stream.write_all(&answer).await;
        };
        tokio::join!(post.send(to(&url)), answering).0
    }

    #[tokio::test]
    async fn a_redirect_is_a_failure_and_leads_nowhere() {
        let heard =
            heard_of(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://localhost:1/\r\ncontent-length: 0\r\n\r\n".to_vec())
                .await;
        assert_eq!(heard.status, Some(307));
        assert!(heard.error.contains("not led elsewhere"), "{heard:?}");
    }

    #[tokio::test]
    async fn of_a_long_answer_the_beginning_is_kept_and_the_rest_is_not_read() {
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
        answer.extend(std::iter::repeat_n(b'x', 2 * ANSWER_BYTES_MAX));
        let heard = heard_of(answer).await;
        assert!(heard.arrived(), "{heard:?}");
        assert_eq!(heard.answer, "x".repeat(KEPT_BYTES_MAX));
    }

    #[tokio::test]
    async fn a_wait_that_is_asked_for_is_heard() {
        let heard =
            heard_of(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 120\r\ncontent-length: 4\r\n\r\n\0now".to_vec()).await;
        assert_eq!((heard.status, heard.retry_after, heard.answer.as_str()), (Some(429), Some(120), "\u{fffd}now"));
    }
}
