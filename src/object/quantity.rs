//! Quantities: `1Gi`, `500m`, `1e3`, read, written and compared as Kubernetes does.
//!
//! Follows apimachinery `pkg/api/resource` (`quantity.go`, `amount.go`, `suffix.go`). What a server stores is the text that
//! [`Quantity`] displays: the client's own spelling where Go's fast path keeps it, else the canonical one. All arithmetic is
//! on whole numbers; more than 38 significant digits are refused, which a server would take.

use super::Value;
use std::cmp::Ordering;
use std::fmt;

/// How a quantity is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    DecimalSi,
}

/// A number with a format. Equality and order are numeric: `1Gi` equals `1073741824`.
#[derive(Clone, Debug)]
pub struct Quantity {
    mantissa: i128,
    scale: i32,
    format: Format,
    text: Option<String>,
    /// Whether parsing left Go's fast path: then Go holds a decimal of any size.
    big: bool,
}

/// Why a text is no quantity; shown as Go's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// It has a shape that no quantity has.
    Format,
    /// Its number is no number.
    Numeric,
    /// Its suffix is none of the known ones.
    Suffix,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            Self::Numeric => "unable to parse numeric part of quantity",
            Self::Suffix => "unable to parse quantity's suffix",
        })
    }
}

impl std::error::Error for QuantityError {}

