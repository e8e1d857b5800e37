//! A pod's priority is that of its class; of classes only one is the default.
//!
//! Follows `plugin/pkg/admission/priority/admission.go`.

use super::{Attributes, forbidden};
use crate::object::{ObjectId, Value, at, integer, map_at, text};
use crate::simulate::{ApiError, Cluster};

const GROUP: &str = "scheduling.k8s.io";
const KIND: &str = "PriorityClass";

/// Resolves the class of a new pod; a changed one keeps what it does not say.
pub(super) fn resolve(asked: &Attributes<'_>, pod: &mut Value) -> Result<(), ApiError> {
    if let Some(live) = asked.live {
        let spec = map_at(pod, &["spec"]);
        for field in ["priority", "preemptionPolicy"] {
            if let Some(stored) = live["spec"].get(field) {
                spec.entry(field).or_insert_with(|| stored.clone());
            }
        }
        return Ok(());
    }
    let (class, priority, policy) = match text(pod, &["spec", "priorityClassName"]) {
        "" => default(asked.cluster),
        name => named(asked, pod, name)?,
    };
    let spec = map_at(pod, &["spec"]);
    if !class.is_empty() {
        spec.insert("priorityClassName".into(), class.into());
    }
    let computed = "priority admission controller computed";
    if let Some(told) = integer(pod, &["spec", "priority"]).filter(|told| *told != priority) {
        let why = format!(
            "the integer value of priority ({told}) must not be provided in pod spec; {computed} {priority} from the given PriorityClass name"
        );
        return Err(forbidden(asked, pod, &why));
    }
    let told = at(pod, &["spec", "preemptionPolicy"]).and_then(Value::as_str);
    if let Some(told) = told.filter(|told| !policy.is_empty() && *told != policy) {
        let why = format!(
            "the string value of PreemptionPolicy ({told}) must not be provided in pod spec; {computed} {policy} from the given PriorityClass name"
        );
        return Err(forbidden(asked, pod, &why));
    }
    let spec = map_at(pod, &["spec"]);
    spec.insert("priority".into(), priority.into());
    if !policy.is_empty() {
        spec.insert("preemptionPolicy".into(), policy.into());
    }
    Ok(())
}

/// Name, priority and policy of a class.
type Class = (String, i64, String);

fn read(class: &Value) -> Class {
    let value = integer(class, &["value"]).unwrap_or(0);
    (text(class, &["metadata", "name"]).to_owned(), value, text(class, &["preemptionPolicy"]).to_owned())
}

/// Every server has classes of its own: a state that shows none does not hold them, and then any name is taken to be one.
fn named(asked: &Attributes<'_>, pod: &Value, name: &str) -> Result<Class, ApiError> {
    let id = ObjectId { group: GROUP.into(), kind: KIND.into(), namespace: "".into(), name: name.into() };
    match asked.cluster.store.get(&id) {
        Some(class) => Ok(read(class)),
        None if shown(asked.cluster) => Err(forbidden(asked, pod, &format!("no PriorityClass with name {name} was found"))),
        None => Ok((name.to_owned(), built_in(name), "PreemptLowerPriority".to_owned())),
    }
}

/// Whether the state holds the classes of the cluster.
pub(super) fn shown(cluster: &Cluster) -> bool {
    cluster.store.list(GROUP, KIND, None).next().is_some()
}

fn built_in(name: &str) -> i64 {
    match name {
        "system-cluster-critical" => 2_000_000_000,
        "system-node-critical" => 2_000_001_000,
        _ => 0,
    }
}

/// Of several defaults, which only a race makes, the lowest.
fn default(cluster: &Cluster) -> Class {
    let classes = cluster.store.list(GROUP, KIND, None).map(|(_, class)| class);
    let least = classes.filter(|class| class["globalDefault"] == true).min_by_key(|class| integer(class, &["value"]));
    least.map_or_else(|| (String::new(), 0, "PreemptLowerPriority".to_owned()), |class| read(class))
}

/// Refuses a second default class.
pub(super) fn one_default(asked: &Attributes<'_>, class: &Value) -> Result<(), ApiError> {
    let (name, ..) = default(asked.cluster);
    let own = asked.live.is_some() && name == text(class, &["metadata", "name"]);
    if class["globalDefault"] != true || name.is_empty() || own {
        return Ok(());
    }
    Err(forbidden(asked, class, &format!("PriorityClass {name} is already marked as default. Only one default can exist")))
}
