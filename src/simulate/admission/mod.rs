//! Admission that alters or refuses: what the plugins that are on by default do to a write.
//!
//! Follows `pkg/kubeapiserver/options/plugins.go:AllOrderedPlugins`: each plugin is a file, called here in its order. What
//! admission adds to an object belongs to no field manager, for ownership is settled before it runs.

mod limit_ranger;
mod namespace_lifecycle;
mod pod_security;
mod resource_quota;
mod service_account;
mod storage;
pub(super) mod webhooks;

use super::resources::Served;
use super::status::quoted;
use super::{ApiError, Cluster, Reason};
use crate::object::{Value, text};

/// The mutating plugins; `live` is none for a creation.
pub(super) fn mutate(
    cluster: &Cluster,
    served: &Served,
    object: &mut Value,
    live: Option<&Value>,
    warnings: &mut Vec<String>,
) -> Result<(), ApiError> {
    if let Some(spec) = pod_spec(served, object) {
        warnings.extend(pod_security::warning(cluster, text(object, &["metadata", "namespace"]), spec));
    }
    if live.is_none() {
        namespace_lifecycle::create(cluster, served, object)?;
        storage::default_class(cluster, served, object);
        storage::protect(served, object);
        if served.kind == "Pod" && served.group.is_empty() {
            return pod(cluster, object);
        }
        let (group, resource) = resource_quota::resource_of(served);
        let refused = (served.kind == "PersistentVolumeClaim").then(|| limit_ranger::refuse(cluster, object)).flatten();
        let refused = refused.or_else(|| resource_quota::refuse(cluster, (&group, &resource), &served.kind, object));
        return refused.map_or(Ok(()), |why| Err(forbidden(&served.qualified_resource(), object, &why)));
    }
    Ok(())
}

/// The pods that an object makes.
fn pod_spec<'o>(served: &Served, object: &'o Value) -> Option<&'o Value> {
    let template = &object["spec"]["template"]["spec"];
    let spec = match (served.group.as_str(), served.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") | ("", "ReplicationController") => template,
        ("batch", "CronJob") => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        _ => return None,
    };
    Some(spec).filter(|s| s.is_object())
}

/// A pod on its way in, whoever makes it: completed by the plugins, or refused by one.
///
/// # Errors
/// 403, in the words of the plugin that refuses it.
pub(super) fn pod(cluster: &Cluster, pod: &mut Value) -> Result<(), ApiError> {
    limit_ranger::fill(cluster, pod);
    let refused = limit_ranger::refuse(cluster, pod)
        .or_else(|| service_account::refuse(cluster, pod))
        .or_else(|| pod_security::refuse(cluster, pod))
        .or_else(|| resource_quota::refuse(cluster, ("", "pods"), "Pod", pod));
    refused.map_or(Ok(()), |why| Err(forbidden("pods", pod, &why)))
}

fn forbidden(resource: &str, object: &Value, why: &str) -> ApiError {
    let name = [["metadata", "name"], ["metadata", "generateName"]].iter().map(|path| text(object, path)).find(|n| !n.is_empty());
    ApiError::new(403, Reason::Forbidden, format!("{resource} {} is forbidden: {why}", quoted(name.unwrap_or_default())))
}

/// Before an object is deleted.
pub(super) fn delete(_cluster: &Cluster, served: &Served, live: &Value) -> Result<(), ApiError> {
    namespace_lifecycle::delete(served, live)
}

#[cfg(test)]
mod tests {
    use crate::object::{Value, json, map_at};
    use crate::schema::Version;
    use crate::simulate::clock::Clock;
    use crate::simulate::{Body, Cluster, Request, Response, Target, Verb, WriteOptions};
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
