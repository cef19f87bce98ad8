"""`python -m blindwatch.evaluator FOLDER DIGEST`, in the environment of Concrete ML.

The token is the first line of standard input, so that no list of processes shows it; the port is the one line of
standard output. The process ends when its input is closed, so it never outlives who started it.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from threading import Thread

import uvicorn

from blindwatch.errors import BlindwatchError
from blindwatch.evaluator.evaluator import Evaluator
from blindwatch.evaluator.service import application
from blindwatch.wire.serving import quiet


def main() -> int:
    """Serve until standard input is closed."""
    token = sys.stdin.readline().strip()
    try:
        evaluator = Evaluator(Path(sys.argv[1]), sys.argv[2])
    except BlindwatchError as error:
        print(error.detail, file=sys.stderr)  # noqa: T201 - what started this shows it
        return 1
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(quiet(application(evaluator, token)))

    def watch() -> None:
        sys.stdin.read()
        server.should_exit = True

    Thread(target=watch, daemon=True).start()
    os.write(1, f"{listener.getsockname()[1]}\n".encode())
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
