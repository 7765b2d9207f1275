//! The simulation, as CI lives it. `cargo xtask simulate` lives as many days as there is time for.

#[path = "simulation/carrier.rs"]
mod carrier;
#[path = "simulation/day.rs"]
mod day;

use day::live;
use services::testing::World;

/// Seeds per test; with the twenty tests below, 2,000 days.
const SEEDS_EACH: u64 = 100;

#[tokio::test]
async fn the_same_seed_is_the_same_day() {
    // Each after other days, and in another database.
    let (mut forth, mut back) = (Vec::new(), Vec::new());
    let world = World::swift().await;
    for seed in [7, 14, 97] {
        forth.push(live(&world, seed).await);
    }
    let world = World::swift().await;
    for seed in [97, 14, 7] {
        back.push(live(&world, seed).await);
    }
    back.reverse();
    assert_eq!(forth, back);
    assert!(forth[0] != forth[1] && forth[1] != forth[2], "{forth:?}");
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
    seeds_from_100_hold_every_invariant = 100;
    seeds_from_200_hold_every_invariant = 200;
    seeds_from_300_hold_every_invariant = 300;
    seeds_from_400_hold_every_invariant = 400;
    seeds_from_500_hold_every_invariant = 500;
    seeds_from_600_hold_every_invariant = 600;
    seeds_from_700_hold_every_invariant = 700;
    seeds_from_800_hold_every_invariant = 800;
    seeds_from_900_hold_every_invariant = 900;
    seeds_from_1000_hold_every_invariant = 1000;
    seeds_from_1100_hold_every_invariant = 1100;
    seeds_from_1200_hold_every_invariant = 1200;
    seeds_from_1300_hold_every_invariant = 1300;
    seeds_from_1400_hold_every_invariant = 1400;
    seeds_from_1500_hold_every_invariant = 1500;
    seeds_from_1600_hold_every_invariant = 1600;
    seeds_from_1700_hold_every_invariant = 1700;
    seeds_from_1800_hold_every_invariant = 1800;
    seeds_from_1900_hold_every_invariant = 1900;
}