/// Nothing finer is kept.
const NANO: i32 = -9;
/// Resource lists keep nothing finer.
const MILLI: i32 = -3;
/// Decimal digits that surely fit Go's `int64`: above, parsing leaves its fast path.
const FAST_DIGITS: i32 = 18;
const DECIMAL_SUFFIXES: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY_SUFFIXES: [(&str, i32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl Quantity {
    /// Zero, as `0`.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0, format: Format::DecimalSi, text: None, big: false };

    /// Reads a text as `ParseQuantity` does; white space around it is allowed.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let parts = Parts::of(text)?;
        let (base, exponent, format) = suffix(parts.suffix)?;
        let digits = (parts.whole.len() + parts.fraction.len()) as i32;
        let precision = match format {
            Format::BinarySi if !parts.fraction.is_empty() => -1,
            Format::BinarySi => 15 - parts.whole.len() as i32 - exponent * 3 / 10 - 1,
            _ => FAST_DIGITS - digits,
        };
        let scale = if base == 10 { exponent } else { 0 } - parts.fraction.len() as i32;
        if precision >= 0 && scale >= NANO {
            return Ok(Self::fast(text, &parts, format, exponent, scale));
        }
        Self::slow(&parts, format, exponent)
    }

    /// Reads a JSON value as Go's decoder does: a string or a number; null is zero.
    pub fn from_value(value: &Value) -> Result<Self, QuantityError> {
        match value {
            Value::Null => Ok(Self::ZERO),
            Value::String(text) => Self::parse(text),
            other => Self::parse(&other.to_string()),
        }
    }

    /// The value in thousandths, in decimal format.
    pub fn from_milli(milli: i64) -> Self {
        Self { mantissa: milli.into(), scale: MILLI, format: Format::DecimalSi, text: None, big: false }
    }

    /// At most 18 digits: the spelling is kept if it looks canonical.
    fn fast(text: &str, parts: &Parts<'_>, format: Format, exponent: i32, scale: i32) -> Self {
        let digits = format!("{}{}", parts.whole, parts.fraction);
        let number = digits.bytes().fold(0_i128, |n, d| n * 10 + i128::from(d - b'0'));
        let kept = match format {
            Format::BinarySi => number & 7 != 0,
            _ => scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0'),
        };
        let mantissa = if format == Format::BinarySi { number << exponent } else { number };
        let mantissa = if parts.negative { -mantissa } else { mantissa };
        let text = (kept || text == "0").then(|| text.to_owned());
        Self { mantissa, scale, format, text, big: false }
    }

    fn slow(parts: &Parts<'_>, mut format: Format, exponent: i32) -> Result<Self, QuantityError> {
        let (mut mantissa, mut scale) = (0_i128, -(parts.fraction.len() as i32));
        for digit in parts.whole.bytes().chain(parts.fraction.bytes()) {
            let next = mantissa.checked_mul(10).and_then(|m| m.checked_add(i128::from(digit - b'0')));
            mantissa = next.ok_or(QuantityError::Numeric)?;
        }
        if format == Format::BinarySi {
            // Whatever leaves the range of i128 is far above the cap.
            mantissa = mantissa.checked_mul(1 << exponent).unwrap_or(i128::MAX);
        } else {
            scale = scale.saturating_add(exponent);
        }
        (mantissa, scale) = rounded_up(mantissa, scale, NANO);
        let size = Self { mantissa, scale, format, text: None, big: true };
        let (cap, one) = (Self { mantissa: i64::MAX.into(), scale: 0, format, text: None, big: true }, Self { mantissa: 1, ..Self::ZERO });
        if format == Format::BinarySi && size > cap {
            (mantissa, scale) = (cap.mantissa, 0);
        }
        if format == Format::BinarySi && size < one && mantissa != 0 {
            format = Format::DecimalSi;
        }
        Ok(Self { mantissa: if parts.negative { -mantissa } else { mantissa }, scale, format, text: None, big: true })
    }

    /// Rounds up (away from zero) to thousandths, as the defaults do with every value of a resource list.
    pub fn round_up_to_milli(&mut self) {
        if self.scale < MILLI {
            (self.mantissa, self.scale) = rounded_up(self.mantissa, self.scale, MILLI);
            self.text = None;
        }
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// How it is spelled.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.mantissa < 0
    }

    /// Adds another; a zero takes the other's format. A sum beyond 38 digits stays at the largest number.
    pub fn add(&mut self, other: &Self) {
        if self.is_zero() {
            self.format = other.format;
        }
        self.text = None;
        let scale = self.scale.min(other.scale);
        let raised = |q: &Self| 10_i128.checked_pow((q.scale - scale).unsigned_abs()).and_then(|p| q.mantissa.checked_mul(p));
        let sum = raised(self).zip(raised(other)).and_then(|(a, b)| a.checked_add(b));
        (self.mantissa, self.scale) = (sum.unwrap_or(i128::MAX), scale);
    }

    /// Takes another away.
    pub fn subtract(&mut self, other: &Self) {
        self.add(&Self { mantissa: -other.mantissa, text: None, ..other.clone() });
    }

    /// In whole units, rounded up (away from zero); none beyond 64 bits.
    pub fn value(&self) -> Option<i64> {
        self.whole(0)
    }

    /// In thousandths, rounded up (away from zero); none beyond 64 bits.
    pub fn milli_value(&self) -> Option<i64> {
        self.whole(MILLI)
    }

    fn whole(&self, scale: i32) -> Option<i64> {
        let (mantissa, from) = rounded_up(self.mantissa, self.scale, scale);
        let power = 10_i128.checked_pow((from - scale).unsigned_abs())?;
        mantissa.checked_mul(power)?.try_into().ok()
    }

    /// The fields that Go holds of it, as `go-spew` prints a struct (`%#v`): revision names are hashes of such prints.
    pub fn spewed(&self) -> String {
        const NONE: &str = "(resource.infDecAmount){Dec:(*inf.Dec)<nil>}";
        let format = match self.format {
            Format::DecimalExponent => "DecimalExponent",
            Format::BinarySi => "BinarySI",
            Format::DecimalSi => "DecimalSI",
        };
        let (value, scale, decimal) = if self.big {
            // Rounding brought it to nanos, unless it is zero or the cap.
            let places = if self.mantissa == 0 || self.mantissa == i64::MAX.into() { -self.scale } else { -NANO };
            let digits = 10_i128.checked_pow((places + self.scale).unsigned_abs()).and_then(|p| self.mantissa.checked_mul(p));
            let digits = digits.unwrap_or(i128::MAX).unsigned_abs();
            let (low, high) = (digits & u128::from(u64::MAX), digits >> 64);
            let words = if high > 0 {
                format!("[{low} {high}]")
            } else if low > 0 {
                format!("[{low}]")
            } else {
                "<nil>".into()
            };
            let number = format!("(big.Int){{neg:(bool){} abs:(big.nat){words}}}", self.mantissa < 0);
            (0, 0, format!("(resource.infDecAmount){{Dec:(*inf.Dec){{unscaled:{number} scale:(inf.Scale){places}}}}}"))
        } else {
            (self.mantissa, if self.text.as_deref() == Some("0") { 0 } else { self.scale }, NONE.to_owned())
        };
        let text = self.text.as_deref().unwrap_or_default();
        format!(
            "{{i:(resource.int64Amount){{value:(int64){value} scale:(resource.Scale){scale}}} d:{decimal} s:(string){text} Format:(resource.Format){format}}}"
        )
    }

    /// The canonical spelling, whatever the client's own was.
    fn canonical(&self) -> String {
        if self.is_zero() {
            return "0".into();
        }
        let thousand_and_24 = Self { mantissa: 1024, ..Self::ZERO };
        let small = Self { mantissa: self.mantissa.abs(), ..self.clone() } < thousand_and_24;
        if self.format == Format::BinarySi
            && !small
            && let Some(whole) = self.exact_whole()
        {
            let (number, times) = without_factor(whole, 1024);
            let suffix = BINARY_SUFFIXES.iter().find(|(_, e)| *e == times * 10).map_or("", |(s, _)| s);
            return format!("{number}{suffix}");
        }
        let (mut number, times) = without_factor(self.mantissa, 10);
        let mut exponent = self.scale + times;
        while exponent % 3 != 0 {
            number *= 10;
            exponent -= 1;
        }
        match self.format {
            Format::DecimalExponent if exponent == 0 => number.to_string(),
            Format::DecimalExponent => format!("{number}e{exponent}"),
            _ => format!("{number}{}", DECIMAL_SUFFIXES.iter().find(|(_, e)| *e == exponent).map_or("", |(s, _)| s)),
        }
    }

    fn exact_whole(&self) -> Option<i128> {
        let power = 10_i128.checked_pow(self.scale.unsigned_abs())?;
        if self.scale >= 0 {
            return self.mantissa.checked_mul(power);
        }
        (self.mantissa % power == 0).then(|| self.mantissa / power)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => f.write_str(&self.canonical()),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.mantissa == 0 {
            return signs;
        }
        let (a, b) = (self.magnitude(), other.magnitude());
        let sizes = if a == b {
            let scale = self.scale.min(other.scale);
            // Numbers of the same magnitude differ in scale by no more than their digits: the powers fit.
            let raised = |q: &Self| q.mantissa.unsigned_abs().saturating_mul(10_u128.saturating_pow((q.scale - scale).unsigned_abs()));
            raised(self).cmp(&raised(other))
        } else {
            a.cmp(&b)
        };
        if self.mantissa < 0 { sizes.reverse() } else { sizes }
    }
}

impl Quantity {
    /// The power of ten just above it.
    fn magnitude(&self) -> i64 {
        i64::from(self.mantissa.unsigned_abs().checked_ilog10().unwrap_or(0)) + i64::from(self.scale)
    }
}

/// Sign, digits and suffix of a text.
struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    suffix: &'t str,
}

