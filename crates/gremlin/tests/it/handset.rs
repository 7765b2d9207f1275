//! A person at the control page answers calls in place of the scripted callee.

use gremlin::{Settings, TOKEN_SECRET, key_for, token_for};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::support::{ACCOUNT, Ear, World, json, until};

const TO: &str = "+14155550123";
const FROM: &str = "+12025550100";
const SCRIPT: &str = "<Response><Say>Hello, this is the bakery.</Say><Pause length=\"600\"/></Response>";
/// Long enough for the slowest machine.
const RING_SECONDS: &str = "600";

/// The network is in a great hurry, and the person is not.
async fn world() -> World {
    World::new(Settings { speed: 50_000.0, person_speed: 5.0, ..Settings::default() }).await
}

async fn take(world: &World, ending: Value) {
    let (status, answer) =
        json(world.client.put(format!("{}/control/handset", world.url)).json(&json!({ "takes": ending }))).await;
    assert_eq!((status, &answer["takes"]), (StatusCode::OK, &ending));
}

async fn deed(world: &World, id: &str, deed: Value) -> StatusCode {
    json(world.post(&format!("/control/calls/{id}/deeds")).json(&deed)).await.0
}

async fn does(world: &World, id: &str, what: Value) {
    assert_eq!(deed(world, id, what.clone()).await, StatusCode::NO_CONTENT, "{what}");
}

async fn look(world: &World, id: &str) -> Value {
    let (status, call) = json(world.get(&format!("/control/calls/{id}"))).await;
    assert_eq!(status, StatusCode::OK);
    call
}

async fn comes_to(world: &World, id: &str, status: &str) -> Value {
    until(status, async || Some(look(world, id).await).filter(|call| call["status"] == status)).await
}

/// What was said so far, each turn as `who: text`.
fn said(call: &Value) -> Vec<String> {
    let turn = |turn: &Value| format!("{}: {}", turn["who"].as_str().expect("who"), turn["text"].as_str().expect("a text"));
    call["said"].as_array().expect("turns").iter().map(turn).collect()
}

async fn hears(world: &World, id: &str, text: &str) -> Value {
    until(text, async || Some(look(world, id).await).filter(|call| said(call).iter().any(|turn| turn.contains(text)))).await
}

/// A call at Twilio that rings for a person.
async fn rings(world: &World, form: &[(&str, &str)]) -> String {
    let mut all = vec![("To", TO), ("From", FROM), ("Timeout", RING_SECONDS)];
    all.extend(form);
    let answer = world.dial(&all).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let created: Value = answer.json().await.expect("JSON");
    let id = created["sid"].as_str().expect("an id").to_owned();
    let call = comes_to(world, &id, "ringing").await;
    assert_eq!((&call["hand"], &call["talk_seconds"]), (&json!("offered"), &Value::Null));
    id
}

