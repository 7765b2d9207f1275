//! Whose account an identity is. The ways there and back, and what a provider may say, are tried at the doors
//! (`server/tests/it/identities.rs`).

use super::*;
use crate::Error as Inner;
use crate::accounts::{resolve, sign_in};
use crate::mails;
use crate::testing::World;
use model::accounts::Register;
use model::identities::IdentityProvider::{Google, LinkedIn};
use secrecy::SecretString;

const EMAIL: &str = "maya@harbor.example";
const PASSWORD: &str = "correct-horse-7";

async fn world() -> World {
    World::configured(1, |config| {
        let secret = SecretString::from("s");
        config.google = Some(SignInWith { client_id: "b".into(), client_secret: secret, issuer: "https://g.test".into() });
    })
    .await
}

fn laptop() -> Client {
    Client { ip: "203.0.113.7".into(), user_agent: "Firefox".into() }
}

fn told<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result.expect_err("this should have been refused") {
        Inner::Told(told) => told,
        other => panic!("not meant for the caller: {other}"),
    }
}

fn claims(subject: &str, email: &str, email_verified: bool) -> Claims {
    let email = Some(email.to_owned());
    Claims { provider: Google, subject: subject.into(), email, email_verified, name: Some("Maya".into()) }
}

async fn maya(w: &World) -> Caller {
    let form = Register {
        name: "Maya Okafor".into(),
        email: EMAIL.into(),
        password: PASSWORD.into(),
        company_name: "Harbor".into(),
        time_zone: String::new(),
    };
    accounts::register(&w.db, &form, &laptop()).await.expect("registration");
    let (_, token) = w.mailed("/confirm").await.expect("a link");
    accounts::confirm(&w.db, &token).await.expect("confirmed");
    caller(w, &sign_in(&w.db, EMAIL, PASSWORD, &laptop()).await.expect("sign in")).await
}

async fn caller(w: &World, token: &str) -> Caller {
    resolve(&w.db, token).await.expect("resolve").expect("a session")
}

fn form(email: &str) -> RegisterWith {
    RegisterWith { name: "Ana".into(), email: email.into(), company_name: "Lighthouse".into() }
}

