//! People and their own account: name, password, e-mail, sessions.

use super::*;
use crate::accounts::profile::{self, ask_email, change_password, end_other_sessions, end_session, rename, take_email};

/// Registers Maya and signs her in on two machines.
async fn two_machines(w: &World) -> (Caller, String) {
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    confirm(&w.db, &mailed_token(&w.db).await).await.expect("confirmation");
    let here = sign_in_as_maya(&w.db, PASSWORD).await.expect("laptop");
    w.clock.advance(TimeDelta::minutes(5));
    let there = sign_in_as_maya(&w.db, PASSWORD).await.expect("phone");
    (caller(&w.db, &here).await, there)
}

async fn alive(w: &World, token: &str) -> bool {
    resolve(&w.db, token).await.expect("the database").is_some()
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_the_other_sessions() {
    let w = World::new().await;
    let (me, phone) = two_machines(&w).await;
    let wrong = told(change_password(&w.db, &me, "wrong-horse-7", "better-horse-8", &laptop()).await);
    assert_eq!(wrong.of_field("old"), Some("This is not your password."));
    let weak = told(change_password(&w.db, &me, PASSWORD, "short", &laptop()).await);
    assert!(weak.of_field("new").is_some());
    assert!(alive(&w, &phone).await, "nothing happened yet");
    change_password(&w.db, &me, PASSWORD, "better-horse-8", &laptop()).await.expect("changed");
    assert!(!alive(&w, &phone).await);
    assert_eq!(profile::load(&w.db, &me).await.expect("account").sessions.len(), 1, "the one that asked goes on");
    told(sign_in_as_maya(&w.db, PASSWORD).await);
    sign_in_as_maya(&w.db, "better-horse-8").await.expect("the new one");
    let mail = &mails::recent(&w.db).await.expect("mails")[0];
    assert_eq!(
        (mail.to_address.as_str(), mail.subject.as_str()),
        ("maya@harbor.example", "Security notice: Your password was changed")
    );
    assert!(mail.body.contains("203.0.113.7"), "it says from where: {}", mail.body);
}

#[tokio::test]
async fn an_open_session_is_no_way_to_guess_the_password() {
    let w = World::new().await;
    let (me, _) = two_machines(&w).await;
    for _ in 0..5 {
        told(change_password(&w.db, &me, "wrong-horse-7", "better-horse-8", &laptop()).await);
    }
    let locked = told(change_password(&w.db, &me, PASSWORD, "better-horse-8", &laptop()).await);
    assert!(matches!(locked, Error::RateLimited { .. }), "{locked}");
}

#[tokio::test]
async fn an_address_changes_when_the_new_one_is_proven_and_the_old_one_is_told() {
    let w = World::new().await;
    let (me, _) = two_machines(&w).await;
    assert!(told(ask_email(&w.db, &me, "m@quay.example", "wrong-horse-7").await).of_field("password").is_some());
    assert!(told(ask_email(&w.db, &me, "nonsense", PASSWORD).await).of_field("email").is_some());
    ask_email(&w.db, &me, " M@Quay.example", PASSWORD).await.expect("asked");
    let (to, token) = w.mailed("/new-address").await.expect("a link");
    assert_eq!(to, "m@quay.example");
    assert_eq!(profile::load(&w.db, &me).await.expect("account").email, "maya@harbor.example", "not yet");
    w.clock.advance(TimeDelta::seconds(1));
    take_email(&w.db, &token, &laptop()).await.expect("taken");
    assert_eq!(profile::load(&w.db, &me).await.expect("account").email, "m@quay.example");
    assert_eq!(mails::recent(&w.db).await.expect("mails")[0].to_address, "maya@harbor.example");
    assert!(matches!(told(take_email(&w.db, &token, &laptop()).await), Error::Conflict { .. }), "a link works once");
    told(sign_in_as_maya(&w.db, PASSWORD).await);
    sign_in(&w.db, "m@quay.example", PASSWORD, &laptop()).await.expect("the new address signs in");
}

#[tokio::test]
async fn asking_for_a_taken_address_tells_nobody() {
    let w = World::new().await;
    let (me, _) = two_machines(&w).await;
    register(&w.db, &Register { email: "ines@harbor.example".into(), ..maya() }, &Client::default()).await.expect("registration");
    let before = mails::recent(&w.db).await.expect("mails").len();
    ask_email(&w.db, &me, "ines@harbor.example", PASSWORD).await.expect("the same answer");
    assert_eq!(mails::recent(&w.db).await.expect("mails").len(), before);
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_is_not_taken_again() {
    let w = World::new().await;
    let (me, _) = two_machines(&w).await;
    ask_email(&w.db, &me, "m@quay.example", PASSWORD).await.expect("asked");
    let (_, token) = w.mailed("/new-address").await.expect("a link");
    register(&w.db, &Register { email: "m@quay.example".into(), ..maya() }, &Client::default())
        .await
        .expect("somebody was faster");
    assert!(matches!(told(take_email(&w.db, &token, &laptop()).await), Error::Conflict { .. }));
    w.clock.advance(TimeDelta::hours(24));
    assert!(told(take_email(&w.db, &token, &laptop()).await).to_string().contains("expired"));
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_all_at_once() {
    let w = World::new().await;
    let (me, phone) = two_machines(&w).await;
    let rows = profile::load(&w.db, &me).await.expect("account").sessions;
    let seen: Vec<_> = rows.iter().map(|row| (row.device.as_str(), row.ip.as_str(), row.current)).collect();
    assert_eq!(seen, [("Firefox", "203.0.113.7", false), ("Firefox", "203.0.113.7", true)], "the newest first");
    end_session(&w.db, &me, rows[0].id).await.expect("ended");
    assert!(!alive(&w, &phone).await);
    assert!(matches!(told(end_session(&w.db, &me, rows[0].id).await), Error::NotFound { .. }));
    for _ in 0..2 {
        sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    }
    assert_eq!(end_other_sessions(&w.db, &me).await.expect("ended"), 2);
    assert_eq!(profile::load(&w.db, &me).await.expect("account").sessions.len(), 1);
}

#[tokio::test]
async fn nobody_ends_the_session_of_somebody_else() {
    let w = World::new().await;
    let (me, _) = two_machines(&w).await;
    register(&w.db, &Register { email: "ines@harbor.example".into(), ..maya() }, &Client::default()).await.expect("registration");
    let token = sign_in(&w.db, "ines@harbor.example", PASSWORD, &laptop()).await.expect("ines");
    let ines = caller(&w.db, &token).await;
    assert!(matches!(told(end_session(&w.db, &me, ines.session).await), Error::NotFound { .. }));
    assert!(alive(&w, &token).await);
}

#[tokio::test]
async fn a_name_changes_and_an_empty_one_does_not() {
    let w = World::new().await;
    let (me, _) = two_machines(&w).await;
    assert!(told(rename(&w.db, &me, "  ").await).of_field("name").is_some());
    rename(&w.db, &me, " Maya O. ").await.expect("renamed");
    assert_eq!(profile::load(&w.db, &me).await.expect("account").name, "Maya O.");
}
