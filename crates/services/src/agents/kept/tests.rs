//! Agents at a provider that does as it is told, and at one that does not.

use super::*;
use crate::agents;
use crate::testing::{Someone, World, agent_form};
use async_trait::async_trait;
use model::gateways::{GatewayForm, ProviderKind};
use providers::scripted::Script;
use providers::{AgentSeen, ProviderError, RemoteAgent, Voice, Voices};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Keeps agents as they were sent. What it is to refuse is taken from the front.
#[derive(Default)]
struct Keeper {
    kept: Mutex<Vec<AgentSpec>>,
    refuses_to_publish: Mutex<VecDeque<ProviderError>>,
    voices: Mutex<Option<ProviderError>>,
}

fn away() -> ProviderError {
    ProviderError::Unreachable("connection reset".to_owned())
}

impl Keeper {
    fn at(&self, id: &str) -> Option<AgentSpec> {
        self.kept.lock().expect("kept").get(id.parse::<usize>().ok()?).cloned()
    }
}

#[async_trait]
impl Agents for Keeper {
    async fn create(&self, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        let mut kept = self.kept.lock().expect("kept");
        kept.push(spec.clone());
        Ok(RemoteAgent::new((kept.len() - 1).to_string()))
    }
    async fn update(&self, id: &str, spec: &AgentSpec) -> Result<RemoteAgent, ProviderError> {
        self.kept.lock().expect("kept")[id.parse::<usize>().expect("an id of ours")] = spec.clone();
        Ok(RemoteAgent::new(id))
    }
    async fn publish(&self, _: &RemoteAgent) -> Result<(), ProviderError> {
        self.refuses_to_publish.lock().expect("list").pop_front().map_or(Ok(()), Err)
    }
    async fn read(&self, agent: &RemoteAgent) -> Result<Option<AgentSeen>, ProviderError> {
        Ok(self.at(&agent.id).map(|spec| AgentSeen { agent: agent.clone(), is_published: true, spec }))
    }
    async fn remove(&self, _: &str) -> Result<(), ProviderError> {
        Ok(())
    }
}

#[async_trait]
impl Voices for Keeper {
    async fn list(&self) -> Result<Vec<Voice>, ProviderError> {
        match self.voices.lock().expect("voices").clone() {
            Some(error) => Err(error),
            None => {
                let sarah = |id: &str| Voice {
                    id: id.into(),
                    name: "Sarah".into(),
                    languages: Vec::new(),
                    gender: None,
                    preview_url: None,
                };
                Ok(vec![sarah("first"), sarah("second")])
            }
        }
    }
}

impl Script for Keeper {
    fn agents(&self) -> Option<&dyn Agents> {
        Some(self)
    }
    fn voices(&self) -> Option<&dyn Voices> {
        Some(self)
    }
}

/// A company with an account that keeps agents, and an agent published here.
struct Desk {
    w: World,
    acme: Someone,
    gateway: GatewayId,
    agent: AgentId,
    keeper: Arc<Keeper>,
}

impl Desk {
    async fn new() -> Self {
        Self::with(|_, form| form).await
    }

    async fn with(edit: impl FnOnce(GatewayId, AgentForm) -> AgentForm) -> Self {
        let w = World::new().await;
        let acme = w.company("acme").await;
        let mut tx = w.tx(&acme).await;
        let form = GatewayForm {
            name: "Theirs".into(),
            kind: ProviderKind::ElevenLabs,
            secret: "sk_live_0123456789abcdef".into(),
            concurrency_max: 5,
            calls_per_second: 1,
            sandbox: false,
            ..GatewayForm::default()
        };
        let gateway = gateways::create(&mut tx, &form).await.expect("connected");
        let now = tx.now();
        sqlx::query("update gateways set set_up_at = $2 where id = $1")
            .bind(gateway)
            .bind(now)
            .execute(tx.conn())
            .await
            .expect("set up");
        let agent = agents::create(&mut tx, &edit(gateway, agent_form())).await.expect("agent");
        agents::publish(&mut tx, agent).await.expect("published");
        tx.commit().await.expect("commit");
        Self { w, acme, gateway, agent, keeper: Arc::default() }
    }

