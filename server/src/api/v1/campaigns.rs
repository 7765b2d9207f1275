//! Campaigns: made, changed, moved and looked at.

use super::campaigns_form::{CampaignBody, CampaignType, CampaignView};
use super::{Money, Nothing, duration};
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, Write, named, word};
use crate::api::envelope::{Answer, Done, Listed, Refusal, done, listed};
use axum::extract::Path;
use http::StatusCode;
use model::Error;
use model::accounts::Permission;
use model::calls::Direction;
use model::campaigns::{Action, CampaignFilter, Status};
use model::id::CampaignId;
use serde::{Deserialize, Serialize};
use services::{Tx, agents, campaigns, companies, numbers};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(load, edit, delete))
        .routes(routes!(act))
        .routes(routes!(statistics))
        .routes(routes!(allocate))
        .routes(routes!(duplicate))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct CampaignQuery {
    /// `incoming` or `outgoing`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `draft`, `scheduled`, `active`, `paused`, `completed`, `cancelled` or `archived`.
    status: Option<String>,
    /// The start of the name.
    search: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"status": "paused"}))]
struct Move {
    /// `active` launches a draft and resumes a paused campaign; `paused`; `cancelled`; `archived`.
    status: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Did {
    /// One of the company's numbers, like `+12025550143`.
    did_number: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    total_contacts: i64,
    finished_contacts: i64,
    total_calls: i64,
    successful_calls: i64,
    voicemail_calls: i64,
    busy_calls: i64,
    no_answer_calls: i64,
    failed_calls: i64,
    calls_in_progress: i64,
    talk_seconds: i64,
    avg_duration: String,
    spend: Money,
}

/// One campaign as it is seen after whatever happened in this transaction.
async fn view(tx: &mut Tx, id: CampaignId, zone: &str) -> Result<CampaignView, Refusal> {
    let campaign = campaigns::load(tx, id).await?;
    let answered: Vec<String> = if campaign.form.numbers.is_empty() {
        Vec::new()
    } else {
        let all = numbers::list(tx).await?;
        let mine = campaign.form.numbers.iter().filter_map(|id| all.iter().find(|row| row.id == *id));
        mine.map(|row| row.phone.clone()).collect()
    };
    let agent = match campaign.form.agent {
        Some(id) if tx.actor().may(Permission::ViewAgents) => Some(agents::load(tx, id).await?.form),
        _ => None,
    };
    Ok(CampaignView::new(campaign, zone, &answered, agent.as_ref()))
}

async fn zone(tx: &mut Tx) -> Result<String, Refusal> {
    Ok(companies::settings(tx).await?.time_zone)
}

/// List campaigns
#[utoipa::path(get, path = "/campaigns", operation_id = "listCampaigns", tag = "campaigns", params(CampaignQuery),
    responses((status = 200, body = Listed<CampaignView>)))]
async fn list(who: Who, Asked(query): Asked<CampaignQuery>) -> Answer {
    let mut filter = CampaignFilter { search: query.search.unwrap_or_default(), ..CampaignFilter::default() };
    filter.paging = Pages::new(query.page, query.limit).paging();
    filter.direction = match query.kind.as_deref().unwrap_or_default() {
        "" | "all" => None,
        "incoming" => Some(Direction::from(CampaignType::Incoming)),
        "outgoing" => Some(Direction::from(CampaignType::Outgoing)),
        _ => return Err(Error::field("type", "Choose one of: incoming, outgoing.").into()),
    };
    filter.status = match query.status.as_deref().unwrap_or_default() {
        "" | "all" => None,
        text => Some(word("status", text, "draft, scheduled, active, paused, completed, cancelled, archived")?),
    };
    let mut tx = who.begin().await?;
    let page = campaigns::list(&mut tx, &filter).await?;
    let zone = zone(&mut tx).await?;
    let mut rows = Vec::with_capacity(page.items.len());
    for row in &page.items {
        rows.push(view(&mut tx, row.id, &zone).await?);
    }
    listed(model::page::Page::new(rows, page.total, page.paging))
}

/// Make a campaign
#[utoipa::path(post, path = "/campaigns", operation_id = "createCampaign", tag = "campaigns", request_body = CampaignBody,
    responses((status = 201, body = Done<CampaignView>)))]
async fn create(write: Write<CampaignBody>) -> Answer {
    let (mut w, body) = write.begin().await?;
    w.tx.require(Permission::ManageCampaigns)?;
    let blank = campaigns::blank(&mut w.tx).await?;
    let form = body.over(&mut w.tx, blank).await?;
    let id = campaigns::create(&mut w.tx, &form).await?;
    let zone = zone(&mut w.tx).await?;
    let view = view(&mut w.tx, id, &zone).await?;
    w.answer(StatusCode::CREATED, view, "Created").await
}

/// One campaign
#[utoipa::path(get, path = "/campaigns/{id}", operation_id = "campaign", tag = "campaigns", params(("id" = String, Path)),
    responses((status = 200, body = Done<CampaignView>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let mut tx = who.begin().await?;
    let zone = zone(&mut tx).await?;
    done(view(&mut tx, id, &zone).await?, "OK")
}

/// Change a campaign
///
/// What is left out stays as it is.
#[utoipa::path(put, path = "/campaigns/{id}", operation_id = "editCampaign", tag = "campaigns", params(("id" = String, Path)),
    request_body = CampaignBody, responses((status = 200, body = Done<CampaignView>)))]
