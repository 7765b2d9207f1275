//! Leads: one for each person, pushed twice, moved, scored, given to somebody, and made by calls.

use super::*;
use crate::error::Error;
use crate::testing::room::Room;
use crate::testing::{Someone, World};
use model::accounts::Role;
use model::leads::{GradeForm, ScoreForm};
use model::page::Paging;
use providers::{Analysis, Answer, CallbackKind, ProviderCallId, Segment, Speaker, scripted};
use sqlx::{Connection, PgConnection};

fn form(name: &str, phone: &str) -> LeadForm {
    LeadForm { name: name.into(), phone: phone.into(), ..LeadForm::default() }
}

fn points(points: [&str; 5]) -> ScoreForm {
    let [intent, urgency, budget, fit, engagement] =
        points.map(|points| GradeForm { points: points.into(), reason: if points.is_empty() { "" } else { "Said so" }.into() });
    ScoreForm { intent, urgency, budget, fit, engagement }
}

async fn pushed(tx: &mut Tx, forms: &[LeadForm]) -> Vec<Pushed<LeadId>> {
    push(tx, forms).await.expect("pushed").into_iter().map(|row| row.expect("stored")).collect()
}

async fn names(tx: &mut Tx, filter: LeadFilter) -> Vec<String> {
    list(tx, &filter).await.expect("list").items.into_iter().map(|row| row.name).collect()
}

async fn kinds(tx: &mut Tx, id: LeadId) -> Vec<String> {
    let kinds = sqlx::query_scalar("select kind from events where subject = $1 order by kind").bind(id.to_string());
    kinds.fetch_all(tx.conn()).await.expect("events")
}

/// What endpoints were told of leads.
async fn told(w: &World, of: &Someone) -> Vec<String> {
    let mut tx = w.tx(of).await;
    let bodies: Vec<String> = sqlx::query_scalar("select body from deliveries where event = 'lead.qualified' order by id")
        .fetch_all(tx.conn())
        .await
        .expect("bodies");
    bodies
}

#[tokio::test]
async fn a_lead_is_a_person_with_a_score_and_a_next_step() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let lead = LeadForm {
        score: points(["20", "5", "", "0", ""]),
        next_action: " Send the offer ".into(),
        follow_up_on: "2026-11-23".into(),
        ..form("Maya", "(202) 555-0101")
    };
    let id = create(&mut tx, None, &lead).await.expect("created");
    let stored = load(&mut tx, id).await.expect("load");
    assert_eq!(
        (stored.row.name.as_str(), stored.row.phone.as_str(), stored.row.status),
        ("Maya", "+12025550101", LeadStatus::New)
    );
    assert_eq!(
        (stored.row.score, stored.score.0[0].reason.as_str(), stored.row.next_action.as_str()),
        (25, "Said so", "Send the offer")
    );
    assert!(stored.row.is_due && stored.call.is_none());
    assert_eq!(of_contact(&mut tx, stored.row.contact).await.expect("lead").map(|row| row.id), Some(id));
    let again = create(&mut tx, Some(stored.row.contact), &LeadForm::default()).await.expect_err("has one");
    assert!(matches!(again, Error::Told(model::Error::Conflict { .. })), "{again}");
}

#[tokio::test]
async fn a_lead_that_is_pushed_twice_is_one_lead_and_keeps_what_is_left_out() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let lead = LeadForm {
        status: Some(LeadStatus::Contacted),
        score: points(["10", "", "", "", ""]),
        notes: "First".into(),
        ..form("Maya", "+12025550101")
    };
    let first = pushed(&mut tx, &[lead]).await;
    let more = LeadForm { score: points(["", "7", "", "", ""]), next_action: "Call".into(), ..form("Other", "202-555-0101") };
    let second = pushed(&mut tx, std::slice::from_ref(&more)).await;
    assert_eq!((first[0].created, second[0].created, first[0].id == second[0].id), (true, false, true));
    let stored = load(&mut tx, first[0].id).await.expect("load");
    assert_eq!(
        (stored.row.name.as_str(), stored.row.status, stored.row.score, stored.notes.as_str()),
        ("Maya", LeadStatus::Contacted, 17, "First")
    );
    pushed(&mut tx, &[more]).await;
    assert_eq!(kinds(&mut tx, first[0].id).await, ["lead.changed", "lead.created"], "the same again is no news");
}

