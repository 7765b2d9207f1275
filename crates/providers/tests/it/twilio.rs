//! Twilio alone: the sharp edges seen in the wild (providers.md §13), one test each, named after the edge; its pages, and
//! resources of gremlin that the adapter does not ask for.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Bytes, http::Uri};
use tokio::{sync::mpsc, task::JoinSet};

use providers::*;

use super::fixture;
use super::support::{Exchange, FAST, Heard, OWNER, World, bind, client, now, run};

const KIND: ProviderKind = ProviderKind::Twilio;

async fn world(speed: f64) -> World {
    World::of(KIND, speed).await
}

#[tokio::test]
async fn edge_1_events_are_repeated_keys() {
    let world = world(FAST).await;
    world.call("0002", 1).await;
    let create = world.judge().remove(0);
    let events: Vec<&str> =
        create.form.iter().filter(|(name, _)| name == "StatusCallbackEvent").map(|(_, value)| value.as_str()).collect();
    assert_eq!(events, ["initiated", "ringing", "answered", "completed"]);
}

#[tokio::test]
async fn edge_2_callbacks_come_twice_and_out_of_order() {
    let world = world(FAST).await;
    world.call("0012", 1).await;
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
    let world = world(FAST).await;
    let order = world.order("0008", 7).await;
    let answer = world.connect(|_| (), Duration::from_secs(1)).originate(&order).await;
    assert!(matches!(answer, Answer::Unknown { .. }), "{answer:?}");
    let heard = world.hear_end().await;
    let found = world.voice.find(&world.look(&order).await).await.expect("found");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, heard[0].callback.id);
    assert_eq!((found[0].to.as_ref(), found[0].from.as_ref()), (Some(&order.to), Some(&order.from)));
    let rings = world.control("rings").await;
    assert_eq!(rings["by_call"][order.call.to_string()], serde_json::json!({ "dialed": 1, "rang": 1 }));
}

/// Lost callbacks: the call is over, nobody said so, asking tells.
#[tokio::test]
async fn edge_4b_a_call_whose_callbacks_are_lost_can_be_asked_for() {
    let world = world(FAST).await;
    let order = world.order("0009", 1).await;
    let id = world.place(&order).await;
    let seen = world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    let found = world.voice.find(&world.look(&order).await).await.expect("found");
    assert_eq!(found.iter().map(|call| &call.id).collect::<Vec<_>>(), [&id]);
    world.hear("nothing", <[Heard]>::is_empty).await;
    world.judge();
}

#[tokio::test]
async fn edge_6_a_ringing_call_and_a_live_one_end_and_an_ended_one_is_a_success() {
    // Slow enough that the phone is still ringing when we change our mind.
    let world = world(20.0).await;
    let id = world.place(&Originate { ring_seconds_max: 600, ..world.order("0003", 1).await }).await;
    world.hear("ringing", |all| all.iter().any(|one| one.status() == Some(ProviderStatus::Ringing))).await;
    world.voice.hang_up(&id).await.expect("hung up");
    let heard = world.hear_end().await;
    assert!(heard.iter().any(|one| one.status() == Some(ProviderStatus::Ended(Outcome::Canceled))));
    world.voice.hang_up(&id).await.expect("it is over already");

    let id = world.call("0001", 2).await;
    world.hear("the answer", |all| all.iter().any(|one| one.status() == Some(ProviderStatus::Answered))).await;
    world.voice.hang_up(&id).await.expect("hung up");
    let seen = world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
    assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    assert!(seen.talk_seconds.is_some_and(|seconds| seconds < 20), "{seen:?}");
    world.judge();
}

#[tokio::test]
async fn edge_7_the_detector_may_speak_after_the_end() {
    let world = world(FAST).await;
    let id = world.call("0014", 1).await;
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
    let world = world(20.0).await;
    let id = world.call("0013", 1).await;
    world.hear_end().await;
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    assert_eq!((seen.status, seen.price_micros), (ProviderStatus::Ended(Outcome::Completed), None));
    let seen = world.observe(&id, "the price", |seen| seen.price_micros.is_some()).await;
    assert_eq!(seen.price_micros, Some(14_000));
}

/// A call that waits in the provider's queue has no start time, and a list by start time does not show it.
#[tokio::test]
async fn a_queued_call_is_found_before_it_started() {
    let world = world(0.001).await;
    let order = world.order("0001", 1).await;
    let id = world.place(&order).await;
    let found = world.voice.find(&world.look(&order).await).await.expect("found");
    assert_eq!(found.iter().map(|call| (&call.id, call.status)).collect::<Vec<_>>(), [(&id, ProviderStatus::Dialing)]);
    world.judge();
}

