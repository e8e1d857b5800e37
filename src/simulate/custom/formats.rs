//! The `format`s of texts that a schema may ask for.
//!
//! Follows kube-openapi `pkg/validation/strfmt`. A format that is not here is not checked: the server ignores those it does not
//! know, and card, book and insurance numbers are nothing that a workload depends on.

use crate::object::base64;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Formats that the server checks and we do not.
pub(super) const UNCHECKED: [&str; 8] = ["bsonobjectid", "isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor"];

/// Whether the server checks texts for a format.
pub(super) fn known(format: &str) -> bool {
    !format.is_empty() && checker(format).is_some()
}

/// Whether a text has a format.
pub(super) fn has(format: &str, text: &str) -> bool {
    checker(format).is_none_or(|check| check(text))
}

type Checker = fn(&str) -> bool;

fn checker(format: &str) -> Option<Checker> {
    Some(match format.replace('-', "").as_str() {
        "uri" => uri,
        "email" => email,
        "hostname" => hostname,
        "ipv4" => |text| text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => |text| text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => cidr,
        "mac" => mac,
        "uuid" => |text| uuid(text, None),
        "uuid3" => |text| uuid(text, Some('3')),
        "uuid4" => |text| uuid(text, Some('4')),
        "uuid5" => |text| uuid(text, Some('5')),
        "byte" => |text| base64::decode(text).is_ok(),
        "password" => |_| true,
        "date" => date,
        "datetime" => date_time,
        "duration" => duration,
        "k8sshortname" => |text| text.len() <= 63 && label(text),
        "k8slongname" => |text| text.len() <= 253 && text.split('.').all(label),
        _ => return None,
    })
}

fn label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// An absolute URL or path, as Go's `url.ParseRequestURI` takes it.
fn uri(text: &str) -> bool {
    if text.is_empty() || text.chars().any(|c| c.is_ascii_control()) {
        return false;
    }
    let scheme = text
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .filter(|s| s.starts_with(|c: char| c.is_ascii_alphabetic()) && s.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)));
    match scheme {
        Some(scheme) => {
            let rest = &text[scheme.len() + 1..];
            rest.strip_prefix("//").is_none_or(|rest| !rest.split(['/', '?']).next().unwrap_or_default().contains(' '))
        }
        None => text.starts_with('/') || text == "*",
    }
}

/// `a@b`, or a name before `<a@b>`.
fn email(text: &str) -> bool {
    let address = text.trim().strip_suffix('>').and_then(|t| t.rsplit_once('<')).map_or(text.trim(), |(_, address)| address);
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let part = |text: &str| {
        let atom = |a: &str| !a.is_empty() && a.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c));
        text.split('.').all(atom)
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    (part(local) || quoted) && part(domain)
}

fn hostname(text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace());
    let part = |p: &str| (1..=63).contains(&p.len()) && !p.starts_with('-') && !p.ends_with('-') && p.chars().all(|c| inner(c) || c == '-');
    let parts: Vec<&str> = text.split('.').collect();
    let last = parts.last().copied().unwrap_or_default();
    text.len() <= 255
        && parts.iter().all(|p| part(p))
        && (parts.len() == 1 || (last.chars().count() >= 2 && last.chars().all(char::is_alphabetic)))
}

fn cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let plain = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let most = if address.parse::<Ipv4Addr>().is_ok() {
        32
    } else if address.parse::<Ipv6Addr>().is_ok() {
        128
    } else {
        return false;
    };
    plain && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

/// Pairs of hexadecimal digits behind `:` or `-`, or fours behind `.`: 6, 8 or 20 bytes.
fn mac(text: &str) -> bool {
    let (by, digits) = match text.chars().find(|c| !c.is_ascii_hexdigit()) {
        Some('.') => ('.', 4),
        Some(other @ (':' | '-')) => (other, 2),
        _ => return false,
    };
    let parts: Vec<&str> = text.split(by).collect();
    let whole = |p: &&str| p.len() == digits && p.chars().all(|c| c.is_ascii_hexdigit());
    parts.iter().all(whole) && matches!(parts.len() * digits / 2, 6 | 8 | 20)
}

fn uuid(text: &str, version: Option<char>) -> bool {
    let mut rest = text;
    for (i, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        let Some((part, after)) = rest.split_at_checked(length) else { return false };
        let variant = i != 3 || matches!(version, None | Some('3')) || part.starts_with(['8', '9', 'a', 'b', 'A', 'B']);
        if !part.chars().all(|c| c.is_ascii_hexdigit()) || !variant || (i == 2 && version.is_some_and(|v| !part.starts_with(v))) {
            return false;
        }
        rest = if i < 4 { after.strip_prefix('-').unwrap_or(after) } else { after };
    }
    rest.is_empty()
}

fn date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn date_time(text: &str) -> bool {
    let Some((day, time)) = text.split_once(['T', 't']) else { return false };
    if !date(day) {
        return false;
    }
    let bytes = time.as_bytes();
    let two = |at: usize| bytes.get(at..at + 2).and_then(|b| std::str::from_utf8(b).ok()).and_then(|t| t.parse::<u8>().ok());
    let whole = bytes.get(2) == Some(&b':') && bytes.get(5) == Some(&b':');
    let (Some(hour), Some(minute), Some(second)) = (two(0), two(3), two(6)) else { return false };
    let rest = time.get(8..).unwrap_or_default().to_ascii_lowercase();
    let fraction = rest.strip_prefix('.').map_or(0, |f| 1 + f.bytes().take_while(u8::is_ascii_digit).count());
    let zone = &rest[fraction..];
    let offset = zone.len() == 6
        && zone.starts_with(['+', '-'])
        && zone[1..].chars().enumerate().all(|(i, c)| if i == 2 { c == ':' } else { c.is_ascii_digit() });
    whole && hour < 24 && minute < 60 && second < 60 && fraction != 1 && (zone == "z" || offset)
}

/// A Go duration, or numbers with units in words as Scala has them.
fn duration(text: &str) -> bool {
    if text == "0" {
        return true;
    }
    const UNITS: [&str; 8] = ["ns", "us", "µs", "ms", "s", "m", "h", "d"];
    const WORDS: [&str; 9] = ["nano", "micro", "milli", "sec", "min", "hour", "hr", "day", "week"];
    let mut found = false;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let number = rest[start..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(rest.len(), |i| start + i);
        let after = rest[number..].trim_start();
        let unit: String = after.chars().take_while(|c| c.is_alphabetic()).collect::<String>();
        let lower = unit.to_lowercase();
        found |= UNITS.contains(&lower.as_str()) || lower == "w" || WORDS.iter().any(|w| lower.starts_with(w));
        rest = &after[unit.len()..];
        if unit.is_empty() {
            break;
        }
    }
    found
}
