//! The evidence pack of a number: what was agreed to, when it was on the do-not-call list, what allowed each attempt and what came
//! of it. As JSON, and as a PDF that carries the hash of the JSON. Taking one is recorded with that hash.

mod pdf;
mod repo;
#[cfg(test)]
mod tests;

use crate::db::Tx;
use crate::error::Result;
use crate::rules::{self, Place};
use crate::{companies, consents, phones, suppressions};
use anyhow::Context;
use model::accounts::Permission;
use model::events::EventKind;
use model::evidence::{Evidence, HeldPack};
use model::phone::Phone;
use sha2::{Digest, Sha256};

/// Calls in one pack; nobody is called that often.
const CALLS_MAX: i64 = 1_000;
const FORMAT: &str = "belfry-evidence/1";

/// A pack as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
    /// SHA-256 of the JSON, in hex, whichever of the two it is.
    pub hash: String,
}

/// What a pack is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Json,
    Pdf,
}

/// Everything known about calls to a number, as somebody typed it.
///
/// # Errors
/// `Forbidden` without `ViewSuppressions`, `ViewCalls`, `ViewPhones` and `ViewEvents`, for it is about all campaigns; `Invalid` when it is no number.
pub async fn of(tx: &mut Tx, phone: &str) -> Result<Evidence> {
    for permission in [Permission::ViewSuppressions, Permission::ViewCalls, Permission::ViewPhones, Permission::ViewEvents] {
        tx.require(permission)?;
    }
    let region = phones::region(tx).await?;
    let phone = phones::parse(phone, &region).map_err(|why| model::Error::field("phone", why))?;
    gather(tx, &phone).await
}

async fn gather(tx: &mut Tx, phone: &Phone) -> Result<Evidence> {
    let stated = repo::stated_zone(tx, phone).await?;
    let place = Place::of(stated.as_deref(), phone);
    let held = |pack: &&'static model::rules::Pack| HeldPack {
        jurisdiction: pack.jurisdiction.clone(),
        title: pack.title.clone(),
        rules: pack.rules.iter().map(|rule| format!("{} ({})", rule.text, rule.cite())).collect(),
    };
    let list = repo::list(tx, phone).await?;
    let (attempts, is_cut) = repo::attempts(tx, phone, CALLS_MAX).await?;
    Ok(Evidence {
        format: FORMAT.to_owned(),
        company: companies::settings(tx).await?.name,
        phone: phone.to_string(),
        country: place.country.clone(),
        zones: place.zones.iter().map(|zone| zone.name().to_owned()).collect(),
        packs: place.packs.iter().map(held).collect(),
        on_list: !suppressions::is_suppressed(tx, std::slice::from_ref(phone)).await?.is_empty(),
        list,
        consents: consents::of_number(tx, phone).await?,
        attempts,
        is_cut,
    })
}

/// The pack as a file; that it was taken, by whom and with which hash, is in the record.
///
/// # Errors
/// As [`of`].
pub async fn take(tx: &mut Tx, phone: &str, written: Written) -> Result<Pack> {
    let evidence = of(tx, phone).await?;
    let json = serde_json::to_vec_pretty(&evidence).context("evidence as JSON")?;
    let hash: String = Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
    let digits = evidence.phone.trim_start_matches('+');
    let (ending, content_type, bytes) = match written {
        Written::Json => ("json", "application/json", json),
        Written::Pdf => {
            let made = format!("Made {} by {}", tx.now().format("%Y-%m-%d %H:%M:%S UTC"), tx.actor().name());
            ("pdf", "application/pdf", pdf::written(&pdf::lines(&evidence, &hash, &made, rules::version())))
        }
    };
    let masked = Phone::parse(&evidence.phone).map(|phone| phone.masked()).unwrap_or_default();
    tx.record(EventKind::EvidenceTaken, None, format!("{masked}, {ending}, SHA-256 of the JSON {hash}")).await?;
    Ok(Pack { name: format!("evidence-{digits}.{ending}"), content_type, bytes, hash })
}
