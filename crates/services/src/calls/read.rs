//! The call log and one call's page.

use super::inbound::HIDDEN;
use super::script;
use crate::db::Tx;
use crate::dialer::eligible::start_of_day;
use crate::error::Result;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use model::accounts::Permission;
use model::calls::{
    AnsweredBy, Call, CallFilter, CallRange, CallRow, CallState, CallStatus, CallStep, Declined, Direction, Outcome, Sentiment,
    Turn,
};
use model::campaigns::Status;
use model::credits::{Credits, Price};
use model::gateways::ProviderKind;
use model::id::{AgentId, CallId, CampaignId, ContactId};
use model::money::{Currency, Locale, money};
use model::page::Page;
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};
use std::collections::BTreeMap;

/// Lines of a call's story shown.
const STEPS_MAX: i64 = 200;

#[derive(sqlx::FromRow)]
struct Row {
    id: CallId,
    direction: Direction,
    declined: Option<Declined>,
    contact_id: Option<ContactId>,
    contact_name: Option<String>,
    phone: Phone,
    campaign_id: Option<CampaignId>,
    campaign_name: Option<String>,
    agent_name: Option<String>,
    attempt_no: i32,
    status: CallStatus,
    outcome: Option<Outcome>,
    answered_by: Option<AnsweredBy>,
    created_at: Timestamp,
    talk_seconds: i64,
    cost: Option<Credits>,
    sandbox: bool,
}

const ROW: &str = "k.id, k.direction, k.declined, k.contact_id, c.name as contact_name, k.phone, k.campaign_id, m.name as campaign_name, a.name as agent_name, \
                   k.attempt_no, k.status, k.outcome, k.answered_by, k.created_at, k.talk_seconds, k.cost, g.sandbox";
const FROM: &str = " from calls k left join contacts c on c.id = k.contact_id left join campaigns m on m.id = k.campaign_id \
                    left join agents a on a.id = k.agent_id join gateways g on g.id = k.gateway_id ";

fn row(tx: &Tx, r: Row) -> CallRow {
    let phone = match tx.actor().may(Permission::ViewPhones) {
        _ if r.phone.as_str() == HIDDEN => "Hidden number".to_owned(),
        true => r.phone.to_string(),
        false => r.phone.masked(),
    };
    CallRow {
        id: r.id,
        direction: r.direction,
        declined: r.declined,
        contact: r.contact_id,
        contact_name: r.contact_name.unwrap_or_else(|| "Unknown caller".to_owned()),
        phone,
        campaign: r.campaign_id.zip(r.campaign_name),
        agent_name: r.agent_name.unwrap_or_default(),
        attempt: r.attempt_no,
        state: CallState { status: r.status, outcome: r.outcome, answered_by: r.answered_by },
        started_at: tx.moment(r.created_at),
        talk_seconds: r.talk_seconds,
        cost: r.cost,
        sandbox: r.sandbox,
    }
}

/// What programs may ask of the call log beyond what its screen does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrower {
    /// Local days on which calls began, both included.
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
    /// Any of these; none: all.
    pub outcomes: Vec<Outcome>,
}

/// How people took some calls, and whether the agent reached what it was for, as far as it is known.
///
/// # Errors
/// `Forbidden` without `ViewCalls`.
pub async fn judged(tx: &mut Tx, calls: &[CallId]) -> Result<Vec<(CallId, Option<Sentiment>, Option<bool>)>> {
    tx.require(Permission::ViewCalls)?;
    Ok(sqlx::query_as("select id, sentiment, successful from calls where id = any($1)").bind(calls).fetch_all(tx.conn()).await?)
}

/// One page of the call log, newest first.
///
/// # Errors
/// `Forbidden` without `ViewCalls`.
pub async fn list(tx: &mut Tx, filter: &CallFilter) -> Result<Page<CallRow>> {
    search(tx, filter, &Narrower::default()).await
}

/// The same for programs.
///
/// # Errors
/// `Forbidden` without `ViewCalls`.
pub async fn search(tx: &mut Tx, filter: &CallFilter, narrower: &Narrower) -> Result<Page<CallRow>> {
    tx.require(Permission::ViewCalls)?;
    let mut count = QueryBuilder::new("select count(*) from calls k where true");
    narrow(tx, filter, narrower, &mut count);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let mut sql = QueryBuilder::new(format!("select {ROW} {FROM} where true"));
    narrow(tx, filter, narrower, &mut sql);
    sql.push(" order by k.created_at desc, k.id desc limit ").push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    let rows: Vec<Row> = sql.build_query_as().fetch_all(tx.conn()).await?;
    let items = rows.into_iter().map(|r| row(tx, r)).collect();
    Ok(Page::new(items, total, filter.paging))
}

fn narrow(tx: &Tx, filter: &CallFilter, more: &Narrower, sql: &mut QueryBuilder<Postgres>) {
    if let Some(first) = more.first {
        sql.push(" and k.created_at >= ").push_bind(tx.actor().midnight(first));
    }
    if let Some(after) = more.last.and_then(|last| last.succ_opt()) {
        sql.push(" and k.created_at < ").push_bind(tx.actor().midnight(after));
    }
    if !more.outcomes.is_empty() {
        sql.push(" and k.outcome = any(").push_bind(more.outcomes.clone()).push(")");
    }
    let (from, to) = range(tx, filter.range);
    if let Some(from) = from {
        sql.push(" and k.created_at >= ").push_bind(from);
    }
    if let Some(to) = to {
        sql.push(" and k.created_at < ").push_bind(to);
    }
    if let Some(outcome) = filter.outcome {
        sql.push(" and k.outcome = ").push_bind(outcome);
    }
    if filter.live {
        sql.push(" and k.status <> 'ended'");
    }
    if let Some(campaign) = filter.campaign {
        sql.push(" and k.campaign_id = ").push_bind(campaign);
    }
    if let Some(contact) = filter.contact {
        sql.push(" and k.contact_id = ").push_bind(contact);
    }
    let search: String = filter.search.chars().filter(|c| c.is_ascii_digit()).collect();
    if !search.is_empty() {
        sql.push(" and k.phone ~>=~ ").push_bind(format!("+{search}"));
        sql.push(" and k.phone ~<~ ").push_bind(format!("+{search}:")); // ':' follows '9'
    }
}

