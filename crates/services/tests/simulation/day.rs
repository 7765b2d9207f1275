//! One seed, one world: a company, a campaign and a carrier that loses, repeats, reorders and delays; two workers that die at
//! every step; people who opt out in the middle; pauses, top-ups, clocks that step back, nights and DST changes. After it all
//! the invariants of engine.md §9 hold, and the carrier itself counts that nobody was rung twice for one attempt.

use super::carrier::Carrier;
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use model::campaigns::{Action, Retries, Retry, Status};
use model::credits::Credits;
use model::holidays::{Closed, HolidayForm};
use model::id::CampaignId;
use providers::Answer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use services::dialer::lease::Lease;
use services::dialer::{self, Dial, Network};
use services::testing::{self, Glance, Someone, World};
use services::{campaigns, check, companies, credits, suppressions};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps with faults, before the world is allowed to come to rest. In each something happens: where nothing is due, time
/// passes until something is.
const STEPS: usize = 30;
/// Time does not pass to the second: this much later at most.
const LATE_SECONDS_MAX: i64 = 90;
/// Rounds to come to rest; many more than any campaign here needs.
const REST_ROUNDS: usize = 3_000;
/// Workers on the one campaign.
const WORKERS: usize = 2;
/// An intent is dialed within this long of its commit, or looked up.
const START_MILLIS_MAX: i64 = 1_000;

/// What a worker has in hand between its transactions, and loses when it dies.
struct Worker {
    lease: Lease,
    dials: Vec<Dial>,
    answers: Vec<(Dial, Answer)>,
}

impl Worker {
    async fn new(world: &World) -> Self {
        Self { lease: Lease::init(&world.db).await.expect("lease"), dials: Vec::new(), answers: Vec::new() }
    }

    fn has_work(&self) -> bool {
        !self.dials.is_empty() || !self.answers.is_empty()
    }
}

pub struct Day<'a> {
    world: &'a World,
    acme: Someone,
    campaign: CampaignId,
    carrier: Arc<Carrier>,
    workers: Vec<Worker>,
    rng: StdRng,
    phones: Vec<String>,
    /// Somebody died in this step.
    died: bool,
    /// The latest moment there was; below it the clock has stepped back.
    latest: DateTime<Utc>,
}

/// When a seed begins: an ordinary Monday, or the evening before a night with a DST change in New York.
fn beginning(rng: &mut StdRng) -> DateTime<Utc> {
    let (year, month, day, hour) =
        [(2026, 11, 23, 15), (2026, 11, 23, 15), (2026, 10, 31, 22), (2027, 3, 13, 22)][rng.random_range(0..4)];
    Utc.with_ymd_and_hms(year, month, day, hour, 0, 0).single().expect("a moment")
}

/// Gives the company a holiday on the second day, which is never a day of its calls then.
async fn day_off(world: &World, acme: &Someone, now: DateTime<Utc>) -> NaiveDate {
    let tomorrow = (now + TimeDelta::days(1)).with_timezone(&chrono_tz::America::New_York).date_naive();
    let (on, name) = (tomorrow.to_string(), "Founders' Day".to_owned());
    let form = HolidayForm { on, name, yearly: false, closed: Closed::Day, time: String::new() };
    let mut tx = world.tx(acme).await;
    companies::add_holiday(&mut tx, &form).await.expect("added");
    tx.commit().await.expect("commit");
    tomorrow
}

