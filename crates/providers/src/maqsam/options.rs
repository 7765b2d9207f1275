//! What is not certain about Maqsam, as settings of the account ([`crate::Account::options`]), so that a live account can put our
//! reading right without a new version of ours. Yes and no are written `yes` and `no`; what we cannot read counts as the default.

use std::collections::BTreeMap;

/// The settings, by the names in quotes.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// `agent`: the e-mail address of who talks when a call names nobody. None.
    pub agent: Option<String>,
    /// `check_agent`: is the agent looked at before each call? Yes.
    pub check_agent: bool,
    /// `create_path`: where calls are asked for; older accounts may need `/v2/calls`. `/v3/calls`.
    pub create_path: String,
    /// `plus`: are numbers sent with their plus? No.
    pub plus: bool,
    /// `send_caller`: is our number sent along, as `caller`? Yes.
    pub send_caller: bool,
    /// `match_caller`: is `callerNumber` of a listed call the number that we sent? No: nobody said so, and a look-up that
    /// believes it might miss a call that rang.
    pub match_caller: bool,
    /// `duration`: `talk` when it counts from the pick-up, `total` when it counts ringing and waiting too. `talk`.
    pub duration_is_total: bool,
    /// `segment_times`: `seconds` or `milliseconds`. `seconds`.
    pub segment_unit_ms: f64,
    /// `summary_language`: which of the languages of a summary is kept. `en`.
    pub summary_language: String,
    /// `opt_out_tag`: the tag by which people note that somebody does not want to be called again. `do_not_call`.
    pub opt_out_tag: String,
    /// `webhook_parameter`: the parameter of the webhook's URL that carries the secret. `token`.
    pub webhook_parameter: String,
    /// `webhook_header`: the header that carries it instead, where an account can send one. None.
    pub webhook_header: Option<String>,
}

impl Options {
    pub fn read(given: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| given.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let flag = |name: &str, default: bool| match text(name).as_deref() {
            Some("yes") => true,
            Some("no") => false,
            _ => default,
        };
        let path = text("create_path").filter(|path| path.starts_with('/') && !path.contains(['?', '#', '@']));
        Self {
            agent: text("agent"),
            check_agent: flag("check_agent", true),
            create_path: path.unwrap_or_else(|| "/v3/calls".to_owned()),
            plus: flag("plus", false),
            send_caller: flag("send_caller", true),
            match_caller: flag("match_caller", false),
            duration_is_total: text("duration").as_deref() == Some("total"),
            segment_unit_ms: if text("segment_times").as_deref() == Some("milliseconds") { 1.0 } else { 1000.0 },
            summary_language: text("summary_language").unwrap_or_else(|| "en".to_owned()),
            opt_out_tag: text("opt_out_tag").unwrap_or_else(|| "do_not_call".to_owned()).to_lowercase(),
            webhook_parameter: text("webhook_parameter").unwrap_or_else(|| "token".to_owned()),
            webhook_header: text("webhook_header"),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::read(&BTreeMap::new())
    }
}
