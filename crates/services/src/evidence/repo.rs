//! The SQL of evidence.

use crate::db::Tx;
use crate::error::Result;
use model::calls::{AnsweredBy, CallStatus, Direction, Outcome, RecordingKeeping};
use model::consents::Purpose;
use model::evidence::{Attempt, ListMove};
use model::id::{CallId, RecordingId};
use model::phone::Phone;
use model::suppressions::Source;
use model::time::Timestamp;
use std::collections::HashMap;

pub(super) async fn stated_zone(tx: &mut Tx, phone: &Phone) -> Result<Option<String>> {
    let zone: Option<Option<String>> =
        sqlx::query_scalar("select time_zone from contacts where phone = $1").bind(phone).fetch_optional(tx.conn()).await?;
    Ok(zone.flatten())
}

/// The oldest first.
pub(super) async fn list(tx: &mut Tx, phone: &Phone) -> Result<Vec<ListMove>> {
    type Row = (Timestamp, bool, Option<Source>, String, String);
    let rows: Vec<Row> =
        sqlx::query_as("select at, is_on, source, reason, by_name from suppression_moves where phone = $1 order by at, id")
            .bind(phone)
            .fetch_all(tx.conn())
            .await?;
    let told = |(at, is_on, source, reason, by): Row| ListMove {
        at: tx.moment(at),
        is_on,
        source: source.map_or_else(String::new, |source| source.label().to_owned()),
        reason,
        by,
    };
    Ok(rows.into_iter().map(told).collect())
}

#[derive(sqlx::FromRow)]
struct Stored {
    id: CallId,
    campaign: Option<String>,
    purpose: Option<Purpose>,
    direction: Direction,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    from_phone: Phone,
    status: CallStatus,
    outcome: Option<Outcome>,
    answered_by: Option<AnsweredBy>,
    talk_seconds: i64,
    rules: String,
    open_until: Option<Timestamp>,
    opted_out: bool,
}

/// The newest first, and whether there are more than `limit`.
pub(super) async fn attempts(tx: &mut Tx, phone: &Phone, limit: i64) -> Result<(Vec<Attempt>, bool)> {
    let mut rows: Vec<Stored> = sqlx::query_as(
        "select k.id, c.name as campaign, c.purpose, k.direction, k.created_at, k.ended_at, k.from_phone, k.status, k.outcome,
                k.answered_by, k.talk_seconds, k.rules, k.open_until, k.opted_out
         from calls k left join campaigns c on c.id = k.campaign_id where k.phone = $1 order by k.created_at desc, k.id desc limit $2",
    )
    .bind(phone)
    .bind(limit + 1)
    .fetch_all(tx.conn())
    .await?;
    let is_cut = i64::try_from(rows.len()).is_ok_and(|found| found > limit);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let sounds: Vec<(CallId, RecordingId, RecordingKeeping)> =
        sqlx::query_as("select call_id, id, keeping from recordings where call_id = any($1) order by created_at, id")
            .bind(ids)
            .fetch_all(tx.conn())
            .await?;
    let mut by_call = HashMap::<CallId, Vec<String>>::new();
    for (call, id, keeping) in sounds {
        by_call.entry(call).or_default().push(format!("{id}: {}", keeping.label().to_lowercase()));
    }
    let told = |row: Stored| {
        let answered = row.answered_by.map_or_else(String::new, |who| format!(", answered by: {}", who.label().to_lowercase()));
        Attempt {
            call: row.id.to_string(),
            campaign: row.campaign.unwrap_or_default(),
            purpose: row.purpose.map_or_else(String::new, |purpose| purpose.label().to_owned()),
            direction: row.direction.to_string(),
            at: tx.moment(row.created_at),
            ended_at: row.ended_at.map(|at| tx.moment(at)),
            from: row.from_phone.to_string(),
            outcome: format!("{}{answered}", row.outcome.map_or(row.status.label(), Outcome::label)),
            talk_seconds: row.talk_seconds,
            rules: row.rules,
            open_until: row.open_until.map(|at| tx.moment(at)),
            opted_out: row.opted_out,
            recordings: by_call.remove(&row.id).unwrap_or_default(),
        }
    };
    Ok((rows.into_iter().map(told).collect(), is_cut))
}
