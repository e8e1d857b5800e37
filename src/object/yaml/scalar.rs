//! A plain scalar's text becomes a value, by YAML 1.1 as go-yaml v2 reads it (`resolve.go`).

use crate::object::{Number, Value};

/// Why a scalar has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// `.inf`, `.nan`: JSON has no such number.
    NotJson,
    /// The text does not fit the tag before it: `!!int x`.
    Tag,
}

/// What a plain scalar means.
pub(super) fn resolve(text: &str) -> Result<Value, Refused> {
    let Some(first) = text.bytes().next() else { return Ok(Value::Null) };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => Ok(word(text)),
        b'.' => dotted(text),
        b'0'..=b'9' | b'+' | b'-' => numeric(text),
        _ => Ok(Value::from(text)),
    }
}

/// What a scalar means under a tag (`!!int`); other tags than YAML's own make it a string.
pub(super) fn resolve_tagged(tag: &str, text: &str) -> Result<Value, Refused> {
    let plain = || resolve(text);
    match tag {
        "str" => Ok(Value::from(text)),
        "bool" => plain().and_then(|v| if v.is_boolean() { Ok(v) } else { Err(Refused::Tag) }),
        "null" => plain().and_then(|v| if v.is_null() { Ok(v) } else { Err(Refused::Tag) }),
        "int" => plain().and_then(|v| if v.is_i64() || v.is_u64() { Ok(v) } else { Err(Refused::Tag) }),
        "float" => plain().and_then(|v| if v.is_number() { Ok(v) } else { Err(Refused::Tag) }),
        "binary" => base64(text).map(|bytes| Value::from(String::from_utf8_lossy(&bytes).into_owned())).ok_or(Refused::Tag),
        _ => Ok(Value::from(text)),
    }
}

fn word(text: &str) -> Value {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        "~" | "null" | "Null" | "NULL" => Value::Null,
        _ => Value::from(text),
    }
}

fn dotted(text: &str) -> Result<Value, Refused> {
    if matches!(text, ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF") {
        return Err(Refused::NotJson);
    }
    Ok(if float_text(text) { float(text) } else { Value::from(text) })
}

fn numeric(text: &str) -> Result<Value, Refused> {
    if matches!(text, "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF") {
        return Err(Refused::NotJson);
    }
    let digits = text.replace('_', "");
    if let Some(integer) = integer(&digits) {
        return Ok(integer);
    }
    Ok(match float_text(&digits) {
        true => match float(&digits) {
            Value::Number(n) => Value::Number(n),
            _ => Value::from(text),
        },
        false => Value::from(text),
    })
}

