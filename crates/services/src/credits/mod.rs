//! The wallet and the ledger. Credits move only through [`shift`]: one statement takes from the sources,
//! gives to the targets and writes the movements, so that no balance can go below zero and nothing can be
//! half moved. A movement's key makes the same thing happen once.

pub(crate) mod chain;
mod rates;
mod repo;
#[doc(hidden)]
pub mod testing;
#[cfg(test)]
mod tests;

pub(crate) use chain::audit;
pub use chain::{keep_sealing, seal_all, verify};
pub use rates::set_increment;
pub(crate) use rates::{ENGINE, tariff};

use crate::actor::Actor;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::notices;
use chrono::TimeDelta;
use model::accounts::Permission;
use model::campaigns::Parked;
use model::credits::{Account, Credits, LedgerFilter, MovementKind, MovementRow, Wallet};
use model::events::{EventKind, Topic};
use model::id::{CallId, CampaignId, CompanyId, MovementId};
use model::notices::NoticeKind;
use model::page::Page;
use model::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a new company may try the product with.
pub const WELCOME: Credits = Credits::whole(20);
/// Below this the wallet warns.
pub const LOW: Credits = Credits::whole(5);
/// The most that one adjustment moves: a billion minutes is a slip of the finger.
pub const ADJUST_MAX: Credits = Credits::whole(1_000_000_000);
/// The longest reason kept.
const REASON_MAX: usize = 200;

/// One movement to make.
#[derive(Debug, Clone)]
pub(crate) struct Shift<'a> {
    pub kind: MovementKind,
    pub amount: Credits,
    /// The same key is moved once per company.
    pub key: String,
    /// The key of a movement whose presence also means that this one happened already.
    pub instead: Option<String>,
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

/// Moves credits, all of them or none. Returns how many movements are new; those whose key is already there
/// are not made again. What several take from one balance is taken at once.
///
/// # Errors
/// `InsufficientCredits` when a source holds less than is taken; nothing changed then, and the transaction goes
/// on. `Conflict` when the same movement is being made at this moment by somebody else.
pub(crate) async fn shift(conn: &mut PgConnection, at: Timestamp, who: &str, moves: &[(MovementId, Shift<'_>)]) -> Result<usize> {
    debug_assert!(moves.iter().all(|(_, s)| s.amount > Credits::ZERO), "a movement has a positive amount");
    if moves.is_empty() {
        return Ok(0);
    }
    let same = || model::Error::conflict("This was just done by somebody else. Look again.");
    let moved = repo::shift(conn, at, who, moves).await.map_err(|e| e.when("movements_once", same))?;
    if moved > 0 {
        return Ok(moved);
    }
    // Either everything was known, or a source was short. Asked again: the statement may have waited for
    // whoever did the same, and its own view of what is known is from before that.
    let Some(short) = repo::shortage(conn, moves).await? else { return Ok(0) };
    Err(model::Error::InsufficientCredits { needed: short.needed.0, available: short.available.0 }.into())
}

async fn shift_in(tx: &mut Tx, moves: Vec<Shift<'_>>) -> Result<usize> {
    let frees = moves.iter().any(|s| s.kind.path().1 == Account::Available);
    let takes = moves.iter().any(|s| s.kind.path().0 == Account::Available);
    // What calls in give back when they end is no news: they took it a moment ago.
    let brings = moves.iter().any(|s| s.kind.path().1 == Account::Available && s.kind != MovementKind::ReleaseDirect);
    let moves: Vec<_> = moves.into_iter().map(|s| (tx.id(), s)).collect();
    let (at, who) = (tx.now(), tx.actor().name().to_owned());
    let moved = shift(tx.conn(), at, &who, &moves).await?;
    if moved > 0 {
        crate::events::notice(tx, Topic::Credits).await?;
    }
    if moved > 0 && frees {
        crate::dialer::wake_parked(tx, Parked::Credits).await?;
    }
    if moved > 0 && (takes || brings) {
        watch(tx, brings).await?;
    }
    Ok(moved)
}

/// Tells the administrators when the company has less than the amount at which they want to be told: once, until it was `brought`
/// that much again.
pub(crate) async fn watch(tx: &mut Tx, brought: bool) -> Result<()> {
    let now = tx.now();
    let Some((left, low)) = repo::watch(tx.conn(), brought, now).await? else { return Ok(()) };
    let (left, low) = (left.to_string(), low.to_string());
    let company = tx.actor().company().to_string();
    tx.record(EventKind::CreditsLow, Some(company), format!("{left} credits left, less than {low}")).await?;
    notices::tell(tx, NoticeKind::CreditsLow, "/billing".to_owned(), &[("available", &left), ("threshold", &low)]).await
}

/// Sets credits aside for a campaign. `key` tells the launch from each extension.
///
/// # Errors
/// `InsufficientCredits`.
pub(crate) async fn reserve(tx: &mut Tx, campaign: CampaignId, amount: Credits, key: String, note: &str) -> Result<bool> {
    let s = Shift { kind: MovementKind::Reserve, amount, key, instead: None, campaign: Some(campaign), call: None, note };
    Ok(shift_in(tx, vec![s]).await? > 0)
}

/// Returns whatever a campaign still has in escrow. Nothing to return is fine.
pub(crate) async fn unreserve_all(tx: &mut Tx, campaign: CampaignId, note: &str) -> Result<Credits> {
    let left = escrow(tx, campaign).await?;
    if left > Credits::ZERO {
        // Keyed by the ledger's height, so that each return of a campaign that ran several times counts.
        let key = format!("unreserve:{campaign}:{}", height(tx, campaign).await?);
        let (kind, campaign) = (MovementKind::Unreserve, Some(campaign));
        shift_in(tx, vec![Shift { kind, amount: left, key, instead: None, campaign, call: None, note }]).await?;
    }
    Ok(left)
}

/// What a campaign has in escrow right now.
pub(crate) async fn escrow(tx: &mut Tx, campaign: CampaignId) -> Result<Credits> {
    repo::balance(tx.conn(), Account::Escrow, campaign.uuid()).await
}

/// Sets more aside for a campaign that runs: what is wanted, or what is left if that is at least so much. Returns
/// what was set aside.
pub(crate) async fn extend(tx: &mut Tx, campaign: CampaignId, at_least: Credits, wanted: Credits) -> Result<Credits> {
    /// Somebody else may take what we just saw; look again then.
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        let amount = available(tx).await?.min(wanted.max(at_least));
        if amount < at_least || amount <= Credits::ZERO {
            return Ok(Credits::ZERO);
        }
        let key = format!("extend:{campaign}:{}", height(tx, campaign).await?);
        match reserve(tx, campaign, amount, key, "Extension").await {
            Err(Error::Told(model::Error::InsufficientCredits { .. })) => {}
            Err(other) => return Err(other),
            Ok(_) => return Ok(amount),
        }
    }
    Ok(Credits::ZERO)
}

/// How many movements a campaign has: tells one extension or return from the next.
pub(crate) async fn height(tx: &mut Tx, campaign: CampaignId) -> Result<i64> {
    repo::height(tx.conn(), campaign).await
}

/// What the company has available right now.
pub(crate) async fn available(tx: &mut Tx) -> Result<Credits> {
    repo::balance(tx.conn(), Account::Available, Uuid::nil()).await
}

/// Where the hold of a call comes from, and what is left of it goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purse {
    /// What a campaign set aside.
    Escrow(CampaignId),
    /// Inbound and test calls: straight from what the company has available. The campaign is only named.
    Available(Option<CampaignId>),
}

