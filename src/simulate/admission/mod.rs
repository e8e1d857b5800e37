//! Admission that alters or refuses: what the plugins that are on by default do to a write.
//!
//! Follows `pkg/kubeapiserver/options/plugins.go:AllOrderedPlugins`: each plugin is a file, or a function of one, called here in its
//! order. First some change the object; then the strategy prepares and validation judges it; then others refuse it. What admission
//! adds to an object belongs to no field manager, for ownership is settled before it runs.

mod ingress;
mod limit_ranger;
mod namespace_lifecycle;
mod nodes;
mod pod_security;
mod priority;
pub(super) mod quota_sums;
mod quota_usage;
mod resource_quota;
mod runtime_class;
mod service_account;
mod storage;
pub(super) mod webhooks;

use super::resources::Served;
use super::status::quoted;
use super::{ApiError, Cluster, Reason, validate as validation};
use crate::object::{Gvk, Value, text};
use std::sync::Arc;

/// A write as the plugins see it.
pub(super) struct Attributes<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) served: &'a Served,
    /// Empty for the object itself.
    pub(super) subresource: &'a str,
    /// The name in the URL; empty if there is none.
    pub(super) name: &'a str,
    /// The stored object; none for a creation.
    pub(super) live: Option<&'a Value>,
}

impl Attributes<'_> {
    fn resource(&self) -> &str {
        self.served.resource.split('/').next().unwrap_or_default()
    }

    /// The group and kind, if the object itself is written.
    fn whole(&self) -> (&str, &str) {
        if self.subresource.is_empty() { (&self.served.group, &self.served.kind) } else { ("", "") }
    }
}

/// The plugins that change an object; some refuse it already.
pub(super) fn mutate(asked: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
    if asked.live.is_none() {
        namespace_lifecycle::exists(asked, object)?;
    }
    complete(asked, object)
}

fn complete(asked: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
    let cluster = asked.cluster;
    let new = asked.live.is_none();
    if new {
        namespace_lifecycle::stays(asked, object)?;
    }
    match asked.whole() {
        ("", "Pod") if new => {
            limit_ranger::fill(cluster, object);
            service_account::check(asked, object)?;
            priority::resolve(asked, object)?;
            nodes::tolerate_failures(object);
            runtime_class::fill(asked, object)?;
            nodes::label_with_topology(cluster, object);
        }
        ("", "Pod") => {
            priority::resolve(asked, object)?;
            nodes::tolerate_failures(object);
        }
        ("", "Node") if new => nodes::taint(object),
        ("", "PersistentVolumeClaim") if new => {
            storage::default_class(cluster, object);
            storage::protect("PersistentVolumeClaim", object);
        }
        ("" | "storage.k8s.io", kind) if new => storage::protect(kind, object),
        ("networking.k8s.io", "Ingress") if new => ingress::default_class(cluster, object),
        _ => {}
    }
    if (asked.served.kind.as_str(), asked.subresource) == ("Pod", "resize") && object["metadata"].get("deletionTimestamp").is_none() {
        limit_ranger::fill(cluster, object);
    }
    Ok(())
}

/// The plugins that refuse an object that is valid otherwise, or warn of it.
pub(super) fn validate(asked: &Attributes<'_>, object: &Value, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    if limit_ranger::handles(asked) {
        limit_ranger::check(asked, object)?;
    }
    pod_security::check(asked, object, warnings)?;
    match asked.whole() {
        ("scheduling.k8s.io", "PriorityClass") => priority::one_default(asked, object)?,
        ("", "PersistentVolumeClaim") => storage::may_grow(asked, object)?,
        ("", "Pod") if asked.live.is_none() => runtime_class::check(asked, object)?,
        _ => {}
    }
    if (asked.served.kind.as_str(), asked.subresource) == ("Pod", "resize") {
        nodes::fits_when_resized(asked, object)?;
    }
    resource_quota::check(asked, object)
}

/// A pod or a claim on its way in that a controller makes: completed by the plugins, or refused by one. Its namespace may be one
/// that the state does not show.
///
/// # Errors
/// 403, in the words of the plugin that refuses it; 422 for a pod with what its template was let through with.
pub(super) fn of_controller(cluster: &Cluster, object: &mut Value) -> Result<(), ApiError> {
    let Some(served) = cluster.served_kind(&Gvk::of(object)) else { return Ok(()) };
    let asked = Attributes { cluster, served: &served, subresource: "", name: "", live: None };
    complete(&asked, object)?;
    let causes = if object["kind"] == "Pod" { validation::unlike_template(cluster.schema.version(), object) } else { Vec::new() };
    if !causes.is_empty() {
        return Err(ApiError::invalid(&served.qualified_kind(), text(object, &["metadata", "name"]), causes));
    }
    validate(&asked, object, &mut Vec::new())
}

