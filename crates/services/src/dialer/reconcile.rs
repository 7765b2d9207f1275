//! Calls that are later than they should be: looked up at the provider, never redialed.

use super::gateway::{self, Gateway, Network};
use super::plan::Dial;
use crate::actor::{Actor, SystemTask};
use crate::calls::{self, Report};
use crate::db::{Db, Tx};
use crate::error::Result;
use chrono::{DateTime, TimeDelta, Utc};
use model::calls::{CallState, Direction, Outcome};
use model::id::{CallId, CompanyId, GatewayId};
use model::phone::Phone;
use providers::{CallbackKind, LookUp, Observed, ProviderCallId, ProviderStatus};

/// How long a provider may take to show a call it accepted.
const SETTLING_SECONDS: i64 = 60;
/// Look-ups that must agree before a call counts as never placed.
const ABSENT_MIN: i32 = 2;
/// An unknown is given up, and its hold released, after this (engine.md §3).
const UNKNOWN_HOURS_MAX: i64 = 24;
/// Between two looks at a call that is still under way.
const LOOK_SECONDS: i64 = 20;
/// Calls looked at per turn.
const CHECKS_MAX: i64 = 50;
/// A look-up is one worker's for this long: longer than its request may take, so that two look-ups that
/// agree are two and not one made twice.
const CLAIM: TimeDelta = TimeDelta::seconds(30);
/// Clocks of two machines may differ by this much.
const SKEW: TimeDelta = TimeDelta::minutes(2);

/// When an intent without an answer is looked up: the lease and the request are over, the provider settled.
pub(crate) fn settling(speed: i32) -> TimeDelta {
    let lease = i64::try_from(super::lease::SECONDS + providers::http::REQUEST_TIMEOUT.as_secs()).unwrap_or(i64::MAX);
    TimeDelta::seconds(lease) + TimeDelta::seconds(SETTLING_SECONDS) / speed.max(1)
}

/// When an accepted call is first looked at: it should have been answered or given up by then.
pub(crate) fn first_check(dial: &Dial, speed: i32) -> TimeDelta {
    let ring = TimeDelta::seconds(i64::from(dial.originate.ring_seconds_max));
    ((ring + TimeDelta::seconds(LOOK_SECONDS)) / speed.max(1)).max(TimeDelta::seconds(2))
}

/// When a call that came in is looked at: it should be over by then, and nobody tells us of an end that got lost.
pub(crate) fn inbound_check(seconds_max: i64, speed: i32) -> TimeDelta {
    (TimeDelta::seconds(seconds_max + LOOK_SECONDS) / speed.max(1)).max(TimeDelta::seconds(2))
}

/// A call that wants to be looked up.
#[derive(sqlx::FromRow, Debug, Clone)]
pub struct Late {
    pub company_id: CompanyId,
    pub id: CallId,
    gateway_id: GatewayId,
    provider_call_id: Option<String>,
    phone: Phone,
    from_phone: Phone,
    created_at: DateTime<Utc>,
    call_seconds_max: i32,
    direction: Direction,
    absent: i32,
    checks: i32,
}

/// Calls whose time to be looked at has come, and the next such time. Intents of a living worker are its own.
///
/// # Errors
/// When the database is away.
pub async fn due_checks(db: &Db) -> Result<(Vec<Late>, Option<DateTime<Utc>>)> {
    let mut tx = db.begin_system(SystemTask::FindWork).await?;
    let now = tx.now();
    let late = sqlx::query_as(
        "select company_id, id, gateway_id, provider_call_id, phone, from_phone, created_at, call_seconds_max, direction, absent, checks
         from calls where check_at <= $1 order by check_at limit $2",
    )
    .bind(now)
    .bind(CHECKS_MAX)
    .fetch_all(tx.conn())
    .await?;
    let next = sqlx::query_scalar("select min(check_at) from calls where check_at > $1").bind(now).fetch_one(tx.conn()).await?;
    tx.commit().await?;
    Ok((late, next))
}

/// Looks one call up and writes down what was found. The network sits between two transactions.
///
/// # Errors
/// When the database refuses; the call is looked at again.
pub async fn reconcile(db: &Db, network: &Network, late: &Late) -> Result<()> {
    let actor = Actor::engine(late.company_id);
    let mut tx = db.begin(&actor).await?;
    let until = tx.now() + CLAIM;
    if !calls::repo::claim_check(&mut tx, late.id, until).await? {
        return Ok(()); // another worker looks, or the call ended meanwhile
    }
    let gateway = gateway::load(&mut tx, late.gateway_id).await?;
    let speed = gateway.speed(tx.config());
    tx.commit().await?;
    let found = look(db, network, &gateway, late).await;
    let mut tx = db.begin(&actor).await?;
    let wait = (TimeDelta::seconds(LOOK_SECONDS) / speed.max(1)).max(TimeDelta::seconds(1));
    // Where nothing is told, a look is the only way to hear of the end.
    let patience = if gateway.kind.is_polled() { wait } else { wait * (1 << late.checks.clamp(0, 5)) };
    let next = tx.now() + patience;
    let over = tx.now() - late.created_at > TimeDelta::hours(UNKNOWN_HOURS_MAX);
    match found {
        Ok((Some(found), _)) => {
            let seen = found.seen().cloned();
            calls::ingest_news(&mut tx, late.id, &found.id, found.news).await?;
            match seen {
                Some(seen) if matches!(seen.status, ProviderStatus::Ended(_)) => {}
                // Shown as under way long after it must be over: the provider lost its end.
                _ if over => give_up(&mut tx, late.id, "The provider shows no end for a day; the hold is released.").await?,
                Some(seen) => look_again_or_hang_up(&mut tx, &gateway, late, &seen, next).await?,
                None => calls::repo::check_again(&mut tx, late.id, next).await?,
            }
        }
        // A callback may have told us of the call while the look-up was under way: then it is not absent.
        Ok((None, false)) if !calls::repo::is_unheard(&mut tx, late.id).await? => {
            calls::repo::check_again(&mut tx, late.id, next).await?;
        }
        Ok((None, false)) if late.absent + 1 >= ABSENT_MIN => {
            calls::step(&mut tx, late.id, "Not placed", "The provider does not know this call; the attempt is written off.")
                .await?;
            let report = Report {
                uncertain: true,
                provider_code: Some("not_placed".to_owned()),
                ..Report::state(CallState::ended(Outcome::Failed))
            };
            calls::absorb(&mut tx, late.id, report).await?;
        }
        Ok((None, false)) => calls::repo::note_absent(&mut tx, late.id, next).await?,
        Ok((None, true)) | Err(_) if over => {
            give_up(&mut tx, late.id, "The provider could not tell for a day; the hold is released.").await?;
        }
        Ok((None, true)) => calls::repo::check_again(&mut tx, late.id, next).await?,
        Err(e) => {
            tracing::warn!(call = %late.id, error = %e, "look-up failed");
            calls::repo::check_again(&mut tx, late.id, next).await?;
        }
    }
    tx.commit().await
}

