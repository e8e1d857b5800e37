#!/usr/bin/env bash
# Tests set-agent-images.sh without a cluster. Needs kubectl; ROLLCAST names the program, `rollcast` unless given.
set -uo pipefail
cd "$(dirname "$0")" || exit 2
rollcast=${ROLLCAST:-rollcast} failed=0
registry=gcr.io/genbrain old=9f31c2e new=b7d92e4

# expect NAME EXPECTATION… -- ARGUMENT…: rehearses the script with the arguments.
expect() {
  local name=$1 expectations=() said code=0; shift
  while [ "$1" != -- ]; do expectations+=("$1"); shift; done; shift
  said=$("$rollcast" rehearse --from agents.yaml "${expectations[@]}" -- ./set-agent-images.sh "$@" 2>&1) || code=$?
  if [ "$code" -eq 0 ]; then echo "ok    $name"; else echo "FAILS $name"; echo "$said"; failed=1; fi
}

expect "both stale: one call" \
  --expect deployment/ceo-agent=1 --expect-writes 'set image'=1 --expect-none -- ceo-agent agent=$registry/agent-cli:$new git-sync=$registry/git-sync:$new
expect "only the stale one" \
  --expect deployment/ceo-agent=1 --expect-writes 'set image'=1 --expect-none -- ceo-agent agent=$registry/agent-cli:$old git-sync=$registry/git-sync:$new
expect "both current: no call" \
  --expect deployment/ceo-agent=0 --expect-writes 'set image'=0 --expect-none -- ceo-agent agent=$registry/agent-cli:$old git-sync=$registry/git-sync:$old
expect "no sidecar: the agent only" \
  --expect deployment/cto-agent=1 --expect-writes 'set image'=1 --expect-none -- cto-agent agent=$registry/agent-cli:$new git-sync=$registry/git-sync:$new
expect "missing workload: skipped, no error" \
  --expect-none -- cfo-agent agent=$registry/agent-cli:$new git-sync=$registry/git-sync:$new
exit $failed
