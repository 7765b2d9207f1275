//! Tokens of programs: what opens, what renews, and what ends them.

use super::super::profile;
use super::super::tokens::{self, ACCESS_SECONDS, TokenPair};
use super::*;
use crate::{team, two_factor};
use model::accounts::Bar;
use model::companies::CompanyType;

const EMAIL: &str = "maya@harbor.example";

async fn maya_signs_in(w: &World) -> TokenPair {
    tokens::sign_in(&w.db, EMAIL, PASSWORD, None, &laptop()).await.expect("signed in")
}

async fn world() -> World {
    let w = World::new().await;
    register(&w.db, &maya(), &laptop()).await.expect("registration");
    w
}

async fn who(w: &World, access: &str) -> Option<Caller> {
    tokens::resolve(&w.db, access).await.expect("database")
}

async fn renewed(w: &World, refresh: &str) -> Option<TokenPair> {
    tokens::refresh(&w.db, refresh, &laptop()).await.expect("database")
}

#[tokio::test]
async fn a_program_signs_in_and_is_its_user_in_the_company_chosen_last() {
    let w = world().await;
    let pair = maya_signs_in(&w).await;
    let caller = who(&w, &pair.access).await.expect("a living token");
    let me = me(&w.db, &caller).await.expect("me");
    assert_eq!((me.email.as_str(), me.company_name.as_str(), me.company_type), (EMAIL, "Harbor Foods", None::<CompanyType>));
    assert!(resolve(&w.db, &pair.access).await.expect("database").is_none(), "it is no cookie");
    assert!(who(&w, &pair.refresh).await.is_none(), "what renews does not open");
    assert!(renewed(&w, &pair.access).await.is_none(), "what opens does not renew");
    let cookie = sign_in_as_maya(&w.db, PASSWORD).await.expect("signed in");
    assert!(who(&w, &cookie).await.is_none(), "a cookie is no token");
}

#[tokio::test]
async fn an_access_token_works_for_an_hour() {
    let w = world().await;
    let pair = maya_signs_in(&w).await;
    w.clock.advance(TimeDelta::seconds(ACCESS_SECONDS - 1));
    assert!(who(&w, &pair.access).await.is_some());
    w.clock.advance(TimeDelta::seconds(1));
    assert!(who(&w, &pair.access).await.is_none());
    assert!(renewed(&w, &pair.refresh).await.is_some());
}

#[tokio::test]
async fn a_refresh_token_works_once_and_for_thirty_days() {
    let w = world().await;
    let first = maya_signs_in(&w).await;
    w.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    let second = renewed(&w, &first.refresh).await.expect("renewed");
    assert!(who(&w, &second.access).await.is_some());
    w.clock.advance(TimeDelta::days(30));
    assert!(renewed(&w, &second.refresh).await.is_none(), "thirty days are over");
}

#[tokio::test]
async fn a_program_signs_in_again_after_ninety_days() {
    let w = world().await;
    let mut pair = maya_signs_in(&w).await;
    for _ in 0..4 {
        w.clock.advance(TimeDelta::days(20));
        pair = renewed(&w, &pair.refresh).await.expect("renewed");
    }
    w.clock.advance(TimeDelta::days(10) - TimeDelta::seconds(1));
    let last = renewed(&w, &pair.refresh).await.expect("one second before");
    w.clock.advance(TimeDelta::seconds(1));
    assert!(who(&w, &last.access).await.is_none() && renewed(&w, &last.refresh).await.is_none());
}

#[tokio::test]
async fn a_refresh_token_shown_twice_ends_the_family_and_its_user_is_told() {
    let w = world().await;
    let (first, other) = (maya_signs_in(&w).await, maya_signs_in(&w).await);
    let second = renewed(&w, &first.refresh).await.expect("renewed");
    assert!(who(&w, &first.access).await.is_some() && who(&w, &second.access).await.is_some());
    assert!(renewed(&w, &first.refresh).await.is_none());
    assert!(who(&w, &second.access).await.is_none() && who(&w, &first.access).await.is_none());
    assert!(renewed(&w, &second.refresh).await.is_none(), "the thief's is dead as well");
    assert!(who(&w, &other.access).await.is_some(), "another sign-in is another family");
    let mails = mails::recent(&w.db).await.expect("the mailbox");
    assert!(mails.iter().any(|mail| mail.body.contains("old refresh token")), "{mails:?}");
    let caller = who(&w, &other.access).await.expect("alive");
    let mut tx = w.db.begin(&caller.actor).await.expect("begin");
    let kinds: Vec<_> =
        events::list(&mut tx, &EventFilter::default()).await.expect("events").items.iter().map(|e| e.kind).collect();
    assert_eq!(kinds.iter().filter(|k| **k == EventKind::TokenReused).count(), 1, "once, also when it comes a third time");
}

