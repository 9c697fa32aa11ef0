#!/bin/sh
# Makes the checkout ready to use: the Debian packages that running containers takes, the npm packages, the build.
# As root or through sudo where a package is missing; says what it installs, and can be repeated.
set -eu
cd "$(dirname "$0")/.."
command -v node >/dev/null && command -v npm >/dev/null || { echo "Node 20 or later with npm is needed: https://nodejs.org/en/download" >&2; exit 1; }
# crun runs the steps of a build, runc everything else, conmon watches `run -d`, mmdebstrap makes base images, uidmap gives an ordinary user ids, iproute2 and
# iptables a network to root and slirp4netns one to others; the Node that npm brings is linked with libatomic1.
sh scripts/packages.sh runc crun conmon mmdebstrap uidmap iproute2 iptables slirp4netns libatomic1
echo "Installing npm packages (package-lock.json)"
npm ci --no-audit --no-fund --loglevel=error
npm run --silent build
