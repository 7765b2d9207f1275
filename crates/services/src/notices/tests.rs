//! Who is told what, and that nobody is told twice.

use super::*;
use crate::actor::{Actor, SystemTask};
use crate::error::Error as Inner;
use crate::jobs::Job;
use crate::testing::{Someone, World};
use crate::{campaigns, credits, enrollments, events};
use model::campaigns::Audience;
use model::enrollments::EnrollmentStatus;
use model::events::EventFilter;

/// Runs the letters that wait in a company, each job twice, as after a crash.
async fn mailed(w: &World, of: &Someone) {
    for job in w.jobs::<MailNotice>(of.company).await.expect("jobs") {
        job.clone().run(w.db.clone()).await.expect("mailed");
        job.run(w.db.clone()).await.expect("nothing left to do");
    }
}

/// Address and subject of every mail, in order.
async fn mails(w: &World) -> Vec<(String, String)> {
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    sqlx::query_as("select to_address, subject from mails order by subject, to_address")
        .fetch_all(tx.conn())
        .await
        .expect("mails")
}

fn address(actor: &Actor) -> String {
    format!("{}@test.example", actor.user_id().expect("a person"))
}

/// Takes or gives credits, as a super admin does.
async fn adjusted(w: &World, of: &Someone, by: i64) {
    let root = w.member(of, Role::SuperAdmin).await;
    let mut tx = w.db.begin(&root).await.expect("begin");
    // Only the administrator they came with reads about it here.
    choose(&mut tx, &[]).await.expect("quiet");
    credits::adjust(&mut tx, Credits::whole(by), "a test").await.expect("adjusted");
    tx.commit().await.expect("commit");
    mailed(w, of).await;
}

#[tokio::test]
async fn low_credits_are_told_once_for_each_time_they_run_low() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let low = || (address(&acme.actor), "acme is low on credits".to_owned());
    adjusted(&w, &acme, -15).await;
    assert_eq!(mails(&w).await, [], "exactly as much as they want to have");
    adjusted(&w, &acme, -1).await;
    assert_eq!(mails(&w).await, [low()]);
    adjusted(&w, &acme, -3).await;
    adjusted(&w, &acme, 3).await;
    assert_eq!(mails(&w).await, [low()], "they know");
    adjusted(&w, &acme, 10).await;
    adjusted(&w, &acme, -10).await;
    assert_eq!(mails(&w).await, [low(), low()], "it ran low again");
    let mut tx = w.tx(&acme).await;
    let filter = EventFilter { kind: Some(EventKind::CreditsLow), ..EventFilter::default() };
    let told = events::list(&mut tx, &filter).await.expect("events").items;
    assert_eq!(told.iter().map(|e| e.text.as_str()).collect::<Vec<_>>(), ["4.000 credits left, less than 5.000"; 2]);
}

#[tokio::test]
async fn a_company_chooses_what_low_is_and_hears_at_once_when_it_is() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    set_credits_low(&mut tx, Credits::whole(50)).await.expect("set");
    assert_eq!(choices(&mut tx).await.expect("choices").credits_low, Credits::whole(50));
    for bad in [Credits(-1), CREDITS_LOW_MAX + Credits(1)] {
        let refused = model::Error::from(set_credits_low(&mut tx, bad).await.expect_err("out of bounds"));
        assert!(refused.of_field("credits_low").is_some(), "{refused}");
    }
    tx.commit().await.expect("commit");
    mailed(&w, &acme).await;
    assert_eq!(mails(&w).await.len(), 1);
    let mut tx = w.tx(&acme).await;
    set_credits_low(&mut tx, Credits::ZERO).await.expect("never");
    set_credits_low(&mut tx, Credits::whole(50)).await.expect("again");
    tx.commit().await.expect("commit");
    mailed(&w, &acme).await;
    assert_eq!(mails(&w).await.len(), 2);
    let viewer = w.member(&acme, Role::Viewer).await;
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert!(matches!(set_credits_low(&mut tx, Credits::ZERO).await, Err(Inner::Told(Error::Forbidden { .. }))));
}

