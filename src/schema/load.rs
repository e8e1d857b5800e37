//! The shipped data files, decoded when asked for.

use super::{Field, ListKind, ListType, MapType, Omit, Resource, Scalar, StructType, Type, Version};
use crate::diagnostic::nearest;
use crate::object::{Gvk, TypeMark, Value, items, text};
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

/// A kind that Kubernetes does not serve, though its group is Kubernetes' own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotServed {
    /// What is wrong.
    pub text: String,
    /// What was likely meant.
    pub instead: Option<String>,
    /// Whether the kind is served in another version or group.
    pub only_version: bool,
}

/// The types and resources of one Kubernetes version.
pub struct Schema {
    version: Version,
    data: String,
    lines: Vec<Range<usize>>,
    names: BTreeMap<String, u32>,
    types: Vec<OnceLock<StructType>>,
    resources: OnceLock<Resources>,
}

/// What a version serves, and where in the list stands what is looked up.
struct Resources {
    list: Vec<Resource>,
    /// The resources that store objects, by [`kind_of`].
    by_kind: Vec<usize>,
    /// All of them, by [`name_of`].
    by_name: Vec<usize>,
}

fn kind_of(resource: &Resource) -> (&str, &str, &str) {
    (&resource.group, &resource.version, &resource.kind)
}

fn name_of(resource: &Resource) -> (&str, &str, &str) {
    (&resource.resource, &resource.group, &resource.version)
}

impl Resources {
    fn new(list: Vec<Resource>) -> Self {
        let (mut by_name, mut by_kind): (Vec<usize>, Vec<usize>) = ((0..list.len()).collect(), (0..list.len()).collect());
        by_name.sort_by_key(|place| name_of(&list[*place]));
        by_kind.retain(|place| !list[*place].resource.contains('/'));
        by_kind.sort_by_key(|place| kind_of(&list[*place]));
        Self { list, by_kind, by_name }
    }

    /// The first of those that have a key.
    fn find<'r>(
        &'r self,
        places: &[usize],
        key_of: impl Fn(&'r Resource) -> (&'r str, &'r str, &'r str),
        key: (&str, &str, &str),
    ) -> Option<&'r Resource> {
        let first = places.partition_point(|place| key_of(&self.list[*place]) < key);
        places.get(first).map(|place| &self.list[*place]).filter(|resource| key_of(resource) == key)
    }
}

