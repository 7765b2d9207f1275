//! Claim and complete, durably, from a backlog of 100,000: the dialer's own loop against job queues and the bare statement.
//!
//! For us a job is a person: decided by every rule, slots, token, number and credits taken, the intent committed, the provider
//! asked (a script that refuses the number for good, so that one answer completes the person), and the end recorded: hold
//! released, slots freed, counters moved. For a queue it is a row that is taken and removed. The ratio is therefore the price of
//! what we do per call, not of a queue.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use clap::Args;
use providers::scripted::Script;
use providers::{Answer, Originate, Refusal, RefusalKind};
use serde_json::{Value, json};
use services::dialer;
use services::testing::World;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::backlog::{employer, let_time_pass, network, open_wide, run};
use crate::measure::{Counters, Spread, ensure_durable, load, owner, plain};
use crate::{check_clean, disk};

/// Enough for whatever runs at once.
const SLOTS: i32 = 1_000_000;
/// Companies that share the backlog.
const COMPANIES: usize = 4;
/// Rows of one statement of the bare queue, and connections that run it.
const BATCH: i64 = 100;
const CONNECTIONS: usize = 4;

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The folder of the peers, with their packages installed
    #[arg(long)]
    peers: PathBuf,
    #[arg(long, default_value_t = 100_000)]
    backlog: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Most seconds of a block; a queue that is empty earlier ends earlier
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Loops of the dialer
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Belfry,
    Graphile,
    Bullmq,
    Raw,
}

impl Side {
    const ALL: [Self; 4] = [Self::Raw, Self::Belfry, Self::Graphile, Self::Bullmq];

    fn name(self) -> &'static str {
        match self {
            Self::Belfry => "belfry",
            Self::Graphile => "graphile-worker",
            Self::Bullmq => "bullmq",
            Self::Raw => "skip locked × 100",
        }
    }
}

struct Block {
    side: Side,
    per_second: f64,
    each: Counters,
    /// Rows of enrollments read per person.
    rows_read: f64,
}

/// Refuses every number for good.
struct Nobody(AtomicU64);

#[async_trait]
impl Script for Nobody {
    async fn originate(&self, _: &Originate) -> Answer {
        self.0.fetch_add(1, Ordering::Relaxed);
        let (code, message) = ("21211".to_owned(), "Not a number".to_owned());
        Answer::Refused(Refusal { kind: RefusalKind::Permanent, code, message, retry_after: None })
    }
}

/// A redis-server of our own; it ends with this value.
struct Redis {
    port: u16,
    child: Child,
    folder: PathBuf,
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct Bench {
    world: World,
    owner: PgConnectOptions,
    redis: Redis,
    options: Options,
}

pub async fn run_bench(options: Options) -> Result<()> {
    let world = World::new().await;
    let owner = owner(&world)?;
    ensure_durable(&owner).await?;
    for n in 0..COMPANIES {
        employer(&world, &format!("company {n}"), options.backlog / COMPANIES).await?;
    }
    open_wide(&world, SLOTS).await?;
    let redis = redis().await?;
    Bench { world, owner, redis, options }.measure().await
}

impl Bench {
    async fn measure(self) -> Result<()> {
        let (mut blocks, mut probes, mut loads) = (Vec::new(), Vec::new(), Vec::new());
        // A company that has never called anybody is not what is measured: some calls, and what autovacuum does every minute.
        let mut c = self.owner.clone().connect().await?;
        self.belfry(&mut c).await?;
        run(&mut c, "vacuum analyze".to_owned()).await?;
        for round in 1..=self.options.rounds {
            for side in Side::ALL {
                probes.push(tokio::task::spawn_blocking(disk::fdatasync).await??.as_secs_f64() * 1e3);
                loads.push(load());
                let block = self.block(side).await?;
                eprintln!(
                    "round {round} {:<18} {:>8.0}/s  wal {:>6.0} B  commits {:>6.3}  fsyncs {:>6.3} each",
                    side.name(),
                    block.per_second,
                    block.each.wal_bytes,
                    block.each.commits,
                    block.each.fsyncs,
                );
                blocks.push(block);
            }
        }
        check_clean(&self.world).await?;
        self.tell(&blocks, Spread::of(probes), Spread::of(loads));
        Ok(())
    }

