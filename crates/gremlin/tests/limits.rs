//! The network is bounded: calls at once, calls remembered, the size of a request. Tested at the limit and one past it.

use std::time::Duration;

use gremlin::{BODY_BYTES_MAX, Settings, TOKEN_SECRET, token_for};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

const ACCOUNT: &str = "AC00000000000000000000000000000009";
const DEADLINE: Duration = Duration::from_secs(20);

struct World {
    url: String,
    client: Client,
    _server: JoinSet<()>,
}

impl World {
    async fn new(settings: Settings) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut server = JoinSet::new();
        server.spawn(async move { gremlin::serve(listener, settings).await.expect("it runs") });
        Self { url, client: Client::builder().no_proxy().build().expect("a client"), _server: server }
    }

    async fn dial(&self, twiml: &str) -> StatusCode {
        let form = [("To", "+14155550002"), ("From", "+12025550100"), ("Twiml", twiml)];
        let url = format!("{}/2010-04-01/Accounts/{ACCOUNT}/Calls.json", self.url);
        let request = self.client.post(url).basic_auth(ACCOUNT, Some(token_for(TOKEN_SECRET, ACCOUNT))).form(&form);
        request.send().await.expect("an answer").status()
    }

    async fn calls(&self) -> Value {
        self.client.get(format!("{}/control/calls", self.url)).send().await.expect("an answer").json().await.expect("JSON")
    }

    async fn all_ended(&self) -> Value {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let calls = self.calls().await;
            if calls["live"] == 0 {
                return calls;
            }
            assert!(tokio::time::Instant::now() < deadline, "{calls}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test]
async fn one_call_more_than_the_limit_is_refused() {
    let world = World::new(Settings { speed: 0.001, calls_live_max: 2, ..Settings::default() }).await;
    assert_eq!(world.dial("<Response/>").await, StatusCode::CREATED);
    assert_eq!(world.dial("<Response/>").await, StatusCode::CREATED);
    assert_eq!(world.dial("<Response/>").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.calls().await["live"], 2);
}

#[tokio::test]
async fn the_oldest_ended_call_is_forgotten_and_no_live_one() {
    let world = World::new(Settings { speed: 50_000.0, calls_kept_max: 3, ..Settings::default() }).await;
    for _ in 0..5 {
        assert_eq!(world.dial("<Response/>").await, StatusCode::CREATED);
        world.all_ended().await;
    }
    let calls = world.all_ended().await;
    let attempts: Vec<_> = calls["calls"].as_array().expect("calls").iter().map(|call| call["attempt"].clone()).collect();
    assert_eq!(attempts, [5, 4, 3]);

    let world = World::new(Settings { speed: 0.001, calls_kept_max: 1, ..Settings::default() }).await;
    assert_eq!(world.dial("<Response/>").await, StatusCode::CREATED);
    assert_eq!(world.dial("<Response/>").await, StatusCode::CREATED);
    assert_eq!(world.calls().await["kept"], 2);
}

#[tokio::test]
async fn a_script_at_the_limit_is_taken_and_one_past_it_is_not() {
    let world = World::new(Settings::default()).await;
    let script = |length: usize| {
        let frame = "<Response><Say></Say></Response>".len();
        format!("<Response><Say>{}</Say></Response>", "a".repeat(length - frame))
    };
    assert_eq!(world.dial(&script(4000)).await, StatusCode::CREATED);
    assert_eq!(world.dial(&script(4001)).await, StatusCode::BAD_REQUEST);
    assert_eq!(world.dial(&script(BODY_BYTES_MAX)).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_reset_forgets_everything_and_stops_what_is_under_way() {
    let world = World::new(Settings { speed: 0.001, ..Settings::default() }).await;
    world.dial("<Response/>").await;
    let reset = world.client.post(format!("{}/control/reset", world.url)).send().await.expect("an answer");
    assert_eq!(reset.status(), StatusCode::NO_CONTENT);
    let calls = world.calls().await;
    assert_eq!((&calls["live"], &calls["kept"]), (&0.into(), &0.into()));
}

#[tokio::test]
async fn an_absurd_speed_is_refused() {
    for speed in [0.0, -1.0, f64::NAN, gremlin::SPEED_MAX * 2.0] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        assert!(gremlin::serve(listener, Settings { speed, ..Settings::default() }).await.is_err(), "{speed}");
    }
}
