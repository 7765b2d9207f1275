//! The do-not-call list: who may not be called, and what follows from it in the same commit.
//!
//! A suppression and a dial to the same number exclude each other by an advisory lock per number: whoever
//! commits second sees the first. Locks are taken in the engine's order: campaigns, numbers, enrollments.

mod repo;
#[cfg(test)]
pub(crate) mod tests;

use crate::db::Tx;
use crate::error::{Error, Result};
use crate::events::notice;
use crate::phones;
use crate::webhooks::Told;
use model::accounts::Permission;
use model::enrollments::{EnrollmentStatus, Reason};
use model::error::Check;
use model::events::{EventKind, Topic};
use model::id::{ImportId, SuppressionId};
use model::page::Page;
use model::phone::Phone;
use model::suppressions::{Source, SuppressionFilter, SuppressionRow};
use std::collections::HashSet;
use std::slice;

/// Longest reason.
const REASON_MAX: usize = 200;

/// The newest entries first. Roles that may not see numbers get them masked, and cannot search by them.
///
/// # Errors
/// `Forbidden` without `ViewSuppressions`.
pub async fn list(tx: &mut Tx, filter: &SuppressionFilter) -> Result<Page<SuppressionRow>> {
    tx.require(Permission::ViewSuppressions)?;
    let sees = tx.actor().may(Permission::ViewPhones);
    let starts = if sees && !filter.search.trim().is_empty() {
        let region = phones::region(tx).await?;
        // A text that is no number matches none. An operator sees some numbers masked, and digit by digit would read them: they
        // ask for a whole one, which they know.
        let whole = || phones::parse(&filter.search, &region).map(String::from).into_iter().collect();
        let is_apart = tx.actor().handles_only().is_some();
        Some(if is_apart { whole() } else { phones::prefixes(&filter.search, &region) })
    } else {
        None
    };
    let (rows, total) = repo::list(tx, starts.as_deref(), filter.paging).await?;
    let items = rows.into_iter().map(|r| shown(tx, r)).collect();
    Ok(Page::new(items, total, filter.paging))
}

fn shown(tx: &Tx, r: repo::Stored) -> SuppressionRow {
    SuppressionRow {
        id: r.id,
        phone: if crate::contacts::sees(tx, r.theirs) { r.phone.into() } else { r.phone.masked() },
        source: r.source,
        reason: r.reason,
        by: r.by_name,
        created_at: tx.moment(r.created_at),
    }
}

/// Why this number is never called, when it is on the list.
///
/// # Errors
/// `Forbidden` without `ViewSuppressions`.
pub async fn of(tx: &mut Tx, phone: &Phone) -> Result<Option<SuppressionRow>> {
    tx.require(Permission::ViewSuppressions)?;
    Ok(repo::find(tx, phone).await?.map(|r| shown(tx, r)))
}

/// Puts a number on the list by hand.
///
/// # Errors
/// `Forbidden` without `ManageSuppressions`; `Invalid` when it is no number or already there.
pub async fn add(tx: &mut Tx, phone: &str, reason: &str) -> Result<SuppressionId> {
    tx.require(Permission::ManageSuppressions)?;
    check_reason(reason).map_err(|why| model::Error::field("reason", why))?;
    let region = phones::region(tx).await?;
    let phone = phones::parse(phone, &region).map_err(|why| model::Error::field("phone", why))?;
    let Some(id) = suppress(tx, &phone, Source::Manual, reason.trim()).await? else {
        return Err(model::Error::field("phone", "This number is already on the list.").into());
    };
    tx.tell(Told::suppressed(id, &phone, reason.trim()));
    tx.record(EventKind::SuppressionAdded, Some(id.to_string()), format!("{} will not be called", phone.masked())).await?;
    Ok(id)
}

/// The reason, trimmed.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_reason(text: &str) -> std::result::Result<String, &'static str> {
    let text = text.trim();
    if text.chars().count() > REASON_MAX { Err("Use at most 200 characters.") } else { Ok(text.to_owned()) }
}

/// Puts numbers from a file on the list; returns how many were not there. Those that only another import named belong to no import from
/// here on: undoing one leaves them there.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn bring_in(tx: &mut Tx, import: ImportId, phones: &[Phone], reasons: &[String]) -> Result<i64> {
    withdraw(tx, phones, EnrollmentStatus::OptedOut, Reason::Suppressed).await?;
    let new = repo::insert_imported(tx, import, phones, reasons).await?;
    spare(tx, &new).await?;
    notice(tx, Topic::Suppressions).await?;
    Ok(new.len() as i64)
}

