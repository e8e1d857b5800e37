"""Records what the real controllers make of schedules and of Jobs that go after a time: schedules.json.gz. Takes five minutes, since they run by the clock.

usage: make_schedules.py https://127.0.0.1:PORT     a server of controlplane/up.sh, started with PODS=pending, token `admintoken`
"""
import datetime, gzip, json, os, ssl, sys, time, urllib.error, urllib.request

SERVER = sys.argv[1]
CONTEXT = ssl._create_unverified_context()
SPACES = ["zq-schedules", "zq-full"]

def send(method, path, body=None, content_type="application/json"):
    headers = {"Authorization": "Bearer admintoken", "Content-Type": content_type}
    request = urllib.request.Request(SERVER + path, json.dumps(body).encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=CONTEXT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)

def template(**fields):
    return {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i:1"}]}}, **fields}

WAITS = template(suspend=True)        # never ends, and has no pods
ENDS = template(completions=0)        # is over at once
FAILS = template(activeDeadlineSeconds=5, backoffLimit=0)
EVERY_MINUTE = "* * * * *"

def cron(name, job=WAITS, schedule=EVERY_MINUTE, space=SPACES[0], **spec):
    metadata = {"labels": {"of": name}, "annotations": {"note": name}}
    body = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": {"schedule": schedule, "jobTemplate": {"metadata": metadata, "spec": job}, **spec}}
    return "POST", f"/apis/batch/v1/namespaces/{space}/cronjobs", body

def job(name, metadata=None, **fields):
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, **(metadata or {})}, "spec": template(**fields)}
    return "POST", f"/apis/batch/v1/namespaces/{SPACES[0]}/jobs", body

def patch(name, body, kind="cronjobs", subresource=""):
    return "PATCH", f"/apis/batch/v1/namespaces/{SPACES[0]}/{kind}/{name}{subresource}", body, "application/merge-patch+json"

def ago(**how_long):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**how_long)).strftime("%Y-%m-%dT%H:%M:%SZ")

def parent(name):
    uid = send("GET", f"/apis/batch/v1/namespaces/{SPACES[0]}/cronjobs/{name}")[1]["metadata"]["uid"]
    return {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": name, "uid": uid, "controller": True}]}

LONG_AGO = {"status": {"lastScheduleTime": ago(hours=3)}}
# Seconds after the first full minute's twentieth second, and what is sent then; None: only looked at.
SCRIPT = [
    (0, lambda: [
        ("POST", f"/api/v1/namespaces/{SPACES[1]}/resourcequotas", {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "one"}, "spec": {"hard": {"count/jobs.batch": "1"}}}),
    ]),
    (2, lambda: [
        cron("allows"), cron("forbids", concurrencyPolicy="Forbid"), cron("replaces", concurrencyPolicy="Replace"),
        cron("keeps-one", ENDS, successfulJobsHistoryLimit=1), cron("keeps-none", ENDS, successfulJobsHistoryLimit=0),
        cron("passing", {**ENDS, "ttlSecondsAfterFinished": 15}), cron("fails", FAILS, failedJobsHistoryLimit=1),
        cron("zoned", timeZone="Asia/Kathmandu"), cron("prompt", startingDeadlineSeconds=30), cron("often", schedule="@every 40s"),
        cron("held", suspend=True), cron("moved", schedule="0 0 1 1 *"), cron("never", schedule="59 23 31 2 *"), cron("full", space=SPACES[1]),
        cron("past"), cron("past-prompt", startingDeadlineSeconds=10), cron("past-held", suspend=True), cron("lost", schedule="0 0 1 1 *"), cron("parent", schedule="0 0 1 1 *"),
        job("kept", completions=0), job("gone-soon", completions=0, ttlSecondsAfterFinished=20), job("gone-now", completions=0, ttlSecondsAfterFinished=0),
        job("late-ttl", completions=0), job("waits", suspend=True, ttlSecondsAfterFinished=1),
    ]),
    (5, lambda: [
        patch("past", LONG_AGO, subresource="/status"), patch("past-prompt", LONG_AGO, subresource="/status"), patch("past-held", LONG_AGO, subresource="/status"),
        patch("lost", {"status": {"active": [{"kind": "Job", "namespace": SPACES[0], "name": "lost-1", "uid": "x"}, {"kind": "Job", "namespace": SPACES[0], "name": "kept", "uid": "y"}]}}, subresource="/status"),
        job("by-hand", {**parent("parent"), "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}}, completions=0),
        job("by-hand-waits", {**parent("parent"), "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}}, suspend=True),
    ]),
    (25, None), (50, None),
    (70, lambda: [patch("moved", {"spec": {"schedule": EVERY_MINUTE}}), patch("late-ttl", {"spec": {"ttlSecondsAfterFinished": 30}}, "jobs")]),
    (85, None), (110, None),
    (130, lambda: [patch("held", {"spec": {"suspend": False}}), patch("past-held", {"spec": {"suspend": False}}), patch("allows", {"spec": {"suspend": True}}),
                   patch("zoned", {"spec": {"timeZone": "America/St_Johns"}}), patch("keeps-one", {"spec": {"successfulJobsHistoryLimit": 2}})]),
    (145, None), (170, None), (205, None), (230, None),
]

def held():
    lists = [send("GET", f"/apis/batch/v1/namespaces/{space}/{kind}")[1] for space in SPACES for kind in ("cronjobs", "jobs")]
    return [{"apiVersion": "batch/v1", "kind": found["kind"].removesuffix("List"), **item} for found in lists for item in found["items"]]

for space in SPACES:
    send("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
time.sleep((20 - time.time()) % 60)
began, steps = time.time(), []
for at, make in SCRIPT:
    time.sleep(max(0, began + at - time.time()))
    for method, path, body, *content_type in make() if make else []:
        sent = time.time() - began
        code, answer = send(method, path, body, *content_type)
        assert code < 400, answer
        steps.append({"at": round(sent, 3), "method": method, "path": path, "content_type": (content_type or ["application/json"])[0], "body": body})
        if "subresource" not in path and answer["metadata"].get("uid"):
            steps[-1]["uid"] = answer["metadata"]["uid"]
    if not make:
        steps.append({"at": round(time.time() - began, 3), "objects": held()})
version = send("GET", "/version")[1]["gitVersion"].removeprefix("v")
zero = datetime.datetime.fromtimestamp(began, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
here = os.path.dirname(os.path.abspath(__file__))
with gzip.GzipFile(os.path.join(here, "schedules.json.gz"), "wb", mtime=0) as out:
    out.write(json.dumps({"kubernetes": version, "began": zero, "steps": steps}).encode())
print(len(steps), "steps")
