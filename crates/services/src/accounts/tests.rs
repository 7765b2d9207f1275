//! Registration, confirmation, sign-in and sessions, against a real database and a clock we move.

mod profile;
mod reset;
mod tokens;

use super::*;
use crate::testing::World;
use crate::{Error as Inner, events};
use model::events::EventFilter;

const PASSWORD: &str = "correct-horse-7";

fn maya() -> Register {
    Register {
        name: "Maya Okafor".into(),
        email: "Maya@Harbor.example".into(),
        password: PASSWORD.into(),
        company_name: "Harbor Foods".into(),
        time_zone: String::new(),
    }
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

/// The token in the newest confirmation mail.
async fn mailed_token(db: &Db) -> String {
    let mails = mails::recent(db).await.expect("the mailbox");
    let (_, token) = mails[0].body.split_once("/confirm?token=").expect("a link");
    token.split_whitespace().next().expect("a token").to_owned()
}

async fn sign_in_as_maya(db: &Db, password: &str) -> Result<String> {
    sign_in(db, "maya@harbor.example", password, &laptop()).await
}

async fn caller(db: &Db, token: &str) -> Caller {
    resolve(db, token).await.expect("the database").expect("a living session")
}

#[tokio::test]
async fn a_company_starts_in_the_zone_of_its_browser_when_we_know_that_zone() {
    let w = World::new().await;
    for (email, named, starts) in [
        ("a@harbor.example", "America/New_York", "America/New_York"),
        ("b@harbor.example", "Mars/Olympus_Mons", "UTC"),
        ("c@harbor.example", "", "UTC"),
    ] {
        let form = Register { email: email.into(), time_zone: named.into(), ..maya() };
        register(&w.db, &form, &Client::default()).await.expect("registration");
        let token = sign_in(&w.db, email, PASSWORD, &laptop()).await.expect("signed in");
        let me = me(&w.db, &caller(&w.db, &token).await).await.expect("me");
        assert_eq!(me.time_zone, starts, "{named}");
    }
}

#[tokio::test]
async fn a_newcomer_registers_confirms_and_signs_in() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("unconfirmed people may sign in");
    let before = me(&w.db, &caller(&w.db, &token).await).await.expect("me");
    assert!(!before.confirmed);
    assert_eq!(before.company_type, None);
    assert_eq!(before.company_name, "Harbor Foods");
    assert_eq!(before.available, Some(model::credits::Credits::whole(20)));
    assert_eq!(before.received, before.available);
    assert_eq!(before.live_calls, 0);
    assert_eq!(before.companies.len(), 1);

    confirm(&w.db, &mailed_token(&w.db).await).await.expect("confirmation");
    let caller = caller(&w.db, &token).await;
    let mut tx = w.db.begin(&caller.actor).await.expect("begin");
    choose_type(&mut tx, CompanyType::Healthcare).await.expect("type");
    tx.commit().await.expect("commit");
    let after = me(&w.db, &caller).await.expect("me");
    assert!(after.confirmed);
    assert_eq!(after.company_type, Some(CompanyType::Healthcare));

    let mut tx = w.db.begin(&caller.actor).await.expect("begin");
    let kinds: Vec<_> = events::list(&mut tx, &EventFilter::default()).await.expect("events").items;
    for kind in [EventKind::CompanyRegistered, EventKind::UserConfirmed, EventKind::UserSignedIn, EventKind::CompanyTypeChosen] {
        assert!(kinds.iter().any(|e| e.kind == kind), "{kind} was not recorded");
    }
}

#[tokio::test]
async fn an_e_mail_is_taken_in_any_case() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let again = told(register(&w.db, &Register { email: " MAYA@harbor.EXAMPLE".into(), ..maya() }, &Client::default()).await);
    assert_eq!(again.of_field("email"), Some("An account with this e-mail exists. Sign in instead."));
}

#[tokio::test]
async fn a_refused_registration_leaves_nothing_behind() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    told(register(&w.db, &maya(), &Client::default()).await);
    let weak = told(
        register(&w.db, &Register { password: "short".into(), email: "x@y.example".into(), ..maya() }, &Client::default()).await,
    );
    assert!(weak.of_field("password").is_some());
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let counts: (i64, i64, i64) =
        sqlx::query_as("select (select count(*) from users), (select count(*) from companies), (select count(*) from mails)")
            .fetch_one(tx.conn())
            .await
            .expect("counts");
    assert_eq!(counts, (1, 1, 1));
}

