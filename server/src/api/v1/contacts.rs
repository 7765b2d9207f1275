//! Contacts, one by one and by file.

use super::imports::ImportView;
use super::leads::LeadView;
use super::{Nothing, instant};
use crate::api::Api;
use crate::api::door::{Asked, IDEMPOTENCY_KEY, Pages, Who, Write, named};
use crate::api::envelope::{Answer, Done, Listed, done, listed};
use crate::uploads::{Form, read};
use axum::extract::{Path, Request};
use futures::TryStreamExt;
use http::{HeaderMap, StatusCode};
use model::Error;
use model::accounts::Permission;
use model::contacts::{ContactFilter, ContactForm, ContactRow};
use model::id::ContactId;
use model::imports::ImportKind;
use serde::{Deserialize, Serialize};
use services::{contacts, imports};
use std::io;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(load, edit, archive))
        .routes(routes!(look_up))
        .routes(routes!(look_up_contact))
}

/// What takes as long as a file does.
pub fn uploads() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(upload))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ContactQuery {
    /// The start of the name or of the phone number.
    search: Option<String>,
    segment: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// A contact, whole or in part.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Sam Lee", "phone": "+12025550143", "segment": "vip"}))]
struct ContactBody {
    name: Option<String>,
    /// With country code, or as the company's region writes it.
    phone: Option<String>,
    email: Option<String>,
    company: Option<String>,
    /// What the person stated, like `America/New_York`.
    time_zone: Option<String>,
    segment: Option<String>,
    notes: Option<String>,
}

impl ContactBody {
    fn over(self, mut form: ContactForm) -> ContactForm {
        let texts = [
            (&mut form.name, self.name),
            (&mut form.phone, self.phone),
            (&mut form.email, self.email),
            (&mut form.company, self.company),
            (&mut form.time_zone, self.time_zone),
            (&mut form.segment, self.segment),
            (&mut form.notes, self.notes),
        ];
        for (to, from) in texts {
            if let Some(text) = from {
                *to = text;
            }
        }
        form
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ContactView {
    id: String,
    name: String,
    /// Masked without the scope `phones`.
    phone: String,
    email: String,
    company: String,
    time_zone: String,
    segment: String,
    notes: String,
    /// `active` or `archived`.
    status: String,
    /// On the do-not-call list.
    suppressed: bool,
    total_calls: i64,
    last_called_at: Option<String>,
    created_at: String,
}

impl From<ContactRow> for ContactView {
    fn from(row: ContactRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            phone: row.phone,
            email: row.email,
            company: row.company,
            time_zone: row.time_zone,
            segment: row.segment,
            notes: row.notes,
            status: row.status.to_string(),
            suppressed: row.suppressed,
            total_calls: row.calls,
            last_called_at: row.last_called_at.map(|m| instant(m.at)),
            created_at: instant(row.created_at.at),
        }
    }
}

/// List contacts
#[utoipa::path(get, path = "/contacts", operation_id = "listContacts", tag = "contacts", params(ContactQuery),
    responses((status = 200, body = Listed<ContactView>)))]
async fn list(who: Who, Asked(query): Asked<ContactQuery>) -> Answer {
    let filter = ContactFilter {
        search: query.search.unwrap_or_default(),
        segment: query.segment.unwrap_or_default(),
        import: None,
        paging: Pages::new(query.page, query.limit).paging(),
    };
    let mut tx = who.begin().await?;
    listed(contacts::list(&mut tx, &filter).await?.map(ContactView::from))
}

/// Add a contact
#[utoipa::path(post, path = "/contacts", operation_id = "createContact", tag = "contacts", request_body = ContactBody,
    responses((status = 201, body = Done<ContactView>)))]
async fn create(write: Write<ContactBody>) -> Answer {
    let (mut w, body) = write.begin().await?;
    let id = contacts::create(&mut w.tx, &body.over(ContactForm::default())).await?;
    let contact = contacts::load(&mut w.tx, id).await?;
    w.answer(StatusCode::CREATED, ContactView::from(contact), "Created").await
}

