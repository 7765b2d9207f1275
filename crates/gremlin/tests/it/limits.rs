//! The network is bounded: calls at once, calls remembered, the size of a request. Tested at the limit and one past it.

use gremlin::{BODY_BYTES_MAX, Settings};
use reqwest::StatusCode;
use tokio::net::TcpListener;

use super::support::World;

/// Calls a number that is busy.
async fn dial(world: &World, twiml: &str) -> StatusCode {
    world.dial(&[("To", "+14155550002"), ("From", "+12025550100"), ("Twiml", twiml)]).await.status()
}

#[tokio::test]
async fn one_call_more_than_the_limit_is_refused() {
    let world = World::new(Settings { speed: 0.001, calls_live_max: 2, ..Settings::default() }).await;
    assert_eq!(dial(&world, "<Response/>").await, StatusCode::CREATED);
    assert_eq!(dial(&world, "<Response/>").await, StatusCode::CREATED);
    assert_eq!(dial(&world, "<Response/>").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.calls().await["live"], 2);
}

#[tokio::test]
async fn the_oldest_ended_call_is_forgotten_and_no_live_one() {
    let world = World::new(Settings { speed: 50_000.0, calls_kept_max: 3, ..Settings::default() }).await;
    for _ in 0..5 {
        assert_eq!(dial(&world, "<Response/>").await, StatusCode::CREATED);
        world.all_ended().await;
    }
    let calls = world.all_ended().await;
    let attempts: Vec<_> = calls["calls"].as_array().expect("calls").iter().map(|call| call["attempt"].clone()).collect();
    assert_eq!(attempts, [5, 4, 3]);

    let world = World::new(Settings { speed: 0.001, calls_kept_max: 1, ..Settings::default() }).await;
    assert_eq!(dial(&world, "<Response/>").await, StatusCode::CREATED);
    assert_eq!(dial(&world, "<Response/>").await, StatusCode::CREATED);
    assert_eq!(world.calls().await["kept"], 2);
}

#[tokio::test]
async fn a_script_at_the_limit_is_taken_and_one_past_it_is_not() {
    let world = World::new(Settings::default()).await;
    let script = |length: usize| {
        let frame = "<Response><Say></Say></Response>".len();
        format!("<Response><Say>{}</Say></Response>", "a".repeat(length - frame))
    };
    assert_eq!(dial(&world, &script(4000)).await, StatusCode::CREATED);
    assert_eq!(dial(&world, &script(4001)).await, StatusCode::BAD_REQUEST);
    assert_eq!(dial(&world, &script(BODY_BYTES_MAX)).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_reset_forgets_every_call_and_stops_what_is_under_way() {
    let world = World::new(Settings { speed: 0.001, ..Settings::default() }).await;
    dial(&world, "<Response/>").await;
    let reset = world.post("/control/reset").send().await.expect("an answer");
    assert_eq!(reset.status(), StatusCode::NO_CONTENT);
    let calls = world.calls().await;
    assert_eq!((&calls["live"], &calls["kept"]), (&0.into(), &0.into()));
}

#[tokio::test]
async fn an_absurd_speed_is_refused() {
    for speed in [0.0, -1.0, f64::NAN, gremlin::SPEED_MAX * 2.0] {
        let person = Settings { person_speed: speed, ..Settings::default() };
        for settings in [Settings { speed, ..Settings::default() }, person] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            assert!(gremlin::serve(listener, settings).await.is_err(), "{speed}");
        }
    }
}
