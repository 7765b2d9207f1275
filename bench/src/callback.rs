//! Signed callbacks of 1.3 KB, acknowledged after a durable commit: `belfry serve` against the same work by Fastify, Express
//! and FastAPI on the same Postgres, and against the bare insert by pgbench. Blocks are interleaved, because machines are
//! noisy. Peers know their gateway's key by heart and ring no bell; we look the key up and wake the worker.

mod sides;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use model::id::{CallId, GatewayId};
use providers::twilio::sign;
use serde_json::{Value, json};
use services::gateways;
use services::testing::{Someone, World};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use crate::disk;
use crate::hammer::hammer;
use crate::measure::{Counters, Spread, ensure_durable, load, owner, percentile};
use sides::{Running, Side};

/// Callers at once.
const CALLERS: [usize; 3] = [1, 32, 128];
/// Requests prepared per second of a block before anything is known about the side.
const RATE_GUESS: f64 = 6_000.0;
/// Where the goals of the ratios are.
const GOALS: [(Side, f64); 3] = [(Side::Fastify, 3.0), (Side::Express, 5.0), (Side::Fastapi, 7.0)];
/// Milliseconds that one callback may take longer than the bare insert.
const GOAL_SLOWER_MS: f64 = 0.1;
const GOAL_FSYNCS: f64 = 0.05;

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The release `belfry`
    #[arg(long)]
    belfry: PathBuf,
    /// The folder of the peers, with their packages installed
    #[arg(long)]
    peers: PathBuf,
    /// A Python that has the packages of requirements.txt
    #[arg(long)]
    python: PathBuf,
    /// Rounds of one block per side and number of callers
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds per block
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Processes per peer
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Only these numbers of callers
    #[arg(long, value_delimiter = ',', default_values_t = CALLERS)]
    callers: Vec<usize>,
}

/// What one block did.
struct Block {
    side: Side,
    callers: usize,
    round: usize,
    per_second: f64,
    p50: f64,
    p99: f64,
    each: Counters,
}

struct Bench {
    acme: Someone,
    gateway: GatewayId,
    token: String,
    public_url: String,
    owner: PgConnectOptions,
    running: Vec<Running>,
    options: Options,
    /// Makes every callback another event.
    sent: u64,
    probes: Vec<f64>,
    loads: Vec<f64>,
}

pub async fn run(options: Options) -> Result<()> {
    let world = World::new().await;
    let owner = owner(&world)?;
    ensure_durable(&owner).await?;
    let acme = world.company("acme").await;
    let mut tx = world.tx(&acme).await;
    let gateway = gateways::list(&mut tx).await?[0].id;
    drop(tx);
    let token = world.auth_token(acme.company, gateway).await?;
    let public_url = world.db.config().public_url.clone();
    let running = sides::start(&world, &acme, gateway, &token, &options).await?;
    let bench =
        Bench { acme, gateway, token, public_url, owner, running, options, sent: 0, probes: Vec::new(), loads: Vec::new() };
    bench.measure().await
}

impl Bench {
    async fn measure(mut self) -> Result<()> {
        let mut blocks: Vec<Block> = Vec::new();
        for callers in self.options.callers.clone() {
            // One round that does not count: plans, pools and just-in-time compilers.
            for round in 0..=self.options.rounds {
                for side in Side::ALL {
                    let last = blocks.iter().rev().find(|b| b.side == side && b.callers == callers).map(|b| b.per_second);
                    let block = self.block(side, callers, round, last.unwrap_or(RATE_GUESS)).await?;
                    eprintln!(
                        "c {callers:>3} round {round} {:<8} {:>7.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms  wal {:>5.0} B  commits {:>5.3}  fsyncs {:>5.3} each",
                        side.name(),
                        block.per_second,
                        block.p50,
                        block.p99,
                        block.each.wal_bytes,
                        block.each.commits,
                        block.each.fsyncs,
                    );
                    blocks.push(block);
                }
            }
        }
        blocks.retain(|b| b.round > 0);
        self.tell(&blocks);
        Ok(())
    }

