//! What the class of its runtime adds to a pod: overhead, node selector, tolerations.
//!
//! Follows `plugin/pkg/admission/runtimeclass/admission.go` and `pkg/util/tolerations/tolerations.go`.

use super::limit_ranger::amounts;
use super::{Attributes, forbidden, priority};
use crate::object::{ObjectId, Value, at, integer, items, map_at, text};
use crate::simulate::ApiError;
use std::sync::Arc;

/// The class that a pod names, if the state holds it. The two classes of priority that every server has tell whether it holds such
/// things at all.
fn class<'c>(asked: &Attributes<'c>, pod: &Value) -> Result<Option<&'c Arc<Value>>, ApiError> {
    let Some(name) = at(pod, &["spec", "runtimeClassName"]).and_then(Value::as_str) else { return Ok(None) };
    if name.is_empty() {
        // It is looked up over the API, whose client does not ask for nothing.
        return Err(ApiError::internal("resource name may not be empty"));
    }
    let id = ObjectId { group: "node.k8s.io".into(), kind: "RuntimeClass".into(), namespace: "".into(), name: name.into() };
    let found = asked.cluster.store.get(&id);
    if found.is_none() && priority::shown(asked.cluster) {
        return Err(forbidden(asked, pod, &format!("pod rejected: RuntimeClass {name:?} not found")));
    }
    Ok(found)
}

/// Fills in what the class says.
pub(super) fn fill(asked: &Attributes<'_>, pod: &mut Value) -> Result<(), ApiError> {
    let Some(class) = class(asked, pod)? else { return Ok(()) };
    if let Some(overhead) = class.get("overhead") {
        let own = amounts(&pod["spec"]["overhead"]);
        if !own.is_empty() && own != amounts(&overhead["podFixed"]) {
            return Err(forbidden(asked, pod, MISMATCH));
        }
        if let Some(fixed) = overhead.get("podFixed") {
            map_at(pod, &["spec"]).insert("overhead".into(), fixed.clone());
        }
    }
    let Some(scheduling) = class.get("scheduling") else { return Ok(()) };
    for (key, value) in scheduling["nodeSelector"].as_object().into_iter().flatten() {
        if let Some(own) = at(pod, &["spec", "nodeSelector", key]).filter(|own| *own != value) {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let (theirs, own) = (text(value), text(own));
            let why = format!("conflict: runtimeClass.scheduling.nodeSelector[{key}] = {theirs}; pod.spec.nodeSelector[{key}] = {own}");
            return Err(forbidden(asked, pod, &why));
        }
        map_at(pod, &["spec", "nodeSelector"]).insert(key.clone(), value.clone());
    }
    let all = [items(pod, &["spec", "tolerations"]), items(scheduling, &["tolerations"])].concat();
    map_at(pod, &["spec"]).insert("tolerations".into(), merged(&all).into());
    Ok(())
}

const MISMATCH: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/// Refuses overhead that no class defines.
pub(super) fn check(asked: &Attributes<'_>, pod: &Value) -> Result<(), ApiError> {
    let class = class(asked, pod)?;
    let own = at(pod, &["spec", "overhead"]);
    let why = match class.and_then(|class| class.get("overhead")) {
        Some(overhead) if amounts(&overhead["podFixed"]) != own.map(amounts).unwrap_or_default() => MISMATCH,
        None if own.is_some() && (class.is_some() || at(pod, &["spec", "runtimeClassName"]).is_none()) => {
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        }
        _ => return Ok(()),
    };
    Err(forbidden(asked, pod, why))
}

/// Without tolerations that another one covers; of equal ones the first stays.
fn merged(all: &[Value]) -> Vec<Value> {
    let mut kept: Vec<&Value> = Vec::new();
    for (i, own) in all.iter().enumerate() {
        let later = all[i + 1..].iter().any(|other| other != own && covers(other, own));
        if !later && !kept.iter().any(|other| covers(other, own)) {
            kept.push(own);
        }
    }
    kept.into_iter().cloned().collect()
}

fn covers(wide: &Value, narrow: &Value) -> bool {
    if wide == narrow {
        return true;
    }
    let (of, exists) = (|t: &Value, field: &str| text(t, &[field]).to_owned(), text(wide, &["operator"]) == "Exists");
    let any_key = of(wide, "key").is_empty() && exists;
    let any_effect = of(wide, "effect").is_empty();
    if of(wide, "key") != of(narrow, "key") && !any_key || of(wide, "effect") != of(narrow, "effect") && !any_effect {
        return false;
    }
    let seconds = |t: &Value| integer(t, &["tolerationSeconds"]);
    if of(wide, "effect") == "NoExecute"
        && let Some(most) = seconds(wide)
        && seconds(narrow).is_none_or(|own| own > most)
    {
        return false;
    }
    exists || of(narrow, "operator") == "Equal" && of(wide, "value") == of(narrow, "value")
}

#[cfg(test)]
mod tests {
    use super::merged;
    use crate::object::json;

    /// The cases of `pkg/util/tolerations/tolerations_test.go` that tell the rules apart.
    #[test]
    fn covered_tolerations_go() {
        let all = json!({"operator": "Exists"});
        let one = json!({"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 5});
        let longer = json!({"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 9});
        let other = json!({"key": "k", "operator": "Equal", "value": "w", "effect": "NoExecute"});
        assert_eq!(merged(&[one.clone(), all.clone()]), std::slice::from_ref(&all));
        assert_eq!(merged(&[all.clone(), one.clone()]), [all]);
        assert_eq!(merged(&[one.clone(), longer.clone()]), std::slice::from_ref(&longer));
        assert_eq!(merged(&[one.clone(), one.clone(), other.clone()]), [one, other]);
    }
}
