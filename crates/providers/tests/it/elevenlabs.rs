//! ElevenLabs alone: the sharp edges seen in the wild (providers.md §13), one test each, named after the edge; calls that come in;
//! trunks; webhooks. Texts that are read out are in `speech`.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::HeaderName};
use providers::*;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use super::support::{Exchange, FAST, Heard, OWNER, World, bind, now, phone, run};

const KIND: ProviderKind = ProviderKind::ElevenLabs;

pub async fn world(speed: f64) -> World {
    World::of(KIND, speed).await
}

pub fn paths<'a>(exchanges: &'a [Exchange], method: &str, path: &str) -> Vec<&'a Exchange> {
    exchanges.iter().filter(|one| one.method == method && one.path == path).collect()
}

#[tokio::test]
async fn edge_16_a_number_that_the_carrier_does_not_know_is_a_success_without_a_call() {
    let world = world(FAST).await;
    let Answer::Refused(refusal) = world.voice.originate(&world.order("0005", 1).await).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Permanent, "not_placed"));
    let exchanges = world.judge();
    let create = paths(&exchanges, "POST", "/v1/convai/twilio/outbound-call");
    assert_eq!((create[0].status, &create[0].answer["success"]), (200, &json!(false)));
}

/// The event is asked for, carries no id of ours, and is the only news; whoever misses it can still ask.
#[tokio::test]
async fn edge_17_an_unanswered_call_is_told_by_one_event_that_is_asked_for() {
    let world = world(FAST).await;
    let id = world.call("0003", 1).await;
    let heard = world.hear_all().await;
    assert_eq!(heard.len(), 1);
    assert!(heard[0].callback.event_id.contains(":call_initiation_failure:") && heard[0].callback.call.is_none());
    assert_eq!((&heard[0].callback.id, heard[0].status()), (&id, Some(ProviderStatus::Ended(Outcome::NoAnswer))));
    let exchanges = world.judge();
    let made = paths(&exchanges, "POST", "/v1/convai/agents/create")[0].json();
    let webhooks = &made["platform_settings"]["workspace_overrides"]["webhooks"];
    assert_eq!(webhooks["events"], json!(["transcript", "call_initiation_failure"]));

    let lost = world.call("0009", 2).await;
    world.observe(&lost, "the end", |seen| matches!(seen.status, ProviderStatus::Ended(_))).await;
    let news = world.voice.report(&lost).await.expect("reported");
    assert!(matches!(&news[0], CallbackKind::Status(seen) if seen.status == ProviderStatus::Ended(Outcome::Completed)));
}

/// Ten events that nobody took, and the webhook is switched off: the check says so, and an agent is not made for it.
#[tokio::test]
async fn edge_18_a_webhook_that_was_switched_off_is_seen_by_the_check() {
    let world = world(FAST).await;
    let order = world.order("0002", 1).await;
    assert!(world.voice.check().await.expect("checked").active);
    world.refusals.store(10, std::sync::atomic::Ordering::SeqCst);
    for n in 0..10 {
        let call = model::id::CallId::from(uuid::Uuid::from_u128(n + 1));
        world.place(&Originate { call, ..order.clone() }).await;
    }
    assert_eq!(world.hear_all().await.len(), 10, "each came once");
    let info = world.voice.check().await.expect("checked");
    assert!(!info.active && info.name.contains("\"Belfry\" is switched off"), "{info:?}");
    let spec = super::fixture::an_agent(&format!("{}/hook", world.hooks));
    let agents = world.voice.agents().expect("agents");
    let Err(ProviderError::Refused(refusal)) =
        agents.create(&AgentSpec { callback_url: "https://x.example/hook".into(), ..spec }).await
    else {
        panic!("made without a webhook")
    };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "no_webhook"));
    world.judge();
}

/// Told once by default; again and again when somebody switched that on.
#[tokio::test]
async fn edge_18b_retries_come_only_where_they_are_switched_on() {
    for repeats in [false, true] {
        let world = world(FAST).await;
        let key = world.fixture.account("", OWNER).secret;
        let order = world.order("0002", 1).await;
        let client = super::support::client(Duration::from_secs(5));
        let ask = |method: Method, path: &str| {
            client
                .request(method, format!("{}/v1/workspace/webhooks{path}", world.tap_url))
                .header("xi-api-key", key.expose_secret())
        };
        let all: Value = ask(Method::GET, "").send().await.expect("sent").json().await.expect("JSON");
        for webhook in all["webhooks"].as_array().expect("webhooks") {
            let id = webhook["webhook_id"].as_str().expect("an id");
            let change = json!({ "is_disabled": false, "name": webhook["name"], "retry_enabled": repeats });
            let answer = ask(Method::PATCH, &format!("/{id}")).json(&change).send().await.expect("sent");
            assert_eq!(answer.status(), 200);
        }
        world.refusals.store(1, std::sync::atomic::Ordering::SeqCst);
        world.place(&order).await;
        assert_eq!(world.hear_all().await.len(), 1 + usize::from(repeats));
        world.judge();
    }
}

