//! One contact in one campaign: where it is, when it is due, and why it is not being called.

pub(crate) mod repo;
#[cfg(test)]
mod tests;
mod why;

pub use why::why;

use crate::db::Tx;
use crate::error::Result;
use model::accounts::Permission;
use model::contacts::ContactCampaign;
use model::enrollments::{EnrollmentFilter, EnrollmentRow};
use model::id::ContactId;
use model::page::Page;

/// One page of a campaign's people, with the stored reason of each.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`. Another company's campaign has no people here.
pub async fn list(tx: &mut Tx, filter: &EnrollmentFilter) -> Result<Page<EnrollmentRow>> {
    tx.require(Permission::ViewCampaigns)?;
    repo::list(tx, filter).await
}

/// Campaigns on a contact's page.
const CAMPAIGNS_MAX: i64 = 50;

/// Where a contact stands in its campaigns, the newest first, at most 50.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`.
pub async fn of_contact(tx: &mut Tx, contact: ContactId) -> Result<Vec<ContactCampaign>> {
    tx.require(Permission::ViewCampaigns)?;
    repo::of_contact(tx, contact, CAMPAIGNS_MAX).await
}
