//! Checkout Sessions of mode `payment`: make, read, list, expire; and what becomes of one on the hosted `page`.

use serde_json::{Value, json};

use super::{
    Desk, Done, Refusal, customers, events,
    form::Form,
    intents::{self, New},
    methods::{self, Card},
    money,
    payment::{self, Presence},
    with_nulls,
};

pub const KIND: &str = "checkout.session";
/// What is null at first.
const UNSET: [&str; 15] = [
    "after_expiration",
    "allow_promotion_codes",
    "billing_address_collection",
    "consent",
    "consent_collection",
    "invoice",
    "invoice_creation",
    "payment_intent",
    "payment_link",
    "recovered_from",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "shipping_details",
    "subscription",
];
const FIELDS: [&str; 20] = [
    "allow_promotion_codes",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_creation",
    "customer_email",
    "customer_update",
    "expand",
    "expires_at",
    "invoice_creation",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "payment_intent_data",
    "payment_method_types",
    "submit_type",
    "success_url",
    "ui_mode",
];
const ITEMS_MAX: usize = 100;
const QUANTITY_MAX: i64 = 999_999;
const REFERENCE_CHARS_MAX: usize = 200;
const LIFE_SECONDS: i64 = 86_400;
const LIFE_SECONDS_MIN: i64 = 1_800;
/// A clock that is a little off is no mistake.
const LIFE_SLACK_SECONDS: i64 = 60;

/// One line of the bill, as it is kept.
fn item(desk: &mut Desk<'_>, form: &Form) -> Result<Value, Refusal> {
    form.only(&["price", "price_data", "quantity"])?;
    if let Some(price) = form.text("price") {
        // Prices have a resource of their own, which is not played.
        return Err(form.wrong("price", "resource_missing", format!("No such price: '{price}'")));
    }
    let data = form.part("price_data").ok_or_else(|| form.missing("price_data"))?;
    data.only(&["currency", "product", "product_data", "tax_behavior", "unit_amount"])?;
    let currency = money::currency(&data)?;
    let unit = money::unit_amount(&data, "unit_amount", &currency)?;
    let product = data.part("product_data").ok_or_else(|| data.missing("product_data"))?;
    product.only(&["description", "images", "metadata", "name", "tax_code"])?;
    let name = product.required("name")?;
    let quantity = form.integer("quantity")?.ok_or_else(|| form.missing("quantity"))?;
    if !(1..=QUANTITY_MAX).contains(&quantity) {
        return Err(form.wrong("quantity", "parameter_invalid_integer", "Quantities are from 1 to 999999."));
    }
    let total = unit.saturating_mul(quantity);
    let (id, price) = (desk.new_id("li"), desk.new_id("price"));
    Ok(json!({
        "id": id,
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": name,
        "price": {
            "id": price, "object": "price", "active": false, "billing_scheme": "per_unit", "created": desk.now,
            "currency": currency, "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": {},
            "nickname": null, "product": desk.new_id("prod"), "recurring": null, "tax_behavior": "unspecified",
            "tiers_mode": null, "transform_quantity": null, "type": "one_time", "unit_amount": unit,
            "unit_amount_decimal": unit.to_string(),
        },
        "quantity": quantity,
    }))
}

/// The lines of the bill, what they come to, and in which currency.
fn bill(desk: &mut Desk<'_>, form: &Form) -> Result<(Vec<Value>, i64, String), Refusal> {
    let lines = form.parts("line_items");
    if lines.is_empty() {
        return Err(form.missing("line_items"));
    }
    if lines.len() > ITEMS_MAX {
        return Err(form.wrong("line_items", "parameter_invalid_string", "A checkout has up to 100 line items."));
    }
    let items = lines.iter().map(|line| item(desk, line)).collect::<Result<Vec<_>, _>>()?;
    let currency = items[0]["currency"].as_str().unwrap_or_default().to_owned();
    if items.iter().any(|item| item["currency"] != currency) {
        return Err(form.wrong(
            "line_items",
            "parameter_invalid_string",
            "All prices on a Checkout Session must use the same currency.",
        ));
    }
    let total = items.iter().filter_map(|item| item["amount_total"].as_i64()).fold(0_i64, i64::saturating_add);
    // What costs nothing is not charged at all.
    if total != 0 {
        money::chargeable(form, "line_items", total, &currency)?;
    }
    Ok((items, total, currency))
}

/// What was said of the intent that is to come.
fn intent_data(form: &Form) -> Done {
    let Some(data) = form.part("payment_intent_data") else { return Ok(json!({})) };
    data.only(&["capture_method", "description", "metadata", "receipt_email", "setup_future_usage", "statement_descriptor"])?;
    Ok(json!({
        "capture_method": data.word("capture_method", &["automatic", "automatic_async", "manual"])?,
        "setup_future_usage": data.word("setup_future_usage", &["off_session", "on_session"])?,
        "description": data.text("description"),
        "receipt_email": data.text("receipt_email"),
        "metadata": data.metadata(&Value::Null)?,
    }))
}

