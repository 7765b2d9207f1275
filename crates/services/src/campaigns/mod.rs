//! Campaigns: editing, the pre-launch check, and every move of their life. Each move locks the row, asks
//! `Status::after`, and writes the consequences (enrollments, slots, credits, event) in the same commit.

pub(crate) mod canary;
mod launch;
pub(crate) mod repo;
pub(crate) mod stats;
#[cfg(test)]
mod tests;
pub(crate) mod why;

pub use launch::{audience_count, launch_check};
pub use why::why;

use crate::db::Tx;
use crate::error::Result;
use crate::webhooks::Told;
use crate::{credits, dialer, enrollments, notices};
use model::accounts::Permission;
use model::campaigns::{Action, Audience, Campaign, CampaignFilter, CampaignForm, CampaignRow, Parked, Retries, Status};
use model::consents::Purpose;
use model::enrollments::EnrollmentStatus;
use model::events::EventKind;
use model::id::{AgentId, CampaignId, GatewayId};
use model::notices::NoticeKind;
use model::page::Page;
use model::time::Hours;

/// Why a campaign paused itself when nothing was left to pay the next call with.
pub(crate) const OUT_OF_CREDITS: &str = "Out of credits. Top up and resume.";
/// The same for a campaign with a budget.
pub(crate) const BUDGET_USED: &str = "The budget is used up.";

/// Longest test call, in minutes.
const TEST_MINUTES: i32 = 3;

/// An active campaign, locked, as the dialer needs it.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub id: CampaignId,
    pub name: String,
    pub agent: AgentId,
    pub settings_version: i32,
    pub form: CampaignForm,
    /// Only the people of its canary are called for now.
    pub is_canary: bool,
    /// What it calls about, and whether it asks for a consent whatever the company does.
    pub purpose: Purpose,
    pub needs_consent: bool,
}

/// One page of campaigns.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`.
pub async fn list(tx: &mut Tx, filter: &CampaignFilter) -> Result<Page<CampaignRow>> {
    tx.require(Permission::ViewCampaigns)?;
    repo::list(tx, filter).await
}

/// One campaign with its progress.
///
/// # Errors
/// `NotFound`.
pub async fn load(tx: &mut Tx, id: CampaignId) -> Result<Campaign> {
    tx.require(Permission::ViewCampaigns)?;
    repo::load(tx, id).await
}

/// What a new campaign starts from: the company's defaults, within its limits.
///
/// # Errors
/// `Forbidden` without `ManageCampaigns`.
pub async fn blank(tx: &mut Tx) -> Result<CampaignForm> {
    tx.require(Permission::ManageCampaigns)?;
    let (start, limits) = (crate::companies::defaults(tx).await?, crate::companies::settings(tx).await?);
    let form = CampaignForm::default();
    Ok(CampaignForm {
        record: start.record,
        call_minutes_max: start.call_minutes_max.min(limits.call_minutes_max),
        concurrency_max: form.concurrency_max.min(limits.concurrency_max),
        retries: Retries { attempts_max: start.attempts_max, attempts_per_day_max: start.attempts_per_day_max, ..form.retries },
        ..form
    })
}

/// Saves a new draft.
///
/// # Errors
/// `Invalid` with a message per field.
pub async fn create(tx: &mut Tx, form: &CampaignForm) -> Result<CampaignId> {
    tx.require(Permission::ManageCampaigns)?;
    form.check()?;
    let form = form.clone().relevant();
    check_gateways(tx, &form).await?;
    let id = tx.id();
    repo::insert(tx, id, &form).await?;
    tx.record(EventKind::CampaignCreated, Some(id.to_string()), format!("{} created", form.name)).await?;
    Ok(id)
}

