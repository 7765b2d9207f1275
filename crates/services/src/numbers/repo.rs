//! SQL of numbers. A number and its slots are made together.

use super::NUMBERS_MAX;
use crate::db::Tx;
use crate::error::Result;
use model::id::{CampaignId, GatewayId, NumberId};
use model::numbers::NumberRow;
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::PgConnection;

/// A number to add.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewNumber<'a> {
    pub id: NumberId,
    pub gateway: GatewayId,
    pub phone: &'a Phone,
    pub label: &'a str,
    pub concurrency_max: i32,
    /// The provider's id of it.
    pub remote_id: Option<&'a str>,
}

/// Adds a number with its slots. Takes a connection, because a company is opened before it has a transaction of its own.
pub(crate) async fn insert(conn: &mut PgConnection, new: NewNumber<'_>, now: Timestamp) -> Result<()> {
    sqlx::query(
        "insert into numbers (id, gateway_id, phone, label, concurrency_max, created_at, remote_id) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.id)
    .bind(new.gateway)
    .bind(new.phone)
    .bind(new.label)
    .bind(new.concurrency_max)
    .bind(now)
    .bind(new.remote_id)
    .execute(&mut *conn)
    .await?;
    sqlx::query("insert into capacity (scope, ref, cap) values ('number', $1, $2)")
        .bind(new.id)
        .bind(new.concurrency_max)
        .execute(conn)
        .await?;
    Ok(())
}

/// A number somebody calls.
#[derive(sqlx::FromRow, Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub id: NumberId,
    /// The campaign that answers it.
    #[sqlx(rename = "campaign_id")]
    pub campaign: Option<CampaignId>,
}

pub(crate) async fn count(tx: &mut Tx) -> Result<i64> {
    let sql = "select count(*) from numbers n join gateways g on g.id = n.gateway_id where g.removed_at is null";
    Ok(sqlx::query_scalar(sql).fetch_one(tx.conn()).await?)
}

/// The number of this gateway, if it is one, and whether the provider knew it by another id until now, which is kept.
pub(super) async fn adopt(
    tx: &mut Tx,
    gateway: GatewayId,
    phone: &Phone,
    remote_id: Option<&str>,
) -> Result<Option<(NumberId, bool)>> {
    Ok(sqlx::query_as(
        "update numbers n set remote_id = coalesce($3, n.remote_id) from numbers was
         where n.id = was.id and was.gateway_id = $1 and was.phone = $2
         returning n.id, n.remote_id is distinct from was.remote_id",
    )
    .bind(gateway)
    .bind(phone)
    .bind(remote_id)
    .fetch_optional(tx.conn())
    .await?)
}

/// The number of this gateway, if it is one.
pub(crate) async fn find(tx: &mut Tx, gateway: GatewayId, phone: &Phone) -> Result<Option<Bound>> {
    Ok(sqlx::query_as("select id, campaign_id from numbers where gateway_id = $1 and phone = $2")
        .bind(gateway)
        .bind(phone)
        .fetch_optional(tx.conn())
        .await?)
}

#[derive(sqlx::FromRow)]
struct Listed {
    id: NumberId,
    phone: Phone,
    label: String,
    gateway_id: GatewayId,
    gateway_name: String,
    sandbox: bool,
    in_use: i32,
    concurrency_max: i32,
    calls_per_day_max: Option<i32>,
    campaign_id: Option<CampaignId>,
    campaign_name: Option<String>,
}

pub(super) async fn list(tx: &mut Tx) -> Result<Vec<NumberRow>> {
    let rows: Vec<Listed> = sqlx::query_as(
        "select n.id, n.phone, n.label, n.gateway_id, g.name as gateway_name, g.sandbox, u.in_use, n.concurrency_max,
                n.calls_per_day_max, n.campaign_id, c.name as campaign_name
         from numbers n join gateways g on g.id = n.gateway_id join capacity u on u.scope = 'number' and u.ref = n.id
         left join campaigns c on c.id = n.campaign_id where g.removed_at is null order by g.created_at, n.created_at, n.id limit $1",
    )
    .bind(NUMBERS_MAX)
    .fetch_all(tx.conn())
    .await?;
    let row = |r: Listed| NumberRow {
        id: r.id,
        phone: r.phone.to_string(),
        label: r.label,
        gateway: r.gateway_id,
        gateway_name: r.gateway_name,
        sandbox: r.sandbox,
        in_use: r.in_use,
        concurrency_max: r.concurrency_max,
        calls_per_day_max: r.calls_per_day_max,
        campaign: r.campaign_id.zip(r.campaign_name),
    };
    Ok(rows.into_iter().map(row).collect())
}
