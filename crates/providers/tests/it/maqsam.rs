//! Maqsam alone: the sharp edges seen in the wild (providers.md §13), one test each, named after the edge; the webhook with a
//! secret in it; what comes minutes later; pages; agents who are away.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, http::Uri};
use chrono::TimeDelta;
use providers::*;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    fixture::{self, maqsam::AGENT},
    support::{Arrived, Exchange, FAST, OWNER, World, bind, client, now, phone, run},
};

const KIND: ProviderKind = ProviderKind::Maqsam;
const SECRET: &str = "0123456789abcdefghij";
const SOON: Duration = Duration::from_secs(5);

async fn world(speed: f64) -> World {
    World::of(KIND, speed).await
}

/// The people of the account, as they are in the portal from now on.
async fn staff(world: &World, all: Vec<Value>) {
    assert_eq!(world.post_control("maqsam", &json!({ "account": OWNER, "staff": all })).await, 204);
}

fn member(n: usize, email: &str, state: &str) -> Value {
    json!({ "identifier": format!("agent-{n}"), "name": format!("Agent {n}"), "email": email, "active": true, "groups": [],
            "outgoingEnabled": true, "state": state })
}

/// Everything that came by webhook, once the calls are over.
async fn notified(world: &World, notify: Value, last_digits: &str) -> Vec<Arrived> {
    assert_eq!(world.post_control("maqsam", &json!({ "account": OWNER, "notify": notify })).await, 204);
    world.call(last_digits, 1).await;
    world
        .control_until("calls", |answer| answer["calls"].as_array().is_some_and(|all| all.iter().all(|one| one["over"] == true)))
        .await;
    world.arrived.lock().expect("no test holds it").clone()
}

fn with_secret(world: &World) -> Arc<dyn VoiceProvider> {
    world.connect(|account| account.webhook_secret = Some(SECRET.to_owned().into()), SOON)
}

fn created(exchanges: &[Exchange]) -> &Exchange {
    exchanges.iter().find(|one| one.method == "POST").expect("a call was asked for")
}

