//! The SQL of the team. It runs as `system`, because users stand above companies, and names its company in every statement.

use crate::db::SystemTx;
use crate::error::Result;
use model::accounts::Role;
use model::campaigns::Status;
use model::id::{CampaignId, CompanyId, InviteId, UserId};
use model::time::Timestamp;

/// Whoever changes a team waits here for whoever else does. Weaker than the lock that foreign keys wait for: calls go on.
pub(super) async fn lock(tx: &mut SystemTx, company: CompanyId) -> Result<()> {
    sqlx::query("select 1 from companies where id = $1 for no key update").bind(company).execute(tx.conn()).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Member {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub seen_at: Option<Timestamp>,
    pub deactivated: bool,
}

/// Administrators first, then by name.
pub(super) async fn members(tx: &mut SystemTx, company: CompanyId) -> Result<Vec<Member>> {
    Ok(sqlx::query_as(
        "select u.id, u.name, u.email, m.role,
                (select max(s.last_seen_at) from sessions s where s.user_id = m.user_id and s.company_id = m.company_id) as seen_at,
                m.deactivated_at is not null as deactivated
         from members m join users u on u.id = m.user_id
         where m.company_id = $1
         order by array_position(array['super_admin', 'company_admin', 'operator', 'viewer'], m.role), u.name, u.id",
    )
    .bind(company)
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn member(tx: &mut SystemTx, company: CompanyId, user: UserId) -> Result<Option<(String, Role)>> {
    Ok(sqlx::query_as(
        "select u.name, m.role from members m join users u on u.id = m.user_id where m.company_id = $1 and u.id = $2",
    )
    .bind(company)
    .bind(user)
    .fetch_optional(tx.conn())
    .await?)
}

/// The role of whoever acts, as it is now. A super admin may act inside a company that is not theirs, and an administrator inside a
/// client of theirs.
pub(super) async fn role_now(tx: &mut SystemTx, company: CompanyId, user: UserId, is_super: bool) -> Result<Option<Role>> {
    Ok(sqlx::query_scalar(
        "select role from members where user_id = $2 and deactivated_at is null and case when $3 then role = 'super_admin'
            else company_id = $1 or role = 'company_admin' and company_id = (select parent_id from client_terms t where t.company_id = $1) end
         order by company_id = $1 desc limit 1",
    )
    .bind(company)
    .bind(user)
    .bind(is_super)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn is_member(tx: &mut SystemTx, company: CompanyId, email: &str) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select 1 from members m join users u on u.id = m.user_id where m.company_id = $1 and u.email = $2)",
    )
    .bind(company)
    .bind(email)
    .fetch_one(tx.conn())
    .await?)
}

/// People in the team and on their way.
pub(super) async fn count(tx: &mut SystemTx, company: CompanyId) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "select (select count(*) from members where company_id = $1)
              + (select count(*) from invites where company_id = $1 and accepted_at is null and revoked_at is null)",
    )
    .bind(company)
    .fetch_one(tx.conn())
    .await?)
}

