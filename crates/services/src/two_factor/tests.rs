//! Codes: setting up, signing in, wrong ones, used ones, and companies that ask for them.

use super::*;
use crate::Error as Inner;
use crate::accounts::{Entry, finish, knock, resolve};
use crate::mails;
use crate::testing::World;
use model::accounts::{Bar, Register};

const EMAIL: &str = "maya@harbor.example";
const PASSWORD: &str = "correct-horse-7";

fn laptop() -> Client {
    Client { ip: "203.0.113.7".into(), user_agent: "Firefox".into() }
}

fn told<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result.expect_err("this should have been refused") {
        Inner::Told(told) => told,
        other => panic!("not meant for the caller: {other}"),
    }
}

async fn maya(w: &World) -> Caller {
    let form = Register {
        name: "Maya Okafor".into(),
        email: EMAIL.into(),
        password: PASSWORD.into(),
        company_name: "Harbor".into(),
        time_zone: String::new(),
    };
    accounts::register(&w.db, &form, &Client::default()).await.expect("registration");
    let token = accounts::sign_in(&w.db, EMAIL, PASSWORD, &laptop()).await.expect("sign in");
    resolve(&w.db, &token).await.expect("resolve").expect("a session")
}

/// What an app makes of the key it was shown, at the moment of the world's clock.
fn app(w: &World, shown: &Setup) -> String {
    let secret = Secret::try_from_base32(shown.secret.replace(' ', "")).expect("base32");
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().expect("totp");
    totp.generate(u64::try_from(w.clock.now().timestamp()).expect("after 1970")).to_string()
}

async fn begun(w: &World, me: &Caller) -> Setup {
    load(&w.db, me).await.expect("load").setup.expect("it is off")
}

/// Turns it on; returns what was shown.
async fn on(w: &World, me: &Caller) -> Setup {
    let shown = begun(w, me).await;
    turn_on(&w.db, me, PASSWORD, &app(w, &shown), &laptop()).await.expect("on");
    w.clock.advance(TimeDelta::seconds(60));
    shown
}

async fn half(w: &World) -> String {
    match knock(&w.db, EMAIL, PASSWORD, &laptop()).await.expect("the password is right") {
        Entry::Half(token) => token,
        Entry::In(_) => panic!("no code was asked for"),
    }
}

#[test]
fn codes_are_those_of_rfc_6238() {
    // Appendix B, SHA-1, the last six of its eight digits.
    let totp = totp(b"12345678901234567890").expect("totp");
    for (at, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
        assert_eq!(step_of(&totp, code, at), Some(at / 30), "{at}");
        assert_eq!(step_of(&totp, &format!("{} {}", &code[..3], &code[3..]), at), Some(at / 30), "as apps show it");
        assert_eq!(step_of(&totp, code, at + 30), Some(at / 30), "a clock may be half a minute late");
        assert_eq!(step_of(&totp, code, at + 90), None);
    }
    assert_eq!(step_of(&totp, "28708", 59), None);
}

#[tokio::test]
async fn the_picture_has_the_squares_of_its_code() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = begun(&w, &me).await;
    let url = format!("otpauth://totp/Belfry:maya%40harbor.example?secret={}&issuer=Belfry", shown.secret.replace(' ', ""));
    let qr = QrCode::encode_text(&url, QrCodeEcc::Medium).expect("a code");
    assert_eq!(shown.picture, path(&qr));
    assert_eq!(shown.width, qr.size() + 8);
    let dark: usize = shown
        .picture
        .split('h')
        .skip(1)
        .step_by(2)
        .map(|run| run.split('v').next().expect("v").parse::<usize>().expect("a run"))
        .sum();
    let squares = (0..qr.size()).flat_map(|y| (0..qr.size()).map(move |x| (x, y))).filter(|(x, y)| qr.get_module(*x, *y)).count();
    assert_eq!(dark, squares);
}

