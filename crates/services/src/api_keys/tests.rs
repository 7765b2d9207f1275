//! Keys at the door: whose, from where, how long, and what they may never do.

use super::*;
use crate::Error as Inner;
use crate::testing::{Someone, World};
use crate::{clients, contacts, events, team, two_factor};
use model::accounts::Role;
use model::contacts::{ContactFilter, ContactForm};
use model::events::EventFilter;

const HERE: &str = "203.0.113.7";

fn form(scopes: &[Scope]) -> ApiKeyForm {
    ApiKeyForm { name: "CRM sync".into(), scopes: scopes.to_vec(), ..ApiKeyForm::default() }
}

fn told<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result.expect_err("this should have been refused") {
        Inner::Told(told) => told,
        other => panic!("not meant for the caller: {other}"),
    }
}

async fn made(w: &World, by: &Actor, form: &ApiKeyForm) -> NewApiKey {
    let mut tx = w.db.begin(by).await.expect("begin");
    let key = create(&mut tx, form).await.expect("a key");
    tx.commit().await.expect("commit");
    key
}

async fn opens(w: &World, secret: &str) -> bool {
    resolve(&w.db, secret, HERE).await.expect("database").is_some()
}

async fn holder(w: &World, secret: &str) -> Holder {
    resolve(&w.db, secret, HERE).await.expect("database").expect("a key in force")
}

async fn row(w: &World, of: &Someone) -> ApiKeyRow {
    list(&mut w.tx(of).await).await.expect("keys").remove(0)
}

#[tokio::test]
async fn a_key_is_shown_once_and_opens_its_company() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let key = made(&w, &acme.actor, &form(&[Scope::Read, Scope::Read])).await;
    assert!(key.secret.starts_with("bfk_") && key.secret.len() == SECRET_LENGTH);
    let row = row(&w, &acme).await;
    assert_eq!((row.id, row.state, row.scopes.as_slice()), (key.id, ApiKeyState::Active, &[Scope::Read][..]));
    assert!(key.secret.starts_with(&row.hint) && row.hint.len() == HINT_LENGTH);
    let stored: String = sqlx::query_scalar("select to_jsonb(k)::text from api_keys k")
        .fetch_one(w.tx(&acme).await.conn())
        .await
        .expect("the row");
    assert!(!stored.contains(&key.secret[HINT_LENGTH..]), "the secret is not in the database");
    let holder = holder(&w, &key.secret).await;
    assert_eq!((holder.id, holder.actor.company(), holder.barred), (key.id, acme.company, None));
    assert_eq!(holder.actor.name(), "CRM sync (API key)");
}

#[tokio::test]
async fn what_is_no_key_opens_nothing() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let key = made(&w, &acme.actor, &form(&[Scope::Read])).await;
    let other = format!("{PREFIX}{}", "A".repeat(43));
    for text in ["", "bfk_", &key.secret[4..], &key.secret[..46], &format!("{}A", key.secret), &other, &row(&w, &acme).await.hint]
    {
        assert!(!opens(&w, text).await, "{text}");
    }
}

#[tokio::test]
async fn a_key_may_what_its_scopes_name_and_nothing_else() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let key = made(&w, &acme.actor, &form(&[Scope::Read])).await;
    let actor = holder(&w, &key.secret).await.actor;
    let mut tx = w.db.begin(&actor).await.expect("begin");
    contacts::list(&mut tx, &ContactFilter::default()).await.expect("it may read");
    let new = ContactForm { name: "Sam".into(), phone: "+12025550143".into(), ..ContactForm::default() };
    assert!(matches!(told(contacts::create(&mut tx, &new).await), Error::Forbidden { .. }));
    assert!(matches!(told(create(&mut tx, &form(&[Scope::Read])).await), Error::Forbidden { .. }), "no key makes keys");
    let all = made(&w, &acme.actor, &form(Scope::ALL)).await;
    let actor = holder(&w, &all.secret).await.actor;
    for p in Permission::ALL {
        assert_eq!(actor.may(*p), Scope::any_may(Scope::ALL, *p) && acme.actor.may(*p), "{p}");
    }
    let me = actor.user.as_ref().expect("its maker").id;
    assert!(matches!(told(team::remove(&w.db, &actor, me).await), Error::Forbidden { .. }), "a key takes nobody out");
}

#[tokio::test]
async fn a_key_never_may_more_than_its_maker() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let deputy = w.member(&acme, Role::CompanyAdmin).await;
    let key = made(&w, &deputy, &form(&[Scope::Read, Scope::Campaigns, Scope::Wallet])).await;
    assert!(holder(&w, &key.secret).await.actor.may(Permission::ManageCampaigns));
    let user = deputy.user.as_ref().expect("a person").id;
    team::set_role(&w.db, &acme.actor, user, Role::Viewer).await.expect("a smaller role");
    let actor = holder(&w, &key.secret).await.actor;
    assert!(actor.may(Permission::ViewCampaigns));
    assert!(!actor.may(Permission::ManageCampaigns) && !actor.may(Permission::ViewWallet));
    for role in [Role::Operator, Role::Viewer] {
        let member = w.member(&acme, role).await;
        let mut tx = w.db.begin(&member).await.expect("begin");
        assert!(matches!(told(create(&mut tx, &form(&[Scope::Read])).await), Error::Forbidden { .. }), "{role}");
        assert!(matches!(told(list(&mut tx).await), Error::Forbidden { .. }), "{role}");
    }
}

