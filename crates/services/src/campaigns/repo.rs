//! SQL of campaigns. The dialer and the calls slice use the parts that move a running campaign.

use super::Running;
use crate::db::Tx;
use crate::error::Result;
use model::agents::{AgentForm, AgentStatus};
use model::campaigns::{Audience, Campaign, CampaignFilter, CampaignForm, CampaignRow, CampaignSort, Parked, Progress, Status};
use model::consents::Purpose;
use model::credits::Credits;
use model::id::{AgentId, CampaignId, ContactId, EnrollmentId, GatewayId, NumberId};
use model::page::Page;
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};

pub(super) async fn insert(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into campaigns (id, name, status, form, agent_id, starts_at, ends_at, created_at, updated_at, fallback_gateway_id,
                direction)
         values ($1, $2, 'draft', $3, (select id from agents where id = $4), $5, $6, $7, $7, $8, $9)",
    )
    .bind(id)
    .bind(&form.name)
    .bind(Json(form))
    .bind(form.agent)
    .bind(form.starts_at)
    .bind(form.ends_at)
    .bind(now)
    .bind(form.fallback_gateway)
    .bind(form.direction)
    .execute(tx.conn())
    .await?;
    sqlx::query("insert into campaign_stats (campaign_id) values ($1)").bind(id).execute(tx.conn()).await?;
    save_version(tx, id).await
}

pub(super) async fn update_form(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update campaigns set name = $2, form = $3, agent_id = (select id from agents where id = $4), starts_at = $5, ends_at = $6,
                updated_at = $7, settings_version = settings_version + 1, fallback_gateway_id = $8,
                direction = $10,
                gateway_id = case when gateway_id is null then null else coalesce($9, gateway_id) end
         where id = $1",
    )
    .bind(id)
    .bind(&form.name)
    .bind(Json(form))
    .bind(form.agent)
    .bind(form.starts_at)
    .bind(form.ends_at)
    .bind(now)
    .bind(form.fallback_gateway)
    .bind(form.gateway)
    .bind(form.direction)
    .execute(tx.conn())
    .await?;
    sqlx::query("update capacity set cap = $2 where scope = 'campaign' and ref = $1")
        .bind(id)
        .bind(form.concurrency_max)
        .execute(tx.conn())
        .await?;
    save_version(tx, id).await
}

async fn save_version(tx: &mut Tx, id: CampaignId) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into campaign_versions (campaign_id, version, form, saved_at)
         select id, settings_version, form, $2 from campaigns where id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: CampaignId) -> Result<()> {
    for sql in [
        "delete from campaign_versions where campaign_id = $1",
        "delete from campaign_stats where campaign_id = $1",
        "delete from campaigns where id = $1 and status = 'draft'",
    ] {
        sqlx::query(sql).bind(id).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Status and settings, locked. `NotFound` when it is not this company's.
pub(super) async fn lock(tx: &mut Tx, id: CampaignId) -> Result<(Status, CampaignForm)> {
    let found: Option<(Status, Json<CampaignForm>)> =
        sqlx::query_as("select status, form from campaigns where id = $1 for update").bind(id).fetch_optional(tx.conn()).await?;
    let (status, form) = found.ok_or_else(|| model::Error::not_found("campaign"))?;
    Ok((status, form.0))
}

/// Locks the slots a campaign uses, before its own row.
pub(super) async fn lock_slots(tx: &mut Tx, id: CampaignId) -> Result<()> {
    sqlx::query(
        "select 1 from capacity where scope = 'company' or (scope = 'campaign' and ref = $1)
         or (scope = 'gateway' and ref = (select gateway_id from campaigns where id = $1))
         order by case scope when 'company' then 0 when 'gateway' then 1 else 2 end for update",
    )
    .bind(id)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_status(tx: &mut Tx, id: CampaignId, to: Status, pause_reason: Option<&str>) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update campaigns set status = $2, pause_reason = $3, updated_at = $4,
                runnable_at = case when $2 = 'active' and direction = 'outbound' then $4 end, parked = null,
                launched_at = case when $2 in ('active', 'scheduled') then coalesce(launched_at, $4) else launched_at end,
                finished_at = case when $2 in ('completed', 'cancelled') then $4 else finished_at end
         where id = $1",
    )
    .bind(id)
    .bind(to)
    .bind(pause_reason)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// When the dialer looks again (`None`: when an event wakes it), and why it does not dial until then.
pub(crate) async fn park(tx: &mut Tx, id: CampaignId, until: Option<Timestamp>, why: Option<Parked>) -> Result<()> {
    sqlx::query("update campaigns set runnable_at = $2, parked = $3 where id = $1 and status = 'active'")
        .bind(id)
        .bind(until)
        .bind(why)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Calls of these campaigns ended: they and everyone who waits for a line may go on.
pub(crate) async fn wake_after_calls(tx: &mut Tx, ids: &[CampaignId]) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "with woken as (
            select id from campaigns where status = 'active' and direction = 'outbound' and (id = any($1) or parked = $3)
            order by id for no key update)
         update campaigns c set runnable_at = $2 from woken w where c.id = w.id",
    )
    .bind(ids)
    .bind(now)
    .bind(Parked::Lines)
    .execute(tx.conn())
    .await?;
    sqlx::query("select pg_notify($1, '')").bind(crate::dialer::CHANNEL).execute(tx.conn()).await?;
    Ok(())
}

