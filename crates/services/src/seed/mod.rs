//! Demo data that looks like three real businesses: people, agents, campaigns and ninety days of calls.
//!
//! [`run`] writes each company in one transaction that begins in the past: a database handle whose clock
//! stands on the day the company registered. `plans.rs` is what to tell, `life.rs` lets it happen, `rows.rs`
//! writes it down. Everything obeys the invariants of `check`; a test asks them.

mod attempt;
mod company;
mod ledger;
mod life;
mod luck;
mod moves;
mod people;
mod plans;
mod rows;
mod story;
mod talk;
#[cfg(test)]
mod tests;
mod words;

use crate::actor::SystemTask;
use crate::clock::Clock;
use crate::db::Db;
use crate::error::Result;
use crate::{accounts, agents, companies};
use chrono::{Days, TimeDelta};
use chrono_tz::Tz;
use model::accounts::Role;
use model::id::CompanyId;
use model::time::Timestamp;
use plans::{COMPANIES, CompanyPlan};

/// Of every demo login.
pub const PASSWORD: &str = "Belfry-demo-1";
/// Who looks after the platform.
const SUPER_ADMIN: (&str, &str) = ("robin@belfry.example", "Robin Vale");
/// Companies registered this many days ago.
const DAYS: u64 = 92;
/// The roles of a company's members, in the order of the plan.
const ROLES: [Role; 3] = [Role::CompanyAdmin, Role::Operator, Role::Viewer];

/// Writes the templates and those demo companies that are not there yet. Returns a table of their logins.
///
/// # Errors
/// When the database refuses; a company is written as a whole or not at all.
pub async fn run(db: &Db) -> Result<String> {
    let mut tx = db.begin_system(SystemTask::Seed).await?;
    agents::seed_templates(&mut tx).await?;
    tx.commit().await?;
    let now = db.clock().now();
    let mut password_hash = None;
    for plan in COMPANIES {
        if is_there(db, plan).await? {
            continue;
        }
        if password_hash.is_none() {
            password_hash = Some(accounts::hash_password(db, PASSWORD).await?);
        }
        let opened = local(now, plan.zone(), DAYS, 9 * 60 + 12);
        let past = Db::init(db.config().clone(), Clock::manual(opened), plan.seed)?;
        company::write(&past, plan, password_hash.as_deref().unwrap_or_default(), now).await?;
        past.close().await;
    }
    super_admin(db, password_hash).await?;
    Ok(logins())
}

/// The platform's own company with its super admin, unless it is there.
async fn super_admin(db: &Db, password_hash: Option<String>) -> Result<()> {
    let (email, name) = SUPER_ADMIN;
    let mut tx = db.begin_system(SystemTask::Seed).await?;
    let known: bool =
        sqlx::query_scalar("select exists (select 1 from users where email = $1)").bind(email).fetch_one(tx.conn()).await?;
    if known {
        return Ok(());
    }
    let password_hash = match password_hash {
        Some(hash) => hash,
        None => accounts::hash_password(db, PASSWORD).await?,
    };
    let company: CompanyId = tx.id();
    companies::open(&mut tx, company, "Belfry", "UTC").await?;
    sqlx::query("update companies set company_type = 'generic' where id = $1").bind(company).execute(tx.conn()).await?;
    let new = accounts::NewUser { name, email, password_hash: Some(&password_hash), confirmed: true };
    let user = accounts::create_user(&mut tx, &new).await?;
    accounts::join(&mut tx, company, user, Role::SuperAdmin).await?;
    tx.commit().await
}

async fn is_there(db: &Db, plan: &CompanyPlan) -> Result<bool> {
    let mut tx = db.begin_system(SystemTask::Seed).await?;
    let email = members(plan).next().map(|(email, ..)| email);
    Ok(sqlx::query_scalar("select exists (select 1 from users where email = $1)").bind(email).fetch_one(tx.conn()).await?)
}

impl CompanyPlan {
    fn zone(&self) -> Tz {
        self.zone.parse().unwrap_or(Tz::UTC)
    }
}

/// E-mail, name and role of everybody in a company.
fn members(plan: &CompanyPlan) -> impl Iterator<Item = (String, &'static str, Role)> {
    let domain = plan.domain;
    plan.members.iter().zip(ROLES).map(move |((name, user), role)| (format!("{user}@{domain}"), *name, role))
}

/// A minute of the local day that was some days ago.
fn local(now: Timestamp, zone: Tz, days_ago: u64, minute: i64) -> Timestamp {
    let today = now.with_timezone(&zone).date_naive();
    let day = today.checked_sub_days(Days::new(days_ago)).unwrap_or(today);
    crate::dialer::window::midnight(day, zone) + TimeDelta::minutes(minute)
}

fn logins() -> String {
    let mut table = format!("Demo logins, all with the password {PASSWORD}\n\n{:<22} {:<14} E-mail\n", "Company", "Role");
    for plan in COMPANIES {
        for (email, _, role) in members(plan) {
            table.push_str(&format!("{:<22} {:<14} {email}\n", plan.name, role.label()));
        }
    }
    table.push_str(&format!("{:<22} {:<14} {}\n", "Belfry", Role::SuperAdmin.label(), SUPER_ADMIN.0));
    table
}
