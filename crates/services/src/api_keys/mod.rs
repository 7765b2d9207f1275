//! Keys for programs: made, listed, rotated, revoked, and taken at the door. A key acts for the member who made it, within its
//! scopes, and may never do more than that member may now.

mod repo;
#[cfg(test)]
mod tests;

use crate::accounts::digest;
use crate::actor::{ActingUser, Actor, SystemTask};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::features;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use chrono_tz::Tz;
use model::Error;
use model::accounts::{Bar, Permission};
use model::api_keys::{ApiKeyForm, ApiKeyRow, ApiKeyState, KEYS_MAX, NewApiKey, OVERLAP_HOURS_MAX, Scope, lets_in};
use model::events::EventKind;
use model::features::Feature;
use model::id::ApiKeyId;

/// What every key begins with, so that people and scanners of repositories know one.
pub const PREFIX: &str = "bfk_";
/// The prefix and 32 bytes in base64url without padding.
const SECRET_LENGTH: usize = PREFIX.len() + 43;
/// How much of the beginning is shown: 36 of 256 bits.
const HINT_LENGTH: usize = PREFIX.len() + 6;
/// `last_used_at` is written at most this often: a key may be used a thousand times an hour.
const USED_SECONDS: i64 = 60;

/// A program that showed a key.
#[derive(Debug, Clone)]
pub struct Holder {
    pub id: ApiKeyId,
    pub actor: Actor,
    /// Why the company does not let this key in, if it does not.
    pub barred: Option<Bar>,
}

