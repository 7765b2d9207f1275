//! What was said is told after the end. Where that news was lost, or the provider sends none, it is asked for.

use super::ingest_news;
use crate::Actor;
use crate::db::{Db, Tx};
use crate::dialer::{self, Network};
use crate::error::Result;
use crate::jobs::{self, Job};
use chrono::TimeDelta;
use model::id::{CallId, CompanyId, GatewayId};
use providers::ProviderCallId;

/// Seconds after the end, and between one question and the next.
const WAITS: [i64; 5] = [20, 60, 300, 1800, 7200];

/// Asks what was said in a call, unless it was told.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct CollectNews {
    company: CompanyId,
    call: CallId,
    /// Questions before this one.
    asked: usize,
}

/// Has a call looked at when its provider should have told everything.
pub(super) async fn enqueue(tx: &mut Tx, call: CallId, speed: i32) -> Result<()> {
    CollectNews { company: tx.actor().company(), call, asked: 0 }.enqueue(tx, speed).await
}

impl CollectNews {
    /// Nothing follows the last wait.
    async fn enqueue(self, tx: &mut Tx, speed: i32) -> Result<()> {
        let Some(seconds) = WAITS.get(self.asked) else { return Ok(()) };
        let at = tx.now() + (TimeDelta::seconds(*seconds) / speed.max(1)).max(TimeDelta::seconds(1));
        jobs::enqueue(tx.conn(), &self, at).await
    }
}

impl Job for CollectNews {
    const QUEUE: &'static str = "calls.collect.v1";

    fn key(&self) -> Option<String> {
        Some(format!("{}:{}", self.call, self.asked))
    }

    async fn run(self, db: Db) -> anyhow::Result<()> {
        let actor = Actor::engine(self.company);
        let mut tx = db.begin(&actor).await?;
        let untold = untold(&mut tx, self.call).await?;
        let Some((gateway, Some(id))) = untold else { return Ok(()) };
        let gateway = dialer::gateway_for_reading(&mut tx, gateway).await?;
        let speed = gateway.speed(tx.config());
        tx.commit().await?;
        let id = ProviderCallId::new(id);
        let news = Network::shared()?.provider(&gateway).report(&id).await?;
        let mut tx = db.begin(&actor).await?;
        ingest_news(&mut tx, self.call, &id, news).await?;
        if self::untold(&mut tx, self.call).await?.is_some() {
            Self { asked: self.asked + 1, ..self }.enqueue(&mut tx, speed).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// A call of which something is missing that is told after the end, with its gateway and the provider's id of it.
async fn untold(tx: &mut Tx, call: CallId) -> Result<Option<(GatewayId, Option<String>)>> {
    Ok(sqlx::query_as(
        "select k.gateway_id, k.provider_call_id from calls k left join campaigns c on c.id = k.campaign_id
         where k.id = $1 and (k.transcript = '[]' or k.summary = ''
            or (c.form ->> 'record' = 'true' and not exists (select 1 from recordings r where r.call_id = k.id)))",
    )
    .bind(call)
    .fetch_optional(tx.conn())
    .await?)
}
