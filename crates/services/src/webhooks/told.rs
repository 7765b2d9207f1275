//! What endpoints are told, in the words of docs/webhooks.md: ids, and what the REST interface says of them. Made where it happens,
//! kept with the commit, and never changed after it.

use model::calls::{CallState, Sentiment};
use model::campaigns::Status;
use model::credits::Credits;
use model::id::{CallId, CampaignId, ContactId, DeliveryId, ImportId, LeadId, SuppressionId};
use model::phone::Phone;
use model::suppressions::Source;
use model::time::Timestamp;
use model::webhooks::WebhookEvent;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The version of all bodies. A field that is added does not change it; one that goes away or means something else does.
const VERSION: u32 = 1;
/// Longest text of a field, in characters, and fields found out: with all of them a body stays below its limit of 64 KiB.
const TEXT_MAX: usize = 500;
const FOUND_MAX: usize = 20;

/// One thing that happened, before it is known who wants to hear it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Given when it is told.
    pub(crate) id: DeliveryId,
    pub(crate) event: WebhookEvent,
    /// For endpoints that hear of one campaign only.
    pub(crate) campaign: Option<CampaignId>,
    phone: Option<Phone>,
    fields: Map<String, Value>,
}

impl Told {
    fn new(event: WebhookEvent, campaign: Option<CampaignId>, phone: Option<&Phone>, fields: Value) -> Self {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        Self { id: Uuid::nil().into(), event, campaign, phone: phone.cloned(), fields }
    }

    /// The JSON that is sent.
    pub(super) fn body(&self, at: Timestamp, full_numbers: bool) -> String {
        let mut body = self.fields.clone();
        body.insert("type".to_owned(), json!(self.event));
        // The name of before Standard Webhooks, which older receivers read.
        body.insert("event".to_owned(), json!(self.event));
        body.insert("version".to_owned(), json!(VERSION));
        body.insert("timestamp".to_owned(), json!(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)));
        if let Some(campaign) = self.campaign {
            body.insert("campaignId".to_owned(), json!(campaign));
        }
        if let Some(phone) = &self.phone {
            let phone = if full_numbers { phone.as_str().to_owned() } else { phone.masked() };
            body.insert("phoneNumber".to_owned(), json!(phone));
        }
        Value::Object(body).to_string()
    }

    /// A call that went further.
    pub(crate) fn call(event: WebhookEvent, id: CallId, campaign: Option<CampaignId>, phone: &Phone, state: CallState) -> Self {
        Self::new(event, campaign, Some(phone), json!({"callId": id, "status": state.word()}))
    }

    /// A call that is settled. What was said in it is known later, if at all, and read by its id.
    pub(crate) fn ended(
        id: CallId,
        campaign: Option<CampaignId>,
        phone: &Phone,
        state: CallState,
        talk_seconds: i64,
        cost: Credits,
    ) -> Self {
        let fields = json!({
            "callId": id,
            "status": state.word(),
            "duration": format!("{}:{:02}", talk_seconds / 60, talk_seconds % 60),
            "durationSeconds": talk_seconds,
            "spend": {"amount": cost.0 as f64 / 1_000.0, "currency": "CREDIT"},
            "transcript": null,
        });
        Self::new(WebhookEvent::CallCompleted, campaign, Some(phone), fields)
    }

    /// A conversation that reached its aim.
    pub(crate) fn qualified(
        id: CallId,
        campaign: Option<CampaignId>,
        phone: &Phone,
        sentiment: Option<Sentiment>,
        found: &BTreeMap<String, String>,
    ) -> Self {
        let keywords: BTreeMap<_, _> = found.iter().take(FOUND_MAX).map(|(name, value)| (short(name), short(value))).collect();
        let fields = json!({"callId": id, "qualification": "qualified", "sentiment": sentiment, "keywords": keywords});
        Self::new(WebhookEvent::LeadQualified, campaign, Some(phone), fields)
    }

    /// A lead that somebody found to be qualified. `call`: the one that made the lead.
    pub(crate) fn lead(id: LeadId, contact: ContactId, phone: &Phone, call: Option<CallId>, score: i16) -> Self {
        let fields = json!({"leadId": id, "contactId": contact, "callId": call, "qualification": "qualified", "score": score});
        Self::new(WebhookEvent::LeadQualified, None, Some(phone), fields)
    }

    /// A campaign in another state than before. `why`: the engine's reason to pause it.
    pub(crate) fn campaign_moved(id: CampaignId, name: &str, from: Status, to: Status, why: Option<&str>) -> Self {
        let fields = json!({"campaignName": short(name), "oldStatus": from, "newStatus": to, "reason": why.map(short)});
        Self::new(WebhookEvent::CampaignStatusChanged, Some(id), None, fields)
    }

    /// Nobody is left to call.
    pub(crate) fn campaign_completed(id: CampaignId, name: &str) -> Self {
        Self::new(WebhookEvent::CampaignCompleted, Some(id), None, json!({"campaignName": short(name)}))
    }

    /// Somebody asked not to be called again.
    pub(crate) fn opted_out(contact: Option<ContactId>, phone: &Phone, source: Source) -> Self {
        Self::new(WebhookEvent::ContactOptedOut, None, Some(phone), json!({"contactId": contact, "source": source}))
    }

    /// A number was put on the list by hand.
    pub(crate) fn suppressed(id: SuppressionId, phone: &Phone, reason: &str) -> Self {
        let fields = json!({"suppressionId": id, "source": Source::Manual, "reason": short(reason)});
        Self::new(WebhookEvent::ContactSuppressed, None, Some(phone), fields)
    }

    /// An import with what became of its rows.
    pub(crate) fn imported(id: ImportId, file: &str, [created, merged, duplicates, invalid]: [i64; 4]) -> Self {
        let rows = json!({"created": created, "merged": merged, "duplicates": duplicates, "invalid": invalid});
        Self::new(WebhookEvent::ImportCompleted, None, None, json!({"importId": id, "fileName": short(file), "rows": rows}))
    }

    /// A campaign stopped for want of credits.
    pub(crate) fn credits_low(id: CampaignId, name: &str, why: &str) -> Self {
        Self::new(WebhookEvent::CreditsLow, Some(id), None, json!({"campaignName": short(name), "reason": short(why)}))
    }

    /// What somebody asked for, to see whether it arrives.
    pub(super) fn test() -> Self {
        Self::new(WebhookEvent::Test, None, None, json!({"message": "It works."}))
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}
