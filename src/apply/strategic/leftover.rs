//! What is left of a strategic patch once the server has merged it: a refusal shows the patch as the merge left it.
//!
//! Follows apimachinery `pkg/util/strategicpatch/patch.go`, which takes out of the patch what it has dealt with: directives, lists
//! that came with their order, and nulls for which the object has no field.

use super::{DIRECTIVE, RETAIN_KEYS, SET_ELEMENT_ORDER};
use crate::object::{Map, Value};
use crate::schema::{Schema, Type};

/// The patch after it was merged into an object.
pub fn leftover(schema: &Schema, ty: &Type, live: &Value, patch: &Value) -> Value {
    match (live, patch) {
        (Value::Object(live), Value::Object(patch)) => Value::Object(of_maps(schema, Some(ty), live, patch)),
        _ => patch.clone(),
    }
}

fn of_maps(schema: &Schema, ty: Option<&Type>, live: &Map, patch: &Map) -> Map {
    let mut left = patch.clone();
    left.shift_remove(DIRECTIVE);
    if patch.contains_key(DIRECTIVE) {
        return left;
    }
    left.shift_remove(RETAIN_KEYS);
    for key in patch.keys() {
        if let Some(list) = key.strip_prefix(SET_ELEMENT_ORDER).and_then(|rest| rest.strip_prefix('/')) {
            left.shift_remove(key.as_str());
            left.shift_remove(list);
        }
    }
    let keys: Vec<String> = left.keys().map(ToString::to_string).collect();
    for key in keys {
        let Some(value) = left.get_mut(key.as_str()) else { continue };
        let field = ty.and_then(|ty| schema.fields(ty)).and_then(|own| own.field(&key));
        match (live.get(key.as_str()), &mut *value) {
            // A map that is replaced is not looked into.
            (Some(Value::Object(_)), Value::Object(_)) if field.is_some_and(|f| f.patch_replace) => {}
            (Some(Value::Object(there)), Value::Object(own)) => *own = of_maps(schema, field.map(|f| &f.ty), there, own),
            (None, value) => discard_nulls(value),
            _ => {}
        }
    }
    left
}

fn discard_nulls(value: &mut Value) {
    if let Value::Object(own) = value {
        own.retain(|_, v| !v.is_null());
        own.values_mut().for_each(discard_nulls);
    }
}

#[cfg(test)]
mod tests {
    use super::leftover;
    use crate::object::json;
    use crate::schema::{Schema, Version};

    /// As a 1.36.2 server told them.
    #[test]
    fn what_was_dealt_with_is_not_told() {
        let schema = Schema::of(Version::V1_36);
        let ty = schema.named("io.k8s.api.apps.v1.Deployment").unwrap();
        let live = json!({"spec": {"template": {"spec": {"containers": [{"name": "agent", "image": "a:1"}]}}}});
        let ordered = json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [],
            "containers": [{"name": "git-sync", "resources": {"limits": {"memory": "1e3M"}}}]}}}});
        assert_eq!(leftover(schema, &ty, &live, &ordered), json!({"spec": {"template": {"spec": {}}}}));
        let limits = json!({"resources": {"limits": {"$deleteFromPrimitiveList/finalizers": []}}});
        let mut ordered = json!({"spec": {"template": {"spec": limits.clone()}}});
        ordered["spec"]["template"]["spec"]["$setElementOrder/containers"] = json!([]);
        assert_eq!(leftover(schema, &ty, &live, &ordered), json!({"spec": {"template": {"spec": limits}}}));
        // A map that the object does not have is taken as it comes.
        let annotations = json!({"metadata": {"annotations": {"$retainKeys": []}}});
        assert_eq!(leftover(schema, &ty, &live, &annotations), annotations);
        // One that is replaced keeps its directives.
        let budget = schema.named("io.k8s.api.policy.v1.PodDisruptionBudget").unwrap();
        let labels = json!({"spec": {"selector": {"matchLabels": {"$retainKeys": []}}}});
        let selected = json!({"spec": {"selector": {"matchLabels": {"app": "x"}}}});
        assert_eq!(leftover(schema, &budget, &selected, &labels), labels);
    }
}
