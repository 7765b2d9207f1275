//! What a pack says, that it says it to nobody else, and that its two forms agree.

use super::*;
use crate::testing::room::Room;
use crate::testing::{World, phone};
use crate::{events, suppressions};
use chrono::TimeDelta;
use model::accounts::Role;
use model::calls::Outcome;
use model::events::EventFilter;
use model::suppressions::{Source, SuppressionFilter};
use providers::{Answer, ProviderCallId};

/// A number that agreed, was called, said no, was taken off the list and put on it again.
async fn story() -> Room {
    let room = Room::new().await;
    room.world.consents(&room.acme, &phone(0)).await;
    let campaign = room.world.launched(&room.acme, 2, |_| {}).await;
    let dials = room.plan(campaign).await.dials;
    for (n, dial) in dials.iter().enumerate() {
        room.record(dial, Answer::Placed(ProviderCallId::new(format!("CA{n}")))).await;
    }
    room.world.clock.advance(TimeDelta::minutes(1));
    let mut tx = room.world.db.begin(&room.world.engine(room.acme.company)).await.expect("begin");
    let number = Phone::parse(&phone(0)).expect("E.164");
    suppressions::opt_out(&mut tx, &number, Source::Dtmf, "Pressed 9").await.expect("out");
    tx.commit().await.expect("commit");
    for dial in &dials {
        room.end(dial.call, Outcome::Completed).await;
    }
    room.world.clock.advance(TimeDelta::hours(1));
    let mut tx = room.world.tx(&room.acme).await;
    let entry = suppressions::list(&mut tx, &SuppressionFilter::default()).await.expect("list").items.remove(0);
    suppressions::remove(&mut tx, entry.id, "Asked to be called again").await.expect("removed");
    tx.commit().await.expect("commit");
    room.world.clock.advance(TimeDelta::hours(1));
    let mut tx = room.world.tx(&room.acme).await;
    suppressions::add(&mut tx, &phone(0), "By letter").await.expect("added");
    tx.commit().await.expect("commit");
    room
}

#[tokio::test]
async fn a_pack_tells_consent_list_attempts_and_what_allowed_them() {
    let room = story().await;
    let mut tx = room.world.tx(&room.acme).await;
    let e = of(&mut tx, "(212) 555-0100").await.expect("gathered");
    assert_eq!((e.phone.as_str(), e.company.as_str(), e.on_list, e.is_cut), (phone(0).as_str(), "acme", true, false));
    assert_eq!(e.consents.len(), 1);
    let moves: Vec<_> = e.list.iter().map(|m| (m.is_on, m.source.as_str(), m.reason.as_str(), m.by.as_str())).collect();
    assert_eq!(
        moves,
        [
            (true, "Pressed 9", "Pressed 9", "Belfry"),
            (false, "", "Asked to be called again", "Company admin"),
            (true, "Added by hand", "By letter", "Company admin"),
        ]
    );
    let [attempt] = e.attempts.as_slice() else { panic!("one call to this number: {:?}", e.attempts) };
    assert_eq!((attempt.campaign.as_str(), attempt.purpose.as_str(), attempt.opted_out), ("Spring", "Marketing", true));
    let packs: Vec<_> = e.packs.iter().map(|pack| pack.jurisdiction.as_str()).collect();
    assert_eq!(attempt.rules, format!("{} @ {}", packs.join(" "), rules::version()));
    // Ten in New York: the federal day ends at nine in the evening.
    assert_eq!(attempt.open_until.map(|at| at.at.to_rfc3339()), Some("2026-11-24T02:00:00+00:00".to_owned()));
    assert!(e.packs.iter().any(|pack| pack.jurisdiction == "US" && pack.rules.iter().any(|rule| rule.contains("47 CFR"))));
    room.holds().await;
}

#[tokio::test]
async fn the_pdf_carries_the_hash_of_the_json_and_the_record_keeps_it() {
    let room = story().await;
    let mut tx = room.world.tx(&room.acme).await;
    let json = take(&mut tx, &phone(0), Written::Json).await.expect("taken");
    tx.commit().await.expect("commit");
    room.world.clock.advance(TimeDelta::hours(5));
    let mut tx = room.world.tx(&room.acme).await;
    let pdf = take(&mut tx, &phone(0), Written::Pdf).await.expect("taken");
    let hash: String = Sha256::digest(&json.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&json.hash, &pdf.hash), (&hash, &hash), "nothing happened in between");
    assert!(pdf.bytes.starts_with(b"%PDF-1.") && pdf.bytes.ends_with(b"%%EOF"));
    let text = String::from_utf8_lossy(&pdf.bytes);
    assert!(text.contains(&hash) && text.contains("By letter") && text.contains("Asked not to be called again."), "{text}");
    let again: Evidence = serde_json::from_slice(&json.bytes).expect("it reads back");
    assert_eq!(again.phone, phone(0));
    let filter = EventFilter { kind: Some(EventKind::EvidenceTaken), ..EventFilter::default() };
    let texts: Vec<_> = events::list(&mut tx, &filter).await.expect("events").items.into_iter().map(|e| e.text).collect();
    assert_eq!(
        texts,
        [format!("+12•••••••00, pdf, SHA-256 of the JSON {hash}"), format!("+12•••••••00, json, SHA-256 of the JSON {hash}")]
    );
    assert_eq!((json.name.as_str(), pdf.name.as_str()), ("evidence-12125550100.json", "evidence-12125550100.pdf"));
}

#[tokio::test]
async fn a_pack_is_for_those_who_may_see_numbers_lists_and_calls_and_for_one_company() {
    let room = story().await;
    let viewer = room.world.member(&room.acme, Role::Viewer).await;
    let mut tx = room.world.db.begin(&viewer).await.expect("begin");
    let Err(crate::Error::Told(refused)) = of(&mut tx, &phone(0)).await else { panic!("refused") };
    assert_eq!(refused, model::Error::Forbidden { permission: Permission::ViewPhones.to_string() });
    drop(tx);
    let mut tx = room.world.tx(&room.acme).await;
    let Err(crate::Error::Told(refused)) = of(&mut tx, "nobody").await else { panic!("refused") };
    assert!(refused.of_field("phone").is_some());
    drop(tx);
    let birch = room.world.company("birch").await;
    let e = of(&mut room.world.tx(&birch).await, &phone(0)).await.expect("an empty one");
    assert!(e.attempts.is_empty() && e.consents.is_empty() && e.list.is_empty() && !e.on_list);
}

#[tokio::test]
async fn long_texts_and_strange_letters_stay_on_the_page() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    suppressions::add(&mut tx, &phone(0), &format!("{} अदा (\\) {}", "x".repeat(120), "word ".repeat(12))).await.expect("added");
    let e = of(&mut tx, &phone(0)).await.expect("gathered");
    let lines = pdf::lines(&e, &"0".repeat(64), "Made now", rules::version());
    let long = |line: &pdf::Line| match line {
        pdf::Line::Head(text) | pdf::Line::Text(text) => text.chars().count() > 88,
    };
    assert!(!lines.iter().any(long), "{lines:?}");
    let many = pdf::written(&(0..20).flat_map(|_| lines.clone()).collect::<Vec<_>>());
    assert!(String::from_utf8_lossy(&many).contains("Page 3 of "), "several pages");
}
