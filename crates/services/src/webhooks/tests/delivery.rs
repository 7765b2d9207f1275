//! Messages on their way: signed, once it is committed, again when it failed, never held up by others, and off in the end.

use super::*;
use crate::webhooks::post::testing::{half_a_turn, run_until};
use chrono::Days;

#[tokio::test]
async fn what_is_committed_arrives_signed_and_what_is_undone_does_not() {
    let mut room = Room::new().await;
    let mut tx = room.world.tx(&room.acme).await;
    suppressions::add(&mut tx, "+12125550001", "not really").await.expect("suppressed");
    tx.roll_back().await.expect("undone");
    room.happens(2).await;
    assert_eq!(room.send().await, 1);
    let heard = room.receiver.next().await;
    assert!(heard.is_signed_with(&room.endpoint.secret) && heard.event() == "contact.suppressed", "{heard:?}");
    assert_eq!(heard.seconds, room.world.db.clock().now().timestamp());
    let mut changed = heard.clone();
    changed.body.push(' ');
    assert!(!changed.is_signed_with(&room.endpoint.secret));
    let log = room.log().await;
    assert_eq!((log.len(), log[0].id.to_string(), log[0].status), (1, heard.id, DeliveryStatus::Delivered));
    assert_eq!((log[0].attempts, log[0].last.as_str(), log[0].due_at), (1, "204", None));
    assert_eq!((room.send().await, room.state().await.delivered), (0, 1));
}

#[tokio::test]
async fn a_failure_is_tried_again_under_the_same_id_with_the_same_body() {
    let mut room = Room::new().await;
    room.receiver.will_answer([500]);
    room.happens(1).await;
    room.send().await;
    assert_eq!(room.send().await, 0, "not due yet");
    let first = room.receiver.next().await;
    assert_eq!(room.state().await.state, EndpointState::Failing);
    let waited = room.until_due().await;
    assert!((4_500..=5_500).contains(&waited.num_milliseconds()), "{waited}");
    assert_eq!(room.send().await, 1);
    let second = room.receiver.next().await;
    assert_eq!((&first.id, &first.body), (&second.id, &second.body));
    assert!(second.seconds > first.seconds && second.is_signed_with(&room.endpoint.secret), "signed anew");
    let told = delivery(&mut room.world.tx(&room.acme).await, room.log().await[0].id).await.expect("a message");
    let attempts: Vec<_> = told.attempts.iter().map(|a| (a.status, a.answer.as_str(), a.error.as_str())).collect();
    assert_eq!(attempts, [(Some(204), "", ""), (Some(500), "it is 500", "500 Internal Server Error")]);
    assert_eq!((told.body, told.row.status), (first.body, DeliveryStatus::Delivered));
    assert_eq!(room.state().await.state, EndpointState::Active);
}

#[tokio::test]
async fn the_schedule_ends_after_three_days_and_ten_attempts() {
    let mut room = Room::new().await;
    room.happens(1).await;
    let began = room.world.db.clock().now();
    let mut waits = Vec::new();
    for n in 1..=10 {
        room.receiver.will_answer([503]);
        assert_eq!(room.send().await, 1, "attempt {n}");
        if n < 10 {
            waits.push(room.until_due().await.num_seconds());
        }
    }
    let planned = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (waited, planned) in waits.iter().zip(planned) {
        assert!((planned * 9 / 10 - 1..=planned * 11 / 10 + 1).contains(waited), "{waited} for {planned}");
    }
    assert!(room.world.db.clock().now() - began > TimeDelta::days(2));
    let oldest = room.log().await.pop().expect("a message");
    assert_eq!((oldest.status, oldest.attempts, oldest.due_at), (DeliveryStatus::Failed, 10, None));
    assert_eq!(room.receiver.all().iter().filter(|heard| heard.id == oldest.id.to_string()).count(), 10);
}

