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

    /// The time of day, as objects carry it: RFC 3339, whole seconds, UTC.
    pub fn timestamp(&self) -> String {
        let now = self.epoch.checked_add(self.now).unwrap_or(self.epoch);
        now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
