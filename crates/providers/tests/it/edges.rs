//! The sharp edges of Twilio seen in the wild (providers.md §13), one test each, named after the edge.

use std::time::Duration;

use chrono::TimeDelta;
use providers::*;

use super::support::{FAST, Heard, World, phone};

/// The span of a test.
async fn look(world: &World, order: &Originate) -> LookUp {
    let calls = world.control("calls?limit=1").await;
    let at =
        calls["calls"][0]["created_at"].as_str().expect("a call").parse::<chrono::DateTime<chrono::Utc>>().expect("a moment");
    LookUp {
        to: order.to.clone(),
        from: order.from.clone(),
        since: at - TimeDelta::minutes(1),
        until: at + TimeDelta::minutes(1),
    }
}

#[tokio::test]
async fn edge_1_events_are_repeated_keys() {
    let world = World::new(FAST).await;
    world.place(&world.order("0002", 1)).await;
    let create = world.judge().remove(0);
    let events: Vec<&str> =
        create.form.iter().filter(|(name, _)| name == "StatusCallbackEvent").map(|(_, value)| value.as_str()).collect();
    assert_eq!(events, ["initiated", "ringing", "answered", "completed"]);
}

#[tokio::test]
async fn edge_2_callbacks_come_twice_and_out_of_order() {
    let world = World::new(FAST).await;
    world.place(&world.order("0012", 1)).await;
    let heard = world.hear("four statuses, twice", |all| all.iter().filter(|one| one.status().is_some()).count() == 8).await;
    let statuses: Vec<&Heard> = heard.iter().filter(|one| one.status().is_some()).collect();
    let mut ids: Vec<&str> = statuses.iter().map(|one| one.callback.event_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "a repeat has the id of the first");
    let sequences: Vec<_> = statuses.iter().filter_map(|one| one.callback.sequence).collect();
    assert!(!sequences.is_sorted(), "{sequences:?}");
    assert!(heard.iter().all(|one| one.authentic));
    assert_eq!(world.control("rings").await["total"]["rang"], 1);
}

/// The request is never answered, and yet the phone rings: the answer is "unknown", the look-up finds exactly one call.
#[tokio::test]
async fn edge_4_a_timeout_may_have_dialed() {
    let world = World::with_timeout(FAST, Duration::from_millis(300)).await;
    let order = world.order("0008", 7);
    let answer = world.voice.originate(&order).await;
    assert!(matches!(answer, Answer::Unknown { .. }), "{answer:?}");
    let heard = world.hear_end().await;
    let found = world.voice.find(&look(&world, &order).await).await.expect("found");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, heard[0].callback.id);
    assert_eq!((found[0].to.as_ref(), found[0].from.as_ref()), (Some(&order.to), Some(&order.from)));
    let rings = world.control("rings").await;
    assert_eq!(rings["by_call"][order.call.to_string()], serde_json::json!({ "dialed": 1, "rang": 1 }));
}

/// Lost callbacks: the call is over, nobody said so, asking tells.
#[tokio::test]
async fn edge_4b_a_call_whose_callbacks_are_lost_can_be_asked_for() {
    let world = World::new(FAST).await;
    let order = world.order("0009", 1);
    let id = world.place(&order).await;
    let seen = world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    let found = world.voice.find(&look(&world, &order).await).await.expect("found");
    assert_eq!(found.iter().map(|call| &call.id).collect::<Vec<_>>(), [&id]);
    world.hear("nothing", <[Heard]>::is_empty).await;
    world.judge();
}

