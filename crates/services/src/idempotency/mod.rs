//! Writes of programs that may be sent again: the answer is stored in the commit of the write, under the key that the program
//! chose, and read by whoever sends the same again. Two at once are one after the other: the second waits for the first's commit.

#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::error::Result;
use chrono::TimeDelta;
use model::Error;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Longest key.
pub const KEY_MAX: usize = 200;
/// How long an answer is kept.
const KEPT_HOURS: i64 = 24;
/// Old answers that one write sweeps away.
const SWEPT_MAX: i64 = 100;

/// A write that somebody may send again.
#[derive(Debug, Clone)]
pub struct Request {
    caller: Uuid,
    key: String,
    hash: Vec<u8>,
}

/// What was answered the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    pub body: String,
}

impl Request {
    /// A request of `caller`, an API key or a session, with the key it chose. Another method, path or body under the same key is
    /// another request.
    ///
    /// # Errors
    /// `Invalid` on `Idempotency-Key` when it is empty, longer than [`KEY_MAX`], or not printable ASCII.
    pub fn try_new(caller: Uuid, key: &str, method: &str, path: &str, body: &[u8]) -> Result<Self> {
        if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            let problem = format!("Use 1 to {KEY_MAX} printable ASCII characters.");
            return Err(Error::field("Idempotency-Key", problem).into());
        }
        let head = format!("{method} {path}\n");
        let hash = Sha256::new().chain_update(head).chain_update(body).finalize().to_vec();
        Ok(Self { caller, key: key.to_owned(), hash })
    }
}

/// Claims the request for this transaction, or returns what was answered before. First statement of the transaction: it waits
/// for another that holds the same key, and no lock is held while it does.
///
/// # Errors
/// `Conflict` when another request came with this key.
pub async fn claim(tx: &mut Tx, request: &Request) -> Result<Option<Answered>> {
    let now = tx.now();
    sweep(tx).await?;
    let claimed = sqlx::query(
        "insert into stored_answers (caller, key, request_hash, created_at) values ($1, $2, $3, $4)
         on conflict (company_id, caller, key) do nothing",
    )
    .bind(request.caller)
    .bind(&request.key)
    .bind(&request.hash)
    .bind(now)
    .execute(tx.conn())
    .await?;
    if claimed.rows_affected() == 1 {
        return Ok(None);
    }
    let (hash, status, body): (Vec<u8>, Option<i32>, Option<String>) =
        sqlx::query_as("select request_hash, status, body from stored_answers where caller = $1 and key = $2")
            .bind(request.caller)
            .bind(&request.key)
            .fetch_one(tx.conn())
            .await?;
    if hash != request.hash {
        return Err(Error::conflict("Another request came with this Idempotency-Key. Use a new one for a new request.").into());
    }
    let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    Ok(Some(Answered { status, body: body.unwrap_or_default() }))
}

/// Keeps the answer, in the commit of what it answers.
///
/// # Errors
/// When the database refuses.
pub async fn keep(tx: &mut Tx, request: &Request, answered: &Answered) -> Result<()> {
    sqlx::query("update stored_answers set status = $3, body = $4 where caller = $1 and key = $2")
        .bind(request.caller)
        .bind(&request.key)
        .bind(i32::from(answered.status))
        .bind(&answered.body)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a few answers that are too old. What another transaction is sweeping is left to it.
async fn sweep(tx: &mut Tx) -> Result<()> {
    let old = tx.now() - TimeDelta::hours(KEPT_HOURS);
    sqlx::query(
        "delete from stored_answers where ctid = any (array(
            select ctid from stored_answers where created_at <= $1 order by created_at limit $2 for update skip locked))",
    )
    .bind(old)
    .bind(SWEPT_MAX)
    .execute(tx.conn())
    .await?;
    Ok(())
}