    fn network(&self) -> Network {
        Network::scripted(self.keeper.clone())
    }

    async fn run(&self) -> anyhow::Result<()> {
        let job = PublishAgent { company: self.acme.company, agent: self.agent, gateway: self.gateway };
        job.publish(&self.w.db, &self.network()).await
    }

    async fn row(&self) -> KeptAgent {
        let mut tx = self.w.tx(&self.acme).await;
        of_agent(&mut tx, self.agent).await.expect("rows").remove(0)
    }

    async fn publish_anew(&self, tone: &str) {
        let mut tx = self.w.tx(&self.acme).await;
        agents::edit(&mut tx, self.agent, &AgentForm { tone: tone.into(), ..agent_form() }).await.expect("edited");
        agents::publish(&mut tx, self.agent).await.expect("published");
        tx.commit().await.expect("commit");
    }
}

#[tokio::test]
async fn an_agent_that_was_made_but_not_published_is_not_made_again() {
    let desk = Desk::new().await;
    desk.keeper.refuses_to_publish.lock().expect("list").extend([away(), away()]);
    for _ in 0..2 {
        desk.run().await.expect_err("comes again");
        assert_eq!(desk.row().await.keeping, Keeping::Pending);
    }
    desk.run().await.expect("published");
    assert_eq!((desk.row().await.keeping, desk.keeper.kept.lock().expect("kept").len()), (Keeping::Ready, 1));
    // A job of an earlier request finds nothing to do, and does not ask the provider.
    desk.keeper.refuses_to_publish.lock().expect("list").push_back(away());
    desk.run().await.expect("nothing to do");
    assert_eq!(desk.keeper.refuses_to_publish.lock().expect("list").len(), 1);
}

#[tokio::test]
async fn a_version_that_is_refused_while_a_newer_one_waits_fails_nothing() {
    let desk = Desk::new().await;
    let job = PublishAgent { company: desk.acme.company, agent: desk.agent, gateway: desk.gateway };
    desk.publish_anew("Brisk").await;
    job.failed(&desk.w.db, 1, "no such language", false).await.expect("noted");
    assert_eq!(desk.row().await.keeping, Keeping::Pending, "version 2 is on its way");
    job.failed(&desk.w.db, 2, "no such language", false).await.expect("noted");
    assert_eq!((desk.row().await.keeping, desk.row().await.problem), (Keeping::Failed, "no such language".to_owned()));
    let mut tx = desk.w.tx(&desk.acme).await;
    let gateway = dialer::gateway_for_reading(&mut tx, desk.gateway).await.expect("gateway");
    let agent = published_agent(&mut tx, desk.agent).await.expect("agent").expect("published");
    assert_eq!(speaker(&mut tx, &gateway, &agent).await.expect("speaker"), Speaker::Failed("no such language".into()));
    publish_again(&mut tx, desk.agent, desk.gateway).await.expect("again");
    assert_eq!(speaker(&mut tx, &gateway, &agent).await.expect("speaker"), Speaker::Pending);
}

#[tokio::test]
async fn what_somebody_changes_there_is_seen_until_it_is_published_again() {
    let desk = Desk::new().await;
    desk.run().await.expect("published");
    let network = desk.network();
    let compare = || compare_by(&desk.w.db, &network, &desk.acme.actor, desk.agent);
    compare().await.expect("compared");
    assert!(!desk.row().await.drifted);
    desk.keeper.kept.lock().expect("kept")[0].prompt.push_str(" Sell harder.");
    compare().await.expect("compared");
    assert!(desk.row().await.drifted);
    let mut tx = desk.w.tx(&desk.acme).await;
    publish_again(&mut tx, desk.agent, desk.gateway).await.expect("again");
    tx.commit().await.expect("commit");
    desk.run().await.expect("published");
    compare().await.expect("compared");
    assert!(!desk.row().await.drifted);
    assert!(!desk.keeper.at("0").expect("kept").prompt.contains("Sell harder"));
}