/// The gateway that takes new dials of an active campaign: its own, or the fallback while only that one works; and whether the
/// company is suspended.
pub(crate) async fn gateway_now(tx: &mut Tx, id: CampaignId) -> Result<Option<(GatewayId, bool)>> {
    let now = tx.now();
    Ok(sqlx::query_as(
        "select case when g.open_until > $2 and not coalesce(f.open_until > $2, f.id is null) then f.id else g.id end,
                exists (select 1 from companies o where o.id = app.company() and o.suspended_at is not null)
         from campaigns c join gateways g on g.id = c.gateway_id left join gateways f on f.id = c.fallback_gateway_id
         where c.id = $1 and c.status = 'active' and c.direction = 'outbound'",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// It got a line just now; others of the company are first next time.
pub(crate) async fn note_served(tx: &mut Tx, id: CampaignId) -> Result<()> {
    let now = tx.now();
    sqlx::query("update campaigns set served_at = $2 where id = $1").bind(id).bind(now).execute(tx.conn()).await?;
    Ok(())
}

/// How many of these are gateways of the company.
pub(super) async fn gateways_known(tx: &mut Tx, ids: &[GatewayId]) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from gateways where id = any($1) and removed_at is null")
        .bind(ids)
        .fetch_one(tx.conn())
        .await?)
}

/// The campaign, locked, if it is active and due.
pub(crate) async fn lock_active(tx: &mut Tx, id: CampaignId) -> Result<Option<Running>> {
    type Row = (CampaignId, String, Option<AgentId>, i32, Json<CampaignForm>, Purpose, bool, bool);
    let row: Option<Row> = sqlx::query_as(
        "select id, name, agent_id, settings_version, form, purpose, needs_consent,
                exists (select 1 from canaries k where k.campaign_id = campaigns.id and k.state = 'running')
         from campaigns where id = $1 and status = 'active' for update",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    let Some((id, name, agent, settings_version, form, purpose, needs_consent, is_canary)) = row else { return Ok(None) };
    let Some(agent) = agent else {
        super::pause_self(tx, id, "The agent does not exist any more.").await?;
        return Ok(None);
    };
    Ok(Some(Running { id, name, agent, settings_version, form: form.0, is_canary, purpose, needs_consent }))
}

/// The agent's published version: what callers say, even while a draft is being edited.
pub(crate) async fn published_agent(tx: &mut Tx, id: AgentId) -> Result<Option<crate::dialer::PublishedAgent>> {
    let row: Option<(AgentId, i32, Json<AgentForm>)> = sqlx::query_as(
        "select a.id, v.version, v.form from agents a join agent_versions v on v.agent_id = a.id and v.version = a.version
         where a.id = $1 and a.status = 'published'",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|(id, version, form)| (id, version, form.0)))
}

/// The agent, kept from being archived until this transaction ends.
pub(super) async fn agent_state(tx: &mut Tx, id: AgentId) -> Result<Option<(String, AgentStatus, i32)>> {
    Ok(sqlx::query_as("select name, status, version from agents where id = $1 for share")
        .bind(id)
        .fetch_optional(tx.conn())
        .await?)
}

pub(crate) async fn live_calls(tx: &mut Tx, id: CampaignId) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from calls where campaign_id = $1 and status <> 'ended'")
        .bind(id)
        .fetch_one(tx.conn())
        .await?)
}

/// Slots of its own, and the gateway that was chosen, else the company's first.
pub(super) async fn open_for_calls(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    sqlx::query(
        "insert into capacity (scope, ref, cap) values ('campaign', $1, $2) on conflict (company_id, scope, ref) do nothing",
    )
    .bind(id)
    .bind(form.concurrency_max)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "update campaigns set gateway_id = coalesce($2, gateway_id, (select id from gateways where removed_at is null order by created_at limit 1)) where id = $1",
    )
    .bind(id)
    .bind(form.gateway)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lets a campaign answer exactly these numbers. Returns those that another campaign answers already.
pub(super) async fn bind_numbers(tx: &mut Tx, id: CampaignId, numbers: &[NumberId]) -> Result<Vec<String>> {
    let taken: Vec<Phone> =
        sqlx::query_scalar("select phone from numbers where id = any($2) and campaign_id <> $1 order by phone")
            .bind(id)
            .bind(numbers)
            .fetch_all(tx.conn())
            .await?;
    if taken.is_empty() {
        sqlx::query(
            "update numbers set campaign_id = case when id = any($2) then $1 end
             where (id = any($2)) is distinct from (campaign_id is not distinct from $1)",
        )
        .bind(id)
        .bind(numbers)
        .execute(tx.conn())
        .await?;
    }
    Ok(taken.iter().map(ToString::to_string).collect())
}

/// How many of these are numbers of the company, and which of them another campaign answers.
pub(super) async fn numbers_known(tx: &mut Tx, id: Option<CampaignId>, numbers: &[NumberId]) -> Result<(i64, Vec<String>)> {
    let rows: Vec<(Phone, bool)> = sqlx::query_as(
        "select phone, campaign_id is not null and campaign_id is distinct from $1 from numbers where id = any($2)",
    )
    .bind(id)
    .bind(numbers)
    .fetch_all(tx.conn())
    .await?;
    let taken = rows.iter().filter(|(_, taken)| *taken).map(|(phone, _)| phone.to_string()).collect();
    Ok((i64::try_from(rows.len()).unwrap_or(i64::MAX), taken))
}

/// The gateway that calls to an inbound campaign come through: that of its first number.
pub(super) async fn open_for_callers(tx: &mut Tx, id: CampaignId, form: &CampaignForm) -> Result<()> {
    let gateway: Option<GatewayId> =
        sqlx::query_scalar("select gateway_id from numbers where id = any($1) order by created_at, id limit 1")
            .bind(&form.numbers)
            .fetch_optional(tx.conn())
            .await?;
    open_for_calls(tx, id, &CampaignForm { gateway, ..form.clone() }).await
}

/// An inbound campaign, locked, as a call to one of its numbers needs it.
#[derive(Debug)]
pub(crate) struct Answering {
    pub id: CampaignId,
    pub status: Status,
    pub agent: Option<AgentId>,
    pub settings_version: i32,
    pub form: CampaignForm,
}

/// Locks the campaign that answers a number.
pub(crate) async fn lock_answering(tx: &mut Tx, id: CampaignId) -> Result<Answering> {
    let (status, agent, settings_version, form): (Status, Option<AgentId>, i32, Json<CampaignForm>) =
        sqlx::query_as("select status, agent_id, settings_version, form from campaigns where id = $1 for update")
            .bind(id)
            .fetch_one(tx.conn())
            .await?;
    Ok(Answering { id, status, agent, settings_version, form: form.0 })
}

/// Whether [`open_for_calls`] was reached; a scheduled start that failed did not.
pub(crate) async fn is_launched(tx: &mut Tx, id: CampaignId) -> Result<bool> {
    Ok(sqlx::query_scalar("select gateway_id is not null from campaigns where id = $1").bind(id).fetch_one(tx.conn()).await?)
}

/// `from contacts k where …` for the people of an audience who may be called.
fn audience_sql(select: &str, audience: &Audience) -> QueryBuilder<Postgres> {
    let mut sql = everyone_sql(select, audience);
    sql.push(" and not exists (select 1 from suppressions s where s.phone = k.phone)");
    sql
}

/// The same with those who asked not to be called.
pub(crate) fn everyone_sql(select: &str, audience: &Audience) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(select);
    sql.push(" from contacts k where k.status = 'active'");
    match audience {
        Audience::Everyone => {}
        Audience::Segment { segment } => {
            sql.push(" and k.segment = ").push_bind(segment.clone());
        }
        Audience::Import { import } => {
            sql.push(" and exists (select 1 from import_contacts i where i.contact_id = k.id and i.import_id = ")
                .push_bind(*import)
                .push(")");
        }
        Audience::Person { contact } => {
            sql.push(" and k.id = ").push_bind(*contact);
        }
    }
    sql
}

