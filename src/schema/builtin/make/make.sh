#!/usr/bin/env bash
# Makes one version's schema data again. Needs Go and Python 3.
# usage: make.sh VERSION SCHEMA.json.gz OUT.jsonl.gz
#   VERSION           a released Kubernetes version, for instance 1.36.2
#   SCHEMA.json.gz    discovery and OpenAPI recorded from a server of that version (PROVENANCE.md tells how)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=${1#1.} schema=$(realpath "$2") out=$(realpath -m "$3")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cp "$here/gotypes.go" "$work/main.go"; cd "$work"
{ echo "module gotypes"; echo; echo "go 1.24"; echo
  for module in client-go apiextensions-apiserver kube-aggregator apimachinery; do echo "require k8s.io/$module v0.$version"; done; } > go.mod
go mod tidy 2> tidy.log || { cat tidy.log >&2; exit 1; }
go run . > gotypes.jsonl
python3 "$here/join.py" "$schema" gotypes.jsonl | gzip -9n > "$out"
