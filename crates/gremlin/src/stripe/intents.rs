//! PaymentIntents: make, read, change, confirm, capture, cancel, list. How a card pays is in `payment`.

use serde_json::{Value, json};

use super::{
    Desk, Done, Refusal, customers,
    form::Form,
    methods, money,
    payment::{self, Presence},
    with_nulls,
};

pub const KIND: &str = "payment_intent";
/// What is null at first.
const UNSET: [&str; 16] = [
    "application",
    "application_fee_amount",
    "canceled_at",
    "cancellation_reason",
    "invoice",
    "last_payment_error",
    "latest_charge",
    "next_action",
    "on_behalf_of",
    "processing",
    "review",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];
const FIELDS: [&str; 18] = [
    "amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "currency",
    "customer",
    "description",
    "error_on_requires_action",
    "expand",
    "metadata",
    "off_session",
    "payment_method",
    "payment_method_types",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
];
const UNPAID: [&str; 3] = ["requires_payment_method", "requires_confirmation", "requires_action"];

/// What a new intent is about.
#[derive(Debug, Default)]
pub struct New<'a> {
    pub amount: i64,
    pub currency: String,
    pub customer: Value,
    pub method: Value,
    pub capture_method: Option<&'a str>,
    pub setup_future_usage: Option<&'a str>,
    pub description: Option<&'a str>,
    pub receipt_email: Option<&'a str>,
    pub metadata: Value,
    /// Whatever Stripe thinks fit, or cards only?
    pub automatic: bool,
}

