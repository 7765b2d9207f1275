//! Vapi alone: the sharp edges seen in the wild (providers.md §13), one test each, named after the edge (22, 23 and 24 of them
//! beside the adapter); calls that come in; versions; pages; the two ways in which messages prove who sent them.

use std::time::Duration;

use axum::{Router, http::HeaderName};
use providers::*;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    fixture, schema,
    support::{Exchange, FAST, Heard, OWNER, World, bind, client, now, phone, run},
};

const KIND: ProviderKind = ProviderKind::Vapi;

async fn world(speed: f64) -> World {
    World::of(KIND, speed).await
}

/// A server of ours for as long as the second part lives.
async fn serving(router: Router) -> (String, JoinSet<()>) {
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, router));
    (url, servers)
}

fn created(exchanges: &[Exchange]) -> Value {
    exchanges.iter().rev().find(|one| (one.method.as_str(), one.path.as_str()) == ("POST", "/call")).expect("created").json()
}

fn first_words(heard: &[Heard]) -> String {
    let analysis = heard.iter().rev().find_map(Heard::analysis).expect("what was said");
    analysis.transcript[0].text.clone()
}

#[tokio::test]
async fn edge_22_a_report_is_enough_where_every_status_was_lost() {
    let world = world(FAST).await;
    let order = world.order("0002", 1).await;
    world.fault(json!({ "kind": "drop", "count": 2 })).await;
    world.place(&order).await;
    let heard = world.hear_all().await;
    let types: Vec<_> = heard.iter().map(|one| one.callback.event_id.split(':').nth(1).unwrap_or_default()).collect();
    assert!(!types.is_empty() && types.iter().all(|kind| *kind == "end-of-call-report"), "{types:?}");
    assert_eq!(heard[0].status(), Some(ProviderStatus::Ended(Outcome::Busy)));
}

#[tokio::test]
async fn edge_25_a_recording_is_asked_for_with_the_key_and_opened_without() {
    let world = world(FAST).await;
    let id = world.call("0013", 1).await;
    let heard = world.hear_all().await;
    let recording = heard.iter().find_map(Heard::recording).expect("a recording");
    assert_eq!(recording.url, None, "no link is kept: it needs a key or dies soon");
    world.voice.recording(recording).await.expect("fetched");
    let exchanges = world.judge();
    let sound: Vec<&Exchange> = exchanges.iter().rev().take(2).collect();
    let has_key = |one: &Exchange| one.headers.iter().any(|(name, _)| name == "authorization");
    assert!(sound[1].path == format!("/call/{id}/mono-recording") && sound[1].status == 302 && has_key(sound[1]));
    assert!(sound[0].path.starts_with("/vapi/recordings/") && !has_key(sound[0]));
    assert!(exchanges.iter().all(|one| !one.path.starts_with("/vapi/storage/")));
}

/// Whoever can make Vapi answer with a link cannot have us open one inside our own network.
#[tokio::test]
async fn a_recording_s_link_into_our_own_network_is_not_opened() {
    let (opened, mut openings) = mpsc::unbounded_channel();
    let open = move || async move {
        opened.send(()).ok();
        ([("content-type", "audio/wav")], "RIFF of a neighbour")
    };
    let (inside, _servers) = serving(Router::new().fallback(open)).await;
    let elsewhere = (axum::http::StatusCode::FOUND, [("location", inside)]);
    let (url, _outside) = serving(Router::new().fallback(move || async move { elsewhere })).await;
    let voice = connect(KIND, fixture::of(KIND).account(&url, OWNER), client(Duration::from_secs(5)));
    let recording = Recording {
        id: "019a9046-1c2d-4e3f-8a4b-5c6d7e8f9a0b:mono".into(),
        url: None,
        seconds: None,
        ready: true,
        raw_status: String::new(),
    };
    assert!(matches!(voice.recording(&recording).await, Err(ProviderError::Malformed(_))));
    assert!(openings.try_recv().is_err(), "it was opened");
}

