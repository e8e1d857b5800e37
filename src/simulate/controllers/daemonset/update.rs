//! One step of a rolling update: old pods go, as many at a time as may be missing; or new ones come beside them, as many as may
//! be surplus.
//!
//! Follows `rollingUpdate` of `pkg/controller/daemon/update.go`.

use super::{Daemon, create};
use crate::object::Value;
use crate::simulate::Cluster;
use crate::simulate::controllers::pods;
use crate::simulate::controllers::reading::{available, deleting, min_ready_seconds};
use std::sync::Arc;

/// Makes the step.
pub(super) fn step(cluster: &mut Cluster, daemon: &Daemon) {
    let total = daemon.nodes.iter().filter(|n| n.runs).count() as i64;
    let (surge, unavailable) = daemon.allowances(total);
    if surge == 0 { replace(cluster, daemon, unavailable) } else { replace_beside(cluster, daemon, surge, total) }
}

/// The new and the old pod on a node; none if there are several of one sort.
type Pair = Option<(Option<Arc<Value>>, Option<Arc<Value>>)>;

fn pairs(daemon: &Daemon) -> Vec<(String, Pair)> {
    let mut names: Vec<&String> = daemon.pods.keys().chain(daemon.nodes.iter().filter(|n| n.runs).map(|n| &n.name)).collect();
    names.sort();
    names.dedup();
    let pair = |name: &String| {
        let pods = daemon.pods.get(name).into_iter().flatten().filter(|p| !deleting(p)).cloned();
        let (new, old): (Vec<_>, Vec<_>) = pods.partition(|p| daemon.is_updated(p));
        (new.len() <= 1 && old.len() <= 1).then(|| (new.into_iter().next(), old.into_iter().next()))
    };
    names.into_iter().map(|name| (name.clone(), pair(name))).collect()
}

fn replace(cluster: &mut Cluster, daemon: &Daemon, allowed: i64) {
    let serves = |p: &Value| available(&cluster.clock, p, min_ready_seconds(&daemon.set));
    let (mut missing, mut broken, mut candidates) = (0, Vec::new(), Vec::new());
    for (_, pair) in pairs(daemon) {
        match pair {
            Some((Some(new), None)) => missing += i64::from(!serves(&new)),
            Some((None, Some(old))) if !serves(&old) => {
                missing += 1;
                broken.push(old);
            }
            Some((None, Some(old))) => candidates.push(old),
            None | Some(_) => missing += 1,
        }
    }
    let free = usize::try_from(allowed - missing).unwrap_or(0);
    for pod in broken.iter().chain(candidates.iter().take(free)) {
        pods::delete(cluster, pod, "updated");
    }
}

fn replace_beside(cluster: &mut Cluster, daemon: &Daemon, allowed: i64, total: i64) {
    let serves = |p: &Value| available(&cluster.clock, p, min_ready_seconds(&daemon.set));
    let runs = |name: &str| daemon.nodes.iter().any(|n| n.name == name && n.runs);
    let (mut surplus, mut serving) = (0, 0);
    let (mut gone, mut leaving, mut wanted, mut candidates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (node, pair) in pairs(daemon) {
        let Some((new, old)) = pair else {
            surplus += 1;
            continue;
        };
        serving += i64::from(old.as_ref().or(new.as_ref()).is_some_and(|p| serves(p)));
        match (new, old) {
            (_, None) => {}
            (None, Some(old)) if !serves(&old) => {
                if runs(&node) {
                    wanted.push(node);
                } else {
                    gone.push(old);
                }
            }
            (None, Some(old)) if !runs(&node) => leaving.push(old),
            (None, Some(_)) => candidates.push(node),
            (Some(new), Some(_)) if !serves(&new) => surplus += 1,
            (Some(_), Some(old)) => gone.push(old),
        }
    }
    gone.extend(leaving.into_iter().take(usize::try_from(serving - total).unwrap_or(0)));
    wanted.extend(candidates.into_iter().take(usize::try_from(allowed - surplus).unwrap_or(0)));
    for node in wanted {
        create(cluster, daemon, &node);
    }
    for pod in gone {
        pods::delete(cluster, &pod, "updated");
    }
}
