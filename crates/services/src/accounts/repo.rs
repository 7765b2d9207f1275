//! The SQL of accounts. All of it runs as `system` and names its user or company, but for the company type.

mod sessions;
pub(super) mod tokens;

pub(super) use sessions::*;
pub(crate) use sessions::{delete_halves, forget_tries};

use super::NewUser;
use crate::actor::{ActingUser, Actor};
use crate::db::{SystemTx, Tx};
use crate::error::Result;
use chrono_tz::Tz;
use model::accounts::Role;
use model::companies::{CompanyRow, CompanyType};
use model::credits::Credits;
use model::id::{CompanyId, UserId};
use model::time::Timestamp;

/// One user in one company: what an [`Actor`] is made of.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Membership {
    pub user_id: UserId,
    pub company_id: CompanyId,
    pub role: Role,
    pub name: String,
    pub confirmed: bool,
    pub time_zone: String,
}

impl Membership {
    /// The one place where a human becomes an actor.
    pub fn actor(&self) -> Actor {
        Actor {
            company: self.company_id,
            zone: self.time_zone.parse().unwrap_or(Tz::UTC),
            role: self.role,
            user: Some(ActingUser { id: self.user_id, name: self.name.clone(), confirmed: self.confirmed }),
            scopes: None,
        }
    }
}

