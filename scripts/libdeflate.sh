#!/bin/sh
# Makes the .wasm files in src/archive/deflate again from libdeflate's own release, as Debian keeps it: for who changes
# libdeflate.c or takes a newer release; nobody else needs it. It wants clang, lld, wasi-libc and curl.
set -eu
version=1.23
sum=1ab18349b9fb0ce8a0ca4116bded725be7dcbfa709e19f6f983d99df1fb8b25f
there="$(cd "$(dirname "$0")/../src/archive/deflate" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
curl -fsS -o release.tar.gz "http://deb.debian.org/debian/pool/main/libd/libdeflate/libdeflate_$version.orig.tar.gz"
echo "$sum  release.tar.gz" | sha256sum -c --quiet
tar xzf release.tar.gz --strip-components=1

# Pieces follow one another in our streams, so no block of libdeflate's may say that it is the last one.
sed -i 's/sequences, in_next == in_end);/sequences, false);/' lib/deflate_compress.c
[ "$(grep -c 'sequences, false);' lib/deflate_compress.c)" = 3 ]

# $1: the file; then what else clang is told.
make() {
  made="$there/$1"
  shift
  clang "$@" --target=wasm32-wasi -I/usr/include/wasm32-wasi -I. -O3 -mbulk-memory -mnontrapping-fptoint -msign-ext \
    -ffunction-sections -fdata-sections -nostartfiles -Wl,--no-entry,--gc-sections,--strip-all \
    -L/usr/lib/wasm32-wasi -o "$made" "$there/libdeflate.c" lib/utils.c -lc
  chmod 644 "$made"
}
make libdeflate.wasm -msimd128
make libdeflate-plain.wasm
