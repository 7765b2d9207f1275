//! One hot company: 32 writers hold credits for calls and settle them, durably, and nothing else. The measure is what
//! the same Postgres makes of 32 clients that update one row durably, which is what a ledger with one balance row is
//! when nobody thinks about it.
//!
//! A writer is a turn of the dialer (up to 20 intents in one transaction) and then the ends of those calls. Turns of one
//! call are measured too: they show what the batch is worth. Blocks are interleaved, because machines are noisy.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use model::credits::Credits;
use model::id::{CallId, CampaignId};
use serde_json::{Value, json};
use services::check;
use services::credits::{self, testing};
use services::dialer::BATCH_MAX;
use services::testing::{Someone, World};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::disk;
use crate::measure::{Counters, Spread, ensure_durable, owner, plain};

/// What a call may cost, and what it does cost: a capture and a release each.
const HOLD: Credits = Credits::whole(2);
const COST: Credits = Credits::whole(1);
/// The company never runs out.
const FUND: Credits = Credits::whole(100_000_000);
/// What the ledger should reach.
const GOAL: f64 = 15.0;

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[arg(long, default_value_t = 32)]
    writers: usize,
    /// Rounds of one block each
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds per block
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

/// Calls in a full turn of the dialer.
fn turn() -> usize {
    usize::try_from(BATCH_MAX).unwrap_or(1)
}

/// One thing to measure.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// `update … where id = 1`, autocommit, one row, prepared.
    OneRow,
    /// The same by pgbench.
    Pgbench,
    /// Pairs with so many calls per turn, from a campaign's escrow.
    Pairs(usize),
}

impl Side {
    fn name(self) -> String {
        match self {
            Self::OneRow => "one-row update (sqlx)".into(),
            Self::Pgbench => "one-row update (pgbench)".into(),
            Self::Pairs(1) => "pairs, 1 call a turn".into(),
            Self::Pairs(n) => format!("pairs, {n} calls a turn"),
        }
    }
}

/// What one block did.
struct Block {
    side: Side,
    per_second: f64,
    each: Counters,
    fdatasync: Duration,
}

struct Bench {
    world: World,
    hot: Someone,
    campaign: CampaignId,
    owner: PgConnectOptions,
    options: Options,
}

pub async fn run(options: Options) -> Result<()> {
    let world = World::new().await;
    let hot = world.company("hot").await;
    credits::adjust_at_console(&world.db, hot.company, FUND, "Load test").await?;
    let mut tx = world.tx(&hot).await;
    let campaign: CampaignId = tx.id();
    testing::reserve(&mut tx, campaign, Credits(FUND.0 / 2)).await?;
    tx.commit().await?;
    let owner = owner(&world)?;
    ensure_durable(&owner).await?;
    let mut c = owner.clone().connect().await?;
    sqlx::raw_sql("create table one_row (id int primary key, n bigint not null); insert into one_row values (1, 0)")
        .execute(&mut c)
        .await?;
    let bench = Bench { world, hot, campaign, owner, options };
    bench.measure().await
}

impl Bench {
    async fn measure(&self) -> Result<()> {
        let stop = CancellationToken::new();
        let mut background = JoinSet::new();
        // The product seals while it works.
        background.spawn(credits::keep_sealing(self.world.db.clone(), stop.clone()));
        let mut sides = vec![Side::OneRow, Side::Pairs(1), Side::Pairs(turn())];
        if Command::new("pgbench").arg("--version").output().is_ok() {
            sides.insert(1, Side::Pgbench);
        }
        // A ledger in use has rows and statistics; plans made for empty tables read the whole of them.
        self.pairs(turn()).await?;
        sqlx::raw_sql("vacuum analyze").execute(&mut self.owner.clone().connect().await?).await?;
        let mut blocks = Vec::new();
        for round in 0..self.options.rounds {
            for side in &sides {
                let block = self.block(*side).await?;
                eprintln!(
                    "round {} {:<26} {:>9.0}/s  wal {:>6.0} B  commits {:>5.2}  fsyncs {:>5.3} each  fdatasync {:.2} ms",
                    round + 1,
                    side.name(),
                    block.per_second,
                    block.each.wal_bytes,
                    block.each.commits,
                    block.each.fsyncs,
                    block.fdatasync.as_secs_f64() * 1e3,
                );
                blocks.push(block);
            }
        }
        stop.cancel();
        background.join_all().await;
        let sealing = Instant::now();
        while credits::seal_all(&self.world.db).await? {}
        let report = check::run(&self.world.db).await?;
        self.tell(&sides, &blocks, &report, sealing.elapsed());
        ensure!(report.violations.is_empty(), "the checker is not satisfied: {:?}", report.violations);
        Ok(())
    }

