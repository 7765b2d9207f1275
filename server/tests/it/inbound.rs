//! Somebody calls in, over real HTTP: gremlin asks our voice URL, obeys what it is told, and tells us of the end.

use crate::support::{listen, send, serve};
use gremlin::{TOKEN_SECRET, sign, token_for};
use model::calls::{CallFilter, CallRow, Direction, Outcome};
use model::credits::Credits;
use model::id::GatewayId;
use serde_json::{Value, json};
use services::testing::{Someone, World};
use services::{calls, check, credits, inbox, suppressions};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const OURS: &str = "+12025550100";
const CALLER: &str = "+12125550142";
/// A talk of 70 seconds passes in less than a tenth of a second.
const SPEED: f64 = 1_000.0;
/// Providers wait this long for the answer to a webhook before people hear silence.
const ANSWER_MAX: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(20);

/// A company with a campaign that answers, its site and its sandbox, each on a port of its own.
struct Town {
    world: World,
    acme: Someone,
    gateway: GatewayId,
    account: String,
    site: SocketAddr,
    gremlin: SocketAddr,
    _servers: JoinSet<()>,
}

impl Town {
    async fn new() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let ((for_site, site), (for_gremlin, gremlin)) = (listen().await, listen().await);
        let world = World::configured(1, |config| {
            config.public_url = format!("http://{site}");
            config.sandbox_url = format!("http://{gremlin}");
        })
        .await;
        let acme = world.company("acme").await;
        world.answering(&acme, |_| {}).await;
        let gateway = services::gateways::list(&mut world.tx(&acme).await).await.expect("gateways")[0].id;
        let servers = serve(&world, for_site, for_gremlin, SPEED);
        let account = format!("AC{}", gateway.uuid().simple());
        let town = Self { world, acme, gateway, account, site, gremlin, _servers: servers };
        let number =
            json!({ "account": town.account, "phone": OURS, "voice_url": town.hook("/voice"), "status_callback": town.hook("") });
        let (status, answer) = town.control("POST", "/control/numbers", Some(&number)).await;
        assert_eq!(status, 204, "{answer}");
        town
    }

    fn hook(&self, path: &str) -> String {
        format!("http://{}/hooks/twilio/{}{path}", self.site, self.gateway)
    }

    async fn control(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let body = body.map(Value::to_string).unwrap_or_default();
        send(self.gremlin, method, path, &[("content-type", "application/json")], &body).await
    }

    /// Somebody calls and the call runs to its end; what gremlin knows of it.
    async fn call(&self, caller: &Value) -> Value {
        let (status, answer) = self.control("POST", "/control/inbound", Some(caller)).await;
        assert_eq!(status, 201, "{answer}");
        let placed: Value = serde_json::from_str(&answer).expect("JSON");
        let deadline = Instant::now() + DEADLINE;
        loop {
            let (_, answer) = self.control("GET", "/control/calls", None).await;
            let all: Value = serde_json::from_str(&answer).expect("JSON");
            let call = all["calls"].as_array().and_then(|calls| calls.iter().find(|call| call["sid"] == placed["sid"]));
            let call = call.expect("the call is kept").clone();
            let told = call["callbacks"].as_array().is_some_and(|sent| sent.iter().any(|one| one["event"] == "completed"));
            if told {
                return call;
            }
            assert!(Instant::now() < deadline, "{call}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The webhook of a call, posted by hand; status, answer, and how long it took.
    async fn ring(&self, sid: &str, from: &str) -> (u16, String, Duration) {
        let form = [("CallSid", sid), ("From", from), ("To", OURS), ("CallStatus", "ringing"), ("Direction", "inbound")];
        let pairs: Vec<_> = form.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let signature = sign::signature(&token_for(TOKEN_SECRET, &self.account), &self.hook("/voice"), &pairs);
        let body: Vec<_> = form.iter().map(|(key, value)| format!("{key}={}", value.replace('+', "%2B"))).collect();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature.as_str())];
        let started = Instant::now();
        let path = format!("/hooks/twilio/{}/voice", self.gateway);
        let (status, answer) = send(self.site, "POST", &path, &headers, &body.join("&")).await;
        (status, answer, started.elapsed())
    }

    async fn settle(&self) -> Vec<CallRow> {
        inbox::drain(&self.world.db).await.expect("drained");
        assert_eq!(check::run(&self.world.db).await.expect("checked").violations, Vec::<String>::new());
        calls::list(&mut self.world.tx(&self.acme).await, &CallFilter::default()).await.expect("calls").items
    }

    async fn spent_and_held(&self) -> (Credits, Credits) {
        let wallet = credits::wallet(&mut self.world.tx(&self.acme).await).await.expect("wallet");
        (wallet.spent, wallet.held)
    }
}

