//! The first screen in figures: ended calls by local day, the same period before it, and what is running now.
//!
//! Reads only. What a day is comes from the company's zone; what counts as connected is one line of SQL here.

mod repo;
#[cfg(test)]
mod tests;

use crate::campaigns;
use crate::db::Tx;
use crate::error::Result;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use model::accounts::Permission;
use model::campaigns::{CampaignFilter, Status};
use model::dashboard::{Dashboard, DashboardRange, DayCalls};
use model::page::Paging;
use model::time::Timestamp;
use repo::Period;

/// Days in the chart of the total range; older calls are in the totals only.
const TOTAL_DAYS_MAX: u64 = 366;
/// Running campaigns on the first screen; the list has them all.
const RUNNING_MAX: u32 = 6;

/// The dashboard of the actor's company.
///
/// # Errors
/// `Forbidden` for roles that may not see calls.
pub async fn load(tx: &mut Tx, range: DashboardRange) -> Result<Dashboard> {
    tx.require(Permission::ViewCalls)?;
    let zone = tx.actor().zone;
    let now = tx.now();
    let today = now.with_timezone(&zone).date_naive();
    let length = match range {
        DashboardRange::Week => Some(7),
        DashboardRange::Month => Some(30),
        DashboardRange::Total => None,
    };
    let first_call = repo::first_ended(tx).await?.map(|at| at.with_timezone(&zone).date_naive());
    let first = match length {
        Some(days) => back(today, days - 1),
        None => first_call.unwrap_or(today),
    };
    let period = Period { from: midnight(zone, first), to: midnight(zone, next(today)) };
    let chart_from = first.max(back(today, TOTAL_DAYS_MAX - 1));
    let by_day = repo::days(tx, Period { from: midnight(zone, chart_from), ..period }, zone).await?;
    let totals = repo::totals(tx, period).await?;
    let before = match length {
        Some(days) => Some(repo::totals(tx, Period { from: midnight(zone, back(first, days)), to: period.from }).await?),
        None => None,
    };
    let counts = repo::counts(tx).await?;
    let running =
        CampaignFilter { status: Some(Status::Active), paging: Paging::new(1, RUNNING_MAX), ..CampaignFilter::default() };
    Ok(Dashboard {
        range,
        scope: scope(range, first, today, first_call.is_some()),
        totals,
        before,
        days: fill(chart_from, today, by_day),
        running: campaigns::list(tx, &running).await?.items,
        live_calls: counts.live_calls,
        queued: (counts.unfinished - counts.calling).max(0),
        contacts: counts.contacts,
        agents: counts.agents,
        campaigns: counts.campaigns,
    })
}

fn scope(range: DashboardRange, first: NaiveDate, today: NaiveDate, any: bool) -> String {
    match range {
        DashboardRange::Total if any => format!("since {}", first.format("%-d %b %Y")),
        DashboardRange::Total => "since the beginning".to_owned(),
        _ => format!("from {} to {}", first.format("%-d %b"), today.format("%-d %b")),
    }
}

/// Every day from `first` to `last`, with zeros where nothing ended.
fn fill(first: NaiveDate, last: NaiveDate, rows: Vec<repo::DayRow>) -> Vec<DayCalls> {
    let mut rows = rows.into_iter().peekable();
    first
        .iter_days()
        .take_while(|day| *day <= last)
        .map(|day| rows.next_if(|row| row.day == day).unwrap_or_else(|| repo::DayRow::empty(day)).into_day())
        .collect()
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

fn next(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(NaiveDate::MAX)
}

/// The instant a local day begins: the earlier one when the clock strikes twelve twice, the first that exists when never.
fn midnight(zone: Tz, day: NaiveDate) -> Timestamp {
    let wall = day.and_time(NaiveTime::MIN);
    let local = zone.from_local_datetime(&wall).earliest();
    let after_gap = || zone.from_local_datetime(&(wall + chrono::TimeDelta::hours(1))).earliest();
    local.or_else(after_gap).map_or_else(|| wall.and_utc(), |at: DateTime<Tz>| at.with_timezone(&Utc))
}
