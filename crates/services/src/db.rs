//! The one handle. [`Tx`] says who, for which company, at what time, with what luck, in which transaction;
//! [`SystemTx`] is the same for the few named tasks that stand above companies.
//!
//! Two logins, two pools: the ordinary one can only become `company`, the other only `system`, and neither
//! owns anything, so a connection that never called `begin` gets *permission denied*.

mod migrate;
#[cfg(test)]
mod tests;

pub use migrate::{cluster, migrate, migrations_digest};

use crate::actor::{Actor, SystemTask};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::features::Decided;
use crate::inbox::Desk;
use crate::webhooks::Told;
use anyhow::Context;
use model::accounts::Permission;
use model::events::EventKind;
use model::time::{Moment, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, PgPool, Postgres, Transaction};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Connections per pool.
const CONNECTIONS_MAX: u32 = 20;
/// How long a door waits for a connection before it answers 503.
const ACQUIRE_SECONDS_MAX: u64 = 5;

/// The database, a clock and a source of luck. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    company: PgPool,
    system: PgPool,
    clock: Clock,
    luck: Mutex<StdRng>,
    config: Config,
    desk: Desk,
}

impl Db {
    /// Connects both pools lazily; the first use finds out whether Postgres is there.
    ///
    /// # Errors
    /// When a URL cannot be read.
    pub fn init(config: Config, clock: Clock, seed: u64) -> anyhow::Result<Self> {
        Self::connecting(config, clock, StdRng::seed_from_u64(seed), true)
    }

    /// The same for a Postgres that does not restart meanwhile: connections are not asked whether they live before each use,
    /// which is a round trip less per transaction. For simulated days.
    pub(crate) fn trusting(config: Config, clock: Clock, seed: u64) -> anyhow::Result<Self> {
        Self::connecting(config, clock, StdRng::seed_from_u64(seed), false)
    }

    fn connecting(config: Config, clock: Clock, luck: StdRng, ask: bool) -> anyhow::Result<Self> {
        let company = pool(config.app_database_url.expose_secret(), ask).context("APP_DATABASE_URL")?;
        let system = pool(config.system_database_url.expose_secret(), ask).context("SYSTEM_DATABASE_URL")?;
        Ok(Self(Arc::new(Inner { company, system, clock, luck: Mutex::new(luck), config, desk: Desk::default() })))
    }

    /// Connects with the machine's clock and luck.
    ///
    /// # Errors
    /// When a URL cannot be read.
    pub fn from_config(config: Config) -> anyhow::Result<Self> {
        // Secrets come from it: all of its 256 bits must be unknown.
        let mut seed = [0; 32];
        #[expect(clippy::disallowed_methods, reason = "the one seed of a real process")]
        rand::rng().fill_bytes(&mut seed);
        Self::connecting(config, Clock::System, StdRng::from_seed(seed), true)
    }

