//! SQL of the ledger. Registration and the seed move credits as `system`, which sees every company, so the
//! statements that move name the company themselves; for a company's own transaction it changes nothing.

use super::Shift;
use crate::error::Result;
use model::credits::{Account, Credits, LedgerFilter, MovementKind, Wallet};
use model::id::{CallId, CampaignId, MovementId};
use model::time::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// Takes, gives and writes in one statement; returns the number of new movements. Zero: all were known, or a
/// source was short and nothing happened.
///
/// Each balance is touched once, by the sum of what leaves and enters it, and those that fall are locked first,
/// in one order. What is looked up is also named as a list (`= any`): the planner takes the index for a list and the
/// whole table for a join with rows it knows nothing about, and the ledger is long. A hold that is resolved leaves no row behind, or there would be one per call for ever.
const SHIFT: &str = "
    with known as (select key from movements where company_id = app.company() and key = any($8::text[] || $9::text[])),
    item as (
        select i.*, case when i.target = 'available' then i.amount when i.source = 'available' then -i.amount else 0 end as effect
        from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::text[],
                $10::uuid[], $11::uuid[], $12::text[]) with ordinality
            as i (id, kind, amount, source, source_ref, target, target_ref, key, instead, campaign_id, call_id, note, place)
        where not exists (select 1 from known k where k.key = i.key or k.key = i.instead)),
    net as (
        select account, ref, sum(amount)::bigint as delta
        from (select target as account, target_ref as ref, amount from item union all select source, source_ref, -amount from item) flow
        where account in ('available', 'escrow', 'held', 'spent') group by account, ref),
    have as (
        select b.account, b.ref, b.amount + n.delta as rest from balances b join net n on n.account = b.account and n.ref = b.ref
        where b.company_id = app.company() and b.account = any($4) and b.ref = any($5) and n.delta < 0 order by b.account, b.ref for update of b),
    enough as (select count(*) = (select count(*) from net where delta < 0) as yes from have where rest >= 0),
    resolved as (
        delete from balances b using have h, enough where enough.yes and b.company_id = app.company()
            and b.account = 'held' and b.ref = any($5) and h.account = 'held' and b.ref = h.ref and h.rest = 0),
    taken as (
        update balances b set amount = h.rest from have h, enough where enough.yes and b.company_id = app.company()
            and b.account = any($4) and b.ref = any($5) and b.account = h.account and b.ref = h.ref and not (h.account = 'held' and h.rest = 0)
        returning b.account, b.amount),
    given as (
        insert into balances as b (account, ref, amount)
        select account, ref, delta from net, enough where enough.yes and delta > 0 order by account, ref
        on conflict (company_id, account, ref) do update set amount = b.amount + excluded.amount
        returning b.account, b.amount)
    insert into movements (id, kind, amount, source, source_ref, target, target_ref, key, campaign_id, call_id, note, who, at, balance)
    select id, kind, amount, source, source_ref, target, target_ref, key, campaign_id, call_id, note, $13, $14,
        coalesce((select amount from taken where account = 'available'), (select amount from given where account = 'available'),
            (select amount from balances where company_id = app.company() and account = 'available'), 0)
        -- What was available after this movement, not after all of them.
        - coalesce(sum(effect) over (order by place rows between 1 following and unbounded following), 0)
    from item, enough where enough.yes order by place";

