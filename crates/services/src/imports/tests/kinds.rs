//! What else a file may be and hold: workbooks, do-not-call numbers, columns that were mapped before, rows to be mended.

use super::*;
use crate::suppressions;
use crate::suppressions::tests::{campaign, state};
use model::enrollments::EnrollmentStatus;
use model::suppressions::{Source, SuppressionFilter, SuppressionRow};
use sheets::testing::{ods, xlsx_of};

async fn listed(w: &World, someone: &Someone) -> Vec<SuppressionRow> {
    let mut rows = suppressions::list(&mut w.tx(someone).await, &SuppressionFilter::default()).await.expect("list").items;
    rows.sort_by(|a, b| a.phone.cmp(&b.phone));
    rows
}

#[tokio::test]
async fn a_workbook_is_imported_like_its_lines() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let book =
        xlsx_of(&[&["Name", "Phone"], &["Ada, first", "+12025550101"], &["", ""], &["Bo", "12"], &["Cy", "2.025550103E+9"]]);
    let id = checked(&w, &acme, &book).await;
    let dry = import(&w, &acme, id).await;
    assert_eq!(
        (dry.encoding.as_str(), dry.delimiter, dry.checked),
        ("XLSX", ',', Counts { rows: 3, created: 2, invalid: 1, ..Counts::default() })
    );
    let told = problems(&mut w.tx(&acme).await, id, Paging::default()).await.expect("problems").items;
    assert_eq!((told.len(), told[0].line), (1, 4), "lines are rows of the sheet");
    start_run(&w, &acme, id).await.run(w.db.clone()).await.expect("run");
    let mut names: Vec<_> =
        contacts_of(&w, &acme, ContactFilter::default()).await.items.into_iter().map(|row| (row.name, row.phone)).collect();
    names.sort();
    assert_eq!(names, [("Ada, first", "+12025550101"), ("Cy", "+12025550103")].map(|(a, b)| (a.to_owned(), b.to_owned())));

    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let row = |one: &str, other: &str| format!("<table:table-row>{}{}</table:table-row>", cell(one), cell(other));
    let book = ods(&(row("Name", "Phone") + &row("Di", "+12025550104")));
    let id = checked(&w, &acme, &book).await;
    assert_eq!(import(&w, &acme, id).await.checked.created, 1);
    // Nothing is left of the workbooks, and one file for each import that is not over.
    let left = std::fs::read_dir(w.db.config().data_dir.join("imports")).expect("folder");
    assert!(left.flatten().all(|file| file.path().extension().is_some_and(|end| end == "csv")));
}

#[tokio::test]
async fn phones_are_rescued_or_refused_and_never_guessed() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let text = "Name,Phone\nA,'+971501234567\nB,9.71501234567E+11\nC,9.71501E+11\nD,'971501234568\nE,+971 50 123 4569\n";
    let id = checked(&w, &acme, text.as_bytes()).await;
    let told = problems(&mut w.tx(&acme).await, id, Paging::default()).await.expect("problems").items;
    let told: Vec<_> = told.iter().map(|p| (p.line, p.value.as_str(), p.why.as_str())).collect();
    // Of two readings of a number without plus none is chosen: here it is too long for the company's own country.
    let long = "This number is too long. Numbers of another country need + and the country code.";
    assert_eq!(
        told,
        [
            (3, "9.71501234567E+11", long),
            (4, "9.71501E+11", "The spreadsheet rounded this number; export it as text."),
            (5, "'971501234568", long)
        ]
    );
    assert_eq!(import(&w, &acme, id).await.checked.created, 2);
}

#[tokio::test]
async fn numbers_of_a_file_go_on_the_do_not_call_list_and_out_of_every_queue() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let ada = ContactForm { name: "Ada".into(), phone: "+12025550101".into(), ..ContactForm::default() };
    let ada = contacts::create(&mut tx, &ada).await.expect("created");
    let spring = campaign(&mut tx, ada).await;
    suppressions::add(&mut tx, "+12025550102", "by hand").await.expect("added");
    tx.commit().await.expect("commit");

    let text = "Phone;Reason\n(202) 555-0101;asked\n+12025550102;asked\n+12025550103;\n202-555-0103;twice\n12;x\n";
    let id = checked_as(&w, &acme, ImportKind::Suppressions, text.as_bytes()).await;
    let counts = Counts { rows: 5, created: 2, merged: 1, duplicates: 1, invalid: 1 };
    assert_eq!((import(&w, &acme, id).await.checked, listed(&w, &acme).await.len()), (counts, 1));
    start_run(&w, &acme, id).await.run(w.db.clone()).await.expect("run");
    assert_eq!(import(&w, &acme, id).await.done, counts);
    let rows: Vec<_> = listed(&w, &acme).await.into_iter().map(|row| (row.phone, row.source, row.reason)).collect();
    let row = |phone: &str, source, reason: &str| (phone.to_owned(), source, reason.to_owned());
    assert_eq!(
        rows,
        [
            row("+12025550101", Source::Import, "asked"),
            row("+12025550102", Source::Manual, "by hand"),
            row("+12025550103", Source::Import, "")
        ]
    );
    assert_eq!(state(&mut w.tx(&acme).await, spring).await, (EnrollmentStatus::OptedOut, false, 1, true));
}

