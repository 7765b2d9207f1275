//! Slots of a call that comes in: the same rows as for a dial, locked in the same order.

use crate::db::Tx;
use crate::error::Result;
use model::id::{CampaignId, GatewayId, NumberId};

/// Locks the company's slots, before any others; whether one is free.
pub(crate) async fn lock_company_slots(tx: &mut Tx) -> Result<bool> {
    let free = sqlx::query_scalar("select in_use < cap from capacity where scope = 'company' for update");
    Ok(free.fetch_optional(tx.conn()).await?.unwrap_or(false))
}

/// Locks the slots of a gateway, a campaign and a number, in that order; whether each has a free one.
pub(crate) async fn lock_inbound_slots(
    tx: &mut Tx,
    gateway: GatewayId,
    campaign: Option<CampaignId>,
    number: Option<NumberId>,
) -> Result<bool> {
    let rows: Vec<bool> = sqlx::query_scalar(
        "select in_use < cap from capacity where (scope = 'gateway' and ref = $1) or (scope = 'campaign' and ref = $2)
         or (scope = 'number' and ref = $3)
         order by case scope when 'gateway' then 0 when 'campaign' then 1 else 2 end for update",
    )
    .bind(gateway)
    .bind(campaign)
    .bind(number)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().all(|free| free))
}