pub(super) async fn shift(conn: &mut PgConnection, at: Timestamp, who: &str, moves: &[(MovementId, Shift<'_>)]) -> Result<usize> {
    let column = |of: fn(&Shift<'_>) -> Uuid| moves.iter().map(|(_, s)| of(s)).collect::<Vec<_>>();
    let done = sqlx::query(SHIFT)
        .bind(moves.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
        .bind(moves.iter().map(|(_, s)| s.kind.as_str()).collect::<Vec<_>>())
        .bind(moves.iter().map(|(_, s)| s.amount.0).collect::<Vec<_>>())
        .bind(moves.iter().map(|(_, s)| s.kind.path().0.as_str()).collect::<Vec<_>>())
        .bind(column(|s| s.reference(s.kind.path().0)))
        .bind(moves.iter().map(|(_, s)| s.kind.path().1.as_str()).collect::<Vec<_>>())
        .bind(column(|s| s.reference(s.kind.path().1)))
        .bind(moves.iter().map(|(_, s)| s.key.as_str()).collect::<Vec<_>>())
        .bind(moves.iter().map(|(_, s)| s.instead.as_deref()).collect::<Vec<_>>())
        .bind(moves.iter().map(|(_, s)| s.campaign.map(CampaignId::uuid)).collect::<Vec<_>>())
        .bind(moves.iter().map(|(_, s)| s.call.map(CallId::uuid)).collect::<Vec<_>>())
        .bind(moves.iter().map(|(_, s)| s.note).collect::<Vec<_>>())
        .bind(who)
        .bind(at)
        .execute(conn)
        .await?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}

/// What a source was short of.
#[derive(sqlx::FromRow)]
pub(super) struct Shortage {
    pub needed: Credits,
    pub available: Credits,
}

/// The first source that cannot pay for those movements that are not there yet; `None` when all are there.
pub(super) async fn shortage(conn: &mut PgConnection, moves: &[(MovementId, Shift<'_>)]) -> Result<Option<Shortage>> {
    Ok(sqlx::query_as(
        "select sum(i.amount)::bigint as needed, coalesce(max(b.amount), 0)::bigint as available
         from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::bigint[]) as i (key, instead, source, ref, amount)
         left join balances b on b.company_id = app.company() and b.account = i.source and b.ref = i.ref
         where not exists (select 1 from movements m where m.company_id = app.company() and m.key = any(array[i.key, i.instead]))
         group by i.source, i.ref order by sum(i.amount) <= coalesce(max(b.amount), 0), i.source, i.ref limit 1",
    )
    .bind(moves.iter().map(|(_, s)| s.key.as_str()).collect::<Vec<_>>())
    .bind(moves.iter().map(|(_, s)| s.instead.as_deref()).collect::<Vec<_>>())
    .bind(moves.iter().map(|(_, s)| s.kind.path().0.as_str()).collect::<Vec<_>>())
    .bind(moves.iter().map(|(_, s)| s.reference(s.kind.path().0)).collect::<Vec<_>>())
    .bind(moves.iter().map(|(_, s)| s.amount.0).collect::<Vec<_>>())
    .fetch_optional(conn)
    .await?)
}

pub(super) async fn balance(conn: &mut PgConnection, account: Account, reference: Uuid) -> Result<Credits> {
    let amount = sqlx::query_scalar("select amount from balances where company_id = app.company() and account = $1 and ref = $2")
        .bind(account)
        .bind(reference)
        .fetch_optional(conn)
        .await?;
    Ok(amount.unwrap_or_default())
}

/// Remembers that the company has less than the amount at which it wants to be told, or forgets it when that much was `brought`
/// again. What it has and that amount, when this is news. Whoever asks has just changed the balance and holds its lock, so that of
/// two who ask one comes first.
pub(super) async fn watch(conn: &mut PgConnection, brought: bool, now: Timestamp) -> Result<Option<(Credits, Credits)>> {
    Ok(sqlx::query_as(
        "with has as (
            select coalesce((select amount from balances where company_id = app.company() and account = 'available'), 0) as amount,
                credits_low from companies where id = app.company()),
        over as (delete from low_credits using has where company_id = app.company() and $1 and has.amount >= has.credits_low),
        fallen as (insert into low_credits (since) select $2 from has where amount < credits_low on conflict do nothing returning since)
        select has.amount, has.credits_low from has, fallen",
    )
    .bind(brought)
    .bind(now)
    .fetch_optional(conn)
    .await?)
}

/// How many movements a campaign has.
pub(super) async fn height(conn: &mut PgConnection, campaign: CampaignId) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from movements where campaign_id = $1").bind(campaign).fetch_one(conn).await?)
}

pub(super) async fn wallet(conn: &mut PgConnection, week_ago: Timestamp) -> Result<Wallet> {
    let (available, reserved, held, spent, week, received): (i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "select coalesce(sum(amount) filter (where account = 'available'), 0)::bigint,
                coalesce(sum(amount) filter (where account = 'escrow'), 0)::bigint,
                coalesce(sum(amount) filter (where account = 'held'), 0)::bigint,
                coalesce(sum(amount) filter (where account = 'spent'), 0)::bigint,
                (select coalesce(sum(amount), 0)::bigint from movements where kind = 'capture' and at >= $1),
                (select coalesce(sum(case when target = 'available' then amount else -amount end), 0)::bigint from movements
                   where kind in ('purchase', 'grant', 'adjust_up', 'refund', 'adjust_down', 'transfer_in', 'transfer_out'))
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
