//! Endpoints and messages on a real database, with receivers that listen on this machine. Here: a receiver, a company that has
//! one, and how to look at the log.

mod content;
mod delivery;
mod endpoints;

use super::told::Show;
use super::*;
use crate::testing::{Someone, World};
use crate::{events, suppressions};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::events::EventFilter;
use model::webhooks::{DeliveryStatus, WebhookEvent};
use providers::outgoing::Post;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came.
#[derive(Debug, Clone)]
struct Heard {
    id: String,
    seconds: i64,
    signatures: String,
    body: String,
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn event(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// Whether one of its signatures was made with this secret, as a receiver checks it.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("the prefix")).expect("base64");
        let expected = outgoing::sign(&key, &self.id, self.seconds, &self.body);
        self.signatures.split(' ').any(|signature| signature == expected)
    }
}

/// A program of a customer.
struct Receiver {
    url: String,
    heard: UnboundedReceiver<Heard>,
    /// What it answers next; 204 when nothing is said.
    answers: Arc<Mutex<VecDeque<u16>>>,
    _server: JoinSet<()>,
}

impl Receiver {
    async fn new() -> Self {
        let (tell, heard) = unbounded_channel();
        let answers = Arc::new(Mutex::new(VecDeque::<u16>::new()));
        let script = answers.clone();
        let hear = move |headers: HeaderMap, body: Bytes| async move {
            let text = |name: &str| headers[name].to_str().expect("text").to_owned();
            let heard = Heard {
                id: text("webhook-id"),
                seconds: text("webhook-timestamp").parse().expect("seconds"),
                signatures: text("webhook-signature"),
                body: String::from_utf8(body.to_vec()).expect("UTF-8"),
            };
            let status = script.lock().expect("no panic").pop_front().unwrap_or(204);
            // The test may be over.
            let _ = tell.send(heard);
            (StatusCode::from_u16(status).expect("a status"), format!("it is {status}"))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://localhost:{}/hook", listener.local_addr().expect("an address").port());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, Router::new().route("/hook", post(hear))).await.expect("it serves") });
        Self { url, heard, answers, _server: server }
    }

    fn will_answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.answers.lock().expect("no panic").extend(statuses);
    }

    /// What came so far.
    fn all(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    async fn next(&mut self) -> Heard {
        tokio::time::timeout(PATIENCE, self.heard.recv()).await.expect("it comes in time").expect("it listens")
    }
}

/// A company with one endpoint.
struct Room {
    world: World,
    acme: Someone,
    receiver: Receiver,
    endpoint: NewEndpoint,
    post: Post,
}

fn sender() -> Post {
    rustls::crypto::ring::default_provider().install_default().ok();
    Post::init().expect("a client")
}

impl Room {
    async fn new() -> Self {
        Self::hearing(|_| {}).await
    }

    async fn hearing(edit: impl FnOnce(&mut EndpointForm)) -> Self {
        Self::inside(World::new().await, edit).await
    }

    async fn inside(world: World, edit: impl FnOnce(&mut EndpointForm)) -> Self {
        let acme = world.company("acme").await;
        let receiver = Receiver::new().await;
        let mut form = EndpointForm { url: receiver.url.clone(), ..EndpointForm::default() };
        edit(&mut form);
        let endpoint = create(&world.db, &acme.actor, &form).await.expect("an endpoint");
        Self { world, acme, receiver, endpoint, post: sender() }
    }

    /// Something happens: a number is put on the list.
    async fn happens(&self, n: usize) {
        let mut tx = self.world.tx(&self.acme).await;
        suppressions::add(&mut tx, &format!("+1212555{n:04}"), "asked").await.expect("suppressed");
        tx.commit().await.expect("commit");
    }

    async fn send(&self) -> usize {
        post::testing::send_due(&self.world.db, &self.post).await.expect("sent")
    }

    /// The log, the newest first.
    async fn log(&self) -> Vec<DeliveryRow> {
        let mut tx = self.world.tx(&self.acme).await;
        deliveries(&mut tx, &DeliveryFilter::default()).await.expect("a log").items
    }

    async fn state(&self) -> EndpointRow {
        load(&mut self.world.tx(&self.acme).await, self.endpoint.id).await.expect("an endpoint")
    }

    /// Goes to the moment at which the newest message is due again; how long that was.
    async fn until_due(&self) -> TimeDelta {
        let due = self.log().await[0].due_at.expect("it waits").at;
        let before = self.world.db.clock().now();
        self.world.clock.set(due);
        due - before
    }
}
