# step: Image
kubectl -n shop set image deployment/web web=registry.example/web:1.5.0
# step: Apply
# refused: conflict with "kubectl-set" using apps/v1: .spec.template.spec.containers[name="web"].image
kubectl apply --server-side -f web.yaml
