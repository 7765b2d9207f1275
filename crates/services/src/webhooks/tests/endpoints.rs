//! Endpoints: who may have them, where they may be, their secrets, and what is sent again by hand.

use super::*;
use crate::Error as Inner;
use crate::config::Config;
use crate::secrets::{Lost, reseal};
use model::accounts::Role;
use model::api_keys::Scope;

fn told<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result.expect_err("this should have been refused") {
        Inner::Told(told) => told,
        other => panic!("not meant for the caller: {other}"),
    }
}

fn at(url: &str) -> EndpointForm {
    EndpointForm { url: url.to_owned(), ..EndpointForm::default() }
}

#[tokio::test]
async fn whoever_may_not_manage_webhooks_reaches_none_of_it() {
    let room = Room::new().await;
    room.happens(1).await;
    let message = room.log().await[0].id;
    for role in [Role::Operator, Role::Viewer] {
        let actor = room.world.member(&room.acme, role).await;
        let refused = Error::Forbidden { permission: "manage_webhooks".into() };
        let db = &room.world.db;
        assert_eq!(told(create(db, &actor, &at(&room.receiver.url)).await), refused);
        assert_eq!(told(update(db, &actor, room.endpoint.id, &at(&room.receiver.url)).await), refused);
        let mut tx = db.begin(&actor).await.expect("begin");
        assert_eq!(told(list(&mut tx).await), refused);
        assert_eq!(told(load(&mut tx, room.endpoint.id).await), refused);
        assert_eq!(told(rotate(&mut tx, room.endpoint.id).await), refused);
        assert_eq!(told(remove(&mut tx, room.endpoint.id).await), refused);
        assert_eq!(told(deliveries(&mut tx, &DeliveryFilter::default()).await), refused);
        assert_eq!(told(delivery(&mut tx, message).await), refused);
        assert_eq!(told(super::test(&mut tx, room.endpoint.id).await), refused);
        assert_eq!(told(replay(&mut tx, message).await), refused);
        assert_eq!(told(replay_failed(&mut tx, room.endpoint.id, World::noon()).await), refused);
    }
}

#[tokio::test]
async fn another_company_sees_no_endpoint_and_no_message() {
    let room = Room::new().await;
    room.happens(1).await;
    let message = room.log().await[0].id;
    let birch = room.world.company("birch").await;
    let mut tx = room.world.tx(&birch).await;
    assert!(list(&mut tx).await.expect("endpoints").is_empty());
    assert_eq!(deliveries(&mut tx, &DeliveryFilter::default()).await.expect("a log").total, 0);
    let nothing = Error::not_found("endpoint");
    assert_eq!(told(load(&mut tx, room.endpoint.id).await), nothing);
    assert_eq!(told(remove(&mut tx, room.endpoint.id).await), nothing);
    assert_eq!(told(replay(&mut tx, message).await), Error::not_found("delivery"));
    // Above companies row security is silent: what is told there is still told to one.
    let tx = room.world.db.begin_system(SystemTask::Admin).await.expect("begin");
    let mut tx = tx.inside(&birch.actor).await.expect("inside");
    let import = tx.id();
    tx.tell(Told::imported(import, "a.csv", [1, 0, 0, 0]));
    tx.commit().await.expect("commit");
    assert_eq!(room.log().await.len(), 1, "acme hears nothing of birch");
}

#[tokio::test]
async fn messages_go_to_public_names_only() {
    let room = Room::new().await;
    for url in ["http://example.com/", "https://10.0.0.1/", "https://metadata.internal/", "https://example.com:8443/", "x"] {
        let refused = told(create(&room.world.db, &room.acme.actor, &at(url)).await);
        assert!(refused.of_field("url").is_some(), "{url}: {refused}");
    }
    let nowhere = told(create(&room.world.db, &room.acme.actor, &at("https://no-such-name.invalid/")).await);
    assert_eq!(nowhere.of_field("url"), Some("no-such-name.invalid was not found. Check the address."));
    let world = World::configured(2, |config| config.dev = false).await;
    let acme = world.company("acme").await;
    let refused = told(create(&world.db, &acme.actor, &at(&room.receiver.url)).await);
    assert!(refused.of_field("url").is_some(), "this machine is for whoever develops on it");
}

