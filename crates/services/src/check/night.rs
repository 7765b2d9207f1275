//! The checker at night and by hand, and what it found: kept for the platform's own people.

use super::{Report, run};
use crate::actor::{Actor, SystemTask};
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::{agents, audits, gateways, mails, notices, recordings, retention, speech, webhooks};
use chrono::{Days, TimeDelta, Timelike};
use model::accounts::Permission;
use model::health::{CheckRow, Health};
use model::time::Timestamp;
use uuid::Uuid;

/// The night's work begins at this hour, UTC.
const HOUR: u32 = 3;
/// A run that is not finished after this lost its worker; another begins anew.
const LOST: TimeDelta = TimeDelta::minutes(30);
/// Reports are kept this long.
const KEPT: Days = Days::new(90);
/// Mails are kept this long, and jobs that were given up, mails among them.
const LETTERS_KEPT: Days = Days::new(30);
/// Reports shown.
const SHOWN_MAX: i64 = 30;
/// Violations kept of one run.
const VIOLATIONS_MAX: usize = 200;

/// Does the night's work once per night, whatever number of workers asks: enqueues the provider audits of the
/// day before and the copies that failed, and checks every invariant. `false` when there is nothing to do.
///
/// # Errors
/// When the database is away; then another worker, or this one later, begins anew.
pub async fn nightly(db: &Db) -> Result<bool> {
    let mut tx = db.begin_system(SystemTask::Check).await?;
    let now = tx.now();
    if now.hour() < HOUR {
        return Ok(false);
    }
    let (id, night): (Uuid, _) = (tx.id(), now.date_naive());
    let mine: Option<Uuid> = sqlx::query_scalar(
        "insert into checks (id, night, who, started_at) values ($1, $2, 'Belfry', $3)
         on conflict on constraint checks_once_a_night do update set started_at = excluded.started_at
             where checks.finished_at is null and checks.started_at < $4
         returning id",
    )
    .bind(id)
    .bind(night)
    .bind(now)
    .bind(now - LOST)
    .fetch_optional(tx.conn())
    .await?;
    let Some(id) = mine else { return Ok(false) };
    if let Some(day) = night.checked_sub_days(Days::new(1)) {
        audits::enqueue_all(&mut tx, day).await?;
    }
    recordings::retry_all(&mut tx).await?;
    gateways::forget_keys(&mut tx).await?;
    webhooks::forget(&mut tx).await?;
    sqlx::query("delete from checks where started_at < $1").bind(now - KEPT).execute(tx.conn()).await?;
    sqlx::query("delete from dead_jobs where died_at < $1").bind(now - LETTERS_KEPT).execute(tx.conn()).await?;
    mails::delete_old(&mut tx, now - LETTERS_KEPT).await?;
    notices::delete_old(&mut tx, now - LETTERS_KEPT).await?;
    tx.commit().await?;
    // First what the night is for; the rest asks providers, which takes as long as they take.
    finish(db, id).await?;
    if let Err(error) = speech::forget(db).await {
        tracing::warn!(%error, "what was spoken long ago stays");
    }
    if let Err(error) = retention::obey(db).await {
        tracing::warn!(%error, "what is too old to be kept stays until the next night");
    }
    agents::kept::compare_all(db).await?;
    Ok(true)
}

/// Checks now, for a person.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`.
pub async fn now(db: &Db, actor: &Actor) -> Result<Report> {
    let mut tx = admin(db, actor).await?;
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    sqlx::query("insert into checks (id, who, started_at) values ($1, $2, $3)")
        .bind(id)
        .bind(actor.name())
        .bind(now)
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    finish(db, id).await
}

async fn finish(db: &Db, id: Uuid) -> Result<Report> {
    let report = run(db).await?;
    for violation in &report.violations {
        tracing::error!(violation, "an invariant does not hold");
    }
    let mut tx = db.begin_system(SystemTask::Check).await?;
    let now = tx.now();
    sqlx::query("update checks set finished_at = $2, companies = $3, movements = $4, calls = $5, violations = $6 where id = $1")
        .bind(id)
        .bind(now)
        .bind(report.companies)
        .bind(report.movements)
        .bind(report.calls)
        .bind(&report.violations[..report.violations.len().min(VIOLATIONS_MAX)])
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(report)
}