#[tokio::test]
async fn edge_32_numbers_are_digits_and_the_request_is_a_form() {
    let world = world(FAST).await;
    let order = world.order("0013", 1).await;
    world.place(&order).await;
    let exchanges = world.judge();
    let create = created(&exchanges);
    assert_eq!((create.path.as_str(), create.content_type.as_str()), ("/v3/calls", "application/x-www-form-urlencoded"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(create.form, [pair("email", AGENT), pair("phone", "14155550013"), pair("caller", "12025550100")]);
    assert!(create.headers.contains(&pair("x-request-id", &order.call.to_string())));
}

/// Each account has an address of its own: nothing is asked of another one.
#[tokio::test]
async fn edge_32b_the_address_of_the_account_is_used_and_no_other() {
    let world = world(FAST).await;
    let voice = world.connect(|account| account.base_url = format!("{}/", world.tap_url), SOON);
    assert!(matches!(voice.originate(&world.order("0013", 1).await).await, Answer::Placed(_)), "a slash at the end does no harm");
    assert_eq!(world.judge().iter().filter(|one| one.method == "POST").count(), 1);
}

/// As it comes from a played Notify webhook: the secret is what proves it, and each shape says the same.
#[tokio::test]
async fn edge_33_the_webhook_is_believed_by_its_secret_in_every_shape() {
    for (method, format) in [("POST", "form"), ("POST", "json"), ("GET", "form")] {
        let world = world(FAST).await;
        let url = format!("{}/hook?n=a%20b&token={SECRET}", world.hooks);
        let arrived = notified(&world, json!({ "url": url, "method": method, "format": format }), "0013").await;
        let voice = with_secret(&world);
        let told: Vec<Callback> = arrived.iter().flat_map(|one| voice.parse(&one.request()).expect("read")).collect();
        let status = |one: &Callback| if let CallbackKind::Status(seen) = &one.kind { Some(seen.status) } else { None };
        let told_status: Vec<_> = told.iter().filter_map(status).collect();
        assert_eq!(told_status, [ProviderStatus::InProgress, ProviderStatus::Ended(Outcome::Completed)], "{method} {format}");
        assert_ne!(told[0].event_id, told[1].event_id);
        for one in &arrived {
            assert!(voice.verify(&one.request(), one.at).is_ok());
            assert!(world.voice.verify(&one.request(), one.at).is_err(), "without a secret nothing is believed");
        }
        // What it tells is a hint: the API knows the same call by that number, and gives it back as it was placed.
        let id = world.control("calls").await["calls"][0]["sid"].as_str().expect("an id").to_owned();
        let seen = world.voice.fetch(&told[1].id).await.expect("fetched").expect("exists");
        assert_eq!(seen.id.as_str(), format!("v3-ref-{id}"));
        assert_eq!(seen.status, ProviderStatus::Ended(Outcome::Completed));
    }
}

#[tokio::test]
async fn a_webhook_without_the_secret_is_forged() {
    let world = world(FAST).await;
    world.fault(json!({ "kind": "bad_signature", "count": 1 })).await;
    world.fault(json!({ "kind": "unknown_status", "count": 1 })).await;
    let url = format!("{}/hook?token={SECRET}", world.hooks);
    let arrived = notified(&world, json!({ "url": url }), "0013").await;
    let voice = with_secret(&world);
    let believed: Vec<bool> = arrived.iter().map(|one| voice.verify(&one.request(), one.at).is_ok()).collect();
    assert_eq!(believed, [false, true]);
    let first = voice.parse(&arrived[0].request()).expect("read");
    assert!(
        matches!(&first[0].kind, CallbackKind::Status(seen) if seen.status == ProviderStatus::Unrecognised && seen.raw_status == "hyperspace")
    );
}

#[tokio::test]
async fn the_secret_may_come_in_a_header() {
    let world = world(FAST).await;
    let notify = json!({ "url": format!("{}/hook", world.hooks), "header": ["x-belfry-token", SECRET] });
    let arrived = notified(&world, notify, "0002").await;
    let voice = world.connect(
        |account| {
            account.webhook_secret = Some(SECRET.to_owned().into());
            account.options.insert("webhook_header".into(), "X-Belfry-Token".into());
        },
        SOON,
    );
    assert_eq!(arrived.len(), 1);
    assert!(voice.verify(&arrived[0].request(), arrived[0].at).is_ok());
    assert!(with_secret(&world).verify(&arrived[0].request(), arrived[0].at).is_err(), "the URL has none");
}

/// Right after the end there is neither sound nor text; both come by asking again.
#[tokio::test]
async fn edge_33b_what_comes_minutes_later_is_asked_for_again() {
    // Two minutes are three seconds here: long enough to look at what is not there yet.
    let world = world(40.0).await;
    let id = world.call("0013", 1).await;
    world.observe(&id, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
    let early = world.voice.report(&id).await.expect("reported");
    let CallbackKind::Recording(recording) = &early[1] else { panic!("no recording: {early:?}") };
    assert_eq!(early.len(), 2, "no analysis yet: {early:?}");
    let Err(ProviderError::Refused(refusal)) = world.voice.recording(recording).await else { panic!("there already") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Transient, "recording_not_ready"));
    let heard = world.hear_all().await;
    assert!(heard.iter().any(|one| one.analysis().is_some()));
    let sound = world.voice.recording(recording).await.expect("fetched");
    assert_eq!(sound.content_type, "audio/mpeg");
    world.judge();
}

#[tokio::test]
async fn a_call_that_nobody_answered_has_no_recording() {
    let world = world(FAST).await;
    let id = world.call("0002", 1).await;
    world.hear_all().await;
    assert_eq!(world.voice.report(&id).await.expect("reported").len(), 1);
    let number = world.judge().iter().find_map(|one| one.answer["message"][0]["id"].as_i64()).expect("listed").to_string();
    let recording = Recording { id: number, url: None, seconds: None, ready: true, raw_status: String::new() };
    let Err(ProviderError::Refused(refusal)) = world.voice.recording(&recording).await else { panic!("there is one") };
    assert!(refusal.kind != RefusalKind::Transient && refusal.code == "http_404", "{refusal:?}");
    world.judge();
}

#[tokio::test]
async fn a_conversation_is_told_with_its_summary_and_tags() {
    let world = world(FAST).await;
    let id = world.call("0001", 1).await;
    let heard = world.hear_all().await;
    let analysis = heard.iter().find_map(|one| one.analysis()).expect("an analysis");
    assert_eq!(analysis.transcript[0].text, "Hello, this is Noor. I am calling about your order.");
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    let last = analysis.transcript.last().and_then(|one| one.end_ms).expect("times");
    assert!(last <= seen.talk_seconds.expect("known") * 1000 + 1000, "{last}");
    assert!(analysis.transcript.iter().any(|one| one.speaker == Speaker::Person));
    assert!(analysis.summary.as_ref().is_some_and(|text| text.contains("interested")), "{analysis:?}");
    assert_eq!((analysis.sentiment, analysis.opted_out), (Some(Sentiment::Positive), None));
    assert_eq!(analysis.keywords, ["interested", "order", "delivery", "price"]);
    world.judge();
}

#[tokio::test]
async fn a_person_who_wants_no_more_calls_is_known_by_the_tag_of_the_account() {
    let world = world(FAST).await;
    let id = world.call("0006", 1).await;
    world.hear_all().await;
    let other = world.connect(|account| drop(account.options.insert("opt_out_tag".into(), "other".into())), SOON);
    let opted_out = async |voice: &dyn VoiceProvider| {
        let news = voice.report(&id).await.expect("reported");
        news.into_iter().find_map(|one| if let CallbackKind::Analysis(found) = one { found.opted_out } else { None })
    };
    assert_eq!(opted_out(&*world.voice).await, Some(true));
    assert_eq!(opted_out(&*other).await, None, "their word for it is a setting");
}

/// A call cannot start with somebody who is away: asked before, refused by the request itself when nobody asks.
#[tokio::test]
async fn an_agent_who_is_away_is_waited_for_and_one_who_may_not_call_is_a_matter_of_configuration() {
    let world = world(FAST).await;
    let lazy = world.connect(|account| drop(account.options.insert("check_agent".into(), "no".into())), SOON);
    for (email, kind, code, unasked) in [
        ("lina@example.com", RefusalKind::Transient, "agent_unavailable", RefusalKind::Transient),
        ("sami@example.com", RefusalKind::Configuration, "agent_may_not_call", RefusalKind::Configuration),
        ("nobody@example.com", RefusalKind::Configuration, "unknown_agent", RefusalKind::Configuration),
    ] {
        let order = Originate { agent: Some(RemoteAgent::new(email)), ..world.order("0013", 1).await };
        let Answer::Refused(refusal) = world.voice.originate(&order).await else { panic!("not refused") };
        assert_eq!((refusal.kind, refusal.code.as_str()), (kind, code));
        let Answer::Refused(refusal) = lazy.originate(&order).await else { panic!("not refused") };
        assert_eq!((refusal.kind, refusal.code.as_str()), (unasked, "http_400"), "{email}");
    }
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    let posts = world.judge().iter().filter(|one| one.method == "POST").count();
    assert_eq!(posts, 3, "the careful one asked for no call");
}

/// Looking at the agent is a courtesy: a list that does not end in time, or makes no sense, holds no call back.
#[tokio::test]
async fn a_call_does_not_wait_for_a_list_of_agents_without_an_end() {
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let answer = move |request: axum::extract::Request| async move {
        if request.method() == Method::POST {
            return Json(json!({ "result": "success", "referenceId": "r" }));
        }
        // Each page has somebody new, and takes its time.
        let n = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(400)).await;
        Json(json!({ "result": "success", "message": [member(n as usize, &format!("a{n}@example.com"), "available")] }))
    };
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(answer)));
    let voice = connect(KIND, fixture::of(KIND).account(&url, OWNER), client(Duration::from_secs(30)));
    let placed = voice.originate(&world(1.0).await.order("0001", 1).await).await;
    assert_eq!(placed, Answer::Placed(ProviderCallId::new("v3-ref-r")));
    let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert!((1..50).contains(&asked), "{asked} pages");
}

