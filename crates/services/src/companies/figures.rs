//! How a company writes its figures, and how many calls it starts in a second at most.

use super::changes;
use crate::db::Tx;
use crate::error::Result;
use anyhow::Context;
use model::accounts::Permission;
use model::error::Check;
use model::events::EventKind;
use model::money::{Currency, Figures, Locale};

/// The most calls per second a company may set; the bound of its gateways.
const PACE_MAX: i32 = 1_000;

/// How the company writes figures; for every role that reads some.
///
/// # Errors
/// When the database refuses.
pub async fn figures(tx: &mut Tx) -> Result<Figures> {
    let (locale, currency): (Locale, String) =
        sqlx::query_as("select locale, currency from companies where id = app.company()").fetch_one(tx.conn()).await?;
    Ok(Figures { locale, currency: Currency::parse(&currency).context("a stored currency")? })
}

/// Saves how figures are written.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `Invalid` on `locale` or `currency`.
pub async fn save_figures(tx: &mut Tx, locale: &str, currency: &str) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let (new, code) = (locale.parse::<Locale>().ok(), Currency::parse(currency).ok());
    Check::new()
        .need(new.is_some(), "locale", "Choose one of the list.")
        .need(code.is_some(), "currency", "Choose a currency by its three letters, like USD.")
        .done()?;
    let before = figures(tx).await?;
    let after = Figures { locale: new.unwrap_or(before.locale), currency: code.unwrap_or(before.currency) };
    sqlx::query("update companies set locale = $1, currency = $2 where id = app.company()")
        .bind(after.locale)
        .bind(after.currency.as_str())
        .execute(tx.conn())
        .await?;
    let pairs: [(&str, super::Shown<'_>, super::Shown<'_>); 2] =
        [("figures", &before.locale, &after.locale), ("currency", &before.currency, &after.currency)];
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), changes("Settings", &pairs)).await
}

/// Calls that the whole company starts in a second at most; `None`: as many as its gateways.
///
/// # Errors
/// When the database refuses.
pub async fn pace(tx: &mut Tx) -> Result<Option<i32>> {
    let rate = sqlx::query_scalar("select calls_per_second from capacity where scope = 'company'");
    Ok(rate.fetch_optional(tx.conn()).await?.flatten())
}

/// Saves it; in force from the next dial. Its bucket begins empty, so that no change of it lets a burst through.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `Invalid` on `calls_per_second`.
pub async fn save_pace(tx: &mut Tx, per_second: Option<i32>) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let is_lawful = per_second.is_none_or(|n| (1..=PACE_MAX).contains(&n));
    Check::new().need(is_lawful, "calls_per_second", "Choose 1 to 1,000 calls a second, or leave it empty.").done()?;
    let (before, now) = (pace(tx).await?, tx.now());
    sqlx::query("update capacity set calls_per_second = $1, tokens_milli = 0, tokens_at = $2 where scope = 'company'")
        .bind(per_second)
        .bind(now)
        .execute(tx.conn())
        .await?;
    crate::dialer::wake_company(tx).await?;
    let told = |rate: Option<i32>| rate.map_or("as its gateways".to_owned(), |n| n.to_string());
    let text = changes("Settings", &[("calls a second", &told(before), &told(per_second))]);
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}