/// Vapi alone would send it once; our assistants ask for more.
#[tokio::test]
async fn a_message_that_is_not_taken_comes_again() {
    let world = world(FAST).await;
    let (told, mut asked) = mpsc::unbounded_channel();
    let refuses = move |body: axum::Json<Value>| async move {
        told.send(body.0["message"]["status"].as_str().unwrap_or_default().to_owned()).ok();
        axum::http::StatusCode::SERVICE_UNAVAILABLE
    };
    let (url, _servers) = serving(Router::new().fallback(refuses)).await;
    let mut order = world.order("0002", 1).await;
    order.agent = Some(world.voice.agents().expect("agents").create(&fixture::an_agent(&url)).await.expect("created"));
    world.place(&order).await;
    for _ in 0..3 {
        assert_eq!(asked.recv().await.as_deref(), Some("ringing"));
    }
}

/// A batch answers 201 although calls in it failed. We ask for one call, and take nothing else for one.
#[tokio::test]
async fn edge_26_the_answer_to_a_batch_is_not_a_placed_call() {
    let world = world(FAST).await;
    let order = world.order("0013", 1).await;
    world.place(&order).await;
    let sent = created(&world.judge());
    assert!(sent["customer"].is_object() && sent["customers"].is_null());
    for body in [json!({ "results": [], "errors": [{ "error": "limit" }] }), json!({ "results": [{ "id": "a" }], "errors": [] })]
    {
        let answer = (axum::http::StatusCode::CREATED, body.to_string());
        let (url, _servers) = serving(Router::new().fallback(move || async move { answer })).await;
        let voice = connect(KIND, fixture::of(KIND).account(&url, OWNER), client(Duration::from_secs(5)));
        assert!(matches!(voice.originate(&order).await, Answer::Unknown { .. }), "{body}");
    }
}

#[tokio::test]
async fn a_call_carries_its_limits_its_variables_and_our_id() {
    let world = world(FAST).await;
    let order = Originate { record: false, machine_detection: false, talk_seconds_max: 5, ..world.order("0013", 1).await };
    world.place(&order).await;
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.callback.call == Some(order.call) && one.recording().is_none()));
    let sent = created(&world.judge());
    let call = order.call.to_string();
    assert_eq!(sent["customer"], json!({ "number": "+14155550013", "externalId": call }));
    assert_eq!(
        sent["assistantOverrides"],
        json!({
            "variableValues": { "first_name": "Zoë" },
            "metadata": { "belfry_call": call, "belfry_from": "+12025550100" },
            "maxDurationSeconds": 10,
            "transportConfigurations": [{ "provider": "twilio", "timeout": 30 }],
            "artifactPlan": { "recordingEnabled": false },
            "voicemailDetection": "off",
        })
    );
}

#[tokio::test]
async fn a_call_without_the_id_of_its_number_is_never_sent() {
    let world = world(FAST).await;
    let order = Originate { from_id: None, ..world.order("0001", 1).await };
    let before = world.tap.seen.lock().expect("no test holds it").len();
    let Answer::Refused(refusal) = world.voice.originate(&order).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "no_number_id"));
    assert_eq!(world.tap.seen.lock().expect("no test holds it").len(), before);
}

#[tokio::test]
async fn a_call_gets_the_version_it_names_and_else_the_newest() {
    let world = world(FAST).await;
    let agents = world.voice.agents().expect("agents");
    let order = world.order("0001", 1).await;
    let first = order.agent.clone().expect("an agent");
    let spec = agents.read(&first).await.expect("read").expect("exists").spec;
    let second = agents.update(&first.id, &AgentSpec { greeting: "Good evening.".into(), ..spec }).await.expect("updated");
    assert_eq!((first.version.as_deref(), second.version.as_deref()), (Some("v1"), Some("v2")));
    let pinned = world.place(&order).await;
    let newest = Originate { agent: Some(RemoteAgent::new(first.id)), ..world.order("0001", 2).await };
    let newest = world.place(&newest).await;
    let heard = world.hear_all().await;
    let of = |id: &ProviderCallId| heard.iter().filter(|one| one.callback.id == *id).cloned().collect::<Vec<_>>();
    assert_eq!(first_words(&of(&pinned)), "Hello Zoë, this is Ravi & Sons <bakery>.");
    assert_eq!(first_words(&of(&newest)), "Good evening.");
    world.judge();
}

