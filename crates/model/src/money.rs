//! Amounts of money and their currencies (ISO 4217), never a float: what calls cost in millionths, what orders come to in the
//! smallest coin. Written the way a company's people write figures. Credits are not money; see `credits`.

use crate::words;
use std::fmt;
use std::str::FromStr;

/// The most that one amount of [`Money`] may be, in minor units: sums of many stay far below what a `bigint` holds.
pub const MINOR_MAX: i64 = 1_000_000_000_000;

words! {
    /// How figures are written.
    pub enum Locale {
        EnUs = "en-US", "English (United States): 1,234,567.89";
        EnGb = "en-GB", "English (United Kingdom): 1,234,567.89";
        EnIn = "en-IN", "English (India): 12,34,567.89";
        HiIn = "hi-IN", "Hindi (India): 12,34,567.89";
        ArAe = "ar-AE", "Arabic (Emirates): 1,234,567.89";
        DeDe = "de-DE", "German (Germany): 1.234.567,89";
        EsEs = "es-ES", "Spanish (Spain): 1.234.567,89";
        FrFr = "fr-FR", "French (France): 1 234 567,89";
        PtBr = "pt-BR", "Portuguese (Brazil): 1.234.567,89";
    }
}

/// Between groups of French figures: a narrow space at which no line breaks.
const NARROW: &str = "\u{202f}";
/// A space at which no line breaks.
const SPACE: &str = "\u{a0}";

impl Locale {
    /// What stands between groups of digits, and before the fraction.
    const fn marks(self) -> (&'static str, &'static str) {
        match self {
            Self::EnUs | Self::EnGb | Self::EnIn | Self::HiIn | Self::ArAe => (",", "."),
            Self::DeDe | Self::EsEs | Self::PtBr => (".", ","),
            Self::FrFr => (NARROW, ","),
        }
    }
    const fn counts_in_lakh(self) -> bool {
        matches!(self, Self::EnIn | Self::HiIn)
    }
    /// Whether the currency follows the figure.
    const fn currency_last(self) -> bool {
        matches!(self, Self::DeDe | Self::EsEs | Self::FrFr)
    }
}

/// Every active currency of ISO 4217 (list one, 2024-06-25) without funds, metals and test codes; those without two decimals
/// stand in [`WITHOUT_DECIMALS`] and [`THREE_DECIMALS`] too.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD \
    IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR \
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";
const WITHOUT_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Currencies that have a sign everybody reads; others are written by their code.
const SIGNS: &[(&str, &str)] = &[("USD", "$"), ("EUR", "€"), ("GBP", "£"), ("INR", "₹"), ("JPY", "¥"), ("BRL", "R$")];

/// A currency, by its code of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// The text is no code of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Choose a currency by its three letters, like USD.")]
pub struct BadCurrency;

impl Currency {
    /// Three letters of ISO 4217, large or small.
    ///
    /// # Errors
    /// When there is no such currency.
    pub fn parse(text: &str) -> Result<Self, BadCurrency> {
        let code = text.trim().to_ascii_uppercase();
        let known = CODES.split(' ').find(|known| *known == code).ok_or(BadCurrency)?;
        known.as_bytes().try_into().map(Self).map_err(|_| BadCurrency)
    }
    /// Every currency there is, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.split_ascii_whitespace().filter_map(|code| Self::parse(code).ok())
    }
    /// The code.
    pub fn as_str(&self) -> &str {
        // Only letters get in.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
    /// Digits of its smallest coin.
    pub fn decimals(self) -> usize {
        let within = |list: &str| list.split(' ').any(|code| code == self.as_str());
        if within(WITHOUT_DECIMALS) {
            0
        } else if within(THREE_DECIMALS) {
            3
        } else {
            2
        }
    }
    /// Reads an amount of this currency as people write it: `1234.5`, `1,234.50`, `19`. In minor units.
    ///
    /// # Errors
    /// What to write instead.
    pub fn amount(self, text: &str) -> Result<i64, &'static str> {
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
    fn sign(self) -> Option<&'static str> {
        SIGNS.iter().find(|(code, _)| *code == self.as_str()).map(|(_, sign)| *sign)
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
        f.write_str(self.as_str())
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
        currency.as_str().to_owned()
    }
}

/// An amount in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// How a company writes money: the locale of its figures, and the currency it reckons in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Figures {
    pub locale: Locale,
    pub currency: Currency,
}

