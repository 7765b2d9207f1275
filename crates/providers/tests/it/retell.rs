//! Retell alone: the sharp edges seen in the wild (providers.md §13), one test each, named after the edge; calls that come in;
//! pages; the old way to publish.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    http::{HeaderName, StatusCode, Uri},
};
use providers::*;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    fixture,
    support::{Exchange, FAST, Heard, OWNER, World, bind, client, now, phone, run},
};

const KIND: ProviderKind = ProviderKind::Retell;

async fn world(speed: f64) -> World {
    World::of(KIND, speed).await
}

fn events(heard: &[Heard]) -> Vec<String> {
    let mut all: Vec<(usize, String)> =
        heard.iter().map(|one| (one.request, one.callback.event_id.split(':').nth(1).unwrap_or_default().to_owned())).collect();
    all.dedup();
    all.into_iter().map(|(_, event)| event).collect()
}

#[tokio::test]
async fn edge_10_an_unconnected_call_begins_with_its_end() {
    let world = world(FAST).await;
    for (n, digits) in [(1, "0002"), (2, "0003")] {
        let id = world.call(digits, n).await;
        let heard = world.hear_all().await;
        let own: Vec<Heard> = heard.into_iter().filter(|one| one.callback.id == id).collect();
        assert_eq!(events(&own), ["call_ended", "call_analyzed"]);
        assert!(own[0].is_end());
    }
}

/// Nothing listened for a machine: the call ends like a person's, and only the analysis tells.
#[tokio::test]
async fn edge_11_a_voicemail_may_show_in_the_analysis_alone() {
    let world = world(FAST).await;
    world.place(&Originate { machine_detection: false, ..world.order("0004", 1).await }).await;
    let heard = world.hear_all().await;
    let ends: Vec<_> = heard.iter().filter(|one| one.is_end()).filter_map(Heard::status).collect();
    assert_eq!(ends, [ProviderStatus::Ended(Outcome::Completed), ProviderStatus::Ended(Outcome::Voicemail)]);
    let exchanges = world.judge();
    let create = exchanges.iter().find(|one| one.path == "/v2/create-phone-call").expect("created");
    assert_eq!(create.json()["agent_override"]["agent"]["voicemail_option"], Value::Null);
}

/// The analysis overtakes the end that has to be repeated: each carries the whole call.
#[tokio::test]
async fn edge_12_each_event_tells_the_whole_call_whatever_came_before() {
    let world = world(FAST).await;
    let order = world.order("0013", 1).await;
    // The first two wait, and the third does not.
    world.fault(json!({ "kind": "delay_ms", "count": 2, "delay_ms": 1_000 })).await;
    world.place(&order).await;
    let heard = world.hear("three events", |all| events(all).len() == 3).await;
    assert_eq!(events(&heard)[0], "call_analyzed");
    let first: Vec<&Heard> = heard.iter().filter(|one| one.request == 0).collect();
    assert_eq!(first[0].status(), Some(ProviderStatus::Ended(Outcome::Completed)));
    assert!(first.iter().any(|one| one.recording().is_some()));
    assert!(first.iter().any(|one| one.analysis().is_some_and(|analysis| analysis.summary.is_some())));
}

/// The end is there before the judgement, with the recording, whose link may soon be dead, and what was said (edge 15).
#[tokio::test]
async fn edge_15_the_recording_comes_with_the_end_and_not_with_the_analysis() {
    let world = world(FAST).await;
    world.call("0013", 1).await;
    let heard = world.hear_all().await;
    let ended: Vec<&Heard> = heard.iter().filter(|one| one.callback.event_id.contains(":call_ended:")).collect();
    assert!(ended.iter().any(|one| one.recording().is_some_and(|recording| recording.ready)));
    let transcript = ended.iter().find_map(|one| one.analysis()).expect("what was said");
    assert!(!transcript.transcript.is_empty() && transcript.summary.is_none());
}

#[tokio::test]
async fn edge_14_variables_are_texts_and_metadata_carries_our_id() {
    let world = world(FAST).await;
    let mut order = world.order("0013", 1).await;
    order.variables.insert("amount".into(), "17".into());
    world.place(&order).await;
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.callback.call == Some(order.call)));
    let exchanges = world.judge();
    let create = exchanges.iter().find(|one| one.path == "/v2/create-phone-call").expect("created").json();
    assert_eq!(create["retell_llm_dynamic_variables"], json!({ "amount": "17", "first_name": "Zoë" }));
    assert_eq!(create["metadata"], json!({ "belfry_call": order.call.to_string() }));
}

