//! `belfry`: one program, one command per task. Each reads its configuration from the environment only.

// A view is one type as deep as its markup.
#![recursion_limit = "512"]

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use model::credits::{Credits, Increment};
use model::id::CompanyId;
use services::config::need;
use services::secrets::Lost;
use services::{Config, Db, db};
use std::future::Future;
use std::io::IsTerminal;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

const LOG_DEFAULT: &str = "info,sqlx=warn,apalis=warn";

#[derive(Parser)]
#[command(name = "belfry", version, about = "AI voice phone campaigns")]
struct Args {
    /// Log one JSON object per line
    #[arg(long, global = true)]
    json_logs: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer requests, with the worker in the same process
    Serve {
        /// Leave dialing and jobs to separate `belfry worker` processes
        #[arg(long)]
        no_worker: bool,
    },
    /// Dial and run jobs, without answering requests
    Worker,
    /// Make roles and database when ADMIN_DATABASE_URL is set, then bring the schema up to date
    Migrate,
    /// Write demo companies and print their logins
    Seed,
    /// Add credits to a company, or take some away (a negative amount); the reason is kept in its ledger
    Adjust {
        /// The company's id, like com_…
        company: CompanyId,
        /// Credits, with up to three decimals
        #[arg(allow_hyphen_values = true, value_parser = credits)]
        credits: Credits,
        #[arg(long)]
        reason: String,
    },
    /// Set how a company's seconds of talk are rounded up: 60/60, 30/6, 15/15, 6/6 or 1/1
    Increment { company: CompanyId, increment: Increment },
    /// Seal every secret under today's SECRET_KEY; SECRET_KEY_OLD opens those of before
    Reseal {
        /// Replace gateway keys that neither opens by ones that nobody knows, so that they are typed in again
        #[arg(long)]
        lost: bool,
    },
    /// Look for violated invariants; fails when there are any
    Check,
}

fn main() -> anyhow::Result<()> {
    // Before anything could want TLS. An error would only say that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::parse();
    log(args.json_logs);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(args.command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve { no_worker } => serve(!no_worker).await,
        Command::Worker => {
            let (db, stop) = (connect()?, on_signal()?);
            reseal(&db, Lost::Refuse).await?;
            worker::run(db.clone(), stop).await?;
            db.close().await;
            Ok(())
        }
        Command::Migrate => migrate().await,
        Command::Seed => {
            let db = connect()?;
            println!("{}", services::seed::run(&db).await?);
            Ok(())
        }
        Command::Adjust { company, credits, reason } => {
            let wallet = services::credits::adjust_at_console(&connect()?, company, credits, &reason).await.map_err(told)?;
            println!("{company} has {} credits available", wallet.available);
            Ok(())
        }
        Command::Increment { company, increment } => {
            services::credits::set_increment(&connect()?, company, increment).await.map_err(told)?;
            println!("calls of {company} are billed {increment} from the next dial on");
            Ok(())
        }
        Command::Reseal { lost } => {
            let done = reseal(&connect()?, if lost { Lost::Replace } else { Lost::Refuse }).await?;
            println!("{done} secrets sealed anew; everything is sealed under SECRET_KEY");
            Ok(())
        }
        Command::Check => check().await,
    }
}

async fn serve(with_worker: bool) -> anyhow::Result<()> {
    let (db, stop) = (connect()?, on_signal()?);
    reseal(&db, Lost::Refuse).await?;
    let options = server::leptos_options(db.config())?;
    let addr: SocketAddr = options.site_addr;
    let listener = TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr}"))?;
    tracing::info!(%addr, url = db.config().public_url, with_worker, "serving");
    let work = async { if with_worker { together(worker::run(db.clone(), stop.clone()), &stop).await } else { Ok(()) } };
    let serving = async {
        server::serve(db.clone(), options, listener, stop.clone(), server::Patience::default()).await;
        Ok(())
    };
    let serving = together(serving, &stop);
    // The first callback need not wait for a sign-in; where this fails, it does.
    let warming = async {
        if let Err(error) = services::inbox::warm(&db).await {
            tracing::warn!(%error, "not signed in ahead of the first callback");
        }
    };
    let (worked, served, ()) = tokio::join!(work, serving, warming);
    db.close().await;
    worked.context("worker")?;
    served
}

/// When one part of the process ends, for whatever reason, the others are told to stop too.
async fn together(part: impl Future<Output = anyhow::Result<()>>, stop: &CancellationToken) -> anyhow::Result<()> {
    let _tell = stop.clone().drop_guard();
    part.await
}

async fn migrate() -> anyhow::Result<()> {
    let url = need("DATABASE_URL")?;
    if let Ok(admin) = need("ADMIN_DATABASE_URL") {
        let password = need("BELFRY_DB_PASSWORD")?.into();
        db::cluster(&admin, database_of(&url)?, &password).await.context("cluster step")?;
    }
    db::migrate(&url).await?;
    services::agents::install_templates(&connect()?).await.context("templates")?;
    tracing::info!("the schema is up to date");
    Ok(())
}

/// Before anything else: who starts under a key that does not open what is there would refuse every callback.
async fn reseal(db: &Db, lost: Lost) -> anyhow::Result<usize> {
    let done = services::secrets::reseal(db, lost).await?;
    if done > 0 {
        tracing::info!(done, "secrets sealed anew");
    }
    Ok(done)
}

async fn check() -> anyhow::Result<()> {
    let report = services::check::run(&connect()?).await?;
    for violation in &report.violations {
        println!("{violation}");
    }
    match report.violations.len() {
        0 => println!("all invariants hold"),
        n => bail!("{n} violations"),
    }
    Ok(())
}

fn credits(text: &str) -> Result<Credits, &'static str> {
    Credits::parse(text).ok_or("write credits like 12, 12.5 or -0.125")
}

/// What a person at the console should read: the words meant for people, without the inside.
fn told(error: services::Error) -> anyhow::Error {
    model::Error::from(error).into()
}

fn connect() -> anyhow::Result<Db> {
    Db::from_config(Config::from_env()?)
}

/// The path of a Postgres URL.
fn database_of(url: &str) -> anyhow::Result<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split_once('/').map(|(_, path)| path.split(['?', '#']).next().unwrap_or(path));
    path.filter(|name| !name.is_empty()).context("DATABASE_URL names no database")
}

fn log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_DEFAULT));
    let ansi = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    if json { builder.json().init() } else { builder.compact().init() }
}

/// A token that is cancelled by SIGTERM or SIGINT. A second signal ends the process at once.
fn on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = stop.clone();
    #[expect(clippy::disallowed_methods, reason = "waits for signals as long as the process lives")]
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        };
        next().await;
        tracing::info!("stopping");
        told.cancel();
        next().await;
        std::process::exit(130);
    });
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_the_path_of_its_url() {
        for url in ["postgres://u:p@h:5432/belfry", "postgres://u@h/belfry?sslmode=disable"] {
            assert_eq!(database_of(url).expect("a name"), "belfry");
        }
        assert!(database_of("postgres://u@h").is_err());
        assert!(database_of("postgres://u@h/").is_err());
    }
}
