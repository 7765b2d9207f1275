//! A world for a test: gremlin, a tap that sees every exchange between the adapter and it, a listener for callbacks.
//! Nothing waits for luck: tests wait for a condition, with a deadline.

use std::{
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use model::{id::CallId, phone::Phone};
use providers::*;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use super::fixture::{self, Fixture};
pub use super::heard::{Arrived, Heard};

/// The account that a world talks for.
pub const OWNER: &str = "owner";
/// Fast enough that a whole call takes milliseconds.
pub const FAST: f64 = 5_000.0;
pub const DEADLINE: Duration = Duration::from_secs(20);
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// One request of the adapter, with its answer.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub content_type: String,
    pub body: Vec<u8>,
    /// The body, read as a form.
    pub form: Vec<(String, String)>,
    pub status: u16,
    /// Null when there is none, or when it is no JSON.
    pub answer: Value,
    pub answer_is_json: bool,
}

impl Exchange {
    /// The body, read as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

pub struct World {
    pub kind: ProviderKind,
    pub fixture: &'static dyn Fixture,
    pub voice: Arc<dyn VoiceProvider>,
    pub gremlin: String,
    pub hooks: String,
    pub tap_url: String,
    pub tap: Arc<Tap>,
    /// What came, or was asked for where nothing comes.
    pub(crate) heard: watch::Sender<Vec<Heard>>,
    pub arrived: Arc<Mutex<Vec<Arrived>>>,
    /// So many of the next callbacks are answered with an error.
    pub refusals: Arc<AtomicUsize>,
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
    arrived: Arc<Mutex<Vec<Arrived>>>,
    refusals: Arc<AtomicUsize>,
}

/// A client with a short patience; the TLS provider is installed once.
pub fn client(timeout: Duration) -> Client {
    static TLS: Once = Once::new();
    TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().expect("installed once"));
    http::client_with_timeout(timeout).expect("a client")
}

pub fn phone(text: &str) -> Phone {
    Phone::parse(text).expect("a phone number")
}

/// The kinds that are judged: all of them, or the one that `cargo xtask conformance` names.
#[expect(clippy::disallowed_methods, reason = "a test is told by its environment which kind to judge")]
pub fn kinds() -> &'static [ProviderKind] {
    let Ok(named) = std::env::var("BELFRY_CONFORMANCE") else { return ProviderKind::ALL };
    let at = ProviderKind::ALL.iter().position(|kind| kind.as_str() == named).expect("the name of a provider");
    &ProviderKind::ALL[at..=at]
}

/// Runs a test in a world of every kind.
pub async fn every_kind(speed: f64, test: impl AsyncFn(World)) {
    for kind in kinds() {
        // Shown when the test fails.
        println!("as {kind}");
        test(World::of(*kind, speed).await).await;
    }
}

impl World {
    pub async fn of(kind: ProviderKind, speed: f64) -> Self {
        let fixture = fixture::of(kind);
        let mut servers = JoinSet::new();
        let (listener, gremlin) = bind().await;
        let (tap_listener, tap_url) = bind().await;
        let settings = gremlin::Settings { speed, public_url: Some(tap_url.clone()), ..gremlin::Settings::default() };
        servers.spawn(async move { gremlin::serve(listener, settings).await.expect("gremlin runs") });
        let tap = Arc::new(Tap { upstream: gremlin.clone(), client: client(Duration::from_secs(30)), seen: Mutex::default() });
        servers.spawn(run(tap_listener, Router::new().fallback(pass_on).with_state(Arc::clone(&tap))));
        let (listener, hooks) = bind().await;
        let voice = connect(kind, fixture.account(&tap_url, OWNER), client(Duration::from_secs(10)));
        let heard = watch::Sender::new(Vec::new());
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let refusals = Arc::<AtomicUsize>::default();
        let state = Arc::new(Hooks {
            base: hooks.clone(),
            voice: Arc::clone(&voice),
            heard: heard.clone(),
            arrived: Arc::clone(&arrived),
            refusals: Arc::clone(&refusals),
        });
        servers.spawn(run(listener, Router::new().fallback(hear).with_state(state)));
        let client = client(Duration::from_secs(30));
        fixture.set_up(&client, &tap_url, &hooks).await;
        Self { kind, fixture, voice, gremlin, hooks, tap_url, tap, heard, arrived, refusals, client, _servers: servers }
    }

    /// A call to the number with these last four digits, with everything switched on.
    pub async fn order(&self, last_digits: &str, call: u128) -> Originate {
        let call = CallId::from(uuid::Uuid::from_u128(call));
        let mut order = Originate {
            call,
            to: phone(&format!("+1415555{last_digits}")),
            from: phone("+12025550100"),
            from_id: None,
            agent: None,
            variables: [("first_name".to_owned(), "Zoë".to_owned())].into(),
            script: Script {
                greeting: "Hello, this is Ravi & Sons <bakery>".into(),
                main: "Your order is ready. مرحبا 😀. To stop these calls, press nine.".into(),
                closing: "Goodbye".into(),
                language: "en-US".into(),
                voice: None,
                audio: None,
                opt_out_digit: Some('9'),
            },
            script_url: None,
            ring_seconds_max: 30,
            talk_seconds_max: 300,
            record: true,
            machine_detection: true,
            callback_url: format!("{}/hook?call={call}&n=a%20b", self.hooks),
            gather_url: format!("{}/gather?call={call}", self.hooks),
        };
        self.fixture.prepare(&*self.voice, &mut order, &self.hooks).await;
        order
    }