#[tokio::test]
async fn a_key_ends_with_its_membership_and_does_not_come_back() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let deputy = w.member(&acme, Role::CompanyAdmin).await;
    let key = made(&w, &deputy, &form(&[Scope::Read])).await;
    let user = deputy.user.as_ref().expect("a person").id;
    team::remove(&w.db, &acme.actor, user).await.expect("removed");
    assert!(!opens(&w, &key.secret).await);
    let mut tx = w.db.begin_system(SystemTask::SignIn).await.expect("begin");
    crate::accounts::join(&mut tx, acme.company, user, Role::CompanyAdmin).await.expect("back again");
    tx.commit().await.expect("commit");
    assert!(!opens(&w, &key.secret).await, "with the next invite comes no old key");
    assert_eq!(row(&w, &acme).await.state, ApiKeyState::Revoked);
}

#[tokio::test]
async fn a_key_ends_with_the_access_of_whoever_made_it() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let deputy = w.member(&acme, Role::CompanyAdmin).await;
    let key = made(&w, &deputy, &form(&[Scope::Read])).await;
    let user = deputy.user.as_ref().expect("a person").id;
    team::access::deactivate(&w.db, &acme.actor, user).await.expect("deactivated");
    assert!(!opens(&w, &key.secret).await);
    team::access::reactivate(&w.db, &acme.actor, user).await.expect("reactivated");
    assert!(!opens(&w, &key.secret).await, "they make a new one");
    assert_eq!(row(&w, &acme).await.state, ApiKeyState::Revoked);
}

#[tokio::test]
async fn a_key_works_until_it_expires_and_until_it_is_revoked() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let short = made(&w, &acme.actor, &ApiKeyForm { days: "1".into(), ..form(&[Scope::Read]) }).await;
    w.clock.advance(TimeDelta::days(1) - TimeDelta::seconds(1));
    assert!(opens(&w, &short.secret).await);
    w.clock.advance(TimeDelta::seconds(1));
    assert!(!opens(&w, &short.secret).await);
    assert_eq!(row(&w, &acme).await.state, ApiKeyState::Expired);
    let mut tx = w.tx(&acme).await;
    assert!(matches!(told(rotate(&mut tx, short.id, 1).await), Error::Conflict { .. }), "what is over is not revived");
    let key = create(&mut tx, &form(&[Scope::Read])).await.expect("a key");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    revoke(&mut tx, key.id).await.expect("revoked");
    revoke(&mut tx, key.id).await.expect("again");
    tx.commit().await.expect("commit");
    assert!(!opens(&w, &key.secret).await);
}

#[tokio::test]
async fn a_key_is_taken_from_its_addresses_only() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let form = ApiKeyForm { addresses: "203.0.113.0/28, 2001:db8::/32".into(), ..form(&[Scope::Read]) };
    let key = made(&w, &acme.actor, &form).await;
    for (address, taken) in
        [(HERE, true), ("203.0.113.16", false), ("2001:db8::7", true), ("::ffff:203.0.113.3", true), ("", false), ("x", false)]
    {
        assert_eq!(resolve(&w.db, &key.secret, address).await.expect("database").is_some(), taken, "{address}");
    }
}

#[tokio::test]
async fn a_rotated_key_works_with_both_secrets_for_a_while() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let first = made(&w, &acme.actor, &form(&[Scope::Read])).await;
    let turn = async |hours| {
        let mut tx = w.tx(&acme).await;
        let key = rotate(&mut tx, first.id, hours).await.expect("rotated");
        tx.commit().await.expect("commit");
        key
    };
    let second = turn(2).await;
    assert_eq!(second.id, first.id);
    assert!(opens(&w, &first.secret).await && opens(&w, &second.secret).await);
    assert!(row(&w, &acme).await.old_until.is_some());
    w.clock.advance(TimeDelta::hours(2));
    assert!(!opens(&w, &first.secret).await && opens(&w, &second.secret).await);
    let third = turn(5).await;
    let fourth = turn(5).await;
    assert!(!opens(&w, &second.secret).await, "the one before the last stops at once");
    assert!(opens(&w, &third.secret).await && opens(&w, &fourth.secret).await);
    let fifth = turn(0).await;
    assert!(!opens(&w, &fourth.secret).await && opens(&w, &fifth.secret).await, "without an overlap");
    let mut tx = w.tx(&acme).await;
    for hours in [-1, OVERLAP_HOURS_MAX + 1] {
        assert!(told(rotate(&mut tx, first.id, hours).await).of_field("hours").is_some(), "{hours}");
    }
    rotate(&mut tx, first.id, OVERLAP_HOURS_MAX).await.expect("the longest overlap");
    revoke(&mut tx, first.id).await.expect("revoked");
    tx.commit().await.expect("commit");
    assert!(!opens(&w, &fifth.secret).await, "revoking ends the old secret too");
}

