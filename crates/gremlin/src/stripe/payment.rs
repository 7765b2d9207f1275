//! A card is to pay a PaymentIntent: the charge, what becomes of the intent, and the events about both.

use serde_json::{Value, json};

use super::{
    Desk, Done, Refusal,
    intents::KIND,
    methods::{self, Luck, complaint},
    with_nulls,
};

pub const CHARGE: &str = "charge";
/// What is null at first.
const UNSET: [&str; 16] = [
    "application",
    "application_fee",
    "application_fee_amount",
    "balance_transaction",
    "failure_balance_transaction",
    "invoice",
    "on_behalf_of",
    "receipt_number",
    "receipt_url",
    "review",
    "shipping",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

/// Who is there when the card is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The card's owner, who can prove who they are.
    Proven,
    /// The owner, of whom the proof is still to be asked.
    OnSession,
    /// Nobody.
    OffSession,
}

/// Charges the payment method of an intent, and gives the intent back. A card that does not pay is an error that carries it.
pub fn pay(desk: &mut Desk<'_>, intent: &str, presence: Presence) -> Done {
    let kept = desk.books.load(KIND, intent)?;
    let method = desk.books.load(methods::KIND, kept["payment_method"].as_str().unwrap_or_default())?;
    let luck = methods::card_of(&method).map_or(Luck::Pays, |card| card.luck);
    match (luck, presence) {
        (Luck::Declines(code, reason), _) => Err(decline(desk, &kept, &method, code, reason)),
        (Luck::NeedsOwner, Presence::OffSession) => {
            Err(decline(desk, &kept, &method, "authentication_required", "authentication_required"))
        }
        (Luck::NeedsOwner, Presence::OnSession) => {
            let after = desk.books.change(intent, json!({ "status": "requires_action", "next_action": proof() }));
            desk.tell("payment_intent.requires_action", intent, None);
            Ok(after)
        }
        (Luck::Pays, _) | (Luck::NeedsOwner, Presence::Proven) => succeed(desk, &kept, &method),
    }
}

/// How the owner is to prove who they are. The page for it is not played.
fn proof() -> Value {
    json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } })
}

fn succeed(desk: &mut Desk<'_>, intent: &Value, method: &Value) -> Done {
    let id = intent["id"].as_str().unwrap_or_default();
    let captured = intent["capture_method"] != "manual";
    let amount = intent["amount"].as_i64().unwrap_or_default();
    let charge = charge(desk, intent, method, None)?;
    desk.tell("charge.succeeded", &charge, None);
    let owner = intent["customer"].as_str();
    if let Some(customer) = owner.filter(|_| !intent["setup_future_usage"].is_null() && method["customer"].is_null()) {
        methods::hand_over(desk, method["id"].as_str().unwrap_or_default(), customer);
    }
    let after = desk.books.change(
        id,
        json!({
            "status": if captured { "succeeded" } else { "requires_capture" },
            "amount_capturable": if captured { 0 } else { amount },
            "amount_received": if captured { amount } else { 0 },
            "latest_charge": charge,
            "last_payment_error": null,
            "next_action": null,
        }),
    );
    desk.tell(if captured { "payment_intent.succeeded" } else { "payment_intent.amount_capturable_updated" }, id, None);
    Ok(after)
}

fn decline(desk: &mut Desk<'_>, intent: &Value, method: &Value, code: &str, reason: &str) -> Refusal {
    let id = intent["id"].as_str().unwrap_or_default();
    let charge = match charge(desk, intent, method, Some((code, reason))) {
        Ok(charge) => charge,
        Err(refusal) => return refusal,
    };
    desk.tell("charge.failed", &charge, None);
    let refusal = Refusal::card(json!({
        "type": "card_error",
        "charge": charge,
        "decline_code": reason,
        "message": complaint(reason),
        "payment_method": method,
    }))
    .coded(code);
    let after = desk.books.change(
        id,
        json!({
            "status": "requires_payment_method",
            "payment_method": null,
            "latest_charge": charge,
            "last_payment_error": refusal.error,
            "next_action": null,
        }),
    );
    desk.tell("payment_intent.payment_failed", id, None);
    refusal.with("payment_intent", after)
}

/// Keeps a charge; a failed one with its code and reason.
fn charge(desk: &mut Desk<'_>, intent: &Value, method: &Value, failure: Option<(&str, &str)>) -> Result<String, Refusal> {
    let id = desk.new_id("ch");
    let paid = failure.is_none();
    let captured = paid && intent["capture_method"] != "manual";
    let outcome = match failure {
        None => json!({ "network_status": "approved_by_network", "reason": null, "risk_level": "normal", "risk_score": 7,
                        "seller_message": "Payment complete.", "type": "authorized" }),
        Some((_, reason)) => json!({ "network_status": "declined_by_network", "reason": reason, "risk_level": "normal",
                        "risk_score": 7, "seller_message": "The bank did not approve it.", "type": "issuer_declined" }),
    };
    desk.books.keep(with_nulls(
        json!({
            "id": id,
            "object": CHARGE,
            "amount": intent["amount"],
            "amount_captured": if captured { intent["amount"].clone() } else { 0.into() },
            "amount_refunded": 0,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "GREMLIN",
            "captured": captured,
            "created": desk.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": false,
            "failure_code": failure.map(|(code, _)| code),
            "failure_message": failure.map(|(_, reason)| complaint(reason)),
            "fraud_details": {},
            "livemode": false,
            "metadata": intent["metadata"],
            "outcome": outcome,
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": { "type": "card", "card": method["card"] },
            "receipt_email": intent["receipt_email"],
            "refunded": false,
            "status": if paid { "succeeded" } else { "failed" },
        }),
        &UNSET,
    ))
}
