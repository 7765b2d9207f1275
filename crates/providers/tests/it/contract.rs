//! What an adapter owes the dialer, number by number.

use std::time::Duration;

use providers::*;

use super::support::{FAST, Heard, World, adapter, token};

fn statuses(heard: &[Heard]) -> Vec<ProviderStatus> {
    heard.iter().filter_map(Heard::status).collect()
}

fn outcome(heard: &[Heard]) -> Outcome {
    let end = heard.iter().find_map(|one| match one.status() {
        Some(ProviderStatus::Ended(outcome)) => Some(outcome),
        _ => None,
    });
    end.expect("an end")
}

#[tokio::test]
async fn a_person_answers_and_every_step_is_told_signed_and_in_order() {
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0001", 1)).await;
    let heard =
        world.hear("the recording", |all| all.iter().any(|one| matches!(one.callback.kind, CallbackKind::Recording(_)))).await;
    assert!(heard.iter().all(|one| one.authentic && one.callback.id == id));
    use ProviderStatus::*;
    assert_eq!(statuses(&heard), [Dialing, Ringing, Answered, Ended(Outcome::Completed)]);
    let sequences: Vec<_> = heard.iter().filter_map(|one| one.callback.sequence).collect();
    assert_eq!(sequences, [0, 1, 2, 3]);
    let verdict = heard.iter().find(|one| matches!(one.callback.kind, CallbackKind::MachineDetected(_))).expect("a verdict");
    assert_eq!(verdict.callback.kind, CallbackKind::MachineDetected(AnsweredBy::Human));
    let end = heard.iter().find(|one| one.is_end()).expect("an end");
    let CallbackKind::Status(told) = &end.callback.kind else { panic!("not a status") };
    assert!(told.talk_seconds.is_some_and(|seconds| (15..=300).contains(&seconds)), "{told:?}");

    let seen = world.observe(&id, "the price", |seen| seen.price_micros.is_some()).await;
    assert_eq!(seen.status, Ended(Outcome::Completed));
    assert_eq!(seen.talk_seconds, told.talk_seconds);
    let minutes = (seen.talk_seconds.expect("known") + 59) / 60;
    assert_eq!((seen.price_micros, seen.currency.as_deref()), (Some(minutes * 14_000), Some("USD")));
    assert_eq!(seen.answered_by, Some(AnsweredBy::Human));
    assert!(seen.started_at <= seen.answered_at && seen.answered_at <= seen.ended_at);
    world.judge();
}

#[tokio::test]
async fn a_recording_can_be_fetched_whole_and_in_parts() {
    let world = World::new(FAST).await;
    world.place(&world.order("0013", 1)).await;
    let heard =
        world.hear("the recording", |all| all.iter().any(|one| matches!(one.callback.kind, CallbackKind::Recording(_)))).await;
    let recording = heard.iter().find_map(|one| match &one.callback.kind {
        CallbackKind::Recording(recording) => Some(recording.clone()),
        _ => None,
    });
    let recording = recording.expect("a recording");
    assert!(recording.ready);
    assert_eq!(recording.seconds, Some(2));
    let url = recording.url.expect("an address");
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
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0013", 1)).await;
    let heard =
        world.hear("the recording", |all| all.iter().any(|one| matches!(one.callback.kind, CallbackKind::Recording(_)))).await;
    let recording = heard
        .iter()
        .find_map(|one| if let CallbackKind::Recording(made) = &one.callback.kind { Some(made.id.clone()) } else { None });
    let recording = recording.expect("a recording");
    let account = super::support::ACCOUNT;
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
async fn busy_and_unanswered_phones_ring_and_cost_nothing() {
    for (digits, expected) in [("0002", Outcome::Busy), ("0003", Outcome::NoAnswer)] {
        let world = World::new(FAST).await;
        let id = world.place(&world.order(digits, 1)).await;
        let heard = world.hear_end().await;
        assert_eq!(outcome(&heard), expected);
        let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
        assert_eq!((seen.status, seen.talk_seconds), (ProviderStatus::Ended(expected), None));
        assert_eq!(world.control("rings").await["total"]["rang"], 1);
        world.judge();
    }
}

#[tokio::test]
async fn a_machine_s_call_ends_as_voicemail() {
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0004", 1)).await;
    let heard = world.hear_end().await;
    assert_eq!(outcome(&heard), Outcome::Voicemail);
    assert!(heard.iter().any(|one| one.callback.kind == CallbackKind::MachineDetected(AnsweredBy::Voicemail)));
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    assert_eq!((seen.status, seen.answered_by), (ProviderStatus::Ended(Outcome::Voicemail), Some(AnsweredBy::Voicemail)));
    world.judge();
}

#[tokio::test]
async fn without_detection_a_machine_looks_like_a_person() {
    let world = World::new(FAST).await;
    let order = Originate { machine_detection: false, record: false, ..world.order("0004", 1) };
    world.place(&order).await;
    assert_eq!(outcome(&world.hear_end().await), Outcome::Completed);
    world.judge();
}

#[tokio::test]
async fn an_invalid_number_is_refused_for_good_and_never_dialed() {
    let world = World::new(FAST).await;
    let Answer::Refused(refusal) = world.voice.originate(&world.order("0005", 1)).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Permanent, "21211"));
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    world.judge();
}

