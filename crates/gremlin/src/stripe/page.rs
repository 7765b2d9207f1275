//! The page on which somebody pays: `url` of a Checkout Session. Plain forms, so that a browser without scripts can pay, have its
//! card declined, or go back.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use url::form_urlencoded;

use super::{
    Refusal,
    checkout::{self, KIND},
    events::at_desk,
    methods::{CARDS, Card},
    money,
};
use crate::network::Network;

/// The card of the button that declines.
const DECLINES: &str = "pm_card_chargeDeclined";
const TEXT_CHARS_MAX: usize = 200;

type Net = State<Arc<Network>>;

pub fn routes() -> Router<Arc<Network>> {
    Router::new()
        .route("/stripe/checkout/{id}", get(show))
        .route("/stripe/checkout/{id}/pay", post(pay))
        .route("/stripe/checkout/{id}/decline", post(decline))
        .route("/stripe/checkout/{id}/cancel", post(cancel))
}

/// The account of a session, and the session: its id is a secret by itself.
fn find(network: &Network, id: &str) -> Option<(String, Value)> {
    let state = network.state();
    state.stripe.iter().find_map(|(account, books)| Some((account.clone(), books.get(KIND, id)?.clone())))
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, Html(frame("<p>There is no such checkout.</p>"))).into_response()
}

/// To an address of the customer's own, with the session in it where it asks for that.
fn go(session: &Value, name: &str) -> Option<Response> {
    let id = session["id"].as_str().unwrap_or_default();
    let url = session[name].as_str()?.replace("{CHECKOUT_SESSION_ID}", id);
    Some((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response())
}

async fn show(State(network): Net, Path(id): Path<String>) -> Response {
    match find(&network, &id) {
        Some((_, session)) => Html(page(&session, None)).into_response(),
        None => missing(),
    }
}

async fn pay(State(network): Net, Path(id): Path<String>, body: String) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let text = |name: &str| form.get(name).map_or("", String::as_str).chars().take(TEXT_CHARS_MAX).collect::<String>();
    let card = CARDS.iter().find(|card| card.id == text("card")).unwrap_or(&CARDS[0]);
    attempt(&network, &id, card, &text("email"), &text("name"))
}

async fn decline(State(network): Net, Path(id): Path<String>) -> Response {
    let card = CARDS.iter().find(|card| card.id == DECLINES).unwrap_or(&CARDS[0]);
    attempt(&network, &id, card, "", "")
}

fn attempt(network: &Arc<Network>, id: &str, card: &Card, email: &str, name: &str) -> Response {
    let Some((account, _)) = find(network, id) else { return missing() };
    let done = at_desk(network, &account, |desk| checkout::pay(desk, id, card, email, name));
    let session = find(network, id).map(|(_, session)| session).unwrap_or_default();
    match done {
        Ok(session) => go(&session, "success_url").unwrap_or_else(|| Html(page(&session, None)).into_response()),
        Err(Refusal { status, error }) => (status, Html(page(&session, error["message"].as_str()))).into_response(),
    }
}

/// Going back leaves the session open.
async fn cancel(State(network): Net, Path(id): Path<String>) -> Response {
    match find(&network, &id) {
        Some((_, session)) => go(&session, "cancel_url").unwrap_or_else(|| Html(page(&session, None)).into_response()),
        None => missing(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(session: &Value, complaint: Option<&str>) -> String {
    let text = |name: &str| session[name].as_str().unwrap_or_default();
    let amount = money::shown(session["amount_total"].as_i64().unwrap_or_default(), text("currency"));
    if text("status") != "open" {
        let what = if text("status") == "complete" { "This checkout is complete." } else { "This checkout has expired." };
        return frame(&format!("<h1>{amount}</h1><p role=\"status\">{what}</p>"));
    }
    // Whole, because the page is also what a button answers.
    let url = escaped(text("url"));
    let email = escaped(session["customer_details"]["email"].as_str().unwrap_or("person@example.com"));
    let complaint = complaint.map(|why| format!("<p role=\"alert\">{}</p>", escaped(why))).unwrap_or_default();
    let cards: String = CARDS
        .iter()
        .filter(|card| card.keeps)
        .map(|card| format!("<option value=\"{}\">{} ···· {}{}</option>", card.id, card.brand, card.last4, remark(card)))
        .collect();
    let cancel = if session["cancel_url"].is_string() {
        format!("<form method=\"post\" action=\"{url}/cancel\"><button>Cancel</button></form>")
    } else {
        String::new()
    };
    frame(&format!(
        "<h1>{amount}</h1>{complaint}\
         <form method=\"post\" action=\"{url}/pay\">\
         <label>Email <input type=\"email\" name=\"email\" value=\"{email}\" required></label>\
         <label>Name on card <input name=\"name\" value=\"Jenny Rosen\" required></label>\
         <label>Card <select name=\"card\">{cards}</select></label>\
         <button class=\"go\">Pay {amount}</button></form>\
         <div class=\"row\"><form method=\"post\" action=\"{url}/decline\"><button>Decline</button></form>{cancel}</div>"
    ))
}

/// What a card does when it is charged, where that is not just to pay.
fn remark(card: &Card) -> &'static str {
    use super::methods::Luck;
    match card.luck {
        Luck::Pays => "",
        Luck::Declines(..) => ", always declines",
        Luck::NeedsOwner => ", needs its owner each time",
    }
}

fn frame(content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Checkout</title><style>\
         :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}\
         body {{ margin: 10vh auto; max-width: 24rem; padding: 0 1rem; }}\
         form {{ display: grid; gap: .8rem; }} label {{ display: grid; gap: .2rem; font-size: .9rem; }}\
         input, select, button {{ font: inherit; padding: .45rem .6rem; }}\
         .go {{ background: #4b3fd6; color: #fff; border: 0; border-radius: .4rem; }}\
         .row {{ display: flex; gap: .8rem; margin-top: .8rem; }}\
         [role=alert] {{ color: light-dark(#b00020, #ff8a80); font-weight: 600; }} small {{ opacity: .75; }}\
         </style></head><body><main>{content}</main><footer><p><small>gremlin plays Stripe here: no money moves.</small></p></footer></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_strangers_wrote_is_no_markup() {
        let session = json!({ "id": "cs_1", "url": "http://x/cs_1", "status": "open", "amount_total": 500, "currency": "jpy", "cancel_url": "https://x/",
                              "customer_details": { "email": "\"><script>@x" } });
        let page = page(&session, Some("<b>"));
        assert!(!page.contains("<script>") && page.contains("&lt;b&gt;") && page.contains("Pay 500 JPY"));
    }
}
