//! Forgotten passwords: asking for a link, and choosing a new password with it.

use super::jobs::SendReset;
use super::links::{self, Kind};
use super::profile::tell;
use super::sessions::{Client, count_try};
use super::{normal, passwords, repo};
use crate::actor::SystemTask;
use crate::db::Db;
use crate::error::Result;
use model::Error;
use model::accounts::{looks_like_email, password_problem};
use model::events::EventKind;

/// Links one address may be sent in a quarter of an hour.
const PER_EMAIL_MAX: i64 = 3;
/// Links one machine may ask for in a quarter of an hour.
const PER_IP_MAX: i64 = 20;

/// Sends a link for a new password to this address, if somebody has it. The answer does not tell.
///
/// # Errors
/// `Invalid` for what is no address, `RateLimited` after several, known or not.
pub async fn ask(db: &Db, email: &str, client: &Client) -> Result<()> {
    let email = normal(email);
    if !looks_like_email(&email) {
        return Err(Error::field("email", "Enter an e-mail address like name@company.com.").into());
    }
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let (of_email, of_ip) = (format!("reset:{email}"), format!("reset-ip:{}", client.ip));
    count_try(&mut tx, &[(&of_email, PER_EMAIL_MAX), (&of_ip, PER_IP_MAX)]).await?;
    let link = tx.id();
    tx.enqueue(&SendReset { link, email }).await?;
    tx.commit().await
}

/// Stores a new password with the link of the mail. All sessions of the user end, and the address is proven by the way.
///
/// # Errors
/// `Invalid` on `password`; `NotFound` or `Conflict` when the link is none, was used or is too old.
pub async fn finish(db: &Db, token: &str, password: &str, client: &Client) -> Result<()> {
    if let Some(problem) = password_problem(password) {
        return Err(Error::field("password", problem).into());
    }
    // Hashing is for those who have a link: it costs 19 MiB.
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    links::lock(&mut tx, Kind::Reset, token).await?;
    tx.commit().await?;
    let hash = passwords::hash(db, password).await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    // Locked anew: whoever came first meanwhile has used it up.
    let link = links::lock(&mut tx, Kind::Reset, token).await?;
    links::use_up(&mut tx, link.user_id).await?;
    let (user, now) = (link.user_id, tx.now());
    repo::set_password(&mut tx, user, &hash).await?;
    repo::confirm_user(&mut tx, user, now).await?;
    repo::revoke_sessions(&mut tx, user, None, now).await?;
    repo::delete_halves(&mut tx, user).await?;
    let found = repo::lock_user(&mut tx, user).await?;
    repo::forget_tries(&mut tx, &format!("email:{}", found.email)).await?;
    tell(&mut tx, &found, "Your password was reset", client).await?;
    let Some(actor) = repo::first_membership(&mut tx, user).await?.map(|m| m.actor()) else {
        return tx.commit().await;
    };
    let mut tx = tx.inside(&actor).await?;
    let text = format!("Password reset from {}; all sessions ended", client.ip);
    tx.record(EventKind::UserPasswordReset, Some(user.to_string()), text).await?;
    tx.commit().await
}