    /// How this process is configured.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The clock behind every transaction.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Random bytes from the seeded source, for tokens and ids.
    pub(crate) fn luck<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.luck.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }

    /// Begins the luck anew, so that a simulated world repeats itself.
    pub(crate) fn reseed(&self, seed: u64) {
        *self.0.luck.lock().unwrap_or_else(PoisonError::into_inner) = StdRng::seed_from_u64(seed);
    }

    /// Opens a transaction in which only the actor's company exists. One round trip.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn begin(&self, actor: &Actor) -> Result<Tx> {
        self.begin_as(actor, false).await
    }

    /// The same for a transaction whose locks others wait for: rows of a company's slots, escrow or counters. Its
    /// locks are free once its commit is written, and `commit` returns once the disk has it. Without this, a hot
    /// row is held for as long as the disk takes, and a company gets one transaction per turn of the disk.
    ///
    /// Nobody is told of anything that a crash could undo. Others may read it a moment earlier, but what they make of
    /// it commits later in the same log: whenever theirs is on the disk, so is this.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn begin_hot(&self, actor: &Actor) -> Result<Tx> {
        self.begin_as(actor, true).await
    }

    async fn begin_as(&self, actor: &Actor, hot: bool) -> Result<Tx> {
        let early = if hot { "; set local synchronous_commit = off" } else { "" };
        // Operators see what they handle: the role has one wall more, and the wall asks who they are.
        let role = match actor.handles_only() {
            Some(user) => format!("assigned; set local app.member = '{}'", user.uuid()),
            None => "company".to_owned(),
        };
        // The only values formatted into this SQL are UUIDs.
        let sql = format!("begin; set local role {role}; set local app.company = '{}'{early}", actor.company.uuid());
        let inner = begun(&self.0.company, AssertSqlSafe(sql)).await?;
        Ok(Tx {
            inner,
            actor: actor.clone(),
            now: self.0.clock.now(),
            db: self.clone(),
            hot,
            notices: Vec::new(),
            told: Vec::new(),
            features: None,
            from_above: false,
        })
    }

    /// Returns once the disk has everything that was committed before: the log is one, and a durable commit waits for
    /// all of it. Many who wait at once share one turn of the disk.
    async fn flush(&self) -> Result<()> {
        sqlx::query("select pg_logical_emit_message(true, 'belfry', '')").execute(&self.0.company).await?;
        Ok(())
    }

    /// Opens a transaction that sees all companies, for one named task.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn begin_system(&self, task: SystemTask) -> Result<SystemTx> {
        tracing::trace!(?task, "system transaction");
        let inner = begun(&self.0.system, AssertSqlSafe("begin; set local role system".to_owned())).await?;
        Ok(SystemTx { inner, now: self.0.clock.now(), db: self.clone() })
    }

    /// A connection above companies, for one named task whose statements are transactions of their own: each is durable
    /// when it returns, after one round trip. It belongs to the caller, and to no pool.
    ///
    /// # Errors
    /// When Postgres is away.
    pub(crate) async fn autocommit(&self, task: SystemTask) -> Result<PgConnection> {
        tracing::trace!(?task, "system connection");
        if self.0.system.is_closed() {
            return Err(sqlx::Error::PoolClosed.into());
        }
        let session = [("role", "system"), ("synchronous_commit", "on"), ("plan_cache_mode", "force_generic_plan")];
        let options = self.0.system.connect_options().as_ref().clone().options(session);
        let patience = Duration::from_secs(ACQUIRE_SECONDS_MAX);
        Ok(tokio::time::timeout(patience, options.connect()).await.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }

    /// Where this process's callbacks come in; see `inbox`.
    pub(crate) fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// A new id for something that is stored without a [`Tx`].
    pub(crate) fn id<I: From<Uuid>>(&self, now: Timestamp) -> I {
        new_id(self, now).into()
    }

    /// The pool of the job dispatcher; see `jobs.rs`.
    pub(crate) fn system_pool(&self) -> &PgPool {
        &self.0.system
    }

    /// Closes all connections; running transactions finish first.
    pub async fn close(&self) {
        self.0.desk.close().await;
        self.0.company.close().await;
        self.0.system.close().await;
    }
}

fn pool(url: &str, ask: bool) -> anyhow::Result<PgPool> {
    Ok(PgPoolOptions::new()
        .test_before_acquire(ask)
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .connect_lazy_with(PgConnectOptions::from_str(url)?))
}

/// Begins to the end, also when nobody waits for it any more: a transaction that is dropped rolls back, one that is dropped
/// on its way does not in sqlx 0.9.0 (transact-rs/sqlx#4385), and whoever gets its connection next would work inside of it.
async fn begun(pool: &PgPool, sql: AssertSqlSafe<String>) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    #[expect(clippy::disallowed_methods, reason = "ends by itself, within the time that a connection may take")]
    let beginning = tokio::spawn(async move { pool.begin_with(sql).await });
    Ok(beginning.await.context("the runtime is going away")??)
}

/// A transaction of one company. Dropping it rolls back.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    actor: Actor,
    now: Timestamp,
    db: Db,
    /// See [`Db::begin_hot`].
    hot: bool,
    /// What screens hear when it commits, each once, in the order in which it was said first.
    notices: Vec<String>,
    /// What the company's endpoints hear; see `webhooks`.
    told: Vec<Told>,
    /// What was decided about the company's features, once somebody asked; see `features`.
    features: Option<Decided>,
    /// It began above companies; see [`SystemTx::inside`].
    from_above: bool,
}

impl Tx {
    /// Refuses unless the actor's role has the permission. First line of every verb.
    ///
    /// # Errors
    /// `Forbidden`, naming the permission.
    pub fn require(&self, p: Permission) -> Result<()> {
        self.actor.require(p)
    }

    /// The one moment of this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// How this process is configured.
    pub fn config(&self) -> &Config {
        self.db.config()
    }

    /// A new id: UUID v7 from this transaction's moment and the seeded luck.
    pub fn id<I: From<Uuid>>(&mut self) -> I {
        new_id(&self.db, self.now).into()
    }

    /// The day it is where the actor is.
    pub fn today(&self) -> chrono::NaiveDate {
        self.now.with_timezone(&self.actor.zone).date_naive()
    }

    /// An instant as this actor's screens show it.
    pub fn moment(&self, at: Timestamp) -> Moment {
        self.actor.moment(at)
    }

