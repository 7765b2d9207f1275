//! What people do with their own account: name, password, e-mail, and where they are signed in.

use super::links::{self, Kind};
use super::sessions::{Caller, Client, count_try};
use super::{normal, passwords, repo};
use crate::actor::SystemTask;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::mails::{self, letters};
use crate::{identities, two_factor};
use chrono::TimeDelta;
use model::Error;
use model::accounts::{Account, SessionRow, looks_like_email, password_problem};
use model::error::Check;
use model::events::EventKind;
use model::id::SessionId;

/// How long the link to a new address works.
const ADDRESS_HOURS: i64 = 24;
/// Guesses at one's own password in a quarter of an hour: a session left open is no way to find it out.
const GUESSES_MAX: i64 = 5;
/// New addresses one user may try in a quarter of an hour: each is a mail to a stranger.
const ADDRESSES_MAX: i64 = 3;

/// The account of whoever asks.
///
/// # Errors
/// When the database refuses.
pub async fn load(db: &Db, caller: &Caller) -> Result<Account> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let user = repo::user(&mut tx, caller.user).await?;
    let (now, two_factor) = (tx.now(), two_factor::is_on(&mut tx, caller.user).await?);
    let sessions = repo::sessions_of(&mut tx, caller.user, now).await?;
    let identities = identities::summary(&mut tx, caller.user).await?;
    let row = |s: repo::Place| SessionRow {
        current: s.id == caller.session,
        id: s.id,
        device: device(&s.user_agent),
        ip: s.ip,
        company_name: s.company_name,
        created_at: caller.actor.moment(s.created_at),
        last_seen_at: caller.actor.moment(s.last_seen_at),
    };
    let sessions = sessions.into_iter().map(row).collect();
    Ok(Account { name: user.name, email: user.email, two_factor, identities, sessions })
}

/// Changes the name.
///
/// # Errors
/// `Invalid` on `name`.
pub async fn rename(db: &Db, caller: &Caller, name: &str) -> Result<()> {
    Check::new().text(name, "name", "your name", 120).done()?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    repo::set_name(&mut tx, caller.user, name.trim()).await?;
    let mut tx = tx.inside(&caller.actor).await?;
    tx.record(EventKind::UserChanged, Some(caller.user.to_string()), format!("Name is {}", name.trim())).await?;
    tx.commit().await
}

/// Changes the password of whoever knows the old one. Their other sessions end.
///
/// # Errors
/// `Invalid` on `old` or `new`; `RateLimited` after several wrong guesses.
pub async fn change_password(db: &Db, caller: &Caller, old: &str, new: &str, client: &Client) -> Result<()> {
    if let Some(problem) = password_problem(new) {
        return Err(Error::field("new", problem).into());
    }
    prove(db, caller, old, "old").await?;
    let hash = passwords::hash(db, new).await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let user = repo::lock_user(&mut tx, caller.user).await?;
    repo::set_password(&mut tx, caller.user, &hash).await?;
    links::use_up(&mut tx, caller.user).await?;
    let ended = repo::revoke_sessions(&mut tx, caller.user, Some(caller.session), now).await?;
    repo::delete_halves(&mut tx, caller.user).await?;
    tell(&mut tx, &user, "Your password was changed", client).await?;
    let mut tx = tx.inside(&caller.actor).await?;
    let text = format!("Password changed from {}; {ended} other sessions ended", client.ip);
    tx.record(EventKind::UserPasswordChanged, Some(caller.user.to_string()), text).await?;
    tx.commit().await
}

/// Mails a link to a new address, which becomes the account's when it is opened. The answer does not tell whether somebody
/// else has that address: then no mail is sent.
///
/// # Errors
/// `Invalid` on `email` or `password`; `RateLimited` after several.
pub async fn ask_email(db: &Db, caller: &Caller, email: &str, password: &str) -> Result<()> {
    let email = normal(email);
    if !looks_like_email(&email) {
        return Err(Error::field("email", "Enter an e-mail address like name@company.com.").into());
    }
    prove(db, caller, password, "password").await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    count_try(&mut tx, &[(&format!("address:{}", caller.user), ADDRESSES_MAX)]).await?;
    let user = repo::lock_user(&mut tx, caller.user).await?;
    if user.email == email {
        return Err(Error::field("email", "This is your address already.").into());
    }
    if repo::find_user(&mut tx, &email).await?.is_none() {
        let (id, expires_at) = (tx.id(), tx.now() + TimeDelta::hours(ADDRESS_HOURS));
        if let Some(token) = links::write(&mut tx, id, Kind::Email, caller.user, Some(&email), expires_at).await? {
            let url = format!("{}/new-address?token={token}", tx.config().public_url);
            mails::send(&mut tx, &email, &letters::new_address(&user.name, url, ADDRESS_HOURS)).await?;
        }
    }
    tx.commit().await
}

