#!/bin/bash
# Starts an OCI registry (distribution, as Debian packages it) on the loopback that wants a user, and pushes images into it.
# usage: up.sh DIR PORT IMAGE:TAG…      user `robot`, password `hunter2`; stop it with kill $(cat DIR/pid)
# Needs root and Debian's packages where docker-registry is not installed yet.
set -euo pipefail
dir=$(realpath -m "$1") port=$2; shift 2; mkdir -p "$dir"; cd "$dir"
if ! command -v docker-registry > /dev/null; then
  # What the package would start is not wanted.
  { apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends docker-registry; } > install.log 2>&1 \
    || { cat install.log >&2; exit 1; }
fi
# bcrypt of `hunter2`
printf '%s\n' 'robot:$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.' > htpasswd
cat > config.yml <<C
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $dir/data}}
http: {addr: 127.0.0.1:$port}
auth: {htpasswd: {realm: rollcast, path: $dir/htpasswd}}
C
setsid docker-registry serve config.yml > registry.log 2>&1 < /dev/null & echo $! > pid
base=http://robot:hunter2@127.0.0.1:$port/v2
for _ in $(seq 100); do curl -sf "$base/" > /dev/null && break; sleep 0.1; done
curl -sf "$base/" > /dev/null || { cat registry.log >&2; exit 1; }
for image in "$@"; do
  name=${image%:*} tag=${image##*:}
  printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{"Labels":{"tag":"%s"}}}' "$tag" > blob
  digest=sha256:$(sha256sum blob | cut -d' ' -f1)
  where=$(curl -sfi -X POST "$base/$name/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //Ip')
  where=${where/#http:\/\/127/http:\/\/robot:hunter2@127}
  curl -sf -X PUT -H 'Content-Type: application/octet-stream' --data-binary @blob "$where&digest=$digest" > /dev/null
  type=application/vnd.oci.image.manifest.v1+json
  printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},"layers":[]}' \
    "$type" "$digest" "$(stat -c %s blob)" > manifest
  curl -sf -X PUT -H "Content-Type: $type" --data-binary @manifest "$base/$name/manifests/$tag" > /dev/null
  echo "$image sha256:$(sha256sum manifest | cut -d' ' -f1)"
done
