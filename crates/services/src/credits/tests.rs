//! The ledger: what moves, what is refused, what happens once, and that nobody overdraws at once.

mod adjusting;
mod batches;
mod chain;
mod pricing;
mod sealing;

use super::*;
use crate::check;
use crate::error::Error;
use crate::testing::{Someone, World};
use model::accounts::Role;
use model::page::Paging;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

async fn nothing_is_wrong(w: &World) {
    let report = check::run(&w.db).await.expect("checked");
    assert_eq!(report.violations, Vec::<String>::new());
}

/// available, escrow, held, spent
async fn amounts(tx: &mut Tx) -> [i64; 4] {
    let w = wallet(tx).await.expect("wallet");
    assert_eq!(w.received, w.available + w.reserved + w.held + w.spent, "nothing is lost or found");
    [w.available.0, w.reserved.0, w.held.0, w.spent.0]
}

async fn movements(tx: &mut Tx) -> Vec<(MovementKind, i64, i64)> {
    let page = ledger(tx, &LedgerFilter::default()).await.expect("ledger");
    page.items.into_iter().map(|m| (m.kind, m.amount.0, m.balance.0)).collect()
}

async fn set_aside(tx: &mut Tx, campaign: CampaignId, whole: i64, key: &str) -> Result<bool> {
    reserve(tx, campaign, Credits::whole(whole), format!("{key}:{campaign}"), "Reserved at launch").await
}

fn shortage<T: std::fmt::Debug>(result: Result<T>) -> (i64, i64) {
    match result.expect_err("there is not enough") {
        Error::Told(model::Error::InsufficientCredits { needed, available }) => (needed, available),
        other => panic!("{other}"),
    }
}

fn bonus() -> Shift<'static> {
    grant(Credits::whole(7), "bonus")
}

fn grant(amount: Credits, key: &str) -> Shift<'static> {
    Shift { kind: MovementKind::Grant, amount, key: key.into(), instead: None, campaign: None, call: None, note: "Bonus" }
}

async fn give(tx: &mut Tx, s: Shift<'_>) -> Result<bool> {
    Ok(shift_in(tx, vec![s]).await? == 1)
}

async fn hold_one(tx: &mut Tx, campaign: CampaignId, call: CallId, amount: Credits) -> Result<bool> {
    Ok(hold(tx, Purse::Escrow(campaign), &[(call, amount)]).await? == 1)
}

async fn settle_one(tx: &mut Tx, campaign: CampaignId, call: CallId, held: Credits, cost: Credits) -> Result<usize> {
    settle(tx, &[Settlement { call, purse: Purse::Escrow(campaign), held, cost }]).await
}

