//! What a company's administrators are told by mail: credits that run low, a campaign that finished or paused itself, an import that
//! is done. It is written down in the commit that causes it, and a job mails it once to those who want it.

mod jobs;
mod repo;
#[cfg(test)]
mod tests;

pub use jobs::MailNotice;

use crate::companies::changes;
use crate::db::{SystemTx, Tx};
use crate::error::Result;
use model::Error;
use model::accounts::{Permission, Role};
use model::credits::Credits;
use model::error::Check;
use model::events::EventKind;
use model::id::{NoticeId, UserId};
use model::notices::{NoticeChoices, NoticeKind};
use model::time::Timestamp;

/// More credits than this nobody calls low.
const CREDITS_LOW_MAX: Credits = Credits::whole(1_000_000);

/// Writes down what happened, with what its letter names and the page it leads to, and has it mailed after this commit.
pub(crate) async fn tell(tx: &mut Tx, kind: NoticeKind, path: String, facts: &[(&str, &str)]) -> Result<()> {
    let (id, now): (NoticeId, _) = (tx.id(), tx.now());
    let company = tx.actor().company();
    let facts = facts.iter().map(|(name, fact)| ((*name).to_owned(), (*fact).to_owned())).collect();
    repo::insert(tx, id, kind, &repo::Facts { path, facts }, now).await?;
    tx.enqueue(&MailNotice { company, notice: id }).await
}

/// What the one who asks is told in this company, and what they may choose.
///
/// # Errors
/// `Unauthenticated` without a person.
pub async fn choices(tx: &mut Tx) -> Result<NoticeChoices> {
    let user = person(tx)?;
    let muted = repo::muted(tx, user).await?;
    let (company_name, credits_low) = repo::company(tx).await?;
    Ok(NoticeChoices {
        company_name,
        is_told: matches!(tx.actor().role, Role::CompanyAdmin | Role::SuperAdmin),
        wanted: NoticeKind::ALL.iter().map(|kind| (*kind, !muted.contains(kind))).collect(),
        credits_low,
        may_set: tx.actor().may(Permission::ManageSettings),
    })
}

/// From now on the one who asks is mailed these kinds and no others, in this company.
///
/// # Errors
/// `Unauthenticated` without a person; `Conflict` for somebody who is no member here.
pub async fn choose(tx: &mut Tx, wanted: &[NoticeKind]) -> Result<()> {
    let user = person(tx)?;
    let muted: Vec<_> = NoticeKind::ALL.iter().copied().filter(|kind| !wanted.contains(kind)).collect();
    repo::mute(tx, user, &muted)
        .await
        .map_err(|e| e.when("muted_notices_member", || Error::conflict("You are no member here, so no letters come to you.")))?;
    let names: Vec<_> = NoticeKind::ALL.iter().filter(|kind| wanted.contains(kind)).map(|kind| kind.as_str()).collect();
    let text = if names.is_empty() { "Letters: none".to_owned() } else { format!("Letters: {}", names.join(", ")) };
    tx.record(EventKind::UserChanged, Some(user.to_string()), text).await
}

/// The person in person: a program has no mailbox.
fn person(tx: &Tx) -> Result<UserId> {
    Ok(tx.actor().user_id().ok_or(Error::Unauthenticated)?)
}

/// Sets below how many credits the administrators are told.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `Invalid` on `credits_low`.
pub async fn set_credits_low(tx: &mut Tx, low: Credits) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let is_lawful = (Credits::ZERO..=CREDITS_LOW_MAX).contains(&low);
    Check::new().need(is_lawful, "credits_low", "Choose 0 to 1,000,000 credits; 0 tells nobody.").done()?;
    let (_, before) = repo::company(tx).await?;
    repo::set_credits_low(tx, low).await?;
    let subject = tx.actor().company().to_string();
    let text = changes("Settings", &[("credits are low below", &before, &low)]);
    tx.record(EventKind::SettingsChanged, Some(subject), text).await?;
    crate::credits::watch(tx, true).await
}

/// Deletes what was told long ago.
pub(crate) async fn delete_old(tx: &mut SystemTx, before: Timestamp) -> Result<()> {
    repo::delete_old(tx, before).await
}