/// Whether anybody but this user administers the company.
pub(super) async fn has_another_admin(tx: &mut SystemTx, company: CompanyId, user: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select 1 from members
            where company_id = $1 and user_id <> $2 and role = 'company_admin' and deactivated_at is null)",
    )
    .bind(company)
    .bind(user)
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn set_role(tx: &mut SystemTx, company: CompanyId, user: UserId, role: Role) -> Result<()> {
    sqlx::query("update members set role = $3 where company_id = $1 and user_id = $2")
        .bind(company)
        .bind(user)
        .bind(role)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes the membership away, and the sessions and keys with it: else they would live again with the next invite.
pub(super) async fn delete(tx: &mut SystemTx, company: CompanyId, user: UserId, now: Timestamp) -> Result<()> {
    sqlx::query("delete from members where company_id = $1 and user_id = $2").bind(company).bind(user).execute(tx.conn()).await?;
    end_sessions(tx, company, user, now).await
}

/// `false` when they were so before.
pub(super) async fn deactivate(tx: &mut SystemTx, company: CompanyId, user: UserId, now: Timestamp) -> Result<bool> {
    let done =
        sqlx::query("update members set deactivated_at = $3 where company_id = $1 and user_id = $2 and deactivated_at is null")
            .bind(company)
            .bind(user)
            .bind(now)
            .execute(tx.conn())
            .await?;
    end_sessions(tx, company, user, now).await?;
    Ok(done.rows_affected() > 0)
}

/// `false` when they were so before.
pub(super) async fn reactivate(tx: &mut SystemTx, company: CompanyId, user: UserId) -> Result<bool> {
    let done = sqlx::query(
        "update members set deactivated_at = null where company_id = $1 and user_id = $2 and deactivated_at is not null",
    )
    .bind(company)
    .bind(user)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn end_sessions(tx: &mut SystemTx, company: CompanyId, user: UserId, now: Timestamp) -> Result<()> {
    sqlx::query("update sessions set revoked_at = $3 where company_id = $1 and user_id = $2 and revoked_at is null")
        .bind(company)
        .bind(user)
        .bind(now)
        .execute(tx.conn())
        .await?;
    sqlx::query("update api_keys set revoked_at = $3 where company_id = $1 and made_by = $2 and revoked_at is null")
        .bind(company)
        .bind(user)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Open {
    pub id: InviteId,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    pub sent_at: Timestamp,
    pub expires_at: Timestamp,
}

pub(super) async fn open_invites(tx: &mut SystemTx, company: CompanyId) -> Result<Vec<Open>> {
    Ok(sqlx::query_as(
        "select id, email, role, invited_by, sent_at, expires_at from invites
         where company_id = $1 and accepted_at is null and revoked_at is null order by sent_at desc, id desc",
    )
    .bind(company)
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn find_open(tx: &mut SystemTx, company: CompanyId, id: InviteId) -> Result<Option<Open>> {
    Ok(sqlx::query_as(
        "select id, email, role, invited_by, sent_at, expires_at from invites
         where company_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
    )
    .bind(company)
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) struct NewInvite<'a> {
    pub id: InviteId,
    pub email: &'a str,
    pub role: Role,
    pub token_hash: Vec<u8>,
    pub by: &'a str,
}

pub(super) async fn insert(
    tx: &mut SystemTx,
    company: CompanyId,
    new: &NewInvite<'_>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "insert into invites (company_id, id, email, role, token_hash, invited_by, sent_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(company)
    .bind(new.id)
    .bind(new.email)
    .bind(new.role)
    .bind(&new.token_hash)
    .bind(new.by)
    .bind(now)
    .bind(expires_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn renew(
    tx: &mut SystemTx,
    company: CompanyId,
    id: InviteId,
    token_hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "update invites set token_hash = $3, sent_at = $4, expires_at = $5 where company_id = $1 and id = $2
            and accepted_at is null and revoked_at is null",
    )
    .bind(company)
    .bind(id)
    .bind(token_hash)
    .bind(now)
    .bind(expires_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// `false` when somebody took it up meanwhile.
pub(super) async fn close(tx: &mut SystemTx, company: CompanyId, id: InviteId, now: Timestamp) -> Result<bool> {
    let closed = sqlx::query(
        "update invites set revoked_at = $3 where company_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
    )
    .bind(company)
    .bind(id)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(closed.rows_affected() > 0)
}

pub(super) async fn accept(tx: &mut SystemTx, company: CompanyId, id: InviteId, now: Timestamp) -> Result<()> {
    sqlx::query("update invites set accepted_at = $3 where company_id = $1 and id = $2")
        .bind(company)
        .bind(id)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn count_sent(tx: &mut SystemTx, company: CompanyId, since: Timestamp) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from invites where company_id = $1 and sent_at > $2")
        .bind(company)
        .bind(since)
        .fetch_one(tx.conn())
        .await?)
}

/// An invite, by what its mail carries.
#[derive(sqlx::FromRow)]
pub(super) struct Found {
    pub company_id: CompanyId,
    pub id: InviteId,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    pub expires_at: Timestamp,
    pub accepted: bool,
    pub revoked: bool,
}

pub(super) async fn lock_by_token(tx: &mut SystemTx, token_hash: &[u8]) -> Result<Option<Found>> {
    Ok(sqlx::query_as(
        "select company_id, id, email, role, invited_by, expires_at, accepted_at is not null as accepted, revoked_at is not null as revoked
         from invites where token_hash = $1 for update",
    )
    .bind(token_hash)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn two_factor_required(tx: &mut SystemTx, company: CompanyId) -> Result<bool> {
    Ok(sqlx::query_scalar("select two_factor_required from companies where id = $1").bind(company).fetch_one(tx.conn()).await?)
}

pub(super) async fn company_name(tx: &mut SystemTx, company: CompanyId) -> Result<String> {
    Ok(sqlx::query_scalar("select name from companies where id = $1").bind(company).fetch_one(tx.conn()).await?)
}

/// A campaign that can be given to somebody, and whether they have it.
#[derive(sqlx::FromRow)]
pub(super) struct Handled {
    pub id: CampaignId,
    pub name: String,
    pub status: Status,
    pub assigned: bool,
}

/// The newest campaigns that are not put away, and those they have.
pub(super) async fn handled(tx: &mut SystemTx, company: CompanyId, user: UserId, max: i64) -> Result<Vec<Handled>> {
    Ok(sqlx::query_as(
        "select c.id, c.name, c.status, a.user_id is not null as assigned from campaigns c
         left join assignments a on a.company_id = c.company_id and a.campaign_id = c.id and a.user_id = $2
         where c.company_id = $1 and (c.status <> 'archived' or a.user_id is not null)
         order by a.user_id is null, c.created_at desc, c.id desc limit $3",
    )
    .bind(company)
    .bind(user)
    .bind(max)
    .fetch_all(tx.conn())
    .await?)
}

/// Gives somebody these campaigns and no others. Returns how many of them are the company's.
pub(super) async fn assign(
    tx: &mut SystemTx,
    company: CompanyId,
    user: UserId,
    campaigns: &[CampaignId],
    now: Timestamp,
) -> Result<u64> {
    sqlx::query("delete from assignments where company_id = $1 and user_id = $2")
        .bind(company)
        .bind(user)
        .execute(tx.conn())
        .await?;
    let done = sqlx::query(
        "insert into assignments (company_id, user_id, campaign_id, created_at)
         select $1, $2, id, $4 from campaigns where company_id = $1 and id = any($3)",
    )
    .bind(company)
    .bind(user)
    .bind(campaigns)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