pub(super) async fn insert_user(tx: &mut SystemTx, id: UserId, email: &str, new: &NewUser<'_>, now: Timestamp) -> Result<()> {
    sqlx::query("insert into users (id, email, name, password_hash, confirmed_at, created_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(id)
        .bind(email)
        .bind(new.name)
        .bind(new.password_hash)
        .bind(new.confirmed.then_some(now))
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn insert_member(tx: &mut SystemTx, company: CompanyId, user: UserId, role: Role, now: Timestamp) -> Result<()> {
    sqlx::query("insert into members (company_id, user_id, role, created_at) values ($1, $2, $3, $4)")
        .bind(company)
        .bind(user)
        .bind(role)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Confirmation {
    pub user_id: UserId,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

pub(super) async fn insert_confirmation(tx: &mut SystemTx, hash: &[u8], user: UserId, expires_at: Timestamp) -> Result<()> {
    sqlx::query("insert into confirmations (token_hash, user_id, expires_at) values ($1, $2, $3)")
        .bind(hash)
        .bind(user)
        .bind(expires_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn lock_confirmation(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<Confirmation>> {
    Ok(sqlx::query_as("select user_id, expires_at, used_at from confirmations where token_hash = $1 for update")
        .bind(hash)
        .fetch_optional(tx.conn())
        .await?)
}

pub(super) async fn count_confirmations(tx: &mut SystemTx, user: UserId, expiring_after: Timestamp) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from confirmations where user_id = $1 and expires_at > $2")
        .bind(user)
        .bind(expiring_after)
        .fetch_one(tx.conn())
        .await?)
}

pub(super) async fn confirm(tx: &mut SystemTx, hash: &[u8], user: UserId, now: Timestamp) -> Result<()> {
    sqlx::query("update confirmations set used_at = $2 where token_hash = $1").bind(hash).bind(now).execute(tx.conn()).await?;
    confirm_user(tx, user, now).await
}

pub(super) async fn confirm_user(tx: &mut SystemTx, user: UserId, now: Timestamp) -> Result<()> {
    sqlx::query("update users set confirmed_at = coalesce(confirmed_at, $2) where id = $1")
        .bind(user)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn set_name(tx: &mut SystemTx, user: UserId, name: &str) -> Result<()> {
    sqlx::query("update users set name = $2 where id = $1").bind(user).bind(name).execute(tx.conn()).await?;
    Ok(())
}

/// A new address is proven by the link that leads here.
pub(super) async fn set_email(tx: &mut SystemTx, user: UserId, email: &str, now: Timestamp) -> Result<()> {
    sqlx::query("update users set email = $2, confirmed_at = $3 where id = $1")
        .bind(user)
        .bind(email)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn set_password(tx: &mut SystemTx, user: UserId, hash: &str) -> Result<()> {
    sqlx::query("update users set password_hash = $2 where id = $1").bind(user).bind(hash).execute(tx.conn()).await?;
    Ok(())
}

/// The hash of somebody's password, if they have one.
pub(crate) async fn password_hash(tx: &mut SystemTx, user: UserId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("select password_hash from users where id = $1").bind(user).fetch_one(tx.conn()).await?)
}

#[derive(sqlx::FromRow)]
pub(crate) struct Found {
    pub id: UserId,
    pub name: String,
}

pub(crate) async fn find_user(tx: &mut SystemTx, email: &str) -> Result<Option<Found>> {
    Ok(sqlx::query_as("select id, name from users where email = $1").bind(email).fetch_optional(tx.conn()).await?)
}

#[derive(sqlx::FromRow)]
pub(crate) struct User {
    pub name: String,
    pub email: String,
    pub confirmed: bool,
}

pub(super) async fn user(tx: &mut SystemTx, user: UserId) -> Result<User> {
    Ok(sqlx::query_as("select name, email, confirmed_at is not null as confirmed from users where id = $1")
        .bind(user)
        .fetch_one(tx.conn())
        .await?)
}

/// A user, locked until the end of the transaction: before their links, sessions and second factor, so that no two wait for each
/// other. Weaker than the lock that foreign keys wait for.
pub(crate) async fn lock_user(tx: &mut SystemTx, user: UserId) -> Result<User> {
    Ok(sqlx::query_as("select name, email, confirmed_at is not null as confirmed from users where id = $1 for no key update")
        .bind(user)
        .fetch_one(tx.conn())
        .await?)
}

/// Whether this is still the hash of a user, who is locked: hashing takes long enough to change a password meanwhile.
pub(super) async fn has_hash(tx: &mut SystemTx, user: UserId, hash: &str) -> Result<bool> {
    let now: Option<Option<String>> = sqlx::query_scalar("select password_hash from users where id = $1 for no key update")
        .bind(user)
        .fetch_optional(tx.conn())
        .await?;
    Ok(now.flatten().as_deref() == Some(hash))
}

/// Whether any company of a user lets nobody in without a second factor.
pub(crate) async fn second_factor_required(tx: &mut SystemTx, user: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select 1 from members m join companies c on c.id = m.company_id
            where m.user_id = $1 and m.deactivated_at is null and c.two_factor_required)",
    )
    .bind(user)
    .fetch_one(tx.conn())
    .await?)
}

#[derive(sqlx::FromRow)]
pub(super) struct Login {
    pub id: UserId,
    pub password_hash: Option<String>,
}

pub(super) async fn login(tx: &mut SystemTx, email: &str) -> Result<Option<Login>> {
    Ok(sqlx::query_as("select id, password_hash from users where email = $1").bind(email).fetch_optional(tx.conn()).await?)
}

/// The company that speaks for a user who is in none now: the one they have been in longest.
pub(super) async fn first_membership(tx: &mut SystemTx, user: UserId) -> Result<Option<Membership>> {
    Ok(sqlx::query_as(
        "select m.user_id, m.company_id, m.role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from members m join users u on u.id = m.user_id join companies c on c.id = m.company_id
         where m.user_id = $1 and m.deactivated_at is null order by m.created_at, m.company_id limit 1",
    )
    .bind(user)
    .fetch_optional(tx.conn())
    .await?)
}

/// One company of a user.
pub(super) async fn membership(tx: &mut SystemTx, user: UserId, company: CompanyId) -> Result<Option<Membership>> {
    Ok(sqlx::query_as(
        "select m.user_id, m.company_id, m.role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from members m join users u on u.id = m.user_id join companies c on c.id = m.company_id
         where m.user_id = $1 and m.company_id = $2 and m.deactivated_at is null",
    )
    .bind(user)
    .bind(company)
    .fetch_optional(tx.conn())
    .await?)
}

/// A visitor in a company that is not theirs. What they are there each request finds out anew.
pub(super) async fn visitor(tx: &mut SystemTx, user: UserId, company: CompanyId) -> Result<Membership> {
    Ok(sqlx::query_as(
        "select u.id as user_id, c.id as company_id, 'super_admin' as role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from users u, companies c where u.id = $1 and c.id = $2",
    )
    .bind(user)
    .bind(company)
    .fetch_one(tx.conn())
    .await?)
}

/// The company where a user has a role, the oldest if several.
pub(super) async fn home(tx: &mut SystemTx, user: UserId, role: Role) -> Result<Option<Membership>> {
    Ok(sqlx::query_as(
        "select m.user_id, m.company_id, m.role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from members m join users u on u.id = m.user_id join companies c on c.id = m.company_id
         where m.user_id = $1 and m.role = $2 and m.deactivated_at is null order by m.created_at, m.company_id limit 1",
    )
    .bind(user)
    .bind(role)
    .fetch_optional(tx.conn())
    .await?)
}

/// The company a user lands in: the one they chose last.
pub(super) async fn latest_membership(tx: &mut SystemTx, user: UserId) -> Result<Option<Membership>> {
    Ok(sqlx::query_as(
        "select m.user_id, m.company_id, m.role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from members m join users u on u.id = m.user_id join companies c on c.id = m.company_id
         where m.user_id = $1 and m.deactivated_at is null
         order by (select max(s.created_at) from sessions s where s.user_id = m.user_id and s.company_id = m.company_id)
               desc nulls last, m.created_at, m.company_id limit 1",
    )
    .bind(user)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn set_company_type(tx: &mut Tx, company_type: CompanyType) -> Result<()> {
    // Row security on `companies` compares its own id, so the predicate is not company_id but the same wall.
    sqlx::query("update companies set company_type = $1 where id = app.company()").bind(company_type).execute(tx.conn()).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct MeRow {
    pub name: String,
    pub email: String,
    pub confirmed: bool,
    pub company_name: String,
    pub company_type: Option<CompanyType>,
    pub time_zone: String,
    pub suspended_because: Option<String>,
    pub available: Credits,
    pub received: Credits,
    pub live_calls: i64,
}

/// One round trip for what the frame of every page shows to somebody who was let in a moment ago. Calls in flight are the
/// company's taken slots, or for `handles_only` those of the campaigns somebody handles.
pub(super) async fn me(tx: &mut SystemTx, user: UserId, company: CompanyId, handles_only: bool) -> Result<Option<MeRow>> {
    Ok(sqlx::query_as(
        "select u.name, u.email, u.confirmed_at is not null as confirmed,
                c.name as company_name, c.company_type, c.time_zone, c.suspended_because,
                coalesce((select sum(amount) from balances where company_id = c.id and account = 'available'), 0)::bigint as available,
                coalesce((select sum(case when target = 'available' then amount else -amount end) from movements
                          where company_id = c.id
                            and kind in ('purchase', 'refund', 'grant', 'adjust_up', 'adjust_down', 'transfer_in', 'transfer_out')), 0)::bigint as received,
                coalesce((select sum(in_use) from capacity s where s.company_id = c.id and case when $3
                        then s.scope = 'campaign' and s.ref in (select a.campaign_id from assignments a
                            where a.company_id = c.id and a.user_id = u.id)
                        else s.scope = 'company' end), 0)::bigint as live_calls
         from users u, companies c where u.id = $1 and c.id = $2",
    )
    .bind(user)
    .bind(company)
    .bind(handles_only)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn companies_of(tx: &mut SystemTx, user: UserId) -> Result<Vec<CompanyRow>> {
    let rows: Vec<(CompanyId, String, CompanyType)> = sqlx::query_as(
        "select c.id, c.name, coalesce(c.company_type, 'generic') from members m join companies c on c.id = m.company_id
         where m.user_id = $1 and m.deactivated_at is null order by m.created_at, c.id",
    )
    .bind(user)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, name, company_type)| CompanyRow { id, name, company_type }).collect())
}
