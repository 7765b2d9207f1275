//! One's own account at the doors, by forms without scripts: forgotten password, new address, sessions.

use crate::support::{Browser, PASSWORD, Site};
use http::StatusCode;

const SIGN_IN: &str = "/fn/app/auth/sign_in/sign_in";
const BETTER: &str = "better-horse-8";

/// Whether this browser is signed in.
async fn is_in(site: &Site, who: &Browser) -> bool {
    site.call(who, "/fn/app/account/load_account", "").await.status == StatusCode::OK
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_mail() {
    let site = Site::new().await;
    let mut maya = site.newcomer("harbor").await;
    let nobody = Browser::default();
    let mut answers = Vec::new();
    for email in ["admin%40harbor.example", "nobody%40harbor.example"] {
        let answer = site.submit(&nobody, "/forgot", "/fn/app/auth/forgot/ask_reset", &format!("email={email}")).await;
        answers.push((answer.status, answer.header("location").to_owned(), answer.text()));
    }
    assert_eq!(answers[0], answers[1], "the answer does not tell who has an account");
    assert_eq!((answers[0].0, answers[0].1.as_str()), (StatusCode::FOUND, "/forgot?sent=1"));
    assert!(site.get(&nobody, "/forgot?sent=1").await.text().contains("a mail is on its way"));

    site.world.send_resets().await;
    let (to, token) = site.world.mailed("/reset").await.expect("a link");
    assert_eq!(to, "admin@harbor.example");
    let page = format!("/reset?token={token}");
    assert!(site.get(&nobody, &page).await.text().contains(&token), "the form carries the token");
    let form = |password: &str| format!("token={token}&password={password}");
    let weak = site.submit(&nobody, &page, "/fn/app/auth/forgot/reset_password", &form("short")).await;
    let back = weak.header("location").trim_start_matches("http://belfry.test").to_owned();
    let again = site.get(&nobody, &back).await.text();
    assert!(again.contains("Use at least 8 characters.") && again.contains(&token), "{again}");
    let done = site.submit(&nobody, &page, "/fn/app/auth/forgot/reset_password", &form(BETTER)).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::FOUND, "/sign-in?reset=1"));
    assert!(!is_in(&site, &maya).await, "every session ended");
    let replay = site.call(&nobody, "/fn/app/auth/forgot/reset_password", &form("other-horse-9")).await;
    assert_eq!(replay.status, StatusCode::CONFLICT);

    let old = site.call(&nobody, SIGN_IN, &format!("email=admin%40harbor.example&password={PASSWORD}")).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    let new = site.call(&nobody, SIGN_IN, &format!("email=admin%40harbor.example&password={BETTER}")).await;
    maya.keep(&new);
    assert!(is_in(&site, &maya).await);
}

#[tokio::test]
async fn the_account_page_shows_where_one_is_signed_in_and_ends_the_rest() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let mut phone = Browser::default();
    phone.keep(&site.call(&phone, SIGN_IN, &format!("email=admin%40harbor.example&password={PASSWORD}")).await);
    let page = site.visit(&maya, "/account").await.text();
    assert_eq!(page.matches("name=\"id\"").count(), 1, "one can be ended: {page}");
    assert!(page.contains("This one") && page.contains("203.0.113.7"));
    let ended = site.submit(&maya, "/account", "/fn/app/account/sessions/end_other_sessions", "").await;
    assert_eq!(ended.status, StatusCode::FOUND);
    assert!(!is_in(&site, &phone).await);
    assert!(is_in(&site, &maya).await);
}

#[tokio::test]
async fn a_new_address_is_taken_by_a_button_and_not_by_opening_the_link() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let form = format!("email=maya%40quay.example&password={PASSWORD}");
    let asked = site.call(&maya, "/fn/app/account/password/change_email", &form).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    let (_, token) = site.world.mailed("/new-address").await.expect("a link");
    let page = format!("/new-address?token={token}");
    assert_eq!(site.get(&Browser::default(), &page).await.status, StatusCode::OK);
    let email = async || site.call(&maya, "/fn/app/account/load_account", "").await.json::<serde_json::Value>()["email"].clone();
    assert_eq!(email().await, "admin@harbor.example", "a mail scanner opens every link");
    let taken = site.submit(&Browser::default(), &page, "/fn/app/auth/new_address/take_address", &format!("token={token}")).await;
    assert_eq!((taken.status, taken.header("location")), (StatusCode::FOUND, "/new-address?done=1"));
    assert_eq!(email().await, "maya@quay.example");
}