#[tokio::test]
async fn the_voice_that_was_chosen_speaks_and_no_other_takes_its_place() {
    let desk = Desk::with(|gateway, form| AgentForm {
        voice_gateway: Some(gateway),
        voice_id: "second".into(),
        voice: "Sarah".into(),
        ..form
    })
    .await;
    *desk.keeper.voices.lock().expect("voices") = Some(away());
    desk.run().await.expect_err("without its voices nothing is published");
    assert!(desk.keeper.kept.lock().expect("kept").is_empty());
    *desk.keeper.voices.lock().expect("voices") = None;
    desk.run().await.expect("published");
    assert_eq!(desk.keeper.at("0").expect("kept").voice.as_deref(), Some("second"));
}

#[tokio::test]
async fn what_a_long_trouble_left_behind_is_asked_for_at_night() {
    let desk = Desk::new().await;
    let waiting = async || -> i64 {
        sqlx::query_scalar("select count(*) from apalis.jobs where job_type = $1")
            .bind(PublishAgent::QUEUE)
            .fetch_one(desk.w.db.system_pool())
            .await
            .expect("count")
    };
    let before = waiting().await;
    publish_stuck(&desk.w.db).await.expect("looked");
    assert_eq!(waiting().await, before + 1);
    desk.run().await.expect("published");
    publish_stuck(&desk.w.db).await.expect("looked");
    assert_eq!(waiting().await, before + 1, "what is there stays");
}

#[tokio::test]
async fn an_account_that_could_not_be_set_up_says_why_nothing_is_said_through_it() {
    let desk = Desk::new().await;
    let mut tx = desk.w.tx(&desk.acme).await;
    sqlx::query("update gateways set set_up_at = null, problem = 'The key may not make webhooks.' where id = $1")
        .bind(desk.gateway)
        .execute(tx.conn())
        .await
        .expect("changed");
    sqlx::query("delete from kept_agents").execute(tx.conn()).await.expect("forgotten");
    let gateway = dialer::gateway_for_reading(&mut tx, desk.gateway).await.expect("gateway");
    let agent = published_agent(&mut tx, desk.agent).await.expect("agent").expect("published");
    let problem = "The key may not make webhooks.".to_owned();
    assert_eq!(speaker(&mut tx, &gateway, &agent).await.expect("speaker"), Speaker::Failed(problem.clone()));
    assert_eq!(gateways::trouble(&mut tx, desk.gateway).await.expect("trouble"), Some(problem));
}

#[test]
fn people_stay_variables_and_the_rest_is_filled_in() {
    let form = AgentForm {
        name: "Nora".into(),
        role: "assistant".into(),
        persona: "Knows {{company}}.".into(),
        tone: String::new(),
        language: "en-US".into(),
        voice: "Adrian".into(),
        voice_gateway: None,
        voice_id: String::new(),
        scripts: model::agents::Scripts {
            greeting: "Hello {{ name }}, {{agent}} of {{company}}{{nope}}.".into(),
            main: "Ask {{name}} of {{contact_company}}.".into(),
            voicemail: String::new(),
            closing: "Bye.".into(),
        },
    };
    let settings = Settings {
        name: "Acme".into(),
        company_type: model::companies::CompanyType::Generic,
        time_zone: "UTC".into(),
        default_region: "US".into(),
        hours: model::time::Hours::always(),
        concurrency_max: 1,
        ring_seconds_max: 30,
        call_minutes_max: 10,
    };
    let spec = spec(&form, &settings, "https://b.example/hooks/retell/1");
    assert_eq!(spec.greeting, "Hello {{name}}, Nora of Acme.");
    assert!(
        spec.prompt.contains("Knows Acme.") && spec.prompt.contains("Ask {{name}} of {{contact_company}}."),
        "{}",
        spec.prompt
    );
    assert!(!spec.prompt.contains("Your tone"), "what is empty has no title");
    assert_eq!((spec.voicemail, spec.talk_seconds_max), (None, 600));
    assert_eq!(spec.variables.get("agent").map(String::as_str), Some("Nora"));
}