async fn admin(db: &Db, actor: &Actor) -> Result<SystemTx> {
    if !actor.may(Permission::AdminPlatform) {
        let permission = Permission::AdminPlatform.as_str().to_owned();
        return Err(model::Error::Forbidden { permission }.into());
    }
    db.begin_system(SystemTask::Admin).await
}

#[derive(sqlx::FromRow)]
struct Stored {
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    who: String,
    companies: i64,
    movements: i64,
    calls: i64,
    violations: Vec<String>,
}

/// The newest reports of all kinds.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`.
pub async fn health(db: &Db, actor: &Actor) -> Result<Health> {
    let mut tx = admin(db, actor).await?;
    let stored: Vec<Stored> = sqlx::query_as(
        "select started_at, finished_at, who, companies, movements, calls, violations from checks order by started_at desc limit $1",
    )
    .bind(SHOWN_MAX)
    .fetch_all(tx.conn())
    .await?;
    let checks = stored
        .into_iter()
        .map(|c| CheckRow {
            started_at: actor.moment(c.started_at),
            seconds: c.finished_at.map(|end| (end - c.started_at).num_seconds()),
            who: c.who,
            companies: c.companies,
            movements: c.movements,
            calls: c.calls,
            violations: c.violations,
        })
        .collect();
    let audits = audits::recent(&mut tx, actor, SHOWN_MAX).await?;
    let dead_jobs = sqlx::query_as("select queue, error from dead_jobs order by died_at desc limit $1")
        .bind(SHOWN_MAX)
        .fetch_all(tx.conn())
        .await?;
    Ok(Health { checks, audits, dead_jobs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use model::accounts::Role;

    #[tokio::test]
    async fn the_nights_work_is_done_once_and_begun_anew_when_its_worker_died() {
        let w = World::new().await;
        let acme = w.company("acme").await;
        let root = w.member(&acme, Role::SuperAdmin).await;
        w.clock.set("2026-11-24T02:59:00Z".parse().expect("a moment"));
        assert!(!nightly(&w.db).await.expect("asked"), "too early");
        w.clock.set("2026-11-24T03:00:00Z".parse().expect("a moment"));
        assert!(nightly(&w.db).await.expect("asked"));
        assert!(!nightly(&w.db).await.expect("asked"), "done");
        let mut tx = w.db.begin_system(SystemTask::Check).await.expect("begin");
        sqlx::query("update checks set finished_at = null").execute(tx.conn()).await.expect("died");
        tx.commit().await.expect("commit");
        w.clock.advance(TimeDelta::minutes(29));
        assert!(!nightly(&w.db).await.expect("asked"), "it may still be at work");
        w.clock.advance(TimeDelta::minutes(2));
        assert!(nightly(&w.db).await.expect("asked"));
        let health = health(&w.db, &root).await.expect("health");
        assert_eq!(health.checks.len(), 1);
        assert_eq!((health.checks[0].companies, health.checks[0].violations.len()), (1, 0));
    }

    #[tokio::test]
    async fn only_a_super_admin_sees_and_starts_it() {
        let w = World::new().await;
        let acme = w.company("acme").await;
        for refused in [health(&w.db, &acme.actor).await.err(), now(&w.db, &acme.actor).await.err()] {
            assert!(matches!(refused, Some(crate::Error::Told(model::Error::Forbidden { .. }))), "{refused:?}");
        }
        let root = w.member(&acme, Role::SuperAdmin).await;
        let mut tx = w.tx(&acme).await;
        sqlx::query("update balances set amount = amount + 1").execute(tx.conn()).await.expect("forged");
        tx.commit().await.expect("commit");
        assert_eq!(now(&w.db, &root).await.expect("checked").violations.len(), 2);
        let seen = health(&w.db, &root).await.expect("health");
        assert_eq!((seen.checks[0].who.as_str(), seen.checks[0].violations.len()), ("Super admin", 2));
    }
}
