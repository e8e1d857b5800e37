"""A control plane, real or shadow: started, asked over HTTP, and what its workloads went through between two looks."""
import http.client
import json
import os
import ssl
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTROLPLANE = ROOT / "tests/controlplane"
WORKLOADS = [("apps/v1", kind) for kind in ("deployments", "statefulsets", "daemonsets")]
OWNED = [("apps/v1", "replicasets"), ("apps/v1", "controllerrevisions"), ("v1", "pods")]
# What a chart can leave behind outside of its namespace.
CLUSTER_WIDE = [
    ("apiregistration.k8s.io/v1", "apiservices"), ("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"),
    ("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations"), ("apiextensions.k8s.io/v1", "customresourcedefinitions"),
    ("admissionregistration.k8s.io/v1", "validatingadmissionpolicies"), ("admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings"),
    ("rbac.authorization.k8s.io/v1", "clusterroles"), ("rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    ("scheduling.k8s.io/v1", "priorityclasses"), ("networking.k8s.io/v1", "ingressclasses"), ("storage.k8s.io/v1", "storageclasses"),
    ("storage.k8s.io/v1", "csidrivers"), ("v1", "persistentvolumes"),
]


class Plane:
    """One of the two. `url` is asked with any token that it takes; clients find it by `kubeconfig`."""

    def __init__(self, name, url, kubeconfig, stop):
        self.name, self.kubeconfig, self.stop = name, str(kubeconfig), stop
        self.host, self.secure = url.split("//")[1], url.startswith("https")
        self.connection = None

    def ask(self, method, path, body=None):
        """The code and the JSON of an answer."""
        headers = {"Authorization": "Bearer admintoken", "Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
        for last in (False, True):
            try:
                if self.connection is None:
                    self.connection = (http.client.HTTPSConnection(self.host, timeout=60, context=ssl._create_unverified_context())
                                       if self.secure else http.client.HTTPConnection(self.host, timeout=60))
                self.connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
                answer = self.connection.getresponse()
                text = answer.read()
                return answer.status, json.loads(text) if text else None
            except (OSError, http.client.HTTPException):
                self.connection = None
                if last:
                    raise

    def list(self, version, resource, namespace=None):
        """The objects of a kind; none where the kind is not served."""
        where = f"/namespaces/{namespace}" if namespace else ""
        code, answer = self.ask("GET", f"/{'api' if version == 'v1' else 'apis'}/{version}{where}/{resource}")
        return answer.get("items") or [] if code == 200 else []

    def config(self, folder, namespace):
        """A kubeconfig that takes a namespace as the one that objects without one go to."""
        if namespace is None:
            return self.kubeconfig
        file = folder / f"{self.name}-{namespace}.kubeconfig"
        if not file.exists():
            file.write_text(Path(self.kubeconfig).read_text())
            subprocess.run([f"{clients()}/kubectl", "config", f"--kubeconfig={file}", "set-context", "--current", f"--namespace={namespace}"],
                           check=True, capture_output=True)
        return str(file)

    def run(self, command, folder, namespace=None, seconds=180):
        """Runs a piece of bash with the clients in its path: exit code, standard output, standard error."""
        environment = {**os.environ, "KUBECONFIG": self.config(folder, namespace), "HOME": str(folder / self.name), "PATH": f"{clients()}:{os.environ['PATH']}"}
        try:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as e:
            return 124, "", f"did not end in {seconds} s: {e.stderr or b''}"
        return done.returncode, done.stdout, done.stderr

    def settled(self, namespace):
        """Waits until the controllers have nothing left to do in a namespace, and gives its workloads and what they own."""
        before, quiet, end = None, 0, time.monotonic() + 60
        # What does not count as complete may be at its end all the same, but is given more time.
        enough, more = (3, 20) if self.secure else (1, 3)
        while time.monotonic() < end:
            items = [(resource, o) for version, resource in WORKLOADS + OWNED for o in self.list(version, resource, namespace)]
            versions = sorted(o["metadata"]["uid"] + o["metadata"]["resourceVersion"] for _, o in items)
            quiet = quiet + 1 if versions == before and all(at_rest(resource, o) for resource, o in items) else 0
            if quiet >= (enough if all(complete(resource, o) for resource, o in items) else more):
                return items
            before = versions
            time.sleep(0.15 if self.secure else 0.02)
        return items

    def cluster_wide(self):
        return {(v, r): {o["metadata"]["name"] for o in self.list(v, r) if not o["metadata"].get("labels", {}).get("kube-aggregator.kubernetes.io/automanaged")}
                for v, r in CLUSTER_WIDE}

    def clean(self, before, namespace):
        """Deletes what came since, so that the next chart meets the start state; definitions go once their objects have."""
        paths = []
        for (version, resource), names in self.cluster_wide().items():
            for name in names - before[version, resource]:
                path = f"/{'api' if version == 'v1' else 'apis'}/{version}/{resource}/{name}"
                paths.append(path)
                self.ask("DELETE", path)
                code, left = self.ask("GET", path)
                if code == 200 and left["metadata"].get("finalizers") and resource != "customresourcedefinitions":
                    self.ask("PUT", path, {**left, "metadata": {**left["metadata"], "finalizers": []}})
        self.ask("DELETE", f"/api/v1/namespaces/{namespace}")
        end = time.monotonic() + 30
        while any(self.ask("GET", path)[0] == 200 for path in paths) and time.monotonic() < end:
            time.sleep(0.2)


def clients():
    if not hasattr(clients, "folder"):
        clients.folder = subprocess.run([CONTROLPLANE / "clients.sh"], check=True, capture_output=True, text=True).stdout.split()[-1]
    return clients.folder


def real(folder, port):
    """etcd, apiserver and controllers of Kubernetes; the pods of the simulated node become ready at once and Jobs succeed."""
    binary = subprocess.run([CONTROLPLANE / "build.sh"], check=True, capture_output=True, text=True).stdout.split()[-1]
    environment = {**os.environ, "JOBS": "end", "START": "0s", "STOP": "0s"}
    run = folder / "real"
    up = subprocess.run([CONTROLPLANE / "up.sh", binary, run, str(port)], check=True, env=environment, capture_output=True, text=True)
    return Plane("real", f"https://127.0.0.1:{port}", up.stdout.split()[-1], lambda: subprocess.run([CONTROLPLANE / "down.sh", run], check=True))


def shadow(folder, rollcast):
    """`rollcast serve --empty` on a free port."""
    kubeconfig = folder / "shadow.kubeconfig"
    log = open(folder / "shadow.log", "w")
    child = subprocess.Popen([rollcast, "serve", "--empty", "--listen", "127.0.0.1:0", "--kubeconfig", kubeconfig], stdout=subprocess.PIPE, stderr=log, text=True)
    url = child.stdout.readline().strip()
    return Plane("shadow", url, kubeconfig, child.kill)


def same_nodes(real, ours):
    """Gives the simulated node the labels that kubelets give, and puts it into the shadow too."""
    labels = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    for node in real.list("v1", "nodes"):
        node["metadata"]["labels"].update(labels)
        real.ask("PUT", f"/api/v1/nodes/{node['metadata']['name']}", node)
        copy = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node["metadata"]["name"], "labels": node["metadata"]["labels"]}, "status": node["status"]}
        ours.ask("POST", "/api/v1/nodes", copy)
        ours.ask("PATCH", f"/api/v1/nodes/{node['metadata']['name']}", {"spec": {"taints": None}})