#[tokio::test]
async fn one_bad_row_does_not_lose_the_others() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let rows = [
        form("Maya", "+12025550101"),
        form("Bo", "12"),
        form("Cy", "+1 202 555 0101"),
        LeadForm { score: points(["21", "", "", "", ""]), email: "x".into(), ..form("Di", "+12025550104") },
        form("", "+12025550105"),
    ];
    let answers = push(&mut tx, &rows).await.expect("pushed");
    let fields = |n: usize| answers[n].as_ref().expect_err("bad").keys().map(String::as_str).collect::<Vec<_>>();
    assert!(answers[0].is_ok() && answers[4].is_ok());
    assert_eq!((fields(1), fields(2), fields(3)), (vec!["phone"], vec!["phone"], vec!["email", "score.intent"]));
    let mut all = names(&mut tx, LeadFilter::default()).await;
    all.sort();
    assert_eq!(all, ["Maya", contacts::UNKNOWN_CUSTOMER]);
    let many = vec![form("A", "+12025550101"); PUSH_MAX + 1];
    assert!(push(&mut tx, &many).await.is_err());
}

#[tokio::test]
async fn two_who_push_the_same_leads_at_once_make_them_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let forwards: Vec<_> = (0..20).map(|n| form("Somebody", &format!("+120255501{n:02}"))).collect();
    let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
    let one = async |forms: &[LeadForm]| {
        let mut tx = w.tx(&acme).await;
        let stored = pushed(&mut tx, forms).await;
        tx.commit().await.expect("commit");
        stored
    };
    let (a, mut b) = tokio::join!(one(&forwards), one(&backwards));
    b.reverse();
    assert!(a.iter().zip(&b).all(|(a, b)| a.id == b.id && a.created != b.created), "each is one lead, made by one of them");
}

#[tokio::test]
async fn a_lead_is_edited_as_a_whole_and_its_score_part_by_part() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let lead = LeadForm {
        score: points(["20", "5", "", "", ""]),
        next_action: "Call".into(),
        follow_up_on: "2026-11-30".into(),
        notes: "x".into(),
        ..form("Maya", "+12025550101")
    };
    let id = create(&mut tx, None, &lead).await.expect("created");
    edit(&mut tx, id, &LeadForm { score: points(["0", "", "1", "", ""]), ..LeadForm::default() }).await.expect("edited");
    let stored = load(&mut tx, id).await.expect("load");
    assert_eq!(
        (stored.row.score, stored.row.next_action.as_str(), stored.row.follow_up_on, stored.notes.as_str()),
        (6, "", None, "")
    );
    let bad = edit(&mut tx, id, &LeadForm { follow_up_on: "soon".into(), ..LeadForm::default() }).await.expect_err("bad");
    assert!(model::Error::from(bad).of_field("follow_up_on").is_some());
}

#[tokio::test]
async fn an_archived_lead_makes_room_for_another() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, None, &form("Maya", "+12025550101")).await.expect("created");
    archive(&mut tx, id).await.expect("archived");
    archive(&mut tx, id).await.expect("twice is once");
    assert!(matches!(move_to(&mut tx, id, LeadStatus::Lost).await, Err(Error::Told(model::Error::Conflict { .. }))));
    let next = create(&mut tx, None, &form("Maya", "+12025550101")).await.expect("another");
    assert_ne!(id, next);
    assert_eq!(names(&mut tx, LeadFilter::default()).await, ["Maya"]);
    assert_eq!(kinds(&mut tx, id).await, ["lead.archived", "lead.created"]);
}