pub(super) async fn audience_count(tx: &mut Tx, audience: &Audience) -> Result<i64> {
    Ok(audience_sql("select count(*)", audience).build_query_scalar().fetch_one(tx.conn()).await?)
}

pub(super) async fn audience_sample(tx: &mut Tx, audience: &Audience, limit: i64) -> Result<Vec<(Phone, Option<String>)>> {
    let mut sql = audience_sql("select k.phone, k.time_zone", audience);
    sql.push(" order by k.created_at, k.id limit ").push_bind(limit);
    Ok(sql.build_query_as().fetch_all(tx.conn()).await?)
}

pub(super) async fn not_yet_enrolled(tx: &mut Tx, id: CampaignId, audience: &Audience, limit: i64) -> Result<Vec<ContactId>> {
    let mut sql = audience_sql("select k.id", audience);
    sql.push(" and not exists (select 1 from enrollments e where e.contact_id = k.id and e.campaign_id = ").push_bind(id);
    sql.push(") order by k.created_at, k.id limit ").push_bind(limit);
    Ok(sql.build_query_scalar().fetch_all(tx.conn()).await?)
}

pub(super) async fn enroll(tx: &mut Tx, id: CampaignId, ids: &[EnrollmentId], people: &[ContactId]) -> Result<i64> {
    let now = tx.now();
    let done = sqlx::query(
        "insert into enrollments (id, campaign_id, contact_id, status, next_attempt_at, created_at, updated_at)
         select e, $1, c, 'queued', $4, $4, $4 from unnest($2::uuid[], $3::uuid[]) as t (e, c)
         on conflict on constraint enrollments_once do nothing",
    )
    .bind(id)
    .bind(ids)
    .bind(people)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

#[derive(sqlx::FromRow)]
struct Listed {
    id: CampaignId,
    name: String,
    status: Status,
    pause_reason: Option<String>,
    agent_name: Option<String>,
    ends_at: Option<Timestamp>,
    updated_at: Timestamp,
    #[sqlx(flatten)]
    stats: Stats,
}

#[derive(sqlx::FromRow)]
struct Stats {
    contacts: i64,
    finished: i64,
    calling: i64,
    calls: i64,
    connected: i64,
    voicemail: i64,
    busy: i64,
    no_answer: i64,
    failed: i64,
    talk_seconds: i64,
    spent: Credits,
}

impl From<Stats> for Progress {
    fn from(s: Stats) -> Self {
        Self {
            contacts: s.contacts,
            finished: s.finished,
            calling: s.calling,
            calls: s.calls,
            connected: s.connected,
            voicemail: s.voicemail,
            busy: s.busy,
            no_answer: s.no_answer,
            failed: s.failed,
            talk_seconds: s.talk_seconds,
            spent: s.spent,
        }
    }
}

/// The columns of [`Stats`], from `campaign_stats s` and the campaign's slots `u`. Who was left over when a campaign was
/// cancelled is final, and not finished.
const STATS: &str = "s.contacts, s.finished - case when c.status in ('cancelled', 'archived') then (select count(*) from enrollments e
                         where e.campaign_id = c.id and e.status = 'cancelled') else 0 end as finished, coalesce(u.in_use, 0)::bigint as calling, s.calls, s.connected, s.voicemail, s.busy, \
                     s.no_answer, s.failed, s.talk_seconds, s.spent";
