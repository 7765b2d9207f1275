//! SQL that moves calls.

use super::Report;
use crate::db::Tx;
use crate::error::Result;
use model::calls::{AnsweredBy, CallState, CallStatus, Declined, Outcome};
use model::credits::{Credits, Price};
use model::id::{CallId, CampaignId, EnrollmentId, GatewayId, NumberId};
use model::phone::Phone;
use model::time::Timestamp;
use std::collections::HashMap;

/// A call's moving parts.
#[derive(sqlx::FromRow, Debug, Clone)]
pub(crate) struct Stored {
    pub id: CallId,
    /// `None` for a call that came in.
    pub enrollment_id: Option<EnrollmentId>,
    /// `None` only for a call in that was not taken.
    pub campaign_id: Option<CampaignId>,
    pub declined: Option<Declined>,
    pub gateway_id: GatewayId,
    pub number_id: Option<NumberId>,
    pub phone: Phone,
    pub status: CallStatus,
    pub outcome: Option<Outcome>,
    pub answered_by: Option<AnsweredBy>,
    pub provider_call_id: Option<String>,
    pub per_minute: i64,
    pub initial_seconds: i64,
    pub step_seconds: i64,
    pub held: Credits,
    pub cost: Option<Credits>,
    pub settled_at: Option<Timestamp>,
    pub talk_seconds: i64,
}

impl Stored {
    pub(crate) fn state(&self) -> CallState {
        CallState { status: self.status, outcome: self.outcome, answered_by: self.answered_by }
    }
    pub(crate) fn price(&self) -> Price {
        Price { per_minute: self.per_minute, initial_seconds: self.initial_seconds, step_seconds: self.step_seconds }
    }
}

/// The call, locked until the end of the transaction.
pub(crate) async fn lock(tx: &mut Tx, id: CallId) -> Result<Stored> {
    Ok(lock_all(tx, &[id]).await?.remove(&id).ok_or_else(|| model::Error::not_found("call"))?)
}

/// Those of these calls that there are, locked in one order until the end of the transaction.
pub(crate) async fn lock_all(tx: &mut Tx, ids: &[CallId]) -> Result<HashMap<CallId, Stored>> {
    let calls: Vec<Stored> = sqlx::query_as(
        "select id, enrollment_id, campaign_id, declined, gateway_id, number_id, phone, status, outcome, answered_by, provider_call_id,
                per_minute, initial_seconds, step_seconds, held, cost, settled_at, talk_seconds
         from calls where id = any($1) order by id for update",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    Ok(calls.into_iter().map(|call| (call.id, call)).collect())
}

/// A call, what is told of it, and what it comes to.
#[derive(Debug)]
pub(super) struct Change {
    pub was: Stored,
    pub report: Report,
    pub is: Stored,
    /// Its end, which is settled with this change.
    pub settled: Option<Settled>,
}

/// What settling a call writes down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub cost: Credits,
    pub overrun: Credits,
    /// It is an attempt.
    pub counted: bool,
}

impl Stored {
    /// Joined with a report; facts only ever grow.
    pub(super) fn joined(&self, report: &Report) -> Self {
        let CallState { status, outcome, answered_by } = self.state().join(report.state);
        // A call in may begin under the id of a question; what follows names the call itself.
        let told = report.provider_call_id.as_ref();
        let first = if self.enrollment_id.is_none() { told } else { self.provider_call_id.as_ref() };
        let provider_call_id = first.or(told).or(self.provider_call_id.as_ref()).cloned();
        let talk_seconds = self.talk_seconds.max(report.talk_seconds.unwrap_or(0));
        Self { status, outcome, answered_by, provider_call_id, talk_seconds, ..self.clone() }
    }
}

