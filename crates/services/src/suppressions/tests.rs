//! The do-not-call list, and what a suppression does to campaigns in the same commit.

use super::*;
use crate::contacts;
use crate::testing::{Someone, World};
use model::accounts::Role;
use model::contacts::ContactForm;
use model::id::{CampaignId, ContactId, EnrollmentId};
use model::page::Paging;
use sqlx::types::Json;
use std::time::Duration;
use tokio::time::timeout;

fn phone(text: &str) -> Phone {
    Phone::parse(text).expect("E.164")
}

async fn contact(tx: &mut Tx, name: &str, phone: &str) -> ContactId {
    let form = ContactForm { name: name.into(), phone: phone.into(), ..ContactForm::default() };
    contacts::create(tx, &form).await.expect("created")
}

/// An active, parked campaign with one queued enrollment of `contact`.
pub(crate) async fn campaign(tx: &mut Tx, contact: ContactId) -> CampaignId {
    let (id, enrollment, now): (CampaignId, EnrollmentId, _) = (tx.id(), tx.id(), tx.now());
    sqlx::query(
        "insert into campaigns (id, name, status, form, created_at, updated_at) values ($1, 'Spring', 'active', $2, $3, $3)",
    )
    .bind(id)
    .bind(Json(model::campaigns::CampaignForm::default()))
    .bind(now)
    .execute(tx.conn())
    .await
    .expect("campaign");
    sqlx::query("insert into campaign_stats (campaign_id, contacts) values ($1, 1)")
        .bind(id)
        .execute(tx.conn())
        .await
        .expect("stats");
    sqlx::query(
        "insert into enrollments (id, campaign_id, contact_id, status, next_attempt_at, created_at, updated_at)
         values ($1, $2, $3, 'queued', $4, $4, $4)",
    )
    .bind(enrollment)
    .bind(id)
    .bind(contact)
    .bind(now)
    .execute(tx.conn())
    .await
    .expect("enrollment");
    id
}

/// Status and due moment of the campaign's enrollment, finished count, and whether the dialer will look.
pub(crate) async fn state(tx: &mut Tx, campaign: CampaignId) -> (EnrollmentStatus, bool, i64, bool) {
    sqlx::query_as(
        "select e.status, e.next_attempt_at is not null, s.finished, c.runnable_at is not null
         from enrollments e join campaigns c on c.id = e.campaign_id join campaign_stats s on s.campaign_id = c.id where c.id = $1",
    )
    .bind(campaign)
    .fetch_one(tx.conn())
    .await
    .expect("state")
}

async fn all(tx: &mut Tx, search: &str) -> Page<SuppressionRow> {
    list(tx, &SuppressionFilter { search: search.into(), paging: Paging::default() }).await.expect("list")
}

async fn events(tx: &mut Tx, kind: EventKind) -> i64 {
    sqlx::query_scalar("select count(*) from events where kind = $1").bind(kind).fetch_one(tx.conn()).await.expect("count")
}

#[tokio::test]
async fn a_number_added_by_hand_is_listed_with_who_and_why() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    add(&mut tx, "(202) 555-0101", "Asked by mail").await.expect("added");
    add(&mut tx, "+442079460018", "").await.expect("added");
    let page = all(&mut tx, "").await;
    assert_eq!(page.total, 2);
    let row = all(&mut tx, "202 555").await.items.remove(0);
    assert_eq!(
        (row.phone.as_str(), row.reason.as_str(), row.by.as_deref()),
        ("+12025550101", "Asked by mail", Some("Company admin"))
    );
    assert_eq!(row.source, Source::Manual);
    assert_eq!(all(&mut tx, "+44").await.total, 1);
    assert_eq!(all(&mut tx, "nobody").await.total, 0);
    assert_eq!(events(&mut tx, EventKind::SuppressionAdded).await, 2);
}

