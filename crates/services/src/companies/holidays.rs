//! Days off of a company. The dialer keeps them like its hours; see `dialer::window`.

use crate::db::Tx;
use crate::error::Result;
use model::accounts::Permission;
use model::error::Check;
use model::events::EventKind;
use model::holidays::{HOLIDAYS_MAX, Holiday, HolidayForm};
use sqlx::types::Json;

/// The company's days off, the first day first; for every role, because screens say when calls are placed.
///
/// # Errors
/// When the database refuses.
pub async fn holidays(tx: &mut Tx) -> Result<Vec<Holiday>> {
    let stored: Json<Vec<Holiday>> =
        sqlx::query_scalar("select holidays from companies where id = app.company()").fetch_one(tx.conn()).await?;
    Ok(stored.0)
}

/// The same, kept from being changed by others until this transaction ends.
async fn lock(tx: &mut Tx) -> Result<Vec<Holiday>> {
    let stored: Json<Vec<Holiday>> =
        sqlx::query_scalar("select holidays from companies where id = app.company() for no key update")
            .fetch_one(tx.conn())
            .await?;
    Ok(stored.0)
}

/// Adds a day off; kept from the next dial on.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `Invalid`, also when the company has this day already, or too many.
pub async fn add_holiday(tx: &mut Tx, form: &HolidayForm) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let new = form.read()?;
    let mut all = lock(tx).await?;
    let is_known = all.iter().any(|old| old.on == new.on && old.name == new.name);
    Check::new()
        .need(!is_known, "name", "This day is in the list already.")
        .need(all.len() < HOLIDAYS_MAX, "on", "A company has at most 200 holidays. Remove some that are over.")
        .done()?;
    let text = format!("Holiday added: {}", told(&new));
    all.push(new);
    all.sort_by_key(|holiday| holiday.on);
    save(tx, &all, text).await
}

/// Takes a day off from the list.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `NotFound`.
pub async fn remove_holiday(tx: &mut Tx, on: &str, name: &str) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let mut all = lock(tx).await?;
    let at = all.iter().position(|holiday| holiday.on.to_string() == on && holiday.name == name);
    let gone = all.remove(at.ok_or_else(|| model::Error::not_found("holiday"))?);
    save(tx, &all, format!("Holiday removed: {}", told(&gone))).await
}

async fn save(tx: &mut Tx, all: &[Holiday], text: String) -> Result<()> {
    sqlx::query("update companies set holidays = $1 where id = app.company()").bind(Json(all)).execute(tx.conn()).await?;
    crate::dialer::wake_company(tx).await?;
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

/// `2026-12-25 Christmas, every year, the whole day`
fn told(holiday: &Holiday) -> String {
    let Holiday { on, name, yearly, .. } = holiday;
    format!("{on} {name}, {}, {}", if *yearly { "every year" } else { "once" }, holiday.closed().to_lowercase())
}
