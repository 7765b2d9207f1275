//! How a company shows itself to its clients: a colour and a picture in the frame around their pages.

use super::pictures;
use crate::accounts::Caller;
use crate::actor::SystemTask;
use crate::companies::changes;
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use crate::features;
use model::Error;
use model::accounts::Permission;
use model::clients::{Brand, color};
use model::events::EventKind;
use model::features::Feature;
use model::id::CompanyId;

/// The colour of a company that chose a picture only: our own.
const COLOR: &str = "#006a6b";

/// Where the picture of version `n` is; another one has another address, so that browsers may keep it.
fn address(version: i32) -> String {
    format!("/brand/logo?v={version}")
}

/// The company's own brand, as it is now.
///
/// # Errors
/// `Forbidden` without `ManageClients`; `Conflict` in a company that has no clients.
pub async fn load(tx: &mut Tx) -> Result<Option<Brand>> {
    tx.require(Permission::ManageClients)?;
    features::require(tx, Feature::ClientCompanies).await?;
    let found: Option<(String, Option<i32>)> =
        sqlx::query_as("select color, case when logo is not null then logo_version end from brands")
            .fetch_optional(tx.conn())
            .await?;
    Ok(found.map(|(color, version)| Brand { color, logo: version.map(address) }))
}

/// Chooses the colour.
///
/// # Errors
/// As [`load`], and `Invalid` on `color` for one on which white cannot be read.
pub async fn choose_color(tx: &mut Tx, text: &str) -> Result<()> {
    let before = load(tx).await?.map_or_else(|| COLOR.to_owned(), |brand| brand.color);
    let color = color(text)?;
    sqlx::query("insert into brands (color) values ($1) on conflict (company_id) do update set color = excluded.color")
        .bind(&color)
        .execute(tx.conn())
        .await?;
    let subject = tx.actor().company().to_string();
    let text = changes("Brand", &[("colour", &before, &color)]);
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

/// Chooses the picture, a PNG, JPEG or WebP. What it carries besides the picture is left out.
///
/// # Errors
/// As [`load`], and `Invalid` on `file` for what is no such picture or too large.
pub async fn choose_logo(tx: &mut Tx, bytes: &[u8]) -> Result<()> {
    load(tx).await?;
    let (kind, bytes) = pictures::clean(bytes).map_err(|why| Error::field("file", why))?;
    sqlx::query(
        "insert into brands as b (color, logo, logo_type, logo_version) values ($1, $2, $3, 1)
         on conflict (company_id) do update set logo = excluded.logo, logo_type = excluded.logo_type, logo_version = b.logo_version + 1",
    )
    .bind(COLOR)
    .bind(&bytes)
    .bind(kind)
    .execute(tx.conn())
    .await?;
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), format!("Brand saved: a new picture, {} bytes of {kind}", bytes.len()))
        .await
}

/// Shows no colour and no picture any more.
///
/// # Errors
/// As [`load`].
pub async fn remove(tx: &mut Tx) -> Result<()> {
    load(tx).await?;
    sqlx::query("delete from brands").execute(tx.conn()).await?;
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), "Brand removed").await
}

/// Whose brand the people of a company see: of the company that opened it, or its own.
const WHOSE: &str = "b.company_id = coalesce((select t.parent_id from client_terms t where t.company_id = $1), $1)";

/// The brand that the people of a company see.
pub(crate) async fn of(tx: &mut SystemTx, company: CompanyId) -> Result<Option<Brand>> {
    let sql = format!("select color, case when logo is not null then logo_version end from brands b where {WHOSE}");
    let found: Option<(String, Option<i32>)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(company).fetch_optional(tx.conn()).await?;
    Ok(found.map(|(color, version)| Brand { color, logo: version.map(address) }))
}

/// A picture, and what it is in the words of HTTP.
#[derive(sqlx::FromRow)]
pub struct Logo {
    #[sqlx(rename = "logo_type")]
    pub content_type: String,
    #[sqlx(rename = "logo")]
    pub bytes: Vec<u8>,
}

/// The picture that whoever asks sees in their frame.
///
/// # Errors
/// When the database refuses.
pub async fn logo(db: &Db, caller: &Caller) -> Result<Option<Logo>> {
    let mut tx = db.begin_system(SystemTask::Clients).await?;
    let sql = format!("select logo_type, logo from brands b where logo is not null and {WHOSE}");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(caller.actor.company()).fetch_optional(tx.conn()).await?)
}