#[tokio::test]
async fn bad_input_names_its_field() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let told = |e: Error, field: &str| model::Error::from(e).of_field(field).map(str::to_owned);
    assert!(told(add(&mut tx, "12", "").await.expect_err("short"), "phone").is_some());
    assert!(told(add(&mut tx, "+12025550101", &"x".repeat(201)).await.expect_err("long"), "reason").is_some());
    add(&mut tx, "+12025550101", &"x".repeat(200)).await.expect("at the limit");
    let again = told(add(&mut tx, "202-555-0101", "").await.expect_err("twice"), "phone");
    assert_eq!(again.as_deref(), Some("This number is already on the list."));
    let id = all(&mut tx, "").await.items[0].id;
    assert!(told(remove(&mut tx, id, " ").await.expect_err("no reason"), "reason").is_some());
}

#[tokio::test]
async fn a_removed_number_may_be_called_again() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = add(&mut tx, "+12025550101", "").await.expect("added");
    let number = phone("+12025550101");
    assert!(is_suppressed(&mut tx, std::slice::from_ref(&number)).await.expect("read").contains(&number));
    remove(&mut tx, id, "A mistake").await.expect("removed");
    assert!(is_suppressed(&mut tx, &[number]).await.expect("read").is_empty());
    let gone = remove(&mut tx, id, "Again").await.expect_err("gone");
    assert!(matches!(gone, Error::Told(model::Error::NotFound { .. })));
}

#[tokio::test]
async fn an_opt_out_ends_every_queued_enrollment_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let maya = contact(&mut tx, "Maya", "+12025550101").await;
    let bo = contact(&mut tx, "Bo", "+12025550102").await;
    let (spring, autumn, other) = (campaign(&mut tx, maya).await, campaign(&mut tx, maya).await, campaign(&mut tx, bo).await);
    for _ in 0..2 {
        opt_out(&mut tx, &phone("+12025550101"), Source::Dtmf, "Pressed 9").await.expect("opted out");
    }
    for ended in [spring, autumn] {
        assert_eq!(state(&mut tx, ended).await, (EnrollmentStatus::OptedOut, false, 1, true));
    }
    assert_eq!(state(&mut tx, other).await, (EnrollmentStatus::Queued, true, 0, false));
    assert_eq!(events(&mut tx, EventKind::ContactOptedOut).await, 1);
    assert!(contacts::load(&mut tx, maya).await.expect("load").suppressed);
    assert!(!contacts::load(&mut tx, bo).await.expect("load").suppressed);
}

#[tokio::test]
async fn adding_by_hand_ends_enrollments_too() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let maya = contact(&mut tx, "Maya", "+12025550101").await;
    let spring = campaign(&mut tx, maya).await;
    add(&mut tx, "+12025550101", "").await.expect("added");
    assert_eq!(state(&mut tx, spring).await, (EnrollmentStatus::OptedOut, false, 1, true));
}

#[tokio::test]
async fn a_suppression_waits_for_a_claim_of_the_same_number_and_for_no_other() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut claim = w.tx(&acme).await;
    lock_phones(&mut claim, &[phone("+12025550102"), phone("+12025550101")]).await.expect("locked");
    let mut tx = w.tx(&acme).await;
    let number = phone("+12025550101");
    {
        let mut blocked = std::pin::pin!(opt_out(&mut tx, &number, Source::Dtmf, ""));
        // Not a wait for luck: the lock is held, so no time would be enough.
        assert!(timeout(Duration::from_millis(50), blocked.as_mut()).await.is_err());
        let mut free = w.tx(&acme).await;
        opt_out(&mut free, &phone("+12025550103"), Source::Dtmf, "").await.expect("another number");
        claim.commit().await.expect("commit");
        blocked.await.expect("opted out after the claim");
    }
    tx.commit().await.expect("commit");
}

