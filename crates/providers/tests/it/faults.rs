//! gremlin's menu of faults, as an adapter of any kind meets it.

use std::time::Duration;

use providers::*;
use serde_json::json;

use super::{
    fixture,
    support::{FAST, Heard, World, every_kind, kinds},
};

/// In the order in which they came, each request once.
fn requests(all: &[Heard]) -> Vec<&str> {
    let mut firsts: Vec<&Heard> = Vec::new();
    for one in all {
        if firsts.last().is_none_or(|last| last.request != one.request) {
            firsts.push(one);
        }
    }
    firsts.into_iter().map(|one| one.callback.event_id.as_str()).collect()
}

/// How many requests tell of a plain call, and the end they come to.
async fn plainly(kind: ProviderKind) -> (usize, Option<ProviderStatus>) {
    let world = World::of(kind, FAST).await;
    world.place(&plain(&world).await).await;
    let heard = world.hear_all().await;
    (requests(&heard).len(), end(&heard))
}

/// The last end that was told.
fn end(heard: &[Heard]) -> Option<ProviderStatus> {
    heard.iter().rev().find(|one| one.is_end()).and_then(Heard::status)
}

/// Those that tell of their calls by themselves: only what is sent can be lost, doubled or forged.
fn callers_back() -> impl Iterator<Item = &'static ProviderKind> {
    kinds().iter().filter(|kind| !kind.is_polled())
}

async fn plain(world: &World) -> Originate {
    Originate { record: false, machine_detection: false, ..world.order(world.fixture.manners().plain.0, 1).await }
}

/// What is heard with this fault on.
async fn with_fault(kind: ProviderKind, fault: serde_json::Value) -> (World, Vec<Heard>) {
    let world = World::of(kind, FAST).await;
    let order = plain(&world).await;
    world.fault(fault).await;
    world.place(&order).await;
    let heard = world.hear_all().await;
    (world, heard)
}

