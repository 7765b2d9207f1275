//! The call log, and one call with what was said.

use super::{Money, day, duration, hour, maybe_date};
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, named, word};
use crate::api::envelope::{Answer, Done, Pagination, Refusal, done};
use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use model::Error;
use model::calls::{Call, CallFilter, CallRange, CallRow, Outcome, Sentiment};
use model::id::{CallId, CampaignId};
use serde::{Deserialize, Serialize};
use services::Tx;
use services::calls::{self, Narrower};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(load))
        .routes(routes!(transcript))
        .routes(routes!(recording))
        .routes(routes!(keywords))
        .routes(routes!(summary))
        .routes(routes!(of_campaign))
}

/// How a call stands, in the contract's words and three of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum CallWord {
    Completed,
    NoAnswer,
    Busy,
    Failed,
    /// A machine picked up.
    Voicemail,
    /// It has not ended.
    InProgress,
}

const WORDS: &str = "completed, no-answer, busy, failed, voicemail, in-progress";

impl CallWord {
    fn of(outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self::InProgress,
            Some(Outcome::Completed) => Self::Completed,
            Some(Outcome::NoAnswer) => Self::NoAnswer,
            Some(Outcome::Busy) => Self::Busy,
            Some(Outcome::Voicemail) => Self::Voicemail,
            Some(Outcome::Failed | Outcome::Canceled | Outcome::Rejected | Outcome::Unknown) => Self::Failed,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct CallQuery {
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `completed`, `no-answer`, `busy`, `failed`, `voicemail` or `in-progress`.
    status: Option<String>,
    /// The first day, included.
    date_from: Option<String>,
    /// The last day, included.
    date_to: Option<String>,
    /// `today`, `yesterday`, `last7`, `last15`, `last30`, or `custom` with the days above.
    filter: Option<String>,
    campaign_id: Option<String>,
    /// The start of a phone number.
    search: Option<String>,
}

impl CallQuery {
    fn read(&self) -> Result<(CallFilter, Narrower), Refusal> {
        let (mut filter, mut more) = (CallFilter::default(), Narrower::default());
        filter.paging = Pages::new(self.page, self.limit).paging();
        filter.search = self.search.clone().unwrap_or_default();
        if let Some(id) = self.campaign_id.as_deref().filter(|id| !id.is_empty()) {
            filter.campaign = Some(word("campaignId", id, "the ids of your campaigns")?);
        }
        filter.range = match self.filter.as_deref().unwrap_or("custom") {
            "today" => CallRange::Today,
            "yesterday" => CallRange::Yesterday,
            "last7" => CallRange::Week,
            "last15" => CallRange::Fortnight,
            "last30" => CallRange::Month,
            "custom" | "all" | "" => CallRange::All,
            _ => {
                let words = "Choose one of: today, yesterday, last7, last15, last30, custom.";
                return Err(Error::field("filter", words).into());
            }
        };
        more.first = maybe_date("dateFrom", self.date_from.as_deref())?;
        more.last = maybe_date("dateTo", self.date_to.as_deref())?;
        match self.status.as_deref().unwrap_or_default() {
            "" | "all" => {}
            "in-progress" => filter.live = true,
            "completed" => more.outcomes = vec![Outcome::Completed],
            "no-answer" => more.outcomes = vec![Outcome::NoAnswer],
            "busy" => more.outcomes = vec![Outcome::Busy],
            "voicemail" => more.outcomes = vec![Outcome::Voicemail],
            "failed" => more.outcomes = vec![Outcome::Failed, Outcome::Canceled, Outcome::Rejected, Outcome::Unknown],
            _ => return Err(Error::field("status", format!("Choose one of: {WORDS}.")).into()),
        }
        Ok((filter, more))
    }
}

#[derive(Serialize, ToSchema, Clone)]
#[serde(rename_all = "camelCase")]
struct CallView {
    id: String,
    /// `outbound` or `inbound`.
    direction: String,
    /// Masked without the scope `phones`.
    phone_number: String,
    contact_name: String,
    /// `YYYY-MM-DD`, where the company is.
    date: String,
    /// `09:15 AM`, where the company is.
    time: String,
    #[schema(format = DateTime)]
    started_at: String,
    /// `5:23`
    duration: String,
    status: CallWord,
    /// Nothing until it is settled.
    spend: Option<Money>,
    /// `positive`, `neutral` or `negative`, as far as it was judged.
    disposition_type: Option<String>,
    recommended_action: Option<String>,
    /// `qualified` or `not-qualified`, as far as it was judged.
    lead_qualification: Option<String>,
}

impl CallView {
    fn new(row: CallRow, sentiment: Option<Sentiment>, successful: Option<bool>) -> Self {
        Self {
            id: row.id.to_string(),
            direction: row.direction.to_string(),
            phone_number: row.phone,
            contact_name: row.contact_name,
            date: day(row.started_at),
            time: hour(row.started_at),
            started_at: super::instant(row.started_at.at),
            duration: duration(row.talk_seconds),
            status: CallWord::of(row.state.outcome),
            spend: row.cost.map(Money::from),
            disposition_type: sentiment.map(|s| s.to_string()),
            recommended_action: None,
            lead_qualification: successful.map(|yes| if yes { "qualified" } else { "not-qualified" }.to_owned()),
        }
    }
}

/// One page of calls. `calls` repeats `data` for older clients.
#[derive(Serialize, ToSchema)]
struct CallsListed {
    success: bool,
    data: Vec<CallView>,
    calls: Vec<CallView>,
    pagination: Pagination,
}

#[derive(Serialize, ToSchema)]
struct Turn {
    speaker: String,
    text: String,
    /// From the begin of the conversation, where the provider says so.
    seconds: Option<i32>,
}

#[derive(Serialize, ToSchema)]
struct Recording {
    /// Plays it for two to three hours, without a key.
    url: Option<String>,
    seconds: Option<i32>,
    /// `waiting`, `kept` or `lost`.
    status: String,
}

#[derive(Serialize, ToSchema)]
struct InCampaign {
    id: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CallDetail {
    #[serde(flatten)]
    call: CallView,
    /// For whoever may listen: the first recording that is kept.
    recording_url: Option<String>,
    transcript: Vec<Turn>,
    transcription_summary: String,
    /// What was found out, by name.
    keywords: BTreeMap<String, String>,
    sentiment: Option<String>,
    next_action: Option<String>,
    campaign: Option<InCampaign>,
}

fn turns(call: &Call) -> Vec<Turn> {
    call.transcript
        .iter()
        .map(|turn| Turn { speaker: turn.speaker.clone(), text: turn.text.clone(), seconds: turn.seconds })
        .collect()
}

fn found(call: &Call) -> BTreeMap<String, String> {
    call.found.iter().cloned().collect()
}

async fn page(mut tx: Tx, filter: &CallFilter, more: &Narrower) -> Answer {
    let page = calls::search(&mut tx, filter, more).await?;
    let ids: Vec<CallId> = page.items.iter().map(|row| row.id).collect();
    let mut judged: BTreeMap<_, _> = calls::judged(&mut tx, &ids)
        .await?
        .into_iter()
        .map(|(id, sentiment, successful)| (id, (sentiment, successful)))
        .collect();
    let page = page.map(|row| {
        let (sentiment, successful) = judged.remove(&row.id).unwrap_or_default();
        CallView::new(row, sentiment, successful)
    });
    let pagination = Pagination::of(&page);
    Ok(Json(CallsListed { success: true, calls: page.items.clone(), data: page.items, pagination }).into_response())
}

async fn call(who: &Who, id: &str) -> Result<Call, Refusal> {
    let id: CallId = named("call", id)?;
    let mut tx = who.begin().await?;
    Ok(calls::load(&mut tx, id).await?)
}

/// List calls, the newest first
#[utoipa::path(get, path = "/calls", operation_id = "listCalls", tag = "calls", params(CallQuery),
    responses((status = 200, body = CallsListed)))]
async fn list(who: Who, Asked(query): Asked<CallQuery>) -> Answer {
    let (filter, more) = query.read()?;
    page(who.begin().await?, &filter, &more).await
}

/// List the calls of a campaign
#[utoipa::path(get, path = "/campaigns/{id}/calls", operation_id = "listCampaignCalls", tag = "campaigns",
    params(("id" = String, Path), CallQuery), responses((status = 200, body = CallsListed)))]
