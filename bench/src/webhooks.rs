//! From a commit to the endpoint of a customer: a hundred companies with an endpoint each, at a steady rate, each message told by a
//! commit of its own. Then the same with one endpoint that takes connections and never answers. Blocks are interleaved.
//!
//! A message's time begins before its commit is asked for, so the disk is in it, and ends when the receiver has read it whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use model::id::EndpointId;
use model::webhooks::{EndpointForm, WebhookEvent};
use serde_json::{Value, json};
use services::testing::{Someone, World};
use services::{suppressions, webhooks};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::measure::{Spread, ensure_durable, load, owner, percentile};

/// How late the last message of a block may be.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is wanted: milliseconds, and how much worse one dead endpoint may make it.
const P99_MAX: f64 = 100.0;
const WORSE_MAX: f64 = 1.2;

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[arg(long, default_value_t = 100)]
    endpoints: usize,
    /// Messages per second
    #[arg(long, default_value_t = 500)]
    rate: usize,
    #[arg(long, default_value_t = 10)]
    seconds: usize,
    /// Pairs of blocks
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// When each message was told, and how long it took.
#[derive(Default)]
struct Times {
    told: HashMap<String, Instant>,
    took: Vec<f64>,
}

type Shared = Arc<Mutex<Times>>;

fn times(shared: &Shared) -> std::sync::MutexGuard<'_, Times> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A receiver in as few words of HTTP as there are: it reads a message, says 204, and reads the next.
async fn receive(stream: TcpStream, shared: Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let arrived = Instant::now();
        stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
        let body: Value = serde_json::from_slice(&body)?;
        let mut times = times(&shared);
        // A second time is no news.
        if let Some(told) = body["reason"].as_str().and_then(|tag| times.told.remove(tag)) {
            times.took.push((arrived - told).as_secs_f64() * 1_000.0);
        }
    }
}

struct Bench {
    world: World,
    customers: Vec<(Someone, EndpointId)>,
    shared: Shared,
    url: String,
    /// Of a receiver that says nothing.
    silent: String,
    options: Options,
}

/// What a block came to, in milliseconds.
struct Block {
    has_dead: bool,
    p50: f64,
    p99: f64,
    max: f64,
    per_second: f64,
}

pub async fn run(options: Options) -> Result<()> {
    let world = World::live(|_| {}).await;
    ensure_durable(&owner(&world)?).await?;
    let shared = Shared::default();
    let (receiver, silent) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let url = format!("http://localhost:{}/", receiver.local_addr()?.port());
    let dead = format!("http://localhost:{}/", silent.local_addr()?.port());
    let mut background = JoinSet::new();
    let ears = shared.clone();
    background.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = receiver.accept().await {
            open.spawn(receive(stream, ears.clone()));
        }
    });
    background.spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            held.push(stream);
        }
    });
    let stop = CancellationToken::new();
    let (db, stopped) = (world.db.clone(), stop.clone());
    background.spawn(async move {
        if let Err(error) = webhooks::post::run(db, stopped).await {
            eprintln!("the post stopped: {error:#}");
        }
    });
    let mut customers = Vec::new();
    for n in 0..options.endpoints {
        let someone = world.company(&format!("customer {n}")).await;
        let new = webhooks::create(&world.db, &someone.actor, &form(&url)).await?;
        customers.push((someone, new.id));
    }
    let bench = Bench { world, customers, shared, url, silent: dead, options };
    let result = bench.measure().await;
    stop.cancel();
    result
}

fn form(url: &str) -> EndpointForm {
    EndpointForm { url: url.to_owned(), events: vec![WebhookEvent::ContactSuppressed], ..EndpointForm::default() }
}

impl Bench {
    async fn measure(&self) -> Result<()> {
        // Connections, prepared statements and caches are not what is measured.
        self.block(usize::MAX, false, 2).await?;
        let mut blocks = Vec::new();
        for round in 0..self.options.rounds {
            for has_dead in [round % 2 == 1, round % 2 == 0] {
                blocks.push(self.block(round, has_dead, self.options.seconds).await?);
            }
        }
        self.report(&blocks);
        Ok(())
    }

