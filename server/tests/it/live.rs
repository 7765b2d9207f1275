//! The live stream: a company's screens hear their own changes and nobody else's.

use crate::support::{Browser, Site};
use axum::body::Body;
use axum::response::Response;
use futures::StreamExt;
use http::{Method, StatusCode};
use model::companies::CompanyType;
use server::Patience;
use services::accounts;
use std::time::Duration;

/// Far longer than a notice takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

async fn open(site: &Site, who: &Browser) -> Response {
    let response = site.send(who.request(Method::GET, "/live").body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

/// Reads until the stream has said `event`, and returns everything it said.
async fn hear(stream: &mut axum::body::BodyDataStream, event: &str) -> String {
    let mut heard = String::new();
    let listening = async {
        while !heard.contains(&format!("event: {event}\n")) {
            let chunk = stream.next().await.expect("the stream goes on").expect("bytes");
            heard.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    };
    let waited = tokio::time::timeout(PATIENCE, listening).await;
    assert!(waited.is_ok(), "no {event} in {heard:?}");
    heard
}

async fn change(site: &Site, who: &Browser) {
    let caller = accounts::resolve(&site.world.db, who.token()).await.expect("database").expect("a session");
    let mut tx = site.world.db.begin(&caller.actor).await.expect("begin");
    accounts::choose_type(&mut tx, CompanyType::Healthcare).await.expect("a change");
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn a_change_is_heard_by_its_own_company_only() {
    let site = Site::new().await;
    let (acme, other) = (site.newcomer("acme").await, site.newcomer("other").await);
    let mut at_acme = open(&site, &acme).await.into_body().into_data_stream();
    let mut at_other = open(&site, &other).await.into_body().into_data_stream();
    change(&site, &acme).await;
    hear(&mut at_acme, "settings").await;
    // A change of its own marks the end of what the other company may have heard before.
    change(&site, &other).await;
    let heard = hear(&mut at_other, "events").await;
    assert_eq!(heard.matches("event: settings\n").count(), 1, "{heard:?}");
}

#[tokio::test]
async fn a_browser_that_returns_reads_everything_again() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let request = acme.request(Method::GET, "/live").header("last-event-id", "1").body(Body::empty());
    let mut stream = site.send(request.expect("a request")).await.into_body().into_data_stream();
    hear(&mut stream, "resync").await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let site = Site::patient(Patience { stream_look: Duration::from_millis(20), ..Patience::default() }).await;
    let acme = site.newcomer("acme").await;
    let mut stream = open(&site, &acme).await.into_body().into_data_stream();
    hear(&mut stream, "hello").await;
    change(&site, &acme).await;
    hear(&mut stream, "settings").await;
    accounts::sign_out(&site.world.db, acme.token()).await.expect("signed out");
    let ending = async { while stream.next().await.is_some() {} };
    assert!(tokio::time::timeout(PATIENCE, ending).await.is_ok(), "the stream goes on without a session");
}
