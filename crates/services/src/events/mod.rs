//! The audit record: written by `Tx::record` in the commit that caused it, read by its page, heard by screens.

pub mod live;
#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::error::Result;
use model::accounts::Permission;
use model::events::{EventFilter, EventKind, EventRow, Topic};
use model::id::EventId;
use model::page::Page;
use model::time::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Longest event text kept.
const TEXT_MAX: usize = 500;
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
    let matching = |sql: &mut QueryBuilder<Postgres>| {
        if let Some(kind) = filter.kind {
            sql.push(" and kind = ").push_bind(kind);
        }
        if let Some(subject) = filter.subject.clone() {
            sql.push(" and subject = ").push_bind(subject);
        }
    };
    let mut count = QueryBuilder::new("select count(*) from events where true");
    matching(&mut count);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let mut sql = QueryBuilder::new("select id, at, kind, subject, who, text from events where true");
    matching(&mut sql);
    sql.push(" order by at desc, id desc limit ").push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    let rows: Vec<Stored> = sql.build_query_as().fetch_all(tx.conn()).await?;
    let items = rows
        .into_iter()
        .map(|r| EventRow { id: r.id, at: tx.moment(r.at), kind: r.kind, subject: r.subject, who: r.who, text: r.text })
        .collect();
    Ok(Page::new(items, total, filter.paging))
}
