//! Asking in and coming in.

use super::*;
use crate::team::accept::{join_known, join_new, look};
use model::accounts::Register;
use model::team::Guest;

fn phone() -> Client {
    Client { ip: "198.51.100.4".into(), user_agent: "Safari".into() }
}

async fn mailed(w: &World) -> (String, String) {
    w.mailed("/invite").await.expect("an invite")
}

#[tokio::test]
async fn somebody_new_comes_in_with_an_account_of_their_own() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    invite(&w.db, &acme.actor, " Ines@Harbor.example ", Role::Operator).await.expect("invited");
    let (to, token) = mailed(&w).await;
    assert_eq!(to, "ines@harbor.example");
    let seen = look(&w.db, &token, None).await.expect("the page");
    assert_eq!((seen.company_name.as_str(), seen.guest, seen.role), ("acme", Guest::New, Role::Operator));
    let weak = told(join_new(&w.db, &token, " ", "short", &phone()).await);
    assert!(weak.of_field("name").is_some() && weak.of_field("password").is_some());
    let session = join_new(&w.db, &token, "Ines Ruiz", PASSWORD, &phone()).await.expect("in").expect("a session");
    let ines = caller(&w, &session).await;
    let me = accounts::me(&w.db, &ines).await.expect("me");
    assert!(me.confirmed, "the mail has proven the address");
    assert_eq!((me.company, me.role), (acme.company, Role::Operator));
    assert!(list(&w.db, &acme.actor).await.expect("team").invites.is_empty());
    accounts::sign_in(&w.db, "ines@harbor.example", PASSWORD, &phone()).await.expect("and signs in later");
}

#[tokio::test]
async fn an_invite_works_once() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await.expect("invited");
    let (_, token) = mailed(&w).await;
    let from = phone();
    let (a, b) = tokio::join!(join_new(&w.db, &token, "Ines", PASSWORD, &from), join_new(&w.db, &token, "Ines", PASSWORD, &from));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "two tabs");
    assert!(matches!(told(join_new(&w.db, &token, "Eve", PASSWORD, &from).await), Error::Conflict { .. }));
    assert!(told(look(&w.db, &token, None).await).to_string().contains("used already"));
    assert_eq!(emails(&w, &acme).await.len(), 2);
}

#[tokio::test]
async fn somebody_known_comes_in_by_signing_in_and_lands_there_next_time() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let form = Register {
        name: "Ines Ruiz".into(),
        email: "ines@quay.example".into(),
        password: PASSWORD.into(),
        company_name: "Quay".into(),
        time_zone: String::new(),
    };
    accounts::register(&w.db, &form, &Client::default()).await.expect("registration");
    invite(&w.db, &acme.actor, "ines@quay.example", Role::CompanyAdmin).await.expect("invited");
    let (_, token) = mailed(&w).await;
    assert_eq!(look(&w.db, &token, None).await.expect("the page").guest, Guest::Stranger);
    assert!(matches!(told(join_new(&w.db, &token, "Eve", PASSWORD, &phone()).await), Error::Conflict { .. }));
    let other = caller(&w, &w.session(&w.member(&acme, Role::Viewer).await).await).await;
    assert_eq!(look(&w.db, &token, Some(&other)).await.expect("the page").guest, Guest::Other);
    assert!(matches!(told(join_known(&w.db, &token, &other, &phone()).await), Error::Conflict { .. }));

    let at_quay = accounts::sign_in(&w.db, "ines@quay.example", PASSWORD, &phone()).await.expect("sign in");
    let ines = caller(&w, &at_quay).await;
    assert_eq!(look(&w.db, &token, Some(&ines)).await.expect("the page").guest, Guest::You);
    w.clock.advance(TimeDelta::seconds(1));
    let at_acme = join_known(&w.db, &token, &ines, &phone()).await.expect("in");
    assert!(accounts::resolve(&w.db, &at_quay).await.expect("resolve").is_none(), "the token is a new one");
    let there = caller(&w, &at_acme).await;
    assert_eq!(there.actor.company(), acme.company);
    assert_eq!(accounts::me(&w.db, &there).await.expect("me").companies.len(), 2);
    let next = accounts::sign_in(&w.db, "ines@quay.example", PASSWORD, &phone()).await.expect("sign in");
    assert_eq!(caller(&w, &next).await.actor.company(), acme.company);

    w.clock.advance(TimeDelta::seconds(1));
    let back = accounts::switch(&w.db, &there, ines.actor.company(), &phone()).await.expect("back to quay");
    assert!(accounts::resolve(&w.db, &at_acme).await.expect("resolve").is_none());
    assert_eq!(caller(&w, &back).await.actor.company(), ines.actor.company());
    let next = accounts::sign_in(&w.db, "ines@quay.example", PASSWORD, &phone()).await.expect("sign in");
    assert_eq!(caller(&w, &next).await.actor.company(), ines.actor.company(), "the company chosen last");
}

