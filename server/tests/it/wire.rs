//! In which words a server function answers: packed to pages of this build, JSON to programs, and not at all to pages of another.

use crate::support::{Answer, Browser, Site};
use app::session::Session;
use app::wire::OURS;
use axum::body::Body;
use http::{Method, StatusCode, header};
use leptos::server_fn::error::FromServerFnError;
use model::Error;

const WHO: &str = "/fn/app/session/current_session";
const WALLET: &str = "/fn/app/credits/wallet/load_wallet";
const OUT: &str = "/fn/app/session/sign_out";
const FORM: &str = "application/x-www-form-urlencoded";
const OTHER_BUILD: &str = "application/x-belfry; build=0";

async fn ask(site: &Site, who: &Browser, path: &str, accepts: &str, kind: &str) -> Answer {
    let request = who.request(Method::POST, path).header("sec-fetch-site", "same-origin");
    let request = request.header(header::ACCEPT, accepts).header(header::CONTENT_TYPE, kind).body(Body::empty());
    Answer::read(site.send(request.expect("a request")).await).await
}

fn refusal(answer: &Answer) -> Error {
    Error::de(answer.body.clone())
}

#[tokio::test]
async fn a_page_of_this_build_is_answered_packed() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    let answer = ask(&site, &maya, WHO, OURS, OURS).await;
    let session = model::wire::unpack::<Option<Session>>(&answer.body).expect("an answer");
    assert_eq!(session.map(|session| session.me.company_name), Some("harbor".to_owned()));
}

#[tokio::test]
async fn a_refusal_is_in_the_words_of_whoever_asked() {
    let site = Site::new().await;
    let nobody = Browser::default();
    for path in [WALLET, "/imports/upload?kind=contacts&name=a.csv"] {
        let packed = ask(&site, &nobody, path, OURS, OURS).await;
        assert_eq!((packed.status, refusal(&packed)), (StatusCode::UNAUTHORIZED, Error::Unauthenticated), "{path}");
        let json = ask(&site, &nobody, path, "application/json", FORM).await;
        assert_eq!((json.status, json.json::<Error>()), (StatusCode::UNAUTHORIZED, Error::Unauthenticated), "{path}");
    }
}

#[tokio::test]
async fn a_page_of_another_build_is_told_to_reload_and_changes_nothing() {
    let site = Site::new().await;
    let maya = site.newcomer("harbor").await;
    for kind in [OTHER_BUILD, FORM] {
        let answer = ask(&site, &maya, OUT, OTHER_BUILD, kind).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(matches!(answer.json::<Error>(), Error::Conflict { why } if why.contains("Reload")));
    }
    assert_ne!(site.call(&maya, WHO, "").await.json::<serde_json::Value>(), serde_json::Value::Null, "still signed in");
}
