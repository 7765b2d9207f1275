//! Rehearsal (engine.md §8): what a campaign would do with its real list, rules and credits, played on a virtual clock
//! against modelled phones. Reading is one transaction, playing none, and nothing is written but the report.

mod network;
mod play;
mod repo;
mod report;
mod stage;
#[cfg(test)]
mod tests;

use crate::actor::Actor;
use crate::db::{Db, Tx};
use crate::dialer::eligible::start_of_day;
use crate::error::Result;
use crate::rules::Place;
use crate::{campaigns, companies, consents, credits, dialer, enrollments};
use anyhow::Context;
use chrono_tz::Tz;
use model::accounts::Permission;
use model::campaigns::{Campaign, CampaignForm, Status};
use model::companies::Settings;
use model::consents::Asked;
use model::contacts::ContactStatus;
use model::credits::{Credits, Price};
use model::id::{CampaignId, ContactId, EnrollmentId};
use model::rehearsal::{Given, Rehearsal, RehearsalForm, Source};
use report::Head;
use stage::{Gates, Past, Person, Stage};
use std::collections::HashMap;
use std::time::Instant;
use tokio::sync::Semaphore;

/// People played; of a longer list a sample, each standing for as many.
const PEOPLE_MAX: i64 = 10_000;
/// Rehearsals played at once in this process: each takes every core for a while, and memory for its list.
const AT_ONCE_MAX: usize = 2;
/// Contacts whose recent calls are read at once.
const RECENT_CHUNK: usize = 5_000;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// What a rehearsal of this campaign would assume: the company's own last 90 days once they tell enough.
///
/// # Errors
/// `Forbidden` without `ManageCampaigns`; `NotFound`.
pub async fn given(tx: &mut Tx, campaign: CampaignId) -> Result<Given> {
    tx.require(Permission::ManageCampaigns)?;
    let campaign = campaigns::load(tx, campaign).await?;
    let settings = companies::settings(tx).await?;
    let (concurrency_max, _) = lines(tx, &campaign, &settings, None).await?;
    let calls = repo::own_calls(tx).await?;
    let own = network::learn(&calls);
    let source = if own.is_some() { Source::Own } else { Source::Norms };
    Ok(Given {
        assumptions: own.unwrap_or_default(),
        source,
        calls: i64::try_from(calls.len()).unwrap_or(i64::MAX),
        concurrency_max,
        ring_seconds_max: settings.ring_seconds_max,
    })
}

/// The latest report of a campaign.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`; `NotFound`.
pub async fn latest(tx: &mut Tx, campaign: CampaignId) -> Result<Option<Rehearsal>> {
    tx.require(Permission::ViewCampaigns)?;
    campaigns::load(tx, campaign).await?;
    repo::latest(tx, campaign).await
}

/// Plays a campaign and keeps the report.
///
/// # Errors
/// `Forbidden` without `ManageCampaigns`; `NotFound`; `Invalid`; `Conflict` when there is nobody to play with, or others
/// are rehearsing.
pub async fn rehearse(db: &Db, actor: &Actor, campaign: CampaignId, form: &RehearsalForm) -> Result<Rehearsal> {
    let Ok(slot) = SLOTS.try_acquire() else {
        return Err(model::Error::conflict("Other rehearsals are being played. Try again in a moment.").into());
    };
    let mut tx = db.begin(actor).await?;
    repo::freeze(&mut tx).await?;
    let (stage, people) = read(&mut tx, campaign, form).await?;
    let at = tx.now();
    tx.commit().await?;
    let runs = report::runs_of(stage.people.len(), form.runs);
    let (started, seed) = (Instant::now(), form.seed);
    let playing = tokio::task::spawn_blocking(move || {
        let played = report::play_all(&stage, seed, runs);
        (stage, played)
    });
    let (stage, played) = playing.await.context("a rehearsal panicked")?;
    drop(slot);
    let took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let mut tx = db.begin(actor).await?;
    let head = Head { at, by: actor.name().to_owned(), form: form.clone(), people, took_ms };
    let report = report::report(&stage, &played, head, |at| tx.moment(at));
    let id = tx.id();
    repo::insert(&mut tx, id, campaign, &report).await?;
    tx.commit().await?;
    Ok(report)
}

/// Everything a campaign is played with, and how many people are on its list.
async fn read(tx: &mut Tx, id: CampaignId, form: &RehearsalForm) -> Result<(Stage, i64)> {
    tx.require(Permission::ManageCampaigns)?;
    form.check()?;
    let campaign = campaigns::load(tx, id).await?;
    if matches!(campaign.status, Status::Completed | Status::Cancelled | Status::Archived) {
        return Err(model::Error::conflict("This campaign is over. Duplicate it to rehearse it.").into());
    }
    let settings = companies::settings(tx).await?;
    let (lines, calls_per_second) = lines(tx, &campaign, &settings, form.concurrency_max).await?;
    let zone: Tz = settings.time_zone.parse().unwrap_or(Tz::UTC);
    let since = start_of_day(tx.now(), zone);
    let made_today = repo::made_since(tx, id, since).await?;
    let is_launched = campaigns::repo::is_launched(tx, id).await?;
    let talk_seconds_max = i64::from(campaign.form.call_minutes_max.min(settings.call_minutes_max)) * 60;
    let price = Price::BASE;
    let funds = funds(tx, &campaign, is_launched, price.cost(talk_seconds_max)).await?;
    let asked = consents::asked(tx, id).await?;
    let people = people(tx, id, &campaign.form, is_launched, asked).await?;
    let c = campaign.form;
    let stage = Stage {
        starts_at: c.starts_at.map_or(tx.now(), |start| start.max(tx.now())),
        ends_at: c.ends_at,
        people: people.list,
        gates: people.gates,
        hours: settings.hours,
        campaign_hours: c.hours,
        own: companies::own(tx).await?,
        asked,
        home: settings.default_region,
        retries: c.retries,
        order: c.order,
        lines: usize::try_from(lines).unwrap_or(1).max(1),
        calls_per_second: i64::from(calls_per_second.max(1)),
        calls_per_day_max: c.calls_per_day_max.map(i64::from),
        made_today,
        zone,
        price,
        funds,
        talk_seconds_max,
        ring_seconds_max: i64::from(settings.ring_seconds_max),
        one_in: people.one_in,
        model: form.assumptions.clone(),
    };
    Ok((stage, people.total))
}