impl Schema {
    /// The data of a version; inflated once, its types decoded one by one when first used.
    pub fn of(version: Version) -> &'static Self {
        static ALL: [LazyLock<Schema>; 4] = [
            LazyLock::new(|| Schema::inflate(Version::V1_34, include_bytes!("builtin/kubernetes-1.34.jsonl.gz"))),
            LazyLock::new(|| Schema::inflate(Version::V1_35, include_bytes!("builtin/kubernetes-1.35.jsonl.gz"))),
            LazyLock::new(|| Schema::inflate(Version::V1_36, include_bytes!("builtin/kubernetes-1.36.jsonl.gz"))),
            LazyLock::new(|| Schema::inflate(Version::V1_37, include_bytes!("builtin/kubernetes-1.37.jsonl.gz"))),
        ];
        &ALL[version as usize]
    }

    fn inflate(version: Version, packed: &[u8]) -> Self {
        let mut data = String::new();
        GzDecoder::new(packed).read_to_string(&mut data).expect("shipped schema data is whole");
        let (mut lines, mut names, mut start) = (Vec::new(), BTreeMap::new(), 0);
        for line in data.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("{\"name\":\"").and_then(|rest| rest.split('"').next()) {
                names.insert(name.to_owned(), lines.len() as u32);
            }
            lines.push(start..start + line.len());
            start += line.len();
        }
        let types = lines.iter().map(|_| OnceLock::new()).collect();
        Self { version, data, lines, names, types, resources: OnceLock::new() }
    }

    /// Which version this is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Every resource and subresource that the version serves, by group, version and name.
    pub fn resources(&self) -> &[Resource] {
        &self.served().list
    }

    fn served(&self) -> &Resources {
        self.resources.get_or_init(|| {
            let head: Value = serde_json::from_str(&self.data[self.lines[0].clone()]).expect("shipped schema data is JSON");
            let list: Vec<Resource> = items(&head, &["resources"]).iter().map(|r| self.resource(r)).collect();
            Resources::new(list)
        })
    }

    /// The resource that stores objects of a kind.
    pub fn resource_of(&self, group: &str, version: &str, kind: &str) -> Option<&Resource> {
        let served = self.served();
        served.find(&served.by_kind, kind_of, (group, version, kind))
    }

    /// The resource or subresource of a name: `deployments`, `deployments/scale`.
    pub fn find(&self, group: &str, version: &str, name: &str) -> Option<&Resource> {
        let served = self.served();
        served.find(&served.by_name, name_of, (name, group, version))
    }

    /// The resource that stores an object.
    pub fn resource_of_object(&self, object: &Value) -> Option<&Resource> {
        let gvk = Gvk::of(object);
        self.resource_of(&gvk.group, &gvk.version, &gvk.kind)
    }

    /// Why a kind that Kubernetes itself would have to serve is not served; none if it is, or if it may be a custom one. Groups
    /// without a dot are Kubernetes' own, and so are those that it serves other kinds of.
    pub fn not_served(&self, gvk: &Gvk) -> Option<NotServed> {
        let known: Vec<_> = self.resources().iter().filter(|r| !r.resource.contains('/')).collect();
        let own_group = !gvk.group.contains('.') || known.iter().any(|r| r.group == gvk.group);
        if gvk.kind.is_empty() || !own_group || self.resource_of(&gvk.group, &gvk.version, &gvk.kind).is_some() {
            return None;
        }
        let text = format!("Kubernetes {} has no kind `{}` in `{}`", self.version, gvk.kind, gvk.api_version());
        let same_kind = known.iter().filter(|r| r.kind == gvk.kind);
        let versions: Vec<String> = same_kind
            .map(|r| Gvk { group: r.group.as_str().into(), version: r.version.as_str().into(), kind: "".into() }.api_version())
            .collect();
        let instead = match versions.is_empty() {
            false => Some(format!("it is served as `{}`", versions.join("`, `"))),
            true => nearest(&gvk.kind, known.iter().map(|r| r.kind.as_str())).map(|near| format!("did you mean `{near}`?")),
        };
        Some(NotServed { text, instead, only_version: !versions.is_empty() })
    }

    /// The type of that OpenAPI name: `io.k8s.api.core.v1.PodTemplateSpec`.
    pub fn named(&self, name: &str) -> Option<Type> {
        self.names.get(name).map(|i| Type::Named(*i))
    }

    /// The struct behind a type; none if it is no struct.
    pub fn fields<'s>(&'s self, ty: &'s Type) -> Option<&'s StructType> {
        match ty {
            Type::Named(index) => Some(self.types[*index as usize].get_or_init(|| self.decode(*index as usize))),
            Type::Struct(inline) => Some(inline),
            _ => None,
        }
    }

    /// What tells a built-in struct from all others, whatever the version; none for a type that may go away.
    pub fn mark(&self, ty: &Type) -> Option<TypeMark> {
        match ty {
            Type::Named(index) => Some(TypeMark::of_struct(self.version as u32, *index)),
            _ => None,
        }
    }

    fn resource(&self, line: &Value) -> Resource {
        let own = |key: &str| text(line, &[key]).to_owned();
        let list = |key: &str| items(line, &[key]).iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        Resource {
            group: own("group"),
            version: own("version"),
            resource: own("resource"),
            kind: own("kind"),
            namespaced: line["namespaced"] == true,
            verbs: list("verbs"),
            singular: own("singular"),
            short: list("short"),
            categories: list("categories"),
            ty: self.named(text(line, &["type"])),
        }
    }

    fn decode(&self, index: usize) -> StructType {
        let line: Value = serde_json::from_str(&self.data[self.lines[index].clone()]).expect("shipped schema data is JSON");
        StructType {
            name: text(&line, &["name"]).to_owned(),
            go: text(&line, &["go"]).to_owned(),
            fields: items(&line, &["fields"]).iter().map(|f| self.field(f)).collect(),
            atomic: line["atomic"] == true,
            preserve_unknown: false,
        }
    }

    fn field(&self, f: &Value) -> Field {
        let own = |key: &str| text(f, &[key]).to_owned();
        let strategy = text(f, &["ps"]);
        let has = |word: &str| strategy.split(',').any(|s| s == word);
        Field {
            name: own("n"),
            go: own("g"),
            ty: self.field_type(&f["t"], f),
            pointer: f["p"] == true,
            omit: match text(f, &["o"]) {
                "empty" => Omit::Empty,
                "zero" => Omit::Zero,
                _ => Omit::Never,
            },
            default: f.get("d").cloned(),
            allowed: items(f, &["e"]).iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
            required: f["r"] == true,
            patch_merge: has("merge"),
            patch_replace: has("replace"),
            retain_keys: has("retainKeys"),
            merge_key: f.get("pk").and_then(Value::as_str).map(str::to_owned),
            go_type: own("gt"),
            embedded: own("em"),
            protobuf: own("pb"),
            protobuf_in: own("pi"),
        }
    }

    /// `told` is the field that states the list's or map's kind; nested lists and maps are atomic unless it says otherwise.
    fn field_type(&self, ty: &Value, told: &Value) -> Type {
        if let Some(name) = ty.as_str() {
            return scalar(name);
        }
        if let Some(name) = ty.get("ref").and_then(Value::as_str) {
            let granular = told["ma"] == false;
            return match self.named(name) {
                Some(Type::Named(own)) if granular => Type::Struct(Arc::new(StructType { atomic: false, ..self.decode(own as usize) })),
                found => found.unwrap_or(Type::Any),
            };
        }
        if let Some(item) = ty.get("list") {
            let kind = match text(told, &["lt"]) {
                "map" => ListKind::Map(items(told, &["lk"]).iter().filter_map(|k| k.as_str().map(str::to_owned)).collect()),
                "set" => ListKind::Set,
                _ => ListKind::Atomic,
            };
            let pointers = ty["ptr"] == true;
            return Type::List(Arc::new(ListType { item: self.field_type(item, &Value::Null), kind, pointers }));
        }
        Type::Map(Arc::new(MapType { value: self.field_type(&ty["map"], &Value::Null), atomic: told["ma"] == true }))
    }
}

fn scalar(name: &str) -> Type {
    Type::Scalar(match name {
        "string" => Scalar::String,
        "bool" => Scalar::Bool,
        "int32" => Scalar::Int32,
        "int64" => Scalar::Int64,
        "float64" => Scalar::Float,
        "bytes" => Scalar::Bytes,
        "quantity" => Scalar::Quantity,
        "intstr" => Scalar::IntOrString,
        "time" => Scalar::Time,
        "microtime" => Scalar::MicroTime,
        "duration" => Scalar::Duration,
        _ => return Type::Any,
    })
}
