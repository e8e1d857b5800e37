//! How long something has been, as people read it: `5m12s`, `3d4h`.
//!
//! Follows apimachinery `pkg/util/duration/duration.go:HumanDuration` and `translateTimestampSince` of `pkg/printers`.

use crate::simulate::clock::Clock;

/// A number of seconds; less and less exact the longer it is.
pub(super) fn human(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let with = |whole: i64, unit: &str, rest: i64, smaller: &str| {
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{smaller}") }
    };
    match seconds {
        ..-1 => "<invalid>".into(),
        -1 => "0s".into(),
        0..120 => format!("{seconds}s"),
        120..600 => with(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => with(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => with(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2_920 => with(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// How long ago a time of day was.
pub(super) fn since(clock: &Clock, timestamp: &str) -> String {
    clock.seconds_since(timestamp).map_or_else(|| "<unknown>".into(), human)
}
