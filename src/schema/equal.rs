//! Whether two encoded objects are the same to Kubernetes, and where they are not.
//!
//! Follows apimachinery `pkg/api/equality/semantic.go`: quantities by number, absent and empty lists and maps alike, absent and
//! zero alike unless Go holds a pointer. List order matters. On the encoded form the type says which of these applies.

use super::{Field, ListKind, ListType, MapType, Scalar, Schema, StructType, Type};
use crate::object::quantity::Quantity;
use crate::object::{Map, Text, Value};

/// One place where two objects differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// `spec.template.spec.containers[agent].image`; items of keyed lists are named by their keys, others by index.
    pub path: String,
    /// The container that the place lies in.
    pub container: Option<String>,
    /// What stood there; none if nothing did.
    pub old: Option<Value>,
    /// What stands there now.
    pub new: Option<Value>,
}

/// What sets two objects apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What makes them two.
    pub differences: Vec<Difference>,
    /// What reads differently and is the same to Kubernetes: `1Gi` and `1024Mi`, an empty list and none.
    pub ignored: Vec<Difference>,
}

/// Whether two values of a type are semantically equal.
pub fn equal(schema: &Schema, ty: &Type, a: &Value, b: &Value) -> bool {
    match (ty, a, b) {
        _ if a.is_shared_with(b) => true,
        (Type::Any, a, b) => a == b,
        (Type::Scalar(Scalar::Quantity), a, b) => a == b || same_quantity(a, b),
        (Type::Scalar(_), a, b) => a == b,
        (Type::List(list), Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(schema, &list.item, a, b))
        }
        (Type::Map(map), Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(schema, &map.value, a, b)))
        }
        (Type::Named(_) | Type::Struct(_), Value::Object(a), Value::Object(b)) => {
            schema.fields(ty).is_some_and(|own| equal_fields(schema, own, a, b))
        }
        (Type::List(_) | Type::Map(_), a, b) => (is_empty(a) && is_empty(b)) || a == b,
        (Type::Named(_) | Type::Struct(_), a, b) => a == b,
    }
}

fn equal_fields(schema: &Schema, own: &StructType, a: &Map, b: &Map) -> bool {
    let in_both = |(name, one): (&Text, &Value)| {
        let other = b.get(name);
        if other == Some(one) {
            return true;
        }
        own.field(name).map_or(own.preserve_unknown.then_some(one) == other, |field| equal_field(schema, field, Some(one), other))
    };
    let only_in_b = |(name, one): (&Text, &Value)| {
        a.contains_key(name) || own.field(name).map_or(!own.preserve_unknown, |field| equal_field(schema, field, None, Some(one)))
    };
    a.iter().all(in_both) && b.iter().all(only_in_b)
}

fn equal_field(schema: &Schema, field: &Field, a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a.filter(|v| !v.is_null()), b.filter(|v| !v.is_null())) {
        (None, None) => true,
        (Some(a), Some(b)) => equal(schema, &field.ty, a, b),
        (Some(one), None) | (None, Some(one)) => !field.pointer && is_zero(schema, &field.ty, one),
    }
}

/// Whether a value is what Go takes an absent one for, where it holds no pointer.
fn is_zero(schema: &Schema, ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (_, Value::Null) => true,
        (Type::Scalar(Scalar::Quantity), value) => Quantity::from_value(value).is_ok_and(|q| q.is_zero()),
        (Type::Scalar(_), Value::String(text)) => text.is_empty(),
        (Type::Scalar(_), Value::Bool(on)) => !on,
        (Type::Scalar(_), Value::Number(number)) => number.as_f64() == Some(0.0),
        (Type::List(_) | Type::Map(_), value) => is_empty(value),
        (Type::Named(_) | Type::Struct(_), Value::Object(own)) => {
            schema.fields(ty).is_some_and(|fields| equal_fields(schema, fields, own, &Map::new()))
        }
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn same_quantity(a: &Value, b: &Value) -> bool {
    matches!((Quantity::from_value(a), Quantity::from_value(b)), (Ok(a), Ok(b)) if a == b)
}

/// Where two values of a type differ; `at` is the path of the values themselves, empty for whole objects.
pub fn compare(schema: &Schema, ty: &Type, at: &str, old: &Value, new: &Value) -> Comparison {
    let mut comparer = Comparer { schema, path: at.to_owned(), container: None, found: Comparison::default() };
    comparer.values(ty, old, new);
    comparer.found
}

/// The differences that count; see [`compare`].
pub fn differences(schema: &Schema, ty: &Type, at: &str, old: &Value, new: &Value) -> Vec<Difference> {
    compare(schema, ty, at, old, new).differences
}

struct Comparer<'s> {
    schema: &'s Schema,
    path: String,
    container: Option<String>,
    found: Comparison,
}

