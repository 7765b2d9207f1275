//! Leads: pushed many at once, listed, read.

use super::instant;
use super::orders::{PushedView, with_unread};
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, Write, named, word};
use crate::api::envelope::{Answer, Done, Listed, done, listed};
use axum::extract::Path;
use http::StatusCode;
use model::FieldErrors;
use model::id::LeadId;
use model::leads::{Due, GradeForm, Lead, LeadFilter, LeadForm, LeadRow, LeadStatus, Part, ScoreForm};
use serde::{Deserialize, Serialize};
use services::leads;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const STATUSES: &str = "new, contacted, qualified, unqualified, converted, lost";

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, push)).routes(routes!(load))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct LeadQuery {
    /// The start of the person's name or phone number.
    search: Option<String>,
    /// `new`, `contacted`, `qualified`, `unqualified`, `converted` or `lost`.
    status: Option<String>,
    /// Whose they are.
    owner_id: Option<String>,
    #[param(minimum = 0, maximum = 100)]
    score_min: Option<u8>,
    #[param(minimum = 0, maximum = 100)]
    score_max: Option<u8>,
    /// `now`: the day to follow up has come; `week`: it comes within a week.
    due: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Leads, at most 1,000.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"leads": [{
    "name": "Sam Lee", "phone": "+12025550143", "status": "qualified", "nextAction": "Send the offer", "followUpOn": "2026-11-30",
    "score": {"intent": {"points": 18, "reason": "Asked for a price"}}
}]}))]
struct LeadsBody {
    #[serde(default)]
    leads: Vec<LeadBody>,
}

/// A lead of whoever has the number. What is left out stays as it is.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
struct LeadBody {
    phone: String,
    /// For somebody whose number is new.
    name: String,
    email: String,
    status: Option<String>,
    score: ScoreBody,
    next_action: String,
    /// A day.
    follow_up_on: String,
    notes: String,
}

/// Five parts of up to 20 points.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
struct ScoreBody {
    intent: Option<GradeBody>,
    urgency: Option<GradeBody>,
    budget: Option<GradeBody>,
    fit: Option<GradeBody>,
    engagement: Option<GradeBody>,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct GradeBody {
    #[schema(minimum = 0, maximum = 20)]
    points: i16,
    #[serde(default)]
    reason: String,
}

fn grade(body: Option<GradeBody>) -> GradeForm {
    body.map_or_else(GradeForm::default, |grade| GradeForm { points: grade.points.to_string(), reason: grade.reason })
}

impl LeadBody {
    /// What a form says; a status that is none is a problem of its row.
    fn form(self) -> Result<LeadForm, FieldErrors> {
        let status = self.status.as_deref().map(|text| word::<LeadStatus>("status", text, STATUSES)).transpose();
        let ScoreBody { intent, urgency, budget, fit, engagement } = self.score;
        Ok(LeadForm {
            name: self.name,
            phone: self.phone,
            email: self.email,
            status: status.map_err(|_| FieldErrors::from([("status".to_owned(), format!("Choose one of: {STATUSES}."))]))?,
            score: ScoreForm {
                intent: grade(intent),
                urgency: grade(urgency),
                budget: grade(budget),
                fit: grade(fit),
                engagement: grade(engagement),
            },
            next_action: self.next_action,
            follow_up_on: self.follow_up_on,
            notes: self.notes,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeadView {
    id: String,
    contact_id: String,
    name: String,
    /// Masked without the scope `phones`.
    phone: String,
    status: String,
    /// 0 to 100.
    score: i16,
    owner_id: Option<String>,
    owner: Option<String>,
    next_action: String,
    follow_up_on: Option<String>,
    archived: bool,
    created_at: String,
    updated_at: String,
}

impl From<LeadRow> for LeadView {
    fn from(row: LeadRow) -> Self {
        let (owner_id, owner) = row.owner.unzip();
        Self {
            id: row.id.to_string(),
            contact_id: row.contact.to_string(),
            name: row.name,
            phone: row.phone,
            status: row.status.to_string(),
            score: row.score,
            owner_id: owner_id.map(|id| id.to_string()),
            owner,
            next_action: row.next_action,
            follow_up_on: row.follow_up_on.map(|day| day.to_string()),
            archived: row.archived,
            created_at: instant(row.created_at.at),
            updated_at: instant(row.updated_at.at),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WholeLead {
    lead: LeadView,
    /// The five parts of the score, by name.
    score: BTreeMap<String, GradeBody>,
    notes: String,
    /// The call that made it.
    call_id: Option<String>,
}

impl From<Lead> for WholeLead {
    fn from(lead: Lead) -> Self {
        let parts = Part::ALL.iter().zip(lead.score.0);
        let score = parts.map(|(part, grade)| (part.to_string(), GradeBody { points: grade.points, reason: grade.reason }));
        Self { score: score.collect(), notes: lead.notes, call_id: lead.call.map(|id| id.to_string()), lead: lead.row.into() }
    }
}

/// List leads
#[utoipa::path(get, path = "/leads", operation_id = "listLeads", tag = "leads", params(LeadQuery),
    responses((status = 200, body = Listed<LeadView>)))]
async fn list(who: Who, Asked(query): Asked<LeadQuery>) -> Answer {
    let score = |points: Option<u8>| points.map(|points| points.to_string()).unwrap_or_default();
    let filter = LeadFilter {
        search: query.search.unwrap_or_default(),
        status: query.status.map(|text| word("status", &text, STATUSES)).transpose()?,
        owner: query.owner_id.map(|id| named("member", &id)).transpose()?,
        score_min: score(query.score_min),
        score_max: score(query.score_max),
        due: query.due.map(|text| word::<Due>("due", &text, "now, week")).transpose()?,
        paging: Pages::new(query.page, query.limit).paging(),
    };
    let mut tx = who.begin().await?;
    listed(leads::list(&mut tx, &filter).await?.map(LeadView::from))
}

/// Push leads
///
/// At most 1,000. Each row is answered for itself, in the order sent: what is wrong with one keeps no other from being stored.
/// Somebody has one lead that lives: pushed again, it is changed.
#[utoipa::path(post, path = "/leads", operation_id = "pushLeads", tag = "leads", request_body = LeadsBody,
    responses((status = 200, body = Done<PushedView>)))]
async fn push(write: Write<LeadsBody>) -> Answer {
    let (mut w, body) = write.begin().await?;
    let read: Vec<_> = body.leads.into_iter().map(LeadBody::form).collect();
    let forms: Vec<_> = read.iter().filter_map(|row| row.as_ref().ok().cloned()).collect();
    let stored = leads::push(&mut w.tx, &forms).await?;
    w.answer(StatusCode::OK, with_unread(read, stored), "Stored").await
}

/// One lead with the parts of its score
#[utoipa::path(get, path = "/leads/{id}", operation_id = "lead", tag = "leads", params(("id" = String, Path)),
    responses((status = 200, body = Done<WholeLead>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let id: LeadId = named("lead", &id)?;
    let mut tx = who.begin().await?;
    done(WholeLead::from(leads::load(&mut tx, id).await?), "OK")
}
