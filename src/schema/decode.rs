//! The round trip through a Go type: what a server keeps of a JSON value, and what it says about the rest.
//!
//! A value goes in as a client sent it, and comes out as the server's own encoder would write the Go value that it was
//! decoded into: fields of the type only and in its order, zero values left out as their tags say, canonical quantities.
//! Defaults are not here (`simulate::defaults`), and neither are the texts around an error. Follows `sigs.k8s.io/json` and
//! Go's `encoding/json`. An empty list is none where the encoder leaves it out, and in the server's storage everywhere.

use super::scalar::{Fault, scalar, zero_scalar};
use super::{Field, ListType, Omit, Scalar, Schema, StructType, Type};
use crate::object::{Fact, Map, Text, Value, json_kind};
use std::fmt;

/// What came out of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The value as the server's encoder writes it.
    pub value: Value,
    /// Paths of fields that the type does not have, in the order of the text: `spec.template.spec.containers[0].foo`.
    pub unknown: Vec<String>,
}

/// Why a value is not of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// As Go says it: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
    pub message: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

/// Decodes a value into a type and encodes it again.
pub fn decode(schema: &Schema, ty: &Type, value: &Value) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder { schema, unknown: Vec::new(), places: Vec::new(), structs: Vec::new(), declared: "", first_fault: None };
    let value = decoder.value(ty, value).map_err(|Abort(message)| DecodeError { message })?;
    match decoder.first_fault {
        Some(message) => Err(DecodeError { message }),
        None => Ok(Decoded { value, unknown: decoder.unknown }),
    }
}

/// Makes nil of empty lists and maps that the encoder writes all the same: storage does not tell them apart.
pub fn forget_empties(schema: &Schema, ty: &Type, value: &mut Value) {
    if keeps_empties(schema, ty, value) {
        make_nil(schema, ty, value);
    }
}

fn is_empty(field: &Field, value: &Value) -> bool {
    let empty = match (&field.ty, value) {
        (Type::List(_), Value::Array(items)) => items.is_empty(),
        (Type::Map(_), Value::Object(entries)) => entries.is_empty(),
        _ => false,
    };
    empty && !field.pointer
}

fn keeps_empties(schema: &Schema, ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::List(list), Value::Array(items)) => items.iter().any(|item| keeps_empties(schema, &list.item, item)),
        (Type::Map(map), Value::Object(entries)) => entries.values().any(|entry| keeps_empties(schema, &map.value, entry)),
        (Type::Named(_) | Type::Struct(_), Value::Object(entries)) => {
            let Some(own) = schema.fields(ty) else { return false };
            let mut near = 0;
            !known(schema, ty, entries, Fact::NoEmpties, || {
                !entries.iter().any(|(name, value)| {
                    let Some(place) = position(own, name, near) else { return false };
                    near = place;
                    is_empty(&own.fields[place], value) || keeps_empties(schema, &own.fields[place].ty, value)
                })
            })
        }
        _ => false,
    }
}