async fn edit(Path(id): Path<String>, write: Write<CampaignBody>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let (mut w, body) = write.begin().await?;
    w.tx.require(Permission::ManageCampaigns)?;
    let old = campaigns::load(&mut w.tx, id).await?.form;
    let form = body.over(&mut w.tx, old).await?;
    campaigns::edit(&mut w.tx, id, &form).await?;
    let zone = zone(&mut w.tx).await?;
    let view = view(&mut w.tx, id, &zone).await?;
    w.answer(StatusCode::OK, view, "Saved").await
}

/// Delete a draft
#[utoipa::path(delete, path = "/campaigns/{id}", operation_id = "deleteCampaign", tag = "campaigns", params(("id" = String, Path)),
    responses((status = 200, body = Done<Nothing>)))]
async fn delete(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let (mut w, _) = write.begin().await?;
    campaigns::delete(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, Nothing {}, "Deleted").await
}

/// Launch, pause, resume, cancel or archive
#[utoipa::path(patch, path = "/campaigns/{id}/status", operation_id = "moveCampaign", tag = "campaigns",
    params(("id" = String, Path)), request_body = Move, responses((status = 200, body = Done<CampaignView>)))]
async fn act(Path(id): Path<String>, write: Write<Move>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let (mut w, body) = write.begin().await?;
    w.tx.require(Permission::RunCampaigns)?;
    let now = campaigns::load(&mut w.tx, id).await?;
    let starts_later = now.form.starts_at.is_some_and(|start| start > w.tx.now());
    let action = match (body.status.as_str(), now.status) {
        ("active", Status::Draft) if starts_later => Action::Schedule,
        ("active", Status::Draft) => Action::Launch,
        ("active", _) => Action::Resume,
        ("paused", _) => Action::Pause,
        ("cancelled", _) => Action::Cancel,
        ("archived", _) => Action::Archive,
        _ => return Err(Error::field("status", "Choose one of: active, paused, cancelled, archived.").into()),
    };
    campaigns::act(&mut w.tx, id, action).await?;
    let zone = zone(&mut w.tx).await?;
    let view = view(&mut w.tx, id, &zone).await?;
    w.answer(StatusCode::OK, view, "Done").await
}

/// How far it has come
#[utoipa::path(get, path = "/campaigns/{id}/statistics", operation_id = "campaignStatistics", tag = "campaigns",
    params(("id" = String, Path)), responses((status = 200, body = Done<Statistics>)))]
async fn statistics(who: Who, Path(id): Path<String>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let mut tx = who.begin().await?;
    let p = campaigns::load(&mut tx, id).await?.progress;
    let statistics = Statistics {
        total_contacts: p.contacts,
        finished_contacts: p.finished,
        total_calls: p.calls,
        successful_calls: p.connected,
        voicemail_calls: p.voicemail,
        busy_calls: p.busy,
        no_answer_calls: p.no_answer,
        failed_calls: p.failed,
        calls_in_progress: p.calling,
        talk_seconds: p.talk_seconds,
        avg_duration: duration(p.talk_seconds / p.connected.max(1)),
        spend: p.spent.into(),
    };
    done(statistics, "OK")
}

/// Let an incoming campaign answer a number
#[utoipa::path(post, path = "/campaigns/{id}/did", operation_id = "allocateNumber", tag = "campaigns",
    params(("id" = String, Path)), request_body = Did, responses((status = 200, body = Done<CampaignView>)))]
async fn allocate(Path(id): Path<String>, write: Write<Did>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let (mut w, body) = write.begin().await?;
    w.tx.require(Permission::ManageCampaigns)?;
    let mut form = campaigns::load(&mut w.tx, id).await?.form;
    if !form.is_inbound() {
        return Err(Error::conflict("Only an incoming campaign answers numbers.").into());
    }
    let all = numbers::list(&mut w.tx).await?;
    let number = all.iter().find(|row| row.phone == body.did_number.trim());
    let number = number.ok_or_else(|| Error::field("did_number", "This is none of your numbers."))?.id;
    // It comes first: the contract knows one.
    form.numbers.retain(|one| *one != number);
    form.numbers.insert(0, number);
    campaigns::edit(&mut w.tx, id, &form).await?;
    let zone = zone(&mut w.tx).await?;
    let view = view(&mut w.tx, id, &zone).await?;
    w.answer(StatusCode::OK, view, "Saved").await
}

/// Make a draft with the same settings
#[utoipa::path(post, path = "/campaigns/{id}/duplicate", operation_id = "duplicateCampaign", tag = "campaigns",
    params(("id" = String, Path)), responses((status = 201, body = Done<CampaignView>)))]
async fn duplicate(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let (mut w, _) = write.begin().await?;
    let copy = campaigns::duplicate(&mut w.tx, id).await?;
    let zone = zone(&mut w.tx).await?;
    let view = view(&mut w.tx, copy, &zone).await?;
    w.answer(StatusCode::CREATED, view, "Created").await
}
