#!/usr/bin/env python3
"""Records what admission makes of writes: tests/recorded/admission.json.gz.

usage: make_admission.py SERVER OUT     (SERVER: https://127.0.0.1:PORT of tests/controlplane/up.sh, started with PODS=pending)

A case is a sequence of writes in a namespace of its own, in the form of custom.json.gz. Everything is recorded twice, and a case
whose second recording differs is dropped. `warnings` are the texts of the Warning headers.
"""
import copy, gzip, json, re, ssl, sys, time, urllib.error, urllib.parse, urllib.request

SERVER, OUT = sys.argv[1:3]
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
TYPES = {"json": "application/json-patch+json", "merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json", "apply": "application/apply-patch+yaml"}
CLUSTER = {"namespaces", "customresourcedefinitions", "priorityclasses", "runtimeclasses", "storageclasses", "ingressclasses", "persistentvolumes", "nodes"}
ROOTS = {
    "customresourcedefinitions": "/apis/apiextensions.k8s.io/v1", "priorityclasses": "/apis/scheduling.k8s.io/v1", "runtimeclasses": "/apis/node.k8s.io/v1", "storageclasses": "/apis/storage.k8s.io/v1",
    "ingressclasses": "/apis/networking.k8s.io/v1", "ingresses": "/apis/networking.k8s.io/v1", "deployments": "/apis/apps/v1", "jobs": "/apis/batch/v1",
    "cronjobs": "/apis/batch/v1", "poddisruptionbudgets": "/apis/policy/v1",
}


def call(method, path, body=None, content_type="application/json", query=None):
    data = None if body is None else json.dumps(body).encode()
    url = SERVER + path + ("?" + urllib.parse.urlencode(query) if query else "")
    headers = {"Authorization": "Bearer admintoken", "Content-Type": content_type, "User-Agent": "oracle"}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), context=TLS)
        return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers.get_all("Warning") or []


def normal(value, namespace):
    """Takes out what differs from one run to the next."""
    value = json.loads(json.dumps(value).replace(namespace, "{ns}"))
    value.pop("status", None)
    meta = value.get("metadata", {})
    for key in ("uid", "resourceVersion", "creationTimestamp", "selfLink", "namespace", "deletionTimestamp"):
        meta.pop(key, None)
    owners = [o for o in meta.pop("managedFields", []) if o["manager"] not in ("kube-apiserver", "kube-controller-manager")]
    for owner in owners:
        owner.pop("time", None)
    owners.sort(key=lambda o: (o["manager"], o["operation"], o.get("subresource", ""), json.dumps(o.get("fieldsV1"), sort_keys=True, separators=(",", ":"))))
    if owners:
        meta["managedFields"] = owners
    return value


def collection(resource):
    root = ROOTS.get(resource, "/api/v1")
    return f"{root}/{resource}" if resource in CLUSTER else f"{root}/namespaces/{{ns}}/{resource}"


def post(resource, body, query=None, name=None):
    """A creation; of a subresource if it is `pods/x/binding`."""
    parts = resource.split("/")
    path = collection(parts[0]) + "".join("/" + p for p in parts[1:])
    return {"op": "create", "method": "POST", "path": path, "query": query or {}, "content_type": "application/json", "body": body}


def put(resource, name, body, query=None):
    resource, _, sub = resource.partition("/")
    return {"op": "replace", "method": "PUT", "path": f"{collection(resource)}/{name}" + (f"/{sub}" if sub else ""), "query": query or {}, "content_type": "application/json", "body": body}


def patch(kind, resource, name, body, query=None):
    resource, _, sub = resource.partition("/")
    query = query or ({"fieldManager": "m", "force": "true"} if kind == "apply" else {})
    return {"op": kind, "method": "PATCH", "path": f"{collection(resource)}/{name}" + (f"/{sub}" if sub else ""), "query": query, "content_type": TYPES[kind], "body": body}


def delete(resource, name):
    return {"op": "delete", "method": "DELETE", "path": f"{collection(resource)}/{name}", "query": {}, "content_type": "application/json", "body": {}}


def obj(kind, name="x", spec=None, api="v1", **rest):
    meta = {"name": name, **rest.pop("metadata", {})}
    out = {"apiVersion": api, "kind": kind, "metadata": meta}
    if spec is not None:
        out["spec"] = spec
    return {**out, **rest}