/// Calls at once and per second that company, gateway and campaign allow together.
async fn lines(tx: &mut Tx, campaign: &Campaign, settings: &Settings, instead: Option<i32>) -> Result<(i32, i32)> {
    let (gateway, per_second) = repo::gateway(tx, campaign.id, campaign.form.gateway)
        .await?
        .ok_or_else(|| model::Error::conflict("Connect a gateway first."))?;
    let own = instead.unwrap_or(campaign.form.concurrency_max);
    let pace = companies::pace(tx).await?.unwrap_or(per_second);
    Ok((own.min(settings.concurrency_max).min(gateway), per_second.min(pace)))
}

/// What the campaign may spend: its budget, or what is set aside for it and all that is available. A launch with a budget
/// sets aside the budget, and never less than one longest call.
async fn funds(tx: &mut Tx, campaign: &Campaign, is_launched: bool, longest: Credits) -> Result<Credits> {
    let available = credits::available(tx).await?;
    Ok(match (campaign.form.budget, is_launched) {
        (Some(budget), false) => budget.max(longest).min(available),
        (Some(_), true) => credits::escrow(tx, campaign.id).await?,
        (None, _) => credits::escrow(tx, campaign.id).await? + available,
    })
}

struct People {
    list: Vec<Person>,
    gates: Vec<Place>,
    total: i64,
    one_in: i64,
}

/// The list: whoever a launch would enroll, or whoever is enrolled and not finished.
async fn people(tx: &mut Tx, id: CampaignId, form: &CampaignForm, is_launched: bool, asked: Asked) -> Result<People> {
    let nobody = || model::Error::conflict("There is nobody to call. Choose an audience with contacts first.");
    let audience = form.audience.as_ref().filter(|_| !is_launched);
    let total = match audience {
        Some(audience) => repo::count_audience(tx, audience).await?,
        None => repo::count_enrolled(tx, id).await?,
    };
    let one_in = (total + PEOPLE_MAX - 1) / PEOPLE_MAX;
    let rows = match audience {
        Some(audience) => repo::audience(tx, audience, one_in).await?,
        None => repo::enrolled(tx, id, one_in).await?,
    };
    if rows.is_empty() {
        return Err(nobody().into());
    }
    let mut past = attempts(tx, id).await?;
    let (mut recent, mut ever) = (dialer::Recent::new(), HashMap::new());
    let has_limit = companies::compliance(tx).await?.attempts_ever_max.is_some();
    for chunk in rows.chunks(RECENT_CHUNK) {
        let ids: Vec<ContactId> = chunk.iter().map(|row| row.contact_id).collect();
        recent.extend(enrollments::repo::recent_calls(tx, &ids).await?);
        if has_limit {
            ever.extend(enrollments::repo::calls_ever(tx, &ids).await?);
        }
    }
    let (now, mut gates) = (tx.now(), Gates::default());
    let numbers: Vec<_> = rows.iter().map(|row| row.phone.clone()).collect();
    let given = consents::given(tx, &numbers, asked.purpose).await?;
    let person = |row: repo::Listed| {
        let calls = recent.remove(&row.contact_id).unwrap_or_default();
        let past = row.enrollment_id.and_then(|id| past.remove(&id)).unwrap_or_default();
        Person {
            contact: row.contact_id,
            gate: gates.number(Place::of(row.time_zone.as_deref(), &row.phone)),
            name: row.name,
            suppressed: row.suppressed,
            consent: given.get(&row.phone).copied(),
            archived: row.contact_status == ContactStatus::Archived,
            calling: row.calling,
            due: row.next_attempt_at.unwrap_or(now),
            past: Past {
                attempts: row.attempts,
                calls_before: ever.get(&row.contact_id).map_or(0, |all| all - i64::try_from(calls.len()).unwrap_or(0)),
                calls,
                ..past
            },
        }
    };
    let list = rows.into_iter().map(person).collect();
    Ok(People { list, gates: gates.all, total, one_in: one_in.max(1) })
}

/// What people who are not finished have behind them.
async fn attempts(tx: &mut Tx, id: CampaignId) -> Result<HashMap<EnrollmentId, Past>> {
    let mut by: HashMap<EnrollmentId, Past> = HashMap::new();
    for (enrollment, outcome, talk_seconds) in repo::attempts(tx, id).await? {
        by.entry(enrollment).or_default().count(outcome, talk_seconds);
    }
    Ok(by)
}
