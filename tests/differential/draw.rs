//! The schema and the pools of `values.json` become random but plausible values, and small changes of an object.

use crate::random::Random;
use rollcast::object::Value;
use rollcast::object::{Map, json};
use rollcast::schema::{Field, ListKind, ListType, Scalar, Schema, StructType, Type};
use std::sync::OnceLock;

/// Structs of which one field is set, and embedded structs of which the same holds.
const ONE_OF: &[&str] = &["EnvVarSource", "LifecycleHandler", "VolumeProjection"];
const EMBEDDED_ONE_OF: &[&str] = &["ProbeHandler", "VolumeSource", "PersistentVolumeSource"];

/// Fields without which a value is refused though the schema does not require them.
const NEEDED: &[(&str, &str)] = &[
    ("ConfigMapKeySelector", "name"),
    ("SecretKeySelector", "name"),
    ("ConfigMapEnvSource", "name"),
    ("SecretEnvSource", "name"),
    ("ConfigMapVolumeSource", "name"),
    ("SecretVolumeSource", "secretName"),
    ("ConfigMapProjection", "name"),
    ("SecretProjection", "name"),
    ("Container", "image"),
    ("ExecAction", "command"),
    ("EphemeralVolumeSource", "volumeClaimTemplate"),
    ("PersistentVolumeClaimSpec", "accessModes"),
    ("PersistentVolumeClaimSpec", "resources"),
    ("ProjectedVolumeSource", "sources"),
    ("ServicePort", "name"),
    ("FCVolumeSource", "targetWWNs"),
    ("ImageVolumeSource", "reference"),
    ("LocalObjectReference", "name"),
    ("PodAffinityTerm", "labelSelector"),
];

/// Where the writes go: a workload is mostly its containers.
const HEAVY: &[(&str, usize)] = &[
    ("spec", 30),
    ("template", 12),
    ("jobTemplate", 12),
    ("containers", 25),
    ("volumes", 3),
    ("initContainers", 4),
    ("securityContext", 2),
];

/// What the server owns, or what only refuses.
const LEFT_OUT: &[&str] = &["status", "apiVersion", "kind", "ephemeralContainers"];
const METADATA: &[&str] = &["labels", "annotations", "labels", "annotations", "finalizers"];

fn pool(key: &str) -> Option<&'static Vec<Value>> {
    static POOLS: OnceLock<Map> = OnceLock::new();
    let pools = POOLS.get_or_init(|| serde_json::from_str(include_str!("values.json")).unwrap());
    pools.get(key)?.as_array()
}

pub struct Drawing {
    pub schema: &'static Schema,
    pub random: Random,
}

impl Drawing {
    /// A value for a field of a struct of that name.
    fn field(&mut self, owner: &str, field: &Field, depth: u32) -> Value {
        let own = pool(&format!("{owner}.{}", field.name));
        if let Some(values) = own.or_else(|| pool(&field.name)).filter(|_| own.is_some() || self.random.chance(90)) {
            return self.random.pick(values).clone();
        }
        if !field.allowed.is_empty() && self.random.chance(95) {
            return self.random.pick(&field.allowed).clone().into();
        }
        self.value(&field.ty, depth)
    }

