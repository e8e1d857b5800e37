kubectl create namespace shop
kubectl apply --server-side -f web.yaml