#[tokio::test]
async fn an_opt_out_and_a_claim_of_its_campaign_do_not_lock_each_other_up() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let maya = contact(&mut tx, "Maya", "+12025550101").await;
    let spring = campaign(&mut tx, maya).await;
    tx.commit().await.expect("commit");
    let number = phone("+12025550101");
    // The dialer's order: its campaign, then numbers.
    let mut claim = w.tx(&acme).await;
    sqlx::query("select 1 from campaigns where id = $1 for update").bind(spring).execute(claim.conn()).await.expect("locked");
    let mut tx = w.tx(&acme).await;
    {
        let mut waiting = std::pin::pin!(opt_out(&mut tx, &number, Source::Dtmf, ""));
        assert!(timeout(Duration::from_millis(50), waiting.as_mut()).await.is_err());
        lock_phones(&mut claim, slice::from_ref(&number)).await.expect("the number is still free");
        claim.commit().await.expect("commit");
        waiting.await.expect("opted out");
    }
    assert_eq!(state(&mut tx, spring).await, (EnrollmentStatus::OptedOut, false, 1, true));
}

#[tokio::test]
async fn the_same_number_of_another_company_is_another_lock_and_another_list() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let mut claim = w.tx(&acme).await;
    let number = phone("+12025550101");
    lock_phones(&mut claim, slice::from_ref(&number)).await.expect("locked");
    let mut tx = w.tx(&birch).await;
    let id = add(&mut tx, "+12025550101", "").await.expect("no wait");
    tx.commit().await.expect("commit");
    assert!(is_suppressed(&mut claim, &[number]).await.expect("read").is_empty());
    assert_eq!(all(&mut claim, "").await.total, 0);
    let foreign = remove(&mut claim, id, "Mine").await.expect_err("not mine");
    assert!(matches!(foreign, Error::Told(model::Error::NotFound { .. })));
}

#[tokio::test]
async fn a_viewer_sees_masked_numbers_and_changes_nothing() {
    let w = World::new().await;
    let acme: Someone = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    let id = add(&mut tx, "+12025550101", "").await.expect("added");
    tx.commit().await.expect("commit");
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    // A search would tell the digits one by one.
    let page = all(&mut tx, "+1999").await;
    assert_eq!(page.items[0].phone, "+12•••••••01");
    for refused in [add(&mut tx, "+12025550102", "").await.err(), remove(&mut tx, id, "x").await.err()] {
        assert!(matches!(refused, Some(Error::Told(model::Error::Forbidden { .. }))));
    }
}

/// Calls the provider was asked to end.
async fn hang_ups(w: &World) -> i64 {
    let mut tx = w.db.begin_system(crate::SystemTask::FindWork).await.expect("begin");
    sqlx::query_scalar("select count(*) from apalis.jobs where job_type = 'calls.hang_up.v1'")
        .fetch_one(tx.conn())
        .await
        .expect("count")
}

#[tokio::test]
async fn a_call_that_rings_when_its_number_opts_out_is_ended() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 2, |_| {}).await;
    let engine = w.engine(acme.company);
    let lease = crate::dialer::lease::Lease::init(&w.db).await.expect("lease");
    let mut tx = w.db.begin(&engine).await.expect("begin");
    let dials = crate::dialer::plan(&mut tx, campaign, lease.worker).await.expect("planned").dials;
    tx.commit().await.expect("commit");
    let [rings, asked] = &dials[..] else { panic!("two calls") };

    let placed = |id: &str| providers::Answer::Placed(providers::ProviderCallId::new(id));
    let mut tx = w.db.begin(&engine).await.expect("begin");
    crate::dialer::record(&mut tx, rings, placed("CA1")).await.expect("recorded");
    tx.commit().await.expect("commit");
    assert_eq!(hang_ups(&w).await, 0);

    let mut tx = w.tx(&acme).await;
    add(&mut tx, rings.originate.to.as_str(), "asked").await.expect("added");
    tx.commit().await.expect("commit");
    assert_eq!(hang_ups(&w).await, 1, "the phone that rings");

    // The other was only asked for when its number opted out: there is nothing to end yet, until there is.
    let mut tx = w.tx(&acme).await;
    add(&mut tx, asked.originate.to.as_str(), "asked too").await.expect("added");
    tx.commit().await.expect("commit");
    assert_eq!(hang_ups(&w).await, 1);
    let mut tx = w.db.begin(&engine).await.expect("begin");
    crate::dialer::record(&mut tx, asked, placed("CA2")).await.expect("recorded");
    tx.commit().await.expect("commit");
    assert_eq!(hang_ups(&w).await, 2);
}