impl Purse {
    const fn campaign(self) -> Option<CampaignId> {
        match self {
            Self::Escrow(campaign) => Some(campaign),
            Self::Available(campaign) => campaign,
        }
    }
}

/// Sets the most that each call can cost aside, before they are dialed: all of them or none.
///
/// # Errors
/// `InsufficientCredits` when the purse is short of all of them together.
pub(crate) async fn hold(tx: &mut Tx, purse: Purse, calls: &[(CallId, Credits)]) -> Result<usize> {
    let kind = match purse {
        Purse::Escrow(_) => MovementKind::Hold,
        Purse::Available(_) => MovementKind::HoldDirect,
    };
    let one = |&(call, amount): &(CallId, Credits)| Shift {
        kind,
        amount,
        key: format!("hold:{call}"),
        instead: None,
        campaign: purse.campaign(),
        call: Some(call),
        note: "Longest call",
    };
    // A free call holds nothing.
    shift_in(tx, calls.iter().filter(|(_, amount)| *amount > Credits::ZERO).map(one).collect()).await
}

/// A hold to resolve: what was held, and what the call costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settlement {
    pub call: CallId,
    pub purse: Purse,
    pub held: Credits,
    pub cost: Credits,
}

impl Settlement {
    /// Captures the cost (at most what is held) and releases the rest. Either movement alone tells that it
    /// happened: a free call has no capture, one that used its whole hold no release.
    fn moves(self) -> impl Iterator<Item = Shift<'static>> {
        let (capture, release) = (format!("capture:{}", self.call), format!("release:{}", self.call));
        let captured = self.cost.min(self.held);
        let back = match self.purse {
            Purse::Escrow(_) => MovementKind::Release,
            Purse::Available(_) => MovementKind::ReleaseDirect,
        };
        let both = [
            (MovementKind::Capture, captured, capture.clone(), release.clone(), "Talk time"),
            (back, self.held - captured, release, capture, "Not used"),
        ];
        both.into_iter().filter(|(_, amount, ..)| *amount > Credits::ZERO).map(move |(kind, amount, key, other, note)| Shift {
            kind,
            amount,
            key,
            instead: Some(other),
            campaign: self.purse.campaign(),
            call: Some(self.call),
            note,
        })
    }
}

