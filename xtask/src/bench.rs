//! `bench`: numbers about the release build. Load generators live in bench/, not here.

mod load;
mod pages;

pub use load::{alone, callback, dispatch, import, login_flood};
pub use pages::pages;

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    postgres::Cluster,
    site,
    stack::{SPEED_DEFAULT, Stack, build_programs},
    tools::{Paths, Profile, Stages},
};

const SETTLE: Duration = Duration::from_secs(10);
const KIB: u64 = 1024;

/// Memory of an idle `belfry serve` with its worker, ten seconds after it is healthy.
pub fn footprint(paths: &Paths) -> Result<()> {
    let mut stages = Stages::new();
    site::build(paths, Profile::Release, &mut stages)?;
    stages.run("server, worker, gremlin", || build_programs(paths, Profile::Release))?;
    let cluster = stages.run("postgres", || Cluster::dev(paths))?;
    let stack = Stack::scratch(paths, &cluster, Profile::Release, SPEED_DEFAULT, &paths.target.join("bench"))?;
    stages.run("migrate", || stack.migrate())?;
    let mut running = stages.run("start", || stack.start(&[]))?;
    std::thread::sleep(SETTLE);
    running.server.check()?;
    let status = fs::read_to_string(format!("/proc/{}/status", running.server.pid()))
        .context("memory is read from /proc, which only Linux has")?;
    let (resident, peak) = (kib(&status, "VmRSS")?, kib(&status, "VmHWM")?);
    let binary = fs::metadata(paths.bin(Profile::Release, "belfry"))?.len();
    eprintln!("idle after {} s: {} MiB resident, {} MiB at most", SETTLE.as_secs(), resident / KIB, peak / KIB);
    println!(
        "{}",
        json!({ "rss_kib": resident, "peak_rss_kib": peak, "binary_bytes": binary, "idle_seconds": SETTLE.as_secs() })
    );
    Ok(())
}

fn kib(status: &str, field: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("/proc says no {field}"))
}