#[tokio::test]
async fn administrators_hear_of_a_campaign_unless_they_do_not_want_to() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let birch = w.company("birch").await;
    let second = w.member(&acme, Role::CompanyAdmin).await;
    for role in [Role::Operator, Role::Viewer] {
        w.member(&acme, role).await;
    }
    let campaign = w.launched(&acme, 1, |_| {}).await;
    let mut tx = w.db.begin(&second).await.expect("begin");
    choose(&mut tx, &[NoticeKind::CampaignFinished]).await.expect("chosen");
    tx.commit().await.expect("commit");
    let mut tx = w.db.begin(&w.engine(acme.company)).await.expect("begin");
    campaigns::pause_self(&mut tx, campaign, "The line is <down>.").await.expect("paused");
    tx.commit().await.expect("commit");
    mailed(&w, &acme).await;
    mailed(&w, &birch).await;
    assert_eq!(mails(&w).await, [(address(&acme.actor), "Spring paused itself".to_owned())]);
    let mut tx = w.db.begin_system(SystemTask::Mail).await.expect("begin");
    let (body, html): (String, String) =
        sqlx::query_as("select body, html from mails").fetch_one(tx.conn()).await.expect("one mail");
    assert!(body.contains("of acme paused itself: The line is <down>."), "{body}");
    assert!(body.contains(&format!("http://belfry.test/campaigns/{campaign}")), "{body}");
    assert!(html.contains("The line is &lt;down&gt;."), "{html}");
}

#[tokio::test]
async fn a_campaign_that_is_done_says_so_and_a_test_call_does_not() {
    for is_test in [false, true] {
        let w = World::new().await;
        let acme = w.company("acme").await;
        let everyone = w.launched(&acme, 1, |_| {}).await;
        let contact = sqlx::query_scalar("select id from contacts").fetch_one(w.tx(&acme).await.conn()).await.expect("a contact");
        let campaign = match is_test {
            true => w.launched(&acme, 0, |form| form.audience = Some(Audience::Person { contact })).await,
            false => everyone,
        };
        let mut tx = w.db.begin(&w.engine(acme.company)).await.expect("begin");
        enrollments::repo::close_queued(&mut tx, campaign, EnrollmentStatus::Cancelled).await.expect("nobody is left");
        let running = campaigns::repo::lock_active(&mut tx, campaign).await.expect("locked").expect("active");
        campaigns::rest(&mut tx, &running, false).await.expect("completed");
        tx.commit().await.expect("commit");
        mailed(&w, &acme).await;
        let told: Vec<_> = mails(&w).await.into_iter().map(|(_, subject)| subject).collect();
        assert_eq!(told, ["Spring is finished"][..usize::from(!is_test)], "a test call: {is_test}");
    }
}

#[tokio::test]
async fn who_was_let_out_or_never_confirmed_gets_no_letter() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let (out, unsure) = (w.member(&acme, Role::CompanyAdmin).await, w.member(&acme, Role::CompanyAdmin).await);
    let mut tx = w.db.begin_system(SystemTask::Team).await.expect("begin");
    let now = tx.now();
    sqlx::query("update members set deactivated_at = $2 where user_id = $1")
        .bind(out.user_id())
        .bind(now)
        .execute(tx.conn())
        .await
        .expect("out");
    sqlx::query("update users set confirmed_at = null where id = $1")
        .bind(unsure.user_id())
        .execute(tx.conn())
        .await
        .expect("unsure");
    tx.commit().await.expect("commit");
    adjusted(&w, &acme, -18).await;
    assert_eq!(mails(&w).await.into_iter().map(|(to, _)| to).collect::<Vec<_>>(), [address(&acme.actor)]);
}

#[tokio::test]
async fn choices_are_ones_own_and_need_a_person_who_is_a_member() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let second = w.member(&acme, Role::Viewer).await;
    let mut tx = w.tx(&acme).await;
    choose(&mut tx, &[]).await.expect("chosen");
    assert!(choices(&mut tx).await.expect("choices").wanted.iter().all(|(_, wanted)| !wanted));
    choose(&mut tx, &[NoticeKind::ImportDone, NoticeKind::ImportDone]).await.expect("chosen");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let mine = choices(&mut tx).await.expect("choices");
    let wanted: Vec<_> = mine.wanted.iter().filter(|(_, wanted)| *wanted).map(|(kind, _)| *kind).collect();
    assert_eq!((wanted, mine.is_told, mine.may_set), (vec![NoticeKind::ImportDone], true, true));
    let mut tx = w.db.begin(&second).await.expect("begin");
    let theirs = choices(&mut tx).await.expect("choices");
    assert!(theirs.wanted.iter().all(|(_, wanted)| *wanted) && !theirs.is_told && !theirs.may_set);
    let mut tx = w.db.begin(&w.engine(acme.company)).await.expect("begin");
    assert!(matches!(choices(&mut tx).await, Err(Inner::Told(Error::Unauthenticated))));
    // As super admins are who look around: no member here.
    let visitor = Actor { company: birch.company, ..acme.actor.clone() };
    let mut tx = w.db.begin(&visitor).await.expect("begin");
    assert!(matches!(choose(&mut tx, &[]).await, Err(Inner::Told(Error::Conflict { .. }))));
}
