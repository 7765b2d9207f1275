//! `bench ledger`: a durable Postgres of its own, and the load generator of the crate `bench` against it.

use std::process::Command;

use anyhow::Result;

use crate::{
    postgres::Cluster,
    tools::{Paths, Profile, Stages, run},
};

/// Reserve + settle pairs of one company against a one-row UPDATE on the same Postgres.
pub fn ledger(paths: &Paths, json: bool) -> Result<()> {
    let mut stages = Stages::new();
    let mut cargo = paths.cargo();
    cargo.args(["build", "-p", "bench", "--release"]);
    stages.run("load generator", || run(&mut cargo))?;
    let cluster = stages.run("postgres", || Cluster::durable(paths))?;
    let mut load = Command::new(paths.bin(Profile::Release, "bench"));
    load.arg("ledger").envs(cluster.env()?).current_dir(&paths.root);
    if json {
        load.arg("--json");
    }
    stages.run("ledger", || run(&mut load))
}