#[tokio::test]
async fn a_variable_that_a_call_does_not_name_has_the_agent_s_value() {
    let world = world(FAST).await;
    let order = world.order("0001", 1).await;
    world.place(&Originate { variables: Default::default(), ..order }).await;
    assert_eq!(first_words(&world.hear_all().await), "Hello friend, this is Ravi & Sons <bakery>.");
}

/// What gremlin tells keeps to the specification too, which says of messages what it says of answers.
#[tokio::test]
async fn every_message_keeps_to_the_specification() {
    let world = world(FAST).await;
    for (n, digits) in [(1, "0001"), (2, "0002"), (3, "0004"), (4, "0006")] {
        world.call(digits, n).await;
    }
    world.hear_all().await;
    let document: Value = serde_json::from_str(include_str!("../../src/vapi/fixtures/openapi.json")).expect("JSON");
    let components = schema::strict_components(&document);
    let mut met = Vec::new();
    for arrived in world.arrived.lock().expect("no test holds it").iter() {
        let message = serde_json::from_slice::<Value>(&arrived.body).expect("JSON")["message"].take();
        let name = match message["type"].as_str() {
            Some("status-update") => "ServerMessageStatusUpdate",
            Some("end-of-call-report") => "ServerMessageEndOfCallReport",
            Some("tool-calls") => "ServerMessageToolCalls",
            other => panic!("nobody asked for {other:?}"),
        };
        let validator = schema::compile(&json!({ "$ref": format!("#/components/schemas/{name}") }), &components, false);
        let wrong: Vec<_> = validator.iter_errors(&message).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{message:#}");
        met.push(name);
    }
    met.sort_unstable();
    met.dedup();
    assert_eq!(met.len(), 3);
}

/// Without a credential the messages carry the secret itself.
#[tokio::test]
async fn without_a_credential_messages_carry_the_secret() {
    let world = world(FAST).await;
    let plain = world.connect(|account| drop(account.options.remove("webhook_credential")), Duration::from_secs(10));
    let agents = plain.agents().expect("agents");
    let agent = agents.create(&fixture::an_agent(&format!("{}/hook", world.hooks))).await.expect("created");
    world.place(&Originate { agent: Some(agent), ..world.order("0002", 1).await }).await;
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.authentic));
    let arrived = world.arrived.lock().expect("no test holds it")[0].clone();
    assert!(arrived.headers.contains_key("x-vapi-secret") && !arrived.headers.contains_key("x-signature"));
    let stranger = world.connect(|account| account.webhook_secret = None, Duration::from_secs(1));
    assert!(stranger.verify(&arrived.request(), arrived.at).is_err());
}

#[tokio::test]
async fn nothing_is_set_up_whose_messages_could_not_be_trusted() {
    let world = world(1.0).await;
    let open = world.connect(|account| account.webhook_secret = None, Duration::from_secs(10));
    let Err(ProviderError::Refused(refusal)) = open.agents().expect("agents").create(&fixture::an_agent(&world.hooks)).await
    else {
        panic!("created")
    };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "no_webhook_secret"));
    assert!(world.tap.seen.lock().expect("no test holds it").is_empty());
}

#[tokio::test]
async fn a_signed_message_lives_as_long_as_the_option_says() {
    let world = world(FAST).await;
    world.call("0002", 1).await;
    world.hear_end().await;
    let arrived = world.arrived.lock().expect("no test holds it")[0].clone();
    let patient = world
        .connect(|account| drop(account.options.insert("webhook_age_seconds_max".into(), "900".into())), Duration::from_secs(1));
    let late = arrived.at + chrono::TimeDelta::minutes(10);
    assert!(world.voice.verify(&arrived.request(), late).is_err() && patient.verify(&arrived.request(), late).is_ok());
}

