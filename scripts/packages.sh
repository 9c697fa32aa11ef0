#!/bin/sh
# Installs the Debian packages named as arguments that are not there yet, and says which before it does.
# Without root it goes through sudo; where there is neither, it names the command to ask an administrator for.
set -eu
missing=''
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "Installing Debian packages:$missing"
as_root=''
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "these packages are needed; ask an administrator to run: apt-get install$missing" >&2; exit 1; }
  as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q >/dev/null
# shellcheck disable=SC2086 # the list is words
$as_root apt-get install -y -q --no-install-recommends $missing >/dev/null
