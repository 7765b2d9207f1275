//! What endpoints are told: what they chose, of the campaign they chose, with the numbers they may have, in the words of the document.

use super::*;
use crate::calls::{Report, absorb};
use crate::dialer::lease::Lease;
use crate::{campaigns, dialer, team};
use model::accounts::Role;
use model::calls::{CallState, CallStatus, Outcome, Sentiment};
use model::campaigns::{Action, Status};
use model::credits::Credits;
use model::id::{CallId, CampaignId, Uuid};
use model::phone::Phone;
use model::suppressions::Source;
use providers::{Analysis, CallbackKind, ProviderCallId, scripted};
use serde_json::json;

/// What the document shows of each event.
fn examples() -> Vec<(WebhookEvent, String)> {
    let phone = Phone::parse("+12025550143").expect("a number");
    let id = |n: u128| Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0000 | n);
    let (call, campaign): (CallId, CampaignId) = (id(1).into(), id(2).into());
    let state = CallState::live(CallStatus::Ringing);
    let found = [("budget".to_owned(), "300,000".to_owned())].into();
    let told = |event| match event {
        WebhookEvent::CallStarted | WebhookEvent::CallStatusUpdated => Told::call(event, call, Some(campaign), &phone, state),
        WebhookEvent::CallCompleted => {
            Told::ended(call, Some(campaign), &phone, CallState::ended(Outcome::Completed), 323, Credits(5_500))
        }
        WebhookEvent::LeadQualified => Told::qualified(call, Some(campaign), &phone, Some(Sentiment::Positive), &found),
        WebhookEvent::CampaignStatusChanged => {
            Told::campaign_moved(campaign, "Spring", Status::Active, Status::Paused, Some("Out of credits."))
        }
        WebhookEvent::CampaignCompleted => Told::campaign_completed(campaign, "Spring"),
        WebhookEvent::ContactOptedOut => Told::opted_out(Some(id(3).into()), &phone, Source::Dtmf),
        WebhookEvent::ContactSuppressed => Told::suppressed(id(4).into(), &phone, "asked by e-mail"),
        WebhookEvent::ImportCompleted => Told::imported(id(5).into(), "spring.csv", [120, 8, 2, 1]),
        WebhookEvent::CreditsLow => Told::credits_low(campaign, "Spring", campaigns::OUT_OF_CREDITS),
        WebhookEvent::Test => Told::test(),
    };
    WebhookEvent::ALL.iter().map(|event| (*event, told(*event).body(World::noon(), Show::Numbers))).collect()
}

#[test]
fn the_document_shows_each_event_as_it_is_sent() {
    let text = include_str!("../../../../../docs/webhooks.md");
    let mut wrong = String::new();
    for (event, body) in examples() {
        let value: Value = serde_json::from_str(&body).expect("JSON");
        let shown = format!(
            "### `{event}`\n\n{}.\n\n```json\n{}\n```\n",
            event.label(),
            serde_json::to_string_pretty(&value).expect("JSON")
        );
        if !text.contains(&shown) {
            wrong.push_str(&shown);
            wrong.push('\n');
        }
    }
    assert!(wrong.is_empty(), "docs/webhooks.md should say:\n\n{wrong}");
}

#[tokio::test]
async fn an_endpoint_hears_what_it_chose() {
    let room = Room::hearing(|form| form.events = vec![WebhookEvent::CampaignStatusChanged]).await;
    room.happens(1).await;
    assert!(room.log().await.is_empty());
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let told = room.world.told(room.acme.company).await.expect("told");
    assert_eq!((told.len(), told[0]["campaignId"].as_str()), (1, Some(&*campaign.to_string())));
    assert_eq!((told[0]["oldStatus"].as_str(), told[0]["newStatus"].as_str()), (Some("draft"), Some("active")));
}

