//! Files in: raw from the Import dialog, as a form without JavaScript. What a file may contain is tested in `services`.

use crate::support::{Answer, Browser, Site};
use axum::body::Body;
use http::{Method, StatusCode, header};
use model::Error;
use model::id::ImportId;
use services::imports;

const FILE: &str = "name,phone\nAda,+12025550123\n";
const BOUNDARY: &str = "belfry";

async fn raw(site: &Site, who: &Browser, query: &str, body: impl Into<Body>) -> Answer {
    let request = who.request(Method::POST, &format!("/imports/upload?{query}")).header("sec-fetch-site", "same-origin");
    Answer::read(site.send(request.body(body.into()).expect("a request")).await).await
}

async fn form(site: &Site, who: &Browser, parts: &[(&str, &str)]) -> Answer {
    let part =
        |(head, value): &(&str, &str)| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n");
    let body = parts.iter().map(part).collect::<String>() + &format!("--{BOUNDARY}--\r\n");
    let request = who
        .request(Method::POST, "/imports/upload-form")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
    Answer::read(site.send(request.body(body.into()).expect("a request")).await).await
}

async fn name_of(site: &Site, who: &Browser, id: ImportId) -> String {
    let caller = services::accounts::resolve(&site.world.db, who.token()).await.expect("database").expect("a session");
    let mut tx = site.world.db.begin(&caller.actor).await.expect("begin");
    imports::load(&mut tx, id).await.expect("the import").file_name
}

#[tokio::test]
async fn a_raw_file_becomes_an_import_of_its_company() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let answer = raw(&site, &maya, "kind=contacts&name=people%20of%20May.csv", FILE).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let id = answer.json::<serde_json::Value>()["id"].as_str().expect("an id").parse().expect("an import id");
    assert_eq!(name_of(&site, &maya, id).await, "people of May.csv");
}

#[tokio::test]
async fn a_form_leads_to_the_page_of_its_import() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let file = ("name=\"file\"; filename=\"people.csv\"", FILE);
    for parts in [&[file][..], &[("name=\"kind\"", "contacts"), file]] {
        let answer = form(&site, &maya, parts).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let id = answer.header("location").strip_prefix("/imports/").expect("the page").parse().expect("an import id");
        assert_eq!(name_of(&site, &maya, id).await, "people.csv");
    }
}

#[tokio::test]
async fn what_is_no_file_is_refused_with_a_reason() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    for parts in [&[][..], &[("name=\"file\"; filename=\"\"", "")], &[("name=\"kind\"", "planets")]] {
        let answer = form(&site, &maya, parts).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert!(matches!(answer.json(), Error::Invalid { .. }));
    }
    assert_eq!(raw(&site, &maya, "kind=planets&name=a.csv", FILE).await.status, StatusCode::BAD_REQUEST);
    assert!(raw(&site, &maya, "kind=contacts&name=a.csv", "").await.status.is_client_error(), "an empty file");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_read_at_all() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let request = maya
        .request(Method::POST, "/imports/upload?kind=contacts&name=a.csv")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_LENGTH, 1_000_000_000);
    let answer = Answer::read(site.send(request.body(Body::from(FILE)).expect("a request")).await).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_viewer_uploads_nothing() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let viewer = site.viewer(&maya).await;
    assert_eq!(raw(&site, &viewer, "kind=contacts&name=a.csv", FILE).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_workbook_is_read_whatever_it_is_called() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let book = sheets::testing::xlsx_of(&[&["name", "phone"], &["Ada", "+12025550123"]]);
    for name in ["people.xlsx", "people.csv", "people"] {
        let answer = raw(&site, &maya, &format!("kind=contacts&name={name}"), book.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
    }
    let cut = book[..book.len() / 2].to_vec();
    let refused = raw(&site, &maya, "kind=contacts&name=people.xlsx", cut).await;
    assert!(matches!(refused.json(), Error::Invalid { fields } if fields["file"].contains("damaged")));
}

#[tokio::test]
async fn a_table_can_be_pasted() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let parts = [
        ("name=\"kind\"", "suppressions"),
        ("name=\"file\"; filename=\"\"", ""),
        ("name=\"text\"", "phone\treason\r\n+12025550123\tasked\r\n"),
    ];
    let answer = form(&site, &maya, &parts).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let page = site.visit(&maya, answer.header("location")).await;
    assert!(page.text().contains("pasted.tsv") && page.text().contains("Suppressions"), "{}", page.text());
    assert!(!page.text().contains("app.js"), "a plain page");
}

#[tokio::test]
async fn a_page_is_led_back_with_the_problem() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nsuppressions\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nphone\r\n--{BOUNDARY}--\r\n"
    );
    let request = maya
        .request(Method::POST, "/imports/upload-form")
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer = Answer::read(site.send(request.body(body.into()).expect("a request")).await).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert!(answer.header("location").starts_with("/imports/new?kind=suppressions&"), "{}", answer.header("location"));
    let page = site.visit(&maya, answer.header("location")).await;
    assert!(page.text().contains("The file has a header and no rows."), "{}", page.text());
}

#[tokio::test]
async fn refused_rows_go_home_as_a_file() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let answer = raw(&site, &maya, "kind=contacts&name=a%22b.csv", "name,phone,notes\nAda,12,=1+1\n").await;
    let id: ImportId = answer.json::<serde_json::Value>()["id"].as_str().expect("an id").parse().expect("an import id");
    let path = format!("/imports/{id}/refused");
    assert_eq!(site.get(&maya, &path).await.text(), "name,phone,notes,Line,Problem\n");
    let caller = services::accounts::resolve(&site.world.db, maya.token()).await.expect("database").expect("a session");
    let mut tx = site.world.db.begin(&caller.actor).await.expect("begin");
    let mapping = imports::load(&mut tx, id).await.expect("load").mapping;
    imports::check(&mut tx, id, &mapping, "").await.expect("check");
    tx.commit().await.expect("commit");
    let job = site.world.jobs::<imports::jobs::CheckImport>(caller.actor.company()).await.expect("jobs").remove(0);
    services::jobs::Job::run(job, site.world.db.clone()).await.expect("checked");
    let file = site.get(&maya, &path).await;
    assert_eq!(file.text(), "name,phone,notes,Line,Problem\nAda,12,'=1+1,2,Phone: This number is too short.\n");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"ab refused.csv\"");
    let other = site.newcomer("other").await;
    assert_eq!(site.get(&other, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&site.viewer(&maya).await, &path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.get(&Browser::default(), &path).await.status, StatusCode::UNAUTHORIZED);
}