#[tokio::test]
async fn a_killed_import_of_suppressions_goes_on_where_it_was() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let text = people(25) + "Person 3,+12025550003\r\n";
    let id = checked_as(&w, &acme, ImportKind::Suppressions, text.as_bytes()).await;
    let job = start_run(&w, &acme, id).await;
    let first = step(&w.db, acme.company, id, job.phase, 10).await.expect("step").expect("more");
    {
        let mut doomed = w.db.begin(&Actor::engine(acme.company)).await.expect("begin");
        assert!(jobs::chunk(&mut doomed, id, job.phase, 10).await.expect("chunk") > Some(first));
    }
    let (one, two) = tokio::join!(job.clone().run(w.db.clone()), job.run(w.db.clone()));
    one.and(two).expect("run");
    let done = import(&w, &acme, id).await;
    assert_eq!(
        (done.status, done.done),
        (ImportStatus::Completed, Counts { rows: 26, created: 25, duplicates: 1, ..Counts::default() })
    );
    assert_eq!(listed(&w, &acme).await.len(), 25);
}

#[tokio::test]
async fn who_may_not_change_the_list_imports_no_numbers() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let text = b"Phone\n+12025550101\n";
    for role in Role::ALL.iter().copied().filter(|role| *role != Role::SuperAdmin) {
        let may = ImportKind::Suppressions.permissions().iter().all(|permission| role.may(*permission));
        let actor = w.member(&acme, role).await;
        assert_eq!(put_as(&w, &actor, ImportKind::Suppressions, text).await.is_ok(), may, "{role}");
    }
}

#[tokio::test]
async fn files_with_the_same_columns_are_mapped_as_the_last_one() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let text = b"Kunde,Durchwahl,Memo\nMaya,+12025550101,late\n";
    let id = put(&w, &acme.actor, text).await.expect("uploaded");
    assert_eq!(import(&w, &acme, id).await.mapping.0, [None, None, None]);
    let chosen = Mapping([Some("name"), Some("phone"), None].map(|f| f.map(str::to_owned)).to_vec());
    let mut tx = w.tx(&acme).await;
    check(&mut tx, id, &chosen, "").await.expect("checked");
    tx.commit().await.expect("commit");

    let again = put(&w, &acme.actor, b"kunde;durchwahl;MEMO\nBo;+12025550102;\n").await.expect("uploaded");
    let again = import(&w, &acme, again).await;
    assert_eq!((again.mapping, again.mapping_name.as_deref()), (chosen, Some("list")));
    let near = put(&w, &acme.actor, b"Durchwahl,Name\n+12025550103,Cy\n").await.expect("uploaded");
    let near = import(&w, &acme, near).await;
    assert_eq!((near.mapping.column("phone"), near.mapping.column("name"), near.mapping_name), (Some(0), Some(1), None));
    // Neither other kinds nor other companies learn from it.
    let other = put_as(&w, &acme.actor, ImportKind::Suppressions, b"Durchwahl\n+12025550103\n").await.expect("uploaded");
    assert_eq!(import(&w, &acme, other).await.mapping.0, [None]);
    let other = put(&w, &birch.actor, text).await.expect("uploaded");
    assert_eq!(import(&w, &birch, other).await.mapping.0, [None, None, None]);
}

#[tokio::test]
async fn refused_rows_come_back_as_they_were_with_the_reason() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let text = "Name,Phone,Memo\nMaya,+12025550101,fine\n=Bo,12,\"a \"\"b\"\"\nc\"\n,+12025550102\n";
    let id = checked(&w, &acme, text.as_bytes()).await;
    let (name, file) = rejected(&mut w.tx(&acme).await, id).await.expect("a file");
    assert_eq!(name, "list refused.csv");
    assert_eq!(
        file,
        "Name,Phone,Memo,Line,Problem\n\
         '=Bo,12,\"a \"\"b\"\"\nc\",3,Phone: This number is too short.\n\
         ,'+12025550102,,5,Name: Enter a name.\n"
    );
    // Mended, it can be imported: the apostrophes go again.
    let mended = file.replace(",12,", ",+12025550103,").replace("\n,'", "\nCy,'");
    let id = checked(&w, &acme, mended.as_bytes()).await;
    assert_eq!(import(&w, &acme, id).await.checked.created, 2);
    start_run(&w, &acme, id).await.run(w.db.clone()).await.expect("run");
    let names: Vec<_> = contacts_of(&w, &acme, ContactFilter::default()).await.items.into_iter().map(|row| row.name).collect();
    assert!(names.contains(&"=Bo".to_owned()) && names.contains(&"Cy".to_owned()), "{names:?}");
}
