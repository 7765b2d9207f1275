//! Reports into calls: join, and at the first end settle exactly once, in one transaction.

use super::{Report, Step, repo, spare_suppressed};
use crate::campaigns::stats::Tally;
use crate::credits::{Purse, Settlement};
use crate::db::Tx;
use crate::dialer::retry::{DayPart, DayParts, Ended, History, Next, next, rule_of};
use crate::dialer::{Gateway, Seat};
use crate::enrollments::repo::Change;
use crate::error::Result;
use crate::webhooks::Told;
use crate::{campaigns, credits, dialer, enrollments, suppressions};
use anyhow::Context;
use chrono_tz::Tz;
use model::calls::{CallStatus, Outcome};
use model::credits::Credits;
use model::enrollments::{EnrollmentStatus, Reason};
use model::events::{EventKind, Topic};
use model::id::{CallId, CampaignId, GatewayId};
use model::phone::Phone;
use model::time::Timestamp;
use model::webhooks::WebhookEvent;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// A call that is over, and what told so.
struct End<'a> {
    call: &'a repo::Stored,
    outcome: Outcome,
    report: &'a Report,
}

/// Joins a report into a call. Repeating it, in any order with others, gives the same state.
///
/// # Errors
/// `NotFound` for a call of nobody; database errors leave everything as it was.
pub(crate) async fn absorb(tx: &mut Tx, id: CallId, report: Report) -> Result<()> {
    absorb_all(tx, vec![(id, report)], &[]).await
}

/// The same for many calls, one report for each: every statement is about all of them, so that a company whose calls end
/// by the hundred need not wait for its own slots, escrow and counters a hundred times. `later` are numbers that the caller
/// locks afterwards: they are locked here, where they belong in the order of locks.
///
/// # Errors
/// As [`absorb`]; nothing is absorbed then.
pub(crate) async fn absorb_all(tx: &mut Tx, reports: Vec<(CallId, Report)>, later: &[Phone]) -> Result<()> {
    if reports.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = reports.iter().map(|(id, _)| *id).collect();
    let mut before = repo::lock_all(tx, &ids).await?;
    let (mut changes, mut steps, mut has_moved) = (Vec::new(), Vec::new(), false);
    for (id, report) in reports {
        let was = before.remove(&id).ok_or_else(|| model::Error::not_found("call"))?;
        let detail = report.provider_status.clone().unwrap_or_default();
        if was.declined.is_some() {
            // Over and settled when it was recorded; what follows is about the message that the caller heard.
            steps.push(Step { call: id, title: "The provider’s report", detail });
            continue;
        }
        let is = was.joined(&report);
        if is.state() != was.state() {
            let title = is.outcome.map_or(is.status.label(), Outcome::label);
            steps.push(Step { call: id, title, detail });
            has_moved = true;
            tell_move(tx, &was, &is);
        }
        let settled = (is.outcome.is_some() && was.settled_at.is_none()).then(|| {
            let bill = is.price().cost(is.talk_seconds);
            let cost = bill.min(is.held);
            repo::Settled { cost, overrun: bill - cost, counted: report.uncounted_until.is_none() }
        });
        changes.push(repo::Change { was, report, is, settled });
    }
    repo::update_all(tx, &changes).await?;
    super::steps(tx, steps).await?;
    if has_moved {
        crate::events::notice(tx, Topic::Calls).await?;
    }
    let (mut ends, mut corrected, mut met) = (Vec::new(), Vec::new(), Vec::new());
    for repo::Change { was, report, is: call, settled } in &changes {
        match (call.outcome, settled) {
            (Some(outcome), Some(paid)) => ends.push((End { call, outcome, report }, *paid)),
            (Some(outcome), None) if was.outcome != Some(outcome) || call.talk_seconds != was.talk_seconds => {
                corrected.push((was, call, outcome));
            }
            (None, _) if was.provider_call_id.is_none() && report.provider_call_id.is_some() => {
                met.push((call.id, call.phone.clone()));
            }
            _ => {}
        }
    }
    let phones: Vec<_> = met.iter().map(|(_, phone): &(_, Phone)| phone).chain(later).cloned().collect();
    if !corrected.is_empty() {
        // They move counters and campaigns one after the other; whoever else does so waits for the slots first.
        dialer::lock_company_slots(tx).await?;
    }
    settle(tx, &ends, &phones).await?;
    for (was, call, outcome) in corrected {
        correct(tx, was, call, outcome).await?;
    }
    spare_suppressed(tx, &met).await
}