fn make_nil(schema: &Schema, ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::List(list), Value::Array(items)) => items.iter_mut().for_each(|item| make_nil(schema, &list.item, item)),
        (Type::Map(map), Value::Object(entries)) => entries.values_mut().for_each(|entry| make_nil(schema, &map.value, entry)),
        (Type::Named(_) | Type::Struct(_), Value::Object(entries)) => {
            for field in schema.fields(ty).into_iter().flat_map(|own| &own.fields) {
                match entries.get_mut(field.name.as_str()) {
                    Some(value) if is_empty(field, value) => *value = Value::Null,
                    Some(value) => make_nil(schema, &field.ty, value),
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// Whether a fact holds of a struct's fields: known from before, or found out and noted.
pub(super) fn known(schema: &Schema, ty: &Type, entries: &Map, fact: Fact, find_out: impl FnOnce() -> bool) -> bool {
    let Some(mark) = schema.mark(ty) else { return find_out() };
    entries.is_noted(mark, fact) || {
        let holds = find_out();
        if holds {
            entries.note(mark, fact);
        }
        holds
    }
}

/// Puts the fields of every struct into the order of its type; what defaulting filled in stands at the end before.
pub fn arrange(schema: &Schema, ty: &Type, value: &mut Value) {
    // What is in order already, which is nearly everything, stays shared.
    if !is_arranged(schema, ty, value) {
        put_in_order(schema, ty, value);
    }
}

/// Whether the fields of every struct stand in the order of its type.
pub fn is_arranged(schema: &Schema, ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::List(list), Value::Array(items)) => items.iter().all(|item| is_arranged(schema, &list.item, item)),
        (Type::Map(map), Value::Object(entries)) => {
            entries.keys().is_sorted() && entries.values().all(|entry| is_arranged(schema, &map.value, entry))
        }
        (ty, Value::Object(entries)) => schema.fields(ty).is_none_or(|own| {
            let mut last = 0;
            known(schema, ty, entries, Fact::Arranged, || {
                entries.iter().all(|(name, value)| {
                    let place = position(own, name, last);
                    let in_order = place.is_none_or(|place| place >= last && is_arranged(schema, &own.fields[place].ty, value));
                    last = place.unwrap_or(own.fields.len());
                    in_order
                })
            })
        }),
        _ => true,
    }
}

fn put_in_order(schema: &Schema, ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::List(list), Value::Array(items)) => items.iter_mut().for_each(|item| arrange(schema, &list.item, item)),
        (Type::Map(map), Value::Object(entries)) => {
            entries.values_mut().for_each(|entry| arrange(schema, &map.value, entry));
            if !entries.keys().is_sorted() {
                entries.sort_keys();
            }
        }
        (ty, Value::Object(entries)) => {
            if let Some(own) = schema.fields(ty) {
                arrange_fields(schema, own, entries);
            }
        }
        _ => {}
    }
}

fn arrange_fields(schema: &Schema, own: &StructType, entries: &mut Map) {
    let (mut last, mut ordered) = (0, true);
    for (name, value) in entries.iter_mut() {
        match position(own, name, last) {
            Some(place) => {
                ordered &= place >= last;
                last = place;
                arrange(schema, &own.fields[place].ty, value);
            }
            None => last = own.fields.len(),
        }
    }
    if !ordered {
        let mut sorted: Vec<(usize, Text, Value)> = std::mem::take(entries)
            .into_iter()
            .map(|(name, value)| (position(own, &name, 0).unwrap_or(own.fields.len()), name, value))
            .collect();
        sorted.sort_by_key(|(place, _, _)| *place);
        *entries = Map::with_capacity(sorted.len());
        entries.extend(sorted.into_iter().map(|(_, name, value)| (name, value)));
    }
}

/// Where a field stands in its type; looked for from `near` on first, as objects mostly come in order.
fn position(own: &StructType, name: &str, near: usize) -> Option<usize> {
    let near = near.min(own.fields.len());
    let found = own.fields[near..].iter().position(|f| f.name == name).map(|i| i + near);
    found.or_else(|| own.fields[..near].iter().position(|f| f.name == name))
}

/// An error that ends decoding at once, and wins over those that it went past.
struct Abort(String);

/// A step down into a value.
enum Place<'v> {
    Key(&'v str),
    Index(usize),
}

struct Decoder<'v> {
    schema: &'v Schema,
    unknown: Vec<String>,
    places: Vec<Place<'v>>,
    /// The structs that we are in and the fields of them, outermost first.
    structs: Vec<(&'v str, &'v Field)>,
    /// The Go type that the value at hand is declared with, if that has a name of its own.
    declared: &'v str,
    first_fault: Option<String>,
}

