//! SQL of calls that come in.

use crate::db::Tx;
use crate::dialer::PublishedAgent;
use crate::error::Result;
use model::agents::AgentForm;
use model::calls::Declined;
use model::campaigns::CampaignForm;
use model::credits::{Credits, Price};
use model::id::{AgentId, CallId, CampaignId, ContactId, GatewayId, NumberId};
use model::phone::Phone;
use model::time::Timestamp;
use sqlx::types::Json;

/// Somebody who calls, as far as the provider and our tables know them.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub call: CallId,
    pub gateway: GatewayId,
    pub number: Option<NumberId>,
    pub campaign: Option<CampaignId>,
    pub contact: Option<ContactId>,
    pub phone: &'a Phone,
    /// The number they called.
    pub to: &'a Phone,
    pub provider_call_id: &'a str,
}

/// What a call in is taken with.
#[derive(Debug)]
pub(super) struct InboundTerms {
    pub agent: AgentId,
    pub agent_version: i32,
    pub settings_version: i32,
    pub price: Price,
    pub seconds_max: i32,
    pub held: Credits,
    pub check_at: Timestamp,
}

/// A call that is answered from this commit on. It is no attempt of ours, so it does not count as one.
pub(super) async fn insert_taken(tx: &mut Tx, a: &Arrival<'_>, t: &InboundTerms) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into calls (id, direction, campaign_id, contact_id, agent_id, agent_version, settings_version, gateway_id, number_id,
                attempt_no, phone, from_phone, status, provider_call_id, asked_as, counted, per_minute, initial_seconds, step_seconds,
                call_seconds_max, held, check_at, created_at, recorded_at, answered_at)
         values ($1, 'inbound', $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, 'answered', $11, $11, false, $12, $13, $14, $15, $16, $17, $18, $18,
                 $18)",
    )
    .bind(a.call)
    .bind(a.campaign)
    .bind(a.contact)
    .bind(t.agent)
    .bind(t.agent_version)
    .bind(t.settings_version)
    .bind(a.gateway)
    .bind(a.number)
    .bind(a.phone)
    .bind(a.to)
    .bind(a.provider_call_id)
    .bind(t.price.per_minute)
    .bind(t.price.initial_seconds)
    .bind(t.price.step_seconds)
    .bind(t.seconds_max)
    .bind(t.held)
    .bind(t.check_at)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query("update contacts set calls = calls + 1 where id = $1").bind(a.contact).execute(tx.conn()).await?;
    Ok(())
}

/// A call that was not taken: over, free and settled from the start.
pub(super) async fn insert_declined(tx: &mut Tx, a: &Arrival<'_>, why: Declined, settings_version: i32) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "insert into calls (id, direction, declined, campaign_id, contact_id, agent_version, settings_version, gateway_id, number_id,
                attempt_no, phone, from_phone, status, outcome, provider_call_id, asked_as, counted, per_minute, initial_seconds, step_seconds,
                call_seconds_max, held, cost, settled_at, created_at, recorded_at, ended_at)
         values ($1, 'inbound', $2, $3, $4, 0, $5, $6, $7, 1, $8, $9, 'ended', 'rejected', $10, $10, false, 0, 60, 60, 0, 0, 0, $11, $11, $11,
                 $11)",
    )
    .bind(a.call)
    .bind(why)
    .bind(a.campaign)
    .bind(a.contact)
    .bind(settings_version)
    .bind(a.gateway)
    .bind(a.number)
    .bind(a.phone)
    .bind(a.to)
    .bind(a.provider_call_id)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a caller is told, in the versions their call was recorded with.
#[derive(Debug)]
pub(super) struct Told {
    pub declined: Option<Declined>,
    pub agent: Option<PublishedAgent>,
    /// The campaign's own words for callers that nobody can answer.
    pub fallback: Option<String>,
    pub contact_name: Option<String>,
    pub contact_company: Option<String>,
    pub company: String,
}

pub(super) async fn told(tx: &mut Tx, id: CallId) -> Result<Told> {
    #[derive(sqlx::FromRow)]
    struct Row {
        declined: Option<Declined>,
        agent_id: Option<AgentId>,
        agent_version: i32,
        agent: Option<Json<AgentForm>>,
        campaign: Option<Json<CampaignForm>>,
        contact_name: Option<String>,
        contact_company: Option<String>,
        company: String,
    }
    let row: Row = sqlx::query_as(
        "select k.declined, k.agent_id, k.agent_version, a.form as agent, v.form as campaign, c.name as contact_name,
                c.company as contact_company, o.name as company
         from calls k cross join companies o
         left join agent_versions a on a.agent_id = k.agent_id and a.version = k.agent_version
         left join campaign_versions v on v.campaign_id = k.campaign_id and v.version = k.settings_version
         left join contacts c on c.id = k.contact_id where k.id = $1",
    )
    .bind(id)
    .fetch_one(tx.conn())
    .await?;
    Ok(Told {
        declined: row.declined,
        agent: row.agent_id.zip(row.agent).map(|(id, form)| (id, row.agent_version, form.0)),
        fallback: row.campaign.map(|form| form.0.fallback_text),
        contact_name: row.contact_name,
        contact_company: row.contact_company,
        company: row.company,
    })
}
