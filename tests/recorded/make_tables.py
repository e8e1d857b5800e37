#!/usr/bin/env python3
"""Records the tables that a real API server makes of objects: tests/recorded/tables.json.gz, and the columns of every kind.

usage: make_tables.py SERVER TOKEN OUT COLUMNS     (SERVER: https://127.0.0.1:16443; needs nothing but the standard library)

Start the server by tests/controlplane/up.sh with PODS=pending and end its controller manager (`kill $(cat DIR/manager.pid)`), so that nobody changes what is written here.
`lists` holds, for each resource, the list as a Table with the whole objects in its rows (without managed fields), and at which second it was made: ages are those at that second.
`stored` is false where another path has shown the same objects as they are stored. `shapes` holds the other forms of a few answers: query, Accept and the answer whole.
COLUMNS (src/shadow/table/columns.json) maps each kind that the server has columns of its own for to them, and the empty name to those of all others.
"""
import datetime, gzip, json, ssl, sys, time, urllib.request, urllib.error

SERVER, TOKEN, OUT, COLUMNS = sys.argv[1:5]
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
NS = "tables"

def call(method, path, body=None, accept="application/json", content_type="application/json"):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": content_type, "Accept": accept, "User-Agent": "oracle"}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(SERVER + path, data, headers, method=method), context=TLS)
        return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, {"message": text.decode()}

def ago(seconds):
    """So long ago, in whole seconds."""
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")

M, H, D = 60, 3600, 86400
Y = 365 * D
AGES = [0, 1, 59, 100, 119, 120, 125, 9 * M + 59, 10 * M, 100 * M, 3 * H - 1, 3 * H, 3 * H + 5 * M, 7 * H + 59 * M, 8 * H, 47 * H, 2 * D, 2 * D + H, 7 * D + 23 * H, 8 * D, 100 * D, 2 * Y - D, 2 * Y, 2 * Y + 5 * D, 8 * Y - D, 8 * Y, 20 * Y]

def meta(name, **rest):
    return {"name": name, **rest}

def containers(*images):
    return [{"name": "c%d" % i, "image": image} for i, image in enumerate(images)]

def template(labels=None, images=("nginx:1",), **spec):
    return {"metadata": {"labels": labels or {"app": "a"}}, "spec": {"containers": containers(*images), **spec}}

SELECTORS = [{"matchLabels": {"app": "a"}}, {"matchLabels": {"b": "2", "app": "a"}}, {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "t", "operator": "In", "values": ["y", "x"]}, {"key": "u", "operator": "NotIn", "values": ["z"]}, {"key": "b", "operator": "Exists"}, {"key": "a", "operator": "DoesNotExist"}]}]
FITTING = {"app": "a", "b": "2", "t": "x", "u": "q"}
TWO = ("nginx:1", "registry.example/team/proxy@sha256:" + "0" * 64)

def workloads():
    for i, selector in enumerate(SELECTORS):
        t = template(FITTING, TWO[:1 + i % 2], **({"nodeSelector": {"disk": "ssd", "arch": "arm64"}} if i == 1 else {}))
        yield "/apis/apps/v1", "deployments", {"metadata": meta("d%d" % i), "spec": {"replicas": 3 - i, "selector": selector, "template": t}}, {"replicas": 4, "updatedReplicas": 3, "readyReplicas": 2, "availableReplicas": i, "unavailableReplicas": 1}
        yield "/apis/apps/v1", "replicasets", {"metadata": meta("r%d" % i), "spec": {"replicas": 3 - i, "selector": selector, "template": t}}, {"replicas": 4, "readyReplicas": 2, "fullyLabeledReplicas": 2, "availableReplicas": i}
        yield "/apis/apps/v1", "statefulsets", {"metadata": meta("s%d" % i), "spec": {"serviceName": "x", "replicas": 3 - i, "selector": selector, "template": t}}, {"replicas": 4, "readyReplicas": i, "currentReplicas": 1, "updatedReplicas": 1}
        yield "/apis/apps/v1", "daemonsets", {"metadata": meta("ds%d" % i), "spec": {"selector": selector, "template": t}}, {"desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3, "updatedNumberScheduled": 2, "numberAvailable": i, "numberMisscheduled": 0}
    yield "/apis/apps/v1", "deployments", {"metadata": meta("none"), "spec": {"replicas": 0, "selector": SELECTORS[0], "template": template()}}, None
    yield "/apis/apps/v1", "deployments", {"metadata": meta("default"), "spec": {"selector": SELECTORS[0], "template": template()}}, None
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s0", "uid": "u"}
    for name, owners in (("c0", [{**owner, "controller": True}]), ("c1", [owner]), ("c2", []), ("c3", [{"apiVersion": "v1", "kind": "Thing", "name": "t", "uid": "v", "controller": True}])):
        yield "/apis/apps/v1", "controllerrevisions", {"metadata": meta(name, ownerReferences=owners), "data": {"a": 1}, "revision": 7}, None
    yield "/api/v1", "replicationcontrollers", {"metadata": meta("rc0"), "spec": {"replicas": 2, "selector": {"b": "2", "app": "a"}, "template": template(FITTING, TWO)}}, {"replicas": 2, "readyReplicas": 1, "fullyLabeledReplicas": 1}
    yield "/api/v1", "replicationcontrollers", {"metadata": meta("rc1"), "spec": {"template": template()}}, None
    yield "/api/v1", "podtemplates", {"metadata": meta("t0"), "template": template(FITTING, TWO)}, None
    yield "/api/v1", "podtemplates", {"metadata": meta("t1"), "template": {"spec": {"containers": containers("x")}}}, None

def jobs():
    condition = lambda t, s="True": {"type": t, "status": s, "lastTransitionTime": ago(5), "lastProbeTime": ago(5)}
    job = lambda name, spec=None, status=None: ("/apis/batch/v1", "jobs", {"metadata": meta(name), "spec": {"template": template(restartPolicy="Never"), **(spec or {})}}, status)
    yield job("plain")
    for i, age in enumerate(AGES):
        yield job("age%02d" % i, None, {"startTime": ago(age), "active": 1, "ready": 0})
    done = {"startTime": ago(300), "completionTime": ago(100), "succeeded": 1, "ready": 0, "uncountedTerminatedPods": {}, "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]}
    yield job("done", None, done)
    yield job("failed", None, {"startTime": ago(300), "failed": 1, "ready": 0, "uncountedTerminatedPods": {}, "conditions": [condition("FailureTarget"), condition("Failed")]})
    yield job("failing", None, {"startTime": ago(300), "failed": 1, "ready": 0, "conditions": [condition("FailureTarget")]})
    yield job("met", None, {"startTime": ago(300), "ready": 0, "conditions": [condition("SuccessCriteriaMet")]})
    yield job("suspended", {"suspend": True}, {"ready": 0, "conditions": [condition("Suspended")]})
    yield job("resumed", None, {"startTime": ago(40), "ready": 0, "conditions": [condition("Suspended", "False")]})
    yield job("many", {"completions": 5, "parallelism": 2}, {"startTime": ago(9), "succeeded": 2, "ready": 0})
    yield job("queue", {"parallelism": 3}, {"startTime": ago(9), "succeeded": 2, "ready": 0})
    yield job("single", {"parallelism": 1, "completions": None})
    yield job("manual", {"manualSelector": True, "selector": SELECTORS[2], "template": template(FITTING, TWO, restartPolicy="OnFailure")})
    cron = lambda name, spec=None, status=None: ("/apis/batch/v1", "cronjobs", {"metadata": meta(name), "spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": template(images=TWO, restartPolicy="Never")}}, **(spec or {})}}, status)
    yield cron("plain")
    yield cron("zoned", {"timeZone": "Europe/Berlin", "suspend": True}, {"lastScheduleTime": ago(400), "active": [{"kind": "Job", "name": "j", "namespace": NS, "apiVersion": "batch/v1", "uid": "u"}]})

