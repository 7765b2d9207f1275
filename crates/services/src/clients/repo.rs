//! The SQL of clients: it looks across companies, so all of it runs as `system`.

use crate::db::SystemTx;
use crate::error::Result;
use model::clients::ClientFilter;
use model::companies::CompanyType;
use model::credits::Credits;
use model::id::{CampaignId, CompanyId};
use model::time::Timestamp;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub id: CompanyId,
    pub name: String,
    pub company_type: Option<CompanyType>,
    pub members: i64,
    pub available: Credits,
    pub created_at: Timestamp,
    pub suspended_because: Option<String>,
}

pub(super) async fn list(tx: &mut SystemTx, filter: &ClientFilter) -> Result<(Vec<Row>, i64)> {
    let begins = filter.q.trim().to_lowercase();
    let total = sqlx::query_scalar("select count(*) from companies where starts_with(lower(name), $1)")
        .bind(&begins)
        .fetch_one(tx.conn())
        .await?;
    let rows = sqlx::query_as(
        "select c.id, c.name, c.company_type, c.created_at, c.suspended_because,
                (select count(*) from members m where m.company_id = c.id) as members,
                coalesce((select sum(b.amount) from balances b where b.company_id = c.id and b.account = 'available'), 0)::bigint
                    as available
         from companies c where starts_with(lower(c.name), $1) order by c.created_at desc, c.id desc limit $2 offset $3",
    )
    .bind(&begins)
    .bind(filter.paging.limit())
    .bind(filter.paging.offset())
    .fetch_all(tx.conn())
    .await?;
    Ok((rows, total))
}

#[derive(sqlx::FromRow)]
pub(super) struct Locked {
    pub suspended: bool,
}

pub(super) async fn lock(tx: &mut SystemTx, company: CompanyId) -> Result<Option<Locked>> {
    Ok(sqlx::query_as("select suspended_at is not null as suspended from companies where id = $1 for no key update")
        .bind(company)
        .fetch_optional(tx.conn())
        .await?)
}

pub(super) async fn suspend(tx: &mut SystemTx, company: CompanyId, because: &str, now: Timestamp) -> Result<()> {
    sqlx::query("update companies set suspended_at = $3, suspended_because = $2 where id = $1")
        .bind(company)
        .bind(because)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn reinstate(tx: &mut SystemTx, company: CompanyId) -> Result<()> {
    sqlx::query("update companies set suspended_at = null, suspended_because = null where id = $1")
        .bind(company)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Campaigns that call. Those that are scheduled find out when they would start.
pub(super) async fn running(tx: &mut SystemTx, company: CompanyId) -> Result<Vec<CampaignId>> {
    Ok(sqlx::query_scalar("select id from campaigns where company_id = $1 and status = 'active' order by id")
        .bind(company)
        .fetch_all(tx.conn())
        .await?)
}

/// Whether super admins are at home there: nobody could undo what is done to it.
pub(super) async fn is_the_platforms(tx: &mut SystemTx, company: CompanyId) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from members where company_id = $1 and role = 'super_admin')")
        .bind(company)
        .fetch_one(tx.conn())
        .await?)
}