#[tokio::test]
async fn an_agent_of_the_second_page_is_found_and_pages_0_and_1_are_the_same() {
    let world = world(FAST).await;
    let mut all: Vec<Value> = (0..100).map(|n| member(n, &format!("a{n}@example.com"), "available")).collect();
    all.push(member(100, "Last@example.com", "available"));
    staff(&world, all).await;
    let order = Originate { agent: Some(RemoteAgent::new("last@example.com")), ..world.order("0013", 1).await };
    world.place(&order).await;
    let colleagues = world.voice.staff().expect("staff").list().await.expect("listed");
    assert_eq!(colleagues.len(), 101, "nobody twice, nobody missing");
    assert_eq!(world.voice.check().await.expect("checked").name, "Maqsam, 101 of 101 agents may call");
    let first = world.fetch_with_credentials(&format!("{}/v1/agents/page/0", world.tap_url), None).await;
    let second = world.fetch_with_credentials(&format!("{}/v1/agents/page/1", world.tap_url), None).await;
    assert_eq!(first, second);
    world.judge();
}

#[tokio::test]
async fn the_agent_of_the_account_talks_when_a_call_names_nobody() {
    let world = world(FAST).await;
    let voice = world.connect(|account| drop(account.options.insert("agent".into(), AGENT.into())), SOON);
    let order = Originate { agent: None, ..world.order("0013", 1).await };
    assert!(matches!(voice.originate(&order).await, Answer::Placed(_)));
    let bad = Originate { agent: Some(RemoteAgent::new("no address")), ..order };
    let Answer::Refused(refusal) = voice.originate(&bad).await else { panic!("not refused") };
    assert_eq!(refusal.code, "no_agent");
}

