#!/bin/bash
# Starts a control plane and prints the path of its kubeconfig (context `test`). Ready in about 4 seconds.
# usage: up.sh BINARY DIR [PORT=16443]     PORT to PORT+3 are used, all on the loopback; stop it with down.sh DIR
# Users: `admin` with the token `admintoken`; `reader` with `readertoken`, who may do nothing until a role says so.
# One node is simulated: every pod is bound to it, becomes Ready START after that and is gone STOP after its deletion (durations
# in the environment, both 0s if unset), so that rollouts take time and `rollout status` waits for something. PODS=pending
# leaves all pods as they are created. JOBS=end lets the pods of Jobs succeed; they run for ever without it. WITHOUT=NAME,… leaves more controllers out.
set -euo pipefail
binary=$(realpath "$1") dir=$(realpath -m "$2") port=${3:-16443}; mkdir -p "$dir"; cd "$dir"
for p in $(seq "$port" $((port+3))); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then echo "up.sh: port $p is taken" >&2; exit 3; fi
done
[ -f sa.key ] || { openssl genrsa -out sa.key 2048 2>/dev/null; openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null; }
printf 'admintoken,admin,admin,system:masters\nreadertoken,reader,reader\n' > tokens.csv
start() { local name=$1; shift; setsid "$binary" "$@" > "$name.log" 2>&1 < /dev/null & echo $! > "$name.pid"; }
answers() { curl -sk --max-time 5 -H 'Authorization: Bearer admintoken' "https://127.0.0.1:$1" | grep -q "$2"; }
# Waits until something holds; if it never does, says so with the log of the component.
until_true() { local name=$1; shift; for _ in $(seq 240); do "$@" 2>/dev/null && return; sleep 0.25; done
  echo "up.sh: $name does not answer" >&2; tail -n 5 "$name.log" >&2; exit 1; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
start etcd etcd "$dir/etcd" $((port+1)) $((port+2)); until_true etcd listens $((port+1))
start apiserver kube-apiserver --etcd-servers=http://127.0.0.1:$((port+1)) --secure-port="$port" --bind-address=127.0.0.1 \
  --cert-dir="$dir/certs" --token-auth-file="$dir/tokens.csv" --authorization-mode=RBAC --service-cluster-ip-range=10.96.0.0/16 \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$dir/sa.pub" \
  --service-account-signing-key-file="$dir/sa.key" --disable-admission-plugins=ServiceAccount --allow-privileged=true
until_true apiserver answers "$port/readyz" '^ok'
cat > kubeconfig <<K
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "https://127.0.0.1:$port", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: admintoken}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
K
# 1.37 has no controllers of clouds any more, and refuses to leave out what it does not have.
minor=$(curl -sk -H 'Authorization: Bearer admintoken' "https://127.0.0.1:$port/version" | sed -n 's/.*"minor": "\([0-9]*\).*/\1/p')
clouds=; [ "$minor" -ge 37 ] || clouds=,-route,-service-lb-controller
start manager kube-controller-manager --kubeconfig="$dir/kubeconfig" --leader-elect=false --secure-port=$((port+3)) --bind-address=127.0.0.1 \
  --cert-dir="$dir/manager-certs" --service-account-private-key-file="$dir/sa.key" --root-ca-file="$dir/certs/apiserver.crt" \
  --kube-api-qps=500 --kube-api-burst=1000 --controllers='*,-nodeipam,-nodelifecycle,-bootstrapsigner,-tokencleaner'"$clouds${WITHOUT:+,-${WITHOUT//,/,-}}"
[ "${PODS:-ready}" = pending ] || start kubelet kubelet "$dir/kubeconfig" "${START:-0s}" "${STOP:-0s}" "${JOBS:-run}"
# A service account appears once the controllers run.
until_true manager answers "$port/api/v1/namespaces/default/serviceaccounts" '"name": "default"'
echo "$dir/kubeconfig"
