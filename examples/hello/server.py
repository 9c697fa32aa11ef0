"""Serves one page that greets, and the files of static/."""

import html
import os
import signal
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GREETING = os.environ.get("GREETING", "Hello")
PORT = int(os.environ.get("PORT", "8000"))
HERE = Path(__file__).parent

PAGE = """<!doctype html>
<html lang="en">
<title>{greeting}</title>
<link rel="stylesheet" href="/style.css">
<h1>{greeting}</h1>
<p>This page was served from a container that calls itself <code>{host}</code>.</p>
</html>
"""


class Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args):
        super().__init__(*args, directory=HERE / "static")

    def do_GET(self):
        if self.path != "/":
            return super().do_GET()
        page = PAGE.format(greeting=html.escape(GREETING), host=html.escape(os.uname().nodename))
        body = page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# The container's first process gets no default signal handlers: without this, `stop` would wait ten seconds.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

if __name__ == "__main__":
    print(f"listening on port {PORT}", flush=True)
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
