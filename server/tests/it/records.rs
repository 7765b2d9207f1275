//! Leads and orders at the doors: pushed by programs row by row, shown and changed on plain pages.

use crate::support::{Browser, Site};
use http::{Method, StatusCode};
use model::api_keys::Scope;
use serde_json::{Value, json};

/// Somebody whose company chose what it is, so that pages are shown.
async fn settled(site: &Site, company: &str) -> Browser {
    let who = site.newcomer(company).await;
    site.call(&who, "/fn/app/auth/welcome/choose_company_type", "company_type=generic").await;
    who
}

fn order(number: &str, phone: &str, price: f64) -> Value {
    json!({"number": number, "currency": "usd", "customer": {"name": "Sam", "phone": phone}, "items": [{"sku": "L-1", "name": "Lamp", "quantity": 2, "price": price}]})
}

#[tokio::test]
async fn each_row_of_a_push_is_answered_for_itself() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let key = site.key(&site.company(&acme).await.actor, &[Scope::Contacts]).await;
    let post = async |path: &str, body: Value| site.api(Some(&key), Method::POST, path, Some(&body)).await.json::<Value>();
    let rows = json!({"orders": [
        order("A-1", "+12025550143", 19.9),
        order("A-2", "12", 1.0),
        {"number": "A-3", "status": "sent", "currency": "USD"},
        order("A-4", "+12025550144", 1.005),
        order("a-1", "+12025550143", 1.0),
        order("A-5", "+12025550145", 0.1),
    ]});
    let answer = post("/api/v1/orders", rows.clone()).await;
    let data = &answer["data"];
    assert_eq!((&data["stored"], &data["refused"]), (&json!(2), &json!(4)), "{answer:#}");
    for (row, field) in [(1, "customer_phone"), (2, "status"), (3, "items.0.price"), (4, "number")] {
        assert!(data["rows"][row]["errors"][field].is_string() && data["rows"][row]["id"].is_null(), "{row}: {answer:#}");
    }
    let first = data["rows"][0]["id"].as_str().expect("an id").to_owned();
    let again = post("/api/v1/orders", rows).await;
    assert_eq!((&again["data"]["rows"][0]["id"], &again["data"]["rows"][0]["created"]), (&json!(first), &json!(false)));
    let whole: Value = site.api(Some(&key), Method::GET, &format!("/api/v1/orders/{first}"), None).await.json();
    assert_eq!(whole["data"]["order"]["total"], json!({"amount": 39.8, "currency": "USD"}), "{whole:#}");
    assert_eq!(whole["data"]["order"]["phone"], "+12•••••••43", "without the scope phones");
    let list: Value = site.api(Some(&key), Method::GET, "/api/v1/orders?product=lamp&dateTo=2026-11-22", None).await.json();
    assert_eq!(list["pagination"]["total"], 0, "all of them are of a later day");

    let leads = json!({"leads": [
        {"name": "Sam", "phone": "+12025550143", "status": "qualified", "score": {"intent": {"points": 18, "reason": "Asked"}}},
        {"name": "Bo", "phone": "+12025550146", "score": {"fit": {"points": 21}}},
        {"name": "Cy", "phone": "+12025550147", "status": "hot"},
    ]});
    let answer = post("/api/v1/leads", leads).await;
    let rows = &answer["data"]["rows"];
    assert_eq!((&answer["data"]["stored"], &rows[0]["created"]), (&json!(1), &json!(true)), "{answer:#}");
    assert!(rows[1]["errors"]["score.fit"].is_string() && rows[2]["errors"]["status"].is_string(), "{answer:#}");
    let list: Value = site.api(Some(&key), Method::GET, "/api/v1/leads?status=qualified&scoreMin=18", None).await.json();
    assert_eq!((&list["pagination"]["total"], &list["data"][0]["score"]), (&json!(1), &json!(18)), "{list:#}");
}