#[tokio::test]
async fn the_use_of_a_key_is_written_once_a_minute() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let key = made(&w, &acme.actor, &form(&[Scope::Read])).await;
    assert_eq!(row(&w, &acme).await.last_used_at, None);
    holder(&w, &key.secret).await;
    let first = row(&w, &acme).await;
    assert_eq!((first.last_used_at.map(|m| m.at), first.last_used_from.as_str()), (Some(w.clock.now()), HERE));
    w.clock.advance(TimeDelta::seconds(59));
    holder(&w, &key.secret).await;
    assert_eq!(row(&w, &acme).await.last_used_at, first.last_used_at, "reading should not write");
    w.clock.advance(TimeDelta::seconds(1));
    holder(&w, &key.secret).await;
    assert_eq!(row(&w, &acme).await.last_used_at.map(|m| m.at), Some(w.clock.now()));
}

#[tokio::test]
async fn a_suspended_company_and_one_that_asks_for_codes_bar_their_keys() {
    let w = World::new().await;
    let (acme, platform) = (w.company("acme").await, w.company("platform").await);
    let boss = w.member(&platform, Role::SuperAdmin).await;
    let key = made(&w, &acme.actor, &form(&[Scope::Read])).await;
    clients::suspend(&w.db, &boss, acme.company, "unpaid").await.expect("suspended");
    assert_eq!(holder(&w, &key.secret).await.barred, Some(Bar::Suspended));
    clients::reinstate(&w.db, &boss, acme.company).await.expect("reinstated");
    assert_eq!(holder(&w, &key.secret).await.barred, None);
    w.require_second_factor(acme.company).await;
    assert_eq!(holder(&w, &key.secret).await.barred, Some(Bar::TwoFactor), "its maker has none");
    let mut tx = w.tx(&acme).await;
    two_factor::require(&mut tx, false).await.expect("again everybody");
    tx.commit().await.expect("commit");
    assert_eq!(holder(&w, &key.secret).await.barred, None);
}

#[tokio::test]
async fn another_company_sees_and_changes_no_key() {
    let w = World::new().await;
    let (acme, other) = (w.company("acme").await, w.company("other").await);
    let key = made(&w, &acme.actor, &form(&[Scope::Read])).await;
    let mut tx = w.tx(&other).await;
    assert_eq!(list(&mut tx).await.expect("its own"), vec![]);
    let random = ApiKeyId::from(uuid::Uuid::from_u128(7));
    assert_eq!(told(rotate(&mut tx, key.id, 1).await), told(rotate(&mut tx, random, 1).await));
    assert_eq!(told(revoke(&mut tx, key.id).await), told(revoke(&mut tx, random).await));
    drop(tx);
    assert!(opens(&w, &key.secret).await);
}

#[tokio::test]
async fn somebody_who_is_no_member_makes_no_key() {
    let w = World::new().await;
    let (acme, platform) = (w.company("acme").await, w.company("platform").await);
    let boss = w.member(&platform, Role::SuperAdmin).await;
    let visitor = Actor { company: acme.company, ..boss };
    let mut tx = w.db.begin(&visitor).await.expect("begin");
    assert!(matches!(told(create(&mut tx, &form(&[Scope::Read])).await), Error::Conflict { .. }));
}

#[tokio::test]
async fn a_company_has_fifty_keys_and_not_one_more() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut tx = w.tx(&acme).await;
    for _ in 0..KEYS_MAX {
        create(&mut tx, &form(&[Scope::Read])).await.expect("a key");
    }
    assert!(matches!(told(create(&mut tx, &form(&[Scope::Read])).await), Error::Conflict { .. }));
    let first = list(&mut tx).await.expect("keys").remove(0).id;
    revoke(&mut tx, first).await.expect("revoked");
    create(&mut tx, &form(&[Scope::Read])).await.expect("room for one");
}

#[tokio::test]
async fn every_change_of_a_key_is_an_event_and_none_tells_the_secret() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let key = made(&w, &acme.actor, &form(&[Scope::Read, Scope::Calling])).await;
    let mut tx = w.tx(&acme).await;
    let next = rotate(&mut tx, key.id, 24).await.expect("rotated");
    revoke(&mut tx, key.id).await.expect("revoked");
    tx.commit().await.expect("commit");
    let filter = EventFilter { subject: Some(key.id.to_string()), ..EventFilter::default() };
    let events = events::list(&mut w.tx(&acme).await, &filter).await.expect("events").items;
    let mut kinds: Vec<_> = events.iter().map(|e| e.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["key.created", "key.revoked", "key.rotated"]);
    assert!(events.iter().any(|e| e.text == "CRM sync may: read, calling"));
    for secret in [&key.secret, &next.secret] {
        assert!(events.iter().all(|e| !e.text.contains(&secret[4..])));
    }
}
