//! AI voice agents: made from templates or from nothing, edited as drafts, published as versions that calls
//! remember.

pub mod kept;
pub mod knowledge;
mod repo;
mod templates;
#[cfg(test)]
mod tests;

use crate::SystemTask;
use crate::db::{Db, SystemTx, Tx};
use crate::error::Result;
use crate::speech;
use model::accounts::Permission;
use model::agents::{Agent, AgentFilter, AgentForm, AgentRow, AgentStatus, Template};
use model::events::EventKind;
use model::id::{AgentId, GatewayId, TemplateId};
use model::page::Page;

/// All templates, those for this company's type first.
///
/// # Errors
/// `Forbidden` without `ViewAgents`.
pub async fn templates(tx: &mut Tx) -> Result<Vec<Template>> {
    tx.require(Permission::ViewAgents)?;
    repo::templates(tx).await
}

/// Copies a template into a draft.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`.
pub async fn create_from(tx: &mut Tx, template: TemplateId) -> Result<AgentId> {
    tx.require(Permission::ManageAgents)?;
    let form = repo::template_form(tx, template).await?.ok_or_else(|| model::Error::not_found("template"))?;
    create(tx, &form).await
}

/// Creates a draft.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `Invalid`.
pub async fn create(tx: &mut Tx, form: &AgentForm) -> Result<AgentId> {
    tx.require(Permission::ManageAgents)?;
    form.check()?;
    speech::check_voice(tx, form).await?;
    let id = tx.id();
    repo::insert(tx, id, form).await?;
    tx.record(EventKind::AgentCreated, Some(id.to_string()), form.name.trim()).await?;
    Ok(id)
}

/// One agent, archived ones too.
///
/// # Errors
/// `Forbidden` without `ViewAgents`; `NotFound`.
pub async fn load(tx: &mut Tx, id: AgentId) -> Result<Agent> {
    tx.require(Permission::ViewAgents)?;
    let row = repo::find(tx, id).await?.ok_or_else(missing)?;
    Ok(Agent { id, status: row.status, version: row.version, form: row.form.0, updated_at: tx.moment(row.updated_at) })
}

/// Changes the form. Calls go on with the last published version until the next [`publish`].
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`; `Invalid`; `Conflict` when archived.
pub async fn edit(tx: &mut Tx, id: AgentId, form: &AgentForm) -> Result<()> {
    tx.require(Permission::ManageAgents)?;
    form.check()?;
    speech::check_voice(tx, form).await?;
    lock_usable(tx, id).await?;
    repo::update(tx, id, form).await?;
    tx.record(EventKind::AgentChanged, Some(id.to_string()), form.name.trim()).await
}

/// Gives the draft a voice of an account that speaks, or with an empty one the telephone provider's own. What providers that hold
/// the conversation themselves are told (`AgentForm::voice`) stays.
///
/// # Errors
/// As [`edit`].
pub async fn choose_voice(tx: &mut Tx, id: AgentId, gateway: Option<GatewayId>, voice: &str) -> Result<()> {
    tx.require(Permission::ManageAgents)?;
    let form = lock_usable(tx, id).await?.form.0;
    let form = AgentForm { voice_gateway: gateway, voice_id: voice.to_owned(), ..form };
    edit(tx, id, &form).await
}

/// Makes the form as it is, with what the agent knows, the next version. Publishing an unchanged agent again changes nothing.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`; `Conflict` when archived.
pub async fn publish(tx: &mut Tx, id: AgentId) -> Result<()> {
    tx.require(Permission::ManageAgents)?;
    let agent = lock_usable(tx, id).await?;
    agent.form.check()?;
    if agent.status == AgentStatus::Published
        && repo::published_form(tx, id, agent.version).await?.as_ref() == Some(&agent.form.0)
        && knowledge::is_published(tx, id, agent.version).await?
    {
        return Ok(());
    }
    let version = agent.version + 1;
    repo::publish(tx, id, version, &agent.form.0).await?;
    knowledge::publish(tx, id, version).await?;
    kept::publish_everywhere(tx, id).await?;
    tx.record(EventKind::AgentPublished, Some(id.to_string()), format!("{}, version {version}", agent.form.name.trim())).await
}

