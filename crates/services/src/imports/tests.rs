//! Imports from upload to the last row: bad files, resumption, races, cancelling.

mod kinds;
mod orders;
mod undo;

use super::jobs::{CheckImport, RunImport, step};
use super::*;
use crate::contacts;
use crate::error::Error;
use crate::jobs::Job;
use crate::testing::{Someone, World};
use futures::stream;
use model::accounts::Role;
use model::contacts::{ContactFilter, ContactForm};
use model::imports::Counts;
use std::convert::Infallible;

async fn put(w: &World, who: &Actor, text: &[u8]) -> Result<ImportId> {
    put_as(w, who, ImportKind::Contacts, text).await
}

async fn put_as(w: &World, who: &Actor, kind: ImportKind, text: &[u8]) -> Result<ImportId> {
    let pieces: Vec<_> = text.chunks(1_000).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
    upload(&w.db, who, kind, "C:\\fakepath\\list.csv", stream::iter(pieces)).await
}

async fn import(w: &World, someone: &Someone, id: ImportId) -> Import {
    load(&mut w.tx(someone).await, id).await.expect("load")
}

/// Starts the dry run with the guessed columns; returns its job.
async fn start_check(w: &World, someone: &Someone, id: ImportId) -> CheckImport {
    let mut tx = w.tx(someone).await;
    let mapping = load(&mut tx, id).await.expect("load").mapping;
    check(&mut tx, id, &mapping, "spring").await.expect("check");
    tx.commit().await.expect("commit");
    CheckImport { company: someone.company, import: id, phase: phase(w, someone, id).await, from: 0 }
}

async fn start_run(w: &World, someone: &Someone, id: ImportId) -> RunImport {
    let mut tx = w.tx(someone).await;
    run(&mut tx, id).await.expect("run");
    tx.commit().await.expect("commit");
    RunImport { company: someone.company, import: id, phase: phase(w, someone, id).await, from: 0 }
}

async fn phase(w: &World, someone: &Someone, id: ImportId) -> i32 {
    repo::find(&mut w.tx(someone).await, id).await.expect("find").expect("there").phase
}

/// Uploads and checks.
async fn checked(w: &World, someone: &Someone, text: &[u8]) -> ImportId {
    checked_as(w, someone, ImportKind::Contacts, text).await
}

async fn checked_as(w: &World, someone: &Someone, kind: ImportKind, text: &[u8]) -> ImportId {
    let id = put_as(w, &someone.actor, kind, text).await.expect("uploaded");
    start_check(w, someone, id).await.run(w.db.clone()).await.expect("checked");
    id
}

async fn contacts_of(w: &World, someone: &Someone, filter: ContactFilter) -> Page<model::contacts::ContactRow> {
    contacts::list(&mut w.tx(someone).await, &filter).await.expect("list")
}

/// `rows` people, +1 202 555 0000 upwards.
fn people(rows: usize) -> String {
    (0..rows).fold("Name,Phone\r\n".to_owned(), |text, i| text + &format!("Person {i},+1202555{i:04}\r\n"))
}

const MIXED: &str = "Name;Phone;Email;Time zone;Shoe size
Maya;(202) 555-0101;maya@pine.example;America/Chicago;38
Bo;202-555-0102;;;42
Bo again;+1 202 555 0102;;;42
Old friend;+12025550103;old@friend.example;;40
Broken;12;nowhere;Mars/Olympus;1
;+12025550104;;;
";

#[tokio::test]
async fn a_file_is_checked_and_then_brought_in() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let old = ContactForm { name: "Old".into(), phone: "+12025550103".into(), ..ContactForm::default() };
    let old = contacts::create(&mut tx, &old).await.expect("created");
    tx.commit().await.expect("commit");

    let id = put(&w, &acme.actor, MIXED.as_bytes()).await.expect("uploaded");
    let pending = import(&w, &acme, id).await;
    assert_eq!((pending.status, pending.file_name.as_str(), pending.delimiter), (ImportStatus::Pending, "list.csv", ';'));
    assert_eq!((pending.headers.len(), pending.samples.len(), pending.mapping.column("time_zone")), (5, 5, Some(3)));

    start_check(&w, &acme, id).await.run(w.db.clone()).await.expect("checked");
    let expected = Counts { rows: 6, created: 2, merged: 1, duplicates: 1, invalid: 2 };
    let dry = import(&w, &acme, id).await;
    assert_eq!((dry.status, dry.checked, dry.bytes_done), (ImportStatus::Checked, expected, dry.file_bytes));
    assert_eq!(contacts_of(&w, &acme, ContactFilter::default()).await.total, 1, "a dry run writes nobody");
    let told = problems(&mut w.tx(&acme).await, id, Paging::default()).await.expect("problems");
    let told: Vec<_> = told.items.iter().map(|p| (p.line, p.field.as_str())).collect();
    assert_eq!(told, [(6, "email"), (6, "phone"), (6, "time_zone"), (7, "name")]);

    w.listens(&acme).await.expect("an endpoint");
    start_run(&w, &acme, id).await.run(w.db.clone()).await.expect("run");
    let done = import(&w, &acme, id).await;
    assert_eq!((done.status, done.done, done.percent()), (ImportStatus::Completed, expected, 100));
    let heard = w.told(acme.company).await.expect("told");
    assert_eq!((heard.len(), heard[0]["importId"].as_str()), (1, Some(&*id.to_string())));
    assert_eq!(heard[0]["rows"], serde_json::json!({"created": 2, "merged": 1, "duplicates": 1, "invalid": 2}));
    let mut tx = w.tx(&acme).await;
    let merged = contacts::load(&mut tx, old).await.expect("load");
    assert_eq!((merged.name.as_str(), merged.email.as_str(), merged.segment.as_str()), ("Old", "old@friend.example", "spring"));
    let met = contacts::list(&mut tx, &ContactFilter { import: Some(id), ..ContactFilter::default() }).await.expect("list");
    assert_eq!(met.total, 3);
}

