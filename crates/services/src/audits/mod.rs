//! The nightly audit: one day of a gateway's calls beside the provider's own list. What the provider knows better
//! goes into the call by the same door as any report; what cannot be explained is kept for people to read.

mod compare;
#[cfg(test)]
mod tests;

pub use compare::{Finding, Ours, compare};

use crate::actor::Actor;
use crate::calls;
use crate::db::{Db, SystemTx};
use crate::dialer::{Network, gateway_for_reading};
use crate::error::Result;
use crate::jobs::{self, Job};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use model::health::AuditRow;
use model::id::{CompanyId, GatewayId};
use model::time::Timestamp;
use uuid::Uuid;

/// Findings kept of one audit.
const FINDINGS_MAX: usize = 200;
/// One request covers this much of the day, so that no list is longer than a provider pages.
const SPAN: TimeDelta = TimeDelta::hours(1);

/// Compares one day of one gateway.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct AuditGateway {
    pub company: CompanyId,
    pub gateway: GatewayId,
    pub night: NaiveDate,
}

impl Job for AuditGateway {
    const QUEUE: &'static str = "audits.gateway.v1";
    const SECONDS_MAX: u64 = 900;

    fn key(&self) -> Option<String> {
        Some(format!("{}:{}", self.gateway, self.night))
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        Ok(audit(&db, &Network::shared()?, &self).await?)
    }
}

/// Every gateway that may have placed calls that day, unless it was removed. The sandbox forgets its calls when it restarts, so it is left out.
pub(crate) async fn enqueue_all(tx: &mut SystemTx, night: NaiveDate) -> Result<()> {
    let now = tx.now();
    let gateways: Vec<(CompanyId, GatewayId)> =
        sqlx::query_as("select company_id, id from gateways where not sandbox and removed_at is null")
            .fetch_all(tx.conn())
            .await?;
    for (company, gateway) in gateways {
        jobs::enqueue(tx.conn(), &AuditGateway { company, gateway, night }, now).await?;
    }
    Ok(())
}

/// Asks the provider for the day, compares, corrects and writes down. Twice gives the same.
///
/// # Errors
/// When the provider or the database is away; the job tries again.
pub async fn audit(db: &Db, network: &Network, job: &AuditGateway) -> Result<()> {
    let actor = Actor::engine(job.company);
    let mut tx = db.begin(&actor).await?;
    let gateway = gateway_for_reading(&mut tx, job.gateway).await?;
    tx.commit().await?;
    let provider = network.provider(&gateway);
    let (since, until) = day(job.night);
    let mut theirs = Vec::new();
    let mut from = since;
    while from < until {
        let some = provider.list(from, (from + SPAN).min(until)).await.map_err(anyhow::Error::from)?;
        theirs.extend(some);
        from += SPAN;
    }
    let mut tx = db.begin(&actor).await?;
    let ours: Vec<Ours> = sqlx::query_as(
        "select id, provider_call_id, phone, created_at, ended_at, outcome, talk_seconds, provider_cost_micros from calls
         where gateway_id = $1 and created_at >= $2 and created_at < $3",
    )
    .bind(job.gateway)
    .bind(since - compare::EDGE)
    .bind(until + compare::EDGE)
    .fetch_all(tx.conn())
    .await?;
    let findings = compare(&ours, &theirs, (since, until));
    let lines: Vec<String> = findings.iter().take(FINDINGS_MAX).map(ToString::to_string).collect();
    let (id, now): (Uuid, _) = (tx.id(), tx.now());
    sqlx::query(
        "insert into audits (id, gateway_id, night, audited_at, calls, findings) values ($1, $2, $3, $4, $5, $6)
         on conflict on constraint audits_once do update set audited_at = excluded.audited_at, calls = excluded.calls,
             findings = excluded.findings",
    )
    .bind(id)
    .bind(job.gateway)
    .bind(job.night)
    .bind(now)
    .bind(i64::try_from(theirs.len().max(ours.len())).unwrap_or(i64::MAX))
    .bind(lines)
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    for (call, seen) in findings.into_iter().filter_map(Finding::correction) {
        let mut tx = db.begin(&actor).await?;
        calls::absorb(&mut tx, call, calls::report_of(&seen)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The day in UTC, half open.
fn day(night: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let start = night.and_time(NaiveTime::MIN).and_utc();
    (start, start + TimeDelta::days(1))
}

#[derive(sqlx::FromRow)]
struct Stored {
    company: String,
    gateway: String,
    night: NaiveDate,
    audited_at: Timestamp,
    calls: i64,
    findings: Vec<String>,
}

/// The newest audits of all companies; who may see them is asked by the caller.
pub(crate) async fn recent(tx: &mut SystemTx, actor: &Actor, limit: i64) -> Result<Vec<AuditRow>> {
    let stored: Vec<Stored> = sqlx::query_as(
        "select c.name as company, g.name as gateway, a.night, a.audited_at, a.calls, a.findings
         from audits a join companies c on c.id = a.company_id join gateways g on g.id = a.gateway_id
         order by a.audited_at desc limit $1",
    )
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    let row = |a: Stored| AuditRow {
        company: a.company,
        gateway: a.gateway,
        night: a.night.to_string(),
        audited_at: actor.moment(a.audited_at),
        calls: a.calls,
        findings: a.findings,
    };
    Ok(stored.into_iter().map(row).collect())
}
