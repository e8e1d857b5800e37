# step: what is made
kubectl create namespace managers
cat > managers.yaml <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: managers}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "nginx:1.25"}]}
Y
cat > part.yaml <<'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: managers, annotations: {owner: sre}}
spec: {replicas: 5, template: {spec: {containers: [{name: app, resources: {limits: {memory: 256Mi}}}]}}}
Y
kubectl apply -f managers.yaml
kubectl -n managers rollout status deployment/web --timeout=60s | tail -n 1
# step: the pipeline applies on the server from now on
kubectl apply --server-side --field-manager=ci --force-conflicts -f managers.yaml
# step: somebody else sets replicas
# refused: conflict
kubectl apply --server-side --field-manager=sre -f part.yaml
# step: by force
kubectl apply --server-side --field-manager=sre --force-conflicts -f part.yaml
kubectl -n managers rollout status deployment/web --timeout=60s | tail -n 1
# step: the pipeline again
# refused: conflict
kubectl apply --server-side --field-manager=ci -f managers.yaml
# step: the pipeline gives replicas up, then the other does
sed -i '/replicas: 3/d' managers.yaml
kubectl apply --server-side --field-manager=ci -f managers.yaml
sed -i 's/replicas: 5, //' part.yaml
kubectl apply --server-side --field-manager=sre -f part.yaml
kubectl -n managers get deployment web -o jsonpath='{.spec.replicas}{"\n"}'
kubectl -n managers rollout status deployment/web --timeout=60s | tail -n 1
# step: back to the client's side
kubectl apply -f managers.yaml
kubectl apply view-last-applied -f managers.yaml
kubectl -n managers annotate deployment web kubectl.kubernetes.io/last-applied-configuration-
kubectl apply set-last-applied -f managers.yaml --create-annotation
kubectl apply -f managers.yaml
# step: nobody owns anything, and then one does
kubectl -n managers patch deployment web --type=json -p='[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]'
kubectl apply --server-side --field-manager=kustomize-controller -f managers.yaml
