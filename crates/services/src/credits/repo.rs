//! SQL of the ledger. Registration and the seed move credits as `system`, which sees every company, so the
//! statements that move name the company themselves; for a company's own transaction it changes nothing.

use super::Shift;
use crate::error::Result;
use model::credits::{Account, Credits, LedgerFilter, MovementKind, Wallet};
use model::id::{CallId, CampaignId, MovementId};
use model::time::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// Whether the account is inside the company, with a balance of its own.
const fn is_inside(account: Account) -> bool {
    matches!(account, Account::Available | Account::Escrow | Account::Held | Account::Spent)
}

/// Whether a movement with one of these keys is there. Names the company, because a registration moves
/// credits before row security narrows it to one.
pub(super) async fn is_known(conn: &mut PgConnection, keys: &[&str]) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from movements where company_id = app.company() and key = any($1))")
        .bind(keys)
        .fetch_one(conn)
        .await?)
}

/// Takes, gives and writes in one statement; `false` when the source is short and nothing happened.
pub(super) async fn shift(conn: &mut PgConnection, id: MovementId, at: Timestamp, who: &str, s: &Shift<'_>) -> Result<bool> {
    let (source, target) = s.kind.path();
    let done = sqlx::query(
        "with taken as (
            update balances set amount = amount - $3
            where $11 and company_id = app.company() and account = $4 and ref = $5 and amount >= $3 returning account, amount),
        given as (
            insert into balances (account, ref, amount) select $6, $7, $3 where $12 and (not $11 or exists (select 1 from taken))
            on conflict (company_id, account, ref) do update set amount = balances.amount + excluded.amount returning account, amount)
        insert into movements (id, kind, amount, source, source_ref, target, target_ref, key, who, at, campaign_id, call_id, note, balance)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13, $14, $15, coalesce(
            (select amount from taken where account = 'available'), (select amount from given where account = 'available'),
            (select amount from balances where company_id = app.company() and account = 'available'), 0)
        where not $11 or exists (select 1 from taken)",
    )
    .bind(id)
    .bind(s.kind)
    .bind(s.amount)
    .bind(source)
    .bind(s.reference(source))
    .bind(target)
    .bind(s.reference(target))
    .bind(&s.key)
    .bind(who)
    .bind(at)
    .bind(is_inside(source))
    .bind(is_inside(target))
    .bind(s.campaign)
    .bind(s.call)
    .bind(s.note)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn balance(conn: &mut PgConnection, account: Account, reference: Uuid) -> Result<Credits> {
    let amount = sqlx::query_scalar("select amount from balances where company_id = app.company() and account = $1 and ref = $2")
        .bind(account)
        .bind(reference)
        .fetch_optional(conn)
        .await?;
    Ok(amount.unwrap_or_default())
}

/// How many movements a campaign has.
pub(super) async fn height(conn: &mut PgConnection, campaign: CampaignId) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from movements where campaign_id = $1").bind(campaign).fetch_one(conn).await?)
}

/// A resolved hold leaves no row behind, or there would be one per call for ever.
pub(super) async fn forget_empty_hold(conn: &mut PgConnection, call: CallId) -> Result<()> {
    sqlx::query("delete from balances where account = 'held' and ref = $1 and amount = 0").bind(call).execute(conn).await?;
    Ok(())
}

pub(super) async fn wallet(conn: &mut PgConnection, week_ago: Timestamp) -> Result<Wallet> {
    let (available, reserved, held, spent, week, received): (i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "select coalesce(sum(amount) filter (where account = 'available'), 0)::bigint,
                coalesce(sum(amount) filter (where account = 'escrow'), 0)::bigint,
                coalesce(sum(amount) filter (where account = 'held'), 0)::bigint,
                coalesce(sum(amount) filter (where account = 'spent'), 0)::bigint,
                (select coalesce(sum(amount), 0)::bigint from movements where kind = 'capture' and at >= $1),
                (select coalesce(sum(case when kind in ('purchase', 'grant', 'adjust_up') then amount else -amount end), 0)::bigint
                   from movements where kind in ('purchase', 'grant', 'adjust_up', 'refund', 'adjust_down'))
         from balances",
    )
    .bind(week_ago)
    .fetch_one(conn)
    .await?;
    Ok(Wallet {
        available: Credits(available),
        reserved: Credits(reserved),
        held: Credits(held),
        spent: Credits(spent),
        daily_spend: Credits(week / 7),
        received: Credits(received),
    })
}

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: MovementId,
    pub at: Timestamp,
    pub kind: MovementKind,
    pub amount: Credits,
    pub campaign_id: Option<CampaignId>,
    pub campaign_name: Option<String>,
    pub call_id: Option<CallId>,
    pub note: String,
    pub balance: Credits,
}

/// One page of movements, and how many there are on all of them.
pub(super) async fn ledger(conn: &mut PgConnection, filter: &LedgerFilter) -> Result<(Vec<Stored>, i64)> {
    let matching = |sql: &mut QueryBuilder<Postgres>| {
        if let Some(kind) = filter.kind {
            sql.push(" and m.kind = ").push_bind(kind);
        }
        if let Some(campaign) = filter.campaign {
            sql.push(" and m.campaign_id = ").push_bind(campaign);
        }
    };
    let mut count = QueryBuilder::new("select count(*) from movements m where true");
    matching(&mut count);
    let total: i64 = count.build_query_scalar().fetch_one(&mut *conn).await?;
    let mut sql = QueryBuilder::new(
        "select m.id, m.at, m.kind, m.amount, m.campaign_id, c.name as campaign_name, m.call_id, m.note, m.balance
         from movements m left join campaigns c on c.id = m.campaign_id where true",
    );
    matching(&mut sql);
    sql.push(" order by m.seq desc limit ").push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    Ok((sql.build_query_as().fetch_all(conn).await?, total))
}
