//! The companies of the platform, for super admins: the list, stopping one, and acting inside one. What is done to a company is
//! written in its own record, where its administrators read it. Companies that look after clients of their own are in `resale.rs`,
//! and how they show themselves to them in `brands.rs`.

pub mod brands;
mod pictures;
mod repo;
pub mod resale;
#[cfg(test)]
mod tests;

use crate::accounts::{self, Caller, Client};
use crate::actor::{Actor, SystemTask};
use crate::campaigns;
use crate::db::Db;
use crate::error::Result;
use chrono_tz::Tz;
use model::Error;
use model::accounts::{Permission, Role};
use model::campaigns::Action;
use model::clients::{ClientFilter, ClientRow};
use model::error::Check;
use model::events::EventKind;
use model::id::{CampaignId, CompanyId};
use model::page::Page;

pub(crate) use repo::is_client;

/// Longest reason kept.
const REASON_MAX: usize = 200;

/// The clients whose name begins so, the newest first.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`.
pub async fn list(db: &Db, actor: &Actor, filter: &ClientFilter) -> Result<Page<ClientRow>> {
    actor.require(Permission::AdminPlatform)?;
    let mut tx = db.begin_system(SystemTask::Admin).await?;
    let (rows, total) = repo::list(&mut tx, filter).await?;
    let row = |r: repo::Row| ClientRow {
        is_own: r.id == actor.company(),
        id: r.id,
        name: r.name,
        company_type: r.company_type,
        members: r.members,
        available: r.available,
        created_at: actor.moment(r.created_at),
        suspended_because: r.suspended_because,
    };
    Ok(Page::new(rows.into_iter().map(row).collect(), total, filter.paging))
}

/// Stops a company: its campaigns pause, and its people read why instead of doing anything.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`; `Invalid` on `reason`; `NotFound`; `Conflict` for one's own company or one that is
/// stopped already.
pub async fn suspend(db: &Db, actor: &Actor, company: CompanyId, reason: &str) -> Result<()> {
    actor.require(Permission::AdminPlatform)?;
    Check::new().text(reason, "reason", "why", REASON_MAX).done()?;
    let mut tx = db.begin_system(SystemTask::Admin).await?;
    let client = repo::lock(&mut tx, company).await?.ok_or_else(|| Error::not_found("company"))?;
    if company == actor.company() || repo::is_the_platforms(&mut tx, company).await? {
        return Err(Error::conflict("This is the company of those who run Belfry, or the one you are in.").into());
    }
    if client.suspended {
        return Err(Error::conflict("It is suspended already.").into());
    }
    let now = tx.now();
    repo::suspend(&mut tx, company, reason.trim(), now).await?;
    let running = repo::running(&mut tx, company).await?;
    let inside = visiting(actor, company);
    let mut tx = tx.inside(&inside).await?;
    tx.record(EventKind::CompanySuspended, Some(company.to_string()), format!("Suspended: {}", reason.trim())).await?;
    tx.commit().await?;
    // Each in a transaction of its own, with the locks of a pause. One that is missed here pauses at its next turn, and takes
    // no call.
    for campaign in running {
        if let Err(error) = pause(db, &inside, campaign).await {
            tracing::warn!(%company, %campaign, %error, "a campaign of a suspended company is paused later");
        }
    }
    Ok(())
}

async fn pause(db: &Db, inside: &Actor, campaign: CampaignId) -> Result<()> {
    let mut tx = db.begin(inside).await?;
    match campaigns::act(&mut tx, campaign, Action::Pause).await {
        Ok(_) => tx.commit().await,
        // Completed or paused by somebody else meanwhile.
        Err(crate::Error::Told(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets a company go on. Its campaigns stay paused until somebody resumes them.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`; `NotFound`; `Conflict` for one that is not stopped.
pub async fn reinstate(db: &Db, actor: &Actor, company: CompanyId) -> Result<()> {
    actor.require(Permission::AdminPlatform)?;
    let mut tx = db.begin_system(SystemTask::Admin).await?;
    let client = repo::lock(&mut tx, company).await?.ok_or_else(|| Error::not_found("company"))?;
    if !client.suspended {
        return Err(Error::conflict("It is not suspended.").into());
    }
    repo::reinstate(&mut tx, company).await?;
    let mut tx = tx.inside(&visiting(actor, company)).await?;
    tx.record(EventKind::CompanyReinstated, Some(company.to_string()), "Reinstated").await?;
    tx.commit().await
}

/// Goes into a company as a super admin. Returns the token of a session there; the one before ends. The company reads it.
///
/// # Errors
/// `Forbidden` without `AdminPlatform`; `NotFound`; `Conflict` for the company where one is.
pub async fn enter(db: &Db, caller: &Caller, company: CompanyId, client: &Client) -> Result<String> {
    caller.actor.require(Permission::AdminPlatform)?;
    if company == caller.actor.company() {
        return Err(Error::conflict("You are in this company already.").into());
    }
    let mut tx = db.begin_system(SystemTask::Admin).await?;
    repo::lock(&mut tx, company).await?.ok_or_else(|| Error::not_found("company"))?;
    let token = accounts::visit(&mut tx, caller, company, client).await?;
    let mut tx = tx.inside(&visiting(&caller.actor, company)).await?;
    let text = format!("{} acts inside as super admin, from {}", caller.actor.name(), client.ip);
    tx.record(EventKind::CompanyEntered, Some(company.to_string()), text).await?;
    tx.commit().await?;
    Ok(token)
}

/// Goes back from a company that was [`enter`]ed, by a super admin or by the company it is a client of. Returns the token of a session at home.
///
/// # Errors
/// `Conflict` for somebody who is at home.
pub async fn leave(db: &Db, caller: &Caller, client: &Client) -> Result<String> {
    if !caller.acting {
        return Err(Error::conflict("You are in your own company.").into());
    }
    let mut tx = db.begin_system(SystemTask::Admin).await?;
    let token = match caller.actor.role {
        Role::SuperAdmin => accounts::go_home(&mut tx, caller, client).await?,
        // Somebody of the company that this one is a client of.
        _ => {
            let home = repo::parent(&mut tx, caller.actor.company()).await?.ok_or(Error::Unauthenticated)?;
            accounts::go_to(&mut tx, caller, home, client).await?
        }
    };
    let mut tx = tx.inside(&caller.actor).await?;
    let text = format!("{} left", caller.actor.name());
    tx.record(EventKind::CompanyLeft, Some(caller.actor.company().to_string()), text).await?;
    tx.commit().await?;
    Ok(token)
}

/// The same person inside another company.
pub(crate) fn visiting(actor: &Actor, company: CompanyId) -> Actor {
    Actor { company, zone: Tz::UTC, role: Role::SuperAdmin, user: actor.user.clone(), scopes: None }
}
