//! A company's account at a provider, as the dialer needs it, and the way from its row to an adapter.

use super::pace::Bucket;
use crate::config::Config;
use crate::db::Tx;
use crate::error::Result;
use crate::gateways::keys;
use crate::secrets::Purpose;
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use model::gateways::ProviderKind;
use model::id::{CompanyId, GatewayId};
use providers::scripted::{Script, Scripted};
use providers::{Account, VoiceProvider};
use sqlx::types::Json;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// An adapter for one gateway.
pub type Provider = Arc<dyn VoiceProvider>;

/// Consecutive system errors that open the circuit breaker.
const ERRORS_MAX: i32 = 5;
/// How long it stays open before one probe may go through.
const OPEN_SECONDS: i64 = 30;

/// How gateways become adapters: over HTTP in the product, something scripted in tests.
#[derive(Clone)]
pub enum Network {
    /// One HTTP client for the process.
    Http(providers::Client),
    /// The same adapter for every gateway.
    Scripted(Provider),
}

impl Network {
    /// The real network, one client for the process: callbacks are verified with the same adapters that dial.
    ///
    /// # Errors
    /// When no TLS roots can be loaded.
    pub fn shared() -> anyhow::Result<Self> {
        static HTTP: OnceLock<providers::Client> = OnceLock::new();
        if let Some(client) = HTTP.get() {
            return Ok(Self::Http(client.clone()));
        }
        let client = providers::http::client()?;
        Ok(Self::Http(HTTP.get_or_init(|| client).clone()))
    }

    /// A network where every gateway leads to the same script.
    pub fn scripted(script: Arc<impl Script + 'static>) -> Self {
        Self::Scripted(Arc::new(Scripted(script)))
    }

    pub(crate) fn provider(&self, gateway: &Gateway) -> Provider {
        match self {
            Self::Scripted(provider) => provider.clone(),
            Self::Http(client) => providers::connect(gateway.kind, gateway.account.clone(), client.clone()),
        }
    }
}

/// A gateway with its keys. Never leaves `services`.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub id: GatewayId,
    pub kind: ProviderKind,
    pub sandbox: bool,
    pub account: Account,
    /// Counts changes of the account's keys.
    pub keys_version: i32,
    pub concurrency_max: i32,
    pub bucket: Bucket,
    pub errors_in_row: i32,
    pub open_until: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Stored {
    pub company_id: CompanyId,
    id: GatewayId,
    kind: ProviderKind,
    sandbox: bool,
    base_url: Option<String>,
    account_sid: String,
    secret_sealed: Option<Vec<u8>>,
    webhook_secret_sealed: Option<Vec<u8>>,
    options: Json<BTreeMap<String, String>>,
    keys_version: i32,
    concurrency_max: i32,
    calls_per_second: i32,
    tokens_milli: i64,
    tokens_at: DateTime<Utc>,
    errors_in_row: i32,
    open_until: Option<DateTime<Utc>>,
}

/// The columns of [`Stored`].
pub(crate) const COLUMNS: &str = "company_id, id, kind, sandbox, base_url, account_sid, secret_sealed, webhook_secret_sealed, options, \
                                  keys_version, concurrency_max, calls_per_second, tokens_milli, tokens_at, errors_in_row, open_until";

impl Stored {
    /// With its keys opened.
    ///
    /// # Errors
    /// When they were sealed under a `SECRET_KEY` that is not configured.
    pub(crate) fn into_gateway(self, config: &Config) -> Result<Gateway> {
        let public = || {
            let default = if self.sandbox { config.sandbox_url.as_str() } else { providers::base_url(self.kind) };
            default.to_owned()
        };
        let open = |purpose, sealed: &[u8]| keys::open(config, purpose, self.company_id, self.id, sealed);
        let sealed =
            self.secret_sealed.as_deref().context("a gateway without a key: it was removed, or `belfry reseal` did not run")?;
        Ok(Gateway {
            id: self.id,
            kind: self.kind,
            sandbox: self.sandbox,
            account: Account {
                base_url: self.base_url.unwrap_or_else(public),
                id: self.account_sid,
                secret: open(Purpose::GatewayKey, sealed)?,
                webhook_secret: self
                    .webhook_secret_sealed
                    .as_deref()
                    .map(|sealed| open(Purpose::WebhookSecret, sealed))
                    .transpose()?,
                options: self.options.0,
            },
            keys_version: self.keys_version,
            concurrency_max: self.concurrency_max,
            bucket: Bucket { per_second: self.calls_per_second, tokens_milli: self.tokens_milli, at: self.tokens_at },
            errors_in_row: self.errors_in_row,
            open_until: self.open_until,
        })
    }
}

