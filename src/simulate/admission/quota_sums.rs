//! What all objects of a kind take of a quota: counted once, then kept up with each change of the store.
//!
//! Sums of amounts in one notation are exact however they came about; where notations meet (`1Gi`, `1G`), the first in the order of names
//! lends its own, so those are counted anew each time, as are few.

use super::quota_usage::{Counted, Usage};
use crate::object::{ObjectId, Text, Value, text};
use crate::simulate::Store;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// So many objects are counted each time.
const FEW: usize = 8;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    namespace: Text,
    group: Text,
    kind: Text,
    quota: Text,
}

#[derive(Clone)]
struct Sum {
    resource: String,
    quota: Arc<Value>,
    used: Usage,
    count: usize,
    /// Whether amounts in several notations were added.
    mixed: bool,
}

impl Sum {
    fn add(&mut self, counted: Counted<'_>, object: &Value) {
        if !counted.in_scopes(&self.quota, object) {
            return;
        }
        self.count += 1;
        for (name, amount) in counted.usage(object) {
            match self.used.get_mut(&name) {
                Some(sum) => {
                    self.mixed |= !sum.is_zero() && !amount.is_zero() && sum.format() != amount.format();
                    sum.add(&amount);
                }
                None => drop(self.used.insert(name, amount)),
            }
        }
    }

    fn take(&mut self, counted: Counted<'_>, object: &Value) {
        if !counted.in_scopes(&self.quota, object) {
            return;
        }
        self.count = self.count.saturating_sub(1);
        for (name, amount) in counted.usage(object) {
            if let Some(sum) = self.used.get_mut(&name) {
                sum.subtract(&amount);
            }
        }
    }
}

/// The sums that were asked for so far.
#[derive(Default)]
pub(in crate::simulate) struct Sums(Mutex<BTreeMap<Key, Sum>>);

impl Clone for Sums {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

impl fmt::Debug for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sums")
    }
}

impl Sums {
    /// Takes a change of an object in.
    pub(in crate::simulate) fn note(&mut self, id: &ObjectId, before: Option<&Value>, after: Option<&Value>) {
        let sums = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if sums.is_empty() {
            return;
        }
        if id.kind == "ResourceQuota" && id.group.is_empty() {
            sums.retain(|key, _| key.namespace != id.namespace || key.quota != id.name);
        }
        if before.zip(after).is_some_and(|(before, after)| takes_the_same(before, after)) {
            return;
        }
        let first = Key { namespace: id.namespace.clone(), group: id.group.clone(), kind: id.kind.clone(), quota: "".into() };
        let same = |key: &Key| key.namespace == id.namespace && key.group == id.group && key.kind == id.kind;
        for (_, sum) in sums.range_mut(first..).take_while(|(key, _)| same(key)) {
            let resource = sum.resource.clone();
            let counted = Counted::of(&id.group, &resource);
            before.into_iter().for_each(|object| sum.take(counted, object));
            after.into_iter().for_each(|object| sum.add(counted, object));
        }
    }

    /// What all objects of a kind take of a quota.
    pub(super) fn used(&self, store: &Store, (counted, resource): (Counted<'_>, &str), kind: &str, quota: &Arc<Value>) -> Usage {
        let namespace = text(quota, &["metadata", "namespace"]);
        let group = if let Counted::Objects(group, _) = counted { group } else { "" };
        let name = text(quota, &["metadata", "name"]);
        let key = Key { namespace: namespace.into(), group: group.into(), kind: kind.into(), quota: name.into() };
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums.get(&key).filter(|sum| !sum.mixed && sum.count > FEW) {
            return sum.used.clone();
        }
        let mut sum = Sum { resource: resource.to_owned(), quota: Arc::clone(quota), used: Usage::new(), count: 0, mixed: false };
        store.list(group, kind, Some(namespace)).for_each(|(_, object)| sum.add(counted, object));
        let used = sum.used.clone();
        sums.insert(key, sum);
        used
    }
}

/// Whether a change is of nothing that quotas count: neither of the spec nor, of a pod, of whether it has ended.
fn takes_the_same(before: &Value, after: &Value) -> bool {
    let same = |path: [&str; 2]| before[path[0]].get(path[1]) == after[path[0]].get(path[1]);
    same(["status", "phase"])
        && same(["status", "allocatedResources"])
        && same(["metadata", "annotations"])
        && before.get("spec") == after.get("spec")
}

#[cfg(test)]
mod tests {
    use super::Sums;
    use crate::object::{ObjectId, Value, json};
    use crate::simulate::Store;
    use crate::simulate::admission::quota_usage::{Counted, Usage};
    use std::sync::Arc;

    fn pod(number: usize, cpu: &str, phase: &str) -> Value {
        let containers = json!([{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "64Mi"}}}]);
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{number}"), "namespace": "ns"}, "spec": {"containers": containers}, "status": {"phase": phase}})
    }

    #[test]
    fn kept_up_sums_are_those_counted_anew() {
        let quota = Arc::new(
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": {"pods": 1}}}),
        );
        let mut store = Store::default();
        let shown = |usage: &Usage| usage.iter().map(|(name, amount)| format!("{name}={amount}")).collect::<Vec<_>>().join(",");
        let counted = (Counted::Pods, "pods");
        for round in 0..60_usize {
            match round % 5 {
                3 if round > 20 => drop(store.remove(&ObjectId::of(&pod(round - 10, "1", "")))),
                4 => drop(store.put(pod(round / 2, "250m", "Succeeded"))),
                1 if round > 40 => drop(store.put(pod(round, "2e3", "Running"))),
                _ => drop(store.put(pod(round, "100m", "Running"))),
            }
            let kept = store.quota_sums().used(&store, counted, "Pod", &quota);
            let anew = Sums::default().used(&store, counted, "Pod", &quota);
            assert_eq!(shown(&kept), shown(&anew), "round {round}");
        }
    }
}