async fn import(world: &World, binding: Binding) -> RemoteNumber {
    let numbers = world.voice.numbers().expect("numbers");
    let carrier = Carrier::Sip { address: "203.0.113.10".into(), username: None, password: None };
    let import = NumberImport { phone: phone("+12025550142"), label: "In".into(), carrier };
    let number = numbers.import(&import).await.expect("imported");
    numbers.bind(&number.id, &binding).await.expect("bound");
    number
}

async fn call_in(world: &World, to: &RemoteNumber) -> u16 {
    let caller = json!({ "provider": "vapi", "account": OWNER, "from": "+14155550177", "to": to.phone.as_str() });
    world.post_control("inbound", &caller).await
}

#[tokio::test]
async fn a_call_that_comes_in_is_asked_about_and_answered_by_the_agent_we_name() {
    let world = world(FAST).await;
    let order = world.order("0001", 1).await;
    let voice = connect(KIND, world.fixture.account(&world.gremlin, OWNER), client(Duration::from_secs(5)));
    let agent = order.agent.clone().expect("an agent");
    let variables = [("first_name".to_owned(), "Mona".to_owned())].into();
    let reply = Reply::Connect { call: order.call, agent: agent.clone(), variables };
    let (heard, mut questions) = mpsc::unbounded_channel();
    let answer = move |headers: HeaderMap, body: axum::body::Bytes| async move {
        let request = CallbackRequest { method: &Method::POST, url: "", headers: &headers, body: &body };
        assert!(voice.verify(&request, now()).is_ok());
        heard.send(voice.parse_inbound(&request).expect("a question")).expect("the test listens");
        let reply = voice.reply(&reply);
        ([(HeaderName::from_static("content-type"), reply.content_type)], reply.body)
    };
    let (url, _servers) = serving(Router::new().fallback(answer)).await;
    // An agent of the number's own would keep Vapi from asking; it is kept where it does not.
    let number = import(&world, Binding { agent: Some(agent), inbound_url: Some(url), news_url: None }).await;

    assert_eq!(call_in(&world, &number).await, 201);
    let question = questions.try_recv().expect("asked before it is answered");
    assert_eq!((question.to, question.from), (number.phone, Some(phone("+14155550177"))));
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.callback.call == Some(order.call) && one.callback.id == question.id && one.authentic));
    let CallbackKind::Status(seen) = &heard[0].callback.kind else { panic!("not a status") };
    assert_eq!((seen.from.as_ref(), seen.to.as_ref()), (Some(&phone("+14155550177")), Some(&phone("+12025550142"))));
    assert_eq!(first_words(&heard), "Hello Mona, this is Ravi & Sons <bakery>.");
    assert_eq!(world.control("rings").await["total"]["dialed"], 0, "nobody was called");
    world.judge();
}

#[tokio::test]
async fn a_call_that_comes_in_can_be_declined_or_taken_without_a_question() {
    let world = world(FAST).await;
    let body = world.voice.reply(&Reply::Decline).body;
    let (url, _servers) = serving(Router::new().fallback(move || async move { body })).await;
    let agent = world.order("0001", 1).await.agent;
    let number = import(&world, Binding { agent: agent.clone(), inbound_url: Some(url), news_url: None }).await;
    assert_eq!(call_in(&world, &number).await, 404);
    assert_eq!(world.control("calls").await["kept"], 0);
    let numbers = world.voice.numbers().expect("numbers");
    numbers.bind(&number.id, &Binding { agent, ..Binding::default() }).await.expect("bound");
    assert_eq!(call_in(&world, &number).await, 201);
    numbers.bind(&number.id, &Binding::default()).await.expect("unbound");
    assert_eq!(call_in(&world, &number).await, 404);
    world.judge();
}

