//! Sign-up and sessions at the doors. What the verbs themselves do is tested beside them.

use crate::support::{Answer, Browser, Site};
use axum::body::Body;
use http::{Method, StatusCode, header};

#[tokio::test]
async fn a_session_opens_what_nobody_may_see_and_ends_with_sign_out() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let stream = site.send(maya.request(Method::GET, "/live").body(Body::empty()).expect("a request")).await;
    assert_eq!(stream.status(), StatusCode::OK);
    let token = maya.cookie.as_deref().and_then(|c| c.strip_prefix("sid=")).expect("a cookie");
    services::accounts::sign_out(&site.world.db, token).await.expect("sign out");
    assert_eq!(site.get(&maya, "/live").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_made_up_cookie_is_nobody() {
    let site = Site::new().await;
    for cookie in ["sid=", "sid=x", "sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "__Host-sid=x"] {
        let stranger = Browser { cookie: Some(cookie.to_owned()) };
        assert_eq!(site.get(&stranger, "/live").await.status, StatusCode::UNAUTHORIZED, "{cookie}");
    }
}

#[tokio::test]
async fn the_mailbox_shows_the_confirmation_link() {
    let site = Site::new().await;
    site.newcomer("harbor").await;
    let page = site.get(&Browser::default(), "/dev/mail").await;
    assert_eq!(page.status, StatusCode::OK);
    let link = format!("href=\"http://belfry.test/confirm?token={}\"", site.mailed_token().await);
    assert!(page.text().contains(&link), "{}", page.text());
}

#[tokio::test]
async fn a_post_from_another_site_is_refused_even_with_a_session() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let upload = "/imports/upload?kind=contacts&name=a.csv";
    for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")] {
        let request = maya.request(Method::POST, upload).header(name, value).body(Body::from("name,phone\n"));
        let answer = Answer::read(site.send(request.expect("a request")).await).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let own = maya.request(Method::POST, upload).header(header::ORIGIN, "http://belfry.test");
    let answer = Answer::read(site.send(own.body(Body::from("name,phone\nAda,+12025550123\n")).expect("a request")).await).await;
    assert_ne!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
}

#[tokio::test]
async fn nobody_uploads() {
    let site = Site::new().await;
    for path in ["/imports/upload?kind=contacts&name=a.csv", "/imports/upload-form"] {
        let answer = site.call(&Browser::default(), path, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.json::<model::Error>(), model::Error::Unauthenticated);
    }
}
