//! The second factor at the doors, by forms without scripts.

use crate::support::{Browser, PASSWORD, Site};
use http::StatusCode;
use model::two_factor::TwoFactor;

const SIGN_IN: &str = "/fn/app/auth/sign_in/sign_in";
const CODE: &str = "/fn/app/auth/code/finish_sign_in";
const TURN_ON: &str = "/fn/app/auth/two_factor/turn_on_two_factor";

/// What the page shows to somebody who has none.
async fn key(site: &Site, who: &Browser) -> String {
    let now: TwoFactor = site.call(who, "/fn/app/auth/two_factor/load_two_factor", "").await.json();
    now.setup.expect("it is off").secret
}

async fn turn_on(site: &Site, who: &Browser, key: &str) {
    let form = format!("password={PASSWORD}&code={}", site.world.app_code(key));
    let answer = site.submit(who, "/two-factor", TURN_ON, &form).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/account"), "{}", answer.text());
    site.world.clock.advance(chrono::TimeDelta::seconds(60));
}

#[tokio::test]
async fn one_scans_types_a_code_and_signs_in_with_the_next() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let page = site.visit(&maya, "/two-factor").await.text();
    let key = key(&site, &maya).await;
    assert!(page.contains("<path d=\"M4 4h7v1h-7z") && page.contains(&key), "picture and key are on the page: {page}");
    turn_on(&site, &maya, &key).await;
    assert!(site.visit(&maya, "/two-factor").await.text().contains("10 recovery codes are left."));

    let mut phone = Browser::default();
    let form = format!("email=admin%40harbor.example&password={PASSWORD}&next=%2Fcampaigns");
    let half = site.submit(&phone, "/sign-in", SIGN_IN, &form).await;
    assert_eq!(half.status, StatusCode::FOUND);
    let to = half.header("location").to_owned();
    assert!(to.starts_with("/sign-in/code?next="), "{to}");
    let cookie = half.header("set-cookie").to_owned();
    assert!(cookie.starts_with("half=") && cookie.contains("HttpOnly") && cookie.contains("Max-Age=300"), "{cookie}");
    phone.keep(&half);
    assert_eq!(site.call(&phone, "/fn/app/account/load_account", "").await.status, StatusCode::UNAUTHORIZED, "half is not in");
    let code_page = site.get(&phone, &to).await.text();
    assert!(code_page.contains("name=\"next\" value=\"/campaigns\""), "{code_page}");

    let wrong = site.submit(&phone, &to, CODE, "code=000000&next=%2Fcampaigns").await;
    let back = wrong.header("location").trim_start_matches("http://belfry.test").to_owned();
    assert!(site.get(&phone, &back).await.text().contains("This code is not right"));
    let code = site.world.app_code(&key);
    let right = site.submit(&phone, &to, CODE, &format!("code={code}&next=%2Fcampaigns")).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::FOUND, "/campaigns"));
    let replay = site.call(&phone, CODE, &format!("code={code}")).await;
    assert_eq!(replay.header("location"), "/sign-in?next=%2F", "the first half is used up");
    assert!(!replay.header("set-cookie").starts_with("sid="), "{}", replay.header("set-cookie"));
    let mut in_now = Browser::default();
    in_now.keep(&right);
    assert_eq!(site.call(&in_now, "/fn/app/account/load_account", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_leads_nowhere_but_here() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let key = key(&site, &maya).await;
    turn_on(&site, &maya, &key).await;
    let mut phone = Browser::default();
    let form = format!("email=admin%40harbor.example&password={PASSWORD}&next=%2F%2Fevil.example");
    let half = site.call(&phone, SIGN_IN, &form).await;
    assert!(!half.header("location").contains("evil"), "{}", half.header("location"));
    phone.keep(&half);
    let right = site.call(&phone, CODE, &format!("code={}&next=https%3A%2F%2Fevil.example", site.world.app_code(&key))).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::OK, "/"));
}

#[tokio::test]
async fn who_is_not_let_in_yet_is_led_to_set_it_up_and_is_in_then() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    site.call(&maya, "/fn/app/auth/welcome/choose_company_type", "company_type=generic").await;
    site.world.require_second_factor(site.company(&maya).await.company).await;
    let led = site.visit(&maya, "/campaigns").await;
    assert_eq!((led.status, led.header("location")), (StatusCode::FOUND, "/two-factor"));
    assert!(site.visit(&maya, "/two-factor").await.text().contains("Your company lets nobody in without it."));
    let key = key(&site, &maya).await;
    turn_on(&site, &maya, &key).await;
    assert_eq!(site.visit(&maya, "/campaigns").await.status, StatusCode::OK);
    let off = site.call(&maya, "/fn/app/auth/two_factor/turn_off_two_factor", &format!("password={PASSWORD}")).await;
    assert_eq!(off.status, StatusCode::CONFLICT, "{}", off.text());
}

#[tokio::test]
async fn a_code_that_nobody_asks_for_any_more_leads_back_to_sign_in() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let key = key(&site, &maya).await;
    turn_on(&site, &maya, &key).await;
    let mut phone = Browser::default();
    let form = format!("email=admin%40harbor.example&password={PASSWORD}&next=%2Fcampaigns");
    phone.keep(&site.submit(&phone, "/sign-in", SIGN_IN, &form).await);
    let off = site.call(&maya, "/fn/app/auth/two_factor/turn_off_two_factor", &format!("password={PASSWORD}")).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text());
    let code = format!("code={}&next=%2Fcampaigns", site.world.app_code(&key));
    let back = site.submit(&phone, "/sign-in/code", CODE, &code).await;
    assert_eq!((back.status, back.header("location")), (StatusCode::FOUND, "/sign-in?next=%2Fcampaigns"), "{}", back.text());
}