/// One contact
#[utoipa::path(get, path = "/contacts/{id}", operation_id = "contact", tag = "contacts", params(("id" = String, Path)),
    responses((status = 200, body = Done<ContactView>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let id: ContactId = named("contact", &id)?;
    let mut tx = who.begin().await?;
    done(ContactView::from(contacts::load(&mut tx, id).await?), "OK")
}

/// Change a contact
///
/// What is left out stays as it is. Without the scope `phones` the number must be sent: what is stored is not shown.
#[utoipa::path(put, path = "/contacts/{id}", operation_id = "editContact", tag = "contacts", params(("id" = String, Path)),
    request_body = ContactBody, responses((status = 200, body = Done<ContactView>)))]
async fn edit(Path(id): Path<String>, write: Write<ContactBody>) -> Answer {
    let id: ContactId = named("contact", &id)?;
    let (mut w, body) = write.begin().await?;
    w.tx.require(Permission::ManageContacts)?;
    let old = contacts::load(&mut w.tx, id).await?;
    let form = ContactForm {
        name: old.name,
        phone: old.phone,
        email: old.email,
        company: old.company,
        time_zone: old.time_zone,
        segment: old.segment,
        notes: old.notes,
    };
    contacts::edit(&mut w.tx, id, &body.over(form)).await?;
    let contact = contacts::load(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, ContactView::from(contact), "Saved").await
}

/// Take a contact out of all lists and queues
#[utoipa::path(delete, path = "/contacts/{id}", operation_id = "archiveContact", tag = "contacts", params(("id" = String, Path)),
    responses((status = 200, body = Done<Nothing>)))]
async fn archive(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: ContactId = named("contact", &id)?;
    let (mut w, _) = write.begin().await?;
    contacts::archive(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, Nothing {}, "Archived").await
}

/// Whose a number is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LookupView {
    contact: ContactView,
    /// The one that lives, if there is one.
    lead: Option<LeadView>,
    order_count: i64,
}

/// Find a contact by phone number
///
/// With country code, or as the company's region writes it. Needs the scope `phones`.
#[utoipa::path(get, path = "/lookup/{phone}", operation_id = "lookUp", tag = "contacts", params(("phone" = String, Path)),
    responses((status = 200, body = Done<LookupView>)))]
async fn look_up(who: Who, Path(phone): Path<String>) -> Answer {
    let mut tx = who.begin().await?;
    let found = contacts::look_up(&mut tx, &phone).await?;
    let (contact, lead) = (ContactView::from(found.row), found.lead.map(LeadView::from));
    done(LookupView { contact, lead, order_count: found.orders }, "OK")
}

/// Find a contact by phone number, as `/lookup` does
#[utoipa::path(get, path = "/contact-lookup/{phone}", operation_id = "lookUpContact", tag = "contacts",
    params(("phone" = String, Path)), responses((status = 200, body = Done<LookupView>)))]
async fn look_up_contact(who: Who, phone: Path<String>) -> Answer {
    look_up(who, phone).await
}

/// A file with people.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, which is read as a stream")]
struct Upload {
    #[schema(format = Binary)]
    file: String,
}

/// Upload a file of contacts
///
/// CSV, TSV, XLSX or ODS with a header row. The answer names the import, with the columns as they were guessed. Check it, then run it: see `/imports`.
#[utoipa::path(post, path = "/contacts/upload", operation_id = "uploadContacts", tag = "contacts",
    request_body(content = Upload, content_type = "multipart/form-data"), responses((status = 200, body = Done<ImportView>)))]
async fn upload(who: Who, headers: HeaderMap, request: Request) -> Answer {
    // Before the file is read, and not after.
    who.begin().await?.require(Permission::ImportContacts)?;
    if headers.contains_key(IDEMPOTENCY_KEY) {
        return Err(Error::field("Idempotency-Key", "This operation takes none.").into());
    }
    let broken = |e: String| Error::field("file", e);
    let mut form = Form::of(request).await.map_err(broken)?;
    let unread = form.unread.clone();
    while let Some(field) = form.next().await.map_err(broken)? {
        let name = field.file_name().map(str::to_owned);
        if let (Some("file"), Some(name)) = (field.name(), name.filter(|name| !name.is_empty())) {
            let bytes = read(&unread, field.map_err(io::Error::other));
            let id = imports::upload(&who.db, &who.actor, ImportKind::Contacts, &name, bytes).await?;
            let mut tx = who.begin().await?;
            return done(ImportView::from(imports::load(&mut tx, id).await?), "Stored");
        }
    }
    Err(Error::field("file", "Send a form with a field `file`.").into())
}