impl<'a> Day<'a> {
    async fn new(world: &'a World, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        world.restart(seed, beginning(&mut rng));
        let people = rng.random_range(2..=7);
        let (acme, campaign) = world
            .morning(&format!("seed {seed}"), people, |form| {
                form.concurrency_max = rng.random_range(1..=4);
                form.retries = retries(&mut rng);
                form.call_minutes_max = rng.random_range(1..=3);
                form.budget = rng.random_bool(0.5).then_some(Credits::whole(rng.random_range(4..=18)));
            })
            .await;
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(Worker::new(world).await);
        }
        let phones = (0..people).map(testing::phone).collect();
        let (carrier, latest) = (Arc::new(Carrier::new(seed)), world.clock.now());
        if seed.is_multiple_of(3) {
            carrier.day_off(day_off(world, &acme, latest).await);
        }
        Self { world, acme, campaign, carrier, workers, rng, phones, died: false, latest }
    }

    fn somebody(&mut self) -> usize {
        self.rng.random_range(0..WORKERS)
    }

    /// A worker claims; its transaction may be cut off before the commit.
    async fn claim(&mut self, worker: usize, may_die: bool) {
        let engine = self.world.engine(self.acme.company);
        for campaign in self.world.runnable(self.acme.company).await.expect("runnable") {
            let mut tx = self.world.db.begin(&engine).await.expect("begin");
            let turn = dialer::plan(&mut tx, campaign, self.workers[worker].lease.worker).await.expect("planned");
            if may_die && self.rng.random_bool(0.1) {
                self.died = true;
                // Before the commit: nothing happened.
                return tx.roll_back().await.expect("rolled back");
            }
            tx.commit().await.expect("commit");
            self.workers[worker].dials.extend(turn.dials);
        }
    }

    /// A worker sends one request, if it is not too late for it: the virtual time since the commit counts like real time.
    async fn place(&mut self, worker: usize) {
        let Some(dial) = self.workers[worker].dials.pop() else { return };
        let late = (self.world.clock.now() - dial.committed_at).num_milliseconds() > START_MILLIS_MAX;
        let committed = if late { Instant::now().checked_sub(Duration::from_secs(5)) } else { None };
        let network = Network::scripted(self.carrier.clone());
        self.carrier.at(self.world.clock.now());
        let answer = dialer::act(&network, &self.workers[worker].lease, &dial, committed.unwrap_or_else(Instant::now)).await;
        self.workers[worker].answers.push((dial, answer));
    }

    async fn write_down(&mut self, worker: usize) {
        let Some((dial, answer)) = self.workers[worker].answers.pop() else { return };
        let mut tx = self.world.db.begin(&self.world.engine(self.acme.company)).await.expect("begin");
        dialer::record(&mut tx, &dial, answer).await.expect("recorded");
        tx.commit().await.expect("commit");
    }

    /// Claims if there is a campaign's turn, and goes on with what it has in hand, as far as luck lets it.
    async fn turn(&mut self, due: bool, may_die: bool) {
        let worker = self.somebody();
        if due {
            self.claim(worker, may_die).await;
        }
        if !self.workers[worker].dials.is_empty() {
            self.workers[worker].lease.confirm(&self.world.db).await.expect("lease");
        }
        while self.workers[worker].has_work() {
            if may_die && self.rng.random_bool(0.1) {
                // Dies with what it has: intents without requests, requests without records. Another takes its place.
                self.workers[worker] = Worker::new(self.world).await;
                self.died = true;
                return;
            }
            if may_die && self.rng.random_bool(0.1) {
                return; // is slow: others act in between
            }
            self.place(worker).await;
            if !may_die || self.rng.random_bool(0.8) {
                self.write_down(worker).await;
            }
        }
    }

    async fn glance(&self) -> Glance {
        self.world.glance(self.acme.company, self.campaign).await.expect("glanced")
    }

    /// Until something is due, and then some.
    fn pass_time(&mut self, glance: &Glance) {
        let now = self.world.clock.now();
        let next = glance.next().into_iter().chain(self.carrier.next()).min().unwrap_or(now);
        let late = TimeDelta::seconds(self.rng.random_range(0..LATE_SECONDS_MAX));
        self.world.clock.set(next.max(now) + late);
    }

    /// Delivers what the carrier has to say, in the carrier's own disorder.
    async fn deliver(&mut self, all: bool) {
        self.carrier.at(self.world.clock.now());
        for (call, callback) in self.carrier.callbacks(&mut self.rng, all) {
            self.world.callback(self.acme.company, call, callback).await.expect("applied");
        }
    }

    async fn look_up(&mut self) {
        self.carrier.at(self.world.clock.now());
        let (mut late, _) = dialer::due_checks(&self.world.db).await.expect("due");
        // Calls that are late since the same moment come in any order; the carrier's luck must not depend on it.
        late.sort_by_key(|call| call.id);
        let network = Network::scripted(self.carrier.clone());
        for call in late.iter().filter(|l| l.company_id == self.acme.company) {
            dialer::reconcile(&self.world.db, &network, call).await.expect("looked up");
        }
    }

    async fn opt_somebody_out(&mut self) {
        if self.world.clock.now() < self.latest {
            return; // the checker compares moments, and a clock that stepped back makes them lie
        }
        let phone = self.phones[self.rng.random_range(0..self.phones.len())].clone();
        let mut tx = self.world.tx(&self.acme).await;
        // The second time the number is on the list already, and that is a fine answer.
        let done = suppressions::add(&mut tx, &phone, "asked on the phone").await.is_ok();
        if done { tx.commit().await } else { tx.roll_back().await }.expect("over");
    }

    async fn top_up(&mut self) {
        let amount = Credits::whole(self.rng.random_range(1..=10));
        self.world.top_up(self.acme.company, amount).await.expect("topped up");
    }

    async fn pause_or_resume(&mut self) {
        let mut tx = self.world.tx(&self.acme).await;
        let status = campaigns::load(&mut tx, self.campaign).await.expect("campaign").status;
        let action = if status == Status::Active { Action::Pause } else { Action::Resume };
        let done = campaigns::act(&mut tx, self.campaign, action).await.is_ok();
        if done { tx.commit().await } else { tx.roll_back().await }.expect("over");
    }

    async fn step(&mut self) {
        self.latest = self.latest.max(self.world.clock.now());
        match self.rng.random_range(0..100) {
            35..60 if self.carrier.next().is_some_and(|at| at <= self.world.clock.now()) => self.deliver(false).await,
            roll @ 0..75 => {
                let glance = self.glance().await;
                let now = self.world.clock.now();
                let due = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
                match roll {
                    0..35 if due(glance.turn_at) || self.workers.iter().any(Worker::has_work) => {
                        self.turn(due(glance.turn_at), true).await;
                    }
                    60..75 if due(glance.check_at) => self.look_up().await,
                    _ => self.pass_time(&glance),
                }
            }
            75..79 => self.world.clock.advance(TimeDelta::seconds(self.rng.random_range(1..400))),
            79..81 => self.world.clock.advance(TimeDelta::hours(self.rng.random_range(1..14))),
            81..85 => self.step_back(),
            85..90 => self.opt_somebody_out().await,
            90..94 => self.top_up().await,
            _ => self.pause_or_resume().await,
        }
    }

    /// The clock steps back, by less than the two minutes that a look-up allows for.
    fn step_back(&mut self) {
        let by = TimeDelta::seconds(self.rng.random_range(1..90));
        if self.world.clock.now() >= self.latest {
            self.world.clock.advance(-by);
        }
    }

    /// No more faults: everything must come to an end by itself.
    async fn rest(&mut self) -> Status {
        self.carrier.behave();
        let mut glance = self.glance().await;
        for _ in 0..REST_ROUNDS {
            let now = self.world.clock.now();
            let due = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
            self.deliver(true).await;
            if due(glance.turn_at) || self.workers.iter().any(Worker::has_work) {
                self.turn(due(glance.turn_at), false).await;
            }
            if due(glance.check_at) {
                self.look_up().await;
            }
            glance = self.glance().await;
            let quiet = glance.held == Credits::ZERO;
            if quiet && matches!(glance.status, Status::Completed | Status::Cancelled | Status::Paused) {
                return glance.status;
            }
            let next = glance.next().into_iter().chain(self.carrier.next()).min();
            self.world.clock.set(next.unwrap_or(now + TimeDelta::seconds(1)).max(now + TimeDelta::milliseconds(10)));
        }
        panic!("the world does not come to rest");
    }

    async fn holds(&self, when: &str) {
        let violations = check::of(&self.world.db, self.acme.company).await.expect("checked");
        assert_eq!(violations, Vec::<String>::new(), "{when}");
        let twice = self.carrier.rung_twice();
        assert!(twice.is_empty(), "{when}: rung twice for one attempt: {twice:?}");
        let unlawful = self.carrier.unlawful();
        assert!(unlawful.is_empty(), "{when}: rang outside 8:00 to 21:00 in New York, or on a holiday: {unlawful:?}");
        let overlaps = self.carrier.overlaps();
        assert!(overlaps.is_empty(), "{when}: rung while on another call: {overlaps:?}");
        let written_off = self.world.written_off(self.acme.company).await.expect("read");
        let rang: Vec<_> = written_off.into_iter().filter(|call| self.carrier.rang(*call)).collect();
        assert!(rang.is_empty(), "{when}: written off as never placed, and they rang: {rang:?}");
    }
}

