//! Slots: room for calls in flight on four scopes. Their rows are locked in one order by everybody: company, gateway,
//! campaign, number.

use crate::db::Tx;
use crate::error::Result;
use model::id::{CampaignId, GatewayId, NumberId};

/// Where a call takes its slots, besides in its company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub campaign: CampaignId,
    pub gateway: GatewayId,
    pub number: Option<NumberId>,
}

/// Locks the slots of company, gateway and campaign; how many calls fit under all of them.
pub(super) async fn free_slots(tx: &mut Tx, campaign: CampaignId, gateway: GatewayId) -> Result<i64> {
    let rows: Vec<(i32, i32)> = sqlx::query_as(
        "select in_use, cap from capacity
         where scope = 'company' or (scope = 'gateway' and ref = $2) or (scope = 'campaign' and ref = $1)
         order by case scope when 'company' then 0 when 'gateway' then 1 else 2 end for update",
    )
    .bind(campaign)
    .bind(gateway)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(used, cap)| i64::from(cap - used)).min().unwrap_or(0))
}

/// Takes (`by` 1) or frees (`by` -1) the slots of these calls.
pub(crate) async fn move_slots(tx: &mut Tx, seats: &[Seat], by: i32) -> Result<()> {
    sqlx::query(
        "with moved as (
            select scope, ref, count(*)::int as calls from (
                select 'gateway' as scope, ref from unnest($1::uuid[]) as ref
                union all select 'campaign', ref from unnest($2::uuid[]) as ref
                union all select 'number', ref from unnest($3::uuid[]) as ref where ref is not null) seats
            group by scope, ref),
         locked as (
            select c.scope, c.ref, coalesce(m.calls, cardinality($1)) as calls
            from capacity c left join moved m on m.scope = c.scope and m.ref = c.ref
            where c.scope = 'company' or (m.ref is not null and c.ref = any($1 || $2 || $3))
            order by case c.scope when 'company' then 0 when 'gateway' then 1 when 'campaign' then 2 else 3 end, c.ref for update of c)
         update capacity c set in_use = c.in_use + $4 * l.calls from locked l where c.scope = l.scope and c.ref = l.ref",
    )
    .bind(seats.iter().map(|seat| seat.gateway).collect::<Vec<_>>())
    .bind(seats.iter().map(|seat| seat.campaign).collect::<Vec<_>>())
    .bind(seats.iter().map(|seat| seat.number).collect::<Vec<_>>())
    .bind(by)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks the company's slots, before any others; whether one is free.
pub(crate) async fn lock_company_slots(tx: &mut Tx) -> Result<bool> {
    let free = sqlx::query_scalar("select in_use < cap from capacity where scope = 'company' for update");
    Ok(free.fetch_optional(tx.conn()).await?.unwrap_or(false))
}

/// Locks the slots of a gateway, a campaign and a number, in that order, after the company's; whether each has a free one.
pub(crate) async fn lock_more_slots(
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
