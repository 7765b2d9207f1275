//! The SQL of identities. They stand above companies, so all of it runs as `system`.

use crate::db::SystemTx;
use crate::error::Result;
use model::id::{SessionId, UserId};
use model::identities::{Claims, IdentityProvider};
use model::time::Timestamp;

/// Whose identity this is.
pub(super) async fn owner(tx: &mut SystemTx, claims: &Claims) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar("select user_id from identities where provider = $1 and subject = $2")
        .bind(claims.provider)
        .bind(&claims.subject)
        .fetch_optional(tx.conn())
        .await?)
}

#[derive(sqlx::FromRow)]
pub(super) struct Linked {
    pub provider: IdentityProvider,
    pub email: Option<String>,
    pub linked_at: Timestamp,
}

/// The identities of a user: at most one of each provider.
pub(super) async fn of_user(tx: &mut SystemTx, user: UserId) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as("select provider, email, linked_at from identities where user_id = $1 order by provider")
        .bind(user)
        .fetch_all(tx.conn())
        .await?)
}

/// Whether nobody had it, and the user none of this provider.
pub(super) async fn insert(tx: &mut SystemTx, user: UserId, claims: &Claims, now: Timestamp) -> Result<bool> {
    let done = sqlx::query(
        "insert into identities (provider, subject, user_id, email, linked_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(claims.provider)
    .bind(&claims.subject)
    .bind(user)
    .bind(&claims.email)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether there was one.
pub(super) async fn delete(tx: &mut SystemTx, user: UserId, provider: IdentityProvider) -> Result<bool> {
    let done = sqlx::query("delete from identities where user_id = $1 and provider = $2")
        .bind(user)
        .bind(provider)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

#[derive(sqlx::FromRow)]
pub(super) struct TripRow {
    pub provider: IdentityProvider,
    pub next: String,
    pub user_id: Option<UserId>,
    pub session_id: Option<SessionId>,
}

/// Keeps a trip, and forgets those that are over.
pub(super) async fn insert_trip(tx: &mut SystemTx, hash: &[u8], trip: &TripRow, now: Timestamp, until: Timestamp) -> Result<()> {
    sqlx::query("delete from identity_trips where expires_at <= $1").bind(now).execute(tx.conn()).await?;
    sqlx::query(
        "insert into identity_trips (token_hash, provider, next, user_id, session_id, expires_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(hash)
    .bind(trip.provider)
    .bind(&trip.next)
    .bind(trip.user_id)
    .bind(trip.session_id)
    .bind(until)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a trip, and says what it was for. Of two who come back with one, one finds nothing.
pub(super) async fn end_trip(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<TripRow>> {
    Ok(sqlx::query_as(
        "delete from identity_trips where token_hash = $1 and expires_at > $2 returning provider, next, user_id, session_id",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Keeps what a provider said about somebody new, and forgets those who did not register in time.
pub(super) async fn insert_newcomer(
    tx: &mut SystemTx,
    hash: &[u8],
    claims: &Claims,
    now: Timestamp,
    until: Timestamp,
) -> Result<()> {
    sqlx::query("delete from newcomers where expires_at <= $1").bind(now).execute(tx.conn()).await?;
    sqlx::query(
        "insert into newcomers (token_hash, provider, subject, name, email, email_verified, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(hash)
    .bind(claims.provider)
    .bind(&claims.subject)
    .bind(claims.name.as_deref().unwrap_or_default())
    .bind(&claims.email)
    .bind(claims.email_verified)
    .bind(until)
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct NewcomerRow {
    provider: IdentityProvider,
    subject: String,
    name: String,
    email: Option<String>,
    email_verified: bool,
}

/// What a provider said about somebody new, locked until they are registered.
pub(super) async fn lock_newcomer(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<Claims>> {
    let found: Option<NewcomerRow> = sqlx::query_as(
        "select provider, subject, name, email, email_verified from newcomers where token_hash = $1 and expires_at > $2 for update",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.map(|row| Claims {
        provider: row.provider,
        subject: row.subject,
        email: row.email,
        email_verified: row.email_verified,
        name: Some(row.name),
    }))
}

pub(super) async fn delete_newcomer(tx: &mut SystemTx, hash: &[u8]) -> Result<()> {
    sqlx::query("delete from newcomers where token_hash = $1").bind(hash).execute(tx.conn()).await?;
    Ok(())
}
