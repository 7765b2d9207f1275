//! Agents: made, changed, published and taken out of use.

use super::{Nothing, instant};
use crate::api::Api;
use crate::api::door::{Asked, Pages, Who, Write, named, word};
use crate::api::envelope::{Answer, Done, Listed, done, listed};
use axum::extract::Path;
use http::StatusCode;
use model::accounts::Permission;
use model::agents::{Agent, AgentFilter, AgentForm, AgentRow, Scripts};
use model::id::AgentId;
use serde::{Deserialize, Serialize};
use services::{agents, companies};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn paths() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(load, edit, archive)).routes(routes!(publish))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AgentQuery {
    /// The start of the name.
    search: Option<String>,
    /// `draft`, `published` or `archived`.
    status: Option<String>,
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// What it says; `{{name}}`, `{{company}}` and `{{agent}}` are filled in.
#[derive(Serialize, Deserialize, ToSchema, Default)]
#[serde(default)]
struct ScriptsBody {
    greeting: String,
    main: String,
    voicemail: String,
    closing: String,
}

/// An agent, whole or in part.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "Nora", "role": "Appointment reminders", "language": "en-US",
    "scripts": {"greeting": "Hello {{name}}!", "main": "I am calling about your appointment."}}))]
struct AgentBody {
    name: Option<String>,
    role: Option<String>,
    persona: Option<String>,
    tone: Option<String>,
    /// BCP 47, like `en-US`.
    language: Option<String>,
    voice: Option<String>,
    scripts: Option<ScriptsBody>,
}

impl AgentBody {
    fn over(self, mut form: AgentForm) -> AgentForm {
        let texts = [
            (&mut form.name, self.name),
            (&mut form.role, self.role),
            (&mut form.persona, self.persona),
            (&mut form.tone, self.tone),
            (&mut form.language, self.language),
            (&mut form.voice, self.voice),
        ];
        for (to, from) in texts {
            if let Some(text) = from {
                *to = text;
            }
        }
        if let Some(s) = self.scripts {
            form.scripts = Scripts { greeting: s.greeting, main: s.main, voicemail: s.voicemail, closing: s.closing };
        }
        form
    }
}

/// Nothing said yet, in English.
fn empty() -> AgentForm {
    AgentForm {
        name: String::new(),
        role: String::new(),
        persona: String::new(),
        tone: String::new(),
        language: "en-US".to_owned(),
        voice: String::new(),
        scripts: Scripts::default(),
        voice_gateway: None,
        voice_id: String::new(),
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AgentLine {
    id: String,
    name: String,
    role: String,
    language: String,
    voice: String,
    /// `draft`, `published` or `archived`.
    status: String,
    /// Published versions so far.
    version: i32,
    total_calls: i64,
    updated_at: String,
}

impl From<AgentRow> for AgentLine {
    fn from(row: AgentRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            role: row.role,
            language: row.language,
            voice: row.voice,
            status: row.status.to_string(),
            version: row.version,
            total_calls: row.calls,
            updated_at: instant(row.updated_at.at),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AgentView {
    id: String,
    name: String,
    role: String,
    persona: String,
    tone: String,
    language: String,
    voice: String,
    scripts: ScriptsBody,
    status: String,
    version: i32,
    updated_at: String,
}

impl From<Agent> for AgentView {
    fn from(agent: Agent) -> Self {
        let (form, s) = (agent.form.clone(), agent.form.scripts);
        Self {
            id: agent.id.to_string(),
            name: form.name,
            role: form.role,
            persona: form.persona,
            tone: form.tone,
            language: form.language,
            voice: form.voice,
            scripts: ScriptsBody { greeting: s.greeting, main: s.main, voicemail: s.voicemail, closing: s.closing },
            status: agent.status.to_string(),
            version: agent.version,
            updated_at: instant(agent.updated_at.at),
        }
    }
}

/// List agents
#[utoipa::path(get, path = "/agents", operation_id = "listAgents", tag = "agents", params(AgentQuery),
    responses((status = 200, body = Listed<AgentLine>)))]
async fn list(who: Who, Asked(query): Asked<AgentQuery>) -> Answer {
    let status = match query.status.as_deref().unwrap_or_default() {
        "" => None,
        text => Some(word("status", text, "draft, published, archived")?),
    };
    let paging = Pages::new(query.page, query.limit).paging();
    let filter = AgentFilter { search: query.search.unwrap_or_default(), status, paging };
    let mut tx = who.begin().await?;
    listed(agents::list(&mut tx, &filter).await?.map(AgentLine::from))
}

/// Make an agent
///
/// A campaign can use it once it is published.
#[utoipa::path(post, path = "/agents", operation_id = "createAgent", tag = "agents", request_body = AgentBody,
    responses((status = 201, body = Done<AgentView>)))]
async fn create(write: Write<AgentBody>) -> Answer {
    let (mut w, body) = write.begin().await?;
    let language = companies::defaults(&mut w.tx).await?.language;
    let id = agents::create(&mut w.tx, &body.over(AgentForm { language, ..empty() })).await?;
    let agent = agents::load(&mut w.tx, id).await?;
    w.answer(StatusCode::CREATED, AgentView::from(agent), "Created").await
}

/// One agent
#[utoipa::path(get, path = "/agents/{id}", operation_id = "agent", tag = "agents", params(("id" = String, Path)),
    responses((status = 200, body = Done<AgentView>)))]
async fn load(who: Who, Path(id): Path<String>) -> Answer {
    let id: AgentId = named("agent", &id)?;
    let mut tx = who.begin().await?;
    done(AgentView::from(agents::load(&mut tx, id).await?), "OK")
}

/// Change an agent
///
/// Calls go on with the published version until it is published again.
#[utoipa::path(put, path = "/agents/{id}", operation_id = "editAgent", tag = "agents", params(("id" = String, Path)),
    request_body = AgentBody, responses((status = 200, body = Done<AgentView>)))]
async fn edit(Path(id): Path<String>, write: Write<AgentBody>) -> Answer {
    let id: AgentId = named("agent", &id)?;
    let (mut w, body) = write.begin().await?;
    w.tx.require(Permission::ManageAgents)?;
    let old = agents::load(&mut w.tx, id).await?.form;
    agents::edit(&mut w.tx, id, &body.over(old)).await?;
    let agent = agents::load(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, AgentView::from(agent), "Saved").await
}

/// Publish an agent
#[utoipa::path(post, path = "/agents/{id}/publish", operation_id = "publishAgent", tag = "agents", params(("id" = String, Path)),
    responses((status = 200, body = Done<AgentView>)))]
async fn publish(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: AgentId = named("agent", &id)?;
    let (mut w, _) = write.begin().await?;
    agents::publish(&mut w.tx, id).await?;
    let agent = agents::load(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, AgentView::from(agent), "Published").await
}

/// Take an agent out of use
#[utoipa::path(delete, path = "/agents/{id}", operation_id = "archiveAgent", tag = "agents", params(("id" = String, Path)),
    responses((status = 200, body = Done<Nothing>)))]
async fn archive(Path(id): Path<String>, write: Write<serde_json::Value>) -> Answer {
    let id: AgentId = named("agent", &id)?;
    let (mut w, _) = write.begin().await?;
    agents::archive(&mut w.tx, id).await?;
    w.answer(StatusCode::OK, Nothing {}, "Archived").await
}
