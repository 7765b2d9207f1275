//! Gateways as forms make them: keys masked, kept and counted, and walls between companies. The network is elsewhere:
//! `server/tests/it/campaigns.rs` connects every kind.

use super::*;
use crate::actor::SystemTask;
use crate::testing::{Someone, World};
use model::accounts::Role;
use model::gateways::GatewayForm;

fn real(kind: ProviderKind) -> GatewayForm {
    GatewayForm {
        name: format!("Our {}", kind.label()),
        kind,
        sandbox: false,
        account: "AC_ours".into(),
        secret: "sk_live_0123456789abcdef".into(),
        concurrency_max: 7,
        calls_per_second: 2,
        ..GatewayForm::default()
    }
}

async fn connect(w: &World, acme: &Someone, form: &GatewayForm) -> GatewayId {
    let mut tx = w.tx(acme).await;
    let id = create(&mut tx, form).await.expect("connected");
    tx.commit().await.expect("commit");
    id
}

async fn keys_version(w: &World, id: GatewayId) -> i32 {
    let mut tx = w.db.begin_system(SystemTask::RouteCallback).await.expect("begin");
    sqlx::query_scalar("select keys_version from gateways where id = $1").bind(id).fetch_one(tx.conn()).await.expect("one")
}

#[tokio::test]
async fn every_kind_is_connected_with_a_masked_key_and_slots_of_its_own() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for kind in ProviderKind::ALL.iter().copied() {
        let id = connect(&w, &acme, &real(kind)).await;
        let mut tx = w.tx(&acme).await;
        let seen = load(&mut tx, id).await.expect("loaded");
        assert_eq!((seen.row.kind, seen.row.sandbox, seen.row.concurrency_max), (kind, false, 7));
        assert_eq!(seen.secret, "••••••••cdef");
        assert!(!format!("{seen:?}").contains("0123456789"), "no key leaves: {seen:?}");
        let stored = dialer::gateway_for_reading(&mut tx, id).await.expect("stored");
        assert_eq!(stored.account.base_url, providers::base_url(kind));
        assert_eq!(stored.account.webhook_secret.is_some(), makes_webhook_secret(kind), "{kind}");
        assert!(seen.news_url.contains(&format!("/hooks/{kind}/{id}")), "{}", seen.news_url);
        let slots: i32 = sqlx::query_scalar("select cap from capacity where scope = 'gateway' and ref = $1")
            .bind(id)
            .fetch_one(tx.conn())
            .await
            .expect("slots");
        assert_eq!(slots, 7);
    }
    let mut tx = w.tx(&acme).await;
    assert_eq!(list(&mut tx).await.expect("listed").len(), 1 + ProviderKind::ALL.len());
}

#[tokio::test]
async fn a_sandbox_has_an_account_of_its_own_and_takes_no_key() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    for kind in ProviderKind::ALL.iter().copied() {
        let form = GatewayForm { name: "Try".into(), kind, ..GatewayForm::default() };
        let (one, other) = (connect(&w, &acme, &form).await, connect(&w, &acme, &form).await);
        let mut tx = w.tx(&acme).await;
        let one = dialer::gateway_for_reading(&mut tx, one).await.expect("one");
        let other = dialer::gateway_for_reading(&mut tx, other).await.expect("other");
        assert_eq!(one.account.base_url, w.db.config().sandbox_url);
        assert_ne!(one.account.secret.expose_secret(), other.account.secret.expose_secret(), "{kind}");
    }
}

#[tokio::test]
async fn an_empty_key_stays_what_it_was_and_every_change_counts_a_version_up() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = connect(&w, &acme, &real(ProviderKind::Retell)).await;
    let before = keys_version(&w, id).await;
    let mut tx = w.tx(&acme).await;
    // Neither provider nor sandbox can be changed: its calls and numbers would lead nowhere.
    let form = GatewayForm { secret: String::new(), name: "Renamed".into(), sandbox: true, ..real(ProviderKind::Vapi) };
    edit(&mut tx, id, &form).await.expect("edited");
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let seen = load(&mut tx, id).await.expect("loaded");
    assert_eq!((seen.row.name.as_str(), seen.row.kind, seen.row.sandbox), ("Renamed", ProviderKind::Retell, false));
    assert_eq!(seen.secret, "••••••••cdef", "the key is kept");
    drop(tx);
    assert_eq!(keys_version(&w, id).await, before + 1, "whoever remembers a key looks again");
}