def at_rest(resource, o):
    """Whether nothing is left to do for an object: its controller saw its last change, or its pod is ready or over."""
    status = o.get("status", {})
    if resource == "pods":
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
        return (ready or status.get("phase") == "Succeeded") and "deletionTimestamp" not in o["metadata"]
    return resource == "controllerrevisions" or status.get("observedGeneration") == o["metadata"]["generation"]


def complete(resource, o):
    """Whether a workload's controller has all the pods that it wants, of the newest revision."""
    status = o.get("status", {})
    if resource == "daemonsets":
        return status.get("updatedNumberScheduled", 0) == status.get("numberAvailable", 0) == status.get("desiredNumberScheduled")
    if resource in ("deployments", "statefulsets"):
        return all(status.get(count, 0) == o["spec"]["replicas"] for count in ("replicas", "updatedReplicas", "availableReplicas"))
    return True


def revisions(items):
    """Of each workload its uid and the number of its newest revision, which counts every move of the template."""
    newest = {}
    for resource, o in items:
        if resource == "controllerrevisions":
            owner = o["metadata"].get("ownerReferences", [{}])[0].get("uid")
            newest[owner] = max(newest.get(owner, 0), o["revision"])
    found = {}
    for resource, o in items:
        if resource in ("deployments", "statefulsets", "daemonsets"):
            number = o["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision")
            found[f"{resource[:-1]}/{o['metadata']['name']}"] = (o["metadata"]["uid"], int(number) if number else newest.get(o["metadata"]["uid"], 0))
    return found


def moves(before, after):
    """What became of each workload: `new`, `gone`, `recreated`, or by how many revisions it moved, if it did."""
    what = {}
    for name in before.keys() | after.keys():
        if name not in before or name not in after:
            what[name] = "new" if name in after else "gone"
        elif before[name][0] != after[name][0]:
            what[name] = "recreated"
        elif before[name][1] != after[name][1]:
            what[name] = after[name][1] - before[name][1]
    return what
