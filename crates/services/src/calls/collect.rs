//! What was said is told after the end. Where that news was lost, or the provider sends none, it is asked for.

use super::ingest_news;
use crate::Actor;
use crate::companies;
use crate::db::{Db, Tx};
use crate::dialer::{self, Gateway, Network};
use crate::error::Result;
use crate::jobs::{self, Job};
use crate::recordings::IS_RECORDED;
use chrono::TimeDelta;
use model::id::{CallId, CompanyId, GatewayId};
use providers::ProviderCallId;
use sqlx::AssertSqlSafe;

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

/// Has calls that were talked in looked at when their provider should have told everything: those of agents, whose words are
/// told, and those that are recorded.
pub(super) async fn enqueue(tx: &mut Tx, talked: &[(CallId, &Gateway)]) -> Result<()> {
    if talked.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = talked.iter().map(|(call, _)| *call).collect();
    let recorded: Vec<CallId> =
        sqlx::query_scalar(AssertSqlSafe(format!("select k.id from calls k where k.id = any($1) and {IS_RECORDED}")))
            .bind(ids)
            .fetch_all(tx.conn())
            .await?;
    // In HIPAA mode nobody asks what was said.
    let words = !companies::privacy(tx).await?.hipaa;
    for (call, gateway) in talked {
        if words && gateway.kind.is_conversational() || recorded.contains(call) {
            let first = CollectNews { company: tx.actor().company(), call: *call, asked: 0 };
            first.enqueue(tx, gateway.speed(tx.config())).await?;
        }
    }
    Ok(())
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
        let told = told(&mut tx, self.call).await?;
        let gateway = dialer::gateway_for_reading(&mut tx, told.gateway_id).await?;
        let speed = gateway.speed(tx.config());
        tx.commit().await?;
        let Some(id) = told.provider_call_id.as_ref().filter(|_| told.is_missing_something(&gateway)) else { return Ok(()) };
        let id = ProviderCallId::new(id.as_str());
        let news = Network::shared()?.provider(&gateway).report(&id).await;
        let mut tx = db.begin(&actor).await?;
        match news {
            Ok(news) => ingest_news(&mut tx, self.call, &id, news).await?,
            // The next question comes later than a retry of this one would.
            Err(error) => tracing::warn!(call = %self.call, %error, asked = self.asked, "what was said could not be asked for"),
        }
        if self::told(&mut tx, self.call).await?.is_missing_something(&gateway) {
            Self { asked: self.asked + 1, ..self }.enqueue(&mut tx, speed).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// What is known of a call of what is told after the end.
#[derive(sqlx::FromRow)]
struct Told {
    gateway_id: GatewayId,
    provider_call_id: Option<String>,
    has_words: bool,
    /// Nobody may know what was said.
    hipaa: bool,
    /// `None` when it is not recorded.
    has_sound: Option<bool>,
}

impl Told {
    fn is_missing_something(&self, gateway: &Gateway) -> bool {
        gateway.kind.is_conversational() && !self.has_words && !self.hipaa || self.has_sound == Some(false)
    }
}

async fn told(tx: &mut Tx, call: CallId) -> Result<Told> {
    Ok(sqlx::query_as(AssertSqlSafe(format!(
        "select k.gateway_id, k.provider_call_id, k.transcript <> '[]' and k.summary <> '' as has_words,
                (select o.hipaa from companies o where o.id = app.company()) as hipaa,
                case when {IS_RECORDED} then exists (select 1 from recordings r where r.call_id = k.id) end as has_sound
         from calls k where k.id = $1"
    )))
    .bind(call)
    .fetch_one(tx.conn())
    .await?)
}
