//! Events and the webhooks that bring them.

use gremlin::sign_stripe;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Stripe, id, ids};
use crate::support::{Ear, Heard, json as send, until};

fn is_signed(heard: &Heard, secret: &str) -> bool {
    let header = heard.headers["stripe-signature"].to_str().expect("a text");
    let at = header.split(',').find_map(|part| part.strip_prefix("t=")).expect("a time").parse().expect("seconds");
    sign_stripe(secret, heard.body.as_bytes(), at) == header
}

async fn pays(stripe: &Stripe) -> Value {
    stripe
        .post(
            "/v1/payment_intents",
            &[("amount", "500"), ("currency", "usd"), ("payment_method", "pm_card_visa"), ("confirm", "true")],
        )
        .await
}

#[tokio::test]
async fn whoever_listens_is_told_once_and_signed() {
    let stripe = Stripe::new().await;
    let (all, some) = (Ear::new("").await, Ear::new("").await);
    let (_, secret) = stripe.listens(&all).await;
    let form = [("url", some.url.as_str()), ("enabled_events[0]", "charge.succeeded"), ("enabled_events[1]", "refund.created")];
    stripe.post("/v1/webhook_endpoints", &form).await;
    stripe.customer().await;
    pays(&stripe).await;
    let heard = all.hears("the payment", |heard| heard.json()["type"] == "payment_intent.succeeded").await;
    assert!(is_signed(&heard, &secret) && !is_signed(&heard, "whsec_other"));
    assert_eq!(heard.headers["content-type"], "application/json; charset=utf-8");
    let name = all.hears("the customer", |heard| heard.json()["type"] == "customer.created").await;
    assert!(is_signed(&name, &secret) && name.body.contains("Zoë مرحبا"), "{}", name.body);
    // Once all was taken, nothing waits any more.
    let none = async || (stripe.get("/v1/events", &[("delivery_success", "false")]).await["data"] == json!([])).then_some(());
    until("all deliveries", none).await;
    assert_eq!(all.heard().len(), 4);
    assert_eq!(some.heard().iter().map(|heard| heard.json()["type"].clone()).collect::<Vec<_>>(), ["charge.succeeded"]);
    let event = stripe.get(&format!("/v1/events/{}", id(&heard.json())), &[]).await;
    assert_eq!((&event["pending_webhooks"], &event["data"]), (&json!(0), &heard.json()["data"]));
    assert!(event["request"]["id"].as_str().expect("an id").starts_with("req_"));
}

#[tokio::test]
async fn an_event_comes_again_until_it_is_taken() {
    let stripe = Stripe::new().await;
    let ear = Ear::new("").await;
    ear.answer(&[StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FOUND]);
    stripe.listens(&ear).await;
    stripe.customer().await;
    until("the third try", async || (ear.heard().len() == 3).then_some(())).await;
    let ids: Vec<String> = ear.heard().iter().map(|heard| id(&heard.json())).collect();
    assert!(ids.iter().all(|one| *one == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn faults_double_turn_around_forge_and_lose_events() {
    let stripe = Stripe::new().await;
    let ear = Ear::new("").await;
    let (_, secret) = stripe.listens(&ear).await;
    for fault in [
        json!({ "kind": "duplicate", "to_prefix": "customer.created", "count": 1 }),
        json!({ "kind": "drop", "to_prefix": "charge." }),
        json!({ "kind": "bad_signature", "to_prefix": "payment_intent.succeeded" }),
        json!({ "kind": "unknown_status", "to_prefix": "payment_intent.created" }),
    ] {
        stripe.world.fault(fault).await;
    }
    stripe.customer().await;
    until("both", async || (ear.heard().len() == 2).then_some(())).await;
    let [one, two] = &ear.heard()[..] else { panic!("two") };
    assert_eq!(one.json(), two.json());
    pays(&stripe).await;
    let forged = ear.hears("the payment", |heard| heard.json()["type"] == "payment_intent.succeeded").await;
    assert!(!is_signed(&forged, &secret));
    let strange = ear.hears("the intent", |heard| heard.json()["type"] == "payment_intent.created").await;
    assert_eq!(strange.json()["data"]["object"]["status"], "hyperspace");
    let waiting = stripe.get("/v1/events", &[("delivery_success", "false")]).await;
    assert_eq!(waiting["data"][0]["type"], "charge.succeeded", "what was lost still waits");
}

#[tokio::test]
async fn a_slow_clock_shows_in_the_signature() {
    let stripe = Stripe::new().await;
    let ear = Ear::new("").await;
    let (_, secret) = stripe.listens(&ear).await;
    stripe.world.fault(json!({ "kind": "clock_skew", "delay_ms": 600_000 })).await;
    stripe.customer().await;
    let heard = ear.hears("the customer", |_| true).await;
    let header = heard.headers["stripe-signature"].to_str().expect("a text");
    let at: i64 = header[2..].split(',').next().expect("a time").parse().expect("seconds");
    assert!(is_signed(&heard, &secret) && at <= heard.json()["created"].as_i64().expect("a time") - 590, "{header}");
}

#[tokio::test]
async fn an_endpoint_is_listed_without_its_secret_and_deaf_once_deleted() {
    let stripe = Stripe::new().await;
    let ear = Ear::new("").await;
    let (endpoint, _) = stripe.listens(&ear).await;
    let listed = stripe.get("/v1/webhook_endpoints", &[]).await;
    assert_eq!((ids(&listed), &listed["data"][0]["secret"]), (vec![endpoint.clone()], &Value::Null));
    let path = format!("/v1/webhook_endpoints/{endpoint}");
    assert_eq!(stripe.get(&path, &[]).await["enabled_events"], json!(["*"]));
    assert_eq!(stripe.ask("DELETE", &path, &[]).await.1["deleted"], true);
    assert_eq!(stripe.ask("GET", &path, &[]).await.0, StatusCode::NOT_FOUND);
    stripe.customer().await;
    let events = stripe.get("/v1/events", &[]).await;
    assert_eq!(events["data"][0]["pending_webhooks"], 0);
    for bad in [&[("url", "ftp://x/"), ("enabled_events[]", "*")][..], &[("url", "http://x/")]] {
        stripe.refused("/v1/webhook_endpoints", bad, 400).await;
    }
    for n in 0..16 {
        stripe.post("/v1/webhook_endpoints", &[("url", &format!("http://127.0.0.1:9/{n}")), ("enabled_events[]", "x")]).await;
    }
    stripe.refused("/v1/webhook_endpoints", &[("url", "http://127.0.0.1:9/16"), ("enabled_events[]", "x")], 400).await;
}

#[tokio::test]
async fn events_are_listed_by_type_and_time() {
    let stripe = Stripe::new().await;
    stripe.customer().await;
    pays(&stripe).await;
    let kinds = async |query: &[(&str, &str)]| {
        let list = stripe.get("/v1/events", query).await;
        list["data"]
            .as_array()
            .expect("data")
            .iter()
            .map(|event| event["type"].as_str().expect("a type").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[("type", "charge.succeeded")]).await, ["charge.succeeded"]);
    assert_eq!(
        kinds(&[("types[0]", "customer.created"), ("types[1]", "charge.succeeded")]).await,
        ["charge.succeeded", "customer.created"]
    );
    assert_eq!(kinds(&[("type", "payment_intent.*")]).await, ["payment_intent.succeeded", "payment_intent.created"]);
    assert_eq!(kinds(&[("created[gt]", "4000000000")]).await, Vec::<String>::new());
    let none = send(stripe.request("GET", "/v1/events/evt_none")).await;
    assert_eq!(none.0, StatusCode::NOT_FOUND);
}