const FROM: &str = " from campaigns c join campaign_stats s on s.campaign_id = c.id
     left join capacity u on u.scope = 'campaign' and u.ref = c.id left join agents a on a.id = c.agent_id ";

pub(super) async fn list(tx: &mut Tx, filter: &CampaignFilter) -> Result<Page<CampaignRow>> {
    let search = filter.search.trim().to_lowercase();
    let matching = |sql: &mut QueryBuilder<Postgres>| {
        if let Some(status) = filter.status {
            sql.push(" and c.status = ").push_bind(status);
        }
        if let Some(direction) = filter.direction {
            sql.push(" and c.direction = ").push_bind(direction);
        }
        if !search.is_empty() {
            sql.push(" and c.name_lower ~>=~ ").push_bind(search.clone());
            sql.push(" and c.name_lower ~<~ ").push_bind(format!("{search}\u{10ffff}"));
        }
    };
    let mut count = QueryBuilder::new("select count(*) from campaigns c where true");
    matching(&mut count);
    let total: i64 = count.build_query_scalar().fetch_one(tx.conn()).await?;
    let mut sql = QueryBuilder::new(format!(
        "select c.id, c.name, c.status, c.pause_reason, a.name as agent_name, c.ends_at, c.updated_at, {STATS} {FROM} where true"
    ));
    matching(&mut sql);
    let column = match filter.sort {
        CampaignSort::Updated => "c.updated_at",
        CampaignSort::Name => "c.name_lower",
        CampaignSort::Status => "c.status",
        CampaignSort::Contacts => "s.contacts",
        CampaignSort::Progress => "case when s.contacts = 0 then 0 else s.finished * 1000 / s.contacts end",
    };
    let direction = if filter.descending { "desc" } else { "asc" };
    sql.push(format!(" order by {column} {direction}, c.id desc limit ")).push_bind(filter.paging.limit());
    sql.push(" offset ").push_bind(filter.paging.offset());
    let rows: Vec<Listed> = sql.build_query_as().fetch_all(tx.conn()).await?;
    let items = rows
        .into_iter()
        .map(|r| CampaignRow {
            id: r.id,
            name: r.name,
            agent_name: r.agent_name,
            status: r.status,
            pause_reason: r.pause_reason,
            progress: r.stats.into(),
            ends_at: r.ends_at.map(|at| tx.moment(at)),
            updated_at: tx.moment(r.updated_at),
        })
        .collect();
    Ok(Page::new(items, total, filter.paging))
}