#[tokio::test]
async fn an_address_that_is_no_longer_allowed_gets_no_message() {
    let mut room = Room::new().await;
    room.happens(1).await;
    let strict = Config { dev: false, ..room.world.db.config().clone() };
    let strict = Db::init(strict, room.world.clock.clone(), 3).expect("a database");
    assert_eq!(post::testing::send_due(&strict, &room.post).await.expect("tried"), 1);
    assert_eq!((room.log().await[0].last.as_str(), room.receiver.all().len()), ("messages do not go to such an address", 0));
}

#[tokio::test]
async fn a_company_has_twenty_endpoints_and_no_more() {
    let room = Room::new().await;
    for _ in 1..ENDPOINTS_MAX {
        create(&room.world.db, &room.acme.actor, &at(&room.receiver.url)).await.expect("within the limit");
    }
    let refused = told(create(&room.world.db, &room.acme.actor, &at(&room.receiver.url)).await);
    assert_eq!(refused, Error::conflict("A company has at most 20 endpoints. Remove one first."));
    let mut tx = room.world.tx(&room.acme).await;
    remove(&mut tx, room.endpoint.id).await.expect("removed");
    tx.commit().await.expect("commit");
    create(&room.world.db, &room.acme.actor, &at(&room.receiver.url)).await.expect("there is room again");
}

#[tokio::test]
async fn whoever_sees_masked_numbers_sends_no_others() {
    let room = Room::new().await;
    let mut key = room.acme.actor.clone();
    key.scopes = Some(vec![Scope::Webhooks]);
    let form = EndpointForm { full_numbers: true, ..at(&room.receiver.url) };
    assert!(told(create(&room.world.db, &key, &form).await).of_field("full_numbers").is_some());
    key.scopes = Some(vec![Scope::Webhooks, Scope::Phones]);
    create(&room.world.db, &key, &form).await.expect("with both");
}

#[tokio::test]
async fn for_a_day_after_a_rotation_both_secrets_sign() {
    let mut room = Room::new().await;
    let old = room.endpoint.secret.clone();
    let mut tx = room.world.tx(&room.acme).await;
    let new = rotate(&mut tx, room.endpoint.id).await.expect("rotated").secret;
    tx.commit().await.expect("commit");
    assert_ne!(old, new);
    room.happens(1).await;
    room.send().await;
    let heard = room.receiver.next().await;
    assert!(heard.is_signed_with(&old) && heard.is_signed_with(&new), "{heard:?}");
    assert!(room.state().await.old_until.is_some());
    room.world.clock.advance(TimeDelta::hours(OVERLAP_HOURS));
    room.happens(2).await;
    room.send().await;
    let heard = room.receiver.next().await;
    assert!(!heard.is_signed_with(&old) && heard.is_signed_with(&new), "{heard:?}");
    assert_eq!(room.state().await.old_until, None);
}

#[tokio::test]
async fn secrets_are_sealed_and_follow_a_new_key() {
    let mut room = Room::new().await;
    let config = room.world.db.config().clone();
    let rotated = Config {
        secret_key: "another key that is also long enough".to_owned().into(),
        secret_key_old: Some(config.secret_key.clone()),
        ..config
    };
    let later = Db::init(rotated.clone(), room.world.clock.clone(), 4).expect("a database");
    // The company's sandbox gateway, and the endpoint.
    let sealed = reseal(&later, Lost::Refuse).await.expect("sealed anew");
    assert_eq!((sealed, reseal(&later, Lost::Refuse).await.expect("nothing left")), (2, 0));
    let without = Db::init(Config { secret_key_old: None, ..rotated }, room.world.clock.clone(), 5).expect("a database");
    room.happens(1).await;
    post::testing::send_due(&without, &room.post).await.expect("sent");
    assert!(room.receiver.next().await.is_signed_with(&room.endpoint.secret));
}

