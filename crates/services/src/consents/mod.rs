//! What people agreed to. Each time a row, none is ever changed; the newest of a number and a purpose holds. The dialer asks inside
//! the claim, under the lock on the number that taking a consent back needs too: whoever commits second sees the first.

mod repo;
#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::error::Result;
use crate::{dialer, phones, suppressions};
use chrono::NaiveDate;
use model::accounts::Permission;
use model::campaigns::PurposeRow;
use model::consents::{Asked, ConsentForm, ConsentPolicy, ConsentRow, Purpose, Standing};
use model::enrollments::{EnrollmentStatus, Reason};
use model::error::Check;
use model::events::EventKind;
use model::id::{CampaignId, ConsentId, ContactId};
use model::phone::Phone;
use model::rules::Consent;
use model::suppressions::Source;
use std::collections::{BTreeSet, HashMap};

/// Records of one number shown, the newest first.
const SHOWN_MAX: i64 = 200;

/// Records that these people agree, or no longer do; the ids of the records. Taking a consent back puts the number on the
/// do-not-call list in the same commit.
///
/// # Errors
/// `Forbidden` without `ManageContacts`, or without `ManageSuppressions` where one is taken back; `Invalid`, also for a day to come.
pub async fn record(tx: &mut Tx, form: &ConsentForm) -> Result<Vec<ConsentId>> {
    let is_given = form.standing.given().is_some();
    tx.require(if is_given { Permission::ManageContacts } else { Permission::ManageSuppressions })?;
    form.check()?;
    let numbers = read(tx, &form.phones).await?;
    let now = tx.now();
    let on = form.on.trim().parse::<NaiveDate>().ok();
    let at = on.map_or(now, |day| tx.actor().midnight(day));
    Check::new().need(at <= now, "on", "That day is yet to come.").done()?;
    if !is_given {
        // All campaigns, then all numbers: one number after the other would hold numbers while it waits for campaigns.
        let all: Vec<Phone> = numbers.iter().cloned().collect();
        suppressions::withdraw(tx, &all, EnrollmentStatus::OptedOut, Reason::Suppressed).await?;
        for phone in &numbers {
            suppressions::opt_out(tx, phone, Source::Manual, "Consent taken back").await?;
        }
    }
    let rows: Vec<(ConsentId, Phone)> = numbers.into_iter().map(|phone| (tx.id(), phone)).collect();
    repo::insert(tx, &rows, form, at).await?;
    let kind = if is_given { EventKind::ConsentGiven } else { EventKind::ConsentWithdrawn };
    let told = rows.iter().map(|(id, phone)| {
        let text =
            format!("{}: {}, {}", phone.masked(), form.purpose.label().to_lowercase(), form.standing.label().to_lowercase());
        (Some(id.to_string()), text)
    });
    tx.record_all(kind, told.collect()).await?;
    Ok(rows.into_iter().map(|(id, _)| id).collect())
}

/// Each number once, in their order.
async fn read(tx: &mut Tx, text: &str) -> Result<BTreeSet<Phone>> {
    let region = phones::region(tx).await?;
    let mut numbers = BTreeSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let phone = phones::parse(line, &region);
        numbers.insert(phone.map_err(|why| model::Error::field("phones", format!("{line}: {why}")))?);
    }
    Ok(numbers)
}

/// The records of a number as somebody typed it, the newest first.
///
/// # Errors
/// `Forbidden` without `ViewContacts` or `ViewPhones`: who names a number knows it; `Invalid` when it is none.
pub async fn of(tx: &mut Tx, phone: &str) -> Result<Vec<ConsentRow>> {
    tx.require(Permission::ViewContacts)?;
    tx.require(Permission::ViewPhones)?;
    let region = phones::region(tx).await?;
    let phone = phones::parse(phone, &region).map_err(|why| model::Error::field("phone", why))?;
    of_number(tx, &phone).await
}

