//! What goes for requests of all kinds: keys, idempotency, faults, paths.

use std::{collections::BTreeSet, time::Duration};

use gremlin::{TOKEN_SECRET, key_for, stripe_key_for};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Stripe, id, ids};

const CUSTOMERS: &str = "/v1/customers";

#[tokio::test]
async fn a_request_under_a_known_key_is_not_done_again() {
    let stripe = Stripe::new().await;
    let ask = async |path: &str, key: &str, form: &[(&str, &str)]| {
        let (status, body, headers) = stripe.send(stripe.request("POST", path).header("idempotency-key", key).form(form)).await;
        (status, body, headers.get("idempotent-replayed").map(|value| value.to_str().expect("a text").to_owned()))
    };
    let (_, first, replayed) = ask(CUSTOMERS, "one", &[("name", "Zoë"), ("phone", "1")]).await;
    assert_eq!(replayed, None);
    // The order of the parameters does not matter.
    let (status, again, replayed) = ask(CUSTOMERS, "one", &[("phone", "1"), ("name", "Zoë")]).await;
    assert_eq!((status, &again, replayed.as_deref()), (StatusCode::OK, &first, Some("true")));
    for (path, form) in [(CUSTOMERS, &[("name", "Ann")][..]), ("/v1/payment_intents", &[("name", "Zoë"), ("phone", "1")])] {
        let (status, body, _) = ask(path, "one", form).await;
        assert_eq!((status, &body["error"]["type"]), (StatusCode::BAD_REQUEST, &json!("idempotency_error")));
    }
    assert_eq!(ids(&stripe.get(CUSTOMERS, &[]).await), [id(&first)]);
    // A card that was declined stays declined under its key; what was never begun may be mended.
    let decline = [("amount", "500"), ("currency", "usd"), ("payment_method", "pm_card_chargeDeclined"), ("confirm", "true")];
    let (status, declined, _) = ask("/v1/payment_intents", "two", &decline).await;
    let (again, same, replayed) = ask("/v1/payment_intents", "two", &decline).await;
    assert_eq!((status, again, replayed.as_deref()), (StatusCode::PAYMENT_REQUIRED, StatusCode::PAYMENT_REQUIRED, Some("true")));
    assert_eq!(declined, same);
    assert_eq!(ask("/v1/payment_intents", "three", &[("amount", "500")]).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask("/v1/payment_intents", "three", &[("amount", "500"), ("currency", "usd")]).await.0, StatusCode::OK);
    // Done, and answered with an error about what was to be shown of it: not done again either.
    for _ in 0..2 {
        assert_eq!(ask(CUSTOMERS, "four", &[("name", "Zoë"), ("expand[]", "colour")]).await.0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(ids(&stripe.get(CUSTOMERS, &[]).await).len(), 2);
    assert_eq!(ask(CUSTOMERS, &"k".repeat(255), &[]).await.0, StatusCode::OK);
    assert_eq!(ask(CUSTOMERS, &"k".repeat(256), &[]).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn twenty_at_once_under_one_key_are_one() {
    let stripe = Stripe::new().await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let request = stripe.request("POST", CUSTOMERS).header("idempotency-key", "same").form(&[("name", "Zoë")]);
        asking.spawn(async move { request.send().await.expect("an answer").json::<Value>().await.expect("JSON") });
    }
    let made: BTreeSet<String> = asking.join_all().await.iter().map(id).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(stripe.told().await, ["customer.created"]);
}

#[tokio::test]
async fn a_request_that_was_done_and_never_answered_is_answered_the_second_time() {
    let stripe = Stripe::new().await;
    stripe.world.fault(json!({ "kind": "timeout_after_accept", "count": 1, "to_prefix": "/v1/payment_intents" })).await;
    let form = [("amount", "500"), ("currency", "usd"), ("payment_method", "pm_card_visa"), ("confirm", "true")];
    let ask = || stripe.request("POST", "/v1/payment_intents").header("idempotency-key", "lost").form(&form);
    assert!(ask().timeout(Duration::from_millis(300)).send().await.expect_err("no answer").is_timeout());
    let (status, intent, headers) = stripe.send(ask()).await;
    assert_eq!((status, &headers["idempotent-replayed"]), (StatusCode::OK, &"true".parse().expect("a value")));
    assert_eq!(ids(&stripe.get("/v1/payment_intents", &[]).await), [id(&intent)]);
}

#[tokio::test]
async fn a_request_that_fails_before_anything_was_done_may_be_repeated() {
    let stripe = Stripe::new().await;
    for (kind, status) in [("error_500", 500), ("error_429", 429)] {
        stripe.world.fault(json!({ "kind": kind, "count": 1, "to_prefix": CUSTOMERS })).await;
        let ask = || stripe.request("POST", CUSTOMERS).header("idempotency-key", kind).form(&[("name", "Zoë")]);
        let (first, _, headers) = stripe.send(ask()).await;
        assert_eq!((first.as_u16(), headers.contains_key("retry-after")), (status, status == 429));
        assert_eq!(stripe.send(ask()).await.0, StatusCode::OK);
    }
    assert_eq!(ids(&stripe.get(CUSTOMERS, &[]).await).len(), 2);
    stripe.world.fault(json!({ "kind": "down", "count": 1 })).await;
    assert_eq!(stripe.ask("GET", CUSTOMERS, &[]).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_key_opens_its_own_account_only_as_bearer_or_as_user() {
    let stripe = Stripe::new().await;
    let customer = stripe.customer().await;
    let path = format!("{CUSTOMERS}/{customer}");
    let get = || stripe.world.get(&path);
    let key = stripe_key_for(TOKEN_SECRET, "acme");
    let status = async |request: reqwest::RequestBuilder| stripe.send(request).await.0;
    assert_eq!(status(get().bearer_auth(&key)).await, StatusCode::OK);
    assert_eq!(status(get().basic_auth(&key, Some(""))).await, StatusCode::OK);
    assert_eq!(status(get().bearer_auth(stripe_key_for(TOKEN_SECRET, "other"))).await, StatusCode::NOT_FOUND);
    for wrong in [key_for(TOKEN_SECRET, "acme"), format!("{key}x"), "sk_live_1".into(), "sk_test_".into()] {
        assert_eq!(status(get().bearer_auth(wrong)).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(status(get()).await, StatusCode::UNAUTHORIZED);
    let own = json!({ "sid": "acme2", "token": "sk_test_mine" });
    stripe.world.post("/control/accounts").json(&own).send().await.expect("an answer");
    assert_eq!(status(get().bearer_auth("sk_test_mine")).await, StatusCode::NOT_FOUND, "it is known, and another account");
}

#[tokio::test]
async fn paths_that_lead_nowhere_say_so_in_stripes_words() {
    let stripe = Stripe::new().await;
    for (method, path) in [("GET", "/v1/customers/a/b/c"), ("PUT", "/v1/customers"), ("DELETE", "/v1/refunds/re_1")] {
        let answer = stripe.request(method, path).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(answer.headers()["request-id"].to_str().expect("a text").starts_with("req_"));
        let body: Value = answer.json().await.expect("JSON");
        assert!(body["error"]["message"].as_str().expect("a text").starts_with("Unrecognized request URL"), "{body}");
    }
}
