//! Forgotten passwords.

use super::*;
use crate::accounts::reset::{ask, finish};

/// Everything that asking for a link leaves behind, before its job runs.
async fn traces(w: &World) -> (i64, i64, i64) {
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    sqlx::query_as(
        "select (select count(*) from apalis.jobs where job_type = 'send_reset'), (select count(*) from links),
                (select count(*) from mails)",
    )
    .fetch_one(tx.conn())
    .await
    .expect("counts")
}

async fn link(w: &World) -> String {
    // Mails of one moment have no order.
    w.clock.advance(TimeDelta::seconds(1));
    ask(&w.db, "maya@harbor.example", &laptop()).await.expect("asked");
    w.send_resets().await;
    w.mailed("/reset").await.expect("a link").1
}

#[tokio::test]
async fn asking_does_and_leaves_the_same_for_an_unknown_address() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let before = traces(&w).await;
    ask(&w.db, " Maya@harbor.example", &laptop()).await.expect("known");
    let known = traces(&w).await;
    ask(&w.db, "nobody@harbor.example", &laptop()).await.expect("unknown");
    let unknown = traces(&w).await;
    assert_eq!(known, (before.0 + 1, before.1, before.2));
    assert_eq!(unknown, (known.0 + 1, known.1, known.2));
    w.send_resets().await;
    w.send_resets().await;
    assert_eq!(traces(&w).await, (unknown.0, before.1 + 1, before.2 + 1), "one mail, to her, however often the job runs");
    assert_eq!(w.mailed("/reset").await.expect("a link").0, "maya@harbor.example");
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_ends_all_sessions() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let session = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    let (first, second) = (link(&w).await, link(&w).await);
    assert!(told(finish(&w.db, &second, "short", &laptop()).await).of_field("password").is_some());
    w.clock.advance(TimeDelta::seconds(1));
    finish(&w.db, &second, "better-horse-8", &laptop()).await.expect("reset");
    assert!(resolve(&w.db, &session).await.expect("resolve").is_none());
    for used in [&first, &second] {
        assert!(matches!(told(finish(&w.db, used, "other-horse-9", &laptop()).await), Error::Conflict { .. }));
    }
    told(sign_in_as_maya(&w.db, PASSWORD).await);
    let token = sign_in_as_maya(&w.db, "better-horse-8").await.expect("the new password");
    let me = me(&w.db, &caller(&w.db, &token).await).await.expect("me");
    assert!(me.confirmed, "whoever reads the mailbox has proven the address");
    assert_eq!(mails::recent(&w.db).await.expect("mails")[0].subject, "Security notice: Your password was reset");
}

#[tokio::test]
async fn two_who_use_a_link_at_once_set_one_password() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let link = link(&w).await;
    let from = laptop();
    let (a, b) = tokio::join!(finish(&w.db, &link, "better-horse-8", &from), finish(&w.db, &link, "other-horse-9", &from));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
}

#[tokio::test]
async fn a_link_is_short_lived_and_stored_as_a_hash() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let link = link(&w).await;
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let stored: Vec<u8> = sqlx::query_scalar("select token_hash from links").fetch_one(tx.conn()).await.expect("a link");
    assert_eq!(stored, digest(&link));
    drop(tx);
    w.clock.advance(TimeDelta::minutes(30));
    assert!(told(finish(&w.db, &link, "better-horse-8", &laptop()).await).to_string().contains("expired"));
    assert!(matches!(told(finish(&w.db, "made up", "better-horse-8", &laptop()).await), Error::NotFound { .. }));
}

#[tokio::test]
async fn a_link_for_an_address_is_none_for_a_password() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    let me = caller(&w.db, &token).await;
    crate::accounts::profile::ask_email(&w.db, &me, "m@quay.example", PASSWORD).await.expect("asked");
    let (_, link) = w.mailed("/new-address").await.expect("a link");
    assert!(matches!(told(finish(&w.db, &link, "better-horse-8", &laptop()).await), Error::NotFound { .. }));
}

#[tokio::test]
async fn mails_are_limited_per_address_and_per_machine_known_or_not() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    for email in ["maya@harbor.example", "nobody@harbor.example"] {
        for _ in 0..3 {
            ask(&w.db, email, &laptop()).await.expect("asked");
        }
        assert!(matches!(told(ask(&w.db, email, &laptop()).await), Error::RateLimited { .. }), "{email}");
    }
    for n in 0..14 {
        ask(&w.db, &format!("n{n}@harbor.example"), &laptop()).await.expect("asked");
    }
    assert!(matches!(told(ask(&w.db, "last@harbor.example", &laptop()).await), Error::RateLimited { .. }));
    w.clock.advance(TimeDelta::minutes(15));
    ask(&w.db, "maya@harbor.example", &laptop()).await.expect("a quarter of an hour later");
}

#[tokio::test]
async fn a_reset_opens_an_address_that_guesses_had_locked() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let link = link(&w).await;
    for _ in 0..5 {
        told(sign_in_as_maya(&w.db, "wrong-horse-7").await);
    }
    assert!(matches!(told(sign_in_as_maya(&w.db, PASSWORD).await), Error::RateLimited { .. }));
    finish(&w.db, &link, "better-horse-8", &laptop()).await.expect("reset");
    sign_in_as_maya(&w.db, "better-horse-8").await.expect("at once");
}
