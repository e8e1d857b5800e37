//! One version of a definition: its resource, its schema and what of it is served.

use super::structural::type_of;
use crate::object::{Gvk, Value, at, items, text};
use crate::schema::{Resource, Schema, Type};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// What custom resources can be done to.
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// Where the replicas of a custom resource stand, each as the steps of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// `spec`, `replicas`.
    pub spec: Vec<String>,
    /// `status`, `replicas`.
    pub status: Vec<String>,
    /// `status`, `selector`; none if the definition names none.
    pub selector: Option<Vec<String>>,
}

/// One served version of a custom resource.
pub struct Definition {
    /// Its resource; it has no built-in type.
    pub resource: Resource,
    /// The fields by which objects are selected, beside name and namespace.
    pub selectable: Vec<String>,
    /// The kind of a list of the objects; empty if nobody says.
    pub list_kind: String,
    /// The API versions that the definition has, this one among them.
    pub api_versions: Vec<String>,
    /// Whether it has a `/status`.
    pub status: bool,
    /// Where `/scale` finds replicas, if it has one.
    pub scale: Option<Replicas>,
    /// What clients are told who use this version.
    pub deprecation: Option<String>,
    /// Whether the definition is being deleted.
    pub terminating: bool,
    /// Whether unknown fields are kept: asked for by definitions of old, and where the definition itself is not known.
    pub preserve: bool,
    /// Whether the objects go through a webhook from version to version.
    pub converted: bool,
    /// The stored definition and which of its versions this is; none if it is assumed.
    source: Option<(Arc<Value>, usize)>,
    ty: OnceLock<Type>,
}

impl Definition {
    /// The served versions of a stored definition, newest and stablest first as discovery has them; none of one without names.
    pub(super) fn all(source: &Arc<Value>) -> Vec<Self> {
        let spec = &source["spec"];
        let accepted = &source["status"]["acceptedNames"];
        let names = if text(accepted, &["plural"]).is_empty() { &spec["names"] } else { accepted };
        let group = text(spec, &["group"]);
        let versions = items(spec, &["versions"]);
        if text(names, &["plural"]).is_empty() || refused(source) {
            return Vec::new();
        }
        let named = |v: &Value| text(v, &["name"]).to_owned();
        let api_versions: Vec<String> = versions.iter().map(|v| format!("{group}/{}", named(v))).collect();
        let list = |key: &str| items(names, &[key]).iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>();
        let mut served: Vec<(usize, &Value)> = versions.iter().enumerate().filter(|(_, v)| v["served"] == true).collect();
        served.sort_by_key(|(_, v)| std::cmp::Reverse(rank(text(v, &["name"]))));
        let definition = |(index, version): (usize, &Value)| Self {
            resource: Resource {
                group: group.to_owned(),
                version: named(version),
                resource: text(names, &["plural"]).to_owned(),
                kind: text(names, &["kind"]).to_owned(),
                namespaced: spec["scope"] == "Namespaced",
                verbs: VERBS.map(str::to_owned).to_vec(),
                singular: text(names, &["singular"]).to_owned(),
                short: list("shortNames"),
                categories: list("categories"),
                ty: None,
            },
            selectable: items(version, &["selectableFields"])
                .iter()
                .map(|f| text(f, &["jsonPath"]).trim_start_matches('.').to_owned())
                .collect(),
            list_kind: text(names, &["listKind"]).to_owned(),
            api_versions: api_versions.clone(),
            status: version["subresources"]["status"].is_object(),
            scale: at(version, &["subresources", "scale"]).map(replicas),
            deprecation: deprecation(spec, version),
            terminating: condition(source, "Terminating"),
            preserve: spec["preserveUnknownFields"] == true,
            converted: spec["conversion"]["strategy"] == "Webhook",
            source: Some((Arc::clone(source), index)),
            ty: OnceLock::new(),
        };
        served.into_iter().map(definition).collect()
    }

