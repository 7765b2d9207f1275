//! The tenant: opening one, and its settings. What new things start from, and how long traces of calls are kept, is in
//! `defaults.rs`; its days off in `holidays.rs`; how it writes figures, and its pace, in `figures.rs`; what it promised about
//! people in `privacy.rs`.

mod defaults;
mod figures;
mod holidays;
mod privacy;
#[cfg(test)]
mod tests;

pub use defaults::{defaults, load_retention, save_defaults, save_retention};
pub use figures::{figures, pace, save_figures, save_pace};
pub use holidays::{add_holiday, holidays, remove_holiday};
pub use privacy::{privacy, save_privacy};

use crate::credits::{self, Shift};
use crate::db::{SystemTx, Tx};
use crate::error::Result;
use crate::gateways::{self, repo::NewGateway, sandbox};
use crate::numbers::{self, repo::NewNumber};
use crate::secrets::Purpose;
use chrono_tz::Tz;
use model::accounts::Permission;
use model::companies::{CompanyType, Compliance, Settings};
use model::consents::ConsentPolicy;
use model::credits::MovementKind;
use model::events::EventKind;
use model::gateways::ProviderKind;
use model::holidays::Holiday;
use model::id::{CompanyId, GatewayId};
use model::time::Hours;
use secrecy::ExposeSecret;
use sqlx::types::Json;
use std::fmt::Display;

/// What a company starts with; an administrator may change it.
const CONCURRENCY: i32 = 20;
const RING_SECONDS: i32 = 30;
const CALL_MINUTES: i32 = 10;
/// Creates a company with its sandbox gateway, its slots and its free credits, inside registration.
/// The transaction is narrowed to the new company from here on.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn open(tx: &mut SystemTx, id: CompanyId, name: &str, zone: &str) -> Result<()> {
    found(tx, id, name, zone).await?;
    let welcome = Shift {
        kind: MovementKind::Grant,
        amount: credits::WELCOME,
        key: "welcome".to_owned(),
        instead: None,
        campaign: None,
        call: None,
        note: "Welcome",
    };
    let (movement, now) = (tx.id(), tx.now());
    credits::shift(tx.conn(), now, "Belfry", &[(movement, welcome)]).await?;
    Ok(())
}

