//! Phone numbers: each belongs to a gateway, has slots of its own, and may be answered by one inbound campaign.
//! Which number a call is made from is decided in `dialer::numbers`.

pub(crate) mod repo;
#[cfg(test)]
mod tests;

use crate::campaigns;
use crate::db::Tx;
use crate::error::Result;
use model::id::CampaignId;
use model::numbers::NumberRow;

/// Numbers of one company; far above what one provider account has in use.
pub(crate) const NUMBERS_MAX: i64 = 200;

/// The company's numbers, for every role: the settings page and the campaign dialog show them.
///
/// # Errors
/// When the database refuses.
pub async fn list(tx: &mut Tx) -> Result<Vec<NumberRow>> {
    repo::list(tx).await
}

/// The numbers that a campaign answers.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`, or `NotFound`.
pub async fn answered_by(tx: &mut Tx, campaign: CampaignId) -> Result<Vec<NumberRow>> {
    campaigns::load(tx, campaign).await?;
    let answers = |row: &NumberRow| row.campaign.as_ref().is_some_and(|(id, _)| *id == campaign);
    Ok(repo::list(tx).await?.into_iter().filter(answers).collect())
}
