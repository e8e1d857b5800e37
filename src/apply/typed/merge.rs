//! An applied configuration laid over a live object: what the configuration names wins, the rest stays.
//!
//! Follows structured-merge-diff `typed/merge.go`.

use super::{FieldCursor, ListShape, MapShape, Relation, Shape, Trail, TypeErrors, TypeRef, Typed, as_list, as_map, item_elements, shape};
use crate::apply::field_set::PathElement;
use crate::object::{Map, Value};
use crate::schema::Schema;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Merges a configuration into an object of the same type. Null where nothing is left.
pub fn merge<'a>(typed: Typed<'a>, live: &'a Value, config: &'a Value) -> Result<Value, TypeErrors> {
    let mut walk = Walk { schema: typed.schema, trail: Trail::default() };
    let merged = walk.value(TypeRef::Of(typed.ty), Some(live), Some(config));
    walk.trail.finish()?;
    Ok(merged.unwrap_or(Value::Null))
}

/// Stands for a live item that has duplicates: it is not merged with, but replaced.
static NOTHING: Value = Value::Null;

struct Walk<'a> {
    schema: &'a Schema,
    trail: Trail<'a>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, ty: TypeRef<'a>, live: Option<&'a Value>, config: Option<&'a Value>) -> Option<Value> {
        let Some(given) = config else { return live.cloned() };
        match shape(self.schema, ty, Some(given)) {
            Shape::Scalar(_) => config.cloned(),
            Shape::List(list) => {
                let (l, r) = (as_list(live), as_list(config));
                if matches!(list.relation, Relation::Atomic) || (l.is_empty() && r.is_empty()) {
                    return config.cloned();
                }
                self.list(list, l, r)
            }
            Shape::Map(map) => {
                let empty = |v: Option<&Value>| as_map(v).is_none_or(|m| m.is_empty());
                if map.atomic || (empty(live) && empty(config)) {
                    return config.cloned();
                }
                self.map(map, as_map(live), as_map(config))
            }
        }
    }

    fn map(&mut self, map: MapShape<'a>, live: Option<&'a Map>, config: Option<&'a Map>) -> Option<Value> {
        let mut out = Map::with_capacity(live.map_or(0, |m| m.len()) + 1);
        let mut cursor = FieldCursor::new(map);
        for (name, l) in live.into_iter().flatten() {
            let merged = match config.and_then(|m| m.get(name)) {
                Some(r) => self.entry(&mut cursor, name, Some(l), r),
                None => Some(l.clone()),
            };
            out.extend(merged.map(|v| (name.clone(), v)));
        }
        for (name, r) in config.into_iter().flatten() {
            if !live.is_some_and(|m| m.contains_key(name)) {
                out.extend(self.entry(&mut cursor, name, None, r).map(|v| (name.clone(), v)));
            }
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    fn entry(&mut self, cursor: &mut FieldCursor<'a>, name: &'a str, live: Option<&'a Value>, config: &'a Value) -> Option<Value> {
        let ty = cursor.type_of(name).0.unwrap_or(TypeRef::Deduced);
        self.trail.push(PathElement::Field(name));
        let out = self.value(ty, live, Some(config));
        self.trail.pop();
        out
    }

    /// Two cursors: items of the configuration come in its order, items that are only live keep theirs and stand as early as
    /// the live order allows.
    fn list(&mut self, list: ListShape<'a>, live: &'a [Value], config: &'a [Value]) -> Option<Value> {
        let right = item_elements(self.schema, list, config, &mut self.trail);
        let left = item_elements(self.schema, list, live, &mut self.trail);
        let given: BTreeMap<_, _> = right.iter().map(|(_, e, v)| (e, *v)).collect();
        let mut known: BTreeMap<_, &'a Value> = BTreeMap::new();
        for (_, element, value) in &left {
            known.entry(element).and_modify(|v| *v = &NOTHING).or_insert(value);
        }
        let mut shared: VecDeque<&PathElement<'a>> = right.iter().map(|(_, e, _)| e).filter(|e| known.contains_key(e)).collect();
        let mut next = shared.pop_front();
        let mut merged = BTreeSet::new();
        let mut out = Vec::with_capacity(live.len().max(config.len()));
        let (mut l, mut r) = (0, 0);
        while l < left.len() || r < right.len() {
            if let (Some((_, mine, _)), Some((_, theirs, _))) = (left.get(l), right.get(r)) {
                if mine == theirs {
                    merged.insert(mine);
                    out.extend(self.item(list, mine, known.get(mine).copied(), given[mine]));
                    (l, r) = (l + 1, r + 1);
                    next = shared.pop_front();
                    continue;
                }
                if given.contains_key(mine) && next.is_some_and(|n| n != mine) {
                    l += 1;
                    continue;
                }
            }
            if let Some((_, mine, value)) = left.get(l) {
                if !given.contains_key(mine) {
                    out.push((*value).clone());
                    l += 1;
                    continue;
                } else if merged.contains(mine) {
                    l += 1;
                }
            }
            if let Some((_, theirs, value)) = right.get(r) {
                merged.insert(theirs);
                out.extend(self.item(list, theirs, known.get(theirs).copied(), value));
                r += 1;
                if next.is_some_and(|n| n == theirs) {
                    next = shared.pop_front();
                }
            }
        }
        (!out.is_empty()).then_some(Value::Array(out.into()))
    }

    fn item(&mut self, list: ListShape<'a>, element: &PathElement<'a>, live: Option<&'a Value>, config: &'a Value) -> Option<Value> {
        self.trail.push(element.clone());
        let out = self.value(list.item, live, Some(config));
        self.trail.pop();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;
    use crate::schema::Version;

    fn merged(live: Value, config: Value) -> Value {
        let schema = Schema::of(Version::V1_36);
        let ty = schema.named("io.k8s.api.core.v1.PodSpec").unwrap();
        merge(Typed { schema, ty: &ty }, &live, &config).unwrap()
    }

    fn order(live: &str, config: &str) -> String {
        let list = |names: &str| json!({"containers": names.chars().map(|c| json!({"name": c.to_string()})).collect::<Vec<_>>()});
        let out = merged(list(live), list(config));
        out["containers"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect()
    }

    /// Orders that a 1.36.2 server gave.
    #[test]
    fn items_come_in_the_order_of_the_configuration_among_the_live_ones() {
        assert_eq!(order("ABC", "XBY"), "AXBCY");
        assert_eq!(order("AXBCY", "YBX"), "ACYBX");
        assert_eq!(order("ZABC", "CBAZ"), "CBAZ");
    }

    #[test]
    fn null_clears_what_is_one_value_and_leaves_what_has_parts() {
        let live = json!({"tolerations": [{"key": "a"}], "securityContext": {"fsGroup": 1}, "containers": [{"name": "a"}]});
        let config = json!({"tolerations": null, "securityContext": null, "containers": null});
        let out = merged(live, config);
        assert_eq!(out, json!({"tolerations": null, "securityContext": {"fsGroup": 1}, "containers": [{"name": "a"}]}));
    }

    #[test]
    fn duplicates_are_kept_until_the_configuration_names_them() {
        let live = json!({"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "B"}]}]});
        let env =
            |config: Value| merged(live.clone(), json!({"containers": [{"name": "c", "env": config}]}))["containers"][0]["env"].clone();
        assert_eq!(env(json!([{"name": "A", "value": "3"}])), json!([{"name": "A", "value": "3"}, {"name": "B"}]));
        assert_eq!(env(json!([{"name": "B"}])), live["containers"][0]["env"]);
    }
}
