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

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn the_longer_it_is_the_less_exact() {
        let shown =
            [-5, -1, 0, 119, 120, 599, 600, 10_799, 10_800, 28_799, 172_799, 691_199, 63_071_999, 63_072_000, 252_288_000].map(human);
        let expected = ["<invalid>", "0s", "0s", "119s", "2m", "9m59s", "10m", "179m", "3h", "7h59m", "47h", "7d23h", "729d", "2y", "8y"];
        assert_eq!(shown, expected);
    }
}
