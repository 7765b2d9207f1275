//! The account itself: credential check, balance, numbers it owns.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use crate::{chance, clock, network::Network, numbers};

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

/// A few numbers of the range kept for fiction, the same for an account every time.
pub async fn numbers(Path(account): Path<String>) -> Json<Value> {
    let owned: Vec<Value> = (0..NUMBERS).map(|n| number(&account, n)).collect();
    let path = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json?PageSize=50&Page=0");
    Json(json!({
        "incoming_phone_numbers": owned,
        "first_page_uri": path,
        "next_page_uri": null,
        "previous_page_uri": null,
        "uri": path,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": NUMBERS - 1,
    }))
}

fn number(account: &str, n: u64) -> Value {
    let mut dice = chance::Dice::new(0, &["number", account, &n.to_string()]);
    let phone = format!("+1202555{:04}", 100 + n * 30 + dice.between(0.0, 30.0) as u64);
    let sid = chance::sid("PN", 0, &[account, &phone]);
    let now = clock::rfc2822(clock::now());
    json!({
        "sid": sid,
        "account_sid": account,
        "phone_number": phone,
        "friendly_name": numbers::formatted(&phone),
        "capabilities": { "voice": true, "sms": false, "mms": false, "fax": false },
        "date_created": now,
        "date_updated": now,
        "api_version": "2010-04-01",
        "beta": false,
        "origin": "twilio",
        "uri": format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json"),
    })
}
