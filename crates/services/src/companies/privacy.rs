//! What a company promised about the people it calls, and what follows from it at once. Each place that keeps or sends something
//! asks here; what is there already is removed by `retention`.

use super::defaults::{load_retention, retained, write_retention};
use super::{Shown, changes};
use crate::db::Tx;
use crate::error::Result;
use model::accounts::Permission;
use model::companies::{Privacy, Retention};
use model::events::EventKind;

/// What the company promised; for every role, because it explains what screens do not show.
///
/// # Errors
/// When the database refuses.
pub async fn privacy(tx: &mut Tx) -> Result<Privacy> {
    let (hipaa, gdpr) = sqlx::query_as("select hipaa, gdpr from companies where id = app.company()").fetch_one(tx.conn()).await?;
    Ok(Privacy { hipaa, gdpr })
}

/// Saves it. In force from the next call, message and mail on; what was kept before under another promise goes the next night.
/// GDPR mode gives every kind of data an end that had none.
///
/// # Errors
/// `Forbidden` without `ManageSettings`.
pub async fn save_privacy(tx: &mut Tx, new: Privacy) -> Result<()> {
    let kept = load_retention(tx).await?;
    tx.require(Permission::ManageSettings)?;
    let before = privacy(tx).await?;
    sqlx::query("update companies set hipaa = $1, gdpr = $2 where id = app.company()")
        .bind(new.hipaa)
        .bind(new.gdpr)
        .execute(tx.conn())
        .await?;
    let keeps = if new.gdpr { kept.or(Retention::GDPR) } else { kept };
    write_retention(tx, &keeps).await?;
    let on = |is_on: bool| if is_on { "on" } else { "off" }.to_owned();
    let modes = [("HIPAA mode", on(before.hipaa), on(new.hipaa)), ("GDPR mode", on(before.gdpr), on(new.gdpr))].into_iter();
    let pairs: Vec<_> = modes.chain(retained(&kept, &keeps)).collect();
    let pairs: Vec<(&str, Shown<'_>, Shown<'_>)> = pairs.iter().map(|(name, was, is)| (*name, was as _, is as _)).collect();
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), changes("Privacy", &pairs)).await
}
