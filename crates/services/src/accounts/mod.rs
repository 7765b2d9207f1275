//! Getting in: registration, confirmation of the e-mail, and what a signed-in person is told about themself.
//!
//! Users, sessions and tokens stand above companies, so everything here runs in a [`SystemTx`] under
//! `SystemTask::SignIn`. Sign-in and sessions are in `sessions.rs`, hashing in `passwords.rs`, what people do with their own
//! account in `profile.rs`, forgotten passwords in `reset.rs`, what programs sign in with in `tokens.rs`.

mod cookies;
pub mod jobs;
mod links;
mod passwords;
pub mod profile;
mod repo;
pub mod reset;
mod sessions;
mod testing;
#[cfg(test)]
mod tests;
pub mod tokens;

pub use cookies::Cookie;
pub(crate) use repo::{User, delete_halves, forget_tries, lock_user, password_hash, second_factor_required};
pub use sessions::{Caller, Client, Entry, finish, is_alive, knock, resolve, sign_in, sign_out, switch};
pub(crate) use sessions::{actor, count_from, count_try, enter, forgive_from, go_home, go_to, leave_session, visit, welcome};

use crate::actor::{ActingUser, Actor, SystemTask};
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use crate::mails::{self, letters};
use crate::{clients, features};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use chrono_tz::Tz;
use model::Error;
use model::accounts::{Me, Permission, Register, Role};
use model::companies::CompanyType;
use model::events::EventKind;
use model::features::Feature;
use model::id::{CompanyId, SessionId, UserId};
use sha2::{Digest, Sha256};

/// How long the link in a confirmation mail works.
const CONFIRMATION_HOURS: i64 = 48;
/// Confirmation mails one user may ask for per hour.
const CONFIRMATIONS_PER_HOUR_MAX: i64 = 5;
/// Registrations one machine may try in a quarter of an hour. Many people may share one.
const REGISTRATIONS_PER_IP_MAX: i64 = 20;
/// The zone of a new company when its browser names none that we know; the settings can change it.
const FIRST_ZONE: Tz = Tz::UTC;

/// A user about to be written. Seeds and tests make confirmed ones.
pub(crate) struct NewUser<'a> {
    pub name: &'a str,
    /// Any case; stored lower-cased.
    pub email: &'a str,
    /// Without one they sign in by an identity, see `identities`.
    pub password_hash: Option<&'a str>,
    pub confirmed: bool,
}

/// Creates a user, their company with its sandbox and first credits, and sends the confirmation mail.
///
/// # Errors
/// `Invalid`, also when the e-mail is taken; `RateLimited` after many from one machine.
pub async fn register(db: &Db, form: &Register, client: &Client) -> Result<()> {
    form.check()?;
    count_registration(db, client).await?;
    let password_hash = passwords::hash(db, &form.password).await?;
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let new = NewUser { name: form.name.trim(), email: &form.email, password_hash: Some(&password_hash), confirmed: false };
    let founder = found(&mut tx, &new, &form.company_name, &form.time_zone).await?;
    founder.record(tx).await?.commit().await
}

/// Counted before anything is hashed. What was counted stays: each is a mail to a stranger, and free credits.
///
/// # Errors
/// `RateLimited` after many from one machine.
pub(crate) async fn count_registration(db: &Db, client: &Client) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    count_try(&mut tx, &[(&format!("register-ip:{}", client.ip), REGISTRATIONS_PER_IP_MAX)]).await?;
    tx.commit().await
}

/// Somebody new in a company of their own.
pub(crate) struct Founder {
    pub user: UserId,
    actor: Actor,
    company_name: String,
}

impl Founder {
    pub fn company(&self) -> CompanyId {
        self.actor.company()
    }

    /// Goes on inside the new company, whose record begins with it.
    pub async fn record(self, tx: SystemTx) -> Result<Tx> {
        let mut tx = tx.inside(&self.actor).await?;
        let text = format!("{} registered {}", self.actor.name(), self.company_name);
        tx.record(EventKind::CompanyRegistered, Some(self.actor.company().to_string()), text).await?;
        Ok(tx)
    }
}

