//! PaymentIntents, and refunds of them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Stripe, id, ids};

const PATH: &str = "/v1/payment_intents";

async fn paid(stripe: &Stripe, more: &[(&str, &str)]) -> Value {
    let mut form = vec![("amount", "2000"), ("currency", "usd"), ("payment_method", "pm_card_visa"), ("confirm", "true")];
    form.extend(more);
    stripe.post(PATH, &form).await
}

#[tokio::test]
async fn an_intent_goes_from_nothing_to_paid() {
    let stripe = Stripe::new().await;
    let intent = stripe.post(PATH, &[("amount", "1099"), ("currency", "EUR"), ("metadata[topup]", "top_1")]).await;
    assert_eq!((&intent["status"], &intent["currency"]), (&json!("requires_payment_method"), &json!("eur")));
    let path = format!("{PATH}/{}", id(&intent));
    let error = stripe.refused(&format!("{path}/confirm"), &[], 400).await;
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    let changed = stripe.post(&path, &[("amount", "1200"), ("payment_method", "pm_card_mastercard")]).await;
    assert_eq!((&changed["status"], &changed["amount"]), (&json!("requires_confirmation"), &json!(1200)));
    let done = stripe.post(&format!("{path}/confirm"), &[]).await;
    assert_eq!((&done["status"], &done["amount_received"]), (&json!("succeeded"), &json!(1200)));
    let now = stripe.get(&path, &[]).await;
    let charge = stripe.get(&format!("/v1/charges/{}", now["latest_charge"].as_str().expect("a charge")), &[]).await;
    assert_eq!(
        (&charge["paid"], &charge["payment_intent"], &charge["metadata"]),
        (&json!(true), &now["id"], &json!({ "topup": "top_1" }))
    );
    for verb in ["confirm", "cancel", "capture"] {
        let error = stripe.refused(&format!("{path}/{verb}"), &[], 400).await;
        assert_eq!((&error["code"], &error["payment_intent"]), (&json!("payment_intent_unexpected_state"), &now), "{verb}");
    }
    assert_eq!(stripe.told().await, ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]);
}

#[tokio::test]
async fn a_card_that_declines_leaves_the_intent_to_another_one() {
    let stripe = Stripe::new().await;
    for (card, code, reason) in [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ] {
        let form = [("amount", "500"), ("currency", "usd"), ("payment_method", card), ("confirm", "true")];
        let error = stripe.refused(PATH, &form, 402).await;
        assert_eq!(
            (&error["type"], &error["code"], &error["decline_code"]),
            (&json!("card_error"), &json!(code), &json!(reason))
        );
        let intent = &error["payment_intent"];
        assert_eq!((&intent["status"], &intent["payment_method"]), (&json!("requires_payment_method"), &Value::Null));
        assert_eq!((&intent["last_payment_error"]["code"], &intent["latest_charge"]), (&json!(code), &error["charge"]));
        let charge = stripe.get(&format!("/v1/charges/{}", error["charge"].as_str().expect("a charge")), &[]).await;
        assert_eq!((&charge["status"], &charge["failure_code"]), (&json!("failed"), &json!(code)));
        let again = stripe.post(&format!("{PATH}/{}/confirm", id(intent)), &[("payment_method", "pm_card_visa")]).await;
        assert_eq!((&again["status"], &again["last_payment_error"]), (&json!("succeeded"), &Value::Null));
    }
    let story = [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
    ];
    assert_eq!(stripe.told().await[..5], story);
}

