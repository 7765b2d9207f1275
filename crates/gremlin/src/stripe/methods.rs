//! Cards: Stripe's own test payment methods, each of which always does the same, and what customers keep of them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Desk, Done, Refusal, customers, form::Form};

pub const KIND: &str = "payment_method";

/// What a card does when it is to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Luck {
    Pays,
    /// Code and reason.
    Declines(&'static str, &'static str),
    /// Only when its owner proves who they are, each time.
    NeedsOwner,
}

/// A card of the test suite.
#[derive(Debug, Clone, Copy)]
pub struct Card {
    pub id: &'static str,
    pub brand: &'static str,
    /// What it is known by later: a copy has another id.
    pub last4: &'static str,
    pub luck: Luck,
    /// May a customer keep it?
    pub keeps: bool,
}

const GENERIC: Luck = Luck::Declines("card_declined", "generic_decline");
pub const CARDS: [Card; 8] = [
    Card { id: "pm_card_visa", brand: "visa", last4: "4242", luck: Luck::Pays, keeps: true },
    Card { id: "pm_card_mastercard", brand: "mastercard", last4: "4444", luck: Luck::Pays, keeps: true },
    Card { id: "pm_card_chargeDeclined", brand: "visa", last4: "0002", luck: GENERIC, keeps: false },
    Card {
        id: "pm_card_chargeDeclinedInsufficientFunds",
        brand: "visa",
        last4: "9995",
        luck: Luck::Declines("card_declined", "insufficient_funds"),
        keeps: false,
    },
    Card {
        id: "pm_card_chargeDeclinedExpiredCard",
        brand: "visa",
        last4: "0069",
        luck: Luck::Declines("expired_card", "expired_card"),
        keeps: false,
    },
    Card {
        id: "pm_card_chargeDeclinedProcessingError",
        brand: "visa",
        last4: "0119",
        luck: Luck::Declines("processing_error", "processing_error"),
        keeps: false,
    },
    // Can be kept, and declines whenever it is to pay.
    Card { id: "pm_card_chargeCustomerFail", brand: "visa", last4: "0341", luck: GENERIC, keeps: true },
    Card { id: "pm_card_authenticationRequired", brand: "visa", last4: "3184", luck: Luck::NeedsOwner, keeps: true },
];

/// The card behind a payment method.
pub fn card_of(method: &Value) -> Option<&'static Card> {
    CARDS.iter().find(|card| method["card"]["last4"] == card.last4)
}

/// A sentence for whoever looks at the error.
pub fn complaint(reason: &str) -> &'static str {
    match reason {
        "insufficient_funds" => "Your card has insufficient funds.",
        "expired_card" => "Your card has expired.",
        "processing_error" => "An error occurred while processing your card. Try again in a little bit.",
        "authentication_required" => "Your card was declined. This transaction requires authentication.",
        _ => "Your card was declined.",
    }
}

pub fn billing_details() -> Value {
    let address = json!({ "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null });
    json!({ "address": address, "email": null, "name": null, "phone": null })
}

/// What a payment method says of its card.
pub fn card_details(card: &Card) -> Value {
    json!({
        "brand": card.brand,
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": format!("gremlin{}", card.last4),
        "funding": "credit",
        "generated_from": null,
        "last4": card.last4,
        "networks": { "available": [card.brand], "preferred": null },
        "three_d_secure_usage": { "supported": true },
        "wallet": null,
    })
}

/// A payment method of its own out of a card of the test suite.
pub fn copy(desk: &mut Desk<'_>, card: &Card) -> Result<String, Refusal> {
    let id = desk.new_id("pm");
    desk.books.keep(json!({
        "id": id,
        "object": KIND,
        "billing_details": billing_details(),
        "card": card_details(card),
        "created": desk.now,
        "customer": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
    }))
}

/// The payment method that a parameter names: one that is kept, or a copy of one of the test suite.
pub fn named(desk: &mut Desk<'_>, form: &Form, name: &str) -> Result<Option<Value>, Refusal> {
    let test = form.text(name).and_then(|id| CARDS.iter().find(|card| card.id == id));
    match test {
        Some(card) => {
            let id = copy(desk, card)?;
            desk.books.load(KIND, &id).map(Some)
        }
        None => desk.books.referred(KIND, form, name),
    }
}

/// Gives a payment method to a customer.
pub fn own(desk: &mut Desk<'_>, method: &str, customer: &str, form: &Form) -> Done {
    let test = CARDS.iter().find(|card| card.id == method);
    let known = desk.books.get(KIND, method).cloned();
    let card = test.or_else(|| known.as_ref().and_then(card_of));
    let Some(card) = card else { return Err(Refusal::missing(KIND, method)) };
    if !card.keeps {
        let Luck::Declines(code, reason) = card.luck else { return Err(Refusal::missing(KIND, method)) };
        let error = json!({ "type": "card_error", "decline_code": reason, "message": complaint(reason) });
        return Err(Refusal::card(error).coded(code));
    }
    if let Some(known) = known.filter(|known| !known["customer"].is_null()) {
        if known["customer"] == customer {
            return Ok(known);
        }
        let why = "The payment method you provided has already been attached to a customer.";
        return Err(form.wrong("payment_method", "payment_method_unexpected_state", why));
    }
    let id = if test.is_some() { copy(desk, card)? } else { method.to_owned() };
    Ok(hand_over(desk, &id, customer))
}

/// Without asking whether it may be.
pub fn hand_over(desk: &mut Desk<'_>, id: &str, customer: &str) -> Value {
    let method = desk.books.change(id, json!({ "customer": customer }));
    desk.tell("payment_method.attached", id, None);
    method
}

pub fn attach(desk: &mut Desk<'_>, id: &str, form: &Form) -> Done {
    form.only(&["customer", "expand"])?;
    let customer = desk.books.referred(customers::KIND, form, "customer")?.ok_or_else(|| form.missing("customer"))?;
    own(desk, id, customer["id"].as_str().unwrap_or_default(), form)
}

pub fn detach(desk: &mut Desk<'_>, id: &str) -> Done {
    let before = desk.books.load(KIND, id)?;
    if before["customer"].is_null() {
        let why = "The payment method you provided is not attached to a customer so detachment is impossible.";
        return Err(Refusal { status: StatusCode::BAD_REQUEST, ..Refusal::invalid(why) });
    }
    let method = desk.books.change(id, json!({ "customer": null }));
    desk.tell("payment_method.detached", id, Some(json!({ "customer": before["customer"] })));
    Ok(method)
}

pub fn of_customer(desk: &Desk<'_>, customer: &str, form: &Form) -> Done {
    form.only(&["ending_before", "expand", "limit", "starting_after", "type"])?;
    customers::fetch(desk, customer)?;
    let kind = form.text("type");
    let url = format!("/v1/customers/{customer}/payment_methods");
    desk.books.page(KIND, &url, form, |method| method["customer"] == customer && kind.is_none_or(|kind| method["type"] == kind))
}
