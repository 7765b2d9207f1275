//! The SQL of sessions, of sign-ins that are half done, and of tries that are counted.

use super::Membership;
use crate::db::SystemTx;
use crate::error::Result;
use model::accounts::Bar;
use model::id::{SessionId, UserId};
use model::time::Timestamp;

/// Sessions in the list of a user.
const SESSIONS_MAX: i64 = 100;

pub(in crate::accounts) struct NewSession {
    pub id: SessionId,
    pub token_hash: Vec<u8>,
    pub ip: String,
    pub user_agent: String,
    pub now: Timestamp,
    pub idle_until: Timestamp,
    pub absolute_until: Timestamp,
}

pub(in crate::accounts) async fn insert_session(tx: &mut SystemTx, member: &Membership, new: &NewSession) -> Result<()> {
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
pub(in crate::accounts) struct Session {
    pub id: SessionId,
    pub last_seen_at: Timestamp,
    pub absolute_until: Timestamp,
    pub barred: Option<Bar>,
    pub acting: bool,
    #[sqlx(flatten)]
    pub member: Membership,
}

/// A living session together with its member; one that lost the membership is as good as none. Whoever acts inside a company that
/// is not theirs is no member of it: their session lives as long as they are super admin somewhere, or administrator of the company
/// that this one is a client of. The latter obey what the client asks of its own people.
pub(in crate::accounts) async fn session(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<Session>> {
    Ok(sqlx::query_as(
        "select s.id, s.last_seen_at, s.absolute_until,
                s.acting, case when v.is_super then null when c.suspended_at is not null then 'suspended'
                    when c.two_factor_required
                        and not exists (select 1 from two_factors f where f.user_id = s.user_id and f.confirmed_at is not null)
                    then 'two_factor' end as barred,
                s.user_id, s.company_id,
                coalesce(m.role, case when v.is_super then 'super_admin' else 'company_admin' end) as role, u.name, u.confirmed_at is not null as confirmed, c.time_zone
         from sessions s
         join users u on u.id = s.user_id
         left join members m on m.user_id = s.user_id and m.company_id = s.company_id and not s.acting and m.deactivated_at is null
         join companies c on c.id = s.company_id
         -- What a visitor is elsewhere, which lets them in here.
         left join lateral (
            select bool_or(p.role = 'super_admin') as is_super from members p where s.acting and p.user_id = s.user_id
                and p.deactivated_at is null and (p.role = 'super_admin' or p.role = 'company_admin' and p.company_id in (
                    select t.parent_id from client_terms t join companies o on o.id = t.parent_id
                    where t.company_id = s.company_id and o.suspended_at is null))) v on true
         where s.token_hash = $1 and case when s.acting then v.is_super is not null else m.user_id is not null end
            and s.revoked_at is null and s.idle_until > $2 and s.absolute_until > $2",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

pub(in crate::accounts) async fn touch_session(
    tx: &mut SystemTx,
    id: SessionId,
    now: Timestamp,
    idle_until: Timestamp,
) -> Result<()> {
    sqlx::query("update sessions set last_seen_at = $2, idle_until = $3 where id = $1")
        .bind(id)
        .bind(now)
        .bind(idle_until)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends a living session, and returns when it would have ended by itself.
pub(in crate::accounts) async fn revoke_session(tx: &mut SystemTx, id: SessionId, now: Timestamp) -> Result<Option<Timestamp>> {
    Ok(sqlx::query_scalar("update sessions set revoked_at = $2 where id = $1 and revoked_at is null returning absolute_until")
        .bind(id)
        .bind(now)
        .fetch_optional(tx.conn())
        .await?)
}

/// Where somebody is signed in.
#[derive(sqlx::FromRow)]
pub(in crate::accounts) struct Place {
    pub id: SessionId,
    pub ip: String,
    pub user_agent: String,
    pub company_name: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

/// The living sessions of a user, the newest first.
pub(in crate::accounts) async fn sessions_of(tx: &mut SystemTx, user: UserId, now: Timestamp) -> Result<Vec<Place>> {
    Ok(sqlx::query_as(
        "select s.id, s.ip, s.user_agent, c.name as company_name, s.created_at, s.last_seen_at
         from sessions s
         left join members m on m.user_id = s.user_id and m.company_id = s.company_id and m.deactivated_at is null
         join companies c on c.id = s.company_id
         where s.user_id = $1 and (s.acting or m.user_id is not null) and s.revoked_at is null and s.idle_until > $2 and s.absolute_until > $2
         order by s.last_seen_at desc, s.id desc limit $3",
    )
    .bind(user)
    .bind(now)
    .bind(SESSIONS_MAX)
    .fetch_all(tx.conn())
    .await?)
}

/// Ends what a user has open, but for one; returns how many.
pub(in crate::accounts) async fn revoke_sessions(
    tx: &mut SystemTx,
    user: UserId,
    but: Option<SessionId>,
    now: Timestamp,
) -> Result<u64> {
    let done = sqlx::query(
        "update sessions set revoked_at = $3 where user_id = $1 and id is distinct from $2 and revoked_at is null
            and idle_until > $3 and absolute_until > $3",
    )
    .bind(user)
    .bind(but)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Keeps the first half of a sign-in, and forgets those that are over.
pub(in crate::accounts) async fn insert_half(
    tx: &mut SystemTx,
    user: UserId,
    hash: &[u8],
    now: Timestamp,
    until: Timestamp,
) -> Result<()> {
    sqlx::query("delete from half_sign_ins where expires_at <= $1").bind(now).execute(tx.conn()).await?;
    sqlx::query("insert into half_sign_ins (token_hash, user_id, expires_at) values ($1, $2, $3)")
        .bind(hash)
        .bind(user)
        .bind(until)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(in crate::accounts) async fn find_half(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar("select user_id from half_sign_ins where token_hash = $1 and expires_at > $2")
        .bind(hash)
        .bind(now)
        .fetch_optional(tx.conn())
        .await?)
}

pub(in crate::accounts) async fn lock_half(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar("select user_id from half_sign_ins where token_hash = $1 and expires_at > $2 for update")
        .bind(hash)
        .bind(now)
        .fetch_optional(tx.conn())
        .await?)
}

pub(crate) async fn delete_halves(tx: &mut SystemTx, user: UserId) -> Result<()> {
    sqlx::query("delete from half_sign_ins where user_id = $1").bind(user).execute(tx.conn()).await?;
    Ok(())
}

/// Two tries for the same key are counted one after the other.
pub(in crate::accounts) async fn lock_tries(tx: &mut SystemTx, key: &str) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))").bind(key).execute(tx.conn()).await?;
    Ok(())
}

/// When the `n`-th newest failure since then was, if there are that many.
pub(in crate::accounts) async fn nth_failure(
    tx: &mut SystemTx,
    key: &str,
    since: Timestamp,
    n: i64,
) -> Result<Option<Timestamp>> {
    Ok(sqlx::query_scalar("select at from login_failures where key = $1 and at > $2 order by at desc limit 1 offset $3")
        .bind(key)
        .bind(since)
        .bind(n - 1)
        .fetch_optional(tx.conn())
        .await?)
}

pub(in crate::accounts) async fn insert_failure(tx: &mut SystemTx, key: &str, now: Timestamp) -> Result<()> {
    sqlx::query("insert into login_failures (key, at) values ($1, $2)").bind(key).bind(now).execute(tx.conn()).await?;
    Ok(())
}

/// After a success: all failures of the e-mail, this try's own of the address, and whatever is too old to count.
pub(in crate::accounts) async fn forget_failures(tx: &mut SystemTx, email: &str, ip: &str, old: Timestamp) -> Result<()> {
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

/// After a success: all tries of one key.
pub(crate) async fn forget_tries(tx: &mut SystemTx, key: &str) -> Result<()> {
    sqlx::query("delete from login_failures where key = $1").bind(key).execute(tx.conn()).await?;
    Ok(())
}

pub(in crate::accounts) async fn mark_acting(tx: &mut SystemTx, hash: &[u8]) -> Result<()> {
    sqlx::query("update sessions set acting = true where token_hash = $1").bind(hash).execute(tx.conn()).await?;
    Ok(())
}
