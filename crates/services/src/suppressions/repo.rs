//! The SQL of the do-not-call list.

use crate::db::Tx;
use crate::error::Result;
use crate::phones::prefix_end;
use model::enrollments::{EnrollmentStatus, Reason};
use model::id::{CampaignId, ContactId, ImportId, SuppressionId};
use model::page::Paging;
use model::phone::Phone;
use model::suppressions::Source;
use model::time::Timestamp;
use sqlx::{Postgres, QueryBuilder};
use std::slice;

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

/// Names the number; `None` when somebody did already. One that only an import named is named by this from here on.
pub(super) async fn insert(
    tx: &mut Tx,
    id: SuppressionId,
    phone: &Phone,
    source: Source,
    reason: &str,
) -> Result<Option<SuppressionId>> {
    let (now, by) = (tx.now(), tx.actor().user.as_ref().map(|u| u.name.clone()));
    let named: Option<SuppressionId> = sqlx::query_scalar(
        "insert into suppressions as s (id, phone, source, reason, by_name, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (company_id, phone) do update
             set source = excluded.source, reason = excluded.reason, by_name = excluded.by_name, import_id = null
             where s.import_id is not null
         returning id",
    )
    .bind(id)
    .bind(phone)
    .bind(source)
    .bind(reason)
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?;
    if named.is_some() {
        note_moves(tx, slice::from_ref(phone), Some(source), &[reason.to_owned()]).await?;
    }
    Ok(named)
}

/// The numbers that were not there. Those that another import named belong to none from here on.
pub(super) async fn insert_imported(tx: &mut Tx, import: ImportId, phones: &[Phone], reasons: &[String]) -> Result<Vec<Phone>> {
    let ids: Vec<SuppressionId> = phones.iter().map(|_| tx.id()).collect();
    let (now, by) = (tx.now(), tx.actor().user.as_ref().map(|u| u.name.clone()));
    sqlx::query("update suppressions set import_id = null where phone = any($1) and import_id <> $2")
        .bind(phones)
        .bind(import)
        .execute(tx.conn())
        .await?;
    let new: Vec<(Phone, String)> = sqlx::query_as(
        "insert into suppressions (id, phone, source, reason, by_name, created_at, import_id)
         select n.id, n.phone, $4, n.reason, $5, $6, $7 from unnest($1::uuid[], $2::text[], $3::text[]) as n (id, phone, reason)
         order by n.phone
         on conflict (company_id, phone) do nothing
         returning phone, reason",
    )
    .bind(ids)
    .bind(phones)
    .bind(reasons)
    .bind(Source::Import)
    .bind(by)
    .bind(now)
    .bind(import)
    .fetch_all(tx.conn())
    .await?;
    let (phones, reasons): (Vec<_>, Vec<_>) = new.into_iter().unzip();
    note_moves(tx, &phones, Some(Source::Import), &reasons).await?;
    Ok(phones)
}

/// How many numbers went that only this import named.
pub(super) async fn remove_imported(tx: &mut Tx, import: ImportId, most: i64) -> Result<i64> {
    let gone: Vec<Phone> = sqlx::query_scalar(
        "delete from suppressions where id = any(array(select id from suppressions where import_id = $1 order by id limit $2 for update))
         returning phone",
    )
    .bind(import)
    .bind(most)
    .fetch_all(tx.conn())
    .await?;
    let reasons = vec!["The import was undone".to_owned(); gone.len()];
    note_moves(tx, &gone, None, &reasons).await?;
    Ok(gone.len() as i64)
}

pub(super) async fn remove(tx: &mut Tx, id: SuppressionId, reason: &str) -> Result<Option<Phone>> {
    let phone: Option<Phone> =
        sqlx::query_scalar("delete from suppressions where id = $1 returning phone").bind(id).fetch_optional(tx.conn()).await?;
    if let Some(phone) = &phone {
        note_moves(tx, slice::from_ref(phone), None, &[reason.to_owned()]).await?;
    }
    Ok(phone)
}

/// What evidence needs: that numbers came onto the list (`source`), or left it, each for its reason.
async fn note_moves(tx: &mut Tx, phones: &[Phone], source: Option<Source>, reasons: &[String]) -> Result<()> {
    let ids: Vec<SuppressionId> = phones.iter().map(|_| tx.id()).collect();
    let (now, by) = (tx.now(), tx.actor().name().to_owned());
    sqlx::query(
        "insert into suppression_moves (id, phone, is_on, source, reason, by_name, at)
         select n.id, n.phone, $4, $5, n.reason, $6, $7 from unnest($1::uuid[], $2::text[], $3::text[]) as n (id, phone, reason)",
    )
    .bind(ids)
    .bind(phones)
    .bind(reasons)
    .bind(source.is_some())
    .bind(source)
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

pub(super) async fn lock_campaigns_of(tx: &mut Tx, phones: &[Phone]) -> Result<()> {
    sqlx::query(
        "select c.id from campaigns c
         where c.id in (select e.campaign_id from enrollments e join contacts p on p.id = e.contact_id
                        where p.phone = any($1) and e.status = 'queued')
         order by c.id for no key update",
    )
    .bind(phones)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The campaign of every enrollment that was ended.
pub(super) async fn end_queued(tx: &mut Tx, phones: &[Phone], to: EnrollmentStatus, reason: Reason) -> Result<Vec<CampaignId>> {
    let now = tx.now();
    let ended = sqlx::query_scalar(
        "update enrollments set status = $2, reason = $3, reason_detail = '', next_attempt_at = null, updated_at = $4
         where id = any(array(
             select e.id from enrollments e join contacts c on c.id = e.contact_id
             where c.phone = any($1) and e.status = 'queued' order by e.id for no key update of e
         ))
         returning campaign_id",
    )
    .bind(phones)
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
