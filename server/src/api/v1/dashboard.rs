//! The figures of a period.

use super::{date, duration, maybe_date, number};
use crate::api::Api;
use crate::api::door::{Asked, Who};
use crate::api::envelope::{Answer, Done, Refusal, done};
use chrono::{Days, NaiveDate};
use model::Error;
use model::credits::{Credits, thousands};
use serde::{Deserialize, Serialize};
use services::Tx;
use services::dashboard::{self, Figures};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(metrics))
        .routes(routes!(dispositions))
        .routes(routes!(cost_allocation))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Range {
    /// `total`, `weekly`, `monthly` or `custom`.
    range: Option<String>,
    /// For `custom`: the first day, included.
    start_date: Option<String>,
    /// For `custom`: the last day, included.
    end_date: Option<String>,
}

impl Range {
    /// First and last local day.
    async fn days(&self, tx: &mut Tx) -> Result<(Option<NaiveDate>, Option<NaiveDate>), Refusal> {
        let back = |days: u64| {
            let today = tx.moment(tx.now()).iso().chars().take(10).collect::<String>();
            date("range", &today).map(|today| today.checked_sub_days(Days::new(days)))
        };
        Ok(match self.range.as_deref().unwrap_or("total") {
            "total" => (None, None),
            "weekly" => (back(6)?, None),
            "monthly" => (back(29)?, None),
            "custom" => {
                let first = date("startDate", self.start_date.as_deref().unwrap_or_default())?;
                let last = maybe_date("endDate", self.end_date.as_deref())?;
                if last.is_some_and(|last| last < first) {
                    return Err(Error::field("endDate", "End after the start.").into());
                }
                (Some(first), last)
            }
            _ => return Err(Error::field("range", "Choose one of: total, weekly, monthly, custom.").into()),
        })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Overview {
    inbound_calls: String,
    inbound_minutes: String,
    /// `mm:ss`
    avg_call_time: String,
    total_spend: String,
    positive_dispositions: String,
    avg_cost_per_disposition: String,
    raw: Raw,
}

/// The same as numbers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Raw {
    inbound_calls: i64,
    /// Started minutes.
    inbound_minutes: i64,
    /// Seconds, over calls that a person answered.
    avg_call_time: i64,
    total_spend: f64,
    positive_dispositions: i64,
    avg_cost_per_disposition: f64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    inbound_calls: i64,
    outbound_calls: i64,
    connected_calls: i64,
    inbound_minutes: i64,
    outbound_minutes: i64,
    total_spend: f64,
}

#[derive(Serialize, ToSchema)]
struct Dispositions {
    positive: Disposition,
    neutral: Disposition,
    negative: Disposition,
}

#[derive(Serialize, ToSchema)]
struct Disposition {
    /// Of all calls that were judged.
    percentage: f64,
    /// Against the period before, like `+4.1%`; `+0.0%` without one.
    trend: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Allocation {
    inbound_minutes: Share,
    outbound_minutes: Share,
    ai_training: Share,
    infrastructure: Share,
}

#[derive(Serialize, ToSchema)]
struct Share {
    amount: f64,
    /// Percent of all.
    share: f64,
}

fn minutes(seconds: i64) -> i64 {
    (seconds + 59) / 60
}

/// `10 · part / whole` percent with one decimal, rounded down.
fn percent(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (part * 1_000 / whole) as f64 / 10.0 }
}

fn spent(figures: &Figures) -> Credits {
    figures.inbound_spent + figures.outbound_spent
}

async fn figures(who: &Who, range: &Range) -> Result<(Figures, Option<Figures>), Refusal> {
    let mut tx = who.begin().await?;
    let (first, last) = range.days(&mut tx).await?;
    Ok(dashboard::figures(&mut tx, first, last).await?)
}

/// The first screen
#[utoipa::path(get, path = "/dashboard/overview", operation_id = "overview", tag = "dashboard", params(Range),
    responses((status = 200, body = Done<Overview>)))]
async fn overview(who: Who, Asked(range): Asked<Range>) -> Answer {
    let (f, _) = figures(&who, &range).await?;
    let average = (f.inbound_seconds + f.outbound_seconds) / f.connected.max(1);
    let per = Credits(spent(&f).0 / f.positive.max(1));
    let raw = Raw {
        inbound_calls: f.inbound_calls,
        inbound_minutes: minutes(f.inbound_seconds),
        avg_call_time: average,
        total_spend: number(spent(&f)),
        positive_dispositions: f.positive,
        avg_cost_per_disposition: number(per),
    };
    let overview = Overview {
        inbound_calls: thousands(raw.inbound_calls),
        inbound_minutes: thousands(raw.inbound_minutes),
        avg_call_time: format!("{:0>5}", duration(average)),
        total_spend: spent(&f).to_string(),
        positive_dispositions: thousands(f.positive),
        avg_cost_per_disposition: per.to_string(),
        raw,
    };
    done(overview, "OK")
}

/// Calls, minutes and spend
#[utoipa::path(get, path = "/dashboard/metrics", operation_id = "metrics", tag = "dashboard", params(Range),
    responses((status = 200, body = Done<Metrics>)))]
async fn metrics(who: Who, Asked(range): Asked<Range>) -> Answer {
    let (f, _) = figures(&who, &range).await?;
    let metrics = Metrics {
        inbound_calls: f.inbound_calls,
        outbound_calls: f.outbound_calls,
        connected_calls: f.connected,
        inbound_minutes: minutes(f.inbound_seconds),
        outbound_minutes: minutes(f.outbound_seconds),
        total_spend: number(spent(&f)),
    };
    done(metrics, "OK")
}

/// How people took the calls
#[utoipa::path(get, path = "/dashboard/dispositions", operation_id = "dispositions", tag = "dashboard", params(Range),
    responses((status = 200, body = Done<Dispositions>)))]
async fn dispositions(who: Who, Asked(range): Asked<Range>) -> Answer {
    let (now, before) = figures(&who, &range).await?;
    let all = |f: &Figures| f.positive + f.neutral + f.negative;
    let of = |count: fn(&Figures) -> i64| {
        let percentage = percent(count(&now), all(&now));
        let trend = before.as_ref().map_or(0.0, |b| percentage - percent(count(b), all(b)));
        Disposition { percentage, trend: format!("{trend:+.1}%") }
    };
    done(Dispositions { positive: of(|f| f.positive), neutral: of(|f| f.neutral), negative: of(|f| f.negative) }, "OK")
}

/// What the spend went into
///
/// Belfry bills minutes only: training and infrastructure are part of them, and zero here.
#[utoipa::path(get, path = "/dashboard/cost-allocation", operation_id = "costAllocation", tag = "dashboard", params(Range),
    responses((status = 200, body = Done<Allocation>)))]
async fn cost_allocation(who: Who, Asked(range): Asked<Range>) -> Answer {
    let (f, _) = figures(&who, &range).await?;
    let share = |part: Credits| Share { amount: number(part), share: percent(part.0, spent(&f).0) };
    let allocation = Allocation {
        inbound_minutes: share(f.inbound_spent),
        outbound_minutes: share(f.outbound_spent),
        ai_training: share(Credits::ZERO),
        infrastructure: share(Credits::ZERO),
    };
    done(allocation, "OK")
}
