//! What super admins do to companies, and what those companies notice of it.

mod resale;

use super::*;
use crate::Error as Inner;
use crate::events;
use crate::testing::{Someone, World};
use chrono::TimeDelta;
use model::accounts::Bar;
use model::campaigns::Status;
use model::events::EventFilter;

fn told<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result.expect_err("this should have been refused") {
        Inner::Told(told) => told,
        other => panic!("not meant for the caller: {other}"),
    }
}

fn office() -> Client {
    Client { ip: "192.0.2.9".into(), user_agent: "Firefox".into() }
}

/// The platform's own company and its super admin.
async fn platform(w: &World) -> (Someone, Caller) {
    let home = w.company("platform").await;
    let root = w.member(&home, Role::SuperAdmin).await;
    let caller = resolved(w, &w.session(&root).await).await;
    (home, caller)
}

async fn resolved(w: &World, token: &str) -> Caller {
    accounts::resolve(&w.db, token).await.expect("the database").expect("a living session")
}

async fn kinds(w: &World, of: &Someone) -> Vec<(EventKind, String)> {
    let mut tx = w.tx(of).await;
    let page = events::list(&mut tx, &EventFilter::default()).await.expect("events");
    page.items.into_iter().map(|e| (e.kind, e.text)).collect()
}

async fn status(w: &World, of: &Someone, id: model::id::CampaignId) -> Status {
    let mut tx = w.tx(of).await;
    campaigns::load(&mut tx, id).await.expect("campaign").status
}

