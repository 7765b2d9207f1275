//! Links that are mailed and let whoever opens one do one thing, once. The mail has 32 random bytes, the table their SHA-256.

use super::{digest, new_token, repo};
use crate::db::SystemTx;
use crate::error::Result;
use model::Error;
use model::id::UserId;
use model::time::Timestamp;
use uuid::Uuid;

/// What a link lets one do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Choose a new password.
    Reset,
    /// Prove a new address.
    Email,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Email => "email",
        }
    }
}

/// A link that still works.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Link {
    pub user_id: UserId,
    pub email: Option<String>,
    expires_at: Timestamp,
    used_at: Option<Timestamp>,
}

/// Writes a link and returns its token; nothing when this link is there already.
pub(super) async fn write(
    tx: &mut SystemTx,
    id: Uuid,
    kind: Kind,
    user: UserId,
    email: Option<&str>,
    expires_at: Timestamp,
) -> Result<Option<String>> {
    let token = new_token(tx);
    let done = sqlx::query(
        "insert into links (id, kind, token_hash, user_id, email, expires_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do nothing",
    )
    .bind(id)
    .bind(kind.word())
    .bind(digest(&token))
    .bind(user)
    .bind(email)
    .bind(expires_at)
    .execute(tx.conn())
    .await?;
    Ok((done.rows_affected() == 1).then_some(token))
}

/// The link behind a token, locked until the end of the transaction, and its user.
///
/// # Errors
/// `NotFound` for a token we never sent, `Conflict` for one that was used or is too old.
pub(super) async fn lock(tx: &mut SystemTx, kind: Kind, token: &str) -> Result<Link> {
    // The user first, as everybody who changes one does.
    let whose: Option<UserId> = sqlx::query_scalar("select user_id from links where token_hash = $1 and kind = $2")
        .bind(digest(token))
        .bind(kind.word())
        .fetch_optional(tx.conn())
        .await?;
    repo::lock_user(tx, whose.ok_or_else(|| Error::not_found("link"))?).await?;
    let found: Option<Link> =
        sqlx::query_as("select user_id, email, expires_at, used_at from links where token_hash = $1 and kind = $2 for update")
            .bind(digest(token))
            .bind(kind.word())
            .fetch_optional(tx.conn())
            .await?;
    let link = found.ok_or_else(|| Error::not_found("link"))?;
    if link.used_at.is_some() {
        return Err(Error::conflict("This link was used already. Ask for a new one.").into());
    }
    if link.expires_at <= tx.now() {
        return Err(Error::conflict("This link has expired. Ask for a new one.").into());
    }
    Ok(link)
}

/// Uses up every link a user was sent: after a change none of them means what it meant, and one that somebody else asked for
/// with a stolen password must not outlive it.
pub(super) async fn use_up(tx: &mut SystemTx, user: UserId) -> Result<()> {
    let now = tx.now();
    sqlx::query("update links set used_at = $2 where user_id = $1 and used_at is null")
        .bind(user)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}
