//! The virtual clock. Zero is the first write.

use jiff::Timestamp;
use std::time::Duration;

/// A point in simulated time, and the time of day that zero stands for.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch: Timestamp,
    /// How long since zero.
    pub now: Duration,
}

impl Clock {
    /// A clock at zero, which is `epoch` as a time of day.
    pub fn new(epoch: Timestamp) -> Self {
        Self { epoch, now: Duration::ZERO }
    }

    /// The time of day, to the nanosecond.
    pub fn time(&self) -> Timestamp {
        self.epoch.checked_add(self.now).unwrap_or(self.epoch)
    }

    /// The time of day that zero is.
    pub fn zero(&self) -> Timestamp {
        self.epoch
    }

    /// The point at which it is some time of day; zero if that is earlier.
    pub fn point(&self, time: Timestamp) -> Duration {
        Duration::try_from(time.duration_since(self.epoch)).unwrap_or_default()
    }

    /// The time of day, as objects carry it: RFC 3339, whole seconds, UTC.
    pub fn timestamp(&self) -> String {
        self.timestamp_at(self.now)
    }

    /// The time of day at another point of the clock.
    pub fn timestamp_at(&self, at: Duration) -> String {
        let then = self.epoch.checked_add(at).unwrap_or(self.epoch);
        Timestamp::from_second(then.as_second()).unwrap_or(then).to_string()
    }

    /// How many whole seconds ago a time of day was; negative if it is still to come. None if the text is no time.
    pub fn seconds_since(&self, timestamp: &str) -> Option<i64> {
        let then: Timestamp = timestamp.parse().ok()?;
        let now = self.epoch.checked_add(self.now).ok()?;
        Some(now.duration_since(then).as_secs())
    }

    /// The point that lies some seconds after a time of day; zero if that is earlier. None if the text is no time.
    pub fn point_after(&self, timestamp: &str, seconds: i64) -> Option<Duration> {
        let then: Timestamp = timestamp.parse().ok()?;
        let then = then.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()?;
        Some(self.point(then))
    }
}