fn check_url(form: &Form, name: &str) -> Result<(), Refusal> {
    let fine = |url: &str| url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match form.text(name) {
        Some(url) if !fine(url) => {
            Err(form.wrong(name, "url_invalid", "Not a valid URL: a URL has a scheme, such as https://, and a host."))
        }
        _ => Ok(()),
    }
}

fn check(form: &Form) -> Result<(), Refusal> {
    form.only(&FIELDS)?;
    if form.required("mode")? != "payment" {
        return Err(form.wrong("mode", "parameter_invalid_string", "Only the mode `payment` is played here."));
    }
    form.required("success_url")?;
    check_url(form, "success_url")?;
    check_url(form, "cancel_url")?;
    if form.texts("payment_method_types").is_some_and(|kinds| kinds != ["card"]) {
        return Err(form.wrong("payment_method_types", "parameter_invalid_string", "Only `card` is played here."));
    }
    if form.text("client_reference_id").is_some_and(|reference| reference.chars().count() > REFERENCE_CHARS_MAX) {
        return Err(form.wrong("client_reference_id", "parameter_invalid_string", "A reference has up to 200 characters."));
    }
    if form.text("customer").is_some() && form.text("customer_email").is_some() {
        return Err(form.wrong(
            "customer_email",
            "parameter_invalid_string",
            "You may only specify one of these parameters: customer, customer_email.",
        ));
    }
    Ok(())
}

fn expiry(desk: &Desk<'_>, form: &Form) -> Result<i64, Refusal> {
    let at = form.integer("expires_at")?.unwrap_or(desk.now + LIFE_SECONDS);
    let life = at - desk.now;
    if (LIFE_SECONDS_MIN - LIFE_SLACK_SECONDS..=LIFE_SECONDS + LIFE_SLACK_SECONDS).contains(&life) {
        return Ok(at);
    }
    Err(form.wrong(
        "expires_at",
        "parameter_invalid_integer",
        "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.",
    ))
}

pub fn create(desk: &mut Desk<'_>, form: &Form) -> Done {
    check(form)?;
    let customer = desk.books.referred(customers::KIND, form, "customer")?;
    let (expires_at, data, metadata) = (expiry(desk, form)?, intent_data(form)?, form.metadata(&Value::Null)?);
    let (items, total, currency) = bill(desk, form)?;
    let long = desk.network.new_sid("", &format!("session {}", desk.new_id("cs")));
    let id = format!("cs_test_a1{long}");
    let email = customer.as_ref().map_or_else(|| form.text("customer_email").into(), |customer| customer["email"].clone());
    let creation = form.word("customer_creation", &["always", "if_required"])?.unwrap_or("if_required");
    let session = with_nulls(
        json!({
            "id": id,
            "object": KIND,
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax": { "enabled": false, "status": null },
            "cancel_url": form.text("cancel_url"),
            "client_reference_id": form.text("client_reference_id"),
            "created": desk.now,
            "currency": currency,
            "custom_fields": [],
            "custom_text": { "shipping_address": null, "submit": null },
            "customer": customer.as_ref().map(|customer| &customer["id"]),
            "customer_creation": if customer.is_some() { Value::Null } else { creation.into() },
            "customer_details": details(&email, &Value::Null),
            "customer_email": form.text("customer_email"),
            "expires_at": expires_at,
            "livemode": false,
            "locale": form.text("locale"),
            "metadata": if metadata.is_null() { json!({}) } else { metadata },
            "mode": "payment",
            "payment_method_collection": "if_required",
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "payment_status": if total == 0 { "no_payment_required" } else { "unpaid" },
            "phone_number_collection": { "enabled": false },
            "shipping_options": [],
            "status": "open",
            "submit_type": form.text("submit_type"),
            "success_url": form.text("success_url"),
            "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
            "url": format!("{}/stripe/checkout/{id}", desk.network.public_url),
        }),
        &UNSET,
    );
    desk.books.keep(session)?;
    desk.books.note(&id, json!({ "items": items, "intent": data }));
    expire_later(desk, &id, expires_at);
    desk.books.load(KIND, &id)
}

/// Null when nothing is known yet.
fn details(email: &Value, name: &Value) -> Value {
    if email.is_null() && name.is_null() {
        return Value::Null;
    }
    let address = &super::methods::billing_details()["address"];
    json!({ "address": address, "email": email, "name": name, "phone": null, "tax_exempt": "none", "tax_ids": [] })
}