/// Takes an agent out of use. Doing it twice changes nothing.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`; `Conflict` while a campaign may call with it.
pub async fn archive(tx: &mut Tx, id: AgentId) -> Result<()> {
    tx.require(Permission::ManageAgents)?;
    // A launch locks the agent too, so that none can begin to use it behind our back.
    let agent = repo::lock(tx, id).await?.ok_or_else(missing)?;
    if agent.status == AgentStatus::Archived {
        return Ok(());
    }
    if let Some(campaign) = repo::campaign_using(tx, id).await? {
        return Err(model::Error::conflict(format!(
            "The campaign “{campaign}” uses this agent. End it or choose another agent there."
        ))
        .into());
    }
    repo::archive(tx, id).await?;
    kept::publish_everywhere(tx, id).await?;
    tx.record(EventKind::AgentArchived, Some(id.to_string()), agent.form.name.trim()).await
}

/// Agents by last change; archived ones only when asked for.
///
/// # Errors
/// `Forbidden` without `ViewAgents`.
pub async fn list(tx: &mut Tx, filter: &AgentFilter) -> Result<Page<AgentRow>> {
    tx.require(Permission::ViewAgents)?;
    let (rows, total) = repo::list(tx, filter).await?;
    let items = rows
        .into_iter()
        .map(|r| AgentRow {
            id: r.id,
            name: r.form.0.name,
            role: r.form.0.role,
            language: r.form.0.language,
            voice: r.form.0.voice,
            status: r.status,
            version: r.version,
            calls: r.calls,
            connect_permille: (r.calls > 0).then(|| r.connected * 1_000 / r.calls),
            updated_at: tx.moment(r.updated_at),
        })
        .collect();
    Ok(Page::new(items, total, filter.paging))
}

/// Writes the templates that ship with Belfry, after the migrations of every release.
///
/// # Errors
/// When the database is away.
pub async fn install_templates(db: &Db) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::Seed).await?;
    seed_templates(&mut tx).await?;
    tx.commit().await
}

/// Writes the templates that ship with Belfry; changed ones are overwritten, agents made from them are not.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn seed_templates(tx: &mut SystemTx) -> Result<()> {
    for (position, template) in (0..).zip(templates::all()) {
        repo::put_template(tx, position, &template).await?;
    }
    Ok(())
}

async fn lock_usable(tx: &mut Tx, id: AgentId) -> Result<repo::Stored> {
    let agent = repo::lock(tx, id).await?.ok_or_else(missing)?;
    if agent.status == AgentStatus::Archived {
        return Err(model::Error::conflict("This agent is archived. Create a new one from it.").into());
    }
    Ok(agent)
}

fn missing() -> model::Error {
    model::Error::not_found("agent")
}

/// Whom a script is filled in for.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    /// `None` for somebody we do not know: then the script goes without a name.
    pub name: Option<String>,
    /// The company the person belongs to.
    pub contact_company: String,
    /// The company that speaks.
    pub company: String,
}

/// What the agent says to this person, with every variable filled in.
pub(crate) fn script(agent: &AgentForm, to: &Listener) -> providers::Script {
    let fill = |text: &str| {
        model::agents::fill(text, |variable| match variable {
            "name" => to.name.clone(),
            "company" => Some(to.company.clone()),
            "agent" => Some(agent.name.clone()),
            "contact_company" => Some(to.contact_company.clone()),
            _ => None,
        })
    };
    providers::Script {
        greeting: fill(&agent.scripts.greeting),
        main: fill(&agent.scripts.main),
        closing: fill(&agent.scripts.closing),
        language: agent.language.clone(),
        voice: None,
        audio: None,
        opt_out_digit: Some(crate::calls::OPT_OUT_DIGIT),
    }
}