#[tokio::test]
async fn somebody_calls_talks_for_seventy_seconds_and_two_credits_are_spent() {
    let town = Town::new().await;
    let caller = json!({ "account": town.account, "from": CALLER, "to": OURS, "talk_seconds": 70 });
    let heard = town.call(&caller).await;
    assert_eq!((heard["status"].as_str(), heard["duration"].as_i64()), (Some("completed"), Some(70)), "{heard}");
    let rows = town.settle().await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.direction, row.state.outcome, row.talk_seconds), (Direction::Inbound, Some(Outcome::Completed), 70));
    assert_eq!(town.spent_and_held().await, (Credits::whole(2), Credits::ZERO));
    // The webhook comes again, and so does everything else.
    let sid = heard["sid"].as_str().expect("an id");
    let (status, again, _) = town.ring(sid, CALLER).await;
    assert!(status == 200 && again.contains("<Gather"), "{status} {again}");
    assert_eq!(town.settle().await, rows);
    assert_eq!(town.spent_and_held().await, (Credits::whole(2), Credits::ZERO));
}

#[tokio::test]
async fn webhooks_and_callbacks_that_come_twice_are_heard_once() {
    let town = Town::new().await;
    let (status, answer) = town
        .control(
            "POST",
            "/control/faults",
            Some(&json!({ "kind": "duplicate", "probability": 1.0, "count": null, "to_prefix": null, "delay_ms": 0 })),
        )
        .await;
    assert_eq!(status, 201, "{answer}");
    let heard = town.call(&json!({ "account": town.account, "from": CALLER, "to": OURS, "talk_seconds": 70 })).await;
    let documents = heard["callbacks"].as_array().expect("a list").iter().filter(|one| one["event"] == "document");
    assert!(documents.filter(|one| one["status"] == 200).count() >= 2, "{heard}");
    assert_eq!(town.settle().await.len(), 1);
    assert_eq!(town.spent_and_held().await, (Credits::whole(2), Credits::ZERO));
}

#[tokio::test]
async fn a_caller_who_presses_nine_is_not_called_again() {
    let town = Town::new().await;
    let heard = town.call(&json!({ "account": town.account, "from": CALLER, "to": OURS, "press": "9" })).await;
    assert_eq!(heard["status"], "completed");
    town.settle().await;
    let list = suppressions::list(&mut town.world.tx(&town.acme).await, &Default::default()).await.expect("list");
    assert_eq!(list.items.iter().map(|entry| entry.phone.as_str()).collect::<Vec<_>>(), [CALLER]);
}

#[tokio::test]
async fn a_webhook_is_answered_within_a_second() {
    const CALLS: usize = 40;
    let town = Town::new().await;
    let mut times = Vec::new();
    for n in 0..CALLS {
        let (status, answer, took) = town.ring(&format!("CA{n:032x}"), &format!("+1212555{:04}", 1000 + n)).await;
        assert!(status == 200 && answer.contains("<Response>"), "{status} {answer}");
        assert!(took < ANSWER_MAX, "call {n} waited {took:?}");
        times.push(took);
    }
    times.sort_unstable();
    println!("answers to {CALLS} voice webhooks over HTTP: median {:?}, longest {:?}", times[CALLS / 2], times[CALLS - 1]);
    assert_eq!(town.settle().await.len(), 25, "one page of them");
}
