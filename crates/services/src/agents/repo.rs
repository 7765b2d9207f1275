//! The SQL of agents and templates.

use crate::db::{SystemTx, Tx};
use crate::error::Result;
use crate::phones::prefix_end;
use model::agents::{AgentFilter, AgentForm, AgentStatus, Template};
use model::companies::CompanyType;
use model::id::{AgentId, TemplateId};
use model::time::Timestamp;
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub status: AgentStatus,
    pub version: i32,
    pub form: Json<AgentForm>,
    pub updated_at: Timestamp,
}

pub(super) async fn find(tx: &mut Tx, id: AgentId) -> Result<Option<Stored>> {
    let row = sqlx::query_as("select status, version, form, updated_at from agents where id = $1")
        .bind(id)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row)
}

pub(super) async fn lock(tx: &mut Tx, id: AgentId) -> Result<Option<Stored>> {
    let row = sqlx::query_as("select status, version, form, updated_at from agents where id = $1 for update")
        .bind(id)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row)
}

pub(super) async fn insert(tx: &mut Tx, id: AgentId, form: &AgentForm) -> Result<()> {
    let now = tx.now();
    sqlx::query("insert into agents (id, name, status, form, created_at, updated_at) values ($1, $2, 'draft', $3, $4, $4)")
        .bind(id)
        .bind(form.name.trim())
        .bind(Json(form))
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx, id: AgentId, form: &AgentForm) -> Result<()> {
    let now = tx.now();
    sqlx::query("update agents set name = $2, form = $3, updated_at = $4 where id = $1")
        .bind(id)
        .bind(form.name.trim())
        .bind(Json(form))
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn published_form(tx: &mut Tx, id: AgentId, version: i32) -> Result<Option<AgentForm>> {
    let form: Option<Json<AgentForm>> =
        sqlx::query_scalar("select form from agent_versions where agent_id = $1 and version = $2")
            .bind(id)
            .bind(version)
            .fetch_optional(tx.conn())
            .await?;
    Ok(form.map(|f| f.0))
}

pub(super) async fn publish(tx: &mut Tx, id: AgentId, version: i32, form: &AgentForm) -> Result<()> {
    let now = tx.now();
    sqlx::query("insert into agent_versions (agent_id, version, form, published_at) values ($1, $2, $3, $4)")
        .bind(id)
        .bind(version)
        .bind(Json(form))
        .bind(now)
        .execute(tx.conn())
        .await?;
    sqlx::query("update agents set status = 'published', version = $2, updated_at = $3 where id = $1")
        .bind(id)
        .bind(version)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn archive(tx: &mut Tx, id: AgentId) -> Result<()> {
    let now = tx.now();
    sqlx::query("update agents set status = 'archived', updated_at = $2 where id = $1")
        .bind(id)
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The name of a campaign that calls with this agent now or may do so without another launch.
pub(super) async fn campaign_using(tx: &mut Tx, id: AgentId) -> Result<Option<String>> {
    let name = sqlx::query_scalar(
        "select name from campaigns where agent_id = $1 and status in ('active', 'paused', 'scheduled') order by name limit 1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    Ok(name)
}

#[derive(sqlx::FromRow)]
pub(super) struct Listed {
    pub id: AgentId,
    pub status: AgentStatus,
    pub version: i32,
    pub form: Json<AgentForm>,
    pub updated_at: Timestamp,
    pub calls: i64,
    /// Answered by a human.
    pub connected: i64,
}

pub(super) async fn list(tx: &mut Tx, filter: &AgentFilter) -> Result<(Vec<Listed>, i64)> {
    let mut count = QueryBuilder::new("select count(*) from agents");
    matching(&mut count, filter);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    // Calls are counted for the rows of this page only.
    let mut sql =
        QueryBuilder::new("select a.*, n.calls, n.connected from (select id, status, version, form, updated_at from agents");
    matching(&mut sql, filter);
    sql.push(" order by updated_at desc, id desc limit ").push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    sql.push(
        ") as a cross join lateral (
             select count(*) as calls,
                 count(*) filter (where c.outcome = 'completed' and (c.answered_by is null or c.answered_by = 'human')) as connected
             from calls c where c.agent_id = a.id
         ) as n order by a.updated_at desc, a.id desc",
    );
    Ok((sql.build_query_as().fetch_all(tx.conn()).await?, total))
}

fn matching(sql: &mut QueryBuilder<Postgres>, filter: &AgentFilter) {
    match filter.status {
        Some(status) => sql.push(" where status = ").push_bind(status),
        None => sql.push(" where status <> 'archived'"),
    };
    let name = filter.search.trim().to_lowercase();
    if !name.is_empty() {
        sql.push(" and name_lower ~>=~ ").push_bind(name.clone());
        sql.push(" and name_lower ~<~ ").push_bind(prefix_end(&name));
    }
}

pub(super) async fn templates(tx: &mut Tx) -> Result<Vec<Template>> {
    let rows: Vec<(TemplateId, CompanyType, String, Json<AgentForm>)> = sqlx::query_as(
        "select t.id, t.company_type, t.summary, t.form from templates t
         order by (t.company_type = (select c.company_type from companies c where c.id = app.company())) desc nulls last, t.position",
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, company_type, summary, form)| Template { id, company_type, summary, form: form.0 }).collect())
}

pub(super) async fn template_form(tx: &mut Tx, id: TemplateId) -> Result<Option<AgentForm>> {
    let form: Option<Json<AgentForm>> =
        sqlx::query_scalar("select form from templates where id = $1").bind(id).fetch_optional(tx.conn()).await?;
    Ok(form.map(|f| f.0))
}

pub(super) async fn put_template(tx: &mut SystemTx, position: i32, template: &Template) -> Result<()> {
    sqlx::query(
        "insert into templates (id, company_type, summary, form, position) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set company_type = excluded.company_type, summary = excluded.summary, form = excluded.form,
             position = excluded.position",
    )
    .bind(template.id)
    .bind(template.company_type)
    .bind(&template.summary)
    .bind(Json(&template.form))
    .bind(position)
    .execute(tx.conn())
    .await?;
    Ok(())
}
