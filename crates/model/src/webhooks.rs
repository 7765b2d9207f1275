//! Outgoing webhooks: where a company hears what happened, what it may be told, and what became of each message. The secret of an
//! endpoint is shown once and is not here.

use crate::error::{Check, Result};
use crate::gateways::is_public_name;
use crate::id::{CampaignId, DeliveryId, EndpointId};
use crate::page::Paging;
use crate::time::Moment;
use crate::words;

words! {
    /// What an endpoint is told. docs/webhooks.md has an example of each.
    pub enum WebhookEvent {
        CallStarted = "call.started", "A call rings, or came in";
        CallStatusUpdated = "call.status.updated", "A call went one step further";
        CallCompleted = "call.completed", "A call is over, whatever became of it";
        LeadQualified = "lead.qualified", "A conversation reached its aim";
        CampaignStatusChanged = "campaign.status.changed", "A campaign started, paused, went on or ended";
        CampaignCompleted = "campaign.completed", "A campaign is through";
        ContactOptedOut = "contact.opted_out", "Somebody asked not to be called again";
        ContactSuppressed = "contact.suppressed", "A number was put on the do-not-call list";
        ImportCompleted = "import.completed", "An import is done";
        CreditsLow = "credits.low", "A campaign has no credits for its next call";
        Test = "webhook.test", "A test";
    }
}

impl WebhookEvent {
    /// Those that an endpoint may choose: a test is sent when it is asked for.
    pub fn choosable() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|event| *event != Self::Test)
    }
}

/// Endpoints a company may have.
pub const ENDPOINTS_MAX: i64 = 20;
/// Characters of an address.
pub const URL_MAX: usize = 500;
/// Hours for which the secret before a rotation signs too.
pub const OVERLAP_HOURS: i64 = 24;
/// Failed deliveries that are sent again at once.
pub const REPLAY_MAX: i64 = 10_000;

/// What people say about an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EndpointForm {
    pub url: String,
    pub description: String,
    pub events: Vec<WebhookEvent>,
    /// Only what concerns this campaign; empty: the whole company. As typed.
    pub campaign: String,
    /// Phone numbers whole; otherwise masked as on the screens of viewers.
    pub full_numbers: bool,
    /// Messages are made and sent.
    pub enabled: bool,
}

impl Default for EndpointForm {
    fn default() -> Self {
        Self {
            url: String::new(),
            description: String::new(),
            events: WebhookEvent::choosable().collect(),
            campaign: String::new(),
            full_numbers: false,
            enabled: true,
        }
    }
}

impl EndpointForm {
    /// All field problems at once. `local`: this machine may be named too, for whoever develops on it. Where a name leads only
    /// the verb finds out.
    pub fn check(&self, local: bool) -> Result<()> {
        Check::new()
            .need(is_address(self.url.trim(), local), "url", "Enter an address like https://example.com/belfry.")
            .need(self.description.chars().count() <= 200, "description", "Use at most 200 characters.")
            .need(!self.events.is_empty(), "events", "Choose at least one event.")
            .need(!self.events.contains(&WebhookEvent::Test), "events", "A test is sent when you ask for it.")
            .need(self.campaign.trim().is_empty() || self.campaign().is_some(), "campaign", "Choose a campaign of the list.")
            .done()
    }

    /// The campaign, if one was chosen.
    pub fn campaign(&self) -> Option<CampaignId> {
        self.campaign.trim().parse().ok()
    }
}

/// Whether messages may go there: TLS, a public name, no port, no user, nothing after a `#`.
pub fn is_address(url: &str, local: bool) -> bool {
    let is_plain =
        url.len() <= URL_MAX && url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'\\' | b'"' | b'<' | b'>'));
    let host = |rest: &str| rest.split(['/', '?']).next().unwrap_or_default().to_owned();
    let is_ours = |rest: &str| {
        let host = host(rest);
        let (name, port) = host.split_once(':').unwrap_or((&host, "80"));
        name == "localhost" && port.parse::<u16>().is_ok()
    };
    let is_public = url.strip_prefix("https://").is_some_and(|rest| is_public_name(&host(rest)));
    is_plain && (is_public || local && url.strip_prefix("http://").is_some_and(is_ours))
}

words! {
    /// Whether messages reach an endpoint.
    pub enum EndpointState {
        Active = "active", "Active";
        Failing = "failing", "Failing";
        Off = "off", "Off";
    }
}

