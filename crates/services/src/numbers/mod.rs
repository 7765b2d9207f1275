//! Phone numbers: each belongs to a gateway, has slots of its own, and may be answered by one inbound campaign.
//! Which number a call is made from is decided in `dialer::numbers`.

pub(crate) mod repo;
#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::dialer::Gateway;
use crate::error::Result;
use crate::{campaigns, gateways};
use model::id::CampaignId;
use model::numbers::NumberRow;
use model::phone::Phone;

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

/// Adds a number to a gateway with as many slots as the gateway has; `false` when it is there already. One that comes back under
/// another id of the provider's has lost what was set for it there: it is bound again after this commit.
///
/// # Errors
/// `Conflict` with too many.
pub(crate) async fn add(tx: &mut Tx, gateway: &Gateway, phone: &Phone, label: &str, remote_id: Option<&str>) -> Result<bool> {
    if let Some((number, is_another)) = repo::adopt(tx, gateway.id, phone, remote_id).await? {
        if is_another {
            gateways::bind_numbers(tx, &[number]).await?;
        }
        return Ok(is_another);
    }
    if repo::count(tx).await? >= NUMBERS_MAX {
        return Err(model::Error::conflict(format!("A company has at most {NUMBERS_MAX} numbers.")).into());
    }
    let (id, now) = (tx.id(), tx.now());
    let new = repo::NewNumber { id, gateway: gateway.id, phone, label, concurrency_max: gateway.concurrency_max, remote_id };
    repo::insert(tx.conn(), new, now).await?;
    crate::dialer::wake_company(tx).await?;
    let text = format!("Number {phone} added");
    tx.record(model::events::EventKind::SettingsChanged, Some(gateway.id.to_string()), text).await?;
    Ok(true)
}