#[tokio::test]
async fn an_account_of_the_older_kind_is_asked_by_its_own_path() {
    let world = world(FAST).await;
    let voice = world.connect(
        |account| {
            account.options.insert("create_path".into(), "/v2/calls".into());
            account.options.insert("send_caller".into(), "no".into());
        },
        SOON,
    );
    assert!(matches!(voice.originate(&world.order("0013", 1).await).await, Answer::Placed(_)));
    let exchanges = world.judge();
    let create = created(&exchanges);
    assert_eq!((create.path.as_str(), create.form.iter().any(|(name, _)| name == "caller")), ("/v2/calls", false));
}

#[tokio::test]
async fn a_list_and_a_look_up_follow_all_pages_and_show_nothing_twice() {
    const CALLS: usize = 103;
    let world = world(FAST).await;
    // Without looking at the agent each time.
    let voice = world.connect(|account| drop(account.options.insert("check_agent".into(), "no".into())), SOON);
    let order = world.order("0002", 1).await;
    let mut placed = Vec::new();
    for n in 0..CALLS {
        let call = model::id::CallId::from(uuid::Uuid::from_u128(n as u128 + 1));
        let Answer::Placed(id) = voice.originate(&Originate { call, ..order.clone() }).await else { panic!("not placed") };
        placed.push(id);
    }
    let ids = |all: Vec<Observed>| all.into_iter().rev().map(|one| one.id).collect::<Vec<_>>();
    let hour = TimeDelta::hours(1);
    assert_eq!(ids(voice.list(now() - hour, now() + hour).await.expect("listed")), placed);
    assert_eq!(ids(voice.find(&world.look(&order).await).await.expect("found")), placed);
    assert_eq!(voice.list(now() - hour * 2, now() - hour).await, Ok(Vec::new()));
    world.judge();
}

/// Whether `callerNumber` is what we sent nobody said: unless the account says so, a look-up does not miss a call by it.
#[tokio::test]
async fn a_look_up_trusts_the_caller_s_number_only_where_it_is_told_to() {
    let world = world(FAST).await;
    let order = world.order("0013", 1).await;
    let id = world.place(&order).await;
    let look = LookUp { from: phone("+12025550199"), ..world.look(&order).await };
    assert_eq!(world.voice.find(&look).await, Ok(Vec::new()));
    let careful = world.connect(|account| drop(account.options.remove("match_caller")), SOON);
    let found = careful.find(&look).await.expect("found");
    assert_eq!(found.iter().map(|one| &one.id).collect::<Vec<_>>(), [&id]);
}

