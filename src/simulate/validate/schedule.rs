//! Cron schedules and time zones, refused with the parser's own words.
//!
//! Follows `validateScheduleFormat` and `validateTimeZone` of `pkg/apis/batch/validation/validation.go`.

use super::check::{Check, Place};
use super::read::Read;
use crate::object::Value;
use crate::simulate::schedule::{Schedule, time_zone as zone_of};

/// The schedule of a CronJob; a zone in it is only forgiven to one that had it.
pub(super) fn schedule(check: &mut Check, spec: &Value, was: Option<&Value>, at: &Place) {
    let text = spec.text("schedule");
    if !check.declared_filled(text, at) {
        return;
    }
    if let Err(why) = Schedule::parse(text) {
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
    if zone_of(zone).is_none() {
        check.invalid(at, zone, &format!("unknown time zone {zone}"));
    }
}