def pod(name="x", container=None, init=None, metadata=None, **spec):
    containers = [{"name": "c", "image": "a:1", **(container or {})}]
    spec = {"containers": containers, **spec}
    if init:
        spec["initContainers"] = [{"name": "i", "image": "a:1", **init}]
    return obj("Pod", name, spec, metadata=metadata or {})


def namespace(**labels):
    return patch("merge", "namespaces", "{ns}", {"metadata": {"labels": {"pod-security.kubernetes.io/" + k.replace("_", "-"): v for k, v in labels.items()}}})


def security(**context):
    return {"securityContext": context}


SAFE = {"securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}

# One pod for each rule of the Pod Security Standards, and some that break several.
PODS = [
    pod(), pod(container=SAFE), pod(container=security(privileged=True)), pod(hostNetwork=True), pod(hostPID=True, hostIPC=True),
    pod(container=security(capabilities={"add": ["SYS_ADMIN", "CHOWN", "NET_RAW"]})), pod(container=security(capabilities={"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]})),
    pod(volumes=[{"name": "v", "hostPath": {"path": "/h"}}, {"name": "w", "hostPath": {"path": "/i"}}]), pod(volumes=[{"name": "v", "nfs": {"server": "s", "path": "/p"}}, {"name": "w", "emptyDir": {}}]),
    pod(container={"ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 81}]}), pod(container={"livenessProbe": {"httpGet": {"port": 80, "host": "1.2.3.4"}}}),
    pod(container={"lifecycle": {"preStop": {"tcpSocket": {"port": 80, "host": "h"}}}}), pod(container=security(procMount="Unmasked"), hostUsers=False), pod(container=security(procMount="Unmasked")),
    pod(securityContext={"seLinuxOptions": {"type": "spc_t", "user": "u", "role": "r"}}), pod(container=security(seLinuxOptions={"type": "container_engine_t"})),
    pod(securityContext={"seccompProfile": {"type": "Unconfined"}}, container=security(seccompProfile={"type": "Unconfined"})), pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
    pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}, {"name": "kernel.msgmax", "value": "1"}]}), pod(securityContext={"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports", "value": "1"}]}),
    pod(securityContext={"appArmorProfile": {"type": "Unconfined"}}), pod(metadata={"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}}),
    pod(securityContext={"windowsOptions": {"hostProcess": True}}, hostNetwork=True, os={"name": "windows"}), pod(os={"name": "windows"}),
    pod(securityContext={"runAsNonRoot": False}), pod(securityContext={"runAsUser": 0}, container=security(runAsUser=0)), pod(securityContext={"runAsUser": 0}, hostUsers=False), pod(securityContext={"runAsNonRoot": True}),
    pod(container=SAFE, init=security(runAsNonRoot=False)), pod(container=security(allowPrivilegeEscalation=True, capabilities={"drop": ["KILL"]})),
]
LEVELS = [("baseline", None), ("restricted", None), ("baseline", "v1.20"), ("restricted", "v1.18"), ("restricted", "v1.24"), ("restricted", "v1.34"), ("baseline", "v1.28")]


def quota(name="q", scopes=None, **hard):
    hard = {k.replace("__", "/").replace("_", "."): v for k, v in hard.items()}
    return post("resourcequotas", obj("ResourceQuota", name, {"hard": hard, **(scopes or {})}))


def resources(**amounts):
    return {"resources": amounts}


def workload(kind="Deployment", api="apps/v1", **template):
    labels = {"app": "x"}
    return obj(kind, "x", {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "a:1"}], **template}}}, api=api)


def service(name="x", **spec):
    return obj("Service", name, {"ports": [{"port": 80}], **spec})


def claim(name="x", size="1Gi", metadata=None, **spec):
    return obj("PersistentVolumeClaim", name, {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}, metadata=metadata or {})


CASES = {}
for level, version in LEVELS:
    labels = {"enforce": level, **({"enforce_version": version} if version else {})}
    for i, body in enumerate(PODS):
        CASES[f"security-{level}-{version or 'latest'}-{i}"] = [namespace(**labels), post("pods", body)]
