//! The people of a company: who is in, in which role, and who is asked in. Users stand above companies, so this runs in a
//! [`SystemTx`] that names its company. Taking an invite up is in `accept.rs`.

pub mod accept;
pub mod access;
mod repo;
#[cfg(test)]
mod tests;

use crate::accounts::{digest, new_token};
use crate::actor::{Actor, SystemTask};
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use crate::mails::{self, letters};
use chrono::TimeDelta;
use model::Error;
use model::accounts::{Permission, Role, looks_like_email};
use model::events::EventKind;
use model::id::{InviteId, UserId};
use model::team::{InviteRow, MemberRow, ROLES, Team};

/// How long an invite works.
const INVITE_DAYS: i64 = 7;
/// Invites a company may send in an hour, again or anew.
const INVITES_PER_HOUR_MAX: i64 = 50;
/// An invite is not sent again sooner than this.
const AGAIN_SECONDS: i64 = 60;
/// Times that one invite is sent again in a quarter of an hour.
const AGAIN_MAX: i64 = 3;
/// Members a company may have, and invites it may have open.
const MEMBERS_MAX: i64 = 500;

/// Everybody in the company, and who is asked in.
///
/// # Errors
/// `Forbidden` without `ViewTeam`.
pub async fn list(db: &Db, actor: &Actor) -> Result<Team> {
    actor.require(Permission::ViewTeam)?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    let now = tx.now();
    let you = actor.user.as_ref().map(|u| u.id);
    let members = repo::members(&mut tx, actor.company()).await?;
    let invites = repo::open_invites(&mut tx, actor.company()).await?;
    let two_factor_required = repo::two_factor_required(&mut tx, actor.company()).await?;
    Ok(Team {
        two_factor_required,
        members: members
            .into_iter()
            .map(|m| MemberRow {
                is_you: you == Some(m.id),
                id: m.id,
                name: m.name,
                email: m.email,
                role: m.role,
                seen_at: m.seen_at.map(|at| actor.moment(at)),
                deactivated: m.deactivated,
            })
            .collect(),
        invites: invites
            .into_iter()
            .map(|i| InviteRow {
                id: i.id,
                email: i.email,
                role: i.role,
                invited_by: i.invited_by,
                sent_at: actor.moment(i.sent_at),
                expired: i.expires_at <= now,
            })
            .collect(),
    })
}

/// Asks somebody into the company, by mail.
///
/// # Errors
/// `Forbidden` without `ManageTeam`; `Invalid` on `email` or `role`; `Conflict` while one's own e-mail is not confirmed;
/// `RateLimited` after many.
pub async fn invite(db: &Db, actor: &Actor, email: &str, role: Role) -> Result<InviteId> {
    let (tx, id) = invite_in(db.begin_system(SystemTask::Team).await?, actor, email, role).await?;
    tx.commit().await?;
    Ok(id)
}

/// The same as part of something larger, which commits it.
pub(crate) async fn invite_in(mut tx: SystemTx, actor: &Actor, email: &str, role: Role) -> Result<(Tx, InviteId)> {
    actor.require(Permission::ManageTeam)?;
    let email = email.trim().to_lowercase();
    if !looks_like_email(&email) {
        return Err(Error::field("email", "Enter an e-mail address like name@company.com.").into());
    }
    given(role)?;
    // A mail to a stranger in our name: only from somebody whom we can write to.
    if !actor.user.as_ref().is_some_and(|user| user.confirmed) {
        return Err(Error::conflict("Confirm your own e-mail before you invite others.").into());
    }
    admit(&mut tx, actor).await?;
    if repo::is_member(&mut tx, actor.company(), &email).await? {
        return Err(Error::field("email", "Somebody with this address is in the team already.").into());
    }
    if repo::count(&mut tx, actor.company()).await? >= MEMBERS_MAX {
        return Err(Error::conflict(format!("A team has at most {MEMBERS_MAX} people.")).into());
    }
    limit(&mut tx, actor).await?;
    let (id, token, now): (InviteId, _, _) = (tx.id(), new_token(&tx), tx.now());
    let new = repo::NewInvite { id, email: &email, role, token_hash: digest(&token), by: actor.name() };
    repo::insert(&mut tx, actor.company(), &new, now, now + TimeDelta::days(INVITE_DAYS))
        .await
        .map_err(|e| e.when("invites_open", || Error::field("email", "This address is invited already. Send the mail again.")))?;
    mail(&mut tx, actor, &email, role, &token).await?;
    let mut tx = tx.inside(actor).await?;
    let text = format!("{email} was invited as {}", role.label().to_lowercase());
    tx.record(EventKind::MemberInvited, Some(id.to_string()), text).await?;
    Ok((tx, id))
}

/// Sends an open invite again, with a new link; the old one stops working.
///
/// # Errors
/// `Forbidden`, `NotFound`, or `RateLimited` within a minute and after many.
pub async fn resend(db: &Db, actor: &Actor, id: InviteId) -> Result<()> {
    actor.require(Permission::ManageTeam)?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    admit(&mut tx, actor).await?;
    let invite = repo::find_open(&mut tx, actor.company(), id).await?.ok_or_else(|| Error::not_found("invite"))?;
    let now = tx.now();
    let wait = AGAIN_SECONDS - (now - invite.sent_at).num_seconds();
    if wait > 0 {
        return Err(Error::RateLimited { retry_seconds: u32::try_from(wait).unwrap_or(1) }.into());
    }
    limit(&mut tx, actor).await?;
    crate::accounts::count_try(&mut tx, &[(&format!("invite:{id}"), AGAIN_MAX)]).await?;
    let token = new_token(&tx);
    repo::renew(&mut tx, actor.company(), id, &digest(&token), now, now + TimeDelta::days(INVITE_DAYS)).await?;
    mail(&mut tx, actor, &invite.email, invite.role, &token).await?;
    let mut tx = tx.inside(actor).await?;
    tx.record(EventKind::MemberInvited, Some(id.to_string()), format!("{} was invited again", invite.email)).await?;
    tx.commit().await
}

