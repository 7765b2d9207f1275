//! The loop of one worker: turns of campaigns, answers, callbacks and look-ups, woken by bells and by time.

use super::lease::{self, Lease};
use super::plan::{self, Dial};
use super::tray::Tray;
use super::{CHANNEL, Network, place, reconcile};
use crate::actor::{Actor, SystemTask};
use crate::db::Db;
use crate::error::Result;
use crate::{campaigns, inbox, speech};
use chrono::{DateTime, TimeDelta, Utc};
use model::campaigns::Parked;
use model::id::{CampaignId, CompanyId};
use providers::Answer;
use secrecy::ExposeSecret;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Campaigns per turn of the loop.
const CAMPAIGNS_MAX: i64 = 50;
/// Requests to providers under way at once, per worker: those of four full turns, and some look-ups.
pub(super) const REQUESTS_MAX: usize = 4 * plan::BATCH_MAX as usize + 8;
/// Request slots that a turn may need.
const BATCH: u32 = plan::BATCH_MAX as u32;
/// The longest sleep; bells and due times end it earlier.
const IDLE: Duration = Duration::from_secs(1);
/// The longest wait for free request slots, so that callbacks and look-ups go on while a provider hangs.
const SATURATED: Duration = Duration::from_millis(20);
/// The wait after the database was away.
const AWAY: Duration = Duration::from_millis(250);

