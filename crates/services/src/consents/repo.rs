//! The SQL of consents.

use crate::db::Tx;
use crate::error::Result;
use model::campaigns::PurposeRow;
use model::consents::{ConsentForm, ConsentPolicy, ConsentSource, Purpose};
use model::id::{CampaignId, ConsentId, ContactId};
use model::phone::Phone;
use model::rules::Consent;
use model::time::Timestamp;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;

/// The newest first; of those of one moment the one that takes it back.
const NEWEST: &str = "at desc, recorded_at desc, form is null desc, id desc";

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    pub id: ConsentId,
    pub phone: Phone,
    pub purpose: Purpose,
    pub form: Option<Consent>,
    pub source: ConsentSource,
    pub wording: String,
    pub evidence: String,
    pub ip: Option<String>,
    pub at: Timestamp,
    pub recorded_at: Timestamp,
    pub by_name: String,
}

pub(super) async fn insert(tx: &mut Tx, rows: &[(ConsentId, Phone)], form: &ConsentForm, at: Timestamp) -> Result<()> {
    let (now, by) = (tx.now(), tx.actor().name().to_owned());
    let ip = form.ip.trim();
    sqlx::query(
        "insert into consents (id, phone, purpose, form, source, wording, evidence, ip, at, recorded_at, by_name)
         select n.*, $3, $4, $5, $6, $7, $8, $9, $10, $11 from unnest($1::uuid[], $2::text[]) as n",
    )
    .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, phone)| phone.as_str()).collect::<Vec<_>>())
    .bind(form.purpose)
    .bind(form.standing.given())
    .bind(form.source)
    .bind(form.wording.trim())
    .bind(form.evidence.trim())
    .bind((!ip.is_empty()).then_some(ip))
    .bind(at)
    .bind(now)
    .bind(by)
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn of(tx: &mut Tx, phone: &Phone, limit: i64) -> Result<Vec<Stored>> {
    Ok(sqlx::query_as(AssertSqlSafe(format!(
        "select id, phone, purpose, form, source, wording, evidence, ip, at, recorded_at, by_name from consents
         where phone = $1 order by {NEWEST} limit $2"
    )))
    .bind(phone)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The newest record of each number decides.
pub(super) async fn given(tx: &mut Tx, numbers: &[Phone], purpose: Purpose) -> Result<HashMap<Phone, Consent>> {
    let rows: Vec<(Phone, Consent)> = sqlx::query_as(AssertSqlSafe(format!(
        "select n.phone, c.form from unnest($1::text[]) as n (phone)
         cross join lateral (select form from consents c where c.phone = n.phone and c.purpose = $2 order by {NEWEST} limit 1) c
         where c.form is not null"
    )))
    .bind(numbers)
    .bind(purpose)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

pub(super) async fn asked(tx: &mut Tx, campaign: CampaignId) -> Result<(ConsentPolicy, Purpose, bool)> {
    Ok(sqlx::query_as(
        "select o.consent, c.purpose, c.needs_consent from campaigns c, companies o where c.id = $1 and o.id = app.company()",
    )
    .bind(campaign)
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn policy(tx: &mut Tx) -> Result<ConsentPolicy> {
    Ok(sqlx::query_scalar("select consent from companies where id = app.company()").fetch_one(tx.conn()).await?)
}

pub(super) async fn set_policy(tx: &mut Tx, new: ConsentPolicy) -> Result<()> {
    sqlx::query("update companies set consent = $1 where id = app.company()").bind(new).execute(tx.conn()).await?;
    Ok(())
}

pub(super) async fn purposes(tx: &mut Tx, limit: i64) -> Result<Vec<PurposeRow>> {
    type Row = (CampaignId, String, Purpose, bool);
    let rows: Vec<Row> = sqlx::query_as(
        "select id, name, purpose, needs_consent from campaigns where direction = 'outbound'
            and status not in ('completed', 'cancelled', 'archived') order by created_at desc, id desc limit $1",
    )
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, name, purpose, needs_consent)| PurposeRow { id, name, purpose, needs_consent }).collect())
}

pub(super) async fn set_purpose(tx: &mut Tx, id: CampaignId, purpose: Purpose, needs_consent: bool) -> Result<Option<()>> {
    let found: Option<CampaignId> =
        sqlx::query_scalar("update campaigns set purpose = $2, needs_consent = $3 where id = $1 returning id")
            .bind(id)
            .bind(purpose)
            .bind(needs_consent)
            .fetch_optional(tx.conn())
            .await?;
    Ok(found.map(drop))
}

pub(super) async fn forget(tx: &mut Tx, phone: &Phone, contact: ContactId) -> Result<()> {
    sqlx::query(
        "update consents set phone = (select c.phone from contacts c where c.id = $2 and c.forgotten_at is not null), ip = null, evidence = ''
         where phone = $1",
    )
    .bind(phone)
    .bind(contact)
    .execute(tx.conn())
    .await?;
    Ok(())
}
