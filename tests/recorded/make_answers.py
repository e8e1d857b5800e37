"""Records what a kube-apiserver answers in protobuf, beside the same answer in JSON: answers.json.gz.

Objects of all kinds are there if make_tables.py ran on the server before; the bodies of kinds.json.gz are posted here. Lists, single
objects, metadata alone, refusals, discovery and watches are asked for in both forms, until the JSON is the same before and after.

usage: make_answers.py https://HOST:PORT TOKEN answers.json.gz
"""
import base64
import gzip
import json
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

SERVER, TOKEN, OUT = sys.argv[1:4]
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
PROTOBUF, JSON = "application/vnd.kubernetes.protobuf", "application/json"
METADATA = ";as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
NS = "answers"


def call(method, path, accept=JSON, body=None):
    headers = {"Authorization": "Bearer " + TOKEN, "Accept": accept, "Content-Type": JSON}
    request = urllib.request.Request(SERVER + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, context=TLS) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers["Content-Type"], answer.read()


def both(path, shape="", method="GET", body=None):
    """An answer in both forms; nothing if it does not stay the same or there is none in protobuf."""
    for _ in range(5):
        before = call(method, path, JSON + shape, body)
        packed = call(method, path, PROTOBUF + shape, body)
        if before == call(method, path, JSON + shape, body) and packed[1].startswith(PROTOBUF):
            case = {"path": path, "accept": PROTOBUF + shape, "code": packed[0], "type": packed[1], "protobuf": base64.b64encode(packed[2]).decode()}
            lines = before[2].decode().splitlines()
            return {**case, "json": [json.loads(line) for line in lines] if "watch=" in path else json.loads(before[2])}
    return None


def main():
    call("POST", "/api/v1/namespaces", body={"metadata": {"name": NS}})
    cases = json.loads(gzip.decompress((Path(__file__).parent / "kinds.json.gz").read_bytes()))["cases"]
    for step in (step for case in cases for step in case["steps"] if step["op"] == "create"):
        call("POST", step["path"].replace("{ns}", NS), body=step["body"])
    found = []
    roots = ["/api/v1"] + ["/apis/" + v["groupVersion"] for g in json.loads(call("GET", "/apis")[2])["groups"] for v in g["versions"]]
    for root in roots:
        found.append(both(root))
        code, _, answer = call("GET", root)
        resources = json.loads(answer)["resources"] if code == 200 else []
        for resource in (r["name"] for r in resources if "list" in r["verbs"]):
            found.append(both(f"{root}/{resource}"))
            items = json.loads(call("GET", f"{root}/{resource}")[2]).get("items") or []
            metadata = items[0]["metadata"] if items else {"name": "missing"}
            where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
            one = f"{root}{where}/{resource}/{metadata['name']}"
            found.append(both(one))
            if resource in ("configmaps", "deployments", "pods", "plains", "nodes"):
                found += [both(f"{root}/{resource}", METADATA.format("List")), both(one, METADATA.format(""))]
                found += [both(f"{one}/scale"), both(f"{root}/{resource}?limit=1"), both(f"{one}/nothing"), both(f"{root}/{resource}?limit=x")]
                found += [both(f"{root}{where}/{resource}?watch=1&timeoutSeconds=1&resourceVersion=0")]
                found += [both(f"{root}/{resource}?watch=1&timeoutSeconds=1", METADATA.format(""))]
                found += [both(f"{root}{where}/{resource}", method="POST", body=items[0] if items else {}), both(f"{root}/{resource}?watch=1&resourceVersion=x")]
                found += [both(f"{root}{where}/{resource}", method="POST", body={"kind": "X"}), both(f"{root}/{resource}?resourceVersion=999999999")]
    for path in ("/api", "/apis", "/apis/apps", "/apis/nothing.example.com/v1", "/api/v1/nothing"):
        found.append(both(path))
    invalid = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "A"}, "spec": {"replicas": -1, "selector": {}, "template": {}}}
    found.append(both(f"/apis/apps/v1/namespaces/{NS}/deployments", method="POST", body=invalid))
    # Long lists of what is alike say nothing more.
    kept = [case for case in found if case and len(str(case)) < 230_000]
    version = json.loads(call("GET", "/version")[2])["gitVersion"]
    Path(OUT).write_bytes(gzip.compress(json.dumps({"kubernetes": version, "answers": kept}, separators=(",", ":")).encode(), mtime=0))
    print(version, len(kept), "answers,", len(found) - len(kept), "not in protobuf")


main()
