//! Where a contact may be: zones, jurisdictions and the packs that hold there. A stated zone chooses the clock; it may
//! add jurisdictions to those of the number and never takes one away.

use super::{country, packs_of};
use crate::{phones, zones};
use chrono_tz::Tz;
use model::phone::Phone;
use model::rules::Pack;
use std::collections::HashMap;
use std::sync::LazyLock;

/// North American prefix → state or province; see `data/README.md`.
static REGIONS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| table(include_str!("../../data/nanp-regions.txt")).collect());

/// Zone → where its people may be.
static BY_ZONE: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    table(include_str!("../../data/zone-places.txt")).map(|(zone, places)| (zone, places.split('&').collect())).collect()
});

fn table(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('|'))
}

/// Everything a decision needs to know about where somebody is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Every zone the contact may be in; a window must be open in all of them.
    pub zones: Vec<Tz>,
    /// Two letters; `None` for a number of no country.
    pub country: Option<String>,
    /// Every pack that may hold; each of them does.
    pub packs: Vec<&'static Pack>,
}

impl Place {
    /// Reads a number and, if there is one, the zone its person stated.
    pub fn of(stated: Option<&str>, phone: &Phone) -> Self {
        let zones = zones::candidates(stated, phone);
        let of_number = of_number(phone);
        let mut places = of_number.places.clone();
        if let Some(zone) = stated.and_then(|zone| zone.parse::<Tz>().ok()) {
            let there = in_zone(zone);
            // A number from where the stated zone is says more than the zone does. Any other number says only
            // whose law holds besides: the person may be anywhere in the zone. `Etc/GMT+5` is a clock and no place.
            if !places.iter().any(|place| there.contains(place)) {
                places.extend(there);
            }
        }
        let mut packs: Vec<&'static Pack> = Vec::new();
        for pack in places.iter().flat_map(|place| packs_of(place)) {
            if !packs.iter().any(|known| known.jurisdiction == pack.jurisdiction) {
                packs.push(pack);
            }
        }
        Self { zones, country: of_number.country, packs }
    }
}

struct OfNumber {
    country: Option<String>,
    places: Vec<&'static str>,
}

/// Where a number is from. A North American number without a known state may be anywhere its zones are.
fn of_number(phone: &Phone) -> OfNumber {
    let digits = phone.digits();
    if digits.starts_with('1') {
        if let Some(region) = (1..=digits.len()).rev().find_map(|n| REGIONS.get(&digits[..n]).copied()) {
            return OfNumber { country: Some(country(region).to_owned()), places: vec![region] };
        }
        let mut places: Vec<&'static str> = zones::candidates(None, phone).into_iter().flat_map(in_zone).copied().collect();
        places.sort_unstable();
        places.dedup();
        let all_in_one = places.first().map(|place| country(place)).filter(|one| places.iter().all(|p| country(p) == *one));
        return OfNumber { country: all_in_one.map_or_else(|| phones::country(phone), |one| Some(one.to_owned())), places };
    }
    let country = phones::country(phone);
    let known = country.as_deref().and_then(super::find).map_or(super::DEFAULT, |pack| &pack.jurisdiction);
    OfNumber { country, places: vec![known] }
}

fn in_zone(zone: Tz) -> &'static [&'static str] {
    BY_ZONE.get(zone.name()).map_or(&[], Vec::as_slice)
}
