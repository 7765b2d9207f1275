//! The account itself: credential check, balance, numbers it owns.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::{Refusal, create::Form};
use crate::{
    call::{Hook, Number},
    chance, clock,
    network::Network,
    numbers,
};

/// What an account starts with, in millionths of a dollar.
const OPENING_BALANCE_MICROS: i64 = 100 * 1_000_000;
const NUMBERS: u64 = 3;

pub async fn fetch(Path(account): Path<String>) -> Json<Value> {
    let sid = account.trim_end_matches(".json");
    let now = clock::rfc2822(clock::now());
    Json(json!({
        "sid": sid,
        "owner_account_sid": sid,
        "friendly_name": "Sandbox",
        "status": "active",
        "type": "Full",
        "auth_token": null,
        "date_created": now,
        "date_updated": now,
        "uri": format!("/2010-04-01/Accounts/{sid}.json"),
        "subresource_uris": { "calls": format!("/2010-04-01/Accounts/{sid}/Calls.json") },
    }))
}

pub async fn balance(State(network): State<Arc<Network>>, Path(account): Path<String>) -> Json<Value> {
    let state = network.state();
    let own = state.newest(None).filter(|call| call.order.account == account);
    let spent: u64 = own.filter_map(|call| call.price_micros).sum();
    let left = OPENING_BALANCE_MICROS - spent.cast_signed();
    let sign = if left < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:05}", left.abs() / 1_000_000, left.abs() % 1_000_000 / 10);
    Json(json!({ "account_sid": account, "balance": text, "currency": "USD" }))
}

/// A few numbers of the range kept for fiction, the same for an account every time, and those that its owner set up by hand.
pub async fn numbers(State(network): State<Arc<Network>>, Path(account): Path<String>) -> Json<Value> {
    let owned: Vec<Value> = phones(&network, &account).iter().map(|phone| number(&network, &account, phone)).collect();
    let path = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json?PageSize=50&Page=0");
    Json(json!({
        "first_page_uri": path,
        "next_page_uri": null,
        "previous_page_uri": null,
        "uri": path,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": owned.len() - 1,
        "incoming_phone_numbers": owned,
    }))
}

pub async fn number_of(
    State(network): State<Arc<Network>>,
    Path((account, file)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(number(&network, &account, &phone(&network, &account, &file)?)))
}

/// Points a number somewhere: what is not sent stays, what is sent empty goes.
pub async fn update_number(
    State(network): State<Arc<Network>>,
    Path((account, file)): Path<(String, String)>,
    body: String,
) -> Result<Json<Value>, Refusal> {
    let phone = phone(&network, &account, &file)?;
    let form = Form::read(&body);
    let mut now = network.number(&account, &phone).unwrap_or_default();
    for (hook, name) in [(&mut now.voice, "Voice"), (&mut now.status_callback, "StatusCallback")] {
        let url = form.sent(if name == "Voice" { "VoiceUrl" } else { name });
        let method = form.get(&format!("{name}Method")).unwrap_or("POST");
        match url {
            Some("") => *hook = None,
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                return Err(Refusal::bad(21502, "Invalid Voice URL"));
            }
            Some(url) => *hook = Some(Hook { url: url.to_owned(), method: method.to_owned() }),
            None => {}
        }
    }
    if !network.set_number(account.clone(), phone.clone(), now) {
        return Err(Refusal::TOO_MANY);
    }
    Ok(Json(number(&network, &account, &phone)))
}

/// The number that a path names.
fn phone(network: &Network, account: &str, file: &str) -> Result<String, Refusal> {
    let wanted = file.strip_suffix(".json").ok_or(Refusal::NOT_FOUND)?;
    phones(network, account).into_iter().find(|phone| sid(account, phone) == wanted).ok_or(Refusal::NOT_FOUND)
}

fn phones(network: &Network, account: &str) -> Vec<String> {
    let fiction = |n: u64| {
        let mut dice = chance::Dice::new(0, &["number", account, &n.to_string()]);
        format!("+1202555{:04}", 100 + n * 30 + dice.between(0.0, 30.0) as u64)
    };
    let mut all: Vec<String> = (0..NUMBERS).map(fiction).collect();
    for phone in network.numbers_of(account) {
        if !all.contains(&phone) {
            all.push(phone);
        }
    }
    all
}

fn sid(account: &str, phone: &str) -> String {
    chance::sid("PN", 0, &[account, phone])
}

fn number(network: &Network, account: &str, phone: &str) -> Value {
    let sid = sid(account, phone);
    let now = clock::rfc2822(clock::now());
    let Number { voice, status_callback } = network.number(account, phone).unwrap_or_default();
    let part = |hook: Option<Hook>| hook.map_or((String::new(), "POST".to_owned()), |hook| (hook.url, hook.method));
    let (voice, status) = (part(voice), part(status_callback));
    json!({
        "sid": sid,
        "account_sid": account,
        "phone_number": phone,
        "friendly_name": numbers::formatted(phone),
        "voice_url": voice.0,
        "voice_method": voice.1,
        "status_callback": status.0,
        "status_callback_method": status.1,
        "voice_application_sid": null,
        "trunk_sid": null,
        "capabilities": { "voice": true, "sms": false, "mms": false, "fax": false },
        "date_created": now,
        "date_updated": now,
        "api_version": "2010-04-01",
        "beta": false,
        "origin": "twilio",
        "uri": format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json"),
    })
}
