//! The claim transaction: takes slots and tokens, decides, holds credits, commits intents. After its commit
//! nothing waits: the commit *is* the moment of dialing.

use super::choose::{self, Due};
use super::eligible::{Past, start_of_day, start_of_next_day};
use super::gateway::{self, Gateway};
use super::numbers::{self, Line, Lines};
use super::slots::{self, Free, Seat};
use crate::agents::kept::{self, Speaker};
use crate::agents::{self, Listener};
use crate::companies::Own;
use crate::credits::Purse;
use crate::db::Tx;
use crate::enrollments::repo::{Intent, Intents};
use crate::error::Result;
use crate::speech::Voice;
use crate::webhooks::Told;
use crate::{campaigns, companies, credits, enrollments};
use chrono::{DateTime, TimeDelta, Utc};
use model::campaigns::{Parked, Status};
use model::companies::Settings;
use model::credits::{Credits, Price};
use model::events::{EventKind, Topic};
use model::id::{AgentId, CallId, CampaignId, CompanyId, ContactId};
use model::phone::Phone;
use providers::RemoteAgent;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Intents committed per turn of one campaign, so that no company keeps others waiting.
pub const BATCH_MAX: i64 = 50;
/// A campaign that ran out of its reservation extends by this many longest calls at once.
const EXTENSION_CALLS: i64 = 5;

/// A committed intent: everything `act` needs, so that it reads nothing.
#[derive(Debug, Clone)]
pub struct Dial {
    pub company: CompanyId,
    pub call: CallId,
    pub gateway: Gateway,
    pub originate: providers::Originate,
    /// Who speaks its script; where none, the provider reads it out or somebody there talks.
    pub voice: Option<Voice>,
    pub committed_at: DateTime<Utc>,
}

/// What one turn of one campaign did.
#[derive(Debug, Default)]
pub struct Turn {
    pub dials: Vec<Dial>,
}

/// One turn of one campaign: at most [`BATCH_MAX`] intents, then the time of the next turn.
/// Lock order: slots of company, gateway, campaign and its numbers, gateway, campaign, phone numbers, enrollments.
///
/// # Errors
/// When the database refuses; then nothing happened.
pub async fn plan(tx: &mut Tx, campaign: CampaignId, worker: Uuid) -> Result<Turn> {
    let Some((gateway_id, is_suspended)) = campaigns::repo::gateway_now(tx, campaign).await? else { return Ok(Turn::default()) };
    if is_suspended {
        // Launched while it was being suspended.
        campaigns::pause_self(tx, campaign, "The company is suspended.").await?;
        return Ok(Turn::default());
    }
    let settings = crate::companies::settings(tx).await?;
    let free = slots::free_slots(tx, campaign, gateway_id).await?;
    let mut lines = numbers::lines(tx, gateway_id, settings.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC)).await?;
    let gateway = gateway::lock(tx, gateway_id).await?;
    let Some(c) = campaigns::repo::lock_active(tx, campaign).await? else { return Ok(Turn::default()) };
    let now = tx.now();
    if c.form.ends_at.is_some_and(|end| end <= now) {
        campaigns::expire(tx, &c).await?;
        return Ok(Turn::default());
    }
    if gateway.open_until.is_some_and(|until| until > now) {
        campaigns::repo::park(tx, campaign, gateway.open_until, Some(Parked::Provider)).await?;
        return Ok(Turn::default());
    }
    if lines.is_empty() {
        campaigns::pause_self(tx, campaign, "The gateway has no number to call from.").await?;
        return Ok(Turn::default());
    }
    let half_open = gateway.open_until.is_some();
    let Some(room) = room(tx, &c, &gateway, &settings, &free, &lines).await? else { return Ok(Turn::default()) };
    let own = companies::own(tx).await?;
    let chosen = choose::choose(tx, &c, &gateway, (&settings, &own), room).await?;
    let Committed { dials, halted } = commit_intents(tx, &c, &gateway, (&settings, &own), worker, &mut lines, chosen.due).await?;
    let used = i64::try_from(dials.len()).unwrap_or(0);
    gateway::take_tokens(tx, &gateway, used).await?;
    if let Some(pace) = &free.pace {
        slots::take_tokens(tx, pace, used).await?;
    }
    if !dials.is_empty() {
        campaigns::repo::note_served(tx, campaign).await?;
        if half_open {
            gateway::note_probe(tx, &gateway).await?;
        }
    }
    if chosen.touched {
        crate::events::notice(tx, Topic::Campaigns).await?;
    }
    if !halted {
        campaigns::rest(tx, &c, chosen.touched).await?;
    }
    Ok(Turn { dials })
}

