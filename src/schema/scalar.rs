//! One scalar through its Go type and back.
//!
//! Follows `sigs.k8s.io/json` and the `UnmarshalJSON` of `resource.Quantity`, `intstr.IntOrString`, `metav1.Time`,
//! `metav1.MicroTime` and `metav1.Duration`.

use super::Scalar;
use crate::object::base64;
use crate::object::quantity::Quantity;
use crate::object::{Value, json_kind};
use jiff::Timestamp;

/// Why a value is not of a scalar type. Go's decoder goes on after most of them and tells the first; types that decode
/// themselves end it.
pub(super) enum Fault {
    /// `json: cannot unmarshal VALUE into … of type TYPE`; decoding goes on.
    Type { value: String, ty: &'static str },
    /// Another text; decoding goes on.
    Text(String),
    /// As `Type`; decoding ends.
    AbortType { value: String, ty: &'static str },
    /// As `Text`; decoding ends.
    Abort(String),
}

/// What the encoder writes for the zero of a type.
pub(super) fn zero_scalar(kind: Scalar) -> Value {
    match kind {
        Scalar::String | Scalar::Bytes => "".into(),
        Scalar::Bool => false.into(),
        Scalar::Int32 | Scalar::Int64 | Scalar::IntOrString | Scalar::Float => 0.into(),
        Scalar::Quantity => "0".into(),
        Scalar::Duration => "0s".into(),
        Scalar::Time | Scalar::MicroTime => Value::Null,
    }
}

/// The name of the Go type in an error.
pub(super) fn go_type(kind: Scalar) -> &'static str {
    match kind {
        Scalar::String | Scalar::Quantity | Scalar::Time | Scalar::MicroTime | Scalar::Duration => "string",
        Scalar::Bool => "bool",
        Scalar::Int32 | Scalar::IntOrString => "int32",
        Scalar::Int64 => "int64",
        Scalar::Float => "float64",
        Scalar::Bytes => "[]uint8",
    }
}

/// Decodes and encodes one scalar; null is zero.
pub(super) fn scalar(kind: Scalar, value: &Value) -> Result<Value, Fault> {
    if value.is_null() {
        return Ok(zero_scalar(kind));
    }
    let mismatch = || Fault::Type { value: json_kind(value).to_owned(), ty: go_type(kind) };
    match kind {
        Scalar::String => value.is_string().then(|| value.clone()).ok_or_else(mismatch),
        Scalar::Bool => value.is_boolean().then(|| value.clone()).ok_or_else(mismatch),
        Scalar::Int32 | Scalar::Int64 => integer(kind, value).map_err(|value| Fault::Type { value, ty: go_type(kind) }),
        Scalar::Float => float(value).ok_or_else(mismatch),
        Scalar::Bytes => bytes(value.as_str().ok_or_else(mismatch)?),
        Scalar::IntOrString if value.is_string() => Ok(value.clone()),
        Scalar::IntOrString => integer(Scalar::Int32, value).map_err(|value| Fault::AbortType { value, ty: "int32" }),
        Scalar::Quantity => Quantity::from_value(value).map(|q| q.to_string().into()).map_err(|error| Fault::Abort(error.to_string())),
        Scalar::Time | Scalar::MicroTime | Scalar::Duration => {
            let text = value.as_str().ok_or_else(|| Fault::AbortType { value: json_kind(value).to_owned(), ty: "string" })?;
            match kind {
                Scalar::Time => time(text, None, "2006-01-02T15:04:05Z07:00", "%Y-%m-%dT%H:%M:%SZ"),
                Scalar::MicroTime => time(text, Some(6), "2006-01-02T15:04:05.000000Z07:00", "%Y-%m-%dT%H:%M:%S%.6fZ"),
                _ => Ok(text.into()),
            }
        }
    }
}

fn integer(kind: Scalar, value: &Value) -> Result<Value, String> {
    let Value::Number(number) = value else { return Err(json_kind(value).to_owned()) };
    let fits = number.as_i64().is_some_and(|n| kind == Scalar::Int64 || i32::try_from(n).is_ok());
    if fits { Ok(value.clone()) } else { Err(format!("number {number}")) }
}

/// Go writes a float that is whole without a fraction.
fn float(value: &Value) -> Option<Value> {
    let number = value.as_f64()?;
    let whole = number.fract() == 0.0 && number.abs() < 9e15;
    Some(if whole { (number as i64).into() } else { value.clone() })
}

fn bytes(text: &str) -> Result<Value, Fault> {
    match base64::decode(text) {
        Ok(bytes) => Ok(base64::encode(&bytes).into()),
        Err(offset) => Err(Fault::Text(format!("illegal base64 data at input byte {offset}"))),
    }
}

/// A time of day, in UTC and without what the type does not keep; `digits` of a second that must be there.
fn time(text: &str, digits: Option<usize>, layout: &str, format: &str) -> Result<Value, Fault> {
    match rfc3339(text, digits).and_then(|_| text.parse::<Timestamp>().ok()) {
        Some(_) if is_canonical(text, digits) => Ok(text.into()),
        Some(time) => Ok(time.strftime(format).to_string().into()),
        None => Err(Fault::Abort(format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\""))),
    }
}

/// Whether a text that is a time is written as the type writes it: in UTC, with no more digits than it keeps, and not in a leap second.
fn is_canonical(text: &str, digits: Option<usize>) -> bool {
    text.len() == 20 + digits.map_or(0, |digits| digits + 1) && text.ends_with('Z') && !text[17..].starts_with("60")
}

/// Whether a text has the one shape that Go's RFC 3339 layout takes: `2006-01-02T15:04:05[.9…](Z|±07:00)`.
fn rfc3339(text: &str, digits: Option<usize>) -> Option<()> {
    let (stem, rest) = text.split_at_checked(19)?;
    let shaped = |text: &str, shape: &str| {
        text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(|(t, s)| if s == b'0' { t.is_ascii_digit() } else { t == s })
    };
    let fraction = rest.strip_prefix('.').map_or(0, |digits| 1 + digits.bytes().take_while(u8::is_ascii_digit).count());
    let zone = &rest[fraction..];
    let zoned = zone == "Z" || shaped(zone, "+00:00") || shaped(zone, "-00:00");
    let exact = digits.is_none_or(|digits| fraction == digits + 1);
    (exact && fraction != 1 && zoned && shaped(stem, "0000-00-00T00:00:00")).then_some(())
}
