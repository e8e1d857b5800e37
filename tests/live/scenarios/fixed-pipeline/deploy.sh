# step: Update all images
rollcast render --fleet "$ROOT/fleet.toml" > next.yaml
tag=$(grep -m1 -o 'agent-cli:[a-z0-9]*' next.yaml | cut -d: -f2) images=gcr.io/genbrain
for name in ceo cto cso marketing; do
  runtime=; [ "$name" != cso ] || runtime=cai-runtime=$images/cai-runtime:$tag
  kubectl -n agents set image "deployment/$name-agent" "agent=$images/agent-cli:$tag" "git-sync=$images/git-sync:$tag" $runtime
done
# step: Apply infrastructure manifests
kubectl apply --server-side -f next.yaml
