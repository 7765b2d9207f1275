//! Background jobs: apalis dispatches, we decide about retries, giving up and burial.
//!
//! apalis delivers at least once and knows little about failure (see stack.md §apalis), so jobs hold ids
//! and not rows, every job may run twice, and the wrapper here times out, catches panics, waits between
//! tries and buries what is hopeless. The dialer is not a job.

use crate::db::Db;
use crate::error::Result;
use apalis::layers::WorkerBuilderExt;
use apalis::prelude::*;
use apalis_core::backend::ext::{BackendExt, poll_strategy::Strategy};
use apalis_core::task::{attempt::Attempt, task_id::TaskId};
use apalis_postgres::{Config, PostgresStorage};
use chrono::TimeDelta;
use futures::FutureExt;
use model::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A worker that is silent for `HEARTBEAT · MISSED_MAX` loses its jobs to another.
const HEARTBEAT: Duration = Duration::from_secs(2);
const MISSED_MAX: usize = 5;
/// How often a queue is looked at when no notice came.
const POLL: Duration = Duration::from_secs(1);
/// Running jobs may take this long after a stop was asked for.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// What trying again does not mend: a job that fails with it is buried at once.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Hopeless(pub String);

/// A piece of background work. Imperative name, ids inside, safe to run twice.
pub trait Job: Serialize + DeserializeOwned + Clone + Send + Sync + Unpin + 'static {
    /// Stored with the row; renaming it orphans waiting jobs.
    const QUEUE: &'static str;
    /// Tries before burial.
    const ATTEMPTS_MAX: i32 = 5;
    /// Longest run of one try.
    const SECONDS_MAX: u64 = 60;
    /// Two jobs of a queue with the same key are one.
    fn key(&self) -> Option<String> {
        None
    }
    /// The wait after a failed try.
    fn backoff(attempt: i32) -> TimeDelta {
        TimeDelta::seconds(1 << attempt.clamp(0, 10))
    }
    /// Does it.
    fn run(self, db: Db) -> impl Future<Output = anyhow::Result<()>> + Send;
}

pub(crate) async fn enqueue<J: Job>(conn: &mut PgConnection, job: &J, run_at: Timestamp) -> Result<()> {
    sqlx::query(
        "insert into apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, idempotency_key)
         values (apalis.generate_ulid(), $1, $2, 'Pending', 0, $3, $4, 0, $5) on conflict (job_type, idempotency_key) do nothing",
    )
    .bind(J::QUEUE)
    .bind(serde_json::to_vec(job).map_err(anyhow::Error::from)?)
    .bind(J::ATTEMPTS_MAX)
    .bind(run_at)
    .bind(job.key())
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a queue to the monitor with `slots` concurrent runs. `boot` makes worker names unique per start.
pub fn register<J: Job>(monitor: Monitor, db: &Db, boot: &str, slots: usize) -> Monitor {
    let (db, boot) = (db.clone(), boot.to_owned());
    monitor.register(move |restarts| {
        let config = Config::default().queue(J::QUEUE).batch_size(1).heartbeat_interval(HEARTBEAT).missed_heartbeats(MISSED_MAX);
        // Arguments are raw JSON, decoded inside the wrapper: a payload that no longer decodes would
        // otherwise kill the worker, again and again.
        let store = PostgresStorage::<serde_json::Value>::new(db.system_pool())
            .with_config(config)
            .with_pubsub()
            .poll_with_strategy(Strategy::new().interval(POLL));
        WorkerBuilder::new(format!("{}-{boot}-{restarts}", J::QUEUE))
            .backend(store)
            .concurrency(slots)
            .data(db.clone())
            .build(run_job::<J>)
    })
}

async fn run_job<J: Job>(
    raw: serde_json::Value,
    db: Data<Db>,
    id: TaskId,
    attempt: Attempt,
    worker: WorkerContext,
) -> std::result::Result<(), BoxDynError> {
    let attempt = i32::try_from(attempt.current()).unwrap_or(i32::MAX);
    let job: J = match serde_json::from_value(raw.clone()) {
        Ok(job) => job,
        Err(e) => return Err(bury::<J>(&db, &id, &raw, e.into()).await),
    };
    if attempt > J::ATTEMPTS_MAX {
        return Err(bury::<J>(&db, &id, &raw, anyhow::anyhow!("its worker died {attempt} times")).await);
    }
    let work = AssertUnwindSafe(job.run(Db::clone(&db))).catch_unwind();
    let error = match tokio::time::timeout(Duration::from_secs(J::SECONDS_MAX), work).await {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(e))) => e,
        Ok(Err(_)) => anyhow::anyhow!("panicked"),
        Err(_) => anyhow::anyhow!("took longer than {} s", J::SECONDS_MAX),
    };
    tracing::warn!(queue = J::QUEUE, attempt, error = %format!("{error:#}"), "job failed");
    if attempt >= J::ATTEMPTS_MAX || error.is::<Hopeless>() {
        return Err(bury::<J>(&db, &id, &raw, error).await);
    }
    sqlx::query("update apalis.jobs set run_at = $3 where id = $1 and lock_by = $2")
        .bind(id.to_string())
        .bind(worker.name())
        .bind(db.clock().now() + J::backoff(attempt))
        .execute(db.system_pool())
        .await?;
    Err(error.into())
}

/// Writes the job to the dead ones and tells apalis to stop.
async fn bury<J: Job>(db: &Db, id: &TaskId, raw: &serde_json::Value, why: anyhow::Error) -> BoxDynError {
    tracing::error!(queue = J::QUEUE, error = %format!("{why:#}"), "job buried");
    let buried = async {
        let mut tx = db.begin_system(crate::SystemTask::FindWork).await?;
        sqlx::query(
            "insert into dead_jobs (id, queue, payload, error, died_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
        )
        .bind(id.to_string())
        .bind(J::QUEUE)
        .bind(raw)
        .bind(format!("{why:#}"))
        .bind(db.clock().now())
        .execute(tx.conn())
        .await?;
        tx.commit().await
    };
    match buried.await {
        Ok(()) => AbortError::new(why.to_string()).into(),
        Err(e) => e.into(),
    }
}

/// Runs the registered queues until `stop`; a queue whose worker dies (the database went away) is restarted.
///
/// # Errors
/// When the monitor itself fails.
pub async fn dispatch(
    db: &Db,
    stop: CancellationToken,
    queues: impl FnOnce(Monitor, &Db, &str) -> Monitor,
) -> anyhow::Result<()> {
    let boot = uuid::Uuid::from_bytes(db.luck()).simple().to_string();
    let monitor = queues(Monitor::new().should_restart(|_, _| true), db, &boot);
    let signal = async move {
        stop.cancelled().await;
        Ok(())
    };
    monitor.shutdown_timeout(SHUTDOWN).run_with_signal(signal).await?;
    Ok(())
}
