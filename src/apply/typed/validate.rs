//! Whether a value is of a type.
//!
//! Follows structured-merge-diff `typed/validate.go`, texts included.

use super::{
    FieldCursor, ListShape, MapShape, Primitive, Relation, Shape, Trail, TypeErrors, TypeRef, Typed, as_list, as_map, item_element, shape,
};
use crate::apply::field_set::PathElement;
use crate::apply::go_format::{plain, source, type_name};
use crate::object::{Fact, Map, TypeMark, Value};
use crate::schema::Schema;
use std::collections::BTreeSet;

/// Checks a value against its type. Duplicate items of granular lists are allowed in what is stored, not in what is applied.
pub fn validate<'a>(typed: Typed<'a>, value: &'a Value, duplicates: bool) -> Result<(), TypeErrors> {
    validate_after(typed, value, None, duplicates)
}

/// The same where another value of that type was checked before: what the two share is not looked at again.
pub fn validate_after<'a>(typed: Typed<'a>, value: &'a Value, before: Option<&'a Value>, duplicates: bool) -> Result<(), TypeErrors> {
    let mut walk = Walk { schema: typed.schema, duplicates, trail: Trail::default() };
    walk.value(TypeRef::Of(typed.ty), value, before);
    walk.trail.finish()
}

/// The refusal of a scalar, if it is one; null passes.
pub(super) fn scalar_error(kind: Primitive, value: &Value) -> Option<String> {
    let scalar = matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    let fits = match kind {
        Primitive::Numeric => value.is_number(),
        Primitive::String => value.is_string(),
        Primitive::Boolean => value.is_boolean(),
        Primitive::Untyped => scalar,
    };
    if fits || value.is_null() {
        return None;
    }
    Some(match kind {
        Primitive::Numeric => format!("expected numeric (int or float), got {}", type_name(value)),
        Primitive::String => format!("expected string, got &value.valueUnstructured{{Value:{}}}", source(value)),
        Primitive::Boolean => format!("expected boolean, got &{{{}}}", plain(value)),
        Primitive::Untyped => format!("expected any scalar, got &{{{}}}", plain(value)),
    })
}

struct Walk<'a> {
    schema: &'a Schema,
    duplicates: bool,
    trail: Trail<'a>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, ty: TypeRef<'a>, value: &'a Value, before: Option<&'a Value>) {
        if before.is_some_and(|before| before.is_shared_with(value)) {
            return;
        }
        match (shape(self.schema, ty, Some(value)), value) {
            (Shape::Scalar(kind), value) => {
                if let Some(why) = scalar_error(kind, value) {
                    self.trail.error(why);
                }
            }
            (Shape::List(list), Value::Array(items)) => self.list(list, items, as_list(before)),
            (Shape::Map(map), Value::Object(entries)) => {
                let mark = self.mark(ty);
                if mark.is_some_and(|mark| entries.is_noted(mark, Fact::Typed)) {
                    return;
                }
                let errors = self.trail.errors();
                self.map(map, entries, as_map(before));
                if let Some(mark) = mark.filter(|_| self.trail.errors() == errors) {
                    entries.note(mark, Fact::Typed);
                }
            }
            (_, Value::Null) => {}
            (Shape::List(_), other) => self.trail.error(format!("expected list, got &{{{}}}", plain(other))),
            (Shape::Map(_), other) => self.trail.error(format!("expected map, got &{{{}}}", plain(other))),
        }
    }

    /// Under which mark it is noted that a value passes as stored: what is applied is held to more.
    fn mark(&self, ty: TypeRef<'a>) -> Option<TypeMark> {
        match ty {
            TypeRef::Of(ty) if self.duplicates => self.schema.mark(ty),
            _ => None,
        }
    }

    fn list(&mut self, list: ListShape<'a>, items: &'a [Value], before: &'a [Value]) {
        let mut seen = BTreeSet::new();
        for (i, item) in items.iter().enumerate() {
            if matches!(list.relation, Relation::Atomic) {
                self.trail.push(PathElement::Index(i));
            } else {
                if !self.duplicates || !has_element(list, item) {
                    match item_element(self.schema, list, item) {
                        Ok(element) => {
                            if !self.duplicates && !seen.insert(element.clone()) {
                                self.trail.error(format!("duplicate entries for key {element}"));
                            }
                        }
                        Err(why) => return self.trail.error(format!("element {i}: {why}")),
                    }
                }
                self.trail.push_item(self.schema, list, item);
            }
            self.value(list.item, item, before.get(i));
            self.trail.pop();
        }
    }

    fn map(&mut self, map: MapShape<'a>, entries: &'a Map, before: Option<&'a Map>) {
        let mut cursor = FieldCursor::new(map);
        for (name, value) in entries {
            self.trail.push(PathElement::Field(name));
            let known = cursor.type_of(name).0;
            match known {
                Some(ty) => {
                    let has_parts = matches!(value, Value::Object(_) | Value::Array(_));
                    self.value(ty, value, before.filter(|_| has_parts).and_then(|before| before.get(name)));
                }
                None => self.trail.error("field not declared in schema".to_owned()),
            }
            self.trail.pop();
            if known.is_none() {
                return;
            }
        }
    }
}

/// Whether an item has a path element, as far as that shows at first sight.
fn has_element(list: ListShape<'_>, item: &Value) -> bool {
    match (list.relation, item) {
        (Relation::Keyed(keys), Value::Object(map)) => keys.iter().any(|key| map.contains_key(key)),
        (Relation::Set, Value::Bool(_) | Value::Number(_) | Value::String(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;
    use crate::schema::Version;

    fn refusal(spec: Value) -> String {
        let schema = Schema::of(Version::V1_36);
        let ty = schema.named("io.k8s.api.core.v1.PodTemplate").unwrap();
        let object = json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}, "template": {"spec": spec}});
        validate(Typed { schema, ty: &ty }, &object, false).unwrap_err().to_string()
    }

    /// As a 1.36.2 server answered.
    #[test]
    fn refusals_read_as_the_server_writes_them() {
        let container = |more: Value| {
            let mut container = json!({"name": "a"});
            container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"containers": [container]})
        };
        for (spec, text) in [
            (json!({"bogus": 1}), ".template.spec.bogus: field not declared in schema"),
            (json!([1]), ".template.spec: expected map, got &{[1]}"),
            (json!({"containers": "x"}), ".template.spec.containers: expected list, got &{x}"),
            (json!({"containers": [null]}), ".template.spec.containers: element 0: associative list with keys may not have a null element"),
            (
                json!({"terminationGracePeriodSeconds": "5"}),
                ".template.spec.terminationGracePeriodSeconds: expected numeric (int or float), got string",
            ),
            (
                container(json!({"image": {"a": 1.5, "b": null}})),
                r#".template.spec.containers[name="a"].image: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"a":1.5, "b":interface {}(nil)}}"#,
            ),
            (container(json!({"stdin": "yes"})), r#".template.spec.containers[name="a"].stdin: expected boolean, got &{yes}"#),
            (
                container(json!({"resources": {"limits": {"cpu": [1]}}})),
                r#".template.spec.containers[name="a"].resources.limits.cpu: expected any scalar, got &{[1]}"#,
            ),
            (
                container(json!({"ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]})),
                r#".template.spec.containers[name="a"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]"#,
            ),
            (json!({"tolerations": [{"bogus": 1}]}), ".template.spec.tolerations[0].bogus: field not declared in schema"),
        ] {
            assert_eq!(refusal(spec), text);
        }
    }
}
