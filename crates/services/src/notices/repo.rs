//! The SQL of notices. What is mailed is read above companies, because people and mails are; that names the company itself.

use crate::db::{SystemTx, Tx};
use crate::error::Result;
use model::credits::Credits;
use model::id::{CompanyId, NoticeId, UserId};
use model::notices::NoticeKind;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

/// Letters of one notice: a company with more administrators tells the first of them.
const READERS_MAX: i64 = 100;

/// What a letter names, and the page it leads to.
#[derive(Serialize, Deserialize)]
pub(super) struct Facts {
    pub path: String,
    pub facts: Vec<(String, String)>,
}

pub(super) async fn insert(tx: &mut Tx, id: NoticeId, kind: NoticeKind, facts: &Facts, now: Timestamp) -> Result<()> {
    sqlx::query("insert into notices (id, kind, facts, created_at) values ($1, $2, $3, $4)")
        .bind(id)
        .bind(kind)
        .bind(Json(facts))
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Waiting {
    pub kind: NoticeKind,
    pub facts: Json<Facts>,
    pub company_name: String,
}

/// A notice that was not mailed yet, locked: another try waits, and then finds nothing.
pub(super) async fn lock(tx: &mut SystemTx, company: CompanyId, id: NoticeId) -> Result<Option<Waiting>> {
    Ok(sqlx::query_as(
        "select n.kind, n.facts, c.name as company_name from notices n join companies c on c.id = n.company_id
         where n.company_id = $1 and n.id = $2 and n.mailed_at is null for update of n",
    )
    .bind(company)
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// Name and address of the administrators who want to be told.
pub(super) async fn readers(tx: &mut SystemTx, company: CompanyId, kind: NoticeKind) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as(
        "select u.name, u.email from members m join users u on u.id = m.user_id
         where m.company_id = $1 and m.role in ('company_admin', 'super_admin') and m.deactivated_at is null
            and u.confirmed_at is not null and not exists (
                select 1 from muted_notices q where q.company_id = $1 and q.user_id = m.user_id and q.kind = $2)
         order by m.created_at, u.id limit $3",
    )
    .bind(company)
    .bind(kind)
    .bind(READERS_MAX)
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn mark_mailed(tx: &mut SystemTx, company: CompanyId, id: NoticeId) -> Result<()> {
    let now = tx.now();
    sqlx::query("update notices set mailed_at = $3 where company_id = $1 and id = $2")
        .bind(company)
        .bind(id)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn delete_old(tx: &mut SystemTx, before: Timestamp) -> Result<()> {
    sqlx::query("delete from notices where created_at < $1").bind(before).execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn muted(tx: &mut Tx, user: UserId) -> Result<Vec<NoticeKind>> {
    Ok(sqlx::query_scalar("select kind from muted_notices where user_id = $1").bind(user).fetch_all(tx.conn()).await?)
}

pub(super) async fn mute(tx: &mut Tx, user: UserId, kinds: &[NoticeKind]) -> Result<()> {
    sqlx::query("delete from muted_notices where user_id = $1").bind(user).execute(tx.conn()).await?;
    sqlx::query(
        "insert into muted_notices (user_id, kind) select $1, kind from unnest($2::text[]) as kind on conflict do nothing",
    )
    .bind(user)
    .bind(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Its name, and below how many credits it wants to be told.
pub(super) async fn company(tx: &mut Tx) -> Result<(String, Credits)> {
    Ok(sqlx::query_as("select name, credits_low from companies where id = app.company()").fetch_one(tx.conn()).await?)
}

pub(super) async fn set_credits_low(tx: &mut Tx, low: Credits) -> Result<()> {
    sqlx::query("update companies set credits_low = $1 where id = app.company()").bind(low).execute(tx.conn()).await?;
    Ok(())
}