/// How many calls may start now; `None` when none may: then the campaign is parked until some may.
async fn room(
    tx: &mut Tx,
    c: &campaigns::Running,
    gateway: &Gateway,
    settings: &Settings,
    free: &Free,
    lines: &Lines,
) -> Result<Option<i64>> {
    let now = tx.now();
    let tomorrow = || start_of_next_day(now, settings.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC));
    let slots = free.calls.min(lines.room()).min(BATCH_MAX);
    // One probe, and the next only when this one got no answer.
    let slots = if gateway.open_until.is_some() { slots.min(1) } else { slots };
    let (until, why) = if lines.are_spent_today() {
        (Some(tomorrow()), Parked::Today)
    } else if slots <= 0 {
        // Woken when a slot is freed; the long stop only guards against a lost bell.
        (Some(now + TimeDelta::seconds(60)), Parked::Lines)
    } else {
        let left = left_today(tx, c, &settings.time_zone).await?.unwrap_or(slots);
        match tokens(gateway, free, now) {
            _ if left <= 0 => (Some(tomorrow()), Parked::Today),
            Ok(tokens) => return Ok(Some(slots.min(left).min(tokens))),
            Err(next) => (next, Parked::Pace),
        }
    };
    campaigns::repo::park(tx, c.id, until, Some(why)).await?;
    Ok(None)
}

/// Calls that may start in this moment, or when the next may. Whoever is slower sets the pace: the gateway, or the company over
/// all its gateways.
fn tokens(gateway: &Gateway, free: &Free, now: DateTime<Utc>) -> Result<i64, Option<DateTime<Utc>>> {
    let buckets = || std::iter::once(&gateway.bucket).chain(&free.pace);
    let tokens = buckets().map(|bucket| bucket.tokens(now)).min().unwrap_or(0);
    let next = || buckets().filter(|bucket| bucket.tokens(now) <= 0).map(|bucket| bucket.next_token(now)).max();
    if tokens > 0 { Ok(tokens) } else { Err(next()) }
}

/// Calls the campaign may still make today; `None` without a daily cap.
async fn left_today(tx: &mut Tx, c: &campaigns::Running, zone: &str) -> Result<Option<i64>> {
    let Some(cap) = c.form.calls_per_day_max else { return Ok(None) };
    let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let made: i64 = sqlx::query_scalar("select count(*) from calls where campaign_id = $1 and created_at >= $2")
        .bind(c.id)
        .bind(start_of_day(tx.now(), zone))
        .fetch_one(tx.conn())
        .await?;
    Ok(Some(i64::from(cap) - made))
}

struct Committed {
    dials: Vec<Dial>,
    /// Credits ran short; the campaign was parked or paused with the reason.
    halted: bool,
}

/// What all intents of a turn have in common.
struct Terms<'a> {
    c: &'a campaigns::Running,
    gateway: &'a Gateway,
    settings: &'a Settings,
    /// Whether they are recorded.
    record: bool,
    agent: PublishedAgent,
    /// It, as the provider keeps it.
    kept: Option<RemoteAgent>,
    worker: Uuid,
    /// Seconds of the longest call.
    longest: i64,
}

/// Somebody who will be called: what a minute costs there, and what the longest call may cost.
struct Priced {
    call: CallId,
    due: Due,
    /// The number it is called from.
    line: Line,
    price: Price,
    hold: Credits,
}