#[tokio::test]
async fn a_removed_endpoint_is_told_nothing_and_keeps_no_secret() {
    let mut room = Room::new().await;
    room.happens(1).await;
    let mut tx = room.world.tx(&room.acme).await;
    remove(&mut tx, room.endpoint.id).await.expect("removed");
    tx.commit().await.expect("commit");
    room.happens(2).await;
    assert_eq!((room.send().await, room.receiver.all().len()), (0, 0));
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(told(load(&mut tx, room.endpoint.id).await), Error::not_found("endpoint"));
    assert_eq!(told(remove(&mut tx, room.endpoint.id).await), Error::not_found("endpoint"));
    let log = deliveries(&mut tx, &DeliveryFilter::default()).await.expect("a log").items;
    assert_eq!(log.len(), 1, "what was told stays in the log");
    assert_eq!(told(replay(&mut tx, log[0].id).await), Error::not_found("endpoint"));
}

#[tokio::test]
async fn a_test_is_sent_whatever_the_endpoint_chose() {
    let mut room = Room::hearing(|form| form.events = vec![WebhookEvent::CreditsLow]).await;
    room.happens(1).await;
    let mut tx = room.world.tx(&room.acme).await;
    let id = super::test(&mut tx, room.endpoint.id).await.expect("a test");
    tx.commit().await.expect("commit");
    assert_eq!(room.send().await, 1);
    let heard = room.receiver.next().await;
    assert_eq!((heard.id.clone(), heard.event()), (id.to_string(), "webhook.test".to_owned()));
    assert!(heard.is_signed_with(&room.endpoint.secret));
}

#[tokio::test]
async fn one_message_or_all_that_failed_are_sent_again() {
    let mut room = Room::new().await;
    room.happens(1).await;
    room.send().await;
    let first = room.receiver.next().await;
    // Arrived, and asked for again.
    let mut tx = room.world.tx(&room.acme).await;
    replay(&mut tx, first.id.parse().expect("an id")).await.expect("again");
    tx.commit().await.expect("commit");
    room.send().await;
    let again = room.receiver.next().await;
    assert_eq!((&first.id, &first.body), (&again.id, &again.body));

    room.receiver.will_answer([500; 3]);
    let mut moments = Vec::new();
    for n in 2..=4 {
        room.world.clock.advance(TimeDelta::seconds(1));
        moments.push(room.world.db.clock().now());
        room.happens(n).await;
        room.send().await;
    }
    assert_eq!(room.receiver.all().len(), 3);
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(replay_failed(&mut tx, room.endpoint.id, moments[1]).await.expect("again"), 2, "not the one before");
    tx.commit().await.expect("commit");
    assert_eq!(room.send().await, 2);
    assert_eq!(room.receiver.all().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_is_off_is_sent_nothing_by_hand() {
    let room = Room::new().await;
    room.happens(1).await;
    let message = room.log().await[0].id;
    let form = EndpointForm { enabled: false, ..at(&room.receiver.url) };
    update(&room.world.db, &room.acme.actor, room.endpoint.id, &form).await.expect("off");
    let off = Error::conflict("This endpoint is off. Switch it on first.");
    let mut tx = room.world.tx(&room.acme).await;
    assert_eq!(told(super::test(&mut tx, room.endpoint.id).await), off);
    assert_eq!(told(replay(&mut tx, message).await), off);
    assert_eq!(told(replay_failed(&mut tx, room.endpoint.id, World::noon()).await), off);
}

#[tokio::test]
async fn the_log_is_narrowed_by_endpoint_state_and_event() {
    let mut room = Room::new().await;
    room.happens(1).await;
    room.send().await;
    let mut tx = room.world.tx(&room.acme).await;
    super::test(&mut tx, room.endpoint.id).await.expect("a test");
    tx.commit().await.expect("commit");
    assert_eq!(room.receiver.all().len(), 1);
    let mut tx = room.world.tx(&room.acme).await;
    for (filter, found) in [
        (DeliveryFilter::default(), 2),
        (DeliveryFilter { endpoint: Some(room.endpoint.id), ..DeliveryFilter::default() }, 2),
        (DeliveryFilter { status: Some(DeliveryStatus::Waiting), ..DeliveryFilter::default() }, 1),
        (DeliveryFilter { event: Some(WebhookEvent::ContactSuppressed), ..DeliveryFilter::default() }, 1),
        (DeliveryFilter { event: Some(WebhookEvent::CreditsLow), ..DeliveryFilter::default() }, 0),
    ] {
        let page = deliveries(&mut tx, &filter).await.expect("a log");
        assert_eq!((page.total, page.items.len()), (found, usize::try_from(found).expect("few")), "{filter:?}");
    }
}