#[tokio::test]
async fn it_is_on_only_after_a_first_code_and_the_password() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = begun(&w, &me).await;
    assert_eq!(begun(&w, &me).await, shown, "reading the page again changes nothing");
    assert!(matches!(knock(&w.db, EMAIL, PASSWORD, &laptop()).await, Ok(Entry::In(_))), "not in force yet");
    let code = app(&w, &shown);
    assert!(told(turn_on(&w.db, &me, "wrong-horse-7", &code, &laptop()).await).of_field("password").is_some());
    assert!(told(turn_on(&w.db, &me, PASSWORD, "000000", &laptop()).await).of_field("code").is_some());
    turn_on(&w.db, &me, PASSWORD, &code, &laptop()).await.expect("on");
    let now = load(&w.db, &me).await.expect("load");
    assert!(now.on && now.setup.is_none(), "the key is shown no more");
    assert_eq!(now.codes_left, 10);
    assert!(matches!(told(turn_on(&w.db, &me, PASSWORD, &code, &laptop()).await), Error::Conflict { .. }));
    assert_eq!(mails::recent(&w.db).await.expect("mails").iter().filter(|m| m.subject.contains("turned on")).count(), 1);
    assert!(told(accounts::sign_in(&w.db, EMAIL, PASSWORD, &laptop()).await).to_string().contains("code"));
    assert!(resolve(&w.db, &half(&w).await).await.expect("resolve").is_none(), "half a sign-in is no session");
}

#[tokio::test]
async fn turning_it_on_ends_sessions_that_came_in_without_it() {
    let w = World::new().await;
    let me = maya(&w).await;
    let other = accounts::sign_in(&w.db, EMAIL, PASSWORD, &laptop()).await.expect("sign in");
    on(&w, &me).await;
    assert!(resolve(&w.db, &other).await.expect("resolve").is_none());
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = on(&w, &me).await;
    let code = app(&w, &shown);
    let (first, second, from) = (half(&w).await, half(&w).await, laptop());
    let (a, b) = tokio::join!(finish(&w.db, &first, &code, &from), finish(&w.db, &second, &code, &from));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
    let session = a.or(b).expect("one is in");
    assert!(resolve(&w.db, &session).await.expect("resolve").is_some());
    assert!(told(finish(&w.db, &half(&w).await, &code, &from).await).of_field("code").is_some(), "the same code again");
    w.clock.advance(TimeDelta::seconds(30));
    finish(&w.db, &half(&w).await, &app(&w, &shown), &from).await.expect("the next one");
}

#[tokio::test]
async fn the_code_that_turned_it_on_does_not_sign_in() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = begun(&w, &me).await;
    let code = app(&w, &shown);
    turn_on(&w.db, &me, PASSWORD, &code, &laptop()).await.expect("on");
    assert!(told(finish(&w.db, &half(&w).await, &code, &laptop()).await).of_field("code").is_some());
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_however_it_is_typed() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = on(&w, &me).await;
    assert_eq!(shown.codes.len(), 10);
    let typed = shown.codes[3].to_uppercase().replace('-', " ");
    finish(&w.db, &half(&w).await, &typed, &laptop()).await.expect("in");
    assert!(told(finish(&w.db, &half(&w).await, &shown.codes[3], &laptop()).await).of_field("code").is_some());
    assert_eq!(load(&w.db, &me).await.expect("load").codes_left, 9);
}

#[tokio::test]
async fn wrong_codes_are_counted_also_those_of_many_halves_at_once() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = on(&w, &me).await;
    let halves = [half(&w).await, half(&w).await];
    for n in 0..GUESSES_MAX {
        told(finish(&w.db, &halves[usize::try_from(n).expect("small") % 2], "000000", &laptop()).await);
    }
    let locked = told(finish(&w.db, &half(&w).await, &app(&w, &shown), &laptop()).await);
    assert!(matches!(locked, Error::RateLimited { .. }), "{locked}");
    w.clock.advance(TimeDelta::minutes(15));
    finish(&w.db, &half(&w).await, &app(&w, &shown), &laptop()).await.expect("a quarter of an hour later");
}