impl<'s> Comparer<'s> {
    fn values(&mut self, ty: &'s Type, old: &Value, new: &Value) {
        if old == new {
            return;
        }
        match (ty, old, new) {
            (Type::List(list), Value::Array(old), Value::Array(new)) => self.lists(list, old, new),
            (Type::Map(map), Value::Object(old), Value::Object(new)) => self.maps(map, old, new),
            (Type::Named(_) | Type::Struct(_), Value::Object(old_fields), Value::Object(new_fields)) => {
                if let Some(own) = self.schema.fields(ty) {
                    self.structs(own, old_fields, new_fields);
                }
            }
            (ty, old, new) => self.note(equal(self.schema, ty, old, new), Some(old), Some(new)),
        }
    }

    fn structs(&mut self, own: &'s StructType, old: &Map, new: &Map) {
        let outer = self.container.clone();
        if matches!(own.go.as_str(), "Container" | "EphemeralContainer") {
            self.container = new.get("name").and_then(Value::as_str).map(str::to_owned);
        }
        for field in &own.fields {
            let (old, new) = (old.get(&field.name), new.get(&field.name));
            if old.is_none() && new.is_none() {
                continue;
            }
            let length = self.step(&field.name);
            match (old, new) {
                (Some(old), Some(new)) if !old.is_null() && !new.is_null() => self.values(&field.ty, old, new),
                (old, new) if old == new => {}
                (old, new) => self.appeared(field, old, new),
            }
            self.path.truncate(length);
        }
        if own.preserve_unknown {
            self.unknown(own, old, new);
        }
        self.container = outer;
    }

    fn unknown(&mut self, own: &StructType, old: &Map, new: &Map) {
        let only_new = new.keys().filter(|name| !old.contains_key(name));
        let names: Vec<&Text> = old.keys().chain(only_new).filter(|name| own.field(name).is_none()).collect();
        for name in names {
            if old.get(name) != new.get(name) {
                let length = self.step(name);
                self.note(false, old.get(name), new.get(name));
                self.path.truncate(length);
            }
        }
    }

    /// A field that is on one side only. A struct that Go holds as it is was there before with nothing in it: what counts are
    /// the fields inside.
    fn appeared(&mut self, field: &'s Field, old: Option<&Value>, new: Option<&Value>) {
        let none = Value::Object(Map::new());
        let whole = field.pointer || !matches!(field.ty, Type::Named(_) | Type::Struct(_));
        match (old, new) {
            (None | Some(Value::Null), Some(new)) if !whole => self.values(&field.ty, &none, new),
            (Some(old), None | Some(Value::Null)) if !whole => self.values(&field.ty, old, &none),
            _ => self.note(equal_field(self.schema, field, old, new), old, new),
        }
    }

    fn maps(&mut self, map: &'s MapType, old: &Map, new: &Map) {
        let only_new = new.keys().filter(|key| !old.contains_key(key));
        for key in old.keys().chain(only_new) {
            let length = self.path.len();
            self.path.extend(["[", key, "]"]);
            match (old.get(key), new.get(key)) {
                (Some(old), Some(new)) => self.values(&map.value, old, new),
                (old, new) => self.note(false, old, new),
            }
            self.path.truncate(length);
        }
    }

    fn lists(&mut self, list: &'s ListType, old: &[Value], new: &[Value]) {
        match (names(&list.kind, old), names(&list.kind, new)) {
            (Some(old_names), Some(new_names)) => self.keyed(list, (old, &old_names), (new, &new_names)),
            _ => self.by_index(list, old, new),
        }
    }