#[tokio::test]
async fn a_look_up_follows_all_pages() {
    const CALLS: usize = 203;
    let world = world(FAST).await;
    let order = world.order("0002", 1).await;
    let mut ids = Vec::new();
    for n in 0..CALLS {
        ids.push(world.call("0002", n as u128 + 1).await);
    }
    world.control_until("calls?live=true", |answer| answer["live"] == 0).await;
    let found = world.voice.find(&world.look(&order).await).await.expect("found");
    let mut found: Vec<_> = found.into_iter().map(|call| call.id).collect();
    found.sort();
    ids.sort();
    assert_eq!(found, ids);
    let pages =
        world.judge().iter().filter(|one| one.method == "GET" && one.query.iter().any(|(name, _)| name == "StartTime>")).count();
    assert_eq!(pages, 2);
}

#[tokio::test]
async fn a_recording_can_be_fetched_in_parts() {
    let world = world(FAST).await;
    world.call("0013", 1).await;
    let heard = world.hear("the recording", |all| all.iter().any(|one| one.recording().is_some())).await;
    let url = heard.iter().find_map(Heard::recording).and_then(|made| made.url.clone()).expect("an address");
    let (status, sound) = world.fetch_with_credentials(&format!("{url}.wav"), None).await;
    assert_eq!((status, &sound[..4]), (200, &b"RIFF"[..]));
    let (status, part) = world.fetch_with_credentials(&url, Some("bytes=8-11")).await;
    assert_eq!((status, part.as_slice()), (206, &b"WAVE"[..]));
    let (status, _) = world.fetch_with_credentials(&url, Some("bytes=99999999-")).await;
    assert_eq!(status, 416);
}

/// What the adapter does not ask for yet, judged all the same.
#[tokio::test]
async fn gremlin_s_other_resources_keep_to_the_specification() {
    let world = world(FAST).await;
    let id = world.call("0013", 1).await;
    let heard = world.hear("the recording", |all| all.iter().any(|one| one.recording().is_some())).await;
    let recording = heard.iter().find_map(Heard::recording).expect("a recording").id.clone();
    let account = world.fixture.account("", OWNER).id;
    for path in [
        "/IncomingPhoneNumbers.json?PageSize=20".to_owned(),
        format!("/Calls/{id}/Recordings.json"),
        "/Recordings.json".into(),
        format!("/Recordings/{recording}.json"),
        "/Calls.json?PageSize=1&Status=completed".into(),
    ] {
        let (status, _) =
            world.fetch_with_credentials(&format!("{}/2010-04-01/Accounts/{account}{path}", world.tap_url), None).await;
        assert_eq!(status, 200, "{path}");
    }
    world.judge();
}

#[tokio::test]
async fn a_script_that_does_not_fit_is_never_sent() {
    let world = world(1.0).await;
    let mut order = world.order("0001", 1).await;
    order.script.main = "word ".repeat(1_000);
    assert!(providers::check_script(KIND, &order.script).is_err());
    let Answer::Refused(refusal) = world.voice.originate(&order).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "script_too_long"));
    assert!(world.tap.seen.lock().expect("no test holds it").is_empty());
}

#[tokio::test]
async fn a_mistyped_account_is_never_sent() {
    let world = world(1.0).await;
    let voice = world.connect(|account| account.id = "AC1/../..".into(), Duration::from_secs(1));
    let Answer::Refused(refusal) = voice.originate(&world.order("0001", 1).await).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "bad_account_sid"));
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let spec = fixture::of(KIND).spec();
    let is_error = |exchange: &Exchange| fixture::of(KIND).is_error(exchange);
    let form = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
    let fine = Exchange {
        method: "POST".into(),
        path: "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json".into(),
        content_type: "application/x-www-form-urlencoded".into(),
        body: b"a form".to_vec(),
        form: form(&[("To", "+14155550123"), ("From", "+14155550124"), ("Timeout", "30")]),
        status: 201,
        answer: serde_json::json!({ "sid": "CA00000000000000000000000000000001", "status": "queued" }),
        answer_is_json: true,
        ..Exchange::default()
    };
    assert_eq!(spec.violations(&fine, &is_error), Vec::<String>::new());
    let broken: &[fn(&mut Exchange)] = &[
        |x| x.path = "/2010-04-01/Accounts/AC1/Calls.json".into(),
        |x| x.path = "/2010-04-01/Calls.json".into(),
        |x| x.method = "PUT".into(),
        |x| x.content_type = "application/json".into(),
        |x| x.query.push(("Colour".into(), "red".into())),
        |x| x.form.retain(|(name, _)| name != "To"),
        |x| x.form.push(("Colour".into(), "red".into())),
        |x| x.form.push(("Timeout".into(), "31".into())),
        |x| x.form.push(("Method".into(), "PUT".into())),
        |x| x.form.push(("TimeLimit".into(), "soon".into())),
        |x| x.form.push(("Record".into(), "yes".into())),
        |x| x.form.push(("StatusCallback".into(), "/hook".into())),
        |x| x.status = 200,
        |x| x.status = 500,
        |x| x.answer["sid"] = "CA1".into(),
        |x| x.answer["status"] = "initiated".into(),
        |x| x.answer["status"] = serde_json::Value::Null,
        |x| x.answer["duration"] = 7.into(),
        |x| x.answer["start_time"] = "2026-11-21".into(),
        |x| x.answer["colour"] = "red".into(),
    ];
    for (n, break_it) in broken.iter().enumerate() {
        let mut exchange = fine.clone();
        break_it(&mut exchange);
        assert!(!spec.violations(&exchange, &is_error).is_empty(), "case {n} went unseen");
    }
}

