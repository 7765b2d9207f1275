//! Placing a committed intent and writing down the answer: `act` has the network and no transaction,
//! `record` has a transaction and no network.

use super::gateway::{self, Health, Network};
use super::plan::Dial;
use super::reconcile;
use crate::calls::repo::Placed;
use crate::calls::{self, Report, Step};
use crate::db::Tx;
use crate::dialer::lease::Lease;
use crate::error::Result;
use chrono::TimeDelta;
use model::calls::{CallState, Outcome};
use model::id::GatewayId;
use model::phone::Phone;
use model::time::Timestamp;
use providers::{Answer, Refusal, RefusalKind};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// An intent whose request has not started this long after its commit is not dialed any more.
pub const START_SECONDS_MAX: u64 = 1;
/// After a refusal that is not the contact's doing.
const BACK_OFF_SECONDS: i64 = 60;

/// Asks the provider to call, unless the intent is stale or the lease is gone; then nothing was written to
/// the network and the reconciler will find nothing there.
pub async fn act(network: &Network, lease: &Lease, dial: &Dial, committed: Instant) -> Answer {
    if committed.elapsed() > Duration::from_secs(START_SECONDS_MAX) {
        return Answer::Unknown { why: "not started in time; looking it up instead".to_owned() };
    }
    if !lease.holds() {
        return Answer::Unknown { why: "this worker's lease ended; looking it up instead".to_owned() };
    }
    network.provider(&dial.gateway).originate(&dial.originate).await
}

/// Writes down what the provider said to an intent.
///
/// # Errors
/// When the database refuses; the intent then stays for the reconciler.
pub async fn record(tx: &mut Tx, dial: &Dial, answer: Answer) -> Result<()> {
    record_all(tx, vec![(dial, answer)]).await
}

/// The same for many intents of one company: every statement is about all of them.
///
/// # Errors
/// When the database refuses; then nothing is written down.
pub async fn record_all(tx: &mut Tx, answers: Vec<(&Dial, Answer)>) -> Result<()> {
    let now = tx.now();
    let ids: Vec<_> = answers.iter().map(|(dial, _)| dial.call).collect();
    calls::repo::lock_all(tx, &ids).await?;
    let (mut steps, mut placed, mut answering, mut refused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut gateways = BTreeMap::<GatewayId, Health>::new();
    for (dial, answer) in answers {
        let (call, speed, health) = (dial.call, dial.gateway.speed(tx.config()), gateways.entry(dial.gateway.id).or_default());
        match answer {
            Answer::Placed(id) => {
                health.note_success();
                steps.push(Step { call, title: "Accepted by the provider", detail: id.to_string() });
                placed.push(Placed { call, provider_id: id.to_string(), check_at: now + reconcile::first_check(dial, speed) });
                answering.push((call, dial.originate.to.clone()));
            }
            Answer::Unknown { why } => {
                health.note_error();
                steps.push(Step { call, title: "No answer from the provider", detail: why });
                calls::repo::note_unknown(tx, call, now + reconcile::settling(speed)).await?;
            }
            Answer::Refused(refusal) => {
                match refusal.kind {
                    RefusalKind::Permanent => health.note_success(),
                    RefusalKind::Transient => health.note_error(),
                    RefusalKind::Configuration => {}
                }
                steps.push(Step { call, title: "Refused by the provider", detail: refusal.to_string() });
                refused.push((call, end_of(refusal, now, speed)));
            }
        }
    }
    calls::repo::note_placed(tx, &placed).await?;
    calls::steps(tx, steps).await?;
    let answering_phones: Vec<_> = answering.iter().map(|(_, phone): &(_, Phone)| phone.clone()).collect();
    // Slots, gateways, numbers: the order in which `plan` locks them.
    calls::absorb_all(tx, refused, &answering_phones).await?;
    for (gateway, health) in gateways {
        gateway::note(tx, gateway, health).await?;
    }
    calls::spare_suppressed(tx, &answering).await
}

/// A refusal is the end of the call.
fn end_of(refusal: Refusal, now: Timestamp, speed: i32) -> Report {
    let permanent = refusal.kind == RefusalKind::Permanent;
    let back_off = refusal.retry_after.and_then(|d| TimeDelta::from_std(d).ok()).unwrap_or(TimeDelta::seconds(BACK_OFF_SECONDS));
    Report {
        provider_code: Some(refusal.code),
        permanent,
        uncounted_until: (!permanent).then(|| now + back_off / speed),
        pause: (refusal.kind == RefusalKind::Configuration)
            .then(|| format!("The provider refuses the account: {}", refusal.message)),
        ..Report::state(CallState::ended(Outcome::Failed))
    }
}
