//! Agents kept at providers that hold the conversation themselves: made, changed and published there by a job, and compared
//! with what we published. Calls go through a gateway only with the version that is there.

use super::knowledge::{self, Shelf, Trouble};
use super::{Listener, missing, repo};
use crate::actor::{Actor, SystemTask};
use crate::calls;
use crate::campaigns::repo::published_agent;
use crate::db::{Db, Tx};
use crate::dialer::{self, Network, Provider, PublishedAgent};
use crate::error::Result;
use crate::gateways;
use crate::jobs::Job;
use anyhow::Context;
use chrono::TimeDelta;
use model::accounts::Permission;
use model::agents::{AgentForm, fill};
use model::campaigns::Parked;
use model::companies::Settings;
use model::events::Topic;
use model::gateways::{Keeping, KeptAgent};
use model::id::{AgentId, CompanyId, GatewayId};
use providers::{AgentSpec, Agents, ProviderError, RemoteAgent};
use std::collections::BTreeMap;
use std::time::Duration;

/// One job talks to the provider about an agent for this long at most.
const CLAIM: TimeDelta = TimeDelta::minutes(2);
/// Between two looks at a document that the provider still reads.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest problem kept.
const PROBLEM_MAX: usize = 500;

/// Who talks in a call through a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The provider reads our script, or the account names who talks.
    Anyone,
    /// This agent, kept there in the version that is published here.
    Kept(RemoteAgent),
    /// It is on its way there.
    Pending,
    /// It is not there, for this reason.
    Failed(String),
}

/// Who talks for an agent through this gateway.
pub(crate) async fn speaker(tx: &mut Tx, gateway: &dialer::Gateway, agent: &PublishedAgent) -> Result<Speaker> {
    if !gateway.kind.keeps_agents() {
        return Ok(Speaker::Anyone);
    }
    let (agent, version, _) = agent;
    type Row = (Keeping, i32, Option<String>, Option<String>, String);
    let row: Option<Row> = sqlx::query_as(
        "select keeping, version, remote_id, remote_version, problem from kept_agents where agent_id = $1 and gateway_id = $2",
    )
    .bind(agent)
    .bind(gateway.id)
    .fetch_optional(tx.conn())
    .await?;
    Ok(match row {
        Some((Keeping::Ready, there, Some(id), remote_version, _)) if there == *version => {
            Speaker::Kept(RemoteAgent { id, version: remote_version })
        }
        Some((Keeping::Failed, .., problem)) => Speaker::Failed(problem),
        Some(_) => Speaker::Pending,
        None => {
            // Published while the gateway was set up, each missing the other; before that, its own set-up will do it.
            if gateways::repo::keepers(tx).await?.contains(&gateway.id) {
                publish_at(tx, *agent, gateway.id).await?;
                return Ok(Speaker::Pending);
            }
            match gateways::problem(tx, gateway.id).await? {
                Some(problem) => Speaker::Failed(problem),
                None => Speaker::Pending,
            }
        }
    })
}

/// An agent as it is kept at a gateway, in whatever version: a call that was taken goes on with it.
pub(crate) async fn there(tx: &mut Tx, gateway: &dialer::Gateway, agent: AgentId) -> Result<Option<RemoteAgent>> {
    let row: Option<(Option<String>, Option<String>)> =
        sqlx::query_as("select remote_id, remote_version from kept_agents where agent_id = $1 and gateway_id = $2")
            .bind(agent)
            .bind(gateway.id)
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.and_then(|(id, version)| Some(RemoteAgent { id: id?, version })))
}