    /// Adds a line to the audit record and wakes listening screens, in this commit.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&mut self, kind: EventKind, subject: Option<String>, text: impl Into<String>) -> Result<()> {
        self.record_all(kind, vec![(subject, text.into())]).await
    }

    /// Adds lines of one kind, each with its subject.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn record_all(&mut self, kind: EventKind, lines: Vec<(Option<String>, String)>) -> Result<()> {
        crate::events::record(self, kind, lines).await
    }

    /// Enqueues a job in this commit; a job with a key that is already there is not added again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue<J: crate::jobs::Job>(&mut self, job: &J) -> Result<()> {
        let now = self.now;
        crate::jobs::enqueue(self.conn(), job, now).await
    }

    /// Makes it true.
    ///
    /// # Errors
    /// When the commit fails; then nothing happened, or (connection lost) it is unknown what did.
    pub async fn commit(mut self) -> Result<()> {
        if self.told.is_empty() {
            crate::events::send(&mut self.inner, &self.notices).await?;
        } else {
            crate::webhooks::send(&mut self.inner, &self.notices, &self.told, self.now).await?;
        }
        self.inner.commit().await?;
        if self.hot { self.db.flush().await } else { Ok(()) }
    }

    /// Undoes it, and returns when Postgres has: a dropped transaction is undone too, but some time later, and until then
    /// others skip the rows it locked.
    ///
    /// # Errors
    /// When the connection is lost; then it is undone as well.
    pub async fn roll_back(self) -> Result<()> {
        Ok(self.inner.rollback().await?)
    }

    /// A secret nobody can guess: 32 random bytes.
    pub(crate) fn secret(&self) -> [u8; 32] {
        self.db.luck()
    }

    /// From here on this transaction reaches all campaigns of its company, whoever acts: for what concerns them all, like a number
    /// that must not be called any more.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn reach_all_campaigns(&mut self) -> Result<()> {
        if self.actor.handles_only().is_some() {
            sqlx::raw_sql("set local role company").execute(self.conn()).await?;
        }
        Ok(())
    }

    /// Back above companies, from a transaction that [`SystemTx::inside`] narrowed to one: for what is one commit in two companies.
    ///
    /// # Errors
    /// When it was never above: a company's own transaction stays inside, whatever anybody asks.
    pub(crate) async fn outside(mut self) -> Result<SystemTx> {
        if !self.from_above {
            return Err(anyhow::anyhow!("a company's transaction does not leave it").into());
        }
        crate::events::send(&mut self.inner, &self.notices).await?;
        sqlx::raw_sql("set local app.company = ''").execute(self.conn()).await?;
        Ok(SystemTx { inner: self.inner, now: self.now, db: self.db })
    }

    /// SQL exists only inside `services`.
    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.inner
    }

    /// What screens of this company hear when it commits.
    pub(crate) fn notices(&mut self) -> &mut Vec<String> {
        &mut self.notices
    }

    /// Tells the company's endpoints, with this commit.
    pub(crate) fn tell(&mut self, mut told: Told) {
        told.id = self.id();
        self.told.push(told);
    }

    /// What is known about the company's features.
    pub(crate) fn features(&mut self) -> &mut Option<Decided> {
        &mut self.features
    }

    /// The database handle, for verbs that must open a second transaction.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }
}

/// A transaction above companies, for a named task. Dropping it rolls back.
pub struct SystemTx {
    inner: Transaction<'static, Postgres>,
    now: Timestamp,
    db: Db,
}

impl SystemTx {
    /// The handle it was opened from.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The one moment of this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How this process is configured.
    pub fn config(&self) -> &Config {
        self.db.config()
    }

    /// A new id: UUID v7 from this transaction's moment and the seeded luck.
    pub fn id<I: From<Uuid>>(&mut self) -> I {
        new_id(&self.db, self.now).into()
    }

    /// A secret nobody can guess: 32 random bytes.
    pub(crate) fn secret(&self) -> [u8; 32] {
        self.db.luck()
    }

    /// Enqueues a job in this commit.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue<J: crate::jobs::Job>(&mut self, job: &J) -> Result<()> {
        let now = self.now;
        crate::jobs::enqueue(self.conn(), job, now).await
    }

    /// Narrows this transaction to one company, with the rights of the engine there. For verbs that begin
    /// before a company is known (registration, seed). The wall is `company_id`, set by default from here on.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn inside(mut self, actor: &Actor) -> Result<Tx> {
        let sql = format!("set local app.company = '{}'", actor.company.uuid());
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *self.inner).await?;
        let (actor, notices, told) = (actor.clone(), Vec::new(), Vec::new());
        let Self { inner, now, db, .. } = self;
        Ok(Tx { inner, actor, now, db, hot: false, notices, told, features: None, from_above: true })
    }

    /// Makes it true.
    ///
    /// # Errors
    /// When the commit fails.
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }

    /// SQL exists only inside `services`.
    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

fn new_id(db: &Db, now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &db.luck()).into_uuid()
}
