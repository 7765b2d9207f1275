//! Undoing: what is taken out, what stays, and what comes back.

use super::super::jobs::{UndoImport, undo_chunk, undo_step};
use super::*;
use crate::suppressions;
use crate::suppressions::tests::campaign;
use chrono::TimeDelta;
use model::id::ContactId;
use model::imports::Undone;
use model::phone::Phone;
use model::suppressions::{Source, SuppressionFilter};
use std::collections::BTreeSet;

/// Uploads, checks and runs.
async fn ran(w: &World, someone: &Someone, kind: ImportKind, text: &str) -> ImportId {
    let id = checked_as(w, someone, kind, text.as_bytes()).await;
    start_run(w, someone, id).await.run(w.db.clone()).await.expect("run");
    id
}

async fn start_undo(w: &World, someone: &Someone, id: ImportId) -> UndoImport {
    let mut tx = w.tx(someone).await;
    undo(&mut tx, id).await.expect("undo");
    tx.commit().await.expect("commit");
    w.jobs::<UndoImport>(someone.company).await.expect("jobs").pop().expect("a job")
}

async fn by_phone(w: &World, someone: &Someone, phone: &str) -> Option<model::contacts::ContactRow> {
    let filter = ContactFilter { search: phone.into(), ..ContactFilter::default() };
    contacts_of(w, someone, filter).await.items.into_iter().next()
}

fn form(name: &str, phone: &str) -> ContactForm {
    ContactForm { name: name.into(), phone: phone.into(), ..ContactForm::default() }
}

#[tokio::test]
async fn an_undo_takes_out_what_nobody_uses_and_empties_what_nobody_changed() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    for (name, n) in [("Old", 1), ("Changed", 2)] {
        contacts::create(&mut tx, &form(name, &format!("+1202555010{n}"))).await.expect("created");
    }
    tx.commit().await.expect("commit");
    let text = "Name,Phone,Email,Time zone\nX,+12025550101,old@x.example,America/Chicago\nX,+12025550102,changed@x.example,\n\
                New,+12025550103,,\nCalled,+12025550104,,\nEdited,+12025550105,,\nMet again,+12025550106,,\n";
    let id = ran(&w, &acme, ImportKind::Contacts, text).await;
    ran(&w, &acme, ImportKind::Contacts, "Name,Phone\nMet again,+12025550106\n").await;
    let id_of = async |phone| by_phone(&w, &acme, phone).await.expect("there").id;
    let (called, edited, changed): (ContactId, _, _) =
        (id_of("+12025550104").await, id_of("+12025550105").await, id_of("+12025550102").await);
    let mut tx = w.tx(&acme).await;
    campaign(&mut tx, called).await;
    w.clock.advance(TimeDelta::minutes(1));
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    contacts::edit(&mut tx, edited, &form("Edited by hand", "+12025550105")).await.expect("edited");
    let mine = ContactForm { email: "mine@x.example".into(), time_zone: "".into(), ..form("Changed", "+12025550102") };
    contacts::edit(&mut tx, changed, &mine).await.expect("edited");
    tx.commit().await.expect("commit");

    start_undo(&w, &acme, id).await.run(w.db.clone()).await.expect("undone");
    let over = import(&w, &acme, id).await;
    assert_eq!((over.status, over.undone), (ImportStatus::Undone, Undone { removed: 1, kept: 3, restored: 1 }));
    assert!(by_phone(&w, &acme, "+12025550103").await.is_none());
    for phone in ["+12025550104", "+12025550105", "+12025550106"] {
        assert!(by_phone(&w, &acme, phone).await.is_some(), "{phone}");
    }
    let old = by_phone(&w, &acme, "+12025550101").await.expect("there");
    assert_eq!((old.name.as_str(), old.email.as_str(), old.time_zone.as_str(), old.segment.as_str()), ("Old", "", "", ""));
    // The e-mail was changed by hand since; the segment was not, and is empty again.
    let changed = by_phone(&w, &acme, "+12025550102").await.expect("there");
    assert_eq!((changed.email.as_str(), changed.segment.as_str()), ("mine@x.example", ""));
    let told: Vec<String> = sqlx::query_scalar("select text from events where kind = 'import.undone' order by text desc")
        .fetch_all(w.tx(&acme).await.conn())
        .await
        .expect("events");
    assert_eq!(told, ["list.csv: begun", "list.csv: 1 removed, 1 restored, 3 kept because they are used"]);
    // It cannot be undone twice; the file can be imported again.
    assert!(matches!(undo(&mut w.tx(&acme).await, id).await, Err(Error::Told(model::Error::Conflict { .. }))));
    let again = checked(&w, &acme, text.as_bytes()).await;
    assert_eq!(import(&w, &acme, again).await.checked, Counts { rows: 6, created: 1, merged: 5, ..Counts::default() });
}

