kubectl create namespace shop
kubectl apply -f web.yaml
kubectl -n shop rollout status daemonset/web --timeout=60s
