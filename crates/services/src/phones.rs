//! Reading phone numbers as people and spreadsheets write them. The shape of a number is `model::phone`;
//! the metadata of national plans is libphonenumber's. Also here: prefix ranges, by which lists are searched.

use crate::db::Tx;
use crate::error::Result as Verb;
use model::phone::Phone;
use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, Region, ValidationError};

/// Longest text that may be a number with its punctuation.
const TEXT_MAX: usize = 40;

const EMPTY: &str = "Enter a phone number.";
const LETTERS: &str = "A phone number has no letters. Write it in digits.";
const EXTENSION: &str = "Extensions cannot be dialed. Leave the extension out.";
const SEVERAL: &str = "Keep one number per cell.";
const FRACTION: &str = "This is a number with a fraction, not a phone number.";
const ROUNDED: &str = "The spreadsheet rounded this number; export it as text.";
const SHORT: &str = "This number is too short.";
const LONG: &str = "This number is too long. Numbers of another country need + and the country code.";
const AREA: &str = "The area code is missing.";
const LENGTH: &str = "No number of this country has this many digits.";
const COUNTRY: &str = "Write the number with + and a country code that exists.";
const NANP: &str = "In North America, area code and exchange begin with 2 to 9.";

/// Reads a number; one without `+` is taken as a number of `default_region` (ISO 3166-1 alpha-2).
///
/// The measure is a *possible* length in the country's plan, not membership in an assigned range: ranges
/// reserved for fiction (+1 415 555 01xx, Ofcom's drama numbers) are not assigned, and demos, tests and
/// the sandbox live on them. Assigned ranges also change faster than the metadata; the carrier decides.
///
/// # Errors
/// Why it is not a number, for people.
pub fn parse(raw: &str, default_region: &str) -> Result<Phone, &'static str> {
    let text = digits_and_signs(raw)?;
    let number = PHONE_NUMBER_UTIL.parse(&text, Region::from_code(default_region).ok()).map_err(|e| match e {
        ParseError::InvalidCountryCode => COUNTRY,
        ParseError::NotANumber(_) => "This is not a phone number.",
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => SHORT,
        ParseError::TooLongNsn => LONG,
    })?;
    plausible(&number)?;
    Phone::parse(&number.format_as(PhoneNumberFormat::E164)).map_err(|_| LENGTH)
}

fn plausible(number: &PhoneNumber) -> Result<(), &'static str> {
    use rlibphonenumber::NumberLengthType as Length;
    match number.is_possible_with_reason() {
        Ok(Length::IsPossible) => {}
        Ok(Length::IsPossibleLocalOnly) => return Err(AREA),
        Err(ValidationError::InvalidCountryCode) => return Err(COUNTRY),
        Err(ValidationError::TooShort) => return Err(SHORT),
        Err(ValidationError::TooLong) => return Err(LONG),
        Err(ValidationError::InvalidLength) => return Err(LENGTH),
    }
    // The most common junk in lists, 000-000-0000 and 123-456-7890, has a possible length.
    let national = number.get_national_significant_number().into_bytes();
    let begins = |at: usize| national.get(at).is_some_and(|d| (b'2'..=b'9').contains(d));
    if number.country_code == 1 && !(begins(0) && begins(3)) { Err(NANP) } else { Ok(()) }
}

