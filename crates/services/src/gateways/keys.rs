//! The keys of gateways as the table has them: sealed, each for its own company, gateway and column.

use crate::actor::SystemTask;
use crate::config::Config;
use crate::db::{Db, SystemTx};
use crate::error::Result;
use crate::secrets::{self, Lost, Purpose};
use model::id::{CompanyId, GatewayId};
use secrecy::SecretString;
use uuid::Uuid;

/// What a gateway says whose key was lost with `SECRET_KEY`.
const LOST: &str = "Its key was lost. Type it in again.";

/// Seals one for a gateway.
pub(crate) fn seal(db: &Db, purpose: Purpose, company: CompanyId, gateway: GatewayId, key: &str) -> Result<Vec<u8>> {
    secrets::seal(db, purpose, &owner(company, gateway), key.as_bytes())
}

/// Opens one of a gateway.
///
/// # Errors
/// When it was sealed under a `SECRET_KEY` that is not configured, or changed, or is not sealed yet.
pub(crate) fn open(
    config: &Config,
    purpose: Purpose,
    company: CompanyId,
    gateway: GatewayId,
    sealed: &[u8],
) -> Result<SecretString> {
    let key = secrets::open(config, purpose, &owner(company, gateway), sealed)?;
    Ok(String::from_utf8(key).map_err(|_| anyhow::anyhow!("a key that is no text"))?.into())
}

fn owner(company: CompanyId, gateway: GatewayId) -> [Uuid; 2] {
    [company.uuid(), gateway.uuid()]
}

#[derive(sqlx::FromRow)]
struct Row {
    company_id: CompanyId,
    id: GatewayId,
    auth_token: Option<String>,
    webhook_secret: Option<String>,
    secret_sealed: Option<Vec<u8>>,
    webhook_secret_sealed: Option<Vec<u8>>,
}

/// Seals every gateway's keys under today's `SECRET_KEY`. Returns how many gateways were changed, and what is to be said of those
/// that no configured key opens.
pub(crate) async fn reseal(db: &Db, lost: Lost) -> anyhow::Result<(usize, Option<String>)> {
    let mut tx = db.begin_system(SystemTask::Keys).await?;
    // Nobody adds a gateway under another key but a process that is about to be restarted.
    let ids: Vec<GatewayId> = sqlx::query_scalar(
        "select id from gateways where auth_token is not null or webhook_secret is not null or substr(secret_sealed, 1, $2) <> $1
            or substr(webhook_secret_sealed, 1, $2) <> $1 order by id",
    )
    .bind(secrets::current(db.config()).as_slice())
    .bind(i32::try_from(secrets::current(db.config()).len())?)
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    let (mut done, mut stuck, mut trouble) = (0, 0, None);
    for id in ids {
        // One at a time: turns of the dialer wait for it.
        let mut tx = db.begin_system(SystemTask::Keys).await?;
        match one(db, &mut tx, id, lost).await {
            Ok(()) => {
                tx.commit().await?;
                done += 1;
            }
            Err(error) => {
                tracing::error!(gateway = %id, %error, "its key cannot be read");
                stuck += 1;
                trouble = Some(format!("the keys of {stuck} gateways cannot be read: {error}"));
            }
        }
    }
    Ok((done, trouble))
}

async fn one(db: &Db, tx: &mut SystemTx, id: GatewayId, lost: Lost) -> Result<()> {
    let row: Row = sqlx::query_as(
        "select company_id, id, auth_token, webhook_secret, secret_sealed, webhook_secret_sealed from gateways where id = $1
         for no key update",
    )
    .bind(id)
    .fetch_one(tx.conn())
    .await?;
    let (key, is_key_lost) = anew(db, &row, Purpose::GatewayKey, row.auth_token.as_deref(), row.secret_sealed.as_deref(), lost)?;
    let webhook = (row.webhook_secret.as_deref(), row.webhook_secret_sealed.as_deref());
    let (webhook, is_webhook_lost) = anew(db, &row, Purpose::WebhookSecret, webhook.0, webhook.1, lost)?;
    sqlx::query(
        "update gateways set auth_token = null, webhook_secret = null, secret_sealed = $2, webhook_secret_sealed = $3,
                keys_version = keys_version + $4, problem = case when $4 > 0 then $5 else problem end where id = $1",
    )
    .bind(id)
    .bind(key)
    .bind(webhook)
    .bind(i32::from(is_key_lost || is_webhook_lost))
    .bind(LOST)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One column sealed anew, and whether what it held is lost.
fn anew(
    db: &Db,
    row: &Row,
    purpose: Purpose,
    plain: Option<&str>,
    sealed: Option<&[u8]>,
    lost: Lost,
) -> Result<(Option<Vec<u8>>, bool)> {
    let seal = |key: &str| seal(db, purpose, row.company_id, row.id, key);
    let opened = match (plain, sealed) {
        (Some(plain), _) => return Ok((Some(seal(plain)?), false)),
        (None, None) => return Ok((None, false)),
        (None, Some(sealed)) => open(db.config(), purpose, row.company_id, row.id, sealed),
    };
    match opened {
        Ok(key) => Ok((Some(seal(secrecy::ExposeSecret::expose_secret(&key))?), false)),
        Err(_) if lost == Lost::Replace => {
            let nobody_knows: [u8; 32] = db.luck();
            let text: String = nobody_knows.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok((Some(seal(&text)?), true))
        }
        Err(error) => Err(error),
    }
}