#[tokio::test]
async fn the_first_half_waits_five_minutes() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = on(&w, &me).await;
    let half = half(&w).await;
    w.clock.advance(TimeDelta::minutes(5));
    assert_eq!(told(finish(&w.db, &half, &app(&w, &shown), &laptop()).await), Error::Unauthenticated);
    assert_eq!(told(finish(&w.db, "made up", &app(&w, &shown), &laptop()).await), Error::Unauthenticated);
}

#[tokio::test]
async fn a_new_password_ends_halves_that_know_the_old_one() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = on(&w, &me).await;
    let half = half(&w).await;
    accounts::profile::change_password(&w.db, &me, PASSWORD, "better-horse-8", &laptop()).await.expect("changed");
    assert_eq!(told(finish(&w.db, &half, &app(&w, &shown), &laptop()).await), Error::Unauthenticated);
}

#[tokio::test]
async fn neither_key_nor_recovery_codes_can_be_read_from_the_database() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = begun(&w, &me).await;
    let key = Secret::try_from_base32(shown.secret.replace(' ', "")).expect("base32");
    let read = async || {
        let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
        let row: (Vec<u8>, Option<Vec<u8>>) =
            sqlx::query_as("select secret, codes from two_factors").fetch_one(tx.conn()).await.expect("a row");
        row
    };
    let (secret, codes) = read().await;
    assert!(!secret.windows(20).any(|part| part == key.as_ref()) && codes.is_some());
    turn_on(&w.db, &me, PASSWORD, &app(&w, &shown), &laptop()).await.expect("on");
    assert_eq!(read().await.1, None, "only hashes are left of the codes");
}

