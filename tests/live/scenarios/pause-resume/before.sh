kubectl create namespace shop
kubectl apply -f web.yaml
