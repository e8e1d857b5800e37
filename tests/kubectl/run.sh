#!/bin/bash
# Runs Kubernetes' own kubectl command tests (`test/cmd` of the Kubernetes repository) against `rollcast serve`, prints pass or fail of
# each function and, last, how many passed. The tests come from the Go module k8s.io/kubernetes; nothing of them is kept here.
# usage: run.sh [--logs DIR] [FUNCTION…]     all of functions.txt if none is named; needs Go, jq, curl and kubectl 1.36 (clients.sh)
# ROLLCAST names the binary, target/debug/rollcast if unset.
set -euo pipefail
command -v jq > /dev/null || { apt-get update && apt-get install -y --no-install-recommends jq; } >&2
here=$(cd "$(dirname "$0")" && pwd) root=$(cd "$(dirname "$0")/../.." && pwd)
rollcast=$(realpath "${ROLLCAST:-$root/target/debug/rollcast}")
clients=$("$root/tests/controlplane/clients.sh")
work=$(mktemp -d); server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
logs=$work/logs
[ "${1:-}" != --logs ] || { mkdir -p "$2"; logs=$(realpath "$2"); shift 2; }
mkdir -p "$logs" "$work/home" "$work/tests/third_party/forked"

module=$(cd / && go mod download -json k8s.io/kubernetes@v1.36.2 | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
for part in hack test/cmd test/fixtures test/e2e/testing-manifests third_party/forked/shell2junit; do
  mkdir -p "$work/tests/$(dirname "$part")"; cp -r "$module/$part" "$work/tests/$part"
done
chmod -R u+w "$work/tests"
cd "$work/tests"
mkdir -p _output/bin; ln -s "$clients/kubectl" _output/bin/kubectl

# serve STATE…: starts the shadow; its address goes to $port.
serve() {
  [ -z "$server" ] || { kill "$server"; wait "$server" || true; }
  mkfifo "$work/address" 2>/dev/null || true
  "$rollcast" serve --empty --kubernetes 1.36 --listen 127.0.0.1:0 --tls --token admin-token "$@" > "$work/address" 2> "$logs/serve.log" & server=$!
  read -r address < "$work/address"; port=${address##*:}
}

# tests FUNCTION…: runs them one after the other on one server, as `hack/make-rules/test-cmd.sh` does; one line for each goes to $work/result.
tests() {
  PATH=$work/tests/_output/bin:$PATH HOME=$work/home KUBE_TEMP=$work/home TERM=${TERM:-dumb} SECURE_API_PORT=$port KUBE_JUNIT_REPORT_DIR=$work/junit \
    LOGS=$logs RESULT=$work/result WHAT="$*" ALLOW_SKEW=1 bash -c '
    set -o errexit -o nounset -o pipefail
    SUPPORTED_RESOURCES=("*")
    KUBE_ROOT=.; source hack/lib/init.sh; source hack/lib/test.sh; source test/cmd/legacy-script.sh
    rm -rf "$HOME/.kube"; CONTEXT=test
    kubectl config set-credentials test-admin --token admin-token
    kubectl config set-cluster local --insecure-skip-tls-verify --server "https://127.0.0.1:$SECURE_API_PORT"
    kubectl config set-context test --user test-admin --cluster local
    kubectl config use-context test
    sed -n "/^  kubectl create -f - << __EOF__/,/^__EOF__/p" hack/make-rules/test-cmd.sh > node.sh; source node.sh
    # In place of the one that writes JUnit files: a log for each function. Its name comes as run_NAME_tests, whatever it is.
    record_command() {
      local name=$1 code=0 began=$SECONDS; declare -F "$name" > /dev/null || name=${name%_tests}; declare -F "$name" > /dev/null || name=${1%s}
      set +o nounset +o errexit; ( "$name" ) > "$LOGS/$name.log" 2>&1; code=$?; set -o nounset -o errexit
      echo "$([ "$code" -eq 0 ] && echo pass || echo FAIL) $name $((SECONDS - began))s" >> "$RESULT"
    }
    runTests
  ' > "$logs/setup.log" 2>&1 || { tail -n 20 "$logs/setup.log"; echo "the tests broke off"; exit 1; }
}

ready() { grep -v '^#' "$here/functions.txt" | grep -v pending | cut -d' ' -f1; }
pending() { grep -v '^#' "$here/functions.txt" | grep pending | cut -d' ' -f1; }
# picked FUNCTION…: of those read, the ones that are asked for, as runTests wants them.
picked() { { if [ $# -eq 0 ]; then cat; else grep -xF "$(printf '%s\n' "$@")" || true; fi; } | sed -E 's/^run_//; s/_tests?$//' | tr '\n' ' '; }
: > "$work/result"
ready=$(ready | picked "$@") pending=$(pending | picked "$@")
[ -z "$ready" ] || { serve; tests $ready; }
[ -z "$pending" ] || { serve --pods pending; tests $pending; }
cat "$work/result"
passed=$(grep -c '^pass' "$work/result" || true) failed=$(grep -c '^FAIL' "$work/result" || true)
echo "test result: $([ "$failed" -eq 0 ] && echo ok || echo FAILED). $passed passed; $failed failed; in $SECONDS s"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
