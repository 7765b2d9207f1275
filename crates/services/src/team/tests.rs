//! Who is in the team, who may come in, and who may not leave.

mod access;
mod invites;

use super::*;
use crate::Error as Inner;
use crate::accounts::{self, Caller, Client};
use crate::events;
use crate::testing::{Someone, World};
use model::events::EventFilter;

pub(super) const PASSWORD: &str = "correct-horse-7";

pub(super) fn told<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result.expect_err("this should have been refused") {
        Inner::Told(told) => told,
        other => panic!("not meant for the caller: {other}"),
    }
}

pub(super) async fn caller(w: &World, token: &str) -> Caller {
    accounts::resolve(&w.db, token).await.expect("the database").expect("a living session")
}

pub(super) async fn emails(w: &World, of: &Someone) -> Vec<(String, Role)> {
    list(&w.db, &of.actor).await.expect("team").members.into_iter().map(|m| (m.email, m.role)).collect()
}

fn user(actor: &Actor) -> UserId {
    actor.user.as_ref().expect("a human").id
}

#[tokio::test]
async fn a_role_changes_at_once_and_the_record_tells() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let viewer = w.member(&acme, Role::Viewer).await;
    let session = w.session(&viewer).await;
    set_role(&w.db, &acme.actor, user(&viewer), Role::Operator).await.expect("changed");
    assert!(caller(&w, &session).await.actor.may(Permission::RunCampaigns), "the session of before has the role of now");
    let mut tx = w.tx(&acme).await;
    let last = events::list(&mut tx, &EventFilter::default()).await.expect("events").items.remove(0);
    assert_eq!((last.kind, last.text.as_str()), (EventKind::MemberRoleChanged, "Viewer is operator now, and was viewer"));
}

#[tokio::test]
async fn whoever_is_taken_out_is_nobody_and_stays_nobody_when_asked_in_again() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let operator = w.member(&acme, Role::Operator).await;
    let session = w.session(&operator).await;
    remove(&w.db, &acme.actor, user(&operator)).await.expect("removed");
    assert!(accounts::resolve(&w.db, &session).await.expect("resolve").is_none());
    let mut tx = w.db.begin_system(SystemTask::Team).await.expect("begin");
    accounts::join(&mut tx, acme.company, user(&operator), Role::Operator).await.expect("back");
    tx.commit().await.expect("commit");
    assert!(accounts::resolve(&w.db, &session).await.expect("resolve").is_none(), "the old session does not live again");
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    w.member(&acme, Role::Operator).await;
    let me = user(&acme.actor);
    for refused in [told(set_role(&w.db, &acme.actor, me, Role::Viewer).await), told(remove(&w.db, &acme.actor, me).await)] {
        assert!(matches!(&refused, Error::Conflict { why } if why.contains("last administrator")), "{refused}");
    }
    set_role(&w.db, &acme.actor, me, Role::CompanyAdmin).await.expect("no change is no harm");
    let second = w.member(&acme, Role::CompanyAdmin).await;
    remove(&w.db, &second, me).await.expect("with a second one the first may go");
    assert!(matches!(told(remove(&w.db, &second, user(&second)).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn two_administrators_who_leave_at_once_leave_one_behind() {
    for seed in 0..4 {
        let w = World::with_seed(seed).await;
        let acme = w.company("acme").await;
        let second = w.member(&acme, Role::CompanyAdmin).await;
        let (one, two) = (user(&acme.actor), user(&second));
        let (a, b) = tokio::join!(remove(&w.db, &acme.actor, one), set_role(&w.db, &second, two, Role::Viewer));
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
        let left = emails(&w, &acme).await;
        assert_eq!(left.iter().filter(|(_, role)| *role == Role::CompanyAdmin).count(), 1, "{left:?}");
    }
}

#[tokio::test]
async fn only_administrators_manage_and_viewers_do_not_look() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let (operator, viewer) = (w.member(&acme, Role::Operator).await, w.member(&acme, Role::Viewer).await);
    let admin = user(&acme.actor);
    for low in [&operator, &viewer] {
        let refusals = [
            told(invite(&w.db, low, "x@y.example", Role::Viewer).await),
            told(set_role(&w.db, low, user(low), Role::CompanyAdmin).await),
            told(remove(&w.db, low, admin).await),
        ];
        assert!(refusals.iter().all(|e| matches!(e, Error::Forbidden { .. })), "{refusals:?}");
    }
    assert_eq!(list(&w.db, &operator).await.expect("team").members.len(), 3);
    assert!(matches!(told(list(&w.db, &viewer).await), Error::Forbidden { .. }));
    remove(&w.db, &viewer, user(&viewer)).await.expect("anybody may leave");
}

#[tokio::test]
async fn a_team_is_no_business_of_another_company() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let victim = w.member(&acme, Role::Operator).await;
    assert!(matches!(told(set_role(&w.db, &birch.actor, user(&victim), Role::Viewer).await), Error::NotFound { .. }));
    assert!(matches!(told(remove(&w.db, &birch.actor, user(&victim)).await), Error::NotFound { .. }));
    assert_eq!(list(&w.db, &birch.actor).await.expect("team").members.len(), 1);
}

#[tokio::test]
async fn nobody_becomes_a_super_admin_and_a_super_admin_is_not_touched() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let root = w.member(&acme, Role::SuperAdmin).await;
    let me = user(&acme.actor);
    assert!(told(set_role(&w.db, &acme.actor, me, Role::SuperAdmin).await).of_field("role").is_some());
    assert!(told(invite(&w.db, &acme.actor, "x@y.example", Role::SuperAdmin).await).of_field("role").is_some());
    assert!(matches!(told(remove(&w.db, &acme.actor, user(&root)).await), Error::Forbidden { .. }));
    assert!(matches!(told(set_role(&w.db, &acme.actor, user(&root), Role::Viewer).await), Error::Forbidden { .. }));
}

#[tokio::test]
async fn authority_that_was_taken_away_meanwhile_changes_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let (second, viewer) = (w.member(&acme, Role::CompanyAdmin).await, w.member(&acme, Role::Viewer).await);
    let asked_in = invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await.expect("invited");
    set_role(&w.db, &acme.actor, user(&second), Role::Operator).await.expect("no administrator any more");
    let before = emails(&w, &acme).await;
    // What a request that came in before still holds says administrator.
    let refused = [
        told(set_role(&w.db, &second, user(&viewer), Role::CompanyAdmin).await),
        told(remove(&w.db, &second, user(&viewer)).await),
        told(invite(&w.db, &second, "mallory@harbor.example", Role::CompanyAdmin).await),
        told(resend(&w.db, &second, asked_in).await),
        told(revoke(&w.db, &second, asked_in).await),
    ];
    assert!(refused.iter().all(|error| matches!(error, Error::Forbidden { .. })), "{refused:?}");
    assert_eq!(emails(&w, &acme).await, before);
    remove(&w.db, &second, user(&second)).await.expect("anybody may leave");
}