impl Day<'_> {
    async fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for line in self.carrier.log().into_iter().chain(self.world.story(self.acme.company).await.expect("story")) {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn retries(rng: &mut StdRng) -> Retries {
    let mut retry = || Retry { wait_minutes: rng.random_range(1..=30), times: rng.random_range(0..=2) };
    Retries {
        busy: retry(),
        no_answer: retry(),
        voicemail: retry(),
        rejected: retry(),
        failed: retry(),
        attempts_max: 4,
        attempts_per_day_max: 10,
    }
}

/// Lives one seed to its end. Returns the hash of everything the carrier saw and of every event and movement, in order.
///
/// # Panics
/// When an invariant does not hold; the message says after which step.
pub async fn live(world: &World, seed: u64) -> String {
    let mut day = Day::new(world, seed).await;
    for step in 0..STEPS {
        day.step().await;
        if std::mem::take(&mut day.died) {
            day.holds(&format!("seed {seed}, after a death in step {step}")).await;
        }
    }
    let mut status = day.rest().await;
    if status == Status::Paused {
        day.holds(&format!("seed {seed}, at rest, {status}")).await;
        // Whatever paused it, cancelling gives everything back.
        let mut tx = world.tx(&day.acme).await;
        status = campaigns::act(&mut tx, day.campaign, Action::Cancel).await.expect("cancelled");
        tx.commit().await.expect("commit");
    }
    let mut tx = world.tx(&day.acme).await;
    let wallet = credits::wallet(&mut tx).await.expect("wallet");
    assert_eq!((wallet.reserved, wallet.held), (Credits::ZERO, Credits::ZERO), "seed {seed}, {status}");
    assert_eq!(wallet.available + wallet.spent, wallet.received, "seed {seed}, {status}");
    drop(tx);
    day.holds(&format!("seed {seed}, over")).await;
    day.hash().await
}
