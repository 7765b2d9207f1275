//! The second factor: codes of an authenticator app (RFC 6238), and recovery codes for when the app is lost. A code is taken
//! once; wrong ones are counted. Companies may let nobody in without it: see `accounts::resolve`.

mod repo;
#[cfg(test)]
mod tests;

use crate::accounts::profile::{prove, tell};
use crate::accounts::{self, Caller, Client};
use crate::actor::SystemTask;
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use crate::secrets::{self, Purpose};
use anyhow::anyhow;
use chrono::TimeDelta;
use model::Error;
use model::accounts::Permission;
use model::events::EventKind;
use model::id::UserId;
use model::two_factor::{Setup, TwoFactor};
use qrcodegen::{QrCode, QrCodeEcc};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

/// Recovery codes given out together.
const CODES: usize = 10;
/// 120 bits each: nobody finds one from its hash (ASVS asks for 112 where the hash is a fast one).
const CODE_BYTES: usize = 15;
/// 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// A setup that was begun and left is begun anew after this.
const SETUP_HOURS: i64 = 1;
/// Wrong codes per user in a quarter of an hour, at sign-in and at setup.
const GUESSES_MAX: i64 = 5;
/// Quiet squares around the picture; scanners need them.
const MARGIN: i32 = 4;

/// Whether it is on; while it is off, what to scan.
///
/// # Errors
/// When the database refuses.
pub async fn load(db: &Db, caller: &Caller) -> Result<TwoFactor> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let user = accounts::lock_user(&mut tx, caller.user).await?;
    let required = accounts::second_factor_required(&mut tx, caller.user).await?;
    let found = repo::lock(&mut tx, caller.user).await?;
    if found.as_ref().is_some_and(|f| f.confirmed) {
        let codes_left = repo::count_codes(&mut tx, caller.user).await?;
        return Ok(TwoFactor { on: true, codes_left, required, setup: None });
    }
    let fresh = tx.now() - TimeDelta::hours(SETUP_HOURS);
    let kept = found.filter(|f| f.created_at > fresh).and_then(|f| Some((f.secret, f.codes?)));
    let (secret, codes) = match kept {
        // The page may be read again while somebody is scanning.
        Some((secret, codes)) => (unseal(db, caller.user, &secret)?, unseal(db, caller.user, &codes)?),
        None => begin(db, &mut tx, caller.user).await?,
    };
    tx.commit().await?;
    Ok(TwoFactor { on: false, codes_left: 0, required, setup: Some(setup(&user.email, &secret, &codes)?) })
}

/// A new secret and new codes, stored and not in force.
async fn begin(db: &Db, tx: &mut SystemTx, user: UserId) -> Result<(Vec<u8>, Vec<u8>)> {
    let now = tx.now();
    let (secret, codes): ([u8; SECRET_BYTES], [u8; CODES * CODE_BYTES]) = (db.luck(), db.luck());
    let seal = |what: &[u8]| secrets::seal(db, Purpose::TwoFactor, &[user.uuid()], what);
    repo::begin(tx, user, &seal(&secret)?, &seal(&codes)?, now).await?;
    Ok((secret.to_vec(), codes.to_vec()))
}

