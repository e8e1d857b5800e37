#!/usr/bin/env python3
"""Records what a real API server refuses, and with which words: tests/recorded/validation-VERSION.json.gz.

usage: make_validation.py SERVER TOKEN OUT     (SERVER: https://127.0.0.1:16443; needs nothing but the standard library)

Each case is a valid object with one or two things wrong in it, sent as a dry-run POST, or as a dry-run PUT over the valid object, which is then
stored as `old`. Kept of the answer: code, reason, message, causes, and the Warning headers. An object that was taken is kept as well: it must
validate without an error.
"""
import copy, gzip, http.client, json, ssl, sys, time, urllib.request, urllib.error

SERVER, TOKEN, OUT = sys.argv[1:4]
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
NAMESPACE = "validation"

def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}, method=method)
    try:
        answer = urllib.request.urlopen(request, context=TLS)
        return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers.get_all("Warning") or []
    except http.client.RemoteDisconnected:
        return 0, {}, [] # it panicked, as 1.34 does at a schedule `TZ=0`

def meta(kind, api, **rest):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, **rest}

POD = {"containers": [{"name": "c", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD}
SELECTOR = {"matchLabels": {"a": "b"}}
APPS, CORE = "/apis/apps/v1/namespaces/%s/" % NAMESPACE, "/api/v1/namespaces/%s/" % NAMESPACE
BASES = {
    "deployment": (APPS + "deployments", meta("Deployment", "apps/v1", spec={"selector": SELECTOR, "template": TEMPLATE})),
    "replicaset": (APPS + "replicasets", meta("ReplicaSet", "apps/v1", spec={"selector": SELECTOR, "template": TEMPLATE, "replicas": 0})),
    "statefulset": (APPS + "statefulsets", meta("StatefulSet", "apps/v1", spec={"selector": SELECTOR, "template": TEMPLATE, "serviceName": "s",
        "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]})),
    "daemonset": (APPS + "daemonsets", meta("DaemonSet", "apps/v1", spec={"selector": SELECTOR, "template": TEMPLATE})),
    "pod": (CORE + "pods", meta("Pod", "v1", spec=POD)),
    "job": ("/apis/batch/v1/namespaces/%s/jobs" % NAMESPACE, meta("Job", "batch/v1", spec={"suspend": True, "template": {"spec": {**POD, "restartPolicy": "Never"}}})),
    "running": ("/apis/batch/v1/namespaces/%s/jobs" % NAMESPACE, meta("Job", "batch/v1", spec={"parallelism": 0, "template": {"spec": {**POD, "restartPolicy": "Never"}}})),
    "cronjob": ("/apis/batch/v1/namespaces/%s/cronjobs" % NAMESPACE, meta("CronJob", "batch/v1", spec={"schedule": "* * * * *",
        "suspend": True, "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}})),
    "service": (CORE + "services", meta("Service", "v1", spec={"selector": {"a": "b"}, "ports": [{"port": 80}]})),
    "configmap": (CORE + "configmaps", meta("ConfigMap", "v1", data={"k": "v"})),
    "frozen": (CORE + "configmaps", meta("ConfigMap", "v1", data={"k": "v"}, immutable=True)),
    "secret": (CORE + "secrets", meta("Secret", "v1", data={"k": "dg=="})),
    "serviceaccount": (CORE + "serviceaccounts", meta("ServiceAccount", "v1")),
    "claim": (CORE + "persistentvolumeclaims", meta("PersistentVolumeClaim", "v1", spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})),
    "volume": ("/api/v1/persistentvolumes", meta("PersistentVolume", "v1", spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp"}})),
    "namespace": ("/api/v1/namespaces", meta("Namespace", "v1")),
    "quota": (CORE + "resourcequotas", meta("ResourceQuota", "v1", spec={"hard": {"pods": "10"}})),
    "limits": (CORE + "limitranges", meta("LimitRange", "v1", spec={"limits": [{"type": "Container", "max": {"cpu": "2"}}]})),
    "policy": ("/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies" % NAMESPACE, meta("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": {}})),
    "ingress": ("/apis/networking.k8s.io/v1/namespaces/%s/ingresses" % NAMESPACE, meta("Ingress", "networking.k8s.io/v1", spec={"rules": [{"host": "a.example",
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]})),
    "ingressclass": ("/apis/networking.k8s.io/v1/ingressclasses", meta("IngressClass", "networking.k8s.io/v1", spec={"controller": "a.example/c"})),
    "budget": ("/apis/policy/v1/namespaces/%s/poddisruptionbudgets" % NAMESPACE, meta("PodDisruptionBudget", "policy/v1", spec={"minAvailable": 1, "selector": SELECTOR})),
    "hpa": ("/apis/autoscaling/v2/namespaces/%s/horizontalpodautoscalers" % NAMESPACE, meta("HorizontalPodAutoscaler", "autoscaling/v2", spec={"maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}})),
    "hpa1": ("/apis/autoscaling/v1/namespaces/%s/horizontalpodautoscalers" % NAMESPACE, meta("HorizontalPodAutoscaler", "autoscaling/v1", spec={"maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}})),
    "role": ("/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles" % NAMESPACE, meta("Role", "rbac.authorization.k8s.io/v1", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])),
    "clusterrole": ("/apis/rbac.authorization.k8s.io/v1/clusterroles", meta("ClusterRole", "rbac.authorization.k8s.io/v1", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])),
    "binding": ("/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings" % NAMESPACE, meta("RoleBinding", "rbac.authorization.k8s.io/v1",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, subjects=[{"kind": "ServiceAccount", "name": "a", "namespace": "b"}])),
    "clusterbinding": ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", meta("ClusterRoleBinding", "rbac.authorization.k8s.io/v1",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, subjects=[])),
    "storageclass": ("/apis/storage.k8s.io/v1/storageclasses", meta("StorageClass", "storage.k8s.io/v1", provisioner="a.example/p")),
    "priorityclass": ("/apis/scheduling.k8s.io/v1/priorityclasses", meta("PriorityClass", "scheduling.k8s.io/v1", value=5)),
    "crd": ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.a.example"},
        "spec": {"group": "a.example", "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}),
}
LONG = "a" * 254

def put(target, path, value):
    """Sets `spec.ports.0.name`; `!` as the value takes it away."""
    keys = [int(k) if k.isdigit() else k.replace("~", ".") for k in path.split(".")]
    for key, after in zip(keys, keys[1:]):
        if isinstance(target, list):
            while len(target) <= key:
                target.append([] if isinstance(after, int) else {})
            target = target[key]
        else:
            target = target.setdefault(key, [] if isinstance(after, int) else {})
    if value == "!":
        target.pop(keys[-1], None) if isinstance(target, dict) else target.pop(keys[-1])
    elif isinstance(target, list) and keys[-1] == len(target):
        target.append(value)
    else:
        target[keys[-1]] = value

C = "spec.containers.0."
P = "spec."
# What is wrong with a pod: tried on a Pod, and every other one on a Deployment's template.
PODS = [
    {C + "image": "!"}, {C + "image": ""}, {C + "image": " i"}, {C + "name": ""}, {C + "name": "Bad_Name"}, {C + "name": "a.b"}, {C + "name": "a" * 64},
    {"spec.containers": []}, {"spec.containers.1": {"name": "c", "image": "i"}}, {"spec.initContainers": [{"name": "c", "image": "i"}]},
    {C + "imagePullPolicy": "Sometimes"}, {C + "terminationMessagePolicy": "x"}, {C + "ports": [{"containerPort": 0}]}, {C + "ports": [{"containerPort": 70000}]},
    {C + "ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]}, {C + "ports": [{"containerPort": 1, "name": "UPPER--x-"}]},
    {C + "ports": [{"containerPort": 1, "protocol": "tcp"}]}, {C + "ports": [{"containerPort": 1, "hostPort": 80}, {"containerPort": 2, "hostPort": 80}]},
    {P + "hostNetwork": True, C + "ports": [{"containerPort": 1, "hostPort": 2}]}, {C + "env": [{"name": ""}]}, {C + "env": [{"name": "a=b", "value": "x"}]},
    {C + "env": [{"name": "a", "valueFrom": {}}]}, {C + "env": [{"name": "a", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
    {C + "env": [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.nope"}}}]}, {C + "env": [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]},
    {C + "env": [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['-x']"}}}]}, {C + "env": [{"name": "a", "valueFrom": {"fieldRef": {"apiVersion": "v2", "fieldPath": "metadata.name"}}}]},
    {C + "env": [{"name": "a", "valueFrom": {"resourceFieldRef": {"resource": "limits.nope"}}}]}, {C + "env": [{"name": "a", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}}}]},
    {C + "env": [{"name": "a", "valueFrom": {"configMapKeyRef": {"name": "A", "key": "b/c"}}}]}, {C + "env": [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "s"}}}]},
    {C + "env": [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}, "configMapKeyRef": {"name": "c", "key": "k"}}}]},
    {C + "env": [{"name": "a", "valueFrom": {"fileKeyRef": {"volumeName": "nope", "path": "../x", "key": "k"}}}]},
    {C + "envFrom": [{}]}, {C + "envFrom": [{"configMapRef": {"name": ""}}]}, {C + "envFrom": [{"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}]}, {C + "envFrom": [{"prefix": "=", "secretRef": {"name": "B_"}}]},
    {C + "volumeMounts": [{"name": "nope", "mountPath": "/a"}]}, {C + "volumeMounts": [{"name": "", "mountPath": ""}]},
    {P + "volumes": [{"name": "v", "emptyDir": {}}], C + "volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]},
    {P + "volumes": [{"name": "v", "emptyDir": {}}], C + "volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "/b", "subPathExpr": "../c"}]},
    {P + "volumes": [{"name": "v", "emptyDir": {}}], C + "volumeMounts": [{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}]},
    {P + "volumes": [{"name": "v", "emptyDir": {}}], C + "volumeMounts": [{"name": "v", "mountPath": "/a", "recursiveReadOnly": "Enabled"}]},
    {P + "volumes": [{"name": "v", "emptyDir": {}}], C + "volumeDevices": [{"name": "v", "devicePath": "/a/../b"}]}, {C + "volumeDevices": [{"name": "", "devicePath": ""}]},
    {P + "volumes": [{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]}, {P + "volumes": [{"name": "V", "emptyDir": {}}]}, {P + "volumes": [{"name": "", "emptyDir": {}}]},
    {P + "volumes": [{"name": "v"}]}, {P + "volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]}, {P + "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "-1"}}]},
    {P + "volumes": [{"name": "v", "hostPath": {"path": "/a/../b", "type": "Nope"}}]}, {P + "volumes": [{"name": "v", "hostPath": {"path": ""}}]},
    {P + "volumes": [{"name": "v", "secret": {"secretName": "", "defaultMode": 9999, "items": [{"key": "", "path": "../x"}]}}]},
    {P + "volumes": [{"name": "v", "configMap": {"name": "", "items": [{"key": "a", "path": "..x", "mode": -1}]}}]},
    {P + "volumes": [{"name": "v", "downwardAPI": {"items": [{"path": "a"}, {"path": "/b", "fieldRef": {"fieldPath": "spec.nodeName"}}, {"path": "c", "resourceFieldRef": {"resource": "limits.cpu"}}]}}]},
    {P + "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": ""}, "configMap": {"name": "c"}}, {"serviceAccountToken": {"path": "", "expirationSeconds": 5}}]}}]},
    {P + "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "a", "items": [{"key": "k", "path": "p"}]}}, {"configMap": {"name": "b", "items": [{"key": "k", "path": "p"}]}}]}}]},
    {P + "volumes": [{"name": "v", "nfs": {"server": "", "path": "x"}}]}, {P + "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": ""}}]}, {P + "volumes": [{"name": "v", "csi": {"driver": "A_b"}}]},
    {P + "volumes": [{"name": "v", "iscsi": {"targetPortal": "", "iqn": "x", "lun": 300}}]}, {P + "volumes": [{"name": "v", "fc": {}}]}, {P + "volumes": [{"name": "v", "gitRepo": {"repository": "", "directory": "/x"}}]},
    {P + "volumes": [{"name": "v", "gcePersistentDisk": {"pdName": "", "partition": 999}}]}, {P + "volumes": [{"name": "v", "azureDisk": {"diskName": "d", "diskURI": "x", "kind": "Managed", "cachingMode": "y"}}]},
    {P + "volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["x"]}}}}]}, {P + "volumes": [{"name": "v", "ephemeral": {}}]}, {P + "volumes": [{"name": "v", "image": {"pullPolicy": "x"}}]},
    {P + "volumes": [{"name": "v", "rbd": {"monitors": [], "image": ""}}]}, {P + "volumes": [{"name": "v", "flexVolume": {"driver": "", "options": {"kubernetes.io/x": "y"}}}]}, {P + "volumes": [{"name": "v", "storageos": {"volumeName": "A"}}]},
    {C + "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}, {C + "resources": {"requests": {"foo": "1"}}}, {C + "resources": {"limits": {"memory": "-1"}}}, {C + "resources": {"requests": {"a.example/gpu": "1"}}},
    {C + "resources": {"requests": {"a.example/gpu": "1"}, "limits": {"a.example/gpu": "2"}}}, {C + "resources": {"limits": {"a.example/gpu": "1500m"}}}, {C + "resources": {"limits": {"hugepages-2Mi": "3Mi"}}},
    {C + "resources": {"limits": {"hugepages-2Mi": "4Mi"}}}, {C + "resources": {"limits": {"requests.x/y": "1"}}}, {C + "resources": {"claims": [{"name": "x"}, {"name": "x"}]}}, {C + "resources": {"limits": {"-bad": "1"}}},
    {P + "resources": {"requests": {"cpu": "1", "storage": "1Gi"}}, C + "resources": {"requests": {"cpu": "2"}}},
    {C + "livenessProbe": {}}, {C + "livenessProbe": {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}}, {C + "livenessProbe": {"exec": {"command": []}}}, {C + "livenessProbe": {"httpGet": {"port": 0, "scheme": "ftp", "httpHeaders": [{"name": "a b", "value": ""}]}}},
    {C + "livenessProbe": {"tcpSocket": {"port": "UP"}, "successThreshold": 2}}, {C + "readinessProbe": {"grpc": {"port": 99999}, "terminationGracePeriodSeconds": 5}}, {C + "startupProbe": {"exec": {"command": ["a"]}, "periodSeconds": -1, "failureThreshold": -1, "terminationGracePeriodSeconds": -3}},
    {C + "lifecycle": {"preStop": {}}}, {C + "lifecycle": {"preStop": {"sleep": {"seconds": 50}}}}, {C + "lifecycle": {"stopSignal": "SIGUSR1"}}, {P + "os": {"name": "linux"}, C + "lifecycle": {"stopSignal": "SIGNOPE"}},
    {P + "initContainers": [{"name": "i", "image": "i", "livenessProbe": {"exec": {"command": ["a"]}}, "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}]},
    {P + "initContainers": [{"name": "i", "image": "i", "restartPolicy": "Sometimes"}]}, {P + "initContainers": [{"name": "i", "image": "i", "restartPolicy": "Always", "readinessProbe": {}}]},
    {C + "restartPolicy": "Nope"}, {C + "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}]}, {C + "restartPolicy": "Never", C + "restartPolicyRules": [{"action": "x"}, {"action": "Restart", "exitCodes": {"operator": "Is", "values": [1]}}]},
    {C + "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "x"}, {"resourceName": "cpu", "restartPolicy": "NotRequired"}, {"resourceName": "gpu", "restartPolicy": "NotRequired"}]},
    {C + "securityContext": {"runAsUser": -1, "runAsGroup": -2, "procMount": "x"}}, {C + "securityContext": {"allowPrivilegeEscalation": False, "privileged": True}}, {C + "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}},
    {C + "securityContext": {"seccompProfile": {"type": "Localhost"}}}, {C + "securityContext": {"seccompProfile": {"type": "x"}}}, {C + "securityContext": {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}}},
    {C + "securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": " x"}}}, {C + "securityContext": {"procMount": "Unmasked"}}, {C + "securityContext": {"windowsOptions": {"runAsUserName": "", "gmsaCredentialSpec": ""}}},
    {P + "securityContext": {"fsGroup": -1, "supplementalGroups": [-1], "fsGroupChangePolicy": "x", "supplementalGroupsPolicy": "y", "seLinuxChangePolicy": "z"}}, {P + "securityContext": {"sysctls": [{"name": "A b", "value": "1"}, {"name": "kernel.sem", "value": "1"}, {"name": "kernel.sem", "value": "1"}]}},
    {P + "securityContext": {"windowsOptions": {"hostProcess": True}}}, {P + "hostPID": True, P + "shareProcessNamespace": True}, {P + "hostUsers": False, P + "hostNetwork": True, P + "hostPID": True}, {P + "os": {"name": "windows"}, P + "securityContext": {"runAsUser": 1}, C + "securityContext": {"privileged": False}}, {P + "os": {"name": "mac"}},
    {P + "restartPolicy": "Sometimes"}, {P + "dnsPolicy": "x"}, {P + "dnsPolicy": "None"}, {P + "dnsPolicy": "None", P + "dnsConfig": {}}, {P + "dnsConfig": {"nameservers": ["x", "1.1.1.1", "1.1.1.1", "01.1.1.1"], "searches": ["A b"], "options": [{}]}}, {P + "hostAliases": [{"ip": "x", "hostnames": ["A_"]}]},
    {P + "nodeSelector": {"-a": "b c"}}, {P + "tolerations": [{"operator": "Equal"}, {"key": "a", "operator": "x"}, {"key": "a", "operator": "Exists", "value": "x"}, {"key": "a", "effect": "x"}, {"key": "a", "tolerationSeconds": 1}, {"key": "a", "operator": "Gt", "value": "1"}]},
    {P + "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}}, {P + "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "-", "operator": "In"}, {"key": "a", "operator": "Exists", "values": ["b"]}, {"key": "a", "operator": "Gt"}, {"key": "a", "operator": "x"}], "matchFields": [{"key": "spec", "operator": "In", "values": ["a", "b"]}]}]}}}},
    {P + "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {}}]}}}, {P + "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "", "namespaces": ["A"], "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]}}},
    {P + "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 101, "podAffinityTerm": {"topologyKey": "a b", "matchLabelKeys": ["x"]}}]}}}, {P + "topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "x", "minDomains": 0, "nodeTaintsPolicy": "x"}]},
    {P + "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b c"}}}, {"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}]},
    {P + "hostname": "A.b", P + "subdomain": "x_y"}, {P + "serviceAccountName": "A"}, {P + "runtimeClassName": "A_"}, {P + "activeDeadlineSeconds": 0}, {P + "hostnameOverride": "A", P + "setHostnameAsFQDN": True}, {P + "readinessGates": [{"conditionType": "a b"}]}, {P + "schedulingGates": [{"name": "a"}, {"name": "a"}, {"name": "b c"}]},
    {P + "resourceClaims": [{"name": "a"}, {"name": "a", "resourceClaimName": "A", "resourceClaimTemplateName": "b"}]}, {P + "ephemeralContainers": [{"name": "e", "image": "i"}]}, {"metadata.annotations": {"controller.kubernetes.io/pod-deletion-cost": "x", "seccomp.security.alpha.kubernetes.io/pod": "y"}},
    {C + "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], C + "ports": [{"containerPort": 1}, {"containerPort": 1}]}, {P + "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}], P + "imagePullSecrets": [{"name": "a"}, {"name": "a"}], P + "terminationGracePeriodSeconds": -1},
]
# What is wrong with any object's metadata.
METADATA = [
    {"metadata.name": "A"}, {"metadata.name": LONG}, {"metadata.name": "a.b"}, {"metadata.labels": {"-a": "b"}}, {"metadata.labels": {"a": "b c"}}, {"metadata.labels": {"a/b/c": "d"}}, {"metadata.labels": {"/a": "x", "b": "y" * 64}},
    {"metadata.annotations": {"a b": "c"}}, {"metadata.annotations": {"a": "x" * 300000}}, {"metadata.finalizers": ["x"]}, {"metadata.finalizers": ["a b/c"]}, {"metadata.ownerReferences": [{"apiVersion": "", "kind": "", "name": "", "uid": ""}]},
    {"metadata.ownerReferences": [{"apiVersion": "v1", "kind": "A", "name": "a", "uid": "1", "controller": True}, {"apiVersion": "v1", "kind": "B", "name": "b", "uid": "2", "controller": True}]},
    {"metadata.name": "!", "metadata.generateName": "A-"}, {"metadata.name": ".."}, {"metadata.ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "1"}]},
]
WORKLOADS = [{"spec.replicas": -1}, {"spec.selector": "!"}, {"spec.selector": {}}, {"spec.template.metadata.labels": {"a": "zz"}}, {"spec.template.metadata.labels": "!"}, {"spec.template.spec.restartPolicy": "Never"}, {"spec.minReadySeconds": -1},
    {"spec.template.spec.activeDeadlineSeconds": 5}, {"spec.selector": {"matchLabels": {"a": "b c"}}}, {"spec.selector": {"matchExpressions": [{"key": "a", "operator": "Is", "values": ["b"]}]}}, {"spec.revisionHistoryLimit": -1}]
ROLLING = "spec.strategy.rollingUpdate."
CREATE = {
    "deployment": METADATA + WORKLOADS + [{"spec.strategy.type": "rolling"}, {"spec.strategy": {"type": "Recreate", "rollingUpdate": {}}}, {ROLLING + "maxUnavailable": 0, ROLLING + "maxSurge": 0}, {ROLLING + "maxUnavailable": "0%", ROLLING + "maxSurge": "0%"},
        {ROLLING + "maxUnavailable": "101%"}, {ROLLING + "maxUnavailable": "5"}, {ROLLING + "maxSurge": "5.5%"}, {ROLLING + "maxSurge": -1}, {"spec.progressDeadlineSeconds": 5, "spec.minReadySeconds": 5}, {"spec.progressDeadlineSeconds": -1},
        {"spec.template.metadata.annotations": {"a b": "c"}}, {"spec.template.metadata.labels": {"a": "b", "-": "x y"}}],
    "replicaset": WORKLOADS[:7] + METADATA[:2],
    "statefulset": METADATA[:4] + WORKLOADS + [{"spec.podManagementPolicy": "x"}, {"spec.updateStrategy": {"type": "x"}}, {"spec.updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}}, {"spec.updateStrategy": {"rollingUpdate": {"partition": -1}}},
        {"spec.serviceName": "A"}, {"spec.ordinals": {"start": -1}}, {"spec.persistentVolumeClaimRetentionPolicy": {"whenDeleted": "x"}}, {"spec.volumeClaimTemplates.0.spec": {}}, {"spec.volumeClaimTemplates.0.spec.accessModes": ["x"]}, {"spec.template.spec.hostname": "A_b"}],
    "daemonset": METADATA[:2] + WORKLOADS[1:] + [{"spec.updateStrategy": {"type": "x"}}, {"spec.updateStrategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}}, {"spec.updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}, {"spec.updateStrategy": {"rollingUpdate": {"maxUnavailable": "101%"}}}],
    "pod": METADATA[:4] + PODS,
    "job": METADATA[:3] + [{"spec.parallelism": -1}, {"spec.completions": -1}, {"spec.backoffLimit": -1}, {"spec.activeDeadlineSeconds": -1}, {"spec.ttlSecondsAfterFinished": -1}, {"spec.template.spec.restartPolicy": "Always"}, {"spec.template.spec.restartPolicy": "x"}, {"spec.selector": SELECTOR},
        {"spec.manualSelector": True}, {"spec.completionMode": "x"}, {"spec.completionMode": "Indexed"}, {"spec.backoffLimitPerIndex": 1}, {"spec.maxFailedIndexes": 1}, {"spec.managedBy": "x"}, {"spec.managedBy": "A/b c"}, {"spec.podReplacementPolicy": "x"},
        {"spec.podFailurePolicy": {"rules": [{"action": "x"}, {"action": "Count", "onExitCodes": {"operator": "In", "values": [0, 2, 1, 1]}}, {"action": "FailIndex", "onPodConditions": [{"type": "a b", "status": "x"}]}]}}, {"spec.successPolicy": {"rules": []}},
        {"spec.completionMode": "Indexed", "spec.completions": 3, "spec.successPolicy": {"rules": [{}, {"succeededIndexes": "2-1"}, {"succeededIndexes": "0-1", "succeededCount": 3}, {"succeededIndexes": "7"}, {"succeededCount": 9}]}},
        {"metadata.name": "a" * 62, "spec.completionMode": "Indexed", "spec.completions": 11}, {"spec.template.spec.containers": []}],
    "cronjob": METADATA[:2] + [{"metadata.name": "a" * 53}, {"spec.schedule": ""}, {"spec.schedule": "bad"}, {"spec.schedule": "60 * * * *"}, {"spec.schedule": "* * 0 * *"}, {"spec.schedule": "x * * * *"}, {"spec.schedule": "5-1 * * * *"}, {"spec.schedule": "*/0 * * * *"}, {"spec.schedule": "1-2-3 * * * *"},
        {"spec.schedule": "1/2/3 * * * *"}, {"spec.schedule": "* * * foo *"}, {"spec.schedule": "@often"}, {"spec.schedule": "@every x"}, {"spec.schedule": "TZ=UTC * * * * *"}, {"spec.schedule": "TZ=Nope/Nope * * * * *"}, {"spec.schedule": "-1 * * * *"}, {"spec.schedule": "TZ=UTC"}, {"spec.timeZone": "Nope/Nope"}, {"spec.timeZone": ""},
        {"spec.timeZone": "Local"}, {"spec.timeZone": "a b"}, {"spec.timeZone": "local"}, {"spec.concurrencyPolicy": "x"}, {"spec.startingDeadlineSeconds": -1}, {"spec.successfulJobsHistoryLimit": -1, "spec.failedJobsHistoryLimit": -1}, {"spec.jobTemplate.spec.selector": SELECTOR}, {"spec.jobTemplate.spec.manualSelector": True},
        {"spec.jobTemplate.spec.template.spec.restartPolicy": "Always"}, {"spec.jobTemplate.spec.template.spec.containers.0.image": ""}],
    "service": METADATA[:4] + [{"metadata.name": "1a"}, {"metadata.name": "a" * 64}, {"spec.ports": []}, {"spec.ports": [{"port": 0}]}, {"spec.ports": [{"port": 1}, {"port": 2}]}, {"spec.ports": [{"port": 1, "name": "a"}, {"port": 1, "name": "a"}]}, {"spec.ports": [{"port": 1, "protocol": "x", "targetPort": "UP", "appProtocol": "a b"}]},
        {"spec.type": "x"}, {"spec.type": "ExternalName"}, {"spec.type": "ExternalName", "spec.externalName": "A_"}, {"spec.clusterIP": "None", "spec.type": "NodePort"}, {"spec.clusterIP": "x"}, {"spec.sessionAffinity": "x"}, {"spec.sessionAffinity": "ClientIP", "spec.sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}},
        {"spec.sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}}, {"spec.externalIPs": ["x", "127.0.0.1", "0.0.0.0", "169.254.1.1"]}, {"spec.ports.0.nodePort": 30000}, {"spec.loadBalancerSourceRanges": ["10.0.0.0/8"]}, {"spec.type": "LoadBalancer", "spec.loadBalancerSourceRanges": ["x", "10.0.0.1/8", "010.0.0.0/8"]},
        {"spec.allocateLoadBalancerNodePorts": True}, {"spec.loadBalancerClass": "a/b"}, {"spec.externalTrafficPolicy": "Local"}, {"spec.type": "NodePort", "spec.externalTrafficPolicy": "x"}, {"spec.internalTrafficPolicy": "x"}, {"spec.trafficDistribution": "x"}, {"spec.ipFamilies": ["IPv4", "IPv4"]}, {"spec.ipFamilies": ["x"]}, {"spec.ipFamilyPolicy": "x"},
        {"spec.selector": {"-a": "b c"}}, {"spec.healthCheckNodePort": 5}],
    "configmap": METADATA[:3] + [{"data": {"a/b": "x"}}, {"data": {"..": "x"}}, {"data": {"a": "x"}, "binaryData": {"a": "eA=="}}, {"data": {"a": "x" * 1048577}}, {"binaryData": {"..a": "eA=="}}],
    "secret": METADATA[:2] + [{"data": {"a b": "eA=="}}, {"type": "kubernetes.io/tls"}, {"type": "kubernetes.io/dockerconfigjson"}, {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "eA=="}}, {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": "W10="}}, {"type": "kubernetes.io/basic-auth"},
        {"type": "kubernetes.io/ssh-auth"}, {"type": "kubernetes.io/service-account-token"}, {"stringData": {"a": "x" * 1048577}}],
    "serviceaccount": METADATA[:2],
    "claim": METADATA[:2] + [{"spec.accessModes": []}, {"spec.accessModes": ["x"]}, {"spec.accessModes": ["ReadWriteOncePod", "ReadWriteOnce"]}, {"spec.resources": {}}, {"spec.resources.requests.storage": "0"}, {"spec.resources.requests.storage": "-1Gi"}, {"spec.storageClassName": "A"}, {"spec.volumeMode": "x"},
        {"spec.dataSource": {"kind": "X", "name": ""}}, {"spec.dataSource": {"apiGroup": "A_", "kind": "X", "name": "y"}}, {"spec.selector": {"matchLabels": {"-": "x y"}}}],
    "volume": METADATA[:2] + [{"spec.accessModes": []}, {"spec.accessModes": ["x"]}, {"spec.capacity": {}}, {"spec.capacity": {"cpu": "1"}}, {"spec.capacity.storage": "-1"}, {"spec.persistentVolumeReclaimPolicy": "x"}, {"spec.hostPath": "!"}, {"spec.hostPath": {"path": "/.."}}, {"spec.nfs": {"server": "s", "path": "/"}},
        {"spec.hostPath": {"path": "/"}, "spec.persistentVolumeReclaimPolicy": "Recycle"}, {"spec.hostPath": "!", "spec.local": {"path": "/a"}}, {"spec.hostPath": "!", "spec.csi": {"driver": "", "volumeHandle": "", "nodePublishSecretRef": {"name": "", "namespace": ""}}}, {"spec.nodeAffinity": {}}, {"spec.nodeAffinity": {"required": {"nodeSelectorTerms": []}}},
        {"spec.volumeMode": "x"}, {"spec.storageClassName": "A"}, {"spec.volumeAttributesClassName": ""}, {"spec.hostPath": "!", "spec.azureFile": {"secretName": "", "shareName": "", "secretNamespace": ""}}],
    "namespace": METADATA[:4] + [{"spec.finalizers": ["x"]}],
    "quota": METADATA[:2] + [{"spec.hard": {"foo": "1"}}, {"spec.hard": {"storage": "1"}}, {"spec.hard": {"pods": "-1"}}, {"spec.hard": {"pods": "1.5"}}, {"spec.scopes": ["x"]}, {"spec.scopes": ["BestEffort", "NotBestEffort"]}, {"spec.hard": {"cpu": "1"}, "spec.scopes": ["BestEffort"]},
        {"spec.scopeSelector": {"matchExpressions": [{"scopeName": "x", "operator": "In"}, {"scopeName": "Terminating", "operator": "In", "values": ["a"]}, {"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}, {"scopeName": "PriorityClass", "operator": "x"}]}}],
    "limits": METADATA[:2] + [{"spec.limits.0.type": "x"}, {"spec.limits.0.type": ""}, {"spec.limits.1": {"type": "Container"}}, {"spec.limits.0.min": {"cpu": "3"}}, {"spec.limits.0.default": {"cpu": "3"}}, {"spec.limits.0.defaultRequest": {"cpu": "3"}}, {"spec.limits.0.default": {"cpu": "1"}, "spec.limits.0.defaultRequest": {"cpu": "2"}},
        {"spec.limits.0.max": {"foo": "1"}}, {"spec.limits.0.type": "Pod", "spec.limits.0.default": {"cpu": "1"}}, {"spec.limits.0": {"type": "PersistentVolumeClaim"}}, {"spec.limits.0.maxLimitRequestRatio": {"cpu": "500m"}}, {"spec.limits.0.min": {"cpu": "1"}, "spec.limits.0.maxLimitRequestRatio": {"cpu": "5"}}],
    "policy": METADATA[:2] + [{"spec.podSelector": {"matchLabels": {"-": "b"}}}, {"spec.policyTypes": ["x"]}, {"spec.policyTypes": ["Ingress", "Egress", "Ingress"]}, {"spec.ingress": [{"from": [{}]}]}, {"spec.ingress": [{"from": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}]}, {"spec.ingress": [{"from": [{"ipBlock": {"cidr": ""}}]}]},
        {"spec.ingress": [{"from": [{"ipBlock": {"cidr": "x"}}]}]}, {"spec.egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16", "10.0.0.0/8", "x"]}}]}]}, {"spec.egress": [{"ports": [{"protocol": "x", "port": 0}, {"port": "UP"}, {"endPort": 5}, {"port": 5, "endPort": 4}, {"port": "a", "endPort": 4}]}]}],
    "ingress": METADATA[:2] + [{"spec.rules": []}, {"spec.rules.0.host": "1.2.3.4"}, {"spec.rules.0.host": "A"}, {"spec.rules.0.host": "*.*.x"}, {"spec.rules.0.http.paths": []}, {"spec.rules.0.http.paths.0.pathType": "!"}, {"spec.rules.0.http.paths.0.pathType": "x"}, {"spec.rules.0.http.paths.0.path": "a"}, {"spec.rules.0.http.paths.0.path": "/a//b/."},
        {"spec.rules.0.http.paths.0.backend": {}}, {"spec.rules.0.http.paths.0.backend.service": {"name": "", "port": {}}}, {"spec.rules.0.http.paths.0.backend.service": {"name": "A", "port": {"name": "a", "number": 1}}}, {"spec.rules.0.http.paths.0.backend.service.port": {"number": 70000}}, {"spec.rules.0.http.paths.0.backend.resource": {"kind": "", "name": "a/b"}},
        {"spec.rules.0.http.paths.0.backend": {"resource": {"kind": "", "name": "a/b"}}}, {"spec.tls": [{"hosts": ["A", "*x"], "secretName": "A"}]}, {"spec.ingressClassName": "A"}],
    "ingressclass": METADATA[:2] + [{"spec.controller": ""}, {"spec.controller": "x"}, {"spec.controller": "A/b c"}, {"spec.parameters": {"kind": "", "name": ""}}, {"spec.parameters": {"kind": "a", "name": "b", "scope": "x"}}, {"spec.parameters": {"kind": "a", "name": "b", "scope": "Namespace"}}, {"spec.parameters": {"kind": "a", "name": "b", "scope": "Cluster", "namespace": "c"}}],
    "budget": METADATA[:2] + [{"spec.maxUnavailable": 1}, {"spec.minAvailable": -1}, {"spec.minAvailable": "x"}, {"spec.minAvailable": "101%"}, {"spec.selector": {"matchLabels": {"-": "x"}}}, {"spec.unhealthyPodEvictionPolicy": "x"}],
    "hpa": METADATA[:2] + [{"spec.maxReplicas": 0}, {"spec.maxReplicas": -1}, {"spec.minReplicas": 5}, {"spec.minReplicas": 0}, {"spec.scaleTargetRef": {"apiVersion": "v1", "kind": "", "name": ""}}, {"spec.scaleTargetRef.apiVersion": "a/b/c"}, {"spec.metrics": [{"type": "x"}]}, {"spec.metrics": [{"type": "Resource"}]}, {"spec.metrics": [{"type": "Resource", "resource": {"name": "", "target": {"type": "x"}}}]},
        {"spec.metrics": [{"type": "Pods", "pods": {"metric": {"name": "a/b"}, "target": {"type": "Value", "value": "-1"}}}]}, {"spec.metrics": [{"type": "Object", "object": {"metric": {"name": ""}, "describedObject": {"kind": "A", "name": "b", "apiVersion": "v1"}, "target": {"type": "Value"}}}]},
        {"spec.metrics": [{"type": "External", "external": {"metric": {"name": "m"}, "target": {"type": "Value", "value": "1", "averageValue": "1"}}}]}, {"spec.metrics": [{"type": "ContainerResource", "containerResource": {"name": "foo", "container": "A", "target": {"type": "Utilization", "averageUtilization": 0}}}]},
        {"spec.behavior": {"scaleUp": {"stabilizationWindowSeconds": -1, "selectPolicy": "x", "policies": [{"type": "x", "value": 0, "periodSeconds": 9999}]}, "scaleDown": {"policies": []}}}],
    "hpa1": [{"spec.maxReplicas": 0}, {"spec.targetCPUUtilizationPercentage": 0}],
    "role": METADATA[:1] + [{"metadata.name": "a/b"}, {"rules": [{"verbs": []}]}, {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/a"]}]}, {"rules": [{"verbs": ["get"], "apiGroups": [""]}]}],
    "clusterrole": [{"rules": [{"verbs": ["get"], "nonResourceURLs": ["/a"], "resources": ["x"]}]}, {"aggregationRule": {"clusterRoleSelectors": []}}, {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"-": "x"}}]}}],
    "binding": [{"roleRef.name": ""}, {"roleRef.kind": "x"}, {"roleRef.apiGroup": "x"}, {"roleRef.name": "a/b"}, {"subjects": [{"kind": "x", "name": ""}]}, {"subjects": [{"kind": "ServiceAccount", "name": "A", "apiGroup": "x"}]}, {"subjects": [{"kind": "User", "name": "a", "apiGroup": "x"}]}],
    "clusterbinding": [{"roleRef.kind": "Role"}, {"subjects": [{"kind": "ServiceAccount", "name": "a"}]}],
    "storageclass": METADATA[:2] + [{"provisioner": ""}, {"provisioner": "a b"}, {"reclaimPolicy": "x"}, {"volumeBindingMode": "x"}, {"parameters": {"": "x"}}, {"allowedTopologies": [{"matchLabelExpressions": [{"key": "a", "values": ["x", "x"]}, {"key": "a", "values": []}]}]}],
    "priorityclass": METADATA[:2] + [{"value": 2000000000}, {"metadata.name": "system-x"}, {"preemptionPolicy": "x"}],
    "crd": [{"metadata.name": "x"}, {"spec.group": ""}, {"spec.scope": "x"}, {"spec.names.plural": ""}, {"spec.names.kind": "A_b"}, {"spec.versions": []}, {"spec.versions.0.storage": False}, {"spec.versions.0.name": "V1"}, {"spec.versions.0.schema": "!"}, {"spec.conversion": {"strategy": "x"}}, {"spec.names.listKind": "Thing"}],
}
UPDATE = {
    "deployment": [{"spec.selector.matchLabels": {"a": "b", "c": "d"}, "spec.template.metadata.labels": {"a": "b", "c": "d"}}, {"metadata.labels": {"a": "b c"}}, {"spec.replicas": -1}, {"spec.template.spec.containers.0.image": ""}, {"spec.strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}],
    "replicaset": [{"spec.selector.matchLabels": {"a": "b", "c": "d"}, "spec.template.metadata.labels": {"a": "b", "c": "d"}}],
    "statefulset": [{"spec.serviceName": "t"}, {"spec.podManagementPolicy": "Parallel"}, {"spec.volumeClaimTemplates.0.spec.resources.requests.storage": "2Gi"}, {"spec.volumeClaimTemplates.0.spec.resources.requests.storage": "1024Mi"}, {"spec.volumeClaimTemplates.0.metadata.labels": {"x": "y"}}, {"spec.selector.matchLabels": {"a": "b", "c": "d"}, "spec.template.metadata.labels": {"a": "b", "c": "d"}}],
    "daemonset": [{"spec.selector.matchLabels": {"a": "b", "c": "d"}, "spec.template.metadata.labels": {"a": "b", "c": "d"}}, {"spec.template.spec.containers.0.image": "j"}],
    "pod": [{C + "image": "j"}, {C + "image": " j"}, {C + "name": "d"}, {"spec.containers.1": {"name": "d", "image": "i"}}, {P + "activeDeadlineSeconds": 5}, {P + "nodeSelector": {"a": "b"}}, {P + "hostNetwork": True}, {P + "volumes": [{"name": "v", "emptyDir": {}}]}, {P + "schedulingGates": [{"name": "a"}]}],
    "job": [{"spec.template.spec.containers.0.image": "j"}, {"spec.template.spec.nodeSelector": {"a": "b"}}, {"spec.template.spec.containers.0.resources": {"requests": {"cpu": "1"}}}, {"spec.completionMode": "Indexed", "spec.completions": 1}, {"spec.completions": 2}, {"spec.backoffLimitPerIndex": 1}, {"spec.managedBy": "a.example/b"}],
    "running": [{"spec.template.spec.containers.0.image": "j"}, {"spec.template.spec.nodeSelector": {"a": "b"}}, {"spec.parallelism": 1}, {"spec.selector.matchLabels": {"a": "b"}}],
    "cronjob": [{"spec.schedule": "TZ=UTC * * * * *"}, {"spec.timeZone": "x y"}, {"spec.jobTemplate.spec.template.spec.containers.0.image": "j"}],
    "service": [{"spec.clusterIP": "10.96.0.200", "spec.clusterIPs": ["10.96.0.200"]}, {"spec.clusterIP": "None", "spec.clusterIPs": ["None"]}, {"spec.ipFamilies": ["IPv6"]}, {"spec.type": "LoadBalancer", "spec.loadBalancerClass": "a/b"}, {"spec.ports": []}],
    "configmap": [{"data": {"a b": "c"}}],
    "frozen": [{"data": {"k": "w"}}, {"immutable": False}, {"binaryData": {"b": "eA=="}}, {"metadata.labels": {"a": "b"}}],
    "secret": [{"type": "x"}, {"data": {"a b": "eA=="}}],
    "claim": [{"spec.resources.requests.storage": "2Gi"}, {"spec.resources.requests.storage": "1024Mi"}, {"spec.accessModes": ["ReadWriteMany"]}, {"spec.storageClassName": "a"}, {"spec.volumeMode": "Block"}, {"spec.volumeName": "a"}, {"spec.selector": SELECTOR}],
    "volume": [{"spec.hostPath.path": "/b"}, {"spec.volumeMode": "Block"}, {"spec.capacity.storage": "2Gi"}, {"spec.hostPath": "!", "spec.nfs": {"server": "s", "path": "/"}}],
    "quota": [{"spec.scopes": ["BestEffort"]}, {"spec.hard": {"foo": "1"}}],
    "limits": [{"spec.limits.0.min": {"cpu": "3"}}],
    "policy": [{"spec.policyTypes": ["x"]}],
    "ingress": [{"spec.rules": []}],
    "ingressclass": [{"spec.controller": "a.example/d"}],
    "hpa": [{"spec.scaleTargetRef.apiVersion": "v1"}, {"spec.minReplicas": 9}],
    "binding": [{"roleRef.name": "edit"}],
    "clusterbinding": [{"roleRef.name": "edit"}],
    "storageclass": [{"provisioner": "b"}, {"parameters": {"a": "b"}}, {"reclaimPolicy": "Retain"}, {"volumeBindingMode": "WaitForFirstConsumer"}],
    "priorityclass": [{"value": 6}, {"preemptionPolicy": "Never"}],
    "crd": [{"spec.scope": "Cluster"}, {"spec.group": "b.example"}],
}

def changed(base, change):
    body = copy.deepcopy(base)
    for path, value in change.items():
        put(body, path, copy.deepcopy(value))
    return body

def case(base, operation, path, body, old=None):
    method = "POST" if old is None else "PUT"
    code, answer, warnings = call(method, path + "?dryRun=All", body)
    record = {"base": base, "operation": operation, "path": path, "body": body}
    if old is not None:
        record["old"] = old
    record["code"] = code
    if code >= 400:
        record.update(reason=answer.get("reason", ""), message=answer["message"], causes=(answer.get("details") or {}).get("causes", []))
    elif code:
        record["object"] = answer
    if warnings:
        record["warnings"] = [w.split('"', 1)[1].rsplit('"', 1)[0].replace('\\"', '"').replace("\\\\", "\\") for w in warnings]
    return record

def main():
    version = call("GET", "/version")[1]["gitVersion"]
    call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    cases = []
    for base, changes in CREATE.items():
        path, valid = BASES[base]
        cases += [case(base, "create", path, changed(valid, change)) for change in changes]
    path, valid = BASES["deployment"]
    for change in PODS[::2]:
        cases.append(case("deployment", "create", path, changed(valid, {("spec.template." + key): value for key, value in change.items()})))
    for base, changes in UPDATE.items():
        path, valid = BASES[base]
        valid = changed(valid, {} if base == "crd" else {"metadata.name": "x-" + base})
        own = path + "/" + valid["metadata"]["name"]
        call("POST", path, valid)
        time.sleep(0.5)
        old = call("GET", own)[1]
        for change in changes:
            # without its version a PUT does not mind what controllers wrote in between
            versionless = {} if base == "crd" else {"metadata.resourceVersion": "!"}
            cases.append(case(base, "update", own, changed(old, {**versionless, **change}), old))
        call("DELETE", own)
    call("DELETE", "/api/v1/namespaces/" + NAMESPACE)
    for record in cases:
        for name in ("body", "old", "object"):
            record.get(name, {}).get("metadata", {}).pop("managedFields", None)
    with open(OUT, "wb") as out:
        out.write(gzip.compress(json.dumps({"kubernetes": version, "cases": cases}, separators=(",", ":")).encode(), mtime=0))
    refused = sum(record["code"] == 422 for record in cases)
    print(version, len(cases), "cases,", refused, "refused with 422,", sum(record["code"] < 300 for record in cases), "taken")

main()