#[tokio::test]
async fn whose_a_number_is_learns_who_may_see_numbers() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let actor = site.company(&acme).await.actor;
    let writes = site.key(&actor, &[Scope::Contacts]).await;
    site.api(Some(&writes), Method::POST, "/api/v1/orders", Some(&json!({"orders": [order("A-1", "+12025550143", 1.0)]}))).await;
    site.api(Some(&writes), Method::POST, "/api/v1/leads", Some(&json!({"leads": [{"phone": "+12025550143"}]}))).await;
    let reads = site.key(&actor, &[Scope::Read, Scope::Phones]).await;
    for path in ["/api/v1/lookup/+12025550143", "/api/v1/contact-lookup/2025550143"] {
        let found: Value = site.api(Some(&reads), Method::GET, path, None).await.json();
        let data = &found["data"];
        assert_eq!(
            (&data["contact"]["name"], &data["lead"]["status"], &data["orderCount"]),
            (&json!("Sam"), &json!("new"), &json!(1))
        );
        assert_eq!(site.api(Some(&writes), Method::GET, path, None).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for nobody in ["+12025550199", "nonsense"] {
        let answer = site.api(Some(&reads), Method::GET, &format!("/api/v1/lookup/{nobody}"), None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{nobody}");
    }
}

#[tokio::test]
async fn orders_are_entered_and_changed_by_plain_forms() {
    let site = Site::new().await;
    let maya = settled(&site, "harbor").await;
    let empty = site.visit(&maya, "/orders").await.text();
    assert!(empty.contains("No orders yet") && !empty.contains("app.js"), "{empty}");
    let form = "form[number]=A-1&form[customer_phone]=%2B12025550143&form[customer_name]=Sam&form[status]=paid&form[ordered_on]=\
        &form[currency]=usd&form[notes]=&form[items][0][sku]=L-1&form[items][0][name]=Lamp&form[items][0][quantity]=2\
        &form[items][0][price]=19.90&form[items][1][sku]=&form[items][1][price]=&more=true";
    let create = "/fn/app/orders/form/create_order";
    let stored = site.submit(&maya, "/orders/order", create, form).await;
    let page = stored.header("location").to_owned();
    assert!(page.starts_with("/orders/order?id=ord") && page.ends_with("&more=1"), "{page}: {}", stored.text());
    let seen = site.visit(&maya, &page).await.text();
    for part in ["Order A-1", "39.80 USD", "Paid", "Item 4", "value=\"19.90\""] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    let list = site.visit(&maya, "/orders?customer=sa&status=paid").await.text();
    assert!(list.contains("A-1") && list.contains("1 order in all: 39.80 USD"), "{list}");
    assert!(site.visit(&maya, "/orders?status=new").await.text().contains("No order matches"));
    // What is refused is told beside its field, and what was typed comes back.
    let bad = site.submit(&maya, "/orders/order", create, &form.replace("19.90", "cheap")).await;
    assert!(bad.header("set-cookie").contains("typed=") && bad.header("set-cookie").contains("cheap"), "{:?}", bad.headers);
    let told = site.visit(&maya, bad.header("location")).await.text();
    assert!(told.contains("Write the amount in digits, like 1234.50."), "{told}");
    let viewer = site.viewer(&maya).await;
    let seen = site.visit(&viewer, &page).await.text();
    assert!(seen.contains("Lamp") && !seen.contains("Save order") && !seen.contains("2025550143"), "{seen}");
    assert_eq!(site.visit(&viewer, "/orders/order").await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.visit(&maya, "/orders/order?id=nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn leads_are_entered_moved_and_given_away_by_plain_forms() {
    let site = Site::new().await;
    let maya = settled(&site, "harbor").await;
    assert!(site.visit(&maya, "/leads").await.text().contains("No leads yet"));
    let form = "form[name]=Sam&form[phone]=%2B12025550143&form[email]=&form[status]=new&form[follow_up_on]=2026-11-23\
        &form[next_action]=Send+the+offer&form[score][intent][points]=18&form[score][intent][reason]=Asked+for+a+price\
        &form[score][fit][points]=&form[score][fit][reason]=&form[notes]=";
    let stored = site.submit(&maya, "/leads/lead", "/fn/app/leads/lead/create_lead", form).await;
    let page = stored.header("location").to_owned();
    let id = page.strip_prefix("/leads/lead?id=").unwrap_or_else(|| panic!("{page}: {}", stored.text())).to_owned();
    let seen = site.visit(&maya, &page).await.text();
    for part in ["18 of 100", "Due 2026-11-23", "Send the offer", "value=\"Asked for a price\"", "Assign"] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    let twice = site.submit(&maya, "/leads/lead", "/fn/app/leads/lead/create_lead", form).await;
    let told = site.visit(&maya, twice.header("location")).await.text();
    assert!(told.contains("This person has a lead already."), "{told}");
    let moved =
        site.submit(&maya, "/leads?view=board", "/fn/app/leads/list/move_lead", &format!("id={id}&status=converted")).await;
    assert_eq!(moved.header("location"), "/leads?view=board");
    let board = site.visit(&maya, "/leads?view=board").await.text();
    let (_, converted) = board.split_once("aria-label=\"Converted\"").expect("a column");
    assert!(converted.contains("Sam") && board.contains("Move Sam to") && !board.contains("app.js"), "{board}");
    let me = site.company(&maya).await.actor.user_id().expect("a person");
    site.submit(&maya, &page, "/fn/app/leads/lead/assign_lead", &format!("id={id}&owner={me}")).await;
    let mine = site.visit(&maya, &format!("/leads?owner={me}")).await.text();
    assert!(mine.contains("Sam") && mine.contains("harbor admin"), "{mine}");
    // A contact's page leads to both.
    let contact = site.visit(&maya, "/contacts").await.text();
    let (_, rest) = contact.split_once("href=\"/contacts/con_").expect("a link");
    let contact = format!("/contacts/con_{}", rest.split('"').next().expect("its end"));
    assert!(site.visit(&maya, &contact).await.text().contains("Lead: converted, score 18"));
}