#[tokio::test]
async fn of_two_who_renew_at_once_one_may_and_the_family_ends() {
    let w = world().await;
    let pair = maya_signs_in(&w).await;
    let (a, b) = futures::join!(renewed(&w, &pair.refresh), renewed(&w, &pair.refresh));
    let new = match (a, b) {
        (Some(new), None) | (None, Some(new)) => new,
        both => panic!("one of them was first: {both:?}"),
    };
    assert!(who(&w, &new.access).await.is_none());
}

#[tokio::test]
async fn what_ends_sessions_ends_tokens() {
    let w = world().await;
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("signed in");
    let browser = caller(&w.db, &token).await;
    let pair = maya_signs_in(&w).await;
    profile::change_password(&w.db, &browser, PASSWORD, "better-horse-8", &laptop()).await.expect("changed");
    assert!(who(&w, &pair.access).await.is_none() && renewed(&w, &pair.refresh).await.is_none(), "a new password");

    let pair = tokens::sign_in(&w.db, EMAIL, "better-horse-8", None, &laptop()).await.expect("signed in");
    let program = who(&w, &pair.access).await.expect("alive");
    let listed = profile::load(&w.db, &browser).await.expect("account").sessions;
    assert!(listed.iter().any(|s| s.id == program.session), "the account page lists it");
    profile::end_session(&w.db, &browser, program.session).await.expect("ended");
    assert!(who(&w, &pair.access).await.is_none() && renewed(&w, &pair.refresh).await.is_none(), "ended by hand");

    let pair = tokens::sign_in(&w.db, EMAIL, "better-horse-8", None, &laptop()).await.expect("signed in");
    let program = who(&w, &pair.access).await.expect("alive");
    tokens::sign_out(&w.db, &program).await.expect("signed out");
    assert!(who(&w, &pair.access).await.is_none() && renewed(&w, &pair.refresh).await.is_none(), "signed out");
}

#[tokio::test]
async fn tokens_end_with_the_membership_and_are_barred_like_sessions() {
    let w = world().await;
    let pair = maya_signs_in(&w).await;
    let me = who(&w, &pair.access).await.expect("alive");
    w.require_second_factor(me.actor.company()).await;
    assert_eq!(who(&w, &pair.access).await.expect("alive").barred, Some(Bar::TwoFactor));
    let someone = crate::testing::Someone { company: me.actor.company(), actor: me.actor.clone() };
    let admin = w.member(&someone, Role::CompanyAdmin).await;
    team::remove(&w.db, &admin, me.user).await.expect("removed");
    assert!(who(&w, &pair.access).await.is_none() && renewed(&w, &pair.refresh).await.is_none());
}

#[tokio::test]
async fn who_has_a_second_factor_sends_the_code() {
    let w = world().await;
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("signed in");
    let browser = caller(&w.db, &token).await;
    let key = two_factor::load(&w.db, &browser).await.expect("load").setup.expect("it is off").secret;
    two_factor::turn_on(&w.db, &browser, PASSWORD, &w.app_code(&key), &laptop()).await.expect("on");
    w.clock.advance(TimeDelta::seconds(60));
    let sign_in = async |code: Option<&str>| tokens::sign_in(&w.db, EMAIL, PASSWORD, code, &laptop()).await;
    for code in [None, Some(""), Some("000000")] {
        assert!(told(sign_in(code).await).of_field("code").is_some(), "{code:?}");
    }
    let code = w.app_code(&key);
    sign_in(Some(&code)).await.expect("the right code");
    assert!(told(sign_in(Some(&code)).await).of_field("code").is_some(), "a code is taken once");
    w.clock.advance(TimeDelta::minutes(16));
    for _ in 0..5 {
        assert!(told(sign_in(Some("000000")).await).of_field("code").is_some());
    }
    let code = w.app_code(&key);
    assert!(matches!(told(sign_in(Some(&code)).await), Error::RateLimited { .. }), "as on the page");
}

#[tokio::test]
async fn wrong_passwords_count_together_with_those_of_the_page() {
    let w = world().await;
    for n in 0..5 {
        let wrong = match n % 2 {
            0 => told(sign_in_as_maya(&w.db, "wrong").await),
            _ => told(tokens::sign_in(&w.db, EMAIL, "wrong", None, &laptop()).await),
        };
        assert_eq!(wrong.of_field("password"), Some("E-mail and password do not match."));
    }
    assert!(matches!(told(tokens::sign_in(&w.db, EMAIL, PASSWORD, None, &laptop()).await), Error::RateLimited { .. }));
    assert!(matches!(told(sign_in_as_maya(&w.db, PASSWORD).await), Error::RateLimited { .. }));
}

#[tokio::test]
async fn the_use_of_a_token_does_not_make_its_session_live_longer() {
    let w = world().await;
    let pair = maya_signs_in(&w).await;
    for _ in 0..3 {
        w.clock.advance(TimeDelta::minutes(15));
        assert!(who(&w, &pair.access).await.is_some());
    }
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let (seen, idle): (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as("select last_seen_at, idle_until from sessions").fetch_one(tx.conn()).await.expect("the session");
    assert_eq!((seen, idle), (w.clock.now(), w.clock.now() - TimeDelta::minutes(45) + TimeDelta::days(30)));
}
