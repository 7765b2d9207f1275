//! Rollups of a campaign: they move in the transaction that moves what they count.

use crate::db::Tx;
use crate::error::Result;
use model::calls::Outcome;
use model::credits::Credits;
use model::id::CampaignId;
use sqlx::{Postgres, QueryBuilder};

/// What ended calls add to the counts of a campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    calls: i64,
    connected: i64,
    voicemail: i64,
    busy: i64,
    no_answer: i64,
    failed: i64,
    talk_seconds: i64,
    spent: Credits,
}

impl Tally {
    /// One call.
    pub(crate) fn of(outcome: Outcome, talk_seconds: i64, spent: Credits) -> Self {
        let mut tally = Self::default();
        tally.add(outcome, talk_seconds, spent);
        tally
    }

    /// Another call.
    pub(crate) fn add(&mut self, outcome: Outcome, talk_seconds: i64, spent: Credits) {
        self.calls += 1;
        *match outcome {
            Outcome::Completed => &mut self.connected,
            Outcome::Voicemail => &mut self.voicemail,
            Outcome::Busy => &mut self.busy,
            Outcome::NoAnswer => &mut self.no_answer,
            Outcome::Failed | Outcome::Rejected | Outcome::Canceled | Outcome::Unknown => &mut self.failed,
        } += 1;
        self.talk_seconds += talk_seconds;
        self.spent += spent;
    }
}

/// The column an outcome is counted in.
const fn bucket(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "connected",
        Outcome::Voicemail => "voicemail",
        Outcome::Busy => "busy",
        Outcome::NoAnswer => "no_answer",
        Outcome::Failed | Outcome::Rejected | Outcome::Canceled | Outcome::Unknown => "failed",
    }
}

/// Counts ended calls.
pub(crate) async fn count(tx: &mut Tx, id: CampaignId, more: &Tally) -> Result<()> {
    sqlx::query(
        "update campaign_stats set calls = calls + $2, connected = connected + $3, voicemail = voicemail + $4, busy = busy + $5,
                no_answer = no_answer + $6, failed = failed + $7, talk_seconds = talk_seconds + $8, spent = spent + $9
         where campaign_id = $1",
    )
    .bind(id)
    .bind(more.calls)
    .bind(more.connected)
    .bind(more.voicemail)
    .bind(more.busy)
    .bind(more.no_answer)
    .bind(more.failed)
    .bind(more.talk_seconds)
    .bind(more.spent)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A correction moved a counted call from one outcome to another, and may have told a longer talk.
pub(crate) async fn recount(tx: &mut Tx, id: CampaignId, from: Outcome, to: Outcome, more_seconds: i64) -> Result<()> {
    let (a, b) = (bucket(from), bucket(to));
    let mut sql = QueryBuilder::<Postgres>::new("update campaign_stats set ");
    if a != b {
        sql.push(format!("{a} = {a} - 1, {b} = {b} + 1, "));
    }
    sql.push("talk_seconds = talk_seconds + ").push_bind(more_seconds).push(" where campaign_id = ").push_bind(id);
    sql.build().execute(tx.conn()).await?;
    Ok(())
}

/// A call in which the person asked not to be called again.
pub(crate) async fn count_opt_out(tx: &mut Tx, id: CampaignId) -> Result<()> {
    sqlx::query("update campaign_stats set opted_out = opted_out + 1 where campaign_id = $1").bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// People who are done with a campaign, more or fewer.
pub(crate) async fn count_finished(tx: &mut Tx, id: CampaignId, by: i64) -> Result<()> {
    sqlx::query("update campaign_stats set finished = finished + $2 where campaign_id = $1")
        .bind(id)
        .bind(by)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// People who were enrolled.
pub(super) async fn count_contacts(tx: &mut Tx, id: CampaignId, by: i64) -> Result<()> {
    sqlx::query("update campaign_stats set contacts = contacts + $2 where campaign_id = $1")
        .bind(id)
        .bind(by)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Finished contacts and spent credits of all campaigns: the company's own average.
pub(super) async fn history(tx: &mut Tx) -> Result<(i64, i64)> {
    Ok(sqlx::query_as("select coalesce(sum(finished), 0)::bigint, coalesce(sum(spent), 0)::bigint from campaign_stats")
        .fetch_one(tx.conn())
        .await?)
}
