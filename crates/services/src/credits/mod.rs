//! The wallet and the ledger. Credits move only through [`shift`]: one statement takes from the source,
//! gives to the target and writes the movement, so that no balance can go below zero and nothing can be
//! half moved. A movement's key makes the same thing happen once.

mod repo;
#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::error::Result;
use chrono::TimeDelta;
use model::accounts::Permission;
use model::credits::{Account, Credits, LedgerFilter, MovementKind, MovementRow, Wallet};
use model::events::Topic;
use model::id::{CallId, CampaignId, MovementId};
use model::page::Page;
use model::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a new company may try the product with.
pub const WELCOME: Credits = Credits::whole(20);
/// Below this the wallet warns.
pub const LOW: Credits = Credits::whole(5);

/// One movement to make.
#[derive(Debug, Clone)]
pub(crate) struct Shift<'a> {
    pub kind: MovementKind,
    pub amount: Credits,
    /// The same key is moved once per company.
    pub key: String,
    pub campaign: Option<CampaignId>,
    pub call: Option<CallId>,
    pub note: &'a str,
}

impl Shift<'_> {
    /// Which row of an account: the campaign's escrow, the call's hold, or the company's one.
    fn reference(&self, account: Account) -> Uuid {
        match account {
            Account::Escrow => self.campaign.map_or(Uuid::nil(), CampaignId::uuid),
            Account::Held => self.call.map_or(Uuid::nil(), CallId::uuid),
            _ => Uuid::nil(),
        }
    }
}

/// Moves credits. `Ok(false)`: a movement with this key is already there and nothing changed.
///
/// # Errors
/// `InsufficientCredits` when the source holds less than the amount; nothing changed then either. `Conflict`
/// when the same movement is being made at this moment by somebody else.
pub(crate) async fn shift(conn: &mut PgConnection, id: MovementId, at: Timestamp, who: &str, s: &Shift<'_>) -> Result<bool> {
    debug_assert!(s.amount > Credits::ZERO, "a movement has a positive amount");
    if repo::is_known(conn, &[&s.key]).await? {
        return Ok(false);
    }
    let same = || model::Error::conflict("This was just done by somebody else. Look again.");
    if repo::shift(conn, id, at, who, s).await.map_err(|e| e.when("movements_once", same))? {
        return Ok(true);
    }
    let (source, _) = s.kind.path();
    let available = repo::balance(conn, source, s.reference(source)).await?;
    Err(model::Error::InsufficientCredits { needed: s.amount.0, available: available.0 }.into())
}

async fn shift_in(tx: &mut Tx, s: &Shift<'_>) -> Result<bool> {
    let (id, at, who) = (tx.id(), tx.now(), tx.actor().name().to_owned());
    let moved = shift(tx.conn(), id, at, &who, s).await?;
    if moved {
        crate::events::notice(tx, Topic::Credits).await?;
    }
    Ok(moved)
}

/// Sets credits aside for a campaign. `key` tells the launch from each extension.
///
/// # Errors
/// `InsufficientCredits`.
pub(crate) async fn reserve(tx: &mut Tx, campaign: CampaignId, amount: Credits, key: String, note: &str) -> Result<bool> {
    let s = Shift { kind: MovementKind::Reserve, amount, key, campaign: Some(campaign), call: None, note };
    shift_in(tx, &s).await
}

/// Returns whatever a campaign still has in escrow. Nothing to return is fine.
pub(crate) async fn unreserve_all(tx: &mut Tx, campaign: CampaignId, note: &str) -> Result<Credits> {
    let left = escrow(tx, campaign).await?;
    if left > Credits::ZERO {
        // Keyed by the ledger's height, so that each return of a campaign that ran several times counts.
        let key = format!("unreserve:{campaign}:{}", height(tx, campaign).await?);
        let s = Shift { kind: MovementKind::Unreserve, amount: left, key, campaign: Some(campaign), call: None, note };
        shift_in(tx, &s).await?;
    }
    Ok(left)
}

/// What a campaign has in escrow right now.
pub(crate) async fn escrow(tx: &mut Tx, campaign: CampaignId) -> Result<Credits> {
    repo::balance(tx.conn(), Account::Escrow, campaign.uuid()).await
}

/// How many movements a campaign has: tells one extension or return from the next.
pub(crate) async fn height(tx: &mut Tx, campaign: CampaignId) -> Result<i64> {
    repo::height(tx.conn(), campaign).await
}