/// An endpoint in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EndpointRow {
    pub id: EndpointId,
    pub url: String,
    pub description: String,
    pub events: Vec<WebhookEvent>,
    /// Only what concerns it.
    pub campaign: Option<(CampaignId, String)>,
    pub full_numbers: bool,
    pub state: EndpointState,
    /// Why it was switched off, if it was not by hand.
    pub why: String,
    pub failing_since: Option<Moment>,
    pub created_at: Moment,
    /// Until then the secret before the last rotation signs too.
    pub old_until: Option<Moment>,
    /// Of the newest thousand messages: those that arrived, those that were given up, and those that wait.
    pub delivered: i64,
    pub failed: i64,
    pub waiting: i64,
}

impl EndpointRow {
    /// What the form says of it, for whoever changes a part.
    pub fn form(&self) -> EndpointForm {
        EndpointForm {
            url: self.url.clone(),
            description: self.description.clone(),
            events: self.events.clone(),
            campaign: self.campaign.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default(),
            full_numbers: self.full_numbers,
            enabled: self.state != EndpointState::Off,
        }
    }
}

/// What the page of an endpoint needs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EndpointPage {
    /// `None` for a new one.
    pub endpoint: Option<EndpointRow>,
    /// Which it may be about, the newest first.
    pub campaigns: Vec<(CampaignId, String)>,
}

/// An endpoint whose secret was just made: the only time it is seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewEndpoint {
    pub id: EndpointId,
    /// `whsec_` and the key in base64, as Standard Webhooks has it.
    pub secret: String,
}

words! {
    /// What became of a message.
    pub enum DeliveryStatus {
        Waiting = "waiting", "Waiting";
        Delivered = "delivered", "Delivered";
        Failed = "failed", "Failed";
    }
}

/// What the log may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct DeliveryFilter {
    pub endpoint: Option<EndpointId>,
    pub status: Option<DeliveryStatus>,
    pub event: Option<WebhookEvent>,
    pub paging: Paging,
}

/// A message in the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub url: String,
    pub event: WebhookEvent,
    pub status: DeliveryStatus,
    /// Times it was sent.
    pub attempts: i32,
    pub created_at: Moment,
    /// When it is sent next, while it waits.
    pub due_at: Option<Moment>,
    /// What the last answer was, in words: `204`, or why there was none.
    pub last: String,
}

/// One time that a message was sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AttemptRow {
    pub at: Moment,
    pub milliseconds: i32,
    /// The HTTP status, if there was an answer.
    pub status: Option<i32>,
    /// The first KiB of the answer.
    pub answer: String,
    /// Why it did not arrive.
    pub error: String,
}

/// A message with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delivery {
    pub row: DeliveryRow,
    /// The JSON that is sent, byte for byte.
    pub body: String,
    /// The newest first.
    pub attempts: Vec<AttemptRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_leave_for_public_names_over_tls_only() {
        for good in ["https://example.com", "https://hooks.example.com/belfry?x=1", "https://a-b.example/%20"] {
            assert!(is_address(good, false), "{good}");
        }
        for bad in [
            "",
            "http://example.com/",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://1.2.3.0x7f/",
            "https://[::1]/",
            "https://db.internal/x",
            "https://user@example.com/",
            "https://example.com:8443/",
            "https://example.com\\@db.internal/",
            "https://example.com/#x",
            "https://example.com/a b",
            "https://exämple.com/",
            "ftp://example.com/",
        ] {
            assert!(!is_address(bad, false) && !is_address(bad, true), "{bad}");
        }
        let long = |n: usize| format!("https://example.com/{}", "x".repeat(n - 20));
        assert!(is_address(&long(URL_MAX), false) && !is_address(&long(URL_MAX + 1), false));
    }

    #[test]
    fn this_machine_is_named_by_those_only_who_develop_on_it() {
        for local in ["http://localhost/", "http://localhost:9/x", "http://localhost:3010?a"] {
            assert!(is_address(local, true) && !is_address(local, false), "{local}");
        }
        for bad in
            ["http://localhost:99999/", "http://localhost@evil.example/", "http://localhost.evil.example/", "http://127.0.0.1/"]
        {
            assert!(!is_address(bad, true), "{bad}");
        }
    }

    #[test]
    fn a_form_says_all_that_is_wrong_at_once() {
        let bad = EndpointForm {
            url: "http://x".into(),
            description: "x".repeat(201),
            events: Vec::new(),
            campaign: "spring".into(),
            ..EndpointForm::default()
        };
        let problems = bad.check(false).expect_err("four problems");
        for field in ["url", "description", "events", "campaign"] {
            assert!(problems.of_field(field).is_some(), "{field}");
        }
        let fine = EndpointForm { url: " https://example.com/x ".into(), ..EndpointForm::default() };
        assert_eq!(fine.check(false), Ok(()));
    }
}