/// Dials until told to stop. Survives the database going away and coming back.
///
/// # Errors
/// Never for a passing trouble; only when the first lease cannot be had.
pub async fn run(db: Db, network: Network, stop: CancellationToken) -> anyhow::Result<()> {
    let lease = first_lease(&db, &stop).await?;
    let Some(lease) = lease else { return Ok(()) };
    let mut tasks = JoinSet::new();
    tasks.spawn(keep_lease(db.clone(), lease.clone(), stop.clone()));
    let (requests, tray) = (Arc::new(Semaphore::new(REQUESTS_MAX)), Arc::new(Tray::default()));
    let mut bell = None;
    let mut sweep_due = Instant::now();
    while !stop.is_cancelled() {
        if bell.is_none() {
            bell = listen(&db).await;
        }
        if Instant::now() >= sweep_due {
            sweep_due = Instant::now() + IDLE;
            if let Err(e) = start_scheduled(&db).await {
                tracing::warn!(error = %e, "scheduled campaigns");
            }
        }
        match turn(&db, &network, &lease, &requests, &tray, &mut tasks).await {
            Ok(Next::At(next)) => wait(&db, &mut bell, next, &stop).await,
            Ok(Next::Saturated) => drop(tokio::time::timeout(SATURATED, requests.acquire_many(BATCH)).await),
            Err(e) => {
                tracing::warn!(error = %e, "the database is away; trying again");
                bell = None;
                tokio::time::sleep(AWAY).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
    // Requests under way are finished and recorded; what is not, the reconciler finds.
    while tasks.join_next().await.is_some() {}
    Ok(())
}

async fn first_lease(db: &Db, stop: &CancellationToken) -> anyhow::Result<Option<Lease>> {
    loop {
        match Lease::init(db).await {
            Ok(lease) => return Ok(Some(lease)),
            Err(e) if e.is_transient() && !stop.is_cancelled() => tokio::time::sleep(AWAY).await,
            Err(_) if stop.is_cancelled() => return Ok(None),
            Err(e) => return Err(e.into()),
        }
    }
}

async fn keep_lease(db: Db, lease: Lease, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(lease::BEAT) => {
                if let Err(e) = lease.confirm(&db).await {
                    tracing::warn!(error = %e, "lease not confirmed");
                }
            }
        }
    }
}

async fn listen(db: &Db) -> Option<PgListener> {
    let mut listener = PgListener::connect(db.config().system_database_url.expose_secret()).await.ok()?;
    listener.listen_all([CHANNEL, inbox::CHANNEL]).await.ok()?;
    Some(listener)
}

/// When the loop goes on.
enum Next {
    /// At this moment at the latest, or when a bell rings.
    At(Option<DateTime<Utc>>),
    /// There is work, and no request slot for it.
    Saturated,
}

/// One round: callbacks first (they free lines), then campaigns, then look-ups. Returns when to come back.
async fn turn(
    db: &Db,
    network: &Network,
    lease: &Lease,
    requests: &Arc<Semaphore>,
    tray: &Arc<Tray>,
    tasks: &mut JoinSet<()>,
) -> Result<Next> {
    let applied = inbox::drain(db).await?;
    let mut tx = db.begin_system(SystemTask::FindWork).await?;
    let (ready, mut next) = plan::runnable(&mut tx, CAMPAIGNS_MAX).await?;
    tx.commit().await?;
    let mut is_saturated = false;
    for (company, campaign) in &ready {
        // A request slot per intent must be free: nothing waits between the commit and the request.
        let Ok(mut slots) = requests.clone().try_acquire_many_owned(BATCH) else {
            is_saturated = true;
            break;
        };
        let committed = match claim(db, lease, *company, *campaign).await {
            Ok(dials) => dials,
            Err(e) if e.is_transient() => return Err(e),
            Err(e) => {
                tracing::error!(%campaign, error = %e, "turn failed");
                set_aside(db, *company, *campaign).await?;
                continue;
            }
        };
        let now = Instant::now();
        for dial in committed {
            let (db, network, lease, tray) = (db.clone(), network.clone(), lease.clone(), tray.clone());
            let slot = slots.split(1);
            tasks.spawn(async move {
                let answer = place::act(&network, &lease, &dial, now).await;
                let is_placed = matches!(answer, Answer::Placed(_));
                let (company, script) = (dial.company, dial.voice.clone().map(|voice| (voice, dial.originate.script.clone())));
                tray.note(&db, dial, answer).await;
                drop(slot);
                if let Some((voice, script)) = script.filter(|_| is_placed) {
                    speech::warm(&db, &network, company, &voice, &script).await;
                }
            });
        }
    }
    let (late, next_check) = reconcile::due_checks(db).await?;
    for call in late {
        // Look-ups share the request slots, one each: a provider that hangs holds nothing else up.
        let Ok(slot) = requests.clone().try_acquire_owned() else {
            is_saturated = true;
            break;
        };
        let (db, network) = (db.clone(), network.clone());
        tasks.spawn(async move {
            if let Err(e) = reconcile::reconcile(&db, &network, &call).await {
                tracing::warn!(call = %call.id, error = %e, "look-up not written down");
            }
            drop(slot);
        });
    }
    next = [next, next_check].into_iter().flatten().min();
    Ok(match (is_saturated, applied > 0 || !ready.is_empty()) {
        (true, _) => Next::Saturated,
        (false, true) => Next::At(Some(db.clock().now())),
        (false, false) => Next::At(next),
    })
}

async fn claim(db: &Db, lease: &Lease, company: CompanyId, campaign: CampaignId) -> Result<Vec<Dial>> {
    // Every turn of a company locks its slots.
    let mut tx = db.begin_hot(&Actor::engine(company)).await?;
    let turn = plan::plan(&mut tx, campaign, lease.worker).await?;
    tx.commit().await?;
    Ok(turn.dials)
}

/// A campaign whose turn fails for a reason of ours must not stop the others.
async fn set_aside(db: &Db, company: CompanyId, campaign: CampaignId) -> Result<()> {
    let mut tx = db.begin(&Actor::engine(company)).await?;
    let until = tx.now() + TimeDelta::seconds(30);
    campaigns::repo::park(&mut tx, campaign, Some(until), Some(Parked::Trouble)).await?;
    tx.commit().await
}

async fn start_scheduled(db: &Db) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::FindWork).await?;
    let due = plan::to_start(&mut tx).await?;
    tx.commit().await?;
    for (company, campaign) in due {
        let mut tx = db.begin(&Actor::engine(company)).await?;
        campaigns::start_scheduled(&mut tx, campaign).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn wait(db: &Db, bell: &mut Option<PgListener>, next: Option<DateTime<Utc>>, stop: &CancellationToken) {
    let until = next.map_or(IDLE, |at| (at - db.clock().now()).to_std().unwrap_or(Duration::ZERO).min(IDLE));
    if until.is_zero() {
        return;
    }
    let rung = async {
        match bell {
            Some(listener) => {
                let rung = listener.recv().await.is_ok();
                // However often it rang meanwhile, one look answers all of it.
                while listener.next_buffered().is_some() {}
                rung
            }
            None => std::future::pending().await,
        }
    };
    let lost = tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(until) => false,
        ok = rung => !ok,
    };
    if lost {
        *bell = None;
    }
}