#[tokio::test]
async fn a_person_accepts_hears_what_is_said_and_hangs_up() {
    let world = world().await;
    take(&world, json!("0123")).await;
    let id = rings(&world, &[("Twiml", SCRIPT)]).await;
    assert_eq!(deed(&world, &id, json!({ "do": "hang_up" })).await, StatusCode::CONFLICT, "it still rings");
    does(&world, &id, json!({ "do": "accept" })).await;
    let call = hears(&world, &id, "this is the bakery").await;
    assert_eq!((&call["hand"], &call["status"]), (&json!("accepted"), &json!("in-progress")));
    assert!(call["talk_seconds"].is_u64());
    does(&world, &id, json!({ "do": "say", "text": "Zoë speaking, مرحبا" })).await;
    hears(&world, &id, "person: Zoë speaking, مرحبا").await;
    does(&world, &id, json!({ "do": "hang_up" })).await;
    let call = comes_to(&world, &id, "completed").await;
    assert_eq!(call["talk_seconds"], world.calls().await["calls"][0]["duration"]);
    for late in [json!({ "do": "hang_up" }), json!({ "do": "say", "text": "hello?" }), json!({ "do": "accept" })] {
        assert_eq!(deed(&world, &id, late).await, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn who_declines_is_busy() {
    let world = world().await;
    take(&world, json!("")).await;
    let ear = Ear::new("").await;
    let id = rings(&world, &[("Twiml", SCRIPT), ("StatusCallback", &ear.url)]).await;
    does(&world, &id, json!({ "do": "decline" })).await;
    let told = ear.hears("the end", |request| request.body.contains("CallStatus=busy")).await;
    assert!(told.body.contains("SipResponseCode=486") && told.body.contains("CallDuration=0"), "{}", told.body);
    let call = look(&world, &id).await;
    assert_eq!((&call["hand"], &call["talk_seconds"]), (&json!("declined"), &json!(0)));
}

#[tokio::test]
async fn a_call_that_nobody_takes_rings_out() {
    let world = World::new(Settings { speed: 50_000.0, person_speed: 1_000.0, ..Settings::default() }).await;
    take(&world, json!("")).await;
    let id = rings_out(&world).await;
    let call = comes_to(&world, &id, "no-answer").await;
    assert_eq!(call["hand"], "missed");
    assert_eq!(deed(&world, &id, json!({ "do": "accept" })).await, StatusCode::CONFLICT);
}

/// It may have rung out before anybody looks.
async fn rings_out(world: &World) -> String {
    let answer = world.dial(&[("To", TO), ("From", FROM), ("Timeout", "5"), ("Twiml", SCRIPT)]).await;
    answer.json::<Value>().await.expect("JSON")["sid"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn of_two_who_accept_at_once_one_has_the_call() {
    let world = world().await;
    take(&world, json!("")).await;
    let id = rings(&world, &[("Twiml", SCRIPT)]).await;
    let accept = || deed(&world, &id, json!({ "do": "accept" }));
    let (one, two, late) = tokio::join!(accept(), accept(), deed(&world, &id, json!({ "do": "decline" })));
    let mut answers = [one, two, late];
    answers.sort();
    assert_eq!(answers, [StatusCode::NO_CONTENT, StatusCode::CONFLICT, StatusCode::CONFLICT]);
    does_hang_up_if_accepted(&world, &id).await;
}

async fn does_hang_up_if_accepted(world: &World, id: &str) {
    if look(world, id).await["hand"] == "accepted" {
        does(world, id, json!({ "do": "hang_up" })).await;
        comes_to(world, id, "completed").await;
    } else {
        comes_to(world, id, "busy").await;
    }
}

#[tokio::test]
async fn a_key_is_what_the_document_gathers() {
    let world = world().await;
    take(&world, json!("")).await;
    let ear = Ear::new("<Response><Say>You will not hear from us again.</Say><Hangup/></Response>").await;
    let script = format!(
        "<Response><Gather input=\"dtmf\" numDigits=\"1\" action=\"{}/keys\"><Say>Press 9 to stop.</Say></Gather></Response>",
        ear.url
    );
    let id = rings(&world, &[("Twiml", &script)]).await;
    assert_eq!(deed(&world, &id, json!({ "do": "press", "key": "9" })).await, StatusCode::CONFLICT, "it still rings");
    does(&world, &id, json!({ "do": "accept" })).await;
    hears(&world, &id, "Press 9").await;
    does(&world, &id, json!({ "do": "say", "text": "This document hears no speech." })).await;
    does(&world, &id, json!({ "do": "press", "key": "9" })).await;
    let told = ear.hears("the key", |request| request.path == "/keys").await;
    assert!(told.body.contains("Digits=9") && told.body.contains("CallStatus=in-progress"), "{}", told.body);
    let call = comes_to(&world, &id, "completed").await;
    let turns = ["agent: Press 9 to stop.", "person: This document hears no speech.", "person: [9]"];
    assert_eq!(said(&call)[..3], turns);
    assert!(said(&call)[3].contains("not hear from us again"));
}

#[tokio::test]
async fn a_document_that_gathers_speech_hears_it() {
    let world = world().await;
    take(&world, json!("")).await;
    let ear = Ear::new("<Response><Hangup/></Response>").await;
    let script = format!("<Response><Gather input=\"speech\" action=\"{}/words\"><Say>Yes?</Say></Gather></Response>", ear.url);
    let id = rings(&world, &[("Twiml", &script)]).await;
    does(&world, &id, json!({ "do": "accept" })).await;
    hears(&world, &id, "Yes?").await;
    does(&world, &id, json!({ "do": "say", "text": "Stop calling me." })).await;
    let told = ear.hears("the words", |request| request.path == "/words").await;
    assert!(told.body.contains("SpeechResult=Stop+calling+me.") && !told.body.contains("Digits"), "{}", told.body);
    comes_to(&world, &id, "completed").await;
}

#[tokio::test]
async fn a_held_call_runs_at_the_speed_of_people() {
    let world = world().await;
    take(&world, json!("0123")).await;
    let id = rings(&world, &[("Twiml", SCRIPT), ("TimeLimit", "600")]).await;
    does(&world, &id, json!({ "do": "accept" })).await;
    comes_to(&world, &id, "in-progress").await;
    // The same script to somebody who is scripted takes its ten minutes in no time.
    let other = world.dial(&[("To", "+14155550001"), ("From", FROM), ("Twiml", SCRIPT)]).await;
    let other: Value = other.json().await.expect("JSON");
    comes_to(&world, other["sid"].as_str().expect("an id"), "completed").await;
    assert_eq!(look(&world, &id).await["status"], "in-progress");
    does(&world, &id, json!({ "do": "hang_up" })).await;
    let call = comes_to(&world, &id, "completed").await;
    assert!(call["talk_seconds"].as_u64().expect("seconds") < 300, "{call}");
}

#[tokio::test]
async fn the_caller_may_give_up_first() {
    let world = world().await;
    take(&world, json!("")).await;
    let id = rings(&world, &[("Twiml", SCRIPT)]).await;
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{id}.json");
    let cancel = world.post(&path).basic_auth(ACCOUNT, Some(token_for(TOKEN_SECRET, ACCOUNT))).form(&[("Status", "canceled")]);
    assert_eq!(json(cancel).await.0, StatusCode::OK);
    comes_to(&world, &id, "canceled").await;
    assert_eq!(deed(&world, &id, json!({ "do": "accept" })).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn numbers_that_nobody_took_stay_scripted() {
    let world = world().await;
    take(&world, json!("0124")).await;
    let answer = world.dial(&[("To", "+14155550001"), ("From", FROM), ("Twiml", "<Response/>")]).await;
    let id = answer.json::<Value>().await.expect("JSON")["sid"].as_str().expect("an id").to_owned();
    comes_to(&world, &id, "completed").await;
    assert_eq!(deed(&world, &id, json!({ "do": "accept" })).await, StatusCode::CONFLICT);
    assert_eq!(deed(&world, "CA0", json!({ "do": "accept" })).await, StatusCode::NOT_FOUND);
    let held = json(world.get("/control/calls?held=true")).await.1;
    assert_eq!(held["calls"], json!([]));
    json(world.post("/control/reset")).await;
    assert_eq!(json(world.get("/control/handset")).await.1, json!({ "takes": null }));
}

#[tokio::test]
async fn what_a_telephone_cannot_do_is_refused() {
    let world = world().await;
    for ending in ["12a", "+1", "1234567890123456"] {
        let put = world.client.put(format!("{}/control/handset", world.url)).json(&json!({ "takes": ending }));
        assert_eq!(json(put).await.0, StatusCode::BAD_REQUEST, "{ending}");
    }
    for (what, status) in [
        (json!({ "do": "press", "key": "A" }), StatusCode::BAD_REQUEST),
        (json!({ "do": "press", "key": "99" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "do": "say", "text": " " }), StatusCode::BAD_REQUEST),
        (json!({ "do": "say", "text": "x".repeat(501) }), StatusCode::BAD_REQUEST),
        (json!({ "do": "say", "text": "x".repeat(500) }), StatusCode::NOT_FOUND),
        (json!({ "do": "sing" }), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(deed(&world, "CA0", what.clone()).await, status, "{what}");
    }
}

/// The id that an answer names.
fn named(answer: &(StatusCode, Value), field: &str) -> String {
    answer.1[field].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// A call of an agent at Retell, who is told of by `hook`.
async fn retell(world: &World, hook: &str) -> String {
    let key = key_for(TOKEN_SECRET, "hand");
    let ask = async |path: &str, body: Value| json(world.post(path).bearer_auth(&key).json(&body)).await;
    let opt_out = json!({ "type": "end_call", "name": "opt_out", "execution_message_description": "You are off the list." });
    let llm = ask("/create-retell-llm", json!({ "begin_message": "Hello from Retell.", "general_tools": [opt_out] })).await;
    let found = json!([{ "type": "boolean", "name": "opt_out", "description": "Do they want no more calls?" }]);
    let engine = json!({ "type": "retell-llm", "llm_id": named(&llm, "llm_id") });
    let agent = json!({ "response_engine": engine, "voice_id": "11labs-Adrian", "webhook_url": hook,
                        "ring_duration_ms": 90_000, "post_call_analysis_data": found });
    let agent = named(&ask("/create-agent", agent).await, "agent_id");
    let call = json!({ "from_number": FROM, "to_number": TO, "override_agent_id": agent });
    named(&ask("/v2/create-phone-call", call).await, "call_id")
}

#[tokio::test]
async fn who_says_stop_calling_me_is_put_on_the_list_at_retell() {
    let world = world().await;
    take(&world, json!("")).await;
    let ear = Ear::new("").await;
    let id = retell(&world, &ear.url).await;
    comes_to(&world, &id, "ringing").await;
    does(&world, &id, json!({ "do": "accept" })).await;
    hears(&world, &id, "Hello from Retell").await;
    assert_eq!(deed(&world, &id, json!({ "do": "press", "key": "9" })).await, StatusCode::CONFLICT, "agents hear no keys");
    does(&world, &id, json!({ "do": "say", "text": "Who is this?" })).await;
    hears(&world, &id, "Is this a good moment").await;
    does(&world, &id, json!({ "do": "say", "text": "Please stop calling me." })).await;
    let told = ear.hears("the analysis", |request| request.json()["event"] == "call_analyzed").await.json();
    let call = &told["call"];
    assert_eq!(call["call_analysis"]["custom_analysis_data"]["opt_out"], true, "{call}");
    assert_eq!(call["disconnection_reason"], "agent_hangup");
    let roles: Vec<&str> = call["transcript_with_tool_calls"]
        .as_array()
        .expect("turns")
        .iter()
        .map(|turn| turn["role"].as_str().expect("a role"))
        .collect();
    assert_eq!(roles, ["agent", "user", "agent", "user", "tool_call_invocation", "agent"]);
    assert!(
        call["transcript"].as_str().expect("a text").ends_with("User: Please stop calling me.\nAgent: You are off the list.\n")
    );
}

#[tokio::test]
async fn who_hangs_up_right_after_the_wish_has_still_said_it() {
    let world = world().await;
    take(&world, json!("")).await;
    let ear = Ear::new("").await;
    let id = retell(&world, &ear.url).await;
    comes_to(&world, &id, "ringing").await;
    does(&world, &id, json!({ "do": "accept" })).await;
    does(&world, &id, json!({ "do": "say", "text": "Stop calling me!" })).await;
    does(&world, &id, json!({ "do": "hang_up" })).await;
    let told = ear.hears("the analysis", |request| request.json()["event"] == "call_analyzed").await.json();
    assert_eq!(told["call"]["disconnection_reason"], "user_hangup");
    assert_eq!(told["call"]["call_analysis"]["custom_analysis_data"]["opt_out"], true, "{told}");
}

#[tokio::test]
async fn who_says_stop_calling_me_is_put_on_the_list_at_vapi() {
    let world = world().await;
    take(&world, json!("")).await;
    let ear = Ear::new("{}").await;
    let key = key_for(TOKEN_SECRET, "hand");
    let ask = async |path: &str, body: Value| json(world.post(path).bearer_auth(&key).json(&body)).await;
    let gateway = json!([{ "ip": "203.0.113.7" }]);
    let trunk = named(&ask("/credential", json!({ "provider": "byo-sip-trunk", "gateways": gateway })).await, "id");
    let number = json!({ "provider": "byo-phone-number", "number": FROM, "credentialId": trunk, "numberE164CheckEnabled": true });
    let number = named(&ask("/phone-number", number).await, "id");
    let tool = json!({ "type": "function", "function": { "name": "opt_out" },
                       "messages": [{ "type": "request-complete", "content": "You are off the list." }] });
    let assistant = json!({ "firstMessage": "Hello from Vapi.", "server": { "url": ear.url }, "model": { "tools": [tool] },
                            "serverMessages": ["status-update", "end-of-call-report", "tool-calls"] });
    let assistant = named(&ask("/assistant", assistant).await, "id");
    let call = json!({ "assistantId": assistant, "phoneNumberId": number, "customer": { "number": TO } });
    let id = named(&ask("/call", call).await, "id");
    comes_to(&world, &id, "ringing").await;
    does(&world, &id, json!({ "do": "accept" })).await;
    hears(&world, &id, "Hello from Vapi").await;
    does(&world, &id, json!({ "do": "say", "text": "Don't call me again." })).await;
    let told = ear.hears("the tool", |request| request.json()["message"]["type"] == "tool-calls").await.json();
    assert_eq!(told["message"]["toolCallList"][0]["function"]["name"], "opt_out", "{told}");
}

#[tokio::test]
async fn who_says_stop_calling_me_is_put_on_the_list_at_elevenlabs() {
    let world = world().await;
    take(&world, json!("")).await;
    let key = key_for(TOKEN_SECRET, "hand");
    let ask = async |path: &str, body: Value| json(world.post(path).header("xi-api-key", &key).json(&body)).await;
    let collected = json!({ "opt_out": { "type": "boolean", "description": "Do they want no more calls?" } });
    let agent = json!({ "conversation_config": { "agent": { "first_message": "Hello from ElevenLabs.", "prompt": { "prompt": "Sell." } } },
                        "platform_settings": { "data_collection": collected } });
    let agent = named(&ask("/v1/convai/agents/create", agent).await, "agent_id");
    let number = json!({ "provider": "twilio", "phone_number": FROM, "label": "x", "sid": "AC", "token": "t" });
    let number = named(&ask("/v1/convai/phone-numbers", number).await, "phone_number_id");
    let call = json!({ "agent_id": agent, "agent_phone_number_id": number, "to_number": TO });
    let id = named(&ask("/v1/convai/twilio/outbound-call", call).await, "conversation_id");
    comes_to(&world, &id, "ringing").await;
    does(&world, &id, json!({ "do": "accept" })).await;
    hears(&world, &id, "Hello from ElevenLabs").await;
    does(&world, &id, json!({ "do": "say", "text": "رجاءً لا تتصل بي" })).await;
    let read = async || json(world.get(&format!("/v1/convai/conversations/{id}")).header("xi-api-key", &key)).await.1;
    let done = until("the analysis", async || Some(read().await).filter(|talk| talk["status"] == "done")).await;
    assert_eq!(done["analysis"]["data_collection_results"]["opt_out"]["value"], true, "{done}");
}

#[tokio::test]
async fn an_agent_does_not_talk_to_silence_for_ever() {
    let world = World::new(Settings { speed: 50_000.0, person_speed: 200.0, ..Settings::default() }).await;
    take(&world, json!("")).await;
    let ear = Ear::new("").await;
    // Ninety seconds of ringing are half a second here.
    let id = retell(&world, &ear.url).await;
    until("the ring", async || (deed(&world, &id, json!({ "do": "accept" })).await == StatusCode::NO_CONTENT).then_some(()))
        .await;
    let call = comes_to(&world, &id, "completed").await;
    let still = said(&call).iter().filter(|turn| turn.contains("still there")).count();
    assert_eq!((still, call["hand"].as_str()), (2, Some("accepted")), "{call}");
}
