//! Sign-in, sign-out and the session behind a cookie. The cookie carries 32 random bytes; the table only
//! their SHA-256, so that reading the database does not let anybody in.

use super::{digest, new_token, normal, passwords, repo};
use crate::actor::{Actor, SystemTask};
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::two_factor;
use chrono::TimeDelta;
use model::Error;
use model::accounts::{Bar, PASSWORD_MAX, Role};
use model::events::EventKind;
use model::id::{CompanyId, SessionId, UserId};
use model::identities::IdentityProvider;
use model::time::Timestamp;

/// A session ends after this long without a request.
const IDLE_HOURS: i64 = 12;
/// A session ends this long after sign-in, whatever happens.
pub(super) const ABSOLUTE_DAYS: i64 = 30;
/// `last_seen_at` is written at most this often: reading a page should not write.
pub(super) const SEEN_SECONDS: i64 = 60;
/// Failed tries are counted over this span.
const FAILURE_MINUTES: i64 = 15;
/// Failed tries per e-mail before it has to wait.
const FAILURES_PER_EMAIL_MAX: i64 = 5;
/// Failed tries per address before it has to wait; many people may share one.
const FAILURES_PER_IP_MAX: i64 = 50;
/// How long the code may be awaited after the password.
pub(super) const HALF_MINUTES: i64 = 5;
/// Longest user agent kept.
pub(super) const USER_AGENT_MAX: usize = 200;
/// Longest e-mail looked at; see `model::accounts::looks_like_email`.
const EMAIL_MAX: usize = 254;
/// 32 bytes in base64url without padding.
const TOKEN_LENGTH: usize = 43;

/// Who sends this request, from the session behind its cookie.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub session: SessionId,
    pub user: UserId,
    /// Why the company does not let this user in, if it does not. Doors let such a caller set up a second factor, go to another
    /// company or leave, and nothing else.
    pub barred: Option<Bar>,
    /// A super admin inside somebody else's company, or an administrator inside one of their clients; see `clients`.
    pub acting: bool,
}

/// What a right password leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A session; its token, for [`super::Cookie::Session`].
    In(String),
    /// A code is asked for; the token of this half of a sign-in, for [`super::Cookie::Half`].
    Half(String),
}

/// The machine a request comes from, for the list of sessions and for throttling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    pub ip: String,
    pub user_agent: String,
}

/// Signs in somebody who has no second factor. Returns the token of the session, for [`super::Cookie::Session`].
///
/// # Errors
/// As [`knock`]; `Conflict` for somebody who has one.
pub async fn sign_in(db: &Db, email: &str, password: &str, client: &Client) -> Result<String> {
    match knock(db, email, password, client).await? {
        Entry::In(token) => Ok(token),
        Entry::Half(_) => Err(Error::conflict("A code of your authenticator app is needed as well.").into()),
    }
}

/// Checks the password, and opens a session unless the user has a second factor.
///
/// # Errors
/// `Invalid` on `password`, in the same words for an unknown user; `RateLimited` after too many failures.
pub async fn knock(db: &Db, email: &str, password: &str, client: &Client) -> Result<Entry> {
    let (tx, user) = prove_password(db, email, password, client).await?;
    welcome(tx, user, client, None).await
}

/// Opens a session for somebody who has proven who they are, by their password or at a provider, unless they have a second factor.
pub(crate) async fn welcome(mut tx: SystemTx, user: UserId, client: &Client, by: Option<IdentityProvider>) -> Result<Entry> {
    if two_factor::is_on(&mut tx, user).await? {
        let token = new_token(&tx);
        let (now, until) = (tx.now(), tx.now() + TimeDelta::minutes(HALF_MINUTES));
        repo::insert_half(&mut tx, user, &digest(&token), now, until).await?;
        tx.commit().await?;
        return Ok(Entry::Half(token));
    }
    Ok(Entry::In(land(tx, user, client, by).await?))
}