impl Gateway {
    /// Where its provider sends news about calls.
    pub fn hook(&self, config: &Config) -> String {
        format!("{}/hooks/{}/{}", config.public_url, self.kind, self.id)
    }

    /// How many times faster its phones live than real ones.
    pub fn speed(&self, config: &Config) -> i32 {
        if self.sandbox { config.sandbox_speed } else { 1 }
    }
}

/// Loads a gateway and locks it: who dials through it takes its tokens first. Its key stays readable: callbacks refer to it,
/// those of other companies commit with them, and none waits for a turn of the dialer.
pub(crate) async fn lock(tx: &mut Tx, id: GatewayId) -> Result<Gateway> {
    load_with(tx, id, " for no key update").await
}

/// Loads a gateway for reading.
pub(crate) async fn load(tx: &mut Tx, id: GatewayId) -> Result<Gateway> {
    load_with(tx, id, "").await
}

async fn load_with(tx: &mut Tx, id: GatewayId, suffix: &str) -> Result<Gateway> {
    let mut sql = sqlx::QueryBuilder::new(format!("select {COLUMNS} from gateways where id = "));
    sql.push_bind(id).push(suffix);
    let stored: Stored = sql.build_query_as().fetch_one(tx.conn()).await?;
    stored.into_gateway(tx.config())
}

/// Writes the bucket back after `used` calls were taken from it.
pub(crate) async fn take_tokens(tx: &mut Tx, gateway: &Gateway, used: i64) -> Result<()> {
    let left = gateway.bucket.after(used, tx.now());
    sqlx::query("update gateways set tokens_milli = $2, tokens_at = $3 where id = $1")
        .bind(gateway.id)
        .bind(left.tokens_milli)
        .bind(left.at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The half-open breaker let one probe through; until its answer, or for as long as a breaker stays open, no other.
pub(crate) async fn note_probe(tx: &mut Tx, gateway: &Gateway) -> Result<()> {
    let until = tx.now() + TimeDelta::seconds(OPEN_SECONDS) / gateway.speed(tx.config());
    sqlx::query("update gateways set open_until = $2 where id = $1").bind(gateway.id).bind(until).execute(tx.conn()).await?;
    Ok(())
}

/// What answers say about a provider, in the order in which they came.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Health {
    answered: bool,
    /// System errors since it last answered as it should.
    errors_in_row: i32,
}

impl Health {
    pub fn note_success(&mut self) {
        *self = Self { answered: true, errors_in_row: 0 };
    }
    pub fn note_error(&mut self) {
        self.errors_in_row += 1;
    }
}

/// Writes down how a provider does: an answer as it should be closes the breaker, enough system errors in a row open it.
pub(super) async fn note(tx: &mut Tx, id: GatewayId, health: Health) -> Result<()> {
    if health.answered {
        sqlx::query("update gateways set errors_in_row = 0, open_until = null where id = $1 and errors_in_row > 0")
            .bind(id)
            .execute(tx.conn())
            .await?;
    }
    if health.errors_in_row == 0 {
        return Ok(());
    }
    let (now, speed) = (tx.now(), tx.config().sandbox_speed);
    sqlx::query(
        "update gateways set errors_in_row = errors_in_row + $6,
                open_until = case when errors_in_row + $6 >= $2
                    then $3 + make_interval(secs => $4::float8 / case when sandbox then $5 else 1 end) else open_until end
         where id = $1",
    )
    .bind(id)
    .bind(ERRORS_MAX)
    .bind(now)
    .bind(OPEN_SECONDS)
    .bind(speed)
    .bind(health.errors_in_row)
    .execute(tx.conn())
    .await?;
    Ok(())
}
