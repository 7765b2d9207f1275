//! Endpoints from outside: by plain forms, as somebody without scripts has them, and by REST.

use crate::support::{Browser, Site};
use http::{Method, StatusCode};
use model::accounts::Role;
use model::api_keys::Scope;
use serde_json::{Value, json};
use services::webhooks;

const NEW: &str = "/developers/webhook";
const FORM: &str =
    "url=http%3A%2F%2Flocalhost%3A9%2Fhook&description=CRM&campaign=&events[0]=call.completed&events[3]=credits.low";

/// The address in what a form is answered with, and what the browser keeps besides the session.
async fn sent(site: &Site, who: &Browser, from: &str, name: &str, form: &str) -> (String, String) {
    let answer = site.submit(who, from, &format!("/fn/app/developers/{name}"), form).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{name}: {}", answer.text());
    let kept = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    (answer.header("location").to_owned(), kept)
}

fn secret_in(page: &str) -> Option<&str> {
    page.find("whsec_").map(|at| &page[at..at + "whsec_".len() + 44])
}

#[tokio::test]
async fn an_endpoint_is_made_tried_and_removed_by_plain_forms() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let empty = site.visit(&maya, "/developers/webhooks").await.text();
    assert!(empty.contains("No endpoints yet"), "{empty}");
    let (refused, _) = sent(&site, &maya, NEW, "webhooks/create_webhook", &FORM.replace("http%3A%2F%2Flocalhost%3A9", "x")).await;
    let told = site.visit(&maya, refused.trim_start_matches("http://belfry.test")).await.text();
    assert!(told.contains("Enter an address like"), "{told}");

    let (page, once) = sent(&site, &maya, NEW, "webhooks/create_webhook", FORM).await;
    assert!(once.starts_with("once=") && page.starts_with("/developers/webhook?id=end_"), "{once} {page}");
    let with_secret = Browser { cookie: maya.cookie.as_ref().map(|session| format!("{session}; {once}")) };
    let shown = site.visit(&with_secret, &page).await;
    let text = shown.text();
    let first = secret_in(&text).expect("the secret is shown").to_owned();
    assert!(shown.header("set-cookie").starts_with("once=; "), "and forgotten: {}", shown.header("set-cookie"));
    assert!(!text.contains("app.js") && !text.contains("app.wasm"), "a plain page");
    let again = site.visit(&maya, &page).await.text();
    assert!(secret_in(&again).is_none() && again.contains("CRM"), "{again}");
    assert_eq!(again.matches("checked").count(), 3, "two events, and on: {again}");

    let id = page.trim_start_matches("/developers/webhook?id=");
    let (page, once) = sent(&site, &maya, &page, "webhooks/rotate_webhook", &format!("id={id}")).await;
    let with_secret = Browser { cookie: maya.cookie.as_ref().map(|session| format!("{session}; {once}")) };
    let text = site.visit(&with_secret, &page).await.text();
    assert!(secret_in(&text).is_some_and(|second| second != first) && text.contains("signs too until"), "{text}");

    let (message, _) = sent(&site, &maya, &page, "webhooks/test_webhook", &format!("id={id}")).await;
    let text = site.visit(&maya, &message).await.text();
    assert!(text.contains("webhook.test") && text.contains("It was not sent yet.") && text.contains("It works."), "{text}");
    let log = site.visit(&maya, &format!("/developers/deliveries?endpoint={id}&status=waiting")).await.text();
    assert!(log.contains("webhook.test") && log.contains("Send again what did not arrive"), "{log}");
    let none = site.visit(&maya, &format!("/developers/deliveries?endpoint={id}&status=failed")).await.text();
    assert!(none.contains("Nothing was sent"), "{none}");
    let delivery = message.trim_start_matches("/developers/delivery?id=");
    let (back, _) = sent(&site, &maya, &message, "deliveries/replay_delivery", &format!("id={delivery}")).await;
    assert_eq!(back, message);
    let of_it = format!("/developers/deliveries?endpoint={id}");
    sent(&site, &maya, &of_it, "deliveries/replay_failed", &format!("id={id}&hours=24")).await;

    // Off is a box that is not ticked.
    sent(&site, &maya, &page, "webhooks/save_webhook", &format!("id={id}&{FORM}")).await;
    let list = site.visit(&maya, "/developers/webhooks").await.text();
    assert!(list.contains("localhost:9/hook") && list.contains("Off"), "{list}");
    sent(&site, &maya, &page, "webhooks/remove_webhook", &format!("id={id}")).await;
    let list = site.visit(&maya, "/developers/webhooks").await.text();
    assert!(list.contains("No endpoints yet"), "{list}");
    assert!(site.visit(&maya, "/developers/nothing").await.text().contains("<h1"), "an address of nothing is a page too");
}

