//! A path and a method become what is asked for: a document of the server's own, or a verb on a resource.
//!
//! Follows apiserver `pkg/endpoints/request/requestinfo.go` and the routes that `pkg/endpoints/installer.go` sets up.

use crate::simulate::Target;
use hyper::Method;

/// Subresources of a namespace: they are not resources in it.
const OF_NAMESPACES: [&str; 2] = ["status", "finalize"];

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `/`: the list of paths.
    Root,
    /// `/version`.
    Version,
    /// `/healthz`, `/livez`, `/readyz`.
    Health(&'static str),
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1` or `/apis/GROUP/VERSION`: its resources.
    GroupVersion(String, String),
    /// `/openapi/v2`.
    OpenApiV2,
    /// `/openapi/v3`, or a document of it: `apis/apps/v1`.
    OpenApiV3(Option<String>),
    /// An object or a collection. The flag: by a path that begins with `watch/`.
    Resource(Target, bool),
    /// `/rollcast/v1/…`: what no Kubernetes server has.
    Own(String),
    /// In a place of the API, but nothing is served there.
    NoResource,
    /// Nothing of ours.
    Nowhere,
}

/// Reads a path, percent-encoding undone.
pub(super) fn read(path: &str) -> Address {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if path.starts_with("//") || matches!(parts[0], "healthz" | "livez" | "readyz") && parts.contains(&"..") {
        return Address::Nowhere;
    }
    match &parts[..] {
        [""] => Address::Root,
        ["version"] => Address::Version,
        ["version", ..] => Address::NoResource,
        ["healthz", ..] => Address::Health("healthz"),
        ["livez", ..] => Address::Health("livez"),
        ["readyz", ..] => Address::Health("readyz"),
        ["openapi", "v2"] => Address::OpenApiV2,
        ["openapi", "v3"] => Address::OpenApiV3(None),
        ["openapi", "v3", document @ ..] => Address::OpenApiV3(Some(document.join("/"))),
        ["rollcast", "v1", own @ ..] => Address::Own(own.join("/")),
        ["api"] => Address::CoreVersions,
        ["apis"] => Address::Groups,
        ["api", version] => Address::GroupVersion(String::new(), (*version).into()),
        ["apis", group] => Address::Group((*group).into()),
        ["apis", group, version] => Address::GroupVersion((*group).into(), (*version).into()),
        ["api", version, rest @ ..] => resource("", version, rest),
        ["apis", group, version, rest @ ..] => resource(group, version, rest),
        _ => Address::Nowhere,
    }
}

fn resource(group: &str, version: &str, parts: &[&str]) -> Address {
    let (watch, parts) = match parts {
        ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
        all => (false, all),
    };
    let (namespace, parts) = match parts {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && !OF_NAMESPACES.contains(&rest[0]) => (*namespace, rest),
        all => ("", all),
    };
    let (resource, name, subresource) = match parts {
        [resource] => (*resource, "", String::new()),
        [resource, name] => (*resource, *name, String::new()),
        [resource, name, subresource @ ..] => (*resource, *name, subresource.join("/")),
        [] => return Address::NoResource,
    };
    let odd = |part: &str| matches!(part, "." | "..");
    if resource.is_empty() || parts.len() > 1 && name.is_empty() || odd(resource) {
        return Address::NoResource;
    }
    let target = Target {
        group: group.into(),
        version: version.into(),
        resource: resource.into(),
        subresource,
        namespace: namespace.into(),
        name: name.into(),
    };
    Address::Resource(target, watch)
}

/// What a request does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// GET of an object.
    Get,
    /// GET of a collection.
    List,
    /// GET that stays open.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH.
    Patch,
    /// DELETE of an object.
    Delete,
    /// DELETE of a collection.
    DeleteCollection,
}

impl Doing {
    /// The verb of a method on a target; none if no resource has it.
    pub(super) fn of(method: &Method, target: &Target, watch: bool) -> Option<Self> {
        let whole = target.name.is_empty();
        Some(match method.as_str() {
            "GET" if watch => Self::Watch,
            "GET" if whole => Self::List,
            "GET" => Self::Get,
            "POST" if whole || !target.subresource.is_empty() => Self::Create,
            "PUT" if !whole => Self::Update,
            "PATCH" if !whole => Self::Patch,
            "DELETE" if whole => Self::DeleteCollection,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }

    /// Whether it changes nothing.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Get | Self::List | Self::Watch)
    }

    /// As discovery names it.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// Undoes the percent-encoding of a path or of one part of a query; none if it is no UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The query of a request: each parameter's values in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b=2`; what cannot be decoded is left out, as Go does.
    pub(super) fn read(text: &str) -> Self {
        let part = |p: &str| decoded(&p.replace('+', " "));
        let pairs = text.split('&').filter(|p| !p.is_empty() && !p.contains(';')).filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((part(key)?, part(value)?))
        });
        Self(pairs.collect())
    }

    /// The first value of a parameter; none if it is not there.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The same, empty if it is not there.
    pub(super) fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// A boolean as apimachinery reads it: anything but `false` and `0` is true (`pkg/runtime/conversion.go`).
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).map(|v| !matches!(v.to_ascii_lowercase().as_str(), "false" | "0"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Query, decoded, read};
    use crate::simulate::Target;

    fn target(group: &str, namespace: &str, resource: &str, name: &str, subresource: &str) -> Address {
        let own = |s: &str| s.to_owned();
        let version = own("v1");
        let target = Target {
            group: own(group),
            version,
            resource: own(resource),
            subresource: own(subresource),
            namespace: own(namespace),
            name: own(name),
        };
        Address::Resource(target, false)
    }

    #[test]
    fn paths_name_what_the_request_info_resolver_says() {
        assert_eq!(read("/api/v1/namespaces"), target("", "", "namespaces", "", ""));
        assert_eq!(read("/api/v1/namespaces/x"), target("", "", "namespaces", "x", ""));
        assert_eq!(read("/api/v1/namespaces/x/finalize"), target("", "", "namespaces", "x", "finalize"));
        assert_eq!(read("/api/v1/namespaces/x/pods"), target("", "x", "pods", "", ""));
        assert_eq!(read("/apis/apps/v1/namespaces/x/deployments/d/scale"), target("apps", "x", "deployments", "d", "scale"));
        assert_eq!(read("/apis/apps/v1"), Address::GroupVersion("apps".into(), "v1".into()));
        assert_eq!(read("/api/v1//namespaces"), Address::NoResource);
        assert_eq!(read("/api/v1/../v1/namespaces"), Address::NoResource);
        assert_eq!(read("/nope"), Address::Nowhere);
        assert!(matches!(read("/api/v1/watch/pods"), Address::Resource(_, true)));
    }

    #[test]
    fn encoded_text_is_decoded() {
        assert_eq!(decoded("a%2Fb%20c").as_deref(), Some("a/b c"));
        assert_eq!(decoded("a%2"), None);
        let query = Query::read("labelSelector=app%3Dweb%2Cx+in+%28a%29&watch=1&force=false");
        assert_eq!(query.text("labelSelector"), "app=web,x in (a)");
        assert_eq!((query.flag("watch"), query.flag("force"), query.flag("none")), (Some(true), Some(false), None));
    }
}