/// An amount of `micros` millionths of a unit: grouped as the locale does, rupees always in lakh and crore; with the decimals
/// of the currency, and with more where the amount is smaller than its coins: what a call costs often is.
pub fn money(micros: i64, currency: Currency, locale: Locale) -> String {
    let (group, point) = locale.marks();
    let lakh = locale.counts_in_lakh() || currency.as_str() == "INR";
    let amount = micros.unsigned_abs();
    let whole = grouped(&(amount / 1_000_000).to_string(), group, lakh);
    let all = format!("{:06}", amount % 1_000_000);
    let told = all.trim_end_matches('0').len().max(currency.decimals());
    let figure = if told == 0 { whole } else { format!("{whole}{point}{}", &all[..told]) };
    let sign = if micros < 0 { "-" } else { "" };
    match (currency.sign(), locale.currency_last()) {
        (Some(symbol), false) => format!("{sign}{symbol}{figure}"),
        (Some(symbol), true) => format!("{sign}{figure}{SPACE}{symbol}"),
        (None, false) => format!("{sign}{currency}{SPACE}{figure}"),
        (None, true) => format!("{sign}{figure}{SPACE}{currency}"),
    }
}

/// Digits in groups of three; in lakh the last three, then twos.
fn grouped(digits: &str, mark: &str, lakh: bool) -> String {
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        let left = digits.len() - n;
        let breaks = if lakh { left == 3 || (left > 3 && left % 2 == 1) } else { left.is_multiple_of(3) };
        if n > 0 && breaks {
            out.push_str(mark);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_of_a_place_write_it() {
        let vectors = [
            (1_234_567_890_000, "USD", Locale::EnUs, "$1,234,567.89"),
            (1_234_567_890_000, "USD", Locale::DeDe, "1.234.567,89\u{a0}$"),
            (1_234_567_890_000, "EUR", Locale::FrFr, "1\u{202f}234\u{202f}567,89\u{a0}€"),
            (1_234_567_890_000, "EUR", Locale::EsEs, "1.234.567,89\u{a0}€"),
            (1_234_567_890_000, "BRL", Locale::PtBr, "R$1.234.567,89"),
            (1_234_567_890_000, "AED", Locale::ArAe, "AED\u{a0}1,234,567.89"),
            (1_234_567_890_000, "USD", Locale::EnIn, "$12,34,567.89"),
            (1_234_567_890_000, "INR", Locale::EnUs, "₹12,34,567.89"),
            (1_234_567_890_000, "INR", Locale::HiIn, "₹12,34,567.89"),
            (123_456_789_000_000, "INR", Locale::EnIn, "₹12,34,56,789.00"),
            (99_999_000_000, "INR", Locale::EnIn, "₹99,999.00"),
            (100_000_000_000, "INR", Locale::EnIn, "₹1,00,000.00"),
            (999_000_000, "INR", Locale::EnIn, "₹999.00"),
            (1_000_000_000, "USD", Locale::EnUs, "$1,000.00"),
            (0, "USD", Locale::EnUs, "$0.00"),
            (13_000, "USD", Locale::EnUs, "$0.013"),
            (7_500, "USD", Locale::DeDe, "0,0075\u{a0}$"),
            (1, "USD", Locale::EnUs, "$0.000001"),
            (-13_000, "USD", Locale::EnUs, "-$0.013"),
            (-1_500_000, "CHF", Locale::DeDe, "-1,50\u{a0}CHF"),
            (1_500_000_000, "JPY", Locale::EnUs, "¥1,500"),
            (1_500_500_000, "JPY", Locale::EnUs, "¥1,500.5"),
            (1_500_000, "KWD", Locale::EnGb, "KWD\u{a0}1.500"),
            (i64::MIN, "USD", Locale::EnUs, "-$9,223,372,036,854.775808"),
        ];
        for (micros, code, locale, written) in vectors {
            assert_eq!(money(micros, Currency::parse(code).expect(code), locale), written, "{micros} {code} {locale}");
        }
    }

    #[test]
    fn only_codes_of_the_list_are_currencies() {
        assert_eq!([" Eur ", "usd"].map(|text| Currency::parse(text).expect(text).to_string()), ["EUR", "USD"]);
        for bad in ["", "US", "USDT", "XAU", "XXX", "AED AFN", "D A"] {
            assert_eq!(Currency::parse(bad), Err(BadCurrency), "{bad}");
        }
        let codes: Vec<_> = Currency::all().map(|c| c.to_string()).collect();
        assert!(codes.len() > 150 && codes.is_sorted(), "{codes:?}");
        for special in WITHOUT_DECIMALS.split(' ').chain(THREE_DECIMALS.split(' ')).chain(SIGNS.iter().map(|(code, _)| *code)) {
            assert!(codes.iter().any(|code| code == special), "{special}");
        }
    }

    fn of(code: &str) -> Currency {
        Currency::parse(code).expect("a currency")
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
