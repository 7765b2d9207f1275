//! The providers' official SDKs as judges: each drives a running gremlin as its own second client, verifies what gremlin signs, and
//! signs what our verifiers must accept. And the libraries of those who hear from us, which judge what we sign. They are programs
//! beside this file, `<kind>.mjs` for Node and one for Python, and run only where their packages are installed:
//! docs/providers/README.md. A new one is such a file, and a test here.

mod stripe;
mod webhooks;

use std::{path::Path, process::Stdio, sync::Once, time::Duration};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    routing::{any, post},
};
use chrono::{DateTime, Utc};
use providers::*;
use serde_json::Value;
use tokio::{net::TcpListener, process::Command, task::JoinSet};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
/// Fast enough that a call takes milliseconds.
const SPEED: f64 = 5_000.0;
const PATIENCE: Duration = Duration::from_secs(60);
const BODY_BYTES_MAX: usize = 64 * 1024;

/// One SDK, and who it talks for.
#[derive(Clone, Copy)]
struct Peer {
    kind: ProviderKind,
    account: &'static str,
    /// The key of that account at gremlin.
    key: fn(&str) -> String,
    /// What gremlin signs that account's callbacks with.
    secret: fn(&str) -> String,
    /// gremlin's signature of what a script describes.
    sign: fn(&str, &Value) -> String,
    /// A script that checks less than this has lost its way.
    checks_min: usize,
}

#[tokio::test]
async fn twilio_s_sdk_and_we_agree() {
    let sign = |key: &str, asked: &Value| {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let pairs = asked["pairs"].as_array().expect("pairs").iter().map(|pair| (text(&pair[0]), text(&pair[1])));
        gremlin::sign::signature(key, asked["url"].as_str().expect("a URL"), &pairs.collect::<Vec<_>>())
    };
    let key = |account: &str| gremlin::token_for(gremlin::TOKEN_SECRET, account);
    let account = "AC00000000000000000000000000000007";
    agree(Peer { kind: ProviderKind::Twilio, account, key, secret: key, sign, checks_min: 54 }).await;
}

#[tokio::test]
async fn retell_s_sdk_and_we_agree() {
    let sign = |key: &str, asked: &Value| {
        gremlin::sign_retell(key, asked["body"].as_str().expect("a body").as_bytes(), now().timestamp_millis())
    };
    let key = |account: &str| gremlin::key_for(gremlin::TOKEN_SECRET, account);
    agree(Peer { kind: ProviderKind::Retell, account: "peer", key, secret: key, sign, checks_min: 40 }).await;
}

#[tokio::test]
async fn elevenlabs_s_sdk_and_we_agree() {
    let sign = |secret: &str, asked: &Value| {
        gremlin::sign_elevenlabs(secret, asked["body"].as_str().expect("a body").as_bytes(), now().timestamp())
    };
    let key = |account: &str| gremlin::key_for(gremlin::TOKEN_SECRET, account);
    let secret = |account: &str| gremlin::webhook_secret_for(gremlin::TOKEN_SECRET, account);
    agree(Peer { kind: ProviderKind::ElevenLabs, account: "peer", key, secret, sign, checks_min: 102 }).await;
}

#[tokio::test]
async fn vapi_s_sdk_and_we_agree() {
    let sign = |secret: &str, asked: &Value| {
        let text = |name: &str| asked[name].as_str().expect("a text");
        gremlin::sign_vapi(secret, text("body").as_bytes(), text("stamp"))
    };
    let key = |account: &str| gremlin::key_for(gremlin::TOKEN_SECRET, account);
    let secret = |account: &str| gremlin::token_for(gremlin::TOKEN_SECRET, account);
    agree(Peer { kind: ProviderKind::Vapi, account: "peer", key, secret, sign, checks_min: 90 }).await;
}

/// What our side of a script's questions knows.
struct Judge {
    peer: Peer,
    secret: String,
    voice: std::sync::Arc<dyn VoiceProvider>,
    url: String,
}

#[expect(clippy::disallowed_methods, reason = "the SDKs sign by the real clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn verify(State(judge): State<std::sync::Arc<Judge>>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.expect("a body");
    let url = format!("{}{}", judge.url, parts.uri);
    let asked = CallbackRequest { method: &parts.method, url: &url, headers: &parts.headers, body: &body };
    if judge.voice.verify(&asked, now()).is_ok() { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN }
}

async fn sign(State(judge): State<std::sync::Arc<Judge>>, body: Body) -> String {
    let body = to_bytes(body, BODY_BYTES_MAX).await.expect("a body");
    let Json(asked) = Json::<Value>::from_bytes(&body).expect("JSON");
    (judge.peer.sign)(&judge.secret, &asked)
}

async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Says so where they are not.
fn are_installed(name: &str) -> bool {
    let are = Path::new(FOLDER).join("node_modules").is_dir();
    if !are {
        println!("SKIPPED: the {name} SDK is not installed; run `cargo xtask peers`");
    }
    are
}

/// The address of a gremlin in a hurry.
async fn start_gremlin(servers: &mut JoinSet<()>) -> String {
    static TLS: Once = Once::new();
    TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().expect("installed once"));
    let (listener, gremlin) = bind().await;
    let settings = gremlin::Settings { speed: SPEED, ..gremlin::Settings::default() };
    servers.spawn(async move { gremlin::serve(listener, settings).await.expect("gremlin runs") });
    gremlin
}

/// Lets a peer talk with gremlin and with us.
async fn agree(peer: Peer) {
    if !are_installed(peer.kind.as_str()) {
        return;
    }
    let mut servers = JoinSet::new();
    let gremlin = start_gremlin(&mut servers).await;
    let (listener, url) = bind().await;
    let (key, secret) = ((peer.key)(peer.account), (peer.secret)(peer.account));
    let mut account = Account::new(&gremlin, peer.account, key.clone());
    account.webhook_secret = Some(secret.clone().into());
    let voice = connect(peer.kind, account, http::client().expect("a client"));
    let judge = std::sync::Arc::new(Judge { peer, secret: secret.clone(), voice, url: url.clone() });
    let router = Router::new().route("/sign", post(sign)).route("/verify", any(verify)).with_state(judge);
    servers.spawn(async move { axum::serve(listener, router).await.expect("the judge runs") });
    let envs = [("GREMLIN", gremlin.as_str()), ("JUDGE", &url), ("ACCOUNT", peer.account), ("KEY", &key), ("SECRET", &secret)];
    checks_of("node", &format!("{}.mjs", peer.kind), &envs, peer.checks_min).await;
}

/// Runs a script to its end.
async fn checks_of(program: &str, name: &str, envs: &[(&str, &str)], checks_min: usize) {
    let script = Command::new(program)
        .arg(name)
        .current_dir(FOLDER)
        .envs(envs.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program is installed where its packages are");
    let ended = tokio::time::timeout(PATIENCE, script.wait_with_output()).await.expect("the script ends").expect("it ran");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    let checks: usize = said.trim().strip_suffix(" checks").and_then(|count| count.parse().ok()).expect("a count of checks");
    assert!(checks >= checks_min, "only {checks} checks");
    println!("{name}: {checks} checks");
}
