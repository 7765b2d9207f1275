//! One contact in one campaign: where it is, when it is due, and why it is not being called.

pub(crate) mod repo;
#[cfg(test)]
mod tests;
mod why;

pub use why::why;

use crate::db::Tx;
use crate::error::Result;
use model::accounts::Permission;
use model::enrollments::{EnrollmentFilter, EnrollmentRow};
use model::page::Page;

/// One page of a campaign's people, with the stored reason of each.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`. Another company's campaign has no people here.
pub async fn list(tx: &mut Tx, filter: &EnrollmentFilter) -> Result<Page<EnrollmentRow>> {
    tx.require(Permission::ViewCampaigns)?;
    repo::list(tx, filter).await
}