impl<'t> Parts<'t> {
    /// As `parseQuantityString` splits it; a lone sign or point is zero there too.
    fn of(text: &'t str) -> Result<Self, QuantityError> {
        let (negative, rest) = match text.as_bytes()[0] {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let digits = |s: &'t str| s.split_at(s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len()));
        let (whole, rest) = digits(rest.trim_start_matches('0'));
        let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
        let after_letters = rest.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let after_sign = after_letters.strip_prefix(['-', '+']).unwrap_or(after_letters);
        if !after_sign.bytes().all(|b| b.is_ascii_digit()) {
            return Err(QuantityError::Format);
        }
        Ok(Self { negative, whole: if whole.is_empty() { "0" } else { whole }, fraction, suffix: rest })
    }
}

/// Base, exponent and format that a suffix stands for.
fn suffix(text: &str) -> Result<(i32, i32, Format), QuantityError> {
    if let Some((_, exponent)) = DECIMAL_SUFFIXES.iter().find(|(s, _)| *s == text) {
        return Ok((10, *exponent, Format::DecimalSi));
    }
    if let Some((_, exponent)) = BINARY_SUFFIXES.iter().find(|(s, _)| *s == text) {
        return Ok((2, *exponent, Format::BinarySi));
    }
    let exponent = text.strip_prefix(['e', 'E']).and_then(|e| e.parse::<i64>().ok()).ok_or(QuantityError::Suffix)?;
    // Far beyond every real number, and arithmetic on it still fits.
    let exponent = exponent.clamp(-100_000, 100_000);
    Ok((10, exponent as i32, Format::DecimalExponent))
}

/// Brings a number to a scale that is at least `to`, away from zero.
fn rounded_up(mantissa: i128, scale: i32, to: i32) -> (i128, i32) {
    if scale >= to {
        return (mantissa, scale);
    }
    let rounded = match 10_i128.checked_pow((to - scale).unsigned_abs()) {
        Some(power) => mantissa / power + if mantissa % power == 0 { 0 } else { mantissa.signum() },
        None => mantissa.signum(),
    };
    (rounded, to)
}

/// The number without that factor, and how often it held it.
fn without_factor(mut number: i128, factor: i128) -> (i128, i32) {
    let mut times = 0;
    while number != 0 && number % factor == 0 {
        number /= factor;
        times += 1;
    }
    (number, times)
}

#[cfg(test)]
mod tests {
    use super::{Quantity, QuantityError};

