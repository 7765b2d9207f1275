//! What a flood of sign-ins does to callbacks: the same steady callbacks alone, and while 64 people sign in again and again, each
//! from an address of their own and with the right password, so that nothing but the work itself holds them back. Blocks come in
//! pairs, because machines are noisy; the ratio is taken per pair.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use model::accounts::Register;
use serde_json::json;
use services::accounts::{self, Client};
use services::gateways;
use services::testing::World;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::callback::events::Events;
use crate::callback::sides::{self, Running};
use crate::hammer::answered;
use crate::measure::{Spread, ensure_durable, load, owner, percentile};

const PASSWORD: &str = "correct-horse-7";
/// How much slower callbacks may be.
const GOAL: f64 = 1.2;

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The release `belfry`
    #[arg(long)]
    belfry: PathBuf,
    /// Pairs of blocks
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds per block
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// People who sign in at once
    #[arg(long, default_value_t = 64)]
    logins: u8,
    /// Connections that carry callbacks
    #[arg(long, default_value_t = 4)]
    callers: usize,
    /// Callbacks per second
    #[arg(long, default_value_t = 200)]
    rate: usize,
}

/// What one block heard.
struct Block {
    p50: f64,
    p99: f64,
    logins: usize,
}

struct Bench {
    events: Events,
    belfry: Running,
    options: Options,
}

pub async fn run(options: Options) -> Result<()> {
    let world = World::new().await;
    ensure_durable(&owner(&world)?).await?;
    let acme = world.company("acme").await;
    let mut tx = world.tx(&acme).await;
    let gateway = gateways::list(&mut tx).await?[0].id;
    drop(tx);
    for n in 0..options.logins {
        let form = Register {
            name: "Somebody".to_owned(),
            email: email(n),
            password: PASSWORD.to_owned(),
            company_name: format!("Company {n}"),
            time_zone: String::new(),
        };
        accounts::register(&world.db, &form, &Client { ip: format!("127.1.0.{n}"), ..Client::default() }).await?;
    }
    let events = Events::of(&world, &acme, gateway).await?;
    let belfry = sides::belfry(&world, &options.belfry).await?;
    Bench { events, belfry, options }.measure().await
}

fn email(n: u8) -> String {
    format!("person{n}@flood.example")
}

impl Bench {
    async fn measure(mut self) -> Result<()> {
        let (mut alone, mut flooded, mut loads) = (Vec::new(), Vec::new(), Vec::new());
        // One round that does not count: pools and plans.
        for round in 0..=self.options.rounds {
            loads.push(load());
            let (a, f) = (self.block(false).await?, self.block(true).await?);
            eprintln!(
                "round {round}: alone p50 {:.2} p99 {:.2} ms; with {} sign-ins p50 {:.2} p99 {:.2} ms",
                a.p50, a.p99, f.logins, f.p50, f.p99
            );
            ensure!(f.logins > 0, "nobody signed in: the flood was none");
            if round > 0 {
                alone.push(a);
                flooded.push(f);
            }
        }
        let ratio = |of: fn(&Block) -> f64| Spread::of(alone.iter().zip(&flooded).map(|(a, f)| of(f) / of(a).max(1e-9)));
        let spread = |blocks: &[Block], of: fn(&Block) -> f64| Spread::of(blocks.iter().map(of));
        let (p50, p99) = (ratio(|b| b.p50), ratio(|b| b.p99));
        let logins = spread(&flooded, |b| b.logins as f64).median / self.options.seconds as f64;
        let reached = p50.median <= GOAL;
        eprintln!(
            "{} callbacks a second, {:.0} sign-ins a second: p50 ratio {:.2} / {:.2} / {:.2}, p99 ratio {:.2} / {:.2} / {:.2}",
            self.options.rate, logins, p50.min, p50.median, p50.max, p99.min, p99.median, p99.max
        );
        eprintln!("goal p50 ratio ≤ {GOAL}: {} ({:.2})", if reached { "reached" } else { "missed" }, p50.median);
        if self.options.json {
            let of = |blocks: &[Block]| json!({ "p50_ms": spread(blocks, |b| b.p50).json(), "p99_ms": spread(blocks, |b| b.p99).json() });
            println!(
                "{}",
                json!({ "rounds": self.options.rounds, "seconds": self.options.seconds, "logins": self.options.logins,
                    "rate": self.options.rate, "alone": of(&alone), "flooded": of(&flooded), "logins_per_second": logins,
                    "p50_ratio": p50.json(), "p99_ratio": p99.json(), "load": Spread::of(loads).json(),
                    "goals": [{ "goal": format!("p50 ratio ≤ {GOAL}"), "reached": reached, "value": p50.median }] })
            );
        }
        Ok(())
    }

    async fn block(&mut self, with_flood: bool) -> Result<Block> {
        let stop = CancellationToken::new();
        let mut flood = JoinSet::new();
        for n in 0..if with_flood { self.options.logins } else { 0 } {
            flood.spawn(sign_in_until(stop.clone(), self.belfry.port, n));
        }
        let times = self.callbacks().await?;
        stop.cancel();
        let mut logins = 0;
        while let Some(done) = flood.join_next().await {
            logins += done??;
        }
        Ok(Block { p50: percentile(&times, 0.5), p99: percentile(&times, 0.99), logins })
    }

    /// Callbacks at a steady pace; how long each took, sorted, in milliseconds. One that could not be sent at its moment counts
    /// from that moment.
    async fn callbacks(&mut self) -> Result<Vec<f64>> {
        let callers = self.options.callers;
        let each = self.options.rate * self.options.seconds as usize / callers;
        let pause = Duration::from_secs_f64(callers as f64 / self.options.rate as f64);
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let (requests, port) = (self.events.requests(each), self.belfry.port);
            tasks.spawn(async move {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
                stream.set_nodelay(true)?;
                let (mut times, mut answer) = (Vec::new(), Vec::new());
                let mut ticks = tokio::time::interval(pause);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
                for request in requests {
                    let due = ticks.tick().await;
                    stream.write_all(&request).await?;
                    answered(&mut stream, &mut answer).await?;
                    times.push(due.elapsed().as_secs_f64() * 1e3);
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(task) = tasks.join_next().await {
            times.extend(task??);
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }
}

/// One person from one address, again and again; how often it went well.
async fn sign_in_until(stop: CancellationToken, port: u16, n: u8) -> Result<usize> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 1, 0, n], 0))).context("this machine has no addresses like 127.1.0.1")?;
    let mut stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let body = json!({ "email": email(n), "password": PASSWORD }).to_string();
    let request = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: belfry.test\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut done, mut answer) = (0, Vec::new());
    let begun = Instant::now();
    while !stop.is_cancelled() {
        stream.write_all(request.as_bytes()).await?;
        answered(&mut stream, &mut answer).await.with_context(|| format!("sign-in {done} after {:?}", begun.elapsed()))?;
        done += 1;
    }
    Ok(done)
}
