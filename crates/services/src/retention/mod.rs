//! What companies do not keep: every night the sound and the words of calls, the calls' numbers and whole contacts that are older
//! than their settings say are deleted. Of calls and contacts a row stays that names nobody, because the ledger and the counters
//! need it.

#[cfg(test)]
mod tests;

use crate::actor::{Actor, SystemTask};
use crate::contacts::forget;
use crate::db::Db;
use crate::error::Result;
use crate::recordings;
use chrono::TimeDelta;
use model::companies::Retention;
use model::id::{CallId, CompanyId, ContactId};
use model::time::Timestamp;
use sqlx::types::Json;

/// Calls, or messages about them, emptied in one transaction.
const CALLS_MAX: i64 = 1_000;
/// Contacts forgotten in one transaction.
const CONTACTS_MAX: i64 = 200;

/// Deletes what is too old, company by company; of a company in HIPAA mode all that was said. Safe to run again, and to die in the
/// middle of.
///
/// # Errors
/// When the database or the disk refuses; the night after goes on.
pub async fn obey(db: &Db) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::Check).await?;
    let now = tx.now();
    let companies: Vec<(CompanyId, Json<Retention>, bool)> =
        sqlx::query_as("select id, retention, hipaa from companies where retention <> '{}' or hipaa order by id")
            .fetch_all(tx.conn())
            .await?;
    tx.commit().await?;
    let before = |days: Option<i32>| days.map(|days| now - TimeDelta::days(days.into()));
    for (company, Json(kept), hipaa) in companies {
        let (calls, people, all) = (before(kept.calls_days), before(kept.contacts_days), hipaa.then_some(now));
        // A call that is forgotten leaves neither words nor sound.
        if let Some(before) = before(kept.recordings_days).max(calls).max(all) {
            while recordings::forget(db, company, before).await? {}
        }
        if let Some(before) = before(kept.transcripts_days).max(calls).max(all) {
            while forget_words(db, company, before).await? {}
        }
        if let Some(before) = before(kept.transcripts_days).max(calls).max(people).max(all) {
            while forget_messages(db, company, before).await? {}
        }
        if let Some(before) = calls {
            while forget_calls(db, company, before).await? {}
        }
        if let Some(before) = people {
            while forget_contacts(db, company, before).await? {}
        }
    }
    Ok(())
}

/// Empties some calls of what was said in them. `false` when there are no more.
async fn forget_words(db: &Db, company: CompanyId, before: Timestamp) -> Result<bool> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    // In the order in which everybody locks calls.
    let old: Vec<CallId> = sqlx::query_scalar(
        "select id from calls where ended_at < $1 and (transcript <> '[]' or summary <> '' or found <> '{}' or keywords <> '{}')
         order by id limit $2 for update",
    )
    .bind(before)
    .bind(CALLS_MAX)
    .fetch_all(tx.conn())
    .await?;
    sqlx::query(
        "update calls set transcript = '[]', turn_seconds = '{}', summary = '', keywords = '{}', found = '{}' where id = any($1)",
    )
    .bind(&old)
    .execute(tx.conn())
    .await?;
    // The story of a call says in short what was said.
    sqlx::query("update call_steps set detail = '' where call_id = any($1) and title in ('Analysis', 'Unknown callback') and detail <> ''")
        .bind(&old)
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(!old.is_empty())
}

/// Empties some messages of providers that were applied long ago: they hold numbers, and what was said. `false` when there are no more.
async fn forget_messages(db: &Db, company: CompanyId, before: Timestamp) -> Result<bool> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let done = sqlx::query(
        "update inbox set body = '' where id in (select id from inbox where handled_at < $1 and body <> '' order by id limit $2 for update)",
    )
    .bind(before)
    .bind(CALLS_MAX)
    .execute(tx.conn())
    .await?
    .rows_affected();
    tx.commit().await?;
    Ok(done > 0)
}

/// Takes from some calls what leads to a person. `false` when there are no more.
async fn forget_calls(db: &Db, company: CompanyId, before: Timestamp) -> Result<bool> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let old: Vec<CallId> =
        sqlx::query_scalar("select id from calls where ended_at < $1 and forgotten_at is null order by id limit $2 for update")
            .bind(before)
            .bind(CALLS_MAX)
            .fetch_all(tx.conn())
            .await?;
    forget::calls(&mut tx, &old).await?;
    tx.commit().await?;
    Ok(!old.is_empty())
}

/// Forgets some people whom nobody called or changed since, and who wait for no call. `false` when there are no more.
async fn forget_contacts(db: &Db, company: CompanyId, before: Timestamp) -> Result<bool> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let old: Vec<ContactId> = sqlx::query_scalar(
        "select c.id from contacts c where c.forgotten_at is null and c.updated_at < $1 and (c.last_called_at is null or c.last_called_at < $1)
            and not exists (select 1 from enrollments e where e.contact_id = c.id and e.status in ('queued', 'calling'))
            and not exists (select 1 from calls k where k.contact_id = c.id and k.status <> 'ended')
         order by c.id limit $2 for update of c skip locked",
    )
    .bind(before)
    .bind(CONTACTS_MAX)
    .fetch_all(tx.conn())
    .await?;
    // Locked, so that nobody enrolls or calls them from here on; but somebody may have just before.
    let old: Vec<ContactId> = sqlx::query_scalar(
        "select c.id from contacts c where c.id = any($1)
            and not exists (select 1 from enrollments e where e.contact_id = c.id and e.status in ('queued', 'calling'))
            and not exists (select 1 from calls k where k.contact_id = c.id and k.status <> 'ended')",
    )
    .bind(old)
    .fetch_all(tx.conn())
    .await?;
    forget::contacts(&mut tx, &old).await?;
    tx.commit().await?;
    Ok(!old.is_empty())
}
