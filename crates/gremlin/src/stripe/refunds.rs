//! Refunds: all or part of what a charge took, until nothing is left.

use serde_json::{Value, json};

use super::{Desk, Done, Refusal, form::Form, intents, payment::CHARGE};

pub const KIND: &str = "refund";

/// The charge that is to be given back.
fn charge(desk: &Desk<'_>, form: &Form) -> Done {
    if let Some(charge) = desk.books.referred(CHARGE, form, "charge")? {
        return Ok(charge);
    }
    let intent = desk.books.referred(intents::KIND, form, "payment_intent")?;
    let intent = intent.ok_or_else(|| {
        Refusal::invalid("One of the following params should be provided for this request: payment_intent or charge.")
    })?;
    if intent["status"] != "succeeded" {
        let why = "This PaymentIntent does not have a successful charge to refund.";
        return Err(form.wrong("payment_intent", "payment_intent_unexpected_state", why));
    }
    desk.books.load(CHARGE, intent["latest_charge"].as_str().unwrap_or_default())
}

pub fn create(desk: &mut Desk<'_>, form: &Form) -> Done {
    form.only(&["amount", "charge", "expand", "metadata", "payment_intent", "reason"])?;
    let reason = form.word("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata = form.metadata(&Value::Null)?;
    let charge = charge(desk, form)?;
    if charge["paid"] != true || charge["captured"] != true {
        return Err(form.wrong("charge", "charge_not_refundable", "This charge took nothing that could be given back."));
    }
    let number = |name: &str| charge[name].as_i64().unwrap_or_default();
    let left = number("amount") - number("amount_refunded");
    let id = charge["id"].as_str().unwrap_or_default();
    if left == 0 {
        return Err(Refusal::invalid(format!("Charge {id} has already been refunded.")).coded("charge_already_refunded"));
    }
    let amount = form.integer("amount")?.unwrap_or(left);
    if amount < 1 {
        return Err(form.wrong("amount", "parameter_invalid_integer", "This value must be greater than or equal to 1."));
    }
    if amount > left {
        let why = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
        return Err(form.wrong("amount", "parameter_invalid_integer", why));
    }
    let refund = desk.new_id("re");
    desk.books.keep(json!({
        "id": refund,
        "object": KIND,
        "amount": amount,
        "balance_transaction": null,
        "charge": id,
        "created": desk.now,
        "currency": charge["currency"],
        "metadata": if metadata.is_null() { json!({}) } else { metadata },
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    }))?;
    let before = json!({ "amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"] });
    desk.books.change(id, json!({ "amount_refunded": number("amount_refunded") + amount, "refunded": amount == left }));
    desk.tell("refund.created", &refund, None);
    desk.tell("charge.refunded", id, Some(before));
    desk.books.load(KIND, &refund)
}

pub fn list(desk: &Desk<'_>, form: &Form) -> Done {
    form.only(&["charge", "created", "ending_before", "expand", "limit", "payment_intent", "starting_after"])?;
    let wanted: Vec<(&str, &str)> =
        ["charge", "payment_intent"].iter().filter_map(|name| Some((*name, form.text(name)?))).collect();
    desk.books.page(KIND, "/v1/refunds", form, |refund| wanted.iter().all(|(name, value)| refund[*name] == *value))
}
