//! Whose gateway a callback is for. Gateways are remembered, so that a callback costs no look-up; a remembered key is only a
//! guess until the statement that stores the callback has compared it with the gateway's row.

use super::Refused;
use crate::actor::SystemTask;
use crate::db::{Db, SystemTx};
use crate::dialer::{GATEWAY_COLUMNS, Gateway, Network, Provider, StoredGateway};
use crate::error::Error;
use model::id::{CompanyId, GatewayId};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Gateways remembered; beyond, all are forgotten and asked for again.
const ROUTES_MAX: usize = 10_000;

/// The way from a gateway's address to whoever can read its callbacks.
pub(super) struct Route {
    /// Of the keys that verify.
    pub keys_version: i32,
    pub provider: Provider,
    webhook_secret: Option<SecretString>,
}

impl Route {
    /// An address as it may be stored: where a provider signs nothing, the secret in it is all there is.
    pub fn without_secret(&self, url: &str) -> String {
        match &self.webhook_secret {
            Some(secret) => url.replace(secret.expose_secret(), "***"),
            None => url.to_owned(),
        }
    }
}

/// What this process remembers.
#[derive(Default)]
pub(super) struct Routes(Mutex<HashMap<GatewayId, Arc<Route>>>);

impl Routes {
    pub fn remembered(&self, gateway: GatewayId) -> Option<Arc<Route>> {
        self.known().get(&gateway).cloned()
    }

    /// Asks the database, and remembers.
    pub async fn look_up(&self, db: &Db, gateway: GatewayId) -> Result<Arc<Route>, Refused> {
        let found = route(db, gateway).await;
        let mut known = self.known();
        let (_, found) = found.inspect_err(|_| drop(known.remove(&gateway)))?;
        let provider = Network::shared().map_err(Error::from)?.provider(&found);
        let webhook_secret = found.account.webhook_secret;
        let route = Arc::new(Route { keys_version: found.keys_version, provider, webhook_secret });
        if known.len() >= ROUTES_MAX {
            known.clear();
        }
        known.insert(gateway, route.clone());
        Ok(route)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<GatewayId, Arc<Route>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose gateway a request is for. It is not to be trusted before the gateway's own key has verified it.
///
/// # Errors
/// `UnknownGateway`, or a database that is away.
pub(crate) async fn route(db: &Db, gateway: GatewayId) -> Result<(CompanyId, Gateway), Refused> {
    let mut tx = db.begin_system(SystemTask::RouteCallback).await?;
    let found = find_gateway(&mut tx, gateway).await?;
    tx.commit().await?;
    Ok(found)
}

async fn find_gateway(tx: &mut SystemTx, gateway: GatewayId) -> Result<(CompanyId, Gateway), Refused> {
    let mut sql =
        sqlx::QueryBuilder::new(format!("select {GATEWAY_COLUMNS} from gateways where secret_sealed is not null and id = "));
    sql.push_bind(gateway);
    let stored: Option<StoredGateway> = sql.build_query_as().fetch_optional(tx.conn()).await?;
    let Some(stored) = stored else { return Err(Refused::UnknownGateway) };
    Ok((stored.company_id, stored.into_gateway(tx.config())?))
}
