//! One contact in one campaign: where it is, when it is due, and why it is not being called.

pub(crate) mod repo;
#[cfg(test)]
mod tests;
mod why;

pub use why::why;

use crate::db::Tx;
use crate::error::Result;
use model::accounts::Permission;
use model::enrollments::{EnrollmentFilter, EnrollmentRow, EnrollmentStatus, Reason};
use model::id::{CampaignId, EnrollmentId};
use model::page::Page;

/// One page of a campaign's people, with the stored reason of each.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`. Another company's campaign has no people here.
pub async fn list(tx: &mut Tx, filter: &EnrollmentFilter) -> Result<Page<EnrollmentRow>> {
    tx.require(Permission::ViewCampaigns)?;
    repo::list(tx, filter).await
}

/// Ends an enrollment, and counts it as finished.
pub(crate) async fn finish(
    tx: &mut Tx,
    campaign: CampaignId,
    id: EnrollmentId,
    status: EnrollmentStatus,
    why: Option<(Reason, String)>,
) -> Result<()> {
    debug_assert!(status.is_final(), "{status} is not final");
    repo::set(tx, campaign, id, status, None, why).await
}
