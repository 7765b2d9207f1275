//! People with phones: listing, searching, creating, editing, archiving. Files of them come in by `imports`.

mod erase;
pub(crate) mod forget;
mod repo;
#[cfg(test)]
mod tests;

pub use erase::{erase, export, whom};

use crate::db::Tx;
use crate::error::Result;
use crate::{calls, enrollments, events, leads, orders, phones, suppressions};
use chrono_tz::{TZ_VARIANTS, Tz};
use model::FieldErrors;
use model::accounts::Permission;
use model::calls::CallFilter;
use model::contacts::{
    Contact, ContactFilter, ContactForm, ContactRow, ContactStatus, Happening, LookedUp, NewContact, masked_email,
};
use model::enrollments::{EnrollmentStatus, Reason};
use model::events::{EventFilter, EventKind};
use model::id::ContactId;
use model::page::{Page, Paging};
use model::phone::Phone;
use std::slice;

/// The constraint that keeps numbers apart.
const PHONE_TAKEN: &str = "contacts_phone_unique";
/// Segments offered for choosing; a company that has more types the name.
const SEGMENTS_MAX: i64 = 500;
/// Calls and events on a contact's page, of each.
const STORY_MAX: u32 = 50;

/// Active contacts, the newest first. Roles that may not see numbers get them masked, and cannot search by them.
///
/// # Errors
/// `Forbidden` without `ViewContacts`.
pub async fn list(tx: &mut Tx, filter: &ContactFilter) -> Result<Page<ContactRow>> {
    tx.require(Permission::ViewContacts)?;
    let starts = if tx.actor().may(Permission::ViewPhones) {
        let region = phones::region(tx).await?;
        phones::prefixes(&filter.search, &region)
    } else {
        Vec::new()
    };
    let (rows, total) = repo::list(tx, filter, &starts).await?;
    let items = rows.into_iter().map(|r| shown(tx, r)).collect();
    Ok(Page::new(items, total, filter.paging))
}

/// One contact, archived ones too.
///
/// # Errors
/// `Forbidden` without `ViewContacts`; `NotFound`.
pub async fn load(tx: &mut Tx, id: ContactId) -> Result<ContactRow> {
    tx.require(Permission::ViewContacts)?;
    let row = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("contact"))?;
    Ok(shown(tx, row))
}

/// One contact with its campaigns and what happened, each as far as the role may see it.
///
/// # Errors
/// `Forbidden` without `ViewContacts`; `NotFound`.
pub async fn open(tx: &mut Tx, id: ContactId) -> Result<Contact> {
    tx.require(Permission::ViewContacts)?;
    let stored = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("contact"))?;
    let may = |permission| tx.actor().may(permission);
    let (sees_calls, sees_events) = (may(Permission::ViewCalls), may(Permission::ViewEvents));
    let (sees_list, sees_campaigns) = (may(Permission::ViewSuppressions), may(Permission::ViewCampaigns));
    let suppression = if sees_list { suppressions::of(tx, &stored.phone).await? } else { None };
    let campaigns = if sees_campaigns { enrollments::of_contact(tx, id).await? } else { Vec::new() };
    let paging = Paging::new(1, STORY_MAX);
    let (mut story, mut total) = (Vec::new(), 0);
    if sees_calls {
        let page = calls::list(tx, &CallFilter { contact: Some(id), paging, ..CallFilter::default() }).await?;
        total += page.total;
        story.extend(page.items.into_iter().map(Happening::Call));
    }
    if sees_events {
        let filter = EventFilter { subject: Some(id.to_string()), paging, ..EventFilter::default() };
        let page = events::list(tx, &filter).await?;
        total += page.total;
        story.extend(page.items.into_iter().map(Happening::Event));
    }
    story.sort_by_key(|one| std::cmp::Reverse(one.at()));
    story.truncate(STORY_MAX as usize);
    let is_cut = i64::try_from(story.len()).is_ok_and(|shown| shown < total);
    let links = links(tx, id).await?;
    Ok(Contact { row: shown(tx, stored), suppression, campaigns, links, story, is_cut })
}

