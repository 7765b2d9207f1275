//! A world for a test: gremlin, a tap that sees every exchange between the adapter and it, a listener for callbacks.
//! Nothing waits for luck: tests wait for a condition, with a deadline.

use std::{
    sync::{Arc, Mutex, Once},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::{id::CallId, phone::Phone};
use providers::*;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use super::spec::Spec;

pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
/// Fast enough that a whole call takes milliseconds.
pub const FAST: f64 = 5_000.0;
const DEADLINE: Duration = Duration::from_secs(20);
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// One request of the adapter, with its answer.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub content_type: String,
    pub form: Vec<(String, String)>,
    pub status: u16,
    pub answer: Value,
}

/// A callback as it arrived, with our verdict on its signature.
#[derive(Debug, Clone)]
pub struct Heard {
    pub authentic: bool,
    pub callback: Callback,
}

impl Heard {
    /// The status, if it was one.
    pub fn status(&self) -> Option<ProviderStatus> {
        match &self.callback.kind {
            CallbackKind::Status(observed) => Some(observed.status),
            _ => None,
        }
    }
    pub fn is_end(&self) -> bool {
        matches!(self.status(), Some(ProviderStatus::Ended(_)))
    }
}

pub struct World {
    pub voice: Arc<dyn VoiceProvider>,
    pub gremlin: String,
    pub hooks: String,
    pub tap_url: String,
    pub tap: Arc<Tap>,
    heard: watch::Receiver<Vec<Heard>>,
    client: Client,
    _servers: JoinSet<()>,
}

/// Passes requests on to gremlin and writes them down.
pub struct Tap {
    upstream: String,
    client: Client,
    pub seen: Mutex<Vec<Exchange>>,
}

struct Hooks {
    base: String,
    voice: Arc<dyn VoiceProvider>,
    heard: watch::Sender<Vec<Heard>>,
}

/// A client with a short patience; the TLS provider is installed once.
pub fn client(timeout: Duration) -> Client {
    static TLS: Once = Once::new();
    TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().expect("installed once"));
    http::client_with_timeout(timeout).expect("a client")
}

pub fn adapter(base_url: &str, token: &str, timeout: Duration) -> Arc<dyn VoiceProvider> {
    let account = Account { base_url: base_url.to_owned(), account_sid: ACCOUNT.to_owned(), auth_token: token.to_owned().into() };
    connect(ProviderKind::Twilio, account, client(timeout))
}

pub fn token() -> String {
    gremlin::token_for(gremlin::TOKEN_SECRET, ACCOUNT)
}

pub fn phone(text: &str) -> Phone {
    Phone::parse(text).expect("a phone number")
}

impl World {
    pub async fn new(speed: f64) -> Self {
        Self::with_timeout(speed, Duration::from_secs(10)).await
    }

    /// A world whose adapter waits only so long for an answer.
    pub async fn with_timeout(speed: f64, timeout: Duration) -> Self {
        let mut servers = JoinSet::new();
        let (listener, gremlin) = bind().await;
        let settings = gremlin::Settings { speed, ..gremlin::Settings::default() };
        servers.spawn(async move { gremlin::serve(listener, settings).await.expect("gremlin runs") });
        let (listener, tap_url) = bind().await;
        let tap = Arc::new(Tap { upstream: gremlin.clone(), client: client(Duration::from_secs(30)), seen: Mutex::default() });
        servers.spawn(run(listener, Router::new().fallback(pass_on).with_state(Arc::clone(&tap))));
        let (listener, hooks) = bind().await;
        let voice = adapter(&tap_url, &token(), timeout);
        let (sender, heard) = watch::channel(Vec::new());
        let state = Arc::new(Hooks { base: hooks.clone(), voice: Arc::clone(&voice), heard: sender });
        servers.spawn(run(listener, Router::new().fallback(hear).with_state(state)));
        Self { voice, gremlin, hooks, tap_url, tap, heard, client: client(Duration::from_secs(30)), _servers: servers }
    }

    /// A call to the number with these last four digits, with everything switched on.
    pub fn order(&self, last_digits: &str, call: u128) -> Originate {
        let call = CallId::from(uuid::Uuid::from_u128(call));
        Originate {
            call,
            to: phone(&format!("+1415555{last_digits}")),
            from: phone("+12025550100"),
            script: Script {
                greeting: "Hello, this is Ravi & Sons <bakery>".into(),
                main: "Your order is ready. مرحبا 😀. To stop these calls, press nine.".into(),
                closing: "Goodbye".into(),
                language: "en-US".into(),
                voice: None,
                opt_out_digit: Some('9'),
            },
            ring_seconds_max: 30,
            talk_seconds_max: 300,
            record: true,
            machine_detection: true,
            callback_url: format!("{}/hook?call={call}&n=a%20b", self.hooks),
            gather_url: format!("{}/gather?call={call}", self.hooks),
        }
    }

