//! Cron schedules and time zones, refused with the parser's own words.
//!
//! Follows `github.com/robfig/cron/v3` `parser.go` and `validateTimeZone` of `pkg/apis/batch/validation/validation.go`. The names of
//! the zones are those of the IANA database.

use super::check::{Check, Place};
use super::read::Read;
use crate::object::Value;
use crate::simulate::status::quoted;

const TIME_ZONES: &str = include_str!("time_zones.txt");
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One field of a schedule: the least and the most, and names that stand for numbers from the least on.
const FIELDS: [(i64, i64, &[&str]); 5] = [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, MONTHS), (0, 6, DAYS)];

/// The schedule of a CronJob; a zone in it is only forgiven to one that had it.
pub(super) fn schedule(check: &mut Check, spec: &Value, was: Option<&Value>, at: &Place) {
    let text = spec.text("schedule");
    if !check.filled(text, at) {
        return;
    }
    if let Err(why) = parse(text) {
        check.invalid(at, text, &why);
    }
    let forgiven = was.is_some_and(|w| w.text("schedule").contains("TZ"));
    if text.contains("TZ") {
        if !forgiven {
            check.invalid(at, text, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        } else if spec.has("timeZone") {
            check.invalid(at, text, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
        }
    }
}

fn parse(text: &str) -> Result<(), String> {
    let mut text = text;
    if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        let Some((zone, rest)) = text.split_once(' ') else {
            // the parser looks for the space and fails over its absence
            return Err("invalid schedule format: runtime error: slice bounds out of range [:-1]".into());
        };
        let zone = zone.split_once('=').map_or("", |(_, z)| z);
        if !(zone.is_empty() || zone == "UTC" || zone == "Local" || is_zone(zone)) {
            return Err(format!("provided bad location {zone}: unknown time zone {zone}"));
        }
        text = rest.trim();
    }
    if text.starts_with('@') {
        return descriptor(text);
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("expected exactly {} fields, found {}: [{}]", FIELDS.len(), fields.len(), fields.join(" ")));
    }
    fields.iter().zip(FIELDS).try_for_each(|(field, bounds)| field.split(',').filter(|r| !r.is_empty()).try_for_each(|r| range(r, bounds)))
}

fn descriptor(text: &str) -> Result<(), String> {
    if ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"].contains(&text) {
        return Ok(());
    }
    let Some(every) = text.strip_prefix("@every ") else { return Err(format!("unrecognized descriptor: {text}")) };
    if is_duration(every) { Ok(()) } else { Err(format!("failed to parse duration {text}: time: invalid duration {}", quoted(every))) }
}

/// `1h30m`, `-1.5s`, `0`.
fn is_duration(text: &str) -> bool {
    let mut rest = text.trim_start_matches(['-', '+']);
    if rest == "0" {
        return true;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let unit = rest[number..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |i| number + i);
        if rest[..number].trim_matches('.').is_empty() || !["ns", "us", "µs", "μs", "ms", "s", "m", "h"].contains(&&rest[number..unit]) {
            return false;
        }
        rest = &rest[unit..];
    }
    !text.trim_start_matches(['-', '+']).is_empty()
}

fn range(text: &str, (least, most, names): (i64, i64, &[&str])) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let (start, mut end) = if ends[0] == "*" || ends[0] == "?" {
        (least, most)
    } else {
        let start = number(ends[0], least, names)?;
        match ends.len() {
            1 => (start, start),
            2 => (start, number(ends[1], least, names)?),
            _ => return Err(format!("too many hyphens: {text}")),
        }
    };
    let step = match parts.len() {
        1 => 1,
        2 => {
            let step = number(parts[1], 0, &[])?;
            if ends.len() == 1 {
                end = most;
            }
            step
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if start < least {
        return Err(format!("beginning of range ({start}) below minimum ({least}): {text}"));
    }
    if end > most {
        return Err(format!("end of range ({end}) above maximum ({most}): {text}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

fn number(text: &str, least: i64, names: &[&str]) -> Result<i64, String> {
    if let Some(i) = names.iter().position(|n| n.eq_ignore_ascii_case(text)) {
        return Ok(least + i as i64);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let number: i64 = text.parse().map_err(|_| {
        let far = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let why = if far { "value out of range" } else { "invalid syntax" };
        format!("failed to parse int from {text}: strconv.Atoi: parsing {}: {why}", quoted(text))
    })?;
    if number < 0 { Err(format!("negative number ({number}) not allowed: {text}")) } else { Ok(number) }
}

/// The time zone of a CronJob.
pub(super) fn time_zone(check: &mut Check, spec: &Value, at: &Place) {
    let Some(zone) = spec.field("timeZone").and_then(Value::as_str) else { return };
    if zone.is_empty() {
        return check.invalid(at, zone, "timeZone must be nil or non-empty string");
    }
    let character = |b: u8| b.is_ascii_alphanumeric() || b".-_+".contains(&b);
    let part = |p: &str| (1..=14).contains(&p.len()) && p != "." && p != ".." && !p.starts_with('-') && p.bytes().all(character);
    if !zone.split('/').all(part) {
        return check.invalid(at, zone, &format!("unknown time zone {zone}"));
    }
    if zone.eq_ignore_ascii_case("local") {
        check.invalid(at, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    }
    if !(zone == "Local" || is_zone(zone)) {
        check.invalid(at, zone, &format!("unknown time zone {zone}"));
    }
}

fn is_zone(name: &str) -> bool {
    TIME_ZONES.lines().any(|zone| zone == name)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_parser_says_why() {
        assert!(parse("*/5 0-6 1,15 jan-MAR ?").is_ok());
        assert!(parse("@every 1h30m").is_ok());
        let why = |text: &str| parse(text).unwrap_err();
        assert_eq!(why("bad"), "expected exactly 5 fields, found 1: [bad]");
        assert_eq!(why("60 * * * *"), "end of range (60) above maximum (59): 60");
        assert_eq!(why("x * * * *"), "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax");
        assert_eq!(why("5-1 * * * *"), "beginning of range (5) beyond end of range (1): 5-1");
        assert_eq!(why("@often"), "unrecognized descriptor: @often");
    }
}
