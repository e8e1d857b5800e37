#!/bin/bash
# Builds a real Kubernetes control plane (etcd, apiserver, controller manager, scheduler and a stand-in for kubelets in one
# binary) from Go modules, and prints its path. Nothing is done if it was built from these sources before.
# usage: build.sh [VERSION=1.36.2]     about 5 minutes on 2 cores the first time. 1.34.4, 1.35.4, 1.36.2 and 1.37.0 build with Go 1.26.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) version=${1:-1.36.2}
built=${ROLLCAST_BUILT:-$here/built}; out=$built/controlplane-$version; mkdir -p "$built"
sources=$(cat "$here"/*.go "$0" | cksum)
if [ -x "$out" ] && [ "$(cat "$out.sources" 2>/dev/null)" = "$sources" ]; then echo "$out"; exit 0; fi
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cp "$here"/*.go "$work/"; cd "$work"
upstream=$(cd / && go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)",*/\1/p')
{ echo "module controlplane"; echo; grep -E '^go ' "$upstream"; echo; echo "require k8s.io/kubernetes v$version"; echo; echo "replace ("
  # The staging modules carry v0.0.0 in Kubernetes' own go.mod; their released twin is v0.MINOR.PATCH.
  sed -nE "s/^\s+(k8s\.io\/\S+) v0\.0\.0\s*$/\t\1 => \1 v0.${version#1.}/p" "$upstream" | sort -u; echo ")"; } > go.mod
go mod tidy >&2
v=k8s.io/component-base/version
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $v.gitVersion=v$version -X $v.gitMajor=1 -X $v.gitMinor=$(cut -d. -f2 <<<"$version") -X $v.gitTreeState=clean" -o "$out.new" . >&2
mv "$out.new" "$out"; echo "$sources" > "$out.new"; mv "$out.new" "$out.sources"
echo "$out"
