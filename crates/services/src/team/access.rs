//! What a member may reach: whether they may come in at all, and which campaigns an operator handles. Operators see those and
//! their calls, and nothing of the others: the wall is in the database, see `Db::begin`.

use super::{admit, leaving, repo};
use crate::actor::{Actor, SystemTask};
use crate::db::Db;
use crate::error::Result;
use model::Error;
use model::accounts::{Permission, Role};
use model::events::EventKind;
use model::id::{CampaignId, UserId};
use model::team::{Access, AssignmentRow};

/// Campaigns that can be given to one member; older ones are handled by administrators.
const CAMPAIGNS_MAX: i64 = 500;

/// What a member may reach.
///
/// # Errors
/// `Forbidden` without `ManageTeam`, `NotFound`.
pub async fn load(db: &Db, actor: &Actor, user: UserId) -> Result<Access> {
    actor.require(Permission::ManageTeam)?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    let members = repo::members(&mut tx, actor.company()).await?;
    let member = members.into_iter().find(|m| m.id == user).ok_or_else(|| Error::not_found("member"))?;
    let campaigns = match member.role {
        Role::Operator => repo::handled(&mut tx, actor.company(), user, CAMPAIGNS_MAX).await?,
        // All others see all campaigns.
        _ => Vec::new(),
    };
    let row = |c: repo::Handled| AssignmentRow { id: c.id, name: c.name, status: c.status, assigned: c.assigned };
    Ok(Access {
        user,
        name: member.name,
        role: member.role,
        deactivated: member.deactivated,
        is_you: actor.user.as_ref().is_some_and(|me| me.id == user),
        campaigns: campaigns.into_iter().map(row).collect(),
    })
}

/// Gives an operator these campaigns and no others, from their next click on.
///
/// # Errors
/// `Forbidden` without `ManageTeam`; `NotFound` for a stranger or a campaign that is not the company's; `Conflict` for somebody
/// who is no operator; `Invalid` for more than can be given.
pub async fn assign(db: &Db, actor: &Actor, user: UserId, campaigns: &[CampaignId]) -> Result<()> {
    actor.require(Permission::ManageTeam)?;
    if i64::try_from(campaigns.len()).unwrap_or(i64::MAX) > CAMPAIGNS_MAX {
        return Err(Error::field("campaigns", format!("Choose at most {CAMPAIGNS_MAX}.")).into());
    }
    let mut tx = db.begin_system(SystemTask::Team).await?;
    admit(&mut tx, actor).await?;
    let (name, role) = repo::member(&mut tx, actor.company(), user).await?.ok_or_else(|| Error::not_found("member"))?;
    if role != Role::Operator {
        return Err(Error::conflict("Only operators are given campaigns: all others see them all.").into());
    }
    let mut wanted = campaigns.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let now = tx.now();
    if repo::assign(&mut tx, actor.company(), user, &wanted, now).await? != wanted.len() as u64 {
        return Err(Error::not_found("campaign").into());
    }
    let mut tx = tx.inside(actor).await?;
    let text = match wanted.len() {
        0 => format!("{name} handles no campaign now"),
        1 => format!("{name} handles one campaign now"),
        n => format!("{name} handles {n} campaigns now"),
    };
    tx.record(EventKind::MemberAssigned, Some(user.to_string()), text).await?;
    tx.commit().await
}

/// Keeps a member out of this company until they are let in again: they stay in the list, and their sessions here end.
///
/// # Errors
/// `Forbidden`, `NotFound`; `Conflict` for oneself, the last administrator, or somebody who is kept out already.
pub async fn deactivate(db: &Db, actor: &Actor, user: UserId) -> Result<()> {
    actor.require(Permission::ManageTeam)?;
    if actor.user.as_ref().is_some_and(|me| me.id == user) {
        return Err(Error::conflict("Nobody deactivates themself. Leave the team instead.").into());
    }
    let mut tx = db.begin_system(SystemTask::Team).await?;
    admit(&mut tx, actor).await?;
    let (name, _) = leaving(&mut tx, actor, user, true).await?;
    let now = tx.now();
    if !repo::deactivate(&mut tx, actor.company(), user, now).await? {
        return Err(Error::conflict("This member is deactivated already.").into());
    }
    let mut tx = tx.inside(actor).await?;
    tx.record(EventKind::MemberDeactivated, Some(user.to_string()), format!("{name} was deactivated")).await?;
    tx.commit().await
}

/// Lets a member in again, in the role they had.
///
/// # Errors
/// `Forbidden`, `NotFound`; `Conflict` for somebody who is not kept out.
pub async fn reactivate(db: &Db, actor: &Actor, user: UserId) -> Result<()> {
    actor.require(Permission::ManageTeam)?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    admit(&mut tx, actor).await?;
    let (name, _) = repo::member(&mut tx, actor.company(), user).await?.ok_or_else(|| Error::not_found("member"))?;
    if !repo::reactivate(&mut tx, actor.company(), user).await? {
        return Err(Error::conflict("This member is not deactivated.").into());
    }
    let mut tx = tx.inside(actor).await?;
    tx.record(EventKind::MemberReactivated, Some(user.to_string()), format!("{name} was reactivated")).await?;
    tx.commit().await
}