/// Takes an open invite back.
///
/// # Errors
/// `Forbidden` or `NotFound`.
pub async fn revoke(db: &Db, actor: &Actor, id: InviteId) -> Result<()> {
    actor.require(Permission::ManageTeam)?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    admit(&mut tx, actor).await?;
    let invite = repo::find_open(&mut tx, actor.company(), id).await?.ok_or_else(|| Error::not_found("invite"))?;
    let now = tx.now();
    if !repo::close(&mut tx, actor.company(), id, now).await? {
        return Err(Error::not_found("invite").into());
    }
    let mut tx = tx.inside(actor).await?;
    tx.record(EventKind::InviteRevoked, Some(id.to_string()), format!("The invite of {} was taken back", invite.email)).await?;
    tx.commit().await
}

/// Gives a member another role, from their next click on.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid` on `role`; `Conflict` for the last administrator.
pub async fn set_role(db: &Db, actor: &Actor, user: UserId, role: Role) -> Result<()> {
    actor.require(Permission::ManageTeam)?;
    given(role)?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    admit(&mut tx, actor).await?;
    let (name, before) = leaving(&mut tx, actor, user, role != Role::CompanyAdmin).await?;
    if before == role {
        return Ok(());
    }
    repo::set_role(&mut tx, actor.company(), user, role).await?;
    let mut tx = tx.inside(actor).await?;
    let text = format!("{name} is {} now, and was {}", role.label().to_lowercase(), before.label().to_lowercase());
    tx.record(EventKind::MemberRoleChanged, Some(user.to_string()), text).await?;
    tx.commit().await
}

/// Takes a member out of the company; their sessions in it end. Anybody may take themself out.
///
/// # Errors
/// `Forbidden`, `NotFound`; `Conflict` for the last administrator.
pub async fn remove(db: &Db, actor: &Actor, user: UserId) -> Result<()> {
    // A key acts for its maker and is not them: it takes nobody out.
    let is_self = actor.scopes.is_none() && actor.user.as_ref().is_some_and(|me| me.id == user);
    if !is_self {
        actor.require(Permission::ManageTeam)?;
    }
    let mut tx = db.begin_system(SystemTask::Team).await?;
    match is_self {
        true => repo::lock(&mut tx, actor.company()).await?,
        false => admit(&mut tx, actor).await?,
    }
    let (name, _) = leaving(&mut tx, actor, user, true).await?;
    let now = tx.now();
    repo::delete(&mut tx, actor.company(), user, now).await?;
    let mut tx = tx.inside(actor).await?;
    let text = if is_self { format!("{name} left the team") } else { format!("{name} was taken out of the team") };
    tx.record(EventKind::MemberRemoved, Some(user.to_string()), text).await?;
    tx.commit().await
}

/// Locks the team until the end of the transaction, so that two who change it are looked at one after the other, and asks whether
/// whoever acts may still change it: they may have been taken out while this waited.
async fn admit(tx: &mut SystemTx, actor: &Actor) -> Result<()> {
    repo::lock(tx, actor.company()).await?;
    let Some(user) = &actor.user else { return Ok(()) };
    let role = repo::role_now(tx, actor.company(), user.id, actor.role == Role::SuperAdmin).await?;
    if role.is_some_and(|role| role.may(Permission::ManageTeam)) {
        return Ok(());
    }
    Err(Error::Forbidden { permission: Permission::ManageTeam.as_str().to_owned() }.into())
}

/// Name and role of a member who is about to change; with `stops` they are no administrator afterwards. The team is locked.
async fn leaving(tx: &mut SystemTx, actor: &Actor, user: UserId, stops: bool) -> Result<(String, Role)> {
    let member = repo::member(tx, actor.company(), user).await?.ok_or_else(|| Error::not_found("member"))?;
    if member.1 == Role::SuperAdmin {
        return Err(Error::Forbidden { permission: Permission::AdminPlatform.as_str().to_owned() }.into());
    }
    if stops && member.1 == Role::CompanyAdmin && !repo::has_another_admin(tx, actor.company(), user).await? {
        return Err(Error::conflict("This is the last administrator. Make somebody else one first.").into());
    }
    Ok(member)
}

/// Only what a company may give: nobody makes themself a super admin.
fn given(role: Role) -> Result<()> {
    if ROLES.contains(&role) { Ok(()) } else { Err(Error::field("role", "Choose a role from the list.").into()) }
}

async fn limit(tx: &mut SystemTx, actor: &Actor) -> Result<()> {
    let hour = tx.now() - TimeDelta::hours(1);
    if repo::count_sent(tx, actor.company(), hour).await? >= INVITES_PER_HOUR_MAX {
        return Err(Error::RateLimited { retry_seconds: 3600 }.into());
    }
    Ok(())
}

async fn mail(tx: &mut SystemTx, actor: &Actor, email: &str, role: Role, token: &str) -> Result<()> {
    let url = format!("{}/invite?token={token}", tx.config().public_url);
    let company = repo::company_name(tx, actor.company()).await?;
    mails::send(tx, email, &letters::invite(actor.name(), &company, role.label(), url, INVITE_DAYS)).await
}
