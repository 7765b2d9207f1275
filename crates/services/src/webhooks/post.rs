//! Sends what waits. Each endpoint has room of its own, and those that are slow or fail have little and share a lane, so that none holds
//! another up. What is taken is due again after half a minute, in case whoever took it dies.

use super::queue::{self, Claimed, Note, Room, Rooms};
use super::{CHANNEL, switch_off, unseal};
use crate::actor::SystemTask;
use crate::db::Db;
use crate::error::Result;
use chrono::TimeDelta;
use model::id::{CompanyId, EndpointId};
use model::time::Timestamp;
use model::webhooks::DeliveryStatus;
use providers::outgoing::{Heard, Message, Post};
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use sqlx::postgres::PgListener;
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Messages under way to one endpoint: to one that answers in time, to one that takes long, and to one that failed last.
const WELL_MAX: i32 = 16;
const SLOW_MAX: i32 = 4;
const FAILING_MAX: i32 = 1;
/// Messages under way from one worker, and those of them to slow and failing endpoints.
const ALL_MAX: usize = 512;
const LANE_MAX: usize = 128;
/// An answer that takes longer is slow.
const SLOW: Duration = Duration::from_millis(1_000);
/// Endpoints of which is remembered how they answer.
const REMEMBERED_MAX: usize = 10_000;
/// When a message whose worker died is due again; longer than sending takes.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// The waits between attempts, in seconds: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h. Three days and some hours in all, as
/// the specification advises (standardwebhooks.com, "Retries").
const SCHEDULE: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// An endpoint that asks for a longer wait gets this one.
const ASKED_SECONDS_MAX: i64 = 86_400;
/// An endpoint to which nothing arrived for so long is switched off.
const FAILING_DAYS: i64 = 3;
/// The longest sleep: a bell ends it earlier, and waits end by it.
const IDLE: Duration = Duration::from_millis(500);
/// The wait after the database was away.
const AWAY: Duration = Duration::from_millis(250);

/// What is known of an endpoint here.
#[derive(Debug, Default, Clone, Copy)]
struct Pulse {
    under_way: i32,
    slow: bool,
    failing: bool,
}

impl Pulse {
    fn is_in_lane(self) -> bool {
        self.slow || self.failing
    }

    fn room(self) -> i32 {
        match self {
            Self { failing: true, .. } => FAILING_MAX,
            Self { slow: true, .. } => SLOW_MAX,
            _ => WELL_MAX,
        }
    }
}

/// A message that was sent.
struct Returned {
    claimed: Claimed,
    at: Timestamp,
    heard: Heard,
}

/// One worker's hands: what it has under way, and what it has to write down.
struct Postman {
    db: Db,
    post: Post,
    desk: Option<PgConnection>,
    under_way: JoinSet<Returned>,
    pulses: HashMap<EndpointId, Pulse>,
    returned: Vec<Returned>,
}

/// Sends until told to stop; what is under way then is waited for. Survives the database going away and coming back.
///
/// # Errors
/// When this machine has no TLS roots.
pub async fn run(db: Db, stop: CancellationToken) -> anyhow::Result<()> {
    go_on(Postman::new(db, Post::init()?), stop).await;
    Ok(())
}

