//! Copies of recordings. Providers forget them, and some of their links die within minutes.

use super::files;
use crate::actor::Actor;
use crate::db::Db;
use crate::dialer::{self, Network};
use crate::error::Result;
use crate::jobs::Job;
use model::calls::RecordingKeeping;
use model::events::Topic;
use model::id::{CompanyId, GatewayId, RecordingId};
use providers::Recording;

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
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        type Row = (GatewayId, String, Option<String>, Option<i32>);
        let waiting: Option<Row> = sqlx::query_as(
            "select k.gateway_id, r.remote_id, r.link, r.seconds from recordings r join calls k on k.id = r.call_id
             where r.id = $1 and r.keeping = 'waiting'",
        )
        .bind(self.recording)
        .fetch_optional(tx.conn())
        .await?;
        let Some((gateway, id, url, seconds)) = waiting else { return Ok(()) };
        let gateway = dialer::gateway_for_reading(&mut tx, gateway).await?;
        tx.commit().await?;
        let recording = Recording { id, url, seconds: seconds.map(i64::from), ready: true, raw_status: String::new() };
        match Network::shared()?.provider(&gateway).recording(&recording).await {
            Ok(sound) => match files::ending(&sound.content_type) {
                Some(ending) => {
                    files::keep(db.config(), self.company, self.recording, ending, &sound.bytes).await?;
                    self.note(&db, RecordingKeeping::Kept, Some((&sound.content_type, sound.bytes.len())), "").await?;
                }
                None => {
                    let problem = format!("It is of a kind that is not kept: {}", sound.content_type);
                    self.note(&db, RecordingKeeping::Lost, None, &problem).await?;
                }
            },
            // Not there yet, or nobody answers: later.
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => self.note(&db, RecordingKeeping::Lost, None, &error.to_string()).await?,
        }
        Ok(())
    }
}

impl CopyRecording {
    async fn note(&self, db: &Db, keeping: RecordingKeeping, sound: Option<(&str, usize)>, problem: &str) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        let now = tx.now();
        sqlx::query(
            "update recordings set keeping = $2, content_type = $3, bytes = $4, problem = $5,
                    kept_at = case when $2 = 'kept' then $6 end where id = $1",
        )
        .bind(self.recording)
        .bind(keeping)
        .bind(sound.map(|(kind, _)| kind))
        .bind(sound.map(|(_, bytes)| i64::try_from(bytes).unwrap_or(i64::MAX)))
        .bind(problem.chars().take(500).collect::<String>())
        .bind(now)
        .execute(tx.conn())
        .await?;
        crate::events::notice(&mut tx, Topic::Calls).await?;
        tx.commit().await
    }
}
