//! The SQL of clients: it looks across companies, so nearly all of it runs as `system`, and names the companies itself.

use crate::actor::Actor;
use crate::db::{SystemTx, Tx};
use crate::error::Result;
use model::clients::{ClientFilter, OwnClient};
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

// ── companies that one opened for its own clients ───────────────────────────

#[derive(sqlx::FromRow)]
struct OwnRow {
    id: CompanyId,
    name: String,
    available: Credits,
    concurrency_max: i32,
    members: i64,
    created_at: Timestamp,
    suspended: bool,
}

/// All of them: there are at most `CLIENTS_MAX`.
pub(super) async fn own_clients(tx: &mut SystemTx, actor: &Actor) -> Result<Vec<OwnClient>> {
    let rows: Vec<OwnRow> = sqlx::query_as(
        "select c.id, c.name, t.concurrency_max, t.created_at, c.suspended_at is not null as suspended,
                (select count(*) from members m where m.company_id = c.id) as members,
                coalesce((select sum(b.amount) from balances b where b.company_id = c.id and b.account = 'available'), 0)::bigint
                    as available
         from client_terms t join companies c on c.id = t.company_id where t.parent_id = $1 order by t.created_at desc, c.id desc",
    )
    .bind(actor.company())
    .fetch_all(tx.conn())
    .await?;
    let client = |row: OwnRow| OwnClient {
        id: row.id,
        name: row.name,
        available: row.available,
        concurrency_max: row.concurrency_max,
        members: row.members,
        created_at: actor.moment(row.created_at),
        suspended: row.suspended,
    };
    Ok(rows.into_iter().map(client).collect())
}

pub(super) async fn available(tx: &mut SystemTx, company: CompanyId) -> Result<Credits> {
    let sql = "select coalesce(sum(amount), 0)::bigint from balances where company_id = $1 and account = 'available'";
    Ok(sqlx::query_scalar(sql).bind(company).fetch_one(tx.conn()).await?)
}

#[derive(sqlx::FromRow)]
pub(super) struct Own {
    pub name: String,
    pub concurrency_max: i32,
    pub suspended: bool,
}

/// A company, locked, if it is a client of that one.
pub(super) async fn lock_own(tx: &mut SystemTx, parent: CompanyId, client: CompanyId) -> Result<Option<Own>> {
    Ok(sqlx::query_as(
        "select c.name, t.concurrency_max, c.suspended_at is not null as suspended
         from client_terms t join companies c on c.id = t.company_id
         where t.parent_id = $1 and t.company_id = $2 for no key update of c",
    )
    .bind(parent)
    .bind(client)
    .fetch_optional(tx.conn())
    .await?)
}

pub(crate) async fn is_client(tx: &mut SystemTx, company: CompanyId) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from client_terms where company_id = $1)")
        .bind(company)
        .fetch_one(tx.conn())
        .await?)
}

pub(super) async fn count_own(tx: &mut SystemTx, parent: CompanyId) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from client_terms where parent_id = $1").bind(parent).fetch_one(tx.conn()).await?)
}

pub(super) async fn insert_terms(tx: &mut SystemTx, parent: CompanyId, client: CompanyId, concurrency_max: i32) -> Result<()> {
    let now = tx.now();
    sqlx::query("insert into client_terms (company_id, parent_id, concurrency_max, created_at) values ($1, $2, $3, $4)")
        .bind(client)
        .bind(parent)
        .bind(concurrency_max)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn set_limit(tx: &mut SystemTx, client: CompanyId, concurrency_max: i32) -> Result<()> {
    sqlx::query("update client_terms set concurrency_max = $2 where company_id = $1")
        .bind(client)
        .bind(concurrency_max)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Lowers what a company chose to what it may, in its settings and its slots.
pub(super) async fn lower(tx: &mut SystemTx, client: CompanyId, concurrency_max: i32) -> Result<()> {
    sqlx::query("update companies set concurrency_max = least(concurrency_max, $2) where id = $1")
        .bind(client)
        .bind(concurrency_max)
        .execute(tx.conn())
        .await?;
    sqlx::query("update capacity set cap = least(cap, $2) where company_id = $1 and scope = 'company'")
        .bind(client)
        .bind(concurrency_max)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What a company reads about itself.
pub(super) async fn limit(tx: &mut Tx) -> Result<Option<i32>> {
    let sql = "select concurrency_max from client_terms where company_id = app.company()";
    Ok(sqlx::query_scalar(sql).fetch_optional(tx.conn()).await?)
}

/// The company that one is a client of.
pub(super) async fn parent(tx: &mut SystemTx, client: CompanyId) -> Result<Option<CompanyId>> {
    Ok(sqlx::query_scalar("select parent_id from client_terms where company_id = $1")
        .bind(client)
        .fetch_optional(tx.conn())
        .await?)
}