#[tokio::test]
async fn a_longer_wait_that_is_asked_for_is_given() {
    let room = Room::new().await;
    let waits = [None, Some(1), Some(120), Some(u32::MAX)].map(|asked| post::wait(&room.world.db, 0, asked));
    let seconds: Vec<_> = waits.iter().map(|wait| wait.expect("a wait").num_seconds()).collect();
    assert!((4..=5).contains(&seconds[0]) && (4..=5).contains(&seconds[1]), "{seconds:?}");
    assert_eq!(seconds[2..], [120, 86_400]);
    assert_eq!(post::wait(&room.world.db, 9, Some(1)), None, "given up is given up");
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_switched_off_at_once_and_hears_nothing_more() {
    let mut room = Room::new().await;
    room.receiver.will_answer([410]);
    room.happens(1).await;
    room.send().await;
    let endpoint = room.state().await;
    assert_eq!((endpoint.state, endpoint.why.as_str()), (EndpointState::Off, "it answered 410 Gone"));
    assert_eq!(room.log().await[0].status, DeliveryStatus::Failed);
    room.happens(2).await;
    assert_eq!((room.send().await, room.log().await.len(), room.receiver.all().len()), (0, 1, 1));
    let filter = EventFilter { kind: Some(EventKind::EndpointDisabled), ..EventFilter::default() };
    let notices = events::list(&mut room.world.tx(&room.acme).await, &filter).await.expect("events").items;
    assert_eq!(notices.len(), 1);
    assert!(notices[0].text.contains("410 Gone"), "{}", notices[0].text);
}

#[tokio::test]
async fn after_three_days_of_failing_an_endpoint_is_switched_off_and_can_be_switched_on() {
    let room = Room::new().await;
    room.receiver.will_answer([500; 20]);
    room.happens(1).await;
    room.send().await;
    let day = |n| room.world.clock.set(World::noon() + Days::new(n));
    day(2);
    room.send().await;
    assert_eq!(room.state().await.state, EndpointState::Failing);
    room.happens(2).await;
    day(3);
    room.send().await;
    let endpoint = room.state().await;
    assert_eq!((endpoint.state, endpoint.why.as_str()), (EndpointState::Off, "nothing arrived there for three days"));
    let waiting = room.log().await.iter().filter(|row| row.status == DeliveryStatus::Waiting).count();
    assert_eq!(waiting, 2, "what waits is kept");
    day(4);
    assert_eq!(room.send().await, 0);
    room.receiver.answers.lock().expect("no panic").clear();
    let form = EndpointForm { url: room.receiver.url.clone(), ..EndpointForm::default() };
    update(&room.world.db, &room.acme.actor, room.endpoint.id, &form).await.expect("on again");
    assert_eq!((room.send().await, room.state().await.state), (2, EndpointState::Active));
}

#[tokio::test]
async fn whoever_dies_between_sending_and_noting_leaves_it_to_be_sent_again() {
    let mut room = Room::new().await;
    room.happens(1).await;
    half_a_turn(&room.world.db, &room.post).await;
    let first = room.receiver.next().await;
    assert_eq!(room.send().await, 0, "somebody may still be at it");
    room.world.clock.advance(TimeDelta::seconds(31));
    assert_eq!(room.send().await, 1);
    let second = room.receiver.next().await;
    assert_eq!((first.id, first.body), (second.id, second.body));
    assert_eq!((room.log().await[0].attempts, room.log().await[0].status), (2, DeliveryStatus::Delivered));
}

#[tokio::test]
async fn two_workers_send_everything_once() {
    let mut room = Room::new().await;
    for n in 0..40 {
        room.happens(n).await;
    }
    let other = room.world.another_process(2, None);
    let (a, b) = tokio::join!(post::testing::send_due(&room.world.db, &room.post), post::testing::send_due(&other, &room.post));
    assert_eq!(a.expect("sent") + b.expect("sent"), 40);
    let mut ids: Vec<_> = room.receiver.all().into_iter().map(|heard| heard.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), room.state().await.delivered), (40, 40));
}

#[tokio::test]
async fn an_endpoint_that_never_answers_holds_no_other_up() {
    let mut room = Room::inside(World::live(|_| {}).await, |_| {}).await;
    // It takes connections, and never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://localhost:{}/", silent.local_addr().expect("an address").port());
    let form = EndpointForm { url, ..EndpointForm::default() };
    let dead = create(&room.world.db, &room.acme.actor, &form).await.expect("an endpoint").id;
    let (db, post) = (room.world.db.clone(), room.post.clone());
    run_until(db, post, async {
        for n in 0..60 {
            room.happens(n).await;
            // Each comes while more and more wait for the other one, of which none has timed out yet.
            assert_eq!(room.receiver.next().await.json()["phoneNumber"], format!("+12•••••••{n:02}"));
        }
    })
    .await;
    let mut tx = room.world.tx(&room.acme).await;
    let of = |endpoint| DeliveryFilter { endpoint: Some(endpoint), ..DeliveryFilter::default() };
    let waiting = deliveries(&mut tx, &of(dead)).await.expect("a log");
    assert!(waiting.items.iter().all(|row| row.status == DeliveryStatus::Waiting), "{waiting:?}");
    assert_eq!(waiting.total, 60);
    assert!(waiting.items.iter().filter(|row| row.attempts > 0).count() <= 16, "it has room for sixteen");
}

#[tokio::test]
async fn an_endpoint_that_fails_gets_one_message_at_a_time_until_one_arrives() {
    let mut room = Room::new().await;
    room.receiver.will_answer([500]);
    room.happens(9).await;
    room.send().await;
    for n in 1..=5 {
        room.happens(n).await;
    }
    let mut desk = room.world.db.autocommit(SystemTask::Webhooks).await.expect("a connection");
    let now = room.world.db.clock().now();
    let rooms = |known| queue::Rooms { known, well: 16, failing: 1, all: 100 };
    let taken = queue::claim(&mut desk, &rooms(&[]), now, now + TimeDelta::seconds(30)).await.expect("taken");
    assert_eq!((taken.len(), taken[0].failing), (1, true));
    room.world.clock.advance(TimeDelta::seconds(31));
    // One arrives, and the rest follows.
    assert_eq!(room.send().await, 6);
    assert_eq!((room.receiver.all().len(), room.state().await.state), (7, EndpointState::Active));
}

#[tokio::test]
async fn the_log_goes_back_thirty_days() {
    let room = Room::new().await;
    room.happens(1).await;
    room.send().await;
    room.world.clock.advance(TimeDelta::days(1));
    room.happens(2).await;
    room.send().await;
    let mut tx = room.world.tx(&room.acme).await;
    remove(&mut tx, room.endpoint.id).await.expect("removed");
    tx.commit().await.expect("commit");
    let moment = TimeDelta::milliseconds(1);
    for (advance, messages, endpoints) in [(TimeDelta::days(29), 2, 1), (moment, 1, 1), (TimeDelta::days(1), 0, 0)] {
        room.world.clock.advance(advance);
        let mut tx = room.world.db.begin_system(SystemTask::Check).await.expect("begin");
        forget(&mut tx).await.expect("forgotten");
        let left: i64 = sqlx::query_scalar("select count(*) from endpoints").fetch_one(tx.conn()).await.expect("a count");
        tx.commit().await.expect("commit");
        assert_eq!((room.log().await.len(), left), (messages, endpoints), "after {advance}");
    }
}
