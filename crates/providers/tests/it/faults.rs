//! gremlin's menu of faults, as the adapter meets it.

use std::time::Duration;

use providers::*;
use serde_json::json;

use super::support::{FAST, Heard, World};

fn statuses(all: &[Heard]) -> usize {
    all.iter().filter(|one| one.status().is_some()).count()
}

#[tokio::test]
async fn creation_faults_refuse_and_dial_nothing() {
    let world = World::new(FAST).await;
    for (kind, code) in [("error_500", "20500"), ("error_429", "20429"), ("down", "20503")] {
        world.fault(json!({ "kind": kind, "count": 1 })).await;
        let Answer::Refused(refusal) = world.voice.originate(&world.order("0001", 1)).await else {
            panic!("{kind} did not refuse")
        };
        assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Transient, code));
    }
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    world.place(&world.order("0001", 2)).await;
    world.judge();
}

#[tokio::test]
async fn a_provider_that_is_down_is_a_transient_error_for_every_question() {
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0002", 1)).await;
    world.fault(json!({ "kind": "down" })).await;
    assert!(world.voice.fetch(&id).await.is_err_and(|error| error.is_transient()));
    assert!(world.voice.hang_up(&id).await.is_err_and(|error| error.is_transient()));
    assert!(world.voice.check().await.is_err_and(|error| error.is_transient()));
    world.judge();
}

#[tokio::test]
async fn a_timeout_after_accept_is_unknown_and_rings_once() {
    let world = World::with_timeout(FAST, Duration::from_millis(300)).await;
    world.fault(json!({ "kind": "timeout_after_accept", "count": 1, "to_prefix": "+1415" })).await;
    let order = world.order("0001", 1);
    assert!(matches!(world.voice.originate(&order).await, Answer::Unknown { .. }));
    world.hear_end().await;
    assert_eq!(world.control("rings").await["by_call"][order.call.to_string()]["rang"], 1);
}

#[tokio::test]
async fn a_forged_callback_is_told_from_a_real_one() {
    let world = World::new(FAST).await;
    world.fault(json!({ "kind": "bad_signature", "count": 1 })).await;
    world.place(&world.order("0002", 1)).await;
    let heard = world.hear_end().await;
    assert_eq!(heard.iter().map(|one| one.authentic).collect::<Vec<_>>(), [false, true, true]);
}

#[tokio::test]
async fn an_unheard_of_status_is_read_as_such() {
    let world = World::new(FAST).await;
    world.fault(json!({ "kind": "unknown_status", "count": 1 })).await;
    world.place(&world.order("0002", 1)).await;
    let heard = world.hear_end().await;
    assert_eq!(heard[0].status(), Some(ProviderStatus::Unrecognised));
    assert!(heard[0].authentic);
    let CallbackKind::Status(seen) = &heard[0].callback.kind else { panic!("not a status") };
    assert_eq!(seen.raw_status, "hyperspace");
}

#[tokio::test]
async fn dropped_doubled_swapped_and_late_callbacks() {
    let plain = |world: &World| Originate { record: false, machine_detection: false, ..world.order("0002", 1) };

    let world = World::new(FAST).await;
    world.fault(json!({ "kind": "drop", "count": 1 })).await;
    world.place(&plain(&world)).await;
    assert_eq!(world.hear_end().await.iter().filter_map(Heard::status).next(), Some(ProviderStatus::Ringing));

    let world = World::new(FAST).await;
    world.fault(json!({ "kind": "duplicate" })).await;
    world.place(&plain(&world)).await;
    world.hear("three statuses, twice", |all| statuses(all) == 6).await;

    let world = World::new(FAST).await;
    world.fault(json!({ "kind": "reorder", "count": 1 })).await;
    world.place(&plain(&world)).await;
    let heard = world.hear("three statuses", |all| statuses(all) == 3).await;
    let order: Vec<_> = heard.iter().filter_map(|one| one.callback.sequence).collect();
    assert_eq!(order, [1, 0, 2]);

    let world = World::new(FAST).await;
    world.fault(json!({ "kind": "delay_ms", "count": 1, "delay_ms": 200 })).await;
    world.place(&plain(&world)).await;
    let heard = world.hear("three statuses", |all| statuses(all) == 3).await;
    assert_eq!(heard.last().and_then(|one| one.callback.sequence), Some(0));
}

#[tokio::test]
async fn a_listener_that_cannot_be_reached_is_tried_twice_and_then_left() {
    let world = World::new(FAST).await;
    let (listener, nowhere) = super::support::bind().await;
    drop(listener);
    let order = Originate { callback_url: format!("{nowhere}/hook?call=cal_x"), ..world.order("0002", 1) };
    world.place(&order).await;
    let all_tried = |answer: &serde_json::Value| answer["calls"][0]["callbacks"].as_array().is_some_and(|sent| sent.len() >= 3);
    let calls = world.control_until("calls", all_tried).await;
    assert_eq!(calls["calls"][0]["callbacks"][0]["status"], serde_json::Value::Null);
    assert_eq!(calls["calls"][0]["rang"], 1);
}