#[tokio::test]
async fn a_switch_leads_only_to_ones_own_companies_and_makes_no_session_older() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let token = w.session(&acme.actor).await;
    let me = caller(&w, &token).await;
    assert!(matches!(told(accounts::switch(&w.db, &me, birch.company, &phone()).await), Error::NotFound { .. }));
    caller(&w, &token).await;
    w.clock.advance(TimeDelta::hours(11));
    let mut tx = w.db.begin_system(SystemTask::Team).await.expect("begin");
    accounts::join(&mut tx, birch.company, me.user, Role::Viewer).await.expect("joined");
    tx.commit().await.expect("commit");
    assert!(matches!(told(accounts::switch(&w.db, &me, acme.company, &phone()).await), Error::Conflict { .. }), "here already");
    let mut now = token;
    for n in 0..64 {
        let (me, next) = (caller(&w, &now).await, if n % 2 == 0 { &birch } else { &acme });
        now = accounts::switch(&w.db, &me, next.company, &phone()).await.expect("the other one");
        w.clock.advance(TimeDelta::hours(11));
    }
    // Used a moment ago, so that only its age can end it.
    caller(&w, &now).await;
    w.clock.advance(TimeDelta::hours(5));
    assert!(accounts::resolve(&w.db, &now).await.expect("resolve").is_none(), "30 days after the sign-in, however one switches");
}

#[tokio::test]
async fn an_invite_ends_by_time_by_hand_and_by_a_newer_one() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await.expect("invited");
    let (_, first) = mailed(&w).await;
    assert!(matches!(told(resend(&w.db, &acme.actor, id).await), Error::RateLimited { retry_seconds: 60 }));
    w.clock.advance(TimeDelta::days(7));
    assert!(told(look(&w.db, &first, None).await).to_string().contains("expired"));
    assert!(list(&w.db, &acme.actor).await.expect("team").invites[0].expired);
    resend(&w.db, &acme.actor, id).await.expect("again");
    let (_, second) = mailed(&w).await;
    assert!(matches!(told(look(&w.db, &first, None).await), Error::NotFound { .. }), "the old link is dead");
    look(&w.db, &second, None).await.expect("the new one works");
    revoke(&w.db, &acme.actor, id).await.expect("taken back");
    assert!(told(join_new(&w.db, &second, "Ines", PASSWORD, &phone()).await).to_string().contains("taken back"));
    assert!(matches!(told(revoke(&w.db, &acme.actor, id).await), Error::NotFound { .. }));
    assert!(matches!(told(resend(&w.db, &acme.actor, id).await), Error::NotFound { .. }));
    invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await.expect("a fresh one");
}