/// Takes off what spreadsheets add and refuses what would be read wrongly.
fn digits_and_signs(raw: &str) -> Result<String, &'static str> {
    // Leading apostrophes mark text cells; direction marks and zero-width spaces come with copied numbers.
    let visible: String = raw.chars().filter(|c| !is_invisible(*c)).map(plain_digit).collect();
    let text = visible.trim().trim_start_matches(['\'', '’', '`']).trim();
    if text.is_empty() {
        return Err(EMPTY);
    }
    if text.len() > TEXT_MAX {
        return Err(LONG);
    }
    if let Some(whole) = scientific(text) {
        return whole;
    }
    let text = without_zero_fraction(text);
    if is_fraction(text) {
        return Err(FRACTION);
    }
    if text.chars().any(char::is_alphabetic) || text.contains('#') {
        return Err(if is_extension(text) { EXTENSION } else { LETTERS });
    }
    if text.contains([',', ';', '|', '&']) || text.matches('+').count() > 1 {
        return Err(SEVERAL);
    }
    Ok(text.to_owned())
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Full-width, Arabic-Indic and Devanagari digits as ASCII.
fn plain_digit(c: char) -> char {
    let zero = match c {
        '０'..='９' => '０',
        '٠'..='٩' => '٠',
        '۰'..='۹' => '۰',
        '०'..='९' => '०',
        _ => return c,
    };
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

/// `4155550123x12`, `… ext. 12`, `… #12`: digits, a mark, digits at the end.
fn is_extension(text: &str) -> bool {
    let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let mark = head.trim_end_matches(['.', ' ', ':']).to_lowercase();
    head.len() < text.len() && ["x", "ext", "extn", "extension", "#"].iter().any(|m| mark.ends_with(m))
}

/// `4155550123.0`: what data-frame programs make of a column of numbers.
fn without_zero_fraction(text: &str) -> &str {
    let whole = text.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|b| b == b'0')).map(|(whole, _)| whole);
    whole.filter(|whole| is_long(whole)).unwrap_or(text)
}

/// `4155550123.5`: somebody's sum. Where dots part a number there are several, or few digits before the first.
fn is_fraction(text: &str) -> bool {
    text.split_once('.').is_some_and(|(whole, rest)| is_long(whole) && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// As many digits as no part of a number has.
fn is_long(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `1.4155550123E+10` is 14155550123, every digit is there; `1.41556E+10` lost some. `None`: not such a number.
fn scientific(text: &str) -> Option<Result<String, &'static str>> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent: usize = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 1 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    // Fewer digits than the exponent says may be a number that ends in zeros or one that was rounded.
    let (told, more) = fraction.split_at_checked(exponent).unwrap_or((fraction, ""));
    let is_whole = told.len() == exponent && more.bytes().all(|b| b == b'0');
    Some(if is_whole { Ok(format!("{whole}{told}")) } else { Err(ROUNDED) })
}

/// Whether these are the two letters (ISO 3166-1) of a country or territory with telephones.
pub fn is_region(text: &str) -> bool {
    Region::from_code(text).is_ok_and(|r| PHONE_NUMBER_UTIL.get_country_code_for_region(r).is_some())
}

/// The country a number belongs to, two letters; the main one where several share a calling code and the number does
/// not tell.
pub fn country(phone: &Phone) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(phone.as_str(), None::<Region>).ok()?;
    let region = number.get_region_code().or_else(|| PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code));
    region.map(|region| region.to_string())
}

/// The region of numbers that this company writes without a country code.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn region(tx: &mut Tx) -> Verb<String> {
    Ok(sqlx::query_scalar("select default_region from companies where id = app.company()").fetch_one(tx.conn()).await?)
}

/// What a search text may be the start of, in E.164: typed with `+`, with the country code but without `+`,
/// or as people of `default_region` write it. Empty when the text does not look like a number.
pub(crate) fn prefixes(search: &str, default_region: &str) -> Vec<String> {
    let search = search.trim();
    if !search.starts_with(|c: char| c == '+' || c == '(' || c.is_ascii_digit()) {
        return Vec::new();
    }
    let digits: String = search.chars().filter(char::is_ascii_digit).collect();
    if search.starts_with('+') || digits.is_empty() {
        return if search.starts_with('+') { vec![format!("+{digits}")] } else { Vec::new() };
    }
    let mut all = vec![format!("+{digits}")];
    let country = Region::from_code(default_region).ok().and_then(|r| PHONE_NUMBER_UTIL.get_country_code_for_region(r));
    all.extend(country.map(|code| format!("+{code}{}", digits.trim_start_matches('0'))));
    all
}