    async fn block(&self, side: Side) -> Result<Block> {
        let mut c = self.owner.clone().connect().await?;
        let read = enrollments_read(&mut c).await?;
        // Peers say themselves how long they worked: their backlog is made before.
        let (before, done, seconds, after) = match side {
            Side::Belfry => {
                let before = Counters::read(&mut c).await?;
                let (done, seconds) = self.belfry(&mut c).await?;
                (before, done, seconds, Counters::read(&mut c).await?)
            }
            Side::Raw => {
                run(&mut c, format!(
                    "drop table if exists raw_jobs; create table raw_jobs (id bigserial primary key, state text not null, payload jsonb not null);
                     insert into raw_jobs (state, payload) select 'queued', '{{\"n\":1}}' from generate_series(1, {});
                     create index on raw_jobs (id) where state = 'queued'; analyze raw_jobs", self.options.backlog)).await?;
                let before = Counters::read(&mut c).await?;
                let (done, seconds) = self.raw().await?;
                (before, done, seconds, Counters::read(&mut c).await?)
            }
            Side::Graphile | Side::Bullmq => {
                let (done, seconds) = self.node(side).await?;
                (Counters::default(), done, seconds, Counters::default())
            }
        };
        let rows_read = (enrollments_read(&mut c).await? - read) / done.max(1.0);
        Ok(Block { side, per_second: done / seconds, each: after.each(before, done), rows_read })
    }

    /// The product's loop, as many as a machine would have workers.
    async fn belfry(&self, c: &mut PgConnection) -> Result<(f64, f64)> {
        let _time = let_time_pass(&self.world.clock, 1.0);
        let (before, stop, mut loops) = (completed(c).await?, CancellationToken::new(), JoinSet::new());
        let asked = Arc::new(Nobody(AtomicU64::new(0)));
        let started = Instant::now();
        for _ in 0..self.options.workers {
            loops.spawn(dialer::run::run(self.world.db.clone(), network(asked.clone()), stop.clone()));
        }
        tokio::time::sleep(Duration::from_secs(self.options.seconds)).await;
        stop.cancel();
        while let Some(ended) = loops.join_next().await {
            ended??;
        }
        let (seconds, done) = (started.elapsed().as_secs_f64(), completed(c).await? - before);
        ensure!(done as u64 == asked.0.load(Ordering::Relaxed), "{done} were completed, {:?} were asked for", asked.0);
        let left: i64 =
            sqlx::query_scalar("select sum(contacts - finished)::bigint from campaign_stats").fetch_one(&mut *c).await?;
        ensure!(left > 0, "nobody was left to call before the time was over: ask for a larger --backlog");
        Ok((done, seconds))
    }

    async fn raw(&self) -> Result<(f64, f64)> {
        let (started, mut tasks) = (Instant::now(), JoinSet::new());
        for _ in 0..CONNECTIONS {
            let mut c = self.owner.clone().connect().await?;
            tasks.spawn(async move {
                let mut done = 0.0;
                loop {
                    let ids: Vec<i64> = sqlx::query_scalar(
                        "update raw_jobs set state = 'running' where id in
                         (select id from raw_jobs where state = 'queued' order by id limit $1 for update skip locked) returning id",
                    )
                    .bind(BATCH)
                    .fetch_all(&mut c)
                    .await?;
                    if ids.is_empty() {
                        return anyhow::Ok(done);
                    }
                    sqlx::query("update raw_jobs set state = 'done' where id = any($1)").bind(&ids).execute(&mut c).await?;
                    done += ids.len() as f64;
                }
            });
        }
        let mut done = 0.0;
        while let Some(task) = tasks.join_next().await {
            done += task??;
        }
        Ok((done, started.elapsed().as_secs_f64()))
    }

    /// A peer prints what it did as JSON.
    async fn node(&self, side: Side) -> Result<(f64, f64)> {
        let mut node = Command::new("node");
        node.arg(format!("{}.mjs", side.name())).current_dir(&self.options.peers).env("NODE_ENV", "production");
        node.env("DATABASE_URL", plain(self.owner.to_url_lossy().as_ref())).env("REDIS_PORT", self.redis.port.to_string());
        node.env("JOBS", self.options.backlog.to_string()).env("SECONDS", self.options.seconds.to_string());
        let output = tokio::task::spawn_blocking(move || node.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{}: {said} {}", side.name(), String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_str(said.trim().lines().last().unwrap_or_default())?;
        let number = |name: &str| told[name].as_f64().with_context(|| format!("{} told {said}", side.name()));
        Ok((number("done")?, number("seconds")?))
    }

    fn tell(&self, blocks: &[Block], probe: Spread, loads: Spread) {
        let of = |side: Side, what: fn(&Block) -> f64| Spread::of(blocks.iter().filter(|b| b.side == side).map(what));
        let ours = of(Side::Belfry, |b| b.per_second).median;
        let mut lines = Vec::new();
        for side in Side::ALL {
            let (rate, each) = (of(side, |b| b.per_second), |what: fn(&Block) -> f64| of(side, what).median);
            let (wal, commits, fsyncs) = (each(|b| b.each.wal_bytes), each(|b| b.each.commits), each(|b| b.each.fsyncs));
            let ratio = ours / rate.median;
            eprintln!(
                "{:<18} {:>8.0} / {:>8.0} / {:>8.0} per s   ours {ratio:.3}×   {wal:.0} B wal, {commits:.3} commits, {fsyncs:.3} fsyncs each",
                side.name(),
                rate.min,
                rate.median,
                rate.max,
            );
            lines.push(json!({ "side": side.name(), "per_second": rate.json(), "ours_ratio": ratio, "wal_bytes_each": wal,
                "commits_each": commits, "fsyncs_each": fsyncs }));
        }
        let rows = of(Side::Belfry, |b| b.rows_read);
        eprintln!(
            "rows of enrollments read per person {:.2}   fdatasync {:.2} / {:.2} / {:.2} ms   load {:.1} / {:.1} / {:.1}",
            rows.median, probe.min, probe.median, probe.max, loads.min, loads.median, loads.max
        );
        for (side, least) in [(Side::Graphile, 1.0), (Side::Bullmq, 3.5), (Side::Raw, 0.6)] {
            let ratio = ours / of(side, |b| b.per_second).median;
            eprintln!("goal ≥ {least}× {}: {} ({ratio:.3})", side.name(), if ratio >= least { "reached" } else { "missed" });
        }
        if self.options.json {
            println!(
                "{}",
                json!({ "backlog": self.options.backlog, "workers": self.options.workers, "rounds": self.options.rounds,
                "seconds": self.options.seconds, "fdatasync_ms": probe.json(), "load": loads.json(), "rows_read_each": rows.json(), "sides": lines })
            );
        }
    }
}

async fn completed(c: &mut PgConnection) -> Result<f64> {
    // Not counted from the people: the bench counts what is read of them.
    Ok(sqlx::query_scalar("select sum(finished)::float8 from campaign_stats").fetch_one(c).await?)
}

async fn enrollments_read(c: &mut PgConnection) -> Result<f64> {
    let sql = "select (coalesce(idx_tup_fetch, 0) + seq_tup_read)::float8 from pg_stat_user_tables where relname = 'enrollments'";
    Ok(sqlx::query_scalar(sql).fetch_one(c).await?)
}

/// As durable as Redis can be: every command is on the disk before its answer.
async fn redis() -> Result<Redis> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    drop(listener);
    let folder = std::env::temp_dir().join(format!("belfry-redis-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
    command.args(["--appendfsync", "always", "--maxmemory-policy", "noeviction", "--dir"]).arg(&folder);
    let child = command.stdout(Stdio::null()).spawn().context("redis-server is not installed (Debian: redis-server)")?;
    let redis = Redis { port, child, folder };
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        ensure!(started.elapsed() < Duration::from_secs(10), "redis-server does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(redis)
}
