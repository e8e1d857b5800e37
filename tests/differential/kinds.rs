//! The kinds that are written to: where they are served, how often they are drawn, and the least that each must say.

use rollcast::object::Value;

pub struct Kind {
    pub name: &'static str,
    pub api_version: &'static str,
    pub resource: &'static str,
    pub namespaced: bool,
    pub weight: usize,
    least: &'static str,
}

const fn kind(name: &'static str, api_version: &'static str, resource: &'static str, weight: usize, least: &'static str) -> Kind {
    Kind { name, api_version, resource, namespaced: true, weight, least }
}

const fn of_cluster(name: &'static str, api_version: &'static str, resource: &'static str, weight: usize, least: &'static str) -> Kind {
    Kind { name, api_version, resource, namespaced: false, weight, least }
}

macro_rules! workload {
    ($more:literal) => {
        concat!(
            r#"{"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"#,
            r#""spec":{"containers":[{"name":"agent","image":"a:1"}]}}"#,
            $more,
            "}}"
        )
    };
}

pub const KINDS: &[Kind] = &[
    kind("Deployment", "apps/v1", "deployments", 300, workload!("")),
    kind("StatefulSet", "apps/v1", "statefulsets", 180, workload!(r#","serviceName":"svc""#)),
    kind("DaemonSet", "apps/v1", "daemonsets", 120, workload!("")),
    kind("ReplicaSet", "apps/v1", "replicasets", 30, workload!("")),
    kind("Pod", "v1", "pods", 40, r#"{"spec":{"containers":[{"name":"agent","image":"a:1"}]}}"#),
    kind(
        "Job",
        "batch/v1",
        "jobs",
        30,
        r#"{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"agent","image":"a:1"}]}}}}"#,
    ),
    kind(
        "CronJob",
        "batch/v1",
        "cronjobs",
        30,
        r#"{"spec":{"schedule":"0 0 1 1 *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"agent","image":"a:1"}]}}}}}}"#,
    ),
    kind("Service", "v1", "services", 30, r#"{"spec":{"selector":{"app":"x"},"ports":[{"port":80}]}}"#),
    kind("ConfigMap", "v1", "configmaps", 15, r#"{"data":{"a":"1"}}"#),
    kind("Secret", "v1", "secrets", 15, r#"{"data":{"a":"MQ=="}}"#),
    kind("ServiceAccount", "v1", "serviceaccounts", 10, "{}"),
    kind(
        "PersistentVolumeClaim",
        "v1",
        "persistentvolumeclaims",
        15,
        r#"{"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"c","resources":{"requests":{"storage":"1Gi"}}}}"#,
    ),
    of_cluster(
        "PersistentVolume",
        "v1",
        "persistentvolumes",
        10,
        r#"{"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"storageClassName":"c-{ns}","hostPath":{"path":"/p"}}}"#,
    ),
    of_cluster("Namespace", "v1", "namespaces", 6, "{}"),
    kind("ResourceQuota", "v1", "resourcequotas", 10, r#"{"spec":{"hard":{"pods":"100"}}}"#),
    kind("LimitRange", "v1", "limitranges", 10, r#"{"spec":{"limits":[{"type":"Container","default":{"cpu":"1"}}]}}"#),
    kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", 15, r#"{"spec":{"podSelector":{}}}"#),
    kind(
        "Ingress",
        "networking.k8s.io/v1",
        "ingresses",
        15,
        r#"{"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}}"#,
    ),
    kind(
        "PodDisruptionBudget",
        "policy/v1",
        "poddisruptionbudgets",
        10,
        r#"{"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"x"}}}}"#,
    ),
    kind(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        "horizontalpodautoscalers",
        15,
        r#"{"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"nobody"}}}"#,
    ),
    kind("Role", "rbac.authorization.k8s.io/v1", "roles", 6, r#"{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#),
    kind(
        "RoleBinding",
        "rbac.authorization.k8s.io/v1",
        "rolebindings",
        6,
        r#"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"agent","namespace":"{ns}"}]}"#,
    ),
    of_cluster(
        "ClusterRole",
        "rbac.authorization.k8s.io/v1",
        "clusterroles",
        6,
        r#"{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#,
    ),
    of_cluster(
        "ClusterRoleBinding",
        "rbac.authorization.k8s.io/v1",
        "clusterrolebindings",
        6,
        r#"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"u","apiGroup":"rbac.authorization.k8s.io"}]}"#,
    ),
    of_cluster("StorageClass", "storage.k8s.io/v1", "storageclasses", 6, r#"{"provisioner":"p.example"}"#),
    of_cluster("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses", 6, r#"{"value":7}"#),
    // The one kind that is served in two versions: its sequences write in both.
    kind(
        "HorizontalPodAutoscaler",
        "autoscaling/v1",
        "horizontalpodautoscalers",
        15,
        r#"{"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"nobody"}}}"#,
    ),
];

impl Kind {
    /// The smallest manifest.
    pub fn least(&self) -> Value {
        let mut object: Value = serde_json::from_str(self.least).unwrap();
        let map = object.as_object_mut().unwrap();
        map.shift_insert(0, "apiVersion".into(), self.api_version.into());
        map.shift_insert(1, "kind".into(), self.name.into());
        map.shift_insert(2, "metadata".into(), rollcast::object::json!({"name": self.object_name()}));
        object
    }

    pub fn group(&self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    pub fn version(&self) -> &'static str {
        self.api_version.split_once('/').map_or(self.api_version, |(_, version)| version)
    }

    /// Objects of a case are alone in its namespace, so a cluster's own carry its name.
    pub fn object_name(&self) -> &'static str {
        if self.namespaced { "x" } else { "x-{ns}" }
    }

    /// The path of the collection.
    pub fn collection(&self) -> String {
        let root = if self.group().is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}", self.api_version) };
        if self.namespaced { format!("{root}/namespaces/{{ns}}/{}", self.resource) } else { format!("{root}/{}", self.resource) }
    }

    /// The path of the case's object.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.object_name())
    }

    /// The same kind in another version, if it is served in two.
    pub fn twin(&self) -> Option<&'static Kind> {
        KINDS.iter().find(|k| k.name == self.name && k.api_version != self.api_version)
    }

    /// Whether a controller answers to it with `status.observedGeneration`.
    pub fn has_revisions(&self) -> bool {
        matches!(self.name, "Deployment" | "StatefulSet" | "DaemonSet")
    }

    pub fn has_scale(&self) -> bool {
        matches!(self.name, "Deployment" | "StatefulSet" | "ReplicaSet")
    }

    pub fn has_status(&self) -> bool {
        self.has_revisions() || matches!(self.name, "Job" | "Pod" | "ResourceQuota" | "Ingress" | "PodDisruptionBudget" | "Namespace")
    }
}
