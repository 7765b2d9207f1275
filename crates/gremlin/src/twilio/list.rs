//! `GET Calls.json`: filters and pages, newest first.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Refusal, calls, create::Form};
use crate::{call::Call, network::Network};

const PAGE_SIZE_DEFAULT: usize = 50;
const PAGE_SIZE_MAX: usize = 1000;

/// A span of time, both ends optional, the end not included.
#[derive(Default)]
struct Span {
    since: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
}

impl Span {
    /// `Name` is one day; `Name>` and `Name<` (written `Name>=…` in a URL) bound it.
    fn read(form: &Form, name: &str) -> Result<Self, Refusal> {
        let part = |suffix: &str| form.get(&format!("{name}{suffix}")).map(moment).transpose();
        let mut span = Self { since: part(">")?.map(|(at, _)| at), before: part("<")?.map(|(at, unit)| at + unit) };
        if let Some((day, unit)) = part("")? {
            (span.since, span.before) = (Some(day), Some(day + unit));
        }
        Ok(span)
    }
    /// A moment that is not there is in no bounded span: a call without a start is not listed by its start.
    fn holds(&self, at: Option<DateTime<Utc>>) -> bool {
        match at {
            Some(at) => self.since.is_none_or(|since| at >= since) && self.before.is_none_or(|before| at < before),
            None => self.since.is_none() && self.before.is_none(),
        }
    }
}

/// `2026-11-21` or `2026-11-21T10:00:00Z`, with the length of what it names.
fn moment(text: &str) -> Result<(DateTime<Utc>, TimeDelta), Refusal> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok((at.to_utc(), TimeDelta::seconds(1)));
    }
    let day = text.parse::<NaiveDate>().map_err(|_| Refusal::bad(20001, "A date is not YYYY-MM-DD or RFC 3339"))?;
    Ok((day.and_time(chrono::NaiveTime::MIN).and_utc(), TimeDelta::days(1)))
}

pub async fn list(
    State(network): State<Arc<Network>>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Refusal> {
    let query = query.unwrap_or_default();
    let form = Form::read(&query);
    let number = |key: &str| form.get(key).and_then(|text| text.parse::<usize>().ok());
    let size = number("PageSize").unwrap_or(PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX);
    let page = number("Page").unwrap_or(0);
    let before = form.get("PageToken").map(token_serial).transpose()?;
    let (started, ended) = (Span::read(&form, "StartTime")?, Span::read(&form, "EndTime")?);
    let wanted = |call: &&Call| {
        call.order.account == account
            && form.get("Status").is_none_or(|status| status == calls::word(call.status))
            && form.get("To").is_none_or(|to| to == call.order.to)
            && form.get("From").is_none_or(|from| from == call.order.from)
            && started.holds(call.started_at)
            && ended.holds(call.ended_at)
    };
    let state = network.state();
    let mut matching = state.newest(before).filter(wanted);
    let shown: Vec<&Call> = matching.by_ref().take(size).collect();
    let next =
        shown.last().filter(|_| matching.next().is_some()).map(|call| page_uri(&account, &query, page + 1, Some(call.serial)));
    let calls: Vec<Value> = shown.into_iter().map(calls::resource).collect();
    Ok(Json(json!({
        "first_page_uri": page_uri(&account, &query, 0, None),
        "next_page_uri": next,
        "previous_page_uri": null,
        "uri": page_uri(&account, &query, page, before),
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": (page * size + calls.len()).saturating_sub(1),
        "calls": calls,
    })))
}

fn page_uri(account: &str, query: &str, page: usize, after: Option<u64>) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| !matches!(key.as_ref(), "Page" | "PageToken")));
    pairs.append_pair("Page", &page.to_string());
    if let Some(serial) = after {
        pairs.append_pair("PageToken", &format!("PA{serial:032x}"));
    }
    format!("/2010-04-01/Accounts/{account}/Calls.json?{}", pairs.finish())
}

/// Calls older than this serial are on the next page; new calls meanwhile do not shift it.
fn token_serial(token: &str) -> Result<u64, Refusal> {
    let serial = token.strip_prefix("PA").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    serial.ok_or(Refusal::bad(20001, "PageToken is not valid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(text).expect("a moment").to_utc())
    }

    #[test]
    fn a_span_includes_both_named_ends() {
        let form = Form::read("StartTime%3E=2026-11-21T10:00:00Z&StartTime%3C=2026-11-21T10:05:00Z");
        let span = Span::read(&form, "StartTime").expect("valid");
        assert!(span.holds(at("2026-11-21T10:00:00Z")) && span.holds(at("2026-11-21T10:05:00.9Z")));
        assert!(!span.holds(at("2026-11-21T09:59:59Z")) && !span.holds(at("2026-11-21T10:05:01Z")));
        assert!(!span.holds(None));
    }

    #[test]
    fn a_day_is_the_whole_day() {
        let span = Span::read(&Form::read("StartTime=2026-11-21"), "StartTime").expect("valid");
        assert!(span.holds(at("2026-11-21T00:00:00Z")) && span.holds(at("2026-11-21T23:59:59Z")));
        assert!(!span.holds(at("2026-11-22T00:00:00Z")));
        assert!(Span::default().holds(None));
        assert!(Span::read(&Form::read("StartTime=yesterday"), "StartTime").is_err());
    }
}