    /// A custom resource of which only the kind is known.
    pub(super) fn assumed(gvk: &Gvk, namespaced: bool) -> Self {
        let singular = gvk.kind.to_ascii_lowercase();
        let plural = match singular.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None if singular.ends_with('s') => format!("{singular}es"),
            None => format!("{singular}s"),
        };
        Self {
            resource: Resource {
                group: gvk.group.as_str().into(),
                version: gvk.version.as_str().into(),
                resource: plural,
                kind: gvk.kind.as_str().into(),
                namespaced,
                verbs: VERBS.map(str::to_owned).to_vec(),
                singular,
                ..Resource::default()
            },
            selectable: Vec::new(),
            list_kind: String::new(),
            api_versions: vec![gvk.api_version()],
            status: false,
            scale: None,
            deprecation: None,
            terminating: false,
            preserve: true,
            converted: false,
            source: None,
            ty: OnceLock::new(),
        }
    }

    /// The OpenAPI schema of the objects; null if there is none.
    pub fn schema(&self) -> &Value {
        let version = self.source.as_ref().map(|(source, index)| &source["spec"]["versions"][*index]);
        version.map_or(&Value::Null, |v| &v["schema"]["openAPIV3Schema"])
    }

    /// The columns in which the objects are shown (`additionalPrinterColumns`).
    pub fn printer_columns(&self) -> &[Value] {
        let version = self.source.as_ref().map(|(source, index)| &source["spec"]["versions"][*index]);
        version.map_or(&[], |v| items(v, &["additionalPrinterColumns"]))
    }

    /// The schema of the version that is stored.
    pub(super) fn stored_schema(&self) -> &Value {
        let stored =
            self.source.as_ref().and_then(|(source, _)| items(&source["spec"], &["versions"]).iter().find(|v| v["storage"] == true));
        stored.map_or(self.schema(), |v| &v["schema"]["openAPIV3Schema"])
    }

    /// The type of the objects.
    pub fn ty(&self, schema: &Schema) -> &Type {
        self.ty.get_or_init(|| type_of(schema, self.schema()))
    }

    /// Whether rules in CEL are to hold, which nobody evaluates here.
    pub fn has_rules(&self) -> bool {
        fn within(schema: &Value) -> bool {
            match schema {
                Value::Object(map) => map.iter().any(|(key, value)| key == "x-kubernetes-validations" || within(value)),
                Value::Array(list) => list.iter().any(within),
                _ => false,
            }
        }
        within(self.schema())
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Definition({}.{}/{})", self.resource.resource, self.resource.group, self.resource.version)
    }
}

/// Whether a condition of a definition is true.
pub(super) fn condition(definition: &Value, name: &str) -> bool {
    items(definition, &["status", "conditions"]).iter().any(|c| c["type"] == name && c["status"] == "True")
}

/// A definition is not served if the server has said that its names are taken.
fn refused(definition: &Value) -> bool {
    let conditions = items(definition, &["status", "conditions"]);
    !conditions.is_empty() && !condition(definition, "NamesAccepted") && !condition(definition, "Established")
}

fn replicas(scale: &Value) -> Replicas {
    let path = |key: &str| scale[key].as_str().map(|p| p.trim_start_matches('.').split('.').map(str::to_owned).collect::<Vec<_>>());
    Replicas {
        spec: path("specReplicasPath").unwrap_or_default(),
        status: path("statusReplicasPath").unwrap_or_default(),
        selector: path("labelSelectorPath"),
    }
}

/// `Warning` of a deprecated version (`customresource_handler.go:defaultDeprecationWarning`).
fn deprecation(spec: &Value, version: &Value) -> Option<String> {
    if version["deprecated"] != true {
        return None;
    }
    if let Some(own) = version["deprecationWarning"].as_str() {
        return Some(own.to_owned());
    }
    let (group, kind, name) = (text(spec, &["group"]), text(spec, &["names", "kind"]), text(version, &["name"]));
    let newer = items(spec, &["versions"]).iter().filter(|v| v["served"] == true && v["deprecated"] != true);
    let best = newer.map(|v| text(v, &["name"])).filter(|other| rank(name) < rank(other)).max_by_key(|v| rank(v));
    let then = best.map(|v| format!("; use {group}/{v} {kind}")).unwrap_or_default();
    Some(format!("{group}/{name} {kind} is deprecated{then}"))
}

/// The order of API versions (`apimachinery/pkg/version/helpers.go`): v2, v1, v1beta2, v1beta1, v1alpha1, then others by name.
pub fn rank(version: &str) -> (u8, u64, u64, std::cmp::Reverse<String>) {
    let plain = || (0, 0, 0, std::cmp::Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else { return plain() };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = rest.split_at(digits(rest));
    let (stage, minor) = match rest {
        "" => (3, "0"),
        _ if rest.starts_with("beta") => (2, &rest[4..]),
        _ if rest.starts_with("alpha") => (1, &rest[5..]),
        _ => return plain(),
    };
    match (major.parse(), minor.parse()) {
        (Ok(major), Ok(minor)) => (stage, major, minor, std::cmp::Reverse(String::new())),
        _ => plain(),
    }
}
