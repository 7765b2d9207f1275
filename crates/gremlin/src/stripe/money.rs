//! Amounts in minor units: which currencies there are, how many decimals they have, the least and the most that is charged.

use super::{Refusal, form::Form};

/// Eight digits.
const AMOUNT_MAX: i64 = 99_999_999;
/// Without decimals.
const ZERO_DECIMAL: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf";
/// With three, of which the last must be zero.
const THREE_DECIMAL: &str = "bhd jod kwd omr tnd";
const TWO_DECIMAL: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf \
    chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs \
    khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr \
    pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar zmw";
/// The least that is charged, where it is not half a unit.
const LEAST: [(&str, i64); 14] = [
    ("aed", 200),
    ("bgn", 100),
    ("czk", 1500),
    ("dkk", 250),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17500),
    ("jpy", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("pln", 200),
    ("sek", 300),
    ("thb", 1000),
];

fn is_one_of(list: &str, currency: &str) -> bool {
    list.split_whitespace().any(|one| one == currency)
}

fn decimals(currency: &str) -> usize {
    match currency {
        _ if is_one_of(ZERO_DECIMAL, currency) => 0,
        _ if is_one_of(THREE_DECIMAL, currency) => 3,
        _ => 2,
    }
}

/// A currency in lower case, as it comes back.
pub fn currency(form: &Form) -> Result<String, Refusal> {
    let given = form.required("currency")?.to_lowercase();
    if [TWO_DECIMAL, ZERO_DECIMAL, THREE_DECIMAL].iter().any(|list| is_one_of(list, &given)) {
        return Ok(given);
    }
    Err(form.wrong("currency", "parameter_invalid_string", format!("Invalid currency: {given}.")))
}

/// An amount of a price: zero is one.
pub fn unit_amount(form: &Form, name: &str, currency: &str) -> Result<i64, Refusal> {
    let amount = form.integer(name)?.ok_or_else(|| form.missing(name))?;
    if amount < 0 {
        return Err(form.wrong(name, "parameter_invalid_integer", "This value must be greater than or equal to 0."));
    }
    if decimals(currency) == 3 && amount % 10 != 0 {
        let why = format!("Invalid amount: {amount}. In {} the last digit must be 0.", currency.to_uppercase());
        return Err(form.wrong(name, "parameter_invalid_integer", why));
    }
    Ok(amount)
}

/// Is this as much as can be charged at once? `name` is what the error blames.
pub fn chargeable(form: &Form, name: &str, amount: i64, currency: &str) -> Result<(), Refusal> {
    if amount > AMOUNT_MAX {
        let most = shown(AMOUNT_MAX, currency);
        return Err(form.wrong(name, "amount_too_large", format!("Amount must be no more than {most}")));
    }
    let half = if decimals(currency) == 0 { 1 } else { 5 * 10_i64.pow(u32::try_from(decimals(currency)).unwrap_or(2) - 1) };
    let least = LEAST.iter().find(|(one, _)| *one == currency).map_or(half, |(_, least)| *least);
    if amount < least {
        return Err(form.wrong(name, "amount_too_small", format!("Amount must be at least {}", shown(least, currency))));
    }
    Ok(())
}

/// As people read it: `10.00 USD`, `500 JPY`.
pub fn shown(amount: i64, currency: &str) -> String {
    let decimals = decimals(currency);
    let name = currency.to_uppercase();
    if decimals == 0 {
        return format!("{amount} {name}");
    }
    let unit = 10_i64.pow(u32::try_from(decimals).unwrap_or(2));
    format!("{}.{:0decimals$} {name}", amount / unit, amount % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_unit_is_what_the_currency_says() {
        assert_eq!(shown(1099, "usd"), "10.99 USD");
        assert_eq!(shown(5, "eur"), "0.05 EUR");
        assert_eq!(shown(500, "jpy"), "500 JPY");
        assert_eq!(shown(12_340, "kwd"), "12.340 KWD");
    }

    #[test]
    fn amounts_have_bounds() {
        let form = Form::read("amount=1").expect("a form");
        let fits = |amount, currency| chargeable(&form, "amount", amount, currency).is_ok();
        assert!(fits(50, "usd") && !fits(49, "usd"));
        assert!(fits(50, "jpy") && !fits(49, "jpy") && fits(1, "krw"));
        assert!(fits(500, "kwd") && !fits(490, "kwd"));
        assert!(fits(AMOUNT_MAX, "usd") && !fits(AMOUNT_MAX + 1, "usd"));
    }

    #[test]
    fn currencies_are_those_of_the_list_in_either_case() {
        let read = |text: &str| currency(&Form::read(text).expect("a form"));
        assert_eq!(read("currency=USD").expect("known"), "usd");
        assert!(read("currency=xyz").is_err() && read("currency=").is_err() && read("x=1").is_err());
        let price = |text: &str, currency| unit_amount(&Form::read(text).expect("a form"), "unit_amount", currency);
        assert_eq!(price("unit_amount=0", "usd").expect("free"), 0);
        assert!(price("unit_amount=1005", "jod").is_err() && price("unit_amount=-1", "usd").is_err());
    }
}
