//! What is on and off, who decides it, and what each feature switches.

use super::*;
use crate::error::Error as Inner;
use crate::testing::{Someone, World};
use crate::{api_keys, events};
use model::accounts::Role;
use model::api_keys::{ApiKeyForm, Scope};
use model::events::EventFilter;

async fn root(w: &World) -> Actor {
    let home = w.company("platform").await;
    w.member(&home, Role::SuperAdmin).await
}

async fn on(w: &World, of: &Someone, feature: Feature) -> bool {
    has(&mut w.tx(of).await, feature).await.expect("known")
}

#[tokio::test]
async fn a_feature_is_as_by_itself_until_somebody_decides() {
    let w = World::new().await;
    let (acme, birch, root) = (w.company("acme").await, w.company("birch").await, root(&w).await);
    for feature in Feature::ALL {
        let first = feature.is_on_by_itself();
        assert_eq!(on(&w, &acme, *feature).await, first, "{feature}");
        set(&w.db, &root, acme.company, *feature, Some(!first)).await.expect("decided");
        assert_eq!(on(&w, &acme, *feature).await, !first, "{feature}");
        assert_eq!(on(&w, &birch, *feature).await, first, "another company is another company: {feature}");
        set(&w.db, &root, acme.company, *feature, None).await.expect("as for all");
        assert_eq!(on(&w, &acme, *feature).await, first, "{feature}");
    }
}

#[tokio::test]
async fn a_company_reads_what_it_has_and_who_decided() {
    let w = World::new().await;
    let (acme, root) = (w.company("acme").await, root(&w).await);
    set(&w.db, &root, acme.company, Feature::RestApi, Some(false)).await.expect("decided");
    set(&w.db, &root, acme.company, Feature::RestApi, None).await.expect("decided");
    set(&w.db, &root, acme.company, Feature::RecordingCopies, Some(false)).await.expect("decided");
    let mut tx = w.tx(&acme).await;
    let rows = list(&mut tx).await.expect("list");
    let seen: Vec<_> = rows.iter().map(|row| (row.feature, row.is_on, row.set.as_ref().map(|(who, _)| who.as_str()))).collect();
    assert_eq!(
        seen,
        [
            (Feature::RestApi, true, None),
            (Feature::RecordingCopies, false, Some("Super admin")),
            (Feature::ClientCompanies, false, None)
        ]
    );
    let filter = EventFilter { kind: Some(EventKind::FeatureSet), ..EventFilter::default() };
    let mut texts: Vec<_> = events::list(&mut tx, &filter).await.expect("events").items.into_iter().map(|e| e.text).collect();
    texts.sort();
    assert_eq!(texts, ["Copies of recordings: on → off", "REST API: off → on, as for all", "REST API: on → off"]);
    let above = of(&w.db, &root, acme.company).await.expect("page");
    assert_eq!((above.name.as_str(), above.features.len()), ("acme", 3));
}

#[tokio::test]
async fn a_transaction_asks_once() {
    let w = World::new().await;
    let (acme, root) = (w.company("acme").await, root(&w).await);
    let mut tx = w.tx(&acme).await;
    assert!(has(&mut tx, Feature::RestApi).await.expect("known"));
    set(&w.db, &root, acme.company, Feature::RestApi, Some(false)).await.expect("decided");
    assert!(has(&mut tx, Feature::RestApi).await.expect("known"), "what it knows it does not ask again");
    drop(tx);
    assert!(!on(&w, &acme, Feature::RestApi).await);
}

#[tokio::test]
async fn without_the_rest_api_no_keys_are_made() {
    let w = World::new().await;
    let (acme, root) = (w.company("acme").await, root(&w).await);
    let form = ApiKeyForm { name: "Key".into(), scopes: vec![Scope::Read], ..ApiKeyForm::default() };
    api_keys::create(&mut w.tx(&acme).await, &form).await.expect("made");
    set(&w.db, &root, acme.company, Feature::RestApi, Some(false)).await.expect("decided");
    let refused = api_keys::create(&mut w.tx(&acme).await, &form).await.expect_err("off");
    assert!(refused.to_string().starts_with("REST API is off for this company."), "{refused}");
}

#[tokio::test]
async fn only_super_admins_decide_and_only_about_companies_there_are() {
    let w = World::new().await;
    let (acme, root) = (w.company("acme").await, root(&w).await);
    for refused in [
        set(&w.db, &acme.actor, acme.company, Feature::RestApi, Some(true)).await.err(),
        of(&w.db, &acme.actor, acme.company).await.err(),
    ] {
        assert!(matches!(refused, Some(Inner::Told(Error::Forbidden { .. }))), "{refused:?}");
    }
    let nobody = CompanyId::from(model::id::Uuid::from_u128(7));
    for refused in [set(&w.db, &root, nobody, Feature::RestApi, Some(true)).await.err(), of(&w.db, &root, nobody).await.err()] {
        assert!(matches!(refused, Some(Inner::Told(Error::NotFound { .. }))), "{refused:?}");
    }
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert!(matches!(list(&mut tx).await, Err(Inner::Told(Error::Forbidden { .. }))));
}
