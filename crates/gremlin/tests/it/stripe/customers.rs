//! Customers and their cards.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Stripe, id, ids};

#[tokio::test]
async fn a_customer_is_made_changed_read_and_deleted() {
    let stripe = Stripe::new().await;
    let form =
        [("email", "zoe@example.com"), ("name", "Zoë مرحبا 😀"), ("metadata[company]", "cmp_1"), ("address[city]", "Amman")];
    let made = stripe.post("/v1/customers", &form).await;
    let path = format!("/v1/customers/{}", id(&made));
    assert_eq!((&made["name"], &made["address"]["city"]), (&json!("Zoë مرحبا 😀"), &json!("Amman")));
    let changed = stripe
        .post(&path, &[("metadata[plan]", "pro"), ("metadata[company]", ""), ("phone", "+962790000000"), ("name", "")])
        .await;
    assert_eq!(changed["metadata"], json!({ "plan": "pro" }));
    assert_eq!((&changed["name"], &changed["email"]), (&Value::Null, &json!("zoe@example.com")));
    assert_eq!(stripe.get(&path, &[]).await, changed);
    let event = &stripe.get("/v1/events", &[("type", "customer.updated")]).await["data"][0];
    assert_eq!(event["data"]["previous_attributes"]["metadata"], json!({ "company": "cmp_1" }));
    assert_eq!(event["data"]["previous_attributes"]["phone"], Value::Null);
    let (_, gone) = stripe.ask("DELETE", &path, &[]).await;
    assert_eq!(gone["deleted"], true);
    assert_eq!(stripe.get(&path, &[]).await, gone);
    assert_eq!(stripe.refused(&path, &[("name", "x")], 404).await["code"], "resource_missing");
    assert_eq!(stripe.ask("DELETE", &path, &[]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ids(&stripe.get("/v1/customers", &[]).await), Vec::<String>::new());
    assert_eq!(stripe.told().await, ["customer.created", "customer.updated", "customer.deleted"]);
}

#[tokio::test]
async fn lists_go_from_the_newest_page_by_page() {
    let stripe = Stripe::new().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(id(&stripe.post("/v1/customers", &[("email", &format!("p{}@example.com", n % 2))]).await));
    }
    made.reverse();
    let first = stripe.get("/v1/customers", &[("limit", "2")]).await;
    assert_eq!((ids(&first), &first["has_more"], &first["url"]), (made[..2].to_vec(), &json!(true), &json!("/v1/customers")));
    let rest = stripe.get("/v1/customers", &[("limit", "3"), ("starting_after", &made[1])]).await;
    assert_eq!((ids(&rest), &rest["has_more"]), (made[2..].to_vec(), &json!(false)));
    let back = stripe.get("/v1/customers", &[("limit", "1"), ("ending_before", &made[2])]).await;
    assert_eq!((ids(&back), &back["has_more"]), (vec![made[1].clone()], &json!(true)));
    assert_eq!(ids(&stripe.get("/v1/customers", &[("email", "p1@example.com")]).await).len(), 2);
    let (status, error) = stripe.ask("GET", "/v1/customers", &[("starting_after", "cus_none")]).await;
    assert_eq!((status, &error["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("starting_after")));
}

#[tokio::test]
async fn cards_are_kept_and_given_back() {
    let stripe = Stripe::new().await;
    let customer = stripe.customer().await;
    let card = stripe.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &customer)]).await;
    assert_eq!((&card["customer"], &card["card"]["last4"]), (&json!(customer), &json!("4242")));
    assert_ne!(id(&card), "pm_card_visa");
    let path = format!("/v1/payment_methods/{}", id(&card));
    assert_eq!(stripe.get(&path, &[]).await, card);
    let of = format!("/v1/customers/{customer}/payment_methods");
    assert_eq!(ids(&stripe.get(&of, &[("type", "card")]).await), [id(&card)]);
    let other = stripe.customer().await;
    stripe.refused(&format!("{path}/attach"), &[("customer", &other)], 400).await;
    let error = stripe.refused("/v1/payment_methods/pm_card_chargeDeclined/attach", &[("customer", &customer)], 402).await;
    assert_eq!((&error["type"], &error["decline_code"]), (&json!("card_error"), &json!("generic_decline")));
    assert_eq!(stripe.post(&format!("{path}/detach"), &[]).await["customer"], Value::Null);
    stripe.refused(&format!("{path}/detach"), &[], 400).await;
    assert_eq!(ids(&stripe.get(&of, &[]).await), Vec::<String>::new());
}

#[tokio::test]
async fn what_no_customer_has_is_refused() {
    let stripe = Stripe::new().await;
    for (form, code, param) in [
        (&[("colour", "red")][..], "parameter_unknown", "colour"),
        (&[("address[colour]", "red")], "parameter_unknown", "address[colour]"),
        (&[("email", "nobody")], "email_invalid", "email"),
        (
            &[("invoice_settings[default_payment_method]", "pm_none")],
            "resource_missing",
            "invoice_settings[default_payment_method]",
        ),
    ] {
        let error = stripe.refused("/v1/customers", form, 400).await;
        assert_eq!((error["code"].as_str(), error["param"].as_str()), (Some(code), Some(param)), "{error}");
    }
    stripe.refused("/v1/customers", &[("payment_method", "pm_card_chargeDeclined")], 402).await;
    assert_eq!(ids(&stripe.get("/v1/customers", &[]).await), Vec::<String>::new());
}
