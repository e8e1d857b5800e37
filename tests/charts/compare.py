"""What two control planes say and store becomes the same, or a list of differences: what must differ is masked."""
import re

# What differs from run to run: random suffixes, hashes, addresses, times.
VOLATILE = [
    (re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b"), "-HASH"),
    (re.compile(r"\b10\.\d+\.\d+\.\d+\b"), "ADDRESS"),
    (re.compile(r"https?://127\.0\.0\.1:\d+"), "SERVER"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "TIME"),
    (re.compile(r"(?m)^(I|W|E)\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ "), r"\1 "),
    (re.compile(r"(?m)^LAST DEPLOYED: .*$"), "LAST DEPLOYED"),
    (re.compile(r"(?ms)^NOTES:.*"), ""),
    (re.compile(r"time=\S+ "), ""),
    (re.compile(r"(?m)^level=(WARN|INFO) .*\n"), ""),
]


def said(result):
    """Exit code and output of a command without what differs from run to run."""
    code, *texts = result
    for pattern, by in VOLATILE:
        texts = [pattern.sub(by, text) for text in texts]
    return code, *texts


def lines(real, ours):
    """The lines that only one of two commands printed, some of them."""
    sides = [[line for text in said(result)[1:] for line in text.splitlines()] for result in (real, ours)]
    return [f"{mark} {line[:400]}" for mark, a, b in (("real:", *sides), ("ours:", *reversed(sides))) for line in a if line not in b][:12]


MASKED = {"uid", "resourceVersion", "creationTimestamp", "time", "clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "caBundle", "modifiedAt", "createdAt",
          "controller-uid", "batch.kubernetes.io/controller-uid"}
# Kept by controllers or, of a release, compressed and dated.
CONTROLLERS = {"kube-controller-manager", "kube-apiserver", "kubelet", "kube-scheduler"}
RANDOM = re.compile(r"restartedAt|checksum|secret-hash|rollme|timestamp|releaseTime", re.I)


def stored(resource, o):
    """An object as it is stored, without what must differ."""
    o = masked({k: v for k, v in o.items() if k != "status"}, ())
    annotations = o["metadata"].get("annotations", {})
    annotations.pop("deployment.kubernetes.io/revision", None)
    annotations.pop("deprecated.daemonset.template.generation", None)
    if resource == "secrets":
        o["data"] = sorted(o.get("data", {}))
    owners = [m for m in o["metadata"].pop("managedFields", []) if m["manager"] not in CONTROLLERS and "subresource" not in m]
    o["owners"] = sorted((m["manager"], m["operation"], m["apiVersion"], repr(fields(m.get("fieldsV1", {})))) for m in owners)
    return o


def timed(job):
    """Whether a Job comes or goes by the time of day: it is a schedule's, or deleted a while after its end."""
    return "ttlSecondsAfterFinished" in job["spec"] or any(r["kind"] == "CronJob" for r in job["metadata"].get("ownerReferences", []))


def fields(owned):
    """Who owns what, without fields that are masked, and in one order."""
    return sorted((k, fields(v)) for k, v in owned.items() if not any(f"f:{name}" == k for name in MASKED))


def masked(value, path):
    if isinstance(value, dict):
        return {k: "MASKED" if k in MASKED or (RANDOM.search(k) and isinstance(v, str)) else masked(v, (*path, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(v, path) for v in value]
    return value


def numbers(o):
    """What the status of a workload counts, unless that hangs on how much time has passed, which is virtual in the shadow."""
    if o["spec"].get("minReadySeconds"):
        return {}
    status = o.get("status", {})
    return {k: v for k, v in status.items() if isinstance(v, int) and k not in ("collisionCount", "observedGeneration")}


def differences(real, ours, path=""):
    """Where two values differ, at most three places."""
    if real == ours:
        return []
    if isinstance(real, dict) and isinstance(ours, dict):
        found = [d for k in sorted(real.keys() | ours.keys()) for d in differences(real.get(k), ours.get(k), f"{path}.{k}")]
        return found[:3]
    if isinstance(real, list) and isinstance(ours, list) and len(real) == len(ours):
        return [d for n, (a, b) in enumerate(zip(real, ours)) for d in differences(a, b, f"{path}[{n}]")][:3]
    return [f"{path}: {str(real)[:600]!s} ≠ {str(ours)[:600]!s}"]