impl<'v> Decoder<'v> {
    /// One value of a type that is no pointer; null is the type's zero.
    fn value(&mut self, ty: &'v Type, value: &'v Value) -> Result<Value, Abort> {
        match (ty, value) {
            (Type::Any, value) => Ok(value.clone()),
            (Type::Scalar(kind), value) => self.scalar(*kind, value),
            (Type::Named(_) | Type::Struct(_), value) => {
                let own = self.schema.fields(ty).expect("named and inline types are structs");
                let mark = self.schema.mark(ty);
                match value {
                    Value::Object(entries) if mark.is_some_and(|mark| entries.is_noted(mark, Fact::Decoded)) => Ok(value.clone()),
                    Value::Object(entries) => {
                        let decoded = self.fields(own, Some(entries))?;
                        // Decoding it again gives the same.
                        if let Some((mark, decoded)) = mark.zip(decoded.as_object()) {
                            decoded.note(mark, Fact::Decoded);
                        }
                        Ok(decoded)
                    }
                    Value::Null => self.fields(own, None),
                    other => {
                        self.mismatch(json_kind(other), ty);
                        self.fields(own, None)
                    }
                }
            }
            (Type::List(_), Value::Null) => Ok(Value::Array(Vec::new().into())),
            (Type::List(list), Value::Array(items)) => self.items(list, items),
            (Type::Map(_), Value::Null) => Ok(Value::Object(Map::new())),
            (Type::Map(map), Value::Object(entries)) => self.entries(&map.value, entries),
            (Type::List(_) | Type::Map(_), other) => {
                self.mismatch(json_kind(other), ty);
                Ok(Value::Null)
            }
        }
    }

    fn items(&mut self, list: &'v ListType, items: &'v [Value]) -> Result<Value, Abort> {
        let mut out = Vec::with_capacity(items.len());
        let outer = self.declare(|declared| declared.strip_prefix("[]").unwrap_or_default());
        for (i, item) in items.iter().enumerate() {
            if list.pointers && item.is_null() {
                out.push(Value::Null);
                continue;
            }
            self.places.push(Place::Index(i));
            out.push(self.value(&list.item, item)?);
            self.places.pop();
        }
        self.declared = outer;
        Ok(Value::Array(out.into()))
    }

    /// Goes on with another declared type, and gives the one before.
    fn declare(&mut self, next: impl FnOnce(&'v str) -> &'v str) -> &'v str {
        let next = next(self.declared);
        std::mem::replace(&mut self.declared, next)
    }

    /// Go writes the keys of a map sorted.
    fn entries(&mut self, ty: &'v Type, entries: &'v Map) -> Result<Value, Abort> {
        let mut out = Map::with_capacity(entries.len());
        let outer = self.declare(|declared| declared.strip_prefix("map[string]").unwrap_or_default());
        for (key, entry) in entries {
            self.places.push(Place::Key(key));
            out.insert(key.clone(), self.value(ty, entry)?);
            self.places.pop();
        }
        self.declared = outer;
        if !out.keys().is_sorted() {
            out.sort_keys();
        }
        Ok(Value::Object(out))
    }

    fn fields(&mut self, own: &'v StructType, entries: Option<&'v Map>) -> Result<Value, Abort> {
        let mut found: Vec<Option<Value>> = vec![None; own.fields.len()];
        let (mut extra, mut near) = (Map::new(), 0);
        for (name, value) in entries.into_iter().flatten() {
            let Some(place) = position(own, name, near) else {
                if own.preserve_unknown {
                    extra.insert(name.clone(), value.clone());
                } else {
                    self.unknown.push(self.path_to(name));
                }
                continue;
            };
            near = place;
            let field = &own.fields[place];
            if value.is_null() && (field.pointer || !matches!(field.ty, Type::Any)) {
                continue;
            }
            self.places.push(Place::Key(name));
            self.structs.push((&own.go, field));
            let outer = self.declare(|_| &field.go_type);
            found[place] = Some(self.value(&field.ty, value)?);
            self.declared = outer;
            self.structs.pop();
            self.places.pop();
        }
        let mut out = Map::with_capacity(found.iter().flatten().count());
        for (field, value) in own.fields.iter().zip(found) {
            if let Some(value) = self.written(field, value)? {
                out.insert(field.name.clone().into(), value);
            }
        }
        out.extend(extra);
        Ok(Value::Object(out))
    }

