"""Records what a real server says of statuses of Jobs and Pods that somebody writes: status.json.gz.

usage: make_status.py https://127.0.0.1:PORT [OUT=status.json.gz beside this]     a server of controlplane/up.sh, started with PODS=pending WITHOUT=job, token `admintoken`
"""
import copy, gzip, json, os, ssl, sys, urllib.error, urllib.request

SERVER = sys.argv[1]
CONTEXT = ssl._create_unverified_context()

def send(method, path, body=None):
    headers = {"Authorization": "Bearer admintoken", "Content-Type": "application/json"}
    request = urllib.request.Request(SERVER + path, json.dumps(body).encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=CONTEXT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)

def held(*types, value="True"):
    return {"conditions": [{"type": t, "status": value} for t in types]}

T = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"]
DONE = {"startTime": T[0], "completionTime": T[1], **held("SuccessCriteriaMet", "Complete")}
FAILED = {"startTime": T[0], **held("FailureTarget", "Failed")}
PLAIN = {"completions": 3, "parallelism": 2}
INDEXED = {"completions": 3, "parallelism": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1}
POLICY = {"completions": 3, "completionMode": "Indexed", "successPolicy": {"rules": [{"succeededIndexes": "0"}]}}
# What the Job asks for, the status before, the status after.
JOBS = [
    (PLAIN, {}, {name: -1 for name in ("active", "succeeded", "failed", "ready", "terminating")}),
    (PLAIN, {}, {"uncountedTerminatedPods": {"succeeded": ["a", "", "a"], "failed": ["a", "b", "b", ""]}}),
    (PLAIN, {}, {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["b"]}}),
    (PLAIN, {}, {"active": 1, "ready": 2}), (PLAIN, {"active": 2, "ready": 2}, {"active": 1, "ready": 2}), (PLAIN, {}, {"active": 2, "ready": 1}),
    (PLAIN, {"failed": 2, "succeeded": 2}, {"failed": 1, "succeeded": 1}), (INDEXED, {"failed": 2, "succeeded": 2}, {"failed": 1, "succeeded": 1}),
    ({**INDEXED, "parallelism": 2}, {"succeeded": 2}, {"succeeded": 1}),
    (PLAIN, {}, DONE), (PLAIN, {}, FAILED), (PLAIN, {}, held("Complete")), (PLAIN, {}, held("Failed")), (PLAIN, {}, held("FailureTarget")),
    (PLAIN, {}, held("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")), (PLAIN, {}, held("Complete", "FailureTarget")),
    (PLAIN, {}, held("SuccessCriteriaMet")), (PLAIN, {}, held("SuccessCriteriaMet", "Failed")), (PLAIN, {}, held("Complete", value="False")),
    (PLAIN, {}, {"completionTime": T[1]}), (PLAIN, {}, {**DONE, "completionTime": None}), (PLAIN, {}, {**DONE, "startTime": None}),
    (PLAIN, {}, {**DONE, "startTime": T[1], "completionTime": T[0]}),
    (PLAIN, {}, {**DONE, "active": 1, "ready": 1, "terminating": 2, "uncountedTerminatedPods": {"succeeded": ["a"]}}),
    (PLAIN, {}, {**FAILED, "active": 1, "terminating": 1, "uncountedTerminatedPods": {"failed": ["a"]}}),
    (PLAIN, DONE, {**DONE, "active": 1}), (PLAIN, DONE, {**DONE, "completionTime": T[0]}), (PLAIN, DONE, {**DONE, "completionTime": None}), (PLAIN, DONE, {}),
    (PLAIN, DONE, {**DONE, "startTime": T[1]}), (PLAIN, DONE, {**DONE, "terminating": 1, "uncountedTerminatedPods": {"succeeded": ["a"]}}),
    (PLAIN, FAILED, {}), (PLAIN, FAILED, {**FAILED, **held("Failed")}), (PLAIN, FAILED, DONE), (PLAIN, held("SuccessCriteriaMet"), {}),
    (PLAIN, {"startTime": T[0]}, {"startTime": T[1]}), (PLAIN, {"startTime": T[0]}, {}), (PLAIN, {}, {"startTime": T[0]}),
    ({**PLAIN, "suspend": True}, {"startTime": T[0]}, {"startTime": T[1]}), ({**PLAIN, "suspend": True}, {"startTime": T[0]}, {}),
    (PLAIN, {"startTime": T[0], **held("Suspended")}, {"startTime": T[1], **held("Suspended", value="False")}),
    ({"completions": 0, "suspend": True}, {}, {**DONE, "startTime": None}),
    (PLAIN, {}, {"completedIndexes": "0,2", "failedIndexes": "1"}), (PLAIN, {}, {"failedIndexes": ""}), (PLAIN, {}, {"completedIndexes": "7"}),
    ({"parallelism": 1}, {}, {"completedIndexes": "x", "failedIndexes": "x"}),
    (INDEXED, {}, {"completedIndexes": "0,2", "failedIndexes": "1"}), (INDEXED, {}, {"completedIndexes": "0-2", "failedIndexes": "1"}),
    (INDEXED, {}, {"completedIndexes": "2,0", "failedIndexes": "9"}), (INDEXED, {}, {"completedIndexes": "0-1-2", "failedIndexes": "a"}),
    (INDEXED, {}, {"completedIndexes": "x,1", "failedIndexes": "y,1-2"}), (INDEXED, {}, {"completedIndexes": "2-1", "failedIndexes": "1,1"}),
    (INDEXED, {"completedIndexes": "0", "failedIndexes": "1"}, {"completedIndexes": "0-1", "failedIndexes": "1"}), (INDEXED, {}, {"failedIndexes": ""}),
    (INDEXED, {"completedIndexes": "0"}, {"completedIndexes": "0", "active": 1}), (INDEXED, FAILED, {**FAILED, "failedIndexes": "0"}),
    (INDEXED, {}, {"completedIndexes": "0,,1"}), (INDEXED, {}, {"completedIndexes": "+1, 2"}), (INDEXED, {}, {"completedIndexes": "-1"}),
    (POLICY, {}, held("Complete")), (POLICY, {}, {"startTime": T[0], "completionTime": T[1], **held("Complete")}), (POLICY, {}, DONE),
    (POLICY, {}, held("SuccessCriteriaMet", "FailureTarget")), (POLICY, {}, {**DONE, **held("SuccessCriteriaMet", "Complete", "Failed", "FailureTarget")}),
]

