//! Companies with many people to call, and a network that answers as a bench wants. What limits a company on purpose (slots,
//! calls per second, credits) is opened wide, so that what is measured is the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::TimeDelta;
use model::campaigns::Action;
use model::credits::Credits;
use services::testing::{Someone, World};
use services::{Clock, campaigns, credits};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::measure::owner;

/// No company runs out.
const FUND: Credits = Credits::whole(100_000_000);

/// A company whose launched campaign has so many people, all due.
pub async fn employer(world: &World, name: &str, people: usize) -> Result<Someone> {
    let someone = world.company(name).await;
    credits::adjust_at_console(&world.db, someone.company, FUND, "Load test").await?;
    let campaign = world.drafted(&someone, 0, |_| {}).await;
    let mut c = owner(world)?.connect().await?;
    // The range of 212 numbers, in New York, from 1000000 on.
    sqlx::query(
        "insert into contacts (company_id, id, name, phone, phone_raw, created_at, updated_at)
         select $1, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Person ' || n, '+1212' || (1000000 + n),
                '+1212' || (1000000 + n), $3, $3 from generate_series(1, $2) n",
    )
    .bind(someone.company)
    .bind(i64::try_from(people)?)
    .bind(world.clock.now())
    .execute(&mut c)
    .await?;
    let mut tx = world.tx(&someone).await;
    campaigns::act(&mut tx, campaign, Action::Launch).await?;
    tx.commit().await?;
    Ok(someone)
}

/// Opens every limit, and lets Postgres look at what there is.
pub async fn open_wide(world: &World, slots: i32) -> Result<PgConnection> {
    let mut c = owner(world)?.connect().await?;
    sqlx::raw_sql("alter table gateways drop constraint gateways_rate").execute(&mut c).await?;
    run(&mut c, "update gateways set calls_per_second = 1000000, tokens_milli = 1000000000".to_owned()).await?;
    run(&mut c, format!("update capacity set cap = {slots}")).await?;
    run(&mut c, "vacuum analyze".to_owned()).await?;
    Ok(c)
}

/// One statement of a bench.
pub async fn run(c: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(c).await?;
    Ok(())
}

/// Moves a manual clock as real time passes, so many times as fast, until the guard is dropped.
pub fn let_time_pass(clock: &Clock, speed: f64) -> DropGuard {
    let (clock, stop) = (clock.clone(), CancellationToken::new());
    let (started, from, stopped) = (Instant::now(), clock.now(), stop.clone());
    std::thread::spawn(move || {
        while !stopped.is_cancelled() {
            let passed = started.elapsed().as_secs_f64() * speed;
            clock.set(from + TimeDelta::nanoseconds((passed * 1e9) as i64));
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    stop.drop_guard()
}

/// A network of one script.
pub fn network(script: Arc<impl providers::scripted::Script + 'static>) -> services::dialer::Network {
    services::dialer::Network::scripted(script)
}
