//! Sign-in, sign-out and the session behind a cookie. The cookie carries 32 random bytes; the table only
//! their SHA-256, so that reading the database does not let anybody in.

use super::{digest, normal, passwords, repo};
use crate::actor::{Actor, SystemTask};
use crate::db::{Db, SystemTx};
use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use model::Error;
use model::accounts::PASSWORD_MAX;
use model::events::EventKind;
use model::id::{SessionId, UserId};
use model::time::Timestamp;
use providers::{HeaderMap, HeaderValue};

/// A session ends after this long without a request.
const IDLE_HOURS: i64 = 12;
/// A session ends this long after sign-in, whatever happens.
const ABSOLUTE_DAYS: i64 = 30;
/// `last_seen_at` is written at most this often: reading a page should not write.
const SEEN_SECONDS: i64 = 60;
/// Failed tries are counted over this span.
const FAILURE_MINUTES: i64 = 15;
/// Failed tries per e-mail before it has to wait.
const FAILURES_PER_EMAIL_MAX: i64 = 5;
/// Failed tries per address before it has to wait; many people may share one.
const FAILURES_PER_IP_MAX: i64 = 50;
/// Longest user agent kept.
const USER_AGENT_MAX: usize = 200;
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
}

/// The machine a request comes from, for the list of sessions and for throttling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    pub ip: String,
    pub user_agent: String,
}

/// Checks the password and opens a session. Returns its token, for [`session_cookie`].
///
/// # Errors
/// `Invalid` on `password`, in the same words for an unknown user; `RateLimited` after too many failures.
pub async fn sign_in(db: &Db, email: &str, password: &str, client: &Client) -> Result<String> {
    let email = normal(email);
    let mut typed = model::error::Check::new();
    typed.need(!email.is_empty(), "email", "Enter your e-mail address.");
    typed.need(!password.is_empty(), "password", "Enter your password.").done()?;
    if email.len() > EMAIL_MAX || password.chars().count() > PASSWORD_MAX {
        return Err(no_match());
    }
    let keys = [format!("email:{email}"), format!("ip:{}", client.ip)];
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    count_try(&mut tx, &keys).await?;
    let found = repo::login(&mut tx, &email).await?;
    // No connection is held while the password is hashed.
    tx.commit().await?;
    if !passwords::verify(password, found.as_ref().map(|u| u.password_hash.clone())).await? {
        return Err(no_match());
    }
    let user = found.ok_or_else(no_match)?.id;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let [email_key, ip_key] = &keys;
    let old = tx.now() - TimeDelta::minutes(FAILURE_MINUTES);
    repo::forget_failures(&mut tx, email_key, ip_key, old).await?;
    let member = repo::first_membership(&mut tx, user).await?.ok_or_else(no_match)?;
    let token = open_session(&mut tx, &member, client).await?;
    let mut tx = tx.inside(&member.actor()).await?;
    tx.record(EventKind::UserSignedIn, Some(user.to_string()), format!("Signed in from {}", client.ip)).await?;
    tx.commit().await?;
    Ok(token)
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
    Ok(Some(Caller { actor: session.member.actor(), session: session.id, user: session.member.user_id }))
}

/// Counts this try before its password is judged, so that a hundred tries at once are not a hundred guesses.
/// A success takes its own back.
async fn count_try(tx: &mut SystemTx, keys: &[String; 2]) -> Result<()> {
    let now = tx.now();
    let span = TimeDelta::minutes(FAILURE_MINUTES);
    repo::lock_tries(tx, &keys[0]).await?;
    for (key, max) in keys.iter().zip([FAILURES_PER_EMAIL_MAX, FAILURES_PER_IP_MAX]) {
        if let Some(at) = repo::nth_failure(tx, key, now - span, max).await? {
            return Err(Error::RateLimited { retry_seconds: seconds_until(at + span, now) }.into());
        }
    }
    for key in keys {
        repo::insert_failure(tx, key, now).await?;
    }
    Ok(())
}

/// A new row for every sign-in: a token from before is never promoted.
pub(super) async fn open_session(tx: &mut SystemTx, member: &repo::Membership, client: &Client) -> Result<String> {
    let token = URL_SAFE_NO_PAD.encode(tx.secret());
    let (id, now) = (tx.id(), tx.now());
    let user_agent: String = client.user_agent.chars().take(USER_AGENT_MAX).collect();
    let new = repo::NewSession {
        id,
        token_hash: digest(&token),
        ip: client.ip.clone(),
        user_agent,
        now,
        idle_until: now + TimeDelta::hours(IDLE_HOURS),
        absolute_until: now + TimeDelta::days(ABSOLUTE_DAYS),
    };
    repo::insert_session(tx, member, &new).await?;
    Ok(token)
}

fn no_match() -> crate::Error {
    Error::field("password", "E-mail and password do not match.").into()
}

fn seconds_until(then: Timestamp, now: Timestamp) -> u32 {
    u32::try_from((then - now).num_seconds()).unwrap_or(0).max(1)
}

/// Browsers take a `__Host-` cookie only with `Secure`, `Path=/` and without `Domain`, so no other host can
/// plant one. Plain http in development cannot have that.
const fn cookie_name(dev: bool) -> &'static str {
    if dev { "sid" } else { "__Host-sid" }
}

/// The `Set-Cookie` value that keeps a browser signed in. `token` must come from [`sign_in`].
pub fn session_cookie(token: &str, dev: bool) -> HeaderValue {
    cookie(token, TimeDelta::days(ABSOLUTE_DAYS).num_seconds(), dev)
}

/// The `Set-Cookie` value that makes a browser forget its session.
pub fn ended_cookie(dev: bool) -> HeaderValue {
    cookie("", 0, dev)
}

fn cookie(token: &str, seconds: i64, dev: bool) -> HeaderValue {
    let secure = if dev { "" } else { "; Secure" };
    let text = format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(dev));
    // A token that is no header text is none of ours: the browser is told nothing.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The session token among a request's cookies, if there is one.
pub fn session_token(headers: &HeaderMap, dev: bool) -> Option<String> {
    headers
        .get_all("cookie")
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == cookie_name(dev) && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}