/// The sound is not asked for by event, which would carry all of it in one body; it is fetched.
#[tokio::test]
async fn edge_20_the_sound_is_fetched_and_never_posted() {
    let world = world(FAST).await;
    let id = world.call("0001", 1).await;
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.request == 0), "one request tells everything");
    assert!(world.arrived.lock().expect("no test holds it").iter().all(|one| one.body.len() < 64 * 1024));
    let recording = heard.iter().find_map(Heard::recording).expect("a recording");
    assert_eq!((recording.id.as_str(), &recording.url), (id.as_str(), &None));
    world.voice.recording(recording).await.expect("fetched");
    world.judge();
}

/// Somebody asked for it all the same, on the agent: it is one more announcement, under an id of its own.
#[tokio::test]
async fn edge_20b_a_sound_that_is_posted_is_understood() {
    let world = world(FAST).await;
    let order = world.order("0013", 1).await;
    let agent = &order.agent.as_ref().expect("an agent").id;
    let change = json!({ "platform_settings": { "workspace_overrides": { "webhooks": {
        "events": ["transcript", "audio", "call_initiation_failure"] } } } });
    let client = super::support::client(Duration::from_secs(5));
    let request = client.patch(format!("{}/v1/convai/agents/{agent}", world.tap_url)).json(&change);
    let key = world.fixture.account("", OWNER).secret;
    let answer = request.header("xi-api-key", key.expose_secret()).send().await.expect("sent");
    assert_eq!(answer.status(), 200);
    let id = world.place(&order).await;
    let heard = world.hear_all().await;
    let sounds: Vec<&Heard> = heard.iter().filter(|one| one.recording().is_some()).collect();
    assert_eq!(sounds.len(), 2);
    assert!(sounds.iter().all(|one| one.authentic && one.callback.id == id));
    assert_eq!((sounds[0].request, sounds[1].request), (0, 1));
    assert_ne!(sounds[0].callback.event_id, sounds[1].callback.event_id);
    let body: Value = serde_json::from_slice(&world.arrived.lock().expect("no test holds it")[1].body).expect("JSON");
    assert!(body["data"]["full_audio"].as_str().is_some_and(|sound| sound.starts_with("//uQ")), "an MP3 in base64");
    world.judge();
}

#[tokio::test]
async fn our_id_goes_along_as_a_variable_and_as_the_user() {
    let world = world(FAST).await;
    let mut order = world.order("0013", 1).await;
    order.variables.insert("amount".into(), "17".into());
    world.place(&order).await;
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.callback.call == Some(order.call)));
    let exchanges = world.judge();
    let create = paths(&exchanges, "POST", "/v1/convai/twilio/outbound-call")[0].json();
    let told = &create["conversation_initiation_client_data"];
    let ours = order.call.to_string();
    assert_eq!(told["dynamic_variables"], json!({ "amount": "17", "first_name": "Zoë", "belfry_call": ours }));
    assert_eq!(told["user_id"], ours);
    assert_eq!(told["conversation_config_override"], json!({ "conversation": { "max_duration_seconds": 300 } }));
    assert_eq!(create["telephony_call_config"], json!({ "ringing_timeout_secs": 30 }));
}

#[tokio::test]
async fn a_number_of_a_trunk_is_called_from_by_its_own_door() {
    let world = world(FAST).await;
    let order = world.order("0002", 1).await;
    let carrier = Carrier::Sip { address: "trunk.example.com".into(), username: None, password: None };
    let import = NumberImport { phone: phone("+12025550142"), label: "Trunk".into(), carrier };
    let number = world.voice.numbers().expect("numbers").import(&import).await.expect("imported");
    let id = world.place(&Originate { from: number.phone, from_id: Some(number.id), ..order.clone() }).await;
    let heard = world.hear_all().await;
    assert_eq!((&heard[0].callback.id, heard[0].status()), (&id, Some(ProviderStatus::Ended(Outcome::Busy))));
    let exchanges = world.judge();
    assert_eq!(paths(&exchanges, "POST", "/v1/convai/sip-trunk/outbound-call").len(), 1);
    let Answer::Refused(refusal) = world.voice.originate(&Originate { from_id: None, ..order }).await else { panic!("sent") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "no_number"));
}