/// Keeps a new intent, and tells of it.
pub fn keep(desk: &mut Desk<'_>, new: &New<'_>) -> Result<String, Refusal> {
    let id = desk.new_id("pi");
    let secret = desk.network.new_sid("", &format!("secret {id}"));
    let automatic = new.automatic.then(|| json!({ "allow_redirects": "always", "enabled": true }));
    desk.books.keep(with_nulls(json!({
        "id": id,
        "object": KIND,
        "amount": new.amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "automatic_payment_methods": automatic,
        "capture_method": new.capture_method.unwrap_or("automatic"),
        "client_secret": format!("{id}_secret_{}", &secret[..25]),
        "confirmation_method": "automatic",
        "created": desk.now,
        "currency": new.currency,
        "customer": new.customer,
        "description": new.description,
        "livemode": false,
        "metadata": if new.metadata.is_object() { new.metadata.clone() } else { json!({}) },
        "payment_method": new.method,
        "payment_method_options": { "card": { "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "receipt_email": new.receipt_email,
        "setup_future_usage": new.setup_future_usage,
        "status": if new.method.is_null() { "requires_payment_method" } else { "requires_confirmation" },
    }), &UNSET))?;
    desk.tell("payment_intent.created", &id, None);
    Ok(id)
}

/// `off_session` is true, false, or one of two older words for true.
fn presence(form: &Form) -> Result<Presence, Refusal> {
    let absent = form.word("off_session", &["true", "false", "one_off", "recurring"])?.is_some_and(|word| word != "false");
    Ok(if absent { Presence::OffSession } else { Presence::OnSession })
}

/// The payment method of a request. What belongs to a customer pays for that one only.
fn method(desk: &mut Desk<'_>, form: &Form, customer: &Value) -> Result<Value, Refusal> {
    let Some(method) = methods::named(desk, form, "payment_method")? else { return Ok(Value::Null) };
    let id = method["id"].as_str().unwrap_or_default();
    if method["customer"].is_null() || method["customer"] == *customer {
        return Ok(id.into());
    }
    let why = match customer.as_str() {
        Some(_) => format!(
            "The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer."
        ),
        None => format!(
            "The provided PaymentMethod {id} belongs to a customer. Please include the Customer in the `customer` parameter."
        ),
    };
    Err(form.wrong("payment_method", "resource_missing", why))
}

pub fn create(desk: &mut Desk<'_>, form: &Form) -> Done {
    form.only(&FIELDS)?;
    let currency = money::currency(form)?;
    let amount = form.integer("amount")?.ok_or_else(|| form.missing("amount"))?;
    money::unit_amount(form, "amount", &currency)?;
    money::chargeable(form, "amount", amount, &currency)?;
    let (confirm, presence) = (form.flag("confirm")?, presence(form)?);
    if presence == Presence::OffSession && !confirm {
        return Err(form.wrong("off_session", "parameter_invalid_string", "`off_session` may only be set with `confirm=true`."));
    }
    if form.texts("payment_method_types").is_some_and(|kinds| kinds != ["card"]) {
        return Err(form.wrong("payment_method_types", "payment_intent_invalid_parameter", "Only `card` is played here."));
    }
    let customer = desk.books.referred(customers::KIND, form, "customer")?.map_or(Value::Null, |customer| customer["id"].clone());
    let new = New {
        amount,
        currency,
        method: method(desk, form, &customer)?,
        customer,
        capture_method: form.word("capture_method", &["automatic", "automatic_async", "manual"])?,
        setup_future_usage: form.word("setup_future_usage", &["off_session", "on_session"])?,
        description: form.text("description"),
        receipt_email: form.text("receipt_email"),
        metadata: form.metadata(&Value::Null)?,
        automatic: form.texts("payment_method_types").is_none(),
    };
    if confirm && new.method.is_null() {
        return Err(unpayable());
    }
    let id = keep(desk, &new)?;
    if confirm { pay(desk, &id, presence, form) } else { desk.books.load(KIND, &id) }
}

fn unpayable() -> Refusal {
    let why = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method.";
    Refusal::invalid(why).coded("payment_intent_unexpected_state")
}

/// Who cannot wait for a proof has it refused instead.
fn pay(desk: &mut Desk<'_>, id: &str, presence: Presence, form: &Form) -> Done {
    let impatient = form.flag("error_on_requires_action")?;
    payment::pay(desk, id, if impatient { Presence::OffSession } else { presence })
}

fn unexpected(intent: &Value, verb: &str) -> Refusal {
    let status = intent["status"].as_str().unwrap_or_default();
    let why = format!("You cannot {verb} this PaymentIntent because it has a status of {status}.");
    Refusal::invalid(why).coded("payment_intent_unexpected_state").with("payment_intent", intent.clone())
}

fn is_one_of(intent: &Value, statuses: &[&str]) -> bool {
    statuses.iter().any(|status| intent["status"] == *status)
}

pub fn confirm(desk: &mut Desk<'_>, id: &str, form: &Form) -> Done {
    form.only(&[
        "error_on_requires_action",
        "expand",
        "off_session",
        "payment_method",
        "receipt_email",
        "return_url",
        "setup_future_usage",
    ])?;
    let intent = desk.books.load(KIND, id)?;
    if !is_one_of(&intent, &UNPAID) {
        return Err(unexpected(&intent, "confirm"));
    }
    let usage = form.word("setup_future_usage", &["off_session", "on_session"])?;
    let presence = presence(form)?;
    let given = method(desk, form, &intent["customer"])?;
    if given.is_null() && intent["payment_method"].is_null() {
        return Err(unpayable());
    }
    if !given.is_null() {
        desk.books.change(id, json!({ "payment_method": given }));
    }
    if let Some(usage) = usage {
        desk.books.change(id, json!({ "setup_future_usage": usage }));
    }
    pay(desk, id, presence, form)
}

pub fn update(desk: &mut Desk<'_>, id: &str, form: &Form) -> Done {
    form.only(&["amount", "description", "expand", "metadata", "payment_method", "receipt_email"])?;
    let intent = desk.books.load(KIND, id)?;
    let metadata = form.metadata(&intent["metadata"])?;
    let mut fields = json!({ "metadata": metadata });
    if form.text("amount").is_some() || form.text("payment_method").is_some() {
        if !is_one_of(&intent, &UNPAID) {
            return Err(unexpected(&intent, "update"));
        }
        let currency = intent["currency"].as_str().unwrap_or_default();
        if let Some(amount) = form.integer("amount")? {
            money::unit_amount(form, "amount", currency)?;
            money::chargeable(form, "amount", amount, currency)?;
            fields["amount"] = amount.into();
        }
        let given = method(desk, form, &intent["customer"])?;
        if !given.is_null() {
            fields["payment_method"] = given;
            fields["status"] = "requires_confirmation".into();
        }
    }
    for name in ["description", "receipt_email"] {
        if let Some(text) = form.settable(name) {
            fields[name] = text.into();
        }
    }
    Ok(desk.books.change(id, fields))
}

pub fn capture(desk: &mut Desk<'_>, id: &str, form: &Form) -> Done {
    form.only(&["amount_to_capture", "expand"])?;
    let intent = desk.books.load(KIND, id)?;
    if intent["status"] != "requires_capture" {
        return Err(unexpected(&intent, "capture"));
    }
    let most = intent["amount_capturable"].as_i64().unwrap_or_default();
    let amount = form.integer("amount_to_capture")?.unwrap_or(most);
    if !(1..=most).contains(&amount) {
        let why = format!("The amount must be from 1 to the {most} that can be captured.");
        return Err(form.wrong("amount_to_capture", "amount_too_large", why));
    }
    let charge = intent["latest_charge"].as_str().unwrap_or_default();
    desk.books.change(charge, json!({ "captured": true, "amount_captured": amount, "amount_refunded": most - amount }));
    desk.tell("charge.captured", charge, None);
    let after = desk.books.change(id, json!({ "status": "succeeded", "amount_capturable": 0, "amount_received": amount }));
    desk.tell("payment_intent.succeeded", id, None);
    Ok(after)
}

pub fn cancel(desk: &mut Desk<'_>, id: &str, form: &Form) -> Done {
    form.only(&["cancellation_reason", "expand"])?;
    let reason = form.word("cancellation_reason", &["duplicate", "fraudulent", "requested_by_customer", "abandoned"])?;
    let intent = desk.books.load(KIND, id)?;
    if !is_one_of(&intent, &UNPAID) && intent["status"] != "requires_capture" {
        return Err(unexpected(&intent, "cancel"));
    }
    Ok(call_off(desk, id, reason))
}

/// Nothing is paid any more.
pub fn call_off(desk: &mut Desk<'_>, id: &str, reason: Option<&str>) -> Value {
    let gone = json!({ "status": "canceled", "canceled_at": desk.now, "cancellation_reason": reason, "amount_capturable": 0, "next_action": null });
    let after = desk.books.change(id, gone);
    desk.tell("payment_intent.canceled", id, None);
    after
}

pub fn list(desk: &Desk<'_>, form: &Form) -> Done {
    form.only(&["created", "customer", "ending_before", "expand", "limit", "starting_after"])?;
    let customer = form.text("customer");
    desk.books.page(KIND, "/v1/payment_intents", form, |intent| customer.is_none_or(|customer| intent["customer"] == customer))
}
