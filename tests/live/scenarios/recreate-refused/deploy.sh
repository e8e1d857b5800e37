# step: Apply
# refused: may not be specified when strategy `type` is 'Recreate'
kubectl apply --server-side -f next.yaml