#[tokio::test]
async fn a_lead_is_given_to_who_may_work_on_it_and_to_nobody_when_they_leave() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let (operator, viewer) = (w.member(&acme, Role::Operator).await, w.member(&acme, Role::Viewer).await);
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, None, &form("Maya", "+12025550101")).await.expect("created");
    tx.commit().await.expect("commit");
    let user = operator.user_id().expect("a human");
    assign(&w.db, &acme.actor, id, Some(user)).await.expect("assigned");
    for stranger in [viewer.user_id(), birch.actor.user_id()] {
        let refused = assign(&w.db, &acme.actor, id, stranger).await.expect_err("not theirs");
        assert!(model::Error::from(refused).of_field("owner").is_some());
    }
    let mut tx = w.tx(&acme).await;
    assert_eq!(names(&mut tx, LeadFilter { owner: Some(user), ..LeadFilter::default() }).await, ["Maya"]);
    assert_eq!(load(&mut tx, id).await.expect("load").row.owner, Some((user, "Operator".to_owned())));
    drop(tx);
    crate::team::remove(&w.db, &acme.actor, user).await.expect("removed");
    let mut tx = w.tx(&acme).await;
    assert_eq!(load(&mut tx, id).await.expect("load").row.owner, None);
    drop(tx);
    assign(&w.db, &acme.actor, id, None).await.expect("nobody's");
}

#[tokio::test]
async fn the_list_is_narrowed_and_the_board_has_a_column_for_each_status() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let lead = |name: &str, phone: &str, status, intent: &str, day: &str| LeadForm {
        status: Some(status),
        score: points([intent, "", "", "", ""]),
        follow_up_on: day.into(),
        ..form(name, phone)
    };
    let rows = [
        lead("Maya", "+12025550101", LeadStatus::New, "5", "2026-11-23"),
        lead("Mo", "+12025550102", LeadStatus::Qualified, "20", "2026-11-29"),
        lead("Bo", "+442079460018", LeadStatus::Lost, "10", "2026-11-01"),
    ];
    pushed(&mut tx, &rows).await;
    let some = |edit: fn(&mut LeadFilter)| {
        let mut filter = LeadFilter::default();
        edit(&mut filter);
        filter
    };
    assert_eq!(names(&mut tx, LeadFilter::default()).await, ["Mo", "Bo", "Maya"]);
    assert_eq!(names(&mut tx, some(|f| f.search = "m".into())).await, ["Mo", "Maya"]);
    assert_eq!(names(&mut tx, some(|f| f.search = "+44".into())).await, ["Bo"]);
    assert_eq!(names(&mut tx, some(|f| f.status = Some(LeadStatus::New))).await, ["Maya"]);
    assert_eq!(names(&mut tx, some(|f| (f.score_min, f.score_max) = ("6".into(), "19".into()))).await, ["Bo"]);
    assert_eq!(names(&mut tx, some(|f| f.due = Some(Due::Now))).await, ["Maya"], "what is lost is not due");
    assert_eq!(names(&mut tx, some(|f| f.due = Some(Due::Week))).await, ["Mo", "Maya"]);
    let second = LeadFilter { paging: Paging::new(2, 2), ..LeadFilter::default() };
    let page = list(&mut tx, &second).await.expect("list");
    assert_eq!((page.items.len(), page.total), (1, 3));
    let columns = board(&mut tx, &LeadFilter::default()).await.expect("board");
    let counts: Vec<_> = columns.iter().map(|column| (column.status.as_str(), column.count, column.rows.len())).collect();
    assert_eq!(
        counts,
        [("new", 1, 1), ("contacted", 0, 0), ("qualified", 1, 1), ("unqualified", 0, 0), ("converted", 0, 0), ("lost", 1, 1)]
    );
}

