kubectl create namespace shop
kubectl apply --server-side -f web.yaml
kubectl -n shop rollout status statefulset/web --timeout=60s