/// The same without credits: whoever opens a company for somebody else gives it their own.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn found(tx: &mut SystemTx, id: CompanyId, name: &str, zone: &str) -> Result<()> {
    let now = tx.now();
    sqlx::query("select set_config('app.company', $1, true)").bind(id.uuid().to_string()).execute(tx.conn()).await?;
    sqlx::query(
        "insert into companies (id, name, time_zone, default_region, hours, concurrency_max, ring_seconds_max, call_minutes_max, created_at)
         values ($1, $2, $3, 'US', $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(name.trim())
    .bind(zone)
    .bind(Json(Hours::business()))
    .bind(CONCURRENCY)
    .bind(RING_SECONDS)
    .bind(CALL_MINUTES)
    .bind(now)
    .execute(tx.conn())
    .await?;
    let gateway: GatewayId = tx.id();
    let keys = sandbox::keys(ProviderKind::Twilio, tx.config().sandbox_secret.expose_secret(), gateway);
    let new = NewGateway {
        id: gateway,
        name: "Sandbox",
        kind: ProviderKind::Twilio,
        sandbox: true,
        base_url: None,
        account: &keys.account,
        secret: &gateways::keys::seal(tx.db(), Purpose::GatewayKey, id, gateway, &keys.secret)?,
        webhook_secret: None,
        options: &keys.options,
        concurrency_max: sandbox::CONCURRENCY,
        calls_per_second: sandbox::CALLS_PER_SECOND,
    };
    gateways::repo::insert(tx.conn(), new, now).await?;
    // Simulated phones that are asked with every call where to report: nothing to set up.
    sqlx::query("update gateways set set_up_at = $2 where id = $1").bind(gateway).bind(now).execute(tx.conn()).await?;
    sqlx::query("insert into capacity (scope, ref, cap) values ('company', $1, $2)")
        .bind(id)
        .bind(CONCURRENCY)
        .execute(tx.conn())
        .await?;
    let phone = sandbox::phone(0)?;
    let number = NewNumber {
        id: tx.id(),
        gateway,
        phone: &phone,
        label: "Sandbox",
        concurrency_max: sandbox::CONCURRENCY,
        remote_id: None,
    };
    numbers::repo::insert(tx.conn(), number, now).await
}

#[derive(sqlx::FromRow)]
struct Stored {
    name: String,
    company_type: Option<CompanyType>,
    time_zone: String,
    default_region: String,
    hours: Json<Hours>,
    concurrency_max: i32,
    ring_seconds_max: i32,
    call_minutes_max: i32,
}

/// The settings, for every role: screens need the zone and the hours.
///
/// # Errors
/// When the database refuses.
pub async fn settings(tx: &mut Tx) -> Result<Settings> {
    let s: Stored = sqlx::query_as(
        "select name, company_type, time_zone, default_region, hours, concurrency_max, ring_seconds_max, call_minutes_max from companies
         where id = app.company()",
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Settings {
        name: s.name,
        company_type: s.company_type.unwrap_or(CompanyType::Generic),
        time_zone: s.time_zone,
        default_region: s.default_region,
        hours: s.hours.0,
        concurrency_max: s.concurrency_max,
        ring_seconds_max: s.ring_seconds_max,
        call_minutes_max: s.call_minutes_max,
    })
}

/// Refuses in the name of a company that is not there: an id typed by a person may be anything.
pub(crate) async fn must_exist(tx: &mut Tx) -> Result<()> {
    let found: Option<i32> =
        sqlx::query_scalar("select 1 from companies where id = app.company()").fetch_optional(tx.conn()).await?;
    Ok(found.map(drop).ok_or_else(|| model::Error::not_found("company"))?)
}

/// Whether a super admin has stopped the company.
pub(crate) async fn is_suspended(tx: &mut Tx) -> Result<bool> {
    Ok(sqlx::query_scalar("select suspended_at is not null from companies where id = app.company()").fetch_one(tx.conn()).await?)
}

/// Saves the settings; a change of hours or concurrency takes effect with the next dial.
///
/// # Errors
/// `Forbidden`, or `Invalid` with a message per field.
pub async fn save_settings(tx: &mut Tx, s: &Settings) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    s.check()?;
    if s.time_zone.parse::<Tz>().is_err() {
        return Err(model::Error::field("time_zone", "Choose a time zone from the list.").into());
    }
    if !crate::phones::is_region(&s.default_region) {
        return Err(model::Error::field("default_region", "Use the two letters of a country, like US.").into());
    }
    if let Some(limit) = crate::clients::resale::limit(tx).await?.filter(|limit| s.concurrency_max > *limit) {
        let why = format!("Choose at most {limit} calls at once: more is not part of what was agreed with you.");
        return Err(model::Error::field("concurrency_max", why).into());
    }
    let before = settings(tx).await?;
    sqlx::query(
        "update companies set name = $1, company_type = $2, time_zone = $3, default_region = $4, hours = $5, concurrency_max = $6,
                ring_seconds_max = $7, call_minutes_max = $8 where id = app.company()",
    )
    .bind(s.name.trim())
    .bind(s.company_type)
    .bind(&s.time_zone)
    .bind(&s.default_region)
    .bind(Json(&s.hours))
    .bind(s.concurrency_max)
    .bind(s.ring_seconds_max)
    .bind(s.call_minutes_max)
    .execute(tx.conn())
    .await?;
    sqlx::query("update capacity set cap = $1 where scope = 'company'").bind(s.concurrency_max).execute(tx.conn()).await?;
    let told_to_agents = |s: &Settings| (s.name.trim().to_owned(), s.ring_seconds_max, s.call_minutes_max);
    if told_to_agents(s) != told_to_agents(&before) {
        for gateway in gateways::repo::keepers(tx).await? {
            crate::agents::kept::publish_all(tx, gateway).await?;
        }
    }
    crate::dialer::wake_company(tx).await?;
    let subject = tx.actor().company().to_string();
    let text = changes(
        "Settings",
        &[
            ("name", &before.name, &s.name.trim().to_owned()),
            ("type", &before.company_type.label(), &s.company_type.label()),
            ("time zone", &before.time_zone, &s.time_zone),
            ("region", &before.default_region, &s.default_region),
            ("hours", &week(&before.hours), &week(&s.hours)),
            ("calls at once", &before.concurrency_max, &s.concurrency_max),
            ("ring seconds", &before.ring_seconds_max, &s.ring_seconds_max),
            ("minutes a call", &before.call_minutes_max, &s.call_minutes_max),
        ],
    );
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

/// A value as the record shows it.
type Shown<'a> = &'a (dyn Display + Sync);

/// What the record says of a save: everything that is another than before, each with both.
pub(crate) fn changes(what: &str, pairs: &[(&str, Shown<'_>, Shown<'_>)]) -> String {
    let pairs = pairs.iter().map(|(name, before, after)| (name, before.to_string(), after.to_string()));
    let changed: Vec<_> = pairs
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name} {before} → {after}"))
        .collect();
    if changed.is_empty() { format!("{what} saved, nothing changed") } else { format!("{what} saved: {}", changed.join("; ")) }
}