/// What an agent at a provider knows of the person it talks to.
pub(crate) fn variables(agent: &AgentForm, to: &Listener) -> BTreeMap<String, String> {
    let told = [
        ("name", to.name.clone().unwrap_or_default()),
        ("contact_company", to.contact_company.clone()),
        ("company", to.company.clone()),
        ("agent", agent.name.clone()),
    ];
    told.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The agent as it should be at a provider. Names of people stay variables.
fn spec(agent: &AgentForm, settings: &Settings, hook: &str) -> AgentSpec {
    let ours = |text: &str| {
        fill(text, |variable| match variable {
            "company" => Some(settings.name.clone()),
            "agent" => Some(agent.name.clone()),
            "name" | "contact_company" => Some(format!("{{{{{variable}}}}}")),
            _ => None,
        })
    };
    let mut prompt = format!("You are {}, {} of {}, on the phone with {{{{name}}}}.", agent.name, agent.role, settings.name);
    for (title, text) in [
        ("About you", &agent.persona),
        ("Your tone", &agent.tone),
        ("What to say and to reach", &agent.scripts.main),
        ("Before you say goodbye", &agent.scripts.closing),
    ] {
        if !text.trim().is_empty() {
            prompt.push_str(&format!("\n\n{title}:\n{}", ours(text.trim())));
        }
    }
    let seconds = |n: i32| u32::try_from(n).unwrap_or(30);
    let unknown = Listener { name: None, contact_company: String::new(), company: settings.name.clone() };
    AgentSpec {
        name: format!("{} ({})", agent.name.trim(), settings.name),
        prompt,
        greeting: ours(agent.scripts.greeting.trim()),
        language: agent.language.clone(),
        voice: None,
        model: None,
        voicemail: Some(ours(agent.scripts.voicemail.trim())).filter(|text| !text.is_empty()),
        talk_seconds_max: seconds(settings.call_minutes_max) * 60,
        ring_seconds_max: seconds(settings.ring_seconds_max),
        knowledge: Vec::new(),
        opt_out: Some(calls::OPTED_OUT.to_owned()),
        fields: Vec::new(),
        variables: variables(agent, &unknown),
        callback_url: hook.to_owned(),
    }
}

/// Publishes an agent at every gateway that keeps agents, after this commit.
pub(super) async fn publish_everywhere(tx: &mut Tx, agent: AgentId) -> Result<()> {
    for gateway in gateways::repo::keepers(tx).await? {
        publish_at(tx, agent, gateway).await?;
    }
    Ok(())
}

/// Publishes every published agent of the company at a gateway, if it keeps agents, after this commit.
pub(crate) async fn publish_all(tx: &mut Tx, gateway: GatewayId) -> Result<()> {
    if !gateways::repo::keepers(tx).await?.contains(&gateway) {
        return Ok(());
    }
    let agents: Vec<AgentId> =
        sqlx::query_scalar("select id from agents where status = 'published' order by id").fetch_all(tx.conn()).await?;
    for agent in agents {
        publish_at(tx, agent, gateway).await?;
    }
    Ok(())
}

/// Publishes an agent at a gateway after this commit; calls wait for it.
async fn publish_at(tx: &mut Tx, agent: AgentId, gateway: GatewayId) -> Result<()> {
    sqlx::query(
        "insert into kept_agents (agent_id, gateway_id, keeping) values ($1, $2, 'pending')
         on conflict (company_id, agent_id, gateway_id) do update set keeping = 'pending', problem = ''",
    )
    .bind(agent)
    .bind(gateway)
    .execute(tx.conn())
    .await?;
    let job = PublishAgent { company: tx.actor().company(), agent, gateway };
    tx.enqueue(&job).await
}

/// How an agent stands at each gateway that keeps agents.
///
/// # Errors
/// `Forbidden` without `ViewAgents`; `NotFound`.
pub async fn of_agent(tx: &mut Tx, id: AgentId) -> Result<Vec<KeptAgent>> {
    tx.require(Permission::ViewAgents)?;
    repo::find(tx, id).await?.ok_or_else(missing)?;
    gateways::repo::kept(tx, None, Some(id)).await
}

/// Publishes an agent again where it failed or was changed by somebody else.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`; `Conflict` while it has no published version.
pub async fn publish_again(tx: &mut Tx, agent: AgentId, gateway: GatewayId) -> Result<()> {
    tx.require(Permission::ManageAgents)?;
    repo::find(tx, agent).await?.ok_or_else(missing)?;
    if !gateways::repo::keepers(tx).await?.contains(&gateway) {
        return Err(model::Error::not_found("gateway").into());
    }
    if published_agent(tx, agent).await?.is_none() {
        return Err(model::Error::conflict("Publish the agent first.").into());
    }
    publish_at(tx, agent, gateway).await
}

/// Makes an agent at a provider what it is here.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct PublishAgent {
    company: CompanyId,
    agent: AgentId,
    gateway: GatewayId,
}

/// The agent as it shall be there.
struct Wanted {
    version: i32,
    spec: AgentSpec,
    /// What its voice is called here.
    voice: String,
    knows: knowledge::Known,
}

