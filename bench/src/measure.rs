//! What every bench counts and how it sums up: Postgres' own counters around a block, and least, median and most of many.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use services::testing::World;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

/// What Postgres did so far.
#[derive(Clone, Copy, Default)]
pub struct Counters {
    pub wal_bytes: f64,
    pub commits: f64,
    pub fsyncs: f64,
}

impl Counters {
    /// Read by the owner's connection.
    pub async fn read(c: &mut PgConnection) -> Result<Self> {
        // A backend reports what it did with a delay of up to a second, unless somebody asks it to hurry.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let (wal_bytes, commits, fsyncs) = sqlx::query_as(
            "select (pg_current_wal_lsn() - '0/0')::float8, (select xact_commit from pg_stat_database where datname = current_database())::float8,
                    (select wal_sync from pg_stat_wal)::float8",
        )
        .fetch_one(c)
        .await?;
        Ok(Self { wal_bytes, commits, fsyncs })
    }

    /// What was added since, for each of `done`.
    pub fn each(self, before: Self, done: f64) -> Self {
        let n = done.max(1.0);
        Self {
            wal_bytes: (self.wal_bytes - before.wal_bytes) / n,
            commits: (self.commits - before.commits) / n,
            fsyncs: (self.fsyncs - before.fsyncs) / n,
        }
    }
}

/// The owner of a world's database.
pub fn owner(world: &World) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(&world.owner_url())?)
}

/// A URL that other programs understand: without the options that only our driver knows.
pub fn plain(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

/// Refuses to measure durable work on a Postgres that is not durable.
pub async fn ensure_durable(owner: &PgConnectOptions) -> Result<()> {
    let mut c = owner.clone().connect().await?;
    let set: String = sqlx::query_scalar("select current_setting('fsync') || '/' || current_setting('synchronous_commit')")
        .fetch_one(&mut c)
        .await?;
    ensure!(set == "on/on", "this Postgres is not durable (fsync/synchronous_commit = {set}); the numbers would mean nothing");
    Ok(())
}

/// Least, median and most.
#[derive(Clone, Copy, Default)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (values.first(), values.last()) else { return Self::default() };
        Self { min: *min, median: values[values.len() / 2], max: *max }
    }

    pub fn json(self) -> Value {
        json!({ "min": self.min, "median": self.median, "max": self.max })
    }
}

/// The value below which that share of sorted values lies.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// How busy the machine was over the last minute.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}