/// Whose password this is. The transaction has taken back the tries that a right password is forgiven.
pub(super) async fn prove_password(db: &Db, email: &str, password: &str, client: &Client) -> Result<(SystemTx, UserId)> {
    let email = normal(email);
    let mut typed = model::error::Check::new();
    typed.need(!email.is_empty(), "email", "Enter your e-mail address.");
    typed.need(!password.is_empty(), "password", "Enter your password.").done()?;
    if email.len() > EMAIL_MAX || password.chars().count() > PASSWORD_MAX {
        return Err(no_match());
    }
    let keys = [format!("email:{email}"), ip_key(client)];
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    count_try(&mut tx, &[(&keys[0], FAILURES_PER_EMAIL_MAX), (&keys[1], FAILURES_PER_IP_MAX)]).await?;
    let found = repo::login(&mut tx, &email).await?;
    // No connection is held while the password is hashed.
    tx.commit().await?;
    if !passwords::verify(password, found.as_ref().and_then(|u| u.password_hash.clone())).await? {
        tracing::warn!(user = found.map(|u| u.id.to_string()), "a password was wrong");
        return Err(no_match());
    }
    let repo::Login { id: user, password_hash } = found.ok_or_else(no_match)?;
    let password_hash = password_hash.ok_or_else(no_match)?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    if !repo::has_hash(&mut tx, user, &password_hash).await? {
        return Err(no_match());
    }
    let [email_key, ip_key] = &keys;
    let old = tx.now() - TimeDelta::minutes(FAILURE_MINUTES);
    repo::forget_failures(&mut tx, email_key, ip_key, old).await?;
    Ok((tx, user))
}

/// The second half of a sign-in: a code of the app, or a recovery code. Returns the token of the session.
///
/// # Errors
/// `Invalid` on `code`; `Unauthenticated` when the first half is too long ago, or no code is asked for any more;
/// `RateLimited` after wrong codes.
pub async fn finish(db: &Db, half: &str, code: &str, client: &Client) -> Result<String> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let half = digest(half);
    let user = repo::find_half(&mut tx, &half, now).await?.ok_or(Error::Unauthenticated)?;
    let mut tx = prove_code(db, tx, user, Some(&half), code, client).await?;
    repo::delete_halves(&mut tx, user).await?;
    land(tx, user, client, None).await
}

/// Goes on in the transaction when the code of the app, or a recovery code, is right. A wrong one stays counted.
///
/// # Errors
/// As [`finish`]: also when `half`, the first half of a browser's sign-in, is over.
pub(super) async fn prove_code(
    db: &Db,
    mut tx: SystemTx,
    user: UserId,
    half: Option<&[u8]>,
    code: &str,
    client: &Client,
) -> Result<SystemTx> {
    let now = tx.now();
    let (of_user, of_ip) = (two_factor::key(user), ip_key(client));
    count_try(&mut tx, &[(&of_user, two_factor::guesses_max()), (&of_ip, FAILURES_PER_IP_MAX)]).await?;
    repo::lock_user(&mut tx, user).await?;
    // Somebody may have been faster while this waited.
    if let Some(half) = half {
        repo::lock_half(&mut tx, half, now).await?.ok_or(Error::Unauthenticated)?;
    }
    if !two_factor::take(db, &mut tx, user, code).await? {
        tracing::warn!(%user, "a code was wrong");
        tx.commit().await?;
        return Err(two_factor::wrong());
    }
    repo::forget_failures(&mut tx, &of_user, &of_ip, now - TimeDelta::minutes(FAILURE_MINUTES)).await?;
    Ok(tx)
}

/// Opens a session in the company chosen last.
async fn land(mut tx: SystemTx, user: UserId, client: &Client, by: Option<IdentityProvider>) -> Result<String> {
    let member = repo::latest_membership(&mut tx, user).await?.ok_or_else(no_match)?;
    let token = open_session(&mut tx, &member, client).await?;
    let mut tx = tx.inside(&member.actor()).await?;
    let by = by.map_or_else(String::new, |by| format!(" with {}", by.label()));
    tx.record(EventKind::UserSignedIn, Some(user.to_string()), format!("Signed in{by} from {}", client.ip)).await?;
    tx.commit().await?;
    Ok(token)
}

