//! Somebody calls a number at ElevenLabs: its agent takes the call, and asks first when it has been told to.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{agents::AGENTS, assets::NUMBERS, create};
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
    let (number, agent) = {
        let state = network.state();
        let number = state.documents.list(me, NUMBERS).find(|(_, number)| number["phone_number"] == to);
        let number = number.context("this number is not set up")?.1.clone();
        let agent = state.documents.get(me, AGENTS, number["agent_id"].as_str().context("this number has no agent")?);
        (number, agent.context("this number's agent is gone")?.clone())
    };
    let id = agent["agent_id"].as_str().unwrap_or_default();
    let settings = &agent["platform_settings"];
    let webhook = &settings["workspace_overrides"]["conversation_initiation_client_data_webhook"];
    let asks = settings["overrides"]["enable_conversation_initiation_client_data_from_webhook"] == true;
    let mut told = json!({});
    if let Some(url) = webhook["url"].as_str().filter(|_| asks) {
        let sid = network.new_sid("CA", &format!("{from}{}", clock::now()));
        let question = json!({ "caller_id": from, "agent_id": id, "called_number": to, "call_sid": sid });
        let mut request = network.client.post(url).json(&question);
        for (name, value) in webhook["request_headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        let mut response = request.send().await?;
        ensure!(response.status().is_success(), "the webhook answered {}", response.status());
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            ensure!(answer.len() + chunk.len() <= ANSWER_BYTES_MAX, "the answer is too long");
            answer.extend_from_slice(&chunk);
        }
        told = serde_json::from_slice(&answer).context("the answer is no JSON")?;
        let kind = told.as_object_mut().and_then(|fields| fields.remove("type")).unwrap_or(Value::Null);
        ensure!(kind == "conversation_initiation_client_data", "the answer is of another type");
    }
    let made = create::order(&network.state(), me, id, &number, told);
    let mut order = made.map_err(|refusal| anyhow::anyhow!("not taken: {refusal:?}"))?;
    order.direction = Direction::Inbound;
    (order.to, order.from) = (to.to_owned(), from.to_owned());
    Ok(order)
}