/// Holds credits and inserts one intent per person, until the credits end.
async fn commit_intents(
    tx: &mut Tx,
    c: &campaigns::Running,
    gateway: &Gateway,
    (settings, own): (&Settings, &Own),
    worker: Uuid,
    lines: &mut Lines,
    due: Vec<Due>,
) -> Result<Committed> {
    let Some(agent) = campaigns::repo::published_agent(tx, c.agent).await? else {
        campaigns::pause_self(tx, c.id, "The agent is no longer published.").await?;
        return Ok(Committed { dials: Vec::new(), halted: true });
    };
    let kept = match kept::speaker(tx, gateway, &agent).await? {
        Speaker::Anyone => None,
        Speaker::Kept(remote) => Some(remote),
        Speaker::Pending => {
            // Woken when it is there; the long stop only guards against a lost bell.
            let look = tx.now() + TimeDelta::seconds(60);
            campaigns::repo::park(tx, c.id, Some(look), Some(Parked::Agent)).await?;
            return Ok(Committed { dials: Vec::new(), halted: true });
        }
        Speaker::Failed(why) => {
            let why = format!("The agent could not be published at the provider. {why}");
            campaigns::pause_self(tx, c.id, &why).await?;
            return Ok(Committed { dials: Vec::new(), halted: true });
        }
    };
    let longest = i64::from(c.form.call_minutes_max.min(settings.call_minutes_max)) * 60;
    let terms = Terms { c, gateway, settings, record: c.form.record && !own.hipaa, agent, kept, worker, longest };
    let tariff = credits::tariff(tx, credits::ENGINE, due.iter().map(|d| &d.phone)).await?;
    let mut priced = Vec::new();
    for due in due {
        // There are no more people than room on the numbers.
        let Some(line) = lines.choose_number(due.last_number) else { break };
        let price = tariff.price(&due.phone);
        priced.push(Priced { call: tx.id(), due, line, price, hold: price.cost(longest) });
    }
    let covered = afford(tx, c, &priced.iter().map(|p| p.hold).collect::<Vec<_>>()).await?;
    let halted = covered < priced.len();
    priced.truncate(covered);
    let holds: Vec<_> = priced.iter().map(|p| (p.call, p.hold)).collect();
    credits::hold(tx, Purse::Escrow(c.id), &holds).await?;
    let intents = terms.intents(tx, &priced);
    enrollments::repo::insert_intents(tx, &intents).await?;
    let dials: Vec<_> = priced.iter().map(|p| terms.dial(tx, p.call, &p.due, &p.line)).collect();
    if halted {
        run_dry(tx, c).await?;
    }
    if !dials.is_empty() {
        let seat = |p: &Priced| Seat { campaign: c.id, gateway: gateway.id, number: Some(p.line.id) };
        slots::move_slots(tx, &priced.iter().map(seat).collect::<Vec<_>>(), 1).await?;
        crate::events::notice(tx, Topic::Calls).await?;
    }
    Ok(Committed { dials, halted })
}

impl Terms<'_> {
    /// The rows that are committed before anything rings.
    fn intents<'a>(&self, tx: &Tx, priced: &'a [Priced]) -> Intents<'a> {
        let (agent, agent_version, _) = &self.agent;
        let intent = |p: &'a Priced| Intent {
            call: p.call,
            enrollment: p.due.id,
            contact: p.due.contact_id,
            attempt: p.due.dials + 1,
            phone: &p.due.phone,
            number: p.line.id,
            from: &p.line.phone,
            price: p.price,
            held: p.hold,
            rules: &p.due.rules,
            open_until: p.due.open_until,
        };
        Intents {
            campaign: self.c.id,
            agent: *agent,
            agent_version: *agent_version,
            settings_version: self.c.settings_version,
            gateway: self.gateway.id,
            seconds_max: i32::try_from(self.longest).unwrap_or(i32::MAX),
            worker: self.worker,
            check_at: tx.now() + super::reconcile::settling(self.gateway.speed(tx.config())),
            calls: priced.iter().map(intent).collect(),
        }
    }

    /// The request that follows the commit, with everything filled in.
    fn dial(&self, tx: &Tx, call: CallId, d: &Due, from: &Line) -> Dial {
        let (_, _, agent) = &self.agent;
        let callback = self.gateway.hook(tx.config());
        let to = Listener { name: Some(d.name.clone()), contact_company: d.company.clone(), company: self.settings.name.clone() };
        let script = agents::script(agent, &to);
        // Its sound takes the network, which a transaction may not: the provider asks when somebody has picked up.
        let voice = Voice::of(agent).filter(|_| !self.gateway.kind.is_conversational());
        let script_url = voice.as_ref().map(|_| format!("{callback}/script?call={call}"));
        let originate = providers::Originate {
            call,
            to: d.phone.clone(),
            from: from.phone.clone(),
            from_id: from.remote_id.clone(),
            script,
            script_url,
            agent: self.kept.clone(),
            variables: kept::variables(agent, &to),
            ring_seconds_max: u32::try_from(self.settings.ring_seconds_max).unwrap_or(30),
            talk_seconds_max: u32::try_from(self.longest).unwrap_or(60),
            record: self.record,
            machine_detection: true,
            callback_url: format!("{callback}?call={call}"),
            gather_url: format!("{callback}/gather?call={call}"),
        };
        Dial { company: tx.actor().company(), call, gateway: self.gateway.clone(), committed_at: tx.now(), originate, voice }
    }
}

