#!/bin/bash
# Builds judge (main.go: the readers of Prometheus and of compose) from Go modules and prints its path. Nothing is done if it was built
# from these sources before.
# usage: build.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) prometheus=v0.304.0 compose=v2.16.2
built=${ROLLCAST_BUILT:-$here/../../controlplane/built}; mkdir -p "$built/bin"; out=$(cd "$built" && pwd)/bin/judge
sources=$(cat "$here"/main.go "$0" | cksum)
if [ -x "$out" ] && [ "$(cat "$out.sources" 2>/dev/null)" = "$sources" ]; then echo "$out"; exit 0; fi
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cp "$here/main.go" "$work/"; cd "$work"
cat > go.mod <<END
module judge

go 1.26.0

require (
	github.com/compose-spec/compose-go/v2 $compose
	github.com/prometheus/prometheus $prometheus
)
END
go mod tidy >&2
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out.new" . >&2
mv "$out.new" "$out"; echo "$sources" > "$out.sources"
echo "$out"
