#!/usr/bin/env bash
# Builds the container image without an engine and without a registry: from scratch, by buildah, as any user. The image
# contains Node, the shared libraries of this machine that Node needs, and the release bundle. It contains no shell and
# no package manager.
#   deploy/build.sh oci:tagproof-image:latest           (any destination of containers-transports(5))
#   deploy/build.sh docker://ghcr.io/org/tagproof:0.1.0
set -euo pipefail
cd "$(dirname "$0")/.."
destination=${1:?expected a destination, as oci:FOLDER:TAG or docker://HOST/PATH:TAG}
node=node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/bin/node
[ -x "$node" ] || { echo "expected $node: run npm ci first" >&2; exit 2; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
install -D -m 755 "$node" "$root/usr/bin/node"
# Libraries keep the paths that ldd prints, because the loader searches there.
ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do install -D -m 755 "$library" "$root$library"; done
"$node" build.ts "$root/app"
mkdir -p "$root/etc"
printf 'nonroot:x:65532:65532::/:/sbin/nologin\n' >"$root/etc/passwd"
printf 'nonroot:x:65532:\n' >"$root/etc/group"
install -d -m 1777 "$root/tmp"

# The same input gives the same digest: every timestamp in the image is that of the commit.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
find "$root" -exec touch -h -d "@$epoch" {} +

# This also works without permission to mount or to use an overlay, as in CI: in a plain folder.
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
container=$(buildah from scratch)
trap 'rm -rf "$root"; buildah rm "$container" >/dev/null' EXIT
buildah add --quiet "$container" "$root" / >/dev/null
buildah config --user 65532:65532 --env NODE_ENV=production --port 8443 \
  --entrypoint '["/usr/bin/node", "/app/main.js"]' --cmd '' --history-comment '' \
  --label org.opencontainers.image.title=tagproof \
  --label org.opencontainers.image.licenses=Apache-2.0 \
  --label "org.opencontainers.image.version=$("$node" -p 'require("./package.json").version')" \
  --label "org.opencontainers.image.revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)" "$container"
buildah commit --quiet --timestamp "$epoch" --format oci "$container" "$destination"
