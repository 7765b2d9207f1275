//! Copies of recordings. Providers forget them, and some of their links die within minutes.

use super::{HIPAA, NO_COPIES, files};
use crate::actor::Actor;
use crate::companies;
use crate::db::{Db, SystemTx, Tx};
use crate::dialer::{self, Network, Provider};
use crate::error::Result;
use crate::features;
use crate::jobs::{self, Job};
use chrono::TimeDelta;
use model::calls::RecordingKeeping;
use model::events::Topic;
use model::features::Feature;
use model::id::{CallId, CompanyId, GatewayId, RecordingId};
use model::time::Timestamp;
use providers::{CallbackKind, ProviderCallId, ProviderError, Recording, Sound};

/// Copying is tried for this long, every night; whoever forgets sooner says so every time.
const TRIED: TimeDelta = TimeDelta::days(14);
/// A copy that is younger may be under way.
const UNDER_WAY: TimeDelta = TimeDelta::hours(1);
/// Copies asked for in one night; the oldest first.
const COPIES_MAX: i64 = 10_000;
/// Recordings deleted in one transaction.
const FORGOTTEN_MAX: i64 = 200;

/// Copies one recording from its provider.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct CopyRecording {
    pub(super) company: CompanyId,
    pub(super) recording: RecordingId,
}

impl Job for CopyRecording {
    const QUEUE: &'static str = "recordings.copy.v1";
    const ATTEMPTS_MAX: i32 = 10;
    const SECONDS_MAX: u64 = 120;

    async fn run(self, db: Db) -> anyhow::Result<()> {
        self.copy(&db, &Network::shared()?).await
    }
}

impl CopyRecording {
    /// Copies it, and writes down what came of it. An error is one that may be over in a moment.
    pub(super) async fn copy(&self, db: &Db, network: &Network) -> anyhow::Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        type Row = (GatewayId, Option<String>, String, Option<String>, Option<i32>);
        let waiting: Option<Row> = sqlx::query_as(
            "select k.gateway_id, k.provider_call_id, r.remote_id, r.link, r.seconds from recordings r join calls k on k.id = r.call_id
             where r.id = $1 and r.keeping in ('waiting', 'failed')",
        )
        .bind(self.recording)
        .fetch_optional(tx.conn())
        .await?;
        let Some((gateway, call, id, url, seconds)) = waiting else { return Ok(()) };
        if !features::has(&mut tx, Feature::RecordingCopies).await? {
            tx.commit().await?;
            // Turned off while it waited.
            return Ok(self.note(db, RecordingKeeping::Lost, NO_COPIES).await?);
        }
        if companies::privacy(&mut tx).await?.hipaa {
            tx.commit().await?;
            // Turned on while it waited.
            return Ok(self.note(db, RecordingKeeping::Lost, HIPAA).await?);
        }
        let gateway = dialer::gateway_for_reading(&mut tx, gateway).await?;
        tx.commit().await?;
        let recording = Recording { id, url, seconds: seconds.map(i64::from), ready: true, raw_status: String::new() };
        let sound = fetch(&network.provider(&gateway), call.map(ProviderCallId::new), recording).await;
        let error = match sound {
            Ok(sound) => match files::ending(&sound.content_type) {
                Some(ending) => {
                    files::keep(db.config(), self.company, self.recording, ending, &sound.bytes).await?;
                    return Ok(self.note_kept(db, &sound).await?);
                }
                // It will be no other tomorrow.
                None => {
                    let problem = format!("it is of a kind that is not kept: {}", sound.content_type);
                    return Ok(self.note(db, RecordingKeeping::Lost, &problem).await?);
                }
            },
            Err(error) => error,
        };
        self.note(db, RecordingKeeping::Failed, &error.to_string()).await?;
        // Not there yet, or nobody answers: sooner than tonight.
        if error.is_transient() { Err(error.into()) } else { Ok(()) }
    }

    async fn note_kept(&self, db: &Db, sound: &Sound) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        let now = tx.now();
        sqlx::query(
            "update recordings set keeping = 'kept', content_type = $2, bytes = $3, problem = '', kept_at = $4 where id = $1",
        )
        .bind(self.recording)
        .bind(&sound.content_type)
        .bind(i64::try_from(sound.bytes.len()).unwrap_or(i64::MAX))
        .bind(now)
        .execute(tx.conn())
        .await?;
        told(tx).await
    }

    async fn note(&self, db: &Db, keeping: RecordingKeeping, problem: &str) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        // Another job may have copied it meanwhile.
        sqlx::query("update recordings set keeping = $2, problem = $3 where id = $1 and keeping <> 'kept'")
            .bind(self.recording)
            .bind(keeping)
            .bind(problem.chars().filter(|c| *c != '\0').take(500).collect::<String>())
            .execute(tx.conn())
            .await?;
        told(tx).await
    }
}

