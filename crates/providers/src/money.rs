//! Money as providers write it, in integer millionths.

/// A decimal text in millionths, without passing through a float. Digits past the sixth are rounded away from zero,
/// so that a cost is never understated.
pub fn micros(text: &str) -> Option<i64> {
    const DECIMALS: usize = 6;
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(whole) || !numeric(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(DECIMALS)];
    let round_up = fraction[kept.len()..].bytes().any(|byte| byte != b'0');
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i64 = format!("{kept:0<DECIMALS$}").parse().ok()?;
    let value = whole.checked_mul(1_000_000)?.checked_add(part)?.checked_add(i64::from(round_up))?;
    Some(if negative { -value } else { value })
}

/// A JSON number of units each worth `unit_micros`, such as cents of 10,000. It is a float on the wire already, so it is
/// rounded to the nearest.
pub fn micros_of(number: &serde_json::Number, unit_micros: i64) -> Option<i64> {
    /// Where floats stop telling whole numbers apart.
    const EXACT_MAX: f64 = 9e15;
    let value = number.as_f64()? * unit_micros as f64;
    (value.abs() <= EXACT_MAX).then_some(value.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_without_floats() {
        for (text, value) in [
            ("-0.0085", -8_500),
            ("0", 0),
            ("-0.20000", -200_000),
            ("12", 12_000_000),
            ("-.5", -500_000),
            ("3.", 3_000_000),
            ("-0.0000001", -1),
            ("0.1234560", 123_456),
        ] {
            assert_eq!(micros(text), Some(value), "{text}");
        }
        for bad in ["", "-", ".", "1e3", "1,5", "--1", "99999999999999999999", "9223372036854.775808"] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }

    #[test]
    fn floats_of_the_wire_become_whole_millionths() {
        let read = |json: &str, unit| micros_of(&serde_json::from_str(json).expect("a number"), unit);
        assert_eq!(read("12.5", 10_000), Some(125_000), "cents");
        assert_eq!(read("0.0712", 1_000_000), Some(71_200), "dollars");
        assert_eq!(read("7", 10_000), Some(70_000));
        assert_eq!(read("1e-7", 1_000_000), Some(0));
        assert_eq!(read("0.1", 1_000_000), Some(100_000));
        assert_eq!(read("1e30", 1_000_000), None);
    }
}
