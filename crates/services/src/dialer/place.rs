//! Placing a committed intent and writing down the answer: `act` has the network and no transaction,
//! `record` has a transaction and no network.

use super::gateway::{self, Network};
use super::plan::Dial;
use super::reconcile;
use crate::calls::{self, Report};
use crate::db::Tx;
use crate::dialer::lease::Lease;
use crate::error::Result;
use chrono::TimeDelta;
use model::calls::{CallState, Outcome};
use providers::{Answer, RefusalKind};
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
    let (now, speed) = (tx.now(), dial.gateway.speed(tx.config()));
    match answer {
        Answer::Placed(id) => {
            calls::repo::note_placed(tx, dial.call, id.as_str(), now, now + reconcile::first_check(dial, speed)).await?;
            gateway::note_success(tx, dial.gateway.id).await?;
            calls::step(tx, dial.call, "Accepted by the provider", id.as_str()).await?;
            calls::spare_if_suppressed(tx, dial.call, &dial.originate.to).await
        }
        Answer::Unknown { why } => {
            calls::repo::note_unknown(tx, dial.call, now + reconcile::settling(speed)).await?;
            gateway::note_error(tx, dial.gateway.id).await?;
            calls::step(tx, dial.call, "No answer from the provider", &why).await
        }
        Answer::Refused(refusal) => {
            let permanent = refusal.kind == RefusalKind::Permanent;
            let kind = refusal.kind;
            calls::step(tx, dial.call, "Refused by the provider", &format!("{} ({})", refusal.message, refusal.code)).await?;
            let back_off =
                refusal.retry_after.and_then(|d| TimeDelta::from_std(d).ok()).unwrap_or(TimeDelta::seconds(BACK_OFF_SECONDS));
            let report = Report {
                provider_code: Some(refusal.code),
                permanent,
                uncounted_until: (!permanent).then(|| now + back_off / speed),
                pause: (refusal.kind == RefusalKind::Configuration)
                    .then(|| format!("The provider refuses the account: {}", refusal.message)),
                ..Report::state(CallState::ended(Outcome::Failed))
            };
            calls::absorb(tx, dial.call, report).await?;
            // The gateway's row after the slots: the order in which `plan` locks them.
            match kind {
                RefusalKind::Permanent => gateway::note_success(tx, dial.gateway.id).await,
                RefusalKind::Transient => gateway::note_error(tx, dial.gateway.id).await,
                RefusalKind::Configuration => Ok(()),
            }
        }
    }
}
