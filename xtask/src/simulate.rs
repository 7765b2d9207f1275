//! `simulate`: seeds of the engine's simulation on a Postgres of their own, without durability, optimised.

use anyhow::Result;
use clap::Args;

use crate::{
    postgres::Cluster,
    tools::{Paths, run},
};

/// What is lived when nothing else is said. Real SQL does not reach the thousands of an in-memory model.
const SEEDS: u64 = 200;
const LANES: u64 = 4;

#[derive(Args)]
pub struct Options {
    /// How many seeds to live
    #[arg(long, default_value_t = SEEDS)]
    seeds: u64,
    /// Live this one alone and print its hash
    #[arg(long)]
    seed: Option<u64>,
    /// The first of many
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Seeds lived at once, each lane with a database of its own
    #[arg(long, default_value_t = LANES)]
    lanes: u64,
    /// With the profile of the tests, which is compiled already
    #[arg(long)]
    debug: bool,
}

pub fn simulate(paths: &Paths, options: &Options) -> Result<()> {
    let cluster = Cluster::dev(paths)?;
    let (first, count, lanes) = match options.seed {
        Some(seed) => (seed, 1, 1),
        None => (options.from, options.seeds, options.lanes),
    };
    let mut cargo = paths.cargo();
    cargo.args(["run", "--quiet", "-p", "services", "--example", "simulate"]);
    if !options.debug {
        cargo.arg("--release");
    }
    cargo.arg("--").args([first, count, lanes].map(|number| number.to_string()));
    run(cargo.envs(cluster.env()?))
}