/// A Retell that answers as told; what it is asked can be received, as `METHOD /path?query`.
async fn told(answers: fn(&str) -> (u16, Value)) -> (Arc<dyn VoiceProvider>, mpsc::UnboundedReceiver<String>, JoinSet<()>) {
    let (seen, asked) = mpsc::unbounded_channel();
    let answer = move |method: Method, uri: Uri| async move {
        let question = format!("{method} {uri}");
        let (status, body) = answers(&question);
        seen.send(question).expect("the test listens");
        (StatusCode::from_u16(status).expect("a status"), Json(body))
    };
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(answer)));
    (connect(KIND, fixture::of(KIND).account(&url, OWNER), client(Duration::from_secs(5))), asked, servers)
}

fn error(message: &str) -> Value {
    json!({ "status": "error", "message": message })
}

/// An API that publishes the old way only.
#[tokio::test]
async fn edge_15_an_agent_is_published_the_old_way_where_the_new_one_is_missing() {
    let (voice, mut asked, _servers) = told(|question| match question {
        "POST /publish-agent/agent_1" => (200, Value::Null),
        _ => (404, error("The requested resource was not found.")),
    })
    .await;
    let agent = RemoteAgent { id: "agent_1".into(), version: Some("3".into()) };
    voice.agents().expect("agents").publish(&agent).await.expect("published");
    assert_eq!(asked.recv().await.as_deref(), Some("POST /publish-agent-version/agent_1"));
    assert_eq!(asked.recv().await.as_deref(), Some("POST /publish-agent/agent_1"));
}

#[tokio::test]
async fn a_language_model_whose_agent_is_refused_is_taken_back() {
    let (voice, mut asked, _servers) = told(|question| match question {
        "POST /create-retell-llm" => (201, json!({ "llm_id": "llm_1", "version": 0 })),
        "DELETE /delete-retell-llm/llm_1" => (204, Value::Null),
        _ => (400, error("voice_id does not exist.")),
    })
    .await;
    let made = voice.agents().expect("agents").create(&fixture::an_agent("https://b.example/hook")).await;
    assert!(matches!(made, Err(ProviderError::Refused(refusal)) if refusal.message.contains("voice_id")));
    for question in ["POST /create-retell-llm", "POST /create-agent", "DELETE /delete-retell-llm/llm_1"] {
        assert_eq!(asked.recv().await.as_deref(), Some(question));
    }
}

#[tokio::test]
async fn a_hang_up_that_is_refused_is_an_error_unless_the_call_is_over() {
    let id = ProviderCallId::new("call_1");
    let (voice, _asked, _servers) = told(|question| match question {
        "GET /v2/get-call/call_1" => (200, json!({ "call_id": "call_1", "call_status": "ongoing" })),
        _ => (422, error("Cannot stop this call.")),
    })
    .await;
    assert!(matches!(voice.hang_up(&id).await, Err(ProviderError::Refused(_))));
    let (voice, _asked, _servers) = told(|question| match question {
        "GET /v2/get-call/call_1" => (200, json!({ "call_id": "call_1", "call_status": "ended" })),
        _ => (422, error("Cannot stop this call.")),
    })
    .await;
    assert_eq!(voice.hang_up(&id).await, Ok(()));
}

#[tokio::test]
async fn pages_of_numbers_are_followed_and_pages_without_an_end_are_given_up() {
    let (voice, _asked, _servers) = told(|question| match question {
        "GET /v2/list-phone-numbers?pagination_key=two+%26" => (200, json!({ "items": [{ "phone_number": "+12025550143" }] })),
        _ => (200, json!({ "items": [{ "phone_number": "+12025550142" }], "has_more": true, "pagination_key": "two &" })),
    })
    .await;
    let numbers = voice.numbers().expect("numbers").list().await.expect("listed");
    assert_eq!(numbers.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["+12025550142", "+12025550143"]);

    let (voice, _asked, _servers) = told(|_| (200, json!({ "items": [], "has_more": true, "pagination_key": "again" }))).await;
    assert_eq!(voice.numbers().expect("numbers").list().await, Err(ProviderError::TooMany(20)));
    assert_eq!(voice.list(now(), now()).await, Err(ProviderError::TooMany(20)));
}

