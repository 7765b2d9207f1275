//! Somebody calls a number at Vapi: its own assistant answers, or the number's server is asked who shall.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{assets, create, organisation, show, stamp, terms::sealed, uuid};
use crate::{
    call::{Direction, Order},
    clock,
    network::Network,
    numbers,
};

/// The longest answer we read, and the longest we wait for it.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const ANSWER_WAIT: Duration = Duration::from_millis(7_500);

/// The order of a call that comes in.
pub async fn order(network: &Network, me: &str, from: &str, to: &str) -> anyhow::Result<Order> {
    ensure!(numbers::is_e164(from), "from must be E.164");
    let number = {
        let state = network.state();
        let found = state.documents.list(me, assets::NUMBERS).find(|(_, number)| number["number"] == to);
        found.map(|(_, number)| number.clone()).context("this number is not set up")?
    };
    let id = uuid(network, &format!("inbound {from} {to} {}", clock::now().timestamp_nanos_opt().unwrap_or_default()));
    let answer = match number["assistantId"].as_str() {
        Some(own) => json!({ "assistantId": own }),
        None => ask(network, me, &number, &id, from).await?,
    };
    ensure!(!answer["error"].is_string(), "the call was declined");
    let told = create::Told {
        direction: Direction::Inbound,
        id: Some(id),
        assistant: answer["assistantId"].as_str().context("nobody answers this number")?,
        version: None,
        overrides: answer.get("assistantOverrides"),
        customer: json!({ "number": from }),
        number: &number,
    };
    let state = network.state();
    create::order(&state.documents, me, told).context("there is no such assistant")
}

async fn ask(network: &Network, me: &str, number: &Value, id: &str, from: &str) -> anyhow::Result<Value> {
    ensure!(number["server"]["url"].is_string(), "nobody answers this number");
    let now = clock::now();
    let call = json!({ "id": id, "orgId": organisation(me), "type": "inboundPhoneCall", "status": "ringing",
                       "createdAt": stamp(now), "updatedAt": stamp(now), "phoneNumberId": number["id"],
                       "customer": { "number": from } });
    let body = json!({ "message": {
        "type": "assistant-request",
        "timestamp": now.timestamp_millis(),
        "call": call,
        "customer": { "number": from },
        "phoneNumber": show::number(number),
    }});
    let request = sealed(network, me, &number["server"], &body, false).timeout(ANSWER_WAIT);
    let mut response = request.send().await?;
    ensure!(response.status().is_success(), "the server answered {}", response.status());
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(answer.len() + chunk.len() <= ANSWER_BYTES_MAX, "the answer is too long");
        answer.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&answer).context("the answer is no JSON")
}
