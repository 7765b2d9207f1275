//! `POST /v3/calls`, click-to-call: an agent of the account is connected with a number. Reading the form as strictly as those who
//! use it say Maqsam does, and the faults of creation.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, header},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Owner, Refusal, portal, staff, terms};
use crate::{
    call::{Direction, Order, Plan},
    conversation::Brief,
    network::Network,
    numbers::{self, Fixed},
};

const FORM: &str = "application/x-www-form-urlencoded";
/// The number of the account that is shown when the request names none.
const CALLER_DEFAULT: &str = "96265000000";
/// The API takes no limits: a phone rings this long, and a talk ends when somebody ends it.
const RING_SECONDS: f64 = 45.0;
const TALK_SECONDS_MAX: f64 = 14_400.0;
/// What people and AI agents of the account talk about.
const ABOUT: &str = "order delivery price";

pub async fn create(
    State(network): State<Arc<Network>>,
    Extension(Owner(me)): Extension<Owner>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, Refusal> {
    let order = read_order(&network, &me, &headers, &body)?;
    let reference = network.admit(order).await?;
    // The reference and nothing else: the number of the call comes with the call.
    Ok(Json(json!({ "result": "success", "call": { "referenceId": reference } })))
}

fn read_order(network: &Network, me: &str, headers: &HeaderMap, body: &str) -> Result<Order, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some(FORM) {
        return Err(Refusal::bad("Unsupported content type"));
    }
    let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let text = |name: &str| form.get(name).map(String::as_str).filter(|text| !text.is_empty());
    // Digits with the country's code; a plus is no digit.
    let phone = |digits: &str| Some(format!("+{digits}")).filter(|phone| numbers::is_e164(phone));
    let email = text("email").ok_or(Refusal::bad("Email is required"))?;
    let to = phone(text("phone").ok_or(Refusal::bad("Phone number is required"))?);
    let to = to.filter(|to| numbers::fixed(to) != Some(Fixed::Invalid)).ok_or(Refusal::bad("Phone number is invalid"))?;
    let from = phone(text("caller").unwrap_or(CALLER_DEFAULT)).ok_or(Refusal::bad("Caller is invalid"))?;
    let state = network.state();
    let agent = staff::find(&state.documents, me, email).ok_or(Refusal::bad("Agent not found"))?;
    if let Some(why) = staff::obstacle(&agent) {
        return Err(Refusal::bad(why));
    }
    let own = |name: &str| agent[name].as_str().unwrap_or_default().to_owned();
    let greeting = format!("Hello, this is {}. I am calling about your order.", own("name"));
    let brief = Brief { prompt: ABOUT.to_owned(), greeting, voicemail: None, opt_out: None };
    Ok(Order {
        account: me.to_owned(),
        direction: Direction::Outbound,
        to,
        from,
        // The API keeps nothing of its callers; this header is the only trace of their own id.
        reference: headers.get("x-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned),
        plan: Plan::Converse(brief),
        ring_seconds_max: RING_SECONDS,
        talk_seconds_max: TALK_SECONDS_MAX,
        detects: false,
        records: true,
        speaker: Arc::new(terms::Terms {
            agent: json!({ "email": own("email"), "name": own("name") }),
            name: Value::from(own("name")),
            notify: portal::notify(&state.documents, me),
        }),
    })
}