/// Resolves holds, each once: a later bill changes nothing and is no error. Returns how many movements that made.
///
/// # Errors
/// When a hold was never made.
pub(crate) async fn settle(tx: &mut Tx, ended: &[Settlement]) -> Result<usize> {
    match shift_in(tx, ended.iter().flat_map(|s| s.moves()).collect()).await {
        // One of them was resolved by somebody else while we waited for it: the others must not suffer.
        Err(Error::Told(model::Error::InsufficientCredits { .. })) if ended.len() > 1 => {
            let mut moved = 0;
            for one in ended {
                moved += shift_in(tx, one.moves().collect()).await?;
            }
            Ok(moved)
        }
        done => done,
    }
}

/// Adds credits to a company, or takes some away; never below zero. The reason is kept in the ledger.
///
/// # Errors
/// `Forbidden` without `AdjustCredits`, `Invalid`, or `InsufficientCredits`.
pub async fn adjust(tx: &mut Tx, by: Credits, reason: &str) -> Result<Wallet> {
    tx.require(Permission::AdjustCredits)?;
    let reason = reason.trim();
    let mut check = model::error::Check::new();
    check.text(reason, "reason", "the reason; the company will read it", REASON_MAX);
    check.need(by != Credits::ZERO, "amount", "Choose an amount other than zero.");
    check.need((-ADJUST_MAX.0..=ADJUST_MAX.0).contains(&by.0), "amount", "Adjust by at most 1,000,000,000 credits.");
    check.done()?;
    let kind = if by > Credits::ZERO { MovementKind::AdjustUp } else { MovementKind::AdjustDown };
    let (id, amount): (MovementId, _) = (tx.id(), Credits(by.0.abs()));
    let key = format!("adjust:{id}");
    shift_in(tx, vec![Shift { kind, amount, key, instead: None, campaign: None, call: None, note: reason }]).await?;
    let sign = if by > Credits::ZERO { "+" } else { "−" };
    tx.record(EventKind::CreditsAdjusted, None, format!("{sign}{amount} credits: {reason}")).await?;
    wallet_unchecked(tx).await
}

/// [`adjust`] from the machine's own console, as a super admin: whoever has a shell here runs the platform.
///
/// # Errors
/// `NotFound` for a company that is not there, and those of [`adjust`].
pub async fn adjust_at_console(db: &Db, company: CompanyId, by: Credits, reason: &str) -> Result<Wallet> {
    let mut tx = db.begin(&Actor::console(company)).await?;
    crate::companies::must_exist(&mut tx).await?;
    let wallet = adjust(&mut tx, by, reason).await?;
    tx.commit().await?;
    Ok(wallet)
}

/// Takes what a company gives one of its clients, `to`; [`receive`] under the same `key` brings it there. `false` when it was
/// taken before.
pub(crate) async fn give(tx: &mut Tx, key: &str, amount: Credits, to: &str) -> Result<bool> {
    transfer(tx, MovementKind::TransferOut, key, amount, to).await
}

/// Brings what [`give`] took elsewhere.
pub(crate) async fn receive(tx: &mut Tx, key: &str, amount: Credits, note: &str) -> Result<bool> {
    transfer(tx, MovementKind::TransferIn, key, amount, note).await
}

/// One half of a transfer, in a transaction that is above companies and narrowed to one: what follows from a balance is looked at by
/// [`look`], behind the company's own wall.
async fn transfer(tx: &mut Tx, kind: MovementKind, key: &str, amount: Credits, note: &str) -> Result<bool> {
    let one = Shift { kind, amount, key: key.to_owned(), instead: None, campaign: None, call: None, note };
    let (movement, at, who) = (tx.id(), tx.now(), tx.actor().name().to_owned());
    let moved = shift(tx.conn(), at, &who, &[(movement, one)]).await? > 0;
    crate::events::notice(tx, Topic::Credits).await?;
    Ok(moved)
}

/// What follows from a balance that was changed from above: administrators are told when it is low, and what waits for credits
/// goes on when it was `brought` some.
pub(crate) async fn look(db: &Db, company: CompanyId, brought: bool) -> Result<()> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    if brought {
        crate::dialer::wake_parked(&mut tx, Parked::Credits).await?;
    }
    watch(&mut tx, brought).await?;
    tx.commit().await
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