    fn value(&mut self, ty: &Type, depth: u32) -> Value {
        match ty {
            Type::Scalar(scalar) => self.scalar(*scalar),
            Type::List(list) => {
                let mut items = Vec::new();
                for _ in 0..self.random.weighted([1, 6, 2].into_iter()) {
                    self.add_item(list, &mut items, depth);
                }
                items.into()
            }
            Type::Map(map) => {
                let keys = if matches!(map.value, Type::Scalar(Scalar::Quantity)) { "<resource>" } else { "<key>" };
                let mut out = Map::new();
                for _ in 0..self.random.weighted([1, 5, 3].into_iter()) {
                    let key = self.random.pick(pool(keys).unwrap()).as_str().unwrap().to_owned();
                    out.insert(key.into(), self.value(&map.value, depth + 1));
                }
                out.into()
            }
            Type::Any => json!({}),
            Type::Named(_) | Type::Struct(_) => {
                let schema = self.schema;
                schema.fields(ty).cloned().map_or(Value::Null, |s| self.structure(&s, depth))
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar) -> Value {
        let values = pool(&format!("<{scalar:?}>")).unwrap();
        self.random.pick(values).clone()
    }

    fn structure(&mut self, ty: &StructType, depth: u32) -> Value {
        let one_of = |f: &Field| ONE_OF.contains(&ty.go.as_str()) || EMBEDDED_ONE_OF.contains(&f.embedded.as_str());
        let choices: Vec<&Field> = ty.fields.iter().filter(|f| one_of(f)).collect();
        let chosen = (!choices.is_empty() && self.random.chance(97)).then(|| self.random.pick(&choices).name.clone());
        let optional = ty.fields.len().max(1);
        let mut out = Map::new();
        for field in &ty.fields {
            let needed = field.required || NEEDED.contains(&(ty.go.as_str(), field.name.as_str()));
            let wanted = if LEFT_OUT.contains(&field.name.as_str()) || field.name == "metadata" && depth > 0 {
                false
            } else if one_of(field) {
                chosen.as_deref() == Some(field.name.as_str()) || self.random.below(400) == 0
            } else if needed {
                self.random.chance(98)
            } else {
                depth < 6 && self.random.below(optional * 10) < 18
            };
            if wanted {
                let value = self.field(&ty.go, field, depth + 1);
                out.insert(field.name.as_str().into(), value);
            }
        }
        out.into()
    }

    /// Adds an item that mostly has another key than the others.
    fn add_item(&mut self, list: &ListType, items: &mut Vec<Value>, depth: u32) {
        let item = self.value(&list.item, depth + 1);
        let key = |v: &Value| match &list.kind {
            ListKind::Map(keys) => keys.iter().map(|k| v[k.as_str()].clone()).collect::<Vec<_>>(),
            _ if v.is_object() => vec![v["name"].clone()],
            _ => vec![v.clone()],
        };
        let taken = items.iter().any(|i| key(i) == key(&item) && key(i) != [Value::Null]);
        if !taken || self.random.chance(4) {
            let at = if self.random.chance(80) { items.len() } else { self.random.below(items.len() + 1) };
            items.insert(at, item);
        }
    }

    /// Makes one change somewhere in an object of a kind.
    pub fn change(&mut self, ty: &Type, object: &mut Value) {
        self.change_in(ty, object, "", 0);
        if self.random.chance(95) {
            mount_what_is_there(object);
        }
    }

    fn change_in(&mut self, ty: &Type, value: &mut Value, name: &str, depth: u32) {
        let schema = self.schema;
        match ty {
            Type::Named(_) | Type::Struct(_) if value.is_object() => {
                if let Some(ty) = schema.fields(ty) {
                    self.change_struct(ty, value, depth);
                }
            }
            Type::List(list) if value.is_array() => self.change_list(list, value.as_array_mut().unwrap(), name, depth),
            Type::Map(map) if value.is_object() => {
                let entries = value.as_object_mut().unwrap();
                let keys: Vec<String> = entries.keys().map(|k| k.to_string()).collect();
                if !keys.is_empty() && self.random.chance(35) {
                    entries.shift_remove(&self.random.pick(&keys).clone());
                } else if !keys.is_empty() && self.random.chance(50) {
                    entries.insert(self.random.pick(&keys).as_str().into(), self.value(&map.value, depth + 1));
                } else if let Value::Object(more) = self.value(ty, depth) {
                    entries.extend(more);
                }
            }
            _ => *value = self.value(ty, depth),
        }
    }

    fn change_struct(&mut self, ty: &StructType, value: &mut Value, depth: u32) {
        let map = value.as_object_mut().unwrap();
        let fields: Vec<&Field> = ty.fields.iter().filter(|f| !LEFT_OUT.contains(&f.name.as_str())).collect();
        let fields: Vec<&Field> = match ty.go.as_str() {
            "ObjectMeta" => METADATA.iter().filter_map(|name| ty.field(name)).collect(),
            _ => fields,
        };
        if ty.go == "AggregationRule" {
            // Selectors that match the cluster's own roles would give rules that differ from cluster to cluster.
            map.insert("clusterRoleSelectors".into(), self.random.pick(pool("AggregationRule.clusterRoleSelectors").unwrap()).clone());
            return;
        }
        let weight = |f: &Field| {
            let heavy = HEAVY.iter().find(|(name, _)| *name == f.name).map_or(1, |(_, weight)| *weight);
            if f.name == "selector" && depth == 1 && ty.go != "ServiceSpec" { 0 } else { heavy }
        };
        if fields.is_empty() {
            return;
        }
        let field = fields[self.random.weighted(fields.iter().map(|f| weight(f) * 4))];
        let own_pool = pool(&format!("{}.{}", ty.go, field.name)).is_some();
        let Some(present) = map.get_mut(&field.name).filter(|p| !p.is_null()) else {
            let drawn = match self.random.below(100) {
                0..3 => Value::Null,
                3..10 => empty(&field.ty),
                _ => self.field(&ty.go, field, depth + 1),
            };
            map.insert(field.name.as_str().into(), drawn);
            return;
        };
        let composite = present.is_object() || present.is_array();
        let (descend, remove) = if field.required || depth == 0 { (90, 2) } else { (70, 15) };
        match self.random.below(100) {
            n if composite && n < descend => self.change_in(&field.ty, present, &field.name, depth + 1),
            n if n >= 100 - remove => {
                map.shift_remove(&field.name);
            }
            n if n >= 96 - remove && !field.required => {
                map.insert(field.name.as_str().into(), Value::Null);
            }
            n if n >= 90 - remove && !field.required && !own_pool => {
                map.insert(field.name.as_str().into(), empty(&field.ty));
            }
            _ => {
                let drawn = self.field(&ty.go, field, depth + 1);
                map.insert(field.name.as_str().into(), drawn);
            }
        }
    }

    fn change_list(&mut self, list: &ListType, items: &mut Vec<Value>, name: &str, depth: u32) {
        let least = usize::from(name == "containers");
        match self.random.below(100) {
            0..55 if items.first().is_some_and(Value::is_object) => {
                let at = self.random.below(items.len());
                self.change_in(&list.item, &mut items[at], name, depth + 1);
            }
            55..70 if items.len() > least => {
                items.remove(self.random.below(items.len()));
            }
            70..80 if items.len() > 1 => {
                let first = items.remove(0);
                items.push(first);
            }
            _ => self.add_item(list, items, depth),
        }
    }

    /// Takes fields away at random: what a manager that means only some of them says.
    pub fn thin(&mut self, value: &mut Value, percent: usize) {
        match value {
            Value::Object(map) => {
                let keys: Vec<String> = map
                    .keys()
                    .filter(|k| !["name", "apiVersion", "kind", "metadata"].contains(&k.as_str()))
                    .map(|k| k.to_string())
                    .collect();
                for key in keys {
                    if self.random.chance(percent) {
                        map.shift_remove(&key);
                    }
                }
                map.values_mut().for_each(|v| self.thin(v, percent));
            }
            Value::Array(items) => items.iter_mut().for_each(|v| self.thin(v, percent)),
            _ => {}
        }
    }
}

fn empty(ty: &Type) -> Value {
    match ty {
        Type::Scalar(Scalar::Bool) => json!(false),
        Type::Scalar(Scalar::Int32 | Scalar::Int64 | Scalar::Float | Scalar::IntOrString) => json!(0),
        Type::Scalar(Scalar::Quantity) => json!("0"),
        Type::Scalar(_) => json!(""),
        Type::List(_) => json!([]),
        _ => json!({}),
    }
}

/// Volumes for mounts of none, in every pod template of an object.
fn mount_what_is_there(value: &mut Value) {
    if let Value::Object(map) = value {
        if map.get("containers").is_some_and(Value::is_array) {
            let mounts = ["containers", "initContainers"].into_iter().filter_map(|k| map.get(k)?.as_array()).flatten();
            let names: Vec<Value> = mounts
                .filter_map(|c| c.get("volumeMounts")?.as_array())
                .flatten()
                .map(|m| m["name"].clone())
                .filter(Value::is_string)
                .collect();
            for name in names {
                let volumes = map.entry("volumes").or_insert(json!([]));
                if volumes.as_array().is_some_and(|all| all.iter().all(|v| v["name"] != name)) {
                    volumes.as_array_mut().unwrap().push(json!({"name": name, "emptyDir": {}}));
                }
            }
        }
        map.values_mut().for_each(mount_what_is_there);
    }
}