async fn of_campaign(who: Who, Path(id): Path<String>, Asked(query): Asked<CallQuery>) -> Answer {
    let id: CampaignId = named("campaign", &id)?;
    let (filter, more) = query.read()?;
    let mut tx = who.begin().await?;
    services::campaigns::load(&mut tx, id).await?;
    page(tx, &CallFilter { campaign: Some(id), ..filter }, &more).await
}

/// One call
#[utoipa::path(get, path = "/calls/{id}", operation_id = "call", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = Done<CallDetail>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let call = call(&who, &id).await?;
    let detail = CallDetail {
        recording_url: call.recordings.iter().find_map(|r| r.link.clone()),
        transcript: turns(&call),
        keywords: found(&call),
        transcription_summary: call.summary.clone(),
        sentiment: call.sentiment.map(|s| s.to_string()),
        next_action: None,
        campaign: call.row.campaign.clone().map(|(id, name)| InCampaign { id: id.to_string(), name }),
        call: CallView::new(call.row, call.sentiment, call.successful),
    };
    done(detail, "OK")
}

/// What was said
#[utoipa::path(get, path = "/calls/{id}/transcript", operation_id = "transcript", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = Done<Vec<Turn>>)))]
async fn transcript(who: Who, Path(id): Path<String>) -> Answer {
    done(turns(&call(&who, &id).await?), "OK")
}

/// Links to the recordings
///
/// Empty without the scope `recordings`.
#[utoipa::path(get, path = "/calls/{id}/recording", operation_id = "recording", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = Done<Vec<Recording>>)))]
async fn recording(who: Who, Path(id): Path<String>) -> Answer {
    let call = call(&who, &id).await?;
    let recording = |r: model::calls::RecordingRow| Recording { url: r.link, seconds: r.seconds, status: r.keeping.to_string() };
    done(call.recordings.into_iter().map(recording).collect::<Vec<_>>(), "OK")
}

/// What was found out
#[utoipa::path(get, path = "/calls/{id}/keywords", operation_id = "keywords", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = Done<BTreeMap<String, String>>)))]
async fn keywords(who: Who, Path(id): Path<String>) -> Answer {
    done(found(&call(&who, &id).await?), "OK")
}

/// What it came to
#[utoipa::path(get, path = "/calls/{id}/summary", operation_id = "summary", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = Done<String>)))]
async fn summary(who: Who, Path(id): Path<String>) -> Answer {
    done(call(&who, &id).await?.summary, "OK")
}
