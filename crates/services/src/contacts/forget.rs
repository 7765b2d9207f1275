//! Taking away what leads to a person, and leaving what the ledger and the counters need: that somebody was called, when, for how
//! long and at what cost.

use crate::db::Tx;
use crate::error::Result;
use crate::{consents, recordings, suppressions};
use model::id::{CallId, ContactId};
use model::phone::Phone;

/// Whom a forgotten row names.
pub(crate) const FORGOTTEN: &str = "Forgotten";

/// Takes sound, words, keys, numbers and the provider's own name from calls that have ended and are locked. A number that nobody has
/// stands in; the same for all calls of one contact that is forgotten itself.
pub(crate) async fn calls(tx: &mut Tx, ids: &[CallId]) -> Result<()> {
    recordings::forget_of(tx, ids).await?;
    let now = tx.now();
    sqlx::query(
        "update calls k set forgotten_at = $2, digits = '', transcript = '[]', turn_seconds = '{}', summary = '', keywords = '{}',
                found = '{}', provider_call_id = null, provider_status = null, asked_as = null,
                phone = coalesce((select c.phone from contacts c where c.id = k.contact_id and c.forgotten_at is not null),
                    '+999' || lpad(nextval('forgotten_numbers')::text, 12, '0'))
         where k.id = any($1) and k.status = 'ended'",
    )
    .bind(ids)
    .bind(now)
    .execute(tx.conn())
    .await?;
    // What a provider said in its own words, and keys that were pressed.
    sqlx::query("update call_steps set detail = '' where call_id = any($1) and detail <> ''")
        .bind(ids)
        .execute(tx.conn())
        .await?;
    sqlx::query("update recordings set remote_id = id::text, link = null where call_id = any($1)")
        .bind(ids)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes everything about people from their rows, and from those of their calls, which must all have ended.
pub(crate) async fn contacts(tx: &mut Tx, ids: &[ContactId]) -> Result<()> {
    // Calls before contacts: the order of locks.
    let theirs: Vec<CallId> = sqlx::query_scalar("select id from calls where contact_id = any($1) order by id for update")
        .bind(ids)
        .fetch_all(tx.conn())
        .await?;
    let numbers: Vec<(ContactId, Phone)> =
        sqlx::query_as("select id, phone from contacts where id = any($1) order by id for update")
            .bind(ids)
            .fetch_all(tx.conn())
            .await?;
    let now = tx.now();
    sqlx::query(
        "update contacts set name = $3, phone = '+999' || lpad(nextval('forgotten_numbers')::text, 12, '0'), phone_raw = '', email = '',
                company = '', time_zone = null, segment = '', notes = '', status = 'archived', forgotten_at = $2, updated_at = $2
         where id = any($1)",
    )
    .bind(ids)
    .bind(now)
    .bind(FORGOTTEN)
    .execute(tx.conn())
    .await?;
    sqlx::query("update enrollments set reason_detail = '' where contact_id = any($1) and reason_detail <> ''")
        .bind(ids)
        .execute(tx.conn())
        .await?;
    for sql in [
        // What undoing an import would bring back.
        "delete from import_changes where subject_id = any($1)
            or subject_id in (select id from leads where contact_id = any($1) union all select id from orders where contact_id = any($1))",
        "delete from leads where contact_id = any($1)",
        // What was sold stays: books have to be kept.
        "update orders set notes = '' where contact_id = any($1) and notes <> ''",
    ] {
        sqlx::query(sql).bind(ids).execute(tx.conn()).await?;
    }
    for (id, phone) in &numbers {
        consents::forget(tx, phone, *id).await?;
        suppressions::forget_moves(tx, phone).await?;
    }
    calls(tx, &theirs).await
}