/// The end: pay, free the slots, count, and decide what follows. Guarded by `settled_at` under the locks of the calls.
async fn settle(tx: &mut Tx, ends: &[(End<'_>, repo::Settled)], phones: &[Phone]) -> Result<()> {
    if ends.is_empty() {
        return Ok(());
    }
    let mut gateways = HashMap::new();
    for (End { call, .. }, _) in ends {
        if let Entry::Vacant(unread) = gateways.entry(call.gateway_id) {
            unread.insert(dialer::gateway_for_reading(tx, call.gateway_id).await?);
        }
    }
    let (mut seats, mut settlements) = (Vec::new(), Vec::new());
    let mut tallies = BTreeMap::<CampaignId, Tally>::new();
    for (End { call, outcome, .. }, paid) in ends {
        let campaign = campaign_of(call)?;
        let purse = if call.enrollment_id.is_some() { Purse::Escrow(campaign) } else { Purse::Available(Some(campaign)) };
        seats.push(Seat { campaign, gateway: call.gateway_id, number: call.number_id });
        settlements.push(Settlement { call: call.id, purse, held: call.held, cost: paid.cost });
        tallies.entry(campaign).or_default().add(*outcome, call.talk_seconds, paid.cost);
    }
    let campaigns: Vec<_> = tallies.keys().copied().collect();
    // Lock order: slots, campaigns, numbers, balances, counters, enrollments.
    dialer::move_slots(tx, &seats, -1).await?;
    campaigns::repo::wake_after_calls(tx, &campaigns).await?;
    if !phones.is_empty() {
        suppressions::lock_phones(tx, phones).await?;
    }
    credits::settle(tx, &settlements).await?;
    for (end, paid) in ends.iter().filter(|(_, paid)| paid.overrun > Credits::ZERO) {
        tell_overrun(tx, end.call, paid.overrun).await?;
    }
    for (campaign, more) in &tallies {
        campaigns::stats::count(tx, *campaign, more).await?;
    }
    follow(tx, ends.iter().map(|(end, _)| end), &gateways).await?;
    let talked = ends.iter().filter(|(end, _)| end.call.talk_seconds > 0);
    let talked: Vec<_> = talked.filter_map(|(end, _)| Some((end.call.id, gateways.get(&end.call.gateway_id)?))).collect();
    super::collect::enqueue(tx, &talked).await?;
    for campaign in &campaigns {
        campaigns::canary::after_call(tx, *campaign).await?;
    }
    for (end, _) in ends {
        if let Some(why) = &end.report.pause {
            campaigns::pause_self(tx, campaign_of(end.call)?, why).await?;
        }
    }
    for campaign in &campaigns {
        if !campaigns::repo::is_open(tx, *campaign).await? {
            campaigns::return_credits(tx, *campaign).await?;
        }
    }
    for (End { call, .. }, paid) in ends {
        tx.tell(Told::ended(call.id, call.campaign_id, &call.phone, call.state(), call.talk_seconds, paid.cost));
    }
    let told = ends.iter().map(|(end, paid)| {
        let text = format!("{} after {} s, {} credits", end.outcome.label(), end.call.talk_seconds, paid.cost);
        (Some(end.call.id.to_string()), text)
    });
    tx.record_all(EventKind::CallEnded, told.collect()).await
}

/// What endpoints hear of a call that went further.
fn tell_move(tx: &mut Tx, was: &repo::Stored, is: &repo::Stored) {
    let told = |event| Told::call(event, is.id, is.campaign_id, &is.phone, is.state());
    let rings = matches!(is.status, CallStatus::Ringing | CallStatus::Answered | CallStatus::InProgress);
    if was.status == CallStatus::Dialing && rings {
        tx.tell(told(WebhookEvent::CallStarted));
    }
    tx.tell(told(WebhookEvent::CallStatusUpdated));
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

/// What the ends mean for the people: done, opted out, or another attempt. Nothing follows a call of theirs.
async fn follow<'a>(tx: &mut Tx, ends: impl Iterator<Item = &'a End<'a>>, gateways: &HashMap<GatewayId, Gateway>) -> Result<()> {
    let mut ours = Vec::new();
    for end in ends {
        if let Some(enrollment) = end.call.enrollment_id {
            ours.push((end, campaign_of(end.call)?, enrollment));
        }
    }
    if ours.is_empty() {
        return Ok(());
    }
    let phones: Vec<_> = ours.iter().map(|(end, ..)| end.call.phone.clone()).collect();
    let people: Vec<_> = ours.iter().map(|(.., enrollment)| *enrollment).collect();
    let suppressed = suppressions::is_suppressed(tx, &phones).await?;
    let zones = enrollments::repo::zones_of(tx, &people).await?;
    let attempts = repo::counted_outcomes(tx, &people).await?;
    let mut settings = HashMap::new();
    for (_, campaign, _) in &ours {
        if let Entry::Vacant(unread) = settings.entry(*campaign) {
            unread.insert(campaigns::repo::settings_of(tx, *campaign).await?);
        }
    }
    let now = tx.now();
    let (mut changes, mut uncounted) = (Vec::new(), Vec::new());
    for (end, campaign, id) in ours {
        let mut come_to = |status, next, why| changes.push(Change { campaign, id, status, next, why });
        if suppressed.contains(&end.call.phone) {
            count_opt_out(tx, end.call).await?;
            come_to(EnrollmentStatus::OptedOut, None, None);
            continue;
        }
        let Some(Some((form, is_open))) = settings.get(&campaign) else { continue };
        let retry_at = if let Some(at) = end.report.uncounted_until {
            uncounted.push(id);
            at
        } else {
            let zone = zones.get(&id).copied().flatten();
            let history = history(attempts.get(&id).map_or(&[], Vec::as_slice), end, zone);
            match next(end.told(now, zone), history, &form.retries) {
                Next::Done(status) => {
                    come_to(status, None, None);
                    continue;
                }
                // Waits of sandbox campaigns run at the sandbox's speed.
                Next::Again { wait } => now + wait / gateways.get(&end.call.gateway_id).map_or(1, |g| g.speed(tx.config())),
            }
        };
        if *is_open {
            let why = (Reason::NotDue, format!("after {}", end.outcome.label().to_lowercase()));
            come_to(EnrollmentStatus::Queued, Some(retry_at), Some(why));
        } else {
            come_to(EnrollmentStatus::Cancelled, None, Some((Reason::CampaignOver, String::new())));
        }
    }
    enrollments::repo::uncount_attempts(tx, &uncounted).await?;
    enrollments::repo::set_all(tx, &changes).await
}

impl End<'_> {
    /// What decides about a retry.
    fn told(&self, at: Timestamp, zone: Option<Tz>) -> Ended {
        let (permanent, uncertain) = (self.report.permanent, self.report.uncertain);
        Ended { outcome: self.outcome, talk_seconds: self.call.talk_seconds, permanent, uncertain, at, zone }
    }
}

/// The person of an ended call does not want to be called again; each call counts once.
pub(super) async fn count_opt_out(tx: &mut Tx, call: &repo::Stored) -> Result<()> {
    // A call of theirs says nothing about a campaign that calls people.
    let Some(campaign) = call.campaign_id.filter(|_| call.enrollment_id.is_some()) else { return Ok(()) };
    if repo::mark_opted_out(tx, call.id).await? {
        campaigns::stats::count_opt_out(tx, campaign).await?;
    }
    Ok(())
}

/// Attempts so far, and those under the same retry rule, the one that ended now included.
fn history(attempts: &[repo::Attempt], end: &End<'_>, zone: Option<Tz>) -> History {
    let rule = rule_of(end.outcome, end.call.talk_seconds);
    let alike = attempts.iter().filter(|past| rule_of(past.outcome, past.talk_seconds) == rule).count();
    let part = |past: &repo::Attempt| zone.and_then(|zone| DayPart::at(past.at, zone));
    let tried = attempts.iter().fold(DayParts::default(), |all, past| all.with(part(past)));
    let [attempts, alike] = [attempts.len(), alike].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    History { attempts, alike, tried }
}

/// A correction after the end: the counts follow, the settlement stands, and a person who was thought
/// reached but was a machine gets the rule for machines.
async fn correct(tx: &mut Tx, before: &repo::Stored, call: &repo::Stored, outcome: Outcome) -> Result<()> {
    let Some(was) = before.state().outcome else { return Ok(()) };
    let campaign = campaign_of(call)?;
    campaigns::stats::recount(tx, campaign, was, outcome, call.talk_seconds - before.talk_seconds).await?;
    let bill = call.price().cost(call.talk_seconds);
    let paid = call.cost.unwrap_or(Credits::ZERO);
    if bill > paid && repo::note_overrun(tx, call.id, bill - paid).await? {
        tell_overrun(tx, call, bill - paid).await?;
    }
    if was != outcome && repo::is_last_of_enrollment(tx, call.id).await? {
        let report = Report::state(call.state());
        let gateway = dialer::gateway_for_reading(tx, call.gateway_id).await?;
        let gateways = HashMap::from([(call.gateway_id, gateway)]);
        follow(tx, std::iter::once(&End { call, outcome, report: &report }), &gateways).await?;
        campaigns::repo::wake_after_calls(tx, &[campaign]).await?;
    }
    Ok(())
}