#[tokio::test]
async fn every_company_is_welcomed_with_credits_of_its_own() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    for company in [&acme, &birch] {
        let mut tx = w.tx(company).await;
        assert_eq!(amounts(&mut tx).await, [WELCOME.0, 0, 0, 0]);
        assert_eq!(movements(&mut tx).await, [(MovementKind::Grant, WELCOME.0, WELCOME.0)]);
    }
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_grant_with_the_same_key_is_made_once_per_company() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    let mut tx = w.tx(&acme).await;
    assert!(give(&mut tx, bonus()).await.expect("granted"));
    assert!(!give(&mut tx, bonus()).await.expect("known"));
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    assert!(!give(&mut tx, bonus()).await.expect("known in the next transaction too"));
    assert_eq!(amounts(&mut tx).await, [27_000, 0, 0, 0]);
    let mut tx = w.tx(&birch).await;
    assert!(give(&mut tx, bonus()).await.expect("another company's key is another key"));
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_call_pays_what_it_talked_and_gives_the_rest_back() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (campaign, call): (CampaignId, CallId) = (tx.id(), tx.id());
    assert!(set_aside(&mut tx, campaign, 12, "launch").await.expect("reserved"));
    assert_eq!(amounts(&mut tx).await, [8_000, 12_000, 0, 0]);
    assert!(hold_one(&mut tx, campaign, call, Credits::whole(5)).await.expect("held"));
    assert_eq!(amounts(&mut tx).await, [8_000, 7_000, 5_000, 0]);
    settle_one(&mut tx, campaign, call, Credits::whole(5), Credits(2_500)).await.expect("settled");
    assert_eq!(amounts(&mut tx).await, [8_000, 9_500, 0, 2_500]);
    assert_eq!(unreserve_all(&mut tx, campaign, "Not used").await.expect("returned"), Credits(9_500));
    assert_eq!(amounts(&mut tx).await, [17_500, 0, 0, 2_500]);
    use MovementKind as K;
    let story = [
        (K::Unreserve, 9_500, 17_500),
        (K::Release, 2_500, 8_000),
        (K::Capture, 2_500, 8_000),
        (K::Hold, 5_000, 8_000),
        (K::Reserve, 12_000, 8_000),
        (K::Grant, 20_000, 20_000),
    ];
    assert_eq!(movements(&mut tx).await, story, "newest first, each with what was available after it");
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_nothing_changes() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (campaign, other, call): (CampaignId, CampaignId, CallId) = (tx.id(), tx.id(), tx.id());
    assert_eq!(shortage(set_aside(&mut tx, campaign, 21, "launch").await), (21_000, 20_000));
    assert!(set_aside(&mut tx, campaign, 20, "launch").await.expect("the last thousandth may be reserved"));
    assert_eq!(shortage(set_aside(&mut tx, campaign, 1, "extend").await), (1_000, 0));
    assert_eq!(shortage(hold_one(&mut tx, other, call, Credits(1)).await), (1, 0), "another campaign's escrow is not ours");
    assert_eq!(shortage(hold_one(&mut tx, campaign, call, Credits(20_001)).await), (20_001, 20_000));
    assert_eq!(amounts(&mut tx).await, [0, 20_000, 0, 0]);
    assert_eq!(movements(&mut tx).await.len(), 2);
    tx.commit().await.expect("a refusal leaves the transaction usable");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_hold_is_resolved_once_whatever_the_second_bill_says() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let campaign: CampaignId = tx.id();
    set_aside(&mut tx, campaign, 20, "launch").await.expect("reserved");
    for (first, spent) in [(0, 0), (2_000, 2_000), (5_000, 5_000), (9_999, 5_000)] {
        let call: CallId = tx.id();
        let before = amounts(&mut tx).await[3];
        hold_one(&mut tx, campaign, call, Credits::whole(5)).await.expect("held");
        for cost in [first, 0, 1_000, 5_000] {
            settle_one(&mut tx, campaign, call, Credits::whole(5), Credits(cost)).await.expect("settled");
            assert_eq!(amounts(&mut tx).await[3] - before, spent, "first {first}, then {cost}");
        }
        assert_eq!(amounts(&mut tx).await[2], 0, "nothing stays held");
    }
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn a_campaign_that_runs_several_times_returns_its_rest_each_time() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let campaign: CampaignId = tx.id();
    assert_eq!(unreserve_all(&mut tx, campaign, "Not used").await.expect("nothing to return is fine"), Credits::ZERO);
    for (run, whole) in [("first", 6), ("second", 6), ("third", 20)] {
        set_aside(&mut tx, campaign, whole, run).await.expect("reserved");
        assert_eq!(unreserve_all(&mut tx, campaign, "Not used").await.expect("returned"), Credits::whole(whole));
        assert_eq!(unreserve_all(&mut tx, campaign, "Not used").await.expect("returned already"), Credits::ZERO);
    }
    assert_eq!(amounts(&mut tx).await, [20_000, 0, 0, 0]);
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_reserves_at_once_never_overdraw() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (db, actor) = (w.db.clone(), acme.actor.clone());
        tasks.spawn(async move {
            let mut tx = db.begin(&actor).await.expect("begin");
            let campaign: CampaignId = tx.id();
            match set_aside(&mut tx, campaign, 3, "launch").await {
                Ok(moved) => {
                    tx.commit().await.expect("commit");
                    moved
                }
                refused => {
                    assert_eq!(shortage(refused).0, 3_000);
                    false
                }
            }
        });
    }
    let granted = tasks.join_all().await.into_iter().filter(|moved| *moved).count();
    assert_eq!(granted, 6, "20 credits hold six threes");
    let mut tx = w.tx(&acme).await;
    assert_eq!(amounts(&mut tx).await, [2_000, 18_000, 0, 0]);
    let left: Vec<_> = movements(&mut tx).await.into_iter().rev().map(|(_, _, balance)| balance).collect();
    assert_eq!(left, [20_000, 17_000, 14_000, 11_000, 8_000, 5_000, 2_000], "the ledger is in the order in which it happened");
    nothing_is_wrong(&w).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_grant_from_many_sides_at_once_is_made_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (db, actor) = (w.db.clone(), acme.actor.clone());
        tasks.spawn(async move {
            let mut tx = db.begin(&actor).await.expect("begin");
            match give(&mut tx, bonus()).await {
                Ok(moved) => {
                    tx.commit().await.expect("commit");
                    moved
                }
                Err(Error::Told(model::Error::Conflict { .. })) => false,
                Err(other) => panic!("{other}"),
            }
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|moved| *moved).count(), 1);
    let mut tx = w.tx(&acme).await;
    assert_eq!(amounts(&mut tx).await, [27_000, 0, 0, 0]);
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn any_sequence_of_movements_agrees_with_a_ledger_kept_by_hand() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut rng = StdRng::seed_from_u64(7);
    let mut tx = w.tx(&acme).await;
    let campaigns: [CampaignId; 2] = [tx.id(), tx.id()];
    let (mut available, mut escrow, mut spent) = (20_000i64, [0i64; 2], 0i64);
    let mut holds: Vec<(usize, CallId, i64)> = Vec::new();
    for step in 0..150 {
        let (which, amount) = (rng.random_range(0..2), rng.random_range(1..9_000));
        let campaign = campaigns[which];
        match rng.random_range(0..4) {
            0 => {
                let done = reserve(&mut tx, campaign, Credits(amount), format!("step:{step}"), "").await;
                assert_eq!(done.is_ok(), amount <= available, "step {step}");
                if done.is_ok() {
                    available -= amount;
                    escrow[which] += amount;
                }
            }
            1 => {
                let call = tx.id();
                let done = hold_one(&mut tx, campaign, call, Credits(amount)).await;
                assert_eq!(done.is_ok(), amount <= escrow[which], "step {step}");
                if done.is_ok() {
                    escrow[which] -= amount;
                    holds.push((which, call, amount));
                }
            }
            2 if !holds.is_empty() => {
                let (which, call, held) = holds.swap_remove(rng.random_range(0..holds.len()));
                let cost = rng.random_range(0..=held + 500);
                settle_one(&mut tx, campaigns[which], call, Credits(held), Credits(cost)).await.expect("settled");
                escrow[which] += held - cost.min(held);
                spent += cost.min(held);
            }
            _ => {
                let returned = unreserve_all(&mut tx, campaign, "").await.expect("returned");
                assert_eq!(returned.0, escrow[which], "step {step}");
                available += std::mem::take(&mut escrow[which]);
            }
        }
        let held = holds.iter().map(|(_, _, amount)| amount).sum();
        assert_eq!(amounts(&mut tx).await, [available, escrow.iter().sum(), held, spent], "step {step}");
    }
    assert!(spent > 0, "the sequence reached the end of some calls");
    tx.commit().await.expect("commit");
    nothing_is_wrong(&w).await;
}

