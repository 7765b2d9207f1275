//! Canary launch: who is called first, and what a settled call means for the others. Judged in the transaction that
//! settles, from rollups that moved in it: no call is counted twice and none is scanned for.

use super::{pause_self, repo};
use crate::db::Tx;
use crate::error::Result;
use crate::{dialer, enrollments};
use model::campaigns::CampaignForm;
use model::canary::{Canary, CanaryState, CanaryView, Figures, Verdict, judge, judge_now};
use model::credits::Credits;
use model::events::EventKind;
use model::id::CampaignId;
use model::time::Timestamp;

/// A canary and the counts it is judged by, both since the window began.
#[derive(sqlx::FromRow)]
struct Stored {
    state: CanaryState,
    people: i64,
    why: String,
    judged_at: Option<Timestamp>,
    calls: i64,
    connected: i64,
    voicemail: i64,
    opted_out: i64,
    spent: Credits,
}

impl Stored {
    fn figures(&self) -> Figures {
        Figures {
            calls: self.calls,
            connected: self.connected,
            voicemail: self.voicemail,
            opted_out: self.opted_out,
            spent: self.spent,
        }
    }
}

async fn find(tx: &mut Tx, id: CampaignId) -> Result<Option<Stored>> {
    Ok(sqlx::query_as(
        "select k.state, k.people, k.why, k.judged_at, s.calls - k.calls as calls, s.connected - k.connected as connected,
                s.voicemail - k.voicemail as voicemail, s.opted_out - k.opted_out as opted_out, s.spent - k.spent as spent
         from canaries k join campaign_stats s on s.campaign_id = k.campaign_id where k.campaign_id = $1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// At launch: some of the enrolled, by hash, go first. The order of a file has no say in it.
pub(super) async fn begin(tx: &mut Tx, id: CampaignId, form: &CampaignForm, enrolled: i64) -> Result<()> {
    let Some(canary) = form.canary else { return Ok(()) };
    let (people, now) = (canary.size.people(enrolled), tx.now());
    sqlx::query("insert into canaries (campaign_id, people, state, started_at) values ($1, $2, 'running', $3)")
        .bind(id)
        .bind(people)
        .bind(now)
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "update enrollments set canary = true where campaign_id = $1 and id in
            (select id from enrollments where campaign_id = $1 order by hashtextextended(id::text, 0), id limit $2)",
    )
    .bind(id)
    .bind(people)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A call was settled: is it time to judge, and what then?
///
/// # Errors
/// When the database refuses.
pub(crate) async fn after_call(tx: &mut Tx, id: CampaignId) -> Result<()> {
    let Some(stored) = find(tx, id).await? else { return Ok(()) };
    let Some(canary) = settings(tx, id).await? else { return Ok(()) };
    let is_watched = match stored.state {
        CanaryState::Running => true,
        CanaryState::Passed | CanaryState::Overruled => canary.stays_on,
        CanaryState::Failed => false,
    };
    if !is_watched {
        return Ok(());
    }
    match judge(&canary.guardrails, &stored.figures()) {
        Verdict::NotYet { .. } => Ok(()),
        Verdict::Pass(why) => pass(tx, id, stored.state, &why).await,
        Verdict::Fail(why) => fail(tx, id, &why).await,
    }
}

/// Nobody of the canary is left to call: it is judged by what there is. `false` when the campaign has nobody else either,
/// and is simply done.
pub(super) async fn conclude(tx: &mut Tx, id: CampaignId) -> Result<bool> {
    if enrollments::repo::next_due(tx, id, false).await?.is_none() {
        return Ok(false);
    }
    let (Some(stored), Some(canary)) = (find(tx, id).await?, settings(tx, id).await?) else { return Ok(false) };
    let figures = stored.figures();
    match judge_now(&canary.guardrails, &figures) {
        _ if figures.calls == 0 => fail(tx, id, "Nobody of the canary could be called, so nothing can be judged.").await?,
        Verdict::Fail(why) => fail(tx, id, &why).await?,
        Verdict::Pass(why) if figures.calls >= i64::from(canary.guardrails.calls_min) => {
            pass(tx, id, stored.state, &why).await?;
        }
        _ => {
            let why = format!("The canary ended after {} calls, too few to judge.", figures.calls);
            fail(tx, id, &why).await?;
        }
    }
    Ok(true)
}

async fn settings(tx: &mut Tx, id: CampaignId) -> Result<Option<Canary>> {
    Ok(repo::settings_of(tx, id).await?.and_then(|(form, _)| form.canary))
}

/// Everyone else's turn, and the next window begins.
async fn pass(tx: &mut Tx, id: CampaignId, was: CanaryState, why: &str) -> Result<()> {
    let to = if was == CanaryState::Overruled { was } else { CanaryState::Passed };
    turn(tx, id, to, why).await?;
    if was == CanaryState::Running {
        dialer::wake_campaign(tx, id).await?;
        tx.record(EventKind::CanaryPassed, Some(id.to_string()), why).await?;
    }
    Ok(())
}

async fn fail(tx: &mut Tx, id: CampaignId, why: &str) -> Result<()> {
    turn(tx, id, CanaryState::Failed, why).await?;
    tx.record(EventKind::CanaryFailed, Some(id.to_string()), why).await?;
    pause_self(tx, id, why).await?;
    // Somebody may have paused it while the last calls went on: who resumes it should know.
    sqlx::query("update campaigns set pause_reason = $2 where id = $1 and status = 'paused'")
        .bind(id)
        .bind(why)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Somebody resumed the campaign: a canary that failed is overruled, one under way goes on.
pub(super) async fn overrule(tx: &mut Tx, id: CampaignId) -> Result<()> {
    if find(tx, id).await?.is_some_and(|stored| stored.state == CanaryState::Failed) {
        let why = format!("{} went on anyway.", tx.actor().name());
        turn(tx, id, CanaryState::Overruled, &why).await?;
    }
    Ok(())
}

/// Sets the state; the counts so far are behind it.
async fn turn(tx: &mut Tx, id: CampaignId, to: CanaryState, why: &str) -> Result<()> {
    let now = tx.now();
    sqlx::query(
        "update canaries k set state = $2, why = $3, judged_at = $4, calls = s.calls, connected = s.connected, voicemail = s.voicemail,
                opted_out = s.opted_out, spent = s.spent,
                opened_at = case when $2 in ('passed', 'overruled') then coalesce(k.opened_at, $4) else k.opened_at end
         from campaign_stats s where k.campaign_id = $1 and s.campaign_id = $1",
    )
    .bind(id)
    .bind(to)
    .bind(why)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// For the campaign's page.
pub(super) async fn view(tx: &mut Tx, id: CampaignId) -> Result<Option<CanaryView>> {
    let stored = find(tx, id).await?;
    Ok(stored.map(|k| CanaryView {
        state: k.state,
        people: k.people,
        figures: k.figures(),
        judged_at: k.judged_at.map(|at| tx.moment(at)),
        why: k.why,
    }))
}
