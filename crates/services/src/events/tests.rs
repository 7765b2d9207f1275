//! The audit record, who may read it, and the notices that screens hear.

use super::live::{Heard, listen};
use super::*;
use crate::Actor;
use crate::testing::World;
use chrono::TimeDelta;
use model::accounts::Role;
use model::id::CampaignId;
use model::page::Paging;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// More than any notice takes; a test that waits this long has failed.
const DEADLINE: Duration = Duration::from_secs(20);

async fn texts(tx: &mut Tx, filter: &EventFilter) -> Vec<String> {
    list(tx, filter).await.expect("list").items.into_iter().map(|e| e.text).collect()
}

#[tokio::test]
async fn the_newest_comes_first_with_who_did_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let began = tx.now();
    tx.record(EventKind::SettingsChanged, None, "Settings saved").await.expect("recorded");
    tx.commit().await.expect("commit");
    w.clock.advance(TimeDelta::minutes(1));
    let mut tx = w.db.begin(&Actor::engine(acme.company)).await.expect("begin");
    tx.record(EventKind::CreditsLow, Some("cmp_1".into()), "Spring: out of credits").await.expect("recorded");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let page = list(&mut tx, &EventFilter::default()).await.expect("list");
    let told: Vec<_> = page.items.iter().map(|e| (e.kind, e.who.as_str(), e.subject.as_deref(), e.at.at)).collect();
    let later = began + TimeDelta::minutes(1);
    let expected =
        [(EventKind::CreditsLow, "Belfry", Some("cmp_1"), later), (EventKind::SettingsChanged, "Company admin", None, began)];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_record_is_filtered_by_kind_and_subject_and_paged() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (spring, fall): (CampaignId, CampaignId) = (tx.id(), tx.id());
    for n in 0..3 {
        tx.record(EventKind::CampaignChanged, Some(spring.to_string()), format!("spring {n}")).await.expect("recorded");
    }
    tx.record(EventKind::CampaignChanged, Some(fall.to_string()), "fall").await.expect("recorded");
    tx.record(EventKind::CampaignPaused, Some(spring.to_string()), "paused").await.expect("recorded");
    let about = EventFilter { subject: Some(spring.to_string()), ..EventFilter::default() };
    assert_eq!(list(&mut tx, &about).await.expect("list").total, 4);
    let edits = EventFilter { kind: Some(EventKind::CampaignChanged), ..about };
    let second = EventFilter { paging: Paging::new(2, 2), ..edits };
    let page = list(&mut tx, &second).await.expect("list");
    assert_eq!((page.items.len(), page.total, page.pages()), (1, 3, 2));
    let nothing = EventFilter { kind: Some(EventKind::CallEnded), ..EventFilter::default() };
    assert_eq!(texts(&mut tx, &nothing).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_rolled_back_was_never_recorded() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    tx.record(EventKind::SettingsChanged, None, "never happened").await.expect("recorded");
    drop(tx);
    let mut tx = w.tx(&acme).await;
    assert_eq!(texts(&mut tx, &EventFilter::default()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_long_text_is_cut_between_two_letters() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    for length in [TEXT_MAX, TEXT_MAX + 1, 4 * TEXT_MAX] {
        tx.record(EventKind::SettingsChanged, None, "ü".repeat(length)).await.expect("recorded");
    }
    for text in texts(&mut tx, &EventFilter::default()).await {
        assert_eq!(text, "ü".repeat(TEXT_MAX));
    }
}

#[tokio::test]
async fn another_companys_record_does_not_exist() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    let mut tx = w.tx(&acme).await;
    tx.record(EventKind::SettingsChanged, Some("cmp_1".into()), "acme's").await.expect("recorded");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&birch).await;
    assert_eq!(texts(&mut tx, &EventFilter::default()).await, Vec::<String>::new());
    let guessed = EventFilter { subject: Some("cmp_1".into()), ..EventFilter::default() };
    assert_eq!(texts(&mut tx, &guessed).await, Vec::<String>::new());
}

#[tokio::test]
async fn only_administrators_read_the_record() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for role in [Role::Operator, Role::Viewer] {
        let actor = w.member(&acme, role).await;
        let mut tx = w.db.begin(&actor).await.expect("begin");
        let refusal = list(&mut tx, &EventFilter::default()).await.expect_err("forbidden");
        let permission = Permission::ViewEvents.to_string();
        assert_eq!(model::Error::from(refusal), model::Error::Forbidden { permission }, "{role}");
    }
}

#[tokio::test]
async fn screens_hear_what_was_committed_and_nothing_else() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    let (said, mut heard) = mpsc::unbounded_channel();
    let mut listener = JoinSet::new();
    let db = w.db.clone();
    listener.spawn(async move {
        listen(&db, |news| {
            let _ = said.send(news);
        })
        .await
    });
    let mut next = async || timeout(DEADLINE, heard.recv()).await.expect("heard in time").expect("listening");
    assert_eq!(next().await, Heard::Resync, "what was said before is unknown");

    let mut tx = w.tx(&acme).await;
    tx.record(EventKind::CampaignPaused, None, "never happened").await.expect("recorded");
    drop(tx);
    let mut tx = w.tx(&birch).await;
    for _ in 0..3 {
        tx.record(EventKind::ContactCreated, None, "Maya").await.expect("recorded");
    }
    tx.commit().await.expect("commit");
    let changed = |topic| Heard::Changed { company: birch.company, topic };
    assert_eq!([next().await, next().await], [changed(Topic::Contacts), changed(Topic::Events)], "three notices are told once");

    let mut tx = w.tx(&acme).await;
    tx.record(EventKind::UserSignedIn, None, "Signed in").await.expect("recorded");
    tx.commit().await.expect("commit");
    assert_eq!(next().await, Heard::Changed { company: acme.company, topic: Topic::Events });
}

