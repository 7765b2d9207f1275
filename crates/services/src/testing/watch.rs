//! What tests read from a world, or hand to it, that no screen shows or sends.

use super::{Someone, World, run};
use crate::actor::Actor;
use crate::credits::Shift;
use crate::db::Db;
use crate::error::Result;
use crate::jobs::Job;
use chrono::{DateTime, Utc};
use model::credits::{Credits, MovementKind};
use model::id::{CallId, CompanyId, EndpointId, GatewayId, MovementId};
use model::webhooks::EndpointForm;
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::str::FromStr;

/// One line per fact that people can tell apart, and none for how many tries it took to get there.
const PICTURE: &str = "
    select line from (
        select format('person %s %s', c.phone, e.status) as line from enrollments e join contacts c on c.id = e.contact_id
        union all select format('campaign %s', status) from campaigns
        union all select format('call to %s %s cost %s talk %s', phone, outcome, cost, talk_seconds) from calls
            where counted and provider_code is distinct from 'not_placed'
        union all select format('balance %s %s', account, sum(amount)) from balances group by account having sum(amount) > 0
        union all select format('movements %s %s', kind, sum(amount)) from movements
            where kind in ('purchase', 'grant', 'capture') group by kind
        union all select format('slots %s %s', scope, in_use) from capacity
        union all select format('suppressed %s', phone) from suppressions
        union all select format('inbox %s of %s handled', count(handled_at), count(*)) from inbox
        union all select format('contacts %s', count(*)) from contacts
        union all select format('import %s %s', status, done) from imports
        union all select format('event %s %s', kind, count(*)) from events where kind <> 'call.ended' group by kind
    ) lines order by line";

/// Every event and movement of a company, in order, with its moment.
const STORY: &str = "
    select line from (
        select 0 as part, id, null::bigint as seq, format('%s %s %s %s', at, kind, who, text) as line from events
            where company_id = $1
        union all select 1, null, seq, format('%s %s %s %s', at, kind, amount, balance) from movements where company_id = $1
    ) lines order by part, id, seq";

impl World {
    /// Begins again at another moment, with luck of its own: what follows depends on nothing before.
    pub fn restart(&self, seed: u64, at: DateTime<Utc>) {
        self.db.reseed(seed);
        self.clock.set(at);
    }

    /// Every event and movement of a company, in order.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn story(&self, company: CompanyId) -> Result<Vec<String>> {
        let mut eyes = self.eyes.lock().await;
        Ok(sqlx::query_scalar(STORY).bind(company).fetch_all(self.open(&mut eyes).await?).await?)
    }

    /// An endpoint that wants to hear of everything; nothing is sent there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn listens(&self, of: &Someone) -> Result<EndpointId> {
        let form = EndpointForm { url: "http://localhost:9/".to_owned(), full_numbers: true, ..EndpointForm::default() };
        Ok(crate::webhooks::create(&self.db, &of.actor, &form).await?.id)
    }

    /// What a company's endpoints are told, in order.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn told(&self, company: CompanyId) -> Result<Vec<serde_json::Value>> {
        let mut eyes = self.eyes.lock().await;
        let sql = "select body::jsonb from deliveries where company_id = $1 order by created_at, id";
        Ok(sqlx::query_scalar(sql).bind(company).fetch_all(self.open(&mut eyes).await?).await?)
    }

    /// Credits that were paid for.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn top_up(&self, company: CompanyId, amount: Credits) -> Result<()> {
        let mut tx = self.db.begin(&Actor::engine(company)).await?;
        let (id, now): (MovementId, _) = (tx.id(), tx.now());
        let key = format!("purchase:{id}");
        let shift =
            Shift { kind: MovementKind::Purchase, amount, key, instead: None, campaign: None, call: None, note: "Top-up" };
        crate::credits::shift(tx.conn(), now, "Belfry", &[(id, shift)]).await?;
        tx.commit().await
    }

    /// Everything of a company that must not depend on crashes.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn picture(&self, company: CompanyId) -> Result<Vec<String>> {
        let mut tx = self.db.begin(&Actor::engine(company)).await?;
        Ok(sqlx::query_scalar(PICTURE).fetch_all(tx.conn()).await?)
    }

    /// The jobs of a queue about one company, oldest first, whether they ran or not: what a redelivery would bring.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn jobs<J: Job>(&self, company: CompanyId) -> Result<Vec<J>> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("select job from apalis.jobs where job_type = $1 order by id")
            .bind(J::QUEUE)
            .fetch_all(self.db.system_pool())
            .await?;
        let mine = rows.iter().filter(|raw| String::from_utf8_lossy(raw).contains(&company.to_string()));
        Ok(mine.filter_map(|raw| serde_json::from_slice(raw).ok()).collect())
    }

    /// What a gateway's callbacks are signed with.
    ///
    /// # Errors
    /// When the database is away, or there is no such gateway.
    pub async fn auth_token(&self, company: CompanyId, gateway: GatewayId) -> Result<String> {
        let mut tx = self.db.begin(&Actor::engine(company)).await?;
        let gateway = crate::dialer::gateway_for_reading(&mut tx, gateway).await?;
        Ok(gateway.account.secret.expose_secret().to_owned())
    }

    /// Names of the documents that were handed over to a gateway, with the provider's ids.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn kept_documents(&self, company: CompanyId, gateway: GatewayId) -> Result<Vec<(String, String)>> {
        let mut tx = self.db.begin(&Actor::engine(company)).await?;
        Ok(sqlx::query_as(
            "select d.name, k.remote_id from kept_documents k join documents d on d.id = k.document_id
             where k.gateway_id = $1 order by d.added_at, d.id",
        )
        .bind(gateway)
        .fetch_all(tx.conn())
        .await?)
    }

    /// A callback that another process applies.
    ///
    /// # Errors
    /// As `calls::ingest`.
    pub async fn callback_to(&self, db: &Db, company: CompanyId, call: CallId, callback: providers::Callback) -> Result<()> {
        let mut tx = db.begin(&Actor::engine(company)).await?;
        crate::calls::ingest(&mut tx, call, callback).await?;
        tx.commit().await
    }
}

/// Every column of every table in which a text stands, as `table.column`: for tests that something is gone.
pub async fn found(world: &World, text: &str) -> Vec<String> {
    let mut owner = PgConnectOptions::from_str(&world.owner_url()).expect("a URL").connect().await.expect("the owner");
    // The owner inherits `system`, which sees all companies.
    run(&mut owner, "set role system".to_owned()).await;
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "select c.table_name::text, c.column_name::text, c.data_type = 'bytea' from information_schema.columns c
         join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
         where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name not like '\\_sqlx%'
            and c.data_type in ('text', 'character varying', 'jsonb', 'json', 'ARRAY', 'bytea') order by 1, 2",
    )
    .fetch_all(&mut owner)
    .await
    .expect("the catalog");
    let mut found = Vec::new();
    for (table, column, raw) in columns {
        let within = match raw {
            true => format!("position(convert_to($1, 'UTF8') in \"{column}\")"),
            false => format!("position($1 in \"{column}\"::text)"),
        };
        let sql = format!("select exists (select 1 from \"{table}\" where {within} > 0)");
        let is_there: bool = sqlx::query_scalar(AssertSqlSafe(sql)).bind(text).fetch_one(&mut owner).await.expect("a column");
        if is_there {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}
