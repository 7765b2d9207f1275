//! One file per area of the contract. What several of them say the same way is here: moments, amounts, durations.

pub mod absent;
mod agents;
mod auth;
mod calls;
mod campaigns;
mod campaigns_form;
mod companies;
mod consents;
mod contacts;
mod credits;
mod dashboard;
mod imports;
mod keys;
mod leads;
mod orders;
mod suppressions;
mod webhooks;

use super::Api;
use super::envelope::Refusal;
use crate::limits::{self, Patience};
use axum::extract::DefaultBodyLimit;
use chrono::{Datelike, NaiveDate, SecondsFormat};
use http::StatusCode;
use model::Error;
use model::credits::Credits;
use model::time::{Moment, Timestamp};
use serde::Serialize;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

/// Every path that is there, with its description.
pub fn documented(patience: Patience) -> OpenApiRouter<Api> {
    let timeout = TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, patience.request);
    let uploads = contacts::uploads()
        .layer(DefaultBodyLimit::max(limits::UPLOAD_BYTES_MAX))
        .layer(RequestBodyTimeoutLayer::new(patience.upload_pause));
    OpenApiRouter::new()
        .merge(auth::paths())
        .merge(keys::paths())
        .merge(companies::paths())
        .merge(dashboard::paths())
        .merge(campaigns::paths())
        .merge(calls::paths())
        .merge(agents::paths())
        .merge(contacts::paths())
        .merge(consents::paths())
        .merge(leads::paths())
        .merge(orders::paths())
        .merge(suppressions::paths())
        .merge(imports::paths())
        .merge(credits::paths())
        .merge(webhooks::paths())
        .layer(timeout)
        .merge(uploads)
}

/// What something cost. Belfry counts in credits, which are minutes; there is no other currency yet.
#[derive(Serialize, ToSchema, Clone, Copy)]
pub struct Money {
    amount: f64,
    currency: Currency,
}

/// In what an amount is.
#[derive(Serialize, ToSchema, Clone, Copy)]
enum Currency {
    #[serde(rename = "CREDIT")]
    Credit,
}

impl From<Credits> for Money {
    fn from(credits: Credits) -> Self {
        Self { amount: number(credits), currency: Currency::Credit }
    }
}

/// Credits as a JSON number with at most three decimals. Nothing is reckoned with it here: sums are made in thousandths.
pub fn number(credits: Credits) -> f64 {
    credits.0 as f64 / 1_000.0
}

/// An amount of credits as a program sends it.
///
/// # Errors
/// `Invalid` for more decimals than there are, and for what is no amount.
pub fn credits(field: &str, number: f64) -> Result<Credits, Refusal> {
    // The shortest text of a number is what the program wrote.
    Credits::parse(&number.to_string()).ok_or_else(|| Error::field(field, "Use a number with at most three decimals.").into())
}

/// `2026-11-23T09:00:05Z`
pub fn instant(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `2026-11-23`, where the company is.
fn day(moment: Moment) -> String {
    moment.iso().chars().take(10).collect()
}

/// `09:15 AM`, where the company is.
fn hour(moment: Moment) -> String {
    let clock = moment.clock();
    let (hours, rest) = clock.split_once(':').unwrap_or(("0", "00"));
    let hours: u32 = hours.parse().unwrap_or(0);
    let minutes: String = rest.chars().take(2).collect();
    let half = if hours < 12 { "AM" } else { "PM" };
    let twelve = if hours.is_multiple_of(12) { 12 } else { hours % 12 };
    format!("{twelve:02}:{minutes} {half}")
}

/// `5:23`
fn duration(seconds: i64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A day as programs write it. Years beyond any calendar of ours are refused: no database keeps them.
fn date(field: &str, text: &str) -> Result<NaiveDate, Refusal> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().filter(|day| (2000..=2100).contains(&day.year()));
    day.ok_or_else(|| Error::field(field, "Write a day like 2026-11-23.").into())
}

/// Such a day, if one was sent.
fn maybe_date(field: &str, text: Option<&str>) -> Result<Option<NaiveDate>, Refusal> {
    text.filter(|text| !text.trim().is_empty()).map(|text| date(field, text)).transpose()
}

/// That something was done, and nothing to tell about it.
#[derive(Serialize, ToSchema)]
pub struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    fn at(hour: u32, minute: u32) -> Moment {
        let at = Utc.with_ymd_and_hms(2026, 11, 23, hour, minute, 0).single().expect("a moment");
        Moment { at, offset_minutes: 0 }
    }

    #[test]
    fn moments_and_spans_are_written_as_the_contract_says() {
        for (h, m, text) in [(0, 5, "12:05 AM"), (9, 15, "09:15 AM"), (12, 0, "12:00 PM"), (23, 59, "11:59 PM")] {
            assert_eq!(hour(at(h, m)), text);
        }
        assert_eq!(day(Moment { offset_minutes: 600, ..at(20, 0) }), "2026-11-24");
        assert_eq!(instant(at(9, 0).at), "2026-11-23T09:00:00Z");
        assert_eq!([0, 59, 323, 3_661].map(duration), ["0:00", "0:59", "5:23", "61:01"]);
    }

    #[test]
    fn credits_go_out_and_come_back_as_the_same_number() {
        for thousandths in [0, 1, 999, 1_000, 12_345, -5, 4_218_440, 900_000_000_007] {
            let number = number(Credits(thousandths));
            assert_eq!(credits("budget", number).ok(), Some(Credits(thousandths)), "{number}");
        }
        for bad in [0.0001, f64::NAN, f64::INFINITY, 1e300] {
            assert!(credits("budget", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_days_of_our_time() {
        assert!(date("x", "2026-02-28").is_ok());
        for bad in ["", "2026-02-30", "26-02-28", "1999-12-31", "2101-01-01", "+262000-01-01", "2026-2-1x"] {
            assert!(date("x", bad).is_err(), "{bad}");
        }
    }
}
