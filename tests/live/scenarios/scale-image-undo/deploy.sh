# step: Scale
kubectl -n shop scale deployment/web --replicas=4
# step: Image
kubectl -n shop set image deployment/web web=registry.example/web:1.5.0
# step: The same image
kubectl -n shop set image deployment/web web=registry.example/web:1.5.0
# step: Undo
kubectl -n shop rollout undo deployment/web
# step: Scale down
kubectl -n shop scale deployment/web --replicas=0
# step: Image without pods
kubectl -n shop set image deployment/web web=registry.example/web:1.6.0
