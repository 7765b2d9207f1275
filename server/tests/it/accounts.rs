//! Sign-up and sessions at the doors. What the verbs themselves do is tested beside them.

use crate::support::{Answer, Browser, PASSWORD, Site};
use axum::body::Body;
use http::{Method, StatusCode, header};

const REGISTER: &str = "/fn/app/auth/register/open_account";
const SIGN_IN: &str = "/fn/app/auth/sign_in/sign_in";
const WHO: &str = "/fn/app/session/current_session";

fn registration(email: &str, password: &str) -> String {
    format!("form[name]=Maya+Okafor&form[email]={email}&form[password]={password}&form[company_name]=Harbor")
}

#[tokio::test]
async fn a_newcomer_registers_confirms_leaves_and_comes_back() {
    let site = Site::new().await;
    let mut maya = Browser::default();
    let registered = site.call(&maya, REGISTER, &registration("maya%40harbor.example", PASSWORD)).await;
    assert_eq!(registered.status, StatusCode::OK, "{}", registered.text());
    assert_eq!(registered.header("location"), "/welcome");
    let cookie = registered.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    maya.keep(&registered);

    let me: serde_json::Value = site.call(&maya, WHO, "").await.json();
    assert_eq!((&me["me"]["company_name"], &me["me"]["confirmed"]), (&"Harbor".into(), &false.into()));
    let link = format!("/confirm?token={}", site.mailed_token().await);
    assert_eq!(site.get(&Browser::default(), &link).await.status, StatusCode::OK, "the link works in any browser");
    let me: serde_json::Value = site.call(&maya, WHO, "").await.json();
    assert_eq!(me["me"]["confirmed"], true);

    let left = site.call(&maya, "/fn/app/session/sign_out", "").await;
    assert_eq!(left.status, StatusCode::OK);
    let stolen = maya.clone();
    maya.keep(&left);
    assert_eq!(maya.cookie, None, "the browser forgets");
    assert_eq!(site.call(&stolen, WHO, "").await.json::<serde_json::Value>(), serde_json::Value::Null, "the server too");

    let back = site.call(&maya, SIGN_IN, &format!("email=maya%40harbor.example&password={PASSWORD}&next=%2Fcampaigns")).await;
    assert_eq!((back.status, back.header("location")), (StatusCode::OK, "/campaigns"));
    maya.keep(&back);
    assert_ne!(maya.cookie, stolen.cookie, "a sign-in never brings an old session back");
}

#[tokio::test]
async fn bad_registrations_name_the_field() {
    let site = Site::new().await;
    site.newcomer("harbor").await;
    for (email, password, field, part) in [
        ("maya%40harbor.example", "short", "password", "at least 8"),
        ("maya%40harbor.example", "P%40ssw0rd", "password", "common"),
        ("maya", PASSWORD, "email", "like name@company.com"),
        ("ADMIN%40harbor.example", PASSWORD, "email", "An account with this e-mail exists"),
    ] {
        let answer = site.call(&Browser::default(), REGISTER, &registration(email, password)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{email} {password}");
        let error: model::Error = answer.json();
        assert!(error.of_field(field).is_some_and(|problem| problem.contains(part)), "{error:?}");
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn a_wrong_login_says_no_more_than_that_and_waits_after_five() {
    let site = Site::new().await;
    site.newcomer("harbor").await;
    let form = |email: &str| format!("email={email}&password=wrong-horse-7");
    let unknown = site.call(&Browser::default(), SIGN_IN, &form("nobody%40harbor.example")).await;
    for _ in 0..5 {
        let wrong = site.call(&Browser::default(), SIGN_IN, &form("admin%40harbor.example")).await;
        assert_eq!((wrong.status, wrong.text()), (StatusCode::UNPROCESSABLE_ENTITY, unknown.text()));
    }
    let locked = site.call(&Browser::default(), SIGN_IN, &format!("email=admin%40harbor.example&password={PASSWORD}")).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(locked.json::<model::Error>(), model::Error::RateLimited { retry_seconds: 900 });
}

#[tokio::test]
async fn a_form_without_javascript_signs_in_and_comes_back_with_its_error() {
    let site = Site::new().await;
    site.newcomer("harbor").await;
    let right = format!("email=admin%40harbor.example&password={PASSWORD}&next=%2F");
    let answer = site.submit(&Browser::default(), "/sign-in", SIGN_IN, &right).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/"));
    assert!(answer.header("set-cookie").starts_with("sid="));
    let wrong = "email=admin%40harbor.example&password=wrong-horse-7&next=%2F";
    let answer = site.submit(&Browser::default(), "/sign-in", SIGN_IN, wrong).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let back = answer.header("location").trim_start_matches("http://belfry.test").to_owned();
    assert!(back.starts_with("/sign-in?"), "{back}");
    let page = site.get(&Browser::default(), &back).await;
    assert!(page.text().contains("E-mail and password do not match."), "the page shows what was wrong");
}

#[tokio::test]
async fn a_sign_in_leads_nowhere_but_here() {
    let site = Site::new().await;
    site.newcomer("harbor").await;
    for next in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2Fa%0D%0ASet-Cookie%3A+x%3Dy",
        "javascript%3A1",
    ] {
        let form = format!("email=admin%40harbor.example&password={PASSWORD}&next={next}");
        let answer = site.call(&Browser::default(), SIGN_IN, &form).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::OK, "/"), "{next}");
    }
}

#[tokio::test]
async fn a_session_opens_what_nobody_may_see_and_ends_with_sign_out() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let stream = site.send(maya.request(Method::GET, "/live").body(Body::empty()).expect("a request")).await;
    assert_eq!(stream.status(), StatusCode::OK);
    services::accounts::sign_out(&site.world.db, maya.token()).await.expect("sign out");
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