def container(**fields):
    return {"name": "c", "ready": False, "restartCount": 0, "image": "i", "imageID": "", **fields}

def health(name, *resources):
    return container(allocatedResourcesStatus=[{"name": name, "resources": list(resources)}])

CONTAINER = {"name": "c", "image": "i"}
POD = {"containers": [CONTAINER], "initContainers": [{**CONTAINER, "name": "d"}]}
GPU = {"containers": [{**CONTAINER, "resources": {"requests": {"a.example/gpu": "1"}, "limits": {"a.example/gpu": "1"}, "claims": [{"name": "x"}, {"name": "y", "request": "r"}]}}],
       "resourceClaims": [{"name": "x", "resourceClaimName": "x"}, {"name": "y", "resourceClaimTemplateName": "y"}]}
WINDOWS = {"containers": [CONTAINER], "os": {"name": "windows"}}
ENDED = container(state={"terminated": {"exitCode": 1}})
PODS = [
    (POD, {}, {"containerStatuses": [container(user={"linux": {"uid": -1, "gid": -2, "supplementalGroups": [1, -3]}})]}),
    (POD, {}, {"initContainerStatuses": [container(user={"linux": {"uid": 2147483648, "gid": 2147483648}})], "ephemeralContainerStatuses": [container(user={"linux": {"uid": -1, "gid": 0}})]}),
    (POD, {}, {"containerStatuses": [container(user={"linux": {"uid": 1, "gid": 1}}), container(user={})]}),
    (WINDOWS, {}, {"containerStatuses": [container(user={"linux": {"uid": -1, "gid": 1}})]}), (WINDOWS, {}, {"containerStatuses": [container(user={})]}),
    (GPU, {}, {"containerStatuses": [health("a.example/gpu", {"resourceID": "a", "health": "Healthy"}, {"resourceID": "b", "health": "Unknown", "message": "m"})]}),
    (GPU, {}, {"containerStatuses": [health("cpu", {"resourceID": "a", "health": "Well"}, {"resourceID": "a"})]}),
    (GPU, {}, {"containerStatuses": [health("claim:x"), health("claim:y"), health("claim:y/r"), health("claim:x/r")]}),
    (GPU, {}, {"containerStatuses": [health("a.example/gpu", {"resourceID": "a", "health": "Healthy", "message": ""}, {"resourceID": "b", "health": "Unhealthy", "message": "m" * 1025})]}),
    (GPU, {}, {"containerStatuses": [{**health("nope"), "name": "other"}], "ephemeralContainerStatuses": [health("a.example/gpu"), container(allocatedResourcesStatus=[])]}),
    (GPU, {}, {"resourceClaimStatuses": [{"name": "y", "resourceClaimName": "p-y"}]}),
    (GPU, {}, {"resourceClaimStatuses": [{"name": "nope"}, {"name": "y", "resourceClaimName": "A_"}]}),
    (GPU, {}, {"extendedResourceClaimStatus": {"requestMappings": [], "resourceClaimName": ""}}),
    (GPU, {}, {"extendedResourceClaimStatus": {"resourceClaimName": "A_", "requestMappings": [
        {"containerName": "c", "resourceName": "cpu", "requestName": "r"}, {"containerName": "z", "resourceName": "cpu", "requestName": "R_"},
        {"containerName": "c", "resourceName": "cpu", "requestName": "r"}]}}),
    (GPU, {}, {"extendedResourceClaimStatus": {"resourceClaimName": "a", "requestMappings": [{"containerName": "c", "resourceName": "a.example/gpu", "requestName": "r"}]}}),
    ({**POD, "restartPolicy": "Never"}, {"containerStatuses": [ENDED]}, {"containerStatuses": [container(state={"running": {}})]}),
    ({**POD, "restartPolicy": "OnFailure"}, {"containerStatuses": [ENDED]}, {"containerStatuses": [container(state={"running": {}})]}),
    ({**POD, "restartPolicy": "Never"}, {"containerStatuses": [ENDED]}, {"containerStatuses": []}),
    (POD, {}, {"nominatedNodeName": "A_", "observedGeneration": -1}), (POD, {}, {"qosClass": "Guaranteed"}),
    (POD, {}, {"podIP": "1.2.3.4", "podIPs": [{"ip": "1.2.3.4"}, {"ip": "1.2.3.5"}], "hostIP": "1.1.1.1", "hostIPs": [{"ip": "1.1.1.2"}]}),
    (POD, {}, {"conditions": [{"type": "a b", "status": "True"}, {"type": "Ready", "status": "True", "observedGeneration": -1}]}),
    (POD, {}, {"containerStatuses": [container(), container(), container(name="nobody")]}),
]

