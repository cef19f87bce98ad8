"""A witness that cosigns whatever it is sent, for tests that are not about witnesses: servers share one log key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from blindwatch.tlog.cosignatures import cosign
from blindwatch.tlog.keys import Signer
from blindwatch.tlog.submissions import Submission


def credulous(signer: Signer, clock: Callable[[], float] = time.time) -> str:
    """The address of such a witness, which is there until the tests end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signed = Submission.parse(body).signed
            given = cosign(signed.checkpoint, signer, int(clock()))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(given.line.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
