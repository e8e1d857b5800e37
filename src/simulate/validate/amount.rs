//! Quantities as exact numbers, for comparing.
//!
//! Follows apimachinery `pkg/api/resource`: a number is a multiple of a billionth.

use crate::object::Value;

/// A quantity in billionths; zero for what is no quantity.
pub(super) fn nano(value: &Value) -> i128 {
    match value {
        Value::String(text) => parse(text).unwrap_or(0),
        Value::Number(number) => parse(&number.to_string()).unwrap_or(0),
        _ => 0,
    }
}

/// A quantity in billionths, none if the text is no quantity.
pub(super) fn parse(text: &str) -> Option<i128> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let (digits, suffix) = rest.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (base, power) = scale(suffix)?;
    let mut number: i128 = format!("{whole}{fraction}").parse().ok()?;
    // nano = number · 10^(9 - fraction digits) · scale, rounded away from zero
    let mut tens = 9 - i32::try_from(fraction.len()).ok()?;
    if base == 2 {
        number = number.checked_mul(1_i128.checked_shl(u32::try_from(power).ok()?)?)?;
    } else {
        tens += power;
    }
    let factor = 10_i128.checked_pow(tens.unsigned_abs())?;
    number = if tens >= 0 { number.checked_mul(factor)? } else { number / factor + i128::from(number % factor != 0) };
    Some(if negative { -number } else { number })
}

fn scale(suffix: &str) -> Option<(u8, i32)> {
    Some(match suffix {
        "" => (10, 0),
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        _ => (10, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn notations_of_one_number_are_equal() {
        assert_eq!(parse("1Gi"), parse("1073741824"));
        assert_eq!(parse("500m"), parse("0.5"));
        assert_eq!(parse("1e3"), parse("1k"));
        assert_eq!(parse("0.1n"), Some(1));
        assert!(parse("-1") < parse("0") && parse("x").is_none());
    }
}