async fn go_on(mut postman: Postman, stop: CancellationToken) {
    let mut bell = None;
    while !stop.is_cancelled() || postman.is_busy() {
        if bell.is_none() {
            bell = listen(&postman.db).await;
        }
        if let Err(error) = postman.turn(!stop.is_cancelled()).await {
            tracing::warn!(%error, "messages wait; trying again");
            (postman.desk, bell) = (None, None);
            tokio::time::sleep(AWAY).await;
            if stop.is_cancelled() {
                return;
            }
            continue;
        }
        tokio::select! {
            Some(back) = postman.under_way.join_next() => postman.take(back),
            rung = ring(bell.as_mut()) => if !rung { bell = None },
            () = stop.cancelled(), if !stop.is_cancelled() => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }
}

async fn listen(db: &Db) -> Option<PgListener> {
    let mut listener = PgListener::connect(db.config().system_database_url.expose_secret()).await.ok()?;
    listener.listen(CHANNEL).await.ok()?;
    Some(listener)
}

/// Waits for the bell; `false` when it is broken. However often it rang, one look answers all of it.
async fn ring(bell: Option<&mut PgListener>) -> bool {
    let Some(bell) = bell else { return std::future::pending().await };
    let rung = bell.recv().await.is_ok();
    while bell.next_buffered().is_some() {}
    rung
}

impl Postman {
    fn new(db: Db, post: Post) -> Self {
        Self { db, post, desk: None, under_way: JoinSet::new(), pulses: HashMap::new(), returned: Vec::new() }
    }

    /// Whether something is under way or has to be written down.
    fn is_busy(&self) -> bool {
        !self.under_way.is_empty() || !self.returned.is_empty()
    }

    /// Writes down what came back, and takes and sends what there is room for. Returns how much was taken.
    async fn turn(&mut self, sends: bool) -> Result<usize> {
        while let Some(back) = self.under_way.try_join_next() {
            self.take(back);
        }
        self.note().await?;
        if !sends || self.under_way.len() >= ALL_MAX {
            return Ok(0);
        }
        let claimed = self.claim().await?;
        let taken = claimed.len();
        for claimed in claimed {
            let pulse = self.pulses.entry(claimed.endpoint_id).or_default();
            pulse.under_way += 1;
            pulse.failing |= claimed.failing;
            let (db, post) = (self.db.clone(), self.post.clone());
            self.under_way.spawn(async move {
                let at = db.clock().now();
                let heard = deliver(&db, &post, &claimed, at).await;
                Returned { claimed, at, heard }
            });
        }
        Ok(taken)
    }

    /// Somebody who panics says nothing: the message is due again by itself.
    fn take(&mut self, back: std::result::Result<Returned, tokio::task::JoinError>) {
        match back {
            Ok(returned) => self.returned.push(returned),
            Err(error) => {
                tracing::error!(%error, "a message was lost on its way and is sent again");
                // Whose it was is not known any more.
                self.pulses.clear();
            }
        }
    }

    async fn desk(&mut self) -> Result<&mut PgConnection> {
        if self.desk.is_none() {
            let mut desk = self.db.autocommit(SystemTask::Webhooks).await?;
            // What a crash forgets is sent again.
            sqlx::raw_sql("set synchronous_commit = off").execute(&mut desk).await?;
            self.desk = Some(desk);
        }
        Ok(self.desk.as_mut().ok_or(sqlx::Error::PoolClosed)?)
    }

    async fn claim(&mut self) -> Result<Vec<Claimed>> {
        let in_lane: i32 = self.pulses.values().filter(|p| p.is_in_lane()).map(|p| p.under_way).sum();
        let lane_is_full = usize::try_from(in_lane).unwrap_or(0) >= LANE_MAX;
        let free = |pulse: &Pulse| {
            let closed = pulse.is_in_lane() && lane_is_full;
            if closed { 0 } else { (pulse.room() - pulse.under_way).max(0) }
        };
        let known: Vec<_> = self.pulses.iter().map(|(id, pulse)| Room { endpoint: *id, free: free(pulse) }).collect();
        let all = i64::try_from(ALL_MAX - self.under_way.len()).unwrap_or(0);
        let now = self.db.clock().now();
        let failing = if lane_is_full { 0 } else { FAILING_MAX };
        let rooms = Rooms { known: &known, well: WELL_MAX, failing, all };
        queue::claim(self.desk().await?, &rooms, now, now + LEASE).await
    }

    /// Writes down what became of everything that came back. If that fails, it is tried again with what comes back meanwhile.
    async fn note(&mut self) -> Result<()> {
        if self.returned.is_empty() {
            return Ok(());
        }
        let now = self.db.clock().now();
        let notes: Vec<_> = self.returned.iter().map(|back| self.came_to(back)).collect();
        // An endpoint that took one of them is well.
        let mut verdicts = HashMap::new();
        for note in &notes {
            *verdicts.entry(note.endpoint).or_insert(false) |= note.status == DeliveryStatus::Delivered;
        }
        let [well, failing] =
            [true, false].map(|is| verdicts.iter().filter(|(_, v)| **v == is).map(|(id, _)| *id).collect::<Vec<_>>());
        let desk = self.desk().await?;
        queue::note(desk, &notes, &well, &failing, now).await?;
        let long = if failing.is_empty() {
            Vec::new()
        } else {
            queue::long_failing(desk, &failing, now - TimeDelta::days(FAILING_DAYS)).await?
        };
        let mut off: Vec<(CompanyId, EndpointId, &str)> =
            long.into_iter().map(|(company, id)| (company, id, "nothing arrived there for three days")).collect();
        for back in std::mem::take(&mut self.returned) {
            let pulse = self.pulses.entry(back.claimed.endpoint_id).or_default();
            pulse.under_way = (pulse.under_way - 1).max(0);
            pulse.failing = !verdicts.get(&back.claimed.endpoint_id).copied().unwrap_or(true);
            pulse.slow = u128::try_from(back.heard.milliseconds).unwrap_or(0) > SLOW.as_millis();
            if back.heard.status == Some(GONE) {
                off.push((back.claimed.company_id, back.claimed.endpoint_id, "it answered 410 Gone"));
            }
        }
        self.forget_well();
        for (company, id, why) in off {
            switch_off(&self.db, company, id, why).await?;
        }
        Ok(())
    }

    /// Only of those that are not well something must be remembered, and of few of them.
    fn forget_well(&mut self) {
        let crowded = self.pulses.len() > REMEMBERED_MAX;
        self.pulses.retain(|_, pulse| pulse.under_way > 0 || pulse.is_in_lane() && !crowded);
    }

    /// What is written down about a message that came back.
    fn came_to(&self, Returned { claimed, at, heard }: &Returned) -> Note {
        let (status, step, due_at) = if heard.arrived() {
            (DeliveryStatus::Delivered, claimed.step, None)
        } else if heard.status == Some(GONE) {
            (DeliveryStatus::Failed, claimed.step + 1, None)
        } else {
            match wait(&self.db, claimed.step, heard.retry_after) {
                Some(wait) => (DeliveryStatus::Waiting, claimed.step + 1, Some(*at + wait)),
                None => (DeliveryStatus::Failed, claimed.step + 1, None),
            }
        };
        Note {
            company: claimed.company_id,
            id: claimed.id,
            endpoint: claimed.endpoint_id,
            no: claimed.attempts,
            at: *at,
            milliseconds: heard.milliseconds,
            http: heard.status.map(i32::from),
            answer: heard.answer.clone(),
            error: heard.error.clone(),
            status,
            step,
            due_at,
        }
    }
}

/// The status by which an endpoint says that it wants nothing any more.
const GONE: u16 = 410;

/// The wait after a failure, a tenth more or less, so that what failed together does not come back together; or what was asked for, if
/// that is longer. `None` when it is given up.
pub(super) fn wait(db: &Db, step: i32, asked: Option<u32>) -> Option<TimeDelta> {
    let seconds = *SCHEDULE.get(usize::try_from(step).ok()?)?;
    let [luck] = db.luck::<1>();
    let jitter = seconds * 1_000 * (i64::from(luck) - 128) / 1_280;
    let asked = TimeDelta::seconds(asked.map_or(0, i64::from).min(ASKED_SECONDS_MAX));
    Some((TimeDelta::milliseconds(seconds * 1_000 + jitter)).max(asked))
}

async fn deliver(db: &Db, post: &Post, claimed: &Claimed, at: Timestamp) -> Heard {
    // A rule that became stricter holds for what was entered before.
    if !model::webhooks::is_address(&claimed.url, db.config().dev) {
        return Heard::not_sent("messages do not go to such an address");
    }
    let old = claimed.old_secret_sealed.as_ref().filter(|_| claimed.old_until.is_some_and(|until| until > at));
    let sealed = std::iter::once(&claimed.secret_sealed).chain(old);
    let keys: Result<Vec<_>> = sealed.map(|sealed| unseal(db, claimed.company_id, claimed.endpoint_id, sealed)).collect();
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => {
            tracing::error!(endpoint = %claimed.endpoint_id, %error, "nothing can be signed");
            return Heard::not_sent("its secret cannot be read; rotate it");
        }
    };
    let id = claimed.id.to_string();
    post.send(Message { url: &claimed.url, id: &id, at, body: &claimed.body, keys: &keys }).await
}

#[cfg(test)]
pub(super) mod testing {
    //! A worker that works once, one that dies half-way, and one that works for as long as a test needs it.

    use super::*;

    /// Sends everything that is due once, and writes down what became of it. Returns how much was sent.
    pub async fn send_due(db: &Db, post: &Post) -> Result<usize> {
        let mut postman = Postman::new(db.clone(), post.clone());
        let mut sent = 0;
        loop {
            sent += postman.turn(true).await?;
            match postman.under_way.join_next().await {
                Some(back) => postman.take(back),
                None => return Ok(sent),
            }
        }
    }

    /// Takes and sends what is due, and dies before it is written down.
    pub async fn half_a_turn(db: &Db, post: &Post) {
        let mut postman = Postman::new(db.clone(), post.clone());
        postman.turn(true).await.expect("taken");
        while let Some(sent) = postman.under_way.join_next().await {
            sent.expect("sent");
        }
    }

    /// Sends in the background until `work` is done.
    pub async fn run_until(db: Db, post: Post, work: impl Future<Output = ()>) {
        tokio::select! {
            () = go_on(Postman::new(db, post), CancellationToken::new()) => panic!("nobody stopped it"),
            () = work => {}
        }
    }
}