/// Nobody will ever tell how this call ended: its hold and its slots are given back.
async fn give_up(tx: &mut Tx, call: CallId, why: &str) -> Result<()> {
    calls::step(tx, call, "Unknown", why).await?;
    let report = Report { uncertain: true, ..Report::state(CallState::ended(Outcome::Unknown)) };
    calls::absorb(tx, call, report).await
}

/// What a provider tells of a call when it is asked.
struct Found {
    id: ProviderCallId,
    news: Vec<CallbackKind>,
}

impl Found {
    fn seen(&self) -> Option<&Observed> {
        self.news.iter().find_map(|one| match one {
            CallbackKind::Status(seen) => Some(seen.as_ref()),
            _ => None,
        })
    }
}

/// Asks for the call by the provider's id where we have one, and then whether it was known; else for a call between these
/// numbers at that time.
async fn look(
    db: &Db,
    network: &Network,
    gateway: &Gateway,
    late: &Late,
) -> Result<(Option<Found>, bool), providers::ProviderError> {
    let provider = network.provider(gateway);
    let found = |seen: Observed| Found { id: seen.id.clone(), news: vec![CallbackKind::Status(Box::new(seen))] };
    if let Some(id) = &late.provider_call_id {
        let id = ProviderCallId::new(id.as_str());
        let news = provider.report(&id).await?;
        if !news.is_empty() {
            return Ok((Some(Found { id, news }), true));
        }
        // The question whether to take a call in has an id that no call has.
        let seen = match late.direction {
            Direction::Inbound => provider.find(&late.look_up(&late.from_phone, &late.phone, db.clock().now())).await?,
            Direction::Outbound => Vec::new(),
        };
        return Ok((seen.into_iter().find(|seen| seen.call == Some(late.id)).map(found), true));
    }
    let look = late.look_up(&late.phone, &late.from_phone, db.clock().now());
    let known = known_ids(db, &Actor::engine(late.company_id), late).await;
    let known = known.map_err(|error| providers::ProviderError::Unreachable(error.to_string()))?;
    let list = provider.find(&look).await?;
    Ok((list.into_iter().find(|seen| !known.contains(&seen.id.to_string())).map(found), false))
}

impl Late {
    fn look_up(&self, to: &Phone, from: &Phone, now: DateTime<Utc>) -> LookUp {
        let (to, from) = (to.clone(), from.clone());
        LookUp { to, from, call: Some(self.id), since: self.created_at - SKEW, until: now + SKEW }
    }
}

/// A call that outlives the longest call it may be is asked to end, where that can be asked; the rest is looked at again.
async fn look_again_or_hang_up(tx: &mut Tx, gateway: &Gateway, late: &Late, seen: &Observed, next: DateTime<Utc>) -> Result<()> {
    let speed = gateway.speed(tx.config());
    let longest = TimeDelta::seconds(i64::from(late.call_seconds_max));
    let longest = match late.direction {
        // It was told its limit, and rang before that.
        Direction::Outbound => longest * 2 / speed.max(1) + TimeDelta::seconds(60),
        // Nobody can tell a provider how long a call that comes in may last: the limit is ours to enforce.
        Direction::Inbound => longest / speed.max(1),
    };
    let is_on = !matches!(seen.status, ProviderStatus::Ended(_));
    if gateway.kind.hangs_up() && is_on && tx.now() - late.created_at > longest {
        calls::step(tx, late.id, "Longer than it may be", "Asking the provider to hang up.").await?;
        calls::ask_to_hang_up(tx, late.id).await?;
    }
    calls::repo::check_again(tx, late.id, next).await
}

/// Provider ids that already belong to other calls of this number.
async fn known_ids(db: &Db, actor: &Actor, late: &Late) -> Result<Vec<String>> {
    let mut tx = db.begin(actor).await?;
    let ids =
        sqlx::query_scalar("select provider_call_id from calls where phone = $1 and id <> $2 and provider_call_id is not null")
            .bind(&late.phone)
            .bind(late.id)
            .fetch_all(tx.conn())
            .await?;
    tx.commit().await?;
    Ok(ids)
}
