//! The team at the doors, by forms without scripts: asking in, coming in, switching, and what each role is shown.

use crate::support::{Browser, PASSWORD, Site};
use http::StatusCode;
use model::accounts::Role;

const TYPE: &str = "/fn/app/auth/welcome/choose_company_type";
const INVITE: &str = "/fn/app/team/invite/invite_member";

async fn harbor(site: &Site) -> Browser {
    let maya = site.newcomer("harbor").await;
    site.call(&maya, TYPE, "company_type=generic").await;
    maya
}

#[tokio::test]
async fn somebody_is_asked_in_and_comes_in_without_scripts() {
    let site = Site::new().await;
    let maya = harbor(&site).await;
    let sent = site.submit(&maya, "/team", INVITE, "email=ines%40quay.example&role=operator").await;
    assert_eq!(sent.status, StatusCode::FOUND);
    let page = site.visit(&maya, "/team").await.text();
    assert!(page.contains("ines@quay.example") && page.contains("Send again"), "{page}");

    let (_, token) = site.world.mailed("/invite").await.expect("an invite");
    let mut ines = Browser::default();
    let link = format!("/invite?token={token}");
    let door = site.get(&ines, &link).await.text();
    assert!(door.contains("Join harbor") && door.contains("Create account and join"), "{door}");
    let form = format!("token={token}&name=Ines+Ruiz&password={PASSWORD}");
    let joined = site.submit(&ines, &link, "/fn/app/auth/invite/join_as_new", &form).await;
    assert_eq!((joined.status, joined.header("location")), (StatusCode::FOUND, "/"));
    ines.keep(&joined);
    let team = site.visit(&ines, "/team").await.text();
    assert!(team.contains("Ines Ruiz") && !team.contains("Send invite") && !team.contains("Take out"), "an operator only looks");
    let replay = site.get(&Browser::default(), &link).await.text();
    assert!(replay.contains("This invite was used already."), "{replay}");
}

#[tokio::test]
async fn somebody_with_an_account_signs_in_joins_and_switches_back() {
    let site = Site::new().await;
    let maya = harbor(&site).await;
    let mut quay = site.newcomer("quay").await;
    site.call(&quay, TYPE, "company_type=generic").await;
    site.call(&maya, INVITE, "email=admin%40quay.example&role=viewer").await;
    let (_, token) = site.world.mailed("/invite").await.expect("an invite");
    let link = format!("/invite?token={token}");
    assert!(site.get(&maya, &link).await.text().contains("another address"), "a link that was passed on lets nobody in");
    let stranger = site.get(&Browser::default(), &link).await.text();
    let (_, href) = stranger.split_once("href=\"/sign-in?next=").expect("a way to sign in");
    let door = site.get(&Browser::default(), &format!("/sign-in?next={}", href.split('"').next().expect("a quote"))).await.text();
    assert!(door.contains(&format!("value=\"{link}\"")), "sign-in leads back: {door}");
    let (before, own) = (quay.clone(), site.company(&quay).await.company);
    let joined = site.submit(&quay, &link, "/fn/app/auth/invite/join_as_known", &format!("token={token}")).await;
    assert_eq!((joined.status, joined.header("location")), (StatusCode::FOUND, "/"), "{}", joined.text());
    quay.keep(&joined);
    assert_ne!(quay.token(), before.token(), "the session has a new token");
    let who = async |who: &Browser| {
        let session: serde_json::Value = site.call(who, "/fn/app/session/current_session", "").await.json();
        (session["me"]["company_name"].clone(), session["me"]["role"].clone())
    };
    assert_eq!(who(&quay).await, ("harbor".into(), "viewer".into()));
    assert!(who(&before).await.0.is_null(), "the old token is dead");

    let page = site.visit(&quay, "/campaigns").await.text();
    assert!(page.contains("Switch company") && page.contains("/fn/app/session/switch_company"), "{page}");
    assert!(!page.contains("href=\"/team\""), "a viewer is not shown what they may not open");
    let back = site.submit(&quay, "/campaigns", "/fn/app/session/switch_company", &format!("company={own}")).await;
    assert_eq!((back.status, back.header("location")), (StatusCode::FOUND, "/"));
    quay.keep(&back);
    assert_eq!(who(&quay).await, ("quay".into(), "company_admin".into()));
    assert!(!site.visit(&maya, "/campaigns").await.text().contains("Switch company"), "one company is no choice");
}

#[tokio::test]
async fn the_permission_page_is_the_table_of_the_model() {
    let site = Site::new().await;
    let maya = harbor(&site).await;
    let page = site.visit(&maya, "/team/permissions").await.text();
    let given: usize =
        model::team::ROLES.iter().map(|role| model::accounts::Permission::ALL.iter().filter(|p| role.may(**p)).count()).sum();
    assert_eq!(page.matches(">Yes<").count(), given);
    assert!(!page.contains("Run the platform"), "what nobody here may is not shown");
}

#[tokio::test]
async fn the_last_administrator_is_told_why_they_stay() {
    let site = Site::new().await;
    let maya = harbor(&site).await;
    let me = site.company(&maya).await;
    site.world.member(&me, Role::Operator).await;
    let session: serde_json::Value = site.call(&maya, "/fn/app/session/current_session", "").await.json();
    let user = session["me"]["user"].as_str().expect("an id").to_owned();
    let answer = site.submit(&maya, "/team", "/fn/app/team/remove_member", &format!("user={user}")).await;
    let back = answer.header("location").trim_start_matches("http://belfry.test").to_owned();
    assert!(site.visit(&maya, &back).await.text().contains("This is the last administrator."), "{back}");
}
