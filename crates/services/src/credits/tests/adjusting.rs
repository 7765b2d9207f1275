//! A super admin gives and takes; a campaign that waited for credits goes on.

use super::*;
use crate::campaigns;
use model::campaigns::{Action, Status};
use model::events::EventFilter;

async fn adjusted(w: &World, of: &Someone, by: Credits, reason: &str) -> Result<Wallet> {
    adjust_at_console(&w.db, of.company, by, reason).await
}

#[tokio::test]
async fn a_super_admin_adjusts_up_and_down_and_the_company_reads_why() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    assert_eq!(adjusted(&w, &acme, Credits(30_500), "  Goodwill ").await.expect("up").available, Credits(50_500));
    w.clock.advance(TimeDelta::seconds(1));
    assert_eq!(adjusted(&w, &acme, Credits(-50_500), "Correction").await.expect("down to zero").available, Credits::ZERO);
    assert_eq!(shortage(adjusted(&w, &acme, Credits(-1), "Too much").await), (1, 0));
    let mut tx = w.tx(&acme).await;
    let page = ledger(&mut tx, &LedgerFilter::default()).await.expect("ledger");
    let told: Vec<_> = page.items.iter().map(|m| (m.kind, m.amount.0, m.note.as_str())).collect();
    use MovementKind as K;
    assert_eq!(told, [(K::AdjustDown, 50_500, "Correction"), (K::AdjustUp, 30_500, "Goodwill"), (K::Grant, 20_000, "Welcome")]);
    let filter = EventFilter { kind: Some(EventKind::CreditsAdjusted), ..EventFilter::default() };
    let events = crate::events::list(&mut tx, &filter).await.expect("events");
    let told: Vec<_> = events.items.iter().map(|e| (e.who.as_str(), e.text.as_str())).collect();
    assert_eq!(told, [("Super admin", "−50.500 credits: Correction"), ("Super admin", "+30.500 credits: Goodwill")]);
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn an_adjustment_needs_a_reason_an_amount_and_a_company() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let long = "x".repeat(REASON_MAX + 1);
    for (by, reason, field) in [
        (Credits(1), " ", "reason"),
        (Credits(1), long.as_str(), "reason"),
        (Credits::ZERO, "Nothing", "amount"),
        (ADJUST_MAX + Credits(1), "A slip", "amount"),
        (Credits(i64::MIN), "A slip", "amount"),
    ] {
        let refused = model::Error::from(adjusted(&w, &acme, by, reason).await.expect_err("refused"));
        assert!(refused.of_field(field).is_some(), "{by} {reason:?}: {refused}");
    }
    adjusted(&w, &acme, ADJUST_MAX, &long[1..]).await.expect("at the limit");
    let nobody = CompanyId::from(Uuid::nil());
    let refused = adjust_at_console(&w.db, nobody, Credits(1), "Hello").await.expect_err("refused");
    assert_eq!(model::Error::from(refused), model::Error::not_found("company"));
}

#[tokio::test]
async fn only_a_super_admin_adjusts() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for role in [Role::CompanyAdmin, Role::Operator, Role::Viewer] {
        let actor = w.member(&acme, role).await;
        let mut tx = w.db.begin(&actor).await.expect("begin");
        let refused = adjust(&mut tx, Credits::whole(1_000), "Please").await.expect_err("forbidden");
        let permission = Permission::AdjustCredits.to_string();
        assert_eq!(model::Error::from(refused), model::Error::Forbidden { permission }, "{role}");
    }
}

async fn turn(w: &World, of: &Someone, campaign: CampaignId) -> usize {
    let mut tx = w.db.begin(&w.engine(of.company)).await.expect("begin");
    let turn = crate::dialer::plan(&mut tx, campaign, Uuid::nil()).await.expect("a turn");
    tx.commit().await.expect("commit");
    turn.dials.len()
}

async fn status(w: &World, of: &Someone, campaign: CampaignId) -> (Status, Option<String>) {
    let mut tx = w.tx(of).await;
    let c = campaigns::load(&mut tx, campaign).await.expect("campaign");
    (c.status, c.pause_reason)
}

#[tokio::test]
async fn a_campaign_without_credits_pauses_itself_and_goes_on_with_one_click_after_a_top_up() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 4, |_| {}).await;
    w.listens(&acme).await.expect("an endpoint");
    // Everything that is left goes elsewhere before the first call.
    let mut tx = w.tx(&acme).await;
    let other: CampaignId = tx.id();
    unreserve_all(&mut tx, campaign, "").await.expect("returned");
    set_aside(&mut tx, other, 20, "elsewhere").await.expect("reserved");
    tx.commit().await.expect("commit");
    assert_eq!(turn(&w, &acme, campaign).await, 0);
    assert_eq!(status(&w, &acme, campaign).await, (Status::Paused, Some(campaigns::OUT_OF_CREDITS.to_owned())));
    let told = w.told(acme.company).await.expect("told");
    let low: Vec<_> = told.iter().filter(|body| body["type"] == "credits.low").collect();
    assert_eq!(low.len(), 1, "{told:?}");
    assert_eq!(
        (low[0]["campaignId"].as_str(), low[0]["reason"].as_str()),
        (Some(&*campaign.to_string()), Some(campaigns::OUT_OF_CREDITS))
    );
    let mut tx = w.tx(&acme).await;
    for kind in [EventKind::CreditsLow, EventKind::CampaignPaused] {
        let filter = EventFilter { kind: Some(kind), subject: Some(campaign.to_string()), ..EventFilter::default() };
        assert_eq!(crate::events::list(&mut tx, &filter).await.expect("events").total, 1, "{kind}");
    }
    assert_eq!(shortage(campaigns::act(&mut tx, campaign, Action::Resume).await), (2_000, 0));
    drop(tx);
    adjusted(&w, &acme, Credits::whole(100), "Paid by invoice").await.expect("topped up");
    let mut tx = w.tx(&acme).await;
    assert_eq!(campaigns::act(&mut tx, campaign, Action::Resume).await.expect("one click"), Status::Active);
    tx.commit().await.expect("commit");
    assert_eq!(turn(&w, &acme, campaign).await, 4, "it reserves again and calls everybody");
    let mut tx = w.tx(&acme).await;
    assert_eq!(amounts(&mut tx).await, [90_000, 22_000, 8_000, 0], "a block of five longest calls");
    drop(tx);
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_campaign_that_waits_for_held_credits_is_woken_by_a_grant() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let edit = |form: &mut model::campaigns::CampaignForm| (form.call_minutes_max, form.concurrency_max) = (5, 20);
    let campaign = w.launched(&acme, 12, edit).await;
    assert_eq!(turn(&w, &acme, campaign).await, 4, "twenty credits pay for four calls of five minutes");
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), [], "it waits");
    assert_eq!(status(&w, &acme, campaign).await.0, Status::Active);
    adjusted(&w, &acme, Credits::whole(10), "Bonus").await.expect("granted");
    assert_eq!(w.runnable(acme.company).await.expect("runnable"), [campaign]);
    assert_eq!(turn(&w, &acme, campaign).await, 2);
    nothing_is_wrong(&w).await;
}
