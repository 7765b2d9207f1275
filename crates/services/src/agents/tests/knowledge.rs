//! What agents know: drafts, versions, limits, and walls between companies. How it gets to providers is in
//! `server/tests/it/knowledge.rs`.

use super::*;
use crate::agents::knowledge::{self, add_document, add_file, documents, remove_document};
use model::agents::{DOCUMENT_BYTES_MAX, DOCUMENTS_MAX, DocumentKind, NewDocument};
use model::id::DocumentId;

fn text(name: &str) -> NewDocument {
    NewDocument { name: name.into(), text: "Bread costs three. خبز".into(), ..NewDocument::default() }
}

/// Name, is it published, does it go.
async fn known(tx: &mut Tx, agent: AgentId) -> Vec<(String, bool, bool)> {
    let rows = documents(tx, agent).await.expect("listed").documents;
    rows.into_iter().map(|row| (row.name, row.published, row.removed)).collect()
}

fn row(name: &str, published: bool, removed: bool) -> (String, bool, bool) {
    (name.to_owned(), published, removed)
}

fn problem_of(answer: Result<DocumentId>) -> String {
    match answer {
        Err(Error::Told(model::Error::Invalid { fields })) => fields.into_keys().collect(),
        Err(Error::Told(model::Error::Conflict { .. })) => "conflict".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_document_is_known_from_the_next_version_on_and_until_the_next_after_it_goes() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let agent = create(&mut tx, &form("Nora")).await.expect("agent");
    let bread = add_document(&mut tx, agent, &text("Bread")).await.expect("added");
    publish(&mut tx, agent).await.expect("published");
    add_file(&mut tx, agent, "C:\\shop\\cakes.csv", b"\xef\xbb\xbfcake,5").await.expect("added");
    assert_eq!(known(&mut tx, agent).await, [row("Bread", true, false), row("cakes.csv", false, false)]);
    publish(&mut tx, agent).await.expect("published");
    assert_eq!(versions(&mut tx, agent).await, 2, "the script is the same, and what it knows is not");
    publish(&mut tx, agent).await.expect("published");
    assert_eq!(versions(&mut tx, agent).await, 2, "nothing changed");
    assert_eq!(remove_document(&mut tx, bread).await.expect("removed"), agent);
    assert_eq!(known(&mut tx, agent).await, [row("Bread", true, true), row("cakes.csv", true, false)]);
    assert!(remove_document(&mut tx, bread).await.is_err(), "once");
    publish(&mut tx, agent).await.expect("published");
    assert_eq!((known(&mut tx, agent).await, versions(&mut tx, agent).await), (vec![row("cakes.csv", true, false)], 3));
    let old = knowledge::of_version(&mut tx, agent, 2).await.expect("an old version");
    assert_eq!(old.into_iter().map(|(_, document)| document.name).collect::<Vec<_>>(), ["Bread", "cakes.csv"]);
    let new = knowledge::of_version(&mut tx, agent, 3).await.expect("the new one").remove(0).1.content;
    let (file_name, content_type, bytes) = ("cakes.csv".into(), "text/csv".into(), b"cake,5".to_vec());
    assert_eq!(new, providers::Content::File { file_name, content_type, bytes }, "without the mark of its encoding");
}

#[tokio::test]
async fn a_page_is_kept_as_its_address() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let agent = create(&mut tx, &form("Nora")).await.expect("agent");
    let page = NewDocument { text: String::new(), address: " https://bakery.example/prices ".into(), ..text("Prices") };
    add_document(&mut tx, agent, &page).await.expect("added");
    let row = documents(&mut tx, agent).await.expect("listed").documents.remove(0);
    assert_eq!((row.kind, row.address.as_deref()), (DocumentKind::Page, Some("https://bakery.example/prices")));
    publish(&mut tx, agent).await.expect("published");
    let (_, document) = knowledge::of_version(&mut tx, agent, 1).await.expect("version").remove(0);
    assert_eq!(document.content, providers::Content::Url("https://bakery.example/prices".into()));
}

#[tokio::test]
async fn files_are_texts_of_a_mebibyte_and_an_agent_has_fifty() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let agent = create(&mut tx, &form("Nora")).await.expect("agent");
    let most = vec![b'a'; DOCUMENT_BYTES_MAX];
    add_file(&mut tx, agent, "most.txt", &most).await.expect("as much as fits");
    let more = [most.as_slice(), b"a"].concat();
    for (name, bytes) in [
        ("more.txt", more.as_slice()),
        ("word.docx", b"PK"),
        ("latin.txt", b"caf\xe9"),
        ("empty.md", b" \n"),
        ("binary.csv", b"a\0b"),
    ] {
        assert_eq!(problem_of(add_file(&mut tx, agent, name, bytes).await), "file", "{name}");
    }
    let long = format!("{}.md", "n".repeat(200));
    let id = add_file(&mut tx, agent, &long, b"a").await.expect("a long name");
    let name =
        documents(&mut tx, agent).await.expect("listed").documents.into_iter().find(|row| row.id == id).expect("there").name;
    assert!(name.len() == 80 && name.ends_with(".md"), "{name}");
    for n in 2..DOCUMENTS_MAX {
        add_document(&mut tx, agent, &text(&format!("Number {n}"))).await.expect("added");
    }
    assert_eq!(problem_of(add_document(&mut tx, agent, &text("One more")).await), "conflict");
    remove_document(&mut tx, id).await.expect("removed");
    add_document(&mut tx, agent, &text("One more")).await.expect("there is room again");
}

#[tokio::test]
async fn other_companies_and_lookers_on_change_nothing() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let mut tx = w.tx(&acme).await;
    let agent = create(&mut tx, &form("Nora")).await.expect("agent");
    let id = add_document(&mut tx, agent, &text("Bread")).await.expect("added");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&birch).await;
    let not_found = |error: &Error| matches!(error, Error::Told(model::Error::NotFound { .. }));
    assert!(not_found(&documents(&mut tx, agent).await.expect_err("another company's")));
    assert!(not_found(&add_document(&mut tx, agent, &text("Cake")).await.expect_err("another company's")));
    assert!(not_found(&remove_document(&mut tx, id).await.expect_err("another company's")));
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    let seen = documents(&mut tx, agent).await.expect("seen");
    assert_eq!((seen.documents.len(), seen.editable), (1, false));
    let forbidden = |error: &Error| matches!(error, Error::Told(model::Error::Forbidden { .. }));
    assert!(forbidden(&add_document(&mut tx, agent, &text("Cake")).await.expect_err("a viewer")));
    assert!(forbidden(&add_file(&mut tx, agent, "a.txt", b"a").await.expect_err("a viewer")));
    assert!(forbidden(&remove_document(&mut tx, id).await.expect_err("a viewer")));
    let mut tx = w.tx(&acme).await;
    archive(&mut tx, agent).await.expect("archived");
    assert_eq!(problem_of(add_document(&mut tx, agent, &text("Cake")).await), "conflict");
    assert!(!documents(&mut tx, agent).await.expect("seen").editable);
}
