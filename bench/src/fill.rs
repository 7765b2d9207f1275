//! How full the lines are: a cap of 1,000 calls shared by companies of the same size with more people to call than they can, talk
//! of 5 to 120 seconds played faster. The network is a script in this process; ends are applied as the inbox applies them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use clap::Args;
use model::id::{CallId, CompanyId, GatewayId};
use providers::scripted::Script;
use providers::{Answer, Callback, CallbackKind, Observed, Originate, Outcome, ProviderCallId, ProviderStatus};
use serde_json::json;
use services::dialer;
use services::testing::World;
use sqlx::ConnectOptions;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::backlog::{employer, let_time_pass, network, open_wide, run};
use crate::measure::{Spread, ensure_durable, load, owner, percentile};
use crate::{check_clean, disk};

/// Talk in seconds, before it is played faster.
const TALK: std::ops::Range<u64> = 5..121;
/// How often the lines are looked at.
const LOOK: Duration = Duration::from_millis(25);
/// Ends applied at once.
const APPLIERS: usize = 8;

#[derive(Args)]
pub struct Options {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Lines of all companies together
    #[arg(long, default_value_t = 1_000)]
    cap: usize,
    #[arg(long, default_value_t = 4)]
    companies: usize,
    /// How many times faster than real the calls are
    #[arg(long, default_value_t = 2.0)]
    speed: f64,
    /// Seconds measured, after the lines were full for the first time
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// People of each company
    #[arg(long, default_value_t = 20_000)]
    people: usize,
}

/// Somebody who talks.
struct Talk {
    company: CompanyId,
    gateway: GatewayId,
    call: CallId,
    id: ProviderCallId,
    seconds: u64,
    until: Instant,
}

/// Takes every call; its company is known by its gateway.
struct Lines {
    companies: HashMap<String, CompanyId>,
    speed: f64,
    placed: AtomicU64,
    by_company: Mutex<HashMap<CompanyId, u64>>,
    talks: mpsc::UnboundedSender<Talk>,
    refills: Mutex<Refills>,
}

/// Slots that were freed and not taken again yet, by company.
#[derive(Default)]
struct Refills {
    free: HashMap<CompanyId, VecDeque<Instant>>,
    /// Dials that were seen before the end that made room for them was told.
    early: HashMap<CompanyId, u32>,
    /// Milliseconds from a freed slot to the request that took it.
    times: Vec<f64>,
}

impl Refills {
    fn freed(&mut self, company: CompanyId) {
        match self.early.get_mut(&company).filter(|early| **early > 0) {
            Some(early) => *early -= 1,
            None => self.free.entry(company).or_default().push_back(Instant::now()),
        }
    }

    fn taken(&mut self, company: CompanyId) {
        match self.free.entry(company).or_default().pop_front() {
            Some(since) => self.times.push(since.elapsed().as_secs_f64() * 1e3),
            None => {
                self.times.push(0.0);
                *self.early.entry(company).or_default() += 1;
            }
        }
    }

    /// The lines are full for the first time: from here on a dial needs an end.
    fn begin(&mut self) {
        *self = Self::default();
    }
}

#[async_trait]
impl Script for Lines {
    async fn originate(&self, call: &Originate) -> Answer {
        let n = self.placed.fetch_add(1, Ordering::Relaxed);
        // Every length equally often, in an order that repeats nothing soon.
        let seconds = TALK.start + n.wrapping_mul(7_919) % (TALK.end - TALK.start);
        let id = ProviderCallId::new(format!("CA{n:032x}"));
        let gateway = call.callback_url.rsplit('/').next().and_then(|last| last.split('?').next()).unwrap_or_default();
        let (Some(company), Ok(gateway)) = (self.companies.get(gateway), gateway.parse::<GatewayId>()) else {
            return Answer::Unknown { why: "nobody's gateway".to_owned() };
        };
        *self.by_company.lock().unwrap_or_else(PoisonError::into_inner).entry(*company).or_default() += 1;
        self.refills.lock().unwrap_or_else(PoisonError::into_inner).taken(*company);
        let until = Instant::now() + Duration::from_secs_f64(seconds as f64 / self.speed);
        let _ = self.talks.send(Talk { company: *company, gateway, call: call.call, id: id.clone(), seconds, until });
        Answer::Placed(id)
    }
}