#[tokio::test]
async fn a_killed_undo_goes_on_and_counts_nothing_twice() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    for n in 0..5 {
        contacts::create(&mut tx, &form("Old", &format!("+1202555{n:04}"))).await.expect("created");
    }
    tx.commit().await.expect("commit");
    let id = ran(&w, &acme, ImportKind::Contacts, &people(25)).await;
    let job = start_undo(&w, &acme, id).await;
    assert!(undo_step(&w.db, acme.company, id, job.phase, 3).await.expect("step"));
    {
        let mut doomed = w.db.begin(&Actor::engine(acme.company)).await.expect("begin");
        assert!(undo_chunk(&mut doomed, id, job.phase, 3).await.expect("chunk"));
    }
    while undo_step(&w.db, acme.company, id, job.phase, 3).await.expect("step") {}
    let (one, two) = tokio::join!(job.clone().run(w.db.clone()), job.run(w.db.clone()));
    one.and(two).expect("nothing more");
    let over = import(&w, &acme, id).await;
    assert_eq!((over.status, over.undone), (ImportStatus::Undone, Undone { removed: 20, kept: 0, restored: 5 }));
    assert_eq!(contacts_of(&w, &acme, ContactFilter::default()).await.total, 5);
}

#[tokio::test]
async fn a_cancelled_import_can_be_undone_as_far_as_it_came() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = checked(&w, &acme, people(30).as_bytes()).await;
    let job = start_run(&w, &acme, id).await;
    let mut tx = w.tx(&acme).await;
    assert!(matches!(undo(&mut tx, id).await, Err(Error::Told(model::Error::Conflict { .. }))), "it runs");
    drop(tx);
    step(&w.db, acme.company, id, job.phase, 10).await.expect("step");
    let mut tx = w.tx(&acme).await;
    cancel(&mut tx, id).await.expect("cancelled");
    tx.commit().await.expect("commit");
    start_undo(&w, &acme, id).await.run(w.db.clone()).await.expect("undone");
    assert_eq!(import(&w, &acme, id).await.undone, Undone { removed: 10, ..Undone::default() });
    assert_eq!(contacts_of(&w, &acme, ContactFilter::default()).await.total, 0);
}

#[tokio::test]
async fn numbers_that_somebody_else_named_stay_on_the_list() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let phones = ["+12025550101", "+12025550102", "+12025550103", "+12025550104"];
    let text = format!("Phone\n{}\n", phones.join("\n"));
    let id = ran(&w, &acme, ImportKind::Suppressions, &text).await;
    let mut tx = w.tx(&acme).await;
    suppressions::add(&mut tx, phones[1], "asked by mail").await.expect("named by hand too");
    let taken = model::Error::from(suppressions::add(&mut tx, phones[1], "").await.expect_err("by hand already"));
    assert_eq!(taken.of_field("phone"), Some("This number is already on the list."));
    suppressions::opt_out(&mut tx, &Phone::parse(phones[2]).expect("E.164"), Source::Dtmf, "Pressed 9").await.expect("opted out");
    tx.commit().await.expect("commit");
    let other = ran(&w, &acme, ImportKind::Suppressions, &format!("Phone\n{}\n", phones[3])).await;

    start_undo(&w, &acme, id).await.run(w.db.clone()).await.expect("undone");
    assert_eq!(import(&w, &acme, id).await.undone, Undone { removed: 1, kept: 3, restored: 0 });
    let listed = async || {
        let page = suppressions::list(&mut w.tx(&acme).await, &SuppressionFilter::default()).await.expect("list");
        page.items.into_iter().map(|row| (row.phone, row.source)).collect::<BTreeSet<_>>()
    };
    let of = |n: usize, source| (phones[n].to_owned(), source);
    let expected = BTreeSet::from([of(1, Source::Manual), of(2, Source::Dtmf), of(3, Source::Import)]);
    assert_eq!(listed().await, expected);
    // The other import named its number second: it created nothing, and takes nothing out.
    let mut tx = w.tx(&acme).await;
    undo(&mut tx, other).await.expect("it met one");
    tx.commit().await.expect("commit");
    w.jobs::<UndoImport>(acme.company).await.expect("jobs").pop().expect("a job").run(w.db.clone()).await.expect("undone");
    assert_eq!(listed().await, expected);
}

#[tokio::test]
async fn every_table_that_uses_a_contact_keeps_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let catalog: Vec<(String, String)> = sqlx::query_as(
        "select con.conrelid::regclass::text, a.attname::text from pg_constraint con
         join pg_attribute a on a.attrelid = con.conrelid and a.attnum = any(con.conkey) and a.attname <> 'company_id'
         where con.contype = 'f' and con.confrelid = 'contacts'::regclass",
    )
    .fetch_all(w.tx(&acme).await.conn())
    .await
    .expect("catalog");
    let known: BTreeSet<_> = super::super::contacts::USES.iter().map(|(t, c)| ((*t).to_owned(), (*c).to_owned())).collect();
    assert_eq!(catalog.into_iter().collect::<BTreeSet<_>>(), known);
}
