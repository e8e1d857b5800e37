# step: Set the image
kubectl -n shop set image daemonset/web web=registry.example/web:1.5.0
# step: Set a variable
kubectl -n shop set env daemonset/web -c web LOG=debug
# step: Undo
kubectl -n shop rollout undo daemonset/web