#[tokio::test]
async fn the_record_is_filtered_by_who_and_by_days_of_the_companys_zone() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let operator = w.member(&acme, Role::CompanyAdmin).await;
    // 15:00 UTC is ten in the morning in New York; ten hours later it is still the same day there.
    for (hours, who) in [(0, &acme.actor), (10, &acme.actor), (24, &operator)] {
        w.clock.set(World::noon() + TimeDelta::hours(hours));
        let mut tx = w.db.begin(who).await.expect("begin");
        tx.record(EventKind::SettingsChanged, None, format!("after {hours}")).await.expect("recorded");
        tx.commit().await.expect("commit");
    }
    let mut tx = w.tx(&acme).await;
    let days = |from: &str, to: &str| EventFilter { from: from.into(), to: to.into(), ..EventFilter::default() };
    assert_eq!(texts(&mut tx, &days("2026-11-23", "2026-11-23")).await, ["after 10", "after 0"]);
    assert_eq!(texts(&mut tx, &days("2026-11-24", "")).await, ["after 24"]);
    assert_eq!(texts(&mut tx, &days("", "2026-11-22")).await, [""; 0]);
    assert_eq!(texts(&mut tx, &days("yesterday", "'; drop table events")).await.len(), 3, "what is no day is no filter");
    let by = |who: &str| EventFilter { who: who.into(), ..EventFilter::default() };
    assert_eq!(texts(&mut tx, &by(" Company admin ")).await.len(), 3);
    assert_eq!(texts(&mut tx, &by("Company")).await, [""; 0]);
}

#[tokio::test]
async fn a_file_of_the_record_computes_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    for text in ["=HYPERLINK(\"https://evil.example\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "plain, with a \"quote\""] {
        tx.record(EventKind::SettingsChanged, None, text).await.expect("recorded");
    }
    let file = export(&mut tx, &EventFilter::default()).await.expect("a file");
    let mut read = csv::Reader::from_reader(file.as_bytes());
    assert_eq!(read.headers().expect("a head"), ["at", "kind", "who", "subject", "text"].as_slice());
    let cells: Vec<_> = read.records().map(|row| row.expect("a row")[4].to_owned()).collect();
    assert_eq!(cells.len(), 7);
    assert!(cells.iter().all(|cell| cell.starts_with(['\'', 'p'])), "{cells:?}");
    assert!(cells.contains(&"plain, with a \"quote\"".to_owned()), "what is harmless stays as it is");
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert!(export(&mut tx, &EventFilter::default()).await.is_err());
}

/// A company with two blocks of events and one that waits.
async fn sealed(w: &World) -> crate::testing::Someone {
    let acme = w.company("acme").await;
    for _ in 0..2 {
        let mut tx = w.tx(&acme).await;
        for text in ["one", "two"] {
            tx.record(EventKind::SettingsChanged, None, text).await.expect("recorded");
        }
        tx.commit().await.expect("commit");
        w.clock.advance(TimeDelta::minutes(71));
        chain::seal_due(&w.db).await.expect("sealed");
        chain::seal_due(&w.db).await.expect("nothing more to seal");
    }
    let mut tx = w.tx(&acme).await;
    tx.record(EventKind::SettingsChanged, None, "young").await.expect("recorded");
    tx.commit().await.expect("commit");
    acme
}

#[tokio::test]
async fn the_record_is_sealed_and_holds() {
    let w = World::new().await;
    let acme = sealed(&w).await;
    let mut tx = w.tx(&acme).await;
    let found = chain::verify(&mut tx).await.expect("verified");
    assert_eq!((found.events, found.blocks, found.waiting, found.problems.len()), (4, 2, 1, 0), "{found:?}");
    assert_eq!(found.head.map(|head| head.len()), Some(64));
    let operator = w.member(&acme, Role::Operator).await;
    let mut tx = w.db.begin(&operator).await.expect("begin");
    assert!(chain::verify(&mut tx).await.is_err());
}

#[tokio::test]
async fn whatever_is_done_to_sealed_events_is_found() {
    for (how, says) in [
        ("update events set text = 'three' where text = 'one' and at = (select min(at) from events)", "was changed"),
        ("update events set who = 'nobody' where at = (select min(at) from events)", "was changed"),
        ("delete from events where at = (select min(at) from events) and text = 'one'", "and 1 are there"),
        (
            "insert into events (company_id, id, at, kind, who, text)
             select company_id, '00000000-0000-0000-0000-000000000001', at, kind, who, 'slipped in' from events order by at limit 1",
            "and 3 are there",
        ),
        ("alter table event_blocks disable trigger user; delete from event_blocks where height = 1", "what was between is gone"),
    ] {
        let w = World::new().await;
        let acme = sealed(&w).await;
        let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(&w.owner_url()).await.expect("the owner");
        sqlx::raw_sql(sqlx::AssertSqlSafe(how.to_owned())).execute(&mut owner).await.expect(how);
        let mut tx = w.tx(&acme).await;
        let found = chain::verify(&mut tx).await.expect("verified");
        assert!(found.problems.iter().any(|problem| problem.contains(says)), "{how}: {:?}", found.problems);
    }
}
