# step: Restart
kubectl -n shop rollout restart deployment/web
# step: Apply
kubectl apply -f web.yaml