#[tokio::test]
async fn roles_and_other_companies_find_nothing() {
    let w = World::new().await;
    let (acme, other) = (w.company("acme").await, w.company("other").await);
    let id = connect(&w, &acme, &real(ProviderKind::Vapi)).await;
    let operator = w.member(&acme, Role::Operator).await;
    let mut tx = w.db.begin(&operator).await.expect("begin");
    assert!(matches!(load(&mut tx, id).await, Err(crate::Error::Told(model::Error::Forbidden { .. }))));
    assert!(matches!(create(&mut tx, &real(ProviderKind::Vapi)).await, Err(crate::Error::Told(model::Error::Forbidden { .. }))));
    assert!(matches!(test(&w.db, &operator, id).await, Err(crate::Error::Told(model::Error::Forbidden { .. }))));
    let mut tx = w.tx(&other).await;
    for answer in [
        load(&mut tx, id).await.map(drop),
        edit(&mut tx, id, &real(ProviderKind::Vapi)).await,
        add_number(&mut tx, id, "+12025550123", "").await,
        test(&w.db, &other.actor, id).await.map(drop),
        listed_numbers(&w.db, &other.actor, id).await.map(drop),
    ] {
        assert!(matches!(&answer, Err(crate::Error::Told(model::Error::NotFound { .. }))), "{answer:?}");
    }
}

#[tokio::test]
async fn numbers_are_typed_in_only_where_the_provider_does_not_know_them_by_an_id() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let maqsam = connect(&w, &acme, &real(ProviderKind::Maqsam)).await;
    let vapi = connect(&w, &acme, &real(ProviderKind::Vapi)).await;
    let mut tx = w.tx(&acme).await;
    add_number(&mut tx, maqsam, " +971501234567 ", "Dubai").await.expect("added");
    for (gateway, phone) in [(maqsam, "+971501234567"), (maqsam, "call me"), (vapi, "+971501234567")] {
        assert!(add_number(&mut tx, gateway, phone, "").await.is_err(), "{phone}");
    }
    let rows = crate::numbers::list(&mut tx).await.expect("numbers");
    let dubai = rows.iter().find(|row| row.phone == "+971501234567").expect("there");
    assert_eq!((dubai.gateway, dubai.concurrency_max, dubai.label.as_str()), (maqsam, 7, "Dubai"));
}

#[tokio::test]
async fn a_test_call_is_a_campaign_of_one_with_all_its_walls() {
    let w = World::new().await;
    let (acme, other) = (w.company("acme").await, w.company("other").await);
    w.drafted(&acme, 3, |_| {}).await;
    let mut tx = w.tx(&acme).await;
    let gateway = list(&mut tx).await.expect("gateways")[0].id;
    let (agent, _) = repo::callers(&mut tx).await.expect("agents").remove(0);
    let campaign = crate::campaigns::test_call(&mut tx, gateway, agent, "(212) 555-0001").await.expect("launched");
    let seen = crate::campaigns::load(&mut tx, campaign).await.expect("campaign");
    assert_eq!((seen.progress.contacts, seen.form.gateway, seen.form.retries.attempts_max), (1, Some(gateway), 1));
    assert!(!seen.form.name.contains("5550001"), "a viewer reads it: {}", seen.form.name);
    tx.commit().await.expect("commit");
    // Whoever asked not to be called is not called for a test either.
    let mut tx = w.tx(&acme).await;
    crate::suppressions::add(&mut tx, "+12125550002", "asked").await.expect("added");
    let answer = crate::campaigns::test_call(&mut tx, gateway, agent, "+12125550002").await;
    assert!(matches!(&answer, Err(crate::Error::Told(model::Error::Conflict { .. }))), "{answer:?}");
    for phone in ["", "call me"] {
        let answer = crate::campaigns::test_call(&mut tx, gateway, agent, phone).await;
        assert!(matches!(&answer, Err(crate::Error::Told(model::Error::Invalid { .. }))), "{answer:?}");
    }
    let mut tx = w.tx(&other).await;
    assert!(crate::campaigns::test_call(&mut tx, gateway, agent, "+12125550001").await.is_err(), "another company's gateway");
}

