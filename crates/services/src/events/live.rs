//! Hearing what [`super::notice`] said, from any process: one Postgres listener, for as long as the process lives.

use super::LIVE_CHANNEL;
use crate::db::Db;
use model::events::Topic;
use model::id::CompanyId;
use secrecy::ExposeSecret;
use sqlx::postgres::PgListener;
use std::convert::Infallible;
use std::time::Duration;

/// The wait before Postgres is asked again after it went away.
const RETRY: Duration = Duration::from_secs(1);

/// What a listening screen should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Something about this topic changed in this company.
    Changed {
        /// Whose screens may know.
        company: CompanyId,
        /// What to read again.
        topic: Topic,
    },
    /// Notices may have been lost: everybody reads everything again.
    Resync,
}

/// Listens for ever and survives restarts of Postgres. A notice nobody can read is passed over.
pub async fn listen(db: &Db, mut hear: impl FnMut(Heard) + Send) -> Infallible {
    loop {
        if let Err(error) = follow(db, &mut hear).await {
            tracing::warn!(%error, "the live listener lost Postgres");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// One connection's life.
async fn follow(db: &Db, hear: &mut (impl FnMut(Heard) + Send)) -> sqlx::Result<()> {
    let mut listener = PgListener::connect(db.config().system_database_url.expose_secret()).await?;
    listener.listen(LIVE_CHANNEL).await?;
    // Only now nothing more is missed; what was said before this moment may have been.
    hear(Heard::Resync);
    while let Some(notice) = listener.try_recv().await? {
        if let Some(heard) = read(notice.payload()) {
            hear(heard);
        }
    }
    Ok(())
}

/// `<com_…>:<topic>`
fn read(payload: &str) -> Option<Heard> {
    let (company, topic) = payload.split_once(':')?;
    Some(Heard::Changed { company: company.parse().ok()?, topic: topic.parse().ok()? })
}