/// Makes the address of a link the account's, and tells the old one.
///
/// # Errors
/// `NotFound` or `Conflict` when the link is none, was used, is too old, or somebody registered with the address meanwhile.
pub async fn take_email(db: &Db, token: &str, client: &Client) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let link = links::lock(&mut tx, Kind::Email, token).await?;
    links::use_up(&mut tx, link.user_id).await?;
    let (user, now) = (link.user_id, tx.now());
    let before = repo::lock_user(&mut tx, user).await?;
    let email = link.email.ok_or_else(|| Error::not_found("link"))?;
    repo::set_email(&mut tx, user, &email, now)
        .await
        .map_err(|e| e.when("users_email_unique", || Error::conflict("Somebody else has an account with this address.")))?;
    tell(&mut tx, &before, "The e-mail address of your account was changed", client).await?;
    let Some(actor) = repo::first_membership(&mut tx, user).await?.map(|m| m.actor()) else {
        return tx.commit().await;
    };
    let mut tx = tx.inside(&actor).await?;
    tx.record(EventKind::UserEmailChanged, Some(user.to_string()), format!("E-mail changed from {}", client.ip)).await?;
    tx.commit().await
}

/// Ends one session of whoever asks.
///
/// # Errors
/// `NotFound` when it is not theirs or over.
pub async fn end_session(db: &Db, caller: &Caller, session: SessionId) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let mine = repo::sessions_of(&mut tx, caller.user, now).await?;
    if !mine.iter().any(|s| s.id == session) {
        return Err(Error::not_found("session").into());
    }
    repo::revoke_session(&mut tx, session, now).await?.ok_or_else(|| Error::not_found("session"))?;
    let mut tx = tx.inside(&caller.actor).await?;
    tx.record(EventKind::UserSessionsEnded, Some(caller.user.to_string()), "One session ended from another").await?;
    tx.commit().await
}

/// Ends all sessions of whoever asks, but this one. Returns how many.
///
/// # Errors
/// When the database refuses.
pub async fn end_other_sessions(db: &Db, caller: &Caller) -> Result<u64> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let ended = repo::revoke_sessions(&mut tx, caller.user, Some(caller.session), now).await?;
    let mut tx = tx.inside(&caller.actor).await?;
    tx.record(EventKind::UserSessionsEnded, Some(caller.user.to_string()), format!("{ended} other sessions ended")).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Lets nobody on who does not know the password of the account they are signed in to.
pub(crate) async fn prove(db: &Db, caller: &Caller, password: &str, field: &str) -> Result<()> {
    let key = format!("password:{}", caller.user);
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    count_try(&mut tx, &[(&key, GUESSES_MAX)]).await?;
    let stored = repo::password_hash(&mut tx, caller.user).await?;
    tx.commit().await?;
    if stored.is_none() {
        return Err(Error::field(
            field,
            "Your account has no password yet. Choose one by way of “Forgotten?” on the sign-in page.",
        )
        .into());
    }
    if !passwords::verify(password, stored).await? {
        return Err(Error::field(field, "This is not your password.").into());
    }
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    repo::forget_tries(&mut tx, &key).await?;
    tx.commit().await
}

/// Tells somebody by mail what happened to their account.
pub(crate) async fn tell(tx: &mut SystemTx, user: &repo::User, what: &str, client: &Client) -> Result<()> {
    let url = format!("{}/account", tx.config().public_url);
    mails::send(tx, &user.email, &letters::notice(&user.name, what, &client.ip, url)).await
}

/// What a user agent means to a person: `Firefox on Linux`.
fn device(user_agent: &str) -> String {
    // In this order: each browser names those it wants to be taken for as well.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
    ];
    let named = |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_device_has_a_name_people_know() {
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
            ("curl/8.14", "curl"),
            ("", "Unknown device"),
        ] {
            assert_eq!(device(agent), name, "{agent}");
        }
    }
}
