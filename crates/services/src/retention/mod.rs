//! What companies do not keep: every night the sound and the words of calls that are older than their settings say are deleted.
//! The calls stay, because the ledger names them.

#[cfg(test)]
mod tests;

use crate::actor::{Actor, SystemTask};
use crate::db::Db;
use crate::error::Result;
use crate::recordings;
use chrono::TimeDelta;
use model::companies::Retention;
use model::id::CompanyId;
use model::time::Timestamp;
use sqlx::types::Json;

/// Calls emptied in one transaction.
const CALLS_MAX: i64 = 1_000;

/// Deletes what is too old, company by company. Safe to run again, and to die in the middle of.
///
/// # Errors
/// When the database or the disk refuses; the night after goes on.
pub async fn obey(db: &Db) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::Check).await?;
    let now = tx.now();
    let companies: Vec<(CompanyId, Json<Retention>)> =
        sqlx::query_as("select id, retention from companies where retention <> '{}' order by id").fetch_all(tx.conn()).await?;
    tx.commit().await?;
    let before = |days: Option<i32>| days.map(|days| now - TimeDelta::days(days.into()));
    for (company, Json(kept)) in companies {
        if let Some(before) = before(kept.recordings_days) {
            while recordings::forget(db, company, before).await? {}
        }
        if let Some(before) = before(kept.transcripts_days) {
            while forget_words(db, company, before).await? {}
        }
    }
    Ok(())
}

/// Empties some calls of what was said in them. `false` when there are no more.
async fn forget_words(db: &Db, company: CompanyId, before: Timestamp) -> Result<bool> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    // In the order in which everybody locks calls.
    let done = sqlx::query(
        "update calls set transcript = '[]', turn_seconds = '{}', summary = '', keywords = '{}', found = '{}'
         where id in (select id from calls where ended_at < $1 and (transcript <> '[]' or summary <> '' or found <> '{}'
                or keywords <> '{}') order by id limit $2 for update)",
    )
    .bind(before)
    .bind(CALLS_MAX)
    .execute(tx.conn())
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(done > 0)
}
