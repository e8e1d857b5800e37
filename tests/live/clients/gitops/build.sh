#!/bin/bash
# Builds gitops (main.go: Argo CD's engine, run once) from Go modules and prints its path. Nothing is done if it was built from
# these sources before. It takes the libraries of the Kubernetes that tests/controlplane/build.sh builds, so that Go compiles them once.
# usage: build.sh [VERSION=1.36.2]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) version=${1:-1.36.2} engine=v0.0.0-20260914071520-c9c369efcc5b
built=${ROLLCAST_BUILT:-$here/../../../controlplane/built}; mkdir -p "$built/bin"; out=$(cd "$built" && pwd)/bin/gitops
sources=$(cat "$here"/main.go "$0" | cksum)
if [ -x "$out" ] && [ "$(cat "$out.sources" 2>/dev/null)" = "$sources" ]; then echo "$out"; exit 0; fi
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cp "$here/main.go" "$work/"; cd "$work"
module=github.com/argoproj/argo-cd/gitops-engine
upstream=$(cd / && go mod download -json "$module@$engine" | sed -n 's/.*"GoMod": "\(.*\)",*/\1/p')
{ echo "module gitops"; echo; grep -E '^go ' "$upstream"; echo; echo "require $module $engine"; echo; echo "replace ("
  # The engine's go.mod replaces Kubernetes' staging modules; here by those of the control plane's version.
  sed -nE "s/^\s*(replace )?(k8s\.io\/\S+) => k8s\.io\/\S+ v0\.\S+$/\t\2 => \2 v0.${version#1.}/p" "$upstream" | sort -u
  echo "	k8s.io/kubernetes => k8s.io/kubernetes v$version"; echo ")"; } > go.mod
go mod tidy >&2
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out.new" . >&2
mv "$out.new" "$out"; echo "$sources" > "$out.sources"
echo "$out"