pub async fn run_bench(options: Options) -> Result<()> {
    let world = Arc::new(World::new().await);
    ensure_durable(&owner(&world)?).await?;
    let mut companies = HashMap::new();
    for n in 0..options.companies {
        let someone = employer(&world, &format!("company {n}"), options.people).await?;
        let mut tx = world.tx(&someone).await;
        let gateway = services::companies::gateways(&mut tx).await?[0].id;
        companies.insert(gateway.to_string(), someone.company);
    }
    let mut c = open_wide(&world, 1_000_000).await?;
    let each = options.cap / options.companies;
    run(&mut c, format!("update capacity set cap = {each} where scope = 'company'")).await?;
    let (talks, ends) = mpsc::unbounded_channel();
    let lines = Arc::new(Lines {
        companies,
        speed: options.speed,
        placed: AtomicU64::new(0),
        by_company: Mutex::default(),
        talks,
        refills: Mutex::default(),
    });
    let fdatasync = tokio::task::spawn_blocking(disk::fdatasync).await??.as_secs_f64() * 1e3;
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let _time = let_time_pass(&world.clock, 1.0);
    tasks.spawn(dialer::run::run(world.db.clone(), network(lines.clone()), stop.clone()));
    let freed = Arc::new(Mutex::new(Vec::new()));
    tasks.spawn(end_calls(world.clone(), ends, stop.clone(), freed.clone(), lines.clone()));
    let cap = (each * options.companies) as f64;
    let mut looks: Vec<f64> = Vec::new();
    let (mut full_at, started, mut most) = (None, Instant::now(), 0.0_f64);
    let mut seen_at_full = HashMap::new();
    let mut watch = owner(&world)?.connect().await?;
    loop {
        let busy: f64 =
            sqlx::query_scalar("select sum(in_use)::float8 from capacity where scope = 'company'").fetch_one(&mut watch).await?;
        most = most.max(busy);
        if full_at.is_none() && (busy >= cap || started.elapsed() > Duration::from_secs(60)) {
            full_at = Some(Instant::now());
            seen_at_full = lines.by_company.lock().unwrap_or_else(PoisonError::into_inner).clone();
            freed.lock().unwrap_or_else(PoisonError::into_inner).clear();
            lines.refills.lock().unwrap_or_else(PoisonError::into_inner).begin();
        }
        if let Some(full) = full_at {
            looks.push(busy / cap);
            if full.elapsed() > Duration::from_secs(options.seconds) {
                break;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    let busy_load = load();
    let dials = lines.by_company.lock().unwrap_or_else(PoisonError::into_inner).clone();
    stop.cancel();
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let mean = looks.iter().sum::<f64>() / looks.len().max(1) as f64;
    let least = looks.iter().copied().fold(1.0, f64::min);
    let shares: Vec<f64> =
        dials.iter().map(|(company, n)| (n - seen_at_full.get(company).copied().unwrap_or(0)) as f64).collect();
    let total: f64 = shares.iter().sum();
    let off = shares.iter().map(|n| (n / total * shares.len() as f64 - 1.0).abs()).fold(0.0, f64::max);
    let mut ends = freed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ends.sort_by(f64::total_cmp);
    let mut refills = lines.refills.lock().unwrap_or_else(PoisonError::into_inner).times.clone();
    refills.sort_by(f64::total_cmp);
    let (refill_p50, refill_p99) = (percentile(&refills, 0.5), percentile(&refills, 0.99));
    let filled = full_at.map_or(0.0, |at| (at - started).as_secs_f64());
    eprintln!(
        "lines busy {:.2} % on average, {:.2} % at least; {most:.0} of {cap:.0} at most; filled for the first time after {filled:.1} s",
        mean * 100.0,
        least * 100.0
    );
    eprintln!(
        "{:.0} dials, {:.0} per second; a company's share is off by {:.2} % at most",
        total,
        total / options.seconds as f64,
        off * 100.0
    );
    eprintln!("end of talk → slot free p50 {:.1} ms, p99 {:.1} ms", percentile(&ends, 0.5), percentile(&ends, 0.99));
    eprintln!("slot free → request that takes it p50 {refill_p50:.1} ms, p99 {refill_p99:.1} ms");
    eprintln!("goal refill p99 ≤ 50 ms: {}", if refill_p99 <= 50.0 { "reached" } else { "missed" });
    eprintln!("goal ≥ 99 % busy: {}", if mean >= 0.99 { "reached" } else { "missed" });
    eprintln!("goal cap never exceeded: {}", if most <= cap { "reached" } else { "missed" });
    eprintln!("goal shares ± 2 %: {}", if off <= 0.02 { "reached" } else { "missed" });
    eprintln!("fdatasync {fdatasync:.2} ms   load {busy_load:.1}");
    if options.json {
        println!(
            "{}",
            json!({ "cap": cap, "speed": options.speed, "busy_mean": mean, "busy_least": least, "most": most, "dials": total,
            "seconds": options.seconds, "share_off": off, "fill_seconds": filled, "refill_p50_ms": refill_p50, "refill_p99_ms": refill_p99, "free_p50_ms": percentile(&ends, 0.5), "free_p99_ms": percentile(&ends, 0.99),
            "spread": Spread::of(looks).json(), "fdatasync_ms": fdatasync, "load": busy_load })
        );
    }
    check_clean(&world).await
}

/// Ends each talk when its time has come, as the inbox would.
async fn end_calls(
    world: Arc<World>,
    mut talks: mpsc::UnboundedReceiver<Talk>,
    stop: CancellationToken,
    freed: Arc<Mutex<Vec<f64>>>,
    lines: Arc<Lines>,
) -> Result<()> {
    let (mut ending, appliers) = (JoinSet::new(), Arc::new(tokio::sync::Semaphore::new(APPLIERS)));
    loop {
        let talk = tokio::select! { () = stop.cancelled() => break, talk = talks.recv() => talk };
        let Some(talk) = talk else { break };
        let (world, appliers, freed, stop, lines) = (world.clone(), appliers.clone(), freed.clone(), stop.clone(), lines.clone());
        ending.spawn(async move {
            tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep_until(talk.until.into()) => {} }
            let Ok(_turn) = appliers.acquire().await else { return };
            let kind = CallbackKind::Status(Box::new(ended(&talk)));
            let callback = Callback { id: talk.id.clone(), event_id: String::new(), at: None, sequence: None, kind };
            // One that comes before its call was recorded is found by our id; one that fails is looked up later.
            if world.callback(talk.company, talk.gateway, talk.call, callback).await.is_ok() {
                lines.refills.lock().unwrap_or_else(PoisonError::into_inner).freed(talk.company);
                freed.lock().unwrap_or_else(PoisonError::into_inner).push(talk.until.elapsed().as_secs_f64() * 1e3);
            }
        });
        while ending.try_join_next().is_some() {}
    }
    while ending.join_next().await.is_some() {}
    Ok(())
}

fn ended(talk: &Talk) -> Observed {
    Observed {
        id: talk.id.clone(),
        status: ProviderStatus::Ended(Outcome::Completed),
        raw_status: "completed".to_owned(),
        raw_reason: None,
        answered_by: None,
        created_at: None,
        started_at: None,
        answered_at: None,
        ended_at: None,
        talk_seconds: i64::try_from(talk.seconds).ok(),
        price_micros: None,
        currency: None,
        from: None,
        to: None,
    }
}