async fn new(w: &World, claims: &Claims) -> String {
    match arrive(&w.db, claims, &laptop()).await.expect("it arrives") {
        Arrival::New(token) => token,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_two_who_come_back_with_one_trip_one_is_let_in() {
    let w = world().await;
    let token = set_out(&w.db, Google, "/calls", &laptop()).await.expect("away");
    let (a, b) = tokio::join!(come_back(&w.db, Google, &token), come_back(&w.db, Google, &token));
    let back: Vec<_> = [a.expect("a"), b.expect("b")].into_iter().flatten().collect();
    assert_eq!(back, [Trip { next: "/calls".into(), linking: None }]);
    assert_eq!(come_back(&w.db, Google, "made up").await.expect("asked"), None);
}

#[tokio::test]
async fn the_database_does_not_know_what_the_browser_knows() {
    let w = world().await;
    let trip = set_out(&w.db, Google, "/", &laptop()).await.expect("away");
    let newcomer = new(&w, &claims("1", "ana@lighthouse.example", true)).await;
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select token_hash from identity_trips union all select token_hash from newcomers")
            .fetch_all(tx.conn())
            .await
            .expect("rows");
    assert_eq!(stored, [digest(&trip), digest(&newcomer)]);
}

#[tokio::test]
async fn two_who_arrive_at_once_link_once() {
    let w = world().await;
    let me = maya(&w).await;
    let who = claims("1", EMAIL, true);
    let (here, there) = (laptop(), laptop());
    let (a, b) = tokio::join!(arrive(&w.db, &who, &here), arrive(&w.db, &who, &there));
    let is_in = |arrival: &Arrival| matches!(arrival, Arrival::Known(Entry::In(_)));
    let (a, b) = (a.expect("a"), b.expect("b"));
    assert!(is_in(&a) && is_in(&b), "{a:?} {b:?}");
    assert_eq!(load(&w.db, &me).await.expect("identities").linked.len(), 1);
    let notices = mails::recent(&w.db).await.expect("mails").iter().filter(|mail| mail.subject.contains("linked")).count();
    assert_eq!(notices, 1);
}

#[tokio::test]
async fn two_browsers_of_one_newcomer_make_one_account() {
    let w = world().await;
    let who = claims("1", "ana@lighthouse.example", true);
    let (first, second) = (new(&w, &who).await, new(&w, &who).await);
    let token = register(&w.db, &first, &form("ana@lighthouse.example"), &laptop()).await.expect("registered");
    assert!(caller(&w, &token).await.actor.user.as_ref().is_some_and(|user| user.confirmed));
    let why = told(register(&w.db, &second, &form("other@lighthouse.example"), &laptop()).await);
    assert_eq!(why, Error::conflict(Refusal::Taken.label()));
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(tx.conn()).await.expect("count");
    assert_eq!(users, 1, "nothing is left of the second");
    assert_eq!(told(register(&w.db, &first, &form("x@y.example"), &laptop()).await), Error::Unauthenticated, "used up");
}

#[tokio::test]
async fn a_newcomer_who_takes_too_long_begins_anew() {
    let w = world().await;
    let token = new(&w, &claims("1", "ana@lighthouse.example", true)).await;
    w.clock.advance(TimeDelta::minutes(NEWCOMER_MINUTES));
    assert_eq!(told(newcomer(&w.db, &token).await), Error::Unauthenticated);
    assert_eq!(told(register(&w.db, &token, &form("ana@lighthouse.example"), &laptop()).await), Error::Unauthenticated);
    new(&w, &claims("2", "ines@coast.example", true)).await;
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let left: i64 = sqlx::query_scalar("select count(*) from newcomers").fetch_one(tx.conn()).await.expect("count");
    assert_eq!(left, 1, "what is over is forgotten");
}

#[tokio::test]
async fn a_registration_by_identity_keeps_the_rules_of_registration() {
    let w = world().await;
    maya(&w).await;
    let token = new(&w, &claims("1", "ana@lighthouse.example", true)).await;
    let taken = told(register(&w.db, &token, &form("Maya@Harbor.example"), &laptop()).await);
    assert!(taken.of_field("email").is_some_and(|why| why.contains("exists")), "{taken:?}");
    let empty = told(register(&w.db, &token, &RegisterWith { name: " ".into(), ..form("a") }, &laptop()).await);
    assert!(empty.of_field("name").is_some() && empty.of_field("email").is_some(), "{empty:?}");
    let long = claims("2", &format!("{}@lighthouse.example", "a".repeat(300)), true);
    let token = new(&w, &Claims { name: Some("n".repeat(5_000)), ..long }).await;
    let shown = newcomer(&w.db, &token).await.expect("a newcomer");
    assert_eq!((shown.email.as_str(), shown.name.len()), ("", TEXT_MAX), "what is too long is no address");
}

#[tokio::test]
async fn an_address_is_compared_when_the_account_is_locked() {
    let w = world().await;
    let me = maya(&w).await;
    // The address is given up while somebody with it at the provider arrives.
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    sqlx::query("update users set email = 'maya@new.example' where id = $1")
        .bind(me.user)
        .execute(tx.conn())
        .await
        .expect("update");
    let db = w.db.clone();
    let arriving = tokio::task::JoinSet::from_iter([async move { arrive(&db, &claims("1", EMAIL, true), &laptop()).await }]);
    while !w.somebody_waits().await {
        tokio::task::yield_now().await;
    }
    tx.commit().await.expect("commit");
    assert_eq!(arriving.join_all().await.remove(0).expect("arrived"), Arrival::Refused(Refusal::LinkFirst));
}

#[tokio::test]
async fn a_visiting_super_admin_changes_nothing_of_their_own() {
    let w = world().await;
    let me = Caller { acting: true, ..maya(&w).await };
    assert!(matches!(told(set_out_to_link(&w.db, &me, Google, PASSWORD).await), Error::Conflict { .. }));
    assert!(matches!(told(unlink(&w.db, &me, Google, &laptop()).await), Error::Conflict { .. }));
    let me = Caller { acting: false, ..me };
    assert!(matches!(told(set_out_to_link(&w.db, &me, LinkedIn, PASSWORD).await), Error::Conflict { .. }), "not offered here");
    set_out_to_link(&w.db, &me, Google, PASSWORD).await.expect("a trip");
}
