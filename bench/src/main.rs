//! `bench`: load generators that measure Belfry against something known, in one run on one machine. Started by
//! `cargo xtask bench`, which gives it a Postgres that is as durable as in production.

mod backlog;
mod callback;
mod disk;
mod dispatch;
mod due;
mod fill;
mod hammer;
mod import;
mod ledger;
mod login;
mod measure;
mod webhooks;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use services::check;
use services::testing::World;

#[derive(Parser)]
#[command(name = "bench", about = "Measure Belfry")]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Reserve + settle pairs of one company, against a durable one-row UPDATE
    Ledger(ledger::Options),
    /// Signed callbacks, acknowledged after a durable commit, against web frameworks and the bare insert
    Callback(callback::Options),
    /// Callbacks while many people sign in at once
    LoginFlood(login::Options),
    /// Claim and complete from a backlog, against job queues
    Dispatch(dispatch::Options),
    /// From due to the request, with many campaigns and a large backlog
    DueToDial(due::Options),
    /// How full the lines are while people wait
    Fill(fill::Options),
    /// A file of contacts to its last row, and a workbook to its last cell
    Import(import::Options),
    /// From a commit to a customer's endpoint, and what one dead endpoint does to the others
    Webhooks(webhooks::Options),
}

fn main() -> Result<()> {
    // Before anything could want TLS. An error would only say that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        match args.what {
            What::Ledger(options) => ledger::run(options).await,
            What::Callback(options) => callback::run(options).await,
            What::LoginFlood(options) => login::run(options).await,
            What::Dispatch(options) => dispatch::run_bench(options).await,
            What::DueToDial(options) => due::run_bench(options).await,
            What::Fill(options) => fill::run_bench(options).await,
            What::Import(options) => import::run(options).await,
            What::Webhooks(options) => webhooks::run(options).await,
        }
    })
}

/// The truth after the load: no invariant is violated.
async fn check_clean(world: &World) -> Result<()> {
    let report = check::run(&world.db).await?;
    ensure!(report.violations.is_empty(), "the checker is not satisfied: {:?}", report.violations);
    Ok(())
}
