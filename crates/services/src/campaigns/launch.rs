//! What a launch needs and what it does: the check people see, and the enrolment and reservation behind it.

use super::{canary, repo, stats};
use crate::db::Tx;
use crate::dialer::window::{Opening, Schedule, answering, opening};
use crate::error::Result;
use crate::rules::Place;
use crate::{companies, credits};
use chrono::{DateTime, Utc};
use model::accounts::Permission;
use model::agents::AgentStatus;
use model::campaigns::{Audience, CampaignForm, CheckItem, LaunchCheck};
use model::companies::Settings;
use model::credits::{Credits, Price, thousands};
use model::events::EventKind;
use model::holidays::Holiday;
use model::id::{CampaignId, ContactId, EnrollmentId};
use model::phone::Phone;
use std::collections::HashMap;

/// Expected cost of a contact before the company has a history: thousandths of a credit. Derived from 37 %
/// answered by people and 26 % by machines at 1.8 attempts and about a minute and a half of talk.
const COST_PER_CONTACT: i64 = 1_200;
/// Finished contacts before the company's own average counts.
const HISTORY_MIN: i64 = 50;
/// People per insert at launch.
const ENROLL_CHUNK: usize = 5_000;
/// People in one campaign.
const AUDIENCE_MAX: i64 = 1_000_000;
/// Zones looked at to find the first call.
const SAMPLE: i64 = 500;

/// How many people an audience has who may be called: active, not suppressed.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`.
pub async fn audience_count(tx: &mut Tx, audience: &Audience) -> Result<i64> {
    tx.require(Permission::ViewCampaigns)?;
    repo::audience_count(tx, audience).await
}

/// Everything that stands between a campaign and its first call, each with where to mend it.
///
/// # Errors
/// `NotFound`.
pub async fn launch_check(tx: &mut Tx, id: CampaignId) -> Result<LaunchCheck> {
    tx.require(Permission::ViewCampaigns)?;
    let form = repo::load(tx, id).await?.form;
    if form.is_inbound() {
        return inbound_check(tx, id, &form).await;
    }
    let settings = companies::settings(tx).await?;
    let contacts = match &form.audience {
        Some(audience) => repo::audience_count(tx, audience).await?,
        None => 0,
    };
    let people = match &form.audience {
        Some(audience) => repo::audience_sample(tx, audience, SAMPLE).await?,
        None => Vec::new(),
    };
    let prices = Prices::of(tx, &people).await?;
    let estimate = estimate(tx, contacts, &prices).await?;
    let reserve = form.budget.unwrap_or(estimate).max(longest_call(&form, &settings, &prices));
    let available = credits::available(tx).await?;
    let holidays = companies::holidays(tx).await?;
    let first_call = first_call(tx, &form, &settings, &holidays, people);
    let items = vec![
        contacts_item(contacts, form.audience.is_some()),
        agent_item(tx, &form).await?,
        hours_item(tx, &form, first_call, contacts),
        prices.item(),
        credits_item(reserve, available),
        gateway_item(tx, &form).await?,
    ];
    Ok(LaunchCheck { items, contacts, estimate, reserve, available, first_call: first_call.map(|at| tx.moment(at)) })
}

