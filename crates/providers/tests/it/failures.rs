//! What a broken network does to the request that places a call: refused only when certainly nothing was sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode, response::IntoResponse};
use providers::*;
use tokio::{io::AsyncReadExt, task::JoinSet};

use super::{
    fixture,
    support::{OWNER, World, bind, client, kinds, run},
};

const PATIENCE: Duration = Duration::from_millis(500);

/// An order fit for every kind.
async fn orders() -> Vec<(ProviderKind, Originate)> {
    let mut all = Vec::new();
    for kind in kinds() {
        all.push((*kind, World::of(*kind, 1.0).await.order("0001", 1).await));
    }
    all
}

/// What a provider of this kind makes of the order at this address.
async fn originate(kind: ProviderKind, url: &str, order: &Originate) -> Answer {
    connect(kind, fixture::of(kind).account(url, OWNER), client(PATIENCE)).originate(order).await
}

/// A provider that gives this answer to everything.
async fn answering(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> (String, JoinSet<()>) {
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(move || async move { answer.clone() })));
    (url, servers)
}

/// Nobody can say whether this address places the call.
async fn unknown(orders: &[(ProviderKind, Originate)], url: &str, what: &str) {
    for (kind, order) in orders {
        let answer = originate(*kind, url, order).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{kind}, {what}: {answer:?}");
    }
}

#[tokio::test]
async fn nobody_listening_means_nothing_was_sent() {
    // A port that is taken, so that nobody else can listen there meanwhile, and where nobody listens.
    let port = tokio::net::TcpSocket::new_v4().expect("a socket");
    port.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let url = format!("http://{}", port.local_addr().expect("an address"));
    for (kind, order) in orders().await {
        let Answer::Refused(refusal) = originate(kind, &url, &order).await else { panic!("{kind} did not refuse") };
        assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Transient, "unreachable"));
        assert!(!refusal.message.contains("+1415"), "the message names nobody: {}", refusal.message);
    }
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
    unknown(&orders().await, &url, "reset").await;
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
    unknown(&orders().await, &url, "silence").await;
}

#[tokio::test]
async fn answers_that_prove_nothing_are_unknown() {
    let orders = orders().await;
    let (url, _servers) = answering((StatusCode::BAD_GATEWAY, "<html>bad gateway</html>")).await;
    unknown(&orders, &url, "a gateway's error page").await;
    let (url, _servers) = answering((StatusCode::GATEWAY_TIMEOUT, "")).await;
    unknown(&orders, &url, "a gateway's timeout").await;
    let (url, _servers) = answering((StatusCode::CREATED, "<html>welcome</html>")).await;
    unknown(&orders, &url, "a success that is no call").await;
    let (url, _servers) = answering((StatusCode::CREATED, "x".repeat(5 * 1024 * 1024))).await;
    unknown(&orders, &url, "an endless answer").await;
}

#[tokio::test]
async fn a_success_without_a_call_is_unknown() {
    for (kind, order) in orders().await {
        let (url, _servers) = answering((StatusCode::CREATED, fixture::of(kind).manners().strange_success)).await;
        let answer = originate(kind, &url, &order).await;
        assert!(matches!(answer, Answer::Unknown { .. }), "{kind}: {answer:?}");
    }
}

/// A redirect is not followed: it would place the call again, or carry the credentials away.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let hits = Arc::new(AtomicUsize::new(0));
    let (listener, target) = bind().await;
    let counted = Arc::clone(&hits);
    let count = move || async move {
        counted.fetch_add(1, Ordering::Relaxed);
        StatusCode::NO_CONTENT
    };
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(count)));
    let orders = orders().await;
    for status in [StatusCode::TEMPORARY_REDIRECT, StatusCode::SEE_OTHER] {
        let (url, _servers) = answering((status, [("location", target.clone())], "")).await;
        unknown(&orders, &url, "a redirect").await;
    }
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}
