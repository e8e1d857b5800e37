//! Which objects a command means: references in kubectl's spellings and manifests become objects and their resources.
//!
//! Follows cli-runtime `pkg/resource/builder.go` and client-go `restmapper`.

use super::{Api, Session};
use crate::object::{Gvk, ObjectId, Value, map_at, text};
use crate::schema::Resource;
use crate::simulate::request::Target;

/// What a command works on.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    pub(super) id: ObjectId,
    pub(super) resource: Resource,
}

impl Aim {
    /// The object's own endpoint, or that of a subresource.
    pub(super) fn target(&self, subresource: &str) -> Target {
        Target {
            group: self.resource.group.clone(),
            version: self.resource.version.clone(),
            resource: self.resource.resource.clone(),
            subresource: subresource.to_owned(),
            namespace: self.id.namespace.as_str().into(),
            name: self.id.name.as_str().into(),
        }
    }

    /// `deployments.apps`, as errors name it.
    pub(super) fn qualified_resource(&self) -> String {
        if self.resource.group.is_empty() {
            self.resource.resource.clone()
        } else {
            format!("{}.{}", self.resource.resource, self.resource.group)
        }
    }

    /// `Error from server (NotFound): deployments.apps "x" not found`.
    pub(super) fn not_found(&self) -> String {
        format!("Error from server (NotFound): {} {:?} not found", self.qualified_resource(), self.id.name)
    }
}

/// The object of a reference: `deployment/x`, `deploy/x`, `deployments.apps/x`, `deployments.v1.apps/x` or `kind/namespace/name`.
pub(super) fn of_reference(api: &impl Api, reference: &str, session: &Session<'_>) -> Result<Aim, String> {
    let parts: Vec<&str> = reference.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, name] => (kind, session.namespace, name),
        [kind, namespace, name] => (kind, namespace, name),
        _ => return Err(format!("`{reference}` is neither `kind/name` nor `kind/namespace/name`")),
    };
    let kind = kind.to_ascii_lowercase();
    let (word, rest) = kind.split_once('.').unwrap_or((&kind, ""));
    let resource = api.find_resource(&|r: &Resource| {
        let named = r.resource == word || r.singular == word || r.short.iter().any(|s| s == word) || r.kind.eq_ignore_ascii_case(word);
        let version = rest.strip_prefix(r.version.as_str()).and_then(|r| r.strip_prefix('.'));
        named && (rest.is_empty() || rest == r.group || version == Some(&r.group))
    });
    let resource = resource.ok_or_else(|| format!("error: the server doesn't have a resource type {kind:?}"))?;
    Ok(aim(resource, namespace, name))
}

/// The object of a manifest, and the manifest with its namespace filled in.
pub(super) fn of_manifest(api: &impl Api, manifest: &Value, session: &Session<'_>) -> Result<(Aim, Value), String> {
    let aim = aim_of(api, manifest, session)?;
    let mut manifest = manifest.clone();
    if aim.resource.namespaced && text(&manifest, &["metadata", "namespace"]).is_empty() {
        map_at(&mut manifest, &["metadata"]).insert("namespace".into(), session.namespace.into());
    }
    Ok((aim, manifest))
}

/// The object of a manifest.
pub(super) fn aim_of(api: &impl Api, manifest: &Value, session: &Session<'_>) -> Result<Aim, String> {
    let (gvk, name) = (Gvk::of(manifest), text(manifest, &["metadata", "name"]));
    let resource = api.resource(&gvk).ok_or_else(|| {
        let version = gvk.api_version();
        format!("resource mapping not found for name: {name:?}: no matches for kind {:?} in version {version:?}", gvk.kind)
    })?;
    let namespace = match text(manifest, &["metadata", "namespace"]) {
        "" => session.namespace,
        named => named,
    };
    Ok(aim(resource, namespace, name))
}

fn aim(resource: Resource, namespace: &str, name: &str) -> Aim {
    let namespace = if resource.namespaced { namespace.to_owned() } else { String::new() };
    Aim {
        id: ObjectId {
            group: resource.group.as_str().into(),
            kind: resource.kind.as_str().into(),
            namespace: namespace.into(),
            name: name.into(),
        },
        resource,
    }
}

/// The objects that a step's list names; for an empty list, the manifests whose kind is one of `kinds`.
pub(super) fn chosen(
    api: &impl Api,
    session: &Session<'_>,
    manifests: &[Value],
    named: &[String],
    kinds: &[&str],
) -> Vec<Result<Aim, String>> {
    if !named.is_empty() {
        return named.iter().map(|reference| of_reference(api, reference, session)).collect();
    }
    let wanted = |m: &&Value| kinds.contains(&text(m, &["kind"])) && pod_spec_path(&Gvk::of(m)).is_some();
    manifests.iter().filter(wanted).map(|manifest| aim_of(api, manifest, session)).collect()
}

/// Where a kind has its pod spec, for the kinds that kubectl knows one of (`pkg/polymorphichelpers/updatepodspec.go`).
pub(super) fn pod_spec_path(gvk: &Gvk) -> Option<&'static [&'static str]> {
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Pod") => Some(&["spec"]),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("", "ReplicationController") | ("batch", "Job") => {
            Some(&["spec", "template", "spec"])
        }
        ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        _ => None,
    }
}