#[tokio::test]
async fn an_endpoint_of_a_campaign_hears_of_no_other() {
    let room = Room::new().await;
    let [spring, autumn] = [room.world.launched(&room.acme, 1, |_| {}).await, room.world.drafted(&room.acme, 0, |_| {}).await];
    let form = EndpointForm { url: room.receiver.url.clone(), campaign: spring.to_string(), ..EndpointForm::default() };
    update(&room.world.db, &room.acme.actor, room.endpoint.id, &form).await.expect("changed");
    let before = room.log().await.len();
    room.happens(1).await;
    let mut tx = room.world.tx(&room.acme).await;
    campaigns::act(&mut tx, autumn, Action::Launch).await.expect("launched");
    campaigns::act(&mut tx, spring, Action::Pause).await.expect("paused");
    tx.commit().await.expect("commit");
    let told = room.world.told(room.acme.company).await.expect("told");
    assert_eq!(told.len() - before, 1, "{told:?}");
    assert_eq!(told.last().expect("one")["campaignId"].as_str(), Some(&*spring.to_string()));
    assert_eq!(room.state().await.campaign.map(|(id, _)| id), Some(spring));
    let strange = EndpointForm { campaign: CampaignId::from(Uuid::from_u128(7)).to_string(), ..form };
    let refused = update(&room.world.db, &room.acme.actor, room.endpoint.id, &strange).await.expect_err("not ours").to_string();
    assert!(refused.contains("campaign"), "{refused}");
}

#[tokio::test]
async fn numbers_are_masked_unless_the_endpoint_may_have_them() {
    for (full_numbers, number) in [(false, "+12•••••••01"), (true, "+12125550001")] {
        let room = Room::hearing(|form| form.full_numbers = full_numbers).await;
        room.happens(1).await;
        let told = room.world.told(room.acme.company).await.expect("told");
        assert_eq!(told[0]["phoneNumber"], number);
    }
}

#[tokio::test]
async fn a_call_is_told_from_the_first_ring_to_the_end_and_once_however_often_we_hear_it() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let lease = Lease::init(&room.world.db).await.expect("lease");
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    let call = dialer::plan(&mut tx, campaign, lease.worker).await.expect("planned").dials.remove(0).call;
    tx.commit().await.expect("commit");
    let ended = Report { talk_seconds: Some(61), ..Report::state(CallState::ended(Outcome::Completed)) };
    for report in
        [Report::state(CallState::live(CallStatus::Ringing)), Report::state(CallState::live(CallStatus::Answered)), ended]
    {
        for _ in 0..2 {
            room.world.clock.advance(TimeDelta::milliseconds(10));
            let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
            absorb(&mut tx, call, report.clone()).await.expect("absorbed");
            tx.commit().await.expect("commit");
        }
    }
    let analysis = Analysis { successful: Some(true), fields: [("budget".into(), "high".into())].into(), ..Analysis::default() };
    for _ in 0..2 {
        room.world.clock.advance(TimeDelta::milliseconds(10));
        let callback = scripted::news(ProviderCallId::new("CA1"), CallbackKind::Analysis(Box::new(analysis.clone())));
        room.world.callback(room.acme.company, call, callback).await.expect("applied");
    }
    let told = room.world.told(room.acme.company).await.expect("told");
    let mut of_call: Vec<_> = told.iter().filter(|body| body["callId"] == json!(call)).collect();
    of_call.sort_by_key(|body| (body["timestamp"].to_string(), body["type"].to_string()));
    let words: Vec<_> = of_call.iter().map(|body| (body["type"].as_str().expect("a type"), body["status"].as_str())).collect();
    let expected = [
        ("call.started", Some("ringing")),
        ("call.status.updated", Some("ringing")),
        ("call.status.updated", Some("answered")),
        ("call.completed", Some("completed")),
        ("call.status.updated", Some("completed")),
        ("lead.qualified", None),
    ];
    assert_eq!(words, expected);
    assert_eq!((of_call[3]["duration"].as_str(), of_call[3]["spend"]["amount"].as_f64()), (Some("1:01"), Some(2.0)));
    assert_eq!(of_call[5]["keywords"], json!({"budget": "high"}));
    // Nobody is left: the campaign is through.
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    dialer::plan(&mut tx, campaign, lease.worker).await.expect("planned");
    tx.commit().await.expect("commit");
    let told = room.world.told(room.acme.company).await.expect("told");
    for event in ["campaign.completed", "campaign.status.changed"] {
        let of_it = told.iter().rev().find(|body| body["type"] == event).expect("told");
        assert_eq!(of_it["campaignId"], json!(campaign), "{event}");
    }
}

