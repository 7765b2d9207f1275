//! `cargo xtask …`: everything a developer or CI runs, with nothing installed but rustup, a C compiler and Node.
//! This file is the list of commands; each lives in the file of its name.

mod npm;
mod postgres;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use tools::Paths;

/// Build, run and test Belfry.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Do,
}

#[derive(Subcommand)]
enum Do {
    /// Only Postgres: start it, stop it, or print how to reach it
    Db {
        #[arg(default_value = "start")]
        action: Db,
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

fn main() -> ExitCode {
    match Paths::find().and_then(|paths| run(&paths, Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(paths: &Paths, command: Do) -> Result<()> {
    match command {
        Do::Db { action } => db(paths, action),
    }
}

fn db(paths: &Paths, action: Db) -> Result<()> {
    let mut cluster = postgres::Cluster::dev(paths)?;
    cluster.leave_running();
    match action {
        Db::Start => eprintln!("{} is running: {}", cluster.describe(), cluster.url("belfry_owner", "belfry")?),
        Db::Stop => cluster.stop()?,
        Db::Url => println!("{}", cluster.url("belfry_owner", "belfry")?),
        Db::Env => {
            for (name, value) in cluster.env("belfry")? {
                println!("export {name}='{value}'");
            }
        }
    }
    Ok(())
}
