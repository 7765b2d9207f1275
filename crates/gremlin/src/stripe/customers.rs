//! Customers: make, read, change, delete, list.

use serde_json::{Map, Value, json};

use super::{Desk, Done, Refusal, form::Form, methods};

pub const KIND: &str = "customer";
/// What is taken, and kept as it is said.
const TEXTS: [&str; 4] = ["description", "email", "name", "phone"];
const EMAIL_CHARS_MAX: usize = 512;
const FIELDS: [&str; 11] = [
    "address",
    "description",
    "email",
    "expand",
    "invoice_settings",
    "metadata",
    "name",
    "payment_method",
    "phone",
    "preferred_locales",
    "tax_exempt",
];
const ADDRESS: [&str; 6] = ["city", "country", "line1", "line2", "postal_code", "state"];

/// The fields of a request over those that are there.
fn changed(desk: &Desk<'_>, form: &Form, kept: &Value) -> Result<Map<String, Value>, Refusal> {
    form.only(&FIELDS)?;
    let mut fields = Map::new();
    for name in TEXTS {
        if let Some(text) = form.settable(name) {
            fields.insert(name.to_owned(), text.into());
        }
    }
    let is_email = |email: &str| {
        email.len() <= EMAIL_CHARS_MAX && email.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
    };
    if let Some(email) = form.text("email").filter(|email| !is_email(email)) {
        return Err(form.wrong("email", "email_invalid", format!("Invalid email address: {email}")));
    }
    if let Some(address) = form.part("address") {
        address.only(&ADDRESS)?;
        let parts: Map<String, Value> = ADDRESS.iter().map(|name| ((*name).to_owned(), address.text(name).into())).collect();
        fields.insert("address".to_owned(), parts.into());
    }
    if let Some(locales) = form.texts("preferred_locales") {
        fields.insert("preferred_locales".to_owned(), json!(locales));
    }
    if let Some(exempt) = form.word("tax_exempt", &["none", "exempt", "reverse"])? {
        fields.insert("tax_exempt".to_owned(), exempt.into());
    }
    if let Some(settings) = form.part("invoice_settings") {
        settings.only(&["default_payment_method"])?;
        let method = desk.books.referred(methods::KIND, &settings, "default_payment_method")?;
        fields.insert("invoice_settings".to_owned(), invoice_settings(method.map_or(Value::Null, |method| method["id"].clone())));
    }
    fields.insert("metadata".to_owned(), form.metadata(&kept["metadata"])?);
    Ok(fields)
}

fn invoice_settings(method: Value) -> Value {
    json!({ "custom_fields": null, "default_payment_method": method, "footer": null, "rendering_options": null })
}

pub fn create(desk: &mut Desk<'_>, form: &Form) -> Done {
    let fields = changed(desk, form, &Value::Null)?;
    let id = desk.new_id("cus");
    // A card that nobody may keep is refused before there is anybody to keep it.
    if let Some(method) = form.text("payment_method") {
        methods::own(desk, method, &id, form)?;
    }
    keep(desk, &id, fields)?;
    desk.books.load(KIND, &id)
}

/// Keeps a new customer with these fields, and tells of it.
pub fn keep(desk: &mut Desk<'_>, id: &str, fields: Map<String, Value>) -> Result<(), Refusal> {
    let prefix = id.trim_start_matches("cus_").to_uppercase();
    let mut customer = json!({
        "id": id,
        "object": KIND,
        "address": null,
        "balance": 0,
        "created": desk.now,
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        "invoice_prefix": &prefix[..8],
        "invoice_settings": invoice_settings(Value::Null),
        "livemode": false,
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    });
    for (name, value) in fields {
        customer[name] = value;
    }
    if customer["metadata"].is_null() {
        customer["metadata"] = json!({});
    }
    desk.books.keep(customer)?;
    desk.tell("customer.created", id, None);
    Ok(())
}

/// One that was deleted is only known by its id.
pub fn fetch(desk: &Desk<'_>, id: &str) -> Done {
    desk.books.load(KIND, id)
}

pub fn update(desk: &mut Desk<'_>, id: &str, form: &Form) -> Done {
    let before = fetch(desk, id)?;
    if before["deleted"] == true {
        return Err(Refusal::missing(KIND, id));
    }
    let fields = Value::Object(changed(desk, form, &before)?);
    let after = desk.books.change(id, fields);
    let was = before.as_object().into_iter().flatten().filter(|(name, value)| after[name.as_str()] != **value);
    let was: Map<String, Value> = was.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !was.is_empty() {
        desk.tell("customer.updated", id, Some(was.into()));
    }
    Ok(after)
}

pub fn remove(desk: &mut Desk<'_>, id: &str) -> Done {
    if fetch(desk, id)?["deleted"] == true {
        return Err(Refusal::missing(KIND, id));
    }
    desk.tell("customer.deleted", id, None);
    let gone = json!({ "id": id, "object": KIND, "deleted": true });
    desk.books.replace(id, gone.clone());
    desk.books.unshelve(KIND, id);
    Ok(gone)
}

pub fn list(desk: &Desk<'_>, form: &Form) -> Done {
    form.only(&["created", "email", "ending_before", "expand", "limit", "starting_after"])?;
    let email = form.text("email");
    desk.books.page(KIND, "/v1/customers", form, |customer| email.is_none_or(|email| customer["email"] == email))
}