#[tokio::test]
async fn a_call_is_looked_up_while_nobody_has_answered_and_moments_are_whole_seconds() {
    let world = world(0.001).await;
    let order = world.order("0001", 1).await;
    let id = world.place(&order).await;
    let at = world.voice.fetch(&id).await.expect("fetched").expect("exists").created_at.expect("a moment");
    assert_eq!(at.timestamp_subsec_nanos(), 0);
    // The request was made a moment after the second it is listed under.
    let look = LookUp { since: at + TimeDelta::milliseconds(999), until: at + TimeDelta::minutes(1), ..world.look(&order).await };
    let found = world.voice.find(&look).await.expect("found");
    assert_eq!(found.iter().map(|one| (&one.id, one.status)).collect::<Vec<_>>(), [(&id, ProviderStatus::Dialing)]);
    world.judge();
}

/// Pages that never end, and one that never changes.
#[tokio::test]
async fn a_list_without_an_end_is_given_up_and_one_that_repeats_itself_ends() {
    let asking = async |endless: bool| {
        let page = move |uri: Uri| async move {
            let number = uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("page=")));
            let id = if endless { number.and_then(|text| text.parse().ok()).unwrap_or(0) } else { 7 };
            Json(json!({ "message": [{ "id": id, "timestamp": 1_760_000_000 }] }))
        };
        let (listener, url) = bind().await;
        let mut servers = JoinSet::new();
        servers.spawn(run(listener, Router::new().fallback(page)));
        let voice = connect(KIND, fixture::of(KIND).account(&url, OWNER), client(SOON));
        let at = chrono::DateTime::from_timestamp(1_760_000_000, 0).expect("a moment");
        voice.list(at, at + TimeDelta::minutes(1)).await
    };
    assert_eq!(asking(true).await, Err(ProviderError::TooMany(50)));
    assert_eq!(asking(false).await.expect("listed").len(), 1);
}

#[test]
fn it_says_what_it_cannot_do() {
    assert!(KIND.is_conversational() && KIND.is_polled() && !KIND.keeps_talk_limit());
    let voice = connect(KIND, fixture::of(KIND).account("https://api.maqsam.com", OWNER), client(SOON));
    assert!(voice.agents().is_none() && voice.knowledge().is_none() && voice.numbers().is_none());
    assert!(voice.voices().is_none() && voice.speech().is_none() && voice.staff().is_some());
    let request = CallbackRequest { method: &Method::POST, url: "", headers: &HeaderMap::new(), body: b"{}" };
    assert!(voice.parse_inbound(&request).is_err());
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let spec = fixture::of(KIND).spec();
    let is_error = |exchange: &Exchange| fixture::of(KIND).is_error(exchange);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fine = Exchange {
        method: "POST".into(),
        path: "/v3/calls".into(),
        headers: vec![pair("x-request-id", "cal_1")],
        content_type: "application/x-www-form-urlencoded".into(),
        body: b"a form".to_vec(),
        form: vec![pair("email", AGENT), pair("phone", "14155550013")],
        status: 200,
        answer: json!({ "result": "success", "call": { "referenceId": "r" } }),
        answer_is_json: true,
        ..Exchange::default()
    };
    assert_eq!(spec.violations(&fine, &is_error), Vec::<String>::new());
    let broken: &[fn(&mut Exchange)] = &[
        |x| x.path = "/v3/call".into(),
        |x| x.content_type = "application/json".into(),
        |x| x.headers.clear(),
        |x| x.form[1].1 = "+14155550013".into(),
        |x| x.form[0].1 = "noor".into(),
        |x| x.form.truncate(1),
        |x| x.form.push(("metadata".into(), "1".into())),
        |x| x.status = 201,
        |x| x.answer["call"] = json!({}),
        |x| x.answer["colour"] = "red".into(),
    ];
    for (n, break_it) in broken.iter().enumerate() {
        let mut exchange = fine.clone();
        break_it(&mut exchange);
        assert!(!spec.violations(&exchange, &is_error).is_empty(), "case {n} went unseen");
    }
}