#[tokio::test]
async fn whoever_may_not_manage_webhooks_sees_none_of_their_pages() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let someone = site.company(&maya).await;
    let form = model::webhooks::EndpointForm { url: "http://localhost:9/hush".into(), ..Default::default() };
    let id = webhooks::create(&site.world.db, &someone.actor, &form).await.expect("an endpoint").id;
    let mut tx = site.world.tx(&someone).await;
    let message = webhooks::test(&mut tx, id).await.expect("a test");
    tx.commit().await.expect("commit");
    let operator = site.world.member(&someone, Role::Operator).await;
    let operator = Browser { cookie: Some(format!("sid={}", site.world.session(&operator).await)) };
    let other = site.newcomer("other").await;
    for who in [&operator, &other, &Browser::default()] {
        for path in [
            "/developers/webhooks".to_owned(),
            format!("/developers/webhook?id={id}"),
            format!("/developers/deliveries?endpoint={id}"),
            format!("/developers/delivery?id={message}"),
        ] {
            let page = site.visit(who, &path).await.text();
            assert!(!page.contains("hush"), "{path}: {page}");
        }
    }
}

#[tokio::test]
async fn a_program_makes_changes_and_removes_an_endpoint() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let admin = site.company(&maya).await.actor;
    let key = site.key(&admin, &[Scope::Webhooks]).await;
    let ask = async |method: Method, path: &str, body: Option<Value>| {
        let answer = site.api(Some(&key), method, &format!("/api/v1/webhooks{path}"), body.as_ref()).await;
        (answer.status, answer.json::<Value>())
    };
    let (status, made) = ask(Method::POST, "", Some(json!({"url": "http://localhost:9/x"}))).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (id, secret) = (made["data"]["id"].as_str().expect("an id"), made["data"]["secret"].as_str().expect("a secret"));
    assert!(secret.starts_with("whsec_"));
    let (_, seen) = ask(Method::GET, &format!("/{id}"), None).await;
    let view = &seen["data"];
    assert_eq!((view["events"].as_array().map(Vec::len), view["status"].as_str()), (Some(10), Some("active")));
    assert_eq!(view["fullPhoneNumbers"], false, "the key does not see them either");
    assert!(!seen.to_string().contains("whsec_"));
    let (status, told) = ask(Method::PUT, &format!("/{id}"), Some(json!({"fullPhoneNumbers": true}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
    let (status, told) = ask(Method::PUT, &format!("/{id}"), Some(json!({"events": ["call.vanished"]}))).await;
    assert!(status == StatusCode::BAD_REQUEST && told["error"]["details"]["events"].is_string(), "{told}");
    let changed = json!({"events": ["credits.low"], "description": "CRM"});
    let (_, seen) = ask(Method::PUT, &format!("/{id}"), Some(changed)).await;
    let view = &seen["data"];
    assert_eq!((view["url"].as_str(), view["events"].clone()), (Some("http://localhost:9/x"), json!(["credits.low"])));

    let (_, test) = ask(Method::POST, &format!("/{id}/test"), None).await;
    let delivery = test["data"]["deliveryId"].as_str().expect("an id").to_owned();
    let (_, log) = ask(Method::GET, &format!("/{id}/deliveries?status=waiting"), None).await;
    assert_eq!((log["pagination"]["total"].as_i64(), log["data"][0]["id"].as_str()), (Some(1), Some(delivery.as_str())));
    let (status, _) = ask(Method::GET, &format!("/{id}/deliveries?status=lost"), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, found) = ask(Method::GET, &format!("/deliveries/{delivery}"), None).await;
    assert!(found["data"]["body"].as_str().is_some_and(|body| body.contains("It works.")), "{found}");
    assert_eq!(ask(Method::POST, &format!("/deliveries/{delivery}/replay"), None).await.0, StatusCode::OK);
    let since = json!({"since": "2026-11-22T00:00:00Z"});
    assert_eq!(ask(Method::POST, &format!("/{id}/replay"), Some(since)).await.1["data"]["messages"], 0);
    let (_, rotated) = ask(Method::POST, &format!("/{id}/rotate"), None).await;
    assert_ne!(rotated["data"]["secret"].as_str(), Some(secret));

    assert_eq!(ask(Method::PUT, &format!("/{id}"), Some(json!({"active": false}))).await.1["data"]["status"], "off");
    assert_eq!(ask(Method::POST, &format!("/{id}/test"), None).await.0, StatusCode::CONFLICT);
    assert_eq!(ask(Method::DELETE, &format!("/{id}"), None).await.0, StatusCode::OK);
    assert_eq!(ask(Method::GET, &format!("/{id}"), None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(Method::GET, "", None).await.1["data"], json!([]));
}
