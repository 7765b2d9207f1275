//! Why a campaign calls nobody now: what is asked once per turn of the dialer, and what its people wait for. Reads only;
//! the dialer decides on locked rows (`dialer::plan`), this tells what it would find.

use super::repo;
use crate::db::Tx;
use crate::dialer::eligible::{start_of_day, start_of_next_day};
use crate::error::Result;
use crate::{companies, credits};
use chrono_tz::Tz;
use model::accounts::Permission;
use model::campaigns::{Campaign, CampaignWhy, Parked, Status, Waiting};
use model::credits::Price;
use model::enrollments::{Check, Reason, Standing};
use model::id::CampaignId;
use model::time::{Moment, Timestamp};

/// Reasons there are, and people without one.
const GROUPS_MAX: i64 = 50;

/// Everything that stands for or against a call of this campaign at this moment.
///
/// # Errors
/// `Forbidden` or `NotFound`.
pub async fn why(tx: &mut Tx, id: CampaignId) -> Result<CampaignWhy> {
    tx.require(Permission::ViewCampaigns)?;
    let campaign = repo::load(tx, id).await?;
    let mut checks = vec![running(&campaign)];
    if campaign.status == Status::Active {
        checks.extend(campaign.parked.map(|(why, until)| check("Dialer", parked(why), why.label().to_owned(), until)));
        checks.extend(room(tx, &campaign).await?);
    }
    Ok(CampaignWhy { checks, waiting: waiting(tx, id).await? })
}

fn check(title: &str, standing: Standing, text: String, until: Option<Moment>) -> Check {
    Check { title: title.to_owned(), standing, text, cite: None, until }
}

fn passes_or(ok: bool, otherwise: Standing) -> Standing {
    if ok { Standing::Passes } else { otherwise }
}

/// Most of what the dialer waits for is what somebody has set.
fn parked(why: Parked) -> Standing {
    match why {
        Parked::Lines | Parked::Pace | Parked::Today | Parked::Due | Parked::Calls | Parked::Agent => Standing::Waits,
        Parked::Provider | Parked::Credits | Parked::Trouble => Standing::Against,
    }
}

/// Whether the campaign is one that calls at all.
pub(crate) fn running(campaign: &Campaign) -> Check {
    let text = campaign.pause_reason.clone().unwrap_or_else(|| campaign.status.label().to_owned());
    let until = campaign.starts_at.filter(|_| campaign.status == Status::Scheduled);
    let otherwise = if until.is_some() { Standing::Waits } else { Standing::Against };
    check("Campaign running", passes_or(campaign.status == Status::Active, otherwise), text, until)
}

/// Lines, the day's calls and credits: what every call of a campaign needs besides somebody to call.
pub(crate) async fn room(tx: &mut Tx, campaign: &Campaign) -> Result<Vec<Check>> {
    let settings = companies::settings(tx).await?;
    let mut checks = Vec::new();
    for (scope, used, cap) in lines(tx, campaign.id).await? {
        let standing = passes_or(used < cap, Standing::Waits);
        checks.push(check(&format!("Calls at once, {scope}"), standing, format!("{used} of {cap}"), None));
    }
    if let Some(cap) = campaign.form.calls_per_day_max {
        let zone: Tz = settings.time_zone.parse().unwrap_or(Tz::UTC);
        let made = made_since(tx, campaign.id, start_of_day(tx.now(), zone)).await?;
        let free = made < i64::from(cap);
        let until = (!free).then(|| tx.moment(start_of_next_day(tx.now(), zone)));
        checks.push(check(
            "Calls of the campaign today",
            passes_or(free, Standing::Waits),
            format!("{made} of {cap} made"),
            until,
        ));
    }
    let longest = Price::BASE.cost(i64::from(campaign.form.call_minutes_max.min(settings.call_minutes_max)) * 60);
    let (escrow, available) = (credits::escrow(tx, campaign.id).await?, credits::available(tx).await?);
    let reach = if campaign.form.budget.is_some() { escrow } else { escrow + available };
    let text = format!("{} set aside, {} available; one call needs {}", escrow.rounded(), available.rounded(), longest.rounded());
    checks.push(check("Credits", passes_or(reach >= longest, Standing::Against), text, None));
    Ok(checks)
}

/// Slots in use and in all, of the company, the gateway and the campaign.
async fn lines(tx: &mut Tx, id: CampaignId) -> Result<Vec<(String, i32, i32)>> {
    Ok(sqlx::query_as(
        "select scope, in_use, cap from capacity where scope = 'company' or (scope = 'campaign' and ref = $1)
            or (scope = 'gateway' and ref = (select gateway_id from campaigns where id = $1))
         order by case scope when 'company' then 0 when 'gateway' then 1 else 2 end",
    )
    .bind(id)
    .fetch_all(tx.conn())
    .await?)
}

async fn made_since(tx: &mut Tx, id: CampaignId, since: Timestamp) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from calls where campaign_id = $1 and created_at >= $2")
        .bind(id)
        .bind(since)
        .fetch_one(tx.conn())
        .await?)
}

async fn waiting(tx: &mut Tx, id: CampaignId) -> Result<Vec<Waiting>> {
    let rows: Vec<(Option<Reason>, i64, Option<Timestamp>)> = sqlx::query_as(
        "select coalesce(reason, case when next_attempt_at > $3 then 'not_due' end) as why, count(*), min(next_attempt_at)
         from enrollments where campaign_id = $1 and status = 'queued' group by why order by count(*) desc limit $2",
    )
    .bind(id)
    .bind(GROUPS_MAX)
    .bind(tx.now())
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(reason, people, next)| Waiting { reason, people, next: next.map(|at| tx.moment(at)) }).collect())
}
