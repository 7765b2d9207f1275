//! Keys at rest: sealed, tied to their row, and sealed anew when `SECRET_KEY` changes.

use super::*;
use crate::config::Config;
use crate::db::{Db, SystemTx};
use crate::inbox::{self, CallbackRequest};
use crate::secrets::{Lost, reseal};
use providers::{HeaderMap, Method};
use secrecy::SecretString;
use sqlx::AssertSqlSafe;

const CANARY: &str = "canary0key0that0must0not0be0read";
const WEBHOOK: &str = "canary1hook1that1must1not1be1read";
const NEW: &str = "the next key that only tests know";

fn guarded(kind: ProviderKind) -> GatewayForm {
    GatewayForm { secret: CANARY.into(), webhook_secret: WEBHOOK.into(), ..real(kind) }
}

/// The same database under other keys.
fn under(w: &World, key: &str, old: Option<&str>) -> Db {
    let secret = |key: &str| SecretString::from(key.to_owned());
    let config = Config { secret_key: secret(key), secret_key_old: old.map(secret), ..w.db.config().clone() };
    Db::init(config, w.db.clock().clone(), 2).expect("URLs are well formed")
}

fn key(w: &World) -> String {
    w.db.config().secret_key.expose_secret().to_owned()
}

async fn read(db: &Db, of: &Someone, id: GatewayId) -> Result<(String, Option<String>)> {
    let mut tx = db.begin(&of.actor).await?;
    let account = dialer::gateway_for_reading(&mut tx, id).await?.account;
    Ok((account.secret.expose_secret().to_owned(), account.webhook_secret.map(|secret| secret.expose_secret().to_owned())))
}

fn as_typed() -> (String, Option<String>) {
    (CANARY.to_owned(), Some(WEBHOOK.to_owned()))
}

/// Tables in which a text stands, as it is, in hex, or in base64.
async fn holding(tx: &mut SystemTx, text: &str) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables
         where table_schema in ('public', 'apalis') and table_type = 'BASE TABLE'
           and has_table_privilege(format('%I.%I', table_schema, table_name), 'select')",
    )
    .fetch_all(tx.conn())
    .await
    .expect("tables");
    assert!(tables.len() > 20 && tables.contains(&"public.gateways".to_owned()), "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let sql = format!(
            "select exists (select 1 from {table} t where position($1 in t::text) > 0
                or position(encode($1::bytea, 'hex') in t::text) > 0 or position(rtrim(encode($1::bytea, 'base64'), '=') in t::text) > 0)"
        );
        let has: bool = sqlx::query_scalar(AssertSqlSafe(sql)).bind(text).fetch_one(tx.conn()).await.expect("looked");
        found.extend(has.then_some(table));
    }
    found
}

#[tokio::test]
async fn no_key_stands_in_any_table() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let mut maqsam = None;
    for kind in ProviderKind::ALL.iter().copied() {
        let id = connect(&w, &acme, &guarded(kind)).await;
        let mut tx = w.tx(&acme).await;
        edit(&mut tx, id, &GatewayForm { name: "Renamed".into(), ..guarded(kind) }).await.expect("saved again");
        tx.commit().await.expect("commit");
        assert_eq!(read(&w.db, &acme, id).await.expect("opens"), as_typed(), "{kind}");
        if kind == ProviderKind::Maqsam {
            maqsam = Some(id);
        }
    }
    // Maqsam signs nothing: the secret comes in the address of what is stored.
    let gateway = maqsam.expect("one is Maqsam's");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}/hooks/maqsam/{gateway}?token={WEBHOOK}", w.db.config().public_url);
    let body = br#"{"call":{"id":1,"state":"completed","caller_number":"1","callee_number":"2"}}"#;
    let request = CallbackRequest { method: &Method::POST, url: &url, headers: &HeaderMap::new(), body };
    inbox::receive(&w.db, gateway, request).await.expect("accepted");
    let mut tx = w.db.begin_system(SystemTask::Check).await.expect("begin");
    let stored: i64 = sqlx::query_scalar("select count(*) from inbox").fetch_one(tx.conn()).await.expect("count");
    assert_eq!(stored, 1);
    for secret in [CANARY, WEBHOOK] {
        assert_eq!(holding(&mut tx, secret).await, Vec::<String>::new());
    }
    assert!(holding(&mut tx, "Renamed").await.contains(&"public.gateways".to_owned()), "it would be found");
    let stored = dialer::gateway_for_reading(&mut w.tx(&acme).await, gateway).await.expect("stored");
    assert!(!format!("{stored:?}").contains("canary"), "nor in what is printed of it");
}

