//! The SQL of the do-not-call list.

use crate::db::Tx;
use crate::error::Result;
use crate::phones::prefix_end;
use model::enrollments::{EnrollmentStatus, Reason};
use model::id::{CampaignId, ContactId, SuppressionId};
use model::page::Paging;
use model::phone::Phone;
use model::suppressions::Source;
use model::time::Timestamp;
use sqlx::{Postgres, QueryBuilder};

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: SuppressionId,
    pub phone: Phone,
    pub source: Source,
    pub reason: String,
    pub by_name: Option<String>,
    pub created_at: Timestamp,
    /// Of somebody in a campaign that whoever asks can see.
    pub theirs: bool,
}

const COLUMNS: &str = "select id, phone, source, reason, by_name, created_at, exists (select 1 from contacts c
        join enrollments e on e.contact_id = c.id where c.phone = suppressions.phone) as theirs from suppressions";

pub(super) async fn find(tx: &mut Tx, phone: &Phone) -> Result<Option<Stored>> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" where phone = ").push_bind(phone);
    Ok(sql.build_query_as().fetch_optional(tx.conn()).await?)
}

pub(super) async fn list(tx: &mut Tx, starts: Option<&[String]>, paging: Paging) -> Result<(Vec<Stored>, i64)> {
    let matching = |sql: &mut QueryBuilder<Postgres>| {
        let Some(starts) = starts else { return };
        sql.push(" where (false");
        for start in starts {
            sql.push(" or (phone ~>=~ ").push_bind(start.clone());
            sql.push(" and phone ~<~ ").push_bind(prefix_end(start)).push(")");
        }
        sql.push(")");
    };
    let mut count = QueryBuilder::new("select count(*) from suppressions");
    matching(&mut count);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let mut sql = QueryBuilder::new(COLUMNS);
    matching(&mut sql);
    sql.push(" order by created_at desc, id desc limit ").push_bind(paging.limit());
    sql.push(" offset ").push_bind(paging.offset());
    Ok((sql.build_query_as().fetch_all(tx.conn()).await?, total))
}

pub(super) async fn insert(tx: &mut Tx, id: SuppressionId, phone: &Phone, source: Source, reason: &str) -> Result<bool> {
    let (now, by) = (tx.now(), tx.actor().user.as_ref().map(|u| u.name.clone()));
    let done = sqlx::query(
        "insert into suppressions (id, phone, source, reason, by_name, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (company_id, phone) do nothing",
    )
    .bind(id)
    .bind(phone)
    .bind(source)
    .bind(reason)
    .bind(by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    let is_new = done.rows_affected() == 1;
    if is_new {
        note_move(tx, phone, Some(source), reason).await?;
    }
    Ok(is_new)
}

pub(super) async fn remove(tx: &mut Tx, id: SuppressionId, reason: &str) -> Result<Option<Phone>> {
    let phone: Option<Phone> =
        sqlx::query_scalar("delete from suppressions where id = $1 returning phone").bind(id).fetch_optional(tx.conn()).await?;
    if let Some(phone) = &phone {
        note_move(tx, phone, None, reason).await?;
    }
    Ok(phone)
}

/// What evidence needs: that a number came onto the list (`source`), or left it.
async fn note_move(tx: &mut Tx, phone: &Phone, source: Option<Source>, reason: &str) -> Result<()> {
    let (id, now): (SuppressionId, _) = (tx.id(), tx.now());
    let by = tx.actor().name().to_owned();
    sqlx::query(
        "insert into suppression_moves (id, phone, is_on, source, reason, by_name, at) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(phone)
    .bind(source.is_some())
    .bind(source)
    .bind(reason)
    .bind(by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn suppressed(tx: &mut Tx, phones: &[Phone]) -> Result<Vec<Phone>> {
    Ok(sqlx::query_scalar("select phone from suppressions where phone = any($1)").bind(phones).fetch_all(tx.conn()).await?)
}

pub(super) async fn contact_of(tx: &mut Tx, phone: &Phone) -> Result<Option<ContactId>> {
    Ok(sqlx::query_scalar("select id from contacts where phone = $1").bind(phone).fetch_optional(tx.conn()).await?)
}

/// `offset 0` keeps the planner from taking the locks before it sorted them.
pub(super) async fn lock_phones(tx: &mut Tx, phones: &[Phone]) -> Result<()> {
    sqlx::query(
        "select pg_advisory_xact_lock(key) from (
             select distinct hashtextextended(app.company()::text || phone, 0) as key from unnest($1::text[]) as phone
             order by key offset 0
         ) as keys",
    )
    .bind(phones)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn lock_campaigns_of(tx: &mut Tx, phone: &Phone) -> Result<()> {
    sqlx::query(
        "select c.id from campaigns c
         where c.id in (select e.campaign_id from enrollments e join contacts p on p.id = e.contact_id
                        where p.phone = $1 and e.status = 'queued')
         order by c.id for no key update",
    )
    .bind(phone)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The campaign of every enrollment that was ended.
pub(super) async fn end_queued(tx: &mut Tx, phone: &Phone, to: EnrollmentStatus, reason: Reason) -> Result<Vec<CampaignId>> {
    let now = tx.now();
    let ended = sqlx::query_scalar(
        "update enrollments set status = $2, reason = $3, reason_detail = '', next_attempt_at = null, updated_at = $4
         where status = 'queued' and contact_id = (select id from contacts where phone = $1)
         returning campaign_id",
    )
    .bind(phone)
    .bind(to)
    .bind(reason)
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    Ok(ended)
}

pub(super) async fn count_finished(tx: &mut Tx, campaigns: &[CampaignId]) -> Result<()> {
    sqlx::query(
        "update campaign_stats s set finished = s.finished + n.ended
         from (select campaign_id, count(*) as ended from unnest($1::uuid[]) as campaign_id group by campaign_id) as n
         where s.campaign_id = n.campaign_id",
    )
    .bind(campaigns)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The dialer looks at these campaigns again: they may have nobody left to call.
pub(super) async fn wake(tx: &mut Tx, campaigns: &[CampaignId]) -> Result<()> {
    let now = tx.now();
    sqlx::query("update campaigns set runnable_at = $2 where id = any($1) and status = 'active'")
        .bind(campaigns)
        .bind(now)
        .execute(tx.conn())
        .await?;
    sqlx::query("select pg_notify('dialer', '')").execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn forget_moves(tx: &mut Tx, phone: &Phone) -> Result<()> {
    sqlx::query("delete from suppression_moves m where m.phone = $1 and not exists (select 1 from suppressions s where s.phone = m.phone)")
        .bind(phone)
        .execute(tx.conn())
        .await?;
    Ok(())
}
