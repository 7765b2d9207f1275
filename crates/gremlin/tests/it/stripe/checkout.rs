//! Checkout Sessions and the page on which they are paid.

use gremlin::Settings;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{CHECKOUT, Stripe, id, ids};
use crate::support::{Ear, until};

const PATH: &str = "/v1/checkout/sessions";

async fn open(stripe: &Stripe, more: &[(&str, &str)]) -> Value {
    let mut form = CHECKOUT.to_vec();
    form.extend(more);
    stripe.post(PATH, &form).await
}

/// Presses a button of the page: the status, where it leads, and what it shows.
async fn press(stripe: &Stripe, session: &Value, button: &str, form: &[(&str, &str)]) -> (StatusCode, Option<String>, String) {
    let url = format!("{}/{button}", session["url"].as_str().expect("an address"));
    let answer = stripe.world.client.post(url).form(form).send().await.expect("an answer");
    let leads = answer.headers().get("location").map(|value| value.to_str().expect("a text").to_owned());
    (answer.status(), leads, answer.text().await.expect("a text"))
}

async fn read(stripe: &Stripe, session: &Value) -> Value {
    stripe.get(&format!("{PATH}/{}", id(session)), &[]).await
}

#[tokio::test]
async fn somebody_pays_on_the_page() {
    let stripe = Stripe::new().await;
    let ear = Ear::new("").await;
    stripe.listens(&ear).await;
    let customer = stripe.customer().await;
    let more = [
        ("customer", customer.as_str()),
        ("client_reference_id", "cmp_1"),
        ("metadata[topup]", "top_1"),
        ("payment_intent_data[setup_future_usage]", "off_session"),
        ("payment_intent_data[metadata][topup]", "top_1"),
    ];
    let session = open(&stripe, &more).await;
    assert_eq!(
        (&session["status"], &session["payment_status"], &session["payment_intent"]),
        (&json!("open"), &json!("unpaid"), &Value::Null)
    );
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(3000), &json!("usd")));
    let page = stripe.world.client.get(session["url"].as_str().expect("an address")).send().await.expect("a page");
    let page = page.text().await.expect("a text");
    assert!(page.contains("Pay 30.00 USD") && page.contains("zoe@example.com") && page.contains("Cancel"), "{page}");

    let (status, leads, _) = press(&stripe, &session, "pay", &[("card", "pm_card_visa"), ("name", "Zoë")]).await;
    assert_eq!((status, leads), (StatusCode::SEE_OTHER, Some(format!("https://shop.example/done?session={}", id(&session)))));
    let done = read(&stripe, &session).await;
    assert_eq!((&done["status"], &done["payment_status"], &done["url"]), (&json!("complete"), &json!("paid"), &Value::Null));
    assert_eq!((&done["customer_details"]["name"], &done["client_reference_id"]), (&json!("Zoë"), &json!("cmp_1")));
    let intent = stripe.get(&format!("/v1/payment_intents/{}", done["payment_intent"].as_str().expect("an intent")), &[]).await;
    assert_eq!(
        (&intent["status"], &intent["customer"], &intent["metadata"]["topup"]),
        (&json!("succeeded"), &json!(customer), &json!("top_1"))
    );
    let kept = stripe.get(&format!("/v1/customers/{customer}/payment_methods"), &[]).await;
    assert_eq!(ids(&kept), [intent["payment_method"].as_str().expect("a card")]);

    for kind in ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded", "payment_method.attached"] {
        let heard = ear.hears(kind, |heard| heard.json()["type"] == kind).await.json();
        if kind == "checkout.session.completed" {
            assert_eq!(heard["data"]["object"], done);
        }
    }
    let (status, _, page) = press(&stripe, &session, "pay", &[]).await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("complete"), "it is paid once: {status} {page}");
    assert_eq!(stripe.told().await.iter().filter(|kind| *kind == "charge.succeeded").count(), 1);
}

