//! The dialer: a state machine with its own claim loop, not a job queue.
//!
//! `plan` (one transaction) decides and commits intents; `act` (network, no transaction) places them;
//! `record` (one transaction) writes down what the provider said. No function has both a `Tx` and a
//! provider. Everything that decides is pure: `eligible`, `retry`, `window`.

mod choose;
pub mod eligible;
mod gateway;
pub mod lease;
mod numbers;
mod pace;
mod place;
mod plan;
mod reconcile;
pub mod retry;
pub mod run;
mod slots;
mod tray;
pub mod window;

#[cfg(test)]
mod tests;

pub(crate) use gateway::Gateway;
pub(crate) use gateway::load as gateway_for_reading;
pub(crate) use gateway::{COLUMNS as GATEWAY_COLUMNS, Stored as StoredGateway};
pub use gateway::{Network, Provider};
pub use place::{act, record, record_all};
pub use plan::{BATCH_MAX, Dial, Turn, plan};
pub(crate) use plan::{Live, PublishedAgent, Recent, runnable};
pub(crate) use reconcile::inbound_check;
pub use reconcile::{due_checks, reconcile};
pub(crate) use slots::{Seat, lock_company_slots, lock_more_slots, move_slots};

use crate::db::Tx;
use crate::error::Result;
use model::campaigns::Parked;
use model::id::CampaignId;

/// The channel that wakes dialers.
pub const CHANNEL: &str = "dialer";

/// Makes an active campaign runnable now and rings the bell, when this transaction commits.
pub(crate) async fn wake_campaign(tx: &mut Tx, campaign: CampaignId) -> Result<()> {
    let now = tx.now();
    sqlx::query("update campaigns set runnable_at = $2 where id = $1 and status = 'active' and direction = 'outbound'")
        .bind(campaign)
        .bind(now)
        .execute(tx.conn())
        .await?;
    ring(tx).await
}

/// Makes every active campaign of the company runnable now: after a change of hours, slots or credits.
pub(crate) async fn wake_company(tx: &mut Tx) -> Result<()> {
    let now = tx.now();
    sqlx::query("update campaigns set runnable_at = $1 where status = 'active' and direction = 'outbound'")
        .bind(now)
        .execute(tx.conn())
        .await?;
    ring(tx).await
}

/// Makes active campaigns that wait for this reason runnable now, if there are any.
pub(crate) async fn wake_parked(tx: &mut Tx, reason: Parked) -> Result<()> {
    let now = tx.now();
    let woken = sqlx::query("update campaigns set runnable_at = $1 where status = 'active' and parked = $2")
        .bind(now)
        .bind(reason)
        .execute(tx.conn())
        .await?;
    if woken.rows_affected() > 0 { ring(tx).await } else { Ok(()) }
}

async fn ring(tx: &mut Tx) -> Result<()> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(tx.conn()).await?;
    Ok(())
}