/// The limits of a quota and what is used of them.
pub(super) fn quota_status(cluster: &Cluster, quota: &Arc<Value>) -> Value {
    resource_quota::status(cluster, quota)
}

/// Refused by a plugin; what has no name yet is called by what its name is made from.
fn forbidden(asked: &Attributes<'_>, object: &Value, why: &str) -> ApiError {
    let told = [asked.name, text(object, &["metadata", "name"]), text(object, &["metadata", "generateName"])];
    let name = told.into_iter().find(|n| !n.is_empty()).unwrap_or("Unknown");
    ApiError::new(403, Reason::Forbidden, format!("{} {} is forbidden: {why}", asked.served.qualified_resource(), quoted(name)))
}

/// Before an object of that name is looked for, to be deleted.
pub(super) fn delete(served: &Served, name: &str) -> Result<(), ApiError> {
    namespace_lifecycle::delete(served, name)
}

#[cfg(test)]
mod tests {
    use crate::object::{Value, json, map_at};
    use crate::schema::Version;
    use crate::simulate::clock::Clock;
    use crate::simulate::{Body, Cluster, PatchKind, Request, Response, Target, Verb, WriteOptions};
    use std::sync::Arc;

    fn cluster(objects: &[Value]) -> Cluster {
        let mut cluster = Cluster::new(Version::V1_36, Clock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let labels = json!({"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "restricted"});
        for (name, labels) in [("ns", json!({})), ("safe", labels)] {
            cluster.load(Arc::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})));
        }
        objects.iter().for_each(|o| cluster.load(Arc::new(o.clone())));
        cluster
    }

    fn post(cluster: &mut Cluster, namespace: &str, group: &str, resource: &str, mut body: Value) -> Response {
        map_at(&mut body, &["metadata"]).insert("namespace".into(), namespace.into());
        let target = Target {
            group: group.into(),
            version: "v1".into(),
            resource: resource.into(),
            namespace: namespace.into(),
            ..Target::default()
        };
        cluster.write(&Request { verb: Verb::Create, target, options: WriteOptions::default(), body: Body::Value(body) })
    }

