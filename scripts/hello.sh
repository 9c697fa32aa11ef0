#!/bin/sh
# The README's first command: sets everything up, builds examples/hello, runs it, asks it for its page, and shows the
# layers. As root, through sudo, or as an ordinary user who may use sudo where packages are missing; can be repeated.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh

name=laminate-hello-$$
log=$(mktemp)
laminate() { bin/laminate "$@"; }
clean_up() {
  status=$?
  trap - EXIT
  if [ "$status" -ne 0 ]; then laminate logs "$name" >&2 2>/dev/null || true; fi
  laminate rm -f "$name" >/dev/null 2>&1 || true
  rm -f "$log"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
say() { printf '\n== %s\n' "$*"; }

if [ -z "$(laminate images -q debian:bookworm)" ]; then
  say "Making the base image debian:bookworm from Debian's packages"
  laminate base debian:bookworm
fi

say "laminate build -t test-image examples/hello"
laminate build -t test-image examples/hello

# Where no private network can be had the app's port is the machine's: ask the system for a free one, the same inside and outside.
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
say "laminate run -d --name $name -e PORT=$port -p $port:$port test-image"
laminate run -d --name "$name" -e "PORT=$port" -p "$port:$port" test-image

say "GET http://localhost:$port/"
node - "$port" >"$log" <<'JS' || { cat "$log" >&2; exit 1; }
const http = require('http');
const until = Date.now() + 30000;
(function ask() {
  const again = (error) => (Date.now() > until ? (console.error(`no answer: ${error.message}`), process.exit(1)) : setTimeout(ask, 200));
  http.get({ host: '127.0.0.1', port: process.argv[2], path: '/' }, (response) => {
    if (response.statusCode !== 200) return again(new Error(`status ${response.statusCode}`));
    response.pipe(process.stdout);
  }).on('error', again);
})();
JS
cat "$log"
grep -q 'Hello from Laminate' "$log"

say "laminate history test-image"
laminate history test-image

say "laminate stop and rm"
laminate stop "$name" >/dev/null
laminate rm "$name" >/dev/null
say "All is well. Next: cd examples/hello, and bin/laminate --help"