#[tokio::test]
async fn a_key_does_not_open_in_another_row() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let (one, other) =
        (connect(&w, &acme, &guarded(ProviderKind::Vapi)).await, connect(&w, &acme, &guarded(ProviderKind::Vapi)).await);
    let mut tx = w.tx(&acme).await;
    sqlx::query("update gateways g set secret_sealed = o.secret_sealed from gateways o where g.id = $1 and o.id = $2")
        .bind(one)
        .bind(other)
        .execute(tx.conn())
        .await
        .expect("moved");
    tx.commit().await.expect("commit");
    assert!(read(&w.db, &acme, one).await.is_err());
    assert!(read(&w.db, &acme, other).await.is_ok());
}

#[tokio::test]
async fn the_secret_key_changes_while_the_old_one_is_kept_and_then_it_can_go() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = connect(&w, &acme, &guarded(ProviderKind::Vapi)).await;
    let version = keys_version(&w, id).await;
    let (both, alone) = (under(&w, NEW, Some(&key(&w))), under(&w, NEW, None));
    assert_eq!(read(&both, &acme, id).await.expect("the old key opens it"), as_typed());
    let why = read(&alone, &acme, id).await.expect_err("sealed under another key").to_string();
    assert!(why.contains("SECRET_KEY_OLD"), "{why}");
    let why = reseal(&alone, Lost::Refuse).await.expect_err("nothing starts under a wrong key").to_string();
    assert!(why.contains("2 gateways") && why.contains("SECRET_KEY_OLD"), "{why}");
    assert_eq!(reseal(&both, Lost::Refuse).await.expect("sealed anew"), 2, "with the sandbox");
    assert_eq!(reseal(&both, Lost::Refuse).await.expect("sealed anew"), 0, "once");
    assert_eq!(read(&alone, &acme, id).await.expect("the new key opens it"), as_typed());
    assert!(read(&w.db, &acme, id).await.is_err(), "the old one no more");
    assert_eq!(keys_version(&w, id).await, version, "whoever remembers the key remembers the same one");
}

#[tokio::test]
async fn keys_of_before_are_sealed_at_the_start() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = connect(&w, &acme, &real(ProviderKind::Vapi)).await;
    let mut tx = w.tx(&acme).await;
    sqlx::query(
        "update gateways set auth_token = $2, webhook_secret = $3, secret_sealed = null, webhook_secret_sealed = null where id = $1",
    )
    .bind(id)
    .bind(CANARY)
    .bind(WEBHOOK)
    .execute(tx.conn())
    .await
    .expect("as it was");
    tx.commit().await.expect("commit");
    assert_eq!(reseal(&w.db, Lost::Refuse).await.expect("sealed"), 1);
    assert_eq!(read(&w.db, &acme, id).await.expect("opens"), as_typed());
    let mut tx = w.db.begin_system(SystemTask::Check).await.expect("begin");
    assert_eq!(holding(&mut tx, CANARY).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_key_is_replaced_by_one_that_nobody_knows_and_asked_for() {
    let w = World::new().await;
    let acme = w.company("acme").await;
    let id = connect(&w, &acme, &guarded(ProviderKind::Vapi)).await;
    let (version, alone) = (keys_version(&w, id).await, under(&w, NEW, None));
    assert_eq!(reseal(&alone, Lost::Replace).await.expect("replaced"), 2);
    let (key, webhook) = read(&alone, &acme, id).await.expect("opens");
    assert!(
        key.len() == 64 && webhook.as_ref().is_some_and(|webhook| webhook.len() == 64 && *webhook != key),
        "{key} {webhook:?}"
    );
    let mut tx = alone.begin(&acme.actor).await.expect("begin");
    assert_eq!(load(&mut tx, id).await.expect("loaded").problem, "Its key was lost. Type it in again.");
    assert_eq!(keys_version(&w, id).await, version + 1, "what signs callbacks is another");
}