    fn keyed(&mut self, list: &'s ListType, (old, old_names): (&[Value], &[String]), (new, new_names): (&[Value], &[String])) {
        for (name, old) in old_names.iter().zip(old) {
            let length = self.item(name);
            match new_names.iter().position(|n| n == name) {
                Some(i) => self.values(&list.item, old, &new[i]),
                None => self.item_alone(list, old, Some(old), None),
            }
            self.path.truncate(length);
        }
        for (name, new) in new_names.iter().zip(new).filter(|(name, _)| !old_names.contains(name)) {
            let length = self.item(name);
            self.item_alone(list, new, None, Some(new));
            self.path.truncate(length);
        }
        let kept_before: Vec<&String> = old_names.iter().filter(|n| new_names.contains(n)).collect();
        let kept_after: Vec<&String> = new_names.iter().filter(|n| old_names.contains(n)).collect();
        if kept_before != kept_after {
            let order = |names: &[&String]| Value::Array(names.iter().map(|n| n.as_str().into()).collect());
            self.note(false, Some(&order(&kept_before)), Some(&order(&kept_after)));
        }
    }

    fn by_index(&mut self, list: &'s ListType, old: &[Value], new: &[Value]) {
        for i in 0..old.len().max(new.len()) {
            let length = self.item(&i.to_string());
            match (old.get(i), new.get(i)) {
                (Some(old), Some(new)) => self.values(&list.item, old, new),
                (old, new) => self.note(false, old, new),
            }
            self.path.truncate(length);
        }
    }

    /// An item that came or went; a container is inside itself.
    fn item_alone(&mut self, list: &ListType, item: &Value, old: Option<&Value>, new: Option<&Value>) {
        let outer = self.container.clone();
        if self.schema.fields(&list.item).is_some_and(|own| matches!(own.go.as_str(), "Container" | "EphemeralContainer")) {
            self.container = item.get("name").and_then(Value::as_str).map(str::to_owned);
        }
        self.note(false, old, new);
        self.container = outer;
    }

    fn step(&mut self, name: &str) -> usize {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
        length
    }

    fn item(&mut self, name: &str) -> usize {
        let length = self.path.len();
        self.path.extend(["[", name, "]"]);
        length
    }

    fn note(&mut self, same: bool, old: Option<&Value>, new: Option<&Value>) {
        let difference = Difference { path: self.path.clone(), container: self.container.clone(), old: old.cloned(), new: new.cloned() };
        if same { self.found.ignored.push(difference) } else { self.found.differences.push(difference) }
    }
}

