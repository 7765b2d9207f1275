//! SQL of gateways. A gateway and its slots are made together. Whatever changes a key counts a version up.

use crate::db::Tx;
use crate::error::Result;
use model::gateways::{GatewayForm, Keeping, KeptAgent, ProviderKind};
use model::id::{AgentId, GatewayId, NumberId};
use model::time::Timestamp;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::BTreeMap;

/// A gateway to add.
pub(crate) struct NewGateway<'a> {
    pub id: GatewayId,
    pub name: &'a str,
    pub kind: ProviderKind,
    pub sandbox: bool,
    pub base_url: Option<&'a str>,
    pub account: &'a str,
    pub secret: &'a str,
    pub webhook_secret: Option<&'a str>,
    pub options: &'a BTreeMap<String, String>,
    pub concurrency_max: i32,
    pub calls_per_second: i32,
}

/// Adds a gateway with its slots. Takes a connection, because a company is opened before it has a transaction of its own.
pub(crate) async fn insert(conn: &mut PgConnection, new: NewGateway<'_>, now: Timestamp) -> Result<()> {
    sqlx::query(
        "insert into gateways (id, name, kind, sandbox, base_url, account_sid, auth_token, webhook_secret, options, concurrency_max,
                calls_per_second, tokens_milli, tokens_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11 * 1000, $12, $12)",
    )
    .bind(new.id)
    .bind(new.name)
    .bind(new.kind)
    .bind(new.sandbox)
    .bind(new.base_url)
    .bind(new.account)
    .bind(new.secret)
    .bind(new.webhook_secret)
    .bind(Json(new.options))
    .bind(new.concurrency_max)
    .bind(new.calls_per_second)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query("insert into capacity (scope, ref, cap) values ('gateway', $1, $2)")
        .bind(new.id)
        .bind(new.concurrency_max)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Listed {
    pub id: GatewayId,
    pub name: String,
    pub kind: ProviderKind,
    pub sandbox: bool,
    pub numbers: i64,
    pub concurrency_max: i32,
    pub calls_per_second: i32,
    pub open_until: Option<Timestamp>,
    pub set_up_at: Option<Timestamp>,
    pub problem: String,
}

pub(super) async fn list(tx: &mut Tx, only: Option<GatewayId>) -> Result<Vec<Listed>> {
    Ok(sqlx::query_as(
        "select g.id, g.name, g.kind, g.sandbox, (select count(*) from numbers n where n.gateway_id = g.id) as numbers,
                g.concurrency_max, g.calls_per_second, g.open_until, g.set_up_at, g.problem
         from gateways g where $1::uuid is null or g.id = $1 order by g.created_at, g.id limit 100",
    )
    .bind(only)
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn count(tx: &mut Tx) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from gateways").fetch_one(tx.conn()).await?)
}

/// The gateways that are set up and whose agents are made here and kept there.
pub(crate) async fn keepers(tx: &mut Tx) -> Result<Vec<GatewayId>> {
    let kinds: Vec<_> = ProviderKind::ALL.iter().copied().filter(|kind| kind.keeps_agents()).collect();
    Ok(sqlx::query_scalar("select id from gateways where kind = any($1) and set_up_at is not null order by id")
        .bind(kinds)
        .fetch_all(tx.conn())
        .await?)
}

/// Published agents by name.
pub(super) async fn callers(tx: &mut Tx) -> Result<Vec<(AgentId, String)>> {
    Ok(sqlx::query_as("select id, name from agents where status = 'published' order by name limit 100")
        .fetch_all(tx.conn())
        .await?)
}

/// The keys of a gateway; `None` leaves one as it is.
pub(super) struct Keys<'a> {
    pub account: &'a str,
    pub secret: Option<&'a str>,
    pub webhook_secret: Option<&'a str>,
}

/// Changes everything a form may change. The breaker closes: whoever mends a key wants to see at once.
pub(super) async fn update(
    tx: &mut Tx,
    id: GatewayId,
    form: &GatewayForm,
    keys: Keys<'_>,
    options: &BTreeMap<String, String>,
) -> Result<()> {
    let url = form.base_url.trim().trim_end_matches('/');
    sqlx::query(
        "update gateways set name = $2, base_url = $3, account_sid = $4, auth_token = coalesce($5, auth_token),
                webhook_secret = coalesce($6, webhook_secret), options = $7, concurrency_max = $8, calls_per_second = $9,
                keys_version = keys_version + 1, errors_in_row = 0, open_until = null
         where id = $1",
    )
    .bind(id)
    .bind(form.name.trim())
    .bind((!url.is_empty()).then_some(url))
    .bind(keys.account)
    .bind(keys.secret)
    .bind(keys.webhook_secret)
    .bind(Json(options))
    .bind(form.concurrency_max)
    .bind(form.calls_per_second)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Sets the slots of a gateway and of its numbers, which have as many. Locks them: until this commit nobody dials through it.
pub(super) async fn set_slots(tx: &mut Tx, id: GatewayId, cap: i32) -> Result<()> {
    sqlx::query("update capacity set cap = $2 where scope = 'gateway' and ref = $1")
        .bind(id)
        .bind(cap)
        .execute(tx.conn())
        .await?;
    sqlx::query("update capacity set cap = $2 where scope = 'number' and ref in (select id from numbers where gateway_id = $1)")
        .bind(id)
        .bind(cap)
        .execute(tx.conn())
        .await?;
    sqlx::query("update numbers set concurrency_max = $2 where gateway_id = $1").bind(id).bind(cap).execute(tx.conn()).await?;
    Ok(())
}

/// Whether calls are under way through it.
pub(super) async fn is_busy(tx: &mut Tx, id: GatewayId) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select 1 from calls where gateway_id = $1 and status <> 'ended')")
        .bind(id)
        .fetch_one(tx.conn())
        .await?)
}