/// Calls one person now, by a campaign of its own: law, do-not-call list, credits and lines hold as for any other.
///
/// # Errors
/// `Forbidden`; `Invalid` about the phone; whatever keeps a campaign from its launch.
pub async fn test_call(tx: &mut Tx, gateway: GatewayId, agent: AgentId, phone: &str) -> Result<CampaignId> {
    tx.require(Permission::ManageCampaigns)?;
    let settings = crate::companies::settings(tx).await?;
    let phone = crate::phones::parse(phone, &settings.default_region).map_err(|why| model::Error::field("phone", why))?;
    let form = CampaignForm {
        // Read by everybody who sees campaigns, also by those who see no numbers.
        name: format!("Test call to {}", phone.masked()),
        audience: Some(Audience::Person { contact: crate::contacts::caller(tx, &phone).await? }),
        agent: Some(agent),
        gateway: Some(gateway),
        hours: Some(Hours::always()),
        record: true,
        call_minutes_max: settings.call_minutes_max.min(TEST_MINUTES),
        retries: Retries { attempts_max: 1, attempts_per_day_max: 1, ..Retries::default() },
        ..CampaignForm::default()
    };
    let id = create(tx, &form).await?;
    act(tx, id, Action::Launch).await?;
    Ok(id)
}

/// Saves an edit. A running campaign takes the new settings from its next dial on; its audience is fixed.
///
/// # Errors
/// `NotFound`, `Invalid`, or `Conflict` once the campaign is over.
pub async fn edit(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    tx.require(Permission::ManageCampaigns)?;
    form.check()?;
    let form = form.clone().relevant();
    check_gateways(tx, &form).await?;
    // Slots before the campaign's row: a caller may be just arriving.
    repo::lock_slots(tx, id).await?;
    let (status, old) = repo::lock(tx, id).await?;
    match status {
        Status::Completed | Status::Cancelled | Status::Archived => {
            let state = status.label().to_lowercase();
            return Err(model::Error::conflict(format!("This campaign is {state}. Duplicate it to change it.")).into());
        }
        Status::Active | Status::Paused if form.audience != old.audience => {
            return Err(model::Error::field("audience", "The audience is fixed once a campaign was launched.").into());
        }
        Status::Active | Status::Paused if form.direction != old.direction => {
            return Err(model::Error::field("direction", "A campaign that was launched keeps its direction.").into());
        }
        Status::Active | Status::Paused if form.canary.map(|c| c.size) != old.canary.map(|c| c.size) => {
            let why = "Who is called first is fixed once a campaign was launched; its guardrails are not.";
            return Err(model::Error::field("canary_size", why).into());
        }
        // Without a moment to wait for it would stay scheduled for ever.
        Status::Scheduled if form.starts_at.is_none_or(|start| start <= tx.now()) => {
            return Err(model::Error::field("starts_at", "Choose a start in the future, or cancel the schedule.").into());
        }
        _ => {}
    }
    if form.is_inbound() && matches!(status, Status::Active | Status::Paused) {
        launch::bind(tx, id, &form).await?;
    }
    repo::update_form(tx, id, &form).await?;
    if status == Status::Active {
        dialer::wake_campaign(tx, id).await?;
    }
    tx.record(EventKind::CampaignChanged, Some(id.to_string()), format!("{} edited", form.name)).await
}

/// The gateways and numbers a form names are the company's own.
async fn check_gateways(tx: &mut Tx, form: &CampaignForm) -> Result<()> {
    let named: Vec<_> = form.gateway.into_iter().chain(form.fallback_gateway).collect();
    if repo::gateways_known(tx, &named).await? < i64::try_from(named.len()).unwrap_or(i64::MAX) {
        return Err(model::Error::field("gateway", "Choose one of your gateways.").into());
    }
    if repo::numbers_known(tx, None, &form.numbers).await?.0 < i64::try_from(form.numbers.len()).unwrap_or(i64::MAX) {
        return Err(model::Error::field("numbers", "Choose among your numbers, each once.").into());
    }
    Ok(())
}