/// What a job works with.
struct Work {
    provider: Provider,
    gateway: dialer::Gateway,
    /// `None` when the agent is archived: then it goes there too.
    wanted: Option<Wanted>,
    remote: Option<String>,
    /// How many times faster its phones live.
    speed: u32,
}

impl Job for PublishAgent {
    const QUEUE: &'static str = "agents.publish.v1";
    const ATTEMPTS_MAX: i32 = 8;
    const SECONDS_MAX: u64 = 90;

    async fn run(self, db: Db) -> anyhow::Result<()> {
        self.publish(&db, &Network::shared()?).await
    }
}

impl PublishAgent {
    async fn publish(self, db: &Db, network: &Network) -> anyhow::Result<()> {
        let Some(mut work) = self.begin(db, network).await? else { return Ok(()) };
        let agents = work.provider.agents().context("this gateway keeps no agents")?;
        let shelf = Shelf { db, company: self.company, agent: self.agent, gateway: self.gateway };
        let Some(wanted) = work.wanted.take() else {
            if let Some(id) = &work.remote {
                agents.remove(id).await?;
            }
            if let Some(library) = work.provider.knowledge() {
                shelf.keep_only(library, &[]).await?;
            }
            return Ok(self.forget(db).await?);
        };
        let version = wanted.version;
        match self.hand_over(&work, &shelf, wanted).await {
            Ok((remote, spec, fingerprint)) => {
                self.done(db, version, &remote, &fingerprint).await?;
                // The agent there names only these from now on. What cannot be taken away now goes with the next publishing.
                if let Some(library) = work.provider.knowledge()
                    && let Err(error) = shelf.keep_only(library, &spec.knowledge).await
                {
                    tracing::warn!(agent = %self.agent, gateway = %self.gateway, %error, "what it no longer knows stays there");
                }
                Ok(())
            }
            Err(trouble) => {
                let is_transient = trouble.is_transient();
                self.failed(db, version, &trouble.told(work.gateway.kind), is_transient).await?;
                if is_transient { Err(trouble.into()) } else { Ok(()) }
            }
        }
    }

    /// Everything that goes there: what the agent knows, the agent, and that calls get it. Returns it as the provider shows it.
    async fn hand_over(
        &self,
        work: &Work,
        shelf: &Shelf<'_>,
        wanted: Wanted,
    ) -> Result<(RemoteAgent, AgentSpec, String), Trouble> {
        let Wanted { mut spec, voice, knows, .. } = wanted;
        let agents = work.provider.agents().ok_or(ProviderError::Unsupported("this gateway keeps no agents"))?;
        spec.voice = voice_of(&work.provider, &voice).await?;
        if let Some(library) = work.provider.knowledge() {
            spec.knowledge = shelf.put(library, knows, PAUSE / work.speed).await?;
        }
        let (made, is_new) = make(agents, work.remote.as_deref(), &spec).await?;
        if is_new {
            // Before anything else can fail: the next try finds it there instead of making another.
            self.note(shelf.db, &made.id).await?;
        }
        agents.publish(&made).await?;
        let seen = agents.read(&made).await?.ok_or_else(|| ProviderError::Malformed("the agent is not there".to_owned()))?;
        Ok((made, spec, seen.spec.fingerprint()))
    }

