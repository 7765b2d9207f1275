//! The SQL of second factors. Users stand above companies, so all of it runs as `system`, but for the company's switch.

use crate::db::{SystemTx, Tx};
use crate::error::Result;
use model::id::UserId;
use model::time::Timestamp;

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub secret: Vec<u8>,
    pub codes: Option<Vec<u8>>,
    pub created_at: Timestamp,
    pub confirmed: bool,
}

/// Whoever comes here has locked the user.
pub(super) async fn lock(tx: &mut SystemTx, user: UserId) -> Result<Option<Stored>> {
    Ok(sqlx::query_as(
        "select secret, codes, created_at, confirmed_at is not null as confirmed from two_factors where user_id = $1 for update",
    )
    .bind(user)
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether there is one in force. Reads without a lock.
pub(super) async fn is_on(tx: &mut SystemTx, user: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from two_factors where user_id = $1 and confirmed_at is not null)")
        .bind(user)
        .fetch_one(tx.conn())
        .await?)
}

/// Never replaces one that is in force.
pub(super) async fn begin(tx: &mut SystemTx, user: UserId, secret: &[u8], codes: &[u8], now: Timestamp) -> Result<()> {
    sqlx::query(
        "insert into two_factors (user_id, secret, codes, created_at) values ($1, $2, $3, $4)
         on conflict (user_id) do update set secret = excluded.secret, codes = excluded.codes, created_at = excluded.created_at
         where two_factors.confirmed_at is null",
    )
    .bind(user)
    .bind(secret)
    .bind(codes)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn confirm(tx: &mut SystemTx, user: UserId, step: i64, hashes: &[Vec<u8>], now: Timestamp) -> Result<()> {
    sqlx::query("update two_factors set confirmed_at = $2, last_step = $3, codes = null where user_id = $1")
        .bind(user)
        .bind(now)
        .bind(step)
        .execute(tx.conn())
        .await?;
    sqlx::query("insert into recovery_codes (user_id, code_hash) select $1, unnest($2::bytea[])")
        .bind(user)
        .bind(hashes)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Those whose seal does not begin like this, locked.
pub(super) async fn lock_sealed_otherwise(tx: &mut SystemTx, current: &[u8]) -> Result<Vec<(UserId, Vec<u8>, Option<Vec<u8>>)>> {
    Ok(sqlx::query_as(
        "select user_id, secret, codes from two_factors where substr(secret, 1, $2) <> $1 order by user_id for update",
    )
    .bind(current)
    .bind(i32::try_from(current.len()).unwrap_or(i32::MAX))
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn reseal(tx: &mut SystemTx, user: UserId, secret: &[u8], codes: Option<&[u8]>) -> Result<()> {
    sqlx::query("update two_factors set secret = $2, codes = $3 where user_id = $1")
        .bind(user)
        .bind(secret)
        .bind(codes)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether there was one in force.
pub(super) async fn delete(tx: &mut SystemTx, user: UserId) -> Result<bool> {
    sqlx::query("delete from recovery_codes where user_id = $1").bind(user).execute(tx.conn()).await?;
    let done = sqlx::query("delete from two_factors where user_id = $1 and confirmed_at is not null")
        .bind(user)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the code of a step, unless one as late was taken before.
pub(super) async fn take_step(tx: &mut SystemTx, user: UserId, step: i64) -> Result<bool> {
    let done = sqlx::query("update two_factors set last_step = $2 where user_id = $1 and last_step < $2")
        .bind(user)
        .bind(step)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn take_code(tx: &mut SystemTx, user: UserId, hash: &[u8], now: Timestamp) -> Result<bool> {
    let done = sqlx::query("update recovery_codes set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null")
        .bind(user)
        .bind(hash)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn count_codes(tx: &mut SystemTx, user: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from recovery_codes where user_id = $1 and used_at is null")
        .bind(user)
        .fetch_one(tx.conn())
        .await?)
}

pub(super) async fn set_required(tx: &mut Tx, required: bool) -> Result<()> {
    sqlx::query("update companies set two_factor_required = $1 where id = app.company()")
        .bind(required)
        .execute(tx.conn())
        .await?;
    Ok(())
}
