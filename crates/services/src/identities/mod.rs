//! Signing in with Google and LinkedIn. What they say about somebody is verified by the server's door (`oidc`) before it comes
//! here; here is whose account it is. The key is the provider's id of a person. An address leads to an account only when
//! both sides have seen that its owner reads mail there: else whoever registers a stranger's address first would own what
//! they do later.

mod repo;
#[cfg(test)]
mod tests;

use crate::accounts::profile::{prove, tell};
use crate::accounts::{self, Caller, Client, Entry, NewUser, digest, new_token, normal};
use crate::actor::{Actor, SystemTask};
use crate::config::{Config, SignInWith};
use crate::db::{Db, SystemTx};
use crate::error::Result;
use chrono::TimeDelta;
use model::Error;
use model::events::EventKind;
use model::id::{SessionId, UserId};
use model::identities::{Claims, Identities, IdentityProvider, IdentityRow, Newcomer, Refusal, RegisterWith};

/// How long a browser may stay at a provider.
pub(crate) const TRIP_MINUTES: i64 = 10;
/// How long somebody new may take to register.
pub(crate) const NEWCOMER_MINUTES: i64 = 30;
/// Longest path a browser goes on to.
const NEXT_MAX: usize = 2_000;
/// Longest text kept of what a provider says; longer names are cut, longer addresses are none.
const TEXT_MAX: usize = 254;

/// A browser that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trip {
    /// Where it goes on to.
    pub next: String,
    /// Whose account is to be linked, in which session; nobody's when somebody signs in.
    pub linking: Option<(UserId, SessionId)>,
}

/// What somebody's claims lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// They have an account.
    Known(Entry),
    /// They have none; the token of their registration, for [`accounts::Cookie::Newcomer`].
    New(String),
    Refused(Refusal),
}

/// Our registration at a provider, if people may sign in with it.
pub fn registration(config: &Config, provider: IdentityProvider) -> Option<&SignInWith> {
    match provider {
        IdentityProvider::Google => config.google.as_ref(),
        IdentityProvider::LinkedIn => config.linkedin.as_ref(),
    }
}

/// With what people may sign in here.
pub fn offered(config: &Config) -> Vec<IdentityProvider> {
    IdentityProvider::ALL.iter().copied().filter(|provider| registration(config, *provider).is_some()).collect()
}

/// Begins a sign-in: the token of a trip, for [`accounts::Cookie::Trip`]. `next` must be a path of ours.
///
/// # Errors
/// `RateLimited` after as many from one machine as failed sign-ins.
pub async fn set_out(db: &Db, provider: IdentityProvider, next: &str, client: &Client) -> Result<String> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    accounts::count_from(&mut tx, client).await?;
    let next = if next.len() > NEXT_MAX { "/" } else { next };
    let token = write_trip(&mut tx, provider, next, None).await?;
    tx.commit().await?;
    Ok(token)
}

/// Begins to link an identity to the account of whoever asks, and proves that they know its password.
///
/// # Errors
/// `Invalid` on `password`; `Conflict` for a super admin inside somebody else's company, or when this way is not offered;
/// `RateLimited` after wrong guesses.
pub async fn set_out_to_link(db: &Db, caller: &Caller, provider: IdentityProvider, password: &str) -> Result<String> {
    if registration(db.config(), provider).is_none() {
        return Err(Error::conflict(Refusal::Off.label()).into());
    }
    at_home(caller)?;
    prove(db, caller, password, "password").await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let token = write_trip(&mut tx, provider, "/account/identities", Some((caller.user, caller.session))).await?;
    tx.commit().await?;
    Ok(token)
}

async fn write_trip(
    tx: &mut SystemTx,
    provider: IdentityProvider,
    next: &str,
    linking: Option<(UserId, SessionId)>,
) -> Result<String> {
    let (token, now) = (new_token(tx), tx.now());
    let (user_id, session_id) = linking.unzip();
    let trip = repo::TripRow { provider, next: next.to_owned(), user_id, session_id };
    repo::insert_trip(tx, &digest(&token), &trip, now, now + TimeDelta::minutes(TRIP_MINUTES)).await?;
    Ok(token)
}

/// Ends the trip of a browser that came back from this provider; nothing for one that was ended, took too long or led elsewhere.
///
/// # Errors
/// When the database refuses.
pub async fn come_back(db: &Db, provider: IdentityProvider, token: &str) -> Result<Option<Trip>> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let now = tx.now();
    let trip = repo::end_trip(&mut tx, &digest(token), now).await?;
    tx.commit().await?;
    Ok(trip
        .filter(|trip| trip.provider == provider)
        .map(|trip| Trip { next: trip.next, linking: trip.user_id.zip(trip.session_id) }))
}