/// Time passes as fast as everywhere in this network.
fn expire_later(desk: &Desk<'_>, id: &str, at: i64) {
    let (network, account, id) = (desk.network.clone(), desk.account.to_owned(), id.to_owned());
    let seconds = (at - desk.now) as f64;
    let later = async move {
        network.pace.sleep(seconds).await;
        events::at_desk(&network, &account, |desk| {
            let open = desk.books.get(KIND, &id).is_some_and(|session| session["status"] == "open");
            open.then(|| close(desk, &id))
        });
    };
    desk.network.tasks.spawn(desk.network.stop.clone().run_until_cancelled_owned(later));
}

pub fn list(desk: &Desk<'_>, form: &Form) -> Done {
    form.only(&["created", "customer", "ending_before", "expand", "limit", "payment_intent", "starting_after", "status"])?;
    let wanted: Vec<(&str, &str)> =
        ["customer", "payment_intent", "status"].iter().filter_map(|name| Some((*name, form.text(name)?))).collect();
    let fits = |session: &Value| wanted.iter().all(|(name, value)| session[*name] == *value);
    desk.books.page(KIND, "/v1/checkout/sessions", form, fits)
}

pub fn line_items(desk: &Desk<'_>, id: &str) -> Done {
    desk.books.load(KIND, id)?;
    let items = desk.books.noted(id)["items"].clone();
    Ok(json!({ "object": "list", "url": format!("/v1/checkout/sessions/{id}/line_items"), "has_more": false, "data": items }))
}

pub fn expire(desk: &mut Desk<'_>, id: &str) -> Done {
    let session = desk.books.load(KIND, id)?;
    if session["status"] != "open" {
        let status = session["status"].as_str().unwrap_or_default();
        let why = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {status}."
        );
        return Err(Refusal::invalid(why));
    }
    Ok(close(desk, id))
}

/// Nobody can pay it any more; an attempt that was made is called off.
fn close(desk: &mut Desk<'_>, id: &str) -> Value {
    let session = desk.books.change(id, json!({ "status": "expired", "url": null }));
    if let Some(intent) = session["payment_intent"].as_str() {
        intents::call_off(desk, intent, None);
    }
    desk.tell("checkout.session.expired", id, None);
    session
}

/// Somebody pays on the page, with this card and under this name. An error leaves the session open.
pub fn pay(desk: &mut Desk<'_>, id: &str, card: &Card, email: &str, name: &str) -> Done {
    let mut session = desk.books.load(KIND, id)?;
    if session["status"] != "open" {
        return Err(Refusal::invalid("This checkout is over."));
    }
    let known = &session["customer_details"]["email"];
    let details = details(&if known.is_null() { email.into() } else { known.clone() }, &name.into());
    let mut fields = json!({ "status": "complete", "url": null, "customer_details": details });
    if session["customer"].is_null() && session["customer_creation"] == "always" {
        let customer = desk.new_id("cus");
        let known = json!({ "email": details["email"], "name": details["name"] });
        customers::keep(desk, &customer, known.as_object().cloned().unwrap_or_default())?;
        session = desk.books.change(id, json!({ "customer": customer }));
    }
    if session["payment_status"] == "unpaid" {
        let intent = intent(desk, &session)?;
        desk.books.change(id, json!({ "payment_intent": intent }));
        let method = methods::copy(desk, card)?;
        let mut billing = methods::billing_details();
        (billing["email"], billing["name"]) = (details["email"].clone(), details["name"].clone());
        desk.books.change(&method, json!({ "billing_details": billing }));
        desk.books.change(&intent, json!({ "payment_method": method }));
        let paid = payment::pay(desk, &intent, Presence::Proven)?;
        fields["payment_status"] = if paid["status"] == "succeeded" { "paid" } else { "unpaid" }.into();
    }
    let done = desk.books.change(id, fields);
    desk.tell("checkout.session.completed", id, None);
    Ok(done)
}

/// The intent of a session: made when somebody first tries to pay, and tried again after that.
fn intent(desk: &mut Desk<'_>, session: &Value) -> Result<String, Refusal> {
    if let Some(intent) = session["payment_intent"].as_str() {
        return Ok(intent.to_owned());
    }
    let data = desk.books.noted(session["id"].as_str().unwrap_or_default())["intent"].clone();
    let new = New {
        amount: session["amount_total"].as_i64().unwrap_or_default(),
        currency: session["currency"].as_str().unwrap_or_default().to_owned(),
        customer: session["customer"].clone(),
        method: Value::Null,
        capture_method: data["capture_method"].as_str(),
        setup_future_usage: data["setup_future_usage"].as_str(),
        description: data["description"].as_str(),
        receipt_email: data["receipt_email"].as_str(),
        metadata: data["metadata"].clone(),
        automatic: true,
    };
    intents::keep(desk, &new)
}
