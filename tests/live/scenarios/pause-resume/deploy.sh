# step: Pause
kubectl -n shop rollout pause deployment/web
# step: Set the image
kubectl -n shop set image deployment/web web=registry.example/web:1.5.0
# step: Set a variable
kubectl -n shop set env deployment/web -c web LOG=debug
# step: Set resources
kubectl -n shop set resources deployment/web -c web --requests=cpu=100m --limits=memory=64Mi
# step: Resume
kubectl -n shop rollout resume deployment/web