/// Somebody calls: the number's agent asks us with our token, and our id comes back with what was said.
#[tokio::test]
async fn a_call_that_comes_in_is_told_who_calls_and_carries_our_id() {
    let world = world(FAST).await;
    let order = world.order("0001", 5).await;
    let reply = Reply::Connect {
        call: order.call,
        agent: order.agent.clone().expect("an agent"),
        variables: [("first_name".to_owned(), "Mona".to_owned())].into(),
    };
    let (url, mut questions, _servers) = answering(&world, reply).await;
    let number = bound(&world, order.agent.clone(), Some(url)).await;
    assert_eq!(call_in(&world, &number.phone).await, 201);
    let question = questions.recv().await.expect("asked");
    assert_eq!((question.to, question.from), (number.phone, Some(phone("+14155550177"))));
    assert!(question.id.as_str().starts_with("question_CA"));
    let heard = world.hear_all().await;
    assert!(heard.iter().all(|one| one.callback.call == Some(order.call) && one.authentic));
    let ends = (Some(phone("+14155550177")), Some(phone("+12025550142")));
    assert!(matches!(&heard[0].callback.kind, CallbackKind::Status(seen) if (&seen.from, &seen.to) == (&ends.0, &ends.1)));
    let analysis = heard.iter().find_map(Heard::analysis).expect("what was said");
    assert_eq!(analysis.transcript[0].text, "Hello Mona, this is Ravi & Sons <bakery>.");
    assert_eq!(world.control("rings").await["total"]["dialed"], 0, "nobody was called");

    // A change of the agent leaves the question where it is.
    let agents = world.voice.agents().expect("agents");
    let agent = order.agent.expect("an agent");
    let spec = agents.read(&agent).await.expect("read").expect("exists").spec;
    agents.update(&agent.id, &AgentSpec { greeting: "Good evening.".into(), ..spec }).await.expect("updated");
    assert_eq!(call_in(&world, &phone("+12025550142")).await, 201);
    assert!(questions.recv().await.is_some(), "asked again");
    world.judge();
}

/// There is no way to turn somebody away: they hear nothing, for a second.
#[tokio::test]
async fn a_call_that_is_declined_is_over_at_once() {
    let world = world(FAST).await;
    let agent = world.order("0001", 1).await.agent;
    let (url, _questions, _servers) = answering(&world, Reply::Decline).await;
    let number = bound(&world, agent, Some(url)).await;
    assert_eq!(call_in(&world, &number.phone).await, 201);
    let heard = world.hear_all().await;
    assert!(matches!(&heard[0].callback.kind, CallbackKind::Status(seen) if seen.talk_seconds == Some(1)));
    assert!(
        heard
            .iter()
            .filter_map(Heard::analysis)
            .all(|analysis| analysis.transcript.iter().all(|one| one.speaker != Speaker::Agent))
    );
}

async fn answering(world: &World, reply: Reply) -> (String, mpsc::UnboundedReceiver<Incoming>, JoinSet<()>) {
    let (listener, url) = bind().await;
    let voice = Arc::clone(&world.voice);
    let (heard, questions) = mpsc::unbounded_channel();
    let answer = move |headers: HeaderMap, body: axum::body::Bytes| async move {
        let request = CallbackRequest { method: &Method::POST, url: "", headers: &headers, body: &body };
        assert!(voice.verify(&request, now()).is_ok());
        heard.send(voice.parse_inbound(&request).expect("a question")).expect("the test listens");
        let reply = voice.reply(&reply);
        ([(HeaderName::from_static("content-type"), reply.content_type)], reply.body)
    };
    let mut servers = JoinSet::new();
    servers.spawn(run(listener, Router::new().fallback(answer)));
    (url, questions, servers)
}

async fn bound(world: &World, agent: Option<RemoteAgent>, inbound_url: Option<String>) -> RemoteNumber {
    let numbers = world.voice.numbers().expect("numbers");
    let carrier = Carrier::Twilio { account_sid: "AC1".into(), auth_token: "token".to_owned().into() };
    let import = NumberImport { phone: phone("+12025550142"), label: "In".into(), carrier };
    let number = numbers.import(&import).await.expect("imported");
    numbers.bind(&number.id, &Binding { agent, inbound_url, news_url: None }).await.expect("bound");
    number
}

