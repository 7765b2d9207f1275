//! Agents: templates, drafts, versions, and the archive that respects campaigns.

mod knowledge;

use super::*;
use crate::error::Error;
use crate::testing::World;
use crate::{Actor, SystemTask};
use model::accounts::Role;
use model::agents::Scripts;
use model::companies::CompanyType;
use model::id::CampaignId;
use model::page::Paging;
use sqlx::types::Json;

fn form(name: &str) -> AgentForm {
    AgentForm {
        name: name.into(),
        role: "Confirms orders".into(),
        persona: String::new(),
        tone: "Calm".into(),
        language: "en-US".into(),
        voice: "Polly.Joanna-Neural".into(),
        voice_gateway: None,
        voice_id: String::new(),
        scripts: Scripts { greeting: "Hi {{name}}".into(), main: "Press 9".into(), ..Scripts::default() },
    }
}

async fn seed(w: &World) {
    let mut tx = w.db.begin_system(SystemTask::Seed).await.expect("begin");
    seed_templates(&mut tx).await.expect("seeded");
    tx.commit().await.expect("commit");
}

async fn names(tx: &mut Tx, filter: AgentFilter) -> Vec<String> {
    list(tx, &filter).await.expect("list").items.into_iter().map(|a| a.name).collect()
}

async fn versions(tx: &mut Tx, id: AgentId) -> i64 {
    sqlx::query_scalar("select count(*) from agent_versions where agent_id = $1")
        .bind(id)
        .fetch_one(tx.conn())
        .await
        .expect("count")
}

async fn campaign(tx: &mut Tx, agent: AgentId, status: &'static str) {
    let (id, now): (CampaignId, _) = (tx.id(), tx.now());
    sqlx::query("insert into campaigns (id, name, status, form, agent_id, created_at, updated_at) values ($1, 'Spring', $2, $3, $4, $5, $5)")
        .bind(id)
        .bind(status)
        .bind(Json(model::campaigns::CampaignForm::default()))
        .bind(agent)
        .bind(now)
        .execute(tx.conn())
        .await
        .expect("campaign");
}

#[tokio::test]
async fn templates_are_seeded_once_and_start_with_the_companys_type() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    seed(&w).await;
    seed(&w).await;
    let mut tx = w.tx(&acme).await;
    let all = templates(&mut tx).await.expect("templates");
    assert_eq!(all.len(), templates::all().len());
    assert_eq!(all[0].company_type, CompanyType::Ecommerce);
    sqlx::query("update companies set company_type = 'real_estate'").execute(tx.conn()).await.expect("chosen");
    assert_eq!(templates(&mut tx).await.expect("templates")[0].company_type, CompanyType::RealEstate);
}

#[tokio::test]
async fn a_template_becomes_a_draft_of_its_own() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    seed(&w).await;
    let mut tx = w.tx(&acme).await;
    let template = templates(&mut tx).await.expect("templates").remove(0);
    let id = create_from(&mut tx, template.id).await.expect("created");
    let agent = load(&mut tx, id).await.expect("load");
    assert_eq!((agent.form, agent.status, agent.version), (template.form, AgentStatus::Draft, 0));
    let unknown = create_from(&mut tx, TemplateId::from(id.uuid())).await.expect_err("unknown");
    assert!(matches!(unknown, Error::Told(model::Error::NotFound { .. })));
}

#[tokio::test]
async fn publishing_keeps_each_version_and_an_unchanged_agent_makes_none() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Nora")).await.expect("created");
    for _ in 0..2 {
        publish(&mut tx, id).await.expect("published");
    }
    assert_eq!(versions(&mut tx, id).await, 1);
    edit(&mut tx, id, &form("Nora B.")).await.expect("edited");
    let agent = load(&mut tx, id).await.expect("load");
    assert_eq!((agent.status, agent.version, agent.form.name.as_str()), (AgentStatus::Published, 1, "Nora B."));
    publish(&mut tx, id).await.expect("published");
    assert_eq!(versions(&mut tx, id).await, 2);
    assert_eq!(load(&mut tx, id).await.expect("load").version, 2);
}

#[tokio::test]
async fn an_incomplete_form_is_refused_field_by_field() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let bad = AgentForm { language: String::new(), scripts: Scripts::default(), ..form("") };
    let model::Error::Invalid { fields } = create(&mut tx, &bad).await.expect_err("bad").into() else { panic!("invalid") };
    assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), ["greeting", "language", "main", "name"]);
}

#[tokio::test]
async fn an_agent_in_use_is_not_archived_and_an_archived_one_is_not_used() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (busy, idle) =
        (create(&mut tx, &form("Nora")).await.expect("created"), create(&mut tx, &form("Theo")).await.expect("created"));
    campaign(&mut tx, busy, "active").await;
    campaign(&mut tx, idle, "completed").await;
    let refused = archive(&mut tx, busy).await.expect_err("in use");
    assert!(matches!(&refused, Error::Told(model::Error::Conflict { why }) if why.contains("Spring")), "{refused}");
    for _ in 0..2 {
        archive(&mut tx, idle).await.expect("archived");
    }
    for refused in [edit(&mut tx, idle, &form("Theo")).await.err(), publish(&mut tx, idle).await.err()] {
        assert!(matches!(refused, Some(Error::Told(model::Error::Conflict { .. }))));
    }
    assert_eq!(names(&mut tx, AgentFilter::default()).await, ["Nora"]);
    assert_eq!(names(&mut tx, AgentFilter { status: Some(AgentStatus::Archived), ..AgentFilter::default() }).await, ["Theo"]);
}

#[tokio::test]
async fn the_list_is_searched_by_start_of_name_and_pages_count_all() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    for name in ["Nora", "Noah", "Theo"] {
        create(&mut tx, &form(name)).await.expect("created");
    }
    assert_eq!(names(&mut tx, AgentFilter { search: "NO".into(), ..AgentFilter::default() }).await.len(), 2);
    let page = list(&mut tx, &AgentFilter { paging: Paging::new(2, 2), ..AgentFilter::default() }).await.expect("list");
    assert_eq!((page.items.len(), page.total), (1, 3));
    assert_eq!((page.items[0].calls, page.items[0].connect_permille), (0, None));
}

#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Nora")).await.expect("created");
    tx.commit().await.expect("commit");
    let viewer: Actor = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert_eq!(names(&mut tx, AgentFilter::default()).await, ["Nora"]);
    let refused = [
        create(&mut tx, &form("Theo")).await.err(),
        create_from(&mut tx, TemplateId::from(id.uuid())).await.err(),
        edit(&mut tx, id, &form("Theo")).await.err(),
        publish(&mut tx, id).await.err(),
        archive(&mut tx, id).await.err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, Some(Error::Told(model::Error::Forbidden { .. })))));
}

#[tokio::test]
async fn another_companys_agent_does_not_exist() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, &form("Nora")).await.expect("created");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&birch).await;
    assert!(names(&mut tx, AgentFilter::default()).await.is_empty());
    let missing = [
        load(&mut tx, id).await.err(),
        edit(&mut tx, id, &form("Theo")).await.err(),
        publish(&mut tx, id).await.err(),
        archive(&mut tx, id).await.err(),
    ];
    assert!(missing.iter().all(|e| matches!(e, Some(Error::Told(model::Error::NotFound { .. })))));
}
