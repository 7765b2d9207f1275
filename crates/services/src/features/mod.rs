//! What each company has: the platform's defaults, and what a super admin decided otherwise. Verbs ask [`has`]; a transaction reads
//! it once.

mod repo;
#[cfg(test)]
mod tests;

use crate::actor::{Actor, SystemTask};
use crate::clients;
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use model::Error;
use model::accounts::Permission;
use model::events::EventKind;
use model::features::{CompanyFeatures, Feature, FeatureRow};
use model::id::CompanyId;

/// What was decided for one company: those features that are not as they are by themselves.
pub(crate) type Decided = Vec<(Feature, bool)>;

/// Whether the company has a feature. Asked once per transaction, whatever number of verbs wants to know.
///
/// # Errors
/// When the database refuses.
pub async fn has(tx: &mut Tx, feature: Feature) -> Result<bool> {
    if tx.features().is_none() {
        let decided = repo::decided(tx).await?;
        *tx.features() = Some(decided);
    }
    let decided = tx.features().iter().flatten().find(|(known, _)| *known == feature).map(|(_, is_on)| *is_on);
    Ok(decided.unwrap_or(feature.is_on_by_itself()))
}

/// The same above companies, about one of them.
pub(crate) async fn is_on(tx: &mut SystemTx, company: CompanyId, feature: Feature) -> Result<bool> {
    let stored = repo::stored(tx.conn(), company).await?;
    let decided = stored.iter().find(|row| row.feature == feature.as_str());
    Ok(decided.map_or(feature.is_on_by_itself(), |row| row.is_on))
}

/// Refuses when the company does not have a feature.
///
/// # Errors
/// `Conflict`, naming it.
pub(crate) async fn require(tx: &mut Tx, feature: Feature) -> Result<()> {
    if has(tx, feature).await? {
        return Ok(());
    }
    Err(Error::conflict(format!("{} is off for this company. Ask whoever runs this Belfry.", feature.label())).into())
}

/// All features of one's own company.
///
/// # Errors
/// `Forbidden` without `ManageSettings`.
pub async fn list(tx: &mut Tx) -> Result<Vec<FeatureRow>> {
    tx.require(Permission::ManageSettings)?;
    let (company, actor) = (tx.actor().company(), tx.actor().clone());
    let stored = repo::stored(tx.conn(), company).await?;
    Ok(rows(&actor, &stored))
}

fn rows(actor: &Actor, stored: &[repo::Stored]) -> Vec<FeatureRow> {
    let row = |feature: &Feature| {
        let decided = stored.iter().find(|row| row.feature == feature.as_str());
        FeatureRow {
            feature: *feature,
            is_on: decided.map_or(feature.is_on_by_itself(), |row| row.is_on),
            set: decided.map(|row| (row.set_by.clone(), actor.moment(row.set_at))),
        }
    };
    Feature::ALL.iter().map(row).collect()
}

/// All features of any company.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`; `NotFound`.
pub async fn of(db: &Db, actor: &Actor, company: CompanyId) -> Result<CompanyFeatures> {
    actor.require(Permission::AdminPlatform)?;
    let mut tx = db.begin_system(SystemTask::Admin).await?;
    let name = repo::name(&mut tx, company).await?.ok_or_else(|| Error::not_found("company"))?;
    let stored = repo::stored(tx.conn(), company).await?;
    Ok(CompanyFeatures { company, name, features: rows(actor, &stored) })
}

/// Turns a feature on or off for a company, or leaves it to the platform again. The company reads who did.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`; `NotFound`; `Conflict` for client companies of one that is a client itself.
pub async fn set(db: &Db, actor: &Actor, company: CompanyId, feature: Feature, is_on: Option<bool>) -> Result<()> {
    actor.require(Permission::AdminPlatform)?;
    let mut tx = db.begin_system(SystemTask::Admin).await?;
    repo::lock(&mut tx, company).await?.ok_or_else(|| Error::not_found("company"))?;
    if feature == Feature::ClientCompanies && is_on == Some(true) && clients::is_client(&mut tx, company).await? {
        return Err(Error::conflict("It is a client of another company itself, and those open none.").into());
    }
    let before = repo::stored(tx.conn(), company).await?;
    let before = rows(actor, &before).into_iter().find(|row| row.feature == feature).is_some_and(|row| row.is_on);
    repo::set(&mut tx, company, feature, is_on, actor.name()).await?;
    let word = |is_on: bool| if is_on { "on" } else { "off" };
    let after = is_on.unwrap_or(feature.is_on_by_itself());
    let how = if is_on.is_none() { ", as for all" } else { "" };
    let mut tx = tx.inside(&clients::visiting(actor, company)).await?;
    let text = format!("{}: {} → {}{how}", feature.label(), word(before), word(after));
    tx.record(EventKind::FeatureSet, Some(company.to_string()), text).await?;
    tx.commit().await
}
