# step: Replace
kubectl replace -f next.yaml
# step: Replace by force
kubectl replace --force -f web.yaml
