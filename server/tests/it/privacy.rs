//! What people may ask for, at the doors: evidence and exports as files, erasure by a plain form, consents by form and by REST.

use crate::support::{Browser, Site};
use http::{Method, StatusCode};
use model::api_keys::Scope;
use model::consents::ConsentPolicy;
use model::contacts::ContactForm;
use model::id::ContactId;
use serde_json::{Value, json};
use services::{consents, contacts, suppressions};

const PHONE: &str = "+12025550143";

async fn person(site: &Site, of: &Browser) -> ContactId {
    let mut tx = site.world.tx(&site.company(of).await).await;
    let form = ContactForm { name: "Ada Pine".to_owned(), phone: PHONE.to_owned(), ..ContactForm::default() };
    let id = contacts::create(&mut tx, &form).await.expect("contact");
    tx.commit().await.expect("commit");
    id
}

#[tokio::test]
async fn a_consent_is_recorded_by_a_plain_form_and_stands_in_the_evidence() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let form = "phones=%2B12025550143&standing=written&on=&origin[purpose]=marketing&origin[source]=web_form&origin[ip]=";
    let bare = format!("{form}&origin[wording]=&origin[evidence]=folder+7");
    let answer = site.followed(&acme, "/consents", "suppressions/consents/record_consent", &bare).await;
    assert!(
        answer.text().contains("Say which words") && answer.text().contains(PHONE),
        "what was typed stands: {}",
        answer.text()
    );
    let whole = format!("{form}&origin[wording]=form+v3&origin[evidence]=folder+7");
    let answer = site.followed(&acme, "/consents", "suppressions/consents/record_consent", &whole).await;
    for part in ["Given, in writing", "form v3", "folder 7", "Not on the list", "/evidence/pack?phone=%2B12025550143&amp;as=pdf"]
    {
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
    }
    site.followed(&acme, "/consents", "suppressions/consents/set_consent_policy", "policy=law").await;
    let mut tx = site.world.tx(&site.company(&acme).await).await;
    assert_eq!(consents::policy(&mut tx).await.expect("read"), ConsentPolicy::Law);
}

#[tokio::test]
async fn a_pack_is_a_file_for_those_who_may_and_nothing_for_others() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let mut tx = site.world.tx(&site.company(&acme).await).await;
    suppressions::add(&mut tx, PHONE, "By letter").await.expect("added");
    tx.commit().await.expect("commit");
    let path = "/evidence/pack?phone=%2B12025550143";
    let json = site.get(&acme, path).await;
    assert_eq!((json.status, json.header("content-type")), (StatusCode::OK, "application/json"));
    assert!(json.header("content-disposition").contains("evidence-12025550143.json") && json.text().contains("By letter"));
    let pdf = site.get(&acme, &format!("{path}&as=pdf")).await;
    assert_eq!((pdf.status, pdf.header("content-type")), (StatusCode::OK, "application/pdf"));
    assert!(pdf.body.starts_with(b"%PDF-"));
    assert_eq!(pdf.header("cache-control"), "no-store");
    assert_eq!(site.get(&site.viewer(&acme).await, path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.get(&Browser::default(), path).await.status, StatusCode::UNAUTHORIZED);
    let birch = site.newcomer("birch").await;
    assert!(!site.get(&birch, path).await.text().contains("By letter"));
    assert_eq!(site.get(&acme, "/evidence/pack?phone=nobody").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_person_is_exported_and_erased_once_number_and_box_say_so() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let id = person(&site, &acme).await;
    let page = format!("/erase?contact={id}");
    let shown = site.visit(&acme, &page).await;
    assert!(shown.text().contains("Ada Pine") && !shown.text().contains(".wasm"), "{}", shown.text());
    let file = site.get(&acme, &format!("/erase/export?contact={id}")).await;
    assert!(file.status == StatusCode::OK && file.text().contains("Ada Pine"), "{}", file.text());
    let birch = site.newcomer("birch").await;
    for path in [format!("/erase/export?contact={id}"), "/erase/export?contact=none".to_owned()] {
        assert_eq!(site.get(&birch, &path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(site.get(&site.viewer(&acme).await, &format!("/erase/export?contact={id}")).await.status, StatusCode::FORBIDDEN);
    let erase = "contacts/erase/erase_person";
    for (form, says) in [
        (format!("id={id}&number=%2B12025550143"), "Tick the box"),
        (format!("id={id}&number=%2B12025550144&sure=true"), "Type the number of this contact"),
    ] {
        let answer = site.followed(&acme, &page, erase, &form).await;
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    site.followed(&acme, &page, erase, &format!("id={id}&number=%2B12025550143&sure=true")).await;
    let shown = site.visit(&acme, &page).await;
    assert!(shown.text().contains("Forgotten") && !shown.text().contains("Ada Pine"), "{}", shown.text());
}

#[tokio::test]
async fn programs_record_consents_and_read_them() {
    let site = Site::new().await;
    let acme = site.newcomer("acme").await;
    let admin = site.company(&acme).await.actor;
    let key = site.key(&admin, Scope::ALL).await;
    let body = json!({"phones": [PHONE, "+12025550144"], "purpose": "service", "standing": "express", "source": "call",
        "wording": "script v2", "evidence": "call 7", "on": "2026-11-03"});
    let path = "/api/v1/consents";
    let made = site.api(Some(&key), Method::POST, path, Some(&body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.json::<Value>()["data"]["ids"].as_array().map(Vec::len), Some(2));
    let read = site.api(Some(&key), Method::GET, &format!("{path}?phone=%2B12025550143"), None).await.json::<Value>();
    let first = &read["data"]["items"][0];
    assert_eq!((first["standing"].as_str(), first["phone"].as_str()), (Some("express"), Some(PHONE)));
    let bad = json!({"phones": [PHONE], "purpose": "fun", "standing": "express", "source": "call"});
    assert_eq!(site.api(Some(&key), Method::POST, path, Some(&bad)).await.status, StatusCode::BAD_REQUEST);
    let back = json!({"phones": [PHONE], "purpose": "service", "standing": "withdrawn", "source": "message"});
    assert_eq!(site.api(Some(&key), Method::POST, path, Some(&back)).await.status, StatusCode::CREATED);
    let mut tx = site.world.tx(&site.company(&acme).await).await;
    let list = suppressions::list(&mut tx, &Default::default()).await.expect("list");
    assert_eq!(list.items.iter().map(|row| row.phone.as_str()).collect::<Vec<_>>(), [PHONE], "taking it back is an opt-out");
}