/// The lead and the orders of a contact, and where their pages are.
async fn links(tx: &mut Tx, id: ContactId) -> Result<Vec<(String, String)>> {
    let lead = match leads::of_contact(tx, id).await? {
        Some(lead) => {
            let text = format!("Lead: {}, score {}", lead.status.label().to_lowercase(), lead.score);
            Some((text, format!("/leads/lead?id={}", lead.id)))
        }
        None if tx.actor().may(Permission::ManageContacts) => {
            Some(("Make a lead".to_owned(), format!("/leads/lead?contact={id}")))
        }
        None => None,
    };
    let orders = match orders::count_of(tx, id).await? {
        0 => None,
        1 => Some("1 order".to_owned()),
        many => Some(format!("{many} orders")),
    };
    let orders = orders.map(|text| (text, format!("/orders?contact={id}")));
    Ok(lead.into_iter().chain(orders).collect())
}

/// The contact with this number, archived ones too, with their lead and how many orders they have.
///
/// # Errors
/// `Forbidden` without `ViewContacts` or `ViewPhones`, because the answer tells whose a number is; `NotFound`, also for what is no
/// number.
pub async fn look_up(tx: &mut Tx, phone: &str) -> Result<LookedUp> {
    tx.require(Permission::ViewContacts)?;
    tx.require(Permission::ViewPhones)?;
    let nobody = || model::Error::not_found("contact");
    let region = phones::region(tx).await?;
    let phone = phones::parse(phone, &region).map_err(|_| nobody())?;
    let id = repo::with_phones(tx, &[phone]).await?.pop().ok_or_else(nobody)?;
    let stored = repo::find(tx, id).await?.ok_or_else(nobody)?;
    let (lead, orders) = (leads::of_contact(tx, id).await?, orders::count_of(tx, id).await?);
    Ok(LookedUp { row: shown(tx, stored), lead, orders })
}

/// Adds a contact. One that was archived with the same number comes back with the new data.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `Invalid`, also when the number is taken.
pub async fn create(tx: &mut Tx, form: &ContactForm) -> Result<ContactId> {
    tx.require(Permission::ManageContacts)?;
    let contact = read(tx, form).await?;
    let id = match repo::revive(tx, &contact).await? {
        Some(id) => id,
        None => {
            let id = tx.id();
            repo::insert(tx, id, &contact).await.map_err(|e| e.when(PHONE_TAKEN, taken))?;
            id
        }
    };
    tx.record(EventKind::ContactCreated, Some(id.to_string()), contact.phone.masked()).await?;
    Ok(id)
}

/// Changes a contact. Its number is fixed once it was called: the call log speaks about that number.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`; `Invalid`, also when the number is taken or fixed.
pub async fn edit(tx: &mut Tx, id: ContactId, form: &ContactForm) -> Result<()> {
    tx.require(Permission::ManageContacts)?;
    let old = repo::lock(tx, id).await?.ok_or_else(|| model::Error::not_found("contact"))?;
    let contact = read(tx, form).await?;
    if old.calls > 0 && old.phone != contact.phone {
        return Err(
            model::Error::field("phone", "This number was called already. Add a new contact for the other number.").into()
        );
    }
    repo::update(tx, id, &contact).await.map_err(|e| e.when(PHONE_TAKEN, taken))?;
    tx.record(EventKind::ContactChanged, Some(id.to_string()), contact.phone.masked()).await
}

/// Takes a contact out of lists and out of every queue it waits in. Doing it twice changes nothing.
///
/// # Errors
/// `Forbidden` without `ManageContacts`; `NotFound`.
pub async fn archive(tx: &mut Tx, id: ContactId) -> Result<()> {
    tx.require(Permission::ManageContacts)?;
    let contact = repo::find(tx, id).await?.ok_or_else(|| model::Error::not_found("contact"))?;
    suppressions::withdraw(tx, slice::from_ref(&contact.phone), EnrollmentStatus::Cancelled, Reason::Archived).await?;
    if repo::archive(tx, id).await? {
        tx.record(EventKind::ContactArchived, Some(id.to_string()), contact.phone.masked()).await?;
    }
    Ok(())
}

/// The segments in use, by name.
///
/// # Errors
/// `Forbidden` without `ViewContacts`.
pub async fn segments(tx: &mut Tx) -> Result<Vec<String>> {
    tx.require(Permission::ViewContacts)?;
    repo::segments(tx, SEGMENTS_MAX).await
}

fn taken() -> model::Error {
    model::Error::field("phone", "Another contact has this number.")
}

async fn read(tx: &mut Tx, form: &ContactForm) -> Result<NewContact> {
    let region = phones::region(tx).await?;
    read_form(form, &region).map_err(|fields| model::Error::Invalid { fields }.into())
}

