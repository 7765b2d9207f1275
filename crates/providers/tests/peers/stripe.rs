//! Stripe's SDK: a client of gremlin, and a judge of what it signs. There is no number to call, so there is no kind of provider.

use axum::{Json, Router, routing::post};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{are_installed, bind, checks_of, start_gremlin};

const ACCOUNT: &str = "peer";
const CHECKS_MIN: usize = 72;

/// gremlin's signature of what the script describes.
async fn sign(body: String) -> String {
    let Json(asked) = Json::<Value>::from_bytes(body.as_bytes()).expect("JSON");
    let text = |name: &str| asked[name].as_str().expect("a text");
    gremlin::sign_stripe(text("secret"), text("body").as_bytes(), asked["at"].as_i64().expect("seconds"))
}

#[tokio::test]
async fn stripe_s_sdk_and_gremlin_agree() {
    if !are_installed("stripe") {
        return;
    }
    let mut servers = JoinSet::new();
    let gremlin = start_gremlin(&mut servers).await;
    let (listener, judge) = bind().await;
    let router = Router::new().route("/sign", post(sign));
    servers.spawn(async move { axum::serve(listener, router).await.expect("the judge runs") });
    let key = gremlin::stripe_key_for(gremlin::TOKEN_SECRET, ACCOUNT);
    let envs = [("GREMLIN", gremlin.as_str()), ("JUDGE", &judge), ("ACCOUNT", ACCOUNT), ("KEY", &key)];
    checks_of("node", "stripe.mjs", &envs, CHECKS_MIN).await;
}
