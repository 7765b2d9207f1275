//! Somebody calls a number at Retell: its inbound webhook is asked who shall talk; without an answer its own agent does.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{assets, create, terms::sealed};
use crate::{
    call::{Direction, Order},
    clock,
    network::Network,
    numbers,
};

/// The longest answer we read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The order of a call that comes in.
pub async fn order(network: &Network, me: &str, from: &str, to: &str) -> anyhow::Result<Order> {
    ensure!(numbers::is_e164(from), "from must be E.164");
    let number = network.state().documents.get(me, assets::NUMBERS, to).cloned().context("this number is not set up")?;
    let own = &number["inbound_agents"][0];
    let mut asked = Value::Null;
    if let Some(url) = number["inbound_webhook_url"].as_str() {
        let mut question = json!({ "from_number": from, "to_number": to });
        if own.is_object() {
            question["agent_id"] = own["agent_id"].clone();
        }
        let body =
            json!({ "event": "call_inbound", "event_timestamp": clock::now().timestamp_millis(), "call_inbound": question });
        let mut response = sealed(network, me, url, &body, false).send().await?;
        ensure!(response.status().is_success(), "the webhook answered {}", response.status());
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            ensure!(answer.len() + chunk.len() <= ANSWER_BYTES_MAX, "the answer is too long");
            answer.extend_from_slice(&chunk);
        }
        asked = serde_json::from_slice::<Value>(&answer).context("the answer is no JSON")?["call_inbound"].take();
    }
    ensure!(asked["reject"] != true, "the call was rejected");
    let chosen = asked["override_agent_id"].as_str().map(|id| (id, asked.get("override_agent_version")));
    let bound = own["agent_id"].as_str().map(|id| (id, own.get("agent_version")));
    let (agent, version) = chosen.or(bound).context("nobody answers this number")?;
    let told = create::Told {
        direction: Direction::Inbound,
        to,
        from,
        variables: asked.get("dynamic_variables"),
        metadata: asked.get("metadata"),
    };
    let state = network.state();
    create::order(&state.documents, me, agent, create::version(version), None, &told).context("there is no such agent")
}