/// Checks a form or a row of a file; numbers without country code belong to `region`.
///
/// # Errors
/// All field problems at once.
pub(crate) fn read_form(form: &ContactForm, region: &str) -> Result<NewContact, FieldErrors> {
    let (phone, time_zone) = (phones::parse(&form.phone, region), zone(&form.time_zone));
    let mut fields = match form.check() {
        Err(model::Error::Invalid { fields }) => fields,
        _ => FieldErrors::new(),
    };
    for (field, problem) in [("phone", phone.as_ref().err()), ("time_zone", time_zone.as_ref().err())] {
        if let Some(why) = problem {
            fields.entry(field.to_owned()).or_insert_with(|| (*why).to_owned());
        }
    }
    match (phone, time_zone) {
        (Ok(phone), Ok(time_zone)) if fields.is_empty() => Ok(NewContact {
            name: form.name.trim().to_owned(),
            phone,
            phone_raw: form.phone.trim().to_owned(),
            email: form.email.trim().to_owned(),
            company: form.company.trim().to_owned(),
            time_zone,
            segment: form.segment.trim().to_owned(),
            notes: form.notes.trim().to_owned(),
        }),
        _ => Err(fields),
    }
}

/// Reads a zone name as people enter it; empty is none.
///
/// # Errors
/// What to enter instead.
fn zone(text: &str) -> Result<Option<String>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // Names in files differ in case; the zone database does not know that.
    let zone = text.parse().ok().or_else(|| TZ_VARIANTS.iter().copied().find(|zone: &Tz| zone.name().eq_ignore_ascii_case(text)));
    zone.map(|zone| Some(zone.name().to_owned())).ok_or("Use a zone name like America/New_York.")
}

/// Whether numbers and addresses are shown whole: to roles that may see them, and to an operator only of people in the campaigns
/// they handle (`theirs`).
pub(crate) fn sees(tx: &Tx, theirs: bool) -> bool {
    tx.actor().may(Permission::ViewPhones) && (theirs || tx.actor().handles_only().is_none())
}

/// The starts of numbers that a search of other lists may mean: none for who sees no numbers. Digit by digit an operator would
/// read numbers that are masked for them, so they ask for a whole one, which they know.
pub(crate) async fn number_search(tx: &mut Tx, text: &str) -> Result<Vec<String>> {
    if !tx.actor().may(Permission::ViewPhones) {
        return Ok(Vec::new());
    }
    let region = phones::region(tx).await?;
    Ok(match tx.actor().handles_only() {
        Some(_) => phones::parse(text, &region).map(String::from).into_iter().collect(),
        None => phones::prefixes(text, &region),
    })
}

fn shown(tx: &Tx, r: repo::Stored) -> ContactRow {
    let sees = sees(tx, r.theirs);
    ContactRow {
        id: r.id,
        name: r.name,
        phone: if sees { r.phone.into() } else { r.phone.masked() },
        email: if sees { r.email } else { masked_email(&r.email) },
        company: r.company,
        time_zone: r.time_zone.unwrap_or_default(),
        segment: r.segment,
        notes: r.notes,
        status: if r.archived { ContactStatus::Archived } else { ContactStatus::Active },
        suppressed: r.suppressed,
        calls: i64::from(r.calls),
        last_called_at: r.last_called_at.map(|at| tx.moment(at)),
        created_at: tx.moment(r.created_at),
    }
}

/// What somebody is called who called us before we knew them.
pub(crate) const UNKNOWN_CALLER: &str = "Unknown caller";

/// The contact with this number, who becomes one by calling. Archived contacts stay archived.
pub(crate) async fn caller(tx: &mut Tx, phone: &Phone) -> Result<ContactId> {
    let id: ContactId = tx.id();
    repo::find_or_insert_caller(tx, id, UNKNOWN_CALLER, phone).await
}

/// What a customer is called of whom a shop tells no name.
pub(crate) const UNKNOWN_CUSTOMER: &str = "Unknown customer";

/// The contacts with these numbers, in the order asked. Whoever is new becomes one; what is known of the others stays as it is,
/// and who was archived stays archived.
pub(crate) async fn meet(tx: &mut Tx, people: &[NewContact]) -> Result<Vec<ContactId>> {
    let ids: Vec<ContactId> = people.iter().map(|_| tx.id()).collect();
    let created = repo::insert_new(tx, &ids, people).await?;
    if !created.is_empty() {
        let lines = created.into_iter().map(|(id, phone)| (Some(id.to_string()), phone.masked())).collect();
        tx.record_all(EventKind::ContactCreated, lines).await?;
    }
    let phones: Vec<_> = people.iter().map(|person| person.phone.clone()).collect();
    repo::with_phones(tx, &phones).await
}