    /// A call placed to a number.
    pub async fn call(&self, last_digits: &str, call: u128) -> ProviderCallId {
        self.place(&self.order(last_digits, call).await).await
    }

    /// Places a call that must be taken.
    pub async fn place(&self, order: &Originate) -> ProviderCallId {
        match self.voice.originate(order).await {
            Answer::Placed(id) => id,
            other => panic!("not placed: {other:?}"),
        }
    }

    /// So many calls of one order; the first of them, which is the one that the order names.
    pub async fn place_many(&self, order: &Originate, count: usize) -> ProviderCallId {
        let first = self.place(order).await;
        for n in 1..count {
            let call = CallId::from(uuid::Uuid::from_u128(order.call.uuid().as_u128() + n as u128));
            self.place(&Originate { call, ..order.clone() }).await;
        }
        first
    }

    /// The span of a test, and the numbers of an order.
    pub async fn look(&self, order: &Originate) -> LookUp {
        let calls = self.control("calls?limit=1").await;
        let at: DateTime<Utc> = calls["calls"][0]["created_at"].as_str().expect("a call").parse().expect("a moment");
        let minute = TimeDelta::minutes(1);
        LookUp { to: order.to.clone(), from: order.from.clone(), call: Some(order.call), since: at - minute, until: at + minute }
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

    /// Asks gremlin's control API to do something; the status of its answer.
    pub async fn post_control(&self, path: &str, json: &Value) -> u16 {
        let url = format!("{}/control/{path}", self.gremlin);
        self.client.post(url).json(json).send().await.expect("gremlin answers").status().as_u16()
    }

    /// Asks gremlin as the owner of the account would, over the tap.
    pub async fn fetch_with_credentials(&self, url: &str, range: Option<&str>) -> (u16, Vec<u8>) {
        let account = self.fixture.account(&self.tap_url, OWNER);
        let mut request = self.client.get(url).basic_auth(&account.id, Some(account.secret.expose_secret()));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let answer = request.send().await.expect("gremlin answers");
        (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
    }

    /// An adapter of the same kind for another account, or with another key.
    pub fn connect(&self, change: impl FnOnce(&mut Account), timeout: Duration) -> Arc<dyn VoiceProvider> {
        let mut account = self.fixture.account(&self.tap_url, OWNER);
        change(&mut account);
        connect(self.kind, account, client(timeout))
    }

    /// Every exchange so far kept to the specification; returns them.
    pub fn judge(&self) -> Vec<Exchange> {
        let seen = self.tap.seen.lock().expect("no test holds it").clone();
        assert!(!seen.is_empty(), "nothing was exchanged");
        let spec = self.fixture.spec();
        let judged = seen.iter().filter(|exchange| !self.fixture.is_beside_the_specification(&exchange.path));
        let is_error = |exchange: &Exchange| self.fixture.is_error(exchange);
        let violations: Vec<String> = judged.flat_map(|exchange| spec.violations(exchange, &is_error)).collect();
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
    #[expect(clippy::disallowed_methods, reason = "goes on when the adapter has lost its patience, as a network would")]
    let passed = tokio::spawn(exchange(tap, parts, body));
    passed.await.expect("gremlin answers")
}

/// Asks gremlin, and writes it down.
async fn exchange(tap: Arc<Tap>, parts: Parts, body: Bytes) -> Response {
    let pairs = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
    let mut exchange = Exchange {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.to_vec(),
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
    let answer = serde_json::from_slice(&body);
    exchange.answer_is_json = answer.is_ok();
    exchange.answer = answer.unwrap_or_default();
    tap.seen.lock().expect("no test holds it").push(exchange);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for name in ["content-type", "retry-after", "location", "content-range", "character-cost"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(axum::http::HeaderName::from_static(name), value.clone());
        }
    }
    response
}

#[expect(clippy::disallowed_methods, reason = "gremlin signs by the real clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn hear(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.expect("a body");
    let url = format!("{}{}", hooks.base, parts.uri);
    let arrived = Arrived { at: now(), method: parts.method, url, headers: parts.headers, body: body.to_vec() };
    let authentic = hooks.voice.verify(&arrived.request(), arrived.at).is_ok();
    let news = hooks.voice.parse(&arrived.request()).expect("gremlin's callbacks can be read");
    assert!(!news.is_empty(), "a request that tells nothing");
    let pressed = news.iter().any(|callback| matches!(callback.kind, CallbackKind::Digits(_)));
    let request = {
        let mut all = hooks.arrived.lock().expect("no test holds it");
        all.push(arrived);
        all.len() - 1
    };
    hooks.heard.send_modify(|all| all.extend(news.into_iter().map(|callback| Heard { authentic, request, callback })));
    if hooks.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if !pressed {
        return StatusCode::NO_CONTENT.into_response();
    }
    let text = "We will not call you again. Goodbye.".to_owned();
    let reply = hooks.voice.reply(&Reply::SayAndHangUp { text, language: "en-US".into(), voice: None });
    ([("content-type", reply.content_type)], reply.body).into_response()
}