/// The same of a number that is one.
pub(crate) async fn of_number(tx: &mut Tx, phone: &Phone) -> Result<Vec<ConsentRow>> {
    let rows = repo::of(tx, phone, SHOWN_MAX).await?;
    Ok(rows.into_iter().map(|row| row.shown(tx)).collect())
}

/// How each of these numbers agreed to calls of a purpose; whoever is missing never did, or does no longer.
pub(crate) async fn given(tx: &mut Tx, numbers: &[Phone], purpose: Purpose) -> Result<HashMap<Phone, Consent>> {
    repo::given(tx, numbers, purpose).await
}

/// What a campaign asks for before a call: without what is on record about anybody.
pub(crate) async fn asked(tx: &mut Tx, campaign: CampaignId) -> Result<Asked> {
    let (policy, purpose, by_campaign) = repo::asked(tx, campaign).await?;
    Ok(Asked { policy, purpose, by_campaign, given: None })
}

/// Before which calls the company wants a consent on record; for every role.
///
/// # Errors
/// When the database refuses.
pub async fn policy(tx: &mut Tx) -> Result<ConsentPolicy> {
    repo::policy(tx).await
}

/// Saves it; in force from the next dial.
///
/// # Errors
/// `Forbidden` without `ManageSettings`.
pub async fn set_policy(tx: &mut Tx, new: ConsentPolicy) -> Result<()> {
    tx.require(Permission::ManageSettings)?;
    let before = repo::policy(tx).await?;
    repo::set_policy(tx, new).await?;
    dialer::wake_company(tx).await?;
    let text = crate::companies::changes("Compliance", &[("consent on record", &before, &new)]);
    let subject = tx.actor().company().to_string();
    tx.record(EventKind::SettingsChanged, Some(subject), text).await
}

/// What the campaigns that are not over call about, the newest first.
///
/// # Errors
/// `Forbidden` without `ViewCampaigns`.
pub async fn purposes(tx: &mut Tx) -> Result<Vec<PurposeRow>> {
    tx.require(Permission::ViewCampaigns)?;
    repo::purposes(tx, SHOWN_MAX).await
}

/// Says what a campaign calls about, and whether it calls only people whose consent is on record; in force from the next dial.
///
/// # Errors
/// `Forbidden` without `ManageCampaigns`; `NotFound`.
pub async fn set_purpose(tx: &mut Tx, campaign: CampaignId, purpose: Purpose, needs_consent: bool) -> Result<()> {
    tx.require(Permission::ManageCampaigns)?;
    repo::set_purpose(tx, campaign, purpose, needs_consent).await?.ok_or_else(|| model::Error::not_found("campaign"))?;
    let needs = if needs_consent { ", with a consent on record only" } else { "" };
    let text = format!("Calls about {}{needs}", purpose.label().to_lowercase());
    tx.record(EventKind::CampaignChanged, Some(campaign.to_string()), text).await
}

/// The records stay, because calls were made on them, and name nobody any more: the number that stands for a forgotten contact,
/// no address and no proof.
pub(crate) async fn forget(tx: &mut Tx, phone: &Phone, contact: ContactId) -> Result<()> {
    repo::forget(tx, phone, contact).await
}

impl repo::Stored {
    fn shown(self, tx: &Tx) -> ConsentRow {
        let standing = match self.form {
            Some(Consent::Express) => Standing::Express,
            Some(Consent::Written) => Standing::Written,
            None => Standing::Withdrawn,
        };
        ConsentRow {
            id: self.id,
            phone: if tx.actor().may(Permission::ViewPhones) { self.phone.into() } else { self.phone.masked() },
            purpose: self.purpose,
            standing,
            source: self.source,
            wording: self.wording,
            evidence: self.evidence,
            ip: self.ip,
            at: tx.moment(self.at),
            recorded_at: tx.moment(self.recorded_at),
            by: self.by_name,
        }
    }
}