#[tokio::test]
async fn a_look_up_follows_all_pages_and_a_list_keeps_to_its_span() {
    const CALLS: usize = 53;
    let world = world(FAST).await;
    let order = world.order("0002", 1).await;
    let first = world.place_many(&order, CALLS).await;
    let look = world.look(&order).await;
    let all = world.voice.find(&LookUp { call: None, ..look.clone() }).await.expect("found");
    assert_eq!(all.len(), CALLS);
    let own = world.voice.find(&look).await.expect("found");
    assert_eq!(own.iter().map(|call| &call.id).collect::<Vec<_>>(), [&first]);
    let at = own[0].created_at.expect("known");
    assert_eq!(world.voice.list(look.since, look.until).await.expect("listed").len(), CALLS);
    assert!(
        world.voice.list(look.since, at).await.expect("listed").iter().all(|seen| seen.id != own[0].id),
        "the end is not in it"
    );
    world.judge();
}

/// To overlook it would be to call the person a second time.
#[tokio::test]
async fn a_call_that_waited_longer_than_the_span_is_found_by_when_it_was_made() {
    let order = world(FAST).await.order("0001", 1).await;
    let at = now();
    let stamp = |minutes: i64| (at + chrono::TimeDelta::minutes(minutes)).to_rfc3339();
    let call = json!([{ "id": "late", "status": "in-progress", "createdAt": stamp(0), "startedAt": stamp(30),
                        "customer": { "number": order.to.as_str() } }]);
    let body = call.to_string();
    let (url, _servers) = serving(Router::new().fallback(move || async move { body })).await;
    let voice = connect(KIND, fixture::of(KIND).account(&url, OWNER), client(Duration::from_secs(5)));
    let minute = chrono::TimeDelta::minutes(1);
    let look = LookUp { to: order.to, from: order.from, call: Some(order.call), since: at - minute, until: at + minute };
    let found = voice.find(&look).await.expect("found");
    assert_eq!(found.iter().map(|seen| seen.id.as_str()).collect::<Vec<_>>(), ["late"]);
    let early = LookUp { since: at - minute * 5, until: at - minute, ..look };
    assert_eq!(voice.find(&early).await, Ok(Vec::new()), "made after the span");
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let spec = fixture::of(KIND).spec();
    let is_error = |exchange: &Exchange| fixture::of(KIND).is_error(exchange);
    let with = |body: Value, answer: Value| Exchange {
        method: "POST".into(),
        path: "/call".into(),
        content_type: "application/json".into(),
        body: body.to_string().into_bytes(),
        status: 201,
        answer,
        answer_is_json: true,
        ..Exchange::default()
    };
    let body = json!({ "assistantId": "a", "phoneNumberId": "p", "customer": { "number": "+14155550001" },
                       "assistantOverrides": { "metadata": { "any": [1] }, "maxDurationSeconds": 60 } });
    let moment = "2026-11-21T12:00:00.000Z";
    let answer = json!({ "id": "c", "orgId": "o", "createdAt": moment, "updatedAt": moment, "status": "queued" });
    assert_eq!(spec.violations(&with(body.clone(), answer.clone()), &is_error), Vec::<String>::new());
    for (name, value) in [
        ("/assistantId", json!(1)),
        ("/colour", json!("red")),
        ("/customer/colour", json!("red")),
        ("/customer/externalId", json!("x".repeat(41))),
        ("/assistantOverrides/maxDurationSeconds", json!(9)),
        ("/assistantOverrides/transportConfigurations", json!([{ "timeout": 30 }])),
    ] {
        let mut body = body.clone();
        let (parent, name) = name.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("an object")[name] = value;
        assert!(!spec.violations(&with(body.clone(), answer.clone()), &is_error).is_empty(), "{body}");
    }
    for (name, value) in [("status", json!("hyperspace")), ("colour", json!("red")), ("cost", json!("one")), ("id", Value::Null)]
    {
        let mut answer = answer.clone();
        answer[name] = value;
        assert!(!spec.violations(&with(body.clone(), answer.clone()), &is_error).is_empty(), "{answer}");
    }
}