    async fn block(&mut self, side: Side, callers: usize, round: usize, rate: f64) -> Result<Block> {
        self.probes.push(tokio::task::spawn_blocking(disk::fdatasync).await??.as_secs_f64() * 1e3);
        self.loads.push(load());
        let mut c = self.owner.clone().connect().await?;
        sqlx::raw_sql("truncate inbox").execute(&mut c).await?;
        let time = Duration::from_secs(self.options.seconds);
        let port = self.running.iter().find(|running| running.side == side).map(|running| running.port);
        let requests = match port {
            Some(_) => self.requests((rate * 2.0 * time.as_secs_f64()) as usize + 200),
            None => Vec::new(),
        };
        let before = Counters::read(&mut c).await?;
        let mut told = 0;
        let (done, seconds, times) = match port {
            Some(port) => {
                let did = hammer(port, callers, requests, time).await?;
                // An idle connection keeps its counts for seconds; a little work a second later makes it tell them.
                tokio::time::sleep(Duration::from_millis(1_100)).await;
                let few = self.requests(callers * 4);
                told += hammer(port, callers, few, time).await?.answered;
                (did.answered, did.elapsed.as_secs_f64(), did.times)
            }
            None => sides::pgbench(&self.owner, &self.acme, self.gateway, &self.body(0), callers, time)?,
        };
        let after = Counters::read(&mut c).await?;
        let stored = stored(&mut c).await?;
        ensure!(stored >= i64::try_from(done + told)?, "{} acknowledged {done} and stored {stored}", side.name());
        let each = after.each(before, (done + told) as f64);
        let (p50, p99) = (percentile(&times, 0.5), percentile(&times, 0.99));
        Ok(Block { side, callers, round, per_second: done as f64 / seconds, p50, p99, each })
    }

    /// A form like Twilio's for one event.
    fn body(&self, n: u64) -> String {
        let sid = format!("CA{n:032x}");
        let account = "AC0123456789abcdef0123456789abcdef";
        let place =
            "FromCity=NEW+YORK&FromCountry=US&FromState=NY&FromZip=10001&ToCity=NEWARK&ToCountry=US&ToState=NJ&ToZip=07102";
        let head = format!(
            "AccountSid={account}&AnsweredBy=human&ApiVersion=2010-04-01&CallDuration=61&CallSid={sid}&CallStatus=completed\
             &CallbackSource=call-progress-events&Called=%2B12125550100&Caller=%2B12125550199&Direction=outbound-api&Duration=2\
             &From=%2B12125550199&{place}&SequenceNumber=3&SipResponseCode=200&Timestamp=Mon%2C+23+Nov+2026+15%3A00%3A00+%2B0000\
             &To=%2B12125550100&StirVerstat=TN-Validation-Passed-A&StirPassportToken="
        );
        let token = "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0In0".repeat(16);
        format!("{head}{}", &token[..1_300 - head.len()])
    }