    fn pod(name: &str, resources: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}})
    }

    fn refused(response: Response) -> String {
        response.result.unwrap_err().message
    }

    /// As a 1.36.2 server answered.
    #[test]
    fn limits_are_filled_in_and_held() {
        let limits = json!([{"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"}, "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
            "min": {"cpu": "50m"}, "max": {"cpu": "2", "memory": "1Gi"}}, {"type": "Pod", "max": {"cpu": "3"}},
            {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}, "min": {"storage": "1Gi"}}]);
        let mut c = cluster(&[
            json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l", "namespace": "ns"}, "spec": {"limits": limits}}),
        ]);
        let made = post(&mut c, "ns", "", "pods", pod("a", json!({}))).result.unwrap();
        let annotation = "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c";
        assert_eq!(made["metadata"]["annotations"]["kubernetes.io/limit-ranger"], annotation);
        let filled = json!({"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}});
        assert_eq!(made["spec"]["containers"][0]["resources"], filled);
        let mut no = |resources: Value| refused(post(&mut c, "ns", "", "pods", pod("b", resources)));
        assert_eq!(
            no(json!({"requests": {"cpu": "10m"}})),
            "pods \"b\" is forbidden: minimum cpu usage per Container is 50m, but request is 10m"
        );
        let all = "pods \"b\" is forbidden: [maximum cpu usage per Container is 2, but limit is 4, maximum memory usage per Container is 1Gi, but limit is 2Gi, maximum cpu usage per Pod is 3, but limit is 4]";
        assert_eq!(no(json!({"limits": {"cpu": "4", "memory": "2Gi"}})), all);
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "p"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}});
        let why = "persistentvolumeclaims \"p\" is forbidden: maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi";
        assert_eq!(refused(post(&mut c, "ns", "", "persistentvolumeclaims", claim)), why);
    }

    /// As a 1.36.2 server answered.
    #[test]
    fn claims_grow_where_their_class_lets_them() {
        let class = |name: &str, grows: Value| json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "p.example", "allowVolumeExpansion": grows});
        let claim = |name: &str, class: Value, annotations: Value| {
            let spec = json!({"accessModes": ["ReadWriteOnce"], "volumeName": "v", "volumeMode": "Filesystem", "storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}});
            let status = json!({"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]});
            let metadata = json!({"name": name, "namespace": "ns", "uid": name, "resourceVersion": "1", "annotations": annotations});
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec, "status": status})
        };
        let annotated = json!({"volume.beta.kubernetes.io/storage-class": "grows"});
        let mut c = cluster(&[
            class("grows", true.into()),
            class("stays", false.into()),
            claim("g", "grows".into(), json!({})),
            claim("s", "stays".into(), json!({})),
            claim("gone", "nobody".into(), json!({})),
            claim("none", "".into(), json!({})),
            claim("old", Value::Null, annotated),
        ]);
        let mut ask = |name: &str, size: &str| {
            let target = Target {
                version: "v1".into(),
                resource: "persistentvolumeclaims".into(),
                namespace: "ns".into(),
                name: name.into(),
                ..Target::default()
            };
            let body = Body::Value(json!({"spec": {"resources": {"requests": {"storage": size}}}}));
            c.write(&Request { verb: Verb::Patch(PatchKind::Merge), target, options: WriteOptions::default(), body })
        };
        assert_eq!(ask("g", "2Gi").code, 200);
        let less = r#"PersistentVolumeClaim "g" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"#;
        assert_eq!(refused(ask("g", "1Gi")), less);
        assert_eq!(ask("g", "1536Mi").code, 200);
        assert_eq!(ask("old", "2Gi").code, 200);
        for name in ["s", "gone", "none"] {
            let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
            assert_eq!(refused(ask(name, "2Gi")), format!("persistentvolumeclaims {name:?} is forbidden: {why}"));
        }
    }

    /// As a 1.36.2 server answered.
    #[test]
    fn quotas_are_counted() {
        let hard = json!({"pods": "2", "requests.cpu": "1", "limits.memory": "1Gi", "services": "1", "count/deployments.apps": "1"});
        let mut c = cluster(&[
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": hard}}),
        ]);
        let said = json!({"requests": {"cpu": "400m"}, "limits": {"memory": "400Mi"}});
        let unsaid = "pods \"a\" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c";
        assert_eq!(refused(post(&mut c, "ns", "", "pods", pod("a", json!({})))), unsaid);
        for name in ["a", "b"] {
            assert_eq!(post(&mut c, "ns", "", "pods", pod(name, said.clone())).code, 201);
        }
        let over = "pods \"c\" is forbidden: exceeded quota: q, requested: limits.memory=400Mi,pods=1,requests.cpu=400m, used: limits.memory=800Mi,pods=2,requests.cpu=800m, limited: limits.memory=1Gi,pods=2,requests.cpu=1";
        assert_eq!(refused(post(&mut c, "ns", "", "pods", pod("c", said))), over);
        let service =
            |name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
        assert_eq!(post(&mut c, "ns", "", "services", service("a")).code, 201);
        let over = "services \"b\" is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1";
        assert_eq!(refused(post(&mut c, "ns", "", "services", service("b"))), over);
    }

    /// As a 1.36.2 server answered.
    #[test]
    fn namespaces_keep_pods_out_and_warn_of_templates() {
        let mut c = cluster(&[]);
        let deployment = |name: &str, spec: Value| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}}})
        };
        let two = json!({"containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]});
        let warned = r#"would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (containers "c", "d" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers "c", "d" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or containers "c", "d" must set securityContext.runAsNonRoot=true), seccompProfile (pod or containers "c", "d" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#;
        assert_eq!(post(&mut c, "safe", "apps", "deployments", deployment("a", two)).warnings, [warned]);
        let close = json!({"securityContext": {"runAsNonRoot": true, "runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "c", "image": "i", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}}],
            "volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]});
        let warned = r#"would violate PodSecurity "restricted:latest": unrestricted capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add), restricted volume types (volume "v" uses restricted volume type "nfs"), runAsUser=0 (pod must not set runAsUser=0)"#;
        assert_eq!(post(&mut c, "safe", "apps", "deployments", deployment("b", close)).warnings, [warned]);
        let mut bad = pod("x", json!({}));
        bad["spec"] = json!({"hostPID": true, "volumes": [{"name": "v", "hostPath": {"path": "/"}}], "containers": [{"name": "c", "image": "i",
            "securityContext": {"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}}, "ports": [{"containerPort": 80, "hostPort": 80}]}]});
        let why = r#"pods "x" is forbidden: violates PodSecurity "baseline:latest": non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add), host namespaces (hostPID=true), hostPath volumes (volume "v"), hostPort (container "c" uses hostPort 80), privileged (container "c" must not set securityContext.privileged=true)"#;
        assert_eq!(refused(post(&mut c, "safe", "", "pods", bad)), why);
    }
}
