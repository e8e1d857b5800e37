BUILD_SHA=9f31c2e rollcast render --fleet "$ROOT/fleet.toml" | kubectl apply --server-side -f -
kubectl -n agents rollout status deployment/ceo-agent --timeout=60s
