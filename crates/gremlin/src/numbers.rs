//! What a number tells about its owner: country, rough hour of the day, and the fixed behaviours by last digits.

use chrono::{DateTime, TimeDelta, Timelike, Utc};

/// Prefix, country, offset from UTC in hours. Rough on purpose: it only bends the answer rate.
const PLACES: &[(&str, &str, i64)] = &[
    ("1", "US", -6),
    ("20", "EG", 2),
    ("33", "FR", 1),
    ("34", "ES", 1),
    ("39", "IT", 1),
    ("44", "GB", 0),
    ("49", "DE", 1),
    ("55", "BR", -3),
    ("61", "AU", 10),
    ("81", "JP", 9),
    ("91", "IN", 5),
    ("961", "LB", 2),
    ("962", "JO", 3),
    ("965", "KW", 3),
    ("966", "SA", 3),
    ("968", "OM", 4),
    ("971", "AE", 4),
    ("973", "BH", 3),
    ("974", "QA", 3),
];

fn place(phone: &str) -> Option<&'static (&'static str, &'static str, i64)> {
    let digits = phone.trim_start_matches('+');
    PLACES.iter().filter(|(prefix, ..)| digits.starts_with(prefix)).max_by_key(|(prefix, ..)| prefix.len())
}

/// ISO country of a number, empty when we do not know it.
pub fn country(phone: &str) -> &'static str {
    place(phone).map_or("", |(_, country, _)| country)
}

/// The hour it may be where the phone is.
pub fn local_hour(phone: &str, at: DateTime<Utc>) -> u32 {
    (at + TimeDelta::hours(place(phone).map_or(0, |(_, _, offset)| *offset))).hour()
}

/// `+` and 7 to 15 digits, the first not zero.
pub fn is_e164(phone: &str) -> bool {
    phone.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What may name an account: 1 to 64 letters, digits and `_`.
pub fn is_account(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `(415) 555-0123` for North America, as Twilio's `*_formatted` fields; others as they are.
pub fn formatted(phone: &str) -> String {
    match phone.strip_prefix("+1") {
        Some(rest) if rest.len() == 10 => format!("({}) {}-{}", &rest[..3], &rest[3..6], &rest[6..]),
        _ => phone.to_owned(),
    }
}

/// The behaviours of the table in the crate's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    Human,
    Busy,
    NoAnswer,
    Voicemail,
    Invalid,
    OptsOut,
    BusyOnce,
    SilentAccept,
    LostCallbacks,
    TooManyOnce,
    ErrorOnce,
    MessyCallbacks,
    HangsUp,
    LateDetection,
    LongTalk,
}

/// The fixed behaviour of a number, if it has one.
pub fn fixed(phone: &str) -> Option<Fixed> {
    let last = phone.len().checked_sub(4).and_then(|start| phone.get(start..))?;
    Some(match last {
        "0001" => Fixed::Human,
        "0002" => Fixed::Busy,
        "0003" => Fixed::NoAnswer,
        "0004" => Fixed::Voicemail,
        "0005" => Fixed::Invalid,
        "0006" => Fixed::OptsOut,
        "0007" => Fixed::BusyOnce,
        "0008" => Fixed::SilentAccept,
        "0009" => Fixed::LostCallbacks,
        "0010" => Fixed::TooManyOnce,
        "0011" => Fixed::ErrorOnce,
        "0012" => Fixed::MessyCallbacks,
        "0013" => Fixed::HangsUp,
        "0014" => Fixed::LateDetection,
        "0015" => Fixed::LongTalk,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_tells_the_place() {
        assert_eq!(country("+962791234567"), "JO");
        assert_eq!(country("+14155550123"), "US");
        assert_eq!(country("+9991234567"), "");
        let noon = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").expect("a moment").to_utc();
        assert_eq!(local_hour("+971501234567", noon), 16);
        assert_eq!(local_hour("+14155550123", noon), 6);
    }

    #[test]
    fn only_the_listed_endings_are_fixed() {
        assert_eq!(fixed("+14155550007"), Some(Fixed::BusyOnce));
        assert_eq!(fixed("+14155550014"), Some(Fixed::LateDetection));
        assert_eq!(fixed("+14155550016"), None);
        assert_eq!(fixed("001"), None);
    }

    #[test]
    fn numbers_are_shaped_and_formatted() {
        assert!(is_e164("+14155550123") && !is_e164("14155550123") && !is_e164("+04155550123") && !is_e164("+1415"));
        assert_eq!(formatted("+14155550123"), "(415) 555-0123");
        assert_eq!(formatted("+447700900123"), "+447700900123");
    }
}
