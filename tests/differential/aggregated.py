"""Shows who makes a ClusterRole again that was just deleted: roles with an aggregation rule are made and deleted many times over, and what is there
again half a second later is printed with its managers.

usage: aggregated.py https://127.0.0.1:PORT [TIMES=600]     a server of controlplane/up.sh, token `admintoken`; without the controller
(WITHOUT=clusterrole-aggregation-controller) none is there again
"""
import json, ssl, sys, threading, time, urllib.error, urllib.request

SERVER = sys.argv[1] + "/apis/rbac.authorization.k8s.io/v1/clusterroles"
TIMES, THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 600, 4
CONTEXT = ssl._create_unverified_context()
again, lock = [], threading.Lock()

def send(method, path="", body=None):
    headers = {"Authorization": "Bearer admintoken", "Content-Type": "application/json"}
    request = urllib.request.Request(SERVER + path, json.dumps(body).encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=CONTEXT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, None

def role(name, labels=None, **fields):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name, "labels": labels or {}}, **fields}

def rule(verb):
    return [{"verbs": [verb], "apiGroups": [""], "resources": ["nodes"]}]

def work(thread):
    for number in range(TIMES // THREADS):
        name = f"aggregated-{thread}-{number}"
        send("POST", "", role(name, aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"for": "aggregated"}}]}, rules=rule("get")))
        send("DELETE", f"/{name}")
        for _ in range(10):
            time.sleep(0.05)
            code, found = send("GET", f"/{name}")
            if code == 200:
                with lock:
                    again.append(found)
                send("DELETE", f"/{name}")
                break

send("POST", "", role("aggregated-source", {"for": "aggregated"}, rules=rule("list")))
threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
makers = {(entry["manager"], entry["operation"]) for found in again for entry in found["metadata"].get("managedFields", [])}
print(f"of {TIMES} deleted roles {len(again)} were there again, made by {sorted(makers) or 'nobody'}")