/// Puts it in force, by a first code of the app. Other sessions end: they came in without it.
///
/// # Errors
/// `Invalid` on `password` or `code`; `Conflict` when it is on already or was never begun; `RateLimited` after wrong codes.
pub async fn turn_on(db: &Db, caller: &Caller, password: &str, code: &str, client: &Client) -> Result<()> {
    prove(db, caller, password, "password").await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let (user, now) = (caller.user, tx.now());
    accounts::count_try(&mut tx, &[(&key(user), GUESSES_MAX)]).await?;
    let person = accounts::lock_user(&mut tx, user).await?;
    let found = repo::lock(&mut tx, user).await?.ok_or_else(|| Error::conflict("Open the page again and scan the picture."))?;
    let codes = found.codes.as_ref().filter(|_| !found.confirmed).ok_or_else(|| Error::conflict("It is on already."))?;
    let totp = totp(&unseal(db, user, &found.secret)?)?;
    let Some(step) = step_of(&totp, code, now.timestamp()) else {
        tx.commit().await?;
        return Err(wrong());
    };
    let hashes: Vec<_> = unseal(db, user, codes)?.chunks(CODE_BYTES).map(|code| hash(user, &written(code))).collect();
    repo::confirm(&mut tx, user, step, &hashes, now).await?;
    accounts::forget_tries(&mut tx, &key(user)).await?;
    let ended = accounts::end_sessions(&mut tx, user, Some(caller.session)).await?;
    tell(&mut tx, &person, "Two-factor sign-in was turned on", client).await?;
    let mut tx = tx.inside(&caller.actor).await?;
    let text = format!("Two-factor sign-in turned on; {ended} other sessions ended");
    tx.record(EventKind::TwoFactorOn, Some(user.to_string()), text).await?;
    tx.commit().await
}

/// Takes it away again. Sign-ins that wait for a code begin anew.
///
/// # Errors
/// `Invalid` on `password`; `Conflict` while a company of the user requires it, for a super admin inside somebody else's company,
/// or when it is off.
pub async fn turn_off(db: &Db, caller: &Caller, password: &str, client: &Client) -> Result<()> {
    if caller.acting {
        return Err(Error::conflict("Go back to your own company first.").into());
    }
    prove(db, caller, password, "password").await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let person = accounts::lock_user(&mut tx, caller.user).await?;
    if accounts::second_factor_required(&mut tx, caller.user).await? {
        return Err(Error::conflict("A company of yours lets nobody in without it.").into());
    }
    if !repo::delete(&mut tx, caller.user).await? {
        return Err(Error::conflict("It is off already.").into());
    }
    accounts::delete_halves(&mut tx, caller.user).await?;
    tell(&mut tx, &person, "Two-factor sign-in was turned off", client).await?;
    let mut tx = tx.inside(&caller.actor).await?;
    tx.record(EventKind::TwoFactorOff, Some(caller.user.to_string()), "Two-factor sign-in turned off").await?;
    tx.commit().await
}

/// Lets nobody into this company without it, or again everybody. Members who have none are led to set it up at once.
///
/// # Errors
/// `Forbidden` without `ManageSettings`; `Conflict` for somebody who has none themself.
pub async fn require(tx: &mut Tx, required: bool) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let user = tx.actor().user.as_ref().map(|u| u.id).ok_or(Error::Unauthenticated)?;
    if required {
        // A company transaction may not see users, so this is a second one of its own.
        let mut system = tx.db().begin_system(SystemTask::SignIn).await?;
        if !repo::is_on(&mut system, user).await? {
            return Err(Error::conflict("Turn on your own two-factor sign-in first.").into());
        }
    }
    repo::set_required(tx, required).await?;
    let subject = tx.actor().company().to_string();
    let text = if required { "Two-factor sign-in is required" } else { "Two-factor sign-in is no longer required" };
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

/// Whether this user signs in with a code.
pub(crate) async fn is_on(tx: &mut SystemTx, user: UserId) -> Result<bool> {
    repo::is_on(tx, user).await
}

/// Takes a code of the app or a recovery code, if it is right and was never taken before.
///
/// # Errors
/// `Unauthenticated` for a user who has no second factor any more.
pub(crate) async fn take(db: &Db, tx: &mut SystemTx, user: UserId, code: &str) -> Result<bool> {
    let now = tx.now();
    let found = repo::lock(tx, user).await?.filter(|found| found.confirmed).ok_or(Error::Unauthenticated)?;
    if digits(code).is_none() {
        // Only a hash of it is kept: it lets its owner in when `SECRET_KEY` is lost, and the app's key with it.
        return repo::take_code(tx, user, &hash(user, code), now).await;
    }
    match step_of(&totp(&unseal(db, user, &found.secret)?)?, code, now.timestamp()) {
        Some(step) => repo::take_step(tx, user, step).await,
        None => Ok(false),
    }
}