/// Makes a draft with the same settings.
///
/// # Errors
/// `NotFound`.
pub async fn duplicate(tx: &mut Tx, id: CampaignId) -> Result<CampaignId> {
    tx.require(Permission::ManageCampaigns)?;
    let mut form = repo::load(tx, id).await?.form;
    let name: String = form.name.chars().take(110).collect();
    form.name = format!("{name} (copy)");
    (form.starts_at, form.ends_at) = (None, None);
    create(tx, &form).await
}

/// Deletes a draft that never called anybody.
///
/// # Errors
/// `NotFound`, or `Conflict` when it is not a draft.
pub async fn delete(tx: &mut Tx, id: CampaignId) -> Result<()> {
    tx.require(Permission::ManageCampaigns)?;
    let (status, form) = repo::lock(tx, id).await?;
    if status != Status::Draft {
        return Err(model::Error::conflict("Only drafts can be deleted. Archive this campaign instead.").into());
    }
    repo::delete(tx, id).await?;
    tx.record(EventKind::CampaignArchived, Some(id.to_string()), format!("Draft {} deleted", form.name)).await
}

/// Moves a campaign, for a person. `Start` and `Complete` belong to the engine.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Conflict` with the reason, or `InsufficientCredits`.
pub async fn act(tx: &mut Tx, id: CampaignId, action: Action) -> Result<Status> {
    tx.require(Permission::RunCampaigns)?;
    if matches!(action, Action::Start | Action::Complete) {
        return Err(model::Error::conflict("Belfry starts and completes campaigns by itself.").into());
    }
    if matches!(action, Action::Launch | Action::Schedule | Action::Resume)
        && tx.actor().user.as_ref().is_some_and(|u| !u.confirmed)
    {
        return Err(model::Error::conflict("Confirm your e-mail address first: the link is in your mailbox.").into());
    }
    step(tx, id, action).await
}

/// The engine's own moves: start what was scheduled, or pause it with the reason when it cannot start.
pub(crate) async fn start_scheduled(tx: &mut Tx, id: CampaignId) -> Result<()> {
    // Slots before the campaign's row, as in `step`: somebody may be cancelling it right now.
    repo::lock_slots(tx, id).await?;
    let (status, form) = repo::lock(tx, id).await?;
    if status != Status::Scheduled {
        return Ok(());
    }
    if crate::companies::is_suspended(tx).await? {
        move_to(tx, id, &form, (status, Status::Active), None).await?;
        return pause_self(tx, id, "The company was suspended when it should have started.").await;
    }
    let check = launch_check(tx, id).await?;
    if let Some(missing) = check.items.iter().find(|i| !i.ok) {
        move_to(tx, id, &form, (status, Status::Active), None).await?;
        return pause_self(tx, id, &missing.detail).await;
    }
    step(tx, id, Action::Start).await.map(drop)
}

async fn step(tx: &mut Tx, id: CampaignId, action: Action) -> Result<Status> {
    // Slots before the campaign's row: the dialer's order.
    repo::lock_slots(tx, id).await?;
    let (from, form) = repo::lock(tx, id).await?;
    let to = from.after(action)?;
    match action {
        Action::Launch | Action::Start => launch::launch(tx, id, &form).await?,
        Action::Schedule => launch::schedule(tx, id, &form).await?,
        Action::Resume => {
            launch::resume(tx, id, &form).await?;
            canary::overrule(tx, id).await?;
        }
        Action::Cancel => enrollments::repo::close_queued(tx, id, EnrollmentStatus::Cancelled).await?,
        Action::Pause | Action::Complete | Action::Archive => {}
    }
    move_to(tx, id, &form, (from, to), None).await?;
    if to == Status::Active {
        dialer::wake_campaign(tx, id).await?;
    }
    if !to.is_open() {
        repo::bind_numbers(tx, id, &[]).await?;
        return_credits(tx, id).await?;
    }
    let (kind, what) = match action {
        Action::Launch => (EventKind::CampaignLaunched, "launched"),
        Action::Schedule => (EventKind::CampaignScheduled, "scheduled"),
        Action::Start => (EventKind::CampaignStarted, "started"),
        Action::Pause => (EventKind::CampaignPaused, "paused"),
        Action::Resume => (EventKind::CampaignResumed, "resumed"),
        Action::Complete => (EventKind::CampaignCompleted, "completed"),
        Action::Cancel => (EventKind::CampaignCancelled, "cancelled"),
        Action::Archive => (EventKind::CampaignArchived, "archived"),
    };
    tx.record(kind, Some(id.to_string()), format!("{} {what}", form.name)).await?;
    if action == Action::Complete {
        tell(tx, NoticeKind::CampaignFinished, id, &form, None).await?;
    }
    Ok(to)
}