#[tokio::test]
async fn a_suspended_company_stops_calling_and_its_people_read_why() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let acme = w.company("acme").await;
    let running = w.launched(&acme, 2, |_| {}).await;
    let session = w.session(&acme.actor).await;
    assert!(told(suspend(&w.db, &root.actor, acme.company, " ").await).of_field("reason").is_some());
    suspend(&w.db, &root.actor, acme.company, "Unpaid since May").await.expect("suspended");
    assert_eq!(status(&w, &acme, running).await, Status::Paused);
    let barred = resolved(&w, &session).await;
    assert_eq!(barred.barred, Some(Bar::Suspended));
    assert_eq!(accounts::me(&w.db, &barred).await.expect("me").suspended_because.as_deref(), Some("Unpaid since May"));
    assert!(kinds(&w, &acme).await.contains(&(EventKind::CompanySuspended, "Suspended: Unpaid since May".into())));
    assert!(matches!(told(suspend(&w.db, &root.actor, acme.company, "again").await), Error::Conflict { .. }));

    reinstate(&w.db, &root.actor, acme.company).await.expect("reinstated");
    let back = resolved(&w, &session).await;
    assert_eq!(back.barred, None);
    assert_eq!(accounts::me(&w.db, &back).await.expect("me").suspended_because, None);
    assert_eq!(status(&w, &acme, running).await, Status::Paused, "people resume, not we");
    assert!(matches!(told(reinstate(&w.db, &root.actor, acme.company).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn a_campaign_that_should_start_in_a_suspended_company_pauses() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let acme = w.company("acme").await;
    let at = w.clock.now() + TimeDelta::hours(2);
    let id = w.drafted(&acme, 2, |form| form.starts_at = Some(at)).await;
    let mut tx = w.tx(&acme).await;
    campaigns::act(&mut tx, id, Action::Schedule).await.expect("scheduled");
    tx.commit().await.expect("commit");
    suspend(&w.db, &root.actor, acme.company, "Unpaid").await.expect("suspended");
    w.clock.advance(TimeDelta::hours(3));
    let mut tx = w.db.begin(&w.engine(acme.company)).await.expect("begin");
    campaigns::start_scheduled(&mut tx, id).await.expect("a decision");
    tx.commit().await.expect("commit");
    assert_eq!(status(&w, &acme, id).await, Status::Paused);
}

#[tokio::test]
async fn a_super_admin_acts_inside_under_their_own_name_and_goes_home() {
    let w = World::new().await;
    let (home, root) = platform(&w).await;
    let acme = w.company("acme").await;
    let token = enter(&w.db, &root, acme.company, &office()).await.expect("inside");
    let inside = resolved(&w, &token).await;
    assert_eq!((inside.actor.company(), inside.acting, inside.barred), (acme.company, true, None));
    assert!(inside.actor.may(Permission::ManageSettings));
    let me = accounts::me(&w.db, &inside).await.expect("me");
    let away = accounts::switch(&w.db, &inside, home.company, &office()).await;
    assert!(matches!(told(away), Error::Conflict { .. }), "its record says when they leave");
    assert!(me.acting && me.company_name == "acme" && me.companies.iter().all(|c| c.id != acme.company));
    let entered = (EventKind::CompanyEntered, "Super admin acts inside as super admin, from 192.0.2.9".into());
    assert!(kinds(&w, &acme).await.contains(&entered));
    let mut tx = w.db.begin(&inside.actor).await.expect("begin");
    events::list(&mut tx, &EventFilter::default()).await.expect("they see what the company sees");
    drop(tx);
    let back = leave(&w.db, &inside, &office()).await.expect("home");
    assert!(accounts::resolve(&w.db, &token).await.expect("resolve").is_none());
    let at_home = resolved(&w, &back).await;
    assert_eq!((at_home.actor.company(), at_home.acting), (home.company, false));
    assert!(kinds(&w, &acme).await.iter().any(|(kind, _)| *kind == EventKind::CompanyLeft));
    assert!(matches!(told(leave(&w.db, &at_home, &office()).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn acting_inside_ends_with_the_right_to_it() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let acme = w.company("acme").await;
    let token = enter(&w.db, &root, acme.company, &office()).await.expect("inside");
    let mut tx = w.db.begin_system(SystemTask::Admin).await.expect("begin");
    sqlx::query("update members set role = 'viewer' where user_id = $1")
        .bind(root.user)
        .execute(tx.conn())
        .await
        .expect("demoted");
    tx.commit().await.expect("commit");
    assert!(accounts::resolve(&w.db, &token).await.expect("resolve").is_none());
}

#[tokio::test]
async fn a_super_admin_gets_into_a_suspended_company_to_look() {
    let w = World::new().await;
    let (_, root) = platform(&w).await;
    let acme = w.company("acme").await;
    suspend(&w.db, &root.actor, acme.company, "Unpaid").await.expect("suspended");
    let token = enter(&w.db, &root, acme.company, &office()).await.expect("inside");
    assert_eq!(resolved(&w, &token).await.barred, None);
}

#[tokio::test]
async fn nobody_else_lists_stops_or_enters() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let admin = resolved(&w, &w.session(&acme.actor).await).await;
    let refusals = [
        told(list(&w.db, &admin.actor, &ClientFilter::default()).await),
        told(suspend(&w.db, &admin.actor, birch.company, "why").await),
        told(reinstate(&w.db, &admin.actor, birch.company).await),
        told(enter(&w.db, &admin, birch.company, &office()).await),
    ];
    assert!(refusals.iter().all(|e| matches!(e, Error::Forbidden { .. })), "{refusals:?}");
    assert!(matches!(told(leave(&w.db, &admin, &office()).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn the_list_finds_by_the_start_of_a_name_and_names_reasons() {
    let w = World::new().await;
    let (home, root) = platform(&w).await;
    let acme = w.company("Acme Foods").await;
    w.company("Birch").await;
    w.member(&acme, Role::Viewer).await;
    suspend(&w.db, &root.actor, acme.company, "Unpaid").await.expect("suspended");
    let all = list(&w.db, &root.actor, &ClientFilter::default()).await.expect("list");
    assert_eq!(all.total, 3);
    assert!(all.items.iter().any(|row| row.id == home.company && row.is_own));
    let found = list(&w.db, &root.actor, &ClientFilter { q: " aCM".into(), ..ClientFilter::default() }).await.expect("list");
    let row = &found.items[0];
    assert_eq!((found.total, row.name.as_str(), row.members), (1, "Acme Foods", 2));
    assert_eq!(row.suspended_because.as_deref(), Some("Unpaid"));
    assert_eq!(row.available, model::credits::Credits::whole(20));
    let nothing = list(&w.db, &root.actor, &ClientFilter { q: "%".into(), ..ClientFilter::default() }).await.expect("list");
    assert_eq!(nothing.total, 0, "a percent sign is a letter like others");
}