/// Under which wrong codes of a user are counted.
pub(crate) fn key(user: UserId) -> String {
    format!("code:{user}")
}

/// The most wrong codes in a quarter of an hour.
pub(crate) const fn guesses_max() -> i64 {
    GUESSES_MAX
}

/// A code that was not right, in the words of its field.
pub(crate) fn wrong() -> crate::Error {
    Error::field("code", "This code is not right, or was used already. Wait for the next one.").into()
}

/// Seals what is sealed under another key than today's anew. What no configured key opens stays as it is: its owner cannot sign
/// in with their app, and the log says so. Returns how many there were.
pub(crate) async fn reseal(db: &Db) -> Result<usize> {
    let mut tx = db.begin_system(SystemTask::Keys).await?;
    let mut done = 0;
    for (user, secret, codes) in repo::lock_sealed_otherwise(&mut tx, &secrets::current(db.config())).await? {
        let anew = |sealed: &[u8]| secrets::seal(db, Purpose::TwoFactor, &[user.uuid()], &unseal(db, user, sealed)?);
        match (anew(&secret), codes.as_deref().map(anew).transpose()) {
            (Ok(secret), Ok(codes)) => {
                repo::reseal(&mut tx, user, &secret, codes.as_deref()).await?;
                done += 1;
            }
            (Err(error), _) | (_, Err(error)) => tracing::error!(%user, %error, "a second factor cannot be read"),
        }
    }
    tx.commit().await?;
    Ok(done)
}

fn unseal(db: &Db, user: UserId, sealed: &[u8]) -> Result<Vec<u8>> {
    secrets::open(db.config(), Purpose::TwoFactor, &[user.uuid()], sealed)
}

/// Six digits by SHA-1 every half minute: what every app can do. The step before and after are taken too.
fn totp(secret: &[u8]) -> Result<Totp> {
    Ok(Builder::new().with_secret(secret).with_account_name("Belfry").build().map_err(|e| anyhow!("totp: {e}"))?)
}

/// The step a code belongs to.
fn step_of(totp: &Totp, code: &str, at: i64) -> Option<i64> {
    i64::try_from(totp.check(&digits(code)?, u64::try_from(at).ok()?)?).ok()
}

/// A code of an app, as it is typed; recovery codes are longer.
fn digits(code: &str) -> Option<String> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

fn setup(email: &str, secret: &[u8], codes: &[u8]) -> Result<Setup> {
    let totp = Builder::new()
        .with_secret(secret)
        .with_issuer(Some("Belfry"))
        .with_account_name(email)
        .build()
        .map_err(|e| anyhow!("totp: {e}"))?;
    let url = totp.to_url().map_err(|e| anyhow!("totp: {e}"))?;
    let qr = QrCode::encode_text(&url, QrCodeEcc::Medium).map_err(|e| anyhow!("picture: {e}"))?;
    Ok(Setup {
        picture: path(&qr),
        width: qr.size() + 2 * MARGIN,
        secret: grouped(&Secret::from(secret).to_base32()),
        codes: codes.chunks(CODE_BYTES).map(written).collect(),
    })
}

/// The dark squares, one rectangle per run of a row.
fn path(qr: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..qr.size() {
        let mut x = 0;
        while x < qr.size() {
            let run = (x..qr.size()).take_while(|x| qr.get_module(*x, y)).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + MARGIN, y + MARGIN));
            }
            x += i32::try_from(run.max(1)).unwrap_or(1);
        }
    }
    path
}

/// A recovery code as people read it: `abcd-efgh-ijkl-mnop-qrst-uvwx`.
fn written(code: &[u8]) -> String {
    grouped(&Secret::from(code).to_base32()).to_lowercase().replace(' ', "-")
}

fn grouped(text: &str) -> String {
    let letters: Vec<char> = text.chars().filter(|c| *c != '=').collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// How a recovery code is stored, however it is typed. It is 120 random bits, so a fast hash is enough.
fn hash(user: UserId, code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Sha256::new().chain_update(user.uuid().as_bytes()).chain_update(plain.as_bytes()).finalize().to_vec()
}
