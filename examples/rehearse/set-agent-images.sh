#!/usr/bin/env bash
# Brings the images of an agent's Deployment to those of an image map, in one roll or none.
# usage: set-agent-images.sh DEPLOYMENT CONTAINER=IMAGE…      NAMESPACE says where (agents)
set -euo pipefail

# Compares every container with the image map and sends one `kubectl set image` with those that are stale: one write, so one roll. A
# container that is not in the Deployment is left out, a Deployment that is not there is skipped.
set_agent_images() {
  local deployment=$1 name line container image found stale=(); shift
  found=$(kubectl -n "$namespace" get deployment "$deployment" --ignore-not-found \
    -o jsonpath='{range .spec.template.spec.containers[*]}{.name}={.image}{"\n"}{end}')
  if [ -z "$found" ]; then echo "$deployment: not there, skipped"; return; fi
  for name in "$@"; do
    container=${name%%=*} image=${name#*=}
    while IFS= read -r line; do
      if [ "${line%%=*}" = "$container" ] && [ "${line#*=}" != "$image" ]; then stale+=("$container=$image"); fi
    done <<< "$found"
  done
  if [ "${#stale[@]}" -eq 0 ]; then echo "$deployment: all images are current"; return; fi
  kubectl -n "$namespace" set image "deployment/$deployment" "${stale[@]}"
  kubectl -n "$namespace" rollout status "deployment/$deployment" --timeout=5m
}

namespace=${NAMESPACE:-agents}
set_agent_images "$@"
