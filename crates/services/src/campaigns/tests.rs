//! Campaigns on a real database. Here: people and campaigns in every state, and how to ask about them.

mod canary;
mod drafts;
mod launch;
mod moves;

use super::*;
use crate::check;
use crate::error::Error;
use crate::testing::{Someone, World};
use crate::{Actor, agents, contacts, events, suppressions};
use chrono::TimeDelta;
use model::accounts::Role;
use model::agents::{AgentForm, Scripts};
use model::campaigns::{Audience, CampaignSort, CheckItem};
use model::contacts::ContactForm;
use model::credits::{Credits, Wallet};
use model::enrollments::EnrollmentFilter;
use model::events::EventFilter;
use model::id::{ContactId, ImportId};
use model::page::Paging;
use model::time::{Hours, Window};

fn agent_form(name: &str) -> AgentForm {
    AgentForm {
        name: name.into(),
        role: "Confirms deliveries".into(),
        persona: String::new(),
        tone: String::new(),
        language: "en-US".into(),
        voice: String::new(),
        voice_gateway: None,
        voice_id: String::new(),
        scripts: Scripts { greeting: "Hello {{name}}".into(), main: "Is ten o'clock fine?".into(), ..Scripts::default() },
    }
}

async fn published_agent(tx: &mut Tx) -> AgentId {
    let agent = agents::create(tx, &agent_form("Ada")).await.expect("agent");
    agents::publish(tx, agent).await.expect("published");
    agent
}

/// A contact in New York, where the test's clock reads Monday 10:00.
async fn contact(tx: &mut Tx, name: &str, phone: &str, segment: &str) -> ContactId {
    let form = ContactForm { name: name.into(), phone: phone.into(), segment: segment.into(), ..ContactForm::default() };
    contacts::create(tx, &form).await.expect("contact")
}

fn spring(agent: AgentId) -> CampaignForm {
    CampaignForm { name: "Spring".into(), audience: Some(Audience::Everyone), agent: Some(agent), ..CampaignForm::default() }
}

/// A draft that lacks nothing: three people, a published agent, open hours, enough credits.
async fn ready(tx: &mut Tx) -> (CampaignId, CampaignForm) {
    for (name, phone) in [("Maya", "+12125550101"), ("Jonas", "+12125550102"), ("Priya", "+12125550103")] {
        contact(tx, name, phone, "vip").await;
    }
    let form = spring(published_agent(tx).await);
    let id = create(tx, &form).await.expect("created");
    (id, form)
}

/// A company whose campaign is in this state, committed.
async fn with_campaign(w: &World, actions: &[Action]) -> (Someone, CampaignId, CampaignForm) {
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (id, form) = ready(&mut tx).await;
    for action in actions {
        act(&mut tx, id, *action).await.expect("lawful");
    }
    tx.commit().await.expect("commit");
    (acme, id, form)
}

fn told<T: std::fmt::Debug>(result: Result<T>) -> model::Error {
    match result.expect_err("this should have been refused") {
        Error::Told(told) => told,
        other => panic!("not meant for people: {other}"),
    }
}

fn why<T: std::fmt::Debug>(result: Result<T>) -> String {
    match told(result) {
        model::Error::Conflict { why } => why,
        other => panic!("not a conflict: {other}"),
    }
}

async fn nothing_is_wrong(w: &World) {
    let report = check::run(&w.db).await.expect("checked");
    assert_eq!(report.violations, Vec::<String>::new());
}

async fn wallet(tx: &mut Tx) -> Wallet {
    credits::wallet(tx).await.expect("wallet")
}

async fn people(tx: &mut Tx, campaign: CampaignId) -> Vec<(String, EnrollmentStatus)> {
    let filter = EnrollmentFilter { campaign, status: None, paging: Paging::default() };
    let page = enrollments::list(tx, &filter).await.expect("people");
    page.items.into_iter().map(|e| (e.name, e.status)).collect()
}

async fn kinds(tx: &mut Tx, about: CampaignId) -> Vec<EventKind> {
    let filter = EventFilter { subject: Some(about.to_string()), ..EventFilter::default() };
    events::list(tx, &filter).await.expect("events").items.into_iter().map(|e| e.kind).collect()
}

async fn failing(tx: &mut Tx, id: CampaignId) -> Vec<CheckItem> {
    let check = launch_check(tx, id).await.expect("check");
    assert_eq!(check.is_ready(), check.items.iter().all(|i| i.ok));
    check.items.into_iter().filter(|i| !i.ok).collect()
}

/// The one thing that is missing: its title, its sentence, and where it is mended.
async fn missing(tx: &mut Tx, id: CampaignId) -> (String, String, Option<String>) {
    let failing = failing(tx, id).await;
    assert_eq!(failing.len(), 1, "{failing:?}");
    let item = failing.into_iter().next().expect("one");
    (item.title, item.detail, item.fix_href)
}
