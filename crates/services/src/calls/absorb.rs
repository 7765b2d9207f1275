//! One report into one call: join, and at the first end settle exactly once, in one transaction.

use super::{Report, repo, spare_if_suppressed, step};
use crate::credits::{Purse, Settlement};
use crate::db::Tx;
use crate::dialer::retry::{DayPart, DayParts, Ended, History, Next, next, rule_of};
use crate::error::Result;
use crate::{campaigns, credits, dialer, enrollments, suppressions};
use anyhow::Context;
use chrono::TimeDelta;
use chrono_tz::Tz;
use model::calls::Outcome;
use model::credits::Credits;
use model::enrollments::{EnrollmentStatus, Reason};
use model::events::{EventKind, Topic};
use model::id::{CallId, CampaignId, EnrollmentId};

/// Joins a report into a call. Repeating it, in any order with others, gives the same state.
///
/// # Errors
/// `NotFound` for a call of nobody; database errors leave everything as it was.
pub(crate) async fn absorb(tx: &mut Tx, id: CallId, report: Report) -> Result<()> {
    let before = repo::lock(tx, id).await?;
    if before.declined.is_some() {
        // Over and settled when it was recorded; what follows is about the message that the caller heard.
        let detail = report.provider_status.as_deref().unwrap_or_default();
        return step(tx, id, "The provider’s report", detail).await;
    }
    let was = before.state();
    let is = was.join(report.state);
    repo::update(tx, id, is, &report).await?;
    if is != was {
        let detail = report.provider_status.as_deref().unwrap_or_default();
        let title = is.outcome.map_or(is.status.label(), Outcome::label);
        step(tx, id, title, detail).await?;
        crate::events::notice(tx, Topic::Calls).await?;
    }
    let Some(outcome) = is.outcome else {
        if before.provider_call_id.is_none() && report.provider_call_id.is_some() {
            spare_if_suppressed(tx, id, &before.phone).await?;
        }
        return Ok(());
    };
    let call = repo::lock(tx, id).await?;
    if before.settled_at.is_none() {
        settle(tx, &call, outcome, &report).await?;
    } else if was.outcome != Some(outcome) || call.talk_seconds != before.talk_seconds {
        correct(tx, &before, &call, outcome).await?;
    }
    Ok(())
}

/// The end: pay, free the slot, count, and decide what follows. Guarded by `settled_at` under the call's lock.
async fn settle(tx: &mut Tx, call: &repo::Stored, outcome: Outcome, report: &Report) -> Result<()> {
    let campaign = campaign_of(call)?;
    // Lock order: slots, campaign, enrollment, balances.
    dialer::move_slots(tx, campaign, call.gateway_id.uuid(), -1).await?;
    dialer::move_number_slots(tx, call.number_id.as_slice(), -1).await?;
    campaigns::repo::wake_after_call(tx, campaign).await?;
    let bill = call.price().cost(call.talk_seconds);
    let cost = bill.min(call.held);
    let counted = report.uncounted_until.is_none();
    let purse = if call.enrollment_id.is_some() { Purse::Escrow(campaign) } else { Purse::Available(Some(campaign)) };
    credits::settle(tx, &[Settlement { call: call.id, purse, held: call.held, cost }]).await?;
    repo::mark_settled(tx, call.id, cost, bill - cost, counted).await?;
    if bill > call.held {
        tell_overrun(tx, call, bill - cost).await?;
    }
    campaigns::repo::count_call(tx, campaign, outcome, call.talk_seconds, cost).await?;
    follow(tx, call, outcome, report).await?;
    campaigns::canary::after_call(tx, campaign).await?;
    if let Some(why) = &report.pause {
        campaigns::pause_self(tx, campaign, why).await?;
    }
    if !campaigns::repo::is_open(tx, campaign).await? {
        campaigns::return_credits(tx, campaign).await?;
    }
    let text = format!("{} after {} s, {} credits", outcome.label(), call.talk_seconds, cost);
    tx.record(EventKind::CallEnded, Some(call.id.to_string()), text).await
}

/// The campaign of a call that was taken: such a call has one.
fn campaign_of(call: &repo::Stored) -> Result<CampaignId> {
    Ok(call.campaign_id.with_context(|| format!("{} was taken without a campaign", call.id))?)
}

/// Our cost, not the company's: the provider talked longer than it was told it may.
async fn tell_overrun(tx: &mut Tx, call: &repo::Stored, over: Credits) -> Result<()> {
    tracing::error!(call = %call.id, %over, "billed beyond the hold");
    let text = format!("The provider billed {over} credits more than the longest call may cost. You do not pay them.");
    tx.record(EventKind::CallOverrun, Some(call.id.to_string()), text).await
}