#[tokio::test]
async fn two_registrations_with_one_e_mail_at_once_make_one_account() {
    let w = World::new().await;
    let form = maya();
    let from = laptop();
    let (a, b) = tokio::join!(register(&w.db, &form, &from), register(&w.db, &form, &from));
    assert_eq!(a.is_ok() as u8 + b.is_ok() as u8, 1);
}

#[tokio::test]
async fn a_confirmation_link_works_twice_but_not_after_two_days() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let link = mailed_token(&w.db).await;
    w.clock.advance(TimeDelta::hours(48));
    assert!(matches!(told(confirm(&w.db, &link).await), Error::Conflict { .. }));
    assert!(matches!(told(confirm(&w.db, "made up").await), Error::NotFound { .. }));

    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    let mut tx = w.db.begin(&caller(&w.db, &token).await.actor).await.expect("begin");
    resend_confirmation(&mut tx).await.expect("another mail");
    let fresh = mailed_token(&w.db).await;
    assert_ne!(fresh, link);
    confirm(&w.db, &fresh).await.expect("first");
    confirm(&w.db, &fresh).await.expect("second");
    let mut tx = w.db.begin(&caller(&w.db, &token).await.actor).await.expect("begin");
    assert!(matches!(told(resend_confirmation(&mut tx).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn confirmation_mails_are_limited_per_hour() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    let mut tx = w.db.begin(&caller(&w.db, &token).await.actor).await.expect("begin");
    w.clock.advance(TimeDelta::seconds(1));
    for _ in 1..CONFIRMATIONS_PER_HOUR_MAX {
        resend_confirmation(&mut tx).await.expect("another mail");
    }
    assert!(matches!(told(resend_confirmation(&mut tx).await), Error::RateLimited { .. }));
    w.clock.advance(TimeDelta::hours(1));
    resend_confirmation(&mut tx).await.expect("an hour later");
}

#[tokio::test]
async fn who_signs_in_with_nothing_is_asked_for_both() {
    let w = World::new().await;
    let empty = told(sign_in(&w.db, " ", "", &laptop()).await);
    assert_eq!(empty.of_field("email"), Some("Enter your e-mail address."));
    assert_eq!(empty.of_field("password"), Some("Enter your password."));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let wrong = told(sign_in_as_maya(&w.db, "wrong-horse-7").await);
    let unknown = told(sign_in(&w.db, "nobody@harbor.example", PASSWORD, &laptop()).await);
    assert_eq!(wrong, unknown);
    assert_eq!(wrong.of_field("password"), Some("E-mail and password do not match."));
}

#[tokio::test]
async fn five_failures_lock_an_e_mail_for_a_quarter_of_an_hour() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    for _ in 0..5 {
        assert!(matches!(told(sign_in_as_maya(&w.db, "wrong-horse-7").await), Error::Invalid { .. }));
    }
    w.clock.advance(TimeDelta::minutes(5));
    assert_eq!(told(sign_in_as_maya(&w.db, PASSWORD).await), Error::RateLimited { retry_seconds: 600 });
    w.clock.advance(TimeDelta::minutes(10));
    sign_in_as_maya(&w.db, PASSWORD).await.expect("the right password after the wait");
}

#[tokio::test]
async fn a_success_clears_the_failures_before_it() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    for _ in 0..3 {
        for _ in 0..4 {
            told(sign_in_as_maya(&w.db, "wrong-horse-7").await);
        }
        sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    }
}

#[tokio::test]
async fn fifty_failures_lock_an_address_for_every_e_mail() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let now = tx.now();
    for _ in 0..50 {
        repo::insert_failure(&mut tx, "ip:203.0.113.7", now).await.expect("insert");
    }
    tx.commit().await.expect("commit");
    assert!(matches!(told(sign_in_as_maya(&w.db, PASSWORD).await), Error::RateLimited { .. }));
    let elsewhere = Client { ip: "198.51.100.1".into(), ..laptop() };
    sign_in(&w.db, "maya@harbor.example", PASSWORD, &elsewhere).await.expect("another address");
}

#[tokio::test]
async fn an_idle_session_ends_and_a_used_one_lives_at_most_thirty_days() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let idle = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    w.clock.advance(TimeDelta::hours(12));
    assert!(resolve(&w.db, &idle).await.expect("resolve").is_none());

    let used = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    for _ in 0..65 {
        w.clock.advance(TimeDelta::hours(11));
        caller(&w.db, &used).await;
    }
    w.clock.advance(TimeDelta::hours(5));
    assert!(resolve(&w.db, &used).await.expect("resolve").is_none(), "30 days after sign-in");
}