/// Go's `ParseInt(text, 0, 64)`, then `ParseUint`: a sign, then the base by its prefix.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let signed = digits.len() != text.len();
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return i64::try_from(-i128::from(size)).ok().map(Value::from);
    }
    match i64::try_from(size) {
        Ok(value) => Some(Value::from(value)),
        // Above the signed range Go prints the unsigned number as JSON, and its JSON reader makes that a float.
        Err(_) if !signed => Some(number(size as f64)?.into()),
        Err(_) => None,
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn float_text(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(i) => (&rest[..i], Some(&rest[i + 1..])),
        None => (rest, None),
    };
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|e| {
        let digits = e.strip_prefix(['-', '+']).unwrap_or(e);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_ok && exponent_ok
}

/// A float beyond the range stays text, as Go's parser refuses it.
fn float(text: &str) -> Value {
    text.parse().ok().filter(|f: &f64| f.is_finite()).and_then(number).map_or_else(|| Value::from(text), Value::Number)
}

/// A float as Go's JSON round trip leaves it: whole numbers that fit become integers.
pub fn number(value: f64) -> Option<Number> {
    const WHOLE: f64 = 9_223_372_036_854_775_807.0;
    if value.fract() == 0.0 && value > -WHOLE && value < WHOLE { Some(Number::from(value as i64)) } else { Number::from_f64(value) }
}

/// A map key as text: `1` is `"1"`, `yes` is `"true"`. None for what cannot be a key: null.
pub(super) fn key(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Number(n) if n.is_f64() => n.as_f64().map(short_float),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// A plain scalar as a key. Unlike values, floats keep being floats here: `1e6` is `"1e+06"`.
pub(super) fn plain_key(text: &str, value: Value) -> Option<String> {
    let digits = text.replace('_', "");
    match value.is_i64() && integer(&digits).is_none() {
        true => digits.parse().ok().map(short_float),
        false => key(value),
    }
}

/// Go's `FormatFloat(f, 'g', -1, 32)`.
fn short_float(value: f64) -> String {
    let short = value as f32;
    let text = format!("{short:e}");
    match text.split_once('e').and_then(|(m, e)| e.parse::<i32>().ok().map(|e| (m, e))) {
        Some((mantissa, e)) if !(-4..6).contains(&e) => {
            format!("{mantissa}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs())
        }
        _ => short.to_string(),
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let clean: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let (chunks, rest) = clean.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    for (i, chunk) in chunks.iter().enumerate() {
        let padding = chunk.iter().rev().take_while(|b| **b == b'=').count();
        if padding > 2 || (padding > 0 && i + 1 != chunks.len()) {
            return None;
        }
        let mut bits = 0u32;
        for byte in &chunk[..4 - padding] {
            let six = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(six);
        }
        bits <<= 6 * padding;
        out.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{Refused, key, plain_key, resolve, resolve_tagged};
    use crate::object::{Value, json};

    /// The table of go-yaml v2's rules, each checked against kubectl's output.
    #[test]
    fn scalars_mean_what_kubectl_reads() {
        let cases: &[(&str, Value)] = &[
            ("", Value::Null),
            ("~", Value::Null),
            ("nUll", json!("nUll")),
            ("y", json!(true)),
            ("on", json!(true)),
            ("Off", json!(false)),
            ("tRUE", json!("tRUE")),
            ("0644", json!(420)),
            ("0o644", json!(420)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("0b12", json!("0b12")),
            ("1_000", json!(1000)),
            ("_1", json!("_1")),
            ("08", json!(8)),
            ("+1", json!(1)),
            ("-0644", json!(-420)),
            ("1e3", json!(1000)),
            ("1.10", json!(1.1)),
            (".5", json!(0.5)),
            ("1.", json!(1)),
            (".", json!(".")),
            (".e1", json!(".e1")),
            ("-", json!("-")),
            ("12:30", json!("12:30")),
            ("2001-01-01", json!("2001-01-01")),
            ("1e400", json!("1e400")),
            ("inf", json!("inf")),
            ("<<", json!("<<")),
            ("9223372036854775807", json!(i64::MAX)),
            ("9223372036854775808", json!(9223372036854775808f64)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("1.2.3", json!("1.2.3")),
        ];
        for (text, value) in cases {
            assert_eq!(resolve(text).as_ref(), Ok(value), "{text}");
        }
        assert_eq!(resolve(".inf"), Err(Refused::NotJson));
        assert_eq!(resolve("-.INF"), Err(Refused::NotJson));
        assert_eq!(resolve(".NaN"), Err(Refused::NotJson));
    }

    #[test]
    fn tags_decide() {
        assert_eq!(resolve_tagged("str", "1"), Ok(json!("1")));
        assert_eq!(resolve_tagged("int", "7"), Ok(json!(7)));
        assert_eq!(resolve_tagged("int", "x"), Err(Refused::Tag));
        assert_eq!(resolve_tagged("binary", "aGk="), Ok(json!("hi")));
        assert_eq!(resolve_tagged("binary", "aGk"), Err(Refused::Tag));
    }

    #[test]
    fn keys_become_text() {
        for (text, shown) in
            [("1e3", "1000"), ("1.5", "1.5"), ("1e6", "1e+06"), ("0.00001", "1e-05"), ("0x1F", "31"), ("123456789.5", "1.2345679e+08")]
        {
            assert_eq!(plain_key(text, resolve(text).unwrap()).as_deref(), Some(shown));
        }
        assert_eq!(key(json!(true)).as_deref(), Some("true"));
        assert_eq!(key(Value::Null), None);
    }
}
