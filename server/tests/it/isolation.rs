//! Every server function as nobody: whatever a page may ask for, a stranger is told to sign in first.

use crate::support::{Browser, Site};
use http::{Method, StatusCode};

/// What a visitor without a session is meant to reach, by the end of the path.
const OPEN_TO_ALL: &[&str] = &["/register", "/sign_in", "/confirm", "/sign_out", "/me"];

/// Arguments that decode for as many functions as possible: what cannot be decoded is refused before the
/// function runs, with 422, which says as little.
const FORM: &str = "id=cmp_00000000000000000000000000000007";

#[tokio::test]
async fn nobody_gets_anything_from_a_server_function() {
    let site = Site::new().await;
    let mut asked = 0;
    for (path, method) in server_fn::axum::server_fn_paths() {
        if OPEN_TO_ALL.iter().any(|open| path.ends_with(open)) {
            continue;
        }
        let answer = match method {
            Method::GET => site.get(&Browser::default(), &format!("{path}?{FORM}")).await,
            _ => site.call(&Browser::default(), path, FORM).await,
        };
        let refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused, "{path} answered {} to nobody: {}", answer.status, answer.text());
        asked += 1;
    }
    assert!(asked > 0, "no server function was found");
}