def pods():
    def pod(name, status=None, spec=None, images=("nginx:1",), **m):
        return "/api/v1", "pods", {"metadata": meta(name, **m), "spec": {"containers": containers(*images), **(spec or {})}}, status
    def state(i=0, name="c", restarts=0, ready=False, last=None, started=None, **s):
        out = {"name": "%s%d" % (name, i), "image": "i", "imageID": "", "restartCount": restarts, "ready": ready, "state": s}
        if last is not None:
            out["lastState"] = {"terminated": {"exitCode": 1, "finishedAt": ago(last), "startedAt": ago(last + 9)}}
        if started is not None:
            out["started"] = started
        return out
    run = {"startedAt": ago(50)}
    over = lambda code, reason="", signal=0: {"exitCode": code, "reason": reason, "signal": signal, "startedAt": ago(60), "finishedAt": ago(30)}
    cond = lambda t, s="True", **r: {"type": t, "status": s, **r}
    yield pod("plain")
    yield pod("running", {"phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}, {"ip": "fd00::9"}], "conditions": [cond("Ready")], "containerStatuses": [state(ready=True, running=run)]}, {"nodeName": "n1"})
    yield pod("two", {"phase": "Running", "containerStatuses": [state(ready=True, running=run), state(1, restarts=3, last=200, waiting={"reason": "CrashLoopBackOff"})]}, images=TWO)
    yield pod("restarts", {"phase": "Running", "containerStatuses": [state(ready=True, running=run, restarts=2, last=4000), state(1, restarts=3, last=200, ready=True, running=run)]}, images=TWO)
    yield pod("silent", {"phase": "Running", "containerStatuses": [state(ready=True, running=run, restarts=2)]})
    for i, (phase, statuses, conditions) in enumerate([
            ("Succeeded", [state(terminated=over(0, "Completed"))], []), ("Failed", [state(terminated=over(1, "Error"))], []), ("Failed", [state(terminated=over(137, "", 9))], []), ("Failed", [state(terminated=over(3))], []),
            ("Running", [state(terminated=over(0, "Completed")), state(1, ready=True, running=run)], []), ("Running", [state(terminated=over(0, "Completed")), state(1, ready=True, running=run)], [cond("Ready")]),
            ("Running", [state(terminated=over(0, "Completed")), state(1, terminated=over(2, "Error"))], []), ("Running", [state(terminated=over(2, "Error")), state(1, terminated=over(0, "Completed"))], []),
            ("Pending", [state(waiting={"reason": "ImagePullBackOff"}), state(1, waiting={"reason": "ContainerCreating"})], []), ("Pending", [state(waiting={})], []), ("Running", [state(running=run)], []), ("Unknown", [], [])]):
        yield pod("p%02d" % i, {"phase": phase, "containerStatuses": statuses, "conditions": conditions}, {"restartPolicy": "Never"}, images=TWO[:max(1, len(statuses))])
    yield pod("evicted", {"phase": "Failed", "reason": "Evicted", "message": "m"}, {"restartPolicy": "Never"})
    yield pod("gated", None, {"schedulingGates": [{"name": "example.com/g"}]})
    inits = {"initContainers": [{"name": "i0", "image": "x"}, {"name": "i1", "image": "x"}]}
    for i, (first, extra) in enumerate([
            ([state(name="i", waiting={"reason": "PodInitializing"}), state(1, "i", waiting={"reason": "PodInitializing"})], {}), ([state(name="i", terminated=over(0)), state(1, "i", running=run)], {}), ([state(name="i", terminated=over(0)), state(1, "i", terminated=over(0))], {"containerStatuses": [state(ready=True, running=run)]}),
            ([state(name="i", terminated=over(1, "Error"), restarts=2, last=77)], {}), ([state(name="i", terminated=over(1))], {}), ([state(name="i", terminated=over(137, "", 9))], {}), ([state(name="i", waiting={"reason": "CrashLoopBackOff"}, restarts=4, last=66)], {}),
            ([state(name="i", running=run)], {"conditions": [cond("Initialized")], "containerStatuses": [state(ready=True, running=run, restarts=1)]}), ([], {})]):
        yield pod("i%02d" % i, {"phase": "Pending", "initContainerStatuses": first, **extra}, {**inits})
    sidecar = {"initContainers": [{"name": "i0", "image": "x", "restartPolicy": "Always"}, {"name": "i1", "image": "x"}]}
    for i, (first, extra) in enumerate([
            ([state(name="i", started=True, ready=True, running=run, restarts=2, last=90), state(1, "i", terminated=over(0), restarts=1)], {"containerStatuses": [state(ready=True, running=run, restarts=1, last=500)]}), ([state(name="i", started=True, running=run), state(1, "i", running=run)], {}), ([state(name="i", started=False, running=run)], {}),
            ([state(name="i", waiting={"reason": "ErrImagePull"})], {})]):
        yield pod("s%02d" % i, {"phase": "Running" if i == 0 else "Pending", "initContainerStatuses": first, **extra}, {**sidecar})
    gates = {"readinessGates": [{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}, {"conditionType": "example.com/c"}], "nodeName": "n1"}
    yield pod("gates", {"phase": "Running", "conditions": [cond("example.com/a"), cond("example.com/b", "False")], "containerStatuses": [state(ready=True, running=run)]}, gates)
    yield pod("nominated", {"phase": "Pending", "nominatedNodeName": "n2"})
    for name, phase, reason in (("going", "Running", ""), ("gone", "Succeeded", ""), ("lost", "Running", "NodeLost")):
        yield pod(name, {"phase": phase, "reason": reason, "containerStatuses": [state(ready=True, running=run)]}, {"nodeName": "n1", "restartPolicy": "Never"}, finalizers=["example.com/f"])

def network():
    svc = lambda name, status=None, **spec: ("/api/v1", "services", {"metadata": meta(name), "spec": spec}, status)
    port = lambda n, **r: {"port": n, "name": "p%d" % n, **r}
    lb = lambda *ingress: {"loadBalancer": {"ingress": list(ingress)}}
    yield svc("plain", ports=[port(80)], selector={"b": "2", "app": "a"})
    yield svc("headless", clusterIP="None", selector={"app": "a"})
    yield svc("external", type="ExternalName", externalName="db.example.com")
    yield svc("out", ports=[port(80), port(53, protocol="UDP")], externalIPs=["192.0.2.1", "192.0.2.2"])
    yield svc("node", type="NodePort", ports=[port(80, nodePort=30080), port(53, protocol="UDP", nodePort=30053)])
    yield svc("node-out", type="NodePort", ports=[port(80, nodePort=30081)], externalIPs=["192.0.2.1"])
    yield svc("pending", type="LoadBalancer", ports=[port(80, nodePort=30082)])
    yield svc("balanced", lb({"ip": "192.0.2.9"}, {"hostname": "lb.eu-central-1.balancers.example.com"}, {"ip": "192.0.2.10"}), type="LoadBalancer", ports=[port(80, nodePort=30083)])
    yield svc("balanced-out", lb({"ip": "192.0.2.9"}), type="LoadBalancer", ports=[port(80, nodePort=30084)], externalIPs=["192.0.2.7", "192.0.2.6"])
    yield svc("waiting-out", type="LoadBalancer", ports=[port(80, nodePort=30085)], externalIPs=["192.0.2.7"])
    rule = lambda host=None: {**({"host": host} if host else {}), "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "x", "port": {"number": 80}}}}]}}
    ing = lambda name, status=None, **spec: ("/apis/networking.k8s.io/v1", "ingresses", {"metadata": meta(name), "spec": spec}, status)
    yield ing("plain", rules=[rule()])
    yield ing("backend", defaultBackend={"service": {"name": "x", "port": {"number": 80}}})
    yield ing("hosts", rules=[rule("a.example.com"), rule(), rule("b.example.com")], ingressClassName="nginx", tls=[{"hosts": ["a.example.com"]}])
    yield ing("three", lb({"ip": "192.0.2.9"}), rules=[rule("%s.example.com" % c) for c in "abc"])
    yield ing("many", lb({"hostname": "lb.eu-central-1.balancers.example.com"}, {"ip": "192.0.2.1"}), rules=[rule("%s.example.com" % c) for c in "abcde"])
    cls = lambda name, annotations=None, **spec: ("/apis/networking.k8s.io/v1", "ingressclasses", {"metadata": meta(name, annotations=annotations or {}), "spec": spec}, None)
    yield cls("plain", controller="example.com/c")
    yield cls("default", {"ingressclass.kubernetes.io/is-default-class": "true"}, controller="example.com/c", parameters={"apiGroup": "k8s.example.com", "kind": "Params", "name": "p"})
    yield cls("map", {"ingressclass.kubernetes.io/is-default-class": "false"}, controller="example.com/c", parameters={"kind": "ConfigMap", "name": "p", "scope": "Namespace", "namespace": "x"})
    for i, selector in enumerate(SELECTORS + [{}]):
        yield "/apis/networking.k8s.io/v1", "networkpolicies", {"metadata": meta("n%d" % i), "spec": {"podSelector": selector}}, None
    addresses = lambda *ends: [{"ip": "10.0.0.%d" % e} for e in ends]
    for i, subsets in enumerate([[], [{"addresses": addresses(1, 2), "ports": [{"port": 80}]}], [{"addresses": addresses(1, 2, 3), "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}], [{"addresses": addresses(1, 2, 3, 4)}], [{"addresses": [{"ip": "fd00::1"}], "ports": [{"port": 80}]}], [{"notReadyAddresses": addresses(1), "ports": [{"port": 80}]}], [{"addresses": addresses(1, 2, 3), "ports": [{"port": 80}]}]]):
        yield "/api/v1", "endpoints", {"metadata": meta("e%d" % i), "subsets": subsets}, None
    ends = lambda *lists: [{"addresses": list(l)} for l in lists]
    for i, (endpoints, ports) in enumerate([([], []), (ends(["10.0.0.1"], ["10.0.0.2"]), [{"port": 80, "name": ""}]), (ends(["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"], ["10.0.0.4"], ["10.0.0.5"]), [{"port": p, "name": "p%d" % p} for p in (1, 2, 3, 4, 5)]), (ends(["10.0.0.1"]), [{"name": "named"}]), (ends(["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"]), None)]):
        yield "/apis/discovery.k8s.io/v1", "endpointslices", {"metadata": meta("e%d" % i), "addressType": "IPv4", "endpoints": endpoints, "ports": ports}, None

def storage():
    claim = lambda name, status=None, annotations=None, **spec: ("/api/v1", "persistentvolumeclaims", {"metadata": meta(name, annotations=annotations or {}), "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}}, status)
    bound = lambda capacity, *modes: {"phase": "Bound", "accessModes": list(modes), "capacity": {"storage": capacity} if capacity else {}}
    yield claim("plain")
    yield claim("bound", bound("1024Mi", "ReadWriteMany", "ReadWriteOnce", "ReadOnlyMany", "ReadWriteOncePod"), volumeName="v", storageClassName="fast", volumeMode="Block")
    yield claim("blank", bound("", "ReadWriteOnce"), volumeName="v", storageClassName="")
    yield claim("odd", bound("1.5Gi", "ReadWriteOnce", "ReadWriteOnce"), {"volume.beta.kubernetes.io/storage-class": "old"}, volumeName="v", volumeAttributesClassName="gold")
    yield ("/api/v1", "persistentvolumeclaims", {"metadata": meta("going", finalizers=["example.com/f"]), "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}, None)
    pv = lambda name, status=None, annotations=None, **spec: ("/api/v1", "persistentvolumes", {"metadata": meta(name, annotations=annotations or {}), "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5000Mi"}, "hostPath": {"path": "/x"}, **spec}}, status)
    yield pv("plain")
    yield pv("claimed", {"phase": "Bound", "reason": "why"}, claimRef={"kind": "PersistentVolumeClaim", "namespace": "a", "name": "b"}, persistentVolumeReclaimPolicy="Retain", storageClassName="fast", accessModes=["ReadOnlyMany", "ReadWriteMany"])
    yield pv("old", None, {"volume.beta.kubernetes.io/storage-class": "old"}, volumeMode="Block", capacity={"storage": "1e3"}, hostPath=None, local={"path": "/x"}, nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}})
    sc = lambda name, annotations=None, **rest: ("/apis/storage.k8s.io/v1", "storageclasses", {"metadata": meta(name, annotations=annotations or {}), "provisioner": "example.com/p", **rest}, None)
    yield sc("plain")
    yield sc("default", {"storageclass.kubernetes.io/is-default-class": "true"}, reclaimPolicy="Retain", volumeBindingMode="WaitForFirstConsumer", allowVolumeExpansion=True)
    yield sc("beta", {"storageclass.beta.kubernetes.io/is-default-class": "true"}, allowVolumeExpansion=False)
    yield sc("no", {"storageclass.kubernetes.io/is-default-class": "false"})
    yield "/apis/storage.k8s.io/v1", "csidrivers", {"metadata": meta("plain"), "spec": {}}, None
    yield "/apis/storage.k8s.io/v1", "csidrivers", {"metadata": meta("full"), "spec": {"attachRequired": False, "podInfoOnMount": True, "storageCapacity": True, "tokenRequests": [{"audience": "a"}, {"audience": "b"}], "requiresRepublish": True, "volumeLifecycleModes": ["Persistent", "Ephemeral"]}}, None
    yield "/apis/storage.k8s.io/v1", "csinodes", {"metadata": meta("plain"), "spec": {"drivers": []}}, None
    yield "/apis/storage.k8s.io/v1", "csinodes", {"metadata": meta("two"), "spec": {"drivers": [{"name": "a", "nodeID": "x"}, {"name": "b", "nodeID": "y"}]}}, None
    yield "/apis/storage.k8s.io/v1", "csistoragecapacities", {"metadata": meta("plain"), "storageClassName": "fast"}, None
    yield "/apis/storage.k8s.io/v1", "csistoragecapacities", {"metadata": meta("full"), "storageClassName": "fast", "capacity": "2048Mi"}, None
    yield "/apis/storage.k8s.io/v1", "volumeattachments", {"metadata": meta("plain"), "spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}}}, {"attached": True}
    yield "/apis/storage.k8s.io/v1", "volumeattributesclasses", {"metadata": meta("gold"), "driverName": "example.com/p", "parameters": {"a": "b"}}, None

def plain():
    for i, (data, binary) in enumerate([({}, {}), ({"a": "b"}, {}), ({"a": "b", "c": "d"}, {"e": "Zg=="})]):
        yield "/api/v1", "configmaps", {"metadata": meta("m%d" % i), "data": data, "binaryData": binary}, None
        yield "/api/v1", "secrets", {"metadata": meta("s%d" % i), "data": {k: "Zg==" for k in data}, **({"type": "example.com/t"} if i else {})}, None
    yield "/api/v1", "secrets", {"metadata": meta("text"), "stringData": {"a": "b"}}, None
    yield "/api/v1", "serviceaccounts", {"metadata": meta("robot"), "secrets": [{"name": "x"}]}, None
    yield "/api/v1", "limitranges", {"metadata": meta("l"), "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}, None
    yield "/api/v1", "resourcequotas", {"metadata": meta("plain"), "spec": {"hard": {"pods": "5"}}}, None
    hard = {"pods": "100", "limits.cpu": "2000m", "limits.memory": "4096Mi", "requests.cpu": "1500m", "count/deployments.apps": "1k", "requests.storage": "10Gi"}
    yield "/api/v1", "resourcequotas", {"metadata": meta("used"), "spec": {"hard": hard}}, {"hard": hard, "used": {"pods": "3", "limits.cpu": "0.5", "limits.memory": "1.5Gi", "requests.cpu": "100m"}}
    for i, spec in enumerate([{"minAvailable": 1}, {"maxUnavailable": "25%"}, {"minAvailable": "50%"}, {"maxUnavailable": 0}, {}]):
        yield "/apis/policy/v1", "poddisruptionbudgets", {"metadata": meta("b%d" % i), "spec": {"selector": SELECTORS[0], **spec}}, {"disruptionsAllowed": i, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    role = {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    subjects = [{"kind": "User", "name": "u1", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "Group", "name": "g1", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "ServiceAccount", "name": "a", "namespace": "x"}, {"kind": "User", "name": "u2", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "ServiceAccount", "name": "b", "namespace": "y"}]
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    yield rbac, "roles", {"metadata": meta("r"), **role}, None
    yield rbac, "clusterroles", {"metadata": meta("tables-r"), **role}, None
    for name, kind, s in (("b0", "Role", subjects), ("b1", "ClusterRole", []), ("b2", "ClusterRole", subjects[2:3])):
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "r"}
        yield rbac, "rolebindings", {"metadata": meta(name), "roleRef": ref, "subjects": s}, None
        if kind == "ClusterRole":
            yield rbac, "clusterrolebindings", {"metadata": meta("tables-" + name), "roleRef": ref, "subjects": s}, None
    yield "/apis/scheduling.k8s.io/v1", "priorityclasses", {"metadata": meta("high"), "value": 1000}, None
    yield "/apis/scheduling.k8s.io/v1", "priorityclasses", {"metadata": meta("low"), "value": -5, "globalDefault": True, "preemptionPolicy": "Never"}, None
    yield "/apis/node.k8s.io/v1", "runtimeclasses", {"metadata": meta("gvisor"), "handler": "runsc"}, None
    yield "/apis/coordination.k8s.io/v1", "leases", {"metadata": meta("held"), "spec": {"holderIdentity": "me"}}, None
    yield "/apis/coordination.k8s.io/v1", "leases", {"metadata": meta("free"), "spec": {}}, None
    yield "/api/v1", "namespaces", {"metadata": meta("tables-other", labels={"a": "b"})}, None
    node = lambda name, labels=None, status=None, **spec: ("/api/v1", "nodes", {"metadata": meta(name, labels=labels or {}), "spec": spec}, status)
    info = {"kubeletVersion": "v1.36.2", "osImage": "Linux", "kernelVersion": "6.1", "containerRuntimeVersion": "containerd://2", "architecture": "arm64", "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": "", "operatingSystem": "linux"}
    yield node("plain")
    yield node("ready", {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "x", "kubernetes.io/role": "old"}, {"conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}], "addresses": [{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.1.0.1"}, {"type": "ExternalIP", "address": "192.0.2.1"}], "nodeInfo": info})
    yield node("sick", {}, {"conditions": [{"type": "Ready", "status": "Unknown"}]}, unschedulable=True)

def scaling():
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1000Mi"}}}
    in_container = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": {"type": "Utilization", "averageUtilization": 60}}}
    in_container_value = {"type": "ContainerResource", "containerResource": {"name": "memory", "container": "c", "target": {"type": "AverageValue", "averageValue": "500M"}}}
    per_pod = {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1k"}}}
    ref = {"kind": "Ingress", "name": "i", "apiVersion": "networking.k8s.io/v1"}
    of_object = {"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": ref, "target": {"type": "Value", "value": "10k"}}}
    of_object_avg = {"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": ref, "target": {"type": "AverageValue", "averageValue": "250m"}}}
    external = {"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "30"}}}
    external_avg = {"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "1.5"}}}
    now = lambda m, current: {"type": m["type"], m["type"][0].lower() + m["type"][1:]: {**{k: v for k, v in m[m["type"][0].lower() + m["type"][1:]].items() if k != "target"}, "current": current}}
    cases = [([], None), ([cpu], None), ([cpu], [now(cpu, {"averageUtilization": 55, "averageValue": "110m"})]), ([memory], [now(memory, {"averageValue": "524288000"})]), ([cpu, memory], [now(cpu, {"averageUtilization": 5, "averageValue": "5m"})]), ([cpu, memory, per_pod], [now(cpu, {"averageUtilization": 5, "averageValue": "5m"}), now(memory, {"averageValue": "1"})]),
        ([per_pod], [now(per_pod, {"averageValue": "1500m"})]), ([of_object], [now(of_object, {"value": "12000"})]), ([of_object], None), ([of_object_avg], [now(of_object_avg, {"value": "1", "averageValue": "0.1"})]), ([of_object_avg], [now(of_object_avg, {"value": "1"})]), ([external], [now(external, {"value": "7"})]), ([external], None), ([external_avg], [now(external_avg, {"value": "7", "averageValue": "3.25"})]), ([external_avg], None),
        ([in_container], [now(in_container, {"averageUtilization": 1, "averageValue": "1m"})]), ([in_container], None), ([in_container_value], [now(in_container_value, {"averageValue": "1Gi"})]), ([in_container_value], None)]
    for i, (metrics, current) in enumerate(cases):
        spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d0"}, "maxReplicas": 5, **({"metrics": metrics} if metrics else {}), **({"minReplicas": 2} if i % 2 else {})}
        yield "/apis/autoscaling/v2", "horizontalpodautoscalers", {"metadata": meta("h%02d" % i), "spec": spec}, ({"currentReplicas": i, "desiredReplicas": i, "currentMetrics": current, "conditions": []} if current else None)

def events():
    about = {"kind": "Pod", "name": "p", "namespace": NS, "fieldPath": "spec.containers{c}"}
    event = lambda name, **rest: ("/api/v1", "events", {"metadata": meta(name), "involvedObject": about, "reason": "Why", "message": " a message \n", "type": "Normal", **rest}, None)
    yield event("plain", firstTimestamp=ago(500), lastTimestamp=ago(130), count=4, source={"component": "kubelet", "host": "n1"})
    yield event("bare")
    yield event("new", eventTime=ago(700).replace("Z", ".000000Z"), reportingComponent="example.com/c", reportingInstance="i-1", action="Act", type="Warning")
    yield event("series", eventTime=ago(700).replace("Z", ".000000Z"), series={"count": 9, "lastObservedTime": ago(33).replace("Z", ".000000Z")}, reportingComponent="example.com/c", reportingInstance="i-1", action="Act")
    yield event("nameless", involvedObject={"kind": "Node", "namespace": NS}, firstTimestamp=ago(5), count=1, source={"component": "c"})

def others():
    hook = {"name": "a.example.com", "clientConfig": {"url": "https://example.com/"}, "sideEffects": "None", "admissionReviewVersions": ["v1"], "rules": []}
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        yield "/apis/admissionregistration.k8s.io/v1", kind, {"metadata": meta("none"), "webhooks": []}, None
        yield "/apis/admissionregistration.k8s.io/v1", kind, {"metadata": meta("one"), "webhooks": [hook]}, None
    rules = {"matchConstraints": {"resourceRules": [{"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["none"]}]}}
    yield "/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies", {"metadata": meta("plain"), "spec": {**rules, "validations": [{"expression": "true"}, {"expression": "1 == 1"}]}}, None
    yield "/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies", {"metadata": meta("kind"), "spec": {**rules, "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [{"expression": "true"}]}}, None
    for i, ref in enumerate([None, {"name": "p", "parameterNotFoundAction": "Deny"}, {"name": "p", "namespace": "n", "parameterNotFoundAction": "Deny"}, {"selector": {"matchLabels": {"a": "b"}}, "parameterNotFoundAction": "Deny"}]):
        if i < 3:
            yield "/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", {"metadata": meta("b%d" % i), "spec": {"policyName": "kind", "validationActions": ["Deny"], **({"paramRef": ref} if ref else {})}}, None
    yield "/apis/certificates.k8s.io/v1", "certificatesigningrequests", {"metadata": meta("csr"), "spec": {"signerName": "example.com/s", "usages": ["digital signature"], "expirationSeconds": 3600, "request": CSR}}, None
    yield "/apis/flowcontrol.apiserver.k8s.io/v1", "flowschemas", {"metadata": meta("tables"), "spec": {"priorityLevelConfiguration": {"name": "tables"}, "matchingPrecedence": 700, "distinguisherMethod": {"type": "ByUser"}}}, None
    yield "/apis/flowcontrol.apiserver.k8s.io/v1", "prioritylevelconfigurations", {"metadata": meta("tables"), "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 3, "limitResponse": {"type": "Queue", "queuing": {"queues": 8, "handSize": 3, "queueLengthLimit": 9}}}}}, None
    yield "/apis/apiregistration.k8s.io/v1", "apiservices", {"metadata": meta("v1.away.example.com"), "spec": {"group": "away.example.com", "version": "v1", "service": {"namespace": "x", "name": "y"}, "groupPriorityMinimum": 10, "versionPriority": 10}}, None

    claim = {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}}
    result = {"request": "r", "driver": "example.com", "pool": "p", "device": "d"}
    yield "/apis/resource.k8s.io/v1", "deviceclasses", {"metadata": meta("c"), "spec": {}}, None
    yield "/apis/resource.k8s.io/v1", "resourceclaims", {"metadata": meta("waiting"), "spec": claim}, None
    yield "/apis/resource.k8s.io/v1", "resourceclaims", {"metadata": meta("given"), "spec": claim}, {"allocation": {"devices": {"results": [result]}}}
    yield "/apis/resource.k8s.io/v1", "resourceclaims", {"metadata": meta("taken"), "spec": claim}, {"allocation": {"devices": {"results": [result]}}, "reservedFor": [{"resource": "pods", "name": "x", "uid": "u"}]}
    yield "/apis/resource.k8s.io/v1", "resourceclaims", {"metadata": meta("going", finalizers=["example.com/f"]), "spec": claim}, None
    yield "/apis/resource.k8s.io/v1", "resourceclaimtemplates", {"metadata": meta("t"), "spec": {"spec": claim}}, None
    yield "/apis/resource.k8s.io/v1", "resourceslices", {"metadata": meta("s"), "spec": {"driver": "example.com", "nodeName": "n1", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}, "devices": [{"name": "d"}]}}, None

CSR = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQ1VUQ0NBVGtDQVFBd0RERUtNQWdHQTFVRUF3d0JlRENDQVNJd0RRWUpLb1pJaHZjTkFRRUJCUUFEZ2dFUApBRENDQVFvQ2dnRUJBTHNMNWxVYU9LWlJvTndWbU9EWFl3UTZvTFdCVExZZ2pndHd1RTB1R2xDaGMwSkF6VXBVCkhDV2xTblVlV3EydFBOaDlibEEyZWVBcHZ2QzY1SGdhZjFnVW1IZWQwQ3M4RlMzSkVjdjJYeWpUWDJtZVU5WFgKSnpOY2x6WUI1NFI3N3dheFZlaFB2NlZib0hmNkkzaXpZQ3JkbWxDNzB0MWY0dC9JcU50UlVjTlMxZi8vTDNSTQpnSG1ySVFubGJWeEVabW10RTBteWZ6d0NQeFR1cTRCRldLY092UCtXaGUrKytNTU5RelVVbzMvQlhJUDR3alhOCk1yZXVXYWtlVVkwdEZMVG9RSlgzVEVvaXpWYzdmQjBEcW5ya25mYkh0NVN0WDhNWFNNNVhlZW9LT1J4VXlodEoKczJVRjJhWEtiWXZhOXVEZ2c2MUl6c3hpaGV0cUZYbU5RdU1DQXdFQUFhQUFNQTBHQ1NxR1NJYjNEUUVCQ3dVQQpBNElCQVFCRmlwZTRBcGtScGVNZUJ5cUVxK3kzTlFtS210ZnN5aTdQM2gzcG9iT2xVSG1JdmZMbk56a1QzblhzCmh5Und6RVR4TzNoYndiZDZQcGlPd0EyTlVOY0h2M3l1S2g4SUxjaEhlQnVQcTJjZ0U3bUpheVF6TGxpdjIrMEcKREJ2bnZqNDdudTgvZHRMYmdiRjJnbHNJRG1nRWNHV2Fxc3I2VDNYcjZFMTF2c2RSRWN6OWZ0RDZYRUtnbW1TYgp1SWtiWWszRXJvNWhYNnhNWjE2OU01MzY2QXl6ZnRYTDE1VWpYTGI4bndtcjBzUzNQcVJJanBCdHRhQzhqa1F3CnV6MHRkR3djZkk0M1lzRmJhLzhPWmdTaGpKeUdGeU4xdWlTdi9vUzFFM0JHZkQ0UTk3M1ZJVmVYMGl2V2N1RXcKWHVWRUkvZ2UvUUs3dnpxenRvMHRjYUIrcEJxOQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K"

GROUP = "tables.example.com"
ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}

def column(name, type, path, **rest):
    return {"name": name, "type": type, "jsonPath": path, **rest}

PRINTED = [column("Text", "string", ".spec.text", description="A text."), column("Int", "integer", ".spec.int", format="int32"), column("Num", "number", ".spec.num", priority=1), column("Bool", "boolean", ".spec.bool"), column("Date", "date", ".spec.date"),
    column("As Text", "string", ".spec.any"), column("As Int", "integer", ".spec.any"), column("As Num", "number", ".spec.any"), column("As Bool", "boolean", ".spec.any"), column("As Date", "date", ".spec.any"),
    column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'), column("Single", "string", ".status.conditions[?(@.type=='Ready')].reason"), column("First", "string", ".spec.list[0]"), column("Last", "string", ".spec.list[-1]"), column("All", "string", ".spec.list[*]"), column("Some", "string", ".spec.list[1:3]"), column("Names", "string", ".spec.items[*].name"), column("Big", "integer", ".spec.items[?(@.n>2)].n"), column("Has", "string", ".spec.items[?(@.n)].name"), column("Not", "string", '.spec.items[?(@.name!="x")].name'),
    column("Dotted", "string", ".metadata.annotations.example\\.com/a"), column("Quoted", "string", ".metadata.annotations['example.com/a']"), column("Deep", "string", "..deep"), column("Star", "string", ".spec.list.*"), column("Union", "string", ".spec.list[0,2]"), column("Age", "date", ".metadata.creationTimestamp", priority=0), column("Whole", "string", ".spec.map")]

def definition(plural, kind, columns):
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": ANY}, "subresources": {}}
    if columns is not None:
        version["additionalPrinterColumns"] = columns
    return {"metadata": meta(plural + "." + GROUP), "spec": {"group": GROUP, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": kind + "List"}, "versions": [version]}}

def definitions():
    for plural, kind, columns in (("things", "Thing", PRINTED), ("plains", "Plain", None), ("ages", "Aged", [column("Since", "date", ".spec.since")])):
        yield "/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", definition(plural, kind, columns), None

def things():
    thing = lambda name, annotations=None, status=None, **spec: ("/apis/" + GROUP + "/v1", "things", {"apiVersion": GROUP + "/v1", "kind": "Thing", "metadata": meta(name, annotations=annotations or {}), "spec": spec, **({"status": status} if status else {})}, None)
    yield thing("empty")
    yield thing("full", {"example.com/a": "noted"}, {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True", "reason": "Fine"}]}, text="t", int=5, num=1.5, bool=True, date=ago(4000), list=["a", "b", "c", "d"], items=[{"name": "x", "n": 1}, {"name": "y", "n": 3}, {"name": "z"}], map={"b": "2", "a": "1"}, inner={"deep": "found"})
    yield thing("wrong", text=5, int="5", num="1.5", bool="true", date=5, list="no", items={}, map=[1, 2])
    for i, value in enumerate(["text", "", 5, -5, 0, 1.5, 2.0, 1e21, 1e-7, 123456789012, True, False, None, [1, "a", {"b": None}], {"z": 1, "a": [True, "<&>"]}, [], {}, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00", "2020-01-01", "null", "2999-01-01T00:00:00Z", "a\nb"]):
        yield thing("v%02d" % i, any=value)
    yield thing("texts", text=True, int=7.9, num=3, date="soon")
    yield "/apis/" + GROUP + "/v1", "plains", {"apiVersion": GROUP + "/v1", "kind": "Plain", "metadata": meta("p")}, None
    for i, age in enumerate(AGES + [-100, -10 * Y]):
        yield "/apis/" + GROUP + "/v1", "ages", {"apiVersion": GROUP + "/v1", "kind": "Aged", "metadata": meta("a%02d" % i), "spec": {"since": ago(age)}}, None

def make(source, resources):
    for root, resource, body, status in source():
        namespaced = resources[root][resource]
        folder = root + ("/namespaces/" + NS if namespaced else "") + "/" + resource
        code, answer = call("POST", folder, body)
        if code == 409:
            continue
        if code != 201:
            print("%s %s: %s" % (folder, body["metadata"]["name"], answer.get("message")))
            continue
        if status is not None:
            answer["status"] = status
            code, answer = call("PUT", folder + "/" + body["metadata"]["name"] + "/status", answer)
            if code != 200:
                print("no status for %s %s: %s" % (folder, body["metadata"]["name"], answer.get("message")))
        if "finalizers" in body["metadata"]:
            call("DELETE", folder + "/" + body["metadata"]["name"])

def served():
    """root -> resource -> whether it is in namespaces, of all that can be listed."""
    roots = ["/api/v1"] + ["/apis/" + v["groupVersion"] for g in call("GET", "/apis")[1]["groups"] for v in g["versions"]]
    return {root: {r["name"]: r["namespaced"] for r in call("GET", root)[1].get("resources", []) if "list" in r["verbs"]} for root in roots}, {root: {r["name"]: r["kind"] for r in call("GET", root)[1].get("resources", [])} for root in roots}

def within_a_second(path, accept):
    """An answer that was begun and ended in one second, and which second that was."""
    while True:
        if time.time() % 1 > 0.7:
            time.sleep(1.02 - time.time() % 1)
        start = int(time.time())
        code, answer = call("GET", path, None, accept)
        if int(time.time()) == start:
            return ago(0), code, answer

def stable(value):
    """Managed fields are long and nothing of a table comes from them."""
    if isinstance(value, dict):
        return {k: stable(v) for k, v in value.items() if k != "managedFields"}
    return [stable(v) for v in value] if isinstance(value, list) else value

DEFAULT = ["Name", "Created At"]

def main():
    kubernetes = call("GET", "/version")[1]["gitVersion"]
    call("POST", "/api/v1/namespaces", {"metadata": {"name": NS}})
    resources, kinds = served()
    for source in (workloads, jobs, pods, network, storage, plain, scaling, events, others, definitions):
        make(source, resources)
    time.sleep(3)
    resources, kinds = served()
    make(things, resources)
    lists, columns = [], {"": call("GET", "/api/v1/limitranges", None, TABLE)[1]["columnDefinitions"]}
    seen = set()
    for root in sorted(resources, key=lambda r: (r.endswith("/autoscaling/v1") or "/events.k8s.io/" in r, "beta" in r or "alpha" in r)):
        for resource, namespaced in resources[root].items():
            kind = kinds[root][resource]
            group = root.split("/")[2] if root.startswith("/apis/") else ""
            path = root + ("/namespaces/" + NS if namespaced else "") + "/" + resource
            now, code, table = within_a_second(path + "?includeObject=Object", TABLE)
            name = kind + ("." + group if group else "")
            if code == 200 and [c["name"] for c in table["columnDefinitions"]] != DEFAULT and not group.endswith("tables.example.com"):
                columns[name] = table["columnDefinitions"]
            stored = (resource, "" if group == "events.k8s.io" else group)
            if code == 200 and table["rows"] and resource not in ("componentstatuses", "podmetrics"):
                lists.append({"path": path, "now": now, "stored": stored not in seen, "table": stable(table)})
                seen.add(stored)
    shapes = []
    for path in ("/api/v1/namespaces/tables/configmaps", "/api/v1/namespaces/tables/configmaps/m1", "/api/v1/namespaces/tables/limitranges", "/apis/tables.example.com/v1/namespaces/tables/plains", "/apis/tables.example.com/v1/namespaces/tables/plains/p", "/apis/apps/v1/namespaces/tables/deployments/d1", "/api/v1/namespaces/tables/pods/p00", "/api/v1/namespaces/default/limitranges", "/api/v1/namespaces/default/secrets", "/apis/tables.example.com/v1/namespaces/default/plains"):
        for query in ("", "?includeObject=None", "?includeObject=Metadata", "?includeObject=Object", "?includeObject=Wrong"):
            for version in ("v1", "v1beta1"):
                accept = "application/json;as=Table;v=%s;g=meta.k8s.io" % version
                now, code, answer = within_a_second(path + query, accept)
                shapes.append({"path": path + query, "accept": accept, "now": now, "code": code, "answer": stable(answer)})
        for version in ("v1", "v1beta1"):
            for kind in ("PartialObjectMetadata", "PartialObjectMetadataList"):
                accept = "application/json;as=%s;v=%s;g=meta.k8s.io" % (kind, version)
                now, code, answer = within_a_second(path, accept)
                shapes.append({"path": path, "accept": accept, "now": now, "code": code, "answer": stable(answer)})
    with open(OUT, "wb") as out:
        out.write(gzip.compress(json.dumps({"kubernetes": kubernetes, "lists": lists, "shapes": shapes}, separators=(",", ":")).encode(), mtime=0))
    with open(COLUMNS, "w") as out:
        out.write("{\n" + ",\n".join("%s: %s" % (json.dumps(k), json.dumps(v)) for k, v in sorted(columns.items())) + "\n}\n")
    print(kubernetes, len(lists), "lists,", sum(len(l["table"]["rows"]) for l in lists), "rows,", len(shapes), "shapes,", len(columns), "kinds with columns")

main()