#[tokio::test]
async fn a_killed_run_goes_on_where_it_was_and_counts_nothing_twice() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let text = people(25) + "Person 3,+12025550003\r\nNobody,\r\n";
    let id = put(&w, &acme.actor, text.as_bytes()).await.expect("uploaded");
    let phase = start_check(&w, &acme, id).await.phase;
    let mut steps = 0;
    while step(&w.db, acme.company, id, phase, 10).await.expect("step").is_some() {
        steps += 1;
    }
    assert_eq!(steps, 2);
    let job = start_run(&w, &acme, id).await;
    let first = step(&w.db, acme.company, id, job.phase, 10).await.expect("step").expect("more");
    {
        // The kill: a chunk did everything but commit.
        let mut doomed = w.db.begin(&Actor::engine(acme.company)).await.expect("begin");
        let next = jobs::chunk(&mut doomed, id, job.phase, 10).await.expect("chunk");
        assert!(next > Some(first));
    }
    assert_eq!(import(&w, &acme, id).await.bytes_done, first);
    // Redelivered twice, by two workers at once.
    let (one, two) = tokio::join!(job.clone().run(w.db.clone()), job.clone().run(w.db.clone()));
    one.and(two).expect("run");
    let done = import(&w, &acme, id).await;
    let expected = Counts { rows: 27, created: 25, merged: 0, duplicates: 1, invalid: 1 };
    assert_eq!((done.status, done.done, done.checked), (ImportStatus::Completed, expected, expected));
    assert_eq!(done.bytes_done, done.file_bytes);
    assert_eq!(problems(&mut w.tx(&acme).await, id, Paging::default()).await.expect("problems").items[0].line, 28);
    assert_eq!(contacts_of(&w, &acme, ContactFilter::default()).await.total, 25);
    job.run(w.db.clone()).await.expect("again");
    assert_eq!(import(&w, &acme, id).await.done, expected);
}

#[tokio::test]
async fn two_imports_of_the_same_people_create_each_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let forwards = people(300);
    let mut backwards: Vec<&str> = forwards.lines().collect();
    backwards[1..].reverse();
    let (one, two) = (checked(&w, &acme, forwards.as_bytes()).await, checked(&w, &acme, backwards.join("\n").as_bytes()).await);
    let (one_job, two_job) = (start_run(&w, &acme, one).await, start_run(&w, &acme, two).await);
    let through = async |id, phase| while step(&w.db, acme.company, id, phase, 50).await.expect("no deadlock").is_some() {};
    tokio::join!(through(one, one_job.phase), through(two, two_job.phase));
    let (one, two) = (import(&w, &acme, one).await.done, import(&w, &acme, two).await.done);
    assert_eq!((one.created + two.created, one.merged + two.merged), (300, 300));
    assert_eq!(contacts_of(&w, &acme, ContactFilter::default()).await.total, 300);
}

#[tokio::test]
async fn a_cancelled_import_stops_at_once_and_keeps_what_is_in() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = checked(&w, &acme, people(30).as_bytes()).await;
    let job = start_run(&w, &acme, id).await;
    step(&w.db, acme.company, id, job.phase, 10).await.expect("step");
    let mut tx = w.tx(&acme).await;
    cancel(&mut tx, id).await.expect("cancelled");
    tx.commit().await.expect("commit");
    job.run(w.db.clone()).await.expect("nothing to do");
    let stopped = import(&w, &acme, id).await;
    assert_eq!((stopped.status, stopped.done.created), (ImportStatus::Cancelled, 10));
    let mut tx = w.tx(&acme).await;
    for refused in [cancel(&mut tx, id).await.err(), run(&mut tx, id).await.err()] {
        assert!(matches!(refused, Some(Error::Told(model::Error::Conflict { .. }))));
    }
    jobs::ForgetFile { company: acme.company, import: id }.run(w.db.clone()).await.expect("forgotten");
    assert!(!files::path(w.db.config(), id).exists());
}