/// Lets somebody in by what a provider says, or to registration. An account that was never linked is linked now when provider and
/// account both know that its address is theirs.
///
/// # Errors
/// When the database refuses.
pub async fn arrive(db: &Db, claims: &Claims, client: &Client) -> Result<Arrival> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let email = claims.email.as_deref().map(normal).filter(|email| email.len() <= TEXT_MAX);
    let account = match (repo::owner(&mut tx, claims).await?, &email) {
        (Some(owner), _) => Some(owner),
        (None, Some(email)) => accounts::find_user(&mut tx, email).await?,
        (None, None) => None,
    };
    let Some(user) = account else {
        return Ok(Arrival::New(await_newcomer(tx, claims, email).await?));
    };
    let person = accounts::lock_user(&mut tx, user).await?;
    // What was read before the lock may have changed: linked by another tab, unlinked, given another address.
    if repo::owner(&mut tx, claims).await? == Some(user) {
        return enter(tx, user, claims, client).await;
    }
    // Who has another identity there is not replaced by an address: addresses are given to others.
    let theirs = person.confirmed && claims.email_verified && Some(&person.email) == email.as_ref();
    if !theirs || repo::of_user(&mut tx, user).await?.iter().any(|linked| linked.provider == claims.provider) {
        return Ok(Arrival::Refused(Refusal::LinkFirst));
    }
    let Some(actor) = accounts::at_home(&mut tx, user).await? else {
        return Ok(Arrival::Refused(Refusal::Homeless));
    };
    if let Some(refusal) = write(tx, user, &person, &actor, claims, client).await? {
        return Ok(Arrival::Refused(refusal));
    }
    enter(db.begin_system(SystemTask::SignIn).await?, user, claims, client).await
}

async fn enter(mut tx: SystemTx, user: UserId, claims: &Claims, client: &Client) -> Result<Arrival> {
    // As with a password: a user whose companies all have taken them out, or keep them out, gets no session.
    if accounts::at_home(&mut tx, user).await?.is_none() {
        return Ok(Arrival::Refused(Refusal::Homeless));
    }
    accounts::forgive_from(&mut tx, client).await?;
    Ok(Arrival::Known(accounts::welcome(tx, user, client, Some(claims.provider)).await?))
}

/// Links what a provider says to the account whose owner asked for it, in the session in which they did.
///
/// # Errors
/// When the database refuses.
pub async fn link(db: &Db, trip: &Trip, caller: Option<&Caller>, claims: &Claims, client: &Client) -> Result<Option<Refusal>> {
    let Some(caller) = caller.filter(|caller| trip.linking == Some((caller.user, caller.session))) else {
        return Ok(Some(Refusal::SignedOut));
    };
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let person = accounts::lock_user(&mut tx, caller.user).await?;
    match repo::owner(&mut tx, claims).await? {
        Some(owner) if owner == caller.user => return Ok(None),
        Some(_) => return Ok(Some(Refusal::Taken)),
        None => {}
    }
    if repo::of_user(&mut tx, caller.user).await?.iter().any(|linked| linked.provider == claims.provider) {
        return Ok(Some(Refusal::Another));
    }
    write(tx, caller.user, &person, &caller.actor, claims, client).await
}

/// Links, tells the owner and writes it into the record.
async fn write(
    mut tx: SystemTx,
    user: UserId,
    person: &accounts::User,
    actor: &Actor,
    claims: &Claims,
    client: &Client,
) -> Result<Option<Refusal>> {
    let (now, name) = (tx.now(), claims.provider.label());
    if !repo::insert(&mut tx, user, claims, now).await? {
        return Ok(Some(Refusal::Taken));
    }
    tell(&mut tx, person, &format!("Signing in with {name} was linked to your account"), client).await?;
    let mut tx = tx.inside(actor).await?;
    tx.record(EventKind::IdentityLinked, Some(user.to_string()), format!("{name} linked from {}", client.ip)).await?;
    tx.commit().await?;
    Ok(None)
}

async fn await_newcomer(mut tx: SystemTx, claims: &Claims, email: Option<String>) -> Result<String> {
    let (token, now) = (new_token(&tx), tx.now());
    let name = claims.name.as_deref().unwrap_or_default().chars().take(TEXT_MAX).collect();
    let claims = Claims { email, name: Some(name), ..claims.clone() };
    repo::insert_newcomer(&mut tx, &digest(&token), &claims, now, now + TimeDelta::minutes(NEWCOMER_MINUTES)).await?;
    tx.commit().await?;
    Ok(token)
}

/// What a provider said about somebody who is about to register.
///
/// # Errors
/// `Unauthenticated` when that is too long ago.
pub async fn newcomer(db: &Db, token: &str) -> Result<Newcomer> {
    let claims = claims_of(&mut db.begin_system(SystemTask::SignIn).await?, token).await?;
    let Claims { provider, name, email, .. } = claims;
    Ok(Newcomer { provider, name: name.unwrap_or_default(), email: email.unwrap_or_default() })
}

