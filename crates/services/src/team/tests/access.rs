//! Who is kept out for a while, and which campaigns an operator reaches.

use super::*;
use crate::team::access::{assign, deactivate, load, reactivate};
use crate::{calls, campaigns, dashboard, dialer, enrollments, suppressions};
use model::calls::CallFilter;
use model::campaigns::{Action, CampaignFilter};
use model::dashboard::DashboardRange;
use model::enrollments::{EnrollmentFilter, EnrollmentStatus};
use model::id::{CallId, CampaignId};
use model::page::Paging;

#[tokio::test]
async fn a_deactivated_member_stays_in_the_list_and_is_not_let_in() {
    let w = World::new().await;
    let (acme, quay) = (w.company("acme").await, w.company("quay").await);
    let operator = w.member(&acme, Role::Operator).await;
    let session = w.session(&operator).await;
    deactivate(&w.db, &acme.actor, user(&operator)).await.expect("deactivated");
    assert!(accounts::resolve(&w.db, &session).await.expect("resolve").is_none(), "the session ended");
    let row = list(&w.db, &acme.actor).await.expect("team").members.into_iter().find(|m| m.id == user(&operator));
    assert!(row.expect("still in the list").deactivated);
    assert!(matches!(told(deactivate(&w.db, &acme.actor, user(&operator)).await), Error::Conflict { .. }), "twice");
    let mut tx = w.db.begin_system(SystemTask::Team).await.expect("begin");
    let refused = accounts::enter(&mut tx, user(&operator), acme.company, &Client::default(), None).await;
    assert!(matches!(told(refused), Error::NotFound { .. }), "no new session there");
    accounts::join(&mut tx, quay.company, user(&operator), Role::Viewer).await.expect("a member elsewhere");
    let elsewhere =
        accounts::enter(&mut tx, user(&operator), quay.company, &Client::default(), None).await.expect("let in elsewhere");
    tx.commit().await.expect("commit");
    let there = caller(&w, &elsewhere).await;
    let me = accounts::me(&w.db, &there).await.expect("me");
    assert_eq!(me.companies.iter().map(|c| c.id).collect::<Vec<_>>(), [quay.company], "nothing to switch to");
    let back = accounts::switch(&w.db, &there, acme.company, &Client::default()).await;
    assert!(matches!(told(back), Error::NotFound { .. }));

    reactivate(&w.db, &acme.actor, user(&operator)).await.expect("reactivated");
    assert!(accounts::resolve(&w.db, &session).await.expect("resolve").is_none(), "the old session does not live again");
    let again = accounts::switch(&w.db, &there, acme.company, &Client::default()).await.expect("let in");
    assert!(caller(&w, &again).await.actor.may(Permission::RunCampaigns), "in the role of before");
    assert!(matches!(told(reactivate(&w.db, &acme.actor, user(&operator)).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn the_last_administrator_who_is_let_in_stays() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let second = w.member(&acme, Role::CompanyAdmin).await;
    assert!(matches!(told(deactivate(&w.db, &acme.actor, user(&acme.actor)).await), Error::Conflict { .. }), "oneself");
    deactivate(&w.db, &acme.actor, user(&second)).await.expect("there is another one");
    assert!(
        matches!(told(remove(&w.db, &acme.actor, user(&acme.actor)).await), Error::Conflict { .. }),
        "one who is kept out is none"
    );
    assert!(matches!(told(reactivate(&w.db, &second, user(&second)).await), Error::Forbidden { .. }), "nobody lets themself in");
    remove(&w.db, &acme.actor, user(&second)).await.expect("who is kept out is not the last one");
}

/// A launched campaign on `people` contacts, of which one is called.
async fn calling(w: &World, of: &Someone, name: &str) -> (CampaignId, CallId) {
    let campaign = w.launched(of, 2, |form| form.name = name.to_owned()).await;
    let mut tx = w.db.begin(&w.engine(of.company)).await.expect("begin");
    let turn = dialer::plan(&mut tx, campaign, campaign.uuid()).await.expect("a turn");
    tx.commit().await.expect("commit");
    (campaign, turn.dials.first().expect("somebody is called").call)
}

#[tokio::test]
async fn an_operator_sees_the_campaigns_they_handle_and_their_calls_only() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let (campaign, call) = calling(&w, &acme, "Spring").await;
    let operator = w.member(&acme, Role::Operator).await;
    let seen = async || {
        let mut tx = w.db.begin(&operator).await.expect("begin");
        let listed = campaigns::list(&mut tx, &CampaignFilter::default()).await.expect("campaigns").total;
        let called = calls::list(&mut tx, &CallFilter::default()).await.expect("calls").total;
        let people = EnrollmentFilter { campaign, status: None, paging: Paging::default() };
        let people = enrollments::list(&mut tx, &people).await.map_or(0, |page| page.total);
        let day = dashboard::load(&mut tx, DashboardRange::Week).await.expect("dashboard");
        let one = (campaigns::load(&mut tx, campaign).await.is_ok(), calls::load(&mut tx, call).await.is_ok());
        drop(tx);
        let token = w.session(&operator).await;
        let me = accounts::me(&w.db, &caller(&w, &token).await).await.expect("me");
        (listed, called, people > 0, day.live_calls, day.campaigns, day.running.len(), one, me.live_calls)
    };
    let nothing = (0, 0, false, 0, 0, 0, (false, false), 0);
    assert_eq!(seen().await, nothing);
    let mut tx = w.db.begin(&operator).await.expect("begin");
    assert!(matches!(told(campaigns::act(&mut tx, campaign, Action::Pause).await), Error::NotFound { .. }));
    assert!(matches!(told(calls::hang_up(&mut tx, call).await), Error::NotFound { .. }));
    drop(tx);

    assign(&w.db, &acme.actor, user(&operator), &[campaign]).await.expect("assigned");
    let (listed, called, people, live, campaigns_seen, running, one, mine) = seen().await;
    assert_eq!((listed, people, campaigns_seen, running, one), (1, true, 1, 1, (true, true)));
    assert!(called >= 1 && live == called && mine == called, "{called} calls, {live} on the dashboard, {mine} in the frame");
    let mut tx = w.db.begin(&operator).await.expect("begin");
    campaigns::act(&mut tx, campaign, Action::Pause).await.expect("they run what they handle");
    drop(tx);
    let access = load(&w.db, &acme.actor, user(&operator)).await.expect("access");
    assert_eq!(access.campaigns.iter().map(|c| (c.id, c.assigned)).collect::<Vec<_>>(), [(campaign, true)]);

    assign(&w.db, &acme.actor, user(&operator), &[]).await.expect("taken away");
    assert_eq!(seen().await, nothing, "from the next click on");
}

#[tokio::test]
async fn another_operator_sees_nothing_of_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let (spring, call) = calling(&w, &acme, "Spring").await;
    let mut tx = w.tx(&acme).await;
    let autumn = campaigns::duplicate(&mut tx, spring).await.expect("a copy");
    tx.commit().await.expect("commit");
    let (ann, ben) = (w.member(&acme, Role::Operator).await, w.member(&acme, Role::Operator).await);
    assign(&w.db, &acme.actor, user(&ann), &[spring]).await.expect("assigned");
    assign(&w.db, &acme.actor, user(&ben), &[autumn]).await.expect("assigned");
    for (who, theirs, not_theirs, sees) in [(&ann, spring, autumn, true), (&ben, autumn, spring, false)] {
        let mut tx = w.db.begin(who).await.expect("begin");
        campaigns::load(&mut tx, theirs).await.expect("their own");
        assert!(matches!(told(campaigns::load(&mut tx, not_theirs).await), Error::NotFound { .. }));
        assert_eq!(calls::load(&mut tx, call).await.is_ok(), sees);
    }
}

#[tokio::test]
async fn a_number_is_called_by_no_campaign_any_more_whoever_says_so() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 2, |_| {}).await;
    let operator = w.member(&acme, Role::Operator).await;
    let mut tx = w.db.begin(&operator).await.expect("begin");
    suppressions::add(&mut tx, &crate::testing::phone(0), "asked by mail").await.expect("suppressed");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let people = EnrollmentFilter { campaign, status: Some(EnrollmentStatus::OptedOut), paging: Paging::default() };
    assert_eq!(enrollments::list(&mut tx, &people).await.expect("people").total, 1, "also in a campaign they do not handle");
}