/// How many of these calls, in this order, the campaign can hold credits for. An escrow that is short is extended
/// in blocks while the company can pay; a budget is not.
async fn afford(tx: &mut Tx, c: &campaigns::Running, holds: &[Credits]) -> Result<usize> {
    let mut left = credits::escrow(tx, c.id).await?;
    let (all, largest) = (holds.iter().copied().sum::<Credits>(), holds.iter().copied().max().unwrap_or_default());
    if left < all && c.form.budget.is_none() {
        let (first, block) = (holds.first().copied().unwrap_or_default(), Credits(largest.0.saturating_mul(EXTENSION_CALLS)));
        let at_least = (first - left).max(Credits::ZERO);
        left += credits::extend(tx, c.id, at_least, block.max(all - left)).await?;
    }
    let fits = |hold: &&Credits| {
        let fits = **hold <= left;
        left = if fits { left - **hold } else { left };
        fits
    };
    Ok(holds.iter().take_while(fits).count())
}

/// No credits for the next call: waits for calls under way, which may give some back, and pauses the campaign
/// with the reason when there are none.
async fn run_dry(tx: &mut Tx, c: &campaigns::Running) -> Result<()> {
    if campaigns::repo::live_calls(tx, c.id).await? > 0 {
        return campaigns::repo::park(tx, c.id, None, Some(Parked::Credits)).await;
    }
    let why = if c.form.budget.is_some() { campaigns::BUDGET_USED } else { campaigns::OUT_OF_CREDITS };
    campaigns::pause_self(tx, c.id, why).await?;
    tx.tell(Told::credits_low(c.id, &c.name, why));
    tx.record(EventKind::CreditsLow, Some(c.id.to_string()), format!("{}: {why}", c.name)).await
}

/// Which campaigns have work. Companies take turns, whatever number of campaigns each has; within a company the
/// campaign that waited longest for a line is first.
///
/// # Errors
/// When the database is away.
pub(crate) async fn runnable(
    tx: &mut crate::db::SystemTx,
    limit: i64,
) -> Result<(Vec<(CompanyId, CampaignId)>, Option<DateTime<Utc>>)> {
    let now = tx.now();
    let rows = sqlx::query_as(
        "select company_id, id from (
            select company_id, id, served_at, runnable_at,
                   row_number() over (partition by company_id order by served_at nulls first, runnable_at) as turn
            from campaigns where status = 'active' and runnable_at <= $1) ready
         where turn <= 3 order by turn, served_at nulls first, runnable_at limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    let next = sqlx::query_scalar("select min(runnable_at) from campaigns where status = 'active' and runnable_at > $1")
        .bind(now)
        .fetch_one(tx.conn())
        .await?;
    Ok((rows, next))
}

/// Scheduled campaigns whose time has come.
pub(super) async fn to_start(tx: &mut crate::db::SystemTx) -> Result<Vec<(CompanyId, CampaignId)>> {
    let now = tx.now();
    let status = Status::Scheduled;
    Ok(sqlx::query_as("select company_id, id from campaigns where status = $2 and starts_at <= $1 order by starts_at limit 100")
        .bind(now)
        .bind(status)
        .fetch_all(tx.conn())
        .await?)
}

/// Contact → recent calls; see [`Facts::calls`].
pub(crate) type Recent = HashMap<ContactId, Vec<Past>>;
/// Numbers with a call under way.
pub(crate) type Live = HashSet<Phone>;
/// An agent with the version a call is made with.
pub(crate) type PublishedAgent = (AgentId, i32, model::agents::AgentForm);