/// Goes on in another company of the same user. Returns the token of a new session there; the old one ends, and the new one
/// lives no longer than it would have.
///
/// # Errors
/// `NotFound` for a company one is not in, `Conflict` for the one where one is and for a super admin inside a client.
pub async fn switch(db: &Db, caller: &Caller, company: CompanyId, client: &Client) -> Result<String> {
    if company == caller.actor.company() {
        return Err(Error::conflict("You are in this company already.").into());
    }
    if caller.acting {
        // So that its record says when.
        return Err(Error::conflict("You act inside a client. Leave it first.").into());
    }
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let member = repo::membership(&mut tx, caller.user, company).await?.ok_or_else(|| Error::not_found("company"))?;
    let until = leave_session(&mut tx, caller).await?;
    let token = open_until(&mut tx, &member, client, until).await?;
    let mut tx = tx.inside(&member.actor()).await?;
    tx.record(EventKind::UserSignedIn, Some(caller.user.to_string()), format!("Came in from {}", client.ip)).await?;
    tx.commit().await?;
    Ok(token)
}

/// A visitor's session inside a company that is not theirs. Returns its token; the session they come with ends.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn visit(tx: &mut SystemTx, caller: &Caller, company: CompanyId, client: &Client) -> Result<String> {
    let until = leave_session(tx, caller).await?;
    let there = repo::visitor(tx, caller.user, company).await?;
    let token = open_until(tx, &there, client, until).await?;
    repo::mark_acting(tx, &digest(&token)).await?;
    Ok(token)
}

/// A session of a visitor in their own company. Returns its token; the session they come with ends.
///
/// # Errors
/// `Unauthenticated` when they are super admin nowhere any more.
pub(crate) async fn go_home(tx: &mut SystemTx, caller: &Caller, client: &Client) -> Result<String> {
    let until = leave_session(tx, caller).await?;
    let home = repo::home(tx, caller.user, Role::SuperAdmin).await?.ok_or(Error::Unauthenticated)?;
    open_until(tx, &home, client, until).await
}

/// A session of a visitor in that company of theirs. Returns its token; the session they come with ends.
///
/// # Errors
/// `NotFound` for a company they are not in any more.
pub(crate) async fn go_to(tx: &mut SystemTx, caller: &Caller, home: CompanyId, client: &Client) -> Result<String> {
    let until = leave_session(tx, caller).await?;
    enter(tx, caller.user, home, client, Some(until)).await
}

/// Ends the session of whoever asks, and returns when it would have ended by itself.
pub(crate) async fn leave_session(tx: &mut SystemTx, caller: &Caller) -> Result<Timestamp> {
    let now = tx.now();
    // A session that ended meanwhile opens no other.
    Ok(repo::revoke_session(tx, caller.session, now).await?.ok_or(Error::Unauthenticated)?)
}

/// A session of a user in one of their companies, `until` the moment when the one they come with would have ended.
///
/// # Errors
/// `NotFound` for a company they are not in.
pub(crate) async fn enter(
    tx: &mut SystemTx,
    user: UserId,
    company: CompanyId,
    client: &Client,
    until: Option<Timestamp>,
) -> Result<String> {
    let member = repo::membership(tx, user, company).await?.ok_or_else(|| Error::not_found("company"))?;
    match until {
        Some(until) => open_until(tx, &member, client, until).await,
        None => open_session(tx, &member, client).await,
    }
}

/// A user in one of their companies.
///
/// # Errors
/// `NotFound` for a company they are not in.
pub(crate) async fn actor(tx: &mut SystemTx, user: UserId, company: CompanyId) -> Result<Actor> {
    Ok(repo::membership(tx, user, company).await?.ok_or_else(|| Error::not_found("company"))?.actor())
}

/// Ends a session. Ending one that is over already is fine.
///
/// # Errors
/// When the database refuses.
pub async fn sign_out(db: &Db, token: &str) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let Some(session) = repo::session(&mut tx, &digest(token), now).await? else {
        return Ok(());
    };
    repo::revoke_session(&mut tx, session.id, now).await?;
    let user = session.member.user_id;
    let mut tx = tx.inside(&session.member.actor()).await?;
    tx.record(EventKind::UserSignedOut, Some(user.to_string()), "Signed out").await?;
    tx.commit().await
}

