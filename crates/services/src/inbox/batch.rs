//! One commit for all callbacks that wait at the same moment. Whoever finds nobody committing leads: takes what has
//! gathered, stores it in one statement that commits itself, and hands the lead to the first of those who came meanwhile.
//! Nobody sleeps to gather more, and no task stands behind it: when a leader's request is given up, its batch goes back to
//! the front of the queue and the next one leads.

use super::CHANNEL;
use super::routes::Route;
use crate::actor::SystemTask;
use crate::db::Db;
use crate::error::{Error, Result};
use model::id::{GatewayId, InboxId};
use model::time::Timestamp;
use sqlx::{Connection, PgConnection};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Callbacks of one statement.
pub(super) const ROWS_MAX: usize = 256;
/// Callbacks that wait for their commit; whoever comes beyond is asked to come again.
pub(super) const WAITING_MAX: usize = 2_000;

/// A verified callback.
pub(super) struct Row {
    pub id: InboxId,
    pub gateway: GatewayId,
    /// With the key that verified it.
    pub route: Arc<Route>,
    pub event_id: String,
    pub url: String,
    pub body: Vec<u8>,
    pub received_at: Timestamp,
}

/// Where the callbacks of this process meet.
#[derive(Default)]
pub(super) struct Batches(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Somebody commits, or has been asked to.
    is_led: bool,
    /// The leader's connection, while nobody uses it.
    line: Option<PgConnection>,
}

struct Waiting {
    row: Row,
    tell: oneshot::Sender<News>,
}

enum News {
    /// It is your turn to commit: your own row and whatever else waits.
    Lead(Row),
    Stored(Result<bool>),
}

impl Batches {
    /// Returns after the commit: `true` when the callback is stored, now or before; `false` when its gateway no longer has the
    /// key that verified it, and nothing is stored.
    ///
    /// # Errors
    /// When the database is away or refuses this callback, or when too many wait.
    pub async fn store(&self, db: &Db, row: Row) -> Result<bool> {
        let row = match self.come(row)? {
            Place::Leader(row) => row,
            Place::Waiter(mut ticket) => match (&mut ticket.news).await {
                Ok(News::Lead(row)) => row,
                Ok(News::Stored(done)) => return done,
                Err(_) => return Err(anyhow::anyhow!("a batch was dropped without an answer").into()),
            },
        };
        Lead { batches: self, others: Vec::new() }.commit(db, row).await
    }

    /// Signs in ahead of the first callback, which then needs not wait for it.
    pub async fn warm(&self, db: &Db) -> Result<()> {
        let line = db.autocommit(SystemTask::RouteCallback).await?;
        self.queue().line = Some(line);
        Ok(())
    }

    /// Signs off.
    pub async fn close(&self) {
        let line = self.queue().line.take();
        if let Some(line) = line {
            // A connection that is broken is closed as well.
            let _ = line.close().await;
        }
    }

    fn come(&self, row: Row) -> Result<Place<'_>> {
        let mut queue = self.queue();
        if !queue.is_led {
            queue.is_led = true;
            return Ok(Place::Leader(row));
        }
        if queue.waiting.len() >= WAITING_MAX {
            return Err(model::Error::Unavailable { provider: "The inbox".to_owned() }.into());
        }
        let (tell, news) = oneshot::channel();
        queue.waiting.push_back(Waiting { row, tell });
        Ok(Place::Waiter(Ticket { batches: self, news }))
    }

    /// Asks the first who still waits to lead. Whose request was given up is nobody's to acknowledge.
    fn pass_on(&self) {
        let mut queue = self.queue();
        while let Some(Waiting { row, tell }) = queue.waiting.pop_front() {
            if tell.send(News::Lead(row)).is_ok() {
                return;
            }
        }
        queue.is_led = false;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Place<'a> {
    Leader(Row),
    Waiter(Ticket<'a>),
}

/// A place in the queue. Given up, it must not take the lead away with it.
struct Ticket<'a> {
    batches: &'a Batches,
    news: oneshot::Receiver<News>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.news.close();
        if let Ok(News::Lead(_)) = self.news.try_recv() {
            self.batches.pass_on();
        }
    }
}

/// The right to commit; dropping it, finished or not, passes it on.
struct Lead<'a> {
    batches: &'a Batches,
    /// Taken from the queue and not told yet.
    others: Vec<Waiting>,
}

