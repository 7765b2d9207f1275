//! Webhook endpoints: where events go. The secret is shown once, when one is made.

use serde_json::{Value, json};

use super::{Desk, Done, VERSION, form::Form};

pub const KIND: &str = "webhook_endpoint";
/// Stripe's own limit of one account.
const ENDPOINTS_MAX: usize = 16;

pub fn create(desk: &mut Desk<'_>, form: &Form) -> Done {
    form.only(&["api_version", "connect", "description", "enabled_events", "expand", "metadata", "url"])?;
    let url = form.required("url")?;
    if !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Err(form.wrong("url", "url_invalid", "Invalid URL: it must begin with http:// or https://."));
    }
    let events =
        form.texts("enabled_events").filter(|events| !events.is_empty()).ok_or_else(|| form.missing("enabled_events"))?;
    if desk.books.shelf(KIND).count() >= ENDPOINTS_MAX {
        return Err(form.wrong("url", "parameter_invalid_string", "You have reached the maximum of 16 test webhook endpoints."));
    }
    let metadata = form.metadata(&Value::Null)?;
    let id = desk.new_id("we");
    let endpoint = json!({
        "id": id,
        "object": KIND,
        "api_version": form.text("api_version").unwrap_or(VERSION),
        "application": null,
        "created": desk.now,
        "description": form.text("description"),
        "enabled_events": events,
        "livemode": false,
        "metadata": if metadata.is_null() { json!({}) } else { metadata },
        "status": "enabled",
        "url": url,
    });
    let secret = format!("whsec_{}", desk.network.new_sid("", &format!("endpoint {id}")));
    desk.books.keep(endpoint.clone())?;
    desk.books.note(&id, json!(secret));
    let mut shown = endpoint;
    shown["secret"] = secret.into();
    Ok(shown)
}

pub fn list(desk: &Desk<'_>, form: &Form) -> Done {
    form.only(&["ending_before", "expand", "limit", "starting_after"])?;
    desk.books.page(KIND, "/v1/webhook_endpoints", form, |_| true)
}

pub fn remove(desk: &mut Desk<'_>, id: &str) -> Done {
    desk.books.load(KIND, id)?;
    desk.books.discard(KIND, id);
    Ok(json!({ "id": id, "object": KIND, "deleted": true }))
}

/// Does it want events of this type?
pub fn wants(endpoint: &Value, kind: &str) -> bool {
    let wanted = endpoint["enabled_events"].as_array().into_iter().flatten();
    endpoint["status"] == "enabled" && wanted.into_iter().any(|one| one == "*" || one == kind)
}
