//! How full the lines are: a cap of 1,000 calls shared by companies of the same size with more people to call than they can, talk
//! of 5 to 120 seconds played faster. The network is a script in this process; ends are applied as the inbox applies them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use clap::Args;
use model::id::{CallId, CompanyId};
use providers::scripted::{self, Script};
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
/// Lines that are not full by then are measured as they are.
const FILL_MAX: Duration = Duration::from_secs(60);
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
    #[arg(long, default_value_t = 4_000)]
    people: usize,
}

/// Somebody who talks.
struct Talk {
    company: CompanyId,
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
    /// Milliseconds from the end of a talk to its freed slot.
    freed: Vec<f64>,
}

impl Refills {
    fn freed(&mut self, company: CompanyId, after: Duration) {
        self.freed.push(after.as_secs_f64() * 1e3);
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

impl Lines {
    fn dials(&self) -> HashMap<CompanyId, u64> {
        self.by_company.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refills(&self) -> MutexGuard<'_, Refills> {
        self.refills.lock().unwrap_or_else(PoisonError::into_inner)
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
        let Some(company) = self.companies.get(gateway) else {
            return Answer::Unknown { why: "nobody's gateway".to_owned() };
        };
        *self.by_company.lock().unwrap_or_else(PoisonError::into_inner).entry(*company).or_default() += 1;
        self.refills().taken(*company);
        let until = Instant::now() + Duration::from_secs_f64(seconds as f64 / self.speed);
        let _ = self.talks.send(Talk { company: *company, call: call.call, id: id.clone(), seconds, until });
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
        let gateway = services::gateways::list(&mut tx).await?[0].id;
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
    tasks.spawn(end_calls(world.clone(), ends, stop.clone(), lines.clone()));
    let cap = (each * options.companies) as f64;
    let seen = watch(&world, &lines, cap, Duration::from_secs(options.seconds)).await?;
    let busy = load();
    stop.cancel();
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    tell(&options, cap, &lines, &seen, (fdatasync, busy));
    check_clean(&world).await
}

/// What was seen from the moment when the lines were full for the first time.
struct Seen {
    /// Shares of the cap.
    looks: Vec<f64>,
    /// The most calls at once, ever.
    most: f64,
    /// Seconds until the lines were full.
    filled: f64,
    /// Dials of each company.
    dials: Vec<f64>,
}

/// Looks at the lines until they were full for long enough.
async fn watch(world: &World, lines: &Lines, cap: f64, time: Duration) -> Result<Seen> {
    let (mut looks, mut most, started) = (Vec::new(), 0.0_f64, Instant::now());
    let (mut full, mut before) = (None, HashMap::new());
    let mut c = owner(world)?.connect().await?;
    loop {
        let sql = "select sum(in_use)::float8 from capacity where scope = 'company'";
        let busy: f64 = sqlx::query_scalar(sql).fetch_one(&mut c).await?;
        most = most.max(busy);
        if full.is_none() && (busy >= cap || started.elapsed() > FILL_MAX) {
            full = Some(Instant::now());
            before = lines.dials();
            lines.refills().begin();
        }
        if let Some(since) = full {
            looks.push(busy / cap);
            if since.elapsed() > time {
                let dials = lines.dials();
                let dials = dials.iter().map(|(company, n)| (n - before.get(company).copied().unwrap_or(0)) as f64).collect();
                return Ok(Seen { looks, most, filled: (since - started).as_secs_f64(), dials });
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn tell(options: &Options, cap: f64, lines: &Lines, seen: &Seen, (fdatasync, busy): (f64, f64)) {
    let Seen { looks, most, filled, dials } = seen;
    let mean = looks.iter().sum::<f64>() / looks.len().max(1) as f64;
    let least = looks.iter().copied().fold(1.0, f64::min);
    let total: f64 = dials.iter().sum();
    let off = dials.iter().map(|n| (n / total * dials.len() as f64 - 1.0).abs()).fold(0.0, f64::max);
    let Refills { freed: mut free, times: mut taken, .. } = std::mem::take(&mut *lines.refills());
    free.sort_by(f64::total_cmp);
    taken.sort_by(f64::total_cmp);
    let (free_p50, free_p99) = (percentile(&free, 0.5), percentile(&free, 0.99));
    let (refill_p50, refill_p99) = (percentile(&taken, 0.5), percentile(&taken, 0.99));
    eprintln!(
        "lines busy {:.2} % on average, {:.2} % at least; {most:.0} of {cap:.0} at most; filled for the first time after {filled:.1} s",
        mean * 100.0,
        least * 100.0
    );
    let rate = total / options.seconds as f64;
    eprintln!("{total:.0} dials, {rate:.0} per second; a company's share is off by {:.2} % at most", off * 100.0);
    eprintln!("end of talk → slot free p50 {free_p50:.1} ms, p99 {free_p99:.1} ms");
    eprintln!("slot free → request that takes it p50 {refill_p50:.1} ms, p99 {refill_p99:.1} ms");
    for (what, reached) in [
        ("≥ 99 % busy", mean >= 0.99),
        ("cap never exceeded", *most <= cap),
        ("shares ± 2 %", off <= 0.02),
        ("refill p99 ≤ 50 ms", refill_p99 <= 50.0),
    ] {
        eprintln!("goal {what}: {}", if reached { "reached" } else { "missed" });
    }
    eprintln!("fdatasync {fdatasync:.2} ms   load {busy:.1}");
    if options.json {
        let line = json!({ "cap": cap, "speed": options.speed, "busy_mean": mean, "busy_least": least, "most": most,
            "dials": total, "seconds": options.seconds, "share_off": off, "fill_seconds": filled, "free_p50_ms": free_p50,
            "free_p99_ms": free_p99, "refill_p50_ms": refill_p50, "refill_p99_ms": refill_p99,
            "spread": Spread::of(looks.iter().copied()).json(), "fdatasync_ms": fdatasync, "load": busy });
        println!("{line}");
    }
}

/// Ends talks when their time has come: those of a company together, as the inbox does.
async fn end_calls(
    world: Arc<World>,
    mut talks: mpsc::UnboundedReceiver<Talk>,
    stop: CancellationToken,
    lines: Arc<Lines>,
) -> Result<()> {
    let mut talking = BTreeMap::new();
    loop {
        let next = talking.keys().next().map_or_else(|| Instant::now() + LOOK, |(until, _): &(Instant, CallId)| *until);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(talk) = talks.recv() => { talking.insert((talk.until, talk.call), talk); }
            () = tokio::time::sleep_until(next.into()) => {}
        }
        let now = Instant::now();
        let later = talking.split_off(&(now, CallId::from(model::id::Uuid::max())));
        let mut over = HashMap::<_, Vec<_>>::new();
        for talk in std::mem::replace(&mut talking, later).into_values() {
            over.entry(talk.company).or_default().push(talk);
        }
        for (company, talks) in over {
            let news = talks.iter().map(|talk| (talk.call, told(talk))).collect();
            // What fails is looked up later by the product.
            if world.callbacks(company, news).await.is_ok() {
                let mut refills = lines.refills();
                for talk in talks {
                    refills.freed(company, talk.until.elapsed());
                }
            }
        }
    }
}

fn told(talk: &Talk) -> Callback {
    let kind = CallbackKind::Status(Box::new(ended(talk)));
    scripted::news(talk.id.clone(), kind)
}

fn ended(talk: &Talk) -> Observed {
    Observed {
        talk_seconds: i64::try_from(talk.seconds).ok(),
        ..Observed::new(talk.id.clone(), ProviderStatus::Ended(Outcome::Completed), "completed")
    }
}