    /// Takes the agent for this job; `None` when there is nothing to do. Another job that has it makes this one wait.
    async fn begin(&self, db: &Db, network: &Network) -> anyhow::Result<Option<Work>> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        let now = tx.now();
        let taken: Option<(Option<String>,)> = sqlx::query_as(
            "update kept_agents set busy_until = $3
             where agent_id = $1 and gateway_id = $2 and keeping = 'pending' and coalesce(busy_until <= $4, true)
             returning remote_id",
        )
        .bind(self.agent)
        .bind(self.gateway)
        .bind(now + CLAIM)
        .bind(now)
        .fetch_optional(tx.conn())
        .await?;
        let Some((remote,)) = taken else {
            let is_wanted: bool = sqlx::query_scalar(
                "select exists (select 1 from kept_agents where agent_id = $1 and gateway_id = $2 and keeping = 'pending')",
            )
            .bind(self.agent)
            .bind(self.gateway)
            .fetch_one(tx.conn())
            .await?;
            anyhow::ensure!(!is_wanted, "another job publishes this agent");
            return Ok(None); // done by the job of an earlier request
        };
        let gateway = dialer::gateway_for_reading(&mut tx, self.gateway).await?;
        let settings = crate::companies::settings(&mut tx).await?;
        let hook = gateway.hook(tx.config());
        let speed = u32::try_from(gateway.speed(tx.config())).unwrap_or(1).max(1);
        let wanted = match published_agent(&mut tx, self.agent).await? {
            Some((_, version, form)) => Some(Wanted {
                version,
                spec: spec(&form, &settings, &hook),
                voice: voice_at(&form, self.gateway),
                knows: knowledge::of_version(&mut tx, self.agent, version).await?,
            }),
            None => None,
        };
        tx.commit().await?;
        Ok(Some(Work { provider: network.provider(&gateway), gateway, wanted, remote, speed }))
    }

    async fn done(&self, db: &Db, version: i32, remote: &RemoteAgent, fingerprint: &str) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        let now = tx.now();
        // Somebody may have published a newer version meanwhile: then its own job follows, and calls wait for it.
        sqlx::query(
            "update kept_agents k set version = $3, remote_id = $4, remote_version = $5, fingerprint = $6, drifted = false,
                    problem = '', busy_until = null, published_at = $7, keeping = case when a.version = $3 then 'ready' else 'pending' end
             from agents a where a.id = k.agent_id and k.agent_id = $1 and k.gateway_id = $2",
        )
        .bind(self.agent)
        .bind(self.gateway)
        .bind(version)
        .bind(&remote.id)
        .bind(&remote.version)
        .bind(fingerprint)
        .bind(now)
        .execute(tx.conn())
        .await?;
        // Their numbers ring for it from now on, also those whose campaign was launched while it was not there.
        let numbers = gateways::repo::answered_by_agent(&mut tx, self.gateway, self.agent).await?;
        gateways::bind_numbers(&mut tx, &numbers).await?;
        dialer::wake_parked(&mut tx, Parked::Agent).await?;
        crate::events::notice(&mut tx, Topic::Agents).await?;
        tx.commit().await
    }

    /// Keeps the id of an agent that was just made.
    async fn note(&self, db: &Db, remote: &str) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        sqlx::query("update kept_agents set remote_id = $3 where agent_id = $1 and gateway_id = $2")
            .bind(self.agent)
            .bind(self.gateway)
            .bind(remote)
            .execute(tx.conn())
            .await?;
        tx.commit().await
    }

    /// A version that could not be published. What was published here meanwhile has a job of its own, which comes again.
    async fn failed(&self, db: &Db, version: i32, problem: &str, comes_again: bool) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        sqlx::query(
            "update kept_agents k set problem = $4, busy_until = null,
                    keeping = case when a.version = $5 then $3 else 'pending' end
             from agents a where a.id = k.agent_id and k.agent_id = $1 and k.gateway_id = $2",
        )
        .bind(self.agent)
        .bind(self.gateway)
        .bind(if comes_again { Keeping::Pending } else { Keeping::Failed })
        .bind(problem.chars().take(PROBLEM_MAX).collect::<String>())
        .bind(version)
        .execute(tx.conn())
        .await?;
        dialer::wake_parked(&mut tx, Parked::Agent).await?;
        crate::events::notice(&mut tx, Topic::Agents).await?;
        tx.commit().await
    }

    async fn forget(&self, db: &Db) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(self.company)).await?;
        sqlx::query("delete from kept_agents where agent_id = $1 and gateway_id = $2")
            .bind(self.agent)
            .bind(self.gateway)
            .execute(tx.conn())
            .await?;
        tx.commit().await
    }
}

/// What an agent's voice is called at a gateway: chosen among the voices of this very account, or known by its name only.
fn voice_at(form: &AgentForm, gateway: GatewayId) -> String {
    let chosen = form.voice_gateway == Some(gateway) && !form.voice_id.is_empty();
    if chosen { form.voice_id.clone() } else { form.voice.clone() }
}

/// Makes or changes it; with whether it was made.
async fn make(agents: &dyn Agents, remote: Option<&str>, spec: &AgentSpec) -> Result<(RemoteAgent, bool), ProviderError> {
    let known = match remote {
        Some(id) => agents.read(&RemoteAgent::new(id)).await?.map(|_| id),
        None => None,
    };
    Ok(match known {
        Some(id) => (agents.update(id, spec).await?, false),
        None => (agents.create(spec).await?, true),
    })
}