#[derive(sqlx::FromRow)]
struct Loaded {
    id: CampaignId,
    status: Status,
    pause_reason: Option<String>,
    settings_version: i32,
    form: Json<CampaignForm>,
    agent_name: Option<String>,
    sandbox: Option<bool>,
    runnable_at: Option<Timestamp>,
    parked: Option<Parked>,
    launched_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    created_at: Timestamp,
    reserved: Credits,
    #[sqlx(flatten)]
    stats: Stats,
}

pub(super) async fn load(tx: &mut Tx, id: CampaignId) -> Result<Campaign> {
    let mut sql = QueryBuilder::new(format!(
        "select c.id, c.status, c.pause_reason, c.settings_version, c.form, a.name as agent_name,
                coalesce(g.sandbox, (select sandbox from gateways where removed_at is null order by created_at limit 1)) as sandbox, c.runnable_at, c.parked,
                c.launched_at, c.finished_at, c.created_at,
                coalesce((select amount from balances where account = 'escrow' and ref = c.id), 0) as reserved, {STATS}
         {FROM} left join gateways g on g.id = c.gateway_id where c.id = "
    ));
    sql.push_bind(id);
    let found: Option<Loaded> = sql.build_query_as().fetch_optional(tx.conn()).await?;
    let c = found.ok_or_else(|| model::Error::not_found("campaign"))?;
    let parked = (c.status == Status::Active).then_some(c.parked).flatten();
    let canary = super::canary::view(tx, id).await?;
    Ok(Campaign {
        id: c.id,
        status: c.status,
        pause_reason: c.pause_reason,
        settings_version: c.settings_version,
        starts_at: c.form.starts_at.map(|at| tx.moment(at)),
        ends_at: c.form.ends_at.map(|at| tx.moment(at)),
        form: c.form.0,
        agent_name: c.agent_name,
        progress: c.stats.into(),
        reserved: c.reserved,
        sandbox: c.sandbox.unwrap_or(false),
        canary,
        parked: parked.map(|why| (why, c.runnable_at.map(|at| tx.moment(at)))),
        launched_at: c.launched_at.map(|at| tx.moment(at)),
        finished_at: c.finished_at.map(|at| tx.moment(at)),
        created_at: tx.moment(c.created_at),
    })
}

/// Whether the campaign may still call.
pub(crate) async fn is_open(tx: &mut Tx, id: CampaignId) -> Result<bool> {
    let status: Status = sqlx::query_scalar("select status from campaigns where id = $1").bind(id).fetch_one(tx.conn()).await?;
    Ok(status.is_open())
}

/// The settings, and whether the campaign may still call.
pub(crate) async fn settings_of(tx: &mut Tx, id: CampaignId) -> Result<Option<(CampaignForm, bool)>> {
    let row: Option<(Json<CampaignForm>, Status)> =
        sqlx::query_as("select form, status from campaigns where id = $1").bind(id).fetch_optional(tx.conn()).await?;
    Ok(row.map(|(form, status)| (form.0, status.is_open())))
}
