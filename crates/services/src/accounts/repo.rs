//! The SQL of accounts. All of it runs as `system` and names its user or company, but for the company type.

use super::NewUser;
use crate::actor::{ActingUser, Actor};
use crate::db::{SystemTx, Tx};
use crate::error::Result;
use chrono_tz::Tz;
use model::accounts::Role;
use model::companies::{CompanyRow, CompanyType};
use model::credits::Credits;
use model::id::{CompanyId, SessionId, UserId};
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
    sqlx::query("update users set confirmed_at = coalesce(confirmed_at, $2) where id = $1")
        .bind(user)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct User {
    pub name: String,
    pub email: String,
    pub confirmed: bool,
}

pub(super) async fn lock_user(tx: &mut SystemTx, user: UserId) -> Result<User> {
    Ok(sqlx::query_as("select name, email, confirmed_at is not null as confirmed from users where id = $1 for update")
        .bind(user)
        .fetch_one(tx.conn())
        .await?)
}

#[derive(sqlx::FromRow)]
pub(super) struct Login {
    pub id: UserId,
    pub password_hash: String,
}

pub(super) async fn login(tx: &mut SystemTx, email: &str) -> Result<Option<Login>> {
    Ok(sqlx::query_as("select id, password_hash from users where email = $1").bind(email).fetch_optional(tx.conn()).await?)
}

/// The company a user lands in: the one they have been in longest.
pub(super) async fn first_membership(tx: &mut SystemTx, user: UserId) -> Result<Option<Membership>> {
    Ok(sqlx::query_as(
        "select m.user_id, m.company_id, m.role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from members m join users u on u.id = m.user_id join companies c on c.id = m.company_id
         where m.user_id = $1 order by m.created_at, m.company_id limit 1",
    )
    .bind(user)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) struct NewSession {
    pub id: SessionId,
    pub token_hash: Vec<u8>,
    pub ip: String,
    pub user_agent: String,
    pub now: Timestamp,
    pub idle_until: Timestamp,
    pub absolute_until: Timestamp,
}

pub(super) async fn insert_session(tx: &mut SystemTx, member: &Membership, new: &NewSession) -> Result<()> {
    sqlx::query(
        "insert into sessions (id, user_id, company_id, token_hash, ip, user_agent, created_at, last_seen_at, idle_until, absolute_until)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
    )
    .bind(new.id)
    .bind(member.user_id)
    .bind(member.company_id)
    .bind(&new.token_hash)
    .bind(&new.ip)
    .bind(&new.user_agent)
    .bind(new.now)
    .bind(new.idle_until)
    .bind(new.absolute_until)
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Session {
    pub id: SessionId,
    pub last_seen_at: Timestamp,
    pub absolute_until: Timestamp,
    #[sqlx(flatten)]
    pub member: Membership,
}

/// A living session together with its member; one that lost the membership is as good as none.
pub(super) async fn session(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<Session>> {
    Ok(sqlx::query_as(
        "select s.id, s.last_seen_at, s.absolute_until,
                m.user_id, m.company_id, m.role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from sessions s
         join users u on u.id = s.user_id
         join members m on m.user_id = s.user_id and m.company_id = s.company_id
         join companies c on c.id = s.company_id
         where s.token_hash = $1 and s.revoked_at is null and s.idle_until > $2 and s.absolute_until > $2",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn touch_session(tx: &mut SystemTx, id: SessionId, now: Timestamp, idle_until: Timestamp) -> Result<()> {
    sqlx::query("update sessions set last_seen_at = $2, idle_until = $3 where id = $1")
        .bind(id)
        .bind(now)
        .bind(idle_until)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn revoke_session(tx: &mut SystemTx, id: SessionId, now: Timestamp) -> Result<()> {
    sqlx::query("update sessions set revoked_at = $2 where id = $1").bind(id).bind(now).execute(tx.conn()).await?;
    Ok(())
}

/// Two tries for the same e-mail are counted one after the other.
pub(super) async fn lock_tries(tx: &mut SystemTx, key: &str) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))").bind(key).execute(tx.conn()).await?;
    Ok(())
}

/// When the `n`-th newest failure since then was, if there are that many.
pub(super) async fn nth_failure(tx: &mut SystemTx, key: &str, since: Timestamp, n: i64) -> Result<Option<Timestamp>> {
    Ok(sqlx::query_scalar("select at from login_failures where key = $1 and at > $2 order by at desc limit 1 offset $3")
        .bind(key)
        .bind(since)
        .bind(n - 1)
        .fetch_optional(tx.conn())
        .await?)
}

pub(super) async fn insert_failure(tx: &mut SystemTx, key: &str, now: Timestamp) -> Result<()> {
    sqlx::query("insert into login_failures (key, at) values ($1, $2)").bind(key).bind(now).execute(tx.conn()).await?;
    Ok(())
}

/// After a success: all failures of the e-mail, this try's own of the address, and whatever is too old to count.
pub(super) async fn forget_failures(tx: &mut SystemTx, email: &str, ip: &str, old: Timestamp) -> Result<()> {
    sqlx::query(
        "delete from login_failures where key = $1 or at <= $3
            or ctid = (select ctid from login_failures where key = $2 order by at desc limit 1)",
    )
    .bind(email)
    .bind(ip)
    .bind(old)
    .execute(tx.conn())
    .await?;
    Ok(())
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
    pub role: Role,
    pub company_name: String,
    pub company_type: Option<CompanyType>,
    pub time_zone: String,
    pub available: Credits,
    pub received: Credits,
    pub live_calls: i64,
}

/// One round trip for what the frame of every page shows. Calls in flight are the company's taken slots.
pub(super) async fn me(tx: &mut SystemTx, user: UserId, company: CompanyId) -> Result<Option<MeRow>> {
    Ok(sqlx::query_as(
        "select u.name, u.email, u.confirmed_at is not null as confirmed, m.role,
                c.name as company_name, c.company_type, c.time_zone,
                coalesce((select sum(amount) from balances where company_id = c.id and account = 'available'), 0)::bigint as available,
                coalesce((select sum(case when target = 'available' then amount else -amount end) from movements
                          where company_id = c.id
                            and kind in ('purchase', 'refund', 'grant', 'adjust_up', 'adjust_down')), 0)::bigint as received,
                coalesce((select sum(in_use) from capacity where company_id = c.id and scope = 'company'), 0)::bigint as live_calls
         from members m join users u on u.id = m.user_id join companies c on c.id = m.company_id
         where m.user_id = $1 and m.company_id = $2",
    )
    .bind(user)
    .bind(company)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn companies_of(tx: &mut SystemTx, user: UserId) -> Result<Vec<CompanyRow>> {
    let rows: Vec<(CompanyId, String, CompanyType)> = sqlx::query_as(
        "select c.id, c.name, coalesce(c.company_type, 'generic') from members m join companies c on c.id = m.company_id
         where m.user_id = $1 order by m.created_at, c.id",
    )
    .bind(user)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, name, company_type)| CompanyRow { id, name, company_type }).collect())
}
