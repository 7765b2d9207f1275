//! Provider callbacks: who is let in, and what they get for it. Signed by gremlin, which has its own signer.

use crate::support::{Answer, Browser, Site};
use axum::body::Body;
use http::{Method, StatusCode};
use model::id::GatewayId;

const NOWHERE: &str = "/hooks/twilio/gwy_00000000000000000000000000000007";
const FORM: &[(&str, &str)] =
    &[("CallSid", "CA00000000000000000000000000000007"), ("CallStatus", "ringing"), ("SequenceNumber", "1")];

async fn post(site: &Site, path: &str, signature: &str, body: impl Into<Body>) -> Answer {
    let request = Browser::default()
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .header("x-twilio-signature", signature);
    Answer::read(site.send(request.body(body.into()).expect("a request")).await).await
}

/// A company's sandbox gateway and the secret it shares with the network.
async fn sandbox(site: &Site, company: &str) -> (GatewayId, String) {
    let someone = site.world.company(company).await;
    let mut tx = site.world.tx(&someone).await;
    let gateways = services::gateways::list(&mut tx).await.expect("gateways");
    let account = format!("AC{}", gateways[0].id.uuid().simple());
    (gateways[0].id, gremlin::token_for(gremlin::TOKEN_SECRET, &account))
}

fn signature(token: &str, path: &str, form: &[(&str, &str)]) -> String {
    let form: Vec<_> = form.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    gremlin::sign::signature(token, &format!("http://belfry.test{path}"), &form)
}

fn body(form: &[(&str, &str)]) -> String {
    form.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_signed_callback_is_taken_however_often_it_comes() {
    let site = Site::new().await;
    let (gateway, token) = sandbox(&site, "acme").await;
    let path = format!("/hooks/twilio/{gateway}?call=cal_00000000000000000000000000000007");
    for _ in 0..2 {
        let answer = post(&site, &path, &signature(&token, &path, FORM), body(FORM)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_signature_counts_for_one_secret_one_address_and_one_body() {
    let site = Site::new().await;
    let (gateway, token) = sandbox(&site, "acme").await;
    let (_, other_token) = sandbox(&site, "other").await;
    let path = format!("/hooks/twilio/{gateway}?call=cal_00000000000000000000000000000007");
    let elsewhere = format!("/hooks/twilio/{gateway}?call=cal_00000000000000000000000000000008");
    let changed: Vec<_> = FORM.iter().map(|(k, v)| (*k, if *k == "CallStatus" { "completed" } else { v })).collect();
    let good = signature(&token, &path, FORM);
    for (what, path, signature, body) in [
        ("no signature", &path, String::new(), body(FORM)),
        ("rubbish", &path, "Zm9yZ2Vk".to_owned(), body(FORM)),
        ("another company's secret", &path, signature(&other_token, &path, FORM), body(FORM)),
        ("another call", &elsewhere, good.clone(), body(FORM)),
        ("another status", &path, good.clone(), body(&changed)),
        ("one field more", &path, good, format!("{}&Digits=9", body(FORM))),
    ] {
        assert_eq!(post(&site, path, &signature, body).await.status, StatusCode::FORBIDDEN, "{what}");
    }
}

#[tokio::test]
async fn a_pressed_nine_is_answered_with_a_goodbye() {
    let site = Site::new().await;
    let (gateway, token) = sandbox(&site, "acme").await;
    let path = format!("/hooks/twilio/{gateway}/gather?call=cal_00000000000000000000000000000007");
    let form = [("CallSid", "CA00000000000000000000000000000007"), ("Digits", "9")];
    let answer = post(&site, &path, &signature(&token, &path, &form), body(&form)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("content-type").starts_with("text/xml"));
    assert!(answer.text().contains("<Hangup/>"), "{}", answer.text());
}

#[tokio::test]
async fn an_authentic_request_that_is_no_callback_is_a_bad_one() {
    let site = Site::new().await;
    let (gateway, token) = sandbox(&site, "acme").await;
    let path = format!("/hooks/twilio/{gateway}");
    let form = [("Hello", "there")];
    assert_eq!(post(&site, &path, &signature(&token, &path, &form), body(&form)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_unknown_gateway_is_not_found_however_it_is_written() {
    let site = Site::new().await;
    for path in [NOWHERE, "/hooks/twilio/7", "/hooks/twilio/com_00000000000000000000000000000007"] {
        assert_eq!(post(&site, path, "Zm9yZ2Vk", body(FORM)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_callback_longer_than_any_conversation_is_not_read() {
    let site = Site::new().await;
    assert_eq!(post(&site, NOWHERE, "Zm9yZ2Vk", vec![b'a'; 3 * 1024 * 1024]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}
