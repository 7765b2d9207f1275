//! Phone numbers of a company's gateways: what outbound calls are made from and inbound campaigns answer.

use crate::id::{CampaignId, GatewayId, NumberId};

/// A number as the settings screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NumberRow {
    pub id: NumberId,
    pub phone: String,
    pub label: String,
    pub gateway: GatewayId,
    pub gateway_name: String,
    /// Rings simulated phones only.
    pub sandbox: bool,
    /// Calls in flight, both ways.
    pub in_use: i32,
    pub concurrency_max: i32,
    /// Outbound calls a day; `None` without a cap.
    pub calls_per_day_max: Option<i32>,
    /// The inbound campaign that answers it.
    pub campaign: Option<(CampaignId, String)>,
}
