# step: Next
kubectl apply -f next.yaml
# step: Again
kubectl apply -f next.yaml
# step: Back
kubectl apply -f web.yaml
