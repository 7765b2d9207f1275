//! The same write twice, another write under the same key, two at once, and answers that grow old.

use super::*;
use crate::Error as Inner;
use crate::contacts;
use crate::testing::{Someone, World};
use model::contacts::{ContactFilter, ContactForm};

fn request(key: &str, body: &[u8]) -> Request {
    Request::try_new(Uuid::from_u128(1), key, "POST", "/contacts", body).expect("a request")
}

fn answered(text: &str) -> Answered {
    Answered { status: 201, body: text.to_owned() }
}

async fn add_sam(tx: &mut Tx) {
    let sam = ContactForm { name: "Sam".into(), phone: "+12025550143".into(), ..ContactForm::default() };
    contacts::create(tx, &sam).await.expect("a contact");
}

async fn contacts_of(w: &World, of: &Someone) -> i64 {
    contacts::list(&mut w.tx(of).await, &ContactFilter::default()).await.expect("contacts").total
}

#[tokio::test]
async fn the_second_reads_what_the_first_was_answered() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let request = request("batch 7", b"{}");
    let mut tx = w.tx(&acme).await;
    assert_eq!(claim(&mut tx, &request).await.expect("claimed"), None);
    add_sam(&mut tx).await;
    keep(&mut tx, &request, &answered("made")).await.expect("kept");
    tx.commit().await.expect("commit");
    assert_eq!(claim(&mut w.tx(&acme).await, &request).await.expect("found"), Some(answered("made")));
}

#[tokio::test]
async fn a_write_that_was_rolled_back_left_no_answer() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    claim(&mut tx, &request("a", b"{}")).await.expect("claimed");
    add_sam(&mut tx).await;
    tx.roll_back().await.expect("rolled back");
    assert_eq!(claim(&mut w.tx(&acme).await, &request("a", b"{}")).await.expect("claimed again"), None);
    assert_eq!(contacts_of(&w, &acme).await, 0);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let first = request("a", b"{}");
    claim(&mut tx, &first).await.expect("claimed");
    keep(&mut tx, &first, &answered("made")).await.expect("kept");
    let other =
        |method: &str, path: &str, body: &[u8]| Request::try_new(first.caller, "a", method, path, body).expect("a request");
    for second in [other("POST", "/contacts", b"{ }"), other("PUT", "/contacts", b"{}"), other("POST", "/agents", b"{}")] {
        let refused = claim(&mut tx, &second).await.expect_err("another request");
        assert!(matches!(refused, Inner::Told(Error::Conflict { .. })));
    }
}

#[tokio::test]
async fn keys_of_others_are_not_in_the_way() {
    let w = World::new().await;
    let (acme, other) = (w.company("acme").await, w.company("other").await);
    let mut tx = w.tx(&acme).await;
    let first = request("a", b"{}");
    claim(&mut tx, &first).await.expect("claimed");
    keep(&mut tx, &first, &answered("made")).await.expect("kept");
    let neighbour = Request { caller: Uuid::from_u128(2), ..first.clone() };
    assert_eq!(claim(&mut tx, &neighbour).await.expect("its own key"), None);
    tx.commit().await.expect("commit");
    assert_eq!(claim(&mut w.tx(&other).await, &first).await.expect("another company"), None);
}

#[tokio::test]
async fn of_two_at_once_one_writes_and_the_other_reads_its_answer() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let write = async || {
        let mut tx = w.tx(&acme).await;
        let request = request("a", b"{}");
        if let Some(before) = claim(&mut tx, &request).await.expect("claimed or found") {
            return before;
        }
        add_sam(&mut tx).await;
        keep(&mut tx, &request, &answered("made")).await.expect("kept");
        tx.commit().await.expect("commit");
        answered("made")
    };
    let answers = futures::future::join_all((0..8).map(|_| write())).await;
    assert!(answers.iter().all(|a| *a == answered("made")), "{answers:?}");
    assert_eq!(contacts_of(&w, &acme).await, 1);
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let first = request("a", b"{}");
    claim(&mut tx, &first).await.expect("claimed");
    keep(&mut tx, &first, &answered("made")).await.expect("kept");
    tx.commit().await.expect("commit");
    w.clock.advance(TimeDelta::hours(KEPT_HOURS) - TimeDelta::seconds(1));
    assert!(claim(&mut w.tx(&acme).await, &first).await.expect("found").is_some());
    w.clock.advance(TimeDelta::seconds(1));
    assert_eq!(claim(&mut w.tx(&acme).await, &first).await.expect("forgotten"), None);
}

#[test]
fn a_key_is_short_and_printable() {
    let caller = Uuid::from_u128(1);
    let of = |key: &str| Request::try_new(caller, key, "POST", "/contacts", b"").is_ok();
    assert!(of("a") && of(&"a".repeat(KEY_MAX)) && of("order 7/2026"));
    assert!(!of("") && !of(&"a".repeat(KEY_MAX + 1)) && !of("a\nb") && !of("ä"));
}