#[tokio::test]
async fn only_operators_are_given_campaigns_and_only_by_administrators() {
    let w = World::new().await;
    let (acme, other) = (w.company("acme").await, w.company("other").await);
    let campaign = w.drafted(&acme, 1, |_| {}).await;
    let (operator, viewer) = (w.member(&acme, Role::Operator).await, w.member(&acme, Role::Viewer).await);
    let refused = told(assign(&w.db, &operator, user(&operator), &[campaign]).await);
    assert!(matches!(refused, Error::Forbidden { .. }), "{refused}");
    assert!(matches!(told(assign(&w.db, &acme.actor, user(&viewer), &[campaign]).await), Error::Conflict { .. }));
    let theirs = w.member(&other, Role::Operator).await;
    assert!(matches!(told(assign(&w.db, &other.actor, user(&theirs), &[campaign]).await), Error::NotFound { .. }));
    assert!(matches!(told(assign(&w.db, &acme.actor, user(&theirs), &[campaign]).await), Error::NotFound { .. }));
    let mut tx = w.db.begin(&operator).await.expect("begin");
    let by_hand = sqlx::query("insert into assignments (user_id, campaign_id, created_at) values ($1, $2, $3)")
        .bind(user(&operator))
        .bind(campaign)
        .bind(w.clock.now())
        .execute(tx.conn())
        .await;
    assert!(by_hand.is_err(), "the database refuses it as well");
}