/// What the end means for the person: done, opted out, or another attempt. Nothing follows a call of theirs.
async fn follow(tx: &mut Tx, call: &repo::Stored, outcome: Outcome, report: &Report) -> Result<()> {
    let (campaign, Some(enrollment)) = (campaign_of(call)?, call.enrollment_id) else { return Ok(()) };
    if !suppressions::is_suppressed(tx, std::slice::from_ref(&call.phone)).await?.is_empty() {
        count_opt_out(tx, call).await?;
        return enrollments::finish(tx, campaign, enrollment, EnrollmentStatus::OptedOut, None).await;
    }
    let Some((form, open)) = campaigns::repo::settings_of(tx, campaign).await? else { return Ok(()) };
    let retry_at = if let Some(at) = report.uncounted_until {
        enrollments::repo::uncount_attempt(tx, enrollment).await?;
        Some(at)
    } else {
        let zone = enrollments::repo::zone_of(tx, enrollment).await?;
        let history = history(tx, enrollment, call, outcome, zone).await?;
        let (at, talk_seconds, permanent, uncertain) = (tx.now(), call.talk_seconds, report.permanent, report.uncertain);
        let ended = Ended { outcome, talk_seconds, permanent, uncertain, at, zone };
        match next(ended, history, &form.retries) {
            Next::Done(status) => return enrollments::finish(tx, campaign, enrollment, status, None).await,
            Next::Again { wait } => Some(tx.now() + scaled(tx, call, wait).await?),
        }
    };
    if !open {
        let why = Some((Reason::CampaignOver, String::new()));
        return enrollments::finish(tx, campaign, enrollment, EnrollmentStatus::Cancelled, why).await;
    }
    let why = Some((Reason::NotDue, format!("after {}", outcome.label().to_lowercase())));
    enrollments::repo::set(tx, campaign, enrollment, EnrollmentStatus::Queued, retry_at, why).await
}

/// The person of an ended call does not want to be called again; each call counts once.
pub(super) async fn count_opt_out(tx: &mut Tx, call: &repo::Stored) -> Result<()> {
    // A call of theirs says nothing about a campaign that calls people.
    let Some(campaign) = call.campaign_id.filter(|_| call.enrollment_id.is_some()) else { return Ok(()) };
    if repo::mark_opted_out(tx, call.id).await? {
        campaigns::repo::count_opt_out(tx, campaign).await?;
    }
    Ok(())
}

/// Attempts of this enrollment so far, and those under the same retry rule, this one included.
async fn history(
    tx: &mut Tx,
    enrollment: EnrollmentId,
    call: &repo::Stored,
    outcome: Outcome,
    zone: Option<Tz>,
) -> Result<History> {
    let rule = rule_of(outcome, call.talk_seconds);
    let ended = repo::counted_outcomes(tx, enrollment).await?;
    let alike = ended.iter().filter(|(o, talk, _)| rule_of(*o, *talk) == rule).count();
    let tried = ended.iter().fold(DayParts::default(), |all, (.., at)| all.with(zone.and_then(|zone| DayPart::at(*at, zone))));
    let [attempts, alike] = [ended.len(), alike].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    Ok(History { attempts, alike, tried })
}

/// Waits of sandbox campaigns run at the sandbox's speed.
async fn scaled(tx: &mut Tx, call: &repo::Stored, wait: TimeDelta) -> Result<TimeDelta> {
    let gateway = dialer::gateway_for_reading(tx, call.gateway_id).await?;
    Ok(wait / gateway.speed(tx.config()))
}

/// A correction after the end: the counts follow, the settlement stands, and a person who was thought
/// reached but was a machine gets the rule for machines.
async fn correct(tx: &mut Tx, before: &repo::Stored, call: &repo::Stored, outcome: Outcome) -> Result<()> {
    let Some(was) = before.state().outcome else { return Ok(()) };
    let campaign = campaign_of(call)?;
    campaigns::repo::recount_call(tx, campaign, was, outcome, call.talk_seconds - before.talk_seconds).await?;
    let bill = call.price().cost(call.talk_seconds);
    let paid = call.cost.unwrap_or(Credits::ZERO);
    if bill > paid && repo::note_overrun(tx, call.id, bill - paid).await? {
        tell_overrun(tx, call, bill - paid).await?;
    }
    if was != outcome && repo::is_last_of_enrollment(tx, call.id).await? {
        let report = Report::state(call.state());
        follow(tx, call, outcome, &report).await?;
        campaigns::repo::wake_after_call(tx, campaign).await?;
    }
    Ok(())
}
