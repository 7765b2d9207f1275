//! Where a contact may be: stated zone before number (engine.md §4). A number can only narrow it down to
//! candidates; the window is the intersection over all of them.

use chrono_tz::Tz;
use model::phone::Phone;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Prefix → zones; see `data/README.md` for the source and its licence.
static BY_PREFIX: LazyLock<HashMap<&'static str, Vec<Tz>>> = LazyLock::new(|| {
    include_str!("../data/phone-timezones.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('|'))
        .map(|(prefix, zones)| (prefix, zones.split('&').filter_map(|z| z.parse().ok()).collect()))
        .collect()
});

/// The zones a contact may be in: the stated one alone, else every candidate of the longest known prefix.
/// Empty when nothing is known; such a contact is not called.
pub fn candidates(stated: Option<&str>, phone: &Phone) -> Vec<Tz> {
    if let Some(zone) = stated.and_then(|z| z.parse().ok()) {
        return vec![zone];
    }
    let digits = phone.digits();
    (1..=digits.len()).rev().find_map(|n| BY_PREFIX.get(&digits[..n])).cloned().unwrap_or_default()
}

/// `Etc/GMT-5` reads badly; everything else shows its city.
pub fn city(zone: Tz) -> String {
    zone.name().rsplit('/').next().unwrap_or(zone.name()).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(stated: Option<&str>, phone: &str) -> Vec<&'static str> {
        candidates(stated, &Phone::parse(phone).expect("E.164")).into_iter().map(|z| z.name()).collect()
    }

    #[test]
    fn a_stated_zone_wins_and_a_wrong_one_is_ignored() {
        assert_eq!(zones(Some("Asia/Dubai"), "+12015550100"), ["Asia/Dubai"]);
        assert_eq!(zones(Some("Mars/Olympus"), "+12015550100"), ["America/New_York"]);
    }

    #[test]
    fn the_longest_prefix_decides_and_split_area_codes_keep_all_candidates() {
        assert_eq!(zones(None, "+12082015550"), ["America/Denver"]);
        assert_eq!(zones(None, "+12089995550"), ["America/Boise", "America/Los_Angeles"]);
        assert_eq!(zones(None, "+919812345678"), ["Asia/Calcutta"]);
    }

    #[test]
    fn every_zone_of_the_table_is_known_to_the_zone_database() {
        let named = include_str!("../data/phone-timezones.txt")
            .lines()
            .filter(|l| !l.starts_with('#'))
            .filter_map(|l| l.split_once('|'))
            .flat_map(|(_, z)| z.split('&'));
        let unknown: Vec<_> = named.filter(|z| z.parse::<Tz>().is_err()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