async fn told(mut tx: Tx) -> Result<()> {
    crate::events::notice(&mut tx, Topic::Calls).await?;
    tx.commit().await
}

/// The sound. Where a link is refused it may have died of age: then the provider is asked for the call once more, which tells
/// today's link.
async fn fetch(provider: &Provider, call: Option<ProviderCallId>, recording: Recording) -> Result<Sound, ProviderError> {
    let refused = match provider.recording(&recording).await {
        Err(error) if !error.is_transient() && recording.url.is_some() => error,
        answer => return answer,
    };
    let Some(call) = call else { return Err(refused) };
    let news = provider.report(&call).await?;
    let fresh = news.into_iter().find_map(|one| match one {
        CallbackKind::Recording(fresh) if fresh.id == recording.id && fresh.url != recording.url => Some(fresh),
        _ => None,
    });
    match fresh {
        Some(fresh) => provider.recording(&fresh).await,
        None => Err(refused),
    }
}

/// Deletes the sound of some calls that were recorded before a moment: first the files, then what leads to them, so that nothing
/// stays behind that nobody knows of. `false` when there are no more.
pub(crate) async fn forget(db: &Db, company: CompanyId, before: Timestamp) -> Result<bool> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let old: Vec<(RecordingId, Option<String>)> = sqlx::query_as(
        "select id, content_type from recordings where keeping <> 'lost' and created_at < $1 order by created_at limit $2 for update",
    )
    .bind(before)
    .bind(FORGOTTEN_MAX)
    .fetch_all(tx.conn())
    .await?;
    empty(&mut tx, &old).await?;
    told(tx).await?;
    Ok(!old.is_empty())
}

/// Deletes files, and then what leads to them.
async fn empty(tx: &mut Tx, kept: &[(RecordingId, Option<String>)]) -> Result<()> {
    let company = tx.actor().company();
    for (id, content_type) in kept {
        if let Some(ending) = content_type.as_deref().and_then(files::ending) {
            files::forget(tx.config(), company, *id, ending).await?;
        }
    }
    sqlx::query(
        "update recordings set keeping = 'lost', link = null, content_type = null, bytes = null,
                problem = 'deleted, as the settings of the company say' where id = any($1)",
    )
    .bind(kept.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes the sound of these calls, at once: first the files. The calls are locked, so that no copy is noted meanwhile.
pub(crate) async fn forget_of(tx: &mut Tx, calls: &[CallId]) -> Result<()> {
    let kept: Vec<(RecordingId, Option<String>)> =
        sqlx::query_as("select id, content_type from recordings where call_id = any($1) and keeping <> 'lost' for update")
            .bind(calls)
            .fetch_all(tx.conn())
            .await?;
    empty(tx, &kept).await
}

/// Has every recording that could not be copied tried again, and gives up those that were tried for long enough.
pub(crate) async fn retry_all(tx: &mut SystemTx) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update recordings set keeping = 'lost', problem = case when problem = '' then 'given up after 14 days'
                else 'given up after 14 days: ' || problem end
         where keeping in ('waiting', 'failed') and created_at < $1",
    )
    .bind(now - TRIED)
    .execute(tx.conn())
    .await?;
    let waiting: Vec<(CompanyId, RecordingId)> = sqlx::query_as(
        "select company_id, id from recordings where keeping in ('waiting', 'failed') and created_at < $1 order by created_at limit $2",
    )
    .bind(now - UNDER_WAY)
    .bind(COPIES_MAX)
    .fetch_all(tx.conn())
    .await?;
    for (company, recording) in waiting {
        jobs::enqueue(tx.conn(), &CopyRecording { company, recording }, now).await?;
    }
    Ok(())
}
