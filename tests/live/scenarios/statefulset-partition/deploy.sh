# step: Hold
kubectl -n shop patch statefulset/web --type=merge -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}'
# step: Canary
kubectl -n shop set image statefulset/web web=registry.example/web:1.5.0
# step: Release
kubectl -n shop patch statefulset/web --type=merge -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'
