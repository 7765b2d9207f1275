//! `cargo xtask simulate`: lives seeds, several at once, each in a database that only its own lane uses. A seed that breaks an
//! invariant is printed with the command that lives it alone.

#[path = "../tests/simulation/carrier.rs"]
mod carrier;
#[path = "../tests/simulation/day.rs"]
mod day;

use futures::FutureExt;
use services::testing::World;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seeds that broke, shown at most.
const FAILURES_MAX: usize = 20;
/// A database gets slower as it fills; a lane moves to a new one after this many seeds.
const SEEDS_PER_WORLD: u64 = 500;

/// First seed, number of seeds, lanes.
fn arguments() -> Option<(u64, u64, u64)> {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|word| word.parse().ok()).collect::<Option<_>>()?;
    <[u64; 3]>::try_from(numbers).ok().map(|[first, count, lanes]| (first, count, lanes))
}

fn main() -> ExitCode {
    let Some((first, count, lanes)) = arguments() else {
        eprintln!("simulate FIRST COUNT LANES");
        return ExitCode::FAILURE;
    };
    let (next, begun) = (AtomicU64::new(first), Instant::now());
    let (failures, all) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..lanes.max(1) {
            scope.spawn(|| lane(&next, first + count, &all, &failures));
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let rate = count as f64 / seconds;
    println!(
        "{count} seeds from {first} in {seconds:.1} s on {lanes} lanes: {rate:.1} seeds/s, hash {:016x}",
        all.load(Ordering::Relaxed)
    );
    let failures = failures.into_inner().unwrap_or_default();
    for seed in failures.iter().take(FAILURES_MAX) {
        println!("FAILED: cargo xtask simulate --seed {seed}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One lane: takes the next seed until there is none. One thread, so that a seed's own order is the only order there is.
fn lane(next: &AtomicU64, end: u64, all: &AtomicU64, failures: &Mutex<Vec<u64>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::swift().await;
        for lived in 1.. {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            if lived % SEEDS_PER_WORLD == 0 {
                world = World::swift().await;
            }
            match AssertUnwindSafe(day::live(&world, seed)).catch_unwind().await {
                // Of one seed its own hash; of many one that does not depend on which lane lived which seed, or when.
                Ok(hash) => {
                    all.fetch_xor(u64::from_str_radix(&hash, 16).unwrap_or_default(), Ordering::Relaxed);
                }
                // The panic itself is on stderr already.
                Err(_) => {
                    failures.lock().expect("no lane panics here").push(seed);
                    world = World::swift().await;
                }
            }
        }
    });
}