#[tokio::test]
async fn a_webhook_that_is_not_taken_comes_again() {
    let world = world(FAST).await;
    let (told, mut asked) = mpsc::unbounded_channel();
    let refuses_first = move |body: Json<Value>| async move {
        told.send(body.0["event"].as_str().unwrap_or_default().to_owned()).expect("the test listens");
        StatusCode::SERVICE_UNAVAILABLE
    };
    let (listener, url) = bind().await;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(refuses_first)));
    let mut order = world.order("0002", 1).await;
    let agents = world.voice.agents().expect("agents");
    order.agent = Some(agents.create(&fixture::an_agent(&url)).await.expect("created"));
    world.place(&order).await;
    for _ in 0..4 {
        assert_eq!(asked.recv().await.as_deref(), Some("call_ended"));
    }
    assert_eq!(asked.recv().await.as_deref(), Some("call_analyzed"), "three more tries and no more");
}

/// Somebody calls: the question names an agent through our answer, and our id comes back with every event.
#[tokio::test]
async fn a_call_that_comes_in_is_answered_by_the_agent_that_we_name() {
    let world = world(FAST).await;
    let order = world.order("0001", 5).await;
    let agent = order.agent.clone().expect("an agent");
    let (listener, url) = bind().await;
    let voice = Arc::clone(&world.voice);
    let connect = Reply::Connect {
        call: order.call,
        agent: agent.clone(),
        variables: [("first_name".to_owned(), "Mona".to_owned())].into(),
    };
    let (heard, mut questions) = mpsc::unbounded_channel();
    let answer = move |headers: HeaderMap, body: axum::body::Bytes| async move {
        let request = CallbackRequest { method: &Method::POST, url: "", headers: &headers, body: &body };
        assert!(voice.verify(&request, now()).is_ok());
        heard.send(voice.parse_inbound(&request).expect("a question")).expect("the test listens");
        let reply = voice.reply(&connect);
        ([(HeaderName::from_static("content-type"), reply.content_type)], reply.body)
    };
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(answer)));
    let number = import(&world, Binding { inbound_url: Some(url), ..Binding::default() }).await;

    assert_eq!(call_in(&world, &number.id).await, 201);
    let question = questions.recv().await.expect("asked");
    assert_eq!((question.to, question.from), (number.phone, Some(phone("+14155550177"))));
    assert!(question.id.as_str().starts_with("question_"));
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.callback.call == Some(order.call) && one.authentic));
    let analysis = heard.iter().find_map(Heard::analysis).expect("what was said");
    assert_eq!(analysis.transcript[0].text, "Hello Mona, this is Ravi & Sons <bakery>.");
    assert_eq!(world.control("rings").await["total"]["dialed"], 0, "nobody was called");
}

#[tokio::test]
async fn a_call_that_comes_in_can_be_declined() {
    let world = world(FAST).await;
    let (listener, url) = bind().await;
    let body = world.voice.reply(&Reply::Decline).body;
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(move || async move { body })));
    let agent = world.order("0001", 1).await.agent;
    let number = import(&world, Binding { agent, inbound_url: Some(url), news_url: None }).await;
    assert_eq!(call_in(&world, &number.id).await, 404);
    assert_eq!(world.control("calls").await["kept"], 0);
}

#[tokio::test]
async fn the_same_question_asked_again_has_the_same_id() {
    let world = world(1.0).await;
    let ask = |stamp: i64, from: &str| {
        let body = json!({ "event": "call_inbound", "event_timestamp": stamp,
                           "call_inbound": { "from_number": from, "to_number": "+12025550142" } });
        let body = body.to_string().into_bytes();
        let request = CallbackRequest { method: &Method::POST, url: "", headers: &HeaderMap::new(), body: &body };
        world.voice.parse_inbound(&request).expect("a question")
    };
    let first = ask(1_780_012_672_105, "+14155550177");
    assert_eq!(first.id, ask(1_780_012_673_500, "+14155550177").id);
    assert_ne!(first.id, ask(1_780_012_672_105, "+14155550178").id);
    assert_ne!(first.id, ask(1_780_099_072_105, "+14155550177").id);
    assert_eq!(ask(1_780_012_672_105, "anonymous").from, None);
}

async fn import(world: &World, binding: Binding) -> RemoteNumber {
    let numbers = world.voice.numbers().expect("numbers");
    let carrier = Carrier::Sip { address: "trunk.example.com".into(), username: None, password: None };
    let import = NumberImport { phone: phone("+12025550142"), label: "In".into(), carrier };
    let number = numbers.import(&import).await.expect("imported");
    numbers.bind(&number.id, &binding).await.expect("bound");
    number
}

