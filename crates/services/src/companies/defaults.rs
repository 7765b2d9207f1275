//! What new campaigns and agents of a company start from, and how long traces of its calls are kept. `retention` obeys the latter.

use super::changes;
use crate::db::Tx;
use crate::error::Result;
use model::accounts::Permission;
use model::companies::{Defaults, Retention};
use model::events::EventKind;
use sqlx::types::Json;

/// What new campaigns and agents start from, for every role that makes them.
///
/// # Errors
/// When the database refuses.
pub async fn defaults(tx: &mut Tx) -> Result<Defaults> {
    let stored: Json<Defaults> =
        sqlx::query_scalar("select defaults from companies where id = app.company()").fetch_one(tx.conn()).await?;
    Ok(stored.0)
}

/// Saves it; what exists already stays as it is.
///
/// # Errors
/// `Forbidden`, or `Invalid` with a message per field.
pub async fn save_defaults(tx: &mut Tx, new: &Defaults) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    new.check()?;
    let before = defaults(tx).await?;
    sqlx::query("update companies set defaults = $1 where id = app.company()").bind(Json(new)).execute(tx.conn()).await?;
    let subject = tx.actor().company().to_string();
    let text = changes(
        "Defaults",
        &[
            ("attempts", &before.attempts_max, &new.attempts_max),
            ("attempts a day", &before.attempts_per_day_max, &new.attempts_per_day_max),
            ("minutes a call", &before.call_minutes_max, &new.call_minutes_max),
            ("recording", &on(before.record), &on(new.record)),
            ("language", &before.language, &new.language),
        ],
    );
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

const fn on(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

/// How long traces of calls are kept.
///
/// # Errors
/// `Forbidden` without `ManageSettings`.
pub async fn load_retention(tx: &mut Tx) -> Result<Retention> {
    tx.require(Permission::ManageSettings)?;
    let stored: Json<Retention> =
        sqlx::query_scalar("select retention from companies where id = app.company()").fetch_one(tx.conn()).await?;
    Ok(stored.0)
}

/// Saves it; obeyed from the next night on.
///
/// # Errors
/// `Forbidden`, or `Invalid` with a message per field.
pub async fn save_retention(tx: &mut Tx, new: &Retention) -> Result<()> {
    let before = load_retention(tx).await?;
    new.check(super::privacy(tx).await?.gdpr)?;
    write_retention(tx, new).await?;
    let text = changes("Retention", &retained(&before, new).each_ref().map(|(name, was, is)| (*name, was as _, is as _)));
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

pub(super) async fn write_retention(tx: &mut Tx, new: &Retention) -> Result<()> {
    sqlx::query("update companies set retention = $1 where id = app.company()").bind(Json(new)).execute(tx.conn()).await?;
    Ok(())
}

/// Each kind with how long it was kept, and how long it is.
pub(super) fn retained(before: &Retention, now: &Retention) -> [(&'static str, String, String); 4] {
    let days = |days: Option<i32>| days.map_or("for ever".to_owned(), |days| format!("{days} days"));
    [
        ("recordings", days(before.recordings_days), days(now.recordings_days)),
        ("transcripts", days(before.transcripts_days), days(now.transcripts_days)),
        ("calls", days(before.calls_days), days(now.calls_days)),
        ("contacts", days(before.contacts_days), days(now.contacts_days)),
    ]
}