/// What the company has available right now.
pub(crate) async fn available(tx: &mut Tx) -> Result<Credits> {
    repo::balance(tx.conn(), Account::Available, Uuid::nil()).await
}

/// Sets the most a call can cost aside, before it is dialed.
///
/// # Errors
/// `InsufficientCredits` when the escrow is short.
pub(crate) async fn hold(tx: &mut Tx, campaign: CampaignId, call: CallId, amount: Credits) -> Result<bool> {
    let key = format!("hold:{call}");
    let s = Shift { kind: MovementKind::Hold, amount, key, campaign: Some(campaign), call: Some(call), note: "Longest call" };
    shift_in(tx, &s).await
}

/// Sets the most a call can cost aside, straight from what is available: for calls that no campaign set credits aside for.
///
/// # Errors
/// `InsufficientCredits` when the company has less; nothing changed then, and the transaction goes on.
pub(crate) async fn hold_direct(tx: &mut Tx, campaign: CampaignId, call: CallId, amount: Credits) -> Result<bool> {
    let key = format!("hold:{call}");
    let kind = MovementKind::HoldDirect;
    shift_in(tx, &Shift { kind, amount, key, campaign: Some(campaign), call: Some(call), note: "Longest call" }).await
}

/// Resolves a hold: captures `cost` (at most `held`) and releases the rest. Once: a later bill changes nothing.
///
/// # Errors
/// When the hold is not there, which the caller's lock on the call rules out.
pub(crate) async fn settle(tx: &mut Tx, campaign: CampaignId, call: CallId, held: Credits, cost: Credits) -> Result<()> {
    resolve(tx, campaign, call, held, cost, MovementKind::Release).await
}

/// The same for a hold of [`hold_direct`]: what is left of it is available again.
///
/// # Errors
/// As [`settle`].
pub(crate) async fn settle_direct(tx: &mut Tx, campaign: CampaignId, call: CallId, held: Credits, cost: Credits) -> Result<()> {
    resolve(tx, campaign, call, held, cost, MovementKind::ReleaseDirect).await
}

async fn resolve(
    tx: &mut Tx,
    campaign: CampaignId,
    call: CallId,
    held: Credits,
    cost: Credits,
    back: MovementKind,
) -> Result<()> {
    let (capture, release) = (format!("capture:{call}"), format!("release:{call}"));
    // Either movement alone tells: a free call has no capture, one that used its whole hold no release.
    if repo::is_known(tx.conn(), &[&capture, &release]).await? {
        return Ok(());
    }
    let captured = cost.min(held);
    for (kind, amount, key, note) in
        [(MovementKind::Capture, captured, capture, "Talk time"), (back, held - captured, release, "Not used")]
    {
        if amount > Credits::ZERO {
            let s = Shift { kind, amount, key, campaign: Some(campaign), call: Some(call), note };
            shift_in(tx, &s).await?;
        }
    }
    repo::forget_empty_hold(tx.conn(), call).await
}

/// What the company has, and how fast it spends.
///
/// # Errors
/// `Forbidden` without `ViewWallet`.
pub async fn wallet(tx: &mut Tx) -> Result<Wallet> {
    tx.require(Permission::ViewWallet)?;
    wallet_unchecked(tx).await
}

/// The same for the frame, whose meter every role sees.
pub(crate) async fn wallet_unchecked(tx: &mut Tx) -> Result<Wallet> {
    let week_ago = tx.now() - TimeDelta::days(7);
    repo::wallet(tx.conn(), week_ago).await
}

/// The ledger, newest first.
///
/// # Errors
/// `Forbidden` without `ViewWallet`.
pub async fn ledger(tx: &mut Tx, filter: &LedgerFilter) -> Result<Page<MovementRow>> {
    tx.require(Permission::ViewWallet)?;
    let (rows, total) = repo::ledger(tx.conn(), filter).await?;
    let items = rows
        .into_iter()
        .map(|r| MovementRow {
            id: r.id,
            at: tx.moment(r.at),
            kind: r.kind,
            amount: r.amount,
            campaign: r.campaign_id.zip(r.campaign_name),
            call: r.call_id,
            note: r.note,
            balance: r.balance,
        })
        .collect();
    Ok(Page::new(items, total, filter.paging))
}