/// Writes a user and a company of theirs; an address that is not confirmed is sent a mail. `zone` is the browser's, if it names one.
///
/// # Errors
/// `Invalid` on `email` when it is taken.
pub(crate) async fn found(tx: &mut SystemTx, new: &NewUser<'_>, company_name: &str, zone: &str) -> Result<Founder> {
    let user = create_user(tx, new).await?;
    let (company, company_name): (CompanyId, _) = (tx.id(), company_name.trim().to_owned());
    let zone: Tz = zone.parse().unwrap_or(FIRST_ZONE);
    crate::companies::open(tx, company, &company_name, zone.name()).await?;
    join(tx, company, user, Role::CompanyAdmin).await?;
    if !new.confirmed {
        send_confirmation(tx, user, new.name, &normal(new.email)).await?;
    }
    let acting = ActingUser { id: user, name: new.name.to_owned(), confirmed: new.confirmed };
    let actor = Actor { company, zone, role: Role::CompanyAdmin, user: Some(acting), scopes: None };
    Ok(Founder { user, actor, company_name })
}

/// Writes a user.
///
/// # Errors
/// `Invalid` on `email` when it is taken.
pub(crate) async fn create_user(tx: &mut SystemTx, new: &NewUser<'_>) -> Result<UserId> {
    let (id, now): (UserId, _) = (tx.id(), tx.now());
    repo::insert_user(tx, id, &normal(new.email), new, now).await.map_err(|e| {
        e.when("users_email_unique", || Error::field("email", "An account with this e-mail exists. Sign in instead."))
    })?;
    Ok(id)
}

/// Makes a user a member of a company.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn join(tx: &mut SystemTx, company: CompanyId, user: UserId, role: Role) -> Result<()> {
    let now = tx.now();
    repo::insert_member(tx, company, user, role, now).await
}

/// Who has this address, if anybody.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn find_user(tx: &mut SystemTx, email: &str) -> Result<Option<UserId>> {
    Ok(repo::find_user(tx, &normal(email)).await?.map(|found| found.id))
}

/// Somebody in the company they have been in longest; nobody who is in none, and so cannot sign in.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn at_home(tx: &mut SystemTx, user: UserId) -> Result<Option<Actor>> {
    Ok(repo::first_membership(tx, user).await?.map(|member| member.actor()))
}

/// Gives somebody a name and a password who has proven by mail who they are. Their second factor stays.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn renew(tx: &mut SystemTx, user: UserId, name: &str, password_hash: &str) -> Result<()> {
    let now = tx.now();
    repo::set_name(tx, user, name).await?;
    repo::set_password(tx, user, password_hash).await?;
    links::use_up(tx, user).await?;
    repo::confirm_user(tx, user, now).await
}

/// Ends the sessions of a user, but for one, and every link they were sent. Returns how many sessions.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn end_sessions(tx: &mut SystemTx, user: UserId, but: Option<SessionId>) -> Result<u64> {
    let now = tx.now();
    links::use_up(tx, user).await?;
    repo::revoke_sessions(tx, user, but, now).await
}

/// A stored form of a password.
///
/// # Errors
/// When hashing fails.
pub(crate) async fn hash_password(db: &Db, password: &str) -> Result<String> {
    passwords::hash(db, password).await
}

/// Follows the link of a confirmation mail. Following it twice is fine: mail scanners do.
///
/// # Errors
/// `NotFound` for a link we never sent, `Conflict` for one that is too old.
pub async fn confirm(db: &Db, token: &str) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let Some(found) = repo::lock_confirmation(&mut tx, &digest(token)).await? else {
        return Err(Error::not_found("confirmation link").into());
    };
    if found.used_at.is_some() {
        return Ok(());
    }
    let now = tx.now();
    if found.expires_at <= now {
        return Err(Error::conflict("This link has expired. Sign in and ask for a new one.").into());
    }
    repo::confirm(&mut tx, &digest(token), found.user_id, now).await?;
    let Some(actor) = repo::first_membership(&mut tx, found.user_id).await?.map(|m| m.actor()) else {
        return tx.commit().await;
    };
    let mut tx = tx.inside(&actor).await?;
    tx.record(EventKind::UserConfirmed, Some(found.user_id.to_string()), "E-mail confirmed").await?;
    tx.commit().await
}

