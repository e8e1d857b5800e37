"""Records how available workloads are while they roll, on real controllers: timelines.json.gz. Pods become ready START after they were made and
are gone STOP after they were deleted, as the stand-in for kubelets does it; the machine should have nothing else to do.

usage: make_timelines.py https://127.0.0.1:PORT START STOP SEED COUNT     a server of controlplane/up.sh with these START and STOP (seconds), token `admintoken`

Each shape has a namespace of its own: a workload that is drawn, its state before the first step, the steps (merge patches and when they were sent), and what
was seen of its pods by a watch. Shapes are added to those that the file has.
"""
import datetime, gzip, json, os, random, ssl, sys, threading, time, urllib.error, urllib.request

SERVER, START, STOP = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
SEED, COUNT = int(sys.argv[4]), int(sys.argv[5])
CONTEXT = ssl._create_unverified_context()
TOGETHER = 8        # so many at a time: more, and the machine is late
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "timelines.json.gz")
PATHS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}

def opened(method, path, body=None, content_type="application/json"):
    headers = {"Authorization": "Bearer admintoken", "Content-Type": content_type}
    request = urllib.request.Request(SERVER + path, json.dumps(body).encode() if body is not None else None, headers, method=method)
    return urllib.request.urlopen(request, context=CONTEXT)

def send(*request):
    try:
        with opened(*request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        sys.exit(f"{request[:2]}: {refused.read().decode()}")

def drawn(rng, name):
    """A workload and the patches of its steps; each with a pause before the next, or none where it is waited until nothing moves."""
    kind = rng.choice(["Deployment"] * 3 + ["StatefulSet"] * 2 + ["DaemonSet"])
    images = {"c": "x:1", "c1": "y:1"}
    containers = lambda: [{"name": n, "image": i} for n, i in images.items()]
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": containers()}}}
    if kind != "DaemonSet":
        spec["replicas"] = rng.choice([1, 1, 2, 3, 4, 5, 7])
    if rng.random() < 0.3:
        spec["minReadySeconds"] = rng.choice([1, 3, 5])
    amount = lambda: rng.choice([0, 1, 1, 2, 3, "25%", "34%", "50%", "100%"])
    if kind == "Deployment":
        if rng.random() < 0.25:
            spec["strategy"] = {"type": "Recreate"}
        elif rng.random() < 0.7:
            surge, unavailable = amount(), amount()
            spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1 if surge == unavailable == 0 else unavailable}}
    elif kind == "StatefulSet":
        spec["serviceName"] = name
        spec["podManagementPolicy"] = rng.choice(["OrderedReady", "Parallel"])
        if rng.random() < 0.4:
            spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": rng.randrange(spec["replicas"] + 1)}}
    elif rng.random() < 0.6:
        spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rng.choice([{"maxSurge": 1, "maxUnavailable": 0}, {"maxUnavailable": 1}, {"maxSurge": "100%", "maxUnavailable": 0}])}
    steps = []
    for i in range(rng.choice([1, 1, 2, 2, 3])):
        what = rng.choice(["image", "image", "image", "sidecar", "restart", "scale", "both"])
        patch = {}
        if what in ("image", "both"):
            images["c"] = f"x:{i + 2}"
        if what == "sidecar":
            images["c1"] = f"y:{i + 2}"
        if what in ("image", "sidecar", "both"):
            patch["template"] = {"spec": {"containers": containers()}}
        if what == "restart":
            patch["template"] = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": f"{i}"}}}
        if what in ("scale", "both") and kind != "DaemonSet":
            patch["replicas"] = rng.choice([1, 2, 3, 4, 6])
        if not patch:
            continue
        steps.append({"patch": {"spec": patch}, "pause": rng.choice([None, None, 0.7 * START, 1.4 * START + STOP])})
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": name}, "spec": spec}, steps

class Watched:
    """What a watch of all pods said, by namespace: when, and the pod."""
    def __init__(self):
        self.events, self.lock = {}, threading.Lock()
        found = send("GET", "/api/v1/pods")
        threading.Thread(target=self.read, args=(found["metadata"]["resourceVersion"],), daemon=True).start()

    def read(self, version):
        with opened("GET", f"/api/v1/pods?watch=1&timeoutSeconds=86400&resourceVersion={version}") as lines:
            for line in lines:
                event = json.loads(line)
                with self.lock:
                    self.events.setdefault(event["object"]["metadata"]["namespace"], []).append((time.monotonic(), event["type"], event["object"]))

    def of(self, namespace):
        with self.lock:
            return list(self.events.get(namespace, []))

    def quiet(self, namespace, seconds):
        """Waits until nothing has happened to the pods of a namespace for so long."""
        begun = time.monotonic()
        while time.monotonic() - max([begun] + [at for at, _, _ in self.of(namespace)]) < seconds:
            time.sleep(0.1)

