//! Amounts of money: integer millionths and an ISO 4217 code, written the way a company's people write figures. One formatter
//! for every place where money is shown. Credits are not money; see `credits`.

use crate::words;
use std::fmt;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// The text is no code of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Choose a currency by its three letters, like USD.")]
pub struct BadCurrency;

impl Currency {
    /// Three capital letters of ISO 4217.
    ///
    /// # Errors
    /// When there is no such currency.
    pub fn parse(text: &str) -> Result<Self, BadCurrency> {
        let known = CODES.split(' ').find(|code| *code == text).ok_or(BadCurrency)?;
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
    fn sign(self) -> Option<&'static str> {
        SIGNS.iter().find(|(code, _)| *code == self.as_str()).map(|(_, sign)| *sign)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
        for bad in ["", "usd", "US", "USDT", "XAU", "XXX", "AED AFN", "D A"] {
            assert_eq!(Currency::parse(bad), Err(BadCurrency), "{bad}");
        }
        let codes: Vec<_> = Currency::all().map(|c| c.to_string()).collect();
        assert!(codes.len() > 150 && codes.is_sorted(), "{codes:?}");
        for special in WITHOUT_DECIMALS.split(' ').chain(THREE_DECIMALS.split(' ')).chain(SIGNS.iter().map(|(code, _)| *code)) {
            assert!(codes.iter().any(|code| code == special), "{special}");
        }
    }
}
