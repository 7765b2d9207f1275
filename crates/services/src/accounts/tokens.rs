//! Tokens of programs that sign in with a password: one that opens the API for an hour, and one that renews both, once.
//!
//! Both hang on a session like that of a browser, whose own token nobody has. So a new password, *sign out everywhere else*, a
//! lost membership and a suspended company end them, and the account page lists them, without anything of their own.

use super::profile::tell;
use super::repo::{self, tokens};
use super::sessions::{self, Caller, Client, no_match, prove_code, prove_password};
use super::{digest, new_token};
use crate::actor::SystemTask;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::two_factor;
use chrono::TimeDelta;
use model::Error;
use model::events::EventKind;
use model::id::SessionId;
use model::time::Timestamp;

/// How long an access token works.
pub const ACCESS_SECONDS: i64 = 3_600;
/// How long a refresh token works, and so how long a program may stay away.
const REFRESH_DAYS: i64 = 30;
/// A program signs in again after this long, however often it renews.
const FAMILY_DAYS: i64 = 90;
const ACCESS_PREFIX: &str = "bft_";
const REFRESH_PREFIX: &str = "bfr_";
/// The prefix and 32 bytes in base64url without padding.
const TOKEN_LENGTH: usize = 47;

/// What a program gets; both are shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPair {
    pub access: String,
    pub refresh: String,
}

/// Checks the password, and the code of somebody who has a second factor, and opens a session for a program in the company that
/// its user chose last. Tries count together with those of the sign-in page.
///
/// # Errors
/// `Invalid` on `password`, in the same words for an unknown user, and on `code`; `RateLimited` after too many failures.
pub async fn sign_in(db: &Db, email: &str, password: &str, code: Option<&str>, client: &Client) -> Result<TokenPair> {
    let (mut tx, user) = prove_password(db, email, password, client).await?;
    if two_factor::is_on(&mut tx, user).await? {
        let Some(code) = code.filter(|code| !code.trim().is_empty()) else {
            tx.commit().await?;
            return Err(Error::field("code", "Send a code of the authenticator app as well.").into());
        };
        tx = prove_code(db, tx, user, None, code, client).await?;
    }
    let member = repo::latest_membership(&mut tx, user).await?.ok_or_else(no_match)?;
    let (session, now) = (tx.id(), tx.now());
    let new = repo::NewSession {
        id: session,
        // Of bytes that nobody gets: no cookie opens this session.
        token_hash: digest(&new_token(&tx)),
        ip: client.ip.clone(),
        user_agent: client.user_agent.chars().take(sessions::USER_AGENT_MAX).collect(),
        now,
        idle_until: now + TimeDelta::days(REFRESH_DAYS),
        absolute_until: now + TimeDelta::days(FAMILY_DAYS),
    };
    repo::insert_session(&mut tx, &member, &new).await?;
    let pair = issue(&mut tx, session).await?;
    let mut tx = tx.inside(&member.actor()).await?;
    let text = format!("A program signed in from {}", client.ip);
    tx.record(EventKind::UserSignedIn, Some(user.to_string()), text).await?;
    tx.commit().await?;
    Ok(pair)
}

/// Gives a new pair for a refresh token, which works no more. One that was taken before ends the session with all its tokens:
/// either it was stolen, or the one that came after it was. Nothing for a token that is unknown, over or taken.
///
/// # Errors
/// When the database is away.
pub async fn refresh(db: &Db, refresh: &str, client: &Client) -> Result<Option<TokenPair>> {
    if !looks_like(refresh, REFRESH_PREFIX) {
        return Ok(None);
    }
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let Some(token) = tokens::lock_refresh(&mut tx, &digest(refresh)).await? else { return Ok(None) };
    let Some(session) = repo::session(&mut tx, &token.session_hash, now).await? else { return Ok(None) };
    if token.used_at.is_some() {
        end_stolen(tx, &session, now, client).await?;
        return Ok(None);
    }
    if token.expires_at <= now {
        return Ok(None);
    }
    tokens::use_up(&mut tx, &digest(refresh), now).await?;
    let idle_until = (now + TimeDelta::days(REFRESH_DAYS)).min(session.absolute_until);
    repo::touch_session(&mut tx, session.id, now, idle_until).await?;
    let pair = issue(&mut tx, session.id).await?;
    tx.commit().await?;
    Ok(Some(pair))
}

/// Ends the session of a token that was shown twice, and tells its user.
async fn end_stolen(mut tx: SystemTx, session: &repo::Session, now: Timestamp, client: &Client) -> Result<()> {
    let user = session.member.user_id;
    repo::revoke_session(&mut tx, session.id, now).await?;
    let person = repo::lock_user(&mut tx, user).await?;
    tell(&mut tx, &person, "A program showed an old refresh token, and was signed out", client).await?;
    let mut tx = tx.inside(&session.member.actor()).await?;
    let text = format!("A refresh token came a second time, from {}; its session ended", client.ip);
    tx.record(EventKind::TokenReused, Some(user.to_string()), text).await?;
    tx.commit().await
}

/// Who is behind an access token, if it and its session are alive.
///
/// # Errors
/// When the database is away.
pub async fn resolve(db: &Db, access: &str) -> Result<Option<Caller>> {
    if !looks_like(access, ACCESS_PREFIX) {
        return Ok(None);
    }
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let Some(hash) = tokens::session_of(&mut tx, &digest(access), now).await? else { return Ok(None) };
    let Some(session) = repo::session(&mut tx, &hash, now).await? else { return Ok(None) };
    if now - session.last_seen_at >= TimeDelta::seconds(sessions::SEEN_SECONDS) {
        tokens::see_session(&mut tx, session.id, now).await?;
        tx.commit().await?;
    }
    let repo::Session { id, barred, acting, member, .. } = session;
    Ok(Some(Caller { actor: member.actor(), session: id, user: member.user_id, barred, acting }))
}

/// Ends the session behind an access token, with all its tokens.
///
/// # Errors
/// When the database refuses.
pub async fn sign_out(db: &Db, caller: &Caller) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    repo::revoke_session(&mut tx, caller.session, now).await?;
    let mut tx = tx.inside(&caller.actor).await?;
    tx.record(EventKind::UserSignedOut, Some(caller.user.to_string()), "A program signed out").await?;
    tx.commit().await
}

/// A new pair, in place of what is too old to be asked for.
async fn issue(tx: &mut SystemTx, session: SessionId) -> Result<TokenPair> {
    let now = tx.now();
    let made = |prefix: &str| format!("{prefix}{}", new_token(tx));
    let pair = TokenPair { access: made(ACCESS_PREFIX), refresh: made(REFRESH_PREFIX) };
    tokens::forget_old(tx, session, now).await?;
    tokens::insert(tx, session, "access", &digest(&pair.access), now + TimeDelta::seconds(ACCESS_SECONDS)).await?;
    tokens::insert(tx, session, "refresh", &digest(&pair.refresh), now + TimeDelta::days(REFRESH_DAYS)).await?;
    Ok(pair)
}

fn looks_like(token: &str, prefix: &str) -> bool {
    token.len() == TOKEN_LENGTH && token.starts_with(prefix)
}