    async fn block(&self, side: Side) -> Result<Block> {
        let fdatasync = tokio::task::spawn_blocking(disk::fdatasync).await??;
        let mut c = self.owner.clone().connect().await?;
        let before = Counters::read(&mut c).await?;
        let started = Instant::now();
        let done = match side {
            Side::OneRow => self.one_row().await?,
            Side::Pgbench => self.pgbench()?,
            Side::Pairs(n) => self.pairs(n).await?,
        };
        let seconds = started.elapsed().as_secs_f64();
        let each = Counters::read(&mut c).await?.each(before, done);
        Ok(Block { side, per_second: done / seconds, each, fdatasync })
    }

    async fn one_row(&self) -> Result<f64> {
        let (end, mut tasks) = (Instant::now() + Duration::from_secs(self.options.seconds), JoinSet::new());
        for _ in 0..self.options.writers {
            let mut c = self.owner.clone().connect().await?;
            tasks.spawn(async move {
                let mut done = 0;
                while Instant::now() < end {
                    sqlx::query("update one_row set n = n + 1 where id = 1").execute(&mut c).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            });
        }
        let mut done = 0;
        while let Some(task) = tasks.join_next().await {
            done += task??;
        }
        Ok(f64::from(done))
    }

    /// Transactions that pgbench counted.
    fn pgbench(&self) -> Result<f64> {
        let url = plain(self.owner.to_url_lossy().as_ref());
        let script = std::env::temp_dir().join(format!("belfry-one-row-{}.sql", std::process::id()));
        std::fs::write(&script, "update one_row set n = n + 1 where id = 1;\n")?;
        let output = Command::new("pgbench")
            .args(["-n", "-M", "prepared", "-j", "2", "-c", &self.options.writers.to_string()])
            .args(["-T", &self.options.seconds.to_string(), "-f"])
            .arg(&script)
            .arg(url)
            .output()?;
        std::fs::remove_file(script)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
        let count = line.with_context(|| format!("pgbench said {text} {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok(count.split('/').next().unwrap_or(count).trim().parse()?)
    }

    async fn pairs(&self, calls: usize) -> Result<f64> {
        let end = Instant::now() + Duration::from_secs(self.options.seconds);
        let (done, mut tasks) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        for _ in 0..self.options.writers {
            let (db, actor, campaign, done) = (self.world.db.clone(), self.hot.actor.clone(), Some(self.campaign), done.clone());
            tasks.spawn(async move {
                while Instant::now() < end {
                    let mut tx = db.begin_hot(&actor).await?;
                    let turn: Vec<(CallId, Credits)> = (0..calls).map(|_| (tx.id(), HOLD)).collect();
                    testing::hold(&mut tx, campaign, &turn).await?;
                    tx.commit().await?;
                    let ended: Vec<_> = turn.iter().map(|(call, held)| (*call, *held, COST)).collect();
                    let mut tx = db.begin_hot(&actor).await?;
                    testing::settle(&mut tx, campaign, &ended).await?;
                    tx.commit().await?;
                    done.fetch_add(calls as u64, Ordering::Relaxed);
                }
                anyhow::Ok(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok(done.load(Ordering::Relaxed) as f64)
    }

    fn tell(&self, sides: &[Side], blocks: &[Block], report: &check::Report, sealing: Duration) {
        let of = |side: Side, what: fn(&Block) -> f64| Spread::of(blocks.iter().filter(|b| b.side == side).map(what));
        let limit = if sides.contains(&Side::Pgbench) { Side::Pgbench } else { Side::OneRow };
        let base = of(limit, |b| b.per_second).median;
        let mut lines: Vec<Value> = Vec::new();
        for side in sides {
            let rate = of(*side, |b| b.per_second);
            let ratio = rate.median / base;
            lines.push(json!({
                "what": side.name(), "per_second": rate.json(), "ratio": ratio,
                "wal_bytes_each": of(*side, |b| b.each.wal_bytes).median, "commits_each": of(*side, |b| b.each.commits).median,
                "wal_fsyncs_each": of(*side, |b| b.each.fsyncs).median,
            }));
            eprintln!(
                "{:<26} min {:>7.0}  median {:>7.0}  max {:>7.0} /s   {ratio:.1}× the limit",
                side.name(),
                rate.min,
                rate.median,
                rate.max
            );
        }
        let reached = of(Side::Pairs(turn()), |b| b.per_second).median / base;
        let probe = Spread::of(blocks.iter().map(|b| b.fdatasync.as_secs_f64() * 1e3));
        eprintln!(
            "goal {GOAL}×: {} ({reached:.1}×)   fdatasync {:.2} / {:.2} / {:.2} ms   {} movements checked, {} violations, last block sealed {:.1} s after the load",
            if reached >= GOAL { "reached" } else { "missed" },
            probe.min,
            probe.median,
            probe.max,
            report.movements,
            report.violations.len(),
            sealing.as_secs_f64(),
        );
        if self.options.json {
            let machine = json!({ "writers": self.options.writers, "rounds": self.options.rounds, "seconds": self.options.seconds,
                "limit": limit.name(), "fdatasync_ms": probe.json(), "movements": report.movements, "violations": report.violations.len(),
                "goal": GOAL, "ratio": reached, "sides": lines });
            println!("{machine}");
        }
    }
}