    /// What kube-apiserver 1.36.2 stored for a value of a resource list.
    const STORED: [(&str, &str); 57] = [
        ("1024Mi", "1Gi"),
        ("1000m", "1"),
        ("1.5Gi", "1536Mi"),
        ("1024", "1024"),
        ("1000", "1k"),
        ("1000000000", "1G"),
        ("1e3", "1e3"),
        ("1E3", "1E3"),
        ("1e2", "100"),
        ("0.001", "1m"),
        ("0.0001", "1m"),
        ("100u", "1m"),
        ("1024Ki", "1Mi"),
        ("0", "0"),
        ("0m", "0"),
        ("00", "0"),
        ("0.0", "0"),
        (".5", "500m"),
        ("0.500", "500m"),
        ("1.500", "1.500"),
        ("12.345", "12.345"),
        ("2048Mi", "2Gi"),
        ("1e4", "10e3"),
        ("2.5k", "2500"),
        ("8Ei", "9223372036854775807"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("1.5000", "1500m"),
        ("0.5Gi", "512Mi"),
        ("1.5Ki", "1536"),
        ("1073741824", "1073741824"),
        ("2000", "2k"),
        ("1000M", "1G"),
        ("1e-3", "1e-3"),
        ("0.0015", "2m"),
        ("+1", "+1"),
        ("01", "01"),
        ("007Mi", "007Mi"),
        ("1.", "1."),
        ("1000Ki", "1000Ki"),
        ("16Ei", "9223372036854775807"),
        ("1.000", "1"),
        ("1500Mi", "1500Mi"),
        ("1025Ki", "1025Ki"),
        ("5e-1", "500e-3"),
        ("1n", "1m"),
        ("1u", "1m"),
        ("1000E", "1"),
        (" 1 ", "1"),
        ("-1.5", "-1500m"),
        ("100", "100"),
        ("0.1Ki", "102400m"),
        ("1Mi", "1Mi"),
        ("8Mi", "8Mi"),
        ("16Ki", "16Ki"),
        ("-0", "0"),
        ("1.0Gi", "1Gi"),
    ];

    #[test]
    fn a_resource_list_stores_what_the_server_stores() {
        for (sent, stored) in STORED {
            let mut quantity = Quantity::parse(sent).unwrap();
            quantity.round_up_to_milli();
            assert_eq!(quantity.to_string(), stored, "{sent}");
        }
    }

    #[test]
    fn what_is_stored_is_stored_again_unchanged() {
        for (_, stored) in STORED {
            assert_eq!(Quantity::parse(stored).unwrap().to_string(), stored);
        }
    }

    #[test]
    fn numbers_are_equal_however_they_are_spelled() {
        let same =
            [("1Gi", "1073741824"), ("1k", "1e3"), ("1", "+1"), ("1.500", "1500m"), ("0", "0Mi"), ("0.5", "500m"), ("1e60", "1000e57")];
        for (a, b) in same {
            assert_eq!(Quantity::parse(a).unwrap(), Quantity::parse(b).unwrap(), "{a} {b}");
        }
        for (less, more) in [("1M", "1Mi"), ("-1", "0"), ("-2", "-1"), ("999m", "1"), ("1e99", "1e100"), ("99", "100"), ("1n", "1u")] {
            assert!(Quantity::parse(less).unwrap() < Quantity::parse(more).unwrap(), "{less} {more}");
        }
    }

    #[test]
    fn sums_are_exact() {
        let mut sum = Quantity::parse("0").unwrap();
        for part in ["1Gi", "512Mi"] {
            sum.add(&Quantity::parse(part).unwrap());
        }
        assert_eq!(sum.to_string(), "1536Mi");
        sum.subtract(&Quantity::parse("100m").unwrap());
        assert_eq!(sum.to_string(), "1610612735900m");
        assert_eq!((sum.value(), sum.milli_value()), (Some(1_610_612_736), Some(1_610_612_735_900)));
    }

    #[test]
    fn texts_that_are_no_quantity_are_refused_as_go_does() {
        for text in ["", "1_000", "a", "1 Gi", "1Gi1x", "true", "{}"] {
            assert_eq!(Quantity::parse(text).unwrap_err(), QuantityError::Format, "{text}");
        }
        for text in ["1mi", "1KiB", "1GG", "1e", "1Kii"] {
            let error = Quantity::parse(text).unwrap_err();
            assert!(matches!(error, QuantityError::Suffix | QuantityError::Format), "{text}");
        }
    }
}