async fn call_in(world: &World, to: &str) -> u16 {
    let caller = json!({ "provider": "retell", "account": OWNER, "from": "+14155550177", "to": to });
    world.post_control("inbound", &caller).await
}

#[tokio::test]
async fn numbers_with_credentials_of_twilio_are_not_taken() {
    let world = world(1.0).await;
    let carrier = Carrier::Twilio { account_sid: "AC1".into(), auth_token: "x".to_owned().into() };
    let import = NumberImport { phone: phone("+12025550142"), label: String::new(), carrier };
    let imported = world.voice.numbers().expect("numbers").import(&import).await;
    assert!(matches!(imported, Err(ProviderError::Unsupported(_))), "{imported:?}");
}

#[tokio::test]
async fn a_look_up_follows_all_pages_and_knows_our_own_call_by_its_id() {
    const CALLS: usize = 203;
    let world = world(FAST).await;
    let order = world.order("0002", 1).await;
    let first = world.place_many(&order, CALLS).await;
    let look = world.look(&order).await;
    let all = world.voice.find(&LookUp { call: None, ..look.clone() }).await.expect("found");
    assert_eq!(all.len(), CALLS);
    let own = world.voice.find(&look).await.expect("found");
    assert_eq!(own.iter().map(|call| &call.id).collect::<Vec<_>>(), [&first]);
    world.judge();
}

#[tokio::test]
async fn a_list_holds_the_calls_that_were_answered_in_its_span() {
    let world = world(FAST).await;
    let answered = world.call("0013", 1).await;
    world.call("0002", 2).await;
    world.hear_all().await;
    let hour = chrono::TimeDelta::hours(1);
    let listed = world.voice.list(now() - hour, now() + hour).await.expect("listed");
    assert_eq!(listed.iter().map(|call| &call.id).collect::<Vec<_>>(), [&answered]);
    assert_eq!(listed[0].price_micros, Some(70_000));
    assert_eq!(world.voice.list(now() - hour * 2, now() - hour).await, Ok(Vec::new()));
    world.judge();
}

#[tokio::test]
async fn with_several_keys_the_one_for_webhooks_verifies() {
    let world = world(FAST).await;
    world.call("0002", 1).await;
    world.hear_end().await;
    let arrived = world.arrived.lock().expect("no test holds it")[0].clone();
    let right = world.fixture.account("", OWNER).secret;
    let with_badge = world.connect(
        |account| {
            account.secret = "another key of the workspace".to_owned().into();
            account.webhook_secret = Some(right);
        },
        Duration::from_secs(1),
    );
    assert!(with_badge.verify(&arrived.request(), arrived.at).is_ok());
    assert!(with_badge.verify(&arrived.request(), arrived.at + chrono::TimeDelta::minutes(6)).is_err(), "too old");
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let spec = fixture::of(KIND).spec();
    let is_error = |exchange: &Exchange| fixture::of(KIND).is_error(exchange);
    let with = |body: Value, answer: Value| Exchange {
        method: "POST".into(),
        path: "/v2/create-phone-call".into(),
        content_type: "application/json".into(),
        body: body.to_string().into_bytes(),
        status: 201,
        answer,
        answer_is_json: true,
        ..Exchange::default()
    };
    let body = json!({ "from_number": "+12025550100", "to_number": "+14155550001", "metadata": { "any": [1] },
                       "agent_override": { "agent": { "ring_duration_ms": 30_000 } } });
    let answer = json!({ "call_type": "phone_call", "from_number": "+1", "to_number": "+1", "direction": "outbound", "call_id": "c",
                         "agent_id": "a", "agent_version": 0, "call_status": "registered" });
    assert_eq!(spec.violations(&with(body.clone(), answer.clone()), &is_error), Vec::<String>::new());
    for (name, value) in [
        ("/to_number", json!(null)),
        ("/from_number", json!(1)),
        ("/colour", json!("red")),
        ("/agent_override/agent/ring_duration_ms", json!(1)),
        ("/agent_override/agent/colour", json!("red")),
        ("/override_agent_version", json!("No Tag")),
    ] {
        let mut body = body.clone();
        let (parent, name) = name.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("an object")[name] = value;
        assert!(!spec.violations(&with(body.clone(), answer.clone()), &is_error).is_empty(), "{body}");
    }
    for (name, value) in [("call_status", json!("hyperspace")), ("colour", json!("red")), ("agent_version", json!("one"))] {
        let mut answer = answer.clone();
        answer[name] = value;
        assert!(!spec.violations(&with(body.clone(), answer.clone()), &is_error).is_empty(), "{answer}");
    }
}