async fn call_in(world: &World, to: &model::phone::Phone) -> u16 {
    let caller = json!({ "provider": "elevenlabs", "account": OWNER, "from": "+14155550177", "to": to.as_str() });
    world.post_control("inbound", &caller).await
}

/// A list does not say who was called, so each of its calls is asked for: unless our own id finds the one.
#[tokio::test]
async fn a_look_up_follows_all_pages_and_finds_our_own_call_by_its_id() {
    const CALLS: usize = 103;
    let world = world(FAST).await;
    let order = world.order("0002", 1).await;
    let first = world.place_many(&order, CALLS).await;
    let look = world.look(&order).await;
    let before = world.tap.seen.lock().expect("no test holds it").len();
    let own = world.voice.find(&look).await.expect("found");
    assert_eq!(own.iter().map(|call| &call.id).collect::<Vec<_>>(), [&first]);
    assert_eq!(world.tap.seen.lock().expect("no test holds it").len() - before, 2, "one list and one call");
    assert_eq!(world.voice.find(&LookUp { call: None, ..look.clone() }).await.expect("found").len(), CALLS);
    let stranger = model::id::CallId::from(uuid::Uuid::from_u128(999));
    assert_eq!(world.voice.find(&LookUp { call: Some(stranger), ..look }).await, Ok(Vec::new()));
    let hour = chrono::TimeDelta::hours(1);
    assert_eq!(world.voice.list(now() - hour, now() + hour).await.expect("listed").len(), CALLS);
    assert_eq!(world.voice.list(now() - hour * 2, now() - hour).await, Ok(Vec::new()));
    world.judge();
}

#[tokio::test]
async fn an_agent_in_another_language_gets_a_voice_model_that_speaks_it() {
    let world = world(FAST).await;
    let agents = world.voice.agents().expect("agents");
    let spec = AgentSpec { language: "ar-AE".into(), ..super::fixture::an_agent(&world.hooks) };
    let made = agents.create(&spec).await.expect("created");
    assert_eq!(agents.read(&made).await.expect("read").expect("exists").spec, spec);
    let exchanges = world.judge();
    let config = &paths(&exchanges, "POST", "/v1/convai/agents/create")[0].json()["conversation_config"];
    assert_eq!((&config["agent"]["language"], &config["tts"]["model_id"]), (&json!("ar"), &json!("eleven_flash_v2_5")));
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let fixture = super::fixture::of(KIND);
    let is_error = |exchange: &Exchange| fixture.is_error(exchange);
    let with = |body: Value, answer: Value| Exchange {
        method: "POST".into(),
        path: "/v1/convai/twilio/outbound-call".into(),
        headers: vec![("xi-api-key".into(), "k".into())],
        content_type: "application/json".into(),
        body: body.to_string().into_bytes(),
        status: 200,
        answer,
        answer_is_json: true,
        ..Exchange::default()
    };
    let spec = fixture.spec();
    let body = json!({ "agent_id": "a", "agent_phone_number_id": "p", "to_number": "+14155550001",
                       "telephony_call_config": { "ringing_timeout_secs": 30 },
                       "conversation_initiation_client_data": { "dynamic_variables": { "any": 1 } } });
    let answer = json!({ "success": true, "message": "", "conversation_id": "c", "callSid": null });
    assert_eq!(spec.violations(&with(body.clone(), answer.clone()), &is_error), Vec::<String>::new());
    for (name, value) in [
        ("/agent_id", json!(null)),
        ("/colour", json!("red")),
        ("/telephony_call_config/ringing_timeout_secs", json!(1_000)),
        ("/conversation_initiation_client_data/colour", json!("red")),
    ] {
        let mut body = body.clone();
        let (parent, name) = name.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("an object")[name] = value;
        assert!(!spec.violations(&with(body.clone(), answer.clone()), &is_error).is_empty(), "{body}");
    }
    for (name, value) in [("success", json!("yes")), ("colour", json!("red"))] {
        let mut answer = answer.clone();
        answer[name] = value;
        assert!(!spec.violations(&with(body.clone(), answer.clone()), &is_error).is_empty(), "{answer}");
    }
    let without_key = Exchange { headers: Vec::new(), ..with(body, answer) };
    assert!(!spec.violations(&without_key, &is_error).is_empty());
}
