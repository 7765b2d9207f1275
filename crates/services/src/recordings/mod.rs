//! The sound of calls: copied from the provider to our own storage, and played back by links that say for themselves what
//! they open and until when.

mod files;
mod jobs;
#[cfg(test)]
mod tests;

pub(crate) use files::write_whole;
pub use files::{Opened, open};
pub use jobs::CopyRecording;
pub(crate) use jobs::{forget, forget_of, retry_all};

use crate::db::Tx;
use crate::error::Result;
use crate::features;
use model::accounts::Permission;
use model::calls::{RecordingKeeping, RecordingRow};
use model::features::Feature;
use model::id::{CallId, RecordingId};
use sqlx::AssertSqlSafe;

/// Recordings of one call shown; a provider makes one or two.
const SHOWN_MAX: i64 = 10;
/// Longest id or link of a provider kept.
const TEXT_MAX: usize = 2_000;

/// Why there is no copy in HIPAA mode.
const HIPAA: &str = "HIPAA mode keeps no sound";
/// Why there is no copy where the company has none.
const NO_COPIES: &str = "copies of recordings are off for this company";

/// Whether call `k` is recorded, by the settings that it was placed with: a campaign may have been changed since. In HIPAA mode
/// no sound is kept, whatever was asked for then; nor that of a call that is forgotten.
pub(crate) const IS_RECORDED: &str = "(exists (select 1 from campaign_versions v where v.campaign_id = k.campaign_id
    and v.version = k.settings_version and v.form ->> 'record' = 'true')
    and k.forgotten_at is null and not (select o.hipaa from companies o where o.id = app.company()))";

/// Remembers a recording that a provider told of, and has it copied after this commit. `false` when it was told before, and when
/// the call is not one to be recorded: some providers do so all the same.
pub(crate) async fn note(tx: &mut Tx, call: CallId, told: &providers::Recording) -> Result<bool> {
    let is_copied = features::has(tx, Feature::RecordingCopies).await?;
    let keeping = if is_copied { RecordingKeeping::Waiting } else { RecordingKeeping::Lost };
    let (id, now): (RecordingId, _) = (tx.id(), tx.now());
    let kept = |text: &str| text.chars().filter(|c| *c != '\0').take(TEXT_MAX).collect::<String>();
    let is_new = sqlx::query(AssertSqlSafe(format!(
        "insert into recordings (id, call_id, remote_id, link, seconds, keeping, problem, created_at)
         select $1, k.id, $3, $4, $5, $7, $8, $6 from calls k where k.id = $2 and {IS_RECORDED}
         on conflict on constraint recordings_once do nothing"
    )))
    .bind(id)
    .bind(call)
    .bind(kept(&told.id))
    .bind(told.url.as_deref().map(kept))
    .bind(told.seconds.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)))
    .bind(now)
    .bind(keeping)
    .bind(if is_copied { "" } else { NO_COPIES })
    .execute(tx.conn())
    .await?
    .rows_affected()
        > 0;
    if is_new && is_copied {
        let job = CopyRecording { company: tx.actor().company(), recording: id };
        tx.enqueue(&job).await?;
    }
    Ok(is_new)
}

/// The recordings of a call, with links for whoever may listen; nothing for everybody else.
pub(crate) async fn of_call(tx: &mut Tx, call: CallId) -> Result<Vec<RecordingRow>> {
    if tx.require(Permission::HearCalls).is_err() {
        return Ok(Vec::new());
    }
    type Row = (RecordingId, Option<i32>, RecordingKeeping, Option<String>, String);
    let rows: Vec<Row> = sqlx::query_as(
        "select id, seconds, keeping, content_type, problem from recordings where call_id = $1 order by created_at, id limit $2",
    )
    .bind(call)
    .bind(SHOWN_MAX)
    .fetch_all(tx.conn())
    .await?;
    let (company, now) = (tx.actor().company(), tx.now());
    let row = |(id, seconds, keeping, content_type, problem): Row| RecordingRow {
        link: content_type.and_then(|kind| files::link(tx.config(), company, id, &kind, now)),
        seconds,
        keeping,
        problem,
    };
    Ok(rows.into_iter().map(row).collect())
}
