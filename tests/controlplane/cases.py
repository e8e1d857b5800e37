#!/usr/bin/env python3
"""Records what a real API server answers to random writes, in the format of tests/recorded/workloads.json.gz.

usage: cases.py SERVER OUT [--first SEED=0] [--cases N=200]      SERVER: https://127.0.0.1:PORT of up.sh, started with PODS=pending

One case is one Deployment, StatefulSet or DaemonSet in a namespace of its own: created in one way, then written to by several
clients with fields and patches drawn from the tables below. The same seed sends the same writes. Every case is recorded twice, and
kept if both recordings say the same.
"""
import concurrent.futures
import copy
import gzip
import http.client
import json
import random
import ssl
import sys
import time
import urllib.parse

KINDS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
APPLIERS = ["kubectl", "helm", "argocd-controller", "kustomize-controller"]
IMAGES = ["gcr.io/genbrain/agent-cli:aaa", "gcr.io/genbrain/agent-cli:bbb", "busybox", "repo.example/a:latest"]

# What a container may have, drawn key by key; some of it is invalid on purpose.
CONTAINER = {
    "args": [["a", "b"], [], ["$(A)"]],
    "command": [["sh"], None],
    "env": [
        [{"name": "A", "value": "1"}], [{"name": "A", "value": ""}, {"name": "B"}], [],
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}}],
        [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}], [{"name": "a=b", "value": "1"}], [{"name": "", "value": "1"}],
        [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "requests.memory", "divisor": "1Mi"}}}],
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.nothing"}}}], [{"name": "A", "valueFrom": {}}],
    ],
    "envFrom": [[{"configMapRef": {"name": "c"}}], [{"prefix": "P_", "secretRef": {"name": "s", "optional": False}}], [{}]],
    "imagePullPolicy": ["Always", "IfNotPresent", "", "Sometimes"],
    "lifecycle": [{"preStop": {"exec": {"command": ["sleep", "1"]}}}, {"postStart": {"httpGet": {"port": 80}}}, {"preStop": {"httpGet": {"port": "http", "path": "/x"}}}, {}],
    "livenessProbe": [{"httpGet": {"port": 8080}}, {"tcpSocket": {"port": "http"}, "periodSeconds": 3}, {"exec": {"command": ["true"]}, "successThreshold": 2}, {"grpc": {"port": 1}}, {}, {"httpGet": {"port": 0}}],
    "readinessProbe": [{"httpGet": {"path": "x", "port": 80, "scheme": "HTTPS"}}, {"exec": {"command": ["true"]}, "timeoutSeconds": 0}, {"exec": {"command": ["true"]}, "initialDelaySeconds": -1}, {"tcpSocket": {"port": 70000}}],
    "startupProbe": [{"httpGet": {"port": 80, "httpHeaders": [{"name": "X", "value": "1"}]}, "failureThreshold": 30}, {"exec": {"command": ["true"]}, "terminationGracePeriodSeconds": 5}],
    "ports": [
        [{"containerPort": 8080}], [{"name": "http", "containerPort": 8080, "protocol": "TCP"}], [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}],
        [{"containerPort": 8080, "hostPort": 8080}], [{"containerPort": 0}], [{"name": "UPPER", "containerPort": 1}], [{"name": "http", "containerPort": 8080}, {"name": "http", "containerPort": 9090}], [],
    ],
    "resources": [
        {"requests": {"cpu": "100m", "memory": "64Mi"}}, {"limits": {"cpu": 1, "memory": "1e3M"}}, {"limits": {"cpu": "0.5"}, "requests": {"cpu": "500m"}}, {"requests": {"cpu": "1500m"}, "limits": {"cpu": "1"}},
        {"limits": {"example.com/gpu": "1"}}, {"limits": {"ephemeral-storage": "1Gi"}}, {"requests": {"cpu": "-1"}}, {"requests": {"nonsense": "1"}}, {"limits": {"cpu": "1.0001"}}, {},
    ],
    "restartPolicy": ["Always"],
    "securityContext": [{"runAsNonRoot": True, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}, {"privileged": True, "allowPrivilegeEscalation": False}, {"seccompProfile": {"type": "RuntimeDefault"}}, {"runAsUser": -5}, {"procMount": "Default"}, {}],
    "stdin": [True, False], "tty": [True], "stdinOnce": [True],
    "terminationMessagePath": ["/x", ""], "terminationMessagePolicy": ["File", "FallbackToLogsOnError", "Odd"],
    "volumeMounts": [[{"name": "v", "mountPath": "/v"}], [{"name": "v", "mountPath": "/v", "subPath": "../x"}], [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}], [{"name": "w", "mountPath": "/w", "readOnly": True}], [{"name": "v", "mountPath": "/v", "mountPropagation": "None"}]],
    "workingDir": ["/w"],
}
VOLUMES = [
    {"emptyDir": {}}, {"emptyDir": {"medium": "Memory", "sizeLimit": "1G"}}, {"configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}}, {"secret": {"secretName": "s", "defaultMode": 0o400}},
    {"hostPath": {"path": "/h", "type": "DirectoryOrCreate"}}, {"persistentVolumeClaim": {"claimName": "p", "readOnly": True}}, {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "c"}}]}}, {"csi": {"driver": "d.example"}}, {"nfs": {"server": "s", "path": "/p"}}, {"image": {"reference": "a:1"}},
    {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}, {"projected": {"sources": [{"secret": {"name": "s"}}], "defaultMode": 0o777}}, {},
    {"configMap": {}}, {"secret": {"secretName": "s", "defaultMode": 4096}}, {"iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2001-04.com.example:x", "lun": 0}}, {"azureDisk": {"diskName": "d", "diskURI": "u"}}, {"rbd": {"monitors": ["m"], "image": "i"}},
]
POD = {
    "activeDeadlineSeconds": [10],
    "affinity": [{"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]}}}, {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": "z"}}]}}, {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "podAffinityTerm": {"topologyKey": "z"}}]}}],
    "automountServiceAccountToken": [False], "dnsConfig": [{"nameservers": ["1.1.1.1"], "options": [{"name": "ndots", "value": "2"}]}, {"nameservers": ["x"]}], "dnsPolicy": ["Default", "None", "Odd"], "enableServiceLinks": [False, True],
    "hostAliases": [[{"ip": "10.0.0.1", "hostnames": ["a"]}], [{"ip": "10.0.0.1", "hostnames": ["a"]}, {"ip": "10.0.0.1", "hostnames": ["b"]}], [{"ip": "no"}]],
    "hostNetwork": [True], "hostPID": [True], "hostname": ["h", "H_"], "imagePullSecrets": [[{"name": "s"}], [{"name": "s"}, {"name": "s"}], [{}]], "nodeName": ["n"], "nodeSelector": [{"a": "b"}, {"a/b/c": "d"}, {}],
    "os": [{"name": "linux"}, {"name": "windows"}], "preemptionPolicy": ["Never"], "priorityClassName": ["system-node-critical"], "priority": [5], "readinessGates": [[{"conditionType": "a.example/b"}]], "restartPolicy": ["Always", "OnFailure", ""],
    "runtimeClassName": ["r"], "schedulerName": ["s", ""], "schedulingGates": [[{"name": "a.example/g"}]], "securityContext": [{"fsGroup": 1}, {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "1"}]}, {"supplementalGroups": [1, 1]}, {}],
    "serviceAccount": ["agent"], "serviceAccountName": ["agent", "other", ""], "setHostnameAsFQDN": [True], "shareProcessNamespace": [True], "subdomain": ["s"], "terminationGracePeriodSeconds": [0, 60, -1],
    "tolerations": [[{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}], [{"operator": "Exists"}], [{"key": "a", "operator": "Equal", "value": "b"}, {"key": "a", "operator": "Equal", "value": "b"}], [{"key": "a", "value": "b", "operator": "Exists"}]],
    "topologySpreadConstraints": [[{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}], [{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway"}], [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"a": "b"}}, "matchLabelKeys": ["k"]}]],
    "initContainers": [[{"name": "init", "image": "i:1"}], [{"name": "init", "image": "i:1", "restartPolicy": "Always"}], [{"name": "init"}], [{"name": "agent", "image": "i:1"}]],
}
SPEC = {
    "Deployment": {"minReadySeconds": [5, -1], "paused": [True, False], "progressDeadlineSeconds": [30, 3, 0], "replicas": [0, 2, -1, None], "revisionHistoryLimit": [0, 3], "strategy": [{"type": "Recreate"}, {"rollingUpdate": {"maxSurge": 0}}, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "30%", "maxSurge": "150%"}}, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "x"}}, {"type": "Odd"}, {}]},
    "StatefulSet": {"minReadySeconds": [5], "replicas": [0, 3, -2], "revisionHistoryLimit": [0], "podManagementPolicy": ["Parallel", "Odd"], "serviceName": ["svc", ""], "ordinals": [{"start": 2}, {"start": -1}], "persistentVolumeClaimRetentionPolicy": [{"whenDeleted": "Delete"}, {"whenScaled": "Odd"}], "updateStrategy": [{"type": "OnDelete"}, {"rollingUpdate": {"partition": 1}}, {"type": "RollingUpdate", "rollingUpdate": {"partition": -1}}, {"rollingUpdate": {"maxUnavailable": 0}}, {}],
        "volumeClaimTemplates": [[{"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}], [{"metadata": {"name": "v", "labels": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteMany"], "storageClassName": "", "resources": {"requests": {"storage": "2Gi"}}}}], [{"metadata": {"name": "v"}, "spec": {}}]]},
    "DaemonSet": {"minReadySeconds": [5], "revisionHistoryLimit": [0], "updateStrategy": [{"type": "OnDelete"}, {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, {"rollingUpdate": {"maxSurge": 1}}, {"rollingUpdate": {"maxUnavailable": 0}}, {"rollingUpdate": {"maxUnavailable": "150%"}}, {"type": "Odd"}]},
}
STRATEGIC = [
    {"spec": {"template": {"spec": {"containers": [{"name": "agent", "ports": [{"containerPort": 8080, "name": "web"}]}]}}}},
    {"spec": {"template": {"spec": {"containers": [{"name": "agent", "$patch": "replace", "image": "x:1"}]}}}},
    {"spec": {"template": {"spec": {"containers": [{"name": "new", "image": "n:1"}], "$setElementOrder/containers": [{"name": "new"}, {"name": "agent"}]}}}},
    {"spec": {"template": {"spec": {"containers": [{"$patch": "replace"}, {"name": "agent", "image": "only:1"}]}}}},
    {"spec": {"template": {"spec": {"containers": [{"name": "agent", "env": [{"name": "A", "$patch": "delete"}, {"name": "Z", "value": "z"}], "$setElementOrder/env": [{"name": "Z"}]}]}}}},
    {"spec": {"template": {"spec": {"containers": [{"name": "agent", "command": ["x", "y"], "args": None, "livenessProbe": None}]}}}},
    {"spec": {"template": {"spec": {"containers": [{"image": "nameless:1"}]}}}},
    {"spec": {"template": {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}]}}}},
    {"spec": {"template": {"spec": {"volumes": [{"name": "v", "configMap": {"name": "other"}}]}}}},
    {"spec": {"template": {"spec": {"volumes": [{"name": "v", "$patch": "delete"}], "initContainers": None}}}},
    {"spec": {"template": {"spec": {"imagePullSecrets": [{"name": "t"}], "tolerations": None, "nodeSelector": {"a": None, "c": "d"}}}}},
    {"spec": {"template": {"spec": {"topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]}}}},
    {"spec": {"template": {"spec": {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["new"]}, {"ip": "10.0.0.9", "$patch": "delete"}]}}}},
    {"spec": {"template": {"spec": {"securityContext": {"$patch": "replace", "runAsUser": 7}}}}},
    {"spec": {"template": {"spec": {"securityContext": {"$patch": "delete"}}, "metadata": {"annotations": {"a": "b"}}}}},
    {"metadata": {"finalizers": ["a.example/f"]}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.example/f"]}},
    {"metadata": {"labels": {"a": "b"}, "annotations": None}}, {"spec": {"template": {"metadata": None}}}, {"spec": {"selector": {"matchLabels": {"app": "other"}}}},
    {"spec": {"minReadySeconds": "7"}}, {"spec": {"replicas": 1.5}}, {"spec": {"template": {"spec": {"containers": {"name": "agent"}}}}}, {"spec": {"unknown": 1}}, {},
    {"spec": {"template": {"spec": {"containers": [{"name": "agent", "resources": {"limits": {"cpu": "0.25", "memory": None}}}]}}}},
    {"metadata": {"name": "else"}}, {"metadata": {"resourceVersion": "1"}}, {"metadata": {"uid": "00000000-0000-0000-0000-000000000000"}}, {"status": {"replicas": 9}}, {"kind": "Service"}, {"apiVersion": "apps/v9"},
]
MERGE = [
    {"spec": {"template": {"spec": {"containers": [{"name": "agent", "image": "m:1"}]}}}}, {"spec": {"template": {"spec": {"containers": None}}}}, {"metadata": {"labels": None, "annotations": {"a": "b"}}}, {"spec": None}, {"spec": {"template": {"spec": {"volumes": []}}}},
    {"spec": {"template": {"metadata": {"labels": {"extra": "1"}, "creationTimestamp": None}}}}, {"metadata": {"generation": 99}}, {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u"}]}}, {"spec": {"template": {"spec": {"enableServiceLinks": None, "restartPolicy": None}}}},
    {"spec": {"replicas": "2"}}, {"spec": {"revisionHistoryLimit": 2}}, {"metadata": {"managedFields": []}}, {"metadata": {"managedFields": [{}]}}, {"metadata": {"annotations": {"Bad Key": "x"}}}, {"metadata": {"labels": {"a": "not valid!"}}}, {"metadata": {"namespace": "elsewhere"}},
]
JSON_PATCH = [
    [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "j:1"}], [{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "extra", "image": "e:1"}}], [{"op": "remove", "path": "/spec/template/spec/nothing"}],
    [{"op": "copy", "from": "/metadata/labels", "path": "/metadata/annotations"}], [{"op": "move", "from": "/spec/template/spec/containers/0/args", "path": "/spec/template/spec/containers/0/command"}], [{"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "agent"}, {"op": "add", "path": "/metadata/labels/a~1b", "value": "c"}],
    [{"op": "replace", "path": "/spec/template/spec/containers/9/image", "value": "j:1"}], [{"op": "add", "path": "/spec/template/metadata/annotations", "value": {"a": "b"}}], [{"op": "odd", "path": "/x"}], {"not": "a list"}, [], [{"op": "remove", "path": "/spec/template/spec/containers/0"}], [{"op": "replace", "path": "/spec/replicas", "value": None}],
]


class Server:
    """One connection of one thread."""

    def __init__(self, address):
        parts = urllib.parse.urlsplit(address)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=30)

    def send(self, method, path, query=None, content_type="application/json", body=None):
        target = path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Authorization": "Bearer admintoken", "Content-Type": content_type, "Accept": "application/json", "User-Agent": "cases"}
        self.connection.request(method, target, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def drawn(r, table, most):
    return {key: copy.deepcopy(r.choice(table[key])) for key in r.sample(sorted(table), min(r.randint(0, most), len(table)))}


def manifest(r, kind, name, wild):
    """A manifest of a workload; the wilder, the more of its fields are said."""
    spec = {"selector": {"matchLabels": {"app": name}}, **drawn(r, SPEC[kind], 1 + wild)}
    containers = [{"name": "agent", "image": r.choice(IMAGES), **drawn(r, CONTAINER, wild)}]
    if r.random() < 0.5:
        containers.append({"name": "git-sync", "image": r.choice(IMAGES), **drawn(r, CONTAINER, wild // 2)})
    pod = {"containers": containers, **drawn(r, POD, wild)}
    mounts = {m["name"] for c in containers for m in c.get("volumeMounts") or []}
    if mounts and r.random() < 0.9 or r.random() < 0.2:
        pod["volumes"] = [{"name": n, **copy.deepcopy(r.choice(VOLUMES))} for n in ["v", "w"]]
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    if r.random() < 0.2:
        template["metadata"]["annotations"] = {"checksum/config": str(r.randint(1, 3))}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "labels": {"app": name}}, "spec": {**spec, "template": template}}


def write_of(r, kind, name, base, server, path):
    """The next write: what it is called, method, path, query, content type, body."""
    patch = lambda op, manager, content, body: (op, "PATCH", path, {"fieldManager": manager}, f"application/{content}+json", body)
    choice = r.randint(0, 9)
    if choice <= 3:
        # What somebody applies is near what was applied before, with one thing changed.
        if r.random() < 0.6:
            container = r.choice(base["spec"]["template"]["spec"]["containers"])
            container.update(drawn(r, CONTAINER, 1))
        else:
            base["spec"]["template"]["spec"].update(drawn(r, POD, 1))
            base["spec"].update(drawn(r, SPEC[kind], 1))
        manager, force = r.choice(APPLIERS), r.choice(["true", "false"])
        return f"apply:{manager}", "PATCH", path, {"fieldManager": manager, "force": force}, "application/apply-patch+yaml", copy.deepcopy(base)
    if choice <= 5:
        return patch("strategic", "kubectl-patch", "strategic-merge-patch", copy.deepcopy(r.choice(STRATEGIC)))
    if choice == 6:
        return patch("merge", "kubectl-edit", "merge-patch", copy.deepcopy(r.choice(MERGE)))
    if choice == 7:
        return patch("json", "controller", "json-patch", copy.deepcopy(r.choice(JSON_PATCH)))
    if choice == 8:
        return patch("set-image", "kubectl-set", "strategic-merge-patch", {"spec": {"template": {"spec": {"containers": [{"name": "agent", "image": r.choice(IMAGES)}]}}}})
    return "replace", "PUT", path, {"fieldManager": "kubectl-replace"}, "application/json", copy.deepcopy(base)


def normalised(o, namespace):
    """Without what another server, or the same one later, would say differently."""
    o = copy.deepcopy(o)
    m = o["metadata"]
    for key in ("uid", "resourceVersion", "creationTimestamp", "selfLink", "namespace"):
        m.pop(key, None)
    o.pop("status", None)
    for key in ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"):
        if m.get("annotations", {}).pop(key, None) is not None and not m["annotations"]:
            del m["annotations"]
    fields = [f for f in m.pop("managedFields", []) if f["manager"] != "kube-controller-manager" and f.get("subresource") != "status"]
    for f in fields:
        f.pop("time", None)
    if fields:
        m["managedFields"] = sorted(fields, key=lambda f: (f["manager"], f["operation"], f.get("subresource", ""), json.dumps(f["fieldsV1"], sort_keys=True)))
    return json.loads(json.dumps(o).replace(namespace, "{ns}"))


def revision_of(kind, o):
    """What moves when the template does."""
    if kind == "Deployment":
        return o["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", "")
    if kind == "StatefulSet":
        return o["status"].get("updateRevision", "")
    return o["metadata"].get("annotations", {}).get("deprecated.daemonset.template.generation", "")


def settled(server, kind, path):
    """The object once its controller has seen its last change; None if it is not there."""
    for _ in range(200):
        code, o = server.send("GET", path)
        if code == 404:
            return None
        done = o["status"].get("observedGeneration") == o["metadata"]["generation"]
        if done and (kind != "Deployment" or o["spec"].get("paused") or "deployment.kubernetes.io/revision" in o["metadata"].get("annotations", {})):
            return o
        time.sleep(0.02)
    raise SystemExit(f"{path} does not settle")


def record(address, seed, attempt):
    """One case."""
    r, server = random.Random(seed), Server(address)
    kind, name, namespace = r.choice(["Deployment"] * 3 + ["StatefulSet"] * 2 + ["DaemonSet"]), f"x{seed}", f"x{seed}-{attempt}"
    server.send("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    server.send("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", body={"metadata": {"name": "agent"}})
    collection = f"/apis/apps/v1/namespaces/{namespace}/{KINDS[kind]}"
    path, steps, before = f"{collection}/{name}", [], None
    base = manifest(r, kind, name, r.randint(0, 5))
    for number in range(r.randint(4, 7)):
        if before is None and (number == 0 or r.random() < 0.7):
            if number:
                base = manifest(r, kind, name, r.randint(0, 2))
            manager = r.choice(APPLIERS)
            write = r.choice([
                ("create:post", "POST", collection, {"fieldManager": "kubectl-create"}, "application/json", copy.deepcopy(base)),
                (f"apply:{manager}", "PATCH", path, {"fieldManager": manager, "force": "false"}, "application/apply-patch+yaml", copy.deepcopy(base)),
            ])
        else:
            write = write_of(r, kind, name, base, server, path)
        op, method, target, query, content_type, body = write
        code, answer = server.send(method, target, query, content_type, body)
        after = settled(server, kind, path)
        step = {"op": op, "method": method, "path": target.replace(namespace, "{ns}"), "query": query, "content_type": content_type, "body": body, "code": code}
        if code >= 400:
            step.update(reason=answer.get("reason"), message=answer.get("message", "").replace(namespace, "{ns}"))
        if after is not None:
            step["object"] = normalised(after, namespace)
            moved = revision_of(kind, after) != (revision_of(kind, before) if before else "")
            step.update(rolls=int(moved), first=before is None)
        before = after
        steps.append(step)
    if before is not None:
        server.send("PATCH", path, content_type="application/merge-patch+json", body={"metadata": {"finalizers": None}})
    server.send("DELETE", path)
    return {"name": name, "seed": seed, "kind": kind, "steps": steps}


def main(address, out, *options):
    given = dict(zip(options[::2], options[1::2]))
    first, count = int(given.get("--first", 0)), int(given.get("--cases", 200))
    seeds = range(first, first + count)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [list(pool.map(lambda s: record(address, s, attempt), seeds)) for attempt in (1, 2)]
    cases = [a for a, b in zip(*runs) if a == b]
    for a, b in zip(*runs):
        if a != b:
            print("two recordings differ:", a["name"], file=sys.stderr)
    version = Server(address).send("GET", "/version")[1]["gitVersion"]
    with open(out, "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as z:
        z.write(json.dumps({"kubernetes": version, "cases": cases}).encode())
    print(f"{len(cases)} cases, {sum(len(c['steps']) for c in cases)} steps", file=sys.stderr)


main(*sys.argv[1:])
