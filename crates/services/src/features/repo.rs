//! The SQL of features. Super admins decide above companies, so it names the company itself.

use super::Decided;
use crate::db::{SystemTx, Tx};
use crate::error::Result;
use model::features::Feature;
use model::id::CompanyId;
use model::time::Timestamp;
use sqlx::PgConnection;

/// A decision. What is stored may be older than this program, and know features that are gone.
#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub feature: String,
    pub is_on: bool,
    pub set_by: String,
    pub set_at: Timestamp,
}

pub(super) async fn stored(conn: &mut PgConnection, company: CompanyId) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as("select feature, is_on, set_by, set_at from features where company_id = $1")
        .bind(company)
        .fetch_all(conn)
        .await?)
}

pub(super) async fn decided(tx: &mut Tx) -> Result<Decided> {
    let company = tx.actor().company();
    let stored = stored(tx.conn(), company).await?;
    Ok(stored.into_iter().filter_map(|row| Some((row.feature.parse().ok()?, row.is_on))).collect())
}

pub(super) async fn name(tx: &mut SystemTx, company: CompanyId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("select name from companies where id = $1").bind(company).fetch_optional(tx.conn()).await?)
}

pub(super) async fn lock(tx: &mut SystemTx, company: CompanyId) -> Result<Option<()>> {
    let found: Option<i32> = sqlx::query_scalar("select 1 from companies where id = $1 for no key update")
        .bind(company)
        .fetch_optional(tx.conn())
        .await?;
    Ok(found.map(drop))
}

pub(super) async fn set(tx: &mut SystemTx, company: CompanyId, feature: Feature, is_on: Option<bool>, who: &str) -> Result<()> {
    let now = tx.now();
    let Some(is_on) = is_on else {
        sqlx::query("delete from features where company_id = $1 and feature = $2")
            .bind(company)
            .bind(feature)
            .execute(tx.conn())
            .await?;
        return Ok(());
    };
    sqlx::query(
        "insert into features (company_id, feature, is_on, set_by, set_at) values ($1, $2, $3, $4, $5)
         on conflict (company_id, feature) do update set is_on = excluded.is_on, set_by = excluded.set_by, set_at = excluded.set_at",
    )
    .bind(company)
    .bind(feature)
    .bind(is_on)
    .bind(who)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}