#[tokio::test]
async fn a_company_that_requires_it_bars_who_has_none_until_they_do() {
    let w = World::new().await;
    let me = maya(&w).await;
    let mut tx = w.db.begin(&me.actor).await.expect("begin");
    assert!(told(require(&mut tx, true).await).to_string().contains("your own"));
    drop(tx);
    on(&w, &me).await;
    let mut tx = w.db.begin(&me.actor).await.expect("begin");
    require(&mut tx, true).await.expect("required");
    tx.commit().await.expect("commit");

    let someone = crate::testing::Someone { company: me.actor.company(), actor: me.actor.clone() };
    let viewer = w.member(&someone, model::accounts::Role::Viewer).await;
    let token = w.session(&viewer).await;
    let barred = resolve(&w.db, &token).await.expect("resolve").expect("a session");
    assert_eq!(barred.barred, Some(Bar::TwoFactor));
    assert_eq!(accounts::me(&w.db, &barred).await.expect("me").barred, Some(Bar::TwoFactor));
    let mut tx = w.db.begin(&viewer).await.expect("begin");
    assert!(matches!(told(require(&mut tx, false).await), Error::Forbidden { .. }));
    drop(tx);
    // Their password is no real one, so it is written down for them.
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    let hash = accounts::hash_password(&w.db, PASSWORD).await.expect("hash");
    sqlx::query("update users set password_hash = $1 where id = $2")
        .bind(hash)
        .bind(barred.user)
        .execute(tx.conn())
        .await
        .expect("set");
    tx.commit().await.expect("commit");
    on(&w, &barred).await;
    assert!(resolve(&w.db, &token).await.expect("resolve").expect("a session").barred.is_none());
    assert!(matches!(told(turn_off(&w.db, &barred, PASSWORD, &laptop()).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn turning_it_off_needs_the_password_and_leaves_nothing() {
    let w = World::new().await;
    let me = maya(&w).await;
    assert!(matches!(told(turn_off(&w.db, &me, PASSWORD, &laptop()).await), Error::Conflict { .. }));
    let before = on(&w, &me).await;
    assert!(told(turn_off(&w.db, &me, "wrong-horse-7", &laptop()).await).of_field("password").is_some());
    turn_off(&w.db, &me, PASSWORD, &laptop()).await.expect("off");
    accounts::sign_in(&w.db, EMAIL, PASSWORD, &laptop()).await.expect("the password alone");
    let again = begun(&w, &me).await;
    assert!(again.secret != before.secret && again.codes != before.codes, "a new key and new codes");
}

#[tokio::test]
async fn it_stays_while_any_company_of_the_user_asks_for_it() {
    let w = World::new().await;
    let me = maya(&w).await;
    on(&w, &me).await;
    let other = w.company("quay").await;
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    accounts::join(&mut tx, other.company, me.user, model::accounts::Role::Viewer).await.expect("a member there too");
    tx.commit().await.expect("commit");
    w.require_second_factor(other.company).await;
    assert!(matches!(told(turn_off(&w.db, &me, PASSWORD, &laptop()).await), Error::Conflict { .. }));
    assert!(load(&w.db, &me).await.expect("load").required);
}

#[tokio::test]
async fn nobody_turns_it_off_inside_somebody_elses_company() {
    let w = World::new().await;
    let me = maya(&w).await;
    on(&w, &me).await;
    let visiting = Caller { acting: true, ..me.clone() };
    assert!(matches!(told(turn_off(&w.db, &visiting, PASSWORD, &laptop()).await), Error::Conflict { .. }));
    assert!(load(&w.db, &me).await.expect("load").on);
}

#[tokio::test]
async fn a_sign_in_that_waits_for_a_code_begins_anew_when_none_is_asked_for_any_more() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = on(&w, &me).await;
    let half = half(&w).await;
    turn_off(&w.db, &me, PASSWORD, &laptop()).await.expect("off");
    assert_eq!(told(finish(&w.db, &half, &app(&w, &shown), &laptop()).await), Error::Unauthenticated);
}

/// Runs `work` against somebody who holds the user, and tries for the second factor while it waits.
async fn takes_the_user_first<T>(w: &World, me: &Caller, work: impl Future<Output = T>) -> T {
    let mut other = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    accounts::lock_user(&mut other, me.user).await.expect("the user");
    let holding = async {
        while !w.somebody_waits().await {
            tokio::task::yield_now().await;
        }
        sqlx::query("select 1 from two_factors where user_id = $1 for update nowait")
            .bind(me.user)
            .execute(other.conn())
            .await
            .expect("whoever waits for the user does not hold the second factor");
        other.commit().await.expect("commit");
    };
    tokio::join!(work, holding).0
}

#[tokio::test]
async fn the_user_is_locked_before_the_second_factor() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = begun(&w, &me).await;
    let code = app(&w, &shown);
    takes_the_user_first(&w, &me, turn_on(&w.db, &me, PASSWORD, &code, &laptop())).await.expect("on");
    w.clock.advance(TimeDelta::seconds(60));
    let (half, code) = (half(&w).await, app(&w, &shown));
    takes_the_user_first(&w, &me, finish(&w.db, &half, &code, &laptop())).await.expect("in");
    takes_the_user_first(&w, &me, turn_off(&w.db, &me, PASSWORD, &laptop())).await.expect("off");
}

#[tokio::test]
async fn recovery_codes_let_one_in_when_the_secret_key_is_lost() {
    let w = World::new().await;
    let me = maya(&w).await;
    let shown = on(&w, &me).await;
    // As if it was sealed under a key that nobody has any more.
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    sqlx::query("update two_factors set secret = substr(secret, 1, 1) || '\\x00000000'::bytea || substr(secret, 6)")
        .execute(tx.conn())
        .await
        .expect("update");
    tx.commit().await.expect("commit");
    let code = half(&w).await;
    assert!(finish(&w.db, &code, &app(&w, &shown), &laptop()).await.is_err(), "the app's key is lost");
    let wrong = told(finish(&w.db, &code, "aaaa-aaaa-aaaa-aaaa", &laptop()).await);
    assert!(wrong.of_field("code").is_some(), "{wrong:?}");
    let token = finish(&w.db, &code, &shown.codes[3], &laptop()).await.expect("a recovery code");
    let me = resolve(&w.db, &token).await.expect("resolve").expect("a session");
    assert_eq!(load(&w.db, &me).await.expect("the page opens").codes_left, 9);
    turn_off(&w.db, &me, PASSWORD, &laptop()).await.expect("and it is set up anew");
    on(&w, &me).await;
}