/// Half-open, in days of the company's zone.
fn range(tx: &Tx, range: CallRange) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let zone = tx.actor().zone;
    let today = start_of_day(tx.now(), zone);
    let back = |days: i64| Some(start_of_day(today - TimeDelta::days(days) + TimeDelta::hours(12), zone));
    match range {
        CallRange::Today => (Some(today), None),
        CallRange::Yesterday => (back(1), Some(today)),
        CallRange::Week => (back(6), None),
        CallRange::Fortnight => (back(14), None),
        CallRange::Month => (back(29), None),
        CallRange::All => (None, None),
    }
}

#[derive(sqlx::FromRow)]
struct Detail {
    #[sqlx(flatten)]
    row: Row,
    campaign_status: Option<Status>,
    agent_id: Option<AgentId>,
    agent_version: i32,
    settings_version: i32,
    from_phone: Phone,
    provider_call_id: Option<String>,
    provider_status: Option<String>,
    answered_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    held: Credits,
    per_minute: i64,
    initial_seconds: i64,
    step_seconds: i64,
    digits: String,
    transcript: Json<Vec<(String, String)>>,
    turn_seconds: Vec<Option<i32>>,
    provider_cost_micros: Option<i64>,
    provider_currency: Option<String>,
    kind: ProviderKind,
    summary: String,
    sentiment: Option<Sentiment>,
    successful: Option<bool>,
    keywords: Vec<String>,
    found: Json<BTreeMap<String, String>>,
}

/// A price as the company writes figures; with a code that is none of ISO 4217 as it was told.
fn price(micros: i64, code: &str, locale: Locale) -> String {
    match Currency::parse(code) {
        Ok(currency) => money(micros, currency, locale),
        Err(_) => format!("{}.{:06} {code}", micros / 1_000_000, micros.unsigned_abs() % 1_000_000),
    }
}

/// One call with its story.
///
/// # Errors
/// `NotFound`.
pub async fn load(tx: &mut Tx, id: CallId) -> Result<Call> {
    tx.require(Permission::ViewCalls)?;
    let mut sql = QueryBuilder::new(format!(
        "select {ROW}, m.status as campaign_status, k.agent_id, k.agent_version, k.settings_version, k.from_phone, k.provider_call_id,
                k.provider_status, k.answered_at, k.ended_at, k.held, k.per_minute, k.initial_seconds, k.step_seconds, k.digits, k.transcript, k.turn_seconds,
                k.provider_cost_micros, k.provider_currency, g.kind, k.summary,
                k.sentiment, k.successful, k.keywords, k.found {FROM} where k.id = "
    ));
    sql.push_bind(id);
    let found: Option<Detail> = sql.build_query_as().fetch_optional(tx.conn()).await?;
    let d = found.ok_or_else(|| model::Error::not_found("call"))?;
    let steps: Vec<(Timestamp, String, String)> =
        sqlx::query_as("select at, title, detail from call_steps where call_id = $1 order by at, id limit $2")
            .bind(id)
            .bind(STEPS_MAX)
            .fetch_all(tx.conn())
            .await?;
    let steps = steps.into_iter().map(|(at, title, detail)| CallStep { at: tx.moment(at), title, detail }).collect();
    let turns = d.transcript.0.into_iter().enumerate().map(|(n, (speaker, text))| {
        let seconds = d.turn_seconds.get(n).copied().flatten();
        Turn { speaker, text, seconds }
    });
    let told: Vec<Turn> = turns.collect();
    let locale = crate::companies::figures(tx).await?.locale;
    let read_out = match told.is_empty() && !d.kind.is_conversational() && d.answered_at.is_some() {
        true => script::read_out(tx, id, &d.digits).await?,
        false => Vec::new(),
    };
    Ok(Call {
        campaign_status: d.campaign_status,
        agent: d.agent_id,
        agent_version: d.agent_version,
        settings_version: d.settings_version,
        from: d.from_phone.to_string(),
        provider_call_id: d.provider_call_id,
        provider_status: d.provider_status,
        answered_at: d.answered_at.map(|at| tx.moment(at)),
        ended_at: d.ended_at.map(|at| tx.moment(at)),
        held: d.held,
        price: Price { per_minute: d.per_minute, initial_seconds: d.initial_seconds, step_seconds: d.step_seconds },
        digits: d.digits,
        read_out: !read_out.is_empty(),
        transcript: if read_out.is_empty() { told } else { read_out },
        provider_price: d.provider_cost_micros.zip(d.provider_currency).map(|(micros, code)| price(micros, &code, locale)),
        summary: d.summary,
        sentiment: d.sentiment,
        successful: d.successful,
        keywords: d.keywords,
        found: d.found.0.into_iter().collect(),
        recordings: crate::recordings::of_call(tx, id).await?,
        steps,
        row: row(tx, d.row),
    })
}
