//! Slots: room for calls in flight on four scopes. Their rows are locked in one order by everybody: company, gateway,
//! campaign, number.

use super::pace::Bucket;
use crate::db::Tx;
use crate::error::Result;
use model::id::{CampaignId, GatewayId, NumberId};
use model::time::Timestamp;

/// Where a call takes its slots, besides in its company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub campaign: CampaignId,
    pub gateway: GatewayId,
    pub number: Option<NumberId>,
}

/// What the locked slots leave.
pub(super) struct Free {
    /// Calls that fit under all of them.
    pub calls: i64,
    /// The company's calls per second, if it set a rate.
    pub pace: Option<Bucket>,
}

#[derive(sqlx::FromRow)]
struct Slots {
    in_use: i32,
    cap: i32,
    calls_per_second: Option<i32>,
    tokens_milli: i64,
    tokens_at: Timestamp,
}

/// Locks the slots of company, gateway and campaign.
pub(super) async fn free_slots(tx: &mut Tx, campaign: CampaignId, gateway: GatewayId) -> Result<Free> {
    let rows: Vec<Slots> = sqlx::query_as(
        "select in_use, cap, calls_per_second, tokens_milli, tokens_at from capacity
         where scope = 'company' or (scope = 'gateway' and ref = $2) or (scope = 'campaign' and ref = $1)
         order by case scope when 'company' then 0 when 'gateway' then 1 else 2 end for update",
    )
    .bind(campaign)
    .bind(gateway)
    .fetch_all(tx.conn())
    .await?;
    let calls = rows.iter().map(|slots| i64::from(slots.cap - slots.in_use)).min().unwrap_or(0);
    let rate = |s: &Slots| Some(Bucket { per_second: s.calls_per_second?, tokens_milli: s.tokens_milli, at: s.tokens_at });
    Ok(Free { calls, pace: rows.iter().find_map(rate) })
}

/// Writes the company's bucket back after `used` calls were taken from it. Its row is locked since [`free_slots`].
pub(super) async fn take_tokens(tx: &mut Tx, pace: &Bucket, used: i64) -> Result<()> {
    let left = pace.after(used, tx.now());
    sqlx::query("update capacity set tokens_milli = $1, tokens_at = $2 where scope = 'company'")
        .bind(left.tokens_milli)
        .bind(left.at)
        .execute(tx.conn())
        .await?;
    Ok(())
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