#[tokio::test]
async fn an_account_is_not_changed_under_calls_that_are_out() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let campaign = w.launched(&acme, 1, |_| {}).await;
    let mut tx = w.db.begin(&w.engine(acme.company)).await.expect("begin");
    assert_eq!(crate::dialer::plan(&mut tx, campaign, campaign.uuid()).await.expect("planned").dials.len(), 1);
    tx.commit().await.expect("commit");
    let mut tx = w.tx(&acme).await;
    let id = list(&mut tx).await.expect("gateways")[0].id;
    sqlx::query("update gateways set sandbox = false").execute(tx.conn()).await.expect("made real");
    tx.commit().await.expect("commit");
    let stored = dialer::gateway_for_reading(&mut w.tx(&acme).await, id).await.expect("stored");
    let renamed = GatewayForm { account: stored.account.id.clone(), secret: String::new(), ..real(ProviderKind::Twilio) };
    let mut tx = w.tx(&acme).await;
    edit(&mut tx, id, &renamed).await.expect("a name may change at any time");
    tx.commit().await.expect("commit");
    for other in [
        GatewayForm { secret: "another".into(), ..renamed.clone() },
        GatewayForm { account: "AC_another".into(), ..renamed.clone() },
        GatewayForm { base_url: "https://api.example.com".into(), ..renamed.clone() },
    ] {
        let answer = edit(&mut w.tx(&acme).await, id, &other).await;
        assert!(matches!(&answer, Err(crate::Error::Told(model::Error::Conflict { .. }))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_new_company_sets_up_nothing_of_another() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = connect(&w, &acme, &real(ProviderKind::Retell)).await;
    w.company("other").await;
    let mut tx = w.tx(&acme).await;
    assert!(load(&mut tx, id).await.expect("loaded").is_pending);
    assert_eq!(trouble(&mut tx, id).await.expect("trouble").as_deref(), Some("It is still being set up."));
}

#[tokio::test]
async fn saving_tries_again_what_could_not_be_set_up() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = connect(&w, &acme, &real(ProviderKind::Retell)).await;
    let asked = async || -> i64 {
        sqlx::query_scalar("select count(*) from apalis.jobs where job_type = $1")
            .bind(<SetUpGateway as crate::jobs::Job>::QUEUE)
            .fetch_one(w.db.system_pool())
            .await
            .expect("count")
    };
    let save = async |problem: Option<&str>| {
        let mut tx = w.tx(&acme).await;
        repo::note_set_up(&mut tx, id, problem).await.expect("noted");
        edit(&mut tx, id, &GatewayForm { secret: String::new(), ..real(ProviderKind::Retell) }).await.expect("saved");
        tx.commit().await.expect("commit");
    };
    let first = asked().await;
    save(Some("Retell AI refuses: no.")).await;
    assert_eq!(asked().await, first + 1);
    save(None).await;
    assert_eq!(asked().await, first + 1, "what is set up stays as it is");
}

#[tokio::test]
async fn numbers_have_as_many_slots_as_their_gateway() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = connect(&w, &acme, &real(ProviderKind::Maqsam)).await;
    let mut tx = w.tx(&acme).await;
    add_number(&mut tx, id, "+971501234567", "Dubai").await.expect("added");
    edit(&mut tx, id, &GatewayForm { concurrency_max: 90, ..real(ProviderKind::Maqsam) }).await.expect("saved");
    let rows = crate::numbers::list(&mut tx).await.expect("numbers");
    let caps: Vec<_> = rows.iter().map(|row| (row.gateway == id, row.concurrency_max)).collect();
    assert_eq!(caps, [(false, sandbox::CONCURRENCY), (true, 90)]);
    let slots: i32 = sqlx::query_scalar("select cap from capacity where scope = 'number' and ref = $1")
        .bind(rows[1].id)
        .fetch_one(tx.conn())
        .await
        .expect("slots");
    assert_eq!(slots, 90);
}
