# step: Update agent images
rollcast render --fleet "$ROOT/fleet.toml" > next.yaml
for name in ceo cto cso marketing; do
  kubectl -n agents set image "deployment/$name-agent" "agent=$(grep -m1 -o 'gcr.io/genbrain/agent-cli:[a-z0-9]*' next.yaml)"
done
# step: Apply infrastructure manifests
kubectl apply --server-side -f next.yaml