def job(spec):
    template = {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {**spec, "template": template}}

def pod(spec):
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec}

cases = []
for path, objects in [("/apis/batch/v1/namespaces/default/jobs", [(job(s), *rest) for s, *rest in JOBS]), ("/api/v1/namespaces/default/pods", [(pod(s), *rest) for s, *rest in PODS])]:
    for first, before, after in objects:
        name = "s%d" % len(cases)
        code, made = send("POST", path, {**first, "metadata": {"name": name}})
        assert code == 201, made
        if before:
            code, made = send("PUT", f"{path}/{name}/status", {**made, "status": {**made["status"], **before}})
            assert code == 200, made
        kept = {"qosClass": made["status"]["qosClass"], "phase": "Pending"} if first["kind"] == "Pod" else {}
        body = copy.deepcopy({**made, "status": {**kept, **after}})
        code, answer = send("PUT", f"{path}/{name}/status?dryRun=All", body)
        case = {"old": made, "body": body, "code": code}
        if code >= 400:
            case.update(message=answer["message"], causes=[[c["reason"], c["field"]] for c in answer.get("details", {}).get("causes", [])])
        for each in (made, body):
            each["metadata"].pop("managedFields", None)
        cases.append(case)
        send("DELETE", f"{path}/{name}?propagationPolicy=Background&gracePeriodSeconds=0")

target = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "status.json.gz")
version = send("GET", "/version")[1]["gitVersion"]
with open(target, "wb") as file:
    file.write(gzip.compress(json.dumps({"kubernetes": version, "cases": cases}, separators=(",", ":")).encode(), mtime=0))
print(len(cases), "cases,", sum(c["code"] >= 400 for c in cases), "refused")