/// Writes what calls come to, and whatever else the reports add.
pub(super) async fn update_all(tx: &mut Tx, changes: &[Change]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let text = |of: fn(&Change) -> Option<&String>| changes.iter().map(|c| of(c).cloned()).collect::<Vec<_>>();
    let answered = |c: &Change| {
        let is_answered = matches!(c.is.status, CallStatus::Answered | CallStatus::InProgress);
        c.report.answered_at.or(is_answered.then_some(now))
    };
    let over = |c: &Change| c.is.state().is_ended().then(|| c.report.ended_at.unwrap_or(now));
    sqlx::query(
        "update calls set status = n.state, outcome = n.ended_with, answered_by = n.who, provider_call_id = n.their_id,
                provider_status = coalesce(n.their_status, provider_status), provider_code = coalesce(n.their_code, provider_code),
                answered_at = least(answered_at, n.picked_up), ended_at = least(ended_at, n.over), talk_seconds = n.talked,
                provider_cost_micros = coalesce(n.price, provider_cost_micros),
                provider_currency = coalesce(n.their_currency, provider_currency),
                check_at = case when n.state = 'ended' then null else check_at end, recorded_at = coalesce(recorded_at, $1),
                settled_at = case when n.paid is null then settled_at else $1 end, cost = coalesce(n.paid, cost),
                overrun = coalesce(n.beyond, overrun), counted = counted and n.counts
         from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
                $10::timestamptz[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[], $16::bool[])
            as n (call, state, ended_with, who, their_id, their_status, their_code, picked_up, over, talked, price, their_currency,
                paid, beyond, counts)
         where id = n.call and id = any($2)",
    )
    .bind(now)
    .bind(changes.iter().map(|c| c.was.id).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.is.status).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.is.outcome).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.is.answered_by).collect::<Vec<_>>())
    .bind(text(|c| c.is.provider_call_id.as_ref()))
    .bind(text(|c| c.report.provider_status.as_ref()))
    .bind(text(|c| c.report.provider_code.as_ref()))
    .bind(changes.iter().map(answered).collect::<Vec<_>>())
    .bind(changes.iter().map(over).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.is.talk_seconds).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.report.price.as_ref().map(|(micros, _)| *micros)).collect::<Vec<_>>())
    .bind(text(|c| c.report.price.as_ref().map(|(_, currency)| currency)))
    .bind(changes.iter().map(|c| c.settled.map(|s| s.cost.0)).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.settled.map(|s| s.overrun.0)).collect::<Vec<_>>())
    .bind(changes.iter().map(|c| c.settled.is_none_or(|s| s.counted)).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether it is more than was known.
pub(super) async fn note_overrun(tx: &mut Tx, id: CallId, over: Credits) -> Result<bool> {
    let done = sqlx::query("update calls set overrun = $2 where id = $1 and overrun < $2")
        .bind(id)
        .bind(over)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// A call that the provider accepted.
#[derive(Debug)]
pub(crate) struct Placed {
    pub call: CallId,
    pub provider_id: String,
    /// When it is looked up if nothing is heard of it.
    pub check_at: Timestamp,
}

pub(crate) async fn note_placed(tx: &mut Tx, placed: &[Placed]) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update calls set provider_call_id = coalesce(provider_call_id, n.their_id), recorded_at = coalesce(recorded_at, $4),
                check_at = case when status = 'ended' then null else n.look_at end
         from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as n (call, their_id, look_at) where id = n.call and id = any($1)",
    )
    .bind(placed.iter().map(|p| p.call).collect::<Vec<_>>())
    .bind(placed.iter().map(|p| p.provider_id.as_str()).collect::<Vec<_>>())
    .bind(placed.iter().map(|p| p.check_at).collect::<Vec<_>>())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Nobody knows whether the provider has it; the reconciler looks.
pub(crate) async fn note_unknown(tx: &mut Tx, id: CallId, check_at: Timestamp) -> Result<()> {
    sqlx::query("update calls set check_at = case when status = 'ended' then null else $2 end where id = $1")
        .bind(id)
        .bind(check_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes the look-up of a call that is due; `false` when it is not (any more).
pub(crate) async fn claim_check(tx: &mut Tx, id: CallId, until: Timestamp) -> Result<bool> {
    let now = tx.now();
    let done = sqlx::query("update calls set check_at = $2 where id = $1 and check_at <= $3 and status <> 'ended'")
        .bind(id)
        .bind(until)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether nobody has told us of this call since its intent was committed. Locks the call, so that whoever
/// hears of it next waits for this transaction.
pub(crate) async fn is_unheard(tx: &mut Tx, id: CallId) -> Result<bool> {
    let call = lock(tx, id).await?;
    Ok(call.status == CallStatus::Dialing && call.provider_call_id.is_none())
}

/// Calls to these numbers that were placed and that nobody has answered.
pub(crate) async fn unanswered_to(tx: &mut Tx, phones: &[Phone]) -> Result<Vec<CallId>> {
    Ok(sqlx::query_scalar(
        "select id from calls where phone = any($1) and status in ('dialing', 'ringing') and provider_call_id is not null",
    )
    .bind(phones)
    .fetch_all(tx.conn())
    .await?)
}

/// Looked up and not found.
pub(crate) async fn note_absent(tx: &mut Tx, id: CallId, next: Timestamp) -> Result<()> {
    sqlx::query("update calls set absent = absent + 1, checks = checks + 1, check_at = $2 where id = $1 and status <> 'ended'")
        .bind(id)
        .bind(next)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Looked up and still under way, or not to be told.
pub(crate) async fn check_again(tx: &mut Tx, id: CallId, next: Timestamp) -> Result<()> {
    sqlx::query("update calls set checks = checks + 1, check_at = $2 where id = $1 and status <> 'ended'")
        .bind(id)
        .bind(next)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The person asked not to be called again; `false` when this call had said so already.
pub(super) async fn mark_opted_out(tx: &mut Tx, id: CallId) -> Result<bool> {
    let done =
        sqlx::query("update calls set opted_out = true where id = $1 and not opted_out").bind(id).execute(tx.conn()).await?;
    Ok(done.rows_affected() == 1)
}

/// Outcome, talk and time of the attempts that count, of each of these enrollments.
pub(super) async fn counted_outcomes(tx: &mut Tx, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Vec<Attempt>>> {
    let rows: Vec<(EnrollmentId, Outcome, i64, Timestamp)> = sqlx::query_as(
        "select enrollment_id, outcome, talk_seconds, created_at from calls
         where enrollment_id = any($1) and outcome is not null and counted",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    let mut all = HashMap::<_, Vec<_>>::new();
    for (id, outcome, talk_seconds, at) in rows {
        all.entry(id).or_default().push(Attempt { outcome, talk_seconds, at });
    }
    Ok(all)
}

/// An attempt that counts, after its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub outcome: Outcome,
    pub talk_seconds: i64,
    pub at: Timestamp,
}

pub(super) async fn is_last_of_enrollment(tx: &mut Tx, id: CallId) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from enrollments where last_call_id = $1)")
        .bind(id)
        .fetch_one(tx.conn())
        .await?)
}

/// Which call a provider's id belongs to.
pub(super) async fn find_by_provider_id(tx: &mut Tx, gateway: GatewayId, provider_id: &str) -> Result<Option<CallId>> {
    Ok(sqlx::query_scalar("select id from calls where gateway_id = $1 and provider_call_id = $2")
        .bind(gateway)
        .bind(provider_id)
        .fetch_optional(tx.conn())
        .await?)
}

/// The call that was recorded for a question.
pub(super) async fn find_asked(tx: &mut Tx, gateway: GatewayId, asked_as: &str) -> Result<Option<CallId>> {
    Ok(sqlx::query_scalar("select id from calls where gateway_id = $1 and asked_as = $2")
        .bind(gateway)
        .bind(asked_as)
        .fetch_optional(tx.conn())
        .await?)
}

pub(super) async fn add_digits(tx: &mut Tx, id: CallId, digits: &str) -> Result<()> {
    sqlx::query("update calls set digits = case when position($2 in digits) > 0 then digits else digits || $2 end where id = $1")
        .bind(id)
        .bind(digits)
        .execute(tx.conn())
        .await?;
    Ok(())
}