impl Lead<'_> {
    async fn commit(mut self, db: &Db, own: Row) -> Result<bool> {
        let mut line = {
            let mut queue = self.batches.queue();
            let gathered = queue.waiting.len().min(ROWS_MAX - 1);
            self.others.extend(queue.waiting.drain(..gathered));
            queue.line.take()
        };
        let rows: Vec<&Row> = std::iter::once(&own).chain(self.others.iter().map(|other| &other.row)).collect();
        let mut done = store(db, &mut line, &rows).await.into_iter();
        // Reached only when no answer of this connection is outstanding.
        self.batches.queue().line = line;
        let mine = done.next().unwrap_or(Ok(false));
        for (Waiting { tell, .. }, done) in self.others.drain(..).zip(done) {
            // Whoever gave up is told by nobody: their provider comes again, and the row is there.
            let _ = tell.send(News::Stored(done));
        }
        mine
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.others.is_empty() {
            let mut queue = self.batches.queue();
            while let Some(other) = self.others.pop() {
                queue.waiting.push_front(other);
            }
        }
        self.batches.pass_on();
    }
}

/// One answer per row. A row that Postgres refuses is found by halves, so that it fails alone.
async fn store(db: &Db, line: &mut Option<PgConnection>, rows: &[&Row]) -> Vec<Result<bool>> {
    let mut answers = Vec::with_capacity(rows.len());
    let mut parts = vec![rows];
    while let Some(part) = parts.pop() {
        match insert(db, line, part).await {
            Ok(stored) => answers.extend(stored.into_iter().map(Ok)),
            Err(e) if part.len() > 1 && is_about_a_row(&e) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(e) => {
                // An error cannot be cloned; the first of the part keeps it.
                let told = e.to_string();
                answers.push(Err(e));
                answers.extend(part.iter().skip(1).map(|_| Err(anyhow::anyhow!("in one batch: {told}").into())));
            }
        }
    }
    answers
}

/// Bad data, a broken constraint, or more than fits: the others may be fine.
fn is_about_a_row(error: &Error) -> bool {
    let Error::Db(sqlx::Error::Database(e)) = error else { return false };
    e.code().is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
}

/// On the kept connection, or on a new one when that one died while nobody looked: what it may have stored is found by its key.
async fn insert(db: &Db, line: &mut Option<PgConnection>, rows: &[&Row]) -> Result<Vec<bool>> {
    if let Some(kept) = line {
        match statement(kept, rows).await {
            Err(e) if is_about_a_row(&e) => return Err(e),
            Err(_) => *line = None,
            stored => return stored,
        }
    }
    let mut fresh = db.autocommit(SystemTask::RouteCallback).await?;
    let stored = statement(&mut fresh, rows).await;
    *line = Some(fresh).filter(|_| stored.as_ref().err().is_none_or(is_about_a_row));
    stored
}

/// One statement, one commit, one bell. The company comes from the gateway's row, and the gateway must still have the key
/// that verified the callback. Says for each row whether it did.
async fn statement(line: &mut PgConnection, rows: &[&Row]) -> Result<Vec<bool>> {
    let accepted: Vec<i64> = sqlx::query_scalar(
        "with given as (
            select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[])
                with ordinality as given (id, gateway_id, keys_version, event_id, url, body, received_at, n)),
         verified as (
            select given.*, gateways.company_id from given
                join gateways on gateways.id = given.gateway_id and gateways.keys_version = given.keys_version),
         stored as (
            insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at)
            select company_id, id, gateway_id, event_id, url, body, received_at from verified
            on conflict on constraint inbox_once do nothing returning 1),
         rung as (select pg_notify($8, '') from (select from stored limit 1) as news)
         select n from verified where (select count(*) from rung) >= 0",
    )
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.gateway).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.route.keys_version).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.event_id.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.url.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.received_at).collect::<Vec<_>>())
    .bind(CHANNEL)
    .fetch_all(line)
    .await?;
    let mut stored = vec![false; rows.len()];
    for n in accepted {
        if let Some(one) = usize::try_from(n - 1).ok().and_then(|n| stored.get_mut(n)) {
            *one = true;
        }
    }
    Ok(stored)
}