    /// What the encoder writes of a field; none if it leaves it out.
    fn written(&mut self, field: &'v Field, value: Option<Value>) -> Result<Option<Value>, Abort> {
        if field.pointer {
            return Ok(value.or_else(|| (field.omit == Omit::Never).then_some(Value::Null)));
        }
        let always = field.omit == Omit::Never;
        Ok(match &field.ty {
            Type::List(_) => {
                value.filter(|v| always || v.as_array().is_some_and(|l| !l.is_empty())).or_else(|| always.then_some(Value::Null))
            }
            Type::Map(_) => {
                value.filter(|v| always || v.as_object().is_some_and(|m| !m.is_empty())).or_else(|| always.then_some(Value::Null))
            }
            Type::Any => value.or((field.omit != Omit::Zero).then_some(Value::Null)),
            Type::Scalar(kind) => {
                let zero = zero_scalar(*kind);
                let value = value.unwrap_or_else(|| zero.clone());
                // Structs with a JSON form of their own are never empty to Go, whatever they hold.
                let struct_like = matches!(kind, Scalar::Quantity | Scalar::IntOrString | Scalar::Time | Scalar::MicroTime);
                let left_out = value == zero && !always && (!struct_like || field.omit == Omit::Zero);
                (!left_out).then_some(value)
            }
            Type::Named(_) | Type::Struct(_) => {
                let own = self.schema.fields(&field.ty).expect("named and inline types are structs");
                let value = match value {
                    Some(value) => value,
                    None => self.fields(own, None)?,
                };
                let left_out = field.omit == Omit::Zero && value == self.fields(own, None)?;
                (!left_out).then_some(value)
            }
        })
    }

    fn scalar(&mut self, kind: Scalar, value: &Value) -> Result<Value, Abort> {
        match scalar(kind, value) {
            Ok(value) => Ok(value),
            Err(Fault::Type { value, ty }) => {
                let ty = if self.declared.is_empty() { ty } else { self.declared };
                self.fault(format!("json: cannot unmarshal {value} into {} of type {ty}", self.target()));
                Ok(zero_scalar(kind))
            }
            Err(Fault::Text(message)) => {
                self.fault(message);
                Ok(zero_scalar(kind))
            }
            Err(Fault::AbortType { value, ty }) => {
                Err(Abort(format!("json: cannot unmarshal {value} into {} of type {ty}", self.target())))
            }
            Err(Fault::Abort(message)) => Err(Abort(message)),
        }
    }

    fn mismatch(&mut self, value: &str, ty: &Type) {
        let ty = if self.declared.is_empty() { self.go_type(ty) } else { self.declared.to_owned() };
        self.fault(format!("json: cannot unmarshal {value} into {} of type {ty}", self.target()));
    }

    fn fault(&mut self, message: String) {
        self.first_fault.get_or_insert(message);
    }