CASES["security-warned"] = [
    namespace(warn="restricted", warn_version="v1.25"), post("pods", pod(hostNetwork=True)), post("deployments", workload(hostPID=True)),
    post("cronjobs", obj("CronJob", "x", {"schedule": "@yearly", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "a:1"}]}}}}}, api="batch/v1")),
    patch("merge", "deployments", "x", {"metadata": {"labels": {"a": "b"}}}), patch("strategic", "pods", "x", {"spec": {"containers": [{"name": "c", "image": "a:2"}]}}),
    patch("merge", "pods", "x", {"metadata": {"labels": {"a": "b"}}}),
]
CASES["security-enforced-templates"] = [namespace(enforce="baseline"), post("deployments", workload(hostPID=True))]
CASES["security-tightened"] = [post("pods", pod("a", hostPID=True)), post("pods", pod("b", hostPID=True)), post("pods", pod("d", container=security(privileged=True))), namespace(enforce="baseline"), namespace(enforce="restricted")]
CASES["security-labels"] = [
    namespace(enforce="strict"), namespace(enforce="baseline", enforce_version="1.25"), namespace(warn="no", audit="no", audit_version="v1.01"), namespace(enforce="privileged", warn="baseline"),
    post("pods", pod(hostPID=True)), post("namespaces", obj("Namespace", "y-{ns}", metadata={"labels": {"pod-security.kubernetes.io/enforce": "x"}})),
]
CASES["security-ephemeral"] = [
    namespace(enforce="baseline"), post("pods", pod()),
    patch("strategic", "pods/ephemeralcontainers", "x", {"spec": {"ephemeralContainers": [{"name": "e", "image": "a:1", "securityContext": {"privileged": True}}]}}),
    patch("strategic", "pods/ephemeralcontainers", "x", {"spec": {"ephemeralContainers": [{"name": "e", "image": "a:1"}]}}),
]
CASES["priority"] = [
    post("priorityclasses", obj("PriorityClass", "p-{ns}", api="scheduling.k8s.io/v1", value=7, preemptionPolicy="Never")),
    post("pods", pod("a", priorityClassName="p-{ns}")), post("pods", pod("b", priorityClassName="p-{ns}", priority=7)), post("pods", pod("d", priorityClassName="p-{ns}", priority=8)),
    post("pods", pod("e", priorityClassName="p-{ns}", preemptionPolicy="PreemptLowerPriority")), post("pods", pod("f", priorityClassName="gone")), post("pods", pod("g", priority=3)),
    post("pods", pod("h", priorityClassName="system-node-critical")), post("pods", pod("i", preemptionPolicy="Never")), post("pods", pod("k")),
    put("pods", "k", pod("k", tolerations=[{"operator": "Exists"}])), put("pods", "k", pod("k")), delete("priorityclasses", "p-{ns}"),
]
CASES["tolerations"] = [
    post("pods", pod("a", tolerations=[{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}])), post("pods", pod("b", tolerations=[{"operator": "Exists"}])),
    post("pods", pod("d", tolerations=[{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoSchedule"}])),
    patch("apply", "pods", "e", pod("e", tolerations=[{"key": "a", "operator": "Exists"}])), patch("apply", "pods", "e", pod("e")),
]
CASES["runtime-class"] = [
    post("runtimeclasses", obj("RuntimeClass", "r-{ns}", api="node.k8s.io/v1", handler="h", overhead={"podFixed": {"cpu": "100m", "memory": "10Mi"}}, scheduling={"nodeSelector": {"a": "b"}, "tolerations": [{"key": "k", "operator": "Exists"}]})),
    post("pods", pod("a", runtimeClassName="r-{ns}")), post("pods", pod("b", runtimeClassName="r-{ns}", overhead={"cpu": "0.1", "memory": "10Mi"})), post("pods", pod("d", runtimeClassName="r-{ns}", overhead={"cpu": "1"})),
    post("pods", pod("e", runtimeClassName="r-{ns}", nodeSelector={"a": "c"})), post("pods", pod("f", runtimeClassName="r-{ns}", nodeSelector={"d": "e"}, tolerations=[{"operator": "Exists"}])),
    post("pods", pod("g", runtimeClassName="gone")), post("pods", pod("h", overhead={"cpu": "1"})), delete("runtimeclasses", "r-{ns}"),
]
LIMITS = [
    {"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"}, "defaultRequest": {"cpu": "100m"}, "min": {"cpu": "50m"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "10"}},
    {"type": "Pod", "max": {"cpu": "3"}}, {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}},
]
CASES["limits"] = [
    post("limitranges", obj("LimitRange", "l", {"limits": LIMITS})), post("pods", pod("a", init={})), post("pods", pod("b", container=resources(requests={"cpu": "10m"}))),
    post("pods", pod("d", container=resources(limits={"cpu": "4"}))), post("pods", pod("e", container=resources(limits={"cpu": "2"}, requests={"cpu": "100m"}))),
    post("persistentvolumeclaims", claim("p", "3Gi")), post("persistentvolumeclaims", claim("q", "2Gi")), patch("strategic", "pods", "a", {"spec": {"containers": [{"name": "c", "image": "a:9"}]}}),
    patch("strategic", "pods/resize", "a", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "3"}}}]}}), patch("strategic", "pods/resize", "a", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}}),
]
CASES["quota-pods"] = [
    quota(pods="2", requests_cpu="1", limits_memory="1Gi"), post("pods", pod("a")), post("pods", pod("b", container=resources(requests={"cpu": "600m"}, limits={"memory": "512Mi"}))),
    post("pods", pod("d", container=resources(requests={"cpu": "600m"}, limits={"memory": "512Mi"}))), post("pods", pod("e", container=resources(requests={"cpu": "0.4"}, limits={"memory": "1Mi"}))),
    post("pods", pod("f", container=resources(requests={"cpu": "0"}, limits={"memory": "0"}))), delete("pods", "b"), post("pods", pod("g", container=resources(requests={"cpu": "0.6"}, limits={"memory": "1Mi"}))),
]
CASES["quota-init-and-overhead"] = [
    post("runtimeclasses", obj("RuntimeClass", "r-{ns}", api="node.k8s.io/v1", handler="h", overhead={"podFixed": {"cpu": "100m"}})), quota(requests_cpu="1"),
    post("pods", pod("a", runtimeClassName="r-{ns}", container=resources(requests={"cpu": "950m"}))), post("pods", pod("b", container=resources(requests={"cpu": "100m"}), init=resources(requests={"cpu": "1100m"}))),
    post("pods", pod("d", resources={"requests": {"cpu": "2"}})), delete("runtimeclasses", "r-{ns}"),
]
CASES["quota-other-resources"] = [
    {**quota("r"), "body": obj("ResourceQuota", "r", {"hard": {"requests.example.com/gpu": "1", "requests.ephemeral-storage": "1Gi", "hugepages-2Mi": "2Mi"}})},
    post("pods", pod("a", container=resources(limits={"example.com/gpu": "1"}))), post("pods", pod("b", container=resources(limits={"example.com/gpu": "1"}))),
    post("pods", pod("d", container=resources(requests={"ephemeral-storage": "2Gi"}))), post("pods", pod("e", container=resources(limits={"hugepages-2Mi": "4Mi", "cpu": "1"}))),
]
CASES["quota-scopes"] = [
    quota("best", {"scopes": ["BestEffort"]}, pods="0"), quota("ends", {"scopes": ["Terminating"]}, pods="0"),
    quota("class", {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]}]}}, pods="0"),
    post("pods", pod("a")), post("pods", pod("b", container=resources(requests={"cpu": "1"}))), post("pods", pod("d", container=resources(requests={"cpu": "1"}), activeDeadlineSeconds=9)),
    post("pods", pod("e", container=resources(requests={"cpu": "1"}), priorityClassName="system-node-critical")), patch("merge", "pods", "b", {"spec": {"activeDeadlineSeconds": 9}}),
]
CASES["quota-affinity"] = [
    quota("far", {"scopes": ["CrossNamespacePodAffinity"]}, pods="0"),
    post("pods", pod("a", affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "z", "namespaces": ["other"]}]}})), post("pods", pod("b", affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "z"}]}})),
]
CASES["quota-counts"] = [
    quota("n", **{"count__deployments_apps": "1", "secrets": "1", "count__jobs_batch": "0"}), post("deployments", workload()),
    post("deployments", {**workload(), "metadata": {"name": "y"}}), post("secrets", obj("Secret", "a", data={})), post("secrets", obj("Secret", "b")),
    post("jobs", obj("Job", "x", {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "a:1"}]}}}, api="batch/v1")), patch("merge", "deployments", "x", {"metadata": {"labels": {"a": "b"}}}),
    post("deployments", workload()),
]
CASES["quota-services"] = [
    quota("s", services="3", services_nodeports="2", services_loadbalancers="1"), post("services", service("a", type="NodePort", ports=[{"port": 80, "name": "a"}, {"port": 81, "name": "b"}])),
    post("services", service("b")), patch("merge", "services", "b", {"spec": {"type": "NodePort"}}), patch("merge", "services", "b", {"spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}}),
    post("services", service("d", type="LoadBalancer", allocateLoadBalancerNodePorts=False)), patch("merge", "services", "a", {"spec": {"type": "ClusterIP"}}), post("services", service("e", type="NodePort")), post("services", service("f")),
]
CASES["quota-storage"] = [
    {**quota("s"), "body": obj("ResourceQuota", "s", {"hard": {"requests.storage": "3Gi", "gold.storageclass.storage.k8s.io/requests.storage": "1Gi", "persistentvolumeclaims": "2"}})},
    post("persistentvolumeclaims", claim("a", "2Gi", storageClassName="gold")), post("persistentvolumeclaims", claim("a", "1Gi", storageClassName="gold")), post("persistentvolumeclaims", claim("b", "3Gi", storageClassName="tin")),
    post("persistentvolumeclaims", claim("d", "2Gi", storageClassName="tin")), post("persistentvolumeclaims", claim("e", "0", storageClassName="tin")), post("persistentvolumeclaims", claim("f", "1", storageClassName="tin")),
]
CASES["claims-default-class"] = [
    post("storageclasses", obj("StorageClass", "c-{ns}", api="storage.k8s.io/v1", provisioner="p.example", volumeBindingMode="WaitForFirstConsumer", metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}})),
    post("persistentvolumeclaims", claim("a")), post("persistentvolumeclaims", claim("b", storageClassName="")), post("persistentvolumeclaims", claim("d", metadata={"annotations": {"volume.beta.kubernetes.io/storage-class": "x"}})),
    delete("storageclasses", "c-{ns}"),
]
INGRESS = {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}
CASES["ingress-default-class"] = [
    post("ingressclasses", obj("IngressClass", "c-{ns}", {"controller": "a.example/b"}, api="networking.k8s.io/v1", metadata={"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}})),
    post("ingresses", obj("Ingress", "a", INGRESS, api="networking.k8s.io/v1")), post("ingresses", obj("Ingress", "b", {**INGRESS, "ingressClassName": "z"}, api="networking.k8s.io/v1")),
    post("ingresses", obj("Ingress", "d", INGRESS, api="networking.k8s.io/v1", metadata={"annotations": {"kubernetes.io/ingress.class": "z"}})), patch("json", "ingresses", "a", [{"op": "remove", "path": "/spec/ingressClassName"}]),
    delete("ingressclasses", "c-{ns}"),
]
CASES["frozen"] = [
    post("configmaps", obj("ConfigMap", "a", data={"a": "1"}, immutable=True)), put("configmaps", "a", obj("ConfigMap", "a", data={"a": "1"}, binaryData={}, immutable=True)), put("configmaps", "a", obj("ConfigMap", "a", data={"a": "2"}, immutable=True)),
    put("configmaps", "a", obj("ConfigMap", "a", data={"a": "1"})), patch("merge", "configmaps", "a", {"metadata": {"labels": {"a": "b"}}}), patch("merge", "configmaps", "a", {"binaryData": {}}),
    post("secrets", obj("Secret", "a", immutable=True)), put("secrets", "a", obj("Secret", "a", data={}, immutable=True)), put("secrets", "a", obj("Secret", "a", immutable=True)),
]
CASES["services-families"] = [
    post("services", service("a", ipFamilyPolicy="RequireDualStack")), post("services", service("b", ipFamilies=["IPv6"])), post("services", service("d", ipFamilies=["IPv4", "IPv6"])), post("services", service("e", clusterIP="fd00::1")),
    post("services", service("f", clusterIP="10.97.0.1")), post("services", service("g", ipFamilyPolicy="PreferDualStack")), post("services", service("h", clusterIP="None")), post("services", service("i", clusterIP="None", selector={"a": "b"})),
    post("services", service("k", clusterIP="None", ipFamilyPolicy="PreferDualStack", ipFamilies=["IPv6"])), patch("merge", "services", "g", {"spec": {"ipFamilyPolicy": "SingleStack"}}), patch("merge", "services", "h", {"spec": {"ipFamilyPolicy": "SingleStack"}}),
    patch("merge", "services", "h", {"spec": {"selector": {"a": "b"}}}), post("services", service("l", ports=[{"port": 80, "nodePort": 80}], type="NodePort")), post("services", service("m", ports=[{"port": 80, "nodePort": 31999}], type="NodePort")),
    post("services", service("n", ports=[{"port": 80, "nodePort": 31999}], type="NodePort")), post("services", service("o", type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=80)),
    patch("merge", "services", "m", {"spec": {"type": "ExternalName", "externalName": "e.example"}}), patch("merge", "services", "m", {"spec": {"type": "ClusterIP", "externalName": None}}), patch("merge", "services", "g", {"spec": {"clusterIP": "None"}}),
]
CASES["pod-status"] = [
    post("pods", pod()), patch("merge", "pods/status", "x", {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}), patch("merge", "pods/status", "x", {"status": {"qosClass": "Guaranteed"}}),
    patch("merge", "pods/status", "x", {"status": {"qosClass": None}}), patch("merge", "pods/status", "x", {"spec": {"containers": []}, "metadata": {"labels": {"a": "b"}, "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u"}]}}),
    patch("merge", "pods/status", "x", {"status": {"podIP": "x"}}), patch("merge", "pods/status", "x", {"status": {"podIPs": [{"ip": "1.2.3.4"}, {"ip": "1.2.3.5"}]}}), patch("merge", "pods/status", "x", {"status": {"hostIPs": [{"ip": "1.2.3.4"}], "hostIP": "1.2.3.5"}}),
    patch("merge", "pods/status", "x", {"status": {"nominatedNodeName": "N_"}}), patch("merge", "pods/status", "x", {"status": {"observedGeneration": -1}}), patch("merge", "pods/status", "x", {"status": {"conditions": [{"type": "a/b/c", "status": "True"}]}}),
    patch("merge", "pods/status", "x", {"status": {"containerStatuses": [{"name": "c", "image": "a", "imageID": "", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": 1}}}]}}),
]
CASES["pod-restarts"] = [
    post("pods", pod(restartPolicy="Never")), patch("merge", "pods/status", "x", {"status": {"containerStatuses": [{"name": "c", "image": "a", "imageID": "", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": 1}}}]}}),
    patch("merge", "pods/status", "x", {"status": {"containerStatuses": [{"name": "c", "image": "a", "imageID": "", "ready": False, "restartCount": 0, "state": {"running": {}}}]}}),
]
CASES["pod-resize"] = [
    post("pods", pod(container=resources(requests={"cpu": "1", "memory": "1Gi"}, limits={"cpu": "2"}))), patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "500m"}}}]}}),
    patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "image": "a:2", "resources": {"limits": {"cpu": "3"}}}]}}), patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "0.1"}}}]}}),
    patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"example.com/a": "1"}, "requests": {"example.com/a": "1"}}}]}}), patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": None}}}]}}),
    patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "resources": {"requests": {"memory": None}}}]}}), patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "d", "image": "b"}]}}),
    patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "2", "memory": "1Gi"}}}]}}),
    patch("strategic", "pods/resize", "x", {"spec": {"containers": [{"name": "c", "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}]}}), patch("merge", "pods/resize", "x", {"metadata": {"labels": {"a": "b"}}}),
]
CASES["pod-ephemeral"] = [
    post("pods", pod()), patch("strategic", "pods/ephemeralcontainers", "x", {"spec": {"ephemeralContainers": [{"name": "e", "image": "b:1"}], "nodeName": "n"}}),
    patch("strategic", "pods/ephemeralcontainers", "x", {"spec": {"ephemeralContainers": [{"name": "e", "image": "b:2"}]}}), patch("merge", "pods/ephemeralcontainers", "x", {"spec": {"ephemeralContainers": []}}),
    patch("strategic", "pods/ephemeralcontainers", "x", {"spec": {"ephemeralContainers": [{"name": "c", "image": "b:2"}]}}), patch("strategic", "pods/ephemeralcontainers", "x", {"spec": {"ephemeralContainers": [{"name": "f", "image": "b:2", "ports": [{"containerPort": 1}]}]}}),
    patch("merge", "pods", "x", {"spec": {"ephemeralContainers": None}}), post("pods", {**pod("y"), "spec": {"containers": [{"name": "c", "image": "a:1"}], "ephemeralContainers": [{"name": "e", "image": "b:1"}]}}),
]
BINDING = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "x"}, "target": {"kind": "Node", "name": "n"}}
CASES["pod-binding"] = [
    post("pods", pod(metadata={"labels": {"a": "b"}})), post("pods/x/binding", {**BINDING, "metadata": {"name": "y"}}), post("pods/x/binding", {**BINDING, "target": {"kind": "Pod", "name": "n"}}), post("pods/x/binding", {**BINDING, "target": {"name": ""}}),
    post("pods/x/binding", {**BINDING, "metadata": {"name": "x", "annotations": {"a": "b"}, "labels": {"a": "c"}}}), post("pods/x/binding", BINDING), post("pods", pod("g", schedulingGates=[{"name": "a.example/g"}])),
    post("pods/g/binding", {**BINDING, "metadata": {"name": "g"}}), post("pods/none/binding", {**BINDING, "metadata": {"name": "none"}}),
]
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "x"}}
CASES["pod-eviction"] = [
    post("pods", pod(metadata={"labels": {"app": "x"}})), post("pods/x/eviction", {**EVICTION, "metadata": {"name": "y"}}), post("pods/none/eviction", {**EVICTION, "metadata": {"name": "none"}}),
    post("poddisruptionbudgets", obj("PodDisruptionBudget", "b", {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}, api="policy/v1")), post("pods/x/eviction", EVICTION),
]
CASES["namespaces"] = [
    post("namespaces", obj("Namespace", "y-{ns}")), put("namespaces/finalize", "y-{ns}", obj("Namespace", "y-{ns}", {"finalizers": ["kubernetes", "a.example/f"]})), delete("namespaces", "default"), delete("namespaces", "kube-system"),
    post("configmaps", obj("ConfigMap", "a")), {**post("configmaps", obj("ConfigMap", "a")), "path": "/api/v1/namespaces/none-{ns}/configmaps"}, delete("namespaces", "y-{ns}"), {**post("configmaps", obj("ConfigMap", "a")), "path": "/api/v1/namespaces/y-{ns}/configmaps"},
    put("namespaces/finalize", "y-{ns}", obj("Namespace", "y-{ns}", {})),
]
CASES["default-priority"] = [
    post("priorityclasses", obj("PriorityClass", "p-{ns}", api="scheduling.k8s.io/v1", value=7, globalDefault=True)), post("priorityclasses", obj("PriorityClass", "q-{ns}", api="scheduling.k8s.io/v1", value=8, globalDefault=True)),
    post("pods", pod()), patch("merge", "priorityclasses", "p-{ns}", {"description": "d"}), delete("priorityclasses", "p-{ns}"),
]


