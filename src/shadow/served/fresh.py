"""Makes fresh.json.gz: what a control plane makes for itself before anybody has written to it.

Left out: what differs from machine to machine (leases, addresses of the machine, certificates, nodes) and what our own controllers
make (service accounts and root certificates of namespaces).

usage: KUBECONFIG=… fresh.py OUT.json.gz
"""
import gzip
import json
import re
import subprocess
import sys

KINDS = (
    "namespaces,services,priorityclasses,flowschemas,prioritylevelconfigurations,apiservices,clusterroles,clusterrolebindings,roles,rolebindings,servicecidrs,ipaddresses,endpoints,endpointslices"
)
listed = subprocess.run(["kubectl", "get", KINDS, "-A", "-o", "json", "--show-managed-fields"], check=True, capture_output=True).stdout
objects = []
for object in json.loads(listed)["items"]:
    if object["kind"] == "Namespace" and object["metadata"]["name"] not in ("default", "kube-system", "kube-public", "kube-node-lease"):
        continue
    for key in ("uid", "resourceVersion", "creationTimestamp"):
        object["metadata"].pop(key, None)
    for owner in object["metadata"].get("managedFields", []):
        owner.pop("time", None)
    for condition in object.get("status", {}).get("conditions", []) if isinstance(object.get("status"), dict) else []:
        condition.pop("lastTransitionTime", None)
    objects.append(object)
with open(sys.argv[1], "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
    # The range of services is that of Kubernetes' own command tests; the port of the server is nobody's.
    text = json.dumps(objects, separators=(",", ":")).replace("10.96.0.0/16", "10.0.0.0/24").replace("10.96.0.1", "10.0.0.1")
    text = re.sub(r'"targetPort":\d+', '"targetPort":6443', text)
    # The server's own endpoints: nobody's address and port too.
    text = re.sub(r'"ip":"[\d.]+"', '"ip":"198.18.0.1"', re.sub(r'"addresses":\["[\d.]+"\]', '"addresses":["198.18.0.1"]', text))
    packed.write(re.sub(r'"name":"https","port":(?!443,)\d+', '"name":"https","port":6443', text).encode())
