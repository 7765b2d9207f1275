//! A running gremlin, and an ear for what it posts.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use gremlin::{Settings, TOKEN_SECRET, token_for};
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet, time::Instant};

pub const ACCOUNT: &str = "AC00000000000000000000000000000009";
const DEADLINE: Duration = Duration::from_secs(20);

pub struct World {
    pub url: String,
    pub client: Client,
    _server: JoinSet<()>,
}

impl World {
    pub async fn new(settings: Settings) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let (listener, url) = bind().await;
        let mut server = JoinSet::new();
        server.spawn(async move { gremlin::serve(listener, settings).await.expect("it runs") });
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
        Self { url, client, _server: server }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// Calls a number at Twilio.
    pub async fn dial(&self, form: &[(&str, &str)]) -> reqwest::Response {
        let request = self.post(&format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
        let request = request.basic_auth(ACCOUNT, Some(token_for(TOKEN_SECRET, ACCOUNT)));
        request.form(&form).send().await.expect("an answer")
    }

    pub async fn calls(&self) -> Value {
        json(self.get("/control/calls")).await.1
    }

    pub async fn all_ended(&self) -> Value {
        until("the end of all calls", async || Some(self.calls().await).filter(|calls| calls["live"] == 0)).await
    }

    /// Switches a fault on.
    pub async fn fault(&self, fault: Value) {
        let (status, answer) = json(self.post("/control/faults").json(&fault)).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
}

/// Sends it; an empty answer is null, and one that is no JSON a text.
pub async fn json(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("a text"));
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(json!(text)) };
    (status, body)
}

/// Asks again and again, up to a deadline.
pub async fn until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(Instant::now() < deadline, "still waiting for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct Noted {
    heard: Vec<Heard>,
    /// What the next requests are answered; 200 when there is none left.
    answers: Vec<StatusCode>,
    says: String,
}

/// A server that hears what is posted to it.
#[derive(Clone)]
pub struct Ear {
    pub url: String,
    noted: Arc<Mutex<Noted>>,
    _server: Arc<JoinSet<()>>,
}

impl Ear {
    /// It answers everything with this text.
    pub async fn new(says: &str) -> Self {
        let (listener, url) = bind().await;
        let noted = Arc::new(Mutex::new(Noted { says: says.to_owned(), ..Noted::default() }));
        let router = Router::new().fallback(hear).with_state(Arc::clone(&noted));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("it hears") });
        Self { url, noted, _server: Arc::new(server) }
    }

    /// The next requests are answered so.
    pub fn answer(&self, statuses: &[StatusCode]) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).answers = statuses.iter().rev().copied().collect();
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).heard.clone()
    }

    /// Waits for a request of which this is true.
    pub async fn hears(&self, what: &str, fits: impl Fn(&Heard) -> bool) -> Heard {
        until(what, async || self.heard().into_iter().find(&fits)).await
    }
}

async fn hear(State(noted): State<Arc<Mutex<Noted>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    let body = String::from_utf8(body.to_vec()).expect("a text");
    noted.heard.push(Heard { path: uri.to_string(), headers, body });
    (noted.answers.pop().unwrap_or(StatusCode::OK), noted.says.clone())
}
