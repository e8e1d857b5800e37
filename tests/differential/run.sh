#!/bin/bash
# Starts a control plane, sends random writes to it and to rollcast, compares, stops it. Without --seed the seed is a fresh one; it is printed.
# usage: run.sh [--kubernetes VERSION] [ARGUMENT…]      arguments as in main.rs, such as `--seconds 90` or `--seed N --sequences 1`
# VERSION is one that build.sh builds; rollcast simulates the one that the server says it is. PORT names the first of four ports.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); plane=$here/../controlplane
work=$(mktemp -d); trap '"$plane/down.sh" "$work/run"; rm -rf "$work"' EXIT
version=(); [ "${1:-}" != --kubernetes ] || { version=("$2"); shift 2; }
binary=$("$plane/build.sh" "${version[@]}")
free() { for p in $(seq 24100 10 24900); do (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }; done; }
port=${PORT:-$(free)}
# Pods stay as they are created, and claims unbound: a volume of one sequence must not be bound to a claim of another.
PODS=pending WITHOUT=persistentvolume-binder-controller "$plane/up.sh" "$binary" "$work/run" "$port" >&2
cargo test --locked --quiet --manifest-path "$here/../../Cargo.toml" --test differential -- --server "https://127.0.0.1:$port" "$@"
