//! For load generators and tests outside this crate: holds and settlements exactly as the dialer and the inbox make
//! them. No door leads here.

use super::{Purse, Settlement};
use crate::db::Tx;
use crate::error::Result;
use model::credits::Credits;
use model::id::{CallId, CampaignId};

const fn purse(campaign: Option<CampaignId>) -> Purse {
    match campaign {
        Some(campaign) => Purse::Escrow(campaign),
        None => Purse::Available(None),
    }
}

/// Sets credits aside for a campaign.
///
/// # Errors
/// `InsufficientCredits`.
pub async fn reserve(tx: &mut Tx, campaign: CampaignId, amount: Credits) -> Result<bool> {
    super::reserve(tx, campaign, amount, format!("launch:{campaign}"), "Reserved at launch").await
}

/// A turn of the dialer: holds for all these calls.
///
/// # Errors
/// `InsufficientCredits`.
pub async fn hold(tx: &mut Tx, campaign: Option<CampaignId>, calls: &[(CallId, Credits)]) -> Result<usize> {
    super::hold(tx, purse(campaign), calls).await
}

/// The end of all these calls: what was held, and what they cost.
///
/// # Errors
/// When a hold was never made.
pub async fn settle(tx: &mut Tx, campaign: Option<CampaignId>, calls: &[(CallId, Credits, Credits)]) -> Result<usize> {
    let purse = purse(campaign);
    let ended: Vec<_> = calls.iter().map(|&(call, held, cost)| Settlement { call, purse, held, cost }).collect();
    super::settle(tx, &ended).await
}