/// The first text after everything that starts with `prefix`, in the order of `~<~` (by bytes). A list is
/// searched by `column ~>=~ prefix and column ~<~ prefix_end`: LIKE has no index under row security.
pub(crate) fn prefix_end(prefix: &str) -> String {
    let mut head: Vec<char> = prefix.chars().collect();
    while let Some(last) = head.pop() {
        // The gap after U+D7FF holds surrogates, which are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            head.push(next);
            return head.into_iter().collect();
        }
    }
    // Nothing comes after a run of the last character; the longest possible text is close enough.
    char::MAX.to_string().repeat(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(raw: &str) -> Result<String, &'static str> {
        parse(raw, "US").map(String::from)
    }

    #[test]
    fn people_write_the_same_number_in_many_ways() {
        for raw in [
            "+14155550123",
            "(415) 555-0123",
            "415.555.0123",
            "1-415-555-0123",
            "  415 555 0123 ",
            "'4155550123",
            "+1 (415) 555–0123",
            "1.4155550123E+10",
            "1,4155550123e10",
            "4155550123.0",
            "4155550123.00",
            "1.41555501230E+10",
            "\u{202a}+1 415 555 0123\u{202c}",
            "+１４１５５５５０１２３",
        ] {
            assert_eq!(us(raw).as_deref(), Ok("+14155550123"), "{raw}");
        }
    }

    #[test]
    fn a_number_without_country_code_belongs_to_the_default_region() {
        assert_eq!(parse("020 7946 0018", "GB").map(String::from).as_deref(), Ok("+442079460018"));
        assert_eq!(parse("030/1234567", "DE").map(String::from).as_deref(), Ok("+49301234567"));
        assert_eq!(parse("98123 45678", "IN").map(String::from).as_deref(), Ok("+919812345678"));
        assert_eq!(parse("+44 20 7946 0018", "US").map(String::from).as_deref(), Ok("+442079460018"));
    }

    #[test]
    fn numbers_reserved_for_fiction_pass() {
        for raw in ["+12025550100", "+447700900123", "+61491570156"] {
            assert_eq!(us(raw).as_deref(), Ok(raw));
        }
    }

    #[test]
    fn what_is_not_one_whole_number_is_refused_with_the_reason() {
        for (raw, why) in [
            ("", EMPTY),
            ("'", EMPTY),
            ("1.41556E+10", ROUNDED),
            ("4E+9", ROUNDED),
            ("9.71501E+11", ROUNDED),
            ("4.1555501235E+9", ROUNDED),
            ("4155550123.5", FRACTION),
            ("4155550123 x12", EXTENSION),
            ("415-555-0123 ext. 4", EXTENSION),
            ("4155550123#4", EXTENSION),
            ("1-800-FLOWERS", LETTERS),
            ("n/a", LETTERS),
            ("4155550123; 4155550124", SEVERAL),
            ("+14155550123 +14155550124", SEVERAL),
            ("5550123", AREA),
            ("415555012345", LONG),
            ("442079460018", LONG),
            ("+1415555", SHORT),
            ("000-000-0000", NANP),
            ("123-456-7890", NANP),
            ("+999 123456789", COUNTRY),
            ("--", "This is not a phone number."),
        ] {
            assert_eq!(us(raw), Err(why), "{raw}");
        }
        assert!(us(&"1".repeat(500)).is_err());
        assert_eq!(parse("4155550123", "??"), Err(COUNTRY));
    }

    #[test]
    fn a_region_is_one_that_has_numbers() {
        assert!(["US", "GB", "IN", "AE"].into_iter().all(is_region));
        assert!(["", "U", "XX", "USA", "1!"].into_iter().all(|code| !is_region(code)));
    }

    #[test]
    fn a_search_is_read_with_and_without_country_code() {
        assert_eq!(prefixes("+1 415", "US"), ["+1415"]);
        assert_eq!(prefixes("(415) 5", "US"), ["+4155", "+14155"]);
        assert_eq!(prefixes("020 79", "GB"), ["+02079", "+442079"]);
        assert!(prefixes("maya", "US").is_empty());
    }

    #[test]
    fn a_prefix_range_ends_right_after_the_last_match() {
        assert_eq!(prefix_end("may"), "maz");
        assert_eq!(prefix_end("a\u{10ffff}"), "b");
        assert_eq!(prefix_end("\u{d7ff}"), "\u{e000}");
        assert!(*prefix_end("\u{10ffff}") > *"\u{10ffff}zz");
    }
}