def intervals(events, min_ready, end):
    """When each pod was available: not being deleted, and ready for long enough as controllers see it, who read a time of whole seconds."""
    since, spans = {}, []
    for at, kind, pod in events + [(end, None, None)]:
        names = list(since) if pod is None else [pod["metadata"]["uid"]]
        for uid in names:
            conditions = pod["status"].get("conditions", []) if pod else []
            ready = next((c for c in conditions if c["type"] == "Ready" and c["status"] == "True"), None)
            if ready and kind != "DELETED" and "deletionTimestamp" not in pod["metadata"]:
                told = datetime.datetime.fromisoformat(ready["lastTransitionTime"]).timestamp() - time.time() + time.monotonic()
                since.setdefault(uid, max(at, told + min_ready) if min_ready else at)
            elif uid in since:
                begun = since.pop(uid)
                if begun < at:
                    spans.append((begun, at))
    return spans

def measured(events, before, min_ready, first, end):
    """Windows without an available pod, the fewest available, and when that number changed last, from the first step on."""
    spans = intervals(events, min_ready, end)
    edges = sorted([(max(a, first), 1) for a, b in spans if b > first] + [(b, -1) for a, b in spans if first < b < end])
    level = sum(1 for a, b in spans if a <= first < b)
    edges = [(at, by) for at, by in edges if at > first]
    lowest, windows, opened_at, last = level, [], None, 0.0
    for at, by in edges:
        level += by
        lowest, last = min(lowest, level), at - first
        if level == 0 and opened_at is None:
            opened_at = at - first
        elif level > 0 and opened_at is not None:
            windows.append([round(opened_at, 2), round(at - first, 2)])
            opened_at = None
    if opened_at is not None:
        windows.append([round(opened_at, 2), None])
    pods = {pod["metadata"]["uid"] for at, _, pod in events if at >= first} | before
    return {"windows": windows, "lowest_available": lowest, "ended": round(last, 2), "pods_seen": len(pods)}

def held(namespace):
    """Its objects, as `kubectl get -o json --show-managed-fields` gives them."""
    lists = [("/apis/apps/v1", kinds) for kinds in ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions")] + [("/api/v1", "pods")]
    objects = [send("GET", "/api/v1/namespaces/" + namespace)]
    for base, kinds in lists:
        found = send("GET", f"{base}/namespaces/{namespace}/{kinds}")
        objects += [{"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List"), **item} for item in found["items"]]
    return {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": objects}

def record(watched, number, out):
    name = f"tl-{number}"
    workload, steps = drawn(random.Random(number), name)
    path = f"/apis/apps/v1/namespaces/{name}/{PATHS[workload['kind']]}"
    min_ready = workload["spec"].get("minReadySeconds", 0)
    calm = START + STOP + min_ready + 2
    send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    send("POST", path, workload)
    watched.quiet(name, calm + 1)
    snapshot, times = held(name), []
    before = {o["metadata"]["uid"] for o in snapshot["items"] if o["kind"] == "Pod"}
    for step in steps:
        times.append(time.monotonic())
        send("PATCH", f"{path}/{name}", step["patch"], "application/merge-patch+json")
        if step["pause"]:
            time.sleep(step["pause"])
        else:
            watched.quiet(name, calm)
    watched.quiet(name, calm + 1)
    end = time.monotonic()
    if steps:
        sent = [{"at": round(at - times[0], 2), "patch": step["patch"]} for at, step in zip(times, steps)]
        seen = measured(watched.of(name), before, min_ready, times[0], end)
        out.append({"name": f"{workload['kind']} {number}", "start": START, "stop": STOP, "snapshot": snapshot, "steps": sent, **seen})

watched, out, numbers = Watched(), [], list(range(SEED, SEED + COUNT))
while numbers:
    batch, numbers = numbers[:TOGETHER], numbers[TOGETHER:]
    threads = [threading.Thread(target=record, args=(watched, number, out)) for number in batch]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print(len(out), "recorded", file=sys.stderr)
known = json.load(gzip.open(FILE))["shapes"] if os.path.exists(FILE) else []
shapes = known + sorted(out, key=lambda shape: shape["name"])
with gzip.GzipFile(FILE, "wb", 9, mtime=0) as f:
    f.write(json.dumps({"shapes": shapes}).encode())
