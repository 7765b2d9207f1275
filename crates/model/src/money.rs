//! Money of the world outside: what an order costs. Whole minor units and a currency, never a float. Credits are `credits`.

use std::fmt;
use std::str::FromStr;

/// The most that one amount may be, in minor units: sums of many stay far below what a `bigint` holds.
pub const MINOR_MAX: i64 = 1_000_000_000_000;

/// Currencies in use (ISO 4217:2015, list one of 2024), each with three letters, by how many decimals they have.
const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const TWO: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP \
    CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS \
    KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN \
    PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS \
    UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";

/// A currency in use, by its three letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

/// The text names no currency in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use the three letters of a currency, like USD or EUR.")]
pub struct BadCurrency;

impl Currency {
    /// Three letters, large or small.
    ///
    /// # Errors
    /// For letters that are no currency in use.
    pub fn parse(text: &str) -> Result<Self, BadCurrency> {
        let code = text.trim().to_ascii_uppercase();
        let is_known = code.len() == 3 && [NONE, TWO, THREE].iter().any(|list| list.split_whitespace().any(|one| one == code));
        if is_known { Ok(Self(code)) } else { Err(BadCurrency) }
    }
    /// The three letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Decimals of an amount.
    pub fn decimals(&self) -> usize {
        match self.0.as_str() {
            code if NONE.contains(code) => 0,
            code if THREE.contains(code) => 3,
            _ => 2,
        }
    }
    /// Reads an amount of this currency as people write it: `1234.5`, `1,234.50`, `19`. In minor units.
    ///
    /// # Errors
    /// What to write instead.
    pub fn amount(&self, text: &str) -> Result<i64, &'static str> {
        const PLAIN: &str = "Write the amount in digits, like 1234.50.";
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let grouped = is_grouped(whole);
        let whole = if grouped { whole.replace(',', "") } else { whole.to_owned() };
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(&whole) || !digits(fraction) {
            return Err(PLAIN);
        }
        // Zeros that say nothing: `19.000` is 19.
        let fraction = fraction.trim_end_matches('0');
        let decimals = self.decimals();
        if fraction.len() > decimals {
            return Err("This has more decimals than its currency.");
        }
        let minor = format!("{whole}{fraction:0<decimals$}").parse::<i64>().ok().filter(|minor| *minor <= MINOR_MAX);
        minor.ok_or("This amount is too large.")
    }
}

/// `1,234,567`: commas only where thousands end.
fn is_grouped(whole: &str) -> bool {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<_> = groups.collect();
    !rest.is_empty() && (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3)
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl FromStr for Currency {
    type Err = BadCurrency;
    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        Self::parse(text)
    }
}
impl TryFrom<String> for Currency {
    type Error = BadCurrency;
    fn try_from(text: String) -> Result<Self, BadCurrency> {
        Self::parse(&text)
    }
}
impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Money {
    /// In the currency's smallest unit.
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// Puts the pieces together.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }
    /// `1234.50`: what [`Currency::amount`] reads back.
    pub fn plain(&self) -> String {
        let decimals = self.currency.decimals();
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.minor < 0 { "-" } else { "" };
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

impl fmt::Display for Money {
    /// `1,234.50 USD`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.plain();
        let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
        let (whole, fraction) = plain.split_once('.').map_or((plain, None), |(whole, fraction)| (whole, Some(fraction)));
        f.write_str(sign)?;
        for (n, digit) in whole.chars().enumerate() {
            if n > 0 && (whole.len() - n).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if let Some(fraction) = fraction {
            write!(f, ".{fraction}")?;
        }
        write!(f, " {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Currency {
        Currency::parse(code).expect("a currency")
    }

    #[test]
    fn a_currency_is_one_in_use_in_any_case() {
        assert_eq!([of("usd").as_str(), of(" Eur ").as_str()], ["USD", "EUR"]);
        for bad in ["", "US", "USDX", "XXX", "A B", "D EU", "ＵＳＤ"] {
            assert!(Currency::parse(bad).is_err(), "{bad}");
        }
        for list in [NONE, TWO, THREE] {
            assert!(list.split_whitespace().all(|code| code.len() == 3 && Currency::parse(code).is_ok()), "{list}");
        }
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (code, text, minor) in [
            ("USD", "19", 1_900),
            ("USD", "19.9", 1_990),
            ("USD", " 1,234.50 ", 123_450),
            ("USD", "0.05", 5),
            ("USD", "19.9000", 1_990),
            ("JPY", "1200", 1_200),
            ("JPY", "1200.00", 1_200),
            ("KWD", "1.234", 1_234),
            ("EUR", "10000000000", MINOR_MAX),
        ] {
            assert_eq!(of(code).amount(text), Ok(minor), "{text} {code}");
        }
        for (code, text) in [
            ("USD", ""),
            ("USD", "1.005"),
            ("USD", "-1"),
            ("USD", "1,23"),
            ("USD", "12,34.5"),
            ("USD", "1.2.3"),
            ("USD", "$5"),
            ("USD", "1e3"),
            ("JPY", "0.5"),
            ("EUR", "10000000000.01"),
        ] {
            assert!(of(code).amount(text).is_err(), "{text} {code}");
        }
    }

    #[test]
    fn money_is_written_so_that_it_reads_back() {
        for (code, minor, plain, shown) in [
            ("USD", 5, "0.05", "0.05 USD"),
            ("USD", 123_450, "1234.50", "1,234.50 USD"),
            ("JPY", 1_234_567, "1234567", "1,234,567 JPY"),
            ("KWD", 1_234, "1.234", "1.234 KWD"),
            ("EUR", -100_000, "-1000.00", "-1,000.00 EUR"),
        ] {
            let money = Money::new(minor, of(code));
            assert_eq!((money.plain().as_str(), money.to_string().as_str()), (plain, shown));
            if minor >= 0 {
                assert_eq!(of(code).amount(plain), Ok(minor));
            }
        }
    }
}
