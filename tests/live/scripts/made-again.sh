# step: what is made
kubectl create namespace again
cat > again.yaml <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: again, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "nginx:1.25"}, {name: side, image: "busybox:1.36"}]}
Y
kubectl apply -f again.yaml
kubectl -n again rollout status deployment/web --timeout=60s | tail -n 1
# step: deleted, its pods left, and made again: they are adopted
kubectl -n again delete deployment web --cascade=orphan
sed 's/replicas: 3/replicas: 2/' again.yaml | kubectl apply -f -
kubectl -n again rollout status deployment/web --timeout=60s | tail -n 1
kubectl -n again rollout history deployment/web
# step: another template over what was left
kubectl -n again delete deployment web --cascade=orphan
sed 's/nginx:1.25/nginx:1.26/' again.yaml | kubectl apply --server-side -f -
kubectl -n again rollout status deployment/web --timeout=60s | tail -n 1
kubectl -n again rollout history deployment/web
# step: back to the revision of before
kubectl -n again rollout undo deployment/web
kubectl -n again rollout status deployment/web --timeout=60s | tail -n 1
# step: deleted, and made again
kubectl -n again delete -f again.yaml --cascade=foreground
kubectl create -f again.yaml --save-config
kubectl -n again rollout status deployment/web --timeout=60s | tail -n 1
# step: replaced by force
kubectl replace --force -f again.yaml
kubectl -n again rollout status deployment/web --timeout=60s | tail -n 1
