//! Calling-hour law as data: the packs of `data/rules/`, the public holidays they refer to, and which packs hold
//! for a contact. Pure; a decision is made of them in `dialer::eligible`. How to add one: docs/rules.md.

mod holidays;
mod place;
#[cfg(test)]
mod tests;

pub use holidays::holiday;
pub use place::Place;

use model::companies::Compliance;
use model::rules::Pack;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The pack of every place without one.
pub const DEFAULT: &str = "*";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    pack: Vec<Pack>,
}

static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
    [include_str!("../../data/rules/us.toml"), include_str!("../../data/rules/world.toml")]
        .into_iter()
        .flat_map(|text| toml::from_str::<File>(text).expect("rule packs are read by a test before they ship").pack)
        .collect()
});

/// Names the packs and holidays as they are now: the first digits of the SHA-256 of what they are written in.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for text in [
        include_str!("../../data/rules/us.toml"),
        include_str!("../../data/rules/world.toml"),
        include_str!("../../data/rules/holidays.toml"),
    ] {
        hash.update(text);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
});

/// Names the packs as they are now.
pub fn version() -> &'static str {
    &VERSION
}

/// The packs that hold at a place, with the version of all of them: `US US-FL @ 3f2a90c1b7e4`. Kept with every attempt.
pub fn cited(place: &Place) -> String {
    let packs: Vec<_> = place.packs.iter().map(|pack| pack.jurisdiction.as_str()).collect();
    format!("{} @ {}", packs.join(" "), *VERSION)
}

/// Every pack there is.
pub fn all() -> &'static [Pack] {
    &PACKS
}

/// The pack of exactly this jurisdiction.
pub fn find(jurisdiction: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| pack.jurisdiction == jurisdiction)
}

/// Whether the company calls numbers of this place's country: those it listed, else those whose rules are known and
/// its own.
pub fn is_enabled(own: &Compliance, home: &str, place: &Place) -> bool {
    let Some(there) = place.country.as_deref() else { return false };
    if own.countries.is_empty() { there == home || find(there).is_some() } else { own.countries.iter().any(|c| c == there) }
}

/// The country of a jurisdiction: `US` of `US-FL`.
pub fn country(jurisdiction: &str) -> &str {
    jurisdiction.split('-').next().unwrap_or(jurisdiction)
}

/// The packs of a place: its country's, or the default, and those of the parts of it that have some.
fn packs_of(jurisdiction: &str) -> impl Iterator<Item = &'static Pack> + use<> {
    let country = country(jurisdiction);
    let national = find(country).or_else(|| find(DEFAULT));
    let part = (jurisdiction != country).then(|| find(jurisdiction)).flatten();
    national.into_iter().chain(part)
}
