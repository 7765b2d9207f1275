//! One seed, one world: a campaign against a carrier that loses, repeats, reorders and delays, workers that
//! die at every step, people who opt out in the middle. After it all the invariants of engine.md §9 hold,
//! and the carrier itself counts that nobody was rung twice for one attempt.

#[path = "simulation/carrier.rs"]
mod carrier;

use carrier::Carrier;
use chrono::TimeDelta;
use model::campaigns::{Action, Retries, Retry, Status};
use model::credits::Credits;
use model::id::{CampaignId, GatewayId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use services::dialer::lease::Lease;
use services::dialer::{self, Network};
use services::testing::{self, Someone, World};
use services::{campaigns, check, companies, credits, suppressions};
use std::sync::Arc;
use std::time::Instant;

/// Seeds per test; with the eight tests below, 200 worlds.
const SEEDS_EACH: u64 = 25;
/// Steps with faults, before the world is allowed to come to rest.
const STEPS: usize = 40;
/// Rounds to come to rest; many more than any campaign here needs.
const REST_ROUNDS: usize = 3_000;

struct Sim<'a> {
    world: &'a World,
    acme: Someone,
    campaign: CampaignId,
    gateway: GatewayId,
    carrier: Arc<Carrier>,
    lease: Lease,
    rng: StdRng,
    phones: Vec<String>,
}

impl<'a> Sim<'a> {
    async fn new(world: &'a World, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let acme = world.company(&format!("seed {seed}")).await;
        let people = rng.random_range(2..=7);
        let campaign = world
            .launched(&acme, people, |form| {
                form.concurrency_max = rng.random_range(1..=4);
                form.retries = retries(&mut rng);
                form.call_minutes_max = rng.random_range(1..=3);
                form.budget = rng.random_bool(0.5).then_some(Credits::whole(rng.random_range(4..=18)));
            })
            .await;
        let mut tx = world.tx(&acme).await;
        let gateway = companies::gateways(&mut tx).await.expect("gateways")[0].id;
        drop(tx);
        let phones = (0..people).map(testing::phone).collect();
        let lease = Lease::init(&world.db).await.expect("lease");
        Self { world, acme, campaign, gateway, carrier: Arc::new(Carrier::new(seed)), lease, rng, phones }
    }

    /// One turn of a worker, which may die before its commit, before its requests, or before it records.
    async fn turn(&mut self, may_die: bool) {
        let engine = self.world.engine(self.acme.company);
        for campaign in self.world.runnable(self.acme.company).await.expect("runnable") {
            let mut tx = self.world.db.begin(&engine).await.expect("begin");
            let turn = dialer::plan(&mut tx, campaign, self.lease.worker).await.expect("planned");
            if may_die && self.rng.random_bool(0.1) {
                return; // before the commit: nothing happened
            }
            tx.commit().await.expect("commit");
            let committed = Instant::now();
            for dial in turn.dials {
                if may_die && self.rng.random_bool(0.1) {
                    continue; // after the commit, before the request
                }
                self.lease.confirm(&self.world.db).await.expect("lease");
                let network = Network::Scripted(self.carrier.clone());
                self.carrier.at(self.world.clock.now());
                let answer = dialer::act(&network, &self.lease, &dial, committed).await;
                if may_die && self.rng.random_bool(0.1) {
                    continue; // the request went out, the answer was never written down
                }
                let mut tx = self.world.db.begin(&engine).await.expect("begin");
                dialer::record(&mut tx, &dial, answer).await.expect("recorded");
                tx.commit().await.expect("commit");
            }
        }
    }

    /// Delivers what the carrier has to say, in the carrier's own disorder.
    async fn deliver(&mut self, all: bool) {
        self.carrier.at(self.world.clock.now());
        for (call, callback) in self.carrier.callbacks(&mut self.rng, all) {
            self.world.callback(self.acme.company, self.gateway, call, callback).await.expect("applied");
        }
    }

    async fn look_up(&mut self) {
        self.carrier.at(self.world.clock.now());
        let (late, _) = dialer::due_checks(&self.world.db).await.expect("due");
        let network = Network::Scripted(self.carrier.clone());
        for call in late.iter().filter(|l| l.company_id == self.acme.company) {
            dialer::reconcile(&self.world.db, &network, call).await.expect("looked up");
        }
    }

    async fn opt_somebody_out(&mut self) {
        let phone = self.phones[self.rng.random_range(0..self.phones.len())].clone();
        let mut tx = self.world.tx(&self.acme).await;
        // The second time the number is on the list already, and that is a fine answer.
        if suppressions::add(&mut tx, &phone, "asked on the phone").await.is_ok() {
            tx.commit().await.expect("commit");
        }
    }

