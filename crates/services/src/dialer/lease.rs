//! A dialer's lease: a worker writes to a provider only while it has confirmed, by the monotonic clock,
//! that others still believe it alive. Whoever finds a lease over may look its intents up.

use crate::actor::SystemTask;
use crate::db::Db;
use crate::error::Result;
use chrono::TimeDelta;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a lease lasts after its last confirmation. Longer than the request timeout.
pub const SECONDS: u64 = 15;
/// How often it is confirmed.
pub const BEAT: Duration = Duration::from_secs(2);

/// One worker's lease.
#[derive(Debug, Clone)]
pub struct Lease {
    pub worker: Uuid,
    confirmed: Arc<Mutex<Instant>>,
}

impl Lease {
    /// Announces a new worker.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn init(db: &Db) -> Result<Self> {
        let mut tx = db.begin_system(SystemTask::Lease).await?;
        let worker: Uuid = tx.id();
        let now = tx.now();
        sqlx::query("insert into workers (id, started_at, lease_until) values ($1, $2, $3)")
            .bind(worker)
            .bind(now)
            .bind(now + TimeDelta::seconds(SECONDS.cast_signed()))
            .execute(tx.conn())
            .await?;
        // Long-dead workers leave no intents behind; their rows may go.
        sqlx::query("delete from workers where lease_until < $1").bind(now - TimeDelta::days(2)).execute(tx.conn()).await?;
        let asked = Instant::now();
        tx.commit().await?;
        Ok(Self { worker, confirmed: Arc::new(Mutex::new(asked)) })
    }

    /// Prolongs it. The moment of asking counts, not that of the answer.
    ///
    /// # Errors
    /// When the database is away; the lease then runs out by itself.
    pub async fn confirm(&self, db: &Db) -> Result<()> {
        let asked = Instant::now();
        let mut tx = db.begin_system(SystemTask::Lease).await?;
        let until = tx.now() + TimeDelta::seconds(SECONDS.cast_signed());
        sqlx::query("update workers set lease_until = $2 where id = $1").bind(self.worker).bind(until).execute(tx.conn()).await?;
        tx.commit().await?;
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }

    /// Whether a request that starts now and takes as long as it may still ends within the lease.
    pub fn holds(&self) -> bool {
        let since = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        since + providers::http::REQUEST_TIMEOUT < Duration::from_secs(SECONDS)
    }
}