/// What must be set up at the provider was, or could not be.
pub(super) async fn note_set_up(tx: &mut Tx, id: GatewayId, problem: Option<&str>) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update gateways set problem = coalesce($2, ''), set_up_at = case when $2 is null then $3 else set_up_at end where id = $1",
    )
    .bind(id)
    .bind(problem)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps a secret that the provider made up.
pub(super) async fn set_webhook_secret(tx: &mut Tx, id: GatewayId, secret: &str) -> Result<()> {
    sqlx::query("update gateways set webhook_secret = $2, keys_version = keys_version + 1 where id = $1")
        .bind(id)
        .bind(secret)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The numbers of a gateway.
pub(super) async fn numbers(tx: &mut Tx, id: GatewayId) -> Result<Vec<(NumberId, String)>> {
    Ok(sqlx::query_as("select id, phone from numbers where gateway_id = $1 order by created_at, id")
        .bind(id)
        .fetch_all(tx.conn())
        .await?)
}

/// A number that a campaign answers: its gateway, the provider's id of it, and who speaks.
pub(super) async fn bound(tx: &mut Tx, id: NumberId) -> Result<Option<(GatewayId, String, AgentId)>> {
    Ok(sqlx::query_as(
        "select n.gateway_id, n.remote_id, c.agent_id from numbers n join campaigns c on c.id = n.campaign_id
         where n.id = $1 and n.remote_id is not null and c.agent_id is not null",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// The numbers of a gateway that a campaign with this agent answers.
pub(crate) async fn answered_by_agent(tx: &mut Tx, id: GatewayId, agent: AgentId) -> Result<Vec<NumberId>> {
    Ok(sqlx::query_scalar(
        "select n.id from numbers n join campaigns c on c.id = n.campaign_id
         where n.gateway_id = $1 and n.remote_id is not null and c.agent_id = $2 order by n.id",
    )
    .bind(id)
    .bind(agent)
    .fetch_all(tx.conn())
    .await?)
}

#[derive(sqlx::FromRow)]
struct Kept {
    agent_id: AgentId,
    agent_name: String,
    gateway_id: GatewayId,
    gateway_name: String,
    kind: ProviderKind,
    keeping: Keeping,
    version: i32,
    newest: i32,
    remote_id: Option<String>,
    remote_version: Option<String>,
    problem: String,
    drifted: bool,
    published_at: Option<Timestamp>,
}

/// Agents kept at providers: those of one gateway, or one agent's.
pub(crate) async fn kept(tx: &mut Tx, gateway: Option<GatewayId>, agent: Option<AgentId>) -> Result<Vec<KeptAgent>> {
    let rows: Vec<Kept> = sqlx::query_as(
        "select k.agent_id, a.name as agent_name, k.gateway_id, g.name as gateway_name, g.kind, k.keeping, k.version,
                a.version as newest, k.remote_id, k.remote_version, k.problem, k.drifted, k.published_at
         from kept_agents k join agents a on a.id = k.agent_id join gateways g on g.id = k.gateway_id
         where ($1::uuid is null or k.gateway_id = $1) and ($2::uuid is null or k.agent_id = $2) and a.status <> 'archived'
         order by k.published_at desc nulls first, a.name limit 200",
    )
    .bind(gateway)
    .bind(agent)
    .fetch_all(tx.conn())
    .await?;
    let row = |k: Kept| KeptAgent {
        agent: k.agent_id,
        agent_name: k.agent_name,
        gateway: k.gateway_id,
        gateway_name: k.gateway_name,
        kind: k.kind,
        keeping: k.keeping,
        version: k.version,
        newest: k.newest,
        remote: [k.remote_id, k.remote_version].into_iter().flatten().collect::<Vec<_>>().join(" · version "),
        problem: k.problem,
        drifted: k.drifted,
        at: k.published_at.map(|at| tx.moment(at)),
    };
    Ok(rows.into_iter().map(row).collect())
}
