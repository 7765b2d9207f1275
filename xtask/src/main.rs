//! `cargo xtask …`: everything a developer or CI runs, with nothing installed but rustup, a C compiler and Node.
//! This file is the list of commands; each lives in the file of its name.

mod bench;
mod canary;
mod children;
mod ci;
mod conformance;
mod coverage;
mod e2e;
mod fence;
mod npm;
mod pip;
mod postgres;
mod redis;
mod run;
mod signals;
mod simulate;
mod site;
mod stack;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use tools::{Paths, Stages};

/// Build, run and test Belfry.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Do,
}

#[derive(Subcommand)]
enum Do {
    /// Build and start everything: Postgres, the sandbox network, the server with its worker, demo data
    Run(run::Options),
    /// The same, rebuilt and restarted after every change
    Dev(run::Options),
    /// Only Postgres: start it, stop it, or print how to reach it
    Db {
        #[arg(default_value = "start")]
        action: Db,
    },
    /// All tests: host, wasm fence, browser journeys
    Test(ci::Options),
    /// What CI runs: format, clippy twice, tests, fences, journeys, sizes
    Ci,
    /// Browser journeys against the real programs and a database of their own
    E2e(e2e::Options),
    /// Which branches of the engine no test takes; needs cargo-llvm-cov
    Coverage,
    /// Kill the worker ten times during a campaign and count what really rang
    Kills,
    /// Two workers, Postgres and the network in every trouble we can make, and after each the invariants and what really rang
    Chaos(e2e::Chaos),
    /// Whole campaign-days on a virtual clock, by seed, with every fault we can think of
    Simulate(simulate::Options),
    /// One provider's adapter: against gremlin, or with --live against the real account whose keys are in the environment
    Conformance(conformance::Options),
    /// The invariant checker, on the development database or on another
    CheckLedger {
        #[arg(long)]
        url: Option<String>,
    },
    /// Build the release frontend and print what a visitor downloads
    Size,
    /// The providers' official SDKs as second clients and judges of signatures, and what customers verify our messages with
    Peers,
    /// Compare what reaches the browser with frontend/wasm-deps.txt
    Fence {
        /// Write the list instead
        #[arg(long)]
        accept: bool,
    },
    /// Calling windows against Python's clock, minute by minute
    Windows {
        /// Every IANA zone instead of a dozen difficult ones
        #[arg(long)]
        full: bool,
    },
    /// Measure the release build
    Bench {
        what: Bench,
        /// Print the figures as one JSON object
        #[arg(long)]
        json: bool,
        /// Options of the load generator: rounds, seconds and the like
        #[arg(last = true)]
        more: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Db {
    /// Start and leave running
    Start,
    Stop,
    /// The owner's URL, for tests (starts the server if needed)
    Url,
    /// All variables, as shell exports
    Env,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// Memory of an idle server with its worker
    Footprint,
    /// Credits of one hot company: reserve + settle pairs against a durable one-row UPDATE
    Ledger,
    /// Signed callbacks, acknowledged after a durable commit, against Fastify, Express, FastAPI and pgbench
    Callback,
    /// Callbacks alone, and while 64 people sign in at once
    LoginFlood,
    /// Claim and complete, durably, against graphile-worker, BullMQ and SKIP LOCKED
    Dispatch,
    /// From due to the request, with 10,000 campaigns and 10 million people in them
    DueToDial,
    /// How full 1,000 lines are while people wait
    Fill,
    /// A file of a million rows against COPY and papaparse + pg; a workbook against SheetJS and openpyxl
    Import,
    /// From a commit to a customer's endpoint, and what one dead endpoint does to the others
    Webhooks,
    /// What pages weigh, how a browser takes them and what they cost the server, against Next.js
    Pages,
    /// From `kill -9` of the only worker to the next request; the same as `kills`
    Recover,
}

fn main() -> ExitCode {
    match Paths::find().and_then(|paths| obey(&paths, Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(paths: &Paths, command: Do) -> Result<()> {
    signals::watch()?;
    match command {
        Do::Run(options) => run::run(paths, &options),
        Do::Dev(options) => run::dev(paths, &options),
        Do::Db { action } => db(paths, action),
        Do::Test(options) => ci::test(paths, &options),
        Do::Ci => ci::ci(paths),
        Do::Peers => ci::peers(paths),
        Do::Coverage => coverage::coverage(paths),
        Do::E2e(options) => timed(|stages| e2e::run_journeys(paths, &options, stages)),
        Do::Kills => timed(|stages| e2e::run_kills(paths, stages)),
        Do::Chaos(options) => timed(|stages| e2e::run_chaos(paths, &options, stages)),
        Do::Simulate(options) => simulate::simulate(paths, &options),
        Do::Conformance(options) => conformance::conformance(paths, &options),
        Do::CheckLedger { url } => ci::check_ledger(paths, url.as_deref()),
        Do::Size => timed(|stages| site::size(paths, stages)),
        Do::Fence { accept } => fence::check(paths, accept),
        Do::Windows { full } => ci::windows(paths, full),
        Do::Bench { what: Bench::Footprint, .. } => bench::footprint(paths),
        Do::Bench { what: Bench::Ledger, json, more } => bench::alone(paths, "ledger", json, &more),
        Do::Bench { what: Bench::Callback, json, more } => bench::callback(paths, json, &more),
        Do::Bench { what: Bench::LoginFlood, json, more } => bench::login_flood(paths, json, &more),
        Do::Bench { what: Bench::Dispatch, json, more } => bench::dispatch(paths, json, &more),
        Do::Bench { what: Bench::DueToDial, json, more } => bench::alone(paths, "due-to-dial", json, &more),
        Do::Bench { what: Bench::Import, json, more } => bench::import(paths, json, &more),
        Do::Bench { what: Bench::Webhooks, json, more } => bench::alone(paths, "webhooks", json, &more),
        Do::Bench { what: Bench::Pages, json, more } => bench::pages(paths, json, &more),
        Do::Bench { what: Bench::Recover, .. } => timed(|stages| e2e::run_kills(paths, stages)),
        Do::Bench { what: Bench::Fill, json, more } => bench::alone(paths, "fill", json, &more),
    }
}

/// Prints the stages, whatever came of them.
fn timed(work: impl FnOnce(&mut Stages) -> Result<()>) -> Result<()> {
    let mut stages = Stages::new();
    let result = work(&mut stages);
    stages.print();
    result
}

fn db(paths: &Paths, action: Db) -> Result<()> {
    if matches!(action, Db::Stop) {
        return postgres::stop(paths);
    }
    let mut cluster = postgres::Cluster::dev(paths)?;
    cluster.leave_running();
    match action {
        Db::Start => eprintln!("{} is running: {}", cluster.describe(), cluster.url("belfry_owner")?),
        Db::Url => println!("{}", cluster.url("belfry_owner")?),
        Db::Env => {
            for (name, value) in cluster.env()? {
                println!("export {name}='{value}'");
            }
        }
        Db::Stop => {}
    }
    Ok(())
}