/// The keys of the company, the newest first.
///
/// # Errors
/// `Forbidden` without `ManageKeys`.
pub async fn list(tx: &mut Tx) -> Result<Vec<ApiKeyRow>> {
    tx.require(Permission::ManageKeys)?;
    let now = tx.now();
    let rows = repo::list(tx).await?;
    let row = |k: repo::Stored| ApiKeyRow {
        state: k.state(now),
        id: k.id,
        name: k.name,
        hint: k.hint,
        scopes: k.scopes,
        addresses: k.addresses,
        made_by: k.made_by_name,
        created_at: tx.moment(k.created_at),
        expires_at: k.expires_at.map(|at| tx.moment(at)),
        old_until: k.old_until.filter(|until| *until > now).map(|at| tx.moment(at)),
        last_used_at: k.last_used_at.map(|at| tx.moment(at)),
        last_used_from: k.last_used_from,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Makes a key. Its secret is in the answer and nowhere else.
///
/// # Errors
/// `Forbidden` without `ManageKeys`; `Invalid`, also for scopes beyond one's own role; `Conflict` for somebody who is no member
/// of the company, beyond [`KEYS_MAX`], and in a company without the REST API.
pub async fn create(tx: &mut Tx, form: &ApiKeyForm) -> Result<NewApiKey> {
    tx.require(Permission::ManageKeys)?;
    features::require(tx, Feature::RestApi).await?;
    form.check()?;
    let maker = tx.actor().user.as_ref().map(|u| (u.id, u.name.clone())).ok_or(Error::Unauthenticated)?;
    if let Some(beyond) = form.scopes.iter().find(|scope| !scope.is_givable_by(tx.actor().role)) {
        return Err(Error::field("scopes", format!("Your role may not give this: {}.", beyond.label())).into());
    }
    let now = tx.now();
    // Whoever makes a key waits here for whoever else does, so that the limit holds.
    if !repo::lock_maker(tx, maker.0).await? {
        return Err(Error::conflict("Only members of the company make keys for it.").into());
    }
    if repo::count(tx, now).await? >= KEYS_MAX {
        return Err(Error::conflict(format!("A company has at most {KEYS_MAX} keys. Revoke one first.")).into());
    }
    let (id, secret): (ApiKeyId, _) = (tx.id(), new_secret(tx));
    let mut scopes = form.scopes.clone();
    scopes.sort_unstable();
    scopes.dedup();
    let name = form.name.trim();
    let new = repo::NewKey {
        id,
        name,
        scopes: &scopes,
        addresses: &form.ranges(),
        made_by: maker.0,
        made_by_name: &maker.1,
        hint: &secret[..HINT_LENGTH],
        secret_hash: digest(&secret),
        expires_at: form.days().map(|days| now + TimeDelta::days(days)),
    };
    repo::insert(tx, &new, now).await?;
    let may: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    tx.record(EventKind::KeyCreated, Some(id.to_string()), format!("{name} may: {}", may.join(", "))).await?;
    Ok(NewApiKey { id, secret })
}

/// Gives a key a new secret. The old one goes on working for some hours, and one before that stops at once.
///
/// # Errors
/// `Forbidden` without `ManageKeys`; `NotFound`; `Invalid` on `hours`; `Conflict` for a key that is over.
pub async fn rotate(tx: &mut Tx, id: ApiKeyId, hours: i64) -> Result<NewApiKey> {
    tx.require(Permission::ManageKeys)?;
    if !(0..=OVERLAP_HOURS_MAX).contains(&hours) {
        return Err(Error::field("hours", format!("Choose 0 to {OVERLAP_HOURS_MAX} hours.")).into());
    }
    let key = repo::lock(tx, id).await?.ok_or_else(|| Error::not_found("key"))?;
    let now = tx.now();
    if key.state(now) != ApiKeyState::Active {
        return Err(Error::conflict("This key is over. Make a new one.").into());
    }
    let secret = new_secret(tx);
    let old_until = (hours > 0).then(|| now + TimeDelta::hours(hours));
    repo::rotate(tx, id, &digest(&secret), &secret[..HINT_LENGTH], old_until).await?;
    let text = format!("{} has a new secret; the old one works for {hours} hours", key.name);
    tx.record(EventKind::KeyRotated, Some(id.to_string()), text).await?;
    Ok(NewApiKey { id, secret })
}

/// Ends a key at once. Ending one that was ended is fine.
///
/// # Errors
/// `Forbidden` without `ManageKeys`; `NotFound`.
pub async fn revoke(tx: &mut Tx, id: ApiKeyId) -> Result<()> {
    tx.require(Permission::ManageKeys)?;
    let key = repo::lock(tx, id).await?.ok_or_else(|| Error::not_found("key"))?;
    if key.revoked_at.is_some() {
        return Ok(());
    }
    let now = tx.now();
    repo::revoke(tx, id, now).await?;
    tx.record(EventKind::KeyRevoked, Some(id.to_string()), format!("{} was revoked", key.name)).await
}

/// Who shows this secret from this address. Nobody for a secret that is unknown, expired, revoked, or not taken from there: a
/// thief is not told which.
///
/// # Errors
/// When the database is away.
pub async fn resolve(db: &Db, secret: &str, address: &str) -> Result<Option<Holder>> {
    if secret.len() != SECRET_LENGTH || !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    let mut tx = db.begin_system(SystemTask::Key).await?;
    let now = tx.now();
    let Some(key) = repo::find(&mut tx, &digest(secret), now).await?.filter(|key| lets_in(&key.addresses, address)) else {
        return Ok(None);
    };
    if key.last_used_at.is_none_or(|at| now - at >= TimeDelta::seconds(USED_SECONDS)) {
        repo::touch(&mut tx, key.company_id, key.id, address, now).await?;
        tx.commit().await?;
    }
    let user = ActingUser { id: key.user_id, name: format!("{} (API key)", key.name), confirmed: key.confirmed };
    let actor = Actor {
        company: key.company_id,
        zone: key.time_zone.parse().unwrap_or(Tz::UTC),
        role: key.role,
        user: Some(user),
        scopes: Some(key.scopes),
    };
    Ok(Some(Holder { id: key.id, actor, barred: key.barred }))
}

/// 32 random bytes: nobody guesses one, so a fast hash without salt keeps it as well as a slow one would.
fn new_secret(tx: &Tx) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(tx.secret()))
}

/// Whether a bearer token is meant to be a key.
pub fn is_key(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// What a key made now by this actor could be given.
pub fn givable(actor: &Actor) -> Vec<Scope> {
    Scope::ALL.iter().copied().filter(|scope| scope.is_givable_by(actor.role)).collect()
}
