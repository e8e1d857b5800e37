//! Availability over time becomes windows of downtime.

use crate::simulate::controllers::Availability;
use std::time::Duration;

/// How available a workload was while its rollouts ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The times in which no pod was available, from the first write on; the last one may not have ended. Empty if they are not
    /// known.
    pub windows: Vec<(Duration, Option<Duration>)>,
    /// The fewest pods that were available at a time; none if nothing happened to its pods.
    pub lowest_available: Option<u32>,
    /// How long no pod was available in all; none if that is not known, or has no end.
    pub downtime: Option<Duration>,
    /// When its availability changed last.
    pub ended: Duration,
}

/// The timeline of a workload's availability; that of one to which nothing happened is empty.
///
/// A workload that is new has no downtime before its first pod is available; one that is scaled to nothing, or deleted, in the
/// end has none after its last.
pub fn timeline(availability: &Availability) -> Timeline {
    let levels = &availability.levels;
    let (mut windows, mut opened) = (Vec::new(), None);
    let mut met = availability.existed && levels.first().is_some_and(|l| l.desired > 0 || l.available > 0);
    let mut fell = false;
    for level in levels {
        met |= level.available > 0;
        if level.available == 0 && met {
            opened = opened.or(Some(level.at));
            fell = true;
        } else if let Some(from) = opened.take_if(|_| level.available > 0) {
            windows.push((from, Some(level.at)));
        }
    }
    let wanted = levels.last().is_some_and(|l| l.desired > 0);
    windows.extend(opened.filter(|_| wanted).map(|from| (from, None)));
    windows.retain(|(from, to)| *to != Some(*from));
    let served = levels.iter().skip_while(|l| l.available == 0 && !met_before(availability));
    let lowest_available = served.map(|l| l.available).min();
    let unknown = availability.inexact && fell;
    if unknown {
        windows.clear();
    }
    let whole: Option<Duration> = windows.iter().map(|(from, to)| to.map(|to| to.saturating_sub(*from))).sum();
    let ended = levels.last().map(|l| l.at).unwrap_or_default();
    Timeline { windows, lowest_available, downtime: whole.filter(|_| !unknown), ended }
}

fn met_before(availability: &Availability) -> bool {
    availability.existed
}