#[tokio::test]
async fn nobody_is_asked_in_twice_or_while_inside() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await.expect("invited");
    let twice = told(invite(&w.db, &acme.actor, "INES@harbor.example", Role::Viewer).await);
    assert!(twice.of_field("email").is_some_and(|why| why.contains("invited already")), "{twice}");
    let (_, token) = mailed(&w).await;
    join_new(&w.db, &token, "Ines", PASSWORD, &phone()).await.expect("in");
    let inside = told(invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await);
    assert!(inside.of_field("email").is_some_and(|why| why.contains("in the team")), "{inside}");
    assert!(told(invite(&w.db, &acme.actor, "nonsense", Role::Viewer).await).of_field("email").is_some());
}

#[tokio::test]
async fn who_is_not_confirmed_writes_to_no_strangers() {
    let w = World::new().await;
    let form = Register {
        name: "Eve".into(),
        email: "eve@nowhere.example".into(),
        password: PASSWORD.into(),
        company_name: "Click https://evil.example".into(),
        time_zone: String::new(),
    };
    accounts::register(&w.db, &form, &Client::default()).await.expect("registration");
    let token = accounts::sign_in(&w.db, "eve@nowhere.example", PASSWORD, &phone()).await.expect("sign in");
    let eve = caller(&w, &token).await.actor;
    assert!(matches!(told(invite(&w.db, &eve, "x@y.example", Role::Viewer).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn invites_are_limited_per_hour() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for n in 0..INVITES_PER_HOUR_MAX {
        invite(&w.db, &acme.actor, &format!("n{n}@y.example"), Role::Viewer).await.expect("invited");
    }
    assert!(matches!(told(invite(&w.db, &acme.actor, "one@more.example", Role::Viewer).await), Error::RateLimited { .. }));
    w.clock.advance(TimeDelta::hours(1));
    invite(&w.db, &acme.actor, "one@more.example", Role::Viewer).await.expect("an hour later");
}

#[tokio::test]
async fn an_invite_is_stored_as_a_hash_and_belongs_to_one_company() {
    let w = World::new().await;
    let (acme, birch) = (w.company("acme").await, w.company("birch").await);
    let id = invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await.expect("invited");
    let (_, token) = mailed(&w).await;
    let mut tx = w.db.begin_system(SystemTask::Team).await.expect("begin");
    let stored: Vec<u8> = sqlx::query_scalar("select token_hash from invites").fetch_one(tx.conn()).await.expect("an invite");
    assert_eq!(stored, digest(&token));
    drop(tx);
    assert!(matches!(told(revoke(&w.db, &birch.actor, id).await), Error::NotFound { .. }));
    assert!(matches!(told(resend(&w.db, &birch.actor, id).await), Error::NotFound { .. }));
}

#[tokio::test]
async fn whoever_was_taken_out_everywhere_comes_back_by_invite_with_their_second_factor() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    invite(&w.db, &acme.actor, "ines@harbor.example", Role::Viewer).await.expect("invited");
    let (_, token) = mailed(&w).await;
    let session = join_new(&w.db, &token, "Ines", PASSWORD, &phone()).await.expect("in").expect("a session");
    let ines = caller(&w, &session).await;
    let shown = crate::two_factor::load(&w.db, &ines).await.expect("load").setup.expect("off");
    crate::two_factor::turn_on(&w.db, &ines, PASSWORD, &w.app_code(&shown.secret), &phone()).await.expect("on");
    remove(&w.db, &acme.actor, ines.user).await.expect("out");
    w.clock.advance(TimeDelta::minutes(1));
    invite(&w.db, &acme.actor, "ines@harbor.example", Role::Operator).await.expect("asked again");
    let (_, token) = mailed(&w).await;
    assert_eq!(look(&w.db, &token, None).await.expect("the page").guest, Guest::New);
    let session = join_new(&w.db, &token, "Ines R.", "better-horse-8", &phone()).await.expect("in");
    assert_eq!(session, None, "a mailbox alone is no second factor");
    assert!(matches!(
        accounts::knock(&w.db, "ines@harbor.example", "better-horse-8", &phone()).await.expect("the new password"),
        accounts::Entry::Half(_)
    ));
    assert!(emails(&w, &acme).await.contains(&("ines@harbor.example".to_owned(), Role::Operator)));
}
