//! The SQL of API keys. What runs before a company is known runs as `system` and names it.

use crate::db::{SystemTx, Tx};
use crate::error::Result;
use model::accounts::{Bar, Role};
use model::api_keys::{ApiKeyState, Scope};
use model::id::{ApiKeyId, CompanyId, UserId};
use model::time::Timestamp;

/// Keys in the list, those that are over among them.
const LIST_MAX: i64 = 200;

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: ApiKeyId,
    pub name: String,
    pub hint: String,
    pub scopes: Vec<Scope>,
    pub addresses: Vec<String>,
    pub made_by_name: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub old_until: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub last_used_from: String,
    pub revoked_at: Option<Timestamp>,
}

impl Stored {
    pub fn state(&self, now: Timestamp) -> ApiKeyState {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => ApiKeyState::Revoked,
            (None, Some(end)) if end <= now => ApiKeyState::Expired,
            (None, _) => ApiKeyState::Active,
        }
    }
}

pub(super) async fn list(tx: &mut Tx) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as(
        "select id, name, hint, scopes, addresses, made_by_name, created_at, expires_at, old_until, last_used_at, last_used_from,
                revoked_at
         from api_keys order by created_at desc, id desc limit $1",
    )
    .bind(LIST_MAX)
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn lock(tx: &mut Tx, id: ApiKeyId) -> Result<Option<Stored>> {
    Ok(sqlx::query_as(
        "select id, name, hint, scopes, addresses, made_by_name, created_at, expires_at, old_until, last_used_at, last_used_from,
                revoked_at
         from api_keys where id = $1 for update",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// Locks the company, weaker than foreign keys wait for, and says whether the user is a member of it.
pub(super) async fn lock_maker(tx: &mut Tx, user: UserId) -> Result<bool> {
    sqlx::query("select 1 from companies where id = app.company() for no key update").execute(tx.conn()).await?;
    Ok(sqlx::query_scalar("select exists (select 1 from members where user_id = $1 and deactivated_at is null)")
        .bind(user)
        .fetch_one(tx.conn())
        .await?)
}

/// Keys in force.
pub(super) async fn count(tx: &mut Tx, now: Timestamp) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from api_keys where revoked_at is null and (expires_at is null or expires_at > $1)")
        .bind(now)
        .fetch_one(tx.conn())
        .await?)
}

pub(super) struct NewKey<'a> {
    pub id: ApiKeyId,
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub addresses: &'a [String],
    pub made_by: UserId,
    pub made_by_name: &'a str,
    pub hint: &'a str,
    pub secret_hash: Vec<u8>,
    pub expires_at: Option<Timestamp>,
}

pub(super) async fn insert(tx: &mut Tx, new: &NewKey<'_>, now: Timestamp) -> Result<()> {
    sqlx::query(
        "insert into api_keys (id, name, scopes, addresses, made_by, made_by_name, hint, secret_hash, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.id)
    .bind(new.name)
    .bind(new.scopes)
    .bind(new.addresses)
    .bind(new.made_by)
    .bind(new.made_by_name)
    .bind(new.hint)
    .bind(&new.secret_hash)
    .bind(new.expires_at)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Without `old_until` the old secret stops at once.
pub(super) async fn rotate(tx: &mut Tx, id: ApiKeyId, hash: &[u8], hint: &str, old_until: Option<Timestamp>) -> Result<()> {
    sqlx::query(
        "update api_keys set old_hash = case when $4::timestamptz is null then null else secret_hash end, old_until = $4,
                secret_hash = $2, hint = $3 where id = $1",
    )
    .bind(id)
    .bind(hash)
    .bind(hint)
    .bind(old_until)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn revoke(tx: &mut Tx, id: ApiKeyId, now: Timestamp) -> Result<()> {
    sqlx::query("update api_keys set revoked_at = $2 where id = $1").bind(id).bind(now).execute(tx.conn()).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Found {
    pub id: ApiKeyId,
    pub company_id: CompanyId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub addresses: Vec<String>,
    pub last_used_at: Option<Timestamp>,
    pub barred: Option<Bar>,
    pub user_id: UserId,
    pub role: Role,
    pub confirmed: bool,
    pub time_zone: String,
}

/// A key in force, with the role that its maker has now. Bars are those of a session; see `accounts::resolve`.
pub(super) async fn find(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<Found>> {
    Ok(sqlx::query_as(
        "select k.id, k.company_id, k.name, k.scopes, k.addresses, k.last_used_at, k.made_by as user_id, m.role,
                u.confirmed_at is not null as confirmed, c.time_zone,
                case when c.suspended_at is not null then 'suspended'
                    when c.two_factor_required
                        and not exists (select 1 from two_factors f where f.user_id = k.made_by and f.confirmed_at is not null)
                    then 'two_factor' end as barred
         from api_keys k
         join members m on m.company_id = k.company_id and m.user_id = k.made_by and m.deactivated_at is null
         join users u on u.id = k.made_by
         join companies c on c.id = k.company_id
         where (k.secret_hash = $1 or (k.old_hash = $1 and k.old_until > $2))
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn touch(tx: &mut SystemTx, company: CompanyId, id: ApiKeyId, from: &str, now: Timestamp) -> Result<()> {
    sqlx::query("update api_keys set last_used_at = $3, last_used_from = $4 where company_id = $1 and id = $2")
        .bind(company)
        .bind(id)
        .bind(now)
        .bind(from)
        .execute(tx.conn())
        .await?;
    Ok(())
}
