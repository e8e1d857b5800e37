#!/usr/bin/env python3
"""Records the hashes that Kubernetes gives to pod templates into template-hashes.json.gz. Needs Go.

usage: make_hashes.py [https://127.0.0.1:PORT]

The templates are those of the other recordings, as few as have every field that occurs. Each version's own k8s.io/api reads them from
protobuf, prints them and hashes the print, as the controllers do (`ComputeHash` of pkg/controller/controller_utils.go). With a
control plane's address (tests/controlplane/up.sh), StatefulSets of these templates are created on it and the names of their
ControllerRevisions recorded as well.
"""
import glob
import gzip
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = {"1.34": "0.34.4", "1.35": "0.35.4", "1.36": "0.36.2", "1.37": "0.37.0"}
PROGRAM = r"""
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/dump"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var sent, read v1.PodTemplateSpec
		if err := json.Unmarshal(lines.Bytes(), &sent); err != nil {
			panic(err)
		}
		bytes, err := sent.Marshal()
		if err != nil {
			panic(err)
		}
		if err := read.Unmarshal(bytes); err != nil {
			panic(err)
		}
		hash := fnv.New32a()
		fmt.Fprint(hash, dump.ForHash(read))
		fmt.Println(rand.SafeEncodeString(fmt.Sprint(hash.Sum32())))
	}
}
"""
# Texts that Go escapes, numbers that a float cannot hold, and quantities on either side of Go's fast path.
ODD = [
    {"metadata": {"labels": {"app": "x"}, "annotations": {"odd": "<a> & \"b\"\\\u2028\u00e9\u0001\b\f\n\t\x7f\U0001f600"}},
     "spec": {"containers": [{"name": "a", "image": "a:1", "securityContext": {"runAsUser": 1234567890},
              "resources": {"limits": {"memory": "1Pi", "cpu": "1500m", "ephemeral-storage": "123456789012345678"},
                            "requests": {"memory": "16Ti", "cpu": "100m", "ephemeral-storage": "12e6"}}}],
              "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "2Ei"}}, {"name": "w", "emptyDir": {"sizeLimit": "0"}}, {"name": "u", "emptyDir": {"sizeLimit": "8Ki"}}]}},
]


def templates():
    seen = {}
    for name in sorted(glob.glob(HERE + "/*.json.gz")) + sorted(glob.glob(HERE + "/found/*.json")):
        recorded = json.load(gzip.open(name) if name.endswith("gz") else open(name))
        for case in recorded.get("cases", []) if isinstance(recorded, dict) else []:
            for step in case.get("steps", []):
                template = ((step.get("object") or {}).get("spec") or {}).get("template")
                if isinstance(template, dict):
                    seen[json.dumps(template, sort_keys=True)] = template

    def paths(value, path=()):
        if isinstance(value, dict):
            for key, entry in value.items():
                yield from paths(entry, (*path, key))
        elif isinstance(value, list):
            for entry in value:
                yield from paths(entry, (*path, "[]"))
        else:
            yield (*path, type(value).__name__)

    have = set()
    for text in sorted(seen, key=len):
        own = set(paths(seen[text]))
        if own - have:
            have |= own
            yield seen[text]
    yield from ODD


def hashes(version, lines):
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/main.go", "w").write(PROGRAM)
        open(folder + "/go.mod", "w").write(f"module hashes\n\ngo 1.24\n\nrequire k8s.io/api v{version}\nrequire k8s.io/apimachinery v{version}\n")
        subprocess.run(["go", "mod", "tidy"], cwd=folder, check=True, capture_output=True)
        return subprocess.run(["go", "run", "."], cwd=folder, check=True, input=lines, capture_output=True, text=True).stdout.split()


def revisions(server, all_templates):
    """The names of the revisions of StatefulSets of these templates, without the set's own; none where the server refuses the set."""
    context = ssl._create_unverified_context()

    def send(method, path, body=None):
        headers = {"Authorization": "Bearer admintoken", "Content-Type": "application/json"}
        request = urllib.request.Request(server + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
        try:
            return json.load(urllib.request.urlopen(request, context=context))
        except urllib.error.HTTPError:
            return {}

    send("POST", "/api/v1/namespaces", {"metadata": {"name": "hashes"}})
    root = "/apis/apps/v1/namespaces/hashes"
    for i, template in enumerate(all_templates):
        labels = template.get("metadata", {}).get("labels") or {}
        spec = {"replicas": 0, "serviceName": "s", "selector": {"matchLabels": labels}, "template": template}
        send("POST", root + "/statefulsets", {"metadata": {"name": f"s{i}"}, "spec": spec})
    time.sleep(15)
    found = {}
    for revision in send("GET", root + "/controllerrevisions")["items"]:
        owner, _, hash_ = revision["metadata"]["name"].rpartition("-")
        found[int(owner[1:])] = hash_
    stored = {int(s["metadata"]["name"][1:]): s["spec"]["template"] for s in send("GET", root + "/statefulsets")["items"]}
    send("DELETE", "/api/v1/namespaces/hashes")
    return [(found.get(i), stored.get(i)) for i in range(len(all_templates))]


def main():
    cases = [{"template": template, "hashes": {}} for template in templates()]
    if len(sys.argv) > 1:
        for case, (name, stored) in zip(cases, revisions(sys.argv[1], [c["template"] for c in cases])):
            if name:
                case.update(template=stored, revision=name)
    lines = "\n".join(json.dumps(case["template"]) for case in cases)
    for minor, version in VERSIONS.items():
        for case, hash_ in zip(cases, hashes(version, lines)):
            # A time that is set is printed with the time zone of the machine.
            if not case["template"]["metadata"].get("creationTimestamp"):
                case["hashes"][minor] = hash_
    text = json.dumps({"kubernetes": VERSIONS, "templates": cases}, sort_keys=True, separators=(",", ":"))
    with gzip.GzipFile(HERE + "/template-hashes.json.gz", "wb", mtime=0) as out:
        out.write(text.encode())
    print(len(cases), "templates,", sum("revision" in c for c in cases), "revisions")


main()
