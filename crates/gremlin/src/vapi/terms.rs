//! What a call at Vapi was ordered with, and the messages about it.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{show, sign::signature, uuid};
use crate::{
    call::{Call, Ending, Plan},
    callbacks::UNKNOWN_STATUS,
    clock,
    network::Network,
    speaker::{Bill, Body, Message, Moment, Patience, Speaker},
};

/// The tool of an assistant by which it notes that somebody does not want to be called again.
pub const OPT_OUT_TOOL: &str = "opt_out";
/// A typical price per begun minute, in millionths of a dollar.
const PRICE_PER_MINUTE_MICROS: u64 = 90_000;
/// When the report is there, after the end.
const ANALYSIS_SECONDS: f64 = 6.0;
const REPEAT_WAIT: Duration = Duration::from_millis(200);
const MESSAGES_DEFAULT: [&str; 3] = ["status-update", "end-of-call-report", "tool-calls"];

/// The assistant as it was when the call was placed, with what was put over it.
#[derive(Debug)]
pub struct Terms {
    pub id: Option<String>,
    pub assistant_id: String,
    pub version: Option<String>,
    pub overrides: Value,
    pub customer: Value,
    pub number: Value,
    pub assistant: Value,
}

impl Terms {
    /// May the call be given orders?
    pub fn is_controlled(&self) -> bool {
        self.assistant["monitorPlan"]["controlEnabled"] != false
    }

    fn wants(&self, kind: &str) -> bool {
        match self.assistant["serverMessages"].as_array() {
            Some(all) => all.iter().any(|one| one == kind),
            None => MESSAGES_DEFAULT.contains(&kind),
        }
    }

    /// A message of this kind, if it was asked for and there is somewhere to send it.
    fn message(&self, call: &Call, network: &Network, kind: &str, more: Value) -> Option<Message> {
        let url = self.assistant["server"]["url"].as_str().filter(|url| self.wants(kind) && !url.is_empty())?;
        let mut message = json!({
            "type": kind,
            "timestamp": clock::now().timestamp_millis(),
            "customer": self.customer,
            "phoneNumber": show::number(&self.number),
            "call": show::resource(call, &network.public_url),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            message[name] = value.clone();
        }
        let event = match message["status"].as_str() {
            Some(status) => format!("{kind} {status}"),
            None => kind.to_owned(),
        };
        let body = Body::Json(json!({ "message": message }));
        Some(Message { url: url.to_owned(), method: "POST".to_owned(), event, body })
    }

    fn status(&self, call: &Call, network: &Network) -> Option<Message> {
        let mut more = json!({ "status": show::status(call.status) });
        if let Some(ending) = call.ending {
            more["endedReason"] = show::reason(ending, call.sip).into();
        }
        self.message(call, network, "status-update", more)
    }

    /// What the report says beside the call, which is then without it.
    fn report(&self, call: &Call, network: &Network) -> Option<Message> {
        let mut message = self.message(call, network, "end-of-call-report", json!({}))?;
        let Body::Json(body) = &mut message.body else { return None };
        let said = &mut body["message"];
        let shown = said["call"].as_object_mut()?;
        let mut moved = serde_json::Map::new();
        for name in ["endedReason", "startedAt", "endedAt", "cost", "costs", "analysis", "artifact"] {
            moved.extend(shown.remove(name).map(|value| (name.to_owned(), value)));
        }
        shown.remove("costBreakdown");
        said.as_object_mut()?.extend(moved);
        Some(message)
    }

    /// The assistant's own tool, called in the conversation.
    fn opt_out(&self, call: &Call, network: &Network) -> Option<Message> {
        let asked = matches!(&call.order.plan, Plan::Converse(brief) if brief.opt_out.is_some());
        if !asked || !call.conversation.as_ref().is_some_and(|conversation| conversation.opted_out) {
            return None;
        }
        let tool = self.assistant["model"]["tools"].as_array()?.iter().find(|tool| tool["function"]["name"] == OPT_OUT_TOOL)?;
        let mut with_call = tool.clone();
        with_call["toolCall"] = show::tool_call();
        let more = json!({ "toolCallList": [show::tool_call()], "toolWithToolCallList": [with_call] });
        self.message(call, network, "tool-calls", more)
    }
}

impl Speaker for Terms {
    fn provider(&self) -> &'static str {
        "vapi"
    }

    fn new_id(&self, network: &Network, serial: u64) -> String {
        self.id.clone().unwrap_or_else(|| uuid(network, &format!("call {serial}")))
    }

    /// A call that never rang ends without a report (providers.md §13, edge 23).
    fn tell(&self, network: &Network, call: &Call, moment: Moment) -> Vec<Message> {
        let never_rang = call.ending == Some(Ending::Unreachable);
        let told = match moment {
            Moment::Ringing | Moment::Answered => [None, self.status(call, network)],
            Moment::Ended => [self.opt_out(call, network), self.status(call, network)],
            Moment::Analyzed if !never_rang => [None, self.report(call, network)],
            _ => [None, None],
        };
        told.into_iter().flatten().collect()
    }

    fn seal(&self, network: &Network, account: &str, message: &Message, forged: bool) -> RequestBuilder {
        let Body::Json(body) = &message.body else { unreachable!("Vapi's messages are JSON") };
        sealed(network, account, &self.assistant["server"], body, forged)
    }

    fn garble(&self, message: &mut Message) -> bool {
        let Body::Json(body) = &mut message.body else { return false };
        let names_one = body["message"]["status"].is_string();
        if names_one {
            body["message"]["status"] = UNKNOWN_STATUS.into();
        }
        names_one
    }

    /// Once, unless the assistant's server has a plan.
    fn patience(&self) -> Patience {
        let times = self.assistant["server"]["backoffPlan"]["maxRetries"].as_u64().unwrap_or_default();
        Patience::Repeats { times: u32::try_from(times).unwrap_or_default(), wait: REPEAT_WAIT }
    }

    fn bill(&self, seconds: u64) -> Bill {
        Bill { micros: seconds.div_ceil(60) * PRICE_PER_MINUTE_MICROS, after_seconds: 0.0 }
    }

    fn analysis_seconds(&self) -> Option<f64> {
        Some(ANALYSIS_SECONDS)
    }
}

/// A message to a server: signed if that names a credential, with the headers that it wants. Any credential exists; its secret
/// is the account's token.
pub fn sealed(network: &Network, account: &str, server: &Value, body: &Value, forged: bool) -> RequestBuilder {
    let bytes = body.to_string().into_bytes();
    let url = server["url"].as_str().unwrap_or_default();
    let mut request = network.client.post(url).header("content-type", "application/json");
    for (name, value) in server["headers"].as_object().into_iter().flatten() {
        request = request.header(name, if forged { "forged" } else { value.as_str().unwrap_or_default() });
    }
    if server["credentialId"].is_string() {
        let secret = if forged { "forged".to_owned() } else { network.token(account) };
        let at = network.signing_time(account).timestamp_millis().to_string();
        request = request.header("x-signature", signature(&secret, &bytes, &at)).header("x-timestamp", at);
    }
    request.body(bytes)
}
