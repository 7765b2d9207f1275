//! Every pack is readable, complete and cited; every contact falls under the packs of where it may be.

use super::*;
use model::phone::Phone;
use model::rules::Rule;
use model::time::Hours;
use std::collections::HashSet;

fn jurisdictions(stated: Option<&str>, phone: &str) -> Vec<&'static str> {
    let place = Place::of(stated, &Phone::parse(phone).expect("E.164"));
    place.packs.iter().map(|pack| pack.jurisdiction.as_str()).collect()
}

#[test]
fn every_rule_says_what_it_limits_and_where_that_is_written() {
    let mut seen = HashSet::new();
    for pack in all() {
        assert!(seen.insert(&pack.jurisdiction), "{} twice", pack.jurisdiction);
        assert!(!pack.title.is_empty() && !pack.rules.is_empty(), "{}", pack.jurisdiction);
        for rule in &pack.rules {
            let place = &pack.jurisdiction;
            assert!(
                rule.hours.is_some() || rule.cap.is_some() || rule.consent.is_some(),
                "{place}: {} limits nothing",
                rule.text
            );
            assert!(rule.text.ends_with('.') && !rule.sources.is_empty() && !rule.cite().is_empty(), "{place}: {}", rule.text);
            assert!(rule.from.zip(rule.until).is_none_or(|(from, until)| from < until), "{place}: {}", rule.text);
            assert!(rule.cap.is_none_or(|cap| cap.calls > 0 && cap.hours > 0 && cap.hours <= 168), "{place}: {}", rule.text);
            assert!(rule.hours.as_ref().is_none_or(|week| week.days.is_open_ever()), "{place}: {}", rule.text);
            assert_ne!(rule.sources[0].confidence, model::rules::Confidence::Conflicting, "{place}: the strictest comes first");
            assert!(rule.sources.iter().all(|s| s.url.as_ref().is_none_or(|url| url.starts_with("http"))), "{place}");
        }
    }
    for always in ["US", "US-FL", "US-OK", "IN", "AE", "GB", "CA", DEFAULT] {
        assert!(find(always).is_some(), "{always}");
    }
}

#[test]
fn every_holiday_falls_once_a_year_in_a_place_that_has_rules() {
    for holiday in holidays::ALL.iter() {
        for year in 2024..2045 {
            assert!(holiday.falls(year).is_some(), "{holiday:?} in {year}");
        }
    }
    let closed: Vec<_> = all()
        .iter()
        .filter(|p| p.rules.iter().any(|r| r.hours.as_ref().is_some_and(|w| w.holidays.is_some())))
        .map(|p| p.jurisdiction.as_str())
        .collect();
    assert_eq!(closed, ["US-AL", "US-LA", "US-MS", "US-NE", "US-PA", "US-RI", "US-UT", "AU"]);
}

#[test]
fn the_default_is_open_only_when_every_country_is() {
    let hours = |rules: &'static [Rule]| {
        rules.iter().filter_map(|r| r.hours.as_ref()).fold(Hours::always(), |open, week| open.intersect(&week.days))
    };
    let default = hours(&find(DEFAULT).expect("a default").rules);
    for pack in all().iter().filter(|p| p.jurisdiction != DEFAULT && !p.jurisdiction.contains('-')) {
        assert_eq!(default.intersect(&hours(&pack.rules)), default, "{} is stricter than the default", pack.title);
    }
}

#[test]
fn a_number_falls_under_its_country_and_its_state() {
    assert_eq!(jurisdictions(None, "+13055550100"), ["US", "US-FL"]);
    assert_eq!(jurisdictions(None, "+12125550100"), ["US"], "New York has no pack of its own");
    assert_eq!(jurisdictions(None, "+14165550100"), ["CA"]);
    assert_eq!(jurisdictions(None, "+442079460100"), ["GB"]);
    assert_eq!(jurisdictions(None, "+447700900123"), ["GB"], "also a number kept for fiction");
    assert_eq!(jurisdictions(None, "+919812345678"), ["IN"]);
    assert_eq!(jurisdictions(None, "+971501234567"), ["AE"]);
    assert_eq!(jurisdictions(None, "+4930123456"), [DEFAULT]);
    assert_eq!(jurisdictions(None, "+18765550100"), [DEFAULT], "Jamaica is +1 and not the United States");
    assert_eq!(jurisdictions(None, "+17875550100"), ["US"], "Puerto Rico is");
}

#[test]
fn a_number_of_an_unknown_state_falls_under_every_state_it_may_be_in() {
    let toll_free = jurisdictions(None, "+18005550100");
    assert!(["US", "US-FL", "US-ME", "CA", DEFAULT].iter().all(|j| toll_free.contains(j)), "{toll_free:?}");
}

#[test]
fn a_stated_zone_adds_the_law_of_where_it_is_and_takes_none_away() {
    assert_eq!(jurisdictions(Some("America/Chicago"), "+18505550100"), ["US", "US-FL"], "Florida has two zones");
    assert_eq!(jurisdictions(Some("Asia/Calcutta"), "+13055550100"), ["US", "US-FL", "IN"]);
    let moved = jurisdictions(Some("America/New_York"), "+14155550100");
    assert!(["US", "US-FL", "US-ME", "US-PA"].iter().all(|j| moved.contains(j)), "somewhere in the east: {moved:?}");
    assert_eq!(jurisdictions(Some("Europe/Berlin"), "+442079460100"), ["GB", DEFAULT]);
    assert_eq!(jurisdictions(Some("Etc/GMT+5"), "+442079460100"), ["GB"], "a clock, and no place");
    assert_eq!(jurisdictions(Some("Mars/Olympus"), "+442079460100"), ["GB"]);
}

#[test]
fn every_zone_of_the_table_is_known_and_every_pack_can_be_reached() {
    let text = include_str!("../../data/zone-places.txt");
    let lines: Vec<_> = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('|')).collect();
    assert!(lines.iter().all(|(zone, _)| zone.parse::<chrono_tz::Tz>().is_ok()));
    let places: HashSet<_> = lines.iter().flat_map(|(_, places)| places.split('&')).collect();
    for pack in all().iter().filter(|p| p.jurisdiction != DEFAULT && p.jurisdiction != "US" && p.jurisdiction != "CA") {
        assert!(places.contains(pack.jurisdiction.as_str()), "{}", pack.jurisdiction);
    }
}

#[test]
fn a_number_of_no_country_is_never_called_whatever_the_company_lists() {
    // Valid E.164, with a country code that nobody has.
    let nowhere = Place::of(None, &Phone::parse("+99912345678").expect("E.164"));
    assert_eq!(nowhere.country, None);
    let lists = |countries: &[&str]| Compliance {
        countries: countries.iter().map(ToString::to_string).collect(),
        ..Compliance::default()
    };
    for own in [lists(&[]), lists(&["US", "AE"])] {
        assert!(!is_enabled(&own, "US", &nowhere));
    }
    let there = Place::of(None, &Phone::parse("+12125550100").expect("E.164"));
    assert!(is_enabled(&lists(&["US"]), "AE", &there) && !is_enabled(&lists(&["AE"]), "AE", &there));
}