def definition(schema=None, names=None, versions=None, **spec):
    """One that is refused, or only tried: nothing of it stays."""
    own = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList", **(names or {})}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema or {"type": "object"}}}
    spec = {"group": "adm.example.com", "scope": "Namespaced", "names": own, "versions": [{**version, **v} for v in versions or [{}]], **spec}
    return post("customresourcedefinitions", obj("CustomResourceDefinition", "things.adm.example.com", spec, api="apiextensions.k8s.io/v1"), {"dryRun": "All"})


def of(**properties):
    return {"type": "object", "properties": properties}


CASES["definitions"] = [
    definition(), definition({"type": "string"}), definition(of(a={})), definition(of(a={"type": "array"})), definition(of(a={"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "map"})),
    definition(of(a={"type": "array", "items": of(b={"type": "string"}), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["b"]})),
    definition(of(a={"type": "array", "items": {**of(b={"type": "string"}), "required": ["b"]}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["b"]})),
    definition(of(a={"type": "array", "items": of(b={"type": "string"}), "x-kubernetes-list-type": "set"})), definition(of(a={"type": "object", "x-kubernetes-map-type": "odd"})), 
    definition(of(a={"type": "object", "additionalProperties": {"type": "string"}, "properties": {"b": {"type": "string"}}})),
    definition(of(a={"x-kubernetes-int-or-string": True})), definition(of(a={"x-kubernetes-int-or-string": True, "type": "string"})), definition(of(a={"type": "object", "x-kubernetes-preserve-unknown-fields": False})), definition(of(metadata={"type": "object", "properties": {"labels": {"type": "object"}}})),
    definition(of(a={"type": "string", "nullable": True, "enum": ["x"]})), definition({**of(a={"type": "string"}), "required": ["b"]}), definition(of(a={"type": "string", "uniqueItems": True})), definition({"type": "object", "anyOf": [{"type": "object"}]}),
    definition(names={"plural": "stuff"}), definition(names={"kind": "thing_"}), definition(names={"shortNames": ["T", "t"]}), definition(names={"singular": ""}), definition(scope="Odd"), definition(group="example"), definition(names={"categories": ["All", "all"]}),
    definition(versions=[{}, {"name": "v2"}]), definition(versions=[{"storage": False}]), definition(versions=[{}, {"name": "v1", "storage": False}]), definition(versions=[{"name": "1"}]), definition(versions=[{"served": False}]),
    definition(versions=[{"additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".spec.a"}]}]), definition(versions=[{"additionalPrinterColumns": [{"name": "A", "type": "odd", "jsonPath": "spec"}]}]), definition(versions=[{"additionalPrinterColumns": [{"name": "", "type": "integer", "format": "odd", "jsonPath": ".a["}]}]),
    definition(of(spec=of(replicas={"type": "integer"}), status=of(replicas={"type": "integer"})), versions=[{"subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}}}]),
    definition(versions=[{"subresources": {"scale": {"specReplicasPath": "spec", "statusReplicasPath": ".spec.x", "labelSelectorPath": ".metadata"}}}]), definition(versions=[{"schema": None}]), definition(conversion={"strategy": "Webhook"}),
    definition(conversion={"strategy": "None", "webhook": {"conversionReviewVersions": ["v1"]}}), definition(preserveUnknownFields=True), definition(versions=[{"deprecationWarning": "w"}]), definition(versions=[{"deprecated": True, "deprecationWarning": "w"}]),
    definition(versions=[{"selectableFields": [{"jsonPath": ".spec.a"}]}]), definition(of(spec=of(a={"type": "string"})), versions=[{"selectableFields": [{"jsonPath": ".spec.a"}, {"jsonPath": ".spec.a"}]}]),
]


def read_back(step):
    """The object that a step wrote, as it is stored."""
    parts = step["path"].split("/")
    at = parts.index("namespaces") + 2 if "namespaces" in parts and len(parts) > parts.index("namespaces") + 2 else (3 if parts[1] == "api" else 4)
    if parts[at:] and parts[at] in ("finalize",):
        at -= 2
    name = parts[at + 1] if len(parts) > at + 1 else step["body"]["metadata"]["name"]
    return "/".join(parts[:at + 1] + [name])


def record(case, steps, turn):
    namespace = f"adm{turn}-{case}".replace(".", "-").lower()[:60]
    call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    recorded = []
    for step in steps:
        sent = json.loads(json.dumps(step).replace("{ns}", namespace))
        code, answer, warnings = call(sent["method"], sent["path"], sent["body"], sent["content_type"], sent["query"])
        step = {**copy.deepcopy(step), "code": code}
        warnings = [w.split('"', 1)[1].rsplit('"', 1)[0].replace('\\"', '"') for w in warnings]
        if warnings:
            step["warnings"] = json.loads(json.dumps(warnings).replace(namespace, "{ns}"))
        if code >= 400:
            step["reason"], step["message"] = answer.get("reason", ""), answer.get("message", "").replace(namespace, "{ns}")
        elif sent["method"] != "DELETE":
            time.sleep(1.5 if "resourcequotas" in sent["path"] else 0.05)
            found, stored, _ = call("GET", read_back(sent))
            if found == 200:
                step["object"] = normal(stored, namespace)
                if step["object"]["metadata"]["name"] == "{ns}":
                    # the namespace was there before, made by nobody
                    step["object"]["metadata"].pop("managedFields", None)
        else:
            time.sleep(1.5 if case.startswith("quota") else 0.3)
        recorded.append(step)
    call("DELETE", f"/api/v1/namespaces/{namespace}")
    return {"name": case, "kind": "", "steps": recorded}


cases = []
for case, steps in CASES.items():
    twice = [record(case, steps, turn) for turn in "ab"]
    # Which address or port a Service gets is chance.
    without = [re.sub(r"10\.96\.\d+\.\d+|\b3[0-2]\d{3}\b", "n", json.dumps(t)) for t in twice]
    if without[0] != without[1]:
        print("dropped:", case, file=sys.stderr)
        continue
    cases.append(twice[0])
version = call("GET", "/version")[1]["gitVersion"]
text = json.dumps({"kubernetes": version, "cases": cases}, separators=(",", ":"))
with gzip.GzipFile(OUT, "wb", mtime=0) as out:
    out.write(text.encode())
print(len(cases), "cases,", sum(len(c["steps"]) for c in cases), "steps")
