//! `test` and `ci`: the checks, cheapest first, with the seconds each took.

use anyhow::Result;
use clap::Args;

use crate::{
    e2e, fence, npm,
    postgres::Cluster,
    redis, site,
    stack::{self, SPEED_DEFAULT, Stack},
    tools::{Paths, Profile, Stages, has, run},
};

/// Crates of the host, in one selection: features are unified per selection, so another one would compile everything again.
/// `app` is tested as the server renders it; xtask is apart, because it shares nothing with the product.
#[rustfmt::skip]
const HOST: [&str; 18] = [
    "-p", "model", "-p", "services", "-p", "providers", "-p", "sheets", "-p", "oidc", "-p", "gremlin", "-p", "server", "-p", "worker",
    "-p", "app",
];
const HOST_FEATURES: [&str; 2] = ["--features", "app/ssr"];

#[derive(Args)]
pub struct Options {
    /// Leave out the browser journeys
    #[arg(long)]
    no_e2e: bool,
    /// Only tests whose name contains this; then nothing else runs
    filter: Option<String>,
}

pub fn test(paths: &Paths, options: &Options) -> Result<()> {
    let mut stages = Stages::new();
    stages.run("npm packages", || npm::install(paths))?;
    stages.run("SDKs of providers", || npm::install_peers(paths))?;
    stages.run("tests", || tests(paths, options.filter.as_deref()))?;
    if options.filter.is_none() {
        stages.run("wasm fence", || fence::check(paths, false))?;
        if !options.no_e2e {
            e2e::run_journeys(paths, &e2e::Options::all(), &mut stages)?;
        }
    }
    stages.print();
    Ok(())
}

pub fn ci(paths: &Paths) -> Result<()> {
    let mut stages = Stages::new();
    let result = ci_stages(paths, &mut stages);
    stages.print();
    result
}

fn ci_stages(paths: &Paths, stages: &mut Stages) -> Result<()> {
    stages.run("format", || run(paths.cargo().args(["fmt", "--all", "--check"])))?;
    stages.run("npm packages", || npm::install(paths))?;
    stages.run("SDKs of providers", || npm::install_peers(paths))?;
    stages.run("redis-server", redis::need)?;
    stages.run("wasm fence", || fence::check(paths, false))?;
    stages.run("clippy, host", || {
        let mut cargo = paths.cargo();
        run(cargo.arg("clippy").args(HOST).args(HOST_FEATURES).args(["--all-targets", "--", "-D", "warnings"]))?;
        run(paths.cargo().args(["clippy", "-p", "xtask", "--all-targets", "--", "-D", "warnings"]))
    })?;
    stages.run("clippy, wasm", || {
        site::ensure_target(paths)?;
        let mut cargo = paths.cargo();
        cargo.args(["clippy", "-p", "frontend", "-p", "app", "--features", "app/hydrate", "--profile", "wasm-dev"]);
        run(cargo.args(site::wasm_args(paths)).args(["--", "-D", "warnings"]))
    })?;
    stages.run("tests", || tests(paths, None))?;
    e2e::run_journeys(paths, &e2e::Options::shipped(), stages)?;
    site::size(paths, stages)
}

/// Host tests against our own Postgres. Queries are checked offline, so the URL matters only while the tests run.
fn tests(paths: &Paths, filter: Option<&str>) -> Result<()> {
    let cluster = Cluster::dev(paths)?;
    if cluster.is_foreign() {
        stack::build_programs(paths, Profile::Debug)?;
        idle(paths, &cluster)?.migrate()?;
    }
    let runner = || {
        let mut cargo = paths.cargo();
        if has("cargo-nextest") {
            cargo.args(["nextest", "run"])
        } else {
            cargo.arg("test")
        };
        cargo
    };
    if filter.is_none() {
        run(runner().args(["-p", "xtask"]))?;
    }
    let mut product = runner();
    product.args(HOST).args(HOST_FEATURES).args(filter).envs(cluster.env()?);
    if !redis::find()? {
        eprintln!("   no redis-server: tests of shared limits are left out (apt-get install redis-server, brew install redis)");
        product.args(if has("cargo-nextest") { ["-E", "not test(rates::)"] } else { ["--", "--skip=rates::"] });
    }
    run(&mut product)
}

/// The providers' official SDKs against gremlin and our signatures; says how much each checked. Needs no database.
pub fn peers(paths: &Paths) -> Result<()> {
    npm::install_peers(paths)?;
    run(paths.cargo().args(["test", "-p", "providers", "--test", "peers", "--", "--nocapture"]))
}

/// Every verb of the engine, cut off at each of its awaits; says at how many.
pub fn crashes(paths: &Paths) -> Result<()> {
    let cluster = Cluster::dev(paths)?;
    let mut cargo = paths.cargo();
    cargo.arg("test").args(HOST).args(HOST_FEATURES).args(["--test", "crash", "--", "--nocapture"]);
    run(cargo.envs(cluster.env()?))
}

/// Calling windows against an independent oracle: a sample, or every zone. Needs `python3`, and no database.
pub fn windows(paths: &Paths, full: bool) -> Result<()> {
    let mut cargo = paths.cargo();
    cargo.args(["test", "-p", "services", "--test", "windows", "--", "--nocapture"]);
    run(cargo.env("BELFRY_WINDOWS", if full { "full" } else { "sample" }))
}

/// `belfry check` on the development database, or on the one behind the URL of a login that may become `system`.
pub fn check_ledger(paths: &Paths, url: Option<&str>) -> Result<()> {
    stack::build_programs(paths, Profile::Debug)?;
    let cluster = Cluster::dev(paths)?;
    let mut check = idle(paths, &cluster)?.belfry(&["check"])?;
    if let Some(url) = url {
        check.envs(["DATABASE_URL", "APP_DATABASE_URL", "SYSTEM_DATABASE_URL"].map(|name| (name, url)));
    }
    run(&mut check)
}

/// A stack for single commands; it is never started.
fn idle<'a>(paths: &'a Paths, cluster: &'a Cluster) -> Result<Stack<'a>> {
    Stack::scratch(paths, cluster, Profile::Debug, SPEED_DEFAULT, &paths.target.join("idle"))
}
