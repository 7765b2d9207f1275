//! What an adapter of any kind owes the dialer, number by number. What a kind does not do is in its fixture, and asserted.

use std::time::Duration;

use axum::Router;
use providers::*;
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    fixture::{OptOut, Signing},
    support::{FAST, Heard, World, bind, every_kind, phone, run},
};

/// Nobody behind gremlin talks longer by chance.
const TALK_SECONDS_MAX: i64 = 360;

fn statuses(heard: &[Heard]) -> Vec<ProviderStatus> {
    heard.iter().filter_map(Heard::status).collect()
}

/// The outcome in the end: a later word may correct an earlier one.
fn outcome(heard: &[Heard]) -> Outcome {
    let end = heard.iter().rev().find_map(|one| match one.status() {
        Some(ProviderStatus::Ended(outcome)) => Some(outcome),
        _ => None,
    });
    end.expect("an end")
}

async fn refusal(world: &World, order: &Originate) -> Refusal {
    match world.voice.originate(order).await {
        Answer::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn seen(world: &World, id: &ProviderCallId) -> Observed {
    world.voice.fetch(id).await.expect("fetched").expect("the call exists")
}

#[tokio::test]
async fn a_person_answers_and_every_step_is_told_signed_and_in_order() {
    every_kind(FAST, async |world| {
        let manners = world.fixture.manners();
        let order = world.order("0001", 1).await;
        let id = world.place(&order).await;
        let heard = world.hear_all().await;
        assert!(heard.iter().all(|one| one.authentic && one.callback.id == id));
        assert!(heard.iter().all(|one| one.callback.call.is_none_or(|call| call == order.call)));
        let told = statuses(&heard);
        assert_eq!(told.get(..manners.told.len()), Some(manners.told), "{told:?}");
        assert!(told[manners.told.len()..].iter().all(|status| matches!(status, ProviderStatus::Ended(_))), "{told:?}");
        let verdict = heard.iter().find(|one| matches!(one.callback.kind, CallbackKind::MachineDetected(_)));
        let expected = manners.tells_detection.then_some(CallbackKind::MachineDetected(AnsweredBy::Human));
        assert_eq!(verdict.map(|one| one.callback.kind.clone()), expected);
        let end = heard.iter().find(|one| one.is_end()).expect("an end");
        let CallbackKind::Status(told) = &end.callback.kind else { panic!("not a status") };
        // Nobody ends the talk of a chatty person where no limit is kept; how long they talk is drawn anew each day.
        let longest = if world.kind.keeps_talk_limit() { 300 } else { TALK_SECONDS_MAX };
        assert!(told.talk_seconds.is_some_and(|seconds| (15..=longest).contains(&seconds)), "{told:?}");

        let is_priced = manners.minute_micros > 0;
        let seen = world.observe(&id, "the price", |seen| !is_priced || seen.price_micros.is_some()).await;
        assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
        assert_eq!(seen.talk_seconds, told.talk_seconds);
        let minutes = (seen.talk_seconds.expect("known") + 59) / 60;
        let price = is_priced.then_some(minutes * manners.minute_micros);
        assert_eq!((seen.price_micros, seen.currency.as_deref()), (price, price.map(|_| "USD")));
        assert!(seen.started_at <= seen.answered_at && seen.answered_at <= seen.ended_at, "{seen:?}");
        assert_eq!((seen.to.as_ref(), seen.from.as_ref()), (Some(&order.to), Some(&order.from)));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn every_piece_of_news_has_an_id_of_its_own_and_a_repeat_has_the_same() {
    every_kind(FAST, async |world| {
        world.call("0013", 1).await;
        let heard = world.hear_all().await;
        let mut ids: Vec<&str> = heard.iter().map(|one| one.callback.event_id.as_str()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{ids:#?}");
        for arrived in world.arrived.lock().expect("no test holds it").iter() {
            // As it comes out of the inbox: without headers.
            let bare = CallbackRequest { headers: &HeaderMap::new(), ..arrived.request() };
            assert_eq!(world.voice.parse(&bare), world.voice.parse(&arrived.request()));
        }
    })
    .await;
}

#[tokio::test]
async fn one_flipped_bit_in_a_callback_is_noticed() {
    every_kind(FAST, async |world| {
        world.call("0002", 1).await;
        world.hear_end().await;
        let signing = world.fixture.manners().signing;
        assert_eq!(world.kind.is_polled(), signing == Signing::Nobody);
        if signing == Signing::Nobody {
            return nothing_is_believed(&world);
        }
        let arrived = world.arrived.lock().expect("no test holds it")[0].clone();
        assert!(world.voice.verify(&arrived.request(), arrived.at).is_ok());
        let (body, url) = (arrived.body.as_slice(), arrived.url.as_bytes());
        // One bit of each byte; the adapter's own tests try every bit of its vectors.
        for n in (0..if signing == Signing::UrlToken { url } else { body }.len()).map(|at| at * 8 + at % 8) {
            let mut forged = arrived.clone();
            if signing == Signing::UrlToken {
                let mut changed = url.to_vec();
                changed[n / 8] ^= 1 << (n % 8);
                let Ok(changed) = String::from_utf8(changed) else { continue };
                forged.url = changed;
            } else {
                forged.body[n / 8] ^= 1 << (n % 8);
            }
            // `%2b` and `%2B` are the same text.
            let is_same = signing == Signing::Texts && twilio::sign::decode_form(&forged.body) == twilio::sign::decode_form(body);
            assert_eq!(world.voice.verify(&forged.request(), arrived.at).is_ok(), is_same, "bit {n}");
        }
        let stranger = world.connect(
            |account| {
                account.secret = "another key".to_owned().into();
                account.webhook_secret = account.webhook_secret.as_ref().map(|_| "another secret".to_owned().into());
            },
            Duration::from_secs(1),
        );
        assert!(stranger.verify(&arrived.request(), arrived.at).is_err());
    })
    .await;
}

/// Who signs nothing is not believed, whatever is in the request; and gremlin sent nothing.
fn nothing_is_believed(world: &World) {
    assert!(world.arrived.lock().expect("no test holds it").is_empty());
    let headers = HeaderMap::from_iter([(axum::http::header::AUTHORIZATION, "Bearer x".parse().expect("a value"))]);
    for (url, body) in [("https://b.example/hook", &b"id=1&state=completed"[..]), ("https://b.example/hook?token=", b"{}")] {
        for headers in [&HeaderMap::new(), &headers] {
            let request = CallbackRequest { method: &Method::POST, url, headers, body };
            assert!(world.voice.verify(&request, super::support::now()).is_err());
        }
    }
}

#[tokio::test]
async fn a_recording_can_be_fetched() {
    every_kind(FAST, async |world| {
        world.call("0013", 1).await;
        let heard = world.hear("the recording", |all| all.iter().any(|one| one.recording().is_some())).await;
        let recording = heard.iter().find_map(Heard::recording).expect("a recording");
        assert!(recording.ready);
        assert!(recording.seconds.is_none_or(|seconds| seconds == 2), "{recording:?}");
        let sound = world.voice.recording(recording).await.expect("fetched");
        assert!(sound.content_type.starts_with("audio/"), "{}", sound.content_type);
        assert!(sound.bytes.starts_with(world.fixture.sound_begins()));
        world.judge();
        // Whoever knows the account's key can sign any link: one into our own network is not opened.
        let (listener, inside) = bind().await;
        let (opened, mut openings) = mpsc::unbounded_channel();
        let open = move || async move {
            opened.send(()).ok();
            ([("content-type", "audio/wav")], "RIFF of a neighbour")
        };
        let mut servers = JoinSet::new();
        servers.spawn(run(listener, Router::new().fallback(open)));
        let elsewhere = Recording { id: "../..".into(), url: Some(inside), ..recording.clone() };
        assert!(world.voice.recording(&elsewhere).await.is_err());
        assert!(openings.try_recv().is_err(), "it was opened");
    })
    .await;
}

#[tokio::test]
async fn busy_and_unanswered_phones_ring_and_cost_nothing() {
    every_kind(FAST, async |world| {
        for (n, digits, expected) in [(1, "0002", Outcome::Busy), (2, "0003", Outcome::NoAnswer)] {
            let id = world.call(digits, n).await;
            let heard = world.hear(digits, |all| all.iter().any(|one| one.callback.id == id && one.is_end())).await;
            let own: Vec<Heard> = heard.into_iter().filter(|one| one.callback.id == id).collect();
            assert_eq!(outcome(&own), expected);
            let seen = seen(&world, &id).await;
            assert_eq!((seen.status, seen.talk_seconds.unwrap_or(0)), (ProviderStatus::Ended(expected), 0));
            assert_eq!(seen.price_micros.unwrap_or(0), 0);
        }
        assert_eq!(world.control("rings").await["total"]["rang"], 2);
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_machine_s_call_ends_as_voicemail() {
    every_kind(FAST, async |world| {
        let id = world.call("0004", 1).await;
        let heard = world.hear_end().await;
        let expected = if world.fixture.knows_machines() { Outcome::Voicemail } else { Outcome::Completed };
        assert_eq!(outcome(&heard), expected);
        let verdict = heard.iter().any(|one| one.callback.kind == CallbackKind::MachineDetected(AnsweredBy::Voicemail));
        assert_eq!(verdict, world.fixture.manners().tells_detection);
        assert_eq!(seen(&world, &id).await.status, ProviderStatus::Ended(expected));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_machine_that_was_not_recognised_may_be_told_after_the_end() {
    every_kind(FAST, async |world| {
        let manners = world.fixture.manners();
        let id = world.call("0014", 1).await;
        world.hear_all().await;
        let machine = manners.tells_detection || manners.judges_voicemail;
        let expected = if machine { Outcome::Voicemail } else { Outcome::Completed };
        world.observe(&id, "the verdict", |seen| seen.status == ProviderStatus::Ended(expected)).await;
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn an_invalid_number_is_refused_for_good_and_never_dialed() {
    every_kind(FAST, async |world| {
        let refusal = refusal(&world, &world.order("0005", 1).await).await;
        assert_eq!(refusal.code, world.fixture.manners().codes.invalid_number);
        assert_eq!(refusal.kind, RefusalKind::Permanent);
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_wish_not_to_be_called_again_is_heard() {
    every_kind(FAST, async |world| {
        let id = world.call("0006", 1).await;
        let heard = world.hear_all().await;
        let keys = heard.iter().any(|one| one.callback.kind == CallbackKind::Digits("9".into()) && one.authentic);
        let said = heard.iter().any(|one| one.analysis().is_some_and(|analysis| analysis.opted_out == Some(true)));
        let how = world.fixture.manners().hears_opt_out;
        assert_eq!((keys, said), (how == OptOut::Key, how == OptOut::Analysis));
        let seen = seen(&world, &id).await;
        assert!(seen.talk_seconds.is_some_and(|seconds| (5..25).contains(&seconds)), "{seen:?}");
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn busy_the_first_time_answers_the_second() {
    every_kind(FAST, async |world| {
        world.call("0007", 1).await;
        assert_eq!(outcome(&world.hear_end().await), Outcome::Busy);
        let second = world.call("0007", 2).await;
        let heard = world.hear("the second end", |all| all.iter().any(|one| one.callback.id == second && one.is_end())).await;
        let second: Vec<Heard> = heard.into_iter().filter(|one| one.callback.id == second).collect();
        assert_eq!(outcome(&second), Outcome::Completed);
        let rings = world.control("rings").await;
        assert_eq!(rings["twice"], serde_json::json!([]));
        assert_eq!(rings["by_call"].as_object().map(serde_json::Map::len), Some(2));
    })
    .await;
}

#[tokio::test]
async fn too_many_requests_says_when_to_come_back_and_dials_nothing() {
    every_kind(FAST, async |world| {
        let refused = refusal(&world, &world.order("0010", 1).await).await;
        assert_eq!((refused.kind, refused.code.as_str()), (RefusalKind::Transient, world.fixture.manners().codes.too_many));
        assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
        world.call("0010", 2).await;
        world.judge();
    })
    .await;
}

/// Transient where the provider is known to refuse by it; else nobody knows, and the look-up finds nothing.
#[tokio::test]
async fn a_server_error_of_the_provider_dials_nothing_and_is_no_failure_of_the_number() {
    every_kind(FAST, async |world| {
        let order = world.order("0011", 1).await;
        let answer = world.voice.originate(&order).await;
        match world.fixture.manners().codes.broken {
            Some(code) => assert!(
                matches!(&answer, Answer::Refused(refusal) if refusal.kind == RefusalKind::Transient && refusal.code == code),
                "{answer:?}"
            ),
            None => assert!(matches!(answer, Answer::Unknown { .. }), "{answer:?}"),
        }
        assert_eq!(world.control("rings").await["total"]["dialed"], 0);
        world.call("0011", 2).await;
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn no_call_outlasts_the_limit_that_was_held_for() {
    every_kind(FAST, async |world| {
        let limit = world.fixture.manners().talk_seconds_least.max(7);
        let id = world.place(&Originate { talk_seconds_max: limit, ..world.order("0015", 1).await }).await;
        assert_eq!(outcome(&world.hear_end().await), Outcome::Completed);
        // Who takes no limit lets them talk until they have said everything.
        let expected = if world.kind.keeps_talk_limit() { limit.into() } else { 600 };
        assert_eq!(seen(&world, &id).await.talk_seconds, Some(expected));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_call_can_be_ended_before_and_after_it_is_answered() {
    every_kind(50.0, async |world| {
        let manners = world.fixture.manners();
        let id = world.call("0015", 2).await;
        world.observe(&id, "the answer", |seen| seen.status.rank() >= ProviderStatus::Answered.rank()).await;
        if !manners.can_hang_up {
            assert!(matches!(world.voice.hang_up(&id).await, Err(ProviderError::Unsupported(_))));
            return;
        }
        world.voice.hang_up(&id).await.expect("hung up");
        let seen = world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
        assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
        assert!(seen.talk_seconds.is_some_and(|seconds| seconds < 300), "{seen:?}");
        world.voice.hang_up(&id).await.expect("it is over already");

        let id = world.place(&Originate { ring_seconds_max: 600, ..world.order("0003", 1).await }).await;
        world.control_until("calls?limit=1", |answer| answer["calls"][0]["status"] == "ringing").await;
        world.voice.hang_up(&id).await.expect("hung up");
        let seen = world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
        assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Canceled));
        world.judge();
    })
    .await;
}

/// A call that nobody told us of can be asked for, and the answer is what the callbacks would have said.
#[tokio::test]
async fn what_callbacks_lost_can_be_asked_for() {
    every_kind(FAST, async |world| {
        let told = world.call("0001", 1).await;
        let heard = world.hear_all().await;
        let id = world.call("0009", 2).await;
        world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
        world
            .control_until("calls", |answer| {
                answer["live"] == 0 && answer["calls"].as_array().is_some_and(|all| all.iter().all(|call| call["over"] == true))
            })
            .await;
        let is_first = |one: &Heard| one.callback.id == told;
        assert_eq!(world.hear_all().await.iter().all(is_first), !world.kind.is_polled(), "what is asked for is not lost");
        let news = world.voice.report(&id).await.expect("reported");
        let kinds = |recording: bool| if recording { "recording" } else { "analysis" };
        for recording in [true, false] {
            let is = |kind: &CallbackKind| match kind {
                CallbackKind::Recording(_) => recording,
                CallbackKind::Analysis(_) => !recording,
                _ => false,
            };
            let was_told = heard.iter().any(|one| is(&one.callback.kind));
            assert_eq!(news.iter().any(is), was_told, "{}", kinds(recording));
        }
        assert!(news.iter().any(|kind| matches!(kind, CallbackKind::Status(seen) if seen.id == id)));
        world.judge();
    })
    .await;
}

#[tokio::test]
async fn a_look_up_sees_only_its_numbers_and_its_span() {
    every_kind(FAST, async |world| {
        let order = world.order("0013", 1).await;
        let id = world.place(&order).await;
        world.call("0003", 2).await;
        world.place(&Originate { from: phone("+12025550199"), ..world.order("0013", 3).await }).await;
        world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
        let right = world.look(&order).await;
        let found = world.voice.find(&right).await.expect("found");
        assert_eq!(found.iter().map(|call| &call.id).collect::<Vec<_>>(), [&id]);
        let hour = chrono::TimeDelta::hours(1);
        let early = LookUp { since: right.since - hour, until: right.until - hour, ..right };
        assert_eq!(world.voice.find(&early).await, Ok(Vec::new()));
        world.judge();
    })
    .await;
}