#[tokio::test]
async fn a_session_is_written_at_most_once_a_minute() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    let seen = async || {
        let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
        let now = tx.now();
        repo::session(&mut tx, &digest(&token), now).await.expect("query").expect("session").last_seen_at
    };
    let first = seen().await;
    w.clock.advance(TimeDelta::seconds(59));
    caller(&w.db, &token).await;
    assert_eq!(seen().await, first);
    w.clock.advance(TimeDelta::seconds(1));
    caller(&w.db, &token).await;
    assert_eq!(seen().await, first + TimeDelta::seconds(60));
}

#[tokio::test]
async fn signing_out_ends_this_session_and_no_other() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let (laptop, phone) =
        (sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in"), sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in"));
    assert_ne!(laptop, phone);
    sign_out(&w.db, &laptop).await.expect("sign out");
    sign_out(&w.db, &laptop).await.expect("twice is fine");
    assert!(resolve(&w.db, &laptop).await.expect("resolve").is_none());
    caller(&w.db, &phone).await;
}

#[tokio::test]
async fn a_member_who_was_removed_is_nobody_at_once() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    sqlx::query("delete from members").execute(tx.conn()).await.expect("delete");
    tx.commit().await.expect("commit");
    assert!(resolve(&w.db, &token).await.expect("resolve").is_none());
}

#[tokio::test]
async fn neither_tokens_nor_passwords_are_stored() {
    let w = World::new().await;
    register(&w.db, &maya(), &Client::default()).await.expect("registration");
    let token = sign_in_as_maya(&w.db, PASSWORD).await.expect("sign in");
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let (hash, stored): (String, Vec<u8>) =
        sqlx::query_as("select u.password_hash, s.token_hash from users u join sessions s on s.user_id = u.id")
            .fetch_one(tx.conn())
            .await
            .expect("row");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_ne!(stored, token.as_bytes());
    assert_eq!(stored.len(), 32);
}

#[test]
fn the_cookie_is_read_back_and_other_names_are_not() {
    for dev in [true, false] {
        let set = Cookie::Session.set(Some("abc"), dev);
        let set = set.to_str().expect("text");
        assert_eq!(set.contains("; Secure"), !dev);
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"));
        let pair = set.split(';').next().expect("a pair");
        let mut headers = providers::HeaderMap::new();
        headers.insert("cookie", format!("a=b; {pair}; c=d").parse().expect("header"));
        assert_eq!(Cookie::Session.read(&headers, dev), Some("abc".to_owned()));
        assert_eq!(Cookie::Session.read(&headers, !dev), None);
    }
}

#[tokio::test]
async fn who_may_not_see_the_wallet_is_not_told_what_is_in_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let seen = async |actor: &Actor| {
        let token = w.session(actor).await;
        let me = me(&w.db, &caller(&w.db, &token).await).await.expect("me");
        (me.available, me.received)
    };
    let twenty = Some(model::credits::Credits::whole(20));
    assert_eq!(seen(&acme.actor).await, (twenty, twenty));
    for role in [Role::Operator, Role::Viewer] {
        assert_eq!(seen(&w.member(&acme, role).await).await, (None, None), "{role}");
    }
}

#[tokio::test]
async fn one_machine_registers_so_often_and_no_more() {
    let w = World::new().await;
    let key = format!("register-ip:{}", laptop().ip);
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    for _ in 1..REGISTRATIONS_PER_IP_MAX {
        count_try(&mut tx, &[(&key, REGISTRATIONS_PER_IP_MAX)]).await.expect("counted");
    }
    tx.commit().await.expect("commit");
    register(&w.db, &maya(), &laptop()).await.expect("the last one");
    let another = Register { email: "ines@harbor.example".into(), ..maya() };
    let refused = told(register(&w.db, &another, &laptop()).await);
    assert!(matches!(refused, Error::RateLimited { .. }), "{refused}");
    register(&w.db, &another, &Client::default()).await.expect("another machine");
}

#[tokio::test]
async fn a_password_that_is_changed_while_it_is_checked_lets_nobody_in() {
    let w = World::new().await;
    register(&w.db, &maya(), &laptop()).await.expect("registration");
    let mut other = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    sqlx::query("update users set password_hash = 'another'").execute(other.conn()).await.expect("changed, not committed");
    let changing = async {
        while !w.somebody_waits().await {
            tokio::task::yield_now().await;
        }
        other.commit().await.expect("commit");
    };
    let (entered, ()) = tokio::join!(sign_in_as_maya(&w.db, PASSWORD), changing);
    assert!(told(entered).of_field("password").is_some());
}