/// Writes the new status, and tells it.
async fn move_to(
    tx: &mut Tx,
    id: CampaignId,
    form: &CampaignForm,
    (from, to): (Status, Status),
    why: Option<&str>,
) -> Result<()> {
    tx.tell(Told::campaign_moved(id, &form.name, from, to, why));
    if to == Status::Completed {
        tx.tell(Told::campaign_completed(id, &form.name));
    }
    repo::set_status(tx, id, to, why).await
}

/// Has the administrators told what became of a campaign. Test calls are over before anybody could read about them.
async fn tell(tx: &mut Tx, kind: NoticeKind, id: CampaignId, form: &CampaignForm, why: Option<&str>) -> Result<()> {
    if matches!(form.audience, Some(Audience::Person { .. })) {
        return Ok(());
    }
    let facts: Vec<_> = [("campaign", form.name.as_str())].into_iter().chain(why.map(|why| ("why", why))).collect();
    notices::tell(tx, kind, format!("/campaigns/{id}"), &facts).await
}

/// Returns what is left in escrow, once no call is under way that still holds some of it.
pub(crate) async fn return_credits(tx: &mut Tx, id: CampaignId) -> Result<()> {
    if repo::live_calls(tx, id).await? == 0 {
        credits::unreserve_all(tx, id, "Not used").await?;
    }
    Ok(())
}

/// The engine pauses a campaign for a reason that people must mend.
pub(crate) async fn pause_self(tx: &mut Tx, id: CampaignId, why: &str) -> Result<()> {
    let (status, form) = repo::lock(tx, id).await?;
    if status != Status::Active {
        return Ok(());
    }
    move_to(tx, id, &form, (status, Status::Paused), Some(why)).await?;
    tx.record(EventKind::CampaignPaused, Some(id.to_string()), format!("{} paused itself: {why}", form.name)).await?;
    tell(tx, NoticeKind::CampaignPaused, id, &form, Some(why)).await
}

/// After a turn of the dialer: when to look again, or completion when nothing is left.
pub(crate) async fn rest(tx: &mut Tx, c: &Running, again: bool) -> Result<()> {
    let now = tx.now();
    if again {
        return repo::park(tx, c.id, Some(now), None).await;
    }
    match enrollments::repo::next_due(tx, c.id, c.is_canary).await? {
        Some(due) if due <= now => repo::park(tx, c.id, Some(now + chrono::TimeDelta::milliseconds(200)), None).await,
        Some(due) => repo::park(tx, c.id, Some(due), Some(Parked::Due)).await,
        None if repo::live_calls(tx, c.id).await? > 0 => repo::park(tx, c.id, None, Some(Parked::Calls)).await,
        None if c.is_canary && canary::conclude(tx, c.id).await? => Ok(()),
        None => step(tx, c.id, Action::Complete).await.map(drop),
    }
}

/// The end date came: whoever was not reached is expired, and the campaign completes when its calls end.
pub(crate) async fn expire(tx: &mut Tx, c: &Running) -> Result<()> {
    enrollments::repo::close_queued(tx, c.id, EnrollmentStatus::Expired).await?;
    rest(tx, c, false).await
}
