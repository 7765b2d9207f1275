//! Why this person is called, or is not: the dialer's own checks, asked now and told one by one.

use super::repo;
use crate::db::Tx;
use crate::dialer::eligible::{CONSENT, Decision, Facts, Finding, UP_TO_YOU, findings, opens_from};
use crate::dialer::window::Schedule;
use crate::error::Result;
use crate::rules::{self, Place};
use crate::{campaigns, companies, consents, suppressions};
use model::accounts::Permission;
use model::campaigns::Status;
use model::consents::Asked;
use model::contacts::ContactStatus;
use model::enrollments::{Check, EnrollmentStatus, Standing, Why};
use model::id::EnrollmentId;

/// Every check of engine.md §4 for one person, as it stands now; nothing is written.
///
/// # Errors
/// `Forbidden`, or `NotFound` for an enrollment of nobody.
pub async fn why(tx: &mut Tx, id: EnrollmentId) -> Result<Why> {
    tx.require(Permission::ViewCampaigns)?;
    let e = repo::explained(tx, id).await?.ok_or_else(|| model::Error::not_found("enrollment"))?;
    let campaign = campaigns::load(tx, e.campaign_id).await?;
    let (settings, own) = (companies::settings(tx).await?, companies::own(tx).await?);
    let phones = std::slice::from_ref(&e.phone);
    let suppressed = !suppressions::is_suppressed(tx, phones).await?.is_empty();
    let number_busy = !repo::live_phones(tx, phones).await?.is_empty();
    let calls = repo::recent_calls(tx, &[e.contact_id]).await?.remove(&e.contact_id).unwrap_or_default();
    let calls_ever = repo::calls_ever(tx, &[e.contact_id]).await?.remove(&e.contact_id).unwrap_or(0);
    let asked = consents::asked(tx, e.campaign_id).await?;
    let given = consents::given(tx, phones, asked.purpose).await?.remove(&e.phone);
    let place = Place::of(e.time_zone.as_deref(), &e.phone);
    let now = tx.now();
    let facts = Facts {
        now,
        due_at: e.next_attempt_at.unwrap_or(now),
        suppressed,
        archived: e.contact_status == ContactStatus::Archived,
        consent: Asked { given, ..asked },
        enabled: rules::is_enabled(&own.limits, &settings.default_region, &place),
        attempts: e.attempts,
        attempts_max: campaign.form.retries.attempts_max,
        calls: &calls,
        calls_ever,
        per_day_max: campaign.form.retries.attempts_per_day_max,
        per_week_max: own.limits.attempts_per_week_max,
        ever_max: own.limits.attempts_ever_max,
        schedule: Schedule {
            company: &settings.hours,
            holidays: &own.holidays,
            campaign: campaign.form.hours.as_ref(),
            place: &place,
        },
        number_busy,
        speed: 1,
    };
    let mut checks = vec![campaigns::why::running(&campaign), still_waiting(e.status)];
    checks.extend(findings(&facts).into_iter().map(|finding| told(tx, finding)));
    if campaign.status == Status::Active {
        checks.extend(campaigns::why::room(tx, &campaign).await?);
    }
    let packs = place.packs.iter().map(|pack| pack.title.clone()).collect();
    let phone = if tx.actor().may(Permission::ViewPhones) { e.phone.to_string() } else { e.phone.masked() };
    let mut why = Why { name: e.name, phone, status: e.status, packs, checks, next: None };
    why.next = why.verdict().and_then(|check| check.until).map(|at| tx.moment(opens_from(&facts, at.at)));
    Ok(why)
}

fn still_waiting(status: EnrollmentStatus) -> Check {
    let (standing, text) = match status {
        EnrollmentStatus::Queued => (Standing::Passes, ""),
        EnrollmentStatus::Calling => (Standing::Waits, status.label()),
        _ => (Standing::Against, status.label()),
    };
    Check { title: "Waiting to be called".to_owned(), standing, text: text.to_owned(), cite: None, until: None }
}

fn told(tx: &Tx, finding: Finding) -> Check {
    let (standing, until) = match finding.block {
        None if finding.title == CONSENT && finding.text.ends_with(UP_TO_YOU) => (Standing::Noted, None),
        None => (Standing::Passes, None),
        Some(Decision::Wait { until, .. }) => (Standing::Waits, Some(tx.moment(until))),
        Some(_) => (Standing::Against, None),
    };
    Check { title: finding.title.to_owned(), standing, text: finding.text, cite: finding.cite.map(str::to_owned), until }
}
