//! The simulation, a few seeds of it. `cargo xtask simulate` lives as many as there is time for.

#[path = "simulation/carrier.rs"]
mod carrier;
#[path = "simulation/day.rs"]
mod day;

use day::live;
use services::testing::World;

/// Seeds per test; with the eight tests below, 200 worlds.
const SEEDS_EACH: u64 = 25;

#[tokio::test]
async fn the_same_seed_is_the_same_day() {
    let first = live(&World::swift().await, 7).await;
    let world = World::swift().await;
    assert_ne!(live(&world, 8).await, first);
    // Alone, and after another day in the same database.
    assert_eq!(live(&world, 7).await, first);
}

macro_rules! seeds {
    ($($name:ident = $first:literal;)+) => {$(
        #[tokio::test]
        async fn $name() {
            let world = World::swift().await;
            for seed in $first..$first + SEEDS_EACH {
                live(&world, seed).await;
            }
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