#[tokio::test]
async fn a_list_uses_its_index_below_row_security() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, None, &form("Maya", "+12025550101")).await.expect("created");
    sqlx::query(
        "with people as (insert into contacts (id, name, phone, phone_raw, created_at, updated_at)
             select md5(n::text)::uuid, 'P' || n, '+1303555' || lpad(n::text, 4, '0'), '', $2, $2 from generate_series(0, 4999) as n
             returning id)
         insert into leads (id, contact_id, status, intent, created_at, updated_at)
         select p.id, p.id, l.status, 5, $2, $2 from leads l, people p where l.id = $1",
    )
    .bind(id)
    .bind(w.clock.now())
    .execute(tx.conn())
    .await
    .expect("leads");
    tx.commit().await.expect("commit");
    let mut owner = PgConnection::connect(&w.owner_url()).await.expect("owner");
    sqlx::query("analyze leads").execute(&mut owner).await.expect("analyzed");
    let mut tx = w.tx(&acme).await;
    for (filter, index) in [
        (LeadFilter::default(), "leads_list"),
        (LeadFilter { status: Some(LeadStatus::Lost), ..LeadFilter::default() }, "leads_board"),
    ] {
        let plan = repo::explain(&mut tx, &filter).await.expect("plan");
        assert!(plan.contains(index), "{filter:?}\n{plan}");
    }
}

#[tokio::test]
async fn who_qualifies_a_lead_by_hand_tells_of_it_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    listen(&w, &acme).await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, None, &form("Maya", "+12025550101")).await.expect("created");
    move_to(&mut tx, id, LeadStatus::Qualified).await.expect("moved");
    move_to(&mut tx, id, LeadStatus::Qualified).await.expect("is there");
    edit(&mut tx, id, &LeadForm { notes: "x".into(), ..LeadForm::default() }).await.expect("edited");
    tx.commit().await.expect("commit");
    let told = told(&w, &acme).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&id.to_string()) && told[0].contains("+12•••••••01"), "{told:?}");
}

async fn listen(w: &World, of: &Someone) {
    let mut tx = w.tx(of).await;
    sqlx::query(
        "insert into endpoints (id, url, events, full_numbers, secret_sealed, created_at)
         values ($1, 'https://example.com', '{lead.qualified}', false, 'x', $2)",
    )
    .bind(tx.id::<model::id::EndpointId>())
    .bind(w.clock.now())
    .execute(tx.conn())
    .await
    .expect("endpoint");
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = create(&mut tx, None, &form("Maya", "+12025550101")).await.expect("created");
    tx.commit().await.expect("commit");
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert_eq!(load(&mut tx, id).await.expect("load").row.phone, "+12•••••••01");
    assert!(names(&mut tx, LeadFilter { search: "+1202".into(), ..LeadFilter::default() }).await.is_empty());
    let refusals = [
        create(&mut tx, None, &form("Bo", "+12025550102")).await.map(drop),
        push(&mut tx, &[]).await.map(drop),
        edit(&mut tx, id, &LeadForm::default()).await,
        move_to(&mut tx, id, LeadStatus::Lost).await,
        assign(&w.db, &viewer, id, None).await,
        archive(&mut tx, id).await,
    ];
    assert!(refusals.into_iter().all(|refused| matches!(refused, Err(Error::Told(model::Error::Forbidden { .. })))));
}

#[tokio::test]
async fn nothing_of_another_company_is_found_or_named() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let mut tx = w.tx(&acme).await;
    let theirs = create(&mut tx, None, &form("Maya", "+12025550101")).await.expect("created");
    let contact = load(&mut tx, theirs).await.expect("load").row.contact;
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&birch).await;
    let refusals = [
        load(&mut tx, theirs).await.map(drop),
        edit(&mut tx, theirs, &LeadForm::default()).await,
        move_to(&mut tx, theirs, LeadStatus::Lost).await,
        archive(&mut tx, theirs).await,
        create(&mut tx, Some(contact), &LeadForm::default()).await.map(drop),
        assign(&w.db, &birch.actor, theirs, None).await,
    ];
    assert!(refusals.into_iter().all(|refused| matches!(refused, Err(Error::Told(model::Error::NotFound { .. })))));
    assert!(pushed(&mut tx, &[form("Maya", "+12025550101")]).await[0].created);
}