/// A provider that gives this answer to everything.
async fn answering(answer: &'static str) -> (Arc<dyn VoiceProvider>, JoinSet<()>) {
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(move || async move { answer })));
    (connect(KIND, fixture::of(KIND).account(&url, OWNER), client(Duration::from_secs(5))), servers)
}

async fn some_look() -> LookUp {
    let order = world(1.0).await.order("0001", 1).await;
    let at = "2026-11-21T10:00:00Z".parse().expect("a moment");
    LookUp { to: order.to, from: order.from, call: None, since: at, until: at }
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_followed() {
    for page in [
        r#"{"calls":[],"next_page_uri":"https://evil.example/steal"}"#,
        r#"{"calls":[],"next_page_uri":"//evil.example/steal"}"#,
        r#"{"calls":[],"next_page_uri":"@evil.example/"}"#,
    ] {
        let (voice, _servers) = answering(page).await;
        assert!(matches!(voice.find(&some_look().await).await, Err(ProviderError::Malformed(_))), "{page}");
    }
}

#[tokio::test]
async fn pages_without_an_end_are_given_up() {
    let (voice, _servers) = answering(r#"{"calls":[],"next_page_uri":"/again"}"#).await;
    assert_eq!(voice.find(&some_look().await).await, Err(ProviderError::TooMany(20)));
}

/// Somebody calls: the voice URL is asked, signed, and what it answers is obeyed to the end.
#[tokio::test]
async fn a_call_that_comes_in_hears_our_script() {
    let world = world(FAST).await;
    let account = world.fixture.account("", OWNER).id;
    let (listener, url) = bind().await;
    let (voice, base) = (Arc::clone(&world.voice), url.clone());
    let talk = Reply::Talk { script: world.order("0001", 1).await.script, gather_url: format!("{}/gather", world.hooks) };
    let (asked, mut questions) = mpsc::unbounded_channel();
    let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let url = format!("{base}{uri}");
        let request = CallbackRequest { method: &Method::POST, url: &url, headers: &headers, body: &body };
        let authentic = voice.verify(&request, now()).is_ok();
        asked.send((authentic, voice.parse_inbound(&request).expect("a question"))).expect("the test listens");
        voice.reply(&talk).body
    };
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(answer)));
    let number = serde_json::json!({ "account": account, "phone": "+12025550142", "voice_url": format!("{url}/voice?x=1"),
                                     "status_callback": format!("{}/hook", world.hooks) });
    assert_eq!(world.post_control("numbers", &number).await, 204);
    let caller =
        serde_json::json!({ "account": account, "from": "+14155550177", "to": "+12025550142", "talk_seconds": 7, "press": "9" });
    assert_eq!(world.post_control("inbound", &caller).await, 201);
    let (authentic, question) = questions.recv().await.expect("asked");
    assert!(authentic);
    assert_eq!((question.to.as_str(), question.from.as_ref().map(|from| from.as_str())), ("+12025550142", Some("+14155550177")));
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.authentic && one.callback.id == question.id));
    assert!(heard.iter().any(|one| one.callback.kind == CallbackKind::Digits("9".into())));
    assert_eq!(heard.last().and_then(Heard::status), Some(ProviderStatus::Ended(Outcome::Completed)));
    let seen = world.voice.fetch(&question.id).await.expect("fetched").expect("exists");
    assert_eq!(seen.talk_seconds, Some(7), "they hang up by themselves");
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    world.judge();
}
