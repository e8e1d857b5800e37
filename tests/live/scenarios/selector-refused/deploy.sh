# step: Restart
kubectl -n shop rollout restart deployment/web
# step: Apply
# refused: field is immutable
kubectl apply --server-side -f next.yaml
# step: Never
kubectl -n shop rollout restart deployment/web