/// A call under way, and what is told of it.
async fn called() -> (Room, CallId) {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let dial = room.plan(campaign).await.dials.remove(0);
    room.record(&dial, Answer::Placed(ProviderCallId::new("CA1"))).await;
    (room, dial.call)
}

async fn tell(room: &Room, call: CallId, analysis: Analysis) {
    let callback = scripted::news(ProviderCallId::new("CA1"), CallbackKind::Analysis(Box::new(analysis)));
    room.world.callback(room.acme.company, call, callback).await.expect("applied");
    room.holds().await;
}

async fn only(room: &Room) -> Option<Lead> {
    let mut tx = room.world.tx(&room.acme).await;
    let mut rows = list(&mut tx, &LeadFilter::default()).await.expect("list").items;
    assert!(rows.len() <= 1, "one lead for one person");
    match rows.pop() {
        Some(row) => Some(load(&mut tx, row.id).await.expect("load")),
        None => None,
    }
}

fn priced() -> Analysis {
    Analysis { keywords: vec!["price".into()], ..Analysis::default() }
}

fn reached() -> Analysis {
    let said = Segment { speaker: Speaker::Person, text: "Yes".into(), start_ms: None, end_ms: None };
    Analysis {
        successful: Some(true),
        transcript: vec![said],
        fields: [("budget".to_owned(), "20k".to_owned())].into(),
        ..Analysis::default()
    }
}

#[tokio::test]
async fn a_call_that_shows_interest_makes_a_lead_and_one_that_reaches_its_aim_qualifies_it() {
    let (room, call) = called().await;
    listen(&room.world, &room.acme).await;
    tell(&room, call, Analysis { summary: Some("Nobody was there.".into()), ..Analysis::default() }).await;
    assert!(only(&room).await.is_none(), "no interest, no lead");
    tell(&room, call, priced()).await;
    let lead = only(&room).await.expect("a lead");
    assert_eq!((lead.row.status, lead.call, lead.score.0[0].points), (LeadStatus::Contacted, Some(call), 12));
    for _ in 0..2 {
        tell(&room, call, reached()).await;
    }
    let after = only(&room).await.expect("the lead");
    assert_eq!((after.row.id, after.row.status, after.row.score), (lead.row.id, LeadStatus::Qualified, 20 + 15 + 4 + 2));
    assert_eq!(told(&room.world, &room.acme).await.len(), 1, "the call tells, once");
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(kinds(&mut tx, lead.row.id).await, ["lead.changed", "lead.created"]);
}

#[tokio::test]
async fn what_people_decided_is_not_taken_back_by_what_is_told_again() {
    let (room, call) = called().await;
    tell(&room, call, reached()).await;
    let lead = only(&room).await.expect("a lead");
    let mut tx = room.world.tx(&room.acme).await;
    move_to(&mut tx, lead.row.id, LeadStatus::New).await.expect("moved");
    edit(&mut tx, lead.row.id, &LeadForm { score: points(["1", "", "", "", ""]), ..LeadForm::default() }).await.expect("scored");
    tx.commit().await.expect("commit");
    tell(&room, call, reached()).await;
    let after = only(&room).await.expect("the lead");
    assert_eq!((after.row.status, after.score.0[0].points), (LeadStatus::New, 1));
}

#[tokio::test]
async fn who_does_not_want_to_be_called_becomes_no_lead() {
    let (room, call) = called().await;
    tell(&room, call, Analysis { opted_out: Some(true), ..priced() }).await;
    assert!(only(&room).await.is_none());
}
