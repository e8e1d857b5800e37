# step: install
kubectl create namespace shop
helm install shop ./chart -n shop --wait --timeout 60s
# step: upgrade two templates
helm upgrade shop ./chart -n shop --wait --timeout 60s --set image.web=registry.example/web:2.0.0,image.store=registry.example/store:2.0.0
# step: upgrade without a change
helm upgrade shop ./chart -n shop --wait --timeout 60s --reuse-values
# step: rollback
helm rollback shop 1 -n shop --wait --timeout 60s
# step: upgrade by a checksum, without waiting
helm upgrade shop ./chart -n shop --set mode=two
# step: a dry run
helm upgrade shop ./chart -n shop --set mode=three --dry-run=server | grep -A1 checksum
# step: an upgrade that the server refuses is rolled back
# refused: field is immutable
helm upgrade shop ./chart -n shop --rollback-on-failure --timeout 60s --set image.store=registry.example/store:3.0.0,selector=other
# step: an upgrade whose pods are refused is rolled back
kubectl -n shop create -f - <<< '{"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}}'
helm upgrade shop ./chart -n shop --rollback-on-failure --timeout 8s --set memory=2Gi > /dev/null 2>&1 || echo "exit $?"
# step: taking over what another manager changed
kubectl -n shop set image deployment/web web=registry.example/web:9.0.0
helm upgrade shop ./chart -n shop --force-conflicts --wait --timeout 60s --set mode=two
# step: look
helm history shop -n shop -o json | jq -c '.[] | [.revision, .status, .description]'
helm get values shop -n shop
helm list -n shop -o json | jq -c '.[] | [.name, .revision, .status, .chart]'
helm status shop -n shop -o json | jq -c .info.status
# step: install or upgrade, as scripts do
helm upgrade --install shop ./chart -n shop --wait --timeout 60s --history-max 3 --set image.web=registry.example/web:5.0.0
helm upgrade --install other ./chart -n other --create-namespace --wait --timeout 60s
# step: uninstall
helm uninstall shop -n shop --wait --timeout 60s
helm uninstall other -n other --keep-history
helm list -A -o json | jq -c '.[] | [.name, .status]'
kubectl -n shop get deployments,statefulsets,pods,services -o name