#[tokio::test]
async fn a_pressed_nine_arrives_as_digits_and_the_reply_ends_the_call() {
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0006", 1)).await;
    let heard = world.hear_end().await;
    let keys = heard.iter().find(|one| matches!(one.callback.kind, CallbackKind::Digits(_))).expect("keys");
    assert_eq!((&keys.callback.kind, keys.authentic), (&CallbackKind::Digits("9".into()), true));
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    assert!(seen.talk_seconds.is_some_and(|seconds| (5..15).contains(&seconds)), "{seen:?}");
    world.judge();
}

#[tokio::test]
async fn busy_the_first_time_answers_the_second() {
    let world = World::new(FAST).await;
    world.place(&world.order("0007", 1)).await;
    assert_eq!(outcome(&world.hear_end().await), Outcome::Busy);
    let second = world.place(&world.order("0007", 2)).await;
    let heard = world.hear("the second end", |all| all.iter().any(|one| one.callback.id == second && one.is_end())).await;
    let second: Vec<Heard> = heard.into_iter().filter(|one| one.callback.id == second).collect();
    assert_eq!(outcome(&second), Outcome::Completed);
    let rings = world.control("rings").await;
    assert_eq!(rings["twice"], serde_json::json!([]));
    assert_eq!(rings["by_call"].as_object().map(serde_json::Map::len), Some(2));
}

#[tokio::test]
async fn too_many_requests_says_when_to_come_back_and_dials_nothing() {
    let world = World::new(FAST).await;
    let Answer::Refused(refusal) = world.voice.originate(&world.order("0010", 1)).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.retry_after), (RefusalKind::Transient, Some(Duration::from_secs(1))));
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    world.place(&world.order("0010", 2)).await;
    world.judge();
}

#[tokio::test]
async fn a_server_error_of_the_provider_is_transient_and_dials_nothing() {
    let world = World::new(FAST).await;
    let Answer::Refused(refusal) = world.voice.originate(&world.order("0011", 1)).await else { panic!("not refused") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Transient, "20500"));
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
    world.place(&world.order("0011", 2)).await;
    world.judge();
}

#[tokio::test]
async fn a_person_who_hangs_up_leaves_a_short_call() {
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0013", 1)).await;
    world.hear_end().await;
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    assert_eq!(seen.talk_seconds, Some(2));
}

#[tokio::test]
async fn no_call_outlasts_the_limit_that_was_held_for() {
    let world = World::new(FAST).await;
    let id = world.place(&Originate { talk_seconds_max: 7, ..world.order("0001", 1) }).await;
    world.hear_end().await;
    let seen = world.voice.fetch(&id).await.expect("fetched").expect("exists");
    assert_eq!(seen.talk_seconds, Some(7));
    world.judge();
}

#[tokio::test]
async fn a_check_shows_the_account_and_a_bad_token_is_a_matter_of_configuration() {
    let world = World::new(FAST).await;
    let info = world.voice.check().await.expect("good credentials");
    assert_eq!((info.account.as_str(), info.active), (super::support::ACCOUNT, true));
    assert_eq!((info.balance_micros, info.currency.as_deref()), (Some(100_000_000), Some("USD")));
    world.judge();
    let stranger = adapter(&world.gremlin, "0123456789abcdef0123456789abcdef", Duration::from_secs(10));
    let Err(ProviderError::Refused(refusal)) = stranger.check().await else { panic!("let in") };
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Configuration, "20003"));
    let Answer::Refused(refusal) = stranger.originate(&world.order("0001", 1)).await else { panic!("let in") };
    assert_eq!(refusal.kind, RefusalKind::Configuration);
    assert_eq!(world.control("rings").await["total"]["dialed"], 0);
}

#[tokio::test]
async fn an_unknown_call_is_none_and_another_account_s_call_is_unknown() {
    let world = World::new(FAST).await;
    let id = world.place(&world.order("0002", 1)).await;
    assert_eq!(world.voice.fetch(&ProviderCallId::new(format!("CA{:032}", 0))).await, Ok(None));
    assert_eq!(world.voice.fetch(&ProviderCallId::new("../Balance")).await, Ok(None));
    let other = "AC00000000000000000000000000000002";
    let account = Account {
        base_url: world.gremlin.clone(),
        account_sid: other.into(),
        auth_token: gremlin::token_for(gremlin::TOKEN_SECRET, other).into(),
    };
    let other = connect(ProviderKind::Twilio, account, super::support::client(Duration::from_secs(10)));
    assert_eq!(other.fetch(&id).await, Ok(None));
    assert!(world.voice.fetch(&id).await.expect("fetched").is_some());
}

#[test]
fn no_secret_is_printed() {
    let account = Account { base_url: "http://x".into(), account_sid: "AC1".into(), auth_token: token().into() };
    let adapter = providers::twilio::Twilio::new(account, super::support::client(Duration::from_secs(1)));
    assert!(!format!("{adapter:?}").contains(&token()));
}

#[test]
fn every_kind_has_a_word_that_reads_back() {
    for kind in ProviderKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(*kind));
        assert!(kind.base_url().starts_with("https://"));
    }
    assert!("telegraph".parse::<ProviderKind>().is_err());
}