#[tokio::test]
async fn the_ledger_is_filtered_and_paged() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (spring, fall): (CampaignId, CampaignId) = (tx.id(), tx.id());
    for n in 0..5 {
        set_aside(&mut tx, spring, 1, &format!("run {n}")).await.expect("reserved");
    }
    set_aside(&mut tx, fall, 2, "launch").await.expect("reserved");
    let page = |page| LedgerFilter { campaign: Some(spring), paging: Paging::new(page, 2), ..LedgerFilter::default() };
    let last = ledger(&mut tx, &page(3)).await.expect("ledger");
    assert_eq!((last.items.len(), last.total, last.pages()), (1, 5, 3));
    assert_eq!(last.items[0].balance, Credits::whole(19), "the oldest is last");
    let granted = LedgerFilter { kind: Some(MovementKind::Grant), ..LedgerFilter::default() };
    assert_eq!(ledger(&mut tx, &granted).await.expect("ledger").total, 1);
}

#[tokio::test]
async fn the_daily_spend_looks_back_seven_days() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let (campaign, call): (CampaignId, CallId) = (tx.id(), tx.id());
    set_aside(&mut tx, campaign, 14, "launch").await.expect("reserved");
    hold_one(&mut tx, campaign, call, Credits::whole(14)).await.expect("held");
    settle_one(&mut tx, campaign, call, Credits::whole(14), Credits::whole(14)).await.expect("settled");
    tx.commit().await.expect("commit");
    let spent_at = w.clock.now();
    for (days, daily) in [(0, 2_000), (7, 2_000), (8, 0)] {
        w.clock.set(spent_at + TimeDelta::days(days));
        let mut tx = w.tx(&acme).await;
        assert_eq!(wallet(&mut tx).await.expect("wallet").daily_spend, Credits(daily), "after {days} days");
    }
}

#[tokio::test]
async fn only_roles_that_may_see_money_see_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for role in [Role::Operator, Role::Viewer] {
        let actor = w.member(&acme, role).await;
        let mut tx = w.db.begin(&actor).await.expect("begin");
        let refusals = [wallet(&mut tx).await.map(drop), ledger(&mut tx, &LedgerFilter::default()).await.map(drop)];
        for refusal in refusals {
            let permission = Permission::ViewWallet.to_string();
            assert_eq!(model::Error::from(refusal.expect_err("forbidden")), model::Error::Forbidden { permission }, "{role}");
        }
    }
}

#[tokio::test]
async fn nobody_reads_another_companys_ledger() {
    let w = World::new().await;
    let [acme, birch] = [w.company("acme").await, w.company("birch").await];
    let campaign = spend_something(&w, &acme).await;
    let mut tx = w.tx(&birch).await;
    let theirs = LedgerFilter { campaign: Some(campaign), ..LedgerFilter::default() };
    assert_eq!(ledger(&mut tx, &theirs).await.expect("ledger").total, 0);
    assert_eq!(escrow(&mut tx, campaign).await.expect("escrow"), Credits::ZERO);
    assert_eq!(unreserve_all(&mut tx, campaign, "Not ours").await.expect("nothing"), Credits::ZERO);
    assert_eq!(amounts(&mut tx).await, [20_000, 0, 0, 0]);
}

async fn spend_something(w: &World, who: &Someone) -> CampaignId {
    let mut tx = w.tx(who).await;
    let campaign = tx.id();
    set_aside(&mut tx, campaign, 4, "launch").await.expect("reserved");
    tx.commit().await.expect("commit");
    campaign
}
