//! The panel tells what the dialer does, and the company's own caps hold on a real database.

use super::*;
use crate::testing::{Someone, World};
use crate::{campaigns, companies, dialer};
use model::campaigns::Action;
use model::companies::Compliance;
use model::enrollments::{Check, EnrollmentRow, EnrollmentStatus, Reason, Why};
use model::id::{CampaignId, EnrollmentId};
use model::page::Paging;
use uuid::Uuid;

async fn people(w: &World, of: &Someone, campaign: CampaignId) -> Vec<EnrollmentRow> {
    let mut tx = w.tx(of).await;
    list(&mut tx, &EnrollmentFilter { campaign, status: None, paging: Paging::new(1, 100) }).await.expect("people").items
}

async fn explained(w: &World, of: &Someone, id: EnrollmentId) -> Why {
    let mut tx = w.tx(of).await;
    why(&mut tx, id).await.expect("explained")
}

async fn dials(w: &World, of: &Someone, campaign: CampaignId) -> usize {
    let mut tx = w.db.begin(&w.engine(of.company)).await.expect("begin");
    let dials = dialer::plan(&mut tx, campaign, Uuid::nil()).await.expect("planned").dials.len();
    tx.commit().await.expect("commit");
    dials
}

async fn save(w: &World, of: &Someone, own: Compliance) {
    let mut tx = w.tx(of).await;
    companies::save_compliance(&mut tx, &own).await.expect("saved");
    assert_eq!(companies::compliance(&mut tx).await.expect("read"), own);
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn the_panel_and_the_dialer_agree_by_day_and_by_night() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 1, |_| {}).await;
    let person = people(&w, &acme, campaign).await.remove(0);
    let free = explained(&w, &acme, person.id).await;
    assert_eq!((free.verdict(), free.packs.as_slice()), (None, ["United States, federal".to_owned()].as_slice()));
    w.clock.set("2026-11-24T02:00:00Z".parse().expect("a moment"));
    let night = explained(&w, &acme, person.id).await;
    let Some(Check { title, text, cite, until, .. }) = night.verdict() else { panic!("closed at night") };
    assert_eq!((title.as_str(), text.as_str()), ("Local hours", "21:00 in New York: United States, federal stops at 21:00"));
    assert_eq!(
        (cite.as_deref(), until.map(|at| at.iso()).as_deref()),
        (Some("47 CFR 64.1200(c)(1)"), Some("2026-11-24T08:00:00-05:00"))
    );
    assert_eq!(dials(&w, &acme, campaign).await, 0);
    let row = people(&w, &acme, campaign).await.remove(0);
    assert_eq!(row.reason_detail, format!("{text} (47 CFR 64.1200(c)(1))"), "what is stored is what is told");
    let mut tx = w.tx(&acme).await;
    let all = campaigns::why(&mut tx, campaign).await.expect("explained");
    assert_eq!(all.waiting.iter().map(|g| (g.reason, g.people)).collect::<Vec<_>>(), [(Some(Reason::OutsideHours), 1)]);
    drop(tx);
    w.clock.set("2026-11-24T13:00:00Z".parse().expect("a moment"));
    assert_eq!(dials(&w, &acme, campaign).await, 1, "and at the moment that was named the phone rings");
    let calling = explained(&w, &acme, person.id).await;
    assert_eq!(calling.verdict().map(|c| c.text.as_str()), Some("Calling"));
}

#[tokio::test]
async fn a_country_that_is_not_enabled_is_not_called_and_the_reason_is_stored() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 1, |_| {}).await;
    save(&w, &acme, Compliance { countries: vec!["GB".to_owned()], ..Compliance::default() }).await;
    assert_eq!(dials(&w, &acme, campaign).await, 0);
    let row = people(&w, &acme, campaign).await.remove(0);
    assert_eq!((row.status, row.reason), (EnrollmentStatus::Skipped, Some(Reason::Destination)));
    assert_eq!(row.reason_detail, "Calls to US are not enabled in your settings.");
}

#[tokio::test]
async fn a_limit_for_ever_counts_the_calls_of_all_campaigns() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let first = w.launched(&acme, 1, |_| {}).await;
    assert_eq!(dials(&w, &acme, first).await, 1);
    save(&w, &acme, Compliance { attempts_ever_max: Some(1), ..Compliance::default() }).await;
    let mut tx = w.tx(&acme).await;
    let second = campaigns::duplicate(&mut tx, first).await.expect("copied");
    campaigns::act(&mut tx, second, Action::Launch).await.expect("launched");
    tx.commit().await.expect("commit");
    assert_eq!(dials(&w, &acme, second).await, 0);
    let row = people(&w, &acme, second).await.remove(0);
    assert_eq!((row.status, row.reason), (EnrollmentStatus::Skipped, Some(Reason::LifetimeCap)));
}

#[tokio::test]
async fn why_is_told_to_nobody_else() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    let campaign = w.launched(&acme, 1, |_| {}).await;
    let person = people(&w, &acme, campaign).await.remove(0);
    let mut tx = w.tx(&birch).await;
    assert!(why(&mut tx, person.id).await.is_err());
    assert!(campaigns::why(&mut tx, campaign).await.is_err());
}

#[tokio::test]
async fn compliance_settings_keep_to_their_limits() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    for bad in [
        Compliance { attempts_per_week_max: 0, ..Compliance::default() },
        Compliance { attempts_per_week_max: 31, ..Compliance::default() },
        Compliance { attempts_ever_max: Some(0), ..Compliance::default() },
        Compliance { countries: vec!["XX".to_owned()], ..Compliance::default() },
    ] {
        assert!(companies::save_compliance(&mut tx, &bad).await.is_err(), "{bad:?}");
    }
    assert_eq!(companies::compliance(&mut tx).await.expect("read"), Compliance::default());
}