/// Who is behind a token, if its session is alive. Extends it, at most once a minute.
///
/// # Errors
/// When the database is away.
pub async fn resolve(db: &Db, token: &str) -> Result<Option<Caller>> {
    if token.len() != TOKEN_LENGTH {
        return Ok(None);
    }
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let Some(session) = repo::session(&mut tx, &digest(token), now).await? else {
        return Ok(None);
    };
    if now - session.last_seen_at >= TimeDelta::seconds(SEEN_SECONDS) {
        let idle_until = (now + TimeDelta::hours(IDLE_HOURS)).min(session.absolute_until);
        repo::touch_session(&mut tx, session.id, now, idle_until).await?;
    }
    tx.commit().await?;
    let repo::Session { id, barred, acting, member, .. } = session;
    Ok(Some(Caller { actor: member.actor(), session: id, user: member.user_id, barred, acting }))
}

/// Whether the session behind a token still opens doors. Asking does not keep it alive.
///
/// # Errors
/// When the database is away.
pub async fn is_alive(db: &Db, token: &str) -> Result<bool> {
    let mut tx = db.begin_system(SystemTask::Live).await?;
    let now = tx.now();
    Ok(repo::session(&mut tx, &digest(token), now).await?.is_some_and(|session| session.barred.is_none()))
}

/// Counts this try before it is judged, so that a hundred tries at once are not a hundred guesses: each key has its own number
/// of tries in a quarter of an hour. A success takes its own back.
pub(crate) async fn count_try(tx: &mut SystemTx, limits: &[(&str, i64)]) -> Result<()> {
    let now = tx.now();
    let span = TimeDelta::minutes(FAILURE_MINUTES);
    for (key, max) in limits {
        repo::lock_tries(tx, key).await?;
        if let Some(at) = repo::nth_failure(tx, key, now - span, *max).await? {
            // The keys of tries are addresses of mail and of machines; a log keeps neither of people.
            tracing::warn!(kind = key.split(':').next(), "too many tries");
            return Err(Error::RateLimited { retry_seconds: seconds_until(at + span, now) }.into());
        }
    }
    for (key, _) in limits {
        repo::insert_failure(tx, key, now).await?;
    }
    Ok(())
}

/// Counts a try from a machine at which nobody is named yet; [`forgive_from`] takes it back.
///
/// # Errors
/// `RateLimited` after as many as sign-ins with wrong passwords.
pub(crate) async fn count_from(tx: &mut SystemTx, client: &Client) -> Result<()> {
    count_try(tx, &[(&ip_key(client), FAILURES_PER_IP_MAX)]).await
}

/// Takes back the try of a success.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn forgive_from(tx: &mut SystemTx, client: &Client) -> Result<()> {
    let old = tx.now() - TimeDelta::minutes(FAILURE_MINUTES);
    repo::forget_failures(tx, "", &ip_key(client), old).await
}

fn ip_key(client: &Client) -> String {
    format!("ip:{}", client.ip)
}

/// A new row for every sign-in: a token from before is never promoted.
pub(super) async fn open_session(tx: &mut SystemTx, member: &repo::Membership, client: &Client) -> Result<String> {
    let until = tx.now() + TimeDelta::days(ABSOLUTE_DAYS);
    open_until(tx, member, client, until).await
}

async fn open_until(tx: &mut SystemTx, member: &repo::Membership, client: &Client, until: Timestamp) -> Result<String> {
    let token = new_token(tx);
    let (id, now) = (tx.id(), tx.now());
    let user_agent: String = client.user_agent.chars().take(USER_AGENT_MAX).collect();
    let new = repo::NewSession {
        id,
        token_hash: digest(&token),
        ip: client.ip.clone(),
        user_agent,
        now,
        idle_until: (now + TimeDelta::hours(IDLE_HOURS)).min(until),
        absolute_until: until,
    };
    repo::insert_session(tx, member, &new).await?;
    Ok(token)
}

pub(super) fn no_match() -> crate::Error {
    Error::field("password", "E-mail and password do not match.").into()
}

fn seconds_until(then: Timestamp, now: Timestamp) -> u32 {
    u32::try_from((then - now).num_seconds()).unwrap_or(0).max(1)
}
