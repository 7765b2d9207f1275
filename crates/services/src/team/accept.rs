//! Taking an invite up: by somebody new, who gets an account with it, or by somebody who has one and is signed in to it.
//! An invite works once: it is locked, used up and becomes a membership in one transaction.

use super::repo;
use crate::accounts::{self, Caller, Client, NewUser, digest};
use crate::actor::SystemTask;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use model::Error;
use model::accounts::password_problem;
use model::error::Check;
use model::events::EventKind;
use model::id::UserId;
use model::team::{Guest, Invitation};
use model::time::Timestamp;

/// What the page behind the link shows.
///
/// # Errors
/// `NotFound` for a link we never sent, `Conflict` for one that was used, taken back or is too old.
pub async fn look(db: &Db, token: &str, caller: Option<&Caller>) -> Result<Invitation> {
    let mut tx = db.begin_system(SystemTask::Team).await?;
    let invite = open(&mut tx, token).await?;
    let known = accounts::find_user(&mut tx, &invite.email).await?;
    // Whose last company took them out cannot sign in anywhere: they begin anew, with what the mail proves.
    let known = match known {
        Some(user) if accounts::at_home(&mut tx, user).await?.is_none() => None,
        known => known,
    };
    let guest = match (known, caller) {
        (None, _) => Guest::New,
        (Some(_), None) => Guest::Stranger,
        (Some(user), Some(caller)) if user == caller.user => Guest::You,
        (Some(_), Some(_)) => Guest::Other,
    };
    let company_name = repo::company_name(&mut tx, invite.company_id).await?;
    Ok(Invitation { company_name, email: invite.email, role: invite.role, invited_by: invite.invited_by, guest })
}

/// Creates an account for whoever the invite was mailed to, and lets them in. The mail has proven the address. Returns the token
/// of their session; none for somebody who had an account and is in no company any more: they have a new password now, and
/// sign in with it, and with their second factor if they have one.
///
/// # Errors
/// `Invalid` on `name` or `password`; `NotFound` or `Conflict` as for [`look`].
pub async fn join_new(db: &Db, token: &str, name: &str, password: &str, client: &Client) -> Result<Option<String>> {
    let mut check = Check::new();
    check.text(name, "name", "your name", 120);
    if let Some(problem) = password_problem(password) {
        check.need(false, "password", problem);
    }
    check.done()?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    open(&mut tx, token).await?;
    tx.commit().await?;
    // Only whoever has an invite makes us hash.
    let password_hash = accounts::hash_password(db, password).await?;
    let mut tx = db.begin_system(SystemTask::Team).await?;
    let invite = open(&mut tx, token).await?;
    if let Some(user) = accounts::find_user(&mut tx, &invite.email).await? {
        if accounts::at_home(&mut tx, user).await?.is_some() {
            return Err(Error::conflict("You have an account already. Sign in and open the link again.").into());
        }
        accounts::renew(&mut tx, user, name.trim(), &password_hash).await?;
        join(tx, invite, user, None).await?;
        return Ok(None);
    }
    let new = NewUser { name: name.trim(), email: &invite.email, password_hash: Some(&password_hash), confirmed: true };
    let user = accounts::create_user(&mut tx, &new).await?;
    join(tx, invite, user, Some((client, None))).await
}

/// Lets somebody in who has an account and is signed in to it. Returns the token of a session in the new company; the one
/// they came with ends.
///
/// # Errors
/// `NotFound` or `Conflict` as for [`look`], and `Conflict` for an invite of another address.
pub async fn join_known(db: &Db, token: &str, caller: &Caller, client: &Client) -> Result<String> {
    let mut tx = db.begin_system(SystemTask::Team).await?;
    let invite = open(&mut tx, token).await?;
    if accounts::find_user(&mut tx, &invite.email).await? != Some(caller.user) {
        return Err(Error::conflict(format!("This invite is for {}. Sign in with that address.", invite.email)).into());
    }
    let until = accounts::leave_session(&mut tx, caller).await?;
    let token = join(tx, invite, caller.user, Some((client, Some(until)))).await?;
    Ok(token.ok_or(Error::Unauthenticated)?)
}

/// An invite that still works, locked.
async fn open(tx: &mut SystemTx, token: &str) -> Result<repo::Found> {
    let invite = repo::lock_by_token(tx, &digest(token)).await?.ok_or_else(|| Error::not_found("invite"))?;
    let why = match (invite.accepted, invite.revoked, invite.expires_at <= tx.now()) {
        (true, ..) => "This invite was used already. Sign in instead.",
        (_, true, _) => "This invite was taken back.",
        (.., true) => "This invite has expired. Ask for a new one.",
        _ => return Ok(invite),
    };
    Err(Error::conflict(why).into())
}

/// Uses the invite up for a membership, and opens a session for whoever sits at the client: one that ends when the session they
/// came with would have.
async fn join(
    mut tx: SystemTx,
    invite: repo::Found,
    user: UserId,
    client: Option<(&Client, Option<Timestamp>)>,
) -> Result<Option<String>> {
    let now = tx.now();
    repo::accept(&mut tx, invite.company_id, invite.id, now).await?;
    accounts::join(&mut tx, invite.company_id, user, invite.role)
        .await
        .map_err(|e| e.when("members_pkey", || Error::conflict("You are in this team already.")))?;
    let actor = accounts::actor(&mut tx, user, invite.company_id).await?;
    let token = match client {
        Some((client, until)) => Some(accounts::enter(&mut tx, user, invite.company_id, client, until).await?),
        None => None,
    };
    let mut tx = tx.inside(&actor).await?;
    let text = format!("{} joined as {}", actor.name(), invite.role.label().to_lowercase());
    tx.record(EventKind::MemberJoined, Some(user.to_string()), text).await?;
    tx.commit().await?;
    Ok(token)
}