#[tokio::test]
async fn a_declined_card_leaves_the_checkout_open() {
    let stripe = Stripe::new().await;
    let session = open(&stripe, &[]).await;
    let (status, leads, page) = press(&stripe, &session, "decline", &[]).await;
    assert_eq!((status, leads), (StatusCode::PAYMENT_REQUIRED, None));
    assert!(page.contains("Your card was declined.") && page.contains("Pay 30.00 USD"), "{page}");
    let again = format!("action=\"{}/pay\"", session["url"].as_str().expect("an address"));
    assert!(page.contains(&again), "the page works wherever it is shown: {page}");
    let tried = read(&stripe, &session).await;
    assert_eq!((&tried["status"], &tried["payment_status"]), (&json!("open"), &json!("unpaid")));
    let (status, ..) = press(&stripe, &session, "pay", &[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let done = read(&stripe, &session).await;
    assert_eq!(
        (&done["status"], &done["payment_intent"]),
        (&json!("complete"), &tried["payment_intent"]),
        "one intent for all tries"
    );
    let (status, leads, _) = press(&stripe, &open(&stripe, &[]).await, "cancel", &[]).await;
    assert_eq!((status, leads.as_deref()), (StatusCode::SEE_OTHER, Some("https://shop.example/back")));
}

#[tokio::test]
async fn a_card_that_wants_its_owner_has_them_on_the_page_and_misses_them_later() {
    let stripe = Stripe::new().await;
    let customer = stripe.customer().await;
    let more = [("customer", customer.as_str()), ("payment_intent_data[setup_future_usage]", "off_session")];
    let session = open(&stripe, &more).await;
    let (status, ..) = press(&stripe, &session, "pay", &[("card", "pm_card_authenticationRequired")]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let kept = ids(&stripe.get(&format!("/v1/customers/{customer}/payment_methods"), &[]).await);
    let form = [
        ("amount", "500"),
        ("currency", "usd"),
        ("customer", customer.as_str()),
        ("payment_method", kept[0].as_str()),
        ("off_session", "true"),
        ("confirm", "true"),
    ];
    assert_eq!(stripe.refused("/v1/payment_intents", &form, 402).await["code"], "authentication_required");
}

#[tokio::test]
async fn what_costs_nothing_is_not_charged_and_yen_have_no_cents() {
    let stripe = Stripe::new().await;
    let priced = async |amount: &str, currency: &str| {
        let mut form = CHECKOUT[..3].to_vec();
        form.extend([
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", currency),
            ("line_items[0][price_data][unit_amount]", amount),
            ("line_items[0][price_data][product_data][name]", "x"),
        ]);
        stripe.post(PATH, &form).await
    };
    let free = priced("0", "usd").await;
    assert_eq!(free["payment_status"], "no_payment_required");
    assert_eq!(press(&stripe, &free, "pay", &[]).await.0, StatusCode::SEE_OTHER);
    let done = read(&stripe, &free).await;
    assert_eq!((&done["status"], &done["payment_intent"]), (&json!("complete"), &Value::Null));
    let yen = priced("500", "jpy").await;
    let page = stripe
        .world
        .client
        .get(yen["url"].as_str().expect("an address"))
        .send()
        .await
        .expect("a page")
        .text()
        .await
        .expect("a text");
    assert!(page.contains("Pay 500 JPY"), "{page}");
}

#[tokio::test]
async fn a_stranger_becomes_a_customer_when_that_was_asked_for() {
    let stripe = Stripe::new().await;
    let session =
        open(&stripe, &[("customer_creation", "always"), ("payment_intent_data[setup_future_usage]", "off_session")]).await;
    press(&stripe, &session, "pay", &[("email", "ann@example.com"), ("name", "Ann")]).await;
    let done = read(&stripe, &session).await;
    let customer = done["customer"].as_str().expect("a customer").to_owned();
    let made = stripe.get(&format!("/v1/customers/{customer}"), &[]).await;
    assert_eq!((&made["email"], &made["name"]), (&json!("ann@example.com"), &json!("Ann")));
    assert_eq!(ids(&stripe.get(&format!("/v1/customers/{customer}/payment_methods"), &[]).await).len(), 1);
}

#[tokio::test]
async fn a_session_expires_when_told_and_by_itself() {
    // A day is a quarter of a second here.
    let stripe = Stripe::at(Settings { speed: 100_000.0, ..Settings::default() }).await;
    let session = open(&stripe, &[]).await;
    let by_itself =
        until("the expiry", async || Some(read(&stripe, &session).await).filter(|now| now["status"] == "expired")).await;
    assert_eq!(by_itself["url"], Value::Null);
    assert_eq!(stripe.told().await, ["checkout.session.expired"]);

    let stripe = Stripe::new().await;
    let session = open(&stripe, &[]).await;
    press(&stripe, &session, "decline", &[]).await;
    let path = format!("{PATH}/{}/expire", id(&session));
    assert_eq!(stripe.post(&path, &[]).await["status"], "expired");
    stripe.refused(&path, &[], 400).await;
    let (status, _, page) = press(&stripe, &session, "pay", &[]).await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("expired"), "{status} {page}");
    let told = stripe.told().await;
    assert_eq!(told[told.len() - 2..], ["payment_intent.canceled", "checkout.session.expired"]);
    assert_eq!(ids(&stripe.get(PATH, &[]).await), [id(&session)]);
}

#[tokio::test]
async fn line_items_and_what_is_inside_can_be_asked_for() {
    let stripe = Stripe::new().await;
    let session = open(&stripe, &[]).await;
    press(&stripe, &session, "pay", &[]).await;
    let items = stripe.get(&format!("{PATH}/{}/line_items", id(&session)), &[]).await;
    let lines: Vec<_> = items["data"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| (item["description"].clone(), item["amount_total"].clone()))
        .collect();
    assert_eq!(lines, [(json!("Credits & مرحبا"), json!(2000)), (json!("Setting up"), json!(1000))]);
    // The slice knows of ids only where things can be expanded.
    let expand = [("expand[]", "line_items"), ("expand[]", "payment_intent.latest_charge")];
    let request = stripe.request("GET", &format!("{PATH}/{}", id(&session))).query(&expand);
    let whole: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(whole["line_items"], items);
    assert_eq!(whole["payment_intent"]["latest_charge"]["paid"], true);
    let (status, error) = stripe.ask("GET", &format!("{PATH}/{}", id(&session)), &[("expand[]", "colour")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{error}");
}

#[tokio::test]
async fn what_no_checkout_has_is_refused() {
    let stripe = Stripe::new().await;
    for (name, value, code) in [
        ("mode", "subscription", "parameter_invalid_string"),
        ("success_url", "shop.example/done", "url_invalid"),
        ("line_items[0][price_data][currency]", "jpy", "parameter_invalid_string"),
        ("line_items[0][price_data][unit_amount]", "ten", "parameter_invalid_integer"),
        ("line_items[0][quantity]", "0", "parameter_invalid_integer"),
        ("line_items[0][price_data][colour]", "red", "parameter_unknown"),
        ("payment_intent_data[colour]", "red", "parameter_unknown"),
        ("expires_at", "1", "parameter_invalid_integer"),
        ("customer", "cus_none", "resource_missing"),
    ] {
        let mut form: Vec<_> = CHECKOUT.iter().filter(|(own, _)| *own != name).copied().collect();
        form.push((name, value));
        let error = stripe.refused(PATH, &form, 400).await;
        assert_eq!(error["code"], code, "{name}: {error}");
    }
    let missing: Vec<_> = CHECKOUT.iter().filter(|(name, _)| *name != "success_url").copied().collect();
    assert_eq!(stripe.refused(PATH, &missing, 400).await["code"], "parameter_missing");
    let page = stripe.world.get("/stripe/checkout/cs_none").send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
}