/// The provider's id of the voice with this id or name; its default when there is none.
async fn voice_of(provider: &Provider, wanted: &str) -> Result<Option<String>, ProviderError> {
    let wanted = wanted.trim();
    let Some(voices) = provider.voices().filter(|_| !wanted.is_empty()) else { return Ok(None) };
    let known = voices.list().await?;
    let named = || known.iter().find(|voice| voice.name.eq_ignore_ascii_case(wanted));
    Ok(known.iter().find(|voice| voice.id == wanted).or_else(named).map(|voice| voice.id.clone()))
}

/// Looks at every agent kept at a gateway whether somebody changed it there since we published it. The network sits between
/// two transactions.
///
/// # Errors
/// `Forbidden` without `ManageAgents`; `NotFound`; what the provider answers.
pub async fn compare(db: &Db, actor: &Actor, agent: AgentId) -> Result<()> {
    compare_by(db, &Network::shared()?, actor, agent).await
}

async fn compare_by(db: &Db, network: &Network, actor: &Actor, agent: AgentId) -> Result<()> {
    let mut tx = db.begin(actor).await?;
    tx.require(Permission::ManageAgents)?;
    repo::find(&mut tx, agent).await?.ok_or_else(missing)?;
    type Row = (GatewayId, String, Option<String>, String);
    let kept: Vec<Row> = sqlx::query_as(
        "select gateway_id, remote_id, remote_version, fingerprint from kept_agents
         where agent_id = $1 and keeping = 'ready' and remote_id is not null and fingerprint is not null",
    )
    .bind(agent)
    .fetch_all(tx.conn())
    .await?;
    let mut looks = Vec::new();
    for (gateway, id, version, fingerprint) in kept {
        let gateway = dialer::gateway_for_reading(&mut tx, gateway).await?;
        looks.push((gateway, RemoteAgent { id, version }, fingerprint));
    }
    tx.commit().await?;
    let mut failure = None;
    for (gateway, remote, fingerprint) in looks {
        let provider = network.provider(&gateway);
        let Some(agents) = provider.agents() else { continue };
        // The version that calls get may be newer than ours: somebody published another one.
        let newest = RemoteAgent::new(&remote.id);
        let seen = match agents.read(&newest).await {
            Ok(seen) => seen,
            Err(error) => {
                // The others are looked at all the same.
                failure = Some(gateways::told(gateway.kind, error));
                continue;
            }
        };
        let drifted = seen.is_none_or(|seen| seen.spec.fingerprint() != fingerprint);
        let mut tx = db.begin(actor).await?;
        sqlx::query("update kept_agents set drifted = $4 where agent_id = $1 and gateway_id = $2 and fingerprint = $3")
            .bind(agent)
            .bind(gateway.id)
            .bind(&fingerprint)
            .bind(drifted)
            .execute(tx.conn())
            .await?;
        crate::events::notice(&mut tx, Topic::Agents).await?;
        tx.commit().await?;
    }
    failure.map_or(Ok(()), |told| Err(told.into()))
}

/// Publishes again what a long trouble of the provider left behind.
async fn publish_stuck(db: &Db) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::FindWork).await?;
    let now = tx.now();
    let stuck: Vec<(CompanyId, AgentId, GatewayId)> = sqlx::query_as(
        "select company_id, agent_id, gateway_id from kept_agents where keeping = 'pending' and coalesce(busy_until < $1, true)
         order by 1, 2, 3",
    )
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    for (company, agent, gateway) in stuck {
        let mut tx = db.begin(&Actor::engine(company)).await?;
        publish_at(&mut tx, agent, gateway).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The night's look at all agents that are kept somewhere.
pub(crate) async fn compare_all(db: &Db) -> Result<()> {
    let mut tx = db.begin_system(SystemTask::FindWork).await?;
    let kept: Vec<(CompanyId, AgentId)> =
        sqlx::query_as("select distinct company_id, agent_id from kept_agents where keeping = 'ready' order by 1, 2")
            .fetch_all(tx.conn())
            .await?;
    tx.commit().await?;
    publish_stuck(db).await?;
    for (company, agent) in kept {
        if let Err(error) = compare(db, &Actor::engine(company), agent).await {
            tracing::warn!(%company, %agent, %error, "the agent at its provider could not be looked at");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
