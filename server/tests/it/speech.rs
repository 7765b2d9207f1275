//! An agent with a voice of its own calls through a provider that reads scripts out: what it says is spoken at ElevenLabs once,
//! played by Twilio, and read out when it cannot be had. All of it over real HTTP, with gremlin on the other end.

use crate::campaigns::{Day, noon_zone};
use crate::support::{fetch, send};
use gremlin::{TOKEN_SECRET, token_for};
use model::agents::{AgentForm, Scripts};
use model::calls::Outcome;
use model::campaigns::{Action, Audience, CampaignForm, Status};
use model::contacts::ContactForm;
use model::gateways::ProviderKind;
use model::id::{AgentId, GatewayId};
use model::time::Hours;
use serde_json::Value;
use services::testing::agent_form;
use services::{agents, campaigns, companies, contacts};

/// Somebody at gremlin's ElevenLabs.
const SARAH: &str = "EXAVITQu4vr4xnSDxMaL";
const GREETING: &str = "Hello, this is Nora.";
const MAIN: &str = "Press 9 to stop.";
/// Two who answer.
const PEOPLE: &[&str] = &["+12126000001", "+12126010001"];

/// Gives the agent a voice and calls everybody; what gremlin knows of the calls.
async fn called(day: &Day, gateway: GatewayId, agent: AgentId, voices: GatewayId, voice: &str) -> Vec<Value> {
    let mut tx = day.world.tx(&day.acme).await;
    let scripts = Scripts { greeting: GREETING.to_owned(), main: MAIN.to_owned(), ..Scripts::default() };
    agents::edit(&mut tx, agent, &AgentForm { scripts, ..agent_form() }).await.expect("edited");
    agents::choose_voice(&mut tx, agent, Some(voices), voice).await.expect("a voice");
    agents::publish(&mut tx, agent).await.expect("published");
    let mut settings = companies::settings(&mut tx).await.expect("settings");
    settings.hours = Hours::always();
    companies::save_settings(&mut tx, &settings).await.expect("saved");
    for (n, phone) in PEOPLE.iter().enumerate() {
        let (name, phone) = (format!("Person {n}"), (*phone).to_owned());
        let form = ContactForm { name, phone, time_zone: noon_zone(), ..ContactForm::default() };
        contacts::create(&mut tx, &form).await.expect("contact");
    }
    let form = CampaignForm {
        name: "Spoken".to_owned(),
        audience: Some(Audience::Everyone),
        agent: Some(agent),
        gateway: Some(gateway),
        call_minutes_max: 2,
        ..CampaignForm::default()
    };
    let campaign = campaigns::create(&mut tx, &form).await.expect("campaign");
    campaigns::act(&mut tx, campaign, Action::Launch).await.expect("launched");
    tx.commit().await.expect("commit");
    day.until("the campaign ends", async |day| {
        let mut tx = day.world.tx(&day.acme).await;
        let seen = campaigns::load(&mut tx, campaign).await.expect("campaign");
        assert_ne!(seen.status, Status::Paused, "{:?}", seen.pause_reason);
        (seen.status == Status::Completed).then_some(())
    })
    .await;
    let all = day.calls().await;
    assert!(all.iter().all(|call| call.row.state.outcome == Some(Outcome::Completed)), "{all:?}");
    let seen = day.control("GET", "/control/calls", &Value::Null).await;
    seen["calls"].as_array().expect("calls").clone()
}

/// What became of the requests of this kind that gremlin made during a call.
fn asked(call: &Value, event: &str) -> Vec<u64> {
    let all = call["callbacks"].as_array().expect("callbacks");
    all.iter().filter(|one| one["event"] == event).map(|one| one["status"].as_u64().unwrap_or_default()).collect()
}

/// The characters that were paid for at the account.
async fn characters(day: &Day, voices: GatewayId) -> u64 {
    let name = voices.uuid().simple().to_string();
    let key = format!("{name}_{}", token_for(TOKEN_SECRET, &name));
    let (status, answer) = send(day.gremlin, "GET", "/v1/user/subscription", &[("xi-api-key", &key)], "").await;
    assert_eq!(status, 200, "{answer}");
    let plan: Value = serde_json::from_str(&answer).expect("JSON");
    plan["character_count"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_is_spoken_once_and_played_in_every_call() {
    let day = Day::new().await;
    let (gateway, agent) = day.connect(ProviderKind::Twilio).await;
    let (voices, _) = day.connect(ProviderKind::ElevenLabs).await;
    let calls = called(&day, gateway, agent, voices, SARAH).await;
    assert_eq!(calls.len(), PEOPLE.len());
    for call in &calls {
        assert_eq!((asked(call, "document"), asked(call, "play")), (vec![200], vec![200, 200]), "{call}");
    }
    let once = GREETING.chars().count() + MAIN.chars().count();
    assert_eq!(characters(&day, voices).await, once as u64, "the second call paid nothing");
    // Nobody guesses a link.
    let company = day.acme.company;
    let call = calls[0]["call"].as_str().expect("our id");
    let (status, _) = fetch(day.site, &format!("/speech/{company}/{call}/greeting.mp3?signature=AAAA"), &[]).await;
    assert_eq!(status, 404);
    day.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_that_does_not_speak_loses_no_call() {
    let day = Day::new().await;
    let (gateway, agent) = day.connect(ProviderKind::Twilio).await;
    let (voices, _) = day.connect(ProviderKind::ElevenLabs).await;
    let calls = called(&day, gateway, agent, voices, "nobodynobodynobody00").await;
    for call in &calls {
        assert_eq!((asked(call, "document"), asked(call, "play")), (vec![200], vec![]), "read out: {call}");
        assert!(call["duration"].as_u64() > Some(1), "{call}");
    }
    assert_eq!(characters(&day, voices).await, 0);
    day.end().await;
}
