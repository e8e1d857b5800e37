# step: the first sync
kubectl create namespace shop
gitops v1.yaml shop client
# step: two templates
gitops v2.yaml shop client
# step: without a change
gitops v2.yaml shop client
# step: server-side
gitops v1.yaml shop server
# step: an object is dropped
sed '/kind: DaemonSet/,$d' v2.yaml | sed '$d' | sed '$d' > fewer.yaml
gitops fewer.yaml shop server
# step: what somebody changed is put right
kubectl -n shop set image deployment/web web=registry.example/web:9.0.0
gitops fewer.yaml shop server
