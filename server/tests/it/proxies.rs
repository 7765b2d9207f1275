//! Where a request comes from: the connection's address, unless a proxy of ours speaks for somebody else.

use crate::support::{Answer, Browser, PASSWORD, Site};
use axum::body::Body;
use http::{Method, StatusCode, header};
use model::api_keys::{ApiKeyForm, Scope};
use server::Patience;
use services::api_keys;

const PROXY: [u8; 4] = [10, 0, 0, 1];
const STRANGER: [u8; 4] = [203, 0, 113, 7];
const SIGN_IN: &str = "/fn/app/auth/sign_in/sign_in";

async fn site() -> Site {
    Site::configured(Patience::default(), |config| config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a range")]).await
}

async fn sign_in(site: &Site, peer: [u8; 4], forwarded: &str, email: &str, password: &str) -> Answer {
    let request = Browser::default()
        .request(Method::POST, SIGN_IN)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header("x-forwarded-for", forwarded);
    let body = format!("email={email}&password={password}");
    Answer::read(site.send_from(peer, request.body(body.into()).expect("a request")).await).await
}

/// The addresses in the list of sessions, the newest first.
async fn addresses(site: &Site, who: &Browser) -> Vec<String> {
    let account: serde_json::Value = site.call(who, "/fn/app/account/load_account", "").await.json();
    let sessions = account["sessions"].as_array().expect("a list");
    sessions.iter().map(|session| session["ip"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn a_visitor_is_known_by_the_address_that_our_proxy_saw() {
    let site = site().await;
    let maya = site.newcomer("harbor").await;
    for (peer, forwarded) in [(PROXY, "127.0.0.1, 198.51.100.1"), (STRANGER, "198.51.100.2")] {
        site.world.clock.advance(chrono::TimeDelta::seconds(1));
        let answer = sign_in(&site, peer, forwarded, "admin%40harbor.example", PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    let mut seen = addresses(&site, &maya).await;
    seen.sort();
    assert_eq!(seen, ["198.51.100.1", "203.0.113.7", "203.0.113.7"], "nobody speaks for themself");
    let page = site.call(&maya, "/fn/app/events/list_events", r#"{"filter":{}}"#).await.text();
    assert!(page.contains("Signed in from 198.51.100.1") && !page.contains("198.51.100.2"), "{page}");
}

#[tokio::test]
async fn a_header_of_ones_own_escapes_no_limit() {
    let site = site().await;
    site.newcomer("harbor").await;
    let guess = async |peer, forwarded: &str, n: usize| {
        sign_in(&site, peer, forwarded, &format!("nobody{n}%40harbor.example"), "wrong-horse-7").await.status
    };
    for n in 0..50 {
        // Each try claims to be somebody else; the proxy adds what it saw.
        assert_eq!(guess(PROXY, &format!("198.51.100.{n}, 203.0.113.99"), n).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(guess(PROXY, "192.0.2.1, 203.0.113.99", 50).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(guess(PROXY, "192.0.2.1", 51).await, StatusCode::UNPROCESSABLE_ENTITY, "others behind the proxy go on");
    assert_eq!(
        guess(STRANGER, "203.0.113.99", 52).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "and nobody is locked out by a stranger"
    );
}

#[tokio::test]
async fn a_key_is_taken_from_where_its_owner_allows() {
    let site = site().await;
    let maya = site.newcomer("harbor").await;
    let mut tx = site.world.tx(&site.company(&maya).await).await;
    let form = ApiKeyForm {
        name: "office".to_owned(),
        scopes: Scope::ALL.to_vec(),
        addresses: "198.51.100.0/24".to_owned(),
        ..ApiKeyForm::default()
    };
    let key = api_keys::create(&mut tx, &form).await.expect("a key").secret;
    tx.commit().await.expect("commit");
    let ask = async |peer, forwarded: Option<&str>| {
        let mut request =
            Browser::default().request(Method::GET, "/api/v1/campaigns").header("authorization", format!("Bearer {key}"));
        if let Some(forwarded) = forwarded {
            request = request.header("forwarded", forwarded);
        }
        site.send_from(peer, request.body(Body::empty()).expect("a request")).await.status()
    };
    assert_ne!(ask(PROXY, Some("for=198.51.100.7")).await, StatusCode::UNAUTHORIZED);
    assert_ne!(ask([198, 51, 100, 7], None).await, StatusCode::UNAUTHORIZED);
    for (peer, forwarded) in
        [(STRANGER, Some("for=198.51.100.7")), (PROXY, Some("for=198.51.100.7, for=203.0.113.7")), (PROXY, None)]
    {
        assert_eq!(ask(peer, forwarded).await, StatusCode::UNAUTHORIZED, "{peer:?} {forwarded:?}");
    }
}