/// Takes the next numbers off the list that nobody but this import named. Returns how many.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn take_out(tx: &mut Tx, import: ImportId, most: i64) -> Result<i64> {
    let gone = repo::remove_imported(tx, import, most).await?;
    notice(tx, Topic::Suppressions).await?;
    Ok(gone)
}

/// Takes a number off the list. Enrollments that ended because of it stay ended.
///
/// # Errors
/// `Forbidden` without `ManageSuppressions`; `Invalid` without a reason; `NotFound`.
pub async fn remove(tx: &mut Tx, id: SuppressionId, reason: &str) -> Result<()> {
    tx.require(Permission::ManageSuppressions)?;
    Check::new().text(reason, "reason", "why this number may be called again", REASON_MAX).done()?;
    let phone = repo::remove(tx, id, reason.trim()).await?.ok_or_else(|| model::Error::not_found("suppression"))?;
    let text = format!("{} may be called again: {}", phone.masked(), reason.trim());
    tx.record(EventKind::SuppressionRemoved, Some(id.to_string()), text).await
}

/// The person asked not to be called again. Doing it twice changes nothing.
///
/// Takes campaign rows, then the number's lock: call it before taking slots or balances.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn opt_out(tx: &mut Tx, phone: &Phone, source: Source, reason: &str) -> Result<()> {
    if suppress(tx, phone, source, reason).await?.is_none() {
        return Ok(());
    }
    let contact = repo::contact_of(tx, phone).await?;
    tx.tell(Told::opted_out(contact, phone, source));
    let text = format!("{} asked not to be called again ({})", phone.masked(), source.label().to_lowercase());
    tx.record(EventKind::ContactOptedOut, contact.map(|id| id.to_string()), text).await
}

/// Which of these numbers are on the list.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn is_suppressed(tx: &mut Tx, phones: &[Phone]) -> Result<HashSet<Phone>> {
    Ok(repo::suppressed(tx, phones).await?.into_iter().collect())
}

/// Keeps anyone else from dialing or suppressing these numbers until this transaction ends. Always in one order, so that two
/// transactions never wait for each other.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn lock_phones(tx: &mut Tx, phones: &[Phone]) -> Result<()> {
    repo::lock_phones(tx, phones).await
}

/// Ends every queued enrollment of these numbers: it is final from here on, its campaigns count it and look again
/// whether they are done. Enrollments in a call are left to the end of that call.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn withdraw(tx: &mut Tx, phones: &[Phone], to: EnrollmentStatus, reason: Reason) -> Result<()> {
    debug_assert!(to.is_final());
    // A number is not called again by any campaign, also not by one that whoever says so does not handle.
    tx.reach_all_campaigns().await?;
    // Campaigns first: the dialer holds its campaign while it waits for numbers.
    repo::lock_campaigns_of(tx, phones).await?;
    lock_phones(tx, phones).await?;
    let ended = repo::end_queued(tx, phones, to, reason).await?;
    if ended.is_empty() {
        return Ok(());
    }
    repo::count_finished(tx, &ended).await?;
    repo::wake(tx, &ended).await?;
    notice(tx, Topic::Campaigns).await
}

/// Forgets when a number was on the list, unless it is on it.
pub(crate) async fn forget_moves(tx: &mut Tx, phone: &Phone) -> Result<()> {
    repo::forget_moves(tx, phone).await
}

/// `None` when the number was already there, and not only because of an import; its queued enrollments are ended all the same.
async fn suppress(tx: &mut Tx, phone: &Phone, source: Source, reason: &str) -> Result<Option<SuppressionId>, Error> {
    withdraw(tx, slice::from_ref(phone), EnrollmentStatus::OptedOut, Reason::Suppressed).await?;
    let id: SuppressionId = tx.id();
    let reason: String = reason.chars().take(REASON_MAX).collect();
    let named = repo::insert(tx, id, phone, source, &reason).await?;
    if named.is_some() {
        spare(tx, slice::from_ref(phone)).await?;
    }
    Ok(named)
}

/// Whoever was dialed before this commit and has not picked up yet shall not be bothered.
async fn spare(tx: &mut Tx, phones: &[Phone]) -> Result<()> {
    for call in crate::calls::repo::unanswered_to(tx, phones).await? {
        crate::calls::spare(tx, call).await?;
    }
    Ok(())
}