#[tokio::test]
async fn a_kept_card_pays_while_nobody_is_there_unless_it_wants_its_owner() {
    let stripe = Stripe::new().await;
    let customer = stripe.customer().await;
    let keep =
        async |card: &str| id(&stripe.post(&format!("/v1/payment_methods/{card}/attach"), &[("customer", &customer)]).await);
    let charge = async |card: &str, more: &[(&str, &str)]| {
        let mut form =
            vec![("amount", "500"), ("currency", "usd"), ("payment_method", card), ("confirm", "true"), ("off_session", "true")];
        form.extend(more);
        stripe.ask("POST", PATH, &form).await
    };
    let ours = [("customer", customer.as_str())];
    let good = keep("pm_card_visa").await;
    assert_eq!(charge(&good, &ours).await.1["status"], "succeeded");
    // Without its customer, or for another one, it does not.
    let stranger = stripe.customer().await;
    for whose in [&[][..], &[("customer", stranger.as_str())]] {
        let (status, body) = charge(&good, whose).await;
        assert_eq!((status, &body["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("payment_method")));
    }
    let wary = keep("pm_card_authenticationRequired").await;
    let (status, body) = charge(&wary, &ours).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::PAYMENT_REQUIRED, &json!("authentication_required")));
    assert_eq!(body["error"]["payment_intent"]["status"], "requires_payment_method");
    let bad = keep("pm_card_chargeCustomerFail").await;
    assert_eq!(charge(&bad, &ours).await.1["error"]["decline_code"], "generic_decline");
    // With somebody there, they are asked.
    let here = stripe
        .post(
            PATH,
            &[("amount", "500"), ("currency", "usd"), ("payment_method", &wary), ("customer", &customer), ("confirm", "true")],
        )
        .await;
    assert_eq!((&here["status"], &here["next_action"]["type"]), (&json!("requires_action"), &json!("use_stripe_sdk")));
    let error = stripe.refused(PATH, &[("amount", "500"), ("currency", "usd"), ("off_session", "true")], 400).await;
    assert_eq!(error["param"], "off_session");
}

#[tokio::test]
async fn a_card_is_kept_for_later_when_that_was_asked_for() {
    let stripe = Stripe::new().await;
    let customer = stripe.customer().await;
    let intent = paid(&stripe, &[("customer", &customer), ("setup_future_usage", "off_session")]).await;
    let kept = stripe.get(&format!("/v1/customers/{customer}/payment_methods"), &[]).await;
    assert_eq!(ids(&kept), [intent["payment_method"].as_str().expect("a card")]);
    assert!(stripe.told().await.contains(&"payment_method.attached".to_owned()));
}

#[tokio::test]
async fn an_intent_is_captured_or_called_off() {
    let stripe = Stripe::new().await;
    let held = paid(&stripe, &[("capture_method", "manual")]).await;
    assert_eq!((&held["status"], &held["amount_capturable"]), (&json!("requires_capture"), &json!(2000)));
    let path = format!("{PATH}/{}", id(&held));
    assert_eq!(stripe.refused("/v1/refunds", &[("payment_intent", &id(&held))], 400).await["param"], "payment_intent");
    assert_eq!(
        stripe.refused(&format!("{path}/capture"), &[("amount_to_capture", "2001")], 400).await["param"],
        "amount_to_capture"
    );
    let taken = stripe.post(&format!("{path}/capture"), &[("amount_to_capture", "1500")]).await;
    assert_eq!((&taken["status"], &taken["amount_received"]), (&json!("succeeded"), &json!(1500)));
    let other = paid(&stripe, &[("capture_method", "manual")]).await;
    let gone = stripe.post(&format!("{PATH}/{}/cancel", id(&other)), &[("cancellation_reason", "abandoned")]).await;
    assert_eq!((&gone["status"], &gone["cancellation_reason"]), (&json!("canceled"), &json!("abandoned")));
    let told = stripe.told().await;
    for kind in ["payment_intent.amount_capturable_updated", "charge.captured", "payment_intent.canceled"] {
        assert!(told.contains(&kind.to_owned()), "{told:?}");
    }
}

#[tokio::test]
async fn a_charge_is_given_back_in_parts_until_nothing_is_left() {
    let stripe = Stripe::new().await;
    let intent = paid(&stripe, &[]).await;
    let charge = intent["latest_charge"].as_str().expect("a charge").to_owned();
    let part = stripe
        .post("/v1/refunds", &[("payment_intent", &id(&intent)), ("amount", "500"), ("reason", "requested_by_customer")])
        .await;
    assert_eq!((&part["amount"], &part["charge"], &part["status"]), (&json!(500), &json!(charge), &json!("succeeded")));
    assert_eq!(stripe.refused("/v1/refunds", &[("charge", &charge), ("amount", "1501")], 400).await["param"], "amount");
    let rest = stripe.post("/v1/refunds", &[("charge", &charge), ("metadata[why]", "Zoë")]).await;
    assert_eq!(rest["amount"], 1500);
    assert_eq!(stripe.refused("/v1/refunds", &[("charge", &charge)], 400).await["code"], "charge_already_refunded");
    let now = stripe.get(&format!("/v1/charges/{charge}"), &[]).await;
    assert_eq!((&now["refunded"], &now["amount_refunded"]), (&json!(true), &json!(2000)));
    assert_eq!(ids(&stripe.get("/v1/refunds", &[("payment_intent", &id(&intent))]).await), [id(&rest), id(&part)]);
    assert_eq!(stripe.get(&format!("/v1/refunds/{}", id(&part)), &[]).await, part);
    let event = &stripe.get("/v1/events", &[("type", "charge.refunded")]).await["data"][1];
    assert_eq!(event["data"]["previous_attributes"], json!({ "amount_refunded": 0, "refunded": false }));
}

#[tokio::test]
async fn amounts_and_words_that_cannot_be_are_refused() {
    let stripe = Stripe::new().await;
    for (form, code, param) in [
        (&[("currency", "usd")][..], "parameter_missing", "amount"),
        (&[("amount", "100")], "parameter_missing", "currency"),
        (&[("amount", "1e3"), ("currency", "usd")], "parameter_invalid_integer", "amount"),
        (&[("amount", "49"), ("currency", "usd")], "amount_too_small", "amount"),
        (&[("amount", "49"), ("currency", "jpy")], "amount_too_small", "amount"),
        (&[("amount", "100000000"), ("currency", "usd")], "amount_too_large", "amount"),
        (&[("amount", "1005"), ("currency", "kwd")], "parameter_invalid_integer", "amount"),
        (&[("amount", "100"), ("currency", "usd"), ("customer", "cus_none")], "resource_missing", "customer"),
        (&[("amount", "100"), ("currency", "usd"), ("payment_method", "pm_none")], "resource_missing", "payment_method"),
    ] {
        let error = stripe.refused(PATH, form, 400).await;
        assert_eq!((error["code"].as_str(), error["param"].as_str()), (Some(code), Some(param)), "{error}");
    }
    for (amount, currency) in [("50", "jpy"), ("1000", "kwd"), ("99999999", "usd")] {
        stripe.post(PATH, &[("amount", amount), ("currency", currency)]).await;
    }
    let (status, error) = stripe.ask("GET", "/v1/payment_intents/pi_none", &[]).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::NOT_FOUND, &json!("resource_missing")));
}