#[tokio::test]
async fn what_an_operator_does_is_told_too() {
    let room = Room::new().await;
    let campaign = room.world.launched(&room.acme, 1, |_| {}).await;
    let operator = room.world.member(&room.acme, Role::Operator).await;
    let user = operator.user_id().expect("a person");
    team::access::assign(&room.world.db, &room.acme.actor, user, &[campaign]).await.expect("assigned");
    room.world.clock.advance(TimeDelta::seconds(1));
    let mut tx = room.world.db.begin(&operator).await.expect("begin");
    campaigns::act(&mut tx, campaign, Action::Pause).await.expect("paused");
    tx.commit().await.expect("commit");
    let told = room.world.told(room.acme.company).await.expect("told");
    assert_eq!(told.last().expect("one")["newStatus"], "paused");
}

#[tokio::test]
async fn whoever_asks_not_to_be_called_is_told_of_once() {
    let room = Room::new().await;
    let phone = Phone::parse("+12125550001").expect("a number");
    for _ in 0..2 {
        let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
        suppressions::opt_out(&mut tx, &phone, Source::Dtmf, "Pressed 9").await.expect("opted out");
        tx.commit().await.expect("commit");
    }
    let told = room.world.told(room.acme.company).await.expect("told");
    assert_eq!((told.len(), told[0]["type"].as_str(), told[0]["source"].as_str()), (1, Some("contact.opted_out"), Some("dtmf")));
}

#[test]
fn no_body_grows_beyond_what_is_kept() {
    let long = "x".repeat(10_000);
    let phone = Phone::parse("+12025550143").expect("a number");
    let found = (0..100).map(|n| (format!("{n}{long}"), "😀".repeat(10_000))).collect();
    let told = Told::qualified(Uuid::nil().into(), None, &phone, None, &found);
    assert!(told.body(World::noon(), Show::Numbers).len() <= 65_536);
}

#[test]
fn what_hipaa_mode_sends_names_nobody() {
    let phone = Phone::parse("+12025550143").expect("a number");
    let found = [("complaint".to_owned(), "knee".to_owned())].into();
    for told in [
        Told::qualified(Uuid::from_u128(1).into(), None, &phone, Some(Sentiment::Positive), &found),
        Told::suppressed(Uuid::from_u128(1).into(), &phone, "Bea said her knee hurts"),
        Told::imported(Uuid::from_u128(1).into(), "knee patients.csv", [1, 0, 0, 0]),
    ] {
        let (whole, bare) = (told.body(World::noon(), Show::Numbers), told.body(World::noon(), Show::Nobody));
        assert!(whole.contains("knee"));
        assert!(!bare.contains("knee") && !bare.contains("0143"), "{bare}");
    }
}

#[tokio::test]
async fn in_hipaa_mode_no_endpoint_hears_numbers_or_words() {
    let room = Room::hearing(|form| form.full_numbers = true).await;
    let mut tx = room.world.tx(&room.acme).await;
    crate::companies::save_privacy(&mut tx, model::companies::Privacy { hipaa: true, gdpr: false }).await.expect("saved");
    suppressions::add(&mut tx, "+12125550143", "Her knee hurts").await.expect("added");
    tx.commit().await.expect("commit");
    let told = room.world.told(room.acme.company).await.expect("told");
    let last = told.last().expect("told");
    assert_eq!((last["phoneNumber"].as_str(), &last["reason"]), (Some("+12•••••••43"), &Value::Null));
}