async fn claims_of(tx: &mut SystemTx, token: &str) -> Result<Claims> {
    let now = tx.now();
    Ok(repo::lock_newcomer(tx, &digest(token), now).await?.ok_or(Error::Unauthenticated)?)
}

/// Creates an account that is signed in to with the identity, and its company. The address counts as confirmed when it is the one
/// that the provider has verified. Returns the token of a session.
///
/// # Errors
/// `Invalid`, also when the e-mail is taken; `Unauthenticated` when the sign-in is too long ago; `Conflict` when somebody was
/// faster; `RateLimited` after many from one machine.
pub async fn register(db: &Db, token: &str, form: &RegisterWith, client: &Client) -> Result<String> {
    form.check()?;
    accounts::count_registration(db, client).await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let claims = claims_of(&mut tx, token).await?;
    let confirmed = claims.email_verified && claims.email == Some(normal(&form.email));
    let new = NewUser { name: form.name.trim(), email: &form.email, password_hash: None, confirmed };
    let founder = accounts::found(&mut tx, &new, &form.company_name, "").await?;
    let (user, now) = (founder.user, tx.now());
    if !repo::insert(&mut tx, user, &claims, now).await? {
        return Err(Error::conflict(Refusal::Taken.label()).into());
    }
    repo::delete_newcomer(&mut tx, &digest(token)).await?;
    accounts::forgive_from(&mut tx, client).await?;
    let session = accounts::enter(&mut tx, user, founder.company(), client, None).await?;
    let mut tx = founder.record(tx).await?;
    let text = format!("{} linked from {}", claims.provider.label(), client.ip);
    tx.record(EventKind::IdentityLinked, Some(user.to_string()), text).await?;
    tx.commit().await?;
    Ok(session)
}

/// The identities of whoever asks, and which could be linked.
///
/// # Errors
/// When the database refuses.
pub async fn load(db: &Db, caller: &Caller) -> Result<Identities> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let rows = repo::of_user(&mut tx, caller.user).await?;
    let has_password = accounts::password_hash(&mut tx, caller.user).await?.is_some();
    let offered = offered(db.config()).into_iter().filter(|offer| rows.iter().all(|row| row.provider != *offer)).collect();
    let row = |row: repo::Linked| IdentityRow {
        provider: row.provider,
        email: row.email,
        linked_at: caller.actor.moment(row.linked_at),
    };
    Ok(Identities { linked: rows.into_iter().map(row).collect(), offered, has_password })
}

/// How else somebody signs in, as a sentence; nothing where that is not offered.
pub(crate) async fn summary(tx: &mut SystemTx, user: UserId) -> Result<Option<String>> {
    let name = |provider: &IdentityProvider| provider.label().to_owned();
    let linked: Vec<_> = repo::of_user(tx, user).await?.iter().map(|row| name(&row.provider)).collect();
    let offered: Vec<_> = offered(tx.config()).iter().map(name).collect();
    Ok(match (linked.is_empty(), offered.is_empty()) {
        (false, _) => Some(format!("You also sign in with {}.", linked.join(" and "))),
        (true, false) => Some(format!("You can also sign in with {}.", offered.join(" or "))),
        (true, true) => None,
    })
}

/// Takes an identity away from the account of whoever asks.
///
/// # Errors
/// `NotFound` when it is not linked; `Conflict` when it is the only way in, and for a super admin inside somebody else's company.
pub async fn unlink(db: &Db, caller: &Caller, provider: IdentityProvider, client: &Client) -> Result<()> {
    at_home(caller)?;
    let (mut tx, user) = (db.begin_system(SystemTask::SignIn).await?, caller.user);
    let person = accounts::lock_user(&mut tx, user).await?;
    let linked = repo::of_user(&mut tx, user).await?;
    if !repo::delete(&mut tx, user, provider).await? {
        return Err(Error::not_found("identity").into());
    }
    if linked.len() == 1 && accounts::password_hash(&mut tx, user).await?.is_none() {
        let why = "This is the only way into your account. Choose a password first, by way of “Forgotten?” on the sign-in page.";
        return Err(Error::conflict(why).into());
    }
    let name = provider.label();
    tell(&mut tx, &person, &format!("Signing in with {name} was unlinked from your account"), client).await?;
    let mut tx = tx.inside(&caller.actor).await?;
    tx.record(EventKind::IdentityUnlinked, Some(user.to_string()), format!("{name} unlinked from {}", client.ip)).await?;
    tx.commit().await
}

/// What a super admin does to their account belongs into the record of their own company.
fn at_home(caller: &Caller) -> Result<()> {
    if caller.acting { Err(Error::conflict("Go back to your own company first.").into()) } else { Ok(()) }
}