/// The names of a keyed list's items: their keys' values, joined. None if the list has no keys or two items share a name.
fn names(kind: &ListKind, items: &[Value]) -> Option<Vec<String>> {
    let name = |item: &Value| -> Option<String> {
        let ListKind::Map(keys) = kind else { return item.as_str().map(str::to_owned) };
        let parts = keys.iter().filter_map(|key| match item.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string().into()),
        });
        Some(parts.collect::<Vec<_>>().join("/"))
    };
    if *kind == ListKind::Atomic {
        return None;
    }
    let names: Vec<String> = items.iter().map(name).collect::<Option<_>>()?;
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::{compare, equal};
    use crate::object::{Value, json};
    use crate::schema::decode::decode;
    use crate::schema::{Schema, Type, Version};

    fn template() -> (&'static Schema, Type) {
        let schema = Schema::of(Version::V1_36);
        (schema, schema.named("io.k8s.api.core.v1.PodTemplateSpec").unwrap())
    }

    /// A template with more in its spec, and one with more in its container.
    fn with(spec: Value, container: Value) -> Value {
        let (schema, ty) = template();
        let mut value = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
        for (field, more) in spec.as_object().unwrap() {
            value["spec"][field] = more.clone();
        }
        for (field, more) in container.as_object().unwrap() {
            value["spec"]["containers"][0][field] = more.clone();
        }
        decode(schema, &ty, &value).unwrap().value
    }

    fn same(spec: Value, container: Value) -> bool {
        let (schema, ty) = template();
        equal(schema, &ty, &with(json!({}), json!({})), &with(spec, container))
    }

    /// What rolls no Deployment of a real cluster when it is added.
    #[test]
    fn absent_and_empty_are_one() {
        for field in ["env", "command", "ports", "envFrom", "volumeMounts"] {
            assert!(same(json!({}), json!({ field: [] })), "{field}");
        }
        for field in ["tolerations", "volumes", "imagePullSecrets"] {
            assert!(same(json!({ field: [] }), json!({})), "{field}");
        }
        assert!(same(json!({"nodeSelector": {}, "overhead": {}, "hostNetwork": false, "priorityClassName": ""}), json!({})));
        assert!(same(json!({}), json!({"resources": {"limits": {}}, "stdin": false, "workingDir": ""})));
    }

    /// What rolls every one.
    #[test]
    fn pointers_are_told_from_nothing() {
        for field in ["affinity", "dnsConfig", "resources"] {
            assert!(!same(json!({ field: {} }), json!({})), "{field}");
        }
        for (field, value) in
            [("automountServiceAccountToken", true), ("enableServiceLinks", true), ("shareProcessNamespace", false), ("hostUsers", true)]
        {
            assert!(!same(json!({ field: value }), json!({})), "{field}");
        }
        for field in ["securityContext", "lifecycle"] {
            assert!(!same(json!({}), json!({ field: {} })), "{field}");
        }
        assert!(!same(json!({"affinity": {"nodeAffinity": {}}}), json!({})));
    }

    #[test]
    fn quantities_are_numbers_and_order_counts() {
        let (schema, ty) = template();
        let memory = |text: &str| with(json!({}), json!({"resources": {"requests": {"memory": text}}}));
        assert!(equal(schema, &ty, &memory("1Gi"), &memory("1073741824")));
        assert!(!equal(schema, &ty, &memory("1Gi"), &memory("1G")));
        let env = |names: [&str; 2]| with(json!({}), json!({"env": names.map(|name| json!({"name": name}))}));
        assert!(!equal(schema, &ty, &env(["A", "B"]), &env(["B", "A"])));
        let toleration = |more: Value| with(json!({"tolerations": [more]}), json!({}));
        assert!(!equal(schema, &ty, &toleration(json!({"key": "k"})), &toleration(json!({"key": "k", "operator": "Equal"}))));
    }

    #[test]
    fn differences_say_where_and_what_does_not_count() {
        let (schema, ty) = template();
        let old =
            with(json!({}), json!({"resources": {"requests": {"memory": "1Gi"}}, "env": [{"name": "A", "value": "1"}, {"name": "B"}]}));
        let new = with(
            json!({"hostUsers": true}),
            json!({"image": "j", "resources": {"requests": {"memory": "1073741824"}}, "env": [{"name": "B"}, {"name": "A", "value": "2"}]}),
        );
        let found = compare(schema, &ty, "spec.template", &old, &new);
        let told: Vec<(&str, Option<&str>)> = found.differences.iter().map(|d| (d.path.as_str(), d.container.as_deref())).collect();
        let expected = [
            ("spec.template.spec.containers[c].image", Some("c")),
            ("spec.template.spec.containers[c].env[A].value", Some("c")),
            ("spec.template.spec.containers[c].env", Some("c")),
            ("spec.template.spec.hostUsers", None),
        ];
        assert_eq!(told, expected);
        assert_eq!((&found.differences[0].old, &found.differences[0].new), (&Some("i".into()), &Some("j".into())));
        assert_eq!(found.differences[2].new, Some(json!(["B", "A"])));
        assert_eq!(found.ignored[0].path, "spec.template.spec.containers[c].resources.requests[memory]");
    }

    #[test]
    fn items_that_come_and_go_are_named() {
        let (schema, ty) = template();
        let ports = |list: Value| with(json!({}), json!({"ports": list}));
        let old = ports(json!([{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP"}]));
        let new = ports(json!([{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP", "name": "w"}]));
        let paths: Vec<String> = compare(schema, &ty, "", &old, &new).differences.into_iter().map(|d| d.path).collect();
        let at = |rest: &str| format!("spec.containers[c].ports{rest}");
        assert_eq!(paths, [at("[53/UDP]"), at("[80/TCP].name"), at("[53/TCP]")]);
    }
}