    /// Places a call that must be taken.
    pub async fn place(&self, order: &Originate) -> ProviderCallId {
        match self.voice.originate(order).await {
            Answer::Placed(id) => id,
            other => panic!("not placed: {other:?}"),
        }
    }

    /// The callbacks so far, once they satisfy the condition.
    pub async fn hear(&self, what: &str, enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let mut heard = self.heard.clone();
        let waited = tokio::time::timeout(DEADLINE, heard.wait_for(|all| enough(all))).await;
        match waited {
            Ok(all) => all.expect("the listener runs").clone(),
            Err(_) => panic!("did not hear {what}: {:#?}", self.heard.borrow()),
        }
    }

    pub async fn hear_end(&self) -> Vec<Heard> {
        self.hear("the end of the call", |all| all.iter().any(Heard::is_end)).await
    }

    /// The provider's view of a call, once it satisfies the condition.
    pub async fn observe(&self, id: &ProviderCallId, what: &str, enough: impl Fn(&Observed) -> bool) -> Observed {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let seen = self.voice.fetch(id).await.expect("fetched").expect("the call exists");
            if enough(&seen) {
                return seen;
            }
            assert!(tokio::time::Instant::now() < deadline, "not seen: {what}: {seen:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn control(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}/control/{path}", self.gremlin)).send().await.expect("gremlin answers");
        answer.json().await.expect("JSON")
    }

    /// gremlin's list of calls, once it satisfies the condition.
    pub async fn control_until(&self, path: &str, enough: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let answer = self.control(path).await;
            if enough(&answer) {
                return answer;
            }
            assert!(tokio::time::Instant::now() < deadline, "{path} stays {answer}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn fault(&self, json: Value) {
        let answer =
            self.client.post(format!("{}/control/faults", self.gremlin)).json(&json).send().await.expect("gremlin answers");
        assert_eq!(answer.status(), 201, "{json}");
    }

    pub async fn fetch_with_credentials(&self, url: &str, range: Option<&str>) -> (u16, Vec<u8>) {
        let mut request = self.client.get(url).basic_auth(ACCOUNT, Some(token()));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let answer = request.send().await.expect("gremlin answers");
        (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
    }

    /// Every exchange so far kept to the specification; returns them.
    pub fn judge(&self) -> Vec<Exchange> {
        let seen = self.tap.seen.lock().expect("no test holds it").clone();
        assert!(!seen.is_empty(), "nothing was exchanged");
        let spec = Spec::load();
        let violations: Vec<String> = seen.iter().flat_map(|exchange| spec.violations(exchange)).collect();
        assert!(violations.is_empty(), "{violations:#?}");
        seen
    }
}

pub async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

pub async fn run(listener: TcpListener, router: Router) {
    axum::serve(listener, router).await.expect("the server runs");
}

async fn pass_on(State(tap): State<Arc<Tap>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.expect("a body");
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
    let mut exchange = Exchange {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        content_type: parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned(),
        form: pairs(&body),
        ..Exchange::default()
    };
    let mut headers = parts.headers;
    headers.remove("host");
    let url = format!("{}{}", tap.upstream, parts.uri);
    let answer = tap.client.request(parts.method, url).headers(headers).body(body).send().await.expect("gremlin answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.expect("an answer");
    exchange.status = status.as_u16();
    exchange.answer = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("answers are JSON") };
    tap.seen.lock().expect("no test holds it").push(exchange);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for name in ["content-type", "retry-after"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(axum::http::HeaderName::from_static(name), value.clone());
        }
    }
    response
}

async fn hear(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.expect("a body");
    let url = format!("{}{}", hooks.base, parts.uri);
    let request = CallbackRequest { method: &parts.method, url: &url, headers: &parts.headers, body: &body };
    let authentic = hooks.voice.verify(&request).is_ok();
    let callback = hooks.voice.parse(&request).expect("gremlin's callbacks can be read");
    let pressed = matches!(callback.kind, CallbackKind::Digits(_));
    hooks.heard.send_modify(|all| all.push(Heard { authentic, callback }));
    if !pressed {
        return StatusCode::NO_CONTENT.into_response();
    }
    let text = "We will not call you again. Goodbye.".to_owned();
    let reply = hooks.voice.reply(&Reply::SayAndHangUp { text, language: "en-US".into(), voice: None });
    ([("content-type", reply.content_type)], reply.body).into_response()
}