/// `Mon–Fri 09:00–18:00`
fn week(hours: &Hours) -> String {
    model::rules::Week { days: hours.clone(), holidays: None }.labels().join(", ")
}

/// What a company asks of its own calls beyond the law: everything that decides about a call, read in one go.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub limits: Compliance,
    pub holidays: Vec<Holiday>,
    /// Nothing that is said may be kept; see `Privacy`.
    pub hipaa: bool,
    /// Before which calls a consent must be on record.
    pub consent: ConsentPolicy,
}

/// See [`Own`].
///
/// # Errors
/// When the database refuses.
pub(crate) async fn own(tx: &mut Tx) -> Result<Own> {
    type Row = (Json<Compliance>, Json<Vec<Holiday>>, bool, ConsentPolicy);
    let (limits, holidays, hipaa, consent): Row =
        sqlx::query_as("select compliance, holidays, hipaa, consent from companies where id = app.company()")
            .fetch_one(tx.conn())
            .await?;
    Ok(Own { limits: limits.0, holidays: holidays.0, hipaa, consent })
}

/// What the company asks beyond the law.
///
/// # Errors
/// When the database refuses.
pub async fn compliance(tx: &mut Tx) -> Result<Compliance> {
    let stored: Json<Compliance> =
        sqlx::query_scalar("select compliance from companies where id = app.company()").fetch_one(tx.conn()).await?;
    Ok(stored.0)
}

/// Saves it; in force from the next dial.
///
/// # Errors
/// `Forbidden`, or `Invalid` with a message per field.
pub async fn save_compliance(tx: &mut Tx, own: &Compliance) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    own.check()?;
    if let Some(bad) = own.countries.iter().find(|c| !crate::phones::is_region(c)) {
        return Err(model::Error::field("countries", format!("{bad} is not a country. Use two letters, like US.")).into());
    }
    let before = compliance(tx).await?;
    sqlx::query("update companies set compliance = $1 where id = app.company()").bind(Json(own)).execute(tx.conn()).await?;
    crate::dialer::wake_company(tx).await?;
    let subject = tx.actor().company().to_string();
    let ever = |own: &Compliance| own.attempts_ever_max.map_or("no limit".to_owned(), |n| n.to_string());
    let countries = |own: &Compliance| if own.countries.is_empty() { "as by law".to_owned() } else { own.countries.join(" ") };
    let text = changes(
        "Compliance",
        &[
            ("attempts in seven days", &before.attempts_per_week_max, &own.attempts_per_week_max),
            ("attempts ever", &ever(&before), &ever(own)),
            ("countries", &countries(&before), &countries(own)),
        ],
    );
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

/// Every IANA zone name a company or contact may state.
pub fn zones() -> Vec<&'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|z| z.name()).collect()
}
