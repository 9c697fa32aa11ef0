#!/bin/sh
# The README's second command: installs what the tests need, builds, and passes every test.
# Works as root or through sudo, alone or after the first command, and can be repeated.
set -eu
cd "$(dirname "$0")/.."
sh scripts/packages.sh runc conmon uidmap busybox-static mmdebstrap docker-registry skopeo umoci buildah podman procps apache2-utils attr iproute2 git strace xz-utils zstd bzip2 libatomic1
npm ci --no-audit --no-fund
npm test