#[tokio::test]
async fn columns_can_be_mapped_again_after_a_dry_run() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = put(&w, &acme.actor, b"Name,Phone,Work\nMaya,12,+12025550101\n").await.expect("uploaded");
    let first = start_check(&w, &acme, id).await;
    first.clone().run(w.db.clone()).await.expect("checked");
    let mut tx = w.tx(&acme).await;
    let refused = run(&mut tx, id).await.expect_err("nothing good");
    assert!(matches!(&refused, Error::Told(model::Error::Conflict { why }) if why.contains("No row")), "{refused}");
    let mapping = Mapping(vec![Some("name".into()), None, Some("phone".into())]);
    check(&mut tx, id, &mapping, "").await.expect("again");
    tx.commit().await.expect("commit");
    first.run(w.db.clone()).await.expect("the first phase is over");
    assert_eq!(import(&w, &acme, id).await.status, ImportStatus::Validating);
    let second = CheckImport { company: acme.company, import: id, phase: phase(&w, &acme, id).await, from: 0 };
    second.run(w.db.clone()).await.expect("checked");
    assert_eq!(import(&w, &acme, id).await.checked, Counts { rows: 1, created: 1, ..Counts::default() });
    assert_eq!(problems(&mut w.tx(&acme).await, id, Paging::default()).await.expect("problems").total, 0);
}

#[tokio::test]
async fn a_bad_mapping_is_refused_by_field() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = put(&w, &acme.actor, b"Name,E-mail\nMaya,maya@pine.example\n").await.expect("uploaded");
    let mut tx = w.tx(&acme).await;
    let guess = load(&mut tx, id).await.expect("load").mapping;
    let missing = model::Error::from(check(&mut tx, id, &guess, "").await.expect_err("no phone"));
    assert_eq!(missing.of_field("phone"), Some("Choose the column that holds phone."));
    let wide = Mapping(vec![Some("name".into()), Some("phone".into()), None]);
    assert!(model::Error::from(check(&mut tx, id, &wide, "").await.expect_err("wide")).of_field("mapping").is_some());
    let fits = Mapping(vec![Some("name".into()), Some("phone".into())]);
    let long = model::Error::from(check(&mut tx, id, &fits, &"x".repeat(61)).await.expect_err("long"));
    assert!(long.of_field("segment").is_some());
    check(&mut tx, id, &fits, &"x".repeat(60)).await.expect("at the limit");
    assert!(matches!(check(&mut tx, id, &fits, "").await, Err(Error::Told(model::Error::Conflict { .. }))));
}

#[tokio::test]
async fn a_refused_or_broken_upload_leaves_nothing_behind() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for (text, part) in [
        (b"".as_slice(), "empty"),
        (b"Name,Phone,Name\nA,1,B\n", "both called"),
        (b"PK\x03\x04rest of a workbook", "workbook"),
        (b"Name,Phone\nJos\xc3\xa9,1\nJos\xe9,2\n", "Line 3 is not valid UTF-8"),
    ] {
        let error = model::Error::from(put(&w, &acme.actor, text).await.expect_err("refused"));
        assert!(error.of_field("file").is_some_and(|why| why.contains(part)), "{error}");
    }
    // A gigabyte in one line, if anybody would read it.
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(vec![b'x'; 8_192]));
    let error = upload(&w.db, &acme.actor, ImportKind::Contacts, "x.csv", endless).await.expect_err("refused");
    assert!(error.to_string().contains("longer than 64 KB"), "{error}");
    let broken = stream::iter([Ok(b"Name,Phone\nA,1\n".to_vec()), Err("connection reset")]);
    let error = upload(&w.db, &acme.actor, ImportKind::Contacts, "x.csv", broken).await.expect_err("broken");
    assert!(error.to_string().contains("broke off"), "{error}");
    let left = std::fs::read_dir(w.db.config().data_dir.join("imports")).expect("folder").count();
    assert_eq!(left, 0);
    assert_eq!(list(&mut w.tx(&acme).await, &ImportFilter::default()).await.expect("list").total, 0);
}

#[tokio::test]
async fn a_file_that_vanished_fails_the_import_with_a_reason() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = checked(&w, &acme, people(3).as_bytes()).await;
    let job = start_run(&w, &acme, id).await;
    std::fs::remove_file(files::path(w.db.config(), id)).expect("removed");
    job.run(w.db.clone()).await.expect("handled");
    let failed = import(&w, &acme, id).await;
    assert_eq!(
        (failed.status, failed.failure.as_deref()),
        (ImportStatus::Failed, Some("The uploaded file is gone. Upload it again."))
    );
    let failed = ImportFilter { status: Some(ImportStatus::Failed), ..ImportFilter::default() };
    assert_eq!(list(&mut w.tx(&acme).await, &failed).await.expect("list").total, 1);
}