    fn requests(&mut self, count: usize) -> Vec<Vec<u8>> {
        let call = CallId::from(self.acme.company.uuid());
        let path = format!("/hooks/twilio/{}?call={call}", self.gateway);
        let url = format!("{}{path}", self.public_url);
        let first = self.sent + 1;
        self.sent += count as u64;
        let mut requests = Vec::with_capacity(count);
        for n in first..=self.sent {
            let body = self.body(n);
            let signature = sign::signature(&self.token, &url, &sign::decode_form(body.as_bytes()).unwrap_or_default());
            requests.push(
                format!(
                    "POST {path} HTTP/1.1\r\nHost: belfry.test\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n\
                     Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nX-Twilio-Signature: {signature}\r\n\
                     I-Twilio-Idempotency-Token: 5e3b4f3c-0000-4000-8000-{n:012x}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes(),
            );
        }
        requests
    }

    fn tell(&self, blocks: &[Block]) {
        let mut lines: Vec<Value> = Vec::new();
        let mut goals: Vec<Value> = Vec::new();
        let of = |side: Side, callers: usize, what: fn(&Block) -> f64| -> Vec<f64> {
            blocks.iter().filter(|b| b.side == side && b.callers == callers).map(what).collect()
        };
        // Each round's blocks ran within seconds of each other: the ratio is taken per round.
        let ratio = |side: Side, callers: usize| {
            let (ours, theirs) = (of(Side::Belfry, callers, |b| b.per_second), of(side, callers, |b| b.per_second));
            Spread::of(ours.iter().zip(&theirs).map(|(a, b)| a / b.max(1e-9)))
        };
        for &callers in &self.options.callers {
            for side in Side::ALL {
                let (rate, p50) = (Spread::of(of(side, callers, |b| b.per_second)), Spread::of(of(side, callers, |b| b.p50)));
                let median = |what: fn(&Block) -> f64| Spread::of(of(side, callers, what)).median;
                let (p99, wal, commits, fsyncs) =
                    (median(|b| b.p99), median(|b| b.each.wal_bytes), median(|b| b.each.commits), median(|b| b.each.fsyncs));
                let ratio = ratio(side, callers);
                eprintln!(
                    "c {callers:>3} {:<8} {:>7.0} / {:>7.0} / {:>7.0} per s   p50 {:>6.2} p99 {p99:>6.2} ms   ours {:.2}×   {wal:.0} B wal, {commits:.3} commits, {fsyncs:.3} fsyncs each",
                    side.name(),
                    rate.min,
                    rate.median,
                    rate.max,
                    p50.median,
                    ratio.median,
                );
                lines.push(json!({ "callers": callers, "side": side.name(), "per_second": rate.json(), "p50_ms": p50.json(),
                    "p99_ms": p99, "ours_ratio": ratio.json(), "wal_bytes_each": wal, "commits_each": commits, "fsyncs_each": fsyncs }));
            }
        }
        let mut goal = |what: String, reached: bool, value: f64| {
            eprintln!("goal {what}: {} ({value:.3})", if reached { "reached" } else { "missed" });
            goals.push(json!({ "goal": what, "reached": reached, "value": value }));
        };
        let most = self.options.callers.iter().copied().max().unwrap_or(1);
        for (side, least) in GOALS {
            let value = ratio(side, most).median;
            goal(format!("≥ {least}× {} at c = {most}", side.name()), value >= least, value);
        }
        let slower: Vec<f64> =
            of(Side::Belfry, 1, |b| b.p50).iter().zip(of(Side::Pgbench, 1, |b| b.p50)).map(|(a, b)| a - b).collect();
        if !slower.is_empty() {
            let value = Spread::of(slower).median;
            goal(format!("p50 at c = 1 ≤ pgbench + {GOAL_SLOWER_MS} ms"), value <= GOAL_SLOWER_MS, value);
        }
        let fsyncs = Spread::of(of(Side::Belfry, most, |b| b.each.fsyncs)).median;
        goal(format!("≤ {GOAL_FSYNCS} fsyncs per event at c = {most}"), fsyncs <= GOAL_FSYNCS, fsyncs);
        let (probe, loads) = (Spread::of(self.probes.iter().copied()), Spread::of(self.loads.iter().copied()));
        eprintln!(
            "fdatasync {:.2} / {:.2} / {:.2} ms   load {:.1} / {:.1} / {:.1}",
            probe.min, probe.median, probe.max, loads.min, loads.median, loads.max
        );
        if self.options.json {
            println!(
                "{}",
                json!({ "rounds": self.options.rounds, "seconds": self.options.seconds, "workers": self.options.workers,
                "fdatasync_ms": probe.json(), "load": loads.json(), "sides": lines, "goals": goals })
            );
        }
    }
}

async fn stored(c: &mut PgConnection) -> Result<i64> {
    // The owner is no company; it inherits `system`.
    Ok(sqlx::query_scalar("select count(*) from inbox").fetch_one(c).await?)
}