#[tokio::test]
async fn edge_6_a_ringing_call_and_a_live_one_end_and_an_ended_one_is_a_success() {
    // Slow enough that the phone is still ringing when we change our mind.
    let world = World::new(20.0).await;
    let id = world.place(&Originate { ring_seconds_max: 600, ..world.order("0003", 1) }).await;
    world.hear("ringing", |all| all.iter().any(|one| one.status() == Some(ProviderStatus::Ringing))).await;
    world.voice.hang_up(&id).await.expect("hung up");
    let heard = world.hear_end().await;
    assert!(heard.iter().any(|one| one.status() == Some(ProviderStatus::Ended(Outcome::Canceled))));
    world.voice.hang_up(&id).await.expect("it is over already");

    let id = world.place(&world.order("0001", 2)).await;
    world.hear("the answer", |all| all.iter().any(|one| one.status() == Some(ProviderStatus::Answered))).await;
    world.voice.hang_up(&id).await.expect("hung up");
    let seen = world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    assert!(seen.talk_seconds.is_some_and(|seconds| seconds < 20), "{seen:?}");
    world.judge();
}

#[tokio::test]
async fn edge_7_the_detector_may_speak_after_the_end() {
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0014", 1)).await;
    let is_verdict = |one: &Heard| one.callback.kind == CallbackKind::MachineDetected(AnsweredBy::Voicemail);
    let heard = world.hear("the verdict", |all| all.iter().any(is_verdict)).await;
    let end = heard.iter().position(Heard::is_end).expect("an end");
    assert!(heard.iter().position(is_verdict) > Some(end));
    assert_eq!(heard[end].status(), Some(ProviderStatus::Ended(Outcome::Completed)));
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Voicemail));
}

#[tokio::test]
async fn edge_9_the_price_is_not_there_at_the_end_and_comes_later() {
    // Twenty virtual seconds of billing are a second of real time here.
    let world = World::new(20.0).await;
    let id = world.place(&world.order("0013", 1)).await;
    world.hear_end().await;
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    assert_eq!((seen.status, seen.price_micros), (ProviderStatus::Ended(Outcome::Completed), None));
    let seen = world.observe(&id, "the price", |seen| seen.price_micros.is_some()).await;
    assert_eq!(seen.price_micros, Some(14_000));
}

/// A call that waits in the provider's queue has no start time, and a list by start time does not show it.
#[tokio::test]
async fn a_queued_call_is_found_before_it_started() {
    let world = World::new(0.001).await;
    let order = world.order("0001", 1);
    let id = world.place(&order).await;
    let found = world.voice.find(&look(&world, &order).await).await.expect("found");
    assert_eq!(found.iter().map(|call| (&call.id, call.status)).collect::<Vec<_>>(), [(&id, ProviderStatus::Dialing)]);
    world.judge();
}

#[tokio::test]
async fn a_look_up_sees_only_its_numbers_and_its_span() {
    let world = World::new(FAST).await;
    let order = world.order("0002", 1);
    let id = world.place(&order).await;
    world.place(&world.order("0003", 2)).await;
    world.place(&Originate { from: phone("+12025550199"), ..world.order("0002", 3) }).await;
    world.observe(&id, "the start", |seen| seen.started_at.is_some()).await;
    let right = look(&world, &order).await;
    let found = world.voice.find(&right).await.expect("found");
    assert_eq!(found.iter().map(|call| &call.id).collect::<Vec<_>>(), [&id]);
    let hour = TimeDelta::hours(1);
    let early = LookUp { since: right.since - hour, until: right.until - hour, ..right };
    assert_eq!(world.voice.find(&early).await, Ok(Vec::new()));
    world.judge();
}

#[tokio::test]
async fn a_look_up_follows_all_pages() {
    const CALLS: usize = 203;
    let world = World::new(FAST).await;
    let order = world.order("0002", 1);
    let mut ids = Vec::new();
    for n in 0..CALLS {
        ids.push(world.place(&world.order("0002", n as u128 + 1)).await);
    }
    world.control_until("calls?live=true", |answer| answer["live"] == 0).await;
    let found = world.voice.find(&look(&world, &order).await).await.expect("found");
    let mut found: Vec<_> = found.into_iter().map(|call| call.id).collect();
    found.sort();
    ids.sort();
    assert_eq!(found, ids);
    let pages =
        world.judge().iter().filter(|one| one.method == "GET" && one.query.iter().any(|(name, _)| name == "StartTime>")).count();
    assert_eq!(pages, 2);
}
