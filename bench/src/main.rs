//! `bench`: load generators that measure Belfry against something known, in one run on one machine. Started by
//! `cargo xtask bench`, which gives it a Postgres that is as durable as in production.

mod disk;
mod ledger;

use anyhow::Result;
use clap::{Parser, Subcommand};

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
}

fn main() -> Result<()> {
    let args = Args::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        match args.what {
            What::Ledger(options) => ledger::run(options).await,
        }
    })
}
