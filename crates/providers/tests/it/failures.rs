//! What a broken network does to the request that places a call: refused only when certainly nothing was sent.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::StatusCode, response::IntoResponse};
use providers::*;
use tokio::{io::AsyncReadExt, task::JoinSet};

use super::support::{World, adapter, bind, run, token};

const PATIENCE: Duration = Duration::from_millis(500);

async fn order() -> Originate {
    World::new(1.0).await.order("0001", 1)
}

/// A provider that gives this answer to everything.
async fn answering(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> (Arc<dyn VoiceProvider>, JoinSet<()>) {
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(move || async move { answer.clone() })));
    (adapter(&url, &token(), PATIENCE), servers)
}

async fn unknown(voice: &dyn VoiceProvider, what: &str) {
    let answer = voice.originate(&order().await).await;
    assert!(matches!(answer, Answer::Unknown { .. }), "{what}: {answer:?}");
}

#[tokio::test]
async fn nobody_listening_means_nothing_was_sent() {
    let (listener, url) = bind().await;
    drop(listener);
    let Answer::Refused(refusal) = adapter(&url, &token(), PATIENCE).originate(&order().await).await else {
        panic!("not refused")
    };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Transient, "unreachable"));
    assert!(!refusal.message.contains("+1415"), "the message names nobody: {}", refusal.message);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_unknown() {
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let heard = socket.read(&mut [0; 1024]).await.expect("the request arrives");
            assert!(heard > 0);
        }
    });
    unknown(&*adapter(&url, &token(), PATIENCE), "reset").await;
}

#[tokio::test]
async fn silence_is_unknown() {
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        let mut sockets = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            sockets.push(socket);
        }
    });
    unknown(&*adapter(&url, &token(), PATIENCE), "silence").await;
}

#[tokio::test]
async fn answers_that_prove_nothing_are_unknown() {
    let (voice, _servers) = answering((StatusCode::BAD_GATEWAY, "<html>bad gateway</html>")).await;
    unknown(&*voice, "a gateway's error page").await;
    let (voice, _servers) = answering((StatusCode::GATEWAY_TIMEOUT, "")).await;
    unknown(&*voice, "a gateway's timeout").await;
    let (voice, _servers) = answering((StatusCode::CREATED, "<html>welcome</html>")).await;
    unknown(&*voice, "a success that is no call").await;
    let (voice, _servers) = answering((StatusCode::CREATED, r#"{"sid":"not a call"}"#)).await;
    unknown(&*voice, "a success without a call id").await;
    let (voice, _servers) = answering((StatusCode::CREATED, "x".repeat(5 * 1024 * 1024))).await;
    unknown(&*voice, "an endless answer").await;
}

/// A redirect is not followed: it would place the call again, or carry the credentials away.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new(1.0).await;
    let target = format!("{}/2010-04-01/Accounts/{}/Calls.json", world.gremlin, super::support::ACCOUNT);
    for status in [StatusCode::TEMPORARY_REDIRECT, StatusCode::SEE_OTHER] {
        let (voice, _servers) = answering((status, [("location", target.clone())], "")).await;
        unknown(&*voice, "a redirect").await;
    }
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_followed() {
    for elsewhere in ["https://evil.example/steal", "//evil.example/steal", "@evil.example/"] {
        let (voice, _servers) = answering(format!(r#"{{"calls":[],"next_page_uri":"{elsewhere}"}}"#)).await;
        let order = order().await;
        let at = "2026-11-21T10:00:00Z".parse().expect("a moment");
        let look = LookUp { to: order.to, from: order.from, since: at, until: at };
        assert!(matches!(voice.find(&look).await, Err(ProviderError::Malformed(_))), "{elsewhere}");
    }
}

#[tokio::test]
async fn pages_without_an_end_are_given_up() {
    let (voice, _servers) = answering(r#"{"calls":[],"next_page_uri":"/again"}"#).await;
    let order = order().await;
    let at = "2026-11-21T10:00:00Z".parse().expect("a moment");
    let look = LookUp { to: order.to, from: order.from, since: at, until: at };
    assert_eq!(voice.find(&look).await, Err(ProviderError::TooMany(20)));
}

#[tokio::test]
async fn a_script_that_does_not_fit_is_never_sent() {
    let world = World::new(1.0).await;
    let mut order = world.order("0001", 1);
    order.script.main = "word ".repeat(1_000);
    assert!(ProviderKind::Twilio.check_script(&order.script).is_err());
    let Answer::Refused(refusal) = world.voice.originate(&order).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "script_too_long"));
    assert!(world.tap.seen.lock().expect("no test holds it").is_empty());
}

#[tokio::test]
async fn a_mistyped_account_is_never_sent() {
    let world = World::new(1.0).await;
    let account = Account { base_url: world.gremlin.clone(), account_sid: "AC1/../..".into(), auth_token: token().into() };
    let voice = connect(ProviderKind::Twilio, account, super::support::client(PATIENCE));
    let Answer::Refused(refusal) = voice.originate(&world.order("0001", 1)).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "bad_account_sid"));
}
