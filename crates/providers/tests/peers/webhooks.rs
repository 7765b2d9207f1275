//! Our messages, judged by the libraries that customers verify them with. What they get was sent by the real sender to a receiver here.

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use chrono::{DateTime, TimeDelta, Utc};
use providers::outgoing::{Message, Post, secret};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use super::{FOLDER, are_installed, bind, checks_of, now};

const BODY: &str = r#"{"type":"call.completed","note":"Zoë & مرحبا 😀 +%41 a=b"}"#;
/// The headers that are signed, in the order of this list.
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// Sends one message, and gives the headers that arrived.
async fn sent(
    post: &Post,
    url: &str,
    ear: &mut mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
    at: DateTime<Utc>,
    keys: &[Vec<u8>],
) -> Value {
    let heard = post.send(Message { url, id: "dlv_0193500000007000", at, body: BODY, keys }).await;
    assert!(heard.arrived(), "{heard:?}");
    let (headers, body) = ear.recv().await.expect("it arrived");
    assert_eq!(body, BODY);
    HEADERS.iter().map(|name| ((*name).to_owned(), json!(headers[*name].to_str().expect("text")))).collect()
}

/// A message as it came, and with each part changed.
fn cases(headers: &Value, secret: &str, other: &str) -> Vec<Value> {
    let case = |what: &str, secret: &str, headers: &Value, body: &str, good: bool| json!({"what": what, "secret": secret, "headers": headers, "body": body, "good": good});
    let with = |name: &str, value: &str| {
        let mut changed = headers.clone();
        changed[name] = json!(value);
        changed
    };
    let text = |name: &str| headers[name].as_str().expect("text");
    let seconds: i64 = text("webhook-timestamp").parse().expect("seconds");
    vec![
        case("as it came", secret, headers, BODY, true),
        case("another secret", other, headers, BODY, false),
        case("a changed body", secret, headers, &BODY.replace("call", "cell"), false),
        case("a body with a space more", secret, headers, &format!("{BODY} "), false),
        case("another id", secret, &with("webhook-id", "dlv_1"), BODY, false),
        case("another moment", secret, &with("webhook-timestamp", &(seconds + 1).to_string()), BODY, false),
        case("no signature", secret, &with("webhook-signature", "v1,"), BODY, false),
        case(
            "another version",
            secret,
            &with("webhook-signature", &text("webhook-signature").replace("v1,", "v2,")),
            BODY,
            false,
        ),
    ]
}

#[tokio::test]
async fn customers_take_our_messages_and_none_that_was_changed() {
    if !are_installed("Standard Webhooks") {
        return;
    }
    rustls::crypto::ring::default_provider().install_default().ok();
    let (tell, mut ear) = mpsc::unbounded_channel();
    let hear = move |headers: HeaderMap, body: Bytes| async move { drop(tell.send((headers, body))) };
    let (listener, url) = bind().await;
    let url = url.replace("127.0.0.1", "localhost");
    let mut servers = JoinSet::new();
    servers.spawn(async move { axum::serve(listener, Router::new().route("/", post(hear))).await.expect("it listens") });
    let sender = Post::init().expect("a client");
    let keys = [vec![7; 32], (0..32).collect::<Vec<u8>>(), vec![9; 32]];
    let [old, new, strange] = [0, 1, 2].map(|n| secret(&keys[n]));

    let mut all = Vec::new();
    let one = sent(&sender, &url, &mut ear, now(), &keys[1..2]).await;
    all.extend(cases(&one, &new, &strange));
    // After a rotation both pass, and no third.
    let both = sent(&sender, &url, &mut ear, now(), &[keys[1].clone(), keys[0].clone()]).await;
    all.extend(cases(&both, &new, &strange));
    all.extend(cases(&both, &old, &strange));
    let stale = sent(&sender, &url, &mut ear, now() - TimeDelta::minutes(6), &keys[1..2]).await;
    all.push(json!({"what": "six minutes old", "secret": new, "headers": stale, "body": BODY, "good": false}));

    let (count, cases) = (all.len(), Value::from(all).to_string());
    checks_of("node", "webhooks.mjs", &[("CASES", &cases)], 2 * count).await;
    checks_of(&format!("{FOLDER}/.venv/bin/python"), "webhooks.py", &[("CASES", &cases)], count).await;
}
