//! What the GDPR lets a person ask for: everything that is held about them as a file (articles 15 and 20), and that it is gone
//! (article 17). What has to stay names nobody, but the do-not-call list: a number on it stays in clear, because whom not to call
//! must be known to every import and every dial, and the law asks for such a list (article 17(3)(b); 47 CFR 64.1200(d)(6)).

use super::{forget, repo, shown};
use crate::db::Tx;
use crate::error::Result;
use crate::{calls, enrollments, evidence, leads, orders, suppressions};
use anyhow::Context;
use model::accounts::Permission;
use model::calls::{Call, CallFilter};
use model::contacts::{ContactCampaign, ContactRow};
use model::enrollments::{EnrollmentStatus, Reason};
use model::error::Check;
use model::events::{EventFilter, EventKind, EventRow};
use model::evidence::Evidence;
use model::id::{CallId, ContactId};
use model::leads::Lead;
use model::orders::{Order, OrderFilter};
use model::page::Paging;
use serde::Serialize;

/// Calls told in whole; nobody is called that often.
const CALLS_MAX: u32 = 1_000;
/// Orders told in whole.
const ORDERS_MAX: u32 = 1_000;
/// Events of one person in the file.
const EVENTS_MAX: u32 = 1_000;

/// Everything that is held about a person.
#[derive(Serialize)]
struct Held {
    contact: ContactRow,
    campaigns: Vec<ContactCampaign>,
    lead: Option<Lead>,
    orders: Vec<Order>,
    /// With what was said, found out and recorded; sound is fetched by its link.
    calls: Vec<Call>,
    /// Consent, do-not-call list and attempts; see `evidence`.
    evidence: Evidence,
    events: Vec<EventRow>,
}

/// Refuses whoever may not see and change all of a person.
fn may(tx: &Tx) -> Result<()> {
    for permission in [Permission::ManageContacts, Permission::ViewPhones, Permission::ViewCalls, Permission::ManageSuppressions]
    {
        tx.require(permission)?;
    }
    // An operator sees a part of the campaigns, and this is about all of them.
    tx.require(Permission::ManageSettings)
}

/// Who would be exported or erased.
///
/// # Errors
/// `Forbidden` for everybody but administrators; `NotFound`.
pub async fn whom(tx: &mut Tx, id: ContactId) -> Result<ContactRow> {
    may(tx)?;
    let stored = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("contact"))?;
    Ok(shown(tx, stored))
}

/// Everything that is held about a contact, as JSON. That it was taken is recorded, without a word about the person.
///
/// # Errors
/// As [`whom`].
pub async fn export(tx: &mut Tx, id: ContactId) -> Result<Vec<u8>> {
    let contact = whom(tx, id).await?;
    let filter = CallFilter { contact: Some(id), paging: Paging::new(1, CALLS_MAX), ..CallFilter::default() };
    let mut told = Vec::new();
    for row in calls::list(tx, &filter).await?.items {
        told.push(calls::load(tx, row.id).await?);
    }
    let lead = match leads::of_contact(tx, id).await? {
        Some(row) => Some(leads::load(tx, row.id).await?),
        None => None,
    };
    let filter = OrderFilter { contact: Some(id), paging: Paging::new(1, ORDERS_MAX), ..OrderFilter::default() };
    let mut bought = Vec::new();
    for row in orders::list(tx, &filter).await?.page.items {
        bought.push(orders::load(tx, row.id).await?);
    }
    let filter = EventFilter { subject: Some(id.to_string()), paging: Paging::new(1, EVENTS_MAX), ..EventFilter::default() };
    let held = Held {
        campaigns: enrollments::of_contact(tx, id).await?,
        lead,
        orders: bought,
        calls: told,
        evidence: evidence::of(tx, &contact.phone).await?,
        events: crate::events::list(tx, &filter).await?.items,
        contact,
    };
    tx.record(EventKind::ContactExported, Some(id.to_string()), "Everything held about them was taken as a file").await?;
    Ok(serde_json::to_vec_pretty(&held).context("a person as JSON")?)
}

/// Takes everything about a contact from every table, for good; `number` is theirs, typed again. What they cost and how often they
/// were called stays, under a number that nobody has. A number on the do-not-call list stays on it.
///
/// # Errors
/// As [`whom`]; `Invalid` on `number`; `Conflict` while they are on a call, or when they were erased before.
pub async fn erase(tx: &mut Tx, id: ContactId, number: &str) -> Result<()> {
    may(tx)?;
    tx.reach_all_campaigns().await?;
    let stored = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("contact"))?;
    let phone = stored.phone.clone();
    if stored.forgotten {
        return Err(model::Error::conflict("This contact was erased before.").into());
    }
    let typed: String = number.chars().filter(|c| !c.is_whitespace()).collect();
    Check::new().need(typed == phone.as_str(), "number", "Type the number of this contact, with + and country code.").done()?;
    // Calls, campaigns, the number: the order of everybody. From here on no dial of this number can begin.
    let theirs: Vec<CallId> = repo::lock_calls(tx, id, &phone).await?;
    suppressions::withdraw(tx, std::slice::from_ref(&phone), EnrollmentStatus::Cancelled, Reason::Archived).await?;
    suppressions::lock_phones(tx, std::slice::from_ref(&phone)).await?;
    if !enrollments::repo::live_phones(tx, std::slice::from_ref(&phone)).await?.is_empty() {
        return Err(model::Error::conflict("They are on a call. Try again when it is over.").into());
    }
    let words = [phone.to_string(), stored.phone_raw, stored.name, stored.email, stored.company, stored.notes];
    repo::sweep(tx, &words, id, &theirs).await?;
    forget::contacts(tx, &[id]).await?;
    forget::calls(tx, &theirs).await?;
    tx.record(EventKind::ContactErased, Some(id.to_string()), "Everything about them is gone; what they cost stays").await
}