    /// `Go struct field DeploymentSpec.spec.replicas`: the innermost struct, then the names of all fields on the way, with those
    /// of embedded structs.
    fn target(&self) -> String {
        match self.structs.last() {
            None => "Go value".into(),
            Some((innermost, _)) => {
                let embedded_and_own = |(_, field): &(&str, &'v Field)| [field.embedded.as_str(), field.name.as_str()];
                let names: Vec<&str> = self.structs.iter().flat_map(embedded_and_own).filter(|name| !name.is_empty()).collect();
                format!("Go struct field {innermost}.{}", names.join("."))
            }
        }
    }

    /// The path of an unknown field, as strict decoding prints it.
    fn path_to(&self, name: &str) -> String {
        let mut path = String::new();
        for place in &self.places {
            match place {
                Place::Key(key) if path.is_empty() => path.push_str(key),
                Place::Key(key) => path.extend([".", *key]),
                Place::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
    }

    /// `[]v1.Container`: Go prints the last part of the package's path.
    fn go_type(&self, ty: &Type) -> String {
        match ty {
            Type::List(list) if list.pointers => format!("[]*{}", self.go_type(&list.item)),
            Type::List(list) => format!("[]{}", self.go_type(&list.item)),
            Type::Map(map) => format!("map[string]{}", self.go_type(&map.value)),
            Type::Scalar(kind) => super::scalar::go_type(*kind).to_owned(),
            Type::Any => "runtime.RawExtension".to_owned(),
            Type::Named(_) | Type::Struct(_) => self.schema.fields(ty).map_or_else(String::new, |own| {
                let package = own.name.rsplit('.').nth(1).unwrap_or("v1");
                format!("{package}.{}", own.go)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DecodeError, Decoded, arrange, decode, forget_empties};
    use crate::object::{Value, json};
    use crate::schema::{Schema, Type, Version};

    fn decoded(kind: &str, value: &Value) -> Result<Decoded, DecodeError> {
        let schema = Schema::of(Version::V1_36);
        decode(schema, &named(kind), value)
    }

    fn named(kind: &str) -> Type {
        Schema::of(Version::V1_36).named(kind).unwrap()
    }

    const DEPLOYMENT: &str = "io.k8s.api.apps.v1.Deployment";

    fn deployment_of(spec: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "e"}, "spec": spec})
    }

    /// A spec, and what kube-apiserver 1.36.2 says to it after `Deployment in version "v1" cannot be handled as a Deployment: `.
    #[test]
    fn wrong_values_are_refused_with_the_servers_words() {
        let container = |c: Value| json!({"template": {"spec": {"containers": [c]}}});
        let quantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        let cannot = |what: &str| format!("json: cannot unmarshal {what}");
        let rows = [
            (json!({"replicas": "3"}), cannot("string into Go struct field DeploymentSpec.spec.replicas of type int32")),
            (json!({"replicas": 1.5}), cannot("number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32")),
            (
                json!({"replicas": 3_000_000_000_i64}),
                cannot("number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"),
            ),
            (json!({"paused": "true"}), cannot("string into Go struct field DeploymentSpec.spec.paused of type bool")),
            (json!({"template": []}), cannot("array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec")),
            (json!({"strategy": "x"}), cannot("string into Go struct field DeploymentSpec.spec.strategy of type v1.DeploymentStrategy")),
            (
                json!({"template": {"spec": {"containers": {}}}}),
                cannot("object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"),
            ),
            (
                json!({"template": {"metadata": {"annotations": {"a": true}}}}),
                cannot("bool into Go struct field ObjectMeta.spec.template.metadata.annotations of type string"),
            ),
            (
                container(json!({"env": [{"value": 1}]})),
                cannot("number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string"),
            ),
            (
                container(json!({"ports": [80]})),
                cannot("number into Go struct field Container.spec.template.spec.containers.ports of type v1.ContainerPort"),
            ),
            (
                container(json!({"command": "x"})),
                cannot("string into Go struct field Container.spec.template.spec.containers.command of type []string"),
            ),
            (container(json!({"resources": {"limits": {"cpu": true}}})), quantity.to_owned()),
            (
                container(json!({"resources": {"limits": []}})),
                cannot(
                    "array into Go struct field ResourceRequirements.spec.template.spec.containers.resources.limits of type v1.ResourceList",
                ),
            ),
            (
                container(json!({"imagePullPolicy": 5})),
                cannot("number into Go struct field Container.spec.template.spec.containers.imagePullPolicy of type v1.PullPolicy"),
            ),
            (
                container(json!({"livenessProbe": {"httpGet": {"port": true}}})),
                cannot(
                    "bool into Go struct field HTTPGetAction.spec.template.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32",
                ),
            ),
            (
                json!({"template": {"spec": {"volumes": [{"hostPath": {"type": 1}}]}}}),
                cannot(
                    "number into Go struct field HostPathVolumeSource.spec.template.spec.volumes.VolumeSource.hostPath.type of type v1.HostPathType",
                ),
            ),
            // A type that decodes itself ends decoding, and its error wins over an earlier one.
            (json!({"replicas": "x", "template": {"spec": {"overhead": {"cpu": "zz"}}}}), quantity.to_owned()),
        ];
        for (spec, message) in rows {
            assert_eq!(decoded(DEPLOYMENT, &deployment_of(&spec)).unwrap_err().message, message, "{spec}");
        }
    }

    #[test]
    fn wrong_scalars_of_other_kinds_are_refused_too() {
        let secret = |data: Value| decoded("io.k8s.api.core.v1.Secret", &json!({"data": data})).unwrap_err().message;
        assert_eq!(secret(json!({"a": "x"})), "illegal base64 data at input byte 0");
        assert_eq!(secret(json!({"a": 5})), "json: cannot unmarshal number into Go struct field Secret.data of type []uint8");
        assert_eq!(secret(json!([])), "json: cannot unmarshal array into Go struct field Secret.data of type map[string][]uint8");
        let time = decoded(DEPLOYMENT, &json!({"metadata": {"labels": {"a": 1}, "creationTimestamp": "x"}})).unwrap_err().message;
        assert_eq!(time, r#"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#);
        let lease = decoded("io.k8s.api.coordination.v1.Lease", &json!({"spec": {"acquireTime": "2020-01-01T00:00:00+01:00"}}));
        assert!(lease.is_err(), "microseconds must be written");
    }

    #[test]
    fn unknown_fields_are_dropped_and_named_as_strict_decoding_names_them() {
        let spec =
            json!({"foo": 1, "template": {"spec": {"containers": [{"name": "c", "bar": 1, "resources": {"limit": {}}}], "Volumes": []}}});
        let unknown = decoded(DEPLOYMENT, &deployment_of(&spec)).unwrap().unknown;
        let named = [
            "spec.foo",
            "spec.template.spec.containers[0].bar",
            "spec.template.spec.containers[0].resources.limit",
            "spec.template.spec.Volumes",
        ];
        assert_eq!(unknown, named);
    }

    #[test]
    fn an_object_comes_out_as_the_server_encodes_it() {
        let sent = json!({
            "spec": {
                "paused": false, "replicas": 0, "minReadySeconds": 0,
                "template": {"spec": {"containers": [{"image": "i", "name": "c", "env": [], "resources": {"limits": {"memory": "1024Mi", "cpu": null}}, "securityContext": {}}]}},
            },
            "metadata": {"labels": {"b": null, "a": "1"}, "creationTimestamp": "2020-01-01T02:00:00.5+02:00", "annotations": {}},
        });
        let expected = r#"{"metadata":{"creationTimestamp":"2020-01-01T00:00:00Z","labels":{"a":"1","b":""}},"spec":{"replicas":0,"selector":null,"template":{"metadata":{},"spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"0","memory":"1Gi"}},"securityContext":{}}]}},"strategy":{}},"status":{}}"#;
        assert_eq!(decoded(DEPLOYMENT, &sent).unwrap().value.to_string(), expected);
        let ty = named("io.k8s.api.rbac.v1.Role");
        let mut role = decoded("io.k8s.api.rbac.v1.Role", &json!({"rules": []})).unwrap().value;
        assert_eq!(role.to_string(), r#"{"metadata":{},"rules":[]}"#);
        forget_empties(Schema::of(Version::V1_36), &ty, &mut role);
        assert_eq!(role.to_string(), r#"{"metadata":{},"rules":null}"#);
    }

    #[test]
    fn fields_are_put_in_order() {
        let mut value =
            json!({"spec": {"strategy": {}, "replicas": 1}, "metadata": {"labels": {"b": "", "a": ""}, "name": "x"}, "kind": "K"});
        arrange(Schema::of(Version::V1_36), &named(DEPLOYMENT), &mut value);
        let expected = r#"{"kind":"K","metadata":{"name":"x","labels":{"a":"","b":""}},"spec":{"replicas":1,"strategy":{}}}"#;
        assert_eq!(value.to_string(), expected);
    }
}
