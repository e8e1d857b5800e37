# step: install
kubectl create namespace shop
kubectl -n shop apply -f v1.yaml
kubectl -n shop rollout status deployment/web --timeout=60s | tail -n 1
kubectl -n shop rollout status statefulset/store --timeout=60s | tail -n 1
# step: upgrade two templates
kubectl -n shop apply -f v2.yaml
kubectl -n shop rollout status deployment/web --timeout=60s | tail -n 1
# step: upgrade without a change
kubectl -n shop apply -f v2.yaml
kubectl -n shop diff -f v2.yaml
# step: what another version would change
kubectl -n shop diff -f v1.yaml | grep '^[+-] ' || test $? = 1
# step: set image
kubectl -n shop set image deployment/web web=registry.example/web:3.0.0 proxy=registry.example/proxy:2.0.0
kubectl -n shop rollout status deployment/web --timeout=60s | tail -n 1
kubectl -n shop rollout history deployment/web
# step: undo and restart
kubectl -n shop rollout undo deployment/web
kubectl -n shop rollout undo statefulset/store
kubectl -n shop rollout restart daemonset/agent
kubectl -n shop rollout status daemonset/agent --timeout=60s | tail -n 1
# step: patch
kubectl -n shop patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"MORE","value":"1"}]}]}}}}'
kubectl -n shop patch statefulset store --type=merge -p '{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}'
kubectl -n shop patch daemonset agent --type=json -p '[{"op":"add","path":"/spec/template/spec/priority","value":null}]'
# step: what rolls nothing
kubectl -n shop annotate deployment/web note=one
kubectl -n shop label statefulset/store tier=data
kubectl -n shop scale deployment/web --replicas=3
kubectl -n shop autoscale deployment/web --min=1 --max=4 --cpu=80% || kubectl -n shop autoscale deployment/web --min=1 --max=4 --cpu-percent=80
# Written as autoscaling/v1, read as v2. What it would scale is its controller's business, which is not simulated.
kubectl -n shop get hpa web -o jsonpath='{.spec}'
kubectl -n shop delete hpa web
# step: server-side apply refused
# refused: conflict
kubectl -n shop apply --server-side -f v1.yaml
# step: server-side apply forced
kubectl -n shop apply --server-side --force-conflicts -f v1.yaml
kubectl -n shop wait --for=condition=Available deployment/web --timeout=60s
# step: replace and set
kubectl -n shop get deployment web -o json | sed 's/web:1.0.0/web:4.0.0/' | kubectl -n shop replace -f -
kubectl -n shop set env deployment/web LEVEL=debug
kubectl -n shop set resources statefulset/store --limits=memory=2Gi
kubectl -n shop create job once --image=registry.example/once:1 -- true
kubectl -n shop wait --for=condition=Complete job/once --timeout=60s
# step: look
kubectl -n shop get deployments,statefulsets,daemonsets -o jsonpath='{range .items[*]}{.kind}{" "}{.metadata.name}{" "}{.metadata.generation}{" "}{.spec.template.spec.containers[*].image}{"\n"}{end}'
kubectl -n shop get all --no-headers -o custom-columns=KIND:.kind | sort | uniq -c
# step: prune
kubectl -n shop apply --prune -l app=web --prune-allowlist=core/v1/Service -f v2.yaml
# step: delete
kubectl -n shop delete -f v1.yaml --wait
kubectl -n shop get pods,replicasets,controllerrevisions -o name
kubectl delete namespace shop --wait
