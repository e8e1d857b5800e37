#!/bin/bash
# Records examples/genbrain.json: the cluster of fleet.toml one build earlier, as a real control plane stores it. What `rollcast
# render` gives for that build is applied with `kubectl apply --server-side`, the controllers make ReplicaSets and pods, and the
# result is read with `kubectl get -o json --show-managed-fields`.
# usage: [ROLLCAST=PROGRAM] record.sh [OUT=examples/genbrain.json]      needs what tests/controlplane/README.md names
#
# What differs from recording to recording: uid, resourceVersion, every time, the five random letters of pod names, the cluster IP of a
# service. ReplicaSet names do not (they hash the template). `record.sh --check` records to a temporary file and fails if
# anything else differs from the committed one.
# Left out: events, the ConfigMap kube-root-ca.crt and the default ServiceAccount (every namespace has them; one holds a certificate).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); plane=$here/../tests/controlplane
older=9f31c2e kept=$here/genbrain.json
work=$(mktemp -d); trap '"$plane/down.sh" "$work/run"; rm -rf "$work"' EXIT
out=${1:-$kept}; [ "$out" != --check ] || out=$work/again.json
binary=$("$plane/build.sh"); PATH=$("$plane/clients.sh"):$PATH
free() { for p in $(seq 23100 10 23900); do (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }; done; }
KUBECONFIG=$(START=2s "$plane/up.sh" "$binary" "$work/run" "${PORT:-$(free)}"); export KUBECONFIG

if [ -z "${ROLLCAST:-}" ]; then cargo build --quiet --manifest-path "$here/../Cargo.toml"; ROLLCAST=$here/../target/debug/rollcast; fi
BUILD_SHA=$older "$ROLLCAST" render --fleet "$here/../fleet.toml" > "$work/manifests.yaml"
# A claim is bound where a volume waits for it, as a provisioner would make one.
kubectl apply -f - >&2 <<'Y'
apiVersion: v1
kind: PersistentVolume
metadata: {name: workspace-a}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Delete
  hostPath: {path: /workspace-a}
Y
kubectl apply --server-side -f "$work/manifests.yaml" >&2
kubectl -n agents wait --for=jsonpath='{.status.phase}'=Bound pvc --all --timeout=60s >&2
for workload in $(kubectl -n agents get deployments,statefulsets,daemonsets -o name); do kubectl -n agents rollout status "$workload" --timeout=60s >&2; done
kinds=serviceaccounts,configmaps,persistentvolumeclaims,services,deployments,statefulsets,daemonsets,replicasets,controllerrevisions,pods
{ kubectl get namespace agents -o json --show-managed-fields; kubectl -n agents get "$kinds" -o json --show-managed-fields; } > "$work/read.json"

version=$(kubectl version -o json | python3 -c 'import json, sys; v = json.load(sys.stdin)["serverVersion"]; print(v["major"] + "." + v["minor"])')

python3 - "$work/read.json" "$out" "$kept" "$version" <<'P'
"""One List of what was read, sorted; compared with the committed one if it was not to replace it."""
import json, os, re, sys
read, out, kept, version = sys.argv[1:]

def objects(text):
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        value, end = decoder.raw_decode(text[at:].lstrip())
        at = len(text) - len(text[at:].lstrip()) + end
        yield from value["items"] if value["kind"] == "List" else [value]

def wanted(o):
    return (o["kind"], o["metadata"]["name"]) not in [("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")]

def order(o):
    return (o["kind"] != "Namespace", o["apiVersion"], o["kind"], o["metadata"].get("ownerReferences", [{"name": ""}])[0]["name"], o["metadata"]["name"])

def without_what_varies(o):
    text = json.dumps(o, sort_keys=True)
    if o["kind"] == "Pod":
        text = re.sub(re.escape(o["metadata"]["generateName"]) + "[a-z0-9]{5}", "POD", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    text = re.sub(r'"resourceVersion": "\d+"', '"resourceVersion": "N"', text)
    return re.sub(r'"10\.96\.\d+\.\d+"', '"IP"', text)

items = sorted((o for o in objects(open(read).read()) if wanted(o)), key=order)
with open(out + ".new", "w") as f:
    json.dump({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"annotations": {"rollcast/kubernetes-version": version}, "resourceVersion": ""}}, f, indent=4)
    f.write("\n")
os.replace(out + ".new", out)
if out != kept and os.path.exists(kept):
    before = [without_what_varies(o) for o in json.load(open(kept))["items"]]
    after = [without_what_varies(o) for o in items]
    for text in sorted(set(before) ^ set(after)):
        print(("only committed: " if text in before else "only recorded: ") + text, file=sys.stderr)
    if sorted(before) != sorted(after):
        sys.exit("the recording differs from examples/genbrain.json")
print(f"{len(items)} objects in {out}", file=sys.stderr)
P