    async fn block(&self, round: usize, has_dead: bool, seconds: usize) -> Result<Block> {
        let (last, endpoint) = self.customers.last().context("a customer")?;
        let url = if has_dead { &self.silent } else { &self.url };
        webhooks::update(&self.world.db, &last.actor, *endpoint, &form(url)).await?;
        *times(&self.shared) = Times::default();
        let (began, all) = (Instant::now(), self.options.rate * seconds);
        let mut telling = JoinSet::new();
        for n in 0..all {
            let at = began + Duration::from_secs_f64(n as f64 / self.options.rate as f64);
            tokio::time::sleep_until(at.into()).await;
            let (someone, _) = &self.customers[n % self.customers.len()];
            let is_dead = has_dead && (n + 1) % self.customers.len() == 0;
            telling.spawn(tell(self.world.db.clone(), someone.actor.clone(), self.shared.clone(), round, has_dead, n, is_dead));
        }
        let told = began.elapsed();
        while let Some(done) = telling.join_next().await {
            done??;
        }
        let deadline = Instant::now() + PATIENCE;
        while !times(&self.shared).told.is_empty() {
            ensure!(Instant::now() < deadline, "{} messages did not arrive", times(&self.shared).told.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut took = std::mem::take(&mut times(&self.shared).took);
        took.sort_by(f64::total_cmp);
        let at = |share| percentile(&took, share);
        Ok(Block { has_dead, p50: at(0.5), p99: at(0.99), max: at(1.0), per_second: all as f64 / told.as_secs_f64() })
    }

    fn report(&self, blocks: &[Block]) {
        let of = |has_dead: bool, what: fn(&Block) -> f64| Spread::of(blocks.iter().filter(|b| b.has_dead == has_dead).map(what));
        let pairs = blocks.chunks(2).map(|pair| {
            let p99 = |has_dead: bool| pair.iter().find(|b| b.has_dead == has_dead).map_or(0.0, |b| b.p99);
            p99(true) / p99(false).max(0.001)
        });
        let worse = Spread::of(pairs);
        let side = |has_dead| {
            json!({
                "p50_ms": of(has_dead, |b| b.p50).json(),
                "p99_ms": of(has_dead, |b| b.p99).json(),
                "max_ms": of(has_dead, |b| b.max).json(),
                "per_second": of(has_dead, |b| b.per_second).json(),
            })
        };
        let (p99, goal) = (of(false, |b| b.p99), json!({ "p99_ms": P99_MAX, "worse": WORSE_MAX }));
        if self.options.json {
            let all = json!({ "all_answer": side(false), "one_is_dead": side(true), "worse": worse.json(), "goal": goal, "load": load() });
            println!("{all}");
        } else {
            println!("commit → received: p99 {:.1} / {:.1} / {:.1} ms (goal {P99_MAX})", p99.min, p99.median, p99.max);
            println!("with one dead: {:.2} / {:.2} / {:.2} times that (goal {WORSE_MAX})", worse.min, worse.median, worse.max);
            println!("{:#}", json!({ "all_answer": side(false), "one_is_dead": side(true), "load": load() }));
        }
    }
}

/// One commit that tells one message. What is for the dead endpoint is not waited for.
async fn tell(
    db: services::Db,
    actor: services::Actor,
    shared: Shared,
    round: usize,
    has_dead: bool,
    n: usize,
    is_dead: bool,
) -> Result<()> {
    let tag = format!("{round} {has_dead} {n}");
    // Numbers that no block before had: a company has a hundredth of them.
    let block = round.wrapping_add(1) * 2 + usize::from(has_dead);
    let phone = format!("+1212{:07}", 2_000_000 + (block * 100_000 + n) % 7_000_000);
    let mut tx = db.begin(&actor).await?;
    suppressions::add(&mut tx, &phone, &tag).await?;
    if !is_dead {
        times(&shared).told.insert(tag, Instant::now());
    }
    tx.commit().await?;
    Ok(())
}