#[tokio::test]
async fn a_wrong_character_late_in_a_large_file_is_found_before_anything_is_stored() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let text = [people(5_000).as_bytes(), b"Jos\xc3\xa9,+12025559998\r\nJos\xe9,+12025559999\r\n"].concat();
    let error = put(&w, &acme.actor, &text).await.expect_err("refused");
    assert!(error.to_string().starts_with("Line 5003 is not valid UTF-8"), "{error}");
}

#[tokio::test]
async fn roles_and_other_companies_see_no_imports() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let id = checked(&w, &acme, people(2).as_bytes()).await;
    let viewer = w.member(&acme, Role::Viewer).await;
    let is_forbidden = |e: Option<Error>| matches!(e, Some(Error::Told(model::Error::Forbidden { .. })));
    assert!(is_forbidden(put(&w, &viewer, b"a,b\n1,2\n").await.err()));
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert!(is_forbidden(load(&mut tx, id).await.err()));
    assert!(is_forbidden(list(&mut tx, &ImportFilter::default()).await.err()));
    assert!(is_forbidden(check(&mut tx, id, &Mapping::default(), "").await.err()));
    assert!(is_forbidden(run(&mut tx, id).await.err()));
    assert!(is_forbidden(cancel(&mut tx, id).await.err()));
    assert!(is_forbidden(problems(&mut tx, id, Paging::default()).await.err()));
    assert!(is_forbidden(undo(&mut tx, id).await.err()));
    assert!(is_forbidden(rejected(&mut tx, id).await.err()));

    let mut tx = w.tx(&birch).await;
    let is_missing = |e: Option<Error>| matches!(e, Some(Error::Told(model::Error::NotFound { .. })));
    assert_eq!(list(&mut tx, &ImportFilter::default()).await.expect("list").total, 0);
    assert!(is_missing(load(&mut tx, id).await.err()));
    assert!(is_missing(check(&mut tx, id, &Mapping::default(), "").await.err()));
    assert!(is_missing(run(&mut tx, id).await.err()));
    assert!(is_missing(cancel(&mut tx, id).await.err()));
    assert!(is_missing(problems(&mut tx, id, Paging::default()).await.err()));
    assert!(is_missing(undo(&mut tx, id).await.err()));
    assert!(is_missing(rejected(&mut tx, id).await.err()));
    drop(tx);
    // A job that names the wrong company finds nothing to do.
    let job = start_run(&w, &acme, id).await;
    RunImport { company: birch.company, ..job }.run(w.db.clone()).await.expect("nothing");
    assert_eq!(import(&w, &acme, id).await.done.rows, 0);
}

#[tokio::test]
async fn jobs_are_enqueued_with_the_verb_and_handed_over_with_a_new_key() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = put(&w, &acme.actor, people(2).as_bytes()).await.expect("uploaded");
    let job = start_check(&w, &acme, id).await;
    let waiting: i64 =
        sqlx::query_scalar("select count(*) from apalis.jobs where job_type = 'check_import' and idempotency_key = $1")
            .bind(job.key())
            .fetch_one(w.tx(&acme).await.conn())
            .await
            .expect("count");
    assert_eq!(waiting, 1);
    assert_ne!(CheckImport { from: 7, ..job.clone() }.key(), job.key());
}

#[tokio::test]
async fn administrators_are_told_when_a_file_is_in_and_when_it_failed() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = checked(&w, &acme, people(2).as_bytes()).await;
    assert_eq!(w.jobs::<crate::notices::MailNotice>(acme.company).await.expect("jobs").len(), 0, "a dry run is watched");
    start_run(&w, &acme, id).await.run(w.db.clone()).await.expect("done");
    let failed = put(&w, &acme.actor, b"Name,Phone\nAda,+12025550123\n").await.expect("uploaded");
    let job = start_check(&w, &acme, failed).await;
    std::fs::remove_dir_all(&w.db.config().data_dir).expect("the file is gone");
    job.run(w.db.clone()).await.expect("failed for good");
    let mut told: Vec<String> = sqlx::query_scalar("select facts ->> 'facts' from notices where kind = 'import_done'")
        .fetch_all(w.tx(&acme).await.conn())
        .await
        .expect("notices");
    told.sort();
    assert_eq!(
        told,
        [
            r#"[["file", "list.csv"], ["result", "2 created, 0 merged, 0 duplicates, 0 left out"]]"#,
            r#"[["file", "list.csv"], ["result", "The uploaded file is gone. Upload it again."]]"#,
        ]
    );
}
