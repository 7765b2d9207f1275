//! The SQL of the tokens of programs.

use crate::db::SystemTx;
use crate::error::Result;
use model::id::SessionId;
use model::time::Timestamp;

pub(in crate::accounts) async fn insert(
    tx: &mut SystemTx,
    session: SessionId,
    kind: &str,
    hash: &[u8],
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query("insert into tokens (token_hash, session_id, kind, expires_at) values ($1, $2, $3, $4)")
        .bind(hash)
        .bind(session)
        .bind(kind)
        .bind(expires_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Tokens of a session that would not be taken any more, used or not.
pub(in crate::accounts) async fn forget_old(tx: &mut SystemTx, session: SessionId, now: Timestamp) -> Result<()> {
    sqlx::query("delete from tokens where session_id = $1 and expires_at <= $2")
        .bind(session)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(in crate::accounts) struct Refresh {
    pub session_hash: Vec<u8>,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// A refresh token, locked: of two who show it at once, the second finds it used.
pub(in crate::accounts) async fn lock_refresh(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<Refresh>> {
    Ok(sqlx::query_as(
        "select s.token_hash as session_hash, t.expires_at, t.used_at from tokens t join sessions s on s.id = t.session_id
         where t.token_hash = $1 and t.kind = 'refresh' for update of t",
    )
    .bind(hash)
    .fetch_optional(tx.conn())
    .await?)
}

pub(in crate::accounts) async fn use_up(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<()> {
    sqlx::query("update tokens set used_at = $2 where token_hash = $1").bind(hash).bind(now).execute(tx.conn()).await?;
    Ok(())
}

/// By what `session` finds the session of a living access token.
pub(in crate::accounts) async fn session_of(tx: &mut SystemTx, hash: &[u8], now: Timestamp) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar(
        "select s.token_hash from tokens t join sessions s on s.id = t.session_id
         where t.token_hash = $1 and t.kind = 'access' and t.expires_at > $2",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Notes that a session is in use, and leaves its end alone.
pub(in crate::accounts) async fn see_session(tx: &mut SystemTx, id: SessionId, now: Timestamp) -> Result<()> {
    sqlx::query("update sessions set last_seen_at = $2 where id = $1").bind(id).bind(now).execute(tx.conn()).await?;
    Ok(())
}
