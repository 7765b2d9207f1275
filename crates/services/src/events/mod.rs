//! The audit record: written by `Tx::record` in the commit that caused it, read by its page, heard by screens.

pub mod chain;
pub mod live;
#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::dialer::window::midnight;
use crate::error::Result;
use anyhow::{Context, anyhow};
use chrono::NaiveDate;
use chrono_tz::Tz;
use model::accounts::Permission;
use model::events::{EventFilter, EventKind, EventRow, Topic};
use model::id::EventId;
use model::page::Page;
use model::time::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Longest event text kept.
const TEXT_MAX: usize = 500;
/// Events in one file.
pub const EXPORT_MAX: i64 = 50_000;
/// The channel that screens listen to; see [`notice`].
pub const LIVE_CHANNEL: &str = "live";

pub(crate) async fn record(tx: &mut Tx, kind: EventKind, lines: Vec<(Option<String>, String)>) -> Result<()> {
    let ids: Vec<EventId> = lines.iter().map(|_| tx.id()).collect();
    let (at, user, who) = (tx.now(), tx.actor().user.as_ref().map(|u| u.id), tx.actor().name().to_owned());
    let (subjects, texts): (Vec<_>, Vec<_>) =
        lines.into_iter().map(|(subject, text)| (subject, text.chars().take(TEXT_MAX).collect::<String>())).unzip();
    sqlx::query(
        "insert into events (id, subject, text, at, kind, user_id, who)
         select n.*, $4, $5, $6, $7 from unnest($1::uuid[], $2::text[], $3::text[]) as n",
    )
    .bind(ids)
    .bind(subjects)
    .bind(texts)
    .bind(at)
    .bind(kind)
    .bind(user)
    .bind(who)
    .execute(tx.conn())
    .await?;
    notice(tx, kind.topic()).await?;
    if kind.topic() == Topic::Events { Ok(()) } else { notice(tx, Topic::Events).await }
}

/// Tells listening screens of this company that something about `topic` changed, when this transaction
/// commits. All notices of a transaction leave with it, in one statement.
pub(crate) async fn notice(tx: &mut Tx, topic: Topic) -> Result<()> {
    let notice = format!("{}:{topic}", tx.actor().company());
    if !tx.notices().contains(&notice) {
        tx.notices().push(notice);
    }
    Ok(())
}

/// Sends what the transaction has to tell.
pub(crate) async fn send(conn: &mut PgConnection, notices: &[String]) -> Result<()> {
    if !notices.is_empty() {
        sqlx::query("select pg_notify($1, notice) from unnest($2::text[]) as notice")
            .bind(LIVE_CHANNEL)
            .bind(notices)
            .execute(conn)
            .await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Stored {
    id: EventId,
    at: Timestamp,
    kind: EventKind,
    subject: Option<String>,
    who: String,
    text: String,
}

/// The newest events first.
///
/// # Errors
/// `Forbidden` without `ViewEvents`.
pub async fn list(tx: &mut Tx, filter: &EventFilter) -> Result<Page<EventRow>> {
    tx.require(Permission::ViewEvents)?;
    let mut count = QueryBuilder::new("select count(*) from events where true");
    matching(&mut count, filter, tx.actor().zone);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let rows = newest(tx, filter, filter.paging.limit(), filter.paging.offset()).await?;
    let items = rows
        .into_iter()
        .map(|r| EventRow { id: r.id, at: tx.moment(r.at), kind: r.kind, subject: r.subject, who: r.who, text: r.text })
        .collect();
    Ok(Page::new(items, total, filter.paging))
}

async fn newest(tx: &mut Tx, filter: &EventFilter, limit: i64, offset: i64) -> Result<Vec<Stored>> {
    let mut sql = QueryBuilder::new("select id, at, kind, subject, who, text from events where true");
    matching(&mut sql, filter, tx.actor().zone);
    sql.push(" order by at desc, id desc limit ").push_bind(limit);
    sql.push(" offset ").push_bind(offset);
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

fn matching(sql: &mut QueryBuilder<Postgres>, filter: &EventFilter, zone: Tz) {
    if let Some(kind) = filter.kind {
        sql.push(" and kind = ").push_bind(kind);
    }
    if let Some(subject) = filter.subject.clone() {
        sql.push(" and subject = ").push_bind(subject);
    }
    if !filter.who.trim().is_empty() {
        sql.push(" and who = ").push_bind(filter.who.trim().to_owned());
    }
    let day = |text: &str| text.trim().parse::<NaiveDate>().ok();
    if let Some(from) = day(&filter.from) {
        sql.push(" and at >= ").push_bind(midnight(from, zone));
    }
    if let Some(after) = day(&filter.to).and_then(|to| to.succ_opt()) {
        sql.push(" and at < ").push_bind(midnight(after, zone));
    }
}

/// The newest events as a CSV file with a head, at most [`EXPORT_MAX`] of them, moments in UTC. A cell that a spreadsheet would
/// compute begins with an apostrophe.
///
/// # Errors
/// `Forbidden` without `ViewEvents`.
pub async fn export(tx: &mut Tx, filter: &EventFilter) -> Result<String> {
    tx.require(Permission::ViewEvents)?;
    let rows = newest(tx, filter, EXPORT_MAX, 0).await?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    let written = (|| {
        csv.write_record(["at", "kind", "who", "subject", "text"])?;
        for row in &rows {
            let at = row.at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let cells = [row.who.as_str(), row.subject.as_deref().unwrap_or_default(), &row.text].map(sheets::guarded);
            csv.write_record([at.as_str(), row.kind.as_str(), &cells[0], &cells[1], &cells[2]])?;
        }
        csv.flush()
    })();
    written.context("a CSV in memory")?;
    let bytes = csv.into_inner().map_err(|e| anyhow!("a CSV in memory: {e}"))?;
    Ok(String::from_utf8(bytes).context("texts are UTF-8")?)
}
