//! The chain over the audit record: a block covers every event between two moments and the hash of the block before, so that an
//! event that is changed, taken out or slipped in later is found by [`verify`], whoever did it. How blocks are hashed is said in
//! `credits::chain`.

use crate::actor::{Actor, SystemTask};
use crate::credits::chain::{Hasher, NOTHING, hex};
use crate::db::{Db, Tx};
use crate::error::Result;
use chrono::{DateTime, TimeDelta};
use futures::TryStreamExt;
use model::accounts::Permission;
use model::events::Chain;
use model::id::CompanyId;
use model::time::Timestamp;
use uuid::Uuid;

/// A block covers at least this much time.
const PERIOD_MINUTES: i64 = 60;
/// No transaction is under way for this long: requests and jobs end within a minute or two.
const LATE_MINUTES: i64 = 10;
/// Companies per round.
const COMPANIES_MAX: i64 = 1_000;
/// Problems named; one is enough to stop trusting.
const PROBLEMS_MAX: usize = 20;
/// Any number; one sealer per company at a time.
const LOCK: i32 = 0x5ea2;

/// An event as it is hashed.
#[derive(sqlx::FromRow)]
struct Entry {
    id: Uuid,
    at: Timestamp,
    kind: String,
    subject: Option<String>,
    user_id: Option<Uuid>,
    who: String,
    text: String,
}

#[derive(sqlx::FromRow)]
struct Block {
    height: i64,
    previous: Vec<u8>,
    hash: Vec<u8>,
    from_at: Timestamp,
    until_at: Timestamp,
    events: i64,
}

/// Seals the record of every company that has enough of it.
///
/// # Errors
/// When the database is away.
pub async fn seal_due(db: &Db) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::Seal).await?;
    let until = tx.now() - TimeDelta::minutes(LATE_MINUTES);
    let due: Vec<CompanyId> = sqlx::query_scalar(
        "select c.id from companies c
         left join lateral (select until_at from event_blocks b where b.company_id = c.id order by height desc limit 1) b on true
         where (b.until_at is null or b.until_at <= $1)
            and exists (select 1 from events e where e.company_id = c.id and e.at < $2 and (b.until_at is null or e.at >= b.until_at))
         limit $3",
    )
    .bind(until - TimeDelta::minutes(PERIOD_MINUTES))
    .bind(until)
    .bind(COMPANIES_MAX)
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    for company in due {
        let mut tx = db.begin(&Actor::engine(company)).await?;
        seal(&mut tx, until).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Makes the next block of this company, up to `until`. None without events, or while another sealer is at work.
async fn seal(tx: &mut Tx, until: Timestamp) -> Result<()> {
    let company = tx.actor().company().uuid();
    let mine: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1, hashtext($2))")
        .bind(LOCK)
        .bind(company.to_string())
        .fetch_one(tx.conn())
        .await?;
    if !mine {
        return Ok(());
    }
    let head: Option<(i64, Vec<u8>, Timestamp)> =
        sqlx::query_as("select height, hash, until_at from event_blocks order by height desc limit 1")
            .fetch_optional(tx.conn())
            .await?;
    let (below, previous, from) = head.unwrap_or((0, NOTHING.to_vec(), DateTime::UNIX_EPOCH));
    if from >= until {
        return Ok(());
    }
    let (hash, events) = recompute(tx, below + 1, &previous, from, until).await?;
    if events == 0 {
        return Ok(());
    }
    sqlx::query("insert into event_blocks (height, previous, hash, from_at, until_at, events) values ($1, $2, $3, $4, $5, $6)")
        .bind(below + 1)
        .bind(previous)
        .bind(hash.as_slice())
        .bind(from)
        .bind(until)
        .bind(events)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What the events of a period hash to, and how many they are.
async fn recompute(tx: &mut Tx, height: i64, previous: &[u8], from: Timestamp, until: Timestamp) -> Result<([u8; 32], i64)> {
    let mut hasher = Hasher::begin(b"belfry events 1", tx.actor().company().uuid(), height, previous, until);
    let mut count = 0;
    let sql = "select id, at, kind, subject, user_id, who, text from events where at >= $1 and at < $2 order by at, id";
    let mut rows = sqlx::query_as::<_, Entry>(sql).bind(from).bind(until).fetch(tx.conn());
    while let Some(e) = rows.try_next().await? {
        count += 1;
        hasher.next();
        hasher.id(e.id);
        hasher.number(e.at.timestamp_micros());
        hasher.maybe(e.user_id);
        hasher.number(i64::from(e.subject.is_some()));
        for text in [&e.kind, e.subject.as_deref().unwrap_or_default(), &e.who, &e.text] {
            hasher.text(text);
        }
    }
    Ok((hasher.finish(), count))
}

/// Recomputes the whole record of the company, from its first event on.
///
/// # Errors
/// `Forbidden` without `ViewEvents`.
pub async fn verify(tx: &mut Tx) -> Result<Chain> {
    tx.require(Permission::ViewEvents)?;
    let blocks: Vec<Block> =
        sqlx::query_as("select height, previous, hash, from_at, until_at, events from event_blocks order by height")
            .fetch_all(tx.conn())
            .await?;
    let (mut chain, mut problems) = (Chain::default(), Vec::new());
    let (mut below, mut expected, mut until) = (0, NOTHING.to_vec(), DateTime::UNIX_EPOCH);
    for block in blocks {
        let height = block.height;
        if height != below + 1 || block.from_at != until {
            problems.push(format!("Block {height} does not follow block {below}: what was between is gone."));
        } else if block.previous != expected {
            problems.push(format!("Block {height} does not continue block {below}."));
        }
        let (hash, events) = recompute(tx, height, &block.previous, block.from_at, block.until_at).await?;
        if events != block.events {
            problems.push(format!("Block {height} was sealed with {} events, and {events} are there.", block.events));
        } else if hash.as_slice() != block.hash.as_slice() {
            problems.push(format!("An event of block {height} was changed after it was sealed."));
        }
        chain.events += events;
        chain.blocks += 1;
        (below, expected, until) = (height, block.hash, block.until_at);
    }
    chain.head = (chain.blocks > 0).then(|| hex(&expected));
    chain.waiting = sqlx::query_scalar("select count(*) from events where at >= $1").bind(until).fetch_one(tx.conn()).await?;
    problems.truncate(PROBLEMS_MAX);
    chain.problems = problems;
    Ok(chain)
}