    async fn pause_or_resume(&mut self) {
        let mut tx = self.world.tx(&self.acme).await;
        let status = campaigns::load(&mut tx, self.campaign).await.expect("campaign").status;
        let action = if status == Status::Active { Action::Pause } else { Action::Resume };
        if campaigns::act(&mut tx, self.campaign, action).await.is_ok() {
            tx.commit().await.expect("commit");
        }
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..35 => self.turn(true).await,
            35..65 => self.deliver(false).await,
            65..80 => self.world.clock.advance(TimeDelta::seconds(self.rng.random_range(1..400))),
            80..93 => self.look_up().await,
            93..96 => self.opt_somebody_out().await,
            _ => self.pause_or_resume().await,
        }
    }

    /// No more faults: everything must come to an end by itself.
    async fn rest(&mut self) -> Status {
        self.carrier.behave();
        for _ in 0..REST_ROUNDS {
            self.deliver(true).await;
            self.turn(false).await;
            self.look_up().await;
            let mut tx = self.world.tx(&self.acme).await;
            let status = campaigns::load(&mut tx, self.campaign).await.expect("campaign").status;
            let wallet = credits::wallet(&mut tx).await.expect("wallet");
            drop(tx);
            let quiet = wallet.held == Credits::ZERO;
            if quiet && matches!(status, Status::Completed | Status::Cancelled | Status::Paused) {
                return status;
            }
            let now = self.world.clock.now();
            let next =
                self.world.next_moment(self.acme.company).await.expect("next").into_iter().chain(self.carrier.next()).min();
            self.world.clock.set(next.unwrap_or(now + TimeDelta::seconds(1)).max(now + TimeDelta::milliseconds(10)));
        }
        panic!("the world does not come to rest");
    }

    async fn holds(&self, when: &str) {
        let report = check::run(&self.world.db).await.expect("checked");
        assert_eq!(report.violations, Vec::<String>::new(), "{when}");
        let twice = self.carrier.rung_twice();
        assert!(twice.is_empty(), "{when}: rung twice for one attempt: {twice:?}");
        let overlaps = self.carrier.overlaps();
        assert!(overlaps.is_empty(), "{when}: rung while on another call: {overlaps:?}");
        let written_off = self.world.written_off(self.acme.company).await.expect("read");
        let rang: Vec<_> = written_off.into_iter().filter(|call| self.carrier.rang(*call)).collect();
        assert!(rang.is_empty(), "{when}: written off as never placed, and they rang: {rang:?}");
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

async fn run(first: u64) {
    let world = World::with_seed(first).await;
    for seed in first..first + SEEDS_EACH {
        let mut sim = Sim::new(&world, seed).await;
        for step in 0..STEPS {
            sim.step().await;
            if step % 10 == 9 {
                sim.holds(&format!("seed {seed}, step {step}")).await;
            }
        }
        let mut status = sim.rest().await;
        sim.holds(&format!("seed {seed}, at rest, {status}")).await;
        if status == Status::Paused {
            // Whatever paused it, cancelling gives everything back.
            let mut tx = world.tx(&sim.acme).await;
            status = campaigns::act(&mut tx, sim.campaign, Action::Cancel).await.expect("cancelled");
            tx.commit().await.expect("commit");
        }
        let mut tx = world.tx(&sim.acme).await;
        let wallet = credits::wallet(&mut tx).await.expect("wallet");
        assert_eq!((wallet.reserved, wallet.held), (Credits::ZERO, Credits::ZERO), "seed {seed}, {status}");
        assert_eq!(wallet.available + wallet.spent, wallet.received, "seed {seed}, {status}");
        drop(tx);
        sim.holds(&format!("seed {seed}, over")).await;
    }
}

macro_rules! seeds {
    ($($name:ident = $first:literal;)+) => {$(
        #[tokio::test]
        async fn $name() {
            run($first).await;
        }
    )+};
}

seeds! {
    seeds_from_0_hold_every_invariant = 0;
    seeds_from_25_hold_every_invariant = 25;
    seeds_from_50_hold_every_invariant = 50;
    seeds_from_75_hold_every_invariant = 75;
    seeds_from_100_hold_every_invariant = 100;
    seeds_from_125_hold_every_invariant = 125;
    seeds_from_150_hold_every_invariant = 150;
    seeds_from_175_hold_every_invariant = 175;
}