#[tokio::test]
async fn creation_faults_refuse_and_dial_nothing() {
    every_kind(FAST, async |world| {
        let codes = world.fixture.manners().codes;
        let order = world.order("0001", 1).await;
        for (kind, code) in [("error_500", codes.broken), ("error_429", Some(codes.too_many)), ("down", Some(codes.down))] {
            world.fault(json!({ "kind": kind, "count": 1 })).await;
            match (world.voice.originate(&order).await, code) {
                (Answer::Refused(refusal), Some(code)) => {
                    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Transient, code), "{kind}");
                }
                (Answer::Unknown { .. }, None) => {}
                (other, _) => panic!("{kind}: {other:?}"),
            }
        }
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
        world.call("0001", 2).await;
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_is_down_is_a_transient_error_for_every_question() {
    every_kind(FAST, async |world| {
        let id = world.call("0002", 1).await;
        world.hear_end().await;
        world.fault(json!({ "kind": "down" })).await;
        assert!(world.voice.fetch(&id).await.is_err_and(|error| error.is_transient()));
        assert!(world.voice.report(&id).await.is_err_and(|error| error.is_transient()));
        assert!(world.voice.check().await.is_err_and(|error| error.is_transient()));
        if world.fixture.manners().can_hang_up {
            assert!(world.voice.hang_up(&id).await.is_err_and(|error| error.is_transient()));
        }
        world.judge();
    })
    .await;
}

/// The request is never answered, and yet the phone rings: the answer is "unknown", the look-up finds exactly one call.
#[tokio::test]
async fn a_timeout_after_accept_is_unknown_rings_once_and_can_be_looked_up() {
    for kind in kinds() {
        let world = World::of(*kind, FAST).await;
        let order = world.order("0001", 7).await;
        world.fault(json!({ "kind": "timeout_after_accept", "count": 1, "to_prefix": "+1415" })).await;
        let hasty = world.connect(|_| (), Duration::from_secs(1));
        assert!(matches!(hasty.originate(&order).await, Answer::Unknown { .. }), "{kind}");
        let heard = world.hear_end().await;
        let found = world.voice.find(&world.look(&order).await).await.expect("found");
        assert_eq!(found.iter().map(|call| &call.id).collect::<Vec<_>>(), [&heard[0].callback.id]);
        let rings = world.control("rings").await;
        assert_eq!(rings["by_call"][order.call.to_string()], json!({ "dialed": 1, "rang": 1 }), "{kind}");
    }
}

#[tokio::test]
async fn a_forged_callback_is_told_from_a_real_one() {
    for kind in callers_back() {
        let (world, _) = with_fault(*kind, json!({ "kind": "bad_signature", "count": 1 })).await;
        world.call("0002", 2).await;
        let heard = world.hear_all().await;
        let first = heard[0].request;
        assert!(heard.iter().all(|one| one.authentic == (one.request != first)), "{heard:#?}");
        assert!(heard.iter().any(|one| one.request != first));
    }
}

#[tokio::test]
async fn an_unheard_of_status_is_read_as_such() {
    for kind in callers_back() {
        let (_, heard) = with_fault(*kind, json!({ "kind": "unknown_status", "count": 1 })).await;
        assert_eq!(heard[0].status(), Some(ProviderStatus::Unrecognised), "{kind}");
        assert!(heard[0].authentic);
        let CallbackKind::Status(seen) = &heard[0].callback.kind else { panic!("not a status") };
        assert_eq!(seen.raw_status, "hyperspace");
    }
}

#[tokio::test]
async fn dropped_doubled_swapped_and_late_callbacks() {
    for kind in callers_back() {
        let (count, ended) = plainly(*kind).await;
        let (_, least, outcome) = fixture::of(*kind).manners().plain;
        assert!(count >= least && ended == Some(ProviderStatus::Ended(outcome)));

        let (_, heard) = with_fault(*kind, json!({ "kind": "drop", "count": 1 })).await;
        assert_eq!(requests(&heard).len(), count - 1);

        let (_, heard) = with_fault(*kind, json!({ "kind": "duplicate" })).await;
        let all = requests(&heard);
        assert_eq!(all.len(), count * 2);
        assert!(all.chunks(2).all(|pair| pair[0] == pair[1]), "a repeat has the id of the first: {all:?}");

        for fault in [json!({ "kind": "reorder", "count": 1 }), json!({ "kind": "delay_ms", "count": 1, "delay_ms": 200 })] {
            let (world, _) = with_fault(*kind, fault).await;
            let heard = world.hear("all of them", |all| requests(all).len() == count).await;
            assert_eq!(end(&heard), ended);
        }
    }
}

#[tokio::test]
async fn a_call_that_is_stuck_can_be_seen_and_ended() {
    every_kind(FAST, async |world| {
        if !world.fixture.manners().can_hang_up {
            return;
        }
        let order = world.order("0013", 1).await;
        world.fault(json!({ "kind": "stuck", "count": 1 })).await;
        let id = world.place(&order).await;
        world.observe(&id, "the answer", |seen| seen.status == ProviderStatus::InProgress).await;
        // The owner of this phone hangs up after two seconds, which are shorter here than it takes to ask.
        for _ in 0..10 {
            let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
            assert_eq!(seen.status, ProviderStatus::InProgress);
        }
        world.voice.hang_up(&id).await.expect("hung up");
        world.observe(&id, "the end", |seen| seen.status == ProviderStatus::Ended(Outcome::Completed)).await;
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_price_that_is_late_is_not_said_at_the_end_and_comes() {
    every_kind(100.0, async |world| {
        if world.fixture.manners().minute_micros == 0 {
            return;
        }
        let order = world.order("0013", 1).await;
        world.fault(json!({ "kind": "late_cost", "count": 1 })).await;
        let id = world.place(&order).await;
        let heard = world.hear_end().await;
        let end = heard.iter().find(|one| one.is_end()).expect("an end");
        assert!(matches!(&end.callback.kind, CallbackKind::Status(seen) if seen.price_micros.is_none()));
        assert_eq!(world.voice.fetch(&id).await.expect("fetched").expect("exists").price_micros, None);
        let seen = world.observe(&id, "the price", |seen| seen.price_micros.is_some()).await;
        assert_eq!(seen.price_micros, Some(world.fixture.manners().minute_micros));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_large_callback_with_fields_nobody_knows_is_read_like_any_other() {
    for kind in callers_back() {
        let (world, heard) = with_fault(*kind, json!({ "kind": "oversized", "bytes": 300_000 })).await;
        assert!(heard.iter().all(|one| one.authentic));
        assert!(world.arrived.lock().expect("no test holds it").iter().all(|one| one.body.len() > 300_000));
        let (.., outcome) = world.fixture.manners().plain;
        assert_eq!(end(&heard), Some(ProviderStatus::Ended(outcome)));
    }
}

/// Whoever signs the time is refused when it is long past; a scheme without a clock cannot tell.
#[tokio::test]
async fn a_callback_signed_by_a_clock_far_behind_is_refused() {
    for kind in callers_back() {
        let (world, heard) = with_fault(*kind, json!({ "kind": "clock_skew", "delay_ms": 3_600_000 })).await;
        let has_clock = world.fixture.manners().signs_the_time;
        assert!(heard.iter().all(|one| one.authentic != has_clock), "{kind}");
    }
}

/// One that is answered with an error comes again, or is gone for good: then only asking helps.
#[tokio::test]
async fn a_callback_that_was_not_taken_comes_again_or_never() {
    for kind in callers_back() {
        let (count, _) = plainly(*kind).await;
        let world = World::of(*kind, FAST).await;
        world.refusals.store(1, std::sync::atomic::Ordering::SeqCst);
        let id = world.place(&plain(&world).await).await;
        let heard = world.hear_all().await;
        let repeats = world.fixture.manners().repeats_callbacks;
        assert_eq!(requests(&heard).len(), count + usize::from(repeats), "{kind}");
        assert!(!world.voice.report(&id).await.expect("reported").is_empty());
    }
}