/// Sends the confirmation mail again.
///
/// # Errors
/// `Unauthenticated` without a user, `Conflict` when already confirmed, `RateLimited` after several.
pub async fn resend_confirmation(tx: &mut Tx) -> Result<()> {
    let user = tx.actor().user.as_ref().map(|u| u.id).ok_or(Error::Unauthenticated)?;
    // A company transaction may not see users, so this is a second one of its own.
    let mut system = tx.db().begin_system(SystemTask::SignIn).await?;
    let found = repo::lock_user(&mut system, user).await?;
    if found.confirmed {
        return Err(Error::conflict("Your e-mail is confirmed already.").into());
    }
    // A token's age follows from its expiry: what expires more than 47 hours from now is less than an hour old.
    let hour = system.now() + TimeDelta::hours(CONFIRMATION_HOURS - 1);
    if repo::count_confirmations(&mut system, user, hour).await? >= CONFIRMATIONS_PER_HOUR_MAX {
        return Err(Error::RateLimited { retry_seconds: 3600 }.into());
    }
    send_confirmation(&mut system, user, &found.name, &found.email).await?;
    system.commit().await
}

/// Chooses what kind of company this is; templates and defaults follow from it.
///
/// # Errors
/// `Forbidden` without `ManageSettings`.
pub async fn choose_type(tx: &mut Tx, company_type: CompanyType) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    repo::set_company_type(tx, company_type).await?;
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::CompanyTypeChosen, Some(subject), format!("Company type is {}", company_type.label())).await
}

/// Who is looking at the screen, where, and what the frame shows beside every page.
///
/// # Errors
/// `Unauthenticated` when the user or the membership is gone.
pub async fn me(db: &Db, caller: &Caller) -> Result<Me> {
    let mut tx = db.begin_system(SystemTask::SignIn).await?;
    let company = caller.actor.company();
    let found =
        repo::me(&mut tx, caller.user, company, caller.actor.handles_only().is_some()).await?.ok_or(Error::Unauthenticated)?;
    let companies = repo::companies_of(&mut tx, caller.user).await?;
    let brand = clients::brands::of(&mut tx, company).await?;
    let has_clients =
        caller.actor.may(Permission::ManageClients) && features::is_on(&mut tx, company, Feature::ClientCompanies).await?;
    let sees_wallet = caller.actor.may(Permission::ViewWallet);
    Ok(Me {
        user: caller.user,
        name: found.name,
        email: found.email,
        confirmed: found.confirmed,
        role: caller.actor.role,
        company,
        company_name: found.company_name,
        company_type: found.company_type,
        time_zone: found.time_zone,
        barred: caller.barred,
        suspended_because: found.suspended_because.filter(|_| caller.barred.is_some()),
        acting: caller.acting,
        has_clients,
        brand,
        companies,
        available: sees_wallet.then_some(found.available),
        received: sees_wallet.then_some(found.received),
        live_calls: found.live_calls,
    })
}

async fn send_confirmation(tx: &mut SystemTx, user: UserId, name: &str, email: &str) -> Result<()> {
    let token = new_token(tx);
    let expires_at = tx.now() + TimeDelta::hours(CONFIRMATION_HOURS);
    repo::insert_confirmation(tx, &digest(&token), user, expires_at).await?;
    let url = format!("{}/confirm?token={token}", tx.config().public_url);
    mails::send(tx, email, &letters::confirm(name, url, CONFIRMATION_HOURS)).await
}

/// A token that nobody can guess, in letters for a link or a cookie.
pub(crate) fn new_token(tx: &SystemTx) -> String {
    URL_SAFE_NO_PAD.encode(tx.secret())
}

/// How a token is stored. Tokens are 32 random bytes, so a fast hash without salt is enough.
pub(crate) fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// How an e-mail is stored and looked up.
pub(crate) fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}
