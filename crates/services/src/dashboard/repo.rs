//! SQL of the dashboard. A call belongs to the day it ended on; connected means a person talked (`completed`).

use crate::db::Tx;
use crate::error::Result;
use chrono::NaiveDate;
use chrono_tz::Tz;
use model::credits::Credits;
use model::dashboard::{DayCalls, Totals};
use model::time::Timestamp;

/// Seconds of talk that make a conversation.
const TALKED_SECONDS_MIN: i64 = 30;
/// The checklist asks whether there are contacts at all; counting a million would be work for nothing.
const CONTACTS_COUNTED_MAX: i64 = 1_000;

/// Half-open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(super) struct DayRow {
    pub day: NaiveDate,
    connected: i64,
    voicemail: i64,
    no_answer: i64,
    busy: i64,
    failed: i64,
    spent: i64,
    talk_seconds: i64,
}

impl DayRow {
    pub(super) fn empty(day: NaiveDate) -> Self {
        Self { day, connected: 0, voicemail: 0, no_answer: 0, busy: 0, failed: 0, spent: 0, talk_seconds: 0 }
    }

    pub(super) fn into_day(self) -> DayCalls {
        DayCalls {
            day: self.day.to_string(),
            label: self.day.format("%-d %b").to_string(),
            connected: self.connected,
            voicemail: self.voicemail,
            no_answer: self.no_answer,
            busy: self.busy,
            failed: self.failed,
            spent: Credits(self.spent),
            talk_seconds: self.talk_seconds,
        }
    }
}

/// When the first call ended, if one did.
pub(super) async fn first_ended(tx: &mut Tx) -> Result<Option<Timestamp>> {
    Ok(sqlx::query_scalar("select ended_at from calls where ended_at is not null order by ended_at limit 1")
        .fetch_optional(tx.conn())
        .await?)
}

/// Days on which calls ended, oldest first. The five groups add up to all of them.
pub(super) async fn days(tx: &mut Tx, period: Period, zone: Tz) -> Result<Vec<DayRow>> {
    Ok(sqlx::query_as(
        "select (ended_at at time zone $3)::date as day,
                count(*) filter (where outcome = 'completed') as connected,
                count(*) filter (where outcome = 'voicemail') as voicemail,
                count(*) filter (where outcome = 'no_answer') as no_answer,
                count(*) filter (where outcome = 'busy') as busy,
                count(*) filter (where outcome not in ('completed', 'voicemail', 'no_answer', 'busy')) as failed,
                coalesce(sum(cost), 0)::bigint as spent,
                coalesce(sum(talk_seconds), 0)::bigint as talk_seconds
         from calls where ended_at >= $1 and ended_at < $2 group by 1 order by 1",
    )
    .bind(period.from)
    .bind(period.to)
    .bind(zone.name())
    .fetch_all(tx.conn())
    .await?)
}

/// Sums of a period.
pub(super) async fn totals(tx: &mut Tx, period: Period) -> Result<Totals> {
    let (calls, connected, talk_seconds, spent, talked, reached): (i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "select count(*),
                count(*) filter (where outcome = 'completed'),
                coalesce(sum(talk_seconds), 0)::bigint,
                coalesce(sum(cost), 0)::bigint,
                count(*) filter (where outcome = 'completed' and talk_seconds >= $3),
                count(distinct contact_id) filter (where outcome = 'completed')
         from calls where ended_at >= $1 and ended_at < $2",
    )
    .bind(period.from)
    .bind(period.to)
    .bind(TALKED_SECONDS_MIN)
    .fetch_one(tx.conn())
    .await?;
    Ok(Totals { calls, connected, talk_seconds, spent: Credits(spent), talked, reached })
}

/// What a period came to, by direction and by how people took it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Figures {
    pub inbound_calls: i64,
    pub outbound_calls: i64,
    pub inbound_seconds: i64,
    pub outbound_seconds: i64,
    pub inbound_spent: Credits,
    pub outbound_spent: Credits,
    /// Calls that a person answered.
    pub connected: i64,
    pub positive: i64,
    pub neutral: i64,
    pub negative: i64,
}

/// Sums of a period, for programs.
pub(super) async fn figures(tx: &mut Tx, period: Period) -> Result<Figures> {
    Ok(sqlx::query_as(
        "select count(*) filter (where direction = 'inbound') as inbound_calls,
                count(*) filter (where direction = 'outbound') as outbound_calls,
                coalesce(sum(talk_seconds) filter (where direction = 'inbound'), 0)::bigint as inbound_seconds,
                coalesce(sum(talk_seconds) filter (where direction = 'outbound'), 0)::bigint as outbound_seconds,
                coalesce(sum(cost) filter (where direction = 'inbound'), 0)::bigint as inbound_spent,
                coalesce(sum(cost) filter (where direction = 'outbound'), 0)::bigint as outbound_spent,
                count(*) filter (where outcome = 'completed') as connected,
                count(*) filter (where sentiment = 'positive') as positive,
                count(*) filter (where sentiment = 'neutral') as neutral,
                count(*) filter (where sentiment = 'negative') as negative
         from calls where ended_at >= $1 and ended_at < $2",
    )
    .bind(period.from)
    .bind(period.to)
    .fetch_one(tx.conn())
    .await?)
}

/// What there is right now.
#[derive(sqlx::FromRow)]
pub(super) struct Counts {
    pub live_calls: i64,
    /// Calls of running campaigns in flight.
    pub calling: i64,
    /// Enrollments of running campaigns that are not in a final state.
    pub unfinished: i64,
    pub contacts: i64,
    pub agents: i64,
    pub campaigns: i64,
}

/// Counts of things that are few, or that a rollup already knows.
pub(super) async fn counts(tx: &mut Tx) -> Result<Counts> {
    Ok(sqlx::query_as(
        "select (select count(*) from calls where status <> 'ended') as live_calls,
                (select count(*) from calls l join campaigns c on c.id = l.campaign_id
                 where l.status <> 'ended' and c.status = 'active') as calling,
                (select coalesce(sum(s.contacts - s.finished), 0)::bigint from campaign_stats s
                 join campaigns c on c.id = s.campaign_id where c.status = 'active') as unfinished,
                (select count(*) from (select 1 from contacts where status = 'active' limit $1) few) as contacts,
                (select count(*) from agents where status <> 'archived') as agents,
                (select count(*) from campaigns) as campaigns",
    )
    .bind(CONTACTS_COUNTED_MAX)
    .fetch_one(tx.conn())
    .await?)
}