/// The same for a campaign that answers: nobody is enrolled and nothing is set aside.
async fn inbound_check(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<LaunchCheck> {
    let settings = companies::settings(tx).await?;
    let available = credits::available(tx).await?;
    // Who will call is not known: the price of everywhere.
    let prices = Prices::of(tx, &[]).await?;
    let (known, taken) = repo::numbers_known(tx, Some(id), &form.numbers).await?;
    let zone = settings.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let hours = form.hours.as_ref().unwrap_or(&settings.hours);
    let (opens, detail) = match answering(tx.now(), hours, &companies::holidays(tx).await?, zone) {
        Opening::Now { .. } => (Some(tx.now()), "Open now".to_owned()),
        Opening::At(at) => (Some(at), format!("Callers hear the fallback text until {}", tx.moment(at).short())),
        Opening::Never => (None, "No opening in the next two weeks.".to_owned()),
    };
    let items = vec![
        numbers_item(known, &taken),
        agent_item(tx, form).await?,
        item("Hours", opens.is_some(), detail, "/settings"),
        credits_for_one(longest_call(form, &settings, &prices), available),
    ];
    let first_call = opens.map(|at| tx.moment(at));
    Ok(LaunchCheck { items, contacts: 0, estimate: Credits::ZERO, reserve: Credits::ZERO, available, first_call })
}

fn numbers_item(known: i64, taken: &[String]) -> CheckItem {
    let detail = match (known, taken) {
        (0, _) => "Choose the numbers that it answers.".to_owned(),
        (_, [one]) => format!("{one} is answered by another campaign."),
        (_, [first, ..]) => format!("{first} and others are answered by another campaign."),
        (1, []) => "1 number".to_owned(),
        (n, []) => format!("{n} numbers"),
    };
    item("Numbers", known > 0 && taken.is_empty(), detail, "")
}

fn credits_for_one(longest: Credits, available: Credits) -> CheckItem {
    let detail = if available >= longest {
        format!("{} are held during a call; {} are available", longest.rounded(), available.rounded())
    } else {
        format!("{} are held during a call and {} are available. Top up first.", longest.rounded(), available.rounded())
    };
    item("Credits", available >= longest, detail, "/billing")
}

fn item(title: &str, ok: bool, detail: String, fix: &str) -> CheckItem {
    CheckItem { title: title.to_owned(), detail, ok, fix_href: (!ok && !fix.is_empty()).then(|| fix.to_owned()) }
}

fn contacts_item(contacts: i64, chosen: bool) -> CheckItem {
    let detail = match (chosen, contacts) {
        (false, _) => "Choose who is called.".to_owned(),
        (true, 0) => "Nobody in this audience may be called. Import contacts or choose another audience.".to_owned(),
        (true, n) if n > AUDIENCE_MAX => format!("{} people are too many for one campaign; split them.", thousands(n)),
        (true, 1) => "1 person".to_owned(),
        (true, n) => format!("{} people", thousands(n)),
    };
    item("Contacts", chosen && (1..=AUDIENCE_MAX).contains(&contacts), detail, "/imports/new")
}

async fn agent_item(tx: &mut Tx, form: &CampaignForm) -> Result<CheckItem> {
    let Some(agent) = form.agent else {
        return Ok(item("Agent", false, "Choose the agent who calls.".to_owned(), "/agents"));
    };
    let fix = format!("/agents/{agent}");
    Ok(match repo::agent_state(tx, agent).await? {
        Some((name, AgentStatus::Published, version)) => item("Agent", true, format!("{name}, version {version}"), &fix),
        Some((name, AgentStatus::Draft, _)) => item("Agent", false, format!("{name} is a draft. Publish it first."), &fix),
        Some((name, AgentStatus::Archived, _)) => item("Agent", false, format!("{name} is archived."), &fix),
        None => item("Agent", false, "The agent does not exist any more.".to_owned(), "/agents"),
    })
}

fn hours_item(tx: &Tx, form: &CampaignForm, first: Option<DateTime<Utc>>, contacts: i64) -> CheckItem {
    if form.ends_at.is_some_and(|end| end <= tx.now()) {
        return item("Calling hours", false, "The end date is in the past.".to_owned(), "");
    }
    match first {
        Some(at) if form.ends_at.is_some_and(|end| end <= at) => {
            item("Calling hours", false, "The campaign ends before its first opening.".to_owned(), "/settings")
        }
        Some(at) if at <= tx.now() => item("Calling hours", true, "Open now".to_owned(), ""),
        Some(at) => item("Calling hours", true, format!("First opening {}", tx.moment(at).short()), ""),
        None if contacts == 0 => {
            item("Calling hours", false, "There is nobody to look up hours for yet.".to_owned(), "/imports/new")
        }
        None => item(
            "Calling hours",
            false,
            "No opening in the next two weeks in your contacts' zones. Calls are only placed inside the hours of the rule packs; see Compliance in the settings.".to_owned(),
            "/settings",
        ),
    }
}

fn credits_item(reserve: Credits, available: Credits) -> CheckItem {
    let detail = if available >= reserve {
        format!("{} are set aside; {} are available", reserve.rounded(), available.rounded())
    } else {
        format!("{} are needed and {} are available. Top up, or set a smaller budget.", reserve.rounded(), available.rounded())
    };
    item("Credits", available >= reserve, detail, "/billing")
}

async fn gateway_item(tx: &mut Tx, form: &CampaignForm) -> Result<CheckItem> {
    let all = crate::gateways::list(tx).await?;
    let chosen = all.iter().find(|one| form.gateway.is_none_or(|id| id == one.id));
    let trouble = match chosen {
        Some(g) => crate::gateways::trouble(tx, g.id).await?,
        None => None,
    };
    let fix = chosen.map(|g| format!("/settings/gateways/{}", g.id)).unwrap_or_default();
    Ok(match (chosen, trouble) {
        (Some(g), Some(why)) => item("Gateway", false, format!("{}: {why}", g.name), &fix),
        (Some(g), None) if g.numbers == 0 => item("Gateway", false, format!("{} has no number to call from.", g.name), &fix),
        (Some(g), None) if g.sandbox => item("Gateway", true, "Sandbox: only simulated phones ring".to_owned(), ""),
        (Some(g), None) => item("Gateway", true, g.name.clone(), ""),
        (None, _) => item("Gateway", false, "Connect a gateway first.".to_owned(), "/settings"),
    })
}

/// Expected cost of calling `contacts` people: the company's own average once it has one.
async fn estimate(tx: &mut Tx, contacts: i64, prices: &Prices) -> Result<Credits> {
    let (finished, spent) = stats::history(tx).await?;
    let expected = (COST_PER_CONTACT * prices.mean + Price::BASE.per_minute - 1) / Price::BASE.per_minute;
    let each = if finished >= HISTORY_MIN { (spent / finished).max(1) } else { expected };
    Ok(Credits(contacts.saturating_mul(each)))
}

/// What a minute costs among a sample of the audience.
struct Prices {
    low: Price,
    high: Price,
    /// Thousandths of a credit, rounded up.
    mean: i64,
}

impl Prices {
    async fn of(tx: &mut Tx, people: &[(Phone, Option<String>)]) -> Result<Self> {
        let phones = || people.iter().map(|(phone, _)| phone);
        let tariff = credits::tariff(tx, credits::ENGINE, phones()).await?;
        let (low, high) = tariff.span(phones());
        let count = i64::try_from(people.len()).unwrap_or(i64::MAX).max(1);
        let sum: i64 =
            if people.is_empty() { high.per_minute } else { phones().map(|phone| tariff.price(phone).per_minute).sum() };
        Ok(Self { low, high, mean: (sum + count - 1) / count })
    }

    /// Nothing to mend here; people should know before they launch.
    fn item(&self) -> CheckItem {
        let detail = if self.low == self.high {
            self.high.to_string()
        } else {
            format!("{} to {}, by destination", Credits(self.low.per_minute), self.high)
        };
        item("Price", true, detail, "")
    }
}

/// A launch sets at least this aside, and a resumed campaign must be able to pay it.
fn longest_call(form: &CampaignForm, settings: &Settings, prices: &Prices) -> Credits {
    prices.high.cost(i64::from(form.call_minutes_max.min(settings.call_minutes_max)) * 60)
}

/// The earliest opening among a sample of the audience.
fn first_call(
    tx: &Tx,
    form: &CampaignForm,
    settings: &Settings,
    holidays: &[Holiday],
    people: Vec<(Phone, Option<String>)>,
) -> Option<DateTime<Utc>> {
    let from = form.starts_at.map_or(tx.now(), |start| start.max(tx.now()));
    // People in the same zones under the same packs have the same opening.
    type Alike = (Vec<chrono_tz::Tz>, Vec<&'static str>);
    let mut seen: HashMap<Alike, Option<DateTime<Utc>>> = HashMap::new();
    for (phone, stated) in people {
        let place = Place::of(stated.as_deref(), &phone);
        let key = (place.zones.clone(), place.packs.iter().map(|pack| pack.jurisdiction.as_str()).collect());
        let schedule = Schedule { company: &settings.hours, holidays, campaign: form.hours.as_ref(), place: &place };
        seen.entry(key).or_insert_with(|| match opening(from, &schedule) {
            Opening::Now { .. } => Some(from),
            Opening::At(at) => Some(at),
            Opening::Never => None,
        });
    }
    seen.into_values().flatten().min()
}

/// Refuses with the first thing that is missing.
async fn refuse_unready(tx: &mut Tx, id: CampaignId) -> Result<LaunchCheck> {
    let check = launch_check(tx, id).await?;
    match check.items.iter().find(|i| !i.ok) {
        Some(missing) if missing.title == "Credits" && check.reserve > Credits::ZERO => {
            Err(model::Error::InsufficientCredits { needed: check.reserve.0, available: check.available.0 }.into())
        }
        Some(missing) => Err(model::Error::conflict(missing.detail.clone()).into()),
        None => Ok(check),
    }
}

/// Enrolls the audience, opens the campaign's slots and sets its credits aside.
pub(super) async fn launch(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    let check = refuse_unready(tx, id).await?;
    if form.is_inbound() {
        repo::open_for_callers(tx, id, form).await?;
        return bind(tx, id, form).await;
    }
    let Some(audience) = &form.audience else { return Err(model::Error::conflict("Choose who is called.").into()) };
    repo::open_for_calls(tx, id, form).await?;
    let mut enrolled = 0;
    loop {
        let people: Vec<ContactId> =
            repo::not_yet_enrolled(tx, id, audience, i64::try_from(ENROLL_CHUNK).unwrap_or(i64::MAX)).await?;
        let ids: Vec<EnrollmentId> = people.iter().map(|_| tx.id()).collect();
        enrolled += repo::enroll(tx, id, &ids, &people).await?;
        if people.len() < ENROLL_CHUNK {
            break;
        }
    }
    stats::count_contacts(tx, id, enrolled).await?;
    canary::begin(tx, id, form, enrolled).await?;
    credits::reserve(tx, id, check.reserve, format!("launch:{id}"), "Reserved at launch").await?;
    tx.record(EventKind::CreditsMoved, Some(id.to_string()), format!("{} credits set aside for {}", check.reserve, form.name))
        .await
}

/// From here on the campaign answers these numbers, and no others.
pub(super) async fn bind(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    if form.numbers.is_empty() {
        return Err(model::Error::field("numbers", "Choose the numbers that it answers.").into());
    }
    match repo::bind_numbers(tx, id, &form.numbers).await?.as_slice() {
        [] => crate::gateways::bind_numbers(tx, &form.numbers).await,
        [first, ..] => Err(model::Error::field("numbers", format!("{first} is answered by another campaign.")).into()),
    }
}

/// A scheduled campaign must pass the check now, and passes it again when it starts.
pub(super) async fn schedule(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    match form.starts_at {
        Some(start) if start > tx.now() => refuse_unready(tx, id).await.map(drop),
        _ => Err(model::Error::field("starts_at", "Choose a start in the future, or launch now.").into()),
    }
}

/// Resuming needs credits for at least one call, in escrow or available. A campaign whose scheduled start
/// failed has nobody enrolled yet: resuming launches it.
pub(super) async fn resume(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    if !repo::is_launched(tx, id).await? {
        return launch(tx, id, form).await;
    }
    if form.is_inbound() {
        return Ok(()); // each call pays for itself
    }
    let settings = companies::settings(tx).await?;
    let people = match &form.audience {
        Some(audience) => repo::audience_sample(tx, audience, SAMPLE).await?,
        None => Vec::new(),
    };
    let needed = longest_call(form, &settings, &Prices::of(tx, &people).await?);
    let (escrow, available) = (credits::escrow(tx, id).await?, credits::available(tx).await?);
    let reach = if form.budget.is_some() { escrow } else { escrow + available };
    if reach < needed && repo::live_calls(tx, id).await? == 0 {
        return Err(model::Error::InsufficientCredits { needed: needed.0, available: reach.0 }.into());
    }
    Ok(())
}
